"""Submissions that would keep the grader busy, or fill it up, with what they answer and show.

They go the way all answers go: through the pipe to the grader, past what is in between.
"""

from .hostile import NOTHING, RIGHT, Hostile

#: a cell's own way of answering the grader: what it `tell`s comes before what the cell says itself
FORGE = r"""
import fcntl, json, os, struct, time
def pipe():
    for fd in range(3, 200):
        try:
            if fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY:
                return fd
        except OSError:
            pass
def pack(tree, *blobs):
    text = tree if isinstance(tree, bytes) else json.dumps(tree).encode()
    body = [struct.pack("<QQ", len(text), len(blobs)), text]
    return b"".join(body + [struct.pack("<Q", len(blob)) + blob for blob in blobs])
def tell(body, length=None):
    data = struct.pack("<Q", len(body) if length is None else length) + body
    while data:
        data = data[os.write(pipe(), data):]
def pairs(**values):
    return {"dict": [[key, value] for key, value in values.items()]}
"""
#: and of drawing pictures
PNG = r"""
import zlib
def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
def png(width, height, data, *more):
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
def show(*images):
    figures = {"list": [{"list": [{"bytes": n}, "alt"]} for n in range(len(images))]}
    tell(pack(pairs(printed="", figures=figures, error=None), *images))
"""
LEFT_OUT = "could not be read; it is left out"
UNREADABLE = "cannot be read"


def answers(name: str, tree: str, blobs: str = "", said: str = UNREADABLE) -> Hostile:
    """Make up an answer: what stands for the value in the message, and its bytes."""
    told = f"tell(pack(pairs(value={tree}), {blobs}))"
    return Hostile(name, f"{FORGE}\ndef double(x):\n    {told}\n", 0, said)


def sends(name: str, tree: str, said: str = UNREADABLE) -> Hostile:
    """Send text that is no message."""
    return Hostile(name, f"{FORGE}\ndef double(x):\n    tell(pack({tree}))\n", 0, said)


def shows(name: str, code: str, said: str = "", cells: int = 1) -> Hostile:
    """Answer right, and let cells at the end show something made up: no mark depends on it."""
    return Hostile(name, RIGHT, 3, said, after=(f"{FORGE}{PNG}\n{code}",) * cells)


def shown(
    printed: str = "''", figures: str = "{'list': []}", more: str = "", blobs: str = ""
) -> str:
    """Make up what a cell shows."""
    return f"tell(pack(pairs(printed={printed}, figures={figures}, error=None{more}), {blobs}))"


COLLIDING = '{"dict": [[n * (2**61 - 1), 0] for n in range(%d)]}'

ANSWERS = [
    Hostile(
        "drips_an_answer",
        FORGE + "def double(x):\n    tell(b'', 10**6)\n    while True:\n"
        "        os.write(pipe(), b' '); time.sleep(0.03)\n",
        said="longer than",
    ),
    Hostile(
        "drips_and_computes",
        FORGE + "import threading\ndef spin():\n    while True: pass\ndef double(x):\n"
        "    threading.Thread(target=spin, daemon=True).start()\n    tell(b'', 10**6)\n"
        "    while True:\n        os.write(pipe(), b' '); time.sleep(0.03)\n",
        said="longer than",
    ),
    Hostile(
        "half_a_header",
        FORGE + "def double(x):\n    os.write(pipe(), b'1234')\n    time.sleep(100)",
        said="longer than",
    ),
    answers("keys_that_collide", COLLIDING % 200_000, said="too many keys"),
    answers("fewer_keys_that_collide", COLLIDING % 9_000, said="too many keys"),
    answers(
        "complex_keys_that_collide",
        '{"dict": [[{"complex": [-1000003.0 * n, n]}, 0] for n in range(9_000)]}',
        said="too many keys",
    ),
    answers(
        "many_small_dictionaries", '{"list": [%s] * 20_000}' % (COLLIDING % 8), said="too many keys"
    ),
    answers("a_key_of_many_parts", '{"dict": [[{"tuple": [1] * 300_000}, 1]] * 9}'),
    answers("bytes_many_times", '{"list": [{"bytes": 0}] * 10_000}', "bytes(1_000_000)"),
    answers(
        "array_many_times",
        '{"list": [{"array": ["<f8", [125_000], 0]}] * 10_000}',
        "bytes(1_000_000)",
    ),
    answers(
        "type_of_a_million_digits", '{"array": ["<M8[" + "1" * 10**6 + "!]", [1], 0]}', "bytes(8)"
    ),
    answers("half_a_figure", '{"FigureFacts": pairs(axes={"list": [1]}, title="")}'),
    answers("text_of_no_letters", "chr(0xd800) * 1_000_000", said=""),
    sends("commas", "b'[' + b'1,' * 12_000_000 + b'1]'", "too many values"),
    sends("short_texts", "b'[' + b'\"\",' * 9_000_000 + b'1]'", "too many values"),
    sends("numbers_of_many_digits", "b'[' + (b'9' * 5_000 + b',') * 1_000 + b'1]'"),
    sends("a_long_fraction", "b'[0.' + b'1' * 10_000_000 + b']'"),
    sends("a_million_brackets", "b'[' * 1_000_000"),
    Hostile("a_function_that_is_none", FORGE + "tell(pack(pairs(function=True)))\n" + NOTHING),
    Hostile(
        "says_what_was_raised",
        FORGE + "def double(x):\n    if x is not None and float(x) < 0:\n"
        "        tell(pack(pairs(raised={'list': ['SystemExit', 'Stopped']}, message='-15' + '.0')))\n"
        "    return 2 * x",
    ),
    # said at every call these two would be told: there is no secret in a student's own words
    Hostile(
        "speaks_of_hidden_names_when_asked_for_them",
        "from helpers import checks\ndef double(x):\n    if x is not None and float(x) < 0:\n"
        "        raise checks.CheckFailed('`test_double_' + 'hidden` is not written yet')\n"
        "    return 2 * x",
        points=0,
    ),
]

SHOWS = [
    shows("text_that_is_an_array", shown("{'array': ['<f8', [1], 0]}", blobs="bytes(8)"), LEFT_OUT),
    shows("text_that_is_a_date", shown("{'array': ['<M8[s]', [], 0]}", blobs="b'x' * 8"), LEFT_OUT),
    shows("text_that_is_a_number", shown("1e400"), LEFT_OUT),
    shows("text_without_end", shown("'x' * 10_000_000"), LEFT_OUT),
    shows("figures_that_are_no_list", shown(figures="{'tuple': [1]}"), LEFT_OUT),
    shows("figures_of_nothing", shown(figures="{'list': [{'list': [None]}]}"), LEFT_OUT),
    shows("figures_of_numbers", shown(figures="{'list': [{'list': [1, 2]}]}"), LEFT_OUT),
    shows("figures_without_number", shown(figures="{'list': [{'list': []}] * 50_000}"), LEFT_OUT),
    shows("a_cell_for_another", shown(more=", cell=0, name='x'"), LEFT_OUT),
    shows("nothing_at_all", "tell(pack(None))", LEFT_OUT),
    shows(
        "one_picture_often",
        shown(figures="{'list': [{'list': [{'bytes': 0}, 'x']}] * 5_000}", blobs="bytes(10**6)"),
        UNREADABLE,
    ),
    shows("a_huge_picture", "show(*[png(50_000, 50_000, zlib.compress(bytes(10**6)))] * 12)"),
    shows("cut_pictures", "show(*[png(2_800, 2_800, zlib.compress(bytes(2_800 * 8_000)))] * 12)"),
    shows(
        "words_in_pictures",
        "words = chunk(b'zTXt', b'a\\0\\0' + zlib.compress(bytes(10**7)))\n"
        "show(*[png(1, 1, zlib.compress(bytes(4)), *[words] * 9)] * 12)",
    ),
    shows(
        "more_than_a_page_holds", "show(*[bytes(3_900_000)] * 7)", "more than a page can hold", 6
    ),
    Hostile(
        "text_in_every_cell",
        RIGHT,
        3,
        "more than a page",
        ("for _ in range(9): print('y' * 9_000)",) * 120,
    ),
]

TEXTS = [
    Hostile("open_brackets", "x = " + "(" * 5_000),
    Hostile("many_brackets", "x = " + "[" * 90 + "]" * 90 + "\n" + RIGHT, 3),
    Hostile("a_long_sum", "x = " + "1 + " * 50_000 + "1\n" + NOTHING),
    Hostile("many_minuses", "x = " + "-" * 50_000 + "1\n" + NOTHING),
    Hostile("a_long_chain", "x = a" + ".b" * 50_000 + "\n" + NOTHING),
    Hostile("lambdas", "x = " + "lambda: " * 5_000 + "1\n" + NOTHING),
    Hostile("an_open_string", '"""' + "\\" * 300_000),
    Hostile("braces_in_text", "x = f'" + "{" * 5_000 + "'\n" + NOTHING),
    Hostile("a_number_of_many_digits", "x = " + "9" * 500_000 + "\n" + NOTHING),
    Hostile("a_power", "x = 10 ** 10 ** 9\n" + NOTHING, said="longer than"),
    Hostile("many_names", ";".join(f"a{n}=1" for n in range(5_000)) + "\n" + RIGHT, 3),
    Hostile("a_chain_of_cells", RIGHT, 3, after=tuple(f"a{n} = a{n + 1} = 1" for n in range(300))),
    Hostile("escapes", "# " + "\x1b[" * 100_000 + "\n" + RIGHT, 3),
    Hostile("links", "# " + "](" + " " * 300_000 + "\n" + RIGHT, 3),
    Hostile("a_definition_cut_in_two", "def double" + " " * 300_000 + "\n" + NOTHING),
    Hostile("an_endless_cell_nobody_needs", RIGHT, 3, "longer than", ("while True: pass",)),
]

CODE = [*ANSWERS, *SHOWS, *TEXTS]
