"""Build the whole simulated survey into a folder laid out like the SDSS archive.

What was planted in it, the truth, goes to the folder ``truth`` beside it, which no archive serves.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from skysim import PUBLIC_SEED, SURVEY_VERSION
from skysim.spectra import optical
from skysim.spectra.optical_fast import OpticalInterpolator, packed
from skysim.stars.labels import Labels
from skysim.survey import apogee_files, apogee_survey, lamost_survey, mistfile, sed
from surveys import fingerprints
from surveys.folders import fact_file

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
_OPTICAL_INTERPOLATOR = "optical_interpolator.npz"


def seed_of(secret: str) -> int:
    """Return the seed of the survey: the public one, or that of a course with a secret.

    Parameters
    ----------
    secret : str
        Known to the instructors of one course only; "" for the public survey.

    Returns
    -------
    int
        With a secret the whole sky is drawn anew: the same kinds of stars, but other stars, another
        mystery star, other noise. Nothing of it follows from what is public.
    """
    if not secret:
        return PUBLIC_SEED
    return int.from_bytes(hashlib.sha256(f"survey {secret}".encode()).digest()[:8], "big")


def fingerprint(seed: int = PUBLIC_SEED) -> str:
    """Digest of what the survey depends on: code, tables of facts and seed."""
    return fingerprints.digest(
        [__name__], ("skysim", "surveys"), [fact_file(name) for name in FACTS], str(seed)
    )


def is_current(root: Path, seed: int = PUBLIC_SEED) -> bool:
    """Whether `root` holds a complete survey made by the present code, facts and seed."""
    try:
        found = json.loads((Path(root) / "survey.json").read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return False
    return found.get("fingerprint") == fingerprint(seed) and not found.get("limit")


@lru_cache(maxsize=1)
def _exact_optical() -> optical.OpticalSynthesizer:
    """One optical synthesizer per process."""
    return optical.OpticalSynthesizer()


@lru_cache(maxsize=1)
def _optical_spectrum_maker(folder: Path) -> optical.OpticalSynthesizer | OpticalInterpolator:
    """The source of this build's optical spectra: its interpolator if one was trained."""
    path = folder / _OPTICAL_INTERPOLATOR
    return OpticalInterpolator.load(path) if path.exists() else _exact_optical()


def _packed_spectrum(labels: Labels) -> np.ndarray:
    """One exact optical spectrum, packed for interpolation.  Runs in a worker process."""
    return packed(*_exact_optical().spectrum(labels))


def _observe_lamost(folder: Path, job: lamost_survey.Job) -> dict[str, np.ndarray]:
    """Observe the LAMOST-like stars of one job.  Runs in a worker process."""
    return lamost_survey.observe(job, _optical_spectrum_maker(folder).spectrum)


def _make_seds(folder: Path, job: sed.Job) -> dict[str, np.ndarray]:
    """Make the spectral energy distributions of one job.  Runs in a worker process."""
    return sed.make(job, _optical_spectrum_maker(folder).spectrum)


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
    seed: int = PUBLIC_SEED,
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
        Where the survey goes, usually ``data/build``; its truth goes to ``truth`` beside it.
    seed : int
        Seed of the survey (see `seed_of`); the same seed gives the same survey however many
        processes work.
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
        # students with an account on this machine must not read it
        (folder / "truth").mkdir(mode=0o700)
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
            (folder / _OPTICAL_INTERPOLATOR).unlink(missing_ok=True)
        summary = {
            "survey": f"simulated APOGEE-like and LAMOST-like surveys, {apogee_files.SIMULATED}",
            "public": seed == PUBLIC_SEED,
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
        (folder / "survey.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
        _replace(folder / "truth", root.with_name("truth"))
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

    OpticalInterpolator.trained(spectra).save(folder / _OPTICAL_INTERPOLATOR)
    return {"spectra": len(made)}


class Parts:
    """Seconds, bytes and counts of each part of a build.

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
    """Upper bound of the peak memory of a build, bytes.

    The largest resident set of this process plus, for each worker, the largest that any had
    (`resource.getrusage`): an upper bound, for peaks need not coincide and pages may be shared.
    0 on Windows, which does not tell.

    Parameters
    ----------
    workers : int
        Processes at work at a time; one means none beside this.
    """
    try:
        import resource  # not on Windows
    except ImportError:
        return 0
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


def _replace(folder: Path, place: Path) -> None:
    """Put a finished folder in the place of another."""
    old = None
    if place.exists():
        old = place.with_name(f"{place.name}.old-{uuid.uuid4().hex[:8]}")
        place.rename(old)
    folder.rename(place)
    if old is not None:
        shutil.rmtree(old, ignore_errors=True)
