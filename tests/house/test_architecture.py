"""docs/architecture.md names the rooms that the code has; its picture shows who imports whom."""

import importlib.util
import json
import re
import tomllib
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/architecture.md"


@pytest.fixture(scope="module")
def drawing():
    """The script that reads the import graph and draws it."""
    spec = importlib.util.spec_from_file_location("drawing", ROOT / "docs/make_architecture.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rooms_of_the_page():
    return re.findall(r"^\| `([a-z.]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def test_page_lists_the_rooms_of_the_import_graph(drawing):
    assert sorted(rooms_of_the_page()) == sorted(drawing.rooms())


def test_every_package_of_the_wheel_stands_on_the_page():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = {name.partition(".")[0] for name in project["tool"]["setuptools"]["packages"]}
    assert packages == {name.partition(".")[0] for name in rooms_of_the_page()}


def test_picture_shows_the_imports_of_the_code(drawing):
    with Image.open(drawing.PICTURE) as picture:
        drawn = {tuple(pair) for pair in json.loads(picture.info["Description"])}
    assert drawn == set(drawing.imports()), "run python docs/make_architecture.py"


def test_picture_has_a_place_for_every_room(drawing, monkeypatch):
    monkeypatch.delitem(drawing.PLACES, "surveys.formats")
    with pytest.raises(ValueError, match=r"give surveys\.formats a place"):
        drawing.draw()


def test_between_packages_all_arrows_point_down(drawing):
    for source, target in drawing.imports():
        if source.partition(".")[0] != target.partition(".")[0]:
            assert drawing.PLACES[source][1] > drawing.PLACES[target][1]
