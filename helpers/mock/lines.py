"""Absorption lines of the H band: a table of atoms, OH and CN, and CO from its own constants."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from helpers.mock import fact_file
from helpers.mock.atmosphere import ELEMENTS, MOLECULES, SYMBOLS

#: Every absorber: neutral atoms, first ions, then the molecules.
SPECIES = tuple(f"{s} I" for s in SYMBOLS) + tuple(f"{s} II" for s in SYMBOLS) + ("CO", "OH", "CN")
_SPECIES_INDEX = {name: i for i, name in enumerate(SPECIES)}


@dataclass(frozen=True)
class LineList:
    """Lines as parallel arrays, sorted by wavelength.

    Attributes
    ----------
    wavelength : (n,) array
        Vacuum, Angstrom.
    species : (n,) int array
        Index into ``SPECIES``.
    excitation : (n,) array
        Energy of the lower level, eV.
    strength : (n,) array
        g times oscillator strength (linear, not log).
    damping : (n,) array
        Van der Waals constant C6, cm6/s; zero for molecules, where it does not matter.
    """

    wavelength: np.ndarray
    species: np.ndarray
    excitation: np.ndarray
    strength: np.ndarray
    damping: np.ndarray

    def __len__(self) -> int:
        return len(self.wavelength)


def species_masses() -> np.ndarray:
    """Masses of ``SPECIES`` in atomic mass units."""
    atoms = [e.mass for e in ELEMENTS.values()]
    diatomics = [sum(ELEMENTS[s].mass for s in MOLECULES[m].atoms) for m in ("CO", "OH", "CN")]
    return np.array(atoms + atoms + diatomics)


def table_lines() -> LineList:
    """Lines of ``data/lines_h_band.csv`` (sources in its header)."""
    with fact_file("lines_h_band.csv").open(newline="") as handle:
        rows = list(csv.DictReader(line for line in handle if not line.startswith("#")))
    return LineList(
        np.array([float(r["wavelength_vac_A"]) for r in rows]),
        np.array([_SPECIES_INDEX[r["species"]] for r in rows]),
        np.array([float(r["excitation_eV"]) for r in rows]),
        10.0 ** np.array([float(r["log_gf"]) for r in rows]),
        np.array([10.0 ** float(r["log_c6"]) if r["log_c6"] else 0.0 for r in rows]),
    )


# Dunham coefficients Y_kl of 12C16O (cm-1), that is E(v, J) = sum Y_kl (v+1/2)^k [J(J+1)]^l.
# Start values of Huber & Herzberg 1979, adjusted to the second-overtone lines of the APOGEE DR17
# list (Smith et al. 2021, AJ 161, 254): residual 0.02 cm-1 or 0.05 A.
_DUNHAM = {
    (1, 0): 2169.83961,
    (2, 0): -13.3005305,
    (3, 0): 0.0121220581,
    (0, 1): 1.93117568,
    (1, 1): -0.0174891242,
    (2, 1): -3.02096e-7,
    (0, 2): -6.06872e-6,
    (1, 2): -2.45023e-9,
    (0, 3): 1.05449e-12,
}
# log gf - log|m| - log(nu/6300 cm-1) with v the lower level, x = m/50, m = J+1 (R) or -J (P):
# 1, v, v^2, x, x^2, x v.  Fitted to the same lines, residual 0.05 dex.
_CO_INTENSITY = (-9.2247338, 0.5211114, -0.0297101, 0.2511768, 0.0307774, -0.0070907)


def carbon_monoxide(first: float = 15100.0, last: float = 17000.0) -> LineList:
    """Second-overtone (v+3 <- v) lines of 12CO between two vacuum wavelengths in Angstrom."""
    v, j, step = (
        x.ravel().astype(float)
        for x in np.meshgrid(np.arange(8), np.arange(80), (-1, 1), indexing="ij")
    )
    exists = (j + step >= 0) & ~((j == 0) & (step < 0))
    v, j, step = v[exists], j[exists], step[exists]

    def energy(v: np.ndarray, j: np.ndarray) -> np.ndarray:
        return sum(y * (v + 0.5) ** k * (j * (j + 1)) ** m for (k, m), y in _DUNHAM.items())

    nu = energy(v + 3, j + step) - energy(v, j)
    m = np.where(step > 0, j + 1, -j)
    x = m / 50.0
    terms = np.array([np.ones_like(x), v, v**2, x, x**2, x * v])
    log_gf = np.asarray(_CO_INTENSITY) @ terms + np.log10(np.abs(m)) + np.log10(nu / 6300.0)
    excitation = (energy(v, j) - energy(np.zeros(1), np.zeros(1))) / 8065.544
    wavelength = 1e8 / nu
    # Levels so high that even a 3500 K star leaves them empty are dropped.
    use = (wavelength > first) & (wavelength < last) & (log_gf - 5040 / 4000 * excitation > -9.3)
    order = np.argsort(wavelength[use])
    pick = np.flatnonzero(use)[order]
    return LineList(
        wavelength[pick],
        np.full(pick.size, _SPECIES_INDEX["CO"]),
        excitation[pick],
        10.0 ** log_gf[pick],
        np.zeros(pick.size),
    )


@lru_cache(maxsize=1)
def h_band() -> LineList:
    """All lines of the H band, sorted by wavelength."""
    parts = (table_lines(), carbon_monoxide())
    names = ("wavelength", "species", "excitation", "strength", "damping")
    joined = {n: np.concatenate([getattr(p, n) for p in parts]) for n in names}
    order = np.argsort(joined["wavelength"])
    return LineList(**{n: a[order] for n, a in joined.items()})


# Brackett series: upper level -> vacuum wavelength from the Rydberg constant of hydrogen.
_RYDBERG_H = 109677.583  # cm-1


def brackett() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Upper level, vacuum wavelength (Angstrom) and gf of the Brackett lines 11 to 20.

    Oscillator strengths are Kramers' (Gaunt factor one), good to ten per cent this high up.
    """
    upper = np.arange(11, 21)
    gap = 1 / 16.0 - 1.0 / upper**2
    kramers = 1.9603 / (4.0**5 * upper**3 * gap**3)
    return upper, 1e8 / (_RYDBERG_H * gap), 32.0 * kramers
