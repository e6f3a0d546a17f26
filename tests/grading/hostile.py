"""Submissions that want more than they have earned, each with what must become of it.

`points` are those of the toy lab's `double` (3 in all). An attack written around a right answer
keeps its points where the grader shrugs it off, and loses them where it destroys itself; none may
have more than its answer earns. `SECRET` stands for what no page, log or file may show.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import nbformat

from .toy import LAB, hand_in

RIGHT = "def double(x):\n    return 2 * x\n"
NOTHING = "def double(x):\n    return None\n"
#: a sandboxed search for anything that should not be there; what it finds it prints and answers
SNOOP = """
import os, pathlib
found = []
for folder, folders, files in os.walk("/"):
    if folder.startswith(("/proc", "/sys", "/usr", "/labkit/packages")):
        folders.clear()
        continue
    for name in files:
        path = os.path.join(folder, name)
        if name.endswith((".db", ".ipynb")) or "HIDDEN" in name or "truth" in name:
            try:
                found.append((path, open(path, "rb").read(200)))
            except OSError:
                pass
print("FOUND", [entry for entry in found if entry[1]])
"""


@dataclass(frozen=True)
class Hostile:
    name: str
    code: str = ""
    points: float = 0
    #: what the report must say of it, if anything
    said: str = ""
    #: cells at the end of the notebook
    after: tuple[str, ...] = ()


CODE = [
    Hostile(
        "eq_always_true",
        "class Yes:\n    def __eq__(self, o): return True\n    __lt__ = __gt__ = __eq__\n"
        "    def __sub__(self, o): return 0.0\n    def __float__(self): return 2.0\n"
        "def double(x): return Yes()",
    ),
    Hostile(
        "float_subclass",
        "class F(float):\n    def __eq__(self, o): return True\n    def __sub__(self, o): return 0.0\n"
        "def double(x): return F(0)",
    ),
    Hostile(
        "array_subclass",
        "import numpy as np\nclass A(np.ndarray):\n    def __sub__(self, o): return 0 * self\n"
        "    def __array_function__(self, *a, **k): return True\n"
        "    def __array_ufunc__(self, *a, **k): return True\n"
        "def double(x): return np.zeros(np.shape(x)).view(A)",
    ),
    Hostile(
        "patched_allclose",
        "import numpy as np\nnp.allclose = np.isclose = np.array_equal = lambda *a, **k: True\n"
        "def double(x): return 0.0 * x",
    ),
    Hostile(
        "sys_modules",
        "import sys, types\nfake = types.ModuleType('helpers.checks')\n"
        "fake.run = lambda t: None\nfake.submitted = lambda n: None\n"
        "sys.modules['helpers.checks'] = fake\nimport helpers; helpers.checks = fake\n" + NOTHING,
    ),
    Hostile(
        "patched_submitted",
        "from helpers import checks\nchecks.submitted = lambda n: (lambda x: 2 * x)\n"
        "checks.close = checks.that = checks.run = lambda *a, **k: None\n"
        "def double(x): return 0.0 * x",
        points=3,  # inside the sandbox that is only a roundabout way of writing 2 * x
    ),
    Hostile(
        "patched_checks_only",
        "from helpers import checks\nchecks.close = checks.that = checks.run = lambda *a, **k: None\n"
        "checks.CheckFailed = type('Never', (Exception,), {})\ndef double(x): return 0.0 * x",
    ),
    Hostile(
        "ast_transformer",
        "import ast\nclass Blank(ast.NodeTransformer):\n    def visit_Module(self, node):\n"
        "        node.body = []\n        return node\n"
        "get_ipython().ast_transformers.append(Blank())\n" + NOTHING,
    ),
    Hostile(
        "input_transformer",
        "get_ipython().input_transformers_post.append(lambda lines: ['pass\\n'])\n" + NOTHING,
    ),
    Hostile("reads_own_notebook", SNOOP + NOTHING),
    Hostile(
        "walks_parents",
        "import os, pathlib\nhere = pathlib.Path.cwd()\n"
        "print('FOUND', [str(p) for up in (here, *here.parents) for p in up.glob('*/*.ipynb')])\n"
        "print('FOUND', [p for p in ('/work', '/home/student/..', '/root/.cache') if os.path.isdir(p)"
        " and os.listdir(p) != ['student']])\n" + NOTHING,
    ),
    Hostile(
        "opens_gradebook",
        "import sqlite3, glob, os\npaths = [os.environ.get('COURSE', '/nowhere') + '/gradebook.db',\n"
        " '../../../gradebook.db', '/labkit/gradebook.db']\n"
        "for p in paths:\n    try:\n        sqlite3.connect(f'file:{p}?mode=rw', uri=True).execute("
        "'update grade set auto_score = 99, manual_score = 99')\n        print('FOUND', p)\n"
        "    except sqlite3.Error: pass\n" + NOTHING,
    ),
    Hostile(
        "sockets",
        "import socket\nfor address in (('1.1.1.1', 80), ('8.8.8.8', 53), ('127.0.0.1', PORT)):\n"
        "    try:\n        socket.create_connection(address, timeout=2)\n"
        "        print('FOUND a way to', address)\n    except OSError: pass\n" + NOTHING,
    ),
    Hostile(
        "unix_sockets",
        "import socket\nfor path in ('/run/dbus/system_bus_socket', '/var/run/docker.sock'):\n"
        "    try:\n        socket.socket(socket.AF_UNIX).connect(path)\n"
        "        print('FOUND', path)\n    except OSError: pass\n" + NOTHING,
    ),
    Hostile(
        "fork_bomb",
        "import os\ndef double(x):\n    while True:\n        try: os.fork()\n"
        "        except OSError: pass\n",
        said="",
    ),
    Hostile("shell_fork_bomb", "!bash -c ':(){ :|:& };:; sleep 5'\n" + NOTHING),
    Hostile(
        "memory_bomb",
        "def double(x):\n    keep = []\n    while True: keep.append(bytearray(b'x' * 50_000_000))\n",
    ),
    Hostile(
        "memory_bomb_in_children",
        "import os, time\ndef double(x):\n    for _ in range(12):\n        if os.fork() == 0:\n"
        "            b = bytearray(b'x' * 200_000_000); time.sleep(60)\n    time.sleep(60)\n",
    ),
    Hostile(
        "disk_filler",
        "import os\nfor place in ('/tmp/x', '/home/student/x', '/dev/shm/x', '/x', '/labkit/x'):\n"
        "    for n in range(40):\n        try:\n            with open(f'{place}{n}', 'wb') as f:\n"
        "                for _ in range(40): f.write(b'x' * 10_000_000)\n"
        "        except OSError: break\n" + RIGHT,
        points=3,
    ),
    Hostile(
        "gigabyte_of_output",
        "line = 'y' * 1_000_000\nfor _ in range(1000): print(line)\n" + RIGHT,
        points=3,
    ),
    Hostile(
        "gigabyte_raw",
        "import os\nb = b'y' * 10**6\nfor _ in range(1000): os.write(1, b)\n" + RIGHT,
        3,
    ),
    Hostile("infinite_loop", "def double(x):\n    while True: pass", said="longer than"),
    Hostile("infinite_cell", RIGHT + "while True: pass", said="longer than"),
    Hostile("os_exit", "import os\ndef double(x): os._exit(0)", said="ended the Python process"),
    Hostile("exit_cell", "import os\nos._exit(0)\n" + RIGHT, said="ended the Python process"),
    Hostile("sys_exit", "import sys\ndef double(x): sys.exit(0)"),
    Hostile(
        "kills_parent",
        "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nfor p in range(1, 5):\n"
        "    try: os.kill(p, signal.SIGKILL)\n    except OSError: pass\n" + NOTHING,
    ),
    Hostile("kills_all", "import os\nos.kill(-1, 9)\n" + NOTHING),
    Hostile(
        "signal_handlers",
        "import signal\nfor n in range(1, 65):\n    try: signal.signal(n, lambda *a: None)\n"
        "    except (OSError, ValueError): pass\ndef double(x):\n    while True: pass",
        said="longer than",
    ),
    Hostile(
        "symlinks",
        "import os\nfor n, target in enumerate(('/work', '/root', '/etc/shadow', '/proc/1/root')):\n"
        "    os.symlink(target, f'/home/student/l{n}')\n"
        "    try: print('FOUND', open(f'/home/student/l{n}').read(100))\n    except OSError: pass\n"
        + NOTHING,
    ),
    Hostile(
        "proc_tricks",
        "import os\nfor p in os.listdir('/proc'):\n    if p.isdigit():\n        try:\n"
        "            e = open(f'/proc/{p}/environ').read()\n"
        "            print('FOUND' if 'SECRET' in e or 'gradebook' in e else 'nothing')\n"
        "        except OSError: pass\n" + NOTHING,
    ),
    Hostile(
        "html_and_ansi",
        "def double(x):\n    raise ValueError('<script>alert(1)</script>\\x1b[2J\\x1b]0;owned\\x07')\n"
        "print('<img src=x onerror=alert(1)>\\x1b[2J')",
    ),
    Hostile(
        "html_display",
        "from IPython.display import HTML, display\ndisplay(HTML('<script>alert(1)</script>"
        '<img src="data:image/png;base64,AAAA" alt="&quot;&gt;&lt;script&gt;alert(1)">\'))\n'
        + NOTHING,
    ),
    Hostile(
        "pickle",
        "import os\nclass P:\n    def __reduce__(self): return (os.system, ('touch /tmp/owned',))\n"
        "def double(x): return P()",
    ),
    Hostile(
        "pickle_in_array",
        "import os, numpy as np\nclass P:\n    def __reduce__(self): return (os.system, ('id',))\n"
        "def double(x): return np.array([P()], dtype=object)",
    ),
    Hostile("generator", "def double(x): return (2 * v for v in [x])"),
    Hostile(
        "billion_elements",
        "import numpy as np\ndef double(x): return np.broadcast_to(2.0, (10**9,))",
    ),
    Hostile(
        "forged_frames",
        "import os, json, struct\ntree = json.dumps({'dict': [['value', {'array': "
        "['<f8', [10**9], 0]}]]}).encode()\nbody = struct.pack('<QQ', len(tree), 1) + tree + "
        "struct.pack('<Q', 8) + b'x' * 8\nfor fd in range(3, 20):\n    try:\n"
        "        for _ in range(50): os.write(fd, struct.pack('<Q', len(body)) + body)\n"
        "    except OSError: pass\n" + NOTHING,
    ),
    Hostile(
        "endless_frame",
        "import os, struct\nfor fd in range(3, 20):\n"
        "    try: os.write(fd, struct.pack('<Q', 2**62))\n    except OSError: pass\n" + NOTHING,
    ),
    Hostile(
        "bool_for_everything",
        "def double(x):\n    raise KeyError('passed') if False else AssertionError('')",
    ),
    Hostile("nan", "def double(x): return float('nan') * x"),
    Hostile("infinity", "def double(x): return float('inf')"),
    Hostile(
        "threads_left_running",
        "import threading\ndef spin():\n    while True: pass\n"
        "threads = [threading.Thread(target=spin, daemon=True) for _ in range(3)]\n"
        "[t.start() for t in threads]\n" + RIGHT,
        points=3,
    ),
    Hostile(
        "hard_coded",
        "import numpy as np\ndef double(x):\n    return {1.0: 2.0}.get(x) if np.isscalar(x) else x",
    ),
    Hostile(
        "steals_inputs",
        # what a hidden test asks is kept, and told by every road there is
        "seen = []\ndef double(x):\n    seen.append(x)\n    if len(seen) > 2 or x == -7.5:\n"
        "        raise ValueError(f'LEAK {seen}')\n    return 2 * x",
    ),
    Hostile(
        "column_names_tell",
        "seen = []\ndef double(x):\n    seen.append(x)\n"
        "    return {f'LEAK {seen}': object()} if len(seen) > 1 else 2 * x",
    ),
    Hostile(
        "recursion",
        "def double(x):\n    a = []\n    for _ in range(10**5): a = [a]\n    return a",
    ),
    Hostile("self_containing", "def double(x):\n    a = []\n    a.append(a)\n    return a"),
    Hostile(
        "system_exit_class",
        "class E(BaseException): pass\ndef double(x): raise E('through')",
    ),
    Hostile(
        "closes_everything",
        "import os\nos.closerange(0, 100)\n" + RIGHT,
    ),
    Hostile(
        "rebinds_limits",
        "import resource\nfor r in range(10):\n    try: resource.setrlimit(r, (-1, -1))\n"
        "    except (ValueError, OSError): pass\ndef double(x):\n    return bytearray(10**11)",
    ),
    Hostile(
        "unshare",
        "import os\ntry:\n    os.unshare(0x10000000)\n    os.system('mount -t tmpfs x /usr')\nexcept (OSError, AttributeError): pass\n"
        + RIGHT,
        3,
    ),
]


def submit_code(course: Path, hostile: Hostile, port: int) -> None:
    hand_in(course, hostile.name, hostile.code.replace("PORT", str(port)), after=hostile.after)


# --- files that are hostile themselves: name, what it makes of a right answer, points or refused ---


def _right(course: Path, student: str) -> Path:
    return hand_in(course, student, RIGHT)


def huge(course: Path) -> None:
    path = _right(course, "huge_notebook")
    with path.open("r+b") as file:
        file.truncate(100_000_000)


def malformed(course: Path) -> None:
    _right(course, "malformed_json").write_text('{"cells": [[[[{"a"')


def deep(course: Path) -> None:
    _right(course, "deep_json").write_text("[" * 200_000)


def comma(course: Path) -> None:
    path = _right(course, "trailing_comma")
    path.write_text(path.read_text().replace('"nbformat": 4', '"nbformat": 4,').replace(",,", ","))
    path.write_text(path.read_text().rstrip().removesuffix("}") + ",}")


def cut(course: Path) -> None:
    path = _right(course, "cut_short")
    path.write_text(path.read_text()[:-200])


def link(course: Path) -> None:
    path = _right(course, "link_to_gradebook")
    path.unlink()
    path.symlink_to(course / "solutions" / LAB / f"{LAB}.ipynb")


def linked_folder(course: Path) -> None:
    path = _right(course, "linked_folder")
    path.unlink()
    path.parent.rmdir()
    path.parent.symlink_to(course / "solutions" / LAB)


def fifo(course: Path) -> None:
    path = _right(course, "fifo")
    path.unlink()
    os.mkfifo(path)


def folder(course: Path) -> None:
    path = _right(course, "folder_for_notebook")
    path.unlink()
    path.mkdir()


def traversal(course: Path) -> None:
    # cell ids, kernel names and attachments that are paths
    path = _right(course, "path_traversal")
    notebook = json.loads(path.read_text())
    for cell in notebook["cells"]:
        cell["id"] = "../../../gradebook.db"
        cell["attachments"] = {"../../owned.png": {"image/png": "AAAA"}}
    notebook["metadata"]["kernelspec"] = {"name": "../../bin/sh", "language": "sh"}
    path.write_text(json.dumps(notebook))
    (path.parent / "..%2f..%2fowned.ipynb").write_text("{}")
    (path.parent / "timestamp.txt").symlink_to("/etc/passwd")


def claims(course: Path) -> None:
    """Points, locks and types that the file claims for itself."""
    path = _right(course, "claims_points")
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader.update(points=1000, locked=False, grade=True, solution=True)
            if "test" in cell.metadata.nbgrader.grade_id:
                cell.source = "1000.0"
        if cell.cell_type == "code" and "def double" in cell.source:
            cell.source = "def double(x): return 0"
    nbformat.write(notebook, path)


def types(course: Path) -> None:
    path = _right(course, "wrong_json_types")
    path.write_text(json.dumps({"cells": [1, None, {"source": {}}, {"metadata": [], "id": {}}]}))


def empty(course: Path) -> None:
    _right(course, "empty_file").write_bytes(b"")


def markup_name(course: Path) -> None:
    _right(course, "<script>alert(1)<\x1b[2J>")


FILES = {
    huge: None,
    malformed: None,
    deep: None,
    comma: 3,
    cut: 3,
    link: None,
    linked_folder: None,
    fifo: None,
    folder: None,
    traversal: 3,
    claims: 0,
    types: 0,
    empty: None,
    markup_name: 3,
}
