"""Simulated extreme-ultraviolet spectra of stellar coronae.

What is real: line positions and contribution functions (CHIANTI). What is a model: the distribution
of emission over temperature, the instrument, the noise, and every error that is planted. All lines
are those of the committed table; real spectra hold more.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

#: the pixels, Angstrom, and how many of them a profile reaches to either side
STEP, REACH = 0.125, 7
PIXELS = 167.0 + STEP * np.arange(1000)
#: width of the instrument's Gaussian profile, Angstrom; how well it and the zero point are known
FWHM, WIDTH_ERROR, SHIFT_ERROR = 0.30, 0.03, 0.015
#: height of the profile of unit area, 1/Angstrom
PEAK = 2.3548 / (FWHM * np.sqrt(2 * np.pi))
#: relative errors: of one line's atomic data, and of the calibration with its length in Angstrom
ATOMIC_ERROR, CALIBRATION_ERROR, CALIBRATION_LENGTH = 0.12, 0.08, 40.0
LOG_T, LOG_N, SNR = (6.0, 7.0), (9.0, 11.0), (1.0, 10.0)
#: the lines by whose peaks signal to noise is counted
N_SNR = 20
#: log T of the integration over a loop
_DEX = 0.05


def loop_emission(log_temperature: np.ndarray, peak: float) -> np.ndarray:
    """Emission measure per dex of a simple loop: T^(3/2) up to its peak, T^-4 beyond.

    The rise is that of a static loop heated evenly (Rosner, Tucker & Vaiana 1978, ApJ 220, 643).
    """
    x = log_temperature - peak
    result: np.ndarray = 10 ** np.where(x < 0, 1.5 * x, -4 * x)
    return result


class Table(Protocol):
    """Contribution functions as `helpers.corona.line_table` reads them."""

    @property
    def wavelength(self) -> np.ndarray:
        """Return the wavelengths of the lines, (l,), Å."""

    @property
    def log_temperature(self) -> np.ndarray:
        """log10 of K, (t,)."""

    def at_density(self, log_density: float | np.ndarray) -> np.ndarray:
        """Return G at densities: (l, t) or (l, t, m)."""


def intensities(lines: Table, log_t: np.ndarray, log_n: np.ndarray) -> np.ndarray:
    """Line intensities of loops per unit emission measure.

    Parameters
    ----------
    lines : Table
    log_t, log_n : (m,) array
        log10 of the loops' peak temperature in K and of their electron density in cm^-3.

    Returns
    -------
    (m, l) array
        erg cm^3 s^-1 sr^-1 per unit emission measure at the peak, per dex.
    """
    emission = np.array([loop_emission(lines.log_temperature, peak) for peak in log_t])
    result = np.empty((len(log_t), len(lines.wavelength)))
    for start in range(0, len(log_t), 500):
        part = slice(start, start + 500)
        g = lines.at_density(log_n[part])
        result[part] = np.einsum("ltm,mt->ml", g, emission[part], optimize=True) * _DEX
    return result


def add_lines(
    centres: np.ndarray, intensity: np.ndarray, fwhm: np.ndarray, shift: np.ndarray
) -> np.ndarray:
    """Spectra of lines with Gaussian profiles, (m, pixels), from intensities (m, l)."""
    near = np.arange(-REACH, REACH + 1)
    pixel = np.rint((centres - PIXELS[0]) / STEP).astype(int)[:, None] + near
    inside = (pixel >= 0) & (pixel < PIXELS.size)
    there = PIXELS[0] + STEP * pixel
    result = np.zeros((len(fwhm), PIXELS.size))
    for row, strength, width, moved in zip(result, intensity, fwhm, shift, strict=True):
        sigma = width / 2.3548
        z = (there - centres[:, None] - moved) / sigma
        light = strength[:, None] * np.exp(-0.5 * z**2) / (np.sqrt(2 * np.pi) * sigma)
        np.add.at(row, pixel[inside], light[inside])
    return result


def calibration(count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw smooth factors exp(Gaussian process) on the pixels, (count, pixels)."""
    from scipy.interpolate import CubicSpline

    knots = np.linspace(PIXELS[0], PIXELS[-1], 13)
    distance = (knots[:, None] - knots) / CALIBRATION_LENGTH
    root = np.linalg.cholesky(np.exp(-0.5 * distance**2) + 1e-6 * np.eye(knots.size))
    at_knots = CALIBRATION_ERROR * rng.standard_normal((count, knots.size)) @ root.T
    factors: np.ndarray = np.exp(CubicSpline(knots, at_knots, axis=1)(PIXELS))
    return factors


def simulate(
    lines: Table,
    log_t: np.ndarray,
    log_n: np.ndarray,
    snr: np.ndarray,
    rng: np.random.Generator,
    atomic: np.ndarray | None = None,
    second: tuple[np.ndarray, np.ndarray] | None = None,
) -> dict[str, np.ndarray]:
    """Simulate observed spectra of coronae.

    Parameters
    ----------
    lines : Table
    log_t, log_n : (m,) array
        Peak temperature and density, log10 of K and cm^-3.
    snr : (m,) array
        Median over each spectrum's 20 brightest lines of peak over error in one pixel.
    rng : Generator
    atomic : (l,) array, optional
        Natural log of true over tabulated intensity, the same for all; default: drawn anew for
        every spectrum.
    second : pair of (m,) array, optional
        log10 of temperature in K and emission measure relative to the first, of a second component.

    Returns
    -------
    dict of ndarray
        The fields of `helpers.corona.Spectra`.
    """
    count = len(log_t)
    intensity = intensities(lines, log_t, log_n)
    if second is not None:
        intensity = intensity + 10 ** second[1][:, None] * intensities(lines, second[0], log_n)
    # brightness means nothing here: one scale for all, a little spread
    intensity /= intensity.max(axis=1, keepdims=True)
    intensity *= 10 ** rng.normal(0, 0.2, (count, 1))
    drawn = ATOMIC_ERROR * rng.standard_normal((count, len(lines.wavelength)))
    intensity *= np.exp(drawn if atomic is None else atomic)
    fwhm = FWHM * (1 + WIDTH_ERROR * rng.standard_normal(count))
    shift = SHIFT_ERROR * rng.standard_normal(count)
    shape = np.ones((count, 1)) + rng.normal(0, 0.3, (count, 1)) * (PIXELS - 229) / 60
    continuum = 10 ** rng.uniform(-1.7, -1.0, (count, 1)) * intensity.max(axis=1)[:, None] * shape
    clean = add_lines(lines.wavelength, intensity, fwhm, shift) + continuum
    clean *= calibration(count, rng)
    # photons, over a background as bright as the faintest of the lines that count
    rank = np.argsort(intensity, axis=1)[:, -N_SNR:]
    peak = np.take_along_axis(intensity, rank, axis=1) * PEAK
    variance = clean + peak[:, :1]
    pixel = np.searchsorted(PIXELS, lines.wavelength).clip(0, PIXELS.size - 1)
    noise = np.sqrt(np.take_along_axis(variance, pixel[rank], axis=1))
    error = np.sqrt(variance) * (np.median(peak / noise, axis=1) / snr)[:, None]
    flux = clean + error * rng.standard_normal(clean.shape)
    return {
        "wavelength": PIXELS,
        "flux": flux.astype(np.float32),
        "error": error.astype(np.float32),
        "log_t": log_t,
        "log_n": log_n,
        "snr": snr,
        "intensity": intensity.astype(np.float32),
    }


def sample(lines: Table, count: int, seed: int) -> dict[str, np.ndarray]:
    """Simulate coronae drawn evenly in log T, log n and log S/N.

    Parameters
    ----------
    lines : Table
    count : int
    seed : int

    Returns
    -------
    dict of ndarray
        The fields of `helpers.corona.Spectra`.
    """
    rng = np.random.default_rng(seed)
    log_t, log_n = rng.uniform(*LOG_T, count), rng.uniform(*LOG_N, count)
    snr = 10 ** rng.uniform(np.log10(SNR[0]), np.log10(SNR[1]), count)
    return simulate(lines, log_t, log_n, snr, rng)


def population(
    lines: Table, count: int, seed: int, snr: float, second: float | None = None
) -> dict[str, np.ndarray]:
    """Simulate like stars that share the errors of the atomic data.

    Parameters
    ----------
    lines : Table
    count : int
    seed : int
    snr : float
    second : float, optional
        log10 relative emission measure of a component at 8 MK.

    Returns
    -------
    dict of ndarray
        The fields of `helpers.corona.Spectra`.
    """
    rng = np.random.default_rng(seed)
    log_n = rng.uniform(9.8, 10.2) + 0.15 * rng.standard_normal(count)
    log_t = 6.4 + 0.1 * rng.standard_normal(count)
    atomic = ATOMIC_ERROR * rng.standard_normal(len(lines.wavelength))
    more = None if second is None else (np.full(count, 6.9), np.full(count, second))
    return simulate(lines, log_t, log_n, np.full(count, snr), rng, atomic, more)
