"""Who grades: processes of this machine, kept warm, or the workers of a Dask cluster.

Both take submissions and yield sheets as they come. Neither touches the course folder: what a
worker leaves behind when it dies is nothing but a submission to be given to another one.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any

from labkit.errors import GradingError
from labkit.grading.examination import Examination, Sheet, failure

#: how often a submission is tried when the worker itself dies over it
ATTEMPTS = 2
#: submissions that lie ready for a cluster beyond those it works on
RESERVE = 4
CONNECT_SECONDS = 20


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
    """

    student: str
    raw: bytes
    notes: list[str] = field(default_factory=list)


def _grade(examination: Examination, handed_in: Submission) -> Sheet:
    try:
        return examination.grade(handed_in.student, handed_in.raw, handed_in.notes)
    except Exception as error:  # noqa: BLE001 - one bad notebook never stops the batch
        return failure(f"the grader failed over it ({type(error).__name__}: {error})")


# --- processes of this machine ------------------------------------------------------------------


def _work(examination: Examination, environment: dict[str, str], tasks: Connection) -> None:
    """Grade what comes through the pipe, until it is closed. Runs in a process of its own."""
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with(os.getppid())
    while True:
        try:
            handed_in = tasks.recv()
        except EOFError:
            return
        tasks.send(_grade(examination, handed_in))


def _die_with(parent: int) -> None:
    """Let this process end when the one that started it does, however that ends."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:
        os._exit(1)


class _Worker:
    def __init__(self, examination: Examination, task: Submission) -> None:
        # forked from a process that has imported all, and does nothing else
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__])
        self.pipe, theirs = context.Pipe()
        arguments = (examination, dict(os.environ), theirs)
        self.process = context.Process(target=_work, args=arguments, daemon=True)
        self.process.start()
        theirs.close()
        self.give(task)

    def give(self, task: Submission) -> None:
        self.task = task
        with contextlib.suppress(BrokenPipeError):  # found dead when its answer is asked for
            self.pipe.send(task)


def local(
    examination: Examination, submissions: Iterable[Submission], count: int
) -> Generator[tuple[Submission, Sheet], None, None]:
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
    (Submission, Sheet)
        As they come.
    """
    waiting = iter(submissions)
    again: list[Submission] = []  # of workers that died
    deaths: dict[str, int] = {}
    workers: list[_Worker] = []

    def following() -> Submission | None:
        return again.pop() if again else next(waiting, None)

    try:
        while True:
            while len(workers) < max(1, count) and (task := following()):
                workers.append(_Worker(examination, task))
            if not workers:
                return
            for pipe in wait([worker.pipe for worker in workers]):
                worker = next(w for w in workers if w.pipe is pipe)
                task = worker.task
                try:
                    sheet = worker.pipe.recv()
                except (EOFError, OSError):
                    workers.remove(worker)
                    worker.process.join()
                    deaths[task.student] = deaths.get(task.student, 0) + 1
                    if deaths[task.student] < ATTEMPTS:
                        again.append(task)
                    else:
                        yield task, failure("the grader's own process died over it")
                    continue
                yield task, sheet
                if task := following():
                    worker.give(task)
                else:
                    workers.remove(worker)
                    worker.pipe.close()
                    worker.process.join()
    finally:
        for worker in workers:
            worker.process.kill()


# --- a Dask cluster -----------------------------------------------------------------------------


def cluster(
    examination: Examination, submissions: Iterable[Submission], address: str
) -> Generator[tuple[Submission, Sheet], None, None]:
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
    (Submission, Sheet)
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


def _apart(examination: Examination, task: Submission) -> Sheet:
    """Grade in a process of its own: a worker's threads share streams, signals and chance."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    run = subprocess.run(
        [sys.executable, "-m", __name__],
        input=pickle.dumps((os.getpid(), examination, task)),
        capture_output=True,
        env=environment,
    )
    if run.returncode:
        said = run.stderr.decode(errors="replace")[-500:]
        raise RuntimeError(f"the grader ended with {run.returncode}: {said}")
    sheet: Sheet = pickle.loads(run.stdout)
    return sheet


def _main() -> None:
    parent, examination, task = pickle.load(sys.stdin.buffer)
    _die_with(parent)
    answers = sys.stdout.buffer
    sys.stdout = sys.stderr
    answers.write(pickle.dumps(_grade(examination, task)))


if __name__ == "__main__":
    _main()
