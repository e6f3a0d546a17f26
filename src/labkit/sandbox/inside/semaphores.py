"""Semaphores of processes without shared memory: a pipe that holds as many bytes as are free.

The C library keeps them in /dev/shm, which is the whole machine's and so closed behind the second
wall. Pools of processes need them. Those of here are inherited by forking, as Linux does.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib
import multiprocessing.heap
import os
import select
import struct
import termios
import threading
import time
from typing import Any

#: what a pipe holds without anybody reading; a semaphore of more is never used up
CAPACITY = 65_536
_RECURSIVE = 0


class SemLock:
    """A semaphore in a pipe, with the methods of the one in the standard library.

    Parameters
    ----------
    kind : int
        0 for a lock that its owner may take again.
    value, maxvalue : int
        How many are free, and may be.
    name : str
    unlink : bool
        Whether nobody needs the name any more.
    """

    SEM_VALUE_MAX = 2**31 - 1

    def __init__(self, kind: int, value: int, maxvalue: int, name: str, unlink: bool) -> None:
        self.kind, self.maxvalue = kind, maxvalue
        self.name = None if unlink else name
        self._endless = value > CAPACITY
        self._held, self._owner = 0, 0
        self.handle, self._in = os.pipe()
        for number in (self.handle, self._in):
            os.set_blocking(number, False)
        if not self._endless:
            os.write(self._in, bytes(value))

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """Take one, if need be after waiting; return whether that was possible."""
        if self.kind == _RECURSIVE and self._is_mine():
            self._held += 1
            return True
        latest = None if timeout is None else time.monotonic() + timeout
        while not self._taken():
            left = None if latest is None else max(0.0, latest - time.monotonic())
            if not block or left == 0.0:
                return False
            select.select([self.handle], [], [], left)
        self._held += 1
        self._owner = threading.get_ident()
        return True

    def _taken(self) -> bool:
        with contextlib.suppress(BlockingIOError):
            return self._endless or os.read(self.handle, 1) != b""
        return False

    def release(self) -> None:
        """Give one back."""
        if self.kind == _RECURSIVE:
            if not self._is_mine():
                raise AssertionError("attempt to release recursive lock not owned by thread")
            if self._held > 1:
                self._held -= 1
                return
        elif not self._endless and self._get_value() >= self.maxvalue:
            raise ValueError("semaphore or lock released too many times")
        self._held -= 1
        if not self._endless:
            os.write(self._in, b"\0")

    def _get_value(self) -> int:
        if self._endless:
            return self.maxvalue
        waiting = fcntl.ioctl(self.handle, termios.FIONREAD, bytes(4))
        return int(struct.unpack("i", waiting)[0])

    def _is_zero(self) -> bool:
        return self._get_value() == 0

    def _is_mine(self) -> bool:
        return self._held > 0 and self._owner == threading.get_ident()

    def _count(self) -> int:
        return self._held

    def _after_fork(self) -> None:
        self._held = 0

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def __del__(self) -> None:
        for number in (self.handle, self._in):
            with contextlib.suppress(OSError):
                os.close(number)


def install() -> None:
    """Let `multiprocessing` do without /dev/shm, in this process and those it forks."""
    library: Any = importlib.import_module("_multiprocessing")
    library.SemLock = SemLock
    library.sem_unlink = lambda name: None
    heap: Any = multiprocessing.heap
    heap.Arena._dir_candidates = []
