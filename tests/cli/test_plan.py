#!/usr/bin/python3
"""Plan: what comes first, what is added, bounds, files for trainers, what to expect, and the way on to fit."""
import csv
import io

from harness import *

NAMES = ["books", "code", "web"]


def state(box, *options):
    for seed, (name, n_types) in enumerate(zip(NAMES, [300, 60, 900])):
        box.write(f"{name}.bin", u16(flatten(zipf_documents(seed, 5000 * (seed + 1), n_types))))
    box.good("scan", "-q", "-o", "x.emx", "--dtype=u16", "--eod", EOD, *options, *[f"{n}={n}.bin" for n in NAMES])


def plan(box, *options):
    return box.json("plan", "-q", "-f", "json", *options, "x.emx")


def mixtures(report):
    return [run["mixture"] for run in report["runs"]]


def weights(box, proxy):
    lines = csv.DictReader(io.StringIO(box.text("weights", "-q", "--proxy", proxy, "--to=csv", "x.emx")))
    return {line["domain"]: float(line["proportion"]) for line in lines}


def check_near(got, expected):
    assert set(got) == set(expected)
    for name in expected:
        assert abs(got[name] - expected[name]) < 1e-12, (name, got, expected)


@test
def entropies_and_token_shares_come_first(box):
    state(box)
    report = plan(box, "-n", 7)
    assert [run["run"] for run in report["runs"]] == ["01-shannon", "02-joint", "03-conditional", "04-baseline",
                                                       "05-design", "06-design", "07-design"]
    for r, proxy in zip(mixtures(report), ["shannon", "joint", "conditional"]):
        check_near(r, weights(box, proxy))
    tokens = {d["name"]: d["tokens"] for d in box.json("entropy", "--format=json", "x.emx")["domains"]}
    check_near(mixtures(report)[3], {n: t / sum(tokens.values()) for n, t in tokens.items()})
    assert all(abs(math.fsum(r.values()) - 1) < 1e-12 for r in mixtures(report))
    assert len(mixtures(plan(box))) == 6


@test
def entropies_are_estimated_and_have_errors(box):
    state(box)
    for options in [], ["--estimator=good-turing"], ["--at-tokens=4000"]:
        report = plan(box, *options)
        for run, proxy in zip(report["runs"], ["shannon", "joint", "conditional"]):
            mixture = box.json("weights", "-q", "--proxy", proxy, *options, "x.emx")
            for d in mixture["domains"]:
                name = d["name"]
                assert (run["entropy"][name], run["entropy_error"][name]) == (d["entropy"], d["entropy_error"])
                assert abs(run["mixture"][name] - d["proportion"]) < 1e-15
                assert run["mixture_error"][name] == d["proportion_error"] > 0
        assert all("entropy" not in run for run in report["runs"][3:])
        assert report["estimator"] == (mixture["estimator"]) and report["at_tokens"] == mixture["at_tokens"]
    box.good("plan", "-q", "--at-tokens=4000", "-o", "runs", "x.emx")
    written = json.loads((box / "runs/02-joint.json").read_text())
    expected = box.json("weights", "-q", "--proxy=joint", "--at-tokens=4000", "x.emx")
    assert {**written, "domains": None} == {**expected, "domains": None}
    for a, b in zip(written["domains"], expected["domains"], strict=True):
        assert {**a, "proportion": None} == {**b, "proportion": None}
    box.usage_error("plan", "--estimator=chao-shen", "--at-tokens=5", "x.emx", says="--at-tokens")


@test
def added_mixtures_stay_within_bounds(box):
    state(box)
    given = mixtures(plan(box))[:4]
    for options, lo, hi in [([], min, max), (["--bounds=0.05..0.6"], 0.05, 0.6)]:
        report = plan(box, "-n", 9, *options)
        for name in NAMES:
            low = lo if options else min(r[name] for r in given) / 3
            high = hi if options else min(1, 3 * max(r[name] for r in given))
            assert all(low - 1e-12 <= r[name] <= high + 1e-12 for r in mixtures(report)[4:])
            assert abs(report["bounds"][name][0] - low) < 1e-12 and abs(report["bounds"][name][1] - high) < 1e-12
    assert plan(box, "-n", 9) == plan(box, "-n", 9)


@test
def more_runs_and_less_scatter_tell_more(box):
    state(box)
    rows = plan(box)["expected_errors"]
    assert [row["runs"] for row in rows] == list(range(1, 17)) and rows[0]["loss"] is None
    for key in ["alpha", "loss", "shares", "regret"]:
        values = [row[key] for row in rows[1:]]
        assert values == sorted(values, reverse=True) and values[-1] > 0, key
    wider = plan(box, "--bounds=0.01..0.9")["expected_errors"][9]["alpha"]
    narrower = plan(box, "--bounds=0.2..0.5")["expected_errors"][9]["alpha"]
    assert wider < narrower
    noisy = plan(box, "--run-noise=0.02", "--step-noise=0.006")["expected_errors"]
    assert all(abs(n["alpha"] / r["alpha"] - 2) < 1e-9 for n, r in zip(noisy[1:], rows[1:]))
    assert plan(box, "--horizon=5")["expected_errors"][5]["loss"] > rows[5]["loss"]
    assert plan(box, "--criterion=v")["criterion"] == "v"
    lines = list(csv.DictReader(io.StringIO(box.text("plan", "-q", "-f", "csv", "x.emx"))))
    assert [float(line["alpha"]) for line in lines[1:]] == [row["alpha"] for row in rows[1:]]


@test
def files_are_what_trainers_read(box):
    state(box)
    names = re.findall(r"^  ([a-z0-9-]+) ", box.text("plan", "--help").split("FORMAT of --to:")[1], re.M)
    assert {"json", "csv", "megatron"} < set(names)
    endings = {"json": "json", "csv": "csv", "megatron": "txt", "nemo": "yaml", "litdata": "py", "doremi": "json"}
    for name in names:
        box.good("plan", "-q", "--to", name, "-o", f"runs-{name}", "x.emx")
        files = sorted(path.name for path in (box / f"runs-{name}").iterdir())
        assert len(files) == 7 and files[0].startswith("01-shannon.") and "plan.csv" in files, files
        assert name not in endings or files[0] == f"01-shannon.{endings[name]}"
    assert box.bytes("runs-doremi/01-shannon.json").decode() == box.text("weights", "-q", "--proxy=shannon", "--to=doremi",
                                                                         "x.emx")
    box.good("plan", "-q", "--to=megatron", "--path=tok/{domain}", "-o", "runs", "x.emx")
    assert "tok/web" in box.bytes("runs/05-design.txt").decode()
    rows = list(csv.DictReader(io.StringIO(box.bytes("runs/plan.csv").decode())))
    planned = {run["run"]: run["mixture"] for run in plan(box)["runs"]}
    assert {(row["run"], row["domain"]): float(row["proportion"]) for row in rows} == {
        (run, d): x for run, mixture in planned.items() for d, x in mixture.items()}


@test
def planned_runs_can_be_fitted_and_planned_on(box):
    state(box)
    box.good("plan", "-q", "-n", 8, "-o", "runs", "x.emx")
    lines = ["run,domain,proportion,step,loss"]
    for row in csv.DictReader(io.StringIO(box.bytes("runs/plan.csv").decode())):
        level = 1.5 + NAMES.index(row["domain"])
        for step in [250, 500, 750, 1000]:
            loss = (0.5 * (step / 1000) ** -0.4 + level) * float(row["proportion"]) ** -0.15
            lines.append(f"{row['run']},{row['domain']},{row['proportion']},{step},{loss!r}")
    box.write("losses.csv", "\n".join(lines) + "\n")
    box.good("fit", "-q", "losses.csv", "-o", "law.json")
    report = plan(box, "--law=law.json", "--run-noise=0.01")
    assert report["law"] == "law.json" and report["expected_errors"][5]["alpha"] > 0
    assert "follow law.json" in box.text("plan", "-q", "--law=law.json", "--run-noise=0.01", "x.emx")
    box.good("fit", "-q", "--law=blind", "losses.csv", "-o", "blind.json")
    box.error("plan", "--law=blind.json", "x.emx", says=["blind.json", "bimix"])


@test
def the_report_answers_how_many_runs(box):
    state(box)
    text = box.text("plan", "-q", "x.emx")
    assert re.search(r"^3 domains need \d+ runs", text, re.M) and re.search(r"^\* +6 ", text, re.M), text
    assert "BASELINE" in text and "alpha 0.1" in text
    assert re.search(r"and 13 more, which JSON and plan.csv have", box.text("plan", "-q", "-n", 20, "x.emx"))
    assert box.run("plan", "x.emx").err == ""


@test
def the_von_neumann_mixture_joins(box):
    state(box)
    box.good("vne", "-q", "-o", "x.emx", "x.emx")
    report = plan(box)
    assert [run["kind"] for run in report["runs"]] == ["shannon", "joint", "conditional", "von-neumann", "baseline",
                                                        "design"]
    lines = csv.DictReader(io.StringIO(box.text("weights", "-q", "--proxy=von-neumann", "--to=csv", "x.emx")))
    check_near(mixtures(report)[3], {line["domain"]: float(line["proportion"]) for line in lines})
    assert "VON-NEUMANN" in box.text("plan", "-q", "x.emx")
    box.write("o.bin", u16([1, 2, 3, 1, 3]))
    box.good("scan", "-q", "-o", "o.emx", "--dtype", "u16", "o=o.bin")
    box.good("merge", "-o", "p.emx", "x.emx", "o.emx")
    other = box.run("plan", "p.emx")
    assert b"VON-NEUMANN" not in other.out and "note: no von Neumann mixture: p.emx: domain 'o' has no" in other.err
    box.error("plan", "-n", 4, "x.emx", says="5 to 256 mixtures, not 4")


@test
def the_json_is_described(box):
    state(box)
    page = (pathlib.Path(__file__).parents[2] / "docs/optimum-json.md").read_text().split("## plan")[1]
    report = plan(box)
    keys = set(report) | set(report["runs"][0]) | set(report["expected_errors"][0])
    assert len(keys) > 12 and not {key for key in keys if f"`{key}`" not in page}


@test
def wrong_words_are_named(box):
    state(box)
    box.usage_error("plan", says="needs a state file")
    box.usage_error("plan", "-n", 3, "x.emx", says=["3", "4"])
    box.usage_error("plan", "--bounds=0.5", "x.emx", says=["--bounds", "LO..HI"])
    box.usage_error("plan", "--bounds=0.5..0.1", "x.emx", says="LO < HI")
    box.usage_error("plan", "--criterion=a", "x.emx", says="--criterion")
    box.usage_error("plan", "--run-noise=0", "x.emx", says="--run-noise")
    box.usage_error("plan", "--path=x", "x.emx", says="{domain}")
    box.error("plan", "--bounds=0.4..0.5", "x.emx", says="the least proportions sum to 1.2")
    box.error("plan", "--law=none.json", "x.emx", says="none.json")
    box.write("file", "")
    box.error("plan", "-o", "file", "x.emx", says="file")
    box.error("plan", "-o", "no/such/folder", "x.emx", says="no/such/folder")
    box.write("t.csv", "domain,tokens\nweb,1\ncode,0\nbooks,3\n")
    box.error("plan", "--tokens-available=t.csv", "x.emx", says=["'code'", "no tokens"])
    box.good("scan", "-q", "--sample=1K", "-o", "s.emx", "--dtype=u16", *[f"{n}={n}.bin" for n in NAMES])
    box.error("plan", "s.emx", says=["sampled", "--tokens-available"])
    box.write("t.csv", "domain,tokens\nweb,1\ncode,2\nbooks,3\n")
    box.good("plan", "-q", "--tokens-available=t.csv", "s.emx")


main()
