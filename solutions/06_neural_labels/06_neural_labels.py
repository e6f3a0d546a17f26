# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Lab 6 · Labels from a network
#
# The Cannon of lab 3 predicts a spectrum from labels, and you inverted it by fitting. A neural
# network goes the other way directly: spectrum in, labels out. It is fast, it can represent what a
# quadratic cannot, and nothing in its output shows when it is wrong. In this lab you train one from
# the first line, and then you test it: what does it measure, what does it infer from correlations,
# and when can its quoted errors be believed?
#
# By the end of this lab you will be able to
#
# * prepare inputs and labels, and keep training, validation and test stars apart;
# * write a training loop with a Gaussian loss, noise augmentation and early stopping, save what it
#   has learnt, and label spectra that it has never seen;
# * compare a network with the best linear method and with your Cannon, on stars that none has seen;
# * test quoted errors, and correct them;
# * find out whether the network's [Mg/Fe] comes from magnesium lines or from other elements whose
#   abundances go with magnesium's.
#
# **You need** the products of labs 2 and 3 (yours, or the kit's references), linear algebra, and
# the Gaussian likelihood of lab 3. No experience with networks is needed. This is problem 15 of the
# course sheet (optional there for extra credit).
#
# | section | hours |
# |---|---|
# | 1-2 three sets, inputs and labels | 1.5 |
# | 3 the linear baseline | 0.5 |
# | 4 a network by hand: loss, early stopping | 1 |
# | 5 training, saving, predicting, architectures | 3.5 |
# | 6 the examination | 1 |
# | 7-9 what it looks at, beyond the edge, real stars | 1.5 |
#
# That is about 9 hours. Hints are folded below the harder questions. If you are stuck at the
# training, the boxes *Stuck?* let the linear model of section 3 take the network's place, so that
# you can go on and lose only the points of the questions that you left out.
#
# By default the spectra come from the kit's embedded archive: they are **simulated**. The cells
# below name the archive you are using; the same notebook runs on real spectra.
#
# A function leaves what it is given as it was; work on a copy.

# %% setup=true
import time

import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.stats import norm
from tqdm.auto import tqdm

from helpers import apogee, archive, plots, products

#: pixels that carry no information have an error of 1e10 (lab 2); from here on they count as bad
BAD_LIMIT = 1e9
#: the network's inputs are deviations from the typical spectrum in units of this much flux
FLUX_UNIT = 0.05
#: how the labels are written on an axis
AXIS_LABELS = {
    "TEFF": "$T_{\\rm eff}$ / K",
    "LOGG": "log g / dex (cgs)",
    "FE_H": "[Fe/H] / dex",
    "MG_FE": "[Mg/Fe] / dex",
    "SI_FE": "[Si/Fe] / dex",
}
#: the device is chosen once, a graphics processor if there is one; every tensor below follows it
DEVICE = torch.device(
    "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
)


def finish():
    """Wait until the device has done what it was given, so that a clock measures all of it."""
    if DEVICE.type != "cpu":
        getattr(torch, DEVICE.type).synchronize()


# %% [markdown]
# ### Where this lab leads
#
# Here is its result in one picture: the typical error of each label for the linear method and for
# the network, relative to your Cannon. The numbers are averages over runs of the solved lab. The
# network is better than the Cannon in four of five labels, by some ten to twenty per cent. The
# linear method, which needs no more than one linear system, is better than the Cannon in [Mg/Fe]
# and [Si/Fe]. Section 7 shows what such numbers hide.

# %%
RESULT = {"linear": (1.08, 1.08, 1.02, 0.94, 0.86), "network": (0.81, 0.98, 0.85, 0.85, 0.92)}
with plots.style():
    figure, axis = plt.subplots(figsize=(6.5, 2.8))
    for offset, (name, ratios), colour in zip(
        (-0.2, 0.2), RESULT.items(), ("sky", "blue"), strict=True
    ):
        axis.bar(np.arange(5) + offset, ratios, 0.4, label=name, color=plots.COLOURS[colour])
    axis.axhline(1, color="0.3", lw=0.8)
    axis.set_xticks(range(5), [text.partition(" /")[0] for text in AXIS_LABELS.values()])
    axis.set_ylim(0.6, 1.3)
    axis.set_ylabel("median error / the Cannon's")
    axis.legend(ncols=2, loc="upper center")
plots.show(
    figure,
    alt="Bars for each of five labels: median error of the linear method and of the network over "
    "that of the Cannon. The network's bars are clearly below one but for log g, the linear "
    "method's for [Mg/Fe] and [Si/Fe] only.",
)
# claim (simulated): np.abs(np.array(RESULT["network"]) - compared["network"]).max() < 0.15
# claim (simulated): np.abs(np.array(RESULT["linear"]) - compared["linear"]).max() < 0.15

# %% [markdown]
# ## 1. Three sets of stars
#
# You need the normalised spectra of lab 2 and, to compare with, the labels that your Cannon of
# lab 3 found for the stars of its cross-validation half. Both come from `products.load`: yours
# if you saved them, the kit's reference if not.

# %%
survey = products.load("02_continuum")
cannon = products.load("03_cannon")
chips = np.concatenate([np.arange(chip.start, chip.stop) for chip in apogee.CHIPS.values()])


def on_chips(product, name):
    """Take an array out of a product, and keep only its pixels on the detectors."""
    return np.asarray(product.pop(name), dtype=np.float32).take(chips, axis=1)


wavelength = np.asarray(survey["wavelength"], dtype=float)[chips]
flux, error = on_chips(survey, "flux"), on_chips(survey, "error")
labels = np.asarray(survey["labels"], dtype=float)
label_names = [str(name) for name in survey["label_names"]]
names = np.array([str(name) for name in survey["apogee_id"]])
examined = np.array([str(name) for name in cannon["apogee_id"]])
source = archive.current().description
print(f"{len(names)} normalised spectra of {wavelength.size} pixels, from: {source}")
print(f"{len(examined)} of the stars were the Cannon's test set in lab 3; device: {DEVICE}")

# %% [markdown]
# A network has far more weights than you have stars: it *can* learn every training star by heart.
# So there are three sets. The **training set** determines the weights. The **validation set** tells
# you when to stop and which network to keep. It is used many times, so the kept network does a
# little better on it than on other stars. The **test set** is looked at once, when everything has
# been decided.
#
# ### Question 1 · Who may see what
#
# Write `three_sets`. The stars on which the Cannon was tested in lab 3 are the test set. Both
# methods are then compared on the same stars, and neither was trained on any of them.


# %% solution="three_sets"
def three_sets(names, examined, share, seed):
    """Divide the stars into training, validation and test set.

    Parameters
    ----------
    names : (n,) array of str
        All stars; the same star may stand in more than one row.
    examined : (m,) array of str
        Stars of the test set, in any order; some may not be among `names`.
    share : float
        Share of the *other* stars that goes to the validation set, for example 0.15: counted, or
        the probability of each star.
    seed : int
        The same seed gives the same sets, another seed another choice.

    Returns
    -------
    is_training, is_validation, is_test : (n,) arrays of bool
        Every row is in exactly one of the sets; all rows of one star are in the same set.
    """
    ### BEGIN SOLUTION
    names = np.asarray(names)
    is_test = np.isin(names, examined)
    others = np.unique(names[~is_test])
    chosen = np.random.default_rng(seed).permutation(others)[: round(share * len(others))]
    is_validation = np.isin(names, chosen) & ~is_test
    return ~is_test & ~is_validation, is_validation, is_test
    ### END SOLUTION


# %% test="three_sets" points=2
from helpers import checks


@checks.run
def test_three_sets():
    import numpy as np

    divide = checks.submitted("three_sets")
    names = np.array([f"star{i:03d}" for i in range(200)])
    sets = divide(names, names[100:], 0.2, 1)
    checks.that(type(sets) in (tuple, list) and len(sets) == 3, "return three arrays")
    training, validation, test = (checks.truths(s, (200,)) for s in sets)
    checks.that(
        bool((training.astype(int) + validation + test == 1).all()),
        "every star belongs to exactly one of the three sets",
    )
    checks.that(
        bool((test == np.isin(names, names[100:])).all()),
        "the test set should hold the examined stars and no others",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_three_sets_share():
    import numpy as np

    divide = checks.submitted("three_sets")
    rng = np.random.default_rng(61)
    for n, share in ((4000, 0.1), (4000, 0.3)):
        names = rng.permutation([f"2M{i:05d}" for i in range(n)])
        examined = rng.permutation(np.append(names[: n // 2], ["unknown"]))
        training, validation, test = (
            checks.truths(s, (n,)) for s in divide(names, examined, share, 5)
        )
        checks.that(
            bool((training.astype(int) + validation + test == 1).all()),
            "every star belongs to exactly one of the three sets",
        )
        checks.that(
            bool((test == np.isin(names, examined)).all()),
            "the order of the examined stars should not matter",
        )
        # as many as counted, or as chance gives if a coin is thrown for each star
        chance = np.sqrt(share * (1 - share) * n / 2)
        checks.that(
            bool(abs(validation.sum() - share * n / 2) < 5 * chance),
            "the share counts the stars that are not in the test set",
        )


### END HIDDEN TESTS

# %% test="three_sets.random" points=1
from helpers import checks


@checks.run
def test_three_sets_random():
    import numpy as np

    divide = checks.submitted("three_sets")
    names = np.array([f"star{i:03d}" for i in range(300)])
    first, again, other = (
        checks.truths(divide(names, names[:100], 0.2, s)[1], (300,)) for s in (1, 1, 2)
    )
    checks.that(bool((first == again).all()), "the same seed should give the same sets")
    checks.that(bool((first != other).any()), "another seed should give another choice")


### BEGIN HIDDEN TESTS
@checks.run
def test_three_sets_twice_observed():
    import numpy as np

    divide = checks.submitted("three_sets")
    names = np.array([f"star{i % 60:03d}" for i in range(180)])
    for seed in range(5):
        training, validation, test = (
            checks.truths(s, (180,)) for s in divide(names, names[:20], 0.3, seed)
        )
        checks.that(
            bool((test == np.isin(names, names[:20])).all()),
            "all rows of an examined star belong to the test set",
        )
        checks.that(bool(validation.any()), "the validation set is empty")
        checks.that(
            not set(names[training]) & set(names[validation]),
            "a star that was observed twice is both in training and in validation: the network "
            "is then examined on what it has learnt by heart",
        )
    names = np.arange(100).astype(str)
    often = np.mean([divide(names, np.array(["x"]), 0.5, s)[1] for s in range(40)], axis=0)
    checks.that(
        bool(often.min() > 0 and often.max() < 1),
        "some stars are in the validation set whatever the seed: is the choice random?",
    )


### END HIDDEN TESTS

# %%
is_training, is_validation, is_test = (
    np.asarray(chosen, dtype=bool) for chosen in three_sets(names, examined, share=0.15, seed=6)
)
for what, chosen in (("train", is_training), ("validate", is_validation), ("test", is_test)):
    print(f"{chosen.sum():5d} stars to {what}")

# %% [markdown]
# ## 2. What goes in, what comes out
#
# Optimisers work best with numbers of order one. With a temperature of 4800 and an abundance of
# 0.03 in one loss, only the temperature would count.
#
# ### Question 2 · Labels of order one
#
# Write `scale_labels`: subtract a mean and divide by a standard deviation, label by label. *Whose*
# mean? Validation and test stars stand for stars that will be observed later. If their labels enter
# the scaling, something about them has leaked into the training.


# %% solution="scale_labels"
def scale_labels(labels, is_training):
    """Scale labels to mean 0 and standard deviation 1 over the training set.

    Parameters
    ----------
    labels : (n, k) array
        In kelvin and dex.
    is_training : (n,) array of bool
        Which stars may be used to find mean and scale.

    Returns
    -------
    scaled : (n, k) array
        The labels of all stars, scaled.
    mean, scale : (k,) arrays
        With ``labels = mean + scale * scaled``.
    """
    ### BEGIN SOLUTION
    mean = labels[is_training].mean(axis=0)
    scale = labels[is_training].std(axis=0)
    return (labels - mean) / scale, mean, scale
    ### END SOLUTION


# %% test="scale_labels" points=2
from helpers import checks


@checks.run
def test_scale_labels():
    import numpy as np

    rng = np.random.default_rng(62)
    labels = rng.normal([4700, 2.5], [150, 0.6], (300, 2))
    training = np.arange(300) < 200
    result = checks.submitted("scale_labels")(labels, training)
    checks.that(type(result) in (tuple, list) and len(result) == 3, "return three arrays")
    scaled = checks.array(result[0], (300, 2), "scaled")
    mean, scale = checks.array(result[1], (2,), "mean"), checks.array(result[2], (2,), "scale")
    checks.close(
        mean + scale * scaled, labels, rtol=1e-5, hint="mean + scale * scaled is not the labels"
    )
    checks.close(
        scaled[training].std(axis=0), [1, 1], atol=0.01, hint="the training labels should scatter "
        "by 1 in each column, after scaling",
    )  # fmt: skip


### BEGIN HIDDEN TESTS
@checks.run
def test_scale_labels_columns():
    import numpy as np

    rng = np.random.default_rng(63)
    labels = rng.normal([4700, 2.5, -0.2, 0.05], [150, 0.6, 0.3, 0.1], (400, 4))
    training = rng.random(400) < 0.6
    scaled, mean, scale = checks.submitted("scale_labels")(labels, training)
    checks.close(
        checks.array(mean, (4,)), labels[training].mean(axis=0), rtol=1e-3, atol=1e-3,
        hint="the mean of each label over the training stars is off",
    )  # fmt: skip
    checks.close(
        checks.array(scale, (4,)), labels[training].std(axis=0), rtol=0.01,
        hint="each label has its own scale",
    )  # fmt: skip


### END HIDDEN TESTS

# %% test="scale_labels.leak" points=2
from helpers import checks


@checks.run
def test_scale_labels_leak():
    import numpy as np

    rng = np.random.default_rng(64)
    labels = rng.normal([4700, 2.5], [150, 0.6], (50, 2))
    training = np.arange(50) < 30
    scaled = checks.array(checks.submitted("scale_labels")(labels, training)[0], (50, 2))
    for column, label in zip(scaled.T, labels.T, strict=True):
        checks.that(
            bool(np.abs(column).max() < 10 and np.corrcoef(column, label)[0, 1] > 0.99),
            "scaled labels should be of order one, and follow the labels",
        )
    changed = labels.copy()
    changed[40:] *= 2.0
    again = checks.array(checks.submitted("scale_labels")(changed, training)[0], (50, 2))
    checks.close(
        again[:40], scaled[:40], atol=1e-4,
        hint="changing a test star's labels changes how the other stars are scaled: something of "
        "the test set leaks into the training",
    )  # fmt: skip


# %% setup=true
def unscale(scaled, scaled_error, mean, scale):
    """Turn scaled predictions and their errors (n, k) into labels and errors in kelvin and dex."""
    return mean + scale * scaled, scale * scaled_error


# %%
scaled, label_mean, label_scale = map(np.asarray, scale_labels(labels, is_training))

# %% [markdown]
# <details><summary>Stuck? The scaling of lab 3</summary>
#
# ```python
# label_mean, label_scale = cannon["mean"], cannon["scale"]
# scaled = (labels - label_mean) / label_scale
# ```
#
# </details>

# %%
for name, m, s in zip(label_names, label_mean, label_scale, strict=True):
    print(f"{name:6s} = {m:9.3f} + {s:7.3f} x (scaled label)")

# %% [markdown]
# ### Question 3 · Pixels, good and bad
#
# Most of a normalised spectrum is the same in all giants. The information on the labels is in the
# deviation from the typical spectrum. Give the network this deviation, in units of `FLUX_UNIT`, so
# that the inputs too are of order one. Of a bad pixel nothing is known: its input must be zero, as
# in the typical spectrum, whatever number stands in the file.
#
# Write `network_input`.


# %% solution="network_input"
def network_input(flux, error, typical):
    """Turn normalised spectra into what a network is given.

    Parameters
    ----------
    flux, error : (n, p) arrays
        Normalised flux and its error. Where the error is `BAD_LIMIT` (1e9) or more, or flux or
        error is not finite, nothing is known about the pixel.
    typical : (p,) array
        Typical flux of the training stars, for example the mean over good pixels.

    Returns
    -------
    inputs, input_error : (n, p) arrays, finite
        Deviation from the typical spectrum and its error, both in units of ``FLUX_UNIT``; both
        zero where nothing is known.
    """
    ### BEGIN SOLUTION
    known = np.isfinite(flux) & np.isfinite(error) & (error < BAD_LIMIT)
    inputs = np.where(known, (flux - typical) / FLUX_UNIT, 0.0)
    return inputs.astype(np.float32), np.where(known, error / FLUX_UNIT, 0.0).astype(np.float32)
    ### END SOLUTION


# %% test="network_input" points=2
from helpers import checks


@checks.run
def test_network_input():
    import numpy as np

    rng = np.random.default_rng(67)
    typical = rng.uniform(0.6, 1, 40)
    flux, error = typical + 0.05, np.full(40, 0.01)
    result = checks.submitted("network_input")(flux[None], error[None], typical)
    checks.that(type(result) in (tuple, list) and len(result) == 2, "return two arrays")
    checks.close(
        checks.array(result[0], (1, 40), "inputs"), np.ones((1, 40)), atol=1e-4,
        hint="a flux of one FLUX_UNIT above the typical spectrum should be an input of one",
    )  # fmt: skip


### BEGIN HIDDEN TESTS
@checks.run
def test_network_input_errors():
    import numpy as np

    rng = np.random.default_rng(68)
    typical = rng.uniform(0.6, 1, 40)
    flux, error = rng.normal(typical, 0.1, (5, 40)), rng.uniform(0.005, 0.02, (5, 40))
    inputs, width = checks.submitted("network_input")(flux, error, typical)
    checks.close(
        checks.array(inputs, (5, 40)) * 0.05 + typical, flux, atol=1e-5,
        hint="the deviation from the typical spectrum is off",
    )  # fmt: skip
    checks.close(
        checks.array(width, (5, 40)) * 0.05, error, atol=1e-6,
        hint="the error should be in the same unit as the input",
    )  # fmt: skip


### END HIDDEN TESTS

# %% test="network_input.bad" points=2
from helpers import checks


@checks.run
def test_network_input_bad():
    import numpy as np

    flux, error = np.ones((2, 30)), np.full((2, 30), 0.01)
    flux[0, 3], error[0, 3] = 55.0, 1e10
    inputs, width = checks.submitted("network_input")(flux, error, np.full(30, 0.9))
    inputs = checks.array(inputs, (2, 30), "inputs")
    checks.that(
        bool(abs(inputs[0, 3]) < 1e-6),
        "a bad pixel's flux reaches the network: give it the most neutral value",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_network_input_garbage():
    import numpy as np

    rng = np.random.default_rng(69)
    flux, error = rng.uniform(0.5, 1.2, (3, 50)), np.full((3, 50), 0.01)
    flux[0, :3], error[1, :2] = (np.nan, np.inf, -np.inf), (np.nan, np.inf)
    error[2, 4:6] = 1e10, 1e9
    flux[2, 4] = 1.0
    inputs, width = checks.submitted("network_input")(flux, error, np.full(50, 0.8))
    inputs = checks.array(inputs, (3, 50), "inputs")
    width = checks.array(width, (3, 50), "the error")
    bad = np.zeros((3, 50), dtype=bool)
    bad[0, :3] = bad[1, :2] = bad[2, 4:6] = True
    checks.that(bool((inputs[bad] == 0).all()), "some bad pixels are not neutral")
    checks.that(
        bool((width[bad] == 0).all()),
        "a bad pixel's error should be zero: it is used to draw noise, and none is to be drawn",
    )
    checks.that(bool((inputs[~bad] != 0).mean() > 0.99), "good pixels were lost")
    checks.that(
        bool(np.abs(np.corrcoef(inputs[~bad], flux[~bad])[0, 1]) > 0.99),
        "the inputs of good pixels do not follow their flux",
    )


### END HIDDEN TESTS

# %%
seen = np.where(error[is_training] < BAD_LIMIT, flux[is_training], np.nan)
counts = np.isfinite(seen).sum(axis=0)
total = np.nansum(seen, axis=0, dtype=float)
typical = np.where(counts > 0, total / np.maximum(counts, 1), 1.0).astype(np.float32)
del seen
inputs, input_error = (np.asarray(a, dtype=np.float32) for a in network_input(flux, error, typical))


def spectra(rows):
    """Flux and error of some of the stars, out of the network's inputs, which say the same."""
    known = input_error[rows] > 0
    sigma = np.where(known, FLUX_UNIT * input_error[rows], BAD_LIMIT)
    return typical + FLUX_UNIT * inputs[rows], sigma


star = int(np.flatnonzero(is_training)[0])
with plots.style():
    figure, (above, below) = plt.subplots(2, 1, figsize=(8, 4.2), sharex=True)
    part = (wavelength > 16000) & (wavelength < 16150)
    shown = np.where(error[star] < BAD_LIMIT, flux[star], np.nan)
    above.plot(wavelength[part], shown[part], lw=0.8, color=plots.COLOURS["blue"], label="star")
    above.plot(wavelength[part], typical[part], lw=0.8, color="0.5", label="typical")
    above.set_ylabel("normalised flux")
    above.legend(loc="lower right", ncols=2)
    below.plot(wavelength[part], inputs[star][part], lw=0.8, color=plots.COLOURS["vermilion"])
    below.axhline(0, lw=0.6, color="0.6")
    below.set_ylabel(f"input / {FLUX_UNIT} of flux")
    below.set_xlabel("vacuum wavelength / Å")
    figure.suptitle(f"{names[star]} ({source})", fontsize=9)
plots.show(
    figure,
    alt="Above, the normalised spectrum of a giant between 16000 and 16150 angstrom with the "
    "typical spectrum behind it; below, their difference, the network's input, mostly within two "
    "units of zero.",
)
# claim: np.mean(np.abs(inputs[star][part]) < 2) > 0.9
# claim: np.abs(np.mean(inputs[is_training])) < 0.2 and np.std(inputs[is_training]) < 1
# from here on the inputs are enough; to run this cell again, load the spectra again first
del flux, error

# %% [markdown]
# The inputs are of order one, centred on zero, and exactly zero wherever nothing is known.
#
# claim: np.abs(np.mean(inputs[is_training])) < 0.2 and 0.2 < np.std(inputs[is_training]) < 2
#
# ### Question 4 · Training with fresh noise
#
# Fewer than 800 stars are a small training set. But you know more about each of them than one
# spectrum: what the *same* star would look like if it were observed again. Each pass through the
# training set may therefore use **fresh noise** for each star, drawn from its own error array, and
# lose a few more pixels. A network trained in this way cannot learn single noise spikes, and learns
# to do without some of the pixels.
#
# Write `augment`. The noise must be drawn anew at every call.
#
# claim: 700 < is_training.sum() < 800


# %% solution="augment"
def augment(inputs, input_error, lost, rng):
    """Observe the same stars once more: fresh noise, and a few more pixels lost.

    Parameters
    ----------
    inputs, input_error : (n, p) arrays
        From `network_input`; they must not be changed.
    lost : float
        Probability that a pixel is lost: its value becomes zero.
    rng : numpy Generator
        The source of chance; use it and nothing else.

    Returns
    -------
    (n, p) array
        Inputs with Gaussian noise of standard deviation `input_error` added to each pixel
        independently, and a random share `lost` of all pixels set to zero.
    """
    ### BEGIN SOLUTION
    noisy = inputs + input_error * rng.standard_normal(inputs.shape, dtype=np.float32)
    return np.where(rng.random(inputs.shape, dtype=np.float32) < lost, np.float32(0), noisy)
    ### END SOLUTION


# %% test="augment" points=2
from helpers import checks


@checks.run
def test_augment():
    import numpy as np

    inputs, error = np.full((40, 100), 3.0), np.full((40, 100), 0.2)
    again = checks.submitted("augment")(inputs, error, 0.0, np.random.default_rng(1))
    again = checks.array(again, (40, 100))
    checks.that(bool((again != inputs).any()), "no noise was added")
    checks.that(bool(abs(again.mean() - 3.0) < 0.05), "the noise should have mean zero")


### BEGIN HIDDEN TESTS
@checks.run
def test_augment_noise():
    import numpy as np

    rng = np.random.default_rng(70)
    inputs = rng.normal(0, 1, (60, 400))
    error = rng.uniform(0.05, 0.6, (1, 400)) * rng.uniform(0.5, 2.0, (60, 1))
    error[:, :20] = 0
    noise = checks.array(checks.submitted("augment")(inputs, error, 0.0, rng), (60, 400)) - inputs
    checks.that(
        bool((np.abs(noise[:, :20]) < 1e-5).all()), "a pixel without error should get no noise"
    )
    z = noise[:, 20:] / error[:, 20:]
    checks.close(z.std(), 1.0, rtol=0.05, hint="the noise should be as large as the errors say")
    checks.close(np.mean(z**4), 3.0, rtol=0.15, hint="the noise should be Gaussian")
    checks.close(
        z.std(axis=0).std(), 1 / np.sqrt(120), rtol=0.4,
        hint="every pixel and star should get noise of its own error",
    )  # fmt: skip
    checks.that(
        bool(abs(np.corrcoef(z[:30].ravel(), z[30:].ravel())[0, 1]) < 0.05),
        "different stars get the same noise",
    )


### END HIDDEN TESTS

# %% test="augment.lost" points=1
from helpers import checks


@checks.run
def test_augment_lost():
    import numpy as np

    inputs, error = np.full((50, 200), 3.0), np.full((50, 200), 0.1)
    again = checks.array(
        checks.submitted("augment")(inputs, error, 0.2, np.random.default_rng(2)), (50, 200)
    )
    zero = again == 0
    checks.that(bool(abs(zero.mean() - 0.2) < 0.03), "the share of lost pixels is off")
    checks.close(again[~zero].mean(), 3.0, atol=0.1, hint="the other pixels should stay")


### BEGIN HIDDEN TESTS
@checks.run
def test_augment_lost_at_random():
    import numpy as np

    inputs, error = np.full((200, 300), 3.0), np.full((200, 300), 0.1)
    zero = checks.array(
        checks.submitted("augment")(inputs, error, 0.3, np.random.default_rng(71)), (200, 300)
    ) == 0  # fmt: skip
    checks.that(
        bool(zero.mean(axis=0).min() > 0.1 and zero.mean(axis=0).max() < 0.5),
        "the same pixels are lost in every star",
    )
    checks.that(bool(abs(zero.mean() - 0.3) < 0.02), "the share of lost pixels is off")
    checks.that(bool(zero.sum(axis=1).std() > 1), "pixels should be lost independently")
    checks.that(
        bool(zero.mean(axis=1).min() > 0.1 and zero.mean(axis=1).max() < 0.5),
        "some stars lose far more pixels than others",
    )


### END HIDDEN TESTS

# %% test="augment.fresh" points=1
from helpers import checks


@checks.run
def test_augment_fresh():
    import numpy as np

    inputs, error = np.random.default_rng(72).normal(0, 1, (5, 50)), np.full((5, 50), 0.1)
    first, second = (
        checks.array(
            checks.submitted("augment")(inputs, error, 0.0, np.random.default_rng(s)), (5, 50)
        )
        for s in (3, 4)
    )
    checks.that(
        bool(np.corrcoef(first.ravel(), inputs.ravel())[0, 1] > 0.8),
        "the same stars are to be observed once more, and these are others",
    )
    checks.that(
        bool((first != second).any()),
        "two generators give the same noise: it must be drawn afresh, from `rng`",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_augment_fresh_hidden():
    import numpy as np

    inputs, error = np.zeros((5, 50)), np.full((5, 50), 0.3)
    one, same = (
        checks.array(
            checks.submitted("augment")(inputs, error, 0.1, np.random.default_rng(9)), (5, 50)
        )
        for _ in range(2)
    )
    checks.that(
        bool((one == same).all()),
        "the same generator should give the same noise: use `rng` for everything that is random",
    )


### END HIDDEN TESTS

# %% [markdown]
# ## 3. The linear baseline
#
# Before you train a network, find out how far the simplest method gets: each label as a weighted
# sum of all inputs. With 7214 inputs and fewer than 800 stars there are many weights that fit the
# training stars exactly, and most of them predict new stars badly. **Ridge regression** prefers
# small weights: it minimises
#
# $$ \sum_n \left(y_n - c - x_n \cdot w\right)^2 + \alpha \sum_p w_p^2 , $$
#
# separately for each label. The constant $c$ is not penalised. The solution is one linear system,
# and the penalty $\alpha$ is chosen on the validation stars.
#
# ### Question 5 · Ridge regression
#
# Write `ridge`.
#
# <details><summary>Hint 1</summary>
#
# Subtract the means of inputs and targets over the stars; then $c$ drops out, and you find it at
# the end from the means.
#
# </details>
# <details><summary>Hint 2</summary>
#
# $w = (X^T X + \alpha I)^{-1} X^T y$ needs a matrix of 7214 x 7214. The same $w$ is
# $X^T (X X^T + \alpha I)^{-1} y$, whose matrix has one row for each star. (Or use a library.)
#
# </details>


# %% solution="ridge"
def ridge(inputs, targets, penalty):
    """Fit targets as linear functions of inputs by ridge regression.

    Parameters
    ----------
    inputs : (n, p) array
        One star a row; p may be much larger than n.
    targets : (n, k) array
    penalty : float
        Alpha of the formula above, larger than zero.

    Returns
    -------
    weights : (p, k) array
    constant : (k,) array
        Predictions are ``inputs @ weights + constant``.
    """
    ### BEGIN SOLUTION
    centre, middle = inputs.mean(axis=0, dtype=float), targets.mean(axis=0)
    x = inputs - centre
    # as many unknowns as stars, not as pixels
    dual = np.linalg.solve(x @ x.T + penalty * np.eye(len(x)), targets - middle)
    weights = x.T @ dual
    return weights, middle - centre @ weights
    ### END SOLUTION


# %% test="ridge" points=2
from helpers import checks


@checks.run
def test_ridge():
    import numpy as np

    rng = np.random.default_rng(600)
    x = rng.normal(2, 1, (60, 4))
    y = x @ np.array([[1.0, 0.0], [0.5, -2.0], [0.0, 0.3], [-1.0, 1.0]]) + [10.0, -3.0]
    answer = checks.submitted("ridge")(x, y, 1e-6)
    checks.that(
        type(answer) in (tuple, list) and len(answer) == 2, "return the weights and the constant"
    )
    weights = checks.array(answer[0], (4, 2), "weights")
    constant = checks.array(answer[1], (2,), "constant")
    checks.close(
        x @ weights + constant,
        y,
        atol=1e-3,
        hint="with hardly any penalty exactly linear targets should be fitted exactly",
    )
    smaller = checks.array(checks.submitted("ridge")(x, y, 1e3)[0], (4, 2), "weights")
    checks.that(
        bool(np.linalg.norm(smaller) < 0.5 * np.linalg.norm(weights)),
        "a large penalty should make the weights small",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_ridge_constant():
    import numpy as np

    rng = np.random.default_rng(601)
    x, y = rng.normal(1, 1, (50, 3)), rng.normal(7, 1, (50, 2))
    weights, constant = checks.submitted("ridge")(x, y, 1e9)
    checks.close(
        x @ checks.array(weights, (3, 2)) + checks.array(constant, (2,)),
        np.tile(y.mean(axis=0), (50, 1)),
        atol=1e-3,
        hint="the constant is not to be penalised: with a huge penalty the mean is left",
    )


### END HIDDEN TESTS

# %% test="ridge.solution" points=1
from helpers import checks


@checks.run
def test_ridge_solution():
    import numpy as np

    rng = np.random.default_rng(602)
    x, y = rng.normal(0, 1, (30, 200)).astype(np.float32), rng.normal(0, 1, (30, 3))
    weights, constant = checks.submitted("ridge")(x, y, 5.0)
    checks.array(weights, (200, 3), "weights with more inputs than stars")
    checks.array(constant, (3,), "the constant")
    ### BEGIN HIDDEN TESTS
    for n, p, penalty in ((30, 200, 5.0), (200, 20, 40.0)):
        x = rng.normal(1, 2, (n, p))
        y = x[:, :2] + rng.normal(3, 1, (n, 2))
        weights, constant = checks.submitted("ridge")(x, y, penalty)
        # at the minimum of the cost its derivatives are zero
        residual = y - x @ checks.array(weights, (p, 2)) - checks.array(constant, (2,))
        slope = x.T @ residual - penalty * weights
        checks.close(
            np.abs(slope).max() / np.abs(x.T @ (y - y.mean(axis=0))).max(),
            0.0,
            atol=1e-3,
            hint="these weights are not where the penalised sum of squares is smallest",
        )
        checks.close(
            residual.mean(axis=0), [0, 0], atol=1e-3, hint="the residuals should have mean zero"
        )
    ### END HIDDEN TESTS


# %%
penalties = np.geomspace(1, 1e4, 9)


def best_ridge(learn, guard):
    """Fit some stars (a mask) with each penalty, and keep for each label what suits others best."""
    fits = [ridge(inputs[learn], scaled[learn], penalty) for penalty in penalties]
    fits = [(np.asarray(weights), np.asarray(constant)) for weights, constant in fits]
    misses = np.array([
        np.median(np.abs(inputs[guard] @ weights + constant - scaled[guard]), axis=0)
        for weights, constant in fits
    ])  # fmt: skip
    best = np.argmin(misses, axis=0)
    weights = np.column_stack([fits[n][0][:, k] for k, n in enumerate(best)])
    return weights, np.array([fits[n][1][k] for k, n in enumerate(best)]), misses


ridge_weights, ridge_constant, misses = best_ridge(is_training, is_validation)
print("penalty:", "  ".join(f"{p:7.0f}" for p in penalties))
for name, column in zip(label_names, misses.T, strict=True):
    print(f"{name:8s}", "  ".join(f"{m:7.3f}" for m in column), "(median miss, scaled label)")

# %% [markdown]
# With a large penalty the weights are too small to follow the labels. Towards small penalties
# little is lost, because the spectra are noisy: noise in the inputs keeps the weights small, as a
# penalty does.
#
# claim: np.all(misses[-1] > 1.5 * misses.min(axis=0))
# claim: np.all(misses[0] < 1.4 * misses.min(axis=0))
#
# ## 4. A network by hand
#
# A dense network is linear algebra with a non-linear function after each step:
#
# $$ h_1 = g(W_1 x + b_1), \quad h_2 = g(W_2 h_1 + b_2), \quad y = W_3 h_2 + b_3 . $$
#
# Without the function $g$ any number of layers would be one matrix. We use the rectifier
# $g(x) = \max(x, 0)$ here. The last layer has none, because a label may have any sign.
#
# In NumPy that is a loop of three lines. Rows are stars, so mind on which side the matrix stands:


# %% setup=true
def forward(inputs, weights, biases):
    """Output of a dense network.

    Parameters
    ----------
    inputs : (n, p) array
        One star a row.
    weights : list of (outputs, inputs) arrays
        One matrix per layer, shaped as in PyTorch: rows are the layer's outputs.
    biases : list of (outputs,) arrays

    Returns
    -------
    (n, k) array
        The last layer's output, without rectifier; a rectifier follows each layer before it.
    """
    values = inputs
    for i, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        values = values @ weight.T + bias
        if i < len(weights) - 1:
            values = np.maximum(values, 0)
    return values


# %%
torch.manual_seed(0)
small = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2))
x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
parts = [p.detach().numpy() for p in small.parameters()]
by_hand = forward(x, parts[::2], parts[1::2])
apart = np.abs(by_hand - small(torch.tensor(x)).detach().numpy()).max()
print(f"largest difference from PyTorch: {apart:.1e}")

# %% [markdown]
# PyTorch computes the same numbers. What it adds is the derivative of any loss with respect to all
# the weights, by the chain rule, at the cost of about two more such passes.
#
# claim: apart < 1e-6
#
# ### Question 6 · A loss with errors
#
# The squared error treats a star of S/N 50 like one of S/N 500. Let the network give *two* numbers
# per label: a mean $\mu$ and the logarithm of a standard deviation, $\ln\sigma$. The loss is the
# negative logarithm of the Gaussian probability that it gave to the catalogue label $y$:
#
# $$ L = \Big\langle \tfrac12 \ln(2\pi) + \ln\sigma + \tfrac12 \Big(\frac{y-\mu}{\sigma}\Big)^2
# \Big\rangle , $$
#
# averaged over stars and labels. It is the likelihood of lab 3, written for predicted labels. The
# term $\ln\sigma$ makes large errors expensive, the last term makes errors expensive that are small
# beside the differences; the lowest loss is reached when the $\sigma$ describe the differences.


# %% solution="gaussian_loss"
def gaussian_loss(mean, log_sigma, target):
    """Mean negative log-likelihood of targets under Gaussian predictions.

    Parameters
    ----------
    mean, log_sigma : (n, k) arrays
        Predicted mean and natural logarithm of the predicted standard deviation.
    target : (n, k) array
        The labels, scaled.

    Returns
    -------
    float
    """
    ### BEGIN SOLUTION
    z = (target - mean) / np.exp(log_sigma)
    return float(np.mean(0.5 * np.log(2 * np.pi) + log_sigma + 0.5 * z**2))
    ### END SOLUTION


# %% test="gaussian_loss" points=2
from helpers import checks


@checks.run
def test_gaussian_loss():
    import numpy as np

    loss = checks.submitted("gaussian_loss")
    zero = np.zeros((4, 2))
    exact = checks.number(loss(zero, zero, zero))
    checks.close(
        exact, 0.5 * np.log(2 * np.pi), atol=1e-5,
        hint="for an exact prediction with sigma 1 only the constant is left",
    )  # fmt: skip
    checks.that(
        checks.number(loss(zero, zero, zero + 2.0)) > exact + 1,
        "a prediction that is two sigma off should cost more",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_gaussian_loss_truth():
    import numpy as np
    from scipy.stats import norm

    rng = np.random.default_rng(73)
    mean, log_sigma = rng.normal(0, 1, (50, 3)), rng.normal(-1, 0.7, (50, 3))
    target = mean + np.exp(log_sigma) * rng.normal(0, 1.3, (50, 3))
    want = -norm.logpdf(target, mean, np.exp(log_sigma)).mean()
    checks.close(
        checks.submitted("gaussian_loss")(mean, log_sigma, target), want, rtol=1e-4,
        hint="the loss is not the mean of -ln p: look at the sign, the factor 1/2, and at sigma",
    )  # fmt: skip


### END HIDDEN TESTS

# %% test="gaussian_loss.best" points=1
from helpers import checks


@checks.run
def test_gaussian_loss_best():
    import numpy as np

    rng = np.random.default_rng(74)
    loss = checks.submitted("gaussian_loss")
    target = rng.normal(0, 0.5, (4000, 1))
    zero = np.zeros_like(target)
    tried = np.linspace(0.2, 1.2, 41)
    values = [checks.number(loss(zero, zero + np.log(s), target)) for s in tried]
    checks.that(
        abs(tried[int(np.argmin(values))] - 0.5) < 0.08,
        "residuals that scatter by 0.5 should make sigma = 0.5 the cheapest claim",
    )


# %% [markdown]
# ### Question 7 · When to stop
#
# If you train long enough the training loss falls further and further, because the network learns
# the training stars by heart. The validation loss falls, and then it may rise again. Keep the
# weights from where it was lowest, and stop when it has not improved for a while.


# %% solution="early_stopping"
def early_stopping(validation_loss, patience):
    """Find which epoch's weights to keep, and after which epoch to stop.

    Parameters
    ----------
    validation_loss : sequence of float
        Validation loss after each epoch so far, epoch 0 first; one that is not finite, or equal
        to the lowest so far, is no improvement.
    patience : int
        Stop as soon as this many epochs in a row have brought no new lowest loss.

    Returns
    -------
    best, last : int
        The epoch with the lowest loss among those run, and the last epoch that is run (the last
        of the list if the patience never ends).
    """
    ### BEGIN SOLUTION
    best, lowest = 0, np.inf
    for epoch, loss in enumerate(validation_loss):
        if np.isfinite(loss) and loss < lowest:
            best, lowest = epoch, loss
        elif epoch - best >= patience:
            return best, epoch
    return best, len(validation_loss) - 1
    ### END SOLUTION


# %% test="early_stopping" points=2
from helpers import checks


@checks.run
def test_early_stopping():
    stop = checks.submitted("early_stopping")
    losses = [3.0, 2.0, 1.0, 1.5, 1.4, 1.3, 0.5]
    result = stop(losses, 10)
    checks.that(type(result) in (tuple, list) and len(result) == 2, "return two epochs")
    checks.that(
        [int(checks.number(n)) for n in result] == [6, 6],
        "with much patience everything is run, and the lowest loss wins",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_early_stopping_patience():
    import numpy as np

    stop = checks.submitted("early_stopping")
    losses = [3.0, 2.0, 1.0, 1.5, 1.4, 1.3, 0.5]
    found = [int(checks.number(n)) for n in stop(losses, 3)]
    checks.that(
        found == [2, 5],
        "after `patience` epochs without a new lowest loss it is over, even if a lower one would "
        "have followed; count from the lowest, not from the epoch before",
    )
    rng = np.random.default_rng(75)
    for _ in range(30):
        losses = (rng.normal(0, 0.2, 40) + np.abs(np.arange(40) - 15) / 10).tolist()
        patience = int(rng.integers(1, 8))
        best, last = (int(checks.number(n)) for n in stop(losses, patience))
        run = losses[: last + 1]
        checks.that(best == int(np.argmin(run)), "the kept epoch is not the best of those run")
        over = last - best >= patience
        checks.that(over or last == 39, "it stops before the patience has ended")
        checks.that(last - best <= patience, "it runs on after the patience has ended")


### END HIDDEN TESTS

# %% test="early_stopping.nan" points=1
from helpers import checks


@checks.run
def test_early_stopping_nan():
    stop = checks.submitted("early_stopping")
    best, last = (int(checks.number(n)) for n in stop([2.0, float("nan"), 1.0, 3.0], 5))
    checks.that(best == 2, "a loss that is not a number should not be kept")


### BEGIN HIDDEN TESTS
@checks.run
def test_early_stopping_nan_hidden():
    stop = checks.submitted("early_stopping")
    nan = float("nan")
    best, last = (int(checks.number(n)) for n in stop([2.0, nan, nan, nan, 1.0], 3))
    checks.that(
        (best, last) == (0, 3), "epochs whose loss is not a number bring no improvement either"
    )
    best, last = (int(checks.number(n)) for n in stop([2.0, 1.5, 1.5, 1.5, 1.0], 2))
    checks.that((best, last) == (1, 3), "an equal loss is no new lowest one")
    best, last = (int(checks.number(n)) for n in stop([nan, 2.0, 1.0, 3.0], 3))
    checks.that((best, last) == (2, 3), "the very first loss may be no number, too")
    best, last = (int(checks.number(n)) for n in stop([2.0, -float("inf"), 1.0, 3.0], 3))
    checks.that((best, last) == (2, 3), "an infinite loss, of either sign, should not be kept")


### END HIDDEN TESTS

# %% [markdown]
# ## 5. Training
#
# All networks of this lab end in two numbers per label, mean and $\ln\sigma$. A *design* is a small
# dictionary of hyper-parameters. Two designs are given:
#
# * **dense**: two hidden layers of 64 units that see all pixels at once;
# * **convolutional**: first two layers of small filters that slide along the spectrum, so that what
#   is learnt about a line's shape in one place applies everywhere; then a dense layer.
#
# The smooth function `GELU` replaces the rectifier, and `Dropout` switches a tenth of the units off
# at random *while training*, so that the network does not depend on any single one of them.

# %% setup=true
DESIGNS = {
    "dense": {"filters": 0, "units": 64, "dropout": 0.1, "learning_rate": 1e-3},
    "convolutional": {"filters": 8, "units": 64, "dropout": 0.1, "learning_rate": 2e-3},
}


def build_network(design, n_inputs, n_labels, seed):
    """Make an untrained network: (n, n_inputs) in, (n, 2 n_labels) out (means, log sigmas).

    Parameters
    ----------
    design : dict
        ``filters``: how many, 0 for none; ``units``: of each hidden layer; ``dropout``: share of
        units switched off in training; ``learning_rate``: step size of the optimiser, not used
        here.
    n_inputs, n_labels, seed : int

    Returns
    -------
    torch.nn.Sequential
    """
    torch.manual_seed(seed)
    nn, units = torch.nn, design["units"]
    if design["filters"]:
        filters = nn.Sequential(
            nn.Unflatten(1, (1, n_inputs)),
            nn.Conv1d(1, design["filters"], kernel_size=9, stride=3), nn.GELU(),
            nn.Conv1d(design["filters"], design["filters"], kernel_size=9, stride=3), nn.GELU(),
            nn.Flatten(),
        )  # fmt: skip
        n_features = filters(torch.zeros(1, n_inputs)).shape[1]
        layers = [filters, nn.Linear(n_features, units), nn.GELU(), nn.Dropout(design["dropout"])]
    else:
        layers = [
            nn.Linear(n_inputs, units), nn.GELU(), nn.Dropout(design["dropout"]),
            nn.Linear(units, units), nn.GELU(),
        ]  # fmt: skip
    return nn.Sequential(*layers, nn.Linear(units, 2 * n_labels)).to(DEVICE)


# %% [markdown]
# ### A dataset and a loader
#
# PyTorch feeds a network through two small objects. A *dataset* knows how many stars there are and
# returns star number $i$; a *loader* shuffles the numbers once per pass (an **epoch**), and stacks
# stars into batches. One step is taken for each batch, not for each star: the slope of the loss is
# averaged over the stars in it, and one large matrix product is faster than many small ones. Each
# star comes with its *errors*, which are needed to draw fresh noise.

# %%
torch_stars = torch.utils.data.TensorDataset(
    *(torch.as_tensor(a[is_training], dtype=torch.float32) for a in (inputs, input_error, scaled))
)
loader = torch.utils.data.DataLoader(
    torch_stars, batch_size=32, shuffle=True, generator=torch.Generator().manual_seed(6)
)
x, width, y = next(iter(loader))
bad_share = float((width == 0).float().mean())
print(f"{len(torch_stars)} stars make {len(loader)} batches an epoch")
print(f"one batch: inputs {tuple(x.shape)}, scatter {x.std():.2f}; labels {tuple(y.shape)}, "
      f"scatter {y.std():.2f}")  # fmt: skip
print(f"{bad_share:.1%} of its pixels are bad: input and error are zero there")
del torch_stars, loader

# %% [markdown]
# Inputs and labels are of order one, and about a tenth of the pixels are bad. The last batch of an
# epoch is a little smaller than the others, which does no harm.
#
# claim: 0.05 < bad_share < 0.15
#
# ### Question 8 · The training loop
#
# This is the centre of the lab. Write `train_network`. In each epoch:
#
# 1. `network.train()`; go through the training stars in random order, in batches of `batch` (with
#    a loader as above or by hand, but let `seed` decide the order);
# 2. for each batch: augment it, predict, compute the loss
#    (`torch.nn.functional.gaussian_nll_loss` wants the variance; or write out question 6 with
#    `torch.exp`), then `optimiser.zero_grad()`, `loss.backward()`, `optimiser.step()`;
# 3. `network.eval()` and, inside `torch.no_grad()`, the loss of the validation stars *without*
#    augmentation. If it is the lowest so far, keep a copy of the weights; stop by the rule of
#    question 7.
#
# Return the best weights as arrays: a *state*, by the names of `network.state_dict()`. Arrays can
# be saved with `products.save` and loaded years later; a network object depends on the version of
# PyTorch.
#
# `torch.optim.AdamW` with the design's step size and `weight_decay=0.01` is a good optimiser. A
# step size that first rises and then sinks to zero (`torch.optim.lr_scheduler.OneCycleLR`,
# `.step()` after each batch) helps, and so does `torch.nn.utils.clip_grad_norm_`, which limits the
# size of single steps. `for epoch in tqdm(range(epochs)):` draws a progress bar.
#
# <details><summary>Hint 1</summary>
#
# Write a function `loss_of(x, y)` inside: it splits the network's output into mean and $\ln\sigma$
# with `.split(n_labels, dim=1)` and returns the loss. You need it in the training and in the
# validation step.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `augment` works on arrays and needs `rng`, made once from the seed before the first epoch:
# `torch.as_tensor(augment(x, width, lost, rng), dtype=torch.float32, device=DEVICE)`.
#
# </details>
# <details><summary>Hint 3</summary>
#
# `state_dict()` returns the weights themselves, which the next step changes: keep
# `{name: value.cpu().numpy().copy() for name, value in network.state_dict().items()}`.
#
# </details>


# %% solution="train_network" seconds=180
def train_network(design, training, validation, *, epochs, patience, seed, lost=0.03, batch=32):
    """Train a network, and keep the weights that suit the validation stars best.

    Parameters
    ----------
    design : dict
        What `build_network` takes; its ``learning_rate`` is a good step size for AdamW.
    training : tuple of three arrays
        Inputs (n, p), their errors (n, p), both from `network_input`, and scaled labels (n, k).
    validation : tuple of two arrays
        Inputs (m, p) and scaled labels (m, k).
    epochs, patience : int
        At most so many passes through the training set; see `early_stopping`.
    seed : int
        For the weights at the start, the order of the stars, and the augmentation.
    lost : float
        See `augment`.
    batch : int
        Stars per step.

    Returns
    -------
    dict
        ``state``: dict of arrays, the weights of the best epoch by the names of the network's
        `state_dict`; ``training_loss``, ``validation_loss``: one number per epoch that was run;
        ``best``: int, the epoch whose weights were kept.
    """
    ### BEGIN SOLUTION
    rng = np.random.default_rng(seed)
    n_labels = training[2].shape[1]
    network = build_network(design, training[0].shape[1], n_labels, seed)

    def tensor(array):
        return torch.as_tensor(np.ascontiguousarray(array), dtype=torch.float32, device=DEVICE)

    def loss_of(x, y):
        mean, log_sigma = network(x).split(n_labels, dim=1)
        return torch.nn.functional.gaussian_nll_loss(
            mean, y, torch.exp(2 * log_sigma), full=True, eps=1e-8
        )

    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(*(torch.from_numpy(np.float32(a)) for a in training)),
        batch_size=batch,
        shuffle=True,
        generator=torch.Generator().manual_seed(seed),
    )
    rate, steps = design["learning_rate"], epochs * len(loader)
    optimiser = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.01, fused=True)
    pace = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps)
    seen, answer = map(tensor, validation)
    training_loss, validation_loss = [], []
    for _ in tqdm(range(epochs), unit="epoch", leave=False):
        network.train()
        total = 0.0
        for x, width, y in loader:
            loss = loss_of(tensor(augment(x.numpy(), width.numpy(), lost, rng)), y.to(DEVICE))
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            pace.step()
            total += loss.item() * len(x)
        training_loss.append(total / len(training[0]))
        network.eval()
        with torch.no_grad():
            validation_loss.append(loss_of(seen, answer).item())
        best, last = early_stopping(validation_loss, patience)
        if best == len(validation_loss) - 1:
            state = {k: v.cpu().numpy().copy() for k, v in network.state_dict().items()}
        if last - best >= patience:
            break
    return {
        "state": state,
        "training_loss": training_loss,
        "validation_loss": validation_loss,
        "best": best,
    }
    ### END SOLUTION


# %% test="train_network" points=2
from helpers import checks


@checks.run
def test_train_network():
    import numpy as np

    rng = np.random.default_rng(80)
    x = rng.normal(0, 1, (140, 40)).astype(np.float32)
    y = x[:, :2] + 0.1 * rng.normal(0, 1, (140, 2))
    design = {"filters": 0, "units": 64, "dropout": 0.1, "learning_rate": 1e-3}
    out = checks.submitted("train_network")(
        design, (x[:100], np.full((100, 40), 0.05), y[:100]), (x[100:], y[100:]),
        epochs=3, patience=3, seed=1,
    )  # fmt: skip
    checks.that(type(out) is dict, "return a dictionary")
    missing = {"state", "training_loss", "validation_loss", "best"} - set(out)
    checks.that(not missing, f"the dictionary lacks {', '.join(sorted(missing))}")
    checks.that(
        len(out["training_loss"]) == len(out["validation_loss"]) == 3,
        "three epochs should give three training and three validation losses",
    )
    checks.that(type(out["state"]) is dict, "the state should be a dictionary of arrays")
    checks.that(
        set(out["state"]) == {f"{n}.{kind}" for n in (0, 3, 5) for kind in ("weight", "bias")},
        "the state does not have the names of the network's state_dict",
    )
    checks.array(out["state"]["0.weight"], (64, 40), "the weights of the first layer")


### BEGIN HIDDEN TESTS
@checks.run
def test_train_network_designs():
    import numpy as np

    rng = np.random.default_rng(81)
    x = rng.normal(0, 1, (120, 50)).astype(np.float32)
    y = x[:, :3] + 0.1 * rng.normal(0, 1, (120, 3))
    for filters, units, first in ((0, 24, "0.weight"), (4, 16, "0.1.weight")):
        design = {"filters": filters, "units": units, "dropout": 0.0, "learning_rate": 1e-3}
        state = checks.submitted("train_network")(
            design, (x[:80], np.full((80, 50), 0.05), y[:80]), (x[80:], y[80:]),
            epochs=2, patience=2, seed=1,
        )["state"]  # fmt: skip
        checks.that(first in state, "this is not a network of the design asked for")
        shape = (4, 1, 9) if filters else (24, 50)
        checks.array(state[first], shape, "the weights of the first layer")
        last = [value for value in state.values() if np.ndim(value) == 1][-1]
        checks.array(last, (6,), "the last layer: two numbers for each label")


@checks.run
def test_train_network_settings():
    import numpy as np

    rng = np.random.default_rng(92)
    x = rng.normal(0, 1, (140, 30)).astype(np.float32)
    design = {"filters": 0, "units": 64, "dropout": 0.1, "learning_rate": 1e-3}
    first, again, other, larger = (
        checks.array(
            checks.submitted("train_network")(
                design, (x[:96], np.full((96, 30), 0.1), x[:96, :2]), (x[96:], x[96:, :2]),
                epochs=3, patience=3, seed=seed, batch=batch,
            )["state"]["0.weight"],
            (64, 30),
        )
        for seed, batch in ((1, 16), (1, 16), (2, 16), (1, 48))
    )  # fmt: skip
    checks.close(again, first, atol=1e-3, hint="trained twice with one seed, two networks came out")
    checks.that(not np.allclose(other, first, atol=1e-3), "another seed changes nothing: use it")
    checks.that(
        not np.allclose(larger, first, atol=1e-4), "another size of the batches changes nothing"
    )


### END HIDDEN TESTS

# %% test="train_network.learns" points=2
from helpers import checks


@checks.run
def test_train_network_learns():
    import numpy as np
    from scipy.special import erf

    def predict(state, x):
        """Return what a dense network says, written out."""
        values = x
        for n in (0, 3):
            values = values @ np.asarray(state[f"{n}.weight"]).T + state[f"{n}.bias"]
            values = values * (1 + erf(values / np.sqrt(2))) / 2
        return values @ np.asarray(state["5.weight"]).T + state["5.bias"]

    rng = np.random.default_rng(82)
    x = rng.normal(0, 1, (500, 40)).astype(np.float32)
    y = np.column_stack([x[:, :4].sum(axis=1) / 2, np.tanh(x[:, 4:8].sum(axis=1) / 2)])
    design = {"filters": 0, "units": 64, "dropout": 0.1, "learning_rate": 1e-3}
    out = checks.submitted("train_network")(
        design, (x[:320], np.full((320, 40), 0.05), y[:320]), (x[320:400], y[320:400]),
        epochs=12, patience=12, seed=2, batch=8,
    )  # fmt: skip
    miss = (predict(out["state"], x[400:])[:, :2] - y[400:]).std(axis=0) / y[400:].std(axis=0)
    checks.that(
        bool(miss.max() < 0.6),
        "on a simple problem the network hardly learns: does each input meet its own target, and "
        "does every batch take a step?",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_train_network_learns_filters():
    import numpy as np

    rng = np.random.default_rng(83)
    x = rng.normal(0, 1, (400, 40)).astype(np.float32)
    y = np.column_stack([x[:, :4].sum(axis=1) / 2, x[:, 4:8].sum(axis=1) / 2])
    design = {"filters": 8, "units": 64, "dropout": 0.1, "learning_rate": 2e-3}
    out = checks.submitted("train_network")(
        design, (x[:320], np.full((320, 40), 0.05), y[:320]), (x[320:], y[320:]),
        epochs=12, patience=12, seed=3, batch=8,
    )  # fmt: skip
    losses = checks.array(list(out["validation_loss"]), (12,), "validation_loss")
    checks.that(
        bool(losses.min() < losses[0] - 0.3), "the convolutional network hardly learns anything"
    )


### END HIDDEN TESTS

# %% test="train_network.honest" points=2
from helpers import checks


@checks.run
def test_train_network_honest():
    import numpy as np
    from scipy.special import erf

    def predict(state, x):
        """Return what a dense network says, written out."""
        values = x
        for n in (0, 3):
            values = values @ np.asarray(state[f"{n}.weight"]).T + state[f"{n}.bias"]
            values = values * (1 + erf(values / np.sqrt(2))) / 2
        return values @ np.asarray(state["5.weight"]).T + state["5.bias"]

    rng = np.random.default_rng(94)
    x = rng.normal(0, 1, (400, 20)).astype(np.float32)
    y = x[:, :2].astype(float)
    design = {"filters": 0, "units": 64, "dropout": 0.1, "learning_rate": 1e-3}
    out = checks.submitted("train_network")(
        design, (x[:336], np.full((336, 20), 0.5), y[:336]), (x[336:], y[336:]),
        epochs=10, patience=10, seed=1, lost=0.1, batch=16,
    )  # fmt: skip
    losses = checks.array(list(out["validation_loss"]), (10,), "validation_loss")
    mean, log_sigma = np.split(predict(out["state"], x[336:]), 2, axis=1)
    kept = np.mean(log_sigma + 0.5 * ((y[336:] - mean) / np.exp(log_sigma)) ** 2)
    checks.that(
        bool(np.abs(kept + np.array([0, 0.5 * np.log(2 * np.pi)]) - losses.min()).min() < 0.01),
        "the lowest validation loss is not that of the weights that were kept: neither noise nor "
        "dropout belongs into it",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_train_network_blind():
    import numpy as np

    rng = np.random.default_rng(85)
    x = rng.normal(0, 1, (240, 40)).astype(np.float32)
    y = np.column_stack([x[:, :8].sum(axis=1) / 3, x[:, 8:16].sum(axis=1) / 3])
    design = {"filters": 0, "units": 64, "dropout": 0.1, "learning_rate": 1e-3}
    losses = []
    for wrong in (0.0, 50.0):
        out = checks.submitted("train_network")(
            design, (x[:200], np.full((200, 40), 0.05), y[:200]), (x[200:], y[200:] + wrong),
            epochs=4, patience=4, seed=2,
        )  # fmt: skip
        losses.append(checks.array(list(out["training_loss"]), (4,), "training_loss"))
    checks.close(
        losses[1], losses[0], atol=0.3,
        hint="with other targets for the validation stars the training loss is another one: they "
        "may only tell when to stop",
    )  # fmt: skip


@checks.run
def test_train_network_augmented():
    import numpy as np
    from scipy.special import erf

    def predict(state, x):
        """Return what a dense network says, written out."""
        values = x
        for n in (0, 3):
            values = values @ np.asarray(state[f"{n}.weight"]).T + state[f"{n}.bias"]
            values = values * (1 + erf(values / np.sqrt(2))) / 2
        return values @ np.asarray(state["5.weight"]).T + state["5.bias"]

    rng = np.random.default_rng(93)
    x = rng.normal(0, 1, (400, 20)).astype(np.float32)
    y = x[:, :2].astype(float)
    design = {"filters": 0, "units": 64, "dropout": 0.1, "learning_rate": 1e-3}
    slopes = []
    # noise that hides nothing; noise that drowns the inputs; all pixels lost
    for width, lost in ((0.02, 0.0), (5.0, 0.0), (0.02, 1.0)):
        state = checks.submitted("train_network")(
            design, (x[:336], np.full((336, 20), width), y[:336]), (x[336:], y[336:]),
            epochs=10, patience=10, seed=1, lost=lost, batch=16,
        )["state"]  # fmt: skip
        slopes.append(np.sum(predict(state, x)[:, :2] * y) / np.sum(y**2))
    checks.that(bool(slopes[0] > 0.5), "on a simple problem the network hardly learns")
    checks.that(
        bool(slopes[1] < 0.25),
        "errors a hundred times as large do not hinder the training: each pass should see each "
        "star with fresh noise of its own errors",
    )
    checks.that(
        bool(slopes[2] < 0.25), "it learns from spectra of which all pixels are lost: use `lost`"
    )
    # of spectra that are all noise not even forty can be learnt by heart, if it is fresh
    out = checks.submitted("train_network")(
        design, (x[:40], np.full((40, 20), 5.0), y[:40]), (x[336:], y[336:]),
        epochs=60, patience=60, seed=1, lost=0.0, batch=8,
    )  # fmt: skip
    lowest = [
        checks.array(list(out[name]), (60,), name).min()
        for name in ("training_loss", "validation_loss")
    ]
    checks.that(
        bool(lowest[0] > lowest[1] - 0.7),
        "the training stars are learnt by heart: draw the noise afresh in each pass",
    )


### END HIDDEN TESTS

# %% test="train_network.best" points=2
from helpers import checks


@checks.run
def test_train_network_best():
    import numpy as np

    rng = np.random.default_rng(86)
    x = rng.normal(0, 1, (140, 40)).astype(np.float32)
    y = x[:, :2] + 0.5 * rng.normal(0, 1, (140, 2))
    design = {"filters": 0, "units": 64, "dropout": 0.1, "learning_rate": 1e-3}
    out = checks.submitted("train_network")(
        design, (x[:60], np.full((60, 40), 0.05), y[:60]), (x[60:], y[60:]),
        epochs=12, patience=12, seed=1,
    )  # fmt: skip
    losses = checks.array(list(out["validation_loss"]), (12,), "validation_loss")
    checks.that(
        int(checks.number(out["best"])) == int(np.argmin(losses)),
        "the best epoch is the one with the lowest validation loss",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_train_network_best_weights():
    import numpy as np
    from scipy.special import erf

    def predict(state, x):
        """Return what a dense network says, written out."""
        values = x
        for n in (0, 3):
            values = values @ np.asarray(state[f"{n}.weight"]).T + state[f"{n}.bias"]
            values = values * (1 + erf(values / np.sqrt(2))) / 2
        return values @ np.asarray(state["5.weight"]).T + state["5.bias"]

    rng = np.random.default_rng(87)
    x = rng.normal(0, 1, (120, 40)).astype(np.float32)
    # few stars, noisy targets: learnt by heart within the epochs given
    y = x[:, :2] + rng.normal(0, 1, (120, 2))
    training, validation = (x[:40], np.full((40, 40), 0.02), y[:40]), (x[40:], y[40:])
    design = {"filters": 0, "units": 64, "dropout": 0.1, "learning_rate": 1e-3}
    out = checks.submitted("train_network")(
        design, training, validation, epochs=150, patience=150, seed=1, lost=0.0
    )
    losses = checks.array(list(out["validation_loss"]), (150,), "validation_loss")
    mean, log_sigma = np.split(predict(out["state"], x[40:]), 2, axis=1)
    kept = np.mean(log_sigma + 0.5 * ((y[40:] - mean) / np.exp(log_sigma)) ** 2)
    offset = 0.5 * np.log(2 * np.pi)
    gain = losses.max() - losses.min()
    checks.that(bool(gain > 0.05), "the validation loss never changes: does anything learn?")
    checks.that(
        bool(min(abs(kept - losses.min()), abs(kept + offset - losses.min())) < 0.1 * gain + 0.02),
        "the weights are not those of the best epoch: keep a copy that later steps do not change",
    )
    out = checks.submitted("train_network")(
        design, training, validation, epochs=150, patience=6, seed=1, lost=0.0
    )
    losses = checks.array(list(out["validation_loss"]), (-1,), "validation_loss")
    best = 0
    for epoch, loss in enumerate(losses):  # the rule of question 7
        if loss < losses[best]:
            best = epoch
        if epoch - best >= 6:
            break
    checks.that(
        len(losses) == len(out["training_loss"]) == epoch + 1
        and checks.number(out["best"]) == best,
        "the training should stop by the rule of question 7, after `patience` epochs",
    )
    checks.that(
        len(losses) == 150 or len(losses) == best + 7,
        "the training stopped before its patience was at an end",
    )


### END HIDDEN TESTS

# %% [markdown]
# ### Question 9 · Predict
#
# A state is all that a network has learnt. Write `predict_network`, which labels spectra with it:
# build a network of the same design, load the state, switch dropout off, and let the spectra
# through. A spectrum that arrives next year needs nothing else.
#
# <details><summary>Hint</summary>
#
# `network.load_state_dict({name: torch.as_tensor(value) for name, value in state.items()})`, then
# `network.eval()` and `with torch.no_grad():`. Thousands of spectra at once may fill the memory:
# go through them a hundred at a time.
#
# </details>


# %% solution="predict_network" seconds=30
def predict_network(design, state, inputs, n_labels):
    """Predict scaled labels and their errors with a trained network.

    Parameters
    ----------
    design : dict
        What `build_network` takes.
    state : dict of arrays
        The network's weights, as `train_network` returns them.
    inputs : (n, p) array
        From `network_input`; may hold thousands of spectra.
    n_labels : int

    Returns
    -------
    mean, log_sigma : (n, n_labels) arrays
        Of each label, without dropout or augmentation.
    """
    ### BEGIN SOLUTION
    network = build_network(design, inputs.shape[1], n_labels, 0)
    network.load_state_dict({name: torch.as_tensor(value) for name, value in state.items()})
    network.eval()
    parts = []
    with torch.no_grad():
        for first in range(0, len(inputs), 128):
            some = np.ascontiguousarray(inputs[first : first + 128])
            parts.append(network(torch.as_tensor(some, dtype=torch.float32, device=DEVICE)).cpu())
    out = torch.cat(parts).numpy()
    return out[:, :n_labels], out[:, n_labels:]
    ### END SOLUTION


# %% test="predict_network" points=3
from helpers import checks


@checks.run
def test_predict_network():
    import numpy as np
    from scipy.special import erf

    rng = np.random.default_rng(88)
    design = {"filters": 0, "units": 12, "dropout": 0.5, "learning_rate": 1e-3}
    shapes = {"0": (12, 30), "3": (12, 12), "5": (4, 12)}
    state = {}
    for name, shape in shapes.items():
        state[f"{name}.weight"] = rng.normal(0, 0.4, shape).astype(np.float32)
        state[f"{name}.bias"] = rng.normal(0, 0.4, shape[0]).astype(np.float32)
    x = rng.normal(0, 1, (300, 30)).astype(np.float32)
    answer = checks.submitted("predict_network")(design, state, x, 2)
    checks.that(
        type(answer) in (tuple, list) and len(answer) == 2, "return two things: mean and log sigma"
    )
    mean = checks.array(answer[0], (300, 2), "mean")
    log_sigma = checks.array(answer[1], (300, 2), "log_sigma")
    values = x
    for name in ("0", "3"):
        values = values @ state[f"{name}.weight"].T + state[f"{name}.bias"]
        values = values * (1 + erf(values / np.sqrt(2))) / 2
    want = values @ state["5.weight"].T + state["5.bias"]
    checks.close(
        mean,
        want[:, :2],
        atol=1e-3,
        hint="these are not the predictions of this state: is it loaded, and dropout switched off?",
    )
    checks.close(
        log_sigma, want[:, 2:], atol=1e-3, hint="log_sigma is the second half of the output"
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_predict_network_filters():
    import numpy as np
    import torch

    rng = np.random.default_rng(89)
    design = {"filters": 3, "units": 10, "dropout": 0.3, "learning_rate": 1e-3}
    nn = torch.nn
    filters = nn.Sequential(
        nn.Unflatten(1, (1, 60)), nn.Conv1d(1, 3, 9, stride=3), nn.GELU(),
        nn.Conv1d(3, 3, 9, stride=3), nn.GELU(), nn.Flatten(),
    )  # fmt: skip
    size = filters(torch.zeros(1, 60)).shape[1]
    network = nn.Sequential(
        filters, nn.Linear(size, 10), nn.GELU(), nn.Dropout(0.3), nn.Linear(10, 6)
    ).eval()
    state = {
        name: rng.normal(0, 0.5, value.shape).astype(np.float32)
        for name, value in network.state_dict().items()
    }
    network.load_state_dict({name: torch.as_tensor(value) for name, value in state.items()})
    x = rng.normal(0, 1, (257, 60)).astype(np.float32)
    with torch.no_grad():
        want = network(torch.as_tensor(x)).numpy()
    mean, log_sigma = checks.submitted("predict_network")(design, state, x, 3)
    found = np.hstack([checks.array(mean, (257, 3)), checks.array(log_sigma, (257, 3))])
    checks.close(found, want, atol=1e-3, hint="a convolutional network's predictions are off")


### END HIDDEN TESTS

# %% [markdown]
# ### Question 10 · What the network responds to
#
# How does a predicted label change if one pixel becomes a little brighter? Write `input_gradient`:
# the derivative of each predicted mean with respect to each input, averaged over spectra. You will
# need it in section 7.
#
# <details><summary>Hint</summary>
#
# A tensor of inputs with `requires_grad_(True)`; sum a label's means over the spectra (they do not
# influence one another, so that the derivatives stay apart) and ask `torch.autograd.grad` for the
# derivative with respect to the inputs.
#
# </details>


# %% solution="input_gradient" seconds=30
def input_gradient(design, state, inputs, n_labels):
    """Differentiate a network's predicted means with respect to its inputs.

    Parameters
    ----------
    design, state, inputs, n_labels
        As for `predict_network`; some hundred spectra.

    Returns
    -------
    (n_labels, p) array
        Derivative of each mean with respect to each input, without dropout, averaged over the
        spectra.
    """
    ### BEGIN SOLUTION
    network = build_network(design, inputs.shape[1], n_labels, 0)
    network.load_state_dict({name: torch.as_tensor(value) for name, value in state.items()})
    network.eval()
    seen = torch.tensor(np.asarray(inputs), dtype=torch.float32, device=DEVICE, requires_grad=True)
    mean = network(seen)[:, :n_labels].sum(dim=0)
    slopes = [torch.autograd.grad(m, seen, retain_graph=True)[0].mean(dim=0) for m in mean]
    return torch.stack(slopes).cpu().numpy()
    ### END SOLUTION


# %% test="input_gradient" points=2
from helpers import checks


@checks.run
def test_input_gradient():
    import numpy as np
    from scipy.special import erf

    rng = np.random.default_rng(96)
    design = {"filters": 0, "units": 12, "dropout": 0.5, "learning_rate": 1e-3}
    shapes = {"0": (12, 20), "3": (12, 12), "5": (6, 12)}
    state = {}
    for name, shape in shapes.items():
        state[f"{name}.weight"] = rng.normal(0, 0.4, shape).astype(np.float32)
        state[f"{name}.bias"] = rng.normal(0, 0.4, shape[0]).astype(np.float32)
    x = rng.normal(0, 1, (40, 20)).astype(np.float32)
    found = checks.array(checks.submitted("input_gradient")(design, state, x, 3), (3, 20))

    def means(x):
        values = x
        for name in ("0", "3"):
            values = values @ np.float64(state[f"{name}.weight"]).T + state[f"{name}.bias"]
            values = values * (1 + erf(values / np.sqrt(2))) / 2
        return (values @ np.float64(state["5.weight"]).T + state["5.bias"])[:, :3]

    steps = 1e-4 * np.eye(20)
    want = np.array([(means(x + h) - means(x - h)).mean(axis=0) / 2e-4 for h in steps]).T
    checks.that(
        not np.allclose(found / len(x), want, atol=2e-3),
        "the derivatives are summed over the spectra; their average is asked for",
    )
    checks.close(
        found,
        want,
        atol=2e-3,
        hint="this is not how the predicted means change with each input, on the average of the "
        "spectra",
    )


# %% [markdown]
# ### The trainings
#
# Two small functions keep the rest short: `fit` trains a network on some stars, and `label`
# predicts with it.

# %%
EPOCHS, PATIENCE = 40, 12


def fit(design, learn, guard, seed, epochs=EPOCHS):
    """Train a network on the stars `learn`, with those of `guard` to tell when to stop (masks)."""
    run = train_network(
        design,
        (inputs[learn], input_error[learn], scaled[learn]),
        (inputs[guard], scaled[guard]),
        epochs=epochs,
        patience=PATIENCE,
        seed=seed,
    )
    return {"design": design, **run}


def label(run, inputs):
    """Return scaled labels and the logarithms of their errors."""
    answer = predict_network(run["design"], run["state"], inputs, len(label_names))
    return tuple(np.asarray(part, dtype=float) for part in answer)


# %% [markdown]
# ### Wrong labels
#
# A Gaussian loss takes every label as correct. In lab 3 you found stars whose catalogue labels, or
# whose spectra, are wrong: at ten sigma, one of them weighs as much as a hundred others, in the
# training and also in the validation loss that decides when to stop. So train a dense network
# briefly first. Stars of the training and validation sets that it misses by more than five times
# the usual scatter are left out of both. The test set stays as it is: you may clean the stars you
# train on, but not those you are tested on.

# %%
first_run = fit(DESIGNS["dense"], is_training, is_validation, seed=0, epochs=15)
learnt = is_training | is_validation
miss = label(first_run, inputs[learnt])[0] - scaled[learnt]

# %% [markdown]
# <details><summary>Stuck? The linear model in the network's place</summary>
#
# If question 8 or 9 is unsolved, let ridge regression take the place of every network, with the
# scatter of the validation stars as its error. What the text below says of "the network" is then
# not true of what you see.
#
# ```python
# def fit(design, learn, guard, seed, epochs=EPOCHS):
#     weights, constant, misses = best_ridge(learn, guard)
#     state = {"weights": weights, "constant": constant, "sigma": 1.4826 * misses.min(axis=0)}
#     losses = {"training_loss": [0.0], "validation_loss": [0.0], "best": 0}
#     return {"design": design, "state": state, **losses}
#
#
# def label(run, inputs):
#     state = run["state"]
#     answer = inputs @ state["weights"] + state["constant"]
#     return answer, np.log(np.tile(state["sigma"], (len(inputs), 1)))
#
#
# first_run = fit(DESIGNS["dense"], is_training, is_validation, seed=0, epochs=15)
# learnt = is_training | is_validation
# miss = label(first_run, inputs[learnt])[0] - scaled[learnt]
# ```
#
# </details>

# %%
middle_miss = np.median(miss, axis=0)
spread = 1.4826 * np.median(np.abs(miss - middle_miss), axis=0)
odd = np.zeros(len(names), dtype=bool)
odd[learnt] = (np.abs(miss - middle_miss) > 5 * spread).any(axis=1)
may_train, may_validate = is_training & ~odd, is_validation & ~odd
print(
    f"left out: {(odd & is_training).sum()} stars to train, "
    f"{(odd & is_validation).sum()} to validate"
)

# %% [markdown]
# A few per cent of the stars are left out. Now train three designs on the same stars, for the same
# number of epochs and with the same augmentation: the two given ones and `MY_DESIGN`, which is
# yours to change.
#
# claim: 0.005 < odd[learnt].mean() < 0.08

# %%
MY_DESIGN = {"filters": 0, "units": 16, "dropout": 0.0, "learning_rate": 1e-3}
designs = {**DESIGNS, "mine": MY_DESIGN}
trained, seconds = {}, {}
for name, design in designs.items():
    start = time.perf_counter()
    trained[name] = fit(design, may_train, may_validate, seed=1)
    finish()
    seconds[name] = time.perf_counter() - start
# the linear method, too, without the stars that were left out
ridge_weights, ridge_constant, misses = best_ridge(may_train, may_validate)

# %% [markdown]
# ### Question 11 · The loss, epoch by epoch
#
# Write `loss_figure`: training and validation loss of each run against epoch, with a mark at the
# epoch whose weights were kept. The sheet asks for this figure.


# %% solution="loss_figure"
def loss_figure(runs):
    """Draw the losses of trainings against epoch.

    Parameters
    ----------
    runs : dict
        For each name a dictionary with ``training_loss`` and ``validation_loss`` (one number per
        epoch, the first is epoch 0) and ``best``, the epoch that was kept.

    Returns
    -------
    matplotlib Figure
        One pair of axes, epoch along x: for each run two lines, training and validation loss, and a
        marker at the validation loss of the best epoch. The legend names each run; the axes are
        labelled.
    """
    ### BEGIN SOLUTION
    with plots.style():
        figure, axis = plt.subplots(figsize=(7, 3.6))
        for number, (name, run) in enumerate(runs.items()):
            colour = f"C{number % 6}"
            epochs = np.arange(len(run["training_loss"]))
            axis.plot(epochs, run["training_loss"], ":", color=colour)
            axis.plot(epochs, run["validation_loss"], color=colour, label=name)
            best = run["best"]
            axis.plot(best, run["validation_loss"][best], "o", color=colour)
        axis.set_xlabel("epoch")
        axis.set_ylabel("loss (solid: validation, dotted: training)")
        axis.legend()
    return figure
    ### END SOLUTION


# %% test="loss_figure" points=2
from helpers import checks


@checks.run
def test_loss_figure():
    import numpy as np

    rng = np.random.default_rng(610)
    runs = {
        name: {
            "training_loss": list(rng.normal(0, 1, length)),
            "validation_loss": list(rng.normal(1, 1, length)),
            "best": best,
        }
        for name, length, best in (("small one", 12, 7), ("large one", 20, 18))
    }
    facts = checks.figure(checks.submitted("loss_figure")(runs))
    drawn = [axes for axes in facts.axes if axes.curves]
    checks.that(len(drawn) == 1, "draw all losses in one pair of axes")
    main = drawn[0]

    def is_there(curves, values):
        want = np.column_stack([np.arange(len(values)), values])
        return any(xy.shape == want.shape and np.allclose(xy, want) for xy in curves)

    for name, run in runs.items():
        checks.that(
            is_there(main.curves, run["training_loss"]),
            f"the training loss of the {name} is not drawn against epochs 0, 1, 2, ...",
        )
        checks.that(
            is_there(main.curves, run["validation_loss"]),
            f"the validation loss of the {name} is not drawn against epochs 0, 1, 2, ...",
        )
    checks.label_has(main.xlabel, "epoch", hint="the x axis is not named")
    checks.label_has(main.ylabel, "loss", "likelihood", hint="the y axis is not named")
    ### BEGIN HIDDEN TESTS
    texts = " ".join(text for axes in facts.axes for text in axes.texts)
    checks.that("small one" in texts and "large one" in texts, "the legend does not name each run")
    marks = np.concatenate([np.empty((0, 2)), *main.points])
    for name, run in runs.items():
        at = (run["best"], run["validation_loss"][run["best"]])
        checks.that(
            bool(np.isclose(marks, at).all(axis=1).any()),
            f"the best epoch of the {name} has no mark",
        )
    ### END HIDDEN TESTS


# %%
losses = loss_figure(trained)
losses.suptitle(source, fontsize=9)
for axis in losses.axes:
    axis.set_ylim(top=2)
plots.show(
    losses,
    alt="Training and validation loss against epoch for three networks: all fall. The "
    "convolutional network ends lowest.",
)
scores = {name: run["validation_loss"][run["best"]] for name, run in trained.items()}
ends = {
    name: (run["training_loss"][-1], run["validation_loss"][-1]) for name, run in trained.items()
}


def typical_miss(found):
    """Return the median miss of the validation stars' scaled labels, averaged over the labels."""
    return np.median(np.abs(found - scaled[may_validate]), axis=0).mean()


linear_miss = typical_miss(inputs[may_validate] @ ridge_weights + ridge_constant)
miss_of = {name: typical_miss(label(run, inputs[may_validate])[0]) for name, run in trained.items()}
print(f"ridge regression {ridge_weights.size:8d} weights, typical miss {linear_miss:.3f}")
for name, run in trained.items():
    weights = sum(np.size(value) for value in run["state"].values())
    print(
        f"{name:16s} {weights:8d} weights, typical miss {miss_of[name]:.3f}, loss: training "
        f"{run['training_loss'][run['best']]:+.2f}, validation {scores[name]:+.2f} "
        f"(best epoch {run['best']}, {seconds[name]:.1f} s)"
    )
kept = min(scores, key=scores.get)
print(f"kept: {kept}")
# claim (simulated): kept == "convolutional"

# %% [markdown]
# The design with the lowest *validation* loss is kept. The training loss would favour whichever
# network learns most by heart, and the test set is there to judge, not to choose. Three remarks:
#
# * The training loss is computed with fresh noise, lost pixels and dropout, the validation loss
#   without. This makes the training loss larger. So the two losses of the convolutional network end
#   nearly equal, although only one of them is of stars that set the weights. The dense network's
#   training loss ends well below its validation loss: it learns the training stars by heart.
# * The step size sinks to zero at the last epoch, so the best epoch of the convolutional network is
#   close to the end, and its early stopping never acts. In the small network of `MY_DESIGN` it
#   does: its validation loss is lowest long before the last epoch.
# * The dense networks miss the labels by at least as much as ridge regression. To be non-linear is
#   not enough. The filters, which use what all lines have in common, make the difference.
#
# claim (simulated): abs(ends["convolutional"][1] - ends["convolutional"][0]) < 0.2
# claim (simulated): ends["dense"][1] > ends["dense"][0] + 0.1
# claim (simulated): trained["convolutional"]["best"] >= EPOCHS - PATIENCE
# claim (simulated): trained["mine"]["best"] < EPOCHS - 12
# claim (simulated): min(miss_of["mine"], miss_of["dense"]) > 0.97 * linear_miss
# claim (simulated): miss_of["convolutional"] < 0.95 * min(miss_of["mine"], miss_of["dense"])
#
# ### Question 12 · Your experiments
#
# Experiment with `MY_DESIGN`. **Report** at least four trainings in a table, in which you change
# one hyper-parameter at a time (units, filters, dropout, learning rate, or `epochs` and `lost`),
# and what you conclude: which change matters, and how do you know that it is more than chance?
# (Train one design twice, with two seeds.) Which loss decides, and why may you not look at the test
# set?

# %% [markdown] explain="experiments" points=4
# Validation losses of 40 epochs at most (patience 12), wrong labels left out:
#
# | design | units | filters | dropout | learning rate | seed | validation loss | best epoch |
# |---|---|---|---|---|---|---|---|
# | mine | 16 | 0 | 0 | 0.001 | 1 | +0.37 | 13 |
# | mine, another seed | 16 | 0 | 0 | 0.001 | 2 | +0.27 | 21 |
# | mine, with dropout | 16 | 0 | 0.3 | 0.001 | 1 | +0.36 | 35 |
# | mine, more units | 128 | 0 | 0 | 0.001 | 1 | -0.21 | 19 |
# | dense | 64 | 0 | 0.1 | 0.001 | 1 | -0.35 | 39 |
# | convolutional | 64 | 8 | 0.1 | 0.002 | 1, 2, 3 | -0.63, -0.64, -0.61 | 39, 35, 34 |
#
# Two seeds of the small network differ by 0.1, three of the convolutional one by 0.02. Dropout in
# the small network changes less than the seed. More units help, by far more than the seeds differ.
# The filters bring more than any change of the dense network. The validation loss decides, because
# the training loss falls for whatever learns by heart. Each look at the test set would make it a
# part of the choice, and then no stars would be left that tell how well the network does on new
# ones.
#
# **Rubric**
# - (1) A table of at least four trainings that differ in one hyper-parameter each.
# - (1) The validation loss decides; each look at the test set would make it a part of the training.
# - (1) Differences are compared with those between seeds.
# - (1) A conclusion that follows from the table.

# %% [markdown]
# ### Question 13 · An ensemble
#
# Train the same design from three different starting points, and you get three networks. Where the
# data determine the answer they agree. Where they do not, the networks differ, and these
# differences belong into the error. Treat the ensemble as a mixture of $M$ Gaussians of equal
# weight: its mean is the mean of the means, and its variance is the mean of the variances *plus*
# the variance of the means.
#
# Write `combine_ensemble`.


# %% solution="combine_ensemble"
def combine_ensemble(means, sigmas):
    """Mean and standard deviation of a mixture of Gaussians of equal weight.

    Parameters
    ----------
    means, sigmas : (members, n, k) arrays
        Each member's predictions and standard deviations.

    Returns
    -------
    mean, sigma : (n, k) arrays
        Of the mixture: its averages are over the M members, none over M - 1.
    """
    ### BEGIN SOLUTION
    return np.mean(means, axis=0), np.sqrt(np.mean(sigmas**2, axis=0) + np.var(means, axis=0))
    ### END SOLUTION


# %% test="combine_ensemble" points=1
from helpers import checks


@checks.run
def test_combine_ensemble():
    import numpy as np

    means, sigmas = np.ones((3, 4, 2)), np.full((3, 4, 2), 0.5)
    result = checks.submitted("combine_ensemble")(means, sigmas)
    checks.that(type(result) in (tuple, list) and len(result) == 2, "return mean and sigma")
    checks.close(
        checks.array(result[0], (4, 2)), np.ones((4, 2)), atol=1e-6, hint="the mean is off"
    )
    checks.close(
        checks.array(result[1], (4, 2)), np.full((4, 2), 0.5), atol=1e-6,
        hint="members that agree in everything make a mixture with the same sigma: they are "
        "opinions on the same data, not independent measurements",
    )  # fmt: skip


### BEGIN HIDDEN TESTS
@checks.run
def test_combine_ensemble_mean():
    import numpy as np

    rng = np.random.default_rng(90)
    means = rng.normal(0, 1, (5, 7, 3))
    mean, _ = checks.submitted("combine_ensemble")(means, np.ones((5, 7, 3)))
    checks.close(checks.array(mean, (7, 3)), means.mean(axis=0), atol=1e-5, hint="the mean is off")


### END HIDDEN TESTS

# %% test="combine_ensemble.sigma" points=2
from helpers import checks


@checks.run
def test_combine_ensemble_sigma():
    import numpy as np

    means = np.array([-1.0, 1.0]).reshape(2, 1, 1)
    _, sigma = checks.submitted("combine_ensemble")(means, np.full((2, 1, 1), 0.01))
    checks.that(
        bool(checks.array(sigma, (1, 1))[0, 0] > 0.5),
        "members that contradict each other should make the error large",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_combine_ensemble_mixture():
    import numpy as np

    rng = np.random.default_rng(91)
    means, sigmas = rng.normal(0, 1, (4, 6, 2)), rng.uniform(0.2, 1.5, (4, 6, 2))
    _, sigma = checks.submitted("combine_ensemble")(means, sigmas)
    want = np.sqrt((sigmas**2 + means**2).mean(axis=0) - means.mean(axis=0) ** 2)
    checks.close(
        checks.array(sigma, (6, 2)), want, rtol=0.001,
        hint="the spread of the mixture is off: which of its two parts is missing or wrong, and "
        "are variances added?",
    )  # fmt: skip


### END HIDDEN TESTS

# %%
members = [trained[kept]] + [fit(designs[kept], may_train, may_validate, seed) for seed in (2, 3)]


def ensemble(inputs):
    """Return labels and errors in kelvin and dex, and the same in scaled units."""
    means, log_sigmas = zip(*(label(member, inputs) for member in members), strict=True)
    scaled_answer = combine_ensemble(np.array(means), np.exp(np.array(log_sigmas)))
    scaled_answer = tuple(map(np.asarray, scaled_answer))
    return *unscale(*scaled_answer, label_mean, label_scale), *scaled_answer


predicted, predicted_error, *_ = ensemble(inputs[is_test])

# %% [markdown]
# ## 6. The examination
#
# The sheet asks for the bias and the median error of each label. As in lab 3 we use medians
# throughout: a handful of stars has wrong labels in the catalogue, which is not an error of the
# network.


# %% setup=true
def performance(predicted, truth):
    """Compare predicted labels with those of the catalogue.

    Parameters
    ----------
    predicted, truth : (n, k) arrays
        In kelvin and dex.

    Returns
    -------
    bias : (k,) array
        Median of predicted minus truth.
    median_error : (k,) array
        Median of the absolute difference.
    scatter : (k,) array
        1.4826 times the median absolute deviation of the difference from its median: the standard
        deviation, were the differences Gaussian, and hardly changed by outliers.
    """
    difference = predicted - truth
    bias = np.median(difference, axis=0)
    scatter = 1.4826 * np.median(np.abs(difference - bias), axis=0)
    return bias, np.median(np.abs(difference), axis=0), scatter


# %% [markdown]
# The Cannon's labels of the same stars come with its product. Row for row:

# %%
order = {name: i for i, name in enumerate(examined)}
same = np.array([order[name] for name in names[is_test]])
cannon_labels = np.asarray(cannon["fitted"], dtype=float)[same]
truth = labels[is_test]
linear_labels = label_mean + label_scale * (inputs[is_test] @ ridge_weights + ridge_constant)
answers = {"linear": linear_labels, "Cannon": cannon_labels, "network": predicted}
figures = {name: performance(found, truth) for name, found in answers.items()}
print("        " + "".join(f"{what:^30s}" for what in ("bias", "median error", "scatter")))
print("        " + 3 * "".join(f"{name:>10s}" for name in answers))
for i, name in enumerate(label_names):
    cells = [f"{f[what][i]:9.{1 if i == 0 else 4}f}" for what in range(3) for f in figures.values()]
    print(f"{name:8s}", *cells)
compared = {name: figures[name][1] / figures["Cannon"][1] for name in answers}

# %% [markdown]
# Compare a network with the best *simple* method. Here that is the linear one: it is a little
# better than the Cannon in [Mg/Fe] and [Si/Fe], about as good in [Fe/H], and a little worse in
# temperature and gravity, which change the spectrum in a way that is not linear. The network is
# better than the linear method in temperature and gravity, and differs from it by less than a fifth
# in [Mg/Fe] and [Si/Fe]. It is better than the Cannon in all labels but gravity, where the two are
# about equal.
#
# claim (simulated): np.all(compared["linear"][3:] < 1) and np.all(compared["linear"][:2] > 1)
# claim (simulated): abs(compared["linear"][2] - 1) < 0.15
# claim (simulated): np.all(compared["network"][:2] < 0.97 * compared["linear"][:2])
# claim (simulated): np.all(np.abs(compared["network"] / compared["linear"] - 1)[3:] < 0.2)
# claim (simulated): np.all(compared["network"][[0, 2, 3, 4]] < 1)
# claim (simulated): abs(compared["network"][1] - 1) < 0.15

# %%
with plots.style():
    figure, axes = plt.subplots(2, 5, figsize=(11, 4.6), height_ratios=(2, 1), sharex="col")
    for i, name in enumerate(label_names):
        mine = predicted[:, i]
        axes[0, i].plot(truth[:, i], mine, ".", ms=2, color=plots.COLOURS["blue"])
        ends_of_line = [truth[:, i].min(), truth[:, i].max()]
        axes[0, i].plot(ends_of_line, ends_of_line, color="0.4", lw=0.8)
        reach = 5 * figures["Cannon"][2][i]
        axes[1, i].plot(
            truth[:, i], cannon_labels[:, i] - truth[:, i], ".", ms=2, color=plots.COLOURS["orange"]
        )
        axes[1, i].plot(
            truth[:, i], mine - truth[:, i], ".", ms=2, color=plots.COLOURS["blue"], alpha=0.6
        )
        axes[1, i].axhline(0, lw=0.8, color="0.4")
        axes[1, i].set_ylim(-reach, reach)
        axes[0, i].set_title(AXIS_LABELS[name], fontsize=9)
        axes[1, i].set_xlabel("catalogue", fontsize=9)
    axes[0, 0].set_ylabel("network")
    axes[1, 0].set_ylabel("minus catalogue\n(orange: Cannon)")
    figure.suptitle(f"{is_test.sum()} stars that neither was trained on ({source})", fontsize=9)
plots.show(
    figure,
    alt="Network labels against catalogue labels of the test stars for five labels, along the "
    "one-to-one line; below, the differences of the network and of the Cannon from the catalogue, "
    "both centred on zero with similar widths.",
)
width_ratio = figures["network"][2] / figures["Cannon"][2]
together = np.corrcoef((predicted - truth)[:, 1], (cannon_labels - truth)[:, 1])[0, 1]
print(f"correlation of the two methods' differences in log g: {together:.2f}")
# claim: np.all((width_ratio > 0.7) & (width_ratio < 1.15))
# claim: all(np.all(np.abs(figures[k][0]) < 0.3 * figures[k][2]) for k in ("network", "Cannon"))

# %% [markdown]
# Both lie along the one-to-one line. The differences of the two methods from the catalogue are
# correlated: the error of the catalogue's label is part of both. Where network and Cannon differ
# from the catalogue by the same large amount, the catalogue's label is probably wrong.
#
# claim: together > 0.3
#
# ### Are the errors true?
#
# The network quotes a $\sigma$ for each label. If these are right, 68.3 % of the catalogue labels
# lie within $\pm1\sigma$, and for any other share $q$ a share $q$ lies in the central interval that
# holds $q$ of a Gaussian. (The scatter includes the catalogue's own errors, and the network has
# learnt to include them too.) You wrote the 68 % case in lab 5; here it is for any share.


# %% setup=true
def coverage(predicted, sigma, truth, shares):
    """Return the shares (m, k) of true values within central intervals of Gaussian predictions.

    Parameters
    ----------
    predicted, sigma, truth : (n, k) arrays
    shares : (m,) array
        What the intervals should hold, between 0 and 1, for example [0.5, 0.683, 0.95].
    """
    z = np.abs(truth - predicted) / sigma
    limits = norm.ppf(0.5 + 0.5 * np.asarray(shares))
    return np.array([(z <= limit).mean(axis=0) for limit in limits])


# %% [markdown]
# Errors can also be *corrected*. The validation stars tell by which factor the quoted errors of a
# label must be multiplied so that 68.3 % of them lie inside; the test stars then tell whether it
# helped. From some 130 stars each factor is known to about 8 %.
#
# claim: 115 < may_validate.sum() < 140

# %%
share_68 = 0.683
*_, guard_mean, guard_sigma = ensemble(inputs[may_validate])
stretch = np.quantile(np.abs(scaled[may_validate] - guard_mean) / guard_sigma, share_68, axis=0)
print("errors are multiplied by", ", ".join(
    f"{name} {factor:.2f}" for name, factor in zip(label_names, stretch, strict=True)
))  # fmt: skip
alone_mean, alone_log_sigma = label(members[0], inputs[is_test])
alone, alone_error = unscale(alone_mean, np.exp(alone_log_sigma), label_mean, label_scale)
shares = np.linspace(0.05, 0.95, 19)
quoted = {
    "one network": (alone, alone_error),
    "ensemble of three": (predicted, predicted_error),
    "ensemble, corrected": (predicted, stretch * predicted_error),
}
with plots.style():
    figure, axes = plt.subplots(1, 3, figsize=(9.5, 3.6), sharey=True)
    for axis, (title, (values, errors)) in zip(axes, quoted.items(), strict=True):
        axis.plot([0, 1], [0, 1], color="0.5", lw=0.8)
        found = coverage(values, errors, truth, shares)
        for i, name in enumerate(label_names):
            axis.plot(shares, found[:, i], label=name)
        axis.set_title(title, fontsize=9)
        axis.set_xlabel("share promised")
    axes[0].set_ylabel("share of stars found inside")
    axes[0].legend(fontsize=8)
plots.show(
    figure,
    alt="Share of test stars inside the predicted intervals against the share promised, for one "
    "network, the ensemble, and the ensemble with corrected errors: five curves, one a label, near "
    "the diagonal, which they would follow if the errors were right.",
)
held = {}
for title, (values, errors) in quoted.items():
    held[title] = coverage(values, errors, truth, np.array([share_68]))[0]
    told = ", ".join(f"{n} {h:.0%}" for n, h in zip(label_names, held[title], strict=True))
    print(f"{title:20s} 68.3 % intervals hold {told}")
# claim: all(np.all(np.abs(h - 0.683) < 0.22) for h in held.values())

# %% [markdown]
# Where a curve lies below the diagonal the errors are too small, where it lies above it they are
# too large. (With 928 stars a share of 68 % is known to 1.5 %.) The ensemble's errors are right for
# log g, [Mg/Fe] and [Si/Fe] to a few per cent, and too large for temperature and [Fe/H]. After the
# correction the intervals of these two hold too few stars, by up to a tenth. There are two reasons.
# Stars with wrong labels were left out of the validation set, but not of the test set. And the
# validation stars decided when to stop, so the network does a little better on them than on others.
# A correction needs stars that had no part in the training.
#
# claim (simulated): np.all(np.abs(held["ensemble of three"][[1, 3, 4]] - 0.683) < 0.07)
# claim (simulated): np.all(held["ensemble of three"][[0, 2]] > 0.70)
# claim (simulated): held["ensemble, corrected"][[0, 2]].mean() < 0.683
# claim (simulated): 0.55 < held["ensemble, corrected"].min()
#
# ### Worse spectra
#
# Now the test stars again, with noise added down to S/N 100, 50 and 25, and with every tenth pixel
# lost:


# %%
def worsened(case):
    """Return the inputs of the test stars with more noise or with lost pixels."""
    chance, width = np.random.default_rng(66), input_error[is_test]
    if case == "10 % lost":
        return augment(inputs[is_test], np.zeros_like(width), 0.1, chance)
    ratio = float(case.removeprefix("S/N "))
    more = np.sqrt(np.clip((1 / ratio / FLUX_UNIT) ** 2 - width**2, 0, None))
    noise = chance.standard_normal(width.shape, dtype=np.float32)
    return inputs[is_test] + np.where(width > 0, more, 0) * noise


errors_at = {"as observed": figures["network"][1]}
overshoot = {"as observed": figures["network"][2] / np.median(predicted_error, axis=0)}
for case in ("S/N 100", "S/N 50", "S/N 25", "10 % lost"):
    found, quoted_error, *_ = ensemble(worsened(case))
    _, errors_at[case], scatter = performance(found, truth)
    overshoot[case] = scatter / np.median(quoted_error, axis=0)
print("median error at     " + "".join(f"{name:>10s}" for name in label_names))
for case, row in errors_at.items():
    print(f"{case:18s}  " + "".join(f"{e:10.{1 if i == 0 else 4}f}" for i, e in enumerate(row)))
print("scatter over quoted error")
for case, row in overshoot.items():
    print(f"{case:18s}  " + "".join(f"{e:10.2f}" for e in row))
with plots.style():
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6))
    cases = list(errors_at)
    for i, name in enumerate(label_names):
        growth = [errors_at[case][i] / errors_at["as observed"][i] for case in cases]
        claimed = [overshoot[case][i] for case in cases]
        for axis, values in zip(axes, (growth, claimed), strict=True):
            (line,) = axis.plot(cases[:4], values[:4], "o-", ms=4, label=name)
            axis.plot(cases[4:], values[4:], "o", ms=4, color=line.get_color())
    for axis in axes:
        axis.axhline(1, lw=0.8, color="0.5")
        axis.set_ylim(bottom=0)
        axis.tick_params(axis="x", labelsize=8)
    axes[0].set_ylabel("median error / as observed")
    axes[1].set_ylabel("scatter / quoted sigma")
    axes[0].legend(fontsize=8)
    figure.suptitle(f"the test stars with worse spectra ({source})", fontsize=9)
plots.show(
    figure,
    alt="Two panels over the cases as observed, S/N 100, 50, 25 and 10 per cent of pixels lost. "
    "Left, the median error of each label relative to the spectra as observed: it grows towards "
    "S/N 25, and is larger too where pixels are lost. Right, the scatter over the quoted sigma: "
    "it changes little with noise, and rises where pixels are lost.",
)
grown = {case: errors_at[case] / errors_at["as observed"] for case in cases}
# claim: np.all(grown["S/N 25"] > 1.5) and np.all(grown["10 % lost"] > 1.05)

# %% [markdown]
# Between the spectra as observed and S/N 100 the errors hardly change: there, the catalogue's
# errors and the network's own dominate. At S/N 25 they are two to three times as large. The quoted
# errors grow with them, because the network has learnt how noise looks in a spectrum; for
# temperature and gravity they grow even more than they should, at a noise that no training star
# had.
#
# claim: np.all(grown["S/N 100"] < 1.25)
# claim: 1.6 < grown["S/N 25"].min() and grown["S/N 25"].max() < 3.5
# claim: np.all(overshoot["S/N 25"] / overshoot["as observed"] < 1.3)
# claim (simulated): np.all(overshoot["S/N 25"][:2] < overshoot["as observed"][:2])
#
# Lost pixels are another matter. A zero is the most neutral input, but with a tenth of the pixels
# at zero a tenth of the evidence is missing, and the answer moves towards the mean. The network was
# trained with three per cent of pixels lost; with ten its errors grow, and the quoted errors do not
# grow with them. The Cannon would simply use the other pixels.
#
# claim: np.all(overshoot["10 % lost"] > overshoot["as observed"])
#
# ## 7. What does it look at?
#
# The training stars are a sample of the Galaxy's stars: in them magnesium and silicon rise and fall
# together, and with them oxygen, calcium and the other alpha elements. A network that takes [Mg/Fe]
# from *silicon* lines, or from the CO and OH lines that oxygen makes, would pass every test above.
# So would a Cannon. Two tests can tell.
#
# ### The ideal weights
#
# For a star with labels near the mean, the Cannon predicts $f = f_0 + G^T \delta$, where $\delta$
# are small changes of the labels, $G$ the gradient spectra (labels x pixels), and $v = \sigma^2 +
# s^2$ the variances of the pixels. The best unbiased linear estimate of the labels is weighted
# least squares,
#
# $$ \hat\delta = E\,(f - f_0), \qquad E = (G V^{-1} G^T)^{-1} G V^{-1} , \qquad
# V = \mathrm{diag}(v). $$
#
# A row of $E$ holds the weight that this ideal method gives to each pixel for that label. This is
# what a network's gradient is to be compared with, and not the gradient spectrum itself. (The
# matrix to invert is 5 x 5.)


# %% setup=true
def cannon_estimator(gradients, variance):
    """Matrix that takes a deviation from a model spectrum to the labels' best linear estimate.

    Parameters
    ----------
    gradients : (k, p) array
        Derivative of the model flux with respect to each label.
    variance : (p,) array
        Variance of each pixel; infinite or huge where nothing is known.

    Returns
    -------
    (k, p) array
        Weighted least squares: labels' deviation = estimator @ (flux - model).
    """
    weighted = gradients / variance
    return np.linalg.solve(weighted @ gradients.T, weighted)


# %%
on_chip = np.searchsorted(np.asarray(cannon["wavelength"], dtype=float), wavelength)
coefficients = np.asarray(cannon["coefficients"], dtype=float)[:, on_chip]
s2 = np.asarray(cannon["s2"], dtype=float)[on_chip]
cannon_mean, cannon_scale = np.asarray(cannon["mean"]), np.asarray(cannon["scale"])
first, second = np.triu_indices(5)


def cannon_model(x, coefficients):
    """Spectrum (p,) and its gradients (5, p) per scaled label, at scaled labels x (5,)."""
    constant, linear = coefficients[0], coefficients[1:6]
    curved = np.zeros((5, 5, len(constant)))
    curved[first, second] = coefficients[6:]
    curved = curved + curved.swapaxes(0, 1)  # the slopes of x_i x_j go to both of its labels
    slopes = linear + np.tensordot(x, curved, 1)
    return constant + 0.5 * x @ (linear + slopes), slopes


def cannon_fit(flux, error, coefficients=coefficients):
    """Labels by Gauss-Newton steps with `cannon_estimator`, their errors, and reduced chi2."""
    found, sigma, chi2 = [], [], []
    for f, e in zip(np.asarray(flux, float), np.asarray(error, float), strict=True):
        x, variance = np.zeros(5), np.where(e < BAD_LIMIT, e**2, 1e20) + s2
        for _ in range(8):
            model, slopes = cannon_model(x, coefficients)
            estimator = cannon_estimator(slopes, variance)
            step = estimator @ (f - model)
            x = x + step / max(1.0, np.abs(step).max())
            if np.abs(step).max() < 1e-3:
                break
        found.append(cannon_mean + cannon_scale * x)
        sigma.append(cannon_scale * np.sqrt((estimator**2 * variance).sum(axis=1)))
        known = (e < BAD_LIMIT) & (s2 < 1)
        chi2.append(np.mean((f - cannon_model(x, coefficients)[0])[known] ** 2 / variance[known]))
    return np.array(found), np.array(sigma), np.array(chi2)


# the ideal weights for a star with labels at the mean
middle = (label_mean - cannon_mean) / cannon_scale
_, gradients = cannon_model(middle, coefficients)
_, training_error = spectra(is_training)
typical_variance = 1 / np.mean(1 / (training_error**2 + s2.astype(np.float32)), axis=0, dtype=float)
ideal = cannon_estimator(gradients, typical_variance)


# how the network's scaled labels change with each input, averaged over the validation stars
seen = inputs[may_validate]
network_gradient = np.mean(
    [input_gradient(one["design"], one["state"], seen, len(label_names)) for one in members], axis=0
)

# %% [markdown]
# <details><summary>Stuck? The weights of the linear model</summary>
#
# The gradient of a linear model is its weights:
#
# ```python
# network_gradient = ridge_weights.T
# ```
#
# </details>

# %%
mg = label_names.index("MG_FE")
MG_LINES = (15745.01, 15753.29, 15770.15, 15883.90)  # Å, vacuum
with plots.style():
    figure, axes = plt.subplots(3, 1, figsize=(9, 5.4), sharex=True)
    part = (wavelength > 15700) & (wavelength < 15920)
    for axis, what, title, colour in zip(
        axes,
        (gradients[mg], ideal[mg], network_gradient[mg]),
        ("how the spectrum changes with [Mg/Fe] (Cannon)", "ideal weights for [Mg/Fe]",
         "gradient of the network's [Mg/Fe]"),
        ("black", "orange", "blue"),
        strict=True,
    ):  # fmt: skip
        between_chips = np.diff(wavelength[part], append=np.inf) > 1
        curve = np.where(between_chips, np.nan, what[part] / np.abs(what[part]).max())
        axis.plot(wavelength[part], curve, lw=0.8, color=plots.COLOURS[colour])
        axis.axhline(0, lw=0.6, color="0.6")
        axis.set_title(title, fontsize=9, loc="left")
        for line in MG_LINES:
            axis.axvline(line, lw=0.8, ls=":", color=plots.COLOURS["vermilion"])
    axes[1].set_ylabel("relative to the largest")
    axes[2].set_xlabel("vacuum wavelength / Å (dotted: Mg I)")
plots.show(
    figure,
    alt="Three panels against wavelength from 15700 to 15920 angstrom: the Cannon's gradient with "
    "respect to magnesium, sharp at four marked Mg I lines; the ideal weights, "
    "sharp at the same places; and the network's gradient, sharp there too.",
)
norms = np.linalg.norm(network_gradient, axis=1) * np.linalg.norm(ideal, axis=1)
cosines = np.sum(network_gradient * ideal, axis=1) / norms
print("cosine between the network's gradient and the ideal weights:", ", ".join(
    f"{name} {cosine:.2f}" for name, cosine in zip(label_names, cosines, strict=True)
))  # fmt: skip
at_lines = np.min(np.abs(wavelength[:, None] - MG_LINES), axis=1) < 0.6
sharp = {
    what: np.abs(row[at_lines]).max() / np.std(row[part & ~at_lines])
    for what, row in (("ideal", ideal[mg]), ("network", network_gradient[mg]))
}
print(f"largest weight at Mg I lines over the scatter between: {sharp}")
# claim: np.argmax(np.abs(gradients[mg][part])) in np.flatnonzero(at_lines[part])

# %% [markdown]
# All three have peaks at the magnesium lines. The cosine between the network's gradient and the
# ideal weights, taken as vectors of 7214 pixels, is 0.6 to 0.8. For unrelated vectors of this
# length it would be about 0.01, for equal ones 1. So the network uses the right pixels, and others
# besides. What do those contribute?
#
# claim: 0.5 < cosines.min() and cosines.max() < 0.86
# claim: sharp["network"] > 4 and sharp["ideal"] > 4
#
# ### Question 14 · Stars without correlations
#
# The second test needs stars in which the abundances are not correlated. The archive has a set of
# simulated giants in which temperature and gravity are those of real giants, but [Fe/H], [Mg/Fe]
# and [Si/Fe] were drawn independently of everything else, and oxygen, calcium and the other alpha
# elements are the same in all of them. Their labels are the true ones. If a method measures label
# $j$ itself, its answer follows label $j$ with slope one and does not change with the others.
#
# Write `response_matrix`: fit each *measured* label as a linear function of all *true* labels
# (with a constant), and return the slopes, in units of the scales.


# %% solution="response_matrix"
def response_matrix(truth, measured, scale):
    """Slopes of measured labels with respect to true ones, by least squares.

    Parameters
    ----------
    truth, measured : (n, k) arrays
        In kelvin and dex.
    scale : (k,) array
        A typical spread of each label; slopes are between labels in units of these.

    Returns
    -------
    (k, k) array
        Entry [i, j]: change of measured label i when true label j alone changes; the identity
        matrix for a method that measures every label and nothing else.
    """
    ### BEGIN SOLUTION
    x = np.column_stack([np.ones(len(truth)), truth / scale])
    slopes = np.linalg.lstsq(x - [0, *(truth / scale).mean(axis=0)], measured / scale, rcond=None)[
        0
    ]
    return slopes[1:].T
    ### END SOLUTION


# %% test="response_matrix" points=2
from helpers import checks


@checks.run
def test_response_matrix():
    import numpy as np

    rng = np.random.default_rng(100)
    truth = rng.normal([4700, 2.5], [150, 0.6], (80, 2))
    scale = np.array([150.0, 0.6])
    found = checks.submitted("response_matrix")(truth, truth + np.array([10.0, -0.1]), scale)
    checks.close(
        checks.array(found, (2, 2)), np.eye(2), atol=0.01,
        hint="labels that are right up to a constant should give the identity matrix",
    )  # fmt: skip


### BEGIN HIDDEN TESTS
@checks.run
def test_response_matrix_mixed():
    import numpy as np

    rng = np.random.default_rng(101)
    scale = np.array([150.0, 0.6, 0.1])
    x = rng.normal(0, 1, (300, 3))
    x[:, 1] += 0.9 * x[:, 0]
    mixing = np.array([[1.0, 0.2, 0.0], [0.0, 0.8, 0.0], [-0.3, 0.5, 0.9]])
    truth = x * scale + [4700, 2.5, 0.1]
    measured = (x @ mixing.T) * scale + [4710, 2.5, 0.1]
    found = checks.array(checks.submitted("response_matrix")(truth, measured, scale), (3, 3))
    checks.that(
        bool(np.abs(found - mixing).max() < 0.02),
        "the slopes are off: fit all true labels at once (they may be correlated), rows are the "
        "measured labels, and both are in units of the scales",
    )
    x = rng.normal(0, 1, (4000, 2))
    truth, measured = (v * [150.0, 0.6] for v in (x, x + rng.normal(0, 1, (4000, 2))))
    found = checks.submitted("response_matrix")(truth, measured, np.array([150.0, 0.6]))
    checks.close(
        checks.array(found, (2, 2)), np.eye(2), atol=0.15,
        hint="measurements that scatter, but lean nowhere, still follow the truth with slope one: "
        "which of the two is fitted as a function of the other?",
    )  # fmt: skip


### END HIDDEN TESTS

# %%
if archive.current().is_simulated:
    decorrelated = products.load("06_decorrelated")
    extra_flux, extra_error = on_chips(decorrelated, "flux"), on_chips(decorrelated, "error")
    extra_labels = np.asarray(decorrelated["labels"], dtype=float)
else:
    print("no truth on real data: the test stars take the place of the uncorrelated ones")
    (extra_flux, extra_error), extra_labels = spectra(is_test), labels[is_test]
network_answer, *_ = ensemble(np.asarray(network_input(extra_flux, extra_error, typical)[0]))
start = time.perf_counter()
cannon_answer, _, _ = cannon_fit(extra_flux, extra_error)
cannon_milliseconds = 1e3 * (time.perf_counter() - start) / len(extra_flux)
by_network, by_cannon = (
    np.asarray(response_matrix(extra_labels, answer, label_scale))
    for answer in (network_answer, cannon_answer)
)
# how much the slopes change with the choice of stars: draw them again, with replacement
chance = np.random.default_rng(67)
again = []
for _ in range(100):
    some = chance.integers(0, len(extra_labels), len(extra_labels))
    again.append(response_matrix(extra_labels[some], network_answer[some], label_scale))
slope_error = np.std(again, axis=0)
twins = np.corrcoef(extra_labels[:, 0], extra_labels[:, 1])[0, 1]
print(f"errors of the network's slopes, column by column: {slope_error.max(axis=0).round(2)}")
print(f"correlation of temperature and log g in these stars: {twins:.2f}")
print("the network's answers to temperature and log g together:",
      (by_network[:, 0] + by_network[:, 1]).round(2))  # fmt: skip
short = [AXIS_LABELS[name].partition(" /")[0].partition(" (")[0] for name in label_names]
with plots.style():
    figure, axes = plt.subplots(1, 2, figsize=(8.5, 4.4), sharey=True)
    for axis, matrix, title in zip(
        axes, (by_cannon, by_network), ("Cannon", "network"), strict=True
    ):
        image = axis.imshow(matrix, cmap="PuOr_r", vmin=-1.2, vmax=1.2)
        for i in range(5):
            for j in range(5):
                axis.text(j, i, f"{matrix[i, j]:.2f}", ha="center", va="center", fontsize=8,
                          color="white" if abs(matrix[i, j]) > 0.8 else "black")  # fmt: skip
        axis.set_xticks(range(5), short, rotation=40)
        axis.set_yticks(range(5), short)
        axis.set_xlabel("true label that changes")
        axis.set_title(title, fontsize=10)
    axes[0].set_ylabel("measured label that answers")
    figure.colorbar(image, ax=axes, label="slope in units of the labels' spread")
plots.show(
    figure,
    alt="Two matrices of slopes between true and measured labels of decorrelated stars, for the "
    "Cannon and the network: ones on the diagonal and zeros elsewhere would be perfect. "
    "Temperature, gravity and iron come near; magnesium and silicon reach 0.5 and 0.6 on it "
    "with the Cannon and 0.7 with the network.",
)
# claim (simulated): np.abs(by_cannon[[3, 4], [3, 4]] - [0.52, 0.6]).max() < 0.07
# claim (simulated): np.abs(by_network[[3, 4], [3, 4]] - 0.7).max() < 0.1
# claim (simulated): np.abs(np.diag(by_network)[:3] - 1).max() < 0.25

# %% [markdown]
# Read the columns of [Fe/H], [Mg/Fe] and [Si/Fe] first: their slopes are known to 0.02. Those of
# temperature and log g are known less well, to about 0.08, because in these stars, as along any
# giant branch, the two are correlated at 0.98. A rise with one can then be exchanged for a fall
# with the other. The Cannon's [Mg/Fe] seems to rise with log g (0.4) and to fall with temperature
# (-0.3), the network's less. Along the branch temperature and log g change together, and what
# counts is the sum of the two slopes. It is small for both methods, about 0.1 for the Cannon.
#
# claim (simulated): slope_error[:, 2:].max() < 0.03 and 0.04 < slope_error[:, :2].max() < 0.12
# claim (simulated): abs(twins - 0.98) < 0.01
# claim (simulated): np.abs(by_cannon[3, :2] - [-0.27, 0.38]).max() < 0.06
# claim (simulated): np.all(np.abs(by_network[3, :2]) < np.abs(by_cannon[3, :2]))
# claim (simulated): 0.05 < by_cannon[3, :2].sum() < 0.17 and abs(by_network[3, :2].sum()) < 0.2
#
# ### Question 15 · What does it measure?
#
# **Explain** what the two tests say about the [Mg/Fe] of the network, and of your Cannon. Does it
# come from magnesium lines? Why does the test set of section 6 not show the difference? What would
# happen if you used them on a dwarf galaxy, where stars of low metallicity have low [Mg/Fe]? What
# could you change in the *training* to cure it?

# %% [markdown] explain="leak" points=4
# In a decorrelated sample a method that takes Mg from Mg lines follows the true [Mg/Fe] with slope
# one, and nothing else. The Cannon's slope is 0.5, the network's 0.7. In the training stars oxygen
# (in CO and OH), calcium and the others rise and fall with magnesium, so their lines were counted
# as evidence for [Mg/Fe]; here these elements do not change. The slope with [Si/Fe] is small in
# both, because silicon is a label of its own; what leaks in is what has no label. The Cannon is
# affected more: its one label [Mg/Fe] has to explain *every* pixel that changes with any alpha
# element, where the network can prefer the pixels that are best for magnesium. Its gradient has
# peaks at the Mg I lines, as the ideal weights have, but is spread over many other pixels too.
#
# claim (simulated): abs(by_cannon[3, 3] - 0.5) < 0.08 and abs(by_network[3, 3] - 0.7) < 0.1
# claim (simulated): by_network[3, 3] > by_cannon[3, 3] + 0.05
# claim (simulated): max(abs(by_cannon[3, 4]), abs(by_network[3, 4])) < 0.15
#
# The test stars come from the same Galaxy: there oxygen and silicon *are* good evidence for
# magnesium, so that using them lowers the error. A method that minimises the error is right to use
# them. It has learnt the relation between the elements from the training stars, and uses it as a
# prior.
#
# In a dwarf galaxy the relation is another one. At low [Fe/H] the measured [Mg/Fe] would be too
# high, nearer to what such stars have in our Galaxy, and the quoted errors would not include this.
# One might report alpha-rich stars where there are none.
#
# Cures: training stars in which the labels are independent (synthetic or re-weighted), more labels
# (oxygen, calcium), show only a window around the Mg lines, penalise the gradient elsewhere.
#
# **Rubric**
# - (1) Reads slopes below one and cross-terms (or the gradient) as information taken from other
#   elements, by correlations of the training set.
# - (1) The test set has the same correlations, so the error there does not show it (it even
#   helps).
# - (1) Predicts a bias towards the training set's relation in another population; the quoted
#   errors do not include it.
# - (1) A sensible cure in the training (decorrelated or simulated training stars, more labels,
#   masks, penalties).

# %% [markdown]
# ## 8. Beyond the edge
#
# Finally train on stars with [Fe/H] > -0.5 only, and test on the metal-poor ones. The network is
# trained as before. For the Cannon it is one weighted least-squares fit per pixel, with the scatter
# $s^2$ that it found in lab 3.


# %%
def cannon_trained(rows):
    """Coefficients (21, p) of a Cannon for some of the stars."""
    x = (labels[rows] - cannon_mean) / cannon_scale
    terms = np.column_stack([np.ones(len(x)), x, x[:, first] * x[:, second]])
    products = (terms[:, :, None] * terms[:, None, :]).reshape(len(x), -1)
    flux, error = spectra(rows)
    found = np.empty((21, flux.shape[1]))
    for some in np.array_split(np.arange(flux.shape[1]), 9):  # all pixels at once: 200 MB
        weight = 1 / (error[:, some].astype(float) ** 2 + s2[some])
        matrix = (weight.T @ products).reshape(-1, 21, 21)
        right = (weight * flux[:, some]).T @ terms
        found[:, some] = np.linalg.solve(matrix, right[..., None])[..., 0].T
    return found


iron = label_names.index("FE_H")
rich = labels[:, iron] > -0.5
narrow = fit(designs[kept], may_train & rich, may_validate & rich, seed=1)
start = time.perf_counter()
narrow_coefficients = cannon_trained((may_train | may_validate) & rich)
cannon_seconds = time.perf_counter() - start
poor = np.flatnonzero(is_test & ~rich)
others = np.flatnonzero(is_test & rich)[:300]
shown = np.concatenate([poor, others])
narrow_mean, narrow_log_sigma = label(narrow, inputs[shown])
edge = {
    "network, trained on all": ensemble(inputs[shown])[:2],
    "network, [Fe/H] > -0.5": unscale(
        narrow_mean, np.exp(narrow_log_sigma), label_mean, label_scale
    ),
}
*cannon_pair, chi2 = cannon_fit(*spectra(shown), narrow_coefficients)
edge["Cannon, [Fe/H] > -0.5"] = tuple(cannon_pair)

with plots.style():
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.6), sharey=True)
    for axis, (title, (values, errors)), colour in zip(
        axes, edge.items(), ("blue", "vermilion", "orange"), strict=True
    ):
        axis.errorbar(
            labels[shown, iron], values[:, iron] - labels[shown, iron], errors[:, iron],
            fmt=".", ms=4, lw=0.5, color=plots.COLOURS[colour],
        )  # fmt: skip
        axis.axvline(-0.5, ls=":", color="0.3")
        axis.axhline(0, lw=0.8, color="0.3")
        axis.set_ylim(-0.2, 0.3)
        axis.set_xlabel("catalogue [Fe/H] / dex")
        axis.set_title(title, fontsize=9)
    axes[0].set_ylabel("measured minus catalogue / dex")
plots.show(
    figure,
    alt="Measured minus catalogue metallicity against catalogue metallicity, three panels with "
    "error bars. Trained on all stars the network scatters about zero. Trained on stars above "
    "minus 0.5 only, both the network and the Cannon rise above zero to the left of minus 0.5, by "
    "0.2 at minus 0.95.",
)
print("metal-poor test stars:     bias /dex  scatter  quoted sigma")
edge_bias, edge_sigma = {}, {}
for title, (values, errors) in edge.items():
    bias, _, scatter = performance(values[: len(poor)], labels[poor])
    edge_bias[title], edge_sigma[title] = bias[iron], np.median(errors[: len(poor), iron])
    print(f"{title:25s} {bias[iron]:+10.3f} {scatter[iron]:8.3f} {edge_sigma[title]:14.3f}")
poorest = labels[shown, iron] < -0.85
at_edge = {
    title: np.median((values - labels[shown])[poorest, iron]) for title, (values, _) in edge.items()
}
print("bias below -0.85:", {title: round(float(bias), 2) for title, bias in at_edge.items()})
limit = np.percentile(chi2[len(poor) :], 95)
flagged = np.mean(chi2[: len(poor)] > limit)
print(
    f"reduced chi2 of the Cannon's fits: {np.median(chi2[: len(poor)]):.2f} for metal-poor stars, "
    f"{np.median(chi2[len(poor) :]):.2f} for the others"
)
print(f"a limit that 5 % of the others exceed is exceeded by {flagged:.0%} of the metal-poor stars")

# %% [markdown]
# Both are biased towards the metallicities they were trained on, the more so the poorer the star:
# by 0.1 to 0.2 dex below [Fe/H] = -0.85. The network does not show it: the errors it quotes for
# these stars are smaller than those of the network that was trained on such stars. The Cannon's
# formal errors do not show it either, but the $\chi^2$ of its fits does, for some: a limit that one
# in twenty ordinary stars exceeds is exceeded by more of the metal-poor ones, though by less than a
# half of them. That is a warning, if a weak one. The network gives none.
#
# claim (simulated): all(0.08 < at_edge[title] < 0.25 for title in list(at_edge)[1:])
# claim (simulated): all(edge_bias[title] > 0.02 for title in list(edge_bias)[1:])
# claim (simulated): edge_sigma["network, [Fe/H] > -0.5"] < edge_sigma["network, trained on all"]
# claim (simulated): 0.08 < flagged < 0.5
#
# And what does it cost? Here are the two trainings, and the labelling of stars:

# %%
some = inputs[is_test]
start = time.perf_counter()
label(members[0], some)
finish()
network_milliseconds = 1e3 * (time.perf_counter() - start) / len(some)
print("             training / s   labelling / ms a star")
print(f"network      {seconds[kept]:12.1f} {network_milliseconds:23.2f}")
print(f"Cannon       {cannon_seconds:12.1f} {cannon_milliseconds:23.2f}  (one star at a time)")

# %% [markdown]
# The Cannon is trained much faster; the network labels faster. The second comparison is not quite
# fair: here the Cannon fits one star after the other in Python. Fitted all at once, as in lab 3,
# stars take a small part of that time.
#
# claim: cannon_seconds < 0.5 * seconds[kept]
# claim: network_milliseconds < cannon_milliseconds
#
# ## 9. Real stars
#
# All stars so far were simulated (unless you changed the archive). The kit's tests train the same
# code on 884 *real* spectra of LAMOST, each divided by its running mean, and compare the results
# with the labels of the LAMOST catalogue. The table gives the robust scatter of the differences in
# Teff, log g (dex) and [Fe/H] (dex), as measured by `pytest tests/real -k lamost_neural -s`.
#
# | trained on | Cannon of lab 3 | network | network, pre-trained |
# |---|---|---|---|
# | 177 stars | 57 K, 0.080, 0.058 | 80 K, 0.101, 0.065 | 68 K, 0.065, 0.043 |
# | 707 stars | 48 K, 0.069, 0.050 | 51 K, 0.057, 0.037 | 55 K, 0.053, 0.036 |
#
# *Pre-trained* means: trained first on 6196 simulated stars of the kit's LAMOST-like survey, then
# further on the real ones. With few stars the network is worse than the Cannon in every label. The
# Cannon's form prescribes how a spectrum can change: smoothly with three labels, with ten numbers
# for each pixel. The network has to find out from the same few stars which of its hundred thousand
# weights matter. With four times as many stars it is better in log g and [Fe/H], and still a little
# worse in temperature. From the simulated stars it learns beforehand what lines look like and which
# of them change together. For log g and [Fe/H] that helps about as much as hundreds of real stars.
# In temperature it helps while real stars are few, and no longer when there are many.
#
# ### Question 16 · Two strategies
#
# **Discuss** the advantages and disadvantages of both ways of measuring labels, the Cannon and the
# network: accuracy, speed, errors, missing pixels, outliers, extrapolation, understanding. For
# which task would you take which?

# %% [markdown] explain="strategies" points=4
# *Accuracy.* On stars like the training stars the network is a little better here, because it may
# use every statistical regularity and may learn to ignore nuisances (a small velocity left over,
# broadening, oxygen) that a Cannon of five labels counts as scatter of independent pixels. With
# few training stars it loses.
# *Speed.* Training takes longer than the Cannon's linear algebra; labelling is one pass through
# the network, and it stays so for any number of stars.
# *Errors.* The Cannon has a likelihood: it weights each pixel by its own error, and a bad or
# missing pixel drops out without further ado. Its chi-square says when the model does not fit. The
# network has to learn what noise and missing pixels do, and its errors are right only on average
# and for stars like those it was trained with. Nothing in its output shows that a spectrum is not
# that of a star at all.
# *Understanding.* The Cannon's gradient spectra can be checked against line lists. What a network
# uses has to be found out by tests such as the two of section 7; it may take labels from
# correlations.
# *Extrapolation.* Both are biased towards the training set there, with errors that are too small;
# the Cannon's chi-square may show it.
# *Tasks.* Millions of survey spectra like the training set: network (with a fit of a generative
# model for a sample of them). Unusual stars, abundance work on single elements, few training
# stars: Cannon or physics.
#
# **Rubric**
# - (1) Accuracy and speed, with a reason from the lab's own figures.
# - (1) Noise, missing pixels and errors: likelihood against learnt.
# - (1) Interpretation or correlations; outliers and chi-square.
# - (1) Extrapolation of both, and a sensible choice of task for each.

# %%
products.save(
    "06_neural_labels",
    apogee_id=names[is_test],
    label_names=np.array(label_names),
    predicted=predicted,
    predicted_error=stretch * predicted_error,
    catalogue=truth,
    cannon=cannon_labels,
    linear=linear_labels,
    coverage=held["ensemble, corrected"],
    response_network=by_network,
    response_cannon=by_cannon,
    training_seconds=np.array([seconds[k] for k in trained]),
    # all that labelling a new spectrum needs
    typical=typical,
    label_mean=label_mean,
    label_scale=label_scale,
    stretch=stretch,
    **{f"state.{name}": values for name, values in members[0]["state"].items()},
)

# %% [markdown]
# ## What to take away
#
# * Inputs and labels of order one, three sets, early stopping, fresh noise: most of the success of
#   a network depends on such careful preparation.
# * With $\ln\sigma$ in the loss the network quotes errors. Test them, by coverage, on stars like
#   the training stars, and do not trust them beyond.
# * An error on the test set tells how well a method works for *this* population. It does not tell
#   why. Correlations in the training set are learnt as if they were physics.
# * One wrong label can outweigh a hundred good ones. Clean the stars you train on, never those you
#   are tested on.
# * Compare a network with the best simple method. Here ridge regression, one linear system, is
#   better than the Cannon in two labels and no worse than a dense network.
#
# ## Go further
#
# Cure the network. Make [Mg/Fe] independent of [Si/Fe] in the training: weight the stars, or
# augment each spectrum with your Cannon's gradient spectra (add a random change of Mg and of Si to
# the labels, and $G^T\delta$ to the spectrum). Is the response matrix better? What did the median
# error on the test set pay for it?
