"""Every exercise is proved: right answers keep all points, wrong ones lose exactly those named.

All of them go the way submissions go, through the sandbox. `labkit rivals` and LABKIT_THOROUGH try
each on every test that depends on it. A run of the tests spares trainings and samplings what says
little:

- a wrong answer meets those of their tests that it is to lose;
- one right answer of each exercise meets all of them, the first in its file; the others meet none;
- of an exercise that itself trains or samples, one right and six wrong answers are tried.
"""

import collections
import contextlib

import pytest

from labkit import cli, lab_source
from labkit.grading import judge, rivals
from tests.tiers import LABS, THOROUGH


def _first(found, kind, number):
    """The first answers of a kind in the file of each exercise."""
    first = collections.defaultdict(list)
    for rival in found:
        if rival.kind == kind:
            first[rival.lab, rival.exercise].append(rival)
    return {rival for each in first.values() for rival in each[:number]}


def _long_exercises(slug):
    tests = judge.tests(lab_source.read(slug))
    return {(slug, test.exercise) for test in tests if test.is_long}


ALL_RIVALS = [rival for lab in LABS for rival in rivals.read(lab)]
FIRST = _first(ALL_RIVALS, "right", 1)
LONG = {exercise for slug in LABS for exercise in _long_exercises(slug)}
TRIED = FIRST | _first(ALL_RIVALS, "wrong", 6)
RIVALS = [
    rival
    for rival in ALL_RIVALS
    if THOROUGH or rival in TRIED or (rival.lab, rival.exercise) not in LONG
]
SEEDS = range(1, 21 if THOROUGH else 4)
#: seeds tried in one interpreter, with one seed of its hashes
SEEDS_TOGETHER = 5


@pytest.fixture(scope="module")
def labs():
    """Labs by slug, opened when first asked for."""
    with contextlib.ExitStack() as stack:
        made = {}

        def lab(slug):
            if slug not in made:
                made[slug] = stack.enter_context(rivals.Lab(slug))
            return made[slug]

        yield lab


@pytest.fixture(scope="module")
def lost(labs):
    """The tests a rival fails; each is tried once."""
    known = {}

    def tests_lost(rival):
        if rival not in known:
            lab = labs(rival.lab)
            spared = frozenset() if THOROUGH or rival in FIRST else lab.long_tests - rival.loses
            known[rival] = lab.lost(rival.code, without=spared)
        return known[rival]

    return tests_lost


@pytest.mark.parametrize("rival", RIVALS, ids=str)
def test_rival_loses_exactly_what_it_names(rival, lost):
    found = lost(rival)
    assert found == rival.loses, f"{rival} loses {sorted(found)}, expected {sorted(rival.loses)}"


@pytest.mark.measured
@pytest.mark.parametrize("slug", LABS)
def test_wrong_answers_are_caught(slug, lost):
    rows = rivals.table({rival: lost(rival) for rival in RIVALS if rival.lab == slug})
    said, good = rivals.verdict(rows)
    left = sum(rival.lab == slug for rival in set(ALL_RIVALS) - set(RIVALS))
    more = f"; {left} of long exercises left to LABKIT_THOROUGH" if left else ""
    print(f"\n{cli.table(rows)}\n{slug}: {said}{more}")
    assert good


@pytest.mark.measured
@pytest.mark.parametrize("slug", LABS)
def test_model_keeps_everything_with_any_seed(slug):
    """Fresh inputs and fresh noise: no right answer loses points by bad luck."""
    unlucky = {}
    for first in SEEDS[::SEEDS_TOGETHER]:
        with rivals.Lab(slug, hash_seed=first) as lab:
            # test_safe_labs.py has the trainings and samplings with the seed of record
            spared = frozenset() if THOROUGH else lab.long_tests
            for seed in SEEDS[first - 1 : first - 1 + SEEDS_TOGETHER]:
                unlucky[seed] = lab.lost(None, seed, spared)
    lucky = sum(not names for names in unlucky.values())
    print(f"\n{slug}: full marks for the model answer with {lucky} of {len(SEEDS)} seeds")
    assert {seed: names for seed, names in unlucky.items() if names} == {}


@pytest.mark.parametrize("slug", LABS)
def test_blank_scores_nothing(slug, labs):
    lab = labs(slug)
    assert lab.lost(lab.blank()) == {test.name for test in lab.tests}


@pytest.mark.parametrize("slug", LABS)
def test_every_exercise_has_its_rivals(slug, labs):
    counts = collections.Counter((r.exercise, r.kind) for r in ALL_RIVALS if r.lab == slug)
    for exercise in labs(slug).exercises:
        right, wrong = counts[exercise, "right"], counts[exercise, "wrong"]
        assert right >= 2, f"{exercise} has {right} right rivals"
        assert wrong >= 4, f"{exercise} has {wrong} wrong rivals"


@pytest.mark.parametrize("slug", LABS)
def test_every_test_is_lost_by_some_rival(slug, labs):
    """A test no wrong answer fails would be a test that cannot fail."""
    losable = {name for rival in ALL_RIVALS if rival.lab == slug for name in rival.loses}
    assert {test.name for test in labs(slug).tests} <= losable
