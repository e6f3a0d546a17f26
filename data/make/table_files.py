"""Reading, writing and comparing the tables of facts, ``data/*.csv``.

A table begins with comment lines that say what it holds and cite its sources. They are written by
hand, in the table itself, so that they stand in one place: a maker keeps them and replaces the
rows below.
"""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from threadpoolctl import threadpool_limits

from data.make import real_folder
from surveys.folders import facts_folder


def committed(name: str) -> str:
    """Return the text of a table as it lies in ``data/``."""
    return (facts_folder() / name).read_text(encoding="utf-8")


def header(name: str) -> str:
    """Return a table's comment lines, which cite its sources; empty if there are none."""
    lines = committed(name).splitlines(keepends=True)
    return "".join(line for line in lines if line.startswith("#"))


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return column names and rows as the text of a csv file."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def rows_of(text: str) -> list[list[str]]:
    """Return the rows of a table, column names first, without the comment lines."""
    return list(csv.reader(line for line in text.splitlines() if not line.startswith("#")))


def differences(made: str, other: str) -> dict[str, float]:
    """Return how far two versions of a table are apart.

    Parameters
    ----------
    made, other : str
        Texts of two tables of the same columns, with as many rows.

    Returns
    -------
    dict of float
        Largest absolute difference in each column; infinite where words differ.

    Raises
    ------
    ValueError
        If the columns or the numbers of rows differ.
    """
    (columns, *first), (others, *second) = rows_of(made), rows_of(other)
    if columns != others or len(first) != len(second):
        raise ValueError(
            f"these tables cannot be compared row by row: {len(first)} rows of {columns} "
            f"and {len(second)} rows of {others}"
        )
    worst = dict.fromkeys(columns, 0.0)
    for row, other_row in zip(first, second, strict=True):
        for column, cell, other_cell in zip(columns, row, other_row, strict=True):
            worst[column] = max(worst[column], _difference(cell, other_cell))
    return worst


def _difference(cell: str, other: str) -> float:
    if cell == other:
        return 0.0
    try:
        return abs(float(cell) - float(other))
    except ValueError:
        return float("inf")


def compared(name: str, made: str) -> str:
    """Return one line that says how far a table just made is from the committed one."""
    if made == committed(name):
        return f"{name}: made again to the last digit"
    try:
        worst = differences(made, committed(name))
    except ValueError as error:
        return f"{name}: {error}"
    apart = [f"{column} by up to {value:.3g}" for column, value in worst.items() if value > 0]
    return f"{name}: the committed table differs in {', '.join(apart) or 'its comment lines'}"


# many small systems of equations: threads would only wait for each other
@threadpool_limits.wrap(limits=1)
def run(
    description: str | None,
    make: Callable[[Path], dict[str, str]],
    report: Callable[[Path, dict[str, str]], Iterable[str]] | None = None,
) -> None:
    """Make tables from the real files; compare them with the committed ones or replace those.

    Parameters
    ----------
    description : str or None
        The maker's docstring, whose first line is shown as help.
    make : function of the folder of real files
        Returns the texts of the tables by file name.
    report : function of that folder and of those texts, optional
        Yields what else there is to say of the tables when they are compared, line by line.
    """
    parser = argparse.ArgumentParser(description=(description or "").split("\n")[0])
    parser.add_argument("--write", action="store_true", help="replace the tables in data/")
    parser.add_argument(
        "--compare", action="store_true", help="say how far the committed tables are from these"
    )
    chosen = parser.parse_args()
    folder = real_folder()
    made = make(folder)
    for name, text in made.items():
        print(f"{name}: {len(rows_of(text)) - 1} rows")
        if chosen.compare:
            print(compared(name, text))
        if chosen.write:
            (facts_folder() / name).write_text(text, encoding="utf-8")
    if chosen.compare and report:
        for line in report(folder, made):
            print(line, flush=True)
