"""The checks believe types before values, and an answer only by what it is."""

import logging
import sys
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


def as_good_as_arrays():
    import pandas as pd
    import torch

    numbers = [1.0, 2.0]
    return {
        "dimensionless Quantity": np.array(numbers) * units.one,
        "percent": np.array([100.0, 200.0]) * units.percent,
        "float32": np.array(numbers, dtype=np.float32),
        "list": numbers,
        "pandas Series": pd.Series(numbers),
        "pandas Series of nullable numbers": pd.Series([1, 2], dtype="Float64"),
        "pandas Index": pd.Index(numbers),
        "tensor": torch.tensor(numbers),
        "Parameter without gradient": torch.nn.Parameter(torch.tensor(numbers), False),
        "astropy Column": Table({"a": numbers})["a"],
        "column of a record array": np.rec.array([(1.0, 0), (2.0, 0)], names="a,b")["a"],
    }


@pytest.mark.parametrize("kind", as_good_as_arrays())
def test_other_libraries_numbers_are_as_good_as_arrays(kind):
    assert checks.array(ask(as_good_as_arrays()[kind]), (2,)).tolist() == [1.0, 2.0]


def test_tables_of_all_kinds_become_dictionaries():
    import pandas as pd

    for table in (
        pd.DataFrame({"a": [1, 2], "name": ["x", "y"]}),
        np.array([(1, "x"), (2, "y")], dtype=[("a", int), ("name", "U1")]),
        Table({"a": [1, 2], "name": ["x", "y"]}),
    ):
        got = ask(table)
        assert set(got) == {"a", "name"}
        assert got["a"].tolist() == [1, 2]
        assert got["name"].tolist() == ["x", "y"]


def test_a_named_tuple_becomes_a_tuple():
    from scipy.stats import pearsonr

    assert type(ask(pearsonr([1, 2, 4], [1, 2, 3]).confidence_interval())) is tuple


def test_a_tensor_with_a_gradient_is_refused_with_advice():
    import torch

    with pytest.raises(CheckFailed, match=r"detach\(\)"):
        ask(torch.ones(2, requires_grad=True))


def test_arguments_travel_by_value():
    def greedy(x):
        x[:] = 0
        return x

    mine = np.ones(3)
    with (
        checks.answers_from({"f": greedy}.__getitem__),
        pytest.raises(CheckFailed, match="in place"),
    ):
        checks.submitted("f")(mine)
    assert (mine == 1).all()


def spoils_list(values):
    values.sort()
    return 0


def spoils_table(table):
    table["flux"][0] = -1.0
    return 0


def spoils_keyword(x, *, error):
    error += 1
    return x


def spoils_masked(values):
    values.mask[:] = True
    return 0


@pytest.mark.parametrize(
    ("work", "args", "kwargs", "named"),
    [
        (spoils_list, ([3, 1, 2],), {}, "values"),
        (spoils_table, (Table({"flux": [1.0, 2.0]}),), {}, "table"),
        (spoils_keyword, (1.0,), {"error": np.zeros(2)}, "error"),
        (spoils_masked, (np.ma.array([1.0, 2.0], mask=[True, False]),), {}, "values"),
    ],
)
def test_an_argument_that_is_changed_in_place_is_named(work, args, kwargs, named):
    with (
        checks.answers_from({"f": work}.__getitem__),
        pytest.raises(CheckFailed, match=f"argument `{named}`"),
    ):
        checks.submitted("f")(*args, **kwargs)


def test_what_only_looks_changed_is_no_fault():
    def draws(rng, values):
        rng.normal()
        return float(np.nansum(values))

    with checks.answers_from({"f": draws}.__getitem__):
        assert checks.submitted("f")(np.random.default_rng(1), np.array([np.nan, 1.0])) == 1.0


def fails(work, test):
    """Return what the notebook shows of a failed test."""
    with checks.answers_from({"f": work}.__getitem__), pytest.raises(CheckFailed) as failed:
        checks.run(test)
    return failed.value._render_traceback_()


def test_an_exception_is_told_with_the_call_and_the_line(monkeypatch):
    def divides(flux, degree):
        return flux[0] / 0 if degree else flux  # numbers of Python: this raises

    def test_division_by_degree():
        checks.submitted("f")([1.0] * 9, degree=2)

    monkeypatch.setitem(divides.__globals__, "__name__", "__main__")
    shown = fails(divides, test_division_by_degree)
    assert "`f(list of 9, degree=2)` raised ZeroDivisionError" in shown[0]
    assert "return flux[0] / 0" in shown[1]
    assert len(shown) == 2


def test_a_failed_check_is_told_with_the_line_of_the_function():
    def wrong(x):
        return x

    def test_factor_of_two():
        checks.that(checks.submitted("f")(1) == 2, "the factor is missing")

    shown = fails(wrong, test_factor_of_two)
    assert shown[0] == "CheckFailed: the factor is missing"
    assert "def wrong(x):" in shown[1]


def test_a_query_of_millions_of_characters_is_not_run():
    with pytest.raises(CheckFailed, match="characters"):
        checks.query("select " + "a," * 10**6, [])


def test_a_figure_of_millions_of_points_is_refused():
    from matplotlib.figure import Figure

    def draw():
        figure = Figure()
        for _ in range(3):
            figure.subplots().plot(np.zeros(400_000))
        return figure

    with (
        checks.answers_from({"f": draw}.__getitem__),
        pytest.raises(CheckFailed, match="draws 1200000 points"),
    ):
        checks.submitted("f")()


def test_legends_of_axes_and_figures_are_read_with_their_titles():
    from matplotlib.figure import Figure

    def draw():
        figure = Figure()
        axes = figure.subplots()
        axes.plot([0, 1], label="model")
        axes.legend(title="spectrum of")
        figure.legend(title="all panels")
        return figure

    with checks.answers_from({"f": draw}.__getitem__):
        (axes,) = checks.submitted("f")().axes
    assert axes.texts == ["spectrum of", "model", "all panels", "model"]


def test_missing_and_unwritten_answers_are_said_kindly():
    def unwritten():
        raise NotImplementedError

    with checks.answers_from({"f": unwritten}.__getitem__):
        with pytest.raises(CheckFailed, match="`g` is not defined"):
            checks.submitted("g")
        with pytest.raises(CheckFailed, match="`f` is not written yet"):
            checks.submitted("f")()


def test_noise_on_stderr_costs_nothing(capfd):
    log = logging.getLogger("a_library")
    log.addHandler(logging.StreamHandler(sys.stderr))  # bound to the stream of now

    def noisy():
        log.warning("few samples")
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
