"""Put a submitted notebook back into the form it was handed out in, and say what was done.

Students' answers are kept as they are; what is locked comes from the released notebook. Every
repair is one plain sentence, for the student and for the instructor.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from labkit.errors import GradingError

#: no notebook with a lab's figures in it comes near
MAX_BYTES = 50_000_000
MAX_CELLS = 2_000
MAX_SOURCE = 1_000_000


@dataclass
class Cell:
    """A cell of the repaired notebook.

    Attributes
    ----------
    role : str
        setup, solution, test, explain (those of the released notebook) or own.
    name : str
        The grade_id; "" for an own cell.
    kind : str
        code, markdown or raw.
    source : str
        The student's text, or the released one of a locked cell.
    released : bool
        Whether the text is the one that was handed out.
    story : bool
        Whether it is a cell of the story that was handed out, whatever it says now.
    """

    role: str
    name: str
    kind: str
    source: str
    released: bool = False
    story: bool = False
    id: str = ""


@dataclass
class Repaired:
    """A submission fit to be graded, and the sentences that say what was mended."""

    cells: list[Cell]
    repairs: list[str] = field(default_factory=list)


def read_bytes(path: Path) -> bytes:
    """Read a submission without following links.

    Raises
    ------
    GradingError
        If it is missing, no plain file, or too large.
    """
    for part in (path, *path.parents[:2]):
        if part.is_symlink():
            raise GradingError(f"{part.name} is a link: hand in the notebook itself")
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise GradingError(f"no notebook to grade ({path.name}: {error.strerror})") from None
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        os.close(fd)
        raise GradingError(f"{path.name} is not a file")
    with os.fdopen(fd, "rb") as file:
        if status.st_size > MAX_BYTES:
            raise GradingError(
                f"{path.name} has {status.st_size / 1e6:.0f} MB, more than {MAX_BYTES / 1e6:.0f}: "
                "clear its outputs (Edit > Clear Outputs of All Cells) and hand it in again"
            )
        return file.read(MAX_BYTES + 1)


# --- the text of the file -----------------------------------------------------------------------


def parse(raw: bytes) -> tuple[dict[str, Any], list[str]]:
    """Read a notebook's JSON, mending what can be.

    Returns
    -------
    notebook : dict
        With a list under "cells".
    repairs : list of str

    Raises
    ------
    GradingError
        If it is no notebook.
    """
    text = raw.decode("utf-8-sig", errors="replace").replace("\x00", "")
    notebook = _loads(text)
    if notebook is not None:
        return notebook, []
    mended = _loads(_without_trailing_commas(text))
    if mended is not None:
        return mended, ["The file was not proper JSON (a comma too many); it was mended."]
    cells = _salvage(text)
    if cells:
        said = f"The file was damaged; {len(cells)} cells could be read, what follows is lost."
        return {"cells": cells}, [said]
    raise GradingError("the file is not a notebook: it is not JSON, and nothing in it can be read")


def _loads(text: str) -> dict[str, Any] | None:
    try:
        # text after the notebook's end does no harm; nor do bare line breaks within strings
        notebook, _ = json.JSONDecoder(strict=False).raw_decode(text.lstrip())
    except (ValueError, RecursionError):
        return None
    if type(notebook) is not dict:
        return None
    if type(notebook.get("worksheets")) is list and "cells" not in notebook:  # before nbformat 4
        sheets = [s for s in notebook["worksheets"] if type(s) is dict]
        notebook["cells"] = [c for s in sheets if type(s.get("cells")) is list for c in s["cells"]]
    return notebook if type(notebook.get("cells")) is list else None


def _without_trailing_commas(text: str) -> str:
    # nothing is looked at twice, in a text that never closes its quotes neither: `++` gives
    # nothing back, and a string that is cut short is taken to the end
    return re.sub(
        r'("(?:[^"\\]++|\\.)*+"?)|,(?=\s*+[\]}])',
        lambda match: match[1] or "",
        text,
        flags=re.DOTALL,
    )


def _salvage(text: str) -> list[Any]:
    """Read as many cells as are whole."""
    start = re.search(r'"cells"\s*:\s*\[', text)
    cells: list[Any] = []
    position = start.end() if start else len(text)
    decoder = json.JSONDecoder(strict=False)
    while len(cells) <= MAX_CELLS:
        begin = re.compile(r"[^\s,]").search(text, position)
        position = begin.start() if begin else len(text)
        try:
            cell, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            return cells
        cells.append(cell)
    return cells


def _cells(notebook: dict[str, Any]) -> list[Cell]:
    """Reduce the file to its cells: kind, text, grade_id and id; all other claims are dropped."""
    cells = []
    for entry in notebook["cells"][: MAX_CELLS + 1]:
        if type(entry) is not dict:
            continue
        source = entry.get("source", entry.get("input", ""))
        if type(source) is list:
            source = "".join(part for part in source if type(part) is str)
        if type(source) is not str:
            source = ""
        kind = entry.get("cell_type")
        kind = kind if kind in ("code", "markdown", "raw") else "markdown"
        metadata = entry.get("metadata")
        grading = metadata.get("nbgrader") if type(metadata) is dict else None
        name = grading.get("grade_id") if type(grading) is dict else None
        identity = entry.get("id")
        cells.append(
            Cell(
                role="own",
                name=name if type(name) is str else "",
                kind=kind,
                source=source,
                id=identity if type(identity) is str else "",
            )
        )
    if len(cells) > MAX_CELLS:
        raise GradingError(f"the notebook has more than {MAX_CELLS} cells")
    if sum(len(cell.source) for cell in cells) > MAX_SOURCE:
        raise GradingError(f"the notebook holds more than {MAX_SOURCE} characters of text")
    return cells


# --- the released notebook ----------------------------------------------------------------------


def role(cell: NotebookNode) -> str:
    """Say what a cell of the released or the source notebook is: see `Cell.role`."""
    grading = cell.metadata.get("nbgrader")
    if not grading:
        return "own"
    if grading["grade"]:
        return "explain" if grading["solution"] else "test"
    return "solution" if grading["solution"] else "setup"


def handed_out(released: NotebookNode) -> list[Cell]:
    """Return a released notebook's cells."""
    return [
        Cell(
            role=role(cell),
            name=cell.metadata.get("nbgrader", {}).get("grade_id", ""),
            kind=cell.cell_type,
            source=cell.source,
            released=True,
            id=cell.get("id", ""),
        )
        for cell in released.cells
    ]


def repair(raw: bytes, released: list[Cell]) -> Repaired:
    """Bring a submission back to the form of the released notebook.

    Parameters
    ----------
    raw : bytes
        The submitted file.
    released : list of Cell
        See `handed_out`.

    Returns
    -------
    Repaired
        All cells of the released notebook that matter for grading, and all of the student's.

    Raises
    ------
    GradingError
        If nothing can be read.
    """
    notebook, repairs = parse(raw)
    cells = _cells(notebook)
    repairs += _kernel(notebook)
    named = {cell.name: cell for cell in released if cell.name}
    repairs += _identify(cells, released, named)
    cells, said = _drop_copies(cells, named)
    repairs += said
    cells, said = _restore(cells, released, named)
    repairs += said + _tests_after_answers(cells)
    texts = {(cell.kind, cell.source.strip()) for cell in released}
    stories = {cell.id for cell in released if cell.role == "own" and cell.id}
    for cell in cells:
        cell.released = (cell.kind, cell.source.strip()) in texts
        cell.story = cell.role == "own" and cell.id in stories
    repairs += _ids(cells)
    return Repaired(cells, repairs)


def _kernel(notebook: dict[str, Any]) -> list[str]:
    metadata = notebook.get("metadata")
    spec = metadata.get("kernelspec") if type(metadata) is dict else None
    name = spec.get("name") if type(spec) is dict else None
    language = spec.get("language", "python") if type(spec) is dict else "python"
    if type(name) is str and (language != "python" or not name.startswith(("python", "conda"))):
        return [f"The notebook asked for the kernel {name[:40]!r}; it was run with Python 3."]
    return []


def _identify(cells: list[Cell], released: list[Cell], named: dict[str, Cell]) -> list[str]:
    """Give cells that lost their metadata their names back."""
    repairs = []
    for cell in cells:
        if cell.name not in named:
            cell.name = ""
    present = {cell.name for cell in cells}
    by_id = {cell.id: cell.name for cell in released if cell.name and cell.id}
    by_text = {(c.kind, c.source.strip()): c.name for c in released if c.name}
    for name, original in named.items():
        if name in present:
            continue
        same_kind = [cell for cell in cells if not cell.name and cell.kind == original.kind]
        ways = (
            [cell for cell in same_kind if by_id.get(cell.id) == name],
            [cell for cell in same_kind if by_text.get((cell.kind, cell.source.strip())) == name],
            [
                cell
                for cell in same_kind
                if original.role == "solution" and _defines(cell.source, original.name)
            ],
        )
        for found in ways:
            if found:
                # a name defined twice means what the last definition says
                found[-1].name = name
                repairs.append(f"The cell {name!r} had lost its metadata; it was recognised.")
                break
    return repairs


def _defines(source: str, name: str) -> bool:
    pattern = rf"^(?:def\s+{re.escape(name)}\s*\(|{re.escape(name)}\s*=[^=])"
    return re.search(pattern, source, flags=re.MULTILINE) is not None


def _drop_copies(cells: list[Cell], named: dict[str, Cell]) -> tuple[list[Cell], list[str]]:
    """Keep one cell of each name: of a locked one the first, of an answer the last one written."""
    repairs = []
    kept: list[Cell] = []
    for name in sorted({c.name for c in cells if c.name}):
        copies = [cell for cell in cells if cell.name == name]
        if len(copies) == 1:
            continue
        repairs.append(f"The cell {name!r} was there {len(copies)} times; one was graded.")
        original = named[name]
        written = [c for c in copies if c.source.strip() != original.source.strip()]
        locked = original.role in ("setup", "test")
        chosen = copies[0] if locked else (written or copies)[-1]
        for copy in copies:
            if copy is not chosen:
                copy.name = ""
                # a stub or a locked copy run again would undo the answer; own code stays
                if locked or copy not in written:
                    copy.kind = "drop"
    kept = [cell for cell in cells if cell.kind != "drop"]
    return kept, repairs


def _restore(
    cells: list[Cell], released: list[Cell], named: dict[str, Cell]
) -> tuple[list[Cell], list[str]]:
    """Put every named cell in place, locked ones with their own text."""
    repairs = []
    order = [cell.name for cell in released if cell.name]
    found = [cell.name for cell in cells if cell.name]
    matcher = difflib.SequenceMatcher(None, order, found, autojunk=False)
    in_place = {order[m.a + i] for m in matcher.get_matching_blocks() for i in range(m.size)}
    out = []
    for cell in cells:
        original = named.get(cell.name)
        if original is None:
            out.append(cell)
            continue
        locked = original.role in ("setup", "test")
        if locked and cell.source.strip() != original.source.strip():
            repairs.append(f"The locked cell {cell.name!r} had been changed; it was put back.")
        if locked and cell.name not in in_place:
            repairs.append(f"The locked cell {cell.name!r} stood elsewhere; it was put back.")
            continue
        if not locked and cell.kind != original.kind:
            repairs.append(f"The answer {cell.name!r} was of another cell type; it was changed.")
        source = original.source if locked else cell.source
        out.append(Cell(original.role, cell.name, original.kind, source, id=cell.id))
    present = {cell.name for cell in out if cell.name}
    for name in order:
        if name not in present:
            original = named[name]
            if name not in found:
                what = "locked cell" if original.role in ("setup", "test") else "answer"
                repairs.append(f"The {what} {name!r} was missing; the original was put in.")
            out.insert(_place(name, order, out), Cell(**{**vars(original), "released": True}))
    return out, repairs


def _place(name: str, order: list[str], out: list[Cell]) -> int:
    """Return the position behind the cell that comes before this one in the released notebook."""
    before = order[: order.index(name)]
    places = {cell.name: position for position, cell in enumerate(out) if cell.name}
    after = next((places[other] for other in reversed(before) if other in places), -1)
    if exercise := exercise_of(name, [cell.name for cell in out if cell.role == "solution"]):
        after = max(after, places[exercise])
    return after + 1


def _tests_after_answers(cells: list[Cell]) -> list[str]:
    """Move tests that stand above their answer behind it, in their order."""
    repairs = []
    answers = [cell.name for cell in cells if cell.role == "solution"]
    tests: dict[str, list[Cell]] = {}
    for cell in cells:
        if cell.role == "test" and (exercise := exercise_of(cell.name, answers)):
            tests.setdefault(exercise, []).append(cell)
    for exercise, own in tests.items():
        answer = next(n for n, cell in enumerate(cells) if cell.name == exercise)
        if above := [cell for cell in own if cells.index(cell) < answer]:
            repairs.append(f"The answer {exercise!r} stood below its tests; they follow it now.")
            for cell in above:
                cells.remove(cell)
            answer -= len(above)
            cells[answer + 1 : answer + 1] = above
    return repairs


def exercise_of(test: str, solutions: list[str]) -> str:
    """Return the solution cell a test cell belongs to, "" if there is none."""
    stem = test.removeprefix("test_")
    fitting = [s for s in solutions if stem == s or stem.startswith(f"{s}_")]
    return max(fitting, key=len, default="") if test != stem else ""


def _ids(cells: list[Cell]) -> list[str]:
    taken: set[str] = set()
    doubled = 0
    for number, cell in enumerate(cells):
        usable = re.fullmatch(r"[A-Za-z0-9_-]{1,64}", cell.id)
        if not usable or cell.id in taken:
            doubled += cell.id in taken and bool(usable)
            cell.id = f"cell-{number}"
            while cell.id in taken:
                cell.id += "x"
        taken.add(cell.id)
    return [f"{doubled} cells had the id of another cell; they got their own."] if doubled else []
