"""Lab 9's pipeline on 10 000 spectra: throughput, and how it grows with workers.

    python bench/corona.py [--spectra 10000] [--workers 1 2] [--address tcp://HOST:8786]

The lab's own cells simulate the spectra, train the network and define `analyse`: for a block of
spectra the probabilities of 80 lines and the log posterior of temperature and density on 442
points. Dask gives the blocks to workers of one thread each: on a LocalCluster of this machine, then
on a cluster of which only the scheduler's address is known (the one given, or one started here with
`dask scheduler` and `dask worker`). All ways must agree. Prints spectra per second and writes
``build/bench/corona.json``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from operator import call
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# for the workers, which inherit it: one thread each, and where this package is
for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[threads] = "1"
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))

import numpy as np  # noqa: E402 - after the thread limits
from distributed import Client, LocalCluster  # noqa: E402

#: spectra in a task: a second or two of work
BLOCK = 50


def measure(client: Client, lab: dict[str, Any], count: int) -> tuple[float, np.ndarray]:
    """Analyse the first spectra; return the seconds it took and the log posteriors."""
    flux, error = lab["sky"].flux[:count], lab["sky"].error[:count]
    # what all tasks share travels once
    analyse, weights = (client.scatter(lab[x], broadcast=True) for x in ("analyse", "weights"))
    warm = [
        client.submit(call, analyse, weights, flux[:1], error[:1], workers=[worker], pure=False)
        for worker in client.nthreads()
    ]
    client.gather(warm)
    started = time.perf_counter()
    blocks = [slice(first, first + BLOCK) for first in range(0, count, BLOCK)]
    tasks = [client.submit(call, analyse, weights, flux[b], error[b], pure=False) for b in blocks]
    posteriors = np.concatenate([posterior for _, posterior in client.gather(tasks)])
    return time.perf_counter() - started, posteriors


@contextlib.contextmanager
def elsewhere(workers: int) -> Iterator[str]:
    """Start a scheduler and workers by their command lines; yield the address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    dask = [sys.executable, "-m", "dask"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    lines = [[*dask, "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]]
    lines += [[*dask, "worker", address, "--nthreads", "1", "--no-dashboard"]] * workers
    processes = [subprocess.Popen(line, **quiet) for line in lines]
    try:
        yield address
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            process.wait()


def told(way: str, workers: int, spectra: int, seconds: float) -> dict[str, Any]:
    """Say one measurement at once, and keep it."""
    rate = spectra / seconds
    print(
        f"  {way:20s} {workers} workers {spectra:6d} spectra {seconds:7.1f} s {rate:6.1f} a second"
    )
    return {"way": way, "workers": workers, "spectra": spectra, "seconds": seconds, "rate": rate}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--spectra", type=int, default=10_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, os.cpu_count() or 1])
    parser.add_argument("--address", default="", help="of a scheduler that runs already")
    chosen = parser.parse_args()
    import torch

    from labkit import lab_source

    torch.set_num_threads(1)
    lab = lab_source.solved_namespace("09_corona", until="analyse")
    count = min(chosen.spectra, len(lab["sky"]))
    one = min(count, 4 * BLOCK)
    started = time.perf_counter()
    _, direct = lab["analyse"](lab["weights"], lab["sky"].flux[:one], lab["sky"].error[:one])
    print(f"lab 9's network and posterior, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    rows = [told("no Dask", 1, one, time.perf_counter() - started)]
    answers = []
    for workers in dict.fromkeys(chosen.workers):
        # all spectra by the most workers; a fifth of them tells the throughput of fewer
        some = count if workers == max(chosen.workers) else count // 5
        setting = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None}
        with LocalCluster(**setting) as cluster, Client(cluster) as client:
            seconds, posteriors = measure(client, lab, some)
        rows.append(told("LocalCluster", workers, some, seconds))
        answers.append(posteriors)
    with contextlib.ExitStack() as stack:
        address = chosen.address or stack.enter_context(elsewhere(max(chosen.workers)))
        client = stack.enter_context(Client(address, timeout=60))
        if not chosen.address:
            client.wait_for_workers(max(chosen.workers), timeout=120)
        workers = sum(client.nthreads().values())
        seconds, posteriors = measure(client, lab, count)
        rows.append(told("scheduler's address", workers, count, seconds))
        answers.append(posteriors)
    for posteriors in answers:
        both = min(len(posteriors), one)
        np.testing.assert_allclose(posteriors[:both], direct[:both], rtol=1e-6)
    out = ROOT / "build" / "bench"
    out.mkdir(parents=True, exist_ok=True)
    result = {"cores": os.cpu_count(), "load": os.getloadavg()[0], "rows": rows}
    (out / "corona.json").write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
