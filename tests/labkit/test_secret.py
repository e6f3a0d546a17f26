"""The secret of a course: drawn once, kept to oneself, and not to be guessed.

That a survey built with one tells nothing of it is in tests/skysim/test_survey.py.
"""

import http.client
import json
import os
import shutil
import subprocess
from urllib.parse import urlsplit

import numpy as np
import pytest

from labkit import ROOT, cli, sandbox
from labkit.errors import CourseError
from labkit.secret import SHORTEST, course_secret, draw_secret, own_stars_file, secret_file
from skysim.stars.labels import Labels
from skysim.survey import build, mystery_stars
from skysim.survey.apogee_rows import mystery_row
from surveys.server import ArchiveServer

from ..grading import walled
from ..tiny_archive import make_archive

SECRET = "only this course knows it"


@pytest.fixture
def data(tmp_path, monkeypatch):
    """An empty folder of data, and no secret in the environment."""
    monkeypatch.delenv("LABKIT_SECRET", raising=False)
    monkeypatch.setenv("LABKIT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("LABKIT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.fixture
def built(monkeypatch):
    """Seeds of the surveys that `labkit data` builds, which are but their survey.json."""
    seeds = []

    def pretend(folder, seed, progress):
        seeds.append(seed)
        folder.mkdir(exist_ok=True)
        survey = {"fingerprint": build.fingerprint(seed), "limit": None}
        (folder / "survey.json").write_text(json.dumps(survey))
        sizes = {"stars": 1, "rows": 1, "bytes": 1, "seconds": 1}
        return {**survey, **sizes, "parts": {}, "peak_memory_bytes": 1, "workers": 1}

    monkeypatch.setattr(build, "build", pretend)
    digest = build.fingerprint(0)  # of the code and the facts, which takes its time
    monkeypatch.setattr(build, "fingerprint", lambda seed=build.PUBLIC_SEED: f"{digest} {seed}")
    return seeds


# --- drawing and keeping ------------------------------------------------------------------------


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_it_is_drawn_once_and_kept_for_its_owner_alone(data, umask):
    before = os.umask(umask)
    try:
        drawn = draw_secret()
    finally:
        os.umask(before)
    assert draw_secret() == course_secret() == drawn
    assert secret_file() == data / "secret"
    assert secret_file().read_text() == drawn + "\n"
    assert secret_file().stat().st_mode & 0o777 == 0o600
    secret_file().unlink()
    assert draw_secret() != drawn
    assert len(drawn) >= 2 * SHORTEST


def test_without_one_there_is_none(data):
    assert course_secret() == ""
    assert not secret_file().exists()


def test_the_environment_wins(data, monkeypatch):
    drawn = draw_secret()
    monkeypatch.setenv("LABKIT_SECRET", SECRET)
    assert course_secret() == draw_secret() == SECRET
    assert secret_file().read_text() == drawn + "\n"
    secret_file().unlink()
    assert draw_secret() == SECRET
    assert not secret_file().exists()  # it is the instructor's to keep
    monkeypatch.setenv("LABKIT_SECRET", "  ")
    assert course_secret() == ""


@pytest.mark.parametrize("short", ["x", "a" * (SHORTEST - 1), f"  {'a' * (SHORTEST - 1)} \n"])
@pytest.mark.parametrize("place", ["environment", "file"])
def test_one_that_could_be_guessed_is_refused_with_advice(data, monkeypatch, place, short):
    if place == "file":
        secret_file().write_text(short)
    else:
        monkeypatch.setenv("LABKIT_SECRET", short)
    for ask in (course_secret, draw_secret):
        with pytest.raises(CourseError, match="could be guessed") as caught:
            ask()
        assert f"at least {SHORTEST}" in str(caught.value)
        assert ("LABKIT_SECRET" if place == "environment" else str(data)) in str(caught.value)
        assert short.strip() not in str(caught.value).replace(f"{data}", "").split()
    monkeypatch.setenv("LABKIT_SECRET", "a" * SHORTEST)
    assert course_secret() == "a" * SHORTEST


def test_an_empty_file_does_not_bring_the_public_survey_back(data, built, capsys):
    secret_file().write_text("\n")
    assert cli.main(["data"]) == 1
    assert "has 0 characters" in capsys.readouterr().err
    assert built == []


# --- which survey `labkit data` makes -----------------------------------------------------------


def test_without_a_secret_the_public_survey_is_kept(data, built, capsys):
    for _ in range(2):
        assert cli.main(["data"]) == 0
    assert built == [build.PUBLIC_SEED]
    assert "there and current" in capsys.readouterr().out
    assert not secret_file().exists()


def test_with_a_secret_its_survey_is_made_and_kept(data, built, monkeypatch, capsys):
    assert cli.main(["data"]) == 0
    assert cli.main(["data", "--secret"]) == 0
    drawn = secret_file().read_text().strip()
    for arguments in (["data"], ["data", "--secret"]):
        assert cli.main(arguments) == 0
    assert secret_file().read_text().strip() == drawn
    assert built == [build.PUBLIC_SEED, build.seed_of(drawn)]
    monkeypatch.setenv("LABKIT_SECRET", SECRET)
    assert cli.main(["data"]) == 0
    assert built[2:] == [build.seed_of(SECRET)]
    monkeypatch.delenv("LABKIT_SECRET")
    assert cli.main(["data"]) == 0
    assert built[3:] == [build.seed_of(drawn)]
    said = capsys.readouterr()
    for told in (drawn, SECRET, str(built[1]), str(built[2])):
        assert told not in said.out + said.err


@pytest.fixture
def added(monkeypatch):
    """Seeds of the surveys to which `labkit data` adds students' own stars."""
    seeds = []
    monkeypatch.setattr(mystery_stars, "fingerprint", lambda seed: f"stars of {seed}")

    def pretend(folder, seed):
        seeds.append(seed)
        path = folder / "survey.json"
        stars = {"count": 19, "fingerprint": mystery_stars.fingerprint(seed)}
        path.write_text(json.dumps(json.loads(path.read_text()) | {"mystery_stars": stars}))
        return 19

    monkeypatch.setattr(mystery_stars, "add", pretend)
    return seeds


def test_stars_of_students_own_are_added_once_and_to_every_later_survey(data, built, added, capsys):
    assert cli.main(["data", "--secret"]) == 0
    seed = built[0]
    assert added == []
    for arguments in (["data", "--own-stars"], ["data"], ["data", "--own-stars"]):
        assert cli.main(arguments) == 0
    assert (built, added) == ([seed], [seed])
    assert "19 mystery stars" in capsys.readouterr().out
    assert cli.main(["data", "--rebuild"]) == 0
    assert (built, added) == ([seed] * 2, [seed] * 2)
    own_stars_file().unlink()
    assert cli.main(["data", "--rebuild"]) == 0
    assert (built, added) == ([seed] * 3, [seed] * 2)


def test_stars_of_students_own_need_a_secret(data, built, added, capsys):
    assert cli.main(["data", "--own-stars"]) == 1
    assert "labkit data --secret --own-stars" in capsys.readouterr().err
    assert list(data.iterdir()) == built == added == []
    assert cli.main(["data", "--secret", "--own-stars"]) == 0
    assert len(added) == 1


# --- nobody is told -----------------------------------------------------------------------------


def test_it_is_not_in_the_sandbox(data, tmp_path, monkeypatch):
    make_archive(data / "build")
    (data / "truth").mkdir()
    (data / "truth" / "apogee.npz").write_text(SECRET)
    (data / "build" / "products" / "told.npz").write_text("told to all")
    secret_file().write_text(SECRET)
    monkeypatch.setenv("LABKIT_SECRET", SECRET + "!")
    shared = tmp_path / "shared"
    shared.mkdir()
    walls = sandbox.walls(shared, sandbox.Limits())
    look = ["grep", "-rlaF", "--exclude-dir=packages", "-e"]
    places = ["/labkit", "/home", "/tmp", "/etc"]

    def seen(line):
        return walled.run(line, shared).stdout

    assert seen([*look, SECRET, *places]) == ""
    assert seen([*look, "told to all", *places]).split() == [
        "/labkit/survey/build/products/told.npz"
    ]
    assert SECRET not in seen(["env"])
    assert SECRET not in " ".join(walls)
    assert seen(["ls", str(secret_file()), str(data / "truth")]) == ""


def _status(address, path):
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_the_archive_serves_neither_secret_nor_truth(data):
    make_archive(data / "build")
    (data / "truth").mkdir()
    for path in (data / "secret", data / "truth" / "apogee.npz", data / "truth" / "a.fits"):
        path.write_text(SECRET)
    up = ("..", "../..", "%2e%2e", "%2e%2e/%2e%2e", "..%2f..", ".%2e/.%2e", "....//..")
    asked = ["/secret", "/data/secret", "/truth/apogee.npz", "/survey.json", "/truth.npz"]
    for start in ("/", "/sas/", "/sas/dr17/", "/labkit/products/", "/labkit/"):
        for file in ("secret", "truth/apogee.npz", "truth/a.fits", "build/truth.npz"):
            asked += [f"{start}{file}", *(f"{start}{steps}/{file}" for steps in up)]
    asked += [f"/labkit/products/{name}.npz" for name in ("truth", "secret", "Truth")]
    asked += [f"/sas/{data}/secret", f"/sas/{data}/truth/a.fits", f"/labkit/products/{data}/secret"]
    with ArchiveServer(data / "build") as server:
        for path in asked:
            status, body = _status(server.address, path)
            assert status == 404, path
            assert SECRET.encode() not in body
        assert _status(server.address, "/labkit/products/01_apogee.npz")[0] == 200


def test_git_never_takes_secret_truth_or_survey(tmp_path):
    shutil.copy(ROOT / ".gitignore", tmp_path)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    kept = [
        "data/secret",
        "data/own_stars",
        "data/truth/apogee.npz",
        "data/build/survey.json",
        "gradebook.db",
    ]
    asked = [*kept, "data/lines_h_band.csv"]
    line = ["git", "-C", str(tmp_path), "check-ignore", *asked]
    assert subprocess.run(line, capture_output=True, text=True).stdout.split() == kept


# --- not to be guessed --------------------------------------------------------------------------


def _labels(seed):
    labels: Labels = mystery_row(seed).truth
    return [labels.teff, labels.logg, labels.fe_h, labels.mg_fe, labels.si_fe]


def test_no_seed_one_would_guess_gives_the_mystery_star():
    seed = build.seed_of(SECRET)
    guessed = [*range(1001), build.PUBLIC_SEED, 31337, 2**31 - 1, 2**32 - 1, 2**64 - 1]
    guessed += range(20200101, 20200132)
    # nor does a part of the seed: all of it is used
    guessed += [seed % 2**32, seed >> 32, seed % 2**53, seed ^ 1, seed ^ (1 << 63), seed + 1]
    made = np.array([_labels(each) for each in guessed])
    secret = np.array(_labels(seed))
    np.testing.assert_array_equal(_labels(build.seed_of(SECRET)), secret)
    assert not np.isclose(made, secret, rtol=1e-6, atol=0).any()
    assert len(np.unique(made[:1001, 0])) == 1001


def test_the_seed_follows_from_all_of_the_secret():
    assert build.seed_of("") == build.PUBLIC_SEED
    others = [SECRET[:-1], SECRET + " ", SECRET.upper(), SECRET[::-1], *(SECRET + c for c in "ab")]
    seeds = [build.seed_of(each) for each in (SECRET, *others)]
    assert len(set(seeds)) == len(seeds)
    assert min(seeds) > 2**48
