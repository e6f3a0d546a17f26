"""Radiative transfer through the layers of an atmosphere, ray by ray."""

from __future__ import annotations

import numpy as np
from numba import njit

from skysim.physics.constants import SECOND_RADIATION


@njit(cache=True, fastmath=True, error_model="numpy")
def across(depth):
    """Transmission of a layer, and its mean over the layer.

    exp(-d) is y^16 with y = 1 / (1 + x + x^2/2 + x^3/6) and x = d/16, and 1 - y^16 comes in
    factors: nothing cancels, and no branch keeps the processor from taking several samples at once.

    Parameters
    ----------
    depth : float
        Optical depth d of the layer along the ray.

    Returns
    -------
    through, mean : float
        exp(-d), to 1e-5 where d < 1, and (1 - exp(-d)) / d, to 4e-5.
    """
    x = 0.0625 * depth
    part = 1.0 + x * (0.5 + x * 0.16666666667)
    y1 = 1.0 / (1.0 + x * part)
    y2 = y1 * y1
    y4 = y2 * y2
    y8 = y4 * y4
    return y8 * y8, 0.0625 * part * y1 * (1.0 + y1) * (1.0 + y2) * (1.0 + y4) * (1.0 + y8)


#: Samples that go through the layers together.
BLOCK = 256
#: Gauss points and weights for the flux, the integral over mu dmu from 0 to 1 (twice, for F).
_MU = np.array([0.2123405, 0.5905331, 0.9114120])
_MU_WEIGHT = 2.0 * np.array([0.0698270, 0.2292411, 0.2009319])


@njit(cache=True, fastmath=True, error_model="numpy")
def through_layers(slope, source, step, opening, flux):
    """Emergent flux over pi at BLOCK wavelength samples computed together.

    With the source function S linear in optical depth between layers, the intensity is
    S_0 + sum over k of (S_k - S_k-1) T_k-1 (1 - exp(-d)) / d, T being what the layers above let
    through.  The loops over samples have no branch (numpy's rules for division by zero spare one),
    so that the processor works on several samples at once.

    Parameters
    ----------
    slope, source : (layers, BLOCK) array
        d tau / d ln(Rosseland tau) along the vertical, and source function.
    step : float
        Between layers, in ln(Rosseland tau).
    opening, flux : (BLOCK,) array
        Room to work in, and the result.
    """
    flux[:] = 0.0
    for q in range(3):
        weight, slant = _MU_WEIGHT[q], 0.5 * step / _MU[q]
        for b in range(BLOCK):
            # Above the first layer opacity grows like depth.
            through, _ = across(slope[0, b] / _MU[q])
            opening[b] = weight * through
            flux[b] += weight * source[0, b]
        for k in range(1, slope.shape[0]):
            for b in range(BLOCK):
                through, mean = across((slope[k - 1, b] + slope[k, b]) * slant)
                flux[b] += (source[k, b] - source[k - 1, b]) * opening[b] * mean
                opening[b] = max(opening[b] * through, 1e-30)


@njit(cache=True, fastmath=True, error_model="numpy")
def emergent_flux(kappa, source, depth):
    """Emergent flux of a stack of layers, source function linear in optical depth between them.

    Parameters
    ----------
    kappa : (layers, n) array
        Absorption over Rosseland absorption.
    source : (layers, n) array
        Source function.
    depth : (layers,) array
        log of the Rosseland optical depth, natural, in even steps.

    Returns
    -------
    (n,) array
        Flux over pi, in the unit of `source`.
    """
    n_layers, n = kappa.shape
    slope, here = np.zeros((n_layers, BLOCK)), np.zeros((n_layers, BLOCK))
    opening, block = np.empty(BLOCK), np.empty(BLOCK)
    flux = np.empty(n)
    for first in range(0, n, BLOCK):
        size = min(BLOCK, n - first)
        for k in range(n_layers):
            tau = np.exp(depth[k])
            for b in range(size):
                slope[k, b] = kappa[k, first + b] * tau
                here[k, b] = source[k, first + b]
        through_layers(slope, here, depth[1] - depth[0], opening, block)
        flux[first : first + size] = block[:size]
    return flux


def planck(wavelength: np.ndarray, temperature: np.ndarray) -> np.ndarray:
    """Planck function B_lambda in arbitrary units, (layers, n)."""
    x = SECOND_RADIATION * 1e8 / (wavelength * temperature[:, None])
    return (1e4 / wavelength) ** 5 / (np.exp(x) - 1.0)
