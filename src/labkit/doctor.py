"""Look at a machine and say what is missing and what to do about it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import psutil
from packaging.specifiers import SpecifierSet

from labkit import ROOT

MEMORY_GB = 4
DISK_GB = 6
_INSTALL = (
    "install the kit again into this environment: in a checkout `pip install -e '.[course]'`, "
    "elsewhere its wheel with the extra `course`"
)


@dataclass(frozen=True)
class Finding:
    """One thing looked at: `advice` is empty when all is well."""

    what: str
    found: str
    advice: str = ""
    #: whether the labs cannot run without it
    needed: bool = True


def pinned() -> dict[str, str]:
    """Return the packages and versions the course is pinned to, of all but the developers'."""
    pins = {}
    for requirement in metadata.requires("stellar-labs") or []:
        wanted, _, extra = requirement.partition(";")
        name, exact, version = wanted.strip().partition("==")
        if exact and not any(word in extra for word in ("dev", "cluster", "service")):
            pins[name] = version
    return pins


def examine(root: Path = ROOT) -> Iterator[Finding]:
    """Look at the environment, memory, disk, programs, data and the archive, in that order.

    Parameters
    ----------
    root : Path
        The course folder.

    Yields
    ------
    Finding
    """
    yield _python()
    yield from _packages()
    yield _memory()
    yield _disk(root)
    yield from _programs()
    yield _archive()


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    allowed = SpecifierSet(metadata.metadata("stellar-labs")["Requires-Python"])
    said = " and ".join(sorted(map(str, allowed), reverse=True))
    advice = "" if version in allowed else f"install Python {said}, and the kit with it"
    return Finding("Python", f"{version} ({said} is needed)", advice)


def _packages() -> Iterator[Finding]:
    wrong = []
    pins = pinned()
    for name, wanted in pins.items():
        try:
            found = metadata.version(name).partition("+")[0]
        except metadata.PackageNotFoundError:
            found = "missing"
        if found != wanted:
            wrong.append(f"{name} {found}, not {wanted}")
    advice = _INSTALL if wrong else ""
    yield Finding("packages", "; ".join(wrong) or f"all {len(pins)} as pinned", advice)


def _memory() -> Finding:
    free = psutil.virtual_memory().available / 1e9
    advice = "close other programs and kernels" if free < MEMORY_GB else ""
    return Finding("memory", f"{free:.1f} GB free of the {MEMORY_GB} GB wanted", advice)


def _disk(root: Path) -> Finding:
    free = shutil.disk_usage(root).free / 1e9
    advice = "free some space, or set LABKIT_CACHE to a larger disk" if free < DISK_GB else ""
    return Finding("disk", f"{free:.1f} GB free of the {DISK_GB} GB wanted", advice)


def _programs() -> Iterator[Finding]:
    beside = Path(sys.executable).parent
    for program in ("nbgrader", "alembic", "jupyter"):
        found = shutil.which(program, path=str(beside)) or shutil.which(program)
        advice = "" if found else _INSTALL
        yield Finding(program, found or "not found", advice)
    found = shutil.which("bwrap")
    how = "`apt-get install bubblewrap`"
    if sys.platform != "linux":
        how = "use Linux (WSL on Windows, a virtual machine or container on macOS)"
    advice = "" if found else f"to grade other people's notebooks: {how}"
    yield Finding("bubblewrap (the sandbox)", found or "not found", advice, needed=False)
    if found and sys.platform == "linux":
        yield _walls()
    if sys.platform == "linux":
        yield _second_wall()


def _walls() -> Finding:
    """Start a sandbox, and look at what holds its limits."""
    from labkit import sandbox
    from labkit.errors import GradingError

    try:
        missing = sandbox.missing_limits()
    except GradingError as error:
        return Finding("its walls", "it does not start", str(error), needed=False)
    found = "not all are held by the kernel" if missing else "all are held by the kernel"
    return Finding("its walls", found, missing, needed=False)


def _second_wall() -> Finding:
    """Try what can be chosen where bubblewrap does not start."""
    from labkit import sandbox
    from labkit.errors import GradingError

    what = "the second wall (grade --wall landlock)"
    try:
        sandbox.require(sandbox.LANDLOCK)
    except GradingError as error:
        return Finding(what, "does not stand", str(error), needed=False)
    return Finding(what, "would stand; holds less than bubblewrap, see SECURITY.md")


def _archive() -> Finding:
    """Ask the archive one row of its catalogue, through the client the labs use."""
    from astroquery.sdss import SDSS

    from helpers import archive

    try:
        source = archive.connect()
        answer = SDSS.query_sql("SELECT TOP 1 apogee_id FROM apogeeStar", cache=False)
    except archive.ArchiveError as error:
        return Finding("archive", "not reachable", str(error))
    star = answer["apogee_id"][0] if answer is not None else "no stars"
    return Finding("archive", f"{source.description} at {source.skyserver} answers ({star})")
