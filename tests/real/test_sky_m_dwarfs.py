"""Simulated M dwarfs beside the real templates of the Sloan survey."""

import numpy as np
import pytest

from data.make.against_m_dwarfs import INDICES, TYPES, Templates, band_index, simulated
from skysim.spectra import optical

from .conftest import real_file

#: A shallower index says nothing about a ratio of depths: templates are good to about 1 per cent.
SHALLOW = 0.05


@pytest.fixture(scope="module")
def templates():
    return Templates(real_file("lamost/sdss_templates_1A.npz").parents[1])


@pytest.fixture(scope="module")
def synthesizer():
    return optical.OpticalSynthesizer()


def compare(templates, synthesizer, kinds, fe_h=0.0):
    """Index of the real and of the simulated star, both (types, indices); printed."""
    real, ours = [], []
    print(f"\n[Fe/H] {fe_h:+.1f}: index simulated / real, ratio of depths 1 - index")
    for kind in kinds:
        real.append([band_index(*templates.real(kind, fe_h), name) for name in INDICES])
        ours.append([band_index(*simulated(synthesizer, kind, fe_h), name) for name in INDICES])
        parts = [
            f"{name} {s:.2f}/{r:.2f} {(1 - s) / (1 - r):4.2f}"
            for name, s, r in zip(INDICES, ours[-1], real[-1], strict=True)
        ]
        print(f"{kind}  " + "  ".join(parts))
    return np.array(real), np.array(ours)


def test_mock_bands_of_m_dwarfs(templates, synthesizer):
    real, ours = compare(templates, synthesizer, TYPES)
    ratio = (1 - ours) / (1 - real)
    titanium = np.array([name.startswith("TiO") for name in INDICES])
    deep = (1 - real > SHALLOW) & titanium
    print(f"TiO depth ratios: {ratio[deep].min():.2f} to {ratio[deep].max():.2f} (0.75 to 1.25)")
    print(f"CaH depth ratios: {ratio[:, ~titanium].min():.2f} to {ratio[:, ~titanium].max():.2f}")
    assert deep.sum() >= 20
    assert (np.abs(ratio[deep] - 1) <= 0.25).all()
    # CaH2 from M1 on; CaH3, and both in M0, come out up to two thirds too deep.
    calcium = list(INDICES).index("CaH2")
    assert (np.abs(ratio[1:, calcium] - 1) <= 0.25).all()
    # Every band deepens with type, as in the sky.
    assert (np.diff(ours[:, titanium], axis=0) < 0).all()
