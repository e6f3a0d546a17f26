"""Makes the airglow and telluric lines of the H band from the sky in real APOGEE spectra.

``python -m data.make.night_sky_h_band --compare`` reads the 76 visits in the 19 DR13 apStar files
of the real-data folder (LABKIT_REAL): the sky that the pipeline took off (image 4) and its telluric
model (image 6). Visits are in the star's rest frame; each is shifted back to the observed frame,
and the median over all of them is searched for peaks. ``--write`` replaces
``data/airglow_h_band.csv`` and ``data/telluric_h_band.csv``.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from astropy.io import fits
from scipy.ndimage import median_filter

from data.make import table_files
from skysim.spectra.h_band import KM_S, wavelength_grid
from surveys.formats.apstar import LOG_WAVELENGTH_START, LOG_WAVELENGTH_STEP

#: Images of an apStar file.
MASK, SKY, TELLURIC = 3, 4, 6
BADPIX = 1  # bit 0 of APOGEE_PIXMASK
#: Pixels of the running median that is the sky's continuum.
CONTINUUM = 301
#: Fainter peaks are left out: 1e-17 erg/s/cm2/A, share of the light.
FAINTEST, SHALLOWEST = 30.0, 0.025
#: What absorbs between two wavelengths (A); elsewhere it is water.
ABSORBERS = (
    ("CO2", 15680.0, 15815.0),
    ("CO2", 15985.0, 16160.0),
    ("CH4", 16300.0, 17000.0),
)


def observed(folder: Path, image: int) -> np.ndarray:
    """Return the median of an image over all visits, in the observed frame.

    Parameters
    ----------
    folder : Path
        Of apStar files.
    image : int
        Number of the HDU.

    Returns
    -------
    ndarray, shape (8575,)
        On the grid of apStar files; NaN where no visit has a good pixel.
    """
    grid = wavelength_grid()
    rows = []
    for path in sorted(folder.glob("*.fits")):
        with fits.open(path) as file:
            header = file[0].header
            mask, values = (np.atleast_2d(file[number].data) for number in (MASK, image))
        visits = header["NVISITS"]  # the last rows; the combined spectra come first
        for number in range(1, visits + 1):
            row = number - 1 - visits
            good = (mask[row].astype(int) & BADPIX) == 0
            at_telescope = grid * (1.0 + header[f"VRAD{number}"] / KM_S)
            rows.append(np.interp(grid, at_telescope, np.where(good, values[row], np.nan)))
    if not rows:
        raise FileNotFoundError(f"there are no apStar files in {folder}")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice")  # the gaps between the chips
        return np.nanmedian(rows, axis=0)


def peaks(
    height: np.ndarray, least: float, shape: Callable[[np.ndarray], np.ndarray]
) -> list[tuple[float, float]]:
    """Return the wavelength (A) and height of the local maxima that are high enough.

    Parameters
    ----------
    height : ndarray, shape (8575,)
        On the grid of apStar files.
    least : float
        Lower peaks are left out.
    shape : function of heights
        What is parabolic about the top of a line: the logarithm of a Gaussian's height.
    """
    inner = np.arange(1, height.size - 1)
    top = (height[inner] > height[inner - 1]) & (height[inner] >= height[inner + 1])
    found = []
    for pixel in inner[top & (height[inner] >= least)]:
        left, middle, right = shape(np.maximum(height[pixel - 1 : pixel + 2], 1e-9))
        off = 0.5 * (right - left) / (2.0 * middle - left - right)
        place = LOG_WAVELENGTH_START + LOG_WAVELENGTH_STEP * (pixel + np.clip(off, -1.0, 1.0))
        found.append((float(10.0**place), float(height[pixel])))
    return found


def absorber(wavelength: float) -> str:
    """Return the molecule whose band lies at a wavelength (A)."""
    for name, first, last in ABSORBERS:
        if first <= wavelength <= last:
            return name
    return "H2O"


def make(folder: Path) -> dict[str, str]:
    """Return the texts of both tables from the folder of real files."""
    files = folder / "apogee" / "apstar"
    sky = np.nan_to_num(observed(files, SKY))
    glow = peaks(sky - median_filter(sky, CONTINUUM), FAINTEST, np.log)
    depth = 1.0 - np.nan_to_num(observed(files, TELLURIC), nan=1.0)
    dark = peaks(depth, SHALLOWEST, np.asarray)
    airglow, telluric = "airglow_h_band.csv", "telluric_h_band.csv"
    return {
        airglow: table_files.header(airglow)
        + table_files.csv_text(
            ("wavelength_vac_A", "peak"), ((f"{wave:.2f}", f"{peak:.0f}") for wave, peak in glow)
        ),
        telluric: table_files.header(telluric)
        + table_files.csv_text(
            ("wavelength_vac_A", "depth", "absorber"),
            ((f"{wave:.2f}", f"{deep:.3f}", absorber(wave)) for wave, deep in dark),
        ),
    }


if __name__ == "__main__":
    table_files.run(__doc__, make)
