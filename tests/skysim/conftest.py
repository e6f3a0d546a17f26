"""Shared, in-memory pieces of the simulated sky."""

import pytest

from skysim.spectra.h_band import Synthesizer
from skysim.survey.apogee_rows import build_population


@pytest.fixture(scope="session")
def rows():
    """Every row of the simulated catalogue."""
    return build_population(128)


@pytest.fixture(scope="session")
def synthesizer():
    """The spectral model, with its lines loaded."""
    return Synthesizer()
