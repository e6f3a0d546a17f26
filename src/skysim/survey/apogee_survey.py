"""The APOGEE-like survey: files, tables and products, in SDSS's own layout."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import numpy as np

from skysim import PUBLIC_SEED
from skysim.spectra.h_band import Synthesizer, wavelength_grid
from skysim.spectra.h_band_fast import Interpolator
from skysim.stars.labels import Labels
from skysim.survey import apogee_files, tables
from skysim.survey.apogee_rows import Row, build_population, decorrelated_rows, mystery_row
from skysim.survey.continuum import continuum_pixels
from skysim.survey.fitsfile import round_mantissa, write_gzip, write_npz
from surveys.folders import fact_file
from surveys.formats.apogee_pixels import N_PIXELS

STARS = Path("sas/dr17/apogee/spectro/redux/dr17/stars")
ASPCAP = Path("sas/dr17/apogee/spectro/aspcap/dr17/synspec_rev1")
#: A star that is in no table, as the course hands it out for lab 5.
MYSTERY = Path("sas/labkit/mystery_spec_wiped.fits.gz")
#: Stars with uncorrelated labels, and those true labels, for lab 6.
DECORRELATED = Path("products/06_decorrelated.npz")
#: The trained Cannon of lab 3; written by `labkit reference`, never here.
CANNON = "reference/03_cannon.npz"
#: The stacks of spectra the later labs start from: coadds, and the same normalised.
STACKS = ("flux", "error", "normalised_flux", "normalised_error")
#: With fewer rows than this, exact spectra cost less than training an interpolator.
WORTH_TRAINING = 400
_INTERPOLATOR = "interpolator.npz"
#: Does work on jobs, in order, in as many processes as it likes: (work, jobs, what, unit).
Each = Callable[[Callable, Sequence, str, str], Iterator]


@lru_cache(maxsize=1)
def _exact() -> Synthesizer:
    """One synthesizer per process."""
    return Synthesizer()


@lru_cache(maxsize=1)
def _spectrum_maker(folder: Path) -> Synthesizer | Interpolator:
    """The source of this build's spectra: its interpolator if one was trained."""
    path = folder / _INTERPOLATOR
    return Interpolator.load(path) if path.exists() else _exact()


def _fine_spectrum(labels: Labels) -> np.ndarray:
    """One exact spectrum.  Runs in a worker process."""
    return _exact().fine_spectrum(labels).astype(np.float32)


def _write_star(job: tuple[str, Row, int, int | None]) -> int:
    """Write the files of one row; returns bytes on disk.  Runs in a worker process."""
    root, row, seed, slot = job
    folder = Path(root)
    synthesizer = _spectrum_maker(folder)
    spectra = apogee_files.observe(row, synthesizer, seed)
    name = f"dr17-{row.apogee_id}.fits.gz"
    size = write_gzip(
        folder / STARS / row.path / f"apStar-{name}", apogee_files.apstar_bytes(row, spectra)
    )
    arrays = apogee_files.aspcap_arrays(row, spectra, synthesizer, seed)
    size += write_gzip(
        folder / ASPCAP / row.path / f"aspcapStar-{name}", apogee_files.aspcap_bytes(row, arrays)
    )
    if slot is not None:
        bad = _bad_pixels(spectra)
        error = np.where(bad, apogee_files.EMPTY_ERROR, round_mantissa(spectra.error[0], 6))
        data = (round_mantissa(spectra.flux[0], 11), error, *_normalised(arrays, bad))
        for file, values in zip(STACKS, data, strict=True):
            stack = np.load(folder / f"{file}.npy", mmap_mode="r+")
            stack[slot] = values  # shared pages: what is written is seen by all, flushed or not
    return size


def _bad_pixels(spectra: apogee_files.ApStarArrays) -> np.ndarray:
    """Pixels (8575,) of the coadd masked by the bits that the course rejects."""
    return (spectra.mask[0] & (apogee_files.BAD_BITS | apogee_files.SKYLINE_BIT)) > 0


def _normalised(arrays: tuple, bad: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Flux and error of an aspcapStar file as in the products: 1 and 1e10 where unknown."""
    flux, error, _ = arrays
    unknown = bad | (flux == 0)
    flux = np.where(unknown, 1.0, round_mantissa(flux, 11))
    return flux, np.where(unknown, apogee_files.EMPTY_ERROR, round_mantissa(error, 6))


def _write_mystery(folder: Path, row: Row, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Write the mystery star's file; returns its normalised flux and error, each (8575,)."""
    synthesizer = _spectrum_maker(folder)
    spectra = apogee_files.observe(row, synthesizer, seed)
    (folder / MYSTERY).parent.mkdir(parents=True)
    write_gzip(folder / MYSTERY, apogee_files.wiped_bytes(spectra))
    arrays = apogee_files.aspcap_arrays(row, spectra, synthesizer, seed)
    return _normalised(arrays, _bad_pixels(spectra))


def _normalised_spectrum(job: tuple[str, Row, int]) -> tuple[np.ndarray, np.ndarray]:
    """Normalised flux and error (8575,) of a star without files.  Runs in a worker process."""
    root, row, seed = job
    synthesizer = _spectrum_maker(Path(root))
    spectra = apogee_files.observe(row, synthesizer, seed)
    arrays = apogee_files.aspcap_arrays(row, spectra, synthesizer, seed)
    return _normalised(arrays, _bad_pixels(spectra))


def _write_decorrelated(folder: Path, rows: list[Row], spectra: Iterator) -> None:
    """Write the test set of lab 6: spectra and labels of stars with uncorrelated labels.

    Their true labels are public: they stand in no other table, and the lab compares with them.
    """
    flux, error = (np.array(part, np.float32) for part in zip(*spectra, strict=True))
    stars = {
        "labels": np.array([[getattr(row.truth, n) for n in tables.LABELS] for row in rows]),
        "label_names": np.array([n.upper() for n in tables.LABELS]),
        "wavelength": wavelength_grid(),
    }
    write_npz(folder / DECORRELATED, stars | {"flux": flux, "error": error})


def _write_cannon(path: Path, mystery: tuple[np.ndarray, ...], public: bool) -> None:
    """Write the committed Cannon as a product, with the mystery star of this survey."""
    if public:
        shutil.copyfile(fact_file(CANNON), path)
        return
    with np.load(fact_file(CANNON)) as file:
        product = dict(file)
    names = ("mystery_flux", "mystery_error")
    for name, values in zip(names, mystery, strict=True):
        product[name] = values.astype(product[name].dtype)
    np.savez_compressed(path, **product)


def _write_products(
    folder: Path, clean: list[Row], mystery: tuple[np.ndarray, ...], public: bool
) -> None:
    """Write the products that a later lab loads when a student has not saved their own.

    Lab 2's stand-in is normalised as the pipeline's aspcapStar files are.
    """
    products = folder / "products"
    wavelengths, trusted = continuum_pixels(_spectrum_maker(folder))
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
    normalised = stars | {"flux": normal_flux, "error": normal_error}
    normalised |= {"mystery_flux": mystery[0], "mystery_error": mystery[1]}
    with ThreadPoolExecutor() as pool:  # compressing leaves other threads free to run
        writing = [
            pool.submit(
                write_npz, products / "01_apogee.npz", stars | {"flux": flux, "error": error}
            ),
            pool.submit(write_npz, products / "02_continuum.npz", normalised),
        ]
        for one in writing:
            one.result()
    _write_cannon(products / "03_cannon.npz", mystery, public)
    for name in STACKS:
        (folder / f"{name}.npy").unlink()


def build(folder: Path, seed: int, each: Each, limit: int | None = None) -> dict[str, int]:
    """Make the survey's files, tables, truth and products.

    Parameters
    ----------
    folder : Path
        The survey's, with ``products/`` and ``truth/`` in it.
    seed : int
    each : function
        Yields ``work(job)`` for each job, in order, in as many processes as it likes; it is also
        given a word for the work and one for the unit.
    limit : int, optional
        At most so many rows.

    Returns
    -------
    dict
        Number of clean stars, of rows, and of stars with decorrelated labels.
    """
    rows = build_population(seed)[:limit]
    clean = tables.clean_rows(rows)
    slot = {row.index: i for i, row in enumerate(clean)}
    for path in {row.path for row in rows}:
        (folder / STARS / path).mkdir(parents=True)
        (folder / ASPCAP / path).mkdir(parents=True)
    for name in STACKS:
        np.lib.format.open_memmap(
            folder / f"{name}.npy", "w+", np.float32, (len(clean), N_PIXELS)
        ).flush()
    # Line profiles are compiled here once, before the workers start.
    _exact().spectrum(rows[0].truth)
    if len(rows) >= WORTH_TRAINING:
        interpolator = Interpolator.trained(
            lambda plan: each(_fine_spectrum, plan, "model spectra", "spectrum")
        )
        interpolator.save(folder / _INTERPOLATOR)
    work = [(str(folder), row, seed, slot.get(row.index)) for row in rows]
    for _ in each(_write_star, work, "stars", "star"):
        pass
    decorrelated = decorrelated_rows(seed)[:limit]
    work = [(str(folder), row, seed) for row in decorrelated]
    _write_decorrelated(
        folder, decorrelated, each(_normalised_spectrum, work, "test stars", "star")
    )
    tables.write_sqlite(folder / "catalogue.sqlite", rows)
    tables.write_allstar(folder / ASPCAP / "allStar-dr17-synspec_rev1.fits", rows)
    mystery = mystery_row(seed)
    tables.write_truth(folder / "truth" / "apogee.npz", rows, mystery)
    _write_products(folder, clean, _write_mystery(folder, mystery, seed), seed == PUBLIC_SEED)
    (folder / _INTERPOLATOR).unlink(missing_ok=True)
    return {"stars": len(clean), "rows": len(rows), "decorrelated": len(decorrelated)}
