"""Rivals written as edits: what an edit changes, and what is said of one that cannot be made."""

import pytest

from labkit.errors import GradingError
from labkit.grading import edits, rivals

ANSWER = '''\
def brightest(flux, error):
    """Return the brightest good pixel.

    Bad pixels have an error of 1 or more.
    """
    ### BEGIN SOLUTION
    good = error < 1  # others are bad

    if not good.any():
        return None
    # count from the left
    found = flux[good].argmax()
    return found
    ### END SOLUTION
'''


def body(code):
    """Return the lines of a function without its first."""
    return code.splitlines()[1:]


BARE = body("\n".join(edits.bare(ANSWER)))


def test_comments_docstrings_and_empty_lines_are_left_out():
    assert BARE == [
        "    good = error < 1",
        "    if not good.any():",
        "        return None",
        "    found = flux[good].argmax()",
        "    return found",
    ]
    text = 'x = """a\n\n# b"""  # c\n'
    assert edits.bare(text) == ('x = """a', "", '# b"""')


def test_words_of_a_line_are_replaced():
    new = edits.edited(ANSWER, "# argmax => argmin\n# < 1 => <= 1\n")
    assert body(new) == [
        "    good = error <= 1",
        *BARE[1:3],
        "    found = flux[good].argmin()",
        BARE[4],
    ]


def test_words_are_whole():
    """`good` is not found in `goodness`, and words may be taken away."""
    assert edits.edited("goodness = good\n", "# good => bad") == "goodness = bad\n"
    assert edits.edited("x = a.copy()\n", "# .copy() =>") == "x = a\n"
    assert edits.edited("x = a - 1\n", "# - 1 => + 1") == "x = a + 1\n"


def test_lines_are_replaced_added_and_removed():
    edit = """\
# - good = error < 1
# + good = np.isfinite(error)
#   found = flux[good].argmax()
# + found += 1

# - if not good.any():
# -     return None
"""
    assert body(edits.edited(ANSWER, edit)) == [
        "    good = np.isfinite(error)",
        "    found = flux[good].argmax()",
        "    found += 1",
        "    return found",
    ]


@pytest.mark.parametrize("margin", ["", " ", "    ", "        "])
def test_indentation_is_relative(margin):
    """New lines stand where the old ones stood, however the edit is indented."""
    edit = f"""\
# - {margin}if not good.any():
# - {margin}    return None
# + {margin}for pixel in good:
# + {margin}    if not pixel:
# + {margin}        return None
"""
    assert body(edits.edited(ANSWER, edit))[1:4] == [
        "    for pixel in good:",
        "        if not pixel:",
        "            return None",
    ]


def test_new_lines_may_leave_a_block():
    edit = "# -     return None\n# + good = error < 2\n"
    assert body(edits.edited(ANSWER, edit))[2] == "    good = error < 2"


def test_changes_follow_each_other():
    """A change sees what those before it have made."""
    edit = "# - found = flux[good].argmax()\n# + found = flux.argmax()\n# flux.argmax => error.argmin\n"
    assert body(edits.edited(ANSWER, edit))[3] == "    found = error.argmin()"


@pytest.mark.parametrize(
    ("edit", "line", "words"),
    [
        ("# argmean => argmin", 0, r"`argmean` occur nowhere"),
        ("# argmax => argmin\n# good => bad", 1, r"`good` occur 3 times.*add words"),
        ("# Bad pixels => Good pixels", 0, "nowhere"),  # it is in the docstring
        ("# - good = error < 2\n# + good = error < 3", 0, r"no line `good = error < 2` in"),
        (
            "# - if not good.any():\n# -     return found\n# + pass",
            1,
            r"no line `return found` below `if not good.any\(\):`",
        ),
        ("# - if not good.any():\n# - return None", 1, "indented as there"),
        ("# + found = 0", 0, "needs one before it"),
        ("#   return found", 0, "changes nothing"),
        ("# argmax -> argmin", 0, "is no edit"),
    ],
)
def test_edits_that_cannot_be_made(edit, line, words):
    with pytest.raises(edits.EditError, match=words) as caught:
        edits.edited(ANSWER, edit)
    assert caught.value.line == line


def test_a_line_that_stands_there_twice():
    twice = "if a:\n    x = 1\n    y = 2\nelse:\n    x = 1\n"
    with pytest.raises(edits.EditError, match=r"`x = 1` occurs twice.*line above"):
        edits.edited(twice, "# - x = 1\n# + x = 3")
    one = edits.edited(twice, "#   else:\n# -     x = 1\n# +     x = 3")
    assert one == "if a:\n    x = 1\n    y = 2\nelse:\n    x = 3\n"


# --- rivals files -------------------------------------------------------------------------------

LAB = '''\
# %% solution="double"
def double(x):
    """Return twice x."""
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION


# %% test="double" points=1
from helpers import checks


@checks.run
def test_double():
    checks.that(checks.submitted("double")(2) == 4, "twice two is four")
'''

RIVALS = '''\
"""Rivals of `double`."""

# %% right: a sum
def double(x):
    return x + x

# %% wrong: three times | loses: test_double
# 2 * x => 3 * x

# %% wrong: a difference | edits: a sum | loses: test_double
# x + x => x - x
'''


@pytest.fixture
def read(tmp_path):
    """Read a rivals file of a lab with one exercise."""

    def read_text(text):
        for path, content in (
            ("solutions/01_toy/01_toy.py", LAB),
            ("tests/grading/01_toy/double.py", text),
        ):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(content, encoding="utf-8")
        return rivals.read("01_toy", tmp_path)

    return read_text


def test_rivals_edit_the_model_answer_or_a_right_rival(read):
    codes = {rival.title: rival.code for rival in read(RIVALS)}
    assert codes["a sum"].strip() == "def double(x):\n    return x + x"
    assert codes["three times"] == "def double(x):\n    return 3 * x\n"
    assert codes["a difference"] == "def double(x):\n    return x - x\n"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("2 * x => 3", "2 x => 3", r"double\.py:8: rival 'three times': the words `2 x` occur now"),
        ("x + x =>", "x + y =>", r"double\.py:11: rival 'a difference': the words `x \+ y`"),
        ("edits: a sum", "edits: a product", "no right rival 'a product' above it to edit"),
        ("edits: a sum", "edits: three times", "no right rival 'three times' above it to edit"),
        ("a sum\n", "a sum | edits: itself\n", "its text is no edit"),
        ("| loses: test_double\n# 2", "\n# 2", "wrong answers lose tests"),
        ("# %% right: a sum", "# %% correct: a sum", r"double\.py:3: cannot read"),
    ],
)
def test_a_rivals_file_that_cannot_be_read(read, old, new, words):
    assert old in RIVALS
    with pytest.raises(GradingError, match=words):
        read(RIVALS.replace(old, new))


def test_an_edit_needs_a_model_answer(read, tmp_path):
    read(RIVALS)
    (tmp_path / "tests/grading/01_toy/triple.py").write_text("# %% right: x\n# 2 => 3\n")
    with pytest.raises(GradingError, match=r"triple\.py:1: rival 'x': there is no model answer"):
        rivals.read("01_toy", tmp_path)
