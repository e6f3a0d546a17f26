"""The solved labs, run once for all tests of this room."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from labkit import ROOT

#: runs a command with no network but loopback
OFFLINE = ["unshare", "-rn", sys.executable, str(Path(__file__).parent / "offline.py")]


def pytest_itemcollected(item):
    item.add_marker("labs")
    item.add_marker("measured")


@pytest.fixture(scope="session")
def walkthrough():
    """`labkit walkthrough` from nothing in an empty network namespace; its summary by lab."""
    shutil.rmtree(ROOT / "build" / "walkthrough", ignore_errors=True)
    labkit = [sys.executable, "-m", "labkit.cli", "walkthrough"]
    run = subprocess.run([*OFFLINE, *labkit], cwd=ROOT, capture_output=True, text=True)
    print(run.stdout[-3000:])
    assert run.returncode == 0, run.stderr[-6000:]
    rows = json.loads((ROOT / "build" / "walkthrough" / "summary.json").read_text())
    return {row["lab"]: row for row in rows}


@pytest.fixture(scope="session")
def products(walkthrough):
    folder = ROOT / "build" / "run" / "products"
    return {path.stem: dict(np.load(path)) for path in folder.glob("*.npz")}
