"""A running sandbox: a Python process behind bubblewrap, asked through a pair of pipes."""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from labkit.errors import GradingError
from labkit.sandbox.inside import wire
from labkit.sandbox.limits import Budget, Limits, Meter, Stopped, Watch, dissolve, kill, new_group
from labkit.sandbox.view import (
    KIT,
    require_bubblewrap,
    start_numbers,
    unsafe_command,
    unsafe_environment,
    walls,
)

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
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(
        prefix=f"labkit-run-{os.getpid()}-", ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


# --- one sandboxed shell ------------------------------------------------------------------------


class Shell:
    """A running sandbox. Ask it; when it is stopped it stays stopped.

    Parameters
    ----------
    shared : Path
        See `command`.
    limits : Limits
    unsafe : bool
        Run without bubblewrap.
    seed : int
        What chance in it follows from.
    """

    _received = 0  # bytes
    _looked = 0.0  # when an answer was last held to its budget

    def __init__(self, shared: Path, limits: Limits, unsafe: bool = False, seed: int = 0) -> None:
        requests_out, requests_in = os.pipe()
        answers_out, answers_in = os.pipe()
        theirs = [requests_out, answers_in]
        if unsafe:
            line = unsafe_command((requests_out, answers_in), seed, limits)
        else:
            # through a pipe, since a command line can be read from within
            options, options_in = os.pipe()
            with os.fdopen(options_in, "wb") as pipe:
                pipe.write(b"".join(os.fsencode(o) + b"\0" for o in walls(shared, limits, seed)))
            line = [require_bubblewrap(), "--args", str(options)]
            line += [str(Path(sys.executable).resolve()), "-s", "-B"]
            line += [str(KIT / "shell" / "student.py")]
            line += start_numbers((requests_out, answers_in), seed, limits, limits.tasks)
            theirs.append(options)
        self._group = None if unsafe else new_group(limits)
        if self._group:
            # the group must be entered before there is a child to be counted in it
            enter = ["/bin/sh", "-c", 'echo $$ > "$0" && exec "$@"']
            line = [*enter, str(self._group / "cgroup.procs"), *line]
        self._kept = contextlib.ExitStack()
        home = self._kept.enter_context(scratch()) if unsafe else Path("/")
        try:
            self._process = subprocess.Popen(
                line,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=theirs,
                cwd=home,
                env=unsafe_environment(seed) if unsafe else {},
                start_new_session=True,
            )
        finally:
            for fd in theirs:
                os.close(fd)
        self._to, self._from = requests_in, answers_out
        os.set_blocking(self._to, False)
        os.set_blocking(self._from, False)
        self._limits = limits
        self._watch = Watch(self._process.pid, limits)
        self._begin()

    def _begin(self) -> None:
        """Wait for the first word; without it no work is to blame, and no points are lost."""
        start = Budget(START_SECONDS, START_SECONDS, self._limits.memory)
        try:
            (length,) = wire.HEADER.unpack(self._read(wire.HEADER.size, Meter(self._watch, start)))
            self._read(min(length, 1000), Meter(self._watch, start))
        except Stopped as stopped:
            self.close()
            raise GradingError(
                f"the sandbox does not start (it {stopped}). Does this work here: `bwrap "
                "--unshare-all --ro-bind / / --proc /proc true`? If not, this system keeps "
                "bubblewrap from making namespaces; its message says which setting does."
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
        for fd in (self._to, self._from):
            with contextlib.suppress(OSError):
                os.close(fd)
        self._to = self._from = -1
        kill(self._process.pid)
        self._process.wait()
        if self._group:
            dissolve(self._group)
        self._kept.close()

    def __enter__(self) -> Shell:
        return self

    def __exit__(self, *_: object) -> None:
        if self._to >= 0:
            self.close()
