"""The kit as a wheel, in an environment with no checkout: it reads tables, makes a survey, grades.

The environment is a copy of the running one (by hard links, so that nothing is downloaded and no
gigabyte is copied) without the kit; the wheel is installed into it as on a cluster's worker.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path

import nbformat
import pytest

from labkit import ROOT

from ..grading.toy import LAB, hand_in, make_course

pytestmark = pytest.mark.slow

WHERE_PACKAGES_ARE = "import sysconfig; print(sysconfig.get_path('purelib'))"
#: what a student may try in the sandbox
SEARCH = """
import importlib, os
from helpers import corona
print("lines:", len(corona.line_table().wavelength))
for name in ("labkit", "skysim", "labkit.grading.judge", "skysim.survey.build"):
    try:
        print("FOUND", importlib.import_module(name))
    except ModuleNotFoundError as error:
        print(error)
for folder, folders, files in os.walk("/"):
    if folder in ("/proc", "/sys", "/dev"):
        folders.clear()
    # the first part is the sandbox's own /labkit
    parts = folder.split("/")[2:]
    if any(part in ("labkit", "skysim") or part.startswith("stellar_labs") for part in parts):
        print(*[f"FOUND {folder}/{file}" for file in files if file != "__init__.py"])
print("searched")
def double(x): return 2 * x
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built without network from a copy of the sources that holds nothing generated."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("helpers", "src", "data", "tests", "solutions"):
        generated = ["__pycache__", "*.egg-info"]
        generated += ["build*", "truth*", "secret"] if name == "data" else []
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns(*generated))
    # as the instructor's guide says, but for the network: sources first, the wheel from those
    command = [sys.executable, "-m", "build", "--no-isolation"]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (
        "would be ignored" not in done.stdout + done.stderr
    )  # setuptools' warning of an ambiguous configuration
    (built,) = (source / "dist").glob("*.whl")
    return built


def _link(source, target):
    """Link a file; copy it where links are not possible."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target)


def _copy_environment(environment):
    """Make a copy of the running environment that has all but the kit."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    python = environment / "bin" / "python"
    asked = [python, "-c", WHERE_PACKAGES_ARE]
    packages = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    shutil.copytree(
        sysconfig.get_path("purelib"),
        packages,
        copy_function=_link,
        ignore=shutil.ignore_patterns("__editable__*stellar_labs*", "stellar_labs*"),
        symlinks=True,
        dirs_exist_ok=True,
    )
    first = f"#!{sys.executable}\n".encode()
    for script in Path(sysconfig.get_path("scripts")).iterdir():
        if script.is_file() and (text := script.read_bytes()).startswith(first):
            copy = environment / "bin" / script.name
            copy.write_bytes(f"#!{python}\n".encode() + text.removeprefix(first))
            copy.chmod(0o755)
    (environment / "bin" / "labkit").unlink(missing_ok=True)
    return python


def _share_compiled(packages):
    """Hand over what numba has compiled of the same files here: again it would take a minute."""
    for source in (ROOT / "src" / "skysim").rglob("*.py"):
        compiled = list((source.parent / "__pycache__").glob(f"{source.stem}.*.nb[ci]"))
        if compiled:
            copy = packages / source.relative_to(ROOT / "src")
            shutil.copystat(source, copy)  # by size and date numba tells whether it has changed
            (copy.parent / "__pycache__").mkdir(exist_ok=True)
            for file in compiled:
                shutil.copy2(file, copy.parent / "__pycache__")


@pytest.fixture(scope="module")
def installed(wheel):
    """Run a program of an environment into which the wheel is installed, from an empty folder."""
    (ROOT / "build").mkdir(exist_ok=True)  # links need the disk that has the packages
    with tempfile.TemporaryDirectory(prefix="wheel-", dir=ROOT / "build") as folder:
        environment, empty = Path(folder) / "environment", Path(folder) / "empty"
        empty.mkdir()
        python = _copy_environment(environment)
        variables = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("LABKIT_", "PYTHON")) and name != "VIRTUAL_ENV"
        }
        variables["HOME"] = folder
        variables["PATH"] = os.pathsep.join([str(environment / "bin"), os.environ["PATH"]])

        def run(*command, **more):
            line = [environment / "bin" / command[0], *command[1:]]
            done = subprocess.run(
                line, cwd=empty, env=variables | more, capture_output=True, text=True
            )
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        run("python", "-m", "pip", "install", "--no-deps", "--no-index", str(wheel))
        _share_compiled(Path(run("python", "-c", WHERE_PACKAGES_ARE).strip()))
        run.python, run.folder = python, Path(folder)
        yield run


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course folder outside any checkout."""
    return make_course(tmp_path_factory.mktemp("course"))


def test_the_wheel_holds_the_four_packages_and_the_facts(wheel):
    """All of them with the pages' templates; no makers of tables, no tests, no solutions."""
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    code = {str(path.relative_to(ROOT)) for path in (ROOT / "helpers").glob("*.py")}
    code |= {str(path.relative_to(ROOT / "src")) for path in (ROOT / "src").rglob("*.py")}
    templates = (ROOT / "src" / "labkit" / "templates").iterdir()
    pages = [path for path in templates if path.suffix in (".html", ".js")]
    code |= {str(path.relative_to(ROOT / "src")) for path in pages}
    facts = [*(ROOT / "data").glob("*.csv"), *(ROOT / "data" / "reference").glob("*.npz")]
    assert len(facts) > 10
    assert {"labkit/cli.py", "skysim/survey/build.py", "surveys/sql.py"} < code
    data = {f"surveys/facts/{path.relative_to(ROOT / 'data')}" for path in facts}
    assert sorted(held) == sorted(code | data)


def test_an_installed_kit_reads_its_tables(installed):
    found = json.loads(
        installed(
            "python",
            "-c",
            """if True:
            import json
            import helpers, labkit, skysim, surveys
            from helpers import corona, csst
            from surveys import folders
            print(json.dumps({
                "places": [p.__path__[0] for p in (helpers, labkit, skysim, surveys)],
                "lines": len(corona.line_table().wavelength),
                "throughput": csst.throughput("GU")[1].max(),
                "fact": str(folders.fact_file("lines_h_band.csv")),
                "survey": str(folders.survey_folder()),
                "course": str(labkit.ROOT),
            }))""",
        )
    )
    environment = installed.folder / "environment"
    assert all(Path(place).is_relative_to(environment) for place in found["places"])
    assert found["lines"] == 80
    assert 0.1 < found["throughput"] < 1
    assert Path(found["fact"]).is_relative_to(environment)
    # never among the packages, which a student or a worker may not write
    assert found["survey"] == str(installed.folder / ".cache" / "labkit" / "data" / "build")
    assert found["course"] == str(installed.folder / "empty")


def test_an_installed_kit_builds_a_survey_and_serves_it(installed):
    survey = installed.folder / "survey" / "build"
    installed(
        "python",
        "-c",
        "import sys; from skysim.survey.build import build;"
        "build(sys.argv[1], jobs=1, progress=False, limit=8)",
        str(survey),
    )
    assert json.loads((survey / "survey.json").read_text())["limit"] == 8
    assert (survey.parent / "truth" / "apogee.npz").is_file()
    answer = installed(
        "python",
        "-c",
        "from astroquery.sdss import SDSS; from helpers import archive; archive.connect();"
        "print(len(SDSS.query_sql('SELECT TOP 3 apogee_id FROM apogeeStar', cache=False)))",
        LABKIT_DATA=str(survey.parent),
    )
    assert answer.split() == ["3"]


def test_an_installed_kit_works_on_a_course_folder(installed, course):
    listed = installed("labkit", "labs", LABKIT_COURSE=str(course))
    assert "A toy lab" in listed
    # exits with 1, and names the notebook, if one differs
    assert installed("labkit", "notebooks", "--check", LABKIT_COURSE=str(course)) == ""


@pytest.mark.skipif(not shutil.which("bwrap"), reason="grading needs bubblewrap, the sandbox")
def test_an_installed_kit_grades_and_hides_itself_from_students(installed, course):
    hand_in(course, "ada", SEARCH)
    report = installed("labkit", "grade", LAB, "--course", str(course))
    assert "3 of 3" in report
    graded = nbformat.read(course / "autograded" / "ada" / LAB / f"{LAB}.ipynb", as_version=4)
    printed = "".join(o.get("text", "") for c in graded.cells for o in c.get("outputs", []))
    assert "lines: 80" in printed
    assert "searched" in printed
    assert "FOUND" not in printed
    assert "No module named 'labkit'" in printed
    assert "No module named 'skysim'" in printed
