"""The service's addresses, and the command that opens them."""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import uvicorn
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from threadpoolctl import threadpool_limits

import helpers
from helpers import corona as coronal_lines
from labkit.errors import ServiceError
from labkit.service import faults, limits
from labkit.service.network import line_probabilities
from labkit.service.posterior import Posterior, Sampler
from labkit.service.product import Product
from labkit.service.schemas import Batch, Corona, Coronae, Health, Line, Quantity, Refusal, Spectrum

#: a posterior is not trusted with Pareto's k, or a misfit per pixel, above these
GREATEST_K, GREATEST_CHI2 = 0.7, 1.3
_ABOUT = """\
Temperature and density of a corona from its spectrum at 167-292 Å, with errors, and which lines it
shows: what lab 9 of the stellar labs trains and computes. The spectra it was made for are
**simulated**: 80 lines of an optically thin plasma with one density, an instrument of 0.30 Å.

Send one spectrum to `/v1/corona`, several to `/v1/coronae`. Look at `reliable` before you use an
answer. A request that cannot be served is answered with a list of errors, each with `where`,
`problem` and `advice`.
"""
_REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": Refusal, "description": "The body cannot be read"},
    413: {"model": Refusal, "description": "The body is too large"},
    422: {"model": Refusal, "description": "The body is not of the right form"},
    503: {"model": Refusal, "description": "Busy; the header Retry-After says when to ask again"},
}


def create_app(
    product: Product, threads: int = limits.THREADS, waiting: int = limits.WAITING
) -> FastAPI:
    """Build the application.

    Parameters
    ----------
    product : Product
        Of lab 9.
    threads : int
        Spectra measured at a time.
    waiting : int
        Spectra that are measured or wait, of all requests together.

    Returns
    -------
    FastAPI

    Raises
    ------
    ServiceError
        If there is no thread, or not room for a batch.
    """
    gate = limits.Gate(threads, waiting)
    sampler = Sampler(product)
    names = [coronal_lines.spectrum(ion) for ion in product.line_ion]

    @asynccontextmanager
    async def while_open(app: FastAPI) -> AsyncIterator[None]:
        # several spectra side by side: more threads within one would wait for each other
        with threadpool_limits(1), ThreadPoolExecutor(threads) as app.state.pool:
            yield

    app = FastAPI(
        title="Coronae",
        summary="Temperature and density of stellar coronae from their spectra",
        description=_ABOUT,
        version=helpers.__version__,
        lifespan=while_open,
        redoc_url=None,
        exception_handlers={
            RequestValidationError: faults.invalid,
            HTTPException: faults.refused,
            limits.BusyError: faults.busy,
            Exception: faults.failed,
        },
    )

    app.add_middleware(faults.BodyLimit)

    def measured(given: Spectrum) -> Corona:
        flux, error = np.array(given.flux), np.array(given.error)
        probability = line_probabilities(product.network, flux, error)
        lines = [
            Line(ion=name, wavelength=wavelength, probability=p)
            for name, wavelength, p in zip(names, product.line_wavelength, probability, strict=True)
        ]
        return _answer(sampler.posterior(flux, error, probability), lines)

    async def all_measured(given: Sequence[Spectrum]) -> list[Corona]:
        with gate.admit(len(given)):
            loop, pool = asyncio.get_running_loop(), app.state.pool
            return await asyncio.gather(*(loop.run_in_executor(pool, measured, s) for s in given))

    @app.get("/health", summary="Say that the service is up, and how much it takes")
    async def health() -> Health:
        return Health(
            version=helpers.__version__,
            in_work=gate.inside,
            most_in_work=waiting,
            largest_batch=limits.BATCH,
            largest_body=limits.BODY_BYTES,
        )

    @app.post("/v1/corona", summary="Measure one corona", responses=_REFUSALS)
    async def corona(spectrum: Spectrum) -> Corona:
        return (await all_measured([spectrum]))[0]

    @app.post("/v1/coronae", summary="Measure several coronae", responses=_REFUSALS)
    async def coronae(batch: Batch) -> Coronae:
        return Coronae(coronae=await all_measured(batch.spectra))

    return app


def _answer(posterior: Posterior, lines: list[Line]) -> Corona:
    """Put a posterior into the answer's form, with a warning where it cannot be trusted."""
    warnings, k, chi2 = [], posterior.pareto_k, posterior.chi2_per_pixel
    if not k <= GREATEST_K:
        warnings.append(
            f"Pareto's k is {k:.2f}, above {GREATEST_K}: means, errors and intervals may be wrong. "
            "Sample this spectrum with a chain, as lab 9 does in its section on the whole spectrum."
        )
    if not chi2 <= GREATEST_CHI2:
        warnings.append(
            f"Chi squared is {chi2:.2f} per pixel, above {GREATEST_CHI2}: the model does not "
            "describe this spectrum. Look for other lines, errors that are too small, or a profile "
            "that is not the instrument's."
        )
    return Corona(
        log_temperature=Quantity(**vars(posterior.log_temperature)),
        log_density=Quantity(**vars(posterior.log_density)),
        correlation=posterior.correlation,
        reliable=not warnings,
        warnings=warnings,
        pareto_k=k if math.isfinite(k) else None,
        effective_draws=posterior.effective_draws,
        chi2_per_pixel=chi2,
        lines=lines,
    )


def serve(app: FastAPI, host: str, port: int, say: Callable[[str], None]) -> None:
    """Answer requests until stopped.

    Parameters
    ----------
    app : FastAPI
    host : str
        Address to listen at.
    port : int
        0 for any that is free.
    say : callable
        Is told the address once it can be asked.

    Raises
    ------
    ServiceError
        If it cannot listen there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, port))
        except (OSError, OverflowError) as error:
            raise ServiceError(
                f"cannot listen at {host}, port {port} ({error}).",
                "Choose another address with --host, or another port with --port.",
            ) from error
        listening.listen()
        name = f"[{host}]" if ":" in host else host
        say(f"http://{name}:{listening.getsockname()[1]}")
        uvicorn.Server(uvicorn.Config(app, log_level="warning")).run([listening])
