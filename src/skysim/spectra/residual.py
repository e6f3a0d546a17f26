"""Residual equivalent widths of noiseless spectra, measured as Xiang et al. measure real ones.

Around H alpha and around the Ca II triplet, on 1 A grids at rest, both spectra are divided by the
pseudo-continuum of the inactive one (Legendre polynomial of degree 4, five rounds of 2 sigma
clipping), and their difference is integrated over each line, on the pixels as they are.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from skysim.spectra.features import HALPHA_VACUUM, TRIPLET_VACUUM

#: First wavelength of each window of 400 A, A; vacuum, at rest.
WINDOWS = (6371.0, 8381.0)
#: Centres of the lines and full widths of integration, A.
LINES = ((HALPHA_VACUUM, 20.0), *((centre, 10.0) for centre in TRIPLET_VACUUM))
_SIZE, _DEGREE, _ROUNDS, _CLIP = 400, 4, 5, 2.0
#: Legendre polynomials over a window, (400, 5).
_BASIS = np.polynomial.legendre.legvander(np.linspace(-1.0, 1.0, _SIZE), _DEGREE)


@njit(cache=True)
def _clipped_fit(basis, flux, rounds, clip):
    """Least squares by the normal equations, after some rounds of clipping, (n,)."""
    keep, level = np.ones(flux.size), np.empty_like(flux)
    for number in range(rounds + 1):
        weighted = basis * keep.reshape(-1, 1)
        level = basis @ np.linalg.solve(weighted.T @ basis, weighted.T @ flux)
        if number < rounds:
            away, share = flux - level, keep / keep.sum()
            middle = (away * share).sum()
            spread = np.sqrt((share * (away - middle) ** 2).sum())
            keep = (np.abs(away - middle) < clip * spread).astype(np.float64)
    return level


def pseudo_continuum(flux: np.ndarray) -> np.ndarray:
    """Polynomial fit to one window after sigma clipping, (400,)."""
    return _clipped_fit(_BASIS, np.ascontiguousarray(flux, float), _ROUNDS, _CLIP)


def pixels_in_use(wavelength: np.ndarray) -> np.ndarray:
    """Which pixels (A) `residual_widths` needs, of stars slower than 800 km/s; bool, (m,)."""
    first = np.array(WINDOWS)[:, None]
    return ((wavelength > first - 25.0) & (wavelength < first + _SIZE + 25.0)).any(axis=0)


def residual_widths(
    wavelength: np.ndarray, inactive: np.ndarray, others: np.ndarray, velocity: float
) -> np.ndarray:
    """Residual equivalent widths of H alpha and the three Ca II lines.

    Parameters
    ----------
    wavelength, inactive : ndarray, shape (m,)
        A, at least the `pixels_in_use`, and the spectrum to subtract, any unit.
    others : ndarray, shape (k, m)
        Spectra with something in them, same unit.
    velocity : float
        Of the star, km/s.

    Returns
    -------
    ndarray, shape (k, 4)
        A, positive for emission.
    """
    rest = wavelength / (1.0 + velocity / 299792.458)
    edges = np.concatenate([[rest[0]], 0.5 * (rest[1:] + rest[:-1]), [rest[-1]]])
    found = []
    for number, first in enumerate(WINDOWS):
        grid = first + np.arange(_SIZE)
        level = pseudo_continuum(np.interp(grid, rest, inactive))
        excess = (others - inactive) / np.interp(rest, grid, level)
        for centre, width in LINES[:1] if number == 0 else LINES[1:]:
            # Pixels as wide as they are, those at the ends in part.
            inside = np.clip(edges, centre - 0.5 * width, centre + 0.5 * width)
            found.append(excess @ np.diff(inside))
    return np.array(found).T
