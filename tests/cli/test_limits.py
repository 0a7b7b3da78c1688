#!/usr/bin/python3
"""Hostile files: whatever a file says is compared with what there is; limits are named by the option that raises them."""
import resource

from harness import *

RAW = ["--dtype", "u16"]


with open(PROGRAM, "rb") as program:
    SANITIZED = re.search(b"__[at]san_init", program.read())


def limited(most):
    """Run with so many bytes of address space: who believes a file asks for more.  Sanitizers need more by far."""
    return {} if SANITIZED else {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_AS, (most, most))}


LITTLE = limited(1 << 30)
TWO_TO_63 = struct.pack("<Q", 1 << 63)


def scan_error(box, *words, says, **options):
    return box.error("scan", "-j1", "--memory=64M", "-o", "x.emx", *words, says=says, **{**LITTLE, **options})


def zstd_header(window_log=None, content=None, checksum=False):
    """The header of a frame, of a stated window or a single segment of a stated size."""
    if window_log is not None:
        return struct.pack("<IBB", 0xFD2FB528, checksum << 2, (window_log - 10) << 3)
    return struct.pack("<IBQ", 0xFD2FB528, 0xE0 | checksum << 2, content)


def last_block(content=b"\1\0\2\0"):
    return struct.pack("<I", len(content) << 3 | 1)[:3] + content


@test
def windows_are_limited_by_memory(box):
    box.write("a.bin.zst", zstd_header(window_log=31) + last_block())
    scan_error(box, *RAW, "web=a.bin.zst", says=["frame at byte 0 needs a window of 2147483648 bytes", "--memory"])
    box.good("scan", "-q", "-j1", "--memory=8G", "-o", "y.emx", *RAW, "web=a.bin.zst")
    box.write("b.bin.zst", zstd_header(window_log=41) + last_block())
    scan_error(box, *RAW, "web=b.bin.zst", says="needs a window of 2199023255552 bytes")


@test
def little_memory_takes_few_threads(box):
    """Of processors there may be many in a container of little memory, and each thread has buffers."""
    box.write("a.bin", u16([1, 2, 3]))
    scan = ["scan", "-v", "--progress=never", "-o", "x.emx", *RAW, "web=a.bin"]
    for megabytes, plan in [("64", "plan: 1 thread,"), ("65536", f"plan: {len(os.sched_getaffinity(0))} thread")]:
        result = box.run(*scan, env={**os.environ, "SLURM_MEM_PER_NODE": megabytes})
        assert result.code == 0 and plan in result.err, result.err
    box.error(*scan, env={**os.environ, "SLURM_MEM_PER_NODE": "8"}, absent="x.emx",
              says="half of the memory that this process has, 4194304 bytes, is below the least for 1 thread, 16 MiB")


@test
def a_frame_of_2_to_the_63_is_cut_off(box):
    for name, tail in [("a", last_block()), ("b", b"")]:
        box.write(f"{name}.bin.zst", zstd_header(content=1 << 63) + tail)
        scan_error(box, *RAW, f"web={name}.bin.zst", says=f"{name}.bin.zst: zstd frame at byte 0 ")


@test
def what_expands_takes_no_memory(box):
    """256 MiB of one token in 25 KB, without their size; a scan that kept them could not."""
    box.write("a.bin.zst", zstd(bytes(1 << 28), "-1", "--no-content-size"))
    box.good("scan", "-q", "-j1", "--memory=16M", "-o", "y.emx", *RAW, "web=a.bin.zst", **limited(400 << 20))
    assert "134217728" in box.text("info", "--format", "json", "y.emx")
    box.write("a.bin.gz", gzip(bytes(1 << 26)))
    box.good("scan", "-q", "-j1", "--memory=16M", "-o", "y.emx", *RAW, "web=a.bin.gz", **limited(400 << 20))


@test
def an_index_that_expands_is_refused(box):
    """Of Megatron, datatrove and Dolma: 64 MiB beside a few tokens."""
    zeros = bytes(1 << 26)
    tokens = u16([1, 2, 3, 4])
    box.write("a.bin", tokens)
    box.write("a.idx.zst", zstd(zeros, "-1"))
    box.write("b.ds", tokens)
    box.write("b.ds.metadata", "gpt2|2\n4\n")
    box.write("b.ds.index.zst", zstd(zeros, "-1"))
    box.write("c.npy", tokens)
    box.write("c.csv.zst", zstd(b"\n" * (1 << 26), "-1"))
    for word, name in [("web=a.bin", "a.idx.zst"), ("web=b.ds", "b.ds.index.zst"), ("web=c.npy", "c.csv.zst")]:
        scan_error(box, *RAW, word, says=[f"{name}: is larger than ", "--memory raises this limit"])


@test
def counts_of_2_to_the_63_are_compared_with_the_file(box):
    tokens = u16([1, 2, 3, 4])
    box.write("a.bin", tokens)
    for counts in [TWO_TO_63 * 2, struct.pack("<QQ", 1 << 61, 1), struct.pack("<QQ", 1, 1 << 61)]:
        box.write("a.idx", b"MMIDIDX\0\0" + struct.pack("<QB", 1, 8) + counts + bytes(30))
        scan_error(box, "web=a.bin", says="a.idx: ")
    box.write("b.ds", tokens)
    box.write("b.ds.index", TWO_TO_63)
    scan_error(box, *RAW, "web=b.ds", says="b.ds: the index ends its last document at token 9223372036854775808")
    for shape in ["9223372036854775808,", "4294967296, 4294967296", "2305843009213693952,"]:
        header = f"{{'descr': '<u2', 'fortran_order': False, 'shape': ({shape})}}\n".encode()
        box.write("c.npy", b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + tokens)
        scan_error(box, "web=c.npy", says="c.npy: ")
    box.write("d.bin", struct.pack("<3I", 20240520, 1, 0x7FFFFFFF) + bytes(1012) + tokens)
    scan_error(box, "web=d.bin", says=["d.bin: cut off", "2147483647 tokens"])
    box.write("e.mds", struct.pack("<3I", 0xFFFFFFFF, 12, 12) + b'{"' + bytes(100))
    scan_error(box, "web=e.mds", says="e.mds: ")
    box.write("f.npy", tokens)
    box.write("f.csv", "0,9223372036854775808\n")
    scan_error(box, *RAW, "web=f.npy", says="f.npy: the index ends its last document at token 9223372036854775808")


@test
def json_lies_only_so_deep(box):
    deep = 3_000_000
    for name, text in [("a", '{"x": ' + "[" * deep), ("b", '{"tokens": ' + "[" * deep), ("c", '{"x":' * deep)]:
        box.write(f"{name}.jsonl", text)
        scan_error(box, f"web={name}.jsonl", says=f"{name}.jsonl: line 1")
    box.write("d.jsonl", '{"tokens": [' + "1" * 3_000_000)
    scan_error(box, "web=d.jsonl", says=["d.jsonl: line 1", "longer than"])
    box.write("law.json", "[" * deep)
    box.error("predict", "law.json", "--mixture=mix.json", "--steps=1", says="law.json: line 1: is no JSON", **LITTLE)
    box.write("m.yaml", "domains: " + "[" * 100_000)
    scan_error(box, "-m", "m.yaml", says="m.yaml:1:")
    box.write("n.yaml", "domains: &a [*a, *a]")
    scan_error(box, "-m", "n.yaml", says=["n.yaml:1:", "an anchor"])


@test
def lines_may_be_as_long_as_they_like_but_not_kept(box):
    box.write("a.jsonl", '{"text": "' + "x" * (1 << 26) + '", "tokens": [1, 2]}\n')
    box.good("scan", "-q", "-j1", "--memory=16M", "-o", "y.emx", "web=a.jsonl", **limited(400 << 20))
    box.write("t.csv", "run,step,weight_a,a_loss\n" + "x" * (1 << 22) + ",1,1,2\n")
    box.error("fit", "t.csv", says=["t.csv: row 2", "longer than 1 MiB"], **LITTLE)
    box.write("u.csv", "a," * 5000 + "\n")
    box.error("fit", "u.csv", says=["u.csv: row 1", "4096 columns"], **LITTLE)


@test
def vectors_are_compared_with_the_file(box):
    box.write("a.bin", u16([1, 2, 3, 4]))
    box.write("v.txt", "the\nof\nand\na\nto\n")
    box.good("scan", "-q", "-o", "s.emx", *RAW, "web=a.bin")
    hostile = {
        "a.npy": b"\x93NUMPY\1\0\x46\0{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4)}",
        "b.safetensors": TWO_TO_63 + b"{}",
        "c.safetensors": struct.pack("<Q", 75) + b'{"e":{"dtype":"F32","shape":[16000000,4096],'
                         b'"data_offsets":[0,262144000000]}}',
        "d.bin": b"9223372036854775807 4\nthe " + bytes(16),
        "e.bin": b"5 2147483647\nthe " + bytes(16),
        "f.bin": struct.pack("<2i", 793712314, 12) + struct.pack("<12i", 2**31 - 1, 5, 5, 1, 5, 1, 1, 2**31 - 1, 3, 6,
                                                                 100, 0) + bytes(200),
    }
    for name, content in hostile.items():
        box.write(name, content)
        box.error("vne", "-o", "x.vne", "-e", name, "--embedding-vocabulary", "v.txt", "s.emx", says=f"{name}: ", **LITTLE)
    box.write("w.json", '{"the": 9223372036854775807}')
    box.write("g.vec", "1 2\nthe 1 2\n")
    box.error("vne", "-o", "x.vne", "-e", "g.vec", "--embedding-vocabulary", "w.json", "s.emx", says="w.json: ", **LITTLE)


@test
def a_stream_without_end_is_no_state(box):
    """Refused by its first bytes, not when memory is full."""
    with open("/dev/zero", "rb") as zero:
        for command in ["info", "entropy", "weights"]:
            box.error(command, "-", stdin=zero, says="standard input: is not an entromix state file", **LITTLE)


@test
def large_files_of_holes_are_refused_at_once(box):
    """A tebibyte on disk that takes none: who reads it before looking at it needs an hour."""
    for name in ["x.emx", "x.idx", "x.npy"]:
        box.write(name, b"")
        os.truncate(box / name, 1 << 40)
    box.write("x.bin", u16([1, 2, 3, 4]))
    box.error("info", "x.emx", says="x.emx: is not an entromix state file")
    scan_error(box, "web=x.bin", says="x.idx: does not begin with the magic")
    box.good("scan", "-q", "-o", "s.emx", *RAW, "web=x.bin", "--format=raw")
    box.error("vne", "-o", "y.vne", "-e", "x.npy", "s.emx", says="x.npy: ")


main()
