"""Slips that a machine makes in the model answers lose points.

A sample in each run of the tests, of exercises that take seconds; all of them (of trainings and long
samplings a few) where LABKIT_THOROUGH is set, and by `labkit mutants`.
"""

import dataclasses

import pytest

from labkit import cli, lab_source
from labkit.errors import GradingError
from labkit.grading import judge, mutants, rivals, trial
from tests.tiers import LABS, THOROUGH

#: mutants tried of each cheap exercise, in every run
SAMPLE = 2


# --- which there are, and which no test need notice ---------------------------------------------


def test_a_mutant_is_named_by_its_line_in_the_script():
    made = mutants.of_lab("01_apogee", only="is_flagged")
    mutant = next(mutant for mutant in made if "2 ** bit" in mutant.change)
    script = lab_source.script("01_apogee").read_text().splitlines()
    assert "2**bit" in script[mutant.line - 1]
    assert str(mutant).startswith(f"solutions/01_apogee/01_apogee.py:{mutant.line}: is_flagged: ")


def test_an_exercise_that_is_not_there_is_named():
    with pytest.raises(GradingError, match=r"no exercise 'gravity'; it has .*surface_gravity"):
        mutants.of_lab("01_apogee", only="gravity")


@pytest.mark.parametrize("slug", LABS)
def test_every_entry_of_equivalent_mutants_fits_one(slug):
    entries = mutants.equivalents(slug).keys()
    exercises = {exercise for exercise, _ in entries}
    made = {mutant.key for each in exercises for mutant in mutants.of_lab(slug, only=each)}
    stale = entries - made
    assert not stale, (
        f"tests/grading/{slug}/equivalent.toml names mutants that are no more: {stale}"
    )


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ('exercise = "f"\nmutants = ["constant: 1 => 2"]', "entry 1 needs"),
        ('exercise = "f"\nreason = "it is"\nmutants = ["constant: 1 => 2"]', "a reason in words"),
        ('exercise = "f"\nreason = "no test could tell"\nmutants = []', "mutants as"),
        ('exercise = "f', "line"),
    ],
)
def test_an_entry_without_a_reason_is_refused(tmp_path, entry, said):
    folder = tmp_path / "tests" / "grading" / "01_toy"
    folder.mkdir(parents=True)
    (folder / "equivalent.toml").write_text(f"[[equivalent]]\n{entry}\n")
    with pytest.raises(GradingError, match=said):
        mutants.equivalents("01_toy", tmp_path)


def test_a_sample_is_the_same_each_time_and_hardly_changes_with_an_answer():
    made = mutants.of_lab("01_apogee")
    numbers = dict.fromkeys({mutant.exercise for mutant in made}, 5)
    first = mutants.sample(made, numbers)
    assert first == mutants.sample(made, numbers)
    assert first != mutants.sample(made, numbers, seed=1)
    assert all(5 >= sum(m.exercise == e for m in first) >= 1 for e in numbers)
    fewer = [mutant for mutant in made if mutant not in first[::7]]
    assert set(first) - set(first[::7]) < set(mutants.sample(fewer, numbers))
    assert mutants.sample(made, {}) == made


# --- how they are tried -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lab():
    with rivals.Lab("01_apogee") as opened:
        yield opened


def model(exercise):
    cells = lab_source.read("01_apogee").cells
    return next(
        c.source for c in cells if c.metadata.get("nbgrader", {}).get("grade_id") == exercise
    )


def test_an_answer_like_the_model_survives(lab):
    code = model("observed_wavelength").replace("299792.458", "2.99792458e5")
    assert trial.Trial(lab).killer("observed_wavelength", code) == ""


@pytest.mark.parametrize(
    "slip",
    [
        "star_velocity + barycentric_correction",  # wrong
        "star_velocity - barycentric_correction[0]",  # raises
        "[None for _ in iter(int, 1)]",  # never ends
        "__import__('os')._exit(1)",
    ],
)
def test_a_wrong_answer_is_killed_however_it_ends(lab, slip, monkeypatch):
    monkeypatch.setattr(trial, "LEAST_SECONDS", 1.0)
    code = model("observed_wavelength")
    changed = code.replace("star_velocity - barycentric_correction", slip)
    assert changed != code
    lost = trial.Trial(lab).killer("observed_wavelength", changed)
    assert lost.startswith("test_observed_wavelength")


def test_a_cell_that_fails_leaves_no_answer(lab):
    """The model answer does not stand in for one that cannot even be defined."""
    assert trial.Trial(lab).killer("is_flagged", "1 / 0\n" + model("is_flagged"))


def test_what_is_known_is_not_tried_again(lab, tmp_path, monkeypatch):
    kept = tmp_path / "build" / "known.jsonl"
    right, wrong = model("is_flagged"), model("is_flagged").replace("!= 0", "== 0")
    first = trial.Trial(lab, trial.Known(kept))
    found = [first.killer("is_flagged", code) for code in (right, wrong)]
    assert found[0] == ""
    assert found[1]
    kept.write_text(kept.read_text() + '{"key": "cut o')  # stopped while writing
    with monkeypatch.context() as patch:
        patch.setattr(lab, "outcomes", lambda *given: iter(()))
        again = trial.Trial(lab, trial.Known(kept))
        assert [again.killer("is_flagged", code) for code in (right, wrong)] == found
    # another test of the same name has yet to be met
    tests = [dataclasses.replace(test, code=f"{test.code}\n# new") for test in lab.tests]
    monkeypatch.setattr(lab, "tests", tests)
    asked = []
    outcomes = lab.outcomes
    monkeypatch.setattr(lab, "outcomes", lambda *given: asked.append(given) or outcomes(*given))
    assert [bool(again.killer("is_flagged", code)) for code in (right, wrong)] == [False, True]
    assert asked


def test_a_model_that_loses_a_test_says_so(lab, monkeypatch):
    broken = [
        dataclasses.replace(test, code=f"{test.code}\nraise ValueError")
        for test in lab.tests
        if test.exercise == "is_flagged"
    ]
    monkeypatch.setattr(lab, "tests", broken)
    with pytest.raises(GradingError, match="the model answer loses test_is_flagged"):
        trial.Trial(lab).killer("is_flagged", model("is_flagged"))


def test_several_workers_find_the_same():
    """Of two tests as quick as each other either may come first."""
    made = mutants.of_lab("01_apogee", only="is_flagged")[:6]
    alone, together = (
        {mutant for mutant, test in trial.killers("01_apogee", made, workers=count) if test}
        for count in (1, 2)
    )
    assert alone == together != set()


# --- the labs -----------------------------------------------------------------------------------


def fared(slug, made, numbers, longest=judge.LONG_SECONDS):
    """Try so many mutants of each exercise, but for those known as equivalent."""
    drawn = mutants.sample(made, numbers)
    equivalent = mutants.equivalents(slug)
    tried = [mutant for mutant in drawn if mutant.key not in equivalent]
    killers = dict(trial.killers(slug, tried, longest=longest)) if tried else {}
    return mutants.Result.of(made, drawn, equivalent, killers)


@pytest.mark.measured
def test_a_sample_of_mutants_is_killed():
    """In all labs together: of a single one, a sample so small would say too little."""
    results = {}
    for slug in LABS:
        tests = judge.tests(lab_source.read(slug))
        limits = {test.exercise: test.seconds for test in tests}
        cheap = [each for each in limits if limits[each] <= lab_source.DEFAULT_SECONDS]
        made = [mutant for each in cheap for mutant in mutants.of_lab(slug, only=each)]
        numbers = dict.fromkeys(cheap, SAMPLE)
        results[slug] = fared(slug, made, numbers, longest=lab_source.DEFAULT_SECONDS)
        print(f"{slug}: {results[slug]}")
    survivors = [mutant for result in results.values() for mutant in result.survivors]
    killed = sum(len(result.killed) for result in results.values())
    assert killed > 100
    assert killed / (killed + len(survivors)) >= mutants.KILL_SHARE, "\n".join(map(str, survivors))


@pytest.mark.measured
@pytest.mark.skipif(not THOROUGH, reason="takes an hour: LABKIT_THOROUGH, or `labkit mutants`")
@pytest.mark.parametrize("slug", LABS)
def test_mutants_are_killed(slug):
    result = fared(slug, mutants.of_lab(slug), mutants.most(slug))
    print(f"\n{cli.table(result.table())}\n{slug}: {result}")
    assert result.share >= mutants.KILL_SHARE, "\n".join(map(str, result.survivors))


@pytest.mark.skipif(not THOROUGH, reason="takes minutes: LABKIT_THOROUGH")
@pytest.mark.parametrize("slug", LABS)
def test_equivalent_mutants_do_survive(slug):
    long = mutants.most(slug)
    equivalent = mutants.equivalents(slug)
    chosen = [m for m in mutants.of_lab(slug) if m.key in equivalent and m.exercise not in long]
    killed = {str(m): test for m, test in trial.killers(slug, chosen) if test} if chosen else {}
    assert not killed, "these are called equivalent, and a test tells them from a right answer"
