"""The checks believe types before values, and an answer only by what it is."""

import warnings

import numpy as np
import pytest
from astropy import units
from astropy.table import Table

from helpers import checks
from helpers.checks import CheckFailed


class AlwaysEqual:
    def __eq__(self, other):
        return True

    def __array__(self, dtype=None, copy=None):
        return np.full(3, 2.0)


class Flattering(float):
    def __eq__(self, other):
        return True


class FlatteringArray(np.ndarray):
    def __eq__(self, other):
        return np.True_


def ask(value):
    """Pass a value through `submitted` as a student's function would return it."""
    with checks.answers_from({"f": lambda: value}.__getitem__):
        return checks.submitted("f")()


@pytest.mark.parametrize(
    "value",
    [
        AlwaysEqual(),
        Flattering(1.0),
        np.ones(3).view(FlatteringArray),
        np.array([AlwaysEqual()], dtype=object),
        [1.0, AlwaysEqual()],
        {"a": AlwaysEqual()},
        (x for x in range(3)),
        range(3),
        lambda: 1,
        3 * units.km,
        np.ma.masked_array([1.0, 2.0], mask=[True, False]),
        ...,
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_not_plain_is_refused(value):
    with pytest.raises(CheckFailed):
        ask(value)


@pytest.mark.parametrize(
    "value",
    [1, 2.5, "text", None, True, [1, 2.0], (1, "a"), {"a": 1.0}, np.arange(4), np.float32(1)],
)
def test_plain_values_pass_unchanged(value):
    assert np.all(ask(value) == value)


def test_numpy_scalars_become_python_numbers():
    assert type(ask(np.float32(1.5))) is float
    assert type(ask(np.int16(3))) is int
    assert type(ask(np.bool(True))) is bool


def test_tables_columns_and_foreign_byte_order_become_plain():
    table = Table({"a": [1.0, 2.0], "name": ["x", "y"]})
    assert set(ask(table)) == {"a", "name"}
    assert type(ask(table["a"] > 1)) is np.ndarray
    assert ask(np.arange(3, dtype=">f4")).dtype.isnative


def test_arguments_travel_by_value():
    def greedy(x):
        x[:] = 0
        return x

    mine = np.ones(3)
    with checks.answers_from({"f": greedy}.__getitem__):
        checks.submitted("f")(mine)
    assert (mine == 1).all()


def test_missing_and_unwritten_answers_are_said_kindly():
    def unwritten():
        raise NotImplementedError

    with checks.answers_from({"f": unwritten}.__getitem__):
        with pytest.raises(CheckFailed, match="`g` is not defined"):
            checks.submitted("g")
        with pytest.raises(CheckFailed, match="`f` is not written yet"):
            checks.submitted("f")()


def test_noise_on_stderr_costs_nothing(capfd):
    def noisy():
        warnings.warn("deprecated", stacklevel=1)
        print("working")
        return np.log(np.zeros(1)).sum()

    with checks.answers_from({"f": noisy}.__getitem__):

        @checks.run
        def test_printed_noise_is_kept_out():
            assert checks.submitted("f")() == -np.inf

    shown = capfd.readouterr()
    assert shown.err == ""
    assert shown.out == "printed_noise_is_kept_out: passed\n"


def test_run_closes_figures_and_removes_its_files():
    from matplotlib import pyplot as plt

    kept = []

    @checks.run
    def test_draws_are_seeded_anew():
        plt.figure()
        (checks.workspace() / "file").write_text("x")
        kept.append(checks.workspace())

    assert plt.get_fignums() == []
    assert not kept[0].exists()


def test_close_needs_a_tolerance_and_does_not_tell_the_answer():
    with pytest.raises(ValueError, match="tolerance"):
        checks.close(1.0, 1.0, hint="x")
    with pytest.raises(CheckFailed) as failed:
        checks.close(1.0, 4.4380, atol=0.01, hint="the units?")
    assert "4.4" not in str(failed.value)


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (checks.number, True),
        (checks.number, "1"),
        (checks.number, float("nan")),
        (checks.number, None),
        (checks.text, 1),
        (checks.truths, np.array([0, 1])),
        (checks.figure, "figure"),
        (checks.array, np.array(["a"])),
        (checks.array, np.array([np.nan])),
        (checks.array, [[1, 2], [3]]),
    ],
)
def test_wrong_kinds_fail(check, value):
    with pytest.raises(CheckFailed):
        check(value)


def test_array_checks_the_shape():
    assert checks.array([[1, 2]], (-1, 2)).dtype == float
    with pytest.raises(CheckFailed, match="n x 3 expected"):
        checks.array([[1, 2]], (-1, 3))


def test_a_check_needs_a_plain_boolean():
    with pytest.raises(TypeError):
        checks.that(AlwaysEqual(), "never reached")


def test_figures_arrive_as_what_they_say():
    from matplotlib.figure import Figure

    def draw():
        figure = Figure()
        axes = figure.subplots(2)
        axes[0].plot([0, 1], [2, 3], label="line")
        axes[0].axvline(0.5)
        axes[0].set(xlabel="wavelength [Å]", ylim=(4, 1))
        axes[0].legend()
        axes[1].scatter([1], [2])
        axes[1].plot([5], [6], "o")
        axes[1].hist([0.1, 0.2], bins=[0, 1])
        return figure

    with checks.answers_from({"f": draw}.__getitem__):
        facts = checks.figure(checks.submitted("f")(), axes=2)
    top, bottom = facts.axes
    assert [curve.tolist() for curve in top.curves] == [[[0, 2], [1, 3]]]
    assert top.ylim == (4, 1)
    assert top.texts == ["line"]
    assert len(bottom.points) == 2
    assert bottom.bars.tolist() == [[0, 2]]
