"""The version stands in one place; what repeats it says the same."""

import re
from pathlib import Path

import yaml

import helpers

ROOT = Path(__file__).parents[2]


def test_changelog_begins_with_the_present_version():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## \[([\d.]+)\]", text, re.MULTILINE)[0] == helpers.__version__


def test_citation_names_the_present_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == helpers.__version__


def test_security_page_supports_the_present_version():
    minor = ".".join(helpers.__version__.split(".")[:2])
    assert f"| {minor} | yes |" in (ROOT / "SECURITY.md").read_text(encoding="utf-8")
