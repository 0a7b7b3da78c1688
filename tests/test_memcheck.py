#!/usr/bin/python3
"""test_memcheck.py MEMCHECK PROGRAM - scripts/memcheck overlooks no finding and no failure

In place of valgrind and meson stand scripts: that valgrind runs the program, and finds something if it is told to.
PROGRAM is a compiled one; with `--version` it succeeds, and with anything else that is here it fails.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

MEMCHECK, PROGRAM = map(os.path.abspath, sys.argv[1:])
VALGRIND = """#!/bin/bash
for word; do
    case $word in --log-file=*) log=${word#*=} ;; esac
    case $word in -*) shift ;; *) break ;; esac
done
echo "$FOUND" | sed '/^$/d' > "${log/\\%p/$$}"
exec "$@"
"""

CASES = {
    # words of the program, what valgrind finds, names: last line and verdict
    "a_clean_program_passes": (["--version"], "", ["x"], "1 passed, 0 failed", "clean"),
    "a_finding_is_a_failure": (["--version"], "==1== Invalid read", ["x"], "0 passed, 1 failed", "findings"),
    "a_failing_program_is_a_failure": (["--nonesuch"], "", ["x"], "0 passed, 1 failed", "exit 2"),
    "a_suite_is_all_its_tests": (["--version"], "", ["unit"], "2 passed, 0 failed", "clean"),
    "programs_of_scripts_are_watched": (["--version"], "==1== Invalid read", ["script"], "0 passed, 1 failed",
                                        "findings"),
    "an_unknown_name_is_an_error": (["--version"], "", ["nonesuch"], "", ""),
}


def write_script(path, text):
    path.write_text(text)
    path.chmod(0o755)


def run(folder, words, found, names):
    script = folder / "script.sh"
    tests = [{"name": "x", "suite": ["p:unit"], "cmd": [PROGRAM, *words], "env": {"FOUND": found}},
             {"name": "script", "suite": ["p:unit"], "cmd": [str(script), PROGRAM], "env": {"FOUND": found}},
             {"name": "alone", "suite": ["p:unit"], "cmd": [str(script)], "env": {}}]
    write_script(script, '#!/bin/sh\n"$1" --version\n')
    write_script(folder / "valgrind", VALGRIND)
    write_script(folder / "meson", f"#!/bin/sh\ncat <<'END'\n{json.dumps(tests)}\nEND\n")
    return subprocess.run([MEMCHECK, folder, *names], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"})


def check(name, words, found, names, last, verdict):
    with tempfile.TemporaryDirectory(prefix="emx-memcheck-") as folder:
        ran = run(pathlib.Path(folder), words, found, names)
    lines = ran.stdout.splitlines() or [""]
    if lines[-1] == last and verdict in ran.stdout and (ran.returncode == 0) == last.endswith(" 0 failed"):
        return True
    print(f"FAILED {name}: exit {ran.returncode}, {ran.stdout}{ran.stderr}")
    return False


results = [check(name, *case) for name, case in CASES.items()]
print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
sys.exit(not all(results))
