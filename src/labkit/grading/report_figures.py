"""The figures of the class report, as SVG that needs nothing beside it."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from helpers.plots import COLOURS, style

#: how an exercise can end, in colours that everybody can tell apart
OUTCOMES = {
    "all points": COLOURS["blue"],
    "some points": COLOURS["sky"],
    "no points": COLOURS["vermilion"],
    "no answer": "#c9ced6",
    "to be graded": "#ffffff",
}
EDGE = "#5b6673"
#: numbers are written on these in white
_DARK = ("all points", "no points")


def totals(points: Sequence[float], worth: float) -> str:
    """Draw how many submissions have how many points.

    Parameters
    ----------
    points : sequence of float
        One for each submission.
    worth : float
        The points of the lab.

    Returns
    -------
    str
        SVG.
    """
    low, high = min(0.0, *points, 0.0), max(worth, *points, 0.0)
    width = max(1.0, float(np.ceil((high - low) / 30)))  # whole numbers in the middle of bars
    edges = list(np.arange(np.floor(low) - width / 2, high + width, width))
    with style():
        figure = Figure(figsize=(9.0, 2.6))
        axes = figure.subplots()
        axes.hist(points, edges, color=COLOURS["blue"], edgecolor="white")
        if len(points):
            median = float(np.median(points))
            axes.axvline(
                median, color=COLOURS["vermilion"], ls="--", lw=1.5, label=f"median {median:g}"
            )
            axes.legend(loc="upper left")
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set(xlim=(edges[0], edges[-1]), xlabel="total (points)", ylabel="submissions")
        return _svg(figure)


def exercises(counts: Mapping[str, Mapping[str, int]]) -> str:
    """Draw for each exercise how many submissions have all, some and none of its points.

    Parameters
    ----------
    counts : dict of str to dict of str to int
        By exercise and name in `OUTCOMES`.

    Returns
    -------
    str
        SVG.
    """
    names = list(counts)
    left = np.zeros(len(names))
    with style():
        figure = Figure(figsize=(9.0, 0.9 + 0.3 * len(names)))
        axes = figure.subplots()
        for outcome, colour in OUTCOMES.items():
            number = np.array([counts[name].get(outcome, 0) for name in names])
            bars = axes.barh(names, number, left=left, color=colour, ec=EDGE, lw=0.5, label=outcome)
            if outcome == "to be graded":
                for bar in bars:
                    bar.set_hatch("////")
            shown = [str(n) if n else "" for n in number]
            ink = "white" if outcome in _DARK else "black"
            labels = axes.bar_label(bars, shown, label_type="center", color=ink, fontsize=8)
            if outcome == "to be graded":
                for label in labels:
                    label.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1.5})
            left += number
        axes.invert_yaxis()
        axes.margins(y=0.01)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set(xlabel="submissions")
        figure.legend(loc="outside upper center", ncols=len(OUTCOMES), fontsize=9)
        return _svg(figure)


def _svg(figure: Figure) -> str:
    written = io.StringIO()
    # text stays text, in whatever font the reader has; the same figure is the same file each time
    with matplotlib.rc_context(
        {"svg.fonttype": "none", "font.family": "sans-serif", "svg.hashsalt": "labkit"}
    ):
        figure.savefig(written, format="svg", metadata={"Date": None})
    return written.getvalue()
