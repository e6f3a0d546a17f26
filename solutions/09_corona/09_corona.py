# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Lab 9 · Coronae
#
# Above the surface of a cool star stands gas of millions of kelvin. It is so thin that nearly every
# photon it makes escapes, and so hot that iron has lost ten or fifteen electrons. Its light
# consists of emission lines in the extreme ultraviolet. Their strengths tell the temperature and
# the density of the gas.
#
# This lab follows a proposal: *Automated Enhanced Spectral Analysis of Stellar Coronae via Bayesian
# Hierarchical Modeling and Deep Learning* (no author named; Freederia Research Archive,
# en.freederia.com). It joins a neural network, which finds the lines, to a hierarchical Bayesian
# model, which measures the corona. The proposal reports no number. You will build what it promises,
# repair what is wrong with it, and measure what it claims.
#
# **After this lab you can**
#
# * compute line intensities from contribution functions, and read a density off a line ratio;
# * fit blended lines together, with their covariance;
# * train a residual network that says which lines a noisy spectrum shows;
# * compute a posterior of temperature and density, on a grid and with a hierarchical model of the
#   whole spectrum in PyMC, and *check* its intervals, its chains and its predictions;
# * model a population of stars that share the errors of their atomic data;
# * estimate a marginal likelihood, and know when importance sampling fails.
#
# **You need** no earlier lab, but lab 5 (posteriors, PyMC, convergence) and lab 6 (training loops)
# are good preparation. You need weighted least squares with matrices, multivariate Gaussians and
# Bayes' theorem.
#
# | section | hours |
# |---|---|
# | 1, 2 · What a line says, the spectra | 1 |
# | 3 · Blended lines | 1.5 |
# | 4 · The network, and what it detects | 1.5 |
# | 5 · The posterior | 2 |
# | 6, 7 · Chains, the whole spectrum in PyMC | 3 |
# | 8 · A population | 1 |
# | 9, 10 · Two temperatures, many computers (optional) | 2 |
#
# That is about 10 hours for the required part, Questions 1 to 14 and 16. Section 9 with Question 15
# and Section 10 are optional. Hints are folded below the harder questions.
#
# **What is real here:** the wavelengths and contribution functions of 80 lines, computed from the
# atomic data of CHIANTI (Dere et al. 1997; Del Zanna et al. 2021). **What is simulated:** every
# spectrum. The instrument, the noise, the calibration errors and the stars are made up. Real
# spectra hold more lines than these 80. The strongest one that is missing is He II at 256.3 Å,
# which is not optically thin and often outshines its neighbours.
#
# **Read** Del Zanna & Mason (2018, *Living Reviews in Solar Physics* 15, 5): how optically thin
# lines form, and how electron densities are measured.
#
# A function must leave its arguments as they were; work on a copy.

# %% setup=true
import os
import time
import warnings

# PyTensor would translate each model into C and compile it, which takes longer than to sample the
# small ones of this lab; all their arithmetic is numpy's
os.environ.setdefault("PYTENSOR_FLAGS", "cxx=,blas__ldflags=")
# a notice about ArviZ 1.0; the course pins an earlier version
warnings.filterwarnings("ignore", "\\s*ArviZ is undergoing a major refactor", FutureWarning)

import arviz as az
import matplotlib.pyplot as plt
import numpy as np
import pytensor.tensor as pt
from pytensor.graph.op import Op

from helpers import corona, plots, products

#: full width at half maximum of the simulated instrument's profile, Å
FWHM = 0.30
#: relative errors of a line's atomic data and of the calibration; length of the latter, Å
ATOMIC_ERROR, CALIBRATION_ERROR, CALIBRATION_LENGTH = 0.12, 0.08, 40.0
#: how well the zero point of wavelength (Å) and the profile's width (relative) are known
SHIFT_ERROR, WIDTH_ERROR = 0.015, 0.03
#: a line counts as present when its flux exceeds this many of its own standard errors
PRESENT = 3.0
WAVELENGTH_LABEL = "vacuum wavelength / Å"


class LogDensity(Op):
    """A function of your own as a node of PyMC's graph, which does not look inside.

    Parameters
    ----------
    function : callable
        Takes k numbers; returns the logarithm of a density, and its slope (k,).
    """

    itypes = (pt.dvector,)
    otypes = (pt.dscalar, pt.dvector)

    def __init__(self, function):
        self.function = function

    def perform(self, node, inputs, outputs):
        for cell, value in zip(outputs, self.function(inputs[0]), strict=True):
            cell[0] = np.asarray(value, dtype=float)

    def grad(self, inputs, output_gradients):
        return [output_gradients[0] * self(inputs[0])[1]]


# %% [markdown]
# ## 1. What a line says
#
# In a corona a line forms in two steps. An electron hits an ion and lifts it to an upper level;
# then the ion decays, and the photon escapes. (So no radiative transfer is needed: light is simply
# added up along the line of sight.) The rate of collisions goes as $n_e\,n_\mathrm{ion}$, so the
# intensity is
#
# $$I = \int G(T, n_e)\; n_e^2 \,\mathrm{d}h ,$$
#
# where the *contribution function* $G$ holds the atomic physics: how much of the element is in this
# ion at this temperature, how its levels are populated, how fast the upper one decays. (The ratio
# of hydrogen nuclei to electrons, 0.83, is in $G$ too.) Every ion lives in a narrow range of
# temperature. That is the thermometer.

# %%
lines = corona.line_table()
logT = lines.log_temperature
print(f"{len(lines.ion)} lines of {len(set(lines.ion))} ions")
with plots.style():
    figure, axis = plt.subplots(figsize=(8, 3.6))
    six_lines = [("fe_9", 171.07), ("fe_11", 188.23), ("fe_13", 202.04), ("fe_15", 284.16)]
    six_lines += [("fe_16", 262.98), ("fe_24", 192.03)]
    six_curves = [lines.at_density(10.0)[lines.find(*line)] for line in six_lines]
    styles = ["-", "--", "-.", ":", "-", "--"]
    for (ion, wavelength), g, dash in zip(six_lines, six_curves, styles, strict=True):
        axis.plot(logT, g / g.max(), dash, lw=1.6, label=f"{corona.spectrum(ion)} {wavelength}")
    axis.set_xlabel("log$_{10}$ (temperature / K)")
    axis.set_ylabel("contribution function / its peak")
    axis.legend(fontsize=8, ncols=2)
plots.show(
    figure,
    alt="Normalised contribution functions of six iron lines against log temperature: each is a "
    "peak 0.2 to 0.4 dex wide, from Fe IX at 5.9 over Fe XVI at 6.45 to Fe XXIV at 7.25.",
)
# claim: all(0.15 < 0.05 * np.sum(g > 0.5 * g.max()) < 0.45 for g in six_curves)
# claim: np.allclose(logT[[np.argmax(six_curves[k]) for k in (0, 4, 5)]], [5.9, 6.45, 7.25])

# %% [markdown]
# No corona has one temperature. A magnetic loop has cool feet and a hot top; for one that is heated
# evenly the emission measure per dex grows as $T^{3/2}$ (Rosner, Tucker & Vaiana 1978). We describe
# a corona by where this rise ends, its *peak temperature* $T_p$, and by one density. (In a real
# loop the pressure is the same everywhere, so the density falls as the temperature rises. With one
# density for all temperatures the lab stays simple.)
#
# $$n_e^2 \frac{\mathrm{d}h}{\mathrm{d}\log_{10} T} = n_e^2\, h\;\phi, \qquad
# \phi = (T/T_p)^{3/2} \text{ below } T_p, \quad (T/T_p)^{-4} \text{ above.}$$
#
# ### Question 1 · Intensities
#
# Write `line_intensities`: $I = n_e^2 h \int G\,\phi\;\mathrm{d}\log_{10}T$.


# %% solution="line_intensities"
def line_intensities(g, log_temperature, log_peak, density, length):
    """Integrate contribution functions over a loop.

    Parameters
    ----------
    g : (l, t) array
        Contribution functions at the loop's density, erg cm^3 s^-1 sr^-1.
    log_temperature : (t,) array
        log10 of K, evenly spaced.
    log_peak : float
        log10 of the peak temperature in K.
    density : float
        Electrons per cm^3.
    length : float
        Depth h of the plasma along the line of sight, cm.

    Returns
    -------
    (l,) array
        Intensities, erg cm^-2 s^-1 sr^-1.
    """
    ### BEGIN SOLUTION
    x = log_temperature - log_peak
    phi = 10 ** np.where(x < 0, 1.5 * x, -4 * x)
    step = log_temperature[1] - log_temperature[0]
    return density**2 * length * (g @ phi) * step
    ### END SOLUTION


# %% test="line_intensities" points=2
from helpers import checks


@checks.run
def test_line_intensities():
    import numpy as np

    integrate = checks.submitted("line_intensities")
    grid = np.linspace(4.0, 9.0, 501)
    got = checks.array(integrate(np.ones((2, 501)) * [[1.0], [3.0]], grid, 6.5, 1.0, 1.0), (2,))
    checks.close(got[1] / got[0], 3.0, rtol=1e-4, hint="three times G should give three times I")
    both = [checks.array(integrate(np.ones((1, 501)), grid, 6.5, 1.0, h), (1,)) for h in (1.0, 7.0)]
    checks.close(both[1] / both[0], [7.0], rtol=1e-4, hint="a deeper plasma shines in proportion")


### BEGIN HIDDEN TESTS
@checks.run
def test_line_intensities_shape():
    import numpy as np

    integrate = checks.submitted("line_intensities")
    for step, peak in ((0.01, 6.2), (0.02, 6.7)):
        grid = np.arange(3.0, 10.0, step)
        # the integral of phi over log10 T is (1/1.5 + 1/4) / ln 10
        whole = (1 / 1.5 + 1 / 4) / np.log(10)
        got = checks.number(
            checks.array(integrate(np.ones((1, grid.size)), grid, peak, 1.0, 1.0))[0]
        )
        checks.close(
            got, whole, rtol=0.03, hint="the integral over log10 T of a constant G is not right"
        )
        # ions of the cool feet, of the loop's rise and of gas hotter than its top, 0.1 dex wide
        ions = np.exp(-0.5 * ((grid - (peak + np.array([[-1.0], [-0.4], [0.5]]))) / 0.1) ** 2)
        feet, rise, hot = checks.array(integrate(ions, grid, peak, 1.0, 1.0), (3,))
        # the mean of 10**(k x) over such an ion is that at its middle, times exp((k s ln 10)^2 / 2)
        wide = [np.exp(0.5 * (k * 0.1 * np.log(10)) ** 2) for k in (1.5, -4.0)]
        checks.close(rise / feet, 10**0.9, rtol=0.02, hint="phi does not rise as given")
        checks.close(
            feet / hot,
            10**0.5 * wide[0] / wide[1],
            rtol=0.02,
            hint="the rise and the fall of phi are not as given",
        )


@checks.run
def test_line_intensities_peak():
    import numpy as np

    integrate = checks.submitted("line_intensities")
    grid = np.linspace(5.5, 7.4, 39)
    # a line of the loop's feet sees the peak by the rise's scale alone
    g = np.exp(-0.5 * ((grid - 5.8) / 0.1) ** 2)[None]
    near = [checks.array(integrate(g, grid, peak, 1.0, 1.0), (1,))[0] for peak in (6.31, 6.34)]
    checks.close(
        near[1] / near[0], 10**-0.045, rtol=5e-3, hint="a small change of the peak is not followed"
    )


### END HIDDEN TESTS

# %% test="line_intensities.density" points=2
from helpers import checks


@checks.run
def test_line_intensities_density():
    import numpy as np

    integrate = checks.submitted("line_intensities")
    grid = np.linspace(5.5, 7.4, 39)
    g = np.ones((1, 39))
    thin = checks.array(integrate(g, grid, 6.3, 1e9, 1e10), (1,))[0]
    dense = checks.array(integrate(g, grid, 6.3, 1e10, 1e10), (1,))[0]
    checks.that(bool(dense > 1.5 * thin), "ten times the density should give more light")


### BEGIN HIDDEN TESTS
@checks.run
def test_line_intensities_density_hidden():
    import numpy as np

    integrate = checks.submitted("line_intensities")
    grid = np.linspace(5.5, 7.4, 39)
    g = np.random.default_rng(1).uniform(0.5, 1.0, (5, 39)) * 1e-24
    thin = checks.array(integrate(g, grid, 6.3, 3e9, 2e9), (5,))
    dense = checks.array(integrate(g, grid, 6.3, 1.2e10, 2e9), (5,))
    checks.close(dense / thin, np.full(5, 16.0), rtol=1e-4, hint="how does I go with density?")


### END HIDDEN TESTS

# %% [markdown]
# The density follows from another effect. Some upper levels are excited from a *metastable* level,
# which is populated only if collisions are frequent. At higher density lines from such levels
# become brighter relative to other lines of the same ion. So a **ratio** of lines tells the
# density, whatever the amount of gas.

# %%
log_n = np.linspace(8.0, 12.0, 81)
at_peak = lines.at_density(log_n)[:, int(np.argmin(np.abs(logT - 6.25)))]
pair = [lines.find("fe_13", 203.827), lines.find("fe_13", 203.796)]
reference = lines.find("fe_13", 202.044)
iron_curve = at_peak[pair].sum(axis=0) / at_peak[reference]
with plots.style():
    figure, axis = plt.subplots(figsize=(6, 3.4))
    axis.plot(log_n, iron_curve, lw=2)
    axis.set_xlabel("log$_{10}$ (electron density / cm$^{-3}$)")
    axis.set_ylabel("Fe XIII 203.8 / 202.0")
plots.show(
    figure,
    alt="The intensity ratio of Fe XIII 203.8 to 202.0 against log density: it rises from about "
    "0.1 at 8 to 4.4 at 11 and then stays flat.",
)
# claim: iron_curve[0] < 0.2 and abs(iron_curve[60] - 4.4) < 0.2
# claim: np.ptp(iron_curve[60:]) < 0.1 * iron_curve[60]

# %% [markdown]
# ### Question 2 · A density from a ratio
#
# Write `density_from_ratio`. Where the curve cannot give an answer, say so with NaN rather than
# with the end of the table. Some curves fall.


# %% solution="density_from_ratio"
def density_from_ratio(ratio, log_density, curve):
    """Read densities off a diagnostic curve.

    Parameters
    ----------
    ratio : (m,) array
        Measured ratios.
    log_density : (d,) array
        log10 of cm^-3, increasing.
    curve : (d,) array
        The ratio at these densities; it rises all along, or falls all along.

    Returns
    -------
    (m,) array
        log10 of density, interpolated linearly in the ratio; NaN where the ratio lies outside
        the curve.
    """
    ### BEGIN SOLUTION
    order = np.argsort(curve)
    return np.interp(ratio, curve[order], log_density[order], left=np.nan, right=np.nan)
    ### END SOLUTION


# %% test="density_from_ratio" points=2
from helpers import checks


@checks.run
def test_density_from_ratio():
    import numpy as np

    read = checks.submitted("density_from_ratio")
    got = checks.array(
        read(np.array([1.5, 3.0]), np.array([9.0, 10.0, 11.0]), np.array([1.0, 2.0, 4.0])), (2,)
    )
    checks.close(
        got, [9.5, 10.5], atol=1e-3, hint="a ratio half-way between two points of a rising curve"
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_density_from_ratio_falling():
    import numpy as np

    read = checks.submitted("density_from_ratio")
    grid = np.linspace(8, 12, 41)
    curve = 3 - np.tanh(grid - 10)
    got = checks.array(read(3 - np.tanh([-1.0, 0.3, 1.2]), grid, curve), (3,))
    checks.close(got, [9.0, 10.3, 11.2], atol=0.01, hint="a falling curve is not read correctly")
    got = checks.array(read(3 + np.tanh([0.9, -0.6]), grid, 6 - curve), (2,))
    checks.close(got, [10.9, 9.4], atol=0.01, hint="a rising curve is not read correctly")


### END HIDDEN TESTS

# %% test="density_from_ratio.outside" points=1
from helpers import checks


@checks.run
def test_density_from_ratio_outside():
    import numpy as np

    read = checks.submitted("density_from_ratio")
    grid = np.linspace(8, 12, 41)
    curve = 3 + np.tanh(grid - 10)
    got = checks.array(read(np.array([0.1, 3.0, 9.0]), grid, curve), (3,), finite=False)
    checks.close(got[1], 10.0, atol=0.01, hint="a ratio in the middle of the curve has a density")
    checks.that(
        bool(np.isnan(got[[0, 2]]).all()),
        "a ratio that no density gives was given one: an end of the table is not a measurement",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_density_from_ratio_outside_hidden():
    import numpy as np

    read = checks.submitted("density_from_ratio")
    grid = np.linspace(8, 12, 41)
    for curve in (2 + 0.5 * np.tanh(grid - 10), 2 - 0.5 * np.tanh(grid - 10)):
        ends = np.array([curve.min(), curve.max()])
        ratio = np.concatenate([ends - 0.01, ends + 0.01, [2.0]])
        got = checks.array(read(ratio, grid, curve), (5,), finite=False)
        checks.that(
            np.isnan(got).tolist() == [True, False, False, True, False],
            "near the ends of the curve some ratios have a density and some have none",
        )


### END HIDDEN TESTS


# %% [markdown]
# ## 2. Ten thousand spectra
#
# The kit simulates them: even in $\log T$ from 1 to 10 MK, in $\log n$ from 9 to 11, and with
# signal to noise from 1 to 10 (the median, over a spectrum's twenty brightest lines, of peak over
# error in one pixel). The calibration is wrong by 8 % (in a way that changes slowly with
# wavelength), the wavelength scale and the line width by a little, and the atomic data of every
# line by 12 %. All these errors are drawn anew for every spectrum. For the instrument this is
# realistic. For the atomic data it is not: real data are wrong in the *same* way in all spectra.
# Drawing them anew keeps a network from learning them, and makes spectra independent of one
# another; Section 8 shows what changes when stars share them. Four fifths of the spectra are for
# training and one fifth for testing, and the test set is not used until the end.

# %%
started = time.perf_counter()
sky = corona.simulated_spectra(10_000)
wavelength = sky.wavelength
N_TRAIN = 8000
train, test = sky[:N_TRAIN], sky[N_TRAIN:]
print(f"{len(sky)} simulated spectra of {wavelength.size} pixels")
stand_out = []  # lines whose peak exceeds three times the error of a pixel
with plots.style():
    figure, axes = plt.subplots(3, 1, figsize=(8, 5.4), sharex=True)
    for axis, target in zip(axes, (10, 3, 1), strict=True):
        i = int(np.argmin(np.abs(np.log(train.snr / target)) + 2 * np.abs(train.log_t - 6.3)))
        axis.step(wavelength, train.flux[i], lw=0.5, where="mid", color=plots.COLOURS["blue"])
        axis.set_title(
            f"S/N {train.snr[i]:.1f}, log T {train.log_t[i]:.2f}, log n {train.log_n[i]:.2f}",
            fontsize=9,
            loc="left",
        )
        peaks = train.intensity[i] * np.sqrt(4 * np.log(2) / np.pi) / FWHM
        stand_out.append(
            np.sum(peaks > 3 * np.interp(lines.wavelength, wavelength, train.error[i]))
        )
    axes[1].set_ylabel("flux per Å (arbitrary)")
    axes[2].set_xlabel(WAVELENGTH_LABEL)
plots.show(
    figure,
    alt="Three simulated coronal spectra at 167-292 angstrom of about the same temperature, with "
    "signal to noise 10, 3 and 1: at 10 dozens of lines exceed three times the error of a pixel, "
    "at 1 hardly any does.",
)
# claim: stand_out[0] > 24 and stand_out[2] <= 3

# %% [markdown]
# ## 3. Lines out of blends
#
# ### Question 3 · Profiles
#
# The lines are Gaussians of the instrument's width. Write `profile_matrix`; each column, summed
# over pixels times pixel size, has area 1, so that what multiplies it is the line's flux.


# %% solution="profile_matrix"
def profile_matrix(wavelength, centres, fwhm):
    """Build the design matrix of the lines.

    Parameters
    ----------
    wavelength : (p,) array
        Å.
    centres : (l,) array
        Line wavelengths, Å.
    fwhm : float
        Full width at half maximum, Å.

    Returns
    -------
    (p, l) array
        Gaussians of unit area, per Å.
    """
    ### BEGIN SOLUTION
    sigma = fwhm / np.sqrt(8 * np.log(2))
    z = (wavelength[:, None] - centres) / sigma
    return np.exp(-0.5 * z**2) / (np.sqrt(2 * np.pi) * sigma)
    ### END SOLUTION


# %% test="profile_matrix" points=2
from helpers import checks


@checks.run
def test_profile_matrix():
    import numpy as np

    build = checks.submitted("profile_matrix")
    x = np.arange(100.0, 120.0, 0.05)
    matrix = checks.array(build(x, np.array([105.0, 110.0, 114.0]), 0.4), (x.size, 3))
    checks.close(
        x[matrix.argmax(axis=0)],
        [105.0, 110.0, 114.0],
        atol=0.06,
        hint="a column should peak at its line",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_profile_matrix_width():
    import numpy as np

    build = checks.submitted("profile_matrix")
    x = np.arange(100.0, 120.0, 0.01)
    for fwhm in (0.3, 0.9):
        column = checks.array(build(x, np.array([110.0]), fwhm), (x.size, 1))[:, 0]
        wide = np.sum(column > 0.5 * column.max()) * 0.01
        checks.close(
            wide, fwhm, atol=0.03, hint="the full width at half maximum is not the one asked for"
        )


@checks.run
def test_profile_matrix_shape():
    import numpy as np

    build = checks.submitted("profile_matrix")
    x = np.arange(100.0, 120.0, 0.02)
    centres = np.array([112.01, 104.0, 115.51])
    got = checks.array(build(x, centres, 0.3), (x.size, 3))
    checks.that(
        bool((np.abs(x[got.argmax(axis=0)] - centres) < 0.03).all()),
        "the columns are not those of the lines, in their order",
    )
    # the widths of a Gaussian at three of its heights
    for height in (0.9, 0.5, 0.05):
        wide = np.sum(got > height * got.max(axis=0), axis=0) * 0.02
        checks.close(
            wide,
            np.full(3, 0.3 * np.sqrt(np.log(1 / height) / np.log(2))),
            atol=0.045,
            hint="the lines are not Gaussians of the width asked for",
        )
    middle = (got * x[:, None]).sum(axis=0) / got.sum(axis=0)
    checks.close(middle, centres, atol=4e-3, hint="a line lies where it lies, between pixels too")


### END HIDDEN TESTS

# %% test="profile_matrix.area" points=1
from helpers import checks


@checks.run
def test_profile_matrix_area():
    import numpy as np

    build = checks.submitted("profile_matrix")
    for step, fwhm in ((0.01, 0.3), (0.05, 0.8)):
        x = np.arange(100.0, 120.0, step)
        columns = checks.array(build(x, np.array([110.0, 115.0]), fwhm), (x.size, 2))
        checks.that(
            bool((columns[np.abs(x - 112.5) < 0.5] < 0.1 * columns.max()).all()),
            "between two lines there should be nothing",
        )
        checks.close(
            columns.sum(axis=0) * step, [1.0, 1.0], rtol=0.01, hint="the area of a column is not 1"
        )


# %% [markdown]
# ### Question 4 · All lines at once
#
# Lines overlap, so one at a time is wrong: what belongs to a neighbour is counted twice. All
# intensities together are one *linear* problem,
#
# $$\vec f = \mathsf A \vec a + \mathsf B \vec c + \text{noise}, \qquad
# \chi^2 = \sum_j (f_j - \dots)^2 / \sigma_j^2 ,$$
#
# with profiles $\mathsf A$ and a background $\mathsf B$ (continuum and other columns of unknown
# amplitude). $\sigma_j$ is what the file calls error; its square is the variance. Write
# `fit_lines`. The covariance of the intensities must allow for the unknown background.
#
# <details><summary>Hint</summary>
#
# Put all columns into one design matrix, divide its rows and the flux by the errors, and solve the
# normal equations for all amplitudes. The covariance is the inverse of the normal matrix. Take the
# block of the lines from the *inverse*: inverting the block alone would assume a known background.
#
# </details>


# %% solution="fit_lines"
def fit_lines(flux, error, profiles, background):
    """Fit all lines and the background together by weighted least squares.

    Parameters
    ----------
    flux, error : (p,) array
        Flux per Å and its standard deviation.
    profiles : (p, l) array
    background : (p, k) array
        Further columns of free amplitude.

    Returns
    -------
    intensity : (l,) array
        Fluxes of the lines; negative ones are allowed.
    covariance : (l, l) array
        Of the intensities, for any background.
    """
    ### BEGIN SOLUTION
    design = np.column_stack([profiles, background]) / error[:, None]
    covariance = np.linalg.inv(design.T @ design)
    best = covariance @ (design.T @ (flux / error))
    n = profiles.shape[1]
    return best[:n], covariance[:n, :n]
    ### END SOLUTION


# %% test="fit_lines" points=2
from helpers import checks


@checks.run
def test_fit_lines():
    import numpy as np

    fit = checks.submitted("fit_lines")
    x = np.arange(0.0, 20.0, 0.1)
    profiles = np.exp(-0.5 * ((x[:, None] - [5.0, 14.0]) / 0.3) ** 2) / (0.3 * np.sqrt(2 * np.pi))
    background = np.ones((x.size, 1))
    result = fit(profiles @ [2.0, 5.0] + 0.7, np.full(x.size, 0.1), profiles, background)
    checks.that(
        type(result) in (tuple, list) and len(result) == 2, "return intensity and covariance"
    )
    got = checks.array(result[0], (2,))
    checks.array(result[1], (2, 2), "the covariance")
    checks.close(got, [2.0, 5.0], rtol=1e-4, hint="two lines apart on a constant background")


### BEGIN HIDDEN TESTS
@checks.run
def test_fit_lines_blend():
    import numpy as np

    fit = checks.submitted("fit_lines")
    x = np.arange(0.0, 20.0, 0.1)
    profiles = np.exp(-0.5 * ((x[:, None] - [9.8, 10.2]) / 0.3) ** 2) / (0.3 * np.sqrt(2 * np.pi))
    background = np.column_stack([np.ones(x.size), x - 10])
    flux = profiles @ [2.0, 5.0] + 0.7 + 0.05 * (x - 10)
    got = checks.array(fit(flux, np.full(x.size, 0.1), profiles, background)[0], (2,))
    checks.close(got, [2.0, 5.0], rtol=1e-3, hint="two blended lines are not told apart")


@checks.run
def test_fit_lines_negative():
    import numpy as np

    fit = checks.submitted("fit_lines")
    x = np.arange(0.0, 20.0, 0.1)
    profiles = np.exp(-0.5 * ((x[:, None] - [5.0, 14.0]) / 0.3) ** 2) / (0.3 * np.sqrt(2 * np.pi))
    flux = profiles @ [3.0, -0.4] + 0.2
    got = checks.array(fit(flux, np.full(x.size, 0.1), profiles, np.ones((x.size, 1)))[0], (2,))
    checks.close(got, [3.0, -0.4], rtol=1e-3, hint="noise may make a faint line come out negative")


### END HIDDEN TESTS

# %% test="fit_lines.errors" points=3
from helpers import checks


@checks.run
def test_fit_lines_errors():
    import numpy as np

    fit = checks.submitted("fit_lines")
    x = np.arange(0.0, 20.0, 0.1)
    profiles = np.exp(-0.5 * ((x[:, None] - [10.0]) / 0.3) ** 2)
    quiet = checks.array(
        fit(profiles[:, 0], np.full(x.size, 0.1), profiles, np.ones((x.size, 1)))[1], (1, 1)
    )
    loud = checks.array(
        fit(profiles[:, 0], np.full(x.size, 0.2), profiles, np.ones((x.size, 1)))[1], (1, 1)
    )
    checks.close(
        loud / quiet, [[4.0]], rtol=0.01, hint="twice the error should give four times the variance"
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_fit_lines_errors_hidden():
    import numpy as np

    fit = checks.submitted("fit_lines")
    rng = np.random.default_rng(4)
    x = np.arange(0.0, 12.0, 0.1)
    profiles = np.exp(-0.5 * ((x[:, None] - [5.8, 6.1]) / 0.3) ** 2)
    background = np.column_stack([np.ones(x.size), np.exp(-0.5 * ((x - 6) / 1.0) ** 2)])
    error = np.where(x < 6, 0.05, 0.3)
    clean = profiles @ [1.0, 2.0] + background @ [0.5, 0.3]
    pulls = []
    for _ in range(300):
        best, covariance = fit(
            clean + error * rng.standard_normal(x.size), error, profiles, background
        )
        best, covariance = checks.array(best, (2,)), checks.array(covariance, (2, 2))
        offset = best - [1.0, 2.0]
        checks.that(bool(np.linalg.det(covariance) > 0), "a covariance has a positive determinant")
        pulls.append(offset @ np.linalg.solve(covariance, offset))
    # chi squared of two: mean 2, standard error over 300 trials 0.12
    checks.close(np.mean(pulls), 2.0, atol=0.5, hint="the covariance is not that of the scatter")
    # no other linear fit has smaller errors than the weighted one
    design = np.column_stack([profiles, background]) / error[:, None]
    best_possible = np.sqrt(np.diag(np.linalg.inv(design.T @ design)))[:2]
    checks.close(
        np.sqrt(np.diag(covariance)),
        best_possible,
        rtol=0.02,
        hint="the errors are larger or smaller than a fit weighted by the pixels' errors has",
    )


@checks.run
def test_fit_lines_errors_together():
    import numpy as np

    fit = checks.submitted("fit_lines")
    x = np.arange(0.0, 12.0, 0.1)
    profiles = np.exp(-0.5 * ((x[:, None] - [5.8, 6.1, 9.0]) / 0.3) ** 2)
    background, error = np.ones((x.size, 1)), np.where(x < 6, 0.05, 0.1)
    got = checks.array(fit(profiles @ [1.0, 2.0, 0.5], error, profiles, background)[1], (3, 3))
    design = np.column_stack([profiles, background]) / error[:, None]
    want = np.linalg.inv(design.T @ design)[:3, :3]
    for pair in ([1, 1, 0], [1, -1, 0], [0, 1, 1]):
        sides = [np.array(pair) @ each @ np.array(pair) for each in (got, want)]
        checks.close(
            sides[0], sides[1], rtol=0.2, hint="what is known of the sum of two blended lines?"
        )


### END HIDDEN TESTS

# %%
profiles = np.asarray(profile_matrix(wavelength, lines.wavelength, FWHM))
centred = (wavelength - wavelength.mean()) / np.ptp(wavelength) * 2
continuum = np.column_stack([np.ones_like(centred), centred])


def instrument_columns(strength):
    """What a shift and a widening of all lines by one standard error change in the flux."""
    moved = profile_matrix(wavelength - SHIFT_ERROR, lines.wavelength, FWHM)
    wider = profile_matrix(wavelength, lines.wavelength, (1 + WIDTH_ERROR) * FWHM)
    return np.column_stack([(moved - profiles) @ strength, (wider - profiles) @ strength])


def all_intensities(flux, error):
    """Fit twice: the first fit tells what a small shift or widening of all lines looks like."""
    first, _ = fit_lines(flux, error, profiles, continuum)
    instrument = instrument_columns(np.maximum(first, 0))
    best = fit_lines(flux, error, profiles, np.column_stack([continuum, instrument]))
    return tuple(np.asarray(part) for part in best)


i = int(np.argmin(np.abs(train.snr - 8) + 2 * np.abs(train.log_t - 6.3)))
got, got_covariance = all_intensities(train.flux[i].astype(float), train.error[i].astype(float))
true_flux, true_log_n = train.intensity[i], train.log_n[i]
alone = np.array(
    [
        fit_lines(
            train.flux[i][near].astype(float),
            train.error[i][near].astype(float),
            profiles[near][:, [k]],
            np.ones((near.sum(), 1)),
        )[0][0]
        for k, centre in enumerate(lines.wavelength)
        for near in [np.abs(wavelength - centre) < 0.6]
    ]
)
with plots.style():
    figure, axis = plt.subplots(figsize=(5.5, 4.5))
    axis.plot([0, 1], [0, 1], color="0.6", lw=1)
    top = train.intensity[i].max()
    axis.plot(
        train.intensity[i] / top,
        alone / top,
        "s",
        ms=4,
        color=plots.COLOURS["orange"],
        label="one at a time",
    )
    axis.plot(
        train.intensity[i] / top,
        got / top,
        "o",
        ms=4,
        color=plots.COLOURS["blue"],
        label="all at once",
    )
    axis.set_xlabel("true flux / brightest line")
    axis.set_ylabel("fitted flux / brightest line")
    axis.legend()
plots.show(
    figure,
    alt="Fitted against true line flux of one simulated spectrum: one at a time ten lines come out "
    "far too bright; together most lie on the diagonal, and some that coincide scatter to both "
    "sides.",
)
both_errors = np.sqrt(np.diag(got_covariance)[pair])
sum_error = np.sqrt(got_covariance[np.ix_(pair, pair)].sum())
from_ratio = density_from_ratio(np.array([got[pair].sum() / got[reference]]), log_n, iron_curve)[0]
print(f"Fe XIII 203.8 as two lines to {both_errors.round(2)}, their sum to {sum_error:.2f}")
print(f"log n from Fe XIII: {from_ratio:.2f}, truth {true_log_n:.2f}")
# claim: np.sum(alone - true_flux > 0.08 * top) > 3 * np.sum(alone - true_flux < -0.08 * top)
# claim: np.median(np.abs(alone - true_flux)) > 1.2 * np.median(np.abs(got - true_flux))

# %% [markdown]
# The squares far above the diagonal are lines beside brighter ones. Whoever fits one line at a
# time must avoid them. The dots far from the diagonal are lines that nearly coincide. Their sum
# is well known, but not how it is shared between them. The covariance contains this: each of the
# two lines of Fe XIII at 203.8 Å has a large error, their sum a much smaller one.
#
# Here the ratio of Fe XIII gives no density at all: it lies beyond the end of the curve. Above
# $10^{10.5}$ cm$^{-3}$ the curve is nearly flat, and errors of 12 % in each line are enough to push
# a ratio off it. More than one line must be used.
#
# claim: (both_errors > 2 * sum_error).all()
# claim: np.isnan(from_ratio) and 10.5 < true_log_n < 11
# claim: abs(got[pair].sum() - true_flux[pair].sum()) < 4 * sum_error
#
# ### Question 5 · What is wrong with the proposal
#
# Of its method the proposal says, in our words:
#
# 1. A *three-dimensional* convolutional network (a modified ResNet-50) looks at the spectra. The
#    third dimension lets it see "spatial correlations between wavelengths".
# 2. It is trained on 80 % of 10 000 simulated spectra, "using stochastic gradient descent with Adam
#    optimizer and a cross-entropy loss". What is wanted are temperature, density and a list of
#    lines.
# 3. Its feature maps are fed into the hierarchical model, as the data of that model.
# 4. The likelihood of a spectrum is $\prod_j \mathrm{Normal}(x_j, \sigma_j^2)$, where $x_j$ is the
#    intensity at pixel $j$ and $\sigma_j^2$ a variance that depends on the systematic errors.
# 5. The joint probability of the parameters is $P(\theta \mid x_i, D)$, given the spectrum $x_i$
#    and the training data $D$.
# 6. The posterior is sampled with NUTS, "evaluating the marginal likelihood using an automated
#    importance sampling algorithm".
# 7. The result is a significant improvement over fitting lines by hand; the error bars "are
#    demonstrated to be sufficiently low".
#
# **Name four of these statements that are wrong or cannot be meant as they stand, and say what
# should stand there.** (About ten lines.)

# %% [markdown] explain="critique" points=4
# * A *three*-dimensional network: a spectrum has one dimension, so the convolutions run along one
#   axis. "Spatial correlations between wavelengths" are what a one-dimensional kernel sees.
# * *Cross-entropy* is a loss for classes. It fits the question "is this line present?" (binary, one
#   per line), not temperature and density, which are continuous: squared error, or a density.
# * "*SGD with Adam optimizer*": Adam is an algorithm of its own, in place of plain SGD.
# * The likelihood Normal(x_j, sigma_j^2) has no mean that depends on the parameters, so it cannot
#   constrain them. It should be Normal(x_j | m_j(theta), sigma_j^2).
# * The noise of pixels is treated as independent although calibration errors are shared by
#   neighbours; a product over pixels then counts one error many times.
# * P(theta | x, D) mixes the data with the training set; feature maps are no data with a known
#   noise. And marginal likelihood is not what MCMC needs, nor is importance sampling safe for it.
# * "Better than manual fitting" is claimed without one number.
#
# **Rubric**
# - (1 each, at most 4) A statement that is really wrong or empty, with what should replace it.

# %% [markdown]
# ## 4. The network
#
# A network is good at looking at a whole noisy spectrum and saying which lines are there. A
# residual network adds to its input what its convolutions find, $x + F(x)$. It can leave the input
# nearly as it is, which makes it easy to train (He et al. 2016). Ours is one-dimensional and small.
# The answer is one *probability for each line*: lines do not exclude one another, so each has a
# sigmoid and a binary cross-entropy of its own.
#
# Here a line counts as *present* if its true flux exceeds three times the error $\sigma_l$ with
# which it could be measured if it stood alone, $\sigma_l^{-2} = \sum_j A_{jl}^2/\sigma_j^2$. So
# what is present depends on the noise: a line that is present in a good spectrum may be absent in
# a bad one of the same star. The *S/N of a line* is its true flux over $\sigma_l$.
#
# ### Question 6 · A line finder
#
# Write `train_network` and `line_probabilities`. What lies between them, the *weights*, is a
# dictionary of plain arrays: something you can save, send to another computer and use there. Scale
# the input of the network spectrum by spectrum, since brightness means nothing. What you say of one
# spectrum must not depend on which others it was shown with. Use at most 2 minutes for 8000 spectra
# on two cores.
#
# <details><summary>Hint 1</summary>
#
# One convolution with stride 4, one residual block of 12 channels and one hidden layer are enough.
# Give the network two channels: the flux over its 99th percentile, and flux over error, both
# compressed with `np.arcsinh`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `torch.nn.BCEWithLogitsLoss` is the binary cross-entropy of logits; apply `torch.sigmoid` only in
# `line_probabilities`. `network.state_dict()` turned into arrays is a good dictionary of weights.
#
# </details>


# %% solution="line_probabilities" seconds=60
def train_network(flux, error, present, seed=0, epochs=8):
    """Train a residual network to find lines.

    Parameters
    ----------
    flux, error : (m, p) array
        Training spectra.
    present : (m, l) array of bool
        Which lines they hold.
    seed : int
        Of the initial weights and the order of training.
    epochs : int
        How many times every training spectrum is used.

    Returns
    -------
    dict of array
        All that `line_probabilities` needs, under names of your choice.
    """
    ### BEGIN SOLUTION
    import torch

    torch.manual_seed(seed)
    x, y = prepared(flux, error), torch.from_numpy(np.asarray(present, dtype=np.float32))
    network = residual_network(x.shape[2], y.shape[1])
    batch = 128
    steps = -(-len(x) // batch)
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=epochs * steps)
    loss = torch.nn.BCEWithLogitsLoss()
    for _ in range(epochs):
        for chosen in torch.randperm(len(x)).split(batch):
            optimiser.zero_grad()
            loss(network(x[chosen]), y[chosen]).backward()
            optimiser.step()
            schedule.step()
    return {name: value.numpy() for name, value in network.state_dict().items()}


def prepared(flux, error):
    """Two channels without units: compressed flux, and compressed signal to noise."""
    import torch

    scale = np.quantile(flux, 0.99, axis=1, keepdims=True)
    both = np.stack([np.arcsinh(3 * flux / scale), np.arcsinh(flux / error) / 2], axis=1)
    return torch.from_numpy(both.astype(np.float32))


def residual_network(pixels, n_lines, channels=12):
    """One residual block between a stem that strides and a hidden layer."""
    from torch import nn

    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.change = nn.Sequential(
                nn.ReLU(),
                nn.Conv1d(channels, channels, 5, padding=2),
                nn.ReLU(),
                nn.Conv1d(channels, channels, 5, padding=2),
            )

        def forward(self, x):
            return x + self.change(x)

    return nn.Sequential(
        nn.Conv1d(2, channels, 8, stride=4, padding=2),
        Residual(),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(channels * ((pixels + 4 - 8) // 4 + 1), 160),
        nn.ReLU(),
        nn.Linear(160, n_lines),
    )
    ### END SOLUTION


def line_probabilities(weights, flux, error):
    """Look for lines in spectra.

    Parameters
    ----------
    weights : dict of array
        From `train_network`.
    flux, error : (n, p) array
        Spectra to look at.

    Returns
    -------
    (n, l) array
        The probability that each line is present, between 0 and 1.
    """
    ### BEGIN SOLUTION
    import torch

    *_, last = weights.values()
    network = residual_network(flux.shape[1], len(last))
    network.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    with torch.no_grad():
        return torch.sigmoid(network(prepared(flux, error))).numpy().astype(float)
    ### END SOLUTION


# %% test="line_probabilities" points=3
from helpers import checks


@checks.run
def test_line_probabilities():
    import numpy as np

    from helpers import corona

    train, find = checks.submitted("train_network"), checks.submitted("line_probabilities")
    sky = corona.simulated_spectra(1300, seed=31)
    present = sky.intensity > 0.1 * sky.intensity.max(axis=1, keepdims=True)
    weights = train(sky.flux[:1000], sky.error[:1000], present[:1000], epochs=20)
    guess = checks.array(find(weights, sky.flux[1000:], sky.error[1000:]), (300, 80))
    checks.that(
        bool((guess >= 0).all() and (guess <= 1).all()), "probabilities lie between 0 and 1"
    )
    right = np.mean((guess > 0.5) == present[1000:])
    usual = np.mean((present[:1000].mean(axis=0) > 0.5) == present[1000:])
    checks.that(
        bool(right > usual + 0.01),
        "your network is hardly better than always answering what is usual for each line",
    )


# %% test="line_probabilities.honest" points=3
from helpers import checks


@checks.run
def test_line_probabilities_honest():
    import numpy as np

    from helpers import corona

    train, find = checks.submitted("train_network"), checks.submitted("line_probabilities")
    sky = corona.simulated_spectra(360, seed=32)
    present = sky.intensity > 0.1 * sky.intensity.max(axis=1, keepdims=True)
    weights = train(sky.flux[:300], sky.error[:300], present[:300], epochs=20)
    flux, error = sky.flux[300:], sky.error[300:]
    many = checks.array(find(weights, flux, error), (60, 80))
    held = present[300:]
    checks.that(
        bool(many[held].mean() > many[~held].mean() + 0.3),
        "lines that are present should get higher probabilities than others: is it trained?",
    )
    few = checks.array(find(weights, flux[:3], error[:3]), (3, 80))
    checks.close(
        few,
        many[:3],
        atol=1e-3,
        hint="what you say of a spectrum depends on which others are shown",
    )
    brighter = checks.array(find(weights, 50 * flux, 50 * error), (60, 80))
    checks.close(
        brighter, many, atol=0.02, hint="a brighter star of the same kind gets other lines"
    )
    checks.that(bool(np.ptp(many, axis=0).max() > 0.01), "the answer ignores the spectrum")


### BEGIN HIDDEN TESTS
@checks.run
def test_line_probabilities_epochs():
    import numpy as np

    from helpers import corona

    train, find = checks.submitted("train_network"), checks.submitted("line_probabilities")
    sky = corona.simulated_spectra(300, seed=33)
    present = sky.intensity > 0.1 * sky.intensity.max(axis=1, keepdims=True)

    def probabilities(epochs):
        weights = train(sky.flux, sky.error, present, seed=5, epochs=epochs)
        return checks.array(find(weights, sky.flux, sky.error), (300, 80))

    short, again, long = (probabilities(epochs) for epochs in (1, 1, 40))
    checks.close(again, short, atol=0.02, hint="the same seed should give the same network")
    loss = [-np.log(np.clip(np.where(present, p, 1 - p), 1e-6, 1)).mean() for p in (short, long)]
    checks.that(
        bool(loss[1] < 0.9 * loss[0]), "using the spectra forty times teaches no more than once"
    )


### END HIDDEN TESTS


# %%
clock = time.perf_counter()


def line_errors(error):
    """Error of the flux of each line if it stood alone: spectra (m, p) to (m, 80)."""
    return 1 / np.sqrt((1 / error.astype(float) ** 2) @ profiles**2)


line_snr = {
    name: part.intensity / line_errors(part.error)
    for name, part in (("train", train), ("test", test))
}
found_in = {name: ratio > PRESENT for name, ratio in line_snr.items()}
weights = train_network(train.flux, train.error, found_in["train"])
probability = np.asarray(line_probabilities(weights, test.flux, test.error))
network_seconds = time.perf_counter() - clock
right = (probability > 0.5) == found_in["test"]
usual = (found_in["train"].mean(axis=0) > 0.5) == found_in["test"]
bands = [(1.0, 1.5), (1.5, 2.5), (2.5, 3.6), (3.6, 5.5), (5.5, 8.5), (8.5, 10.0)]
accuracy = np.array(
    [
        [x[(test.snr >= low) & (test.snr < high)].mean() for x in (right, usual)]
        for low, high in bands
    ]
)
print(f"network trained and used in {network_seconds:.0f} s")
for (low, high), (ours, blind) in zip(bands, accuracy, strict=True):
    print(f"S/N {low:.1f}-{high:.1f}: {ours:.1%} of lines right; always the usual: {blind:.1%}")

# %% [markdown]
# Compare with "always the usual", which answers for each line what is most frequent in the training
# set and never looks at the spectrum. Where nearly all lines are absent (S/N 1) it is right about
# most of them, and so is anybody. So accuracy alone says little. *Detection* has a better measure:
# fix the rate of false alarms, and ask how many of the lines that are there are found, against
# their S/N.
#
# For the false alarms we take lines whose true S/N is below 0.3. Each method has a number for each
# line: the network its probability, the classical way the flux of the joint fit (Question 4) over
# its error. For each we choose the threshold that 1 % of the false lines exceed, in one half of the
# spectra, and use it in the other half. A filter that is matched to a single line of known place,
# on a known background, would find the share $\Phi(\mathrm{S/N} - 2.33)$. And one who does not look
# at the spectrum finds 1 %.

# %%
from itertools import pairwise

from scipy.stats import norm

N_SEARCHED, FALSE_ALARMS = 600, 0.01
fitted_snr = np.array(
    [
        intensity / np.sqrt(np.diag(covariance))
        for pair_of in zip(test.flux[:N_SEARCHED], test.error[:N_SEARCHED], strict=True)
        for intensity, covariance in [all_intensities(*(x.astype(float) for x in pair_of))]
    ]
)
searched = {"network": probability[:N_SEARCHED], "joint fit": fitted_snr}
true_snr = line_snr["test"][:N_SEARCHED]
first_half = np.arange(N_SEARCHED)[:, None] < N_SEARCHED // 2
nothing_there = true_snr < 0.3
snr_edges = np.geomspace(0.5, 12, 9)
snr_middle = np.sqrt(snr_edges[1:] * snr_edges[:-1])
threshold, false_alarms, detected = {}, {}, {}
for way, number in searched.items():
    threshold[way] = np.quantile(number[nothing_there & first_half], 1 - FALSE_ALARMS)
    over = number > threshold[way]
    false_alarms[way] = over[nothing_there & ~first_half].mean()
    detected[way] = np.array(
        [
            over[(true_snr >= low) & (true_snr < high) & ~first_half].mean()
            for low, high in pairwise(snr_edges)
        ]
    )
    print(f"{way}: false alarms {false_alarms[way]:.1%}, found {detected[way].round(2)}")
matched = norm.cdf(snr_middle - norm.isf(FALSE_ALARMS))
with plots.style():
    figure, axis = plt.subplots(figsize=(6, 3.8))
    for (way, share), marker in zip(detected.items(), ("o-", "s--"), strict=True):
        axis.semilogx(snr_middle, share, marker, label=way)
    axis.semilogx(snr_middle, matched, "k:", label="matched filter, line alone")
    axis.axhline(FALSE_ALARMS, color="0.5", lw=1, label="no data")
    axis.set_xticks([0.5, 1, 2, 5, 10], ["0.5", "1", "2", "5", "10"])
    axis.minorticks_off()
    axis.set_xlabel("signal to noise of the line")
    axis.set_ylabel("share detected at 1 % false alarms")
    axis.legend(fontsize=8)
plots.show(
    figure,
    alt="Share of lines detected at one per cent false alarms against the signal to noise of the "
    "line: all curves rise from near zero at 0.5; that of the network is steepest and reaches one "
    "at 5; that of the joint fit stays below that of the matched filter of a line alone.",
)
# claim: all(rate < 0.03 for rate in false_alarms.values())
# claim: (detected["network"][-2:] > 0.97).all() and detected["joint fit"][-1] < 0.95
# claim: (detected["joint fit"][3:] <= matched[3:] + 0.03).all()
# claim: detected["network"][0] < 0.1 and detected["joint fit"][0] < 0.15

# %% [markdown]
# A joint fit finds fewer lines than the matched filter, since blended lines share their light. The
# network finds fewer than the fit at S/N below 2, as it was trained to call such lines absent. From
# 3 on it finds more, even more than the matched filter can from the pixels of the line. How is this
# possible? It may know from *other* lines how hot the corona is, and which lines must be there. A
# test shows whether it does: take out of each spectrum one line of S/N 4 to 9, and ask again.
#
# claim: (detected["network"][4:] > matched[4:]).all() and (snr_middle[4:] > 2.9).all()
# claim: (detected["network"][:3] < detected["joint fit"][:3]).all()

# %%
rng = np.random.default_rng(4)
strong = (true_snr > 4) & (true_snr < 9) & ~first_half
rows = np.flatnonzero(strong.any(axis=1))
taken = np.array([rng.choice(np.flatnonzero(strong[k])) for k in rows])
without = test.flux[rows] - test.intensity[rows, taken][:, None] * profiles.T[taken]
again = {
    "network": np.asarray(line_probabilities(weights, without, test.error[rows])),
    "joint fit": np.array(
        [
            intensity / np.sqrt(np.diag(covariance))
            for pair_of in zip(without, test.error[rows], strict=True)
            for intensity, covariance in [all_intensities(*(x.astype(float) for x in pair_of))]
        ]
    ),
}
still_found = {
    way: float((number[np.arange(len(rows)), taken] > threshold[way]).mean())
    for way, number in again.items()
}
words = ", ".join(f"{way} {share:.0%}" for way, share in still_found.items())
print(f"of {len(rows)} lines taken out are still reported: {words}")

# %% [markdown]
# The network reports nearly all lines that were taken out. It has not learnt to see a line but to
# recognise a corona: a list of its lines is a statement on the whole spectrum. That is useful for a
# first look. But a line that is missing in spite of the temperature, because the element is rare or
# the atomic data are wrong, goes unnoticed. The fit notices it.
#
# claim: still_found["network"] > 0.8 and still_found["joint fit"] < 0.1
#
# It is tempting to let the network answer for $T$ and $n$ as well. It would return numbers, but no
# likelihood and no error: a softmax or sigmoid was trained to separate classes and is not a
# posterior of temperature. So we only ask it *which lines are there*. Below we also measure how
# good a network is that answers with temperature and density directly.

# %% [markdown]
# ## 5. The posterior
#
# The 1000 pixels of a spectrum are now a vector of intensities $\vec a$ with covariance $\mathsf
# C$. As long as the fit is linear this loses nothing of what the pixels say. The model says $\vec a
# \approx e\,\vec m(T, n)$ with unknown brightness $e$. But the model itself is wrong by errors of
# known size: 12 % per line (atomic data), 8 % shared by neighbours (calibration). Let $\mathsf K$
# be the relative covariance of these errors. Then
#
# $$\vec a \sim \mathcal N\!\left(e\,\vec m,\;
# \mathsf C + e^2\, \mathsf K \circ \vec m\vec m^T\right).$$
#
# This is the hierarchical model of one spectrum, with the atomic and calibration errors (one number
# for each line) integrated out by hand. Three approximations were made. The true errors are factors
# $e^{\epsilon}$, and we treat them as $1 + \epsilon$. Shift and width of the lines enter linearly.
# And $e$ is not integrated over but fitted to the same data. Whether the intervals can be trusted
# all the same is tested below.
#
# ### Question 7 · The log-likelihood
#
# Write `log_likelihood` for many models at once. For $e$ take the value that fits best with
# $\mathsf C$ alone, $e = \vec m^T \mathsf C^{-1}\vec a / \vec m^T \mathsf C^{-1}\vec m$, and at
# least $10^{-3}$. (Our $\mathsf K$ will contain a large error that all lines share, so that a wrong
# $e$ does no harm.) Keep the determinant: it changes with the model.
#
# <details><summary>Hint</summary>
#
# Of each model compute the mean $e\,\vec m$ and the total covariance, a stack of shape (g, l, l).
# With its Cholesky factor $\mathsf L$ (`np.linalg.cholesky` takes stacks), $\chi^2$ is the square
# of $\mathsf L^{-1}$ times the residual, and $\ln\det = 2 \sum \ln \mathsf L_{ii}$.
#
# </details>


# %% solution="log_likelihood" seconds=20
def log_likelihood(intensity, covariance, models, relative):
    """Compare measured intensities with models that are imperfect.

    Parameters
    ----------
    intensity : (l,) array
        Measured.
    covariance : (l, l) array
        Of the measurement.
    models : (g, l) array
        Predicted intensities of g models, up to a factor.
    relative : (l, l) array
        Covariance of the models' relative errors.

    Returns
    -------
    (g,) array
        Natural logarithm of the Gaussian density of the intensities, normalisation included.
    """
    ### BEGIN SOLUTION
    weighted = np.linalg.solve(covariance, models.T).T
    scale = np.maximum((weighted @ intensity) / np.sum(weighted * models, axis=1), 1e-3)
    mean = scale[:, None] * models
    residual = intensity - mean
    # the residual as one more row: the last row of the root is then root^-1 residual. The corner
    # must exceed its square, which is less than chi squared with the measurement's errors alone.
    n = intensity.size
    bordered = np.empty((len(models), n + 1, n + 1))
    bordered[:, :n, :n] = relative * mean[:, :, None] * mean[:, None, :] + covariance
    bordered[:, n, :n] = bordered[:, :n, n] = residual
    bordered[:, n, n] = 1 + np.sum(residual * np.linalg.solve(covariance, residual.T).T, axis=1)
    root = np.linalg.cholesky(bordered)
    chi2 = np.sum(root[:, n, :n] ** 2, axis=1)
    determinant = 2 * np.log(np.diagonal(root, axis1=1, axis2=2)[:, :n]).sum(axis=1)
    return -0.5 * (chi2 + determinant + n * np.log(2 * np.pi))
    ### END SOLUTION


# %% test="log_likelihood" points=2
from helpers import checks


@checks.run
def test_log_likelihood():
    import numpy as np

    evaluate = checks.submitted("log_likelihood")
    models = np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]])
    got = checks.array(evaluate(5 * models[0], 0.01 * np.eye(3), models, 0.01 * np.eye(3)), (2,))
    checks.that(bool(got[0] > got[1]), "a model that fits is less likely than one that does not")


### BEGIN HIDDEN TESTS
@checks.run
def test_log_likelihood_hidden():
    import numpy as np
    from scipy.stats import multivariate_normal

    evaluate = checks.submitted("log_likelihood")
    rng = np.random.default_rng(7)
    models = rng.uniform(0.5, 2.0, (4, 5))
    root = rng.normal(0, 0.1, (5, 5))
    covariance = root @ root.T + 0.01 * np.eye(5)
    intensity = 3 * models[1] * rng.normal(1, 0.1, 5)
    # without errors of the model: the plain Gaussian
    want = []
    for m in models:
        w = np.linalg.solve(covariance, m)
        want.append(multivariate_normal(w @ intensity / (w @ m) * m, covariance).logpdf(intensity))
    got = checks.array(evaluate(intensity, covariance, models, 1e-12 * np.eye(5)), (4,))
    checks.close(
        got - got[0],
        np.array(want) - want[0],
        rtol=1e-3,
        atol=0.01,
        hint="with perfect models the differences should be those of chi squared",
    )


### END HIDDEN TESTS

# %% test="log_likelihood.imperfect" points=3
from helpers import checks


@checks.run
def test_log_likelihood_imperfect():
    import numpy as np

    evaluate = checks.submitted("log_likelihood")
    models = np.array([[1.0, 1.0], [1.0, 2.0]])
    strict = checks.array(
        evaluate(np.array([1.0, 1.0]), 1e-4 * np.eye(2), models, 1e-6 * np.eye(2)), (2,)
    )
    lenient = checks.array(
        evaluate(np.array([1.0, 1.0]), 1e-4 * np.eye(2), models, 0.25 * np.eye(2)), (2,)
    )
    checks.that(
        bool(lenient[0] - lenient[1] < strict[0] - strict[1]),
        "models that may be wrong should be told apart less well",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_log_likelihood_imperfect_hidden():
    import numpy as np
    from scipy.stats import multivariate_normal

    evaluate = checks.submitted("log_likelihood")
    rng = np.random.default_rng(8)
    models = rng.uniform(0.5, 2.0, (5, 4)) * np.array([1, 1, 1, 30, 0.2])[:, None]
    relative = 0.02 * np.eye(4) + 0.01
    covariance = 0.02 * np.eye(4)
    intensity = rng.uniform(1.0, 3.0, 4)
    want = []
    for m in models:
        w = np.linalg.solve(covariance, m)
        mean = w @ intensity / (w @ m) * m
        total = covariance + relative * np.outer(mean, mean)
        want.append(multivariate_normal(mean, total).logpdf(intensity))
    got = checks.array(evaluate(intensity, covariance, models, relative), (5,))
    checks.close(
        got,
        want,
        rtol=1e-4,
        atol=1e-3,
        hint="with imperfect models the density is not right: mean, covariance, determinant?",
    )


@checks.run
def test_log_likelihood_imperfect_faint():
    import numpy as np
    from scipy.stats import multivariate_normal

    evaluate = checks.submitted("log_likelihood")
    # nothing but noise, and more often below zero: no brightness fits, so the least stands
    models = np.array([[40.0, 10.0, 20.0], [1.0, 2.0, 90.0]])
    intensity = np.array([-0.05, 0.01, -0.04])
    covariance, relative = 0.01 * np.eye(3), 0.05 * np.eye(3) + 0.1
    want = [
        multivariate_normal(1e-3 * m, covariance + 1e-6 * relative * np.outer(m, m)).logpdf(
            intensity
        )
        for m in models
    ]
    got = checks.array(evaluate(intensity, covariance, models, relative), (2,))
    checks.close(got, want, atol=2e-3, hint="a star cannot shine less than nothing")


### END HIDDEN TESTS

# %% [markdown]
# ### Question 8 · Intervals
#
# A posterior on a grid is a table of log densities. Write `credible_interval`: mean and a central
# interval. The numbers are *natural* logarithms and may be near $-10^5$.


# %% solution="credible_interval"
def credible_interval(grid, log_density, level):
    """Summarise a one-dimensional posterior on a grid.

    Parameters
    ----------
    grid : (n,) array
        Evenly spaced.
    log_density : (n,) array
        Natural logarithm of the density, up to a constant.
    level : float
        Probability inside, such as 0.68; as much is left out below as above.

    Returns
    -------
    mean, lower, upper : float
    """
    ### BEGIN SOLUTION
    weight = np.exp(log_density - log_density.max())
    weight = weight / weight.sum()
    cumulative = np.cumsum(weight) - 0.5 * weight
    tail = 0.5 * (1 - level)
    lower, upper = np.interp([tail, 1 - tail], cumulative, grid)
    return float(weight @ grid), float(lower), float(upper)
    ### END SOLUTION


# %% test="credible_interval" points=2
from helpers import checks


@checks.run
def test_credible_interval():
    import numpy as np

    summarise = checks.submitted("credible_interval")
    grid = np.linspace(-6, 6, 1201)
    result = summarise(grid, -0.5 * (grid - 1) ** 2 - 5e4, 0.6827)
    checks.that(type(result) in (tuple, list) and len(result) == 3, "return mean, lower, upper")
    got = [checks.number(value) for value in result]
    checks.close(
        got,
        [1.0, 0.0, 2.0],
        atol=0.05,
        hint="a Gaussian's 68 % interval is one sigma to either side",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_credible_interval_levels():
    import numpy as np

    summarise = checks.submitted("credible_interval")
    grid = np.linspace(9, 11, 2001)
    for level, reach in ((0.5, 0.6745), (0.95, 1.96)):
        result = summarise(grid, -0.5 * ((grid - 9.9) / 0.1) ** 2 - 1e5, level)
        checks.close(
            [checks.number(value) for value in result],
            [9.9, 9.9 - 0.1 * reach, 9.9 + 0.1 * reach],
            atol=0.006,
            hint="an interval of another level, or of a narrower posterior, is not right",
        )


### END HIDDEN TESTS

# %% test="credible_interval.skewed" points=1
from helpers import checks


@checks.run
def test_credible_interval_skewed():
    import numpy as np

    summarise = checks.submitted("credible_interval")
    grid = np.linspace(0, 30, 6001)
    got = [checks.number(value) for value in summarise(grid, -grid, 0.9)]
    # the exponential distribution
    checks.close(
        got,
        [1.0, -np.log(0.95), -np.log(0.05)],
        atol=0.03,
        hint="a skewed posterior is not summarised correctly",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_credible_interval_two_peaks():
    import numpy as np

    summarise = checks.submitted("credible_interval")
    grid = np.linspace(-8, 12, 4001)
    # three parts in ten about -2, the others about 4, too far apart to overlap
    density = 0.3 * np.exp(-0.5 * ((grid + 2) / 0.5) ** 2) + 0.7 * np.exp(
        -0.5 * ((grid - 4) / 0.5) ** 2
    )
    got = [checks.number(v) for v in summarise(grid, np.log(density + 1e-300) + 700, 0.5)]
    # a quarter of all is left out: five sixths of the lower peak, five fourteenths of the upper
    checks.close(got, [2.2, -1.516, 4.183], atol=0.03, hint="a posterior of two peaks is off")


### END HIDDEN TESTS


# %% [markdown]
# Now all together. The models: intensities on a grid of temperature and density, one table for
# everybody.

# %%
T_GRID, N_GRID = np.linspace(6.0, 7.0, 26), np.linspace(9.0, 11.0, 17)
g_of_n = lines.at_density(N_GRID)
models = np.array(
    [
        line_intensities(g_of_n[:, :, j], logT, peak, 1.0, 1.0)
        for peak in T_GRID
        for j in range(len(N_GRID))
    ]
)
models /= models.max(axis=1, keepdims=True)
apart = lines.wavelength[:, None] - lines.wavelength
relative = CALIBRATION_ERROR**2 * np.exp(-0.5 * (apart / CALIBRATION_LENGTH) ** 2)
relative += ATOMIC_ERROR**2 * np.eye(len(apart)) + 0.5**2


def posterior(flux, error, chosen=slice(None)):
    """Log posterior on the grid, (temperature, density), from the chosen lines."""
    intensity, covariance = all_intensities(flux.astype(float), error.astype(float))
    value = log_likelihood(
        intensity[chosen],
        covariance[chosen][:, chosen],
        models[:, chosen],
        relative[chosen][:, chosen],
    )
    return np.reshape(value, (len(T_GRID), len(N_GRID)))


# middles of cells that fill the prior
FINE_T, FINE_N = (low + width * (np.arange(200) + 0.5) / 200 for low, width in ((6, 1), (9, 2)))


def fine_posterior(log_posterior):
    """Log posterior on the fine grid, (200, 200), its greatest value 0."""
    from scipy.interpolate import RectBivariateSpline

    log_posterior = np.maximum(log_posterior - log_posterior.max(), -50)
    fine = RectBivariateSpline(T_GRID, N_GRID, log_posterior)(FINE_T, FINE_N)
    return fine - fine.max()


def summaries(log_posterior):
    """Mean and 68 and 95 % intervals of log T and log n: an array (2, 5)."""
    density = np.exp(fine_posterior(log_posterior))
    rows = []
    for grid, marginal in ((FINE_T, density.sum(axis=1)), (FINE_N, density.sum(axis=0))):
        log_marginal = np.log(np.maximum(marginal, 1e-300))
        rows.append(
            [
                *credible_interval(grid, log_marginal, 0.68),
                *credible_interval(grid, log_marginal, 0.95)[1:],
            ]
        )
    return np.array(rows)


def analyse(weights, flux, error):
    """All we say of a block of m spectra: probabilities (m, 80), log posteriors (m, 26, 17)."""
    probability = line_probabilities(weights, flux, error)
    return probability, np.array([posterior(*pair) for pair in zip(flux, error, strict=True)])


# %% [markdown]
# We compare it with two other ways. *By hand* is the classical one: a dozen lines without bright
# neighbours, one of each ion and Fe XIII 203.8 for the density, are fitted one at a time. Each
# tells, for any temperature and density, how much gas would be needed. The answer is where all
# agree. *Regression* is a network from spectrum to $\log T$ and $\log n$ directly, trained with the
# squared error. A third line in the figure, *no data*, belongs to whoever answers with the middle
# of the prior and does not look at the spectrum.


# %%
# of each ion the brightest line to which neighbours within two widths add less than a fifth
others = models @ ((np.abs(apart) < 2 * FWHM) & ~np.eye(len(apart), dtype=bool))
lonely = np.flatnonzero((models * others).sum(axis=0) < 0.2 * (models**2).sum(axis=0))
brightest = {}
for k in lonely[np.argsort(models[:, lonely].max(axis=0))]:
    brightest[lines.ion[k]] = k
# the two members of Fe XIII 203.8 are one line to the eye
BY_EYE = [[k] for k in brightest.values() if k != reference] + [pair, [reference]]
EXPECTED = np.column_stack([models[:, members].sum(axis=1) for members in BY_EYE])


def by_hand(flux, error):
    """Fit single lines one at a time and find where they agree: log T and log n."""
    measured, sigma = np.empty((2, len(BY_EYE)))
    for k, members in enumerate(BY_EYE):
        near = np.abs(wavelength - lines.wavelength[members].mean()) < 0.6
        columns = profiles[near][:, members].mean(axis=1), np.ones(near.sum())
        value, variance = fit_lines(
            flux[near].astype(float), error[near].astype(float), *(c[:, None] for c in columns)
        )
        measured[k], sigma[k] = value[0], np.sqrt(variance[0, 0])
    weight = 1 / (sigma**2 + (ATOMIC_ERROR * np.maximum(measured, 0)) ** 2)
    gas = np.maximum((EXPECTED * measured) @ weight / (EXPECTED**2 @ weight), 1e-3)
    chi2 = (measured - gas[:, None] * EXPECTED) ** 2 @ weight
    t, n = np.unravel_index(np.argmin(chi2), (T_GRID.size, N_GRID.size))
    return T_GRID[t], N_GRID[n]


from sklearn.neural_network import MLPRegressor


def binned(flux):
    pairs = flux.reshape(len(flux), -1, 2).mean(axis=2)
    return np.arcsinh(3 * pairs / np.quantile(flux, 0.99, axis=1)[:, None])


middle_of, width_of = np.array([6.5, 10.0]), np.array([0.29, 0.58])
regression = MLPRegressor(hidden_layer_sizes=(96,), alpha=1e-2, max_iter=12, random_state=0)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it is stopped early on purpose
    regression.fit(
        binned(train.flux), (np.column_stack([train.log_t, train.log_n]) - middle_of) / width_of
    )

#: rms error (log T, log n) of whoever answers the middle of the prior without looking
NO_DATA = np.array([1.0, 2.0]) / np.sqrt(12)
N_SHOWN = 250
truth = np.column_stack([test.log_t, test.log_n])[:N_SHOWN]
seconds = {}


def timed(way, work):
    """Do the work for the spectra shown; note the seconds per spectrum."""
    clock = time.perf_counter()
    answer = work()
    seconds[way] = (time.perf_counter() - clock) / N_SHOWN
    return answer


flux, error = test.flux[:N_SHOWN], test.error[:N_SHOWN]
timed("network", lambda: line_probabilities(weights, flux, error))
_, on_grid = timed("posterior", lambda: analyse(weights, flux, error))
result = np.array([summaries(each) for each in on_grid])
found = [np.argsort(-p)[: max(4, int((p > 0.5).sum()))] for p in probability[:N_SHOWN]]
found_only = np.array([summaries(posterior(*x)) for x in zip(flux, error, found, strict=True)])
direct = timed("regression", lambda: regression.predict(binned(flux)) * width_of + middle_of)
hand = timed("by hand", lambda: np.array(list(map(by_hand, flux, error))))
inside = {
    level: (truth >= result[:, :, k]) & (truth <= result[:, :, k + 1])
    for level, k in ((68, 1), (95, 3))
}
print("seconds per spectrum: " + ", ".join(f"{way} {t:.2g}" for way, t in seconds.items()))
ways = {
    "posterior": result[:, :, 0],
    "found lines only": found_only[:, :, 0],
    "regression": direct,
    "by hand": hand,
}
rms = {way: [] for way in ways}
for low, high in bands:
    near = (test.snr[:N_SHOWN] >= low) & (test.snr[:N_SHOWN] < high)
    for way, answer in ways.items():
        rms[way].append(np.sqrt(np.mean((answer[near] - truth[near]) ** 2, axis=0)))
    words = ", ".join(f"{way} {rms[way][-1][0]:.3f} {rms[way][-1][1]:.3f}" for way in ways)
    print(f"S/N {low:.1f}-{high:.1f}: rms of log T, log n: {words}")
rms = {way: np.array(values) for way, values in rms.items()}
for level, hit in inside.items():
    in_bands = [hit[(test.snr[:N_SHOWN] >= a) & (test.snr[:N_SHOWN] < b)].mean() for a, b in bands]
    print(f"{level} % intervals hold the truth in {hit.mean():.1%}", end="; by S/N ")
    print(", ".join(f"{share:.0%}" for share in in_bands))

# %%
with plots.style():
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.6))
    middle = [np.sqrt(low * high) for low, high in bands]
    for k, (axis, name) in enumerate(zip(axes, ("log T", "log n"), strict=True)):
        for (way, values), marker in zip(rms.items(), ("o-", "^-.", "d:", "s--"), strict=True):
            axis.loglog(middle, values[:, k], marker, label=way)
        axis.axhline(NO_DATA[k], color="0.5", lw=1, label="no data")
        axis.set_xticks([1, 2, 5, 10], ["1", "2", "5", "10"])
        axis.set_yticks([0.03, 0.1, 0.3], ["0.03", "0.1", "0.3"])
        axis.minorticks_off()
        axis.set_xlabel("signal to noise")
        axis.set_ylabel(f"rms error of {name} / dex")
    axes[0].legend(fontsize=8)
plots.show(
    figure,
    alt="Root mean square errors of log temperature and log density against signal to noise: those "
    "of the posterior are smallest everywhere, those of single lines fitted by hand up to four "
    "times as large, and all lie below the line of no data.",
)
# claim: all((rms["posterior"] < other).all() for way, other in rms.items() if way != "posterior")
# claim: (rms["by hand"] < NO_DATA).all() and len(BY_EYE) == 12
# claim: (rms["by hand"] < 5 * rms["posterior"]).all()

# %% [markdown]
# All ways are better than no data. The posterior is best at any signal to noise, by factors of 1.5
# to 4 over the lines fitted by hand, most of all at high signal to noise: there the blended lines,
# which the classical way leaves out, count most. The network that regresses is nearly as good as
# the posterior where the noise is large, and twice as bad in temperature where it is small. And it
# gives no errors.
#
# claim: (rms["by hand"] / rms["posterior"] > 1.3).all()
# claim: (rms["by hand"][3:, 0] / rms["posterior"][3:, 0]).min() > 2.4
# claim: (rms["regression"][:2] < 1.4 * rms["posterior"][:2]).all()
# claim: (rms["regression"][3:, 0] > 1.6 * rms["posterior"][3:, 0]).all()
#
# Look at "found lines only": the posterior from the lines that the network reports, as the proposal
# would have it. At high signal to noise its errors in temperature are still more than 1.4 times as
# large. *A line that is absent says something too*: if there is no Fe XXIV, the temperature is not
# 10 MK. The list of lines is good for a first look and for starting points. The likelihood should
# use every line, present or not.
#
# claim: (rms["found lines only"][3:, 0] / rms["posterior"][3:, 0]).min() > 1.4
# claim: (rms["found lines only"] > rms["posterior"]).all()
#
# The 68 and 95 % intervals hold the truth in about 68 and 95 % of the spectra, so they can be
# trusted. *Simulation-based calibration* (Talts et al. 2018) is a stronger test: draw from every
# posterior and count the draws below the truth. If truth and draws come from the same distribution,
# this rank is equally likely to have any value. Posteriors that are too narrow give a histogram
# like a U, too wide ones a hill, biased ones a slope. The grey band says how much the histogram of
# so many spectra varies by chance.
#
# claim: 0.63 < inside[68].mean() < 0.73 and 0.92 < inside[95].mean() < 0.98

# %%
from scipy.stats import binom, chisquare

N_DRAWS, N_BINS = 99, 10


def ranks_of_truth(log_posteriors, truth, rng):
    """Draws below the truth of N_DRAWS from each posterior, for log T and log n: (m, 2)."""
    ranks = []
    for log_posterior, true in zip(log_posteriors, truth, strict=True):
        weight = np.exp(fine_posterior(log_posterior)).ravel()
        cell = rng.choice(weight.size, N_DRAWS, p=weight / weight.sum())
        at = np.unravel_index(cell, (FINE_T.size, FINE_N.size))
        for grid, k, value in zip((FINE_T, FINE_N), at, true, strict=True):
            draws = grid[k] + (grid[1] - grid[0]) * rng.uniform(-0.5, 0.5, N_DRAWS)
            ranks.append(np.sum(draws < value))
    return np.array(ranks).reshape(-1, 2)


ranks = ranks_of_truth(on_grid, truth, np.random.default_rng(2018))
# the same posteriors with half their widths: what a calibration must be able to see
narrow = ranks_of_truth(4 * on_grid, truth, np.random.default_rng(2018))
edges = np.linspace(0, N_DRAWS + 1, N_BINS + 1)
low, high = chance = binom.ppf([0.005, 0.995], N_SHOWN, 1 / N_BINS)
of_truth, of_narrow = (
    np.array([np.histogram(r[:, k], edges)[0] for k in (0, 1)]) for r in (ranks, narrow)
)
with plots.style():
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.2), sharey=True)
    for k, (axis, name) in enumerate(zip(axes, ("log T", "log n"), strict=True)):
        counts, halved = of_truth[k], of_narrow[k]
        axis.axhspan(low, high, color="0.88", label="99 % of flat histograms")
        axis.stairs(counts, edges, lw=2, label="posterior")
        axis.stairs(halved, edges, ls="--", lw=1.5, label="its width halved")
        axis.set_xlabel(f"rank of the true {name} among {N_DRAWS} draws")
        print(
            f"{name}: chi squared against flat ranks, p = {chisquare(counts).pvalue:.2f}; "
            f"with half the width {chisquare(halved).pvalue:.1g}"
        )
    axes[0].set_ylabel("spectra")
    axes[1].legend(fontsize=8, loc="upper center")
plots.show(
    figure,
    alt="Histograms of the rank of the true log temperature and log density among 99 draws of each "
    "posterior: no slope and no U, at most two bins of twenty just outside the band expected of "
    "flat histograms; with half the width they form a U far outside it at both ends.",
)
# claim: np.sum((of_truth < chance[0]) | (of_truth > chance[1])) <= 2
# claim: (of_narrow[:, [0, -1]] > 1.3 * chance[1]).all()

# %% [markdown]
# ## 6. Chains
#
# With many parameters a grid becomes too large, and one needs a sampler. A chain that has not
# converged cannot be recognised by looking at its result. So run several chains from different
# places and compare them. The *split R-hat* (Gelman et al. 2013, Section 11.4) cuts every chain in
# two and compares the variance between the halves with that within.
#
# ### Question 9 · Convergence
#
# Write `split_rhat`: with $m$ half-chains of length $n$, $W$ the mean of their variances (with
# $n-1$), $B = n \times$ the variance of their means (with $m-1$),
# $\hat R = \sqrt{\left(\tfrac{n-1}{n} W + \tfrac{B}{n}\right) / W}$.


# %% solution="split_rhat"
def split_rhat(chains):
    """Compare the halves of several chains.

    Parameters
    ----------
    chains : (c, d) array
        d draws (an even number) of one parameter in each of c chains.

    Returns
    -------
    float
        1 for chains that agree.
    """
    ### BEGIN SOLUTION
    halves = chains.reshape(2 * len(chains), -1)
    n = halves.shape[1]
    within = halves.var(axis=1, ddof=1).mean()
    between = n * halves.mean(axis=1).var(ddof=1)
    return float(np.sqrt(((n - 1) / n * within + between / n) / within))
    ### END SOLUTION


# %% test="split_rhat" points=2
from helpers import checks


@checks.run
def test_split_rhat():
    import numpy as np

    judge = checks.submitted("split_rhat")
    rng = np.random.default_rng(9)
    good = checks.number(judge(rng.standard_normal((4, 2000))))
    checks.close(good, 1.0, atol=0.01, hint="independent draws of one distribution have converged")
    apart = rng.standard_normal((4, 500)) + np.array([0, 0, 0, 3.0])[:, None]
    # two of the eight halves are elsewhere: B/n = 1.93, W = 1
    checks.close(
        checks.number(judge(apart)),
        1.71,
        atol=0.15,
        hint="one chain is elsewhere: how far do you say it is?",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_split_rhat_short():
    import numpy as np

    judge = checks.submitted("split_rhat")
    for chains, draws, seed in ((2, 8, 1), (3, 10, 2), (5, 6, 3)):
        rng = np.random.default_rng([9, seed])
        values = 40 + rng.standard_normal((chains, draws)) * rng.uniform(0.5, 2, (chains, 1))
        halves = np.concatenate([values[:, : draws // 2], values[:, draws // 2 :]])
        n = draws // 2
        within, between = halves.var(axis=1, ddof=1).mean(), halves.mean(axis=1).var(ddof=1)
        want = np.sqrt((n - 1) / n + between / within)
        checks.close(
            checks.number(judge(values)), want, rtol=2e-3, hint="of short chains it is another"
        )


### END HIDDEN TESTS


# %% test="split_rhat.drift" points=1
from helpers import checks


@checks.run
def test_split_rhat_drift():
    import numpy as np

    judge = checks.submitted("split_rhat")
    rng = np.random.default_rng(10)
    noise = rng.standard_normal((4, 1000))
    checks.close(checks.number(judge(noise)), 1.0, atol=0.02, hint="these chains have converged")
    checks.that(
        bool(checks.number(judge(noise + np.linspace(-3, 3, 1000))) > 1.2),
        "chains that all drift alike have not converged",
    )


# %% [markdown]
# ## 7. The whole spectrum in PyMC
#
# On the grid we integrated over most parameters by hand. PyMC can sample all of them. This is
# useful as soon as one wants to know more than $T$ and $n$. For one star the model has these
# levels:
#
# * **spectrum**: brightness $e$, a continuum $c_0 + c_1 x$, a calibration that varies slowly with
#   wavelength, $\kappa_l = \exp \sum_q z_q M_{ql}$ at line $l$;
# * **lines**: flux $a_l = e\,m_l(T, n)\,\kappa_l\,e^{\epsilon_l}$, tied by $G(T, n)$, with an error
#   of its atomic data $\epsilon_l \sim \mathcal N(0, 0.12^2)$;
# * **instrument**: shift $s$ and widening $w$ of all profiles, in units of their standard errors;
# * **pixels**: $\vec d \sim \mathcal N(\mathsf D\,(\vec a, c_0, c_1, s, w), 1)$, both divided by
#   the pixels' errors.
#
# What can the network do here? The proposal feeds its feature maps to the model. We use its list of
# lines in two ways. First, the 24 lines that it finds most probable get an $\epsilon$ of their own;
# the atomic errors of the others are left out, which saves time. (Some of the others are not faint.
# The comparison with the grid below shows that little is lost.) Second, it says where to start.
#
# ### Question 10 · From the network to the model
#
# Write `hand_over`. If model $g$ shows line $l$, the network is right with probability $p_l$, else
# with $1 - p_l$; the pattern of a model has the product of these over *all* lines. A network that
# is quite sure answers with exactly 0 or 1, and may still be wrong. So replace probabilities below
# $10^{-3}$ by $10^{-3}$, and those above $1 - 10^{-3}$ by $1 - 10^{-3}$.
#
# <details><summary>Hint</summary>
#
# Add logarithms. With `present` as an array of bool, `present @ np.log(p)` is the sum over the
# lines that each model shows.
#
# </details>


# %% solution="hand_over"
def hand_over(probability, present, count):
    """Choose lines and a starting model from what the network saw.

    Parameters
    ----------
    probability : (l,) array
        That each line is present in a spectrum.
    present : (g, l) array of bool
        Which lines each of g models shows.
    count : int
        How many lines to choose.

    Returns
    -------
    chosen : (count,) array of int
        The numbers of the most probable lines, in any order.
    start : int
        The number of the model whose pattern is the most probable.
    """
    ### BEGIN SOLUTION
    p = np.clip(probability, 1e-3, 1 - 1e-3)
    agreement = present @ np.log(p) + ~present @ np.log(1 - p)
    return np.argsort(-probability)[:count], int(np.argmax(agreement))
    ### END SOLUTION


# %% test="hand_over" points=2
from helpers import checks


@checks.run
def test_hand_over():
    import numpy as np

    hand = checks.submitted("hand_over")
    probability = np.array([0.9, 0.1, 0.2, 0.8, 0.7])
    present = np.array([[1, 1, 1, 1, 1], [1, 0, 0, 1, 0], [0, 0, 0, 0, 1]], dtype=bool)
    result = hand(probability, present, 3)
    checks.that(type(result) in (tuple, list) and len(result) == 2, "return chosen and start")
    chosen = checks.array(result[0], (3,))
    checks.that(
        set(chosen) == {0, 3, 4}, "the lines chosen are not those the network finds most probable"
    )
    checks.that(
        np.asarray(result[0]).dtype.kind in "iu" and np.asarray(result[1]).dtype.kind in "iu",
        "lines and model are told by their numbers: int",
    )
    checks.close(
        checks.number(result[1]),
        1,
        atol=0.1,
        hint="one of the models shows the lines that are seen and lacks those that are not",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_hand_over_hidden():
    import numpy as np

    hand = checks.submitted("hand_over")
    rng = np.random.default_rng(14)
    for _ in range(5):
        present = rng.random((40, 30)) < 0.4
        probability = np.where(present[17], 0.8, 0.15) + rng.uniform(-0.1, 0.1, 30)
        chosen, start = hand(probability, present, 9)
        checks.that(
            set(checks.array(chosen, (9,))) == set(np.argsort(-probability)[:9]),
            "the lines chosen are not those the network finds most probable",
        )
        checks.close(checks.number(start), 17, atol=0.1, hint="the wrong model is started from")


@checks.run
def test_hand_over_most_probable():
    import numpy as np

    hand = checks.submitted("hand_over")
    # of the model's lines one is doubtful; of others the network is surer than of some it shows
    cases = (
        ([0.9, 0.3, 0.8, 0.6], [[True, True, False, True]], {0, 2}),
        ([0.9994, 0.9999, 0.9997, 0.9, 0.05], [[True, True, True, True, False]], {1, 2}),
    )
    for probability, present, best in cases:
        chosen = checks.array(hand(np.array(probability), np.array(present), 2)[0], (2,))
        checks.that(
            set(chosen) == best, "the lines chosen are not those the network finds most probable"
        )


### END HIDDEN TESTS

# %% test="hand_over.certain" points=1
from helpers import checks


@checks.run
def test_hand_over_certain():
    import numpy as np

    hand = checks.submitted("hand_over")
    present = np.array([[0, 0, 1, 1, 0, 0], [1, 1, 1, 0, 0, 0]], dtype=bool)
    # sure of everything, and wrong about one line of the second model, about four of the first
    for models, best in ((present, 1), (present[::-1], 0)):
        start = hand(np.array([1.0, 1.0, 0.0, 0.0, 0.0, 0.0]), models, 2)[1]
        checks.close(
            checks.number(start),
            best,
            atol=0.1,
            hint="one line of which it is sure and wrong is enough",
        )


### BEGIN HIDDEN TESTS
@checks.run
def test_hand_over_certain_enough():
    import numpy as np

    hand = checks.submitted("hand_over")
    # ln 1e-3 is -6.9; a line of probability 0.8 that is not shown costs ln 4, 1.4
    for doubtful, start in ((4, 1), (6, 0)):
        probability = np.append(np.full(doubtful, 0.8), [1.0, 0.1])
        first = np.append(np.ones(doubtful, dtype=bool), [False, False])
        present = np.array([first, np.append(~first[:doubtful], [True, False])])
        for certain in (probability, np.where(probability == 1, 1 - 1e-9, probability)):
            got = checks.number(hand(certain, present, 2)[1])
            checks.close(got, start, atol=0.1, hint="how much is a line worth of which it is sure?")


### END HIDDEN TESTS


# %%
N_CHOSEN = 24


def shown_by_models(flux, error):
    """Which lines each model would show in this spectrum: its brightness from the fit."""
    first = np.asarray(fit_lines(flux, error, profiles, continuum)[0])
    scale = np.maximum(models @ first / np.sum(models**2, axis=1), 1e-3)
    return scale[:, None] * models > PRESENT * line_errors(error[None])


shown = [
    int(np.argmin(np.abs(np.log(test.snr[:N_SHOWN] / snr)) + 2 * np.abs(truth[:, 0] - 6.3)))
    for snr in (9, 4, 2)
]
for i in shown:
    model_shows = shown_by_models(test.flux[i].astype(float), test.error[i].astype(float))
    chosen, start = hand_over(probability[i], model_shows, N_CHOSEN)
    t, n = np.unravel_index(start, (T_GRID.size, N_GRID.size))
    print(
        f"S/N {test.snr[i]:.1f}: log T {T_GRID[t]:.2f}, log n {N_GRID[n]:.2f} from the network, "
        f"truth {truth[i, 0]:.2f}, {truth[i, 1]:.2f}; "
        f"{found_in['test'][i, chosen].sum()} of {found_in['test'][i].sum()} lines chosen"
    )

# %% [markdown]
# ### Question 11 · What need not be sampled
#
# A sampler has less to do if it knows fewer parameters. Continuum, shift and widening enter the
# mean of the pixels *linearly* and have Gaussian priors, so the integral over them is known: for
# pixels $\vec d \sim \mathcal N(\mathsf A\vec a + \mathsf B\vec c, 1)$ and $\vec c \sim \mathcal
# N(0, \mathsf S^2)$ with a diagonal $\mathsf S$, what the pixels say of the line fluxes $\vec a$ is
#
# $$\ln p(\vec d \mid \vec a) = -\tfrac12 \left|\mathsf R\,\vec a - \vec y\right|^2 +
# \text{constant}$$
#
# with a small matrix $\mathsf R$ and a short vector $\vec y$. Write `integrate_out`, which finds
# them. (Afterwards 1000 pixels are 80 numbers.)
#
# <details><summary>Hint</summary>
#
# A Gaussian prior is one more measurement: the row $1/S_k$ in the column of $c_k$, with the value
# 0. Put the columns in the order $\mathsf B, \mathsf A, \vec d$, add the rows of the priors, and
# take `np.linalg.qr(..., mode="r")`. Which part of the triangle does not hold $\vec c$?
#
# </details>


# %% solution="integrate_out"
def integrate_out(profiles, others, data, prior):
    """Integrate over amplitudes that have Gaussian priors.

    Parameters
    ----------
    profiles : (p, l) array
        Profiles of l lines over the errors of p pixels; p is greater than l.
    others : (p, m) array
        Further columns over the errors, whose amplitudes do not matter.
    data : (p,) array
        Flux over error.
    prior : (m,) array
        Standard deviations of these amplitudes before the data are seen; their means are 0.

    Returns
    -------
    root : (l, l) array
    rotated : (l,) array
        The log-likelihood of line fluxes a is -|root @ a - rotated|^2 / 2, up to a constant.
    """
    ### BEGIN SOLUTION
    m, n_lines = others.shape[1], profiles.shape[1]
    pixels = np.column_stack([others, profiles, data])
    priors = np.column_stack([np.diag(1 / prior), np.zeros((m, n_lines + 1))])
    triangle = np.linalg.qr(np.vstack([pixels, priors]), mode="r")
    lines_only = triangle[m : m + n_lines]
    return lines_only[:, m:-1], lines_only[:, -1]
    ### END SOLUTION


# %% test="integrate_out" points=2
from helpers import checks


@checks.run
def test_integrate_out():
    import numpy as np

    integrate = checks.submitted("integrate_out")
    rng = np.random.default_rng(17)
    profiles, others = rng.normal(0, 1, (40, 3)), np.ones((40, 1))
    flux = np.array([2.0, 0.5, 3.0])
    result = integrate(profiles, others, profiles @ flux + 4.0, np.array([100.0]))
    checks.that(type(result) in (tuple, list) and len(result) == 2, "return root and rotated")
    root, rotated = checks.array(result[0], (3, 3), "root"), checks.array(result[1], (3,))
    checks.close(
        np.linalg.solve(root, rotated),
        flux,
        atol=0.01,
        hint="the best fluxes should be the true ones: nothing but a level was added to them",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_integrate_out_likelihood():
    import numpy as np

    integrate = checks.submitted("integrate_out")
    rng = np.random.default_rng(18)
    for pixels, n, prior in ((60, 4, [0.3, 2.0]), (30, 6, [1.0, 0.1, 5.0])):
        profiles = rng.normal(0, 1, (pixels, n))
        others, prior = rng.normal(0, 1, (pixels, len(prior))), np.array(prior)
        data = rng.normal(0, 3, pixels)
        # the pixels' covariance when the amplitudes are unknown
        covariance = np.eye(pixels) + (others * prior**2) @ others.T
        root, rotated = integrate(profiles, others, data, prior)
        root, rotated = checks.array(root, (n, n), "root"), checks.array(rotated, (n,), "rotated")
        fluxes = rng.normal(0, 2, (4, n))
        got = ((fluxes @ root.T - rotated) ** 2).sum(axis=1)
        residual = data - fluxes @ profiles.T
        want = (residual * np.linalg.solve(covariance, residual.T).T).sum(axis=1)
        checks.close(
            got - got[0],
            want - want[0],
            rtol=1e-4,
            atol=1e-4,
            hint="differences of the log-likelihood are not those asked for",
        )


### END HIDDEN TESTS

# %% test="integrate_out.prior" points=1
from helpers import checks


@checks.run
def test_integrate_out_prior():
    import numpy as np

    integrate = checks.submitted("integrate_out")
    rng = np.random.default_rng(19)
    profiles = np.abs(rng.normal(0, 1, (50, 2)))
    others = np.ones((50, 1))
    width = []
    for prior in (1e-4, 1e4):
        root = checks.array(integrate(profiles, others, profiles[:, 0], np.array([prior]))[0])
        width.append(np.linalg.inv(root.T @ root)[0, 0])
    alone = np.linalg.inv(profiles.T @ profiles)[0, 0]
    checks.close(width[0], alone, rtol=1e-3, hint="a level that is known to be 0 costs nothing")
    checks.that(
        bool(width[1] > 1.05 * alone), "a flux is known less well if the level below is unknown"
    )


# %% [markdown]
# ### Question 12 · The posterior and its slope
#
# NUTS follows the slope of the logarithm of the posterior. PyTensor can find the slope of a model
# that is written in its own language, but it needs a minute to compile this one. The model is
# small, so we give PyMC a function that returns value and slope (as in lab 5).
#
# The logarithms of the line fluxes come as polynomials. Temperature and density have uniform
# priors; instead of them we use $u$ and $v$, which have no limits:
#
# $$\log_{10} T = 6 + \sigma(u), \quad \log_{10} n = 9 + 2\,\sigma(v), \quad
# \sigma(u) = \frac{1}{1 + e^{-u}} .$$
#
# With $x = 2\sigma(u) - 1$ and $y = 2\sigma(v) - 1$, both between $-1$ and 1,
#
# $$\ln a_l = \sum_{ij} p_{ijl}\, x^i y^j + \sum_k w_k L_{kl} ,$$
#
# where all that is linear in $\ln a$ is in one list, $w_k \sim \mathcal N(0, 1)$: the brightness,
# the modes of the calibration and the atomic errors. The slopes follow from the chain rule, with
# $\sigma' = \sigma(1 - \sigma)$.
#
# Write `ln_fluxes` with its slopes, and with it `log_posterior`: the likelihood of Question 11, the
# Gaussian priors, and the density $\sigma(1-\sigma)$ that each of $u$ and $v$ has when $\sigma$ is
# uniform.
#
# <details><summary>Hint</summary>
#
# $\partial \ln L/\partial \ln a_l = -[\mathsf R^T(\mathsf R\vec a - \vec y)]_l\, a_l$. The
# derivative of $\ln[\sigma(1-\sigma)]$ with respect to $u$ is $1 - 2\sigma$. Compare your slope
# with differences of the value before you sample.
#
# </details>


# %% solution="log_posterior"
def ln_fluxes(parameters, ln_model, linear):
    """Predict the logarithms of line fluxes, with their slopes.

    Parameters
    ----------
    parameters : (2 + k,) array
        u, v, and k numbers w.
    ln_model : (i, j, l) array
        Coefficients of x^i y^j in the natural logarithm of each of l line fluxes.
    linear : (k, l) array
        What each w adds, per unit, to the natural logarithms.

    Returns
    -------
    value : (l,) array
    slopes : (l, 2 + k) array
        Derivatives of the values with respect to the parameters.
    """
    ### BEGIN SOLUTION
    n_i, n_j, n_lines = ln_model.shape
    i, j = np.arange(n_i), np.arange(n_j)
    share = 1 / (1 + np.exp(-parameters[:2]))
    x, y = 2 * share - 1
    of_y = (x**i @ ln_model.reshape(n_i, -1)).reshape(n_j, n_lines)
    slope_x = (i * x ** np.maximum(i - 1, 0)) @ ln_model.reshape(n_i, -1)
    slopes = np.empty((len(parameters), n_lines))
    slopes[0] = y**j @ slope_x.reshape(n_j, n_lines)
    slopes[1] = (j * y ** np.maximum(j - 1, 0)) @ of_y
    slopes[:2] *= (2 * share * (1 - share))[:, None]
    slopes[2:] = linear
    return y**j @ of_y + parameters[2:] @ linear, slopes.T
    ### END SOLUTION


def log_posterior(parameters, root, rotated, ln_model, linear):
    """Evaluate the posterior of one spectrum's parameters, with its slope.

    Parameters
    ----------
    parameters, ln_model, linear
        As in `ln_fluxes`.
    root, rotated : (l, l) array, (l,) array
        From `integrate_out`.

    Returns
    -------
    value : float
        Natural logarithm of the posterior density of the parameters, up to a constant.
    slope : (2 + k,) array
        Its derivatives with respect to the parameters.
    """
    ### BEGIN SOLUTION
    ln_flux, slopes = ln_fluxes(parameters, ln_model, linear)
    flux, others = np.exp(ln_flux), parameters[2:]
    residual = root @ flux - rotated
    # ln sigma(u) + ln sigma(-u), which does not underflow far away
    prior = -np.logaddexp(0, parameters[:2]).sum() - np.logaddexp(0, -parameters[:2]).sum()
    slope = -((residual @ root) * flux) @ slopes
    slope[:2] -= np.tanh(parameters[:2] / 2)
    slope[2:] -= others
    return -0.5 * (residual @ residual + others @ others) + prior, slope
    ### END SOLUTION


# %% test="log_posterior" points=2
from helpers import checks


@checks.run
def test_log_posterior_fluxes():
    import numpy as np

    predict = checks.submitted("ln_fluxes")
    ln_model = np.zeros((3, 2, 2))
    ln_model[:, 0, 0] = [1.0, 0.5, -0.2]
    ln_model[:, 1, 1] = [0.3, 0.0, 2.0]
    result = predict(np.array([0.0, 0.0, 2.0]), ln_model, np.array([[0.1, 0.4]]))
    checks.that(type(result) in (tuple, list) and len(result) == 2, "return value and slopes")
    value = checks.array(result[0], (2,), "the value")
    checks.array(result[1], (2, 3), "the slopes")
    checks.close(value, [1.2, 0.8], atol=1e-6, hint="in the middle, where x and y are 0")


### BEGIN HIDDEN TESTS
@checks.run
def test_log_posterior_fluxes_elsewhere():
    import numpy as np

    predict = checks.submitted("ln_fluxes")
    rng = np.random.default_rng(20)
    for n_i, n_j, k, n in ((4, 3, 2, 5), (2, 5, 6, 3)):
        ln_model, linear = rng.normal(0, 1, (n_i, n_j, n)), rng.normal(0, 1, (k, n))
        at = rng.normal(0, 1.5, 2 + k)
        x, y = np.tanh(at[:2] / 2)
        want = np.polynomial.polynomial.polyval2d(x, y, ln_model) + at[2:] @ linear
        got = checks.array(predict(at, ln_model, linear)[0], (n,), "the value")
        checks.close(got, want, atol=1e-5, hint="away from the middle the fluxes are not right")


### END HIDDEN TESTS

# %% test="log_posterior.slopes" points=2
from helpers import checks


@checks.run
def test_log_posterior_slopes():
    import numpy as np

    predict = checks.submitted("ln_fluxes")
    rng = np.random.default_rng(21)
    ln_model, linear = rng.normal(0, 1, (3, 3, 4)), rng.normal(0, 1, (2, 4))
    for at in (np.zeros(4), np.array([0.7, -1.2, 0.5, 2.0])):
        slopes = checks.array(predict(at, ln_model, linear)[1], (4, 4), "the slopes")
        for k, step in enumerate(1e-4 * np.eye(4)):
            up, down = (
                checks.array(predict(at + s, ln_model, linear)[0], (4,)) for s in (step, -step)
            )
            checks.close(
                slopes[:, k],
                (up - down) / 2e-4,
                atol=2e-3,
                hint=f"the slopes along parameter {k} are not those of your own values",
            )


# %% test="log_posterior.density" points=2
from helpers import checks


@checks.run
def test_log_posterior_density():
    import numpy as np

    evaluate = checks.submitted("log_posterior")
    rng = np.random.default_rng(22)
    ln_model, linear = 0.5 * rng.normal(0, 1, (3, 2, 4)), 0.3 * rng.normal(0, 1, (2, 4))
    root, rotated = rng.normal(0, 1, (4, 4)), rng.normal(0, 1, 4)
    model = (root, rotated, ln_model, linear)
    at = np.array([0.4, -0.9, 0.5, -1.0])
    result = evaluate(at, *model)
    checks.that(type(result) in (tuple, list) and len(result) == 2, "return value and slope")
    slope = checks.array(result[1], (4,), "the slope")
    for k, step in enumerate(1e-4 * np.eye(4)):
        up, down = (checks.number(evaluate(at + s, *model)[0]) for s in (step, -step))
        checks.close(
            slope[k],
            (up - down) / 2e-4,
            rtol=1e-3,
            atol=2e-3,
            hint=f"the slope along parameter {k} is not that of your own value",
        )


### BEGIN HIDDEN TESTS
@checks.run
def test_log_posterior_density_parts():
    import numpy as np

    evaluate = checks.submitted("log_posterior")
    rng = np.random.default_rng(23)
    for n_i, n_j, k, n in ((3, 2, 2, 4), (2, 3, 4, 6)):
        ln_model, linear = 0.4 * rng.normal(0, 1, (n_i, n_j, n)), 0.3 * rng.normal(0, 1, (k, n))
        root, rotated = rng.normal(0, 2, (n, n)), rng.normal(0, 2, n)
        got, want = [], []
        for at in rng.normal(0, 1.2, (4, 2 + k)):
            got.append(checks.number(evaluate(at, root, rotated, ln_model, linear)[0]))
            x, y = np.tanh(at[:2] / 2)
            ln_flux = np.polynomial.polynomial.polyval2d(x, y, ln_model) + at[2:] @ linear
            off = root @ np.exp(ln_flux) - rotated
            share = 1 / (1 + np.exp(-at[:2]))
            prior = np.log(share * (1 - share)).sum() - 0.5 * at[2:] @ at[2:]
            want.append(prior - 0.5 * off @ off)
        checks.close(
            np.array(got) - got[0],
            np.array(want) - want[0],
            rtol=1e-4,
            atol=1e-3,
            hint="likelihood and priors together are not those asked for",
        )


### END HIDDEN TESTS


# %% [markdown]
# Before we sample, we climb to the peak of the posterior. The *Gauss-Newton* method takes the
# curvature from the slopes of the model alone. A few steps of some milliseconds lead to the peak.
# The inverse of the curvature is about the covariance of the posterior, $\mathsf F\mathsf F^T$.


# %%
def gauss_newton(parameters, root, rotated, ln_model, linear):
    """Climb to the peak of the posterior: the peak, and a factor of the covariance there."""
    model = (root, rotated, ln_model, linear)
    value, slope = log_posterior(parameters, *model)
    for _ in range(200):
        ln_flux, slopes = ln_fluxes(parameters, ln_model, linear)
        share = 1 / (1 + np.exp(-parameters[:2]))
        seen = root @ (np.exp(ln_flux)[:, None] * slopes)
        curvature = seen.T @ seen + np.diag([*2 * share * (1 - share), *np.ones(len(linear))])
        step = np.linalg.solve(curvature, slope)
        step *= min(1, 1 / np.abs(step[:3]).max())
        new_value, new_slope = log_posterior(parameters + step, *model)
        while new_value < value and np.abs(step).max() > 1e-9:
            step = step / 3
            new_value, new_slope = log_posterior(parameters + step, *model)
        gain, parameters = new_value - value, parameters + step
        value, slope = new_value, new_slope
        if gain < 1e-6:
            break
    return parameters, np.linalg.cholesky(np.linalg.inv(curvature))


values, vectors = np.linalg.eigh(
    CALIBRATION_ERROR**2 * np.exp(-0.5 * (apart / CALIBRATION_LENGTH) ** 2)
)
# the six largest hold 99.99 % of the variance
mode_share = values[-6:].sum() / values.sum()
modes = np.sqrt(values[-6:, None]) * vectors[:, -6:].T
powers = [np.vander(2 * (T_GRID - 6.5), 10, True), np.vander(N_GRID - 10, 5, True)]
shares = models / models.sum(axis=1, keepdims=True)
ln_model = np.einsum(
    "it,tnl,jn->ijl",
    np.linalg.pinv(powers[0]),
    np.log(shares).reshape(T_GRID.size, N_GRID.size, -1),
    np.linalg.pinv(powers[1]),
)
#: standard deviations of continuum (brightest line at 1), shift and widening (standard errors)
OTHERS_PRIOR = np.array([10.0, 10.0, 1.0, 1.0])


def prepare(i):
    """All that the model of test spectrum i needs, its brightest line at 1."""
    flux, error = test.flux[i].astype(float), test.error[i].astype(float)
    first = np.asarray(fit_lines(flux, error, profiles, continuum)[0])
    scale = first.max()
    instrument = instrument_columns(np.maximum(first, 0) / scale)
    columns = profiles * (scale / error)[:, None]
    others = np.column_stack([continuum, instrument]) * (scale / error)[:, None]
    chosen, start = hand_over(probability[i], shown_by_models(flux, error), N_CHOSEN)
    brightness = max(first @ shares[start] / (shares[start] @ shares[start]) / scale, 1e-3)
    polynomial = ln_model.copy()
    polynomial[0, 0] += np.log(brightness)
    linear = np.vstack([np.ones(len(apart)), modes, ATOMIC_ERROR * np.eye(len(apart))[chosen]])
    t, n = np.unravel_index(start, (T_GRID.size, N_GRID.size))
    share = np.clip([T_GRID[t] - 6, (N_GRID[n] - 9) / 2], 0.05, 0.95)
    begin = np.concatenate([np.log(share / (1 - share)), np.zeros(len(linear))])
    root, rotated = integrate_out(columns, others, flux / error, OTHERS_PRIOR)
    return begin, (root, rotated, polynomial, linear), (columns, others, flux / error)


prepared_stars = [prepare(i) for i in shown]
peaks = [gauss_newton(begin, *model) for begin, model, _ in prepared_stars]
# what climbing further would change, in standard errors
peak_slopes = [
    np.abs(factor.T @ log_posterior(peak, *model)[1]).max()
    for (peak, factor), (_, model, _) in zip(peaks, prepared_stars, strict=True)
]
for i, (peak, _) in zip(shown, peaks, strict=True):
    share = 1 / (1 + np.exp(-peak[:2]))
    print(f"S/N {test.snr[i]:.1f}: peak at log T {6 + share[0]:.3f}, log n {9 + 2 * share[1]:.3f}")
# claim: max(peak_slopes) < 0.1

# %% [markdown]
# ### Question 13 · Whitened chains
#
# A sampler is slow where the posterior is long in one direction and narrow in another: its steps
# must fit the narrow one. So sample $\vec z$ instead of the parameters $\vec p = \vec p_0 +
# \mathsf F\,\vec z$, with the peak $\vec p_0$ and the factor $\mathsf F$. In $\vec z$ the
# posterior is nearly a unit Gaussian ("whitened"), the easiest there is.
#
# Write `whitened_draws` with PyMC and NUTS. Give `pm.sample` starting points of its own for each
# chain, drawn from a unit Gaussian: chains that start at one place agree too easily. Four chains of
# 300 draws after 100 steps of tuning are enough; pass `cores=1` and `progressbar=False`.
#
# `LogDensity`, defined at the top of the notebook, makes a node of PyMC's graph from a function
# that returns value and slope: `LogDensity(function)(z)[0]` is the value at $\vec z$.
#
# <details><summary>Hint</summary>
#
# `z = pm.Flat("z", shape=...)` has no prior of its own, and `pm.Potential` adds the density of
# $\vec z$. Its slope is $\mathsf F^T$ times the slope with respect to $\vec p$. `initvals` takes a
# list with one dictionary for each chain. "diverging" and "n_steps" are in the trace's
# `sample_stats`.
#
# </details>


# %% solution="whitened_draws" seconds=120
def whitened_draws(root, rotated, ln_model, linear, centre, factor, seed=0):
    """Sample `log_posterior` in coordinates in which it is nearly a unit Gaussian.

    Parameters
    ----------
    root, rotated, ln_model, linear
        As in `log_posterior`.
    centre : (2 + k,) array
    factor : (2 + k, 2 + k) array
        parameters = centre + factor @ z; factor @ factor.T is about their covariance.
    seed : int
        Of starting points and chains; the same seed gives the same draws.

    Returns
    -------
    dict of array
        In c >= 4 chains of d draws: "parameters" (c, d, 2 + k); "diverging" (c, d), bool, whether
        the sampler met a divergence; "gradients" (c, d), how many slopes each draw took.
    """
    ### BEGIN SOLUTION
    import pymc as pm

    def in_z(z):
        value, slope = log_posterior(centre + factor @ z, root, rotated, ln_model, linear)
        return value, factor.T @ slope

    rng = np.random.default_rng(seed)
    with pm.Model():
        z = pm.Flat("z", shape=len(centre))
        pm.Potential("density", LogDensity(in_z)(z)[0])
        trace = pm.sample(
            300,
            tune=100,
            chains=4,
            cores=1,
            initvals=[{"z": first} for first in rng.standard_normal((4, len(centre)))],
            random_seed=seed,
            progressbar=False,
        )
    return {
        "parameters": centre + trace.posterior["z"].to_numpy() @ factor.T,
        "diverging": trace.sample_stats["diverging"].to_numpy(),
        "gradients": trace.sample_stats["n_steps"].to_numpy(),
    }
    ### END SOLUTION


# %% test="whitened_draws" points=2
from helpers import checks


@checks.run
def test_whitened_draws():
    import numpy as np

    sample = checks.submitted("whitened_draws")
    # nothing was measured: the posterior is the prior
    nothing = (np.zeros((2, 2)), np.zeros(2), np.zeros((2, 2, 2)), np.ones((1, 2)))
    factor = np.array([[1.6, 0.0, 0.0], [0.5, 1.5, 0.0], [0.4, 0.3, 0.8]])
    draws = sample(*nothing, np.array([0.5, -0.3, 0.2]), factor)
    names = {"parameters", "diverging", "gradients"}
    checks.that(
        type(draws) is dict and names <= set(draws),
        "return a dictionary with parameters, diverging and gradients",
    )
    got = checks.array(draws["parameters"], (-1, -1, 3), "parameters")
    checks.that(bool(got.shape[0] >= 4), "fewer than four chains")
    checks.that(
        np.shape(draws["diverging"]) == got.shape[:2],
        "diverging says of each draw whether it diverged: one bool in each chain for each draw",
    )
    checks.array(draws["gradients"], got.shape[:2], "gradients")
    # u and v have logistic distributions
    width = np.array([np.pi / np.sqrt(3), np.pi / np.sqrt(3), 1.0])
    checks.that(
        bool((np.abs(got.mean(axis=(0, 1))) < 0.25 * width).all()),
        "where nothing was measured the draws lie beside the prior",
    )
    checks.close(
        got.std(axis=(0, 1)) / width,
        np.ones(3),
        atol=0.2,
        hint="where nothing was measured the draws are not as wide as the prior",
    )


# %% test="whitened_draws.measured" points=2
from helpers import checks


@checks.run
def test_whitened_draws_measured():
    import numpy as np

    sample = checks.submitted("whitened_draws")
    rng = np.random.default_rng(24)
    for number, size in ((1, 3), (2, 4)):
        ln_model = np.zeros((2, 1, size))
        ln_model[0, 0], ln_model[1, 0] = rng.uniform(0, 1, size), rng.normal(0, 1, size)
        linear = 0.4 * rng.normal(0, 1, (1, size))
        root = np.eye(size) * number + 0.3 * rng.normal(0, 1, (size, size))
        rotated = root @ np.exp(ln_model[0, 0] + 0.3 * ln_model[1, 0]) + rng.normal(0, 1, size)
        centre, factor = np.array([0.5, 0.2, 0.1]), np.diag([0.8, 1.5, 0.9])
        factor[2, 0] = -0.2
        draws = sample(root, rotated, ln_model, linear, centre, factor, seed=number)
        got = checks.array(draws["parameters"], (-1, -1, 3), "parameters")[..., [0, 2]]
        # two of the parameters are measured: their posterior on a grid
        u, w = np.meshgrid(np.linspace(-9, 9, 361), np.linspace(-5, 5, 201), indexing="ij")
        x = np.tanh(u / 2)[..., None]
        flux = np.exp(ln_model[0, 0] + x * ln_model[1, 0] + w[..., None] * linear[0])
        chi2 = ((flux @ root.T - rotated) ** 2).sum(axis=-1)
        p = np.exp(-0.5 * (chi2 - chi2.min() + w**2)) / np.cosh(u / 2) ** 2
        p /= p.sum()
        mean = np.array([np.sum(p * u), np.sum(p * w)])
        width = np.sqrt([np.sum(p * u**2), np.sum(p * w**2)] - mean**2)
        checks.close(
            (got.mean(axis=(0, 1)) - mean) / width,
            np.zeros(2),
            atol=0.3,
            hint="the draws lie beside the posterior",
        )
        checks.close(
            got.std(axis=(0, 1)) / width,
            np.ones(2),
            atol=0.25,
            hint="the draws are not as wide as the posterior",
        )


### BEGIN HIDDEN TESTS
@checks.run
def test_whitened_draws_measured_seed():
    import numpy as np

    sample = checks.submitted("whitened_draws")
    model = (np.eye(1), np.array([1.5]), np.zeros((1, 1, 1)), np.ones((1, 1)))
    one, again, other = (
        checks.array(sample(*model, np.zeros(3), np.eye(3), seed=seed)["parameters"], (-1, -1, 3))
        for seed in (3, 3, 4)
    )
    checks.close(again, one, atol=1e-6, hint="the same seed should give the same draws")
    checks.that(
        not np.allclose(other.mean(axis=(0, 1)), one.mean(axis=(0, 1)), atol=1e-9),
        "another seed should give other draws",
    )


### END HIDDEN TESTS


# %%
def without_limits(parameters):
    """log T and log n of draws (..., 2 + k): (..., 2)."""
    return [6, 9] + np.array([1, 2]) / (1 + np.exp(-parameters[..., :2]))


def draw_others(columns, others, data, fluxes, rng):
    """Draw what was integrated out, given draws of the fluxes (m, l): amplitudes (m, 4)."""
    covariance = np.linalg.inv(others.T @ others + np.diag(OTHERS_PRIOR**-2.0))
    middle = (data - fluxes @ columns.T) @ others @ covariance
    noise = rng.standard_normal(middle.shape)
    return middle + noise @ np.linalg.cholesky(covariance).T


sampled, chains_took, rng = [], [], np.random.default_rng(7)
for k, ((peak, factor), (_, model, _)) in enumerate(zip(peaks, prepared_stars, strict=True)):
    clock = time.process_time()
    sampled.append(whitened_draws(*model, peak, factor, seed=k))
    chains_took.append(time.process_time() - clock)
both = np.array([without_limits(np.asarray(draws["parameters"])) for draws in sampled])
spectrum_way = np.stack([both.mean(axis=(1, 2)), both.std(axis=(1, 2))], axis=2)
grid_way = np.stack([result[shown][:, :, 0], np.ptp(result[shown][:, :, 1:3], axis=2) / 2], axis=2)
quoted = np.moveaxis(both, 3, 1).reshape(-1, *both.shape[1:3])
spectrum_rhat = [split_rhat(chains) for chains in quoted]
spectrum_ess = [float(az.ess(chains)) for chains in quoted]
divergences = sum(int(np.sum(draws["diverging"])) for draws in sampled)
gradients = [float(np.mean(draws["gradients"])) for draws in sampled]
all_rhat = [
    split_rhat(chains)
    for draws in sampled
    for chains in np.moveaxis(np.asarray(draws["parameters"]), 2, 0)
]
print(f"worst R-hat of log T and log n {max(spectrum_rhat):.3f}, of all {max(all_rhat):.3f}; ")
print(f"least effective sample size {min(spectrum_ess):.0f}, {divergences} divergences, ", end="")
print(f"{np.mean(gradients):.1f} slopes for each draw")
for i, nuts, grid, spent in zip(shown, spectrum_way, grid_way, chains_took, strict=True):
    words = [
        " and ".join(f"{mean:.3f} ± {error:.3f}" for mean, error in way) for way in (nuts, grid)
    ]
    print(f"S/N {test.snr[i]:.1f}: NUTS {words[0]}, grid {words[1]}; {spent:.1f} CPU s")

# %%
with plots.style():
    figure, axes = plt.subplots(1, 3, figsize=(8, 3.3))
    for axis, i, drawn in zip(axes, shown, both, strict=True):
        fine = fine_posterior(on_grid[i])
        sorted_down = np.sort(np.exp(fine), axis=None)[::-1]
        held = np.cumsum(sorted_down) / sorted_down.sum()
        levels = [np.log(sorted_down[np.searchsorted(held, share)]) for share in (0.95, 0.68)]
        axis.plot(*drawn[:, ::4].reshape(-1, 2).T, ".", ms=2.5, label="NUTS")
        axis.contour(FINE_T, FINE_N, fine.T, levels, colors="k", linewidths=1, linestyles="-")
        axis.plot([], [], "k-", label="grid")
        axis.plot(*truth[i], "*", ms=13, color=plots.COLOURS["orange"], mec="k", label="truth")
        middle, spread = result[i, :, 0], np.ptp(result[i, :, 3:], axis=1)
        axis.set_xlim(middle[0] - spread[0], middle[0] + spread[0])
        axis.set_ylim(middle[1] - spread[1], middle[1] + spread[1])
        axis.set_title(f"S/N {test.snr[i]:.1f}", fontsize=9)
        axis.set_xlabel("log$_{10}$ (T$_p$ / K)")
    axes[0].set_ylabel("log$_{10}$ (density / cm$^{-3}$)")
    axes[2].legend(fontsize=8, loc="lower right")
plots.show(
    figure,
    alt="Draws of PyMC in the plane of log temperature and log density for three simulated spectra "
    "of falling signal to noise, over the 68 and 95 per cent contours of the grid posterior: "
    "both agree, and both hold the truth, marked by a star.",
)
nuts_off = (spectrum_way[..., 0] - grid_way[..., 0]) / grid_way[..., 1]
# claim: mode_share > 0.9999
# claim: np.abs(nuts_off).max() < 0.5
# claim: ((truth[shown] > result[shown][:, :, 3]) & (truth[shown] < result[shown][:, :, 4])).all()

# %% [markdown]
# Two ways that share little code give the same answer, within a fraction of the error: the atomic
# errors that the grid integrates out are parameters of the sampled model. Draw by draw the chains
# are nearly independent, thanks to the whitening: the effective sample sizes are about as large as
# the number of draws, and no trajectory diverged. R-hat of every parameter is below 1.01, the limit
# that is usually asked for. (PyMC uses a sharper R-hat, of ranks, and says so above if the largest
# one of the 33 parameters exceeds 1.01.)
#
# claim: max(spectrum_rhat) < 1.01 and max(all_rhat) < 1.01
# claim: min(spectrum_ess) > 400 and divergences == 0
# claim: min(spectrum_ess) > 0.4 * both[0, ..., 0].size and max(gradients) < 10
# claim: (np.abs(spectrum_way[..., 1] / grid_way[..., 1] - 1) < 0.3).all()
#
# What was integrated out can be drawn afterwards: given the line fluxes, continuum, shift and
# widening are Gaussian. With them every draw is a whole spectrum, and we can ask whether the
# observed one looks like these. This is the *posterior predictive check*: add new noise to each
# draw, and compare any property of the spectra so made with the same property of the observed one.
# Here it is $\chi^2$ over all pixels. A model that lacks something (a line, a calibration error)
# would leave residuals that new noise does not have.

# %%
amplitudes, predictive_p, inside_band = [], [], []
for draws, (_, model, (columns, others, data)) in zip(sampled, prepared_stars, strict=True):
    parameters = np.asarray(draws["parameters"])[:, ::4].reshape(-1, len(model[3]) + 2)
    fluxes = np.exp([ln_fluxes(p, *model[2:])[0] for p in parameters])
    amplitudes.append(draw_others(columns, others, data, fluxes, rng))
    clean = fluxes @ columns.T + amplitudes[-1] @ others.T
    again = clean + rng.standard_normal(clean.shape)
    chi2 = [((x - clean) ** 2).sum(axis=1) for x in (data, again)]
    predictive_p.append(float(np.mean(chi2[1] > chi2[0])))
    band = np.quantile(again, [0.025, 0.975], axis=0)
    inside_band.append(float(np.mean((data > band[0]) & (data < band[1]))))
    if len(amplitudes) == 1:
        first_data, first_band = data, band
print(f"share of new spectra with larger chi squared: {np.round(predictive_p, 2)}; ", end="")
print(f"pixels inside their 95 % band: {np.round(inside_band, 3)}")
with plots.style():
    figure, axis = plt.subplots(figsize=(8, 3.2))
    axis.fill_between(
        wavelength, *first_band, step="mid", color=plots.COLOURS["sky"], alpha=0.6, label="95 %"
    )
    axis.step(wavelength, first_data, "k", where="mid", lw=0.7, label="observed")
    axis.set_xlim(180, 206)
    axis.set_xlabel(WAVELENGTH_LABEL)
    axis.set_ylabel("flux / error")
    axis.legend(fontsize=8)
plots.show(
    figure,
    alt="Part of an observed spectrum in units of its errors, over the band that holds 95 per cent "
    "of the spectra predicted by the posterior: it stays within the band nearly everywhere.",
)
# claim: all(0.002 < p < 0.998 for p in predictive_p)
# claim: all(0.92 < share < 0.98 for share in inside_band)

# %%
shift, widening = (
    [(factor * x[:, k].mean(), factor * x[:, k].std()) for x in amplitudes]
    for k, factor in ((2, SHIFT_ERROR), (3, 100 * WIDTH_ERROR))
)
for i, s, w in zip(shown, shift, widening, strict=True):
    print(
        f"S/N {test.snr[i]:.1f}: shift {s[0]:+.4f} ± {s[1]:.4f} Å, width {w[0]:+.1f} ± {w[1]:.1f} %"
    )
of_modes = np.asarray(sampled[0]["parameters"])[..., 3 : 3 + len(modes)]
with plots.style():
    figure, axis = plt.subplots(figsize=(8, 3.2))
    axis.axhspan(-100 * CALIBRATION_ERROR, 100 * CALIBRATION_ERROR, color="0.9", label="prior")
    factors = 100 * of_modes.reshape(-1, len(modes)) @ modes
    low, middle, high = calibrated = np.quantile(factors, [0.16, 0.5, 0.84], axis=0)
    axis.fill_between(lines.wavelength, low, high, color=plots.COLOURS["sky"], alpha=0.6)
    axis.plot(lines.wavelength, middle, lw=2, label="posterior, 68 %")
    axis.set_xlabel(WAVELENGTH_LABEL)
    axis.set_ylabel("calibration error / %")
    axis.legend(fontsize=8)
plots.show(
    figure,
    alt="Calibration error against wavelength as inferred from one simulated spectrum: a slow "
    "curve whose band is a little narrower than the prior of plus and minus eight per cent.",
)
# claim: 0.6 < np.mean(calibrated[2] - calibrated[0]) / (200 * CALIBRATION_ERROR) < 1
# claim: all(error < 0.5 * SHIFT_ERROR for _, error in shift)
# claim: all(error < 100 * WIDTH_ERROR for _, error in widening)

# %% [markdown]
# ## 8. A population
#
# Here are twenty simulated stars of one kind, with S/N 3. The density of each is uncertain. But
# they are a population, and all of them together tell its mean and its spread. This helps with each
# star. For estimates $\vec y$ with the covariance $\mathsf V$,
#
# $$\vec y \sim \mathcal N(\vec\theta, \mathsf V),\quad \theta_i \sim \mathcal N(\mu, \tau^2),\quad
# \mu \sim \mathcal N(10, 1),\quad \tau \sim \text{half-normal}(0.5).$$
#
# Why a covariance? Photon noise and calibration are each star's own. But the atomic data of a line
# are wrong in the *same* way in all twenty stars. Such an error does not become smaller with the
# number of stars. If it is left out, nothing in the posterior of a single population shows it.
#
# How large is it? The density of a star is a weighted fit to its lines. So to first order its
# estimate moves by $J_{il}\,\epsilon_l$ if the atomic data of line $l$ are off by $\epsilon_l$ (in
# $\ln G$), and the errors that all share have the covariance $0.12^2\,\mathsf J\mathsf J^T$.
# `atomic_response` below computes a row of $\mathsf J$.
#
# ### Question 14 · The population
#
# Write `population`. Given $\tau$ everything is Gaussian, so no chain is needed: the posterior of
# $\tau$ is one function on a grid, and the rest can be drawn directly. (PyMC is welcome too. Then
# sample $z_i \sim \mathcal N(0, 1)$ with $\theta_i = \mu + \tau z_i$, since the posterior of
# $\theta_i$ and $\tau$ has a narrow funnel near $\tau = 0$, in which samplers get stuck.)
#
# <details><summary>Hint</summary>
#
# Given $\tau$, $\vec y \sim \mathcal N(\mu\vec 1, \mathsf V + \tau^2\mathsf 1)$. Turn to the
# eigenvectors of $\mathsf V$: there both matrices are diagonal for every $\tau$. First the
# posterior of $\tau$ with $\mu$ integrated out, then $\mu$ given $\tau$, then the stars given both.
#
# </details>


# %% solution="population" seconds=120
def population(estimate, covariance, seed=0):
    """Sample the hierarchical model of a population.

    Parameters
    ----------
    estimate : (n,) array
        log10 density of each star, dex.
    covariance : (n, n) array
        Of the estimates' errors, dex^2.
    seed : int
        The same seed gives the same draws.

    Returns
    -------
    dict of array
        Draws: "mean" (c, d), "spread" (c, d) and "stars" (c, d, n) in c >= 2 chains of d >= 1000
        draws.
    """
    ### BEGIN SOLUTION
    rng = np.random.default_rng(seed)
    # along the eigenvectors errors are independent, and so are they with any spread added
    values, vectors = np.linalg.eigh(covariance)
    y, one = vectors.T @ estimate, vectors.sum(axis=0)
    tau = 5e-4 * (np.arange(5000) + 0.5)
    variance = values + tau[:, None] ** 2
    precision = 1 + (one**2 / variance).sum(axis=1)
    centre = (10 + (one * y / variance).sum(axis=1)) / precision
    chi2 = (y**2 / variance).sum(axis=1) - precision * centre**2
    determinants = np.log(variance).sum(axis=1) + np.log(precision)
    log_p = -0.5 * (chi2 + determinants + (tau / 0.5) ** 2)
    p = np.exp(log_p - log_p.max())
    k = rng.choice(tau.size, (2, 1000), p=p / p.sum())
    mean = centre[k] + rng.standard_normal(k.shape) / np.sqrt(precision[k])
    share = tau[k][..., None] ** 2 / variance[k]
    expected = mean[..., None] * one
    stars = expected + share * (y - expected)
    stars += np.sqrt(share * values) * rng.standard_normal(stars.shape)
    return {"mean": mean, "spread": tau[k], "stars": stars @ vectors.T}
    ### END SOLUTION


# %% test="population" points=2
from helpers import checks


@checks.run
def test_population():
    import numpy as np

    sample = checks.submitted("population")
    rng = np.random.default_rng(11)
    true = rng.normal(9.6, 0.2, 24)
    error = np.full(24, 0.15)
    draws = sample(true + error * rng.standard_normal(24), np.diag(error**2))
    checks.that(
        type(draws) is dict and {"mean", "spread", "stars"} <= set(draws),
        "return a dictionary with mean, spread and stars",
    )
    mean = checks.array(draws["mean"], (-1, -1), "mean")
    stars = checks.array(draws["stars"], (-1, -1, 24), "stars")
    checks.close(mean.mean(), 9.6, atol=0.15, hint="the population's mean is not recovered")
    checks.that(bool(mean.shape[0] >= 2), "one chain cannot be compared with another")
    checks.close(
        mean.std(), 0.05, atol=0.025, hint="the uncertainty of the population's mean is not right"
    )
    checks.close(stars.mean(axis=(0, 1)), true, atol=0.4, hint="the stars are not recovered")


# %% test="population.shared" points=2
from helpers import checks


@checks.run
def test_population_shared():
    import numpy as np

    sample = checks.submitted("population")
    estimate = 10 + 0.2 * np.random.default_rng(12).standard_normal(30)
    own = 0.1**2 * np.eye(30)
    alone, shared = (
        checks.array(sample(estimate, covariance)["mean"], (-1, -1), "mean").std()
        for covariance in (own, own + 0.2**2)
    )
    checks.that(bool(alone < 0.06), "errors of each star's own average out over thirty stars")
    checks.that(bool(shared > 0.15), "an error that all stars share does not average out")


# %% test="population.shrinks" points=2
from helpers import checks


@checks.run
def test_population_shrinks():
    import numpy as np

    sample = checks.submitted("population")
    estimate = np.array([9.9, 10.1, 10.0, 10.2, 9.8, 10.05, 9.95, 11.2])
    error = np.array([0.1] * 7 + [0.8])
    draws = sample(estimate, np.diag(error**2))
    stars = checks.array(draws["stars"], (-1, -1, 8), "stars").mean(axis=(0, 1))
    spread = checks.array(draws["spread"], (-1, -1), "spread")
    checks.that(bool((spread > 0).all()), "a spread is positive")
    checks.that(bool(stars[7] < 10.5), "a star known badly should be drawn towards its kind")
    checks.that(bool(abs(stars[3] - 10.2) < 0.15), "a star known well should stay where it is")
    checks.that(bool(0.02 < spread.mean() < 0.3), "the spread of the population is not right")


### BEGIN HIDDEN TESTS
@checks.run
def test_population_shrinks_exactly():
    import numpy as np

    sample = checks.submitted("population")
    # few stars, badly known: the priors count as well; once with errors that two of them share
    estimate, error = np.array([8.4, 8.9, 7.8, 8.3]), np.array([0.7, 0.5, 0.9, 0.6])
    for shared in (0.0, 0.3):
        both = np.diag(error**2) + shared * np.outer([1, 0, 1, 0], [1, 0, 1, 0])
        draws, again, other = (sample(estimate, both, seed=seed) for seed in (4, 4, 5))
        mean = checks.array(draws["mean"], (-1, -1), "mean")
        spread = checks.array(draws["spread"], mean.shape, "spread")
        stars = checks.array(draws["stars"], (*mean.shape, 4), "stars")
        checks.that(bool(mean.shape[0] >= 2 and mean.shape[1] >= 1000), "two chains of 1000 draws")
        # given the spread all is Gaussian: mean and stars of the prior, measured with these errors
        tau, rows = np.linspace(0.005, 3, 600), []
        for t in tau:
            prior = np.ones((5, 5))
            prior[1:, 1:] += t**2 * np.eye(4)
            total = prior[1:, 1:] + both
            gain = np.linalg.solve(total, prior[1:]).T
            middle = 10 + gain @ (estimate - 10)
            variance = np.diag(prior - gain @ prior[1:])
            chi2 = (estimate - 10) @ np.linalg.solve(total, estimate - 10)
            ln_p = -0.5 * (np.linalg.slogdet(total)[1] + chi2 + (t / 0.5) ** 2)
            rows.append([ln_p, *middle, *variance])
        rows = np.array(rows)
        p = np.exp(rows[:, 0] - rows[:, 0].max())
        p /= p.sum()
        for name, drawn, middle, variance in (
            ("mean", mean, rows[:, 1], rows[:, 6]),
            ("spread", spread, tau, 0 * tau),
            *(("stars", stars[..., k], rows[:, 2 + k], rows[:, 7 + k]) for k in range(4)),
        ):
            want = p @ middle
            width = np.sqrt(p @ (variance + middle**2) - want**2)
            checks.close(
                drawn.mean(), want, atol=0.3 * width, hint=f"the draws of {name} lie beside"
            )
            checks.close(
                drawn.std(), width, rtol=0.2, hint=f"the draws of {name} have another width"
            )
        checks.close(
            checks.array(again["mean"], mean.shape, "mean"),
            mean,
            atol=1e-3,
            hint="the same seed should give the same draws",
        )
        checks.that(
            not np.allclose(checks.array(other["mean"], (-1, -1)).mean(), mean.mean(), atol=1e-9),
            "another seed should give other draws",
        )


### END HIDDEN TESTS


# %%
def atomic_response(flux, error, log_t, log_n):
    """How an error of each line's ln G changes the log n that is found: (80,)."""
    intensity, covariance = all_intensities(flux.astype(float), error.astype(float))
    share = np.array([log_t - 6, (log_n - 9) / 2])
    at = np.log(share / (1 - share))
    ln_flux, slopes = ln_fluxes(at, ln_model, np.empty((0, len(apart))))
    model = np.exp(ln_flux)
    weighted = np.linalg.solve(covariance, model)
    model = model * max(weighted @ intensity / (weighted @ model), 1e-3)
    # columns: brightness, log T, log n
    steps = slopes / (share * (1 - share) * [1, 2])
    design = model[:, None] * np.column_stack([np.ones(len(apart)), steps])
    weighted = np.linalg.solve(covariance + relative * np.outer(model, model), design)
    return np.linalg.solve(design.T @ weighted, weighted.T)[2] * model


def densities(spectra):
    """log n of the stars of a population, their errors, and the covariance of these."""
    rows, response = [], []
    for flux, error in zip(spectra.flux, spectra.error, strict=True):
        (log_t, *_), row = summaries(posterior(flux, error))
        rows.append([row[0], 0.5 * (row[2] - row[1])])
        response.append(atomic_response(flux, error, log_t, row[0]))
    log_n, error = np.transpose(rows)
    shared = ATOMIC_ERROR**2 * np.array(response) @ np.transpose(response)
    own = np.maximum(error**2 - np.diag(shared), 0.1 * error**2)
    return log_n, error, shared + np.diag(own)


stars = corona.simulated_population(20, seed=5)
alone_n, alone_error, alone_covariance = densities(stars)
draws = {name: np.asarray(x) for name, x in population(alone_n, alone_covariance).items()}
together_n = draws["stars"].mean(axis=(0, 1))
mean_correlation = np.mean(
    (alone_covariance / np.outer(alone_error, alone_error))[~np.eye(20, dtype=bool)]
)
print(f"errors of two stars have a correlation of {mean_correlation:.2f} in the mean")
star_rms = [float(np.sqrt(np.mean((x - stars.log_n) ** 2))) for x in (alone_n, together_n)]
print(f"rms of log n: {star_rms[0]:.3f} one by one, {star_rms[1]:.3f} as a population")
with plots.style():
    figure, axis = plt.subplots(figsize=(8, 3.4))
    order = np.argsort(stars.log_n)
    rank = np.arange(len(order))
    axis.errorbar(
        rank - 0.1,
        alone_n[order],
        alone_error[order],
        fmt="s",
        ms=4,
        color=plots.COLOURS["orange"],
        label="one by one",
    )
    axis.errorbar(
        rank + 0.1,
        together_n[order],
        draws["stars"].std(axis=(0, 1))[order],
        fmt="o",
        ms=4,
        color=plots.COLOURS["blue"],
        label="as a population",
    )
    axis.plot(rank, stars.log_n[order], "_", ms=12, color="k", label="truth")
    axis.set_xlabel("star, by true density")
    axis.set_ylabel("log$_{10}$ (density / cm$^{-3}$)")
    axis.legend(fontsize=8)
plots.show(
    figure,
    alt="Densities of twenty simulated stars with error bars: as a population they lie nearer to "
    "their common mean and have shorter errors than one by one.",
)
# claim: star_rms[1] < 0.85 * star_rms[0]
# claim: (draws["stars"].std(axis=(0, 1)) < alone_error).mean() > 0.9
# claim: np.std(together_n) < np.std(alone_n)

# %% [markdown]
# Are the quoted errors right? One population cannot tell, since all its stars share one draw of
# the atomic errors. So we simulate twenty populations, each with other atomic errors, and compare
# the mean density of the twenty stars with the truth, in units of the error that `population`
# gives for it: the *pull*. Over many populations its rms should be 1. Beside it we do the same
# with the errors taken for independent.

# %%
pulls = {"shared": [], "independent": []}
mean_errors = {name: [] for name in pulls}
for seed in range(1, 21):
    other = corona.simulated_population(20, seed=seed)
    log_n, error, covariance = densities(other)
    for name, matrix in (("shared", covariance), ("independent", np.diag(error**2))):
        means = np.asarray(population(log_n, matrix, seed=seed)["stars"]).mean(axis=2)
        pulls[name].append((means.mean() - other.log_n.mean()) / means.std())
        mean_errors[name].append(means.std())
pull_rms = {name: float(np.sqrt(np.mean(np.square(pull)))) for name, pull in pulls.items()}
for name, value in pull_rms.items():
    print(
        f"errors {name}: mean of twenty densities to {np.mean(mean_errors[name]):.3f} dex, "
        f"rms pull over 20 populations {value:.2f}"
    )

# %% [markdown]
# With the errors that the stars share, the pull is about 1. With independent errors the mean is
# quoted too precisely. Nothing in the posterior or in R-hat would show this. (The rms of twenty
# pulls itself has an uncertainty of 16 %.)
#
# claim: 0.7 < pull_rms["shared"] < 1.3
# claim: pull_rms["independent"] > 1.3 * pull_rms["shared"]
# claim: np.mean(mean_errors["shared"]) > 1.3 * np.mean(mean_errors["independent"])
# claim: mean_correlation > 0.05

# %% [markdown]
# ## 9. One temperature or two? (optional)
#
# Is a second component needed? This is a question for the *marginal likelihood* $Z$, the mean of
# the likelihood over the prior. The proposal would estimate it by "automated importance sampling":
# draw from a simple density $q$, and average the ratio $l = p/q$ of the posterior density $p$ (not
# normalised) to $q$. If $q$ has thinner tails than $p$, very large ratios occur very rarely. The
# variance of the average is then infinite: it looks stable until such a ratio is drawn, and then it
# jumps.
#
# There is an alarm. *Pareto-smoothed importance sampling* (Vehtari et al. 2024, *Journal of Machine
# Learning Research* 25, 72) fits a generalised Pareto distribution to the largest ratios. Its shape
# $\hat k$ tells how heavy their tail is: below 0.7 the estimate can be trusted, above it cannot.
#
# *Bridge sampling* (Meng & Wong 1996) uses draws of both densities. With $N_1$ draws of the
# posterior and $N_2$ of $q$, iterate to convergence
#
# $$Z \leftarrow \frac{\frac{1}{N_2}\sum_{q} \frac{l}{s_1 l + s_2 Z}}
# {\frac{1}{N_1}\sum_{p} \frac{1}{s_1 l + s_2 Z}}, \qquad s_i = \frac{N_i}{N_1 + N_2} .$$
#
# ### Question 15 · Two estimates of the evidence
#
# Write `importance_evidence` (`az.psislw` returns smoothed weights and $\hat k$) and
# `bridge_evidence`. The logarithms may be near $-10^4$: shift them before you exponentiate.
#
# <details><summary>Hint</summary>
#
# Bridge: subtract the median of the first array from both, iterate from $Z = 1$, and add the median
# to the logarithm of the result.
#
# </details>


# %% solution="bridge_evidence"
def importance_evidence(log_l):
    """Estimate a marginal likelihood by importance sampling, with its alarm.

    Parameters
    ----------
    log_l : (n,) array
        Natural log of (prior times likelihood) over the proposal's density, at draws of the
        proposal.

    Returns
    -------
    log_z : float
        Natural log of the mean ratio.
    k : float
        Shape of the generalised Pareto distribution of the largest ratios (Vehtari et al. 2024).
    """
    ### BEGIN SOLUTION
    _, k = az.psislw(log_l)
    highest = np.max(log_l)
    return float(highest + np.log(np.mean(np.exp(log_l - highest)))), float(k)
    ### END SOLUTION


def bridge_evidence(log_l_posterior, log_l_proposal):
    """Estimate a marginal likelihood by bridge sampling.

    Parameters
    ----------
    log_l_posterior : (n1,) array
        Natural log of (prior times likelihood) over the proposal's density, at draws of the
        posterior.
    log_l_proposal : (n2,) array
        The same at draws of the proposal.

    Returns
    -------
    float
        Natural log of the marginal likelihood.
    """
    ### BEGIN SOLUTION
    shift = np.median(log_l_posterior)
    l1, l2 = np.exp(log_l_posterior - shift), np.exp(log_l_proposal - shift)
    n1, n2 = len(l1), len(l2)
    s1, s2 = n1 / (n1 + n2), n2 / (n1 + n2)
    z = 1.0
    for _ in range(1000):
        new = np.mean(l2 / (s1 * l2 + s2 * z)) / np.mean(1 / (s1 * l1 + s2 * z))
        if abs(new / z - 1) < 1e-10:
            break
        z = new
    return float(np.log(new) + shift)
    ### END SOLUTION


# %% test="bridge_evidence.importance" points=2
from helpers import checks


@checks.run
def test_bridge_evidence_importance():
    import numpy as np

    estimate = checks.submitted("importance_evidence")
    rng = np.random.default_rng(25)
    shapes = []
    for wide in (1.5, 0.4):
        # four dimensions, a unit Gaussian of evidence exp(-300), proposals wider and narrower
        r2 = np.sum((wide * rng.standard_normal((8000, 4))) ** 2, axis=1)
        result = estimate(-300 - 0.5 * r2 + 0.5 * r2 / wide**2 + 4 * np.log(wide))
        checks.that(type(result) in (tuple, list) and len(result) == 2, "return log_z and k")
        log_z, k = (checks.number(value) for value in result)
        shapes.append(k)
        if wide > 1:
            checks.close(log_z, -300.0, atol=0.15, hint="a wide proposal should give the evidence")
    checks.that(bool(shapes[0] < 0.5), "a proposal that is wide enough raises the alarm")
    checks.that(bool(shapes[1] > 0.6), "a proposal that is too narrow raises no alarm")


### BEGIN HIDDEN TESTS
@checks.run
def test_bridge_evidence_importance_shape():
    import numpy as np

    estimate = checks.submitted("importance_evidence")
    rng = np.random.default_rng(26)
    # ratios that follow a Pareto distribution of known shape; below 1 it has a mean
    for shape, shift in ((0.2, -5000.0), (0.5, 3.0), (1.2, 0.0)):
        log_z, k = estimate(shape * rng.exponential(size=40_000) + shift)
        checks.close(checks.number(k), shape, atol=0.15, hint="a known tail has another shape")
        if shape < 0.3:
            checks.close(
                checks.number(log_z),
                shift - np.log(1 - shape),
                atol=0.02,
                hint="the logarithm of a known mean ratio is not right",
            )


### END HIDDEN TESTS

# %% test="bridge_evidence" points=2
from helpers import checks


@checks.run
def test_bridge_evidence():
    import numpy as np

    estimate = checks.submitted("bridge_evidence")
    # posterior and proposal the same: l is Z everywhere
    got = checks.number(estimate(np.full(100, -12000.0), np.full(50, -12000.0)))
    checks.close(
        got, -12000.0, atol=0.01, hint="if the proposal is the posterior, l is Z at every draw"
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_bridge_evidence_shifted():
    import numpy as np

    estimate = checks.submitted("bridge_evidence")
    rng = np.random.default_rng(13)
    # one dimension, posterior a unit Gaussian, proposal half as wide again and beside it
    p, q = rng.standard_normal(20000), 0.4 + 1.5 * rng.standard_normal(10000)

    def log_l(x):
        return 0.5 * ((x - 0.4) / 1.5) ** 2 + np.log(1.5) - 0.5 * x**2

    for z in (-9000.0, 3.0):
        got = checks.number(estimate(log_l(p) + z, log_l(q) + z))
        checks.close(got, z, atol=0.06, hint="a Gaussian whose evidence is known is not recovered")


### END HIDDEN TESTS


# %% test="bridge_evidence.tails" points=2
from helpers import checks


@checks.run
def test_bridge_evidence_tails():
    import numpy as np

    estimate = checks.submitted("bridge_evidence")
    rng = np.random.default_rng(12)
    for wide, n1, n2 in ((0.5, 20000, 20000), (2.0, 20000, 4000)):
        # three dimensions, posterior a unit Gaussian of evidence exp(-7); proposal of another width
        p, q = rng.standard_normal((n1, 3)), wide * rng.standard_normal((n2, 3))

        def log_l(x, wide=wide):
            r2 = np.sum(x**2, axis=1)
            return -7 - 0.5 * r2 + 0.5 * r2 / wide**2 + 3 * np.log(wide)

        got = checks.number(estimate(log_l(p), log_l(q)))
        checks.close(
            got, -7.0, atol=0.08, hint="a Gaussian whose evidence is known is not recovered"
        )


### BEGIN HIDDEN TESTS
@checks.run
def test_bridge_evidence_tails_few():
    import numpy as np

    estimate = checks.submitted("bridge_evidence")
    rng = np.random.default_rng(14)
    for n1, n2 in ((300, 40), (50, 400)):
        p, q = rng.standard_normal(n1), 1.0 + 0.7 * rng.standard_normal(n2)
        l1, l2 = (0.5 * ((x - 1) / 0.7) ** 2 + np.log(0.7) - 0.5 * x**2 for x in (p, q))
        # where the formula comes to rest
        s1, s2, z = n1 / (n1 + n2), n2 / (n1 + n2), 1.0
        for _ in range(3000):
            top = np.mean(1 / (s1 + s2 * z * np.exp(-l2)))
            z = top / np.mean(1 / (s1 * np.exp(l1) + s2 * z))
        got = checks.number(estimate(l1 - 20, l2 - 20))
        checks.close(
            got, np.log(z) - 20, atol=5e-3, hint="with few draws it is not where the formula rests"
        )


### END HIDDEN TESTS


# %% [markdown]
# First the three spectra of Section 7, where the Gauss-Newton fit gives a proposal with 33
# dimensions: $t$ distributions with 7 degrees of freedom, whose tails are thicker than those of the
# posterior. Beside it a Gaussian that is half as wide. The bridge gets the draws of the chains.

# %%
from scipy.stats import chi2 as chi2_distribution


def proposal_draws(peak, factor, count, rng, dof=np.inf, width=1.0):
    """Draws of a multivariate t (Gaussian for infinite dof), and a function of its log density."""
    from scipy.special import gammaln

    size = len(peak)
    scatter = rng.standard_normal((count, size))
    if np.isfinite(dof):
        scatter /= np.sqrt(chi2_distribution.rvs(dof, size=(count, 1), random_state=rng) / dof)
    log_volume = np.log(np.diag(factor)).sum() + size * np.log(width)

    def log_density(points):
        z = np.linalg.solve(width * factor, (points - peak).T)
        r2 = np.sum(z**2, axis=0)
        if not np.isfinite(dof):
            return -0.5 * (r2 + size * np.log(2 * np.pi)) - log_volume
        top = gammaln((dof + size) / 2) - gammaln(dof / 2) - 0.5 * size * np.log(dof * np.pi)
        return top - 0.5 * (dof + size) * np.log1p(r2 / dof) - log_volume

    return peak + width * scatter @ factor.T, log_density


PROPOSALS = {"t": {"dof": 7}, "narrow": {"width": 0.5}}
rng = np.random.default_rng(15)
importance, bridges, ratios = {name: [] for name in PROPOSALS}, [], {}
weighted_way = []
for (peak, factor), (_, model, _), chain in zip(peaks, prepared_stars, sampled, strict=True):
    for name, setting in PROPOSALS.items():
        points, log_q = proposal_draws(peak, factor, 4000, rng, **setting)
        log_l = np.array([log_posterior(p, *model)[0] for p in points]) - log_q(points)
        importance[name].append(importance_evidence(log_l))
        ratios.setdefault(name, log_l)
        if name == "t":
            of_chain = np.asarray(chain["parameters"]).reshape(-1, len(peak))
            log_p = np.array([log_posterior(p, *model)[0] for p in of_chain]) - log_q(of_chain)
            bridges.append(bridge_evidence(log_p, log_l))
            weight = np.exp(az.psislw(log_l)[0])
            values = without_limits(points)
            mean = weight @ values
            weighted_way.append(np.transpose([mean, np.sqrt(weight @ (values - mean) ** 2)]))
weighted_way = np.array(weighted_way)
for k, i in enumerate(shown):
    print(f"S/N {test.snr[i]:.1f}: ln Z by the bridge {bridges[k]:.2f}", end="")
    for name, results in importance.items():
        print(f"; {name}: {results[k][0]:.2f} with k = {results[k][1]:.2f}", end="")
    print()
with plots.style():
    figure, axis = plt.subplots(figsize=(6, 3.4))
    number = np.arange(1, 4001)
    for (name, log_l), dash in zip(ratios.items(), ("-", "--"), strict=True):
        running = np.logaddexp.accumulate(log_l) - np.log(number)
        axis.semilogx(number, running - bridges[0], dash, label=f"importance sampling, {name}")
    axis.axhline(0, color="k", lw=1, label="bridge")
    axis.set_xlim(10, 4000)
    axis.set_ylim(-12, 3)
    axis.set_xlabel("number of draws")
    axis.set_ylabel("ln Z, from that of the bridge")
    axis.legend(fontsize=8, loc="lower right")
plots.show(
    figure,
    alt="Estimates of the logarithm of the evidence against the number of draws: importance "
    "sampling with a t proposal settles at that of the bridge; with a narrow one it stays below.",
)
k_hat = {name: np.array([k for _, k in results]) for name, results in importance.items()}
evidence_off = {
    name: np.array([log_z for log_z, _ in results]) - bridges
    for name, results in importance.items()
}
weighted_off = (weighted_way[..., 0] - spectrum_way[..., 0]) / spectrum_way[..., 1]

# %% [markdown]
# With the $t$ proposal importance sampling works: $\hat k$ is below 0.7, the evidence is that of
# the bridge, and temperature and density are those of the chains, without a chain. With the narrow
# Gaussian it fails: its curve looks stable as well, but at a value that is wrong by a factor of
# more than ten. Only $\hat k$ shows it. So importance sampling can be automated, as the proposal
# has it, if $\hat k$ is looked at each time.
#
# claim: (k_hat["t"] < 0.7).all() and (np.abs(evidence_off["t"]) < 0.3).all()
# claim: (k_hat["narrow"] > 0.7).all() and (evidence_off["narrow"] < -np.log(10)).all()
# claim: np.abs(weighted_off).max() < 0.3

# %% [markdown]
# Now the two temperatures, for two simulated stars. One has a single component, the other a second
# one at 8 MK. The model with one temperature has the parameters $(\log T, \log n)$; the other also
# has $\log T_2$ and the logarithm of the ratio of emission measures. Its posterior is no Gaussian
# where the second component is not needed, so there is no good proposal before the chains. We run
# 24 short chains, fit a proposal with doubled covariance to their first half, and use their second
# half for the bridge. (The log-likelihood fits the brightness $e$ to the same data instead of
# integrating over it. So $Z$ is not a marginal likelihood in the strict sense. Both models treat
# $e$ in the same way, and the difference of their $\ln Z$ can be used.)

# %%
from scipy.interpolate import RegularGridInterpolator
from scipy.stats import multivariate_normal

log_model = RegularGridInterpolator(
    (T_GRID, N_GRID),
    np.log(
        np.array(
            [
                line_intensities(g_of_n[:, :, j], logT, peak, 1.0, 1.0)
                for peak in T_GRID
                for j in range(len(N_GRID))
            ]
        ).reshape(len(T_GRID), len(N_GRID), -1)
    ),
)
LOW = {1: np.array([6.0, 9.0]), 2: np.array([6.0, 9.0, 6.6, -2.0])}
HIGH = {1: np.array([7.0, 11.0]), 2: np.array([7.0, 11.0, 7.0, 1.0])}


def log_joint(theta, data, components):
    """Log of prior times likelihood, for many parameter vectors (m, 2 or 4)."""
    low, high = LOW[components], HIGH[components]
    value = np.full(len(theta), -np.inf)
    ok = ((theta > low) & (theta < high)).all(axis=1)
    if not ok.any():
        return value
    good = theta[ok]
    model = np.exp(log_model(good[:, :2]))
    if components == 2:
        model = model + 10 ** good[:, 3:] * np.exp(log_model(good[:, [2, 1]]))
    model /= model.max(axis=1, keepdims=True)
    fits = np.asarray(log_likelihood(data["intensity"], data["covariance"], model, relative))
    value[ok] = fits - np.log(high - low).sum()
    return value


def random_walk(data, components, rng, walkers=24, steps=1600):
    """Differential-evolution chains (ter Braak 2006): draws (walkers, steps / 2, parameters)."""
    low, high = LOW[components], HIGH[components]
    first = rng.uniform(low, high, (40 * walkers, low.size))
    value = log_joint(first, data, components)
    best = np.argsort(-value)[:walkers]
    here, value = first[best], value[best]
    kept = []
    for step in range(steps):
        # one half moves along differences within the other, so that each move is reversible
        halves = np.split(rng.permutation(walkers), 2)
        for moving, other in (halves, halves[::-1]):
            a, b = (rng.permutation(other) for _ in range(2))
            scale = 1.0 if step % 10 == 0 else 2.38 / np.sqrt(2 * low.size)
            jitter = 1e-4 * rng.standard_normal((len(moving), low.size))
            there = here[moving] + scale * (here[a] - here[b]) + jitter
            new = log_joint(there, data, components)
            accept = np.log(rng.uniform(size=len(moving))) < new - value[moving]
            here[moving[accept]], value[moving[accept]] = there[accept], new[accept]
        if step >= steps // 2:
            kept.append(here.copy())
    return np.swapaxes(kept, 0, 1)


def evidence(data, components, rng):
    """Log marginal likelihood, the worst R-hat and the least effective sample size."""
    chains = random_walk(data, components, rng)
    each = np.moveaxis(chains, 2, 0)
    rhat, size = max(split_rhat(x) for x in each), min(float(az.ess(x)) for x in each)
    # the proposal knows the first half of the chains, the bridge stands on the second
    fitted, used = (half.reshape(-1, chains.shape[2]) for half in np.split(chains, 2, axis=1))
    used = used[rng.permutation(len(used))[:2000]]
    proposal = multivariate_normal(fitted.mean(axis=0), 2 * np.cov(fitted.T))
    new = proposal.rvs(2000, random_state=rng)
    return (
        bridge_evidence(
            *(log_joint(x, data, components) - proposal.logpdf(x) for x in (used, new))
        ),
        rhat,
        size,
    )


def measured(spectra, i):
    intensity, covariance = all_intensities(
        spectra.flux[i].astype(float), spectra.error[i].astype(float)
    )
    return {"intensity": intensity, "covariance": covariance}


rng = np.random.default_rng(3)
single = corona.simulated_population(1, seed=21, snr=8.0)
double = corona.simulated_population(1, seed=21, snr=8.0, second=0.5)
factors, checked_chains = {}, []
for name, spectra in (("one component", single), ("two components", double)):
    data = measured(spectra, 0)
    (z1, *one), (z2, *two) = (evidence(data, k, rng) for k in (1, 2))
    factors[name] = z2 - z1
    rhat, size = max(one[0], two[0]), min(one[1], two[1])
    checked_chains.append((rhat, size))
    print(f"truth {name}: ln Z2 - ln Z1 = {z2 - z1:+.1f} ", end="")
    print(f"(worst R-hat {rhat:.2f}, least effective sample size {size:.0f})")

# %% [markdown]
# Positive numbers speak for two components; less than one either way is not worth a mention (Kass &
# Raftery 1995). Here the second component is found where there is one. Where there is none the two
# models are equally good, since a second component may be faint or as hot as the first. The chains
# are short, so their R-hat exceeds the 1.01 that is usually asked for. All 24 together still amount
# to some hundred independent draws, and the conclusion does not depend on a few tenths in $\ln Z$.
#
# claim: abs(factors["one component"]) < 1 and factors["two components"] > 5
# claim: all(rhat < 1.1 and size > 150 for rhat, size in checked_chains)
#
# ### Question 16 · Why bridges, why populations?
#
# **Explain** (a) why importance sampling with a density fitted to the draws can fail without a
# sign, and what the bridge does about it; (b) why the densities of the twenty stars became better
# together although no star's spectrum got better, and when this would do harm.

# %% [markdown] explain="reflect" points=4
# (a) The importance weight p/q is unbounded where q has thinner tails than p. Such draws are rare
# in a finite sample, so the average and its apparent error look stable while the expectation is
# carried by points that were not drawn; the variance can be infinite. The bridge averages over
# both densities functions that are bounded: l/(s1 l + s2 Z) never exceeds 1/s1, so tails on either
# side do not matter, only overlap.
# (b) Each estimate has an error; the scatter of all estimates is the sum of true spread and error,
# so the spread is learnt from the sample. A star with a large error is drawn towards the mean by
# just the weight of its error, which trades a little bias for much less variance. It does harm if
# the stars are not one population (an outlier is drawn in), if the errors are wrong, or if one
# quotes a single unusual star afterwards.
#
# **Rubric**
# - (1) Unbounded weights where the proposal's tails are thinner; failure does not show.
# - (1) The bridge's averages are bounded or need only overlap.
# - (1) Shrinkage by error against spread, learnt from all stars.
# - (1) A case where it harms.

# %% [markdown]
# ## 10. Ten thousand spectra, many computers (optional)
#
# The spectra are independent of one another, so they can be shared among any number of computers.
# `analyse` takes the trained weights and a block of spectra: that is a task. Dask makes a list of
# tasks and distributes them. Here we run a few blocks on two threads of this machine.

# %%
import dask

blocks = [slice(first, first + 20) for first in range(0, 80, 20)]
tasks = [dask.delayed(analyse)(weights, test.flux[b], test.error[b]) for b in blocks]
clock = time.perf_counter()
answers = dask.compute(*tasks, scheduler="threads", num_workers=2)
rate = sum(len(p) for p, _ in answers) / (time.perf_counter() - clock)
print(f"{rate:.0f} spectra per second; 10 000 would take {10_000 / rate / 60:.1f} minutes")

# %% [markdown]
# The same tasks on processes of this machine, or on workers elsewhere, need one line before and two
# arguments less (`pip install distributed`):
#
# ```python
# from dask.distributed import Client
#
# client = Client(n_workers=2, threads_per_worker=1)  # this machine, or
# client = Client("tcp://address:8786")               # a scheduler that runs already
# answers = dask.compute(*tasks)
# ```
#
# On a cluster start `dask scheduler` on one machine and `dask worker tcp://address:8786` on the
# others, with this package installed. Give a worker one thread, and send the weights, which all
# tasks share, only once: `client.scatter(weights, broadcast=True)`. `python bench/corona.py` does
# this with all 10 000 spectra, here and by address; the README says what it measured. Tasks that
# share nothing should need half the time on twice the workers, as long as each has a core.
#
# ### What of the proposal is left out
#
# * *A network that removes the noise* before the spectrum is analysed. The likelihood uses the
#   noisy pixels with their errors. A network could only move information from its training set
#   into the pixels, where the model would take it for data: in Section 4 it reports lines that are
#   gone.
# * *Feature maps as data of the model.* They have no known noise. Only the list of lines goes over.
# * *A three-dimensional network* and *ResNet-50*: see Question 5. A spectrum has one dimension, and
#   half a million weights learn what there is to learn in 8000 spectra.
# * *Many graphics processors.* The network takes a fraction of a millisecond for each spectrum, the
#   posterior a hundred times as long. Only the latter would be worth speeding up, and it shares
#   nothing between spectra: more processors of the usual kind do.
# * *Radiative transfer.* The gas is optically thin, and adding up its light is all there is to it.
#   Of the lines in this range He II 256.3 Å is the exception, and it is left out.
# * *Collisional broadening*, which the proposal leaves to later work: in so thin a gas it is far
#   below the instrument's width.
#
# claim: seconds["network"] < 0.1 * seconds["posterior"]
# claim: 4e5 < sum(np.size(values) for values in weights.values()) < 6e5

# %%
# all that another program needs to analyse spectra as this lab does: `labkit serve corona`
products.save(
    "09_corona_model",
    wavelength=wavelength,
    line_wavelength=lines.wavelength,
    line_ion=np.array(lines.ion),
    fwhm=FWHM,
    shift_error=SHIFT_ERROR,
    width_error=WIDTH_ERROR,
    atomic_error=ATOMIC_ERROR,
    ln_model=ln_model,
    modes=modes,
    prior=np.array([[6.0, 7.0], [9.0, 11.0]]),
    **{f"network_{name}": values for name, values in weights.items()},
)
saved = products.save(
    "09_corona",
    bands=np.array(bands),
    accuracy=accuracy,
    snr_middle=snr_middle,
    detected=np.array([detected["network"], detected["joint fit"], matched]),
    false_alarms=np.array(list(false_alarms.values())),
    still_found=np.array(list(still_found.values())),
    truth=truth,
    result=result,
    ranks=ranks,
    narrow_ranks=narrow,
    spectrum_way=spectrum_way,
    grid_way=grid_way,
    spectrum_rhat=np.array(spectrum_rhat),
    spectrum_truth=truth[shown],
    spectrum_seconds=np.array(chains_took),
    spectrum_ess=np.array(spectrum_ess),
    spectrum_divergences=divergences,
    spectrum_gradients=np.array(gradients),
    predictive_p=np.array(predictive_p),
    rms_posterior=rms["posterior"],
    rms_by_hand=rms["by hand"],
    rms_regression=rms["regression"],
    rms_found_lines=rms["found lines only"],
    star_rms=np.array(star_rms),
    k_hat=np.array([k_hat["t"], k_hat["narrow"]]),
    evidence_off=np.array([evidence_off["t"], evidence_off["narrow"]]),
    pull_rms=np.array([pull_rms["shared"], pull_rms["independent"]]),
    log_bayes_factors=np.array(list(factors.values())),
    training_seconds=network_seconds,
    seconds=np.array([seconds[way] for way in ("network", "posterior", "regression", "by hand")]),
)

# %% [markdown]
# ## What to take away
#
# * Intensity goes as density *squared*; density itself is read from ratios within an ion.
# * Blended lines are one linear problem. Fit them together and keep the covariance.
# * A network can say which lines there are. Temperature and density, with errors, need a
#   likelihood.
# * Known imperfections (atomic data, calibration) belong in the covariance. Then intervals hold the
#   truth as often as they say, and you can *show* it. Errors shared by several stars do not average
#   out.
# * Test every result: chains by R-hat and effective sample size, intervals by their coverage, a
#   method by a fair comparison with a simpler one, and with no data at all.
#
# ## Go further
#
# The atomic data of a line are wrong in the *same* way in every star, so twenty
# stars can learn them. Extend `population` to the intensities: a shared error per line, with a
# common scale, and $\log T_i$, $\log n_i$ for each star. How much of the 12 % can you get back?

# %% [markdown]
# **For other programs.** A service answers whoever sends it a spectrum. The kit has one for this
# lab: it reads what the model solution saved as `09_corona_model`, looks for lines with the
# network, and computes the posterior by importance sampling. Where all of the kit is installed,
# start it with `labkit serve corona` (it needs `pip install -e '.[service]'`, and once
# `labkit walkthrough 09_corona`). Then ask it from here:
#
# ```python
# import requests
#
# spectrum = {"wavelength": sky.wavelength, "flux": test.flux[0], "error": test.error[0]}
# body = {name: values.tolist() for name, values in spectrum.items()}
# answer = requests.post("http://127.0.0.1:8009/v1/corona", json=body, timeout=10).json()
# print(answer["log_temperature"], answer["log_density"], answer["reliable"], answer["warnings"])
# ```
#
# Do its means and errors agree with yours? Try spectra of low signal to noise until `reliable` is
# false, and find out why.
