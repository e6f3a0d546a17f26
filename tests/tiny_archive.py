"""A tiny archive in a temporary folder, and servers that misbehave. All traffic is on 127.0.0.1."""

import gzip
import io
import json
import os
import shutil
import socket
import sqlite3
import threading
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

SPECTRA = "dr17/apogee/spectro/redux/dr17/stars/apo25m/M15"
ALLSTAR = "dr17/apogee/spectro/aspcap/dr17/synspec_rev1/allStar-dr17-synspec_rev1.fits"
STARS = [f"2M2129{number:04d}+1210000" for number in range(12)]


@lru_cache(maxsize=64)
def apstar_bytes(star=STARS[0], *, rows=4, pixels=8575, mask=np.int32, flat=False) -> bytes:
    """An apStar file: two coadds and rows - 2 visits, or one 1-D row."""
    shape = (pixels,) if flat else (rows, pixels)
    flux = 100 + np.arange(np.prod(shape), dtype=np.float32).reshape(shape) % 7
    primary = fits.PrimaryHDU()
    primary.header["OBJID"] = star
    primary.header["NVISITS"] = 1 if flat else rows - 2
    primary.header["SNR"] = 123.5
    primary.header["FIELD"] = "M15"
    primary.header["TELESCOP"] = "apo25m"
    primary.header["RA"] = 322.5
    bits = np.zeros(shape, mask)
    bits[..., 10] = 1 << 12
    images = [flux, flux * 0 + 2, bits, *[np.zeros(shape, np.float32)] * 4]
    out = io.BytesIO()
    fits.HDUList([primary, *[fits.ImageHDU(image) for image in images]]).writeto(out)
    return out.getvalue()


def make_archive(root: Path, *, zipped=True) -> Path:
    folder = root / "sas" / SPECTRA
    folder.mkdir(parents=True)
    for star in STARS:
        content = apstar_bytes(star, rows=3)
        name = f"apStar-dr17-{star}.fits"
        if zipped:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content, 1))
        else:
            (folder / name).write_bytes(content)
    catalogue = sqlite3.connect(root / "catalogue.sqlite")
    catalogue.execute(
        "CREATE TABLE apogeeStar (apstar_id TEXT, apogee_id TEXT, telescope TEXT, field TEXT,"
        " snr REAL)"
    )
    catalogue.execute("CREATE TABLE aspcapStar (apstar_id TEXT, teff REAL, logg REAL)")
    for number, star in enumerate(STARS):
        catalogue.execute(
            "INSERT INTO apogeeStar VALUES (?, ?, 'apo25m', 'M15', ?)",
            (f"apogee.{star}", star, 50.0 + 10 * number),
        )
        catalogue.execute(
            "INSERT INTO aspcapStar VALUES (?, ?, ?)",
            (f"apogee.{star}", 4000.0 + 100 * number, -9999 if number == 3 else 1.5),
        )
    catalogue.commit()
    catalogue.close()
    (root / "products").mkdir()
    np.savez(root / "products" / "01_apogee.npz", labels=np.arange(5.0))
    np.savez(root / "truth.npz", secret=np.arange(3))
    np.savez(root / "products" / "truth.npz", secret=np.arange(3))
    (root / "survey.json").write_text(json.dumps({"survey": "simulated", "fingerprint": "abc123"}))
    return root


@pytest.fixture(scope="session")
def _tiny(tmp_path_factory) -> Path:
    return make_archive(tmp_path_factory.mktemp("archive") / "tiny")


@pytest.fixture
def tiny(_tiny, tmp_path) -> Path:
    """A tiny archive, free to be changed."""
    return shutil.copytree(_tiny, tmp_path / "tiny")


@pytest.fixture
def paths() -> list[str]:
    """SAS paths of the tiny archive's spectra."""
    return [f"{SPECTRA}/apStar-dr17-{star}.fits" for star in STARS]


@pytest.fixture
def in_directory(tiny, tmp_path, monkeypatch):
    """LABKIT_ARCHIVE set to the tiny archive."""
    monkeypatch.setenv("LABKIT_ARCHIVE", str(tiny))
    monkeypatch.setenv("LABKIT_CACHE", str(tmp_path / "cache"))
    return tiny


@pytest.fixture
def real() -> Path:
    default = Path(__file__).resolve().parents[2] / "shared" / "real"
    folder = Path(os.environ.get("LABKIT_REAL") or default) / "apogee"
    if not folder.is_dir():
        pytest.skip("needs shared/real")
    return folder


def make_survey(build: Path, fingerprint: str = "one") -> None:
    """Make the tiny archive look like a complete survey of the kit's own."""
    if not build.exists():
        make_archive(build)
    (build / "survey.json").write_text(json.dumps({"fingerprint": fingerprint}))


@pytest.fixture
def embedded(tmp_path, monkeypatch) -> Path:
    """Folder of a tiny embedded survey, which is the archive in use."""
    monkeypatch.delenv("LABKIT_ARCHIVE", raising=False)
    monkeypatch.setenv("LABKIT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("LABKIT_CACHE", str(tmp_path / "cache"))
    make_survey(tmp_path / "data" / "build")
    return tmp_path / "data" / "build"


class Faulty:
    """A server whose behaviour is a function of the handler and the number of the request."""

    def __init__(self, behave):
        self.requests = []
        self.most_at_once = 0
        self._open = 0
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 20

            def log_message(self, format, *args):
                pass

            def setup(self):
                super().setup()
                with outer._lock:
                    outer._open += 1
                    outer.most_at_once = max(outer.most_at_once, outer._open)

            def finish(self):
                try:
                    super().finish()
                finally:
                    with outer._lock:
                        outer._open -= 1

            def do_GET(self):
                with outer._lock:
                    outer.requests.append((self.command, self.path))
                    number = len(outer.requests)
                try:
                    behave(self, number)
                except OSError:
                    self.close_connection = True

            do_HEAD = do_POST = do_GET

            def reply(self, body, *, status=200, kind="application/fits", length=None, send=None):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body) if length is None else length))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body if send is None else body[:send])
                    self.wfile.flush()

            def hang_up(self):
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, request, client_address):
                pass

        self._http = Server(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self._http.shutdown()
        self._http.server_close()

    @property
    def fetched(self) -> list[str]:
        return [path for command, path in self.requests if command == "GET"]


@pytest.fixture
def faulty():
    """Make servers that misbehave: faulty(behave) -> Faulty."""
    made = []

    def make(behave):
        made.append(Faulty(behave))
        return made[-1]

    yield make
    for server in made:
        server.close()
