"""Draw docs/architecture.png: the rooms of the kit and how many imports go from each to each.

Run ``python docs/make_architecture.py`` when a room imports another one for the first time, or no
longer: a test compares the arrows of the picture with the code. A room is a package or a package
within one; what lies deeper counts as the room it is in. Imports inside functions count, those for
annotations alone do not.
"""

from __future__ import annotations

import json
from collections import Counter
from functools import lru_cache
from pathlib import Path

import grimp
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

PACKAGES = ("labkit", "helpers", "skysim", "surveys")
ROOT = Path(__file__).parents[1]
PICTURE = Path(__file__).with_name("architecture.png")
#: Colour-blind safe (Okabe & Ito 2008); arrows have the colour of the package that imports.
COLOURS = {"labkit": "#d55e00", "helpers": "#0072b2", "skysim": "#009e73", "surveys": "#666666"}
#: Centres of the boxes, and the panels (left, bottom, width, height) of the packages.
PLACES = {
    "labkit.grading": (1.7, 9.75),
    "labkit.templates": (3.95, 9.75),
    "labkit.book": (6.2, 9.75),
    "labkit.service": (11.4, 7.85),
    "labkit.sandbox": (3.6, 7.85),
    "labkit": (7.6, 7.85),
    "helpers": (1.9, 4.7),
    "skysim.survey": (8.6, 6.0),
    "skysim": (11.8, 6.0),
    "skysim.spectra": (11.2, 5.0),
    "skysim.physics": (9.98, 3.4),
    "skysim.stars": (11.84, 3.4),
    "surveys": (5.6, 0.95),
    "surveys.formats": (9.0, 0.95),
}
PANELS = {
    "labkit": (0.35, 7.2, 12.45, 3.25),
    "helpers": (0.35, 2.8, 3.1, 3.9),
    "skysim": (7.4, 2.8, 5.4, 3.9),
    "surveys": (0.35, 0.35, 12.45, 1.75),
}
BOX = (1.72, 0.64)
#: How arrows bend that would run through a box or into another arrow (share of their length).
BENDS = {
    ("labkit.book", "labkit.grading"): 0.28,
    ("labkit.grading", "labkit"): 0.04,
    ("labkit", "labkit.grading"): 0.04,
    ("skysim.spectra", "surveys.formats"): -0.25,
}
#: Where the number stands that would meet another one (share of the arrow's length).
SHARES = {
    ("labkit.grading", "labkit"): 0.35,
    ("labkit", "labkit.grading"): 0.62,
    ("labkit.sandbox", "surveys"): 0.3,
    ("labkit", "surveys"): 0.45,
    ("skysim.stars", "surveys"): 0.55,
    ("skysim.survey", "surveys.formats"): 0.75,
    ("skysim.survey", "skysim.stars"): 0.4,
    ("skysim.survey", "surveys"): 0.4,
}
KEY = (
    "An arrow goes from the room that imports to\n"
    "the room that is imported; the number counts\n"
    "the pairs of modules. Between packages all\n"
    "arrows point down."
)


def rooms() -> dict[str, int]:
    """Return the number of modules of each room.

    Returns
    -------
    dict
        By the room's name, such as ``labkit.grading``.
    """
    return dict(Counter(_room(module) for module in _graph().modules))


def imports() -> dict[tuple[str, str], int]:
    """Count the imports from each room to each other one.

    Returns
    -------
    dict
        Number of pairs of modules, by (importing room, imported room).
    """
    graph = _graph()
    found: Counter[tuple[str, str]] = Counter()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            if _room(module) != _room(imported):
                found[_room(module), _room(imported)] += 1
    return dict(found)


@lru_cache(maxsize=1)
def _graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, exclude_type_checking_imports=True, cache_dir=None)


def _room(module: str) -> str:
    """Return the room of a module: its package, down to the second level."""
    package = module if _is_package(module) else module.rpartition(".")[0]
    return ".".join(package.split(".")[:2])


def _is_package(module: str) -> bool:
    inside = Path(*module.split("."), "__init__.py")
    return any((ROOT / folder / inside).exists() for folder in (".", "src"))


def draw() -> Figure:
    """Draw the rooms in their layers, with an arrow for each pair of which one imports the other.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If a room has no place in the picture.
    """
    sizes, counts = rooms(), imports()
    if lacking := sorted(sizes.keys() - PLACES.keys()):
        raise ValueError(f"give {', '.join(lacking)} a place in PLACES of {Path(__file__).name}")
    figure = Figure(figsize=(11.5, 9.2), layout="constrained")
    axes = figure.subplots()
    axes.set(xlim=(0.2, 12.95), ylim=(0.2, 10.6), aspect="equal")
    axes.axis("off")
    for package, (left, bottom, width, height) in PANELS.items():
        axes.add_patch(_rounded(left, bottom, width, height, COLOURS[package], "none", alpha=0.12))
        axes.text(left + 0.15, bottom + 0.12, package, color=COLOURS[package],
                  weight="bold", size=14, va="bottom")  # fmt: skip
    axes.text(8.6, 10.1, KEY, size=10, va="top", linespacing=1.4)
    boxes = {room: _box(axes, room, number) for room, number in sizes.items()}
    for (source, target), number in sorted(counts.items()):
        _arrow(axes, boxes, source, target, number, both=(target, source) in counts)
    return figure


def _rounded(left, bottom, width, height, face, edge, alpha=1.0) -> FancyBboxPatch:
    return FancyBboxPatch((left, bottom), width, height, boxstyle="round,pad=0,rounding_size=0.12",
                          facecolor=face, edgecolor=edge, alpha=alpha, linewidth=1.5)  # fmt: skip


def _box(axes, room: str, modules: int) -> FancyBboxPatch:
    x, y = PLACES[room]
    width, height = BOX
    box = _rounded(x - width / 2, y - height / 2, width, height, "white",
                   COLOURS[room.split(".")[0]])  # fmt: skip
    axes.add_patch(box)
    box.set_zorder(4)
    plural = "module" if modules == 1 else "modules"
    axes.text(x, y + 0.1, room, size=10.5, ha="center", va="center", zorder=5)
    axes.text(x, y - 0.17, f"{modules} {plural}", size=8, ha="center", va="center", zorder=5)
    return box


def _arrow(axes, boxes, source: str, target: str, number: int, both: bool) -> None:
    """Draw one arrow with its number; two that go both ways bend apart."""
    colour = COLOURS[source.split(".")[0]]
    bend = BENDS.get((source, target), 0.22 if both else 0.0)
    arrow = FancyArrowPatch(
        PLACES[source], PLACES[target], patchA=boxes[source], patchB=boxes[target],
        connectionstyle=f"arc3,rad={bend}", arrowstyle="-|>", mutation_scale=13,
        color=colour, linewidth=0.9 + 0.12 * number, zorder=2,
    )  # fmt: skip
    axes.add_patch(arrow)
    (x0, y0), (x1, y1) = PLACES[source], PLACES[target]
    t = SHARES.get((source, target), 0.5)
    away = 2 * bend * t * (1 - t)  # the arrow is a parabola
    x, y = x0 + t * (x1 - x0) + away * (y1 - y0), y0 + t * (y1 - y0) - away * (x1 - x0)
    white = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none"}
    axes.text(x, y, str(number), size=9, color=colour, ha="center", va="center", zorder=6,
              bbox=white)  # fmt: skip


if __name__ == "__main__":
    arrows = json.dumps(sorted(imports()))
    draw().savefig(PICTURE, dpi=110, metadata={"Description": arrows})
