"""First physics of the spectral model: positions, signs and limits."""

import numpy as np
import pytest

from helpers.mock import atmosphere, lines
from helpers.mock.synthesis import (
    KM_S,
    LOG_STEP,
    N_PIXELS,
    Labels,
    Synthesizer,
    sample,
    wavelength_grid,
)

GIANT = Labels(4600.0, 2.2, -0.2, 0.05, 0.2, 0.05)


def depth(synthesizer, labels, wavelength, half_width=0.9):
    """Equivalent width (A) of what lies within half_width of a vacuum wavelength."""
    grid = wavelength_grid()
    near = np.abs(grid - wavelength) < half_width
    return float(np.trapezoid(1.0 - synthesizer.spectrum(labels)[near], grid[near]))


def strongest(species, number=3):
    """Wavelengths of the strongest lines of a species in a giant."""
    table = lines.h_band()
    mine = table.species == lines.SPECIES.index(species)
    weight = np.where(mine, table.strength * np.exp(-table.excitation / 0.37), 0.0)
    inside = (table.wavelength > 15160) & (table.wavelength < 16940)
    return table.wavelength[np.argsort(-weight * inside)[:number]]


def test_line_list_is_compact_and_inside_the_band():
    table = lines.table_lines()
    assert len(table) <= 400
    assert table.wavelength.min() > 15100
    assert table.wavelength.max() < 17000
    present = {lines.SPECIES[i] for i in table.species}
    assert {"Fe I", "Mg I", "Si I", "Al I", "Ca I", "Ti I", "Ni I", "OH", "CN"} <= present


def test_magnesium_line_is_where_the_laboratory_puts_it(synthesizer):
    # Mg I 15753.3 A in vacuum is among the strongest lines of every giant (NIST ASD).
    grid = wavelength_grid()
    flux = synthesizer.spectrum(GIANT)
    near = np.abs(grid - 15753.3) < 1.5
    assert grid[near][np.argmin(flux[near])] == pytest.approx(15753.3, abs=0.25)


def test_each_element_answers_to_its_own_abundance(synthesizer):
    for element, label in (("Mg I", "mg_fe"), ("Si I", "si_fe")):
        other = "si_fe" if label == "mg_fe" else "mg_fe"
        for wavelength in strongest(element):
            base = depth(synthesizer, GIANT, wavelength)
            up = depth(
                synthesizer, GIANT.changed(**{label: getattr(GIANT, label) + 0.3}), wavelength
            )
            aside = depth(
                synthesizer, GIANT.changed(**{other: getattr(GIANT, other) + 0.3}), wavelength
            )
            assert up > base * 1.03
            # The other is an electron donor: it raises the continuous opacity a little.
            assert aside < base
            assert base - aside < 0.5 * (up - base)


def test_lines_weaken_with_metallicity(synthesizer):
    rich = synthesizer.spectrum(GIANT)
    poor = synthesizer.spectrum(GIANT.changed(fe_h=-1.2))
    assert (1 - poor).mean() < 0.75 * (1 - rich).mean()


def test_carbon_monoxide_deepens_in_cool_stars(synthesizer):
    # Head of the 6-3 band at 16189 A in vacuum.
    widths = [
        depth(synthesizer, GIANT.changed(teff=t), 16195.0, 6.0) for t in (5000.0, 4500.0, 4000.0)
    ]
    assert widths[0] < widths[1] < widths[2]


def test_carbon_monoxide_band_heads():
    table = lines.carbon_monoxide()
    # Vacuum heads of 3-0, 4-1, 5-2 and 6-3: lines crowd just above a head, few lie below.
    for head in (15581.6, 15779.8, 15982.0, 16189.0):
        above = np.sum((table.wavelength > head - 0.3) & (table.wavelength < head + 3))
        below = np.sum((table.wavelength > head - 3.6) & (table.wavelength < head - 0.3))
        assert above >= 7, head
        assert above > 2 * below, head


def test_hydrogen_shows_in_hot_dwarfs_not_in_giants(synthesizer):
    br11 = 16811.1
    hot = depth(synthesizer, Labels(6500.0, 4.3, -0.5), br11, 6.0)
    cool = depth(synthesizer, Labels(4300.0, 1.5, -2.0), br11, 6.0)
    assert hot > 4 * max(cool, 0.01)


def test_brackett_wavelengths():
    upper, wavelength, _ = lines.brackett()
    assert wavelength[upper == 11] == pytest.approx(16811.1, abs=0.5)
    assert wavelength[upper == 14] == pytest.approx(15884.9, abs=0.5)


def test_saturation_bounds_the_flux(synthesizer):
    for teff, logg in ((3700.0, 0.8), (4600.0, 2.3), (5500.0, 3.5), (6500.0, 4.4)):
        flux = synthesizer.spectrum(Labels(teff, logg, 0.4, 0.4, 0.6))
        assert flux.shape == (N_PIXELS,)
        assert np.isfinite(flux).all()
        assert flux.max() <= 1.0 + 1e-9
        assert flux.min() > 0.3


def test_a_velocity_moves_the_spectrum_by_whole_pixels(synthesizer):
    fine = synthesizer.fine_spectrum(GIANT)
    velocity = KM_S * (10 ** (5 * LOG_STEP) - 1)
    rest, moved = sample(fine), sample(fine, velocity)
    np.testing.assert_allclose(moved[5:], rest[:-5], atol=1e-7)
    with pytest.raises(ValueError, match="leaves the computed range"):
        sample(fine, 5000.0)


def test_smoothing_conserves_equivalent_width(synthesizer):
    narrow = synthesizer.fine_spectrum(GIANT.changed(broadening=0.0))
    broad = synthesizer.fine_spectrum(GIANT.changed(broadening=25.0))
    assert np.sum(1 - broad) == pytest.approx(np.sum(1 - narrow), rel=2e-3)


def test_a_weak_line_grows_in_proportion_to_its_strength():
    def one_line(log_gf):
        line = lines.LineList(
            np.array([16000.0]), np.array([lines.SPECIES.index("Fe I")]), np.array([5.5]),
            np.array([10.0**log_gf]), np.array([1e-31]),
        )  # fmt: skip
        lonely = Synthesizer(line)
        return float(np.sum(lonely.line_opacity(GIANT)[0])), depth(lonely, GIANT, 16000.0, 2.0)

    weak, double = one_line(-4.0)[1], one_line(-4.0 + np.log10(2))[1]
    assert double / weak == pytest.approx(2.0, rel=0.05)
    assert one_line(-0.5)[1] / one_line(-0.8)[1] < 1.6  # the flat part


def test_layer_obeys_saha_and_balances_charge():
    mix = atmosphere.abundances(0.0, 0.0, 0.0, 0.0, -0.2, 0.3)
    layer = atmosphere.line_layer(4500.0, 2.0, mix)
    weights = atmosphere.partition_functions(layer.temperature)
    ions = np.array([e.ion_weight for e in atmosphere.ELEMENTS.values()])
    electrons = float((layer.ionised * ions).sum())
    # Carbon, nitrogen and oxygen in molecules give no electrons; they are scarce donors.
    assert electrons == pytest.approx(layer.electrons, rel=0.02)
    iron = atmosphere.SYMBOLS.index("Fe")
    carbon = atmosphere.SYMBOLS.index("C")
    ratio = layer.ionised[iron] * ions[iron] / (layer.neutral[iron] * weights[iron])
    assert ratio > 1.5  # iron is mostly ionised in a red giant's photosphere
    assert layer.ionised[carbon] * ions[carbon] < layer.neutral[carbon] * weights[carbon]


def test_pressure_rises_with_gravity():
    mix = atmosphere.abundances(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    low, high = (atmosphere.line_layer(4800.0, g, mix).pressure for g in (1.5, 3.5))
    assert 8 < high / low < 60


def test_h_minus_has_its_minimum_near_1_6_micron():
    grid = np.linspace(10000, 22000, 241)
    opacity = atmosphere.h_minus(grid, 5040.0)
    assert 15900 < grid[np.argmin(opacity)] < 16900
    # John 1988 at 5040 K: 1.2e-26 cm4/dyn is the right order at the minimum.
    assert 0.5e-26 < opacity.min() < 2e-26
