"""Every exercise is proved: right answers keep all points, wrong ones lose exactly those named.

All of them go the way submissions go, through the sandbox. A wrong answer is not tried on the
trainings and samplings of other exercises of which it names no test, but where LABKIT_THOROUGH is
set (and by `labkit rivals`).
"""

import collections
import contextlib

import pytest

from labkit import cli
from labkit.grading import rivals
from tests.tiers import LABS, QUICK_LABS, THOROUGH

RIVALS = [rival for lab in LABS for rival in rivals.read(lab)]
SEEDS = range(1, 21)
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
            without = frozenset() if THOROUGH else lab.long_tests_of_others(rival)
            known[rival] = lab.lost(rival.code, without=without)
        return known[rival]

    return tests_lost


@pytest.mark.parametrize("rival", RIVALS, ids=str)
def test_rival(rival, lost):
    found = lost(rival)
    assert found == rival.loses, f"{rival} loses {sorted(found)}, expected {sorted(rival.loses)}"


@pytest.mark.measured
@pytest.mark.parametrize("slug", LABS)
def test_kill_rate(slug, lost):
    rows = rivals.table({rival: lost(rival) for rival in RIVALS if rival.lab == slug})
    said, good = rivals.verdict(rows)
    print(f"\n{cli.table(rows)}\n{slug}: {said}")
    assert good


@pytest.mark.measured
@pytest.mark.parametrize("slug", LABS)
def test_model_keeps_everything_with_any_seed(slug):
    """Fresh inputs and fresh noise: no right answer loses points by bad luck."""
    # test_safe_labs.py adds the seed of record
    seeds = SEEDS if slug in QUICK_LABS else SEEDS[:1]
    unlucky = {}
    for first in seeds[::SEEDS_TOGETHER]:
        with rivals.Lab(slug, hash_seed=first) as lab:
            for seed in seeds[first - 1 : first - 1 + SEEDS_TOGETHER]:
                unlucky[seed] = lab.lost(None, seed)
    lucky = sum(not names for names in unlucky.values())
    print(f"\n{slug}: full marks for the model answer with {lucky} of {len(seeds)} seeds")
    assert {seed: names for seed, names in unlucky.items() if names} == {}


@pytest.mark.parametrize("slug", LABS)
def test_blank_scores_nothing(slug, labs):
    lab = labs(slug)
    assert lab.lost(lab.blank()) == {test.name for test in lab.tests}


@pytest.mark.parametrize("slug", LABS)
def test_every_exercise_has_its_rivals(slug, labs):
    counts = collections.Counter((r.exercise, r.kind) for r in RIVALS if r.lab == slug)
    for exercise in labs(slug).exercises:
        right, wrong = counts[exercise, "right"], counts[exercise, "wrong"]
        assert right >= 2, f"{exercise} has {right} right rivals"
        assert wrong >= 4, f"{exercise} has {wrong} wrong rivals"


@pytest.mark.parametrize("slug", LABS)
def test_every_test_is_lost_by_some_rival(slug, labs):
    """A test no wrong answer fails would be a test that cannot fail."""
    losable = {name for rival in RIVALS if rival.lab == slug for name in rival.loses}
    assert {test.name for test in labs(slug).tests} <= losable
