#!/usr/bin/python3
"""Optimize: the optimum of a planted law, bounds, epochs, weights, priors, formats, warnings, refusals."""
import csv
import io
import random

from harness import *

NAMES = ["web", "code", "books", "maths"]
ALPHA = dict(zip(NAMES, [0.1, 0.2, 0.15, 0.25]))
LEVEL = dict(zip(NAMES, [2.5, 1.2, 2.8, 1.5]))
BETA, B = 0.4, 0.5


def gain(name, s):
    return B * s**-BETA + LEVEL[name]


def losses(box, noise=0.001, name="losses.csv"):
    """A long table of ten planted runs of four evaluations."""
    rng = random.Random(7)
    lines = ["run,domain,proportion,step,loss"]
    for run in range(10):
        shares = [math.exp(rng.uniform(0, 2)) for _ in NAMES]
        shares = [x / math.fsum(shares) for x in shares]
        for step in [1000, 2000, 3000, 4000]:
            for d, r in zip(NAMES, shares):
                loss = gain(d, step / 4000) * r ** -ALPHA[d] * math.exp(rng.gauss(0, noise))
                lines.append(f"run{run},{d},{r!r},{step},{loss!r}")
    box.write(name, "\n".join(lines) + "\n")


def law(box, *options, noise=0.001):
    losses(box, noise)
    box.good("fit", "-q", "losses.csv", "-o", "law.json", *options)


def optimum(weights=None, hi=None, s=1.0):
    """The planted optimum, by bisection."""
    weights, hi = weights or {}, hi or {}
    low, high = -60.0, 60.0
    for _ in range(200):
        t = (low + high) / 2
        r = {d: min(hi.get(d, 1), math.exp((math.log(weights.get(d, 1) * gain(d, s) * ALPHA[d]) - t) / (1 + ALPHA[d])))
             for d in NAMES}
        low, high = (t, high) if math.fsum(r.values()) > 1 else (low, t)
    return r


def shares(box, *options, key="proportion"):
    report = box.json("optimize", "-q", "-f", "json", "--steps", 4000, *options, "law.json")
    assert report["residual"] <= 1e-12
    r = {d["domain"]: d[key] for d in report["domains"]}
    assert abs(math.fsum(r.values()) - 1) < 1e-9
    return r


def check_near(got, expected, tolerance):
    assert set(got) == set(expected)
    for name in expected:
        assert abs(got[name] - expected[name]) < tolerance, (name, got, expected)


def corpus(box):
    for seed, name in enumerate(NAMES):
        box.write(f"{name}.bin", u16(flatten(zipf_documents(seed, 4000 * (seed + 1), 50 * (seed + 2)))))
    box.good("scan", "-q", "-o", "x.emx", "--dtype=u16", "--eod", EOD, *[f"{n}={n}.bin" for n in NAMES])
    return {d["name"]: d["tokens"] for d in box.json("entropy", "--format", "json", "x.emx")["domains"]}


@test
def the_planted_optimum_is_found(box):
    law(box, noise=0)
    check_near(shares(box), optimum(), 1e-6)
    check_near(shares(box, "--steps=8000"), optimum(s=2), 1e-6)
    assert shares(box, "--steps=8K") == shares(box, "--steps", "8000")


@test
def bounds_hold_and_the_uncapped_optimum_stands_beside(box):
    law(box, noise=0)
    free = optimum()
    cap = free["web"] / 2
    check_near(shares(box, "--max", f"web={cap}"), optimum(hi={"web": cap}), 1e-6)
    check_near(shares(box, "--max", f"web={cap}", key="uncapped"), free, 1e-6)
    r = shares(box, "--min", "0.2", "--max=0.5", "--max=maths=0.22", "--min", "code=0.21")
    assert all(0.2 <= x <= 0.5 for x in r.values()) and r["maths"] <= 0.22 and r["code"] >= 0.21
    text = box.text("optimize", "-q", "--steps=4000", "--max", f"web={cap}", "law.json")
    assert "CAPPED" in text and "UNCAPPED" in text and re.search(r"^web .* max ", text, re.M), text
    assert "CAPPED" not in box.text("optimize", "-q", "--steps=4000", "law.json")


@test
def epochs_are_capped(box):
    law(box, noise=0)
    box.write("t.csv", "domain,tokens\nbooks,1e9\nweb,4e11\nother,1\ncode,3e10\nmaths,1e9\n")
    report = box.json("optimize", "-q", "-f", "json", "--steps=4000", "--tokens-available=t.csv", "--max-epochs=4",
                      "--total-tokens=20B", "law.json")
    rows = {d["domain"]: d for d in report["domains"]}
    assert abs(rows["books"]["proportion"] - 0.2) < 1e-12 and rows["books"]["place"] == "max"
    assert abs(rows["books"]["epochs"] - 4) < 1e-9 and rows["books"]["uncapped_epochs"] > 4
    check_near({d: row["proportion"] for d, row in rows.items()}, optimum(hi={"books": 0.2, "maths": 0.2}), 1e-6)
    assert report["sum"]["value"] > report["uncapped_sum"]["value"]
    text = box.text("optimize", "-q", "--steps=4000", "--tokens-available=t.csv", "--total-tokens=2e10", "law.json")
    assert "EPOCHS" in text and "UNCAPPED" not in text


@test
def a_state_file_tells_tokens_and_entropies(box):
    law(box, noise=0)
    tokens = corpus(box)
    total = sum(tokens.values())
    for options in [["--corpus=x.emx"], ["--tokens-available=x.emx"]]:
        report = box.json("optimize", "-q", "-f", "json", "--steps=4000", *options, "--max-epochs=2",
                          f"--total-tokens={total}", "law.json")
        for d in report["domains"]:
            assert abs(d["max"] - min(1, 2 * tokens[d["domain"]] / total)) < 1e-12
            assert d["proportion"] <= d["max"]
            assert abs(d["epochs"] - d["proportion"] * total / tokens[d["domain"]]) < 1e-9
    weak, strong = (shares(box, "--corpus=x.emx", "--prior=joint", f"--prior-strength={x}") for x in [1e-9, 1e7])
    check_near(weak, optimum(), 1e-5)
    lines = csv.DictReader(io.StringIO(box.text("weights", "-q", "--proxy=joint", "--to=csv", "x.emx")))
    check_near(strong, {line["domain"]: float(line["proportion"]) for line in lines}, 1e-5)
    box.good("vne", "-q", "-n", 50, "--dimension", 8, "-o", "v.emx", "x.emx")
    for options in ["--prior=joint", "--estimator=good-turing"], ["--prior=von-neumann", "--remove-first-component"]:
        found = shares(box, "--corpus=v.emx", "--prior-strength=1e7", *options)
        options[0] = options[0].replace("--prior", "--proxy")
        lines = csv.DictReader(io.StringIO(box.text("weights", "-q", *options, "--to=csv", "v.emx")))
        check_near(found, {line["domain"]: float(line["proportion"]) for line in lines}, 1e-5)


@test
def losses_are_weighted(box):
    law(box, noise=0)
    box.write("w.csv", "domain,weight\nbooks,1\nweb,3\ncode,0\nmaths,0.5\n")
    weights = {"books": 1, "web": 3, "code": 1e-300, "maths": 0.5}
    check_near(shares(box, "--objective=w.csv"), optimum(weights), 1e-6)
    result = box.run("optimize", "--steps=4000", "--objective=w.csv", "law.json")
    assert result.code == 0 and "no loss depends on the shares of code" in result.err and b"(weighted sum)" in result.out


@test
def draws_give_intervals(box):
    law(box, "--bootstrap=40", noise=0.003)
    report = box.json("optimize", "-q", "-f", "json", "--steps=4000", "law.json")
    for d in report["domains"]:
        assert 0 < d["lo"] < d["proportion"] < d["hi"] < 1, d
    assert report["sum"]["lo"] < report["sum"]["value"] < report["sum"]["hi"]
    assert report["best_observed_sum"]["value"] >= report["sum"]["value"] and report["margin_lo"] < report["margin_hi"]
    wide = box.json("optimize", "-q", "-f", "json", "--level=0.99", "--steps=4000", "law.json")["domains"]
    narrow = box.json("optimize", "-q", "-f", "json", "--level=0.5", "--steps=4000", "law.json")["domains"]
    assert all(w["hi"] - w["lo"] > n["hi"] - n["lo"] for w, n in zip(wide, narrow))
    rows = list(csv.DictReader(io.StringIO(box.text("optimize", "-q", "-f", "csv", "--steps=4000", "law.json"))))
    assert [float(row["proportion"]) for row in rows] == [d["proportion"] for d in report["domains"]]


def keys_of(value):
    if isinstance(value, list):
        return set().union(*map(keys_of, value)) if value else set()
    return set(value).union(*map(keys_of, value.values())) if isinstance(value, dict) else set()


@test
def the_report_is_described(box):
    law(box)
    page = (pathlib.Path(__file__).parents[2] / "docs/optimum-json.md").read_text().split("## plan")[0]
    keys = keys_of(box.json("optimize", "-q", "-f", "json", "--steps=4000", "--max=0.5", "law.json"))
    assert len(keys) > 20 and not {key for key in keys if f"`{key}`" not in page}


@test
def other_laws_have_optima(box):
    losses(box, 0.001)
    for form in ["bimix-transfer", "exponential", "blind"]:
        box.good("fit", "-q", "--law", form, "losses.csv", "-o", "law.json")
        r = shares(box, "--max=0.4")
        assert all(x <= 0.4 for x in r.values())
    check_near(shares(box), {d: 0.25 for d in NAMES}, 1e-12)


@test
def mixtures_are_written_for_trainers(box):
    law(box)
    r = shares(box)
    mixture = json.loads(box.good("optimize", "-q", "--steps=4000", "--to=doremi", "law.json"))
    check_near(mixture["train_domain_weights"], r, 1e-12)
    report = box.text("optimize", "-q", "--steps=4000", "--to=doremi", "-o", "mix.json", "law.json")
    assert json.loads(box.bytes("mix.json")) == mixture and "OPTIMUM" in report
    box.good("optimize", "-q", "--steps=4000", "-o", "own.json", "law.json")
    own = {d["name"]: d["proportion"] for d in json.loads(box.bytes("own.json"))["domains"]}
    check_near(own, r, 1e-12)
    text = box.text("optimize", "-q", "--steps=4000", "--to=megatron", "--path=tok/{domain}_text", "law.json")
    assert sorted(text.split()[1::2]) == sorted(f"tok/{d}_text" for d in NAMES)


@test
def an_optimum_far_from_the_runs_is_a_warning(box):
    law(box)
    said = box.run("optimize", "--steps=4000", "--max=books=0.001", "law.json").err
    assert re.search("outside the observed shares of .*books", said) and "far beyond the observed" in said, said
    assert "no draws" in box.run("optimize", "--steps=4000", "law.json").err
    assert box.run("optimize", "-q", "--steps=4000", "--max=books=0.001", "law.json").err == ""


@test
def wrong_words_are_named(box):
    law(box)
    box.write("t.csv", "domain,tokens\nbooks,1e9\nweb,4e11\ncode,3e10\n")
    box.write("w.csv", "domain,weight\nbooks,1\nweb,x\n")
    steps = ["--steps=4000", "law.json"]
    box.usage_error("optimize", "law.json", says="--steps N")
    box.usage_error("optimize", "--steps=1", says="needs a law")
    box.usage_error("optimize", *steps, "x", says="'x' follows 'law.json'")
    box.usage_error("optimize", *steps, "--min=wab=0.1", says=["--min", "'wab' is no domain"])
    box.usage_error("optimize", *steps, "--max=web=1.5", says=["--max", "1.5"])
    box.usage_error("optimize", *steps, "--min=web=0.3", "--max=web=0.2", says=["'web'", "0.3", "0.2"])
    box.usage_error("optimize", *steps, "--max-epochs=4", says="--total-tokens")
    box.usage_error("optimize", *steps, "--max-epochs=4", "--total-tokens=1B", says="--tokens-available")
    box.usage_error("optimize", *steps, "--prior=joint", "--prior-strength=1", says="--corpus")
    box.usage_error("optimize", *steps, "--prior-strength=1", says="--prior")
    box.usage_error("optimize", *steps, "--at-tokens=5", says="--prior ENTROPY, which is not given")
    box.usage_error("optimize", *steps, "--path=x", says="{domain}")
    box.error("optimize", *steps, "--min=0.3", says="the least proportions sum to 1.2")
    box.error("optimize", *steps, "--max=0.2", says="the greatest proportions sum to 0.8")
    box.error("optimize", *steps, "--tokens-available=t.csv", says=["t.csv", "no row of domain 'maths'"])
    box.error("optimize", *steps, "--objective=w.csv", says=["w.csv: row 3", "'x'"])
    box.error("optimize", *steps, "--corpus=none.emx", says="none.emx")
    box.error("optimize", "--steps=1", "losses.csv", says="losses.csv")


main()
