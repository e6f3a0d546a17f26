"""How much the service takes at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

from labkit.errors import ServiceError

#: bytes of a request, and spectra in one
BODY_BYTES = 4_000_000
BATCH = 50
#: spectra that are measured at a time, and that are measured or wait, of all requests together
THREADS = 2
WAITING = 100
#: seconds that a spectrum takes one thread, for the advice when to ask again
SECONDS = 0.05


class BusyError(Exception):
    """So many spectra are in work that no more are taken.

    Parameters
    ----------
    spectra : int
        How many are in work.
    seconds : int
        When it is worth asking again.
    """

    def __init__(self, spectra: int, seconds: int) -> None:
        super().__init__(f"{spectra} spectra are in work")
        self.spectra, self.seconds = spectra, seconds


class Gate:
    """Count the spectra in work, and refuse what would be too many.

    Parameters
    ----------
    threads : int
        How many are measured at a time.
    waiting : int
        How many may be measured or wait; at least a whole batch.

    Raises
    ------
    ServiceError
        If there is no thread, or not room for a batch.
    """

    def __init__(self, threads: int, waiting: int) -> None:
        if threads < 1:
            raise ServiceError(
                f"nothing can be measured with {threads} threads.", "Give 1 or more."
            )
        if waiting < BATCH:
            raise ServiceError(
                f"with room for {waiting} spectra a whole batch would never be taken.",
                f"Give {BATCH} or more.",
            )
        self.threads, self.waiting, self.inside = threads, waiting, 0

    @contextmanager
    def admit(self, spectra: int) -> Iterator[None]:
        """Count spectra as being in work while the block lasts.

        Parameters
        ----------
        spectra : int

        Raises
        ------
        BusyError
            If they would be too many.
        """
        if self.inside + spectra > self.waiting:
            raise BusyError(self.inside, math.ceil(self.inside * SECONDS / self.threads))
        self.inside += spectra
        try:
            yield
        finally:
            self.inside -= spectra
