"""Absorption lines of the H band: atoms from a table; CO, OH and CN from molecular constants.

`lines_h_band.csv` holds the atoms (`data.make.lines_h_band` makes it).  The molecules are formulae:
energies of the levels from a handful of constants, intensities from angular momentum (Honl-London
factors) times one smooth band strength.  A doublet Pi state, OH's ground state and the upper state
of CN's red system, needs one two-by-two matrix per level, the same for both molecules.

The constants start from Huber & Herzberg 1979 (Constants of Diatomic Molecules) and were adjusted
by us to the lines of the APOGEE DR17 list (Smith et al. 2021, AJ 161, 254, after Li et al. 2015,
Brooke et al. 2016 and Sneden et al. 2014); they are effective coefficients, not spectroscopists'
constants.  Residuals, rms over the lines that a 4000 K giant shows: CO 0.04 A and 0.05 dex, OH
0.06 A and 0.03 dex, CN 0.05 A and 0.01 dex.  Carbon is all 12C, at 93 per cent of its abundance.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.polynomial.polynomial import polyval

from skysim.physics.gas import ELEMENTS, MOLECULES, SYMBOLS
from surveys.folders import fact_file

#: Every absorber: neutral atoms, first ions, then the molecules.
SPECIES = tuple(f"{s} I" for s in SYMBOLS) + tuple(f"{s} II" for s in SYMBOLS) + ("CO", "OH", "CN")
_SPECIES_INDEX = {name: i for i, name in enumerate(SPECIES)}
#: Unidentified lines behave like those of the commonest absorber.
UNIDENTIFIED = "unidentified"
_LIKE_IRON = "Fe I"
BAND = (15090.0, 17010.0)
_EV = 8065.544  # cm-1
_LIGHT_CARBON = 0.93  # share of 12C


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

    def pick(self, which: np.ndarray) -> LineList:
        """Return the lines that an index or mask selects."""
        return LineList(*(getattr(self, name)[which] for name in self.__dataclass_fields__))

    def with_strength(self, strength: np.ndarray) -> LineList:
        """The same lines with other strengths."""
        return LineList(self.wavelength, self.species, self.excitation, strength, self.damping)


def join(parts: Sequence[LineList]) -> LineList:
    """Several lists as one, sorted by wavelength."""
    names = LineList.__dataclass_fields__
    whole = LineList(*(np.concatenate([getattr(p, n) for p in parts]) for n in names))
    return whole.pick(np.argsort(whole.wavelength, kind="stable"))


def species_masses() -> np.ndarray:
    """Masses of ``SPECIES`` in atomic mass units."""
    atoms = [e.mass for e in ELEMENTS.values()]
    diatomics = [sum(ELEMENTS[s].mass for s in MOLECULES[m].atoms) for m in ("CO", "OH", "CN")]
    return np.array(atoms + atoms + diatomics)


def species_index(name: str) -> int:
    """Index of a species in ``SPECIES``; unidentified lines count as Fe I."""
    return _SPECIES_INDEX[_LIKE_IRON if name == UNIDENTIFIED else name]


def table_lines(name: str = "lines_h_band.csv") -> LineList:
    """Lines of a table in ``data/`` (sources in its header)."""
    with fact_file(name).open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(line for line in handle if not line.startswith("#")))
    return LineList(
        np.array([float(r["wavelength_vac_A"]) for r in rows]),
        np.array([species_index(r["species"]) for r in rows]),
        np.array([float(r["excitation_eV"]) for r in rows]),
        10.0 ** np.array([float(r["log_gf"]) for r in rows]),
        np.array([10.0 ** float(r["log_c6"]) if r["log_c6"] else 0.0 for r in rows]),
    )


def _branches(*axes: Sequence[float]) -> list[np.ndarray]:
    """Every combination of quantum numbers, as flat arrays."""
    return [x.ravel().astype(float) for x in np.meshgrid(*axes, indexing="ij")]


def _molecule(
    name: str, nu: np.ndarray, lower: np.ndarray, log_gf: np.ndarray, faintest: float
) -> LineList:
    """Select the molecular lines that are inside the band and strong enough to keep.

    `faintest` bounds log gf - 5040/4000 excitation: what even a 4000 K star does not show is
    dropped.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        wavelength = 1e8 / nu
        use = (wavelength > BAND[0]) & (wavelength < BAND[1])
        use &= log_gf - 1.26 * lower / _EV > faintest
    n = int(use.sum())
    whole = LineList(
        wavelength[use],
        np.full(n, _SPECIES_INDEX[name]),
        lower[use] / _EV,
        10.0 ** log_gf[use],
        np.zeros(n),
    )
    return whole.pick(np.argsort(whole.wavelength))


# Dunham coefficients Y_kl of 12C16O (cm-1), that is E(v, J) = sum Y_kl (v+1/2)^k [J(J+1)]^l.
_CO_DUNHAM = {
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
# 1, v, v^2, x, x^2, x v.
_CO_INTENSITY = (-9.2247338, 0.5211114, -0.0297101, 0.2511768, 0.0307774, -0.0070907)


def carbon_monoxide() -> LineList:
    """Second-overtone (v+3 <- v) lines of 12CO."""
    v, j, step = _branches(range(9), range(100), (-1, 1))
    exists = j + step >= 0
    v, j, step = v[exists], j[exists], step[exists]

    def energy(v: np.ndarray, j: np.ndarray) -> np.ndarray:
        return sum(y * (v + 0.5) ** k * (j * (j + 1)) ** m for (k, m), y in _CO_DUNHAM.items())

    nu = energy(v + 3, j + step) - energy(v, j)
    m = np.where(step > 0, j + 1, -j)
    x = m / 50.0
    log_gf = np.asarray(_CO_INTENSITY) @ [x**0, v, v**2, x, x**2, x * v]
    log_gf += np.log10(np.abs(m) * np.clip(nu, 1.0, None) / 6300.0 * _LIGHT_CARBON)
    return _molecule("CO", nu, energy(v, j) - energy(np.zeros(1), np.zeros(1)), log_gf, -10.0)


def pi_levels(
    constants: Mapping[str, Sequence[float]],
    v: np.ndarray,
    j: np.ndarray,
    parity: np.ndarray,
    root: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Energies of a doublet Pi state between Hund's cases (a) and (b).

    The Hamiltonian is T + A Lz Sz + B N^2 - D N^4 + H N^6 + AD/2 [N^2, Lz Sz]+ with Lambda
    doubling p, q, in the case (a) states of Omega = 1/2 and 3/2, where N^2 is the matrix
    ((x+1, -sqrt(x-1)), (-sqrt(x-1), x-1)) with x = (J+1/2)^2 (Brown & Merer 1979, J. Mol.
    Spectrosc. 74, 488; Zare et al. 1973, J. Mol. Spectrosc. 46, 37).

    Parameters
    ----------
    constants : mapping
        T, B, D, H, A, AD, p, q (and centrifugal p_D, q_D), each the coefficients of a polynomial in
        v + 1/2, cm-1.
    v, j : array
        Vibrational quantum number, total angular momentum.
    parity : array
        +1 for e levels, -1 for f levels.
    root : array
        0 for the lower, 1 for the upper of the two levels of that J and parity.

    Returns
    -------
    energy, half, three_halves : arrays
        cm-1, and the amplitudes of Omega = 1/2 and 3/2.
    """
    c = {name: polyval(v + 0.5, np.atleast_1d(terms)) for name, terms in constants.items()}
    x = (j + 0.5) ** 2
    odd = parity * np.sqrt(x)
    link = np.sqrt(np.clip(x - 1.0, 0.0, None))
    a1, b1, o1 = x + 1.0, x - 1.0, -link  # N^2: the two diagonal elements, the one off it
    a2, b2, o2 = a1**2 + o1**2, b1**2 + o1**2, o1 * (a1 + b1)
    a3, b3, o3 = a2 * a1 + o2 * o1, o2 * o1 + b2 * b1, a2 * o1 + o2 * b1
    p, q = c["p"] + c.get("p_D", 0.0) * x, c["q"] + c.get("q_D", 0.0) * x
    rotor = [c["B"] * n1 - c["D"] * n2 + c["H"] * n3 for n1, n2, n3 in zip(
        (a1, b1, o1), (a2, b2, o2), (a3, b3, o3), strict=True
    )]  # fmt: skip
    half = c["T"] - c["A"] / 2 - c["AD"] / 2 * a1 + rotor[0] - odd * (p + 2 * q) / 2
    three = c["T"] + c["A"] / 2 + c["AD"] / 2 * b1 + rotor[1]
    off = rotor[2] + odd * link * q / 2
    mean, gap = (half + three) / 2, (half - three) / 2
    angle = 0.5 * np.arctan2(off, gap)
    upper = root == 1
    energy = mean + np.where(upper, 1.0, -1.0) * np.hypot(gap, off)
    first = np.where(upper, np.cos(angle), -np.sin(angle))
    second = np.where(upper, np.sin(angle), np.cos(angle))
    alone = x < 1.5  # J = 1/2 has no Omega = 3/2
    return (
        np.where(alone, half, energy),
        np.where(alone, 1.0, first),
        np.where(alone, 0.0, second),
    )


def direction_cosine(j: np.ndarray, step: np.ndarray, omega: float, turn: int) -> np.ndarray:
    """Clebsch-Gordan coefficient <j omega 1 turn | j+step omega+turn> (Condon & Shortley, p. 76).

    It is the share of a transition that the molecule's rotation decides: the Honl-London factor is
    (2j + 1) times the square of its sum over the components of both levels.
    """
    o = omega + turn

    def root(product: np.ndarray) -> np.ndarray:
        return np.sqrt(np.clip(product, 0.0, None))

    up, here, down = (2 * j + 1) * (2 * j + 2), 2 * j * (j + 1), 2 * j * (2 * j + 1)
    if turn == 1:
        r, q, p = (j + o) * (j + o + 1), (j + o) * (j - o + 1), (j - o) * (j - o + 1)
        parts = (root(r / up), -root(q / here), root(p / down))
    else:
        r, p = (j - o + 1) * (j + o + 1), (j - o) * (j + o)
        parts = (root(2 * r / up), o * np.sqrt(2 / here), -root(2 * p / down))
    return np.select([step > 0, step == 0], parts[:2], parts[2])


# Constants of OH X 2Pi: coefficients in v + 1/2, cm-1, effective for v = 0 to 7.
_OH = {
    "T": (-1847.06, 3682.02086, -30.9582304, -21.4196591, 3.97061002, -0.267221836),
    "B": (18.8934077, -0.720842194, 0.00548733426, -0.000136600557, -2.97034446e-05),
    "D": (0.00192336028, -3.41300272e-05, -1.72616675e-06, 4.39047512e-07),
    "H": (1.30529558e-07, 2.60828413e-09, -2.54738924e-09),
    "A": (-139.00437, -0.309994119, 0.00997009951),
    "AD": (-0.0239230843, 0.00178373547),
    "p": (0.240990538, -0.010575754, -0.000111111304),
    "q": (-0.0396986888, 0.00175957702, 1.00153293e-05),
    "p_D": (-2.24920753e-05, -5.49913077e-07),
    "q_D": (1.35718338e-05, -2.87387044e-07),
}
# log gf - log(Honl-London factor) - log(nu/6300 cm-1), x = m/20 with m = J+1, -J or 0 (R, P, Q):
# 1, v, v^2, x, x^2, x^3, x^4, x v, x^2 v and, in Q branches, (J+1/2)^2/400.
_OH_INTENSITY = (
    -6.56545,
    0.48814,
    -0.05325,
    -0.36843,
    -0.17517,
    -0.21825,
    -0.09986,
    -0.05339,
    0.03818,
    0.03226,
)


def hydroxyl() -> LineList:
    """First-overtone (v+2 <- v) lines of OH within its doublet Pi ground state."""
    v, j, parity, root, step, upper = _branches(
        range(6), np.arange(0.5, 42), (1, -1), (0, 1), (-1, 0, 1), (0, 1)
    )
    exists = (j + step > 0) & ~((j == 0.5) & (root == 1)) & ~((j + step == 0.5) & (upper == 1))
    v, j, parity, root, step, upper = (x[exists] for x in (v, j, parity, root, step, upper))
    e1, a1, b1 = pi_levels(_OH, v, j, parity, root)
    other = np.where(step == 0, -parity, parity)  # e and f change over in Q branches
    e2, a2, b2 = pi_levels(_OH, v + 2, j + step, other, upper)
    amplitude = a1 * a2 * direction_cosine(j, step, 0.5, 0)
    amplitude += b1 * b2 * direction_cosine(j, step, 1.5, 0)
    x = np.select([step > 0, step < 0], [j + 1, -j], 0.0) / 20.0
    spin = np.where(step == 0, j + 0.5, 0.0) ** 2 / 400.0
    nu = e2 - e1
    with np.errstate(divide="ignore"):
        log_gf = np.log10((2 * j + 1) * amplitude**2 * np.clip(nu, 1.0, None) / 6300.0)
    log_gf += np.asarray(_OH_INTENSITY) @ [
        x**0, v, v**2, x, x**2, x**3, x**4, x * v, x**2 * v, spin
    ]  # fmt: skip
    start = pi_levels(_OH, np.zeros(1), np.full(1, 1.5), np.ones(1), np.zeros(1))[0]
    return _molecule("OH", nu, e1 - start, log_gf, -8.5)


# Constants of CN, as for OH: A 2Pi, and X 2Sigma+ with spin-rotation constant g.
_CN_UPPER = {
    "T": (9222.3625, 1812.6173, -11.858582, -0.1624866, -0.0024330394),
    "B": (1.7166995, -0.017877074, 0.0001310187, -1.3067761e-05),
    "D": (6.3637381e-06, -5.6600493e-08, 7.0585173e-09),
    "H": (2.0303085e-11,),
    "A": (-52.909121, 0.20074361, -0.01875924),
    "AD": (-0.00012453258, -1.5407493e-05),
    "p": (0.0068815283, 0.00014642298),
    "q": (-0.00032817289, -1.6232543e-05),
}
_CN_LOWER = {
    "T": (0.0, 2035.3007, 5.1389834, -4.0909972, 0.32537887),
    "B": (1.9016206, -0.018390511, 0.00016552425, -1.2617436e-05),
    "D": (6.7176463e-06, -7.6712075e-08, 7.3952324e-09),
    "H": (2.3165018e-11,),
    "g": (0.0073507807, -0.00017735495),
}
# log gf - log(Honl-London factor) - log(nu/6300 cm-1) of the bands (v-1, v), v = 1 to 4: constant,
# slope with J/50.
_CN_INTENSITY = ((-3.232, -0.010), (-3.253, -0.032), (-3.490, -0.044), (-3.903, -0.078))


def cyanogen() -> LineList:
    """Lines of the red system of 12CN, A 2Pi (v-1) <- X 2Sigma+ (v)."""
    v, j, parity, step, upper = _branches(
        range(1, 5), np.arange(0.5, 105), (1, -1), (-1, 0, 1), (0, 1)
    )
    exists = (j + step > 0) & ~((j + step == 0.5) & (upper == 1))
    v, j, parity, step, upper = (x[exists] for x in (v, j, parity, step, upper))

    def lower(v: np.ndarray, j: np.ndarray, parity: np.ndarray) -> np.ndarray:
        c = {name: polyval(v + 0.5, np.array(terms)) for name, terms in _CN_LOWER.items()}
        n = np.where(parity > 0, j - 0.5, j + 0.5)  # e levels have J = N + 1/2
        square = n * (n + 1)
        spin = c["g"] * np.where(parity > 0, n, -(n + 1)) / 2
        return c["T"] + c["B"] * square - c["D"] * square**2 + c["H"] * square**3 + spin

    e1 = lower(v, j, parity)
    other = np.where(step == 0, -parity, parity)
    e2, half, three = pi_levels(_CN_UPPER, v - 1, j + step, other, upper)
    amplitude = three * direction_cosine(j, step, 0.5, 1)
    amplitude += parity * half * direction_cosine(j, step, -0.5, 1)
    nu = e2 - e1
    band = np.array(_CN_INTENSITY)[v.astype(int) - 1]
    with np.errstate(divide="ignore"):
        log_gf = np.log10((2 * j + 1) * amplitude**2 * np.clip(nu, 1.0, None) / 6300.0)
    log_gf += band[:, 0] + band[:, 1] * j / 50 + np.log10(_LIGHT_CARBON)
    start = lower(np.zeros(1), np.full(1, 0.5), np.ones(1))
    return _molecule("CN", nu, e1 - start, log_gf, -5.2)


@lru_cache(maxsize=1)
def molecules() -> LineList:
    """All molecular lines of the H band."""
    return join((carbon_monoxide(), hydroxyl(), cyanogen()))


@lru_cache(maxsize=1)
def h_band() -> LineList:
    """All lines of the H band, sorted by wavelength."""
    return join((table_lines(), molecules()))


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
