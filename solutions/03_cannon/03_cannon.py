# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Lab 3 · The Cannon
#
# You have 1855 normalised spectra, and for each star five numbers that the survey's pipeline found
# with great effort: its *labels*. In this lab the spectra teach you what the labels do. You will
# build a **generative model**, a function that takes five labels and returns a spectrum, with
# nothing in it but what half of the stars show you. Then you turn it around and read the labels of
# the other half off their spectra.
#
# By the end of this lab you will have
#
# * a model of 21 coefficients and one intrinsic scatter for each of thousands of pixels, trained
#   by maximum likelihood;
# * the gradient spectra, which show where each element hides its lines;
# * labels with errors for more than nine hundred stars that the model has never seen, compared
#   with the catalogue;
# * an explanation for each star where the two disagree badly, and a better model for it;
# * the PDF for checkpoint 2.
#
# **Read** Ness et al. (2015, *The Cannon*), Sections 2 to 5. The model is named after Annie Jump
# Cannon, who classified stars by their spectra before anybody knew what made the lines. By default
# the spectra come from the kit's embedded archive: they are **simulated**. The cells below name
# the archive you are using; the same notebook runs on real spectra.
#
# You write functions. A function leaves what it is given as it was; work on a copy.

# %% setup=true
import time

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import curve_fit
from tqdm.auto import tqdm

from helpers import archive, checkpoints, plots, products

#: the error of a pixel that carries no information (lab 2), and where "bad" begins
BAD_ERROR = 1e10
BAD_LIMIT = 1e9
#: the star of checkpoint 2
STAR = "2M03533659+2512012"
#: how the labels are written on an axis
AXIS_LABELS = {
    "TEFF": "$T_{\\rm eff}$ / K",
    "LOGG": "log g / dex (cgs)",
    "FE_H": "[Fe/H] / dex",
    "MG_FE": "[Mg/Fe] / dex",
    "SI_FE": "[Si/Fe] / dex",
}
#: strong lines of giants in the H band, vacuum wavelengths in Å (Melendez & Barbuy 1999)
LINES = {
    "Mg I": (15745.01, 15753.29, 15770.15, 15883.90),
    "Si I": (15892.78, 15964.44, 16064.41, 16099.20, 16220.14, 16386.03, 16685.37, 16832.78),
}

# %% [markdown]
# ## 1. What you start from
#
# `products.load` returns what you saved at the end of lab 2, or the kit's reference (normalised
# by the survey's pipeline) if you have saved nothing. A pixel about which nothing is known has a
# flux of 1 and an error of 1e10.

# %%
survey = products.load("02_continuum")
wavelength = np.asarray(survey["wavelength"], dtype=float)
flux, error = survey["flux"], survey["error"]
labels = np.asarray(survey["labels"], dtype=float)
label_names = [str(name) for name in survey["label_names"]]
names = np.array([str(name) for name in survey["apogee_id"]])
source = archive.current().description

good = error < BAD_LIMIT
print(f"{len(names)} normalised spectra ({survey['source']}), from: {source}")
print(f"{np.sum(good.any(axis=0))} of {wavelength.size} pixels are good in at least one star")
for name, column in zip(label_names, labels.T, strict=True):
    print(f"{name:6s} {column.min():9.2f} to {column.max():8.2f}, scatter {column.std():7.3f}")

# %% [markdown]
# A model with more than a hundred thousand free numbers can learn anything by heart. The only
# honest judge is a star it has not seen. So divide the stars at random into two halves: the
# **training set** teaches, the **cross-validation set** examines.
#
# ### Question 1 · Two halves
#
# Write `split_sample`. Random matters: the catalogue is sorted by field on the sky, and a model
# trained on one field would be examined on another population.


# %% solution="split_sample"
def split_sample(n_stars, seed):
    """Choose half of the stars at random for training.

    Parameters
    ----------
    n_stars : int
        How many stars there are.
    seed : int
        The same seed gives the same choice, another seed another.

    Returns
    -------
    (n_stars,) array of bool
        True for the stars of the training set: ``n_stars // 2`` of them, or one more.
    """
    ### BEGIN SOLUTION
    is_training = np.zeros(n_stars, dtype=bool)
    is_training[np.random.default_rng(seed).permutation(n_stars)[: n_stars // 2]] = True
    return is_training
    ### END SOLUTION


# %% test="split_sample" points=1
from helpers import checks


@checks.run
def test_split_sample():
    split = checks.submitted("split_sample")
    chosen = checks.truths(split(101, 4), (101,))
    checks.that(
        bool(chosen.sum() in (50, 51)), f"{chosen.sum()} of 101 stars are chosen: is that half?"
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_split_sample_half():
    split = checks.submitted("split_sample")
    for n in (10, 1855):
        for seed in range(4):
            chosen = checks.truths(split(n, seed), (n,))
            checks.that(
                bool(chosen.sum() in (n // 2, n // 2 + 1)),
                "the training set should be half of the stars, every time",
            )


### END HIDDEN TESTS

# %% test="split_sample.random" points=2
from helpers import checks


@checks.run
def test_split_sample_random():
    split = checks.submitted("split_sample")
    first, again, other = (checks.truths(split(200, seed), (200,)) for seed in (1, 1, 2))
    checks.that(bool((first == again).all()), "the same seed should give the same choice")
    checks.that(bool((first != other).any()), "another seed should give another choice")


### BEGIN HIDDEN TESTS
@checks.run
def test_split_sample_random_hidden():
    import numpy as np

    split = checks.submitted("split_sample")
    chosen = np.array([checks.truths(split(400, seed), (400,)) for seed in range(200)])
    # each star is chosen in half of the splits, with a binomial scatter of 0.035
    share = chosen.mean(axis=0)
    checks.that(
        bool(share.min() > 0.3 and share.max() < 0.7),
        "some stars are nearly always, or nearly never, in the training set",
    )
    # neighbours in the catalogue are chosen independently of each other
    pairs = np.mean(chosen[:, 1:] == chosen[:, :-1])
    checks.that(
        bool(abs(pairs - 0.5) < 0.03),
        "whether a star is chosen depends on its neighbour in the catalogue",
    )


### END HIDDEN TESTS

# %%
is_training = np.asarray(split_sample(len(names), seed=3), dtype=bool)
training, validation = np.flatnonzero(is_training), np.flatnonzero(~is_training)
print(f"{len(training)} stars for training, {len(validation)} for cross-validation")

# the mean and the spread of the TRAINING set: from now on they belong to the model
mean, scale = labels[training].mean(axis=0), labels[training].std(axis=0)

# %% [markdown]
# ## 2. A linear model of one pixel
#
# Take one pixel. Its flux in star $n$ is modelled as a quadratic polynomial of the five labels
# (Ness et al. 2015, Equation 8). Temperatures are thousands and abundances tenths, so first bring
# all labels to order one: $x_i = (\ell_i - \text{mean}_i)/\text{scale}_i$, with mean and scale of
# the *training* set, always.
#
# ### Question 2 · The design matrix
#
# Write `design_matrix`. Its columns are the functions of the labels, its rows the stars. Keep the
# order of the columns that the docstring gives: the labs to come rely on it.


# %% solution="design_matrix"
def design_matrix(labels, mean, scale):
    """Build the columns of the quadratic model.

    Parameters
    ----------
    labels : (n, k) array
        Labels of n stars in their own units (K, dex, ...); any number k of labels.
    mean, scale : (k,) arrays
        The model's zero point and unit of each label, in the label's own unit.

    Returns
    -------
    (n, 1 + k + k (k + 1) / 2) array
        With x = (label - mean) / scale, the columns are, in this order: 1; x_1 ... x_k; and the
        products x_i x_j, each pair once, i <= j: x_1 x_1, x_1 x_2, ... x_1 x_k, x_2 x_2, ...

    Notes
    -----
    Ness et al. (2015), Equation 8.
    """
    ### BEGIN SOLUTION
    x = (np.asarray(labels) - mean) / scale
    i, j = np.triu_indices(x.shape[1])
    return np.column_stack([np.ones(len(x)), x, x[:, i] * x[:, j]])
    ### END SOLUTION


# %% test="design_matrix" points=2
from helpers import checks


@checks.run
def test_design_matrix():
    import numpy as np

    build = checks.submitted("design_matrix")
    labels = np.random.default_rng(1).normal(size=(7, 5))
    X = checks.array(build(labels, np.zeros(5), np.ones(5)))
    checks.that(X.ndim == 2 and len(X) == 7, "one row for each star, please")
    checks.that(
        X.shape[1] == 21,
        f"your design matrix has {X.shape[1]} columns, 21 expected for five labels: is the "
        "constant there, is every pair there once, are the squares there?",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_design_matrix_columns():
    import numpy as np

    build = checks.submitted("design_matrix")
    rng = np.random.default_rng(2)
    for k in (1, 3, 5, 7):
        x = rng.normal(size=(9, k))
        X = checks.array(build(x, np.zeros(k), np.ones(k)), (9, 1 + k + k * (k + 1) // 2))
        wanted = [np.ones(9), *x.T]
        wanted += [x[:, i] * x[:, j] for i in range(k) for j in range(i, k)]
        checks.close(
            X,
            np.stack(wanted, axis=1),
            atol=1e-4,
            hint="a column is not what it should be, or not where the docstring puts it",
        )


### END HIDDEN TESTS

# %% test="design_matrix.scaling" points=2
from helpers import checks


@checks.run
def test_design_matrix_scaling():
    import numpy as np

    build = checks.submitted("design_matrix")
    mean, scale = np.array([4700.0, 2.4]), np.array([250.0, 0.5])
    X = checks.array(build(mean[None], mean, scale), (1, 6))
    checks.close(
        X[0],
        [1, 0, 0, 0, 0, 0],
        atol=1e-4,
        hint="a star whose labels are the mean should have x = 0: use the mean and scale you are "
        "given, not those of the stars at hand",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_design_matrix_scaling_hidden():
    import numpy as np

    build = checks.submitted("design_matrix")
    rng = np.random.default_rng(3)
    mean, scale = rng.normal([4700, 2.4, -0.2], 0.1), rng.uniform(0.5, 2, 3) * [250, 0.5, 0.2]
    x = rng.normal(size=(20, 3))
    X = checks.array(build(mean + scale * x, mean, scale), (20, 10))
    checks.close(X[:, 1:4], x, atol=1e-4, hint="x should be (label - mean) / scale")
    # the same stars alone and in company give the same rows
    alone = checks.array(build((mean + scale * x)[5:6], mean, scale), (1, 10))
    checks.close(
        alone, X[5:6], atol=1e-4, hint="a star's row depends on which other stars are given"
    )
    kelvin = np.array([1e-3, 1.0, 1.0])
    other = checks.array(build((mean + scale * x) * kelvin, mean * kelvin, scale * kelvin))
    checks.close(other, X, atol=1e-4, hint="the matrix changes when temperatures are given in kK")


### END HIDDEN TESTS

# %% [markdown]
# ### Question 3 · Why it is linear
#
# **Explain:** let $\mathbf{f}_\lambda$ hold the normalised flux of all training stars in one pixel.
# Show that *at a fixed intrinsic scatter* $s_\lambda^2$ the best model is the solution of a linear
# problem $\mathbf{X}\boldsymbol\theta_\lambda = \mathbf{f}_\lambda$, though the model is quadratic
# in the labels. What is $\mathbf{X}$, and why is it the same for all pixels? How many numbers are
# in $\boldsymbol\theta_\lambda$ for five labels, and for $k$? How many free parameters does the
# whole spectral model have on 8575 pixels? (Ness et al. 2015, Equation 8. About ten lines.)

# %% [markdown] explain="linear" points=4
# The model of the flux is $f_{n} = \theta_0 + \sum_i \theta_i x_{ni} + \sum_{i\le j}\theta_{ij}
# x_{ni}x_{nj}$ plus noise. It is quadratic in the labels, but the labels are *known* in training;
# what we look for are the $\theta$, and each of them appears once, to the first power. So the
# model is $\mathbf{X}\boldsymbol\theta$, where row $n$ of $\mathbf{X}$ holds
# $(1, x_{n1},\dots,x_{n5}, x_{n1}^2, x_{n1}x_{n2},\dots,x_{n5}^2)$.
#
# The noise of star $n$ is Gaussian with variance $\sigma_n^2+s^2$. With $s^2$ fixed these are known
# numbers, the logarithm in the likelihood is a constant, and maximising the likelihood means
# minimising $\chi^2=\sum_n (f_n-\mathbf{X}_n\boldsymbol\theta)^2/(\sigma_n^2+s^2)$: weighted linear
# least squares, with the one solution of the normal equations
# $\mathbf{X}^T\mathbf{W}\mathbf{X}\,\boldsymbol\theta=\mathbf{X}^T\mathbf{W}\mathbf{f}$,
# $\mathbf{W}=\mathrm{diag}\,1/(\sigma_n^2+s^2)$.
#
# $\mathbf{X}$ knows only the labels of the stars and nothing of the wavelength, so it is the same
# for every pixel. (The weights differ from pixel to pixel.)
#
# $\boldsymbol\theta$ holds 1 constant + 5 linear + 15 quadratic terms (5 squares and 10 products)
# = 21 numbers; for $k$ labels $1+k+k(k+1)/2=(k+1)(k+2)/2$. With $s^2$ each pixel has 22 free
# parameters: $22\times 8575 = 188\,650$ in all (158 708 on the 7214 pixels that have light).
#
# **Rubric**
# - (1) Linear because the unknowns are the coefficients, not the labels; says what a row of X is.
# - (1) At fixed scatter the variances are known, the ln term is constant, so maximum likelihood is
#   weighted least squares (normal equations or equivalent).
# - (1) X depends on labels only, hence the same for all pixels.
# - (1) 21 (with the count), and 22 per pixel with the scatter: 188 650 (or the count on the pixels
#   in use).

# %% [markdown]
# ## 3. The coefficients at a given scatter
#
# The flux of a star in a pixel differs from the model for two reasons: noise, with the variance
# $\sigma_n^2$ that the error array gives, and whatever the five labels do not explain, with an
# *intrinsic* variance $s^2$ that is the pixel's own. The variance of the difference is
# $\sigma_n^2+s^2$. Suppose for now that somebody tells you $s^2$.
#
# ### Question 4 · Weighted least squares
#
# Write `solve_pixel`. A star whose pixel is bad has an error of 1e10: if you weight rightly, it
# takes care of itself.


# %% solution="solve_pixel"
def solve_pixel(X, flux, error, s2):
    """Find the best coefficients of one pixel at a given intrinsic scatter.

    Parameters
    ----------
    X : (n, m) array
        Design matrix: one row per star.
    flux, error : (n,) arrays
        Normalised flux of the pixel in each star and its one-sigma error; 1e10 where bad.
    s2 : float
        Intrinsic variance of the pixel, in units of flux squared; zero or more.

    Returns
    -------
    (m,) array
        The coefficients that maximise the likelihood at this ``s2``.
    """
    ### BEGIN SOLUTION
    weight = 1 / (error.astype(float) ** 2 + s2)
    weighted = X * weight[:, None]
    return np.linalg.solve(X.T @ weighted, weighted.T @ flux)
    ### END SOLUTION


# %% test="solve_pixel" points=2
from helpers import checks


@checks.run
def test_solve_pixel():
    import numpy as np

    solve = checks.submitted("solve_pixel")
    rng = np.random.default_rng(4)
    X = np.column_stack([np.ones(50), rng.normal(size=(50, 2))])
    theta = np.array([0.9, 0.02, -0.03])
    found = checks.array(solve(X, X @ theta, np.full(50, 0.01), 1e-4), (3,))
    checks.close(
        found, theta, atol=1e-4, hint="fluxes exactly on the model do not give its coefficients"
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_solve_pixel_bad():
    import numpy as np

    solve = checks.submitted("solve_pixel")
    rng = np.random.default_rng(5)
    X = np.column_stack([np.ones(80), rng.normal(size=(80, 4))])
    theta = rng.normal([0.9, 0, 0, 0, 0], 0.05)
    flux, error = X @ theta, rng.uniform(0.002, 0.02, 80)
    bad = rng.choice(80, 25, replace=False)
    flux[bad], error[bad] = 1.0, 1e10
    for s2 in (0.0, 1e-4):
        found = checks.array(solve(X, flux, error, s2), (5,))
        checks.close(found, theta, atol=1e-4, hint="stars whose pixel is bad still pull the fit")


### END HIDDEN TESTS

# %% test="solve_pixel.weights" points=3
from helpers import checks


@checks.run
def test_solve_pixel_weights():
    import numpy as np

    solve = checks.submitted("solve_pixel")
    X = np.ones((40, 1))
    first = np.arange(40) < 20
    flux, error = np.where(first, 0.8, 0.9), np.where(first, 0.001, 0.1)
    value = checks.array(solve(X, flux, error, 0.0), (1,))
    checks.close(
        value,
        [0.8],
        atol=0.001,
        hint="stars with errors a hundred times larger pull as hard as the others",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_solve_pixel_weights_hidden():
    import numpy as np

    solve = checks.submitted("solve_pixel")
    rng = np.random.default_rng(6)
    for s2 in (0.0, 3e-5, 2e-3):
        X = np.column_stack([np.ones(60), rng.normal(size=(60, 2))])
        error = 10 ** rng.uniform(-3, -1, 60)
        flux = rng.normal(0.9 + 0.02 * X[:, 1], np.sqrt(error**2 + s2))
        root = 1 / np.sqrt(error**2 + s2)
        best = np.linalg.lstsq(X * root[:, None], flux * root, rcond=None)[0]
        found = checks.array(solve(X, flux, error, s2), (3,))
        checks.close(
            found,
            best,
            atol=3e-5,
            hint="these are not the coefficients of greatest likelihood: what is the variance of "
            "a star's flux about the model, and how does it enter the weights?",
        )


### END HIDDEN TESTS

# %% [markdown]
# ## 4. How much scatter?
#
# Nobody tells you $s^2$, and $\chi^2$ cannot: it always falls when the variance grows. The
# likelihood knows better. For a Gaussian of variance $\sigma_n^2+s^2$,
#
# $$\ln L(\boldsymbol\theta, s^2) = -\frac12\sum_n\left[
# \frac{(f_n-\mathbf{X}_n\boldsymbol\theta)^2}{\sigma_n^2+s^2} + \ln(\sigma_n^2+s^2)\right]
# + \text{constant} ,$$
#
# and the second term punishes a model that explains everything by scatter.
#
# ### Question 5 · The likelihood
#
# Write `ln_likelihood`. The constant is yours to choose; differences are what counts. Mind the
# signs and the halves: half of the mistakes in this lab are made here.


# %% solution="ln_likelihood"
def ln_likelihood(X, theta, flux, error, s2):
    """Return the log-likelihood of one pixel's coefficients and scatter.

    Parameters
    ----------
    X : (n, m) array
        Design matrix.
    theta : (m,) array
        Coefficients.
    flux, error : (n,) arrays
        Normalised flux of the pixel in each star and its one-sigma error.
    s2 : float
        Intrinsic variance, zero or more.

    Returns
    -------
    float
        Natural logarithm of the likelihood, up to a constant that depends neither on ``theta``
        nor on ``s2``.

    Notes
    -----
    Ness et al. (2015); step 6 (b) of the course sheet.
    """
    ### BEGIN SOLUTION
    variance = error.astype(float) ** 2 + s2
    return float(-0.5 * np.sum((flux - X @ theta) ** 2 / variance + np.log(variance)))
    ### END SOLUTION


# %% test="ln_likelihood" points=2
from helpers import checks


@checks.run
def test_ln_likelihood():
    import numpy as np

    ln_likelihood = checks.submitted("ln_likelihood")
    X, flux, error = np.ones((50, 1)), np.full(50, 0.9), np.full(50, 0.01)
    right = checks.number(ln_likelihood(X, np.array([0.9]), flux, error, 1e-4))
    wrong = checks.number(ln_likelihood(X, np.array([0.8]), flux, error, 1e-4))
    checks.that(right > wrong, "a model that is far off is more likely than one that fits")


### BEGIN HIDDEN TESTS
@checks.run
def test_ln_likelihood_theta():
    import numpy as np

    ln_likelihood = checks.submitted("ln_likelihood")
    rng = np.random.default_rng(7)
    X = np.column_stack([np.ones(70), rng.normal(size=70)])
    error = rng.uniform(0.003, 0.03, 70)
    flux = rng.normal(0.9, 0.02, 70)
    # the coefficients' own size depends on the unit of the columns and means nothing
    for s2, unit in ((0.0, 1.0), (4e-4, 1.0), (4e-4, 0.01)):
        values = []
        X = X * unit
        for theta in (np.array([0.9, 0.0]) / unit, np.array([0.91, 0.01]) / unit):
            chi2 = np.sum((flux - X @ theta) ** 2 / (error**2 + s2))
            values.append((checks.number(ln_likelihood(X, theta, flux, error, s2)), -chi2 / 2))
        (a, wanted_a), (b, wanted_b) = values
        checks.close(
            a - b,
            wanted_a - wanted_b,
            atol=1e-2,
            hint="at fixed scatter two models should differ by half the difference of their "
            "chi-squared, with the full variance in it",
        )


### END HIDDEN TESTS

# %% test="ln_likelihood.scatter" points=3
from helpers import checks


@checks.run
def test_ln_likelihood_scatter():
    import numpy as np

    ln_likelihood = checks.submitted("ln_likelihood")
    rng = np.random.default_rng(8)
    X, theta = np.ones((400, 1)), np.array([0.9])
    flux, error = rng.normal(0.9, 0.05, 400), np.full(400, 0.03)
    little, true, much = (
        checks.number(ln_likelihood(X, theta, flux, error, s**2)) for s in (0.0, 0.04, 0.5)
    )
    checks.that(true > little, "too small a scatter is likelier than the true one")
    checks.that(
        true > much,
        "an absurdly large scatter is likelier than the true one: which term should prevent it?",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_ln_likelihood_scatter_hidden():
    import numpy as np
    from scipy.stats import norm

    ln_likelihood = checks.submitted("ln_likelihood")
    rng = np.random.default_rng(9)
    X = np.column_stack([np.ones(60), rng.normal(size=60)])
    theta = np.array([0.85, 0.03])
    error = 10 ** rng.uniform(-3, -1, 60)
    flux = rng.normal(X @ theta, np.hypot(error, 0.02))
    reference = None
    for s2 in (0.0, 1e-5, 4e-4, 1e-2, 1.0):
        wanted = norm.logpdf(flux, X @ theta, np.sqrt(error**2 + s2)).sum()
        offset = checks.number(ln_likelihood(X, theta, flux, error, s2)) - wanted
        reference = offset if reference is None else reference
        checks.close(
            offset,
            reference,
            atol=2e-2,
            hint="compared with the product of Gaussians, yours changes with the scatter: look at "
            "the sign and the factor of the logarithm",
        )


### END HIDDEN TESTS

# %% [markdown]
# Look at it for a few pixels. At each $s^2$ the coefficients are the best for *that* $s^2$; what
# you see is called the profile likelihood.

# %%
X = np.asarray(design_matrix(labels[training], mean, scale))
trial_s2 = np.concatenate([[0.0], np.logspace(-8, -2, 61)])
shown = [
    int(np.argmin(abs(wavelength - at))) for at in (15753.3, 15892.8, 16400.0, 16685.4, 16797.0)
]
with plots.style():
    figure, axis = plt.subplots(figsize=(7, 3.8))
    for pixel, colour in zip(
        shown, ("blue", "vermilion", "green", "orange", "purple"), strict=True
    ):
        f, e = flux[training, pixel].astype(float), error[training, pixel].astype(float)
        profile = np.array(
            [ln_likelihood(X, solve_pixel(X, f, e, s2), f, e, s2) for s2 in trial_s2]
        )
        best = np.argmax(profile)
        axis.plot(
            np.sqrt(trial_s2[1:]),
            profile[1:] - profile.max(),
            color=plots.COLOURS[colour],
            label=f"{wavelength[pixel]:.1f} Å: s = {np.sqrt(trial_s2[best]):.4f}",
        )
        axis.plot(
            np.sqrt(max(trial_s2[best], 1e-8)), 0, "o", color=plots.COLOURS[colour], clip_on=False
        )
    axis.set_xscale("log")
    axis.set_ylim(-60, 3)
    axis.set_xlabel("intrinsic scatter s / continuum")
    axis.set_ylabel("ln L - greatest ln L")
    axis.set_title(f"Profile likelihood of five pixels ({source})", fontsize=9)
    axis.legend(fontsize=8)
plots.show(
    figure,
    alt="Profile log-likelihood against intrinsic scatter for five pixels: each curve has one "
    "maximum between a tenth of a per cent and a few per cent, and falls steeply to either side.",
)

# %% [markdown]
# The curves are a few tens of per cent wide in $s$. (The theory of maximum likelihood says: about
# $\sqrt{2/n}$ in $\ln s^2$ when the scatter dominates, 5 % for 900 stars.) A grid must be finer
# than that, and long enough to hold every pixel's optimum. And there are pixels whose spectra
# scatter *less* than their errors say: for these $s^2=0$ is the best there is. Zero is a legitimate
# answer, at the boundary of what is allowed. A logarithmic grid does not contain it unless you put
# it there.
#
# ### Question 6 · The best scatter of one pixel
#
# Write `train_pixel`: try a grid of $s^2$, solve for the coefficients at each, and return the pair
# with the greatest likelihood. One grid that is both long and fine is expensive; a coarse one
# followed by a fine one around its best point is not. (Or refine in any way you like.) Beware of
# likelihoods with two maxima: look everywhere before you look closely.


# %% solution="train_pixel" seconds=20
def train_pixel(X, flux, error):
    """Find the coefficients and the intrinsic scatter of one pixel by maximum likelihood.

    Parameters
    ----------
    X : (n, m) array
        Design matrix of the training stars.
    flux, error : (n,) arrays
        Normalised flux of the pixel in each star and its one-sigma error (1e-4 or more; 1e10
        where bad).

    Returns
    -------
    theta : (m,) array
    s2 : float
        From zero to one. Their likelihood is the greatest over all ``theta`` and ``s2`` to
        within 0.5 in ln L (that is, within about one standard error of ``s2``).
    """
    ### BEGIN SOLUTION
    flux, error = np.asarray(flux, dtype=float), np.asarray(error, dtype=float)

    def best_of(grid):
        thetas = [solve_pixel(X, flux, error, s2) for s2 in grid]
        values = [
            ln_likelihood(X, theta, flux, error, s2) for theta, s2 in zip(thetas, grid, strict=True)
        ]
        k = int(np.argmax(values))
        return thetas[k], float(grid[k]), k

    coarse = np.concatenate([[0.0], np.logspace(-10, 0, 41)])
    _, _, k = best_of(coarse)
    # around the best coarse point; the grid's zero stays zero
    low, high = coarse[max(k - 1, 0)], coarse[min(k + 1, len(coarse) - 1)]
    fine = np.concatenate([[coarse[k]], np.linspace(low, high, 41)])
    theta, s2, _ = best_of(fine)
    return theta, s2
    ### END SOLUTION


# %% test="train_pixel" points=2
from helpers import checks


@checks.run
def test_train_pixel():
    import numpy as np

    rng = np.random.default_rng(10)
    X = np.column_stack([np.ones(200), rng.normal(size=(200, 2))])
    flux = rng.normal(X @ [0.9, 0.02, -0.01], np.hypot(0.01, 0.03))
    result = checks.submitted("train_pixel")(X, flux, np.full(200, 0.01))
    checks.that(
        type(result) in (tuple, list) and len(result) == 2, "return two things: theta and s2"
    )
    checks.array(result[0], (3,), "theta")
    s2 = checks.number(result[1], "s2")
    checks.that(s2 >= 0, "s2 is a variance and cannot be negative")
    checks.that(0.02**2 < s2 < 0.04**2, "a scatter of 3 % was put in; yours is far from it")


### BEGIN HIDDEN TESTS
@checks.run
def test_train_pixel_optimum():
    import numpy as np

    train_pixel = checks.submitted("train_pixel")
    rng = np.random.default_rng(11)
    grid = np.concatenate([[0.0], np.logspace(-10, 0, 400)])

    def profile(X, flux, error, s2):
        root = 1 / np.sqrt(error**2 + s2)
        theta, *_ = np.linalg.lstsq(X * root[:, None], flux * root, rcond=None)
        return np.sum(np.log(root)) - 0.5 * np.sum(((flux - X @ theta) * root) ** 2)

    for s in (0.0005, 0.004, 0.02, 0.1, 0.5):
        X = np.column_stack([np.ones(150), rng.normal(size=(150, 3))])
        error = 10 ** rng.uniform(-3.5, -1.7, 150)
        flux = rng.normal(X @ [0.9, 0.05, -0.03, 0.01], np.hypot(error, s))
        theta, s2 = train_pixel(X, flux, error)
        theta, s2 = checks.array(theta, (4,), "theta"), checks.number(s2, "s2")
        checks.that(s2 >= 0, "s2 is a variance and cannot be negative")
        best = max(profile(X, flux, error, g) for g in grid)
        variance = error**2 + s2
        reached = -0.5 * np.sum((flux - X @ theta) ** 2 / variance + np.log(variance))
        checks.that(
            bool(reached > best - 0.5),
            "there are coefficients and a scatter of far greater likelihood than yours: is your "
            "grid long enough, at either end, and fine enough?",
        )


### END HIDDEN TESTS

# %% test="train_pixel.boundary" points=2
from helpers import checks


@checks.run
def test_train_pixel_boundary():
    import numpy as np

    rng = np.random.default_rng(12)
    X = np.column_stack([np.ones(200), rng.normal(size=(200, 2))])
    # errors twice as large as the noise: there is no room for any scatter; a third: there is
    flux = rng.normal(X @ [0.9, 0.02, -0.01], 0.005)
    (_, none), (_, some) = (
        checks.submitted("train_pixel")(X, flux, np.full(200, error)) for error in (0.01, 0.0017)
    )
    checks.that(
        checks.number(none, "s2") < 0.003**2,
        "a pixel that scatters less than its errors has no intrinsic scatter",
    )
    checks.that(
        checks.number(some, "s2") > 0.003**2,
        "a pixel that scatters three times more than its errors has an intrinsic scatter",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_train_pixel_boundary_hidden():
    import numpy as np

    train_pixel = checks.submitted("train_pixel")
    rng = np.random.default_rng(13)
    for sigma in (0.0003, 0.02):
        X = np.column_stack([np.ones(120), rng.normal(size=(120, 2))])
        error = sigma * rng.uniform(0.7, 1.5, 120)
        flux = rng.normal(X @ [0.9, 0.02, -0.01], 0.5 * error)
        theta, s2 = train_pixel(X, flux, error)
        s2 = checks.number(s2, "s2")
        # d lnL/d s2 at zero, over the variance itself: one percent of it costs less than 0.5
        checks.that(
            0 <= s2 < 0.02 * sigma**2,
            "where the greatest likelihood is at zero scatter, zero is the answer",
        )
        best = np.linalg.lstsq(X / error[:, None], flux / error, rcond=None)[0]
        checks.close(theta, best, atol=0.05 * sigma, hint="the coefficients do not belong to s2")


### END HIDDEN TESTS

# %% test="train_pixel.global" points=1
from helpers import checks


@checks.run
def test_train_pixel_global():
    import numpy as np

    train_pixel = checks.submitted("train_pixel")
    rng = np.random.default_rng(14)
    for _ in range(3):
        # a few excellent spectra that happen to agree, and many poor ones that do not
        X = np.ones((300, 1))
        poor = np.arange(300) >= 100
        error = np.where(poor, 0.02, 0.001)
        flux = rng.normal(0.9, np.where(poor, 0.1, 0.0005))
        theta, s2 = train_pixel(X, flux, error)
        checks.that(
            bool(0.03**2 < checks.number(s2, "s2") < 0.2**2),
            "this likelihood has two maxima, and yours is not the higher one",
        )
        checks.close(theta, [0.9], atol=0.05, hint="theta is not near the mean flux")
        _, s2 = train_pixel(X[:100], flux[:100], error[:100])
        checks.that(
            checks.number(s2, "s2") < 0.001**2,
            "the hundred excellent spectra alone agree within their errors: no scatter there",
        )


# %% [markdown]
# ## 5. All pixels
#
# The plain way is a loop over the pixels with a progress bar. On the whole survey it takes some
# minutes; have a coffee, or **make it fast**. What follows is for those who want to; a loop that
# calls `train_pixel` earns full marks.
#
# * *Where the time goes.* For every $s^2$ and pixel you form the $21\times21$ matrix
#   $\mathbf{X}^T\mathbf{W}\mathbf{X}$. Its elements are $\sum_n w_n X_{ni}X_{nj}$: sums over stars
#   of a weight, which differs from pixel to pixel, times a product of two columns, which does
#   *not*. Compute the 231 different products of columns once, $(\text{stars}\times231)$. Then the
#   matrices of all pixels come from **one matrix product** of weights $(\text{pixels}\times
#   \text{stars})$ with it. Nothing in numerical computing is faster than a large matrix product.
# * *Fewer trials.* The slope of the profile likelihood has a closed form,
#   $\frac12\sum_n(w_n^2r_n^2-w_n)$ with $w_n=1/(\sigma_n^2+s^2)$ and residuals $r_n$, because at
#   the best $\boldsymbol\theta$ the coefficients' own slope vanishes. Look for its zero by
#   **Newton's method**, starting at $s^2=0$: if the slope is negative there, zero is the optimum
#   and the pixel is done. Multiplied by the square of a typical variance, the slope is nearly a
#   straight line in $s^2$ and Newton needs four or five steps instead of eighty. Keep a bracket
#   around the zero, and halve it when Newton jumps out.
# * *Trust, but verify.* Newton finds *a* maximum. Where it says zero, ask at a few larger values
#   whether the likelihood rises again.
# * *When is it accurate enough?* Measure the error of $s^2$ in units of its own standard error,
#   not as a fraction: a pixel whose best $s^2$ is $10^{-9}\pm10^{-6}$ need not be known to 1 %.
#
# ### Question 7 · Train the model
#
# Write `train`. A pixel with fewer good stars than twice the number of coefficients cannot be
# trained: give it a flux of 1, whatever the labels, and a scatter so large that nobody listens to
# it.


# %% solution="train" seconds=60
def train(X, flux, error):
    """Train every pixel of the spectral model.

    Parameters
    ----------
    X : (n, m) array
        Design matrix of the training stars.
    flux, error : (n, pixels) arrays
        Normalised flux and one-sigma error of the training stars; error 1e10 where bad.

    Returns
    -------
    coefficients : (m, pixels) array
    s2 : (pixels,) array
        For each pixel what `train_pixel` would return. Where fewer than 2 m stars have an error
        below 1e9: coefficients 1, 0, 0, ... and s2 = 1e20.
    """
    ### BEGIN SOLUTION
    n, m = X.shape
    coefficients, s2 = np.zeros((m, flux.shape[1])), np.full(flux.shape[1], BAD_ERROR**2)
    coefficients[0] = 1
    usable = np.flatnonzero((error < BAD_LIMIT).sum(axis=0) >= 2 * m)
    products, work = pair_products(X), np.empty((2, BLOCK, n))
    for start in range(0, len(usable), BLOCK):
        pixels = usable[start : start + BLOCK]
        f = np.ascontiguousarray(flux[:, pixels].T, dtype=float)
        variance = np.ascontiguousarray(error[:, pixels].T, dtype=float) ** 2
        theta, s2[pixels] = maximise(X, products, f, variance, work)
        coefficients[:, pixels] = theta.T
    return coefficients, s2


BLOCK = 512  # pixels at a time: their weights stay in the processor's cache and in little memory


def pair_products(columns):
    """Multiply every column with itself and those before it: (n, m) -> (n, m (m + 1) / 2)."""
    i, j = np.tril_indices(columns.shape[1])
    return columns[:, i] * columns[:, j]


def maximise(X, products, flux, variance, work):
    """Newton's method on the profile likelihood of all pixels (rows) of a block at once."""
    s2 = np.zeros(len(flux))
    theta = np.empty((len(flux), X.shape[1]))
    low, high = np.zeros(len(flux)), np.full(len(flux), np.inf)
    active = np.arange(len(flux))
    for _ in range(60):
        here = s2[active]
        f, v = (a if len(active) == len(a) else a[active] for a in (flux, variance))
        theta[active], slope, curvature, typical = profile_slope(here, X, products, f, v, work)
        rising = slope > 0
        low[active] = np.where(rising, here, low[active])
        high[active] = np.where(rising, high[active], here)
        # Newton on slope x (typical variance)^2, which is nearly linear in s2
        rate = typical**2 * curvature + 2 * typical * slope
        with np.errstate(divide="ignore", invalid="ignore"):
            new = np.where(rate < 0, here - slope * typical**2 / rate, np.inf)
        a, b = low[active], high[active]
        middle = np.where(np.isfinite(b), (a + b) / 2, 4 * a + typical)
        new = np.where((new > a) & (new < b), new, middle)
        at_zero = ~rising & (here == 0)
        s2[active] = np.where(at_zero, 0, new)
        done = at_zero | (np.abs(new - here) <= 3e-3 * (new + 1e-2 * typical))
        active = active[~done]
        if not len(active):
            break
    # where zero is a maximum, the likelihood may still rise to a greater one farther out
    zero = np.flatnonzero(s2 == 0)
    for trial in (1e-5, 1e-3, 1e-1):
        slope = profile_slope(
            np.full(len(zero), trial), X, products, flux[zero], variance[zero], work
        )[1]
        for pixel in zero[slope > 0]:
            theta[pixel], s2[pixel] = train_pixel(X, flux[pixel], np.sqrt(variance[pixel]))
    return theta, s2


def profile_slope(s2, X, products, flux, variance, work):
    """Best coefficients at s2, slope and curvature of ln L there, and a typical variance."""
    size, m = len(flux), X.shape[1]
    weight, residual = work[0][:size], work[1][:size]
    np.reciprocal(np.add(variance, s2[:, None], out=weight), out=weight)
    matrix = np.zeros((size, m, m))
    i, j = np.tril_indices(m)
    matrix[:, i, j] = weight @ products
    factor = np.linalg.cholesky(matrix)
    theta = backward(factor, forward(factor, np.multiply(weight, flux, out=residual) @ X))
    np.subtract(flux, np.matmul(theta, X.T, out=residual), out=residual)
    residual *= weight  # w r
    squares = np.vecdot(weight, weight)
    slope = (np.vecdot(residual, residual) - weight.sum(axis=1)) / 2
    weight *= residual  # w^2 r
    coupling = forward(factor, weight @ X)  # the coefficients move with s2
    curvature = squares / 2 - np.vecdot(weight, residual) + np.vecdot(coupling, coupling)
    return theta, slope, curvature, np.sqrt(flux.shape[1] / squares)


def forward(factor, b):
    """Solve L y = b for many lower triangular L (size, m, m) at once."""
    y = np.empty_like(b)
    for k in range(b.shape[1]):
        y[:, k] = (b[:, k] - np.vecdot(factor[:, k, :k], y[:, :k])) / factor[:, k, k]
    return y


def backward(factor, y):
    """Solve L^T x = y for many lower triangular L at once."""
    x = np.empty_like(y)
    for k in reversed(range(y.shape[1])):
        later = np.vecdot(factor[:, k + 1 :, k], x[:, k + 1 :])
        x[:, k] = (y[:, k] - later) / factor[:, k, k]
    return x
    ### END SOLUTION


# %% test="train" points=2
from helpers import checks


@checks.run
def test_train():
    import numpy as np

    rng = np.random.default_rng(15)
    X = np.column_stack([np.ones(120), rng.normal(size=(120, 2))])
    truth = np.array([[0.9, 0.8], [0.02, -0.05], [0.0, 0.03]])
    flux = rng.normal(X @ truth, 0.02)
    result = checks.submitted("train")(X, flux, np.full((120, 2), 0.02))
    checks.that(
        type(result) in (tuple, list) and len(result) == 2,
        "return two arrays: the coefficients and s2",
    )
    coefficients = checks.array(result[0], (3, 2), "the coefficients")
    checks.array(result[1], (2,), "s2")
    checks.close(
        coefficients, truth, atol=0.01, hint="the coefficients are not those put in: check the axes"
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_train_optimum():
    import numpy as np

    rng = np.random.default_rng(16)
    n, m, pixels = 160, 6, 24
    x = rng.normal(size=(n, 2))
    X = np.column_stack([np.ones(n), x, x[:, 0] ** 2, x[:, 0] * x[:, 1], x[:, 1] ** 2])
    error = 10 ** rng.uniform(-2.7, -1.7, (n, pixels))
    s = np.where(np.arange(pixels) % 3 == 0, 0.0, 10 ** rng.uniform(-3, -1, pixels))
    shrink = np.where(np.arange(pixels) % 6 == 0, 0.6, 1.0)
    truth = rng.normal(0, 0.02, (m, pixels))
    flux = rng.normal(X @ truth + 0.9, np.hypot(error, s) * shrink)
    # a likelihood with two maxima: excellent spectra that agree, poor ones that do not
    error[:, 5] = np.where(np.arange(n) < 60, 0.001, 0.02)
    flux[:, 5] = rng.normal(X @ truth[:, 5] + 0.9, np.where(np.arange(n) < 60, 0.0005, 0.1))
    bad = rng.uniform(size=(n, pixels)) < 0.15
    flux[bad], error[bad] = 1.0, 1e10
    coefficients, s2 = checks.submitted("train")(X, flux, error)
    coefficients = checks.array(coefficients, (m, pixels), "the coefficients")
    s2 = checks.array(s2, (pixels,), "s2")
    checks.that(bool((s2 >= 0).all()), "s2 is a variance and cannot be negative")
    for p in range(pixels):
        values = []
        for trial in np.concatenate([[0.0], np.logspace(-8, -1, 150)]):
            root = 1 / np.sqrt(error[:, p] ** 2 + trial)
            theta = np.linalg.lstsq(X * root[:, None], flux[:, p] * root, rcond=None)[0]
            chi2 = np.sum(((flux[:, p] - X @ theta) * root) ** 2)
            values.append(np.sum(np.log(root)) - chi2 / 2)
        variance = error[:, p] ** 2 + s2[p]
        chi2 = np.sum((flux[:, p] - X @ coefficients[:, p]) ** 2 / variance)
        reached = -chi2 / 2 - np.sum(np.log(variance)) / 2
        checks.that(
            bool(reached > max(values) - 0.5),
            "some pixels are not at their greatest likelihood: is each trained on its own fluxes "
            "and errors, with the best scatter for itself?",
        )


### END HIDDEN TESTS

# %% test="train.dead" points=2
from helpers import checks


@checks.run
def test_train_dead():
    import numpy as np

    rng = np.random.default_rng(17)
    X = np.column_stack([np.ones(90), rng.normal(size=(90, 2))])
    flux, error = rng.normal(0.9, 0.02, (90, 3)), np.full((90, 3), 0.02)
    flux[:, 1], error[:, 1] = 1.0, 1e10
    coefficients, s2 = checks.submitted("train")(X, flux, error)
    coefficients = checks.array(coefficients, (3, 3), "the coefficients")
    s2 = checks.array(s2, (3,), "s2")
    checks.close(
        coefficients[:, 1], [1, 0, 0], atol=1e-9, hint="a pixel without any good star: flux 1"
    )
    checks.that(bool(s2[1] > 1e18), "a pixel that was not trained should not be listened to")


### BEGIN HIDDEN TESTS
@checks.run
def test_train_dead_hidden():
    import numpy as np

    rng = np.random.default_rng(18)
    X = np.column_stack([np.ones(60), rng.normal(size=(60, 3))])
    flux, error = rng.normal(0.9, 0.02, (60, 6)), np.full((60, 6), 0.02)
    few, enough = rng.permutation(60)[:7], rng.permutation(60)[:8]  # eight is twice four
    for pixel, kept in ((2, few), (4, enough)):
        bad = np.ones(60, dtype=bool)
        bad[kept] = False
        flux[bad, pixel], error[bad, pixel] = 1.0, 1e10
    coefficients, s2 = checks.submitted("train")(X, flux, error)
    coefficients = checks.array(coefficients, (4, 6), "the coefficients")
    s2 = checks.array(s2, (6,), "s2")
    checks.close(
        coefficients[:, 2], [1, 0, 0, 0], atol=1e-9, hint="seven good stars cannot train a pixel"
    )
    checks.close(s2[2] / 1e20, 1.0, atol=1e-6, hint="s2 of an untrained pixel should be 1e20")
    checks.that(
        bool((s2[[0, 1, 3, 4, 5]] < 1).all()), "a pixel with enough good stars was not trained"
    )


### END HIDDEN TESTS

# %%
started = time.process_time()
coefficients, s2 = map(np.asarray, train(X, flux[training], error[training]))
seconds_train = time.process_time() - started
is_alive = s2 < 1
print(
    f"trained {is_alive.sum()} pixels on {len(training)} stars in {seconds_train:.1f} CPU seconds"
)
print(f"in {np.sum(s2 == 0)} of them the best scatter is exactly zero")

# a look at some pixels the plain way: is the same optimum found, in units of its own error?
some = np.random.default_rng(19).choice(np.flatnonzero(is_alive), 40, replace=False)
started = time.process_time()
plain = [train_pixel(X, flux[training, p], error[training, p]) for p in tqdm(some, leave=False)]
seconds_plain = (time.process_time() - started) / len(some) * is_alive.sum()
gain = []
for p, (theta, scatter2) in zip(some, plain, strict=True):
    f, e = flux[training, p].astype(float), error[training, p].astype(float)
    gain.append(
        ln_likelihood(X, coefficients[:, p], f, e, s2[p]) - ln_likelihood(X, theta, f, e, scatter2)
    )
print(f"a loop over train_pixel would take {seconds_plain:.0f} s")
print(f"ln L of train minus that of train_pixel: {min(gain):+.4f} to {max(gain):+.4f}")

# %% [markdown]
# Differences of ln L far below 0.5 mean nothing: both ways find the same optimum.
#
# ## 6. From labels to a spectrum
#
# ### Question 8 · Prediction
#
# Write `predict`: it takes labels in their own units and returns spectra. Remember whose mean and
# scale the model was trained with.


# %% solution="predict"
def predict(labels, coefficients, mean, scale):
    """Predict normalised spectra from labels.

    Parameters
    ----------
    labels : (n, k) array
        Labels in their own units (K, dex, ...).
    coefficients : (m, pixels) array
        In the order of the columns of `design_matrix`.
    mean, scale : (k,) arrays
        The labels' zero point and unit with which the model was trained.

    Returns
    -------
    (n, pixels) array
        Flux relative to the pseudo-continuum.
    """
    ### BEGIN SOLUTION
    return design_matrix(labels, mean, scale) @ coefficients
    ### END SOLUTION


# %% test="predict" points=2
from helpers import checks


@checks.run
def test_predict():
    import numpy as np

    rng = np.random.default_rng(20)
    mean, scale = np.array([4700.0, 2.4]), np.array([250.0, 0.5])
    coefficients = rng.normal(0, 0.02, (6, 30))
    coefficients[0] = 0.9
    flux = checks.submitted("predict")(mean[None], coefficients, mean, scale)
    flux = checks.array(flux, (1, 30))
    checks.close(
        flux[0],
        coefficients[0],
        atol=1e-5,
        hint="at the mean labels only the constant term should be left",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_predict_hidden():
    import numpy as np

    predict = checks.submitted("predict")
    rng = np.random.default_rng(21)
    for k in (2, 5):
        mean = np.array([4700.0, 2.4, -0.2, 0.05, 0.2])[:k]
        scale = np.array([260.0, 0.6, 0.2, 0.1, 0.1])[:k]
        coefficients = rng.normal(0, 0.03, (1 + k + k * (k + 1) // 2, 40))
        x = rng.normal(0, 2.5, size=(8, k))
        wanted = coefficients[0] + x @ coefficients[1 : k + 1]
        row = k + 1
        for i in range(k):
            for j in range(i, k):
                wanted = wanted + (x[:, i] * x[:, j])[:, None] * coefficients[row]
                row += 1
        flux = checks.array(predict(mean + scale * x, coefficients, mean, scale), (8, 40))
        checks.close(flux, wanted, atol=1e-4, hint="the predicted spectra are not the model's")


### END HIDDEN TESTS

# %% test="predict.alone" points=1
from helpers import checks


@checks.run
def test_predict_alone():
    import numpy as np

    predict = checks.submitted("predict")
    rng = np.random.default_rng(22)
    mean, scale = np.array([4700.0, 2.4, -0.2]), np.array([250.0, 0.5, 0.2])
    coefficients = rng.normal(0, 0.03, (10, 25))
    labels = mean + scale * rng.normal(size=(6, 3))
    together = checks.array(predict(labels, coefficients, mean, scale), (6, 25))
    checks.that(
        bool(together.std(axis=0).min() > 1e-3), "stars of different labels get the same spectrum"
    )
    for n in (0, 4):
        alone = checks.array(predict(labels[n : n + 1], coefficients, mean, scale), (1, 25))
        checks.close(
            alone[0],
            together[n],
            atol=1e-5,
            hint="a star's predicted spectrum depends on which other stars are predicted with it",
        )


# %% [markdown]
# The course sheet asks to look at star **2M03533659+2512012** between 16 000 and 16 100 Å: data and
# model should be almost identical. If they are not, go back.

# %%
star = int(np.flatnonzero(names == STAR)[0]) if STAR in names else int(training[0])
predicted = np.asarray(predict(labels[[star]], coefficients, mean, scale)[0])
window = (wavelength > 16000) & (wavelength < 16100)
observed = np.where(error[star] < BAD_LIMIT, flux[star], np.nan)
with plots.style():
    star_figure, (above, below) = plt.subplots(
        2, 1, figsize=(9, 4.6), sharex=True, height_ratios=(3, 1)
    )
    above.plot(wavelength[window], observed[window], lw=2.2, color="0.6", label="observed")
    above.plot(
        wavelength[window],
        predicted[window],
        lw=1.0,
        color=plots.COLOURS["vermilion"],
        label="predicted from its labels",
    )
    above.set_ylabel("normalised flux")
    above.legend(loc="lower left")
    above.set_title(
        f"{names[star]}: {labels[star, 0]:.0f} K, log g {labels[star, 1]:.2f}, "
        f"[Fe/H] {labels[star, 2]:+.2f} ({'training' if is_training[star] else 'cross-validation'}"
        f" set; {source})",
        fontsize=9,
    )
    expected = np.where(
        error[star] < BAD_LIMIT, np.sqrt(error[star].astype(float) ** 2 + s2), np.nan
    )
    below.fill_between(
        wavelength[window],
        -expected[window],
        expected[window],
        color=plots.COLOURS["sky"],
        alpha=0.5,
        lw=0,
        label="one sigma, with scatter",
    )
    below.plot(wavelength[window], (observed - predicted)[window], lw=0.8, color="0.2")
    below.set_ylim(-0.06, 0.06)
    below.set_ylabel("difference")
    below.legend(loc="lower left", fontsize=8)
    below.set_xlabel("vacuum wavelength / Å")
plots.show(
    star_figure,
    alt="Observed and predicted spectrum of the checkpoint star from 16000 to 16100 angstrom, one "
    "on top of the other through some twenty lines; below, their difference stays within the "
    "expected scatter of one or two per cent.",
)
usable = is_alive & (error[star] < BAD_LIMIT)
miss = (flux[star] - predicted)[usable]
print(f"rms difference over {usable.sum()} good pixels: {np.sqrt(np.mean(miss**2)):.4f}")
print(f"in units of the expected scatter: {np.std(miss / expected[usable]):.2f}")

# %% [markdown]
# ## 7. What the model has learnt
#
# Nobody told the model where silicon has its lines. Ask it: how does the flux change if only
# [Si/Fe] does?
#
# ### Question 9 · Gradient spectra
#
# Write `gradient`: $\partial f_\lambda/\partial\ell_i$ at given labels, per kelvin or per dex. It
# follows from the coefficients; no small differences are needed. The squares and the products
# contribute too, away from the mean.


# %% solution="gradient"
def gradient(labels, coefficients, mean, scale):
    """Differentiate the model spectrum with respect to each label.

    Parameters
    ----------
    labels : (k,) array
        Labels of one star, in their own units.
    coefficients : (m, pixels) array
        In the order of the columns of `design_matrix`.
    mean, scale : (k,) arrays
        The labels' zero point and unit with which the model was trained.

    Returns
    -------
    (k, pixels) array
        Derivative of the normalised flux per unit of the label: per K, per dex, ...
    """
    ### BEGIN SOLUTION
    k = len(labels)
    x = (np.asarray(labels) - mean) / scale
    i, j = np.triu_indices(k)
    columns = np.zeros((k, len(coefficients)))  # d(columns of the design matrix) / dx
    columns[:, 1 : k + 1] = np.eye(k)
    for column, (a, b) in enumerate(zip(i, j, strict=True), start=k + 1):
        columns[a, column] += x[b]
        columns[b, column] += x[a]
    return columns @ coefficients / scale[:, None]
    ### END SOLUTION


# %% test="gradient" points=2
from helpers import checks


@checks.run
def test_gradient():
    import numpy as np

    rng = np.random.default_rng(23)
    mean, scale = np.array([4700.0, 2.4, -0.2]), np.array([250.0, 0.5, 0.2])
    coefficients = rng.normal(0, 0.03, (10, 25))
    slope = checks.submitted("gradient")(mean, coefficients, mean, scale)
    slope = checks.array(slope, (3, 25))
    checks.that(
        bool(np.max(np.abs(slope[0])) < 0.01),
        "the flux cannot change that much per kelvin: in which unit is your first gradient?",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_gradient_mean():
    import numpy as np

    rng = np.random.default_rng(24)
    for k in (1, 3, 5):
        mean, scale = rng.normal(size=k), rng.uniform(0.1, 300, k)
        coefficients = rng.normal(0, 0.03, (1 + k + k * (k + 1) // 2, 12))
        slope = checks.submitted("gradient")(mean, coefficients, mean, scale)
        checks.close(
            checks.array(slope, (k, 12)) * scale[:, None],
            coefficients[1 : k + 1],
            atol=3e-3,  # numerical derivatives, one-sided too, come near enough
            hint="at the mean labels the gradient is the linear coefficients, per unit of label",
        )


### END HIDDEN TESTS

# %% test="gradient.quadratic" points=3
from helpers import checks


@checks.run
def test_gradient_quadratic():
    import numpy as np

    gradient = checks.submitted("gradient")
    rng = np.random.default_rng(25)
    mean, scale = np.array([4700.0, 2.4]), np.array([250.0, 0.5])
    coefficients = rng.normal(0, 0.03, (6, 20))
    here = checks.array(gradient(mean, coefficients, mean, scale), (2, 20))
    there = checks.array(gradient(mean + scale, coefficients, mean, scale), (2, 20))
    checks.that(
        not np.allclose(here, there),
        "the gradient is the same for all stars: the model has squares and products too",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_gradient_quadratic_hidden():
    import numpy as np

    gradient = checks.submitted("gradient")
    rng = np.random.default_rng(26)

    def model(x, coefficients):
        i, j = np.triu_indices(len(x))
        return np.concatenate([[1.0], x, x[i] * x[j]]) @ coefficients

    for k in (2, 3, 5):
        mean = np.array([4700.0, 2.4, -0.2, 0.05, 0.2])[:k]
        scale = np.array([260.0, 0.6, 0.2, 0.1, 0.1])[:k]
        coefficients = rng.normal(0, 0.03, (1 + k + k * (k + 1) // 2, 15))
        x = rng.normal(0, 1.5, k)
        slope = checks.array(gradient(mean + scale * x, coefficients, mean, scale), (k, 15))
        step = 0.5 * np.eye(k)  # exact for a quadratic, whatever the step
        wanted = [model(x + d, coefficients) - model(x - d, coefficients) for d in step]
        checks.close(
            slope * scale[:, None],
            np.array(wanted),
            atol=3e-3,
            hint="away from the mean the gradient is not the slope of the model: look at the "
            "squares, and at each product for both of its labels",
        )


### END HIDDEN TESTS

# %%
slopes = np.asarray(gradient(mean, coefficients, mean, scale))
steps = (100.0, 0.1, 0.1, 0.1, 0.1)
with plots.style():
    figure, axes = plt.subplots(len(label_names), 1, figsize=(9.5, 8.5), sharex=True)
    for axis, name, slope, step in zip(axes, label_names, slopes, steps, strict=False):
        shown = np.where(is_alive, slope * step, np.nan)
        axis.plot(wavelength, shown, lw=0.4, color=plots.COLOURS["blue"])
        limit = 1.3 * np.nanpercentile(np.abs(shown), 99.9)
        axis.set_ylim(-limit, limit)
        unit = "100 K" if name == "TEFF" else "0.1 dex"
        axis.set_ylabel(f"per {unit}", fontsize=8)
        axis.set_title(name, fontsize=9, loc="left", y=0.82)
        for element, lines in LINES.items():
            if name.startswith(element[:2].upper()):
                axis.plot(
                    lines,
                    np.full(len(lines), -1.15 * limit / 1.3),
                    "^",
                    ms=6,
                    color=plots.COLOURS["vermilion"],
                    label=f"strong {element} lines",
                )
                axis.legend(fontsize=8, loc="upper right")
    axes[-1].set_xlabel("vacuum wavelength / Å")
    figure.suptitle(f"Change of the normalised flux with each label ({source})", fontsize=9)
plots.show(
    figure,
    alt="Gradient spectra for the five labels. Temperature and metallicity act everywhere; the "
    "gradients for magnesium and silicon are small but for narrow dips, the deepest of which stand "
    "at the marked strong lines of magnesium and silicon.",
)


# %%
def near(lines, width=1.0):
    """Return the pixels within some angstrom of any of the lines."""
    return np.any([np.abs(wavelength - line) < width for line in lines], axis=0) & is_alive


for element, lines in LINES.items():
    column = label_names.index(f"{element[:2].upper()}_FE")
    size = np.abs(slopes[column])
    found = [np.mean(size[is_alive] < size[near([line])].max()) for line in lines]
    print(
        f"{element}: gradient at the marked lines, as a rank among all pixels (1 = largest): "
        + " ".join(f"{share:.3f}" for share in found)
    )
scatter = np.sqrt(np.where(is_alive, s2, np.nan))
marked = near(np.concatenate(list(LINES.values())))
depth = 1 - coefficients[0]
deep = is_alive & (depth > np.nanpercentile(depth[is_alive], 90))
for text, pixels in (
    ("all pixels", is_alive),
    ("within 1 Å of the marked Mg and Si lines", marked),
    ("deepest tenth of the mean spectrum", deep),
    ("all others", is_alive & ~deep),
):
    print(f"median scatter s of {text}: {np.median(scatter[pixels]):.4f}")

# %%
with plots.style():
    figure, (above, below) = plt.subplots(2, 1, figsize=(9.5, 5), sharex=True)
    above.plot(
        wavelength,
        np.where(is_alive, coefficients[0], np.nan),
        lw=0.4,
        color=plots.COLOURS["black"],
    )
    above.set_ylabel("flux at mean labels")
    below.plot(wavelength, scatter, lw=0.4, color=plots.COLOURS["blue"])
    below.set_ylabel("intrinsic scatter s")
    below.set_ylim(0, 1.2 * np.nanpercentile(scatter, 99.7))
    for (element, lines), colour in zip(LINES.items(), ("vermilion", "green"), strict=True):
        below.plot(
            lines,
            np.full(len(lines), 1.1 * np.nanpercentile(scatter, 99.7)),
            "v",
            ms=5,
            color=plots.COLOURS[colour],
            label=f"strong {element} lines",
        )
    below.legend(fontsize=8, ncols=2)
    below.set_xlabel("vacuum wavelength / Å")
    figure.suptitle(f"The model at the mean labels, and its scatter ({source})", fontsize=9)
plots.show(
    figure,
    alt="Above, the model spectrum at the mean labels; below, the intrinsic scatter of every "
    "pixel. The scatter is a few tenths of a per cent between the lines and rises to per cents in "
    "many deep lines and at some places where the sky is bright.",
)

# %% [markdown]
# ### Question 10 · Gradients and scatter
#
# **Explain:** do the regions where the Si and Mg gradients are large correspond to known lines? Why
# do the gradients of [Fe/H] and temperature look alike, and what does this mean for the errors of
# the labels? Do pixels of large intrinsic scatter correspond to known lines? Name three different
# things that make $s_\lambda$ large, and say which of them a better model could remove.

# %% [markdown] explain="scatter" points=4
# The deepest dips of the Si and Mg gradients stand at the marked lines: nearly all of these are
# among the one per cent of pixels with the largest gradient of their element. The gradient is
# negative there: more silicon, less light. Smaller features elsewhere are weaker lines of the
# element, and blends; in simulated as in real stars silicon and magnesium also change the other
# alpha elements (they are correlated in the training set), so the model gives "silicon" a share of
# oxygen's OH and CO lines.
#
# Iron lines, and the molecules, get stronger with more metal and weaker with higher temperature:
# [Fe/H] and Teff change mostly the same lines, with opposite sign. What distinguishes them is that
# lines of different excitation respond differently. Where gradients are alike, the errors of the
# labels are correlated, and larger than they would be for either label alone.
#
# Many of the pixels of largest scatter lie in deep lines, though not all deep lines scatter.
# Causes: (a) labels the model does not have, such as carbon and nitrogen (CN, CO), other elements,
# rotation and turbulence; (b) a flux that is no quadratic function of the labels, in strong
# saturated lines above all; (c) what is not in the star at all: residuals of sky lines and telluric
# absorption, persistence, unflagged bad pixels, errors of the continuum, errors that are
# underestimated; and (d) wrong labels or spoilt spectra among the training stars. More labels help
# with (a), a more flexible model with (b), better masks with (c), a cleaner training set with (d).
#
# **Rubric**
# - (1) Yes for the strong Si and Mg lines, with reference to figure or numbers; mentions the sign.
# - (1) Teff and [Fe/H] act on the same lines; degenerate in part, so correlated, larger errors.
# - (1) Scatter is larger in many deep lines but not only there.
# - (1) Three different causes of scatter, at least one not stellar, and what would cure one.

# %% [markdown]
# ## 8. From a spectrum to labels
#
# Now turn the model around. For a star of the cross-validation set, find the labels whose predicted
# spectrum is closest to the observed one in the sense of
#
# $$\chi^2 = \sum_\lambda
# \frac{(f_\lambda - f_\lambda^{\rm model})^2}{\sigma_\lambda^2+s_\lambda^2} .$$
#
# The model is quadratic in the labels, so this is a non-linear problem, with the usual dangers: a
# starting point, a local minimum, a scale. The sheet recommends `scipy.optimize.curve_fit` with
# `method="trf"`. Work with the scaled labels $x$, which are all of order one; convert at the end.
# For the errors, read what `absolute_sigma` does.
#
# ### Question 11 · One star
#
# Write `fit_star`. A single starting point is nearly always enough and sometimes not. Try several,
# and keep the best.


# %% solution="fit_star" seconds=20
def fit_star(flux, error, coefficients, s2, mean, scale):
    """Fit the labels of one star.

    Parameters
    ----------
    flux, error : (pixels,) arrays
        Normalised spectrum and its one-sigma error; 1e10 where bad.
    coefficients : (m, pixels) array
        The trained model, in the order of the columns of `design_matrix`.
    s2 : (pixels,) array
        Intrinsic variance; 1e20 where the model is not trained.
    mean, scale : (k,) arrays
        The labels' zero point and unit with which the model was trained.

    Returns
    -------
    labels : (k,) array
        In their own units (K, dex, ...), at the smallest chi-squared.
    errors : (k,) array
        Their one-sigma errors from the curvature of chi-squared, in the same units. They rest on
        the spectrum's errors and the intrinsic scatter, not on how well this star happens to fit.
    """
    ### BEGIN SOLUTION
    used = (error < BAD_LIMIT) & (s2 < 1)
    theta, f = coefficients[:, used], flux[used].astype(float)
    sigma = np.sqrt(error[used].astype(float) ** 2 + s2[used])
    k = len(mean)
    zero, one = np.zeros(k), np.ones(k)

    def model(_, *x):
        return predict(np.array([x]), theta, zero, one)[0]

    def slope(_, *x):
        return gradient(np.array(x), theta, zero, one).T

    best = np.inf
    for height in (0.0, -1.5, 1.5):
        # the first two labels lead along the giant branch
        start = np.where(np.arange(k) < 2, height, 0.0)
        x, covariance = curve_fit(
            model, None, f, p0=start, sigma=sigma, absolute_sigma=True, method="trf", jac=slope
        )
        chi2 = np.sum(((f - model(None, *x)) / sigma) ** 2)
        if chi2 < best:
            best, found, errors = chi2, x, np.sqrt(np.diag(covariance))
    return mean + scale * found, scale * errors
    ### END SOLUTION


# %% test="fit_star" points=2
from helpers import checks


@checks.run
def test_fit_star():
    import numpy as np

    rng = np.random.default_rng(27)
    mean = np.array([4700.0, 2.4, -0.2, 0.05, 0.2])
    scale = np.array([260.0, 0.6, 0.2, 0.1, 0.1])
    coefficients = np.concatenate(
        [
            rng.uniform(0.7, 1, (1, 250)),
            rng.normal(0, 0.02, (5, 250)),
            rng.normal(0, 2e-3, (15, 250)),
        ]
    )
    x = np.array([0.7, 0.4, -0.8, 0.5, -0.6])
    i, j = np.triu_indices(5)
    flux = np.concatenate([[1.0], x, x[i] * x[j]]) @ coefficients
    result = checks.submitted("fit_star")(
        flux, np.full(250, 0.01), coefficients, np.full(250, 1e-5), mean, scale
    )
    checks.that(
        type(result) in (tuple, list) and len(result) == 2, "return two arrays: labels and errors"
    )
    labels = checks.array(result[0], (5,), "the labels")
    checks.array(result[1], (5,), "the errors")
    checks.that(
        bool(labels[0] > 1000), "the first label is not a temperature in kelvin: scale it back"
    )
    checks.close(
        (labels - mean) / scale,
        x,
        atol=0.01,
        hint="from a spectrum without noise the true labels are not found",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_fit_star_bad():
    import numpy as np

    fit = checks.submitted("fit_star")
    rng = np.random.default_rng(28)
    mean = np.array([4700.0, 2.4, -0.2, 0.05, 0.2])
    scale = np.array([260.0, 0.6, 0.2, 0.1, 0.1])
    k = len(mean)
    i, j = np.triu_indices(k)
    for widest in (1.2, 1.2, 2.8):
        coefficients = np.concatenate(
            [rng.uniform(0.7, 1, (1, 200)), rng.normal(0, 0.02, (k, 200)),
             rng.normal(0, 2e-3, (len(i), 200))]
        )  # fmt: skip
        x = rng.uniform(0.6, 1, k) * widest * rng.choice([-1, 1], k)
        flux = np.concatenate([[1.0], x, x[i] * x[j]]) @ coefficients
        error, s2 = np.full(200, 0.005), np.full(200, 1e-5)
        bad = rng.permutation(200)
        flux[bad[:40]], error[bad[:40]] = 1.0, 1e10
        flux[bad[40:80]], s2[bad[40:80]] = 1.0, 1e20
        labels, errors = fit(flux, error, coefficients, s2, mean, scale)
        labels = checks.array(labels, (k,), "the labels")
        checks.close(
            (labels - mean) / scale,
            x,
            atol=0.01,
            hint="pixels that are bad in the star, or untrained in the model, pull the labels, or "
            "labels far from the mean are not reached",
        )
        slope = coefficients[1 : k + 1].copy()
        for row, (a, b) in enumerate(zip(i, j, strict=True), start=k + 1):
            slope[a] += x[b] * coefficients[row]
            slope[b] += x[a] * coefficients[row]
        curvature = (slope / (error**2 + s2)) @ slope.T
        checks.close(
            checks.array(errors, (k,), "the errors") / scale,
            np.sqrt(np.diag(np.linalg.inv(curvature))),
            rtol=0.05,
            hint="the errors do not follow from the curvature of chi-squared where the fit ends",
        )


### END HIDDEN TESTS

# %% test="fit_star.errors" points=3
from helpers import checks


@checks.run
def test_fit_star_errors():
    import numpy as np

    fit = checks.submitted("fit_star")
    rng = np.random.default_rng(29)
    mean = np.array([4700.0, 2.4, -0.2, 0.05, 0.2])
    scale = np.array([260.0, 0.6, 0.2, 0.1, 0.1])
    coefficients = np.concatenate([np.full((1, 200), 0.9), rng.normal(0, 0.02, (5, 200))])
    coefficients = np.concatenate([coefficients, rng.normal(0, 2e-3, (15, 200))])
    flux = coefficients[0]
    small, large = (
        checks.array(
            fit(flux, np.full(200, 0.01), coefficients, np.full(200, s2), mean, scale)[1], (5,)
        )
        for s2 in (0.0, 0.03**2)
    )
    checks.that(
        bool((large > 2 * small).all()),
        "a model with a large intrinsic scatter should give larger errors of the labels",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_fit_star_errors_hidden():
    import numpy as np

    fit = checks.submitted("fit_star")
    rng = np.random.default_rng(30)
    mean = np.array([4700.0, 2.4, -0.2, 0.05, 0.2])
    scale = np.array([260.0, 0.6, 0.2, 0.1, 0.1])
    coefficients = np.concatenate(
        [rng.uniform(0.7, 1, (1, 300)), rng.normal(0, 0.02, (5, 300)), np.zeros((15, 300))]
    )
    coefficients[1:6] += rng.normal(0, 0.02, 300)  # lines that all labels change alike
    error, s2 = 10 ** rng.uniform(-2.7, -1.3, 300), 10 ** rng.uniform(-5.5, -3.5, 300)
    weighted = coefficients[1:6] / np.sqrt(error**2 + s2)
    wanted = np.sqrt(np.diag(np.linalg.inv(weighted @ weighted.T)))
    x = np.array([0.5, -0.3, 0.4, 0.2, -0.6])
    flux = coefficients[0] + x @ coefficients[1:6]
    _, errors = fit(flux, error, coefficients, s2, mean, scale)
    checks.close(
        checks.array(errors, (5,), "the errors") / scale / wanted,
        np.ones(5),
        atol=0.1,
        hint="the errors do not follow from the spectrum's errors and the intrinsic scatter (an "
        "error is the root of a variance; a lucky fit does not make it smaller)",
    )
    # over many noisy stars the errors describe the scatter: a mean square of 100 numbers
    z = []
    for _ in range(20):
        x = rng.uniform(-1.2, 1.2, 5)
        noisy = rng.normal(coefficients[0] + x @ coefficients[1:6], np.sqrt(error**2 + s2))
        labels, errors = fit(noisy, error, coefficients, s2, mean, scale)
        z.append((labels - mean - scale * x) / (scale * wanted))
    checks.that(
        bool(0.6 < np.mean(np.square(z)) < 1.5),
        "over many stars the labels scatter more than the best estimate would: do pixels count "
        "according to their errors and the model's scatter?",
    )


### END HIDDEN TESTS

# %% test="fit_star.starts" points=1
from helpers import checks


@checks.run
def test_fit_star_starts():
    import numpy as np

    fit = checks.submitted("fit_star")
    rng = np.random.default_rng(31)
    mean = np.array([4700.0, 2.4, -0.2, 0.05, 0.2])
    scale = np.array([260.0, 0.6, 0.2, 0.1, 0.1])
    i, j = np.triu_indices(5)
    for far in (-1.5, 1.5):
        # lines that are strongest near the mean temperature: a cool star looks nearly like a warm
        # one, and the mean lies on the wrong side
        line = rng.normal(0, 0.02, 200)
        coefficients = np.zeros((21, 200))
        coefficients[0] = 0.9
        coefficients[1] = 0.2 * np.sign(far) * line + rng.normal(0, 0.004, 200)
        coefficients[2:6] = rng.normal(0, 0.02, (4, 200))
        coefficients[6] = -line
        x = np.array([far, 0.2, -0.3, 0.4, 0.1])
        flux = np.concatenate([[1.0], x, x[i] * x[j]]) @ coefficients
        labels, _ = fit(flux, np.full(200, 0.005), coefficients, np.full(200, 1e-6), mean, scale)
        labels = checks.array(labels, (5,), "the labels")
        checks.that(
            bool(abs((labels[0] - mean[0]) / scale[0] - far) < 0.2),
            "there are labels that fit this spectrum perfectly, and the fit stopped at others: "
            "where does it start?",
        )


# %% [markdown]
# ### Question 12 · All stars
#
# Write `fit_stars`, which does the same for many spectra and also returns the smallest $\chi^2$. A
# loop over `fit_star` earns full marks. Again it can be **made fast**: for a model that is linear
# in its columns $\mathbf{v}(x)$, $\chi^2 = c - 2\,\mathbf{b}\cdot\mathbf{v} +
# \mathbf{v}^T\mathbf{A}\,\mathbf{v}$ with the *sufficient statistics*
# $\mathbf{A}=\sum_\lambda w\,\theta\theta^T$ ($21\times21$), $\mathbf{b}=\sum_\lambda w f\theta$
# and $c=\sum_\lambda w f^2$ of the star. They are all that the fit will ever ask of eight thousand
# pixels; $\mathbf{A}$ of all stars is again one matrix product, of the weights with the 231
# products of coefficients. After that a step of the fit costs nearly nothing, all stars can step
# together (Levenberg and Marquardt's rule: a step that fails is tried again, shorter), and you can
# afford a look at $\chi^2$ on a whole grid of starting points.


# %% solution="fit_stars" seconds=60
def fit_stars(flux, error, coefficients, s2, mean, scale):
    """Fit the labels of many stars.

    Parameters
    ----------
    flux, error : (n, pixels) arrays
        Normalised spectra and their one-sigma errors; 1e10 where bad.
    coefficients, s2, mean, scale
        The trained model, as for `fit_star`.

    Returns
    -------
    labels, errors : (n, k) arrays
        As from `fit_star`, one row per star.
    chi2 : (n,) array
        Sum over the pixels of (flux - model)^2 / (error^2 + s2) at the labels returned. Bad and
        untrained pixels add nothing that counts.
    """
    ### BEGIN SOLUTION
    k = len(mean)
    A, b, c = sufficient_statistics(flux, error, coefficients, s2)
    # a coarse net over the label space: where is chi-squared smallest?
    net = np.random.default_rng(0).normal(0, 1.2, (200, k))
    columns = centred_columns(net)
    i, j = np.tril_indices(len(coefficients))
    twice = np.where(i == j, 1, 2)
    rough = (A[:, i, j] * twice) @ pair_products(columns).T - 2 * b @ columns.T
    # the mean, two places along the giant branch, and the best of the net
    along = [np.where(np.arange(k) < 2, height, 0.0) for height in (0.0, -1.5, 1.5)]
    starts = [np.tile(x, (len(A), 1)) for x in along] + [net[np.argmin(rough, axis=1)]]
    tried = [descend(start, A, b, c) for start in starts]
    best = np.argmin([chi2 for _, chi2 in tried], axis=0)
    x = np.array([x for x, _ in tried])[best, np.arange(len(A))]
    chi2 = np.min([chi2 for _, chi2 in tried], axis=0)
    slope = column_slopes(x)
    covariance = np.linalg.inv(slope.transpose(0, 2, 1) @ A @ slope)
    errors = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    return mean + scale * x, scale * errors, chi2


def centred_columns(x):
    """Columns of the model at scaled labels, without the constant (which is subtracted)."""
    columns = design_matrix(x, 0.0, 1.0)
    columns[:, 0] = 0
    return columns


def column_slopes(x):
    """Derivatives of the columns with respect to the scaled labels: (n, m, k)."""
    n, k = x.shape
    i, j = np.triu_indices(k)
    slope = np.zeros((n, 1 + k + len(i), k))
    slope[:, 1 + np.arange(k), np.arange(k)] = 1
    pair = 1 + k + np.arange(len(i))
    slope[:, pair, i] += x[:, j]
    slope[:, pair, j] += x[:, i]
    return slope


def sufficient_statistics(flux, error, coefficients, s2, block=64):
    """A (n, m, m), b (n, m) and c (n,) of flux minus the constant term, for every star."""
    theta = np.ascontiguousarray(coefficients.T)
    products, m = pair_products(theta), len(coefficients)
    i, j = np.tril_indices(m)
    A, b, c = np.empty((len(flux), m, m)), np.empty((len(flux), m)), np.empty(len(flux))
    work = np.empty((2, block, flux.shape[1]))
    for start in range(0, len(flux), block):
        stars = slice(start, start + block)
        size = len(flux[stars])
        weight, difference = work[0][:size], work[1][:size]
        np.square(error[stars], out=weight, dtype=float)
        weight += s2
        np.reciprocal(weight, out=weight)
        np.subtract(flux[stars], coefficients[0], out=difference)
        packed = weight @ products
        A[stars, i, j] = packed
        A[stars, j, i] = packed
        weight *= difference
        b[stars] = weight @ theta
        c[stars] = np.vecdot(weight, difference)
    return A, b, c


def chi_squared(x, A, b, c):
    """Return chi-squared of every star at its scaled labels."""
    v = centred_columns(x)
    return c - 2 * np.vecdot(b, v) + np.vecdot(v, (A @ v[..., None])[..., 0])


def descend(x, A, b, c):
    """Levenberg and Marquardt's method for all stars at once; returns labels and chi-squared."""
    x, best = x.copy(), chi_squared(x, A, b, c)
    damping, active = np.full(len(x), 1e-3), np.arange(len(x))
    for _ in range(100):
        here, slope = x[active], column_slopes(x[active])
        pull = b[active] - (A[active] @ centred_columns(here)[..., None])[..., 0]
        downhill = slope.transpose(0, 2, 1) @ pull[..., None]
        curvature = slope.transpose(0, 2, 1) @ A[active] @ slope
        k = np.arange(x.shape[1])
        damped = curvature.copy()
        damped[:, k, k] *= 1 + damping[active][:, None]
        step = np.linalg.solve(damped, downhill)[..., 0]
        chi2 = chi_squared(here + step, A[active], b[active], c[active])
        better = chi2 <= best[active]
        x[active[better]] += step[better]
        best[active[better]] = chi2[better]
        damping[active] *= np.where(better, 0.1, 10)
        # done when the step is short in units of the labels' own errors
        length = np.vecdot(step, (curvature @ step[..., None])[..., 0])
        active = active[(length > 1e-8) & (damping[active] < 1e8)]
        if not len(active):
            break
    return x, best
    ### END SOLUTION


# %% test="fit_stars" points=2
from helpers import checks


@checks.run
def test_fit_stars():
    import numpy as np

    rng = np.random.default_rng(32)
    mean = np.array([4700.0, 2.4, -0.2, 0.05, 0.2])
    scale = np.array([260.0, 0.6, 0.2, 0.1, 0.1])
    coefficients = np.concatenate(
        [
            rng.uniform(0.7, 1, (1, 150)),
            rng.normal(0, 0.02, (5, 150)),
            rng.normal(0, 1e-3, (15, 150)),
        ]
    )
    x = rng.uniform(-1.2, 1.2, (4, 5))
    i, j = np.triu_indices(5)
    flux = np.column_stack([np.ones(4), x, x[:, i] * x[:, j]]) @ coefficients
    result = checks.submitted("fit_stars")(
        flux, np.full((4, 150), 0.01), coefficients, np.full(150, 1e-5), mean, scale
    )
    checks.that(
        type(result) in (tuple, list) and len(result) == 3,
        "return three arrays: labels, errors and chi-squared",
    )
    labels = checks.array(result[0], (4, 5), "the labels")
    checks.array(result[1], (4, 5), "the errors")
    checks.array(result[2], (4,), "chi-squared")
    checks.close(
        (labels - mean) / scale, x, atol=0.01, hint="spectra without noise do not give their labels"
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_fit_stars_optimum():
    import numpy as np

    rng = np.random.default_rng(33)
    k, pixels, n = 5, 400, 25
    mean = np.array([4700.0, 2.4, -0.2, 0.05, 0.2])
    scale = np.array([260.0, 0.6, 0.2, 0.1, 0.1])
    coefficients = np.concatenate(
        [rng.uniform(0.7, 1, (1, pixels)), rng.normal(0, 0.02, (k, pixels)),
         rng.normal(0, 3e-3, (15, pixels))]
    )  # fmt: skip
    i, j = np.triu_indices(k)

    def model(x):
        return np.concatenate([[1.0], x, x[i] * x[j]]) @ coefficients

    s2, error = 10 ** rng.uniform(-5.5, -4, pixels), 10 ** rng.uniform(-2.7, -1.7, (n, pixels))
    truth = rng.normal(0, 1, (n, k)).clip(-2, 2)
    flux = rng.normal([model(x) for x in truth], np.sqrt(error**2 + s2))
    bad = rng.uniform(size=(n, pixels)) < 0.2
    flux[bad], error[bad] = 1.0, 1e10
    labels, errors, _ = checks.submitted("fit_stars")(flux, error, coefficients, s2, mean, scale)
    labels = checks.array(labels, (n, k), "the labels")
    errors = checks.array(errors, (n, k), "the errors")
    for star in range(n):
        weight = 1 / (error[star] ** 2 + s2)
        x = truth[star]
        for _ in range(8):  # Gauss-Newton from the truth
            slope = np.array([(model(x + d) - model(x - d)) / 2e-3 for d in 1e-3 * np.eye(k)])
            curvature = (slope * weight) @ slope.T
            x = x + np.linalg.solve(curvature, slope @ (weight * (flux[star] - model(x))))
        sigma = scale * np.sqrt(np.diag(np.linalg.inv(curvature)))
        checks.close(
            (labels[star] - mean - scale * x) / sigma,
            np.zeros(k),
            atol=0.1,
            hint="the labels are not at the minimum of chi-squared, by more than a tenth of sigma",
        )
        checks.close(errors[star] / sigma, np.ones(k), atol=0.1, hint="the errors are off")


### END HIDDEN TESTS

# %% test="fit_stars.chi2" points=2
from helpers import checks


@checks.run
def test_fit_stars_chi2():
    import numpy as np

    rng = np.random.default_rng(34)
    mean = np.array([4700.0, 2.4, -0.2, 0.05, 0.2])
    scale = np.array([260.0, 0.6, 0.2, 0.1, 0.1])
    coefficients = np.concatenate([np.full((1, 300), 0.9), rng.normal(0, 0.02, (5, 300))])
    coefficients = np.concatenate([coefficients, rng.normal(0, 1e-3, (15, 300))])
    flux = rng.normal(0.9, 0.02, (5, 300))
    *_, chi2 = checks.submitted("fit_stars")(
        flux, np.full((5, 300), 0.01), coefficients, np.full(300, 3e-4), mean, scale
    )
    chi2 = checks.array(chi2, (5,), "chi-squared")
    checks.that(
        bool((np.abs(chi2 / 300 - 1) < 0.5).all()),
        "noise and scatter as large as the model expects should give a chi-squared near the "
        "number of pixels",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_fit_stars_chi2_hidden():
    import numpy as np

    rng = np.random.default_rng(35)
    mean = np.array([4700.0, 2.4, -0.2, 0.05, 0.2])
    scale = np.array([260.0, 0.6, 0.2, 0.1, 0.1])
    coefficients = np.concatenate(
        [
            rng.uniform(0.7, 1, (1, 200)),
            rng.normal(0, 0.02, (5, 200)),
            rng.normal(0, 1e-3, (15, 200)),
        ]
    )
    i, j = np.triu_indices(5)
    s2, error = 10 ** rng.uniform(-5, -3.5, 200), 10 ** rng.uniform(-2.7, -1.7, (8, 200))
    s2[::20] = 1e20
    x = rng.uniform(-1.2, 1.2, (8, 5))
    flux = np.column_stack([np.ones(8), x, x[:, i] * x[:, j]]) @ coefficients
    flux = rng.normal(flux, np.sqrt(error**2 + np.where(s2 < 1, s2, 0)))
    bad = rng.uniform(size=flux.shape) < 0.2
    flux[bad], error[bad] = 1.0, 1e10
    labels, _, chi2 = checks.submitted("fit_stars")(flux, error, coefficients, s2, mean, scale)
    x = (checks.array(labels, (8, 5), "the labels") - mean) / scale
    model = np.column_stack([np.ones(8), x, x[:, i] * x[:, j]]) @ coefficients
    wanted = np.sum((flux - model) ** 2 / (error**2 + s2), axis=1)
    checks.close(
        checks.array(chi2, (8,), "chi-squared"),
        wanted,
        rtol=1e-4,
        hint="chi-squared at the labels you return is another: which variance does it use?",
    )
    # about 150 good pixels in each star, give or take 17
    checks.that(bool((chi2 < 250).all()), "chi-squared is far from its smallest")


### END HIDDEN TESTS

# %%
model = (coefficients, s2, mean, scale)
started = time.process_time()
fitted, fitted_errors, chi2 = map(
    np.asarray, fit_stars(flux[validation], error[validation], *model)
)
seconds_fit = time.process_time() - started
print(f"{len(validation)} stars fitted in {seconds_fit:.2f} CPU seconds")

# the same for a few stars one by one: compared in units of the labels' own errors
some = np.random.default_rng(36).choice(len(validation), 20, replace=False)
started = time.process_time()
single = np.array([fit_star(flux[validation[i]], error[validation[i]], *model)[0] for i in some])
seconds_single = (time.process_time() - started) / len(some) * len(validation)
off = np.abs(single - fitted[some]) / fitted_errors[some]
print(f"one by one with curve_fit they would take {seconds_single:.0f} s")
print(f"labels differ by {np.median(off):.1e} sigma typically, {off.max():.1e} at most")

# %% [markdown]
# ## 9. Cross-validation
#
# How well do the fitted labels agree with the catalogue's? Two numbers for each label say most of
# it: the **bias**, a typical difference, and the **scatter** about it. A few stars will be wildly
# off, for reasons you will hunt down in a moment; mean and standard deviation would speak of
# nothing else. Use the median and the median absolute deviation (lab 2, Section 4).
#
# ### Question 13 · Bias and scatter
#
# Write `bias_and_scatter`.


# %% solution="bias_and_scatter"
def bias_and_scatter(fitted, reference):
    """Compare two sets of labels robustly.

    Parameters
    ----------
    fitted, reference : (n, k) arrays
        Labels of the same stars.

    Returns
    -------
    bias : (k,) array
        Median of fitted - reference, for each label.
    scatter : (k,) array
        1.4826 times the median absolute deviation of fitted - reference from that median: for
        Gaussian differences, their standard deviation.
    """
    ### BEGIN SOLUTION
    difference = np.asarray(fitted) - np.asarray(reference)
    bias = np.median(difference, axis=0)
    return bias, 1.4826 * np.median(np.abs(difference - bias), axis=0)
    ### END SOLUTION


# %% test="bias_and_scatter" points=1
from helpers import checks


@checks.run
def test_bias_and_scatter():
    import numpy as np

    reference = np.random.default_rng(37).normal(size=(40, 3))
    result = checks.submitted("bias_and_scatter")(reference + np.array([1.0, 0.0, -2.0]), reference)
    checks.that(
        type(result) in (tuple, list) and len(result) == 2, "return two arrays: bias and scatter"
    )
    bias = checks.array(result[0], (3,), "the bias")
    scatter = checks.array(result[1], (3,), "the scatter")
    checks.close(
        bias, [1.0, 0.0, -2.0], atol=1e-5, hint="fitted labels too large: the bias is positive"
    )
    checks.close(
        scatter, np.zeros(3), atol=1e-5, hint="a constant difference has no scatter about itself"
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_bias_and_scatter_gaussian():
    import numpy as np

    rng = np.random.default_rng(38)
    bias, scatter = np.array([7.0, -0.05]), np.array([30.0, 0.1])
    reference = rng.normal([4700, 2.4], [260, 0.6], (4000, 2))
    found = checks.submitted("bias_and_scatter")(
        reference + rng.normal(bias, scatter, (4000, 2)), reference
    )
    # standard errors of median and MAD of 4000: 0.020 and 0.018 of the scatter
    checks.close((found[0] - bias) / scatter, np.zeros(2), atol=0.08, hint="the bias is off")
    checks.close(
        np.asarray(found[1]) / scatter,
        np.ones(2),
        atol=0.08,
        hint="for Gaussian differences the scatter should be their standard deviation",
    )


### END HIDDEN TESTS

# %% test="bias_and_scatter.robust" points=2
from helpers import checks


@checks.run
def test_bias_and_scatter_robust():
    import numpy as np

    rng = np.random.default_rng(39)
    reference = np.zeros((500, 1))
    fitted = rng.normal(0, 1, (500, 1))
    fitted[:15] += 60
    bias, scatter = checks.submitted("bias_and_scatter")(fitted, reference)
    checks.that(
        bool(abs(checks.array(bias, (1,))[0]) < 0.3 and checks.array(scatter, (1,))[0] < 1.3),
        "fifteen stars of five hundred that are far off decide bias or scatter",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_bias_and_scatter_robust_hidden():
    import numpy as np

    rng = np.random.default_rng(40)
    # an odd number of stars has one median
    reference = rng.normal([4700, 2.4, -0.2], [260, 0.6, 0.2], (1001, 3))
    difference = rng.normal([5.0, 0.02, 0.0], [20.0, 0.06, 0.02], (1001, 3))
    wild = rng.uniform(size=difference.shape) < 0.05
    difference[wild] *= 1e4
    bias, scatter = checks.submitted("bias_and_scatter")(reference + difference, reference)
    middle = np.median(difference, axis=0)
    checks.close(
        (checks.array(bias, (3,), "the bias") - middle) / [20.0, 0.06, 0.02],
        np.zeros(3),
        atol=1e-3,
        hint="the bias is not the median of the differences",
    )
    checks.close(
        scatter,
        1.4826 * np.median(np.abs(difference - middle), axis=0),
        rtol=1e-3,
        hint="the scatter is not 1.4826 times the median absolute deviation about the bias, label "
        "by label",
    )


### END HIDDEN TESTS


# %%
def report(title, fitted, errors, chi2, stars, model):
    """Print bias, scatter and formal error of each label, and the typical reduced chi-squared."""
    bias, spread = bias_and_scatter(fitted, labels[stars])
    n = np.sum((error[stars] < BAD_LIMIT) & (model[1] < 1), axis=1) - labels.shape[1]
    print(f"{title}: {len(stars)} stars, reduced chi-squared {np.median(chi2 / n):.3f} (median)")
    print("  label       bias    scatter  formal error")
    for name, b, w, e in zip(label_names, bias, spread, np.median(errors, axis=0), strict=True):
        print(f"  {name:6s} {b:+9.4f} {w:10.4f} {e:10.4f}")
    return bias, spread, chi2 / n


bias, spread, reduced = report("first model", fitted, fitted_errors, chi2, validation, model)


def cross_validation_figure(fitted, catalogue, marked=None):
    """Draw fitted against catalogue labels, and the differences below."""
    bias, spread = bias_and_scatter(fitted, catalogue)
    with plots.style():
        figure, axes = plt.subplots(
            2, len(label_names), figsize=(13, 4.8), sharex="col", height_ratios=(2.2, 1)
        )
        for k, (above, below) in enumerate(axes.T):
            x, difference = catalogue[:, k], fitted[:, k] - catalogue[:, k]
            above.plot(x, fitted[:, k], ".", ms=2.5, color=plots.COLOURS["blue"])
            below.plot(x, difference, ".", ms=2.5, color=plots.COLOURS["blue"])
            if marked is not None:
                for axis, y in ((above, fitted[:, k]), (below, difference)):
                    axis.plot(x[marked], y[marked], "x", ms=5, color=plots.COLOURS["vermilion"])
            ends = [x.min(), x.max()]
            above.plot(ends, ends, color=plots.COLOURS["black"], lw=0.8)
            below.plot(ends, [0, 0], color=plots.COLOURS["black"], lw=0.8)
            digits = 0 if label_names[k] == "TEFF" else 3
            above.set_title(
                f"bias {bias[k]:+.{digits}f}, scatter {spread[k]:.{digits}f}", fontsize=9
            )
            below.set_ylim(-9 * spread[k], 9 * spread[k])
            below.set_xlabel(
                f"catalogue {AXIS_LABELS.get(label_names[k], label_names[k])}", fontsize=9
            )
        axes[0, 0].set_ylabel("fitted label, same unit")
        axes[1, 0].set_ylabel("fitted - catalogue")
        figure.suptitle(f"{len(fitted)} stars of the cross-validation set ({source})", fontsize=9)
    return figure


figure = cross_validation_figure(fitted, labels[validation])
plots.show(
    figure,
    alt="Fitted against catalogue label for each of the five labels: the stars follow the "
    "one-to-one line closely; below, the differences scatter about zero, with a few far outside.",
)

# %% [markdown]
# Most stars follow the line. Compare the scatter with the formal errors, though: it is several
# times larger. Part of it is the catalogue's own errors (on the simulated survey 12 K, 0.035 dex
# in log g and about 0.01 dex in the abundances, at best). The rest is the model: no spectrum is
# exactly quadratic in the labels, and where the model is wrong it is wrong in many pixels at once,
# which a sum over independent pixels cannot know. Lab 5 comes back to this.
#
# ## 10. The outliers
#
# And some stars are far off. For each of them ask four questions.
#
# 1. *Did the optimiser stop in a local minimum?* Compare $\chi^2$ at the fitted and at the
#    catalogue's labels. If the catalogue's are better, the fit has failed.
# 2. *Is the spectrum bad?* Then no labels fit it: the reduced $\chi^2$ is large. Look at it.
# 3. *Is the catalogue wrong?* Then the fit is good, and the catalogue's labels fit far worse.
# 4. *What do the flags say?* The archive keeps warnings about spectra (`starflag`) and about labels
#    (`aspcapflag`).

# %%
from astroquery.sdss import SDSS

WARNINGS = {
    "starflag": {
        9: "persistence", 12: "persistence jump", 16: "suspect velocity", 17: "broad lines"
    },
    "aspcapflag": {7: "star warning", 8: "chi2 warning", 11: "low S/N"},
}  # fmt: skip


def catalogue_flags(stars):
    """Ask the archive for the warnings of some stars; returns a text for each name."""
    wanted = ", ".join(f"'{name}'" for name in names[stars])
    archive.connect()
    rows = SDSS.query_sql(
        "SELECT s.apogee_id, s.snr, s.starflag, a.aspcapflag FROM apogeeStar AS s "
        f"JOIN aspcapStar AS a ON a.apstar_id = s.apstar_id WHERE s.apogee_id IN ({wanted}) "
        "ORDER BY s.snr",
        data_release=17,
    )
    said = {}
    for row in rows:  # a star's best spectrum comes last
        words = [
            word
            for flag, bits in WARNINGS.items()
            for bit, word in bits.items()
            if int(row[flag]) >> bit & 1
        ]
        said[str(row["apogee_id"])] = ", ".join(words) or "-"
    return said


difference = (fitted - labels[validation] - bias) / spread
outliers = np.flatnonzero(np.max(np.abs(difference), axis=1) > 6)
outliers = outliers[np.argsort(-np.max(np.abs(difference[outliers]), axis=1))]
used = (error[validation] < BAD_LIMIT) & (s2 < 1)


def chi2_at(stars, at):
    """Return chi-squared of some stars of the cross-validation set at given labels."""
    chosen = validation[stars]
    miss = flux[chosen] - predict(at, coefficients, mean, scale)
    return np.sum(miss**2 / (error[chosen].astype(float) ** 2 + s2), axis=1)


rise = chi2_at(outliers, labels[validation[outliers]]) - chi2[outliers]
flags = catalogue_flags(validation[outliers])
print(f"{len(outliers)} of {len(validation)} stars are off by more than six times the scatter")
print("star                 worst label   off by  red. chi2  chi2 rise to catalogue  flags")
for i, more in zip(outliers, rise, strict=True):
    k = int(np.argmax(np.abs(difference[i])))
    name = names[validation[i]]
    print(
        f"{name}   {label_names[k]:6s} {fitted[i, k] - labels[validation[i], k]:+11.3f}"
        f" {reduced[i]:9.2f} {more:14.0f}            {flags.get(name, '-')}"
    )

# %% [markdown]
# Two kinds stand out. Let us look at the worst star of each: one that no labels fit, and one that
# is fitted well by labels far from the catalogue's.

# %%
bad_fit = outliers[np.argmax(reduced[outliers])]
good_fit = outliers[reduced[outliers] < 1.3]
bad_label = good_fit[np.argmax(rise[reduced[outliers] < 1.3])] if len(good_fit) else bad_fit
with plots.style():
    figure, axes = plt.subplots(2, 1, figsize=(9.5, 5.4), sharex=True)
    for axis, i, text in zip(
        axes, (bad_fit, bad_label), ("nothing fits", "the catalogue does not fit"), strict=True
    ):
        n = validation[i]
        seen = np.where(error[n] < BAD_LIMIT, flux[n], np.nan)
        axis.plot(wavelength[window], seen[window], lw=2.2, color="0.65", label="observed")
        for at, what, colour, style in (
            (fitted[i], "fitted labels", "blue", "-"),
            (labels[n], "catalogue labels", "vermilion", "--"),
        ):
            shown = np.asarray(predict(at[None], coefficients, mean, scale)[0])
            axis.plot(
                wavelength[window],
                shown[window],
                style,
                lw=1.0,
                color=plots.COLOURS[colour],
                label=f"{what}: {at[0]:.0f} K, {at[1]:.2f}, {at[2]:+.2f}",
            )
        axis.set_title(f"{names[n]}: {text} (reduced chi-squared {reduced[i]:.2f})", fontsize=9)
        axis.set_ylabel("normalised flux")
        axis.legend(fontsize=8, loc="lower left", ncols=3)
        axis.set_ylim(np.nanmin(seen[window]) - 0.25, None)
    axes[1].set_xlabel("vacuum wavelength / Å")
    figure.suptitle(source, fontsize=8)
plots.show(
    figure,
    alt="Two outliers between 16000 and 16100 angstrom. Above, the observed lines lie beside those "
    "of both models. Below, the spectrum with the fitted labels lies on the observed one, while "
    "the catalogue's labels give lines of another depth.",
)

# %% [markdown]
# ### Question 14 · What went wrong?
#
# **Explain**, with numbers from the table and what you see in the figure: which of your outliers
# have a bad spectrum, which a bad catalogue label, and is any of them a local minimum? Do the flags
# help, and do they find all cases? Then say how such stars in the *training* set harm the model,
# and how you would find them without the truth.

# %% [markdown] explain="outliers" points=5
# A bad spectrum shows in its reduced chi-squared: far above 1 (several tens for the worst), because
# no set of labels produces it. In the figure the worst one has its lines *beside* those of the
# model: it was shifted to rest with the wrong velocity. Others of this kind have shallow lines on
# one chip (light left from an earlier exposure, persistence) and a reduced chi-squared of 1.5 to 2.
# The fitted labels of such stars mean nothing.
#
# A bad catalogue label has a perfectly normal reduced chi-squared (near 1) at the fitted labels,
# and a chi-squared that rises by tens of thousands at the catalogue's. The spectrum agrees with the
# model, and the catalogue is hundreds of kelvin off. Here the fit is right.
#
# A local minimum would show as a chi-squared that *falls* on the way to the catalogue's labels (a
# negative rise), and would vanish with other starting points. With several starts there is none.
# Some outliers are none of these: cool or otherwise extreme stars at the edge of the training set,
# where the quadratic model is at its worst. They too fit well, and the two labels differ by less.
#
# The flags help (persistence, star and chi2 warnings) but do not find all: the worst spectrum
# carries none, and many good stars carry "persistence".
#
# In training, a wrong label says that a star of that spectrum has other labels; a bad spectrum the
# reverse. Both pull the coefficients and, above all, raise the scatter of very many pixels, so the
# good pixels lose weight. To find them: fit the *training* stars with the model, and throw out
# those whose labels disagree with their own catalogue by many times the scatter or whose
# chi-squared is far too large; train again; repeat until the list settles. (They disagree even
# though the model has seen them, since each is one of nine hundred.)
#
# **Rubric**
# - (1) Bad spectra identified by a large reduced chi-squared, with an example.
# - (1) Bad labels identified by a good fit and a large rise of chi-squared, with an example.
# - (1) Local minimum: right criterion (chi-squared at the catalogue's labels lower, or restarts)
#   and verdict.
# - (1) Flags: help in part, do not find all.
# - (1) Harm in training (wrong coefficients or larger scatter) and a way to find them.

# %% [markdown]
# ## 11. A better model
#
# Put that into practice. First clean the *training* set: fit its stars, drop those that disagree
# with their own labels by more than seven times the scatter or that nothing fits, train again, and
# look once more. (Be sparing: a star at the edge of the label space is not bad because the model
# is, and the model needs it.) No star of the cross-validation set is touched: they remain the
# examiners, good and bad.
#
# Second, the pixels of largest scatter. The likelihood treats the model's misfit as independent
# from pixel to pixel. It is not: deep, saturated lines go wrong *together*, and a hundred of them
# with a common error outvote the honest ones. Leave out the tenth of the pixels with the largest
# scatter (set their $s^2$ to 1e20).


# %%
def clean_training(kept):
    """Train on the kept stars; return the model, and which training stars agree with it."""
    s = train(np.asarray(design_matrix(labels[kept], mean, scale)), flux[kept], error[kept])
    model = (*map(np.asarray, s), mean, scale)
    found, _, chi2 = map(np.asarray, fit_stars(flux[training], error[training], *model))
    bias, spread = bias_and_scatter(found, labels[training])
    off = np.max(np.abs(found - labels[training] - bias) / spread, axis=1)
    per_pixel = chi2 / np.sum((error[training] < BAD_LIMIT) & (model[1] < 1), axis=1)
    return model, training[(off < 7) & (per_pixel < 2 * np.median(per_pixel))]


kept = training
for _ in range(2):
    _, kept = clean_training(kept)
    print(f"{len(training) - len(kept)} of {len(training)} training stars left out")

X = np.asarray(design_matrix(labels[kept], mean, scale))
coefficients, s2 = map(np.asarray, train(X, flux[kept], error[kept]))
s2 = np.where(s2 > np.quantile(s2[s2 < 1], 0.9), BAD_ERROR**2, s2)
model = (coefficients, s2, mean, scale)
fitted, fitted_errors, chi2 = map(
    np.asarray, fit_stars(flux[validation], error[validation], *model)
)
bias, spread, reduced = report(
    "cleaned training set, worst pixels left out", fitted, fitted_errors, chi2, validation, model
)

# %%
marked = np.max(np.abs(fitted - labels[validation] - bias) / spread, axis=1) > 6
validation_figure = cross_validation_figure(fitted, labels[validation], marked)
plots.show(
    validation_figure,
    alt="Fitted against catalogue label for the five labels by the better model: the stars follow "
    "the one-to-one line more tightly than before; crosses mark the stars that are off by more "
    "than six times the scatter.",
)
print(f"{marked.sum()} outliers, marked by crosses")

# %% [markdown]
# The scatter of all labels has shrunk, and so has the bias; the outliers stand out all the more.
# One thing no cleaning can cure: on the simulated survey the warmest stars, above about 5100 K,
# come out too cool. Their lines are nearly gone, and a parabola that follows the lines of the many
# cooler stars turns around before it gets there. Your scatter is honest for the bulk of the stars
# only; at the edges of the training set, look at the figure.
#
# ## 12. Checkpoint 2
#
# The sheet asks for (a) the plot of **2M03533659+2512012** with its predicted spectrum, 16 000 to
# 16 100 Å, and (b) the cross-validation plot. Put your own name below and run the cell.

# %%
FIRST_NAME, LAST_NAME = "Ada", "Lovelace"
pdf = checkpoints.write_pdf(
    FIRST_NAME, LAST_NAME, lab=2, checkpoint=2, figures=[star_figure, validation_figure]
)
print(f"written: {pdf.name}")

# %% [markdown]
# ## 13. Save for labs 4, 5 and 6

# %%
mystery = {name: survey[name] for name in ("mystery_flux", "mystery_error") if name in survey}
products.save(
    "03_cannon",
    wavelength=wavelength,
    coefficients=coefficients,
    s2=s2,
    label_names=np.array(label_names),
    mean=mean,
    scale=scale,
    apogee_id=names[validation],
    fitted=fitted,
    errors=fitted_errors,
    catalogue=labels[validation],
    **mystery,
)

# %% [markdown]
# ## What to take away
#
# * A model may be non-linear in the labels and still linear in what you look for. Then training is
#   linear algebra, and one matrix product does the work of thousands of small fits.
# * Intrinsic scatter belongs into the variance, in training *and* in fitting, and its price is the
#   logarithm in the likelihood. Zero is an answer.
# * The scale of the labels belongs to the model: it is set by the training set, once.
# * Judge a model by stars it has not seen, with robust numbers; then look at every star where it
#   fails. Half of them will teach you something about the data.
# * Formal errors know about noise and independent scatter only.
#
# ## Go further
#
# The catalogue's labels have errors, and the model takes them for the truth. Train on a tenth, a
# quarter, half and all of the training set, and plot the scatter in cross-validation against the
# number of stars: does it still fall, or has it reached a floor? Then make the model less rigid
# (cubic terms in temperature and gravity only, say, chosen by cross-validation), and see which of
# the two, noise in the labels or misfit of the model, sets the floor.
