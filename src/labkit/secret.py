"""The secret of a course: another sky, whose answers the public generator cannot tell."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from labkit.errors import CourseError
from surveys.folders import data_folder

#: shorter ones could be found by trying
SHORTEST = 16


def secret_file() -> Path:
    """Return the file that holds the secret; it is never served and never committed."""
    return data_folder() / "secret"


def course_secret() -> str:
    """Return the secret in use: ``LABKIT_SECRET``, else that of `secret_file`, else "".

    Raises
    ------
    CourseError
        If it is too short to be one; an empty file too, which must not bring the public sky back.
    """
    chosen, source = os.environ.get("LABKIT_SECRET", "").strip(), "LABKIT_SECRET"
    if not chosen:
        if not secret_file().is_file():
            return ""
        chosen, source = secret_file().read_text(encoding="utf-8").strip(), str(secret_file())
    if len(chosen) < SHORTEST:
        raise CourseError(
            f"the course secret in {source} has {len(chosen)} characters and could be guessed.",
            f"Take at least {SHORTEST}, or remove it and let `labkit data --secret` draw one.",
        )
    return chosen


def own_stars_file() -> Path:
    """Return the file that says, by being there, that each student has an own mystery star."""
    return data_folder() / "own_stars"


def keep_own_stars() -> None:
    """Let every survey of this course have a mystery star for each student from now on.

    Raises
    ------
    CourseError
        If the course has no secret: the public generator would tell the answers.
    """
    if not course_secret():
        raise CourseError(
            "a mystery star for each student needs a secret for the course.",
            "Draw one as well: `labkit data --secret --own-stars`.",
        )
    own_stars_file().parent.mkdir(parents=True, exist_ok=True)
    own_stars_file().write_text(
        "Each student has a mystery star of their own. To end that, remove this file and run "
        "`labkit data --rebuild`.\n",
        encoding="utf-8",
    )


def draw_secret() -> str:
    """Return the secret in use; if there is none, draw one and keep it in `secret_file`."""
    if existing := course_secret():
        return existing
    drawn = secrets.token_hex(16)
    path = secret_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(drawn + "\n")
    return drawn
