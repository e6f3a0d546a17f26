"""Derive what students and nbgrader see from each lab's one source.

``solutions/NN/NN.py``, which people edit, becomes ``solutions/NN/NN.ipynb``, nbgrader's source; of
that nbgrader's generate_assignment makes ``labs/NN/NN.ipynb``. No outputs, stable cell ids, nothing
of jupytext's in the result.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from nbformat import NotebookNode
from traitlets.config import Config

from labkit import ROOT, lab_source
from surveys import fingerprints
from surveys.errors import KitError

if TYPE_CHECKING:
    from nbgrader.apps import NbGraderAPI


class NotebookError(KitError, RuntimeError):
    """nbgrader refused to make a student version; the message holds its words."""


def text(notebook: NotebookNode) -> str:
    """Return a notebook as the text of its file, always the same for the same notebook."""
    nbformat.validate(notebook)
    written: str = nbformat.writes(notebook, version=4)
    return written.rstrip("\n") + "\n"


def derive(slugs: list[str], root: Path = ROOT) -> list[Path]:
    """Write the solved and the student notebook of each lab.

    Parameters
    ----------
    slugs : list of str
    root : Path
        The course folder.

    Returns
    -------
    list of Path
        The files whose content changed.

    Raises
    ------
    SourceError, NotebookError
    """
    kept = root / "build" / "notebooks.json"
    known = json.loads(kept.read_text()) if kept.is_file() else {}
    # nbgrader takes a second a lab: those made of the same script by the same code are in order
    asked = [slug for slug in slugs if known.get(slug) != _digest(slug, root)]
    changed = stale(asked, root) if asked else {}
    for path, content in changed.items():
        _write(path, content)
    known |= {slug: _digest(slug, root) for slug in asked}
    _write(kept, json.dumps(known, indent=1) + "\n")
    return list(changed)


def _digest(slug: str, root: Path) -> str:
    """Digest a lab's script, both notebooks, and the code that makes them."""
    files = [
        lab_source.script(slug, root),
        *(root / folder / slug / f"{slug}.ipynb" for folder in ("solutions", "labs")),
        root / "nbgrader_config.py",
    ]
    present = [path for path in files if path.is_file()]
    return fingerprints.digest([__name__], ("labkit",), present, str(len(present)))


def stale(slugs: list[str], root: Path = ROOT) -> dict[Path, str]:
    """Return the notebooks that do not follow their source, with what they should hold.

    Parameters
    ----------
    slugs : list of str
    root : Path
        The course folder.

    Returns
    -------
    dict of Path to str
    """
    solved = {slug: text(lab_source.read(slug, root)) for slug in slugs}
    with tempfile.TemporaryDirectory(prefix="labkit-notebooks-") as scratch:
        course = Path(scratch)
        shutil.copy(root / "nbgrader_config.py", course)
        _require_protected(course)
        wanted = {}
        for slug, content in solved.items():
            _write(course / "solutions" / slug / f"{slug}.ipynb", content)
            wanted[root / "solutions" / slug / f"{slug}.ipynb"] = content
            wanted[root / "labs" / slug / f"{slug}.ipynb"] = _release(course, slug)
    return {path: content for path, content in wanted.items() if _content(path) != content}


def _release(course: Path, slug: str) -> str:
    api = nbgrader_api(course)
    with on_path():
        result = api.generate_assignment(slug, force=True, create=True)
    if not result["success"]:
        raise NotebookError(f"nbgrader could not make the student version of {slug}:\n{result}")
    files = sorted((course / "labs" / slug).iterdir())
    if [file.name for file in files] != [f"{slug}.ipynb"]:
        raise NotebookError(f"labs/{slug} would hold {files}; one notebook expected")
    return text(nbformat.read(files[0], as_version=4))


def _require_protected(course: Path) -> None:
    """Refuse a configuration with which nbgrader itself would run students' code."""
    named = nbgrader_api(course).config.Autograde.get("exporter_class", "")
    if "labkit.grading.converters" not in str(named):
        raise NotebookError(
            "with the course's nbgrader_config.py, `nbgrader autograde` and the formgrader would "
            "run students' code in your account.",
            "Take the lines that name labkit.grading from the kit's nbgrader_config.py.",
        )


def nbgrader_api(course: Path, more: Config | None = None) -> NbGraderAPI:
    """Return nbgrader's API for a course folder, with the settings of its nbgrader_config.py.

    Parameters
    ----------
    course : Path
    more : Config, optional
        Settings that come before those of the file.
    """
    from nbgrader.apps import NbGraderAPI
    from traitlets.config.loader import PyFileConfigLoader

    config = Config(PyFileConfigLoader("nbgrader_config.py", path=str(course)).load_config())
    config.CourseDirectory.root = str(course)
    if more is not None:
        config.merge(more)
    return NbGraderAPI(config=config)


def course_folder(configurable: Any) -> Path:
    """Return the course folder to which a part of nbgrader belongs.

    Parameters
    ----------
    configurable : traitlets.config.Configurable
        The part: a plugin, a preprocessor, a command.
    """
    above = configurable
    while above is not None:
        if getattr(above, "coursedir", None) is not None:
            return Path(above.coursedir.root)
        above = above.parent
    return Path.cwd()


@contextlib.contextmanager
def on_path() -> Iterator[None]:
    """Put this environment's programs on PATH: nbgrader calls alembic by name."""
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before


def _content(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _write(path: Path, content: str) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(content, encoding="utf-8")
    partial.replace(path)
