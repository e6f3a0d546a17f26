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
        If it is too short to be one.
    """
    chosen = os.environ.get("LABKIT_SECRET", "").strip()
    if not chosen and secret_file().is_file():
        chosen = secret_file().read_text(encoding="utf-8").strip()
    if chosen and len(chosen) < SHORTEST:
        raise CourseError(
            f"the course secret has {len(chosen)} characters and could be guessed.",
            f"Take at least {SHORTEST}, or let `labkit data --secret` draw one.",
        )
    return chosen


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
