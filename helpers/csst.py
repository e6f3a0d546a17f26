"""The Chinese Space Station Telescope's slitless spectra: bands, throughputs, dust, a detector.

What lab 8 needs and a student should not have to type.  The models and libraries are the simulated
survey's (`models`, `library`); the throughputs and the extinction law are facts, cited where they
stand.  Nothing here normalises, trains or calibrates.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from helpers import archive
from surveys.errors import KitError
from surveys.folders import fact_file
from surveys.formats import bosz, calspec, ck04, miles, ngsl

#: The slitless bands, Å (Yang et al. 2024, arXiv:2401.13167, Section 1).
BANDS = {"GU": (2550.0, 4200.0), "GV": (4000.0, 6500.0), "GI": (6200.0, 10000.0)}
#: The band in which a scaled energy distribution's mean is one, Å (Section 2.1).
SCALE_BAND = (5526.0, 5586.0)
#: Full width at half maximum of a Gaussian over its standard deviation.
FWHM = float(np.sqrt(8.0 * np.log(2.0)))
#: Readers of real libraries and models, as archives publish them: `READERS["miles"].read(path)`.
READERS = {"bosz": bosz, "calspec": calspec, "ck04": ck04, "miles": miles, "ngsl": ngsl}
#: A(lambda) / E(B-V) for R(V) = 3.1: Fitzpatrick (1999, PASP 111, 63), Table 3; the first point by
#: his ultraviolet formula.  Wavelengths in Å.
_EXTINCTION = (
    (2500.0, 7.056),
    (2600.0, 6.591),
    (2700.0, 6.265),
    (4110.0, 4.315),
    (4670.0, 3.806),
    (5470.0, 3.055),
    (6000.0, 2.688),
    (12200.0, 0.829),
    (26500.0, 0.265),
)


class CsstError(KitError, ValueError):
    """A band, library or file that does not exist or cannot be read."""


@dataclass(frozen=True)
class Models:
    """The simulated grid: every star seen twice.

    Attributes
    ----------
    labels : (n, 4) array
        Effective temperature (K), log g (dex, cgs), [M/H], [alpha/M] (dex).
    wavelength : (2238,) array
        Of the R = 2000 spectra, vacuum, Å.
    flux : (n, 2238) array
        Spectra at R = 2000, *not* normalised.
    sed_wavelength : (574,) array
        Of the energy distributions, vacuum, Å.
    sed : (n, 574) array
        Energy distributions at R = 200; mean one in `SCALE_BAND`.
    """

    labels: np.ndarray
    wavelength: np.ndarray
    flux: np.ndarray
    sed_wavelength: np.ndarray
    sed: np.ndarray


@dataclass(frozen=True)
class Library:
    """A simulated library of "observed" stars, reddening taken off as catalogued.

    Attributes
    ----------
    labels : (n, 3) array
        As catalogued, with errors: effective temperature (K), log g, [Fe/H] (dex).
    wavelength : (p,) array
        Vacuum, Å.
    fwhm : (p,) array
        Full width at half maximum of the instrument's profile, Å.
    flux, error : (n, p) array
        Energy distributions of mean one in `SCALE_BAND`, and their errors.
    e_bv : (n,) array
        Catalogued colour excess, mag.
    """

    labels: np.ndarray
    wavelength: np.ndarray
    fwhm: np.ndarray
    flux: np.ndarray
    error: np.ndarray
    e_bv: np.ndarray


def models() -> Models:
    """Fetch the grid of model pairs from the archive.

    Returns
    -------
    Models

    Raises
    ------
    ArchiveError
        If the archive has no such product.
    """
    with np.load(archive.product("sed_grid"), allow_pickle=False) as file:
        return Models(
            file["labels"],
            file["input_wavelength"],
            file["input_flux"],
            file["sed_wavelength"],
            file["sed"],
        )


def library(name: str) -> Library:
    """Fetch a library of "observed" stars from the archive.

    Parameters
    ----------
    name : str
        "ngsl" (2460-10250 Å, R = 1000) or "miles" (3540-7410 Å, 2.5 Å wide profiles).

    Returns
    -------
    Library

    Raises
    ------
    CsstError
        For another name.
    ArchiveError
        If the archive has no such product.
    """
    if name not in ("ngsl", "miles"):
        raise CsstError(f'there is no library {name!r}: ask for "ngsl" or "miles"')
    with np.load(archive.product(f"sed_{name}"), allow_pickle=False) as file:
        wavelength = file["wavelength"]
        fwhm = wavelength / 1000.0 if name == "ngsl" else np.full(wavelength.size, 2.5)
        return Library(file["labels"], wavelength, fwhm, file["flux"], file["error"], file["e_bv"])


def in_band(wavelength: np.ndarray, name: str) -> np.ndarray:
    """Say which wavelengths lie in a slitless band.

    Parameters
    ----------
    wavelength : ndarray
        Å.
    name : str
        "GU", "GV" or "GI".

    Returns
    -------
    ndarray of bool
    """
    if name not in BANDS:
        raise CsstError(f"there is no band {name!r}: choose one of {', '.join(BANDS)}")
    low, high = BANDS[name]
    return (wavelength >= low) & (wavelength <= high)


def throughput(name: str, folder: str | Path | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Read a throughput: the share of photons that is counted.

    Parameters
    ----------
    name : str
        A grating's first order ("GU", "GV", "GI") or a filter ("nuv", "u", "g", "r", "i", "z",
        "y").
    folder : path, optional
        Where the FITS files of CESS lie; the committed table by default.

    Returns
    -------
    wavelength : ndarray
        Å, increasing.
    throughput : ndarray
        Between 0 and 1; zero at both ends.

    Raises
    ------
    CsstError
        If there is no such band or file.
    """
    if folder is not None:
        return _fits_throughput(name, Path(folder))
    with fact_file("csst_throughput.csv").open(encoding="utf-8") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        nodes = [
            (float(r["wavelength"]), float(r["throughput"])) for r in rows if r["band"] == name
        ]
    if not nodes:
        raise CsstError(f"there is no throughput of {name!r}")
    wavelength, share = np.array(nodes).T
    return wavelength, share


def _fits_throughput(name: str, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    from astropy.io import fits

    path = folder / (f"{name}.Throughput.1st.fits" if name in BANDS else f"csst_phot.{name}.fits")
    try:
        with fits.open(path) as file:
            table = file[1].data
            wavelength, share = (
                np.asarray(table[column], float) for column in ("WAVELENGTH", "SENSITIVITY")
            )
    except (OSError, KeyError, IndexError) as error:
        raise CsstError(f"{path} holds no throughput of {name!r} ({error})") from error
    return wavelength, share


def reddening_curve(wavelength: np.ndarray) -> np.ndarray:
    """Extinction per unit of colour excess, A(lambda) / E(B-V), for R(V) = 3.1.

    A cubic spline in 1 / lambda through the points of Fitzpatrick (1999, Table 3), as he says.

    Parameters
    ----------
    wavelength : ndarray
        Å, between 2500 and 26 500.

    Returns
    -------
    ndarray
        mag per mag.

    Raises
    ------
    CsstError
        Outside that range.
    """
    from scipy.interpolate import CubicSpline

    wavelength = np.asarray(wavelength, float)
    points, values = np.array([(np.inf, 0.0), *_EXTINCTION[::-1]]).T
    if wavelength.size and (wavelength.min() < 2499.9 or wavelength.max() > points[1]):
        raise CsstError("the extinction law is tabulated between 2500 and 26 500 Å")
    result: np.ndarray = CubicSpline(1e4 / points, values)(1e4 / wavelength)
    return result


@dataclass(frozen=True)
class Detector:
    """A simulated detector: its large-scale flat field at every wavelength.

    The flat changes smoothly across the detector and with wavelength: a quadratic in position, 5
    per cent deep, which a second-order polynomial can follow; and, if wanted, a pattern that it
    cannot follow.  The mean of the quadratic part over the detector is one.

    Attributes
    ----------
    seed : int
        Of the pattern.
    ripple : float
        Standard deviation of a random pattern, most of which no polynomial of second order follows.
    length : float
        Correlation length of the pattern, in units of half the detector.
    """

    seed: int = 0
    ripple: float = 0.0
    length: float = 0.25

    def flat(self, x: np.ndarray, y: np.ndarray, wavelength: np.ndarray) -> np.ndarray:
        """Evaluate the flat field.

        Parameters
        ----------
        x, y : (n,) array
            Positions, -1 to 1 across the detector.
        wavelength : (p,) array
            Å.

        Returns
        -------
        (n, p) array
            Sensitivity relative to the detector's mean.
        """
        rng = np.random.default_rng([self.seed, 8])
        t = np.log(np.asarray(wavelength) / 5000.0)
        terms = np.stack([x, y, x**2 - 1 / 3, x * y, y**2 - 1 / 3])
        size = rng.normal(0.0, 0.025, (5, 3)) @ np.stack([np.ones_like(t), t, np.sin(4.0 * t)])
        flat: np.ndarray = 1.0 + terms.T @ size
        if self.ripple:
            waves = rng.normal(0.0, 1.0 / self.length, (60, 2))
            phases = rng.uniform(0.0, 2.0 * np.pi, 60) + 1.5 * np.outer(t, rng.normal(size=60))
            # a sum of plane waves of random direction: a Gaussian random field
            for along, phase in zip(waves @ np.stack([x, y]), phases.T, strict=True):
                flat += self.ripple * np.sqrt(2.0 / 60.0) * np.cos(along[:, None] + phase)
        return flat
