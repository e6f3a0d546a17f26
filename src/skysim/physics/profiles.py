"""Line profiles summed into an opacity: Voigt profiles and linear Stark wings."""

from __future__ import annotations

import numpy as np
from numba import njit

#: Line opacity below this share of the continuum's is dropped.
FAINTEST = 1e-3


@njit(cache=True, fastmath=True, error_model="numpy")
def voigt(a: float, v: float) -> float:
    """Voigt function H(a, v): rational form of Hui, Armstrong & Wray 1978 inside, wings outside."""
    if v > 6.0:
        return a / (1.7724538509 * (v * v - 1.5 + a * a))
    z = complex(a, -v)
    upper = 0.56418958 + 0.0j
    bottom = 1.0 + 0.0j
    for c in (5.912626, 30.180142, 93.155580, 181.928533, 214.382388, 122.607931):
        upper = upper * z + c
    for c in (10.479857, 53.992907, 170.354001, 348.703918, 457.334479, 352.730625, 122.607932):
        bottom = bottom * z + c
    return (upper / bottom).real


@njit(cache=True, fastmath=True, error_model="numpy")
def add_lines(centre, width, damping, peak, floor, step, kappa):
    """Add Voigt profiles to kappa (layers, samples).

    centre (lines,) in samples; width, damping, peak (lines, layers): Doppler width in the unit of
    `step`, damping parameter, absorption at the centre; floor (lines, layers): absorption too small
    to follow a wing to.  The wings are those of `voigt`, in slices and without a branch, so that
    the processor takes several samples at once.
    """
    n_layers, n = kappa.shape
    for k in range(n_layers):
        for i in range(centre.size):
            p, a = peak[i, k], damping[i, k]
            if p < floor[i, k]:
                continue
            rise = p / floor[i, k]
            reach = max(np.sqrt(np.log(rise) + 0.1), np.sqrt(a * rise / 1.7725)) + 0.3
            half = min(int(reach * width[i, k] / step) + 1, 2400)
            scale = step / width[i, k]
            middle = int(centre[i] + 0.5)
            first = max(0, middle - half)
            last = max(min(n, middle + half + 1), first)  # also for lines beyond the grid
            left = min(max(int(np.ceil(centre[i] - 6.0 / scale)), first), last)
            right = max(min(int(centre[i] + 6.0 / scale) + 1, last), left)
            wing = p * a / 1.7724538509 / scale**2
            shift = (a * a - 1.5) / scale**2
            for j in range(left, right):
                kappa[k, j] += p * voigt(a, abs(j - centre[i]) * scale)
            row = kappa[k]
            for start, side in ((first, row[first:left]), (right, row[right:last])):
                place = centre[i] - start
                for j in range(side.size):
                    side[j] += wing / ((j - place) ** 2 + shift)


@njit(cache=True, fastmath=True, error_model="numpy")
def add_stark(centre, width, peak, step, kappa):
    """Add hydrogen lines to kappa (layers, samples): peak / (1 + x^2)^(5/4), x in units of width.

    Flat inside, with the -5/2 power wings of Holtsmark's quasi-static field.
    """
    n_layers, n = kappa.shape
    for k in range(n_layers):
        for i in range(centre.size):
            middle = int(centre[i])
            scale = step / width[i, k]
            for j in range(max(0, middle - 2400), min(n, middle + 2401)):
                b = 1.0 + ((j - centre[i]) * scale) ** 2
                kappa[k, j] += peak[i, k] / (b * np.sqrt(np.sqrt(b)))
