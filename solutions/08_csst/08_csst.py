# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Lab 8 · Flux calibration with stars
#
# The Chinese Space Station Telescope (CSST) will take slitless spectra of hundreds of millions of
# sources in three bands: GU (2550-4200 Å), GV (4000-6500 Å) and GI (6200-10 000 Å). To turn counts
# into flux it needs a flat field at *every* wavelength, and it cannot take one: each detector has
# its grating fixed in front of it.
#
# Yang, Yuan, Duan et al. (2024, *A star-based method for precise flux calibration of the CSST
# slitless spectroscopic survey*, arXiv:2401.13167) propose to use stars. **Stars with the same
# normalised spectrum have the same spectral energy distribution (SED).** Millions of stars have a
# normalised spectrum from LAMOST. A network that turns it into an SED makes each of them a standard
# star.
#
# In this lab you follow the paper through its figures. For every prediction you will also know how
# good it could be at best.
#
# **After this lab you can**
#
# * prepare pairs of spectra and SEDs: running mean, resolution, scale, noise;
# * compute the **Cramér-Rao bound** of a prediction, and say what it assumes;
# * train a network whose errors come near that bound, and measure what each part of the recipe
#   buys;
# * check predicted errors, and fine-tune a network from models to "observed" stars;
# * measure the flat field of a detector from 400 stars, and say what spoils it.
#
# **You need** no earlier lab, but lab 6 (training loops, Gaussian loss) is good preparation. You
# need weighted least squares, principal components, and the Fisher matrix (Section 2 introduces
# it).
#
# | section | hours |
# |---|---|
# | 1 · Every star twice | 2.5 |
# | 2 · How well could anybody do? | 1.5 |
# | 3 · The paper's network | 1 |
# | 4, 5 · A better recipe, what each part buys | 3.5 |
# | 6 · Flat field | 0.75 |
# | 7 · Dust (optional) | 0.75 |
# | 8 · Colours (optional) | 0.5 |
# | 9 · From models to stars | 0.75 |
#
# The required part is about 10 hours. Sections 7 and 8 (Questions 13 and 14) are optional. Hints
# are folded below the harder questions.
#
# **What is simulated:** every spectrum. The kit computes a grid of 4608 model stars and two
# libraries that imitate NGSL and MILES. The weights of the paper's network that come with the kit
# were trained on these models. **What is real:** the throughputs of CSST and the extinction law.
# The paper used BOSZ models (54 959 of them, an Nvidia V100, 3000 epochs).
#
# A function must leave its arguments as they were; work on a copy.

# %% setup=true
import time
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.stats import norm
from sklearn.decomposition import PCA
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.preprocessing import PolynomialFeatures

from helpers import archive, csst, plots, products

WAVELENGTH_LABEL = "vacuum wavelength / Å"
#: signal to noise of the paper's training spectra; the test set has 80 as well
TRAINING_LEVELS = (20, 25, 30, 35, 40)
#: wavelengths at which the paper compares errors (Fig. 4 and 5), Å
CHECKED_WAVELENGTHS = (3205, 3429, 4252, 7206, 9207)
#: bounds on a predicted relative error
SMALLEST_SIGMA, LARGEST_SIGMA = 1e-4, 1.0

# %% [markdown]
# ## 1. Every star twice
#
# Each model of the grid comes at $R = 2000$ from 4000 to 7000 Å (what LAMOST sees) and at $R = 200$
# from 2500 to 10 500 Å (what CSST sees). Temperatures run from 5000 to 9750 K, log g from 0 to 5,
# [M/H] from -2.5 to 0.5 and [α/M] from -0.1 to 0.5.

# %%
archive.current()
grid = csst.models()
wavelength, sed_wavelength = grid.wavelength, grid.sed_wavelength
print(f"{len(grid.labels)} simulated models")
print(f"spectra: {wavelength.size} pixels, {wavelength[0]:.0f}-{wavelength[-1]:.0f} Å")
print(f"SEDs: {sed_wavelength.size} pixels, {sed_wavelength[0]:.0f}-{sed_wavelength[-1]:.0f} Å")
BAND_COLOURS = {"GU": "purple", "GV": "green", "GI": "vermilion"}
with plots.style():
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(8, 5), sharex=True)
    for teff, dash in ((5300, "-"), (6500, "--"), (9000, ":")):
        distance = np.abs(grid.labels - [teff, 4.2, -0.2, 0.1]) / [300, 0.4, 0.3, 0.3]
        i = int(np.argmin(distance.sum(axis=1)))
        top.plot(sed_wavelength, grid.sed[i], dash, label=f"{grid.labels[i, 0]:.0f} K")
    top.set_ylabel("flux / flux at 5556 Å")
    top.set_ylim(0, None)
    top.legend()
    for name in csst.BANDS:
        bottom.plot(*csst.throughput(name), color=plots.COLOURS[BAND_COLOURS[name]], label=name)
    for name in ("nuv", "u", "g", "r", "i", "z", "y"):
        bottom.plot(*csst.throughput(name), ":", color="0.6", lw=0.8)
    bottom.set_xlim(2400, 10600)
    bottom.set_xlabel(WAVELENGTH_LABEL)
    bottom.set_ylabel("throughput")
    bottom.legend(ncols=3)
plots.show(
    figure,
    alt="Top: simulated energy distributions of stars of 5300, 6500 and 9000 kelvin, scaled to one "
    "at 5556 angstrom; the cool star is faint in the ultraviolet and the hot one bright. Bottom: "
    "throughputs of GU, GV and GI, peaking at 0.21, 0.41 and 0.40, and of seven filters (dotted).",
)
# claim: [round(max(csst.throughput(b)[1]), 2) for b in csst.BANDS] == [0.21, 0.41, 0.4]
# claim: np.corrcoef(teff, sed[:, 40])[0, 1] > 0.5 and sed[np.argmin(teff), 40] < 0.5

# %% [markdown]
# ### Question 1 · The continuum
#
# LAMOST's own flux calibration is poor, so its spectra are divided by a continuum: the mean of 51
# pixels around each one (Section 2.1). "In cases where there are fewer than 25 pixels on one side
# of the boundary, all pixels on that side are used": near the ends the window keeps its place and
# only those of its pixels count that exist. Nothing is padded, mirrored or shifted. Write
# `running_continuum`.
#
# <details><summary>Hint</summary>
#
# The sum over a window is the difference of two cumulative sums. Clip both ends of the window to
# the spectrum, and divide by the number of pixels that are left.
#
# </details>


# %% solution="running_continuum"
def running_continuum(flux, window=51):
    """Average each spectrum over a window centred on every pixel.

    Parameters
    ----------
    flux : (n, p) array
        Spectra.
    window : int
        Its full width in pixels, odd.

    Returns
    -------
    (n, p) array
        The mean of the window's pixels that exist (Section 2.1 of the paper).
    """
    ### BEGIN SOLUTION
    half, p = window // 2, flux.shape[1]
    total = np.cumsum(np.pad(flux.astype(float), ((0, 0), (1, 0))), axis=1)
    first = np.maximum(np.arange(p) - half, 0)
    last = np.minimum(np.arange(p) + half + 1, p)
    return (total[:, last] - total[:, first]) / (last - first)
    ### END SOLUTION


# %% test="running_continuum" points=2
from helpers import checks


@checks.run
def test_running_continuum():
    import numpy as np

    average = checks.submitted("running_continuum")
    flat = checks.array(average(np.full((2, 120), 3.0)), (2, 120))
    checks.close(flat, np.full((2, 120), 3.0), rtol=1e-4, hint="a flat spectrum is its own mean")
    spike = np.zeros((1, 201))
    spike[0, 100] = 51.0
    got = checks.array(average(spike), (1, 201))[0]
    checks.close(
        np.flatnonzero(np.abs(got) > 0.5).size,
        51,
        atol=0.1,
        hint="one bright pixel should be seen by 51 windows, no more and no fewer",
    )
    checks.close(got.argmax(), 75, atol=0.1, hint="the window is not centred on its pixel")


### BEGIN HIDDEN TESTS
@checks.run
def test_running_continuum_inside():
    import numpy as np

    average = checks.submitted("running_continuum")
    rng = np.random.default_rng(21)
    flux = rng.uniform(0.5, 2.0, (3, 90))
    for window in (5, 51):
        half = window // 2
        got = checks.array(average(flux, window), (3, 90))
        for i in (half, 45, 89 - half):
            want = flux[:, i - half : i + half + 1].mean(axis=1)
            checks.close(got[:, i], want, rtol=1e-4, hint="a window in the middle has another mean")


### END HIDDEN TESTS

# %% test="running_continuum.edges" points=3
from helpers import checks


@checks.run
def test_running_continuum_edges():
    import numpy as np

    average = checks.submitted("running_continuum")
    ramp = np.arange(200.0)[None]
    got = checks.array(average(ramp), (1, 200))[0]
    checks.close(
        [got[0], got[10], got[199]],
        [12.5, 17.5, 186.5],
        atol=1e-2,
        hint="at an edge: all pixels that exist on the short side, 25 on the other, and the pixel",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_running_continuum_edges_hidden():
    import numpy as np

    average = checks.submitted("running_continuum")
    flux = np.random.default_rng(22).uniform(0.5, 2.0, (2, 80))
    got = checks.array(average(flux, 31), (2, 80))
    for i in (0, 3, 14, 65, 79):
        want = flux[:, max(i - 15, 0) : i + 16].mean(axis=1)
        checks.close(got[:, i], want, rtol=1e-4, hint="the rule at the edges is not the paper's")


### END HIDDEN TESTS

# %%
normalised = np.asarray(grid.flux / running_continuum(grid.flux), dtype=np.float32)
with plots.style():
    figure, axis = plt.subplots(figsize=(8, 3))
    axis.plot(wavelength, normalised[i], lw=0.6)
    axis.set_xlabel(WAVELENGTH_LABEL)
    axis.set_ylabel("flux / running mean")
plots.show(
    figure,
    alt="A simulated star of about 9000 kelvin divided by its running mean from 4000 to 7000 "
    "angstrom: sharp dips with raised shoulders at the Balmer lines on a level of one.",
)
beside = np.abs(np.abs(wavelength - 4862.7) - 30) < 8  # 22 to 38 Å from H beta, in vacuum
hot_star = normalised[i]
# claim: hot_star[np.abs(wavelength - 4862.7) < 5].min() < 0.85
# claim: hot_star[beside].mean() > 1.02

# %% [markdown]
# The shoulders beside strong lines show that the running mean is pulled down by them. It is not a
# continuum in the physical sense. That does not matter, as long as models and stars are treated in
# the same way.
#
# ### Question 2 · From one resolution to another
#
# A library seen at a width $w_1$ (full width at half maximum) that should look as if seen at $w_2$
# needs a Gaussian of width $\sqrt{w_2^2 - w_1^2}$, since widths of Gaussians add in squares. Write
# `degrade`: smooth *and* sample on another grid at once. The value at a new pixel is the mean of
# the old pixels, weighted by the Gaussian around the new wavelength and by the old pixels' sizes
# (`np.gradient(wavelength)`). A spectrum cannot be sharpened: raise `ValueError` if asked to.
#
# <details><summary>Hint</summary>
#
# Build a matrix with a row for each new pixel and a column for each old one, and divide every row
# by its sum. The old widths are needed at the new wavelengths: `np.interp`.
#
# </details>


# %% solution="degrade"
def degrade(wavelength, flux, new_wavelength, fwhm_from, fwhm_to):
    """Lower the resolution of spectra and sample them on another grid.

    Parameters
    ----------
    wavelength : (p,) array
        Å, increasing, not always evenly spaced.
    flux : (n, p) array
        Spectra (flux per Å).
    new_wavelength : (m,) array
        Å.
    fwhm_from : (p,) array
        Full width at half maximum of the profiles the spectra have, at `wavelength`, Å.
    fwhm_to : (m,) array
        The widths they should have, at `new_wavelength`, Å.

    Returns
    -------
    (n, m) array

    Raises
    ------
    ValueError
        Where a new width is not larger than the old one.
    """
    ### BEGIN SOLUTION
    extra = fwhm_to**2 - np.interp(new_wavelength, wavelength, fwhm_from) ** 2
    if np.any(extra <= 0):
        raise ValueError("smoothing cannot make profiles narrower than they are")
    sigma = np.sqrt(extra / (8 * np.log(2)))[:, None]
    kernel = np.exp(-0.5 * ((wavelength - new_wavelength[:, None]) / sigma) ** 2)
    kernel *= np.gradient(wavelength)
    return flux @ (kernel / kernel.sum(axis=1, keepdims=True)).T
    ### END SOLUTION


# %% test="degrade" points=3
from helpers import checks


@checks.run
def test_degrade():
    import numpy as np

    degrade = checks.submitted("degrade")
    x = np.arange(4000.0, 4400.0, 0.5)
    new = np.arange(4050.0, 4350.0, 2.0)
    level = checks.array(
        degrade(x, np.full((1, x.size), 2.0), new, np.full(x.size, 3.0), np.full(new.size, 20.0)),
        (1, new.size),
    )
    checks.close(level, np.full((1, new.size), 2.0), rtol=1e-4, hint="a level should stay a level")
    line = np.exp(-0.5 * ((x - 4200) / (3 * 0.42466)) ** 2)[None]
    got = checks.array(degrade(x, line, new, np.full(x.size, 3.0), np.full(new.size, 20.0)))[0]
    checks.that(bool(abs(new[got.argmax()] - 4200) < 1.1), "a line should stay at its wavelength")


### BEGIN HIDDEN TESTS
@checks.run
def test_degrade_width():
    import numpy as np

    degrade = checks.submitted("degrade")
    x = np.arange(4000.0, 4600.0, 0.5)
    new = np.arange(4050.0, 4550.0, 0.4)
    for before, after in ((6.0, 10.0), (12.0, 20.0), (9.0, 10.0)):
        line = np.exp(-4 * np.log(2) * ((x - 4300) / before) ** 2)[None]
        got = checks.array(
            degrade(x, line, new, np.full(x.size, before), np.full(new.size, after)), (1, new.size)
        )[0]
        wide = np.sqrt(8 * np.log(2) * np.sum(got * (new - 4300) ** 2) / np.sum(got))
        checks.close(
            wide, after, rtol=0.02, hint="a line of the old width should come out at the new one"
        )


@checks.run
def test_degrade_each_wavelength():
    import numpy as np

    degrade = checks.submitted("degrade")
    x = np.arange(4000.0, 5000.0, 0.5)
    # a grating whose profiles widen along the spectrum, and a star in two versions
    old = np.linspace(5.0, 17.0, x.size)
    lines = [np.exp(-4 * np.log(2) * ((x - c) / np.interp(c, x, old)) ** 2) for c in (4250, 4750)]
    flux = np.stack([1 - 0.5 * (lines[0] + lines[1]), 2 + lines[0] - lines[1]])
    new = np.arange(4100.0, 4900.0, 0.5)
    wanted = np.linspace(13.0, 21.0, new.size)
    got = checks.array(degrade(x, flux, new, old, wanted), (2, new.size))
    for row, level in zip(got, (1.0, 2.0), strict=True):
        for centre in (4250, 4750):
            near = np.abs(new - centre) < 50
            depth = np.abs(row[near] - level)
            wide = np.sum(depth > 0.5 * depth.max()) * 0.5
            after = np.interp(centre, new, wanted)
            checks.close(wide, after, atol=1.0, hint="profiles that widen along the spectrum")


@checks.run
def test_degrade_ends():
    import numpy as np

    degrade = checks.submitted("degrade")
    x = np.arange(4000.0, 4800.0, 0.5)
    new = np.arange(4000.0, 4799.0, 1.0)
    # profiles that widen much, of an instrument whose own do not
    wanted = np.linspace(8.0, 30.0, new.size)
    old = np.full(x.size, 4.0)
    level = checks.array(degrade(x, np.full((1, x.size), 2.0), new, old, wanted), (1, new.size))
    checks.close(level, 2.0 + 0 * level, rtol=1e-3, hint="a level falls at the spectrum's ends")
    for centre in (4150.0, 4650.0):
        line = np.exp(-4 * np.log(2) * ((x - centre) / 4.0) ** 2)[None]
        got = checks.array(degrade(x, line, new, old, wanted), (1, new.size))[0]
        wide = np.sum(got > 0.5 * got.max())
        checks.close(
            float(wide),
            np.interp(centre, new, wanted),
            atol=2.5,
            hint="each new pixel has a width of its own",
        )


### END HIDDEN TESTS

# %% test="degrade.grid" points=2
from helpers import checks


@checks.run
def test_degrade_grid():
    import numpy as np

    degrade = checks.submitted("degrade")
    x = np.arange(4000.0, 4400.0, 0.5)
    new = np.array([4100.0, 4200.0])
    checks.refuses(
        lambda: degrade(x, np.ones((1, x.size)), new, np.full(x.size, 9.0), np.full(2, 6.0)),
        (ValueError,),
        hint="profiles 9 Å wide cannot be made 6 Å wide: say so with a ValueError",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_degrade_grid_refused():
    import numpy as np

    degrade = checks.submitted("degrade")
    x = np.arange(4000.0, 4400.0, 0.5)
    new = np.array([4050.0, 4200.0, 4350.0])
    old = np.linspace(4.0, 12.0, x.size)
    ones, hint = np.ones((1, x.size)), "a spectrum that would have to be sharpened is not refused"
    for wanted in ([6.0, 7.0, 15.0], [6.0, 15.0, 10.5]):
        checks.refuses(
            lambda wanted=wanted: degrade(x, ones, new, old, np.array(wanted)), (ValueError,), hint
        )
    same = np.full(x.size, 6.0)
    checks.refuses(lambda: degrade(x, ones, new, same, np.full(3, 6.0)), (ValueError,), hint)
    # wider than the old profiles at each wavelength, not than all of them
    got = checks.array(degrade(x, ones, new, old, np.array([5.1, 9.5, 13.0])), (1, 3))
    checks.close(got, np.ones((1, 3)), rtol=1e-3, hint="what can be done is refused")


@checks.run
def test_degrade_grid_hidden():
    import numpy as np

    degrade = checks.submitted("degrade")
    # pixels that grow from 0.3 to 2.1 Å, and widths that change along the spectrum
    x = 4000 + np.cumsum(np.linspace(0.3, 2.1, 900))
    new = np.linspace(4200.0, 4900.0, 40)
    to = np.linspace(40.0, 60.0, 40)
    slope = checks.array(degrade(x, (x / 1000)[None], new, np.full(x.size, 5.0), to), (1, 40))
    checks.close(
        slope[0],
        new / 1000,
        atol=1.5e-4,
        hint="a slope should stay: do pixels count by their size?",
    )


### END HIDDEN TESTS

# %% [markdown]
# ### Question 3 · The scale
#
# The normalised spectrum knows nothing of brightness, so SEDs are divided by their mean flux at
# 5526-5586 Å (Section 2.1). Write `scale_sed`.


# %% solution="scale_sed"
def scale_sed(wavelength, sed):
    """Scale energy distributions by their mean at 5526-5586 Å.

    Parameters
    ----------
    wavelength : (p,) array
        Å.
    sed : (n, p) array
        Energy distributions.

    Returns
    -------
    (n, p) array
        The pixels with 5526 <= wavelength <= 5586 have mean 1.
    """
    ### BEGIN SOLUTION
    low, high = csst.SCALE_BAND
    band = (wavelength >= low) & (wavelength <= high)
    return sed / sed[:, band].mean(axis=1, keepdims=True)
    ### END SOLUTION


# %% test="scale_sed" points=3
from helpers import checks


@checks.run
def test_scale_sed():
    import numpy as np

    scale = checks.submitted("scale_sed")
    x = np.linspace(2500.0, 10500.0, 801)
    sed = np.stack([x / 1000, 5.0 + 0 * x])
    got = checks.array(scale(x, sed), (2, 801))
    checks.close(got[1], np.ones(801), rtol=1e-5, hint="a level SED should become one everywhere")
    checks.close(got[0, -1] / got[0, 0], 10.5 / 2.5, rtol=1e-5, hint="the shape has changed")


### BEGIN HIDDEN TESTS
@checks.run
def test_scale_sed_band():
    import numpy as np

    scale = checks.submitted("scale_sed")
    rng = np.random.default_rng(23)
    for first, step in ((2500.0, 1.0), (2502.0, 3.0), (2501.0, 5.0), (2496.0, 30.0)):
        x = np.arange(first, 10500.0, step)
        sed = rng.uniform(0.2, 3.0, (4, x.size)) * np.array([[1e-14], [1.0], [30.0], [2e5]])
        got = checks.array(scale(x, sed), sed.shape)
        inside = (x >= 5526) & (x <= 5586)
        mean = got[:, inside].mean(axis=1)
        checks.close(mean, np.ones(4), rtol=1e-4, hint="the mean at 5526-5586 Å is not one")
        factor = got / sed
        checks.close(factor / factor[:, :1], np.ones(sed.shape), rtol=1e-4, hint="a shape changed")


### END HIDDEN TESTS

# %%
sed = np.asarray(scale_sed(sed_wavelength, grid.sed.astype(float)), dtype=np.float32)

# %% [markdown]
# ### Question 4 · Noise
#
# Eq. 1 of the paper: $F' = F + r F$ with $r \sim \mathcal N(0, 1/\mathrm{snr}^2)$, independent from
# pixel to pixel. The paper draws noise *once* for each star and S/N of 20, 25, 30, 35 and 40. This
# makes 206 095 spectra, each of which is shown 3000 times, so that a network can learn its noise by
# heart. It is better to draw noise anew for each batch. Write `noisy_batch`. The S/N 80 of the test
# set is not used in training.


# %% solution="noisy_batch"
def noisy_batch(clean, size, rng, levels=(20, 25, 30, 35, 40)):
    """Draw a batch of noisy spectra.

    Parameters
    ----------
    clean : (n, p) array
        Normalised spectra without noise.
    size : int
        Number of spectra in the batch.
    rng : numpy Generator
        The only source of chance.
    levels : sequence of float
        Signal to noise, each as likely as any other.

    Returns
    -------
    rows : (size,) array of int
        Which star each spectrum is, all equally likely.
    flux : (size, p) array
        Noisy spectra (Eq. 1).
    error : (size, p) array
        The standard deviation of their noise.
    """
    ### BEGIN SOLUTION
    rows = rng.integers(len(clean), size=size)
    snr = rng.choice(levels, size=size)
    error = clean[rows] / snr[:, None]
    return rows, clean[rows] + error * rng.standard_normal(error.shape), error
    ### END SOLUTION


# %% test="noisy_batch" points=3
from helpers import checks


@checks.run
def test_noisy_batch():
    import numpy as np

    draw = checks.submitted("noisy_batch")
    clean = np.linspace(0.5, 1.5, 60)[:, None] * np.ones((1, 400))
    rows, flux, error = draw(clean, 300, np.random.default_rng(4))
    rows = checks.array(rows, (300,), "the rows")
    flux = checks.array(flux, (300, 400), "the flux")
    error = checks.array(error, (300, 400), "the error")
    checks.that(bool(np.unique(rows).size > 40), "a batch should hold all kinds of stars")
    checks.that(
        bool((rows == rows.astype(int)).all() and (rows >= 0).all() and (rows < 60).all()),
        "the rows should be numbers of stars",
    )
    own = clean[rows.astype(int)]
    checks.that(bool((error > 0).all()), "errors are positive")
    pull = (flux - own) / error
    checks.close(pull.std(), 1.0, atol=0.03, hint="the noise is not as large as the error says")
    checks.close(pull.mean(), 0.0, atol=0.03, hint="the noise should have mean zero")


### BEGIN HIDDEN TESTS
@checks.run
def test_noisy_batch_levels():
    import numpy as np

    draw = checks.submitted("noisy_batch")
    clean = np.random.default_rng(24).uniform(0.5, 1.5, (50, 300))
    for levels in ((20, 25, 30, 35, 40), (10, 60)):
        rows, flux, error = draw(clean, 800, np.random.default_rng(5), levels)
        own = clean[checks.array(rows, (800,)).astype(int)]
        snr = own / checks.array(error, (800, 300))
        checks.close(
            snr / snr[:, :1], np.ones_like(snr), rtol=1e-5, hint="Eq. 1: error goes as flux"
        )
        nearest = np.abs(snr[:, :1] / np.array(levels) - 1)
        checks.that(
            bool((nearest.min(axis=1) < 1e-3).all()), "there is an S/N that was not asked for"
        )
        share = np.bincount(nearest.argmin(axis=1), minlength=len(levels)) / 800
        checks.close(
            share,
            np.full(len(levels), 1 / len(levels)),
            atol=0.08,
            hint="S/N are not equally likely",
        )
        seen = np.bincount(checks.array(rows).astype(int), minlength=50)
        checks.that(
            bool(0.5 < seen[:25].sum() / seen[25:].sum() < 2 and (seen > 0).sum() > 45),
            "stars are not equally likely",
        )


@checks.run
def test_noisy_batch_chance():
    import numpy as np

    draw = checks.submitted("noisy_batch")
    clean = np.random.default_rng(25).uniform(0.5, 1.5, (10, 300))
    rows, flux, error = draw(clean, 1200, np.random.default_rng(8), (10, 60))
    rows = checks.array(rows, (1200,)).astype(int)
    flux, error = checks.array(flux, (1200, 300)), checks.array(error, (1200, 300))
    faint = clean[rows, 0] / error[:, 0] < 30
    share = np.bincount(rows, faint, 10) / np.bincount(rows, minlength=10)
    checks.that(
        bool((np.abs(share - 0.5) < 0.3).all()), "S/N is drawn apart from the star it is drawn for"
    )
    pull = (flux - clean[rows]) / error
    checks.close(np.mean(pull**4), 3.0, atol=0.2, hint="the noise is not that of Eq. 1")
    stars = np.ones((60, 5))
    seen = [draw(stars, 20, np.random.default_rng(seed))[0] for seed in range(30)]
    checks.that(
        bool(np.unique(np.concatenate([checks.array(each, (20,)) for each in seen])).size > 50),
        "some stars come in no batch, if batches are small",
    )


### END HIDDEN TESTS

# %% test="noisy_batch.fresh" points=2
from helpers import checks


@checks.run
def test_noisy_batch_fresh():
    import numpy as np

    draw = checks.submitted("noisy_batch")
    clean, seeds = np.ones((1, 500)), (6, 7)
    noise = [
        checks.array(draw(clean, 2, np.random.default_rng(k), (20,))[1], (2, 500)) - 1
        for k in seeds
    ]
    pairs = (noise[0][0], noise[0][1]), (noise[0][0], noise[1][0])
    for one, other in pairs:
        checks.that(
            bool(abs(np.corrcoef(one, other)[0, 1]) < 0.25),
            "two spectra of one star carry the same noise: draw it anew each time",
        )
    checks.that(
        bool(abs(np.corrcoef(noise[0][0][1:], noise[0][0][:-1])[0, 1]) < 0.25),
        "neighbouring pixels should have noise of their own",
    )
    again = checks.array(draw(clean, 2, np.random.default_rng(6), (20,))[1], (2, 500)) - 1
    checks.close(
        again, noise[0], atol=1e-4, hint="there is chance that does not come from the generator"
    )


# %% [markdown]
# A quarter of the stars, drawn at random, is for testing (Section 2.1).

# %%
order = np.random.default_rng(8).permutation(len(sed))
test_rows, train_rows = np.sort(order[: len(sed) // 4]), np.sort(order[len(sed) // 4 :])
teff = grid.labels[:, 0]
print(f"{len(train_rows)} stars to train with, {len(test_rows)} to test with")

# %% [markdown]
# ## 2. How well could anybody do?
#
# Before training anything, ask what the spectra *know*. The spectrum of a star depends on its
# labels $\theta$ (temperature, gravity, metallicity, [α/M]). With errors
# $\varepsilon_i = F_i / \mathrm{snr}$ the Fisher information of the labels is
#
# $$\mathsf I = \sum_i \frac{1}{\varepsilon_i^2}
# \frac{\partial F_i}{\partial\theta}\frac{\partial F_i}{\partial\theta}^{T} + \mathsf P ,$$
#
# where $\mathsf P$ is what was known before (the inverse covariance of the labels in the grid). The
# SED follows from the labels, so the bound on the variance of its relative error is $\mathbf g^T
# \mathsf I^{-1} \mathbf g$, with $\mathbf g = \partial \ln S / \partial\theta$ at that wavelength.
#
# What exactly does it bound? Without $\mathsf P$ this is the Cramér-Rao bound: no *unbiased*
# estimate has a smaller variance. With $\mathsf P$ it is the bound of van Trees (1968), and it
# holds for any estimate, biased or not, if the labels of the stars really are distributed as
# $\mathsf P$ says. But it bounds the mean squared error *averaged over all stars*. For some stars
# an estimate can be better than the bound if it is worse for others. And the labels of a grid are
# not a Gaussian. So a ratio a few per cent below one, in one temperature bin and band, is no
# contradiction.
#
# ### Question 5 · The bound
#
# Write `sed_bound`.


# %% solution="sed_bound"
def sed_bound(flux, flux_gradient, log_sed_gradient, snr, prior):
    """Propagate the Cramér-Rao bound of a spectrum to the energy distribution.

    Parameters
    ----------
    flux : (p,) array
        Normalised spectrum without noise; the error of a pixel is flux / snr.
    flux_gradient : (k, p) array
        Its derivative with respect to each label.
    log_sed_gradient : (k, m) array
        Derivative of the natural log of the SED with respect to each label.
    snr : float
        Signal to noise of a pixel.
    prior : (k, k) array
        Inverse covariance of the labels before anything was observed.

    Returns
    -------
    (m,) array
        Smallest possible standard deviation of the relative error of the SED.
    """
    ### BEGIN SOLUTION
    scaled = flux_gradient * snr / flux
    covariance = np.linalg.inv(scaled @ scaled.T + prior)
    return np.sqrt(np.sum(log_sed_gradient * (covariance @ log_sed_gradient), axis=0))
    ### END SOLUTION


# %% test="sed_bound" points=3
from helpers import checks


@checks.run
def test_sed_bound():
    import numpy as np

    bound = checks.submitted("sed_bound")
    # one label, 100 pixels of slope 0.1 and error 0.05: the label is known to 0.05
    got = bound(
        np.ones(100), np.full((1, 100), 0.1), np.array([[1.0, 3.0]]), 20.0, np.zeros((1, 1))
    )
    got = checks.array(got, (2,))
    checks.close(
        got[1] / got[0], 3.0, rtol=1e-4, hint="three times the slope, three times the error"
    )
    checks.close(
        got[0], 0.05, rtol=1e-4, hint="a label measured by 100 equal pixels has error 0.05"
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_sed_bound_monte_carlo():
    import numpy as np

    bound = checks.submitted("sed_bound")
    rng = np.random.default_rng(25)
    flux, slopes = rng.uniform(0.3, 1.5, 60), rng.normal(0, 0.2, (3, 60))
    g = rng.normal(0, 1, (3, 4))
    for snr in (15.0, 60.0):
        want = np.zeros((3, 3))
        for j in range(60):
            want += np.outer(slopes[:, j], slopes[:, j]) * (snr / flux[j]) ** 2
        sigma = [np.sqrt(g[:, i] @ np.linalg.solve(want, g[:, i])) for i in range(4)]
        got = checks.array(bound(flux, slopes, g, snr, np.zeros((3, 3))), (4,))
        checks.close(got, sigma, rtol=1e-3, hint="several labels, unequal pixels: the bound is off")


### END HIDDEN TESTS

# %% test="sed_bound.prior" points=2
from helpers import checks


@checks.run
def test_sed_bound_prior():
    import numpy as np

    bound = checks.submitted("sed_bound")
    # a label the spectrum does not show is known as well as it was before
    slopes = np.array([[0.1] * 50, [0.0] * 50])
    g = np.array([[0.0, 0.0, 0.0], [2.0, 0.5, 3.0]])
    got = checks.array(bound(np.ones(50), slopes, g, 30.0, np.diag([1e-4, 4.0])), (3,))
    checks.close(
        got,
        [1.0, 0.25, 1.5],
        rtol=1e-4,
        hint="what was known before the observation is not used",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_sed_bound_prior_correlated():
    import numpy as np

    bound = checks.submitted("sed_bound")
    # a spectrum without a line
    prior, g = (
        np.array([[30.0, 25.0], [25.0, 40.0]]),
        np.random.default_rng(26).normal(0, 1, (2, 5)),
    )
    want = np.sqrt([h @ np.linalg.solve(prior, h) for h in g.T])
    got = checks.array(bound(np.ones(40), np.zeros((2, 40)), g, 8.0, prior), (5,))
    checks.close(got, want, rtol=1e-3, hint="labels known together before are not used as such")


### END HIDDEN TESTS


# %% [markdown]
# The derivatives come from the grid. We compress spectra and log SEDs to principal components,
# describe each component by a polynomial of the labels, and take differences of that.


# %%
def compress(values, k):
    """Mean, the k first principal components (rows), and their standard deviations."""
    mean = values.mean(axis=0, dtype=float)
    centred = values - mean
    variance, vectors = np.linalg.eigh(centred.T @ centred / len(values))
    # a copy: a view would keep all vectors in memory
    return mean, vectors[:, ::-1][:, :k].T.copy(), np.sqrt(np.maximum(variance[::-1][:k], 0))


def label_terms(labels):
    """Powers of the scaled labels, up to the fifth degree together."""
    scaled = np.column_stack(
        [
            (5040 / labels[:, 0] - 0.75) / 0.25,
            labels[:, 1] / 2.5 - 1,
            labels[:, 2] / 1.5 + 0.7,
            labels[:, 3] / 0.3 - 0.7,
        ]
    )
    return PolynomialFeatures(5).fit_transform(scaled)


log_sed = np.log(sed)
flux_mean, flux_components, flux_spread = compress(normalised[train_rows], 48)
log_mean, sed_components, sed_spread = compress(log_sed[train_rows], 20)
flux_scores = (normalised - flux_mean) @ flux_components.T
sed_scores = (log_sed - log_mean) @ sed_components.T
fitted = np.linalg.lstsq(
    label_terms(grid.labels[train_rows]),
    np.hstack([flux_scores, sed_scores])[train_rows],
    rcond=None,
)[0]
model_of_test = label_terms(grid.labels[test_rows]) @ fitted
left_flux = normalised[test_rows] - flux_mean - model_of_test[:, :48] @ flux_components
left_sed = log_sed[test_rows] - log_mean - model_of_test[:, 48:] @ sed_components
print(f"polynomial of the labels, test stars: spectra to {left_flux.std():.4f} (rms), ", end="")
print(f"SEDs to {left_sed.std():.4f}")
del left_flux, left_sed


def gradients(labels):
    """Derivatives of spectrum (n, 4, 2238) and log SED (n, 4, 574) by the labels."""
    flux_part, sed_part = [], []
    for k, step in enumerate((20.0, 0.03, 0.03, 0.03)):
        shift = np.zeros(4)
        shift[k] = step
        slope = (label_terms(labels + shift) - label_terms(labels - shift)) @ fitted / (2 * step)
        flux_part.append(slope[:, :48] @ flux_components)
        sed_part.append(slope[:, 48:] @ sed_components)
    return np.stack(flux_part, axis=1), np.stack(sed_part, axis=1)


PRIOR = np.linalg.inv(np.cov(grid.labels.T))
SNRS = (20, 40, 80)
bound = {snr: np.zeros((len(test_rows), sed_wavelength.size)) for snr in SNRS}
for start in range(0, len(test_rows), 64):
    some = test_rows[start : start + 64]
    for i, row, by_flux, by_sed in zip(
        range(start, start + 64), some, *gradients(grid.labels[some]), strict=False
    ):
        for snr in SNRS:
            bound[snr][i] = sed_bound(normalised[row].astype(float), by_flux, by_sed, snr, PRIOR)

near_scale = np.abs(sed_wavelength - 5556) < 60
PIXELS = {name: csst.in_band(sed_wavelength, name) & ~near_scale for name in csst.BANDS}
test_bins = {centre: np.abs(teff[test_rows] - centre) < 250 for centre in (6000, 8000)}
with plots.style():
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.4), sharey=True)
    for axis, (centre, chosen) in zip(axes, test_bins.items(), strict=True):
        for snr, dash in zip(SNRS, (":", "--", "-"), strict=True):
            middle = np.median(bound[snr][chosen], axis=0)
            axis.semilogy(sed_wavelength, 100 * middle, dash, lw=1.4, label=f"S/N {snr}")
        axis.set_title(f"{centre} K", fontsize=10)
        axis.set_xlabel(WAVELENGTH_LABEL)
        axis.set_ylim(0.01, 10)
    axes[0].set_ylabel("smallest relative error / %")
    axes[0].legend()
plots.show(
    figure,
    alt="Median Cramér-Rao bound on the relative error of the energy distribution against "
    "wavelength, at 6000 and 8000 kelvin and S/N 20, 40 and 80: largest in the ultraviolet, zero "
    "at 5556 angstrom where distributions are scaled, halving with each doubling of S/N.",
)
typical = {snr: np.median(bound[snr], axis=0) for snr in SNRS}
halved = [np.median(typical[a][PIXELS["GI"]] / typical[2 * a][PIXELS["GI"]]) for a in (20, 40)]
# claim: all(1.8 < ratio < 2.1 for ratio in halved)
# claim: typical[40][np.abs(sed_wavelength - 5556) < 30].max() < 0.05 * typical[40].max()
# claim: typical[40][sed_wavelength < 3500].min() > typical[40][sed_wavelength > 4000].max()

# %% [markdown]
# The bound is near zero at 5556 Å by construction and large in the ultraviolet, where metallicity
# and gravity act most.
#
# ### A grid of nodes
#
# At 6000 K and S/N 20 the error of the paper's network in GU is about as large as the bound. But
# its errors in GI are a quarter of the bound, and at 8000 K those in GU are, too. How can an error
# be so small? The bound is that of stars whose labels may have *any* value, as in our grid and in
# the sky. The labels of the paper's models are the nodes of a lattice: multiples of 250 K, of 0.5
# dex in log g, and of 0.25 dex in [M/H] and in [α/M]. A network that is trained *and tested* on
# such models need not measure a temperature. If it recognises the node, its error is zero.
#
# How much this helps follows from the Fisher matrix alone. Take a star on a node. Noise moves the
# labels that fit best by $\mathcal N(0, \mathsf I^{-1})$, here without the prior. Whoever knows the
# lattice gives every node a weight by its likelihood, and predicts the mean of the nodes' SEDs.
#
# claim: 0.8 < bound_at(6000, 20, "GU") / PAPER[6000, 20][0] < 1.3
# claim: bound_at(6000, 20, "GI") > 3 * PAPER[6000, 20][2]
# claim: bound_at(8000, 20, "GU") > 3 * PAPER[8000, 20][0]
# claim: len(np.unique(teff)) > 0.9 * len(teff)

# %%
#: steps of the paper's grid: K, dex, dex, dex; its errors (%) in GU, GV and GI (Section 4.2)
LATTICE = (250.0, 0.5, 0.25, 0.25)
PAPER = {
    (6000, 20): (4.25, 0.25, 0.29),
    (6000, 40): (2.07, 0.13, 0.15),
    (6000, 80): (1.51, 0.11, 0.11),
    (8000, 20): (1.17, 0.16, 0.24),
    (8000, 40): (0.64, 0.08, 0.14),
    (8000, 80): (0.52, 0.07, 0.12),
}


def half_width(values):
    """Half the distance between the 16th and the 84th percentile, along the first axis."""
    low, high = np.percentile(values, [16, 84], axis=0)
    return (high - low) / 2


def lattice_errors(row, snr, rng, draws=200):
    """Relative errors of the SED of a star that is known to lie on a node, (draws, 574)."""
    by_flux, by_sed = (part[0] for part in gradients(grid.labels[[row]]))
    scaled = by_flux * snr / normalised[row]
    root = np.linalg.cholesky(scaled @ scaled.T)
    steps = np.meshgrid(*[step * np.arange(-4, 5) for step in LATTICE], indexing="ij")
    nodes = np.stack(steps, axis=-1).reshape(-1, 4)  # the star's own is (0, 0, 0, 0)
    best_fit = rng.standard_normal((draws, 4))  # in these units the errors are independent
    distance = ((best_fit[:, None] - nodes @ root) ** 2).sum(axis=2)
    weight = np.exp(-0.5 * (distance - distance.min(axis=1, keepdims=True)))
    return weight / weight.sum(axis=1, keepdims=True) @ nodes @ by_sed


lattice_figures = {}
rng = np.random.default_rng(250)
print("   K  S/N  band  bound  on a lattice  paper")
for centre, chosen in test_bins.items():
    some = test_rows[chosen][::8]
    for snr in SNRS:
        on_nodes = half_width(np.concatenate([lattice_errors(row, snr, rng) for row in some]))
        between = np.median(bound[snr][chosen], axis=0)
        for name, paper in zip(csst.BANDS, PAPER[centre, snr], strict=True):
            two = [100 * np.median(x[PIXELS[name]]) for x in (between, on_nodes)]
            lattice_figures[centre, snr, name] = (*two, paper)
            print(f"{centre:5d} {snr:3d}   {name}   {two[0]:5.2f} {two[1]:8.2f}     {paper:8.2f}")


def bound_at(centre, snr, band):
    """Bound of the table above, per cent."""
    return lattice_figures[centre, snr, band][0]


def on_lattice(centre, snr, band):
    """Error on the lattice over the bound."""
    return lattice_figures[centre, snr, band][1] / bound_at(centre, snr, band)


# %% [markdown]
# At 6000 K, knowing the lattice lowers the error several times. At S/N 20 it would be below the
# paper's, and from S/N 40 on there is practically none left. At 8000 K and S/N 20 the steps of the
# lattice are not larger than the errors of the labels, and it does not help. From S/N 40 on it
# does. So the paper's small errors, all but those at 8000 K and S/N 20, are explained without a
# better network. (At 8000 K and S/N 20 another reason counts: the spectra of real models tell more
# of temperature and metallicity than the kit's.)
#
# The lesson: **a test set drawn from the same lattice as the training set does not show the error
# for a real star**, whose labels lie between the nodes. Errors depend on the grid. Errors over the
# bound of the same grid can be compared.
#
# claim: all(on_lattice(6000, 20, band) < 0.5 for band in csst.BANDS)
# claim: all(lattice_figures[6000, 20, b][1] < lattice_figures[6000, 20, b][2] for b in csst.BANDS)
# claim: all(on_lattice(6000, snr, band) < 0.1 for snr in (40, 80) for band in csst.BANDS)
# claim: all(on_lattice(8000, 20, band) > 0.8 for band in csst.BANDS)
# claim: all(on_lattice(8000, snr, band) < 0.5 for snr in (40, 80) for band in csst.BANDS)

# %% [markdown]
# ## 3. The paper's network
#
# The network of the paper has two branches (its Fig. 1 and Table 1). Six *sub-units* of four
# convolutions each lead to 16 numbers $Z$ (their average over wavelength). Four dense layers turn
# $Z$ into the SED. The errors of the input go through a layer of 16, join $Z$, and two more layers
# give $\sigma$ for each pixel.
#
# In a sub-unit, three convolutions with ReLU of $|M|$ give an *attention map* $M_c \ge 0$ (Eq. 4)
# and from it thresholds $\tau = M_c \otimes |M|$ (Eq. 5). What is below its threshold counts as
# noise, and the rest is shrunk (Eq. 6):
#
# $$M' = \mathrm{sgn}(M)\,(|M| - \tau) \ \text{ where } |M| > \tau, \qquad 0 \text{ elsewhere.}$$
#
# Such soft thresholds come from the removal of noise with wavelets, where $\tau$ is a constant:
# small features are removed, large ones kept. Here $\tau$ is proportional to the feature itself.
# Put Eq. 5 into Eq. 6 and you see what this means: $M' = M\,\max(0, 1 - M_c)$. The attention map
# multiplies features by a number from 0 to 1, whatever their size. It is a gate, not a threshold.
#
# ### Question 6 · Soft thresholds
#
# Write `soft_threshold`. The network will hand it tensors, so use only operators and methods that
# arrays and tensors share (`abs`, `clip`, arithmetic).


# %% solution="soft_threshold"
def soft_threshold(features, threshold):
    """Shrink features towards zero (Eq. 6).

    Parameters
    ----------
    features : array or tensor
        Feature maps, any shape.
    threshold : array or tensor
        Of the same shape, not negative.

    Returns
    -------
    array or tensor
        Of the same shape.
    """
    ### BEGIN SOLUTION
    return features - features.clip(-threshold, threshold)
    ### END SOLUTION


# %% setup=true
def threshold_of_tensors(features, threshold):
    """Return what `soft_threshold` makes of tensors, and its gradient, as a network asks."""
    import torch

    tensors = [
        torch.tensor(x, dtype=torch.float32, requires_grad=True) for x in (features, threshold)
    ]
    shrunk = soft_threshold(*tensors)
    shrunk.sum().backward()
    return shrunk.detach().numpy(), tensors[0].grad.numpy()


# %% test="soft_threshold" points=2
from helpers import checks


@checks.run
def test_soft_threshold():
    import numpy as np

    shrink = checks.submitted("soft_threshold")
    got = checks.array(shrink(np.array([3.0, 0.5, 0.0]), np.array([1.0, 1.0, 1.0])), (3,))
    checks.close(got[1:], [0.0, 0.0], atol=1e-5, hint="what is below its threshold becomes zero")
    checks.that(bool(0 < got[0] < 3), "what is above its threshold keeps its sign and shrinks")
    try:
        shrunk, slope = checks.submitted("threshold_of_tensors")(
            np.array([-4.0, 3.0, 0.5]), np.array([1.0, 1.0, 1.0])
        )
    except (checks.CheckFailed, AttributeError, RuntimeError, TypeError, ValueError):
        raise checks.CheckFailed(
            "your function takes arrays but not the tensors of a network that is being trained: "
            "use only operators and methods that both have"
        ) from None
    checks.close(
        checks.array(slope, (3,)),
        [1.0, 1.0, 0.0],
        atol=1e-4,
        hint="what passes should pass with slope one, or a network cannot learn from it",
    )
    checks.that(bool(checks.array(shrunk, (3,))[0] < 0), "of tensors it makes something else")


### BEGIN HIDDEN TESTS
@checks.run
def test_soft_threshold_values():
    import numpy as np

    shrink = checks.submitted("soft_threshold")
    rng = np.random.default_rng(26)
    m, tau = rng.normal(0, 2, (3, 5, 40)), rng.uniform(0, 2, (3, 5, 40))
    got = checks.array(shrink(m, tau), m.shape)
    checks.close(
        np.abs(got),
        np.maximum(np.abs(m) - tau, 0),
        atol=1e-5,
        hint="the size after shrinking is off",
    )


@checks.run
def test_soft_threshold_tensors():
    import numpy as np

    rng = np.random.default_rng(29)
    m, tau = rng.normal(0, 2, (4, 30)), rng.uniform(0.2, 2, (4, 30))
    on_arrays = checks.array(checks.submitted("soft_threshold")(m, tau), m.shape)
    on_tensors = checks.array(checks.submitted("threshold_of_tensors")(m, tau)[0], m.shape)
    checks.close(
        on_tensors, on_arrays, atol=1e-4, hint="of tensors it makes something else than of arrays"
    )


### END HIDDEN TESTS

# %% test="soft_threshold.smooth" points=2
from helpers import checks


@checks.run
def test_soft_threshold_smooth():
    import numpy as np

    shrink = checks.submitted("soft_threshold")
    x = np.linspace(-3, 3, 601)
    got = checks.array(shrink(x, np.full(601, 1.0)), (601,))
    checks.that(
        bool(np.abs(np.diff(got)).max() < 0.02), "a soft threshold has no jump (a hard one has)"
    )
    checks.close(
        np.diff(got)[[0, 50, -50, -1]],
        np.full(4, 0.01),
        atol=1e-4,
        hint="beyond the threshold features should go on growing, as much as they did",
    )
    checks.close(
        got[np.abs(x) < 0.99], 0 * x[np.abs(x) < 0.99], atol=1e-5, hint="below it there is nothing"
    )
    checks.close(got, -got[::-1], atol=1e-5, hint="dips and peaks should be treated alike")


# %% [markdown]
# **Figure 1.** A soft threshold, and the network with the sizes of Table 1.

# %%
SED_BRANCH = ["2238", "4 x 1119", "4 x 560", "8 x 280", "16 x 140", "Z: 16", "100", "200", "300"]
ERROR_BRANCH = ["errors: 2238", "16", "with Z: 32", "64", "σ: 574"]
with plots.style():
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), width_ratios=(1, 2.2))
    ramp = np.linspace(-3, 3, 301)
    left.plot(ramp, soft_threshold(ramp, np.full(301, 1.0)), "-", label="τ = 1")
    for weight, dash in ((0.5, "--"), (1.0, ":")):
        gated = soft_threshold(ramp, weight * np.abs(ramp))
        left.plot(ramp, gated, dash, label=f"τ = {weight} |M|")
    left.set_xlabel("feature M")
    left.set_ylabel("feature M'")
    left.legend()
    for height, (colour, boxes) in zip(
        (1.0, 0.0),
        (
            ("blue", ["flux: " + SED_BRANCH[0], *SED_BRANCH[1:], "SED: 574"]),
            ("orange", ERROR_BRANCH),
        ),
        strict=True,
    ):
        first = 0 if height else 5
        for j, text in enumerate(boxes):
            style = {"boxstyle": "round", "fc": "w", "ec": plots.COLOURS[colour]}
            right.text(first + j, height, text, ha="center", fontsize=7, rotation=90, bbox=style)
    right.annotate("", (7, 0.45), (5, 0.95), arrowprops={"arrowstyle": "->"})
    right.set_xlim(-0.7, 10)
    right.set_ylim(-0.2, 1.8)
    right.axis("off")
plots.show(
    figure,
    alt="Paper's Figure 1. Left: a constant soft threshold of 1 is flat around zero and then has "
    "slope one; thresholds of half the feature and of the whole feature make straight lines of "
    "slope one half and zero. Right: the two branches as boxes, flux of 2238 pixels through "
    "feature maps to 16 numbers Z and 574 pixels of SED, and errors through 16 numbers, joined by "
    "Z, to 574 sigmas.",
)

# %% [markdown]
# The paper draws the same two branches. Where it does not say how something is done (how a shortcut
# changes its resolution, for instance), the class below shows what we chose.
#
# claim: np.allclose(soft_threshold(ramp, 0.5 * np.abs(ramp)), 0.5 * ramp)
#
# ### Question 7 · The loss
#
# Prediction $\hat Y$ and truth $Y$ differ by the *relative* residual $r = (\hat Y - Y) / Y$ (Eq.
# 12), taken as Gaussian with a $\sigma$ that the network predicts too. The negative logarithm of
# the likelihood (Eq. 17) is $r^2 / 2\sigma^2 + \ln\sigma$, apart from a constant. The output of a
# network can be any number, so let it be $\ln\sigma$, and keep $\sigma$ between $10^{-4}$ and 1.
# Eq. 13 to 16 say the same in other words: $Y$ is Gaussian around $\hat Y$ with standard deviation
# $\sigma Y$ (Eq. 14 calls $\sigma Y$ the variance in its text), so each pixel has the density of
# Eq. 15, and the pixels are taken as independent (Eq. 16). They are not, as you will see: one error
# of the temperature moves all pixels together. A cell below checks that minus the
# logarithm of Eq. 16 is Eq. 17; what differs, $\ln Y + \frac{1}{2}\ln 2\pi$, does not depend on
# the network.
#
# Without the lower limit the loss of a pixel that happens to be exactly right would go to
# $-\infty$; without the upper one a bad batch could overflow. Write `relative_loss`, the mean over
# all spectra and pixels.


# %% solution="relative_loss"
def relative_loss(predicted, log_sigma, true):
    """Mean negative log-likelihood of relative residuals (Eq. 12 and 17).

    Parameters
    ----------
    predicted, true : (n, m) array
        Energy distributions.
    log_sigma : (n, m) array
        Natural log of the predicted relative error; below ln 1e-4 it counts as ln 1e-4, above 0 as
        0.

    Returns
    -------
    float
        Mean of r^2 / (2 sigma^2) + ln sigma.
    """
    ### BEGIN SOLUTION
    log_sigma = np.clip(log_sigma, np.log(SMALLEST_SIGMA), np.log(LARGEST_SIGMA))
    residual = predicted / true - 1
    return float(np.mean(0.5 * residual**2 * np.exp(-2 * log_sigma) + log_sigma))
    ### END SOLUTION


# %% test="relative_loss" points=3
from helpers import checks


@checks.run
def test_relative_loss():
    import numpy as np

    loss = checks.submitted("relative_loss")
    rng = np.random.default_rng(27)
    true = rng.uniform(0.1, 3.0, (40, 50))
    r = 0.05 * rng.standard_normal(true.shape)
    scan = np.linspace(-5, -1, 41)
    values = [checks.number(loss(true * (1 + r), np.full(true.shape, s), true)) for s in scan]
    best = np.exp(scan[int(np.argmin(values))])
    checks.close(
        best, 0.05, rtol=0.12, hint="for residuals of 5 % the loss should be least at sigma = 5 %"
    )
    bright = checks.number(loss(50 * true * (1 + r), np.full(true.shape, -3.0), 50 * true))
    faint = checks.number(loss(true * (1 + r), np.full(true.shape, -3.0), true))
    checks.close(bright, faint, atol=1e-3, hint="relative residuals do not know brightness")


### BEGIN HIDDEN TESTS
@checks.run
def test_relative_loss_values():
    import numpy as np

    loss = checks.submitted("relative_loss")
    rng = np.random.default_rng(28)
    true = rng.uniform(0.2, 2.0, (6, 7))
    predicted = true * rng.uniform(0.8, 1.2, (6, 7))
    s = rng.uniform(-4, -0.5, (6, 7))
    zero = np.full((6, 7), -2.0)
    # differences: constants do not count
    want = np.mean((predicted / true - 1) ** 2 / (2 * np.exp(2 * s)) + s) - np.mean(
        (predicted / true - 1) ** 2 / (2 * np.exp(2 * zero)) + zero
    )
    got = checks.number(loss(predicted, s, true)) - checks.number(loss(predicted, zero, true))
    checks.close(got, want, rtol=1e-4, atol=1e-4, hint="the loss is not that of Eq. 17")


### END HIDDEN TESTS

# %% test="relative_loss.bounded" points=2
from helpers import checks


@checks.run
def test_relative_loss_bounded():
    import numpy as np

    loss = checks.submitted("relative_loss")
    true = np.ones((2, 3))
    lowest = np.log(1e-4)
    wild = [
        checks.number(loss(true, np.full((2, 3), s), true)) for s in (-2.0, lowest, -12.0, -1e5)
    ]
    checks.close(
        wild[0] - wild[1], -2 - lowest, atol=1e-3, hint="a perfect prediction is worth its sigma"
    )
    checks.close(
        wild[2:],
        [wild[1]] * 2,
        atol=1e-3,
        hint="a sigma below 1e-4 should count as 1e-4: it is bounded",
    )
    high = [
        checks.number(loss(2.5 * true, np.full((2, 3), s), true)) for s in (-1.0, 0.0, 9.0, 1e5)
    ]
    checks.that(
        bool(high[0] > high[1] + 1),
        "where predictions are far off, a larger sigma should be better",
    )
    checks.close(
        high[1:],
        [high[1]] * 3,
        atol=1e-3,
        hint="a sigma above 1 should count as 1, and never overflow",
    )


# %% [markdown]
# **Equations 13 to 16.** The density of all pixels together, with SciPy, and the loss.

# %%
rng = np.random.default_rng(13)
true_sed = rng.uniform(0.2, 3.0, (1, 200))
told = rng.uniform(0.01, 0.1, true_sed.shape)
guess = true_sed * (1 + told * rng.standard_normal(true_sed.shape))
# guess - r Y is Y again (Eq. 13), for the residual r of Eq. 12
relative = guess / true_sed - 1
of_pixels = norm.logpdf(true_sed, guess, told * true_sed)  # Eq. 14 and 15
constant = np.mean(np.log(true_sed) + 0.5 * np.log(2 * np.pi))
eq_17 = relative_loss(guess, np.log(told), true_sed) + constant
print(f"minus the log of Eq. 16, per pixel: {-of_pixels.mean():.6f}; by the loss: {eq_17:.6f}")
# claim: np.allclose(guess - relative * true_sed, true_sed)
# claim: np.isclose(-of_pixels.mean(), eq_17)

# %% [markdown]
# Now the network, whole, in PyTorch. Shortcuts that lose resolution are averaged in pairs, and
# channels that appear are padded with zeros, as in residual networks (He et al. 2016).

# %%
import torch
from torch import nn
from torch.nn import functional


class SubUnit(nn.Module):
    """Four convolutions: one, and three for the attention map (Eq. 4-6)."""

    def __init__(self, before, after, stride):
        super().__init__()
        self.norm = nn.BatchNorm1d(before)
        self.convolution = nn.Conv1d(before, after, 3, stride, 1)
        self.map = nn.ModuleList(nn.Conv1d(after, after, 3, 1, 1) for _ in range(3))
        self.grow, self.stride = after - before, stride

    def forward(self, x):
        m = self.convolution(functional.relu(self.norm(x)))
        weight = m.abs()
        for layer in self.map:
            weight = functional.relu(layer(weight))
        m = self.refine(m, weight)
        if self.stride > 1:
            x = functional.avg_pool1d(x, self.stride, self.stride, ceil_mode=True)
        return m + functional.pad(x, (0, 0, 0, self.grow))

    def refine(self, features, weight):
        """Shrink features by thresholds from an attention map (Eq. 5 and 6)."""
        return soft_threshold(features, weight * features.abs())


class UaRANet(nn.Module):
    """Table 1 of the paper."""

    def __init__(self, pixels, sed_mean):
        super().__init__()
        shapes = [(4, 4, 2), (4, 4, 1), (4, 8, 2), (8, 8, 1), (8, 16, 2), (16, 16, 1)]
        units = [SubUnit(*shape) for shape in shapes]
        self.trunk = nn.Sequential(nn.Conv1d(1, 4, 3, 2, 1), *units, nn.BatchNorm1d(16))
        sizes = (16, 100, 200, 300)
        dense = [layer for a, b in pairwise(sizes) for layer in (nn.Linear(a, b), nn.ReLU())]
        self.sed = nn.Sequential(*dense, nn.Linear(300, sed_mean.size))
        self.error = nn.Sequential(nn.Linear(pixels, 16), nn.ReLU())
        self.sigma = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, sed_mean.size))
        for layer in self.modules():
            if isinstance(layer, nn.Linear | nn.Conv1d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)
        with torch.no_grad():  # start at the mean SED with an error of 0.2
            self.sed[-1].weight.mul_(0.1)
            self.sed[-1].bias.copy_(torch.from_numpy(sed_mean))
            self.sigma[-1].weight.mul_(0.1)
            self.sigma[-1].bias.fill_(np.log(0.2))

    def forward(self, flux, error):
        z = self.trunk(flux[:, None]).mean(dim=2)  # Eq. 7
        noise = self.error(error)  # Eq. 9
        log_sigma = self.sigma(torch.cat([z, noise], dim=1))  # Eq. 10 and 11
        return self.sed(z), log_sigma.clamp(np.log(SMALLEST_SIGMA), np.log(LARGEST_SIGMA))


# %% [markdown]
# Training it takes longer than a lab may. Its weights come with the kit: `python -m
# data.make.uaranet` trained this class on our training stars (all simulated). That was less than a
# thousandth of the paper's budget, so two things were changed to make the most of it. Noise is
# drawn anew for each batch, and the learning rate warms up to 0.004 and falls to zero along a
# cosine (the paper has 0.001 throughout).

# %%
shipped = dict(np.load(csst.fact_file("reference/uaranet.npz"), allow_pickle=False))
uaranet = UaRANet(wavelength.size, sed[train_rows].mean(axis=0))
uaranet.load_state_dict(
    {name: torch.from_numpy(shipped[name]) for name in uaranet.state_dict() if name in shipped},
    strict=False,  # the file has no counters of batches
)
uaranet.eval()


def uara(flux, snr):
    """SEDs and errors that the paper's network predicts."""
    with torch.no_grad():
        f = torch.from_numpy(flux.astype(np.float32))
        y, s = uaranet(f, f / torch.from_numpy(np.asarray(snr, np.float32))[:, None])
    return y.numpy(), np.exp(s.numpy())


uara_steps, uara_batch = int(shipped["steps"]), int(shipped["batch"])
paper_steps = 3000 * 206_095 / 2048
print(f"{uara_steps} steps of {uara_batch} spectra; loss {shipped['losses'][-1]:.2f}; the paper ")
print(f"took {paper_steps:.0f} steps of 2048, ", end="")
print(f"{paper_steps * 2048 / uara_steps / uara_batch:.0f} times as many spectra")
with plots.style():
    figure, axis = plt.subplots(figsize=(6, 2.6))
    losses = shipped["losses"]
    axis.plot(uara_steps / len(losses) * (0.5 + np.arange(len(losses))), losses)
    axis.set_xlabel("step")
    axis.set_ylabel("loss (Eq. 17)")
plots.show(
    figure,
    alt="Loss of the paper's network against the step of its training: a steep fall at first, a "
    "slow one later, and hardly any at the end, where the learning rate goes to zero.",
)

# %% [markdown]
# How good is it? We repeat the test stars with fresh noise and compare half the distance between
# the 16th and 84th percentile of $r$ (the paper's "1σ") with the same of errors drawn from the
# bound, and of errors drawn from what the network predicts for itself.


# %%
def judge(predict, rows, snr, repeats=12, seed=3):
    """Relative residuals and predicted errors of stars with fresh noise, (repeats, n, 574)."""
    rng = np.random.default_rng([seed, snr])
    residual, sigma = np.empty((2, repeats, len(rows), sed_wavelength.size), np.float32)
    for k in range(repeats):
        for start in range(0, len(rows), 256):  # all stars at once: 0.2 GB more
            some = slice(start, start + 256)
            clean = normalised[rows[some]]
            noisy = clean * (1 + rng.standard_normal(clean.shape, np.float32) / snr)
            predicted, sigma[k, some] = predict(noisy, np.full(len(clean), float(snr)))
            residual[k, some] = predicted / sed[rows[some]] - 1
    return residual, sigma


def summary(judged, chosen, snr, seed=4):
    """By band: 1 sigma, the bound's, |bias|, and predicted over actual error."""
    residual, sigma = (part[:, chosen].reshape(-1, sed_wavelength.size) for part in judged)
    rng = np.random.default_rng(seed)
    floor = np.tile(bound[snr][chosen], (len(judged[0]), 1))
    best = half_width(floor * rng.standard_normal(floor.shape))
    actual, middle = half_width(residual), np.abs(np.median(residual, axis=0))
    stated = half_width(sigma * rng.standard_normal(sigma.shape, np.float32))
    return {
        name: np.array(
            [
                np.median(actual[p]),
                np.median(best[p]),
                np.median(middle[p]),
                np.median(stated[p] / actual[p]),
            ]
        )
        for name, p in PIXELS.items()
    }


def print_summary(judged_by_snr):
    """Print the summaries and return them, by temperature and S/N: one row a band."""
    found = {}
    print("   K  S/N  band  1 sigma   bound  ratio  |bias|  predicted/actual")
    for centre, chosen in test_bins.items():
        for snr, judged in judged_by_snr.items():
            bands = summary(judged, chosen, snr)
            found[f"{centre}_{snr}"] = np.array(list(bands.values()))
            for name, (actual, best, bias, ratio) in bands.items():
                print(
                    f"{centre:5d} {snr:3d}  {name}   {actual:7.3%} {best:7.3%} {actual / best:6.2f}"
                    f" {bias:7.3%} {ratio:9.2f}"
                )
    return found


def excess(predict, snr, repeats=1):
    """Error over the bound, geometric mean over temperatures and bands."""
    part = judge(predict, test_rows, snr, repeats)
    ratios = [
        row[0] / row[1]
        for chosen in test_bins.values()
        for row in summary(part, chosen, snr).values()
    ]
    return float(np.exp(np.mean(np.log(ratios))))


uara_judged = {snr: judge(uara, test_rows, snr, repeats=2) for snr in SNRS}
uara_figures = print_summary(uara_judged)


def ratios_of_uara(snr):
    """Errors over the bound, (2 temperatures, 3 bands)."""
    rows = [uara_figures[f"{centre}_{snr}"] for centre in test_bins]
    return np.array([row[:, 0] / row[:, 1] for row in rows])


def stated_by_uara(snr):
    """Predicted over actual errors, (2 temperatures, 3 bands)."""
    return np.array([uara_figures[f"{centre}_{snr}"][:, 3] for centre in test_bins])


# %% [markdown]
# Trained like this, the paper's network comes to between 1.3 and 1.9 times the bound at S/N 20, the
# lowest S/N it was trained with. At S/N 80, which it has not seen, it stays two to four times above
# the bound. The errors that it states are too large: by a fifth or so at S/N 20, by more at S/N 80.
# The paper's own training saw over a thousand times as many spectra; ours does not show how good
# the network can become, but it is no longer a straw man.
#
# claim: 1.2 < ratios_of_uara(20).min() and ratios_of_uara(20).max() < 2.1
# claim: (ratios_of_uara(80) > 1.3 * ratios_of_uara(20)).all()
# claim: 1.8 < ratios_of_uara(80).min() and ratios_of_uara(80).max() < 4.5
# claim: 1.1 < stated_by_uara(20).min() and stated_by_uara(20).max() < 1.4
# claim: (stated_by_uara(80) > stated_by_uara(20)).all()
# claim: paper_steps * 2048 > 1000 * uara_steps * uara_batch
#
# ## 4. A better recipe
#
# What can be changed? Seven ideas:
#
# 1. **Input.** The spectra without noise have few dimensions: 48 principal components describe
#    them. Projecting a noisy spectrum on these keeps its information and removes 2190 directions of
#    pure noise.
# 2. **Output.** So have the SEDs: let the network predict 40 components of $\ln S$, whose errors
#    *are* relative errors.
# 3. **Noise.** Project the noise as well, and draw it anew in each step (Question 9).
# 4. **Error.** S/N is one number: give the network its logarithm, and let it predict $\ln\sigma$ at
#    every pixel.
# 5. **Loss.** A Gaussian loss learns slowly where $\sigma$ is still large: weight each term by
#    $\sigma$ (held constant) for the first 60 % of the steps ("β-NLL", Seitzer et al. 2022).
# 6. **Learning rate.** It warms up, and then falls to zero along a cosine.
# 7. **Steps.** A spectrum at S/N 80 tells the temperature to a thousandth of the grid's range.
#    Directions of a weight matrix that change the loss so little have small gradients and are
#    learnt last. So let the hidden layers step along `orthogonal`, the matrix with the singular
#    vectors of the gradient but with all singular values about one ("Muon", Jordan et al. 2024;
#    `torch.optim.Muon` uses a half precision that is slow on many processors). It is applied to a
#    running mean of the gradients. Adam trains the rest: biases and output layers.
#
# You build this in three steps: the network before training (ideas 1, 2 and 4), its noise (idea 3),
# and the loop. Ideas 5 to 7 are given here.


# %% setup=true
def learning_rate(step, steps, largest):
    """Learning rate of a step: up over the first tenth of the steps, then down along a cosine."""
    u = step / steps
    return largest * (
        max(u, 0.01) / 0.1 if u < 0.1 else 0.5 * (1 + np.cos(np.pi * (u - 0.1) / 0.9))
    )


def weighted_loss(residual, log_sigma, beta):
    """Eq. 17 of tensors, each term weighted by sigma to the power of 2 beta, held constant."""
    loss = 0.5 * residual**2 * (-2 * log_sigma).exp() + log_sigma
    return (loss * (2 * beta * log_sigma).exp().detach()).mean()


def orthogonal(matrix):
    """Bring the singular values of a tensor (a, b) to about one; if a > b, to (a / b)^(1/2)."""
    rows, columns = matrix.shape
    wide = matrix if rows <= columns else matrix.T
    x = wide / (wide.norm() + 1e-12)
    for _ in range(5):  # Newton-Schulz
        square = x @ x.T
        x = 3.4445 * x + (2.0315 * square @ square - 4.775 * square) @ x
    return x if rows <= columns else x.T * (rows / columns) ** 0.5


# %% [markdown]
# ### Question 8 · Before training
#
# Write `start_model`, which finds the principal components and draws the first weights, and
# `predict_sed`, which applies a model. The model may be any dictionary of numbers, arrays and lists
# of them, as long as `predict_sed` understands it. The spectrum goes in as its scores on the
# principal components of the spectra, with $\ln(\mathrm{snr}/40)$ beside them. Out come scores on
# the components of $\ln S$, and one number for each pixel from which $\ln\sigma$ follows.
#
# <details><summary>Hint</summary>
#
# Scale the scores to a variance of about one. Three hidden layers of 192 with SiLU, $x / (1 +
# e^{-x})$, are enough. A sigmoid takes the number of each pixel to a $\ln\sigma$ between its
# limits. `PCA` finds the components. `nn.Linear` draws weights of a good size: take them out as
# arrays.
#
# </details>


# %% solution="start_model"
def start_model(flux, sed, inputs=48, outputs=40, width=192, seed=0):
    """Make a network that has learnt nothing yet: principal components and random weights.

    Parameters
    ----------
    flux : (n, p) array
        Normalised spectra without noise.
    sed : (n, m) array
        Their energy distributions.
    inputs, outputs : int
        Numbers of principal components of spectra and of log SEDs (fewer if there are fewer).
    width : int
        Units of a hidden layer.
    seed : int
        Of the weights: the same gives the same model, another one another.

    Returns
    -------
    dict
        The model: numbers, arrays and lists of them, as `predict_sed` needs them.
    """
    ### BEGIN SOLUTION
    import torch
    from torch import nn

    torch.manual_seed(seed)
    of_flux = PCA(min(inputs, *flux.shape)).fit(flux)
    of_sed = PCA(min(outputs, *sed.shape)).fit(np.log(sed.astype(float)))
    sizes = [of_flux.n_components_ + 1, width, width, width]
    layers = [nn.Linear(a, b) for a, b in pairwise(sizes)]
    layers += [nn.Linear(width, of_sed.n_components_), nn.Linear(width, sed.shape[1])]
    return {
        "flux_mean": of_flux.mean_,
        "project": of_flux.components_.T / np.maximum(np.sqrt(of_flux.explained_variance_), 0.02),
        "log_mean": of_sed.mean_,
        "basis": of_sed.components_ * np.sqrt(of_sed.explained_variance_)[:, None],
        "layers": [(q.weight.detach().numpy(), q.bias.detach().numpy()) for q in layers],
    }
    ### END SOLUTION


def predict_sed(model, flux, snr):
    """Predict energy distributions and their relative errors.

    Parameters
    ----------
    model : dict
        From `start_model` or `train_network`.
    flux : (n, p) array
        Noisy normalised spectra.
    snr : (n,) array
        Their signal to noise.

    Returns
    -------
    sed : (n, m) array
        Positive. It depends on a spectrum through its scores on the model's components alone, and
        its logarithm less the mean is a sum of the components of the log SEDs.
    sigma : (n, m) array
        Standard deviation of the relative error, between 1e-4 and 1.
    """
    ### BEGIN SOLUTION
    x = (flux - model["flux_mean"]) @ model["project"]
    x = np.column_stack([x, np.log(np.asarray(snr) / 40)])
    *hidden, components, log_sigma = model["layers"]
    for weight, bias in hidden:
        x = x @ weight.T + bias
        x = x / (1 + np.exp(-x))
    log_sed = model["log_mean"] + (x @ components[0].T + components[1]) @ model["basis"]
    raw = x @ log_sigma[0].T + log_sigma[1]
    low, high = np.log(SMALLEST_SIGMA), np.log(LARGEST_SIGMA)
    return np.exp(log_sed), np.exp(low + (high - low) / (1 + np.exp(-raw)))
    ### END SOLUTION


# %% test="start_model" points=3
from helpers import checks


@checks.run
def test_start_model():
    import numpy as np

    start, predict = checks.submitted("start_model"), checks.submitted("predict_sed")
    rng = np.random.default_rng(37)
    flux = 1 + 0.1 * rng.standard_normal((150, 5)) @ rng.standard_normal((5, 80))
    sed = np.exp(0.3 * rng.standard_normal((150, 4)) @ rng.standard_normal((4, 30)))
    model = start(flux, sed, inputs=6, outputs=3, width=32)
    predicted, sigma = predict(model, flux[:40], np.full(40, 30.0))
    predicted = checks.array(predicted, (40, 30), "the SEDs")
    sigma = checks.array(sigma, (40, 30), "the errors")
    checks.that(bool((predicted > 0).all()), "SEDs are positive: predict their logarithm")
    checks.that(
        bool((sigma > 0.99e-4).all() and (sigma < 1.01).all()), "errors lie between 1e-4 and 1"
    )
    one = checks.array(predict(model, flux[:1], np.array([30.0]))[0], (1, 30))
    checks.close(one, predicted[:1], rtol=1e-4, hint="a star depends on what stars are beside it")


### BEGIN HIDDEN TESTS
@checks.run
def test_start_model_components():
    import numpy as np

    start, predict = checks.submitted("start_model"), checks.submitted("predict_sed")
    rng = np.random.default_rng(38)
    # directions of falling importance, at right angles
    along = np.linalg.qr(rng.standard_normal((60, 6)))[0].T
    flux = 1 + rng.standard_normal((200, 6)) * [1, 0.7, 0.5, 0.3, 0.2, 0.1] @ along
    sed = np.exp(rng.standard_normal((200, 5)) * 0.4 @ rng.standard_normal((5, 25)))
    snr = np.full(200, 50.0)
    for k in (2, 4):
        model = start(flux, sed, inputs=k, outputs=2, width=24)
        mean = flux.mean(axis=0)
        vectors = np.linalg.svd(flux - mean, full_matrices=False)[2][:k]
        kept = mean + (flux - mean) @ vectors.T @ vectors
        whole, part = (checks.array(predict(model, f, snr)[0], (200, 25)) for f in (flux, kept))
        checks.close(
            np.log(whole),
            np.log(part),
            atol=1e-3,
            hint="what the chosen components of the spectra leave out should not count",
        )
    for k in (1, 3):
        model = start(flux, sed, inputs=6, outputs=k, width=24)
        values = np.log(checks.array(predict(model, flux, snr)[0], (200, 25)))
        off = values - np.log(sed).mean(axis=0)
        vectors = np.linalg.svd(np.log(sed) - np.log(sed).mean(axis=0), full_matrices=False)[2][:k]
        checks.close(
            off @ vectors.T @ vectors,
            off,
            atol=1e-3,
            hint="predictions should be the mean log SED and the chosen components, nothing else",
        )


@checks.run
def test_start_model_seed():
    import numpy as np

    start, predict = checks.submitted("start_model"), checks.submitted("predict_sed")
    rng = np.random.default_rng(39)
    flux = 1 + 0.1 * rng.standard_normal((90, 4)) @ rng.standard_normal((4, 50))
    sed = np.exp(0.3 * rng.standard_normal((90, 3)) @ rng.standard_normal((3, 20)))

    def both(seed, snr=30.0, width=16):
        model = start(flux, sed, inputs=4, outputs=3, width=width, seed=seed)
        return np.stack(
            [checks.array(part, (90, 20)) for part in predict(model, flux, np.full(90, snr))]
        )

    first = both(1)
    checks.close(both(1), first, rtol=1e-5, hint="the same seed should give the same model")
    changes = (both(2), both(1, width=48), both(1, snr=80.0))
    for other, what in zip(changes, ("another seed", "another width", "another S/N"), strict=True):
        checks.that(bool(np.abs(other / first - 1).max() > 1e-6), f"{what} changes nothing")
    few = start(flux[:3], sed[:3], inputs=48, outputs=40, width=16)
    checks.array(predict(few, flux[:5], np.full(5, 30.0))[0], (5, 20), "few stars: the SEDs")


### END HIDDEN TESTS

# %% [markdown]
# ### Question 9 · Noise in few numbers
#
# The projection $\mathbf q = \mathsf P^T\mathbf F$ of spectrum plus noise is Gaussian, with
# covariance $\mathsf P^T \mathrm{diag}(F^2)\,\mathsf P / \mathrm{snr}^2$, exactly. So fresh noise
# costs 48 random numbers instead of 2238: draw $\mathbf q + \mathsf L\,\mathbf z / \mathrm{snr}$,
# where $\mathsf L \mathsf L^T$ is the covariance at an S/N of one, and $\mathbf z$ are independent
# normal numbers. Write `noise_roots`: a matrix $\mathsf L$ for each star. (`np.linalg.cholesky`
# takes one matrix or many.)


# %% solution="noise_roots"
def noise_roots(flux, project):
    """Find square roots of the covariances of projected noise at a signal to noise of one.

    Parameters
    ----------
    flux : (n, p) array
        Normalised spectra without noise; the error of a pixel is flux / snr.
    project : (p, k) array
        Its columns are the directions on which spectra are projected.

    Returns
    -------
    (n, k, k) array
        Matrices L: L z / snr, with k independent normal numbers z, has the covariance of the
        projected noise.
    """
    ### BEGIN SOLUTION
    roots = np.empty((len(flux), project.shape[1], project.shape[1]), np.float32)
    for root, f in zip(roots, flux, strict=True):
        part = project * f[:, None]
        root[:] = np.linalg.cholesky(part.T @ part)
    return roots
    ### END SOLUTION


# %% test="noise_roots" points=3
from helpers import checks


@checks.run
def test_noise_roots():
    import numpy as np

    roots = checks.submitted("noise_roots")
    # one direction that adds 100 pixels of flux 2: noise of 2, added in squares
    got = checks.array(roots(np.full((3, 100), 2.0), np.ones((100, 1))), (3, 1, 1))
    checks.close(np.abs(got), np.full((3, 1, 1), 20.0), rtol=1e-3, hint="errors add in squares")


### BEGIN HIDDEN TESTS
@checks.run
def test_noise_roots_covariance():
    import numpy as np

    roots = checks.submitted("noise_roots")
    rng = np.random.default_rng(40)
    flux, project = rng.uniform(0.3, 1.6, (4, 300)), rng.standard_normal((300, 5))
    got = checks.array(roots(flux, project), (4, 5, 5)).astype(float)
    for root, f in zip(got, flux, strict=True):
        want = np.zeros((5, 5))
        for pixel, row in zip(f, project, strict=True):
            want += pixel**2 * np.outer(row, row)
        checks.close(
            root @ root.T, want, rtol=1e-3, atol=1e-3 * want.max(), hint="the covariance is off"
        )


### END HIDDEN TESTS

# %% [markdown]
# ### Question 10 · Train it
#
# Write `train_network`: in each step draw a batch of 512 stars and their projected noise (Eq. 1,
# with S/N drawn evenly in $\ln$ S/N over `snr`), predict, and lower the loss. The names in
# `without` leave ideas out, so that you can measure what each is worth.
#
# Start with plain Adam, and add the falling rate, the β weight and Muon one at a time.
#
# <details><summary>Hint 1: faster steps</summary>
#
# Neighbouring pixels say nearly the same: compute the loss on a random quarter of them in each
# step. Draw the noise with `torch.bmm` of the roots and random vectors. The residual is
# $\exp(\ln \hat S - \ln S) - 1$: `expm1`.
#
# </details>
# <details><summary>Hint 2: Muon</summary>
#
# For the weight of each hidden layer keep $\mathsf V \leftarrow 0.95\,\mathsf V + 0.05\,\mathsf G$,
# where $\mathsf G$ is the gradient. Step along `orthogonal` of $0.95\,\mathsf V + 0.05\,\mathsf G$,
# with six times the learning rate of Adam.
#
# </details>


# %% solution="train_network" seconds=120 memory_gb=2
def train_network(flux, sed, start, steps, rate=3e-3, snr=(18.0, 90.0), seed=0, without=()):
    """Learn to predict energy distributions and their errors from normalised spectra.

    Parameters
    ----------
    flux : (n, p) array
        Normalised spectra without noise.
    sed : (n, m) array
        Their energy distributions.
    start : dict
        The model to go on from: from `start_model`, or trained before. It stays as it was.
    steps : int
        Batches of 512 spectra to train with.
    rate : float
        Largest learning rate of Adam; that of Muon is six times as large. With next to none the
        model stays as it started.
    snr : (low, high)
        Range of signal to noise.
    seed : int
        Of stars and noise: the same gives the same model.
    without : sequence of str
        Ideas to leave out. "fresh noise": draw noise once for each star; "falling rate": keep the
        rate as it is; "beta weight": leave the loss as it is; "Muon": train all with Adam.

    Returns
    -------
    dict
        The trained model, for `predict_sed`.
    """
    ### BEGIN SOLUTION
    import torch
    from torch.nn import functional

    torch.manual_seed(seed)
    layers = [[torch.tensor(part, requires_grad=True) for part in q] for q in start["layers"]]
    *hidden, to_components, (sigma_weight, sigma_bias) = layers
    everything = [part for layer in layers for part in layer]
    matrices = [] if "Muon" in without else [weight for weight, _ in hidden]
    others = [part for part in everything if all(part is not w for w in matrices)]
    adam, velocity = torch.optim.Adam(others, fused=True), [torch.zeros_like(w) for w in matrices]
    roots = torch.from_numpy(np.asarray(noise_roots(flux, start["project"]), np.float32))
    values = (flux - start["flux_mean"]) @ start["project"], np.log(sed), start["log_mean"]
    scores, target, mean = (torch.from_numpy(v.astype(np.float32)) for v in values)
    basis = torch.from_numpy(start["basis"].astype(np.float32))
    low, high = np.log(SMALLEST_SIGMA), np.log(LARGEST_SIGMA)
    fixed = torch.randn(scores.shape), torch.rand(len(flux))
    for step in range(steps):
        now = rate if "falling rate" in without else learning_rate(step, steps, rate)
        k = torch.randint(len(flux), (512,))
        z, share = torch.randn(512, scores.shape[1]), torch.rand(512)
        if "fresh noise" in without:
            z, share = fixed[0][k], fixed[1][k]
        level = snr[0] * (snr[1] / snr[0]) ** share
        x = scores[k] + torch.bmm(roots[k], z[:, :, None])[:, :, 0] / level[:, None]
        x = torch.cat([x, torch.log(level / 40)[:, None]], dim=1)
        for layer in hidden:
            x = functional.silu(functional.linear(x, *layer))
        some = torch.randperm(len(mean))[: max(len(mean) // 4, 20)]  # neighbours say the same
        change = functional.linear(x, *to_components) @ basis[:, some]
        raw = functional.linear(x, sigma_weight[some], sigma_bias[some])
        early = step < 0.6 * steps and "beta weight" not in without
        residual = (mean[some] + change - target[k][:, some]).expm1()
        loss = weighted_loss(residual, low + (high - low) * torch.sigmoid(raw), 0.5 * early)
        for part, gradient in zip(everything, torch.autograd.grad(loss, everything), strict=True):
            part.grad = gradient
        torch.nn.utils.clip_grad_norm_(everything, 5.0)
        adam.param_groups[0]["lr"] = now
        adam.step()
        for w, v in zip(matrices, velocity, strict=True):
            v.lerp_(w.grad, 0.05)
            w.data -= 6 * now * orthogonal(w.grad.lerp(v, 0.95))
    return {**start, "layers": [[part.detach().numpy() for part in q] for q in layers]}
    ### END SOLUTION


# %% test="train_network" points=3
from helpers import checks


@checks.run
def test_train_network():
    import numpy as np

    start, train = checks.submitted("start_model"), checks.submitted("train_network")
    predict = checks.submitted("predict_sed")
    rng = np.random.default_rng(31)
    x, y = np.linspace(0, 1, 120), np.linspace(-1, 1, 30)
    label = rng.uniform(-1, 1, (500, 2))
    lines = np.stack([np.exp(-0.5 * ((x - c) / 0.02) ** 2) for c in (0.3, 0.7)])
    flux = 1 - (0.4 + 0.2 * label) @ lines
    sed = np.exp(label[:, :1] * y + 0.3 * label[:, 1:] * y**2)
    first = start(flux[:400], sed[:400], inputs=8, outputs=4, width=64)
    model = train(flux[:400], sed[:400], first, 400)
    new = flux[400:] * (1 + rng.standard_normal((100, 120)) / 40)
    predicted, sigma = predict(model, new, np.full(100, 40.0))
    predicted = checks.array(predicted, (100, 30), "the SEDs")
    sigma = checks.array(sigma, (100, 30), "the errors")
    r = predicted / sed[400:] - 1
    checks.that(bool((sigma > 0).all() and (predicted > 0).all()), "SEDs and errors are positive")
    checks.that(
        bool(r.std() < 0.5 * (sed[:400].mean(axis=0) / sed[400:] - 1).std()),
        "your predictions are hardly better than the mean SED",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_train_network_bound():
    import numpy as np

    start, train = checks.submitted("start_model"), checks.submitted("train_network")
    predict = checks.submitted("predict_sed")
    rng = np.random.default_rng(32)
    x, y = np.linspace(0, 1, 150), np.linspace(-1, 1, 25)
    label = rng.uniform(-1, 1, (900, 2))
    lines = np.stack([np.exp(-0.5 * ((x - c) / 0.02) ** 2) for c in (0.25, 0.65)])
    flux = 1 - (0.4 + 0.2 * label) @ lines
    sed = np.exp(0.8 * label[:, :1] * y + 0.3 * label[:, 1:] * (y**2 - 0.3))
    first = start(flux[:600], sed[:600], inputs=8, outputs=4, width=64)
    model = train(flux[:600], sed[:600], first, 700)
    g = np.stack([0.8 * y, 0.3 * (y**2 - 0.3)])
    for snr in (25.0, 60.0):
        draws, floor = [], []
        for f in flux[600:]:
            information = (0.2 * lines * snr / f) @ (0.2 * lines * snr / f).T + 3 * np.eye(2)
            floor.append(np.sqrt(np.sum(g * np.linalg.solve(information, g), axis=0)))
        for _ in range(4):
            new = flux[600:] * (1 + rng.standard_normal((300, 150)) / snr)
            predicted, _ = predict(model, new, np.full(300, snr))
            draws.append(checks.array(predicted, (300, 25)) / sed[600:] - 1)
        low, high = np.percentile(np.concatenate(draws), [16, 84], axis=0)
        ratio = np.median((high - low) / 2) / np.median(np.mean(floor, axis=0))
        checks.that(bool(ratio < 1.6), "the predictions are far from what the spectra know")


@checks.run
def test_train_network_components():
    import numpy as np

    start, train = checks.submitted("start_model"), checks.submitted("train_network")
    predict = checks.submitted("predict_sed")
    rng = np.random.default_rng(35)
    x, y = np.linspace(0, 1, 120), np.linspace(-1, 1, 30)
    label = rng.uniform(-1, 1, (400, 2))
    lines = np.stack([np.exp(-0.5 * ((x - c) / 0.02) ** 2) for c in (0.3, 0.7)])
    # the weaker line tells more of the energy distribution
    flux = 1 - (0.4 + label * [0.08, 0.3]) @ lines
    sed = np.exp(0.8 * label[:, :1] * y + 0.4 * label[:, 1:] * (y**2 - 0.3))
    new = flux[300:] * (1 + rng.standard_normal((100, 120)) / 80)

    def predicted(steps=200, seed=0, inputs=8, **switches):
        first = start(flux[:300], sed[:300], inputs=inputs, outputs=4, width=64)
        model = train(flux[:300], sed[:300], first, steps, seed=seed, **switches)
        return checks.array(predict(model, new, np.full(100, 80.0))[0], (100, 30))

    def wrong(values):
        return np.std(values / sed[300:] - 1)

    both = predicted()
    checks.that(
        bool(wrong(predicted(inputs=1)) > 1.5 * wrong(both)),
        "one component of the spectra knows it all?",
    )
    checks.close(predicted(), both, rtol=1e-3, hint="the same seed should give the same model")
    checks.that(
        bool(np.abs(predicted(seed=1) / both - 1).max() > 1e-5), "another seed gives the same model"
    )
    checks.that(
        bool(wrong(predicted(steps=3)) > 1.2 * wrong(both)), "a few steps do as much as many"
    )
    mean = wrong(np.exp(np.log(sed[:300]).mean(axis=0)))
    for idea in ("fresh noise", "falling rate", "beta weight", "Muon"):
        checks.that(
            bool(wrong(predicted(without=(idea,))) < 0.6 * mean),
            f"without {idea} your network learns next to nothing",
        )


### END HIDDEN TESTS

# %% test="train_network.errors" points=3
from helpers import checks


@checks.run
def test_train_network_errors():
    import numpy as np

    start, train = checks.submitted("start_model"), checks.submitted("train_network")
    predict = checks.submitted("predict_sed")
    rng = np.random.default_rng(33)
    x, y = np.linspace(0, 1, 120), np.linspace(-1, 1, 20)
    label = rng.uniform(-1, 1, (900, 1))
    flux = 1 - (0.4 + 0.2 * label) * np.exp(-0.5 * ((x - 0.4) / 0.03) ** 2)
    # faint on one side: absolute and relative errors are not the same
    sed = np.exp((label + 1.5) * 1.2 * y)
    first = start(flux[:600], sed[:600], inputs=6, outputs=3, width=64)
    model = train(flux[:600], sed[:600], first, 700)
    size = {}
    for snr in (22.0, 70.0):
        found = [[], []]
        for _ in range(6):
            new = flux[600:] * (1 + rng.standard_normal((300, 120)) / snr)
            predicted, sigma = predict(model, new, np.full(300, snr))
            found[0].append(checks.array(predicted, (300, 20)) / sed[600:] - 1)
            found[1].append(checks.array(sigma, (300, 20), "the errors"))
        low, high = np.percentile(np.concatenate(found[0]), [16, 84], axis=0)
        ratio = np.median(np.concatenate(found[1]), axis=0) / (high - low) * 2
        for side in (y < -0.3, y > 0.3):
            checks.that(
                bool(0.7 < np.median(ratio[side]) < 1.4),
                "predicted errors are not those that the predictions have",
            )
        size[snr] = np.median(np.concatenate(found[1])[:, np.abs(y) > 0.3])
    checks.that(
        bool(size[22.0] > 1.5 * size[70.0]),
        "a noisier spectrum should have a larger predicted error",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_train_network_errors_range():
    import numpy as np

    start, train = checks.submitted("start_model"), checks.submitted("train_network")
    predict = checks.submitted("predict_sed")
    rng = np.random.default_rng(36)
    x, y = np.linspace(0, 1, 120), np.linspace(-1, 1, 20)
    label = rng.uniform(-1, 1, (900, 1))
    flux = 1 - (0.4 + 0.2 * label) * np.exp(-0.5 * ((x - 0.4) / 0.03) ** 2)
    sed = np.exp(label * y)
    first = start(flux[:600], sed[:600], inputs=6, outputs=3, width=64)
    model = train(flux[:600], sed[:600], first, 700, snr=(4.0, 12.0))
    found = [[], []]
    for _ in range(6):
        new = flux[600:] * (1 + rng.standard_normal((300, 120)) / 6)
        predicted, sigma = predict(model, new, np.full(300, 6.0))
        found[0].append(checks.array(predicted, (300, 20)) / sed[600:] - 1)
        found[1].append(checks.array(sigma, (300, 20), "the errors"))
    low, high = np.percentile(np.concatenate(found[0]), [16, 84], axis=0)
    ratio = np.median(np.concatenate(found[1]), axis=0) / (high - low) * 2
    checks.that(
        bool(0.7 < np.median(ratio[np.abs(y) > 0.3]) < 1.4),
        "trained for another range of S/N, the predicted errors are not those that there are",
    )


### END HIDDEN TESTS


# %% test="train_network.start" points=2
from helpers import checks


@checks.run
def test_train_network_start():
    import numpy as np

    start, train = checks.submitted("start_model"), checks.submitted("train_network")
    predict = checks.submitted("predict_sed")
    rng = np.random.default_rng(34)
    x, y = np.linspace(0, 1, 100), np.linspace(-1, 1, 15)
    label = rng.uniform(-1, 1, (400, 1))
    flux = 1 - (0.4 + 0.3 * label) * np.exp(-0.5 * ((x - 0.4) / 0.05) ** 2)
    sed = np.exp(label * y)
    model = train(flux, sed, start(flux, sed, inputs=6, outputs=4, width=64), 400)
    snr = np.full(60, 60.0)
    before = checks.array(predict(model, flux[:60], snr)[0], (60, 15))
    # another world: stars of the same spectra that are redder
    moved = sed * np.exp(0.15 * label * y)
    still = train(flux[60:160], moved[60:160], model, 60, rate=1e-7)
    checks.close(
        checks.array(predict(still, flux[:60], snr)[0], (60, 15)),
        before,
        rtol=0.02,
        hint="tiny steps from a trained model should change next to nothing",
    )
    tuned = train(flux[60:160], moved[60:160], model, 200, rate=1e-3)
    after = checks.array(predict(tuned, flux[:60], snr)[0], (60, 15))
    checks.close(
        checks.array(predict(model, flux[:60], snr)[0], (60, 15)),
        before,
        rtol=1e-6,
        hint="the model to go on from has changed: work on a copy",
    )
    off = [np.std(p / moved[:60] - 1) for p in (before, after)]
    checks.that(bool(off[1] < 0.6 * off[0]), "going on with other stars did not adapt the model")


# %%
STEPS = 3000
clock = time.perf_counter()
first = start_model(normalised[train_rows], sed[train_rows])
model = train_network(normalised[train_rows], sed[train_rows], first, STEPS)
recipe_seconds = time.perf_counter() - clock
print(f"{STEPS} steps in {recipe_seconds:.0f} s")


def arrays_of(network, flux, snr):
    """What `predict_sed` says, as arrays."""
    predicted, sigma = predict_sed(network, flux, snr)
    return np.asarray(predicted), np.asarray(sigma)


def predict(flux, snr):
    return arrays_of(model, flux, snr)


# %%
judged = {snr: judge(predict, test_rows, snr) for snr in SNRS}
recipe_figures = print_summary(judged)

# %% [markdown]
# The errors are near the bound: between a few per cent below it (8000 K, S/N 20, see Section 2) and
# a sixth above. The predicted errors are right within ten per cent. The paper's errors for its own
# grid and network stand in the table of Section 2. The grids differ, so only the columns "ratio"
# and "predicted/actual" can be compared between networks.
#
# claim: all((0.88 < f[:, 0] / f[:, 1]).all() for f in recipe_figures.values())
# claim: all((f[:, 0] / f[:, 1] < 1.25).all() for f in recipe_figures.values())
# claim: all((np.abs(f[:, 3] - 1) < 0.12).all() for f in recipe_figures.values())
#
# **Figures 2 and 3.** Medians and 1σ of the relative residuals by temperature.

# %%
TEFF_EDGES = np.linspace(5000, 9750, 6)


def residual_figure(judged_by_network, rows):
    """Medians and 1 sigma of relative residuals by temperature, of each network (Fig. 2, 3)."""
    with plots.style():
        levels = len(next(iter(judged_by_network.values())))
        figure, axes = plt.subplots(
            levels, 4, figsize=(12, 2.1 * levels), sharex=True, layout="constrained"
        )
        for n, (network, judged_by_snr) in enumerate(judged_by_network.items()):
            for pair, (snr, (residual, _)) in zip(axes, judged_by_snr.items(), strict=True):
                left, right = pair[2 * n : 2 * n + 2]
                for j, (low, high) in enumerate(pairwise(TEFF_EDGES)):
                    chosen = (teff[rows] >= low) & (teff[rows] < high)
                    r = 100 * residual[:, chosen].reshape(-1, sed_wavelength.size)
                    style = {"color": plt.get_cmap(plots.SEQUENTIAL)(j / 5)}
                    left.plot(sed_wavelength, np.median(r, axis=0), **style)
                    label = f"{low:.0f}-{high:.0f} K"
                    right.semilogy(sed_wavelength, half_width(r), label=label, **style)
                left.set_ylim(-3, 3)
                right.set_ylim(0.01, 40)
                left.set_ylabel(f"S/N {snr}\nmedian / %")
                right.set_ylabel("1σ / %")
            axes[0, 2 * n].set_title(network, fontsize=10)
        axes[0, -1].legend(fontsize=6)
        for axis in axes[-1]:
            axis.set_xlabel("wavelength / Å")
    return figure


some_train = train_rows[::3]
judged_train = {snr: judge(predict, some_train, snr, repeats=1) for snr in (20, 40)}
uara_train = {snr: judge(uara, some_train, snr, repeats=1) for snr in (20, 40)}
plots.show(
    residual_figure({"paper's network": uara_train, "ours": judged_train}, some_train),
    alt="Paper's Figure 2, for the paper's network as trained here and for ours. A third of the "
    "training stars at S/N 20 and 40: medians and widths of relative residuals by temperature. "
    "Both networks have their largest errors in the ultraviolet; those of the paper's network are "
    "larger at all wavelengths.",
)
plots.show(
    residual_figure({"paper's network": uara_judged, "ours": judged}, test_rows),
    alt="Paper's Figure 3, for both networks. Test stars at S/N 20, 40 and 80: the same picture as "
    "for the training stars. Our widths shrink as S/N grows, those of the paper's network less.",
)

# %% [markdown]
# As in the paper, training and test stars have the same errors, so the network has not learnt
# single spectra by heart. The error is largest in the ultraviolet and falls with S/N. It depends
# less on temperature than the paper's, as the bound does.
#
# At S/N 20 the medians of the hot stars are not zero. Those of the hottest stars are too red, as if
# the stars were cooler than they are, and those of 7850 to 8800 K are too blue. This is
# **shrinkage**. The best guess, in the mean over all stars, is not the most likely value but the
# posterior mean, which is drawn towards the stars that are more common among those with a similar
# spectrum. Where the spectrum says little, it is drawn further, so the bias falls when S/N grows.
# It is not an error of the network. The next cell computes the posterior mean itself: it gives
# labels that are drawn evenly over the grid a weight by their likelihood. For the same noisy
# spectra it has the same signs as the network, and it follows the network's residuals star by star.
#
# claim: np.abs(train_over_test - 1).max() < 0.1
# claim: medians[20][4] > 0.002 and medians[20][3] < -0.001
# claim: all(abs(medians[80][k]) < 0.5 * abs(medians[20][k]) for k in (3, 4))
# claim: recipe_figures["6000_20"][0, 0] / recipe_figures["8000_20"][0, 0] < 1.2
# claim: PAPER[6000, 20][0] / PAPER[8000, 20][0] > 3


# %%
def exact_residuals(rows, noisy, snr, where, draws=60_000):
    """Relative residuals of the posterior mean of noisy spectra, (n, wavelengths)."""
    low, high = grid.labels.min(axis=0), grid.labels.max(axis=0)
    labels = np.random.default_rng(12).uniform(low, high, (draws, 4))
    model_scores = label_terms(labels) @ fitted
    model_sed = np.exp(log_mean[where] + model_scores[:, 48:] @ sed_components[:, where])
    residual = []
    for row, spectrum in zip(rows, noisy, strict=True):
        part = flux_components * normalised[row] / snr
        root = np.linalg.cholesky(part @ part.T)
        off = (spectrum - flux_mean) @ flux_components.T - model_scores[:, :48]
        chi2 = (np.linalg.solve(root, off.T) ** 2).sum(axis=0)
        weight = np.exp(-0.5 * (chi2 - chi2.min()))
        residual.append(weight / weight.sum() @ model_sed / sed[row][where] - 1)
    return np.array(residual)


near_8000 = np.abs(sed_wavelength - 8000) < 300
hot_rows = test_rows[teff[test_rows] > 7850][::2]
noisy = normalised[hot_rows] * (
    1 + np.random.default_rng(13).standard_normal((len(hot_rows), wavelength.size)) / 20
)
exact = np.median(exact_residuals(hot_rows, noisy, 20, near_8000), axis=1)
by_network = predict(noisy, np.full(len(hot_rows), 20.0))[0][:, near_8000]
by_network = np.median(by_network / sed[hot_rows][:, near_8000] - 1, axis=1)
warmer = teff[hot_rows] > 8800
for name, chosen in (("7850-8800 K", ~warmer), ("8800-9750 K", warmer)):
    print(f"{name}, 8000 Å, S/N 20: median residual of the network ", end="")
    print(f"{np.median(by_network[chosen]):+.2%}, of the posterior mean ", end="")
    print(f"{np.median(exact[chosen]):+.2%}")
# claim: np.median(exact[warmer]) > 0.002 and np.median(exact[~warmer]) < 0
# claim: np.corrcoef(exact, by_network)[0, 1] > 0.7

# %% [markdown]
# **Figures 4 and 5.** Predicted against actual error at five wavelengths.


# %%
def checked_errors(judged, rows):
    """Actual and predicted errors at five wavelengths in ten bins of temperature, (2, 5, 10)."""
    residual, sigma = judged
    bins = [(teff[rows] >= low) & (teff[rows] < low + 475) for low in np.arange(5000, 9750, 475)]
    pixels = [int(np.argmin(np.abs(sed_wavelength - target))) for target in CHECKED_WAVELENGTHS]
    actual = [[half_width(residual[:, b, pixel].ravel()) for b in bins] for pixel in pixels]
    return np.array([actual, [[np.median(sigma[:, b, pixel]) for b in bins] for pixel in pixels]])


def error_figure(judged_by_network, rows):
    """Predicted against actual errors at five wavelengths, by temperature (Fig. 4, 5)."""
    with plots.style():
        levels = len(next(iter(judged_by_network.values())))
        figure, axes = plt.subplots(
            2, levels, figsize=(2.9 * levels, 5.4), sharex=True, sharey=True, layout="constrained"
        )
        for line, (network, judged_by_snr) in zip(axes, judged_by_network.items(), strict=True):
            for axis, (snr, judged_at) in zip(line, judged_by_snr.items(), strict=True):
                points = zip(
                    *checked_errors(judged_at, rows), CHECKED_WAVELENGTHS, "os^Dv", strict=True
                )
                for actual, stated, target, marker in points:
                    axis.loglog(actual, stated, marker, ms=4, label=f"{target} Å", alpha=0.8)
                axis.plot([1e-4, 0.3], [1e-4, 0.3], color="0.6", lw=1)
                axis.set_title(f"{network}, S/N {snr}", fontsize=9)
            line[0].set_ylabel("predicted σ (median)")
        for axis in axes[1]:
            axis.set_xlabel("actual 1σ")
        axes[0, 0].legend(fontsize=7)
    return figure


plots.show(
    error_figure({"paper's network": uara_train, "ours": judged_train}, some_train),
    alt="Paper's Figure 4, for both networks. Predicted against actual relative errors of training "
    "stars in ten temperature bins at five wavelengths, S/N 20 and 40: points lie along the "
    "diagonal, those of the paper's network at larger errors.",
)
plots.show(
    error_figure({"paper's network": uara_judged, "ours": judged}, test_rows),
    alt="Paper's Figure 5. The same for test stars at S/N 20, 40 and 80: ours lie along the "
    "diagonal from errors of 0.2 per cent to 6 per cent.",
)

# %% [markdown]
# The paper finds "good agreement" with the diagonal. So do we: at these five wavelengths predicted
# and actual errors agree within a quarter in every bin of temperature, and within a few per cent in
# the median. The points of the paper's network lie to the right of ours, at larger errors, and
# above the diagonal: it states errors that are too large, the more so the higher the S/N. It was
# trained with S/N of 40 and less.
#
# claim: np.median(uara_checked[:, 0] / checked[0].reshape(5, 3, 10).swapaxes(0, 1)) > 1.3
# claim: (np.diff(np.median(uara_checked[:, 1] / uara_checked[:, 0], axis=(1, 2))) > 0).all()
# claim: np.median(uara_checked[:, 1] / uara_checked[:, 0]) > 1.1
# claim: 0.95 < np.median(checked[1] / checked[0]) < 1.07
# claim: np.abs(checked[1] / checked[0] - 1).max() < 0.35
#
# **Figure 6.** Six stars, S/N 20 and 80. As in the paper, most residuals are of the size of the
# predicted errors, which shrink as S/N grows.

# %%
within = []
with plots.style():
    figure, axes = plt.subplots(4, 3, figsize=(8.5, 6.4), sharex=True, height_ratios=(2, 1, 2, 1))
    for j, target in enumerate((5200, 5800, 6500, 7300, 8200, 9400)):
        i = int(np.argmin(np.abs(teff[test_rows] - target)))
        top, bottom = axes[2 * (j // 3), j % 3], axes[2 * (j // 3) + 1, j % 3]
        top.plot(sed_wavelength, sed[test_rows[i]], color="k", lw=1)
        for snr, colour in ((20, "orange"), (80, "blue")):
            r, s = (part[0, i].copy() for part in judged[snr])
            top.plot(sed_wavelength, sed[test_rows[i]] * (1 + r), "--", color=plots.COLOURS[colour])
            bottom.fill_between(
                sed_wavelength, -100 * s, 100 * s, color=plots.COLOURS[colour], alpha=0.3, lw=0
            )
            bottom.plot(sed_wavelength, 100 * r, color=plots.COLOURS[colour], label=f"S/N {snr}")
            within.append(np.mean(np.abs(r) < 2 * s))
        top.set_title(f"{teff[test_rows[i]]:.0f} K", fontsize=9)
        top.set_ylim(0, None)
        bottom.set_ylim(-10, 10)
    axes[0, 0].set_ylabel("scaled flux")
    axes[1, 0].set_ylabel("r / %")
    axes[1, 0].legend(fontsize=6)
    for axis in axes[-1]:
        axis.set_xlabel("wavelength / Å")
plots.show(
    figure,
    alt="Paper's Figure 6. Energy distributions of six simulated test stars from 5200 to 9400 "
    "kelvin with predictions at S/N 20 and 80, and relative residuals with shaded predicted "
    "errors, wide in the ultraviolet and for low S/N.",
)
# what the sentences about these figures rest on
checked = np.concatenate([checked_errors(judged[snr], test_rows) for snr in SNRS], axis=2)
uara_checked = np.stack([checked_errors(uara_judged[snr], test_rows) for snr in SNRS])
red = np.abs(sed_wavelength - 8000) < 300
medians, train_over_test = {}, []
for snr in SNRS:
    medians[snr] = [
        float(
            np.median(judged[snr][0][:, (teff[test_rows] >= a) & (teff[test_rows] < b)][..., red])
        )
        for a, b in pairwise(TEFF_EDGES)
    ]
for pair in ((judged_train, judged), (uara_train, uara_judged)):
    for snr in judged_train:
        both = [half_width(part[snr][0].reshape(-1, sed_wavelength.size)) for part in pair]
        train_over_test.append([np.median((both[0] / both[1])[p]) for p in PIXELS.values()])
train_over_test = np.array(train_over_test)
neighbours = judged[20][0][0][:, [300, 310]].T  # 2.5 % apart in wavelength
# 0.2 GB; to draw these figures again, judge again
del judged, judged_train, uara_judged, uara_train
# claim: np.mean(within) > 0.8

# %% [markdown]
# Residuals are smooth: the errors of a star at neighbouring wavelengths are the same error, that of
# its temperature or metallicity. Remember this when you average over wavelength.
#
# claim: np.corrcoef(neighbours)[0, 1] > 0.9
#
# ## 5. What each part buys
#
# Every change is measured alone, with the same small budget. The number is the error over the
# bound, averaged over both temperatures and three bands: first our recipe, then the recipe with one
# idea left out at a time. A training has chance in it, so one number says little. The kit's table
# holds three trainings of each kind, made by `python -m data.make.csst_parts` with the model
# answers of this lab.

# %%
PARTS = {
    "our recipe": ({}, {}),
    "noise drawn once": ({}, {"without": ("fresh noise",)}),
    "S/N 20-40 only": ({}, {"snr": (20.0, 40.0)}),
    "16 components in": ({"inputs": 16}, {}),
    "5 components out": ({"outputs": 5}, {}),
    "constant rate": ({}, {"without": ("falling rate",)}),
    "no beta weight": ({}, {"without": ("beta weight",)}),
    "Adam alone": ({}, {"without": ("Muon",)}),
}
PART_STEPS, PART_WIDTH = 500, 128


def measure_part(name, seed):
    """Error over the bound at S/N 20 and 80 of a short training."""
    to_start, to_train = PARTS[name]
    flux, energy = normalised[train_rows], sed[train_rows]
    first = start_model(flux, energy, width=PART_WIDTH, seed=seed, **to_start)
    trained = train_network(flux, energy, first, PART_STEPS, seed=seed, **to_train)
    return [excess(lambda f, snr: arrays_of(trained, f, snr), snr) for snr in (20, 80)]


table = pd.read_csv(csst.fact_file("csst_parts.csv"), comment="#").set_index("part")[
    ["snr_20", "snr_80"]
]
by_part = table.groupby("part", sort=False)
part_mean, part_scatter = by_part.mean(), by_part.std()
print(f"error over the bound, mean and standard deviation of {by_part.size().min()} trainings")
print(f"{'':20s}      S/N 20          S/N 80")
for name in PARTS:
    m, d = part_mean.loc[name], part_scatter.loc[name]
    print(f"{name:20s} {m.snr_20:6.2f} ± {d.snr_20:.2f}   {m.snr_80:6.2f} ± {d.snr_80:.2f}")

# %% [markdown]
# Is the table true of your own answers? Train two of its rows again, with a seed that it has not.

# %%
again = {name: measure_part(name, seed=3) for name in ("our recipe", "Adam alone")}
for name, (low, high) in again.items():
    print(f"{name:20s} {low:6.2f} at S/N 20, {high:6.2f} at S/N 80")
with plots.style():
    figure, axis = plt.subplots(figsize=(7.5, 3.2))
    place = np.arange(len(PARTS))[::-1]
    for j, (column, colour) in enumerate((("snr_20", "orange"), ("snr_80", "blue"))):
        axis.barh(
            place - 0.35 * j,
            part_mean[column],
            0.35,
            xerr=part_scatter[column],
            color=plots.COLOURS[colour],
            label=f"S/N {column[-2:]}",
        )
        for name, values in again.items():
            axis.plot(values[j], place[list(PARTS).index(name)] - 0.35 * j, "kx", ms=5)
    axis.set_yticks(place - 0.17, list(PARTS), fontsize=8)
    axis.axvline(1, color="k", lw=1)
    axis.set_xlabel("1σ over the Cramér-Rao bound")
    axis.legend()
plots.show(
    figure,
    alt="Bar chart of the error over the bound at S/N 20 and 80, with the scatter of three "
    "trainings: at S/N 20 most variants are alike, at S/N 80 they differ by much more than they "
    "scatter. Crosses mark two trainings with another seed.",
)


def clearly(worse, than, column="snr_80"):
    """Difference of two rows of the table in units of its standard error."""
    error = np.sqrt((part_scatter[column][worse] ** 2 + part_scatter[column][than] ** 2) / 3)
    return (part_mean[column][worse] - part_mean[column][than]) / error


# %% [markdown]
# At S/N 80 three parts of the recipe pay far beyond the scatter: noise drawn anew, enough
# components out, and Muon. So does training with S/N up to 90, at S/N 80 but not at S/N 20. The β
# weight and the components beyond 16 in the input do *not* pay: without them the errors at S/N 80
# are smaller, by a few standard errors. A learning rate that falls helps in the mean, but the three
# trainings without it scatter so much that their row does not prove it at S/N 80.
#
# The parts of the *paper's* network (attention, errors told to it) are not in the table. With a
# budget of minutes it does not come near its own best, and then a difference says nothing about
# them.
#
# claim: all(clearly(name, "our recipe") > 5 for name in ("noise drawn once", "Adam alone"))
# claim: clearly("5 components out", "our recipe") > 5
# claim: clearly("S/N 20-40 only", "our recipe") > 3
# claim: abs(clearly("S/N 20-40 only", "our recipe", "snr_20")) < 2
# claim: all(clearly(n, "our recipe") < -2 for n in ("no beta weight", "16 components in"))
# claim: 0 < clearly("constant rate", "our recipe") < 3
# claim: all(np.abs(np.array(again[n]) / part_mean.loc[n] - 1).max() < 0.12 for n in again)
#
# ### Question 11 · Reading the table
#
# **Explain** (a) why no network, however large, gets below the bound on average over the grid, and
# what it means that the ratio grows with S/N; (b) for "5 components out", "16 components in" and
# "no beta weight": is the row different from our recipe by more than chance? Give the difference of
# the means and its standard error, and what you conclude for each; (c) what you may *not* conclude
# from so short a training.

# %% [markdown] explain="reading" points=4
# (a) The bound follows from the derivatives of the spectrum, its noise and the distribution of the
# labels alone: on average the labels cannot be known better, and the SED is a function of the
# labels. (A biased estimate can be better for some stars.) At high S/N the bound shrinks but the
# network's own errors of approximation do not, so the ratio grows: it is then limited by training
# and by the number of models, not by photons. (b) At S/N 80, in units of the standard error of the
# difference, $\sqrt{(s_1^2 + s_2^2)/3}$: 5 components out is worse by 0.62 ± 0.02, far beyond
# chance. 16 components in is *better* by 0.12 ± 0.03, and no beta weight by 0.08 ± 0.02: three to
# four standard errors, so neither part pays at this budget. With three trainings the scatter is
# itself uncertain by a half; more seeds would settle it. At S/N 20 neither of the two differs. (c)
# What pays early may not pay late: the β weight may help where training goes on longer, and 48
# components may be needed once the errors come nearer to the bound.
#
# **Rubric**
# - (1) On average the bound holds for any estimator, being a property of the data; the growing
#   ratio is approximation error that does not shrink with the noise.
# - (1) "5 components out" is worse by far more than its scatter, with numbers.
# - (1) "no beta weight" and "16 components in" are no worse, and by the numbers better: the two
#   parts do not pay here. (Full points also for "about three standard errors from three trainings,
#   so not certain".) No point for saying that they help.
# - (1) What holds at this budget need not hold for a long training.

# %% [markdown]
# ## 6. The flat field
#
# Now the purpose. Four hundred stars, anywhere on the detector, each with a predicted SED. The
# ratio of what the detector sees to what it should see is the flat field at that place, star by
# star and wavelength by wavelength. The paper draws a *second-order polynomial of two dimensions*
# through the stars at each wavelength (Section 5): $1, x, y, x^2, xy, y^2$. All wavelengths
# together make the flat-field cube.
#
# ### Question 12 · The cube
#
# Write `flat_field`. Every star counts by its error.


# %% solution="flat_field"
def flat_field(x, y, ratio, sigma, new_x, new_y):
    """Fit a second-order polynomial of position at every wavelength.

    Parameters
    ----------
    x, y : (n,) array
        Positions of the stars, -1 to 1 across the detector.
    ratio : (n, m) array
        Observed over expected flux, star by star and wavelength by wavelength.
    sigma : (n, m) array
        Standard deviation of `ratio`.
    new_x, new_y : (q,) array
        Where to evaluate the fit.

    Returns
    -------
    (q, m) array
        The flat-field cube at these places.
    """

    ### BEGIN SOLUTION
    def terms(x, y):
        return np.stack([np.ones_like(x), x, y, x**2, x * y, y**2], axis=1)

    design, weight = terms(x, y), 1 / sigma.astype(float) ** 2
    pairs = (design[:, :, None] * design[:, None, :]).reshape(len(x), -1)
    normal = (weight.T @ pairs).reshape(-1, 6, 6)
    right = (weight * ratio).T @ design
    return terms(new_x, new_y) @ np.linalg.solve(normal, right[:, :, None])[:, :, 0].T
    ### END SOLUTION


# %% test="flat_field" points=3
from helpers import checks


@checks.run
def test_flat_field():
    import numpy as np

    fit = checks.submitted("flat_field")
    rng = np.random.default_rng(41)
    x, y = rng.uniform(-1, 1, (2, 80))
    new_x, new_y = rng.uniform(-1, 1, (2, 9))
    size = np.array([1.0, 2.0])
    truth = [
        np.outer(1 + 0.1 * a - 0.2 * b + 0.05 * a**2, size) for a, b in ((x, y), (new_x, new_y))
    ]
    got = checks.array(fit(x, y, truth[0], np.full((80, 2), 0.01), new_x, new_y), (9, 2))
    checks.close(got, truth[1], rtol=1e-4, hint="a flat of second order should come out exactly")


### BEGIN HIDDEN TESTS
@checks.run
def test_flat_field_turned():
    import numpy as np

    fit = checks.submitted("flat_field")
    rng = np.random.default_rng(42)
    x, y = rng.uniform(-1, 1, (2, 70))
    new_x, new_y = rng.uniform(-1, 1, (2, 7))
    c = rng.normal(0, 0.1, (6, 3))

    def shape(a, b):
        return np.stack([1 + 0 * a, a, b, a * a, a * b, b * b], axis=1) @ c + 1

    got = checks.array(fit(x, y, shape(x, y), np.full((70, 3), 0.02), new_x, new_y), (7, 3))
    checks.close(got, shape(new_x, new_y), rtol=1e-4, hint="a tilted saddle is not followed")


### END HIDDEN TESTS

# %% test="flat_field.weights" points=2
from helpers import checks


@checks.run
def test_flat_field_weights():
    import numpy as np

    fit = checks.submitted("flat_field")
    rng = np.random.default_rng(43)
    x, y = rng.uniform(-1, 1, (2, 300))
    # from 0.1 % to 40 %, in every wavelength other stars are the good ones
    sigma = 0.02 * np.exp(rng.standard_normal((300, 200)))
    ratio = 1 + 0.1 * (x * y)[:, None] + sigma * rng.standard_normal(sigma.shape)
    got = checks.array(fit(x, y, ratio, sigma, np.array([0.5]), np.array([0.5])), (1, 200))[0]
    design = np.stack([np.ones(300), x, y, x**2, x * y, y**2])
    place = np.array([1, 0.5, 0.5, 0.25, 0.25, 0.25])
    best, off = [], []
    for error, seen, fitted in zip(sigma.T, ratio.T, got, strict=True):
        known = np.linalg.inv(design / error**2 @ design.T)
        best.append(np.sqrt(place @ known @ place))
        off.append((fitted - place @ known @ (design @ (seen / error**2))) / best[-1])
    checks.close(
        np.mean((got - 1.025) / best), 0.0, atol=0.3, hint="the mean of many fits is not the truth"
    )
    # the scatter of a fit with other weights exceeds the least by what it scatters about the best
    checks.that(
        bool(np.std(off) < 0.3),
        "the flat scatters more than it must: how should stars known to 0.1 % and to 40 % count?",
    )


# %% [markdown]
# We draw stars at random from the test set, with S/N from 20 to 80 and fresh noise, and let the
# network predict their SEDs. As in the paper, the errors of these predictions are all at first.
# Then the detector adds photon noise, with the real throughputs. The simulated flat varies by some
# per cent across the detector. How far from the truth is the cube?

# %%
CHECK_X, CHECK_Y = np.random.default_rng(5).uniform(-1, 1, (2, 100))
COVERED = (sed_wavelength > 2550) & (sed_wavelength < 10000)
field_wavelength = sed_wavelength[COVERED]
share = np.max([np.interp(field_wavelength, *csst.throughput(b)) for b in csst.BANDS], axis=0)
#: counted at 5556 Å per pixel of R = 200: 15 mag, a mirror of 2 m, 150 s, throughput 0.4
PHOTONS = 2.6e4


def photon_counts(true, photons):
    """Photons counted in each pixel, (n, wavelengths), of SEDs scaled at 5556 Å.

    A photon of twice the wavelength has half the energy, and a pixel at twice the wavelength is
    twice as wide (pixels are even in its logarithm): counts go as flux times wavelength squared.
    """
    return photons * true * share / share.max() * (field_wavelength / 5556) ** 2


def observe_field(n, rng, detector, e_bv=0.0, photons=np.inf):
    """Positions, observed over predicted flux, and its error, for n stars with E(B-V) (mag)."""
    rows = rng.choice(test_rows, n)
    snr = 20 * 4 ** rng.random(n)
    clean = normalised[rows]
    noisy = clean * (1 + rng.standard_normal(clean.shape, np.float32) / snr[:, None])
    predicted, sigma = (part[:, COVERED] for part in predict(noisy, snr))
    true = sed[rows][:, COVERED]
    counts = photon_counts(true, photons)
    x, y = rng.uniform(-1, 1, (2, n))
    curve = csst.reddening_curve(field_wavelength) - csst.reddening_curve(np.array([5556.0]))
    dimmed = true * 10 ** (-0.4 * np.reshape(e_bv, (-1, 1)) * curve)
    seen = dimmed * detector.flat(x, y, field_wavelength)
    seen = seen * (1 + rng.standard_normal(seen.shape) / np.sqrt(counts))
    return x, y, seen / predicted, np.sqrt(sigma**2 + 1 / counts)


def cube_error(n, runs, detector=None, seed=6, photons=np.inf):
    """Relative errors of the cube over runs and places, (runs * 100, wavelengths)."""
    errors = []
    for run in range(runs):
        rng = np.random.default_rng([seed, n, run])
        here = detector or csst.Detector(seed=run)
        truth = here.flat(CHECK_X, CHECK_Y, field_wavelength)
        seen = observe_field(n, rng, here, photons=photons)
        cube = np.asarray(flat_field(*seen, CHECK_X, CHECK_Y))
        errors.append(cube / truth - 1)
    return np.concatenate(errors)


def by_band(values):
    """Median of values (wavelengths,) in each band."""
    near = np.abs(field_wavelength - 5556) < 60
    return np.array(
        [np.median(values[csst.in_band(field_wavelength, b) & ~near]) for b in csst.BANDS]
    )


NUMBERS = (100, 200, 400, 800)
precision = np.array([by_band(half_width(cube_error(n, 16))) for n in NUMBERS])
for n, row in zip(NUMBERS, precision, strict=True):
    print(f"{n:4d} stars: GU {row[0]:.4f}  GV {row[1]:.5f}  GI {row[2]:.5f}")
print("paper, 400 stars: GU 0.005   GV 0.0003   GI 0.0005")
counted = by_band(half_width(cube_error(400, 8, photons=PHOTONS)))
print(f"400 stars of 15 mag, once: GU {counted[0]:.4f}  GV {counted[1]:.4f}  GI {counted[2]:.4f}")
rough = by_band(half_width(cube_error(400, 8, csst.Detector(seed=1, ripple=0.005))))
print(f"400 stars, pattern of 0.5 %: GU {rough[0]:.4f}  GV {rough[1]:.4f}  GI {rough[2]:.4f}")


def best_flat(draw_bound, n=400, runs=8):
    """1 sigma of a flat field from n stars known no better than a bound, by band.

    `draw_bound(rng, n)` gives the smallest relative errors of n stars, (n, wavelengths).
    """
    found = []
    for run in range(runs):
        rng = np.random.default_rng([20, run])
        x, y = rng.uniform(-1, 1, (2, n))
        design, check = (
            np.stack([np.ones_like(a), a, b, a**2, a * b, b**2], axis=1)
            for a, b in ((x, y), (CHECK_X, CHECK_Y))
        )
        weight = 1 / draw_bound(rng, n) ** 2
        pairs = (design[:, :, None] * design[:, None, :]).reshape(n, -1)
        covariance = np.linalg.inv((weight.T @ pairs).reshape(-1, 6, 6))
        found.append(np.sqrt(np.einsum("qi,wij,qj->wq", check, covariance, check)).mean(axis=1))
    return by_band(np.mean(found, axis=0))


def bound_of_mixture(rng, n):
    """Bounds of stars of all temperatures and S/N, as `observe_field` draws them."""
    star, octave = rng.integers(len(test_rows), size=n), 2 * rng.random(n)[:, None]
    low, middle, high = (np.log(bound[snr][star][:, COVERED]) for snr in SNRS)
    between = np.where(
        octave < 1, low + octave * (middle - low), middle + (octave - 1) * (high - middle)
    )
    return np.exp(between)


least = best_flat(bound_of_mixture)
print(f"bound, 400 stars:  GU {least[0]:.4f}  GV {least[1]:.5f}  GI {least[2]:.5f}")

# %%
with plots.style():
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.4))
    for b, band in enumerate(csst.BANDS):
        colour = plots.COLOURS[BAND_COLOURS[band]]
        left.loglog(NUMBERS, precision[:, b], "os^"[b], color=colour, label=band)
        guide = precision[2, b] * np.sqrt(400 / np.array(NUMBERS))
        left.loglog(NUMBERS, guide, "-", lw=0.8, color=colour)
    left.set_xticks(NUMBERS, NUMBERS)
    left.tick_params(axis="x", which="minor", bottom=False, labelbottom=False)
    left.set_xlabel("number of stars")
    left.set_ylabel("1σ of the flat field")
    left.legend()
    shown = csst.Detector(seed=1, ripple=0.005)
    rng = np.random.default_rng(7)
    gx, gy = np.meshgrid(np.linspace(-1, 1, 40), np.linspace(-1, 1, 40))
    flat = np.asarray(flat_field(*observe_field(400, rng, shown), gx.ravel(), gy.ravel()))
    pixel = int(np.argmin(np.abs(field_wavelength - 7000)))
    off = flat[:, pixel] / shown.flat(gx.ravel(), gy.ravel(), field_wavelength[[pixel]])[:, 0] - 1
    image = right.imshow(
        100 * off.reshape(40, 40), extent=(-1, 1, -1, 1), origin="lower", cmap=plots.SEQUENTIAL
    )
    figure.colorbar(image, ax=right, label="fitted / true - 1, % at 7000 Å")
    right.set_xlabel("x / half the detector")
    right.set_ylabel("y / half the detector")
plots.show(
    figure,
    alt="Left: error of the flat field against number of stars in GU, GV and GI, falling nearly "
    "as one over the square root of the number. Right: map of the error at 7000 angstrom when the "
    "true flat has a pattern of half a per cent that no second-order polynomial follows: it stays.",
)
slopes = np.polyfit(np.log(NUMBERS), np.log(precision), 1)[0]
# claim: (-0.6 < slopes).all() and (slopes < -0.3).all()
# claim: 0.003 < np.std(off) < 0.008

# %% [markdown]
# The error falls nearly as $1/\sqrt N$, as long as the truth *is* a polynomial of second order and
# stars are bright. (In GV and GI it falls a little more slowly: a small part of the error of the
# predicted SEDs is common to all stars of a kind.) In GU our flat is better than the paper's, in GV
# as good, in GI worse by half. The reason is the one of Section 2. Give each of 400 stars the
# smallest error that its spectrum allows, and weight it by that: the line "bound" is the best that
# six terms can do with an even mix of our temperatures and S/N. In GI it lies above the paper's
# 0.0005, so no network reaches that on our grid. The paper's stars, on their lattice, were known
# three to four times better at S/N 20. Stars of 15 mag, exposed once, add
# photon noise: it matters in GV and GI, where SEDs are predicted best. A pattern of half a per cent
# that no polynomial follows stays, whatever the number of stars. The paper calls its numbers "too
# optimistic and only valid under ideal conditions". The pattern could be noticed: the stars'
# residuals would be correlated with position.
#
# claim: precision[2][0] < 0.004 and precision[2][1] < 0.0004
# claim: least[2] > 0.00052
# claim: (precision[2] > 0.9 * least).all() and (precision[2] < 1.5 * least).all()
# claim: (counted[1:] > 1.4 * precision[2][1:]).all()
# claim: (rough[1:] > 4 * precision[2][1:]).all()
#
# ## 7. Dust (optional)
#
# The paper leaves dust out. It hardly changes a normalised spectrum, but it changes what the
# detector sees: relative to 5556 Å, stars become fainter in GU and brighter in GI. A colour excess
# of 0.05 mag is enough to spoil a flat field.
#
# ### Question 13 (optional) · Fit it away
#
# Dust dims by $-0.4 \ln 10\, E\, k(\lambda)$ in the natural logarithm, with $E = E(B-V)$ and a
# known curve $k$ (taken relative to 5556 Å). A dust map says $E = E_0 \pm \sigma_0$. Write
# `fit_reddening`: the best $E$ of each star, from its spectrum and the map together (least squares;
# both are Gaussian).


# %% solution="fit_reddening"
def fit_reddening(log_ratio, sigma, curve, prior, prior_sigma):
    """Estimate colour excesses from observed over expected flux.

    Parameters
    ----------
    log_ratio : (n, m) array
        Natural log of observed over expected flux.
    sigma : (n, m) array
        Its standard deviation.
    curve : (m,) array
        Extinction per unit of E(B-V), mag, relative to that where fluxes are scaled.
    prior : (n,) array
        E(B-V) of a dust map, mag.
    prior_sigma : float
        Its standard deviation, mag.

    Returns
    -------
    (n,) array
        E(B-V), mag; that of a star without dust may come out negative, as noise will have it.
    """
    ### BEGIN SOLUTION
    slope = -0.4 * np.log(10) * curve
    weight = 1 / sigma**2
    top = (weight * slope * log_ratio).sum(axis=1) + prior / prior_sigma**2
    return top / ((weight * slope**2).sum(axis=1) + 1 / prior_sigma**2)
    ### END SOLUTION


# %% test="fit_reddening" points=2
from helpers import checks


@checks.run
def test_fit_reddening():
    import numpy as np

    fit = checks.submitted("fit_reddening")
    curve = np.linspace(3.0, -1.5, 40)
    true = np.array([0.0, 0.05, 0.3])
    dimmed = np.log(10 ** (-0.4 * true[:, None] * curve))
    got = checks.array(fit(dimmed, np.full((3, 40), 0.001), curve, np.full(3, 0.1), 10.0), (3,))
    checks.close(got, true, atol=1e-3, hint="stars of known reddening do not come out")


### BEGIN HIDDEN TESTS
@checks.run
def test_fit_reddening_weights():
    import numpy as np

    fit = checks.submitted("fit_reddening")
    curve = np.linspace(3.0, -1.5, 60)
    rng = np.random.default_rng(44)
    sigma = 0.03 * np.exp(rng.standard_normal((1000, 60)))
    ratio = -0.4 * np.log(10) * 0.08 * curve + sigma * rng.standard_normal(sigma.shape)
    got = checks.array(fit(ratio, sigma, curve, np.zeros(1000), 10.0), (1000,))
    best = 1 / np.sqrt(np.sum((0.4 * np.log(10) * curve / sigma) ** 2, axis=1))
    pull = (got - 0.08) / best
    checks.that(bool(pull.std() < 1.15), "pixels of 30 % and of 0.3 % should not count the same")
    checks.close(pull.mean(), 0.0, atol=0.3, hint="the mean of many stars is off")


### END HIDDEN TESTS

# %% test="fit_reddening.prior" points=2
from helpers import checks


@checks.run
def test_fit_reddening_prior():
    import numpy as np

    fit = checks.submitted("fit_reddening")
    curve = np.array([2.0, 1.0, -1.0])
    slope = 0.4 * np.log(10) * curve
    ratio = -slope * 0.20 * np.ones((1, 1))
    alone = 1 / np.sqrt(np.sum(slope**2 / 0.1**2))
    # as precise as the map: half-way between the two
    got = checks.array(fit(ratio, np.full((1, 3), 0.1), curve, np.array([0.10]), alone), (1,))
    checks.close(
        got, [0.15], atol=1e-4, hint="map and spectrum, equally precise, should meet half-way"
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_fit_reddening_prior_stars():
    import numpy as np

    fit = checks.submitted("fit_reddening")
    curve = np.array([2.5, 1.0, -0.5, -1.0])
    slope = -0.4 * np.log(10) * curve
    sigma = np.array([[0.1], [0.05], [0.4]]) * np.array([1.0, 1.5, 1.0, 2.0])
    on_map = np.array([0.10, 0.30, 0.02])
    alone = np.array([0.2, 0.25, 0.0])
    got = checks.array(fit(slope * alone[:, None], sigma, curve, on_map, 0.04), (3,))
    known = np.sum(slope**2 / sigma**2, axis=1)
    want = (known * alone + on_map / 0.04**2) / (known + 1 / 0.04**2)
    checks.close(got, want, atol=1e-4, hint="map and spectrum should count by their errors")


@checks.run
def test_fit_reddening_prior_noise():
    import numpy as np

    fit = checks.submitted("fit_reddening")
    curve = np.array([2.5, 1.0, -0.5, -1.0])
    # noise makes this star look bluer than it would be without dust; the map is nearly silent
    ratio = 0.4 * np.log(10) * 0.05 * curve[None]
    got = checks.array(fit(ratio, np.full((1, 4), 0.01), curve, np.zeros(1), 5.0), (1,))
    checks.close(
        got, [-0.05], atol=1e-3, hint="is what noise does to a star without dust kept as it is?"
    )


### END HIDDEN TESTS


# %% [markdown]
# Flat field and dust are fitted in turns: the ratios corrected for dust give the cube, the ratios
# divided by the cube give the dust. Note that the residuals of a star are the same error at all
# wavelengths, so that its pixels are not hundreds of independent measurements of its dust. We count
# them as three.

# %%
k_field = csst.reddening_curve(field_wavelength) - csst.reddening_curve(np.array([5556.0]))
MAP_ERROR = 0.015


def dusty_cube(seed, rounds):
    """Relative errors of the cube, errors of E(B-V): dust ignored (0), by the map (1), fitted."""
    rng = np.random.default_rng([9, seed])
    detector = csst.Detector(seed=seed)
    # 0.05 mag in the mean, and different from star to star
    e_bv = rng.gamma(4.0, 0.0125, 400)
    x, y, ratio, sigma = observe_field(400, rng, detector, e_bv)
    on_map = e_bv + MAP_ERROR * rng.standard_normal(400)
    estimate = np.zeros(400) if rounds == 0 else on_map
    for k in range(max(rounds, 1)):
        clear = 10 ** (0.4 * estimate[:, None] * k_field)
        # what is not known of the dust is part of a star's error until it is fitted
        left = 0.4 * np.log(10) * np.abs(k_field) * MAP_ERROR if k == 0 else 0.0
        error = np.hypot(sigma, left)
        every_x, every_y = np.append(x, CHECK_X), np.append(y, CHECK_Y)
        cube = np.asarray(flat_field(x, y, ratio * clear, error, every_x, every_y))
        log_ratio = np.log(np.maximum(ratio / cube[:400], 1e-3))
        if k + 1 < rounds:
            # pixels of one star share their error: as good as three measurements
            shared = sigma * np.sqrt(len(field_wavelength) / 3)
            estimate = np.asarray(fit_reddening(log_ratio, shared, k_field, on_map, MAP_ERROR))
    return cube[400:] / detector.flat(CHECK_X, CHECK_Y, field_wavelength) - 1, estimate - e_bv


dust_error, excess_errors = {}, []
print("flat field, GU, GV, GI:")
for name, rounds in (("ignored", 0), ("from the map", 1), ("fitted", 10)):
    errors, excess_error = map(
        np.concatenate, zip(*(dusty_cube(seed, rounds) for seed in range(6)), strict=True)
    )
    dust_error[name] = (by_band(np.abs(np.median(errors, axis=0))), by_band(half_width(errors)))
    bias, width = dust_error[name]
    print(f"dust {name:13s} |bias| {bias.round(4)}, 1 sigma {width.round(4)}; ", end="")
    excess_errors.append(np.sqrt(np.mean(excess_error**2)))
    print(f"E(B-V) of a star to {excess_errors[-1]:.4f} mag")

# %%
with plots.style():
    figure, axis = plt.subplots(figsize=(7, 3.2))
    for j, (name, (bias, width)) in enumerate(dust_error.items()):
        colour = plots.COLOURS[("vermilion", "orange", "blue")[j]]
        place = np.arange(3) + 0.25 * (j - 1)
        axis.bar(place, np.hypot(bias, width), 0.25, color=colour, label=f"dust {name}")
    axis.set_xticks(range(3), list(csst.BANDS))
    axis.set_yscale("log")
    axis.set_ylabel("error of the flat field")
    axis.set_xlabel("band")
    axis.legend()
plots.show(
    figure,
    alt="Error of the flat field in GU, GV and GI for stars behind dust of 0.05 mag: nearly ten "
    "per cent in GU if dust is ignored, half a per cent with a dust map, and the same when each "
    "star's reddening is fitted.",
)

# %% [markdown]
# If the dust is ignored, the flat is wrong by 9 % in GU and 6 % in GI. With the map, half a per
# cent is left. The fit halves the error of each star's reddening, but the flat gains nothing from
# it. The reason: a reddening that changes across the field like a polynomial of second order looks
# exactly like a flat field of second order. That part of the reddening cannot be fitted. It comes
# from the map alone, and so do its errors.
#
# claim: np.abs(dust_error["ignored"][0] - [0.09, 0.024, 0.058]).max() < 0.012
# claim: np.hypot(*dust_error["from the map"]).max() < 0.007
# claim: excess_errors[2] < 0.6 * excess_errors[1]
# claim: (np.hypot(*dust_error["fitted"]) > 0.9 * np.hypot(*dust_error["from the map"])).all()
#
# ## 8. A check a user would make: colours (optional)
#
# Users of these SEDs will compute colours with them. A CCD counts photons, so the magnitude in
# the AB system (Oke & Gunn 1983) through a throughput $T$ is
#
# $$m = -2.5 \log_{10} \frac{\int f_\lambda\, T\, \lambda\, \mathrm d\lambda}
# {\int (c / \lambda)\, T\, \mathrm d\lambda} - 48.60 ,$$
#
# with $f_\lambda$ in erg s$^{-1}$ cm$^{-2}$ Å$^{-1}$, $\lambda$ in Å and $c$ in Å/s: a source of
# constant $f_\nu = 3631$ Jy has magnitude zero in every band.
#
# ### Question 14 (optional) · Magnitudes
#
# Write `synthetic_magnitude`. SED and throughput come on different grids, and throughputs have
# steep edges: integrate on a fine common grid (1 Å will do).


# %% solution="synthetic_magnitude"
def synthetic_magnitude(wavelength, sed, band_wavelength, throughput):
    """AB magnitudes through a throughput.

    Parameters
    ----------
    wavelength : (m,) array
        Å.
    sed : (n, m) array
        erg s^-1 cm^-2 Å^-1.
    band_wavelength, throughput : (b,) array
        Å; share of photons counted, zero outside.

    Returns
    -------
    (n,) array
        mag.
    """
    ### BEGIN SOLUTION
    fine = np.arange(band_wavelength[0], band_wavelength[-1] + 1, 1.0)
    t = np.interp(fine, band_wavelength, throughput, left=0, right=0)
    light_speed = 2.99792458e18
    counts = np.array([np.trapezoid(np.interp(fine, wavelength, s) * t * fine, fine) for s in sed])
    return -2.5 * np.log10(counts / np.trapezoid(light_speed * t / fine, fine)) - 48.60
    ### END SOLUTION


# %% test="synthetic_magnitude" points=3
from helpers import checks


@checks.run
def test_synthetic_magnitude():
    import numpy as np

    magnitude = checks.submitted("synthetic_magnitude")
    x = np.linspace(2500.0, 10500.0, 1600)
    flat = 3631e-23 * 2.99792458e18 / x**2
    band = (np.array([4000.0, 4100, 5300, 5500]), np.array([0.0, 0.6, 0.7, 0.0]))
    got = checks.array(magnitude(x, np.stack([flat, 10 * flat]), *band), (2,))
    checks.close(got[1] - got[0], -2.5, atol=1e-3, hint="ten times the flux is 2.5 mag brighter")
    checks.close(got[0], 0.0, atol=0.005, hint="a source of 3631 Jy at all frequencies has m = 0")


### BEGIN HIDDEN TESTS
@checks.run
def test_synthetic_magnitude_photons():
    import numpy as np

    magnitude = checks.submitted("synthetic_magnitude")
    # a red and a blue source: photons, not energy, are counted
    x = np.linspace(2500.0, 10500.0, 700)
    band = np.array([5000.0, 5004, 8996, 9000]), np.array([0.0, 0.4, 0.4, 0.0])
    fine = np.linspace(5002.0, 8998.0, 20001)
    seds, want = [], []
    for power in (-4.0, 3.0):
        seds.append((x / 7000) ** power)
        photons = np.trapezoid((fine / 7000) ** power * fine, fine)
        want.append(-2.5 * np.log10(photons / np.trapezoid(2.99792458e18 / fine, fine)) - 48.60)
    got = checks.array(magnitude(x, np.array(seds), *band), (2,))
    checks.close(got, want, atol=0.01, hint="sources of other colours come out wrong")
    # a throughput of steps and slopes: a wide one with a hole in its middle
    nodes = np.array([4600.0, 6000, 6004, 7496, 7500, 9200])
    heights = np.array([0.0, 0.5, 0.02, 0.02, 0.6, 0.0])
    fine = np.linspace(4600.0, 9200.0, 40001)
    t, want = np.interp(fine, nodes, heights), []
    for power in (-4.0, 3.0):
        photons = np.trapezoid((fine / 7000) ** power * t * fine, fine)
        want.append(-2.5 * np.log10(photons / np.trapezoid(2.99792458e18 * t / fine, fine)) - 48.60)
    got = checks.array(magnitude(x, np.array(seds), nodes, heights), (2,))
    checks.close(got, want, atol=0.01, hint="a throughput of another shape is not followed")


@checks.run
def test_synthetic_magnitude_edges():
    import numpy as np

    magnitude = checks.submitted("synthetic_magnitude")
    # a coarse SED that grows steeply: narrow bands, one with a faint wing, one without zeros
    x = np.arange(4920.0, 8000.0, 40.0)
    bands = (
        ([5000.0, 5001, 5060, 5061], [0.0, 0.4, 0.4, 0.0]),
        ([5000.0, 5200], [0.5, 0.5]),
        ([5000.0, 5001, 5100, 5101, 7000, 7001], [0.0, 0.5, 0.5, 0.04, 0.04, 0.0]),
    )
    for nodes, heights in bands:
        fine = np.linspace(nodes[0], nodes[-1], 40001)
        t = np.interp(fine, nodes, heights)
        photons = np.trapezoid((fine - 4900) * t * fine, fine)
        want = -2.5 * np.log10(photons / np.trapezoid(2.99792458e18 * t / fine, fine)) - 48.60
        got = checks.array(magnitude(x, (x - 4900)[None], np.array(nodes), np.array(heights)), (1,))
        checks.close(
            got, [want], atol=0.02, hint="a band is not counted from one end to the other, or more"
        )


### END HIDDEN TESTS

# %%
FILTERS = ("nuv", "u", "g", "r", "i", "z")
curves = [csst.throughput(name) for name in FILTERS]
rng = np.random.default_rng(10)
seen = normalised[test_rows]
seen = seen * (1 + rng.standard_normal(seen.shape, np.float32) / 40)
guessed, _ = predict(seen, np.full(len(test_rows), 40.0))
colours = [
    -np.diff([synthetic_magnitude(sed_wavelength, s, *c) for c in curves], axis=0)
    for s in (sed[test_rows], guessed)
]
off_colour = colours[1] - colours[0]
for bluer, redder, row in zip(FILTERS, FILTERS[1:], off_colour, strict=False):
    print(f"{bluer} - {redder}: median {1000 * np.median(row):+.1f} mmag, ", end="")
    print(f"1 sigma {1000 * half_width(row):.1f} mmag")
with plots.style():
    figure, axis = plt.subplots(figsize=(7, 3))
    for j, label in ((0, "nuv - u"), (2, "g - r")):
        axis.plot(
            teff[test_rows], 1000 * off_colour[j], "os"[j // 2], ms=2.5, alpha=0.5, label=label
        )
    axis.set_xlabel("effective temperature / K")
    axis.set_ylabel("colour, predicted - true / mmag")
    axis.set_ylim(-150, 150)
    axis.legend()
plots.show(
    figure,
    alt="Error of synthetic CSST colours at S/N 40 against temperature: nuv - u scatters by about "
    "25 millimagnitudes, at all temperatures, g - r by seven.",
)
colour_bias, colour_width = 1000 * np.median(off_colour, axis=1), 1000 * half_width(off_colour.T)

# %% [markdown]
# The colours have no bias worth mentioning. They are good to 4-13 mmag, except for nuv - u, which
# lies farthest from the wavelengths that the network has seen.
#
# claim: np.abs(colour_bias).max() < 3
# claim: 3 < colour_width[1:].min() and colour_width[1:].max() < 15 < colour_width[0] < 35
# claim: abs(colour_width[2] - 7) < 2
#
# ## 9. From models to stars
#
# Real stars are not models. The paper adapts its network to NGSL (ultraviolet to red from space)
# and verifies it on MILES (another telescope, 3500-7500 Å). Ours are the kit's imitations. They
# differ
# from the models by other abundances, an opacity that the models lack, imperfect calibration and
# dereddening, and noise.
#
# NGSL's resolution is too low for the input. So the paper *generates* the normalised spectra of its
# stars from their labels, with a Gaussian process trained on MILES (Appendix C). With another
# Gaussian process it predicts SEDs from labels, and rejects stars whose observed SED is far from it
# (Appendices A and B).
#
# Three things the paper does and the lab does not. It multiplies NGSL's fluxes beyond 5700 Å by a
# calibration curve from seven stars that CALSPEC has too. It leaves out NGSL stars with uncertain
# labels (Section 2: by more than 0.7 dex in log g or 0.25 dex in [Fe/H]; Appendix B: by more than
# 500 K, 0.5 dex and 0.5 dex). And its models vary [C/H]. The imitated NGSL has one flux scale from
# end to end and label errors of one size, and carbon in the kit's models is given by the other
# labels. With real NGSL spectra all three would be needed.
#
# A Gaussian process describes a function by how its values at two places are correlated (Eq. A5,
# A6): $\sigma_f^2 \exp(-|X - X'|^2 / 2 l^2) + \sigma_n^2 \delta_{XX'}$, with labels scaled to mean
# 0 and standard deviation 1. Its mean at a new place is a weighted sum of the training values
# (Eq. A7), and $\sigma_f, \sigma_n, l$ are those of greatest marginal likelihood (Eq. A10). (In the
# covariance, Eq. A8, a product is missing: it should be
# $K_{**} - K_*^T (K + \sigma_n^2)^{-1} K_*$.) scikit-learn does all this.


# %%
def read_library(name, most_dust):
    """Stars of 5000-9750 K behind little dust: library, rows, SEDs at R = 200, pixels covered."""
    stars = csst.library(name)
    hot = (stars.labels[:, 0] > 5000) & (stars.labels[:, 0] < 9750)
    rows = np.flatnonzero(hot & (stars.e_bv < most_dust))
    inside = (sed_wavelength > stars.wavelength[0] + 25) & (
        sed_wavelength < stars.wavelength[-1] - 45
    )
    smooth = np.asarray(
        degrade(
            stars.wavelength,
            stars.flux[rows].astype(float),
            sed_wavelength[inside],
            stars.fwhm,
            sed_wavelength[inside] / 200,
        )
    )
    return stars, rows, np.asarray(scale_sed(sed_wavelength[inside], smooth)), inside


def gaussian_process(labels, values):
    """Fit Eq. A1-A10; returns a function of labels and (sigma_f, sigma_n, l)."""
    mean, scale = labels.mean(axis=0), labels.std(axis=0)
    level, size = values.mean(axis=0), values.std()
    kernel = ConstantKernel(1.0) * RBF(2.0) + WhiteKernel(0.01)
    # the parameters from 200 stars and 60 pixels (memory goes as stars squared times pixels)
    some, few = slice(None, None, max(len(labels) // 200, 1)), values.shape[1] // 60 + 1
    process = GaussianProcessRegressor(kernel)
    process.fit((labels[some] - mean) / scale, (values - level)[some, ::few] / size)
    theta = process.kernel_
    process = GaussianProcessRegressor(theta, optimizer=None)
    process.fit((labels - mean) / scale, (values - level) / size)
    signal, length = np.sqrt(theta.k1.k1.constant_value) * size, theta.k1.k2.length_scale
    found = (signal, np.sqrt(theta.k2.noise_level) * size, length)
    return lambda new: process.predict((new - mean) / scale) * size + level, found


def rmsae(predicted, true):
    """Root mean square relative error of each star (Eq. 3)."""
    return np.sqrt(np.mean((predicted / true - 1) ** 2, axis=1))


def split(n, seed, parts=5):
    """Rows to train and to test with, 4 to 1."""
    order = np.random.default_rng(seed).permutation(n)
    return np.sort(order[n // parts :]), np.sort(order[: n // parts])


def residual_maps(panels, wave, vmax, unit="relative residual / %"):
    """Maps of relative residuals, one row a star, ordered as given."""
    edges = np.append(wave, 2 * wave[-1] - wave[-2])
    with plots.style():
        figure, axes = plt.subplots(
            len(panels), 1, figsize=(8, 2.0 * len(panels)), sharex=True, squeeze=False
        )
        for axis, (title, values) in zip(axes[:, 0], panels.items(), strict=True):
            # an image: pcolormesh would make a polygon of each of a million pixels
            image = axis.pcolorfast(
                edges, np.arange(len(values) + 1), 100 * values, cmap="PuOr", vmin=-vmax, vmax=vmax
            )
            axis.set_ylabel("star")
            axis.set_title(title, fontsize=9)
        axes[-1, 0].set_xlabel(WAVELENGTH_LABEL)
        figure.colorbar(image, ax=list(axes[:, 0]), label=unit)
    return figure


miles, miles_rows, miles_sed, miles_pixels = read_library("miles", 0.1)
ngsl, ngsl_rows, ngsl_sed, ngsl_pixels = read_library("ngsl", 0.25 / 3.1)
kept, process_parameters, unseen_rmsae = {}, {}, {}
for name, stars, rows, seds, pixels, limit in (
    ("MILES", miles, miles_rows, miles_sed, miles_pixels, 0.05),
    ("NGSL", ngsl, ngsl_rows, ngsl_sed, ngsl_pixels, 0.068),
):
    labels = stars.labels[rows]
    use, hold = split(len(rows), 11)
    process, process_parameters[name] = gaussian_process(labels[use], seds[use])
    residual = process(labels) / seds - 1
    wrong = rmsae(process(labels), seds)
    kept[name] = wrong < limit
    unseen_rmsae[name] = np.median(wrong[hold])
    theta = process_parameters[name]
    print(f"{name}: {len(rows)} stars, sigma_f {theta[0]:.3f}, sigma_n {theta[1]:.4f}, ", end="")
    print(f"l {theta[2]:.2f}; median RMSAE {np.median(wrong[hold]):.4f} of stars not trained with")
    print(f"  RMSAE < {limit}: {kept[name].sum()} stars kept")
    by_teff = np.argsort(labels[:, 0])
    plots.show(
        residual_maps(
            {
                f"{name}, training": residual[by_teff[np.isin(by_teff, use)]],
                f"{name}, testing": residual[by_teff[np.isin(by_teff, hold)]],
            },
            sed_wavelength[pixels],
            8,
        ),
        alt=f"Paper's Figure {12 if name == 'MILES' else 13}. Relative residuals of SEDs that a "
        f"Gaussian process predicts from the labels of simulated {name} stars, by temperature: a "
        "few per cent, larger in the ultraviolet, with single stars that stand out.",
    )

# %% [markdown]
# **Figures 12 and 13**: labels alone, with their catalogue errors, predict SEDs to some per cent;
# single stars stand out, as in the paper. (The paper gives NGSL two limits, 0.05 in Section 2 and
# 0.068 in its Appendix B; we take the latter.)
#
# claim (simulated): 0.01 < unseen_rmsae["MILES"] < unseen_rmsae["NGSL"] < 0.07
# claim (simulated): all(0.6 < each.mean() < 1 for each in kept.values())
#
# **Figures 14 and 15**: the second process, from labels to normalised spectra at $R = 2000$. Our
# libraries have no stars in common, so each generated spectrum is compared with the MILES star
# nearest in labels.

# %%
miles_labels = miles.labels[miles_rows][kept["MILES"]]
seen = np.array(
    [np.interp(wavelength, miles.wavelength, f) for f in miles.flux[miles_rows[kept["MILES"]]]]
)
miles_input = seen / running_continuum(seen)
use, hold = split(len(miles_input), 12)
generate, process_parameters["input"] = gaussian_process(miles_labels[use], miles_input[use])
by_teff = np.argsort(miles_labels[:, 0])
residual = generate(miles_labels) / miles_input - 1
plots.show(
    residual_maps(
        {
            "training": residual[by_teff[np.isin(by_teff, use)]],
            "testing": residual[by_teff[np.isin(by_teff, hold)]],
        },
        wavelength,
        5,
    ),
    alt="Paper's Figure 14. Relative residuals of normalised MILES-like spectra from 4000 to 7000 "
    "angstrom that a Gaussian process generates from labels: mostly noise of a per cent, with "
    "traces at strong lines.",
)
ngsl_labels = ngsl.labels[ngsl_rows][kept["NGSL"]]
ngsl_input = generate(ngsl_labels)
scale = miles_labels.std(axis=0)
distance = np.linalg.norm((ngsl_labels[:, None] - miles_labels) / scale, axis=2)
twins = np.flatnonzero(distance.min(axis=1) < 0.15)
nearest = distance[twins].argmin(axis=1)
pairs = ngsl_input[twins] / miles_input[nearest] - 1
order = np.argsort(ngsl_labels[twins, 0])
print(f"{len(twins)} pairs of like labels: generated and observed spectra differ by ", end="")
print(f"{np.std(pairs):.4f} (rms)")
plots.show(
    residual_maps({"generated against nearest MILES star": pairs[order]}, wavelength, 5),
    alt="Paper's Figure 15. Relative differences between spectra generated for NGSL stars and the "
    "nearest MILES stars: noise of about a per cent, larger at the Balmer lines of some pairs.",
)

# %% [markdown]
# Generated spectra are as good as their labels: the noise of MILES is averaged away, its systematic
# differences from the models (2.5 Å everywhere instead of $R = 2000$) stay in. That is what we
# want: the network learns with the inputs it will meet.
#
# ### Before and after
#
# **Figure 7**: the network trained on models, applied to the "observed" stars. **Figure 8**: after
# fine-tuning on them. The network goes on from its weights with a small learning rate; what it says
# beyond NGSL's last pixel is kept as it was. Stars are few, so we test with all of them: each is
# judged by a network tuned on the other four fifths.

# %%
order = np.argsort(ngsl_labels[:, 0])
ngsl_labels, ngsl_input = ngsl_labels[order], ngsl_input[order]
observed = ngsl_sed[kept["NGSL"]][order]
dust = 3.1 * ngsl.e_bv[ngsl_rows][kept["NGSL"]][order]
everyone = np.arange(len(observed))
before_sed, _ = predict(ngsl_input, np.full(len(observed), 80.0))
target = before_sed.copy()
target[:, ngsl_pixels] = observed


def tune(rows):
    """Fine-tune the network on some of the stars."""
    return train_network(
        ngsl_input[rows], target[rows], model, 100, rate=3e-4, without=("falling rate",)
    )


def relative_residual(network, rows):
    """Of NGSL's stars and pixels."""
    predicted, _ = arrays_of(network, ngsl_input[rows], np.full(len(rows), 80.0))
    return predicted[:, ngsl_pixels] / observed[rows] - 1


tuned = tune(everyone)
before, training = (relative_residual(network, everyone) for network in (model, tuned))
testing = np.empty_like(before)
for fold in range(5):
    hold = everyone[fold::5]
    testing[hold] = relative_residual(tune(np.setdiff1d(everyone, hold)), hold)
ngsl_wavelength = sed_wavelength[ngsl_pixels]
plots.show(
    residual_maps({"before fine-tuning": before}, ngsl_wavelength, 15),
    alt="Paper's Figure 7. Relative residuals of simulated NGSL stars, ordered by temperature, "
    "under the network trained on models: a systematic excess in the ultraviolet of cool stars.",
)
plots.show(
    residual_maps({"training": training, "testing": testing}, ngsl_wavelength, 15),
    alt="Paper's Figure 8. The same after fine-tuning, training and testing stars: the systematic "
    "trend is gone, single stars scatter.",
)

# %% [markdown]
# As in the paper, there is a trend in the ultraviolet before the fine-tuning and none afterwards.
# What is left are differences from star to star. In numbers:

# %%
ultraviolet = (ngsl_wavelength > 2600) & (ngsl_wavelength < 3600)


def trend(residual):
    """Median residual at 2600-3600 Å of the cooler and the hotter half of the stars."""
    cool = ngsl_labels[:, 0] < np.median(ngsl_labels[:, 0])
    return [float(np.median(residual[half][:, ultraviolet])) for half in (cool, ~cool)]


trends = np.array([trend(before), trend(testing)])
print(f"2600-3600 Å, testing stars, cool and hot half: before {trends[0].round(3)}, ", end="")
print(f"after {trends[1].round(3)}")
# claim (simulated): trends[0, 0] > 0.03 and trends[0, 0] > 1.5 * abs(trends[0, 1])
# claim (simulated): np.abs(trends[1]).max() < 0.5 * trends[0, 0]

# %% [markdown]
# **Figures 9 and 10**: as in the paper, RMSAE is not correlated with extinction, and the medians
# are near zero at all wavelengths.
#
# claim (simulated): abs(slope) < 0.2
# claim (simulated): np.abs(np.median(training, axis=0)).mean() < 0.015
# claim (simulated): np.abs(np.median(testing, axis=0)).mean() < 0.015

# %%
with plots.style():
    figure, axes = plt.subplots(1, 2, figsize=(8, 3), sharey=True)
    for axis, title, r in zip(axes, ("training", "testing"), (training, testing), strict=True):
        points = axis.scatter(
            dust, rmsae(1 + r, 1), c=ngsl_labels[:, 0], s=14, cmap=plots.SEQUENTIAL
        )
        axis.set_title(title, fontsize=9)
        axis.set_xlabel("catalogued A(V) / mag")
    axes[0].set_ylabel("RMSAE")
    figure.colorbar(points, ax=list(axes), label="T / K")
plots.show(
    figure,
    alt="Paper's Figure 9. RMSAE of simulated NGSL stars after fine-tuning against extinction, "
    "training and testing stars: scatter without a trend, as in the paper.",
)
slope = np.corrcoef(dust, rmsae(1 + testing, 1))[0, 1]
print(f"correlation of RMSAE with A(V): {slope:+.2f}")
with plots.style():
    figure, axes = plt.subplots(2, 1, figsize=(8, 4), sharex=True)
    for axis, title, r in zip(axes, ("training", "testing"), (training, testing), strict=True):
        middle, width = np.median(r, axis=0), half_width(r)
        axis.plot(ngsl_wavelength, 100 * r.T, color="0.85", lw=0.4)
        axis.plot(ngsl_wavelength, 100 * middle, color=plots.COLOURS["blue"])
        axis.plot(ngsl_wavelength, 100 * (middle + width), "--", color=plots.COLOURS["blue"])
        axis.plot(ngsl_wavelength, 100 * (middle - width), "--", color=plots.COLOURS["blue"])
        axis.set_ylim(-20, 20)
        axis.set_ylabel(f"{title}\nr / %")
    axes[1].set_xlabel(WAVELENGTH_LABEL)
plots.show(
    figure,
    alt="Paper's Figure 10. Relative residuals after fine-tuning against wavelength for training "
    "and testing stars, with medians and one-sigma lines: medians near zero, widths of a few per "
    "cent, larger below 3500 angstrom.",
)

# %% [markdown]
# **Figure 11**: verification on the second library. Its SEDs were not used in the fine-tuning (its
# spectra were, in the process that generated the inputs). The flux scales of the two libraries
# differ. The red line is their systematic difference: a Gaussian process predicts NGSL's SEDs at
# the labels of the MILES stars. (The paper takes stars that both libraries contain.)

# %%
both = miles_pixels & ngsl_pixels
true = miles_sed[kept["MILES"]][:, both[miles_pixels]]
snr_miles = np.clip(np.median(miles.flux / miles.error, axis=1), 20, 80)
snr_miles = snr_miles[miles_rows[kept["MILES"]]]
stages = {
    name: arrays_of(m, miles_input, snr_miles)[0][:, both] / true - 1
    for name, m in (("before", model), ("after", tuned))
}
ngsl_process, _ = gaussian_process(ngsl_labels, observed[:, both[ngsl_pixels]])
between = np.median(ngsl_process(miles_labels) / true - 1, axis=0)
wave = sed_wavelength[both]
with plots.style():
    figure, axis = plt.subplots(figsize=(8, 3.2))
    for (name, r), colour in zip(stages.items(), ("orange", "blue"), strict=True):
        middle, width = np.median(r, axis=0), half_width(r)
        axis.plot(wave, 100 * middle, color=plots.COLOURS[colour], lw=1.6, label=f"{name} tuning")
        axis.fill_between(
            wave,
            100 * (middle - width),
            100 * (middle + width),
            color=plots.COLOURS[colour],
            alpha=0.2,
            lw=0,
        )
    axis.plot(wave, 100 * between, "--", color=plots.COLOURS["vermilion"], label="NGSL - MILES")
    axis.set_ylim(-15, 15)
    axis.set_xlabel(WAVELENGTH_LABEL)
    axis.set_ylabel("relative residual / %")
    axis.legend()
plots.show(
    figure,
    alt="Paper's Figure 11. Medians and one-sigma bands of relative residuals of simulated MILES "
    "stars before and after fine-tuning on NGSL, and the systematic difference of the libraries, "
    "which the median after tuning follows.",
)
miles_errors = {}
print("1 sigma at / Å:  3600   4500   5000   6000   7000")
for name, r in stages.items():
    miles_errors[name] = [
        float(half_width(r[:, np.abs(wave - w) < 40].ravel()))
        for w in (3600, 4500, 5000, 6000, 7000)
    ]
    print(f"{name:8s}        " + "  ".join(f"{v:.3f}" for v in miles_errors[name]))
PAPER_MILES = (0.070, 0.022, 0.013, 0.010, 0.022)
print("paper            " + "  ".join(f"{v:.3f}" for v in PAPER_MILES))
line_rms = {name: np.std(np.median(r, axis=0) - between) for name, r in stages.items()}
for name, value in line_rms.items():
    print(f"median {name} tuning - red line: {value:.4f} (rms)")

# %% [markdown]
# In the paper the blue line matches the red one. Ours does so better after the tuning than before:
# most of what is left in the median is the difference of the two libraries. The scatter from star
# to star (1σ) is hardly changed by the tuning. It is half of the paper's at 3600 Å and 0.7 to 0.8
# of it elsewhere: the imitated libraries are easier than the real ones.
#
# claim (simulated): line_rms["after"] < 0.6 * line_rms["before"]
# claim (simulated): 0.35 < miles_errors["after"][0] / PAPER_MILES[0] < 0.6
# claim (simulated): all(a < 0.95 * b for a, b in zip(miles_errors["after"], PAPER_MILES))
# claim (simulated): np.ptp(np.subtract(miles_errors["after"], miles_errors["before"])) < 0.005
#
# ### Question 15 · Models and stars
#
# **Explain** (a) why the fine-tuned network's errors on MILES follow the red line, and why no
# better network would help; (b) why a star reddened by unknown dust spoils the calibration,
# although its normalised spectrum and hence its predicted SED are right, and what
# could tell dust and flat field apart (Section 7 does it).

# %% [markdown] explain="stars" points=3
# (a) The network has learnt NGSL's flux scale. Compared with MILES it shows the difference of the
# two calibrations, which is no property of the stars: only better standards can tell which is
# right.
# (b) The detector sees the reddened star, the prediction is free of dust, so the ratio is flat
# field times extinction: one common excess gives a factor that depends on wavelength, a patchy one
# a false flat. In Section 7 the known shape of the extinction curve separates what differs from
# star to star; what changes smoothly over the field is held by the map alone.
#
# **Rubric**
# - (1) The difference of the libraries' calibrations is inherited.
# - (1) Ratio = flat times extinction.
# - (1) Curve and map: which part each of them fixes.

# %%
saved = products.save(
    "08_csst",
    bands=np.array(list(csst.BANDS)),
    **{f"figures_{name}": values for name, values in recipe_figures.items()},
    **{f"paper_{name}": values for name, values in uara_figures.items()},
    lattice_names=np.array(["_".join(map(str, name)) for name in lattice_figures]),
    lattice=np.array(list(lattice_figures.values())),
    parts=np.array(list(again)),
    parts_again=np.array(list(again.values())),
    stars=np.array(NUMBERS),
    flat_precision=precision,
    flat_least=least,
    flat_pattern=rough,
    dust=np.array([np.stack(v) for v in dust_error.values()]),
    dust_excess=np.array(excess_errors),
    trends=trends,
    miles=np.array([miles_errors["before"], miles_errors["after"]]),
    seconds=np.array([recipe_seconds]),
)

# %% [markdown]
# ## What to take away
#
# * Compute what the data can tell before you train: the bound shows whether an error is small or
#   large.
# * A test set must be like the stars that the network will meet. One from the same lattice as the
#   training set is not.
# * Compress input and output; draw noise anew where this is cheap; let errors be relative, bounded
#   and *checked*. How a network is trained can matter more than its shape.
# * Measure every change alone, and more than once before you believe a small difference.
# * The error of a flat field falls with the root of the number of stars, as long as the true flat
#   is smooth and there is no dust. Patterns and dust, not photons, will set the limit.
# * Models are not stars, and libraries are not the truth either.
#
# ## Go further
#
# The residuals of one star are the same error at all wavelengths: predict their covariance (a few
# components) instead of a $\sigma$ per pixel. How much better do colours and reddenings get? And
# the flat field, if it is fitted at all wavelengths at once?
