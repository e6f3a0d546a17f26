# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Lab 2 · The continuum
#
# Lab 1 ended with a table of 1855 red giants: their labels, their spectra, and an error for every
# pixel. These spectra still show more than the surface of the star. A nearby giant is bright and a
# distant one faint. Dust reddens the light. Fibre, grating and the air of the Earth let some
# wavelengths pass better than others, and each of the three detectors has its own sensitivity. A
# model that predicts the flux from temperature, gravity and composition (lab 3) cannot know any of
# this. In this lab you divide it out.
#
# **After this lab you can**
#
# * find the **pseudo-continuum** of a spectrum, chip by chip, from a list of trusted wavelengths,
#   even if cosmic rays or bad pixels spoil some of them;
# * choose the degree of a polynomial by cross-validation;
# * test a normalisation without knowing the truth, and read such tests.
#
# You end with all spectra and errors normalised and saved for lab 3, and with the PDF for
# checkpoint 1.
#
# | section | hours |
# |---|---|
# | 1-2 The task, trusted pixels | 1½ |
# | 3-5 A weighted fit, a robust fit, three chips | 3½ |
# | 6-7 Normalise, choose the degree | 1½ |
# | 8 Test it | 2 |
# | 9 Checkpoint 1 | 1 |
#
# **You need** lab 1 (or the reference that the archive has in its place), least squares with
# weights, and Gaussian noise.
#
# **Read** Ness et al. (2015, *The Cannon*), Sections 2.3 and 5.3, before you start; Holtzman et
# al. (2015) describe how the survey's own pipeline does it. By default the spectra come from the
# kit's embedded archive: they are **simulated**, in the format and with the defects of the real
# ones. The cells below name the archive you are using; the same notebook runs on real files.
#
# **How to work.** You write functions. A function must not change its arguments; work on a copy.
# Each exercise is tested on its own: one that you cannot solve costs its own points, and those of a
# later one only if that calls it. The boxes *Stuck?* give you the result of a step, so that you can
# go on without it.

# %% setup=true
import os

import matplotlib.pyplot as plt
import numpy as np

from helpers import apogee, archive, checkpoints, plots, products

#: first and one-past-last pixel of each of the three chips
CHIPS = [(chip.start, chip.stop) for chip in apogee.CHIPS.values()]
#: the error of a pixel that carries no information (lab 1), and where "bad" begins
BAD_ERROR = 1e10
BAD_LIMIT = 1e9
#: how an axis of raw flux is labelled
FLUX_LABEL = "flux / (1e-17 erg s$^{-1}$ cm$^{-2}$ Å$^{-1}$)"
#: the star of checkpoint 1
STAR = "2M21235315+1244123"

# %% [markdown]
# ## 1. What you start from
#
# `products.load` returns what you saved at the end of lab 1, or the kit's reference if you have
# saved nothing. First look at three stars.

# %%
survey = products.load("01_apogee")
wavelength = np.asarray(survey["wavelength"], dtype=float)
raw_flux, raw_error = survey["flux"], survey["error"]
labels = np.asarray(survey["labels"], dtype=float)
label_names = [str(name) for name in survey["label_names"]]
names = [str(name) for name in survey["apogee_id"]]
good = raw_error < BAD_LIMIT
source = archive.current().description

# on files of your own choice the star of the checkpoint may be absent: take the first instead
star = names.index(STAR) if STAR in names else 0
print(f"{len(names)} spectra of {wavelength.size} pixels, from: {source}")
on_chip = np.concatenate([np.arange(start, stop) for start, stop in CHIPS])
print(f"{np.mean(~good[:, on_chip]):.1%} of the chips' pixels are bad")

# %%
brightness = np.nanmedian(np.where(good, raw_flux, np.nan), axis=1)
faint, middle, bright = np.argsort(brightness)[
    [len(names) // 50, len(names) // 2, -len(names) // 50]
]
with plots.style():
    figure, axes = plt.subplots(3, 1, figsize=(8, 5), sharex=True)
    for axis, i, colour in zip(
        axes, (bright, middle, faint), ("blue", "green", "vermilion"), strict=True
    ):
        shown = np.where(good[i], raw_flux[i], np.nan)
        axis.plot(wavelength, shown, lw=0.4, color=plots.COLOURS[colour])
        axis.set_ylim(0, 1.3 * np.nanpercentile(shown, 99))
        axis.set_title(
            f"{names[i]}: {labels[i, 0]:.0f} K, log g {labels[i, 1]:.2f}, "
            f"[Fe/H] {labels[i, 2]:+.2f}",
            fontsize=9,
            loc="left",
        )
    figure.supylabel(FLUX_LABEL, fontsize=10)
    axes[2].set_xlabel("vacuum wavelength / Å")
    figure.suptitle(source, fontsize=8)
plots.show(
    figure,
    alt="Flux against wavelength of a bright, a middling and a faint giant: the flux scale differs "
    "by a factor of about twenty, each falls from blue to red, and two gaps separate three chips.",
)
falls = [
    np.nanmedian(np.where(good[i], raw_flux[i], np.nan)[slice(*CHIPS[0])])
    / np.nanmedian(np.where(good[i], raw_flux[i], np.nan)[slice(*CHIPS[2])])
    for i in (bright, middle, faint)
]
# claim (simulated): 15 < brightness[bright] / brightness[faint] < 30
# claim: min(falls) > 1

# %% [markdown]
# Look at the vertical scales: stars of one kind can differ twentyfold in flux. The narrow dips tell
# about the surface of a star. Everything broad has to be removed.
# claim: 10 < brightness[bright] / brightness[faint] < 40
#
# This is what you will have at the end, drawn from the reference that comes with the simulated
# survey.

# %%
try:
    normalised_reference = archive.product("02_continuum")
except archive.ArchiveError:
    print("this archive has no reference products: wait for your own figure in section 9")
else:
    with np.load(normalised_reference) as arrays:
        answer = np.where(arrays["error"][star] < BAD_LIMIT, arrays["flux"][star], np.nan)
    with plots.style():
        figure, axes = plt.subplots(2, 1, figsize=(8, 4), sharex=True)
        axes[0].plot(wavelength, np.where(good[star], raw_flux[star], np.nan), lw=0.4)
        axes[1].plot(wavelength, answer, lw=0.4)
        axes[0].set_ylabel(FLUX_LABEL, fontsize=7)
        axes[1].set_ylabel("normalised flux")
        axes[1].set_ylim(0.4, 1.1)
        axes[1].set_xlabel("vacuum wavelength / Å")
        figure.suptitle(
            f"{names[star]}: what you start from, and the answer ({source})", fontsize=9
        )
    plots.show(
        figure,
        alt="Above, the spectrum of the checkpoint star as lab 1 left it, which falls from blue to "
        "red. Below, the same spectrum normalised: its upper edge is level at one.",
    )

# %% [markdown]
# ### Question 1 · Pseudo-continuum
#
# **Explain in your own words:** what does it mean to *pseudo-continuum normalise* a spectrum, and
# why is it useful before you compare stars or train a model? What is the difference between
# pseudo-continuum and "true" continuum normalisation, and why is the pseudo-continuum good enough
# here? (Ness et al. 2015, Sections 2.3 and 5.3. About ten lines.)

# %% [markdown] explain="pseudo" points=4
# To normalise a spectrum is to divide it by a smooth curve, so that what remains is the relative
# depth of the lines. The curve takes with it everything that varies slowly with wavelength and has
# nothing to do with the labels we want: the star's distance and brightness, its broad spectral
# energy distribution, reddening by dust, the throughput of telescope, fibre and detectors. Spectra
# of stars of the same labels then coincide whatever their distance, all fluxes are of order one,
# and a model has to explain only how the lines depend on the labels.
#
# The *true* continuum is what the star would emit at each wavelength without any line absorption.
# In a cool giant's H band hardly any pixel is free of lines (CN, CO and OH are everywhere), so it
# can only be found by comparison with a synthetic spectrum. The *pseudo*-continuum is merely a
# curve that is defined in the same way for every star: a smooth fit through pixels whose flux
# depends little on the labels. It may lie a few per cent below the true continuum and we cannot say
# by how much. This does no harm, because the model is trained on and applied to spectra normalised
# in the same way: a fixed offset is absorbed by the model's constant term. What matters is that the
# recipe is *consistent*: the same for every star, independent of signal-to-noise, and depending on
# the labels smoothly if at all.
#
# **Rubric**
# - (1) Division by a slowly varying curve; what it removes (distance or brightness, reddening,
#   instrument: at least two).
# - (1) Why: spectra of stars with like labels become comparable; the model need only explain
#   lines.
# - (1) True continuum = the flux without line absorption, which cannot be seen in crowded spectra;
#   pseudo = a reproducible curve through chosen pixels.
# - (1) Consistency (label- and S/N-independence), not correctness, is what is needed, and why.

# %% [markdown]
# ## 2. Pixels you can trust
#
# You are given a list of wavelengths where the flux depends little on the labels. (Finding them is
# the hard, iterative part of Ness et al. 2015, Section 5.3: train a first model, and keep the
# pixels that are close to the continuum and hardly respond to any label.) The list has its own
# wavelength grid, shorter than yours: only a wavelength can tell you which pixel is meant.
#
# ### Question 2 · From wavelengths to pixels
#
# Write `continuum_pixels`. Three mistakes are common: a wavelength is not an index; two floats that
# "are the same" need not be equal; and `searchsorted` returns the pixel *above*, which is not
# always the nearest.


# %% solution="continuum_pixels"
def continuum_pixels(wavelength, trusted_wavelengths):
    """Find the pixels that lie nearest to the trusted wavelengths.

    Parameters
    ----------
    wavelength : (n,) array
        The spectrum's wavelength grid in Å, increasing; the step may vary along it.
    trusted_wavelengths : (m,) array
        Wavelengths in Å, in any order. Those more than one pixel beyond either end of the
        grid belong to no pixel and are left out.

    Returns
    -------
    (n,) array of bool
        True for every pixel that is the nearest one to some trusted wavelength.
    """
    ### BEGIN SOLUTION
    step_first = wavelength[1] - wavelength[0]
    step_last = wavelength[-1] - wavelength[-2]
    inside = (trusted_wavelengths > wavelength[0] - step_first) & (
        trusted_wavelengths < wavelength[-1] + step_last
    )
    # the border between two pixels is half-way: counting the borders below gives the pixel
    borders = 0.5 * (wavelength[1:] + wavelength[:-1])
    is_continuum = np.zeros(len(wavelength), dtype=bool)
    is_continuum[np.searchsorted(borders, trusted_wavelengths[inside])] = True
    return is_continuum
    ### END SOLUTION


# %% test="continuum_pixels" points=2
from helpers import checks


@checks.run
def test_continuum_pixels():
    import numpy as np

    find = checks.submitted("continuum_pixels")
    grid = np.array([15000.0, 15010.0, 15021.0, 15033.0, 15046.0])
    # one wavelength exactly on a pixel, one a rounding error beside another
    found = checks.truths(find(grid, np.array([15010.0, 15033.0 + 1e-8])), (5,))
    checks.that(
        bool(found.sum() == 2),
        f"two wavelengths that belong to two pixels gave {found.sum()} pixels: do you ask for "
        "equal floats, or use wavelengths as indices?",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_continuum_pixels_nearest():
    import numpy as np

    find = checks.submitted("continuum_pixels")
    rng = np.random.default_rng(2)
    grid = 10 ** (4.179 + 6e-6 * np.arange(800))
    step = np.diff(grid)
    wanted = rng.choice(np.arange(1, 799), size=60, replace=False)
    # up to 0.4 of a pixel off on either side, in no order
    listed = grid[wanted] + rng.uniform(-0.4, 0.4, 60) * step[wanted - 1]
    found = checks.truths(find(grid, listed), (800,))
    truth = np.zeros(800, dtype=bool)
    truth[wanted] = True
    checks.that(
        bool((found == truth).all()),
        "some wavelengths that fall between two pixels go to the wrong one of the two",
    )
    # steps that differ from pixel to pixel, and wavelengths anywhere but near the middle of two
    grid = 15100 + np.cumsum(rng.uniform(0.1, 1.0, 300))
    listed = rng.uniform(grid[0], grid[-1], 80)
    near, next_near = np.sort(abs(grid[:, None] - listed), axis=0)[:2]
    listed = listed[next_near - near > 0.02]
    found = checks.truths(find(grid, listed), (300,))
    truth = np.isin(np.arange(300), np.argmin(abs(grid[:, None] - listed), axis=0))
    checks.that(
        bool((found == truth).all()),
        "where the step varies along the grid some wavelengths do not get their nearest pixel",
    )


### END HIDDEN TESTS

# %% test="continuum_pixels.outside" points=1
from helpers import checks


@checks.run
def test_continuum_pixels_outside():
    import numpy as np

    find = checks.submitted("continuum_pixels")
    grid = np.linspace(15100.0, 15200.0, 501)
    found = checks.truths(find(grid, np.array([14000.0, 15150.01, 16950.0])), (501,))
    checks.that(bool(found.any()), "a trusted wavelength in the middle of the grid found no pixel")
    checks.that(
        not (found[0] or found[-1]),
        "a wavelength far outside the grid was given to the pixel at its end",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_continuum_pixels_outside_hidden():
    import numpy as np

    find = checks.submitted("continuum_pixels")
    # a step that grows from 0.2 to 0.4 Å
    grid = 15100 + np.append(0.0, np.cumsum(np.linspace(0.2, 0.4, 500)))
    beyond = np.array([grid[0] - 0.25, grid[-1] + 0.6, 15095.0, 15260.0, 1.0, 500.0])
    found = checks.truths(find(grid, beyond), (501,))
    checks.that(not found.any(), "wavelengths that lie outside the grid were given pixels")
    found = checks.truths(find(grid, np.array([15150.01, grid[0], grid[-1] - 0.01])), (501,))
    middle = np.argmin(abs(grid - 15150.01))
    checks.that(
        bool(found.sum() == 3 and found[0] and found[-1] and found[middle - 1 : middle + 2].any()),
        "wavelengths on the first and the last pixel are inside the grid, and got lost",
    )


### END HIDDEN TESTS

# %% [markdown]
# To use a list of your own (the course's `continuum_pixels_apogee.npz`, say), put its path in the
# environment variable `LABKIT_CONTINUUM_PIXELS` or into `continuum_list` below. The file holds
# `wavelengths` in Å and `trusted`, True where the flux can be trusted. The list that comes with
# the embedded archive was made for its simulated spectra; real spectra need the real list.

# %%
continuum_list = os.environ.get("LABKIT_CONTINUUM_PIXELS")
if not continuum_list:
    try:
        continuum_list = archive.product("continuum_pixels_apogee")
    except archive.ArchiveError as error:
        raise FileNotFoundError(
            "this archive has no list of continuum pixels, and no lab makes one: set "
            "LABKIT_CONTINUUM_PIXELS to the path of the course's continuum_pixels_apogee.npz"
        ) from error
with np.load(continuum_list) as listed:
    trusted_wavelengths = np.asarray(listed["wavelengths"], dtype=float)[listed["trusted"]]

is_continuum = np.asarray(continuum_pixels(wavelength, trusted_wavelengths), dtype=bool)
for chip_name, (start, stop) in zip(apogee.CHIPS, CHIPS, strict=True):
    print(f"{chip_name:>6} chip: {is_continuum[start:stop].sum():4d} of {stop - start} pixels")

# %% [markdown]
# <details><summary>Stuck? The pixels of the embedded archive's list</summary>
#
# ```python
# with np.load(archive.product("continuum_pixels_apogee")) as listed:
#     is_continuum = np.zeros(wavelength.size, dtype=bool)
#     is_continuum[on_chip] = listed["trusted"]
# ```
#
# </details>

# %%
with plots.style():
    figure, axes = plt.subplots(3, 1, figsize=(8, 6))
    for axis, (start, stop) in zip(axes, CHIPS, strict=True):
        pixels = np.arange(start, stop)
        shown = np.where(good[star], raw_flux[star], np.nan)
        axis.plot(wavelength[pixels], shown[pixels], lw=0.4, color="0.55")
        chosen = pixels[is_continuum[pixels] & good[star][pixels]]
        axis.plot(
            wavelength[chosen], raw_flux[star][chosen], ".", ms=4, color=plots.COLOURS["vermilion"]
        )
    figure.supylabel(FLUX_LABEL, fontsize=10)
    axes[2].set_xlabel("vacuum wavelength / Å")
    figure.suptitle(f"{names[star]} and its continuum pixels ({source})", fontsize=9)
plots.show(
    figure,
    alt="Spectrum of the checkpoint star on each of the three chips with the trusted continuum "
    "pixels as dots; the dots follow the upper edge of the spectrum and avoid the deep lines.",
)
# claim: np.median(flux[star][is_continuum]) > np.percentile(flux[star][on_chip], 60)
# claim (simulated): flux[star][is_continuum & visible].min() > 0.96

# %% [markdown]
# The dots lie along the upper edge of the spectrum. They do not lie on a perfectly smooth curve,
# because of the noise and because weak lines touch almost every pixel. A smooth function that is
# fitted to hundreds of them averages over both.
# claim: is_continuum.sum() > 300
# claim (simulated): 0.001 < np.std(flux[star][is_continuum & visible]) < 0.01

# %% [markdown]
# ## 3. A well-posed fit
#
# Over one chip the continuum is smooth, so a polynomial of low degree can describe it. In which
# variable? The wavelengths of the blue chip, for example, differ from their mean by about 2 % at
# most. Therefore the columns $1, \lambda, \lambda^2, \dots$ of the design matrix are almost
# proportional to one another, and floating-point arithmetic can hardly separate them.
# claim: 0.015 < np.ptp(chip_wavelength) / 2 / chip_wavelength.mean() < 0.025
#
# ### Question 3 · A better variable
#
# Write `scaled_wavelength`, which maps a chip's wavelengths linearly onto $[-1, 1]$.


# %% solution="scaled_wavelength"
def scaled_wavelength(wavelength):
    """Map wavelengths linearly onto [-1, 1].

    Parameters
    ----------
    wavelength : (n,) array
        In Å, increasing; two or more.

    Returns
    -------
    (n,) array
        -1 at the shortest wavelength, +1 at the longest, and linear in wavelength between.
    """
    ### BEGIN SOLUTION
    shortest, longest = wavelength.min(), wavelength.max()
    return (2 * wavelength - shortest - longest) / (longest - shortest)
    ### END SOLUTION


# %% test="scaled_wavelength" points=2
from helpers import checks


@checks.run
def test_scaled_wavelength():
    import numpy as np

    scale = checks.submitted("scaled_wavelength")
    x = checks.array(scale(np.linspace(15000.0, 15500.0, 11)), (11,))
    checks.that(bool(abs(x).max() <= 1 + 1e-4), "the scaled wavelengths should not leave [-1, 1]")


### BEGIN HIDDEN TESTS
@checks.run
def test_scaled_wavelength_hidden():
    import numpy as np

    scale = checks.submitted("scaled_wavelength")
    rng = np.random.default_rng(3)
    for low, high in ((15150.0, 15810.0), (16476.0, 16953.0)):
        # denser towards the red, so that the middle pixel is not the middle wavelength
        share = np.sqrt(np.sort(np.append([0.0, 1.0], rng.uniform(0, 1, 50))))
        x = checks.array(scale(low + share * (high - low)), (52,))
        checks.close(x[[0, -1]], [-1.0, 1.0], atol=1e-4, hint="the ends should map to -1 and 1")
        checks.close(x, 2 * share - 1, atol=1e-4, hint="the map should be linear in wavelength")


### END HIDDEN TESTS

# %% [markdown]
# The *condition number* of a design matrix says by how much a least-squares fit may amplify
# rounding errors. Numbers have 16 digits here, so a condition number of $10^{16}$ leaves no digit
# right. Chebyshev polynomials on $[-1, 1]$ are nearly orthogonal, so from degree two on
# their condition number is lower than that of powers.
# claim: all(conditioning["Chebyshev"][1:] < conditioning["scaled"][1:])

# %%
start, stop = CHIPS[0]
chip_wavelength = wavelength[start:stop]
degrees = np.arange(1, 11)
x = np.asarray(scaled_wavelength(chip_wavelength), dtype=float)
chebyshev = np.polynomial.chebyshev.chebvander
powers = np.polynomial.polynomial.polyvander
conditioning = {
    name: np.array([np.linalg.cond(matrix(variable, degree)) for degree in degrees])
    for name, matrix, variable in (
        ("raw", powers, chip_wavelength),
        ("scaled", powers, x),
        ("Chebyshev", chebyshev, x),
    )
}
with plots.style():
    figure, axis = plt.subplots(figsize=(6, 3.4))
    for name, text, colour, marker in (
        ("raw", "powers of wavelength in Å", "vermilion", "s"),
        ("scaled", "powers of scaled wavelength", "orange", "o"),
        ("Chebyshev", "Chebyshev polynomials of scaled wavelength", "blue", "^"),
    ):
        number = conditioning[name]
        axis.semilogy(degrees, number, marker=marker, label=text, color=plots.COLOURS[colour])
    axis.axhline(1 / np.finfo(float).eps, color="0.5", ls=":")
    axis.text(10, 3 / np.finfo(float).eps, "no digit left", ha="right", fontsize=8)
    axis.set_xlabel("degree of the polynomial")
    axis.set_ylabel("condition number")
    axis.legend(fontsize=8)
plots.show(
    figure,
    alt="Condition number of the design matrix against polynomial degree: with wavelengths in "
    "angstrom it passes the limit of double precision at degree three, scaled it stays small.",
)
limit = 1 / np.finfo(float).eps
# claim: conditioning["raw"][1] < limit < conditioning["raw"][2]
# claim: conditioning["scaled"][-1] < 1e4

# %% [markdown]
# With raw wavelengths the condition number of a cubic already exceeds the limit of double
# precision. (Some library routines scale the variable themselves, others do not.)
#
# ### Question 4 · A weighted fit
#
# Write `weighted_polynomial`: the polynomial that minimises
#
# $$\chi^2 = \sum_i \left(\frac{f_i - p(x_i)}{\sigma_i}\right)^2 ,$$
#
# evaluated at the positions you ask for. If you use a routine of NumPy, read first what it says
# about its weights `w`. Bad pixels have an error of 1e10 or more, and some have a flux of NaN. One
# NaN is enough to make the whole fit NaN.


# %% solution="weighted_polynomial"
def weighted_polynomial(x, flux, error, degree, x_new):
    """Fit a polynomial by weighted least squares and evaluate it.

    Parameters
    ----------
    x : (n,) array
        Positions of the points, within about [-1, 1].
    flux, error : (n,) arrays
        Values and their one-sigma errors. A point with an error of 1e9 or more, or with a flux
        or error that is not finite, says nothing and is ignored.
    degree : int
        Degree of the polynomial; there are more good points than that.
    x_new : (m,) array
        Where to evaluate the fitted polynomial.

    Returns
    -------
    (m,) array
        The polynomial's values, in the unit of the flux.
    """
    ### BEGIN SOLUTION
    useful = np.isfinite(flux) & np.isfinite(error) & (error < BAD_LIMIT)
    # numpy's w multiplies the residuals before they are squared: 1/error, not 1/error**2
    coefficients = np.polynomial.chebyshev.chebfit(
        x[useful], flux[useful], degree, w=1 / error[useful]
    )
    return np.polynomial.chebyshev.chebval(x_new, coefficients)
    ### END SOLUTION


# %% test="weighted_polynomial" points=2
from helpers import checks


@checks.run
def test_weighted_polynomial():
    import numpy as np

    fit = checks.submitted("weighted_polynomial")
    x = np.linspace(-1, 1, 30)
    new = np.linspace(-0.9, 0.9, 7)
    values = checks.array(fit(x, 3 + 0 * x, np.ones(30), 2, new), (7,))
    checks.close(
        values, np.full(7, 3.0), atol=1e-6, hint="a constant flux should give a constant fit"
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_weighted_polynomial_hidden():
    import numpy as np

    fit = checks.submitted("weighted_polynomial")
    rng = np.random.default_rng(4)
    for degree in (1, 2, 3, 5):
        truth = np.polynomial.Polynomial(rng.normal(size=degree + 1) * 400)
        x = rng.uniform(-1, 1, 60)
        new = np.linspace(-1, 1, 25)
        values = checks.array(fit(x, truth(x), np.full(60, 4.0), degree, new), (25,))
        checks.close(
            values,
            truth(new),
            atol=0.1,
            hint=f"points exactly on a polynomial of degree {degree} are not fitted by one",
        )


### END HIDDEN TESTS

# %% test="weighted_polynomial.weights" points=2
from helpers import checks


@checks.run
def test_weighted_polynomial_weights():
    import numpy as np

    fit = checks.submitted("weighted_polynomial")
    x = np.linspace(-1, 1, 40)
    # every second point is a hundred times less certain, and far off
    flux = np.where(np.arange(40) % 2 == 0, 100.0, 140.0)
    error = np.where(np.arange(40) % 2 == 0, 1.0, 100.0)
    values = checks.array(fit(x, flux, error, 0, np.zeros(3)), (3,))
    checks.close(
        values,
        np.full(3, 100.0),
        atol=1.0,
        hint="points with errors a hundred times larger still pull the fit: do the errors count?",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_weighted_polynomial_weights_hidden():
    import numpy as np

    fit = checks.submitted("weighted_polynomial")
    rng = np.random.default_rng(5)
    for _ in range(4):
        low, high = rng.uniform(80, 100), rng.uniform(110, 130)
        small, large = rng.uniform(1, 2), rng.uniform(3, 5)
        x = rng.uniform(-1, 1, 200)
        first = np.arange(200) % 2 == 0
        flux, error = np.where(first, low, high), np.where(first, small, large)
        value = checks.array(fit(x, flux, error, 0, np.zeros(1)), (1,))
        mean = (low / small**2 + high / large**2) / (1 / small**2 + 1 / large**2)
        checks.close(
            value,
            [mean],
            atol=0.01,
            hint="for a constant, least squares is the weighted mean; yours is another mean. What "
            "exactly does your fitting routine do with the weights you give it?",
        )
        # the same for a parabola, against the normal equations
        flux = rng.normal(100 + 10 * x, error)
        basis = np.stack([np.ones(200), x, x**2], axis=1)
        weighted = basis / error[:, None] ** 2
        best = np.linalg.solve(weighted.T @ basis, weighted.T @ flux)
        value = checks.array(fit(x, flux, error, 2, x), (200,))
        checks.close(
            value, basis @ best, atol=0.01, hint="this is not the fit of least chi-squared"
        )


### END HIDDEN TESTS

# %% test="weighted_polynomial.bad" points=2
from helpers import checks


@checks.run
def test_weighted_polynomial_bad():
    import numpy as np

    fit = checks.submitted("weighted_polynomial")
    x = np.linspace(-1, 1, 50)
    flux, error = 10 + x, np.full(50, 0.1)
    flux[7], error[7] = np.nan, 1e10
    values = fit(x, flux, error, 1, np.array([-1.0, 0.0, 1.0]))
    values = checks.array(values, (3,), finite=False)
    checks.that(bool(np.isfinite(values).all()), "one pixel with a NaN flux spoils the whole fit")


### BEGIN HIDDEN TESTS
@checks.run
def test_weighted_polynomial_bad_hidden():
    import numpy as np

    fit = checks.submitted("weighted_polynomial")
    rng = np.random.default_rng(6)
    x = np.linspace(-1, 1, 120)
    truth = 500 - 30 * x + 20 * x**2
    flux, error = truth + 0.0, np.full(120, 2.0)
    bad = rng.choice(120, size=40, replace=False)
    flux[bad[:20]] = rng.normal(0, 5000, 20)
    flux[bad[20:30]] = 0.0
    flux[bad[30:]] = np.nan
    error[bad] = 1e10
    flux[bad[:3]], error[bad[:3]] = 1e5, np.inf
    flux[bad[3:6]], error[bad[3:6]] = 1e5, np.nan
    # what is not finite says nothing, even with an innocent error
    flux[bad[36:]], error[bad[36:]] = [np.nan, np.inf, -np.inf, np.nan], 2.0
    values = checks.array(fit(x, flux, error, 2, x), (120,))
    checks.close(values, truth, atol=0.05, hint="pixels marked as bad still pull the fit")


### END HIDDEN TESTS

# %%
chosen = is_continuum[start:stop]
with plots.style():
    figure, axis = plt.subplots()
    points = chosen & good[star][start:stop]
    axis.plot(chip_wavelength[points], raw_flux[star][start:stop][points], ".", color="0.6", ms=4)
    fitted = {}
    for degree, colour in ((1, "orange"), (2, "green"), (3, "blue")):
        curve = weighted_polynomial(
            x[chosen],
            raw_flux[star][start:stop][chosen],
            raw_error[star][start:stop][chosen],
            degree,
            x,
        )
        fitted[degree] = np.asarray(curve)
        axis.plot(
            chip_wavelength, curve, label=f"degree {degree}", color=plots.COLOURS[colour], lw=1.6
        )
    axis.set_xlabel("vacuum wavelength / Å")
    axis.set_ylabel(FLUX_LABEL)
    axis.set_title(f"Continuum pixels of {names[star]}, blue chip ({source})", fontsize=9)
    axis.legend()
plots.show(
    figure,
    alt="Continuum pixels of the blue chip with polynomials of degree one, two and three fitted "
    "to them; the straight line misses the curvature, degrees two and three nearly coincide.",
)
rms_from_cubic = {k: np.std(fitted[k] / fitted[3] - 1) for k in (1, 2)}
# claim (simulated): rms_from_cubic[1] > 2 * rms_from_cubic[2]
# claim (simulated): rms_from_cubic[2] < 0.001

# %% [markdown]
# ## 4. When the mask is not enough
#
# The mask finds most cosmic rays, but not all. A spike without a flag and with a small error spoils
# a least-squares fit, because one such point can add hundreds to $\chi^2$. One cure is to fit, to
# look at the residuals $z_i = (f_i - p(x_i))/\sigma_i$, to drop the points that are far off, and to
# fit again until nothing changes. Another is to give a point less weight the further off it is, as
# robust loss functions do. Three things are important:
#
# * The standard deviation of the $z_i$ is no good measure of "far off", because the spikes increase
#   it. The **median absolute deviation** (MAD) hardly depends on them; $1.4826 \times \mathrm{MAD}$
#   estimates $\sigma$ for Gaussian noise.
# * Keep the points that agree with the fit within a few of their *own* errors, however small the
#   MAD is. If the points lie exactly on a curve the MAD is zero, and a rule that uses nothing else
#   drops all points.
# * Clip **both sides alike**. You may want to drop only low points, because lines only lower the
#   flux. But noise lowers and raises it. A one-sided rule follows the upper envelope of the noise,
#   which lies higher in noisier spectra. Then the continuum depends on the signal-to-noise ratio,
#   which Ness et al. (2015, Section 2.3) insist it must not do. Section 8 shows it.
#
# ### Question 5 · A robust fit
#
# Write `robust_polynomial`. It may call `weighted_polynomial`.
#
# <details><summary>Hint</summary>
#
# Start from `keep = np.ones(len(x), dtype=bool)`. In a loop: fit the points kept, compute $z$ for
# *all* points, keep those with $|z| < 4\,\max(1, 1.4826\,\mathrm{MAD})$, and stop when `keep` no
# longer changes. A few very large spikes can hide smaller ones in the first fit; the loop finds
# them later.
#
# </details>


# %% solution="robust_polynomial"
def robust_polynomial(x, flux, error, degree, x_new):
    """Fit a polynomial that a minority of wild points cannot spoil, and evaluate it.

    Parameters
    ----------
    x, flux, error : (n,) arrays
        As for `weighted_polynomial`, but all points are good as far as the mask knows: finite,
        with errors that describe the noise. Up to one point in ten may still be wrong by any
        amount, up or down.
    degree : int
        Degree of the polynomial.
    x_new : (m,) array
        Where to evaluate the fitted polynomial.

    Returns
    -------
    (m,) array
        The polynomial's values. Without wild points it is, but for a rare chance rejection, the
        weighted fit.
    """
    ### BEGIN SOLUTION
    # a first, careful fit: a point z errors away is given an error sqrt(z) times larger, so that
    # it pulls no harder than a point one error away (Huber's rule); this settles from any start
    z = np.zeros(len(x))
    for _ in range(25):
        softened = error * np.sqrt(np.maximum(np.abs(z), 1.0))
        before, z = z, (flux - weighted_polynomial(x, flux, softened, degree, x)) / error
        if np.max(np.abs(z - before)) < 0.05:
            break
    # then leave out what is far off; never what lies within four of its own errors
    scatter = 1.4826 * np.median(np.abs(z - np.median(z)))
    keep = np.abs(z) <= 4 * max(scatter, 1.0)
    return weighted_polynomial(x[keep], flux[keep], error[keep], degree, x_new)
    ### END SOLUTION


# %% test="robust_polynomial" points=1
from helpers import checks


@checks.run
def test_robust_polynomial():
    import numpy as np

    fit = checks.submitted("robust_polynomial")
    x = np.linspace(-1, 1, 80)
    truth = 50 + 5 * x
    values = checks.array(fit(x, truth, np.full(80, 1.0), 1, x), (80,), finite=False)
    checks.that(
        bool(np.isfinite(values).all()),
        "points exactly on a line give no finite fit: does the clipping remove everything?",
    )
    checks.close(values, truth, atol=0.1, hint="points exactly on a line are not fitted by it")


### BEGIN HIDDEN TESTS
@checks.run
def test_robust_polynomial_degree():
    import numpy as np

    fit = checks.submitted("robust_polynomial")
    rng = np.random.default_rng(38)
    x = np.linspace(-1, 1, 80)
    for degree in (0, 1, 2, 3):
        truth = np.polynomial.Polynomial([900.0, 600.0, -400.0, 350.0][: degree + 1])
        flux, new = rng.normal(truth(x), 5.0), np.linspace(-1, 1, degree + 3)
        values = checks.array(fit(x, flux, np.full(80, 5.0), degree, new), (degree + 3,))
        # four standard errors of a cubic's ends
        checks.close(
            values,
            truth(new),
            atol=9.0,
            hint="without any wild point the fit should be the weighted one, at `x_new`",
        )
        checks.close(
            np.diff(values, n=degree + 1),
            np.zeros(2),
            atol=0.05,
            hint="what comes back is no polynomial of the degree asked for",
        )


### END HIDDEN TESTS

# %% test="robust_polynomial.outliers" points=2
from helpers import checks


@checks.run
def test_robust_polynomial_outliers():
    import numpy as np

    fit = checks.submitted("robust_polynomial")
    x = np.linspace(-1, 1, 100)
    flux = np.random.default_rng(7).normal(1000, 5, 100)
    flux[40] += 20000
    values = checks.array(fit(x, flux, np.full(100, 5.0), 1, x), (100,))
    checks.close(
        values, np.full(100, 1000.0), atol=10, hint="a single cosmic ray lifts the whole continuum"
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_robust_polynomial_outliers_hidden():
    import numpy as np

    fit = checks.submitted("robust_polynomial")
    rng = np.random.default_rng(8)
    x = np.linspace(-1, 1, 400)
    truth = 1000 + 80 * x - 50 * x**2
    for _ in range(10):
        flux = rng.normal(truth, 5)
        hit = rng.choice(400, size=32, replace=False)
        # a few giants hide the others from anyone who looks only once
        flux[hit[:6]] += rng.uniform(600, 800, 6)
        flux[hit[6:26]] += rng.uniform(100, 600, 20)
        flux[hit[26:]] -= rng.uniform(100, 600, 6)
        values = checks.array(fit(x, flux, np.full(400, 5.0), 2, x), (400,))
        checks.close(
            values,
            truth,
            atol=4.0,
            hint="moderate outliers still bend the fit when there are giant ones among them",
        )


### END HIDDEN TESTS

# %% test="robust_polynomial.unbiased" points=2
from helpers import checks


@checks.run
def test_robust_polynomial_unbiased():
    import numpy as np

    fit = checks.submitted("robust_polynomial")
    x = np.linspace(-1, 1, 400)
    rng = np.random.default_rng(9)
    # pure noise of 10 %, no wild points: on average the fit should neither sit high nor low
    mean = np.mean(
        [checks.array(fit(x, rng.normal(100, 10, 400), np.full(400, 10.0), 1, x), (400,)).mean()
         for _ in range(30)]
    )  # fmt: skip
    checks.that(
        bool(abs(mean - 100) < 1),
        f"with noise alone your fit comes out {'high' if mean > 100 else 'low'} on average: do you "
        "clip both sides alike?",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_robust_polynomial_unbiased_hidden():
    import numpy as np

    fit = checks.submitted("robust_polynomial")
    rng = np.random.default_rng(10)
    x = np.linspace(-1, 1, 300)
    truth = 200 + 20 * x
    for sigma in (2.0, 60.0):
        values = [
            checks.array(fit(x, rng.normal(truth, sigma), np.full(300, sigma), 2, x), (300,))
            for _ in range(30)
        ]
        off = (np.mean(values, axis=0) - truth) / sigma
        checks.that(
            bool(abs(off.mean()) < 0.08),
            "the height of the fit depends on the signal-to-noise ratio",
        )
        # a standard error of the mean is 0.03 at the ends
        checks.that(bool(abs(off).max() < 0.3), "on average the fit misses the points' own slope")
    # without wild points it is nearly the weighted fit: up to half of its sigma off where points
    # count the less the further off they are, more than a sigma where errors are ignored
    for error, limit in ((np.full(300, 5.0), 0.65), (10 ** rng.uniform(0, 0.7, 300), 0.8)):
        basis = np.stack([np.ones(300), x, x**2], axis=1)
        covariance = np.linalg.inv((basis.T / error**2) @ basis)
        sigma = np.sqrt(np.sum((basis @ covariance) * basis, axis=1))
        off = []
        for _ in range(20):
            flux = rng.normal(truth, error)
            weighted = basis @ (covariance @ (basis.T @ (flux / error**2)))
            off.append((checks.array(fit(x, flux, error, 2, x), (300,)) - weighted) / sigma)
        checks.that(
            bool(np.sqrt(np.mean(np.square(off))) < limit),
            "without any wild point the fit is far from the weighted one: are too many points "
            "left out, and do points count according to their errors?",
        )


### END HIDDEN TESTS

# %%
rng = np.random.default_rng(11)
points = np.flatnonzero(chosen & good[star][start:stop])
spiked = raw_flux[star][start:stop].astype(float)
hit = rng.choice(points, size=12, replace=False)
spiked[hit] *= rng.uniform(1.1, 1.6, 12)
spiked_fits = []
with plots.style():
    figure, axis = plt.subplots()
    axis.plot(
        chip_wavelength[points], spiked[points], ".", ms=4, color="0.6", label="continuum pixels"
    )
    axis.plot(
        chip_wavelength[hit],
        spiked[hit],
        "x",
        ms=6,
        color=plots.COLOURS["black"],
        label="spikes put in",
    )
    for fit, text, colour in (
        (weighted_polynomial, "weighted fit", "vermilion"),
        (robust_polynomial, "robust fit", "blue"),
    ):
        curve = fit(x[points], spiked[points], raw_error[star][start:stop][points], 3, x)
        spiked_fits.append(np.asarray(curve))
        axis.plot(chip_wavelength, curve, label=text, color=plots.COLOURS[colour], lw=1.6)
    axis.set_ylim(0.85 * np.median(spiked[points]), 1.75 * np.median(spiked[points]))
    axis.set_xlabel("vacuum wavelength / Å")
    axis.set_ylabel(FLUX_LABEL)
    axis.set_title(f"{names[star]}, blue chip, with twelve spikes added ({source})", fontsize=9)
    axis.legend(ncols=2)
plots.show(
    figure,
    alt="Continuum pixels with twelve added spikes: the plain weighted fit is pulled up towards "
    "the spikes, the robust fit stays on the majority of the points.",
)
lifted = [np.median(curve / fitted[3] - 1) for curve in spiked_fits]
print("the spikes lift the weighted fit by {:.2%} and the robust fit by {:.2%}".format(*lifted))

# %% [markdown]
# A dozen spikes among more than a hundred points are enough to lift the weighted fit by a per cent
# or more. The robust fit moves by less than a tenth of a per cent.
# claim (simulated): lifted[0] > 0.01 and abs(lifted[1]) < 0.001
# claim: len(points) > 100

# %% [markdown]
# ## 5. Three chips
#
# Each chip has its own sensitivity and its own gaps and edges, and nothing makes the three fluxes
# meet. So each gets its own curve.
#
# ### Question 6 · The pseudo-continuum
#
# Write `pseudo_continuum`. Outside the chips nothing was measured, so there is no continuum: return
# NaN there. Do the same on a chip that has too few good continuum pixels for the fit, so that one
# dead chip does not stop the work on the whole survey. You may call `robust_polynomial`.
#
# Past students found this problem hard. Open as many hints as you need.
#
# <details><summary>Hint 1: which points</summary>
#
# A point can be used if it is on the list, its flux is finite and its error is below 1e9. Decide
# this once, for the whole spectrum, before you look at the chips.
#
# </details>
#
# <details><summary>Hint 2: the plan</summary>
#
# Start with an array full of NaN. For each chip take its piece of every array. If it has more
# usable points than the degree, fit them and write the curve into the piece of the result, at
# *every* pixel of the chip.
#
# </details>
#
# <details><summary>Hint 3: the variable</summary>
#
# Scale the wavelengths of the *whole chip* to $[-1, 1]$ first, and select the usable points from
# the scaled ones: `x = scaled_wavelength(wavelength[start:stop])`, then `x[points]`. If you scale
# the selected wavelengths on their own, the curve is stretched and does not belong to the pixels.
#
# </details>


# %% solution="pseudo_continuum"
def pseudo_continuum(wavelength, flux, error, is_continuum, chips, degree):
    """Estimate the pseudo-continuum of one spectrum, each chip on its own.

    Parameters
    ----------
    wavelength : (n,) array
        In Å.
    flux, error : (n,) arrays
        In any common unit; bad pixels have an error of 1e9 or more and any flux, even NaN.
    is_continuum : (n,) array of bool
        True for the trusted continuum pixels.
    chips : list of (int, int)
        First and one-past-last pixel of each chip.
    degree : int
        Degree of the polynomial fitted to each chip's good continuum pixels.

    Returns
    -------
    (n,) array
        The continuum at every pixel of the chips, in the unit of the flux. NaN outside the
        chips, and on a chip with fewer than ``degree + 1`` good continuum pixels.

    Notes
    -----
    Ness et al. (2015), Section 2.3.
    """
    ### BEGIN SOLUTION
    useful = is_continuum & np.isfinite(flux) & (error < BAD_LIMIT)
    continuum = np.full(len(wavelength), np.nan)
    for start, stop in chips:
        points = useful[start:stop]
        if points.sum() <= degree:
            continue
        x = scaled_wavelength(wavelength[start:stop])
        continuum[start:stop] = robust_polynomial(
            x[points], flux[start:stop][points], error[start:stop][points], degree, x
        )
    return continuum
    ### END SOLUTION


# %% test="pseudo_continuum" points=2
from helpers import checks


@checks.run
def test_pseudo_continuum():
    import numpy as np

    fit = checks.submitted("pseudo_continuum")
    rng = np.random.default_rng(12)
    wavelength = 10 ** (4.179 + 6e-6 * np.arange(1000))
    chips = [(40, 960)]
    trusted = np.arange(1000) % 7 == 0
    flux = rng.normal(2000, 4, 1000)
    found = fit(wavelength, flux, np.full(1000, 4.0), trusted, chips, 2)
    found = checks.array(found, (1000,), finite=False)
    checks.that(
        bool(np.isfinite(found[40:960]).all()), "the continuum is missing on pixels of the chip"
    )
    checks.close(
        found[40:960],
        np.full(920, 2000.0),
        rtol=0.01,
        hint="a flat spectrum without lines should give a flat continuum at its level",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_pseudo_continuum_hidden():
    import numpy as np

    fit = checks.submitted("pseudo_continuum")
    rng = np.random.default_rng(13)
    wavelength = 10 ** (4.179 + 6e-6 * np.arange(3000))
    x = np.linspace(-1, 1, 3000)
    for level in (3.0, 40000.0):
        # chips that happen to join smoothly: only shape and scale are looked at here
        truth = level * (1 - 0.25 * x + 0.12 * x**2)
        chips = [(0, 1000), (1000, 2000), (2000, 3000)]
        trusted = rng.uniform(size=3000) < 0.1
        error = np.full(3000, 0.006 * level)
        flux = rng.normal(truth, error)
        found = checks.array(fit(wavelength, flux, error, trusted, chips, 2), (3000,))
        # five standard errors at the ends of a chip
        checks.close(found / truth, np.ones(3000), atol=0.01, hint="the continuum's shape is off")
    # a bend that only a parabola can follow, in noise as large
    x = np.linspace(-1, 1, 1000)
    error = np.full(1000, 60.0)
    for degree, bend in ((0, 0.0), (1, 0.0), (2, -200.0)):
        flux = rng.normal(1000 + 200 * x**2, error)
        found = fit(wavelength[:1000], flux, error, np.arange(1000) % 2 == 0, [(0, 1000)], degree)
        first, middle, last = checks.array(found, (1000,))[[0, 500, 999]]
        checks.close(
            middle - (first + last) / 2,
            bend,
            atol=60.0,
            hint="the continuum bends otherwise than a polynomial of the degree asked for",
        )
    # a signal-to-noise ratio of two; four standard errors at the ends
    flux = rng.normal(120, error)
    found = fit(wavelength[:1000], flux, error, np.full(1000, True), [(0, 1000)], 1)
    found = checks.array(found, (1000,), finite=False)
    hint = "the continuum of a faint star is off, or missing: are good pixels left out?"
    checks.that(bool((abs(found - 120) < 20).all()), hint)


### END HIDDEN TESTS

# %% test="pseudo_continuum.chips" points=2
from helpers import checks


@checks.run
def test_pseudo_continuum_chips():
    import numpy as np

    fit = checks.submitted("pseudo_continuum")
    wavelength = 10 ** (4.179 + 6e-6 * np.arange(1500))
    chips = [(50, 650), (800, 1400)]
    rng = np.random.default_rng(14)
    level = np.where(np.arange(1500) < 700, 1000.0, 700.0)
    flux = rng.normal(level, 2)
    found = fit(wavelength, flux, np.full(1500, 2.0), np.arange(1500) % 6 == 0, chips, 2)
    found = checks.array(found, (1500,), finite=False)
    for start, stop in chips:
        checks.close(
            found[start:stop] / level[start:stop],
            np.ones(stop - start),
            atol=0.01,
            hint="two chips of different sensitivity: the continuum does not follow the step "
            "between them. Does each chip get its own curve?",
        )


### BEGIN HIDDEN TESTS
@checks.run
def test_pseudo_continuum_chips_hidden():
    import numpy as np

    fit = checks.submitted("pseudo_continuum")
    rng = np.random.default_rng(15)
    wavelength = 10 ** (4.179 + 6e-6 * np.arange(2400))
    chips = [(60, 700), (810, 1500), (1630, 2330)]
    truth = np.full(2400, np.nan)
    flux = rng.normal(0, 1, 2400)
    for (start, stop), level, tilt in zip(chips, (900, 1300, 600), (0.1, -0.2, 0.15), strict=True):
        x = np.linspace(-1, 1, stop - start)
        truth[start:stop] = level * (1 + tilt * x - 0.1 * x**2)
        flux[start:stop] = rng.normal(truth[start:stop], 3)
    error = np.where(np.isnan(truth), 1e10, 3.0)
    trusted = rng.uniform(size=2400) < 0.12
    found = checks.array(fit(wavelength, flux, error, trusted, chips, 2), (2400,), finite=False)
    inside = np.isfinite(truth)
    checks.close(
        found[inside] / truth[inside],
        np.ones(inside.sum()),
        atol=0.02,
        hint="three chips of different level and slope are not followed, or not to their edges",
    )
    checks.that(
        bool(np.isnan(found[~inside]).all()),
        "there is no light between the chips: the continuum should be NaN there",
    )


### END HIDDEN TESTS

# %% test="pseudo_continuum.lines" points=1
from helpers import checks


@checks.run
def test_pseudo_continuum_lines():
    import numpy as np

    fit = checks.submitted("pseudo_continuum")
    wavelength = 10 ** (4.179 + 6e-6 * np.arange(900))
    trusted = np.arange(900) % 9 == 4
    rng = np.random.default_rng(16)
    flux = rng.normal(500, 1, 900)
    # narrow lines everywhere but on the trusted pixels
    flux[~trusted] *= rng.uniform(0.6, 1.0, (~trusted).sum())
    found = fit(wavelength, flux, np.full(900, 1.0), trusted, [(0, 900)], 2)
    found = checks.array(found, (900,))
    checks.close(
        found,
        np.full(900, 500.0),
        rtol=0.01,
        hint="absorption lines pull the continuum down: which pixels do you fit?",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_pseudo_continuum_lines_hidden():
    import numpy as np

    fit = checks.submitted("pseudo_continuum")
    rng = np.random.default_rng(17)
    wavelength = 10 ** (4.179 + 6e-6 * np.arange(1600))
    pixel = np.arange(1600)
    chips = [(0, 800), (800, 1600)]
    # a broad hydrogen-like line, 200 pixels wide, in which no pixel is trusted
    profile = 1 - 0.4 * np.exp(-0.5 * ((pixel - 400) / 45) ** 2)
    trusted = (rng.uniform(size=1600) < 0.15) & (abs(pixel - 400) > 200)
    truth = 1200 + 0.2 * pixel
    flux = rng.normal(truth * profile, 3)
    found = checks.array(fit(wavelength, flux, np.full(1600, 3.0), trusted, chips, 2), (1600,))
    checks.close(
        found,
        truth,
        rtol=0.02,
        hint="the continuum sinks into a broad line instead of bridging it",
    )


### END HIDDEN TESTS

# %% test="pseudo_continuum.bad" points=2
from helpers import checks


@checks.run
def test_pseudo_continuum_bad():
    import numpy as np

    fit = checks.submitted("pseudo_continuum")
    wavelength = 10 ** (4.179 + 6e-6 * np.arange(800))
    trusted = np.arange(800) % 4 == 0
    flux = np.random.default_rng(18).normal(500, 1, 800)
    error = np.full(800, 1.0)
    flux[80:160], error[80:160] = np.nan, 1e10
    found = checks.array(fit(wavelength, flux, error, trusted, [(0, 800)], 1), (800,), finite=False)
    checks.that(
        bool(np.isfinite(found).all()),
        "bad pixels on a chip leave its continuum NaN: a polynomial has a value everywhere",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_pseudo_continuum_bad_hidden():
    import numpy as np

    fit = checks.submitted("pseudo_continuum")
    rng = np.random.default_rng(19)
    wavelength = 10 ** (4.179 + 6e-6 * np.arange(2100))
    chips = [(0, 700), (700, 1400), (1400, 2100)]
    truth = 800 - 60 * np.linspace(-1, 1, 2100)
    error = np.full(2100, 3.0)
    flux = rng.normal(truth, error)
    trusted = rng.uniform(size=2100) < 0.2
    bad = rng.uniform(size=2100) < 0.3
    flux[bad] = rng.choice([np.nan, 0.0, 9000.0, -50.0], size=bad.sum())
    error[bad] = 1e10
    # the middle chip is dead, and what its pixels hold means nothing
    flux[700:1400], error[700:1400] = rng.choice([np.nan, 0.0, 700.0], 700), 1e9
    found = checks.array(fit(wavelength, flux, error, trusted, chips, 2), (2100,), finite=False)
    alive = np.r_[0:700, 1400:2100]
    checks.close(
        found[alive], truth[alive], rtol=0.015, hint="bad continuum pixels bend the continuum"
    )
    checks.that(
        bool(np.isnan(found[700:1400]).all()),
        "a chip without any good continuum pixel has no continuum: it should be NaN",
    )
    # three good continuum pixels are too few for a cubic, enough for a straight line
    few = np.isin(np.arange(2100), [720, 1000, 1380])
    flux[few], error[few], trusted[few] = rng.normal(truth[few], 3), 3.0, True
    found = checks.array(fit(wavelength, flux, error, trusted, chips, 3), (2100,), finite=False)
    checks.that(
        bool(np.isnan(found[700:1400]).all()),
        "a chip with fewer good continuum pixels than the polynomial has terms should be NaN",
    )
    for degree in (1, 2):
        found = fit(wavelength, flux, error, trusted, chips, degree)
        found = checks.array(found, (2100,), finite=False)
        checks.that(
            bool(np.isfinite(found[700:1400]).all()),
            "a chip with as many good continuum pixels as the polynomial has terms has a continuum",
        )


### END HIDDEN TESTS

# %% [markdown]
# Four points fix a cubic, and do not fix a continuum: between and beyond them the curve can be
# anything, and so can the flux divided by it. Therefore `continuum_of`, which calls your function
# from here on, gives no continuum on a chip with fewer than 40 good continuum pixels, ten for each
# coefficient of a cubic. Every spectrum of the simulated survey has more than 90. Try it on one
# that has only five left on its first chip, in the middle: the cubic through them is no continuum.
# claim: np.isfinite(cubic_of_few[slice(*CHIPS[0])]).all()
# claim: np.isnan(continuum_of_few[slice(*CHIPS[0])]).all()
# claim: np.isfinite(continuum_of_few[slice(*CHIPS[1])]).all()
# claim (simulated): wrong.max() > 0.2
# claim (simulated): min((is_continuum & good)[:, a:b].sum(axis=1).min() for a, b in CHIPS) > 90
#
# Then see what happens at the chips' edges if you let one polynomial, even one of a higher degree,
# run over all three.

# %%
#: good continuum pixels that a chip must have
ENOUGH = 40


def continuum_of(flux, error, degree):
    """Return your pseudo-continuum of one spectrum; NaN on chips that show too little of it."""
    curve = pseudo_continuum(wavelength, flux, error, is_continuum, CHIPS, degree)
    curve = np.array(curve, dtype=float)
    for start, stop in CHIPS:
        if np.sum(is_continuum[start:stop] & (error[start:stop] < BAD_LIMIT)) < ENOUGH:
            curve[start:stop] = np.nan
    return curve


TRIAL_DEGREE = 3
continuum = continuum_of(raw_flux[star], raw_error[star], TRIAL_DEGREE)

first_chip = np.arange(*CHIPS[0])
usable = first_chip[is_continuum[first_chip] & good[star][first_chip]]
few_error = raw_error[star].copy()
middle_five = usable[len(usable) // 2 :][:5]
few_error[np.setdiff1d(first_chip, middle_five)] = BAD_ERROR
cubic_of_few = np.asarray(
    pseudo_continuum(wavelength, raw_flux[star], few_error, is_continuum, CHIPS, TRIAL_DEGREE)
)
continuum_of_few = continuum_of(raw_flux[star], few_error, TRIAL_DEGREE)
wrong = np.abs(cubic_of_few / continuum - 1)[first_chip]
print(f"a cubic through five pixels is off by up to {wrong.max():.0f} times the continuum")

# the deliberate mistake: one curve from the first pixel to the last
points = is_continuum & good[star]
x_all = np.asarray(scaled_wavelength(wavelength), dtype=float)
one_curve = np.asarray(
    robust_polynomial(x_all[points], raw_flux[star][points], raw_error[star][points], 5, x_all)
)
with plots.style():
    figure, axes = plt.subplots(2, 3, figsize=(10, 5), sharex="col", sharey="row")
    shown = np.where(good[star], raw_flux[star], np.nan)
    for (above, below), (start, stop), chip_name in zip(axes.T, CHIPS, apogee.CHIPS, strict=True):
        chip = slice(start, stop)
        above.plot(wavelength[chip], shown[chip], lw=0.3, color="0.7")
        dots = start + np.flatnonzero(points[chip])
        below.plot(wavelength[dots], (shown / continuum)[dots], ".", ms=3, color="0.75")
        for curve, text, colour, style in (
            (continuum, "chip by chip", "blue", "-"),
            (one_curve, "one curve for all", "vermilion", "--"),
        ):
            above.plot(
                wavelength[chip],
                curve[chip],
                style,
                lw=1.6,
                color=plots.COLOURS[colour],
                label=text,
            )
            below.plot(
                wavelength[chip],
                (curve / continuum)[chip],
                style,
                lw=1.6,
                color=plots.COLOURS[colour],
            )
        above.set_title(f"{chip_name} chip", fontsize=9)
        below.xaxis.set_major_locator(plt.MaxNLocator(4))
    level = np.nanmedian(continuum)
    axes[0, 0].set_ylim(0.6 * level, 1.3 * level)
    axes[0, 0].set_ylabel(FLUX_LABEL, fontsize=8)
    axes[0, 2].legend(fontsize=8)
    spread = np.nanpercentile(np.abs(shown / continuum - 1)[points], 95)
    axes[1, 0].set_ylim(1 - 2 * spread, 1 + 2 * spread)
    axes[1, 0].set_ylabel("relative to chip by chip", fontsize=8)
    axes[1, 1].set_xlabel("vacuum wavelength / Å")
    figure.suptitle(f"{names[star]} ({source})", fontsize=9)
plots.show(
    figure,
    alt="Above: the spectrum on each chip with two continuum curves that look alike. Below, "
    "relative to the fit chip by chip and with the continuum pixels as dots: the one curve for all "
    "chips departs from them, most near a chip's edge.",
)
off = np.abs(one_curve / continuum - 1)
worst_pixel = int(np.nanargmax(off))
# claim: min(abs(worst_pixel - pixel) for chip in CHIPS for pixel in chip) < 100
print(
    f"one curve for all chips: off by {np.nanmedian(off):.2%} typically, "
    f"{np.nanmax(off):.1%} at worst"
)

# %% [markdown]
# The upper row hides the mistake, the lower row shows it: near a gap the one curve is off by about
# a per cent. This is more than the noise of one pixel of this star, and the error is the same in
# many neighbouring pixels.
# claim (simulated): 0.007 < np.nanmax(off) < 0.015
# claim (simulated): np.nanmax(off) > np.median(error[star][on_chip])
# claim (simulated): np.sum(off > 0.5 * np.nanmax(off)) > 30

# %% [markdown]
# ## 6. Normalise
#
# Division is easy, but three things are often forgotten. The error has the unit of the flux and
# must be divided too. A bad pixel must still be bad afterwards: $10^{10}$ divided by a continuum of
# 5000 is $2\times10^6$, which no longer counts as bad. And all results must be finite, since a
# single NaN makes every sum in lab 3 NaN.
#
# In this course a pixel about which nothing is known gets the normalised flux 1 and the error
# $10^{10}$.
#
# ### Question 7 · Flux and error
#
# Write `normalise`.


# %% solution="normalise"
def normalise(flux, error, continuum):
    """Divide a spectrum and its error by the continuum.

    Parameters
    ----------
    flux, error, continuum : (n,) arrays
        In one unit. Flux and continuum may be NaN.

    Returns
    -------
    flux, error : (n,) arrays
        Relative to the continuum, finite everywhere. Flux 1 and error 1e10 in every pixel whose
        error was 1e9 or more, whose flux or error is not finite, or whose continuum is not
        finite or not positive.
    """
    ### BEGIN SOLUTION
    known = np.isfinite(flux) & np.isfinite(error) & (error < BAD_LIMIT)
    known &= np.isfinite(continuum) & (continuum > 0)
    normal_flux = np.ones(len(flux))
    normal_error = np.full(len(flux), BAD_ERROR)
    normal_flux[known] = flux[known] / continuum[known]
    normal_error[known] = error[known] / continuum[known]
    return normal_flux, normal_error
    ### END SOLUTION


# %% test="normalise" points=1
from helpers import checks


@checks.run
def test_normalise():
    import numpy as np

    result = checks.submitted("normalise")(
        np.array([90.0, 50.0]), np.array([1.0, 1.0]), np.array([100.0, 100.0])
    )
    checks.that(
        type(result) in (tuple, list) and len(result) == 2, "return two arrays: flux and error"
    )
    checks.array(result[0], (2,), "the flux")


### BEGIN HIDDEN TESTS
@checks.run
def test_normalise_flux():
    import numpy as np

    rng = np.random.default_rng(20)
    continuum = rng.uniform(100, 5000, 300)
    # noise and cosmic rays included
    depth = rng.uniform(-0.3, 3.0, 300)
    flux, _ = checks.submitted("normalise")(continuum * depth, 0.01 * continuum, continuum)
    flux = checks.array(flux, (300,), "the flux")
    checks.close(
        flux, depth, atol=1e-5, hint="the normalised flux is not relative to the continuum"
    )


### END HIDDEN TESTS

# %% test="normalise.error" points=2
from helpers import checks


@checks.run
def test_normalise_error():
    import numpy as np

    normalise = checks.submitted("normalise")
    flux, error = np.array([90.0, 50.0, 100.0]), np.array([2.0, 2.0, 2.0])
    low, high = (
        checks.array(normalise(scale * flux, scale * error, np.full(3, scale * 100.0))[1], (3,))
        for scale in (1.0, 50.0)
    )
    checks.close(
        high,
        low,
        rtol=1e-5,
        hint="a star fifty times brighter, measured as well, should have the same normalised error",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_normalise_error_hidden():
    import numpy as np

    rng = np.random.default_rng(21)
    continuum = 10 ** rng.uniform(-3, 4, 400)  # any unit will do
    depth, share = rng.uniform(0.3, 1.0, 400), rng.uniform(0.002, 0.05, 400)
    _, error = checks.submitted("normalise")(continuum * depth, continuum * share, continuum)
    error = checks.array(error, (400,), "the error")
    checks.close(
        error,
        share,
        rtol=1e-4,
        hint="propagate the error of flux/continuum, the continuum being a fixed number",
    )


### END HIDDEN TESTS

# %% test="normalise.bad" points=3
from helpers import checks


@checks.run
def test_normalise_bad():
    import numpy as np

    flux = np.array([90.0, np.nan, 80.0, 70.0, 60.0])
    error = np.array([1.0, 1e10, 1.0, 1.0, 1e10])
    continuum = np.array([100.0, 100.0, np.nan, 0.0, 100.0])
    flux, error = checks.submitted("normalise")(flux, error, continuum)
    flux = checks.array(flux, (5,), "the normalised flux")
    error = checks.array(error, (5,), "the normalised error")
    checks.that(
        bool((error[1:] > 1e9).all()),
        "pixels that are bad, or where there is no continuum, look trustworthy after normalisation",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_normalise_bad_hidden():
    import numpy as np

    rng = np.random.default_rng(22)
    n = 500
    continuum = rng.uniform(1000, 5000, n)
    flux, error = continuum * rng.uniform(0.5, 1, n), 0.01 * continuum
    bad = rng.permutation(n)[:240].reshape(10, 24)
    flux[bad[0]], error[bad[0]] = np.nan, 1e10
    error[bad[1]] = 1e10
    error[bad[2]] = 2e9
    error[bad[2, 12:]] = 1e9
    error[bad[3]] = np.nan
    error[bad[4]] = np.inf
    flux[bad[5]] = np.nan
    flux[bad[6]] = np.inf
    flux[bad[7]] = -np.inf
    continuum[bad[8]] = np.nan
    continuum[bad[8, 12:]] = -3.0
    continuum[bad[9]] = 0.0
    is_bad = np.isin(np.arange(n), bad)
    flux, error = checks.submitted("normalise")(flux, error, continuum)
    flux = checks.array(flux, (n,), "the normalised flux")
    error = checks.array(error, (n,), "the normalised error")
    checks.close(
        flux[is_bad],
        np.ones(240),
        atol=1e-6,
        hint="pixels about which nothing is known should have a normalised flux of exactly 1",
    )
    checks.close(
        error[is_bad] / 1e10,
        np.ones(240),
        atol=1e-3,
        hint="a bad pixel should keep the error 1e10, not a fraction of it",
    )
    checks.that(
        bool((error[~is_bad] < 1e9).all()), "good pixels were marked as bad by the normalisation"
    )


### END HIDDEN TESTS

# %% [markdown]
# Now normalise all spectra. They are kept in single precision, whose rounding errors are far below
# the noise.
# claim: np.finfo(np.float32).eps < 1e-3 * error[:, on_chip].min()

# %%
from tqdm.auto import tqdm


def normalise_survey(flux, error, degree):
    """Normalise every spectrum; returns flux and error as (stars, pixels) float32."""
    normal_flux = np.empty(flux.shape, dtype=np.float32)
    normal_error = np.empty(error.shape, dtype=np.float32)
    for i in tqdm(range(len(flux)), desc="normalising", mininterval=1.0):
        curve = continuum_of(flux[i].astype(float), error[i].astype(float), degree)
        normal_flux[i], normal_error[i] = normalise(flux[i], error[i], curve)
    return normal_flux, normal_error


flux, error = normalise_survey(raw_flux, raw_error, TRIAL_DEGREE)
print(f"all finite: {bool(np.isfinite(flux).all() and np.isfinite(error).all())}")

# %% [markdown]
# <details><summary>Stuck? The normalised spectra of the reference</summary>
#
# The survey's pipeline made them with a recipe of its own.
#
# ```python
# with np.load(archive.product("02_continuum")) as reference:
#     flux, error = reference["flux"], reference["error"]
# ```
#
# The continuum that the pipeline used for the checkpoint's star is
# `continuum = raw_flux[star] / flux[star]`. Lab 3 takes the same reference by itself if you save
# nothing.
#
# </details>

# %%
by_temperature = np.argsort(labels[:, 0])
window = slice(CHIPS[2][0] + 350, CHIPS[2][0] + 850)
with plots.style():
    figure, axis = plt.subplots(figsize=(9, 4.5))
    image = axis.imshow(
        np.where(error < BAD_LIMIT, flux, np.nan)[by_temperature, window],
        aspect="auto",
        interpolation="nearest",
        vmin=0.6,
        vmax=1.05,
        extent=(wavelength[window][0], wavelength[window][-1], len(names), 0),
    )
    ticks = np.linspace(0, len(names) - 1, 5).astype(int)
    axis.set_yticks(ticks, [f"{labels[by_temperature[i], 0]:.0f}" for i in ticks])
    axis.set_ylabel("effective temperature / K (one row per star)")
    axis.set_xlabel("vacuum wavelength / Å")
    axis.set_title(f"All normalised spectra, part of the red chip ({source})", fontsize=9)
    figure.colorbar(image, label="flux relative to the pseudo-continuum")
plots.show(
    figure,
    alt="Image of a part of all normalised spectra, one row per star sorted by effective "
    "temperature: dark vertical lines are weaker in the warm stars below than in the cool ones at "
    "the top; hardly any row is brighter or darker than its neighbours.",
)
image_flux = np.where(error < BAD_LIMIT, flux, np.nan)[by_temperature, window]
depth = 1 - np.array([np.nanmedian(part, axis=0) for part in np.array_split(image_flux, 4)])
tops = np.nanpercentile(image_flux, 80, axis=1)
# claim (simulated): np.mean(np.diff(depth.mean(axis=1)) < 0) == 1
# claim (simulated): np.mean(np.abs(np.diff(tops)) < 0.02) > 0.95

# %% [markdown]
# Each row is a star, and the stars are sorted by temperature. On average the lines are weaker in
# hotter stars. Neighbouring rows agree, although each star was normalised on its own and the raw
# fluxes differ more than a hundredfold. A bad normalisation would show as a bright or dark *row*.
# White pixels are bad pixels.
# claim (simulated): brightness.max() > 100 * brightness.min()
#
# ## 7. Which degree?
#
# A polynomial of too low a degree cannot follow the continuum. One of too high a degree follows the
# noise and the lines: it *wiggles*. The $\chi^2$ of the fit cannot decide, because it falls with
# every term you add. Therefore judge the fit by points that it has not seen.
#
# ### Question 8 · Cross-validation
#
# Write `held_out_score`: split the points into five groups, predict each group from a fit to the
# other four, and return the mean of $z^2$ over all points. The groups are of about the same size;
# which points go together is your choice.


# %% solution="held_out_score"
def held_out_score(x, flux, error, degree):
    """Score a polynomial's degree by five-fold cross-validation.

    Parameters
    ----------
    x, flux, error : (n,) arrays
        Good continuum points of one chip, x within [-1, 1] and increasing.
    degree : int
        Degree of the polynomial.

    Returns
    -------
    float
        Mean of ((flux - prediction) / error)**2 over all points, where every point's prediction
        comes from a weighted fit to the four groups it does not belong to. About 1 where the
        polynomial describes the points within their errors.
    """
    ### BEGIN SOLUTION
    group = np.arange(len(x)) % 5
    z = np.empty(len(x))
    for k in range(5):
        held = group == k
        prediction = weighted_polynomial(x[~held], flux[~held], error[~held], degree, x[held])
        z[held] = (flux[held] - prediction) / error[held]
    return float(np.mean(z**2))
    ### END SOLUTION


# %% test="held_out_score" points=2
from helpers import checks


@checks.run
def test_held_out_score():
    import numpy as np

    score = checks.submitted("held_out_score")
    rng = np.random.default_rng(23)
    x = np.linspace(-1, 1, 300)
    flux = rng.normal(1000 + 200 * x**2, 5.0)
    value = checks.number(score(x, flux, np.full(300, 5.0), 2))
    checks.that(
        value > 0.3,
        "the score of a fitting model is much too small: is it the mean of squares, in units of "
        "the error?",
    )
    checks.that(
        value < 3.0,
        "the score of a fitting model is much too large: is it the mean of squares, in units of "
        "the error?",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_held_out_score_hidden():
    import numpy as np

    score = checks.submitted("held_out_score")
    rng = np.random.default_rng(24)
    x = np.linspace(-1, 1, 400)
    truth = 800 + 100 * x - 150 * x**2 + 90 * x**3
    for sigma in (0.5, 20.0):
        error = np.full(400, sigma)
        values = [checks.number(score(x, rng.normal(truth, sigma), error, 3)) for _ in range(8)]
        # standard error of the mean of 8 x 400 squared normal deviates: 0.025; groups that are
        # pieces of the chip extrapolate at its ends, and score up to 1.2
        checks.that(
            bool(0.85 < np.mean(values) < 1.5),
            "where the model is right and the errors are honest the score should be near 1",
        )
    flux = rng.normal(truth, 5.0)
    low = checks.number(score(x, flux, np.full(400, 5.0), 1))
    checks.that(low > 5, "a straight line through a cubic should score badly")
    # every second point lies ten of its own, large errors high
    high = np.arange(400) % 2 == 1
    flux, error = np.where(high, 200.0, 100.0), np.where(high, 10.0, 1.0)
    mean = np.sum(flux / error**2) / np.sum(1 / error**2)
    checks.close(
        score(x, flux, error, 0),
        float(np.mean(((flux - mean) / error) ** 2)),
        rtol=0.05,
        hint="points that are all off to one side count as well: is it the mean of the squares?",
    )
    # one point one sigma off, the others at zero: its own group does not see it, and what the
    # other four predict says how many points they were fitted to, and with which weights
    x, flux = np.linspace(-1, 1, 5000), np.where(np.arange(5000) == 2100, 1.0, 0.0)
    for ratio, rtol in ((1.0, 0.06), (3.0, 0.4)):
        error = rng.permutation(np.repeat([1.0, ratio], 2500))
        error[2100] = 1.0
        seen = 5000 * checks.number(score(x, flux, error, 0)) - 1
        checks.close(
            seen * 0.8 * np.sum(1 / error**2),
            1.0,
            rtol=rtol,
            hint="is every point predicted by the four groups that it is not in, from a fit in "
            "which points count according to their errors?",
        )


### END HIDDEN TESTS

# %% test="held_out_score.overfit" points=2
from helpers import checks


@checks.run
def test_held_out_score_overfit():
    import numpy as np

    score = checks.submitted("held_out_score")
    rng = np.random.default_rng(25)
    x = np.linspace(-1, 1, 40)
    flux = [rng.normal(100, 1.0, 40) for _ in range(20)]
    simple, wild = (
        [checks.number(score(x, f, np.ones(40), degree)) for f in flux] for degree in (1, 8)
    )
    checks.that(min(simple) < max(simple), "the score is the same whatever the points")
    checks.that(
        bool(np.mean(wild) > np.mean(simple)),
        "a high degree does not score worse than a low one on pure noise: does the fit see the "
        "points it is judged by?",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_held_out_score_overfit_hidden():
    import numpy as np

    score = checks.submitted("held_out_score")
    rng = np.random.default_rng(26)
    x = np.linspace(-1, 1, 60)
    values = [
        checks.number(score(x, rng.normal(50 + 3 * x, 2.0), np.full(60, 2.0), 6)) for _ in range(40)
    ]
    # fitted and judged on the same points the mean would be 1 - 7/60
    checks.that(
        bool(np.mean(values) > 1.02),
        "the score is too good to be true: some points are predicted from a fit that saw them",
    )


### END HIDDEN TESTS

# %% [markdown]
# Apply it to 60 stars and the three chips. As an experiment, the dashed line shows the green chip
# with *six more pixels*, at 16406 Å. They lie in the wing of a line of hydrogen (Brackett 12 at
# 16411 Å), in which the flux depends on temperature and gravity. Somebody who makes a list of
# continuum pixels by hand may well include them.

# %%
tested = np.arange(0, 9)
sample = np.random.default_rng(27).choice(len(names), size=min(60, len(names)), replace=False)
in_the_wing = np.abs(wavelength - 16406.4) < 0.7
spoilt_list = is_continuum | in_the_wing


def relative_scores(chip, trusted):
    """Return each star's held-out scores on a chip, divided by its best, (stars, degrees)."""
    start, stop = chip
    x = np.asarray(scaled_wavelength(wavelength[start:stop]), dtype=float)
    scores = np.full((len(sample), len(tested)), np.nan)
    for s, i in enumerate(sample):
        points = trusted[start:stop] & good[i][start:stop]
        if points.sum() > 30:
            flux_i, error_i = (
                values[i][start:stop][points].astype(float) for values in (raw_flux, raw_error)
            )
            scores[s] = [held_out_score(x[points], flux_i, error_i, degree) for degree in tested]
    return scores / np.min(scores, axis=1, keepdims=True)


median_scores = {
    name: np.nanmedian(relative_scores(chip, is_continuum), axis=0)
    for name, chip in zip(apogee.CHIPS, CHIPS, strict=True)
}
median_scores["spoilt"] = np.nanmedian(relative_scores(CHIPS[1], spoilt_list), axis=0)
with plots.style():
    figure, axis = plt.subplots(figsize=(6, 3.6))
    for name, text, colour, marker in (
        ("blue", "blue chip", "blue", "o-"),
        ("green", "green chip", "green", "s-"),
        ("red", "red chip", "vermilion", "^-"),
        ("spoilt", "green chip, six pixels added", "black", "s--"),
    ):
        axis.plot(tested, median_scores[name], marker, label=text, color=plots.COLOURS[colour])
    axis.axhline(1, color="0.6", lw=0.8)
    axis.set_ylim(0.98, 1.5)  # the lowest degrees are far off the scale
    axis.set_xlabel("degree of the polynomial")
    axis.set_ylabel("held-out score / best score")
    axis.set_title(f"Median of {len(sample)} stars ({source})", fontsize=9)
    axis.legend()
plots.show(
    figure,
    alt="Cross-validation score relative to the best against polynomial degree: on all three chips "
    "it falls steeply to degree two and is flat beyond. With six more pixels the score of the "
    "green chip keeps falling to high degrees.",
)
three_chips = np.array([median_scores[name] for name in apogee.CHIPS])
# claim (simulated): (np.ptp(three_chips[:, 2:5], axis=1) < 0.03).all()
# claim (simulated): (three_chips[:, 0] > 5).all() and (three_chips[:, 2:] < 1.06).all()
# claim (simulated): median_scores["spoilt"][2] > 1.2 * median_scores["spoilt"][8]

# %% [markdown]
# The score falls steeply while the polynomial learns the shape of the continuum. From degree two on
# it hardly changes: degrees two, three and four are equally good within 3 %. You will be asked
# about the dashed line in section 8.
# claim (simulated): (np.ptp(three_chips[:, 2:5], axis=1) < 0.03).all()
#
# Now look at what a very high degree does to a single noisy star.

# %%
DEGREE = 3
noisy = int(np.argsort(np.median(error[:, on_chip], axis=1))[-max(1, len(names) // 50)])
start, stop = CHIPS[1]
with plots.style():
    figure, axis = plt.subplots()
    points = np.arange(start, stop)[is_continuum[start:stop] & good[noisy][start:stop]]
    reference = continuum_of(raw_flux[noisy], raw_error[noisy], DEGREE)
    axis.plot(
        wavelength[points],
        (raw_flux[noisy] / reference)[points],
        ".",
        color="0.65",
        ms=4,
        label="continuum pixels",
    )
    noisy_fits = {}
    for degree, colour in ((1, "orange"), (DEGREE, "blue"), (15, "vermilion")):
        curve = continuum_of(raw_flux[noisy], raw_error[noisy], degree)
        noisy_fits[degree] = (curve / reference)[start:stop] - 1
        axis.plot(
            wavelength[start:stop],
            (curve / reference)[start:stop],
            color=plots.COLOURS[colour],
            lw=1.6,
            label=f"degree {degree}",
        )
    axis.set_ylim(0.9, 1.1)
    axis.set_xlabel("vacuum wavelength / Å")
    axis.set_ylabel(f"flux / continuum of degree {DEGREE}")
    axis.set_title(f"{names[noisy]}, green chip ({source})", fontsize=9)
    axis.legend(ncols=4, fontsize=8)
plots.show(
    figure,
    alt="Continuum fits of degree one, three and fifteen to a noisy star, relative to degree "
    "three: the straight line departs towards the ends, the curve of degree fifteen wiggles and "
    "leaves the frame at an end of the chip.",
)
middle = slice((stop - start) // 4, 3 * (stop - start) // 4)
# claim (simulated): np.abs(noisy_fits[15]).max() > 0.1
# claim (simulated): np.abs(noisy_fits[15]).max() > 5 * np.abs(noisy_fits[15][middle]).max()
# claim (simulated): np.abs(noisy_fits[1]).max() > 1.5 * np.abs(noisy_fits[1][middle]).max()

# %% [markdown]
# The polynomial of degree fifteen departs most at an end of the chip, beyond the last continuum
# pixel. No point lies there, so the cross-validation cannot see it. The straight line departs by
# almost a per cent at the ends. We take the third degree on every chip. If your archive or your
# list of pixels ask for another, change `DEGREE`. It must be the *same for all stars*.
# claim (simulated): 0.005 < np.abs(noisy_fits[1]).max() < 0.012

# %%
if DEGREE != TRIAL_DEGREE:
    flux, error = normalise_survey(raw_flux, raw_error, DEGREE)

# %% [markdown]
# ## 8. Test it thoroughly
#
# The course sheet asks for a thorough test, because all later labs depend on the normalisation.
# Four tests follow. None of them needs to know the truth.
#
# ### Test 1: twins
#
# If the labels decide the normalised spectrum, two stars with like labels must have like spectra,
# even if one is much brighter. To say how alike two stars are, we need a scale for each label: 0.1
# is a tiny difference in temperature (K) but a considerable one in metallicity (dex).
#
# ### Question 9 · Nearest twin
#
# Write `nearest_twin`.


# %% solution="nearest_twin"
def nearest_twin(labels, scale):
    """Find for each star the other star whose labels are most alike.

    Parameters
    ----------
    labels : (n, k) array
        One row per star, in the labels' own units (K, dex, ...).
    scale : (k,) array
        The difference in each label that counts as one.

    Returns
    -------
    (n,) array of int
        Row of the nearest *other* star in the Euclidean distance of labels / scale.
    """
    ### BEGIN SOLUTION
    position = np.asarray(labels) / np.asarray(scale)
    twin = np.empty(len(position), dtype=int)
    for i, here in enumerate(position):
        distance = np.sum((position - here) ** 2, axis=1)
        distance[i] = np.inf
        twin[i] = np.argmin(distance)
    return twin
    ### END SOLUTION


# %% test="nearest_twin" points=2
from helpers import checks


@checks.run
def test_nearest_twin():
    import numpy as np

    twin = checks.submitted("nearest_twin")
    labels = np.array([[1.0, 0.0], [1.1, 0.0], [5.0, 5.0], [5.0, 5.3]])
    found = checks.array(twin(labels, np.ones(2)), (4,))
    checks.that(bool((found != np.arange(4)).all()), "a star is not its own twin")
    checks.close(found[:1], [1], atol=0.1, hint="the first star's twin is not the star beside it")


### BEGIN HIDDEN TESTS
@checks.run
def test_nearest_twin_hidden():
    import numpy as np

    twin = checks.submitted("nearest_twin")
    rng = np.random.default_rng(28)
    # pairs far from each other, shuffled
    first = rng.uniform(-1, 1, (40, 4)) + 30 * np.arange(40)[:, None]
    labels = np.concatenate([first, first + rng.normal(0, 0.1, (40, 4))])
    order = rng.permutation(80)
    partner = np.argsort(order)[(order + 40) % 80]
    found = checks.array(twin(labels[order], np.ones(4)), (80,))
    checks.close(found, partner, atol=0.1, hint="close pairs of stars do not find each other")
    # two stars with identical labels are each other's twins
    labels = np.array([[4500.0, 2.0], [4500.0, 2.0], [4700.0, 2.5]])
    found = checks.array(twin(labels, np.array([100.0, 0.2])), (3,))
    checks.close(
        found[:2], [1, 0], atol=0.1, hint="two stars of identical labels are each other's twins"
    )


### END HIDDEN TESTS

# %% test="nearest_twin.scale" points=2
from helpers import checks


@checks.run
def test_nearest_twin_scale():
    import numpy as np

    twin = checks.submitted("nearest_twin")
    rng = np.random.default_rng(29)
    labels = rng.normal([4700, 2.3, -0.2], [200, 0.5, 0.2], (50, 3))
    scale = np.array([100.0, 0.2, 0.1])
    kelvin = checks.array(twin(labels, scale), (50,))
    units = np.array([1e-3, 1.0, 1.0])
    kilokelvin = checks.array(twin(labels * units, scale * units), (50,))
    checks.that(
        bool((kelvin == kilokelvin).all()),
        "the twins change when temperatures are given in kK instead of K",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_nearest_twin_scale_hidden():
    import numpy as np

    twin = checks.submitted("nearest_twin")
    rng = np.random.default_rng(30)
    for _ in range(3):
        labels = rng.normal([4700, 2.3, -0.2, 0.05], [250, 0.6, 0.25, 0.1], (60, 4))
        scale = rng.uniform(0.5, 2, 4) * [100, 0.3, 0.1, 0.05]
        gap = ((labels[:, None] - labels[None]) / scale) ** 2
        distance = gap.sum(axis=2) + np.where(np.eye(60), np.inf, 0)
        found = checks.array(twin(labels, scale), (60,)).astype(int)
        checks.that(bool(((found >= 0) & (found < 60)).all()), "a twin's row number does not exist")
        chosen = distance[np.arange(60), found]
        checks.close(
            chosen,
            distance.min(axis=1),
            rtol=1e-3,
            hint="some twins are not the nearest in label / scale: does every label count as it "
            "should?",
        )


### END HIDDEN TESTS

# %% [markdown]
# ### Question 10 · How different are two spectra?
#
# Write `rms_difference`, the root of the mean squared difference of two normalised spectra over
# the pixels that are good in *both*.


# %% solution="rms_difference"
def rms_difference(flux_a, error_a, flux_b, error_b):
    """Return the root-mean-square difference of two normalised spectra.

    Parameters
    ----------
    flux_a, error_a, flux_b, error_b : (n,) arrays
        Relative to the continuum. A pixel with an error of 1e9 or more in either spectrum does
        not count.

    Returns
    -------
    float
        In units of the continuum; NaN if no pixel is good in both.
    """
    ### BEGIN SOLUTION
    both = (error_a < BAD_LIMIT) & (error_b < BAD_LIMIT)
    if not both.any():
        return float("nan")
    return float(np.sqrt(np.mean((flux_a[both] - flux_b[both]) ** 2)))
    ### END SOLUTION


# %% test="rms_difference" points=1
from helpers import checks


@checks.run
def test_rms_difference():
    import numpy as np

    rms = checks.submitted("rms_difference")
    flux, error = np.linspace(0.7, 1, 100), np.full(100, 0.01)
    same = checks.number(rms(flux, error, flux, error))
    checks.close(same, 0.0, atol=1e-9, hint="a spectrum does not differ from itself")


### BEGIN HIDDEN TESTS
@checks.run
def test_rms_difference_hidden():
    import numpy as np

    rms = checks.submitted("rms_difference")
    rng = np.random.default_rng(31)
    flux, error = rng.uniform(0.6, 1, 2000), np.full(2000, 0.01)
    shifted = checks.number(rms(flux, error, flux + 0.03, error))
    checks.close(
        shifted, 0.03, atol=1e-6, hint="a constant offset is a difference, and a telling one"
    )
    noise = rng.normal(0, 0.02, 2000)
    got = checks.number(rms(flux, error, flux + noise, error))
    checks.close(got, float(np.sqrt(np.mean(noise**2))), rtol=1e-3, hint="this is no rms")
    error = 10 ** rng.uniform(-3, 0, 2000)
    noise = rng.normal(0, error)
    got = checks.number(rms(flux, error, flux + noise, error))
    checks.close(
        got, float(np.sqrt(np.mean(noise**2))), rtol=1e-3, hint="not all good pixels count alike"
    )


### END HIDDEN TESTS

# %% test="rms_difference.bad" points=2
from helpers import checks


@checks.run
def test_rms_difference_bad():
    import numpy as np

    rms = checks.submitted("rms_difference")
    flux, error = np.full(50, 0.9), np.full(50, 0.01)
    other, other_error = flux + 0.01, error + 0.0
    other[3], other_error[3] = 40.0, 1e10
    got = checks.number(rms(flux, error, other, other_error))
    checks.that(got < 0.1, "a pixel that is bad in the second spectrum counts")


### BEGIN HIDDEN TESTS
@checks.run
def test_rms_difference_bad_hidden():
    import numpy as np

    rms = checks.submitted("rms_difference")
    rng = np.random.default_rng(32)
    a, b = rng.uniform(0.6, 1, (2, 1000))
    error_a, error_b = np.full((2, 1000), 0.01)
    bad_a, bad_b = rng.choice(1000, 200, replace=False), rng.choice(1000, 300, replace=False)
    a[bad_a], error_a[bad_a] = 5.0, 1e10
    b[bad_b], error_b[bad_b] = -3.0, rng.choice([1e9, 1e10], 300)
    both = (error_a < 1) & (error_b < 1)
    want = float(np.sqrt(np.mean((a - b)[both] ** 2)))
    got = checks.number(rms(a, error_a, b, error_b))
    checks.close(got, want, rtol=1e-5, hint="only pixels that are good in both spectra count")
    checks.close(
        checks.number(rms(b, error_b, a, error_a)),
        got,
        rtol=1e-5,
        hint="the difference should not depend on the order of the two spectra",
    )
    error_b = np.where(error_a < 1, 1e10, 0.01)
    nothing = checks.array([rms(a, error_a, b, error_b)], (1,), finite=False)
    checks.that(
        bool(np.isnan(nothing[0])),
        "where no pixel is good in both spectra nobody knows how different they are",
    )


### END HIDDEN TESTS

# %%
LABEL_SCALE = np.array([100.0, 0.2, 0.1, 0.05, 0.05])  # K, then dex
twin = np.asarray(nearest_twin(labels, LABEL_SCALE), dtype=int)
separation = np.sqrt(np.sum(((labels - labels[twin]) / LABEL_SCALE) ** 2, axis=1))
alike = np.flatnonzero(separation < 1)
stranger = np.random.default_rng(33).permutation(alike)


def differences(flux, error, pairs):
    """Return the rms difference of each pair of stars, and what noise alone would make of it."""
    rms, noise = [], []
    for i, j in pairs:
        both = (error[i] < BAD_LIMIT) & (error[j] < BAD_LIMIT)
        rms.append(rms_difference(flux[i], error[i], flux[j], error[j]))
        noise.append(np.sqrt(np.mean(error[i][both] ** 2 + error[j][both] ** 2)))
    return np.array(rms), np.array(noise)


twin_rms, twin_noise = differences(flux, error, zip(alike, twin[alike], strict=True))
other_rms, other_noise = differences(flux, error, zip(alike, stranger, strict=True))
other = alike != stranger
beyond_noise = [
    np.sqrt(np.median(rms**2 - noise**2))
    for rms, noise in ((twin_rms, twin_noise), (other_rms[other], other_noise[other]))
]
print(f"{len(alike)} stars have a twin within one unit of label / scale")
print(
    f"median rms difference of twins {np.median(twin_rms):.4f}, noise {np.median(twin_noise):.4f}"
)
print(f"beyond the noise: twins {beyond_noise[0]:.4f}, stars at random {beyond_noise[1]:.4f}")

with plots.style():
    figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.6), width_ratios=(1, 1.3))
    bins = np.geomspace(0.003, 0.3, 45)
    axes[0].hist(twin_rms, bins, alpha=0.8, color=plots.COLOURS["blue"], label="twins")
    axes[0].hist(
        twin_noise,
        bins,
        histtype="step",
        color=plots.COLOURS["black"],
        label="noise of the twins alone",
    )
    axes[0].hist(
        other_rms,
        bins,
        histtype="step",
        lw=1.5,
        color=plots.COLOURS["vermilion"],
        label="two stars at random",
    )
    axes[0].set_xscale("log")
    axes[0].set_xlabel("rms difference / continuum")
    axes[0].set_ylabel("pairs of stars")
    axes[0].set_ylim(0, 1.5 * axes[0].get_ylim()[1])
    axes[0].legend(fontsize=8)
    # the pair that differs most in brightness
    ratio = np.abs(np.log(brightness[alike] / brightness[twin[alike]]))
    i = alike[np.argmax(np.where(twin_noise < 0.02, ratio, 0))]
    brighter = max(brightness[i] / brightness[twin[i]], brightness[twin[i]] / brightness[i])
    piece = slice(CHIPS[1][0] + 300, CHIPS[1][0] + 600)
    for j, colour, style in ((i, "blue", "-"), (twin[i], "vermilion", "--")):
        shown = np.where(error[j] < BAD_LIMIT, flux[j], np.nan)
        axes[1].plot(
            wavelength[piece],
            shown[piece],
            style,
            color=plots.COLOURS[colour],
            label=f"{names[j]}: {labels[j, 0]:.0f} K, median flux {brightness[j]:.0f}",
        )
    axes[1].set_ylim(0.5, 1.2)
    axes[1].set_xlabel("vacuum wavelength / Å")
    axes[1].set_ylabel("flux / pseudo-continuum")
    axes[1].legend(fontsize=8, loc="upper left")
    figure.suptitle(source, fontsize=8)
plots.show(
    figure,
    alt="Left: histograms of rms differences; twins differ by little more than their noise, random "
    "pairs by more. Right: normalised spectra of two twins of very different "
    "brightness lie on top of each other.",
)
# claim (simulated): 1 < np.median(twin_rms) / np.median(twin_noise) < 1.2
# claim (simulated): np.median(other_rms[other]) > 1.5 * np.median(twin_rms)
# claim (simulated): brighter > 10

# %% [markdown]
# The spectra of twins differ by little more than their noise. Subtract the noise (in squares). What
# is left is several times smaller for twins than for stars at random. It comes from labels that are
# not quite equal, labels that we do not have, defects without a flag, and the normalisation itself.
# claim (simulated): 3 < beyond_noise[1] / beyond_noise[0] < 8
#
# ### Test 2: wiggles
#
# An rms over all pixels does not show a slow wave of half a per cent below the noise. An average
# over a hundred pixels reduces the noise tenfold but leaves the wave. So average the *difference of
# twins* in blocks, and see by how much the averages scatter.

# %%
WIDTH = 100
blocks = [
    np.arange(first, first + WIDTH) for a, b in CHIPS for first in range(a, b - WIDTH + 1, WIDTH)
]
pulls = []
for i in alike:
    j = twin[i]
    variance = error[i].astype(float) ** 2 + error[j].astype(float) ** 2
    for block in blocks:
        weight = np.where(variance[block] < BAD_LIMIT, 1 / variance[block], 0)
        if np.count_nonzero(weight) > WIDTH // 2:
            pulls.append(
                (wavelength[block].mean(), weight @ (flux[i] - flux[j])[block] / weight.sum())
            )
pulls = np.array(pulls)
centres = np.unique(pulls[:, 0])
spread = np.array([np.median(np.abs(pulls[pulls[:, 0] == c, 1])) * 1.4826 for c in centres])
with plots.style():
    figure, axis = plt.subplots(figsize=(8, 3.2))
    for start, stop in CHIPS:
        here = (centres > wavelength[start]) & (centres < wavelength[stop - 1])
        axis.plot(centres[here], 100 * spread[here], "o-", ms=4, color=plots.COLOURS["blue"])
    axis.set_ylim(0, None)
    axis.set_xlabel("vacuum wavelength / Å")
    axis.set_ylabel("scatter of block means / %")
    axis.set_title(f"Difference of twins averaged over {WIDTH} pixels ({source})", fontsize=9)
plots.show(
    figure,
    alt="Robust scatter of the twins' difference averaged in blocks of a hundred pixels against "
    "wavelength: about 0.3 per cent, and up to about three times that in the blocks at some of the "
    "edges of the chips.",
)
print(f"typical scatter of a block mean: {100 * np.median(spread):.2f} % of the continuum")
print(f"largest: {100 * spread.max():.2f} %, at {centres[np.argmax(spread)]:.0f} Å")
edges = [wavelength[pixel] for a, b in CHIPS for pixel in (a, b - 1)]
near_edge = np.min(np.abs(centres[:, np.newaxis] - edges), axis=1) < 50
# claim (simulated): 0.2 < 100 * np.median(spread) < 0.4
# claim (simulated): 2 < spread.max() / np.median(spread) < 4
# claim (simulated): near_edge[np.argmax(spread)]

# %% [markdown]
# Over a hundred pixels two like stars agree within a few tenths of a per cent, differences of their
# labels included. At the edges of the chips they agree less well, because beyond the last continuum
# pixel no point constrains the polynomial. Trust the pixels there least in lab 3.
# claim: 0.1 < 100 * np.median(spread) < 1.0
# claim (simulated): np.median(spread[near_edge]) > 1.2 * np.median(spread[~near_edge])
#
# ### Test 3: a noisy copy of a good spectrum
#
# Take a star with an excellent spectrum, add noise, and normalise it again. You know what the
# result should be: the same continuum on average, with a scatter that the noise explains.
#
# ### Question 11 · Add noise
#
# Write `add_noise`. The new spectrum has two independent sources of noise, the one it came with
# and the one you add. Its error must include both.


# %% solution="add_noise"
def add_noise(flux, error, noise, seed):
    """Add Gaussian noise to a spectrum and update its error.

    Parameters
    ----------
    flux, error : (n,) arrays
        In one unit; the noise already present has standard deviation ``error``.
    noise : float
        Standard deviation of the noise to add to every pixel, in the same unit.
    seed : int
        The same seed gives the same noise, another seed other noise.

    Returns
    -------
    flux, error : (n,) arrays
        The noisier spectrum, and the error of its total noise. A bad pixel (1e10) stays bad.
    """
    ### BEGIN SOLUTION
    rng = np.random.default_rng(seed)
    return flux + rng.normal(0, noise, len(flux)), np.hypot(error, noise)
    ### END SOLUTION


# %% test="add_noise" points=1
from helpers import checks


@checks.run
def test_add_noise():
    import numpy as np

    add = checks.submitted("add_noise")
    result = add(np.full(50, 100.0), np.full(50, 1.0), 8.0, 1)
    checks.that(
        type(result) in (tuple, list) and len(result) == 2, "return two arrays: flux and error"
    )
    error = checks.array(result[1], (50,), "the new error")
    checks.that(bool((error > 8).all()), "the new error should exceed the noise that was added")


### BEGIN HIDDEN TESTS
@checks.run
def test_add_noise_error():
    import numpy as np

    add = checks.submitted("add_noise")
    rng = np.random.default_rng(34)
    old = rng.uniform(1, 5, 300)
    old[::10] = 1e10
    _, error = add(np.full(300, 100.0), old, 3.0, 5)
    error = checks.array(error, (300,), "the new error")
    checks.close(
        error,
        np.sqrt(old**2 + 9.0),
        rtol=1e-3,
        hint="how do the errors of two independent sources of noise combine?",
    )


### END HIDDEN TESTS

# %% test="add_noise.noise" points=2
from helpers import checks


@checks.run
def test_add_noise_noise():
    import numpy as np

    add = checks.submitted("add_noise")
    flux, error = np.linspace(90, 100, 200), np.ones(200)
    once, again, other = (
        checks.array(add(flux, error, 2.0, seed)[0], (200,), "the new flux") for seed in (4, 4, 5)
    )
    checks.that(bool((once == again).all()), "the same seed should give the same noise")
    checks.that(bool((once != other).any()), "another seed should give other noise")


### BEGIN HIDDEN TESTS
@checks.run
def test_add_noise_noise_hidden():
    import numpy as np

    add = checks.submitted("add_noise")
    n = 20_000
    # the noise that the spectrum has already is in its flux, and flux may be negative
    flux, error = np.linspace(-500, 1500, n), np.linspace(0.1, 20.0, n)
    for sigma in (0.4, 30.0):
        new = checks.array(add(flux, error, sigma, 11)[0], (n,), "the new flux")
        z = (new - flux) / sigma
        checks.that(
            bool(abs(z.mean()) < 0.04), "the noise should be zero on average: the flux has shifted"
        )
        checks.that(
            bool(abs(z.std() - 1) < 0.04), "the noise added has the wrong standard deviation"
        )
        neighbours = np.mean(z[1:] * z[:-1])
        checks.that(bool(abs(neighbours) < 0.05), "every pixel should get noise of its own")
        checks.that(
            bool(abs(np.mean(np.abs(z) > 2) - 0.0455) < 0.012), "the noise should be Gaussian"
        )


### END HIDDEN TESTS

# %%
best = int(np.argmin(np.median(error[:, on_chip], axis=1)))
clean = continuum_of(raw_flux[best], raw_error[best], DEGREE)
level = np.nanmedian(clean)
ratios = np.array([10, 20, 50, 100, 200])
trials = 25
bias, chance, scatter, one_sided, with_wing = [], [], [], [], []
edge = (wavelength > 16395) & (wavelength < wavelength[CHIPS[1][1] - 1])
green = slice(*CHIPS[1])
x_green = np.asarray(scaled_wavelength(wavelength[green]), dtype=float)


def one_sided_fit(flux, error):
    """Fit the green chip with a clip of low points only: a mistake, shown on purpose."""
    points = is_continuum[green] & (raw_error[best][green] < BAD_LIMIT)
    for _ in range(5):
        curve = weighted_polynomial(
            x_green[points], flux[green][points], error[green][points], DEGREE, x_green
        )
        points = points & (flux[green] - curve > -1.5 * error[green])
    return np.asarray(curve)


def spoilt_fit(flux, error):
    """Fit the green chip with the list that has six pixels in the wing of a hydrogen line."""
    return np.asarray(
        pseudo_continuum(wavelength, flux, error, spoilt_list, CHIPS[1:2], DEGREE), dtype=float
    )


clean_with_wing = spoilt_fit(raw_flux[best].astype(float), raw_error[best].astype(float))
for snr in ratios:
    curves, clipped, wing = [], [], []
    for seed in range(trials):
        noisy_flux, noisy_error = map(
            np.asarray,
            add_noise(
                raw_flux[best].astype(float), raw_error[best].astype(float), level / snr, seed
            ),
        )
        curves.append(continuum_of(noisy_flux, noisy_error, DEGREE) / clean)
        clipped.append(one_sided_fit(noisy_flux, noisy_error) / clean[green])
        wing.append((spoilt_fit(noisy_flux, noisy_error) / clean_with_wing)[edge])
    curves = np.array(curves)[:, on_chip]
    bias.append(curves.mean() - 1)
    chance.append(np.std(curves.mean(axis=1)) / np.sqrt(trials))
    scatter.append(np.sqrt(np.mean(np.var(curves, axis=0))))
    one_sided.append(np.mean(clipped) - 1)
    with_wing.append(np.mean(wing) - 1)

# the mean variance of a fit with p terms to N points is about p/N times one point's
useful = is_continuum & (raw_error[best] < BAD_LIMIT)
share = np.mean([(DEGREE + 1) / useful[a:b].sum() for a, b in CHIPS])
with plots.style():
    figure, axis = plt.subplots(figsize=(6, 3.6))
    axis.loglog(ratios, 100 / ratios, ":", color="0.4", label="noise of one pixel")
    axis.loglog(
        ratios,
        100 * np.sqrt(share) / ratios,
        "--",
        color=plots.COLOURS["black"],
        label="expected of the continuum",
    )
    axis.loglog(
        ratios,
        100 * np.array(scatter),
        "o",
        color=plots.COLOURS["blue"],
        label="scatter of the continuum",
    )
    axis.loglog(
        ratios,
        100 * np.abs(bias),
        "^",
        color=plots.COLOURS["vermilion"],
        label="mean shift of the continuum",
    )
    axis.loglog(
        ratios,
        100 * np.abs(one_sided),
        "s",
        mfc="none",
        color=plots.COLOURS["orange"],
        label="mean shift with a one-sided clip",
    )
    axis.set_xlabel("signal-to-noise ratio per pixel after adding noise")
    axis.set_ylabel("% of the continuum")
    axis.set_title(f"{names[best]}, made noisy on purpose ({source})", fontsize=9)
    axis.legend(fontsize=8)
plots.show(
    figure,
    alt="Scatter and mean shift of the fitted continuum against signal-to-noise ratio on "
    "logarithmic axes: the scatter follows the expected inverse law far below the noise of a "
    "pixel; the mean shift is smaller still. With a one-sided clip the mean shift is many times "
    "larger.",
)
for snr, shift, luck, width, clip, wing in zip(
    ratios, bias, chance, scatter, one_sided, with_wing, strict=True
):
    print(
        f"S/N {snr:4d}: mean shift {shift:+.3%} (chance {luck:.3%}), scatter {width:.3%}, "
        f"one-sided clip {clip:+.2%}, edge with six pixels added {wing:+.2%}"
    )
expected_scatter = np.sqrt(share) / ratios
# claim: np.all(np.abs(scatter / expected_scatter - 1) < 0.4)
# claim (simulated): np.all(np.abs(one_sided) > 5 * np.abs(bias))
# claim: np.all(np.abs(bias) < scatter)

# %% [markdown]
# The scatter of the continuum falls as 1/(S/N). It has the size that a fit of four terms to more
# than a hundred points should have. The mean shift is as small as chance allows after 25 trials. A
# one-sided clip shifts the continuum many times more, and more in noisier spectra.
# claim: np.all(np.abs(bias) < 3 * np.array(chance))
# claim (simulated): np.all(np.diff(one_sided) < 0) and one_sided[0] > 0.01
#
# The last column repeats the experiment with the six pixels in the wing of hydrogen, and shows the
# shift of the continuum near 16400 Å.
#
# ### Test 4: brightness and bad pixels
#
# Multiply the flux by ten: nothing may change. Declare a third of the pixels bad: little may
# change.

# %%
ten_times = continuum_of(10 * raw_flux[best], 10 * raw_error[best], DEGREE)
holes = np.random.default_rng(35).uniform(size=wavelength.size) < 1 / 3
with_holes = continuum_of(
    np.where(holes, np.nan, raw_flux[best]), np.where(holes, BAD_ERROR, raw_error[best]), DEGREE
)
print(f"ten times brighter:          {np.nanmax(np.abs(ten_times / 10 / clean - 1)):.1e} at most")
print(f"a third of the pixels bad:   {np.nanmax(np.abs(with_holes / clean - 1)):.2%} at most")
# claim: np.nanmax(np.abs(ten_times / 10 / clean - 1)) < 1e-5
# claim (simulated): np.nanmax(np.abs(with_holes / clean - 1)) < 0.005

# %% [markdown]
# ### Question 12 · Read the evidence
#
# **Explain** what you learn from sections 7 and 8, with numbers from your own output. About fifteen
# lines.
#
# 1. Which degrees does the cross-validation allow? Why can it not decide among them, and what does
#    it not see at all?
# 2. What does each of the four tests show about your normalisation? Name one mistake that each of
#    them would find.
# 3. Now the six pixels in the wing of hydrogen. How do you see in the cross-validation that
#    something is wrong, and what would a student conclude who only looks for the lowest score? In
#    the last column of Test 3, why does the continuum move with S/N although the clip treats both
#    sides alike? What is the right cure?

# %% [markdown] explain="evidence" points=5
# 1. On all three chips the score falls steeply up to degree two and is then constant within 3 %.
#   Degrees two, three and four are equally good: further terms describe nothing that the points
#   show, and each costs only about 1/N of the score, too little to see. The score is a mean over
#   the continuum pixels. It does not see what the curve does where there are none, above all beyond
#   the last of them at the ends of a chip, where degree 15 leaves the data by more than 10 %.
# 2. *Twins* differ by 1.1 times their noise; beyond the noise they differ several times less than
#   stars at random. A continuum that depended on brightness would make them differ. *Block means*
#   of twins scatter by 0.3 %, more at the edges of the chips. They would find wiggles, from a
#   degree that is too high. *Noisy copies* give the same continuum within chance, with the scatter
#   expected. They would find a one-sided clip. *Ten times the flux, a third of the pixels bad*: no
#   change, and a few tenths of a per cent. They would find an absolute threshold in the clip,
#   errors that are not used, or NaN that spread.
# 3. With the six pixels the score of the green chip goes on falling up to high degrees: the
#   polynomial bends down into the line at the end of the chip. Somebody who looks only for the
#   lowest score chooses degree 8 and puts the wing of hydrogen into the continuum. In a good
#   spectrum the six points lie many of their own errors below the curve, so the clip removes them.
#   In a noisy spectrum they lie within four errors and stay, and they pull the continuum down. The
#   clip is symmetric, but the points are not: they are all low. So the continuum depends on S/N, by
#   2 % at the edge for S/N 50. Neither the degree nor the clip cures it. The pixels must leave the
#   list.
# claim (simulated): (np.ptp(three_chips[:, 2:5], axis=1) < 0.03).all()
# claim (simulated): median_scores["spoilt"].argmin() >= 6
# claim (simulated): -0.03 < with_wing[2] < -0.015 and abs(with_wing[-1]) < 0.005
# claim (simulated): np.abs(clean_with_wing[edge] / clean[edge] - 1).max() < 0.005
#
# **Rubric** (5 points)
#
# - (1) Degrees two to four are equally good; why the score cannot tell them apart, or that more
#   terms cost little.
# - (1) The score sees only the continuum pixels: not the ends of the chips, not the gaps.
# - (1) A correct reading of at least three of the four tests, with own numbers.
# - (1) A mistake that the tests find, for at least three of them.
# - (1) The six pixels: bad, not "a higher degree"; clipped at high S/N, kept at low S/N; remove
#   them from the list.

# %% [markdown]
# ## 9. Checkpoint 1
#
# Checkpoint 1 of the course sheet asks for (a) the corner plot of the labels and (b), for star
# **2M21235315+1244123**, its unnormalised spectrum, your fit to its continuum, and its normalised
# spectrum.
#
# ### Question 13 · The figure
#
# Write `checkpoint_figure`. Choose limits that show the spectrum, label the axes with quantity and
# unit, and draw the continuum so that the spectrum remains visible.


# %% solution="checkpoint_figure"
def checkpoint_figure(wavelength, flux, continuum, normalised):
    """Draw a spectrum, its continuum, and the normalised spectrum.

    Parameters
    ----------
    wavelength : (n,) array
        Vacuum wavelength in Å.
    flux, continuum : (n,) arrays
        In 1e-17 erg/s/cm2/Å; NaN where there is nothing to show.
    normalised : (n,) array
        flux / continuum; NaN where there is nothing to show.

    Returns
    -------
    matplotlib Figure
        One or more panels with flux and continuum together, and one or more with the normalised
        flux, all against wavelength.
    """
    ### BEGIN SOLUTION
    with plots.style():
        figure, (above, below) = plt.subplots(2, 1, figsize=(9, 5), sharex=True)
        above.plot(wavelength, flux, lw=0.4, color="0.5", label="unnormalised spectrum")
        above.plot(
            wavelength, continuum, lw=1.8, color=plots.COLOURS["vermilion"], label="continuum fit"
        )
        above.set_ylim(0, 1.25 * np.nanmax(continuum))
        above.set_ylabel(FLUX_LABEL)
        above.legend(ncols=2, loc="lower center")
        below.plot(wavelength, normalised, lw=0.4, color=plots.COLOURS["blue"])
        below.axhline(1, lw=0.8, color=plots.COLOURS["vermilion"])
        below.set_ylim(0.2, 1.2)
        below.set_ylabel("normalised flux")
        below.set_xlabel("vacuum wavelength / Å")
    return figure
    ### END SOLUTION


# %% test="checkpoint_figure" points=3
from helpers import checks


@checks.run
def test_checkpoint_figure():
    import numpy as np

    wavelength = np.linspace(15150, 16950, 900)
    continuum = np.where(np.arange(900) % 300 < 20, np.nan, 2000 - 0.3 * (wavelength - 15150))
    normal = 1 - 0.3 * (np.arange(900) % 17 == 0)
    facts = checks.submitted("checkpoint_figure")(wavelength, continuum * normal, continuum, normal)
    checks.figure(facts, axes=2)


### BEGIN HIDDEN TESTS
@checks.run
def test_checkpoint_figure_hidden():
    import itertools

    import numpy as np

    from helpers.labels import says

    rng = np.random.default_rng(36)
    wavelength = np.linspace(15150, 16950, 900)
    continuum = np.where(np.arange(900) % 300 < 20, np.nan, 2000 - 0.3 * (wavelength - 15150))
    normal = np.where(np.isnan(continuum), np.nan, rng.uniform(0.6, 1.0, 900))
    flux = continuum * normal
    facts = checks.submitted("checkpoint_figure")(wavelength, flux, continuum, normal)
    facts = checks.figure(facts, axes=2)
    seen = np.isfinite(continuum)

    step = wavelength[1] - wavelength[0]

    def panels_with(values):
        """Name the panels that show most of these values, at their wavelengths in any unit."""
        found = set()
        for number, axes in enumerate(facts.axes):
            drawn = np.concatenate([np.empty((0, 2)), *axes.data])
            drawn = drawn[np.isfinite(drawn).all(axis=1)]
            left, right = sorted(axes.xlim)
            drawn = drawn[(drawn[:, 0] >= left) & (drawn[:, 0] <= right)]
            for unit, factor in itertools.product((1.0, 0.1, 1e-4), (1.0, 1e-17, 1e-3, 100.0)):
                pixel = (drawn[:, 0] / unit - wavelength[0]) / step
                near = np.rint(pixel.clip(0, 899)).astype(int)
                right = abs(pixel - near) < 0.05
                right &= abs(drawn[:, 1] / factor / values[near] - 1) < 1e-3
                if np.mean(np.isin(np.flatnonzero(seen), near[right])) > 0.25:
                    found.add(number)
        return found

    in_flux, in_continuum, in_normal = map(panels_with, (flux, continuum, normal))
    checks.that(bool(in_flux), "the unnormalised spectrum is not in the figure")
    checks.that(bool(in_continuum), "the continuum is not in the figure")
    checks.that(bool(in_normal), "the normalised spectrum is not in the figure")
    checks.that(bool(in_normal - in_flux), "the normalised spectrum needs a panel of its own")
    checks.that(
        bool(in_flux & in_continuum), "spectrum and continuum should share a panel to be compared"
    )
    labels = [axes.ylabel for axes in facts.axes]
    units = "erg", "10^", "1e-17", "W m", "W/m"
    checks.that(
        any(says(labels[panel], *units) for panel in in_flux)
        and any(labels[panel] and not says(labels[panel], "erg") for panel in in_normal),
        "a vertical axis says another quantity, or another unit, than is drawn along it",
    )
    wide = [data for axes in facts.axes for data in axes.data if len(data) > 50]
    zeros = sum(np.sum(data[:, 1] == 0) for data in wide)
    checks.that(zeros < 5, "a flux of zero is drawn where there is nothing to show")


### END HIDDEN TESTS

# %% test="checkpoint_figure.labels" points=1
from helpers import checks


@checks.run
def test_checkpoint_figure_labels():
    import numpy as np

    wavelength = np.linspace(15150, 16950, 900)
    continuum = np.full(900, 1500.0)
    facts = checks.submitted("checkpoint_figure")(
        wavelength, 0.9 * continuum, continuum, np.full(900, 0.9)
    )
    facts = checks.figure(facts, axes=2)
    x_labels = "; ".join(axes.xlabel for axes in facts.axes)
    y_labels = "; ".join(axes.ylabel for axes in facts.axes)
    checks.label_has(
        x_labels, "wavelength", "lambda", "λ", hint="no horizontal axis says wavelength"
    )
    unit = checks.wavelength_unit(x_labels, hint="no horizontal axis names the unit of wavelength")
    checks.label_has(
        y_labels, "flux", "f_", "fλ", "normali", hint="no vertical axis says that it is a flux"
    )
    checks.label_has(
        y_labels,
        *("erg", "10^", "1e-17", "W m", "W/m"),
        hint="no vertical axis names the unit of the flux",
    )
    drawn = [data for axes in facts.axes for data in axes.data if len(data) > 50]
    along = [unit * data[np.isfinite(data).all(axis=1), 0] for data in drawn]
    checks.that(
        sum(bool(x.size and x.min() > 15100 and x.max() < 17000) for x in along) > 2,
        "the spectrum, its continuum and the normalised spectrum are not drawn against wavelength "
        "in the unit that the axis names",
    )
    spans = {axes.ylabel: [] for axes in facts.axes if axes.data}
    for axes in facts.axes:
        if axes.data:
            spans[axes.ylabel].append(abs(axes.ylim[1] - axes.ylim[0]))
    least, most = min(map(min, spans.values())), max(map(max, spans.values()))
    checks.that(most > 5 * least, "flux and normalised flux need axes of their own")
    for span in (least, most):
        named = any(label and 0.2 < s / span < 5 for label in spans for s in spans[label])
        checks.that(named, "flux and normalised flux each need a label at their axis")


# %% test="checkpoint_figure.limits" points=1
from helpers import checks


@checks.run
def test_checkpoint_figure_limits():
    import numpy as np

    rng = np.random.default_rng(37)
    wavelength = np.linspace(15150, 16950, 900)
    continuum = np.full(900, 1500.0)
    normal = rng.uniform(0.6, 1.0, 900)
    facts = checks.submitted("checkpoint_figure")(wavelength, normal * continuum, continuum, normal)
    facts = checks.figure(facts, axes=2)
    # low to high: a spectrum upside down is hard to read
    spans = [axes.ylim for axes in facts.axes if any(len(c) > 50 for c in axes.data)]
    checks.that(
        any(low < 0.7 * s and 0.95 * s < high < 3 * s for low, high in spans for s in (1, 100)),
        "no panel has limits in which the lines of the normalised spectrum can be seen",
    )
    checks.that(
        any(
            low < 1050 * s and 1400 * s < high < 6000 * s for low, high in spans for s in (1, 1e-17)
        ),
        "no panel has limits in which the unnormalised spectrum can be seen",
    )


# %%
continuum = continuum_of(raw_flux[star], raw_error[star], DEGREE)
visible = error[star] < BAD_LIMIT
star_figure = checkpoint_figure(
    wavelength,
    np.where(visible, raw_flux[star], np.nan),
    continuum,
    np.where(visible, flux[star], np.nan),
)
star_figure.suptitle(f"{names[star]} ({source})", fontsize=9)
plots.show(
    star_figure,
    alt="Checkpoint figure: above, the unnormalised spectrum of the checkpoint star with the "
    "continuum of each chip along its upper edge; below, the normalised spectrum, flat at one with "
    "absorption lines.",
)
# claim: abs(np.median(flux[star][is_continuum & visible]) - 1) < 0.005
# claim: np.mean(flux[star][on_chip] < 1) > 0.6

# %% [markdown]
# The other page of the PDF is the corner plot that you drew in lab 1, which kept a picture of it.
# If you have not run lab 1, that page says so; run lab 1 before you hand in.
#
# Put your own name below and run the cell: the PDF is what you hand in.

# %%
with plots.style():
    corner_page = plt.figure(figsize=(8.5, 8.5), layout="none")
    if "corner_picture" in survey:
        page = corner_page.add_axes((0, 0, 1, 1))
        page.imshow(survey["corner_picture"])
        page.axis("off")
    else:
        corner_page.text(0.5, 0.5, "run lab 1: it keeps the corner plot for this page", ha="center")
plots.show(
    corner_page,
    alt="The first page of the PDF: the corner plot of the five labels from lab 1, or a line that "
    "says that lab 1 has not been run.",
)

# %%
FIRST_NAME, LAST_NAME = "Ada", "Lovelace"
pdf = checkpoints.write_pdf(
    FIRST_NAME, LAST_NAME, lab=2, checkpoint=1, figures=[corner_page, star_figure]
)
print(f"written: {pdf.name}")
# claim: "corner_picture" in survey and pdf.is_file()

# %% [markdown]
# ### Question 14 · What if?
#
# Suppose your continuum depended on the signal-to-noise ratio: one per cent too high at S/N = 50
# and right at S/N = 300. (An upper-envelope fit does that.) **Explain** what would go wrong when
# you train a model on such spectra and use it to measure labels. Which labels would suffer, and
# for which stars? Would more training spectra help? And why are *wiggles*, which average to zero
# over a chip, harmful too?

# %% [markdown] explain="consistency" points=4
# Dividing by a continuum that is 1 % too high makes every pixel 1 % too low: all lines seem a
# little stronger and, worse, the pixels between them seem to absorb. The training set then holds
# two kinds of spectra for the same labels. The model, which knows labels only, fits something
# between; the mismatch appears as intrinsic scatter in every pixel. If S/N is related to the labels
# in the training set (because luminous, cool giants are seen farther away, for example), the model
# takes the shift for an effect of the labels, and its derivatives are wrong everywhere.
#
# When labels are measured, the fit explains a faint star's spectrum by labels that deepen
# everything: a lower temperature, a higher [Fe/H], and with them a wrong log g and wrong
# abundances. The labels are then biased as a function of S/N, that is of brightness and distance,
# and show false gradients across the Galaxy. This is a systematic error: more spectra do not reduce
# it, and the formal errors do not include it.
#
# Wiggles are correlated over many pixels. Over a short stretch they look like a change of all
# lines in it, so they bias exactly those labels that get their information from few places (Mg,
# Si), by amounts that differ from star to star. Averaged over a chip they vanish, in the fit they
# do not, because a label's weight is not spread evenly over the chip.
#
# **Rubric**
# - (1) The same labels give different spectra; the model cannot fit both (larger scatter), or
#   mistakes S/N for a label.
# - (1) Measured labels are biased with S/N, hence with distance or brightness; names a plausible
#   direction ("too high a continuum looks like stronger lines, more metal or cooler").
# - (1) It is systematic: more spectra do not help, and the formal errors do not show it.
# - (1) Wiggles: correlated over many pixels, they mimic lines in some wavelength ranges and so
#   bias labels that depend on few lines.

# %% [markdown]
# ## 10. One more star, and save for lab 3
#
# In lab 5 you will meet a **mystery star**: a spectrum without name, position or labels. Normalise
# it now, in the same way as all the others. (An archive of real spectra has it only if you put the
# file there.)

# %%
MASK_BITS = (*range(8), 12)  # as in lab 1
mystery = {}
try:
    (mystery_file,) = archive.fetch(["labkit/mystery_spec_wiped.fits"], progress=False)
except archive.ArchiveError:
    print(f"there is no mystery star in: {source}")
else:
    star_seen = apogee.read_apstar(mystery_file)
    flagged = (star_seen.mask & sum(1 << bit for bit in MASK_BITS)) != 0
    mystery_flux = star_seen.flux.astype(float)
    mystery_error = np.where(flagged, BAD_ERROR, star_seen.error.astype(float))
    curve = continuum_of(mystery_flux, mystery_error, DEGREE)
    mystery_flux, mystery_error = map(np.asarray, normalise(mystery_flux, mystery_error, curve))
    mystery = {"mystery_flux": mystery_flux, "mystery_error": mystery_error}
    print(f"mystery star: {np.sum(mystery_error < BAD_LIMIT)} good pixels")

# %%
products.save(
    "02_continuum",
    apogee_id=np.array(names),
    labels=labels,
    label_names=np.array(label_names),
    wavelength=wavelength,
    flux=flux,
    error=error,
    **mystery,
)

# %% [markdown]
# ## What to take away
#
# * The pseudo-continuum is a *convention*. It must be the same for every star, whatever the
#   brightness and the signal-to-noise ratio.
# * Choose the pixels by physics, the degree by cross-validation, and reject outliers by a rule that
#   treats both sides alike. No rule repairs a list with wrong pixels.
# * Errors are data: normalise them with the flux, weight the fit with them ($1/\sigma$ on the
#   residual), and keep bad pixels bad.
# * Test with data whose answer you know: twins, noisy copies, brighter copies, missing pixels.
#
# ## Go further
#
# You were given the list of continuum pixels. Make your own: start from the normalised spectra you
# have just saved, fit each pixel's flux as a linear function of the labels, keep the pixels that
# are close to 1 and respond least to any label (Ness et al. 2015, Section 5.3), normalise again
# with them, and repeat until the list settles. How much of the list you were given do you find? Do
# the twins agree better?
