#!/usr/bin/python3
"""crash_runs - scans that are disturbed again and again, resumed to the end, and compared with an undisturbed one

    crash_runs.py ENTROMIX [--shim SHIM] [--mpi] [--runs N] [--seed S] [--keep FOLDER]

A run draws from its seed how pairs break, whether a shard that is broken in its middle is there and skipped, whether
documents are summed up, all or a sample, with --mpi how many ranks mpirun starts, and how often it is disturbed.  Each time, anew, how many threads and how much memory there
are, how often checkpoints are taken, and what happens:

    kill     SIGKILL at a random time, within as long as an undisturbed scan takes for what is left to do; of ranks, one
             is killed, or mpirun
    hunt     SIGKILL in a phase of the scan, which is awaited
    signal   one of the signals that ask for a checkpoint; of ranks, to all, to one, or to mpirun
    call     SIGKILL before the n-th system call of a kind on one of the files (needs the shim of tests/faults)
    error    that call fails, or writes less than it was told to

A process that is killed must leave no output, or all of it; one that met an error ends with one sentence, and leaves
nothing beside it; of ranks none may go on.  Scans that end before they are disturbed are begun anew.  At the end the
state file must be the undisturbed one's, byte for byte, and the checkpoint folder empty.  Run i has seed S + i, so
`--runs 1 --seed SEED` repeats one, but for what the machine does meanwhile.  The last line is `N passed, N failed`.
"""
import argparse
import collections
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

from corpus import make_corpus
from job import Job

MODES = ["within-document", "stream", "window:1000"]
ON_ERROR = ["fail", "skip-shard"]
DOCUMENTS = [None, "all", "200"]
MEMORY = ["16M", "16M", "40M", "1G"]
MEMORY_WITH_DOCUMENTS = ["64M", "64M", "1G"]  # for four threads that each list tokens of 300,000 kinds
WAYS = ["kill", "kill", "hunt", "hunt", "signal"]
WAYS_OF_SHIM = ["call", "call", "error", "error"]
HUNTED = ["counting", "sorting pairs", "writing a checkpoint", "merging", "writing the state", "ending"]
SKIPPED, STOPPED = 3, 75
MOST_SECONDS_TO_STOP = 30
MOST_TRIES = 50

# File, a part of its path, calls on it, and about how many of these there are
CALLS = [
    ("pairs", "/checkpoint.data", {"open": 1, "truncate": 1, "write": 1000, "fsync": 30, "read": 1000, "unlink": 1}),
    ("checkpoint", "{folder}/#", {"write": 10, "fsync": 10}),
    ("checkpoint", "checkpoint.journal", {"open": 2, "link": 10, "rename": 10, "unlink": 1}),
    ("checkpoint", "checkpoint.sums-", {"open": 2, "link": 10, "rename": 10, "unlink": 2}),
    ("state", "{box}/#", {"write": 8, "fsync": 1}),
    ("state", "x.emx", {"link": 1}),
    ("folder", "{folder}", {"fsync": 30}),
]
ERRORS = {
    "open": ["EACCES", "EMFILE"], "read": ["EIO"], "truncate": ["EIO"], "fsync": ["EIO", "ENOSPC"], "link": ["ENOSPC"],
    "write": ["ENOSPC", "ENOSPC+", "EIO", "EDQUOT", "SHORT+"], "rename": ["EIO", "EROFS+"], "unlink": ["EROFS"],
}


class Failed(Exception):
    pass


class Fault:
    """What the shim does to one attempt; what = KILL, or an error."""

    def __init__(self, shim, rng, box, ranks, kills):
        self.file, part, calls = rng.choice(CALLS)
        self.call = rng.choice(sorted(calls))
        self.what = "KILL" if kills else rng.choice(ERRORS[self.call])
        n = int((3 * calls[self.call] + 1) ** rng.random())
        self.count = box / "calls"
        folder = f"-of-{ranks}" if ranks > 1 else "/checkpoint"
        self.environment = {
            "LD_PRELOAD": shim, "EMX_FAULT": f"{self.call}:{self.what.rstrip('+')}:{n}{'+' * self.what.count('+')}",
            "EMX_FAULT_PATH": part.format(box=box.name, folder=folder), "EMX_FAULT_COUNT": str(self.count)}

    def __str__(self):
        return f"{self.call} of {self.file}"

    def has_struck(self):
        """Once, and then the count is gone."""
        struck = struct.unpack("<QQ", self.count.read_bytes())[1] > 0
        self.count.unlink()
        return struck


class Crashes:
    def __init__(self, program, shim, mpi, folder):
        self.program, self.shim, self.mpi, self.folder = program, shim, mpi, folder
        self.expected, self.seconds = {}, {}
        self.killed, self.failed = collections.Counter(), collections.Counter()
        self.stopped = self.resumed = 0
        self.slowest_stop = 0.0

    # --- undisturbed

    def command(self, mode, on_error, documents, output, *words):
        if documents:
            words = ["--embeddings", self.folder / "vectors.npy", "--vne-documents", documents,
                     *(("--vne-precise",) if documents != "all" else ()), *words]
        return [self.program, "scan", "-q", "--manifest", self.folder / f"{on_error}.yaml", "--on-error", on_error,
                "--pairs", mode, "-o", output, *words]

    def complete(self, on_error, command, ranks=1):
        code, message = Job(command, ranks).end()
        if code != self.success(on_error):
            raise Failed(f"exit {code}: {message}")

    @staticmethod
    def success(on_error):
        return SKIPPED if on_error == "skip-shard" else 0

    def undisturbed(self, *kind):
        """Its bytes."""
        if kind not in self.expected:
            output = self.folder / "undisturbed.emx"
            self.complete(kind[1], self.command(*kind, output))
            self.expected[kind] = output.read_bytes()
        return self.expected[kind]

    def seconds_of(self, ranks):
        """How long an undisturbed scan takes, with checkpoints."""
        if ranks not in self.seconds:
            start = time.monotonic()
            words = ["--checkpoint", self.folder / "undisturbed", "--resume", "--checkpoint-every", "0.2s",
                     "--memory", "16M"]
            self.complete("fail", self.command(MODES[0], "fail", None, self.folder / "undisturbed.emx", *words), ranks)
            self.seconds[ranks] = time.monotonic() - start
        return self.seconds[ranks]

    # --- disturbed

    def wait_for(self, way, rng, job, box, left):
        """The moment of a disturbance; the process that is to be killed."""
        target = job.choose(rng)
        if way == "signal" and job.n_ranks > 1:
            while job.is_running() and not job.listens(box):
                time.sleep(0.002)
            job.wait(rng.random() * left / 2)
        elif way != "hunt":
            job.wait(rng.random() * left)
        else:
            phase, end = rng.choice(HUNTED), time.monotonic() + 3 * left + 1
            while job.is_running() and time.monotonic() < end and job.phase(target, box) != phase:
                time.sleep(0.002)
            job.wait(rng.random() ** 3 * left / 10)
        return target

    def disturb(self, way, rng, job, box, left):
        """True if it was."""
        target = self.wait_for(way, rng, job, box, left)
        if not job.is_running():
            return False
        if way == "signal":
            job.ask_to_stop(rng)
            return True
        phase = job.kill(target, box)
        self.killed[phase] += phase is not None
        return phase is not None

    def check_error(self, fault, code, message):
        lines = [line for line in message.splitlines() if line.startswith("entromix: ")]
        if code == 0 or len(lines) != 1 or "stopped by" in lines[0]:
            raise Failed(f"{fault.environment['EMX_FAULT']} of {fault.environment['EMX_FAULT_PATH']}: "
                         f"exit {code}: {message}")

    def judge_end(self, way, fault, job, success, disturbed):
        """Was the scan, which ended so, disturbed?  Counts what happened."""
        code, message = job.end()
        if fault and fault.has_struck():
            disturbed = fault.what != "SHORT+"
            if way == "call":
                self.killed[str(fault)] += 1
            elif disturbed:
                self.failed[str(fault)] += 1
                self.check_error(fault, code, message)
                return True
        if way == "signal" and code == STOPPED:
            self.stopped += 1
            self.slowest_stop = max(self.slowest_stop, job.seconds_to_stop())
            if self.slowest_stop > MOST_SECONDS_TO_STOP:
                raise Failed(f"a scan took {self.slowest_stop:.1f} s to stop")
        elif code == success:
            return False
        elif not disturbed or not (way == "signal" and job.was_ended_by_signal(code) or way in ("kill", "hunt", "call")):
            raise Failed(f"{way}: exit {code}: {message}")
        return True

    def attempt(self, rng, box, command, ranks, success, left):
        """One scan; True if it was disturbed before its end."""
        self.resumed += any(box.glob("checkpoint/**/checkpoint.journal"))
        way = rng.choice(WAYS + WAYS_OF_SHIM if self.shim else WAYS)
        fault = Fault(self.shim, rng, box, ranks, way == "call") if way in WAYS_OF_SHIM else None
        job = Job(command, ranks, fault.environment if fault else {})
        disturbed = not fault and self.disturb(way, rng, job, box, left)
        return self.judge_end(way, fault, job, success, disturbed)

    def check_whole_or_nothing(self, box, expected):
        """A process that is killed as it ends has put its output in place, or nothing is left of it."""
        left = [p.name for p in box.iterdir() if p.name not in ("checkpoint", "x.emx")]
        if left:
            raise Failed(f"an incomplete scan left {left}")
        output = box / "x.emx"
        if output.exists() and output.read_bytes() != expected:
            raise Failed("an incomplete scan left a state file that is not whole")

    def check_complete(self, box, expected):
        if (box / "x.emx").read_bytes() != expected:
            raise Failed("the state file differs from that of the undisturbed scan")
        left = [str(p.relative_to(box)) for p in (box / "checkpoint").iterdir()]
        if left:
            raise Failed(f"the complete scan left {left}")

    def seconds_left(self, box, begun, left, all_of_it):
        """What was counted before the last checkpoint is not counted again; merging and writing come after it."""
        written = [p.stat().st_mtime for p in box.glob("checkpoint/**/checkpoint.journal")]
        return max(left - max(max(written, default=0) - begun, 0), all_of_it / 4)

    def run(self, seed, box):
        rng = random.Random(seed)
        kind = _, on_error, _ = rng.choice(MODES), rng.choice(ON_ERROR), rng.choice(DOCUMENTS)
        ranks = rng.randint(2, 4) if self.mpi else 1
        wanted = rng.randint(1, 2 if self.mpi else 5)
        expected, all_of_it = self.undisturbed(*kind), self.seconds_of(ranks)
        n_disturbed, left = 0, all_of_it
        for _ in range(MOST_TRIES):
            words = ["--checkpoint", box / "checkpoint", "--resume",
                     "--checkpoint-every", "%gs" % rng.choice([0.01, 0.05, 0.2, 1]),
                     "--threads", str(rng.randint(1, 4)), "--memory", rng.choice(MEMORY_WITH_DOCUMENTS if kind[2] else MEMORY)]
            command = self.command(*kind, box / "x.emx", *words)
            begun = time.time()
            if n_disturbed < wanted and self.attempt(rng, box, command, ranks, self.success(on_error), left):
                n_disturbed += 1
                left = self.seconds_left(box, begun, left, all_of_it)
                self.check_whole_or_nothing(box, expected)
                continue
            if n_disturbed == wanted:
                self.complete(on_error, command, ranks)
            self.check_complete(box, expected)
            if n_disturbed:
                return
            (box / "x.emx").unlink()
            left = all_of_it
        raise Failed(f"{MOST_TRIES} scans, and none was disturbed")

    def summary(self):
        def listed(counter):
            return ", ".join(f"{n} {what}" for what, n in counter.most_common())
        return (f"{self.killed.total()} killed ({listed(self.killed)})\n"
                f"{self.failed.total()} failed by an injected error ({listed(self.failed)})\n"
                f"{self.stopped} stopped by a signal (the slowest in {self.slowest_stop:.2f} s), "
                f"{self.resumed} resumed from a checkpoint")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--shim", help="faults_shim.so of tests/faults, for faults of system calls")
    parser.add_argument("--mpi", action="store_true", help="by ranks, which mpirun starts")
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", help="folder to work in, which then stays")
    args = parser.parse_args()
    folder = pathlib.Path(args.keep or tempfile.mkdtemp(prefix="emx-crash-")).resolve()
    folder.mkdir(exist_ok=True)
    print(f"seeds {args.seed} to {args.seed + args.runs - 1}", flush=True)
    make_corpus(folder, random.Random(1))
    crashes = Crashes(os.path.abspath(args.program), args.shim and os.path.abspath(args.shim), args.mpi, folder)
    passed = failed = 0
    for seed in range(args.seed, args.seed + args.runs):
        box = folder / f"run-{seed}"
        box.mkdir()
        try:
            crashes.run(seed, box)
            shutil.rmtree(box)
            passed += 1
        except (Failed, subprocess.CalledProcessError, subprocess.TimeoutExpired) as e:
            failed += 1
            print(f"FAILED seed {seed}: {e}", flush=True)
        except KeyboardInterrupt:
            print(f"interrupted in seed {seed}")
            break
    print(crashes.summary())
    if not args.keep and not failed:
        shutil.rmtree(folder)
    elif not args.keep:
        print(f"what is left of them is in {folder}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed != 0)


main()
