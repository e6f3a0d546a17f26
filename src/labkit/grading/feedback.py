"""What a student gets back: one page in plain words, and the graded notebook for the instructor.

The page holds points, what failed, repairs and the student's own figures. Whatever comes from a
student is escaped; pictures are decoded and drawn anew. Nothing of a hidden test is in it, since
nothing of one ever reaches this module but the words its author wrote for students.
"""

from __future__ import annotations

import base64
import io
import itertools
import json
import re
import unicodedata
import warnings
from collections.abc import Callable
from typing import Any

import nbformat
from nbformat import NotebookNode

from labkit.grading.cells import Cell
from labkit.grading.prose import Prose, without_html
from labkit.grading.standing import Standing
from labkit.templates import render

MAX_PICTURES = 40
MAX_PIXELS = 8_000_000
MAX_PAGE_PICTURE_BYTES = 1_500_000
#: forms of pictures that students paste
PASTED = ("PNG", "JPEG", "GIF", "WEBP")


def printable(text: Any, most: int = 1000) -> str:
    """Return text fit for a terminal or a file: bounded, nothing that steers what shows it."""
    text = str(text)[:most].encode("utf-8", errors="replace").decode()
    text = re.sub(r"\x1b\[[0-9;?]*[ -/]*[@-~]", "", text)
    return "".join(
        c for c in text if c.isprintable() or c in "\n\t" or unicodedata.category(c) == "Zs"
    )


def picture(data: Any, formats: tuple[str, ...] = ("PNG",)) -> bytes | None:
    """Draw a picture anew from its pixels, as PNG; None if it is none or too large."""
    from PIL import Image

    if type(data) is not bytes or len(data) > 4_000_000:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with Image.open(io.BytesIO(data), formats=formats) as image:
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


def pictures_of(notebook: str) -> list[tuple[int, bytes, str]]:
    """Return the pictures in a graded notebook, as `pictures` does.

    Parameters
    ----------
    notebook : str
        The text of its file. They are drawn anew: nbgrader's own autograde may have written it.
    """
    story = []
    for place, cell in enumerate(json.loads(notebook)["cells"]):
        shown = [output.get("data", {}) for output in cell.get("outputs", [])]
        figures = [
            (base64.b64decode(data["image/png"]), _alt("".join(data.get("text/plain", ""))))
            for data in shown
            if "image/png" in data
        ]
        story.append({"cell": place, "figures": figures})
    return pictures(story)


def page(
    lab: str,
    title: str,
    student: str,
    result: dict[str, Any],
    drawn: list[tuple[int, bytes, str]],
    standing: Standing | None = None,
) -> str:
    """Return the feedback page.

    Parameters
    ----------
    lab, title, student : str
    result : dict
        ``outcomes``, ``repairs``, ``stopped``, ``by_hand`` (points not given yet), and if there are
        any ``explanations`` (points of each), ``unanswered`` (names), ``errors``. How long it ran
        is not told: by that, work could tell what it was asked.
    drawn : list of (int, bytes, str)
        See `pictures`.
    standing : Standing, optional
        What the gradebook says; without it, nothing has been given by hand.

    Returns
    -------
    str
        HTML that needs nothing beside it.
    """
    outcomes = result["outcomes"]
    standing = standing or Standing()
    names = dict.fromkeys(outcome["exercise"] for outcome in outcomes)
    points = {o["name"]: standing.points.get(o["name"], o["points"]) for o in outcomes}
    tests, of_tests = sum(points.values()), sum(o["points_max"] for o in outcomes)
    given = [name for name in standing.by_hand if name not in points]
    waiting = set(standing.waiting) - set(given)
    settled = [name for name in standing.most if given and name not in {*points, *waiting}]
    by_hand, of_hand = (
        sum(table[name] for name in settled) for table in (standing.points, standing.most)
    )
    total, most = tests + by_hand - standing.late, of_tests + of_hand
    parts = [f"{short(tests)} of {short(of_tests)} from the tests"] if given else ["from the tests"]
    parts += [f"{short(by_hand)} of {short(of_hand)} by hand"] if given else []
    parts += [f"{short(standing.late)} taken for handing in late"] if standing.late else []
    to_come = standing.to_come if standing.most else result["by_hand"]
    summary = ", ".join(parts)
    if to_come:
        summary += f"; up to {short(to_come)} more are given by hand"
    return render(
        "feedback.html",
        title=printable(f"{title} ({lab})"),
        student=printable(student),
        why="",
        points=short(total),
        most=short(most),
        share=f"{min(100, 100 * total / most) if most else 0:.0f}",
        summary=summary,
        exercises=[
            *(_exercise(name, outcomes, standing) for name in names),
            *(
                _explanation(name, worth, result, standing)
                for name, worth in result.get("explanations", {}).items()
            ),
        ],
        notes=[
            ("Handed in late", [standing.lateness] if standing.lateness else []),
            ("Put right before grading", [printable(line) for line in result["repairs"]]),
            ("Stopped while running", [printable(line) for line in result["stopped"]]),
            ("Cells that ended with an error", [printable(e) for e in result.get("errors", [])]),
        ],
        figures=[
            (base64.b64encode(image).decode("ascii"), printable(alt, 2000))
            for _, image, alt in drawn
        ],
    )


def short(points: float) -> str:
    """Return points as pages show them, with two decimals at most."""
    return f"{round(points, 2):g}"


def _exercise(name: str, outcomes: list[dict[str, Any]], standing: Standing) -> dict[str, Any]:
    """Return what an exercise's row shows: name, what was found and said, points."""
    own = [outcome for outcome in outcomes if outcome["exercise"] == name]
    cells = [outcome["name"] for outcome in own]
    told = dict.fromkeys(outcome["told"] for outcome in own if outcome["told"])
    got = sum(standing.points.get(o["name"], o["points"]) for o in own)
    worth = sum(outcome["points_max"] for outcome in own)
    said = [standing.comments[cell] for cell in (name, *cells) if cell in standing.comments]
    if any(cell in standing.by_hand for cell in cells):
        said.append("Points given by hand.")
    return {
        "name": printable(name),
        "told": [printable(line) for line in told],
        "said": _lines(said),
        "state": "lost" if got < worth else "good",
        "got": short(got),
        "worth": short(worth),
    }


def _explanation(
    name: str, worth: float, result: dict[str, Any], standing: Standing
) -> dict[str, Any]:
    """Return what the row of an answer shows that is graded by hand."""
    given = name in standing.by_hand
    got = standing.points.get(name, 0.0)
    said = [standing.comments[name]] if name in standing.comments else []
    empty = name in result["unanswered"]
    told = ["no answer"] if empty and not given else []
    waits = not (given or empty)
    if waits:
        said.append("Graded by hand; no points are given yet.")
    return {
        "name": printable(name),
        "told": told,
        "said": _lines(said),
        "state": "open" if waits else ("lost" if got < worth else "good"),
        "got": "…" if waits else short(got),
        "worth": short(worth),
    }


def _lines(said: list[str]) -> list[str]:
    return [line for text in said for line in printable(text, 10_000).splitlines() if line.strip()]


def refusal(lab: str, title: str, student: str, why: str, standing: Standing | None = None) -> str:
    """Return the page of a submission that could not be graded.

    Parameters
    ----------
    lab, title, student, why : str
    standing : Standing, optional
        Of what was handed in before: its marks stay.

    Returns
    -------
    str
    """
    stands = ""
    if standing is not None:
        most = short(sum(standing.most.values()))
        stands = f"The marks of what you handed in before stay: {short(standing.total)} of {most}."
    return render(
        "feedback.html",
        title=printable(f"{title} ({lab})"),
        student=printable(student),
        why=printable(why),
        stands=stands,
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
    prose = Prose()
    notebook: NotebookNode = nbformat.v4.new_notebook(metadata=released.metadata)
    for number, cell in enumerate(cells):
        make: Callable[..., NotebookNode] = {
            "code": nbformat.v4.new_code_cell,
            "markdown": nbformat.v4.new_markdown_cell,
            "raw": nbformat.v4.new_raw_cell,
        }[cell.kind]
        source = printable(cell.source, 10**6)
        pasted = _pasted(cell)
        if cell.kind == "markdown" and not cell.released:
            source = prose.harmless(source, pasted)
        elif cell.kind == "raw":
            source = without_html(source)
        made = make(source, id=cell.id)
        made.metadata = nbformat.from_dict(metadata.get(cell.name, {}))
        if pasted:
            made.attachments = nbformat.from_dict(pasted)
        if cell.kind == "code":
            made.outputs = _outputs(outcomes.get(cell.name), printed.get(number, {}))
            made.outputs += [_shown(image, alt) for place, image, alt in drawn if place == number]
            made.execution_count = number + 1
        notebook.cells.append(made)
    written: str = nbformat.writes(notebook, version=4)
    return written + "\n"


def _pasted(cell: Cell) -> dict[str, dict[str, str]]:
    """Return the pictures pasted into a cell, drawn anew, as its attachments."""
    drawn = {name: picture(data, PASTED) for name, data in cell.pictures.items()}
    return {
        name: {"image/png": base64.b64encode(image).decode("ascii")}
        for name, image in drawn.items()
        if image
    }


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


def _alt(text: str) -> str:
    """Return the words that `_shown` put in."""
    return text.removeprefix("[figure: ").removesuffix("]")
