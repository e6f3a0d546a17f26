"""The last step before bubblewrap: enter control groups, leave the grader's keys, and become it.

Run as a script, in a process that does nothing else: what happens here must hold for a sandbox's
first process and all its children, and must not touch the grader's own.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

#: the number of keyctl, and its order to join a session keyring of one's own
KEYCTL = {"x86_64": 250, "aarch64": 219, "arm64": 219}
JOIN_SESSION_KEYRING = 1
SET_DEATH_SIGNAL = 1  # of prctl
#: of two processes the kernel ends the one with more when memory is short; the grader has 0
OOM_SCORE = 900


def enter(grader: int, doors: list[str], cores: list[int]) -> None:
    """Put this process, and all it will start, where a sandbox belongs.

    Parameters
    ----------
    grader : int
        The process that started it, with which it ends.
    doors : list of str
        The `cgroup.procs` of its control groups.
    cores : list of int
        Processor cores it may run on.
    """
    libc = ctypes.CDLL(None)
    libc.prctl(SET_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != grader:  # it has ended already
        os._exit(1)
    for door in doors:
        with open(door, "w") as group:
            group.write(str(os.getpid()))
    with open("/proc/self/oom_score_adj", "w") as score:
        score.write(str(OOM_SCORE))
    if cores:
        os.sched_setaffinity(0, cores)
    if number := KEYCTL.get(os.uname().machine):
        # refused in some containers; the sandbox's filter lets nobody use keys in any case
        libc.syscall(number, JOIN_SESSION_KEYRING, None)


if __name__ == "__main__":
    cut = sys.argv.index("--")
    enter(
        grader=int(sys.argv[1]),
        doors=[word for word in sys.argv[2:cut] if not word.isdigit()],
        cores=[int(word) for word in sys.argv[2:cut] if word.isdigit()],
    )
    os.execv(sys.argv[cut + 1], sys.argv[cut + 1 :])
