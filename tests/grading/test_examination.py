"""One submission's examination: its clocks, what is told of failures, and what marks depend on."""

import json
import time

import nbformat
import pytest

from helpers import checks
from labkit.grading import batch, examination, feedback, judge, repair
from labkit.grading.cells import Cell
from labkit.grading.examination import Examination
from labkit.sandbox import Limits, Stopped, shell
from surveys import fingerprints

from .toy import LAB, make_course

RIGHT = "def double(x):\n    return 2 * x"


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return make_course(tmp_path_factory.mktemp("course"))


def _examination(course, **settings):
    return Examination(batch.Settings(course, LAB, **settings))


def _raw(course, answer):
    """Return the released notebook with this answer."""
    notebook = nbformat.read(course / "labs" / LAB / f"{LAB}.ipynb", as_version=4)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "double":
            cell.source = answer
    return json.dumps(notebook).encode()


def _graded(examination, raw):
    """Return a submission marked, and if its page is to show what its cells did, shown."""
    sheet = examination.mark("ada", raw, [])
    return examination.show("ada", raw, [], sheet.result) if sheet.result["to_show"] else sheet


def _told(course, answer, **settings):
    result = _graded(_examination(course, **settings), _raw(course, answer)).result
    return [outcome["told"] for outcome in result["outcomes"]]


# --- clocks -------------------------------------------------------------------------------------


def _test(code):
    return judge.Test("test_x", 1.0, "x", 10.0, 0, code)


def test_a_test_that_computes_without_end_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(judge, "TEST_SECONDS", 0.2)
    with pytest.raises(Stopped, match="took too long with your answer"):
        judge.attempt(_test("while True: pass"), {}.__getitem__, tmp_path)


def test_while_the_work_is_waited_for_the_clock_of_the_test_stands(tmp_path, monkeypatch):
    monkeypatch.setattr(judge, "TEST_SECONDS", 0.2)

    def answers(name):
        time.sleep(0.5)
        return 3.0

    code = "from helpers import checks\nchecks.that(checks.submitted('x') == 3, 'three')"
    assert judge.attempt(_test(code), answers, tmp_path) == ("", False)


def test_the_end_of_the_labs_time_says_nothing_of_how_much_was_left(course):
    sleeps = "import time\ntime.sleep(1.2)\ndef double(x): time.sleep(60)"
    examination = _examination(course, limits=Limits(lab_seconds=2.5))
    result = examination.mark("ada", _raw(course, sleeps), []).result
    assert result["stopped"] == [judge.LATE]
    assert result["seconds"] < 10


def test_a_page_is_the_same_however_long_the_work_took():
    result = {"outcomes": [], "repairs": [], "stopped": [], "by_hand": 0}
    pages = {feedback.page(LAB, "t", "ada", {**result, "seconds": s}, []) for s in (1, 7.5)}
    assert len(pages) == 1


def test_an_endless_cell_that_nothing_uses_is_stopped_early(course):
    notebook = json.loads(_raw(course, RIGHT))
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "source": "while True: pass"}
    notebook["cells"].insert(2, cell)
    raw = json.dumps(notebook).encode()
    limits = Limits(story_seconds=10, waiting=60.0)
    result = _graded(_examination(course, limits=limits), raw).result
    assert result["stopped"] == [
        "A cell of yours took longer than 1 s of computing time and was stopped"
    ]
    assert sum(outcome["points"] for outcome in result["outcomes"]) == 3


def test_answers_of_one_notebook_have_a_budget_together(tmp_path, monkeypatch):
    monkeypatch.setattr(shell, "MAX_RECEIVED", 1_000_000)
    with shell.Shell(tmp_path, Limits()) as asked:
        look_up = {"do": "call", "name": "x", "arguments": None}

        def ask(request):
            return asked.ask(dict(request), shell.Budget(10, 10, 10**9), "it")

        for _ in range(2):
            ask({"do": "renew", "seed": 0})  # another notebook, another budget
            ask({"do": "run", "source": "x = 'x' * 600_000"})
            assert len(ask(look_up)["value"]) == 600_000
        with pytest.raises(Stopped, match="more data than was asked for"):
            ask(look_up)


# --- what is told -------------------------------------------------------------------------------


def test_a_cell_that_fails_before_its_answer_is_told_of_by_its_own_error(course):
    told = _told(course, "import no_such_package\n" + RIGHT)
    assert (
        told
        == [
            "the cell of `double` ended with an error: "
            "ModuleNotFoundError: No module named 'no_such_package'"
        ]
        * 2
    )
    assert "SyntaxError" in _told(course, "def double(x)\n    return 2 * x")[0]
    # without the story there is no such cell in which no test has been
    told = _told(course, "import no_such_package\n" + RIGHT, story=False)
    assert told == ["`double` is not defined"] * 2


def test_an_error_after_the_answer_is_no_excuse(course):
    told = _told(course, "def double(x):\n    return 3 * x\n1 / 0")
    assert told[0] == "that is not twice"


HIDDEN = """
from helpers import checks

shown = checks.submitted("double")
### BEGIN HIDDEN TESTS
secret_name = checks.submitted("other")
checks.that(secret_name == 2, f"the {'value'} you give is {secret_name}, not right")
### END HIDDEN TESTS
"""


@pytest.mark.parametrize(
    ("message", "seen", "told"),
    [
        ("`double` is not defined: run it", True, "`double` is not defined"),
        ("`double` is not written yet", True, "`double` is not written yet"),
        ("`double` is not defined", False, judge.SILENT),
        ("`secret_name` is not defined", True, judge.SILENT),
        ("`other` is not defined", True, judge.SILENT),
        ("`HIDDEN` is not defined", True, judge.SILENT),
        ("`doub` is not defined", True, judge.SILENT),
        ("the value you give is 2, not right", False, "the ... you give is ..., not right"),
        ("the you give is , not right", False, judge.SILENT),
    ],
)
def test_nothing_is_told_that_students_do_not_have(message, seen, told):
    assert judge.say(checks.CheckFailed(message), HIDDEN, seen) == told


def test_what_a_sandbox_refuses_with_is_never_a_hint():
    error = judge._Refused("the value you give is 2, not right")
    assert judge.say(error, HIDDEN, True) == judge.SILENT


# --- pages --------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["pictures", "graded_notebook"])
def test_a_failure_over_what_cells_show_costs_no_mark(part, course, monkeypatch):
    work = getattr(feedback, part)

    def fails(*arguments):
        shown = arguments[-1] if part == "graded_notebook" else arguments[0]
        if part == "graded_notebook" or shown:
            raise MemoryError
        return work(*arguments)

    monkeypatch.setattr(feedback, part, fails)
    sheet = _graded(_examination(course), _raw(course, RIGHT))
    assert sum(outcome["points"] for outcome in sheet.result["outcomes"]) == 3
    assert judge.NO_STORY in sheet.result["stopped"]
    assert bool(sheet.page) == (part == "pictures")


def test_a_failure_of_the_story_costs_no_mark(course, monkeypatch):
    def fails(*_):
        raise RuntimeError

    monkeypatch.setattr(judge.Story, "add", fails)
    sheet = _graded(_examination(course), _raw(course, RIGHT))
    assert sum(outcome["points"] for outcome in sheet.result["outcomes"]) == 3
    assert judge.NO_STORY in sheet.page


# --- what marks depend on -----------------------------------------------------------------------

DEPENDS_ON = [
    "helpers.checks",
    "helpers.figures",
    "helpers.plain_values",
    "helpers.properties",
    "labkit.grading.judge",
    "labkit.grading.repair",
    "labkit.sandbox.inside.seeding",
    "labkit.sandbox.inside.student",
    "labkit.sandbox.inside.wire",
    "labkit.sandbox.view",
    "surveys.sql",
]


@pytest.mark.parametrize("module", DEPENDS_ON)
def test_a_change_of_code_that_marks_depend_on_is_seen(module, course, monkeypatch):
    before = _examination(course).digest(b"", [])
    assert _examination(course).digest(b"", []) == before
    module_of = fingerprints._module
    end = f"{module.replace('.', '/')}.py"

    def changed(path):
        meaning, imported = module_of(path)
        return meaning + "pass" * path.as_posix().endswith(end), imported

    monkeypatch.setattr(fingerprints, "_module", changed)
    assert _examination(course).digest(b"", []) != before


def test_another_survey_seed_or_limit_is_seen(course, tmp_path, monkeypatch):
    digests = {_examination(course).digest(b"", [])}
    digests.add(_examination(course, seed=1).digest(b"", []))
    digests.add(_examination(course, limits=Limits(patience=1.0)).digest(b"", []))
    for fingerprint in ("a", "b"):
        (tmp_path / "survey.json").write_text(json.dumps({"fingerprint": fingerprint}))
        monkeypatch.setattr(examination, "survey_folder", lambda: tmp_path)
        digests.add(_examination(course).digest(b"", []))
    assert len(digests) == 5


def test_tests_stay_where_they_are_if_their_answer_is_above():
    cells = [Cell("solution", "f", "code", ""), Cell("test", "test_f", "code", "")]
    assert repair._tests_after_answers(cells) == []
    assert [cell.name for cell in cells] == ["f", "test_f"]
