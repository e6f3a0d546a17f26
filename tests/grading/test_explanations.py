"""Explanations wait for a person wherever they were written, and look as they were written."""

import base64
import io
import json
import re
import time

import nbformat
import pytest

from labkit.grading import batch, feedback, pasted, prose, repair
from labkit.grading.cells import Cell, handed_out

from .toy import LAB, hand_in, make_course

RIGHT = "def double(x):\n    return x + x"
WHY = "Twice is two times, $T<T_0$."
PROSE = {"cell_type": "markdown", "metadata": {}, "source": WHY}
QUESTION = "What is twice, and why? Think of what the function of the exercise does."


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    from labkit import notebooks

    course = make_course(tmp_path_factory.mktemp("course"))
    script = course / "solutions" / LAB / f"{LAB}.py"
    asked = f'# %% [markdown]\n# {QUESTION}\n\n# %% [markdown] explain="why"'
    text = script.read_text().replace('# %% [markdown] explain="why"', asked)
    script.write_text(text + "\n# %% [markdown]\n# That is all there is to say about doubling.\n")
    notebooks.derive([LAB], course)
    return course


@pytest.fixture
def notebook(course):
    released = json.loads((course / "labs" / LAB / f"{LAB}.ipynb").read_text())
    _find(released, "double")["source"] = RIGHT
    return released


@pytest.fixture(scope="module")
def released(course):
    notebook = nbformat.read(course / "labs" / LAB / f"{LAB}.ipynb", as_version=4)
    return handed_out(notebook)


def _find(notebook, name):
    return next(
        cell
        for cell in notebook["cells"]
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == name
    )


def _repaired(notebook, released):
    work = repair.repair(json.dumps(notebook).encode(), released)
    return work, next(cell for cell in work.cells if cell.name == "explain_why")


# --- where an explanation stands ----------------------------------------------------------------


def below(notebook):
    cells = notebook["cells"]
    cells.insert(cells.index(_find(notebook, "explain_why")) + 1, PROSE)


def below_in_two_cells(notebook):
    below(notebook)
    below(notebook)


def above(notebook):
    cells = notebook["cells"]
    cells.insert(cells.index(_find(notebook, "explain_why")), PROSE)


def typed_anew(notebook):
    cells = notebook["cells"]
    cells[cells.index(_find(notebook, "explain_why"))] = PROSE


def without_metadata_and_ids(notebook):
    _find(notebook, "explain_why")["source"] = WHY
    for cell in notebook["cells"]:
        cell["metadata"] = {}
        cell.pop("id", None)


def as_raw_text(notebook):
    _find(notebook, "explain_why").update(cell_type="raw", source=WHY)


WAYS = {
    below: "stood in a cell beside its own",
    below_in_two_cells: "stood in a cell beside its own",
    above: "stood in a cell beside its own",
    typed_anew: "was typed anew",
    without_metadata_and_ids: "was typed anew",
    as_raw_text: "was of another cell type",
}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_an_explanation_is_found_where_it_was_written(way, notebook, released):
    way(notebook)
    work, explanation = _repaired(notebook, released)
    assert not explanation.released
    assert set(explanation.source.split("\n\n")) == {WHY}
    assert WAYS[way] in " ".join(work.repairs)
    assert len(work.cells) == len(released)


def test_an_answer_typed_into_the_question_waits_for_a_person(notebook, released):
    question = next(c for c in notebook["cells"] if "What is twice" in "".join(c["source"]))
    question["source"] = QUESTION + "\n\n" + WHY
    work, explanation = _repaired(notebook, released)
    assert not explanation.released
    assert "its question was changed" in work.repairs[0]


def test_notes_elsewhere_are_taken_for_no_explanation(notebook, released):
    notebook["cells"].insert(1, PROSE)
    notebook["cells"].append(PROSE)
    work, explanation = _repaired(notebook, released)
    assert explanation.released
    assert work.repairs == []


def test_prose_that_another_release_worded_otherwise_is_no_explanation(notebook, released):
    for cell in notebook["cells"]:
        if "".join(cell["source"]).startswith("That is all"):
            cell.update(id="another", source="That is all there is to say about doubling now.")
    work, explanation = _repaired(notebook, released)
    assert explanation.released
    assert work.repairs == []


# --- how it looks -------------------------------------------------------------------------------


def _picture(form="PNG", size=(40, 30)):
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", size, "teal").save(buffer, format=form)
    return base64.b64encode(buffer.getvalue()).decode()


def _shown(course, student, source, **more):
    """Grade an explanation; return its cell in the graded notebook and what is drawn of it."""
    from nbconvert import HTMLExporter

    path = hand_in(course, student, RIGHT)
    handed_in = json.loads(path.read_text())
    _find(handed_in, "explain_why").update(source=source, **more)
    path.write_text(json.dumps(handed_in))
    (line,) = batch.grade(batch.Settings(course, LAB), [student])
    assert (line.points, line.by_hand) == (3, 3)
    graded = course / "autograded" / student / LAB / f"{LAB}.ipynb"
    page, _ = HTMLExporter(template_name="basic").from_filename(str(graded))
    return line, _find(json.loads(graded.read_text()), "explain_why"), page


def test_a_pasted_picture_is_kept_for_whoever_grades(course):
    source = "![image.png](attachment:image.png) and ![b](attachment:my pic.jpg)"
    attachments = {
        "image.png": {"image/png": _picture()},
        "my pic.jpg": {"image/jpeg": _picture("JPEG")},
    }
    line, cell, page = _shown(course, "ada", source, attachments=attachments)
    assert line.repairs == []
    assert set(cell["attachments"]) == {"image.png", "attached-2"}
    assert page.count('src="data:image/png;base64,') == 2


def test_a_picture_written_out_in_the_text_is_kept_as_well(course):
    source = f"see ![a](data:image/jpeg;base64,{_picture('JPEG', (300, 300))}) there"
    _, cell, page = _shown(course, "colab", source)
    assert "".join(cell["source"]) == "see ![a](attachment:pasted-1) there"
    assert page.count('src="data:image/png;base64,') == 1


def test_what_is_no_picture_leaves_a_page_that_can_be_shown(course):
    attachments = {"a.png": {"image/png": "AAAA"}, "b.svg": {"image/svg+xml": "<svg/>"}}
    source = "![a](attachment:a.png) ![b](attachment:b.svg) ![c](attachment:c.png) $a<b$"
    line, _, page = _shown(course, "eve", source, attachments=attachments)
    assert "pasted pictures were left out" in line.repairs[0]
    assert "image/svg" not in page
    assert "$a&lt;b$" in page


def test_pictures_have_a_bound_for_the_whole_notebook():
    cells = [Cell("own", "", "markdown", "", pictures={"a": b"x"}) for _ in range(30)]
    assert "10 pasted pictures were left out" in pasted.bound(cells)[0]
    assert sum(len(cell.pictures) for cell in cells) == pasted.MAX_PICTURES


AS_WRITTEN = [
    "$T<T_0$ and $a>b$, so $f[i](x)$ falls",
    "$$\\begin{align} a<b \\end{align}$$",
    "`a<b` and\n\n```python\nif a<b: x[i](3)\n```",
    "a\u00a0b, 5\u2009000 K",
    "x < y and [SDSS](https://www.sdss.org), <https://www.sdss.org>",
    "| a | b |\n|---|---|\n| 1 | $x<y$ |",
]


@pytest.mark.parametrize("text", AS_WRITTEN)
def test_formulas_code_and_spaces_come_out_as_written(text):
    assert prose.Prose().harmless(feedback.printable(text)) == text


HARMFUL = [
    "<script>alert(1)</script> $a<b$",
    "<img src=x onerror=alert(1)>",
    "if a <b and c> d",
    "> <div onclick=alert(1)>\n> $a<b$</div>",
    "* item\n\n  <b onclick=alert(1)>x</b>",
    "[x](javascript:alert(1)) $f[i](x)$",
    "[x](JAVA&#115;CRIPT:alert(1))",
    "[x][v]\n\n[v]: javascript:alert(1)",
    "<javascript:alert(1)>",
    "![x](data:text/html;base64,AAAA)",
    "```mermaid\n</pre><script>alert(1)</script>\n```",
    "~~~ mermaid\n<img src=x onerror=alert(1)>\n~~~",
    "$a<script>alert(1)</script>b",
    "\\$<script>alert(1)</script>$",
    "`<script>` <script>alert(1)</script>",
    "<!-- --><style>*{display:none}</style>",
    "![x](attachment:nothing.png)",
    "a" * prose.MAX_PROSE + "<script>alert(1)</script>",
]


@pytest.mark.parametrize("text", HARMFUL)
def test_nothing_alive_comes_out_of_an_explanation(text):
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    made = prose.Prose().harmless(text)
    page = MarkdownWithMath(renderer=IPythonRenderer(escape=False)).render(made)
    # in nbconvert's code blocks nothing is alive; what is outside them has its own tags only
    tags = set(re.findall(r"<(?!/)(\w+)", page))
    assert tags <= {"p", "ul", "li", "code", "pre", "blockquote", "img", "a", "div", "span"}
    assert not re.search(r"<[^>]*\son\w+=", page)
    assert not re.search(r'(?:href|src)="(?!#|https?://)', page)


@pytest.mark.parametrize("piece", ["[", "<a ", "![a](", "> ", "`", "$", "*a", "\\begin{a}", "|a"])
def test_prose_made_to_keep_a_reader_busy_is_read_in_a_moment(piece):
    started = time.process_time()
    prose.Prose().harmless((piece * prose.MAX_PROSE)[: prose.MAX_PROSE])
    assert time.process_time() - started < 3


def test_only_so_much_prose_is_read_closely():
    reader = prose.Prose()
    texts = [reader.harmless("$a<b$ " * 1000) for _ in range(20)]
    assert texts[0] == "$a<b$ " * 1000
    assert "&lt;" in texts[-1]
