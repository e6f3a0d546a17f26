"""What a figure says, as plain data."""

import numpy as np
from matplotlib.figure import Figure

from helpers.figures import describe
from labkit.sandbox.inside import wire


def _colours(draw):
    """Return the colours of what is drawn on one pair of axes, after a way through a sandbox."""
    axes = Figure().subplots()
    draw(axes)
    facts = wire.decode(wire.encode(describe(axes.figure))).axes[0]
    assert len(facts.colours) == len(facts.data)
    return [rgba.round(2).tolist() for rgba in facts.colours]


def test_a_curve_has_one_colour():
    assert _colours(lambda axes: axes.plot([0, 1, 2], [2, 3, 4], color="red")) == [[[1, 0, 0, 1]]]


def test_each_point_of_a_cloud_has_its_colour():
    red_and_blue = [[1, 0, 0, 1], [0, 0, 1, 1]]
    for marker in "o+":
        assert _colours(
            lambda axes, marker=marker: axes.scatter([0, 1], [2, 3], c=["r", "b"], marker=marker)
        ) == [red_and_blue]
    assert _colours(
        lambda axes: axes.scatter([0, 1], [2, 3], facecolors="none", edgecolors=["r", "b"])
    ) == [red_and_blue]
    assert _colours(lambda axes: axes.plot([0, 1], [2, 3], "k.")) == [[[0, 0, 0, 1]] * 2]


def test_numbers_become_the_colours_that_are_drawn():
    (cloud,) = _colours(lambda axes: axes.scatter([0, 1], [2, 3], c=[5.0, 7.0], cmap="gray"))
    assert cloud == [[0, 0, 0, 1], [1, 1, 1, 1]]


def test_each_line_of_a_collection_has_its_colour():
    lines = _colours(lambda axes: axes.vlines([1, 2], 0, 1, colors=["k", "w"]))
    assert lines == [[[0, 0, 0, 1]], [[1, 1, 1, 1]]]


def test_no_points_have_no_colours():
    assert np.shape(_colours(lambda axes: axes.scatter([], []))[0]) == (0,)


def test_a_line_without_ends_is_a_curve_across_the_axes():
    axes = Figure().subplots()
    axes.plot([1, 2, 3], [10, 20, 40], ".")
    axes.axline((2, 20), slope=5)
    axes.set(xlim=(0, 4), ylim=(0, 50))
    (curve,) = describe(axes.figure).axes[0].curves
    assert np.allclose(curve, [[0, 10], [4, 30]])
