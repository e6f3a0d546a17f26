"""A stranger understands the first line of every docstring and the name of every test."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("helpers", "src/surveys", "src/labkit", "src/skysim", "data/make")
#: Wording that stood in first lines and that no stranger could understand.
RIDDLES = re.compile(
    r"\b(asleep|chance that|dear|frank|knows what|loners?|mercury lamps|no galaxy|nobody knows"
    r"|of the plain|settled?|sheet of a submission|twins?|what became of|who grades)\b",
    re.IGNORECASE,
)


def documented(tree, path):
    """Yield the place and the docstring of a module and of its public classes and functions."""
    yield path, ast.get_docstring(tree)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield f"{path}: {node.name}", ast.get_docstring(node)
            for method in node.body if isinstance(node, ast.ClassDef) else ():
                if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
                    yield f"{path}: {node.name}.{method.name}", ast.get_docstring(method)


def faults(docstring):
    """Return what is wrong with the first line of a docstring."""
    if not docstring:
        return ["no docstring"]
    first, _, rest = docstring.partition("\n")
    found = []
    if rest and rest.splitlines()[0].strip():
        found.append("the first sentence takes more than one line")
    if not first.endswith("."):
        found.append("no full stop")
    if len(re.findall(r"[^\W\d_]+", first)) < 3:
        found.append("fewer than three words")
    return found + [f"the word {match[0]!r}" for match in RIDDLES.finditer(first)]


def modules():
    return [path for room in SOURCES for path in sorted((ROOT / room).rglob("*.py"))]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_first_docstring_lines_are_whole_plain_sentences(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    told = [
        f"{place}: {', '.join(wrong)}"
        for place, docstring in documented(tree, path.relative_to(ROOT))
        if (wrong := faults(docstring))
    ]
    assert not told, "\n".join(told)


@pytest.mark.parametrize(
    ("docstring", "fault"),
    [
        (None, "no docstring"),
        ("Return the flux", "no full stop"),
        ("The flux.", "fewer than three words"),
        ("Return the flux of a star\nin its continuum.", "more than one line"),
        ("Spectra of the stars themselves asleep.", "asleep"),
    ],
)
def test_a_riddle_or_half_a_sentence_is_found(docstring, fault):
    assert fault in ", ".join(faults(docstring))


def test_names_of_tests_have_at_least_three_words():
    short = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and re.match(r"test(_[^_]+){0,2}$", node.name):
                short.append(f"{path.relative_to(ROOT)}: {node.name}")
    assert not short, "\n".join(short)
