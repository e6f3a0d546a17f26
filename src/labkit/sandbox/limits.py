"""What one student's work may use, and what it has used."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from labkit.sandbox import keep
from labkit.sandbox.groups import Group

#: processes that are not the student's: bubblewrap's, once or twice, and Python itself
OF_BUBBLEWRAP = 5
#: file systems of the sandbox that are kept in memory, and where to look whether it is the sandbox
IN_MEMORY = ("/tmp", "/home/student", "/dev/shm", "/labkit/cache")
INSIDE_MARK = "/labkit/shell"
#: what a keeper gets to end what it keeps, s
KEEPERS_SECONDS = 5.0
#: how often a sandbox's files on disk are counted, s, and how many there may be
FILES_SECONDS, MAX_FILES = 0.5, 50_000


@dataclass(frozen=True)
class Limits:
    """What one student's work may use.

    Attributes
    ----------
    memory : int
        Bytes of all processes together, files in memory and shared maps included.
    processes : int
        Processes at one time: a pool of 64 with something to spare.
    tasks : int
        Processes and threads at one time.
    cores : int
        Processor cores, as many as `os.cpu_count()` tells there.
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
    processes: int = 96
    tasks: int = 256
    cores: int = 2
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


def kill(pid: int) -> None:
    """Kill a process with all its children; those of a sandbox die with its first process.

    A keeper is asked instead: it ends what it keeps, and then itself.
    """
    family, kept = [], []
    with contextlib.suppress(psutil.Error):
        first = psutil.Process(pid)
        family = [first]
        family += first.children(recursive=True)
    for process in family:
        with contextlib.suppress(psutil.Error):
            if process.name() == keep.NAME:
                kept.append(process)
                process.terminate()
            else:
                process.kill()
    latest = time.monotonic() + KEEPERS_SECONDS
    while not all(map(_has_ended, kept)):
        if time.monotonic() > latest:
            for process in kept:
                with contextlib.suppress(psutil.Error):
                    process.kill()
            return
        time.sleep(0.005)


def _has_ended(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return True


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
    """Looks at a sandbox twenty times a second and ends it when it uses too much.

    Parameters
    ----------
    pid : int
        Of its first process.
    limits : Limits
    group : Group, optional
        Its control groups: what they do not count is summed over processes.
    on_disk : sequence of Path
        Folders that it may write in and that have no size of their own.
    """

    def __init__(
        self,
        pid: int,
        limits: Limits,
        group: Group | None = None,
        on_disk: Sequence[Path] = (),
    ) -> None:
        super().__init__(daemon=True)
        self._on_disk = on_disk
        self._scratch = limits.scratch
        self._counted = 0.0  # when its files were last counted
        self.peak = 0
        self._why = ""
        self._memory = limits.memory
        self._pid = pid
        self._processes = limits.processes
        self._group = group
        self._end = threading.Event()
        self.start()

    def stop(self) -> None:
        """End the watch."""
        self._end.set()
        self.join()

    @property
    def memory(self) -> int:
        """Bytes that may be used now."""
        return self._memory

    @memory.setter
    def memory(self, most: int) -> None:
        """Allow more, or less."""
        self._memory = most
        if self._group:
            self._group.limit_memory(most)

    @property
    def stopped(self) -> str:
        """Why the work was stopped; "" as long as it was not."""
        # the kernel is faster than the watch: a process may be gone before the next look
        if not self._why and self._group and self._group.killed():
            self.peak = max(self.peak, self._memory)
            self._why = self._too_large()
        return self._why

    def cpu(self) -> float:
        """Return the processor time used so far by all processes, those that ended too, s."""
        counted = self._group.cpu() if self._group else None
        return sum(map(_cpu_seconds, self._members())) if counted is None else counted

    def run(self) -> None:
        """Watch until `stop`."""
        while not self._end.wait(0.05):
            members = self._members()
            counted = self._group.memory() if self._group else None
            used = in_memory(members) if counted is None else counted
            self.peak = max(self.peak, used)
            if len(members) > self._processes + OF_BUBBLEWRAP:
                self._why = "started too many processes and was stopped"
            elif used > self._memory:
                self._why = self._too_large()
            elif self._wrote_too_much():
                self._why = f"wrote more than {self._scratch / 1e9:.1f} GB of files and was stopped"
            if self.stopped:
                kill(self._pid)
                return

    def _wrote_too_much(self) -> bool:
        if not self._on_disk or time.monotonic() < self._counted + FILES_SECONDS:
            return False
        self._counted = time.monotonic()
        return on_disk(self._on_disk, self._scratch) > self._scratch

    def _members(self) -> list[int]:
        known = self._group.members() if self._group else None
        return family(self._pid, self._processes + 8) if known is None else known

    def _too_large(self) -> str:
        return f"used more than {self._memory / 1e9:.1f} GB of memory and was stopped"


def on_disk(folders: Sequence[Path], most: int) -> int:
    """Return the bytes of the files in some folders; too many files count as too many bytes.

    Parameters
    ----------
    folders : sequence of Path
    most : int
        Where counting may stop.

    Returns
    -------
    int
        Files that were deleted and are still open are not seen.
    """
    waiting, used, seen = list(map(str, folders)), 0, 0
    while waiting and used <= most:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    seen += 1
                    used += 512 * entry.stat(follow_symlinks=False).st_blocks
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    if seen > MAX_FILES:
                        return most + 1
        except OSError:
            pass  # removed since, or closed
    return used


def family(pid: int, most: int) -> list[int]:
    """Return a process and those below it; a few more than `most` at most."""
    found: list[int] = []
    waiting = [pid]
    while waiting and len(found) <= most:
        member = waiting.pop()
        found.append(member)
        try:
            for task in os.listdir(f"/proc/{member}/task"):
                with open(f"/proc/{member}/task/{task}/children") as children:
                    waiting += map(int, children.read().split())
        except FileNotFoundError:
            if os.path.exists(f"/proc/{member}/task"):  # a kernel that does not list them
                with contextlib.suppress(psutil.Error):
                    waiting += [child.pid for child in psutil.Process(member).children()]
        except OSError:
            pass  # it has ended
    return found


def in_memory(members: list[int]) -> int:
    """Return the memory of some processes of a sandbox, and of the files it keeps there, bytes.

    A shared page counts once, divided among those who have it mapped; what nobody has mapped is not
    seen, which is why the sandbox may not make such memory where no control group counts it.
    """
    return sum(map(_own_and_shared, members)) + _kept_in_files(members)


def _own_and_shared(pid: int) -> int:
    for name, fields in (
        ("smaps_rollup", ("Pss_Anon:", "Pss_Shmem:")),
        ("status", ("RssAnon:", "RssShmem:")),
    ):
        try:
            with open(f"/proc/{pid}/{name}") as told:
                rows = [line.split() for line in told]
        except OSError:
            continue
        if kilobytes := [int(row[1]) for row in rows if row and row[0] in fields]:
            return 1024 * sum(kilobytes)
    return 0


def _kept_in_files(members: list[int]) -> int:
    """Return what the sandbox's file systems in memory hold, bytes."""
    for pid in reversed(members):
        root = f"/proc/{pid}/root"
        with contextlib.suppress(OSError):
            if os.path.isdir(f"{root}{INSIDE_MARK}"):
                held = [os.statvfs(f"{root}{place}") for place in IN_MEMORY]
                return sum((fs.f_blocks - fs.f_bfree) * fs.f_frsize for fs in held)
    return 0


def _cpu_seconds(pid: int) -> float:
    """Return the processor time of a process and of those it has outlived, s."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            # its name, in brackets, may hold anything
            fields = stat.read().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
