"""Shared, in-memory pieces of the simulated sky."""

import pytest

from helpers.mock.catalogue import build_population
from helpers.mock.synthesis import Synthesizer


@pytest.fixture(scope="session")
def rows():
    """Every row of the simulated catalogue."""
    return build_population(128)


@pytest.fixture(scope="session")
def synthesizer():
    """The spectral model, with its lines loaded."""
    return Synthesizer()
