#!/usr/bin/env python3
"""scan --checkpoint as a user and a scheduler meet it; tests/test_checkpoint.c has what is refused, crash/ kills"""
import signal
import time

from harness import *

SCAN = ["scan", "-q", "-o", "x.emx", "--dtype=u16", "--eod=1", "--checkpoint", "ck"]


def sparse(box, size):
    with open(box / "big.bin", "wb") as f:
        f.truncate(size)


def start(box, *words):
    return subprocess.Popen([PROGRAM, *SCAN, *words, "web=big.bin"], cwd=box.folder, stderr=subprocess.PIPE)


@test
def signals_stop_with_a_checkpoint_and_it_is_resumed(box):
    sparse(box, 1 << 31)
    for number in [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1]:
        (box / "ck/checkpoint.lock").unlink(missing_ok=True)  # made anew once signals are caught
        process = start(box, "--resume")
        while not (box / "ck/checkpoint.lock").exists():
            time.sleep(0.01)
        time.sleep(0.1)
        process.send_signal(number)
        err = process.communicate(timeout=60)[1].decode()
        assert process.returncode == 75, (process.returncode, err)
        name = signal.Signals(number).name
        assert err == f"entromix: stopped by {name}; the same command with --resume goes on from ck\n", err
        assert (box / "ck/checkpoint.journal").exists() and not (box / "x.emx").exists()
    sparse(box, 1 << 20)
    box.error(*SCAN, "--resume", "web=big.bin", says="big.bin: has changed since the checkpoint")
    box.error(*SCAN, "web=big.bin", says="ck: holds the checkpoint of a scan that is not complete")


@test
def a_complete_scan_leaves_the_folder_empty(box):
    box.write("big.bin", u16(flatten(zipf_documents(1, 20000))))
    box.good(*SCAN, "--checkpoint-every", "0.01s", "web=big.bin")
    box.good("scan", "-q", "-o", "y.emx", "--dtype=u16", "--eod=1", "web=big.bin")
    assert box.bytes("x.emx") == box.bytes("y.emx")
    assert not list((box / "ck").iterdir())


@test
def what_a_killed_process_was_about_to_rename_is_removed(box):
    box.write("big.bin", u16([1, 2, 3]))
    box.write("ck/.checkpoint.journal.59381f91fb8ba019.tmp", b"half of it")
    box.write("ck/.checkpoint.journal.of.mine", b"")
    box.good(*SCAN, "big=big.bin")
    assert [p.name for p in (box / "ck").iterdir()] == [".checkpoint.journal.of.mine"]


@test
def options_are_checked(box):
    box.write("big.bin", u16([1, 2, 3]))
    for time_text in ["10", "0s", "-1m", "m", "1d", "nans", "1e999h", " 1s"]:
        box.usage_error(*SCAN, f"--checkpoint-every={time_text}", "web=big.bin", says="no duration")
    box.usage_error("scan", "-o", "x.emx", "--resume", "web=big.bin", says="--checkpoint FOLDER")
    box.error("scan", "-o", "x.emx", "--dtype=u16", "--checkpoint", "no/ck", "web=big.bin", says="no/ck: cannot create")
    box.error("scan", "-o", "x.emx", "--dtype=u16", "--checkpoint", "big.bin", "web=big.bin", says="big.bin/checkpoint")


main()
