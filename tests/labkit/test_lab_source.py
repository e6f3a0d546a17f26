"""A lab's script is refused, with cell and reason, when it breaks a convention."""

import subprocess
import sys

import pytest

from labkit import cli, lab_source
from labkit.lab_source import SourceError

from ..grading.toy import LAB, SCRIPT, make_course


def write(folder, script):
    path = folder / "solutions" / LAB / f"{LAB}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script)
    return folder


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('solution="double"', 'solve="double"'), "unknown words in the cell header: solve"),
        (('test="double" points=2', 'test="double"'), "points= is missing"),
        (('test="double.arrays"', 'test="double"'), "'test_double' stands on two cells"),
        (('explain="why"', 'solution="why"'), "cannot be a markdown cell"),
        (("### BEGIN SOLUTION", "# begin"), "needs a docstring and ### BEGIN SOLUTION"),
        (('test="double', 'test="triple'), "'double' has no test"),
    ],
)
def test_a_broken_convention_is_named(tmp_path, change, message):
    assert change[0] in SCRIPT
    with pytest.raises(SourceError, match=message):
        lab_source.read(LAB, write(tmp_path, SCRIPT.replace(*change)))


def test_reading_is_repeatable_and_ids_outlive_a_new_cell(tmp_path):
    before = lab_source.read(LAB, write(tmp_path, SCRIPT))
    assert before == lab_source.read(LAB, tmp_path)
    after = lab_source.read(
        LAB, write(tmp_path, "# %% [markdown]\n# A new first cell.\n\n" + SCRIPT)
    )
    assert [cell.id for cell in before.cells] == [cell.id for cell in after.cells[1:]]


def test_a_lab_runs_as_far_as_asked(tmp_path):
    story = "# %%\nfour = double(2)\n\n# %%\nnot_reached = double()\n\n"
    script = SCRIPT.replace("# %% [markdown] explain", story + "# %% [markdown] explain")
    write(tmp_path, script)
    assert "four" not in lab_source.solved_namespace(LAB, tmp_path)
    assert lab_source.solved_namespace(LAB, tmp_path, until="four")["four"] == 4
    assert "double" in lab_source.solved_namespace(LAB, tmp_path, until="double")
    with pytest.raises(SourceError, match="no cell of 00_toy defines 'eight'"):
        lab_source.solved_namespace(LAB, write(tmp_path, SCRIPT), until="eight")


def test_limits_reach_the_notebook(tmp_path):
    script = SCRIPT.replace('solution="double"', 'solution="double" seconds=45')
    cells = lab_source.read(LAB, write(tmp_path, script)).cells
    assert [c.metadata["labkit"] for c in cells if "labkit" in c.metadata] == [{"seconds": 45}]


@pytest.mark.slow
def test_derived_notebooks_are_written_once(tmp_path):
    from labkit import notebooks

    course = make_course(tmp_path)
    assert notebooks.stale([LAB], course) == {}
    (course / "labs" / LAB / f"{LAB}.ipynb").write_text("edited by hand")
    assert [path.parent.parent.name for path in notebooks.derive([LAB], course)] == ["labs"]


def test_labs_are_listed(tmp_path, capsys):
    course = str(make_course(tmp_path))
    assert cli.main(["labs", "--course", course]) == 0
    heads, *lines = capsys.readouterr().out.splitlines()
    assert heads.split() == ["lab", "title", "exercises", "points"]
    assert [line.split() for line in lines] == [[LAB, "A", "toy", "lab", "2", "6"]]
    assert cli.main(["labs", "--course", str(tmp_path / "labs")]) == 1
    assert "LABKIT_COURSE" in capsys.readouterr().err


def test_a_package_that_is_missing_is_named_with_advice():
    code = "import sys; sys.modules['psutil'] = None; from labkit import cli; cli.main(['doctor'])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "the package psutil is not installed" in run.stderr
    assert "`course`" in run.stderr
    assert "Traceback" not in run.stderr


def test_help_is_there_for_every_command(capsys):
    commands = (
        "labs",
        "data",
        "notebooks",
        "walkthrough",
        "reference",
        "doctor",
        "rivals",
        "grade",
    )
    for command in commands:
        with pytest.raises(SystemExit) as ended:
            cli.main([command, "--help"])
        assert ended.value.code == 0
        assert len(capsys.readouterr().out) > 100


def test_wrong_usage_exits_with_2(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["bake"])
    assert ended.value.code == 2
    assert "invalid choice" in capsys.readouterr().err


def test_definitions_come_without_running_the_lab():
    source = lab_source.definitions("08_csst", ("photon_counts", "PART_STEPS", "SubUnit"))
    assert "def photon_counts" in source
    assert "class SubUnit" in source
    assert source.count("PART_STEPS, PART_WIDTH =") == 1
    with pytest.raises(SourceError, match="defines no nothing_of_this_name"):
        lab_source.definitions("08_csst", ("nothing_of_this_name",))
