"""Honest submissions that need some luck: each has full marks, and nothing is held against it."""

import json

import pytest

from labkit.grading import batch
from labkit.sandbox import Limits

from .toy import LAB, hand_in, make_course
from .unlucky import ALL, NOTEBOOKS, RIGHT

LIMITS = Limits(memory=1_000_000_000, story_seconds=20, lab_seconds=300, waiting=10.0)


@pytest.fixture(scope="module")
def unlucky(tmp_path_factory):
    course = make_course(tmp_path_factory.mktemp("course"))
    for each in ALL:
        hand_in(course, each.name, each.code, each.before, each.after)
    for change in NOTEBOOKS:
        path = hand_in(course, change.__name__, RIGHT)
        notebook = json.loads(path.read_text())
        change(notebook)
        path.write_text(json.dumps(notebook))
    report = batch.grade(batch.Settings(course, LAB, LIMITS))
    return course, {line.student: line for line in report}


@pytest.mark.parametrize("name", [e.name for e in ALL] + [c.__name__ for c in NOTEBOOKS])
def test_each_has_full_marks(name, unlucky):
    course, report = unlucky
    line = report[name]
    page = (course / "feedback" / name / LAB / f"{LAB}.html").read_text()
    assert (line.points, line.error, line.stopped) == (3, "", []), page.partition("<h2>")[2]


def test_tests_follow_an_answer_that_was_moved(unlucky):
    _, report = unlucky
    assert report["answer_below_its_tests"].repairs == [
        "The answer 'double' stood below its tests; they follow it now."
    ]
