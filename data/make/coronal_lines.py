"""Make ``data/coronal_lines.csv``, contribution functions of coronal lines, from CHIANTI.

``python -m data.make.coronal_lines FOLDER`` (two minutes) prints it for the CHIANTI folder;
``--write`` puts it in place.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from helpers.coronal_spectra import loop_emission
from surveys import contribution_functions
from surveys.coronal_lines import LOG_DENSITY, LOG_TEMPERATURE
from surveys.folders import facts_folder
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
    ions, parts = [], []
    for name in chianti.ion_names(root):
        part = contribution_functions.contribution(root, name, LOG_TEMPERATURE, LOG_DENSITY, WINDOW)
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


def main() -> None:
    """Print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a CHIANTI folder")
    parser.add_argument("--write", action="store_true", help=f"write data/{NAME}")
    options = parser.parse_args()
    made = list(rows(options.folder))
    if options.write:
        with (facts_folder() / NAME).open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(made)
    else:
        csv.writer(sys.stdout, lineterminator="\n").writerows(made)


if __name__ == "__main__":
    main()
