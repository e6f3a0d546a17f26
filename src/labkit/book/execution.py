"""Execute a notebook once, and take from that one run its outputs, claims, time and memory."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from traitlets.config import Config

from labkit.lab_source import STUDENTS_KERNEL, Claim
from surveys.errors import KitError

#: seconds that one cell may take
CELL_SECONDS = 1200


class WalkthroughError(KitError, RuntimeError):
    """A solved lab does not run, or a claim in it is false; the message shows which and where."""


@dataclass
class Run:
    """What one execution of a notebook came to.

    Attributes
    ----------
    seconds : float
        Wall time.
    cpu_seconds : float
        Processor time of the kernel and its children.
    peak_bytes : float
        Largest resident memory of the kernel and its children together.
    claims_true, claims_skipped : int
        Claims that held, and those left out because they hold for the simulated survey only.
    claims_false : list of str
        The others, each with the sentence it belongs to.
    """

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: float = 0.0
    claims_true: int = 0
    claims_skipped: int = 0
    claims_false: list[str] = field(default_factory=list)


def execute(
    notebook: NotebookNode,
    name: str,
    folder: Path,
    environment: dict[str, str],
    *,
    claims: Sequence[Claim] = (),
    simulated: bool = True,
    allow_errors: bool = False,
) -> Run:
    """Run a notebook in a kernel of its own, in place, then evaluate its claims in that kernel.

    Parameters
    ----------
    notebook : NotebookNode
        Gets its outputs.
    name : str
        How to call it in errors.
    folder : Path
        Where the kernel works.
    environment : dict of str
        Variables set for the kernel.
    claims : sequence of Claim
    simulated : bool
        Whether the lab runs on the simulated survey.
    allow_errors : bool
        Go on after a cell that fails.

    Returns
    -------
    Run

    Raises
    ------
    WalkthroughError
        If a cell fails and errors are not allowed.
    """
    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name=STUDENTS_KERNEL["name"],
        allow_errors=allow_errors,
        resources={"metadata": {"path": str(folder)}},
        # without keys of its own the kernel warns that its sockets are open to the machine
        config=Config({"KernelManager": {"transport_encryption": "auto"}}),
    )
    run = Run()
    started = time.perf_counter()
    with client.setup_kernel(env={**os.environ, **environment}):
        kernel: Any = client.km  # there now; its provisioner, a local one, has a pid
        watch = _Watch(kernel.provisioner.pid)
        with watch:
            try:
                for place, cell in enumerate(notebook.cells):
                    client.execute_cell(cell, place)
            except CellExecutionError as error:
                raise WalkthroughError(f"{name} stopped at a cell:\n{error}") from error
            # what the lab itself took: claims are looked at afterwards
            run.seconds = time.perf_counter() - started
        run.cpu_seconds, run.peak_bytes = watch.cpu_seconds, watch.peak
        _examine(client, claims, simulated, run)
    notebook.metadata["language_info"] = {"name": "python"}
    return run


def _examine(client: NotebookClient, claims: Sequence[Claim], simulated: bool, run: Run) -> None:
    """Evaluate the claims in the kernel of the finished lab."""
    looked_at = [claim for claim in claims if simulated or not claim.simulated_only]
    run.claims_skipped = len(claims) - len(looked_at)
    if not looked_at:
        return
    cell = nbformat.v4.new_code_cell(_EVALUATE % [claim.expression for claim in looked_at])
    client.nb.cells.append(cell)
    answer = client.execute_cell(cell, len(client.nb.cells) - 1, store_history=False)
    client.nb.cells.pop()
    # what is printed may arrive in several pieces
    printed = "".join(o["text"] for o in answer.outputs if o.get("name") == "stdout")
    for claim, found in zip(looked_at, json.loads(printed.splitlines()[-1]), strict=True):
        if found == "true":
            run.claims_true += 1
        else:
            run.claims_false.append(
                f"{claim.sentence!r}\n    claim: {claim.expression}\n    is {found}"
            )


#: run in the lab's kernel; an expression that is no boolean counts as wrong
_EVALUATE = """
def _labkit_examine(expressions):
    import json

    found = []
    for expression in expressions:
        try:
            value = eval(expression, globals())
            plain = type(value).__name__ in ("bool", "bool_")
            found.append(str(bool(value)).lower() if plain else f"{value!r:.200}, no boolean")
        except Exception as error:
            found.append(f"{type(error).__name__}: {error}")
    print(json.dumps(found))


_labkit_examine(%r)
"""


class _Watch:
    """Sample memory and processor time of a process and its children."""

    def __init__(self, pid: int, every: float = 0.5) -> None:
        self.peak = 0.0
        self.cpu_seconds = 0.0
        self._process = psutil.Process(pid)
        self._every = every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while True:
            self._look()
            if self._stop.wait(self._every):
                return

    def _look(self) -> None:
        resident = 0.0
        try:
            members = [self._process, *self._process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        spent = 0.0
        for member in members:
            try:
                resident += member.memory_info().rss
                spent += sum(member.cpu_times()[:4])  # its own, and that of children that ended
            except psutil.NoSuchProcess:
                continue
        self.peak = max(self.peak, resident)
        self.cpu_seconds = max(self.cpu_seconds, spent)

    def __enter__(self) -> _Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._stop.set()
        self._thread.join()
