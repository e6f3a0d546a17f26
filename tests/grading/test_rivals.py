"""Every exercise is proved: right answers keep all points, wrong ones lose exactly those named."""

import collections

import pytest

from helpers.course import source

from .rivals import Lab, blank, passes, read_rivals

LABS = source.labs()
RIVALS = [rival for lab in LABS for rival in read_rivals(lab)]


@pytest.fixture(scope="module")
def labs():
    made = {}
    return lambda slug: made.setdefault(slug, Lab(slug))


@pytest.mark.parametrize("rival", RIVALS, ids=str)
def test_rival(rival, labs):
    lost = labs(rival.lab).lost(rival.code)
    assert lost == rival.loses, f"{rival} loses {sorted(lost)}, expected {sorted(rival.loses)}"


@pytest.mark.parametrize("slug", LABS)
def test_model_keeps_everything(slug, labs):
    assert labs(slug).lost(None) == set()


@pytest.mark.parametrize("slug", LABS)
def test_blank_scores_nothing(slug, labs):
    lab = labs(slug)
    answers = blank(lab)
    assert [test.name for test in lab.tests if passes(test, answers)] == []


@pytest.mark.parametrize("slug", LABS)
def test_every_exercise_has_its_rivals(slug, labs):
    counts = collections.Counter((r.exercise, r.kind) for r in RIVALS if r.lab == slug)
    print(f"\n{slug}: exercise, right rivals, wrong rivals")
    for exercise in labs(slug).exercises:
        right, wrong = counts[exercise, "right"], counts[exercise, "wrong"]
        print(f"  {exercise:28s} {right} {wrong}")
        assert right >= 2, f"{exercise} has {right} right rivals"
        assert wrong >= 4, f"{exercise} has {wrong} wrong rivals"


@pytest.mark.parametrize("slug", LABS)
def test_every_test_is_lost_by_some_rival(slug, labs):
    """A test no wrong answer fails would be a test that cannot fail."""
    losable = {name for rival in RIVALS if rival.lab == slug for name in rival.loses}
    assert {test.name for test in labs(slug).tests} <= losable
