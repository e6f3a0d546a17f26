"""What slips a machine makes in an answer, and which parts of it are left alone."""

import ast

import pytest

from labkit.grading.mutations import mutations

pytestmark = pytest.mark.check

FUNCTION = '''\
def answer(flux, error, n):
    """Do something.

    Parameters
    ----------
    flux, error : (n,) arrays
        Not 3 < 4.
    n : int
    """
    {}
'''


def body(text):
    """Return an answer whose body is this."""
    return FUNCTION.format(text.replace("\n", "\n    "))


def made(text, operator):
    """Return what an operator makes of a body, without the function's first line."""
    first, *_ = ast.unparse(ast.parse(body("pass"))).splitlines()
    found = []
    for mutation in mutations(body(text)):
        if mutation.operator == operator:
            assert mutation.code.startswith(first)
            lines = mutation.code.splitlines()[1:]
            found.append("\n".join(line.removeprefix("    ") for line in lines))
    return found


@pytest.mark.parametrize(
    ("operator", "text", "expected"),
    [
        ("comparison", "return flux < n", ["return flux >= n"]),
        ("comparison", "return n not in flux", ["return n in flux"]),
        ("boundary", "return flux < n", ["return flux <= n"]),
        ("boundary", "return 0 <= n < 9", ["return 0 < n < 9", "return 0 <= n <= 9"]),
        ("arithmetic", "return flux @ error", ["return flux * error"]),
        ("arithmetic", "n += 2", ["n -= 2"]),
        ("boolean", "return n and flux", ["return n or flux"]),
        ("boolean", "return flux & error", ["return flux | error"]),
        ("dropped operand", "return 1 / error", ["return error"]),
        ("dropped operand", "return flux - n", ["return flux", "return n"]),
        ("dropped operand", "return n and flux", ["return flux", "return n"]),
        ("dropped sign", "return -flux", ["return flux"]),
        ("dropped sign", "return flux[~error]", ["return flux[error]"]),
        ("constant", "n += 2", ["n += 3", "n += 0", "n += -2"]),
        ("constant", "return -0.5", ["return 0.5", "return 0"]),  # one more is its sign as well
        ("constant", "return 5000 * n", ["return 5500 * n", "return 0 * n", "return -5000 * n"]),
        ("constant", "return True", ["return False"]),
        ("index", "return flux[-1]", ["return flux[0]", "return flux[-2]"]),
        ("index", "return flux[:, 0]", ["return flux[:, 1]", "return flux[:, -1]"]),
        (
            "index",
            "return flux[1:n]",
            [f"return flux[{bounds}]" for bounds in (":n", "1:", "1:n - 1", "2:n", "0:n")],
        ),
        ("index", "return flux[::-1]", ["return flux[:]", "return flux[::0]", "return flux[::-2]"]),
        ("index", "return list(range(n))", ["return list(range(n - 1))"]),
        ("axis", "return flux.sum(axis=1)", ["return flux.sum(axis=0)"]),
        ("condition", "if n:\n    n = 1", ["if not n:\n    n = 1"]),
        ("dropped statement", "good = flux\ngood += 1", ["good = flux\npass"]),
        ("dropped statement", "if n:\n    return flux\nreturn error", ["pass\nreturn error"]),
        ("dropped statement", "n = 1", ["pass"]),
        ("dropped statement", "new = 1", []),  # nothing could be done without it
        ("dropped argument", "f(n, key=2)", ["f(n)"]),
        ("dropped argument", "f(flux, n)", ["f(flux)"]),
        ("dropped call", "return np.sqrt(flux)", ["return flux"]),
        ("dropped call", "return max(n, 1)", ["return n"]),
        ("dropped call", "return flux.max()", []),
        ("dropped call", "return flux.clip(0)", ["return flux"]),
        ("exchanged", "f(1, 2)", ["f(2, 1)"]),
        ("exchanged", "return 1, 2", ["return (2, 1)"]),
        ("exchanged", "return flux", ["return error"]),
        ("exchanged", "return n", ["return flux"]),
        ("exchanged", "return len(flux), flux.shape", ["return (flux.shape, len(flux))"]),
        ("exchanged", "a = 1\nb = 2\nreturn b", ["a = 1\nb = 2\nreturn a"]),
        ("exchanged", "return np.hypot(1, 2)", []),
        ("returned argument", "return 2", ["return flux", "return error", "return n"]),
        ("in place", "return flux.copy()", ["return flux"]),
        ("in place", "return np.array(flux)", ["return np.asarray(flux)"]),
        ("in place", "f = flux * 2\nreturn f", ["flux *= 2\nf = flux\nreturn f"]),
        ("in place", "return (flux - n) / error", ["flux -= n\nreturn flux / error"]),
        ("in place", "return n * 2", []),  # a number cannot be spoilt
        ("in place", "return [flux * k for k in n]", []),
    ],
)
def test_an_operator_makes_its_slips(operator, text, expected):
    assert sorted(made(text, operator)) == sorted(expected)


@pytest.mark.parametrize(
    "text",
    [
        "return 'a text'",
        "raise ValueError(f'{n + 1} is more than {n}')",
        "import numpy as np",
        "assert n < 3",
        "axis.plot(1, lw=0.4, alpha=0.5, color='0.5', label='')",
        "figure.suptitle('flux', fontsize=9 + 1)",
        "with np.errstate(divide='ignore'):\n    pass",
        "axis.set_xlim(3, n + 5)",
        "x: list[0] = y",
    ],
)
def test_what_no_test_looks_at_is_left_alone(text):
    changed = [m for m in mutations(body(text)) if m.operator in ("constant", "arithmetic")]
    assert [str(m) for m in changed if "axis.plot(" not in m.before] == []


def test_how_a_plot_looks_is_left_alone():
    changes = [m.after for m in mutations(body("axis.plot(1, lw=0.4, color='0.5', label='x')"))]
    assert not any("lw=1.4" in after or "lw=0," in after for after in changes)
    assert "axis.plot(1, lw=0.4, color='0.5')" not in changes  # a keyword stands by itself
    dropped = [m.before for m in mutations(body("axis.plot(1, lw=0.4, color='0.5', label='x')"))]
    assert "label='x'" in dropped
    assert "lw=0.4" not in dropped
    assert "color='0.5'" not in dropped


def test_a_colour_that_says_something_may_be_lost():
    dropped = {m.before for m in mutations(body("axis.plot(flux, color=shade(n))"))}
    assert "color=shade(n)" in dropped


ANSWER = """\
def mean(flux, error):
    # weights
    weight = 1 / error**2
    if not weight.any():
        return 0.0
    return float((weight * flux).sum() / weight.sum())
"""


def test_every_mutation_is_one_that_compiles():
    found = mutations(ANSWER)
    codes = [m.code for m in found]
    assert len(found) > 20
    assert len(set(codes)) == len(codes)
    assert ast.unparse(ast.parse(ANSWER)) not in codes
    for code in codes:
        compile(code, "<mutant>", "exec")


def test_a_mutation_is_named_by_what_changes_and_where():
    squared = next(m for m in mutations(ANSWER) if m.code.count("error ** 3"))
    assert str(squared) == "constant: error ** 2 => error ** 3"
    assert squared.line == 3
    names = [str(m) for m in mutations(ANSWER)]
    assert len(set(names)) == len(names)


def test_the_text_around_a_slip_is_found_nowhere_else():
    twice = "def f(a):\n    b = a[0] + 1\n    c = a[0] - 1\n    return b * c\n"
    texts = {m.before for m in mutations(twice) if m.operator == "index"}
    assert texts == {"a[0] + 1", "a[0] - 1"}


def test_texts_too_long_are_cut_around_the_slip():
    names = ", ".join(f"name_{n}" for n in range(30))
    long = f"def f(a):\n    return g({names}, -a, {names})\n"
    sign = next(m for m in mutations(long) if m.operator == "dropped sign")
    assert sign.before == "-a"
    exchanged = [m for m in mutations(long) if m.operator == "exchanged"]
    assert all(len(m.before) <= 120 for m in exchanged)
    assert len({str(m) for m in exchanged}) == len(exchanged)


def test_the_tree_is_as_before_after_all():
    """Each slip is undone before the next: the last mutation holds one slip as well."""
    last = mutations(ANSWER)[-1].code.splitlines()
    right = ast.unparse(ast.parse(ANSWER)).splitlines()
    assert sum(a != b for a, b in zip(last, right, strict=True)) == 1
