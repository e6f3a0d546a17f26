"""Limits of one exercise, and chance that gives one submission one mark."""

import json

import nbformat
import pytest

from labkit.grading import batch, judge, repair
from labkit.sandbox import Limits

from . import toy
from .toy import LAB, hand_in, make_course

#: a limit of 0.6 s of computing, and of 3 s by the clock
LIMITS = Limits(patience=0.3, waiting=5.0)


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = tmp_path_factory.mktemp("course")
    script = toy.SCRIPT.replace('solution="double"', 'solution="double" seconds=2 memory_gb=0.4')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(toy, "SCRIPT", script)
        return make_course(folder)


def _judge(course, answer, limits=LIMITS):
    source, released = (
        nbformat.read(course / folder / LAB / f"{LAB}.ipynb", as_version=4)
        for folder in ("solutions", "labs")
    )
    for cell in released.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "double":
            cell.source = answer
    raw = json.dumps(released).encode()
    work = repair.repair(raw, repair.handed_out(released))
    return judge.judge(work, judge.tests(source), judge.Conditions(limits))


def test_computing_is_limited_by_processor_time(course):
    verdict = _judge(course, "def double(x):\n    while True: pass")
    assert "of computing time" in verdict.stopped[0]


def test_children_that_ended_count(course):
    code = (
        "import os\ndef double(x):\n    while True:\n        if (child := os.fork()):\n"
        "            os.waitpid(child, 0)\n        else:\n            sum(range(10**6)); os._exit(0)"
    )
    assert "of computing time" in _judge(course, code).stopped[0]


def test_waiting_costs_less_than_computing(course):
    code = "import time\ndef double(x):\n    time.sleep(0.7)\n    return 2 * x"
    verdict = _judge(course, code)
    assert (verdict.stopped, sum(o.points for o in verdict.outcomes)) == ([], 3)
    verdict = _judge(course, "import time\ndef double(x):\n    time.sleep(60)")
    assert "took longer than 3 s and" in verdict.stopped[0]


def test_an_exercise_has_its_own_memory(course):
    code = "import time\ndef double(x):\n    b = bytearray(b'x' * 600_000_000); time.sleep(2)"
    assert "more than 0.4 GB" in _judge(course, code).stopped[0]
    # what is no exercise has the lab's
    ahead = "import time\nb = bytearray(b'x' * 600_000_000); time.sleep(0.2); del b\n"
    verdict = _judge(course, "def double(x): return 2 * x", Limits(memory=100_000_000))
    assert verdict.stopped == []
    assert "more than 0.4 GB" in _judge(course, ahead + "def double(x): return 2 * x").stopped[0]


RANDOM = """
import random
import numpy as np
print("drawn", random.random(), np.random.rand(), np.random.default_rng().random(), hash("a"))
print("given", np.random.default_rng(5).random())
random.seed()
np.random.seed()
print("drawn again", random.random(), random.Random().random(), np.random.rand())
print("drawn by", np.random.Generator(np.random.PCG64()).random(), np.random.RandomState().rand())
print("drawn from", np.random.SeedSequence().entropy, np.random.Generator(np.random.MT19937()).random())
import torch
torch.seed()
print("drawn in torch", torch.rand(1).item())
def double(x):
    # right half of the time
    return 2 * x if np.random.default_rng().random() < 0.5 else x
"""


def _drawn(course, **options):
    (line,) = batch.grade(batch.Settings(course, LAB, **options), force=True)
    graded = nbformat.read(course / "autograded" / "luck" / LAB / f"{LAB}.ipynb", as_version=4)
    shown = [o.get("text", "") for c in graded.cells for o in c.get("outputs", [])]
    lines = [text for text in "\n".join(shown).splitlines() if text.startswith(("drawn", "given"))]
    return line.lost, *lines


def test_chance_is_the_same_each_time(tmp_path):
    course = make_course(tmp_path)
    hand_in(course, "luck", RANDOM)
    first = _drawn(course)
    assert _drawn(course) == first
    assert len(first) == 7
    assert first[2] == "given 0.8050029237453802"  # numpy's own
    other = _drawn(course, seed=3)
    assert other[1:] != first[1:]
    assert not set(other[1:]) & set(first[1:])
    assert _drawn(course, seed=3) == other
