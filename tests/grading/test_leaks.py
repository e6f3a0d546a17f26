"""Real labs: nothing that is hidden comes out in release, feedback, logs, or is seen from within.

Looked for: every line of a hidden test, of a model answer and of a rubric that students do not have
in what is shown to them; numbers of hidden tests with four significant figures or more that no lab
tells its students; folders of the source.
"""

import functools
import html
import json
import re
import subprocess
import sys

import nbformat
import pytest

from labkit import ROOT, lab_source
from labkit.grading import judge, rivals
from labkit.grading.cells import role
from tests.tiers import LABS, THOROUGH

from . import walled
from .course import copy_course, hand_in_cells

#: a cell may ask for more than one function
ANSWER = r"(?s)### BEGIN SOLUTION(.*?)### END SOLUTION"
#: labs whose feedback is looked at
GRADED = LABS if THOROUGH else ["01_apogee", "04_isochrones"]
WORDS = ("HIDDEN TESTS", "BEGIN SOLUTION", str(ROOT / "solutions"), "solutions/")


@functools.cache
def _parts(slug):
    """Return what students are shown of a lab's source, and what they are not."""
    shown, kept = [], []
    for cell in lab_source.read(slug).cells:
        kind = role(cell)
        if kind == "test":
            open_lines = judge.visible(cell.source)
            shown.append(open_lines)
            kept += [line for line in cell.source.splitlines() if line not in open_lines]
        elif kind == "solution":
            shown.append(re.sub(ANSWER, "", cell.source))
            kept += "\n".join(re.findall(ANSWER, cell.source)).splitlines()
        elif kind == "explain":
            kept += cell.source.splitlines()
        else:
            shown.append(cell.source)
    return "\n".join(shown), [line.strip() for line in kept]


@functools.cache
def _told():
    """Return what the labs tell all students: a number that stands there is no secret."""
    return "\n".join(_parts(slug)[0] for slug in LABS)


@functools.cache
def secrets_of(slug, shortest=25):
    shown, kept = _parts(slug)
    # a hint was written to be read, and names of columns are no secret: what else is in the line?
    lines = {line for line in kept if len(re.sub(r'"[^"]*"', "", line)) >= shortest}
    numbers = {number for line in kept for number in re.findall(r"(?<![\w.])\d[\d_.]{3,}\b", line)}
    numbers = {n for n in numbers if len(re.sub(r"\D", "", n).strip("0")) >= 4}
    numbers = {n for n in numbers if n not in _told()}
    return frozenset(text for text in lines | numbers if text not in shown)


def _found(secrets, text, own=""):
    """Return the secrets in a text, but for those its author knew."""
    text = html.unescape(re.sub(r"data:image/png;base64,[^\"]*", "", text))
    return [
        secret
        for secret in (*secrets, *WORDS)
        if secret not in own
        and secret in text  # sooner seen than searched for
        and re.search(rf"(?<![\w.]){re.escape(secret)}", text)
    ]


def _text(path):
    if path.suffix != ".ipynb":
        return path.read_text()
    cells = nbformat.read(path, as_version=4).cells
    shown = [cell.source for cell in cells]
    for output in (output for cell in cells for output in cell.get("outputs", [])):
        shown += [json.dumps(output.get(key, "")) for key in ("text", "evalue", "traceback")]
        shown.append(str(output.get("data", {}).get("text/plain", "")))
    return "\n".join(shown)


@pytest.mark.parametrize("slug", LABS)
def test_there_is_something_to_look_for(slug):
    secrets = secrets_of(slug)
    assert len(secrets) > 100
    solved = (ROOT / "solutions" / slug / f"{slug}.py").read_text()
    assert len(_found(secrets, solved.replace("\n# ", "\n"))) > 100


@pytest.mark.parametrize("slug", LABS)
def test_release_holds_no_secret(slug):
    assert _found(secrets_of(slug), _text(ROOT / "labs" / slug / f"{slug}.ipynb")) == []


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A wrong answer to every exercise and a blank sheet, by `labkit grade`; what it said."""
    course = copy_course(tmp_path_factory.mktemp("course"), GRADED)
    said = {}
    for slug in GRADED:
        wrong = {r.exercise: r.code for r in rivals.read(slug) if r.kind == "wrong"}
        hand_in_cells(course, "wrong", slug, wrong)
        hand_in_cells(course, "blank", slug, {})
        line = [sys.executable, "-m", "labkit.cli", "grade", slug, "--course", str(course)]
        run = subprocess.run(line, cwd=ROOT, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        said[slug] = run.stdout + run.stderr
    return course, said


@pytest.mark.parametrize("slug", GRADED)
def test_feedback_and_logs(slug, graded):
    course, said = graded
    secrets = secrets_of(slug)
    assert _found(secrets, said[slug]) == []
    for student in ("wrong", "blank"):
        own = _text(course / "submitted" / student / slug / f"{slug}.ipynb")
        for folder, suffix in (("feedback", "html"), ("autograded", "ipynb")):
            path = course / folder / student / slug / f"{slug}.{suffix}"
            text = _text(path)
            assert _found(secrets, text, own) == [], path
            assert str(course) not in text


def test_view_from_within(tmp_path):
    """A search of all files in the sandbox but Python's, the packages' and the stars'.

    Lines shorter than forty characters are left out: `helpers` says such things as
    ``rng = np.random.default_rng(seed)`` too.
    """
    lines = {text for slug in LABS for text in secrets_of(slug, shortest=40)}
    secrets = {text for text in lines if not re.fullmatch(r"[\d_.]+", text)}
    look = ["grep", "-rlaF", "-f", "-", "/labkit", "/home", "/tmp", "/etc", str(tmp_path)]
    look += ["--exclude-dir=packages", "--exclude-dir=sas"]
    for patterns, there in ((sorted({*secrets, *WORDS[2:3]}), ""), (["answers_from"], "checks.py")):
        run = walled.run(look, tmp_path, input="\n".join(patterns))
        found = run.stdout.splitlines()
        assert any(there in path for path in found) if there else found == [], found
