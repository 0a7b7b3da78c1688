#!/usr/bin/python3
"""mix: the same as its steps one by one, and the optimum of the fitted law, recomputed here."""
import csv
import random

from harness import *

DOMAINS = ["books", "code", "web"]
PLANTED = {"books": (0.05, 0.5, 0.4, 3.0), "code": (0.12, 0.7, 0.3, 1.1), "web": (0.03, 0.4, 0.5, 2.6)}
RAW = ["--dtype=u16", f"--eod={EOD}"]


def corpus(box):
    for seed, (name, n_types) in enumerate(zip(DOMAINS, [300, 60, 900])):
        box.write(f"{name}.bin", u16(flatten(zipf_documents(seed, 4000 * (seed + 1), n_types))))
    box.write("corpus.yaml", f"defaults: {{dtype: u16, eod: {EOD}}}\ndomains:\n" +
              "".join(f"  {d}: {d}.bin\n" for d in DOMAINS))
    box.good("scan", "-q", "-o", "corpus.emx", "-m", "corpus.yaml")
    return [f"{d}={d}.bin" for d in DOMAINS]


def losses(box, name="losses.csv", noise=0.003, domains=DOMAINS):
    chance = random.Random(7)
    lines = ["run,step," + ",".join(f"weight_{d},{d}_loss" for d in domains)]
    for run in range(9):
        parts = [chance.uniform(0.2, 1) for _ in domains]
        shares = [part / sum(parts) for part in parts]
        for step in range(1000, 9000, 1000):
            cells = []
            for d, r in zip(domains, shares):
                alpha, beta, b, c = PLANTED[d]
                loss = (b / (step / 8000) ** beta + c) / r**alpha * math.exp(chance.gauss(0, noise))
                cells.append(f"{r!r},{loss!r}")
            lines.append(f"r{run},{step}," + ",".join(cells))
    return box.write(name, "\n".join(lines) + "\n")


def shares(text):
    return {row["domain"]: float(row["proportion"]) for row in csv.DictReader(text.splitlines())}


def optimum(box, step, cap=None, floor=0.0, prior=None, strength=0.0):
    """Least predicted loss under the fitted law, by bisection on the multiplier and on each share."""
    law = {}
    for row in csv.DictReader(box.text("fit", "--format=csv", "losses.csv").splitlines()):
        law.setdefault(row["domain"], {})[row["coefficient"]] = float(row["value"])
    k = {d: c["B"] / (step / 8000) ** c["beta"] + c["C"] for d, c in law.items()}

    def share(d, multiplier):
        def saved(r):  # by one more unit of the domain, falls with r
            a = law[d]["alpha"]
            return k[d] * a * r ** (-a - 1) - (strength * (math.log(r / prior[d]) + 1) if prior else 0)

        lo, hi = max(floor, 1e-12), cap[d] if cap else 1.0
        if saved(hi) >= multiplier:
            return hi
        if saved(lo) <= multiplier:
            return lo
        for _ in range(100):
            middle = (lo + hi) / 2
            lo, hi = (middle, hi) if saved(middle) > multiplier else (lo, middle)
        return lo

    low, high = -1e8, 1e8
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(share(d, middle) for d in law) > 1 else (low, middle)
    return {d: share(d, high) for d in law}


def check_near(got, expected, tolerance=1e-6):
    assert set(got) == set(expected)
    for d in expected:
        assert abs(got[d] - expected[d]) < tolerance, (d, got, expected)


@test
def without_losses_it_is_scan_and_weights(box):
    words = corpus(box)
    for options in [[], ["--proxy=shannon"], ["--floor=0.2"], ["--cap=0.4", "--proxy=joint"]]:
        for to in ["csv", "megatron", "doremi"]:
            expected = box.good("weights", "-q", "--to", to, *options, "corpus.emx")
            for operands in [["corpus.yaml"], [*RAW, *words], ["corpus.emx"]]:
                assert box.good("mix", "-q", "--to", to, *options, *operands) == expected, (options, to, operands)
    assert box.good("mix", "corpus.emx") == box.good("weights", "corpus.emx")


@test
def the_table_stands_beside_the_file(box):
    corpus(box)
    text = box.text("mix", "-q", "--to=csv", "-o", "mix.csv", "corpus.yaml")
    assert box.bytes("mix.csv") == box.good("mix", "-q", "--to=csv", "corpus.yaml")
    for row in csv.DictReader(box.bytes("mix.csv").decode().splitlines()):
        numbers = [float(row[key]) for key in ["entropy", "entropy_error", "proportion", "proportion_error"]]
        shown = " +".join(f"{x:.4f}" for x in numbers)
        assert re.search(rf"^{row['domain']} .* {shown}$", text, re.M), (row, text)


@test
def a_report_that_cannot_be_written_leaves_the_file_whole(box):
    corpus(box)
    losses(box)
    box.good("fit", "-q", "losses.csv", "-o", "law.json")
    runs = {"fit.json": ["fit", "losses.csv"], "mix.json": ["mix", "corpus.emx"],
            "optimum.json": ["optimize", "law.json", "--steps=8000"], "plan/plan.csv": ["plan", "corpus.emx"],
            "vne.emx": ["vne", "-n", 5, "--dimension", 4, "corpus.emx"]}
    for name, words in runs.items():
        words = [*words, "-q", "-o", name.split("/")[0]]
        with open("/dev/full", "wb") as full:
            result = box.run(*words, stdout=full)
        assert result.code == 1 and result.err.count("\n") == 1 and "No space left" in result.err, (words, result)
        left = box.bytes(name)
        box.good(*words)
        assert box.bytes(name) == left, words


@test
def documents_are_summed_up_where_they_give_weights(box):
    import numpy

    words = corpus(box)
    numpy.save(box / "e.npy", numpy.random.default_rng(1).standard_normal((EOD + 1, 8)).astype("<f4"))
    proxy = ["-q", "--proxy=von-neumann"]
    box.good("scan", "-q", "-o", "v.emx", "-m", "corpus.yaml", "-e", "e.npy")
    expected = shares(box.text("weights", *proxy, "--to=csv", "v.emx"))
    for operands in [["v.emx"], ["-e", "e.npy", "corpus.yaml"], ["-e", "e.npy", *RAW, *words]]:
        assert shares(box.text("mix", *proxy, "--to=csv", *operands)) == expected
    removed = shares(box.text("mix", *proxy, "--remove-first-component", "--to=csv", "v.emx"))
    assert removed == shares(box.text("weights", *proxy, "--remove-first-component", "--to=csv", "v.emx")) != expected
    box.usage_error("mix", *proxy, "corpus.yaml", says="--proxy von-neumann needs --embeddings")
    box.usage_error("mix", *proxy, "-e", "e.npy", "v.emx", says="'v.emx' is scanned already")
    box.usage_error("mix", "--remove-first-component", "v.emx", says="not of conditional ones")


@test
def the_law_may_have_a_prior_for_transfer(box):
    corpus(box)
    losses(box)
    words = ["--law=bimix-transfer", "--transfer-prior=corpus.emx", "--transfer-strength=10"]
    box.good("fit", "-q", "losses.csv", *words, "-o", "law.json")
    expected = box.text("optimize", "-q", "law.json", "--steps=8000", "--to=csv")
    got = shares(box.text("mix", "-q", "--losses=losses.csv", *words, "--to=csv", "corpus.emx"))
    check_near(got, shares(expected), 1e-9)
    without = shares(box.text("mix", "-q", "--losses=losses.csv", words[0], "--to=csv", "corpus.emx"))
    assert max(abs(got[d] - without[d]) for d in DOMAINS) > 1e-6
    box.usage_error("mix", "--losses=losses.csv", words[1], "corpus.emx", says="--law bimix-transfer")
    box.usage_error("mix", words[1], "corpus.emx", says="go with --losses")


@test
def with_losses_it_is_the_optimum_of_the_law(box):
    corpus(box)
    losses(box)
    for options, step in [([], 8000), (["--steps=8000"], 8000), (["--steps", "100K"], 100000)]:
        got = shares(box.text("mix", "-q", "--losses=losses.csv", *options, "--to=csv", "corpus.yaml"))
        check_near(got, optimum(box, step))
        assert abs(math.fsum(got.values()) - 1) < 1e-12
    mixture = box.json("mix", "-q", "--losses=losses.csv", "corpus.yaml")
    assert mixture["proxy"] is None and mixture["source"] == "corpus.yaml"
    assert [d["entropy"] for d in mixture["domains"]] == [None] * 3
    assert all(d["counted"]["tokens"] > 0 for d in mixture["domains"])


@test
def bounds_and_epochs_hold(box):
    corpus(box)
    losses(box)
    tokens = {d["name"]: d["counted"]["tokens"] for d in box.json("weights", "corpus.emx")["domains"]}
    got = shares(box.text("mix", "-q", "--losses=losses.csv", "--floor=0.3", "--to=csv", "corpus.yaml"))
    check_near(got, optimum(box, 8000, floor=0.3))
    total = sum(tokens.values()) * 3
    caps = {d: min(1, 4 * n / total) for d, n in tokens.items()}
    got = shares(box.text("mix", "-q", "--losses=losses.csv", "--max-epochs=4", f"--total-tokens={total}", "--to=csv",
                          "corpus.yaml"))
    check_near(got, optimum(box, 8000, cap=caps))
    assert any(abs(got[d] - caps[d]) < 1e-12 for d in caps)
    text = box.text("mix", "-q", "--losses=losses.csv", "--max-epochs=4", f"--total-tokens={total}", "-o", "mix.json",
                    "corpus.yaml")
    assert "EPOCHS" in text and " 4.00\n" in text


@test
def the_prior_is_the_entropy_mixture(box):
    corpus(box)
    losses(box)
    prior = shares(box.text("weights", "-q", "--to=csv", "corpus.emx"))
    for strength in [0.1, 1.0, 1e6]:
        got = shares(box.text("mix", "-q", "--losses=losses.csv", "--prior-strength", strength, "--to=csv",
                              "corpus.yaml"))
        check_near(got, optimum(box, 8000, prior=prior, strength=strength), 1e-5)
    check_near(got, prior, 1e-5)


@test
def intervals_and_scores_are_shown(box):
    corpus(box)
    losses(box)
    text = box.text("mix", "-q", "--losses=losses.csv", "--bootstrap=20", "-o", "mix.json", "corpus.yaml")
    for word in ["OPTIMUM", "LOW", "HIGH", "OBSERVED", "Mean loss at step 8000", "best observed mixture (r", *DOMAINS]:
        assert word in text, (word, text)
    assert text == box.text("mix", "-q", "--losses=losses.csv", "--bootstrap=20", "-j1", "-o", "mix.json",
                            "corpus.yaml")


@test
def domains_must_be_the_same(box):
    words = corpus(box)
    losses(box)
    losses(box, "two.csv", domains=DOMAINS[:2])
    box.error("mix", "-q", "--losses=two.csv", "-o", "mix.json", "corpus.yaml", says=["two.csv", "2 domains", "3"])
    box.error("mix", "-q", "--losses=losses.csv", *RAW, *words[:2], says=["losses.csv", "'web'"])


@test
def weights_are_of_estimates(box):
    corpus(box)
    for words in [["--estimator=good-turing"], ["--at-tokens=2K"], ["--estimator=grassberger", "--proxy=joint"]]:
        mixed = json.loads(box.text("mix", "-q", *words, "corpus.yaml"))
        weighed = json.loads(box.text("weights", "-q", *words, "corpus.emx"))
        for key in ["proxy", "estimator", "at_tokens", "domains"]:
            assert mixed[key] == weighed[key], (words, mixed, weighed)
    box.usage_error("mix", "--at-tokens=2K", "--estimator=grassberger", "corpus.yaml", says="--at-tokens")
    box.error("mix", "-q", "--at-tokens=1T", "corpus.yaml", says="books")


@test
def nothing_is_left_behind(box):
    corpus(box)
    (box / "tmp").mkdir()
    environment = dict(os.environ, TMPDIR=str(box / "tmp"))
    box.good("mix", "-q", "corpus.yaml", env=environment)
    assert list((box / "tmp").iterdir()) == []
    box.write("bad.yaml", "domains: {web: none.bin}\n")
    box.error("mix", "-q", "-o", "mix.json", "bad.yaml", says="none.bin", env=environment)
    box.error("mix", "-q", "--losses=none.csv", "-o", "mix.json", "corpus.yaml", says="none.csv", env=environment)
    environment["TMPDIR"] = str(box / "no")
    box.error("mix", "-q", "corpus.yaml", says=str(box / "no"), env=environment)


@test
def options_are_checked(box):
    corpus(box)
    losses(box)
    box.usage_error("mix", says="manifest")
    box.usage_error("mix", "--path=tok", "corpus.yaml", says=["--path", "{domain}"])
    for option in ["--steps=5", "--prior-strength=1", "--max-epochs=4"]:
        box.usage_error("mix", option, "corpus.yaml", says="--losses")
    box.usage_error("mix", "--losses=losses.csv", "--max-epochs=4", "corpus.yaml", says="--total-tokens")
    box.usage_error("mix", "--losses=losses.csv", "--prior-strength=-1", "corpus.yaml", says="'-1'")
    box.usage_error("mix", "--losses=losses.csv", "--where=x=1", "corpus.yaml", "-q", says="'x'")
    box.usage_error("mix", "--losses=losses.csv", "--max-epochs=1", "--total-tokens=1T", "corpus.yaml", "-q",
                    says="epochs")
    box.usage_error("mix", "corpus.yaml", "corpus.emx", "-q", says="corpus.yaml")


main()
