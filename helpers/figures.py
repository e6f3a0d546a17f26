"""What a figure says, as plain data: the curves, points, labels and limits of its axes.

A test of a figure looks at these facts and never at the drawing, so any style passes, and a
figure can cross from a sandbox to the grader as numbers and text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: more points than this are not carried, of one figure's curves, clouds and bars together
MAX_POINTS = 500_000


@dataclass(frozen=True)
class AxesFacts:
    """The data and the words of one pair of axes.

    Attributes
    ----------
    title, xlabel, ylabel : str
    xlim, ylim : (float, float)
        Limits as drawn, in data units; an inverted axis has its larger limit first.
    xscale, yscale : str
        "linear", "log", ...
    curves, points : list of (n, 2) float arrays
        Lines drawn with a line style; markers without one and scatter clouds.
    bars : (n, 2) float array
        Left edge and height of every bar of a histogram or bar chart.
    texts : list of str
        Texts placed inside the axes; titles and entries of its legend and the figure's.
    images : int
        Number of images and filled meshes.
    colours : list of (1, 4) or (n, 4) float arrays
        Red, green, blue and opacity, from 0 to 1, of each of `data`: of a curve, or of each point.
    """

    title: str
    xlabel: str
    ylabel: str
    xlim: tuple[float, float]
    ylim: tuple[float, float]
    xscale: str
    yscale: str
    curves: list[np.ndarray] = field(default_factory=list)
    points: list[np.ndarray] = field(default_factory=list)
    bars: np.ndarray = field(default_factory=lambda: np.empty((0, 2)))
    texts: list[str] = field(default_factory=list)
    images: int = 0
    colours: list[np.ndarray] = field(default_factory=list)

    @property
    def data(self) -> list[np.ndarray]:
        """Curves and points together."""
        return self.curves + self.points


@dataclass(frozen=True)
class FigureFacts:
    """The axes of one figure, in drawing order."""

    axes: list[AxesFacts]
    title: str = ""


def _pairs(x: object, y: object) -> np.ndarray:
    return np.column_stack([np.asarray(x, dtype=float), np.asarray(y, dtype=float)])


def _limits(limits: tuple[float, float]) -> tuple[float, float]:
    first, last = limits
    return float(first), float(last)


def _colours(collection: Any, count: int) -> np.ndarray:
    """Return the colours of so many points or lines: their faces', or their edges'."""
    collection.update_scalarmappable()  # as drawing does, where numbers stand for colours
    faces, edges = collection.get_facecolor(), collection.get_edgecolor()
    # hollow and line-like markers have none or an invisible face
    shown = faces if len(faces) and faces[:, 3].any() else edges
    return np.resize(np.asarray(shown, dtype=float), (count, 4))


def _axes_facts(axes: Axes) -> AxesFacts:
    from matplotlib.colors import to_rgba_array

    curves: list[np.ndarray] = []
    points: list[np.ndarray] = []
    of_curves: list[np.ndarray] = []
    of_points: list[np.ndarray] = []
    for line in axes.get_lines():
        xy = _pairs(line.get_xdata(orig=False), line.get_ydata(orig=False))
        if type(line).__name__ == "AxLine":  # of axline: from one side of the axes to the other
            xy = (line.get_transform() - axes.transData).transform([[0, 0], [1, 1]])
        # what axhline and axvline draw is in axes coordinates: decoration, not data
        elif line.get_transform() != axes.transData:
            continue
        drawn = line.get_linestyle() not in ("None", "none", " ", "")
        (curves if drawn else points).append(xy)
        (of_curves if drawn else of_points).append(
            np.resize(to_rgba_array(line.get_color()), (1 if drawn else len(xy), 4))
        )
    images = len(axes.get_images())
    collections: list[Any] = list(axes.collections)  # of many classes, told apart by name
    for collection in collections:
        offsets: np.ndarray = np.ma.filled(
            np.ma.asarray(collection.get_offsets(), dtype=float), np.nan
        )
        kind = type(collection).__name__
        if kind == "PathCollection":
            points.append(_pairs(offsets[:, 0], offsets[:, 1]))
            of_points.append(_colours(collection, len(offsets)))
        elif kind == "LineCollection":
            segments = collection.get_segments()
            colours = _colours(collection, len(segments))[:, None]
            curves += [_pairs(s[:, 0], s[:, 1]) for s in segments if len(s)]
            of_curves += [c for s, c in zip(segments, colours, strict=True) if len(s)]
        else:
            images += 1
    patches: list[Any] = list(axes.patches)
    bars = [(patch.get_x(), patch.get_height()) for patch in patches if hasattr(patch, "get_x")]
    for patch in patches:  # hist(histtype="step") is one polygon
        if not hasattr(patch, "get_x"):
            bars += [(x, y) for x, y in patch.get_path().vertices]
    figure = axes.figure
    texts = [text.get_text() for text in axes.texts]
    for legend in (axes.get_legend(), *figure.legends):
        if legend is not None:
            texts += [legend.get_title().get_text()]
            texts += [text.get_text() for text in legend.get_texts()]
    return AxesFacts(
        title=axes.get_title(),
        # panels that share an axis may share the figure's label
        xlabel=axes.get_xlabel() or figure.get_supxlabel(),
        ylabel=axes.get_ylabel() or figure.get_supylabel(),
        xlim=_limits(axes.get_xlim()),
        ylim=_limits(axes.get_ylim()),
        xscale=axes.get_xscale(),
        yscale=axes.get_yscale(),
        curves=curves,
        points=points,
        bars=np.array(bars, dtype=float).reshape(-1, 2),
        texts=[text for text in texts if text],
        images=images,
        colours=of_curves + of_points,
    )


def _size(axes: Axes) -> int:
    """Return how many points an axes draws, without copying any."""
    lines = sum(np.size(line.get_xdata(orig=True)) for line in axes.get_lines())
    collections: list[Any] = list(axes.collections)
    clouds = sum(len(np.atleast_2d(one.get_offsets())) for one in collections)
    # of a collection of lines the paths count
    paths = sum(len(path.vertices) for one in collections for path in one.get_paths())
    return lines + clouds + paths + len(axes.patches)


def describe(figure: Figure) -> FigureFacts:
    """Reduce a matplotlib figure to what it says.

    Parameters
    ----------
    figure : matplotlib Figure

    Returns
    -------
    FigureFacts

    Raises
    ------
    ValueError
        If it draws more points than `MAX_POINTS`.
    """
    drawn = sum(map(_size, figure.axes))
    if drawn > MAX_POINTS:
        raise ValueError(
            f"the figure draws {drawn} points, more than the {MAX_POINTS} that a check looks at: "
            "draw fewer"
        )
    title = figure.get_suptitle() if hasattr(figure, "get_suptitle") else ""
    return FigureFacts(axes=[_axes_facts(axes) for axes in figure.axes], title=title or "")
