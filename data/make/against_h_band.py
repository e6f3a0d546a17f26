"""Compare simulated H-band spectra with real ones, for tests and to calibrate line strengths.

The reference is a Cannon trained on real giants (Bovy's ``apogee``), which gives
the mean real spectrum at any labels, and a small neural emulator of a professional grid (El-Badry's
``binspec``).  All spectra are put on the 7214 pixels that ASPCAP analyses and normalised alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
from astropy.io import fits
from scipy.optimize import least_squares

from skysim.stars.labels import Labels
from surveys.formats.apogee_pixels import CHIPS

#: Teff, log g, [M/H], [alpha/M] of the points where spectra are compared; the first is the origin.
POINTS = (
    (4500, 2.0, -0.3, 0.05),
    (4000, 1.0, 0.0, 0.05),
    (5000, 2.8, 0.0, 0.05),
    (4500, 2.0, -0.9, 0.2),
)
STEPS = (100.0, 0.2, 0.1, 0.1)
#: The 7214 pixels of ASPCAP on the apStar grid, and each chip's pixels among them.
PIXELS = np.r_[tuple(CHIPS.values())]
_CHIP_ENDS = np.cumsum([chip.stop - chip.start for chip in CHIPS.values()])
_CHIPS_OF_PIXELS = [slice(start, stop) for start, stop in pairwise([0, *_CHIP_ENDS])]
#: The real Berkeley mystery star's labels under the real Cannon.
MYSTERY_LABELS = (4463.0, 1.98, -0.523, 0.23)
_MASKED = sum(1 << bit for bit in (*range(8), 12, 14))  # bad, sky line, too little light

Spectrum = Callable[[tuple[float, float, float, float]], np.ndarray]


def star(point: tuple[float, float, float, float]) -> Labels:
    """Labels of the simulated sky at (Teff, log g, [M/H], [alpha/M])."""
    teff, logg, metals, alpha = (float(x) for x in point)
    return Labels(teff, logg, metals, alpha, alpha, alpha)


@dataclass(frozen=True)
class HBandReference:
    """Mean spectra of real giants, and a published emulator, from the folder of real files.

    Parameters
    ----------
    folder : Path
        The folder of real files (LABKIT_REAL).
    """

    folder: Path

    @cached_property
    def _trained(self) -> dict[str, np.ndarray]:
        return dict(np.load(self.folder / "apogee" / "cannon_trained_on_real.npz"))

    @cached_property
    def wavelength(self) -> np.ndarray:
        """Vacuum wavelengths of the 7214 pixels, Angstrom."""
        return self._trained["wavelength"]

    @cached_property
    def trusted(self) -> np.ndarray:
        """Which of the 7214 pixels hold continuum."""
        return np.load(self.folder / "apogee" / "cannon_continuum_apogee.npz")["trusted"]

    @cached_property
    def _emulator(self) -> dict[str, np.ndarray]:
        return dict(np.load(self.folder / "apogee" / "payne_nn_unnormalized_spectra.npz"))

    def normalise(self, flux: np.ndarray, good: np.ndarray | None = None) -> np.ndarray:
        """Divide by a degree-4 Chebyshev polynomial through the trusted pixels, chip by chip."""
        good = np.ones(flux.size, bool) if good is None else good
        out = np.empty_like(flux)
        for chip in _CHIPS_OF_PIXELS:
            x = np.linspace(-1, 1, chip.stop - chip.start)
            use = self.trusted[chip] & good[chip]
            shape = np.polynomial.chebyshev.chebfit(x[use], flux[chip][use], 4)
            out[chip] = flux[chip] / np.polynomial.chebyshev.chebval(x, shape)
        return out

    def real(self, point: tuple[float, float, float, float]) -> np.ndarray:
        """Mean real spectrum at a point, normalised (7214,)."""
        d = np.asarray(point, float) - self._trained["baseline"]
        pairs = [d[i] * d[j] for i in range(4) for j in range(i, 4)]
        return self.normalise(np.array([1.0, *d, *pairs]) @ self._trained["coefficients"])

    def professional(self, point: tuple[float, float, float, float]) -> np.ndarray:
        """The professional grid's emulator at a point, normalised (7214,)."""
        z = self._emulator
        x = (np.asarray(point, float) - z["x_min"]) / (z["x_max"] - z["x_min"]) - 0.5
        hidden = 1.0 / (1.0 + np.exp(-(z["w_array_0"] @ x + z["b_array_0"])))
        return self.normalise((z["w_array_1"] * hidden).sum(axis=1) + z["b_array_1"])

    @cached_property
    def mystery(self) -> tuple[np.ndarray, np.ndarray]:
        """The real mystery star: normalised flux and good pixels (7214,)."""
        with fits.open(self.folder / "apogee" / "mystery_spec_wiped.fits") as file:
            arrays = [np.ravel(h.data) for h in file if h.data is not None][:3]
        flux, error, mask = (a[PIXELS].astype(float) for a in arrays)
        good = (mask.astype(int) & _MASKED) == 0
        good &= np.isfinite(flux) & (flux > 0) & (error < 0.05 * np.abs(flux))
        return self.normalise(np.where(good, flux, 1.0), good), good


def likeness(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Correlation and rms difference of two spectra."""
    return float(np.corrcoef(a, b)[0, 1]), float(np.sqrt(np.mean((a - b) ** 2)))


def derivatives(spectrum: Spectrum, point: tuple[float, ...] = POINTS[0]) -> np.ndarray:
    """Change of a spectrum per unit of each label at a point, by central differences (4, n)."""
    rows = []
    for i, step in enumerate(STEPS):
        d = np.zeros(4)
        d[i] = step
        rows.append((spectrum(np.array(point) + d) - spectrum(np.array(point) - d)) / (2 * step))
    return np.array(rows)


def _minima(flux: np.ndarray, wavelength: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of the local minima of a spectrum and their wavelengths, by a parabola."""
    k = np.flatnonzero((flux[1:-1] < flux[:-2]) & (flux[1:-1] <= flux[2:])) + 1
    bend = flux[k - 1] - 2 * flux[k] + flux[k + 1]
    lean = 0.5 * (flux[k - 1] - flux[k + 1]) / np.where(bend > 0, bend, np.inf)
    return k, wavelength[k] + lean * (wavelength[k + 1] - wavelength[k])


def lines_found(
    real: np.ndarray,
    model: np.ndarray,
    wavelength: np.ndarray,
    number: int = 60,
    offset: float = 0.0,
) -> int:
    """Number of the deepest real lines that a model has within 0.4 A and at half the depth.

    `offset` (A) moves the model first: the control.
    """
    k, centre = _minima(real, wavelength)
    deepest: list[int] = []
    for i in np.argsort(real[k]):
        if all(abs(centre[i] - centre[j]) > 1.0 for j in deepest):
            deepest.append(i)
        if len(deepest) == number:
            break
    m, place = _minima(model, wavelength)
    depth = 1.0 - model[m]
    hits = 0
    for i in deepest:
        near = np.abs(place + offset - centre[i]) < 0.4
        hits += bool(near.any() and depth[near].max() >= 0.5 * (1.0 - real[k[i]]))
    return hits


def fitted_labels(
    spectrum: Spectrum,
    target: np.ndarray,
    good: np.ndarray,
    start: tuple[float, ...] = (4600.0, 2.3, -0.4, 0.1),
) -> np.ndarray:
    """Labels at which a model is nearest to a spectrum, by least squares over the good pixels."""
    scale = np.array(STEPS)

    def difference(x: np.ndarray) -> np.ndarray:
        return (spectrum(np.array(start) + x * scale) - target)[good]

    found = least_squares(difference, np.zeros(4), diff_step=0.3, max_nfev=8)
    return np.array(start) + found.x * scale
