"""Physics of the gas, its layers, its lines: limits that hold whatever the details."""

import numpy as np
import pytest

from skysim.physics import atmosphere, lines, opacity
from skysim.physics.constants import ATOMIC_MASS, BOLTZMANN, EV
from skysim.physics.gas import ELEMENTS, SYMBOLS, abundances, dissociation, state
from skysim.physics.transfer import emergent_flux
from skysim.spectra.h_band import (
    FINE_SIZE,
    KM_S,
    OVERSAMPLE,
    Synthesizer,
    mixture,
    rotate,
    sample,
    smooth_gaussian,
    wavelength_grid,
)
from skysim.stars.labels import Labels
from surveys.formats.apogee_pixels import LOG_WAVELENGTH_STEP

GIANT = Labels(4600.0, 2.2, -0.2, 0.05, 0.2, 0.05)
SOLAR = abundances(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
STARS = [
    (3000.0, 5.0, 0.0),
    (3600.0, 0.5, 0.3),
    (4500.0, 2.0, -2.5),
    (5777.0, 4.44, 0.0),
    (9750.0, 4.0, 0.0),
]


def gas(temperature, pressure, mix=SOLAR):
    return state(np.array([temperature]), np.array([pressure]), mix)


@pytest.mark.parametrize(("teff", "logg", "fe_h"), STARS)
def test_layers_are_in_hydrostatic_equilibrium(teff, logg, fe_h):
    layers = atmosphere.atmosphere(teff, logg, abundances(fe_h, 0, 0, 0, 0, 0))
    # dP/dln tau = g tau / kappa, with kappa worked out again and the trapezium rule.
    push = 10.0**logg * layers.tau / opacity.rosseland(layers.gas)
    weight = 0.5 * (push[1:] + push[:-1]) * np.diff(np.log(layers.tau))
    pressure = layers.gas.pressure
    np.testing.assert_allclose(pressure[1:], pressure[0] + np.cumsum(weight), rtol=1e-3)
    assert (np.diff(pressure) > 0).all()


@pytest.mark.parametrize(("teff", "logg", "fe_h"), STARS)
def test_gas_is_neutral_and_fills_its_pressure(teff, logg, fe_h):
    g = atmosphere.atmosphere(teff, logg, abundances(fe_h, 0, 0, 0, 0, 0)).gas
    charge = g.ionised.sum(axis=0)  # doubly ionised metals matter nowhere cool
    low = g.temperature < 7000
    np.testing.assert_allclose(charge[low], g.electrons[low], rtol=0.02)
    total = g.neutral.sum(axis=0) + charge + g.electrons + sum(g.molecules.values())
    np.testing.assert_allclose(
        total[low] * BOLTZMANN * g.temperature[low], g.pressure[low], rtol=0.01
    )


def test_ionisation_follows_the_saha_equation():
    sodium, hydrogen, helium = (SYMBOLS.index(s) for s in ("Na", "H", "He"))
    cool, hot = gas(2000.0, 1e5), gas(12000.0, 1e2)
    assert cool.ionised[sodium] < 0.05 * cool.neutral[sodium]
    assert hot.neutral[hydrogen] < 0.01 * hot.ionised[hydrogen]
    assert hot.neutral[helium] > 10 * hot.ionised[helium]

    # Pure Saha: n+ ne / n0 depends on temperature alone, ln of it falls by chi/k per 1/T.
    def product(t, p, i):
        g = gas(t, p)
        return float(g.ionised[i, 0] * g.electrons[0] / g.neutral[i, 0])

    assert product(5000.0, 1e3, sodium) == pytest.approx(product(5000.0, 1e5, sodium), rel=1e-6)
    t1, t2 = 5000.0, 5010.0
    weight = ELEMENTS["Na"].slope
    slope = np.log(
        product(t2, 1e4, sodium) / product(t1, 1e4, sodium) * (t1 / t2) ** (1.5 - weight)
    )
    energy = slope / (1 / t1 - 1 / t2) * BOLTZMANN / EV
    assert energy == pytest.approx(ELEMENTS["Na"].ionisation_ev, rel=1e-3)


def test_hydrogen_turns_into_molecules_when_cool_and_dense():
    cool, warm = gas(2500.0, 1e6), gas(5000.0, 1e4)
    assert cool.molecules["H2"] > 0.9 * (cool.molecules["H2"] + cool.hydrogen)
    assert warm.molecules["H2"] < 1e-2 * warm.hydrogen


@pytest.mark.parametrize("carbon", [-0.6, 0.0, 0.6])
def test_scarcer_of_carbon_and_oxygen_ends_in_co(carbon):
    mix = abundances(0.0, 0.0, 0.0, 0.0, carbon, 0.0)
    g = gas(2600.0, 1e4, mix)
    i, j = SYMBOLS.index("C"), SYMBOLS.index("O")
    nuclei = g.density / (mix @ np.array([e.mass for e in ELEMENTS.values()])) / ATOMIC_MASS
    scarcer = min(mix[i], mix[j]) * nuclei
    assert g.molecules["CO"] / scarcer == pytest.approx(1.0, abs=0.02)
    # Every nucleus is counted once, and mass action holds exactly.
    oxygen = (
        g.neutral[j] + g.ionised[j] + g.molecules["CO"] + g.molecules["OH"] + g.molecules["H2O"]
    )
    assert oxygen / (mix[j] * nuclei) == pytest.approx(1.0, rel=1e-3)
    law = dissociation("CO", g.temperature) * g.neutral[i] * g.neutral[j]
    assert g.molecules["CO"] / law == pytest.approx(1.0, rel=1e-6)


def test_grey_law_has_its_known_ends():
    tau = np.array([0.0, 2.0 / 3.0, 1e3])
    t = atmosphere.temperature_law(tau, 1.0)
    assert t[0] == pytest.approx(0.8112, abs=1e-3)  # (sqrt(3)/4)^(1/4)
    assert t[1] == pytest.approx(1.0, abs=0.01)
    assert t[2] == pytest.approx((0.75 * (1e3 + 0.7104)) ** 0.25, rel=1e-4)


def test_h_minus_has_its_minimum_near_1_6_micron_and_no_seam():
    grid = np.linspace(10000, 20000, 241)
    cross = opacity.h_minus(grid, 5040.0)[:, 0]
    assert 15900 < grid[np.argmin(cross)] < 16900
    # John 1988 at 5040 K: 1.2e-26 cm4/dyn is the right order at the minimum.
    assert 0.5e-26 < cross.min() < 2e-26
    left, right = opacity.h_minus(np.array([3644.9, 3645.1]), 5040.0)[:, 0]
    assert left == pytest.approx(right, rel=0.01)
    assert opacity.h_minus(np.array([2000.0]), 4000.0)[0, 0] > 0


def test_hydrogen_takes_over_from_h_minus_in_hot_stars():
    for teff, wins in ((4500.0, False), (9750.0, True)):
        layers = atmosphere.atmosphere(teff, 4.0, SOLAR)
        k = int(np.argmin(np.abs(layers.tau - 1.0)))
        grid = np.array([3500.0, 5000.0, 16000.0])
        share = opacity.hydrogen(grid, layers.gas)[:, k] / opacity.continuum(grid, layers.gas)[:, k]
        assert (share[0] > 0.5) == wins
        # The Balmer jump: bluewards of it hydrogen absorbs more (near it levels dissolve).
        edge = opacity.hydrogen(np.array([3640.0, 4000.0]), layers.gas)[:, k]
        assert edge[0] > edge[1]


def test_scattering_is_thomson_without_hydrogen_atoms():
    hot = gas(20000.0, 1.0)
    assert opacity.scattering(np.array([16000.0]), hot)[0, 0] == pytest.approx(
        6.652e-25 * hot.electrons[0], rel=1e-3
    )


def test_flux_of_an_isothermal_stack_is_its_source_function():
    depth = np.log(10.0**atmosphere.LOG_TAU)
    shape = (depth.size, 5)
    flux = emergent_flux(np.full(shape, 1.7), np.full(shape, 3.0), depth)
    np.testing.assert_allclose(flux, 3.0, rtol=1e-4)


def test_flux_of_a_linear_source_is_its_value_at_two_thirds():
    depth = np.log(10.0 ** np.linspace(-5, 1.8, 200))
    tau = np.exp(depth)
    source = (1.0 + 2.0 * tau)[:, None]  # Eddington-Barbier is exact here
    flux = emergent_flux(np.ones((tau.size, 1)), source, depth)
    assert flux[0] == pytest.approx(1.0 + 2.0 * 2.0 / 3.0, rel=5e-3)


def one_line(log_gf, log_c6=-31.0, species="Fe I", excitation=5.5):
    """Equivalent width (A) of a line alone at 16000 A in the giant."""
    index = np.array([lines.SPECIES.index(species)])
    line = lines.LineList(
        np.array([16000.0]), index, np.array([excitation]), 10.0 ** np.array([log_gf]),
        10.0 ** np.array([log_c6]),
    )  # fmt: skip
    flux, _ = Synthesizer(line).raw_flux(GIANT)
    middle = slice(
        FINE_SIZE // 4, 3 * FINE_SIZE // 4
    )  # clear of the ends, no Brackett line in a giant
    step = LOG_WAVELENGTH_STEP / OVERSAMPLE * np.log(10.0) * 16000.0
    clean, _ = Synthesizer(line.pick(np.zeros(1, bool))).raw_flux(GIANT)
    return float((clean - flux)[middle].sum() * step)


def test_curve_of_growth_is_linear_then_flat_then_damped():
    def slope(log_gf, log_c6):
        return np.log10(one_line(log_gf + 0.1, log_c6) / one_line(log_gf - 0.1, log_c6)) / 0.2

    assert slope(-3.5, -31.0) == pytest.approx(1.0, abs=0.05)
    assert slope(0.3, -33.0) < 0.35
    assert slope(4.5, -29.0) == pytest.approx(0.5, abs=0.06)


def test_collisions_broaden_strong_lines_only():
    assert one_line(1.5, -29.0) > 1.3 * one_line(1.5, -33.0)
    assert one_line(-3.5, -29.0) == pytest.approx(one_line(-3.5, -33.0), rel=0.05)


def strength(synthesizer, labels, wavelength, half_width=0.9):
    grid = wavelength_grid()
    near = np.abs(grid - wavelength) < half_width
    return float(np.trapezoid(1.0 - synthesizer.spectrum(labels)[near], grid[near]))


# Vacuum wavelengths of clean features (A): two Fe I, Mg I, Si I, heads of CO 6-3 and 8-5.
@pytest.mark.parametrize(
    ("name", "wavelength", "half_width", "teff_sign", "logg_sign"),
    [
        ("Fe I", 15211.7, 0.9, -1, None),
        ("Fe I", 15298.7, 0.9, -1, +1),
        ("Mg I", 15753.3, 1.5, -1, +1),
        ("Si I", 15964.4, 1.2, -1, +1),
        ("CO 6-3", 16195.0, 6.0, -1, -1),
        ("CO 8-5", 16620.0, 6.0, -1, -1),
    ],
)
def test_responses_have_the_right_sign(
    synthesizer, name, wavelength, half_width, teff_sign, logg_sign
):
    """Cooler: neutral metals and molecules stronger.  Higher gravity: molecules weaker in giants
    against the growing H-minus opacity with carbon as it is, strong lines of metals stronger by
    their pressure wings.  A Cannon trained on real giants has all these signs."""

    def change(**step):
        ((key, size),) = step.items()
        up, down = (
            strength(
                synthesizer, GIANT.changed(**{key: getattr(GIANT, key) + s}), wavelength, half_width
            )
            for s in (size, -size)
        )
        return (up - down) / (0.5 * (up + down))

    assert change(fe_h=0.15) > 0.01
    if teff_sign:
        assert np.sign(change(teff=100.0)) == teff_sign, name
    if logg_sign:
        assert np.sign(change(logg=0.3)) == logg_sign, name


def test_carbon_monoxide_follows_alpha_because_oxygen_and_carbon_do(synthesizer):
    more = GIANT.changed(alpha_fe=GIANT.alpha_fe + 0.2)
    assert strength(synthesizer, more, 16195.0, 6.0) > 1.1 * strength(
        synthesizer, GIANT, 16195.0, 6.0
    )
    low, high = mixture(GIANT), mixture(more)
    carbon = SYMBOLS.index("C")
    assert np.log10(high[carbon] / low[carbon]) == pytest.approx(0.2, abs=1e-3)


def test_molecules_are_where_the_laboratory_puts_them():
    # Vacuum wavelengths of strong lines: OH 3-1 P1e 9.5 region pair, CN band heads keep out.
    oh = lines.hydroxyl()
    for wavelength in (15149.9, 15152.1, 16194.9):
        assert np.abs(oh.wavelength - wavelength).min() < 0.8
    assert 200 < len(oh) < 1000
    cn = lines.cyanogen()
    assert 800 < len(cn) < 3000
    for molecule in (oh, cn):
        assert (np.diff(molecule.wavelength) >= 0).all()
        assert (molecule.excitation >= 0).all()


def test_honl_london_factors_obey_the_sum_rule():
    """Summed over everything it can reach, a level's transition probability is its weight."""
    for omega, turn in ((0.5, 0), (1.5, 0), (0.5, 1), (-0.5, 1)):
        for j in (2.5, 7.5, 30.5):
            total = sum(
                lines.direction_cosine(np.array([j]), np.array([step]), omega, turn)[0] ** 2
                for step in (-1, 0, 1)
            )
            assert total == pytest.approx(1.0, abs=1e-12)


def test_a_pi_state_is_hunds_case_a_at_low_j_and_b_at_high_j():
    constants = {
        "T": 0.0,
        "B": 18.0,
        "D": 0.0,
        "H": 0.0,
        "A": -140.0,
        "AD": 0.0,
        "p": 0.0,
        "q": 0.0,
    }
    constants = {k: (v,) for k, v in constants.items()}

    def gap(j):
        energy = [
            pi[0] for pi in (
                lines.pi_levels(constants, np.zeros(1), np.array([j]), np.ones(1), np.array([r]))[0]
                for r in (0, 1)
            )
        ]  # fmt: skip
        return energy[1] - energy[0]

    # Case (a): split by spin-orbit, A plus two B; case (b): neighbours in N, 4 B N apart.
    assert gap(1.5) == pytest.approx(np.hypot(140.0 + 2 * 18.0, 2 * 18.0 * np.sqrt(3.0)), rel=0.05)
    assert gap(200.5) == pytest.approx(2 * 18.0 * 201.0, rel=0.01)


def test_convolution_conserves_flux():
    flux = np.ones(4000)
    flux[1900:2100] -= np.hanning(200) * 0.6
    for blurred in (smooth_gaussian(flux, 9.0), rotate(flux, 12.3), rotate(flux, 0.4)):
        assert np.sum(1 - blurred) == pytest.approx(np.sum(1 - flux), rel=1e-6)
    assert rotate(flux, 60.0).min() > flux.min()


def test_rotation_of_a_spike_is_as_wide_as_v_sin_i():
    flux = np.ones(401)
    flux[200] = 0.0
    deep = 1 - rotate(flux, 40.0)
    assert 38 <= np.flatnonzero(deep > 1e-5).max() - 200 <= 41
    np.testing.assert_allclose(deep, deep[::-1], atol=1e-12)


def test_velocity_is_small_change_of_a_fine_spectrum(synthesizer):
    fine = synthesizer.fine_spectrum(GIANT)
    there = sample(fine, 30.0)
    back = np.interp(wavelength_grid(), wavelength_grid() / (1 + 30.0 / KM_S), there)
    assert np.std((back - sample(fine))[100:-100]) < 0.01
