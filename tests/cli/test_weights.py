#!/usr/bin/python3
"""Weights: the formula, the options, every format, and where the file goes."""
import csv

from harness import *

PROXIES = ["shannon", "joint", "conditional"]


def state(box):
    """Domains with very different entropies in Megatron shards; their entropies."""
    for seed, (name, n_types) in enumerate([("web", 900), ("code", 60), ("books", 300)]):
        box.write(f"{name}.bin", u16(flatten(zipf_documents(seed, 5000, n_types, 20 * (seed + 1)))))
    words = [f"{name}={name}.bin" for name in ["web", "code", "books"]]
    box.good("scan", "-q", "-o", "x.emx", "--dtype=u16", "--eod", EOD, *words)
    rows = box.json("entropy", "--format", "json", "x.emx")["domains"]
    return {row["name"]: row for row in rows}


def weights(box, *options):
    lines = csv.DictReader(box.text("weights", "-q", "--to", "csv", *options, "x.emx").splitlines())
    return {line["domain"]: float(line["proportion"]) for line in lines}


def softmax(entropies, temperature=1.0):
    top = max(entropies.values())
    e = {name: math.exp((h - top) / temperature) for name, h in entropies.items()}
    return {name: x / math.fsum(e.values()) for name, x in e.items()}


def check_near(got, expected):
    assert set(got) == set(expected)
    for name in expected:
        assert abs(got[name] - expected[name]) < 1e-12, (name, got, expected)


@test
def weights_are_the_papers_formula(box):
    rows = state(box)
    for proxy in PROXIES:
        check_near(weights(box, "--proxy", proxy), softmax({name: row[proxy] for name, row in rows.items()}))
    assert weights(box) == weights(box, "--proxy", "conditional")


@test
def temperature_flattens(box):
    h = {name: row["shannon"] for name, row in state(box).items()}
    for t in [0.5, 1, 3, 1e6]:
        check_near(weights(box, "--proxy=shannon", f"--temperature={t}"), softmax(h, t))


@test
def floor_and_cap_hold(box):
    state(box)
    plain = weights(box, "--proxy=joint")
    for floor, cap in [(0.2, 1), (0, 0.4), (0.25, 0.45), (0.3, 0.36)]:
        some = weights(box, "--proxy=joint", "--floor", str(floor), "--cap", str(cap))
        assert some != plain and abs(math.fsum(some.values()) - 1) < 1e-12
        assert all(floor - 1e-12 <= w <= cap + 1e-12 for w in some.values()), some
        inside = [some[n] / plain[n] for n in some if floor + 1e-9 < some[n] < cap - 1e-9]
        for name, w in some.items():  # one factor for all that lie between, and clipped where it leads too far
            if inside:
                assert abs(w - min(cap, max(floor, inside[0] * plain[name]))) < 1e-12, (name, plain, some)
    for options in [["--floor", "0.34"], ["--cap", "0.33"], ["--floor", "0.5", "--cap", "0.2"]]:
        box.error("weights", *options, "x.emx", says=options[0].strip("-"))


@test
def errors_follow_from_those_of_entropies(box):
    rows = state(box)
    for proxy in PROXIES:
        for options, t in [([], 1), (["--temperature=2"], 2)]:
            mixture = box.json("weights", "--proxy", proxy, *options, "x.emx")
            lines = csv.DictReader(box.text("weights", "--to=csv", "--proxy", proxy, *options, "x.emx").splitlines())
            r = {d["name"]: d["proportion"] for d in mixture["domains"]}
            for domain, line in zip(mixture["domains"], lines, strict=True):
                name = domain["name"]
                assert domain["entropy_error"] == rows[name][f"{proxy}_error"] == float(line["entropy_error"])
                slopes = {other: r[name] / t * ((other == name) - r[other]) for other in r}
                expected = math.hypot(*(slopes[other] * rows[other][f"{proxy}_error"] for other in r))
                assert abs(domain["proportion_error"] - expected) < 1e-12 < expected
                assert float(line["proportion_error"]) == domain["proportion_error"]
    held = {d["name"]: d["proportion_error"] for d in box.json("weights", "-pjoint", "--floor=0.25", "x.emx")["domains"]}
    assert held["code"] == 0 < held["web"] and math.isclose(held["web"], held["books"], rel_tol=1e-9), held


@test
def every_format_is_written(box):
    state(box)
    names = re.findall(r"^  ([a-z0-9-]+) ", box.text("weights", "--help").split("FORMAT of --to:")[1].split("\n\n")[0], re.M)
    assert {"json", "csv", "megatron"} < set(names)
    for name in names:
        text = box.text("weights", "--to", name, "x.emx")
        for domain in ["web", "code", "books"]:
            assert domain in text, (name, text)
        assert text.endswith("\n") and not text.endswith("\n\n"), (name, text)
        box.good("weights", "-q", "--to", name, "-o", "mix", "x.emx")
        assert box.bytes("mix").decode() == text
        assert len(box.run("weights", "--to", name, "x.emx").err.splitlines()) <= 1


@test
def json_is_the_default_and_has_provenance(box):
    rows = state(box)
    text = box.text("weights", "x.emx")
    assert text == box.text("weights", "--to=json", "--proxy=conditional", "--temperature=1", "-o", "-", "x.emx")
    json.loads(text)
    for word in ["x.emx", "conditional", "web.bin", "50256", *rows]:
        assert word in text, word
    assert text != box.text("weights", "--proxy=shannon", "x.emx")


@test
def the_template_names_paths(box):
    state(box)
    text = box.text("weights", "-q", "--to=megatron", "--path", "data/{domain}/tok_{domain}_text_document", "x.emx")
    for name in ["web", "code", "books"]:
        assert f"data/{name}/tok_{name}_text_document" in text.split()


@test
def notes_are_for_people_only(box):
    state(box)
    loud, quiet = (box.run("weights", *q, "--to=megatron", "x.emx") for q in [[], ["-q"]])
    assert loud.code == quiet.code == 0 and loud.out == quiet.out
    assert loud.err.startswith("entromix: note: ") and quiet.err == ""


@test
def states_come_from_standard_input(box):
    state(box)
    assert box.good("weights", "--to=csv", "-", stdin=box.bytes("x.emx")) == box.good("weights", "--to=csv", "x.emx")


main()
