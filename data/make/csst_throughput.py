"""Makes ``data/csst_throughput.csv``: nodes on the throughput curves of CSST.

``python -m data.make.csst_throughput --compare`` reads the curves distributed with CESS
(github.com/RainW7/CESS) from the real-data folder (LABKIT_REAL) and keeps as few of their samples
as reproduce them by straight lines, by the method of Ramer (1972, Computer Graphics and Image
Processing 1, 244) and Douglas & Peucker (1973, Cartographica 10, 112): where a line between two
nodes misses the curve by too much, the sample that it misses most becomes a node. ``--write``
replaces the table.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np

from data.make import table_files
from helpers import csst

NAME = "csst_throughput.csv"
GRATINGS, FILTERS = ("GU", "GV", "GI"), ("nuv", "u", "g", "r", "i", "z", "y")
#: How far a line may miss the curve, as a share of its peak, and decimals of a throughput.
GRATING, FILTER = (0.006, 4), (0.015, 3)


def nodes(wavelength: np.ndarray, share: np.ndarray, tolerance: float) -> list[int]:
    """Return which samples of a curve to keep, the first and the last among them.

    Parameters
    ----------
    wavelength, share : ndarray, shape (n,)
        The curve.
    tolerance : float
        Greatest difference in `share` between the curve and straight lines between the nodes.
    """
    kept = [0, len(wavelength) - 1]
    while True:
        missed = np.abs(share - np.interp(wavelength, wavelength[kept], share[kept]))
        worst = [a + int(missed[a : b + 1].argmax()) for a, b in pairwise(kept)]
        new = [sample for sample in worst if missed[sample] > tolerance]
        if not new:
            return kept
        kept = sorted(kept + new)


def make(folder: Path) -> dict[str, str]:
    """Return the text of the table from the folder of real files."""
    rows = []
    for band in GRATINGS + FILTERS:
        tolerance, decimals = GRATING if band in GRATINGS else FILTER
        wavelength, share = csst.throughput(band, folder / "csst" / "throughput")
        lit = np.flatnonzero(share > 0)
        # a dark sample on either side, where the file has one, ends the curve
        part = slice(max(lit[0] - 1, 0), lit[-1] + 2)
        wavelength, share = wavelength[part], share[part]
        for node in nodes(wavelength, share, tolerance * share.max()):
            value = round(float(share[node]), decimals)
            rows.append((band, f"{wavelength[node]:.0f}", f"{value:g}"))
    return {
        NAME: table_files.header(NAME)
        + table_files.csv_text(("band", "wavelength", "throughput"), rows)
    }


if __name__ == "__main__":
    table_files.run(__doc__, make)
