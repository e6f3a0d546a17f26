"""All marks come first; what cells showed follows, from the saved notebook where it can."""

import base64
import io
import itertools
import json
import subprocess
import sys

import nbformat
import pytest
from PIL import Image

from labkit.grading import batch, examination, judge, story, workers
from labkit.grading.cells import Cell
from labkit.sandbox import view

from .toy import LAB, hand_in, make_course

RIGHT = "def double(x):\n    return x + x"
#: shows another text in each process, so that a page tells which run it comes from
ASKS = "import os\nprint('process', os.getpid())"


def _png(color):
    buffer = io.BytesIO()
    Image.new("RGB", (4, 3), color).save(buffer, format="PNG")
    return base64.b64encode(buffer.getvalue()).decode()


SAVED = [
    nbformat.v4.new_output("stream", text="saved text\n"),
    nbformat.v4.new_output("display_data", data={"image/png": _png("red")}),
    nbformat.v4.new_output(
        "display_data",
        data={
            "text/html": f'<img src="data:image/png;base64,{_png("blue")}" alt="Blue &amp; flat">'
        },
    ),
]


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Three students: outputs saved, outputs cleared, and a wrong answer with outputs saved."""
    course = make_course(tmp_path_factory.mktemp("course"))
    for student, answer, outputs in (
        ("saved", RIGHT, SAVED),
        ("cleared", RIGHT, []),
        ("wrong", "def double(x):\n    return 3 * x", SAVED),
    ):
        path = hand_in(course, student, answer, after=[ASKS])
        notebook = nbformat.read(path, as_version=4)
        notebook.cells[-1].outputs = outputs
        nbformat.write(notebook, path)
    return course


@pytest.fixture(scope="module")
def seen(course):
    """Grade the course; return the report, and what of each student was done in which order."""
    done = []
    show = judge.show

    with pytest.MonkeyPatch.context() as patch:

        def local(examined, tasks, count):
            for task in tasks:
                done.append(("mark" if task.result is None else "show", task.student))
                yield task, workers._grade(examined, task)

        def shown(*args, **options):
            done.append(("run", "whole" if options["whole"] else "answers"))
            return show(*args, **options)

        patch.setattr(workers, "local", local)
        patch.setattr(judge, "show", shown)
        report = batch.grade(batch.Settings(course, LAB))
    return {line.student: line for line in report}, done


def _page(course, student):
    return (course / "feedback" / student / LAB / f"{LAB}.html").read_text()


def _printed_last(course, student):
    """Return what the graded notebook says its last cell printed."""
    path = course / "autograded" / student / LAB / f"{LAB}.ipynb"
    outputs = nbformat.read(path, as_version=4).cells[-1].outputs
    return "".join(output.get("text", "") for output in outputs)


def test_all_marks_come_before_any_page_is_finished(seen):
    steps = [step for step, _ in seen[1] if step != "run"]
    assert steps == ["mark"] * 3 + ["show"] * 3


def test_a_notebook_runs_again_only_where_that_tells_more(seen):
    before = {now: then[1] for then, now in itertools.pairwise(seen[1]) if now[0] == "run"}
    assert before == {("run", "whole"): "cleared", ("run", "answers"): "wrong"}
    assert {student: line.points for student, line in seen[0].items()} == {
        "cleared": 3,
        "saved": 3,
        "wrong": 0,
    }


def test_saved_pictures_and_texts_are_on_the_page(course, seen):
    page = _page(course, "saved")
    assert page.count("<img") == 2
    assert 'alt="Blue &amp; flat"' in page
    assert _printed_last(course, "saved") == "saved text\n"


def test_cleared_outputs_are_made_anew(course, seen):
    assert _printed_last(course, "cleared").startswith("process ")


def test_a_wrong_answer_with_saved_outputs_is_told_why(course, seen):
    assert "that is not twice" in _page(course, "wrong")
    assert _page(course, "wrong").count("<img") == 2


def test_pages_are_finished_by_the_next_run_if_the_first_was_stopped(course, seen, monkeypatch):
    def dies(self, task, sheet):
        raise KeyboardInterrupt

    settings = batch.Settings(course, LAB)
    with monkeypatch.context() as patch:
        patch.setattr(batch._Batch, "show", dies)
        with pytest.raises(KeyboardInterrupt):
            batch.grade(settings, ["saved"], force=True)
    assert "<img" not in _page(course, "saved")
    (line,) = batch.grade(settings, ["saved"])
    assert not line.again
    assert line.points == 3
    assert _page(course, "saved").count("<img") == 2


def test_marks_stay_if_the_grader_fails_over_a_page(course, seen, monkeypatch):
    def fails(*_, **__):
        raise MemoryError

    def local(examined, tasks, count):
        for task in tasks:
            yield task, workers._grade(examined, task)

    monkeypatch.setattr(workers, "local", local)
    monkeypatch.setattr(examination.Examination, "show", fails)
    (line,) = batch.grade(batch.Settings(course, LAB), ["cleared"], force=True)
    assert line.points == 3
    assert not line.error
    assert judge.NO_STORY in _page(course, "cleared")


HOSTILE = {
    "no_list": {"a": 1},
    "no_dicts": [1, None, "x", [[]]],
    "no_data": [{"output_type": "display_data", "data": 5}],
    "no_base64": [{"output_type": "display_data", "data": {"image/png": "%%%"}}],
    "lists_of_anything": [{"output_type": "stream", "text": [1, {"a": 2}, "ok"]}],
    "an_error_of_objects": [{"output_type": "error", "ename": {}, "evalue": ["x"] * 9}],
    "ten_thousand_pictures": [{"output_type": "display_data", "data": {"image/png": _png("red")}}]
    * 10_000,
    "html_without_end": [
        {"output_type": "x", "data": {"text/html": 'src="data:image/png;base64,' * 50_000}}
    ],
}


@pytest.mark.parametrize("outputs", HOSTILE.values(), ids=HOSTILE)
def test_outputs_that_are_none_do_no_harm(outputs):
    found = story.saved([Cell("own", "", "code", "", outputs=outputs)])
    assert all(len(shown["figures"]) <= story.MAX_FIGURES for shown in found.shown)
    assert json.dumps([shown["printed"] for shown in found.shown])


def test_what_tests_printed_is_not_taken_from_the_file():
    outputs = [{"output_type": "stream", "text": "passed"}]
    assert story.saved([Cell("test", "test_x", "code", "", outputs=outputs)]).shown == []


# --- corner plots -------------------------------------------------------------------------------

DRAWS = """
import numpy as np
import corner
import matplotlib
matplotlib.use("agg")
sample = np.random.default_rng(1).normal(size=(300, 2))
figure = corner.corner(sample, labels=["a", "b"], truths=[0, 1], show_titles=True)
figure.canvas.draw()
import hashlib, sys
print(hashlib.sha256(bytes(figure.canvas.buffer_rgba())).hexdigest(), "arviz" in sys.modules)
"""
INFERENCE = """
import numpy as np
import corner
data = {"x": np.random.default_rng(1).normal(size=(1, 300)), "y": np.ones((1, 300)).cumsum(1)}
figure = corner.corner(data, var_names=["x", "y"])
import sys
print(len(figure.axes), "arviz" in sys.modules)
"""


def _printed(code, *, quick):
    install = "import plain_corner\nplain_corner.install()\n" if quick else ""
    found = f"import sys\nsys.path.insert(0, {str(view.INSIDE)!r})\n"
    line = [sys.executable, "-c", found + install + code]
    run = subprocess.run(line, capture_output=True, text=True, check=True)
    return run.stdout.split()


def test_corner_plots_of_arrays_are_the_same_without_arviz():
    with_it, without = _printed(DRAWS, quick=False), _printed(DRAWS, quick=True)
    assert with_it == [without[0], "True"]
    assert without[1] == "False"


def test_corner_plots_of_inference_data_are_drawn_with_arviz():
    assert _printed(INFERENCE, quick=True) == ["4", "True"]
