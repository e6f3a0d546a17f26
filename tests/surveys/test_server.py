"""The archive server: SQL as SkyServer answers it, files as the SAS serves them, nothing else."""

import csv
import gzip
import http.client
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from urllib.parse import quote, urlsplit

import numpy as np
import pytest

from surveys.server import ArchiveServer
from surveys.sql import SqlError, column_names, run_sql, to_sqlite
from tests.tiny_archive import SPECTRA, STARS, apstar_bytes, make_archive

PAGE = "/dr17/en/tools/search/x_results.aspx"
SERVICE = "/DR17/SkyServerWS/SearchTools/SqlSearch"


@pytest.fixture
def server(tiny):
    with ArchiveServer(tiny, sql_seconds=0.5) as server:
        yield server


def get(server, path, method="GET", **headers):
    """One raw request: no client that tidies the path up first."""
    connection = http.client.HTTPConnection(urlsplit(server.address).netloc, timeout=20)
    connection.putrequest(method, path, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


def ask(server, sql, address=SERVICE):
    return get(server, f"{address}?cmd={quote(sql)}&format=csv&searchtool=SQL")


# ---------------------------------------------------------------- the dialect


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT TOP 3 a FROM t", "SELECT a FROM t LIMIT 3"),
        ("select top (3) a from t ;", "select a from t LIMIT 3"),
        ("SELECT DISTINCT TOP 3 a FROM t", "SELECT DISTINCT a FROM t LIMIT 3"),
        ("SELECT a FROM (SELECT TOP 2 a FROM t) x", "SELECT a FROM ( SELECT a FROM t LIMIT 2 ) x"),
        ("SELECT a FROM dbo.t", "SELECT a FROM t"),
        ("SELECT a FROM [dbo].[t]", "SELECT a FROM [t]"),
        ("SELECT 'TOP 3 dbo.x; --' AS a", "SELECT 'TOP 3 dbo.x; --' AS a"),
        ('SELECT "a" FROM t', "SELECT [a] FROM t"),
        ("SELECT a /* TOP 2 */ FROM t -- ; x", "SELECT a FROM t"),
        ("SELECT ISNULL(a, 0) FROM t", "SELECT ifnull ( a , 0 ) FROM t"),
    ],
)
def test_dialect_of_sql_server(tmp_path, sql, expected):
    """The answer is that of the query that SQLite would be sent by hand."""
    catalogue = tmp_path / "catalogue.sqlite"
    with closing(sqlite3.connect(catalogue)) as connection, connection:
        connection.execute("CREATE TABLE t (a)")
        connection.executemany("INSERT INTO t VALUES (?)", [(3,), (1,), (None,), (1,), (2,)])
        rows = connection.execute(expected).fetchall()
    answer = csv.reader(run_sql(catalogue, sql).splitlines()[2:])
    shown = [["" if value is None else str(value) for value in row] for row in rows]
    assert [row or [""] for row in answer] == shown


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "   ",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP TABLE apogeeStar",
        "PRAGMA table_info(apogeeStar)",
        "ATTACH DATABASE 'x' AS y",
        "UPDATE apogeeStar SET snr = 1",
        "EXPLAIN SELECT 1",
        "SELECT TOP x * FROM t",
        "SELECT (1",
        "SELECT 1)",
    ],
)
def test_not_a_query(sql):
    with pytest.raises(SqlError):
        to_sqlite(sql)


def test_column_names_as_in_sql_server():
    assert column_names(
        "SELECT a.TEFF, snr*2, count(*), SNR s FROM t", ["teff", "snr*2", "c()", "s"]
    )
    assert column_names("SELECT TEFF, x*2 FROM t", ["teff", "x*2"]) == ["TEFF", "Column1"]
    assert column_names("SELECT * FROM t", ["id", "snr", "id"]) == ["id", "snr", "id1"]


# ---------------------------------------------------------------- queries


def lines(body):
    return body.decode().splitlines()


@pytest.mark.parametrize("address", [PAGE, SERVICE, "/dr17/SkyserverWS/searchtools/sqlsearch"])
def test_csv_as_skyserver_writes_it(server, address):
    response, body = ask(server, "SELECT TOP 2 APOGEE_ID, snr FROM dbo.apogeestar", address)
    assert response.status == 200
    assert lines(body) == ["#Table1", "APOGEE_ID,snr", f"{STARS[0]},50.0", f"{STARS[1]},60.0"]
    assert int(response.headers["Content-Length"]) == len(body)


def test_join_subquery_and_functions(server):
    sql = """SELECT TOP 1 s.apogee_id, a.[teff] AS t, LOG(100.0) AS natural FROM apogeeStar AS s
             JOIN dbo.aspcapStar a ON s.apstar_id = a.apstar_id
             WHERE a.teff IN (SELECT TOP 2 teff FROM aspcapStar ORDER BY teff DESC)
             ORDER BY a.teff DESC"""
    _, body = ask(server, sql)
    _, names, row = lines(body)
    assert names == "apogee_id,t,natural"
    assert row.split(",")[:2] == [STARS[-1], "5100.0"]
    assert float(row.split(",")[2]) == pytest.approx(np.log(100))


def test_stdev_is_the_samples(server):
    _, body = ask(server, "SELECT STDEV(snr) AS s, VAR(snr) AS v, LEN('ab ') AS n FROM apogeeStar")
    s, v, n = map(float, lines(body)[2].split(","))
    expected = np.std(50 + 10 * np.arange(12), ddof=1)
    assert s == pytest.approx(expected)
    assert v == pytest.approx(expected**2)
    assert n == 2


def test_no_rows_is_a_header(server):
    _, body = ask(server, "SELECT apogee_id, snr FROM apogeeStar WHERE snr > 1e9")
    assert lines(body) == ["#Table1", "apogee_id,snr"]


def test_rows_of_an_answer_are_limited(tiny):
    text = run_sql(tiny / "catalogue.sqlite", "SELECT snr FROM apogeeStar", max_rows=5)
    assert len(text.splitlines()) == 2 + 5


def test_errors_come_in_skyservers_shapes(server):
    response, body = ask(server, "SELECT nope FROM apogeeStar")
    message = json.loads(body)
    assert response.status == message["ErrorCode"] == 500
    assert message["ErrorMessage"] == "Invalid column name 'nope'."
    response, body = ask(server, "DELETE FROM apogeeStar")
    assert response.status == json.loads(body)["ErrorCode"] == 400
    response, body = ask(server, "SELECT nope FROM apogeeStar WHERE 1 < 2", PAGE)
    assert response.status == 200
    assert response.headers["Content-Type"].startswith("text/html")
    assert b"<title>Skyserver Error</title>" in body
    assert b"Invalid column name 'nope'." in body


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM sqlite_master",
        "SELECT count(*) FROM sqlite_master",
        "SELECT * FROM sqlite_schema",
        "SELECT name FROM pragma_table_info('apogeeStar')",
        "SELECT * FROM pragma_database_list",
        "SELECT load_extension('x')",
        "SELECT zeroblob(1000000000)",
        "SELECT randomblob(1000000000)",
        "SELECT printf('%1000000000d', 1)",
        "SELECT hex(zeroblob(1000000000))",
        "SELECT writefile('/tmp/x', 'y')",
        "SELECT readfile('/etc/passwd')",
        "SELECT edit('x')",
        "SELECT sqlite_version()",
        "SELECT fts3_tokenizer('simple')",
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c",
        "WITH c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c",
        "WITH x AS (SELECT 1 AS a) DELETE FROM apogeeStar",
        "WITH x AS (SELECT 1 AS a) INSERT INTO apogeeStar (snr) SELECT a FROM x",
        "SELECT 1 INTO mydb.t FROM apogeeStar",
        "SELECT len('" + "x" * 50_000 + "')" + " + 1" * 300,
        "SELECT " + "(" * 5000 + "1" + ")" * 5000,
        "SELECT " + "replace(" * 8 + "'aaaaaaaaaa'" + ",'a','aaaaaaaaaa')" * 8,
        "SELECT snr FROM apogeeStar\0; DROP TABLE apogeeStar",
        "SELECT apogee_id FROM truth",
    ],
)
def test_untrusted_sql_is_refused(server, tiny, sql):
    before = (tiny / "catalogue.sqlite").read_bytes()
    response, body = ask(server, sql)
    assert response.status in (400, 500)
    assert json.loads(body)["ErrorMessage"]
    assert (tiny / "catalogue.sqlite").read_bytes() == before


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM " + ", ".join(f"apogeeStar a{k}" for k in range(12)),
        "SELECT " + "a0.snr FROM " + ", ".join(f"apogeeStar a{k}" for k in range(9)),
    ],
)
def test_a_long_query_is_stopped(server, sql):
    # 12**12 rows: without the limit this test would never end
    response, body = ask(server, sql)
    assert response.status in (200, 500)
    if response.status == 500:
        assert "longer than 0.5 s" in json.loads(body)["ErrorMessage"]
    else:
        assert body.count(b"\n") <= 500_002
    assert ask(server, "SELECT 1 AS one")[0].status == 200


def test_only_csv_is_served(server):
    response, _ = get(server, f"{SERVICE}?cmd=SELECT%201&format=fits")
    assert response.status == 400


# ---------------------------------------------------------------- files


def test_a_zipped_file_under_its_plain_name(server):
    path = f"/sas/{SPECTRA}/apStar-dr17-{STARS[2]}.fits"
    plain, body = get(server, path)
    assert plain.status == 200
    assert "Content-Encoding" not in plain.headers
    assert body == apstar_bytes(STARS[2], rows=3)
    assert int(plain.headers["Content-Length"]) == len(body)
    head, empty = get(server, path, "HEAD")
    assert empty == b""
    assert head.headers["Content-Length"] == plain.headers["Content-Length"]
    zipped, small = get(server, path, Accept_Encoding="gzip, deflate")
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert int(zipped.headers["Content-Length"]) == len(small) < len(body)
    assert gzip.decompress(small) == body
    refused, same = get(server, path, Accept_Encoding="gzip;q=0")
    assert "Content-Encoding" not in refused.headers
    assert same == body
    assert "Accept-Ranges" not in plain.headers
    plus, same = get(server, path.replace("+", "%2B"))
    assert plus.status == 200
    assert same == body


def test_a_plain_file_as_it_is(tmp_path):
    root = make_archive(tmp_path / "plain", zipped=False)
    with ArchiveServer(root) as server:
        path = f"/sas/{SPECTRA}/apStar-dr17-{STARS[0]}.fits"
        response, body = get(server, path, Accept_Encoding="gzip")
    assert "Content-Encoding" not in response.headers
    assert body == apstar_bytes(STARS[0], rows=3)


@pytest.mark.parametrize("sas", ["sas", "."])
def test_nothing_outside_is_served(tmp_path, sas):
    root = make_archive(tmp_path / "root" / "in")
    (tmp_path / "root" / "secret.fits").write_bytes(apstar_bytes())
    (root / "sas" / "note.txt").write_text("not a spectrum")
    (root / "sas" / ".hidden.fits").write_bytes(apstar_bytes())
    (root / "sas" / "way").symlink_to(tmp_path / "root")
    (root / "sas" / "link.fits").symlink_to(tmp_path / "root" / "secret.fits")
    (root / "products" / "link.npz").symlink_to(root / "truth.npz")
    for name in ("truth.npz", "catalogue.sqlite"):
        (root / "sas" / name).write_bytes((root / name).read_bytes())
    inside = f"{SPECTRA}/apStar-dr17-{STARS[0]}.fits"
    with ArchiveServer(root if sas == "sas" else root / "sas") as server:
        assert get(server, f"/sas/{inside}")[0].status == 200
        for path in (
            "/",
            "/sas",
            "/sas/",
            "/sas/dr17",
            f"/sas/{SPECTRA}/",
            "/sas/../truth.npz",
            "/sas/../../secret.fits",
            "/sas/%2e%2e/%2e%2e/secret.fits",
            "/sas/..%2f..%2fsecret.fits",
            "/sas/%2e%2e%2f%2e%2e%2fsecret.fits",
            "/sas/%252e%252e/secret.fits",
            "/sas/..\\..\\secret.fits",
            "/sas/..%5c..%5csecret.fits",
            "/sas//etc/passwd",
            f"/sas/{tmp_path}/root/secret.fits",
            "/sas/way/secret.fits",
            "/sas/link.fits",
            "/sas/.hidden.fits",
            "/sas/note.txt",
            "/sas/truth.npz",
            "/sas/catalogue.sqlite",
            "/sas/a%00.fits",
            "/sas/" + "a" * 5000 + ".fits",
            "/" + inside,
            "/catalogue.sqlite",
            "/labkit/products/truth.npz",
            "/labkit/products/TRUTH.npz",
            "/labkit/products/link.npz",
            "/labkit/products/truth.iso",
            "/labkit/products/01_apogee.iso",
            "/labkit/products/../catalogue.sqlite",
            "/labkit/products/../truth.npz",
            "/labkit/products/..%2ftruth.npz",
            "/labkit/products/",
            "/labkit/products/01_apogee",
            "/survey.json",
        ):
            assert get(server, path)[0].status == 404, path


def test_products_of_labs_are_served(server, tiny):
    response, body = get(server, "/labkit/products/01_apogee.npz")
    assert response.status == 200
    assert body == (tiny / "products" / "01_apogee.npz").read_bytes()


def test_other_methods_are_refused(server):
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert get(server, "/sas/x.fits", method)[0].status == 501


# ---------------------------------------------------------------- folders without a catalogue


def test_catalogue_from_headers(tiny):
    (tiny / "catalogue.sqlite").unlink()
    with ArchiveServer(tiny) as server:
        _, body = ask(
            server,
            "SELECT s.apogee_id, s.field, s.telescope, s.ra, s.snr, a.teff FROM apogeeStar s "
            "JOIN aspcapStar a ON s.apstar_id = a.apstar_id ORDER BY s.apogee_id",
        )
    table = lines(body)
    assert len(table) == 2 + len(STARS)
    assert table[2] == f"{STARS[0]},M15,apo25m,322.5,123.5,-9999.0"
    assert not (tiny / "catalogue.sqlite").exists()


def test_catalogue_from_allstar(tiny):
    from astropy.table import Table

    from tests.tiny_archive import ALLSTAR

    (tiny / "catalogue.sqlite").unlink()
    path = tiny / "sas" / ALLSTAR
    path.parent.mkdir(parents=True)
    Table(
        {
            "APOGEE_ID": ["2Ma", "2Mb"],
            "FIELD": ["M15", "M15"],
            "TELESCOPE": ["apo25m"] * 2,
            "SNR": [10.0, np.nan],
            "TEFF": np.array([4500.0, -9999], np.float32),
            "PARAM": np.zeros((2, 9)),
        }
    ).write(path)
    with ArchiveServer(tiny) as server:
        _, body = ask(
            server,
            "SELECT s.apogee_id, s.snr, a.teff, a.logg FROM apogeeStar s JOIN aspcapStar a "
            "ON s.apstar_id = a.apstar_id ORDER BY s.apogee_id",
        )
    assert lines(body)[2:] == ["2Ma,10.0,4500.0,-9999.0", "2Mb,-9999.0,-9999.0,-9999.0"]


# ---------------------------------------------------------------- the process


def test_server_listens_on_loopback_only(server):
    assert server.address.startswith("http://127.0.0.1:")
    assert server._http.socket.getsockname()[0] == "127.0.0.1"


def test_leaves_no_trace(tiny):
    """A process that started a server, forked and queried it exits by itself, in silence."""
    (tiny / "catalogue.sqlite").unlink()
    code = f"""
import os, sys, urllib.request
from surveys.server import ArchiveServer
server = ArchiveServer({str(tiny)!r})
url = server.address + "/DR17/SkyServerWS/SearchTools/SqlSearch?format=csv&cmd=select+1+as+a"
answer = urllib.request.urlopen(url).read()
assert answer == b"#Table1\\na\\n1\\n", answer
child = os.fork()
assert urllib.request.urlopen(url).read() == answer
if child == 0:
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
print(server.scratch)
assert server.scratch.is_dir()
assert urllib.request.urlopen(url).read() == answer
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert not os.path.exists(done.stdout.strip())


def test_the_catalogue_is_read_while_a_writer_holds_it(tiny):
    writer = sqlite3.connect(tiny / "catalogue.sqlite", isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    with ArchiveServer(tiny) as server:
        assert ask(server, "SELECT count(*) AS n FROM apogeeStar")[0].status == 200
    writer.close()
