"""Builds the whole simulated survey into a folder laid out like the SDSS archive.

``python -m helpers.mock.survey --compare A B`` says how two builds differ.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import shutil
import sqlite3
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from astropy.io import fits
from tqdm.auto import tqdm

from helpers import catalogue as schema
from helpers.mock import (
    SURVEY_VERSION,
    apogee,
    apogee_survey,
    fact_file,
    lamost_survey,
    mistfile,
    optical,
    sed,
)
from helpers.mock.catalogue import N_DUPLICATES, N_STARS
from helpers.mock.optical_interpolator import OpticalInterpolator, packed
from helpers.mock.synthesis import N_PIXELS, Labels
from helpers.mock.twins import differences

#: The tables of facts that the surveys are made from.
FACTS = (
    "lines_h_band.csv",
    "airglow_h_band.csv",
    "telluric_h_band.csv",
    "lines_optical.csv",
    "haze_optical.csv",
    "sky_optical.csv",
    "lamost_response.csv",
    "isochrones.csv",
    apogee_survey.CANNON,
)
_OPTICAL_SKY = "optical_interpolator.npz"


def fingerprint(seed: int) -> str:
    """Digest of everything the survey depends on: code, tables' columns, facts and the seed."""
    digest = hashlib.sha256(f"{SURVEY_VERSION} {seed}".encode())
    code = sorted(Path(__file__).parent.glob("*.py"))
    for path in [*code, Path(schema.__file__), *map(fact_file, FACTS)]:
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def is_current(root: Path, seed: int = 128) -> bool:
    """Whether `root` holds a complete survey made by the present code, facts and seed."""
    try:
        found = json.loads((Path(root) / "survey.json").read_text())
    except (OSError, json.JSONDecodeError):
        return False
    return found.get("fingerprint") == fingerprint(seed) and not found.get("limit")


@lru_cache(maxsize=1)
def _exact_optical() -> optical.OpticalSynthesizer:
    """One optical synthesizer per process."""
    return optical.OpticalSynthesizer()


@lru_cache(maxsize=1)
def _optical_sky(folder: Path) -> optical.OpticalSynthesizer | OpticalInterpolator:
    """What makes this build's optical spectra: its interpolator where one was trained."""
    path = folder / _OPTICAL_SKY
    return OpticalInterpolator.load(path) if path.exists() else _exact_optical()


def _packed_spectrum(labels: Labels) -> np.ndarray:
    """One exact optical spectrum, as the interpolator wants it.  Runs in a worker process."""
    return packed(*_exact_optical().spectrum(labels))


def _observe_lamost(folder: Path, job: lamost_survey.Job) -> dict[str, np.ndarray]:
    """Some LAMOST-like stars.  Runs in a worker process."""
    return lamost_survey.observe(job, _optical_sky(folder).spectrum)


def _make_seds(folder: Path, job: sed.Job) -> dict[str, np.ndarray]:
    """Some spectral energy distributions.  Runs in a worker process."""
    return sed.make(job, _optical_sky(folder).spectrum)


def _each(
    work: Callable,
    jobs: Sequence,
    workers: int,
    progress: bool,
    what: str,
    unit: str,
    chunksize: int = 16,
) -> Iterator:
    """Results of `work` on every job, in order, from this process or several."""
    bar: Callable = tqdm
    options = {"total": len(jobs), "desc": what, "unit": unit, "disable": not progress}
    if workers == 1:
        yield from bar(map(work, jobs), **options)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from bar(pool.map(work, jobs, chunksize=chunksize), **options)


def build(
    root: Path,
    seed: int = 128,
    jobs: int | None = None,
    progress: bool = True,
    limit: int | None = None,
) -> dict:
    """Make the embedded survey.

    Everything is written into a folder beside `root`, which then takes its place; an interrupted
    build leaves `root` as it was.

    Parameters
    ----------
    root : Path
        Where the survey goes, usually ``data/build``.
    seed : int
        Seed of the survey; the same seed gives the same survey however many processes work.
    jobs : int, optional
        Processes; default: as many as this process may use cores.
    progress : bool
        Show a progress bar.
    limit : int, optional
        Write only the files of the first so many rows (for tests); the tables are cut alike.

    Returns
    -------
    dict
        The content of survey.json.
    """
    root = Path(root)
    _refuse_foreign(root)
    start = time.perf_counter()
    workers = jobs or len(os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else [0])
    folder = root.with_name(f"{root.name}.making-{uuid.uuid4().hex[:8]}")
    # Exact optical spectra are slow: a cut survey makes a few.
    few = None if limit is None else max(2, limit // 12)

    def each(work: Callable, unit: str) -> Callable[[Sequence, str], Iterator]:
        here = partial(work, folder)
        return lambda some, what: _each(here, some, workers, progress, what, unit, 1)

    def everywhere(work: Callable, some: Sequence, what: str, unit: str) -> Iterator:
        return _each(work, some, workers, progress, what, unit)

    parts = Parts(folder)
    try:
        (folder / "products").mkdir(parents=True)
        with parts.measured("apogee") as counts:
            counts |= apogee_survey.build(folder, seed, everywhere, limit)
        with parts.measured("isochrones") as counts:
            counts |= mistfile.build(folder)
        with parts.measured("optical model") as counts:
            counts |= _train_optical(folder, workers, progress, limit)
        with parts.measured("lamost") as counts:
            run = each(_observe_lamost, "x40 stars")
            counts |= lamost_survey.build(folder, seed, run, few)
        with parts.measured("sed") as counts:
            counts |= sed.build(folder, seed, each(_make_seds, "x32 models"), few)
            (folder / _OPTICAL_SKY).unlink(missing_ok=True)
        summary = {
            "survey": f"simulated APOGEE-like and LAMOST-like surveys, {apogee.SIMULATED}",
            "seed": seed,
            "version": SURVEY_VERSION,
            "fingerprint": fingerprint(seed),
            "stars": parts.found["apogee"]["counts"]["stars"],
            "rows": parts.found["apogee"]["counts"]["rows"],
            "files": sum(1 for p in folder.rglob("*") if p.is_file()),
            "bytes": _size(folder),
            "seconds": round(time.perf_counter() - start, 1),
            "peak_memory_bytes": peak_memory(workers),
            "workers": workers,
            "parts": parts.found,
            "limit": limit,
        }
        (folder / "survey.json").write_text(json.dumps(summary, indent=2) + "\n")
        _replace(folder, root)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return summary


def _train_optical(folder: Path, workers: int, progress: bool, limit: int | None) -> dict[str, int]:
    """Train the optical interpolator, unless the survey is cut."""
    # Line profiles are compiled and bands added up here once, before the workers start.
    _packed_spectrum(Labels(5777.0, 4.44, 0.0))
    if limit is not None:
        return {"spectra": 0}
    made = []

    def spectra(plan: list[Labels]) -> Iterator[np.ndarray]:
        made.extend(plan)
        return _each(_packed_spectrum, plan, workers, progress, "optical models", "spectrum", 2)

    OpticalInterpolator.trained(spectra).save(folder / _OPTICAL_SKY)
    return {"spectra": len(made)}


class Parts:
    """What each part of a build took.

    Parameters
    ----------
    folder : Path
        Where the parts are written.

    Attributes
    ----------
    found : dict
        By part: seconds, bytes and counts.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.found: dict[str, dict] = {}

    @contextmanager
    def measured(self, name: str) -> Iterator[dict[str, int]]:
        """Measure what is done inside; put the part's counts in the dict."""
        start, before = time.perf_counter(), _size(self.folder)
        counts: dict[str, int] = {}
        yield counts
        self.found[name] = {
            "seconds": round(time.perf_counter() - start, 1),
            "bytes": _size(self.folder) - before,
            "counts": counts,
        }


def _size(folder: Path) -> int:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


def peak_memory(workers: int) -> int:
    """Memory that a build needed at most, bytes.

    The largest resident set of this process plus, for each worker, the largest that any had
    (`resource.getrusage`): an upper bound, for peaks need not coincide and pages may be shared.

    Parameters
    ----------
    workers : int
        Processes at work at a time; one means none beside this.
    """
    unit = 1 if sys.platform == "darwin" else 1024
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss if workers > 1 else 0
    return unit * (own + workers * child)


def _refuse_foreign(root: Path) -> None:
    if root.exists() and any(root.iterdir()) and not (root / "survey.json").exists():
        raise FileExistsError(
            f"{root} exists and is not a survey (no survey.json): move it away, or choose "
            "another folder"
        )


def _replace(folder: Path, root: Path) -> None:
    """Put a finished folder in the place of another."""
    old = None
    if root.exists():
        _refuse_foreign(root)
        old = root.with_name(f"{root.name}.old-{uuid.uuid4().hex[:8]}")
        root.rename(old)
    folder.rename(root)
    if old is not None:
        shutil.rmtree(old, ignore_errors=True)


def check(root: Path) -> dict:
    """Open a built survey and count; raises when something is missing.

    Returns
    -------
    dict
        rows, rows after the cuts, stars, and the files opened.

    Raises
    ------
    ValueError
        Naming what is wrong and what to do.
    """
    root = Path(root)
    advice = "rebuild it with `labkit data --rebuild`"
    if not (root / "survey.json").is_file():
        raise ValueError(f"no complete survey in {root} (survey.json is missing): {advice}")
    summary = json.loads((root / "survey.json").read_text())
    connection = sqlite3.connect(f"file:{root / 'catalogue.sqlite'}?mode=ro", uri=True)
    try:
        cuts = (
            "FROM apogeeStar s JOIN aspcapStar a ON s.apstar_id = a.apstar_id WHERE s.snr >= 50 "
            "AND a.teff > -9000 AND a.teff <= 5700 AND a.logg > -9000 AND a.logg <= 4 "
            "AND a.fe_h >= -1 AND a.mg_fe > -9000 AND a.si_fe > -9000"
        )
        kept, stars = connection.execute(
            f"SELECT COUNT(*), COUNT(DISTINCT s.apogee_id) {cuts}"
        ).fetchone()
        some = connection.execute(
            "SELECT telescope, field, apogee_id, nvisits FROM apogeeStar ORDER BY apogee_id LIMIT 3"
        ).fetchall()
        total = connection.execute("SELECT COUNT(*) FROM apogeeStar").fetchone()[0]
        optical_spectra = connection.execute("SELECT COUNT(*) FROM lamost").fetchone()[0]
    finally:
        connection.close()
    if not summary["limit"] and (kept, stars) != (N_STARS + N_DUPLICATES, N_STARS):
        raise ValueError(f"the cuts leave {kept} rows and {stars} stars in {root}: {advice}")
    for telescope, field, name, visits in some:
        path = root / apogee_survey.STARS / telescope / field / f"apStar-dr17-{name}.fits.gz"
        with fits.open(path) as file:
            shape = file[1].data.shape
        wanted = (N_PIXELS,) if visits == 1 else (visits + 2, N_PIXELS)
        if shape != wanted:
            raise ValueError(f"{path} holds {shape}, {wanted} expected: {advice}")
    _check_stacks(root, summary, optical_spectra, advice)
    return {
        "rows": total,
        "after_cuts": kept,
        "stars": stars,
        "opened": len(some),
        "optical_spectra": optical_spectra,
    }


def _check_stacks(root: Path, summary: dict, listed: int, advice: str) -> None:
    """Whether the optical products hold as many spectra as were made."""
    made = {
        product: (number, array)
        for part, array in (("lamost", "flux_scale"), ("sed", "labels"))
        for product, number in summary["parts"][part]["counts"].items()
    }
    for product, (number, array) in made.items():
        with np.load(root / "products" / f"{product}.npz") as file:
            found = len(file[array])
        if found != number:
            raise ValueError(f"product {product} in {root} holds {found} of {number}: {advice}")
    if listed != sum(number for product, (number, _) in made.items() if "lamost" in product):
        raise ValueError(f"table lamost in {root} lists {listed} spectra: {advice}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare two builds; the exit code is 1 when anything differs by more than 1e-6."""
    parser = argparse.ArgumentParser(description="Compare two builds of the survey.")
    parser.add_argument("--compare", nargs=2, type=Path, required=True, metavar="FOLDER")
    found = differences(*parser.parse_args(arguments).compare)
    for name, worst in sorted(found.items(), key=lambda item: -item[1])[:40]:
        sys.stdout.write(f"{worst:9.2e}  {name}\n")
    worst = max(found.values(), default=0.0)
    sys.stdout.write(f"{len(found)} arrays differ, by {worst:.2e} at most\n")
    return int(worst > 1e-6)


if __name__ == "__main__":
    sys.exit(main())
