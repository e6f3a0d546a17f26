"""The web service of lab 9: requests a second, and how long the slowest take.

    python bench/service.py [--product FILE] [--seconds 20]

Starts `labkit serve corona` on this machine and asks it, as other programs would, from 1, 2 and 4
clients at a time that each send the next request when they have the answer to the last: single
spectra, then batches of 20. The clients run beside the service on the same cores. Prints requests
and spectra a second, the median and the 99th percentile of the time to an answer, and the
service's processor time for a spectrum, which other programs on the machine hardly change; writes
``build/bench/service.json``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil

from helpers import corona

ROOT = Path(__file__).resolve().parents[1]
BATCH = 20


@contextlib.contextmanager
def service(product: str) -> Iterator[tuple[str, psutil.Process]]:
    """Start the service; yield its address and its process."""
    line = [sys.executable, "-m", "labkit.cli", "serve", "corona", "--port", "0"]
    line += ["--product", product] if product else []
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            told = process.stdout.readline().split()
            if not told:
                raise SystemExit("the service did not start")
            yield told[1].rstrip(","), psutil.Process(process.pid)
        finally:
            process.send_signal(signal.SIGINT)


def measure(address: str, bodies: list[bytes], clients: int, seconds: float) -> np.ndarray:
    """Ask for so many seconds; return how long each answer took."""
    took: list[float] = []
    end = time.perf_counter() + seconds

    def ask(first: int) -> None:
        with httpx.Client(base_url=address, timeout=120) as client:
            number = first
            while (started := time.perf_counter()) < end:
                body = bodies[number % len(bodies)]
                path = "/v1/coronae" if body.startswith(b'{"spectra"') else "/v1/corona"
                headers = {"Content-Type": "application/json"}
                client.post(path, content=body, headers=headers).raise_for_status()
                took.append(time.perf_counter() - started)
                number += clients

    threads = [threading.Thread(target=ask, args=(first,)) for first in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return np.array(took)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--product", default="", help="lab 9's (what the walkthrough made)")
    parser.add_argument("--seconds", type=float, default=20.0, help="for each measurement (20)")
    chosen = parser.parse_args()
    sky = corona.simulated_spectra(100, seed=93)
    pairs = zip(sky.flux.tolist(), sky.error.tolist(), strict=True)
    spectra = [
        {"wavelength": sky.wavelength.tolist(), "flux": flux, "error": error}
        for flux, error in pairs
    ]
    singles = [json.dumps(spectrum).encode() for spectrum in spectra]
    batches = [
        json.dumps({"spectra": spectra[first : first + BATCH]}).encode()
        for first in range(0, len(spectra), BATCH)
    ]
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load {load:.1f} before; {chosen.seconds:g} s for each line")
    print("spectra  clients  requests/s  spectra/s  median ms  99 % ms  processor ms a spectrum")
    rows: list[dict[str, Any]] = []
    with service(chosen.product) as (address, process):
        measure(address, singles, 1, 2.0)
        for bodies, size in ((singles, 1), (batches, BATCH)):
            for clients in (1, 2, 4):
                started, spent = time.perf_counter(), sum(process.cpu_times()[:2])
                took = measure(address, bodies, clients, chosen.seconds)
                rate = took.size / (time.perf_counter() - started)
                cost = 1e3 * (sum(process.cpu_times()[:2]) - spent) / (size * took.size)
                median, slow = 1e3 * np.quantile(took, [0.5, 0.99])
                print(
                    f"{size:7d} {clients:8d} {rate:11.1f} {size * rate:10.1f} {median:10.0f} "
                    f"{slow:8.0f} {cost:24.1f}"
                )
                rows.append(
                    {
                        "spectra": size,
                        "clients": clients,
                        "requests_a_second": rate,
                        "median_ms": median,
                        "slowest_percent_ms": slow,
                        "processor_ms_a_spectrum": cost,
                    }
                )
    out = ROOT / "build" / "bench"
    out.mkdir(parents=True, exist_ok=True)
    (out / "service.json").write_text(json.dumps({"load": load, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
