"""Lab 7's recipe on real LAMOST spectra, held-out (needs shared/real).

Every figure is printed: ``pytest tests/real -k lamost -s``.  One seed by default, and two folds of
five are trained for and judged; with LABKIT_THOROUGH set, all folds and the median of five seeds,
as the figures of merit are meant.
"""

import functools
import os

import numpy as np
import pytest
from astropy.io import fits

from helpers import activity, archive
from helpers.course import source

from .conftest import folds, real_file

THOROUGH = "LABKIT_THOROUGH" in os.environ
SEEDS = range(5 if THOROUGH else 1)
JUDGED = 5 if THOROUGH else 2
LINEAR, CALCIUM = np.arange(5930.0, 7580.0), np.arange(8381.0, 8781.0)
W18 = np.concatenate([np.arange(6371.0, 6771.0), CALCIUM])
W250 = np.arange(6005.0, 7501.0, 5.0)
FWHM = {1800: 5500 / 1800, 250: 5500 / 250}
GRID = {1800: W18, 250: W250}
#: where Equation 5 takes its continuum
FLANKS = ((W250 >= 6500) & (W250 < 6550)) | ((W250 > 6575) & (W250 <= 6625))
STRENGTHS = (0.5, 1.0, 2.0, 3.0, 5.0)
#: what `train_vae` is told; real spectra at R = 250 are too few for eight latent numbers
RECIPES = {
    "paper's": {"beta": 1.0, "dropout": 0.2, "activation": "prelu"},
    "lab's": {"beta": 0.1},
}


@functools.cache
def lab():
    return source.solved_namespace("07_activity")


def on_grids(wavelength, flux, error, z):
    """Inputs of both networks and the level each was divided by, of real spectra."""
    red = np.concatenate([LINEAR, CALCIUM])
    rows = zip(flux, error, z, strict=True)
    red = np.array([lab()["at_rest"](wavelength, f, e, v, red) for f, e, v in rows])
    windows = red[:, 441:841], red[:, LINEAR.size :]
    level = np.hstack([lab()["continuum"](w) for w in windows])
    wide = lab()["degrade"](red[:, : LINEAR.size], 1.0, FWHM[1800], FWHM[250])
    wide = wide[:, np.searchsorted(LINEAR, W250)]
    median = np.median(wide[:, (W250 >= 6500) & (W250 <= 6550)], axis=1, keepdims=True)
    return {1800: np.hstack(windows), 250: wide}, {1800: level, 250: median}


def propagated_error(wavelength, error, z):
    """Errors on the R = 1800 grid: linear interpolation mixes two independent pixels."""
    rest = wavelength / (1 + z)
    air = rest / activity.air_index(rest)
    left = np.searchsorted(air, W18) - 1
    share = (W18 - air[left]) / (air[left + 1] - air[left])
    return np.hypot((1 - share) * error[left], share * error[left + 1])


@pytest.fixture(scope="module")
def sample():
    """Good real spectra on both grids, and the noise to expect at R = 1800."""
    with np.load(real_file("lamost/dr10_afg_2330.npz")) as file:
        good = (file["snrg"] > 30) & (file["teff"] < 8500)
        wavelength, z, scale = (
            file["wavelength"],
            file["z"][good],
            file["flux_scale"][good][:, None],
        )
        flux = file["flux_i2"][good] * scale
        error = file["err_f2"][good].astype(float) * scale * 100.0
        bad = np.unpackbits(file["bad"][good], axis=1)[:, : wavelength.size].astype(bool)
        snrg = file["snrg"][good]
    error[bad] = np.inf
    red = ((wavelength > 6000) & (wavelength < 7510)) | ((wavelength > 8378) & (wavelength < 8790))
    whole = (~np.isfinite(error[:, red])).mean(axis=1) < 0.05
    made, level = on_grids(wavelength, flux[whole], error[whole], z[whole])
    noise = np.array(
        [propagated_error(wavelength, e, v) for e, v in zip(error[whole], z[whole], strict=True)]
    )
    noise = np.where(np.isfinite(noise), noise / level[1800], np.nan)
    flux = {r: made[r] / level[r] for r in made}
    kept = np.isfinite(flux[250]).all(axis=1) & np.isfinite(flux[1800]).all(axis=1)
    kept &= (flux[250].min(axis=1) > 0) & (np.abs(flux[1800] - 1).max(axis=1) < 5)
    return {r: f[kept] for r, f in flux.items()}, noise[kept], snrg[whole][kept]


def outside(resolution):
    """Pixels away from active lines."""
    if resolution == 250:
        return np.abs(W250 - 6563) > 25
    where = np.abs(W18 - activity.HALPHA) > 10
    for line in activity.TRIPLET:
        where &= np.abs(W18 - line) > 5
    return where


def emission(resolution, width, spread=1.0):
    """A line of one Å, wider than the instrument's by `spread` Å."""
    sigma = np.hypot(FWHM[resolution] / np.sqrt(8 * np.log(2)), spread)
    z = (GRID[resolution] - activity.HALPHA) / sigma
    return width * np.exp(-0.5 * z**2) / (sigma * np.sqrt(2 * np.pi))


def with_emission(flux, resolution, width):
    """Spectra with a line of `width` Å, normalised again as they would have been."""
    if resolution == 1800:
        return flux + emission(1800, width)
    lit = flux + emission(250, width) * flux[:, FLANKS].mean(axis=1, keepdims=True)
    median = np.median(lit[:, (W250 >= 6500) & (W250 <= 6550)], axis=1, keepdims=True)
    return lit / median


def equation_5(flux):
    """Equivalent width at R = 250."""
    excess = flux / flux[:, FLANKS].mean(axis=1, keepdims=True) - 1
    return lab()["line_width"](W250, excess, 6550.0, 6575.0)


def measure(flux, template, resolution):
    """Residual rms outside lines and excess width of H alpha, both (n,)."""
    if resolution == 250:
        flux = lab()["corrected"](flux, template)
        excess = equation_5(flux) - equation_5(template)
    else:
        low, high = activity.HALPHA - 10, activity.HALPHA + 10
        excess = lab()["line_width"](W18[:400], (flux - template)[:, :400], low, high)
    return np.sqrt(np.mean((flux - template)[:, outside(resolution)] ** 2, axis=1)), excess


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
    lines = np.array([activity.HALPHA, *activity.TRIPLET])
    narrow = resolution == 1800
    return {
        "wavelength": GRID[resolution],
        "lines": lines if narrow else lines[:1],
        "strongest": np.array([6.0, 2.0, 2.0, 2.0]) if narrow else np.array([8.0]),
        "sigma": FWHM[resolution] / np.sqrt(8 * np.log(2)),
        "noise": 0.04 if narrow else 0.02,
    }


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
                known, np.ones(len(known), bool), rows, seed
            )
            model = lab()["train_vae"](
                known[train], known[valid], mean, scale, features(resolution),
                seed=seed, epochs=150, batch=64, **RECIPES[recipe],
            )  # fmt: skip
            answer = functools.partial(lambda m, x: lab()["templates"](m, x)[0], model)
        error, quiet = measure(new, answer(new), resolution)
        lit = [with_emission(new, resolution, strength) for strength in STRENGTHS]
        errors.append(error)
        widths.append([quiet] + [measure(x, answer(x), resolution)[1] for x in lit])
    return np.concatenate(errors), np.concatenate(widths, axis=1)


def summary(error, width, caught=1.0):
    """Median rms; slope of recovered against injected; scatter at zero, over the slope's loss."""
    gain = np.median(width[1:] - width[0], axis=1) / caught
    slope = np.polyfit([0.0, *STRENGTHS], [0.0, *gain], 1)[0]
    scatter = 1.4826 * np.median(np.abs(width[0] - np.median(width[0]))) / caught
    return np.median(error), slope, scatter


@functools.cache
def caught_at_250():
    """Share of a line that Equation 5 catches of a flat spectrum."""
    return float(equation_5(1 + 0.1 * emission(250, 1.0)[None])[0] / 0.1)


@pytest.fixture(scope="module", params=[1800, 250], ids=["R1800", "R250"])
def rows(request, sample):
    """Figures of every recipe on the same held-out spectra."""
    flux, noise, _ = sample
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
        answer = lab()["templates"](model, flux[250])[0]
        error, width = measure(flux[250], answer, 250)
        lit = [with_emission(flux[250], 250, s) for s in STRENGTHS]
        width = [width] + [measure(x, lab()["templates"](model, x)[0], 250)[1] for x in lit]
        made = {"published weights": summary(error, np.array(width), caught_at_250()), **made}
    for recipe, (error, slope, scatter) in made.items():
        print(f"  {recipe:26s} rms {error:.4f}, slope {slope:.3f}, scatter at zero {scatter:.3f} A")
    return resolution, made


def test_lamost_templates_fit_unseen_spectra(rows):
    """Aim: 0.0100 and 0.0046 (median of five seeds; one seed of two folds reaches 0.0047)."""
    resolution, made = rows
    assert made["lab's"][0] <= {1800: 0.0100, 250: 0.0052}[resolution]
    assert made["lab's"][0] < made["paper's"][0]


def test_lamost_emission_is_recovered(rows):
    """Aim of the scatter: 0.19 A at R = 1800, 0.36 A over the slope at R = 250: both are missed."""
    resolution, made = rows
    _, slope, scatter = made["lab's"]
    if resolution == 1800:
        assert 0.97 <= slope <= 1.03
        assert scatter <= 0.24
        # components absorb what they should leave
        assert made["4 components"][1] < 0.93
    else:
        assert 0.95 <= slope <= 1.05
        assert scatter / slope <= 0.48


def test_lamost_published_weights_answer_as_published(sample):
    """The lab's `templates` reads the authors' own network: 0.0105 with flags bridged."""
    flux = sample[0][250]
    model = dict(np.load(real_file("lamost/vae_R250_published_weights.npz")))
    error, _ = measure(flux, lab()["templates"](model, flux)[0], 250)
    print(f"\npublished R = 250 weights on {len(flux)} real spectra: rms {np.median(error):.4f}")
    assert np.median(error) == pytest.approx(0.0105, abs=0.0007)


def test_lamost_active_m_dwarf_is_flagged():
    """A real M4 dwarf in emission, seen by a network of cool simulated stars without it."""
    path = real_file("lamost/fits/spec-55863-M31_011N40_B1_sp08-093.fits.gz")
    with fits.open(path) as file:
        flux, ivar, wave = (file[0].data[k].astype(float) for k in range(3))
        z = float(file[0].header["Z"])
    stack = activity.read(archive.product("lamost_k2"))
    cool = np.flatnonzero((stack.table["teff"] < 4600) & (stack.table["snrr"] > 25))
    teff = np.asarray(stack.table["teff"])[cool]
    made, level = on_grids(
        stack.wavelength, stack.flux[cool], stack.error[cool], stack.table["z"][cool]
    )
    narrow = made[1800] / level[1800]
    low, high = activity.HALPHA - 10, activity.HALPHA + 10
    width = lab()["line_width"](W18[:400], narrow[:, :400] - 1, low, high)
    quiet = lab()["quiet_stars"](teff, width, hot=90.0)
    quiet &= np.abs(narrow - 1).max(axis=1) < 5
    train, valid, mean, scale = lab()["training_sample"](narrow, quiet, np.arange(len(cool)))
    model = lab()["train_vae"](
        narrow[train], narrow[valid], mean, scale, features(1800), epochs=25, batch=64
    )
    error = np.where(ivar > 0, 1.0, np.inf)
    # the pipeline gives M dwarfs no velocity (-9999): take the one at which the template fits best
    z = np.linspace(-6e-4, 6e-4, 25) if z < -1 else np.array([z])
    many = [np.tile(x, (len(z), 1)) for x in (flux, error)]
    real, level = on_grids(wave, *many, z)
    real = real[1800] / level[1800]
    template = lab()["templates"](model, real)[0]
    rms, halpha = measure(real, template, 1800)
    best = rms.argmin()
    rms, halpha = rms[best], halpha[best]
    print(f"\nreal M4 dwarf: residual width of H alpha {halpha:.2f} A, rms {rms:.3f}")
    assert halpha > 1
    assert halpha == pytest.approx(5.7, rel=0.35)
