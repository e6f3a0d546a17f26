"""Spectral energy distributions: a grid of models and two "observed" libraries.

A model is seen twice, as lab 8 needs it: 4000-7000 A at R = 2000, not normalised, and
2500-10500 A at R = 200, divided by its mean at 5526-5586 A; both with two samples a resolution
element, as BOSZ has them (2238 and 574 pixels).  The libraries imitate what NGSL and MILES are to
such a grid: other abundances, an opacity the models lack, imperfect dereddening and flux
calibration, and noise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.stats import qmc

from skysim.spectra import optical
from skysim.spectra.smearing import smearing
from skysim.stars import evolution
from skysim.stars.dust import transmission
from skysim.stars.field import alpha_abundance
from skysim.stars.labels import Labels
from skysim.survey.fitsfile import write_npz

MODELS = 4608
TEFF, LOGG, FE_H, ALPHA = (5000.0, 9750.0), (0.0, 5.0), (-2.5, 0.5), (-0.1, 0.5)
#: The band in which a SED's mean is one, A.
SCALE_BAND = (5526.0, 5586.0)
#: Models that one job makes.
CHUNK = 32


def input_grid() -> np.ndarray:
    """Vacuum wavelengths of the R = 2000 spectra, A, (2238,)."""
    return 4000.0 * np.exp(np.arange(2238) / 4000.0)


def sed_grid() -> np.ndarray:
    """Vacuum wavelengths of the R = 200 distributions, A, (574,)."""
    return 2500.0 * np.exp(np.arange(574) / 400.0)


@dataclass(frozen=True)
class Library:
    """An "observed" library.

    Attributes
    ----------
    name : str
        Of its product.
    number : int
        Keeps its random numbers apart.
    stars : int
    wavelength : tuple
        First and last (A), and number of pixels; uniform in log where `resolving_power` is given.
    resolving_power, fwhm : float
        One of them: R, or a constant width (A).
    snr : float
        Typical S/N of a pixel.
    calibration : float
        Scatter of each star's smooth flux calibration error.
    zero_point : float
        Amplitude of the error that all stars share.
    """

    name: str
    number: int
    stars: int
    wavelength: tuple[float, float, int]
    resolving_power: float
    fwhm: float
    snr: float
    calibration: float
    zero_point: float

    def grid(self) -> np.ndarray:
        """Its vacuum wavelengths, A."""
        return np.geomspace(*self.wavelength) if self.fwhm == 0 else np.linspace(*self.wavelength)

    def widths(self) -> np.ndarray:
        """Full widths at half maximum of its profiles, A."""
        grid = self.grid()
        return np.full(grid.size, self.fwhm) if self.fwhm else grid / self.resolving_power


LIBRARIES = (
    Library("sed_ngsl", 1, 380, (2460.0, 10250.0, 2855), 1000.0, 0.0, 120.0, 0.006, 0.012),
    Library("sed_miles", 2, 985, (3540.5, 7409.6, 4300), 0.0, 2.5, 100.0, 0.010, 0.006),
)


@dataclass(frozen=True)
class Job:
    """A batch of models (`library` is -1) or of stars of a library, for one process."""

    library: int
    first: int
    labels: tuple[Labels, ...]
    seed: int


def lowest_gravity(teff: np.ndarray) -> np.ndarray:
    """Lowest log g of the grid at an effective temperature (K)."""
    return np.interp(teff, [5000.0, 6000.0, 7500.0, 9750.0], [0.0, 0.5, 1.0, 2.0])


def plan(seed: int, limit: int | None = None) -> list[Job]:
    """Divide the models and the stars of the libraries into jobs.

    Parameters
    ----------
    seed : int
    limit : int, optional
        At most so many models, and so many stars of each library.

    Returns
    -------
    list of Job
        Models first.
    """
    kinds = [(-1, model_labels(min(MODELS, limit or MODELS)))]
    for k, library in enumerate(LIBRARIES):
        kinds.append((k, library_labels(library, seed)[:limit]))
    return [
        Job(kind, start, tuple(labels[start : start + CHUNK]), seed)
        for kind, labels in kinds
        for start in range(0, len(labels), CHUNK)
    ]


def model_labels(n: int) -> list[Labels]:
    """Labels of the models: a Sobol sequence, the same every time."""
    u = qmc.Sobol(4, seed=31).random(1 << (n - 1).bit_length())[:n]
    teff = TEFF[0] + (TEFF[1] - TEFF[0]) * u[:, 0]
    low = lowest_gravity(teff)
    logg = low + (LOGG[1] - low) * u[:, 1]
    fe_h = FE_H[0] + (FE_H[1] - FE_H[0]) * u[:, 2]
    alpha = ALPHA[0] + (ALPHA[1] - ALPHA[0]) * u[:, 3]
    return _labels(teff, logg, fe_h, alpha, alpha, alpha)


def library_labels(library: Library, seed: int) -> list[Labels]:
    """True labels of a library's stars: field stars of all kinds, warm ones preferred."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, 31, library.number]))
    age = rng.uniform(0.1, 13.0, 12 * library.stars)
    halo = rng.random(age.size) < 0.25
    age = np.where(halo, rng.uniform(10.0, 13.0, age.size), age)
    fe_h = np.where(halo, rng.normal(-1.3, 0.4, age.size), rng.normal(-0.1, 0.25, age.size))
    fe_h = np.clip(fe_h, -2.0, 0.5)
    drawn = evolution.draw(rng, 9.0 + np.log10(age), fe_h, 0.8, 0.5)
    good = (drawn.teff > 4600.0) & (drawn.teff < 9700.0)
    good &= drawn.logg > lowest_gravity(drawn.teff)
    good[good] = rng.random(good.sum()) < np.clip((drawn.teff[good] - 4000.0) / 3000.0, 0.2, 1.0)
    kept = np.flatnonzero(good)[: library.stars]
    if kept.size < library.stars:
        raise ValueError(f"only {kept.size} of {library.stars} stars drawn for {library.name}")
    alpha = alpha_abundance(rng, fe_h, age)
    columns = (drawn.teff, drawn.logg, fe_h, alpha, alpha, alpha)
    return _labels(*(column[kept] for column in columns))


def _labels(*columns: np.ndarray) -> list[Labels]:
    return [Labels(*(float(v) for v in row)) for row in zip(*columns, strict=True)]


@lru_cache(maxsize=4)
def _matrices(library: int) -> tuple[sparse.csr_matrix, ...]:
    fine = optical.wavelength_grid()
    if library < 0:
        pair = ((input_grid(), 2000.0), (sed_grid(), 200.0))
        return tuple(smearing(fine, grid, grid / power) for grid, power in pair)
    chosen = LIBRARIES[library]
    return (smearing(fine, chosen.grid(), chosen.widths()),)


def scaled(wavelength: np.ndarray, flux: np.ndarray) -> np.ndarray:
    """Spectra (..., m) divided by their mean in `SCALE_BAND`."""
    band = (wavelength >= SCALE_BAND[0]) & (wavelength <= SCALE_BAND[1])
    return flux / flux[..., band].mean(axis=-1, keepdims=True)


def make(
    job: Job, source: Callable[[Labels], tuple[np.ndarray, np.ndarray]]
) -> dict[str, np.ndarray]:
    """Spectra of a job.

    Parameters
    ----------
    job : Job
    source : function
        Makes flux and continuum of a star on `optical.wavelength_grid`.

    Returns
    -------
    dict
        Of models `input` (n, 2238) and `sed` (n, 574); of stars `flux`, `error` (n, pixels), and
        what was done to them.
    """
    rows = [
        _model(source(labels)[0])
        if job.library < 0
        else _star(LIBRARIES[job.library], job, i, labels, source(labels)[0])
        for i, labels in enumerate(job.labels)
    ]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def _model(flux: np.ndarray) -> dict[str, np.ndarray]:
    spectrum, sed = (matrix @ flux for matrix in _matrices(-1))
    band = (sed_grid() >= SCALE_BAND[0]) & (sed_grid() <= SCALE_BAND[1])
    level = sed[band].mean()
    return {"input": (spectrum / level).astype(np.float32), "sed": (sed / level).astype(np.float32)}


def missing_opacity(wavelength: np.ndarray, labels: Labels) -> np.ndarray:
    """Extra line opacity of the "observed" stars, absent from the models and growing to the blue.

    Our own invention, of the size and sense of the differences between model grids and NGSL: 4 per
    cent at 3500 A in the Sun, more in cool and metal-rich stars.

    Parameters
    ----------
    wavelength : ndarray
        A.
    labels : Labels

    Returns
    -------
    ndarray
        Factor on the flux.
    """
    depth = 0.04 * 10.0 ** (0.3 * labels.fe_h) * (5777.0 / labels.teff) ** 4
    return np.exp(-depth * (3500.0 / wavelength) ** 4)


def _star(
    library: Library, job: Job, i: int, labels: Labels, flux: np.ndarray
) -> dict[str, np.ndarray]:
    """Observe one library star."""
    key = [job.seed, 32, library.number, job.first + i]
    rng = np.random.default_rng(np.random.SeedSequence(key))
    grid = library.grid()
    clean = _matrices(job.library)[0] @ (flux * missing_opacity(optical.wavelength_grid(), labels))
    e_bv = float(min(rng.exponential(0.04), 0.6))
    catalogued = max(e_bv + rng.normal(0.0, 0.015), 0.0)
    x = np.linspace(-1.0, 1.0, grid.size)
    shared = library.zero_point * np.sin(2.0 * np.pi * np.log(grid / 3000.0) / np.log(2.4))
    calibration = rng.normal(0.0, library.calibration, 4)
    own = np.polynomial.legendre.legval(x, np.append(0.0, calibration))
    seen = clean * transmission(grid, e_bv) * np.exp(shared + own)
    seen = scaled(grid, seen * transmission(grid, -catalogued))
    snr = library.snr * 10.0 ** rng.normal(0.0, 0.12) * np.sqrt(np.clip(seen, 0.02, None))
    error = seen / snr
    found = {
        "teff": labels.teff * (1.0 + rng.normal(0.0, 0.01)),
        "logg": labels.logg + rng.normal(0.0, 0.12),
        "feh": labels.fe_h + rng.normal(0.0, 0.08),
    }
    return {
        "flux": (seen + rng.normal(0.0, error)).astype(np.float32),
        "error": error.astype(np.float32),
        "labels": np.array(list(found.values())),
        "e_bv": round(catalogued, 4),
        "true_e_bv": e_bv,
        "true_labels": np.array([labels.teff, labels.logg, labels.fe_h, labels.alpha]),
        "calibration": calibration,
    }


def build(
    folder: Path,
    seed: int,
    run: Callable[[Sequence[Job], str], Iterator[dict[str, np.ndarray]]],
    limit: int | None = None,
) -> dict[str, int]:
    """Make the grid and the libraries: products, and the libraries' truth.

    Parameters
    ----------
    folder : Path
        The survey's, with ``products/`` and ``truth/`` in it.
    seed : int
    run : function
        Yields `make` of each job, in order; its second argument names the work.
    limit : int, optional
        At most so many models and stars.

    Returns
    -------
    dict
        Number of models, and of stars by library.
    """
    jobs = plan(seed, limit)
    parts: dict[int, list[dict[str, np.ndarray]]] = {}
    for job, made in zip(jobs, run(jobs, "SEDs"), strict=True):
        parts.setdefault(job.library, []).append(made)
    joined = {
        kind: {name: np.concatenate([m[name] for m in made]) for name in made[0]}
        for kind, made in parts.items()
    }
    models = joined.pop(-1)
    labels = [label for job in jobs if job.library < 0 for label in job.labels]
    write_npz(
        folder / "products" / "sed_grid.npz",
        {
            "labels": np.array([[s.teff, s.logg, s.fe_h, s.alpha] for s in labels]),
            "label_names": np.array(["TEFF", "LOGG", "M_H", "ALPHA_M"]),
            "input_wavelength": input_grid(),
            "input_flux": models["input"],
            "sed_wavelength": sed_grid(),
            "sed": models["sed"],
        },
    )
    hidden = {}
    counts = {"sed_grid": len(labels)}
    for kind, made in joined.items():
        library = LIBRARIES[kind]
        names = np.array(["TEFF", "LOGG", "FE_H"])
        shown = {n: made[n] for n in ("flux", "error", "labels", "e_bv")}
        public = {"wavelength": library.grid(), "label_names": names, **shown}
        write_npz(folder / "products" / f"{library.name}.npz", public)
        hidden |= {f"{library.name}.{n}": v for n, v in made.items() if n not in shown}
        counts[library.name] = len(made["labels"])
    np.savez_compressed(folder / "truth" / "sed.npz", **hidden)
    return counts
