"""The same batch on a Dask cluster: the same marks, and a worker that dies takes nobody along."""

import pytest

from labkit import cli
from labkit.grading import batch, read_mark

from .toy import LAB, hand_in, make_course

distributed = pytest.importorskip("distributed")

ANSWERS = {
    "ada": ("def double(x):\n    return x + x", 3),
    "blank": (None, 0),
    "exits": ("import os\ndef double(x): os._exit(0)", 0),
    "half": ("def double(x):\n    return float(2 * x)", 2),
    "killer": ("import os\nos.kill(-1, 9)\ndef double(x): return 2 * x", 0),
}


@pytest.fixture(scope="module")
def scheduler():
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster:
        yield cluster.scheduler_address


def test_a_batch_on_a_cluster(tmp_path, scheduler):
    course = make_course(tmp_path)
    for student, (answer, _) in ANSWERS.items():
        hand_in(course, student, answer)
    hand_in(course, "broken", None).write_text("{ not a notebook")
    report = {s.student: s for s in batch.grade(batch.Settings(course, LAB), dask=scheduler)}
    assert "not a notebook" in report.pop("broken").error
    assert {s: line.points for s, line in report.items()} == {s: p for s, (_, p) in ANSWERS.items()}
    assert read_mark(course, LAB, "ada").points == 3
    page = course / "feedback" / "ada" / LAB / f"{LAB}.html"
    assert "3 of 3" in page.read_text()
    # durable: what is done is not done again, on the cluster or here
    again = batch.grade(batch.Settings(course, LAB), dask=scheduler)
    assert not any(line.again for line in again if not line.error)
    assert not any(
        line.again for line in batch.grade(batch.Settings(course, LAB)) if not line.error
    )


def test_no_cluster_is_said(tmp_path, capsys, monkeypatch):
    course = make_course(tmp_path)
    hand_in(course, "ada", None)
    line = ["grade", LAB, "--course", str(course), "--dask", "tcp://127.0.0.1:9"]
    monkeypatch.setattr("labkit.grading.workers.CONNECT_SECONDS", 1)
    assert cli.main(line) == 1
    assert "no Dask scheduler answers at tcp://127.0.0.1:9" in capsys.readouterr().err
