"""Make data/figures/feedback.png and report.png: what a student and an instructor get of lab 2.

    python -m tests.grading.pictures

The class is made up: most answers are the model's, others are rivals, right and wrong. Ada's page
shows a mark and a comment given by hand and a test cell put right; two others share their answers.
The spectra are the simulated survey's. Needs bubblewrap and chromium.
"""

import json
import random
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import nbformat

from labkit import ROOT
from labkit.grading import batch, report, rivals, rubrics
from labkit.grading.cells import role

from .course import copy_course, hand_in_cells
from .toy import give

LAB = "02_continuum"
STUDENT = "Ada Example"
WRONG = ("robust_polynomial", "normalise", "rms_difference")
#: how many exercises others answer wrongly, and leave empty
OTHERS = {
    "Ben Example": (1, 0),
    "Chen Example": (0, 0),
    "Dana Example": (4, 2),
    "Emil Example": (2, 0),
    "Fatima Example": (0, 1),
}
#: these two hand in the same
ALIKE = ("Gil Example", "Hana Example")
EXPLAINED = {
    "explain_pseudo": "It divides by a smooth curve, so that only lines are left.",
    "explain_consistency": "Then the same star has two spectra, and the model cannot fit both.",
}
#: comments typed by whoever grades, by student and cell
TYPED = {
    (STUDENT, "explain_consistency"): "#consistency-1",
    ("Ben Example", "explain_pseudo"): "#pseudo-1 #pseudo-2",
    ("Ben Example", "explain_consistency"): "#consistency-1 #consistency-3",
    ("Chen Example", "explain_pseudo"): "#full",
    ("Chen Example", "explain_consistency"): "#consistency-1 #consistency-2 #consistency-3",
    ("Fatima Example", "explain_pseudo"): "#pseudo-1",
}


def model_answers() -> dict[str, str]:
    solved = nbformat.read(ROOT / "solutions" / LAB / f"{LAB}.ipynb", as_version=4)
    return {
        cell.metadata.nbgrader.grade_id: cell.source
        for cell in solved.cells
        if role(cell) == "solution"
    }


def rival_answers(kind: str) -> dict[str, str]:
    """Return the first rival answer of a kind to each exercise."""
    listed = [rival for rival in rivals.read(LAB) if rival.kind == kind]
    return {rival.exercise: rival.code for rival in reversed(listed)}


def hand_in_class(course: Path) -> None:
    model, wrong, right = model_answers(), rival_answers("wrong"), rival_answers("right")
    slips = {name: code for name, code in wrong.items() if name in WRONG}
    changed = {"test_normalise": "assert True"}
    hand_in_cells(course, STUDENT, LAB, model | slips | EXPLAINED | changed)
    chance = random.Random(2)
    for student, (errors, empty) in OTHERS.items():
        drawn = chance.sample(sorted(wrong), errors + empty)
        answers = model | {name: wrong[name] for name in drawn[:errors]}
        answers = {name: code for name, code in answers.items() if name not in drawn[errors:]}
        hand_in_cells(course, student, LAB, answers | EXPLAINED)
    for student in ALIKE:
        hand_in_cells(course, student, LAB, model | right | EXPLAINED)


def photograph(page: Path, name: str, width: int, height: int) -> None:
    """Save the top of a page as a picture, as it opens in a browser."""
    shot = ROOT / "data" / "figures" / name
    browser = ["chromium", "--headless", "--no-sandbox", "--hide-scrollbars"]
    browser += [f"--window-size={width},{height}", f"--screenshot={shot}", page.as_uri()]
    subprocess.run(browser, check=True, capture_output=True)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="labkit-pictures-") as folder:
        course = copy_course(Path(folder), [LAB])
        hand_in_class(course)
        settings = batch.Settings(course, LAB)
        batch.grade(settings, [STUDENT])
        batch.grade(replace(settings, story=False))  # nobody looks at the others' pages
        rubrics.write(course, LAB)
        words = "#pseudo-1\nName two things that it removes."
        give(course, STUDENT, 1.5, words, "explain_pseudo", LAB)
        for (student, cell), typed in TYPED.items():
            give(course, student, None, typed, cell, LAB)
        for line in batch.grade(settings):
            print(json.dumps(vars(line)))
        photograph(course / "feedback" / STUDENT / LAB / f"{LAB}.html", "feedback.png", 1040, 1650)
        photograph(report.write(course, LAB), "report.png", 1100, 1900)


if __name__ == "__main__":
    main()
