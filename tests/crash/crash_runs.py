#!/usr/bin/env python3
"""crash_runs - scans that are killed again and again, resumed to the end, and compared with an undisturbed one

    crash_runs.py ENTROMIX [--runs N] [--seed S] [--keep FOLDER]

A run draws from its seed how pairs break, whether a shard that is broken in its middle is there and skipped, how many
threads and how much memory there are, how often checkpoints are taken, and when which signal comes: SIGKILL at a random
time, or just while a checkpoint is being written, or one of the signals that ask for a checkpoint.  It resumes until the
scan is complete.  Then the state file must be the undisturbed one's, byte for byte, and the checkpoint folder empty;
before, there must be no output, or all of it, and nothing beside it.  Run i has seed S + i, so `--runs 1 --seed SEED`
repeats one.  The last line is `N passed, N failed`.
"""
import argparse
import array
import os
import pathlib
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

MODES = ["within-document", "stream", "window:1000"]
ON_ERROR = ["fail", "skip-shard"]
SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1]
SKIPPED, STOPPED = 3, 75
MOST_SECONDS_TO_STOP = 30


# --- shards of every kind, about 20 MB --------------------------------------------------------------------

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
        write(f"plain/{i}.bin", tokens(rng, 700000).tobytes())
    content = tokens(rng, 1500000).tobytes()
    write("frames/many.bin.zst", zstd(content, 100001))
    write("frames/odd.bin.zst", zstd(content[::-1], 333333))
    write("frames/one.bin.zst", zstd(tokens(rng, 900000).tobytes()))
    write("frames/gzip.bin.gz", gzip(content[:400000]))
    write("json/a.jsonl", jsonl(tokens(rng, 250000)))
    write("json/b.jsonl.zst", zstd(jsonl(tokens(rng, 150000))))
    for i in range(3):
        write(f"numpy/{i}.npy", npy(tokens(rng, 300000, "I", 1000000)))
    shard, index = megatron(tokens(rng, 600000))
    write("megatron/m.bin.zst", zstd(shard, 150001))
    write("megatron/m.idx", index)
    broken = bytearray(zstd(tokens(rng, 500000).tobytes(), 200001))
    broken[len(broken) * 2 // 3] ^= 64
    write("broken/broken.bin.zst", broken)
    write("broken/good.bin", tokens(rng, 100000).tobytes())
    domains = (b"defaults: {dtype: u16, eod: 0}\n"
          b"domains:\n"
          b"  plain: plain/\n"
          b"  frames: frames/\n"
          b"  json: {shards: json/, vocabulary: 30000}\n"
          b"  numpy: {shards: numpy/, dtype: u32}\n"
          b"  megatron: {shards: megatron/m.bin.zst, eod: 7}\n"
          b"  head: {shards: frames/, sample: 1000000}\n")
    write("fail.yaml", domains)
    write("skip-shard.yaml", domains + b"  broken: broken/\n")


# --- a run --------------------------------------------------------------------------------------------------

class Failed(Exception):
    pass


class Crashes:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.expected, self.seconds = {}, 0.0
        self.killed = self.stopped = self.resumed = 0
        self.slowest_stop = 0.0

    def command(self, mode, on_error, output, *words):
        return [self.program, "scan", "-q", "--manifest", self.folder / f"{on_error}.yaml", "--on-error", on_error,
                "--pairs", mode, "-o", output, *words]

    def complete(self, on_error, command):
        """Undisturbed, to the end."""
        done = subprocess.run(command, stderr=subprocess.PIPE)
        if done.returncode != self.success(on_error):
            raise Failed(f"exit {done.returncode}: {done.stderr.decode()}")

    @staticmethod
    def success(on_error):
        return SKIPPED if on_error == "skip-shard" else 0

    def undisturbed(self, mode, on_error):
        if (mode, on_error) not in self.expected:
            output = self.folder / f"{mode}-{on_error}.emx"
            start = time.monotonic()
            self.complete(on_error, self.command(mode, on_error, output))
            self.seconds = max(self.seconds, time.monotonic() - start)
            self.expected[mode, on_error] = output.read_bytes()
        return self.expected[mode, on_error]

    def state_of(self, box):
        def look(name):
            try:
                s = os.stat(box / "checkpoint" / name)
                return s.st_size, s.st_mtime_ns, s.st_ino
            except FileNotFoundError:
                return None
        return look("checkpoint.data"), look("checkpoint.journal")

    def wait(self, process, seconds):
        try:
            process.wait(max(seconds, 0))
            return True
        except subprocess.TimeoutExpired:
            return False

    def hunt(self, process, box, seconds):
        """Until something is written to the checkpoint."""
        before, end = self.state_of(box), time.monotonic() + seconds
        while process.poll() is None and time.monotonic() < end and self.state_of(box) == before:
            time.sleep(0.0005)

    def attempt(self, rng, box, command, success):
        """One process, disturbed; its exit code."""
        self.resumed += (box / "checkpoint/checkpoint.journal").exists()
        process = subprocess.Popen(command, stderr=subprocess.PIPE)
        way = rng.choice(["kill", "kill", "hunt", "hunt", "signal"])
        ended = self.wait(process, rng.random() * self.seconds * 1.2)
        if not ended and way == "hunt":
            self.hunt(process, box, 5)
            ended = self.wait(process, rng.random() ** 3 * 0.05)
        start = time.monotonic()
        if not ended:
            process.send_signal(rng.choice(SIGNALS) if way == "signal" else signal.SIGKILL)
        message = process.communicate(timeout=600)[1].decode()
        if not ended and process.returncode == STOPPED:
            self.stopped += 1
            self.slowest_stop = max(self.slowest_stop, time.monotonic() - start)
        elif not ended and process.returncode < 0:
            self.killed += 1
        if process.returncode not in (success, STOPPED, -signal.SIGKILL) and not (way == "signal" and process.returncode < 0):
            raise Failed(f"exit {process.returncode}: {message}")
        return process.returncode

    def check_whole_or_nothing(self, box, expected):
        """A process that is killed as it ends has put its output in place."""
        left = {p.name for p in box.iterdir()} - {"checkpoint", "x.emx"}
        if left:
            raise Failed(f"an incomplete scan left {sorted(left)}")
        output = box / "x.emx"
        if output.exists() and output.read_bytes() != expected:
            raise Failed("an incomplete scan left a state file that is not whole")

    def run(self, seed, box):
        rng = random.Random(seed)
        mode, on_error = rng.choice(MODES), rng.choice(ON_ERROR)
        expected = self.undisturbed(mode, on_error)
        attempts = rng.randint(1, 8)
        for i in range(attempts + 1):
            words = ["--checkpoint", box / "checkpoint", "--resume",
                     "--checkpoint-every", "%gs" % rng.choice([0.01, 0.05, 0.2, 1]),
                     "--threads", str(rng.randint(1, 4)), "--memory", rng.choice(["16M", "16M", "40M", "1G"])]
            command = self.command(mode, on_error, box / "x.emx", *words)
            if i == attempts:
                self.complete(on_error, command)
            elif self.attempt(rng, box, command, self.success(on_error)) == self.success(on_error):
                break
            else:
                self.check_whole_or_nothing(box, expected)
        if (box / "x.emx").read_bytes() != expected:
            raise Failed("the state file differs from that of the undisturbed scan")
        if list((box / "checkpoint").iterdir()):
            raise Failed("the complete scan left files in the checkpoint folder")
        if self.slowest_stop > MOST_SECONDS_TO_STOP:
            raise Failed(f"a scan took {self.slowest_stop:.1f} s to stop")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", help="folder to work in, which then stays")
    args = parser.parse_args()
    folder = pathlib.Path(args.keep or tempfile.mkdtemp(prefix="emx-crash-"))
    folder.mkdir(exist_ok=True)
    print(f"seeds {args.seed} to {args.seed + args.runs - 1}", flush=True)
    make_corpus(folder, random.Random(1))
    crashes = Crashes(os.path.abspath(args.program), folder)
    failed = 0
    for seed in range(args.seed, args.seed + args.runs):
        box = folder / f"run-{seed}"
        box.mkdir()
        try:
            crashes.run(seed, box)
            shutil.rmtree(box)
        except (Failed, subprocess.CalledProcessError, subprocess.TimeoutExpired) as e:
            failed += 1
            print(f"FAILED seed {seed}: {e}", flush=True)
    print(f"{crashes.killed} processes killed, {crashes.stopped} stopped by a signal (the slowest in "
          f"{crashes.slowest_stop:.2f} s), {crashes.resumed} resumed from a checkpoint")
    if not args.keep and not failed:
        shutil.rmtree(folder)
    elif not args.keep:
        print(f"what is left of them is in {folder}")
    print(f"{args.runs - failed} passed, {failed} failed")
    sys.exit(failed != 0)


main()
