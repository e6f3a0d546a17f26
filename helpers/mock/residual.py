"""Residual equivalent widths of noiseless spectra, measured as Xiang et al. measure real ones.

Around H alpha and around the Ca II triplet, on 1 A grids at rest, both spectra are divided by the
pseudo-continuum of the inactive one (Legendre polynomial of degree 4, five rounds of 2 sigma
clipping), and their difference is integrated over each line.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from helpers.mock.features import HALPHA, TRIPLET

#: First wavelength of each window of 400 A, A; vacuum, at rest.
WINDOWS = (6371.0, 8381.0)
#: Centres of the lines and full widths of integration, A.
LINES = ((HALPHA, 20.0), *((centre, 10.0) for centre in TRIPLET))
_SIZE, _DEGREE, _ROUNDS, _CLIP = 400, 4, 5, 2.0


@lru_cache(maxsize=1)
def _basis() -> np.ndarray:
    """Legendre polynomials over a window, (400, 5)."""
    return np.polynomial.legendre.legvander(np.linspace(-1.0, 1.0, _SIZE), _DEGREE)


def pseudo_continuum(flux: np.ndarray) -> np.ndarray:
    """The polynomial that stays after clipping, (400,)."""
    basis, keep = _basis(), np.ones(_SIZE, bool)
    for _ in range(_ROUNDS):
        v = basis[keep]
        level = basis @ np.linalg.solve(v.T @ v, v.T @ flux[keep])
        away = flux - level
        keep = np.abs(away - away[keep].mean()) < _CLIP * away[keep].std()
    v = basis[keep]
    return basis @ np.linalg.solve(v.T @ v, v.T @ flux[keep])


def residual_widths(
    wavelength: np.ndarray, inactive: np.ndarray, active: np.ndarray, velocity: float
) -> np.ndarray:
    """Residual equivalent widths of H alpha and the three Ca II lines.

    Parameters
    ----------
    wavelength, inactive, active : ndarray, shape (m,)
        A, and two spectra in any common unit.
    velocity : float
        Of the star, km/s.

    Returns
    -------
    ndarray, shape (4,)
        A, positive for emission.
    """
    rest = wavelength / (1.0 + velocity / 299792.458)
    found = []
    for number, first in enumerate(WINDOWS):
        grid = first + np.arange(_SIZE)
        calm, busy = np.interp(grid, rest, inactive), np.interp(grid, rest, active)
        excess = (busy - calm) / pseudo_continuum(calm)
        for centre, width in LINES[:1] if number == 0 else LINES[1:]:
            # Cells of 1 A, those at the ends in part.
            share = np.clip(0.5 * width + 0.5 - np.abs(grid - centre), 0.0, 1.0)
            found.append(float(excess @ share))
    return np.array(found)
