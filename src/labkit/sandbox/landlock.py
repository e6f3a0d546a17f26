"""Landlock, the kernel's way to let a process give up rights of its own: three calls and a struct.

What a process may do is a set of rules, made here and handed on as the number of an open file; who
restricts itself by it (`keep.py`) keeps to it for ever, with all it starts. Whatever is not in the
rules is denied: to open files, to connect, to send signals out of the restricted processes.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from pathlib import Path

#: the calls; their numbers are the same on x86-64 and on 64-bit ARM
CREATE, ADD_RULE = 444, 445
#: the version of Landlock of Linux 6.12, the first that bounds signals and abstract Unix sockets
ABI = 6
_ASK_VERSION = 1
_BENEATH_A_PATH = 1

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REMOVE_DIR, REMOVE_FILE = 1 << 4, 1 << 5
_MAKE_CHAR, MAKE_DIR, MAKE_REG, _MAKE_SOCK = 1 << 6, 1 << 7, 1 << 8, 1 << 9
MAKE_FIFO, _MAKE_BLOCK, MAKE_SYM = 1 << 10, 1 << 11, 1 << 12
#: to move and to link between folders; to cut off; to control devices
REFER, TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_ALL = (1 << 16) - 1
#: to bind and to connect TCP sockets
_NETWORK = 3
#: to connect to abstract Unix sockets, and to send signals, outside
_SOCKETS, _SIGNALS = 1, 2

_REASONS = {
    errno.ENOSYS: "this kernel has no Landlock, or a container's filter of system calls hides it",
    errno.EOPNOTSUPP: "Landlock was left out when this machine started (the kernel's option lsm=)",
    errno.EPERM: "a container's filter of system calls forbids Landlock",
}

#: what can be granted for a file that is no folder
_OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | _IOCTL_DEV
READ = EXECUTE | READ_FILE | READ_DIR
#: all that makes ordinary files: no devices, and no sockets, which would be doors for others
WRITE = READ | WRITE_FILE | TRUNCATE | REFER | REMOVE_DIR | REMOVE_FILE
WRITE |= MAKE_DIR | MAKE_REG | MAKE_FIFO | MAKE_SYM


def lacking() -> str:
    """Say why this machine's Landlock does not do; "" if it does.

    Returns
    -------
    str
        Half a sentence.
    """
    if platform.system() != "Linux":
        return "Landlock is Linux's"
    try:
        version = _call(CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(_ASK_VERSION))
    except OSError as error:
        return _REASONS.get(error.errno or 0, f"Landlock does not answer ({error.strerror})")
    if version < ABI:
        return (
            f"Landlock is of version {version} in this kernel, {platform.release()}, and bounds no "
            f"signals; Linux 6.12 has version {ABI}"
        )
    return ""


def _call(number: int, *arguments: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    answer = int(libc.syscall(ctypes.c_long(number), *arguments))
    if answer < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return answer


class Rules:
    """Rules for a process, in an open file that is the caller's to close.

    Parameters
    ----------
    signals_only : bool
        Whether only signals are bounded, and everything else is left as it is.

    Attributes
    ----------
    number : int
        Of the open file.

    Raises
    ------
    OSError
        If the kernel has no such rules.
    """

    def __init__(self, *, signals_only: bool = False) -> None:
        # to move files between folders is denied by any rules that do not allow it
        handled = (REFER, 0, _SIGNALS) if signals_only else (_ALL, _NETWORK, _SOCKETS | _SIGNALS)
        told = struct.pack("=QQQ", *handled)
        self.number = _call(CREATE, told, ctypes.c_size_t(len(told)), ctypes.c_uint32(0))
        if signals_only:
            self.allow(Path("/"), REFER)

    def allow(self, path: Path, rights: int) -> None:
        """Allow something with a file, or with all in a folder; what does not exist is passed over.

        Parameters
        ----------
        path : Path
            Where a link leads to is what counts.
        rights : int
            Such as `READ`.
        """
        try:
            beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except (FileNotFoundError, PermissionError):
            return
        try:
            granted = rights if os.path.isdir(f"/proc/self/fd/{beneath}") else rights & _OF_FILES
            told = struct.pack("=Qi", granted, beneath)
            _call(
                ADD_RULE,
                ctypes.c_int(self.number),
                ctypes.c_int(_BENEATH_A_PATH),
                told,
                ctypes.c_uint32(0),
            )
        finally:
            os.close(beneath)
