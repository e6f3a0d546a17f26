"""Put a submitted notebook back into the form it was handed out in, and say what was done.

Students' answers are kept as they are; what is locked comes from the released notebook. Every
repair is one plain sentence, for the student and for the instructor.
"""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass, field, replace
from typing import Any

from nbformat import NotebookNode

from labkit.errors import GradingError
from labkit.grading import explanations, pasted
from labkit.grading.cells import Cell, exercise_of, handed_out, mark_story, role
from labkit.grading.hidden_tests import visible
from labkit.lab_source import NO_KERNEL

__all__ = [
    "Cell",
    "Repaired",
    "exercise_of",
    "handed_out",
    "parse",
    "repair",
    "role",
]

MAX_CELLS = 2_000
MAX_SOURCE = 1_000_000
#: of one kind of repair more than so many are told of in one sentence
MAX_SENTENCES = 3


@dataclass
class Repaired:
    """A submission fit to be graded, and the sentences that say what was mended."""

    cells: list[Cell]
    repairs: list[str] = field(default_factory=list)


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
    """Reduce the file to its cells: kind, text, pictures and names; other claims are dropped."""
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
        grading = grading if type(grading) is dict else {}
        name = grading.get("grade_id")
        identity = entry.get("id")
        cell = Cell(
            role="own",
            name=name if type(name) is str else "",
            kind=kind,
            source=source.replace("\r\n", "\n"),
            id=identity if type(identity) is str else "",
            locked=grading.get("locked") is True and grading.get("solution") is not True,
        )
        if kind != "code":
            cell.source, cell.pictures = pasted.take_out(cell.source, entry.get("attachments"))
        cell.intact = _is_intact(cell, grading)
        cells.append(cell)
    if len(cells) > MAX_CELLS:
        raise GradingError(f"the notebook has more than {MAX_CELLS} cells")
    if sum(len(cell.source) for cell in cells) > MAX_SOURCE:
        raise GradingError(f"the notebook holds more than {MAX_SOURCE} characters of text")
    return cells


def _is_intact(cell: Cell, grading: dict[Any, Any]) -> bool:
    """Say whether nbgrader's checksum, which came with the cell, still fits it.

    It may be made up, and nothing but sentences depends on it: a cell that a release of the lab
    held, another one than today's, was not changed by the student.
    """
    from nbgrader.utils import compute_checksum

    claimed = grading.get("checksum")
    if type(claimed) is not str:
        return False
    plain = {key: value for key, value in grading.items() if type(value) in (bool, int, float, str)}
    metadata = NotebookNode(nbgrader=NotebookNode(plain))
    try:
        made = NotebookNode(cell_type=cell.kind, source=cell.source, metadata=metadata)
        return bool(compute_checksum(made) == claimed)
    except (KeyError, ValueError, OverflowError):
        return False


# --- beside the released notebook ----------------------------------------------------------------


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
    repairs += pasted.bound(cells)
    repairs += _identify(cells, released, named)
    mark_story(cells, released)
    repairs += explanations.gather(cells, released)
    cells, said = _drop_copies(cells, named)
    repairs += said
    cells, said = _restore(cells, released, named)
    repairs += said + _tests_after_answers(cells)
    texts = {cell.text for cell in released}
    for cell in cells:
        cell.released = (cell.text in texts or cell.intact) and not cell.elsewhere
    repairs += _ids(cells)
    return Repaired(cells, repairs)


def _kernel(notebook: dict[str, Any]) -> list[str]:
    metadata = notebook.get("metadata")
    spec = metadata.get("kernelspec") if type(metadata) is dict else None
    name = spec.get("name") if type(spec) is dict else None
    language = spec.get("language", "python") if type(spec) is dict else "python"
    python = ("python", "conda", NO_KERNEL["name"])
    if type(name) is str and (language != "python" or not name.startswith(python)):
        return [f"The notebook asked for the kernel {name[:40]!r}; it was run with Python 3."]
    return []


def _identify(cells: list[Cell], released: list[Cell], named: dict[str, Cell]) -> list[str]:
    """Give cells that lost their metadata their names back; drop tests that the lab lost."""
    found = []
    for cell in cells:
        if cell.name not in named:
            if cell.name and cell.locked and cell.intact:
                cell.kind = "drop"
            cell.name = ""
    cells[:] = [cell for cell in cells if cell.kind != "drop"]
    present = {cell.name for cell in cells}
    by_id = {cell.id: cell.name for cell in released if cell.name and cell.id}
    by_text = {cell.text: cell.name for cell in released if cell.name}
    for name, original in named.items():
        if name in present:
            continue
        same_kind = [cell for cell in cells if not cell.name and cell.kind == original.kind]
        ways = (
            [cell for cell in same_kind if by_id.get(cell.id) == name],
            [cell for cell in same_kind if by_text.get(cell.text) == name],
            [
                cell
                for cell in same_kind
                if original.role == "solution" and _defines(cell.source, original.name)
            ],
        )
        for cells_found in ways:
            if cells_found:
                # a name defined twice means what the last definition says
                cells_found[-1].name = name
                found.append(name)
                break
    return _told(
        found,
        "The cell {!r} had lost its metadata; it was recognised.",
        "{} cells had lost their metadata; they were recognised.",
    )


def _told(names: list[str], one: str, many: str) -> list[str]:
    """Return a sentence for each of a few names, one for more of them together."""
    if len(names) > MAX_SENTENCES:
        return [many.format(len(names))]
    return [one.format(name) for name in names]


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
    changed, moved, retyped, missing = [], [], [], []
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
        if locked and not _says(cell, original):
            changed.append(cell.name)
        if locked and cell.name not in in_place:
            moved.append(cell.name)
            continue
        if not locked and cell.kind != original.kind:
            retyped.append(cell.name)
        cell.role, cell.kind = original.role, original.kind
        cell.source = original.source if locked else cell.source
        out.append(cell)
    present = {cell.name for cell in out if cell.name}
    for name in order:
        if name not in present:
            if name not in found:
                missing.append(name)
            out.insert(_place(name, order, out), replace(named[name]))
    repairs = [
        *_told(
            changed,
            "The locked cell {!r} had been changed; it was put back.",
            "{} locked cells are not those of the lab (a solved notebook, or one from elsewhere?); "
            "the lab's were used.",
        ),
        *_told(
            moved,
            "The locked cell {!r} stood elsewhere; it was put back.",
            "{} locked cells stood elsewhere; they were put back.",
        ),
        *_told(
            retyped,
            "The answer {!r} was of another cell type; it was changed.",
            "{} answers were of another cell type; they were changed.",
        ),
        *_told(
            missing,
            "The cell {!r} was not in the notebook; it was put in.",
            "{} cells of the lab were not in the notebook; they were put in.",
        ),
    ]
    return out, repairs


def _says(cell: Cell, original: Cell) -> bool:
    """Say whether a locked cell was left as some release had it; hidden tests are no change."""
    return cell.intact or visible(cell.source).strip() == original.source.strip()


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
