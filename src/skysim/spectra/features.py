"""Narrow features added to a spectrum: chromospheric emission, nebular lines, lithium.

Each is added to, or taken from, the flux cell by cell of a grid uniform in log wavelength, so that
its strength does not depend on the sampling.
"""

from __future__ import annotations

import numpy as np
from scipy.special import erf

LIGHT_KM_S = 299792.458
#: Vacuum wavelengths, A (NIST Atomic Spectra Database, air values converted).
HALPHA_VACUUM, HBETA_VACUUM = 6564.61, 4862.68
TRIPLET_VACUUM = (8500.35, 8544.44, 8664.52)
LITHIUM_VACUUM = 6709.61
#: Nebular lines with their flux relative to H alpha: ([N II] and [S II] vary, see `nebular`).
NITROGEN_VACUUM = (6549.85, 6585.27)
SULPHUR_VACUUM = (6718.29, 6732.67)
#: [N II] 6583 over 6548, a ratio of transition probabilities; H alpha over H beta, case B at 1e4 K
#: (Osterbrock & Ferland 2006, table 4.4).
NITROGEN_RATIO = 2.96
BALMER_DECREMENT = 2.86
#: Full widths at half maximum before rotation, A: chromospheric hydrogen is broad, calcium not.
WIDTHS = {HALPHA_VACUUM: 1.5, HBETA_VACUUM: 1.1, **dict.fromkeys(TRIPLET_VACUUM, 0.6)}
#: Width of nebular lines, km/s.
NEBULAR_WIDTH = 25.0
_SIGMA = 1.0 / 2.354820


def profile(wavelength: np.ndarray, centre: float, sigma: float) -> tuple[slice, np.ndarray]:
    """Mean of a unit-area Gaussian over each pixel near it.

    Parameters
    ----------
    wavelength : ndarray
        Cell centres, A, ascending.
    centre, sigma : float
        A.

    Returns
    -------
    near : slice
        The cells within six sigma.
    values : ndarray
        Per A; times the cells' widths they add up to one.
    """
    step = float(np.log(wavelength[1] / wavelength[0]))
    reach = 6.0 * sigma + 2.0 * centre * step
    first, last = np.searchsorted(wavelength, [centre - reach, centre + reach])
    inside = wavelength[first:last]
    edges = np.append(inside * np.exp(-0.5 * step), inside[-1:] * np.exp(0.5 * step))
    share = 0.5 * np.diff(erf((edges - centre) / (np.sqrt(2.0) * sigma)))
    return slice(first, last), share / np.diff(edges)


def add_emission(
    wavelength: np.ndarray,
    flux: np.ndarray,
    lines: dict[float, float],
    vsini: float = 0.0,
    wings: float = 0.0,
) -> np.ndarray:
    """Add chromospheric emission lines to a spectrum.

    Parameters
    ----------
    wavelength, flux : ndarray
        A; erg s-1 cm-2 A-1 at the star's surface.
    lines : dict
        Excess flux in the line (erg s-1 cm-2) by vacuum wavelength; a key of `WIDTHS`.
    vsini : float
        Rotation, km/s, which broadens the emission as it does the spectrum.
    wings : float
        Share of the flux in wings three times as wide, as flaring stars have.

    Returns
    -------
    ndarray
        A new array.
    """
    made = flux.copy()
    for centre, strength in lines.items():
        # A rotating disc spreads a line with a variance of (v sin i)^2 / 4.
        rotation = 0.5 * vsini / LIGHT_KM_S * centre
        for share, width in ((1.0 - wings, 1.0), (wings, 3.0)):
            sigma = float(np.hypot(_SIGMA * WIDTHS[centre] * width, rotation))
            near, shape = profile(wavelength, centre, sigma)
            made[near] += share * strength * shape
    return made


def nebular(ew: float, nitrogen: float, sulphur: float, doublet: float) -> dict[float, float]:
    """Fluxes of nebular lines over the continuum at H alpha, as equivalent widths in A.

    Parameters
    ----------
    ew : float
        Equivalent width of its H alpha, A.
    nitrogen : float
        [N II] 6583 over H alpha.
    sulphur : float
        [S II] 6716 + 6731 over H alpha.
    doublet : float
        6716 over 6731: 1.4 in thin gas, falling with density.

    Returns
    -------
    dict
        By vacuum wavelength, A.
    """
    return {
        HALPHA_VACUUM: ew,
        HBETA_VACUUM: ew / BALMER_DECREMENT,
        NITROGEN_VACUUM[0]: ew * nitrogen / NITROGEN_RATIO,
        NITROGEN_VACUUM[1]: ew * nitrogen,
        SULPHUR_VACUUM[0]: ew * sulphur * doublet / (1.0 + doublet),
        SULPHUR_VACUUM[1]: ew * sulphur / (1.0 + doublet),
    }


def add_nebula(
    wavelength: np.ndarray, flux: np.ndarray, lines: dict[float, float], velocity: float
) -> np.ndarray:
    """Add nebular emission lines to a spectrum.

    Parameters
    ----------
    wavelength, flux : ndarray
        A; any unit.
    lines : dict
        As from `nebular`.
    velocity : float
        Of the nebula in the frame of `wavelength`, km/s.

    Returns
    -------
    ndarray
        A new array.
    """
    made = flux.copy()
    near = np.abs(wavelength - HALPHA_VACUUM) < 25.0
    level = float(np.median(flux[near]))
    for centre, ew in lines.items():
        moved = centre * (1.0 + velocity / LIGHT_KM_S)
        where, shape = profile(wavelength, moved, _SIGMA * NEBULAR_WIDTH / LIGHT_KM_S * moved)
        made[where] += ew * level * shape
    return made


def absorb_lithium(
    wavelength: np.ndarray, flux: np.ndarray, ew: float, vsini: float = 0.0
) -> np.ndarray:
    """Add the absorption line Li I 6708 to a spectrum.

    Parameters
    ----------
    wavelength, flux : ndarray
        A; any unit.
    ew : float
        Equivalent width, A.
    vsini : float
        Rotation, km/s.

    Returns
    -------
    ndarray
        A new array.
    """
    made = flux.copy()
    # A doublet split by 0.15 A whose saturated core grows wide instead of deep.
    width = np.hypot(0.35, 1.2 * ew)
    sigma = float(np.hypot(_SIGMA * width, 0.5 * vsini / LIGHT_KM_S * LITHIUM_VACUUM))
    near, shape = profile(wavelength, LITHIUM_VACUUM, sigma)
    made[near] *= 1.0 - ew * shape
    return made
