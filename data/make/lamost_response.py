"""Measure throughput, sky background and night-sky lines of LAMOST on real spectra.

``python -m data.make.lamost_response --compare`` makes ``data/lamost_response.csv`` and
``data/sky_optical.csv`` from the 2330 DR10 spectra of the real-data folder (LABKIT_REAL);
``--write`` replaces them.  A pixel that collects e electrons from the star and B from everything
else has (S/N)^2 = e^2 / (e + B).  Bright stars show how e depends on wavelength, faint ones B; its
narrow peaks are the lines of the night sky.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import median_filter

from data.make import table_files

#: Where a spectrum's strength is read, A, and the scale of B there: with less, faint red spectra
#: would be better than photons allow; with more, the blue ends of faint spectra come out too good.
REFERENCE = (4500.0, 5200.0)
BACKGROUND = 700.0
#: Peaks of the background that belong to the stars, not to the sky, A: their line cores are
#: fainter than the continuum.  In the blue arm keep only the Hg I lines of artificial light.
STELLAR = (8500.4, 8544.4, 8664.5)
MERCURY = (4359.5, 5462.3)
#: Spacing of the response table, A.
NODES = 50.0


@dataclass(frozen=True)
class RealSpectra:
    """Spectra of LAMOST DR10: grid (3909,), A; flux and inverse variance (n, 3909), 0 where bad."""

    wavelength: np.ndarray
    flux: np.ndarray
    ivar: np.ndarray
    snrg: np.ndarray

    @classmethod
    def read(cls, path: Path) -> RealSpectra:
        """Read ``dr10_afg_2330.npz`` (layout: docs/data.md)."""
        with np.load(path) as file:
            wavelength, snrg = file["wavelength"], file["snrg"].astype(float)
            scale = file["flux_scale"][:, None]
            flux = file["flux_i2"] * scale
            error = file["err_f2"].astype(float) * scale * 100.0
            bad = np.unpackbits(file["bad"], axis=1)[:, : wavelength.size].astype(bool)
        good = ~bad & np.isfinite(error) & (error > 0)
        return cls(
            wavelength, flux, np.where(good, 1.0 / np.where(good, error, 1.0) ** 2, 0.0), snrg
        )


def _strength(real: RealSpectra, power: np.ndarray) -> np.ndarray:
    """Median of each row of an array (n, 3909) over the reference window."""
    window = (real.wavelength > REFERENCE[0]) & (real.wavelength < REFERENCE[1])
    return np.nanmedian(power[:, window], axis=1)


def response(real: RealSpectra, wanted: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Throughput and background at every pixel.

    Parameters
    ----------
    real : RealSpectra
    wanted : (low, high)
        S/N in g of the faint stars that tell the background.

    Returns
    -------
    throughput : ndarray, shape (3909,)
        Electrons per unit flux and squared wavelength, 1 in the reference window.
    background : ndarray, shape (3909,)
        Electrons from the sky and the detector, on the scale of `BACKGROUND`.
    """
    photons = np.where(real.ivar > 0, real.flux * real.wavelength**2, np.nan)
    power = np.where(real.ivar > 0, real.flux**2 * real.ivar, np.nan)
    bright = (real.snrg > 150) & (real.snrg < 600)
    each = power[bright] / photons[bright]
    throughput = np.nanmedian(each / _strength(real, each)[:, None], axis=0)
    throughput = _smooth(real.wavelength, throughput)
    faint = (real.snrg > wanted[0]) & (real.snrg < wanted[1])
    power, photons = power[faint], photons[faint]
    level = _strength(real, power)[:, None]
    star = 0.5 * (level + np.sqrt(level**2 + 4.0 * level * BACKGROUND))
    electrons = star * throughput * photons / _strength(real, photons)[:, None]
    background = np.nanmedian(electrons * (electrons / power - 1.0), axis=0)
    return throughput, np.maximum(background, 1.0)


def _smooth(wavelength: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Running median in each arm separately: the response jumps between the arms."""
    edge = int(np.searchsorted(wavelength, 5900.0))
    return np.concatenate([median_filter(p, 61, mode="nearest") for p in np.split(values, [edge])])


def sky_lines(wavelength: np.ndarray, background: np.ndarray) -> list[tuple[float, float]]:
    """Find the lines in a background: wavelength (A) and brightness (electrons at the peak)."""
    continuum = median_filter(background, 121, mode="nearest")
    excess = background - continuum
    found = []
    for i in range(3, excess.size - 3):
        peak = excess[i] == excess[i - 3 : i + 4].max()
        if peak and excess[i] > 0.25 * continuum[i] and wavelength[i] < 9085.0:
            parts = np.clip(excess[i - 2 : i + 3], 0.0, None)
            centre = float((parts * wavelength[i - 2 : i + 3]).sum() / parts.sum())
            if _is_sky(centre):
                found.append((round(centre, 1), round(float(excess[i]), 1)))
    return found


def _is_sky(centre: float) -> bool:
    """Whether a peak at this wavelength (A) is a line of the night sky."""
    if centre < 5560.0:
        return min(abs(centre - line) for line in MERCURY) < 2.0
    return min(abs(centre - line) for line in STELLAR) > 4.0


def tables(real: RealSpectra) -> tuple[list[dict], list[dict]]:
    """Rows of the two tables: the smooth response, and the night-sky lines."""
    throughput, background = response(real, (10.0, 40.0))
    lines = sky_lines(real.wavelength, background)
    smooth = median_filter(background, 121, mode="nearest")
    nodes = np.concatenate([np.arange(3700.0, 5899.0, NODES), np.arange(5900.0, 9101.0, NODES)])
    rows = []
    for node in nodes:
        near = np.abs(real.wavelength - node) < NODES / 2
        rows.append(
            {
                "wavelength": node,
                "throughput": round(float(np.median(throughput[near])), 4),
                "background": round(float(np.median(smooth[near])), 1),
            }
        )
    return rows, [{"wavelength": w, "brightness": b} for w, b in lines]


def make(folder: Path) -> dict[str, str]:
    """Return the texts of both tables from the folder of real files."""
    made = tables(RealSpectra.read(folder / "lamost" / "dr10_afg_2330.npz"))
    return {
        name: table_files.header(name)
        + table_files.csv_text(list(rows[0]), (row.values() for row in rows))
        for name, rows in zip(("lamost_response.csv", "sky_optical.csv"), made, strict=True)
    }


if __name__ == "__main__":
    table_files.run(__doc__, make)
