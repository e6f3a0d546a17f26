"""First physics of the spectral model: positions, signs and limits."""

import numpy as np
import pytest

from skysim.physics import lines
from skysim.spectra.h_band import KM_S, sample, wavelength_grid
from skysim.stars.labels import Labels
from surveys.formats.apogee_pixels import LOG_WAVELENGTH_STEP, N_PIXELS

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
    assert len(table) <= 500
    assert table.wavelength.min() > 15100
    assert table.wavelength.max() < 17000
    present = {lines.SPECIES[i] for i in table.species}
    assert {"Fe I", "Mg I", "Si I", "Al I", "Ca I", "Ti I", "Ni I", "K I", "Mn I"} <= present
    assert not {"CO", "OH", "CN"} & present  # molecules come from formulae


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


def test_hydrogen_grows_with_temperature(synthesizer):
    # Real giants show Brackett 11 too (in the mean APOGEE giant at 4500 K it is 0.09 deep).
    br11 = 16811.1
    widths = [
        depth(synthesizer, Labels(t, g, -1.0), br11, 8.0)
        for t, g in ((4000.0, 1.5), (5000.0, 2.8), (6500.0, 4.3), (9000.0, 4.0))
    ]
    assert widths[0] < 0.5 * widths[2]
    assert widths[0] < widths[1] < widths[2] < widths[3]


def test_brackett_lines_have_laboratory_wavelengths():
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
    velocity = KM_S * (10 ** (5 * LOG_WAVELENGTH_STEP) - 1)
    rest, moved = sample(fine), sample(fine, velocity)
    np.testing.assert_allclose(moved[5:], rest[:-5], atol=1e-7)
    with pytest.raises(ValueError, match="leaves the computed range"):
        sample(fine, 5000.0)


def test_smoothing_conserves_equivalent_width(synthesizer):
    narrow = synthesizer.fine_spectrum(GIANT.changed(broadening=0.0))
    broad = synthesizer.fine_spectrum(GIANT.changed(broadening=25.0))
    assert np.sum(1 - broad) == pytest.approx(np.sum(1 - narrow), rel=2e-3)
