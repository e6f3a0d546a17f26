"""Late days and extensions of `late.toml`: what they cost, what students and instructors are told."""

import re
import shutil

import nbformat
import pytest
from nbgrader.api import Gradebook

from labkit import ROOT
from labkit.errors import CourseError
from labkit.grading import batch, late_rules, lateness, nbgrader_cycle
from labkit.notebooks import nbgrader_api

from .toy import LAB, hand_in, make_course

LABS = ("01_first", "02_second", "03_third")
#: by nbgrader's gradebook, UTC
DUE = {
    "01_first": "2026-02-02 23:00",
    "02_second": "2026-02-09 23:00",
    "03_third": "2026-02-16 23:00",
}
RULES = """
timezone = "Europe/Berlin"
free_days = 3

[[rule]]
percent_a_day = 10

[[rule]]
labs = ["03_third"]
points_a_day = 2

[[extension]]
student = "ada"
lab = "02_second"
until = "2026-02-12 00:00"
"""


class Course:
    """A course folder with a gradebook of three labs of ten points."""

    def __init__(self, folder):
        self.folder = folder
        self.api = nbgrader_api(folder)
        self.book = Gradebook(self.api.coursedir.db_url)

    def write(self, rules):
        (self.folder / "late.toml").write_text(rules, encoding="utf-8")

    def hand_in(self, lab, when, points=10.0, student="ada"):
        self.book.update_or_create_student(student)
        self.book.update_or_create_submission(lab, student, timestamp=when)
        self.book.find_grade("test_it", lab, lab, student).auto_score = points
        self.book.db.commit()

    def late(self, lab, student="ada"):
        """Return the penalty, and what the student is told."""
        plugin = lateness.plugin(self.api, self.book, lab)
        notebook = self.book.find_submission_notebook(lab, lab, student)
        notebook.late_submission_penalty = lateness.penalty(plugin, notebook)
        self.book.db.commit()
        return notebook.late_submission_penalty, lateness.told(plugin, notebook)

    def refused(self):
        with pytest.raises(CourseError) as refusal:
            lateness.plugin(self.api, self.book, LABS[0])
        return str(refusal.value)


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """Return a course folder in which nobody has handed in anything."""
    folder = tmp_path_factory.mktemp("late") / "course"
    for lab in LABS:
        (folder / "solutions" / lab).mkdir(parents=True)
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    (folder / "late.toml").write_text(RULES)
    with Gradebook(nbgrader_api(folder).coursedir.db_url) as book:
        for lab in LABS:
            book.add_assignment(lab, duedate=DUE[lab])
            book.add_notebook(lab, lab)
            book.add_grade_cell("test_it", lab, lab, max_score=10, cell_type="code")
        book.add_student("ada")
    return folder


@pytest.fixture
def course(empty, tmp_path):
    course = Course(shutil.copytree(empty, tmp_path / "course"))
    yield course
    course.book.close()


# --- what it costs ------------------------------------------------------------------------------


def test_free_days_are_spent_before_points_are_taken(course):
    course.hand_in("01_first", "2026-02-04 23:30 UTC")  # 48.5 hours late: three days begun
    assert course.late("01_first")[0] is None
    course.hand_in("01_first", "2026-02-07 22:00 UTC", points=8.0)  # five days begun
    assert course.late("01_first")[0] == pytest.approx(2 * 0.8)


def test_free_days_are_spent_in_the_order_in_which_labs_are_due(course):
    course.hand_in("03_third", "2026-02-18 22:00 UTC")  # two days begun
    assert course.late("03_third")[0] is None
    course.hand_in("01_first", "2026-02-04 22:00 UTC")  # two days begun: one is left for lab 3
    assert course.late("01_first")[0] is None
    assert course.late("03_third")[0] == 2.0
    assert "it uses 1 late day (0 of 3 left); 2 points are taken" in course.late("03_third")[1]


def test_late_days_of_one_student_are_not_those_of_another(course):
    for student in ("ada", "bob"):
        course.hand_in("01_first", "2026-02-05 22:00 UTC", student=student)
        assert course.late("01_first", student)[0] is None


def test_a_lab_with_a_rule_of_its_own_follows_that_rule_only(course):
    course.write("[[rule]]\npercent_a_day = 10\n[[rule]]\nlabs = ['03_third']\npoints_a_day = 3\n")
    course.hand_in("01_first", "2026-02-03 22:00 UTC", points=5.0)
    course.hand_in("03_third", "2026-02-17 22:00 UTC", points=5.0)
    assert (course.late("01_first")[0], course.late("03_third")[0]) == (0.5, 3.0)


def test_no_more_is_taken_than_the_student_got(course):
    course.hand_in("03_third", "2026-05-17 22:00 UTC", points=7.0)
    assert course.late("03_third")[0] == 7.0


def test_an_extension_ends_at_its_hour_in_the_time_zone_of_the_file(course):
    course.hand_in("02_second", "2026-02-11 23:00 UTC")  # midnight in Berlin
    assert course.late("02_second") == (None, "")
    course.hand_in("02_second", "2026-02-11 23:01 UTC")
    assert course.late("02_second")[1] == (
        "Handed in 1 minute after it was due (2026-02-12 00:00 CET, with your extension): "
        "it uses 1 late day (2 of 3 left); no points are taken."
    )


def test_of_two_extensions_the_longer_one_counts(course):
    course.hand_in("02_second", "2026-02-13 22:00 UTC")
    course.book.grant_extension("02_second", "ada", days=4)
    assert course.late("02_second") == (None, "")
    course.book.grant_extension("02_second", "ada", days=1)
    assert "1 day 23 hours after it was due (2026-02-12 00:00 CET" in course.late("02_second")[1]


def test_nothing_is_taken_without_the_file_or_without_a_due_date(course):
    course.hand_in("03_third", "2026-05-17 22:00 UTC")
    (course.folder / "late.toml").unlink()
    assert course.late("03_third")[0] is None
    course.write(RULES)
    course.book.update_or_create_assignment("03_third", duedate=None)
    assert course.late("03_third") == (None, "")


def test_a_course_without_free_days_says_nothing_of_them(course):
    course.write("[[rule]]\npoints_a_day = 1\n")
    course.hand_in("01_first", "2026-02-03 01:30 UTC")
    assert course.late("01_first")[1] == (
        "Handed in 2 hours 30 minutes after it was due (2026-02-02 23:00 UTC): 1 point is taken."
    )


# --- errors in the file -------------------------------------------------------------------------


def _extension(until="2026-02-12 00:00", student="ada", lab="02_second"):
    return f'[[extension]]\nstudent = "{student}"\nlab = "{lab}"\nuntil = "{until}"\n'


RULE = "[[rule]]\npoints_a_day = 1\n"
WRONG = {
    "free_days = -1": ("free_days is -1", "a whole number that is not negative"),
    "free_days = 2.5": ("free_days is 2.5", "a whole number"),
    "free_days = true": ("free_days is True", "a whole number"),
    "fre_days = 2": ("nothing is called 'fre_days' here", "Known: timezone, free_days"),
    "free_days = \n": ("is not TOML", "line 1"),
    'timezone = "Berlin"': ("no time zone is called 'Berlin'", "Europe/Berlin"),
    "[rule]\npoints_a_day = 1": ("'rule' is no list of tables", "[[rule]]"),
    "[[rule]]\npercent_a_day = 120": ("rule 1: percent_a_day is 120", "from 0 to 100"),
    "[[rule]]\npoints_a_day = nan": ("rule 1: points_a_day is nan", "a number"),
    "[[rule]]\npoints_a_day = 1\npercent_a_day = 5": (
        "rule 1: it must name either",
        "one of the two",
    ),
    "[[rule]]\nlabs = ['01_first']": ("rule 1: it must name either", "one of the two"),
    "[[rule]]\npoints_a_day = 1\nlabs = '01_first'": ("rule 1: labs is no list", "05_mcmc"),
    RULE + RULE: ("rule 2: an earlier rule is for all labs too", "Name labs"),
    RULE + "labs = ['01_first']\n" + RULE + "labs = ['02_second', '01_first']": (
        "rule 2: an earlier rule names 01_first too",
        "in one of them",
    ),
    RULE + "labs = ['01_frist']": ("no lab is called '01_frist'", "perhaps it is '01_first'"),
    _extension(lab="2"): ("until names no time zone", "timezone ="),
    _extension("2026-02-12 00:00Z", lab="04"): ("no lab is called '04'", "Correct the name"),
    _extension("2026-02-12 00:00Z", "adda"): (
        "no student is called 'adda'",
        "perhaps it is 'ada', or add the student to the gradebook (nbgrader db student add adda)",
    ),
    _extension("2026-02-30 00:00Z"): (
        "extension 1: until is '2026-02-30 00:00Z', no date",
        "Write until",
    ),
    _extension("2026-02-12"): ("extension 1: until is '2026-02-12', no date and time", "23:59"),
    _extension().replace('"2026-02-12 00:00"', "2026-02-12"): (
        "extension 1: until is missing or no",
        "23:59",
    ),
    _extension("2025-02-12 00:00Z"): (
        "ends 2025-02-12 00:00 UTC, before the lab is due",
        "Correct or",
    ),
    _extension("2026-02-12 00:00Z") + _extension("2026-02-13 00:00Z"): (
        "extension 2: an earlier extension is for ada and 02_second too",
        "Delete one",
    ),
    _extension("2026-02-12 00:00Z", student=""): ("extension 1: student is missing", "student ="),
}


@pytest.mark.parametrize("text", WRONG)
def test_an_error_in_the_file_says_what_where_and_what_to_do(course, text):
    course.write(text)
    said = course.refused()
    assert str(course.folder / "late.toml") in said
    for words in WRONG[text]:
        assert words in said


def test_a_student_who_has_only_handed_in_so_far_is_known(course):
    course.write(_extension("2026-02-12 00:00Z", "carl"))
    assert "no student is called 'carl'" in course.refused()
    (course.folder / "submitted" / "carl" / "02_second").mkdir(parents=True)
    lateness.plugin(course.api, course.book, "02_second")


def test_dates_of_the_file_may_name_their_own_time_zone(tmp_path):
    path = tmp_path / "late.toml"
    text = _extension("2026-07-01 12:00-07:00").replace('"2026-07-01 12:00-07:00"', "{}")
    for written in ('"2026-07-01 12:00-07:00"', "2026-07-01T12:00:00-07:00", '"2026-07-01T19:00Z"'):
        path.write_text(text.format(written))
        (until,) = late_rules.read(path).extensions.values()
        assert until.isoformat() == "2026-07-01T19:00:00"


def test_the_documented_file_can_be_read_as_it_stands(tmp_path):
    text = (ROOT / "INSTRUCTORS.md").read_text(encoding="utf-8").partition("`late.toml`")[2]
    block = re.search(r"\n\n((?:    .*\n|\n)+)", text).group(1)
    documented, described = tmp_path / "late.toml", tmp_path / "described.toml"
    documented.write_text(block.replace("\n    ", "\n"))
    rules = late_rules.read(documented)
    assert (rules.free_days, rules.otherwise.percent_a_day) == (5, 10)
    assert rules.rule("09_corona").points_a_day == 2
    (until,) = rules.extensions.values()
    assert until.isoformat() == "2026-03-02T22:59:00"  # CET is an hour ahead of UTC
    described.write_text(late_rules.__doc__.partition("\n")[2].replace("\n    ", "\n"))
    assert late_rules.read(described) == rules


# --- both ways to grade -------------------------------------------------------------------------


def test_labkit_grade_and_nbgraders_autograde_take_the_same_points(tmp_path):
    course = make_course(tmp_path / "course")
    late = course / "late.toml"
    late.write_text("free_days = 2\n" + RULE)
    for student in ("ada", "bob"):
        path = hand_in(course, student, "def double(x):\n    return 2 * x")
        path.with_name("timestamp.txt").write_text("2026-02-05 12:00:00 UTC")
    settings = batch.Settings(course, LAB)
    batch.grade(settings, ["ada"], count=1)
    with Gradebook(nbgrader_api(course).coursedir.db_url) as book:
        book.update_or_create_assignment(LAB, duedate="2026-02-04 00:00 UTC")
    page = course / "feedback" / "ada" / LAB / f"{LAB}.html"
    (line,) = batch.grade(settings, ["ada"], count=1)
    assert (line.again, line.late) == (False, 0)
    assert "it uses 2 late days (0 of 2 left); no points are taken." in page.read_text()
    late.write_text(late.read_text().replace("free_days = 2", "free_days = 1"))
    (line,) = batch.grade(settings, ["ada"], count=1)
    assert (line.again, line.late) == (False, 1)
    assert "it uses 1 late day (0 of 1 left); 1 point is taken." in page.read_text()
    assert re.search(r"<small>.*1 taken for handing in late", page.read_text())
    graded = nbformat.read(course / "autograded" / "ada" / LAB / f"{LAB}.ipynb", as_version=4)
    nbgrader_cycle.grade_executed(course, LAB, "bob", graded)
    with Gradebook(nbgrader_api(course).coursedir.db_url) as book:
        ada, bob = (book.find_submission(LAB, student) for student in ("ada", "bob"))
        assert (bob.score, bob.late_submission_penalty) == (ada.score, ada.late_submission_penalty)
        assert (bob.score, bob.late_submission_penalty) == (3, 1)
    late.write_text("free_days = 1\n" + RULE + "labs = ['00_tyo']")
    with pytest.raises(CourseError, match="no lab is called '00_tyo'"):
        batch.grade(settings, ["ada"], count=1)
