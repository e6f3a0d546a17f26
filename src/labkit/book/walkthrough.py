"""Run every solved lab once, side by side where they do not wait for one another.

From that one execution come the page of the book, the marks of the model answer (by nbgrader, from
the outputs), the claims, time and memory. The blank sheet is graded without its story cells.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from pathlib import Path

import nbformat
import psutil
from nbformat import NotebookNode

from helpers import archive
from labkit import ROOT, grading, lab_source
from labkit.book import pages
from labkit.book.execution import Run, WalkthroughError, execute
from surveys import fingerprints
from surveys.students import INSTRUCTOR

#: memory that one running lab may need
LAB_BYTES = 1.5e9
#: times of an earlier walkthrough, by which this one says how long it will take
RECORDED = "docs/walkthrough.json"
#: the course in which nbgrader marks the model answers and the blank sheets
GRADING = "build/grading"
_THREADS = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA")


@dataclass(frozen=True)
class Row:
    """One lab in ``summary.json``: points are autograded ones, manual ones counted apart."""

    lab: str
    archive: str
    seconds: float
    cpu_seconds: float
    peak_rss_mb: float
    points_max: float
    points_model: float
    points_blank: float
    points_manual: float
    claims: int
    claims_skipped: int
    cells: int
    figures: int


def walkthrough(
    slugs: list[str],
    root: Path = ROOT,
    report: Callable[[str], None] = print,
    workers: int | None = None,
) -> list[Row]:
    """Execute and grade the labs that changed since the last time; write ``build/walkthrough``.

    Parameters
    ----------
    slugs : list of str
    root : Path
        The course folder; its notebooks must be derived.
    report : callable
        Told in a sentence what is being done.
    workers : int, optional
        Labs run at a time; by default as many as there are cores and memory for.

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
    cores = cores_in_use()
    if workers is None:
        workers = max(1, min(cores, int(psutil.virtual_memory().available / LAB_BYTES)))
    keys = _keys(root)
    labs = {slug: Lab(slug, root, keys[slug], max(1, cores // workers)) for slug in slugs}
    todo = {slug: lab for slug, lab in labs.items() if lab.earlier() is None}
    for slug in slugs:
        if slug not in todo:
            report(f"{slug}: nothing changed, kept")
    if todo:  # one gradebook for all, made anew: an old one may know other tests
        shutil.rmtree(root / GRADING, ignore_errors=True)
        (root / GRADING).mkdir(parents=True)
        shutil.copy(root / "nbgrader_config.py", root / GRADING)
        _run_all(todo, root, workers, report)
    rows = [lab.row() for lab in labs.values()]
    (out / "summary.json").write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    pages.write_index(out, [asdict(row) for row in rows], root)
    return rows


def cores_in_use() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _run_all(todo: dict[str, Lab], root: Path, workers: int, report: Callable[[str], None]) -> None:
    """Run labs, the longest way first, each when those it needs products of are done."""
    expected = expected_seconds(root)
    needs = {slug: lab_source.needs(slug, root) & set(todo) for slug in todo}

    def way(slug: str) -> float:
        after = [other for other in todo if slug in needs[other]]
        return expected.get(slug, 60.0) + max(map(way, after), default=0.0)

    waiting = sorted(todo, key=way, reverse=True)
    running: dict[Future[str], str] = {}
    done: set[str] = set()
    with ThreadPoolExecutor(workers) as pool:
        try:
            while waiting or running:
                for slug in [s for s in waiting if needs[s] <= done]:
                    if len(running) == workers:
                        break
                    waiting.remove(slug)
                    report(f"{slug}: started, about {expected.get(slug, 60.0):.0f} s expected")
                    running[pool.submit(todo[slug].make)] = slug
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    slug = running.pop(future)
                    report(future.result())
                    done.add(slug)
        except Exception:
            report(f"{slug}: failed; {len(running)} more are still running, then it is told why")
            raise


def expected_seconds(root: Path = ROOT) -> dict[str, float]:
    """Return how long each lab took in the last walkthrough here, else in the recorded one."""
    found: dict[str, float] = {}
    for path in (root / RECORDED, root / "build" / "walkthrough" / "summary.json"):
        if path.is_file():
            found |= {row["lab"]: row["seconds"] for row in json.loads(path.read_text())}
    return found


class Lab:
    """One lab of the walkthrough, and what is kept of its run.

    Parameters
    ----------
    slug : str
    root : Path
        The course folder.
    key : str
        Digest of all that its run depends on.
    threads : int
        That its numerical libraries may use.
    """

    def __init__(self, slug: str, root: Path, key: str, threads: int) -> None:
        self.slug, self.root, self.key, self.threads = slug, root, key, threads
        self.out = root / "build" / "walkthrough"
        self.stamp = self.out / f"{slug}.json"
        self.work = root / "build" / "run" / slug

    def earlier(self) -> Row | None:
        """Return the row of an earlier run, if nothing that it depends on has changed."""
        if not self.stamp.is_file() or not self.stamp.with_suffix(".html").is_file():
            return None
        kept = json.loads(self.stamp.read_text())
        return Row(**kept["row"]) if kept["key"] == self.key else None

    def row(self) -> Row:
        """Return the row of the run that is kept."""
        return Row(**json.loads(self.stamp.read_text())["row"])

    def make(self) -> str:
        """Run and grade the lab, write its page; return a sentence about it."""
        self.stamp.unlink(missing_ok=True)
        notebook = nbformat.read(self._notebook("solutions"), as_version=4)
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        source = archive.current()
        run = execute(
            notebook,
            self.slug,
            self.work,
            self._environment(),
            claims=lab_source.claims(self.slug, self.root),
            simulated=source.is_simulated,
        )
        if run.claims_false:
            listed = "\n".join(run.claims_false)
            raise WalkthroughError(
                f"{self.slug}: {len(run.claims_false)} of its claims are false:\n{listed}\n",
                "Correct the sentence, or what makes it false.",
            )
        pages.write_lab(self.out, self.slug, notebook, self.root)
        row = self._row(notebook, run, *self._marks(notebook), source.kind)
        self.stamp.write_text(json.dumps({"key": self.key, "row": asdict(row)}))
        return (
            f"{self.slug}: {row.points_model:g} of {row.points_max:g} points, {row.claims} claims "
            f"true, {row.seconds:.0f} s, {row.peak_rss_mb:.0f} MB"
        )

    def _row(
        self, notebook: NotebookNode, run: Run, model: grading.Mark, blank: grading.Mark, kind: str
    ) -> Row:
        return Row(
            lab=self.slug,
            archive=kind,
            seconds=round(run.seconds, 1),
            cpu_seconds=round(run.cpu_seconds, 1),
            peak_rss_mb=round(run.peak_bytes / 1e6),
            points_max=model.points_max,
            points_model=model.points,
            points_blank=blank.points,
            points_manual=model.manual_max,
            claims=run.claims_true,
            claims_skipped=run.claims_skipped,
            cells=len(notebook.cells),
            figures=pages.count_figures(notebook),
        )

    def _notebook(self, folder: str) -> Path:
        return self.root / folder / self.slug / f"{self.slug}.ipynb"

    def _environment(self) -> dict[str, str]:
        # the book's labs build on one another, and leave a person's own products alone
        products = str(self.work.parent / "products")
        threads = {f"{library}_NUM_THREADS": str(self.threads) for library in _THREADS}
        return {"LABKIT_PRODUCTS": products, "LABKIT_STUDENT": INSTRUCTOR, **threads}

    def _marks(self, solved: NotebookNode) -> tuple[grading.Mark, grading.Mark]:
        """Let nbgrader mark the model answer, and the blank sheet with its tests run."""
        blank = blank_sheet(solved, nbformat.read(self._notebook("labs"), as_version=4))
        environment = self._environment() | {"NBGRADER_EXECUTION": "autograde"}
        execute(blank, self.slug, self.work, environment, allow_errors=True)
        course = self.root / GRADING
        source = course / "solutions" / self.slug
        source.mkdir(parents=True, exist_ok=True)
        shutil.copy(self._notebook("solutions"), source)
        with _NBGRADER:
            grading.register(course, self.slug)
            return (
                grading.grade_executed(course, self.slug, "model", solved),
                grading.grade_executed(course, self.slug, "blank", blank),
            )


#: nbgrader changes the search path and silences stderr of the whole process
_NBGRADER = threading.Lock()


def blank_sheet(solved: NotebookNode, released: NotebookNode) -> NotebookNode:
    """Return what students start from with all its tests, hidden ones too, and no story cells.

    Parameters
    ----------
    solved, released : NotebookNode
        A lab as the instructor and as the students have it.

    Returns
    -------
    NotebookNode
        Without outputs.
    """
    tests = {
        cell.metadata.nbgrader.grade_id: cell.source
        for cell in solved.cells
        if cell.metadata.get("nbgrader", {}).get("grade") and cell.cell_type == "code"
    }
    sheet: NotebookNode = nbformat.from_dict(released)
    sheet.cells = [cell for cell in sheet.cells if "nbgrader" in cell.metadata]
    for cell in sheet.cells:
        cell.source = tests.get(cell.metadata.nbgrader.grade_id, cell.source)
    return sheet


def _keys(root: Path) -> dict[str, str]:
    """Digest all that each lab's run depends on, the labs before it included."""
    keys: dict[str, str] = {}
    for slug in lab_source.labs(root):
        solved = root / "solutions" / slug / f"{slug}.ipynb"
        text = solved.read_text(encoding="utf-8") if solved.is_file() else ""
        code = "\n".join(
            cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
            for cell in (json.loads(text)["cells"] if text else [])
            if cell["cell_type"] == "code"
        )
        files = [
            path
            for path in (
                solved,
                root / "labs" / slug / f"{slug}.ipynb",
                root / "nbgrader_config.py",
                root / "pyproject.toml",
            )
            if path.is_file()
        ]
        keys[slug] = fingerprints.digest(
            [name for name in fingerprints.imports(code) if name.startswith("helpers")],
            ("helpers", "surveys"),
            files,
            archive.current().key,
            repr(lab_source.claims(slug, root)),
            *(keys[needed] for needed in sorted(lab_source.needs(slug, root))),
        )
    return keys
