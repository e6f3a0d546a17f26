"""Files and folders that would keep the grader busy, or stop it, before anything in them is run."""

import json
import os
from pathlib import Path

from .hostile import RIGHT
from .toy import hand_in


def _text(course: Path, student: str, text: str) -> None:
    hand_in(course, student, RIGHT).write_text(text)


def _changed(course: Path, student: str, change) -> None:
    path = hand_in(course, student, RIGHT)
    notebook = json.loads(path.read_text())
    change(notebook)
    path.write_text(json.dumps(notebook))


def quotes_without_end(course: Path) -> None:
    _text(course, "quotes_without_end", '{"cells": [' + '\\"' * 1_000_000)


def strings_cut_short(course: Path) -> None:
    _text(course, "strings_cut_short", '{"cells": [' + '"\\' * 1_000_000)


def commas_and_spaces(course: Path) -> None:
    _text(course, "commas_and_spaces", '{"cells": [' + (", " * 9 + "\n" * 9) * 100_000 + "}")


def beginnings_of_notebooks(course: Path) -> None:
    _text(course, "beginnings_of_notebooks", '{"cells": [[{' * 200_000)


def cells_of_nothing(course: Path) -> None:
    _text(course, "cells_of_nothing", '{"cells": [' + "[]," * 1_000_000)


def a_number_in_the_file(course: Path) -> None:
    _text(course, "a_number_in_the_file", '{"cells": [' + "9" * 5_000_000 + "]}")


def kinds_of_languages(course: Path) -> None:
    def change(notebook):
        notebook["metadata"]["kernelspec"] = {"name": "x" * 10**6, "language": ["R"]}

    _changed(course, "kinds_of_languages", change)


def halves_of_letters(course: Path) -> None:
    def change(notebook):
        for cell in notebook["cells"]:
            cell["id"] = "\ud800"
        notebook["cells"].append({"cell_type": "markdown", "metadata": {}, "source": "\udcff" * 9})

    _changed(course, "halves_of_letters", change)


def a_thousand_cells(course: Path) -> None:
    def change(notebook):
        cell = {"cell_type": "code", "metadata": {}, "outputs": [], "source": "pass"}
        notebook["cells"] += [{**cell, "id": f"cell-{n}"} for n in range(1_000)]

    _changed(course, "a_thousand_cells", change)


def copies_of_one_cell(course: Path) -> None:
    def change(notebook):
        notebook["cells"] += notebook["cells"] * 300

    _changed(course, "copies_of_one_cell", change)


def time_is_a_pipe(course: Path) -> None:
    os.mkfifo(hand_in(course, "time_is_a_pipe", RIGHT).with_name("timestamp.txt"))


def time_is_a_folder(course: Path) -> None:
    hand_in(course, "time_is_a_folder", RIGHT).with_name("timestamp.txt").mkdir()


def time_is_long(course: Path) -> None:
    hand_in(course, "time_is_long", RIGHT).with_name("timestamp.txt").write_text("9" * 10**6)


def time_is_no_time(course: Path) -> None:
    path = hand_in(course, "time_is_no_time", RIGHT).with_name("timestamp.txt")
    path.write_bytes(b"\xff 0000-99-99 99:99:99 UTC")


def files_without_a_name(course: Path) -> None:
    path = hand_in(course, "files_without_a_name", RIGHT)
    Path(os.fsdecode(os.fsencode(path.parent) + b"/\xff\xfe.png")).write_bytes(b"")
    path.with_name("a\nb\x1b[2J.ipynb").write_bytes(b"")


def name_is_no_text(course: Path) -> None:
    path = hand_in(course, "name_is_no_text", RIGHT)
    path.parents[1].rename(course / "submitted" / os.fsdecode(b"\xff\xfe"))


#: what it makes of a right answer: points, None if it is refused
FILES = {
    quotes_without_end: None,
    strings_cut_short: None,
    commas_and_spaces: None,
    beginnings_of_notebooks: None,
    cells_of_nothing: 0,
    a_number_in_the_file: None,
    kinds_of_languages: 3,
    halves_of_letters: 3,
    a_thousand_cells: 3,
    copies_of_one_cell: 3,
    time_is_a_pipe: 3,
    time_is_a_folder: 3,
    time_is_long: 3,
    time_is_no_time: 3,
    files_without_a_name: 3,
    name_is_no_text: None,
}
