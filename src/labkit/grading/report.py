"""The class report of one lab: a page for the instructor that needs nothing beside it.

Names, comments and what else comes from a student is escaped, and no script runs but the one that
sorts tables.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from typing import Any

from labkit.grading import alike, class_marks, files, report_figures
from labkit.grading.class_marks import ClassMarks, Exercise, StudentWork
from labkit.grading.feedback import printable, short
from labkit.templates import render

#: rows of tables that name the first few
TESTS, HINTS, SLOWEST, PAIRS = 25, 3, 8, 20


def write(course: Path, lab: str, progress: Callable[..., Iterable[Any]] = iter) -> Path:
    """Write the class report of a lab.

    Parameters
    ----------
    course : Path
    lab : str
    progress : callable
        Goes over the graded submissions while they are read, `tqdm.tqdm` for example.

    Returns
    -------
    Path
        ``reports/<lab>.html`` in the course folder.

    Raises
    ------
    GradingError
        If there is no such lab, or no gradebook that can be used.
    """
    found = class_marks.read(course, lab)
    written = {
        work.student: class_marks.written(course, lab, work.student)
        for work in progress(found.graded)
    }
    path = course / "reports" / f"{lab}.html"
    html = page(found, alike.similarity(written, found.known))
    files.write(path, html.encode("utf-8", errors="replace"))
    return path


def page(found: ClassMarks, similarity: alike.Similarity) -> str:
    """Return the class report.

    Parameters
    ----------
    found : ClassMarks
    similarity : Similarity

    Returns
    -------
    str
        HTML.
    """
    script = render("sort_table.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    counts = {exercise.name: _counts(exercise, found.graded) for exercise in found.exercises}
    return render(
        "report.html",
        title=printable(f"{found.title} ({found.lab})"),
        script_digest=digest,
        numbers=_numbers(found),
        figures=_figures(found, counts) if found.graded else [],
        outcomes=list(report_figures.OUTCOMES),
        exercises=[_exercise(exercise, found, counts) for exercise in found.exercises],
        tests=_failed_tests(found),
        slowest=_slowest(found),
        comments=_comments(found),
        pairs=[_pair(pair) for pair in similarity.pairs[:PAIRS]],
        more_pairs=max(0, len(similarity.pairs) - PAIRS),
        compared=similarity.compared,
        usual=f"{100 * similarity.median:.0f}",
        least=f"{100 * alike.ALIKE:.0f}",
        worth=short(found.worth),
        named=any(work.name for work in found.students),
        students=[_student(work, found.exercises) for work in found.students],
    )


def _numbers(found: ClassMarks) -> list[tuple[int, str]]:
    """Return the numbers at the top of the page, and what they count."""
    graded = found.graded
    waiting = [work for work in found.students if work.handed_in and not work.standing]
    by_hand = [(work, e) for work in graded for e in found.exercises if work.waits(e)]
    students = len({work.student for work, _ in by_hand})
    return [
        (len(found.students), "students"),
        (sum(work.handed_in or bool(work.standing) for work in found.students), "handed in"),
        (len(graded), "graded"),
        (len(waiting), "not graded yet"),
        (len(by_hand), f"answers of {students} students to be graded by hand"),
    ]


def _counts(exercise: Exercise, graded: list[StudentWork]) -> dict[str, int]:
    return Counter(_outcome(work, exercise) for work in graded)


def _outcome(work: StudentWork, exercise: Exercise) -> str:
    """Return which of `report_figures.OUTCOMES` an exercise had."""
    points = work.points(exercise)
    if work.waits(exercise):
        return "to be graded"
    if points >= exercise.worth:
        return "all points"
    if points > 0:
        return "some points"
    return "no points" if work.answered(exercise) else "no answer"


def _figures(found: ClassMarks, counts: dict[str, dict[str, int]]) -> list[dict[str, str]]:
    totals = [work.standing.total for work in found.graded if work.standing]
    spread = (
        f"Total points of {len(totals)} submissions: from {short(min(totals))} to "
        f"{short(max(totals))} of {short(found.worth)}, median {short(median(totals))}."
    )
    means = {
        exercise.name: 100 * (_mean(exercise, found) or 0.0) / exercise.worth
        for exercise in found.exercises
        if exercise.worth and not any(work.waits(exercise) for work in found.graded)
    }
    low, high = (choose(means, key=means.__getitem__, default="") for choose in (min, max))
    shares = (
        f"On average, students have {means[low]:.0f} % of the points of {low}, the smallest share, "
        f"and {means[high]:.0f} % of those of {high}, the largest."
        if len(means) > 1
        else "Points of each exercise."
    )
    drawn = (
        (report_figures.totals(totals, found.worth), spread),
        (report_figures.exercises(counts), shares),
    )
    return [
        {"svg": base64.b64encode(svg.encode()).decode(), "words": printable(words)}
        for svg, words in drawn
    ]


def _exercise(
    exercise: Exercise, found: ClassMarks, counts: dict[str, dict[str, int]]
) -> dict[str, Any]:
    """Return the row of an exercise: how it went, and how long it ran."""
    mean = _mean(exercise, found)
    spent = [
        (work.result["spent"][exercise.name], work.student)
        for work in found.graded
        if exercise.name in work.result.get("spent", {})
    ]
    longest, who = max(spent, default=(0.0, ""))
    return {
        "name": printable(exercise.name),
        "by_hand": exercise.by_hand,
        "worth": short(exercise.worth),
        "mean": "" if mean is None else f"{mean:.1f}",
        "counts": [counts[exercise.name].get(name, 0) for name in report_figures.OUTCOMES],
        "seconds": f"{median(s for s, _ in spent):.1f}" if spent else "",
        "longest": f"{longest:.1f}" if spent else "",
        "who": printable(who, 60),
    }


def _mean(exercise: Exercise, found: ClassMarks) -> float | None:
    """Return the mean points of an exercise, of those that have been graded."""
    given = [work.points(exercise) for work in found.graded if not work.waits(exercise)]
    return sum(given) / len(given) if given else None


def _failed_tests(found: ClassMarks) -> list[dict[str, Any]]:
    """Return the tests that answers failed most often, with what students were told."""
    failed: dict[str, Counter[str]] = {}
    answers: Counter[str] = Counter()
    exercises: dict[str, str] = {}
    for work in found.graded:
        unanswered = work.result.get("unanswered", [])
        for outcome in work.result.get("outcomes", []):
            if outcome["exercise"] in unanswered:
                continue
            name = outcome["name"]
            answers[name] += 1
            exercises[name] = outcome["exercise"]
            if outcome["points"] < outcome["points_max"]:
                failed.setdefault(name, Counter())[outcome["told"]] += 1
    often = sorted(failed, key=lambda name: (-failed[name].total(), name))
    return [
        {
            "name": printable(name),
            "exercise": printable(exercises[name]),
            "failed": failed[name].total(),
            "answers": answers[name],
            "hints": [
                (printable(told, 400), number) for told, number in failed[name].most_common(HINTS)
            ],
            "more": max(0, len(failed[name]) - HINTS),
        }
        for name in often[:TESTS]
    ]


def _slowest(found: ClassMarks) -> list[dict[str, Any]]:
    timed = [work for work in found.graded if "seconds" in work.result]
    timed.sort(key=lambda work: -work.result["seconds"])
    return [
        {
            "student": printable(work.student, 60),
            "seconds": f"{work.result['seconds']:.1f}",
            "memory": f"{work.result['peak_mb']:.0f}",
            "stopped": [printable(line, 300) for line in work.result["stopped"][:HINTS]],
        }
        for work in timed[:SLOWEST]
    ]


def _comments(found: ClassMarks) -> list[dict[str, Any]]:
    """Return the reusable comments, with how often each was used."""
    comments = [text for work in found.graded if work.standing for text in _said(work)]
    uses = found.reusable.uses(comments)
    return [
        {
            "key": key,
            "text": printable(comment.text, 400),
            "points": _worth_of(comment.points, comment.off),
            "uses": uses[key],
        }
        for key, comment in found.reusable.by_key.items()
    ]


def _said(work: StudentWork) -> Iterable[str]:
    return work.standing.comments.values() if work.standing else ()


def _worth_of(points: float | None, off: float | None) -> str:
    if points is not None:
        return f"+{short(points)}"
    return f"−{short(off)}" if off is not None else ""


def _pair(pair: alike.Pair) -> dict[str, Any]:
    return {
        "students": [printable(pair.first, 60), printable(pair.second, 60)],
        "similarity": f"{100 * pair.similarity:.0f}",
        "exercises": [printable(name) or "cells of their own" for name in pair.exercises[:4]],
    }


def _student(work: StudentWork, exercises: list[Exercise]) -> dict[str, Any]:
    """Return a student's row."""
    standing = work.standing
    missing = "handed in, not graded" if work.handed_in else "not handed in"
    waiting = sum(work.waits(exercise) for exercise in exercises)
    by_hand = sum(work.points(exercise) for exercise in exercises if exercise.by_hand)
    return {
        "student": printable(work.student, 60),
        "name": printable(work.name, 80),
        "missing": "" if standing else missing,
        "points": [_points(work, exercise) for exercise in exercises],
        "by_hand": short(by_hand) if standing else "",
        "waiting": waiting,
        "late": f"-{short(standing.late)}" if standing and standing.late else "",
        "total": short(standing.total) if standing else "",
    }


def _points(work: StudentWork, exercise: Exercise) -> str:
    if work.standing is None:
        return ""
    return "…" if work.waits(exercise) else short(work.points(exercise))
