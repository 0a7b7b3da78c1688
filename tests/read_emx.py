#!/usr/bin/env python3
"""read_emx.py - a second reader of .emx files, written from docs/emx-format.md alone

    read_emx.py FILE      print all that it holds, a line each

It checks every checksum, order and total that the page states and ends with status 1 at the first that fails.
zstd and XXH3 are called in the C libraries, so no Python package is needed.
"""
import ctypes
import struct
import sys
from itertools import groupby

zstd = ctypes.CDLL("libzstd.so.1")
zstd.ZSTD_getFrameContentSize.restype = ctypes.c_ulonglong
zstd.ZSTD_decompress.restype = ctypes.c_size_t
xxhash = ctypes.CDLL("libxxhash.so.0")
xxhash.XXH3_64bits.restype = ctypes.c_uint64

NO_TOKEN = 2**32 - 1
ORDER = [b"SHRD", b"TAIL", b"PAIR", b"SPEC", b"DOMN"]
OPTIONAL = b"COVR"  # right after DOMN
BLOCK_ROWS = 65536


class Bad(Exception):
    pass


def check(condition, what):
    if not condition:
        raise Bad(what)


def xxh3(data):
    return xxhash.XXH3_64bits(data, ctypes.c_size_t(len(data)))


def unzstd(frame, limit):
    size = zstd.ZSTD_getFrameContentSize(frame, ctypes.c_size_t(len(frame)))
    check(size <= limit, "content size of a zstd frame")
    out = ctypes.create_string_buffer(size)
    n = zstd.ZSTD_decompress(out, ctypes.c_size_t(size), frame, ctypes.c_size_t(len(frame)))
    check(n == size, "zstd frame")
    return out.raw


class Bytes:
    """A cursor over bytes."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        check(self.at + n <= len(self.data), "bytes that are cut off")
        self.at += n
        return self.data[self.at - n:self.at]

    def unpack(self, layout):
        return struct.unpack("<" + layout, self.take(struct.calcsize("<" + layout)))

    def string(self):
        end = self.data.find(b"\0", self.at)
        check(1 <= end - self.at <= 65535, "string")
        s = self.data[self.at:end]
        self.at = end + 1
        return s

    def leb128(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                check(value < 2**64 and (byte or shift == 7), "LEB128")
                return value

    def over(self):
        return self.at == len(self.data)


class Bits:
    """The bit stream of a block as one large number."""

    def __init__(self, data):
        self.value, self.left = int.from_bytes(data, "little"), 8 * len(data)

    def take(self, n):
        check(n <= self.left, "bits that are cut off")
        low = self.value & ((1 << n) - 1)
        self.value >>= n
        self.left -= n
        return low


def rows_of_block(n_rows, bit_bytes, classes, runs):
    check(len(classes) == n_rows, "number of classes")
    n_runs = len(runs) // 2
    check(sum(runs[n_runs:]) == n_rows and min(runs) >= 1, "runs")
    bits, at, first = None, 0, -1
    for step, length in zip(runs[:n_runs], runs[n_runs:]):
        first += step
        second = -1
        for row in range(at, at + length):
            if row % 512 == 0:  # large numbers shift slowly, so take the stream in portions
                bits, bit_bytes = refill(bits, bit_bytes)
            log_d, log_c = classes[row] % 32, classes[row] // 32
            second += 1 << log_d | bits.take(log_d)
            if log_c == 7:
                log_c = bits.take(6)
                check(7 <= log_c <= 62, "class of a count")
            yield first, second, 1 << log_c | bits.take(log_c)
            check(second < 2**24, "second token")
        at += length
    check(first < 2**24, "first token")
    check(bits.left + 8 * len(bit_bytes) < 8 and bits.value == 0, "end of the bits")


def refill(bits, rest):
    n = 512 * 92 // 8 + 8
    more = Bits(rest[:n])
    if bits:
        more.value = more.value << bits.left | bits.value
        more.left += bits.left
    return more, rest[n:]


def read_block(b):
    start = b.at
    checksum, n_rows, n_runs, n_bits, n_classes, n_run_bytes, zero = b.unpack("QIIIIII")
    check(1 <= n_runs <= n_rows <= BLOCK_ROWS and zero == 0, "block header")
    bits, classes, runs = b.take(n_bits), b.take(n_classes), b.take(n_run_bytes)
    check(xxh3(b.data[start + 8:b.at]) == checksum, "checksum of a block")
    numbers = Bytes(unzstd(runs, 8 * n_runs))
    columns = [numbers.leb128() for _ in range(2 * n_runs)]
    check(numbers.over(), "bytes after the runs")
    return rows_of_block(n_rows, bits, unzstd(classes, BLOCK_ROWS), columns), n_rows


def read_table(data):
    b = Bytes(data)
    last = (-1, -1)
    while not b.over():
        rows, n = read_block(b)
        check(n == BLOCK_ROWS or b.over(), "short block before the last")
        for row in rows:
            check(row[:2] > last, "order of rows")
            last = row[:2]
            yield row


def read_spectrum(b):
    spectrum, count = [], 0
    for _ in range(b.leb128()):
        step, types = b.leb128(), b.leb128()
        check(step and types, "spectrum")
        count += step
        spectrum.append((count, types))
    return spectrum


def spectrum_of(counts):
    return [(count, len(list(group))) for count, group in groupby(sorted(counts))]


def read_shards(data, n):
    b = Bytes(data)
    shards = [b.unpack("6Q") + tuple(b.string() for _ in range(4)) for _ in range(n)]
    keys = [(s[6], s[1]) for s in shards]
    check(b.over() and all(x < y for x, y in zip(keys, keys[1:])), "shard records")
    return shards


def text(s):
    return s.decode("utf-8", "surrogateescape")


def print_covariance(data, n_tokens, n_documents):
    b = Bytes(data)
    checksum, n_head, dimension, width, precise = b.unpack("Q4I")
    check(xxh3(data[8:n_head]) == checksum and precise <= 1, "head of a covariance")
    vectors, requested, seed, n, left_out, tokens, without = b.unpack("7Q")
    weighting, source = b.string(), b.string()
    check(b.at == n_head and 1 <= dimension <= 4096 and 1 <= width <= 16, "head of a covariance")
    check(n + left_out == min(requested or n_documents, n_documents) and n <= 2**40, "documents of a covariance")
    check(without <= tokens <= n_tokens, "tokens of a covariance")
    print("covariance", dimension, precise, "%016x" % vectors, text(weighting), requested, seed, n, left_out, tokens, without,
          text(source))
    trace = largest = 0
    one = 2 ** (80 if precise else 48)
    for column in range(dimension):
        for row in range(column, dimension):
            x = int.from_bytes(b.take(width), "little", signed=True)
            print("sum", x)
            check(abs(x) <= n * one + n * one // 1024 and (x >= 0 or row > column), "sums of a covariance")
            trace += x if row == column else 0
            largest = max(largest, (x if x >= 0 else ~x).bit_length())
    check(abs(trace - n * one) <= n * one // 1024 and width == largest // 8 + 1, "trace or width of a covariance")
    check(b.over(), "bytes after a covariance")


def print_domain(sections, previous_name):
    d = Bytes(sections[b"DOMN"])
    pairs, window, eod, eod_first, vocabulary, max_token = d.unpack("6I")
    sample, n_tokens, n_documents, without_eod, n_pairs, n_rows, n_tails, n_shards = d.unpack("8Q")
    name = d.string()
    check(d.over() and (previous_name is None or name > previous_name), "order of domains")
    print("domain", text(name), pairs, window, eod, eod_first, vocabulary, max_token, sample)
    print("totals", n_tokens, n_documents, without_eod, n_pairs, n_rows, n_tails)
    shards = read_shards(sections[b"SHRD"], n_shards)
    for n_bytes, checksum, index, tokens, documents, shard_pairs, *strings in shards:
        print("shard", *map(text, strings), n_bytes, "%016x %016x" % (checksum, index), tokens, documents, shard_pairs)
    if shards:
        sums = [sum(s[i] for s in shards) for i in (3, 4, 5)]
        check(sums == [n_tokens, n_documents, n_pairs], "sums of shards")
    tails = {}
    for zero, token, count in read_table(sections[b"TAIL"]):
        check(zero == 0, "first token of a tail")
        tails[token] = count
        print("tail", token, count)
    firsts, counts, seconds = {}, [], 0
    for first, second, count in read_table(sections[b"PAIR"]):
        firsts[first] = firsts.get(first, 0) + count
        counts.append(count)
        seconds = max(seconds, second)
        print("pair", first, second, count)
    tokens = {t: tails.get(t, 0) + firsts.get(t, 0) for t in tails.keys() | firsts.keys()}
    check(sum(counts) == n_pairs and len(counts) == n_rows and sum(tails.values()) == n_tails, "totals")
    check(n_tokens == n_pairs + n_tails < 2**63, "tokens")
    check(max([seconds, *tokens]) == max_token and (not vocabulary or max_token < vocabulary), "largest token")
    check(eod == NO_TOKEN or eod < 2**24, "end-of-document token")
    b = Bytes(sections[b"SPEC"])
    for label, expected in ("tokens", tokens.values()), ("pairs", counts), ("firsts", firsts.values()):
        spectrum = read_spectrum(b)
        check(spectrum == spectrum_of(expected), "spectrum of " + label)
        for count, types in spectrum:
            print(label, count, types)
    check(b.over(), "bytes after the spectra")
    if OPTIONAL in sections:
        print_covariance(sections[OPTIONAL], n_tokens, n_documents)
    return name


def read_frame(data):
    """The sections of each domain."""
    check(data[:8] == b"\x89EMX\r\n\x1a\n" and data[-8:] == b"EMX end\n" and len(data) >= 56, "magic")
    check(struct.unpack("<II", data[8:16]) == (1, 0), "version or flags")
    at, length, checksum, trailer_checksum = struct.unpack("<4Q", data[-40:-8])
    check(at + length + 40 == len(data) and length % 40 == 0, "trailer")
    check(xxh3(data[:16] + data[-40:-16]) == trailer_checksum, "checksum of the trailer")
    directory = Bytes(data[at:at + length])
    check(xxh3(directory.data) == checksum, "checksum of the directory")
    domains, skipped, end, last = [], None, 16, b""
    while not directory.over():
        kind, flags, domain, zero, offset, length, checksum = directory.unpack("4s3I3Q")
        check(zero == 0 and offset == end and offset + length <= at, "directory entry")
        end = offset + length
        check(xxh3(data[offset:end]) == checksum, "checksum of section " + repr(kind))
        before, last = last, kind
        if kind == OPTIONAL:
            check(flags == 1 and before == b"DOMN" and domain == len(domains) - 1, "place of a covariance")
            domains[-1][kind] = data[offset:end]
            continue
        if kind == b"SKIP" and flags == 1:
            check(skipped is None, "second list of what was skipped")
            skipped = data[offset:end]
        if kind not in ORDER and flags == 1:
            continue
        check(kind in ORDER and flags == 0, "newer section " + repr(kind))
        if kind == ORDER[0]:
            domains.append({})
        check(domain == len(domains) - 1 and len(domains[-1]) == ORDER.index(kind), "order of sections")
        domains[-1][kind] = data[offset:end]
    check(end == at and all(set(ORDER) <= set(d) for d in domains), "sections of a domain")
    return domains, skipped


def print_skipped(data):
    b, last = Bytes(data), ()
    while not b.over():
        kind, zero, *numbers = b.unpack("2I4Q")
        domain, path, reason = (b.string() for _ in range(3))
        check(zero == 0 and kind in (1, 2), "kind of what was skipped")
        check(any(numbers) == (kind == 2) and numbers[0] <= numbers[1] and numbers[2] <= numbers[3], "skipped range")
        key = (domain, path, kind, *numbers[:2])
        check(key > last, "order of what was skipped")
        last = key
        print("skipped", text(domain), text(path), kind, *numbers, text(reason))


def main():
    sys.stdout.reconfigure(errors="surrogateescape")
    with open(sys.argv[1], "rb") as f:
        data = f.read()
    name = None
    domains, skipped = read_frame(data)
    for sections in domains:
        name = print_domain(sections, name)
    if skipped is not None:
        print_skipped(skipped)


if __name__ == "__main__":
    try:
        main()
    except (Bad, struct.error) as error:
        sys.exit("%s: wrong %s" % (sys.argv[1], error))
