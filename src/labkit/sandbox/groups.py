"""Control groups: what the kernel itself bounds and counts for the processes of one sandbox.

A group counts what no look at single processes shows: shared maps, files in memory, kept segments,
processes that came and went between two looks. Both generations of the kernel's interface are used,
below the grader's own group where that may be divided, so that a sandbox stays within what the
grader itself may use.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

#: what is asked for, and what it bounds in words
CONTROLLERS = {
    "memory": "memory",
    "pids": "the number of processes and threads",
    "cpu": "the number of processor cores",
}
#: the group the grader moves to, since a group of the second generation with members of its own
#: cannot be divided
OWN = "labkit-graders"
PERIOD = 100_000  # µs


@dataclass(frozen=True)
class Place:
    """Where groups of one kind can be made.

    Attributes
    ----------
    folder : Path
        Groups are folders in it.
    second : bool
        Whether it is of the second generation, in which one folder serves all kinds.
    """

    folder: Path
    second: bool


class Group:
    """The control groups of one sandbox, as many as can be had.

    Parameters
    ----------
    memory : int
        Bytes that its processes may hold, files in memory included.
    tasks : int
        Processes and threads at one time.
    cores : int
        Processor cores' worth of time.
    """

    def __init__(self, memory: int, tasks: int, cores: int) -> None:
        name = f"labkit-{os.getpid()}-{time.monotonic_ns()}"
        self._at: dict[str, Path] = {}
        self._second: dict[str, bool] = {}
        for kind, place in places().items():
            _sweep(place.folder)
            folder = place.folder / name
            with contextlib.suppress(OSError):
                folder.mkdir(exist_ok=True)
                self._at[kind], self._second[kind] = folder, place.second
        self._set("memory", {"memory.swappiness": 0}, {"memory.swap.max": 0, "memory.oom.group": 1})
        self._must("memory", "memory.limit_in_bytes", "memory.max", memory)
        self._must("pids", "pids.max", "pids.max", tasks)
        self._set("cpu", {"cpu.cfs_period_us": PERIOD}, {})
        self._must("cpu", "cpu.cfs_quota_us", "cpu.max", cores * PERIOD)

    def _set(self, kind: str, first: dict[str, int], second: dict[str, int]) -> None:
        if kind in self._at:
            for name, value in (second if self._second[kind] else first).items():
                with contextlib.suppress(OSError):  # such as no swap
                    (self._at[kind] / name).write_text(str(value))

    def _must(self, kind: str, first: str, second: str, value: int) -> None:
        """Set a limit; where that is refused there is none of this kind."""
        if kind in self._at:
            folder = self._at[kind]
            try:
                (folder / (second if self._second[kind] else first)).write_text(str(value))
            except OSError:
                del self._at[kind]
                if folder not in self._at.values():
                    dissolve(folder, attempts=1)

    @property
    def missing(self) -> list[str]:
        """What is not bounded, in words."""
        return [said for kind, said in CONTROLLERS.items() if kind not in self._at]

    @property
    def counts_memory(self) -> bool:
        """Whether memory is bounded and counted."""
        return "memory" in self._at

    @property
    def doors(self) -> list[str]:
        """The files in which a process writes its number to enter."""
        return [str(folder / "cgroup.procs") for folder in dict.fromkeys(self._at.values())]

    def limit_memory(self, most: int) -> None:
        """Change the limit on memory, bytes; where more is in use it stays, and `memory` tells."""
        self._set("memory", {"memory.limit_in_bytes": most}, {"memory.max": most})

    def memory(self) -> int | None:
        """Return the memory in use, bytes; None where it is not counted.

        Not counted is what the kernel keeps of files on disk: whoever reads a library first would
        pay for all, and it is given up when memory is short.
        """
        read = self._read("memory", "memory.stat", "memory.stat")
        if read is None:
            return None
        names = r"anon|shmem" if self._second["memory"] else r"total_rss|total_shmem"
        return sum(int(n) for n in re.findall(rf"^(?:{names}) (\d+)$", read, re.MULTILINE))

    def killed(self) -> bool:
        """Tell whether the kernel killed a process because memory was used up."""
        read = self._read("memory", "memory.oom_control", "memory.events")
        found = re.search(r"^oom_kill (\d+)$", read or "", re.MULTILINE)
        return bool(found and int(found[1]))

    def cpu(self) -> float | None:
        """Return the processor time used so far, s; None where it is not counted."""
        for kind in self._at:
            if self._second[kind]:  # counted in any group, bounded or not
                counted = self._read(kind, "", "cpu.stat") or ""
                found = re.search(r"^usage_usec (\d+)$", counted, re.MULTILINE)
                return int(found[1]) / 1e6 if found else None
        spent = self._read("cpuacct", "cpuacct.usage", "")
        return int(spent) / 1e9 if spent else None

    def members(self) -> list[int] | None:
        """Return the numbers of its processes; None where there is no group at all."""
        for kind in self._at:
            read = self._read(kind, "cgroup.procs", "cgroup.procs")
            if read is not None:
                return [int(number) for number in read.split()]
        return None

    def _read(self, kind: str, first: str, second: str) -> str | None:
        if kind not in self._at:
            return None
        try:
            return (self._at[kind] / (second if self._second[kind] else first)).read_text()
        except OSError:
            return None

    def dissolve(self) -> None:
        """Remove the groups, once the last of their members is gone."""
        for folder in dict.fromkeys(self._at.values()):
            dissolve(folder)


def dissolve(group: Path, attempts: int = 100) -> None:
    """Remove a control group once the last of its members is gone."""
    for attempt in range(attempts):
        try:
            group.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            if attempt + 1 < attempts:
                time.sleep(0.02)
        else:
            return


def _sweep(folder: Path) -> None:
    """Remove the groups of graders that were killed, with what is left running in them."""
    for left in folder.glob("labkit-*-*"):
        owner = left.name.split("-")[1]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            with contextlib.suppress(OSError):
                for member in (left / "cgroup.procs").read_text().split():
                    os.kill(int(member), signal.SIGKILL)
            dissolve(left, attempts=3)


def places(proc: Path = Path("/proc/self")) -> dict[str, Place]:
    """Return where groups can be made, for each controller that there is.

    Parameters
    ----------
    proc : Path
        What the kernel says of this process.

    Returns
    -------
    dict of str to Place
        Of "memory", "pids", "cpu" and, in the first generation, "cpuacct" which counts its time.
    """
    try:
        mounts, mine = (proc / "mountinfo").read_text(), (proc / "cgroup").read_text()
    except OSError:  # not Linux
        return {}
    own = {}
    for line in mine.splitlines():
        _, kinds, path = line.split(":", 2)
        own.update(dict.fromkeys(kinds.split(","), path))
    found = {}
    for line in mounts.splitlines():
        ahead, _, behind = line.partition(" - ")
        root, point = ahead.split()[3:5]
        kind, _, options = behind.split(" ", 2)
        if kind == "cgroup":
            for controller in {*CONTROLLERS, "cpuacct"} & set(options.split(",")):
                if folder := _first(_inside(Path(point), root, own.get(controller, "/")), point):
                    found[controller] = Place(folder, second=False)
        elif kind == "cgroup2":
            with contextlib.suppress(OSError):  # what cannot be read cannot be divided
                folder, enabled = _second(_inside(Path(point), root, own.get("", "/")), Path(point))
                found.update({name: Place(folder, second=True) for name in enabled})
    return found


def _inside(point: Path, root: str, own: str) -> Path:
    """Return the folder of a group, in a mount that may show a part of the tree only."""
    inside = point / os.path.relpath(own, root)
    return inside if own.startswith(root) and inside.is_dir() else point


def _first(own: Path, point: str) -> Path | None:
    """Return where groups of the first generation can be made: in one's own, or the topmost."""
    return next((path for path in (own, Path(point)) if os.access(path, os.W_OK)), None)


def _second(own: Path, point: Path) -> tuple[Path, set[str]]:
    """Return where groups of the second generation can be made, and what they would bound."""
    above = [path for path in own.parents if path.is_relative_to(point)]
    for folder in (own, *above):
        if not os.access(folder / "cgroup.procs", os.W_OK):
            break
        wanted = CONTROLLERS.keys() & set((folder / "cgroup.controllers").read_text().split())
        enabled = _enable(folder, wanted)
        if wanted and not enabled and folder == own and _delegated(own, point):
            _make_room(own)
            enabled = _enable(folder, wanted)
        if enabled:
            return folder, enabled
    return point, set()


def _enable(folder: Path, wanted: set[str]) -> set[str]:
    for name in wanted:
        with contextlib.suppress(OSError):
            (folder / "cgroup.subtree_control").write_text(f"+{name}")
    return wanted & set((folder / "cgroup.subtree_control").read_text().split())


def _delegated(own: Path, point: Path) -> bool:
    """Tell whether a group is the grader's to divide: a container's own, or systemd's word."""
    if own == point:
        return True
    return any(name.endswith(".delegate") for name in os.listxattr(own))


def _make_room(own: Path) -> None:
    """Move all members of the grader's own group into one below it."""
    with contextlib.suppress(OSError):
        (own / OWN).mkdir(exist_ok=True)
        for number in (own / "cgroup.procs").read_text().split():
            with contextlib.suppress(OSError):  # it has ended
                (own / OWN / "cgroup.procs").write_text(number)
