"""Makes ``data/lines_h_band.csv``: atomic lines selected, converted to vacuum and calibrated.

``python -m data.make.lines_h_band`` reads Melendez & Barbuy's list from the real-data folder
(LABKIT_REAL), keeps the 480 lines that matter most in four giants, adds 20 that the list lacks at
wavelengths measured in real spectra, and moves each log gf so that the model meets the mean real
giant at one point, with a prior of 0.3 dex about the published value (1.5 dex for the 20).
``--compare`` says how far the committed table is from that, and what the calibration gained on
spectra it did not see.  ``--write`` replaces the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import spsolve

from data.make import against_h_band, table_files
from skysim.physics import lines, opacity
from skysim.physics.gas import SYMBOLS
from skysim.spectra.h_band import Synthesizer
from skysim.stars.labels import microturbulence
from surveys.wavelengths import vacuum

NAME = "lines_h_band.csv"
COLUMNS = (
    "wavelength_vac_A",
    "species",
    "excitation_eV",
    "log_gf",
    "log_gf_published",
    "log_c6",
    "source",
)
NUMBER = 480
UNIDENTIFIED = 20
#: Starting values for an unidentified line, typical of Fe I: excitation (eV), log gf, C6.
GUESS = (5.6, -1.2, 1e-30)
PRIOR_DEX, LOOSE_DEX = 0.3, 1.5
NOISE = 0.008  # what the model misses per pixel for other reasons than gf
REACH = 1.6  # A: how far from its centre a line is asked about
_ATOMIC_NUMBERS = dict(
    zip((1, 2, 6, 7, 8, 11, 12, 13, 14, 15, 16, *range(19, 29), 38, 56), SYMBOLS, strict=True)
)


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
    """How much each line shows in the comparison points' giants: mean of eta / (1 + eta).

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
    """The model with a given set of atoms, as the comparison wants it."""

    reality: against_h_band.HBandReference
    atoms: lines.LineList

    def model(self) -> against_h_band.Spectrum:
        """Normalised spectrum (7214,) at a point."""
        synthesizer = Synthesizer(lines.join((self.atoms, lines.molecules())))
        return lambda point: self.reality.normalise(
            synthesizer.spectrum(against_h_band.star(point))[against_h_band.PIXELS]
        )

    def scaled(self, dex: np.ndarray) -> LineListModel:
        """The same with strengths changed by so many dex."""
        return LineListModel(
            self.reality, self.atoms.with_strength(self.atoms.strength * 10.0**dex)
        )

    def with_lines(self, wavelength: np.ndarray) -> LineListModel:
        """The same with unidentified lines added at the end of the list."""
        n = wavelength.size
        excitation, log_gf, c6 = GUESS
        iron = lines.species_index(lines.UNIDENTIFIED)
        new = (wavelength, np.full(n, iron), *(np.full(n, x) for x in (excitation, 10**log_gf, c6)))
        old = (getattr(self.atoms, f) for f in lines.LineList.__dataclass_fields__)
        atoms = lines.LineList(*(np.concatenate(p) for p in zip(old, new, strict=True)))
        return LineListModel(self.reality, atoms)


def _far_apart(wavelength: np.ndarray) -> np.ndarray:
    """A colour for each line (sorted or not), such that lines of one colour do not overlap."""
    colour, last = np.zeros(wavelength.size, int), []
    for i in np.argsort(wavelength):
        free = [k for k, end in enumerate(last) if wavelength[i] - end >= 2 * REACH]
        k = free[0] if free else len(last)
        last[k : k + 1] = [wavelength[i]]
        colour[i] = k
    return colour


def _slopes(
    sky: LineListModel, dex: np.ndarray, point: tuple, base: np.ndarray
) -> sparse.csc_matrix:
    """Change of the spectrum per dex of each line's strength, (7214, lines)."""
    colour, grid, nudge = _far_apart(sky.atoms.wavelength), sky.reality.wavelength, 0.1
    first = np.searchsorted(grid, sky.atoms.wavelength - REACH)
    last = np.searchsorted(grid, sky.atoms.wavelength + REACH)
    rows, columns, values = [], [], []
    for k in range(colour.max() + 1):
        change = (sky.scaled(dex + nudge * (colour == k)).model()(point) - base) / nudge
        for i in np.flatnonzero(colour == k):
            rows.append(np.arange(first[i], last[i]))
            columns.append(np.full(last[i] - first[i], i))
            values.append(change[first[i] : last[i]])
    flat = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return sparse.csc_matrix(flat, shape=(grid.size, len(sky.atoms)))


def fit(
    sky: LineListModel,
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
    target, dex = sky.reality.real(point), np.zeros(len(sky.atoms))
    for step in range(rounds):
        model = sky.scaled(dex).model()(point)
        if step % 2 == 0:
            slopes = _slopes(sky, dex, point, model)[use]
        normal = slopes.T @ slopes / NOISE**2 + sparse.diags(prior**-2.0)
        pull = slopes.T @ (target - model)[use] / NOISE**2 - dex / prior**2
        dex = dex + np.clip(spsolve(normal.tocsc(), pull), -0.5, 0.5)
    return dex


def missing_lines(sky: LineListModel, number: int) -> np.ndarray:
    """Wavelengths where real giants absorb most and the model does not, at least 0.8 A apart.

    Places within 0.4 A of a listed atom or 3 A of a Brackett line are that line's own fault.
    """
    point, grid = against_h_band.POINTS[0], sky.reality.wavelength
    lack = np.convolve(sky.reality.real(point) - sky.model()(point), [0.25, 0.5, 0.25], "same")
    inner = np.arange(1, grid.size - 1)
    dips = inner[(lack[inner] <= lack[inner - 1]) & (lack[inner] <= lack[inner + 1])]
    known, series = sky.atoms.wavelength, lines.brackett()[1]
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


def report(sky: LineListModel, name: str) -> str:
    """Likeness at the four points and to the mystery star, as one line."""
    model = sky.model()
    cells = [against_h_band.likeness(sky.reality.real(p), model(p)) for p in against_h_band.POINTS]
    target, good = sky.reality.mystery
    cells.append(against_h_band.likeness(target[good], model(against_h_band.MYSTERY_LABELS)[good]))
    return f"{name:34s}" + "  ".join(f"{r:.3f} {rms:.4f}" for r, rms in cells)


def strongest(reality: against_h_band.HBandReference) -> LineListModel:
    """The published lines that matter most, strengths as published."""
    everything = published_lines(reality.folder)
    best = np.sort(np.argsort(-importance(everything), kind="stable")[:NUMBER])
    return LineListModel(reality, everything.pick(best))


def calibrated(start: LineListModel, dex: np.ndarray) -> tuple[LineListModel, np.ndarray]:
    """The lines with the unidentified ones added, and the shift of each log gf (dex).

    `dex` are the shifts that calibrate the published lines alone.
    """
    full = start.with_lines(missing_lines(start.scaled(dex), UNIDENTIFIED))
    prior = np.concatenate([np.full(NUMBER, PRIOR_DEX), np.full(UNIDENTIFIED, LOOSE_DEX)])
    return full, fit(full, prior)


def table(atoms: lines.LineList, dex: np.ndarray, identified: int) -> str:
    """The text of the line table; the first `identified` atoms are from the published list."""
    rows = []
    for i in range(len(atoms)):
        known = i < identified
        log_gf = np.log10(atoms.strength[i])
        rows.append(
            (
                f"{atoms.wavelength[i]:.3f}",
                lines.SPECIES[atoms.species[i]] if known else lines.UNIDENTIFIED,
                f"{atoms.excitation[i]:.3f}",
                f"{log_gf + dex[i]:.3f}",
                f"{log_gf:.3f}" if known else "",
                f"{np.log10(atoms.damping[i]):.2f}",
                "MB99" if known else "measured",
            )
        )
    return table_files.header(NAME) + table_files.csv_text(COLUMNS, sorted(rows))


def make(folder: Path) -> dict[str, str]:
    """Return the text of the table from the folder of real files."""
    start = strongest(against_h_band.HBandReference(folder))
    full, dex = calibrated(start, fit(start, np.full(NUMBER, PRIOR_DEX)))
    return {NAME: table(full.atoms, dex, NUMBER)}


def gain(folder: Path, _: dict[str, str]) -> Iterator[str]:
    """Lines of a report on what the calibration gained, where it looked and where not."""
    reality = against_h_band.HBandReference(folder)
    heads = ("P1 (fitted)", "P2", "P3", "P4", "mystery star")
    yield f"{'r and rms at':34s}" + "".join(f"{h:15s}" for h in heads).rstrip()
    everything = published_lines(reality.folder)
    yield report(LineListModel(reality, everything), f"all {len(everything)} published atoms")
    start = strongest(reality)
    yield report(start, f"{NUMBER} published atoms")
    prior = np.full(NUMBER, PRIOR_DEX)
    dex = fit(start, prior)
    yield report(start.scaled(dex), f"{NUMBER} atoms, log gf calibrated")
    loose = fit(start, 5 * prior)
    yield report(start.scaled(loose), f"control: prior {5 * PRIOR_DEX} dex")

    even = (reality.wavelength // 20).astype(int) % 2 == 0
    half = start.scaled(fit(start, prior, even))
    p1 = against_h_band.POINTS[0]
    for name, where in (("even", even), ("odd", ~even)):
        (_, before), (_, after) = (
            against_h_band.likeness(reality.real(p1)[where], s.model()(p1)[where])
            for s in (start, half)
        )
        yield f"P1 fitted on even 20 A blocks, {name} blocks: rms {before:.4f} -> {after:.4f}"

    full, dex = calibrated(start, dex)
    yield report(full.scaled(dex), f"and {UNIDENTIFIED} unidentified lines")
    known = dex[:NUMBER]
    yield f"log gf moved by {np.median(known):+.3f} dex (median), {known.std():.3f} dex (rms)"


if __name__ == "__main__":
    table_files.run(__doc__, make, gain)
