"""Choosing an archive, the exact addresses, the real client, files and products."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import types
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import requests

from helpers import archive
from helpers.apogee import read_apstar
from surveys import archives, skyserver
from tests.tiny_archive import ALLSTAR, SPECTRA, STARS, make_archive, make_survey

QUICK = archive.Patience(attempts=2, backoff=0.01, connect=2, stall=0.5)


@pytest.fixture
def sdss(tmp_path, monkeypatch):
    monkeypatch.setenv("LABKIT_ARCHIVE", "sdss")
    monkeypatch.setenv("LABKIT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def client():
    """The real client, put back as it was."""
    from astroquery.sdss import SDSS, conf

    kept = SDSS._session, SDSS._cache_location
    SDSS._session = requests.Session()
    SDSS._session.hooks["response"].append(SDSS._response_hook)
    with conf.set_temp("skyserver_baseurl", ""), conf.set_temp("sas_baseurl", ""):
        yield SDSS
    SDSS._session, SDSS._cache_location = kept


# ---------------------------------------------------------------- which archive


def test_import_is_light():
    code = (
        "import sys, helpers.archive\n"
        "heavy = {'astroquery', 'requests', 'surveys.server', 'astropy.io',"
        " 'skysim', 'labkit'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_sdss_is_only_addresses(sdss, tmp_path):
    found = archive.current()
    assert (found.kind, found.key) == ("sdss", "sdss-dr17")
    assert found.skyserver == "https://skyserver.sdss.org"
    assert found.sas == "https://data.sdss.org/sas"
    assert found.cache == tmp_path / "cache" / "sdss-dr17"
    assert not found.is_simulated
    assert found.products is None


def test_folder_is_an_archive(in_directory, tmp_path, monkeypatch):
    found = archive.current()
    assert re.fullmatch(r"dir-[0-9a-f]{12}", found.key)
    assert found.sas == f"{found.skyserver}/sas"
    assert found.is_simulated  # its survey.json says so
    assert "simulated" in found.description
    assert archive.current() == found  # the same server
    (in_directory / "survey.json").write_text('{"fingerprint": "another"}')
    assert archive.current().key != found.key  # rebuilt: what was fetched before is another's
    (in_directory / "survey.json").unlink()
    assert not archive.current().is_simulated
    monkeypatch.setenv("LABKIT_ARCHIVE", str(in_directory / "sas"))  # the folder with dr17/ itself
    other = archive.current()
    assert other.key != found.key
    assert other.skyserver != found.skyserver


@pytest.mark.parametrize("choice", ["nowhere", "empty", "a file"])
def test_a_directory_that_is_none(tmp_path, monkeypatch, choice):
    (tmp_path / "empty").mkdir()
    (tmp_path / "a file").write_text("")
    monkeypatch.setenv("LABKIT_ARCHIVE", str(tmp_path / choice))
    with pytest.raises(archive.ArchiveError, match=rf"LABKIT_ARCHIVE.*{choice}.*Set "):
        archive.current()


def test_embedded_archive_is_the_survey_in_the_data_folder(embedded):
    found = archive.current()
    assert found.kind == "embedded"
    assert found.is_simulated
    assert found.key == "embedded-one"
    assert "simulated" in found.description
    assert found.products == f"{found.skyserver}/labkit/products"


def test_a_renewed_survey_has_a_cache_of_its_own(embedded):
    assert archive.current().key == "embedded-one"
    make_survey(embedded, "two")
    assert archive.current().key == "embedded-two"


def test_what_came_from_replaced_surveys_is_old(embedded, tmp_path):
    cache = tmp_path / "cache"
    for name in ("embedded-one", "embedded-zero", "sdss-dr17", "dir-0123456789ab"):
        (cache / name).mkdir(parents=True)
    (cache / "embedded-file").write_text("")
    assert archives.old_caches() == [cache / "embedded-zero"]


def test_a_missing_survey_is_named_with_the_command_that_makes_it(embedded):
    (embedded / "survey.json").unlink()
    with pytest.raises(archive.ArchiveError, match=r"no complete simulated survey.*labkit data"):
        archive.current()
    assert archives.old_caches() == []  # nothing is known to be old


def test_products_of_labs_are_served(embedded, tmp_path):
    path = archive.product("01_apogee", patience=QUICK)
    assert path == tmp_path / "cache/embedded-one/products/01_apogee.npz"
    with np.load(path) as arrays:
        np.testing.assert_array_equal(arrays["labels"], np.arange(5))
    with pytest.raises(archive.ArchiveError, match="HTTP status 404"):
        archive.product("99_none", patience=QUICK)
    with pytest.raises(archive.ArchiveError, match="HTTP status 404"):
        archive.product("truth", patience=QUICK)
    with pytest.raises(ValueError):
        archive.product("../truth")


def test_a_product_with_objects_is_refused(embedded, tmp_path):
    archive.current()
    bad = np.array([{"a": 1}], dtype=object)
    np.savez(tmp_path / "data/build/products/bad.npz", bad=bad, allow_pickle=True)
    with pytest.raises(archive.ArchiveError, match="plain arrays"):
        archive.product("bad", patience=QUICK)
    assert not list((tmp_path / "cache").rglob("bad.npz"))


@pytest.mark.parametrize("choice", ["sdss", "in_directory"])
def test_no_products_elsewhere(choice, request):
    request.getfixturevalue(choice)
    with pytest.raises(archive.ArchiveError, match="earlier lab"):
        archive.product("01_apogee")


# ---------------------------------------------------------------- exact addresses, nobody called


class Called(Exception):
    """An address was about to be called."""


def test_the_address_of_a_query(sdss, client, monkeypatch):
    def send(adapter, request, **kwargs):
        raise Called(request.url, kwargs["timeout"])

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
    archive.connect()
    with pytest.raises(Called) as caught:
        client.query_sql("SELECT TOP 3 apogee_id FROM apogeeStar")
    url, timeout = caught.value.args
    # astroquery 0.4.11 asks the search page, which hands the query to SkyServer's SqlSearch
    address, _, query = url.partition("?")
    assert address == "https://skyserver.sdss.org/dr17/en/tools/search/x_results.aspx"
    assert parse_qs(query) == {
        "cmd": [" SELECT TOP 3 apogee_id FROM apogeeStar"],
        "format": ["csv"],
        "searchtool": ["SQL"],
    }
    assert timeout == 60


def test_the_address_of_a_spectrum(sdss, tmp_path, monkeypatch):
    called = []

    def send(adapter, request, **kwargs):
        called.append((request.method, request.url))
        raise requests.ConnectionError("not called in a test")

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
    with pytest.raises(archive.ArchiveError) as caught:
        archive.fetch(
            [f"{SPECTRA}/apStar-dr17-2M21290000+1210000.fits"], progress=False, patience=QUICK
        )
    address = (
        "https://data.sdss.org/sas/dr17/apogee/spectro/redux/dr17/stars/apo25m/M15/"
        "apStar-dr17-2M21290000+1210000.fits"
    )
    assert {url for _, url in called} == {address}
    assert len(called) == QUICK.attempts
    assert address in str(caught.value)
    assert not list((tmp_path / "cache").rglob("*.fits"))


def test_path_of_the_allstar_table():
    assert archive.allstar_path() == ALLSTAR


# ---------------------------------------------------------------- the real client


def test_query_through_astroquery(in_directory, client):
    found = archive.connect()
    assert found == archive.current()
    table = client.query_sql(
        """SELECT TOP 3 s.APOGEE_ID, a.teff  -- the warmest
           FROM apogeeStar AS s JOIN aspcapStar AS a ON s.apstar_id = a.apstar_id
           WHERE s.snr > 60 ORDER BY a.teff DESC"""
    )
    assert table.colnames == ["APOGEE_ID", "teff"]
    assert list(table["teff"]) == [5100, 5000, 4900]
    assert table["APOGEE_ID"][0] == STARS[-1]
    assert client.query_sql("SELECT * FROM apogeeStar WHERE snr < 0") is None
    for release in (8, 10, 13):
        assert len(client.query_sql("SELECT * FROM apogeeStar", data_release=release)) == 12


def test_a_wrong_query_is_explained_and_not_kept(in_directory, client):
    archive.connect()
    for _ in range(2):  # the second time it would come from the cache
        with pytest.raises(archive.ArchiveError, match=r"Invalid column name 'tef'.*Correct"):
            client.query_sql("SELECT tef FROM aspcapStar")
    assert not list(client.cache_location.glob("*"))


def test_answers_are_not_kept_across_archives(in_directory, client, tmp_path, monkeypatch):
    archive.connect()
    client.query_sql("SELECT TOP 1 * FROM apogeeStar")
    first = client.cache_location
    monkeypatch.setenv("LABKIT_ARCHIVE", str(make_archive(tmp_path / "other")))
    archive.connect()
    assert client.cache_location != first
    assert tmp_path / "cache" not in client.cache_location.parents


def test_connecting_twice_adds_one_hook(in_directory, client):
    archive.connect()
    before = len(client._session.hooks["response"])
    archive.connect()
    assert len(client._session.hooks["response"]) == before


def test_in_any_order(tiny, tmp_path):
    code = """
from astroquery.sdss import SDSS
{first}
from helpers import archive
archive.connect()
from astroquery.sdss import SDSS
print(len(SDSS.query_sql("SELECT * FROM apogeeStar")))
"""
    environment = {
        **os.environ,
        "LABKIT_ARCHIVE": str(tiny),
        "LABKIT_CACHE": str(tmp_path / "cache"),
        # a proxy that is not there: loopback must not go through it
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
        "NO_PROXY": "",
        "no_proxy": "",
    }
    code += f"print(len(archive.fetch(['{SPECTRA}/apStar-dr17-{STARS[0]}.fits'], progress=False)))"
    done = subprocess.run(
        [sys.executable, "-c", code.format(first="")],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert (done.stdout.split(), done.stderr) == (["12", "1"], "")


HTML = b"<!DOCTYPE html><html><body><h1>503 Service Unavailable</h1></body></html>"
TABLE = b"#Table1\napogee_id,snr\n2Ma,7\n"


@pytest.fixture
def ask(faulty, client, sdss, tmp_path, monkeypatch):
    """Ask a misbehaving SkyServer through the real client, as if it were SDSS's."""
    monkeypatch.setattr(skyserver, "RETRY_SECONDS", 0.001)
    monkeypatch.setattr(skyserver, "QUERY_SECONDS", 1)

    def ask(behave):
        server = faulty(behave)
        monkeypatch.setattr(archives, "SDSS_SKYSERVER", server.address)
        archive.connect()
        assert client.cache_location == tmp_path / "cache/sdss-dr17/queries"
        return server, lambda: client.query_sql("SELECT apogee_id, snr FROM apogeeStar")

    return ask


def test_busy_then_well(ask):
    server, query = ask(
        lambda h, n: (
            h.reply(HTML, status=(503, 429, 502)[n - 1]) if n <= 3 else h.reply(TABLE, kind="text")
        )
    )
    assert list(query()["snr"]) == [7]
    assert len(server.requests) == 4


@pytest.mark.parametrize("status", [200, 503, 500, 404])
def test_a_web_page_is_no_table(ask, client, status):
    pages = {"body": HTML, "status": status, "kind": "text/html"}
    server, query = ask(lambda h, n: h.reply(**pages))
    with pytest.raises(archive.ArchiveError) as caught:
        query()
    message = str(caught.value)
    assert f"{server.address}/dr17/en/tools/search/x_results.aspx" in message
    assert "SkyServer" in message
    assert f"HTTP status {status}" in message
    assert "run the cell again" in message
    assert not list(client.cache_location.glob("*"))
    pages.update(body=TABLE, status=200)
    assert len(query()) == 1  # the page was not kept


@pytest.mark.parametrize(
    "body",
    [
        b'{"ErrorCode":500,"ErrorType":"InternalServerError","ErrorMessage":"Invalid column."}',
        b"<html><head>\n<title>Skyserver Error</title>\n</head><body bgcolor=white>\n<h2>An error "
        b"occured</h2><H3 BGCOLOR=pink><font color=red><br>Invalid column.</font></H3></BODY>",
        b'#Table1\nerror_message\n"Invalid column."\n',
    ],
    ids=["json", "page", "csv"],
)
def test_three_shapes_of_a_complaint(ask, client, body):
    server, query = ask(lambda h, n: h.reply(body, status=500 if body[:1] == b"{" else 200))
    with pytest.raises(archive.ArchiveError, match=r"could not run the query: Invalid column\."):
        query()
    assert len(server.requests) == 1  # a wrong query is not sent again
    assert not list(client.cache_location.glob("*"))


def test_silent_service_is_named(ask):
    import time

    _, query = ask(lambda h, n: time.sleep(5))
    with pytest.raises(archive.ArchiveError, match="did not answer at http://127"):
        query()


def test_answer_cut_short_is_named(ask, client):
    _, query = ask(lambda h, n: (h.reply(TABLE * 99, send=200), h.hang_up()))
    with pytest.raises(archive.ArchiveError, match="broke off"):
        query()
    assert not list(client.cache_location.glob("*"))


def test_broken_connection_is_named(ask):
    server, query = ask(lambda h, n: h.hang_up() if n < 3 else h.reply(TABLE))
    assert len(query()) == 1
    assert len(server.requests) == 3


# ---------------------------------------------------------------- files


def test_files_are_fetched_once(in_directory, paths, tmp_path):
    order = [*reversed(paths), paths[0]]  # one asked for twice
    files = archive.fetch(order, progress=False)
    cache = archive.current().cache / "sas"
    assert files == [cache / path for path in order]
    for path, file in zip(order, files, strict=True):
        assert read_apstar(file).apogee_id in path
    assert archive.fetch([], progress=False) == []
    left = [path for path in cache.rglob("*") if path.is_file() and path.suffix != ".fits"]
    assert [path.name for path in left] == [".verified"]


def test_fetch_in_a_running_loop(in_directory, paths):
    async def cell():
        return archive.fetch(paths[:3], progress=False)

    handler = signal.getsignal(signal.SIGINT)
    assert len(asyncio.run(cell())) == 3
    # a kernel whose SIGINT were taken could not be interrupted
    assert signal.getsignal(signal.SIGINT) is handler


def test_fetch_does_not_fetch_again(in_directory, paths, faulty, monkeypatch):
    files = archive.fetch(paths, progress=False)
    dead = faulty(lambda h, n: h.reply(b"", status=500))
    found = archive.current()
    monkeypatch.setattr(
        archive, "current", lambda: types.SimpleNamespace(**{**vars(found), "sas": dead.address})
    )
    assert archive.fetch(paths, progress=False) == files
    assert dead.requests == []
    # what has been cut short since, or emptied, is
    files[0].write_bytes(files[0].read_bytes()[:5000])
    files[1].write_bytes(b"")
    with pytest.raises(archive.ArchiveError, match="2 of 2"):
        archive.fetch(paths, progress=False, patience=QUICK)


def test_a_file_put_there_by_hand_is_checked(in_directory, paths, faulty, monkeypatch):
    files = archive.fetch(paths[:2], progress=False)
    (archive.current().cache / "sas" / ".verified").unlink()
    files[0].write_bytes(b"<html>")
    assert archive.fetch(paths[:2], progress=False) == files
    assert read_apstar(files[0]).apogee_id == STARS[0]


@pytest.mark.parametrize(
    "path",
    [
        "../x.fits",
        "/etc/passwd",
        "a/../../x.fits",
        "a//b.fits",
        "",
        ".",
        "a\\..\\b",
        "a*b",
        "a?b",
        "a%2fb",
    ],
)
def test_paths_that_are_none(in_directory, path, tmp_path):
    with pytest.raises(ValueError, match="not a path"):
        archive.fetch([path], progress=False)


def test_one_path_is_a_list_of_one(in_directory, paths):
    with pytest.raises(TypeError, match=r"fetch\(\[path\]\)"):
        archive.fetch(paths[0])


def test_missing_files_are_named(in_directory, paths):
    absent = f"{SPECTRA}/apStar-dr17-2M00000000+0000000.fits"
    with pytest.raises(archive.ArchiveError) as caught:
        archive.fetch([paths[0], absent], progress=False, patience=QUICK)
    message = str(caught.value)
    assert "1 of 2 files" in message
    assert absent in message
    assert "404" in message
    assert "Check the paths" in message
    assert (archive.current().cache / "sas" / paths[0]).is_file()


def test_a_progress_bar(in_directory, paths, capsys):
    archive.fetch(paths[:2], progress=True)
    assert "2/2" in capsys.readouterr().err


def test_real_files_from_a_directory(real, tmp_path, monkeypatch):
    """LABKIT_ARCHIVE=<directory> serves real spectra through the same code."""
    root = tmp_path / "real"
    folder = root / "dr13/apogee/spectro/redux/r6/stars/l25_6d/v603/4480"
    folder.mkdir(parents=True)
    sources = sorted((real / "apstar").glob("*.fits"))[:4]
    for source in sources:
        (folder / source.name).write_bytes(source.read_bytes())
    monkeypatch.setenv("LABKIT_ARCHIVE", str(root))
    monkeypatch.setenv("LABKIT_CACHE", str(tmp_path / "cache"))
    relative = [str((folder / source.name).relative_to(root)) for source in sources]
    files = archive.fetch(relative, progress=False)
    assert [Path(file).read_bytes() for file in files] == [s.read_bytes() for s in sources]


def test_real_directory_can_be_queried(real, tmp_path, monkeypatch, client):
    root = tmp_path / "real"
    folder = root / "dr13/stars/4480"
    folder.mkdir(parents=True)
    for source in sorted((real / "apstar").glob("*.fits")):
        (folder / source.name).symlink_to(source)  # out of the archive: listed, not served
    monkeypatch.setenv("LABKIT_ARCHIVE", str(root))
    monkeypatch.setenv("LABKIT_CACHE", str(tmp_path / "cache"))
    archive.connect()
    table = client.query_sql(
        "SELECT s.*, a.teff FROM apogeeStar s JOIN aspcapStar a ON s.apstar_id = a.apstar_id"
    )
    assert len(table) == 19
    assert set(table["teff"]) == {-9999}
    assert urlsplit(archive.current().sas).hostname == "127.0.0.1"
    assert {"field", "telescope", "nvisits", "snr", "vhelio_avg"} <= set(table.colnames)
