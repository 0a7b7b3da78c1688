#!/usr/bin/python3
"""Scans by the ranks of an MPI job, against scans by one process.  Skipped where there is no mpirun."""
import shutil
import signal
import time

import numpy as np

from harness import *

MPIRUN = ("mpirun", "--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "--quiet", "-n")


def corpus(box):
    """Three domains, seven shards."""
    for i in range(7):
        tokens = flatten(zipf_documents(i, 30000 if i else 90000, n_types=3000))
        box.write(f"{'abbbbcc'[i]}/{i}.bin", u16(tokens))
    return "--dtype", "u16", "--eod", EOD, "large=a/", "many=b/", "few=c/"


def own_lines(err):
    return [line for line in err.splitlines() if line.startswith("entromix: ")]


def refused(box, ranks, *words, says):
    """Fails with one sentence of the program's, beside what mpirun says, and leaves no file."""
    before = box.files()
    result = box.run(*words, prefix=(*MPIRUN, str(ranks)))
    lines = own_lines(result.err)
    assert result.code != 0
    assert len(lines) == 1 and says in lines[0], result.err
    assert box.files() == before


@test
def ranks_do_not_show(box):
    words = corpus(box)
    box.good("scan", "-q", "-o", "alone.emx", *words)
    vectors = np.random.default_rng(1).standard_normal((50257, 8), dtype="f4")
    np.save(box / "e.npy", vectors)
    box.good("scan", "-q", "-o", "vectors.emx", "-e", "e.npy", *words)
    box.good("scan", "-q", "-o", "ranks.emx", "-j", 1, "-e", "e.npy", *words, prefix=(*MPIRUN, "3"))
    assert box.bytes("ranks.emx") == box.bytes("vectors.emx")
    for ranks in 1, 2, 4, 8:
        result = box.run("scan", "-o", "ranks.emx", "--progress", "never", "-j", 2, *words, prefix=(*MPIRUN, str(ranks)))
        assert result.code == 0, result.err
        lines = own_lines(result.err)
        assert len(lines) == 1 and "in 7 shards of 3 domains" in lines[0], result.err
        assert box.bytes("ranks.emx") == box.bytes("alone.emx")


@test
def little_memory_does_not_show(box):
    words = corpus(box)
    box.good("scan", "-q", "-o", "alone.emx", *words)
    box.good("scan", "-q", "-o", "ranks.emx", "-j", 1, "--memory", "16M", *words, prefix=(*MPIRUN, "3"))
    assert box.bytes("ranks.emx") == box.bytes("alone.emx")


@test
def a_bad_shard_ends_the_job(box):
    words = corpus(box)
    box.write("b/odd.bin", b"abc")
    refused(box, 4, "scan", "-o", "x.emx", *words, says="b/odd.bin: 3 bytes are no whole number")


@test
def what_all_ranks_cannot_do_is_said_once(box):
    words = corpus(box)
    refused(box, 3, "scan", "-o", "x.emx", *words, "more=nowhere/", says="nowhere/")
    refused(box, 2, "scan", "-o", "x.emx", *words, "more=-", says="standard input")


@test
def a_signal_stops_all_with_a_checkpoint_and_the_job_is_resumed(box):
    with open(box / "big.bin", "wb") as f:
        f.truncate((1 << 28) >> (SLOWER.bit_length() - 1))
    scan = ["scan", "-q", "-o", "x.emx", "--dtype=u16", "--eod=1", "--checkpoint", "ck", "--resume", "web=big.bin"]
    process = subprocess.Popen([*MPIRUN, "2", PROGRAM, *scan], cwd=box.folder, stderr=subprocess.PIPE)
    while process.poll() is None and len(list(box.folder.glob("ck/*/checkpoint.lock"))) < 2:  # signals are caught by now
        time.sleep(0.01)
    process.send_signal(signal.SIGUSR1)
    err = process.communicate(timeout=100)[1].decode()
    assert process.returncode == 75, (process.returncode, err)  # whichever rank was the first to end
    assert own_lines(err) == ["entromix: stopped by SIGUSR1; the same command with --resume goes on from ck"], err
    assert len(list(box.folder.glob("ck/*/checkpoint.journal"))) == 2 and not (box / "x.emx").exists()
    box.good(*scan, prefix=(*MPIRUN, "2"))
    box.good("scan", "-q", "-o", "alone.emx", "--dtype=u16", "--eod=1", "web=big.bin")
    assert box.bytes("x.emx") == box.bytes("alone.emx")


# Open MPI leaves much unfreed when it ends, in modules that are unloaded by then, so that no suppression can name them.
# What the library itself leaves, test_ranks finds, whose ranks are threads.
os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
os.environ["TSAN_OPTIONS"] = (os.environ.get("TSAN_OPTIONS", "") +
                              f":suppressions={pathlib.Path(__file__).resolve().parent.parent / 'mpi.tsan'}")
if not shutil.which("mpirun"):
    print("no mpirun here")
    sys.exit(77)
main()
