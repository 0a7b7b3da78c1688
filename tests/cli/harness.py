"""harness - run the program in a fresh folder and check what it says

    from harness import *

    @test
    def scan_needs_an_output(box):
        box.usage_error("scan", "web=a.bin", says="-o FILE")

    main()

Each test gets a Box: a temporary folder in which the program runs.  The program's path is the first word of the
command line, the rest picks tests by name.  The last line is `N passed, N failed`.
"""
import collections
import json
import math
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import traceback

SLOWER = max(int(os.environ.get("TEST_SLOWER", 1)), 1)  # what tests/test.h says of it
PROGRAM = os.path.abspath(sys.argv[1])
EOD = 50256

Result = collections.namedtuple("Result", "code out err")
tests = []


def test(function):
    tests.append(function)
    return function


def main():
    chosen = sys.argv[2:]
    passed = failed = 0
    for function in tests:
        if chosen and function.__name__ not in chosen:
            continue
        with tempfile.TemporaryDirectory(prefix="emx-cli-") as folder:
            try:
                function(Box(folder))
                passed += 1
            except Exception:
                failed += 1
                print(f"FAILED {function.__name__}")
                traceback.print_exc(limit=-4, file=sys.stdout)
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed != 0)


class Box:
    """A folder, and the program running in it."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def __truediv__(self, name):
        return self.folder / name

    def run(self, *words, stdin=b"", prefix=(), **options):
        """The Result of the program; standard output as bytes."""
        command = [*prefix, PROGRAM, *(word if isinstance(word, bytes) else str(word) for word in words)]
        options.setdefault("stdout", subprocess.PIPE)
        if not hasattr(stdin, "fileno"):
            options["input"] = stdin
        else:
            options["stdin"] = stdin
        done = subprocess.run(command, cwd=self.folder, stderr=subprocess.PIPE, timeout=300, **options)
        return Result(done.returncode, done.stdout, done.stderr.decode())

    def good(self, *words, **options):
        """Standard output of a run that must succeed."""
        result = self.run(*words, **options)
        assert result.code == 0, f"{words}: exit {result.code}: {result.err}"
        return result.out

    def text(self, *words, **options):
        return self.good(*words, **options).decode()

    def json(self, *words, **options):
        return json.loads(self.good(*words, **options))

    def error(self, *words, says, code=1, absent=None, **options):
        """A run that must fail with one sentence, which has all of `says` in it, and leave no file `absent`."""
        before = self.files()
        result = self.run(*words, **options)
        assert result.code == code, f"{words}: exit {result.code}, expected {code}: {result.err}"
        assert not result.out, f"{words}: wrote {result.out[:80]!r}"
        lines = result.err.splitlines()
        assert len(lines) == 1 and lines[0].startswith("entromix: "), f"{words}: not one sentence: {result.err!r}"
        for part in [says] if isinstance(says, str) else says:
            assert part in lines[0], f"{words}: no {part!r} in {lines[0]!r}"
        assert self.files() == before, f"{words}: left {self.files() - before}"
        return lines[0]

    def usage_error(self, *words, **options):
        return self.error(*words, code=2, **options)

    def files(self):
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*")}

    def bytes(self, name):
        return (self / name).read_bytes()

    def write(self, name, content):
        path = self / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return name


def u16(tokens):
    return struct.pack(f"<{len(tokens)}H", *tokens)


def zstd(content, *options):
    return subprocess.run(["zstd", "-cq", *options], input=content, stdout=subprocess.PIPE, check=True).stdout


def gzip(content):
    return subprocess.run(["gzip", "-c"], input=content, stdout=subprocess.PIPE, check=True).stdout


def flatten(documents):
    return [token for document in documents for token in document]


def zipf_documents(seed, n_tokens, n_types=500, mean=40):
    """Documents that end in EOD, tokens about as frequent as words are."""
    state = seed
    documents, n = [], 0
    while n < n_tokens:
        document = []
        while True:
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            x = (state >> 33) / 2**31
            if x < 1 / mean:
                break
            document.append(int(n_types ** ((state >> 13) % 2**20 / 2**20)) - 1)
        documents.append(document + [EOD])
        n += len(document) + 1
    return documents


def entropy_of(counter):
    total = sum(counter.values())
    return math.fsum(n / total * math.log(total / n) for n in counter.values())


def expected_entropies(shards):
    """Entropies of a domain whose shards are lists of documents, pairs within documents, by plain counting."""
    tokens, pairs, firsts = (collections.Counter() for _ in range(3))
    for document in flatten(shards):
        tokens.update(document)
        pairs.update(zip(document, document[1:]))
        firsts.update(document[:-1])
    return {
        "tokens": sum(tokens.values()),
        "token_types": len(tokens),
        "pairs": sum(pairs.values()),
        "pair_types": len(pairs),
        "shannon": entropy_of(tokens),
        "joint": entropy_of(pairs),
        "first": entropy_of(firsts),
        "conditional": entropy_of(pairs) - entropy_of(firsts),
        "token_coverage": 1 - sum(n == 1 for n in tokens.values()) / sum(tokens.values()),
        "pair_coverage": 1 - sum(n == 1 for n in pairs.values()) / sum(pairs.values()),
    }
