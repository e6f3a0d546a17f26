"""An answer written as an edit of another: only what it changes, in comments.

::

    # np.log10 => np.log             words of one line, and what to write for them
    # - good = error < 1             lines that go, one below the other ...
    # - flux = flux[good]
    # + flux = flux[error < 1]       ... and the lines in their place
    #   total = 0                    a line that stays, to say where ...
    # + count = 0                    ... a new one comes

An empty line ends a change; so does a line to look for below a new one. Changes are made one after
the other, and what each looks for must occur exactly once. Of indentation only the difference to
the first line of a change counts. Comments, docstrings and empty lines of the other answer are
left out beforehand.
"""

from __future__ import annotations

import ast
import functools
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field

_WORDS = re.compile(r"# +(?P<old>.*\S) =>(?P<new>.*)")
_LINE = re.compile(r"# (?P<sign>[-+ ]) (?P<text>.*\S)")


class EditError(ValueError):
    """An edit cannot be made; the message says why and what to do.

    Attributes
    ----------
    line : int
        The line of the edit that is to blame, from 0.
    """

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def is_edit(code: str) -> bool:
    """Say whether a text is an edit: comments and nothing else."""
    lines = [line for line in code.split("\n") if line.strip()]
    return bool(lines) and all(line.startswith("#") for line in lines)


def edited(answer: str, edit: str) -> str:
    """Make an edit.

    Parameters
    ----------
    answer : str
        Python code.
    edit : str
        Its changes, as above.

    Returns
    -------
    str
        The changed code, without comments, docstrings and empty lines.

    Raises
    ------
    EditError
        If a line of the edit cannot be read, or what it looks for does not occur exactly once.
    """
    lines = list(bare(answer))
    for change in _changes(edit):
        lines = change.made(lines)
    return "\n".join(lines) + "\n"


@functools.lru_cache(maxsize=32)  # most answers are edited several times, one after the other
def bare(code: str) -> tuple[str, ...]:
    """Return the lines of some code without comments, docstrings and empty lines."""
    lines = code.split("\n")
    used: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        row, column = token.start
        if token.type == tokenize.COMMENT:
            lines[row - 1] = lines[row - 1][:column].rstrip()
        elif token.string.strip():
            used.update(range(row, token.end[0] + 1))
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
            docstring = node.body[0]
            used -= set(range(docstring.lineno, (docstring.end_lineno or docstring.lineno) + 1))
    return tuple(line for row, line in enumerate(lines, start=1) if row in used)


# --- the two kinds of change --------------------------------------------------------------------


@dataclass
class _Words:
    """Words within a line that are replaced."""

    at: int  # the line of the edit
    old: str
    new: str

    def made(self, lines: list[str]) -> list[str]:
        """Return the lines of an answer with this change."""
        # whole words: np.log is not found in np.log10
        before = r"(?<!\w)" if re.match(r"\w", self.old) else ""
        after = r"(?!\w)" if re.search(r"\w$", self.old) else ""
        words = re.compile(before + re.escape(self.old) + after)
        count = sum(len(words.findall(line)) for line in lines)
        if count != 1:
            advice = "copy them from one line of it" if count == 0 else "add words next to them"
            raise EditError(
                self.at, f"the words `{self.old}` occur {_times(count)} in the answer: {advice}"
            )
        return [words.sub(lambda _: self.new, line) for line in lines]


@dataclass
class _Lines:
    """Lines that go, or stay and say where, and new ones behind them."""

    at: int  # its first line in the edit
    old: list[str] = field(default_factory=list)
    stays: list[bool] = field(default_factory=list)
    new: list[str] = field(default_factory=list)

    def made(self, lines: list[str]) -> list[str]:
        """Return the lines of an answer with this change."""
        if not self.old:
            raise EditError(self.at, "a new line needs one before it that goes (-) or stays")
        if all(self.stays) and not self.new:
            raise EditError(self.at, "this changes nothing: mark a line with - or +")
        place = self._place(lines)
        found = lines[place : place + len(self.old)]
        kept = [line for line, stays in zip(found, self.stays, strict=True) if stays]
        margin = _indent(found[0]) - _indent(self.old[0])
        new = [" " * (_indent(text) + margin) + text.lstrip() for text in self.new]
        return [*lines[:place], *kept, *new, *lines[place + len(found) :]]

    def _place(self, lines: list[str]) -> int:
        """Return where the old lines stand."""
        places = list(range(len(lines)))
        for number, text in enumerate(self.old):
            before = places
            wanted = self.old[: number + 1]
            places = [n for n in before if _alike(lines[n : n + len(wanted)], wanted)]
            if not places:
                where = f" below `{self.old[number - 1].strip()}`" if number else ""
                raise EditError(
                    self.at + number,
                    f"there is no line `{text.strip()}`{where} in the answer: copy the line from "
                    "it, indented as there",
                )
        if len(places) > 1:
            raise EditError(
                self.at,
                f"`{self.old[0].strip()}` occurs {_times(len(places))} in the answer: put the "
                "line above it before it, with two spaces for the sign",
            )
        return places[0]


def _changes(edit: str) -> Iterator[_Words | _Lines]:
    """Read an edit."""
    change = None
    for at, text in enumerate(edit.rstrip().split("\n")):
        words = _WORDS.fullmatch(text)
        line = None if words else _LINE.fullmatch(text.rstrip())
        if change and not (line and (line["sign"] == "+" or not change.new)):
            yield change
            change = None
        if words:
            yield _Words(at, words["old"], words["new"].strip())
        elif line:
            change = change or _Lines(at)
            if line["sign"] == "+":
                change.new.append(line["text"])
            else:
                change.old.append(line["text"])
                change.stays.append(line["sign"] == " ")
        elif text.strip():
            raise EditError(
                at,
                f"{text!r} is no edit: write `# - old`, `# + new`, or `# old words => new words`",
            )
    if change:
        yield change


def _alike(lines: list[str], wanted: list[str]) -> bool:
    """Say whether lines are those wanted, up to a common indentation."""
    if [line.strip() for line in lines] != [line.strip() for line in wanted]:
        return False
    return len({_indent(a) - _indent(b) for a, b in zip(lines, wanted, strict=True)}) == 1


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _times(count: int) -> str:
    return {0: "nowhere", 2: "twice"}.get(count, f"{count} times")
