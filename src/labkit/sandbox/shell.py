"""A running sandbox: a Python process behind bubblewrap, asked through a pair of pipes."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil

from labkit.errors import GradingError
from labkit.sandbox import seccomp, second_wall
from labkit.sandbox.fence import ENTER, NOTEPAD, fence, notepad, open_files, sandboxed
from labkit.sandbox.groups import CONTROLLERS, Group
from labkit.sandbox.inside import wire
from labkit.sandbox.limits import Budget, Limits, Meter, Stopped, Watch, kill
from labkit.sandbox.view import (
    KIT,
    require_bubblewrap,
    start_numbers,
    unsafe_command,
    unsafe_environment,
)

#: what can stand around students' code; the second is to be chosen by whoever grades
WALLS = BUBBLEWRAP, LANDLOCK = ("bubblewrap", "landlock")

#: an empty sandbox is ready in a third of a second
START_SECONDS = 60.0
#: how often an answer that is still coming is held to its budget, s
LOOK_SECONDS = 0.05
#: bytes of all answers together, of one notebook
MAX_RECEIVED = 8 * wire.MAX_BYTES


# --- the folder both sides can read -------------------------------------------------------------


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """Make a folder for the files that tests hand over, and remove it afterwards.

    Those of graders that were killed are removed as well.
    """
    place = Path(tempfile.gettempdir())
    for left in place.glob("labkit-run-*"):
        owner = re.fullmatch(r"labkit-run-(\d{1,9})-\w+", left.name)
        if owner and not psutil.pid_exists(int(owner[1])):
            _remove(left)
    folder = Path(tempfile.mkdtemp(prefix=f"labkit-run-{os.getpid()}-"))
    # what lies in it is read by the sandbox's own user; nobody else gets into the folder around
    before = os.umask(0o022) if _is_root() else None
    inner = folder / "files"
    try:
        inner.mkdir()
        yield inner
    finally:
        if before is not None:
            os.umask(before)
        _remove(folder)


def _remove(folder: Path) -> None:
    """Remove a folder, however deep or closed what students' code has left in it."""
    with contextlib.suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        subprocess.run(["chmod", "-R", "u+rwX", folder], capture_output=True)
        subprocess.run(["rm", "-rf", folder], capture_output=True)


def _is_root() -> bool:
    return hasattr(os, "getuid") and os.getuid() == 0


def require(wall: str) -> None:
    """Refuse to grade where a wall around students' code does not stand.

    Parameters
    ----------
    wall : str
        One of `WALLS`.

    Raises
    ------
    GradingError
    """
    if wall == LANDLOCK:
        second_wall.require()
    else:
        require_bubblewrap()


def missing_limits(limits: Limits | None = None, wall: str = BUBBLEWRAP) -> str:
    """Say which limits the kernel does not hold for a sandbox here, and what to do.

    Parameters
    ----------
    limits : Limits, optional
        The default ones if not given.
    wall : str
        One of `WALLS`.

    Returns
    -------
    str
        A sentence or two; "" if nothing is missing.

    Raises
    ------
    GradingError
        If no sandbox can be started on this machine.
    """
    limits = limits or Limits()
    group = Group(limits.memory, limits.tasks, limits.cores)
    missing = group.missing
    group.dissolve()
    said = []
    if wall == LANDLOCK:
        said.append(second_wall.missing())
        missing = [what for what in missing if what != CONTROLLERS["cpu"]]  # by the filter
    elif (way := fence()).other >= 0 and not way.twice:
        said.append(
            "Only root may make user namespaces here, so that bubblewrap's own process in the "
            "sandbox stays root's; students' code is another user's all the same. Allow them (see "
            "SECURITY.md), or grade as a user who may."
        )
    if missing:
        said.append(
            f"The kernel does not bound {', '.join(missing)} of students' code here, since no "
            "control group for it may be made; the grader looks at its processes twenty times a "
            "second instead. Start it as `systemd-run --user --scope -p Delegate=yes labkit grade "
            "...`, or give the container a writable /sys/fs/cgroup."
        )
    if seccomp.program() is None:
        said.append(
            f"There is no filter of system calls for {platform.machine()}: grade on x86-64 or "
            "64-bit ARM."
        )
    return " ".join(said)


def _python(kit: Path) -> list[str]:
    """Return the command line of the student's process, from where the kit stands for it."""
    python = str(Path(sys.executable).resolve())
    return [python, "-s", "-B", str(kit / "shell" / "student.py")]


# --- one sandboxed shell ------------------------------------------------------------------------


class Shell:
    """A running sandbox. Ask it; when it is stopped it stays stopped.

    Parameters
    ----------
    shared : Path
        See `view.walls`.
    limits : Limits
    unsafe : bool
        Run without any wall.
    seed : int
        What chance in it follows from.
    wall : str
        One of `WALLS`.
    """

    _received = 0  # bytes
    _looked = 0.0  # when an answer was last held to its budget

    def __init__(
        self,
        shared: Path,
        limits: Limits,
        unsafe: bool = False,
        seed: int = 0,
        wall: str = BUBBLEWRAP,
    ) -> None:
        requests_out, requests_in = os.pipe()
        answers_out, answers_in = os.pipe()
        self._to, self._from = requests_in, answers_out
        theirs = requests_out, answers_in
        self._limits = limits
        self._kept = contextlib.ExitStack()
        self._group = None if unsafe else Group(limits.memory, limits.tasks, limits.cores)
        self._said = None if unsafe else notepad()
        writable: Sequence[Path] = ()
        try:
            with open_files() as files:
                if unsafe:
                    line = unsafe_command(theirs, seed, limits)
                    home = self._kept.enter_context(scratch())
                    environment = unsafe_environment(seed)
                else:
                    counted = self._group is not None and self._group.counts_memory
                    if wall == LANDLOCK:
                        room = second_wall.Room(self._kept.enter_context(scratch()))
                        walls = second_wall.sandboxed(files, room, shared, limits, counted)
                        kit, most = room.kit, second_wall.processes(limits)
                        home, environment = room.home, room.environment(seed)
                        writable = room.writable
                    else:
                        walls = sandboxed(files, shared, limits, seed, counted)
                        kit, most = KIT, limits.tasks
                        home, environment = Path("/"), {}
                    line = [*self._enter(), *walls, *_python(kit)]
                    line += start_numbers(theirs, seed, limits, most)
                stream = subprocess.DEVNULL if self._said is None else self._said
                self._process = subprocess.Popen(
                    line,
                    stdin=stream,
                    stdout=stream,
                    stderr=stream,
                    pass_fds=[*theirs, *files.numbers],
                    cwd=home,
                    env=environment,
                    start_new_session=True,
                )
        except BaseException:
            self._forget()
            raise
        finally:
            for fd in theirs:
                os.close(fd)
        os.set_blocking(self._to, False)
        os.set_blocking(self._from, False)
        self._watch = Watch(self._process.pid, limits, self._group, writable)
        self._begin()

    def _enter(self) -> list[str]:
        """Return the start of the command line: what enters the control groups."""
        allowed = sorted(os.sched_getaffinity(0))
        # graders beside each other have numbers beside each other, and so cores of their own
        first = os.getpid() * self._limits.cores
        cores = {allowed[(first + n) % len(allowed)] for n in range(self._limits.cores)}
        doors = self._group.doors if self._group else []
        line = [sys.executable, "-I", "-S", "-B", str(ENTER), str(os.getpid()), *doors]
        return [*line, *map(str, sorted(cores)), "--"]

    def _begin(self) -> None:
        """Wait for the first word; without it no work is to blame, and no points are lost."""
        start = Budget(START_SECONDS, START_SECONDS, self._limits.memory)
        try:
            (length,) = wire.HEADER.unpack(self._read(wire.HEADER.size, Meter(self._watch, start)))
            self._read(min(length, 1000), Meter(self._watch, start))
        except Stopped as stopped:
            said = b"" if self._said is None else os.pread(self._said, NOTEPAD, 0).rstrip(b"\0")
            self.close()
            last = said.decode(errors="replace").strip().rpartition("\n")[2]
            raise GradingError(
                f"the sandbox does not start (it {stopped}{': ' * bool(last)}{last}).",
                "Can every user of this machine read Python and its packages (`chmod -R go+rX` "
                f"{sys.prefix} and {sys.base_prefix})? `labkit doctor` tries a smaller one.",
            ) from None

    @property
    def peak(self) -> int:
        """The largest resident memory seen, bytes."""
        return self._watch.peak

    def ask(
        self, request: dict[str, Any], budget: Budget, what: str, most: int = wire.MAX_BYTES
    ) -> Any:
        """Send a request and wait for the answer.

        Parameters
        ----------
        request : dict
            Plain data.
        budget : Budget
            What the answer may cost; less of it is left afterwards.
        what : str
            How to name the work in messages.
        most : int
            Bytes of the answer.

        Returns
        -------
        plain data
            Whatever the student's process says.

        Raises
        ------
        Stopped
            If no answer can come any more; the sandbox is gone then.
        """
        message = wire.encode(request)
        meter = Meter(self._watch, budget)
        if request["do"] == "renew":  # another notebook
            self._received = 0
        try:
            self._write(wire.HEADER.pack(len(message)) + message, meter)
            (length,) = wire.HEADER.unpack(self._read(wire.HEADER.size, meter))
            self._received += length
            if length > most or self._received > MAX_RECEIVED:
                raise Stopped("answered with more data than was asked for")
            answer = self._read(length, meter)
            meter.settle()
            return wire.decode(answer)
        except wire.WireError as error:
            self.close()
            raise Stopped(f"{what} gave an answer that cannot be read ({error})") from None
        except Stopped as stopped:
            self.close()
            raise Stopped(f"{what} {stopped}") from None

    def _write(self, data: bytes, meter: Meter) -> None:
        view = memoryview(data)
        while view:
            self._wait([], [self._to], meter)
            with contextlib.suppress(BlockingIOError):
                try:
                    view = view[os.write(self._to, view[: 1 << 20]) :]
                except BrokenPipeError:
                    raise self._gone() from None

    def _read(self, length: int, meter: Meter) -> bytearray:
        data = bytearray()
        while len(data) < length:
            self._wait([self._from], [], meter)
            with contextlib.suppress(BlockingIOError):
                part = os.read(self._from, min(length - len(data), 1 << 20))
                if not part:
                    raise self._gone()
                data += part
        return data

    def _wait(self, readers: list[int], writers: list[int], meter: Meter) -> None:
        """Wait until a pipe is ready; an answer that drips in is held to its budget as well."""
        while True:
            if self._watch.stopped:
                raise Stopped(self._watch.stopped)
            ready = select.select(readers, writers, [], LOOK_SECONDS)
            if time.monotonic() > self._looked + LOOK_SECONDS:
                meter.check()
                self._looked = time.monotonic()
            if ready[0] or ready[1]:
                return

    def _gone(self) -> Stopped:
        return Stopped(self._watch.stopped or "ended the Python process")

    def close(self) -> None:
        """End the sandbox and all that runs in it."""
        self._watch.stop()
        kill(self._process.pid)
        self._process.wait()
        self._forget()

    def _forget(self) -> None:
        for fd in (self._to, self._from):
            with contextlib.suppress(OSError):
                os.close(fd)
        self._to = self._from = -1
        if self._said is not None:
            os.close(self._said)
            self._said = None
        if self._group:
            self._group.dissolve()
        self._kept.close()

    def __enter__(self) -> Shell:
        return self

    def __exit__(self, *_: object) -> None:
        if self._to >= 0:
            self.close()
