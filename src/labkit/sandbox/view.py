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
from pathlib import Path

import helpers
import surveys
from labkit import ROOT
from labkit.errors import GradingError
from labkit.sandbox.limits import Limits
from surveys.folders import cache_folder, data_folder, facts_folder, survey_folder

INSIDE = Path(__file__).with_name("inside")
#: where the kit's own things stand in the sandbox
KIT = Path("/labkit")
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
        "conda-forge bubblewrap`), or grade notebooks you trust with --unsafe."
    )


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
    size = str(limits.scratch)
    line = ["--unshare-all", "--die-with-parent", "--new-session"]
    line += ["--uid", "1000", "--gid", "1000", "--cap-drop", "ALL", "--hostname", "lab"]
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
    # last, since Python may lie in a home folder or below /tmp
    for folder in system_folders():
        line += ["--ro-bind", str(folder), str(folder), *_without_the_course(folder)]
    inside_packages = KIT / "packages"
    line += ["--ro-bind", str(packages), str(inside_packages)]
    line += _without_the_kit(packages, inside_packages)
    line += [*_library(), *_survey()]
    line += ["--ro-bind", str(INSIDE), str(KIT / "shell"), *_no_compiled(INSIDE, KIT / "shell")]
    line += ["--ro-bind", str(shared), str(shared)]
    line += ["--clearenv"]
    for name, value in _environment(inside_packages, seed).items():
        line += ["--setenv", name, value]
    return [*line, "--remount-ro", "/"]


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
        hidden = any(course.is_relative_to(path) for path in _private(folder))
        if course.is_relative_to(folder) and not hidden:
            raise GradingError(
                f"students' code may read all of {folder}, and so the hidden tests in {course}: "
                "move the course folder to some other place, such as your home folder."
            )


def _private(folder: Path) -> list[Path]:
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
    for path in _private(folder):
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
        "PYTHONPATH": f"{KIT}:{KIT / 'src'}:{packages}",
        "PYTHONHASHSEED": str(seed),
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": str(KIT / "cache" / "matplotlib"),
        "TQDM_DISABLE": "1",
        "LABKIT_DATA": str(KIT / "survey"),
        "LABKIT_CACHE": str(KIT / "cache"),
        "LABKIT_PRODUCTS": "none",
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
        "MPLBACKEND": "agg",
        "TQDM_DISABLE": "1",
        "PYTHONPATH": os.pathsep.join(
            [
                *(str(Path(package.__path__[0]).parent) for package in (helpers, surveys)),
                *site.getsitepackages(),
            ]
        ),
    }
