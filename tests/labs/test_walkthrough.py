"""The solved labs, run and graded as the README says, with all network but loopback taken away."""

import subprocess
import sys

import pytest

from labkit import ROOT, lab_source

from .conftest import OFFLINE

LABS = lab_source.labs()


def test_the_network_is_really_gone():
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=2)"
    run = subprocess.run([*OFFLINE, sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode != 0
    assert "Network is unreachable" in run.stderr


@pytest.mark.parametrize("slug", LABS)
def test_lab_runs_and_is_graded(slug, walkthrough):
    row = walkthrough[slug]
    print(f"\n{row}")
    assert row["points_model"] == row["points_max"] > 0
    assert row["points_blank"] == 0
    assert row["peak_rss_mb"] <= 2048
    assert row["figures"] >= 5


@pytest.mark.parametrize("slug", LABS)
def test_the_book_shows_the_lab(slug, walkthrough):
    book = ROOT / "build" / "walkthrough"
    page = (book / f"{slug}.html").read_text()
    assert page.count("<img ") >= walkthrough[slug]["figures"]
    assert 'alt="No description' not in page
    assert "HIDDEN TESTS" not in page
    assert "Traceback" not in page
    assert f'href="{slug}.html"' in (book / "index.html").read_text()


def test_a_second_run_redoes_nothing(walkthrough):
    labkit = [sys.executable, "-m", "labkit.cli", "walkthrough"]
    run = subprocess.run([*OFFLINE, *labkit], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0
    assert run.stdout.count("nothing changed, kept") == len(LABS)
    assert "running the solved lab" not in run.stdout
