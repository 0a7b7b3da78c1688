#!/usr/bin/python3
"""test_tally.py TALLY - scripts/tally counts what failed, however it failed"""
import json
import os
import subprocess
import sys
import tempfile

CASES = {
    # what programs printed and how they ended: passed, failed
    "sums_the_last_lines": ([("noise\n3 passed, 0 failed\n", "OK"), ("4 passed, 0 failed\n", "OK")], (7, 0)),
    "failed_checks_are_counted": ([("5 passed, 2 failed\n", "FAIL")], (5, 2)),
    "a_crash_is_a_failure": ([("", "FAIL"), ("1 passed, 0 failed\n", "OK")], (1, 1)),
    "a_crash_after_the_summary_is_a_failure": ([("9 passed, 0 failed\n", "FAIL")], (9, 1)),
    "a_silent_success_is_a_failure": ([("all is well\n", "OK")], (0, 1)),
    "a_summary_must_be_the_last_line": ([("1 passed, 0 failed\nand then\n", "OK")], (0, 1)),
    "a_timeout_and_a_skip_are_failures": ([("", "TIMEOUT"), ("", "SKIP")], (0, 2)),
    "no_program_at_all_is_a_failure": ([], (0, 1)),
}


def tally(runs):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as log:
        for stdout, result in runs:
            print(json.dumps({"name": "x", "stdout": stdout, "result": result}), file=log)
        log.flush()
        return subprocess.run([sys.argv[1], "suite", log.name], stdout=subprocess.PIPE, text=True)


SUITES = {"a": ["p:unit"], "b": ["p:unit", "p:slow"], "c": ["p:cli"]}
LEFT_OUT = {
    # tests that ran, suites that may be left out: failed, words of what is printed
    "all_tests_ran": ("abc", [], 0, []),
    "a_test_that_did_not_run_is_a_failure": ("ab", [], 1, ["c: was not run"]),
    "a_suite_may_be_left_out_and_is_named": ("ac", ["slow"], 0, ["leaves out 1 of 3 tests, slow: b"]),
    "another_suite_may_not": ("ac", ["cli"], 1, ["b: was not run"]),
}


def check_left_out(name, ran, suites, failed, says):
    with tempfile.TemporaryDirectory() as folder:
        log, tests = os.path.join(folder, "log"), os.path.join(folder, "tests")
        with open(log, "w") as file:
            for test in ran:
                run = {"name": f"unit+slow / {test}", "stdout": "1 passed, 0 failed", "result": "OK"}
                print(json.dumps(run), file=file)
        with open(tests, "w") as file:
            json.dump([{"name": test, "suite": suite} for test, suite in SUITES.items()], file)
        done = subprocess.run([sys.argv[1], "x", log, tests, *suites], stdout=subprocess.PIPE, text=True)
    if done.returncode == (failed != 0) and done.stdout.endswith(f"x: {len(ran)} passed, {failed} failed\n") and \
            len(done.stdout.splitlines()) == 1 + len(says) and all(part in done.stdout for part in says):
        return True
    print(f"FAILED {name}: exit {done.returncode}, {done.stdout}")
    return False


def check(name, runs, passed, failed):
    ran = tally(runs)
    if ran.stdout.splitlines()[-1] == f"suite: {passed} passed, {failed} failed" and ran.returncode == (failed != 0):
        return True
    print(f"FAILED {name}: exit {ran.returncode}, {ran.stdout}")
    return False


results = [check(name, runs, *expected) for name, (runs, expected) in CASES.items()]
results += [check_left_out(name, *case) for name, case in LEFT_OUT.items()]
missing = subprocess.run([sys.argv[1], "suite", os.devnull + "/none"], stdout=subprocess.PIPE, text=True)
results.append(missing.returncode == 1 and missing.stdout.endswith("suite: 0 passed, 1 failed\n"))
print(f"{results.count(True)} passed, {results.count(False)} failed")
sys.exit(not all(results))
