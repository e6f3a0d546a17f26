"""Workers that grade: warm processes of this machine, or those of a Dask cluster.

Both take submissions and yield graded ones as they come. Neither touches the course folder: what a
worker leaves behind when it dies is nothing but a submission to be given to another one. Nothing
that happens in a worker holds the batch up: a watchdog beside it ends one that takes too long or
too much memory, whatever it is doing, and the kernel ends all of them when the batch has ended.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import multiprocessing
import os
import pickle
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import psutil

from labkit.errors import GradingError
from labkit.grading.examination import Examination, GradedSubmission, failure
from labkit.sandbox.limits import kill

#: how often a submission is tried when the worker itself dies over it
ATTEMPTS = 2
#: submissions that lie ready for a cluster beyond those it works on
RESERVE = 4
CONNECT_SECONDS = 20
#: what a worker may take beyond the time of one lab, s: a sandbox starts, pages are written
SPARE_SECONDS = 120.0
#: for handing over what it has graded, s
ANSWER_SECONDS = 60.0
#: bytes that a worker may take beyond what it had at first; its sandbox has limits of its own
WORKER_MEMORY = 3_000_000_000
LOOK_SECONDS = 0.2
#: what the first submission loads, in a second: `repair` takes nbgrader's checksum of a cell
LOADED_LATER = ("nbgrader.utils",)
#: F_SETSIG, F_SETOWN and O_ASYNC are Linux's
ON_LINUX = sys.platform == "linux"


@dataclass(frozen=True)
class Submission:
    """What one student handed in.

    Attributes
    ----------
    student : str
    raw : bytes
        The notebook's file.
    notes : list of str
        What is to be said of how it was handed in.
    when : str
        When it was handed in; "" if that is not known.
    result : dict or None
        What it came to, where its marks are known and only its page is to be finished.
    """

    student: str
    raw: bytes
    notes: list[str] = field(default_factory=list)
    when: str = ""
    result: dict[str, Any] | None = None


def _grade(examination: Examination, handed_in: Submission) -> GradedSubmission:
    what = handed_in.student, handed_in.raw, handed_in.notes
    try:
        if handed_in.result is not None:
            return examination.show(*what, handed_in.result)
        return examination.mark(*what)
    except Exception as error:  # noqa: BLE001 - one bad notebook never stops the batch
        return failure(f"the grader failed over it ({type(error).__name__}: {error})")


# --- a watchdog ---------------------------------------------------------------------------------


class _Watched:
    """A grading process under watch: ended with its sandbox when it takes too long or too much.

    Parameters
    ----------
    pid : int
        0 if it could not be started.
    seconds : float
        What one submission may take, s.
    answers : Connection, optional
        Where what it has graded comes out: once that has begun, it is the reader's turn.
    """

    def __init__(self, pid: int, seconds: float, answers: Connection | None = None) -> None:
        self.why = ""  # it was ended
        self._process: psutil.Process | None = None
        with contextlib.suppress(psutil.Error):
            self._process = psutil.Process(pid)
        self._seconds = seconds
        self._answers = answers
        self._at_first = _memory(self._process)
        self._lock = threading.Lock()
        self.begin()

    def begin(self) -> None:
        """Start the clock: it has a submission."""
        self._read = False
        self._deadline = time.monotonic() + self._seconds

    def hand_over(self) -> None:
        """Start another clock: what it has graded is being read."""
        self._read = True
        self._deadline = time.monotonic() + ANSWER_SECONDS

    def rest(self) -> str:
        """Stop the clock, and return why it was ended, "" if it was not."""
        with self._lock:
            self._deadline = float("inf")
            return self.why

    def look(self) -> None:
        """End it if it is time."""
        with self._lock:
            # a number that is another process's by now is none of its own
            if self.why or self._process is None or not self._process.is_running():
                return
            if time.monotonic() > self._deadline and (self._read or not self._answered()):
                self.why = f"grading it took longer than {self._seconds:.0f} s and was stopped"
            elif _memory(self._process) - self._at_first > WORKER_MEMORY:
                most = WORKER_MEMORY / 1e9
                self.why = f"grading it took more than {most:.1f} GB of memory and was stopped"
            if self.why:
                kill(self._process.pid)

    def _answered(self) -> bool:
        try:
            return self._answers is not None and self._answers.poll()
        except (OSError, EOFError):
            return False


class _Watchdog(threading.Thread):
    """Looks at grading processes five times a second, whatever the rest of the batch is doing."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.watched: list[_Watched] = []
        self._end = threading.Event()

    def run(self) -> None:
        while not self._end.wait(LOOK_SECONDS):
            for each in list(self.watched):
                each.look()

    def __enter__(self) -> _Watchdog:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self.join()


def _memory(process: psutil.Process | None) -> int:
    """Return the memory a process has for itself, bytes; 0 if it is gone."""
    if process is None:
        return 0
    try:
        info = process.memory_info()
    except psutil.Error:
        return 0
    return int(info.rss - getattr(info, "shared", 0))


def _seconds(examination: Examination) -> float:
    """Return what a worker may take for one submission, s."""
    return examination.settings.limits.lab_seconds + SPARE_SECONDS


# --- processes of this machine ------------------------------------------------------------------


def _work(examination: Examination, environment: dict[str, str], tasks: Connection) -> None:
    """Grade what comes through the pipe, until it is closed. Runs in a process of its own."""
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with_batch()
    with contextlib.suppress(OSError):  # if memory runs out, this ends rather than the batch
        Path("/proc/self/oom_score_adj").write_text("300")
    while True:
        try:
            handed_in = tasks.recv()
        except EOFError:
            return
        tasks.send(_grade(examination, handed_in))


def _die_with_batch() -> None:
    """Let the kernel kill this process when the batch ends, however that ends.

    The parent of a forked worker is the fork server, which lives as long as any worker does: to die
    with that one is no help. So the signal is bound to the pipe that the batch alone holds open.
    """
    batch = multiprocessing.parent_process()
    if not ON_LINUX or batch is None:
        return
    import fcntl

    fcntl.fcntl(batch.sentinel, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(batch.sentinel, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(batch.sentinel, fcntl.F_GETFL)
    fcntl.fcntl(batch.sentinel, fcntl.F_SETFL, flags | os.O_ASYNC)
    if select.select([batch.sentinel], [], [], 0)[0]:  # it has ended already
        os._exit(1)


class _Worker:
    def __init__(self, examination: Examination, task: Submission) -> None:
        # forked from a process that has imported all, and does nothing else
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__, *LOADED_LATER])
        self.pipe, theirs = context.Pipe()
        arguments = (examination, dict(os.environ), theirs)
        self.process = context.Process(target=_work, args=arguments, daemon=True)
        with contextlib.suppress(OSError, EOFError):  # found dead when its answer is asked for
            self.process.start()
        theirs.close()
        self.watched = _Watched(self.process.pid or 0, _seconds(examination), self.pipe)
        self.task = task

    def give(self, task: Submission) -> None:
        self.task = task
        self.watched.begin()
        with contextlib.suppress(OSError):  # as above
            self.pipe.send(task)

    def answer(self) -> GradedSubmission | None:
        """Return what it has graded; None if it is dead."""
        self.watched.hand_over()
        try:
            sheet: GradedSubmission = self.pipe.recv()
        except (EOFError, OSError):
            return None
        return sheet

    def end(self) -> None:
        """End it with its sandbox, whatever it is doing."""
        self.pipe.close()
        if self.process.pid:
            if self.process.is_alive():
                kill(self.process.pid)
            self.process.join()


def local(
    examination: Examination, submissions: Iterable[Submission], count: int
) -> Generator[tuple[Submission, GradedSubmission], None, None]:
    """Grade in processes of this machine.

    Parameters
    ----------
    examination : Examination
    submissions : iterable of Submission
        Taken one by one, as workers become free.
    count : int
        How many processes.

    Yields
    ------
    (Submission, GradedSubmission)
        As they come. What ended its worker by taking too long or too much is not graded; what a
        worker died over is tried again.
    """
    waiting = iter(submissions)
    again: list[Submission] = []  # of workers that died
    deaths: dict[str, int] = {}
    workers: list[_Worker] = []

    def end_all() -> None:
        for worker in workers:
            worker.end()

    def following() -> Submission | None:
        return again.pop() if again else next(waiting, None)

    with contextlib.ExitStack() as stack:
        watchdog = stack.enter_context(_Watchdog())
        stack.callback(end_all)
        while True:
            while len(workers) < max(1, count) and (task := following()):
                worker = _Worker(examination, task)
                workers.append(worker)
                watchdog.watched.append(worker.watched)
                worker.give(task)
            if not workers:
                return
            for pipe in wait([worker.pipe for worker in workers]):
                worker = next(w for w in workers if w.pipe is pipe)
                task, sheet, why = worker.task, worker.answer(), worker.watched.rest()
                if sheet and not why and (task_after := following()):
                    worker.give(task_after)
                else:
                    workers.remove(worker)
                    watchdog.watched.remove(worker.watched)
                    worker.end()
                if sheet is None and not why:
                    deaths[task.student] = deaths.get(task.student, 0) + 1
                    if deaths[task.student] < ATTEMPTS:
                        again.append(task)
                        continue
                    sheet = failure("the grader's own process died over it")
                yield task, sheet or examination.refuse(task.student, why)


# --- a Dask cluster -----------------------------------------------------------------------------


def cluster(
    examination: Examination, submissions: Iterable[Submission], address: str
) -> Generator[tuple[Submission, GradedSubmission], None, None]:
    """Grade on a Dask cluster whose workers have this package, the survey and bubblewrap.

    Parameters
    ----------
    examination : Examination
    submissions : iterable of Submission
        Taken as workers become free, with a few in reserve.
    address : str
        Of the scheduler, such as ``tcp://10.0.0.1:8786``.

    Yields
    ------
    (Submission, GradedSubmission)
        As they come.

    Raises
    ------
    GradingError
        If there is no such cluster.
    """
    try:
        from distributed import Client, Future, as_completed
    except ImportError:
        raise GradingError(
            "grading on a Dask cluster needs the package `distributed`.",
            "Install the kit again with its extra `cluster`: pip install -e '.[course,cluster]'.",
        ) from None
    try:
        client = Client(address, timeout=CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        raise GradingError(f"no Dask scheduler answers at {address}: {error}") from None
    with client:
        if not client.nthreads():
            raise GradingError(f"the Dask cluster at {address} has no workers.")
        # when this process dies, the scheduler forgets what it asked for
        shared = client.scatter(examination, broadcast=True)
        waiting = iter(submissions)
        futures: dict[Future[Any], Submission] = {}
        coming = as_completed()

        def submit(task: Submission) -> None:
            future = client.submit(_apart, shared, task, pure=False, retries=ATTEMPTS - 1)
            futures[future] = task
            coming.add(future)

        for task in itertools.islice(waiting, sum(client.nthreads().values()) + RESERVE):
            submit(task)
        for future in coming:
            task = futures.pop(future)
            if following := next(waiting, None):
                submit(following)
            try:
                sheet = future.result()
            except Exception as error:  # noqa: BLE001 - whatever a cluster may do to a task
                sheet = failure(f"the cluster lost it ({type(error).__name__}: {error})")
            yield task, sheet


def _apart(examination: Examination, task: Submission) -> GradedSubmission:
    """Grade in a process of its own: a worker's threads share streams, signals and chance."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    run = subprocess.Popen(
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )
    with _Watchdog() as watchdog:
        watched = _Watched(run.pid, _seconds(examination))
        watchdog.watched.append(watched)
        answer, errors = run.communicate(pickle.dumps((os.getpid(), examination, task)))
    if watched.why:
        return examination.refuse(task.student, watched.why)
    if run.returncode:
        said = errors.decode(errors="replace")[-500:]
        raise RuntimeError(f"the grader ended with {run.returncode}: {said}")
    sheet: GradedSubmission = pickle.loads(answer)
    return sheet


def _die_with(parent: int) -> None:
    """Let this process end when the one that started it does, however that ends."""
    if not ON_LINUX:
        return
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:
        os._exit(1)


def _main() -> None:
    parent, examination, task = pickle.load(sys.stdin.buffer)
    _die_with(parent)
    answers = sys.stdout.buffer
    sys.stdout = sys.stderr
    answers.write(pickle.dumps(_grade(examination, task)))


if __name__ == "__main__":
    _main()
