"""The part of a test cell that students do not have: what stands between the marks."""

from __future__ import annotations

from collections.abc import Iterator

BEGIN, END = "BEGIN HIDDEN TESTS", "END HIDDEN TESTS"


def visible(code: str) -> str:
    """Return a test cell as students have it: without what stands between the marks.

    Parameters
    ----------
    code : str

    Returns
    -------
    str
    """
    return "\n".join(line for line, hidden in _lines(code) if not hidden and END not in line)


def is_hidden(code: str, line: int) -> bool:
    """Say whether a line of a test cell (from 1) stands between the marks of hidden tests.

    Parameters
    ----------
    code : str
    line : int

    Returns
    -------
    bool
        True as well where the cell has no such line.
    """
    for number, (_, hidden) in enumerate(_lines(code), start=1):
        if number == line:
            return hidden
    return True


def _lines(code: str) -> Iterator[tuple[str, bool]]:
    """Yield lines and whether they are hidden, the marks themselves too."""
    hidden = False
    for line in code.splitlines():
        hidden = hidden or BEGIN in line
        yield line, hidden
        hidden = hidden and END not in line
