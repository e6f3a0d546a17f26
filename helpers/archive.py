"""Where the spectra come from: the simulated survey, SDSS itself, or a folder.

`LABKIT_ARCHIVE` chooses: `embedded` (the default: a simulated survey, served on this machine),
`sdss` (the real archive) or a directory laid out like the SDSS Science Archive Server. Nothing but
the addresses differs, so the same notebook runs on all three:

    from helpers import archive
    from astroquery.sdss import SDSS

    archive.connect()
    table = SDSS.query_sql("SELECT TOP 10 * FROM apogeeStar")
    files = archive.fetch([...])
"""

from __future__ import annotations

import hashlib
import html
import json
import os
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.apogee import ApogeeFileError, check_fits
from helpers.download import ArchiveError, Patience, Rejected, download, text_kind

if TYPE_CHECKING:
    from helpers.server import ArchiveServer

__all__ = [
    "Archive",
    "ArchiveError",
    "Patience",
    "allstar_path",
    "connect",
    "current",
    "fetch",
    "product",
]

SDSS_SKYSERVER = "https://skyserver.sdss.org"
SDSS_SAS = "https://data.sdss.org/sas"
ALLSTAR = "dr17/apogee/spectro/aspcap/dr17/synspec_rev1/allStar-dr17-synspec_rev1.fits"
QUERY_SECONDS = 60
"""How long to wait for SkyServer's next bytes; it is astroquery's own value."""
RETRY_SECONDS = 0.5
"""Wait before the second retry of a query, doubled for each further one."""

_SPECTRUM_NAME = re.compile(r"(apStar|aspcapStar|asStar|apStarC|aspcapStarC)-.*\.fits")


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
    """

    kind: str
    key: str
    skyserver: str
    sas: str
    cache: Path
    is_simulated: bool
    description: str
    products: str | None = None


def current() -> Archive:
    """Say which archive `LABKIT_ARCHIVE` chooses now, starting its server if it needs one.

    Returns
    -------
    Archive
        The embedded survey is built first when it is missing (some minutes).

    Raises
    ------
    ArchiveError
        When the folder is missing or holds no survey, or the survey cannot be built.
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


def cache_folder() -> Path:
    """Return the folder in which downloads are kept: `LABKIT_CACHE`, or one in the home folder."""
    chosen = os.environ.get("LABKIT_CACHE", "").strip()
    return Path(chosen).expanduser().resolve() if chosen else Path.home() / ".cache" / "labkit"


def data_folder() -> Path:
    """Return the folder of the survey: `LABKIT_DATA`, or the course's own `data`."""
    chosen = os.environ.get("LABKIT_DATA", "").strip()
    data = Path(chosen).expanduser() if chosen else Path(__file__).resolve().parent.parent / "data"
    return data.resolve()


def _embedded() -> Archive:
    build = data_folder() / "build"
    key = _embedded_key(_ensure_built(build))
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
    )


def _embedded_key(survey: dict) -> str:
    return f"embedded-{survey['fingerprint'][:16]}"


def old_caches() -> list[Path]:
    """Find what was fetched from simulated surveys other than the one in `data_folder`.

    Returns
    -------
    list of Path
        Folders that nothing of this course reads again; empty while there is no survey.
    """
    survey = _survey(data_folder() / "build")
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
    survey = _survey(root)
    simulated = survey is not None
    identity = os.fsencode(root) + (survey["fingerprint"].encode() if survey else b"")
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
    )


# ---------------------------------------------------------------- the embedded survey

# The one state kept: a server can be started once per folder and process, no more.
_servers: dict[Path, ArchiveServer] = {}
_servers_lock = threading.Lock()
_checked: set[Path] = set()


def _serve(root: Path) -> ArchiveServer:
    """Return this process's server for the folder, started on first use."""
    from helpers.server import ArchiveServer

    with _servers_lock:
        if root not in _servers:
            _servers[root] = ArchiveServer(root)
        return _servers[root]


def _server_at(address: str) -> ArchiveServer:
    return next(server for server in _servers.values() if server.address == address)


def _survey(build: Path) -> dict | None:
    """Read survey.json, written last: without it the build is not complete."""
    try:
        survey = json.loads((build / "survey.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return survey if isinstance(survey, dict) and survey.get("fingerprint") else None


def _ensure_built(build: Path) -> dict:
    """Return the description of a complete build, made or renewed if need be."""
    survey = _survey(build)
    if survey is not None and build in _checked:
        return survey
    from helpers.mock import survey as mock

    if survey is None or not mock.is_current(build):
        if _writable(build.parent):  # the new build is made beside the old one
            survey = _build_alone(build, mock)
        elif survey is None:
            raise ArchiveError(
                f"The simulated survey is not in {build}, and this folder cannot be written to. "
                "Run `labkit data` where it can, or set LABKIT_DATA to a data folder of your own."
            )
    _checked.add(build)
    return survey


def _writable(folder: Path) -> bool:
    while not folder.exists():
        folder = folder.parent
    return os.access(folder, os.W_OK | os.X_OK)


def _build_alone(build: Path, mock) -> dict:
    """Build the survey while no other kernel does."""
    from filelock import FileLock

    try:
        build.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(build.parent / ".build.lock"):
            if _survey(build) is None or not mock.is_current(build):  # else another kernel has
                mock.build(build)
            survey = _survey(build)
    except OSError as error:
        raise ArchiveError(
            f"The simulated survey could not be built in {build} ({error}). Run `labkit data`, "
            "or set LABKIT_DATA to a data folder you may write to."
        ) from error
    if survey is None:
        raise ArchiveError(f"The simulated survey in {build} is not complete. Run `labkit data`.")
    return survey


# ---------------------------------------------------------------- SQL through astroquery


def connect() -> Archive:
    """Point `astroquery.sdss` at the current archive.

    Only astroquery's own settings change (addresses, time limit, where it keeps its answers), and
    its connection learns to try again when the service is busy and to refuse an error page instead
    of reading it as a table.

    Returns
    -------
    Archive
        The archive it is connected to.

    Raises
    ------
    ArchiveError
        See `current`. Later, a query that fails raises it too, with the service's own message.
    """
    from astroquery.sdss import SDSS, conf

    archive = current()
    conf.skyserver_baseurl = archive.skyserver
    conf.sas_baseurl = archive.sas
    conf.timeout = QUERY_SECONDS
    if archive.kind == "sdss":
        SDSS.cache_location = archive.cache / "queries"
    else:  # a new build must not be answered from the old one's cache
        SDSS.cache_location = _server_at(archive.skyserver).scratch / f"queries-{archive.key}"
    session = SDSS._session  # the client's own; it has no setting for retries
    adapter = _patient_adapter(f"SkyServer ({archive.description})")
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    if _refuse_error_page not in session.hooks["response"]:
        session.hooks["response"].insert(0, _refuse_error_page)
    return archive


def _patient_adapter(service: str):
    """Make a transport that tries again when a service is busy, and gives up with a clear word."""
    import requests
    from astroquery.sdss import conf
    from requests.adapters import HTTPAdapter
    from urllib3 import Retry

    class PatientAdapter(HTTPAdapter):
        def send(self, request, *, timeout=None, proxies=None, **kwargs):
            local = request.url.startswith("http://127.0.0.1:")
            try:
                # astroquery binds its default time limit on import: the setting would do nothing
                return super().send(
                    request, timeout=conf.timeout, proxies={} if local else proxies, **kwargs
                )
            except requests.RequestException as error:
                raise ArchiveError(
                    f"{service} did not answer at {_address(request.url)}: {_cause(error)}. "
                    "Check the network, wait a little and run the cell again."
                ) from error

    # 500 is missing on purpose: SkyServer answers a query it cannot run with it
    retry = Retry(
        total=4,
        connect=3,
        read=2,
        status=4,
        backoff_factor=RETRY_SECONDS,
        status_forcelist=(429, 502, 503, 504),
        raise_on_status=False,
        respect_retry_after_header=False,
    )
    return PatientAdapter(max_retries=retry)


def _refuse_error_page(response, *_args, **kwargs) -> None:
    """Raise ArchiveError for an answer that is no table (a response hook of requests).

    It acts before astroquery sees the answer, so that an error is neither parsed nor cached.
    """
    import requests

    if response.is_redirect or kwargs.get("stream"):
        return
    address = _address(response.url)
    try:
        body = response.content
    except requests.RequestException as error:
        raise ArchiveError(
            f"The answer from {address} broke off midway: {_cause(error)}. Run the cell again."
        ) from error
    said = _sql_complaint(body)
    if said:
        raise ArchiveError(
            f"SkyServer at {address} could not run the query: {said} "
            "Correct the query and run the cell again."
        )
    kind = text_kind(body[:512])
    if kind or response.status_code >= 400:
        raise ArchiveError(
            f"SkyServer at {address} answered with {kind or 'an error'} "
            f"(HTTP status {response.status_code}) instead of a table: it is probably down or "
            "busy. Wait a little and run the cell again."
        )


def _sql_complaint(body: bytes) -> str | None:
    """Find what SkyServer says about a query, in the three shapes it has for it."""
    text = body[:20_000].decode("utf-8", "replace").strip()
    if text.startswith("{"):
        try:
            message = json.loads(text)
        except ValueError:
            return None
        return next((str(message[key]) for key in _MESSAGE_KEYS if message.get(key)), None)
    if "<title>Skyserver Error</title>" in text:
        plain = html.unescape(re.sub(r"<[^>]*>", " ", text.partition("<body")[2].partition(">")[2]))
        return " ".join(plain.replace("An error occured", "").split()) or None
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    if lines and lines[0].strip('"').lower().startswith("error_message"):
        return " ".join(lines[1:]).strip('"') or None
    return None


_MESSAGE_KEYS = ("ErrorMessage", "Error Message", "Message")


def _address(url: str) -> str:
    return url.partition("?")[0]


def _cause(error: BaseException) -> str:
    reason = getattr(error.args[0] if error.args else None, "reason", None) or error
    return str(reason).rpartition(": ")[2] or type(error).__name__


# ---------------------------------------------------------------- files


def allstar_path() -> str:
    """Return the SAS path of the catalogue of all stars as one FITS table."""
    return ALLSTAR


def fetch(
    paths: Sequence[str], *, progress: bool = True, patience: Patience | None = None
) -> list[Path]:
    """Fetch files of the archive, and give their places on this machine.

    What was fetched before is not fetched again, so after a failure the same call resumes.

    Parameters
    ----------
    paths : sequence of str
        Below the archive's sas/, such as "dr17/apogee/spectro/redux/dr17/stars/...".
    progress : bool
        Show a progress bar.
    patience : Patience, optional
        Time limits and retries; the default suits SDSS.

    Returns
    -------
    list of Path
        Verified FITS files, in the order asked for.

    Raises
    ------
    ArchiveError
        When files are missing at the end: which, why, and what to do. The others are kept.
    ValueError
        When a path is not one (say with ".." in it).
    """
    if isinstance(paths, str):
        raise TypeError("fetch takes a list of paths; for a single one write fetch([path]).")
    archive = current()
    return download(
        archive.sas,
        [str(path) for path in paths],
        archive.cache / "sas",
        check=_check_file,
        service=f"the science archive ({archive.description})",
        progress=progress,
        patience=patience,
    )


def _check_file(path: Path, name: str) -> None:
    try:
        check_fits(path, spectrum=_SPECTRUM_NAME.fullmatch(name) is not None)
    except ApogeeFileError as error:
        raise Rejected(str(error).removeprefix(f"{path}: ")) from error


def product(name: str, *, suffix: str = ".npz", patience: Patience | None = None) -> Path:
    """Fetch what an earlier lab would have made, as the simulated survey ships it.

    Parameters
    ----------
    name : str
        Without its suffix, such as "01_apogee".
    suffix : str
        ".npz", or ".iso" for isochrones.
    patience : Patience, optional
        Time limits and retries.

    Returns
    -------
    Path
        An npz file of plain arrays, or a text file of isochrones.

    Raises
    ------
    ArchiveError
        When the archive has no products (SDSS has none: do the earlier lab first) or not this one.
    """
    archive = current()
    if archive.products is None:
        raise ArchiveError(
            f"{archive.description} has no ready-made {name!r}: do the earlier lab first, on the "
            "same archive, and it will be found."
        )
    if not re.fullmatch(r"[A-Za-z0-9]\w*", name):
        raise ValueError(f"{name!r} is not the name of a product: letters, digits and _ only.")
    return download(
        archive.products,
        [name + suffix],
        archive.cache / ("products" if suffix == ".npz" else "isochrones"),
        check=_check_npz if suffix == ".npz" else _check_iso,
        service=f"the products of the {archive.description}",
        progress=False,
        patience=patience,
    )[0]


def _check_npz(path: Path, _name: str) -> None:
    import zipfile

    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as arrays:
            for name in arrays.files:
                arrays[name]  # reads it, which checks its checksum
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise Rejected(f"not a complete npz file of plain arrays ({error})") from error


def _check_iso(path: Path, _name: str) -> None:
    from helpers.isochrones import IsochroneError, read

    try:
        read(path)
    except IsochroneError as error:
        raise Rejected(str(error)) from error
