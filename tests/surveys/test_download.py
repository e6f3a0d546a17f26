"""Downloads from servers that truncate, stall, lie and die: no broken file is ever kept.

Each test ends with a healthy server, which must complete the job and be asked only for what was
missing.
"""

import gzip
import io
import os
import re
import signal
import subprocess
import sys
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
    truncates: "20000 bytes arrived of the 748800 announced",
    truncates_quietly: "not a complete FITS|missing",
    says_too_much: "748800 bytes arrived of the 754560 announced",
    says_too_little: "not a complete FITS|missing|announced|Reset",
    no_length_and_cut: "not a complete FITS|missing",
    stalls: "no answer in time",
    silent: "no answer in time",
    hangs_up: "Disconnected|Reset|OSError",
    hangs_up_midway: "374400 bytes arrived of the 748800 announced",
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
    with pytest.raises(ArchiveError, match=r"404.*no such file at this address") as caught:
        fetch(server, tmp_path)
    assert "Check the paths" in str(caught.value)
    assert not re.search("network|wait|again", str(caught.value))
    assert len(server.fetched) == 8


def test_only_the_files_are_asked_for(faulty, tmp_path):
    """What a server would say of a file before sending it is not asked, and so may be wrong."""
    server = faulty(lambda h, n: head_lies(h))
    fetch(server, tmp_path)
    assert sorted(server.requests) == [("GET", f"/{name}") for name in NAMES]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed(status, faulty, tmp_path):
    other = faulty(healthy)
    server = faulty(lambda h, n: redirect(h, status, f"{other.address}/moved{h.path}"))
    fetch(server, tmp_path)
    assert sorted(other.fetched) == [f"/moved/{name}" for name in NAMES]
    assert files_in(tmp_path) == NAMES


def test_a_login_page_is_no_file(faulty, tmp_path):
    """A proxy of a guest network sends everyone to its page, with status 200."""
    portal = faulty(lambda h, n: page_with_200(h))
    server = faulty(lambda h, n: redirect(h, 302, f"{portal.address}/login"))
    with pytest.raises(ArchiveError, match=r"the answer was a web page \(HTML\)"):
        fetch(server, tmp_path)
    assert files_in(tmp_path) == []


def test_a_redirect_in_a_circle_ends(faulty, tmp_path):
    server = faulty(lambda h, n: redirect(h, 302, h.path))
    with pytest.raises(ArchiveError, match="TooManyRedirects"):
        fetch(server, tmp_path, NAMES[:1])


def redirect(handler, status, address):
    handler.send_response(status)
    handler.send_header("Location", address)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


@pytest.mark.parametrize(
    ("said", "longest", "pause"), [("1", 60, 1.0), ("3600", 0.5, 0.5), ("soon", 60, 0.0)]
)
def test_a_busy_service_is_given_its_pause(said, longest, pause, faulty, tmp_path):
    names = [f"stars/apStar-{number:02d}.fits" for number in range(30)]
    times = []

    def behave(handler, number):
        times.append(time.monotonic())
        if number > 1:
            handler.reply(GOOD)
            return
        handler.send_response(429)
        handler.send_header("Retry-After", said)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    patience = Patience(attempts=2, backoff=0.01, connect=2, stall=5, longest_pause=longest)
    assert len(fetch(faulty(behave), tmp_path, names, patience)) == 30
    first = sorted(times)
    assert len(first) == 31
    # the other three connections may each have begun one more file
    assert sum(at < first[0] + pause for at in first) <= 2 * CONNECTIONS
    assert first[-1] < first[0] + pause + 5


def test_a_dead_service_is_left_alone(faulty, tmp_path):
    names = [f"stars/apStar-{number:04d}.fits" for number in range(300)]
    server = faulty(lambda h, n: h.reply(HTML, status=503))
    patience = Patience(attempts=3, backoff=0.01, connect=2, stall=0.3, give_up_after=8)
    with pytest.raises(ArchiveError) as caught:
        fetch(server, tmp_path, names, patience)
    assert "300 of 300" in str(caught.value)
    assert "... and 297 more" in str(caught.value)
    assert len(server.fetched) <= 3 * (8 + CONNECTIONS)


def test_service_that_does_not_listen_is_named(faulty, tmp_path):
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
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        fetch(faulty(behave), tmp_path, patience=patience)
    assert time.monotonic() < started + 4
    assert files_in(tmp_path) == NAMES[:3]
    assert not list((tmp_path / ".partial").iterdir())
    good = faulty(healthy)
    fetch(good, tmp_path)
    assert len(good.fetched) == 5


def test_an_interrupted_script_ends(faulty, tmp_path):
    """Though the service is silent, and has much longer to answer."""
    server = faulty(lambda h, n: time.sleep(30))
    code = f"""
from pathlib import Path
from surveys.download import Patience, download
download("{server.address}", ["a", "b"], Path({str(tmp_path)!r}), check=print, service="x",
         progress=False, patience=Patience(stall=30))
"""
    script = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    try:
        while len(server.requests) < 2 and script.poll() is None:
            time.sleep(0.01)
        script.send_signal(signal.SIGINT)
        _, said = script.communicate(timeout=15)
    finally:
        script.kill()
    assert said.endswith("KeyboardInterrupt\n")


def test_a_full_disk_ends_in_an_error(faulty, tmp_path, monkeypatch):
    class FullDisk(io.BytesIO):
        def write(self, data):
            raise OSError(28, "No space left on device")

    plain = Path.open

    def open_(path, mode="r", **options):
        return FullDisk() if mode == "wb" else plain(path, mode, **options)

    names = [f"stars/apStar-{number:04d}.fits" for number in range(100)]
    server = faulty(healthy)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", open_)
        with pytest.raises(ArchiveError, match=r"No space left on device.*LABKIT_CACHE"):
            fetch(server, tmp_path, names)
    assert len(server.fetched) < 20  # the other files would not fit either
    assert files_in(tmp_path) == []
    assert not list((tmp_path / ".partial").iterdir())


def test_a_file_that_is_open_elsewhere_is_put_in_place_later(faulty, tmp_path, monkeypatch):
    """Windows refuses to rename a file while another program reads it."""
    plain, refused = os.replace, set()

    def replace(source, target):
        if target not in refused:
            refused.add(target)
            raise PermissionError(13, "The process cannot access the file")
        plain(source, target)

    monkeypatch.setattr(os, "replace", replace)
    server = faulty(healthy)
    fetch(server, tmp_path)
    assert files_in(tmp_path) == NAMES
    assert len(server.fetched) == 16


def test_a_folder_that_may_not_be_written_is_named(faulty, tmp_path, monkeypatch):
    def replace(source, target):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(ArchiveError) as caught:
        fetch(faulty(healthy), tmp_path)
    assert f"could not be put into {tmp_path / 'stars'} (Permission denied)" in str(caught.value)


def test_drafts_of_a_killed_process_are_removed(faulty, tmp_path):
    for name, age in [("old", 2 * 86400), ("young", 60)]:
        (tmp_path / ".partial" / name).mkdir(parents=True)
        (tmp_path / ".partial" / name / "000000").write_bytes(GOOD)
        os.utime(tmp_path / ".partial" / name, (time.time() - age,) * 2)
    fetch(faulty(healthy), tmp_path)
    assert [path.name for path in (tmp_path / ".partial").iterdir()] == ["young"]


@pytest.fixture
def proxy(faulty, monkeypatch):
    """A proxy that answers all requests itself."""
    server = faulty(healthy)
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, server.address)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    return server


def test_the_proxy_is_asked_for_what_is_elsewhere(proxy, tmp_path):
    options = {"check": check, "service": "x", "progress": False, "patience": QUICK}
    download("http://archive.invalid", NAMES, tmp_path, **options)
    assert sorted(proxy.fetched) == [f"http://archive.invalid/{name}" for name in NAMES]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_proxy_is_not_asked_for_what_is_here(host, proxy, faulty, tmp_path):
    server = faulty(healthy)
    server.address = server.address.replace("127.0.0.1", host)
    fetch(server, tmp_path)
    assert len(server.fetched) == 8
    assert proxy.requests == []


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


def test_it_knows_no_survey_and_loads_nothing():
    code = "import sys, surveys.download; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    own = {name for name in loaded if name.startswith(("surveys.", "helpers"))}
    assert own == {"surveys.download", "surveys.errors"}
    assert not loaded & {"requests", "urllib3", "tqdm", "numpy"}
