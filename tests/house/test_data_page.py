"""docs/data.md names every real file that a test or a maker reads."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = "apogee|lamost|csst|isochrones|corona|lines"


def real_files():
    """Return the real files and folders that tests and makers name, such as csst/throughput."""
    found = set()
    for path in [*(ROOT / "tests").rglob("*.py"), *(ROOT / "data/make").glob("*.py")]:
        text = path.read_text(encoding="utf-8")
        found |= set(re.findall(rf'real_file\("((?:{ROOMS})/[^"]+)"\)', text))
        joined = re.findall(rf'folder / "({ROOMS})" / "([^"]+)"', text)
        found |= {f"{room}/{name}" for room, name in joined}
    return sorted(found)


def named_on_the_page():
    """Return the files and folders of the page's tables, by room."""
    page = (ROOT / "docs/data.md").read_text(encoding="utf-8")
    rooms = re.split(r"^### `([a-z]+)/`.*$", page, flags=re.MULTILINE)[1:]
    tables = zip(rooms[::2], rooms[1::2], strict=True)
    return {
        f"{room}/{name.split('*')[0].rstrip('/')}"
        for room, table in tables
        for name in re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)
    }


def test_every_real_file_in_use_is_on_the_page():
    named = named_on_the_page()
    assert len(real_files()) > 15
    missing = [name for name in real_files() if not any(name.startswith(n) for n in named)]
    assert missing == []
