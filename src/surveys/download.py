"""Fetch many files: in parallel, verified, resumable, never a broken one in its place.

parfive moves the bytes. What is added here: a file is opened and checked before it is moved, by one
rename, to where it will be looked for; what is already there is not fetched again; a failed file is
tried again, a service that is down is left alone; an error page is never taken for data.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from surveys.errors import KitError

CONNECTIONS = 4
"""Connections to one service at a time: the archives ask for no more than a few."""
_CHUNK_BYTES = 1 << 18  # parfive's own 1024 costs one write per kilobyte
_FINAL_STATUSES = (400, 401, 403, 404, 405, 410, 414)  # asking again will not help


class ArchiveError(KitError, RuntimeError):
    """An archive did not give what was asked of it; the message says which, where, what to do."""


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
    """

    attempts: int = 3
    backoff: float = 1.0
    connect: float = 15.0
    stall: float = 30.0
    give_up_after: int = 8


class Rejected(Exception):
    """A file arrived and is not what was asked for."""


@dataclass
class _Job:
    """One file on its way."""

    url: str
    target: Path
    draft: Path
    announced: int | None = None
    reason: str = "not tried: the service had stopped answering"
    final: bool = False
    trouble: OSError | None = None  # while writing


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
        not good.
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
    ledger = _Ledger(folder)
    wanted = {
        path: target
        for path, target in zip(paths, targets, strict=True)
        if not ledger.has(path, target, check)
    }
    if not wanted:
        ledger.close()
        return targets

    drafts = _draft_folder(folder)
    try:
        jobs = [
            _Job(f"{base}/{quote(path, safe='/+')}", target, drafts / f"{number:06d}")
            for number, (path, target) in enumerate(wanted.items())
        ]
        names = dict(zip((job.url for job in jobs), wanted, strict=True))

        def keep(job: _Job) -> None:
            ledger.add(names[job.url], job.draft.stat().st_size)
            job.target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(job.draft, job.target)

        missing = _fetch_with_retries(jobs, check, keep, progress, patience)
    except OSError as error:
        raise ArchiveError(
            f"Files from {service} cannot be kept in {folder} ({error.strerror or error}). "
            "Free some space, or set LABKIT_CACHE to a folder you may write to."
        ) from error
    finally:
        shutil.rmtree(drafts, ignore_errors=True)
        ledger.close()
    if missing:
        raise ArchiveError(_report(missing, len(jobs), service))
    return targets


def _target(folder: Path, path: str) -> Path:
    parts = path.split("/")
    if re.search(r"[\\:?#%\x00-\x1f]", path) or any(part in ("", ".", "..") for part in parts):
        raise ValueError(
            f"{path!r} is not a path in the archive: write it relative to the archive's address, "
            "with single forward slashes and without '..'."
        )
    return folder.joinpath(*parts)


def _draft_folder(folder: Path) -> Path:
    try:
        partial = folder / ".partial"
        partial.mkdir(parents=True, exist_ok=True)
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
        self._file = None
        if self._path.is_file():
            for line in self._path.read_text(encoding="utf-8").splitlines():
                size, _, name = line.partition("\t")
                if size.isdigit():
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


def _fetch_with_retries(jobs, check, keep, progress, patience) -> list[_Job]:
    """Fetch in rounds until all are there, or not to be had; return those missing."""
    from tqdm.auto import tqdm

    missing = list(jobs)
    with tqdm(total=len(jobs), unit="file", desc="Downloading", disable=not progress) as bar:
        for attempt in range(patience.attempts):
            if attempt:
                time.sleep(patience.backoff * 2 ** (attempt - 1))
            todo = [job for job in missing if not job.final]
            _Round(todo, check, keep, bar.update, patience).run()
            missing = [job for job in missing if job.reason]
            if all(job.final for job in missing):
                break
    return missing


class _Round:
    """One pass of parfive over the files still missing."""

    def __init__(self, jobs, check, keep, advance, patience: Patience):
        self._jobs: dict[str, _Job] = {job.url: job for job in jobs}
        self._check, self._keep, self._advance = check, keep, advance
        self._patience = patience
        self._failures = 0  # in a row
        self._settling: list[asyncio.Task] = []
        self._task: asyncio.Task | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self) -> None:
        """Run parfive in a thread with an event loop of its own.

        A notebook's main thread already runs a loop; and parfive's own `download()` takes over
        SIGINT and SIGTERM and does not give them back, after which a kernel can no longer be
        interrupted.
        """
        with ThreadPoolExecutor(1, thread_name_prefix="labkit-download") as pool:
            future = pool.submit(asyncio.run, self._main())
            try:
                future.result()
            except KeyboardInterrupt:
                with contextlib.suppress(RuntimeError):  # the loop had just ended
                    if self._loop is not None:
                        self._loop.call_soon_threadsafe(self._stop)
                raise

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        downloader = _downloader(self._patience, self._jobs, self._done)
        for job in self._jobs.values():
            downloader.enqueue_file(
                # no splits: parfive would otherwise open five connections for each file
                job.url,
                filename=_note_size_of(job),
                max_splits=0,
                chunksize=_CHUNK_BYTES,
            )
        task = self._task = asyncio.ensure_future(downloader.run_download())
        await asyncio.wait({task})
        await asyncio.gather(*self._settling)
        stopped = self._task is None  # cancelled, parfive may stumble over its own results
        if not stopped and task.exception():
            raise task.exception()

    def _stop(self) -> None:
        """Cancel what is under way, once."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()

    def _done(self, _path, url: str, error: BaseException | None) -> None:
        """Take note of a file that has come, or failed (parfive calls this in its loop)."""
        job = self._jobs[url]
        if error is None:
            self._settling.append(asyncio.ensure_future(self._settle(job)))
        elif job.trouble is not None:
            self._not_kept(job, job.trouble)
        elif not isinstance(error, asyncio.CancelledError):
            self._failed(job, *_why(error))

    async def _settle(self, job: _Job) -> None:
        for _ in range(3):  # parfive closes the file in the loop's next turns
            await asyncio.sleep(0)
        try:
            self._verify(job)
            self._keep(job)
        except Rejected as refusal:
            job.draft.unlink(missing_ok=True)
            self._failed(job, str(refusal).removeprefix(f"{job.draft}: "), False)
        except OSError as error:
            self._not_kept(job, error)
        else:
            job.reason = ""
            self._failures = 0
            self._advance(1)

    def _not_kept(self, job: _Job, error: OSError) -> None:
        self._failed(job, f"arrived and could not be kept ({error.strerror or error})", True)

    def _failed(self, job: _Job, reason: str, final: bool) -> None:
        job.reason, job.final = reason, final
        # "no such file" is an answer; the other failures, one after another, mean a dead service
        self._failures += not final
        if self._failures >= self._patience.give_up_after:
            self._stop()

    def _verify(self, job: _Job) -> None:
        if job.trouble is not None:
            raise job.trouble
        with job.draft.open("rb") as file:
            kind = text_kind(file.read(512))
        if kind:
            raise Rejected(f"the answer was {kind}, not the file")
        size = job.draft.stat().st_size
        if job.announced is not None and size != job.announced:
            raise Rejected(f"{size} bytes arrived of the {job.announced} announced")
        self._check(job.draft, job.target.name)


def _note_size_of(job: _Job) -> Callable:
    def filename(response, _url) -> Path:
        headers = response.headers if response is not None else {}
        length = headers.get("Content-Length", "")
        plain = headers.get("Content-Encoding", "identity") == "identity"
        job.announced = int(length) if plain and length.isdigit() else None
        return job.draft

    return filename


def _downloader(patience: Patience, jobs: dict[str, _Job], done: Callable):
    """Set parfive up: few connections, sane timeouts, no compression, no proxy for loopback."""
    import urllib.request

    import aiohttp
    from parfive import Downloader, SessionConfig

    class Writer(Downloader):
        """Parfive waits for ever for a writer that has died of a full disk; this one does not."""

        async def _write_worker(self, queue, file_pb, filepath):
            try:
                await super()._write_worker(queue, file_pb, filepath)
            except OSError as error:
                job = next(job for job in jobs.values() if job.draft == filepath)
                job.trouble = error
                while True:
                    queue.task_done()
                    await queue.get()

    def session(config):
        return aiohttp.ClientSession(
            headers=config.headers,
            connector=aiohttp.TCPConnector(limit=CONNECTIONS),
            requote_redirect_url=False,
        )

    config = SessionConfig(
        timeouts=aiohttp.ClientTimeout(
            total=None, sock_connect=patience.connect, sock_read=patience.stall
        ),
        aiohttp_session_generator=session,
        done_callbacks=[done],
        file_progress=False,
    )
    # uncompressed, the length announced is the length of the file
    config.headers = {**(config.headers or {}), "Accept-Encoding": "identity"}
    local = all(urlsplit(url).hostname == "127.0.0.1" for url in jobs)
    proxies = {} if local else urllib.request.getproxies()
    config.http_proxy, config.https_proxy = proxies.get("http"), proxies.get("https")
    # max_splits=1: parfive would otherwise open five connections for each file
    return Writer(max_conn=CONNECTIONS, max_splits=1, progress=False, overwrite=True, config=config)


def _why(error: object) -> tuple[str, bool]:
    """Say in words why a file did not come, and whether that is final."""
    # parfive wraps what happened, an error or an HTTP answer, up to twice
    while isinstance(error, BaseException):
        inner = getattr(error, "exception", None) or getattr(error, "response", None)
        if inner is None:
            break
        error = inner
    if isinstance(error, TimeoutError):
        return "no answer in time", False
    if isinstance(error, BaseException):
        text = str(error).strip().partition("\n")[0][:200]  # it may quote a whole file
        name = type(error).__name__
        return f"{name}: {text}" if text else name, False
    status = getattr(error, "status", None)
    reason = getattr(error, "reason", None) or ""
    return f"HTTP status {status} {reason}".strip(), status in _FINAL_STATUSES


def _report(missing: list[_Job], asked: int, service: str) -> str:
    shown = [f"  {job.url}: {job.reason}" for job in missing[:3]]
    if len(missing) > len(shown):
        shown.append(f"  ... and {len(missing) - len(shown)} more")
    if any(job.trouble or "not be kept" in job.reason for job in missing):
        advice = "Free some space, or set LABKIT_CACHE to a folder with more; then run again."
    elif all(job.final for job in missing):
        advice = "Check the paths: the service answers, and has no such files."
    else:
        advice = "What arrived is kept; run the cell again to fetch the rest."
    return "\n".join(
        [f"{len(missing)} of {asked} files did not come from {service}:", *shown, advice]
    )


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
