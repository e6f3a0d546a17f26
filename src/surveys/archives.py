"""Which archive is in use: the simulated survey, SDSS itself, or a folder."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surveys.download import ArchiveError
from surveys.folders import cache_folder, survey_folder

if TYPE_CHECKING:
    from surveys.server import ArchiveServer


SDSS_SKYSERVER = "https://skyserver.sdss.org"


SDSS_SAS = "https://data.sdss.org/sas"


@dataclass(frozen=True)
class Archive:
    """One source of spectra, and where this machine keeps what comes from it.

    Attributes
    ----------
    kind : str
        embedded, sdss or directory.
    key : str
        Name of its folder in the cache; differs when the content differs.
    skyserver, sas : str
        Base addresses of the SQL search and of the files, without a slash at the end.
    cache : Path
        Folder for what was fetched from it.
    is_simulated : bool
        Whether the stars are simulated.
    description : str
        A phrase for captions and messages.
    products : str or None
        Base address of what one lab hands to the next; None where the archive has none.
    mystery_stars : int
        How many there are for each student to have one; 0 where all share one.
    """

    kind: str
    key: str
    skyserver: str
    sas: str
    cache: Path
    is_simulated: bool
    description: str
    products: str | None = None
    mystery_stars: int = 0


def current() -> Archive:
    """Say which archive `LABKIT_ARCHIVE` chooses now, starting its server if it needs one.

    Returns
    -------
    Archive

    Raises
    ------
    ArchiveError
        When the folder is missing, or holds no survey.
    """
    choice = os.environ.get("LABKIT_ARCHIVE", "").strip() or "embedded"
    if choice == "embedded":
        return _embedded()
    if choice == "sdss":
        return Archive(
            kind="sdss",
            key="sdss-dr17",
            skyserver=SDSS_SKYSERVER,
            sas=SDSS_SAS,
            cache=cache_folder() / "sdss-dr17",
            is_simulated=False,
            description="SDSS DR17 (real observations)",
        )
    return _directory(choice)


def _embedded() -> Archive:
    build = survey_folder()
    survey = read_survey(build)
    if survey is None:
        raise ArchiveError(
            f"There is no complete simulated survey in {build}.",
            "Make it with `labkit data` (some minutes), or set LABKIT_DATA to a folder that has "
            "one in build/.",
        )
    key = _embedded_key(survey)
    address = _serve(build).address
    return Archive(
        kind="embedded",
        key=key,
        skyserver=address,
        sas=f"{address}/sas",
        cache=cache_folder() / key,
        is_simulated=True,
        description="simulated APOGEE-like survey",
        products=f"{address}/labkit/products",
        mystery_stars=count_mystery_stars(survey),
    )


def _embedded_key(survey: dict[str, Any]) -> str:
    return "-".join(["embedded", *(each[:16] for each in fingerprints_of(survey))])


def old_caches() -> list[Path]:
    """Find what was fetched from simulated surveys other than the one in `data_folder`.

    Returns
    -------
    list of Path
        Folders that nothing of this course reads again; empty while there is no survey.
    """
    survey = read_survey(survey_folder())
    if survey is None:
        return []
    found = (folder for folder in cache_folder().glob("embedded-*") if folder.is_dir())
    return sorted(folder for folder in found if folder.name != _embedded_key(survey))


def _directory(choice: str) -> Archive:
    root = Path(choice).expanduser().resolve()
    advice = "Set LABKIT_ARCHIVE to embedded, to sdss, or to a folder that holds sas/dr17/..."
    if not root.is_dir():
        raise ArchiveError(f"LABKIT_ARCHIVE is {choice!r}: there is no such folder. {advice}")
    if not (root / "sas").is_dir() and not any(root.glob("dr[0-9]*")):
        raise ArchiveError(f"LABKIT_ARCHIVE is {choice!r}: neither sas/ nor dr17/ in it. {advice}")
    survey = read_survey(root)
    simulated = survey is not None
    identity = os.fsencode(root) + "".join(fingerprints_of(survey)).encode()
    key = f"dir-{hashlib.sha256(identity).hexdigest()[:12]}"
    address = _serve(root).address
    return Archive(
        kind="directory",
        key=key,
        skyserver=address,
        sas=f"{address}/sas",
        cache=cache_folder() / key,
        is_simulated=simulated,
        description=f"{'simulated survey' if simulated else 'spectra'} in the folder {root.name}",
        mystery_stars=count_mystery_stars(survey),
    )


# The one state kept: a server can be started once per folder and process, no more.
_servers: dict[Path, ArchiveServer] = {}


_servers_lock = threading.Lock()


def _serve(root: Path) -> ArchiveServer:
    """Return this process's server for the folder, started on first use."""
    from surveys.server import ArchiveServer

    with _servers_lock:
        if root not in _servers:
            _servers[root] = ArchiveServer(root)
        return _servers[root]


def server_at(address: str) -> ArchiveServer:
    """Return the server of this process at an address."""
    return next(server for server in _servers.values() if server.address == address)


def read_survey(build: Path) -> dict[str, Any] | None:
    """Read survey.json, written last: without it the build is not complete.

    Parameters
    ----------
    build : Path
        The survey's folder.

    Returns
    -------
    dict or None
        None where there is no complete survey.
    """
    try:
        survey = json.loads((build / "survey.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return survey if isinstance(survey, dict) and survey.get("fingerprint") else None


def count_mystery_stars(survey: dict[str, Any] | None) -> int:
    """Return how many mystery stars a survey has for each student to have one; 0 if all share."""
    return int((survey or {}).get("mystery_stars", {}).get("count", 0))


def fingerprints_of(survey: dict[str, Any] | None) -> list[str]:
    """Return what identifies a survey, and students' own mystery stars if it has them."""
    parts = [survey, survey.get("mystery_stars")] if survey else []
    return [part["fingerprint"] for part in parts if part]
