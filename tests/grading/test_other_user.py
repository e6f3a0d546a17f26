"""The grader as a user who is not root: the same sandbox, the same marks, the same walls.

Root lends itself to a test in a mount namespace of its own, where Python's folder can be read by
others even if it lies in root's home. Who is not root runs all other tests this way already.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from labkit import ROOT
from labkit.grading import read_mark
from labkit.sandbox import landlock
from tests.tiers import THOROUGH

from .toy import LAB, hand_in, make_course

USER = "4321"
PYTHON = Path(sys.base_prefix)
#: a home that shows nothing but the way to Python, and then another user
AS_ANOTHER = f"""
set -e
if [ -n "$HOME_OF_PYTHON" ]; then
  mkdir -p "$KEPT" && mount --bind {PYTHON} "$KEPT"
  mount -t tmpfs -o mode=755 tmpfs "$HOME_OF_PYTHON"
  mkdir -p {PYTHON} && mount --bind "$KEPT" {PYTHON}
fi
exec setpriv --reuid "$USER" --regid "$USER" --clear-groups "$@"
"""


def _closed_folder(path):
    """Return the first folder on the way to a path that others may not enter, "" if there is none."""
    for folder in reversed(path.parents):
        if not folder.stat().st_mode & 0o001:
            return str(folder)
    return ""


def _as_another(line, scratch, user=USER, **options):
    environment = {
        "USER": user,
        "PATH": f"{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(scratch),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")]),
        "LABKIT_DATA": os.environ.get("LABKIT_DATA", str(ROOT / "data")),
        "LABKIT_CACHE": str(scratch / "cache"),
        "HOME_OF_PYTHON": _closed_folder(PYTHON),
        "KEPT": str(scratch / "python"),
    }
    line = ["unshare", "--mount", "sh", "-c", AS_ANOTHER, "sh", *line]
    return subprocess.run(line, env=environment, capture_output=True, text=True, **options)


@pytest.fixture
def folder():
    """A folder that another user can read; pytest's own are closed to others."""
    if os.getuid() != 0:
        pytest.skip("whoever runs this is no root: all tests are of this kind")
    made = subprocess.check_output(["mktemp", "-d", "/tmp/labkit-user-XXXXXX"], text=True)
    folder = Path(made.strip())
    try:
        folder.chmod(0o755)
        probe = _as_another([sys.executable, "-c", "import os; print(os.getuid())"], folder)
        if probe.stdout.strip() != USER:
            pytest.skip(f"no mount namespace here: {probe.stderr.strip()[-200:]}")
        yield folder
    finally:
        subprocess.run(["rm", "-rf", "--one-file-system", str(folder)], check=True)


def test_a_batch_of_another_user(folder):
    course = make_course(folder / "course")
    hand_in(course, "ada", "def double(x):\n    return x + x")
    hand_in(course, "forks", "import os\ndef double(x):\n    while True:\n        os.fork()")
    looks = f"import os\nprint('SEEN', os.path.exists('{course}'))\n"
    hand_in(course, "looks", looks + "def double(x): return 2 * x")
    timeless = hand_in(course, "timeless", "def double(x): return 2 * x")
    for path in (
        timeless.with_name("timestamp.txt"),
        hand_in(course, "closed_file", None),
        hand_in(course, "closed_lab", None).parent,
        hand_in(course, "closed", None).parents[1],
    ):
        path.touch()
        path.chmod(0)
    subprocess.run(["chown", "-R", USER, str(folder)], check=True)
    run = _as_another(
        [sys.executable, "-m", "labkit.cli", "grade", LAB, "--course", str(course)],
        folder,
        timeout=300,
    )
    assert run.returncode == 1, run.stderr
    for student in ("closed", "closed_lab", "closed_file"):
        assert re.search(f"^{student} not graded: .*Permission denied", run.stderr, re.M)
    students = ("ada", "forks", "looks", "timeless")
    points = {s: read_mark(course, LAB, s).points for s in students}
    assert points == {"ada": 3, "forks": 0, "looks": 3, "timeless": 3}
    assert "timeless: When it was handed in cannot be read" in run.stdout
    assert (course / "gradebook.db").stat().st_uid == int(USER)
    graded = course / "autograded" / "looks" / LAB / f"{LAB}.ipynb"
    assert "SEEN False" in graded.read_text()


def test_the_walls_of_another_user(folder):
    """Each case of `test_walls`; what that user has no control groups for is said, not hidden."""
    subprocess.run(["chown", "-R", USER, str(folder)], check=True)
    run = _as_another([sys.executable, "-m", "tests.grading.test_walls"], folder, timeout=300)
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert len(told["cases"]) > 40
    assert {name: said for name, said in told["cases"].items() if said} == {}
    assert bool(told["missing"]) == bool(told["not counted"])
    # such memory cannot be made where it is not counted, or is found by looking at processes
    assert set(told["not counted"]) <= {"shared_memory_of_processes_that_ended_is_counted"}


@pytest.mark.measured
@pytest.mark.skipif(not THOROUGH, reason="takes minutes: LABKIT_THOROUGH")
@pytest.mark.parametrize("file", ["test_hostile.py", "test_unlucky.py"])
def test_submissions_of_every_kind_graded_by_another_user(folder, file):
    """The whole of a file of tests; of the hostile ones its table."""
    subprocess.run(["chown", "-R", USER, str(folder)], check=True)
    line = [sys.executable, "-m", "pytest", f"tests/grading/{file}", "-p", "no:cacheprovider"]
    line += [f"--rootdir={ROOT}", f"--basetemp={folder / 'pytest'}"]
    run = _as_another(line, folder, cwd=ROOT)
    print(f"\nas user {USER}:\n{run.stdout}")
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.skipif(bool(landlock.lacking()), reason=f"no second wall here: {landlock.lacking()}")
@pytest.mark.parametrize("user", [USER, "0"])
def test_the_second_wall_of_another_user(folder, user):
    """Each case of `test_second_wall`; root, whose Python all can read here, lends a number."""
    subprocess.run(["chown", "-R", user, str(folder)], check=True)
    line = [sys.executable, "-m", "tests.grading.test_second_wall"]
    run = _as_another(line, folder, user=user, timeout=300)
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert len(told["cases"]) > 45
    assert {name: said for name, said in told["cases"].items() if said} == {}
    assert told["uid"] != 0
    assert (told["uid"] == int(user)) == (user != "0")
    assert ("runs as the user who grades" in told["missing"]) == (user != "0")
