"""Haze: mean opacity, by wavelength bin, of the weak lines missing from the line table.

Below 4500 Angstrom lines are so dense that no continuum is left between them. The haze stands for
all of them that `lines_optical.csv` leaves out. Every bin of 75 km/s has one mean cross-section for
each of a few kinds of absorber: iron atoms and ions of low and high excitation, and CH. Within a
bin the opacity follows a fixed distribution over two and a half decades, laid out around the middle
of the bin, so that it saturates as a bundle of lines does (an opacity distribution function in
miniature; Strom & Kurucz 1966, JQSRT 6, 591).

`data/haze_optical.csv` holds the cross-sections.  `data.make.haze_optical` fitted them to
real stars (MILES) and, for the ultraviolet and for how much light is blocked in all, to published
model fluxes; data/README.md compares stars that were not fitted.
"""

from __future__ import annotations

import csv
from functools import lru_cache

import numpy as np
from numba import njit

from skysim.physics.constants import BOLTZMANN, EV, SECOND_RADIATION
from skysim.physics.gas import SYMBOLS, Gas, dissociation
from skysim.physics.gas import molecular_partition as partition
from surveys.folders import fact_file

#: Kinds of absorber: species and excitation (eV).
KINDS = (("Fe I", 1.0), ("Fe I", 3.6), ("Fe II", 0.8), ("Fe II", 3.0), ("CH", 0.2))
FINE_PER_BIN = 24
_OFFSET = np.abs(np.arange(FINE_PER_BIN) - 0.5 * (FINE_PER_BIN - 1)) / (0.5 * FINE_PER_BIN)
#: Opacity across a bin over its mean.
OPACITY_DISTRIBUTION = 10.0 ** (-2.5 * _OFFSET) / np.mean(10.0 ** (-2.5 * _OFFSET))


def populations(gas: Gas) -> np.ndarray:
    """Absorbers of each kind per layer, cm-3, (kinds, layers)."""
    rows = []
    for species, excitation in KINDS:
        if species == "CH":
            carbon, hydrogen = gas.neutral[SYMBOLS.index("C")], gas.hydrogen
            density = dissociation("CH", gas.temperature) * carbon * hydrogen
            density = density / partition("CH", gas.temperature)
        else:
            density = gas.population(species)
        rows.append(density * np.exp(-excitation * EV / (BOLTZMANN * gas.temperature)))
    # Stimulated emission varies slowly: the value at 5000 A serves.
    return np.array(rows) * -np.expm1(-SECOND_RADIATION * 1e8 / (5000.0 * gas.temperature))


@lru_cache(maxsize=1)
def cross_sections() -> np.ndarray:
    """Mean cross-sections by kind and bin, cm2, (kinds, bins)."""
    with fact_file("haze_optical.csv").open(newline="", encoding="utf-8") as handle:
        rows = list(csv.reader(line for line in handle if not line.startswith("#")))[1:]
    return np.array([[10.0 ** float(x) if x else 0.0 for x in row[1:]] for row in rows]).T.copy()


@njit(cache=True, fastmath=True, error_model="numpy")
def _add(cross, population, texture, kappa):
    """Add the haze to kappa (layers, samples)."""
    n_layers, n = kappa.shape
    for k in range(n_layers):
        for b in range(cross.shape[1]):
            total = 0.0
            for i in range(cross.shape[0]):
                total += cross[i, b] * population[i, k]
            if total == 0.0:
                continue
            for m in range(min(texture.size, n - b * texture.size)):
                kappa[k, b * texture.size + m] += total * texture[m]


def add(kappa: np.ndarray, gas: Gas, cross: np.ndarray) -> None:
    """Add the haze in place.

    Parameters
    ----------
    kappa : (layers, samples) array
        cm-1, on the fine grid: FINE_PER_BIN samples a bin.
    gas : Gas
        The layers.
    cross : (kinds, bins) array
        Cross-sections, cm2.
    """
    _add(cross, populations(gas), OPACITY_DISTRIBUTION, kappa)
