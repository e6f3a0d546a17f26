"""How fast `archive.fetch` is, against the plain ways, on the same files of the same server.

Prints ratios: seconds of each way over those of `archive.fetch`, all in this run, and writes
``build/bench/download.json``. Every way ends with the files on disk and opened once.
"""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

FILES = 200
ROOT = Path(__file__).resolve().parents[1]


def some_paths(count: int) -> list[str]:
    from surveys.folders import survey_folder

    query = "SELECT telescope, field, apogee_id FROM apogeeStar ORDER BY apstar_id LIMIT ?"
    with sqlite3.connect(survey_folder() / "catalogue.sqlite") as catalogue:
        rows = catalogue.execute(query, (count,)).fetchall()
    stars = "dr17/apogee/spectro/redux/dr17/stars"
    return [f"{stars}/{t}/{f}/apStar-dr17-{name}.fits" for t, f, name in rows]


def with_fetch(sas: str, paths: Sequence[str], folder: Path) -> None:
    from helpers import archive

    archive.fetch(paths, progress=False)


def with_requests(sas: str, paths: Sequence[str], folder: Path) -> None:
    """A session in a loop, nothing checked but that astropy can open the file."""
    import requests
    from astropy.io import fits

    with requests.Session() as session:
        for path in paths:
            target = folder / Path(path).name
            target.write_bytes(session.get(f"{sas}/{path}", timeout=30).content)
            with fits.open(target) as hdus:
                len(hdus)


def with_astropy(sas: str, paths: Sequence[str], folder: Path) -> None:
    """astropy's own download_file, one address after the other."""
    from astropy.io import fits
    from astropy.utils.data import download_file

    for path in paths:
        with fits.open(download_file(f"{sas}/{path}", cache=False, show_progress=False)) as hdus:
            len(hdus)


def seconds(way: Callable[[str, Sequence[str], Path], None], paths: Sequence[str]) -> float:
    from helpers import archive

    with tempfile.TemporaryDirectory(prefix="labkit-bench-") as folder:
        os.environ["LABKIT_CACHE"] = folder
        sas = archive.current().sas
        started = time.perf_counter()
        way(sas, paths, Path(folder))
        return time.perf_counter() - started


def main() -> None:
    paths = some_paths(FILES)
    ways = {"archive.fetch": with_fetch, "requests loop": with_requests, "astropy": with_astropy}
    best = {name: min(seconds(way, paths) for _ in range(3)) for name, way in ways.items()}
    table = {
        name: {"seconds": round(value, 2), "over fetch": round(value / best["archive.fetch"], 2)}
        for name, value in best.items()
    }
    out = ROOT / "build" / "bench"
    out.mkdir(parents=True, exist_ok=True)
    (out / "download.json").write_text(json.dumps({"files": FILES, "ways": table}, indent=1))
    print(f"{FILES} apStar files over loopback, best of 3")
    for name, row in table.items():
        print(f"  {name:14s} {row['seconds']:6.2f} s   {row['over fetch']:5.2f} x")


if __name__ == "__main__":
    main()
