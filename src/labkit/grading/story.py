"""What a student's cells showed: checked when it comes in, and bounded for all cells together.

It comes from the sandbox, or was saved in the submitted notebook, and may be anything. What is not
what it should be is left out, with one sentence; no mark depends on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from labkit.grading.cells import Cell
from labkit.sandbox.inside import displayed

#: of one cell: bytes of its answer, characters of text, figures, bytes of a figure
MAX_ANSWER = 32_000_000
MAX_TEXT = 20_000
MAX_FIGURES = 12
MAX_FIGURE = 4_000_000
MAX_ERROR = 500
#: of all cells together: characters of text, bytes of figures, cells whose answers are looked at
MAX_TEXTS = 2_000_000
MAX_BYTES = 60_000_000
UNREADABLE = "What a cell of yours showed could not be read; it is left out."
TOO_MUCH = "Your cells showed more than a page can hold; what came last is left out."


@dataclass
class Story:
    """What the cells of a notebook showed, one after the other.

    Attributes
    ----------
    shown : list of dict
        A cell each: ``printed`` (str), ``figures`` (lists of PNG and alt text), ``error`` (str or
        None), ``cell`` (its position) and ``name``.
    said : list of str
        What is to be told of what was left out.
    """

    shown: list[dict[str, Any]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    _letters: int = 0
    _bytes: int = 0

    def add(self, answer: Any, cell: int, name: str) -> str | None:
        """Take in what a cell showed.

        Parameters
        ----------
        answer : anything
            What the sandbox says.
        cell : int
            The cell's position.
        name : str

        Returns
        -------
        str or None
            The error with which the cell ended.
        """
        if not _is_in_order(answer):
            self._say(UNREADABLE)
            return None
        printed, figures, error = answer["printed"], answer["figures"], answer["error"]
        self._letters += len(printed)
        self._bytes += sum(len(image) for image, _ in figures)
        if self._letters > MAX_TEXTS or self._bytes > MAX_BYTES:
            self._say(TOO_MUCH)
            printed, figures = "", []
        self.shown.append(
            {"printed": printed, "figures": figures, "error": error, "cell": cell, "name": name}
        )
        return error if error is None else str(error)

    def _say(self, what: str) -> None:
        if what not in self.said:
            self.said.append(what)


def saved(cells: Iterable[Cell]) -> Story:
    """Return what the cells of a submitted notebook showed when it was saved.

    Parameters
    ----------
    cells : iterable of Cell
        Of the repaired notebook.

    Returns
    -------
    Story
        Without what its tests printed; empty if its outputs were cleared.
    """
    story = Story()
    for position, cell in enumerate(cells):
        if cell.kind == "code" and cell.role != "test":
            outputs = cell.outputs if type(cell.outputs) is list else []
            if found := [output for output in outputs if type(output) is dict]:
                story.add(_answer(found), position, cell.name)
    return story


def _answer(outputs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return saved outputs in the form in which the sandbox tells what a cell showed."""
    printed = "".join(part for output in outputs for part in _texts(output))
    figures = [figure for o in outputs for figure in displayed.figures(_joined(o.get("data")))]
    errors = [
        f"{output.get('ename')}: {output.get('evalue')}"[:MAX_ERROR]
        for output in outputs
        if output.get("output_type") == "error"
    ]
    error = errors[0] if errors else None
    return {"printed": printed[:MAX_TEXT], "figures": figures[:MAX_FIGURES], "error": error}


def _texts(output: dict[str, Any]) -> Iterator[str]:
    """Yield the text of an output that is no picture."""
    data = _joined(output.get("data"))
    if output.get("output_type") == "stream":
        yield _one(output.get("text"))
    elif not any(displayed.figures(data)) and "text/plain" in data:
        yield data["text/plain"] + "\n"


def _joined(data: Any) -> dict[str, str]:
    """Return displayed data with one text for each form: files hold lists of lines as well."""
    return {form: _one(text) for form, text in data.items()} if type(data) is dict else {}


def _one(text: Any) -> str:
    lines = text if type(text) is list else [text]
    return "".join(line for line in lines if type(line) is str)


def _is_in_order(answer: Any) -> bool:
    if type(answer) is not dict or set(answer) != {"printed", "figures", "error"}:
        return False
    printed, figures, error = answer["printed"], answer["figures"], answer["error"]
    return (
        type(printed) is str
        and len(printed) <= 2 * MAX_TEXT
        and (error is None or (type(error) is str and len(error) <= MAX_TEXT))
        and type(figures) is list
        and len(figures) <= MAX_FIGURES
        and all(_is_figure(figure) for figure in figures)
    )


def _is_figure(figure: Any) -> bool:
    return (
        type(figure) is list
        and [type(part) for part in figure] == [bytes, str]
        and len(figure[0]) <= MAX_FIGURE
        and len(figure[1]) <= MAX_TEXT
    )
