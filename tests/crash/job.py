"""job - a scan that runs: one process, or the ranks that mpirun started; what it is doing, and how it is ended"""
import os
import pathlib
import signal
import struct
import subprocess
import time

__all__ = ["Job"]

MPIRUN = ["mpirun", "--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "--quiet"]
# After SIGTERM or SIGINT mpirun waits so long before it sends SIGTERM to the ranks, and once more before SIGKILL, even if
# they have ended by then (odls_base_sigkill_timeout).  SIGUSR1 it passes on at once.
PATIENCE = 1
SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1]
MOST_SECONDS_TO_END = 600
JOURNAL_DATA_BYTES = 32  # where the journal says how much of the data file it knows


def files_of(pid):
    """(path, size) of all files that a process has open."""
    for name in os.listdir(f"/proc/{pid}/fd"):
        path = f"/proc/{pid}/fd/{name}"
        yield os.readlink(path), os.stat(path).st_size


def is_program(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text() == "entromix\n"
    except OSError:
        return False


class Job:
    def __init__(self, command, ranks, environment={}):
        """With so many ranks."""
        words = [f"{name}={value}" for name, value in environment.items()]
        prefix = [*MPIRUN, "-n", str(ranks)] if ranks > 1 else []
        self.n_ranks, self.known = ranks, set()
        self.asked = self.ended = 0.0  # when it was asked to stop, and when it, or the last of its ranks, had ended
        self.process = subprocess.Popen([*prefix, *(["env", *words] if words else []), *command],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def is_running(self):
        return self.process.poll() is None

    def wait(self, seconds):
        try:
            self.process.wait(max(seconds, 0))
        except subprocess.TimeoutExpired:
            pass

    def ranks(self):
        """Their processes, as far as there are."""
        pid = self.process.pid
        if self.n_ranks == 1:
            return [pid]
        try:
            children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except OSError:
            children = []
        self.known.update(int(child) for child in children if is_program(child))
        return sorted(pid for pid in self.known if is_program(pid))

    def choose(self, rng):
        """The process to be killed: any rank, or mpirun."""
        while self.n_ranks > 1 and len(self.ranks()) < self.n_ranks and self.is_running():
            time.sleep(0.001)
        return rng.choice([*self.ranks(), self.process.pid] if self.n_ranks > 1 else [self.process.pid])

    def phase(self, pid, box):
        """What a process seems to be doing, by the files it has; None if it has ended."""
        checkpoint = None
        try:
            if not is_program(pid):
                return "mpirun" if self.n_ranks > 1 and self.is_running() else None
            files = dict(files_of(pid))
        except OSError:
            return None
        for path in files:
            if path.endswith("/checkpoint.data"):
                checkpoint = pathlib.Path(path).parent
        if not checkpoint:
            return "beginning"
        if (box / "x.emx").exists():
            return "ending"
        if any(path.startswith((f"{checkpoint}/#", f"{checkpoint}/.checkpoint.journal")) for path in files):
            return "writing a checkpoint"
        if any(path.startswith((f"{box}/#", f"{box}/.x.emx.")) and size for path, size in files.items()):
            return "writing the state"
        return self.phase_of_counting(checkpoint, files, box)

    @staticmethod
    def phase_of_counting(checkpoint, files, box):
        try:
            with open(checkpoint / "checkpoint.journal", "rb") as f:
                n_known = struct.unpack_from("<Q", f.read(JOURNAL_DATA_BYTES + 8), JOURNAL_DATA_BYTES)[0]
        except OSError:
            n_known = 16  # the head of the data file
        if files[str(checkpoint / "checkpoint.data")] > n_known:
            return "sorting pairs"
        if any(path.startswith(f"{box.parent}/") and not path.startswith(f"{box}/") for path in files):
            return "counting"
        return "merging" if n_known > 16 else "beginning"

    def kill(self, pid, box):
        """In which phase it was; None if it had ended."""
        try:
            os.kill(pid, signal.SIGSTOP)
            phase = self.phase(pid, box)
            os.kill(pid, signal.SIGKILL)
            return phase
        except ProcessLookupError:
            return None

    def listens(self, box):
        """Ranks take long to find each other, and only then catch signals."""
        return any(self.phase(pid, box) != "beginning" for pid in self.ranks())

    def ask_to_stop(self, rng):
        """Of ranks, as srun does all of them, or one, or mpirun."""
        number, ranks = rng.choice(SIGNALS), self.ranks()
        asked = rng.choice([[self.process.pid], ranks, ranks[:1], ranks[-1:]]) if self.n_ranks > 1 else ranks
        self.asked = time.monotonic()
        if asked == [self.process.pid] and self.n_ranks > 1 and number != signal.SIGUSR1:
            self.asked += PATIENCE
        for pid in asked:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def seconds_to_stop(self):
        """Of the process, or its ranks, not of mpirun."""
        return max(self.ended - self.asked, 0)

    def was_ended_by_signal(self, code):
        """Before it listened, or, of ranks, before it had stopped."""
        return code < 0 or self.n_ranks > 1

    def processes(self):
        """Those that run."""
        return [*([self.process.pid] if self.is_running() else []), *(self.ranks() if self.n_ranks > 1 else [])]

    def end(self):
        """Exit code and standard error, once all processes have ended, which must not take long."""
        end = time.monotonic() + MOST_SECONDS_TO_END
        while (hanging := self.processes()) and time.monotonic() < end:
            self.ended = time.monotonic() if self.n_ranks == 1 or self.ranks() else self.ended
            self.wait(0.05) if self.is_running() else time.sleep(0.01)
        for pid in hanging:
            os.kill(pid, signal.SIGKILL)
        message = self.process.communicate()[1].decode()
        if hanging:
            raise subprocess.TimeoutExpired(self.process.args, MOST_SECONDS_TO_END)
        return self.process.returncode, message
