"""What an instructor runs: the `labkit` command and the code behind it. Not for notebooks."""

import os
from pathlib import Path


def course_folder() -> Path:
    """Return the course folder, which holds labs/ and solutions/.

    It is ``LABKIT_COURSE``; else the checkout this package is imported from; else, for an
    installed kit, the working folder.
    """
    if chosen := os.environ.get("LABKIT_COURSE", "").strip():
        return Path(chosen).expanduser().resolve()
    checkout = Path(__file__).resolve().parents[2]
    return checkout if (checkout / "solutions").is_dir() else Path.cwd()


#: the course folder
ROOT = course_folder()
