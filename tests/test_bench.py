#!/usr/bin/python3
"""test_bench.py BUILD SOURCE - the benchmarks run, and what they compare agrees; nothing here depends on time"""
import csv
import pathlib
import subprocess
import sys
import tempfile

BUILD, SOURCE = map(pathlib.Path, sys.argv[1:])


def run(work, *options):
    """(exit status, figures) of a part of bench/run."""
    ran = subprocess.run([SOURCE / "bench/run", "--build", BUILD, "--work", work, *options], stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True)
    path = pathlib.Path(work) / f"{options[-1]}.tsv"
    rows = list(csv.DictReader(path.read_text().splitlines(), delimiter="\t")) if path.exists() else []
    if ran.returncode == 1:
        print(ran.stdout)
    return ran.returncode, rows


def tables_and_their_twin_agree(work):
    status, rows = run(work, "--pairs", "100000", "--rounds", "1", "table")
    streams = {(row["stream"], row["vocabulary"]) for row in rows}
    outcomes = {(row["stream"], row["vocabulary"], row["pairs"], row["distinct"], row["checksum"]) for row in rows}
    twins = [row for row in rows if row["engine"] == "naive"]
    ours = [row for row in rows if row["engine"] in ("private", "shared")]
    return (status == 0 and len(streams) == len(outcomes) == len(twins) == 6 and len(ours) >= 4 * 6 and
            all(row["pairs"] == "100000" and float(row["Mpairs/s"]) > 0 for row in rows))


def a_stream_like_text_has_distinct_pairs_like_text(work):
    status, rows = run(work, "--linear-pairs", "3e7", "linear")
    distinct = [int(row["distinct"]) for row in rows]
    return status == 0 and len(distinct) == 2 and 5e5 < distinct[0] < 1.2e6 and 1.7 < distinct[1] / distinct[0] < 2.2


def entropies_of_documents_agree_with_scipy(work):
    status, rows = run(work, "--pairs", "100000", "--rounds", "1", "vne")
    return status == 0 and {"pairs", "vne", "plain", "scipy"} <= {row["what"] for row in rows}


def one_pass_over_documents_agrees_with_two(work):
    ran = subprocess.run([SOURCE / "bench/vne_ratio", "--program", BUILD / "src/cli/entromix", "--work", work,
                          "--documents", "300", "--dimension", "20", "--rounds", "1", "--shares", "1", "0.5"], stdout=subprocess.PIPE, text=True)
    return ran.returncode == 0 and len(ran.stdout.splitlines()) == 4


def an_unknown_part_is_refused(work):
    return run(work, "nothing")[0] == 2


results = []
for test in (tables_and_their_twin_agree, a_stream_like_text_has_distinct_pairs_like_text,
             entropies_of_documents_agree_with_scipy, one_pass_over_documents_agrees_with_two,
             an_unknown_part_is_refused):
    with tempfile.TemporaryDirectory() as work:
        results.append(test(work))
    if not results[-1]:
        print("FAILED", test.__name__)
print(f"{results.count(True)} passed, {results.count(False)} failed")
sys.exit(not all(results))
