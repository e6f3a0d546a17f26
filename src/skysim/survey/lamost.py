"""The LAMOST low-resolution spectrograph: from a star's spectrum to an observed one.

Two arms, 3700-5900 and 5700-9100 A, share a grid of 3909 vacuum wavelengths uniform in log10.
Resolution, throughput, sky and noise follow measurements on real DR10 spectra
(`lamost_measure`).  What is not the star lies where the Earth moves: night-sky lines and telluric
bands are shifted by the plate's barycentric correction, for the pipeline has removed it.

Left out: scattered light between fibres, second-order light in the far red, fringes, and a
line-spread function that is not a Gaussian.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from scipy import sparse

from skysim.spectra.features import LIGHT_KM_S
from skysim.spectra.smearing import smearing
from skysim.stars.dust import extinction
from skysim.stars.field import Plate
from skysim.survey.sky_position import barycentric_correction
from surveys.folders import fact_file

N_PIXELS = 3909
#: log10 of the vacuum wavelength (A) of a pixel is COEFF0 + COEFF1 * pixel.
COEFF0, COEFF1 = 3.5682, 1e-4
#: The arms overlap between these, A.
OVERLAP = (5700.0, 5900.0)
#: Electrons in a pixel near 6200 A of a star of r = 12, on the scale of ``lamost_response.csv``:
#: a real star of r = 12.0 reached S/N 285 (obsid 994010162).
ELECTRONS = 9.0e4
#: Flux of a star of r = 12, 1e-17 erg s-1 cm-2 A-1: 3631 Jy at 6200 A.
FLUX_R12 = 4500.0
#: Resampling spreads each detector pixel over its neighbours; in real spectra the noise of adjacent
#: pixels correlates by 0.32, that of others does not.
NEIGHBOUR = 0.17
#: Noise that photons do not explain, relative: imperfect flat fields.
FLAT_FIELD = 0.002
#: Legendre coefficients of the relative flux calibration error, degrees 1 to 4: of a spectrograph,
#: which its standard stars set, and of a fibre.
CALIBRATION_SPECTROGRAPH = (0.040, 0.035, 0.018, 0.012)
CALIBRATION_FIBER = (0.020, 0.016, 0.010, 0.006)
#: Scatter of what is left of sky lines, and of telluric bands of oxygen and of water, relative.
SKY_LEFT, OXYGEN_LEFT, WATER_LEFT = 0.012, 0.025, 0.05
#: Telluric bands: centre (A), full width (A), optical depth at R = 1800 and one air mass; our
#: rounding of what hot stars show before correction.  Oxygen, then water.
OXYGEN = (
    (6280.0, 20.0, 0.03), (6872.0, 8.0, 0.30), (6885.0, 12.0, 0.20), (6905.0, 20.0, 0.12),
    (7596.0, 8.0, 0.80), (7608.0, 12.0, 0.70), (7635.0, 28.0, 0.45), (7665.0, 30.0, 0.20),
)  # fmt: skip
WATER = (
    (5925.0, 40.0, 0.02), (6525.0, 40.0, 0.02), (7190.0, 25.0, 0.12), (7240.0, 60.0, 0.10),
    (7290.0, 50.0, 0.08), (8175.0, 40.0, 0.15), (8230.0, 50.0, 0.15), (8290.0, 60.0, 0.10),
    (8960.0, 40.0, 0.30), (9000.0, 50.0, 0.35), (9060.0, 60.0, 0.35),
)  # fmt: skip
#: Cosmic rays per spectrum that survive the combination of exposures, and how many are flagged.
COSMIC_RATE, COSMIC_FLAGGED = 0.8, 0.5
#: Bands of the S/N columns, A: medians over these reproduce the header's values in real files.
SNR_BANDS = {
    "snru": (3700, 3900), "snrg": (3900, 5500), "snrr": (5500, 6900),
    "snri": (6800, 8300), "snrz": (8200, 9100),
}  # fmt: skip


def wavelength_grid() -> np.ndarray:
    """The 3909 vacuum wavelengths, A."""
    return 10.0 ** (COEFF0 + COEFF1 * np.arange(N_PIXELS))


def resolution(wavelength: np.ndarray, spectrograph: int) -> np.ndarray:
    """Full width at half maximum of the line-spread function, A.

    Lines of the night sky are 3.0-3.5 A wide in real spectra, once the Earth's motion is taken
    off, and lines of real G stars fit best with 2.8-3.4 A.

    Parameters
    ----------
    wavelength : ndarray
        A.
    spectrograph : int
        1 to 16; they differ by a few per cent.
    """
    own = 1.0 + 0.05 * np.sin(2.4 * spectrograph)
    return own * (3.0 + 0.2 * _red_share(wavelength))


def _red_share(wavelength: np.ndarray) -> np.ndarray:
    """Weight of the red arm: 0 below the overlap, 1 above."""
    return np.clip((wavelength - OVERLAP[0]) / (OVERLAP[1] - OVERLAP[0]), 0.0, 1.0)


@lru_cache(maxsize=64)
def _matrix(
    first: float, last: float, size: int, spectrograph: int, pixels: bytes | None
) -> sparse.csr_matrix:
    """Matrix (3909, size) from a grid uniform in log wavelength to the blurred pixels, or to some.

    `pixels` are the bytes of a boolean mask.
    """
    if pixels is not None:
        whole = _matrix(first, last, size, spectrograph, None)
        return whole[np.flatnonzero(np.frombuffer(pixels, bool))]
    wave = wavelength_grid()
    return smearing(np.geomspace(first, last, size), wave, resolution(wave, spectrograph))


def smear(
    wavelength: np.ndarray,
    flux: np.ndarray,
    spectrograph: int,
    pixels: np.ndarray | None = None,
) -> np.ndarray:
    """Blur spectra with the line-spread function of the instrument, without noise.

    Parameters
    ----------
    wavelength : ndarray, shape (m,)
        A, uniform in log wavelength.
    flux : ndarray, shape (m,) or (m, k)
        Per A.
    spectrograph : int
        1 to 16.
    pixels : ndarray of bool, shape (3909,), optional
        Which pixels to make; default all.

    Returns
    -------
    ndarray, shape (pixels,) or (pixels, k)
    """
    first, last = float(wavelength[0]), float(wavelength[-1])
    chosen = None if pixels is None else pixels.tobytes()
    return _matrix(first, last, wavelength.size, spectrograph, chosen) @ flux


def shift(wavelength: np.ndarray, flux: np.ndarray, velocity: float) -> np.ndarray:
    """Doppler-shift spectra of a star that recedes with `velocity` (km/s).

    Linear between samples: the blur that this adds is 2 per cent of the instrument's at most, less
    than the spectrographs differ by.

    Parameters
    ----------
    wavelength : ndarray, shape (m,)
        A, uniform in log wavelength.
    flux : ndarray, shape (m, k)
    velocity : float
        km/s.

    Returns
    -------
    ndarray, shape (m, k)
    """
    step = float(np.log(wavelength[-1] / wavelength[0]) / (wavelength.size - 1))
    samples = np.log1p(velocity / LIGHT_KM_S) / step
    whole = int(np.floor(samples))
    rest = samples - whole
    # What is rolled in from the other end lies far outside the instrument's range.
    return (1.0 - rest) * np.roll(flux, whole, axis=0) + rest * np.roll(flux, whole + 1, axis=0)


@dataclass(frozen=True)
class Site:
    """Observing conditions at a site: throughput, background and telluric depth, each (3909,).

    Attributes
    ----------
    throughput, continuum : ndarray
        As in ``lamost_response.csv``.
    lines : ndarray
        Night-sky lines, electrons.
    oxygen, water : ndarray
        Optical depth of the telluric bands.
    """

    throughput: np.ndarray
    continuum: np.ndarray
    lines: np.ndarray
    oxygen: np.ndarray
    water: np.ndarray


def _facts(name: str) -> np.ndarray:
    """Numbers of a committed table, (rows, columns)."""
    with fact_file(name).open(encoding="utf-8") as file:
        rows = list(csv.reader(line for line in file if not line.startswith("#")))
    return np.array(rows[1:], float)


@lru_cache(maxsize=64)
def site(barycentric: float) -> Site:
    """Conditions at the site on the wavelengths of a spectrum corrected by `barycentric` km/s.

    Parameters
    ----------
    barycentric : float
        Correction that the pipeline has applied, km/s.

    Returns
    -------
    Site
    """
    wave = wavelength_grid()
    stretch = 1.0 + barycentric / LIGHT_KM_S
    nodes = _facts("lamost_response.csv")
    blue = nodes[:, 0] < OVERLAP[1]
    red = _red_share(wave) > 0.999
    measured = [
        np.where(
            red,
            np.interp(wave, nodes[~blue, 0], nodes[~blue, k]),
            np.interp(wave, nodes[blue, 0], nodes[blue, k]),
        )
        for k in (1, 2)
    ]
    sigma = resolution(wave, 0) / 2.354820
    lines = np.zeros(N_PIXELS)
    for centre, peak in _facts("sky_optical.csv"):
        lines += peak * np.exp(-0.5 * ((wave - centre * stretch) / sigma) ** 2)
    depth = [
        sum(t * np.exp(-2.77 * ((wave - c * stretch) / width) ** 2) for c, width, t in bands)
        for bands in (OXYGEN, WATER)
    ]
    return Site(measured[0], measured[1], lines, *depth)


@dataclass(frozen=True)
class Exposure:
    """One exposure of a plate: what the spectra of all its stars share.

    Attributes
    ----------
    plate : Plate
    barycentric : float
        Correction applied by the pipeline, km/s.
    efficiency : float
        Throughput of the night relative to the usual.
    calibration : ndarray, shape (16, 4)
        Legendre coefficients of each spectrograph's flux calibration error, degrees 1 to 4.
    """

    plate: Plate
    barycentric: float
    efficiency: float
    calibration: np.ndarray

    @classmethod
    def of(cls, plate: Plate, rng: np.random.Generator) -> Exposure:
        """Draw the observing conditions of a plate."""
        barycentric = barycentric_correction(plate.ra, plate.dec, plate.mjd + 2400000.3)
        spread = plate.quality * np.array(CALIBRATION_SPECTROGRAPH)
        return cls(
            plate,
            round(barycentric, 5),
            float(10.0 ** rng.normal(0.0, 0.08)),
            rng.normal(0.0, spread, (16, 4)),
        )


@dataclass(frozen=True)
class Observed:
    """One observed spectrum and the true effects in it.

    Attributes
    ----------
    flux, ivar : ndarray, shape (3909,)
        1e-17 erg s-1 cm-2 A-1, and inverse variance (0 where bad).
    bad : ndarray of bool, shape (3909,)
        Flagged by the pipeline.
    calibration : ndarray, shape (4,)
        Legendre coefficients (degrees 1 to 4 over 3700-9100 A) of the log of the flux error.
    sky_left : float
        Share of the night-sky lines left in.
    cosmic_pixel, cosmic_height, cosmic_flagged : ndarray, shape (k,)
        Cosmic rays: pixel, height in the unit of flux, whether flagged.
    """

    flux: np.ndarray
    ivar: np.ndarray
    bad: np.ndarray
    calibration: np.ndarray
    sky_left: float
    cosmic_pixel: np.ndarray = field(default_factory=lambda: np.zeros(0, int))
    cosmic_height: np.ndarray = field(default_factory=lambda: np.zeros(0))
    cosmic_flagged: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))

    def snr(self) -> dict[str, float]:
        """Median S/N per pixel in the five bands."""
        wave = wavelength_grid()
        ratio = self.flux * np.sqrt(self.ivar)
        return {
            name: max(float(np.median(ratio[(wave >= low) & (wave < high)])), 0.0)
            for name, (low, high) in SNR_BANDS.items()
        }


def calibration_error(coefficients: np.ndarray) -> np.ndarray:
    """Factor (3909,) by which the flux is wrong, from the four Legendre coefficients of its log."""
    wave = wavelength_grid()
    x = 2.0 * (wave - wave[0]) / (wave[-1] - wave[0]) - 1.0
    return np.exp(np.polynomial.legendre.legval(x, np.concatenate([[0.0], coefficients])))


def observe(
    rng: np.random.Generator,
    clean: np.ndarray,
    exposure: Exposure,
    spectrograph: int,
    magnitude: float,
    e_bv: float,
    artefact: str = "none",
) -> Observed:
    """Observe a star: noise, sky residuals, calibration error and artefacts.

    Parameters
    ----------
    rng : Generator
        The star's own.
    clean : ndarray, shape (3909,)
        Flux density at the instrument's resolution, any unit.
    exposure : Exposure
    spectrograph : int
        1 to 16.
    magnitude : float
        r, mag, reddening included.
    e_bv : float
        E(B-V), mag.
    artefact : str
        A key of `optical_stars.ARTEFACTS`, or "none".

    Returns
    -------
    Observed
    """
    wave = wavelength_grid()
    here = site(exposure.barycentric)
    plate = exposure.plate
    flux = clean * 10.0 ** (-0.4 * 3.1 * e_bv * _dust_curve())
    level = np.median(flux[(wave > 6000.0) & (wave < 6400.0)])
    bright = 10.0 ** (-0.4 * (magnitude - 12.0))
    flux = flux / level * FLUX_R12 * bright
    # Electrons per unit flux: a fibre catches more or less of its star.
    gain = here.throughput * wave**2 / (1.33 * 6200.0**2) * ELECTRONS / FLUX_R12
    gain = gain * exposure.efficiency * 10.0 ** rng.normal(0.0, 0.10)
    flux = _spoil(rng, flux, artefact)
    electrons = gain * np.clip(flux, 0.0, None)
    background = plate.sky * here.continuum + here.lines
    sigma = np.sqrt(electrons + background)
    noise = _correlated(rng, sigma) + _correlated(rng, FLAT_FIELD * electrons)
    left = rng.normal(0.0, SKY_LEFT * plate.quality)
    if artefact == "bad_sky":
        left = rng.choice([-1.0, 1.0]) * rng.uniform(0.15, 0.4)
    moved = rng.normal(0.0, 0.03 * plate.quality) * np.gradient(here.lines)
    tellurics = rng.normal(0.0, [OXYGEN_LEFT * plate.quality, WATER_LEFT * plate.quality])
    absorbed = np.exp(-tellurics[0] * here.oxygen - tellurics[1] * here.water)
    counts = gain * flux * absorbed + noise + left * here.lines + moved
    pixel, height, flagged = _cosmic_rays(rng, counts, sigma)
    shape = exposure.calibration[spectrograph - 1]
    shape = shape + rng.normal(0.0, plate.quality * np.array(CALIBRATION_FIBER))
    factor = calibration_error(shape) / gain
    bad = _bad_pixels(rng)
    for p in pixel[flagged]:
        bad[max(p - 2, 0) : p + 3] = True
    if artefact == "gap":
        start = int(rng.integers(2100, 3600))
        stop = start + int(rng.integers(40, 250))
        counts[start:stop] = 0.0
        bad[start:stop] = rng.random() < 0.5
    # The pipeline knows its noise, and what the sky leaves, to some per cent.
    known = sigma**2 + (0.7 * SKY_LEFT * here.lines) ** 2
    variance = known * factor**2 * float(10.0 ** rng.normal(0.0, 0.02))
    return Observed(
        counts * factor,
        np.where(bad, 0.0, 1.0 / variance),
        bad,
        shape,
        float(left),
        pixel,
        height * factor[pixel],
        flagged,
    )


@lru_cache(maxsize=1)
def _dust_curve() -> np.ndarray:
    return extinction(wavelength_grid())


def _correlated(rng: np.random.Generator, sigma: np.ndarray) -> np.ndarray:
    """Gaussian noise of the given sigma whose neighbouring pixels correlate."""
    white = rng.standard_normal(sigma.size + 2)
    mixed = white[1:-1] + NEIGHBOUR * (white[:-2] + white[2:])
    return sigma * mixed / np.sqrt(1.0 + 2.0 * NEIGHBOUR**2)


def _spoil(rng: np.random.Generator, flux: np.ndarray, artefact: str) -> np.ndarray:
    """Apply an artefact that spoils the spectrum before the detector."""
    wave = wavelength_grid()
    if artefact == "arm_mismatch":
        factor = 10.0 ** (rng.choice([-1.0, 1.0]) * rng.uniform(0.08, 0.25))
        return np.where(wave < 0.5 * sum(OVERLAP), factor, 1.0) * flux
    if artefact == "ripple":
        phase = 2.0 * np.pi * (wave / rng.uniform(60.0, 300.0) + rng.random())
        return flux * (1.0 + rng.uniform(0.04, 0.15) * np.sin(phase))
    if artefact == "scattered_light":
        return flux + rng.uniform(0.5, 3.0) * np.median(flux)
    return flux


def _cosmic_rays(
    rng: np.random.Generator, counts: np.ndarray, sigma: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Add cosmic rays to `counts` in place: pixel, height (electrons), whether flagged."""
    number = int(rng.poisson(COSMIC_RATE))
    pixel = np.sort(rng.integers(3, N_PIXELS - 3, number))
    height = 10.0 ** rng.uniform(0.9, 2.2, number) * sigma[pixel]
    width = rng.uniform(0.5, 1.0, number)
    for p, h, s in zip(pixel, height, width, strict=True):
        near = np.arange(p - 3, p + 4)
        counts[near] += h * np.exp(-0.5 * ((near - p) / s) ** 2)
    return pixel, height, rng.random(number) < COSMIC_FLAGGED


def _bad_pixels(rng: np.random.Generator) -> np.ndarray:
    """Draw runs of flagged pixels, five a spectrum, most of them in the blue arm as in DR10."""
    bad = np.zeros(N_PIXELS, bool)
    number = int(rng.poisson(5.0))
    start = np.where(rng.random(number) < 0.7, rng.integers(0, 2030, number), rng.integers(
        2030, N_PIXELS, number
    ))  # fmt: skip
    for first, length in zip(start, rng.geometric(0.15, number), strict=True):
        bad[first : first + length] = True
    return bad
