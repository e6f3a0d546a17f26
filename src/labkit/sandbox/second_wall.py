"""A sandbox without namespaces, for machines that forbid them: Landlock and the filter of calls.

What can be read is what bubblewrap would show (`view.walls`), at the places where it lies; links in
a folder of the sandbox's own lay it out as there. What can be written is in that folder. Nothing
can be connected to, no signal leaves, and what Landlock does not look at is refused by the filter
of system calls. `keep.py` shuts the program in and ends all it started.

This holds less than namespaces do (SECURITY.md says what), so that it has to be asked for.
"""

from __future__ import annotations

import functools
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from labkit.errors import GradingError
from labkit.sandbox import landlock, seccomp, view
from labkit.sandbox.fence import OpenFiles, complaint, open_files, unused_id
from labkit.sandbox.limits import Limits

KEEP = Path(__file__).with_name("keep.py")
#: what programs ask of the system, and what tells nothing of other processes
HARMLESS = (
    "/etc/mime.types",
    "/proc/cpuinfo",
    "/proc/filesystems",
    "/proc/meminfo",
    "/proc/version",
)
DEVICES = ("null", "zero", "full", "random", "urandom")
#: says what of its arguments it may not read
LOOKS = """
import os, sys
closed = [p for p in sys.argv[1:] if not os.access(p, os.R_OK | os.X_OK * os.path.isdir(p))]
sys.exit(f"{', '.join(closed)} cannot be read" if closed else 0)
"""
WITHOUT = (
    "You have chosen the second wall. It keeps students' code from reading, writing, connecting "
    "and signalling as bubblewrap does, but lets it see which files exist, and what it writes lies "
    "on your disk; SECURITY.md says all that it holds less."
)


@dataclass(frozen=True)
class Room:
    """The folder of one sandbox.

    Attributes
    ----------
    folder : Path
    """

    folder: Path

    @property
    def kit(self) -> Path:
        """What stands at `view.KIT` behind bubblewrap."""
        return self.folder / "kit"

    @property
    def home(self) -> Path:
        """Where the student's code starts."""
        return self.folder / "home"

    @property
    def writable(self) -> tuple[Path, ...]:
        """The folders that the student's code may write in."""
        return (self.home, self.folder / "tmp", self.kit / "cache")

    def environment(self, seed: int) -> dict[str, str]:
        """Return the environment of a process in it, see `view.environment`."""
        return view.environment(self.kit, self.home, seed) | {
            "TMPDIR": str(self.folder / "tmp"),
            "LABKIT_SECOND_WALL": "1",
        }


# --- what is shown ------------------------------------------------------------------------------


def binds(line: list[str]) -> dict[Path, Path]:
    """Return what bubblewrap's options show read-only: for each place in the sandbox its source."""
    shown = {}
    for position, option, place in view.made(line):
        if option in ("--ro-bind", "--ro-bind-try") and line[position + 1] != os.devnull:
            shown[Path(place)] = Path(line[position + 1])
    return shown


def readable(line: list[str]) -> Iterator[tuple[Path, int]]:
    """Yield what may be read, and how, where bubblewrap's options would show it.

    Parameters
    ----------
    line : list of str
        See `view.walls`.

    Yields
    ------
    path : Path
    rights : int
        See `landlock`.
    """
    hidden = [
        Path(place)
        for position, option, place in view.made(line)
        if option == "--tmpfs" or os.devnull in line[position + 1 : position + 2]
    ]
    for place, source in binds(line).items():
        unread = {source / path.relative_to(place) for path in hidden if path.is_relative_to(place)}
        yield from _readable(source, unread, unread & set(view.private(source)))


def _readable(path: Path, unread: set[Path], unseen: set[Path]) -> Iterator[tuple[Path, int]]:
    """Yield what may be read of a folder; of what is unread the names may be seen."""
    if path in unread:
        return
    if not any(path in each.parents for each in unread):
        yield path, landlock.READ
        return
    if not any(path in each.parents for each in unseen):
        yield path, landlock.READ_DIR
    for child in path.iterdir():
        if not child.is_symlink():  # what it leads to is shown for itself, or not at all
            yield from _readable(child, unread, unseen)


def furnish(room: Room, line: list[str], other: int) -> None:
    """Make what is in a sandbox's own folder.

    Parameters
    ----------
    room : Room
        An empty folder, in one that nobody else may enter.
    line : list of str
        See `view.walls`.
    other : int
        The user it is made for; -1 for oneself.
    """
    for folder in room.writable:
        folder.mkdir(parents=True)
    for place, source in binds(line).items():
        if place.is_relative_to(view.KIT):
            link = room.kit / place.relative_to(view.KIT)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(source)
    if other >= 0:
        for folder in room.writable:
            for path, _, _ in os.walk(folder):
                os.chown(path, other, other)
        let_in(room.folder.parent, other)


def let_in(folder: Path, other: int) -> None:
    """Let a user through a folder that is closed to others."""
    os.chown(folder, -1, other)
    folder.chmod(0o710)


# --- how it is started --------------------------------------------------------------------------


def require() -> None:
    """Refuse to grade where the second wall does not stand, or students' code would be root.

    Raises
    ------
    GradingError
        It says why, and what to do.
    """
    if user() < 0 and os.getuid() == 0:
        raise GradingError(
            f"students' code would run as root, since no other user can be lent to it "
            f"({_lent()[1]}).",
            f"Let every user read Python and its packages (`chmod -R go+rX {sys.prefix} "
            f"{sys.base_prefix}`) and enter the folders on the way (`chmod go+x`), or grade as a "
            "user who is not root.",
        )


def user() -> int:
    """Return whose number students' code has: that of another user, or -1 for one's own.

    Root lends it a number that nobody has, if that one can read all that it must.

    Returns
    -------
    int
        If root can lend none, -1 too: `require` refuses that.

    Raises
    ------
    GradingError
        If the second wall does not stand on this machine.
    """
    return _lent()[0]


@functools.cache
def _lent() -> tuple[int, str]:
    """Return `user`, and why root cannot lend a number; "" for who is not root, or can."""
    view.require_linux()
    why = landlock.lacking()
    if not why and seccomp.program() is None:
        why = f"there is no filter of system calls for {os.uname().machine}"
    closed = ""
    if not why and os.getuid() == 0:
        other = unused_id()
        closed = _fails(other)
        if not closed:
            return other, ""
    if why := why or _fails(-1):
        raise GradingError(
            f"the second wall does not stand on this machine: {why}.",
            "It needs Linux 6.12 or newer with Landlock, on x86-64 or 64-bit ARM, and a container "
            "that does not forbid it (Docker, Podman and containerd allow it since 2022). Grade "
            "with bubblewrap, or on a machine of your own.",
        )
    return -1, closed


def _fails(other: int) -> str:
    """Start Python behind the wall, and let it look for what it needs; return what went wrong."""
    python = Path(sys.executable).resolve()
    line = view.walls(view.INSIDE, Limits())
    needed = [Path(tempfile.gettempdir()), *binds(line).values()]
    looks = [str(python), "-I", "-S", "-c", LOOKS]
    looks += [str(path) for path in needed if path.exists()]
    with open_files() as files:
        return complaint([*_kept(files, line, (), other, counted=False), *looks], files)


def _kept(
    files: OpenFiles, line: list[str], writable: tuple[Path, ...], other: int, counted: bool
) -> list[str]:
    """Return the command line of the keeper, up to the program that is to run."""
    try:
        outer, inner = landlock.Rules(signals_only=True), landlock.Rules()
    except OSError as error:
        raise GradingError(f"Landlock takes no rules: {error.strerror}.") from None
    files.numbers += [outer.number, inner.number]
    for path, rights in readable(line):
        inner.allow(path, rights)
    for name in HARMLESS:
        inner.allow(Path(name), landlock.READ_FILE)
    for name in DEVICES:
        inner.allow(Path("/dev", name), landlock.READ_FILE | landlock.WRITE_FILE)
    for folder in writable:
        inner.allow(folder, landlock.WRITE)
    program = seccomp.program(counted=counted, namespaces=False) or b""
    numbers = [os.getpid(), other, outer.number, inner.number, files.hold(program)]
    python = [str(Path(sys.executable).resolve()), "-I", "-S", "-B"]
    return [*python, str(KEEP), *map(str, numbers), "--"]


def sandboxed(
    files: OpenFiles, room: Room, shared: Path, limits: Limits, counted: bool
) -> list[str]:
    """Furnish a sandbox, and return its command line up to the program that is to run.

    Parameters
    ----------
    files : OpenFiles
        Takes what the line names by number.
    room : Room
        An empty folder.
    shared : Path
        See `view.walls`.
    limits : Limits
    counted : bool
        Whether a control group counts its memory.

    Returns
    -------
    list of str

    Raises
    ------
    GradingError
        If the second wall does not stand on this machine.
    """
    other = user()
    line = view.walls(shared, limits)
    furnish(room, line, other)
    if other >= 0:
        let_in(shared.parent, other)
    line = [*line, "--ro-bind", str(room.kit), str(room.kit)]
    return _kept(files, line, room.writable, other, counted)


def processes(limits: Limits) -> int:
    """Return how many processes and threads the user may have whom students' code runs as.

    They are counted with all others of the same user; how many are the sandbox's own is looked at
    from outside.
    """
    if user() >= 0:
        return limits.tasks
    mine = os.getuid()
    others = 0
    for process in psutil.process_iter(["uids", "num_threads"]):
        owner = process.info["uids"]
        if owner is not None and owner.real == mine:
            others += process.info["num_threads"] or 1
    return others + 8 * limits.tasks


def missing() -> str:
    """Say what the second wall does not hold on this machine.

    Returns
    -------
    str

    Raises
    ------
    GradingError
        If it does not stand at all.
    """
    return WITHOUT if user() >= 0 else f"{WITHOUT} Students' code runs as the user who grades."
