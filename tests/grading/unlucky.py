"""Honest submissions of the toy lab that need some luck with a grader; each deserves full marks.

Every one follows something students do, in notebooks that ran well where they were written.
"""

from __future__ import annotations

from dataclasses import dataclass

RIGHT = "def double(x):\n    return 2 * x\n"


@dataclass(frozen=True)
class Unlucky:
    name: str
    code: str = RIGHT
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


def above(name: str, line: str) -> Unlucky:
    """Put something above a right answer, in its own cell."""
    return Unlucky(name, f"{line}\n{RIGHT}")


def own(name: str, *cells: str) -> Unlucky:
    """Put cells of the student's own before a right answer."""
    return Unlucky(name, before=cells)


MAGICS = [
    above("matplotlib_inline", "%matplotlib inline\nimport matplotlib.pyplot as plt"),
    above("matplotlib_alone", "%matplotlib"),
    above("matplotlib_notebook", "%matplotlib notebook"),
    above("matplotlib_widget", "%matplotlib widget"),
    above("matplotlib_qt", "%matplotlib qt5"),
    above("matplotlib_tk", "%matplotlib tk"),
    above("matplotlib_osx", "%matplotlib osx"),
    above("matplotlib_of_no_such_name", "%matplotlib retina"),
    above("pylab", "%pylab inline"),
    above("pylab_without_names", "%pylab --no-import-all"),
    above("gui", "%gui qt"),
    above("inline_by_call", "get_ipython().run_line_magic('matplotlib', 'inline')"),
    above("inline_format", "%config InlineBackend.figure_format = 'retina'"),
    above("no_such_setting", "%config Completer.use_jedi = False"),
    above("autoreload", "%load_ext autoreload\n%autoreload 2"),
    above("extension_not_here", "%load_ext lab_black"),
    above("magic_not_here", "%load_ext watermark\n%watermark -v"),
    above("memory_magic_not_here", "%memit [0] * 1000"),
    above("timed_line", "%time x = sum(range(100))"),
    above("timed_often", "%timeit -n 3 -r 1 sum(range(100))"),
    Unlucky("timed_cell", "%%time\n" + RIGHT),
    Unlucky("captured_cell", "%%capture kept\n" + RIGHT),
    above("shell_line", "!ls"),
    above("shell_line_that_fails", "!no-such-command --version"),
    above("pip_without_network", "!pip install --quiet --timeout 1 --retries 0 astroquery"),
    above("folder_magic", "%cd ..\n%pwd"),
    above("environment_magic", "%env LAB=1"),
    above("precision_magic", "%precision 3"),
    above("names_magic", "y = 3\n%whos"),
    above("debugger_magic", "%pdb off\n%xmode Plain"),
    own(
        "module_written_by_a_cell", "%%writefile mine.py\ndef twice(x): return 2 * x", "import mine"
    ),
    own("module_written_and_used_at_once", "%%file more.py\nTWO = 2", "from more import *"),
]

BACKENDS = [
    above("backend_tk", "import matplotlib\nmatplotlib.use('TkAgg')"),
    above(
        "backend_qt", "import matplotlib as mpl\nmpl.use('Qt5Agg')\nfrom matplotlib import pyplot"
    ),
    above("backend_of_macs", "import matplotlib.pyplot as plt\nplt.switch_backend('macosx')"),
    above("figures_left_open", "import matplotlib.pyplot as plt\nfor _ in range(25): plt.figure()"),
    above(
        "shown_figure", "import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show(); plt.ion()"
    ),
]

PROGRAMS = [
    Unlucky("double_by_lambda", "double = lambda x: x + x"),
    Unlucky(
        "double_by_class", "class Twice:\n    def __call__(self, x): return 2 * x\ndouble = Twice()"
    ),
    Unlucky(
        "double_by_partial",
        "from functools import partial\nfrom operator import mul\ndouble = partial(mul, 2)",
    ),
    Unlucky("double_by_vectorize", "import numpy as np\ndouble = np.vectorize(lambda x: 2 * x)"),
    Unlucky("double_by_ufunc", "import numpy as np\ndouble = lambda x: np.add(x, x)"),
    Unlucky(
        "double_in_single_precision",
        "import numpy as np\ndef double(x): return np.float32(2) * np.float32(x)",
    ),
    Unlucky("double_with_prints", "def double(x):\n    print('x is', x)\n    return 2 * x"),
    Unlucky(
        "double_with_warnings",
        "import warnings\ndef double(x):\n    warnings.warn('careful')\n    return 2 * x",
    ),
    Unlucky(
        "double_with_progress",
        "from tqdm.auto import tqdm\ndef double(x):\n    for _ in tqdm(range(3)): pass\n    return 2 * x",
    ),
    Unlucky(
        "double_with_a_pool",
        "from multiprocessing.pool import ThreadPool\ndef double(x):\n    with ThreadPool(2) as pool: return pool.map(lambda y: 2 * y, [x])[0]",
    ),
    Unlucky(
        "double_with_a_child",
        "import subprocess, sys\ndef double(x):\n    subprocess.run([sys.executable, '-c', 'pass'], check=True)\n    return 2 * x",
    ),
    Unlucky(
        "double_with_a_file",
        "import numpy as np, tempfile\ndef double(x):\n    with tempfile.TemporaryFile() as f:\n        np.save(f, 2 * np.asarray(x)); f.seek(0)\n        return np.load(f)",
    ),
    Unlucky(
        "double_with_types",
        "from __future__ import annotations\ndef double(x: float | list[float]) -> float: return 2 * x",
    ),
    Unlucky("double_in_greek", "def double(x):\n    δ = x\n    return x + δ"),
    Unlucky("double_with_windows_lines", RIGHT.replace("\n", "\r\n")),
    Unlucky("double_with_tabs", "def double(x):\n\treturn 2 * x"),
    Unlucky("double_made_twice", RIGHT, after=("def double(x):\n    return 'oops'",)),
    Unlucky(
        "double_of_own_helpers",
        "def double(x):\n    return times(x, FACTOR)",
        before=("FACTOR = 2", "def times(a, b): return a * b"),
    ),
    Unlucky(
        "sleeps_a_little", "import time\ndef double(x):\n    time.sleep(0.2)\n    return 2 * x"
    ),
]

CELLS = [
    own("cell_that_fails", "1 / 0"),
    own("cell_of_python_2", "print 'hello'"),
    own("cell_that_asks", "name = input('your name? ')"),
    own("cell_that_ends", "import sys\nsys.exit()"),
    own("cell_that_quits", "quit()"),
    own("cell_that_waits", "import asyncio\nawait asyncio.sleep(0.01)"),
    own("cell_that_hides_its_output", "import sys, io\nsys.stdout = io.StringIO()"),
    own("cell_that_makes_warnings_errors", "import warnings\nwarnings.filterwarnings('error')"),
    own("cell_that_makes_numpy_strict", "import numpy as np\nnp.seterr(all='raise')"),
    own("cell_that_logs_all", "import logging\nlogging.basicConfig(level=logging.DEBUG)"),
    own("cell_that_moves_away", "import os\nos.chdir('/tmp')"),
    own("cell_that_sets_seeds", "import random, numpy as np\nrandom.seed()\nnp.random.seed()"),
    own("cell_of_tables", "import pandas as pd\npd.DataFrame({'a': [1, 2]})"),
    own("cell_that_forgets", "%reset -f"),
    own("cell_of_text", "This is what I did first."),
    own("empty_cells", "", " ", "# nothing"),
    Unlucky("cell_after_all_that_never_ends_well", after=("raise RuntimeError('x' * 100_000)",)),
]

ALL = [*MAGICS, *BACKENDS, *PROGRAMS, *CELLS]


# --- notebooks that went through other hands ---


def _find(notebook, name):
    return next(
        cell
        for cell in notebook["cells"]
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == name
    )


def answer_below_its_tests(notebook):
    cells = notebook["cells"]
    cells.append(cells.pop(cells.index(_find(notebook, "double"))))


def answer_between_its_tests(notebook):
    cells = notebook["cells"]
    answer = cells.pop(cells.index(_find(notebook, "double")))
    cells.insert(cells.index(_find(notebook, "test_double")) + 1, answer)


def all_upside_down(notebook):
    notebook["cells"].reverse()


def lines_in_one_text(notebook):
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])


def windows_lines(notebook):
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"]).replace("\n", "\r\n")


def of_colab(notebook):
    notebook["metadata"] = {"colab": {"provenance": []}, "kernelspec": {"name": "python3"}}
    for number, cell in enumerate(notebook["cells"]):
        cell["metadata"].update(id=f"x{number}", colab={"base_uri": "https://localhost/"})
        cell.pop("id", None)


def of_another_editor(notebook):
    notebook["metadata"] = {"language_info": {"name": "python", "version": "3.99"}}
    for cell in notebook["cells"]:
        cell["metadata"]["vscode"] = {"languageId": "python"}


def with_much_output(notebook):
    text = {"output_type": "stream", "name": "stdout", "text": ["x" * 999 + "\n"] * 10_000}
    _find(notebook, "double")["outputs"] = [text]


def with_strange_outputs(notebook):
    _find(notebook, "double")["outputs"] = [{"output_type": "widget", "data": None}, 3, "x"]
    _find(notebook, "double")["execution_count"] = "many"


def with_a_pasted_picture(notebook):
    explain = _find(notebook, "explain_why")
    explain["attachments"] = {"image.png": {"image/png": "AAAA"}}
    explain["source"] = "![image.png](attachment:image.png) so $a<b$"


def without_ids(notebook):
    notebook["nbformat_minor"] = 4
    for cell in notebook["cells"]:
        cell.pop("id", None)


NOTEBOOKS = [
    answer_below_its_tests,
    answer_between_its_tests,
    all_upside_down,
    lines_in_one_text,
    windows_lines,
    of_colab,
    of_another_editor,
    with_much_output,
    with_strange_outputs,
    with_a_pasted_picture,
    without_ids,
]
