#!/usr/bin/python3
"""Progress on a terminal and in a log, and signals."""
import fcntl
import pty
import select
import signal
import termios
import time

from harness import *

SIZE = (1 << 28) >> (SLOWER.bit_length() - 1)  # read in about the same time


def sparse(box, name="big.bin", size=SIZE):
    """A shard of zeros that takes no disk and a while to read."""
    with open(box / name, "wb") as shard:
        shard.truncate(size)
    return name


class Terminal:
    """The program with standard error (and if asked, output) on a terminal of so many columns."""

    def __init__(self, box, words, columns=100, **options):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 25, columns, 0, 0))
        options.setdefault("stdout", slave if options.pop("terminal_output", False) else subprocess.PIPE)
        self.process = subprocess.Popen([PROGRAM, *map(str, words)], cwd=box.folder, stderr=slave, **options)
        os.close(slave)
        self.seen = b""

    def read(self, until=None):
        """What the terminal got, up to the end or to the text `until`."""
        while until is None or until not in self.seen:
            if not select.select([self.master], [], [], 120)[0]:
                raise AssertionError(f"nothing more after {self.seen!r}")
            try:
                some = os.read(self.master, 65536)
            except OSError:  # the other side is closed
                break
            if not some:
                break
            self.seen += some
        return self.seen

    def finish(self):
        self.read()
        os.close(self.master)
        return self.process.wait(60)


def screen(raw):
    """The lines that a terminal shows in the end: carriage returns and blanks write over what was there."""
    lines = []
    for line in raw.decode().replace("\r\n", "\n").split("\n"):
        shown = []
        for part in line.split("\r"):
            shown[: len(part)] = part
        lines.append("".join(shown).rstrip())
    return lines


def draws(raw):
    """Each state of the progress line."""
    parts = [part.rstrip() for part in re.split(r"[\r\n]", raw.decode())]
    return [part for part in parts if re.match(r" *(\d+%|[0-9.]+ [kMG]?B)  ", part)]


@test
def a_terminal_gets_one_line(box):
    sparse(box)
    terminal = Terminal(box, ["scan", "-o", "x.emx", "--dtype=u16", "web=big.bin"])
    assert terminal.finish() == 0
    lines = draws(terminal.seen)
    assert lines, terminal.seen
    for line in lines:
        assert re.match(r"^ *\d+%  [0-9.]+ [kMG]?B of [0-9.]+ MB  \S+ tokens  \S+/s  (ETA \d+:\d\d|sorting and writing)"
                        r"  domains [01]/1(: web 0/1)?$", line), line
    percents = [int(re.match(r" *(\d+)%", line).group(1)) for line in lines]
    assert percents == sorted(percents)
    assert b"\x1b" not in terminal.seen
    shown = screen(terminal.seen)
    assert len([line for line in shown if line]) == 2 and "nothing tells where documents end" in shown[0], shown
    assert shown[1].startswith(f"entromix: {SIZE // 2:,} tokens in 1 shard of 1 domain"), shown


@test
def the_line_fits_narrow_terminals(box):
    for i in range(40):
        sparse(box, f"ü{i}.bin", SIZE // 32)
    for columns in [30, 61, 80, 132]:
        terminal = Terminal(box, ["scan", "-o", "x.emx", "--dtype=u16", *(f"dömäne{i}=ü{i}.bin" for i in range(40))],
                            columns)
        assert terminal.finish() == 0
        lines = draws(terminal.seen)
        assert lines and all(len(line) < columns for line in lines), max(lines, key=len)
        if columns == 132:
            assert any("/1" in line.split(": ", 1)[-1] and "dömäne" in line for line in lines), lines


@test
def the_line_goes_not_faster_than_eyes(box):
    sparse(box)
    start = time.monotonic()
    terminal = Terminal(box, ["scan", "-o", "x.emx", "--dtype=u16", "web=big.bin"])
    terminal.finish()
    assert len(draws(terminal.seen)) <= 12 * (time.monotonic() - start) + 2


@test
def a_log_gets_lines_and_no_terminal_codes(box):
    sparse(box, size=SIZE // 2)
    result = box.run("scan", "-o", "x.emx", "--dtype=u16", "--eod=1", "web=big.bin")
    assert "\r" not in result.err and "\x1b" not in result.err
    assert all(line.startswith("entromix: ") for line in result.err.splitlines())
    assert f"{SIZE // 4:,} tokens in 1 shard of 1 domain" in result.err


@test
def progress_can_be_chosen(box):
    sparse(box)
    words = ["scan", "-o", "x.emx", "--dtype=u16", "--eod=1", "web=big.bin"]
    assert "\r" in box.run(*words, "--progress=always").err
    terminal = Terminal(box, [*words, "--progress=never"])
    assert terminal.finish() == 0 and not draws(terminal.seen) and b" tokens in 1 shard" in terminal.seen
    terminal = Terminal(box, [*words, "-q"])
    assert terminal.finish() == 0 and terminal.seen == b""


@test
def pipes_have_no_end_to_wait_for(box):
    terminal = Terminal(box, ["scan", "-o", "x.emx", "--dtype=u16", "web=-"], stdin=subprocess.PIPE)
    for _ in range(5):
        terminal.process.stdin.write(b"\1\0" * 100000)
        terminal.process.stdin.flush()
        time.sleep(0.15)
    terminal.process.stdin.close()
    assert terminal.finish() == 0
    lines = draws(terminal.seen)
    assert lines and all("%" not in line and "ETA" not in line for line in lines), lines


@test
def a_state_does_not_go_to_a_terminal(box):
    box.write("a.bin", u16([1, 2, 3]))
    box.good("scan", "-q", "-o", "x.emx", "--dtype=u16", "web=a.bin")
    for words in [["scan", "-o", "-", "--dtype=u16", "web=a.bin"], ["merge", "-o", "-", "x.emx"]]:
        terminal = Terminal(box, words, terminal_output=True)
        assert terminal.finish() == 2 and b"not for a terminal" in terminal.seen, terminal.seen


def stop(box, number, words, **options):
    before = box.files()
    terminal = Terminal(box, words, **options)
    terminal.read(until=b" tokens ")
    terminal.process.send_signal(number)
    if terminal.process.stdin:
        terminal.process.stdin.close()
    assert terminal.finish() == 128 + number, terminal.seen
    last = [line for line in screen(terminal.seen) if line][-1]
    assert last == f"entromix: stopped by {signal.Signals(number).name}; x.emx was not written", last
    assert box.files() == before


@test
def signals_stop_a_scan_cleanly(box):
    sparse(box, size=256 * SIZE)
    for number in [signal.SIGINT, signal.SIGTERM]:
        stop(box, number, ["scan", "-o", "x.emx", "--dtype=u16", "--eod=1", "web=big.bin"])


@test
def signals_stop_a_scan_of_a_pipe(box):
    with open("/dev/zero", "rb") as zeros:
        stop(box, signal.SIGINT, ["scan", "-o", "x.emx", "--dtype=u16", "--eod=1", "web=-"], stdin=zeros)


@test
def a_closed_output_ends_the_program(box):
    box.write("a.bin", u16([1, 2, 3]))
    box.good("scan", "-q", "-o", "x.emx", "--dtype=u16", "web=a.bin")
    reader, writer = os.pipe()
    os.close(reader)
    result = box.run("entropy", "x.emx", stdout=writer)
    os.close(writer)
    assert result.code in (1, -signal.SIGPIPE), result


main()
