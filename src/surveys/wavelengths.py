"""Wavelengths in air and in vacuum."""

from __future__ import annotations

import numpy as np


def air_index(wavelength: np.ndarray) -> np.ndarray:
    """Refractive index of standard air (Birch & Downs 1994, Metrologia 31, 315).

    Parameters
    ----------
    wavelength : array
        In vacuum, Å.

    Returns
    -------
    array
        The same light is shorter in air by this factor.
    """
    s2 = (1e4 / np.asarray(wavelength, dtype=float)) ** 2
    return 1.0 + 8.34254e-5 + 2.406147e-2 / (130.0 - s2) + 1.5998e-4 / (38.9 - s2)


def vacuum(air: np.ndarray) -> np.ndarray:
    """Wavelength in vacuum from that in air.

    The index is taken at the wavelength in air: the error is below 1e-8 of the wavelength.

    Parameters
    ----------
    air : array
        In standard air, Å.

    Returns
    -------
    array
        In vacuum, Å.
    """
    result: np.ndarray = air * air_index(air)
    return result
