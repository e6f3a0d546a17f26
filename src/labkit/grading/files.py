"""Files of students' read without following links, files of the grader's written whole or not."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from labkit.errors import GradingError


def read_bytes(path: Path, most: int, folders: int = 2, advice: str = "") -> bytes:
    """Read a file that may be anything.

    Parameters
    ----------
    path : Path
    most : int
        Bytes it may have.
    folders : int
        How many of the folders above it must be no links.
    advice : str
        What to do if it is too large.

    Raises
    ------
    GradingError
        If it is missing, no plain file, or too large.
    """
    for part in (path, *path.parents[:folders]):
        if part.is_symlink():
            raise GradingError(f"{part.name} is a link: hand in the notebook itself")
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise GradingError(f"no notebook to grade ({path.name}: {error.strerror})") from None
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        os.close(fd)
        raise GradingError(f"{path.name} is not a file")
    with os.fdopen(fd, "rb") as file:
        if status.st_size > most:
            raise GradingError(
                f"{path.name} has {status.st_size / 1e6:.0f} MB, more than {most / 1e6:.0f}", advice
            )
        return file.read(most + 1)


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, into a folder made for it, following no link.

    Parameters
    ----------
    path : Path
    content : bytes
    """
    folder = path.parent
    if folder.is_symlink():
        folder.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{path.name}.partial"
    partial.unlink(missing_ok=True)
    partial.write_bytes(content)
    partial.replace(path)
