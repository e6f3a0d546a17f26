"""How bubblewrap is started here: as whom, with which namespaces, and what to do where it cannot.

Code in a sandbox is never the owner of the machine outside. Who grades as another user is that user
there; root starts a sandbox as a user that nobody is, in one of two ways:

- *twice*: bubblewrap as root lays out the file system, since only root may be able to read all of
  it; then, as the other user, bubblewrap again makes the namespaces around it. The sandbox can be
  told from one of any user in nothing;
- *once*, where other users may make no user namespace (Ubuntu 24.04's AppArmor, a sysctl): the
  namespaces belong to root, and the other user is taken last. The same things are out of sight.
  What differs: a process of bubblewrap's stays root's in the sandbox, without a way to talk to it;
  and that no further namespace can be made is held by the filter of system calls alone.

Where not even root may make namespaces (a container without the capability CAP_SYS_ADMIN)
bubblewrap does not start, and such a machine is told what it lacks. Nothing takes its place by
itself: another user's number alone would leave the network, the other processes, the kernel's
shared names and every file that is readable for all. Whoever grades there may choose
`second_wall`: Landlock and a stricter filter keep files, network, signals and shared names closed
without any privilege. But names and sizes of files show, what is written lies on the machine's
disk, and where root cannot lend another number the code runs as the user who grades, so that each
thing that Landlock overlooks counts. Hence it is chosen, with the difference said, and never taken.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from labkit.errors import GradingError
from labkit.sandbox import seccomp, view
from labkit.sandbox.limits import Limits

#: the user's number in the sandbox
STUDENT = 1000
#: numbers of users that no convention uses, and a few for where those are not to be had
FREE_IDS = ((0x70000000, 0x0F000000), (61_000, 184), (60_000, 1_000))
#: bytes for what bubblewrap says
NOTEPAD = 16_384
ENTER = Path(__file__).with_name("enter.py")


@dataclass(frozen=True)
class Fence:
    """A way to start a sandbox.

    Attributes
    ----------
    other : int
        The user whose number is taken; -1 for the one who grades.
    twice : bool
        Whether bubblewrap is started a second time, as that user.
    nested : bool
        Whether bubblewrap itself can forbid further user namespaces.
    """

    other: int
    twice: bool
    nested: bool

    @property
    def uid(self) -> int:
        """The user's number in the sandbox."""
        return STUDENT if self.twice or self.other < 0 else self.other

    def line(self, files: OpenFiles, outside: list[str], inside: list[str]) -> list[str]:
        """Return the command line up to the program that is to run.

        Parameters
        ----------
        files : OpenFiles
            Takes what the line names by number.
        outside : list of str
            Options for the file system, see `view.walls`.
        inside : list of str
            Options for what needs the new namespaces, see `view.within`.

        Returns
        -------
        list of str
        """
        bubblewrap = view.require_bubblewrap()
        # through a file, since a command line can be read from within
        ends = ["--die-with-parent", "--new-session"]
        alone = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
        alone += ["--unshare-cgroup-try", "--hostname", "lab", "--cap-drop", "ALL"]
        user = ["--unshare-user", *(["--disable-userns"] if self.nested else [])]
        user += ["--uid", str(STUDENT), "--gid", str(STUDENT)]
        if self.other < 0:
            options = [*ends, *alone, *user, *outside, *inside]
            return [bubblewrap, "--args", files.options(options)]
        needed = ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP")
        become = ["--cap-drop", "ALL", *(word for cap in needed for word in ("--cap-add", cap))]
        numbers = ["--reuid", str(self.other), "--regid", str(self.other), "--clear-groups"]
        # another user's process would forget with whom it is to end
        numbers += ["--pdeathsig", "KILL"]
        setpriv = [_setpriv(), *numbers, "--inh-caps=-all", "--bounding-set=-all", "--"]
        if not self.twice:
            options = [*ends, *alone, *become, *outside, *inside]
            return [bubblewrap, "--args", files.options(options), *setpriv]
        first = ["--die-with-parent", *become, "--dev-bind", "/proc", "/proc", *outside]
        second = [*ends, *alone, *user, *view.outermost(outside), *inside, "--remount-ro", "/"]
        again = [bubblewrap, "--args", files.options(second)]
        return [bubblewrap, "--args", files.options(first), *setpriv, *again]


class OpenFiles:
    """Small files in memory, handed to a program by their numbers."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    def hold(self, content: bytes) -> str:
        """Keep some bytes in an open file; return its number."""
        number = os.memfd_create("labkit")
        self.numbers.append(number)
        with open(number, "wb", closefd=False) as file:
            file.write(content)
        os.lseek(number, 0, os.SEEK_SET)
        return str(number)

    def options(self, line: list[str]) -> str:
        """Keep options for bubblewrap's --args; return the file's number."""
        return self.hold(b"".join(os.fsencode(word) + b"\0" for word in line))

    def close(self) -> None:
        """Close them all; whoever has inherited them keeps them."""
        for number in self.numbers:
            os.close(number)


@contextlib.contextmanager
def open_files() -> Iterator[OpenFiles]:
    """Have some files open for a while."""
    files = OpenFiles()
    try:
        yield files
    finally:
        files.close()


def notepad() -> int:
    """Return an open file in memory, for what bubblewrap says if it cannot start.

    It stands for the streams of bubblewrap's own processes, at which code in the sandbox can get:
    so it is no file that others have too, as `/dev/null` would be, and it cannot grow.
    """
    import fcntl  # not on every system, where this is imported all the same

    number = os.memfd_create("labkit", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.truncate(number, NOTEPAD)
    fcntl.fcntl(number, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK)
    return number


def sandboxed(
    files: OpenFiles, shared: Path, limits: Limits, seed: int, counted: bool
) -> list[str]:
    """Return the command line of a sandbox, up to the program that is to run.

    Parameters
    ----------
    files : OpenFiles
        Takes what the line names by number.
    shared : Path
        See `view.walls`.
    limits : Limits
    seed : int
        Of Python's hashes.
    counted : bool
        Whether a control group counts its memory.

    Returns
    -------
    list of str

    Raises
    ------
    GradingError
        If no sandbox can be started on this machine.
    """
    way = fence()
    small = view.small_files(way.uid, limits.cores)
    held = {place: files.hold(text.encode()) for place, text in small.items()}
    inside = view.within(seed)
    if program := seccomp.program(counted=counted):
        inside = ["--seccomp", files.hold(program), *inside]
    return way.line(files, view.walls(shared, limits, held), inside)


@functools.cache
def fence() -> Fence:
    """Return the best way to start a sandbox that works on this machine.

    Raises
    ------
    GradingError
        If none does; it says why, and what to do.
    """
    other = unused_id() if os.getuid() == 0 else -1
    ways = [Fence(other, other >= 0, nested) for nested in (True, False)]
    if other >= 0 and seccomp.program() is not None:
        ways.append(Fence(other, twice=False, nested=False))
    said = ""
    for way in ways:
        failed = _fails(way)
        if not failed:
            return way
        said = said or failed
    advice = [" ".join(_reasons(other)) or GENERAL, view.other_wall()]
    raise GradingError(f"the sandbox does not start: {said}.", " ".join(filter(None, advice)))


#: what to do if nothing better is known
GENERAL = (
    "Try `bwrap --unshare-all --ro-bind / / --proc /proc true`; its message says what keeps it "
    "from making namespaces. In a container, allow them (`--privileged`, or CAP_SYS_ADMIN and no "
    "seccomp profile against `unshare` and `mount`), or grade on a machine of your own."
)


def _fails(way: Fence) -> str:
    """Start Python in an almost empty sandbox; return what went wrong, "" if nothing did."""
    system = [*view.programs(), "--dir", "/tmp"]  # bubblewrap builds its own there
    for folder in view.system_folders():
        system += ["--ro-bind", str(folder), str(folder)]
    python = [str(Path(sys.executable).resolve()), "-I", "-S", "-c", ""]
    with open_files() as files:
        inside = ["--proc", "/proc", "--remount-ro", "/proc"]
        line = way.line(files, view.with_parents(system), inside)
        return complaint([*line, *python], files)


def complaint(line: list[str], files: OpenFiles) -> str:
    """Run a program; return the last thing it said if it failed, "" if it did not.

    Parameters
    ----------
    line : list of str
        Its command line.
    files : OpenFiles
        What the line names by number.

    Returns
    -------
    str
    """
    run = subprocess.run(
        line,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={},
        cwd="/",
        pass_fds=files.numbers,
    )
    said = run.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    return (said or f"it ended with {run.returncode}") if run.returncode else ""


def _reasons(other: int, root: Path = Path("/")) -> Iterator[str]:
    """Yield what on this machine is known to keep bubblewrap from working, and what to do."""
    settings = root / "proc" / "sys"
    for name, bad, good in (
        ("user/max_user_namespaces", "0", "15000"),
        ("kernel/unprivileged_userns_clone", "0", "1"),
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "0"),
    ):
        with contextlib.suppress(OSError):
            if (settings / name).read_text().strip() == bad:
                key = name.replace("/", ".")
                yield (
                    f"This system's setting {key} = {bad} forbids it; allow it with `sysctl -w "
                    f"{key}={good}`, or (for AppArmor) give {shutil.which('bwrap')} a profile with "
                    "`userns`, or grade as root."
                )
    with contextlib.suppress(OSError):
        status = (root / "proc" / "self" / "status").read_text()
        if re.search(r"^Seccomp:\s*[12]$", status, re.MULTILINE):
            yield (
                "This process runs under a filter of system calls, as in a container: start the "
                "container with `--security-opt seccomp=unconfined --cap-add SYS_ADMIN` (Docker, "
                "Podman), or ask whoever runs the hub; or grade elsewhere."
            )
    if other >= 0 and Path(sys.base_prefix).stat().st_mode & 0o005 != 0o005:
        yield (
            "Students' code runs as a user of its own, who cannot read Python in "
            f"{sys.base_prefix}: `chmod -R go+rX {sys.base_prefix}`."
        )


def _setpriv() -> str:
    if found := shutil.which("setpriv"):
        return found
    raise GradingError(
        "setpriv is not installed, and without it students' code would run as root.",
        "Install it (`apt-get install util-linux`), or grade as a user who is not root.",
    )


def unused_id(proc: Path = Path("/proc/self")) -> int:
    """Return a number that is no user's and no group's, another one for each grader.

    Parameters
    ----------
    proc : Path
        What the kernel says of this process: in a container not all numbers can be had.

    Returns
    -------
    int
    """
    import pwd

    allowed = []
    for name in ("uid_map", "gid_map"):
        rows = [line.split() for line in (proc / name).read_text().splitlines()]
        allowed.append([range(int(row[0]), int(row[0]) + int(row[2])) for row in rows])
    for start, span in FREE_IDS:
        for step in range(span):
            number = start + (os.getpid() + step) % span
            if not all(any(number in each for each in ranges) for ranges in allowed):
                break
            try:
                pwd.getpwuid(number)
            except KeyError:
                return number
    raise GradingError(
        "this container has no number of a user to spare, and students' code must not run as root.",
        "Grade as a user who is not root, or give the container the usual 65536 numbers.",
    )
