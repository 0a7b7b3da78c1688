#!/usr/bin/python3
"""Estimators and rarefaction: in entropy and in weights, in every format."""
import csv
import random

from harness import *

ESTIMATORS = ["plugin", "miller-madow", "chao-shen", "grassberger", "good-turing", "shrinkage"]
ENTROPIES = ["shannon", "joint", "conditional", "first"]


def state(box):
    """Two domains, one of them with few tokens."""
    sizes = {"large": 30000, "small": 3000}
    for name, n_tokens in sizes.items():
        box.write(f"{name}.bin", u16(flatten(zipf_documents(n_tokens, n_tokens))))
    box.good("scan", "-q", "-o", "x.emx", "--dtype=u16", "--eod", EOD, *(f"{name}={name}.bin" for name in sizes))
    return {name: zipf_documents(n_tokens, n_tokens) for name, n_tokens in sizes.items()}


def entropies(box, *options):
    return {row["name"]: row for row in box.json("entropy", "--format=json", *options, "x.emx")["domains"]}


@test
def every_estimator_has_values_and_errors(box):
    state(box)
    plain = entropies(box)
    for name in ESTIMATORS:
        document = box.json("entropy", "--format=json", "--estimator", name, "x.emx")
        assert document["estimator"] == name and "at_tokens" not in document
        for row in document["domains"]:
            for entropy in ENTROPIES:
                assert 0 < row[f"{entropy}_error"] < 0.5, (name, row)
            before = plain[row["name"]]
            assert abs(row["joint"] - row["first"] - row["conditional"]) < 1e-9
            assert (row["joint"] == before["joint"]) == (name == "plugin")
            assert row["joint"] >= before["joint"], (name, row, before)
            assert row["tokens"] == before["tokens"]
    named = entropies(box, "--estimator", "plugin")
    for name, row in plain.items():
        assert all(row[f"{entropy}_error"] == named[name][f"{entropy}_error"] for entropy in ENTROPIES)
    assert "+-" not in box.text("entropy", "x.emx")


@test
def formats_and_units_agree(box):
    state(box)
    for options in [["--estimator", "chao-shen"], ["--at-tokens", "2K"]]:
        nats = entropies(box, *options)
        bits = entropies(box, "--unit=bits", *options)
        lines = csv.DictReader(box.text("entropy", "--format=csv", *options, "x.emx").splitlines())
        table = box.text("entropy", *options, "x.emx")
        for line in lines:
            row = nats[line["domain"]]
            for key in [*ENTROPIES, *(f"{entropy}_error" for entropy in ENTROPIES)]:
                assert float(line[key]) == row[key]
                assert abs(bits[line["domain"]][key] * math.log(2) - row[key]) < 1e-12
            for key in ["shannon", "shannon_error", "joint", "joint_error", "conditional", "conditional_error"]:
                assert f"{row[key]:.6f}" in table, (key, table)
        assert all(len(line) < 80 for line in table.splitlines())


@test
def rarefied_entropy_is_the_mean_of_samples(box):
    tokens = {name: flatten(documents) for name, documents in state(box).items()}
    rarefied = entropies(box, "--at-tokens", "1000")
    chance = random.Random(1)
    for name, row in rarefied.items():
        samples = []
        for _ in range(200):
            counts = collections.Counter(chance.sample(tokens[name], 1000))
            samples.append(entropy_of(counts))
        mean = sum(samples) / 200
        deviation = (sum((x - mean) ** 2 for x in samples) / 200) ** 0.5
        assert abs(row["shannon"] - mean) < 5 * deviation / 200**0.5, (name, row["shannon"], mean, deviation)


@test
def a_sample_of_everything_is_the_plugin(box):
    state(box)
    small = entropies(box)["small"]
    rarefied = entropies(box, "--at-tokens", str(small["pairs"]))["small"]
    assert abs(rarefied["joint"] - small["joint"]) < 1e-12
    assert abs(rarefied["conditional"] - small["conditional"]) < 1e-12


@test
def samples_of_more_than_there_is_are_refused(box):
    state(box)
    pairs = entropies(box)["small"]["pairs"]
    for command in ["entropy", "weights"]:
        box.error(command, "--at-tokens", str(pairs + 1), "x.emx", says=["domain small", f"{pairs} pairs"])


@test
def rarefaction_is_of_the_plugin_only(box):
    state(box)
    for command in ["entropy", "weights"]:
        box.good(command, "--estimator", "plugin", "--at-tokens", "100", "x.emx")
        box.usage_error(command, "--estimator", "chao-shen", "--at-tokens", "100", "x.emx", says=["--at-tokens", "chao-shen"])
        box.usage_error(command, "--estimator", "chao-chen", "x.emx", says=["'chao-chen'", "did you mean chao-shen?"])
        box.usage_error(command, "--at-tokens", "0", "x.emx", says="'0'")


@test
def weights_come_from_the_estimates(box):
    state(box)
    for options in [["--estimator", "good-turing"], ["--at-tokens", "1500"], ["--estimator", "plugin"]]:
        rows = entropies(box, *options)
        for proxy in ["shannon", "joint", "conditional"]:
            mixture = box.json("weights", "-q", "--proxy", proxy, *options, "x.emx")
            total = math.fsum(math.exp(row[proxy]) for row in rows.values())
            for domain in mixture["domains"]:
                row = rows[domain["name"]]
                assert domain["entropy"] == row[proxy]
                assert abs(domain["proportion"] - math.exp(row[proxy]) / total) < 1e-12
            assert mixture["estimator"] == (options[1] if options[0] == "--estimator" else "plugin")
            assert mixture["at_tokens"] == (1500 if options[0] == "--at-tokens" else None)


@test
def a_domain_of_one_token_is_no_error(box):
    box.write("one.bin", u16([5]))
    box.write("two.bin", u16([5, 6, 5]))
    box.good("scan", "-q", "-o", "x.emx", "--dtype=u16", "one=one.bin", "two=two.bin")
    for name in ESTIMATORS:
        row = entropies(box, "--estimator", name)["one"]
        assert all(row[key] == 0 for key in ENTROPIES), row
        assert all(row[f"{key}_error"] == 0 for key in ENTROPIES), row


main()
