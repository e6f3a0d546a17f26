"""Reusable comments for what is graded by hand: a short key stands for words, and for points.

They are in the course folder, in ``comments/<lab>.toml``, one table for each key::

    [no-units]
    off = 0.5
    text = "The result has no units."

    [names-radius]
    points = 1
    text = "It is the radius that changes most."

Whoever grades types ``#no-units`` into the comment box of the formgrader, with other keys and words
beside it as they like. `labkit grade` writes the texts in their place. Where no points were given
by hand it enters those of the keys: the sum of their ``points``, or the cell's maximum if none has
``points``, less what is ``off``; never below 0 or above the cell's maximum.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labkit.errors import GradingError

#: a key in a comment: a word of its own, perhaps with a mark that separates it from the next
_KEY = re.compile(r"(?<!\S)#([A-Za-z][\w-]*)[.,;:]?(?!\S)")
_ADVICE = 'Write [key], then text = "..." and, if you like, points = 1 or off = 0.5.'


@dataclass(frozen=True)
class ReusableComment:
    """What a key stands for.

    Attributes
    ----------
    text : str
    points : float or None
        Points it gives.
    off : float or None
        Points it takes.
    """

    text: str
    points: float | None = None
    off: float | None = None


@dataclass(frozen=True)
class ReusableComments:
    """The reusable comments of a lab.

    Attributes
    ----------
    path : Path
        Their file, whether it exists or not.
    by_key : dict of str to ReusableComment
    """

    path: Path
    by_key: dict[str, ReusableComment] = field(default_factory=dict)

    def enter(self, notebook: Any) -> None:
        """Write texts in the place of keys, and points where a person gave none.

        A comment with a key that is not known is left alone: its points would be incomplete.

        Parameters
        ----------
        notebook : nbgrader.api.SubmittedNotebook
            Of the gradebook; changed in place.
        """
        grades = {grade.name: grade for grade in notebook.grades}
        for comment in notebook.comments:
            typed = comment.manual_comment or ""
            keys = _keys(typed)
            if not keys or any(key not in self.by_key for key in keys):
                continue
            comment.manual_comment = self._written_out(typed)
            grade = grades.get(comment.name)
            if grade is not None and grade.manual_score is None:
                points = self._points(keys, float(grade.cell.max_score))
                if points is not None:
                    grade.manual_score, grade.needs_manual_grade = points, False

    def unknown(self, comments: Mapping[str, str]) -> list[str]:
        """Say which keys in a student's comments are not known.

        Parameters
        ----------
        comments : dict of str to str
            Text by cell, after `enter`.

        Returns
        -------
        list of str
            A sentence for each comment that was left as it was typed.
        """
        said = []
        for cell, text in comments.items():
            if unknown := [f"#{key}" for key in _keys(text) if key not in self.by_key]:
                file = f"{self.path.parent.name}/{self.path.name}"
                missing = "is not in" if self.path.exists() else "cannot be found, there is no"
                said.append(
                    f"the comment on {cell} was left as it was typed, because "
                    f"{', '.join(unknown)} {missing} {file}."
                )
        return said

    def uses(self, comments: Iterable[str]) -> dict[str, int]:
        """Count in how many comments each text stands.

        Parameters
        ----------
        comments : iterable of str
            Texts as they stand in the gradebook.

        Returns
        -------
        dict of str to int
            By key.
        """
        lines = [f"\n{text}\n" for text in comments]
        return {
            key: sum(f"\n{comment.text}\n" in text for text in lines)
            for key, comment in self.by_key.items()
        }

    def _written_out(self, typed: str) -> str:
        """Return a comment with the text of each key on lines of its own."""
        parts: list[str] = []
        start = 0
        for match in _KEY.finditer(typed):
            text = self.by_key[match[1]].text
            parts += [typed[start : match.start()], "" if text in parts else text]
            start = match.end()
        parts.append(typed[start:])
        return "\n".join(part.strip() for part in parts if part.strip())

    def _points(self, keys: list[str], most: float) -> float | None:
        """Return what keys are worth together; None if none of them has anything to say of it."""
        used = [self.by_key[key] for key in keys]
        given = [comment.points for comment in used if comment.points is not None]
        taken = [comment.off for comment in used if comment.off is not None]
        if not (given or taken):
            return None
        return min(max((sum(given) if given else most) - sum(taken), 0.0), most)


def path_of(course: Path, lab: str) -> Path:
    """Return where the reusable comments of a lab are."""
    return course / "comments" / f"{lab}.toml"


def read(course: Path, lab: str) -> ReusableComments:
    """Read the reusable comments of a lab.

    Parameters
    ----------
    course : Path
    lab : str

    Returns
    -------
    ReusableComments
        Empty if the lab has no such file.

    Raises
    ------
    GradingError
        If the file is not as it must be.
    """
    path = path_of(course, lab)
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ReusableComments(path)
    except (OSError, ValueError) as error:
        raise GradingError(f"{path} cannot be read as TOML ({error}).", _ADVICE) from None
    return ReusableComments(path, {key: _comment(path, key, tables[key]) for key in tables})


def _comment(path: Path, key: str, table: Any) -> ReusableComment:
    """Return one comment of a file, or say what is wrong with it."""

    def wrong(what: str, advice: str = _ADVICE) -> GradingError:
        return GradingError(f"{path}: {what}.", advice)

    if _keys(f"#{key}") != [key]:
        raise wrong(
            f"{key!r} cannot be a key", "Use letters, digits, - and _; begin with a letter."
        )
    if not isinstance(table, dict):
        raise wrong(f"{key} is a value, not a table")
    if unknown := sorted(set(table) - {"text", "points", "off"}):
        raise wrong(f"[{key}] has {', '.join(unknown)}")
    text = table.get("text")
    if not isinstance(text, str) or not text.strip():
        raise wrong(f"[{key}] has no text")
    if keys := _keys(text):
        raise wrong(
            f"the text of [{key}] has #{keys[0]} in it, which would be taken for a key",
            "Write it without the #.",
        )
    amounts = {name: table[name] for name in ("points", "off") if name in table}
    if len(amounts) == 2:
        raise wrong(f"[{key}] has both points and off", "Keep one of them.")
    for name, amount in amounts.items():
        number = type(amount) in (int, float) and math.isfinite(amount) and amount >= 0
        if not number:
            raise wrong(f"{name} of [{key}] is {amount!r}", "It must be a number, 0 or larger.")
    text = "\n".join(line.strip() for line in text.strip().splitlines())
    return ReusableComment(text, **{name: float(amount) for name, amount in amounts.items()})


def _keys(text: str) -> list[str]:
    """Return the keys in a text, each once."""
    return list(dict.fromkeys(_KEY.findall(text)))
