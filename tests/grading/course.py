"""A course folder of real labs, and submissions made of the solved notebook with other answers."""

import shutil
from pathlib import Path

import nbformat

from labkit import ROOT


def copy_course(folder: Path, labs: list[str]) -> Path:
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    for lab in labs:
        for kind in ("solutions", "labs"):
            (folder / kind / lab).mkdir(parents=True)
            shutil.copy(ROOT / kind / lab / f"{lab}.ipynb", folder / kind / lab)
    return folder


def hand_in_cells(course: Path, student: str, lab: str, answers: dict[str, str]) -> None:
    """Submit the released notebook with these answers in its cells."""
    notebook = nbformat.read(course / "labs" / lab / f"{lab}.ipynb", as_version=4)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = answers.get(name, cell.source)
    path = course / "submitted" / student / lab / f"{lab}.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(notebook, path)
