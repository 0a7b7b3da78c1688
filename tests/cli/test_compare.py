#!/usr/bin/python3
"""Comparison of domains: definitions by plain counting, formats, order, options."""
import csv

from harness import *

DOMAINS = {"books": (1, 6000, 300), "books-again": (1, 6000, 300), "code": (2, 5000, 40), "web": (3, 4000, 500)}


def state(box):
    """Documents of each domain; books-again is books and a few documents more."""
    documents = {name: zipf_documents(*seeds) for name, seeds in DOMAINS.items()}
    documents["books-again"] += zipf_documents(9, 300)
    for name, some in documents.items():
        box.write(f"{name}.bin", u16(flatten(some)))
    words = [f"{name}={name}.bin" for name in documents]
    box.good("scan", "-q", "-o", "x.emx", "--dtype=u16", "--eod", EOD, "--vocabulary=50257", *words)
    return documents


def rows(box, *options):
    listed = box.json("compare", "--format=json", *options, "x.emx")["comparisons"]
    return {(row["p"], row["q"]): row for row in listed}


def shares(counter):
    total = sum(counter.values())
    return {key: n / total for key, n in counter.items()}


def pair_shares(documents):
    return shares(collections.Counter(pair for d in documents for pair in zip(d, d[1:])))


def jensen(p, q):
    middle = {key: (p.get(key, 0) + q.get(key, 0)) / 2 for key in {*p, *q}}
    return sum(math.fsum(x * math.log(x / middle[key]) for key, x in d.items()) for d in (p, q)) / 2


@test
def numbers_are_the_definitions(box):
    documents = state(box)
    compared = rows(box)
    assert list(compared) == [(p, q) for p in sorted(DOMAINS) for q in sorted(DOMAINS) if p != q]
    for (p, q), row in compared.items():
        a, b = pair_shares(documents[p]), pair_shares(documents[q])
        assert abs(row["pairs_jensen"] - jensen(a, b)) < 1e-12
        assert row["pair_types"] == len({*a} & {*b})
        assert abs(row["pair_jaccard"] - len({*a} & {*b}) / len({*a} | {*b})) < 1e-12
        assert abs(row["pair_shared_mass"] - math.fsum(min(x, b.get(key, 0)) for key, x in a.items())) < 1e-12
        assert abs(row["pair_mass_p"] - math.fsum(x for key, x in a.items() if key in b)) < 1e-12
        x, y = (shares(collections.Counter(flatten(documents[name]))) for name in (p, q))
        assert abs(row["tokens_jensen"] - jensen(x, y)) < 1e-12
        covered = {*a} <= {*b}
        assert (row["pairs_kl"] is not None) == covered == (row["conditional_cross"] is not None)
        if covered:
            assert abs(row["pairs_kl"] - math.fsum(x * math.log(x / b[key]) for key, x in a.items())) < 1e-12


@test
def smoothing_makes_all_finite(box):
    documents = state(box)
    for options in [["-s", "additive"], ["-s", "additive", "-a", "0.01"], ["-s", "union"], ["-s", "union", "-a", "1"]]:
        compared = rows(box, *options)
        for row in compared.values():
            for kind in ["tokens", "pairs", "conditional"]:
                assert row[f"{kind}_cross"] > row[f"{kind}_kl"] >= 0, row
    p, q = (collections.Counter(flatten(documents[name])) for name in ("code", "web"))
    total = sum(q.values()) + 0.5 * 50257
    cross = -math.fsum(x * math.log((q[key] + 0.5) / total) for key, x in shares(p).items())
    assert abs(rows(box, "-s", "additive")[("code", "web")]["tokens_cross"] - cross) < 1e-12
    plain = rows(box)
    assert all(row["pairs_jensen"] == plain[two]["pairs_jensen"] for two, row in compared.items())


@test
def formats_and_units_agree(box):
    state(box)
    for options in [[], ["--smoothing=union"]]:
        nats, bits = rows(box, *options), rows(box, "--unit=bits", *options)
        lines = list(csv.DictReader(box.text("compare", "--format=csv", *options, "x.emx").splitlines()))
        assert [(line["p"], line["q"]) for line in lines] == list(nats)
        for line in lines:
            row, other = nats[line["p"], line["q"]], bits[line["p"], line["q"]]
            for key, value in row.items():
                if isinstance(value, float):
                    assert float(line[key]) == value
                    scale = math.log(2) if re.fullmatch(r"(tokens|pairs|conditional)_.*", key) else 1
                    assert abs(other[key] * scale - value) < 1e-12
                elif value is None:
                    assert line[key] == "inf"


@test
def the_table_has_the_nearest_first(box):
    state(box)
    table = box.text("compare", "x.emx")
    lines = [line.split() for line in table.splitlines()[3:]]
    assert len(lines) == 6 and lines[0][:2] == ["books", "books-again"]
    assert [float(line[3]) for line in lines] == sorted(float(line[3]) for line in lines)
    smoothed = box.text("compare", "--smoothing=additive", "x.emx")
    assert smoothed.startswith(table) and len(smoothed.splitlines()) == len(table.splitlines()) + 4 + 12
    assert all(len(line) < 80 for line in smoothed.splitlines())


@test
def threads_do_not_change_a_byte(box):
    state(box)
    for options in [["--format=csv"], ["--format=json", "-s", "union"]]:
        outputs = {box.good("compare", *options, "--threads", str(n), "x.emx") for n in (1, 2, 3, 8)}
        assert len(outputs) == 1
        assert box.good("compare", *options, "-", stdin=box.bytes("x.emx")) in outputs


@test
def one_domain_has_nothing_to_be_compared_with(box):
    box.write("a.bin", u16([1, 2, 3]))
    box.good("scan", "-q", "-o", "x.emx", "--dtype=u16", "a=a.bin")
    assert rows(box) == {}
    assert len(box.text("compare", "--format=csv", "x.emx").splitlines()) == 1
    assert len(box.text("compare", "x.emx").splitlines()) == 3


@test
def wrong_options_are_told(box):
    state(box)
    box.usage_error("compare", "-a", "0.5", "x.emx", says=["--amount", "--smoothing"])
    box.usage_error("compare", "-s", "union", "-a", "2", "x.emx", says=["--amount", "2 is above 1"])
    box.usage_error("compare", "-s", "union", "-a", "0", "x.emx", says=["-a", "'0' is not above 0"])
    box.usage_error("compare", "-s", "unoin", "x.emx", says="did you mean union?")
    box.usage_error("compare", says="compare needs a state file")
    box.error("compare", "none.emx", says="none.emx")


main()
