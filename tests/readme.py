#!/usr/bin/python3
"""readme.py PROGRAM SOURCE - what README.md shows is what happens

Every `$ entromix ...` and `$ cat ...` in a console block of README.md or docs/ is run, in a folder with sample/ in it, and must
print what stands below it.  The C example is examples/entropies.c to the byte; tables of formats name all that
the program knows; links lead to files; made-up losses are what their script makes.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

PROGRAM, SOURCE = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
README = (SOURCE / "README.md").read_text()
PAGES = [SOURCE / "README.md", *sorted((SOURCE / "docs").glob("*.md"))]


def blocks(language, text):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


def commands(block):
    """(command, output below it) of a console block."""
    for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
        command, _, output = part.partition("\n")
        while command.endswith("\\"):
            more, _, output = output.partition("\n")
            command = command[:-1] + more.lstrip("> ")
        yield command, output


def without_rounding(text):
    """Numbers as 2.3e-20 are what rounding left over; they differ between processors, as do last digits of fits."""
    text = re.sub(r"\d\.\de[+-]\d+", "#", text)
    return re.sub(r"\d\.\d{7,}", lambda number: f"{float(number.group()):.6f}", text)


def console_blocks_are_what_the_program_prints():
    environment = dict(os.environ, PATH=f"{PROGRAM.parent}:{os.environ['PATH']}", LC_ALL="C.UTF-8")
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(SOURCE / "sample", pathlib.Path(folder) / "sample")
        n_run = 0
        for page in PAGES:
            for block in blocks("console", page.read_text()):
                for command, expected in commands(block):
                    if not command.startswith(("entromix ", "cat ")):
                        continue
                    ran = subprocess.run(command, shell=True, cwd=folder, env=environment, text=True,
                                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
                    assert ran.returncode == 0, f"{page.name}: {command}: {ran.stderr}"
                    assert without_rounding(ran.stdout) == without_rounding(expected), f"{page.name}: {command} prints\n{ran.stdout}\nnot\n{expected}"
                    n_run += 1
        assert n_run >= 3, f"only {n_run} commands"


def c_example_is_the_file_that_is_compiled():
    assert blocks("c", README) == [(SOURCE / "examples/entropies.c").read_text()]


def known_formats(command, option):
    """The values of an option, from the list in the command's help."""
    text = subprocess.run([PROGRAM, command, "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout
    listed = re.search(rf"^\S+ of {option}:\n(.*?)(?:^\n|\Z)", text, re.M | re.S)
    return re.findall(r"^  (\S+)", listed.group(1), re.M) if listed else []


def tables_name_every_format():
    for command, option in (("scan", "--format"), ("weights", "--to")):
        names = known_formats(command, option)
        assert len(names) > 5, f"{command} --help lists {names}"
        missing = [name for name in names if f"`{name}`" not in README]
        assert not missing, f"README.md has no {missing}"


def tables_of_estimators_are_what_the_script_prints():
    command = [SOURCE / "scripts/estimators", "--program", PROGRAM, SOURCE / "sample/corpus.yaml"]
    printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    assert len(printed) > 1000 and printed in (SOURCE / "docs/estimators.md").read_text(), f"it prints\n{printed}"


def links_lead_to_files():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def made_up_losses_are_what_their_script_prints():
    made = subprocess.run([sys.executable, SOURCE / "scripts/make-sample-losses"], stdout=subprocess.PIPE, check=True)
    assert made.stdout == (SOURCE / "sample/made-up-losses.csv").read_bytes()


def main():
    passed = failed = 0
    for test in (console_blocks_are_what_the_program_prints, c_example_is_the_file_that_is_compiled,
                 tables_name_every_format, links_lead_to_files,
                 made_up_losses_are_what_their_script_prints, tables_of_estimators_are_what_the_script_prints):
        try:
            test()
            passed += 1
        except AssertionError as error:
            print(f"FAILED {test.__name__}: {error}")
            failed += 1
    print(f"{passed} passed, {failed} failed")
    return failed != 0


sys.exit(main())
