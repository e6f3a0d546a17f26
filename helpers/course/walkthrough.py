"""Run every solved lab, grade the model answer and the blank sheet, write the illustrated book."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import nbformat
import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from helpers import archive
from helpers.course import ROOT, grading, pages


class WalkthroughError(RuntimeError):
    """A solved lab does not run; the message names the lab and shows the cell that failed."""


@dataclass(frozen=True)
class Row:
    """One lab in ``summary.json``: points are autograded ones, manual ones counted apart."""

    lab: str
    archive: str
    seconds: float
    peak_rss_mb: float
    points_max: float
    points_model: float
    points_blank: float
    points_manual: float
    cells: int
    figures: int


def walkthrough(
    slugs: list[str], root: Path = ROOT, report: Callable[[str], None] = print
) -> list[Row]:
    """Execute and grade the labs that changed since the last time; write ``build/walkthrough``.

    Parameters
    ----------
    slugs : list of str
    root : Path
        The course folder; its notebooks must be derived.
    report : callable
        Told in a sentence what is being done.

    Returns
    -------
    list of Row
        All labs, as written to ``build/walkthrough/summary.json``.

    Raises
    ------
    WalkthroughError, GradingError
    """
    out = root / "build" / "walkthrough"
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for slug in slugs:
        stamp = out / f"{slug}.json"
        fingerprint = _fingerprint(slug, root)
        row = _earlier(stamp, fingerprint)
        if row is None:
            report(f"{slug}: running the solved lab")
            row = _make(slug, root, out, report)
            stamp.write_text(json.dumps({"fingerprint": fingerprint, "row": asdict(row)}))
        else:
            report(f"{slug}: nothing changed, kept")
        rows.append(row)
    (out / "summary.json").write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    pages.write_index(out, [asdict(row) for row in rows], root)
    return rows


def _make(slug: str, root: Path, out: Path, report: Callable[[str], None]) -> Row:
    notebook = nbformat.read(root / "solutions" / slug / f"{slug}.ipynb", as_version=4)
    work = root / "build" / "run" / slug
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    seconds, peak = execute(notebook, slug, work)
    pages.write_lab(out, slug, notebook)
    report(f"{slug}: grading the model answer and the blank sheet")
    model, empty = _grade(slug, root)
    return Row(
        lab=slug,
        archive=archive.current().kind,
        seconds=round(seconds, 1),
        peak_rss_mb=round(peak / 1e6),
        points_max=model.points_max,
        points_model=model.points,
        points_blank=empty.points,
        points_manual=model.manual_max,
        cells=len(notebook.cells),
        figures=pages.count_figures(notebook),
    )


def execute(notebook: NotebookNode, name: str, folder: Path) -> tuple[float, float]:
    """Run a notebook in a kernel of its own, in place.

    Parameters
    ----------
    notebook : NotebookNode
        Gets its outputs.
    name : str
        How to call it in errors.
    folder : Path
        Where the kernel works; products are kept in ``products`` beside it.

    Returns
    -------
    seconds : float
        Wall time.
    peak : float
        Largest resident memory of the kernel and its children, bytes.

    Raises
    ------
    WalkthroughError
        If a cell fails.
    """
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(folder)}})
    # the book's labs build on one another, and leave a person's own products alone
    environment = {**os.environ, "LABKIT_PRODUCTS": str(folder.parent / "products")}
    with _MemoryWatch() as watch:
        started = time.perf_counter()
        try:
            client.execute(env=environment)
        except CellExecutionError as error:
            raise WalkthroughError(f"{name} stopped at a cell:\n{error}") from error
        return time.perf_counter() - started, watch.peak


class _MemoryWatch:
    """Sample the resident memory of this process's children; keep the largest sum."""

    def __init__(self, every: float = 0.2) -> None:
        self.peak = 0.0
        self._every = every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        this = psutil.Process()
        while not self._stop.wait(self._every):
            total = 0.0
            for child in this.children(recursive=True):
                try:
                    total += child.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            self.peak = max(self.peak, total)

    def __enter__(self) -> _MemoryWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def _grade(slug: str, root: Path) -> tuple[grading.Mark, grading.Mark]:
    """Hand in the solved and the released notebook in a course of their own."""
    course = root / "build" / "grading"
    shutil.rmtree(course, ignore_errors=True)
    solved = course / "solutions" / slug
    solved.mkdir(parents=True)
    shutil.copy(root / "nbgrader_config.py", course)
    shutil.copy(root / "solutions" / slug / f"{slug}.ipynb", solved)
    for student, folder in (("model", "solutions"), ("blank", "labs")):
        handed_in = course / "submitted" / student / slug
        handed_in.mkdir(parents=True)
        shutil.copy(root / folder / slug / f"{slug}.ipynb", handed_in)
    grading.register(course, slug)
    return grading.grade(course, slug, "model"), grading.grade(course, slug, "blank")


def _fingerprint(slug: str, root: Path) -> str:
    """Digest all that a lab's result depends on: notebooks, code, settings, data."""
    digest = hashlib.sha256()
    files = [
        *sorted((root / "helpers").rglob("*.py")),
        root / "nbgrader_config.py",
        root / "pyproject.toml",
        # a lab starts from what the labs before it left
        *(path for path in sorted((root / "solutions").glob("*/*.ipynb")) if path.stem <= slug),
        root / "labs" / slug / f"{slug}.ipynb",
        root / "data" / "build" / "survey.json",
    ]
    for path in files:
        if path.is_file():
            digest.update(path.read_bytes())
    digest.update(archive.current().key.encode())
    return digest.hexdigest()


def _earlier(stamp: Path, fingerprint: str) -> Row | None:
    """Return the row of an earlier run if nothing it depends on has changed."""
    if not stamp.is_file() or not stamp.with_suffix(".html").is_file():
        return None
    earlier = json.loads(stamp.read_text())
    return Row(**earlier["row"]) if earlier["fingerprint"] == fingerprint else None
