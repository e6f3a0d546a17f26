"""Make ``data/coronal_lines.csv``, contribution functions of coronal lines, from CHIANTI.

``python -m data.make.coronal_lines --compare`` (15 seconds) reads the CHIANTI files of the
real-data folder (LABKIT_REAL). ``--write`` replaces the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from data.make import table_files
from helpers.coronal_spectra import loop_emission
from surveys import contribution_functions
from surveys.coronal_lines import LOG_DENSITY, LOG_TEMPERATURE
from surveys.formats import chianti

NAME = "coronal_lines.csv"
WINDOW = (165.0, 300.0)
#: the lines kept: those that are brightest somewhere among loops of 1 to 10 MK
N_LINES = 80
#: what stands in the table where there is no emission
NOTHING = -99.0


def brightest(g: np.ndarray) -> np.ndarray:
    """Return the indices of the `N_LINES` brightest lines, from all contribution functions.

    Parameters
    ----------
    g : (l, t, d) array
        On this module's grids.
    """
    importance = np.zeros(len(g))
    for peak in np.arange(6.0, 7.01, 0.1):
        for i in (2, 4, 6):  # log n 9, 10, 11
            line = g[:, :, i] @ loop_emission(LOG_TEMPERATURE, peak)
            importance = np.maximum(importance, line / line.max())
    return np.argsort(-importance)[:N_LINES]


def rows(root: Path) -> Iterator[list[str]]:
    """Yield the table's rows, header first."""
    (abundances,) = chianti.abundance_names(root)
    ions, parts = [], []
    for name in chianti.ion_names(root):
        part = contribution_functions.contribution(
            root, name, LOG_TEMPERATURE, LOG_DENSITY, WINDOW, abundances
        )
        ions += [name] * len(part[0])
        parts.append(part)
    wavelength, lower, upper, g = (np.concatenate(column) for column in zip(*parts, strict=True))
    chosen = brightest(g)
    yield ["ion", "wavelength", "lower", "upper", "log_n", *(f"{t:.2f}" for t in LOG_TEMPERATURE)]
    with np.errstate(divide="ignore"):
        log_g = np.maximum(np.log10(g), NOTHING)
    for i in chosen[np.argsort(wavelength[chosen])]:
        line = [ions[i], f"{wavelength[i]:.3f}", str(lower[i]), str(upper[i])]
        for j, density in enumerate(LOG_DENSITY):
            yield [*line, f"{density:.1f}", *(f"{value:.3f}" for value in log_g[i, :, j])]


def make(folder: Path) -> dict[str, str]:
    """Return the text of the table from the folder of real files."""
    columns, *lines = rows(folder / "corona" / "chianti")
    return {NAME: table_files.header(NAME) + table_files.csv_text(columns, lines)}


if __name__ == "__main__":
    table_files.run(__doc__, make)
