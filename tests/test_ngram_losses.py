#!/usr/bin/python3
"""test_ngram_losses.py SCRIPT ENTROMIX - the losses of scripts/ngram_losses beside those of a model made of dictionaries"""
import collections
import csv
import importlib.machinery
import importlib.util
import math
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

sys.dont_write_bytecode = True
SCRIPT, ENTROMIX = sys.argv[1:]
sys.path.insert(0, os.path.dirname(SCRIPT))
loader = importlib.machinery.SourceFileLoader("ngram_losses", SCRIPT)
ngram_losses = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
loader.exec_module(ngram_losses)
EOD, VOCABULARY = 40, 41


class Plain:
    """Interpolated Kneser-Ney as the textbook has it: p(w | context), one word at a time."""

    def __init__(self, texts, order):
        grams = [tuple(t[i : i + order]) for t in texts for i in range(len(t) - order + 1)]
        self.counts = {order: collections.Counter(grams)}
        for n in range(order - 1, 0, -1):
            self.counts[n] = collections.Counter(gram[1:] for gram in self.counts[n + 1])
        self.order = order

    def discount(self, n):
        once, twice = (max(1, list(self.counts[n].values()).count(i)) for i in (1, 2))
        return once / (once + 2 * twice)

    def probability(self, gram):
        n = len(gram)
        if n == 0:
            return 1 / VOCABULARY
        below = self.probability(gram[1:])
        after = {g: c for g, c in self.counts[n].items() if g[:-1] == gram[:-1]}
        if not after:
            return below
        kept = max(after.get(gram, 0) - self.discount(n), 0)
        return (kept + self.discount(n) * len(after) * below) / sum(after.values())


def documents(chance, low, n):
    """Random walks among 20 tokens from low on."""
    walks = (low + np.cumsum(chance.integers(0, 3, chance.integers(20, 90))) % 20 for _ in range(n))
    return [np.append(walk, EOD).astype("<u2") for walk in walks]


def losses_are_those_of_the_plain_model(_folder):
    chance = np.random.default_rng(1)
    for order in 1, 2, 3, 4:
        blocks = chance.integers(0, 20, (12, 64)).astype("<u2")
        keys = ngram_losses.keys_of(chance.integers(0, 24, (1, 50)).astype("<u2"), order)
        levels, plain = ngram_losses.train(ngram_losses.keys_of(blocks, order), order), Plain(blocks.tolist(), order)
        for key, loss in zip(keys.tolist(), ngram_losses.losses_of(levels, keys, VOCABULARY)):
            gram = tuple(key >> 16 * i & 0xFFFF for i in range(order - 1, -1, -1))
            assert abs(loss + math.log(plain.probability(gram))) < 1e-12


def probabilities_sum_to_1(_folder):
    blocks = np.random.default_rng(2).integers(0, 20, (12, 64)).astype("<u2")
    levels = ngram_losses.train(ngram_losses.keys_of(blocks, 3), 3)
    for context in (3 << 16 | 7, 7 << 16 | 30, 30 << 16 | 30):
        keys = np.array([context << 16 | token for token in range(VOCABULARY)], np.uint64)
        assert abs(np.exp(-ngram_losses.losses_of(levels, keys, VOCABULARY)).sum() - 1) < 1e-12


def held_out_documents_are_not_trained_on(folder):
    """Each token is seen in one document only, but for a document that comes three times."""
    chance = np.random.default_rng(3)
    twin = np.array([1, 2, 3, EOD], "<u2")
    rest = [np.append(np.arange(10 * i, 10 * i + 9), EOD).astype("<u2") for i in range(10, 400)]
    (folder / "a").mkdir()
    (folder / "a" / "0.bin").write_bytes(np.concatenate([twin, *rest, twin, twin]).tobytes())
    options = type("", (), {"corpus": folder, "eod": EOD, "order": 1, "vocabulary": 65536})
    for seed in range(20):
        training, held_out = ngram_losses.read(options, np.random.default_rng([seed]))
        trained, known = set(training["a"].ravel().tolist()), set(held_out["a"].tolist())
        assert trained & known <= {EOD} and 200 < len(known) < 600 and len(trained) > 2000


def tables_are_equal_by_their_seed_and_can_be_fitted(folder):
    chance = np.random.default_rng(4)
    for name, low in ("a", 0), ("b", 10), ("c", 20):
        (folder / name).mkdir()
        (folder / name / "0.bin").write_bytes(np.concatenate(documents(chance, low, 150)).tobytes())
    words = [SCRIPT, "--runs=7", "--steps=3", "--least=0.02", f"--eod={EOD}", f"--vocabulary={VOCABULARY}"]
    texts = [subprocess.run([*words, f"--seed={seed}", folder], check=True, stdout=subprocess.PIPE, text=True).stdout
             for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]
    rows = list(csv.DictReader(texts[0].splitlines()))
    assert len(rows) == 21 and all(abs(sum(float(r[f"weight_{d}"]) for d in "abc") - 1) < 1e-9 for r in rows)
    last = [row for row in rows if row["step"] == rows[2]["step"]]
    for domain in "abc":
        by_share = sorted(last, key=lambda row: float(row[f"weight_{domain}"]))
        assert float(by_share[0][f"{domain}_loss"]) > float(by_share[-1][f"{domain}_loss"])
        assert float(rows[0][f"{domain}_loss"]) > float(rows[2][f"{domain}_loss"])
    for word in "--least=0.5", "--tokens=1000000", "--steps=20", "--vocabulary=20":
        refused = subprocess.run([*words, word, folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert refused.returncode == 1 and not refused.stdout and refused.stderr.startswith("ngram_losses: ")
    (folder / "losses.csv").write_text(texts[0])
    subprocess.run([ENTROMIX, "fit", "-q", folder / "losses.csv", "-o", folder / "law.json"], check=True,
                   stdout=subprocess.DEVNULL)


def main():
    tests = [losses_are_those_of_the_plain_model, probabilities_sum_to_1, held_out_documents_are_not_trained_on,
             tables_are_equal_by_their_seed_and_can_be_fitted]
    failed = 0
    for test in tests:
        try:
            with tempfile.TemporaryDirectory() as folder:
                test(pathlib.Path(folder))
        except (AssertionError, subprocess.CalledProcessError) as error:
            print(f"FAILED {test.__name__}: {error!r}")
            failed += 1
    print(f"{len(tests) - failed} passed, {failed} failed")
    sys.exit(failed > 0)


main()
