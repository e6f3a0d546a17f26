"""`labkit grade` against `nbgrader autograde`: the same twenty submissions, in the same run.

Half of them are of lab 1, half of lab 2: model answers, blank sheets, and notebooks in which wrong
and right rivals stand in some exercises. `labkit grade` repairs, works in sandboxes with two
workers and writes feedback pages; nbgrader runs every notebook in a kernel, unprotected, one after
the other. Both end with marks in a gradebook. Prints the times and their ratio and writes
``build/bench/grading.json``. A number as argument asks for so many submissions of each lab.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat

from labkit import ROOT, lab_source
from labkit.grading import rivals

LABS = ("01_apogee", "02_continuum")
EACH = 10
WORKERS = 2


def submissions(lab: str, each: int) -> Iterator[tuple[str, nbformat.NotebookNode]]:
    """Yield students and their notebooks: two models, two blanks, the others with rivals."""
    chance = random.Random(lab)
    listed = rivals.read(lab)
    for number in range(each):
        folder = "labs" if number % 5 == 1 else "solutions"
        notebook = nbformat.read(ROOT / folder / lab / f"{lab}.ipynb", as_version=4)
        if number % 5 > 1:
            for cell in notebook.cells:
                name = cell.metadata.get("nbgrader", {}).get("grade_id")
                fitting = [rival for rival in listed if rival.exercise == name]
                if fitting and chance.random() < 0.3:
                    cell.source = chance.choice(fitting).code
        yield f"student{number:02d}", notebook


def make_course(folder: Path, each: int) -> None:
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    for lab in LABS:
        for kind in ("solutions", "labs"):
            (folder / kind / lab).mkdir(parents=True)
            shutil.copy(ROOT / kind / lab / f"{lab}.ipynb", folder / kind / lab)
        for student, notebook in submissions(lab, each):
            path = folder / "submitted" / student / lab / f"{lab}.ipynb"
            path.parent.mkdir(parents=True)
            nbformat.write(notebook, path)


def seconds(lines: list[list[str]], course: Path) -> float:
    """Run commands one after the other; failures of single submissions are part of the work."""
    # nbgrader calls alembic by its name
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {
        **os.environ,
        "PATH": path,
        "PYTHONPATH": str(ROOT),
        "LABKIT_PRODUCTS": "none",
    }
    started = time.perf_counter()
    for line in lines:
        subprocess.run(line, cwd=course, env=environment, capture_output=True)
    return time.perf_counter() - started


def graded(course: Path) -> int:
    """Return how many notebooks came out."""
    return len(list(course.glob("autograded/*/*/*.ipynb")))


def main(each: int = EACH) -> None:
    labkit = [sys.executable, "-m", "labkit.cli"]
    nbgrader = [sys.executable, "-m", "nbgrader"]
    grade = [[*labkit, "grade", lab, "--course", ".", "--workers", str(WORKERS)] for lab in LABS]
    generate = [[*nbgrader, "generate_assignment", lab, "--force"] for lab in LABS]
    # as nbgrader does it by itself, which the course's nbgrader_config.py does not allow
    plain = [
        "--Autograde.exporter_class=nbconvert.exporters.NotebookExporter",
        f"--Execute.kernel_name={lab_source.STUDENTS_KERNEL['name']}",
    ]
    autograde = [[*nbgrader, "autograde", lab, *plain] for lab in LABS]
    table = {}
    with tempfile.TemporaryDirectory(prefix="labkit-bench-") as folder:
        # what both find in place: the survey, and a cache that has what lab 1 downloads
        subprocess.run([*labkit, "walkthrough", LABS[0]], cwd=ROOT, capture_output=True)
        for name, before, lines in (
            (f"labkit grade, {WORKERS} workers", [], grade),
            ("nbgrader autograde", generate, autograde),
        ):
            course = Path(folder) / name.split()[0]
            course.mkdir()
            make_course(course, each)
            seconds(before, course)
            table[name] = {"seconds": round(seconds(lines, course), 1), "graded": graded(course)}
            if table[name]["graded"] != each * len(LABS):
                sys.exit(f"{name} graded {table[name]['graded']} of {each * len(LABS)}")
    ours, theirs = (row["seconds"] for row in table.values())
    ratio = round(ours / theirs, 2)
    out = ROOT / "build" / "bench"
    out.mkdir(parents=True, exist_ok=True)
    result = {"submissions": each * len(LABS), "ways": table, "ratio": ratio}
    (out / "grading.json").write_text(json.dumps(result, indent=1))
    print(f"{each * len(LABS)} submissions of {' and '.join(LABS)}, {os.cpu_count()} cores")
    for name, row in table.items():
        print(f"  {name:26s} {row['seconds']:7.1f} s   {row['graded']} graded")
    print(f"  labkit grade takes {ratio:.2f} of nbgrader's time")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
