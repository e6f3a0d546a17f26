"""Make data/figures/feedback.png: the page of a made-up student of lab 2, as it opens in a browser.

    python -m tests.grading.feedback_page

The student answers three exercises as wrong rivals do, writes one explanation and changes a test
cell; the spectra are the simulated survey's. Needs bubblewrap and chromium.
"""

import json
import subprocess
import tempfile
from pathlib import Path

import nbformat

from labkit import ROOT
from labkit.grading import batch, rivals
from labkit.grading.cells import role

from .course import copy_course, hand_in_cells

LAB = "02_continuum"
STUDENT = "Ada Example"
WRONG = ("robust_polynomial", "normalise", "rms_difference")
WIDTH, HEIGHT = 1040, 1500


def answers() -> dict[str, str]:
    solved = nbformat.read(ROOT / "solutions" / LAB / f"{LAB}.ipynb", as_version=4)
    written = {
        cell.metadata.nbgrader.grade_id: cell.source
        for cell in solved.cells
        if role(cell) == "solution"
    }
    for rival in reversed(rivals.read(LAB)):
        if rival.kind == "wrong" and rival.exercise in WRONG:
            written[rival.exercise] = rival.code
    return written | {
        "explain_pseudo": "It divides by a smooth curve, so that only lines are left.",
        "test_normalise": "assert True",
    }


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="labkit-page-") as folder:
        course = copy_course(Path(folder), [LAB])
        hand_in_cells(course, STUDENT, LAB, answers())
        (line,) = batch.grade(batch.Settings(course, LAB), count=1)
        print(json.dumps(vars(line), indent=1))
        page = course / "feedback" / STUDENT / LAB / f"{LAB}.html"
        shot = ROOT / "data" / "figures" / "feedback.png"
        browser = ["chromium", "--headless", "--no-sandbox", "--hide-scrollbars"]
        browser += [f"--window-size={WIDTH},{HEIGHT}", f"--screenshot={shot}", page.as_uri()]
        subprocess.run(browser, check=True, capture_output=True)


if __name__ == "__main__":
    main()
