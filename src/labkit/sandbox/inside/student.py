"""What runs inside the sandbox: an IPython shell that does as it is told, one message at a time.

Started as a script with two pipe ends, a seed and the limits. Everything that comes out of this
process is the student's word: the grader believes none of it.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import gc
import io
import os
import resource
import subprocess
import sys
from types import ModuleType
from typing import Any, BinaryIO

import cell_names
import displayed
import plain_corner
import seeding
import wire
from after_import import after_import

#: text kept of what one cell prints, characters
MAX_TEXT = 20_000
MAX_FIGURES = 12


def limit(memory: int, processes: int, file_bytes: int, cpu_seconds: int) -> None:
    """Bound this process and all it starts; no code of a student's has run yet."""
    # macOS, where only notebooks of one's own are graded, refuses to limit the address space
    memory_limit = [(resource.RLIMIT_AS, memory)] if sys.platform == "linux" else []
    for what, most in (
        *memory_limit,
        (resource.RLIMIT_NPROC, processes),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_NOFILE, 512),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))


def let_go() -> None:
    """Leave the streams this process was started with: they lie outside the sandbox."""
    null = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(null, stream)
    os.close(null)


def stand_in() -> None:
    """Give Python what namespaces give it elsewhere: a loopback, and semaphores of processes."""
    import loopback
    import semaphores

    loopback.install()
    semaphores.install()


def settle(seed: int) -> None:
    """Let everything drawn from now on follow from a seed, by packages imported later too."""
    seeding.settle(seed)
    after_import("torch", functools.partial(seeding.settle_torch, seed))


class Capped(io.TextIOBase):
    """A text stream that keeps the beginning and forgets the rest."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.room = MAX_TEXT

    def write(self, text: str) -> int:
        """Keep what still fits."""
        if self.room > 0:
            self.kept.append(text[: self.room])
            self.room -= len(text)
        return len(text)

    def writable(self) -> bool:
        """Say that this can be written to."""
        return True


class Notebook:
    """A student's notebook as it runs: one namespace, cells executed one after the other."""

    def __init__(self) -> None:
        from IPython.core.displayhook import DisplayHook
        from IPython.core.displaypub import DisplayPublisher
        from IPython.core.error import UsageError
        from IPython.core.interactiveshell import InteractiveShell
        from traitlets.config import Config

        shown: list[dict[str, Any]] = []

        class Publisher(DisplayPublisher):
            def publish(
                self, data: dict[str, Any], metadata: Any = None, source: Any = None, **_: Any
            ) -> None:
                shown.append(data)

        class Hook(DisplayHook):
            shell: Any  # set by IPython before anything is shown

            def __call__(self, result: Any = None) -> None:
                if result is not None:
                    self.shell.user_ns["_"] = result
                    shown.append(self.compute_format_data(result)[0])

        class Shell(InteractiveShell):
            displayhook_class = Hook
            display_pub_class = Publisher

            def system(self, cmd: str) -> None:
                """Run a command of the system's, as `!` does, but without a terminal."""
                command = self.var_expand(cmd, depth=1)
                with subprocess.Popen(
                    ["/bin/sh", "-c", command],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    errors="replace",
                ) as run:
                    while run.stdout and (said := run.stdout.read(MAX_TEXT)):
                        print(said, end="")  # noqa: T201 - where the cell prints
                self.user_ns["_exit_code"] = run.returncode

            def enable_gui(self, gui: Any = None) -> None:
                """Open no window: there is none."""

            def enable_matplotlib(self, gui: Any = None) -> tuple[Any, str]:
                """Draw pictures, whatever is asked for."""
                return gui, "agg"

            def run_line_magic(self, magic_name: str, line: str, _stack_depth: int = 1) -> Any:
                """Go on after a magic of another front end, or of a package that is not here."""
                try:
                    return super().run_line_magic(magic_name, line, _stack_depth + 1)
                except UsageError as error:
                    print(f"%{magic_name}: {error}")  # noqa: T201 - where the cell prints
                except ImportError as error:
                    if magic_name not in ("load_ext", "reload_ext"):
                        raise
                    print(f"%{magic_name}: {error}")  # noqa: T201

        config = Config()
        config.HistoryManager.enabled = False
        config.Shell.colors = "nocolor"
        self.shown = shown
        self.shell = Shell.instance(config=config)
        sys.modules["__main__"] = self.shell.user_module
        builtins.input = _nobody_answers
        sys.path.insert(0, "")  # modules a notebook writes for itself, as in a kernel
        after_import("matplotlib", _draw_pictures)
        after_import("matplotlib.pyplot", _draw_pictures)

    def renew(self, seed: int) -> dict[str, Any]:
        """Forget all names, as a new kernel would; modules stay loaded."""
        self.shell.reset(new_session=False)
        # what is left are the modules: the next reset need not search them for dead objects
        gc.freeze()
        settle(seed)
        return {}

    def belong_to(self, student: bytes) -> dict[str, Any]:
        """Tell the kit's own modules whose notebook this is; marks do not depend on it."""
        os.environb[b"LABKIT_STUDENT"] = student
        return {}

    def names(self, sources: list[str]) -> list[tuple[list[str], list[str]]]:
        """Return the names each cell makes and uses; asked before any of them has run."""
        return [cell_names.made_and_used(source) for source in sources]

    def run(self, source: str) -> dict[str, Any]:
        """Execute a cell; return what it showed and how it ended."""
        self.shown.clear()
        printed = Capped()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            result = self.shell.run_cell(source, store_history=False)
            error = result.error_before_exec or result.error_in_exec
            figures = [figure for data in self.shown for figure in displayed.figures(data)]
            figures += _open_figures()
            printed.write("\n".join(_text(data) for data in self.shown))
        answer = {
            "printed": "".join(printed.kept),
            "figures": figures[:MAX_FIGURES],
            "error": None,
        }
        if error is not None:
            answer["error"] = f"{type(error).__name__}: {error}"[:500]
        return answer

    def call(
        self, name: str, arguments: tuple[tuple[Any, ...], dict[str, Any]] | None
    ) -> dict[str, Any]:
        """Look a name up, or call it, as a test in the notebook itself would."""
        from helpers import checks

        namespace = self.shell.user_ns
        sink = Capped()
        with contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
            try:
                with checks.answers_from(namespace.__getitem__):
                    if arguments is None and callable(namespace.get(name)):
                        return {"function": True}
                    work = checks.submitted(name)
                    value = work if arguments is None else work(*arguments[0], **arguments[1])
                    return {"value": value}
            except checks.CheckFailed as refusal:
                return {"refused": str(refusal)[:2000]}
            except Exception as error:  # noqa: BLE001 - whatever the student's code raises
                names = [base.__name__ for base in type(error).__mro__]
                return {"raised": names[:20], "message": str(error)[:2000]}
            finally:
                if pyplot := sys.modules.get("matplotlib.pyplot"):
                    pyplot.close("all")


def _nobody_answers(prompt: object = "", /) -> str:
    """Say why there is no answer, where `input` itself would speak of the end of a file."""
    raise EOFError("nobody answers input() while a notebook is graded: write the value down")


def _draw_pictures(module: ModuleType) -> None:
    """Let whoever asks matplotlib for windows go on without them."""
    for name in ("use", "switch_backend"):
        if ask := getattr(module, name, None):

            @functools.wraps(ask)
            def or_pictures(*args: Any, ask: Any = ask, **kwargs: Any) -> None:
                with contextlib.suppress(ImportError):
                    ask(*args, **kwargs)

            setattr(module, name, or_pictures)


def _text(data: dict[str, Any]) -> str:
    return str(data.get("text/plain", ""))


def _open_figures() -> list[list[Any]]:
    """Draw the figures a cell left open, as a notebook would show them."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        return []
    drawn = []
    for number in pyplot.get_fignums()[:MAX_FIGURES]:
        buffer = io.BytesIO()
        with contextlib.suppress(Exception):
            pyplot.figure(number).savefig(buffer, format="png", dpi=80)
            if buffer.tell() <= displayed.MAX_BYTES:
                drawn.append([buffer.getvalue(), ""])
    pyplot.close("all")
    return drawn


def _read(pipe: BinaryIO, length: int) -> bytes:
    data = pipe.read(length)
    if len(data) != length:
        os._exit(0)  # the grader has hung up
    return data


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer the grader until it hangs up."""
    notebook = Notebook()
    _send(answers, wire.encode("ready"))
    while True:
        (length,) = wire.HEADER.unpack(_read(requests, wire.HEADER.size))
        request = wire.decode(_read(requests, length), trusted=True)
        do = getattr(notebook, request.pop("do"))  # belong_to, names, renew, run or call
        answer = do(**request)
        try:
            message = wire.encode(answer)
        except wire.WireError as error:
            message = wire.encode({"refused": f"your answer cannot be read: {error}"})
        _send(answers, message)


def _send(pipe: BinaryIO, message: bytes) -> None:
    pipe.write(wire.HEADER.pack(len(message)) + message)
    pipe.flush()


if __name__ == "__main__":
    incoming, outgoing, seed, *limits = (int(number) for number in sys.argv[1:])
    let_go()
    limit(*limits)
    if "LABKIT_SECOND_WALL" in os.environ:
        stand_in()
    settle(seed)
    plain_corner.install()
    serve(os.fdopen(incoming, "rb"), os.fdopen(outgoing, "wb"))
