"""How each table of facts was made, and how real the simulated sky is.

Run a maker from the course folder, for example ``python -m data.make.isochrones``. Makers read
real files from the folder that ``LABKIT_REAL`` names; docs/data.md says what it holds and where to
get it.
"""

from __future__ import annotations

import os
from pathlib import Path


def real_folder() -> Path:
    """Return the folder of real files, ``LABKIT_REAL``.

    Raises
    ------
    SystemExit
        If it is not set or not there.
    """
    chosen = os.environ.get("LABKIT_REAL", "").strip()
    folder = Path(chosen).expanduser()
    if not chosen or not folder.is_dir():
        raise SystemExit(
            f"LABKIT_REAL is {chosen!r}, not a folder of real files: set it as docs/data.md says"
        )
    return folder
