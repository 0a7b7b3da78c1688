#!/usr/bin/python3
"""Every system call and allocation of the program fails once: a clean error, or equal bytes.

    faults.py PROGRAM SHIM                a few calls of each kind: seconds
    faults.py PROGRAM SHIM --full [JOB..] each call of each kind, one after the other, until a run sees no fault
    faults.py PROGRAM SHIM --random=SECONDS [JOB..]
                                          any call of any kind, for so long: what other threads do meanwhile differs,
                                          so several of these at once find what the others do not

Of each run must hold:
    exit 0   output and standard output are those of an undisturbed run;
    exit 1   one sentence on standard error, the old output as it was, and nothing left behind;
    killed   the old output or the new one, whole.
A failure prints EMX_FAULT=CALL:WHAT:N, which shim.c describes: it is enough to see it again.
"""
import concurrent.futures
import os
import pathlib
import random
import re
import shutil
import signal
import struct
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cli"))
from harness import *  # noqa: E402

SHIM = os.path.abspath(sys.argv[2])
FULL = "--full" in sys.argv[3:]
RANDOM = sum(float(word.partition("=")[2]) for word in sys.argv[3:] if word.startswith("--random="))
CHOSEN = [word for word in sys.argv[3:] if not word.startswith("--")]
OLD = b"what was there before"

# CALL, WHAT, whether it goes on ("+"), whether the quick form has it, too
FAULTS = [
    ("open", "EACCES", "", True), ("open", "EINTR", "", False), ("open", "EMFILE", "+", False),
    ("read", "EIO", "", True), ("read", "EINTR", "", True), ("read", "SHORT", "+", True), ("read", "SHRINK", "", True),
    ("write", "ENOSPC", "+", True), ("write", "EDQUOT", "", False), ("write", "EROFS", "+", False),
    ("write", "EINTR", "", True), ("write", "SHORT", "+", True), ("write", "EIO", "", False),
    ("fsync", "EIO", "", True), ("fsync", "ENOSPC", "+", False), ("close", "EIO", "", True), ("close", "EDQUOT", "+", False),
    ("rename", "EACCES", "", True), ("rename", "EROFS", "+", False), ("link", "EOPNOTSUPP", "+", True),
    ("link", "ENOSPC", "", False), ("stat", "EACCES", "", True), ("stat", "ESTALE", "+", False),
    ("mmap", "ENOMEM", "", True), ("mmap", "SHRINK", "", True), ("memory", "ENOMEM", "", True), ("memory", "ENOMEM", "+", False),
    ("thread", "EAGAIN", "", True), ("thread", "EAGAIN", "+", True),
    ("read", "KILL", "", False), ("write", "KILL", "", True), ("fsync", "KILL", "", True), ("link", "KILL", "", True),
    ("rename", "KILL", "", True), ("close", "KILL", "", False),
]

# name, words, output file or None for standard output, which faults the quick form has of it
JOBS = [
    ("scan", ["scan", "-q", "-j2", "-m", "m.yaml", "-o", "out"], "out", "all"),
    ("documents", ["scan", "-q", "-j2", "-m", "m.yaml", "--embeddings=vectors.npy", "--vne-documents=50", "-o", "out"], "out",
     "memory"),
    ("spill", ["scan", "-q", "-j2", "--memory=16M", "--dtype=u16", "a=many.bin", "-o", "out"], "out", "none"),
    ("merge", ["merge", "-q", "good.emx", "other.emx", "-o", "out"], "out", "all"),
    ("info", ["info", "--verify", "--shards", "good.emx"], None, "memory"),
    ("entropy", ["entropy", "good.emx"], None, "memory"),
    ("compare", ["compare", "good.emx"], None, "memory"),
    ("weights", ["weights", "good.emx", "--to", "csv", "-o", "out"], "out", "memory"),
    ("fit", ["fit", "losses.csv", "-o", "out"], "out", "memory"),
    ("predict", ["predict", "law.json", "--mixture", "mix.csv", "--steps", "200"], None, "memory"),
    ("optimize", ["optimize", "law.json", "--steps", "200", "--to", "json", "-o", "out"], "out", "memory"),
    ("plan", ["plan", "good.emx", "--law", "law.json", "-n4", "--bounds=0.1..0.9", "-f", "json"], None, "memory"),
    ("vne", ["vne", "good.emx", "--embeddings", "vectors.npy", "-o", "out"], "out", "mmap"),
]


def npy(rows):
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }\n" % (len(rows), len(rows[0]))
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + struct.pack(
        f"<{len(rows) * len(rows[0])}f", *flatten(rows))


def megatron(box, name, documents):
    n = len(documents)
    ends = [sum(map(len, documents[:i])) for i in range(n)]
    box.write(f"{name}.bin", u16(flatten(documents)))
    box.write(f"{name}.idx", b"MMIDIDX\0\0" + struct.pack("<QBQQ", 1, 8, n, n + 1) + struct.pack(
        f"<{n}i{n}q{n + 1}q", *map(len, documents), *[2 * end for end in ends], *range(n + 1)))


def losses():
    rows = ["run,step,weight_code,weight_web,code_loss,web_loss"]
    for run, (code, web) in enumerate([(0.1, 0.9), (0.3, 0.7), (0.5, 0.5), (0.8, 0.2)]):
        for step in [100, 200, 400]:
            values = [(1 + 30 / step) * (1.5 + 0.5 * share**-0.3) for share in (code, web)]
            rows.append(f"r{run},{step},{code},{web},{values[0]:.6f},{values[1]:.6f}")
    return "\n".join(rows) + "\n"


def prepare(box):
    """Inputs of every job: small, but of every way of reading."""
    documents = zipf_documents(1, 3000, 300)
    box.write("a.bin", u16(flatten(documents)))
    box.write("b.bin.zst", zstd(u16(flatten(zipf_documents(2, 3000, 300))), "--check"))
    frames = [u16(flatten(zipf_documents(seed, 2000, 300))) for seed in range(3, 6)]
    box.write("c.bin.zst", b"".join(zstd(frame, "--check") for frame in frames))
    box.write("d.bin.gz", gzip(u16(flatten(zipf_documents(7, 1000, 300)))))
    box.write("e.jsonl", "".join(f'{{"tokens": {document}}}\n' for document in zipf_documents(8, 500, 300)))
    megatron(box, "f", zipf_documents(9, 500, 300))
    box.write("m.yaml", f"defaults: {{dtype: u16, eod: {EOD}}}\ndomains:\n  web: [a.bin, b.bin.zst, c.bin.zst, d.bin.gz]\n"
                        "  code: {shards: [e.jsonl]}\n  books: {shards: [f]}\n")
    box.write("many.bin", random.Random(1).randbytes(6_000_000))
    box.write("losses.csv", losses())
    box.write("mix.csv", "domain,proportion\ncode,0.4\nweb,0.6\n")
    box.write("vectors.npy", npy([[(i * k) % 7 - 3 for k in range(1, 5)] for i in range(EOD + 1)]))
    raw = ["--dtype=u16", f"--eod={EOD}"]
    box.good("scan", "-q", "-o", "good.emx", *raw, "web=a.bin", "code=d.bin.gz")
    box.good("scan", "-q", "-o", "other.emx", *raw, "web=b.bin.zst", "books=c.bin.zst")
    box.good("fit", "losses.csv", "-o", "law.json")
    (box / "tmp").mkdir()


def numbers():
    """1, 2, 3, ... in full; else ever further apart."""
    n, step = 1, 1
    while True:
        yield n
        n, step = (n + 1, 1) if FULL else (n + step, step + max(1, step // 2) if n > 3 else 1)


class Job:
    def __init__(self, box, name, words, output):
        self.box, self.name, self.words, self.output = box, name, words, output
        self.inputs = {path: box.bytes(path) for path in box.files() if (box / path).is_file()}
        self.expected = self.run()
        assert self.expected.code == 0, self.expected.err
        self.whole = box.bytes(output) if output else self.expected.out
        self.restore()

    def restore(self):
        for path in self.box.files():
            if (self.box / path).is_file() and path not in self.inputs:
                (self.box / path).unlink()
        for path, content in self.inputs.items():
            if (self.box / path).stat().st_size != len(content):
                self.box.write(path, content)
        if self.output:
            self.box.write(self.output, OLD)

    def run(self, fault=None):
        """Result of a run, after which self.fired says whether there was a fault."""
        environment = {**os.environ, "TMPDIR": str(self.box / "tmp")}
        count = self.box / "count"
        if fault:
            environment |= {"LD_PRELOAD": SHIM, "EMX_FAULT": fault, "EMX_FAULT_COUNT": str(count),
                            "EMX_FAULT_FROM": "entromix"}
        result = self.box.run(*self.words, env=environment)
        if fault:
            self.n_calls, n_faults = struct.unpack("<QQ", count.read_bytes())
            self.fired = n_faults > 0
            count.unlink()
        return result

    def left(self):
        known = set(self.inputs) | ({self.output} if self.output else set())
        return {path for path in self.box.files() - known if (self.box / path).is_file()}

    def check(self, result, killed):
        """What is wrong with a run, or None."""
        new = self.box.bytes(self.output) if self.output else None
        if self.left() and not (killed and all(re.fullmatch(r"\.out\..*\.tmp", path) for path in self.left())):
            return f"left {self.left()}"
        if result.code == 0:
            if new not in (None, self.whole) or result.out != self.expected.out:
                return "another result, and success"
            return None
        if killed:
            return None if new in (None, OLD, self.whole) else "part of an output"
        lines = result.err.splitlines()
        if result.code != 1 or not lines or not lines[-1].startswith("entromix: ") or len(lines) > 2:
            return f"exit {result.code}: {result.err[-300:]!r}"
        if new not in (None, OLD) and not (new == self.whole and ("is in place" in result.err or self.expected.out)):
            return "the output was touched"  # a report that follows it on standard output may fail
        if not self.expected.out.startswith(result.out):
            return "standard output is not a part of the result"
        return None

    def try_one(self, fault):
        """A complaint, or None."""
        result = self.run(fault)
        complaint = self.check(result, result.code == -signal.SIGKILL)
        self.restore()
        return f"EMX_FAULT={fault} {' '.join(self.words)}: {complaint}" if complaint else None

    def tries(self, call, what, on, most):
        """Runs with the 1st, 2nd, ... call failing; (number of runs, complaints)."""
        complaints, n_runs = [], 0
        for n in numbers():
            complaint = self.try_one(f"{call}:{what}:{n}{on}")
            n_runs += 1
            if complaint:
                complaints.append(complaint)
            if not self.fired or n >= most:
                return n_runs, complaints

    def random_tries(self, seconds):
        complaints, n_runs, n_calls, end = [], 0, {}, time.monotonic() + seconds
        while time.monotonic() < end:
            call, what, on, _ = random.choice(FAULTS)
            if call not in n_calls:
                self.try_one(f"{call}:{what}:{10**9}")
                n_calls[call] = self.n_calls
            complaint = self.try_one(f"{call}:{what}:{random.randint(1, n_calls[call] + 1)}{on}")
            n_runs += 1
            if complaint:
                complaints.append(complaint)
        return n_runs, complaints


def run_job(name, words, output, share):
    n_runs, complaints = 0, []
    with tempfile.TemporaryDirectory(prefix="emx-faults-") as folder:
        box = Box(folder)
        prepare(box)
        job = Job(box, name, words, output)
        if RANDOM:
            return name, *job.random_tries(RANDOM)
        for call, what, on, quick in FAULTS:
            if FULL or (quick and share in ("all", call)):
                runs, new = job.tries(call, what, on, 10**9 if FULL or share == "all" else 40)
                n_runs += runs
                complaints += new
    return name, n_runs, complaints


def missing_threads_are_told():
    """A scan goes on with those that it gets."""
    with tempfile.TemporaryDirectory(prefix="emx-faults-") as folder:
        box = Box(folder)
        box.write("a.bin", u16(flatten(zipf_documents(1, 3000, 300))))
        environment = {**os.environ, "LD_PRELOAD": SHIM, "EMX_FAULT": "thread:EAGAIN:2"}
        words = ["scan", "-j4", "--progress=never", "--dtype=u16", f"--eod={EOD}", "a=a.bin", "-o", "out"]
        result = box.run(*words, env=environment)
        assert result.code == 0, result.err
        says = "entromix: warning: threads: the system refuses to start 1 of 4, so the scan may be slower"
        assert result.err.splitlines()[:-1] == [says], result.err


def no_thread_is_needed_once_all_is_counted():
    """Two count; none is started to sort, encode and write."""
    with tempfile.TemporaryDirectory(prefix="emx-faults-") as folder:
        box = Box(folder)
        box.write("a.bin", random.Random(1).randbytes(2_000_000))
        words = ["scan", "-q", "-j2", "--dtype=u16", "a=a.bin", "-o"]
        fault = {"LD_PRELOAD": SHIM, "EMX_FAULT": "thread:EAGAIN:3+", "EMX_FAULT_FROM": "entromix",
                 "EMX_FAULT_COUNT": str(box / "count")}
        box.good(*words, "undisturbed")
        box.good(*words, "alone", env={**os.environ, **fault})
        assert struct.unpack("<QQ", box.bytes("count"))[1] > 0
        assert box.bytes("alone") == box.bytes("undisturbed")


def main():
    missing_threads_are_told()
    no_thread_is_needed_once_all_is_counted()
    passed = failed = 0
    jobs = [job for job in JOBS if not CHOSEN or job[0] in CHOSEN]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, n_runs, complaints in pool.map(lambda job: run_job(*job), jobs):
            for complaint in complaints[:40]:
                print(complaint)
            print(f"{name}: {n_runs} runs, {len(complaints)} complaints", flush=True)
            passed += not complaints
            failed += bool(complaints)
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed != 0)


main()
