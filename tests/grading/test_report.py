"""The class report: what a class did in a lab, true to the gradebook, and safe to open."""

import base64
import hashlib
import html
import re
from xml.etree import ElementTree

import nbformat
import pytest

from labkit import cli
from labkit.grading import alike, class_marks
from labkit.grading.alike import Text

from .toy import LAB, give, gradebook, hand_in, make_course

LONG = '''
def double(x):
    """Return twice x."""
    total = 0 * x
    counter = 0
    while counter < 2:  # twice
        if counter % 2 == 0:
            total = total + x
        else:
            total = x + total
        counter += 1
    values = [total for repeat in range(3)]
    chosen = sorted(values, key=lambda each: str(each))[0]
    assert len(values) == 3, "three of them"
    return chosen if counter == 2 else total
'''
RENAMED = (
    LONG.replace("total", "s").replace("counter", "i").replace("# twice", "").replace("3,", "3 ,")
)
HOSTILE = "eve<img src=x onerror=alert(1)>"
WHY = "Because <script>alert(2)</script> two and two are four."
ANSWERS = {
    "ada": LONG,
    "bob": RENAMED,
    "cyd": "def double(x):\n    return float(2 * x)",
    "dan": "def double(x):\n    return x * x + 1",
    HOSTILE: "def double(x):\n    return 2 * x",
    "fay": None,
}
COMMENTS = '[says-so]\npoints = 2\ntext = "Says <b>so</b>."\n[never]\ntext = "Never used."\n'
LATE = """
from nbgrader.plugins import BasePlugin
class Half(BasePlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return 0.5
c.AssignLatePenalties.plugin_class = Half
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A class of six who are graded, one whose notebook cannot be read, one who gave in nothing."""
    course = make_course(tmp_path_factory.mktemp("course"))
    with (course / "nbgrader_config.py").open("a") as config:
        config.write(LATE)
    for student, answer in ANSWERS.items():
        path = hand_in(course, student, answer)
        if answer:
            notebook = nbformat.read(path, as_version=4)
            notebook.cells[-1].source = WHY
            nbformat.write(notebook, path)
    hand_in(course, "gus", None).write_text("{ this is not a notebook")
    bob = course / "submitted" / "bob" / LAB / "timestamp.txt"
    bob.write_text("2026-02-09 12:00:00 UTC")
    grade = ["grade", LAB, "--course", str(course)]
    assert cli.main(grade) == 1  # for gus
    with gradebook(course) as book:
        book.update_or_create_assignment(LAB, duedate="2026-02-04 12:00:00 UTC")
        book.add_student("hal", first_name="Hal", last_name="<script>alert(3)</script>")
    give(course, "ada", None, "#says-so")
    give(course, "cyd", 2.5)
    (course / "comments").mkdir()
    (course / "comments" / f"{LAB}.toml").write_text(COMMENTS)
    assert cli.main(grade) == 1
    return course


@pytest.fixture(scope="module")
def page(course):
    assert cli.main(["report", LAB, "--course", str(course)]) == 0
    return (course / "reports" / f"{LAB}.html").read_text()


def rows(page, heading):
    """Return what stands in the table below a heading, as text."""
    section = page.split(f"<h2>{heading}</h2>")[1].split("</table>")[0]
    found = [re.findall(r"<t[hd].*?>(.*?)</t[hd]>", row, re.S) for row in section.split("<tr>")[1:]]
    return [[html.unescape(re.sub(r"<.*?>", "", cell)).strip() for cell in row] for row in found]


def test_the_top_counts_students_and_what_waits(page):
    numbers = re.findall(r"<li><b>(\d+)</b> (.*?)</li>", page)
    assert numbers == [
        ("8", "students"),
        ("7", "handed in"),
        ("6", "graded"),
        ("1", "not graded yet"),
        ("3", "answers of 3 students to be graded by hand"),
    ]


def test_exercises_have_counts_of_all_some_and_no_points(page):
    head, double, why = rows(page, "Exercises")
    assert head[:8] == ["exercise", "points", "mean", "all points", "some points", "no points", "no answer", "to be graded"]  # fmt: skip
    assert double[:8] == ["double", "3", "1.8", "3", "1", "1", "1", "0"]
    assert why[:8] == ["explain_why", "3", "1.5", "0", "2", "0", "1", "3"]


def test_seconds_of_each_exercise_come_from_its_grading(course, page):
    spent = {
        work.student: work.result["spent"]["double"]
        for work in class_marks.read(course, LAB).graded
    }
    assert all(seconds > 0 for seconds in spent.values())
    _, double, why = rows(page, "Exercises")
    assert double[9] == f"{max(spent.values()):.1f}"
    assert spent[double[10]] == max(spent.values())
    assert why[8:] == ["", "", ""]
    slowest = rows(page, "Slowest submissions")[1:]
    assert sorted(row[0] for row in slowest) == sorted(ANSWERS)
    seconds = [float(row[1]) for row in slowest]
    assert seconds == sorted(seconds, reverse=True)
    assert all(int(row[2]) > 0 for row in slowest)


def test_failed_tests_stand_with_what_students_were_told(page):
    _, arrays, double = rows(page, "Tests that failed most often")
    assert arrays[:3] == ["test_double_arrays", "double", "2 of 5"]  # the blank one is no answer
    assert "does it work for arrays? (1)" in arrays[3]
    assert double == ["test_double", "double", "1 of 5", "negative numbers?"]


def test_each_student_has_a_row_that_agrees_with_the_gradebook(course, page):
    head, *found = rows(page, "Students")
    table = {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in found}
    assert table["ada"]["by hand"] == "2"
    assert table["bob"] == {
        "name": "",
        "double (3)": "3",
        "explain_why (3)": "…",
        "by hand": "0",
        "still by hand": "1",
        "late": "-0.5",
        "total": "2.5",
    }
    assert table["gus"]["total"] == "handed in, not graded"
    assert (table["hal"]["name"], table["hal"]["total"]) == (
        "Hal <script>alert(3)</script>",
        "not handed in",
    )
    with gradebook(course) as book:
        for student in ANSWERS:
            notebook = book.find_submission_notebook(LAB, LAB, student)
            total = notebook.score - (notebook.late_submission_penalty or 0)
            assert float(table[student]["total"]) == total


def test_reusable_comments_stand_with_how_often_they_were_used(page):
    _, used, never = rows(page, "Reusable comments")
    assert used == ["#says-so", "+2", "1", "Says <b>so</b>."]
    assert never == ["#never", "", "0", "Never used."]


def test_submissions_that_are_alike_are_named_and_nobody_is_accused(page):
    _, *pairs = rows(page, "Submissions that are alike")
    assert [pair[:3] for pair in pairs] == [["ada", "bob", "100 %"]]
    assert pairs[0][3].startswith("double")
    assert "Alike is not copied." in page


def test_nothing_of_a_student_runs_and_nothing_is_fetched(page):
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.S)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in page  # fmt: skip
    assert html.escape(HOSTILE) in page
    assert HOSTILE not in page
    assert "<b>so" not in page
    sources = re.findall(r"(?:src|href)=\"(.*?)\"", page)
    assert sources
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)


def test_figures_say_in_words_what_they_show(page):
    figures = re.findall(r'base64,([^"]*)" alt="(.*?)"', page)
    words = [html.unescape(words) for _, words in figures]
    assert words[0] == "Total points of 6 submissions: from 0 to 5 of 6, median 2.75."
    assert words[1] == "Points of each exercise."
    drawn = [ElementTree.fromstring(base64.b64decode(svg)) for svg, _ in figures]
    texts = [{"".join(node.itertext()) for node in svg.iter() if node.text} for svg in drawn]
    assert {"total (points)", "submissions"} <= texts[0]
    assert {"double", "explain_why", "no answer"} <= texts[1]


def test_a_report_changes_nothing_and_says_the_same_again(course, page):
    before = (course / "gradebook.db").read_bytes()
    assert cli.main(["report", LAB, "--course", str(course)]) == 0
    assert (course / "gradebook.db").read_bytes() == before
    assert (course / "reports" / f"{LAB}.html").read_text() == page


def test_a_report_before_any_grading_says_what_to_do(course, tmp_path, capsys):
    assert cli.main(["report", "99_none", "--course", str(course)]) == 1
    assert "no lab called '99_none'" in capsys.readouterr().err
    for needed in ("labs", "solutions", "nbgrader_config.py"):
        (tmp_path / needed).symlink_to(course / needed)
    assert cli.main(["report", LAB, "--course", str(tmp_path)]) == 1
    assert "there is no gradebook" in capsys.readouterr().err
    assert not (tmp_path / "gradebook.db").exists()


# --- how alike two submissions are --------------------------------------------------------------


def compare(one, other, known="", kind="code"):
    """Return how alike two texts are, beside two of other people."""
    others = ["for line in lines:\n    print(line.wavelength, line.depth)", "import this, that"]
    written = dict(zip("abcd", [one, other, *others], strict=True))
    texts = {student: [Text("x", kind, text)] for student, text in written.items()}
    found = alike.similarity(texts, [Text("x", kind, known)])
    return {(pair.first, pair.second): pair.similarity for pair in found.pairs}


def test_other_names_comments_layout_and_texts_make_no_difference():
    assert compare(LONG, RENAMED)[("a", "b")] == pytest.approx(1)
    assert compare(LONG, LONG.replace('"three of them"', "'3 items'"))[("a", "b")] == pytest.approx(1)  # fmt: skip


def test_what_was_handed_out_or_stands_in_the_model_answer_does_not_count():
    assert compare(LONG, RENAMED, known=LONG.replace("total", "y")) == {}


def test_code_that_is_no_python_and_other_programs_are_compared():
    broken = LONG.replace("while counter < 2:", "while counter < 2 (")
    assert compare(broken, broken)[("a", "b")] == pytest.approx(1)
    other = "def double(x):\n    import numpy as np\n    return np.add(x, x, out=None) * np.ones(np.shape(x))[..., 0]\n"  # fmt: skip
    assert compare(LONG, other) == {}


def test_explanations_are_compared_by_their_words():
    words = " ".join(f"word{n}" for n in range(50))
    assert compare(words, words.upper().replace(" ", ", "), kind="markdown")[("a", "b")] == pytest.approx(1)  # fmt: skip
    backwards = " ".join(reversed(words.split()))
    assert compare(words, backwards, kind="markdown") == {}


def test_a_few_words_in_common_are_not_named():
    assert compare("x = f(1, 2, 3, 4, 5, 6)", "x = f(1, 2, 3, 4, 5, 6)") == {}


def test_one_submission_or_none_is_alike_to_nothing():
    assert alike.similarity({}, []).compared == 0
    assert alike.similarity({"a": [Text("x", "code", LONG)]}, []).compared == 1


def test_a_submission_without_end_is_looked_at_in_part():
    endless = "\n".join(f"x{n} = {n}" for n in range(100_000))
    cut = endless[: alike.LONGEST]
    assert compare(endless, cut + LONG)[("a", "b")] == pytest.approx(1)
