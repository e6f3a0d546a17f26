"""A small archive on this machine: SDSS's addresses, answered from a folder.

The server listens on 127.0.0.1 only, in a daemon thread of the process that starts it, and answers

- `/sas/dr17/...`  files of the Science Archive Server, read-only. Spectra may lie gzipped on the
  disk: they are served under their plain name; LAMOST's are made on request from stacks;
- `/dr17/en/tools/search/x_results.aspx` and `/DR17/SkyServerWS/SearchTools/SqlSearch`  SkyServer's
  SQL search over an SQLite catalogue, CSV out. The first is the address astroquery uses, the
  second the documented one, and each reports a failed query in the shape SkyServer gives it there:
  an HTML page with status 200, and a JSON message with status 400 or 500;
- `/labkit/products/<name>.npz`, `.iso`  what one lab hands to the next, and isochrones.

Whoever asks, files are only read, only from below the folder, and only FITS files and products.
"""

from __future__ import annotations

import gzip
import html
import json
import os
import re
import tempfile
import threading
import weakref
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from surveys.folder_catalogue import CatalogueError, make_catalogue
from surveys.lamost_files import stacked_file
from surveys.sql import MAX_ROWS, SQL_SECONDS, run_sql
from surveys.tsql_functions import SqlError

SERVED_SUFFIXES = (".fits", ".fits.gz")
_SQL_PAGE = re.compile(r"/dr\d+/en/tools/search/x_(?:sql|results)\.aspx?", re.IGNORECASE)
_SQL_SERVICE = re.compile(r"/dr\d+/skyserverws/searchtools/sqlsearch", re.IGNORECASE)
_PRODUCT = re.compile(r"/labkit/products/([A-Za-z0-9]\w*)(\.npz|\.iso)")


@lru_cache(maxsize=8)
def _unzipped(path: Path, _mtime_ns: int) -> bytes:
    """Return a gzipped file's content; kept a while, as a HEAD is often followed by its GET."""
    with gzip.open(path) as file:
        return file.read()


class _Handler(BaseHTTPRequestHandler):
    server: _HTTPServer
    server_version = "labkit-archive"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout = 120  # of an idle connection, s
    disable_nagle_algorithm = True
    wbufsize = 1 << 16

    def log_message(self, format: str, *args: Any) -> None:  # the names are http.server's
        """Stay silent: a notebook's stderr belongs to its student."""

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def _answer(self) -> None:
        try:
            self._route()
        except (ConnectionError, TimeoutError):
            self.close_connection = True  # the client went away

    def _route(self) -> None:
        raw = urlsplit(self.path).path
        if _SQL_PAGE.fullmatch(raw) or _SQL_SERVICE.fullmatch(raw):
            self._search(page=bool(_SQL_PAGE.fullmatch(raw)))
        elif match := _PRODUCT.fullmatch(raw):
            self._send_file(self.server.archive.product(match[1], match[2]))
        elif raw.startswith("/sas/"):
            self._send_spectrum(raw.removeprefix("/sas/"))
        else:
            self._not_found()

    def _search(self, *, page: bool) -> None:
        query = parse_qs(urlsplit(self.path).query, max_num_fields=20)
        sql = query.get("cmd", [""])[0]
        try:
            if query.get("format", ["csv"])[0].lower() != "csv":
                raise SqlError("This archive answers with format=csv only.", 400)
            self._send(200, "text/plain; charset=utf-8", self.server.archive.sql(sql).encode())
        except SqlError as error:
            if page:
                text = (
                    "<html><head>\n<title>Skyserver Error</title>\n</head><body bgcolor=white>\n"
                    f"<h2>An error occured</h2><H3 BGCOLOR=pink><font color=red><br>"
                    f"{html.escape(str(error), quote=False)}</font></H3></BODY></HTML>\n"
                )
                self._send(200, "text/html; charset=utf-8", text.encode())
            else:
                kind = "BadRequest" if error.status == 400 else "InternalServerError"
                text = json.dumps(
                    {
                        "ErrorCode": error.status,
                        "ErrorType": kind,
                        "ErrorMessage": str(error),
                        "LogMessageID": "",
                    }
                )
                self._send(error.status, "application/json; charset=utf-8", text.encode())

    def _send_spectrum(self, raw: str) -> None:
        found = self.server.archive.find(raw)
        made = self.server.archive.made(raw) if found is None else None
        if made is not None:
            self._send(200, "application/fits", made)
        else:
            self._send_file(found)

    def _send_file(self, path: Path | None) -> None:
        if path is None:
            self._not_found()
            return
        headers = {}
        kind = "application/fits" if ".fits" in path.name else "application/octet-stream"
        asked_plain = path.name.endswith(".gz") and not urlsplit(self.path).path.endswith(".gz")
        if asked_plain and not self._takes_gzip():
            self._send(200, kind, _unzipped(path, path.stat().st_mtime_ns))
            return
        if asked_plain:
            headers = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            self._head(200, kind, size, headers)
            if self.command == "GET":
                while chunk := file.read(1 << 20):
                    self.wfile.write(chunk)

    def _takes_gzip(self) -> bool:
        for part in self.headers.get("Accept-Encoding", "").lower().split(","):
            name, _, quality = part.partition(";")
            if name.strip() == "gzip":
                return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
        return False

    def _not_found(self) -> None:
        text = "<html><head><title>404 Not Found</title></head><body>Not found</body></html>\n"
        self._send(404, "text/html; charset=utf-8", text.encode())

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self._head(status, kind, len(body), {})
        if self.command == "GET":
            self.wfile.write(body)

    def _head(self, status: int, kind: str, size: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(size))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


class _HTTPServer(ThreadingHTTPServer):
    archive: ArchiveServer
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def server_bind(self) -> None:
        # the base class looks up the host's name here, which can take seconds without a network
        import socketserver

        socketserver.TCPServer.server_bind(self)
        host, self.server_port = self.server_address[:2]
        self.server_name = str(host)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep a client that goes away midway off the notebook's stderr."""


class ArchiveServer:
    """The archive in a folder, at an address of its own on this machine.

    Parameters
    ----------
    root : path
        Holds sas/, or is itself the folder that holds dr17/. Beside sas/ may lie
        catalogue.sqlite (made from the files on the first query when absent) and products/.
    sql_seconds : float
        The longest a query may run.
    max_rows : int
        The most rows of one answer.

    Attributes
    ----------
    address : str
        http://127.0.0.1:port, without a slash at the end.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        *,
        sql_seconds: float = SQL_SECONDS,
        max_rows: int = MAX_ROWS,
    ):
        self.root = Path(root).resolve()
        self.sas = self.root / "sas" if (self.root / "sas").is_dir() else self.root
        self._sql_seconds = sql_seconds
        self._max_rows = max_rows
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._lock = threading.Lock()
        self._http = _HTTPServer(("127.0.0.1", 0), _Handler)
        self._http.archive = self
        self.address = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(
            target=self._http.serve_forever, args=(0.1,), name="labkit-archive", daemon=True
        )
        self._thread.start()
        _close_in_forked_children(self._http)

    def close(self) -> None:
        """Stop listening, and remove what was made for the while."""
        self._http.shutdown()
        self._http.server_close()
        if self._scratch is not None:
            self._scratch.cleanup()

    def __enter__(self) -> ArchiveServer:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    @property
    def scratch(self) -> Path:
        """A folder that lives as long as the server."""
        with self._lock:
            if self._scratch is None:
                self._scratch = tempfile.TemporaryDirectory(prefix="labkit-")
            return Path(self._scratch.name)

    def forget_scratch(self) -> None:
        """Leave the scratch folder to the process that made it."""
        if self._scratch is not None:
            # standard library, but not in typeshed
            self._scratch._finalizer.detach()  # type: ignore[attr-defined]

    def sql(self, query: str) -> str:
        """Answer a query with SkyServer's CSV (see `run_sql`)."""
        return run_sql(self._catalogue(), query, seconds=self._sql_seconds, max_rows=self._max_rows)

    def _catalogue(self) -> Path:
        kept = self.root / "catalogue.sqlite"
        if kept.is_file():
            return kept
        made = self.scratch / "catalogue.sqlite"
        with self._lock:
            if not made.is_file():
                draft = made.with_suffix(".draft")
                try:
                    make_catalogue(self.sas, draft)
                except CatalogueError as error:
                    raise SqlError(str(error)) from error
                os.replace(draft, made)
        return made

    def find(self, raw: str) -> Path | None:
        """Find the file behind a path below /sas/, as it stands in a request.

        Parameters
        ----------
        raw : str
            The path, percent-encoded.

        Returns
        -------
        Path or None
            A FITS file inside the archive (or its gzipped form), or None: what does not exist,
            what leads out of the archive and what is no spectrum look the same from outside.
        """
        if re.search(r"%(2f|5c|00)", raw, re.IGNORECASE):
            return None
        parts = unquote(raw).split("/")
        if any(part.startswith(".") or part == "" or "\\" in part for part in parts):
            return None
        for candidate in ("/".join(parts), "/".join(parts) + ".gz"):
            if candidate.endswith(SERVED_SUFFIXES):
                found = _inside(self.sas, candidate)
                if found is not None:
                    return found
        return None

    def made(self, raw: str) -> bytes | None:
        """Make the file behind a path below /sas/ that is kept as a row of a stack.

        Parameters
        ----------
        raw : str
            The path, percent-encoded.

        Returns
        -------
        bytes or None
            A FITS file, gzipped where its name ends so; None for what is in no stack.
        """
        return stacked_file(self.root, unquote(raw))

    def product(self, name: str, suffix: str = ".npz") -> Path | None:
        """Find the product of that name, or None. The survey's hidden truth is none."""
        if name.lower() == "truth":
            return None
        return _inside(self.root / "products", name + suffix)


def _inside(folder: Path, name: str) -> Path | None:
    """Return folder/name if it is a file that, links followed, lies in the folder."""
    try:
        path = (folder / name).resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        return None
    return path if path.is_file() and path.is_relative_to(folder.resolve()) else None


_listening: weakref.WeakSet[_HTTPServer] = weakref.WeakSet()


def _close_in_forked_children(server: _HTTPServer) -> None:
    # A forked child has the socket but not the thread: left open, it would keep the port alive,
    # and silent, after its parent is gone.
    _listening.add(server)


def _after_fork() -> None:
    for server in list(_listening):
        server.socket.close()
        server.archive.forget_scratch()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
