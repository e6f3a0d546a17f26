"""How like real stars the simulated optical spectra are (needs shared/real).

Every figure is printed: ``pytest tests/real -k mock -s``.  No star here was used in a fit.
"""

import numpy as np
import pytest

from data.make import against_optical as compare
from skysim.spectra import optical

from .conftest import real_file


@pytest.fixture(scope="module")
def reference():
    return compare.OpticalReference(real_file("csst/miles_stars.npz").parents[1])


@pytest.fixture(scope="module")
def synthesizer():
    return optical.OpticalSynthesizer()


def test_mock_miles_stars(reference, synthesizer):
    rows = reference.miles_stars(60, (4500.0, 8500.0), odd=True)
    rms = compare.miles_differences(reference, synthesizer, rows)
    teff = reference.miles["labels"][rows, 0]
    print(f"\n60 MILES stars not fitted: median rms {np.median(rms):.4f} (<= 0.045)")
    for low, high in ((4400, 5200), (5200, 6200), (6200, 7200), (7200, 8600)):
        here = (teff >= low) & (teff < high)
        print(f"  {low}-{high} K: {here.sum()} stars, median {np.median(rms[here]):.4f}")
    use = np.clip(compare.BINS, 4001.0, 7002.0) == compare.BINS
    flat = []
    for row in rows:
        real = np.nan_to_num(reference.miles_spectrum(row), nan=1.0)
        flat.append(np.std(compare.running_normalised(real)[use]))
    print(f"  control, a spectrum without lines: {np.median(flat):.4f}")
    assert np.median(flat) > 1.5 * np.median(rms)
    assert np.median(rms) <= 0.045


def test_mock_equivalent_widths_of_miles_stars(reference, synthesizer):
    rows = reference.miles_stars(60, (4500.0, 8500.0), odd=True)[::2]
    stars = []
    for row in rows:
        flux = reference.miles["flux"][row].astype(float)
        labels = compare.star(*reference.miles["labels"][row])
        stars.append((labels, reference.miles["wavelength"], flux))
    power = optical.wavelength_grid() / compare.MILES_FWHM
    ratios = compare.width_ratios(stars, synthesizer, power, compare.FEATURES[:4])
    _judge("MILES", ratios)


def test_mock_equivalent_widths_of_lamost_stars(reference, synthesizer):
    stars = compare.lamost_stars(reference, 40, (4700.0, 8200.0))
    # LAMOST's stars lie kiloparsecs away: interstellar sodium adds to theirs (MILES is nearby).
    _judge("LAMOST", compare.width_ratios(stars, synthesizer, 1800.0), aside=("Na D",))


def _judge(survey, ratios, aside=()):
    print()
    for name, values in ratios.items():
        low, middle, high = np.percentile(values, (16, 50, 84))
        print(
            f"{survey} {name}: simulated over real {middle:.2f} (0.8-1.25), middle two thirds "
            f"{low:.2f}-{high:.2f}, {values.size} stars"
        )
    for name, values in ratios.items():
        assert values.size >= 8, name
        if name not in aside:
            assert 0.8 <= np.median(values) <= 1.25, name
