"""Fetch many files: in parallel, verified, resumable, never a broken one in its place.

At most four threads at a time fetch over one `requests` session. A file is opened and checked
before it is moved, by one rename, to where it will be looked for; what is already there is not
fetched again; a failed file is tried again, a service that is down is left alone; an error page is
never taken for data.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote, urlsplit

from surveys.errors import KitError

if TYPE_CHECKING:
    import requests

CONNECTIONS = 4
"""Connections to one service at a time: the archives ask for no more than a few."""
_CHUNK_BYTES = 1 << 18
_FINAL_STATUSES = (400, 401, 403, 404, 405, 410, 414)  # asking again will not help
_DAY = 86400.0  # s


class ArchiveError(KitError, RuntimeError):
    """An archive did not give what was asked of it; the message says which, where, what to do."""


class Rejected(Exception):
    """A file arrived and is not what was asked for."""


class _NotToBeHad(Exception):
    """The service answered and will not give this file."""


@dataclass(frozen=True)
class Patience:
    """How long to wait for a service, and how often to try.

    Attributes
    ----------
    attempts : int
        Tries per file, the first included.
    backoff : float
        Seconds before the second try; doubled for each further one.
    connect : float
        Seconds to wait for a connection.
    stall : float
        Seconds to wait for the next bytes.
    give_up_after : int
        Failures in a row, with no file arriving, after which the service counts as down.
    longest_pause : float
        Seconds to pause at most when a busy service says how long (its Retry-After).
    """

    attempts: int = 3
    backoff: float = 1.0
    connect: float = 15.0
    stall: float = 30.0
    give_up_after: int = 8
    longest_pause: float = 60.0


@dataclass
class _Job:
    """One file to fetch."""

    path: str
    url: str
    target: Path
    draft: Path
    reason: str = "not tried: the service had stopped answering"  # empty once it is there
    final: bool = False


def download(
    base: str,
    paths: Sequence[str],
    folder: Path,
    *,
    check: Callable[[Path, str], None],
    service: str,
    progress: bool = True,
    patience: Patience | None = None,
) -> list[Path]:
    """Fetch base/path for each path into folder/path.

    Parameters
    ----------
    base : str
        Address without a slash at the end.
    paths : sequence of str
        Relative to it, with forward slashes.
    folder : Path
        The cache folder of this archive.
    check : function of a Path and a str
        Opens a file that has arrived, knowing the name it will have; raises `Rejected` if it is
        not good. Called in the calling thread only, one file after the other.
    service : str
        What to call the service in messages.
    progress : bool
        Show a progress bar.
    patience : Patience, optional
        Time limits and retries.

    Returns
    -------
    list of Path
        The files, in the order asked for.

    Raises
    ------
    ArchiveError
        When files are missing at the end. Those that arrived are kept.
    ValueError
        For a path that leads out of the folder.
    """
    patience = patience or Patience()
    targets = [_target(folder, path) for path in paths]
    with contextlib.closing(_Ledger(folder)) as ledger:
        wanted = {
            path: target
            for path, target in zip(paths, targets, strict=True)
            if not ledger.has(path, target, check)
        }
        if not wanted:
            return targets
        drafts = _draft_folder(folder)
        jobs = [
            _Job(path, f"{base}/{quote(path, safe='/+')}", target, drafts / f"{number:06d}")
            for number, (path, target) in enumerate(wanted.items())
        ]
        try:
            missing = _fetch_with_retries(base, jobs, check, ledger, progress, patience)
        except OSError as error:
            raise ArchiveError(
                f"Files from {service} cannot be kept in {folder} ({error.strerror or error}). "
                "Free some space, or set LABKIT_CACHE to a folder you may write to."
            ) from error
        finally:
            shutil.rmtree(drafts, ignore_errors=True)
    if missing:
        raise ArchiveError(_report(missing, len(jobs), service))
    return targets


def text_kind(head: bytes) -> str | None:
    """Name what a file's or an answer's first bytes are when they are plainly no data.

    Parameters
    ----------
    head : bytes
        Its beginning; a few hundred bytes are enough.

    Returns
    -------
    str or None
        "a web page (HTML)", "a JSON message", "nothing at all", or None when it may be data.
    """
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not start:
        return "nothing at all"
    if start.startswith(b"<"):
        return "a web page (HTML)"
    if start.startswith((b"{", b"[{")):
        return "a JSON message"
    return None


def _target(folder: Path, path: str) -> Path:
    # the first set holds what means something else in an address or in a file name of Windows
    if re.search(r'[\\:*?"<>|#%\x00-\x1f]', path) or any(
        part in ("", ".", "..") for part in path.split("/")
    ):
        raise ValueError(
            f"{path!r} is not a path in the archive: write it relative to the archive's address, "
            "with single forward slashes and without '..'."
        )
    return folder.joinpath(*path.split("/"))


def _draft_folder(folder: Path) -> Path:
    """Make a folder for this call's drafts; remove those that a killed process left behind."""
    try:
        partial = folder / ".partial"
        partial.mkdir(parents=True, exist_ok=True)
        for left in partial.iterdir():
            with contextlib.suppress(FileNotFoundError):  # another process removes it as well
                if left.stat().st_mtime < time.time() - _DAY:
                    shutil.rmtree(left, ignore_errors=True)
        return Path(tempfile.mkdtemp(dir=partial))
    except OSError as error:
        raise ArchiveError(
            f"The cache folder {folder} cannot be written to ({error.strerror}). "
            "Set LABKIT_CACHE to a folder you may write to."
        ) from error


class _Ledger:
    """Which files here have been verified, and their size: one line each, only ever added to."""

    def __init__(self, folder: Path):
        self._path = folder / ".verified"
        self._sizes: dict[str, int] = {}
        self._file: IO[str] | None = None
        if self._path.is_file():
            for line in self._path.read_text(encoding="utf-8", errors="replace").splitlines():
                size, _, name = line.partition("\t")
                if size.isdecimal():
                    self._sizes[name] = int(size)

    def has(self, name: str, target: Path, check: Callable[[Path, str], None]) -> bool:
        try:
            size = target.stat().st_size
        except OSError:
            return False
        if size == 0:
            return False
        if self._sizes.get(name) != size:  # put there by someone else, or cut short since
            try:
                check(target, target.name)
            except Rejected:
                return False
            self.add(name, size)
        return True

    def add(self, name: str, size: int) -> None:
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("a", encoding="utf-8")
        self._file.write(f"{size}\t{name}\n")
        self._file.flush()
        self._sizes[name] = size

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def _fetch_with_retries(
    base: str,
    jobs: list[_Job],
    check: Callable[[Path, str], None],
    ledger: _Ledger,
    progress: bool,
    patience: Patience,
) -> list[_Job]:
    """Fetch in rounds until all are there, or not to be had; return those missing."""
    from tqdm.auto import tqdm

    def settle(job: _Job, arrival: Future[None]) -> None:
        _settle(job, arrival, check, ledger)
        bar.update(not job.reason)

    missing = jobs
    with (
        tqdm(total=len(jobs), unit="file", desc="Downloading", disable=not progress) as bar,
        contextlib.closing(_Service(base, patience)) as connection,
    ):
        for attempt in range(patience.attempts):
            if attempt:
                time.sleep(patience.backoff * 2 ** (attempt - 1))
            connection.fetch([job for job in missing if not job.final], settle)
            missing = [job for job in missing if job.reason]
            if all(job.final for job in missing):
                break
    return missing


def _settle(
    job: _Job, arrival: Future[None], check: Callable[[Path, str], None], ledger: _Ledger
) -> None:
    """Put the file that arrived in its place, or note why there is none."""
    try:
        arrival.result()
        with job.draft.open("rb") as file:
            kind = text_kind(file.read(512))
        if kind:
            raise Rejected(f"the answer was {kind}, not the file")
        check(job.draft, job.target.name)
        size = job.draft.stat().st_size
        job.target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(job.draft, job.target)
        ledger.add(job.path, size)
    except (Rejected, _NotToBeHad) as refusal:
        job.reason, job.final = str(refusal), isinstance(refusal, _NotToBeHad)
    except PermissionError as error:  # on Windows also while another program has the file open
        job.reason = f"arrived and could not be put into {job.target.parent} ({error.strerror})"
    else:
        job.reason = ""


class _Service:
    """Fetches from one service, in up to four threads, and pauses when it asks for that."""

    def __init__(self, base: str, patience: Patience):
        import requests

        self._patience = patience
        self._session = requests.Session()
        # uncompressed, the length announced is the length of the file
        self._session.headers["Accept-Encoding"] = "identity"
        # no proxy for this machine's own addresses
        local = urlsplit(base).hostname in ("127.0.0.1", "localhost", "::1")
        self._session.trust_env = not local
        self._running: dict[Future[None], _Job] = {}
        self._closed = threading.Event()
        self._resume = 0.0  # on the clock of time.monotonic

    def fetch(self, jobs: Sequence[_Job], settle: Callable[[_Job, Future[None]], None]) -> None:
        """Fetch each job's draft, four at a time; after too many failures in a row, no more."""
        waiting = iter(jobs)
        failures = 0
        self._start(islice(waiting, CONNECTIONS))
        while self._running:
            # on Windows only a wait with a time limit can be interrupted
            done, _ = wait(self._running, timeout=0.2, return_when=FIRST_COMPLETED)
            for arrival in done:
                job = self._running.pop(arrival)
                if failures < self._patience.give_up_after:
                    self._start(islice(waiting, 1))
                settle(job, arrival)
                # "no such file" is an answer and does not count
                failures = failures + (not job.final) if job.reason else 0

    def _start(self, jobs: Iterable[_Job]) -> None:
        for job in jobs:
            self._running[_in_thread(self._get, job.url, job.draft)] = job

    def _get(self, url: str, draft: Path) -> None:
        """Write what is at an address to a file (in a thread)."""
        import requests

        limits = (self._patience.connect, self._patience.stall)
        self._closed.wait(max(0.0, self._resume - time.monotonic()))
        if self._closed.is_set():
            return
        try:
            with self._session.get(url, stream=True, timeout=limits) as answer:
                if answer.status_code >= 400:
                    self._refused(answer)
                with draft.open("wb") as file:
                    for chunk in answer.iter_content(_CHUNK_BYTES):
                        if self._closed.is_set():
                            return
                        file.write(chunk)
        except requests.RequestException as error:
            raise Rejected(_why(error)) from error

    def _refused(self, answer: requests.Response) -> NoReturn:
        from urllib3 import Retry
        from urllib3.exceptions import InvalidHeader

        status = answer.status_code
        said = f"HTTP status {status} {answer.reason or ''}".strip()
        if status in (404, 410):
            said += ": there is no such file at this address; it has moved, or is misspelt"
        if status in _FINAL_STATUSES:
            raise _NotToBeHad(said)
        with contextlib.suppress(InvalidHeader):
            asked = Retry().parse_retry_after(answer.headers.get("Retry-After", "0"))
            pause = min(asked, self._patience.longest_pause)
            self._resume = max(self._resume, time.monotonic() + pause)
        raise Rejected(said)

    def close(self) -> None:
        """Stop: a thread that still waits for a silent service ends at its time limit."""
        self._closed.set()
        wait(self._running, timeout=0.5)  # where bytes flow, threads end and close their drafts
        self._session.close()


def _in_thread(work: Callable[..., None], *arguments: Any) -> Future[None]:
    """Call a function in a thread of its own; the interpreter can end before the thread does.

    It would wait for the threads of a ThreadPoolExecutor: after Ctrl-C, as long as a silent service
    is given to answer.
    """
    outcome: Future[None] = Future()

    def run() -> None:
        try:
            work(*arguments)
            outcome.set_result(None)
        except BaseException as error:  # noqa: BLE001 - raised again by outcome.result()
            outcome.set_exception(error)

    threading.Thread(target=run, name="labkit-download", daemon=True).start()
    return outcome


def _why(error: BaseException) -> str:
    """Say in words why a file did not come."""
    from urllib3.exceptions import IncompleteRead, NewConnectionError

    chain = [error]  # requests wraps what happened up to three times
    while cause := chain[-1].__cause__ or chain[-1].__context__:
        chain.append(cause)
    root = chain[-1]
    if isinstance(root, TimeoutError):
        return "no answer in time"
    if isinstance(root, IncompleteRead):
        return f"{root.partial} bytes arrived of the {root.partial + root.expected} announced"
    if any(isinstance(error, NewConnectionError) for error in chain):
        return f"Cannot connect ({root})"
    return f"{type(root).__name__}: {root}".partition("\n")[0][:200]


def _report(missing: list[_Job], asked: int, service: str) -> str:
    shown = [f"  {job.url}: {job.reason}" for job in missing[:3]]
    if len(missing) > len(shown):
        shown.append(f"  ... and {len(missing) - len(shown)} more")
    if all(job.final for job in missing):
        advice = "Check the paths: the service answers, and does not give these files."
    else:
        advice = "What arrived is kept; run the cell again to fetch the rest."
    return "\n".join(
        [f"{len(missing)} of {asked} files did not come from {service}:", *shown, advice]
    )
