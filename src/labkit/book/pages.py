"""Write the executed labs as pages of a book: ``index.html`` and one page a lab."""

from __future__ import annotations

import html
import re
import shutil
from pathlib import Path
from typing import Any

import nbformat
from nbconvert import HTMLExporter
from nbformat import NotebookNode

from labkit import lab_source
from labkit.templates import render


def readable(notebook: NotebookNode) -> NotebookNode:
    """Return a copy for readers: tests folded away, hidden ones left out, no marks of nbgrader's.

    Parameters
    ----------
    notebook : NotebookNode
        Solved, with outputs.

    Returns
    -------
    NotebookNode
    """
    notebook = nbformat.from_dict(notebook)
    for place, cell in enumerate(notebook.cells):
        grading = cell.metadata.get("nbgrader", {})
        cell.source = re.sub(
            r"\n*### BEGIN HIDDEN TESTS.*?### END HIDDEN TESTS", "", cell.source, flags=re.DOTALL
        )
        cell.source = re.sub(r"^ *### (BEGIN|END) SOLUTION\n?", "", cell.source, flags=re.MULTILINE)
        if cell.cell_type == "code" and grading.get("grade"):
            notebook.cells[place] = _folded(cell)
    return notebook


def _folded(test: NotebookNode) -> NotebookNode:
    """Return a test cell as one line that opens to its code."""
    grading = test.metadata["nbgrader"]
    name = html.escape(grading["grade_id"].removeprefix("test_"))
    points = f"{grading['points']} point{'s' if grading['points'] > 1 else ''}"
    # one line: a blank one would end the HTML block for a markdown reader
    code = html.escape(test.source.strip()).replace("\n", "&#10;")
    cell: NotebookNode = nbformat.v4.new_markdown_cell(
        f"<details><summary>check <code>{name}</code>, {points}</summary>"
        f"<pre><code>{code}</code></pre></details>"
    )
    return cell


def count_figures(notebook: NotebookNode) -> int:
    """Count the pictures among a notebook's outputs."""
    count = 0
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            count += data.get("text/html", "").count("<img ") or ("image/png" in data)
    return count


def write_lab(out: Path, slug: str, notebook: NotebookNode, root: Path) -> Path:
    """Write one executed lab as a page with links to its neighbours.

    Parameters
    ----------
    out : Path
        The book's folder.
    slug : str
    notebook : NotebookNode
        With outputs.
    root : Path
        The course folder.

    Returns
    -------
    Path
    """
    exporter = HTMLExporter(template_name="lab", embed_images=True, mathjax_url=_mathjax(out))
    page, _ = exporter.from_notebook_node(
        readable(notebook), resources={"metadata": {"name": lab_source.title(notebook, slug)}}
    )
    slugs = [None, *lab_source.labs(root), None]
    place = slugs.index(slug)
    navigation = render("book_navigation.html", before=slugs[place - 1], after=slugs[place + 1])
    page = re.sub(r"(<body[^>]*>)", lambda m: m[1] + navigation, page, count=1)
    page = page.replace("<html>", '<html lang="en">', 1)
    path = out / f"{slug}.html"
    path.write_text(page, encoding="utf-8")
    return path


def _mathjax(out: Path) -> str:
    """Put MathJax beside the pages, so that formulas need no network; return its address."""
    from jupyter_server_mathjax.app import STATIC_ASSETS_PATH

    shutil.copytree(STATIC_ASSETS_PATH, out / "mathjax", dirs_exist_ok=True)
    return "mathjax/MathJax.js?config=TeX-AMS-MML_HTMLorMML-full,Safe"


def summary(notebook: NotebookNode) -> str:
    """Return the first paragraph under a lab's first heading, as text."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for paragraph in re.split(r"\n\s*\n", cell.source):
                if not paragraph.lstrip().startswith("#"):
                    return re.sub(r"[*_`$]", "", paragraph).replace("\n", " ")
    return ""


def write_index(out: Path, rows: list[dict[str, Any]], root: Path) -> Path:
    """Write the book's front page.

    Parameters
    ----------
    out : Path
        The book's folder.
    rows : list of dict
        The rows of ``summary.json``.
    root : Path
        The course folder.

    Returns
    -------
    Path
    """
    labs = []
    for row in rows:
        notebook = lab_source.read(row["lab"], root)
        labs.append(
            {
                "slug": row["lab"],
                "title": lab_source.title(notebook, row["lab"]),
                "summary": summary(notebook),
            }
        )
    simulated = all(row["archive"] == "embedded" for row in rows)
    origin = (
        "All spectra here come from the kit's simulated survey; none is an observation."
        if simulated
        else f"Archive used: {', '.join(sorted({row['archive'] for row in rows}))}."
    )
    path = out / "index.html"
    page = render(
        "book_index.html",
        origin=origin,
        labs=labs,
        head=[name.replace("_", " ") for name in rows[0]] if rows else [],
        rows=[list(row.values()) for row in rows],
    )
    path.write_text(page, encoding="utf-8")
    return path
