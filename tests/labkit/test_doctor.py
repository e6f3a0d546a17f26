"""`labkit doctor` and `labkit data` say what is wrong, what to do, and exit accordingly."""

import tomllib

import pytest

from labkit import ROOT, cli, doctor


@pytest.fixture
def healthy(monkeypatch):
    """A doctor whose archive answers, without asking one."""
    monkeypatch.setattr(doctor, "_archive", lambda: doctor.Finding("archive", "answers"))


def test_a_good_machine_passes(healthy, capsys):
    assert cli.main(["doctor"]) == 0
    assert "FAIL" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("MEMORY_GB", 1e6, "close other programs"),
        ("DISK_GB", 1e6, "LABKIT_CACHE"),
        (
            "pinned",
            lambda: {"numpy": "0.1", "no-such-package": "1"},
            "no-such-package missing",
        ),
    ],
)
def test_what_is_missing_is_named_with_advice(healthy, monkeypatch, capsys, name, value, said):
    monkeypatch.setattr(doctor, name, value)
    assert cli.main(["doctor"]) == 1
    shown = capsys.readouterr().out
    assert "FAIL" in shown
    assert "->" in shown
    assert said in shown


@pytest.mark.parametrize(
    ("version", "good"),
    [((3, 10, 14), False), ((3, 11, 0), True), ((3, 13, 9), True), ((3, 14, 0), False)],
)
def test_python_must_be_a_version_the_package_allows(healthy, monkeypatch, capsys, version, good):
    """The limits are those of pyproject.toml, as the installed package states them."""
    monkeypatch.setattr(doctor.sys, "version_info", (*version, "final", 0))
    finding = next(doctor.examine())
    assert finding.what == "Python"
    stated = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert all(limit in finding.found for limit in stated.split(","))
    assert bool(finding.advice) is not good
    assert all(limit in finding.advice for limit in stated.split(",") if not good)


def test_an_archive_out_of_reach_is_named(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("LABKIT_ARCHIVE", str(tmp_path / "gone"))
    assert cli.main(["doctor"]) == 1
    assert "there is no such folder" in capsys.readouterr().out


def test_a_missing_sandbox_is_a_note_only(healthy, monkeypatch, capsys):
    found = doctor.shutil.which
    monkeypatch.setattr(
        doctor.shutil,
        "which",
        lambda name, **more: None if name == "bwrap" else found(name, **more),
    )
    assert cli.main(["doctor"]) == 0
    assert "bubblewrap" in capsys.readouterr().out


def test_data_check_fails_on_an_incomplete_survey(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("LABKIT_DATA", str(tmp_path))
    assert cli.main(["data", "--check"]) == 1
    assert "labkit data --rebuild" in capsys.readouterr().err


def test_pruning_removes_only_what_came_from_earlier_surveys(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("LABKIT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("LABKIT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "data" / "build").mkdir(parents=True)
    (tmp_path / "data" / "build" / "survey.json").write_text('{"fingerprint": "new"}')
    for name in ("embedded-new", "embedded-old", "sdss-dr17"):
        (tmp_path / "cache" / name / "sas").mkdir(parents=True)
        (tmp_path / "cache" / name / "sas" / "star.fits").write_bytes(b"x" * 2_000_000)
    assert cli.main(["data", "--prune"]) == 0
    assert "embedded-old: 2 MB" in capsys.readouterr().out
    assert sorted(p.name for p in (tmp_path / "cache").iterdir()) == ["embedded-new", "sdss-dr17"]
    assert cli.main(["data", "--prune"]) == 0
    assert "nothing of an earlier survey" in capsys.readouterr().out


def test_a_foreign_folder_is_never_overwritten(monkeypatch, tmp_path, capsys):
    build = tmp_path / "build"
    build.mkdir()
    (build / "thesis.tex").write_text("years of work")
    monkeypatch.setenv("LABKIT_DATA", str(tmp_path))
    assert cli.main(["data"]) == 1
    assert (build / "thesis.tex").read_text() == "years of work"
    assert "is not a survey" in capsys.readouterr().err
