"""Explanations that stand where students wrote them, not where they were asked to.

Whoever grades by hand must see each: in a cell typed anew, in one beside the cell that was left as
it was, in the question itself. What lies between the released cells before and after it belongs to
an explanation.
"""

from __future__ import annotations

from labkit.grading.cells import Cell


def gather(cells: list[Cell], released: list[Cell]) -> list[str]:
    """Put explanations in their places.

    Parameters
    ----------
    cells : list of Cell
        Of the submission, with names, and marked where they are the story's; changed in place.
    released : list of Cell
        See `cells.handed_out`.

    Returns
    -------
    list of str
        What was done, one sentence for each explanation.
    """
    said = []
    for position, original in enumerate(released):
        if original.role == "explain":
            before, after = _neighbours(cells, released, position)
            beside = [cell for cell in cells[before + 1 : after] if _is_prose(cell)]
            question = cells[before] if before >= 0 else None
            said += _take(_find(cells, original), original, beside, question)
    cells[:] = [cell for cell in cells if cell.kind != "drop"]
    return said


def _take(
    cell: Cell | None, original: Cell, beside: list[Cell], question: Cell | None
) -> list[str]:
    """Fill the cell of an explanation from the text beside it, if it has none of its own."""
    name = original.name
    if cell is None and beside:
        beside[0].name = name
        return [f"The cell {name!r} was typed anew; it was recognised by its place."]
    if cell is None or not (cell.intact or cell.text == original.text):
        return []
    if beside:
        cell.source = "\n\n".join(other.source for other in beside)
        cell.intact = False
        for other in beside:
            cell.pictures |= other.pictures
            other.kind = "drop"
        return [f"The answer {name!r} stood in a cell beside its own; it was put in its place."]
    if question and question.kind == "markdown" and question.story and not question.released:
        cell.elsewhere = True
        return [
            f"The answer {name!r} is empty, but its question was changed: whoever grades looks "
            "for the answer there."
        ]
    return []


def _neighbours(cells: list[Cell], released: list[Cell], position: int) -> tuple[int, int]:
    """Return where the released cells before and after one are; nothing is between if unknown."""
    before = (_place(cells, other) for other in reversed(released[:position]))
    after = (_place(cells, other) for other in released[position + 1 :])
    return (
        next((place for place in before if place is not None), -1),
        next((place for place in after if place is not None), len(cells)),
    )


def _place(cells: list[Cell], original: Cell) -> int | None:
    for place, cell in enumerate(cells):
        if original.name:
            same = cell.name == original.name
        else:
            same = not cell.name and (
                cell.text == original.text or bool(cell.id and cell.id == original.id)
            )
        if same:
            return place
    return None


def _find(cells: list[Cell], original: Cell) -> Cell | None:
    place = _place(cells, original)
    return None if place is None else cells[place]


def _is_prose(cell: Cell) -> bool:
    """Say whether a cell is text of the student's own."""
    mine = not (cell.name or cell.story or cell.released)
    return mine and cell.kind in ("markdown", "raw") and bool(cell.source.strip())
