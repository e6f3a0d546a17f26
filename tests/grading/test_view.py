"""What can be read from within a sandbox: no hidden test, no source, no place where they are."""

from itertools import pairwise

import nbformat

from labkit import ROOT
from labkit.grading import batch
from labkit.sandbox import Limits, view

from .toy import LAB, hand_in, make_course

# the words are put together so that the search does not find itself
SEARCH = """
import os
words = [w.encode() for w in ("BEGIN HID" + "DEN", "BEGIN SOL" + "UTION", "-15" + ".0, atol", PLACES)]
seen = read = 0
for folder, folders, files in os.walk("/"):
    if folder in ("/dev", "/proc", "/usr", "/labkit/packages") or folder.endswith(("lib/python3.11", "sas")):
        folders.clear()
        continue
    for name in files:
        path = os.path.join(folder, name)
        seen += 1
        try:
            text = open(path, "rb").read(5_000_000)
        except OSError:
            continue
        read += 1
        print(*[f"FOUND {word} in {path}" for word in words if word in text], sep="\\n", end="")
texts = [" ".join(os.environ.values())]
texts += [open(f"/proc/{p}/cmdline").read() for p in os.listdir("/proc") if p.isdigit()]
print("\\nFOUND a place" if any(PLACES in text for text in texts) else "\\nclean")
print("looked at", read > 20, os.path.exists("/labkit/src/labkit/cli.py"))
print("kit", *sorted(os.listdir("/labkit")), *sorted(os.listdir("/labkit/src")))
print("survey", *sorted(os.listdir("/labkit/survey")), os.path.exists("/labkit/survey/build/survey.json"))
for name in ("helpers", "surveys", "skysim", "labkit", "helpers.mock"):
    try:
        __import__(name)
        print("imported", name)
    except ImportError:
        print("no", name)
def double(x): return 2 * x
"""


def test_the_sandbox_shows_nothing(tmp_path):
    course = make_course(tmp_path)
    hand_in(
        course, "ada", SEARCH.replace("PLACES", repr(str(course)[:-1]) + f" + {str(course)[-1]!r}")
    )
    hand_in(course, "bob", SEARCH.replace("PLACES", repr(str(ROOT)[:-1]) + f" + {str(ROOT)[-1]!r}"))
    for line in batch.grade(batch.Settings(course, LAB)):
        assert line.points == 3
        path = course / "autograded" / line.student / LAB / f"{LAB}.ipynb"
        shown = [
            output.get("text", "")
            for cell in nbformat.read(path, as_version=4).cells
            for output in cell.get("outputs", [])
        ]
        text = "\n".join(shown)
        assert "FOUND" not in text
        assert "clean" in text
        assert "looked at True False" in text
        assert "kit cache data helpers packages shell src survey surveys" in text
        assert "survey build True" in text
        assert "imported helpers\nimported surveys\nno skysim\nno labkit\nno helpers.mock" in text


def test_a_kit_installed_where_python_itself_is_stays_hidden(tmp_path, monkeypatch):
    """In a container the packages lie below Python, which the sandbox sees as a whole."""
    packages = tmp_path / "python" / "lib" / "python3.12" / "site-packages"
    for name in ("labkit", "skysim", "numpy"):
        (packages / name).mkdir(parents=True)
    monkeypatch.setattr(view.sys, "base_prefix", str(tmp_path / "python"))
    monkeypatch.setattr(view.sysconfig, "get_path", lambda _: str(packages))
    line = view.walls(tmp_path, Limits())
    covered = {path for option, path in pairwise(line) if option == "--tmpfs"}
    for place in (packages, view.KIT / "packages"):
        assert {str(place / "labkit"), str(place / "skysim")} <= covered
        assert str(place / "numpy") not in covered
