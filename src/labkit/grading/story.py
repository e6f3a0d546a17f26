"""What a student's cells showed: checked when it comes in, and bounded for all cells together.

It comes from the sandbox and may be anything. What is not what it should be is left out, with one
sentence; no mark depends on it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

#: of one cell: bytes of its answer, characters of text, figures, bytes of a figure
MAX_ANSWER = 32_000_000
MAX_TEXT = 20_000
MAX_FIGURES = 12
MAX_FIGURE = 4_000_000
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
