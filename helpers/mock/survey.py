"""Builds the whole simulated survey into a folder laid out like the SDSS archive."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from pathlib import Path

import numpy as np
from astropy.io import fits
from tqdm.auto import tqdm

from helpers.mock import SURVEY_VERSION, apogee, fact_file, tables
from helpers.mock.catalogue import (
    N_DUPLICATES,
    N_STARS,
    Row,
    build_population,
    decorrelated_rows,
    mystery_row,
)
from helpers.mock.continuum import continuum_pixels
from helpers.mock.fitsfile import round_mantissa, write_gzip
from helpers.mock.interpolator import Interpolator
from helpers.mock.synthesis import N_PIXELS, Labels, Synthesizer, wavelength_grid

STARS = Path("sas/dr17/apogee/spectro/redux/dr17/stars")
ASPCAP = Path("sas/dr17/apogee/spectro/aspcap/dr17/synspec_rev1")
#: A star that is in no table, as the course hands it out for lab 5.
MYSTERY = Path("sas/labkit/mystery_spec_wiped.fits.gz")
#: What a trained Cannon leaves behind; written by `labkit reference`, never here.
CANNON = "reference/03_cannon.npz"
FACTS = ("lines_h_band.csv", "airglow_h_band.csv", "telluric_h_band.csv", CANNON)
#: The stacks of spectra the later labs start from: coadds, and the same normalised.
STACKS = ("flux", "error", "normalised_flux", "normalised_error")
#: With fewer rows than this, exact spectra cost less than training an interpolator.
WORTH_TRAINING = 400
_SKY = "interpolator.npz"


def fingerprint(seed: int) -> str:
    """Digest of everything the survey depends on: this room's code, its facts and the seed."""
    digest = hashlib.sha256(f"{SURVEY_VERSION} {seed}".encode())
    sources = sorted(Path(__file__).parent.glob("*.py")) + [fact_file(n) for n in FACTS]
    for path in sources:
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
def _exact() -> Synthesizer:
    """One synthesizer per process."""
    return Synthesizer()


@lru_cache(maxsize=1)
def _sky(folder: Path) -> Synthesizer | Interpolator:
    """What makes this build's spectra: its interpolator where one was trained."""
    path = folder / _SKY
    return Interpolator.load(path) if path.exists() else _exact()


def _fine_spectrum(labels: Labels) -> np.ndarray:
    """One exact spectrum.  Runs in a worker process."""
    return _exact().fine_spectrum(labels).astype(np.float32)


def _write_star(job: tuple[str, Row, int, int | None]) -> int:
    """Write the files of one row; returns bytes on disk.  Runs in a worker process."""
    root, row, seed, slot = job
    folder = Path(root)
    synthesizer = _sky(folder)
    spectra = apogee.observe(row, synthesizer, seed)
    name = f"dr17-{row.apogee_id}.fits.gz"
    size = write_gzip(
        folder / STARS / row.path / f"apStar-{name}", apogee.apstar_bytes(row, spectra)
    )
    arrays = apogee.aspcap_arrays(row, spectra, synthesizer, seed)
    size += write_gzip(
        folder / ASPCAP / row.path / f"aspcapStar-{name}", apogee.aspcap_bytes(row, arrays)
    )
    if slot is not None:
        bad = _bad_pixels(spectra)
        error = np.where(bad, apogee.EMPTY_ERROR, round_mantissa(spectra.error[0], 6))
        data = (round_mantissa(spectra.flux[0], 11), error, *_normalised(arrays, bad))
        for file, values in zip(STACKS, data, strict=True):
            stack = np.load(folder / f"{file}.npy", mmap_mode="r+")
            stack[slot] = values
            stack.flush()
    return size


def _bad_pixels(spectra: apogee.Spectra) -> np.ndarray:
    """Pixels (8575,) of the coadd that the sheet's choice of mask bits gives up."""
    return (spectra.mask[0] & (apogee.BAD_BITS | apogee.SKYLINE_BIT)) > 0


def _normalised(arrays: tuple, bad: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Flux and error of an aspcapStar file as labs hand them on: 1 and 1e10 where unknown."""
    flux, error, _ = arrays
    unknown = bad | (flux == 0)
    flux = np.where(unknown, 1.0, round_mantissa(flux, 11))
    return flux, np.where(unknown, apogee.EMPTY_ERROR, round_mantissa(error, 6))


def _normalised_spectrum(job: tuple[str, Row, int]) -> tuple[np.ndarray, np.ndarray]:
    """Normalised flux and error (8575,) of a star without files.  Runs in a worker process."""
    root, row, seed = job
    synthesizer = _sky(Path(root))
    spectra = apogee.observe(row, synthesizer, seed)
    arrays = apogee.aspcap_arrays(row, spectra, synthesizer, seed)
    return _normalised(arrays, _bad_pixels(spectra))


def _write_decorrelated(folder: Path, rows: list[Row], spectra: list) -> None:
    """Lab 6's examination: spectra and true labels of stars in which nothing goes with anything."""
    flux, error = (np.array(part, np.float32) for part in zip(*spectra, strict=True))
    _save_fast(
        folder / "products" / "06_decorrelated.npz",
        {
            "labels": np.array([[getattr(r.truth, n) for n in tables.LABELS] for r in rows]),
            "label_names": np.array([n.upper() for n in tables.LABELS]),
            "wavelength": wavelength_grid(),
            "flux": flux,
            "error": error,
        },
    )


def _write_mystery(folder: Path, row: Row, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Write the mystery star's file; returns its normalised flux and error, each (8575,)."""
    synthesizer = _sky(folder)
    spectra = apogee.observe(row, synthesizer, seed)
    (folder / MYSTERY).parent.mkdir(parents=True)
    write_gzip(folder / MYSTERY, apogee.wiped_bytes(spectra))
    arrays = apogee.aspcap_arrays(row, spectra, synthesizer, seed)
    return _normalised(arrays, _bad_pixels(spectra))


def _each(
    work: Callable, jobs: Sequence, workers: int, progress: bool, what: str, unit: str
) -> Iterator:
    """Results of `work` on every job, in order, from this process or several."""
    bar: Callable = tqdm
    options = {"total": len(jobs), "desc": what, "unit": unit, "disable": not progress}
    if workers == 1:
        yield from bar(map(work, jobs), **options)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from bar(pool.map(work, jobs, chunksize=16), **options)


def _save_fast(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Like numpy.savez_compressed, at zlib's fastest level."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as handle:
                np.lib.format.write_array(handle, np.ascontiguousarray(array), allow_pickle=False)


def _write_products(folder: Path, clean: list[Row], mystery: tuple[np.ndarray, ...]) -> None:
    """What later labs load when a student has not saved their own.

    Lab 2's stand-in is normalised as the pipeline's aspcapStar files are.
    """
    products = folder / "products"
    wavelengths, trusted = continuum_pixels(_sky(folder))
    np.savez_compressed(
        products / "continuum_pixels_apogee.npz", wavelengths=wavelengths, trusted=trusted
    )
    stars = {
        "apogee_id": np.array([r.apogee_id for r in clean]),
        "labels": np.array(
            [[round(r.catalogue[n], 3 if n == "teff" else 5) for n in tables.LABELS] for r in clean]
        ),
        "label_names": np.array([n.upper() for n in tables.LABELS]),
        "wavelength": wavelength_grid(),
    }
    flux, error, normal_flux, normal_error = (
        np.load(folder / f"{name}.npy", mmap_mode="r") for name in STACKS
    )
    _save_fast(products / "01_apogee.npz", stars | {"flux": flux, "error": error})
    _save_fast(
        products / "02_continuum.npz",
        stars
        | {"flux": normal_flux, "error": normal_error}
        | {"mystery_flux": mystery[0], "mystery_error": mystery[1]},
    )
    shutil.copyfile(fact_file(CANNON), products / "03_cannon.npz")
    for name in STACKS:
        (folder / f"{name}.npy").unlink()


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
    rows = build_population(seed)[:limit]
    clean = tables.clean_rows(rows)
    slot = {row.index: i for i, row in enumerate(clean)}
    try:
        for path in {row.path for row in rows}:
            (folder / STARS / path).mkdir(parents=True)
            (folder / ASPCAP / path).mkdir(parents=True)
        (folder / "products").mkdir()
        for name in STACKS:
            np.lib.format.open_memmap(
                folder / f"{name}.npy", "w+", np.float32, (len(clean), N_PIXELS)
            ).flush()
        # Line profiles are compiled here once, before the workers start.
        _exact().spectrum(rows[0].truth)
        if len(rows) >= WORTH_TRAINING:
            sky = Interpolator.trained(
                lambda plan: _each(
                    _fine_spectrum, plan, workers, progress, "model spectra", "spectrum"
                )
            )
            sky.save(folder / _SKY)
        work = [(str(folder), row, seed, slot.get(row.index)) for row in rows]
        for _ in _each(_write_star, work, workers, progress, "stars", "star"):
            pass
        loners = decorrelated_rows(seed)[:limit]
        jobs_left = [(str(folder), row, seed) for row in loners]
        spectra = list(
            _each(_normalised_spectrum, jobs_left, workers, progress, "test stars", "star")
        )
        _write_decorrelated(folder, loners, spectra)
        tables.write_sqlite(folder / "catalogue.sqlite", rows)
        tables.write_allstar(folder / ASPCAP / "allStar-dr17-synspec_rev1.fits", rows)
        mystery = mystery_row(seed)
        tables.write_truth(folder / "truth.npz", rows, mystery)
        _write_products(folder, clean, _write_mystery(folder, mystery, seed))
        (folder / _SKY).unlink(missing_ok=True)
        summary = {
            "survey": f"simulated APOGEE-like survey, {apogee.SIMULATED}",
            "seed": seed,
            "version": SURVEY_VERSION,
            "fingerprint": fingerprint(seed),
            "stars": len(clean),
            "rows": len(rows),
            "files": sum(1 for p in folder.rglob("*") if p.is_file()),
            "bytes": sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()),
            "seconds": round(time.perf_counter() - start, 1),
            "limit": limit,
        }
        (folder / "survey.json").write_text(json.dumps(summary, indent=2) + "\n")
        _replace(folder, root)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return summary


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
    finally:
        connection.close()
    if not summary["limit"] and (kept, stars) != (N_STARS + N_DUPLICATES, N_STARS):
        raise ValueError(f"the cuts leave {kept} rows and {stars} stars in {root}: {advice}")
    for telescope, field, name, visits in some:
        path = root / STARS / telescope / field / f"apStar-dr17-{name}.fits.gz"
        with fits.open(path) as file:
            shape = file[1].data.shape
        wanted = (N_PIXELS,) if visits == 1 else (visits + 2, N_PIXELS)
        if shape != wanted:
            raise ValueError(f"{path} holds {shape}, {wanted} expected: {advice}")
    return {"rows": total, "after_cuts": kept, "stars": stars, "opened": len(some)}
