# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Lab 6 · Labels from a network
#
# The Cannon of lab 3 goes from labels to spectrum, and you turned it around by fitting. A neural
# network goes the other way at once: spectrum in, labels out. It is fast, it can bend where a
# quadratic cannot, and it never tells you by itself when it is wrong. In this lab you train one
# from the first line, and then you *cross-examine* it: what does it know, what does it only
# guess, and when should you trust the error it quotes?
#
# By the end of this lab you will have
#
# * a network in PyTorch whose every part you have written or checked by hand: inputs, scaled
#   labels, layers, loss, training loop, early stopping;
# * a fair comparison of three architectures, judged once on stars that none of them has seen;
# * an error for every label, from a loss and from an ensemble, and a test of those errors;
# * a comparison with your Cannon, star by star;
# * an answer to the question that matters: does the network's [Mg/Fe] come from magnesium lines,
#   or from the company magnesium keeps?
#
# This is problem 15 of the course sheet. No experience with networks is needed. By default the
# spectra come from the kit's embedded archive: they are **simulated**. The cells below name the
# archive you are using; the same notebook runs on real spectra.
#
# A function leaves what it is given as it was; work on a copy.

# %% setup=true
import time

import matplotlib.pyplot as plt
import numpy as np
import torch
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
#: the device is chosen once; every tensor below follows it
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")

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
print(f"{len(examined)} of the stars were examined by the Cannon; device: {DEVICE}")

# %% [markdown]
# A network has far more numbers than you have stars: it *can* learn every training star by heart.
# So there are three sets. The **training set** moves the weights. The **validation set** tells
# you when to stop and which network to keep: it is used many times, so it is no longer quite
# innocent in the end. The **test set** is looked at once, when everything has been decided.
#
# ### Question 1 · Who may see what
#
# Write `three_sets`. The stars that the Cannon was examined on are the test set, so that you
# compare both on the same stars, and none of which either has seen.


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
# Optimisers like numbers of order one. A temperature of 4800 and an abundance of 0.03 in one loss
# would make the network a thermometer and nothing else.
#
# ### Question 2 · Labels of order one
#
# Write `scale_labels`: subtract a mean and divide by a standard deviation, label by label. *Whose*
# mean? Validation and test stars are strangers from the future. If their labels enter the scaling,
# something about them has leaked into the training. And write its partner `unscale`, which brings
# predictions back to kelvin and dex. An error is a difference: think about which part of the
# scaling it takes part in.


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


# %% solution="unscale"
def unscale(scaled, scaled_error, mean, scale):
    """Turn a network's scaled predictions into labels and errors in kelvin and dex.

    Parameters
    ----------
    scaled, scaled_error : (n, k) arrays
        Predictions and their standard deviations in scaled units.
    mean, scale : (k,) arrays
        From `scale_labels`.

    Returns
    -------
    predicted, predicted_error : (n, k) arrays
        In the units of the labels.
    """
    ### BEGIN SOLUTION
    return mean + scale * scaled, scale * scaled_error
    ### END SOLUTION


# %% test="unscale" points=1
from helpers import checks


@checks.run
def test_unscale():
    import numpy as np

    mean, scale = np.array([4700.0, 2.5]), np.array([150.0, 0.6])
    result = checks.submitted("unscale")(np.zeros((3, 2)), np.ones((3, 2)), mean, scale)
    checks.that(type(result) in (tuple, list) and len(result) == 2, "return two arrays")
    checks.close(
        checks.array(result[0], (3, 2)), np.tile(mean, (3, 1)), rtol=1e-6,
        hint="a scaled label of zero should be the mean",
    )  # fmt: skip


### BEGIN HIDDEN TESTS
@checks.run
def test_unscale_slope():
    import numpy as np

    rng = np.random.default_rng(65)
    mean, scale = np.array([4700.0, 2.5, 0.1]), np.array([150.0, 0.6, 0.07])
    x = rng.normal(0, 1, (20, 3))
    back = checks.array(checks.submitted("unscale")(x, np.ones((20, 3)), mean, scale)[0], (20, 3))
    checks.close((back - mean) / scale, x, atol=1e-4, hint="the labels are not scaled back")


### END HIDDEN TESTS

# %% test="unscale.errors" points=1
from helpers import checks


@checks.run
def test_unscale_errors():
    import numpy as np

    mean, scale = np.array([4700.0, 2.5]), np.array([150.0, 0.6])
    _, error = checks.submitted("unscale")(np.zeros((3, 2)), 0.1 * np.ones((3, 2)), mean, scale)
    error = checks.array(error, (3, 2), "the error")
    checks.that(bool((error > 0).all()), "an error should be positive")
    checks.that(
        bool((error[:, 0] > 1).all() and (error[:, 0] < 1000).all()),
        "a tenth of the temperatures' scatter is some kelvin: is your error in scaled units, or "
        "has the mean slipped in?",
    )
    checks.that(bool((error[:, 1] < 0.5).all()), "the error of log g has the wrong size")


### BEGIN HIDDEN TESTS
@checks.run
def test_unscale_errors_hidden():
    import numpy as np

    rng = np.random.default_rng(66)
    mean, scale = np.array([4700.0, 2.5, 0.1]), np.array([150.0, 0.6, 0.07])
    width = rng.uniform(0.05, 0.5, (20, 3))
    _, error = checks.submitted("unscale")(rng.normal(0, 1, (20, 3)), width, mean, scale)
    checks.close(
        checks.array(error, (20, 3)) / width, np.tile(scale, (20, 1)), rtol=1e-4,
        hint="an error scales with the label's scale, and with nothing else",
    )  # fmt: skip


### END HIDDEN TESTS

# %%
scaled, label_mean, label_scale = map(np.asarray, scale_labels(labels, is_training))
for name, m, s in zip(label_names, label_mean, label_scale, strict=True):
    print(f"{name:6s} = {m:9.3f} + {s:7.3f} x (scaled label)")

# %% [markdown]
# ### Question 3 · Pixels, good and bad
#
# Most of a normalised spectrum is the same in all giants. What carries news is the deviation from
# the typical spectrum, so that is what the network should see, in units of `FLUX_UNIT`, so that
# the inputs too are of order one. A bad pixel knows nothing: its input must be the most neutral
# value there is, whatever garbage stands in the file.
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
# from here on the inputs are enough; to run this cell again, load the spectra again first
del flux, error

# %% [markdown]
# What the network sees is small, centred on zero, and exactly zero wherever nothing is known.
#
# ### Question 4 · Noise as a teacher
#
# 790 stars are few. But you know something that no network knows by itself: what the *same* star
# would look like if it were observed again. Each pass through the training set may therefore see
# each star with **fresh noise**, drawn from its own error array, and with a few more pixels lost.
# A network that is shown this cannot learn a noise spike by heart, and it gets used to holes.
#
# Write `augment`. What is drawn once and kept is worth nothing: it must be new at every call.


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
# ## 3. A network by hand
#
# A dense network is plain linear algebra with a bend after each step:
#
# $$ h_1 = g(W_1 x + b_1), \quad h_2 = g(W_2 h_1 + b_2), \quad y = W_3 h_2 + b_3 . $$
#
# The bend $g$ makes the difference: without it, any number of layers is one matrix. We use the
# rectifier $g(x) = \max(x, 0)$ here. The last layer has none, because a label may have any sign.
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
print(
    "largest difference from PyTorch:",
    np.abs(by_hand - small(torch.tensor(x)).detach().numpy()).max(),
)

# %% [markdown]
# PyTorch does nothing else. What it adds is the derivative of any loss with respect to all the
# weights, by the chain rule, for the price of about two more such passes.
#
# ### Question 5 · A loss that knows about errors
#
# The squared error treats a star of S/N 50 like one of S/N 500. Let the network give *two* numbers
# per label: a mean $\mu$ and the logarithm of a standard deviation, $\ln\sigma$. The loss is the
# negative logarithm of the Gaussian probability it gave to the catalogue label $y$:
#
# $$ L = \Big\langle \tfrac12 \ln(2\pi) + \ln\sigma + \tfrac12 \Big(\frac{y-\mu}{\sigma}\Big)^2
# \Big\rangle , $$
#
# averaged over stars and labels. It is the likelihood of lab 3 in another suit: the first term
# stops the network from claiming large errors, the second from claiming small ones.


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
# ### Question 6 · When to stop
#
# The training loss falls for ever, because in the end the network learns the training stars by
# heart. The validation loss falls, and then rises. Keep the weights from where it was lowest, and
# stop when it has not improved for a while.


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
# ## 4. Training
#
# Here are three architectures. All of them end in two numbers per label, mean and $\ln\sigma$.
#
# * **linear**: one matrix. What a linear regression would do, trained the slow way;
# * **dense**: two hidden layers of 64 units that see all pixels at once;
# * **convolutional**: first two layers of small filters that slide along the spectrum, so that a
#   line shape learnt in one place is known everywhere; then a dense layer.
#
# The smooth bend `GELU` replaces the rectifier, and `Dropout` switches a tenth of the units off at
# random *while training*, so that the network does not depend on any single one of them.


# %% setup=true
def build_network(kind, n_inputs, n_labels, seed):
    """Make an untrained network: (n, n_inputs) in, (n, 2 n_labels) out (means, log sigmas)."""
    torch.manual_seed(seed)
    nn = torch.nn
    if kind == "linear":
        network = nn.Sequential(nn.Linear(n_inputs, 2 * n_labels))
        nn.init.zeros_(network[0].weight)
    elif kind == "dense":
        network = nn.Sequential(
            nn.Linear(n_inputs, 64), nn.GELU(), nn.Dropout(0.1),
            nn.Linear(64, 64), nn.GELU(),
            nn.Linear(64, 2 * n_labels),
        )  # fmt: skip
    elif kind == "convolutional":
        filters = nn.Sequential(
            nn.Unflatten(1, (1, n_inputs)),
            nn.Conv1d(1, 8, kernel_size=9, stride=3), nn.GELU(),
            nn.Conv1d(8, 8, kernel_size=9, stride=3), nn.GELU(),
            nn.Flatten(),
        )  # fmt: skip
        n_features = filters(torch.zeros(1, n_inputs)).shape[1]
        network = nn.Sequential(
            filters, nn.Linear(n_features, 64), nn.GELU(), nn.Dropout(0.1),
            nn.Linear(64, 2 * n_labels),
        )  # fmt: skip
    else:
        raise ValueError(f"no architecture called {kind!r}: linear, dense or convolutional")
    return network.to(DEVICE)


#: step size of the optimiser: a single layer of thousands of inputs wants smaller steps
LEARNING_RATE = {"linear": 1e-4, "dense": 1e-3, "convolutional": 2e-3}

# %% [markdown]
# ### A dataset and a loader
#
# PyTorch feeds a network through two small things. A *dataset* knows how many stars there are and
# hands out star number $i$; a *loader* shuffles the numbers once per pass (an **epoch**), and
# stacks stars into batches. A step per batch, not per star: the slope of the loss averages over
# the stars in it, and one large matrix product is faster than many small ones. Each star comes
# with its *errors*: the loop needs them to observe it again.

# %%
torch_stars = torch.utils.data.TensorDataset(
    *(torch.as_tensor(a[is_training], dtype=torch.float32) for a in (inputs, input_error, scaled))
)
loader = torch.utils.data.DataLoader(
    torch_stars, batch_size=32, shuffle=True, generator=torch.Generator().manual_seed(6)
)
x, width, y = next(iter(loader))
print(f"{len(torch_stars)} stars make {len(loader)} batches an epoch")
print(f"one batch: inputs {tuple(x.shape)}, scatter {x.std():.2f}; labels {tuple(y.shape)}, "
      f"scatter {y.std():.2f}")  # fmt: skip
print(f"{(width == 0).float().mean():.1%} of its pixels are bad: input and error are zero there")
del torch_stars, loader

# %% [markdown]
# Inputs and labels are of order one, and the last batch of an epoch is a little smaller: fine.
#
# ### Question 7 · The training loop
#
# This is the heart of the lab. Write `train_network`. In each epoch:
#
# 1. `network.train()`; go through the training stars in random order, in batches of `batch` (with
#    a loader as above or by hand, but let `seed` decide the order);
# 2. for each batch: augment it, predict, compute the loss
#    (`torch.nn.functional.gaussian_nll_loss` wants the variance; or write out question 5 with
#    `torch.exp`), then `optimiser.zero_grad()`, `loss.backward()`, `optimiser.step()`;
# 3. `network.eval()` and, inside `torch.no_grad()`, the loss of the validation stars *without*
#    augmentation. If it is the lowest so far, keep a copy of the weights; stop by the rule of
#    question 6.
#
# At the end put the best weights back (`load_state_dict`), `eval()` again, and predict **all**
# rows. The targets of rows that are in neither set may be NaN: you must not need them. Minutes are
# long without a progress bar: `for epoch in tqdm(range(epochs)):` draws one.
#
# `torch.optim.AdamW` with the step size `LEARNING_RATE[kind]` and `weight_decay=0.01` is a good
# optimiser. A step size that first rises and then sinks to zero
# (`torch.optim.lr_scheduler.OneCycleLR`, `.step()` after each batch) helps, and so does
# `torch.nn.utils.clip_grad_norm_`, which cuts the odd huge step.


# %% solution="train_network" seconds=180
def train_network(
    kind, inputs, input_error, targets, is_training, is_validation, *, epochs, patience, seed,
    lost=0.03, batch=32,
):  # fmt: skip
    """Train a network on some rows and predict all of them.

    Parameters
    ----------
    kind : str
        What `build_network` knows: "linear", "dense" or "convolutional".
    inputs, input_error : (n, p) arrays
        From `network_input`.
    targets : (n, k) array
        Scaled labels; NaN or anything else in rows of neither set.
    is_training, is_validation : (n,) arrays of bool
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
        ``mean``, ``log_sigma``: (n, k) arrays, predictions for all rows by the best weights,
        without dropout or augmentation; ``gradient``: (k, p) array, derivative of each mean with
        respect to each input, averaged over the validation stars; ``training_loss``,
        ``validation_loss``: one number per epoch that was run; ``best``: int, the epoch whose
        weights were used.
    """
    ### BEGIN SOLUTION
    rng = np.random.default_rng(seed)
    n_labels = targets.shape[1]
    network = build_network(kind, inputs.shape[1], n_labels, seed)

    def tensor(array):
        return torch.as_tensor(np.ascontiguousarray(array), dtype=torch.float32, device=DEVICE)

    def loss_of(x, y):
        mean, log_sigma = network(x).split(n_labels, dim=1)
        return torch.nn.functional.gaussian_nll_loss(
            mean, y, torch.exp(2 * log_sigma), full=True, eps=1e-8
        )

    stars = [np.float32(a[is_training]) for a in (inputs, input_error, targets)]
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(*map(torch.from_numpy, stars)),
        batch_size=batch,
        shuffle=True,
        generator=torch.Generator().manual_seed(seed),
    )
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=LEARNING_RATE[kind], weight_decay=0.01, fused=True
    )
    steps = epochs * len(loader)
    pace = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE[kind], total_steps=steps)
    seen, answer = tensor(inputs[is_validation]), tensor(targets[is_validation])
    training_loss, validation_loss, weights = [], [], None
    for _ in tqdm(range(epochs), desc=kind, unit="epoch", leave=False):
        network.train()
        total = 0.0
        for x, width, y in loader:
            again = augment(x.numpy(), width.numpy(), lost, rng)
            loss = loss_of(tensor(again), y.to(DEVICE))
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            pace.step()
            total += loss.item() * len(x)
        training_loss.append(total / len(stars[0]))
        network.eval()
        with torch.no_grad():
            validation_loss.append(loss_of(seen, answer).item())
        best, last = early_stopping(validation_loss, patience)
        if best == len(validation_loss) - 1:
            weights = {name: value.clone() for name, value in network.state_dict().items()}
        if last - best >= patience:
            break
    network.load_state_dict(weights)
    network.eval()
    seen.requires_grad_(True)
    mean = network(seen)[:, :n_labels].sum(dim=0)
    gradient = [torch.autograd.grad(m, seen, retain_graph=True)[0].mean(dim=0) for m in mean]
    with torch.no_grad():
        parts = [network(tensor(inputs[i : i + 128])) for i in range(0, len(inputs), 128)]
    out = torch.cat(parts).cpu().numpy()
    return {
        "mean": out[:, :n_labels],
        "log_sigma": out[:, n_labels:],
        "gradient": torch.stack(gradient).cpu().numpy(),
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
    x = rng.normal(0, 1, (160, 40)).astype(np.float32)
    y = x[:, :2] + 0.1 * rng.normal(0, 1, (160, 2))
    training, validation = np.arange(160) < 100, (np.arange(160) >= 100) & (np.arange(160) < 140)
    y[140:] = np.nan
    out = checks.submitted("train_network")(
        "dense", x, np.full_like(x, 0.05), y, training, validation, epochs=3, patience=3, seed=1
    )
    checks.that(type(out) is dict, "return a dictionary")
    missing = {"mean", "log_sigma", "gradient", "training_loss", "validation_loss", "best"} - set(
        out
    )
    checks.that(not missing, f"the dictionary lacks {', '.join(sorted(missing))}")
    checks.array(out["mean"], (160, 2), "mean")
    checks.array(out["log_sigma"], (160, 2), "log_sigma")
    checks.array(out["gradient"], (2, 40), "gradient")
    checks.that(
        len(out["training_loss"]) == len(out["validation_loss"]) == 3,
        "three epochs should give three training and three validation losses",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_train_network_kinds():
    import numpy as np

    rng = np.random.default_rng(81)
    x = rng.normal(0, 1, (120, 50)).astype(np.float32)
    y = x[:, :3] + 0.1 * rng.normal(0, 1, (120, 3))
    training, validation = np.arange(120) < 80, np.arange(120) >= 100
    y[80:100] = np.nan
    # four spectra of which the first two are together as much as the others
    x[80:84] = 3 * np.stack([x[84], x[85], x[84] + x[85], 0 * x[84]])
    mean = {}
    for kind in ("linear", "dense", "convolutional"):
        out = checks.submitted("train_network")(
            kind, x, np.full_like(x, 0.05), y, training, validation, epochs=2, patience=2, seed=1
        )
        mean[kind] = checks.array(out["mean"], (120, 3), f"the mean of the {kind} network")
        checks.array(out["log_sigma"], (120, 3), f"log_sigma of the {kind} network")
    bend = {
        kind: np.abs(m[80] + m[81] - m[82] - m[83]).max() / np.ptp(m) for kind, m in mean.items()
    }
    checks.that(bool(bend["linear"] < 1e-3), "the linear network is not linear: is it that kind?")
    checks.that(
        bool(min(bend["dense"], bend["convolutional"]) > 1e-3),
        "the dense or the convolutional network is linear: is it that kind?",
    )
    checks.that(
        not np.allclose(mean["dense"], mean["convolutional"], atol=1e-3),
        "the dense and the convolutional network are one",
    )


@checks.run
def test_train_network_settings():
    import numpy as np

    rng = np.random.default_rng(92)
    x = rng.normal(0, 1, (140, 30)).astype(np.float32)
    training, validation = np.arange(140) < 96, np.arange(140) >= 96
    first, again, other, larger = (
        checks.array(
            checks.submitted("train_network")(
                "dense", x, np.full_like(x, 0.1), x[:, :2], training, validation,
                epochs=3, patience=3, seed=seed, batch=batch,
            )["mean"],
            (140, 2),
        )
        for seed, batch in ((1, 16), (1, 16), (2, 16), (1, 48))
    )  # fmt: skip
    checks.close(again, first, atol=1e-3, hint="trained twice with one seed, two networks came out")
    checks.that(not np.allclose(other, first, atol=1e-3), "another seed changes nothing: use it")
    checks.that(
        not np.allclose(larger, first, atol=1e-3), "another size of the batches changes nothing"
    )


### END HIDDEN TESTS

# %% test="train_network.learns" points=3
from helpers import checks


@checks.run
def test_train_network_learns():
    import numpy as np

    rng = np.random.default_rng(82)
    x = rng.normal(0, 1, (500, 40)).astype(np.float32)
    y = np.column_stack([x[:, :4].sum(axis=1) / 2, x[:, 4:8].sum(axis=1) / 2])
    row = np.arange(500)
    out = checks.submitted("train_network")(
        "dense", x, np.full_like(x, 0.05), np.where(row[:, None] < 400, y, np.nan), row < 320,
        (row >= 320) & (row < 400), epochs=12, patience=12, seed=2, batch=8,
    )  # fmt: skip
    miss = (checks.array(out["mean"], (500, 2), "mean") - y)[400:].std() / y[400:].std()
    checks.that(
        bool(miss < 0.6),
        "on a simple problem the network hardly learns: does each input meet its own target, and "
        "does every batch take a step?",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_train_network_learns_both():
    import numpy as np

    rng = np.random.default_rng(83)
    x = rng.normal(0, 1, (500, 40)).astype(np.float32)
    y = np.column_stack([x[:, :4].sum(axis=1) / 2, np.tanh(x[:, 4:8].sum(axis=1) / 2)])
    row = np.arange(500)
    for kind in ("dense", "convolutional"):
        out = checks.submitted("train_network")(
            kind, x, np.full_like(x, 0.05), np.where(row[:, None] < 400, y, np.nan), row < 320,
            (row >= 320) & (row < 400), epochs=12, patience=12, seed=3, batch=8,
        )  # fmt: skip
        miss = (checks.array(out["mean"], (500, 2), "mean") - y)[400:].std(axis=0)
        checks.that(
            bool((miss / y[400:].std(axis=0) < 0.6).all()),
            f"the {kind} network predicts new stars hardly better than by chance",
        )


### END HIDDEN TESTS

# %% test="train_network.honest" points=2
from helpers import checks


@checks.run
def test_train_network_honest():
    import numpy as np

    rng = np.random.default_rng(84)
    x = rng.normal(0, 1, (160, 40)).astype(np.float32)
    x[150:] = x[140:150]
    y = x[:, :2] + 0.1 * rng.normal(0, 1, (160, 2))
    training, validation = np.arange(160) < 100, (np.arange(160) >= 100) & (np.arange(160) < 140)
    out = checks.submitted("train_network")(
        "dense", x, np.full_like(x, 0.3), y, training, validation, epochs=2, patience=2, seed=1
    )
    mean = checks.array(out["mean"], (160, 2), "mean")
    checks.close(
        mean[150:], mean[140:150], atol=1e-4,
        hint="two equal spectra got different labels: switch dropout and augmentation off before "
        "you predict",
    )  # fmt: skip


### BEGIN HIDDEN TESTS
@checks.run
def test_train_network_blind():
    import numpy as np

    rng = np.random.default_rng(85)
    x = rng.normal(0, 1, (300, 40)).astype(np.float32)
    y = np.column_stack([x[:, :8].sum(axis=1) / 3, x[:, 8:16].sum(axis=1) / 3])
    row = np.arange(300)
    training, validation = row < 200, (row >= 200) & (row < 240)
    losses = []
    for known in (row < 240, training):
        out = checks.submitted("train_network")(
            "dense", x, np.full_like(x, 0.05), np.where(known[:, None], y, 50.0), training,
            validation, epochs=4, patience=4, seed=2,
        )  # fmt: skip
        losses.append(checks.array(list(out["training_loss"]), (4,), "training_loss"))
    checks.that(
        bool(losses[0].max() < 5),
        "the targets of stars that are in neither set have reached the training",
    )
    checks.close(
        losses[1], losses[0], atol=0.3,
        hint="with other targets for the validation stars the training loss is another one: they "
        "may only tell when to stop",
    )  # fmt: skip


@checks.run
def test_train_network_augmented():
    import numpy as np

    rng = np.random.default_rng(93)
    x = rng.normal(0, 1, (400, 20)).astype(np.float32)
    y = x[:, :2].astype(float)
    training, validation = np.arange(400) < 336, np.arange(400) >= 336
    slopes = []
    # noise that hides nothing; noise that drowns the inputs; all pixels lost
    for width, lost in ((0.02, 0.0), (5.0, 0.0), (0.02, 1.0)):
        out = checks.submitted("train_network")(
            "dense", x, np.full_like(x, width), y, training, validation,
            epochs=10, patience=10, seed=1, lost=lost, batch=16,
        )  # fmt: skip
        slopes.append(np.sum(checks.array(out["mean"], (400, 2), "mean") * y) / np.sum(y**2))
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
    training, validation = np.arange(400) < 40, np.arange(400) >= 336
    out = checks.submitted("train_network")(
        "dense", x, np.full_like(x, 5.0), y, training, validation,
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


@checks.run
def test_train_network_validation():
    import numpy as np

    rng = np.random.default_rng(94)
    x = rng.normal(0, 1, (400, 20)).astype(np.float32)
    y = x[:, :2].astype(float)
    training, validation = np.arange(400) < 336, np.arange(400) >= 336
    out = checks.submitted("train_network")(
        "dense", x, np.full_like(x, 0.5), y, training, validation,
        epochs=10, patience=10, seed=1, lost=0.1, batch=16,
    )  # fmt: skip
    losses = checks.array(list(out["validation_loss"]), (10,), "validation_loss")
    log_sigma = checks.array(out["log_sigma"], (400, 2), "log_sigma")[336:]
    z = (y - checks.array(out["mean"], (400, 2), "mean"))[336:] / np.exp(log_sigma)
    kept = np.mean(log_sigma + 0.5 * z**2)
    checks.that(
        bool(np.abs(kept + np.array([0, 0.5 * np.log(2 * np.pi)]) - losses.min()).min() < 0.01),
        "the lowest validation loss is not that of the predictions: neither noise nor dropout "
        "belongs into either",
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
    training, validation = np.arange(140) < 60, np.arange(140) >= 60
    out = checks.submitted("train_network")(
        "dense", x, np.full_like(x, 0.05), y, training, validation, epochs=12, patience=12, seed=1
    )
    losses = checks.array(list(out["validation_loss"]), (12,), "validation_loss")
    checks.that(
        int(checks.number(out["best"])) == int(np.argmin(losses)),
        "the best epoch is the one with the lowest validation loss",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_train_network_best_weights():
    import numpy as np

    rng = np.random.default_rng(87)
    x = rng.normal(0, 1, (120, 40)).astype(np.float32)
    # few stars, noisy targets: learnt by heart within the epochs given
    y = x[:, :2] + rng.normal(0, 1, (120, 2))
    training, validation = np.arange(120) < 40, np.arange(120) >= 40
    out = checks.submitted("train_network")(
        "dense", x, np.full_like(x, 0.02), y, training, validation,
        epochs=150, patience=150, seed=1, lost=0.0,
    )  # fmt: skip
    losses = checks.array(list(out["validation_loss"]), (150,), "validation_loss")
    mean = checks.array(out["mean"], (120, 2), "mean")[validation]
    log_sigma = checks.array(out["log_sigma"], (120, 2), "log_sigma")[validation]
    z = (y[validation] - mean) / np.exp(log_sigma)
    kept = np.mean(log_sigma + 0.5 * z**2)
    offset = 0.5 * np.log(2 * np.pi)
    gain = losses.max() - losses.min()
    checks.that(bool(gain > 0.05), "the validation loss never changes: does anything learn?")
    checks.that(
        bool(min(abs(kept - losses.min()), abs(kept + offset - losses.min())) < 0.1 * gain + 0.02),
        "the predictions are not those of the best epoch: put its weights back before you predict",
    )
    out = checks.submitted("train_network")(
        "dense", x, np.full_like(x, 0.02), y, training, validation,
        epochs=150, patience=6, seed=1, lost=0.0,
    )  # fmt: skip
    losses = checks.array(list(out["validation_loss"]), (-1,), "validation_loss")
    best = 0
    for epoch, loss in enumerate(losses):  # the rule of question 6
        if loss < losses[best]:
            best = epoch
        if epoch - best >= 6:
            break
    checks.that(
        len(losses) == len(out["training_loss"]) == epoch + 1
        and checks.number(out["best"]) == best,
        "the training should stop by the rule of question 6, after `patience` epochs",
    )
    checks.that(
        len(losses) == 150 or len(losses) == best + 7,
        "the training stopped before its patience was at an end",
    )


### END HIDDEN TESTS

# %% test="train_network.gradient" points=1
from helpers import checks


@checks.run
def test_train_network_gradient():
    import numpy as np

    rng = np.random.default_rng(88)
    x = rng.normal(0, 1, (400, 40)).astype(np.float32)
    y = x[:, [3, 20]]
    training, validation = np.arange(400) < 300, np.arange(400) >= 300
    out = checks.submitted("train_network")(
        "dense", x, np.full_like(x, 0.05), y, training, validation, epochs=20, patience=20, seed=1
    )
    gradient = checks.array(out["gradient"], (2, 40), "gradient")
    found = np.abs(gradient).argmax(axis=1).tolist()
    checks.that(
        found == [3, 20],
        "each label was made of one input, and the gradient does not show which",
    )
    checks.that(bool((gradient[[0, 1], [3, 20]] > 0).all()), "the gradient has the wrong sign")


### BEGIN HIDDEN TESTS
@checks.run
def test_train_network_gradient_differences():
    import numpy as np

    rng = np.random.default_rng(96)
    x = rng.normal(0, 1, (160, 30)).astype(np.float32)
    y = np.tanh(x[:, :2] + 0.3 * x[:, 2:4])
    # each validation star again, with one of two inputs a little larger and smaller
    pixels, step = (0, 3), 0.05
    for pixel in pixels:
        for sign in (1, -1):
            x = np.concatenate(
                [x, x[120:160] + np.float32(sign * step) * np.eye(30, dtype="f")[pixel]]
            )
    row = np.arange(len(x))
    out = checks.submitted("train_network")(
        "dense", x, np.full_like(x, 0.05), np.append(y, np.full((160, 2), np.nan), axis=0),
        row < 120, (row >= 120) & (row < 160), epochs=5, patience=5, seed=1, batch=16,
    )  # fmt: skip
    mean = checks.array(out["mean"], (320, 2), "mean")[160:].reshape(2, 2, 40, 2).mean(axis=2)
    checks.close(
        checks.array(out["gradient"], (2, 30), "gradient")[:, list(pixels)].T,
        (mean[:, 0] - mean[:, 1]) / (2 * step),
        atol=0.01,
        hint="the gradient is not how the predicted means change with each input, on the average "
        "of the validation stars",
    )


### END HIDDEN TESTS


# %% [markdown]
# Now the fair comparison: the same stars, the same number of epochs, the same augmentation. The
# rows after the survey's own are stars you will want predictions for later. They are in no set.

# %%
if archive.current().is_simulated:
    decorrelated = products.load("06_decorrelated")
    extra_flux, extra_error = on_chips(decorrelated, "flux"), on_chips(decorrelated, "error")
    extra_labels = np.asarray(decorrelated["labels"], dtype=float)
else:  # no real star is in that set: the test stars stand in, and tell less
    (extra_flux, extra_error), extra_labels = spectra(is_test), labels[is_test]
tested = np.flatnonzero(is_test)
sizes = {"decorrelated": len(extra_flux)}
sizes |= dict.fromkeys(("S/N 100", "S/N 50", "S/N 25", "10 % lost"), len(tested))
extra, count = {}, len(names)  # extra: name -> rows
for name, size in sizes.items():
    extra[name] = slice(count, count + size)
    count += size

# Room for all, filled in place: to stack finished parts would take twice the memory. Errors serve
# to draw fresh noise in training: spectra that are only to be labelled need none.
all_inputs = np.zeros((count, wavelength.size), dtype=np.float32)
all_errors = np.zeros_like(all_inputs)
all_inputs[: len(names)], all_errors[: len(names)] = inputs, input_error
inputs, input_error = all_inputs[: len(names)], all_errors[: len(names)]
all_inputs[extra["decorrelated"]], _ = network_input(extra_flux, extra_error, typical)
rng = np.random.default_rng(66)
width = input_error[tested]
for ratio in (100, 50, 25):
    noisy = all_inputs[extra[f"S/N {ratio}"]]
    rng.standard_normal(out=noisy, dtype=np.float32)
    more = np.clip((1 / ratio / FLUX_UNIT) ** 2 - width**2, 0, None)
    noisy *= np.where(width > 0, np.sqrt(more), 0)
    noisy += inputs[tested]
all_inputs[extra["10 % lost"]] = augment(inputs[tested], np.zeros_like(width), 0.1, rng)
nothing = np.full((count - len(names), len(label_names)), np.nan)
all_targets = np.concatenate([scaled, nothing])
may_train = np.concatenate([is_training, np.zeros(count - len(names), dtype=bool)])
may_validate = np.concatenate([is_validation, np.zeros(count - len(names), dtype=bool)])
del more, noisy, width
print(f"{count} spectra to predict, {may_train.sum()} to learn from")

# %% [markdown]
# ### A scout
#
# One thing first. A Gaussian loss believes every label it is given. In lab 3 you found stars whose
# catalogue labels, or whose spectra, are wrong: at ten sigma, one of them weighs as much as a
# hundred others, in the training and, worse, in the validation loss that decides everything. So a
# scout goes ahead: a dense network, trained briefly. Stars of the training and validation sets
# that it misses by more than five times the usual scatter are left out of both. The test set
# stays as it is. You may clean what you learn from, never what you are judged by.


# %%
def trained_network(*arguments, **settings):
    """Return what `train_network` does, all of it as arrays."""
    run = train_network(*arguments, **settings)
    return {name: np.asarray(values) for name, values in run.items()}


scout = trained_network(
    "dense", all_inputs, all_errors, all_targets, may_train, may_validate,
    epochs=15, patience=15, seed=0,
)  # fmt: skip
learnt = may_train | may_validate
miss = scout["mean"][learnt] - all_targets[learnt]
middle_miss = np.median(miss, axis=0)
spread = 1.4826 * np.median(np.abs(miss - middle_miss), axis=0)
odd = np.zeros(count, dtype=bool)
odd[learnt] = (np.abs(miss - middle_miss) > 5 * spread).any(axis=1)
print(
    f"left out: {(odd & may_train).sum()} stars to train, {(odd & may_validate).sum()} to validate"
)
may_train &= ~odd
may_validate &= ~odd

# %%
EPOCHS, PATIENCE = 40, 12
trained, seconds = {}, {}
for kind in ("linear", "dense", "convolutional"):
    start = time.perf_counter()
    trained[kind] = trained_network(
        kind, all_inputs, all_errors, all_targets, may_train, may_validate,
        epochs=EPOCHS, patience=PATIENCE, seed=1,
    )  # fmt: skip
    seconds[kind] = time.perf_counter() - start

with plots.style():
    figure, axis = plt.subplots(figsize=(7, 3.6))
    for (kind, run), colour in zip(trained.items(), ("black", "blue", "vermilion"), strict=True):
        epochs = np.arange(len(run["training_loss"]))
        axis.plot(epochs, run["training_loss"], ":", color=plots.COLOURS[colour])
        axis.plot(epochs, run["validation_loss"], color=plots.COLOURS[colour], label=kind)
        axis.plot(
            run["best"], run["validation_loss"][run["best"]], "o", color=plots.COLOURS[colour]
        )
    axis.set_ylim(top=2)
    axis.set_xlabel("epoch")
    axis.set_ylabel("loss (solid: validation, dotted: training)")
    axis.legend()
    axis.set_title(source, fontsize=9)
plots.show(
    figure,
    alt="Training and validation loss against epoch for three networks: all fall, the linear one "
    "stays far above the others, and a dot marks the epoch whose weights are kept.",
)

# %% [markdown]
# Read the picture from right to left: where dotted and solid part, the network has begun to learn
# its stars by heart.
#
# ### Question 8 · One look at the test
#
# Which of the three do you keep? Write `choose`, which decides as the rules of section 1 demand.


# %% solution="choose"
def choose(scores):
    """Choose an architecture.

    Parameters
    ----------
    scores : dict
        For each architecture's name a dictionary with the losses of its best epoch under
        "training" and "validation", and under "test" if that was looked at; lower is better.

    Returns
    -------
    str
        The name of the one to keep.
    """
    ### BEGIN SOLUTION
    return min(scores, key=lambda name: scores[name]["validation"])
    ### END SOLUTION


# %% test="choose" points=2
from helpers import checks


@checks.run
def test_choose():
    scores = {
        "a": {"training": 1.0, "validation": 1.5, "test": 1.4},
        "b": {"training": 1.1, "validation": 1.2, "test": 1.3},
    }
    checks.that(
        checks.text(checks.submitted("choose")(scores)) in scores, "return the name of one of them"
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_choose_rule():
    choose = checks.submitted("choose")
    scores = {
        "a": {"training": 0.1, "validation": 1.5, "test": 1.3},
        "b": {"training": 1.1, "validation": 1.2, "test": 1.3},
        "c": {"training": 0.9, "validation": 1.3, "test": 0.5},
    }
    checks.that(
        checks.text(choose(scores)) == "b",
        "the training loss flatters whoever learns by heart, and the test set is for judging, "
        "not for choosing",
    )
    scores = {f"n{i}": {"training": i, "validation": -i, "test": (i - 3) ** 2} for i in range(6)}
    checks.that(checks.text(choose(scores)) == "n5", "a lower loss is better, also below zero")
    scores = {"x": {"training": 0.2, "validation": 0.3}, "y": {"training": 0.1, "validation": 0.4}}
    checks.that(checks.text(choose(scores)) == "x", "the choice needs no test set")
    names = ("linear", "dense", "convolutional")
    for best in names:
        scores = {name: {"training": 0.5, "validation": 1 - (name == best)} for name in names}
        checks.that(checks.text(choose(scores)) == best, "the losses should decide, not the names")


### END HIDDEN TESTS

# %%
scores = {
    kind: {
        "training": run["training_loss"][run["best"]],
        "validation": run["validation_loss"][run["best"]],
    }
    for kind, run in trained.items()
}
kept = choose(scores)
for kind, run in trained.items():
    weights = sum(p.numel() for p in build_network(kind, len(wavelength), 5, 0).parameters())
    print(
        f"{kind:14s} {weights:8d} weights, {seconds[kind]:5.1f} s, best epoch {run['best']:2d}: "
        f"training {scores[kind]['training']:+.2f}, validation {scores[kind]['validation']:+.2f}"
    )
print(f"kept: {kept}")

# %% [markdown]
# ### Question 9 · Many are wiser than one
#
# Train the same network from three different starting points, and you get three opinions. Where
# data decide, they agree. Where they do not, they differ, and the differences are an honest part
# of the error. Treat the ensemble as what it is, a mixture of $M$ Gaussians of equal weight: its
# mean is the mean of the means, and its variance is the mean of the variances *plus* the variance
# of the means.
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
members = [trained[kept]] + [
    trained_network(
        kept, all_inputs, all_errors, all_targets, may_train, may_validate,
        epochs=EPOCHS, patience=PATIENCE, seed=seed,
    )
    for seed in (2, 3)
]  # fmt: skip
ensemble_mean, ensemble_sigma = map(
    np.asarray,
    combine_ensemble(
        np.array([m["mean"] for m in members], dtype=float),
        np.exp(np.array([m["log_sigma"] for m in members], dtype=float)),
    ),
)
predicted, predicted_error = map(
    np.asarray, unscale(ensemble_mean, ensemble_sigma, label_mean, label_scale)
)

# %% [markdown]
# ## 5. The examination
#
# The sheet asks for the bias and the median error of each label. As in lab 3 we use medians
# throughout: a handful of stars has wrong labels in the catalogue, and the networks are not to
# blame for them.


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
        deviation, were the differences Gaussian, and deaf to outliers.
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
network_figures = performance(predicted[: len(names)][is_test], truth)
cannon_figures = performance(cannon_labels, truth)
print("               bias               median error       scatter")
print("               network   Cannon   network   Cannon   network   Cannon")
for i, name in enumerate(label_names):
    cells = [f"{f[i]:9.{1 if i == 0 else 4}f}" for pair in zip(
        network_figures, cannon_figures, strict=True) for f in pair]  # fmt: skip
    print(f"{name:12s}", *cells)

# %%
with plots.style():
    figure, axes = plt.subplots(2, 5, figsize=(11, 4.6), height_ratios=(2, 1), sharex="col")
    for i, name in enumerate(label_names):
        mine = predicted[: len(names)][is_test][:, i]
        axes[0, i].plot(truth[:, i], mine, ".", ms=2, color=plots.COLOURS["blue"])
        ends = [truth[:, i].min(), truth[:, i].max()]
        axes[0, i].plot(ends, ends, color="0.4", lw=0.8)
        width = 5 * cannon_figures[2][i]
        axes[1, i].plot(
            truth[:, i], cannon_labels[:, i] - truth[:, i], ".", ms=2, color=plots.COLOURS["orange"]
        )
        axes[1, i].plot(
            truth[:, i], mine - truth[:, i], ".", ms=2, color=plots.COLOURS["blue"], alpha=0.6
        )
        axes[1, i].axhline(0, lw=0.8, color="0.4")
        axes[1, i].set_ylim(-width, width)
        axes[0, i].set_title(AXIS_LABELS[name], fontsize=9)
        axes[1, i].set_xlabel("catalogue", fontsize=9)
    axes[0, 0].set_ylabel("network")
    axes[1, 0].set_ylabel("minus catalogue\n(orange: Cannon)")
    figure.suptitle(f"{is_test.sum()} stars that neither has seen ({source})", fontsize=9)
plots.show(
    figure,
    alt="Network labels against catalogue labels of the test stars for five labels, along the "
    "one-to-one line; below, the differences of the network and of the Cannon from the catalogue, "
    "both centred on zero with similar widths.",
)

# %% [markdown]
# Both lie along the line. Where do the two disagree with the catalogue *together*? Such a star
# more likely has a wrong label than two wrong models.
#
# ### Question 10 · Are the errors true?
#
# The network claims a $\sigma$ for each label. If the claims are true, 68.3 % of the catalogue
# labels lie within $\pm1\sigma$, and for any other share $q$ a share $q$ lies in the central
# interval that holds $q$ of a Gaussian. (The scatter includes the catalogue's own errors, and the
# network has learnt to include them too.) Write `coverage`.


# %% solution="coverage"
def coverage(predicted, sigma, truth, shares):
    """Share of true values that lie within central intervals of Gaussian predictions.

    Parameters
    ----------
    predicted, sigma, truth : (n, k) arrays
    shares : (m,) array
        What the intervals should hold, between 0 and 1, for example [0.5, 0.683, 0.95].

    Returns
    -------
    (m, k) array
        What they do hold.
    """
    ### BEGIN SOLUTION
    from scipy.stats import norm

    z = np.abs(truth - predicted) / sigma
    limits = norm.ppf(0.5 + 0.5 * np.asarray(shares))
    return np.array([(z <= limit).mean(axis=0) for limit in limits])
    ### END SOLUTION


# %% test="coverage" points=1
from helpers import checks


@checks.run
def test_coverage():
    import numpy as np

    zero, one = np.zeros((10, 2)), np.ones((10, 2))
    result = checks.submitted("coverage")(zero, one, zero, np.array([0.5, 0.9, 0.99]))
    checks.close(
        checks.array(result, (3, 2)), np.ones((3, 2)), atol=1e-6,
        hint="exact predictions are inside every interval",
    )  # fmt: skip


### BEGIN HIDDEN TESTS
@checks.run
def test_coverage_sides():
    import numpy as np

    zero, one = np.zeros((10, 1)), np.ones((10, 1))
    truth = np.where(np.arange(10) < 5, -9.0, 9.0)[:, None]
    result = checks.submitted("coverage")(zero, one, truth, np.array([0.5]))
    checks.close(
        checks.array(result, (1, 1)), [[0.0]], atol=1e-6,
        hint="truths far below the prediction are outside, as those far above",
    )  # fmt: skip


### END HIDDEN TESTS

# %% test="coverage.gaussian" points=2
from helpers import checks


@checks.run
def test_coverage_gaussian():
    import numpy as np

    rng = np.random.default_rng(94)
    truth = rng.normal(0, 1, (4000, 1))
    found = checks.array(
        checks.submitted("coverage")(0 * truth, 0 * truth + 1, truth, np.array([0.683])), (1, 1)
    )
    checks.close(
        found, [[0.683]], atol=0.03, hint="true errors should cover as much as they promise"
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_coverage_shares():
    import numpy as np
    from scipy.stats import norm

    rng = np.random.default_rng(95)
    sigma = rng.uniform(0.1, 3.0, (20000, 2))
    middle = rng.normal(0, 5, (20000, 2))
    truth = middle + sigma * rng.normal(0, [1.0, 2.0], (20000, 2))
    shares = np.array([0.5, 0.2, 0.9])
    found = checks.array(checks.submitted("coverage")(middle, sigma, truth, shares), (3, 2))
    halved = 2 * norm.cdf(norm.ppf(0.5 + 0.5 * shares) / 2) - 1
    checks.close(
        found, np.column_stack([shares, halved]), atol=0.02,
        hint="the interval that holds a share q of a Gaussian is central: q/2 on either side",
    )  # fmt: skip
    biased = checks.submitted("coverage")(middle + 4 * sigma, sigma, middle, np.array([0.9]))
    checks.close(
        checks.array(biased, (1, 2)), [[0.0, 0.0]], atol=1e-6,
        hint="predictions that are all four sigma too large contain nothing",
    )  # fmt: skip


### END HIDDEN TESTS

# %% [markdown]
# Claims can also be *corrected*. The validation stars say by which factor the claimed errors of a
# label must be stretched so that 68.3 % of them lie inside; the test stars then say whether it
# helped. From 131 stars each factor is known to about 8 %.

# %%
share_68 = 0.683
guarding = np.flatnonzero(may_validate)
z = np.abs(all_targets[guarding] - ensemble_mean[guarding]) / ensemble_sigma[guarding]
stretch = np.quantile(z, share_68, axis=0)
print("errors are stretched by", ", ".join(
    f"{name} {factor:.2f}" for name, factor in zip(label_names, stretch, strict=True)
))  # fmt: skip
predicted_error = predicted_error * stretch
alone, alone_error = map(
    np.asarray,
    unscale(
        np.asarray(members[0]["mean"], dtype=float), np.exp(members[0]["log_sigma"]), label_mean,
        label_scale,
    ),
)  # fmt: skip
shares = np.linspace(0.05, 0.95, 19)
claims = {
    "one network": (alone[tested], alone_error[tested]),
    "ensemble of three": (predicted[tested], predicted_error[tested] / stretch),
    "ensemble, errors stretched": (predicted[tested], predicted_error[tested]),
}
with plots.style():
    figure, axes = plt.subplots(1, 3, figsize=(9.5, 3.6), sharey=True)
    for axis, (title, claim) in zip(axes, claims.items(), strict=True):
        axis.plot([0, 1], [0, 1], color="0.5", lw=0.8)
        found = np.asarray(coverage(*claim, truth, shares))
        for i, name in enumerate(label_names):
            axis.plot(shares, found[:, i], label=name)
        axis.set_title(title, fontsize=9)
        axis.set_xlabel("share promised")
    axes[0].set_ylabel("share of stars found inside")
    axes[0].legend(fontsize=8)
plots.show(
    figure,
    alt="Share of test stars inside the predicted intervals against the share promised, for one "
    "network, the ensemble, and the ensemble with stretched errors: five curves, one a label, near "
    "the diagonal, where errors are true.",
)
for title, claim in claims.items():  # the last, with stretched errors, is what lab 6 hands on
    held = np.asarray(coverage(*claim, truth, np.array([share_68])))[0]
    print(f"{title:28s} 68.3 % intervals hold",
          ", ".join(f"{n} {h:.0%}" for n, h in zip(label_names, held, strict=True)))  # fmt: skip

# %% [markdown]
# Below the diagonal the errors are too small, above it too large. 928 stars know a share of 68 % to
# 1.5 %.
#
# Now make life hard. The test stars again, with noise added down to S/N 100, 50 and 25, and with
# every tenth pixel gone:

# %%
print("median error at     " + "".join(f"{name:>10s}" for name in label_names))
hardness = {"as observed": np.flatnonzero(is_test)} | {
    key: rows for key, rows in extra.items() if key != "decorrelated"
}
errors_at, overshoot = {}, {}
for key, rows in hardness.items():
    _, errors_at[key], scatter = performance(predicted[rows], truth)
    overshoot[key] = scatter / np.median(predicted_error[rows], axis=0)
    print(f"{key:18s}  " + "".join(
        f"{e:10.{1 if i == 0 else 4}f}" for i, e in enumerate(errors_at[key])
    ))  # fmt: skip
with plots.style():
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6))
    keys = list(hardness)
    for i, name in enumerate(label_names):
        growth = [errors_at[key][i] / errors_at["as observed"][i] for key in keys]
        claims = [overshoot[key][i] for key in keys]
        for axis, values in zip(axes, (growth, claims), strict=True):
            (line,) = axis.plot(keys[:4], values[:4], "o-", ms=4, label=name)
            axis.plot(keys[4:], values[4:], "o", ms=4, color=line.get_color())
    for axis in axes:
        axis.axhline(1, lw=0.8, color="0.5")
        axis.set_ylim(bottom=0)
        axis.tick_params(axis="x", labelsize=8)
    axes[0].set_ylabel("median error / as observed")
    axes[1].set_ylabel("scatter / claimed sigma")
    axes[0].legend(fontsize=8)
    figure.suptitle(f"the test stars, made worse ({source})", fontsize=9)
plots.show(
    figure,
    alt="Two panels over the cases as observed, S/N 100, 50, 25 and 10 per cent of pixels lost. "
    "Left, the median error of each label relative to the spectra as observed: it grows towards "
    "S/N 25, and is larger too where pixels are lost. Right, the scatter over the claimed sigma: "
    "near one down to S/N 50, below for some at 25, and above one where pixels are lost.",
)

# %% [markdown]
# At high S/N more photons hardly help: the error is the catalogue's, and the network's own. Towards
# S/N 25 errors double and triple. The claimed sigma grows with them, for noise can be seen in a
# spectrum; for some labels it even overdoes it, out there where no training star was.
#
# Holes are another matter. A zero is the most neutral input, but a tenth of zeros is a tenth less
# evidence, and the answer leans towards the mean. The network was trained with three per cent of
# holes; with ten, its errors grow and its claims do not. The Cannon would simply use the other
# pixels.

# %% [markdown]
# ## 6. What does it look at?
#
# The training stars are what the Galaxy made: magnesium and silicon rise and fall together, and
# with them oxygen, calcium and the other alpha elements. A network that reads [Mg/Fe] off *silicon*
# lines, or off the CO and OH lines that oxygen makes, would pass every examination above. So would
# a Cannon. Two tests can expose them.
#
# ### What an ideal observer would do
#
# Near a star of the middle, the Cannon says $f = f_0 + G^T \delta$, with the gradient spectra
# $G$ (labels x pixels) and pixel variances $v = \sigma^2 + s^2$. The best unbiased linear estimate
# of the labels is weighted least squares,
#
# $$ \hat\delta = E\,(f - f_0), \qquad E = (G V^{-1} G^T)^{-1} G V^{-1} , \qquad
# V = \mathrm{diag}(v). $$
#
# A row of $E$ is what an ideal observer *does* with each pixel to get that label; it is the thing
# to compare a network's gradient with, not the gradient spectrum itself. (The matrix to invert is
# 5 x 5. A 7214 x 7214 matrix never appears.)


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


# the ideal observer's weights for a middling star, in the network's units
middle = (label_mean - cannon_mean) / cannon_scale
_, gradients = cannon_model(middle, coefficients)
_, training_error = spectra(is_training)
typical_variance = 1 / np.mean(1 / (training_error**2 + s2.astype(np.float32)), axis=0, dtype=float)
ideal = cannon_estimator(gradients, typical_variance)
network_gradient = np.mean([m["gradient"] for m in members], axis=0)
mg = label_names.index("MG_FE")
with plots.style():
    figure, axes = plt.subplots(3, 1, figsize=(9, 5.4), sharex=True)
    part = (wavelength > 15700) & (wavelength < 15920)
    for axis, what, title, colour in zip(
        axes,
        (gradients[mg], ideal[mg], network_gradient[mg]),
        ("how the spectrum changes with [Mg/Fe] (Cannon)", "what an ideal observer of [Mg/Fe] does",
         "what the network does"),
        ("black", "orange", "blue"),
        strict=True,
    ):  # fmt: skip
        between_chips = np.diff(wavelength[part], append=np.inf) > 1
        curve = np.where(between_chips, np.nan, what[part] / np.abs(what[part]).max())
        axis.plot(wavelength[part], curve, lw=0.8, color=plots.COLOURS[colour])
        axis.axhline(0, lw=0.6, color="0.6")
        axis.set_title(title, fontsize=9, loc="left")
        for line in (15745.01, 15753.29, 15770.15, 15883.90):
            axis.axvline(line, lw=0.8, ls=":", color=plots.COLOURS["vermilion"])
    axes[1].set_ylabel("relative to the largest")
    axes[2].set_xlabel("vacuum wavelength / Å (dotted: Mg I)")
plots.show(
    figure,
    alt="Three panels against wavelength from 15700 to 15920 angstrom: the Cannon's gradient with "
    "respect to magnesium, sharp at four marked Mg I lines; the weights of an ideal observer, "
    "sharp at the same places; and the network's gradient, which is broader and noisier.",
)
for i, name in enumerate(label_names):
    cosine = (
        network_gradient[i]
        @ ideal[i]
        / np.linalg.norm(network_gradient[i])
        / np.linalg.norm(ideal[i])
    )
    print(f"{name:6s} likeness of network and ideal observer: {cosine:+.2f}")

# %% [markdown]
# All three are sharp at the magnesium lines; the network's is the least quiet between them. A
# likeness of 0.6 or 0.7 among thousands of pixels is a lot, and it is not one. What does the rest
# do?
#
# ### Question 11 · Take the company away
#
# The second test needs stars that the Galaxy never made. The archive has a set of simulated giants
# in which temperature and gravity are those of real giants, but [Fe/H], [Mg/Fe] and [Si/Fe] were
# drawn independently of everything else, and oxygen, calcium and the other alpha elements are the
# same in all of them. Their labels are the true ones. If a method truly measures, its answer for
# label $j$ follows label $j$ with slope one and ignores the others.
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
rows = extra["decorrelated"]
by_network = np.asarray(response_matrix(extra_labels, predicted[rows], label_scale))
start = time.perf_counter()
cannon_answer, _, _ = cannon_fit(extra_flux, extra_error)
cannon_milliseconds = 1e3 * (time.perf_counter() - start) / len(extra_flux)
by_cannon = np.asarray(response_matrix(extra_labels, cannon_answer, label_scale))
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

# %% [markdown]
# ### Question 12 · What does it know?
#
# **Explain** what the two tests say about the [Mg/Fe] of the network, and of your Cannon. Does it
# come from magnesium lines? Why does the test set of section 5 not show the difference? What would
# happen if you used them on a dwarf galaxy, where stars of low metallicity have low [Mg/Fe]? What
# could you change in the *training* to cure it?

# %% [markdown] explain="leak" points=4
# In a decorrelated sample a method that reads Mg from Mg lines answers to the true [Mg/Fe] with
# slope one, and to nothing else. The Cannon's slope is 0.5, the network's 0.7. In the training
# stars oxygen (in CO and OH), calcium and the others rise and fall with magnesium, so their lines
# were counted as signs of [Mg/Fe]; here they stand still. The share that follows [Si/Fe] is small
# in both, because silicon is a label of its own that both can see; what leaks is what has no label.
# The Cannon suffers more: its one label [Mg/Fe] has to explain *every* pixel that changes with any
# alpha element, where the network is free to look at those that tell magnesium best. Its gradient
# is as sharp at the Mg I lines as the ideal observer's, but is spread over many other pixels too.
#
# The test stars come from the same Galaxy: there oxygen and silicon *are* good evidence for
# magnesium, so that using them lowers the error. A method that minimises the error is right to use
# them. It is a prior, learnt without being asked for.
#
# In a dwarf galaxy the relation is another one: at low [Fe/H] [Mg/Fe] would be pulled up towards
# what such stars have in our Galaxy, with errors that know nothing of it. One might discover
# alpha-rich stars that are none.
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
# ## 7. Beyond the edge
#
# Last, hold something back: train on stars with [Fe/H] > -0.5 only, and examine on the metal-poor
# ones. The network is trained as before. For the Cannon it is one weighted least-squares fit per
# pixel, with the scatter $s^2$ that it found in lab 3.


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
none = np.zeros(count - len(names), dtype=bool)
narrow = trained_network(
    kept, all_inputs, all_errors, all_targets,
    may_train & np.append(rich, none), may_validate & np.append(rich, none),
    epochs=EPOCHS, patience=PATIENCE, seed=1,
)  # fmt: skip
start = time.perf_counter()
narrow_coefficients = cannon_trained((may_train | may_validate)[: len(names)] & rich)
cannon_seconds = time.perf_counter() - start
poor = np.flatnonzero(is_test & ~rich)
others = np.flatnonzero(is_test & rich)[:300]
shown = np.concatenate([poor, others])
answers = {
    "network, trained on all": (predicted[shown], predicted_error[shown]),
    "network, [Fe/H] > -0.5": [
        np.asarray(a) for a in unscale(
            np.float64(narrow["mean"])[shown], stretch * np.exp(narrow["log_sigma"])[shown],
            label_mean, label_scale,
        )
    ],
}  # fmt: skip
*cannon_pair, chi2 = cannon_fit(*spectra(shown), narrow_coefficients)
answers["Cannon, [Fe/H] > -0.5"] = tuple(cannon_pair)

with plots.style():
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.6), sharey=True)
    for axis, (title, (values, errors)), colour in zip(
        axes, answers.items(), ("blue", "vermilion", "orange"), strict=True
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
print("metal-poor test stars:     bias /dex  scatter  claimed sigma")
for title, (values, errors) in answers.items():
    bias, _, scatter = performance(values[: len(poor)], labels[poor])
    claim = np.median(errors[: len(poor), iron])
    print(f"{title:25s} {bias[iron]:+10.3f} {scatter[iron]:8.3f} {claim:14.3f}")
print(
    f"reduced chi2 of the Cannon's fits: {np.median(chi2[: len(poor)]):.2f} for metal-poor stars, "
    f"{np.median(chi2[len(poor) :]):.2f} for the others"
)

# %% [markdown]
# Both lean back towards the metallicities they know, by 0.2 dex at [Fe/H] = -0.95. The network does
# not say so: it claims smaller errors for these stars than the one that has learnt them. The
# Cannon's formal errors say nothing either, but the $\chi^2$ of its fits is larger than usual. That
# is a warning you can look for, and the network has none.
#
# And what does it cost? Both trainings as timed above, and the labelling of stars one has trained
# for:

# %%
network = build_network(kept, len(wavelength), len(label_names), 0).eval()
with torch.no_grad():
    some = torch.as_tensor(inputs[tested[:100]], device=DEVICE)
    start = time.perf_counter()
    network(some)
    network_milliseconds = 1e3 * (time.perf_counter() - start) / len(some)
print("             training / s   labelling / ms a star")
print(f"network      {seconds[kept]:12.1f} {network_milliseconds:23.2f}")
print(f"Cannon       {cannon_seconds:12.1f} {cannon_milliseconds:23.2f}  (one star at a time)")

# %% [markdown]
# ## 8. Real stars
#
# All stars so far were simulated (unless you changed the archive). The kit's tests train the same
# code on 884 *real* spectra of LAMOST, over their running mean, and compare with the labels of the
# LAMOST catalogue: robust scatter of the differences (`pytest tests/real -k lamost_neural -s`).
#
# | trained on | Cannon of lab 3 | network | network, pre-trained |
# |---|---|---|---|
# | 177 stars | 57 K, 0.080, 0.058 | 80 K, 0.101, 0.065 | 68 K, 0.065, 0.043 |
# | 707 stars | 48 K, 0.069, 0.050 | 51 K, 0.057, 0.037 | 55 K, 0.053, 0.036 |
#
# *Pre-trained* means: trained first on 6196 simulated stars of the kit's LAMOST-like survey, then
# trained on by the real ones. With few stars the network loses, in every label. The Cannon is told
# by its form how a spectrum can change: smoothly with three labels, each pixel by itself, ten
# numbers a pixel. The network has to find out from the same few stars which of its hundred thousand
# numbers matter. With four times as many stars it wins log g and [Fe/H], and still loses the
# temperature by a little. The simulated stars teach it beforehand what lines look like and which
# of them go together. That is worth hundreds of real stars for log g and [Fe/H]. In
# temperature it helps while real stars are few, and no longer when there are many.
#
# ### Question 13 · Two strategies
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
# network has to be taught noise and holes, and quotes errors that are true only on average and for
# stars like those it was trained with. It says nothing when a spectrum is not a star at all.
# *Understanding.* The Cannon's gradient spectra can be checked against line lists. What a network
# uses has to be found out by tests such as the two of section 6; it may take labels from
# correlations.
# *Extrapolation.* Both fail and lean back towards the training set, with errors that are too small;
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
    predicted=predicted[: len(names)][is_test],
    predicted_error=predicted_error[: len(names)][is_test],
    catalogue=truth,
    cannon=cannon_labels,
    coverage=held,
    response_network=by_network,
    response_cannon=by_cannon,
    training_seconds=np.array([seconds[k] for k in trained]),
)

# %% [markdown]
# ## What to take away
#
# * Inputs and labels of order one, three sets, early stopping, fresh noise: most of deep learning
#   that works is good housekeeping.
# * A loss with $\ln\sigma$ makes the network say how sure it is. Test it, by coverage, on stars
#   like the training stars; beyond them its word is worth nothing.
# * An error on the test set says how well a method works for *this* population. It does not say
#   why. Correlations in the training set are learnt as if they were physics.
# * One wrong label can outweigh a hundred good ones. Clean what you learn from, never what you are
#   judged by.
# * Compare a network with the best simple method you have. Yours was a good one.
#
# ## Go further
#
# Cure the network. Make [Mg/Fe] independent of [Si/Fe] in the training: weight the stars, or
# augment each spectrum with your Cannon's gradient spectra (add a random change of Mg and of Si to
# the labels, and $G^T\delta$ to the spectrum). Is the response matrix better? What did the median
# error on the test set pay for it?
