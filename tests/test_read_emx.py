#!/usr/bin/env python3
"""test_read_emx.py - does another program, written from the format's page, read what the library writes?

    test_read_emx.py DUMP_STATE PAGE
"""
import os
import re
import subprocess
import sys
import tempfile

DUMP, PAGE = sys.argv[1:]
READ = [sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "read_emx.py")]
results = []


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)


def record(name, ok):
    results.append(ok)
    if not ok:
        print("FAILED", name)


def reads_the_same(path):
    ours, theirs = output(DUMP, "read", path), output(*READ, path)
    if ours.returncode or theirs.returncode or ours.stdout != theirs.stdout:
        print(theirs.stdout[-200:])
        return False
    return len(ours.stdout) > 0


def example_of_page():
    """The bytes of the hexadecimal dump on the page."""
    with open(PAGE, encoding="utf-8") as f:
        lines = re.findall(r"^[0-9a-f]{4}((?: [0-9a-f]{2}){1,16})$", f.read(), re.MULTILINE)
    return bytes.fromhex("".join(lines))


with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "a.emx")
    for seed in ("1", "2", os.environ.get("TEST_SEED", "3")):
        written = subprocess.run([DUMP, "write", seed, path], check=False).returncode == 0
        record("random domains of seed " + seed, written and reads_the_same(path))
    with open(path, "r+b") as f:
        f.seek(os.path.getsize(path) // 2)
        byte = f.read(1)[0]
        f.seek(-1, os.SEEK_CUR)
        f.write(bytes([byte ^ 4]))
    record("a flipped bit is found", output(*READ, path).returncode == 1)
    subprocess.run([DUMP, "example", path], check=True)
    with open(path, "rb") as f:
        record("the page shows the example's bytes", f.read() == example_of_page())
    record("the example", reads_the_same(path))

print("%d passed, %d failed" % (sum(results), len(results) - sum(results)))
sys.exit(not all(results))
