"""Lab 7's recipe on real LAMOST spectra, held-out (needs shared/real).

Every figure is printed: ``pytest tests/real -k lamost -s``.  One seed by default, and one fold of
five is trained for and judged; with LABKIT_THOROUGH set, all folds and the median of five seeds,
as the figures of merit are meant.
"""

import functools

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from helpers import activity
from labkit import lab_source
from tests.tiers import THOROUGH

from .conftest import folds, real_file

SEEDS = range(5 if THOROUGH else 1)
JUDGED = 5 if THOROUGH else 1
STRENGTHS = (0.5, 1.0, 2.0, 3.0, 5.0)
#: trained here; at R = 250 the weights that the paper's authors published stand beside them
RECIPES = ("paper's", "lab's") if THOROUGH else ("lab's",)
#: what differs from the defaults of the lab's `train_vae`
PAPERS = {"epochs": 150, "batch": 64, "beta": 1.0, "dropout": 0.2, "activation": "prelu"}
LABS_1800 = {"epochs": 150, "batch": 64}


@functools.cache
def lab():
    """The lab's answers, and its story as far as the definition of `rms`."""
    story = lab_source.solved_namespace("07_activity", until="rms")
    return lab_source.solved_namespace("07_activity") | story


def grid(resolution):
    """Wavelengths of a network's inputs, Å."""
    return lab()["W250" if resolution == 250 else "W18"]


def flanks():
    """Where Equation 5 takes its continuum."""
    wave = grid(250)
    return ((wave >= 6500) & (wave < 6550)) | ((wave > 6575) & (wave <= 6625))


def settings(resolution, recipe, spectra):
    """What `train_vae` is told; for the lab's network at R = 250, what the lab itself tells it."""
    if recipe == "paper's":
        return PAPERS
    return lab()["recipe_250"](spectra) if resolution == 250 else LABS_1800


def propagated_error(spectra):
    """Errors on the R = 1800 grid: linear interpolation mixes two independent pixels."""
    made = []
    for error, z in zip(spectra.error, spectra.table["z"], strict=True):
        rest = spectra.wavelength / (1 + z)
        air = rest / activity.air_index(rest)
        left = np.searchsorted(air, grid(1800)) - 1
        share = (grid(1800) - air[left]) / (air[left + 1] - air[left])
        made.append(np.hypot((1 - share) * error[left], share * error[left + 1]))
    return np.array(made)


@pytest.fixture(scope="module")
def sample():
    """Good real spectra on both grids, and the noise to expect at R = 1800."""
    real = activity.read(real_file("lamost/dr10_afg_2330.npz"))
    wave = real.wavelength
    red = ((wave > 6000) & (wave < 7510)) | ((wave > 8378) & (wave < 8790))
    good = (real.table["snrg"] > 30) & (real.table["teff"] < 8500)
    good &= np.isinf(real.error[:, red]).mean(axis=1) < 0.05
    real = activity.Spectra(wave, real.flux[good], real.error[good], real.table[good])
    on_grid = lab()["on_grid"](real, real.flux)
    (narrow, level), (wide, median) = lab()["to_1800"](on_grid), lab()["to_250"](on_grid)
    noise = propagated_error(real)
    noise = np.where(np.isfinite(noise), noise / level, np.nan)
    flux = {1800: narrow / level, 250: wide / median}
    kept = np.isfinite(flux[250]).all(axis=1) & np.isfinite(flux[1800]).all(axis=1)
    kept &= (flux[250].min(axis=1) > 0) & (np.abs(flux[1800] - 1).max(axis=1) < 5)
    return {r: f[kept] for r, f in flux.items()}, noise[kept]


def outside(resolution):
    """Pixels away from active lines."""
    return lab()["OUTSIDE_250" if resolution == 250 else "OUTSIDE_18"]


def emission(resolution, width, spread=1.0):
    """A line of one Å, wider than the instrument's by `spread` Å."""
    sigma = np.hypot(features(resolution)["sigma"], spread)
    z = (grid(resolution) - activity.HALPHA) / sigma
    return width * np.exp(-0.5 * z**2) / (sigma * np.sqrt(2 * np.pi))


def with_emission(flux, resolution, width):
    """Spectra with a line of `width` Å, normalised again as they would have been."""
    if resolution == 1800:
        return flux + emission(1800, width)
    lit = flux + emission(250, width) * flux[:, flanks()].mean(axis=1, keepdims=True)
    return lit / np.median(lit[:, lab()["REFERENCE"]], axis=1, keepdims=True)


def equation_5(flux):
    """Equivalent width at R = 250."""
    return lab()["flanked_width"](grid(250), flux)


def measure(flux, template, resolution):
    """Residual rms outside lines and excess width of H alpha, both (n,)."""
    if resolution == 250:
        flux = lab()["corrected"](flux, template)
        excess = equation_5(flux) - equation_5(template)
    else:
        excess = lab()["excess_widths"](flux - template)[:, 0]
    return lab()["rms"](flux - template, outside(resolution)), excess


def usual(flux):
    """Nine in ten spectra: those that six components describe best."""
    scaled = (flux - flux.mean(axis=0)) / flux.std(axis=0)
    parts = np.linalg.svd(scaled, full_matrices=False)[2][:6]
    error = np.mean((scaled - scaled @ parts.T @ parts) ** 2, axis=1)
    return error <= np.quantile(error, 0.9)


def components(train, flux, count=4):
    """What principal components make of spectra."""
    mean, scale = train.mean(axis=0), train.std(axis=0)
    parts = np.linalg.svd((train - mean) / scale, full_matrices=False)[2][:count]
    return ((flux - mean) / scale) @ parts.T @ parts * scale + mean


def features(resolution):
    """Arguments of `augment`."""
    return lab()["WIDE" if resolution == 250 else "NARROW"]


def held_out(flux, resolution, recipe, seed):
    """Residual rms and excess widths (no emission, then each of STRENGTHS), held-out spectra."""
    errors, widths = [], []
    for fold in folds(len(flux), 100 + seed)[:JUDGED]:
        known, new = flux[~fold], flux[fold]
        known = known[usual(known)]
        if recipe == "4 components":
            answer = functools.partial(components, known)
        else:
            rows = np.arange(len(known))
            train, valid, mean, scale = lab()["training_sample"](
                known, np.ones(known.shape, bool), np.ones(len(known), bool), rows, seed
            )
            if resolution == 250 and recipe == "lab's":
                scale = lab()["one_scale"](scale)
            model = lab()["train_vae"](
                known[train], known[valid], mean, scale, features(resolution),
                seed=seed, **settings(resolution, recipe, len(train)),
            )  # fmt: skip
            answer = functools.partial(lambda m, x: lab()["templates"](m, x)[0], model)
        error, quiet = measure(new, answer(new), resolution)
        lit = [with_emission(new, resolution, strength) for strength in STRENGTHS]
        errors.append(error)
        widths.append([quiet] + [measure(x, answer(x), resolution)[1] for x in lit])
    return np.concatenate(errors), np.concatenate(widths, axis=1)


def summary(error, width, caught=1.0):
    """Median rms; slope of recovered against injected; scatter at zero over that slope, Å."""
    gain = np.median(width[1:] - width[0], axis=1) / caught
    slope = np.polyfit([0.0, *STRENGTHS], [0.0, *gain], 1)[0]
    scatter = 1.4826 * np.median(np.abs(width[0] - np.median(width[0]))) / caught
    return np.median(error), slope, scatter / slope


@functools.cache
def caught_at_250():
    """Share of a line that Equation 5 catches of a flat spectrum."""
    return float(equation_5(1 + 0.1 * emission(250, 1.0)[None])[0] / 0.1)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(
            1800,
            id="R1800",
            marks=pytest.mark.skipif(not THOROUGH, reason="trains for minutes: LABKIT_THOROUGH"),
        ),
        pytest.param(250, id="R250"),
    ],
)
def rows(request, sample):
    """Figures of every recipe on the same held-out spectra."""
    flux, noise = sample
    resolution = request.param
    caught = caught_at_250() if resolution == 250 else 1.0
    made = {}
    for recipe in ("4 components", *RECIPES):
        # components need no seed but that of the folds
        seeds = SEEDS if recipe in RECIPES else (0,)
        each = [summary(*held_out(flux[resolution], resolution, recipe, s), caught) for s in seeds]
        made[recipe] = np.median(each, axis=0)
    print(f"\nreal LAMOST DR10, {len(flux[resolution])} spectra, {len(SEEDS)} seed(s), held out:")
    if resolution == 1800:
        floor = np.sqrt(np.median(np.nanmean(noise[:, outside(1800)] ** 2, axis=1)))
        print(f"  noise, propagated          rms {floor:.4f}")
    else:
        model = dict(np.load(real_file("lamost/vae_R250_published_weights.npz")))
        # the same spectra as the others are judged by: its authors trained it on other stars
        judged = np.any(folds(len(flux[250]), 100)[:JUDGED], axis=0)
        new = flux[250][judged]
        error, width = measure(new, lab()["templates"](model, new)[0], 250)
        lit = [with_emission(new, 250, s) for s in STRENGTHS]
        width = [width] + [measure(x, lab()["templates"](model, x)[0], 250)[1] for x in lit]
        made = {"published weights": summary(error, np.array(width), caught_at_250()), **made}
    for recipe, (error, slope, scatter) in made.items():
        print(f"  {recipe:18s} rms {error:.4f}, slope {slope:.3f}, scatter/slope {scatter:.3f} A")
    return resolution, made


def test_lamost_templates_fit_unseen_spectra(rows):
    resolution, made = rows
    assert made["lab's"][0] <= {1800: 0.0100, 250: 0.0044}[resolution]
    other = "published weights" if resolution == 250 else "paper's"
    assert made["lab's"][0] < made[other][0]


def test_lamost_emission_is_recovered(rows):
    """Aim of the scatter at R = 1800: 0.19 A, missed."""
    resolution, made = rows
    _, slope, scatter = made["lab's"]
    if resolution == 1800:
        assert 0.97 <= slope <= 1.03
        assert scatter <= 0.24
        # components absorb what they should leave
        assert made["4 components"][1] < 0.93
    else:
        assert 0.95 <= slope <= 1.05
        assert scatter <= 0.35
        assert scatter < made["published weights"][2]


def test_lamost_table_of_the_lab_says_what_is_measured(rows):
    """The rows of real spectra in lab 7's Section 7, of one seed and one fold."""
    resolution, made = rows
    if resolution != 250 or THOROUGH:
        pytest.skip("the table is of R = 250, one seed and one fold: without LABKIT_THOROUGH")
    text = lab_source.script("07_activity").read_text(encoding="utf-8")
    for label, name in (
        ("the same recipe", "lab's"),
        ("the authors' network", "published weights"),
    ):
        line = next(x for x in text.splitlines() if x.startswith(f"# | real, {label} |"))
        said = [float(x) for x in line.split("|")[2:5]]
        np.testing.assert_allclose(made[name], said, rtol=0.1, err_msg=line)


def test_lamost_published_weights_answer_as_published(sample):
    """The lab's `templates` reads the authors' own network: 0.0105 with flags bridged."""
    flux = sample[0][250]
    model = dict(np.load(real_file("lamost/vae_R250_published_weights.npz")))
    error, _ = measure(flux, lab()["templates"](model, flux)[0], 250)
    print(f"\npublished R = 250 weights on {len(flux)} real spectra: rms {np.median(error):.4f}")
    assert np.median(error) == pytest.approx(0.0105, abs=0.0007)


def test_lamost_files_of_both_layouts_are_read():
    folder = real_file("lamost/fits")
    stacks = [activity.read(path) for path in sorted(folder.glob("spec-*.fits*"))]
    assert len(stacks) == 10
    for stack in stacks:
        assert 5900 <= stack.wavelength[0] < stack.wavelength[-1] <= 8870
        seen = np.isfinite(stack.error)
        snr = np.median(stack.flux[seen] / stack.error[seen])
        assert snr == pytest.approx(max(stack.table["snrr"][0], stack.table["snri"][0]), rel=0.5)
    print(f"\n{len(stacks)} files of LAMOST as published are read")


def test_lamost_latent_numbers_of_the_published_network(sample):
    """The table of the lab's exercise on latent numbers that say nothing."""
    model = dict(np.load(real_file("lamost/vae_R250_published_weights.npz")))
    flux = sample[0][250]

    def linear(x, name):
        return x @ model[f"{name}.weight"].T + model[f"{name}.bias"]

    def half(x, name):
        for k in (0, 3, 6):
            x = linear(x, f"{name}.{k}")
            x = np.where(x >= 0, x, model[f"{name}.{k + 1}.weight"] * x)
        return x

    hidden = half((flux - model["scaler_mean"]) / model["scaler_scale"], "encoder")
    mean, variance = linear(hidden, "hidden2mu"), np.exp(linear(hidden, "hidden2log_var"))
    made = linear(half(mean, "decoder"), "decoder.9")
    moved = [linear(half(mean + step, "decoder"), "decoder.9") for step in 0.01 * np.eye(4)]
    slopes = [(other - made) / 0.01 for other in moved]
    found = np.array(
        [
            mean.std(axis=0),
            np.median(variance, axis=0),
            [np.median((slope**2).sum(axis=1)) for slope in slopes],
        ]
    ).T
    print(f"\nlatent numbers on {len(flux)} real spectra: spread of means, variance, S\n{found}")
    table = lab_source.script("07_activity").read_text().split("latent number | standard")[1]
    rows = [line.split("|")[2:5] for line in table.split("\n")[2:6]]
    np.testing.assert_allclose(found, np.array(rows, dtype=float), rtol=0.1)


def test_lamost_active_m_dwarf_is_flagged():
    """A real M4 dwarf in emission, seen by a network of cool simulated stars without it."""
    path = real_file("lamost/fits/spec-55863-M31_011N40_B1_sp08-093.fits.gz")
    with fits.open(path) as file:
        flux, ivar, wave = (file[0].data[k].astype(float) for k in range(3))
        z = float(file[0].header["Z"])
    cool = np.flatnonzero((lab()["teff"] < 4600) & (lab()["snr"] > 25))
    narrow = lab()["s18"][cool]
    quiet = lab()["quiet_stars"](lab()["teff"][cool], lab()["plain_width"][cool], hot=90.0)
    quiet &= np.abs(narrow - 1).max(axis=1) < 5
    train, valid, mean, scale = lab()["training_sample"](
        narrow, lab()["good18"][cool], quiet, np.arange(len(cool))
    )
    model = lab()["train_vae"](
        narrow[train], narrow[valid], mean, scale, features(1800), epochs=25, batch=64
    )
    error = np.where(ivar > 0, 1.0, np.inf)
    assert z == -9999  # the pipeline gives M dwarfs no velocity
    grid = np.arange(6600.0, 7150.0)
    k2 = lab()["k2"]
    dwarfs = np.flatnonzero((lab()["teff"] < 4000) & (lab()["snr"] > 25))
    known = activity.Spectra(k2.wavelength, k2.flux[dwarfs], k2.error[dwarfs], k2.table[dwarfs])
    red = lab()["on_grid"](known, known.flux)[:, np.searchsorted(lab()["RED"], grid)]
    pattern = np.median(red / red.mean(axis=1, keepdims=True), axis=0)
    z = lab()["redshift"](wave, flux, error, pattern, grid, np.arange(-10, 11) * 2e-4)
    one = activity.Spectra(wave, flux[None], error[None], Table({"z": [z]}))
    real, _ = lab()["prepared"](one, one.flux)
    rms, halpha = (x[0] for x in measure(real, lab()["templates"](model, real)[0], 1800))
    # the centre of its emission says the same; at R = 1800 a pixel is 69 km/s wide
    air = wave / activity.air_index(wave)
    near = np.abs(air - activity.HALPHA) < 6
    light = flux[near] - np.percentile(flux[np.abs(air - activity.HALPHA) < 20], 30)
    emission_at = (light * air[near]).sum() / light.sum() / activity.HALPHA - 1
    print(f"\nreal M4 dwarf: {z * 299_792.458:.0f} km/s by cross-correlation, ", end="")
    print(f"{emission_at * 299_792.458:.0f} km/s by the centre of its H alpha")
    print(f"residual width of H alpha {halpha:.2f} A, rms {rms:.3f}")
    assert abs(z - emission_at) * 299_792.458 < 50
    assert halpha > 1
    assert halpha == pytest.approx(5.7, rel=0.35)
