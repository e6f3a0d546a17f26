"""`labkit grade` against `nbgrader autograde`: the same twenty submissions, in the same run.

Half of them are of lab 1, half of lab 2: model answers, blank sheets, and notebooks in which wrong
and right rivals stand in some exercises, each run once in a kernel and saved with its outputs, as
students hand them in. `labkit grade` repairs, works in sandboxes with two workers and writes
feedback pages; nbgrader runs every notebook in a kernel, unprotected, one after the other. Both end
with marks in a gradebook. They take turns; printed are the seconds until all marks are in the
gradebook and until all pages are written, and how many times sooner that is than nbgrader's end.

Then the model answers of all nine labs, on one worker, without saved outputs: the seconds of the
examination, which gives the marks, and of the story, the whole notebook run for its pictures.

    python bench/grading.py [--each 10] [--runs 3] [--labs 01_apogee ...] [--no-story]

Writes ``build/bench/grading.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from labkit import ROOT, lab_source
from labkit.grading import rivals
from labkit.grading.examination import Examination, Settings

LABS = ("01_apogee", "02_continuum")
WORKERS = 2
LABKIT = [sys.executable, "-m", "labkit.cli"]
NBGRADER = [sys.executable, "-m", "nbgrader"]
#: nbgrader as it comes; the kit's own configuration hands its autograde over to `labkit grade`
PLAIN = """
c = get_config()
c.CourseDirectory.course_id = "bench"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "labs"
c.Execute.timeout = 600
"""


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


def environment() -> dict[str, str]:
    # nbgrader calls alembic by its name
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "LABKIT_PRODUCTS": "none"}


def hand_in(folder: Path, each: int) -> None:
    """Run every submission once, errors and all, and save it under ``submitted``."""

    def run(lab: str, student: str, notebook: nbformat.NotebookNode) -> None:
        place = folder / "submitted" / student / lab
        place.mkdir(parents=True)
        client = NotebookClient(
            notebook, timeout=600, allow_errors=True, resources={"metadata": {"path": str(place)}}
        )
        client.execute(env=environment())
        for left in place.iterdir():
            left.unlink()
        nbformat.write(notebook, place / f"{lab}.ipynb")

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for lab in LABS:
            for student, notebook in submissions(lab, each):
                pool.submit(run, lab, student, notebook)


def make_course(folder: Path, handed_in: Path, config: str) -> None:
    for lab in LABS:
        for kind in ("solutions", "labs"):
            (folder / kind / lab).mkdir(parents=True)
            shutil.copy(ROOT / kind / lab / f"{lab}.ipynb", folder / kind / lab)
    shutil.copytree(handed_in / "submitted", folder / "submitted")
    (folder / "nbgrader_config.py").write_text(config)


def marked(course: Path) -> int:
    """Return how many submissions `labkit grade` has entered in the gradebook."""
    try:
        with sqlite3.connect(f"file:{course / 'gradebook.db'}?mode=ro", uri=True) as book:
            return int(book.execute("SELECT count(*) FROM labkit_graded").fetchone()[0])
    except sqlite3.Error:
        return 0


def graded(course: Path) -> int:
    """Return how many notebooks came out."""
    return len(list(course.glob("autograded/*/*/*.ipynb")))


def by_labkit(course: Path, each: int) -> dict[str, float]:
    """Grade with `labkit grade`; seconds until the marks of each lab are in, and until the end."""
    started, marks, waited = time.perf_counter(), 0.0, 0.0
    for number, lab in enumerate(LABS, 1):
        line = [*LABKIT, "grade", lab, "--course", ".", "--workers", str(WORKERS)]
        begun = time.perf_counter()
        run = subprocess.Popen(
            line,
            cwd=course,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while run.poll() is None and marked(course) < number * each:
            time.sleep(0.1)
        marks += time.perf_counter() - begun
        run.wait()
    waited = time.perf_counter() - started
    return {"marks": marks, "pages": waited, "graded": marked(course)}


def by_nbgrader(course: Path) -> dict[str, float]:
    """Grade with nbgrader's own autograde."""
    for lab in LABS:
        line = [*NBGRADER, "generate_assignment", lab, "--force"]
        subprocess.run(line, cwd=course, env=environment(), capture_output=True)
    started = time.perf_counter()
    for lab in LABS:
        line = [*NBGRADER, "autograde", lab]
        subprocess.run(line, cwd=course, env=environment(), capture_output=True)
    return {"marks": time.perf_counter() - started, "graded": graded(course)}


def compare(each: int, runs: int) -> dict[str, list[float]]:
    """Let both grade the same submissions, in turns; return seconds of each run."""
    found: dict[str, list[float]] = {"labkit marks": [], "labkit pages": [], "nbgrader": []}
    with tempfile.TemporaryDirectory(prefix="labkit-bench-") as name:
        handed_in = Path(name) / "handed-in"
        hand_in(handed_in, each)
        ours = (ROOT / "nbgrader_config.py").read_text()
        for run in range(runs):
            course = Path(name) / f"labkit-{run}"
            make_course(course, handed_in, ours)
            took = by_labkit(course, each)
            plain = Path(name) / f"nbgrader-{run}"
            make_course(plain, handed_in, PLAIN)
            theirs = by_nbgrader(plain)
            for who, number in (("labkit grade", took["graded"]), ("nbgrader", theirs["graded"])):
                if number != each * len(LABS):
                    sys.exit(f"{who} graded {number:g} of {each * len(LABS)}")
            found["labkit marks"].append(took["marks"])
            found["labkit pages"].append(took["pages"])
            found["nbgrader"].append(theirs["marks"])
            print(f"  run {run + 1}: " + ", ".join(f"{k} {v[-1]:.1f} s" for k, v in found.items()))
    return found


def one_student(labs: list[str], story: bool) -> dict[str, dict[str, float]]:
    """Grade the model answers of labs on one worker; seconds of examination and story of each."""
    table = {}
    for lab in labs:
        examination = Examination(Settings(ROOT, lab))
        raw = (ROOT / "solutions" / lab / f"{lab}.ipynb").read_bytes()
        begun = time.perf_counter()
        marks = examination.mark("model", raw, []).result
        middle = time.perf_counter()
        if story:
            examination.show("model", raw, [], marks)
        ended = time.perf_counter()
        points = sum(outcome["points"] for outcome in marks["outcomes"])
        table[lab] = {"points": points, "examination": middle - begun, "story": ended - middle}
        row = table[lab]
        print(f"  {lab:18s} {points:4g} {row['examination']:8.1f} {row['story']:8.1f}", flush=True)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--each", type=int, default=10, help="submissions of each lab (10)")
    parser.add_argument("--runs", type=int, default=3, help="interleaved runs (3); 0 for none")
    parser.add_argument("--labs", nargs="*", default=list(lab_source.labs()), help="of one student")
    parser.add_argument("--no-story", action="store_true", help="of the labs, only examinations")
    chosen = parser.parse_args()
    result: dict[str, object] = {"cores": os.cpu_count(), "submissions": chosen.each * len(LABS)}
    if chosen.runs:
        print(f"{chosen.each * len(LABS)} submissions of {' and '.join(LABS)}, {WORKERS} workers")
        found = compare(chosen.each, chosen.runs)
        result["seconds"] = found
        for what in ("labkit marks", "labkit pages"):
            times = [n / o for n, o in zip(found["nbgrader"], found[what], strict=True)]
            low, middle, high = min(times), statistics.median(times), max(times)
            result[f"times sooner, {what}"] = [low, middle, high]
            print(
                f"  {what}: {low:.2f} / {middle:.2f} / {high:.2f} times sooner than nbgrader's end "
                "(min / median / max)"
            )
    if chosen.labs:
        print("model answers on one worker: lab, points, seconds of examination and of story")
        table = one_student(chosen.labs, not chosen.no_story)
        result["one student"] = table
        total = {k: sum(row[k] for row in table.values()) for k in ("examination", "story")}
        print(f"  {'all':18s}      {total['examination']:8.1f} {total['story']:8.1f}")
    out = ROOT / "build" / "bench"
    out.mkdir(parents=True, exist_ok=True)
    (out / "grading.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
