"""What an instructor runs: the `labkit` command and the code behind it. Not for notebooks."""

import os
import sys
from pathlib import Path

# jsonschema, which nbformat needs, takes a second or two to import a grammar of web addresses;
# no schema of notebooks asks for them, and without the grammar it leaves them unchecked
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


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
