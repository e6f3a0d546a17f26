"""The one source of a lab: a percent script whose cell headers say what each cell is.

========================================  =====================================================
``# %% setup=true``                       imports and constants; locked
``# %% solution="name"``                  where the student writes `name`; may add its limits,
                                          ``seconds=20`` of computing and ``memory_gb=1.5``
``# %% test="name" points=2``             autograded test of `name`; ``test="name.aspect"`` for more
``# %% [markdown] explain="name" points=3``  an explanation, graded by hand
``# %%`` and ``# %% [markdown]``          story and prose
========================================  =====================================================

A sentence about a result stands beside a claim, a line ``# claim: EXPRESSION`` in the same cell.
The walkthrough evaluates it in the kernel of the finished lab (`claims`); notebooks do not hold it.
``# claim (simulated): EXPRESSION`` holds for the simulated survey only.

`read` turns the script into a notebook with nbgrader's metadata and stable cell ids.
"""

from __future__ import annotations

import ast
import copy
import functools
import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbformat import NotebookNode

from labkit import ROOT
from surveys.errors import KitError

#: seconds an exercise may take when its header names no limit
DEFAULT_SECONDS = 10
#: the kernel that students' notebooks name
STUDENTS_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
#: The kernel that the gradebook names: nobody has it. nbgrader's own autograde runs submissions in
#: the kernel of the gradebook, unprotected, unless nbgrader_config.py hands them to `labkit grade`.
#: Where those lines are missing it ends with "No such kernel named use-labkit-grade".
NO_KERNEL = {**STUDENTS_KERNEL, "name": "use-labkit-grade"}
_HEADER_KEYS = ("setup", "solution", "test", "explain", "points", "seconds", "memory_gb")

#: a claim in a code cell or, where jupytext has taken the comment sign away, in prose
_CLAIM = re.compile(r"^(?:# )?claim(?P<only> \(simulated\))?: (?P<expression>.+)$", re.MULTILINE)


class SourceError(KitError, ValueError):
    """A lab's script breaks the conventions above; the message says where and how."""


@dataclass(frozen=True)
class Claim:
    """What a sentence of a lab says, as an expression.

    Attributes
    ----------
    expression : str
        Python, true or false in the kernel of the finished lab.
    sentence : str
        The prose it stands beside.
    simulated_only : bool
        Whether it holds for the simulated survey only.
    """

    expression: str
    sentence: str
    simulated_only: bool


@dataclass(frozen=True)
class Outline:
    """A lab in one line.

    Attributes
    ----------
    lab, title : str
    exercises, points : int
        How many exercises it has, explanations included, and what they are worth together.
    """

    lab: str
    title: str
    exercises: int
    points: int


def labs(root: Path = ROOT) -> list[str]:
    """Return the slugs of all labs that have a source, in course order."""
    return sorted(path.parent.name for path in (root / "solutions").glob("[0-9][0-9]_*/*.py"))


def script(slug: str, root: Path = ROOT) -> Path:
    """Return the path of a lab's percent script.

    Raises
    ------
    SourceError
        If there is no such lab.
    """
    path = root / "solutions" / slug / f"{slug}.py"
    if not path.is_file():
        known = ", ".join(labs(root)) or "none"
        raise SourceError(f"no lab called {slug!r}: {path} does not exist (labs: {known})")
    return path


def read(slug: str, root: Path = ROOT) -> NotebookNode:
    """Read a lab's script as a notebook with nbgrader metadata.

    Parameters
    ----------
    slug : str
        For example ``"01_apogee"``.
    root : Path
        The course folder.

    Returns
    -------
    NotebookNode
        Without outputs; the same script always gives the same notebook.

    Raises
    ------
    SourceError
        If the script breaks a convention.
    """
    path = script(slug, root)
    parsed = _parsed(path)
    parsed.cells = [cell for cell in parsed.cells if not _is_claims_only(cell)]
    for cell in parsed.cells:
        cell.source = _without_claims(cell.source)
    notebook: NotebookNode = nbformat.v4.new_notebook(
        metadata={"kernelspec": dict(STUDENTS_KERNEL), "language_info": {"name": "python"}}
    )
    taken: set[str] = set()
    for number, cell in enumerate(parsed.cells, start=1):
        try:
            notebook.cells.append(_cell(cell, taken))
        except SourceError as error:
            first = cell.source.strip().partition("\n")[0]
            raise SourceError(f"{path}, cell {number} ({first!r}): {error}") from None
    _check_exercises(path, notebook)
    return notebook


def _parsed(path: Path) -> NotebookNode:
    """Read a percent script; reading it again costs little until it changes."""
    return copy.deepcopy(_parsed_once(path, path.stat().st_mtime_ns))


@functools.lru_cache(maxsize=32)
def _parsed_once(path: Path, _changed: int) -> NotebookNode:
    notebook: NotebookNode = jupytext.read(path, fmt="py:percent")
    return notebook


def outline(slug: str, root: Path = ROOT) -> Outline:
    """Count a lab's exercises and points.

    Parameters
    ----------
    slug : str
    root : Path
        The course folder.

    Returns
    -------
    Outline
    """
    notebook = read(slug, root)
    grading = [cell.metadata.get("nbgrader", {}) for cell in notebook.cells]
    return Outline(
        slug,
        title(notebook, slug),
        exercises=sum(bool(cell.get("solution")) for cell in grading),
        points=sum(cell.get("points", 0) for cell in grading),
    )


def title(notebook: NotebookNode, slug: str) -> str:
    """Return a lab's first heading; its slug if it has none."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (match := re.search(r"^# (.+)$", cell.source, re.M)):
            return match[1].strip()
    return slug


def needs(slug: str, root: Path = ROOT) -> set[str]:
    """Return the labs whose products a lab loads."""
    text = script(slug, root).read_text(encoding="utf-8")
    return {name for name in labs(root) if f'products.load("{name}")' in text} - {slug}


def claims(slug: str, root: Path = ROOT) -> list[Claim]:
    """Read the claims of a lab, in order.

    Parameters
    ----------
    slug : str
    root : Path
        The course folder.

    Returns
    -------
    list of Claim

    Raises
    ------
    SourceError
        If one is no expression, or depends on nothing and so cannot fail.
    """
    path = script(slug, root)
    found = []
    for cell in _parsed(path).cells:
        for match in _CLAIM.finditer(cell.source):
            expression = match["expression"].strip()
            try:
                tree = ast.parse(expression, mode="eval")
            except SyntaxError:
                raise SourceError(f"{path}: the claim {expression!r} is no expression") from None
            if not any(isinstance(node, ast.Name) for node in ast.walk(tree)):
                raise SourceError(f"{path}: the claim {expression!r} cannot fail")
            sentence = _sentence(cell.source[: match.start()], cell.cell_type)
            found.append(Claim(expression, sentence, bool(match["only"])))
    return found


def _sentence(before: str, cell_type: str) -> str:
    """Return the prose above a claim: the last paragraph, in code the last comment or alt text."""
    before = _CLAIM.sub("", before)
    if cell_type == "markdown":
        paragraphs = [text for text in re.split(r"\n\s*\n", before) if text.strip()]
        return " ".join(paragraphs[-1].split()) if paragraphs else ""
    told = re.findall(r"(?:^# .+\n?)+|alt=(?:\s*\"[^\"]*\")+", before, re.MULTILINE)
    if not told:
        return " ".join(before.split()[-12:])
    quoted = re.findall(r"\"([^\"]*)\"", told[-1]) if told[-1].startswith("alt=") else []
    return " ".join(("".join(quoted) or re.sub(r"^# ", "", told[-1], flags=re.M)).split())


def _without_claims(source: str) -> str:
    if not _CLAIM.search(source):
        return source
    return re.sub(
        r"\n{3,}", "\n\n", re.sub(_CLAIM.pattern + r"\n?", "", source, flags=re.M)
    ).strip()


def _is_claims_only(cell: NotebookNode) -> bool:
    return bool(_CLAIM.search(cell.source)) and not _without_claims(cell.source)


def _cell(cell: NotebookNode, taken: set[str]) -> NotebookNode:
    # jupytext notes blank lines as lines_to_next_cell and the like: layout, not content
    header = {key: value for key, value in cell.metadata.items() if not key.startswith("lines_to")}
    unknown = set(header) - set(_HEADER_KEYS)
    if unknown:
        raise SourceError(f"unknown words in the cell header: {', '.join(sorted(unknown))}")
    metadata: dict[str, Any] = {}
    name = None
    if grading := _grading(header, cell.cell_type, cell.source):
        name = grading["grade_id"]
        metadata["nbgrader"] = grading
        if "solution" in header:
            metadata["labkit"] = {"seconds": header.get("seconds", DEFAULT_SECONDS)}
            if "memory_gb" in header:
                metadata["labkit"]["memory_gb"] = header["memory_gb"]
    make: Callable[..., NotebookNode] = (
        nbformat.v4.new_code_cell if cell.cell_type == "code" else nbformat.v4.new_markdown_cell
    )
    return make(cell.source, id=_cell_id(name, cell.source, taken), metadata=metadata)


def _grading(header: dict[str, Any], cell_type: str, source: str) -> dict[str, Any] | None:
    """Return nbgrader's metadata for a cell header, None for a plain cell."""
    roles = [role for role in ("setup", "solution", "test", "explain") if role in header]
    if not roles:
        return None
    if len(roles) > 1:
        raise SourceError(f"a cell is one of setup, solution, test, explain, not {roles}")
    role = roles[0]
    grading: dict[str, Any] = {
        "schema_version": 3,
        "cell_type": cell_type,
        "grade": role in ("test", "explain"),
        "solution": role in ("solution", "explain"),
        "locked": role in ("setup", "test"),
        "task": False,
    }
    if role == "setup":
        digest = hashlib.sha256(source.encode()).hexdigest()[:8]
        grading["grade_id"] = f"setup_{digest}"
    elif role == "solution":
        grading["grade_id"] = header[role]
    else:
        grading["grade_id"] = f"{role}_{header[role]}".replace(".", "_")
        if not isinstance(header.get("points"), int):
            raise SourceError("points= is missing or not a whole number")
        grading["points"] = header["points"]
    if (role == "explain") != (cell_type == "markdown"):
        raise SourceError(f"a cell with {role}= cannot be a {cell_type} cell")
    if role == "solution" and ("### BEGIN SOLUTION" not in source or '"""' not in source):
        raise SourceError("a solution needs a docstring and ### BEGIN SOLUTION / END SOLUTION")
    return grading


def _cell_id(name: str | None, source: str, taken: set[str]) -> str:
    """Name a cell by what it is graded as, else by its content, so that ids outlive edits."""
    base = name or hashlib.sha256(source.encode()).hexdigest()[:8]
    base = base[:56].replace("_", "-")
    identity, copy = base, 1
    while identity in taken:
        copy += 1
        identity = f"{base}-{copy}"
    taken.add(identity)
    return identity


def _check_exercises(path: Path, notebook: NotebookNode) -> None:
    grading = [cell.metadata["nbgrader"] for cell in notebook.cells if "nbgrader" in cell.metadata]
    names = [cell["grade_id"] for cell in grading]
    for name in names:
        if names.count(name) > 1:
            raise SourceError(f"{path}: the name {name!r} stands on two cells")
    tested = [cell["grade_id"] for cell in grading if cell["locked"] and cell["grade"]]
    for cell in grading:
        if cell["solution"] and not cell["grade"]:
            stem = f"test_{cell['grade_id']}"
            if not any(test == stem or test.startswith(f"{stem}_") for test in tested):
                raise SourceError(f"{path}: {cell['grade_id']!r} has no test")


def solved_namespace(slug: str, root: Path = ROOT, until: str = "") -> dict[str, Any]:
    """Execute a lab's setup and solution cells, and return what they define.

    Parameters
    ----------
    slug : str
    root : Path
    until : str
        Execute the story as well, all but the tests, as far as the cell that defines this name.

    Returns
    -------
    dict
        The namespace: the model answer to every exercise, by name.

    Raises
    ------
    SourceError
        If no cell defines the name.
    """
    namespace: dict[str, Any] = {"__name__": f"solved_{slug}"}
    for cell in read(slug, root).cells:
        grading = cell.metadata.get("nbgrader", {})
        test = grading.get("locked") and grading.get("grade")
        if cell.cell_type != "code" or test or not (grading or until):
            continue
        what = grading.get("grade_id", cell.id)
        exec(compile(cell.source, f"<{slug}: {what}>", "exec"), namespace)
        if until and until in namespace:
            return namespace
    if until:
        raise SourceError(f"no cell of {slug} defines {until!r}")
    return namespace


def definitions(slug: str, names: Iterable[str], root: Path = ROOT) -> str:
    """Return the source of what a lab defines by these names, without running the lab.

    Parameters
    ----------
    slug : str
    names : iterable of str
        Functions, classes and constants of its cells.
    root : Path
        The course folder.

    Returns
    -------
    str
        The definitions in the order of the lab.

    Raises
    ------
    SourceError
        If the lab does not define all of them.
    """
    text = script(slug, root).read_text(encoding="utf-8")
    wanted, found = set(names), {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            called = [node.name]
        elif isinstance(node, ast.Assign):
            parts = [part for target in node.targets for part in ast.walk(target)]
            called = [part.id for part in parts if isinstance(part, ast.Name)]
        else:
            continue
        if wanted.intersection(called):
            found.update(dict.fromkeys(called, ast.get_source_segment(text, node) or ""))
    if missing := sorted(wanted - set(found)):
        raise SourceError(f"{slug} defines no {', '.join(missing)}")
    return "\n\n".join(dict.fromkeys(found.values()))
