"""Where the kit's files lie: tables of facts, the survey, its truth, and downloads."""

from __future__ import annotations

import os
from pathlib import Path

#: `src` in a checkout, site-packages in an installation
_PACKAGES = Path(__file__).resolve().parents[1]


def facts_folder() -> Path:
    """Return the folder of the tables of facts: ``data`` of the checkout, or inside the wheel."""
    installed = _PACKAGES / "surveys" / "facts"
    return installed if installed.is_dir() else _PACKAGES.parent / "data"


def fact_file(name: str) -> Path:
    """Return the path of a table of facts: the one in ``LABKIT_DATA``, else the kit's own.

    Parameters
    ----------
    name : str
        File name, for example ``"lines_h_band.csv"``.

    Raises
    ------
    FileNotFoundError
        When there is none of this name.
    """
    for folder in (data_folder(), facts_folder()):
        path = folder / name
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"the table of facts {name} is in neither {data_folder()} nor {facts_folder()}: "
        "install the kit again, or restore the table (git checkout data/)"
    )


def data_folder() -> Path:
    """Return the folder of the survey: ``LABKIT_DATA``, else ``data`` of the checkout.

    A kit installed without a checkout keeps its survey in `cache_folder`.
    """
    chosen = os.environ.get("LABKIT_DATA", "").strip()
    if chosen:
        return Path(chosen).expanduser().resolve()
    if facts_folder().name == "facts":
        return cache_folder() / "data"
    return facts_folder()


def survey_folder() -> Path:
    """Return the folder of what the embedded archive serves."""
    return data_folder() / "build"


def truth_folder() -> Path:
    """Return the folder of what was planted in the survey; no archive serves it."""
    return data_folder() / "truth"


def cache_folder() -> Path:
    """Return the folder of downloads: ``LABKIT_CACHE``, else one in the home folder."""
    chosen = os.environ.get("LABKIT_CACHE", "").strip()
    return Path(chosen).expanduser().resolve() if chosen else Path.home() / ".cache" / "labkit"
