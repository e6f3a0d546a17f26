"""Radiative equilibrium: layer temperatures with line blanketing.

A grey atmosphere lets all light out alike.  Lines block part of the blue, so a real star of the
same flux is hotter below (backwarming).  `equilibrium` finds that temperature by
Unsold's and Lucy's correction (Lucy 1964, SAO Special Report 167, 93; Mihalas 1978, section 7-2) on
some 1600 wavelengths, each with whatever lines happen to fall there (opacity sampling).

Left out: convection; lines longwards of 10600 and shortwards of 2400 Angstrom.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numba import njit

from skysim.physics.atmosphere import Atmosphere, atmosphere
from skysim.physics.constants import BOLTZMANN, LIGHT, PLANCK, SECOND_RADIATION
from skysim.physics.transfer import across

STEFAN_BOLTZMANN = 2 * np.pi**5 * BOLTZMANN**4 / (15 * PLANCK**3 * LIGHT**2)
#: Below this Rosseland depth the grey gradient stays: there convection would decide.
DEEPEST = 2.5
_MU = np.array([0.1127017, 0.5, 0.8872983])
_WEIGHT = np.array([0.2777778, 0.4444444, 0.2777778])


@njit(cache=True, fastmath=True, error_model="numpy")
def _moments(slope, source, step, mean, flux):
    """Mean intensity and flux (H) in the layers; slope (layers, n) is d tau / d ln tau."""
    n_layers, n = slope.shape
    depth, through, share = np.empty(n_layers), np.empty(n_layers), np.empty(n_layers)
    last = n_layers - 1
    for j in range(n):
        for q in range(3):
            half, whole = 0.5 * _WEIGHT[q], 0.5 * _WEIGHT[q] * _MU[q]
            depth[0] = slope[0, j] / _MU[q]
            for k in range(1, n_layers):
                depth[k] = 0.5 * (slope[k - 1, j] + slope[k, j]) * step / _MU[q] + 1e-9
            for k in range(n_layers):
                through[k], share[k] = across(depth[k])
            # Inwards: nothing comes from outside; outwards: diffusion at the lowest layer.
            inward = source[0, j] * depth[0] * share[0]
            mean[0, j] += half * inward
            flux[0, j] -= whole * inward
            for k in range(1, n_layers):
                rise = source[k, j] - source[k - 1, j]
                inward = (inward - source[k - 1, j]) * through[k] + source[k, j] - rise * share[k]
                mean[k, j] += half * inward
                flux[k, j] -= whole * inward
            outward = source[last, j] + (source[last, j] - source[last - 1, j]) / depth[last]
            mean[last, j] += half * outward
            flux[last, j] += whole * outward
            for k in range(last, 0, -1):
                rise = source[k, j] - source[k - 1, j]
                outward = (outward - source[k, j]) * through[k] + source[k - 1, j] + rise * share[k]
                mean[k - 1, j] += half * outward
                flux[k - 1, j] += whole * outward


def equilibrium(
    layers: Atmosphere,
    teff: float,
    logg: float,
    abundance: np.ndarray,
    wavelength: np.ndarray,
    absorption: Callable,
    rounds: int = 6,
) -> Atmosphere:
    """Correct the layers of an atmosphere to radiative equilibrium.

    Parameters
    ----------
    layers : Atmosphere
        Where to start: the grey layers.
    teff, logg : float
        K, and log10 of cm s-2.
    abundance : (elements,) array
        Relative to hydrogen.
    wavelength : (n,) array
        Where light is followed, Angstrom, rising.
    absorption : function
        Absorption (layers, n) in cm-1 at those wavelengths, of a `Gas`.
    rounds : int
        Corrections; the opacity is renewed in every second one.

    Returns
    -------
    Atmosphere
    """
    target = STEFAN_BOLTZMANN * teff**4 / (4 * np.pi)  # Eddington flux H
    weight = np.gradient(wavelength) * 1e-8
    cm = wavelength * 1e-8
    depth = np.log(layers.tau)
    step = depth[1] - depth[0]
    temperature = layers.gas.temperature.copy()
    slope = None
    for number in range(rounds):
        if number % 2 == 0:
            if number:
                layers = atmosphere(teff, logg, abundance, temperature, layers, 1e-3)
            per_depth = layers.tau / (layers.kappa * layers.gas.density)
            slope = absorption(layers.gas) * per_depth[:, None]
        x = SECOND_RADIATION / (cm * temperature[:, None])
        planck = 2 * PLANCK * LIGHT**2 / cm**5 / (np.exp(np.minimum(x, 300.0)) - 1.0) * weight
        mean, flux = np.zeros_like(planck), np.zeros_like(planck)
        _moments(slope, planck, step, mean, flux)
        total_j, total_h, total_b = (a.sum(axis=1) for a in (mean, flux, planck))
        by_j = (slope * mean).sum(axis=1) / total_j
        by_b = (slope * planck).sum(axis=1) / total_b
        by_h = (slope * flux).sum(axis=1) / total_h
        lack = target - total_h
        pull = by_h * lack
        inner = np.concatenate([[0.0], np.cumsum(0.5 * (pull[1:] + pull[:-1]) * step)]) + pull[0]
        change = by_j / by_b * (total_j + 3.0 * inner + 2.0 * lack[0]) - total_b
        relative = 0.25 * change / total_b
        relative = np.clip(relative, -0.08, 0.08)
        relative[layers.tau > DEEPEST] = relative[layers.tau <= DEEPEST][-1]
        temperature = temperature * (1.0 + relative)
        temperature = np.maximum(temperature, 0.45 * teff)
    return atmosphere(teff, logg, abundance, temperature, layers, 1e-3)
