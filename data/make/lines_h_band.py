"""Make ``data/lines_h_band.csv``: select atomic lines and calibrate their strengths.

``python -m data.make.lines_h_band`` reads Melendez & Barbuy's list from the real-data folder
(LABKIT_REAL), keeps the 480 lines that matter most in four giants, adds 20 that the list lacks at
wavelengths measured in real spectra, and moves each log gf so that the model meets the mean real
giant at one point, with a prior of 0.3 dex about the published value (1.5 dex for the 20).
What that gained on spectra it did not see is printed.  ``--write`` replaces the table.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import spsolve

from data.make import against_h_band, real_folder
from skysim.physics import lines, opacity
from skysim.physics.gas import SYMBOLS
from skysim.spectra.h_band import Synthesizer
from skysim.stars.labels import microturbulence
from surveys.folders import facts_folder
from surveys.wavelengths import vacuum

NUMBER = 480
UNIDENTIFIED = 20
#: Starting values for an unidentified line (excitation in eV, log gf, C6), typical of Fe I.
UNIDENTIFIED_START = (5.6, -1.2, 1e-30)
PRIOR_DEX, LOOSE_DEX = 0.3, 1.5
NOISE = 0.008  # model error per pixel for reasons other than gf
REACH = 1.6  # A: how far from its centre a line is fitted
_ATOMIC_NUMBERS = dict(
    zip((1, 2, 6, 7, 8, 11, 12, 13, 14, 15, 16, *range(19, 29), 38, 56), SYMBOLS, strict=True)
)
HEADER = """\
# Atomic lines of the APOGEE H band for the simulated survey, made by data/make/lines_h_band.py.
# Vacuum wavelength (A), species, lower excitation potential (eV), log gf in use, log gf published,
# log10 of the van der Waals C6 (cm6/s), source.
# MB99: our selection of the strongest in red giants from Melendez & Barbuy 1999, ApJS 124, 527.
# measured: absent from that list; position and strength measured by us in the mean spectrum of real
# APOGEE giants (the Cannon model in J. Bovy's apogee package); species unknown, acts like Fe I.
# log gf in use: astrophysical, fitted to the same mean spectrum at Teff 4500, log g 2.0, [M/H] -0.3
# with a prior of 0.3 dex about the published value.
wavelength_vac_A,species,excitation_eV,log_gf,log_gf_published,log_c6,source
"""


def published_lines(folder: Path) -> lines.LineList:
    """Melendez & Barbuy's atomic lines within the trimmed band, of elements that the kit has."""
    found = []
    for row in (folder / "lines" / "mb99_k.list").read_text().splitlines()[1:]:
        cells = row.split()
        if len(cells) < 5:
            continue
        number, stage = divmod(round(10 * float(cells[1])), 10)
        wavelength = float(vacuum(float(cells[0])))
        if number not in _ATOMIC_NUMBERS or not 15130 < wavelength < 16970:
            continue
        species = lines.species_index(f"{_ATOMIC_NUMBERS[number]} {'II' if stage else 'I'}")
        found.append((wavelength, species, float(cells[2]), 10 ** float(cells[3]), float(cells[4])))
    columns = [np.array(c) for c in zip(*found, strict=True)]
    return lines.LineList(*columns).pick(np.argsort(columns[0]))


def importance(some: lines.LineList) -> np.ndarray:
    """Strength of each line in giants at the comparison points: mean of eta / (1 + eta).

    eta is the absorption at the line's centre over the continuum's, at optical depth 0.1.
    """
    total = np.zeros(len(some))
    synthesizer = Synthesizer(some)
    for point in against_h_band.POINTS:
        labels = against_h_band.star(point)
        layers = synthesizer.structure(labels)
        k = int(np.argmin(np.abs(layers.tau - 0.1)))
        peak = synthesizer.profiles(layers.gas, 1e5 * microturbulence(labels.logg))[2][:, k]
        eta = peak / opacity.continuum(np.array([16000.0]), layers.gas)[0, k]
        total += eta / (1.0 + eta) / len(against_h_band.POINTS)
    return total


@dataclass(frozen=True)
class LineListModel:
    """Model spectra computed with one list of atomic lines, and the reference to compare with."""

    reference: against_h_band.HBandReference
    atoms: lines.LineList

    def spectrum(self) -> against_h_band.Spectrum:
        """Function that returns the normalised spectrum (7214,) at a point."""
        synthesizer = Synthesizer(lines.join((self.atoms, lines.molecules())))
        return lambda point: self.reference.normalise(
            synthesizer.spectrum(against_h_band.star(point))[against_h_band.PIXELS]
        )

    def scaled(self, dex: np.ndarray) -> LineListModel:
        """Copy with line strengths changed by so many dex."""
        return LineListModel(
            self.reference, self.atoms.with_strength(self.atoms.strength * 10.0**dex)
        )

    def with_lines(self, wavelength: np.ndarray) -> LineListModel:
        """Copy with unidentified lines added at the end of the list."""
        n = wavelength.size
        excitation, log_gf, c6 = UNIDENTIFIED_START
        iron = lines.species_index(lines.UNIDENTIFIED)
        new = (wavelength, np.full(n, iron), *(np.full(n, x) for x in (excitation, 10**log_gf, c6)))
        old = (getattr(self.atoms, f) for f in lines.LineList.__dataclass_fields__)
        atoms = lines.LineList(*(np.concatenate(p) for p in zip(old, new, strict=True)))
        return LineListModel(self.reference, atoms)


def _groups(wavelength: np.ndarray) -> np.ndarray:
    """Number of a group for each line, such that lines of one group do not overlap."""
    group, last = np.zeros(wavelength.size, int), []
    for i in np.argsort(wavelength):
        free = [k for k, end in enumerate(last) if wavelength[i] - end >= 2 * REACH]
        k = free[0] if free else len(last)
        last[k : k + 1] = [wavelength[i]]
        group[i] = k
    return group


def _slopes(
    model: LineListModel, dex: np.ndarray, point: tuple, base: np.ndarray
) -> sparse.csc_matrix:
    """Change of the spectrum per dex of each line's strength, (7214, lines)."""
    group, grid, nudge = _groups(model.atoms.wavelength), model.reference.wavelength, 0.1
    first = np.searchsorted(grid, model.atoms.wavelength - REACH)
    last = np.searchsorted(grid, model.atoms.wavelength + REACH)
    rows, columns, values = [], [], []
    for k in range(group.max() + 1):
        change = (model.scaled(dex + nudge * (group == k)).spectrum()(point) - base) / nudge
        for i in np.flatnonzero(group == k):
            rows.append(np.arange(first[i], last[i]))
            columns.append(np.full(last[i] - first[i], i))
            values.append(change[first[i] : last[i]])
    flat = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return sparse.csc_matrix(flat, shape=(grid.size, len(model.atoms)))


def fit(
    model: LineListModel,
    prior: np.ndarray,
    use: np.ndarray | None = None,
    rounds: int = 8,
) -> np.ndarray:
    """Shift of each log gf (dex) that brings the model to the real giants at the first point.

    Gauss-Newton on the normalised spectrum, with a Gaussian prior of width `prior` (lines,) dex;
    `use` masks the pixels (7214,).
    """
    point = against_h_band.POINTS[0]
    use = slice(None) if use is None else use
    target, dex = model.reference.real(point), np.zeros(len(model.atoms))
    for step in range(rounds):
        present = model.scaled(dex).spectrum()(point)
        if step % 2 == 0:
            slopes = _slopes(model, dex, point, present)[use]
        normal = slopes.T @ slopes / NOISE**2 + sparse.diags(prior**-2.0)
        pull = slopes.T @ (target - present)[use] / NOISE**2 - dex / prior**2
        dex = dex + np.clip(spsolve(normal.tocsc(), pull), -0.5, 0.5)
    return dex


def missing_lines(model: LineListModel, number: int) -> np.ndarray:
    """Wavelengths where real giants absorb most and the model does not, at least 0.8 A apart.

    Places within 0.4 A of a listed atom or 3 A of a Brackett line are left out.
    """
    point, grid = against_h_band.POINTS[0], model.reference.wavelength
    lack = np.convolve(
        model.reference.real(point) - model.spectrum()(point), [0.25, 0.5, 0.25], "same"
    )
    inner = np.arange(1, grid.size - 1)
    dips = inner[(lack[inner] <= lack[inner - 1]) & (lack[inner] <= lack[inner + 1])]
    known, series = model.atoms.wavelength, lines.brackett()[1]
    chosen: list[int] = []
    for k in dips[np.argsort(lack[dips])]:
        if np.abs(known - grid[k]).min() < 0.4 or np.abs(series - grid[k]).min() < 3.0:
            continue
        if all(abs(grid[k] - grid[j]) > 0.8 for j in chosen):
            chosen.append(int(k))
        if len(chosen) == number:
            break
    k = np.array(chosen)
    lean = 0.5 * (lack[k - 1] - lack[k + 1]) / (lack[k - 1] - 2 * lack[k] + lack[k + 1])
    return grid[k] + lean * (grid[k + 1] - grid[k])


def report(model: LineListModel, name: str) -> str:
    """One line of text: likeness at the four points and to the mystery star."""
    spectrum = model.spectrum()
    cells = [
        against_h_band.likeness(model.reference.real(p), spectrum(p)) for p in against_h_band.POINTS
    ]
    target, good = model.reference.mystery
    cells.append(
        against_h_band.likeness(target[good], spectrum(against_h_band.MYSTERY_LABELS)[good])
    )
    return f"{name:34s}" + "  ".join(f"{r:.3f} {rms:.4f}" for r, rms in cells) + "\n"


def table(atoms: lines.LineList, dex: np.ndarray, identified: int) -> str:
    """Text of the line table; the first `identified` atoms are from the published list."""
    rows = []
    for i in range(len(atoms)):
        known = i < identified
        name = lines.SPECIES[atoms.species[i]] if known else lines.UNIDENTIFIED
        log_gf = np.log10(atoms.strength[i])
        rows.append(
            f"{atoms.wavelength[i]:.3f},{name},{atoms.excitation[i]:.3f},{log_gf + dex[i]:.3f},"
            f"{f'{log_gf:.3f}' if known else ''},{np.log10(atoms.damping[i]):.2f},"
            f"{'MB99' if known else 'measured'}"
        )
    return HEADER + "\n".join(sorted(rows)) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Calibrate, print what it gained, and write the table when asked to."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true", help="replace data/lines_h_band.csv")
    chosen = parser.parse_args(arguments)
    reference = against_h_band.HBandReference(real_folder())
    everything = published_lines(reference.folder)
    best = np.sort(np.argsort(-importance(everything), kind="stable")[:NUMBER])
    start = LineListModel(reference, everything.pick(best))
    say = sys.stdout.write
    heads = ("P1 (fitted)", "P2", "P3", "P4", "mystery star")
    say(f"{'r and rms at':34s}" + "".join(f"{h:15s}" for h in heads).rstrip() + "\n")
    say(report(LineListModel(reference, everything), f"all {len(everything)} published atoms"))
    say(report(start, f"{NUMBER} published atoms"))
    prior = np.full(NUMBER, PRIOR_DEX)
    dex = fit(start, prior)
    say(report(start.scaled(dex), f"{NUMBER} atoms, log gf calibrated"))
    loose = fit(start, 5 * prior)
    say(report(start.scaled(loose), f"control: prior {5 * PRIOR_DEX} dex"))

    even = (reference.wavelength // 20).astype(int) % 2 == 0
    half = start.scaled(fit(start, prior, even))
    p1 = against_h_band.POINTS[0]
    for name, where in (("even", even), ("odd", ~even)):
        (_, before), (_, after) = (
            against_h_band.likeness(reference.real(p1)[where], s.spectrum()(p1)[where])
            for s in (start, half)
        )
        say(f"P1 fitted on even 20 A blocks, {name} blocks: rms {before:.4f} -> {after:.4f}\n")

    full = start.with_lines(missing_lines(start.scaled(dex), UNIDENTIFIED))
    prior = np.concatenate([prior, np.full(UNIDENTIFIED, LOOSE_DEX)])
    dex = fit(full, prior)
    say(report(full.scaled(dex), f"and {UNIDENTIFIED} unidentified lines"))
    known = dex[:NUMBER]
    say(f"log gf moved by {np.median(known):+.3f} dex (median), {known.std():.3f} dex (rms)\n")
    if chosen.write:
        path = facts_folder() / "lines_h_band.csv"
        path.write_text(table(full.atoms, dex, NUMBER))
        say(f"{path} written\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
