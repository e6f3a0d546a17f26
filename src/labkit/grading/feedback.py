"""What a student gets back: one page in plain words, and the graded notebook for the instructor.

The page holds points, what failed, repairs and the student's own figures. Whatever comes from a
student is escaped; pictures are decoded and drawn anew. Nothing of a hidden test is in it, since
nothing of one ever reaches this module but the words its author wrote for students.
"""

from __future__ import annotations

import base64
import io
import itertools
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from labkit.grading.repair import Cell
from labkit.templates import render

MAX_PICTURES = 40
MAX_PIXELS = 8_000_000
MAX_PAGE_PICTURE_BYTES = 1_500_000


def printable(text: Any, most: int = 1000) -> str:
    """Return text fit for a terminal or a file: bounded, nothing that steers what shows it."""
    text = str(text)[:most].encode("utf-8", errors="replace").decode()
    text = re.sub(r"\x1b\[[0-9;?]*[ -/]*[@-~]", "", text)
    return "".join(c for c in text if c in "\n\t" or (c.isprintable() and c not in "\u2028\u2029"))


def picture(data: Any) -> bytes | None:
    """Draw a picture anew from its pixels; None if it is none or too large."""
    from PIL import Image

    if type(data) is not bytes or len(data) > 4_000_000:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
                if image.width * image.height > MAX_PIXELS:
                    return None
                pixels = image.convert("RGB")
    except Exception:  # noqa: BLE001 - a decoder fed with anything may raise anything
        return None
    pixels.thumbnail((1600, 1600))
    buffer = io.BytesIO()
    pixels.save(buffer, format="PNG")
    return buffer.getvalue() if buffer.tell() <= MAX_PAGE_PICTURE_BYTES else None


def pictures(story: list[dict[str, Any]]) -> list[tuple[int, bytes, str]]:
    """Return the pictures a notebook showed (see `Story`): cell, PNG, alt text."""
    figures = ((shown["cell"], *figure) for shown in story for figure in shown["figures"])
    found: list[tuple[int, bytes, str]] = []
    for cell, image, words in itertools.islice(figures, MAX_PICTURES):  # of all, damaged or not
        if drawn := picture(image):
            found.append((cell, drawn, printable(words, 2000)))
    return found


def page(
    lab: str,
    title: str,
    student: str,
    result: dict[str, Any],
    drawn: list[tuple[int, bytes, str]],
) -> str:
    """Return the feedback page.

    Parameters
    ----------
    lab, title, student : str
    result : dict
        ``outcomes``, ``repairs``, ``stopped``, ``by_hand`` (points not given yet). How long it ran
        is not told: by that, work could tell what it was asked.
    drawn : list of (int, bytes, str)
        See `pictures`.

    Returns
    -------
    str
        HTML that needs nothing beside it.
    """
    outcomes = result["outcomes"]
    points, most = _sums(outcomes)
    names = dict.fromkeys(outcome["exercise"] for outcome in outcomes)
    return render(
        "feedback.html",
        title=printable(f"{title} ({lab})"),
        student=printable(student),
        why="",
        points=f"{points:g}",
        most=f"{most:g}",
        share=f"{100 * points / most if most else 0:.0f}",
        by_hand=f"{result['by_hand']:g}" if result["by_hand"] else "",
        exercises=[_exercise(name, outcomes) for name in names],
        notes=[
            ("Put right before grading", [printable(line) for line in result["repairs"]]),
            ("Stopped while running", [printable(line) for line in result["stopped"]]),
        ],
        figures=[
            (base64.b64encode(image).decode("ascii"), printable(alt, 2000))
            for _, image, alt in drawn
        ],
    )


def _sums(outcomes: list[dict[str, Any]]) -> tuple[float, float]:
    """Return points got and points to be had."""
    return sum(o["points"] for o in outcomes), sum(o["points_max"] for o in outcomes)


def _exercise(name: str, outcomes: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what an exercise's row shows: name, what was found, points."""
    own = [outcome for outcome in outcomes if outcome["exercise"] == name]
    told = dict.fromkeys(outcome["told"] for outcome in own if outcome["told"])
    got, worth = _sums(own)
    return {
        "name": printable(name),
        "told": [printable(line) for line in told],
        "lost": got < worth,
        "got": f"{got:g}",
        "worth": f"{worth:g}",
    }


def refusal(lab: str, title: str, student: str, why: str) -> str:
    """Return the page of a submission that could not be graded."""
    return render(
        "feedback.html",
        title=printable(f"{title} ({lab})"),
        student=printable(student),
        why=printable(why),
    )


def graded_notebook(
    cells: list[Cell],
    released: NotebookNode,
    result: dict[str, Any],
    story: list[dict[str, Any]],
    drawn: list[tuple[int, bytes, str]],
) -> str:
    """Return the notebook that the formgrader shows: answers, what they showed, how tests ended.

    Test cells have the text students have, so that nbgrader's own feedback, made from this file,
    shows no hidden test either.
    """
    metadata = {
        cell.metadata.nbgrader.grade_id: cell.metadata
        for cell in released.cells
        if "nbgrader" in cell.metadata
    }
    outcomes = {outcome["name"]: outcome for outcome in result["outcomes"]}
    printed = {shown["cell"]: shown for shown in story}
    notebook: NotebookNode = nbformat.v4.new_notebook(metadata=released.metadata)
    for number, cell in enumerate(cells):
        make: Callable[..., NotebookNode] = {
            "code": nbformat.v4.new_code_cell,
            "markdown": nbformat.v4.new_markdown_cell,
            "raw": nbformat.v4.new_raw_cell,
        }[cell.kind]
        source = printable(cell.source, 10**6)
        if cell.kind != "code" and not cell.released:
            source = _without_html(source)
        made = make(source, id=cell.id)
        made.metadata = nbformat.from_dict(metadata.get(cell.name, {}))
        if cell.kind == "code":
            made.outputs = _outputs(outcomes.get(cell.name), printed.get(number, {}))
            made.outputs += [_shown(image, alt) for place, image, alt in drawn if place == number]
            made.execution_count = number + 1
        notebook.cells.append(made)
    written: str = nbformat.writes(notebook, version=4)
    return written + "\n"


def _without_html(text: str) -> str:
    """Turn tags and live links in a student's prose into text.

    The formgrader would show them to an instructor, who may change marks.
    """
    text = re.sub(r"<(?=[A-Za-z/!?])", "&lt;", text)
    # what is no link to a page is cut off from its brackets by a space of no width
    page = r"\s|https?://|mailto:|#|attachment:"
    return re.sub(rf"\](?=[(:]\s*(?!{page}))", "]\u200b", text)


def _outputs(outcome: dict[str, Any] | None, shown: dict[str, Any]) -> list[NotebookNode]:
    if outcome is not None:
        if not outcome["told"]:
            return [nbformat.v4.new_output("stream", name="stdout", text="passed\n")]
        told = printable(outcome["told"])
        return [nbformat.v4.new_output("error", ename="CheckFailed", evalue=told, traceback=[told])]
    text = "\n".join(printable(shown.get(key) or "", 20_000) for key in ("printed", "error"))
    if not text.strip():
        return []
    return [nbformat.v4.new_output("stream", name="stdout", text=text.strip() + "\n")]


def _shown(image: bytes, alt: str) -> NotebookNode:
    data = {"image/png": base64.b64encode(image).decode("ascii"), "text/plain": f"[figure: {alt}]"}
    output: NotebookNode = nbformat.v4.new_output("display_data", data=data)
    return output


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all, into a folder made for it, following no link."""
    folder = path.parent
    if folder.is_symlink():
        folder.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{path.name}.partial"
    partial.unlink(missing_ok=True)
    partial.write_text(text, encoding="utf-8", errors="replace")
    partial.replace(path)
