"""The labs start on macOS and on native Windows, as far as Linux can tell.

A fresh interpreter refuses the kit and its notebooks whatever only POSIX systems have, reads and
writes no text without naming its encoding, and notes the names of all files that it makes. Grading
needs Linux, and says so.
"""

import ast
import json
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest

from labkit import ROOT, cli, lab_source, sandbox
from labkit.errors import GradingError
from labkit.sandbox import view

PACKAGES = ("helpers", "surveys", "skysim", "labkit")
#: modules of Python's library that Windows lacks
POSIX_MODULES = """
    crypt curses fcntl grp nis ossaudiodev posix pty pwd readline resource spwd syslog termios tty
"""
#: what Windows lacks in modules that it has
POSIX_NAMES = """
    os.O_NOFOLLOW os.O_NONBLOCK os.chown os.fchmod os.fchown os.fork os.forkpty os.getegid
    os.geteuid os.getgid os.getgroups os.getloadavg os.getpgid os.getuid os.killpg os.lchown
    os.mkfifo os.nice os.openpty os.posix_fallocate os.pread os.pwrite os.register_at_fork
    os.sched_getaffinity os.sched_setaffinity os.setpriority os.setsid os.setuid os.statvfs
    os.sysconf os.uname os.wait3 os.wait4 signal.SIGALRM signal.SIGHUP signal.SIGKILL
    signal.SIGUSR1 signal.alarm signal.setitimer time.clock_gettime time.tzset
"""
#: refuses POSIX modules to the kit and its notebooks, and text files without a named encoding
GUARD = f"""
import builtins, sys, warnings
ordinary = builtins.__import__
def guarded(name, globals=None, *more, **named):
    importer = str((globals or {{}}).get("__name__")).partition(".")[0]
    if importer in {(*PACKAGES, "notebook")!r} and name in {POSIX_MODULES.split()!r}:
        raise ModuleNotFoundError(f"{{importer}} imports {{name}}, which Windows lacks")
    return ordinary(name, globals, *more, **named)
builtins.__import__ = guarded
warnings.filterwarnings("error", category=EncodingWarning, module="helpers|surveys|notebook")
"""


def run_guarded(code, **variables):
    """Return what a program prints in a fresh interpreter that has the guard."""
    run = subprocess.run(
        [sys.executable, "-X", "warn_default_encoding", "-c", GUARD + code],
        env={**os.environ, "MPLBACKEND": "agg", **variables},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return run.stdout


def modules():
    """Return the names of all modules of the kit, but for the program inside the sandbox."""
    folders = [ROOT / "helpers", *((ROOT / "src" / name) for name in PACKAGES[1:])]
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            name = ".".join(path.relative_to(folder.parent).with_suffix("").parts)
            if ".inside." not in name and not name.endswith("__main__"):
                yield name.removesuffix(".__init__")


def in_notebook(*cells):
    """Return a program that runs cells as those of a notebook of their own each."""
    return f"for cell in {cells!r}:\n    exec(cell, {{'__name__': 'notebook'}})"


def test_the_guard_refuses_what_windows_lacks():
    with pytest.raises(AssertionError, match="notebook imports resource, which Windows lacks"):
        run_guarded(in_notebook("import resource"))
    with pytest.raises(AssertionError, match="EncodingWarning"):
        run_guarded(in_notebook(f"open({__file__!r})"))
    run_guarded("import resource")  # other people's libraries may


def test_every_module_of_the_kit_can_be_imported():
    found = list(modules())
    assert {"helpers.archive", "surveys.server", "skysim.survey.build", "labkit.cli"} < set(found)
    run_guarded("\n".join(f"import {name}" for name in found))


@pytest.mark.slow
def test_every_labs_first_cells_run():
    labs = lab_source.labs()
    assert len(labs) == 9
    cells = [
        cell.source
        for lab in labs
        for cell in lab_source.read(lab).cells
        if cell.metadata.get("nbgrader", {}).get("grade_id", "").startswith("setup_")
    ]
    assert len(cells) >= len(labs)
    run_guarded(in_notebook(*cells))


FETCH = """
import json, os
made = set()
def note(event, arguments):
    if event == "open" and set(str(arguments[1])) & set("wax+"):
        made.add(os.fsdecode(arguments[0]) if not isinstance(arguments[0], int) else "")
    elif event in ("os.mkdir", "tempfile.mkdtemp", "tempfile.mkstemp", "sqlite3.connect"):
        made.add(os.fsdecode(arguments[0]))
    elif event == "os.rename":
        made.add(os.fsdecode(arguments[1]))
sys.addaudithook(note)
from astroquery.sdss import SDSS
from helpers import apogee, archive, checks, products
source = archive.connect()
files = archive.fetch(json.loads(os.environ["PATHS"]), progress=False)
star = apogee.read_apstar(files[0])
rows = SDSS.query_sql("SELECT TOP 3 apogee_id FROM apogeeStar")
products.save("02_continuum", flux=star.flux)
@checks.run
def test_query():
    row = dict(apogee_id="x", telescope="apo25m", field="M15", location_id=1)
    assert len(checks.query("SELECT apogee_id FROM apogeeStar", [row])["apogee_id"]) == 1
saved = str(products.load("02_continuum")["source"])
found = {"pixels": star.flux.shape[-1], "rows": len(rows), "saved": saved, "made": sorted(made)}
print(json.dumps(found))
"""


def test_the_archive_serves_and_fetches(tiny, paths, tmp_path):
    """Of all that is written on the way, no name is one that Windows forbids."""
    places = {"LABKIT_CACHE": tmp_path / "cache", "TMPDIR": tmp_path / "temporary"}
    places["TMPDIR"].mkdir()
    printed = run_guarded(
        FETCH,
        PATHS=json.dumps(paths),
        LABKIT_ARCHIVE=str(tiny),
        **{name: str(folder) for name, folder in places.items()},
    )
    found = json.loads(printed.splitlines()[-1])
    assert (found["pixels"], found["rows"], found["saved"]) == (8575, 3, "yours")
    for folder in places.values():
        inside = [path for path in found["made"] if path.startswith(f"{folder}{os.sep}")]
        assert inside, f"nothing was made in {folder}, which was to be looked at"
        parts = {part for path in inside for part in path.removeprefix(str(folder)).split("/")}
        assert sorted(filter(forbidden_on_windows, parts)) == []


def forbidden_on_windows(name):
    """Say whether Windows has no file of this name."""
    reserved = r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?"
    return bool(
        re.search(r'[<>:"\\|?*\x00-\x1f]|[ .]$', name) or re.fullmatch(reserved, name.lower())
    )


def test_forbidden_names_are_known():
    names = [
        "a:b",
        "nul",
        "Aux.txt",
        "end.",
        "what?",
        "060+00",
        "K2_C4_168-21",
        ".verified",
        "con1",
    ]
    assert list(filter(forbidden_on_windows, names)) == names[:5]


# --- what the source says ------------------------------------------------------------------------


def sources():
    """Return what runs on students' machines, the labs included."""
    found = [*(ROOT / "helpers").rglob("*.py"), *(ROOT / "solutions").rglob("*.py")]
    for name in ("surveys", "skysim"):
        found += (ROOT / "src" / name).rglob("*.py")
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in found}


def posix_names(source):
    """Yield the lines of a program that use what only POSIX has, unless it asks `hasattr` first."""
    tree = ast.parse(source)
    asked = {
        (node.args[0].id, node.args[1].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "hasattr"
        and isinstance(node.args[0], ast.Name)
        and isinstance(node.args[1], ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            used = node.value.id, node.attr
            if ".".join(used) in POSIX_NAMES.split() and used not in asked:
                yield f"line {node.lineno}: {'.'.join(used)}"


def unnamed_encodings(source):
    """Yield the lines of a program that open a text file without naming its encoding."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        owner = getattr(getattr(node.func, "value", None), "id", "")
        texts = [a.value for a in node.args if isinstance(a, ast.Constant)]
        texts += [k.value.value for k in node.keywords if isinstance(k.value, ast.Constant)]
        binary = any(re.fullmatch(r"[rwxa+]*b[rwxa+]*", str(text)) for text in texts)
        opens = name == "open" and owner not in ("fits", "gzip", "archive") and not binary
        named = any(keyword.arg == "encoding" for keyword in node.keywords)
        if (opens or name in ("read_text", "write_text")) and not named:
            yield f"line {node.lineno}: {name}"


@pytest.mark.parametrize("rule", [posix_names, unnamed_encodings])
def test_the_source_keeps_to_what_all_systems_have(rule):
    assert len(sources()) > 60
    found = {path: list(rule(source)) for path, source in sources().items()}
    assert {path: lines for path, lines in found.items() if lines} == {}


def test_the_rules_find_what_they_look_for():
    source = "import os\nos.fork()\nopen('x')\np.open('w')\np.read_text()\nopen('x', 'rb')\n"
    assert list(posix_names(source)) == ["line 2: os.fork"]
    assert list(posix_names("if hasattr(os, 'fork'):\n    os.fork()")) == []
    assert list(unnamed_encodings(source)) == ["line 3: open", "line 4: open", "line 5: read_text"]
    assert list(unnamed_encodings("p.open('w', encoding='utf-8')\nfits.open(p)")) == []


# --- grading -------------------------------------------------------------------------------------


def elsewhere(monkeypatch, platform):
    """Let the sandbox believe that it is on another system; other libraries must not."""
    monkeypatch.setattr(view, "sys", SimpleNamespace(**{**vars(sys), "platform": platform}))


@pytest.mark.parametrize(
    ("platform", "options", "said"),
    [
        ("win32", [], "WSL"),
        ("win32", ["--unsafe"], "WSL"),
        ("darwin", [], "container; a notebook of your own can be graded here with --unsafe"),
    ],
)
@pytest.mark.parametrize("command", ["grade", "mutants", "rivals"])
def test_grading_says_that_it_needs_linux(monkeypatch, capsys, platform, options, said, command):
    elsewhere(monkeypatch, platform)
    assert cli.main([command, "01_apogee", *options]) == 1
    error = capsys.readouterr().err
    assert f"labkit {command}: Grading needs Linux" in error
    assert "bubblewrap" in error
    assert said in error


def test_the_sandbox_itself_refuses_too(monkeypatch):
    elsewhere(monkeypatch, "darwin")
    with pytest.raises(GradingError, match="Grading needs Linux"):
        sandbox.require_bubblewrap()
    sandbox.require_linux(without_sandbox=True)
