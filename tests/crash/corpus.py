"""corpus - shards of every kind, about 5 MB, for scans that are disturbed

    make_corpus(folder, rng)    writes them, vectors.npy for their tokens, and fail.yaml and skip-shard.yaml; the second names a
                                broken shard, too
"""
import array
import struct
import subprocess

import numpy

__all__ = ["make_corpus"]


def tokens(rng, n, code="H", vocabulary=30000):
    """Small ids more often; 0 is the end of a document."""
    drawn = array.array("I", rng.randbytes(4 * n))
    return array.array(code, [((x >> 16) * (x & 65535) >> 16) * vocabulary >> 16 for x in drawn])


def zstd(content, n=None):
    """In frames of n bytes that state their size."""
    n = n or len(content)
    frames = []
    for at in range(0, len(content), n):
        part = content[at:at + n]
        frames.append(subprocess.run(["zstd", "-cq1", f"--stream-size={len(part)}"], input=part, stdout=subprocess.PIPE,
                                     check=True).stdout)
    return b"".join(frames)


def gzip(content):
    return subprocess.run(["gzip", "-1c"], input=content, stdout=subprocess.PIPE, check=True).stdout


def npy(values):
    head = "{'descr': '<u4', 'fortran_order': False, 'shape': (%d,), }" % len(values)
    head += " " * (-(len(head) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + values.tobytes()


def jsonl(values, length=50):
    lines = ['{"tokens": %s}\n' % values[i:i + length].tolist() for i in range(0, len(values), length)]
    return "".join(lines).encode()


def megatron(values, length=333):
    """.bin and .idx of documents of that length."""
    sizes = [min(length, len(values) - i) for i in range(0, len(values), length)]
    index = b"MMIDIDX\x00\x00" + struct.pack("<QBQQ", 1, 8, len(sizes), len(sizes) + 1)
    index += struct.pack(f"<{len(sizes)}i", *sizes)
    index += struct.pack(f"<{len(sizes)}q", *(2 * length * i for i in range(len(sizes))))
    index += struct.pack(f"<{len(sizes) + 1}q", *range(len(sizes) + 1))
    return values.tobytes(), index


def make_corpus(folder, rng):
    def write(name, content):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)

    for i in range(3):
        write(f"plain/{i}.bin", tokens(rng, 150000).tobytes())
    content = tokens(rng, 400000).tobytes()
    write("frames/many.bin.zst", zstd(content, 30001))
    write("frames/odd.bin.zst", zstd(content[::-1], 99999))
    write("frames/one.bin.zst", zstd(tokens(rng, 200000).tobytes()))
    write("frames/gzip.bin.gz", gzip(content[:100000]))
    write("json/a.jsonl", jsonl(tokens(rng, 70000)))
    write("json/b.jsonl.zst", zstd(jsonl(tokens(rng, 40000))))
    for i in range(3):
        write(f"numpy/{i}.npy", npy(tokens(rng, 200000, "I", 300000)))
    shard, index = megatron(tokens(rng, 150000))
    write("megatron/m.bin.zst", zstd(shard, 40001))
    write("megatron/m.idx", index)
    broken = bytearray(zstd(tokens(rng, 150000).tobytes(), 60001))
    broken[len(broken) * 2 // 3] ^= 64
    write("broken/broken.bin.zst", broken)
    write("broken/good.bin", tokens(rng, 50000).tobytes())
    vectors = numpy.random.default_rng(1).standard_normal((300000, 2))
    numpy.save(folder / "vectors.npy", vectors.astype("<f2"))
    domains = (b"defaults: {dtype: u16, eod: 0}\n"
          b"domains:\n"
          b"  plain: plain/\n"
          b"  frames: frames/\n"
          b"  json: {shards: json/, vocabulary: 30000}\n"
          b"  numpy: {shards: numpy/, dtype: u32}\n"
          b"  megatron: {shards: megatron/m.bin.zst, eod: 7}\n"
          b"  head: {shards: frames/, sample: 300000}\n")
    write("fail.yaml", domains)
    write("skip-shard.yaml", domains + b"  broken: broken/\n")
