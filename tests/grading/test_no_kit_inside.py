"""The simulator, the grader and the gradebook cannot be reached from within a sandbox.

Neither by import, nor by path, nor by what the system tells of its processes, wherever the kit is
installed and wherever the course folder lies.
"""

import sqlite3
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

import helpers
import surveys
from labkit import ROOT, sandbox
from labkit.errors import GradingError
from labkit.grading import batch
from labkit.sandbox import Budget, Limits, Shell, scratch, view

from . import walled

#: what no student's code may import, and what the old layout had
NAMES = ("skysim", "skysim.survey.build", "labkit", "labkit.secret", "helpers.mock", "solutions")

#: tries every way of importing; prints what came of it
IMPORTS = """
import importlib, importlib.machinery, importlib.metadata, importlib.util
import os, pkgutil, runpy, site, sys, zipimport

def attempt(way, call):
    try:
        found = call()
    except BaseException as error:
        found = None
    print("REACHED" if found else "nothing", way)

def by_file(path):
    spec = importlib.util.spec_from_file_location("found", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

def with_place(place):
    sys.path.insert(0, place)
    importlib.invalidate_caches()
    try:
        return __import__("skysim")
    finally:
        sys.path.remove(place)

def with_finder(name):
    finder = importlib.import_module(name)
    return finder.MAPPING

for name in NAMES:
    attempt(name, lambda: importlib.import_module(name))
    attempt("spec of " + name, lambda: importlib.util.find_spec(name))
for place in PLACES:
    attempt("exists " + place, lambda: os.path.lexists(place))
    attempt("file in " + place, lambda: by_file(place + "/skysim/__init__.py"))
    attempt("run in " + place, lambda: runpy.run_path(place + "/labkit/secret.py"))
    attempt("path " + place, lambda: with_place(place))
    attempt("finder of " + place, lambda: importlib.machinery.PathFinder.find_spec("labkit", [place]))
attempt("zip", lambda: zipimport.zipimporter(WHEEL).load_module("skysim"))
attempt("zip on the path", lambda: with_place(WHEEL))
for folder in [p for p in sys.path if p.endswith("-packages") or p.endswith("packages")]:
    before = list(sys.path)
    site.addsitedir(folder)  # runs the .pth files in it
    new = [p for p in sys.path if p not in before]
    attempt(".pth of " + folder, lambda: importlib.import_module("labkit"))
    for file in os.listdir(folder):
        if file.startswith("__editable__") and file.endswith(".py"):
            attempt(file, lambda: with_finder(file[:-3]))
        if file.startswith("__editable__"):
            attempt("text of " + file, lambda: open(os.path.join(folder, file)).read())
attempt("distribution", lambda: importlib.metadata.distribution("stellar-labs").files)
listed = {module.name for module in pkgutil.iter_modules()}
attempt("scan", lambda: listed & {"skysim", "labkit", "solutions", "tests", "nbgrader_config"})
attempt("finders", lambda: [f for f in sys.meta_path if "stellar" in str(f)])
attempt("parents of helpers", lambda: set(os.listdir(os.path.dirname(__import__("helpers").__path__[0]))) & {"solutions", "labs", "tests"})
print("done", len(listed) > 100)
"""

#: looks for what must not be there, by name, everywhere but in packages of others
FILES = """
import os
found = []
for folder, folders, names in os.walk("/"):
    if folder in ("/proc", "/dev", "/labkit/packages") or folder.endswith("site-packages"):
        folders.clear()
        continue
    found += [os.path.join(folder, n) for n in (*names, *folders) if n in WANTED or "truth" in n]
print(*[path for path in found if not path.startswith("/usr/share")], sep="\\n")
"""

#: what the system tells a process of itself and of the others
PROCESSES = """
import os
for process in [p for p in os.listdir("/proc") if p.isdigit()] + ["self", "thread-self"]:
    for name in ("cmdline", "environ", "maps", "smaps", "status", "stat", "cgroup", "numa_maps"):
        try:
            with open(f"/proc/{process}/{name}", errors="replace") as file:
                text = file.read()
        except OSError:
            continue
        if PLACE in text:
            print("FOUND in", process, name)
    for name in ("cwd", "exe", "root"):
        try:
            if PLACE in os.readlink(f"/proc/{process}/{name}"):
                print("FOUND in", process, name)
        except OSError:
            pass
    try:
        open_files = [os.readlink(f"/proc/{process}/fd/{n}") for n in os.listdir(f"/proc/{process}/fd")]
    except OSError:
        open_files = []
    if any(PLACE in path for path in open_files):
        print("FOUND in", process, "fd")
for name in ("mounts", "keys", "cmdline", "swaps", "locks"):
    try:
        if PLACE in open(f"/proc/{name}").read():
            print("FOUND in", name)
    except OSError:
        pass
print("read", len(open("/proc/self/maps").read()) > 1000)
print("SOURCES", *[line.split()[3] for line in open("/proc/self/mountinfo")])
"""

GRADEBOOK = """
import os, sqlite3
try:
    with sqlite3.connect(f"file:{PLACE}?mode=ro", uri=True) as book:
        print("REACHED", book.execute("SELECT * FROM student").fetchall())
except sqlite3.OperationalError as error:
    print("no gradebook:", error)
print(os.path.exists(os.path.dirname(PLACE)))
"""


def _printed(shell, source, **constants):
    """Run a cell in the sandbox, with these names defined before it; return what it printed."""
    start = "\n".join(f"{name} = {value!r}" for name, value in constants.items())
    request = {"do": "run", "source": f"{start}\n{source}"}
    answer = shell.ask(request, Budget(60, 120, Limits.memory), "the search")
    assert answer["error"] is None, answer
    return answer["printed"]


@pytest.fixture(scope="module")
def shell():
    with scratch() as folder, Shell(folder, Limits()) as shell:
        yield shell


def test_no_way_of_importing_reaches_the_kit(shell, tmp_path):
    wheel = tmp_path / "stellar_labs.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("skysim/__init__.py", "")
        file.writestr("labkit/__init__.py", "")
    places = [str(ROOT / "src"), str(ROOT), str(Path(sys.executable).parent.parent)]
    said = _printed(shell, IMPORTS, NAMES=NAMES, PLACES=places, WHEEL=str(wheel))
    assert "REACHED" not in said
    assert said.count("nothing") > 2 * len(NAMES) + 4 * len(places)
    assert "done True" in said


def test_the_tries_do_reach_what_is_there(tmp_path):
    """The same search without a sandbox finds the kit in every way."""
    with zipfile.ZipFile(tmp_path / "kit.whl", "w") as file:
        file.writestr("skysim/__init__.py", "")
    start = (
        f"NAMES = {NAMES[:4]!r}\nPLACES = [{str(ROOT / 'src')!r}]\nWHEEL = '{tmp_path}/kit.whl'\n"
    )
    line = [sys.executable, "-c", start + IMPORTS]
    said = subprocess.run(line, capture_output=True, text=True, cwd=ROOT).stdout.splitlines()
    reached = {each.removeprefix("REACHED ") for each in said if each.startswith("REACHED")}
    source = str(ROOT / "src")
    assert {*NAMES[:4], *(f"spec of {name}" for name in NAMES[:4]), "zip on the path"} <= reached
    assert {f"exists {source}", f"file in {source}", f"run in {source}"} <= reached
    assert {f"path {source}", f"finder of {source}", "scan", "parents of helpers"} <= reached


def test_no_gradebook_no_truth_no_secret_and_no_lab_can_be_found(shell):
    wanted = ["gradebook.db", "secret", "solutions", "labs", "skysim", "nbgrader_config.py"]
    assert _printed(shell, FILES, WANTED=wanted).split() == []
    assert "catalogue.sqlite" in _printed(shell, FILES, WANTED=["catalogue.sqlite"])


def test_the_gradebook_cannot_be_opened_by_its_path(shell, tmp_path):
    path = tmp_path / "gradebook.db"
    with sqlite3.connect(path) as book:
        book.execute("CREATE TABLE student AS SELECT 'ada' AS id")
    book.close()
    said = _printed(shell, GRADEBOOK, PLACE=str(path))
    assert said.splitlines() == ["no gradebook: unable to open database file", "False"]


def test_processes_do_not_tell_where_the_course_lies(shell):
    said = _printed(shell, PROCESSES, PLACE=str(ROOT))
    found = [line for line in said.splitlines() if line.startswith("FOUND")]
    assert found == []
    assert "read True" in said


def test_the_list_of_mounts_names_nothing_but_what_is_seen_anyway(shell):
    """The kernel shows a process the source of each mount; bubblewrap cannot hide it."""
    said = _printed(shell, PROCESSES, PLACE=str(ROOT))
    sources = said.partition("SOURCES ")[2].split()
    shown = [Path(package.__path__[0]) for package in (helpers, surveys)]
    named = [Path(source) for source in sources if source.startswith(f"{ROOT}/")]
    # a checkout's own .venv: the sandbox shows these packages on purpose
    packages = Path(sysconfig.get_path("purelib"))
    allowed = {*shown, view.INSIDE, packages, *(ROOT / "data").glob("*.csv")}
    served = (ROOT / "data" / "build").resolve()
    assert {path for path in named if not path.is_relative_to(served)} <= allowed
    for source in sources:
        assert not {"truth", "secret", "solutions"} & set(Path(source).parts)


# --- wherever it is installed -------------------------------------------------------------------


def _bubblewrap(line):
    """Run a program of the system behind the sandbox's walls; return what it printed."""
    with scratch() as folder:
        run = walled.run(line, folder)
    assert "bwrap" not in run.stderr, run.stderr
    return run.stdout


def _install(packages):
    """Put a kit among the packages, as pip does: once as files, once as an editable one's."""
    for name in ("labkit/grading", "skysim", "helpers", "surveys", "__pycache__"):
        (packages / name).mkdir(parents=True)
    for name in ("labkit", "skysim", "helpers", "surveys"):
        (packages / name / "__init__.py").write_text(f"MARK = '{name} of the fake kit'\n")
    (packages / "labkit" / "grading" / "judge.py").write_text("MARK = 'fake kit: judge'")
    for name in ("stellar_labs-1.0.dist-info", "stellar_labs.egg-info"):
        (packages / name).mkdir()
        (packages / name / "RECORD").write_text("fake kit: labkit/__init__.py")
    for name in (
        "__editable__.stellar_labs-1.0.pth",
        "__editable___stellar_labs_1_0_finder.py",
        "__pycache__/__editable___stellar_labs_1_0_finder.cpython-311.pyc",
        "stellar_labs-nspkg.pth",
        "another.py",
    ):
        (packages / name).write_text("MARK = 'fake kit: where it lies'")


def test_a_kit_among_the_packages_is_hidden(tmp_path, monkeypatch):
    packages = tmp_path / "site-packages"
    _install(packages)
    monkeypatch.setattr(view.sysconfig, "get_path", lambda name: str(packages))
    seen = _bubblewrap(["grep", "-r", "fake kit", "/labkit/packages"])
    shown = {line.partition(":")[0].removeprefix("/labkit/packages/") for line in seen.splitlines()}
    assert shown == {"helpers/__init__.py", "surveys/__init__.py", "another.py"}
    tries = "import sys, another\nfor name in ('labkit', 'labkit.grading.judge', 'skysim'):\n"
    tries += "    try:\n        print(__import__(name).MARK)\n"
    tries += "    except (ImportError, AttributeError):\n        print('no', name)\n"
    seen = _bubblewrap([str(Path(sys.executable).resolve()), "-s", "-B", "-c", tries])
    assert seen.splitlines() == ["no labkit", "no labkit.grading.judge", "no skysim"]


@pytest.mark.parametrize("packages", ["lib/python3.11/site-packages", "lib/python3/dist-packages"])
def test_a_kit_and_a_course_in_pythons_own_folder_are_hidden(tmp_path, monkeypatch, packages):
    """As with conda, or in a container whose Python is the system's."""
    python = tmp_path / "python"
    _install(python / packages)
    for path in ("course/solutions/01.py", "course/data/truth/a.npz", "srv/truth/a", "bin/python3"):
        (python / path).parent.mkdir(parents=True, exist_ok=True)
        (python / path).write_text("fake kit: an answer")
    monkeypatch.setattr(view.sys, "base_prefix", str(python))
    monkeypatch.setattr(view.sysconfig, "get_path", lambda name: str(python / packages))
    monkeypatch.setattr(view, "ROOT", python / "course")
    monkeypatch.setenv("LABKIT_DATA", str(python / "srv"))
    monkeypatch.setenv("LABKIT_CACHE", str(python / "course" / "cache"))
    seen = _bubblewrap(["grep", "-rl", "fake kit", str(python)])
    shown = {line.removeprefix(f"{python}/") for line in seen.splitlines()}
    kept = {f"{packages}/{name}" for name in ("helpers/__init__.py", "surveys/__init__.py")}
    assert shown == {*kept, f"{packages}/another.py", "bin/python3"}


def test_a_course_that_students_could_read_is_refused(tmp_path, monkeypatch):
    python = tmp_path / "python"
    course = python / "share" / "course"
    course.mkdir(parents=True)
    monkeypatch.setattr(view.sys, "base_prefix", str(python))
    with pytest.raises(GradingError, match=r"may read all of .*/python, .*: move the course"):
        batch.grade(batch.Settings(course, "00_toy"))
    monkeypatch.setattr(view, "ROOT", course)
    sandbox.require_out_of_sight(course)  # hidden as the course in use
    sandbox.require_out_of_sight(tmp_path / "elsewhere")
    with pytest.raises(GradingError, match="/usr"):
        sandbox.require_out_of_sight(Path("/usr/src/course"))
