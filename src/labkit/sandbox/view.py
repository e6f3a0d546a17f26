"""What the sandbox sees: bubblewrap's options and the environment of the process in it.

In its file system there is Python with its packages; of the kit `helpers`, `surveys`, the tables of
facts, the served survey and the cache of downloads; all read-only; and a scratch folder of limited
size. There is no network but its own loopback. The simulator, the grader and the truth are not
there.
"""

from __future__ import annotations

import os
import shutil
import site
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path

import helpers
import surveys
from labkit import ROOT
from labkit.errors import GradingError
from labkit.sandbox import landlock
from labkit.sandbox.limits import Limits
from surveys.folders import cache_folder, data_folder, facts_folder, survey_folder
from surveys.students import INSTRUCTOR

INSIDE = Path(__file__).with_name("inside")
#: where the kit's own things stand in the sandbox
KIT = Path("/labkit")
HOME = Path("/home/student")
#: of the survey; what else may lie beside it stays outside
SERVED = ("catalogue.sqlite", "products", "sas", "survey.json")
#: what an installed kit keeps among the packages: its other rooms, and where it lies
INSTALLED = (
    "labkit",
    "skysim",
    "stellar_labs-*",
    "stellar_labs.egg-info",
    "__editable__*stellar_labs*",
    "__pycache__/__editable__*stellar_labs*",
)


def require_linux(without_sandbox: bool = False) -> None:
    """Refuse to grade on a system that cannot, and say where it can be done.

    Parameters
    ----------
    without_sandbox : bool
        Whether students' code runs elsewhere (on a cluster) or unprotected.

    Raises
    ------
    GradingError
        On Windows, which cannot start the grader's processes; elsewhere but on Linux, if the
        sandbox is needed.
    """
    if sys.platform == "win32":
        raise GradingError(
            "Grading needs Linux: its sandbox, bubblewrap, does not run on Windows.",
            "Run labkit in WSL, the Windows Subsystem for Linux. The labs and the checks in a "
            "notebook need none of it.",
        )
    if sys.platform != "linux" and not without_sandbox:
        raise GradingError(
            "Grading needs Linux: its sandbox, bubblewrap, runs on no other system.",
            "Run labkit in a Linux virtual machine or container; a notebook of your own can be "
            "graded here with --unsafe.",
        )


def require_bubblewrap() -> str:
    """Return the path of bubblewrap, or say how to get it.

    Raises
    ------
    GradingError
    """
    require_linux()
    if found := shutil.which("bwrap"):
        return found
    raise GradingError(
        "bubblewrap is not installed, and without it students' code could read your files and the "
        "hidden tests. Install it (`apt-get install bubblewrap`; conda: `conda install -c "
        "conda-forge bubblewrap`), or grade notebooks you trust with --unsafe.",
        other_wall(),
    )


def other_wall() -> str:
    """Say what can be chosen where bubblewrap does not start; "" if that does not work either."""
    if landlock.lacking():
        return ""
    return (
        "Or choose the second wall, `--wall landlock`, which needs no namespaces: SECURITY.md says "
        "what it holds less than bubblewrap."
    )


def walls(shared: Path, limits: Limits, small: Mapping[str, str] | None = None) -> list[str]:
    """Return bubblewrap's options for the file system of a sandbox, but for `/proc`.

    Parameters
    ----------
    shared : Path
        The folder of files that tests hand to the work, visible read-only at the same path.
    limits : Limits
    small : dict of str to str, optional
        For each of the `small_files` the number of an open file that holds it.

    Returns
    -------
    list of str
    """
    packages = Path(sysconfig.get_path("purelib"))
    size = ["--perms", "1777", "--size", str(limits.scratch)]
    line = [*programs(), *_devices(), "--dir", "/proc"]
    for path in ("/etc/fonts", "/etc/ld.so.cache", "/etc/localtime", "/etc/alternatives"):
        line += ["--ro-bind-try", path, path]
    for place, number in (small or {}).items():
        line += ["--perms", "0644", "--ro-bind-data", number, place]
    for place in ("/dev/shm", "/tmp", str(HOME)):
        line += [*size, "--tmpfs", place]
    # last, since Python may lie in a home folder or below /tmp
    for folder in system_folders():
        line += ["--ro-bind", str(folder), str(folder), *_without_the_course(folder)]
    inside_packages = KIT / "packages"
    line += ["--ro-bind", str(packages), str(inside_packages)]
    line += _without_the_kit(packages, inside_packages)
    line += [*_library(), *_survey()]
    line += ["--ro-bind", str(INSIDE), str(KIT / "shell"), *_no_compiled(INSIDE, KIT / "shell")]
    line += ["--ro-bind", str(shared), str(shared)]
    return with_parents([*line, "--remount-ro", "/"])


def programs() -> list[str]:
    """Return the options that bring the system's programs and libraries."""
    line = []
    for name in ("bin", "lib", "lib32", "lib64", "sbin"):
        if os.path.islink(f"/{name}"):
            line += ["--symlink", os.readlink(f"/{name}"), f"/{name}"]
        else:
            line += ["--ro-bind-try", f"/{name}", f"/{name}"]
    return line


def _devices() -> list[str]:
    """Return the options for `/dev`: no terminal, which a notebook does not have either."""
    line = ["--dir", "/dev"]
    for name in ("null", "zero", "full", "random", "urandom"):
        line += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
    for name, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        line += ["--symlink", f"/proc/self/fd{target}", f"/dev/{name}"]
    return line


def small_files(uid: int, cores: int) -> dict[str, str]:
    """Return the files that programs look for on every system, by their place.

    Parameters
    ----------
    uid : int
        The user's number in the sandbox.
    cores : int
        Of the processor, as many as programs are to count.

    Returns
    -------
    dict of str to str
    """
    numbers = f"0-{cores - 1}\n" if cores > 1 else "0\n"
    users = ("root:x:0:0::/:/bin/false", f"student:x:{uid}:{uid}::/home/student:/bin/sh")
    return {
        "/etc/passwd": "".join(f"{user}\n" for user in users),
        "/etc/group": f"root:x:0:\nstudent:x:{uid}:\n",
        "/etc/hosts": "127.0.0.1 localhost lab\n::1 localhost lab\n",
        "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
        # what the C library counts for os.cpu_count, and so for a pool of processes
        "/sys/devices/system/cpu/online": numbers,
        "/sys/devices/system/cpu/possible": numbers,
    }


#: options of bubblewrap that make something in the file system, and how many words follow them
MAKES = {
    "--bind": 2,
    "--dev-bind": 2,
    "--dev-bind-try": 2,
    "--dir": 1,
    "--ro-bind": 2,
    "--ro-bind-data": 2,
    "--ro-bind-try": 2,
    "--symlink": 2,
    "--tmpfs": 1,
}


def made(line: list[str]) -> Iterator[tuple[int, str, str]]:
    """Yield where in a list of options something is made, by which, and its place."""
    position = 0
    while position < len(line):
        words = MAKES.get(line[position], 0)
        if words:
            yield position, line[position], line[position + words]
        position += 1 + words


def with_parents(line: list[str]) -> list[str]:
    """Make the folders on the way to each place; bubblewrap's own are closed to other users."""
    whole: list[str] = []
    done = 0
    known: set[Path] = set()
    for position, option, place in made(line):
        while position > done and line[position - 2] in ("--perms", "--size"):
            position -= 2  # these two belong to what follows
        whole += line[done:position]
        done = position
        for folder in reversed(Path(place).parents[:-1]):
            if folder not in known:
                whole += ["--dir", str(folder)]
                known.add(folder)
        if option == "--tmpfs":
            known = {folder for folder in known if not folder.is_relative_to(place)}
    return whole + line[done:]


def outermost(line: list[str]) -> list[str]:
    """Return the options that show a file system made by `line` as it is, once more."""
    tops = {f"/{Path(place).parts[1]}" for _, option, place in made(line) if option != "--symlink"}
    # programs' own folders may be links, or not be there; /proc is made anew
    rest = sorted(tops - {"/bin", "/lib", "/lib32", "/lib64", "/sbin", "/proc"})
    return [*programs(), *(word for top in rest for word in ("--dev-bind", top, top))]


def within(seed: int) -> list[str]:
    """Return the options for `/proc`, the working folder and the environment.

    Parameters
    ----------
    seed : int
        Of Python's hashes.

    Returns
    -------
    list of str
    """
    # bubblewrap leaves parts of it writable for the owner of the machine
    line = ["--proc", "/proc", "--remount-ro", "/proc", "--chdir", str(HOME), "--clearenv"]
    for name, value in environment(KIT, HOME, seed).items():
        line += ["--setenv", name, value]
    return line


def start_numbers(fds: tuple[int, int], seed: int, limits: Limits, processes: int) -> list[str]:
    """Return what student.py is started with."""
    most = (3 * limits.memory, processes, limits.scratch, int(limits.lab_seconds))
    return [str(number) for number in (*fds, seed, *most)]


def _hidden(path: Path, inside: Path) -> list[str]:
    if path.is_dir():
        return ["--tmpfs", str(inside), "--remount-ro", str(inside)]
    return ["--ro-bind", "/dev/null", str(inside)]


def system_folders() -> list[Path]:
    """Return the folders that the sandbox sees whole: the system's programs, and Python."""
    usr, python = Path("/usr"), Path(sys.base_prefix)
    return [usr] if python.is_relative_to(usr) else [usr, python]


def require_out_of_sight(course: Path) -> None:
    """Refuse a course folder that lies where students' code can read everything.

    The course and the data in use are hidden wherever they are; this is about any other.

    Raises
    ------
    GradingError
    """
    for folder in system_folders():
        hidden = any(course.is_relative_to(path) for path in private(folder))
        if course.is_relative_to(folder) and not hidden:
            raise GradingError(
                f"students' code may read all of {folder}, and so the hidden tests in {course}: "
                "move the course folder to some other place, such as your home folder."
            )


def private(folder: Path) -> list[Path]:
    """Return what lies in a folder of the course, its data and its downloads."""
    found: list[Path] = []
    for path in (ROOT.resolve(), data_folder().resolve(), cache_folder().resolve()):
        within = any(path.is_relative_to(outer) for outer in found)
        if path.is_dir() and folder in path.parents and not within:
            found.append(path)
    return found


def _without_the_course(folder: Path) -> list[str]:
    """Hide what a folder of the system holds of the course, its data, and an installed kit."""
    line = []
    for path in private(folder):
        line += _hidden(path, path)
    for lib in ("lib*", "local/lib*"):
        for packages in sorted(folder.glob(f"{lib}/python3*/*-packages")):
            line += _without_the_kit(packages, packages)
    return line


def _without_the_kit(packages: Path, inside: Path) -> list[str]:
    """Hide what a folder of packages, seen at `inside`, holds of an installed kit."""
    line = []
    for pattern in INSTALLED:
        for path in sorted(packages.glob(pattern)):
            place = inside / path.relative_to(packages)
            importable = (path / "__init__.py").is_file()
            line += _no_package(place) if importable else _hidden(path, place)
    return line


def _no_package(inside: Path) -> list[str]:
    """Put in a package's place one that refuses; an empty folder would be imported."""
    refuses = ["--symlink", str(KIT / "shell" / "absent.py"), str(inside / "__init__.py")]
    return ["--tmpfs", str(inside), *refuses, "--remount-ro", str(inside)]


def _no_compiled(folder: Path, inside: Path) -> list[str]:
    """Hide compiled files: they name the folder they were compiled in."""
    line = []
    for path in sorted(folder.rglob("__pycache__")):
        line += _hidden(path, inside / path.relative_to(folder))
    return line


def _library() -> list[str]:
    """Bind `helpers`, `surveys` and the tables of facts, laid out as in a checkout."""
    line = []
    for package, place in ((helpers, KIT / "helpers"), (surveys, KIT / "src" / "surveys")):
        folder = Path(package.__path__[0]).resolve()
        line += ["--ro-bind", str(folder), str(place), *_no_compiled(folder, place)]
    for table in sorted(facts_folder().glob("*.csv")):
        line += ["--ro-bind", str(table), str(KIT / "data" / table.name)]
    return line


def _survey() -> list[str]:
    """Bind the served survey and what was downloaded from it."""
    line = []
    for name in SERVED:
        path = survey_folder() / name
        if path.exists():
            line += ["--ro-bind", str(path), str(KIT / "survey" / "build" / name)]
    open_to_all = ["--perms", "1777"]
    line += [*open_to_all, "--size", "300000000", "--tmpfs", str(KIT / "cache")]
    for archive in sorted(cache_folder().glob("*")):
        if archive.is_dir():
            line += [*open_to_all, "--dir", str(KIT / "cache" / archive.name)]
        for name in ("sas", "products"):
            if (archive / name).is_dir():
                there = KIT / "cache" / archive.name / name
                line += ["--ro-bind", str(archive / name), str(there)]
    return line


def environment(kit: Path, home: Path, seed: int) -> dict[str, str]:
    """Return the environment of a process in a sandbox.

    Parameters
    ----------
    kit, home : Path
        Where the kit's things and the student's stand there.
    seed : int
        Of Python's hashes.

    Returns
    -------
    dict of str to str
    """
    one_thread = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA")
    return {
        "HOME": str(home),
        "USER": "student",
        "LOGNAME": "student",
        "PATH": f"{Path(sys.executable).resolve().parent}:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "PYTHONPATH": f"{kit}:{kit / 'src'}:{kit / 'packages'}",
        "PYTHONHASHSEED": str(seed),
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": str(kit / "cache" / "matplotlib"),
        "TQDM_DISABLE": "1",
        "LABKIT_DATA": str(kit / "survey"),
        "LABKIT_CACHE": str(kit / "cache"),
        "LABKIT_PRODUCTS": "none",
        "LABKIT_STUDENT": INSTRUCTOR,
        # the same arithmetic whatever else the machine is doing
        **{f"{library}_NUM_THREADS": "1" for library in one_thread},
    }


def unsafe_command(fds: tuple[int, int], seed: int, limits: Limits) -> list[str]:
    """Return the command line of the same process without a sandbox."""
    # no bound on processes: they would be counted with all others of the instructor's
    numbers = start_numbers(fds, seed, limits, 100_000)
    return [sys.executable, "-B", str(INSIDE / "student.py"), *numbers]


def unsafe_environment(seed: int) -> dict[str, str]:
    """Return the environment of the same process without a sandbox."""
    return {
        **os.environ,
        "PYTHONHASHSEED": str(seed),
        "LABKIT_PRODUCTS": "none",
        "LABKIT_STUDENT": INSTRUCTOR,
        "MPLBACKEND": "agg",
        "TQDM_DISABLE": "1",
        "PYTHONPATH": os.pathsep.join(
            [
                *(str(Path(package.__path__[0]).parent) for package in (helpers, surveys)),
                *site.getsitepackages(),
            ]
        ),
    }
