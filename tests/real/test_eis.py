"""The density of a real active region by two lines of Fe XII (needs shared/real).

AR 12807, seen by Hinode/EIS on 2021 March 6. The errors are those of photons and read noise,
enlarged by the square root of the reduced chi-squared: a sum over an active region is so bright
that its lines are visibly no Gaussians.
"""

import h5py
import numpy as np
import pytest
from scipy.optimize import curve_fit

from helpers import corona
from surveys.formats import eis

from .conftest import real_file

#: the lines' members, and the window that is fitted, Å
BLEND, ALONE = ((186.854, 186.887), (186.75, 187.0)), ((192.394,), (192.27, 192.51))
#: assumed: error of the calibration of one line relative to the other, on the same detector
CALIBRATION = 0.15
LOG_T = 6.2


@pytest.fixture(scope="module")
def windows():
    raster = corona.eis.read(real_file("corona/eis/eis_20210306_064444.data.h5"))
    return [eis.find(raster, members[0]) for members, _ in (BLEND, ALONE)]


@pytest.fixture(scope="module")
def curve():
    """Density and ratio at the temperature where Fe XII is most abundant."""
    lines = corona.line_table()
    log_n = np.linspace(8.0, 12.0, 401)
    g = lines.at_density(log_n)[:, np.argmin(np.abs(lines.log_temperature - LOG_T))]
    above, below = (sum(g[lines.find("fe_12", w)] for w in m) for m, _ in (BLEND, ALONE))
    return log_n, above / below


def gaussian(w, base, area, centre, sigma):
    return base + area * np.exp(-0.5 * ((w - centre) / sigma) ** 2) / (np.sqrt(2 * np.pi) * sigma)


def fit(spectrum, span):
    """Area, its error, centre, width and reduced chi-squared of a line on a constant."""
    inside = (spectrum.wavelength > span[0]) & (spectrum.wavelength < span[1])
    w, flux, error = (a[inside] for a in (spectrum.wavelength, spectrum.intensity, spectrum.error))
    start = [flux.min(), flux.max() * 0.075, w[np.argmax(flux)], 0.03]
    found, covariance = curve_fit(gaussian, w, flux, start, error, absolute_sigma=True)
    chi2 = np.sum(((flux - gaussian(w, *found)) / error) ** 2) / (len(w) - 4)
    return found[1], np.sqrt(covariance[1, 1] * max(chi2, 1.0)), found[2], abs(found[3]), chi2


def density(spectra, curve):
    """Ratio, log n and their errors, with the two fits."""
    log_n, ratios = curve
    fits = [fit(s, span) for s, (_, span) in zip(spectra, (BLEND, ALONE), strict=True)]
    ratio = fits[0][0] / fits[1][0]
    error = ratio * np.hypot(*(f[1] / f[0] for f in fits))
    low, value, high = np.interp([ratio - error, ratio, ratio + error], ratios, log_n)
    return ratio, error, value, (high - low) / 2, fits


def test_eis_mean_spectrum_gives_the_density_of_the_active_region(windows, curve):
    region = eis.common_region(windows)
    spectra = [window.mean_spectrum(region) for window in windows]
    ratio, error, log_n, log_error, fits = density(spectra, curve)
    print()
    for (members, _), (area, its, centre, sigma, chi2) in zip((BLEND, ALONE), fits, strict=True):
        print(
            f"Fe XII {members[-1]:.2f}: {area:.0f} +- {its:.0f} erg/cm2/s/sr at {centre:.3f} A, "
            f"FWHM {2.355 * sigma:.3f} A (instrument {spectra[0].fwhm:.3f}), "
            f"reduced chi2 {chi2:.0f}"
        )
        assert min(abs(centre - w) for w in members) < 0.03
        assert 2.355 * sigma > spectra[0].fwhm
    shared = np.interp([ratio * (1 - CALIBRATION), ratio * (1 + CALIBRATION)], curve[1], curve[0])
    print(
        f"186.88/192.39 = {ratio:.3f} +- {error:.3f}: log n = {log_n:.2f} +- {log_error:.2f} "
        f"(fits) +- {(shared[1] - shared[0]) / 2:.2f} (15 % of calibration)"
    )
    assert ratio == pytest.approx(1.3, abs=0.1)
    assert 9.0 < log_n < 10.0


def test_eis_map_gives_a_density_in_each_of_a_hundred_cells(windows, curve):
    maps = [window.binned(eis.common_region(windows)) for window in windows]
    found = [density([m[i, j] for m in maps], curve) for i, j in np.ndindex(20, 5)]
    log_n, error = np.array([cell[2:4] for cell in found]).T
    chi2 = np.median([[f[4] for f in cell[4]] for cell in found], axis=0)
    low, middle, high = np.percentile(log_n, [16, 50, 84])
    print(
        f"\n20 x 5 cells: median log n {middle:.2f}, 68 % within {low:.2f} to {high:.2f}, median "
        f"error {np.median(error):.2f}; median reduced chi2 {chi2[0]:.1f} and {chi2[1]:.1f}"
    )
    centres = np.array([[f[2] for f in cell[4]] for cell in found])
    assert np.abs(centres - [186.88, 192.394]).max() < 0.03
    assert ((log_n > 8.5) & (log_n < 10.5)).mean() > 0.95
    assert 9.0 < middle < 10.0


def test_eis_calibration_agrees_with_the_area_of_the_telescope():
    """What one count means gives back the effective area before flight, 0.3 cm2 at its best.

    So the factor holds the exposure of 10 s, the 2 by 1 arcsec that a pixel sees, and one Å.
    """
    photon = 1.98645e-8  # erg Å
    solid_angle = 2.0 * np.radians(1 / 3600) ** 2
    with h5py.File(real_file("corona/eis/eis_20210306_064444.head.h5")) as head:
        for name, low, high in (("win01", 0.09, 0.13), ("win02", 0.22, 0.30)):
            w, per_count = head[f"wavelength/{name}"][:], head[f"radcal/{name}_pre"][:]
            area = photon / w / (per_count * 10.0 * solid_angle * np.diff(w).mean())
            print(f"\n{w.mean():.1f} A: effective area {area.mean():.3f} cm2", end="")
            assert low < area.min() < area.max() < high


def test_eis_detectors_see_the_same_place_on_the_sun():
    """Images in Fe XIII 201.1 and Fe XIV 270.5, 17 rows apart on the detectors, lie together."""
    raster = eis.read(real_file("corona/eis/eis_20210306_064444.data.h5"))
    short, long = (eis.find(raster, w) for w in (201.126, 270.521))
    y = np.arange(-230.0, -150.0, 0.5)
    shifts = np.arange(-25.0, 25.5, 0.5)

    def image(window, places):
        light = window.intensity - np.nanmedian(window.intensity, axis=2, keepdims=True)
        return np.array([np.interp(places, window.solar_y, c) for c in np.nansum(light, axis=2).T])

    alike = [
        np.corrcoef(image(short, y).ravel(), image(long, y + shift).ravel())[0, 1]
        for shift in shifts
    ]
    print(f"\nimages {shifts[np.argmax(alike)]:+.1f} arcsec apart, correlation {max(alike):.2f}")
    assert abs(shifts[np.argmax(alike)]) <= 1.5


def test_eis_wavelength_correction_straightens_the_line(windows):
    """The centre of Fe XII 192.39 in 20 places along the slit, with the correction and without."""
    cells = windows[1].binned(eis.common_region(windows), 20, 1)
    with h5py.File(real_file("corona/eis/eis_20210306_064444.head.h5")) as head:
        nominal = head["wavelength/win02"][0]
    corrected = np.array([fit(cells[i, 0], ALONE[1])[2] for i in range(20)])
    raw = corrected + nominal - cells.wavelength[:, 0, 0]
    slopes = [np.polyfit(np.arange(20), centre, 1)[0] * 20 for centre in (raw, corrected)]
    print(f"\ncentre along the slit: {slopes[0]:+.4f} A end to end, corrected {slopes[1]:+.4f} A")
    assert abs(slopes[1]) < abs(slopes[0]) / 2
