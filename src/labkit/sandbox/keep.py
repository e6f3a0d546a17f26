"""The keeper of a sandbox without namespaces: shut a program in, and end all it has started.

Run as a script. Without a namespace of processes, what a program has started may outlive it. So the
keeper restricts itself first, by rules that bound signals alone; then its child, by all rules. From
then on a signal to everybody reaches the child and what came of it, all at one moment, and nobody
else; and none of these can reach the keeper.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Sequence

RESTRICT_SELF = 446
#: of prctl
SET_DEATH_SIGNAL, SET_NAME, SET_FILTER, READ_BOUNDING, DROP_FROM_BOUNDING = 1, 15, 22, 23, 24
SET_CHILD_SUBREAPER, NO_NEW_PRIVILEGES, AMBIENT = 36, 38, 47
BY_PROGRAM, CLEAR_ALL = 2, 4
MOST_RIGHTS = 64
#: how it is called in lists of processes: who ends it must leave it the time to end the others
NAME = "labkit-keeper"
_AWAITED = (signal.SIGCHLD, signal.SIGTERM)


class Filter(ctypes.Structure):
    """A filter of system calls, as the kernel takes it."""

    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))


class Kernel:
    """The calls of the kernel that Python has no name for; one that is refused ends the process."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)

    def prctl(self, *arguments: int) -> int:
        """Ask or change something of this process; return the answer, -1 if that is refused."""
        words = [*arguments, 0, 0, 0, 0][:5]
        return int(self._libc.prctl(*map(ctypes.c_ulong, words)))

    def must(self, *arguments: int) -> None:
        """Change something of this process, or end it."""
        self._or_end(self.prctl(*arguments) == 0, f"prctl{arguments} is refused")

    def name(self, name: str) -> None:
        """Give this process a name in lists of processes."""
        self._libc.prctl(SET_NAME, name.encode())

    def restrict(self, rules: int) -> None:
        """Keep to rules from now on, and close the file they are in."""
        refused = self._libc.syscall(
            ctypes.c_long(RESTRICT_SELF), ctypes.c_int(rules), ctypes.c_uint32(0)
        )
        self._or_end(refused == 0, "Landlock takes no rules")
        os.close(rules)

    def filter(self, program: bytes) -> None:
        """Let system calls through a filter from now on."""
        whole = Filter(len(program) // 8, program)
        done = self.prctl(SET_FILTER, BY_PROGRAM, ctypes.addressof(whole))
        self._or_end(done == 0, "no filter of system calls")

    @staticmethod
    def _or_end(done: bool, what: str) -> None:
        if not done:
            sys.exit(f"{what}: {os.strerror(ctypes.get_errno())}")


def give_up_rights(kernel: Kernel, other: int) -> None:
    """Become another user, unless it is -1, and give up what only root may."""
    kernel.prctl(AMBIENT, CLEAR_ALL)
    for right in range(MOST_RIGHTS):
        kernel.prctl(DROP_FROM_BOUNDING, right)  # who is not root may not, and has none
        if os.geteuid() == 0 and kernel.prctl(READ_BOUNDING, right) == 1:
            sys.exit("root's rights cannot be given up here")
    if other >= 0:
        os.setgroups([])
        os.setresgid(other, other, other)
        os.setresuid(other, other, other)


def keep(grader: int, other: int, numbers: Sequence[int], line: Sequence[str]) -> int:
    """Run a program behind its rules; when it ends, or the grader, end all that came of it.

    Parameters
    ----------
    grader : int
        The process that started this one.
    other : int
        The user to become, or -1.
    numbers : sequence of int
        Of open files: the rules of this process, the rules of the program, and its filter.
    line : sequence of str
        The program and its arguments.

    Returns
    -------
    int
        An exit code.
    """
    outer, inner, held = numbers
    kernel = Kernel()
    program = os.pread(held, 1 << 20, 0)
    os.close(held)
    signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
    give_up_rights(kernel, other)
    # after that, since another user's process forgets with whom it is to end
    kernel.must(SET_DEATH_SIGNAL, signal.SIGTERM)
    kernel.name(NAME)
    # what a program leaves behind becomes the keeper's child, and is found and counted there
    kernel.must(SET_CHILD_SUBREAPER, 1)
    kernel.must(NO_NEW_PRIVILEGES, 1)
    kernel.restrict(outer)
    _require_bounded_signals(grader)
    keeper = os.getpid()
    child = os.fork()
    if child == 0:
        kernel.must(SET_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != keeper:
            os._exit(1)
        kernel.restrict(inner)
        kernel.filter(program)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _AWAITED)
        try:
            os.execv(line[0], list(line))
        except OSError as error:
            sys.exit(f"{line[0]} cannot be run: {error.strerror}")
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # ends of pipes that are the child's
    status = _wait(child, grader)
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:  # seen gone
            os.wait()
    return os.waitstatus_to_exitcode(status) & 0xFF


def _require_bounded_signals(grader: int) -> None:
    """End here if the grader can be reached: a signal to everybody would reach everybody."""
    with contextlib.suppress(PermissionError):
        os.kill(grader, 0)
        sys.exit("Landlock does not bound signals here")


def _wait(child: int, grader: int) -> int:
    """Wait for the child's end, the grader's, or a word of the grader's; return a status."""
    while os.getppid() == grader and signal.sigwait(_AWAITED) == signal.SIGCHLD:
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == child:
                    return ended[1]
    return signal.SIGKILL


if __name__ == "__main__":
    cut = sys.argv.index("--")
    first, user, *files = map(int, sys.argv[1:cut])
    sys.exit(keep(first, user, files, sys.argv[cut + 1 :]))
