"""Rotation, activity, lithium, dust, and the features they leave in a spectrum."""

import numpy as np
import pytest

from skysim.spectra import features
from skysim.stars import activity, dust, lithium

WAVE = 2400.0 * np.exp(25.0 / 299792.458 * np.arange(17800))


@pytest.fixture(scope="module")
def suns():
    """4000 stars of one solar mass at each of three ages (Gyr): Pleiades, Hyades, the Sun's."""
    n = 4000
    age = np.repeat([0.125, 0.65, 4.57], n)
    one = np.ones(age.size)
    rng = np.random.default_rng(4)
    made = activity.activity(rng, one, age, 5777.0 * one, one, np.zeros(age.size, bool))
    return made, np.arange(3 * n).reshape(3, n)


def test_suns_slow_down_and_calm_down(suns):
    made, age = suns
    period = np.median(made.period[age], axis=1)
    assert 2.5 < period[0] < 5.0  # Pleiades
    assert 7.5 < period[1] < 11.5  # Hyades
    assert 23.0 < period[2] < 28.0
    excess = np.median(made.halpha[age], axis=1)
    assert excess[0] > 2 * excess[1] > 8 * excess[2]
    amplitude = np.median(made.amplitude[age], axis=1)
    assert amplitude[0] > amplitude[1] > amplitude[2]


def test_saturated_stars_scatter_about_the_published_level(suns):
    made, _ = suns
    saturated = made.rossby < activity.SATURATION_ROSSBY
    level = np.log10(made.halpha[saturated])
    assert level.mean() == pytest.approx(np.log10(1.49e-4), abs=0.05)
    assert level.std() == pytest.approx(0.15, abs=0.03)
    beyond = made.rossby > 2 * activity.SATURATION_ROSSBY
    slope = np.polyfit(np.log10(made.rossby[beyond]), np.log10(made.halpha[beyond]), 1)[0]
    assert slope == pytest.approx(-1.7, abs=0.1)


def test_lines_agree_within_their_scatter(suns):
    made, _ = suns
    ratio = np.log10(made.calcium.sum(axis=1) / made.halpha)
    assert abs(ratio.mean()) < 0.03
    assert 0.08 < ratio.std() < 0.16
    assert (made.calcium.argmax(axis=1) == 1).mean() > 0.8  # 8544 is the strongest


def test_stars_without_a_convective_envelope_are_calm():
    n = 500
    rng = np.random.default_rng(1)
    hot = activity.activity(
        rng, np.full(n, 1.8), np.full(n, 0.5), np.full(n, 7800.0), np.full(n, 1.7),
        np.zeros(n, bool),
    )  # fmt: skip
    assert hot.halpha.max() < 1e-8
    assert 40 < np.median(hot.vsini) < 200


def test_lithium_follows_age_temperature_and_the_curve_of_growth():
    rng = np.random.default_rng(0)
    n = 2000

    def median(teff, age):
        stars = (np.full(n, v) for v in (teff, age, 4.5, 1.0))
        return np.median(lithium.abundance(rng, *stars))

    assert median(5777.0, 4.57) < median(5777.0, 0.125) - 0.8
    assert median(4800.0, 0.125) < median(5800.0, 0.125) - 1.0
    assert lithium.equivalent_width(np.array(2.98), np.array(6000.0)) == pytest.approx(
        0.1, rel=0.05
    )
    assert lithium.equivalent_width(np.array(1.05), np.array(5777.0)) < 0.005  # the Sun
    weak, strong = lithium.equivalent_width(np.array([0.0, 0.3]), np.array(6000.0))
    assert strong / weak == pytest.approx(2.0, rel=0.02)  # linear part
    weak, strong = lithium.equivalent_width(np.array([3.5, 3.8]), np.array(4000.0))
    assert strong / weak < 1.25  # saturated


@pytest.mark.parametrize("vsini", [0.0, 60.0])
def test_emission_adds_its_flux_wherever_it_falls(vsini):
    flat = np.full(WAVE.size, 5e6)
    lines = {features.HALPHA_VACUUM: 3e6, features.TRIPLET_VACUUM[1]: 1e6}
    made = features.add_emission(WAVE, flat, lines, vsini, wings=0.2)
    for centre, strength in lines.items():
        near = np.abs(WAVE - centre) < 25
        cells = WAVE * 25.0 / 299792.458
        assert ((made - flat) * cells)[near].sum() == pytest.approx(strength, rel=2e-3)
    assert np.array_equal(flat, np.full(WAVE.size, 5e6))  # the input is left alone


def test_lithium_line_has_the_width_it_was_given():
    flat = np.full(WAVE.size, 2.0)
    for ew in (0.02, 0.2, 0.6):
        made = features.absorb_lithium(WAVE, flat, ew, 20.0)
        cells = WAVE * 25.0 / 299792.458
        assert ((1 - made / flat) * cells).sum() == pytest.approx(ew, rel=2e-3)
        assert made.min() > 0


def test_nebula_has_fixed_ratios_and_moves_with_its_own_velocity():
    lines = features.nebular(2.0, 0.3, 0.4, 1.4)
    assert lines[features.NITROGEN_VACUUM[1]] / lines[features.NITROGEN_VACUUM[0]] == pytest.approx(
        2.96
    )
    assert lines[features.SULPHUR_VACUUM[0]] / lines[features.SULPHUR_VACUUM[1]] == pytest.approx(
        1.4
    )
    flat = np.full(WAVE.size, 3.0)
    made = features.add_nebula(WAVE, flat, lines, 100.0)
    assert WAVE[made.argmax()] == pytest.approx(
        features.HALPHA_VACUUM * (1 + 100 / 299792.458), abs=0.4
    )
    cells = WAVE * 25.0 / 299792.458
    near = np.abs(WAVE - features.HALPHA_VACUUM) < 12
    assert ((made / flat - 1) * cells)[near].sum() == pytest.approx(2.0, rel=5e-3)


def test_extinction_is_the_published_law():
    # Cardelli et al. 1989, table 3, R_V = 3.1: U, B, V, R, I, J, K
    waves = np.array([3650.0, 4400.0, 5500.0, 7000.0, 9000.0, 12500.0, 22000.0])
    wanted = [1.569, 1.337, 1.000, 0.751, 0.479, 0.282, 0.114]
    np.testing.assert_allclose(dust.extinction(waves), wanted, atol=0.015)
    assert 3.0 < dust.extinction(np.array([2175.0]))[0] < 3.4  # the bump
    through = dust.transmission(waves, 0.2)
    np.testing.assert_allclose(through * dust.transmission(waves, -0.2), 1.0)
    assert -2.5 * np.log10(through[2]) == pytest.approx(0.62, abs=0.002)
    with pytest.raises(ValueError, match="1250"):
        dust.extinction(np.array([900.0]))
