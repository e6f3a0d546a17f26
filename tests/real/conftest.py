"""Where the real data are; a test that needs them skips where they are absent."""

import os
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


def pytest_itemcollected(item):
    item.add_marker("measured")


def real_file(name: str) -> Path:
    """Return a file or folder of the real data, or skip the test.

    Parameters
    ----------
    name : str
        Relative to the real-data folder, such as "apogee/dr12_labels.csv".
    """
    folder = Path(os.environ.get("LABKIT_REAL") or ROOT.parent / "shared" / "real")
    path = folder / name
    if not path.exists():
        pytest.skip(f"needs shared/real: {path} is not there (set LABKIT_REAL)")
    return path


def folds(n: int, seed: int = 1, count: int = 5) -> list[np.ndarray]:
    """Share n rows out to folds at random; each is an array of n truths."""
    number = np.random.default_rng(seed).permutation(n) % count
    return [number == fold for fold in range(count)]


@pytest.fixture
def archive_folder(tmp_path, monkeypatch):
    """An empty archive folder of this test's own, chosen by LABKIT_ARCHIVE."""
    folder = tmp_path / "archive"
    (folder / "sas").mkdir(parents=True)
    monkeypatch.setenv("LABKIT_ARCHIVE", str(folder))
    monkeypatch.setenv("LABKIT_CACHE", str(tmp_path / "cache"))
    return folder
