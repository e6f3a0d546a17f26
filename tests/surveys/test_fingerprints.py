"""Digests change with what matters, and with nothing else."""

import sys

import pytest

from surveys import fingerprints


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A small package: `top` imports `low` inside a function; nothing imports `aside`."""
    folder = tmp_path / "smallkit"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "top.py").write_text("def f():\n    from smallkit import low\n    return low.g()\n")
    (folder / "low.py").write_text("def g():\n    return 1\n")
    (folder / "aside.py").write_text("A = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.startswith("smallkit")]:
        del sys.modules[name]


def digest():
    return fingerprints.digest(["smallkit.top"], ["smallkit"])


def test_imports_inside_functions_are_followed(package):
    found = fingerprints.imported(["smallkit.top"], ("smallkit",))
    assert sorted(found) == ["smallkit", "smallkit.low", "smallkit.top"]


def test_code_of_an_imported_module_counts(package):
    before = digest()
    (package / "low.py").write_text("def g():\n    return 2\n")
    assert digest() != before


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("low.py", '"""Now with a docstring."""\n\n\n# and a comment\ndef g():\n    return 1\n'),
        ("aside.py", "A = 2\n"),
    ],
)
def test_comments_docstrings_and_other_modules_do_not_count(package, name, text):
    before = digest()
    (package / name).write_text(text)
    assert digest() == before


def test_files_and_words_count(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("1")
    first = fingerprints.digest([], [], [path], "a")
    assert first != fingerprints.digest([], [], [path], "b")
    path.write_text("2")
    assert first != fingerprints.digest([], [], [path], "a")
