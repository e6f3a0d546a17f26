"""nbgrader's `autograde` and the formgrader's buttons: the same sandbox, marks, pages, notebooks."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time

import nbformat
import pytest
import requests
from filelock import FileLock
from traitlets.config import Config

from labkit import lab_source, notebooks
from labkit.errors import GradingError
from labkit.grading import batch, nbgrader_cycle
from labkit.grading.converters import SandboxedAutograde
from labkit.notebooks import nbgrader_api, on_path
from labkit.sandbox import view

from .toy import LAB, hand_in, make_course

RIGHT = "def double(x):\n    return x + x"
ESCAPES = """
import os, pathlib
with __import__("contextlib").suppress(OSError):
    pathlib.Path({outside!r}, "written").write_text("here")
os.system("touch {outside}/touched")
"""
LATE = """
from nbgrader.plugins import BasePlugin
class HalfAPoint(BasePlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return 0.5
c.AssignLatePenalties.plugin_class = HalfAPoint
"""
#: what the tests give; None where nothing can be graded
POINTS = {
    "right": 3,
    "wrong": 1,
    "hostile": 3,
    "repaired": 3,
    "renamed": 3,
    "unpacked": 3,
    "slow": 0,
    "broken": None,
    "empty": None,
    "linked": None,
}
GRADED = [student for student, points in POINTS.items() if points is not None]


# --- a course, three times ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """A course in which nobody has handed in; its exercise may take a second."""
    course = make_course(tmp_path_factory.mktemp("course"))
    script = lab_source.script(LAB, course)
    script.write_text(script.read_text().replace('"double"\n', '"double" seconds=1\n', 1))
    notebooks.derive([LAB], course)
    nbgrader_cycle.register(course, LAB)
    return course


def _hand_in_all(course, outside):
    with (course / "nbgrader_config.py").open("a") as config:
        config.write(LATE)
    with _book(course) as book:
        book.update_or_create_assignment(LAB, duedate="2026-02-04 12:00:00 UTC")
    escapes = ESCAPES.format(outside=str(outside))
    hand_in(course, "right", RIGHT, after=["print('seen')"])
    path = hand_in(course, "wrong", "def double(x):\n    return abs(2 * x)")
    path.with_name("timestamp.txt").write_text("2026-02-09 12:00:00 UTC")
    hand_in(course, "hostile", f"{escapes}\n{RIGHT}", before=[escapes])
    path = hand_in(course, "repaired", RIGHT)
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "test_double":
            cell.source = "assert True"
    nbformat.write(notebook, path)
    path = hand_in(course, "renamed", RIGHT)
    path.rename(path.with_name(f"{LAB} (1).ipynb"))
    path = hand_in(course, "unpacked", RIGHT)
    path.with_name(LAB).mkdir()
    path.rename(path.parent / LAB / path.name)
    # a cell that waits always meets the limit of the clock; one that computes would meet that of
    # the processor instead wherever the machine is idle, and the two pages would differ
    hand_in(course, "slow", "import time\ntime.sleep(600)")
    hand_in(course, "broken", None).write_text("{ this is not a notebook")
    hand_in(course, "empty", None).unlink()
    path = hand_in(course, "linked", None)
    path.unlink()
    path.symlink_to(outside / "elsewhere.ipynb")


def _book(course):
    from nbgrader.api import Gradebook

    return Gradebook(nbgrader_api(course).coursedir.db_url)


def _marks(course):
    """Return all that the gradebook says of each graded student."""
    found = {}
    with _book(course) as book:
        for submission in book.assignment_submissions(LAB):
            (notebook,) = submission.notebooks
            if any(grade.auto_score is not None for grade in notebook.grades):
                found[submission.student.id] = (
                    notebook.score,
                    notebook.late_submission_penalty,
                    {g.name: (g.auto_score, g.needs_manual_grade) for g in notebook.grades},
                    {c.name: c.auto_comment for c in notebook.comments},
                )
    return found


def _files(course):
    """Return the files that grading made, but for the secrets, which are drawn by lot."""
    return {
        str(path.relative_to(course)): path.read_bytes()
        for folder in ("autograded", "feedback")
        for path in sorted((course / folder).rglob("*"))
        if path.is_file() and path.name != "submission_secret.txt"
    }


def _page(course, student):
    return (course / "feedback" / student / LAB / f"{LAB}.html").read_text()


def _environment(course):
    """Return an environment without settings of the person who runs the tests."""
    apart = course.with_name("jupyter")
    own = {name: str(apart) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")}
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    return {**os.environ, **own, "PATH": path}


def _nbgrader(course, *words):
    run = subprocess.run(
        [sys.executable, "-m", "nbgrader", *words],
        cwd=course,
        env=_environment(course),
        capture_output=True,
        text=True,
    )
    return run.returncode, run.stderr


@contextlib.contextmanager
def _formgrader(course):
    """Start a Jupyter server with the formgrader; yield what presses its buttons."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"),
            *(f"--ServerApp.port={port}", "--ServerApp.port_retries=0"),
            "--ServerApp.jpserver_extensions={'nbgrader.server_extensions.formgrader': True}",
            *("--IdentityProvider.token=token", f"--ServerApp.root_dir={course}"),
        ],
        cwd=course,
        env=_environment(course),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}/formgrader/api"
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = "token token"

        def press(what):
            answer = session.post(f"{address}/{what}")
            answer.raise_for_status()
            return answer.json()

        try:
            for _ in range(600):
                assert server.poll() is None
                with contextlib.suppress(requests.ConnectionError):
                    if session.get(f"{address}/status").ok:
                        break
                time.sleep(0.1)
            yield press
        finally:
            server.terminate()
            server.wait()


def _autograde(course, student="right"):
    """Do what the button and the command do, in this process."""
    with on_path():
        return nbgrader_api(course).autograde(LAB, student)


class Doors:
    pass


@pytest.fixture(scope="module")
def doors(tmp_path_factory, fresh):
    made = Doors()
    folder = tmp_path_factory.mktemp("doors")
    made.outside = folder / "outside"
    made.outside.mkdir()
    made.courses = {door: folder / door for door in ("labkit", "command", "button")}
    shutil.copytree(fresh, made.courses["labkit"])
    _hand_in_all(made.courses["labkit"], made.outside)
    for door in ("command", "button"):
        shutil.copytree(made.courses["labkit"], made.courses[door], symlinks=True)
    made.report = batch.grade(batch.Settings(made.courses["labkit"], LAB))
    made.code, made.log = _nbgrader(made.courses["command"], "autograde", LAB)
    course = made.courses["button"]
    with _formgrader(course) as press:
        made.answers = {
            student: press(f"submission/{LAB}/{student}/autograde") for student in POINTS
        }
        made.pressed = _marks(course), _files(course)
        with FileLock(course / ".labkit-grade.lock"):
            made.locked = press(f"submission/{LAB}/right/autograde")
        with _book(course) as book:
            book.find_grade("test_double", LAB, LAB, "wrong").manual_score = 2.0
            book.find_comment("double", LAB, LAB, "wrong").manual_comment = "Well tried."
            book.db.commit()
        made.feedback = press(f"assignment/{LAB}/generate_feedback")
    return made


# --- the same through all doors -----------------------------------------------------------------


def test_labkit_grade_gives_the_marks_that_the_doors_are_compared_with(doors):
    points = {line.student: None if line.error else line.points for line in doors.report}
    assert points == POINTS
    assert _marks(doors.courses["labkit"]).keys() == set(GRADED)
    pages = {name.split("/")[1] for name in _files(doors.courses["labkit"]) if "html" in name}
    assert pages == set(POINTS)


def test_autograde_on_the_command_line_equals_labkit_grade(doors):
    assert doors.code == 1
    for student in GRADED:
        assert f"{student}: {POINTS[student]} of 3 points" in doors.log
    assert "broken: the file is not a notebook" in doors.log
    assert "empty: no notebook to grade" in doors.log
    assert "linked: 00_toy.ipynb is a link" in doors.log
    assert "Traceback" not in doors.log
    assert _marks(doors.courses["command"]) == _marks(doors.courses["labkit"])
    assert _files(doors.courses["command"]) == _files(doors.courses["labkit"])


def test_the_button_of_the_formgrader_equals_labkit_grade(doors):
    done = {student for student, answer in doors.answers.items() if answer["success"]}
    assert done == set(GRADED)
    assert "right: 3 of 3 points" in doors.answers["right"]["log"]
    assert "no notebook to grade" in doors.answers["empty"]["log"]
    marks, files = doors.pressed
    assert marks == _marks(doors.courses["labkit"])
    assert files == _files(doors.courses["labkit"])


def test_what_a_submission_tries_to_write_outside_is_not_there(doors):
    assert list(doors.outside.iterdir()) == []
    # it would be, in the instructor's own account
    code = ESCAPES.format(outside=str(doors.outside))
    subprocess.run([sys.executable, "-c", code], check=True)
    escaped = sorted(path.name for path in doors.outside.iterdir())
    for path in doors.outside.iterdir():
        path.unlink()
    assert escaped == ["touched", "written"]


@pytest.mark.parametrize("door", ["command", "button"])
def test_labkit_grade_finds_what_a_door_graded_and_grades_nothing_again(doors, door):
    lines = batch.grade(batch.Settings(doors.courses[door], LAB))
    assert {line.student: line.again for line in lines if not line.error} == {
        student: False for student in GRADED
    }


def test_the_button_waits_for_no_other_grader_but_says_that_one_is_at_work(doors):
    assert not doors.locked["success"]
    assert "another labkit grade is at work" in doors.locked["log"]


def test_generate_feedback_writes_the_kits_pages_with_what_a_person_gave(doors):
    course = doors.courses["button"]
    assert doors.feedback["success"], doors.feedback
    assert "Well tried." in _page(course, "wrong")
    assert "0.5 taken for handing in late" in _page(course, "wrong")
    changed = {
        name for name, content in _files(course).items() if content != doors.pressed[1][name]
    }
    assert changed == {f"feedback/wrong/{LAB}/{LAB}.html"}


# --- refusals -----------------------------------------------------------------------------------


@pytest.fixture
def course(tmp_path, fresh):
    return shutil.copytree(fresh, tmp_path / "course")


def _escape(course):
    """Hand in what writes outside; return the folder it would write to."""
    outside = course.with_name("outside")
    outside.mkdir()
    hand_in(course, "right", f"{ESCAPES.format(outside=str(outside))}\n{RIGHT}")
    return outside


def _said(answer):
    assert not answer["success"]
    return f"{answer.get('log', '')} {answer['error']}"


def _take_the_lines_out(course):
    config = course / "nbgrader_config.py"
    text = config.read_text()
    config.write_text(re.sub(r"^c\..*labkit.*$", "", text, flags=re.MULTILINE))
    assert config.read_text() != text


def test_where_the_lines_were_taken_out_nbgrader_runs_nothing(course):
    outside = _escape(course)
    (course / "gradebook.db").unlink()
    nbgrader_cycle.register(course, LAB)
    _take_the_lines_out(course)
    code, said = _nbgrader(course, "autograde", LAB)
    assert code == 1
    assert "No such kernel named use-labkit-grade" in said
    assert "use-labkit-grade" in _said(_autograde(course))
    assert list(outside.iterdir()) == []
    assert batch.grade(batch.Settings(course, LAB))[0].points == 3


def test_labkit_notebooks_refuses_a_configuration_without_the_lines(course):
    _take_the_lines_out(course)
    with pytest.raises(notebooks.NotebookError, match="would run students' code in your account"):
        notebooks.derive([LAB], course)


def test_a_gradebook_of_before_is_closed_by_the_next_labkit_grade(course):
    hand_in(course, "right", RIGHT)
    with _book(course) as book:
        book.find_notebook(LAB, LAB).kernelspec = '{"name": "python3"}'
        book.db.commit()
    batch.grade(batch.Settings(course, LAB))
    with _book(course) as book:
        assert "use-labkit-grade" in book.find_notebook(LAB, LAB).kernelspec


def test_notebooks_name_a_kernel_that_people_have_and_the_gradebook_none(course):
    for folder in ("labs", "solutions"):
        notebook = nbformat.read(course / folder / LAB / f"{LAB}.ipynb", as_version=4)
        assert notebook.metadata.kernelspec == lab_source.STUDENTS_KERNEL
    (course / "gradebook.db").unlink()
    nbgrader_cycle.register(course, LAB)
    with _book(course) as book:
        assert "use-labkit-grade" in book.find_notebook(LAB, LAB).kernelspec


def test_without_bubblewrap_the_button_refuses_and_names_the_command(course, monkeypatch):
    outside = _escape(course)
    monkeypatch.setattr(view.shutil, "which", lambda name: None)
    said = _said(_autograde(course))
    assert "apt-get install bubblewrap" in said
    assert f"`labkit grade {LAB}`" in said
    assert list(outside.iterdir()) == []
    assert not (course / "autograded").exists()


def test_a_gradebook_that_labkit_does_not_use_is_refused(course):
    hand_in(course, "right", RIGHT)
    api = nbgrader_api(course, Config(CourseDirectory={"db_url": f"sqlite:///{course}/another.db"}))
    said = _said(api.autograde(LAB, "right"))
    assert "another.db" in said
    assert "CourseDirectory.db_url" in said
    assert not (course / "autograded").exists()


def test_only_those_are_graded_whom_the_command_names(course):
    for student in ("ada", "adam", "bob"):
        hand_in(course, student, RIGHT)
    api = nbgrader_api(course, Config(CourseDirectory={"student_id_exclude": "adam"}))
    with on_path():
        assert api.autograde(LAB, "ada*")["success"]
        assert "nothing of" in _said(api.autograde(LAB, "adam"))
        assert "nothing of" in _said(api.autograde(LAB, "nobody"))
    assert [path.name for path in (course / "autograded").iterdir()] == ["ada"]


def test_feedback_of_what_labkit_has_not_graded_is_refused(course):
    notebook = course / "autograded" / "ada" / LAB / f"{LAB}.ipynb"
    notebook.parent.mkdir(parents=True)
    shutil.copy(course / "labs" / LAB / f"{LAB}.ipynb", notebook)
    with on_path():
        said = _said(nbgrader_api(course).generate_feedback(LAB, "ada"))
    assert f"`labkit grade {LAB}` has not graded it yet" in said
    assert not (course / "feedback").exists()


def test_the_page_of_a_refused_submission_stays_when_feedback_is_generated(course):
    path = hand_in(course, "ada", RIGHT)
    batch.grade(batch.Settings(course, LAB))
    path.write_text("{ this is not a notebook")
    batch.grade(batch.Settings(course, LAB))
    before = _page(course, "ada")
    with on_path():
        assert nbgrader_api(course).generate_feedback(LAB, "ada")["success"]
    assert _page(course, "ada") == before
    (course / "feedback" / "ada" / LAB / f"{LAB}.html").unlink()
    with on_path():
        assert nbgrader_api(course).generate_feedback(LAB, "ada")["success"]
    assert "3 of 3 points" in _page(course, "ada")


def test_the_exporter_itself_converts_no_notebook(course):
    exporter = SandboxedAutograde.__new__(SandboxedAutograde)
    with pytest.raises(GradingError, match="switched off"):
        exporter.from_filename(str(course / "labs" / LAB / f"{LAB}.ipynb"))
