"""A process that cannot reach anything: bubblewrap, resource limits and a watch over both.

In its file system there is Python, the packages, `helpers` without its rooms for instructors, the
survey without its truth, the cache of downloads, all read-only, and a scratch folder of limited
size. There is no network but its own loopback. It is told what to do through a pair of pipes.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import signal
import site
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

import helpers
from helpers.course.grading.inside import wire
from helpers.course.grading.plain import GradingError

INSIDE = Path(__file__).with_name("inside")
#: where the kit's own things stand in the sandbox
KIT = Path("/labkit")
#: an empty sandbox is ready in a third of a second
START_SECONDS = 60.0


@dataclass(frozen=True)
class Limits:
    """What one student's work may use.

    Attributes
    ----------
    memory : int
        Bytes, resident, of all processes together.
    processes : int
        Processes at one time.
    tasks : int
        Processes and threads at one time.
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
    processes: int = 48
    tasks: int = 256
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


def require_bubblewrap() -> str:
    """Return the path of bubblewrap, or say how to get it.

    Raises
    ------
    GradingError
    """
    if found := shutil.which("bwrap"):
        return found
    raise GradingError(
        "bubblewrap is not installed, and without it students' code could read your files and the "
        "hidden tests. Install it (`apt-get install bubblewrap`; conda: `conda install -c "
        "conda-forge bubblewrap`), or grade notebooks you trust with --unsafe."
    )


# --- what the sandbox sees ----------------------------------------------------------------------


def walls(shared: Path, limits: Limits, seed: int = 0) -> list[str]:
    """Return bubblewrap's options: what the sandbox sees and what it cannot do.

    Parameters
    ----------
    shared : Path
        The folder of files that tests hand to the work, visible read-only at the same path.
    limits : Limits
    seed : int
        Of Python's hashes.

    Returns
    -------
    list of str
    """
    packages = Path(sysconfig.get_path("purelib"))
    python = Path(sys.base_prefix)
    size = str(limits.scratch)
    line = ["--unshare-all", "--die-with-parent", "--new-session"]
    line += ["--uid", "1000", "--gid", "1000", "--cap-drop", "ALL", "--hostname", "lab"]
    line += ["--ro-bind", "/usr", "/usr"]
    for name in ("bin", "lib", "lib32", "lib64", "sbin"):
        if os.path.islink(f"/{name}"):
            line += ["--symlink", os.readlink(f"/{name}"), f"/{name}"]
        else:
            line += ["--ro-bind-try", f"/{name}", f"/{name}"]
    for path in ("/etc/fonts", "/etc/ld.so.cache", "/etc/localtime", "/etc/alternatives"):
        line += ["--ro-bind-try", path, path]
    line += ["--proc", "/proc", "--dev", "/dev", "--size", size, "--tmpfs", "/dev/shm"]
    line += ["--remount-ro", "/dev", "--size", size, "--tmpfs", "/tmp"]
    line += ["--size", size, "--tmpfs", "/home/student", "--chdir", "/home/student"]
    if not python.is_relative_to("/usr"):
        line += ["--ro-bind", str(python), str(python)]
    inside_packages = KIT / "packages"
    line += ["--ro-bind", str(packages), str(inside_packages)]
    # where the course's folder is, is nobody's business here
    for path in [*packages.glob("helpers-*.dist-info"), *packages.glob("__editable__*helpers*")]:
        line += _hidden(path, inside_packages / path.name)
    if packages.is_relative_to(python) and not python.is_relative_to("/usr"):
        for path in [*packages.glob("helpers-*.dist-info"), *packages.glob("__editable__*help*")]:
            line += _hidden(path, path)
    line += _helpers()
    line += _data()
    line += ["--ro-bind", str(INSIDE), str(KIT / "shell"), *_no_compiled(INSIDE, KIT / "shell")]
    line += ["--ro-bind", str(shared), str(shared)]
    line += ["--clearenv"]
    for name, value in _environment(inside_packages, seed).items():
        line += ["--setenv", name, value]
    return [*line, "--remount-ro", "/"]


def _numbers(fds: tuple[int, int], seed: int, limits: Limits, processes: int) -> list[str]:
    """Return what student.py is started with."""
    most = (3 * limits.memory, processes, limits.scratch, int(limits.lab_seconds))
    return [str(number) for number in (*fds, seed, *most)]


def _hidden(path: Path, inside: Path) -> list[str]:
    if path.is_dir():
        return ["--tmpfs", str(inside), "--remount-ro", str(inside)]
    return ["--ro-bind", "/dev/null", str(inside)]


def _no_compiled(folder: Path, inside: Path) -> list[str]:
    """Hide compiled files: they name the folder they were compiled in."""
    line = []
    for path in sorted(folder.rglob("__pycache__")):
        if "course" not in path.relative_to(folder).parts:  # hidden as a whole
            line += _hidden(path, inside / path.relative_to(folder))
    return line


def _helpers() -> list[str]:
    package = Path(helpers.__path__[0]).resolve()
    inside = KIT / "lib" / "helpers"
    course = inside / "course"
    line = ["--ro-bind", str(package), str(inside), *_hidden(package / "course", course)]
    line += _no_compiled(package, inside)
    # the tables of facts, which are not with the survey where LABKIT_DATA says it is elsewhere
    tables = package.parent / "data"
    if tables.is_dir():
        line += ["--ro-bind", str(tables), str(KIT / "lib" / "data")]
        if (tables / "build").is_dir():
            line += _hidden(tables / "build", KIT / "lib" / "data" / "build")
    return line


def _data() -> list[str]:
    """Return the binds of the survey and of what was downloaded from it."""
    from helpers.archive import cache_folder, data_folder

    line = []
    data = data_folder()
    if data.is_dir():
        line += ["--ro-bind", str(data), str(KIT / "data")]
        for truth in sorted((data / "build").glob("truth*")):
            line += _hidden(truth, KIT / "data" / "build" / truth.name)
    line += ["--size", "300000000", "--tmpfs", str(KIT / "cache")]
    for archive in sorted(cache_folder().glob("*")):
        for name in ("sas", "products"):
            if (archive / name).is_dir():
                there = KIT / "cache" / archive.name / name
                line += ["--ro-bind", str(archive / name), str(there)]
    return line


def _environment(packages: Path, seed: int) -> dict[str, str]:
    one_thread = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA")
    return {
        "HOME": "/home/student",
        "PATH": f"{Path(sys.executable).resolve().parent}:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "PYTHONPATH": f"{KIT / 'lib'}:{packages}",
        "PYTHONHASHSEED": str(seed),
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": str(KIT / "cache" / "matplotlib"),
        "TQDM_DISABLE": "1",
        "LABKIT_DATA": str(KIT / "data"),
        "LABKIT_CACHE": str(KIT / "cache"),
        "LABKIT_PRODUCTS": "none",
        # the same arithmetic whatever else the machine is doing
        **{f"{library}_NUM_THREADS": "1" for library in one_thread},
    }


def _unsafe_command(fds: tuple[int, int], seed: int, limits: Limits) -> list[str]:
    # no bound on processes: they would be counted with all others of the instructor's
    numbers = _numbers(fds, seed, limits, 100_000)
    return [sys.executable, "-B", str(INSIDE / "student.py"), *numbers]


def _unsafe_environment(seed: int) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONHASHSEED": str(seed),
        "LABKIT_PRODUCTS": "none",
        "MPLBACKEND": "agg",
        "TQDM_DISABLE": "1",
        "PYTHONPATH": os.pathsep.join(
            [str(Path(helpers.__path__[0]).parent), *site.getsitepackages()]
        ),
    }


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

    def __init__(self, shared: Path, limits: Limits, unsafe: bool = False, seed: int = 0) -> None:
        requests_out, requests_in = os.pipe()
        answers_out, answers_in = os.pipe()
        theirs = [requests_out, answers_in]
        if unsafe:
            line = _unsafe_command((requests_out, answers_in), seed, limits)
        else:
            # through a pipe, since a command line can be read from within
            options, options_in = os.pipe()
            with os.fdopen(options_in, "wb") as pipe:
                pipe.write(b"".join(os.fsencode(o) + b"\0" for o in walls(shared, limits, seed)))
            line = [require_bubblewrap(), "--args", str(options)]
            line += [str(Path(sys.executable).resolve()), "-s", "-B"]
            line += [str(KIT / "shell" / "student.py")]
            line += _numbers((requests_out, answers_in), seed, limits, limits.tasks)
            theirs.append(options)
        self._group = None if unsafe else _group(limits)
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
                env=_unsafe_environment(seed) if unsafe else {},
                start_new_session=True,
            )
        finally:
            for fd in theirs:
                os.close(fd)
        self._to, self._from = requests_in, answers_out
        os.set_blocking(self._to, False)
        os.set_blocking(self._from, False)
        self._limits = limits
        self._watch = _Watch(self._process.pid, limits)
        self._begin()

    def _begin(self) -> None:
        """Wait for the first word; without it no work is to blame, and no points are lost."""
        start = Budget(START_SECONDS, START_SECONDS, self._limits.memory)
        try:
            (length,) = wire.HEADER.unpack(self._read(wire.HEADER.size, _Meter(self._watch, start)))
            self._read(min(length, 1000), _Meter(self._watch, start))
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

    def ask(self, request: dict[str, Any], budget: Budget, what: str) -> Any:
        """Send a request and wait for the answer.

        Parameters
        ----------
        request : dict
            Plain data.
        budget : Budget
            What the answer may cost; less of it is left afterwards.
        what : str
            How to name the work in messages.

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
        meter = _Meter(self._watch, budget)
        try:
            self._write(wire.HEADER.pack(len(message)) + message, meter)
            (length,) = wire.HEADER.unpack(self._read(wire.HEADER.size, meter))
            if length > wire.MAX_BYTES:
                raise Stopped("answered with more data than was asked for")
            answer = bytes(self._read(length, meter))
            meter.settle()
            return wire.decode(answer)
        except wire.WireError as error:
            self.close()
            raise Stopped(f"{what} gave an answer that cannot be read ({error})") from None
        except Stopped as stopped:
            self.close()
            raise Stopped(f"{what} {stopped}") from None

    def _write(self, data: bytes, meter: _Meter) -> None:
        view = memoryview(data)
        while view:
            self._wait([], [self._to], meter)
            with contextlib.suppress(BlockingIOError):
                try:
                    view = view[os.write(self._to, view[: 1 << 20]) :]
                except BrokenPipeError:
                    raise self._gone() from None

    def _read(self, length: int, meter: _Meter) -> bytearray:
        data = bytearray()
        while len(data) < length:
            self._wait([self._from], [], meter)
            with contextlib.suppress(BlockingIOError):
                part = os.read(self._from, min(length - len(data), 1 << 20))
                if not part:
                    raise self._gone()
                data += part
        return data

    def _wait(self, readers: list[int], writers: list[int], meter: _Meter) -> None:
        while True:
            if self._watch.stopped:
                raise Stopped(self._watch.stopped)
            ready = select.select(readers, writers, [], 0.05)
            if ready[0] or ready[1]:
                return
            meter.check()

    def _gone(self) -> Stopped:
        return Stopped(self._watch.stopped or "ended the Python process")

    def close(self) -> None:
        """End the sandbox and all that runs in it."""
        self._watch.stop()
        for fd in (self._to, self._from):
            with contextlib.suppress(OSError):
                os.close(fd)
        self._to = self._from = -1
        _kill(self._process.pid)
        self._process.wait()
        if self._group:
            _dissolve(self._group)
        self._kept.close()

    def __enter__(self) -> Shell:
        return self

    def __exit__(self, *_: object) -> None:
        if self._to >= 0:
            self.close()


def _group(limits: Limits) -> Path | None:
    """Make a control group that bounds the number of tasks; None where that is not allowed.

    The kernel never holds root to a limit on processes by user, so where the grader is root (in a
    container, mostly) the bound has to be this one.
    """
    for base in (Path("/sys/fs/cgroup/pids"), Path("/sys/fs/cgroup")):
        for left in base.glob("labkit-*-*"):  # of a grader that was killed
            if not psutil.pid_exists(int(left.name.split("-")[1])):
                _dissolve(left, attempts=1)
        folder = base / f"labkit-{os.getpid()}-{time.monotonic_ns()}"
        try:
            folder.mkdir()
        except OSError:
            continue
        try:
            (folder / "pids.max").write_text(str(limits.tasks))
        except OSError:
            _dissolve(folder)
            continue
        return folder
    return None


def _dissolve(group: Path, attempts: int = 100) -> None:
    """Remove a control group once the last of its members is gone."""
    for _ in range(attempts):
        try:
            group.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.02)
        else:
            return


def _kill(pid: int) -> None:
    """Kill a process with all its children; those of a sandbox die with its first process."""
    family = []
    with contextlib.suppress(psutil.Error):
        family = psutil.Process(pid).children(recursive=True)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    for child in family:
        with contextlib.suppress(psutil.Error):
            child.kill()


class _Meter:
    """Holds one answer to its budget."""

    def __init__(self, watch: _Watch, budget: Budget) -> None:
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


class _Watch(threading.Thread):
    """Looks at a sandbox twenty times a second and ends it when it uses too much."""

    def __init__(self, pid: int, limits: Limits) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self.stopped = ""
        self.memory = limits.memory
        self._pid = pid
        self._processes = limits.processes
        self._end = threading.Event()
        self.start()

    def stop(self) -> None:
        self._end.set()
        self.join()

    def cpu(self) -> float:
        """Return the processor time used so far by all processes, those that ended too, s."""
        return sum(map(_cpu_seconds, _family(self._pid, self._processes + 8)))

    def run(self) -> None:
        while not self._end.wait(0.05):
            members = list(_family(self._pid, self._processes + 8))
            resident = sum(map(_resident, members))
            self.peak = max(self.peak, resident)
            if len(members) > self._processes + 3:
                self.stopped = "started too many processes and was stopped"
            elif resident > self.memory:
                used = self.memory / 1e9
                self.stopped = f"used more than {used:.1f} GB of memory and was stopped"
            if self.stopped:
                _kill(self._pid)
                return


def _family(pid: int, most: int) -> Iterator[int]:
    """Yield a process and those below it, as the kernel lists them; a few more than `most`."""
    waiting, seen = [pid], 0
    while waiting and seen <= most:
        member = waiting.pop()
        seen += 1
        yield member
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{member}/task"):
                with open(f"/proc/{member}/task/{task}/children") as children:
                    waiting += map(int, children.read().split())


def _resident(pid: int) -> int:
    """Return the memory a process has for itself, bytes: resident, less what it shares."""
    try:
        with open(f"/proc/{pid}/statm") as statm:
            _, resident, shared, *_ = map(int, statm.read().split())
    except (OSError, ValueError):
        return 0
    return (resident - shared) * os.sysconf("SC_PAGE_SIZE")


def _cpu_seconds(pid: int) -> float:
    """Return the processor time of a process and of those it has outlived, s."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            # its name, in brackets, may hold anything
            fields = stat.read().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
