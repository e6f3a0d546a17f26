"""Downloads from servers that truncate, stall, lie and die: no broken file is ever kept.

Each test ends with a healthy server, which must complete the job and be asked only for what was
missing.
"""

import gzip
import os
import re
import signal
import time
from pathlib import Path

import pytest

from surveys.download import CONNECTIONS, ArchiveError, Patience, Rejected, download
from surveys.formats.apstar import ApogeeFileError, check_fits
from tests.tiny_archive import apstar_bytes

NAMES = [f"stars/apStar-{number:02d}.fits" for number in range(8)]
GOOD = apstar_bytes(rows=3)
HTML = b"<!DOCTYPE html><html><body><h1>503 Service Unavailable</h1></body></html>"
QUICK = Patience(attempts=2, backoff=0.01, connect=2, stall=0.3, give_up_after=50)


def check(path, _name):
    try:
        check_fits(path, spectrum=True)
    except ApogeeFileError as error:
        raise Rejected(str(error)) from error


def fetch(server, folder, names=NAMES, patience=QUICK, **options):
    options = {"check": check, "service": "the science archive", "progress": False} | options
    return download(server.address, names, Path(folder), patience=patience, **options)


def files_in(folder):
    return sorted(str(p.relative_to(folder)) for p in Path(folder).rglob("*.fits"))


def healthy(handler, _number):
    handler.reply(GOOD)


def truncates(handler):
    handler.reply(GOOD, send=20_000)
    if handler.command == "GET":
        handler.hang_up()


def truncates_quietly(handler):
    handler.reply(GOOD[: 2880 * 20])


def says_too_much(handler):
    handler.reply(GOOD, length=len(GOOD) + 5760)
    if handler.command == "GET":
        handler.hang_up()


def says_too_little(handler):
    handler.reply(GOOD, length=2880 * 14)
    handler.close_connection = True


def head_lies(handler):
    handler.reply(GOOD + bytes(2880) if handler.command == "HEAD" else GOOD)


def no_length_and_cut(handler):
    handler.send_response(200)
    handler.end_headers()
    if handler.command == "GET":
        handler.wfile.write(GOOD[:50_000])
    handler.close_connection = True


def stalls(handler):
    handler.reply(GOOD, send=20_000)
    if handler.command == "GET":
        time.sleep(1)


def silent(handler):
    time.sleep(1)


def hangs_up(handler):
    handler.hang_up()


def hangs_up_midway(handler):
    if handler.command == "HEAD":
        handler.reply(GOOD)
    else:
        handler.reply(GOOD, send=len(GOOD) // 2)
        handler.hang_up()


def busy(handler):
    handler.reply(HTML, status=503, kind="text/html")


def page_with_200(handler):
    handler.reply(HTML, kind="text/html")


def json_with_200(handler):
    handler.reply(b'{"ErrorCode": 500, "ErrorMessage": "x"}', kind="application/json")


def empty(handler):
    handler.reply(b"")


def wrong_pixels(handler):
    handler.reply(apstar_bytes(rows=3, pixels=8574))


def noise(handler):
    handler.reply(bytes(range(256)) * 200)


FAULTS = {
    truncates: "ClientPayloadError|bytes arrived",
    truncates_quietly: "not a complete FITS|missing",
    says_too_much: "ClientPayloadError|announced",
    says_too_little: "not a complete FITS|missing|announced|ClientResponseError|Reset",
    head_lies: "announced",
    no_length_and_cut: "not a complete FITS|missing",
    stalls: "no answer in time",
    silent: "no answer in time",
    hangs_up: "Disconnected|Reset|OSError",
    hangs_up_midway: "ClientPayloadError|Reset",
    busy: "HTTP status 503",
    page_with_200: r"the answer was a web page \(HTML\)",
    json_with_200: "the answer was a JSON message",
    empty: "the answer was nothing at all",
    wrong_pixels: "8574 pixels, 8575 expected",
    noise: "not a complete FITS",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_no_broken_file_is_kept_and_the_rerun_completes(fault, faulty, tmp_path):
    def behave(handler, _number):
        if int(handler.path[-7:-5]) < 6:
            handler.reply(GOOD)
        else:
            fault(handler)

    bad = faulty(behave)
    with pytest.raises(ArchiveError) as caught:
        fetch(bad, tmp_path)
    message = str(caught.value)
    assert message.startswith("2 of 8 files did not come from the science archive")
    assert f"{bad.address}/stars/apStar-06.fits: " in message
    assert "run the cell again" in message
    assert re.search(FAULTS[fault], message), message
    assert len(message) < 1500
    assert files_in(tmp_path) == NAMES[:6]
    for name in NAMES[:6]:
        assert (tmp_path / name).read_bytes() == GOOD
    assert not list((tmp_path / ".partial").iterdir())

    good = faulty(healthy)
    assert fetch(good, tmp_path) == [tmp_path / name for name in NAMES]
    assert sorted(good.fetched) == ["/stars/apStar-06.fits", "/stars/apStar-07.fits"]
    assert files_in(tmp_path) == NAMES


@pytest.mark.parametrize("fault", [busy, truncates, hangs_up, page_with_200, stalls])
def test_a_fault_that_passes_is_not_seen(fault, faulty, tmp_path):
    seen = set()

    def behave(handler, _number):
        key = (handler.command, handler.path)
        first = key not in seen
        seen.add(key)
        fault(handler) if first else handler.reply(GOOD)

    server = faulty(behave)
    patience = Patience(attempts=4, backoff=0.01, connect=2, stall=0.3, give_up_after=50)
    assert len(fetch(server, tmp_path, patience=patience)) == 8
    assert files_in(tmp_path) == NAMES


def test_what_will_not_come_is_not_asked_for_again(faulty, tmp_path):
    server = faulty(lambda h, n: h.reply(HTML, status=404))
    with pytest.raises(ArchiveError, match="404"):
        fetch(server, tmp_path)
    assert len(server.fetched) == 8


def test_a_dead_service_is_left_alone(faulty, tmp_path):
    names = [f"stars/apStar-{number:04d}.fits" for number in range(300)]
    server = faulty(lambda h, n: h.reply(HTML, status=503))
    patience = Patience(attempts=3, backoff=0.01, connect=2, stall=0.3, give_up_after=8)
    with pytest.raises(ArchiveError) as caught:
        fetch(server, tmp_path, names, patience)
    assert "300 of 300" in str(caught.value)
    assert "... and 297 more" in str(caught.value)
    assert len(server.fetched) <= 3 * (8 + CONNECTIONS)


def test_nobody_listens(faulty, tmp_path):
    server = faulty(healthy)
    server.close()
    with pytest.raises(ArchiveError, match=r"8 of 8[\s\S]*Cannot connect"):
        fetch(server, tmp_path)


def test_at_most_four_connections(faulty, tmp_path):
    def behave(handler, _number):
        time.sleep(0.01)
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(GOOD)))
        handler.send_header("Accept-Ranges", "bytes")  # an invitation to split the file
        handler.end_headers()
        if handler.command == "GET":
            assert "Range" not in handler.headers
            handler.wfile.write(GOOD)

    server = faulty(behave)
    fetch(server, tmp_path, [f"stars/apStar-{number:02d}.fits" for number in range(30)])
    assert 1 < server.most_at_once <= CONNECTIONS == 4
    assert len(server.fetched) == 30


def test_uncompressed_is_asked_for_and_compressed_is_understood(faulty, tmp_path):
    asked = []

    def behave(handler, _number):
        asked.append(handler.headers["Accept-Encoding"])
        body = gzip.compress(GOOD, 1)
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if handler.command == "GET":
            handler.wfile.write(body)

    fetch(faulty(behave), tmp_path)
    assert set(asked) == {"identity"}
    assert (tmp_path / NAMES[0]).read_bytes() == GOOD


def test_an_interrupt_keeps_what_came(faulty, tmp_path):
    """The stop button of a notebook: at once, nothing half done, and the rerun goes on."""

    def behave(handler, _number):
        if int(handler.path[-7:-5]) < 3:
            handler.reply(GOOD)
            return
        if handler.path == "/stars/apStar-03.fits":
            while len(files_in(tmp_path)) < 3:
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)

    patience = Patience(attempts=3, stall=600)
    with pytest.raises(KeyboardInterrupt):
        fetch(faulty(behave), tmp_path, patience=patience)
    assert files_in(tmp_path) == NAMES[:3]
    assert not list((tmp_path / ".partial").iterdir())
    good = faulty(healthy)
    fetch(good, tmp_path)
    assert len(good.fetched) == 5


def test_a_full_disk_ends_in_an_error(faulty, tmp_path, monkeypatch):
    """Without care parfive waits for ever for the writer that died."""
    import parfive

    async def write(self, queue, file_pb, filepath):
        await queue.get()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parfive.Downloader, "_write_worker", write)
    server = faulty(healthy)
    with pytest.raises(ArchiveError, match="No space left on device"):
        fetch(server, tmp_path)
    assert files_in(tmp_path) == []


def test_a_cache_that_cannot_be_made(faulty, tmp_path):
    (tmp_path / "file").write_text("")
    server = faulty(healthy)
    with pytest.raises(ArchiveError, match="LABKIT_CACHE"):
        fetch(server, tmp_path / "file" / "cache")
    assert server.requests == []


def test_two_processes_at_once(faulty, tmp_path):
    """Drafts of two kernels do not meet, and both see whole files."""
    from concurrent.futures import ThreadPoolExecutor

    server = faulty(healthy)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(fetch, server, tmp_path) for _ in range(2)]
        assert both[0].result() == both[1].result()
    for name in NAMES:
        assert (tmp_path / name).read_bytes() == GOOD


def test_a_file_in_place_survives_a_failed_refetch(faulty, tmp_path):
    fetch(faulty(healthy), tmp_path)
    damaged = tmp_path / NAMES[0]
    damaged.write_bytes(GOOD[:9000])
    with pytest.raises(ArchiveError):
        fetch(faulty(lambda h, n: busy(h)), tmp_path)
    assert damaged.read_bytes() == GOOD[:9000]
    with pytest.raises(ApogeeFileError):
        check_fits(damaged, spectrum=True)
