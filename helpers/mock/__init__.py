"""The simulated sky: everything the embedded survey is made of.

Nothing in this room is an observation.  It is read by ``labkit data`` and by tests, never by a
notebook, and it imports only the scientific stack and the small tables of facts in ``data/``.
"""

from __future__ import annotations

import os
from pathlib import Path

#: Bumped when the survey changes in a way that its source text does not show.
SURVEY_VERSION = "0.1"


def repository_data() -> Path:
    """Folder of the committed facts (``data/`` beside ``helpers/``)."""
    return Path(__file__).resolve().parents[2] / "data"


def data_folder() -> Path:
    """Data folder in use: ``LABKIT_DATA`` where it is set, else the repository's own."""
    chosen = os.environ.get("LABKIT_DATA")
    return Path(chosen).expanduser() if chosen else repository_data()


def fact_file(name: str) -> Path:
    """Path of a committed table of facts: ``LABKIT_DATA`` first, then the repository.

    Parameters
    ----------
    name : str
        File name, for example ``"lines_h_band.csv"``.

    Raises
    ------
    FileNotFoundError
        When neither folder holds it.
    """
    for folder in (data_folder(), repository_data()):
        path = folder / name
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"the table of facts {name} is in neither {data_folder()} nor {repository_data()}: "
        "restore it from the repository (git checkout data/)"
    )
