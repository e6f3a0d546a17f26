"""The committed airglow and telluric lines of the H band against real sky (needs shared/real).

The script that measured ``data/airglow_h_band.csv`` and ``data/telluric_h_band.csv`` was not kept;
here every line of both is measured again, in the same 76 visits.  ``pytest tests/real -k mock -s``
prints the figures.
"""

import csv
import warnings

import numpy as np
import pytest
from astropy.io import fits
from scipy.ndimage import median_filter

from skysim.spectra.h_band import KM_S, wavelength_grid
from surveys.folders import fact_file

from .conftest import real_file

SKY, TELLURIC = 4, 6  # HDUs of an apStar file


def observed(hdu):
    """Median over all visits of an image, each row shifted back to the observed frame."""
    grid = wavelength_grid()
    rows = []
    for path in sorted(real_file("apogee/apstar").glob("*.fits")):
        with fits.open(path) as file:
            header, image = file[0].header, np.atleast_2d(file[hdu].data)
        visits = header["NVISITS"]
        for i, row in enumerate(image[-visits:], start=1):
            row = np.where(row > 0, row, np.nan)
            rows.append(np.interp(grid, grid * (1 + header[f"VRAD{i}"] / KM_S), row))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice")  # the gaps between the chips
        return len(rows), np.nanmedian(rows, axis=0)


def measured(heights, wavelength):
    """Position (A) and height of the peak within 0.5 A of each wavelength."""
    grid = wavelength_grid()
    found = []
    for wave in wavelength:
        near = np.flatnonzero(np.abs(grid - wave) < 0.5)
        peak = near[np.argmax(heights[near])]
        left, top, right = heights[peak - 1 : peak + 2]
        bend = 2 * top - left - right
        shift = 0.5 * (right - left) / bend if bend > 0 else 0.0
        found.append((grid[peak] + np.clip(shift, -1, 1) * (grid[peak + 1] - grid[peak]), top))
    return np.array(found).T


@pytest.mark.parametrize(("name", "hdu"), [("airglow", SKY), ("telluric", TELLURIC)])
def test_mock_sky_lines(name, hdu):
    visits, spectrum = observed(hdu)
    if hdu == SKY:
        spectrum = np.nan_to_num(spectrum)
        heights = spectrum - median_filter(spectrum, 101)
    else:
        heights = 1.0 - np.nan_to_num(spectrum, nan=1.0)
    with fact_file(f"{name}_h_band.csv").open(newline="") as handle:
        rows = list(csv.reader(line for line in handle if not line.startswith("#")))[1:]
    wavelength, height = np.array([row[:2] for row in rows], float).T
    position, again = measured(heights, wavelength)
    off, ratio = position - wavelength, again / height
    aside = np.interp(wavelength + 1.0, wavelength_grid(), heights) / height
    low, middle, high = np.percentile(ratio, [5, 50, 95])
    print(
        f"\n{len(rows)} {name} lines in {visits} visits: median |shift| "
        f"{np.median(np.abs(off)):.3f} A, 95 per cent below "
        f"{np.percentile(np.abs(off), 95):.2f} A; height over the table's: median {middle:.2f}, "
        f"90 per cent within {low:.2f}-{high:.2f}; 1 A beside the lines {np.median(aside):.2f}"
    )
    assert visits == 76
    assert np.median(np.abs(off)) < 0.05
    assert np.percentile(np.abs(off), 95) < 0.2
    assert middle == pytest.approx(1.0, abs=0.05)
    assert low > 0.7
    assert high < 1.3
    assert np.median(aside) < 0.4
