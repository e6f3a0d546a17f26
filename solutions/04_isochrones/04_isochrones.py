# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Lab 4 · Isochrones
#
# In lab 3 you measured temperature, gravity and composition of some 900 giants from their spectra.
# Your model contains no physics of stars, so nothing in it keeps the labels consistent with each
# other. The theory of stellar evolution says which combinations exist: stars of one age and
# composition, whatever their mass, lie on one curve, an **isochrone**. In this lab you compare your
# labels with isochrones. Then you use the model to study how spectra change with metallicity and
# along the giant branch. The cell below shows the figure that you are working towards.
#
# **After this lab you can**
#
# * name the features of a Kiel diagram (log g against Teff) and say what the stars there do;
# * interpolate between isochrones in age and metallicity, at equal stages of evolution;
# * measure the disagreement between stars and isochrones in kelvin, with errors;
# * say how a spectrum tells a cool giant of low gravity from a warmer one with more metals;
# * hand in the Kiel diagram for checkpoint 3.
#
# **You need** lab 3 (or its reference product, which is loaded if you have saved none), NumPy and
# matplotlib, and the stages of a star's life: main sequence, red giant branch, helium burning.
# **Read** Holtzman et al. (2015) for real APOGEE labels in this plane, and Choi et al. (2016) for
# the MIST isochrones.
#
# | section | hours |
# |---|---|
# | 1 · The Kiel diagram | 1.5 |
# | 2 · Isochrones, and the disagreement in kelvin | 4 |
# | 3 · Spectra along metallicity and up the branch | 1.5 |
# | 4 · Two stars with nearly the same spectrum | 2 |
#
# The spectra behind your labels are **simulated** by default, and the isochrones come from a
# *formula* that the kit fits to published ones (MIST and PARSEC). With `LABKIT_ARCHIVE=sdss` both
# are real.
#
# **If you are stuck:** open the hint below a question. The boxes *Stuck?* give you the result of a
# step, so that you can go on without it; you lose only the points of the questions that you left
# out. A cell that fails because it calls a function you left out can be skipped.
#
# A function must leave its arguments as they were; work on a copy.

# %% setup=true
import matplotlib.pyplot as plt
import numpy as np

from helpers import archive, isochrones, plots, products

#: the labels, in the order of every array of labels in this lab
LABELS = ("TEFF", "LOGG", "FE_H", "MG_FE", "SI_FE")
#: an isochrone's phase number for everything between the main sequence and the helium flash
GIANT = 2
#: log g (dex, cgs) below which a star of that phase counts as on the giant branch
FOOT_OF_BRANCH = 3.5
#: the stretch of spectrum to look at, in Å (vacuum)
WINDOW = (16000.0, 16200.0)

# %%
# the result in one picture: the kit's own labels and the isochrone nearest to 6 Gyr
goal = products.load("03_cannon")
ladder = isochrones.read(isochrones.fetch(0.0))
nearest = isochrones.select(ladder, 9.8)
giants = (nearest.phase == GIANT) & (nearest.logg < FOOT_OF_BRANCH)
with plots.style():
    figure, axis = plt.subplots(figsize=(5.5, 4))
    cloud = axis.scatter(*goal["fitted"].T[:2], c=goal["fitted"][:, 2], s=5)
    axis.plot(nearest.teff[giants], nearest.logg[giants], color=plots.COLOURS["black"])
    figure.colorbar(cloud, ax=axis, label="[Fe/H] / dex")
    axis.set(xlim=(5400, 3500), ylim=(4.2, 0.2), xlabel="$T_{\\rm eff}$ / K", ylabel="log g / dex")
plots.show(
    figure,
    alt="Kiel diagram of giants, coloured by metallicity, with a solar isochrone of 6.3 Gyr that "
    "runs along the cool side of the stars: most stars are warmer than it at their gravity.",
)
on_it = np.interp(goal["fitted"][:, 1], nearest.logg[giants][::-1], nearest.teff[giants][::-1])
# claim: np.mean(goal["fitted"][:, 0] > on_it) > 0.7

# %% [markdown]
# ## 1. What you start from
#
# `products.load` returns what you saved at the end of lab 3: the trained model, and the labels
# you fitted for the cross-validation stars. If you have saved nothing you get the kit's reference.

# %%
cannon = products.load("03_cannon")
assert tuple(str(name) for name in cannon["label_names"]) == LABELS
wavelength = np.asarray(cannon["wavelength"], dtype=float)
fitted = np.asarray(cannon["fitted"], dtype=float)
catalogue = np.asarray(cannon["catalogue"], dtype=float)
teff, logg, fe_h, mg_fe, si_fe = fitted.T
source = archive.current().description
print(f"{len(fitted)} stars with fitted labels, from: {source}")
for name, column, error in zip(LABELS, fitted.T, np.median(cannon["errors"], axis=0), strict=True):
    print(
        f"{name:6s} {column.min():8.2f} to {column.max():8.2f}   typical formal error {error:.3g}"
    )

# %% [markdown]
# ### Question 1 · The Kiel diagram
#
# Astronomers plot luminosity upwards and temperature to the *left*. In a Kiel diagram log g takes
# the place of luminosity: a star that swells becomes brighter and its gravity falls, so log g must
# run *downwards*. Write `kiel_figure`.


# %% solution="kiel_figure"
def kiel_figure(teff, logg, fe_h, sequences=()):
    """Draw a Kiel diagram.

    Parameters
    ----------
    teff : (n,) array
        Effective temperature in K.
    logg : (n,) array
        log10 of the surface gravity in cm/s2.
    fe_h : (n,) array
        [Fe/H] in dex: the colour of each point, explained by a labelled colour bar.
    sequences : sequence of (str, (m,) array, (m,) array)
        Lines to lay over the points: name for the legend, Teff in K, log g; NaN where the line
        has a gap, which is to stay open.

    Returns
    -------
    matplotlib Figure
        Hot stars left, giants at the top, both axes labelled with their units.
    """
    ### BEGIN SOLUTION
    with plots.style():
        figure, axis = plt.subplots(figsize=(6.5, 5.5))
        cloud = axis.scatter(teff, logg, c=fe_h, s=7, cmap=plots.SEQUENTIAL)
        figure.colorbar(cloud, ax=axis, label="[Fe/H] / dex")
        styles = [("black", "-"), ("vermilion", "--"), ("green", ":"), ("purple", "-.")]
        for number, (name, iso_teff, iso_logg) in enumerate(sequences):
            colour, line = styles[number % len(styles)]
            axis.plot(iso_teff, iso_logg, line, lw=1.5, color=plots.COLOURS[colour], label=name)
        if len(sequences):
            axis.legend(fontsize=8)
        warm, cool = np.percentile(teff, [100, 0])
        axis.set_xlim(warm + 150, cool - 150)
        axis.set_ylim(np.max(logg) + 0.2, np.min(logg) - 0.2)
        axis.set_xlabel("$T_{\\rm eff}$ / K")
        axis.set_ylabel("log g / dex (cgs)")
    return figure
    ### END SOLUTION


# %% test="kiel_figure" points=1
from helpers import checks


@checks.run
def test_kiel_figure():
    import numpy as np

    rng = np.random.default_rng(41)
    teff, logg = rng.uniform(3900, 5300, 80), rng.uniform(0.6, 3.8, 80)
    facts = checks.submitted("kiel_figure")(teff, logg, rng.uniform(-1, 0.4, 80))
    drawn = [axes for axes in checks.figure(facts).axes if axes.points]
    checks.that(len(drawn) == 1, "draw one diagram, with a point for each star")
    cloud = np.concatenate(drawn[0].points)
    checks.that(
        bool(80 <= len(cloud) < 160),
        f"{len(cloud)} points are drawn for 80 stars",
    )
    same = np.isclose(cloud[:, None, 0], teff)
    checks.that(bool(same.any(axis=0).all()), "some temperatures are nowhere along x")
    ### BEGIN HIDDEN TESTS
    same &= np.isclose(cloud[:, None, 1], logg)
    checks.that(
        bool(same.any(axis=0).all() and same.any(axis=1).mean() > 0.9),
        "the points do not show each star's log g against its temperature",
    )
    ### END HIDDEN TESTS


# %% test="kiel_figure.axes" points=2
from helpers import checks


@checks.run
def test_kiel_figure_axes():
    import numpy as np

    rng = np.random.default_rng(42)
    teff, logg = rng.uniform(3900, 5300, 60), rng.uniform(0.6, 3.8, 60)
    facts = checks.submitted("kiel_figure")(teff, logg, rng.uniform(-1, 0.4, 60))
    drawn = [axes for axes in checks.figure(facts).axes if axes.points]
    checks.that(len(drawn) == 1, "draw one diagram, with a point for each star")
    main = drawn[0]
    checks.that(
        60 <= sum(map(len, main.points)) < 120, "the diagram should hold a point for each star"
    )
    checks.that(main.xlim[0] > main.xlim[1], "hot stars should be on the left")
    checks.that(main.ylim[0] > main.ylim[1], "giants, which have low gravity, should be at the top")
    ### BEGIN HIDDEN TESTS
    for limits, values, span in ((main.xlim, teff, 3000), (main.ylim, logg, 6)):
        low, high = sorted(limits)
        checks.that(
            bool(low <= values.min() and values.max() <= high),
            "some of the stars are outside the limits of the axes",
        )
        checks.that(high - low <= span, "the axes are so wide that the stars fill a corner")
    # with one line beside the stars
    g = np.linspace(3.5, 0.7, 30)
    arguments = teff, logg, rng.uniform(-1, 0.4, 60), [("line", 4500 + 450 * (g - 2.5), g)]
    facts = checks.submitted("kiel_figure")(*arguments)
    drawn = [axes for axes in checks.figure(facts).axes if axes.points]
    checks.that(len(drawn) == 1, "draw one diagram, with a point for each star")
    checks.that(
        all(
            bool(limits[1] <= values.min() and values.max() <= limits[0])
            for limits, values in ((drawn[0].xlim, teff), (drawn[0].ylim, logg))
        ),
        "with a line beside the stars, too, hot stars should be on the left and giants at the top",
    )
    ### END HIDDEN TESTS


# %% test="kiel_figure.labels" points=1
from helpers import checks


@checks.run
def test_kiel_figure_labels():
    import numpy as np

    rng = np.random.default_rng(43)
    teff, logg, fe_h = rng.uniform([3900, 0.6, -1], [5300, 3.8, 0.4], (60, 3)).T
    facts = checks.figure(checks.submitted("kiel_figure")(teff, logg, fe_h))
    drawn = [axes for axes in facts.axes if axes.points]
    checks.that(len(drawn) == 1, "draw one diagram, with a point for each star")
    main = drawn[0]
    checks.label_has(main.xlabel, "T", hint="the x axis is not named")
    checks.label_unit(main.xlabel, "K", hint="the temperature stands without its unit")
    checks.label_has(main.ylabel, "g", hint="the y axis is not named")
    checks.label_has(main.ylabel, "dex", "cgs", "cm", hint="log g stands without its unit")
    ### BEGIN HIDDEN TESTS
    words = [one.xlabel + one.ylabel + one.title for one in facts.axes if one is not main]
    checks.that(bool(words), "there is no colour bar")
    checks.label_has(
        " ".join(words),
        *("Fe/H", "Fe / H", "Fe_H", "FeH", "metal"),
        hint="the colour bar does not say what it shows",
    )
    cloud, colours = (
        np.concatenate(parts) for parts in (main.points, main.colours[len(main.curves) :])
    )
    checks.that(60 <= len(cloud) < 120, "the diagram should hold a point for each star")
    star = np.abs(cloud[:, :1] - teff).argmin(axis=1)
    # from one star to the next richer one the colour changes little
    steps = [
        np.abs(np.diff(colours[order], axis=0)).mean()
        for order in (np.argsort(fe_h[star]), rng.permutation(len(star)))
    ]
    checks.that(
        bool(steps[0] < 0.5 * steps[1]), "the colours of the points do not follow their [Fe/H]"
    )
    ### END HIDDEN TESTS


# %% test="kiel_figure.sequences" points=1
from helpers import checks


@checks.run
def test_kiel_figure_sequences():
    import numpy as np

    rng = np.random.default_rng(44)
    teff, logg = rng.uniform(3900, 5300, 60), rng.uniform(0.6, 3.8, 60)
    g = np.linspace(3.5, 0.7, 40)
    lines = [("old and solar", 4500 + 450 * (g - 2.5), g), ("poor", 4900 + 450 * (g - 2.5), g)]
    facts = checks.submitted("kiel_figure")(teff, logg, rng.uniform(-1, 0.4, 60), lines)
    facts = checks.figure(facts)
    drawn = [axes for axes in facts.axes if axes.points]
    checks.that(len(drawn) == 1, "draw one diagram, with a point for each star")
    checks.that(
        60 <= sum(map(len, drawn[0].points)) < 120, "the diagram should hold a point for each star"
    )
    curves = drawn[0].curves
    for name, x, y in lines:
        checks.that(
            any(xy.shape == (40, 2) and np.allclose(xy, np.column_stack([x, y])) for xy in curves),
            f"the sequence {name!r} is not drawn as a line",
        )
    ### BEGIN HIDDEN TESTS
    texts = " ".join(text for axes in facts.axes for text in axes.texts)
    checks.that("poor" in texts and "solar" in texts, "the sequences' names are nowhere to be read")
    gaps = 4500 + 450 * (g - 2.5) + np.arange(0, 300, 50)[:, None]
    gaps[:, 25] = np.nan
    lines = [(f"sequence {number}", gap, g) for number, gap in enumerate(gaps)]
    facts = checks.submitted("kiel_figure")(teff, logg, rng.uniform(-1, 0.4, 60), lines)
    curves = [xy for axes in checks.figure(facts).axes for xy in axes.curves]
    for gap in gaps:
        checks.that(
            any(np.isclose(xy[:, :1], gap[26:]).any(axis=0).all() for xy in curves),
            "one of six sequences with a gap is not drawn beyond it",
        )
        # a line that is there on both sides of the gap breaks between them
        for xy in curves:
            before, after = (
                np.flatnonzero(np.isclose(xy, end).all(axis=1))
                for end in ([gap[24], g[24]], [gap[26], g[26]])
            )
            checks.that(
                not (before.size and after.size)
                or bool(np.isnan(xy[slice(*sorted([before[0], after[0]]))]).any()),
                "a sequence's gap is bridged: where it is NaN nothing is to be drawn",
            )
    ### END HIDDEN TESTS


# %%
figure = kiel_figure(teff, logg, fe_h)
figure.suptitle(f"{len(teff)} giants, labels fitted to their spectra ({source})", fontsize=9)
plots.show(
    figure,
    alt="Kiel diagram of the fitted labels: a diagonal giant branch from 5100 K at log g 3.7 to "
    "3800 K at log g 0.8, metal-poor stars on its warm side, and most stars at log g 2.4 to 2.8.",
)
at_foot, at_tip = (np.median(teff[abs(logg - g) < 0.15]) for g in (3.7, 0.8))
warm_side = np.array(
    [np.median(teff[(abs(logg - 2) < 0.2) & half]) for half in (fe_h < -0.3, fe_h > 0)]
)
# claim (simulated): abs(at_foot - 5050) < 100 and abs(at_tip - 3830) < 100
# claim: warm_side[0] > warm_side[1] + 100
with plots.style():
    figure, axis = plt.subplots(figsize=(6.5, 2.8))
    per_bin, bins, _ = axis.hist(logg, np.arange(0.4, 4.0, 0.1), color=plots.COLOURS["blue"])
    axis.set_xlim(4.0, 0.4)
    axis.set_xlabel("log g / dex (cgs)")
    axis.set_ylabel("stars per 0.1 dex")
plots.show(
    figure,
    alt="Histogram of the fitted log g: numbers rise from the tip of the branch to a peak of about "
    "120 stars per bin near log g 2.55, then fall towards log g 3.8.",
)
# claim (simulated): 100 < per_bin.max() < 140 and abs(bins[np.argmax(per_bin)] - 2.5) < 0.11
# claim (simulated): max(*per_bin[:8], *per_bin[-2:]) < 0.2 * per_bin.max()

# %% [markdown]
# ### Question 2 · What you see
#
# **Explain** the features of the two figures (about ten lines). Where are the red giant branch and
# the red clump, and what are the stars in them doing? Theory also predicts a *bump*, a short pause
# on the first ascent of the branch: where should it be, and can you see it here? What trend with
# [Fe/H] do you find at fixed log g, and which physics makes it?

# %% [markdown] explain="features" points=4
# The diagonal band is the red giant branch: stars with an inert helium core and hydrogen burning in
# a shell around it. As the core grows the shell burns faster, the star swells and cools a little:
# it climbs from the lower left to the upper right, ever faster, which is why the histogram has few
# stars at low log g. The dense group at log g 2.4 to 2.8, about 200 K warmer than the branch at the
# same gravity, is the red clump: stars after the helium flash that burn helium in their core. The
# core's mass at the flash is nearly the same for all of them, hence their luminosity; they stay
# there for about 0.1 Gyr, long for a giant, hence their number.
# claim (simulated): 150 < clump_excess < 260
# claim (simulated): np.mean((logg[is_clump] > 2.35) & (logg[is_clump] < 2.85)) > 0.9
#
# In the simulated survey the clump lies at log g 2.6. Real giants with asteroseismic gravities have
# it at 2.45, and the isochrones at 2.3 to 2.5: the simulated clump is too low in luminosity.
# claim (simulated): abs(np.median(logg[is_clump]) - 2.6) < 0.06
# claim: 2.3 <= clump_logg.min() and clump_logg.max() <= 2.55
#
# The bump is where the hydrogen shell reaches the composition step left by the deepest convection:
# fresh hydrogen, the star grows a little fainter and then climbs through the same place again. For
# a 6 Gyr star of solar metallicity it lies at log g about 2.5, at the branch's temperature. The
# clump has the same log g, so only the temperature (or asteroseismology) can tell them apart. We
# see no second concentration on the branch itself. (The simulated survey was drawn without one.)
# claim: abs(bump_logg - 2.5) < 0.15
#
# At fixed log g metal-poor stars are hotter, by some 450 K per dex. Metals give electrons to
# H-minus and absorb by themselves: a metal-poor envelope is more transparent, radiation leaves from
# deeper and hotter layers, the star is smaller and hotter at the same luminosity.
# claim: -500 < stars_slope < -400
#
# **Rubric**
# - (1) Red giant branch and clump located, with shell hydrogen burning and core helium burning.
# - (1) Why the clump is dense: same core mass, so the same luminosity, and a long-lived phase.
# - (1) Bump: on the branch near log g 2.5, the shell meets the step in composition; not seen, or
#   hidden below the clump.
# - (1) Metal-poor is hotter at fixed log g, by a few hundred K per dex, because of opacity.

# %% [markdown]
# ## 2. Isochrones
#
# `isochrones.fetch` brings the isochrones of one [Fe/H] from the archive; `isochrones.read` gives
# one isochrone per age. Along each of them run the stars of one age by initial mass.

# %%
log_ages = np.array([iso.log_age for iso in ladder])
iso_source = "by formula" if archive.current().is_simulated else ladder[0].source
print(f"{len(ladder)} isochrones of [Fe/H] = {ladder[0].fe_h:+.2f}, {iso_source}")
print(
    f"log10(age / yr) from {log_ages[0]} to {log_ages[-1]} in steps of {np.diff(log_ages)[0]:.2f}"
)
iso = isochrones.select(ladder, 9.8)
some = slice(None, None, 20)
print("  EEP  M/Msun   Teff/K  log g  phase")
for row in zip(
    iso.eep[some],
    iso.initial_mass[some],
    iso.teff[some],
    iso.logg[some],
    iso.phase[some],
    strict=True,
):
    print("{:5d}  {:6.4f}  {:7.0f}  {:5.2f}  {}".format(*row[:4], isochrones.PHASES[int(row[4])]))

# %% [markdown]
# Look at the masses: from the foot of the branch to the clump they differ by about two per cent.
# All giants of one age have practically one mass, so the isochrone's giant branch is nearly the
# path of a single star.
# claim: 0.01 < np.ptp(iso.initial_mass[giants]) / iso.initial_mass[giants].mean() < 0.03
#
# The sheet asks for 6 Gyr. The isochrones are given in steps of **log10 of the age in years**, and
# 6 Gyr is not among them, so you interpolate between its neighbours.
# claim: np.abs(log_ages - np.log10(6e9)).min() > 0.01
#
# ### Question 3 · Between two ages
#
# Write `bracket_age`. Stars change nearly evenly with log age, so make the weight linear in log
# age.


# %% solution="bracket_age"
def bracket_age(log_ages, age_gyr):
    """Find the two isochrones between which an age lies.

    Parameters
    ----------
    log_ages : (n,) array
        log10 of the isochrones' ages in years, increasing.
    age_gyr : float
        The age wanted, in Gyr (1e9 years); that of the first or last isochrone will do.

    Returns
    -------
    below, above : int
        Indices of neighbouring isochrones, ``above = below + 1``.
    weight : float
        Weight of the one above, from 0 to 1, linear in log age; the one below has 1 - weight.

    Raises
    ------
    ValueError
        If the age lies outside the isochrones.
    """
    ### BEGIN SOLUTION
    wanted = np.log10(age_gyr) + 9
    if not log_ages[0] <= wanted <= log_ages[-1]:
        raise ValueError(
            f"{age_gyr} Gyr has log age {wanted:.3f}, outside {log_ages[0]} to {log_ages[-1]}"
        )
    above = int(np.clip(np.searchsorted(log_ages, wanted), 1, len(log_ages) - 1))
    below = above - 1
    weight = (wanted - log_ages[below]) / (log_ages[above] - log_ages[below])
    return below, above, float(weight)
    ### END SOLUTION


# %% test="bracket_age" points=2
from helpers import checks


@checks.run
def test_bracket_age():
    import numpy as np

    bracket = checks.submitted("bracket_age")
    ladder = np.arange(8.0, 10.11, 0.1)
    result = bracket(ladder, 3.0)
    checks.that(
        type(result) in (tuple, list) and len(result) == 3, "return two indices and a weight"
    )
    below, above, weight = (checks.number(value) for value in result)
    checks.that(
        all(np.asarray(index).dtype.kind in "iu" for index in result[:2]),
        "the first two are indices: whole numbers, of type int",
    )
    checks.that(above == below + 1, "the two isochrones should be neighbours")
    checks.that(
        bool(ladder[int(below)] < 9.9 and ladder[int(above)] > 9.0),
        "3 Gyr lie between other isochrones: is the age in years, and its logarithm taken?",
    )
    checks.that(0 <= weight <= 1, "the weight should be between 0 and 1")


### BEGIN HIDDEN TESTS
@checks.run
def test_bracket_age_hidden():
    import numpy as np

    bracket = checks.submitted("bracket_age")
    rng = np.random.default_rng(45)
    for _ in range(20):
        ladder = np.sort(rng.uniform(8, 10.1, 12)).round(3)
        ladder = np.unique(np.concatenate([[8.0], ladder, [10.2]]))
        age = 10 ** rng.uniform(8.01, 10.19) / 1e9
        below, above, weight = (checks.number(value) for value in bracket(ladder, age))
        checks.that(above == below + 1, "the two isochrones should be neighbours")
        checks.that(-1e-4 < weight < 1.0001, "the age does not lie between the two isochrones")
        got = (1 - weight) * ladder[int(below)] + weight * ladder[int(above)]
        checks.close(
            got, float(np.log10(age) + 9), atol=1e-4, hint="the weight does not lead to the age"
        )
    for age, want in ((0.1, (0, 1, 0.0)), (10.0, (1, 2, 1.0))):
        ends = [checks.number(value) for value in bracket(np.array([8.0, 9.1, 10.0]), age)]
        checks.close(ends, want, atol=1e-4, hint="an age at the ladder's end is inside")


### END HIDDEN TESTS

# %% test="bracket_age.outside" points=1
from helpers import checks


@checks.run
def test_bracket_age_outside():
    import numpy as np

    bracket = checks.submitted("bracket_age")
    ladder = np.array([9.0, 9.2, 9.4])
    result = bracket(ladder, 2.0)
    checks.that(
        type(result) in (tuple, list) and len(result) == 3, "return two indices and a weight"
    )
    checks.close(
        [checks.number(index) for index in result[:2]],
        [1, 2],
        atol=0.01,
        hint="2 Gyr lie between the second and the third of these isochrones",
    )
    checks.refuses(
        lambda: bracket(ladder, 6.0),
        (ValueError,),
        "an age older than the oldest isochrone should raise a ValueError",
    )
    ### BEGIN HIDDEN TESTS
    checks.refuses(
        lambda: bracket(ladder, 0.5),
        (ValueError,),
        "an age younger than the youngest isochrone should raise a ValueError",
    )
    checks.refuses(
        lambda: bracket(ladder, 9.2),
        (ValueError,),
        "9.2 Gyr is no age of this ladder: is it taken for a logarithm?",
    )
    ### END HIDDEN TESTS


# %% [markdown]
# Which points of the two isochrones belong together? Not those of the same mass: a star that is on
# the giant branch at the younger age has ended its life at the older one. Not those of the same
# row: files need not start at the same stage. The makers of MIST have numbered the stages of
# evolution for this very purpose (Dotter 2016): points with the same **EEP**, *equivalent
# evolutionary point*, are the same stage (202 is zero age, 454 the end of the main sequence, 605
# the tip of the giant branch).
#
# ### Question 4 · Stage by stage
#
# Write `at_same_eep`.
#
# <details><summary>Hint</summary>
#
# `np.intersect1d` with `return_indices=True` gives the common numbers and where they stand in each.
#
# </details>


# %% solution="at_same_eep"
def at_same_eep(eep_a, values_a, eep_b, values_b, weight):
    """Interpolate between two isochrones at equal evolutionary stages.

    Parameters
    ----------
    eep_a : (n,) array of int
        Numbers of the first isochrone's points, increasing.
    values_a : (n, k) array
        Its quantities, point by point.
    eep_b : (m,) array of int
        Numbers of the second isochrone's points, increasing; some may be missing in the other.
    values_b : (m, k) array
        Its quantities.
    weight : float
        Weight of the second isochrone; the first has 1 - weight.

    Returns
    -------
    eep : (j,) array of int
        Numbers of the points that both have, increasing.
    values : (j, k) array
        Weighted means.
    """
    ### BEGIN SOLUTION
    eep, at_a, at_b = np.intersect1d(eep_a, eep_b, return_indices=True)
    return eep, (1 - weight) * values_a[at_a] + weight * values_b[at_b]
    ### END SOLUTION


# %% test="at_same_eep" points=2
from helpers import checks


@checks.run
def test_at_same_eep():
    import numpy as np

    between = checks.submitted("at_same_eep")
    eep = np.array([202, 205, 208, 300])
    a, b = np.arange(8.0).reshape(4, 2), 10 + np.arange(8.0).reshape(4, 2)
    result = between(eep, a, eep, b, 0.25)
    checks.that(
        type(result) in (tuple, list) and len(result) == 2, "return the EEPs and the values"
    )
    values = checks.array(result[1], (4, 2), "the values")
    checks.that(bool((values < a + 5).all()), "with a weight of 0.25 the first one counts more")
    ### BEGIN HIDDEN TESTS
    rng = np.random.default_rng(46)
    for weight in (0.0, 0.3, 1.0):
        eep = np.sort(rng.choice(np.arange(202, 700), 50, replace=False))
        a, b = rng.normal(size=(2, 50, 3))
        values = checks.array(between(eep, a, eep, b, weight)[1], (50, 3), "the values")
        checks.close(
            values, a + weight * (b - a), atol=1e-4, hint="these are not the weighted means"
        )
    ### END HIDDEN TESTS


# %% test="at_same_eep.missing" points=2
from helpers import checks


@checks.run
def test_at_same_eep_missing():
    import numpy as np

    between = checks.submitted("at_same_eep")
    first, second = np.array([221, 222, 223, 224]), np.array([223, 224, 225])
    got = between(first, np.zeros((4, 1)), second, np.ones((3, 1)), 0.5)
    eep = checks.array(got[0], (2,), "the EEPs that both isochrones have")
    checks.that(bool((eep == [223, 224]).all()), "some EEPs returned are not in both isochrones")
    ### BEGIN HIDDEN TESTS
    rng = np.random.default_rng(47)
    every = np.arange(202, 702)
    truth = np.column_stack([np.sqrt(every), every / 7.0])
    for _ in range(3):
        a, b = (np.sort(rng.choice(500, 350, replace=False)) for _ in range(2))
        eep, values = between(every[a], truth[a], every[b], truth[b] + 1.0, 0.4)
        common = np.intersect1d(a, b)
        eep = checks.array(eep, (len(common),), "the EEPs")
        values = checks.array(values, (len(common), 2), "the values")
        checks.that(bool((eep == every[common]).all()), "the EEPs are not those that both have")
        checks.close(
            values,
            truth[common] + 0.4,
            rtol=1e-5,
            atol=1e-4,
            hint="values of different evolutionary stages were mixed",
        )
    ### END HIDDEN TESTS


# %%
AGE_GYR = 6.0


def isochrone_at(age_gyr, fe_h):
    """Return EEP, Teff (K), log g and phase of the isochrone of one age and [Fe/H]."""
    steps = isochrones.read(isochrones.fetch(fe_h))
    below, above, weight = bracket_age(np.array([iso.log_age for iso in steps]), age_gyr)
    a, b = (
        (iso.eep, np.column_stack([np.log10(iso.teff), iso.logg, iso.phase]))
        for iso in (steps[below], steps[above])
    )
    eep, values = map(np.asarray, at_same_eep(*a, *b, weight))
    return eep, 10 ** values[:, 0], values[:, 1], values[:, 2].round().astype(int)


solar, poor = (isochrone_at(AGE_GYR, metals) for metals in (0.0, -1.0))

# %% [markdown]
# <details><summary>Stuck? The isochrones of the nearest age, 6.3 Gyr</summary>
#
# ```python
# AGE_GYR = 6.3
#
#
# def isochrone_at(age_gyr, fe_h):
#     near = isochrones.select(isochrones.read(isochrones.fetch(fe_h)), 9.8)
#     return near.eep, near.teff, near.logg, near.phase
#
#
# solar, poor = (isochrone_at(AGE_GYR, metals) for metals in (0.0, -1.0))
# ```
#
# </details>


# %%
def evolved(iso):
    """Return Teff and log g of the giant branch and the clump, with a gap for the flash."""
    _, iso_teff, iso_logg, phase = iso
    flash = np.flatnonzero(phase == GIANT)[-1] + 1
    parts = np.insert([iso_teff, iso_logg], flash, np.nan, axis=1)
    seen = np.insert((phase >= GIANT) & (phase <= GIANT + 1), flash, True)
    return parts[0][seen], parts[1][seen]


kiel = kiel_figure(
    teff,
    logg,
    fe_h,
    [
        (f"{AGE_GYR:g} Gyr, [Fe/H] = 0", *evolved(solar)),
        (f"{AGE_GYR:g} Gyr, [Fe/H] = -1", *evolved(poor)),
    ],
)
kiel.suptitle(f"{len(teff)} giants ({source}); isochrones: {iso_source}", fontsize=8)
plots.show(
    kiel,
    alt="The Kiel diagram with two isochrones of 6 Gyr. The solar one runs along the cool side of "
    "the giants; the stars beyond it are metal-rich. The one of [Fe/H] -1 is some 450 K warmer, "
    "beyond the metal-poor stars. Each clump is a short line at log g 2.4, warmer than its branch.",
)


def branch_at(iso, gravity):
    """Return the Teff (K) of an isochrone's giant branch at one log g."""
    chosen = (iso[3] == GIANT) & (iso[2] < FOOT_OF_BRANCH)
    return np.interp(-gravity, -iso[2][chosen], iso[1][chosen])


beyond = (teff < branch_at(solar, logg) - 30) & (logg > 1) & (logg < 3.4)
clumps = [(iso[1][iso[3] == GIANT + 1], iso[2][iso[3] == GIANT + 1]) for iso in (solar, poor)]
# claim (simulated): np.mean(fe_h[beyond] > 0) > 0.9
# claim: 380 < branch_at(poor, 2.0) - branch_at(solar, 2.0) < 520
# claim: np.mean(teff[logg < 2.3] < branch_at(poor, logg[logg < 2.3])) > 0.95
# claim: all(abs(np.median(g) - 2.4) < 0.12 for _, g in clumps)
# claim: np.median(clumps[0][0]) > branch_at(solar, np.median(clumps[0][1])) + 100

# %% [markdown]
# This is the Kiel diagram that checkpoint 3 asks for. In lab 5 you add the mystery star to it and
# write the PDF.
#
# An isochrone also tells how *many* stars to expect at each place. Along it the initial mass
# increases. The number of stars in a stretch is proportional to the range of initial mass between
# the two ends of that stretch. (Giants of one age have so nearly one mass that the mass function
# does not matter.)

# %%
iso = isochrones.select(ladder, 9.8)
bins = np.arange(0.4, 3.55, 0.1)
with plots.style():
    figure, axis = plt.subplots(figsize=(6.5, 2.8))
    for phase, colour, name in ((GIANT, "blue", "giant branch"), (GIANT + 1, "orange", "clump")):
        here = np.flatnonzero(iso.phase == phase)
        # many small steps along the curve, which need not be monotonic in log g
        steps = np.linspace(here[0], here[-1], 4000)
        mass, gravity = (
            np.interp(steps, here, column[here]) for column in (iso.initial_mass, iso.logg)
        )
        passed, _ = np.histogram(gravity[1:], bins, weights=np.diff(mass))
        if phase == GIANT:  # the branch, and in it the bump
            on_the_way = passed
        else:
            clump_logg, clump_peak = iso.logg[here], passed.max()
        axis.stairs(1e3 * passed, bins, lw=1.5, color=plots.COLOURS[colour], label=name)
    axis.set_xlim(3.6, 0.4)
    axis.set_xlabel("log g / dex (cgs)")
    axis.set_ylabel("mass range / $10^{-3}$ M$_\\odot$ per 0.1 dex")
    axis.legend(fontsize=8)
plots.show(
    figure,
    alt="Range of initial mass per 0.1 dex of log g along a solar isochrone of 6 Gyr: on the "
    "branch it falls towards the tip, except for a peak at log g 2.5, which is the bump; beside "
    "it, at log g 2.4, stands the narrow and higher peak of the clump.",
)
middle = (bins[1:] + bins[:-1]) / 2
above_foot = middle < 3.2
bump_logg = middle[above_foot][np.argmax(on_the_way[above_foot])]
# claim: clump_peak > on_the_way[above_foot].max()
# claim: on_the_way[middle > 2.7][::-1].min() > on_the_way[middle < 2.2].max()

# %% [markdown]
# The peak on the branch is the bump, the other one the clump. They are at nearly the same log g.
# Compare with your histogram above.
# claim: abs(bump_logg - np.median(clump_logg)) < 0.25
#
# Back to the curve itself. The figure shows that isochrones and stars agree roughly. To say in
# kelvin how well, you need the isochrone's temperature at each star's log g.
#
# ### Question 5 · The giant branch at a given gravity
#
# Write `branch_temperature`. Three mistakes are easy to make. `np.interp` needs increasing
# abscissae and does not complain when they are not. Outside their range it repeats the last value
# without a warning. And an isochrone passes through log g 2.4 *twice*, once on the giant branch and
# once in the clump, where it is more than 100 K warmer. Use the branch only: points of phase 2 with
# log g below 3.5. (Published isochrones turn back a little at the bump; there, any of the
# temperatures will do.)
# claim: np.median(clumps[0][0]) - branch_at(solar, np.median(clumps[0][1])) > 100


# %% solution="branch_temperature"
def branch_temperature(logg, iso_logg, iso_teff, iso_phase):
    """Effective temperature of an isochrone's red giant branch at given gravities.

    Parameters
    ----------
    logg : (n,) array
        log10 of the surface gravity in cm/s2 where the temperature is wanted.
    iso_logg, iso_teff : (m,) arrays
        The isochrone's points in order of evolution, from the main sequence to whatever comes
        last; Teff in K.
    iso_phase : (m,) array of int
        2 for subgiants and giants before the helium flash, others for all other phases.

    Returns
    -------
    (n,) array
        Teff in K, between the branch's points linear in log g; NaN where the branch (phase 2 and
        log g < 3.5) does not reach.
    """
    ### BEGIN SOLUTION
    branch = (iso_phase == GIANT) & (iso_logg < FOOT_OF_BRANCH)
    order = np.argsort(iso_logg[branch])
    return np.interp(
        logg, iso_logg[branch][order], iso_teff[branch][order], left=np.nan, right=np.nan
    )
    ### END SOLUTION


# %% test="branch_temperature" points=2
from helpers import checks


@checks.run
def test_branch_temperature():
    import numpy as np

    temperature = checks.submitted("branch_temperature")
    # a giant branch alone, straight, with log g falling as the star evolves
    iso_logg = np.linspace(3.4, 0.4, 61)
    iso_teff = 4600 + 480 * (iso_logg - 2.5)
    got = temperature(np.array([2.5, 1.0]), iso_logg, iso_teff, np.full(61, 2))
    got = checks.array(got, (2,))
    checks.that(bool(got[0] > got[1]), "on the branch a star of lower gravity is cooler")
    checks.that(
        bool(abs(got[0] - 4600) < 300),
        "the temperature at log g 2.5 is far off: is log g increasing where `np.interp` sees it?",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_branch_temperature_hidden():
    import numpy as np

    temperature = checks.submitted("branch_temperature")
    rng = np.random.default_rng(48)
    iso_logg = np.sort(rng.uniform(0.2, 3.45, 90))[::-1]
    iso_teff = 4550 + 470 * (iso_logg - 2.5) - 40 * (iso_logg - 2.5) ** 2
    wanted = rng.uniform(iso_logg[-1] + 0.01, iso_logg[0] - 0.01, 200)
    got = checks.array(temperature(wanted, iso_logg, iso_teff, np.full(90, 2)), (200,))
    checks.close(
        got,
        4550 + 470 * (wanted - 2.5) - 40 * (wanted - 2.5) ** 2,
        atol=3.0,
        hint="between its points the branch is not interpolated in log g",
    )


### END HIDDEN TESTS

# %% test="branch_temperature.phases" points=2
from helpers import checks


@checks.run
def test_branch_temperature_phases():
    import numpy as np

    temperature = checks.submitted("branch_temperature")
    branch = np.linspace(3.4, 0.4, 61)
    clump = np.linspace(2.4, 2.3, 20)
    iso_logg = np.concatenate([branch, clump])
    warm = np.where(np.arange(81) < 61, 0, 200.0)  # the clump is warmer
    iso_teff = 4600 + 480 * (iso_logg - 2.5) + warm
    phase = np.where(np.arange(81) < 61, 2, 3)
    got = checks.array(temperature(np.array([2.35]), iso_logg, iso_teff, phase), (1,))
    checks.that(
        bool(abs(got[0] - 4528) < 40),
        "at the clump's log g the temperature is not the giant branch's",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_branch_temperature_phases_hidden():
    import numpy as np

    temperature = checks.submitted("branch_temperature")
    rng = np.random.default_rng(49)
    for _ in range(3):
        top = rng.uniform(4500, 4900)
        # main sequence, subgiants (phase 2, warm), branch with a little zigzag at its bump, clump,
        # asymptotic branch (some 60 K warmer)
        branch = np.concatenate(
            [np.linspace(3.6, 2.5, 30), np.linspace(2.49, 2.54, 4), np.linspace(2.53, 0.2, 60)]
        )
        parts = [
            (np.linspace(5.1, 4.1, 40), 0, np.linspace(-1500, -200, 40)),
            (np.linspace(4.09, 3.62, 20), 2, np.linspace(700, 60, 20)),
            (branch, 2, np.zeros(branch.size)),
            (np.linspace(2.45, 2.35, 15), 3, np.full(15, 220.0)),
            (np.linspace(2.2, 0.1, 25), 4, np.full(25, 60.0)),
        ]
        iso_logg = np.concatenate([part[0] for part in parts])
        phase = np.concatenate([np.full(len(part[0]), part[1]) for part in parts])
        iso_teff = top + 470 * (iso_logg - 2.5) + np.concatenate([part[2] for part in parts])
        wanted = rng.uniform(0.3, 3.35, 100)
        got = checks.array(temperature(wanted, iso_logg, iso_teff, phase), (100,))
        checks.close(
            got,
            top + 470 * (wanted - 2.5),
            atol=15.0,
            hint="points that are not on the giant branch get into the interpolation",
        )


### END HIDDEN TESTS

# %% test="branch_temperature.range" points=2
from helpers import checks


@checks.run
def test_branch_temperature_range():
    import numpy as np

    temperature = checks.submitted("branch_temperature")
    iso_logg = np.linspace(3.4, 0.8, 53)
    got = temperature(np.array([2.0, 0.3]), iso_logg, 4600 + 480 * (iso_logg - 2.5), np.full(53, 2))
    got = checks.array(got, (2,), finite=False)
    checks.that(bool(np.isfinite(got[0])), "log g 2 is on this branch")
    checks.that(bool(np.isnan(got[1])), "this branch ends at log g 0.8: beyond it, return NaN")
    ### BEGIN HIDDEN TESTS
    iso_logg = np.concatenate([np.linspace(4.4, 3.51, 30), np.linspace(3.48, 0.6, 60)])
    phase = np.full(90, 2)
    iso_teff = 4600 + 480 * (iso_logg - 2.5)
    wanted = np.array([4.2, 3.8, 3.3, 0.7, 0.5, -0.2])
    got = checks.array(temperature(wanted, iso_logg, iso_teff, phase), (6,), finite=False)
    inside = np.array([False, False, True, True, False, False])
    checks.that(
        bool((np.isfinite(got) == inside).all()),
        "the temperature should be NaN above the branch's tip and below its foot (log g 3.5), and "
        "a number between",
    )
    checks.close(
        got[inside],
        4600 + 480 * (wanted[inside] - 2.5),
        atol=5.0,
        hint="near the ends of the branch its temperature is off",
    )
    # a young isochrone: its main sequence ends at log g 3.3, and its branch begins at 3.2
    iso_logg = np.concatenate([np.linspace(4.3, 3.3, 40), np.linspace(3.2, 0.6, 60)])
    phase = np.repeat([0, 2], [40, 60])
    iso_teff = np.where(phase == 2, 4800 + 480 * (iso_logg - 2.5), 9000)
    wanted = np.array([3.45, 3.25, 3.1, 1.0])
    got = checks.array(temperature(wanted, iso_logg, iso_teff, phase), (4,), finite=False)
    checks.that(
        bool((np.isfinite(got) == [False, False, True, True]).all()),
        "a branch may begin below log g 3.5: between its foot and there the temperature should be "
        "NaN, whatever stars of other phases are there",
    )
    ### END HIDDEN TESTS


# %% [markdown]
# An isochrone has *one* metallicity; your stars have all sorts. So take isochrones of several
# [Fe/H], read the branch's temperature off each at the star's log g, and interpolate linearly to
# the star's [Fe/H].

# %%
METALS = np.arange(-1.0, 0.51, 0.25)
branches = [isochrone_at(AGE_GYR, metals)[1:] for metals in METALS]


def expected_temperature(logg, metallicity):
    """Return the 6 Gyr giant branch's Teff (K) at each star's log g and metallicity."""
    grid = np.array([branch_temperature(logg, g, t, phase) for t, g, phase in branches])
    place = (np.clip(metallicity, METALS[0], METALS[-1]) - METALS[0]) / np.diff(METALS)[0]
    low = np.minimum(place.astype(int), len(METALS) - 2)
    star = np.arange(len(logg))
    return grid[low, star] + (place - low) * (grid[low + 1, star] - grid[low, star])


expected = expected_temperature(logg, fe_h)

# %% [markdown]
# <details><summary>Stuck? The temperatures of the branch as a polynomial</summary>
#
# It was fitted to the isochrones by formula, and is good to 15 K between log g 0.5 and 3.5 and
# [Fe/H] -1 and 0.5.
#
# ```python
# def expected_temperature(logg, metallicity):
#     g, m = logg - 2, np.clip(metallicity, -1, 0.5)
#     return 4289 + 511 * g - 38 * g**2 - 11 * g * m - 410 * m + 56 * m**2
#
#
# expected = expected_temperature(logg, fe_h)
# ```
#
# </details>

# %%
excess = teff - expected
is_clump = (excess > 130) & (logg > 2.2) & (logg < 3.0)
beside = ~is_clump & (logg > 2.35) & (logg < 2.85)
clump_excess = np.median(excess[is_clump]) - np.median(excess[beside])
with plots.style():
    figure, axis = plt.subplots(figsize=(7, 3.4))
    for chosen, colour, marker, name in (
        (~is_clump, "blue", "o", "branch"),
        (is_clump, "orange", "^", "warm and at the clump's log g"),
    ):
        axis.plot(
            logg[chosen], excess[chosen], marker, ms=3, color=plots.COLOURS[colour], label=name
        )
    axis.axhline(0, color="0.4", lw=0.8)
    axis.set_xlim(3.7, 0.4)
    axis.set_ylim(-300, 550)
    axis.set_xlabel("log g / dex (cgs)")
    axis.set_ylabel("$T_{\\rm eff}$ - isochrone's branch / K")
    axis.legend(fontsize=8, loc="upper right")
plots.show(
    figure,
    alt="Temperature of each star minus the 6 Gyr branch's at its log g and metallicity: most "
    "stars of the branch lie within 100 K of a line some 50 K above zero, and a separate cloud "
    "lies about 200 K above it at log g 2.4 to 2.8.",
)
# claim (simulated): np.nanmean(np.abs(excess[~is_clump] - 50) < 100) > 0.9
# claim (simulated): 150 < clump_excess < 260
print(f"{is_clump.sum()} stars look like clump stars; median log g {np.median(logg[is_clump]):.2f}")

# %% [markdown]
# The red clump is separated from the branch. From here on compare stars of the branch with the
# branch of the isochrone: stars below or above the clump in log g.
# claim (simulated): np.sum(np.abs(excess - 130)[(logg > 2.35) & (logg < 2.85)] < 15) < 20
#
# ### Question 6 · The disagreement, bin by bin
#
# Write `binned_offsets`. A few labels are bad, and a few clump stars are still in the sample, so
# use robust statistics. The robust scatter of a sample $x$ is $1.4826\,\mathrm{median}\,|x -
# \mathrm{median}(x)|$, which is $\sigma$ for a Gaussian.


# %% solution="binned_offsets"
def binned_offsets(observed, expected, fe_h, edges):
    """Offset between observed and expected temperatures in bins of metallicity.

    Parameters
    ----------
    observed, expected : (n,) arrays
        Teff in K; where one of them is NaN the star does not count.
    fe_h : (n,) array
        [Fe/H] of the stars.
    edges : (b + 1,) array
        Edges of the bins, increasing; a star at or above the lower edge and below the upper one
        is in the bin. (Whether the last bin holds its own upper edge is left to you.)

    Returns
    -------
    offset : (b,) array
        Median of observed - expected in each bin, K; NaN where there is no star.
    scatter : (b,) array
        Robust scatter about it, K; NaN where there is no star.
    count : (b,) array of int
        Stars in the bin.
    """
    ### BEGIN SOLUTION
    excess = observed - expected
    valid = np.isfinite(excess)
    bins = len(edges) - 1
    offset, scatter, count = np.full(bins, np.nan), np.full(bins, np.nan), np.zeros(bins, dtype=int)
    for i in range(bins):
        inside = excess[valid & (fe_h >= edges[i]) & (fe_h < edges[i + 1])]
        count[i] = inside.size
        if inside.size:
            offset[i] = np.median(inside)
            scatter[i] = 1.4826 * np.median(np.abs(inside - offset[i]))
    return offset, scatter, count
    ### END SOLUTION


# %% test="binned_offsets" points=2
from helpers import checks


@checks.run
def test_binned_offsets():
    import numpy as np

    offsets = checks.submitted("binned_offsets")
    fe_h = np.array([-0.7, -0.6, -0.8, 0.1, 0.2, 0.3])
    observed = 4500.0 + np.array([50, 60, 70, -20, -10, 0])
    result = offsets(observed, np.full(6, 4500.0), fe_h, np.array([-1.0, 0.0, 0.5]))
    checks.that(
        type(result) in (tuple, list) and len(result) == 3, "return offsets, scatters and counts"
    )
    got = checks.array(result[0], (2,), "the offsets")
    checks.that(bool(got[0] > got[1]), "stars hotter than the isochrone have positive offsets")


### BEGIN HIDDEN TESTS
@checks.run
def test_binned_offsets_hidden():
    import numpy as np

    offsets = checks.submitted("binned_offsets")
    rng = np.random.default_rng(50)
    n, edges = 6000, np.array([-1.0, -0.5, -0.2, 0.1, 0.5])
    fe_h = rng.uniform(-1.2, 0.7, n)
    shift = np.array([80.0, 20.0, -10.0, -60.0])
    group = np.clip(np.searchsorted(edges, fe_h) - 1, 0, 3)
    expected = rng.uniform(3900, 5100, n)
    observed = expected + shift[group] + rng.normal(0, 40, n)
    wild = rng.random(n) < 0.08
    observed[wild] += 900
    outside = (fe_h < -1.0) | (fe_h > 0.5)
    observed[outside] -= 400
    got = checks.array(offsets(observed, expected, fe_h, edges)[0], (4,), "the offsets")
    checks.close(
        got,
        shift,
        atol=15.0,
        hint="the offsets are off: do outliers, or stars outside the bin, have a say?",
    )
    # half of the stars stand on a bin's lower edge
    fe_h = np.array([-1.0, -0.9, -0.5, -0.4, 0.25, 0.3])
    observed = 4500 + np.array([30.0, 30.0, 60.0, 60.0, -20.0, -20.0])
    got = offsets(observed, np.full(6, 4500.0), fe_h, np.array([-1.0, -0.5, 0.25, 0.75]))
    checks.close(
        np.stack([checks.array(got[part], (3,)) for part in (0, 2)]),
        [[30, 60, -20], [2, 2, 2]],
        atol=0.01,
        hint="a star on the edge between two bins belongs to the upper one",
    )


### END HIDDEN TESTS

# %% test="binned_offsets.scatter" points=1
from helpers import checks


@checks.run
def test_binned_offsets_scatter():
    import numpy as np

    offsets = checks.submitted("binned_offsets")
    rng = np.random.default_rng(51)
    observed = 4500 + 60 + rng.normal(0, 50, 3000)
    args = np.full(3000, 4500.0), np.zeros(3000), np.array([-0.5, 0.5])
    got = checks.array(offsets(observed, *args)[1], (1,), "the scatter")
    checks.that(bool(20 < got[0] < 120), "the scatter is far off: it should be that of the bin")
    ### BEGIN HIDDEN TESTS
    checks.close(got, [50.0], atol=4.0, hint="the scatter of a Gaussian sample should be sigma")
    observed[:150] += 1500
    got = checks.array(offsets(observed, *args)[1], (1,), "the scatter")
    checks.close(
        got, [50.0], atol=8.0, hint="one star in twenty is an outlier and rules the scatter"
    )
    ### END HIDDEN TESTS


# %% test="binned_offsets.empty" points=1
from helpers import checks


@checks.run
def test_binned_offsets_empty():
    import numpy as np

    offsets = checks.submitted("binned_offsets")
    observed, fe_h = np.array([4600.0, 4610.0, np.nan, 4700.0]), np.array([0.1, 0.2, 0.3, 0.4])
    expected = np.array([4500.0, np.nan, 4500.0, 4580.0])
    offset, scatter, count = offsets(observed, expected, fe_h, np.array([-1.0, 0.0, 0.5]))
    count = checks.array(count, (2,), "the counts")
    checks.that(
        bool((count == [0, 2]).all()), "stars without an expected temperature should not count"
    )
    ### BEGIN HIDDEN TESTS
    offset = checks.array(offset, (2,), "the offsets", finite=False)
    checks.that(bool(np.isnan(offset[0])), "a bin without stars has no offset: NaN")
    checks.close(offset[1], 110.0, atol=0.01, hint="a NaN has spoilt the median of a bin")
    scatter = checks.array(scatter, (2,), "the scatter", finite=False)
    checks.that(bool(np.isnan(scatter[0])), "a bin without stars has no scatter: NaN")
    checks.that(bool(np.isfinite(scatter[1])), "a NaN has spoilt the scatter of a bin")
    ### END HIDDEN TESTS


# %%
EDGES = np.array([-1.0, -0.6, -0.4, -0.2, 0.0, 0.2, 0.5])
on_branch = ~is_clump & (logg > 1.0) & ((logg < 2.3) | (logg > 2.9)) & (logg < 3.4)
offset, scatter, count = map(
    np.asarray, binned_offsets(teff[on_branch], expected[on_branch], fe_h[on_branch], EDGES)
)
# the standard error of the median of a Gaussian sample is 1.25 times that of its mean
offset_error = 1.25 * scatter / np.sqrt(np.maximum(count, 1))
print("stars minus 6 Gyr isochrone of their own [Fe/H], at fixed log g")
for i, n in enumerate(count):
    print(
        f"  [Fe/H] {EDGES[i]:+.1f} to {EDGES[i + 1]:+.1f}: {offset[i]:+5.0f} +- "
        f"{offset_error[i]:2.0f} K, scatter {scatter[i]:3.0f} K, {int(n):3d} stars"
    )
age_step = {}
for gravity in (2.0, 3.0):
    younger, older = (
        branch_at((None, one.teff, one.logg, one.phase), gravity)
        for one in (isochrones.select(ladder, 9.7), isochrones.select(ladder, 9.9))
    )
    age_step[gravity] = (younger - older) / 2
    print(f"0.1 dex in age moves the branch at log g {gravity:.0f} by {age_step[gravity]:.0f} K")

# %% [markdown]
# The stars are warmer than the isochrones by several tens of kelvin. That is less than one family
# of isochrones differs from another: at log g 1 to 3 MIST's giants are 50 to 80 K cooler than
# PARSEC's of the same age and [Fe/H]. The temperature of a model giant depends on how its
# convection is treated (the *mixing length*) and on its atmosphere; both are calibrated on the Sun.
# claim (simulated): (offset > 0).all() and 30 < np.average(offset, weights=count) < 60
#
# And not all stars are 6 Gyr old. Younger giants are more massive and hotter: for every 0.1 dex in
# age by about 10 K at log g 2 and 20 K at log g 3. Metal-poor stars of the disc are older on
# average than metal-rich ones, which makes their offset smaller: that of the poorest bin lies
# significantly below those of the middle. The offset of the richest bin is low as well, but it
# rests on some twenty stars and differs from its neighbour's by less than two standard errors.
# claim: 8 < age_step[2.0] < 13 and 17 < age_step[3.0] < 23
# claim (simulated): offset[2] - offset[0] > 2 * np.hypot(offset_error[2], offset_error[0])
# claim (simulated): abs(offset[5] - offset[4]) < 2 * np.hypot(offset_error[4], offset_error[5])
#
# There is one more systematic. Your isochrones have solar *proportions* of the elements. Old,
# metal-poor stars are rich in the alpha elements, which count for the opacity as iron does. What
# should be compared is the overall metallicity. Salaris et al. (1993) found that models rich in
# alpha elements look like solar-scaled ones of
#
# $$[\mathrm{M/H}] \simeq [\mathrm{Fe/H}] + \log_{10}\left(0.638 \times 10^{[\alpha/\mathrm{Fe}]} +
# 0.362\right).$$
#
# ### Question 7 · [Fe/H] is not [M/H]


# %% solution="overall_metallicity"
def overall_metallicity(fe_h, alpha_fe):
    """Metallicity of the solar-scaled mixture that resembles an alpha-rich one.

    Salaris et al. (1993), equation 3.

    Parameters
    ----------
    fe_h, alpha_fe : (n,) arrays
        [Fe/H] and [alpha/Fe] in dex.

    Returns
    -------
    (n,) array
        [M/H] in dex.
    """
    ### BEGIN SOLUTION
    return fe_h + np.log10(0.638 * 10**alpha_fe + 0.362)
    ### END SOLUTION


# %% test="overall_metallicity" points=2
from helpers import checks


@checks.run
def test_overall_metallicity():
    import numpy as np

    overall = checks.submitted("overall_metallicity")
    fe_h = np.array([-0.8, 0.0, 0.3])
    same = checks.array(overall(fe_h, np.zeros(3)), (3,))
    checks.close(same, fe_h, atol=1e-5, hint="without extra alpha elements [M/H] is [Fe/H]")
    ### BEGIN HIDDEN TESTS
    rng = np.random.default_rng(52)
    fe_h = rng.uniform(-2, 0.4, 50)
    alpha = np.append(rng.uniform(-0.15, -0.05, 10), rng.uniform(0.05, 0.5, 40))
    got = checks.array(overall(fe_h, alpha), (50,))
    checks.that(
        bool((np.sign(got - fe_h) == np.sign(alpha)).all()), "more alpha elements, more metals"
    )
    share = (10.0 ** (got - fe_h) - 1) / (10.0**alpha - 1)
    checks.close(
        share, np.full(50, 0.638), atol=0.004, hint="the alpha elements do not count as they should"
    )
    ### END HIDDEN TESTS


# %%
alpha_fe = mg_fe
m_h = np.asarray(overall_metallicity(fe_h, alpha_fe))
expected_mh = expected_temperature(logg, m_h)
offset_mh, _, _ = binned_offsets(teff[on_branch], expected_mh[on_branch], fe_h[on_branch], EDGES)
centres = 0.5 * (EDGES[1:] + EDGES[:-1])
with plots.style():
    figure, axis = plt.subplots(figsize=(6.5, 3.4))
    axis.errorbar(
        centres,
        offset,
        offset_error,
        fmt="o-",
        color=plots.COLOURS["blue"],
        label="isochrone of [Fe/H]",
    )
    axis.errorbar(
        centres + 0.01,
        offset_mh,
        offset_error,
        fmt="s--",
        color=plots.COLOURS["vermilion"],
        label="isochrone of [M/H]",
    )
    axis.axhline(0, color="0.4", lw=0.8)
    axis.set_ylim(-120, 220)
    axis.set_xlabel("[Fe/H] / dex")
    axis.set_ylabel("median offset / K")
    axis.legend(fontsize=8)
plots.show(
    figure,
    alt="Median temperature offset of branch stars from the 6 Gyr isochrones against [Fe/H]: "
    "positive, between 0 and 100 K; with [M/H] in the place of [Fe/H] higher at low metallicity.",
)
moved = np.asarray(offset_mh) - offset
# claim (simulated): all(0 < value < 100 for value in (*offset, *offset_mh)) and moved[0] > 30

# %% [markdown]
# At low metallicity the choice moves the offset by about 70 K, which is more than the offset
# itself. A difference caused by the alpha elements could thus be taken for one of convection or
# age. (The simulated survey cannot show which of the two is *right*: its stars were placed by
# [Fe/H] alone, on PARSEC's temperature scale. In real APOGEE data [M/H] is the better choice.)
# claim (simulated): 55 < moved[0] < 85 and moved[0] > offset[0]
#
# ### Question 8 · Does the trend agree?
#
# The sheet asks whether the [Fe/H]-*trend* of isochrones and stars agrees. Write
# `metallicity_slope`: by how many kelvin does Teff change per dex of [Fe/H] **at fixed log g**?
# Fit $T = a + b\,(\log g - 2) + c\,[\mathrm{Fe/H}]$; log g must be in the fit, because in any
# sample gravity and metallicity are correlated. And a few stars are wrong by hundreds of kelvin:
# reject them, iteratively.


# %% solution="metallicity_slope"
def metallicity_slope(teff, logg, fe_h):
    """Change of temperature with metallicity at fixed gravity.

    Parameters
    ----------
    teff, logg, fe_h : (n,) arrays
        Labels of giants: K, dex (cgs), dex. Up to a tenth of the stars may be outliers.

    Returns
    -------
    float
        The coefficient c of T = a + b (log g - 2) + c [Fe/H], K per dex.
    """
    ### BEGIN SOLUTION
    design = np.column_stack([np.ones_like(logg), logg - 2, fe_h])
    good = np.ones(len(teff), dtype=bool)
    for _ in range(20):
        solution = np.linalg.lstsq(design[good], teff[good], rcond=None)[0]
        residual = teff - design @ solution
        centre = np.median(residual[good])
        sigma = 1.4826 * np.median(np.abs(residual[good] - centre))
        kept = np.abs(residual - centre) < 3 * max(sigma, 1e-6)
        if (kept == good).all():
            break
        good = kept
    return float(solution[2])
    ### END SOLUTION


# %% test="metallicity_slope" points=2
from helpers import checks


@checks.run
def test_metallicity_slope():
    import numpy as np

    slope = checks.submitted("metallicity_slope")
    rng = np.random.default_rng(53)
    logg, fe_h = rng.uniform(1, 2.3, 400), rng.uniform(-0.9, 0.4, 400)
    teff = 4300 + 480 * (logg - 2) - 400 * fe_h + rng.normal(0, 20, 400)
    got = checks.number(slope(teff, logg, fe_h))
    checks.that(got < 0, "in this sample metal-rich stars are cooler at the same gravity")
    ### BEGIN HIDDEN TESTS
    for true in (-520.0, -300.0, 150.0):
        fe_h = rng.uniform(-0.9, 0.4, 800)
        logg = 1.9 + 0.7 * fe_h + rng.normal(0, 0.25, 800)
        teff = 4350 + 470 * (logg - 2) + true * fe_h + rng.normal(0, 30, 800)
        got = checks.number(slope(teff, logg, fe_h))
        checks.close(
            got,
            true,
            atol=50.0,
            hint="gravity and metallicity are correlated: is log g held fixed?",
        )
    ### END HIDDEN TESTS


# %% test="metallicity_slope.outliers" points=2
from helpers import checks


@checks.run
def test_metallicity_slope_outliers():
    import numpy as np

    slope = checks.submitted("metallicity_slope")
    rng = np.random.default_rng(54)
    logg, fe_h = rng.uniform(1, 2.3, 500), rng.uniform(-0.9, 0.4, 500)
    teff = 4300 + 480 * (logg - 2) - 420 * fe_h + rng.normal(0, 25, 500)
    teff[np.argsort(fe_h)[-25:]] += 800
    got = checks.number(slope(teff, logg, fe_h))
    checks.that(abs(got + 420) < 60, "twenty-five bad stars of five hundred tilt the fit")
    ### BEGIN HIDDEN TESTS
    for side, true in ((1, -450.0), (-1, -250.0)):
        fe_h = rng.normal(-0.2, 0.3, 600)
        logg = rng.uniform(0.8, 2.4, 600)
        teff = 4300 + 450 * (logg - 2) + true * fe_h + rng.normal(0, 30, 600)
        bad = np.argsort(side * fe_h)[-45:]
        teff[bad] += side * rng.uniform(400, 1200, 45)
        got = checks.number(slope(teff, logg, fe_h))
        checks.close(got, true, atol=60.0, hint="a few bad stars tilt the fit")
    ### END HIDDEN TESTS


# %%
ascent = on_branch & (logg < 2.3)
stars_slope = metallicity_slope(teff[ascent], logg[ascent], fe_h[ascent])
# the same fit to the isochrones, at the stars' own log g and [Fe/H]
inside = ascent & np.isfinite(expected)
theory_slope = metallicity_slope(expected[inside], logg[inside], fe_h[inside])
# the standard error of the stars' slope, by bootstrap
rng = np.random.default_rng(0)
drawn = (rng.choice(np.flatnonzero(ascent), ascent.sum()) for _ in range(100))
slope_error = np.std([metallicity_slope(teff[n], logg[n], fe_h[n]) for n in drawn])
print(f"Teff at fixed log g, 1.0 to 2.3, {ascent.sum()} stars")
print(f"  stars:      {stars_slope:+.0f} +- {slope_error:.0f} K per dex of [Fe/H]")
print(f"  isochrones: {theory_slope:+.0f} K per dex")

# %% [markdown]
# ### Question 9 · How good is the agreement?
#
# **Explain** (about ten lines), with your numbers and their errors: how good is the agreement of
# the isochrones with your labels, in zero point and in trend with [Fe/H]? Is the trend of the two
# isochrones that the sheet asks for ([Fe/H] = 0 and -1) that of the stars? Name at least three
# possible reasons for an offset, and say for each how large it can be and how you could test it.

# %% [markdown] explain="agreement" points=4
# *Zero point.* At fixed log g and [Fe/H] the stars are warmer than the 6 Gyr isochrones in every
# bin, by 10 to 50 K with errors of 4 to 20 K: a small but significant offset, about one per cent of
# the temperature.
# claim (simulated): 5 < offset.min() and offset.max() < 60
# claim (simulated): 3 < offset_error.min() and offset_error.max() < 25
# claim (simulated): np.average(offset, weights=count) > 5 * offset_error.min()
#
# *Trend.* The stars change by about -450 K per dex of [Fe/H] at fixed log g, the isochrones by
# -440: they agree within the error of the stars' slope, and to better than a tenth. The isochrones
# of [Fe/H] = 0 and -1 are some 450 K apart at log g 2, as this slope says.
# claim (simulated): abs(stars_slope - theory_slope) < 2 * slope_error
# claim: abs(stars_slope / theory_slope - 1) < 0.1
# claim: abs(branch_at(poor, 2.0) - branch_at(solar, 2.0) + theory_slope) < 60
#
# *Reasons.* (a) Theory: convection and atmospheres; families of isochrones differ by 50 to 80 K;
# test with another family. (b) Age: 10 to 20 K for 0.1 dex, so stars of 4 instead of 6 Gyr are 20
# to 35 K warmer; test with isochrones of other ages, or with asteroseismic ages. (c) Alpha
# elements: [M/H] in the place of [Fe/H] moves the poorest bin by 70 K; test as in Question 7. (d)
# The temperature scale of the survey's catalogue, on which the model was trained: of the same
# order; test with temperatures from angular diameters or infrared photometry. (e) The model's bias:
# a few kelvin in cross-validation. The trend is less affected: opacity, which causes it, is better
# known than convection, which sets the zero point.
# claim: 15 < 1.76 * age_step[2.0] < 25 and 30 < 1.76 * age_step[3.0] < 40
#
# **Rubric**
# - (1) Zero point in kelvin with an error, and a verdict on its significance.
# - (1) Trend of stars and isochrones in K per dex with an error, and that they agree.
# - (1) Three reasons, such as convection, age, alpha elements, the catalogue's scale.
# - (1) The size of each, and a test for at least one.

# %% [markdown]
# ## 3. Spectra
#
# The model predicts a spectrum from labels, so it can show the spectra of stars that you have not
# observed: of equal temperature and gravity and *any* metallicity. This is the function `predict`
# of lab 3; write it again, for many stars at once.
#
# ### Question 10 · From labels to spectra
#
# The model of lab 3 has 21 coefficients per pixel. With scaled labels $x = (\ell -
# \mathrm{mean})/\mathrm{scale}$ they belong to $1$; to $x_0, \dots, x_4$; and to $x_i x_j$ for
# $i \le j$ in the order 00, 01, 02, 03, 04, 11, 12, ..., 44.


# %% solution="predict_spectra"
def predict_spectra(labels, coefficients, mean, scale):
    """Spectra that a quadratic model predicts.

    Parameters
    ----------
    labels : (n, k) array
        Labels of n stars in physical units, such as TEFF, LOGG, FE_H, MG_FE, SI_FE.
    coefficients : (1 + k + k (k + 1) / 2, p) array
        In the order 1, x_i, then x_i x_j for i <= j (i is the slow index), for p pixels.
    mean, scale : (k,) arrays
        Zero point and unit of the scaled labels x = (label - mean) / scale.

    Returns
    -------
    (n, p) array
        Flux relative to the continuum.
    """
    ### BEGIN SOLUTION
    x = (np.asarray(labels) - mean) / scale
    i, j = np.triu_indices(x.shape[1])
    design = np.column_stack([np.ones(len(x)), x, x[:, i] * x[:, j]])
    return design @ coefficients
    ### END SOLUTION


# %% test="predict_spectra" points=3
from helpers import checks


@checks.run
def test_predict_spectra():
    import numpy as np

    predict = checks.submitted("predict_spectra")
    rng = np.random.default_rng(55)
    mean, scale = np.array([4700.0, 2.3, -0.2]), np.array([300.0, 0.6, 0.25])
    coefficients = rng.normal(size=(10, 6))
    got = predict(mean[None, :], coefficients, mean, scale)
    checks.close(
        checks.array(got, (1, 6), "the spectra"),
        coefficients[:1],
        atol=1e-5,
        hint="at the mean labels all scaled labels are zero: only the constant is left",
    )
    ### BEGIN HIDDEN TESTS
    for k in (2, 5):
        size = 1 + k + k * (k + 1) // 2
        mean, scale = rng.normal(2, 1, k), rng.uniform(0.2, 300, k)
        labels = mean + scale * rng.normal(0, 1.5, (7, k))
        coefficients = rng.normal(size=(size, 11))
        want = np.zeros((7, 11))
        for n in range(7):
            x = (labels[n] - mean) / scale
            terms = [1.0, *x] + [x[i] * x[j] for i in range(k) for j in range(i, k)]
            want[n] = np.array(terms) @ coefficients
        got = checks.array(predict(labels, coefficients, mean, scale), (7, 11), "the spectra")
        checks.close(
            got, want, atol=1e-3, hint="away from the mean labels the spectra differ from the model"
        )
    ### END HIDDEN TESTS


# %% [markdown]
# ### Question 11 · A stack of spectra
#
# Spectra that differ little are best shown above one another, shifted by equal steps, in colours
# that follow the quantity that changes. Write `sequence_figure`; you will use it twice.


# %% solution="sequence_figure"
def sequence_figure(wavelength, spectra, values, name):
    """Draw spectra between 16000 and 16200 Å above one another.

    Parameters
    ----------
    wavelength : (p,) array
        In Å.
    spectra : (n, p) array
        Relative to the continuum, in the order of `values`.
    values : (n,) array
        What changes from spectrum to spectrum, increasing or decreasing: its colour.
    name : str
        What that is, with its unit; it labels the colour bar (or is part of the legend, beside
        the values).

    Returns
    -------
    matplotlib Figure
        Each spectrum is shifted by the same step with respect to the one before; both axes are
        labelled, the wavelengths with their unit.
    """
    ### BEGIN SOLUTION
    seen = (wavelength >= WINDOW[0]) & (wavelength <= WINDOW[1])
    spectra = np.asarray(spectra)
    # a step as deep as the deepest lines keeps neighbours apart
    step = 0.7 * np.ptp(spectra[:, seen], axis=1).max()
    with plots.style():
        figure, axis = plt.subplots(figsize=(9, 5.5))
        map_ = plt.get_cmap(plots.SEQUENTIAL)
        norm = plt.Normalize(np.min(values), np.max(values))
        for number, (spectrum, value) in enumerate(zip(spectra, values, strict=True)):
            axis.plot(wavelength[seen], spectrum[seen] + number * step, color=map_(norm(value)))
        figure.colorbar(plt.cm.ScalarMappable(norm, map_), ax=axis, label=name)
        axis.set_xlim(*WINDOW)
        axis.set_xlabel("vacuum wavelength / Å")
        axis.set_ylabel("flux / pseudo-continuum, shifted")
    return figure
    ### END SOLUTION


# %% test="sequence_figure" points=2
from helpers import checks


@checks.run
def test_sequence_figure():
    import numpy as np

    rng = np.random.default_rng(56)
    wavelength = 10 ** (4.179 + 6e-6 * np.arange(3900, 5800))
    lines = rng.uniform(15950, 16350, (60, 1))
    profiles = np.exp(-0.5 * ((wavelength - lines) / 0.5) ** 2)
    spectra = 1 - rng.uniform(0.02, 0.3, (6, 60)) @ profiles
    values = np.array([-1.0, -0.9, -0.5, -0.3, 0.2, 0.5])
    facts = checks.figure(checks.submitted("sequence_figure")(wavelength, spectra, values, "x"))
    curves = [xy for axes in facts.axes for xy in axes.curves if len(xy) > 300]
    checks.that(len(curves) >= 6, f"{len(curves)} spectra are drawn, 6 were given")
    ### BEGIN HIDDEN TESTS
    # in Å, nm or µm, cut to the window or drawn whole
    pixels = np.flatnonzero((wavelength > 16001) & (wavelength < 16199))
    shifts = np.full(6, np.nan)
    for xy in curves:
        unit = 10.0 ** np.round(np.log10(16100 / np.median(np.abs(xy[:, 0]))))
        order = np.argsort(xy[:, 0])
        drawn = np.interp(wavelength[pixels], xy[order, 0] * unit, xy[order, 1])
        for number in range(6):
            difference = drawn - spectra[number, pixels]
            if np.ptp(difference) < 5e-3:
                shifts[number] = difference.mean()
    checks.that(
        bool(np.isfinite(shifts).all()), "some spectra are not drawn, or not as they were given"
    )
    steps = np.diff(shifts)
    checks.that(
        bool((abs(steps) > 0.02).all() and np.allclose(steps, steps[0], atol=1e-3)),
        "each spectrum should be shifted by the same step with respect to the one before",
    )
    ### END HIDDEN TESTS


# %% test="sequence_figure.window" points=1
from helpers import checks


@checks.run
def test_sequence_figure_window():
    import numpy as np

    wavelength = np.linspace(15150.0, 16950.0, 9000)
    spectra = 1 - 0.1 * np.sin(wavelength / 7) ** 2 * np.arange(1, 5)[:, None]
    facts = checks.submitted("sequence_figure")(wavelength, spectra, np.arange(4.0), "log g")
    axes = max(checks.figure(facts).axes, key=lambda one: len(one.curves))
    drawn = [xy[:, 0] for xy in axes.curves if len(xy) > 300]
    checks.that(4 <= len(drawn) <= 8 and not axes.points, "draw the 4 spectra, and little else")
    # in Å, nm or µm
    unit = 10.0 ** np.round(np.log10(16100 / np.median(np.abs(drawn[0]))))
    low, high = unit * np.sort(axes.xlim)
    checks.that(bool(low > 15900 and high < 16300), "show 16000 to 16200 Å only: set the limits")
    ### BEGIN HIDDEN TESTS
    checks.that(bool(low < 16010 and high > 16190), "a part of 16000 to 16200 Å is not shown")
    checks.that(
        all(bool(unit * x.min() < 16010 and unit * x.max() > 16190) for x in drawn),
        "some spectra are drawn over a part of 16000 to 16200 Å only",
    )
    ### END HIDDEN TESTS


# %% test="sequence_figure.labels" points=1
from helpers import checks


@checks.run
def test_sequence_figure_labels():
    import re

    import numpy as np

    wavelength, values = np.linspace(15950.0, 16250.0, 900), np.linspace(4400, 3000, 8)
    spectra = 1 - 0.05 * np.sin(wavelength / 7) ** 2 * np.arange(1, 9)[:, None]
    facts = checks.submitted("sequence_figure")(wavelength, spectra, values, "quantity / unit")
    facts = checks.figure(facts)
    main = max(facts.axes, key=lambda one: len(one.curves))
    drawn = [
        (xy[:, 0], colour)
        for xy, colour in zip(main.curves, main.colours, strict=False)
        if len(xy) > 300
    ]
    checks.that(8 <= len(drawn) <= 16 and not main.points, "draw the 8 spectra, and little else")
    checks.label_has(main.xlabel, "wave", "lambda", "λ", hint="the x axis is not named")
    unit = checks.wavelength_unit(main.xlabel, hint="the wavelength has no unit")
    checks.that(bool(main.ylabel.strip()), "the y axis is not named")
    ### BEGIN HIDDEN TESTS
    checks.that(
        bool(15900 < unit * np.median(drawn[0][0]) < 16300),
        "the wavelengths are not in the unit that the axis names",
    )
    words, scales = [facts.title], []
    for one in facts.axes:
        words += [one.title, one.xlabel, one.ylabel, *one.texts]
        scales += [sorted(limits) for limits in (one.xlim, one.ylim) if one is not main]
    checks.that(any("quantity" in text for text in words), "nothing says what the colours mean")
    # on the scale of a colour bar, or written
    read = [float(number) for text in words for number in re.findall(r"\d+\.?\d*", text)]
    written = bool((np.abs(np.subtract.outer(values, [*read, np.inf])).min(axis=1) < 10).all())
    checks.that(
        written or any(low < 3010 and 4390 < high < low + 4000 for low, high in scales),
        "which colour stands for which of `values` is nowhere to be read",
    )
    colours = np.concatenate([colour[:1] for _, colour in drawn])
    checks.that(
        len(np.unique(colours.round(2), axis=0)) >= 8, "different `values` have the same colour"
    )
    # on a scale neighbours differ less than others do
    apart = np.abs(colours[:, None] - colours).mean(axis=2)
    steps, pairs = np.diagonal(apart, 1), apart[np.triu_indices(len(colours), 1)]
    checks.that(
        written or bool(steps.mean() < 0.9 * pairs.mean()), "the colours do not follow `values`"
    )
    ### END HIDDEN TESTS


# %% [markdown]
# Seven stars of 4500 K and log g 2.0 that differ in [Fe/H] alone. Their [Mg/Fe] and [Si/Fe] are
# the survey's medians. Some lines are marked (vacuum wavelengths, as in all APOGEE spectra; a table
# of *air* wavelengths would put every mark 4.4 Å too far to the blue).

# %%
FIXED = {"teff": 4500.0, "logg": 2.0, "mg_fe": np.median(mg_fe), "si_fe": np.median(si_fe)}
#: strong lines of the window and a band head of CO, vacuum Å
LINES = (
    ("Fe I", 16011.1),
    ("Fe I", 16045.0),
    ("Si I", 16064.4),
    ("Si I", 16099.2),
    ("Ca I", 16141.2),
    ("Ca I", 16155.2),
    ("Si I", 16168.1),
    ("CO 6-3", 16189.5),
)


def model_spectra(labels):
    """Return the trained model's spectra for labels (n, 5)."""
    spectra = predict_spectra(labels, cannon["coefficients"], cannon["mean"], cannon["scale"])
    return np.asarray(spectra, dtype=float)


def mark_lines(figure):
    """Write the names of some lines above a sequence of spectra."""
    axis = figure.axes[0]
    top = axis.get_ylim()[1]
    for name, position in LINES:
        axis.annotate(name, (position, top), ha="center", va="bottom", fontsize=7)
        axis.axvline(position, color="0.85", lw=0.6, zorder=0)


metallicities = np.linspace(-1.0, 0.5, 7)
rich_sequence = np.column_stack(
    [
        np.full(7, FIXED["teff"]),
        np.full(7, FIXED["logg"]),
        metallicities,
        np.full(7, FIXED["mg_fe"]),
        np.full(7, FIXED["si_fe"]),
    ]
)
rich_spectra = model_spectra(rich_sequence)

# %% [markdown]
# <details><summary>Stuck? Observed spectra in place of predicted ones</summary>
#
# For each set of labels this takes the observed spectrum of the star whose labels are most alike.
# It shows noise and bad pixels, and two sets of labels may get the same star.
#
# ```python
# with np.load(archive.product("02_continuum")) as reference:
#     observed, known = reference["flux"], reference["labels"]
#
#
# def model_spectra(labels):
#     differences = (known - np.asarray(labels)[:, None]) / cannon["scale"]
#     return observed[np.argmin(np.sum(differences**2, axis=2), axis=1)].astype(float)
#
#
# rich_spectra = model_spectra(rich_sequence)
# ```
#
# </details>

# %%
figure = sequence_figure(wavelength, rich_spectra, metallicities, "[Fe/H] / dex")
mark_lines(figure)
figure.suptitle(
    f"4500 K, log g 2.0: the metallicity changes (model trained on: {source})", fontsize=9
)
plots.show(
    figure,
    alt="Seven predicted spectra between 16000 and 16200 angstrom, shifted upwards as [Fe/H] grows "
    "from -1 to 0.5: all marked lines deepen, the atomic ones and the band head of CO alike.",
)


def depth_at(spectra, position):
    """Return the depth of each spectrum's deepest pixel within 0.6 Å of a wavelength."""
    return 1 - spectra[:, np.abs(wavelength - position) < 0.6].min(axis=1)


rich_depth = np.array([depth_at(rich_spectra, position) for _, position in LINES])
# claim (simulated): (rich_depth[:, -1] > 1.3 * rich_depth[:, 0]).all()

# %% [markdown]
# All marked lines deepen with metallicity. Now let a star of solar metallicity climb the branch,
# from the foot (log g 3.45) to log g 0.5, its temperature following the 6 Gyr isochrone. Gravity
# and temperature change *together*, as they do in nature. (`branch_temperature` is yours. The last
# spectrum is an extrapolation: the stars of lab 3 are all warmer than 3550 K, and hardly any has
# log g below 0.7.)
# claim (simulated): catalogue[:, 0].min() > 3550 > climb_teff[-1]
# claim (simulated): np.sum(catalogue[:, 1] < 0.7) < 5

# %%
climb = np.linspace(3.45, 0.5, 7)
climb_teff = branch_temperature(climb, solar[2], solar[1], solar[3])

# %% [markdown]
# <details><summary>Stuck? The temperatures of the climb</summary>
#
# ```python
# climb_teff = np.array([4939.0, 4745.0, 4521.0, 4274.0, 4009.0, 3730.0, 3443.0])
# ```
#
# </details>
#
# claim (simulated): np.abs(climb_teff - [4939, 4745, 4521, 4274, 4009, 3730, 3443]).max() < 5

# %%
branch_sequence = np.column_stack(
    [climb_teff, climb, np.zeros(7), np.full(7, FIXED["mg_fe"]), np.full(7, FIXED["si_fe"])]
)
branch_spectra = model_spectra(branch_sequence)
for gravity, kelvin in zip(climb, climb_teff, strict=True):
    print(f"log g {gravity:.2f}: {kelvin:.0f} K")
figure = sequence_figure(wavelength, branch_spectra, climb, "log g / dex (cgs)")
mark_lines(figure)
figure.suptitle(
    f"[Fe/H] = 0: the star climbs the giant branch (model trained on: {source})", fontsize=9
)
plots.show(
    figure,
    alt="Seven predicted spectra of solar metallicity from log g 3.45 and 4940 K to log g 0.5 and "
    "3440 K: the band head of CO grows several times, while the silicon lines change much less.",
)
climb_depth = np.array([depth_at(branch_spectra, position) for _, position in LINES])
silicon = [name == "Si I" for name, _ in LINES]
# claim (simulated): climb_depth[-1, -2] > 3 * climb_depth[-1, 0]
# claim (simulated): (climb_depth[silicon, -2] < 1.6 * climb_depth[silicon, 0]).all()

# %% [markdown]
# In both figures most lines become stronger. The lines that grow most are different ones.
#
# ## 4. Cool and low, or warm and rich?
#
# Take a star of 4250 K, log g 1.5 and [Fe/H] = -0.3, and ask which star of 4550 K and log g 2.3 has
# the most similar spectrum. A single line cannot tell the two apart: with enough metals the line of
# the warmer star becomes equally deep.
#
# ### Question 12 · The most similar spectrum
#
# Write `closest_metallicity`: of candidate spectra that differ in [Fe/H], which one is nearest to
# the target, in the sense of $\chi^2$? Interpolate: near its minimum $\chi^2$ is a parabola, and
# the lowest three points define it.


# %% solution="closest_metallicity"
def closest_metallicity(target, candidates, fe_h, sigma):
    """Metallicity at which a family of spectra comes nearest to a target.

    Parameters
    ----------
    target : (p,) array
        A spectrum.
    candidates : (n, p) array
        Spectra at the metallicities `fe_h`.
    fe_h : (n,) array
        Increasing, in equal steps.
    sigma : (p,) array
        Error of each pixel; 1e9 or more where a pixel carries no information.

    Returns
    -------
    float
        [Fe/H] at the minimum of chi2: the vertex of the parabola through the lowest of the n
        values and its two neighbours; the end itself if the lowest is at an end.
    """
    ### BEGIN SOLUTION
    chi2 = np.sum(((candidates - target) / sigma) ** 2, axis=1)
    k = int(np.argmin(chi2))
    if k in (0, len(fe_h) - 1):
        return float(fe_h[k])
    left, middle, right = chi2[k - 1 : k + 2]
    step = fe_h[1] - fe_h[0]
    return float(fe_h[k] + 0.5 * step * (left - right) / (left - 2 * middle + right))
    ### END SOLUTION


# %% test="closest_metallicity" points=2
from helpers import checks


@checks.run
def test_closest_metallicity():
    import numpy as np

    closest = checks.submitted("closest_metallicity")
    rng = np.random.default_rng(57)
    depth = rng.uniform(0, 0.3, 500)
    fe_h = np.arange(-1.0, 0.51, 0.1)
    family = 1 - depth * (1 + 0.5 * fe_h[:, None])
    target = 1 - depth * (1 + 0.5 * 0.0)
    got = checks.number(closest(target, family, fe_h, np.full(500, 0.01)))
    checks.close(got, 0.0, atol=0.04, hint="the target is one of the candidates")
    ### BEGIN HIDDEN TESTS
    for _ in range(3):
        true = rng.uniform(-0.8, 0.3)
        target = 1 - depth * (1 + 0.5 * true) + rng.normal(0, 0.004, 500)
        sigma = np.full(500, 0.004)
        # pixels of little weight, and worthless ones, pull towards the metal-poor end
        target[:150] += 1.2
        sigma[:150] = 0.2
        target[150:200] += 3.0
        sigma[150:200] = 1e10
        got = checks.number(closest(target, family, fe_h, sigma))
        checks.close(got, true, atol=0.06, hint="pixels with large errors should have little say")
    ### END HIDDEN TESTS


# %% test="closest_metallicity.between" points=2
from helpers import checks


@checks.run
def test_closest_metallicity_between():
    import numpy as np

    closest = checks.submitted("closest_metallicity")
    rng = np.random.default_rng(58)
    depth = rng.uniform(0, 0.3, 400)
    fe_h = np.linspace(-1.0, 0.5, 7)
    family = 1 - depth * (1 + 0.5 * fe_h[:, None])
    sigma = np.full(400, 0.01)
    ends = [checks.number(closest(family[k], family, fe_h, sigma)) for k in (0, 6)]
    checks.close(ends, [-1.0, 0.5], atol=1e-4, hint="at the ends, return the end")
    ### BEGIN HIDDEN TESTS
    for true in (-0.83, -0.31, 0.05, 0.33):
        target = 1 - depth * (1 + 0.5 * true)
        got = checks.number(closest(target, family, fe_h, sigma))
        checks.close(
            got, true, atol=0.002, hint="the minimum lies between two candidates: use the parabola"
        )
    for true, end in ((-1.2, -1.0), (0.7, 0.5)):
        target = 1 - depth * (1 + 0.5 * true)
        got = checks.number(closest(target, family, fe_h, sigma))
        checks.close(got, end, atol=1e-4, hint="beyond the last candidate, return the end")
    # lines that deepen faster and faster: chi2 is a parabola near its minimum only
    family = 1 - depth * np.exp(1.2 * fe_h[:, None])
    for true in (-0.62, 0.1):
        target = 1 - depth * np.exp(1.2 * true)
        chi2 = np.sum(((family - target) / sigma) ** 2, axis=1)
        near = np.argmin(chi2) + np.arange(-1, 2)
        a, b, _ = np.polyfit(fe_h[near], chi2[near], 2)
        got = checks.number(closest(target, family, fe_h, sigma))
        checks.close(
            got, -b / (2 * a), atol=0.004, hint="the lowest three points define the parabola"
        )
    ### END HIDDEN TESTS


# %%
target_labels = np.array([4250.0, 1.5, -0.3, FIXED["mg_fe"], FIXED["si_fe"]])
target = model_spectra(target_labels[None])[0]
trial = np.linspace(-0.9, 0.45, 28)
warm_family = np.column_stack(
    [np.full(28, 4550.0), np.full(28, 2.3), trial, *np.repeat(target_labels[3:, None], 28, axis=1)]
)
# a good spectrum's error, S/N = 100, and the model's own scatter
sigma = np.where(cannon["s2"] < 0.5, np.sqrt(0.01**2 + cannon["s2"]), 1e10)
best = closest_metallicity(target, model_spectra(warm_family), trial, sigma)

# %% [markdown]
# <details><summary>Stuck? The metallicity of the most similar spectrum</summary>
#
# ```python
# best = 0.01
# ```
#
# </details>
#
# claim (simulated): abs(best - 0.01) < 0.03

# %%
impostor = model_spectra(np.array([[4550.0, 2.3, best, *target_labels[3:]]]))[0]
used = sigma < 1
chi = (target - impostor)[used] / sigma[used]
print(f"the most similar has [Fe/H] = {best:+.2f}, that is {best + 0.3:+.2f} dex more metals")
print(f"it still differs by chi2 = {np.sum(chi**2):.0f} over {used.sum()} pixels at S/N 100")

# %% [markdown]
# ### Question 13 · Where they differ
#
# Write `telling_pixels`: the places where two spectra differ most **in units of the error**. A line
# is several pixels wide: list each place once.


# %% solution="telling_pixels"
def telling_pixels(wavelength, flux_a, flux_b, sigma, number, separation=1.5):
    """Wavelengths at which two spectra differ most significantly.

    Parameters
    ----------
    wavelength, flux_a, flux_b, sigma : (p,) arrays
        Wavelength in Å, two spectra and the error of their difference.
    number : int
        How many places are wanted.
    separation : float
        No two of them are nearer to each other than this, in Å: of neighbours the one with the
        larger abs(flux_a - flux_b) / sigma is kept.

    Returns
    -------
    (number,) array
        Wavelengths in Å, the most significant first.
    """
    ### BEGIN SOLUTION
    significance = np.abs(flux_a - flux_b) / sigma
    found = []
    for pixel in np.argsort(-significance):
        if all(abs(wavelength[pixel] - other) >= separation for other in found):
            found.append(wavelength[pixel])
        if len(found) == number:
            break
    return np.array(found)
    ### END SOLUTION


# %% test="telling_pixels" points=2
from helpers import checks


@checks.run
def test_telling_pixels():
    import numpy as np

    tell = checks.submitted("telling_pixels")
    wavelength = np.arange(16000.0, 16100.0, 0.25)
    a, b, sigma = np.ones(400), np.ones(400), np.full(400, 0.01)
    b[40], b[200], a[300] = 0.9, 0.8, 0.7
    got = checks.array(tell(wavelength, a, b, sigma, 3), (3,))
    checks.close(
        np.sort(got),
        wavelength[[40, 200, 300]],
        atol=0.01,
        hint="in this example the spectra differ in three pixels: return their wavelengths",
    )
    ### BEGIN HIDDEN TESTS
    checks.close(
        got, wavelength[[300, 200, 40]], atol=0.01, hint="the most significant should come first"
    )
    sigma[300] = 0.5
    sigma[40] = 0.001
    got = checks.array(tell(wavelength, a, b, sigma, 2), (2,))
    checks.close(
        got,
        wavelength[[40, 200]],
        atol=0.01,
        hint="a large difference with a large error says little",
    )
    sigma[40] = 0.006
    got = checks.array(tell(wavelength, a, b, sigma, 2), (2,))
    checks.close(
        got,
        wavelength[[200, 40]],
        atol=0.01,
        hint="the most significant place is where the difference is most times its error",
    )
    ### END HIDDEN TESTS


# %% test="telling_pixels.apart" points=1
from helpers import checks


@checks.run
def test_telling_pixels_apart():
    import numpy as np

    tell = checks.submitted("telling_pixels")
    wavelength = np.arange(16000.0, 16100.0, 0.25)
    line = 0.2 * np.exp(-0.5 * ((wavelength - 16050) / 1.0) ** 2)
    line += 0.1 * np.exp(-0.5 * ((wavelength - 16020) / 0.5) ** 2)
    got = tell(wavelength, np.ones(400), 1 - line, np.full(400, 0.01), 2, 3.0)
    got = checks.array(got, (2,))
    checks.that(bool(abs(got[0] - got[1]) > 3), "the same line is listed twice")
    ### BEGIN HIDDEN TESTS
    checks.close(got, [16050.0, 16020.0], atol=0.01, hint="list each line where it differs most")
    two = 0.2 * np.exp(-0.5 * ((wavelength - 16050) / 0.4) ** 2)
    two += 0.18 * np.exp(-0.5 * ((wavelength - 16054) / 0.4) ** 2)
    two += 0.1 * np.exp(-0.5 * ((wavelength - 16020) / 0.4) ** 2)
    for separation, second in ((2.0, 16054.0), (5.0, 16020.0)):
        got = tell(wavelength, np.ones(400), 1 - two, np.full(400, 0.01), 2, separation)
        checks.close(
            checks.array(got, (2,)),
            [16050.0, second],
            atol=0.01,
            hint="lines 4 Å apart are two at a separation of 2 Å, and one at 5 Å",
        )
    flux = np.ones(400)
    flux[[100, 104, 200, 209]] = 0.7, 0.75, 0.8, 0.85
    got = checks.array(tell(wavelength, np.ones(400), flux, np.full(400, 0.01), 3), (3,))
    checks.close(
        got,
        wavelength[[100, 200, 209]],
        atol=0.01,
        hint="where nothing else is said places 1 Å apart are one, and 2.25 Å apart two",
    )
    flux = np.ones(400)
    flux[[300, 50, 298, 308]] = 0.6, 0.65, 0.67, 0.7
    got = checks.array(tell(wavelength, np.ones(400), flux, np.full(400, 0.01), 3), (3,))
    checks.close(
        got,
        wavelength[[300, 50, 308]],
        atol=0.01,
        hint="each place should be apart from all places that were found before",
    )
    ### END HIDDEN TESTS


# %%
places = telling_pixels(wavelength, target, impostor, sigma, 12)
print("most telling places (Å):", ", ".join(f"{place:.1f}" for place in np.sort(places)))
with plots.style():
    figure, axes = plt.subplots(2, 1, figsize=(9, 5), sharex=True, height_ratios=(2, 1))
    axes[0].plot(wavelength, target, color=plots.COLOURS["blue"], label="4250 K, 1.5, -0.30")
    axes[0].plot(
        wavelength,
        impostor,
        "--",
        color=plots.COLOURS["vermilion"],
        label=f"4550 K, 2.3, {best:+.2f}",
    )
    axes[0].set_ylim(0.5, 1.12)
    axes[0].set_ylabel("flux / pseudo-continuum")
    axes[0].legend(fontsize=8, loc="lower right", title="Teff, log g, [Fe/H]", title_fontsize=8)
    axes[1].plot(wavelength[used], chi, ".", ms=2, color=plots.COLOURS["black"])
    axes[1].set_ylabel("difference / error")
    axes[1].set_xlabel("vacuum wavelength / Å")
    axes[1].set_xlim(*WINDOW)
plots.show(
    figure,
    alt="Above, the spectra of a cool low-gravity giant and of the most similar warmer, richer "
    "star of higher gravity, nearly equal; below, their difference in units of the error, with "
    "both signs: in the warmer star the silicon line at 16099 angstrom is stronger, and the band "
    "of CO from 16190 angstrom is weaker.",
)
place = wavelength[used]
# claim (simulated): best > -0.2 and np.sum(chi**2) > 5000
# claim (simulated): np.median(chi[(place > 16190) & (place < 16198)]) < -1
# claim (simulated): chi[np.abs(place - 16099.2) < 0.6].mean() > 0.5

# %%
# the difference along the whole spectrum, largest places marked
with plots.style():
    figure, axis = plt.subplots(figsize=(9, 3))
    axis.plot(wavelength[used], chi, lw=0.4, color="0.5")
    axis.plot(
        places,
        np.interp(places, wavelength[used], chi),
        "v",
        ms=5,
        color=plots.COLOURS["vermilion"],
    )
    axis.set_xlabel("vacuum wavelength / Å")
    axis.set_ylabel("difference / error")
plots.show(
    figure,
    alt="Difference of the two spectra over the error against wavelength on all three chips; the "
    "twelve most telling places are marked. All of them are deeper in the cool star.",
)
# claim (simulated): (np.interp(places, place, chi) < -3).all()

# %% [markdown]
# ### Question 14 · Telling them apart
#
# **Explain** (about ten lines). What is alike and what is different in the two ways in which lines
# become stronger: more metals at fixed temperature and gravity, or climbing the branch at fixed
# composition? How can a spectrum tell a cool star of low gravity from a warmer, more metal-rich one
# of higher gravity? Say which kinds of features answer (molecules, atoms of low and high
# excitation, weak or strong lines, wings), why, and why a single line, or a broad-band colour,
# cannot.

# %% [markdown] explain="apart" points=5
# In both cases nearly all lines deepen, because the ratio of line to continuous absorption grows.
# With more metals it grows for every metal line in about the same way: the number of absorbers is
# multiplied. Weak lines deepen in proportion, saturated ones hardly, and the strongest grow wings.
# Molecules that need two metals (CO, CN) grow faster than atoms, but the ranking of the lines by
# excitation stays.
#
# Climbing the branch changes *populations*. As the temperature falls, molecules form (their
# abundance depends exponentially on dissociation energy over temperature): CO, OH and CN grow
# enormously. Atomic lines of low excitation grow, those of high excitation (most of the Si I and
# Mg I lines of the H band start 5 to 6 eV up) change little or weaken. The falling gravity lowers
# the pressure and with it H-minus, so the continuum becomes more transparent, and the
# pressure-broadened wings of strong lines become narrower.
#
# So use lines that answer differently: the *ratio* of molecular to atomic lines, and of low- to
# high-excitation lines, measures temperature. The wings of strong lines and the molecules'
# dependence on pressure measure gravity. (Ionised against neutral lines do so in the optical; the H
# band has almost no lines of ions.) Weak lines then measure abundance. A single line gives one
# depth, and many combinations of Teff, log g and [Fe/H] give the same depth; a colour likewise
# mixes temperature, metallicity and, worse, reddening. Only many lines with different gradients
# make the three numbers unique: the gradient spectra of lab 3 must not be multiples of each other,
# and their correlation is what makes the formal errors correlated. In our example the most similar
# spectrum still differs by a chi2 of nearly ten thousand.
# claim (simulated): 8000 < np.sum(chi**2) < 12_000
#
# **Rubric**
# - (1) Common: most lines deepen, as line over continuous opacity grows.
# - (1) Metals: all metal lines together (saturation apart); climbing: molecules and low excitation
#   grow most, high excitation little.
# - (1) Temperature from molecules against atoms or excitation; physical reason (Boltzmann, Saha or
#   dissociation equilibrium).
# - (1) Gravity from pressure-broadened wings, or from H-minus and molecules through pressure (in
#   optical spectra also from the ionisation balance; the H band has almost no ionised lines);
#   abundance from weak lines once both are known.
# - (1) Why one line or colour is not enough: one number, three unknowns (and reddening); many lines
#   with different gradients are needed.

# %% [markdown]
# ## 5. Save
#
# Lab 5 reads the two isochrones from this lab's product, and draws them into the Kiel diagram of
# checkpoint 3. The PDF is written there, together with the corner plot of the mystery star.

# %%
results = {
    "log_age": 9 + np.log10(AGE_GYR),
    "metallicity": METALS,
    "edges": EDGES,
    "kiel_teff": solar[1],
    "kiel_logg": solar[2],
    # for the checkpoint's figure: branch and clump of the two isochrones, NaN between them
    "solar_sequence": evolved(solar),
    "poor_sequence": evolved(poor),
}
# and what you found, except in the steps that you left out
for name in ("offset", "scatter", "count", "stars_slope", "theory_slope", "is_clump"):
    if name in globals():
        results[name] = globals()[name]
if "chi" in globals():
    results["impostor_fe_h"], results["impostor_chi2"] = best, np.sum(chi**2)
products.save("04_isochrones", **results)

# %% [markdown]
# ## What to take away
#
# * An isochrone shows which labels a star can have. If labels lie farther from it than its own
#   uncertainty, suspect first the spectrum, then the model, then the theory.
# * Interpolate between isochrones at equal evolutionary stages, in log age; and within one only
#   where it is single-valued.
# * Compare branch with branch, clump with clump, and [M/H] with [M/H]. The zero point of theory is
#   uncertain by 50 to 100 K; its trends are better known.
# * A median has an error, and so has a slope. State them before you call a difference significant.
# * One line cannot separate temperature, gravity and metallicity; many lines with different
#   gradients can.
#
# ## Go further
#
# Ages. At fixed log g and [M/H] the branch is hotter for younger stars, by 10 K (log g 2) to 20 K
# (log g 3) for 0.1 dex in age. With labels good to 30 K and 0.02 dex, how well could you date a
# single giant? Try it for the stars of NGC 6791 (field N6791, [Fe/H] near +0.35), which all have
# one age. What is the scatter of the "ages" you find, what is their mean, and how much does it move
# when the isochrones' zero point moves by 50 K? Your answer shows why ages of giants are measured
# by asteroseismology instead.
