#!/usr/bin/python3
"""Bad input: one clear sentence, exit code 1 and no output file."""
import random
import resource
import shutil

from harness import *

RAW = ["--dtype", "u16", "--eod", EOD]


def scan_error(box, *words, **options):
    return box.error("scan", "-o", "x.emx", *words, **options)


def shard(box, name="a.bin", n_tokens=20000):
    content = u16(flatten(zipf_documents(1, n_tokens)))
    box.write(name, zstd(content, "--check") if name.endswith(".zst") else content)
    return name


def flip(box, name, offset, bit=4):
    content = bytearray(box.bytes(name))
    content[offset] ^= bit
    box.write(name, content)


def megatron(box, n=10, length=5, **change):
    """A Megatron pair of n documents of `length` tokens each; `change` replaces parts of the index."""
    tokens = [i % 50 for i in range(n * length - 1)] + [EOD]
    box.write("m.bin", u16(tokens))
    parts = {
        "magic": b"MMIDIDX\0\0",
        "version": struct.pack("<Q", 1),
        "dtype": b"\x08",
        "counts": struct.pack("<QQ", n, n + 1),
        "lengths": struct.pack(f"<{n}i", *[length] * n),
        "offsets": struct.pack(f"<{n}q", *[2 * length * i for i in range(n)]),
        "documents": struct.pack(f"<{n + 1}q", *range(n + 1)),
    }
    box.write("m.idx", b"".join({**parts, **change}.values()))


@test
def missing_file(box):
    scan_error(box, *RAW, "web=none.bin", says="none.bin")
    scan_error(box, *RAW, "web=none/", says="none/")
    scan_error(box, *RAW, "web=none*.bin", says="none*.bin")
    for command in ["info", "entropy", "weights"]:
        box.error(command, "none.emx", says=["none.emx: ", ": No such file or directory"])
    box.error("merge", "-o", "x.emx", "none.emx", says=["none.emx: ", ": No such file or directory"])


@test
def one_missing_file_among_good_ones(box):
    shard(box)
    scan_error(box, *RAW, "web=a.bin", "web=none.bin", says="none.bin")


@test
def empty_file(box):
    box.write("a.bin", b"")
    scan_error(box, *RAW, "web=a.bin", says=["a.bin", "empty"])
    scan_error(box, *RAW, "web=-", says="is empty")
    box.write("a.bin.zst", zstd(b""))
    scan_error(box, *RAW, "web=a.bin.zst", says=["a.bin.zst"])
    box.write("x.bin", b"")
    box.error("info", "x.bin", says="x.bin")


@test
def folder_without_shards(box):
    (box / "empty").mkdir()
    scan_error(box, *RAW, "web=empty", says="empty")
    box.write("text/readme.md", "hello")
    scan_error(box, *RAW, "web=text/", says="text")


@test
def truncated_zstd_frame(box):
    shard(box, "a.bin.zst")
    whole = box.bytes("a.bin.zst")
    for n in [20, len(whole) // 2, len(whole) - 5, len(whole) - 1]:
        box.write("a.bin.zst", whole[:n])
        scan_error(box, *RAW, "web=a.bin.zst", says=["a.bin.zst: zstd frame at byte 0 is cut off"])
        scan_error(box, *RAW, "web=-", stdin=whole[:n], says=["standard input: zstd frame at byte 0 is cut off"])


@test
def truncated_gzip_member(box):
    whole = gzip(u16(flatten(zipf_documents(1, 5000))))
    box.write("a.bin.gz", whole[: len(whole) // 2])
    scan_error(box, *RAW, "web=a.bin.gz", says=["a.bin.gz", "cut off"])


@test
def flipped_byte(box):
    for offset in [1 / 4, 1 / 2, 3 / 4]:
        shard(box, "a.bin.zst")
        flip(box, "a.bin.zst", int(offset * len(box.bytes("a.bin.zst"))))
        scan_error(box, *RAW, "web=a.bin.zst", says="a.bin.zst")


@test
def trailing_garbage(box):
    shard(box, "a.bin.zst")
    box.write("a.bin.zst", box.bytes("a.bin.zst") + b"garbage!")
    scan_error(box, *RAW, "web=a.bin.zst", says="a.bin.zst")


@test
def wrong_magic(box):
    shard(box)
    scan_error(box, "--format", "llmc", "web=a.bin", says=["a.bin", "magic"])
    scan_error(box, "--format", "npy", "web=a.bin", says="a.bin")
    megatron(box, magic=b"MMIDIDY\0\0")
    scan_error(box, "--format", "megatron", "web=m.bin", says="m.idx")
    box.error("info", "a.bin", says=["a.bin", "state file"])


@test
def headerless_file_without_a_type(box):
    shard(box)
    scan_error(box, "web=a.bin", says=["a.bin", "--dtype"])


@test
def odd_length(box):
    shard(box)
    content = box.bytes("a.bin")
    box.write("a.bin", content + b"\1")
    scan_error(box, *RAW, "web=a.bin", says="a.bin")
    box.write("b.bin.zst", zstd(content + b"\1"))
    scan_error(box, *RAW, "web=b.bin.zst", says="b.bin.zst")
    scan_error(box, *RAW, "web=-", stdin=content + b"\1", says="no whole number")
    box.write("c.bin", content[: len(content) // 4 * 4 - 2])
    scan_error(box, "--dtype", "u32", "web=c.bin", says="c.bin")


@test
def index_past_the_end(box):
    megatron(box)
    box.good("scan", "-q", "-o", "good.emx", "web=m")
    box.write("m.bin", box.bytes("m.bin")[:-2])
    scan_error(box, "web=m", says="m.")
    megatron(box, counts=struct.pack("<QQ", 1 << 60, 1 << 60))
    scan_error(box, "web=m", says="m.idx")
    megatron(box, lengths=struct.pack("<10i", *[5] * 9, 6))
    scan_error(box, "web=m", says="m.")
    megatron(box)
    box.write("m.idx", box.bytes("m.idx")[:-1])
    scan_error(box, "web=m", says="m.idx")


@test
def token_out_of_vocabulary(box):
    tokens = [1, 2, 3] * 1000
    tokens[1234] = 700
    box.write("a.bin", u16(tokens))
    scan_error(box, *RAW[:2], "--vocabulary", 700, "web=a.bin", says=["a.bin", "700", "2468"])
    box.good("scan", "-q", "-o", "y.emx", *RAW[:2], "--vocabulary", 701, "web=a.bin")
    box.write("b.bin", struct.pack("<3I", 1, 1 << 24, 2))
    scan_error(box, "--dtype", "u32", "web=b.bin", says=["b.bin", "16777216"])
    box.write("c.bin", struct.pack("<3i", 1, -1, 2))
    scan_error(box, "--dtype", "i32", "web=c.bin", says="c.bin")
    box.write("d.jsonl", '{"tokens": [1, 2]}\n{"tokens": [1, -2]}\n')
    scan_error(box, "web=d.jsonl", says="d.jsonl")


@test
def two_domains_with_one_name(box):
    shard(box)
    box.write("m.yaml", "domains: {web: a.bin, web: a.bin}")
    scan_error(box, *RAW, "-m", "m.yaml", says=["m.yaml:1:23", "two domains have the name 'web'"])


@test
def a_shard_twice_in_a_domain(box):
    shard(box)
    scan_error(box, *RAW, "web=a.bin", "web=a.bin", says="a.bin")


@test
def unreadable_folder_and_file(box):
    os.chmod(box.folder, 0o755)
    program = box / "entromix"  # where that user can reach it
    shutil.copy(PROGRAM, program)
    library = subprocess.run(["ldd", PROGRAM], stdout=subprocess.PIPE, check=True).stdout.decode()
    environment = {**os.environ}
    for path in re.findall(r"libentromix\S* => (\S+)", library):
        shutil.copy(path, box / os.path.basename(path))
        environment["LD_LIBRARY_PATH"] = str(box.folder)
    shard(box, "secret/a.bin")
    shard(box, "b.bin")
    os.chmod(box / "secret", 0o000)
    os.chmod(box / "b.bin", 0o000)
    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    try:
        for word, name in [("web=secret/", "secret"), ("web=secret/a.bin", "secret/a.bin"), ("web=b.bin", "b.bin"),
                           ("web=secret/*.bin", "secret/*.bin")]:
            command = [*as_nobody, program, "scan", "-o", "-", *map(str, RAW), word]
            done = subprocess.run(command, cwd=box.folder, env=environment, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE)
            error = done.stderr.decode()
            assert done.returncode == 1 and not done.stdout, (word, error)
            assert name in error and "Permission denied" in error and error.count("\n") == 1, (word, error)
    finally:
        os.chmod(box / "secret", 0o700)


@test
def output_that_cannot_be_made(box):
    shard(box)
    box.good("scan", "-q", "-o", "good.emx", *RAW, "web=a.bin")
    box.error("scan", "-o", "none/x.emx", *RAW, "web=a.bin", says=["none/x.emx: ", "No such file or directory"])
    box.error("merge", "-o", "none/x.emx", "good.emx", says=["none/x.emx: ", "No such file or directory"])
    box.error("weights", "-o", "none/x.json", "good.emx", says="none/x.json: No such file or directory")
    (box / "folder").mkdir()
    box.error("scan", "-o", "folder", *RAW, "web=a.bin", says="folder")


@test
def full_disk(box):
    shard(box)
    box.good("scan", "-q", "-o", "good.emx", *RAW, "web=a.bin")
    for words in [["scan", "-q", *RAW, "web=a.bin"], ["merge", "good.emx"], ["weights", "good.emx"]]:
        box.error(*words, "-o", "/dev/full", says=["/dev/full", "No space left on device"])
    limit = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))}
    box.error("scan", "-o", "x.emx", *RAW, "web=a.bin", says=["x.emx", "File too large"], **limit)
    box.error("merge", "-o", "x.emx", "good.emx", says=["x.emx", "File too large"], **limit)
    with open("/dev/full", "wb") as full:
        for words in [["info", "good.emx"], ["entropy", "good.emx"], ["weights", "good.emx"],
                      ["scan", "-q", "-o", "-", *RAW, "web=a.bin"], ["merge", "-o", "-", "good.emx"]]:
            result = box.run(*words, stdout=full)
            assert result.code == 1 and "No space left on device" in result.err, (words, result)


@test
def a_failure_leaves_the_old_file(box):
    shard(box)
    for name in ["x.emx", "x.json"]:
        box.write(name, "old")
    box.error("scan", "-o", "x.emx", "--dtype=u16", "--vocabulary", 5, "web=a.bin", says="a.bin")
    box.good("scan", "-q", "-o", "good.emx", *RAW, "web=a.bin")
    box.error("merge", "-o", "x.emx", "good.emx", "good.emx", says="good.emx")
    box.error("weights", "-o", "x.json", "--floor", "0.9", "--cap", "0.1", "good.emx", says="")
    assert box.bytes("x.emx") == box.bytes("x.json") == b"old"


@test
def merge_refuses_what_would_count_twice_or_differently(box):
    shard(box)
    box.good("scan", "-q", "-o", "a.emx", *RAW, "web=a.bin")
    box.good("scan", "-q", "-o", "b.emx", "--dtype=u16", "--eod=7", "web=a.bin")
    box.error("merge", "-o", "x.emx", "a.emx", "a.emx", says=["a.bin"])
    box.error("merge", "-o", "x.emx", "a.emx", "b.emx", says=["web"])


@test
def damaged_state_file(box):
    shard(box)
    box.good("scan", "-q", "-o", "good.emx", *RAW, "web=a.bin")
    whole = box.bytes("good.emx")
    for i in range(40):
        box.write("bad.emx", whole)
        flip(box, "bad.emx", i * (len(whole) - 1) // 39, 1 << i % 8)
        box.error("info", "--verify", "bad.emx", says="bad.emx")
        box.error("merge", "-o", "x.emx", "bad.emx", says="bad.emx")
        box.write("bad.emx", whole[: i * (len(whole) - 1) // 39])
        for command in ["info", "entropy", "weights"]:
            box.error(command, "bad.emx", says="bad.emx")
    box.error("entropy", "-", stdin=whole[:-1], says="standard input")
    box.error("entropy", "-", says="standard input")


@test
def state_file_of_another_version(box):
    shard(box)
    box.good("scan", "-q", "-o", "good.emx", *RAW, "web=a.bin")
    whole = bytearray(box.bytes("good.emx"))
    assert whole[8:12] == struct.pack("<I", 1)
    whole[8:12] = struct.pack("<I", 2)
    box.write("other.emx", bytes(whole))
    for command in ["info", "entropy", "weights"]:
        box.error(command, "other.emx", says=["other.emx", "version 2"])
    box.error("merge", "-o", "x.emx", "other.emx", says=["other.emx", "version 2"])


@test
def nowhere_for_what_memory_has_no_room_for(box):
    box.write("many.bin", random.Random(1).randbytes(6_000_000))  # 1.5 million pairs: 16 MiB of tables are not enough
    words = ["scan", "-o", "x.emx", "--dtype=u16", "--memory=16M", "a=many.bin"]
    box.error(*words, "--tmpdir=missing", says=["temporary file", "missing", "No such file", "--tmpdir"])
    box.error(*words, "--tmpdir=many.bin", says=["temporary file", "many.bin", "Not a directory"])
    limit = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))}
    box.error(*words, "--tmpdir=.", says=["temporary file", "File too large"], **limit)
    box.good("scan", "-q", "-o", "little.emx", *words[3:], "--tmpdir=.")
    box.good("scan", "-q", "-o", "plenty.emx", *words[3:], "--memory=1G", "--tmpdir=missing")
    assert box.bytes("little.emx") == box.bytes("plenty.emx")


@test
def folders_that_take_no_files(box):
    """Not even root's: /sys."""
    shard(box)
    for words, says in [(["-o", "/sys/x.emx"], "cannot create /sys/x.emx: "),
                        (["-o", "x.emx", "--checkpoint", "/sys"], "/sys/checkpoint.lock: cannot be opened: "),
                        (["-o", "x.emx", "--checkpoint", "/sys/ck"], "/sys/ck: cannot create the folder for checkpoints: ")]:
        box.error("scan", *RAW, "web=a.bin", *words, says=says)
    box.write("many.bin", random.Random(1).randbytes(6_000_000))
    box.error("scan", "-o", "x.emx", *RAW, "--memory=16M", "--tmpdir=/sys", "a=many.bin",
              says="cannot create a temporary file for pairs in /sys (--tmpdir names another folder): ")


@test
def too_little_memory(box):
    shard(box)
    scan_error(box, *RAW, "--memory", "1M", "web=a.bin", says="memory")


main()
