"""Simulated energy distributions against the Castelli & Kurucz grid (needs shared/real).

``pytest tests/real -k mock -s`` prints the figures.  The models here were not used in a fit.
"""

import numpy as np
import pytest

from data.make import against_optical as compare
from skysim.spectra import optical

from .conftest import real_file


@pytest.fixture(scope="module")
def differences():
    """Labels and relative differences of 48 models of all gravities and metallicities."""
    reference = compare.OpticalReference(real_file("csst/ck04_grid.npz").parents[1])
    rows = reference.model_rows((5000.0, 9750.0), odd=True)
    rows = np.sort(np.random.default_rng(8).choice(rows, 48, replace=False))
    found = compare.sed_differences(reference, optical.OpticalSynthesizer(), rows)
    return reference.models["labels"][rows], found


@pytest.mark.parametrize(("low", "high", "limit"), [(4000, 10000, 0.03), (2500, 4000, 0.08)])
def test_seds_against_published_models(differences, low, high, limit):
    labels, found = differences
    here = (low < compare.BINS) & (high > compare.BINS)
    each = np.median(np.abs(found[:, here]), axis=1)
    whole = np.median(np.abs(found[:, here]))
    print(
        f"\n{low}-{high} A, 5000-9750 K, log g {labels[:, 1].min()}-{labels[:, 1].max()}, [M/H] "
        f"{labels[:, 2].min()} to {labels[:, 2].max()}: median |difference| {whole:.4f} "
        f"(<= {limit}); model by model median {np.median(each):.4f}, worst {each.max():.3f} at "
        f"{labels[each.argmax()]}"
    )
    for cool, hot in ((5000, 6000), (6000, 7500), (7500, 9751)):
        group = (labels[:, 0] >= cool) & (labels[:, 0] < hot)
        print(f"  {cool}-{hot} K: {np.median(np.abs(found[group][:, here])):.4f}")
    assert whole <= limit
