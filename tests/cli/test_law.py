#!/usr/bin/python3
"""fit, evaluate and predict: on tables of planted laws, and what they refuse."""
import csv
import random

from harness import *

DOMAINS = ["books", "code", "web"]
#            alpha  beta  B    C
PLANTED = {"books": (0.05, 0.5, 0.4, 3.0), "code": (0.12, 0.7, 0.3, 1.1), "web": (0.03, 0.4, 0.5, 2.6)}
STEPS = [1000 * i for i in range(1, 9)]


def planted_loss(domain, share, step):
    alpha, beta, b, c = PLANTED[domain]
    return (b / (step / STEPS[-1]) ** beta + c) / share**alpha


def mixtures(n, seed=1):
    chance = random.Random(seed)
    made = []
    for _ in range(n):
        parts = [chance.uniform(0.1, 1) for _ in DOMAINS]
        made.append([x / sum(parts) for x in parts])
    return made


def wide(box, name="losses.csv", n=8, noise=0.0, steps=STEPS, seed=1):
    """A wide table of the planted laws, log losses disturbed by noise."""
    chance = random.Random(seed + 100)
    lines = [",".join(["run", "step", *(f"weight_{d}" for d in DOMAINS), *(f"{d}_loss" for d in DOMAINS)])]
    for i, mixture in enumerate(mixtures(n, seed)):
        for step in steps:
            losses = [planted_loss(d, r, step) * math.exp(chance.gauss(0, noise)) for d, r in zip(DOMAINS, mixture)]
            lines.append(",".join([f"m{i}", str(step), *map(repr, mixture), *map(repr, losses)]))
    return box.write(name, "\n".join(lines) + "\n")


def long(box, table, name="long.csv"):
    """The rows of a wide table as a long one, in another order."""
    rows = []
    for row in csv.DictReader((box / table).read_text().splitlines()):
        rows += [f"{row['run']},{d},{row['weight_' + d]},{row['step']},{row[d + '_loss']}" for d in DOMAINS]
    random.Random(3).shuffle(rows)
    return box.write(name, "run,domain,proportion,step,loss\n" + "\n".join(rows) + "\n")


def coefficients(box, *words):
    rows = csv.DictReader(box.text("fit", "--format=csv", *words).splitlines())
    return {(row["domain"], row["coefficient"]): row for row in rows}


@test
def planted_laws_are_found(box):
    wide(box)
    found = coefficients(box, "losses.csv")
    assert len(found) == 12
    for domain, planted in PLANTED.items():
        for name, value in zip(["alpha", "beta", "B", "C"], planted):
            row = found[domain, name]
            assert abs(float(row["value"]) - value) < 1e-6 * value and row["known"] == "free", (domain, name, row)


@test
def errors_cover_what_was_planted(box):
    wide(box, noise=0.005, n=12)
    for row, value in ((row, PLANTED[d]["alpha beta B C".split().index(c)]) for (d, c), row in
                       coefficients(box, "losses.csv").items()):
        assert 0 < float(row["error"]) and abs(float(row["value"]) - value) < 5 * float(row["error"]), row


@test
def long_and_wide_tables_give_the_same_law(box):
    wide(box, noise=0.01)
    long(box, "losses.csv")
    for law in ["bimix", "blind"]:
        a, b = (coefficients(box, "--law", law, *words) for words in
                [["losses.csv"], ["--domain", "books", "--domain", "code", "--domain", "web", "long.csv"]])
        assert set(a) == set(b)
        for key in a:
            assert abs(float(a[key]["value"]) - float(b[key]["value"])) < 1e-6, (key, a[key], b[key])


@test
def the_table_is_for_people(box):
    wide(box, noise=0.005)
    text = box.text("fit", "--bootstrap", "20", "losses.csv")
    for word in ["8 mixtures", "64 evaluations", "12 coefficients estimated, 15 as published", "alpha", "\u00b1",
                 "RESIDUAL", "BLIND", "20 draws", *DOMAINS]:
        assert word in text, (word, text)
    assert "Not determined" not in text
    wide(box, "one.csv", n=8, steps=[1000])
    text = box.text("fit", "one.csv")
    assert "Not determined by these losses: " in text and "beta of books" in text, text
    wide(box, "transfer.csv", noise=0.005)
    assert "t(code)" in box.text("fit", "--law=bimix-transfer", "transfer.csv")
    assert "BLIND" in box.text("fit", "--law=exponential", "transfer.csv")


@test
def the_law_is_a_file(box):
    wide(box, noise=0.005)
    box.good("fit", "--bootstrap", "5", "--seed", "7", "-o", "law.json", "losses.csv")
    law = json.loads(box.bytes("law.json"))
    assert law["format"] == "entromix-law" and law["law"] == "bimix" and law["seed"] == "7"
    assert law["domains"] == DOMAINS and law["steps"] == STEPS and len(law["draws"]) == 5
    assert law["source"] == "losses.csv" and law["step_name"] == "step"
    assert box.bytes("law.json") == box.good("fit", "--bootstrap=5", "--seed=7", "--format=json", "losses.csv")
    assert box.bytes("law.json") == box.good("fit", "--bootstrap=5", "--seed=7", "-o", "-", "losses.csv")
    assert box.bytes("law.json") != box.good("fit", "--bootstrap=5", "--seed=8", "-o", "-", "losses.csv")


@test
def results_do_not_depend_on_threads(box):
    wide(box, noise=0.01)
    for law in ["bimix", "bimix-transfer"]:
        texts = {box.good("fit", "--law", law, "--bootstrap=8", "-j", n, "-o", "-", "losses.csv") for n in (1, 2, 5)}
        assert len(texts) == 1, law


@test
def losses_come_from_standard_input_and_compressed(box):
    wide(box)
    expected = box.good("fit", "--format=csv", "losses.csv")
    assert box.good("fit", "--format=csv", "-", stdin=box.bytes("losses.csv")) == expected
    box.write("losses.csv.zst", zstd(box.bytes("losses.csv")))
    box.write("losses.csv.gz", gzip(box.bytes("losses.csv")))
    for name in ["losses.csv.zst", "losses.csv.gz"]:
        assert box.good("fit", "--format=csv", name) == expected


def scores(box, *words):
    judged = box.json("evaluate", "--format=json", *words)
    return judged, {(s["predictor"], s["law"]): s for s in judged["scores"]}


@test
def evaluate_finds_the_planted_law_best(box):
    wide(box, n=12)
    for split in ["last-step", "mixtures", "mixtures:4", "first-half"]:
        judged, by = scores(box, "--hold-out", split, "losses.csv")
        law, blind = by["law", "bimix"], by["law", "blind"]
        assert law["mean"] < 1e-6 < 1e-3 < blind["mean"], (split, law, blind)
        assert law["coefficients"] == 12 and law["coefficients_published"] == 15
        assert law["r2_within"] > 0.999 > blind["r2_within"]
        assert {d["domain"] for d in law["domains"]} == set(DOMAINS)
        assert judged["predicted"] == {"last-step": 12, "first-half": 48}.get(split, 96)
        assert judged["hold_out"] == split.split(":")[0]


@test
def evaluate_holds_out_runs_by_name(box):
    wide(box)
    judged, _ = scores(box, "--hold-out=mixtures", "--held-out=m1", "--held-out=m5", "losses.csv")
    assert judged["predicted"] == 16 and judged["fits"] == 1
    box.usage_error("evaluate", "--hold-out=mixtures", "--held-out=x", "losses.csv", says=["'x'", "--held-out"])
    box.usage_error("evaluate", "--held-out=m1", "losses.csv", says="--hold-out mixtures")


@test
def evaluate_prints_table_and_csv(box):
    wide(box, noise=0.01)
    text = box.text("evaluate", "losses.csv")
    for word in ["held out: the last evaluation", "PUBLISHED", "WITHIN", "bimix", "bimix-transfer", "exponential",
                 "blind", "last loss repeated", *DOMAINS]:
        assert word in text, (word, text)
    rows = list(csv.DictReader(box.text("evaluate", "--format=csv", "losses.csv").splitlines()))
    _, by = scores(box, "losses.csv")
    assert sum(row["domain"] == "" for row in rows) == sum(s["defined"] for s in by.values())
    for row in rows:
        if row["domain"] == "":
            assert float(row["mean"]) == by[row["predictor"], row["law"] or None]["mean"]


@test
def predict_gives_the_planted_loss(box):
    wide(box)
    box.good("fit", "-o", "law.json", "losses.csv")
    shares = {"web": 0.5, "books": 0.3, "code": 0.2}
    inline = ",".join(f"{d}={x}" for d, x in shares.items())
    predicted = box.json("predict", "law.json", "--mixture", inline, "--steps", "6K", "--format=json")
    for row in predicted["domains"]:
        expected = planted_loss(row["domain"], shares[row["domain"]], 6000)
        assert abs(row["loss"] - expected) < 1e-7 * expected and row["verdict"] == "inside", row
        assert row["proportion"] == shares[row["domain"]]
    rows = csv.DictReader(box.text("predict", "law.json", "-m", inline, "-s", "6000", "-f", "csv").splitlines())
    assert [float(row["loss"]) for row in rows] == [row["loss"] for row in predicted["domains"]]
    text = box.text("predict", "law.json", "-m", inline, "-s", "6e3")
    assert "LEVERAGE" in text and "Mean of the losses" in text


@test
def mixtures_come_from_files(box):
    wide(box)
    box.good("fit", "-o", "law.json", "losses.csv")
    for seed, name in enumerate(DOMAINS):
        box.write(f"{name}.bin", u16(flatten(zipf_documents(seed, 3000, 100 * (seed + 1)))))
    box.good("scan", "-q", "-o", "x.emx", "--dtype=u16", "--eod", EOD, *(f"{d}={d}.bin" for d in DOMAINS))
    box.good("weights", "-q", "-o", "mix.json", "x.emx")
    box.good("weights", "-q", "--to=csv", "-o", "mix.csv", "x.emx")
    shares = {d["name"]: d["proportion"] for d in json.loads(box.bytes("mix.json"))["domains"]}
    box.write("plain.json", json.dumps(shares))
    box.write("plain.csv", "proportion,domain\r\n" + "".join(f"{x!r},{d}\r\n" for d, x in shares.items()))
    inline = ",".join(f"{d}={x!r}" for d, x in shares.items())
    expected = box.good("predict", "law.json", "--steps=5000", "-q", "-m", inline)
    for name in ["mix.json", "mix.csv", "plain.json", "plain.csv"]:
        assert box.good("predict", "law.json", "--steps=5000", "-q", "-m", name) == expected, name
    for name, content, says in [
        ("a.json", '{"books": 0.5, "code": 0.5}', "'web'"),
        ("b.json", '{"books": 0.5, "code": 0.25, "web": 0.25, "x": 0}', "'x'"),
        ("c.json", '{"books": 0.5, "code": 0.25, "web": 0.2}', "sum to 0.95"),
        ("d.json", '{"books": 0.5, "code": 0.25, "web": "0.25"}', "'web'"),
        ("e.json", '{"books": 0.5, "code"', "line 1"),
        ("f.json", '[1]', "object"),
        ("g.json", '{"domains": [{"name": "web"}]}', "domain 1"),
        ("h.csv", "domain,share\nweb,1\n", "'proportion'"),
        ("i.csv", "domain,proportion\nweb,half\n", "row 2"),
        ("j.csv", "domain,proportion\nweb,0.5\nweb,0.5\n", "'web' occurs twice"),
        ("k.csv", "domain,proportion\nweb\n", "row 2"),
        ("l.csv", "domain,proportion\nweb,-0.5\n", "between 0 and 1"),
    ]:
        box.write(name, content)
        box.error("predict", "law.json", "--steps=5000", "-m", name, says=[name, says])


@test
def extrapolation_is_warned_of(box):
    wide(box, noise=0.005)
    box.good("fit", "-o", "law.json", "losses.csv")
    for words, far in [(["-m", "web=0.4,books=0.3,code=0.3", "-s", "6000"], False),
                       (["-m", "web=0.001,books=0.499,code=0.5", "-s", "6000"], True),
                       (["-m", "web=0.4,books=0.3,code=0.3", "-s", "1M"], True)]:
        result = box.run("predict", "law.json", *words)
        assert result.code == 0 and ("warning" in result.err and "beyond" in result.err) == far, (words, result.err)
        assert box.run("predict", "-q", "law.json", *words).err == ""
    assert "web: " in box.run("predict", "law.json", "-m", "web=0.001,books=0.499,code=0.5", "-s", "6000").err


@test
def predict_refuses_what_is_no_mixture(box):
    wide(box)
    box.good("fit", "-o", "law.json", "losses.csv")
    for mixture, says in [("web=0.5,books=0.5", "'code'"), ("web=0.5,books=0.5,cod=0", "'cod'"),
                          ("web=0.5,web=0.5", "twice"), ("web=x,books=0.5,code=0.5", "'x'"),
                          ("web=1.5,books=0.5,code=0.5", "'1.5'"), ("web=0.5,books,code=0.5", "'books'"),
                          ("web=0.5,books=0.3,code=0.3", "1.1")]:
        box.usage_error("predict", "law.json", "-s", "1", "-m", mixture, says=says)
    box.error("predict", "law.json", "-s", "1", "-m", "web=0.5,books=0.5,code=0", says="code")
    box.usage_error("predict", "law.json", "-s", "1", says="--mixture")
    box.usage_error("predict", "law.json", "-m", "mix.json", says="--steps")
    box.usage_error("predict", "-m", "mix.json", "-s", "1", says="law")
    for steps in ["0", "-1", "x", "nan", "1e999"]:
        box.usage_error("predict", "law.json", "-m", "mix.json", f"--steps={steps}", says=["--steps", steps])
    box.error("predict", "none.json", "-m", "web=1", "-s", "1", says="none.json")
    box.error("predict", "losses.csv", "-m", "web=1", "-s", "1", says=["losses.csv", "JSON"])


HEADER = "step,weight_a,weight_b,a_loss,b_loss\n"


@test
def tables_are_refused_by_row_and_column(box):
    good = "1,0.5,0.5,3,4\n2,0.5,0.5,2,3\n1,0.25,0.75,3.5,3.5\n2,0.25,0.75,2.5,2.5\n"
    box.write("t.csv", HEADER + good)
    box.good("fit", "t.csv")
    for row, says in [
        ("3,1,0,2,2", ["column 'weight_b'", "--zero-as"]),
        ("3,0.5,0.6,2,2", ["sum to 1.1", "--renormalise"]),
        ("3,0.5,0.5,,2", ["column 'a_loss'", "--drop-missing"]),
        ("3,0.5,0.5,2,inf", ["column 'b_loss'", "not finite"]),
        ("3,0.5,0.5,two,2", ["column 'a_loss'", "'two'"]),
        ("3,0.5,0.5,2,3", ["--drop-repeated", "row 3"]),
        ("2,0.5,0.5,2,2", ["column 'step'", "row 3", "--where"]),
        ("3,0.5,0.5,2", ["4 columns"]),
    ]:
        box.write("t.csv", HEADER + good + row + "\n")
        for command in ["fit", "evaluate"]:
            box.error(command, "t.csv", says=["t.csv: row 6", *says])
        result = box.run("fit", "-o", "law.json", "t.csv")
        assert result.code == 1 and not (box / "law.json").exists()
    box.write("t.csv", "step,weight_a,a_loss,x_loss\n1,1,2,3\n2,1,1.5,2\n3,1,1.25,2\n")
    box.error("fit", "t.csv", says=["row 1", "column 'x_loss'", "--ignore"])
    box.good("fit", "--ignore", "x_loss", "t.csv")


@test
def options_choose_rows_and_columns(box):
    wide(box)
    lines = (box / "losses.csv").read_text().splitlines()
    header = lines[0].replace("weight_", "w/").replace("_loss", "/nll").replace("step", "n").replace("run", "id")
    rows = [line for body in lines[1:] for line in (body + ",1e6", body.replace("m", "b") + ",2e6")]
    box.write("other.csv", "\n".join([header + ",size", *rows]) + "\n")
    words = ["--proportion-columns=w/{domain}", "--loss-columns={domain}/nll", "--step-column=n", "other.csv"]
    expected = box.good("fit", "--format=csv", "losses.csv")
    assert box.good("fit", "--format=csv", "--where=size=1000000", *words) == expected
    assert box.good("fit", "--format=csv", "--where=size=1000000", "--run-column=id", *words) == expected
    named = [f"--map={d}=w/{d}:{d}/nll" for d in DOMAINS]
    assert box.good("fit", "--format=csv", "--where=size=1e6", "--step-column=n", *named, "other.csv") == expected
    box.error("fit", *words, says=["row 3", "--where"])
    box.usage_error("fit", "--where=sise=1", *words, says=["'sise'", "--where"])
    box.usage_error("fit", "--where=size", *words, says=["'size'", "--where"])
    box.usage_error("fit", "--drop-repeated", "--keep-repeated", *words, says="exclude")


@test
def options_are_checked(box):
    wide(box)
    for words, says in [(["--law=bimx"], "bimix"), (["--loss=l2"], "log"), (["--huber-scale=0"], "'0'"),
                        (["--bootstrap=-1"], "'-1'"), (["--method=varpro", "--law=exponential"], "variable projection"),
                        (["--zero-as=1"], "'1'"), (["--seed=x"], "'x'")]:
        box.usage_error("fit", *words, "losses.csv", says=says)
    box.usage_error("fit", says="table of losses")
    box.usage_error("fit", "a.csv", "b.csv", says="'b.csv'")
    box.usage_error("evaluate", "--hold-out=last", "losses.csv", says=["'last'", "last-step"])
    for folds in ["1", "x", ""]:
        box.usage_error("evaluate", f"--hold-out=mixtures:{folds}", "losses.csv", says="--hold-out")
    box.error("fit", "none.csv", says="none.csv")
    box.error("fit", "-o", "no/law.json", "losses.csv", says="no/law.json")


@test
def zeros_are_for_laws_that_have_a_value_there(box):
    box.write("t.csv", HEADER + "1,1,0,3,4\n2,1,0,2,3\n1,0.5,0.5,3.5,3.5\n2,0.5,0.5,2.5,2.5\n1,.2,.8,3,3\n2,.2,.8,2,2\n")
    box.error("fit", "t.csv", says=["row 2", "'weight_b'"])
    for words in [["--law=exponential"], ["--law=blind"], ["--zero-as=0.001"]]:
        box.good("fit", *words, "t.csv")


def state(box):
    """books and web share their words, code has its own."""
    for name, seeds in {"books": (1, 3000, 300), "web": (1, 2500, 300), "code": (2, 3000, 40)}.items():
        box.write(f"{name}.bin", u16(flatten(zipf_documents(*seeds))))
    box.good("scan", "-q", "-o", "x.emx", "--dtype=u16", "--eod", EOD, *(f"{d}={d}.bin" for d in DOMAINS))


@test
def overlaps_are_a_prior_for_transfer(box):
    wide(box, n=5, noise=0.003)
    state(box)
    shared = {(r["p"], r["q"]): r for r in box.json("compare", "--format=json", "x.emx")["comparisons"]}
    words = ["losses.csv", "--law=bimix-transfer", "--transfer-prior=x.emx"]
    text = box.text("fit", *words, "-o", "law.json")
    assert "prior for transfer from x.emx times " in text and ", by cross validation" in text, text
    law = json.loads(box.text("fit", *words, "--transfer-strength=1e9", "--format=json"))
    assert law["prior_strength"] == 1e9 and law["prior_factor"] == 1
    for i, scored in enumerate(law["scored"]):
        for j, other in enumerate(DOMAINS):
            if i != j:
                overlap = shared[scored["domain"], other]["pair_shared_mass"]
                assert scored["prior"][j] == overlap
                assert abs(scored["coefficients"][4 + j]["value"] - overlap) < 1e-4
    again = json.loads(box.text("fit", "losses.csv", "--law=bimix-transfer", "--transfer-prior=law.json", "--format=json",
                                "--transfer-strength=1"))
    first = json.loads((box / "law.json").read_text())
    for a, b in zip(again["scored"], first["scored"]):
        assert [x for j, x in enumerate(a["prior"])] == [0 if c["name"] == f"t({a['domain']})" else c["value"]
                                                         for c in b["coefficients"][4:]]


@test
def evaluate_tells_whether_a_prior_helps(box):
    wide(box, n=6, noise=0.003)
    state(box)
    words = ["losses.csv", "--law=bimix-transfer", "--transfer-prior=x.emx", "--hold-out=mixtures"]
    text = box.text("evaluate", *words)
    assert "bimix-transfer, prior " in text and "\nbimix-transfer  " in text, text
    listed = box.json("evaluate", "--format=json", *words)["scores"]
    assert [(s["law"], s["prior"]) for s in listed[:3]] == [("bimix-transfer", True)] * 2 + [("bimix-transfer", False)]
    rows = list(csv.DictReader(box.text("evaluate", "--format=csv", *words).splitlines()))
    assert [row["prior"] for row in rows if row["domain"] == ""][:2] == ["1", "0"]


@test
def priors_that_say_nothing_are_refused(box):
    wide(box)
    state(box)
    box.usage_error("fit", "losses.csv", "--transfer-prior=x.emx", says="--law bimix-transfer")
    transfer = ["losses.csv", "--law=bimix-transfer"]
    box.usage_error("fit", *transfer, "--transfer-strength=1", says="--transfer-prior")
    box.usage_error("fit", *transfer, "--transfer-prior=x.emx", "--transfer-strength=0", says="'0'")
    box.error("fit", *transfer, "--transfer-prior=none.emx", says="none.emx")
    box.good("scan", "-q", "-o", "two.emx", "--dtype=u16", "--eod", EOD, "books=books.bin", "web=web.bin")
    box.error("fit", *transfer, "--transfer-prior=two.emx", says=["two.emx", "'code'"])
    box.good("fit", "losses.csv", "-q", "-o", "bimix.json")
    box.error("fit", *transfer, "--transfer-prior=bimix.json", says=["bimix.json", "nothing of transfer"])


main()
