"""Hostile submissions: none gains a point, learns a secret, gets out, or stops the batch."""

import os
import socket
import sqlite3
import threading

import nbformat
import psutil
import pytest

from labkit.grading import batch, read_mark
from labkit.sandbox import Limits

from . import hostile_answers, hostile_files
from .hostile import CODE as HOSTILE_CODE
from .hostile import FILES as HOSTILE_FILES
from .hostile import markup_name, submit_code
from .toy import LAB, hand_in, make_course

CODE = [*HOSTILE_CODE, *hostile_answers.CODE]
FILES = {**HOSTILE_FILES, **hostile_files.FILES}

LIMITS = Limits(
    memory=1_000_000_000, scratch=50_000_000, story_seconds=5, lab_seconds=30, patience=0.3
)
#: what a hidden test of the toy lab asks, expects and is written in
SECRETS = ("-7.5", "-15.0", "HIDDEN", "test_double_hidden", "solutions/", "SECRET")


class Listener(threading.Thread):
    """A service on this machine that no sandbox may reach."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.callers = []
        self.start()

    def run(self):
        while True:
            try:
                self.callers.append(self.socket.accept())
            except OSError:
                return


class Batch:
    pass


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    made = Batch()
    made.course = make_course(tmp_path_factory.mktemp("course"))
    made.listener = Listener()
    for each in CODE:
        submit_code(made.course, each, made.listener.port)
    for make in FILES:
        make(made.course)
    hand_in(made.course, "zoe", "def double(x):\n    return x + x")
    before = {path: path.read_bytes() for path in _files(made.course, "submitted", "solutions")}
    os.environ["SECRET"] = "SECRET"
    try:
        report = batch.grade(batch.Settings(made.course, LAB, LIMITS))
    finally:
        del os.environ["SECRET"]
    made.report = {line.student: line for line in report}
    made.untouched = before == {
        path: path.read_bytes() for path in _files(made.course, "submitted", "solutions")
    }
    made.listener.socket.close()
    return made


def _files(course, *folders):
    return [
        path
        for folder in folders
        for path in (course / folder).rglob("*")
        if path.is_file() and not path.is_symlink()
    ]


@pytest.mark.parametrize("each", CODE, ids=lambda each: each.name)
def test_hostile_code_does_no_harm(each, hostile):
    line = hostile.report[each.name]
    assert not line.error
    assert line.points == each.points
    assert each.said in " ".join(line.stopped)
    mark = read_mark(hostile.course, LAB, each.name)
    assert (mark.points, mark.points_max, mark.manual) == (each.points, 3, 0)
    assert line.seconds < 40
    notebook = hostile.course / "autograded" / each.name / LAB / f"{LAB}.ipynb"
    shown = [
        line
        for cell in nbformat.read(notebook, as_version=4).cells
        for output in cell.get("outputs", [])
        for line in output.get("text", "").splitlines()
    ]
    assert [line for line in shown if "FOUND" in line and line.strip() != "FOUND []"] == []


@pytest.mark.parametrize("make", FILES, ids=lambda make: make.__name__)
def test_hostile_file_does_no_harm(make, hostile):
    names = {
        "huge": "huge_notebook",
        "malformed": "malformed_json",
        "deep": "deep_json",
        "comma": "trailing_comma",
        "cut": "cut_short",
        "link": "link_to_gradebook",
        "folder": "folder_for_notebook",
        "traversal": "path_traversal",
        "claims": "claims_points",
        "types": "wrong_json_types",
        "empty": "empty_file",
        "markup_name": "<script>alert(1)<\x1b[2J>",
        "name_is_no_text": os.fsdecode(b"\xff\xfe"),
    }
    line = hostile.report[names.get(make.__name__, make.__name__)]
    if FILES[make] is None:
        assert line.error
        assert line.points == 0
    else:
        assert not line.error
        assert line.points == FILES[make]


@pytest.mark.measured
def test_there_are_enough(hostile):
    print(f"\n{'hostile submission':30s} points  seconds  peak MB  what became of it")
    for line in hostile.report.values():
        what = line.error or "; ".join(line.stopped) or "graded"
        name = line.student.encode("unicode_escape").decode()
        print(f"{name:30s} {line.points:6g} {line.seconds:8.1f} {line.peak_mb:8.0f}  {what[:70]}")
    assert len(CODE) + len(FILES) >= 30


def test_the_others_are_graded(hostile):
    assert hostile.report["zoe"].points == 3


def test_nothing_is_changed_nobody_reached(hostile):
    assert hostile.untouched
    assert hostile.listener.callers == []
    outside = [
        p for p in (hostile.course.parent).rglob("*owned*") if p.name != "..%2f..%2fowned.ipynb"
    ]
    assert outside == []


def test_nothing_is_left_running(hostile):
    left = [p for p in psutil.process_iter(["ppid"]) if _is_ours(p)]
    assert left == []


def _is_ours(process):
    try:
        return process.name() == "bwrap" and os.getpid() in [p.pid for p in process.parents()]
    except psutil.Error:
        return False


def test_no_secret_in_what_comes_out(hostile):
    """Feedback and graded notebooks hold no hidden test, input, answer or path of the source."""
    looked_at = _files(hostile.course, "feedback", "autograded")
    assert len(looked_at) > 2 * len(CODE)
    for path in looked_at:
        # what the student wrote is theirs; a search for secrets names what it looks for
        text = path.read_text()
        for each in CODE:
            if each.name in path.parts:
                for line in each.code.splitlines():
                    text = text.replace(_as_json(line), "")
        found = [secret for secret in (*SECRETS, str(hostile.course)) if secret in text]
        assert found == [], f"{path}: {found}"


def _as_json(line):
    return line.replace("\\", "\\\\").replace('"', '\\"')


def test_pages_are_inert(hostile):
    for path in (hostile.course / "feedback").rglob("*.html"):
        text = path.read_text()
        assert "<script" not in text
        assert "onerror=alert(1)>" not in text
        assert "\x1b" not in text
        assert "default-src 'none'" in text


def test_marks_of_all_stand_once(hostile):
    with sqlite3.connect(hostile.course / "gradebook.db") as book:
        rows = book.execute(
            "select student, count(*) from labkit_graded group by student"
        ).fetchall()
    assert {count for _, count in rows} == {1}
    assert len(rows) == sum(not line.error for line in hostile.report.values())


def test_names_are_printable(tmp_path, capsys):
    from labkit import cli

    course = make_course(tmp_path)
    markup_name(course)
    assert cli.main(["grade", LAB, "--course", str(course)]) == 0
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "3 of 3" in printed
