"""Interstellar extinction by wavelength, and transmission of dust."""

from __future__ import annotations

import numpy as np

#: Coefficients of a(y) and b(y), y = x - 1.82, in rising powers (Cardelli et al. 1989, eq. 3).
_OPTICAL_A = (1.0, 0.17699, -0.50447, -0.02427, 0.72085, 0.01979, -0.77530, 0.32999)
_OPTICAL_B = (0.0, 1.41338, 2.28305, 1.07233, -5.38434, -0.62251, 5.30260, -2.09002)


def extinction(wavelength: np.ndarray, r_v: float = 3.1) -> np.ndarray:
    """Extinction relative to that in V, A(lambda) / A(V).

    The law of Cardelli, Clayton & Mathis (1989, ApJ 345, 245, eqs. 1-4).

    Parameters
    ----------
    wavelength : ndarray
        A, between 1250 and 33000 (vacuum or air: the law is too smooth to tell).
    r_v : float
        A(V) / E(B-V); 3.1 is the diffuse medium's.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        Outside the law's range.
    """
    x = 1e4 / np.asarray(wavelength, float)
    if x.size and (x.min() < 0.3 or x.max() > 8.0):
        raise ValueError("the extinction law holds between 1250 and 33000 A")
    y = x - 1.82
    optical = np.polynomial.polynomial.polyval(y, np.add(_OPTICAL_A, np.divide(_OPTICAL_B, r_v)))
    infrared = (0.574 - 0.527 / r_v) * np.clip(x, None, 1.1) ** 1.61
    u = np.clip(x, 3.3, None)
    bend = np.clip(u - 5.9, 0.0, None)
    a = 1.752 - 0.316 * u - 0.104 / ((u - 4.67) ** 2 + 0.341)
    a = a - 0.04473 * bend**2 - 0.009779 * bend**3
    b = -3.090 + 1.825 * u + 1.206 / ((u - 4.62) ** 2 + 0.263)
    b = b + 0.2130 * bend**2 + 0.1207 * bend**3
    return np.where(x < 1.1, infrared, np.where(x < 3.3, optical, a + b / r_v))


def transmission(wavelength: np.ndarray, e_bv: float, r_v: float = 3.1) -> np.ndarray:
    """Transmission of dust with colour excess `e_bv` (mag).

    Parameters
    ----------
    wavelength : ndarray
        A.
    e_bv : float
        E(B-V), mag; negative values undo reddening.
    r_v : float
        A(V) / E(B-V).

    Returns
    -------
    ndarray
    """
    return 10.0 ** (-0.4 * r_v * e_bv * extinction(wavelength, r_v))
