"""Reusable comments: keys that a person types become texts and points, and no mark is lost."""

import shutil
import tomllib

import nbformat
import pytest

from labkit import ROOT, cli
from labkit.errors import GradingError
from labkit.grading import comments, marks, rubrics
from labkit.grading.cells import role

from .toy import LAB, give, gradebook, hand_in, make_course

RIGHT = "def double(x):\n    return x + x"
FILE = """
[says-so]
points = 2
text = "Says that twice is two times."

[example]
points = 0.5
text = '''
Gives an example.
It is a good one.
'''

[no-reason]
off = 0.5
text = "The reason is missing."

[off-topic]
off = 9
text = "Answers another question."

[neat]
text = "Neatly written."

[bonus]
points = 99
text = "More than was asked for."
"""
#: what is typed, the points given by hand if any; the points and the words that must stand then
TYPED = {
    "sum": ("#says-so #example", None, 2.5, "Says that twice is two times.\nGives an example.\nIt is a good one."),
    "own words": ("Well,\n#says-so, #no-reason thanks", None, 1.5, "Well,\nSays that twice is two times.\nThe reason is missing.\nthanks"),
    "from the maximum": ("#no-reason", None, 2.5, "The reason is missing."),
    "at most the maximum": ("#bonus", None, 3, "More than was asked for."),
    "at least nothing": ("#example #off-topic", None, 0, "Gives an example.\nIt is a good one.\nAnswers another question."),
    "typed twice": ("#example #example", None, 0.5, "Gives an example.\nIt is a good one."),
    "given by hand": ("#says-so", 1.25, 1.25, "Says that twice is two times."),
    "zero by hand": ("#says-so", 0, 0, "Says that twice is two times."),
    "words only": ("#neat", None, None, "Neatly written."),
    "no key": ("# Heading, no. #1, C#, a#neat", None, None, "# Heading, no. #1, C#, a#neat"),
    "unknown": ("#says-so #say-so", None, None, "#says-so #say-so"),
}  # fmt: skip


def write_comments(course, text=FILE):
    path = comments.path_of(course, LAB)
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def hand_mark(course, student, cell="explain_why"):
    """Return the points that a person gave, as the gradebook has them, and the words."""
    with gradebook(course) as book:
        notebook = book.find_submission_notebook(LAB, LAB, student)
        points = {grade.name: grade.manual_score for grade in notebook.grades}
        words = {comment.name: comment.manual_comment for comment in notebook.comments}
        return points.get(cell), words[cell]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_course(tmp_path_factory.mktemp("made"))


@pytest.fixture
def course(made, tmp_path):
    return shutil.copytree(made, tmp_path / "course")


@pytest.fixture(scope="module")
def entered(made, tmp_path_factory):
    """A course in whose gradebook all of `TYPED` has been typed, and read by the next run."""
    course = shutil.copytree(made, tmp_path_factory.mktemp("entered") / "course")
    source = nbformat.read(course / "solutions" / LAB / f"{LAB}.ipynb", as_version=4)
    tests = [{"name": f"test_double{rest}", "points": 0.0} for rest in ("", "_arrays")]
    result = {"outcomes": tests, "unanswered": []}
    with marks.opened(course, LAB, source) as book:
        for student in [*TYPED, "code"]:
            with book.entering(student, "digest", result, ""):
                pass
    for student, (typed, points, _, _) in TYPED.items():
        give(course, student, points, typed)
    give(course, "code", None, "#bonus", cell="double")
    write_comments(course)
    with marks.opened(course, LAB, source) as book:
        standing = {student: book.revisit(student, "") for student in [*TYPED, "code"]}
        again = {student: book.revisit(student, "") for student in [*TYPED, "code"]}
    assert again == standing
    return course, standing


@pytest.mark.parametrize("student", TYPED)
def test_keys_become_texts_and_points(entered, student):
    course, _ = entered
    assert hand_mark(course, student) == TYPED[student][2:]


def test_a_comment_without_points_leaves_the_answer_waiting(entered):
    _, standing = entered
    assert standing["words only"].waiting == ["explain_why"]
    assert standing["sum"].waiting == []


def test_a_comment_on_code_gives_words_and_changes_no_points(entered):
    course, standing = entered
    assert hand_mark(course, "code", "double") == (None, "More than was asked for.")
    assert standing["code"].total == 0


def test_uses_are_counted_by_their_texts(entered):
    course, standing = entered
    said = [text for each in standing.values() for text in each.comments.values()]
    uses = comments.read(course, LAB).uses(said)
    once = {"off-topic": 1, "neat": 1}
    assert uses == {"says-so": 4, "example": 3, "no-reason": 2, "bonus": 2, **once}


def test_the_next_grading_writes_them_on_the_page_and_says_what_is_unknown(course, capsys):
    path = hand_in(course, "ada", RIGHT)
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[-1].source = "Because it is."
    nbformat.write(notebook, path)
    grade = ["grade", LAB, "--course", str(course)]
    assert cli.main(grade) == 0
    give(course, "ada", None, "#says-so <b>")
    capsys.readouterr()
    assert cli.main(grade) == 0  # without a file of comments
    said = "ada: the comment on explain_why was left as it was typed, because #says-so"
    assert f"{said} cannot be found, there is no comments/{LAB}.toml." in capsys.readouterr().out
    write_comments(course, FILE.replace("[says-so]", "[says_so]"))
    assert cli.main(grade) == 0
    assert f"{said} is not in comments/{LAB}.toml." in capsys.readouterr().out
    page = course / "feedback" / "ada" / LAB / f"{LAB}.html"
    assert "#says-so &lt;b&gt;" in page.read_text()
    write_comments(course)
    assert cli.main(grade) == 0
    assert "left as it was typed" not in capsys.readouterr().out
    assert "Says that twice is two times.</p>" in page.read_text()
    assert "2 of 3 by hand" in page.read_text()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[a\n", "cannot be read as TOML"),
        ('a = "text"', "a is a value, not a table"),
        ("[a]\npoints = 1", "[a] has no text"),
        ("[a]\ntext = ' '", "[a] has no text"),
        ("[a]\ntext = 'x'\npoint = 1", "[a] has point"),
        ("[a]\ntext = 'x'\npoints = -1", "points of [a] is -1"),
        ("[a]\ntext = 'x'\noff = nan", "off of [a] is nan"),
        ("[a]\ntext = 'x'\npoints = true", "points of [a] is True"),
        ("[a]\ntext = 'x'\npoints = 1\noff = 1", "both points and off"),
        ("[a]\ntext = 'like #b'", "#b in it"),
        ("['1a']\ntext = 'x'", "'1a' cannot be a key"),
    ],
)
def test_a_file_that_is_wrong_says_where_and_what(tmp_path, text, said):
    path = write_comments(tmp_path, text)
    with pytest.raises(GradingError) as error:
        comments.read(tmp_path, LAB)
    assert str(error.value).startswith(str(path))
    assert said in str(error.value)


def test_a_course_without_a_file_has_no_comments(tmp_path):
    assert comments.read(tmp_path, LAB).by_key == {}


# --- first comments, from the rubrics -----------------------------------------------------------


@pytest.mark.parametrize("path", sorted(ROOT.glob("solutions/*/*.ipynb")), ids=lambda p: p.stem)
def test_first_comments_of_every_lab_add_up_to_its_explanations(path, tmp_path):
    source = nbformat.read(path, as_version=4)
    target = tmp_path / "comments" / f"{path.stem}.toml"
    target.parent.mkdir()
    target.write_text(rubrics.first_comments(source, path.stem))
    by_key = comments.read(tmp_path, path.stem).by_key
    for cell in source.cells:
        if role(cell) == "explain":
            stem = cell.metadata.nbgrader.grade_id.removeprefix("explain_")
            worth = [c.points for key, c in by_key.items() if key.rpartition("-")[0] == stem]
            # one rubric of lab 9 gives each of its points for as many statements
            repeated = "1 each, at most 4" in cell.source
            assert sum(worth) == (1 if repeated else cell.metadata.nbgrader.points), stem


def test_a_rubric_in_both_ways_of_writing_is_read():
    source = "The answer.\n- (9) no point of a rubric\n\n**Rubric** (3 points)\n\n- 1: one\n  more line\n- (2) two \\sqrt\n\nAfter."
    assert rubrics.points(source) == [(1, "one more line"), (2, "two \\sqrt")]


def test_a_first_file_is_written_once_and_never_over_another(course, capsys):
    command = ["comments", LAB, "--course", str(course)]
    assert cli.main(command) == 0
    path = comments.path_of(course, LAB)
    assert str(path) in capsys.readouterr().out
    assert list(tomllib.loads(path.read_text())) == ["full"]  # the toy's rubric is a sentence
    assert "explain_why, 3 points: its rubric is no list" in path.read_text()
    path.write_text("# mine")
    assert cli.main(command) == 1
    assert "exists already" in capsys.readouterr().err
    assert path.read_text() == "# mine"


def test_first_comments_of_an_unknown_lab_are_refused(tmp_path, capsys):
    assert cli.main(["comments", "99_none", "--course", str(tmp_path)]) == 1
    assert "no lab called '99_none'" in capsys.readouterr().err
