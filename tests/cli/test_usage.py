#!/usr/bin/python3
"""How the command line is read, and what is said of one that is wrong."""
from harness import *

COMMANDS = ["scan", "info", "entropy", "compare", "weights", "merge", "fit", "evaluate", "predict", "mix"]
OPTION = re.compile(r"^  (?:-(\w), |    )--([a-z-]+)(?: ([A-Z]+))?", re.M)


def options(box, command):
    """(letter, name, argument) of each option in the command's help."""
    return OPTION.findall(box.text(command, "--help"))


@test
def program_help_names_every_command(box):
    text = box.text("--help")
    assert text == box.text("help") == box.text("-h") == box.text("help", "--help")
    for command in COMMANDS:
        assert re.search(rf"^  {command} +\w", text, re.M), command


@test
def command_help_is_the_same_by_every_way(box):
    for command in COMMANDS:
        text = box.text(command, "--help")
        assert text == box.text("help", command) == box.text(command, "-h") == box.text(command, "x", "--help")
        assert text.startswith(f"Usage: entromix {command} ")
        assert "0 done, 1 failed" in text and "130 or 143" in text


@test
def help_fits_80_columns(box):
    for words in [["--help"], *([command, "--help"] for command in COMMANDS)]:
        for line in box.text(*words).splitlines():
            assert len(line) < 80 and line == line.rstrip(), line


@test
def every_command_has_the_common_options(box):
    for command in COMMANDS:
        names = [name for _, name, _ in options(box, command)]
        assert {"quiet", "verbose", "help"} < set(names), names
        assert len(names) == len(set(names))


@test
def help_lists_formats(box):
    text = box.text("scan", "--help")
    for name in ["megatron", "raw", "npy", "jsonl", "mds"]:
        assert re.search(rf"^  {name}\b", text.split("FORMAT of --format:")[1], re.M), name
    text = box.text("weights", "--help")
    for name in ["json", "csv", "megatron"]:
        assert re.search(rf"^  {name}\b", text.split("FORMAT of --to:")[1], re.M), name


@test
def version_is_one_line(box):
    assert re.fullmatch(r"entromix \d+\.\d+\.\d+ \(.*\)\n", box.text("--version"))
    assert box.text("--version") == box.text("-V")


@test
def misspelt_options_are_recognised(box):
    for command in COMMANDS:
        for _, name, _ in options(box, command):
            wrong = name[:2] + name[3:] if len(name) > 3 else name + "x"
            box.usage_error(command, f"--{wrong}", says=[f"unknown option --{wrong}", f"did you mean --{name}?"])


@test
def swapped_letters_are_one_mistake(box):
    box.usage_error("scan", "--treahds", "5", says="did you mean --threads?")
    box.usage_error("weights", "--to", "megatorn", "x.emx", says=["--to: 'megatorn'", "did you mean megatron?"])
    box.usage_error("sacn", says="did you mean scan?")


@test
def what_is_near_nothing_gets_no_guess(box):
    line = box.usage_error("scan", "--xyzzy", says=["unknown option --xyzzy", "entromix scan --help"])
    assert "did you mean" not in line
    line = box.usage_error("frobnicate", says=["unknown command 'frobnicate'", "entromix --help"])
    assert "did you mean" not in line
    box.usage_error("scan", "-z", says="unknown option -z")
    box.usage_error("entropy", "--unit", "shannons", "x.emx", says="it is one of nats or bits")


@test
def options_that_need_a_value_say_so(box):
    for command in COMMANDS:
        for letter, name, argument in options(box, command):
            if argument:
                box.usage_error(command, f"--{name}", says=f"--{name} needs a value: --{name} {argument}")
            else:
                box.usage_error(command, f"--{name}=1", says=[f"--{name} takes no value", "'1'"])
            if argument and letter:
                box.usage_error(command, f"-{letter}", says=f"-{letter} needs a value")


@test
def numbers_are_strict(box):
    for option, wrong in [
        ("--threads", ["", "x", "-1", "0", "1.5", "2 ", " 2", "0x10", "99999999999999999999", "4097", "4K"]),
        ("--eod", ["", "-1", "16777216", "1e3", "nothing"]),
        ("--vocabulary", ["0", "16777217", "-5"]),
        ("--sample", ["0", "-1", "5X", "99999999999999999999", "99999999T", "1.5M"]),
        ("--memory", ["0", "-1", "5X", "G", "1.5G", "16777216T", "99999999999999999999"]),
        ("--pairs", ["", "window", "window:", "window:1", "window:-2", "window:4294967296", "Stream"]),
    ]:
        for value in wrong:
            box.usage_error("scan", "-o", "x.emx", f"{option}={value}", "web=a.bin", says=f"{option}: ")
    for option, wrong in [
        ("--temperature", ["", "0", "-1", "nan", "inf", "1e999", "0x1p3", "1 ", " 1", "1,5"]),
        ("--floor", ["-0.1", "1.1", "x"]),
        ("--cap", ["-0.1", "1.1", "x"]),
    ]:
        for value in wrong:
            box.usage_error("weights", f"{option}={value}", "x.emx", says=f"{option}: ")


@test
def right_numbers_pass(box):
    for option, right in [
        ("--threads", ["1", "2", "4096"]),
        ("--eod", ["0", "16777215", "none"]),
        ("--vocabulary", ["1", "16777216", "none"]),
        ("--sample", ["1", "10k", "10M", "2B", "all"]),
        ("--memory", ["64m", "1G", "1GiB", "1gb", "1073741824", "1T"]),
        ("--pairs", ["within-document", "stream", "window:2", "window:4294967295"]),
        ("--dtype", ["u16", "i64be"]),
    ]:
        for value in right:
            box.error("scan", "-o", "x.emx", option, value, "web=nowhere.bin", says="nowhere.bin")


@test
def values_may_stand_in_every_place(box):
    box.write("a.bin", u16([1, 2, 3]))
    for words in [
        ["-o", "x.emx", "--dtype", "u16", "web=a.bin"],
        ["web=a.bin", "--dtype=u16", "-ox.emx"],
        ["--output=x.emx", "web=a.bin", "--dtype", "u16"],
        ["-qvox.emx", "--dtype", "u16", "--", "web=a.bin"],
        ["-o", "y.emx", "-o", "x.emx", "--dtype", "u32", "--dtype", "u16", "web=a.bin"],
    ]:
        box.good("scan", *words)
        assert box.files() == {"a.bin", "x.emx"}, words
        (box / "x.emx").unlink()


@test
def after_two_dashes_all_are_operands(box):
    box.error("entropy", "--", "--unit", says="--unit")
    box.usage_error("scan", "-o", "x.emx", "--", "-v", says="'-v' names no domain")


@test
def what_is_missing_is_named(box):
    box.usage_error(says="no command given")
    box.usage_error("-v", "scan", says="option -v stands before the command")
    box.usage_error("scan", "web=a.bin", says="-o FILE")
    box.usage_error("scan", "-o", "x.emx", says=["DOMAIN=WORD", "--manifest"])
    box.usage_error("scan", "-o", "", "web=a.bin", says="-o: the value is empty")
    box.usage_error("merge", "a.emx", says="-o FILE")
    box.usage_error("merge", "-o", "x.emx", says="state files")
    box.usage_error("info", says="state file")
    for command in ["entropy", "weights"]:
        box.usage_error(command, says="needs a state file")
        box.usage_error(command, "a.emx", "b.emx", says="'b.emx' follows 'a.emx'")
    box.usage_error("help", "scan", "info", says="'info' follows 'scan'")
    box.usage_error("weights", "--path", "data/x", "a.emx", says="{domain}")


@test
def words_without_a_domain_say_how_to_write_them(box):
    for word in ["a.bin", "data/a=b/c.bin", "./web=x"]:
        box.usage_error("scan", "-o", "x.emx", word, says=f"write DOMAIN=WORD, as in web='{word}'")
    box.usage_error("scan", "-o", "x.emx", "=a.bin", says="cannot name a domain")
    box.usage_error("scan", "-o", "x.emx", "web=", says="names no shards")


@test
def standard_input_is_read_once(box):
    box.usage_error("scan", "-o", "x.emx", "a=-", "b=-", says="named 2 times")
    box.usage_error("scan", "-o", "x.emx", "-m", "-", stdin=b'domains: {a: "-"}', says="named 2 times")
    box.usage_error("merge", "-o", "x.emx", "-", "-", says="named 2 times")


@test
def full_device_is_an_error(box):
    with open("/dev/full", "wb") as full:
        for words in [["--help"], ["scan", "--help"], ["--version"]]:
            result = box.run(*words, stdout=full)
            assert result.code == 1 and "No space left" in result.err, result


main()
