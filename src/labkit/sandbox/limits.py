"""What one student's work may use, and what it has used."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Limits:
    """What one student's work may use.

    Attributes
    ----------
    memory : int
        Bytes, resident, of all processes together.
    processes : int
        Processes at one time.
    tasks : int
        Processes and threads at one time.
    scratch : int
        Bytes in the scratch folder, and in any one file.
    story_seconds : float
        Time for one cell that is no exercise, s.
    lab_seconds : float
        Time for one submission, s; what is not done then is not graded as right.
    patience : float
        How many times an exercise's own limit is granted, since machines differ.
    waiting : float
        How many times the processor time of some work its time by the clock may be: the marks
        should not depend on what else a machine is doing, but nothing may sleep for ever.
    """

    memory: int = 4_000_000_000
    processes: int = 48
    tasks: int = 256
    scratch: int = 500_000_000
    story_seconds: float = 300.0
    lab_seconds: float = 1800.0
    patience: float = 2.0
    waiting: float = 2.0


class Budget:
    """What some work may still use; asking a sandbox draws on it.

    Parameters
    ----------
    seconds : float
        Processor time of all its processes, s.
    wall : float
        Time by the clock, s.
    memory : int
        Bytes, resident.
    """

    def __init__(self, seconds: float, wall: float, memory: int) -> None:
        self.cpu, self.wall, self.memory = seconds, wall, memory
        self._granted = seconds, wall

    def spend(self, cpu: float, wall: float) -> None:
        """Take from it what was used."""
        self.cpu -= cpu
        self.wall -= wall

    def overdrawn(self, cpu: float, wall: float) -> str:
        """Say which limit would be broken by using so much more; "" if none would."""
        if cpu > self.cpu:
            return f"took longer than {self._granted[0]:.0f} s of computing time and was stopped"
        if wall > self.wall:
            return f"took longer than {self._granted[1]:.0f} s and was stopped"
        return ""


class Stopped(BaseException):  # no Exception: no test may catch it
    """The work was stopped, or ended by itself; the message says why, for the student."""


def new_group(limits: Limits) -> Path | None:
    """Make a control group that bounds the number of tasks; None where that is not allowed.

    The kernel never holds root to a limit on processes by user, so where the grader is root (in a
    container, mostly) the bound has to be this one.
    """
    for base in (Path("/sys/fs/cgroup/pids"), Path("/sys/fs/cgroup")):
        for left in base.glob("labkit-*-*"):  # of a grader that was killed
            if not psutil.pid_exists(int(left.name.split("-")[1])):
                dissolve(left, attempts=1)
        folder = base / f"labkit-{os.getpid()}-{time.monotonic_ns()}"
        try:
            folder.mkdir()
        except OSError:
            continue
        try:
            (folder / "pids.max").write_text(str(limits.tasks))
        except OSError:
            dissolve(folder)
            continue
        return folder
    return None


def dissolve(group: Path, attempts: int = 100) -> None:
    """Remove a control group once the last of its members is gone."""
    for _ in range(attempts):
        try:
            group.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.02)
        else:
            return


def kill(pid: int) -> None:
    """Kill a process with all its children; those of a sandbox die with its first process."""
    family = []
    with contextlib.suppress(psutil.Error):
        family = psutil.Process(pid).children(recursive=True)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    for child in family:
        with contextlib.suppress(psutil.Error):
            child.kill()


class Meter:
    """Holds one answer to its budget."""

    def __init__(self, watch: Watch, budget: Budget) -> None:
        self._watch = watch
        self._budget = budget
        self._cpu, self._wall = watch.cpu(), time.monotonic()
        watch.memory = budget.memory

    def _used(self) -> tuple[float, float]:
        return self._watch.cpu() - self._cpu, time.monotonic() - self._wall

    def check(self) -> None:
        """Stop the work if nothing is left of its budget."""
        if why := self._budget.overdrawn(*self._used()):
            raise Stopped(why)

    def settle(self) -> None:
        """Take what was used from the budget."""
        self._budget.spend(*self._used())


class Watch(threading.Thread):
    """Looks at a sandbox twenty times a second and ends it when it uses too much."""

    def __init__(self, pid: int, limits: Limits) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self.stopped = ""
        self.memory = limits.memory
        self._pid = pid
        self._processes = limits.processes
        self._end = threading.Event()
        self.start()

    def stop(self) -> None:
        """End the watch."""
        self._end.set()
        self.join()

    def cpu(self) -> float:
        """Return the processor time used so far by all processes, those that ended too, s."""
        return sum(map(_cpu_seconds, _family(self._pid, self._processes + 8)))

    def run(self) -> None:
        """Watch until `stop`."""
        while not self._end.wait(0.05):
            members = list(_family(self._pid, self._processes + 8))
            resident = sum(map(_resident, members))
            self.peak = max(self.peak, resident)
            if len(members) > self._processes + 3:
                self.stopped = "started too many processes and was stopped"
            elif resident > self.memory:
                used = self.memory / 1e9
                self.stopped = f"used more than {used:.1f} GB of memory and was stopped"
            if self.stopped:
                kill(self._pid)
                return


def _family(pid: int, most: int) -> Iterator[int]:
    """Yield a process and those below it, as the kernel lists them; a few more than `most`."""
    waiting, seen = [pid], 0
    while waiting and seen <= most:
        member = waiting.pop()
        seen += 1
        yield member
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{member}/task"):
                with open(f"/proc/{member}/task/{task}/children") as children:
                    waiting += map(int, children.read().split())


def _resident(pid: int) -> int:
    """Return the memory a process has for itself, bytes: resident, less what it shares."""
    try:
        with open(f"/proc/{pid}/statm") as statm:
            _, resident, shared, *_ = map(int, statm.read().split())
    except (OSError, ValueError):
        return 0
    return (resident - shared) * os.sysconf("SC_PAGE_SIZE")


def _cpu_seconds(pid: int) -> float:
    """Return the processor time of a process and of those it has outlived, s."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            # its name, in brackets, may hold anything
            fields = stat.read().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
