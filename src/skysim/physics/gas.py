"""The state of the gas: elements, molecules, and their ionisation and chemical equilibrium."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit

from skysim.physics.constants import (
    ATOMIC_MASS,
    BOLTZMANN,
    ELECTRON_MASS,
    EV,
    PLANCK,
    SECOND_RADIATION,
)

_SAHA = 2.0 * (2 * np.pi * ELECTRON_MASS * BOLTZMANN / PLANCK**2) ** 1.5


@dataclass(frozen=True)
class Element:
    """Atomic data of one element."""

    mass: float  # atomic mass units
    abundance: float  # solar, log10 with H = 12
    ionisation_ev: float
    second_ev: float  # energy that ionises it once more
    weight: float  # partition function of the neutral atom at 5000 K
    slope: float  # its power of T/5000 K
    ion_weight: float  # partition function of the first ion
    second_weight: float  # and of the second


# Abundances: Asplund, Grevesse & Sauval 2005 (ASP Conf. 336, 25), but Sc: Grevesse & Sauval 1998
# (Space Sci. Rev. 85, 161); ionisation energies: NIST ASD, some second ones of an older edition;
# partition functions: rounded from Gray 2005 (The Observation and Analysis of Stellar
# Photospheres, table D.2), neutral ones as powers of temperature about 5000 K.  From 4000 to 6000 K
# the neutral ones are within 12 per cent of Irwin 1981 (ApJS 45, 621), Ba apart; those of the ions,
# held constant, fall short of his by up to 40 per cent at 7000 K (Cr).
ELEMENTS = {
    "H": Element(1.008, 12.00, 13.598, 999.0, 2.0, 0.0, 1.0, 1.0),
    "He": Element(4.003, 10.93, 24.587, 54.418, 1.0, 0.0, 2.0, 1.0),
    "C": Element(12.011, 8.39, 11.260, 24.383, 9.3, 0.05, 5.9, 1.0),
    "N": Element(14.007, 7.78, 14.534, 29.601, 4.1, 0.06, 9.0, 6.0),
    "O": Element(15.999, 8.66, 13.618, 35.117, 8.7, 0.05, 4.0, 9.0),
    "Na": Element(22.990, 6.17, 5.139, 47.286, 2.05, 0.1, 1.0, 6.0),
    "Mg": Element(24.305, 7.53, 7.646, 15.035, 1.03, 0.1, 2.0, 1.0),
    "Al": Element(26.982, 6.37, 5.986, 18.829, 5.9, 0.02, 1.0, 2.0),
    "Si": Element(28.085, 7.51, 8.152, 16.346, 9.5, 0.13, 5.7, 1.0),
    "P": Element(30.974, 5.36, 10.487, 19.769, 4.5, 0.25, 8.1, 6.0),
    "S": Element(32.06, 7.14, 10.360, 23.338, 8.2, 0.06, 4.1, 9.0),
    "K": Element(39.098, 5.08, 4.341, 31.63, 2.2, 0.2, 1.0, 6.0),
    "Ca": Element(40.078, 6.31, 6.113, 11.872, 1.2, 0.7, 2.3, 1.0),
    "Sc": Element(44.956, 3.17, 6.561, 12.80, 12.2, 0.4, 22.5, 10.0),
    "Ti": Element(47.867, 4.90, 6.828, 13.576, 30.0, 0.9, 55.0, 22.0),
    "V": Element(50.942, 4.00, 6.746, 14.618, 47.0, 0.65, 43.0, 29.0),
    "Cr": Element(51.996, 5.64, 6.767, 16.486, 10.4, 0.9, 7.2, 25.0),
    "Mn": Element(54.938, 5.39, 7.434, 15.640, 6.4, 0.3, 7.7, 6.0),
    "Fe": Element(55.845, 7.45, 7.902, 16.188, 27.0, 0.65, 42.0, 25.0),
    "Co": Element(58.933, 4.92, 7.881, 17.084, 33.0, 0.55, 28.5, 28.0),
    "Ni": Element(58.693, 6.23, 7.640, 18.169, 30.0, 0.4, 10.7, 21.0),
    "Sr": Element(87.62, 2.92, 5.695, 11.030, 1.3, 0.8, 2.3, 1.0),
    "Ba": Element(137.33, 2.17, 5.212, 10.004, 2.3, 1.2, 4.2, 1.0),
}


SYMBOLS = tuple(ELEMENTS)
ALPHA_ELEMENTS = ("O", "S", "Ca", "Ti")


def _column(name: str) -> np.ndarray:
    return np.array([getattr(e, name) for e in ELEMENTS.values()])


_MASS = _column("mass")
_INDEX = {symbol: i for i, symbol in enumerate(SYMBOLS)}


@dataclass(frozen=True)
class Diatomic:
    """Constants of a diatomic molecule (Huber & Herzberg 1979; CN: see `MOLECULES`)."""

    atoms: tuple[str, str]
    dissociation_ev: float
    vibration: float  # omega_e, cm-1
    anharmonicity: float  # omega_e x_e, cm-1
    rotation: float  # B_e, cm-1
    shrinking: float  # alpha_e, cm-1
    symmetry: int  # 2 for like nuclei
    states: tuple[tuple[int, float], ...]  # (weight, energy in cm-1) of the electronic states


# D0 of CN: Huang, Barts & Halpern 1992 (J. Phys. Chem. 96, 425); TiO: Naulin, Hedgecock & Costes
# 1997 (Chem. Phys. Lett. 266, 335); MgH, with its X state: Shayesteh et al. 2007 (J. Phys. Chem. A
# 111, 12495).
MOLECULES = {
    "H2": Diatomic(("H", "H"), 4.478, 4401.2, 121.3, 60.85, 3.06, 2, ((1, 0.0),)),
    "CO": Diatomic(("C", "O"), 11.092, 2169.8, 13.29, 1.9313, 0.0175, 1, ((1, 0.0),)),
    "OH": Diatomic(("O", "H"), 4.392, 3737.8, 84.88, 18.91, 0.724, 1, ((2, 0.0), (2, 139.0))),
    "CN": Diatomic(("C", "N"), 7.74, 2068.6, 13.1, 1.8998, 0.0174, 1, ((2, 0.0), (4, 9245.0))),
    "CH": Diatomic(("C", "H"), 3.465, 2858.5, 63.02, 14.457, 0.534, 1, ((4, 0.0),)),
    "N2": Diatomic(("N", "N"), 9.759, 2358.6, 14.32, 1.9982, 0.0173, 2, ((1, 0.0),)),
    "TiO": Diatomic(
        ("Ti", "O"), 6.87, 1009.02, 4.498, 0.53543, 0.003022, 1,
        ((2, 0.0), (2, 98.0), (2, 197.0), (2, 3443.0), (1, 5662.0), (6, 11925.0), (6, 14100.0)),
    ),
    "CaH": Diatomic(("Ca", "H"), 1.70, 1298.3, 19.1, 4.2766, 0.097, 1, ((2, 0.0), (4, 14400.0))),
    "MgH": Diatomic(("Mg", "H"), 1.285, 1492.8, 29.85, 5.826, 0.175, 1, ((2, 0.0), (4, 19200.0))),
}  # fmt: skip


_LIGHT, _METALLIC = ("CO", "OH", "CN", "N2"), ("TiO", "CaH", "MgH")


def partition_functions(temperature: np.ndarray | float) -> np.ndarray:
    """Partition functions of the neutral atoms, (elements, ...), in the order of ``SYMBOLS``."""
    ratio = np.asarray(temperature, float) / 5000.0
    weight, slope = (_column(n).reshape(-1, *(1,) * ratio.ndim) for n in ("weight", "slope"))
    return weight * ratio**slope


def molecular_partition(molecule: str, temperature: np.ndarray | float) -> np.ndarray:
    """Partition function of a diatomic, by its vibrational levels and rotation within each.

    From 2500 to 6000 K CO, CN and N2 are within 4 per cent of Barklem & Collet 2016 (A&A 588, A96);
    H2 is 5 to 15 per cent below them.
    """
    m = MOLECULES[molecule]
    thermal = np.asarray(temperature, float) / SECOND_RADIATION  # cm-1
    v = np.arange(12.0).reshape(-1, *(1,) * thermal.ndim)
    energy = m.vibration * v - m.anharmonicity * v * (v + 1)
    rotation = thermal / (m.rotation - m.shrinking * (v + 0.5)) / m.symmetry + 1.0 / 3.0
    total = (np.exp(-energy / thermal) * rotation).sum(axis=0)
    return total * sum(g * np.exp(-energy / thermal) for g, energy in m.states)


def dissociation(molecule: str, temperature: np.ndarray | float) -> np.ndarray:
    """n(AB) / (n(A) n(B)) in cm3, with neutral atoms (the law of mass action)."""
    m = MOLECULES[molecule]
    a, b = (_INDEX[s] for s in m.atoms)
    mass = _MASS[a] * _MASS[b] / (_MASS[a] + _MASS[b]) * ATOMIC_MASS
    thermal = BOLTZMANN * np.asarray(temperature, float)
    weights = partition_functions(temperature)
    states = molecular_partition(molecule, temperature) / (weights[a] * weights[b])
    volume = (PLANCK**2 / (2 * np.pi * mass * thermal)) ** 1.5
    return volume * states * np.exp(m.dissociation_ev * EV / thermal)


def _water(temperature: np.ndarray) -> np.ndarray:
    """n(H2O) / (n(H)^2 n(O)) in cm6, a rigid rotator with three oscillators (NIST constants)."""
    wave = PLANCK**2 / (2 * np.pi * ATOMIC_MASS * BOLTZMANN * temperature)
    rotation = 0.886 * np.sqrt(temperature**3 / (40.1 * 20.9 * 13.4))
    modes = [1.0 - np.exp(-energy / temperature) for energy in (5262.0, 2294.0, 5404.0)]
    states = (
        rotation / np.prod(modes, axis=0) / (4.0 * partition_functions(temperature)[_INDEX["O"]])
    )
    mass = (18.015 / (15.999 * 1.008**2)) ** 1.5
    return wave**3 * mass * states * np.exp(9.511 * EV / (BOLTZMANN * temperature))


def abundances(
    fe_h: float, mg_fe: float, si_fe: float, alpha_fe: float, c_fe: float, n_fe: float
) -> np.ndarray:
    """Number abundances relative to hydrogen, in the order of ``SYMBOLS``, from [X/Fe] in dex."""
    logs = _column("abundance")
    logs[2:] += fe_h
    for symbol in ALPHA_ELEMENTS:
        logs[_INDEX[symbol]] += alpha_fe
    for symbol, excess in (("Mg", mg_fe), ("Si", si_fe), ("C", c_fe), ("N", n_fe)):
        logs[_INDEX[symbol]] += excess
    return 10.0 ** (logs - 12.0)


@dataclass(frozen=True)
class Gas:
    """State of the gas, one column per layer (cgs)."""

    temperature: np.ndarray  # (layers,) K
    pressure: np.ndarray  # (layers,) dyn/cm2
    electrons: np.ndarray  # (layers,) cm-3
    density: np.ndarray  # (layers,) g/cm3
    neutral: np.ndarray  # (elements, layers) free neutral atoms, cm-3
    ionised: np.ndarray  # (elements, layers) first ions, cm-3
    molecules: dict[str, np.ndarray]  # (layers,) each, cm-3

    @cached_property
    def weights(self) -> np.ndarray:
        """Partition functions of the neutral atoms, (elements, layers)."""
        return partition_functions(self.temperature)

    @property
    def hydrogen(self) -> np.ndarray:
        """Neutral hydrogen atoms, cm-3."""
        return self.neutral[0]

    @property
    def perturbers(self) -> np.ndarray:
        """Hydrogen atoms and what broadens lines like them, cm-3 (helium 0.42, H2 0.85)."""
        return self.neutral[0] + 0.42 * self.neutral[1] + 0.85 * self.molecules["H2"]

    def population(self, species: str) -> np.ndarray:
        """Density over partition function of ``Fe I``, ``Fe II`` or ``CO``, cm-3, (layers,)."""
        symbol, _, stage = species.partition(" ")
        if not stage:
            return self.molecules[symbol] / molecular_partition(symbol, self.temperature)
        i = _INDEX[symbol]
        if stage == "I":
            return self.neutral[i] / self.weights[i]
        return self.ionised[i] / ELEMENTS[symbol].ion_weight


@dataclass(frozen=True)
class Constants:
    """Quantities of the gas that depend on temperature alone, one column per layer (cgs)."""

    temperature: np.ndarray  # (layers,) K
    first: np.ndarray  # (elements, layers) n(ion) n(e) / n(atom), cm-3 (Saha)
    second: np.ndarray  # (elements, layers) the same of the next ionisation
    molecules: dict[str, np.ndarray]  # (layers,) each: n(AB) / (n(A) n(B)), cm3
    water: np.ndarray  # (layers,) n(H2O) / (n(H)^2 n(O)), cm6

    @classmethod
    def of(cls, temperature: np.ndarray) -> Constants:
        """The constants of ionisation and of the molecules at temperatures (layers,) in K."""
        thermal = BOLTZMANN * temperature
        ionisation, further, ion, doubly = (
            _column(n)[:, None]
            for n in ("ionisation_ev", "second_ev", "ion_weight", "second_weight")
        )
        translation = _SAHA * temperature**1.5
        atom = partition_functions(temperature)
        return cls(
            temperature,
            translation * ion / atom * np.exp(-ionisation * EV / thermal),
            translation * doubly / ion * np.exp(-further * EV / thermal),
            {m: dissociation(m, temperature) for m in (*_LIGHT, *_METALLIC, "H2")},
            _water(temperature),
        )


@njit(cache=True, error_model="numpy")
def _charge_balance(first, second, abundance, k_h2, total, guess):
    """Hydrogen nuclei, free hydrogen atoms and electrons, cm-3, (3, layers).

    The electron density is the geometric mean of the one before and of what the atoms would give
    at that, until it stands still.
    """
    found = np.empty((3, total.size))
    metals = abundance[1:].sum()
    for k in range(total.size):
        electrons, nuclei, hydrogen = guess[k], total[k] / (1.0 + metals), 0.0
        for _ in range(400):
            with_ions = 1.0 + first[0, k] / electrons
            root = np.sqrt(with_ions**2 + 8.0 * k_h2[k] * nuclei)
            hydrogen = 2.0 * nuclei / (with_ions + root)
            particles = hydrogen * with_ions + k_h2[k] * hydrogen**2 + nuclei * metals
            nuclei *= max(total[k] - electrons, 0.1 * total[k]) / particles
            gave = hydrogen * first[0, k] / electrons
            for i in range(1, abundance.size):
                ratio = first[i, k] / electrons
                doubly = ratio * second[i, k] / electrons
                gave += abundance[i] * nuclei * (ratio + 2.0 * doubly) / (1.0 + ratio + doubly)
            before, electrons = electrons, np.sqrt(electrons * gave)
            if abs(electrons / before - 1.0) < 1e-8:
                break
        found[0, k], found[1, k], found[2, k] = nuclei, hydrogen, electrons
    return found


def state(
    temperature: np.ndarray,
    pressure: np.ndarray,
    abundance: np.ndarray,
    electrons: np.ndarray | None = None,
    constants: Constants | None = None,
) -> Gas:
    """Ionisation, molecules and charge balance at given temperature and pressure.

    Parameters
    ----------
    temperature, pressure : (layers,) array
        K and dyn/cm2.
    abundance : (elements,) array
        Number abundances relative to hydrogen (see `abundances`).
    electrons : (layers,) array, optional
        A first guess of the electron density, cm-3.
    constants : Constants, optional
        Those of `temperature`, when they are known already.

    Returns
    -------
    Gas
    """
    known = Constants.of(temperature) if constants is None else constants
    total = pressure / (BOLTZMANN * temperature)
    guess = 1e-4 * total if electrons is None else electrons
    k_h2 = known.molecules["H2"]
    nuclei, hydrogen, electrons = _charge_balance(
        known.first, known.second, abundance, k_h2, total, guess
    )
    ratio = known.first / electrons
    atoms = abundance[:, None] * nuclei
    neutral = atoms / (1.0 + ratio * (1.0 + known.second / electrons))
    neutral[0] = hydrogen
    molecules = _carbon_nitrogen_oxygen(known, atoms, ratio, neutral)
    molecules["H2"] = k_h2 * hydrogen**2
    molecules |= _metals(known, atoms, neutral)
    density = nuclei * float(abundance @ _MASS) * ATOMIC_MASS
    return Gas(temperature, pressure, electrons, density, neutral, neutral * ratio, molecules)


@njit(cache=True, error_model="numpy")
def _free_atoms(carbon, nitrogen, oxygen, other_c, other_n, other_o, k_co, k_cn, k_n2):
    """Free C, N and O atoms from their nuclei, cm-3, (3, layers); `other` forms per free atom.

    With c free carbon atoms the CO balance is an exact quadratic,
    k a c^2 + (a b + k (O - C)) c - C b = 0, where a and b count the other forms of carbon and
    oxygen per free atom; nitrogen (mostly N2) follows in an outer loop that converges in a few
    rounds.
    """
    found = np.empty((3, carbon.size))
    for k in range(carbon.size):
        free_c, free_n, b = 0.0, 0.5 * nitrogen[k], other_o[k]
        for _ in range(12):
            a = other_c[k] + k_cn[k] * free_n
            middle = a * b + k_co[k] * (oxygen[k] - carbon[k])
            root = np.sqrt(middle**2 + 4.0 * a * b * k_co[k] * carbon[k])
            # Both forms of the root are exact; each loses no digits on its own side.
            if middle > 0:
                free_c = 2.0 * carbon[k] * b / (middle + root)
            else:
                free_c = (root - middle) / (2.0 * a * k_co[k])
            with_n = other_n[k] + k_cn[k] * free_c
            free_n = 2.0 * nitrogen[k] / (with_n + np.sqrt(with_n**2 + 8.0 * k_n2[k] * nitrogen[k]))
        found[0, k], found[1, k] = free_c, free_n
        found[2, k] = oxygen[k] / (b + k_co[k] * free_c)
    return found


def _carbon_nitrogen_oxygen(
    known: Constants, nuclei: np.ndarray, ratio: np.ndarray, neutral: np.ndarray
) -> dict[str, np.ndarray]:
    """Molecules of C, N and O with hydrogen and each other; their rows of `neutral` are updated."""
    here = [_INDEX[s] for s in "CNO"]
    k, hydrogen = known.molecules, neutral[0]
    other_c, other_n, other_o = 1.0 + ratio[here]
    water = known.water * hydrogen**2
    other_o = other_o + k["OH"] * hydrogen + water
    neutral[here] = _free_atoms(*nuclei[here], other_c, other_n, other_o, k["CO"], k["CN"], k["N2"])
    free_c, free_n, free_o = neutral[here]
    pairs = {
        "CO": free_c * free_o, "OH": free_o * hydrogen, "CN": free_c * free_n, "N2": free_n**2
    }  # fmt: skip
    return {m: k[m] * n for m, n in pairs.items()} | {"H2O": water * free_o}


def _metals(known: Constants, nuclei: np.ndarray, neutral: np.ndarray) -> dict[str, np.ndarray]:
    """Molecules of metals too scarce to use up their partners; their rows of `neutral` are updated.

    Left out: TiO2 (2 per cent of titanium at 2400 K, more below), CaOH, and SiO, which takes a
    seventh of the oxygen that CO leaves.
    """
    molecules = {}
    for name in _METALLIC:
        metal, partner = (_INDEX[s] for s in MOLECULES[name].atoms)
        per_atom = known.molecules[name] * neutral[partner]
        neutral[metal] = nuclei[metal] / (nuclei[metal] / neutral[metal] + per_atom)
        molecules[name] = per_atom * neutral[metal]
    return molecules
