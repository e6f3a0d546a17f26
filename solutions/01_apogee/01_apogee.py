# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Lab 1 · From a survey's archive to a clean sample of giants
#
# From 2011 to 2021 the APOGEE survey took spectra of well over half a million stars in the near
# infrared, where the dust of the Milky Way is almost transparent (Majewski et al. 2017; Ahumada et
# al. 2020). From each spectrum a pipeline called ASPCAP measured what this course calls
# **labels**: effective temperature, surface gravity, and the abundances of some twenty elements
# (Holtzman et al. 2015).
#
# In labs 1 to 3 you build a model that *predicts* a star's spectrum from five of its labels. The
# model uses no theory of stellar atmospheres. It learns from stars whose labels are known (The
# Cannon; Ness et al. 2015), so it can be no better than the data it learns from. This lab prepares
# these data.
#
# **After this lab you can**
#
# 1. query the catalogue of a survey and choose a sample by cuts that you can defend,
# 2. download the survey's spectra and read them: flux, error, mask, units, wavelengths,
# 3. find bad pixels with a bit mask and take their weight from them.
#
# You end with the spectra of 1855 giants in one array, which lab 2 starts from.
#
# | section | hours |
# |---|---|
# | 1 The catalogue | 2½ |
# | 2 The spectra | 3 |
# | 3 Bad pixels | 1½ |
#
# **You need** Python with NumPy and matplotlib, and a first course in astronomy (magnitudes,
# spectra, the Hertzsprung-Russell diagram). SQL, FITS and bit masks are explained where they
# appear. No earlier lab is needed.
#
# **How to work.** You write functions. A function must not change its arguments; work on a copy.
# Each exercise is tested on its own: one that you cannot solve costs its own points, and those of a
# later one only if that calls it. The story between the exercises uses your functions. If one of
# them does not work yet, open the box *Stuck?* at the end of that step: it gives you the result of
# the step, and you go on.
#
# **Where the data come from.** You write the code that you would write for SDSS, with the same
# client, the same addresses and the same file format. By default an archive on your own machine
# answers instead of SDSS. Its stars are *simulated*: they were computed from physics and a model of
# the instrument, and nobody observed them. The next cells say which archive you are using, and draw
# what you will have at the end.

# %% setup=true
import io

import matplotlib.pyplot as plt
import numpy as np
from astropy.io import fits
from scipy.signal import find_peaks
from tqdm.auto import tqdm

from helpers import apogee, archive, plots, products

# the course's look; each figure chooses its own layout
plt.rcParams.update({**plots.STYLE, "figure.constrained_layout.use": False})

# the error the survey itself writes where a pixel tells nothing, in the units of the flux
LARGE_ERROR = 1e10

# %%
archive.connect()  # astroquery now talks to the archive of this course
SOURCE = archive.current().description
print(SOURCE)


# %%
def stack_figure(wavelength, temperatures, fluxes, errors):
    """Draw all spectra of a sample in a narrow window, one row for each star, coolest on top."""
    window = np.flatnonzero((wavelength > 15960) & (wavelength < 16060))
    order = np.argsort(temperatures)
    stack = fluxes[:, window][order].astype(float)
    stack[errors[:, window][order] >= LARGE_ERROR] = np.nan
    stack /= np.nanmedian(stack, axis=1, keepdims=True)
    figure, axes = plt.subplots(figsize=(9, 5), layout="constrained")
    image = axes.pcolormesh(
        wavelength[window], np.arange(len(order)), stack, vmin=0.6, vmax=1.1, rasterized=True
    )
    axes.set_facecolor(plots.COLOURS["vermilion"])
    ticks = np.linspace(0, len(order) - 1, 7).astype(int)
    axes.set_yticks(ticks, [f"{temperatures[order[t]]:.0f} K" for t in ticks])
    axes.invert_yaxis()
    axes.set(xlabel="vacuum wavelength [Å]", ylabel=r"stars, by $T_\mathrm{eff}$")
    axes.set_title(f"{len(order)} spectra; {SOURCE}", fontsize=9)
    figure.colorbar(image, label="flux / median of the window", extend="both")
    return figure, stack


try:
    reference = archive.product("01_apogee")
except archive.ArchiveError:
    print("this archive has no reference products: wait for your own picture in section 3")
else:
    with np.load(reference) as arrays:
        figure, _ = stack_figure(
            arrays["wavelength"], arrays["labels"][:, 0], arrays["flux"], arrays["error"]
        )
    plots.show(
        figure,
        alt="What you will have at the end: an image with one row for each of the stars of the "
        "sample, sorted by temperature, between 15960 and 16060 Å. Dark stripes are absorption "
        "lines; bad pixels are red.",
    )

# %% [markdown]
# ## 1. The catalogue
#
# ### 1.1 Ask for four fields
#
# SDSS keeps its catalogues in a database that anyone may query in SQL. Two of its tables matter
# here:
#
# - `apogeeStar`, what was observed. Among its columns: `apstar_id`, `apogee_id`, `telescope`,
#   `field`, `ra`, `dec`, `nvisits`, `snr`, `vhelio_avg`, `vscatter`, `starflag`, `extratarg`.
# - `aspcapStar`, what was measured from it. Among its columns: `apstar_id`, `apogee_id`, `teff`,
#   `logg`, `fe_h`, `mg_fe`, `si_fe`, the errors `teff_err`, `logg_err`, `fe_h_err`, `mg_fe_err`,
#   `si_fe_err`, and `aspcapflag`.
#
# A row is one *combined spectrum*: one star (`apogee_id`, its name in the 2MASS catalogue) seen
# with one telescope in one field. `apstar_id` is the name of that row in both tables. Join the
# tables on it.
#
# If SQL is new to you, here is a query of the same shape about something else: which ships carried
# which cargo into two ports.
#
# ```sql
# SELECT ship.name, ship.port, cargo.weight
# FROM ships AS ship
# JOIN cargoes AS cargo ON cargo.voyage_id = ship.voyage_id
# WHERE ship.port IN ('Bergen', 'Cádiz')
# ```
#
# Text stands in *single* quotes. (In double quotes it would be the name of a column.)
#
# You could also download the whole catalogue, a FITS table called `allStar`, and select its rows
# with NumPy. The box below this step shows how. A query moves less data: the real table has more
# than 700 000 rows.
#
# **Exercise.** Write the query for a list of fields. Make no cuts yet: first look at what you are
# going to discard.
#
# <details><summary>Hint</summary>
#
# Build the list in brackets first: `"'M15', '060+00'"`. `", ".join(...)` puts commas between texts.
# Then write one `SELECT ... FROM ... JOIN ... ON ... WHERE ... IN (...)` after the example.
#
# </details>


# %% solution="catalogue_query"
def catalogue_query(fields):
    """Return the SQL that asks the catalogue for everything observed in some fields.

    Parameters
    ----------
    fields : sequence of str
        Names of APOGEE fields, such as "M15"; one or more.

    Returns
    -------
    str
        One SELECT over apogeeStar and aspcapStar. It gives one row for each combined spectrum in
        these fields, with the columns apogee_id, telescope, field, snr, nvisits, teff, logg, fe_h,
        mg_fe and si_fe under these names. Order does not matter, and you may ask for more of the
        two tables' columns.
    """
    ### BEGIN SOLUTION
    quoted = ", ".join(f"'{field}'" for field in fields)
    return f"""
        SELECT star.apogee_id, star.telescope, star.field, star.snr, star.nvisits,
               label.teff, label.logg, label.fe_h, label.mg_fe, label.si_fe
        FROM apogeeStar AS star
        JOIN aspcapStar AS label ON label.apstar_id = star.apstar_id
        WHERE star.field IN ({quoted})
    """
    ### END SOLUTION


# %% test="catalogue_query" points=3
from helpers import checks


@checks.run
def test_catalogue_query():
    sql = checks.text(checks.submitted("catalogue_query")(["M15", "060+00"]))
    fields = ("M15", "N6791", "060+00", "060-00")
    spectra = [
        {"apogee_id": f"2M0{i}", "telescope": "apo25m", "field": field, "location_id": i}
        for i, field in enumerate(fields)
    ]
    answer = checks.query(sql, spectra)
    wanted = ["apogee_id", "telescope", "field", "snr", "nvisits"]
    wanted += ["teff", "logg", "fe_h", "mg_fe", "si_fe"]
    missing = [name for name in wanted if name not in answer]
    checks.that(not missing, f"your answer has no column {', '.join(missing)}")
    found = {str(field) for field in answer["field"]}
    checks.that(len(found) > 0, "no row comes back: does each name stand in single quotes?")
    checks.that(found <= {"M15", "060+00"}, "rows of other fields come back too")
    checks.that(found == {"M15", "060+00"}, "one of the fields asked for does not come back")


### BEGIN HIDDEN TESTS
@checks.run
def test_catalogue_query_hidden():
    import numpy as np

    random = np.random.default_rng(1)
    fields = [f"{random.integers(20, 340):03d}{sign}{random.integers(1, 90):02d}" for sign in "+-+"]
    # the last field is never asked for, though its name begins like another's
    fields += ["K2_C4_168-21", "N6791", "N6791-RGB"]
    # every star once: a join by name is as good as one by apstar_id here
    spectra = [
        {
            "apogee_id": f"2M{n:08d}+00",
            "telescope": ("apo25m", "apo1m", "lco25m")[n % 3],
            "field": fields[n % len(fields)],
            "location_id": 4000 + n % len(fields),
            "snr": 20.5 + n,
            "nvisits": 1 + n % 3,
            "starflag": 512 * (n % 2),
            "extratarg": 16 * (n % 4 == 0),
            # no cut was asked for: stars without a temperature count too
            "teff": 4000.5 + n if n % 7 else -9999,
            "logg": 2 + n / 100,
            "fe_h": -n / 100,
            "mg_fe": n / 1000,
            "si_fe": -n / 1000,
        }
        for n in range(1500)
    ]
    for asked in (fields[:1], fields[1:3], tuple(fields[:5])):
        sql = checks.text(checks.submitted("catalogue_query")(asked))
        answer = checks.query(sql, spectra)
        expected = [spectrum for spectrum in spectra if spectrum["field"] in asked]
        order = np.argsort(answer["snr"])
        checks.that(len(order) == len(expected), "not one row for each spectrum in the fields")
        hint = "a column does not hold what the catalogue has under that name"
        for name in ("apogee_id", "telescope", "field"):
            checks.that([str(v) for v in answer[name][order]] == [e[name] for e in expected], hint)
        for name in ("snr", "nvisits", "teff", "logg", "fe_h", "mg_fe", "si_fe"):
            values = np.asarray(answer[name][order], dtype=float)
            checks.close(values, [e[name] for e in expected], atol=1e-6, hint=hint)


### END HIDDEN TESTS

# %% test="catalogue_query.join" points=2
from helpers import checks


@checks.run
def test_catalogue_query_join():
    sql = checks.text(checks.submitted("catalogue_query")(["M15", "N6791"]))
    # one star, seen in two fields: two spectra
    spectra = [
        {"apogee_id": star, "telescope": "apo25m", "field": field, "location_id": place}
        for star, field, place in (("2M1", "M15", 1), ("2M1", "N6791", 2), ("2M2", "M15", 1))
    ]
    checks.that(
        len(checks.query(sql, spectra)["apogee_id"]) == len(spectra),
        "3 spectra should give 3 rows, also when two of them are of the same star: which column "
        "says that a row of one table belongs to a row of the other?",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_catalogue_query_join_hidden():
    import numpy as np

    random = np.random.default_rng(2)
    sql = checks.text(checks.submitted("catalogue_query")(("M15", "060+00")))
    fields = ["M15", "060+00", "N6791"]
    seen = {
        (int(random.integers(12)), str(random.choice(["apo25m", "apo1m"])), place)
        for place in random.integers(3, size=60).tolist()
    }
    spectra = [
        {"apogee_id": f"2M{s}", "telescope": t, "field": fields[place], "location_id": place}
        for s, t, place in sorted(seen)
    ]
    inside = sum(spectrum["field"] != "N6791" for spectrum in spectra)
    rows = checks.query(sql, spectra)["apogee_id"]
    checks.that(len(rows) == inside, "not one row for each spectrum")


### END HIDDEN TESTS

# %% [markdown]
# Now send it. `SDSS.query_sql` is the client that astronomers use for SDSS; what comes back is an
# astropy `Table`.

# %%
from astroquery.sdss import SDSS

rows = SDSS.query_sql(catalogue_query(apogee.FIELDS), data_release=17)
print(f"{len(rows)} spectra in the fields {', '.join(apogee.FIELDS)}")
rows[:5]

# %% [markdown]
# <details><summary>Stuck? The rows from the whole catalogue</summary>
#
# ```python
# from astropy.table import Table
#
# rows = Table.read(archive.fetch([archive.allstar_path()])[0], hdu=1)
# rows.convert_bytestring_to_unicode()
# rows.rename_columns(rows.colnames, [name.lower() for name in rows.colnames])
# rows = rows[np.isin(rows["field"], apogee.FIELDS)]
# ```
#
# `archive.fetch` downloads the address `archive.current().sas + "/" + path` and keeps the file.
# With real data the file is some gigabytes large.
#
# </details>
#
# ### 1.2 Keep what is worth learning from
#
# Look at all the stars before you cut.

# %%
figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
measured = (rows["teff"] > 0) & (rows["logg"] > -9)
cloud = axes.scatter(
    rows["teff"][measured],
    rows["logg"][measured],
    c=rows["fe_h"][measured],
    s=6,
    vmin=-1.5,
    vmax=0.5,
)
axes.axhline(4, color=plots.COLOURS["vermilion"], ls="--")
axes.axvline(5700, color=plots.COLOURS["vermilion"], ls="--")
axes.set(
    xlabel=r"$T_\mathrm{eff}$ [K]",
    ylabel=r"$\log g$ [dex, cgs]",
    xlim=(7500, 3200),
    ylim=(5.5, -0.5),
)
axes.set_title(f"every row with labels; {SOURCE}", fontsize=9)
figure.colorbar(cloud, label="[Fe/H] [dex]", extend="both")
plots.show(
    figure,
    alt="Surface gravity against effective temperature for all rows of the catalogue, coloured by "
    "metallicity, both axes reversed. The branch of giants runs from log g 4 up to 0.4; dwarfs "
    "lie in a flat band below. Dashed lines mark the cuts at log g = 4 and 5700 K.",
)
lacking = sum(np.asarray(rows[name.lower()], dtype=float) < -999 for name in apogee.LABELS) > 0
print(f"{lacking.sum()} rows lack one label or more; {np.sum(~measured)} of them are not drawn")
# claim (simulated): 0.35 <= rows["logg"][measured].min() < 0.45
# claim (simulated): np.ptp(rows["logg"][measured & (rows["logg"] > 4.05)]) < 1

# %% [markdown]
# The giants form the branch that climbs to the upper right. Dwarfs lie below the horizontal line.
# Almost all stars to the left of the vertical line are dwarfs too.
# claim (simulated): np.mean(rows["logg"][measured & (rows["teff"] > 5700)] > 4) > 0.95
#
# The figure does not show the rows in which the pipeline failed. The catalogue writes **-9999**
# there. This is an ordinary number to your program: it passes the cut "cooler than 5700 K".
# claim (simulated): 0 < np.sum(~measured) <= lacking.sum() < 0.1 * len(rows)
#
# One simple model can describe stars only if they are alike, and it can learn only from good
# spectra. Discard every row
#
# - that lacks any of the five labels $T_\mathrm{eff}$, $\log g$, [Fe/H], [Mg/Fe], [Si/Fe],
# - with S/N below 50,
# - of a dwarf: $\log g > 4$ **or** $T_\mathrm{eff} > 5700$ K,
# - of a metal-poor star: [Fe/H] < -1.
#
# **Exercise.** Write the four cuts as one mask. A label may be missing in two ways: as -9999, or
# as NaN (not a number), which is what some copies of the catalogue hold.


# %% solution="is_good_giant"
def is_good_giant(table):
    """Say which rows of the catalogue are giants fit for the training set.

    Parameters
    ----------
    table : astropy Table
        With the columns snr (per pixel), teff (K), logg (dex), fe_h, mg_fe and si_fe (dex); a label
        that could not be measured is -9999 or NaN.

    Returns
    -------
    ndarray of bool, one for each row
        True where all five labels exist and all four cuts are passed.
    """
    ### BEGIN SOLUTION
    names = ("teff", "logg", "fe_h", "mg_fe", "si_fe")
    labels = np.column_stack([np.asarray(table[name], dtype=float) for name in names])
    # no label of any star is anywhere near -9999
    has_labels = np.all(np.isfinite(labels) & (labels > -999), axis=1)
    teff, logg, fe_h = labels[:, 0], labels[:, 1], labels[:, 2]
    is_dwarf = (logg > 4) | (teff > 5700)
    return has_labels & ~is_dwarf & (np.asarray(table["snr"]) >= 50) & (fe_h >= -1)
    ### END SOLUTION


# %% test="is_good_giant" points=2
import numpy as np
from astropy.table import Table

from helpers import checks


@checks.run
def test_is_good_giant():
    table = Table(
        {
            "snr": [200.0, 20.0, 200.0, 200.0],
            "teff": [4500.0, 4500.0, 6200.0, 4500.0],
            "logg": [2.0, 2.0, 4.4, 2.0],
            "fe_h": [-0.3, -0.3, -0.3, -1.8],
            "mg_fe": [0.1, 0.1, 0.1, 0.1],
            "si_fe": [0.1, 0.1, 0.1, 0.1],
        }
    )
    good = checks.truths(checks.submitted("is_good_giant")(table), (4,))
    checks.that(bool(good[0]), "a fine giant is thrown away")
    checks.that(not good[1], "a spectrum with S/N 20 is kept")
    checks.that(not good[2], "a hot dwarf is kept")
    checks.that(not good[3], "a star with [Fe/H] = -1.8 is kept")


### BEGIN HIDDEN TESTS
@checks.run
def test_is_good_giant_hidden():
    random = np.random.default_rng(3)
    n = 400
    # both marks of a dwarf go together here; each alone is looked at in the next test
    dwarf = random.random(n) < 0.3
    table = Table(
        {
            "apogee_id": [f"2M{k:03d}" for k in range(n)],
            "snr": random.choice([12.0, 49.5, 50.5, 400.0], n),
            "teff": np.where(dwarf, random.uniform(5800, 7000, n), random.uniform(3600, 5600, n)),
            "logg": np.where(dwarf, random.uniform(4.1, 5.0, n), random.uniform(-0.3, 3.9, n)),
            "fe_h": random.choice([-2.2, -1.05, -0.95, 0.0, 0.4], n),
            "mg_fe": random.uniform(-0.1, 0.4, n),
            "si_fe": random.uniform(-0.1, 0.4, n),
        }
    )
    good = checks.truths(checks.submitted("is_good_giant")(table), (n,))
    expected = ~dwarf & (table["snr"] > 50) & (table["fe_h"] > -1)
    checks.that(bool(np.all(good == expected)), "a cut on S/N or [Fe/H], or on dwarfs, is off")


### END HIDDEN TESTS

# %% test="is_good_giant.dwarfs" points=1
import numpy as np
from astropy.table import Table

from helpers import checks


@checks.run
def test_is_good_giant_dwarfs():
    same = {"snr": [99.0] * 3, "fe_h": [0.0] * 3, "mg_fe": [0.0] * 3, "si_fe": [0.0] * 3}
    table = Table({"teff": [4500.0, 4500.0, 6200.0], "logg": [2.0, 4.6, 2.0], **same})
    good = checks.truths(checks.submitted("is_good_giant")(table), (3,))
    checks.that(bool(good[0]), "a fine giant is thrown away")
    checks.that(not good[1], "a cool dwarf is kept: is a high log g alone enough to discard it?")
    checks.that(
        not good[2], "a hot star is kept: is a high temperature alone enough to discard it?"
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_is_good_giant_dwarfs_hidden():
    random = np.random.default_rng(4)
    n = 300
    table = Table(
        {
            "teff": random.uniform(3600, 7000, n),
            "logg": random.uniform(0, 5, n),
            "fe_h": random.uniform(-0.9, 0.5, n),
            "si_fe": random.uniform(-0.1, 0.4, n),
            "mg_fe": random.uniform(-0.1, 0.4, n),
            "snr": random.uniform(51, 500, n),
        }
    )
    good = checks.truths(checks.submitted("is_good_giant")(table), (n,))
    expected = (table["teff"] < 5700) & (table["logg"] < 4)
    checks.that(bool(np.all(good == expected)), "the cuts on log g and temperature are off")


### END HIDDEN TESTS

# %% test="is_good_giant.labels" points=2
import numpy as np
from astropy.table import Table

from helpers import checks


@checks.run
def test_is_good_giant_labels():
    fine = {"snr": 120.0, "teff": 4700.0, "logg": 2.5, "fe_h": 0.1, "mg_fe": 0.0, "si_fe": 0.0}
    for name in ("teff", "logg", "fe_h", "mg_fe", "si_fe"):
        table = Table([fine, {**fine, name: -9999.0}])
        good = checks.truths(checks.submitted("is_good_giant")(table), (2,))
        checks.that(bool(good[0]), "a fine giant is thrown away")
        checks.that(not good[1], f"a row without {name} (-9999) is kept")


### BEGIN HIDDEN TESTS
@checks.run
def test_is_good_giant_labels_hidden():
    random = np.random.default_rng(5)
    n = 300
    table = Table(
        {
            # wide enough for the oddest giant: only four cuts were asked for
            "teff": random.uniform(2800, 5600, n),
            "logg": random.uniform(-0.4, 3.9, n),
            "fe_h": random.uniform(-0.9, 0.8, n),
            "mg_fe": random.uniform(-0.9, 0.9, n),
            "si_fe": random.uniform(-0.9, 0.9, n),
            "snr": random.uniform(51, 500, n),
        }
    )
    missing = np.zeros(n, dtype=bool)
    for name in ("teff", "logg", "fe_h", "mg_fe", "si_fe"):
        for value in (-9999.0, np.nan):
            some = random.random(n) < 0.05
            table[name][some] = value
            missing |= some
    good = checks.truths(checks.submitted("is_good_giant")(table), (n,))
    checks.that(not np.any(good & missing), "a row without one of its labels is kept")
    checks.that(bool(np.all(good | missing)), "a row with all its labels is thrown away")


### END HIDDEN TESTS

# %%
good = rows[np.asarray(is_good_giant(rows), dtype=bool)]
print(f"{len(good)} of {len(rows)} spectra pass the cuts")

# %% [markdown]
# <details><summary>Stuck? The stars of the reference sample</summary>
#
# ```python
# with np.load(archive.product("01_apogee")) as reference:
#     good = rows[np.isin(rows["apogee_id"], reference["apogee_id"])]
# ```
#
# </details>
#
# ### 1.3 A spectrum is not a star
#
# The course sheet was written with the real survey. It says that the cuts leave 1886 rows, and a
# little later that 1855 stars should be left. It does not say why 31 rows are too many. A row is a
# combined spectrum, and some stars have two of them, because more than one telescope observed them
# or because two fields overlap. Here the four fields are far apart, and each of the 31 stars was
# observed in one field with two telescopes, `apo25m` and `apo1m`.
# claim (simulated): len(good) == 1886 and len(best) == 1855
# claim (simulated): set(repeats["telescope"]) == {"apo25m", "apo1m"}
# claim (simulated): len(set(zip(repeats["apogee_id"], repeats["field"]))) == 31
#
# Repeated stars matter in lab 3. There you split the sample in two halves, train a model on one and
# judge it by the other. With a spectrum of the same star in each half, the model would look better
# than it is.
#
# **Exercise.** Keep one row of each star: the one with the highest S/N.


# %% solution="best_rows"
def best_rows(apogee_id, snr):
    """Choose the best spectrum of each star.

    Parameters
    ----------
    apogee_id : (n,) array of str
        The star that each row belongs to; rows of a star need not be neighbours.
    snr : (n,) array of float
        Signal-to-noise ratio of each row.

    Returns
    -------
    array of int
        Row numbers, one for each different star, of its row with the highest S/N; in any order.
    """
    ### BEGIN SOLUTION
    best_first = np.argsort(snr)[::-1]
    # np.unique names the first place where it meets each star
    _, first = np.unique(np.asarray(apogee_id)[best_first], return_index=True)
    return np.sort(best_first[first])
    ### END SOLUTION


# %% test="best_rows" points=2
import numpy as np

from helpers import checks


@checks.run
def test_best_rows():
    stars = np.array(["Vega", "Deneb", "Altair", "Deneb", "Vega"])
    snr = np.array([300.0, 80.0, 120.0, 95.0, 20.0])
    best = checks.array(checks.submitted("best_rows")(stars, snr), (-1,), "the row numbers")
    checks.that(bool(np.isin(best, np.arange(5)).all()), "a row number is outside the table")
    best = best.astype(int)
    checks.that(2 in best, "a star with a single spectrum is lost")
    checks.that(not np.isin([1, 4], best).any(), "a star is kept with its worse spectrum")
    checks.that(bool(np.isin([0, 3], best).all()), "a star's best spectrum is lost")


### BEGIN HIDDEN TESTS
@checks.run
def test_best_rows_hidden():
    random = np.random.default_rng(6)
    for n_stars in (1, 7, 150):
        # names that differ in their last letters, and S/N by less than one
        names = np.array([f"2M21235315+{k:07d}" for k in range(n_stars)])
        rows = np.concatenate([np.arange(n_stars), random.integers(n_stars, size=n_stars)])
        random.shuffle(rows)
        snr = random.permutation(np.linspace(51, 60, len(rows)))
        best = checks.array(checks.submitted("best_rows")(names[rows], snr), (-1,))
        expected = {max(np.flatnonzero(rows == k), key=lambda r: snr[r]) for k in range(n_stars)}
        checks.that(set(best.astype(int)) == expected, "not every star is kept with its best row")


### END HIDDEN TESTS

# %% test="best_rows.stars" points=1
import numpy as np

from helpers import checks


@checks.run
def test_best_rows_stars():
    names = np.array(["Castor", "Pollux", "Mira", "Algol", "Pollux", "Algol", "Pollux", "Castor"])
    snr = np.array([90.0, 61.0, 75.0, 150.0, 210.0, 55.0, 99.0, 120.0])
    best = checks.array(checks.submitted("best_rows")(names, snr), (-1,), "the row numbers")
    kept = names[best.astype(int)].tolist()
    checks.that(len(kept) == len(set(kept)), "a star is there twice")
    checks.that(len(kept) == 4, "a star has no row left")
    ### BEGIN HIDDEN TESTS
    random = np.random.default_rng(17)
    for _ in range(10):
        rows = random.permutation(np.append(np.arange(40), random.integers(40, size=60)))
        names = np.array([f"2M{row:08d}-00" for row in rows])
        snr = random.integers(50, 60, 100).astype(float)  # many are alike
        best = checks.array(checks.submitted("best_rows")(names, snr), (40,)).astype(int)
        checks.that(len(set(names[best].tolist())) == 40, "not every star is kept once")
        tops = [snr[names == name].max() for name in names[best]]
        checks.that(bool(np.all(snr[best] == tops)), "a star has a better row than the one kept")
    ### END HIDDEN TESTS


# %%
chosen = best_rows(np.asarray(good["apogee_id"], dtype=str), np.asarray(good["snr"], dtype=float))
best = good[np.asarray(chosen, dtype=int)]
print(f"{len(good)} spectra of {len(best)} stars: {len(good) - len(best)} were repeats")
labels = np.column_stack([best[name.lower()] for name in apogee.LABELS]).astype(float)
seen = [np.sum(good["apogee_id"] == name) for name in good["apogee_id"]]
repeats = good[np.array(seen) > 1]
repeats.sort("apogee_id")
repeats["apogee_id", "telescope", "field", "snr"][:4]

# %% [markdown]
# <details><summary>Stuck? One row of each star of the reference sample</summary>
#
# ```python
# with np.load(archive.product("01_apogee")) as reference:
#     known = dict(zip(reference["apogee_id"], reference["labels"][:, 0]))
# best = good[[abs(row["teff"] - known[row["apogee_id"]]) < 0.01 for row in good]]
# labels = np.column_stack([best[name.lower()] for name in apogee.LABELS]).astype(float)
# ```
#
# </details>
#
# The survey marks such spectra itself: bit 4 (worth 16) of the column `extratarg` of `apogeeStar`
# is set in all rows of a star but its best one. (Section 3 is about bits.) Ask for the marked rows
# and compare them with those that you left out.

# %%
asked = ", ".join(f"'{field}'" for field in apogee.FIELDS)
marked = SDSS.query_sql(
    "SELECT apogee_id, telescope FROM apogeeStar "
    f"WHERE (extratarg & 16) <> 0 AND field IN ({asked})",
    data_release=17,
)
left_out = set(zip(good["apogee_id"], good["telescope"], strict=True)) - set(
    zip(best["apogee_id"], best["telescope"], strict=True)
)
known = left_out & set(zip(marked["apogee_id"], marked["telescope"], strict=True))
print(f"{len(known)} of the {len(left_out)} rows that you left out are marked as repeats")
# claim (simulated): len(known) == len(left_out) == 31

# %% [markdown]
# ### 1.4 Why a cut in log g separates dwarfs from giants
#
# Surface gravity is $g = GM/R^2$, and astronomers write it as $\log_{10} g$ with $g$ in cgs units,
# cm s$^{-2}$.
#
# **Exercise.** Write it as a function.


# %% solution="surface_gravity"
def surface_gravity(mass, radius):
    """Return the logarithm of a body's surface gravity.

    Parameters
    ----------
    mass : float
        In solar masses.
    radius : float
        In solar radii.

    Returns
    -------
    float
        log10 of g in cm s^-2 (dex).
    """
    ### BEGIN SOLUTION
    from astropy import constants

    gravity = constants.G * mass * constants.M_sun / (radius * constants.R_sun) ** 2
    return float(np.log10(gravity.to_value("cm / s2")))
    ### END SOLUTION


# %% test="surface_gravity" points=2
from helpers import checks


@checks.run
def test_surface_gravity():
    log_g = checks.submitted("surface_gravity")
    earth = checks.number(log_g(3.003e-6, 9.158e-3), "log g of the Earth")
    checks.that(
        abs(10**earth / 100 - 9.81) < 0.2,
        "a stone falls wrongly on your Earth (3.003e-6 solar masses, 9.158e-3 solar radii): its g "
        "should be near 9.8 m/s2; look at the units of G and of g, and at the logarithm",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_surface_gravity_hidden():
    import numpy as np

    random = np.random.default_rng(7)
    log_g = checks.submitted("surface_gravity")
    for _ in range(20):
        mass, radius = float(random.uniform(0.1, 8)), float(10 ** random.uniform(-2, 2.5))
        expected = np.log10(6.674e-8 * mass * 1.989e33 / (radius * 6.957e10) ** 2)
        checks.close(log_g(mass, radius), expected, atol=0.01, hint="log g is off for some stars")


### END HIDDEN TESTS

# %% test="surface_gravity.scaling" points=1
from helpers import checks


@checks.run
def test_surface_gravity_scaling():
    log_g = checks.submitted("surface_gravity")
    sun = checks.number(log_g(1.0, 1.0), "log g")
    hint = "ten times the {} should change log g by a whole number: which power, which logarithm?"
    checks.close(log_g(10.0, 1.0) - sun, 1, atol=1e-4, hint=hint.format("mass"))
    checks.close(
        log_g(1.0, 10.0) - sun,
        -2,
        atol=1e-4,
        hint=hint.format("radius") + " And which way does gravity go with size?",
    )


# %%
for stage, radius in (
    ("main sequence", 1.0),
    ("tip of the red giant branch, just before the helium flash", 100.0),
    ("core helium burning", 15.0),
):
    print(f"R = {radius:3.0f} R_sun   log g = {surface_gravity(1.0, radius):5.2f}   {stage}")

# %% [markdown]
# **Explain** in your own words, with the three numbers above, why a cut at $\log g = 4$ tells
# giants from dwarfs. Does it also work for stars of other masses? Which stars does it put on the
# wrong side? Why does the sheet cut in temperature as well?
# claim: [round(float(surface_gravity(1.0, r)), 1) for r in (1.0, 100.0, 15.0)] == [4.4, 0.4, 2.1]

# %% [markdown] explain="giants" points=4
# Gravity falls with the *square* of the radius but only rises with the first power of the mass.
# Over a star's life its mass hardly changes, while its radius grows a hundredfold: a solar-mass
# star goes from $\log g = 4.44$ on the main sequence down to about 0.4 at the tip of the red giant
# branch just before the helium flash, then settles at about 2.1 while it burns helium in its core.
# Both giant stages lie 2 dex or more below the main sequence, and the catalogue's log g is good to
# about 0.1 dex, so a cut at 4 separates them cleanly.
# claim: surface_gravity(1.0, 1.0) - surface_gravity(1.0, 15.0) > 2
#
# Mass matters little. Along the main sequence radius grows about as fast as mass, so
# $g \propto M/R^2$ falls slowly: an M dwarf of 0.3 solar masses has $\log g \approx 4.9$, an F
# star of 1.5 solar masses about 4.2. Among giants, twice the mass is only 0.3 dex.
#
# The cut is not perfect. Stars that are leaving the main sequence (subgiants, $\log g$ 3.5 to 4),
# and stars of more than about 1.5 solar masses late in their life on it, lie just below 4 although
# they are not red giants. Many of them are hotter than red giants, most of which are cooler than
# 5500 K, so the cut in temperature removes them. It also removes hot stars, whose spectra have few
# lines to learn from.
# claim (simulated): labels[:, 0].max() < 5500
#
# **Rubric** (4 points)
#
# - 1: the three values, near 4.4, 0.4 and 2.1
# - 1: g goes as M over R squared, and between dwarf and giant it is the radius that changes
# - 1: mass changes log g by a few tenths only, against whole dex for the radius
# - 1: names the cases near the border (turn-off and subgiant or massive main-sequence stars) or
#   what the temperature cut adds

# %% [markdown]
# ### 1.5 The sample in label space
#
# A model learns only where there are stars. A **corner plot** shows all five labels at once: every
# pair in its own panel, each label alone along the diagonal. The package
# [`corner`](https://corner.readthedocs.io) draws one in a single call.
#
# **Exercise.** Draw it, with the name *and unit* of each label on the axes (K or dex). This is
# figure (a) of the sheet's checkpoint 1. Your figure is saved at the end of this lab, and lab 2
# writes it to the PDF that you hand in.


# %% solution="corner_figure" seconds=30
def corner_figure(labels):
    """Draw the distribution of stars in the space of their labels.

    Parameters
    ----------
    labels : (n, 5) ndarray
        TEFF (K), LOGG, FE_H, MG_FE, SI_FE (dex).

    Returns
    -------
    matplotlib Figure
        A panel for every pair of labels and one for each label alone; the outer axes name the
        labels, each with its unit.
    """
    ### BEGIN SOLUTION
    import corner

    names = [
        r"$T_\mathrm{eff}$ [K]",
        r"$\log g$ [dex, cgs]",
        "[Fe/H] [dex]",
        "[Mg/Fe] [dex]",
        "[Si/Fe] [dex]",
    ]
    figure = plt.figure(figsize=(8, 8))
    corner.corner(
        labels,
        fig=figure,
        labels=names,
        bins=25,
        smooth=0.8,
        color=plots.COLOURS["blue"],
        levels=(0.39, 0.86),  # what 1 and 2 sigma hold of a bell curve in two dimensions
        max_n_ticks=4,
        labelpad=0.17,
    )
    figure.subplots_adjust(left=0.14, bottom=0.14)
    return figure
    ### END SOLUTION


# %% test="corner_figure" points=2
import numpy as np

from helpers import checks


@checks.run
def test_corner_figure():
    from helpers.labels import resolved

    random = np.random.default_rng()
    # the five ranges are told apart by their limits
    low, high = np.array([3600, 0.0, -1.0, 0.1, -0.3]), np.array([5600, 3.9, 0.5, 0.2, -0.2])
    labels = low + (high - low) * random.beta(2, 2, (600, 5))
    figure = checks.submitted("corner_figure")(labels)
    figure = checks.figure(figure, axes=15)  # ten pairs and five labels alone
    spellings = (
        ("teff", "temp"),
        ("logg", "gravity"),
        ("feh", "metallicity"),
        ("mgfe",),
        ("sife",),
    )

    def named(label):  # "$T_\mathrm{eff}$ [K]" reads "teffk"
        letters = "".join(filter(str.isalpha, resolved(label).casefold()))
        return [k for k, texts in enumerate(spellings) if any(text in letters for text in texts)]

    def shows(limits, values):
        first, last = sorted(limits)
        inner = np.percentile(values, [5, 95])
        return first <= inner[0] and inner[1] <= last and last - first < 2.5 * np.ptp(values)

    sides = [
        side
        for axes in figure.axes
        if axes.images or axes.data or len(axes.bars)
        for side in ((axes.xlabel, axes.xlim), (axes.ylabel, axes.ylim))
    ]
    names = ("the effective temperature", "log g", "[Fe/H]", "[Mg/Fe]", "[Si/Fe]")
    for column, name in enumerate(names):
        mine = [(label, limits) for label, limits in sides if named(label) == [column]]
        checks.that(bool(mine), f"no axis says that it shows {name}")
        told = "; ".join(label for label, limits in mine if shows(limits, labels[:, column]))
        checks.that(bool(told), f"the axis that says {name} does not show it")
        if column == 0:
            checks.label_unit(told, "K", hint=f"{name} stands without its unit")
        else:
            checks.label_has(told, "dex", "cgs", "cm", hint=f"{name} stands without its unit")
    ### BEGIN HIDDEN TESTS
    # a panel of one label alone may name it at both sides
    for axes in figure.axes:
        both = ((axes.xlabel, axes.xlim), (axes.ylabel, axes.ylim))
        said = {column for label, _ in both for column in named(label)}
        true = {c for label, limits in both for c in named(label) if shows(limits, labels[:, c])}
        checks.that(said == true, "an axis names one label and shows another")
    ### END HIDDEN TESTS


# %% test="corner_figure.data" points=2
import itertools

import numpy as np

from helpers import checks


@checks.run
def test_corner_figure_data():
    random = np.random.default_rng()
    # the five ranges are told apart by their limits
    low, high = np.array([3600, 0.0, -1.0, 0.1, -0.3]), np.array([5600, 3.9, 0.5, 0.2, -0.2])
    labels = low + (high - low) * random.beta(2, 2, (600, 5))
    figure = checks.figure(checks.submitted("corner_figure")(labels), axes=15)
    panels = [axes for axes in figure.axes if axes.images or axes.data or len(axes.bars)]

    def shows(limits, values):
        first, last = sorted(limits)
        inner = np.percentile(values, [5, 95])
        return first <= inner[0] and inner[1] <= last and last - first < 2.5 * np.ptp(values)

    for one, other in itertools.combinations(range(5), 2):
        found = any(
            (shows(axes.xlim, labels[:, a]) and shows(axes.ylim, labels[:, b]))
            for axes in panels
            for a, b in ((one, other), (other, one))
        )
        checks.that(found, f"no panel shows columns {one} and {other} of the labels together")
    for column in range(5):
        alone = any(
            shows(along, labels[:, column]) and not any(shows(up, values) for values in labels.T)
            for axes in panels
            for along, up in ((axes.xlim, axes.ylim), (axes.ylim, axes.xlim))
        )
        checks.that(alone, f"no panel shows column {column} of the labels alone")
    ### BEGIN HIDDEN TESTS
    # where a panel shows stars one by one they are the stars given; a density hides most of them
    for axes, (a, b) in itertools.product(panels, itertools.permutations(range(5), 2)):
        if not (shows(axes.xlim, labels[:, a]) and shows(axes.ylim, labels[:, b])):
            continue
        dots = np.concatenate([np.empty((0, 2)), *axes.points])
        away = abs(dots[:, None] - labels[None, :, [a, b]]) / np.ptp(labels[:, [a, b]], axis=0)
        near = np.max(away, axis=2) < 1e-3
        strange = len(dots) > 20 and near.any(axis=1).mean() < 0.8
        checks.that(not strange, "a panel shows points that are not the labels of any star")
        if not (axes.images or axes.curves or len(axes.bars)):
            checks.that(near.any(axis=0).mean() > 0.8, "a panel does not show most of the stars")
    ### END HIDDEN TESTS


# %%
figure = corner_figure(labels)
figure.suptitle(f"{len(labels)} stars; {SOURCE}", fontsize=9)
# lab 2 writes this picture to the PDF of checkpoint 1
drawn = io.BytesIO()
figure.savefig(drawn, format="png", dpi=150)
corner_picture = np.uint8(255 * plt.imread(io.BytesIO(drawn.getvalue()))[:, :, :3])
plots.show(
    figure,
    alt="Corner plot of the five labels of the sample. Temperature and log g rise together along "
    "one diagonal, the giant branch, with most stars near log g 2.6; [Mg/Fe] and [Si/Fe] rise "
    "together and fall with [Fe/H].",
)
correlation = dict(zip(apogee.LABELS, np.corrcoef(labels.T), strict=True))
# claim (simulated): correlation["TEFF"][1] > 0.7
# claim (simulated): correlation["MG_FE"][4] > 0.6
# claim (simulated): max(correlation["FE_H"][3:]) < -0.4

# %% [markdown]
# Look for three things.
#
# - $T_\mathrm{eff}$ and $\log g$ lie along one band, the giant branch. A model that is trained here
#   knows nothing of stars far from it.
# - Half of the stars lie between $\log g$ 2.3 and 2.9. Many of them are in the *red clump*: they
#   burn helium in their core.
# - [Mg/Fe] and [Si/Fe] rise and fall together. A model can tell one from the other only by lines of
#   their own.
# claim (simulated): 0.45 < np.mean((labels[:, 1] > 2.3) & (labels[:, 1] < 2.9)) < 0.55
#
# ## 2. The spectra
#
# ### 2.1 Fetch the files
#
# Every combined spectrum is a FITS file of its own on the Science Archive Server. The survey's
# [data model](https://data.sdss.org/datamodel) says where, in words of your table:
#
#     dr17/apogee/spectro/redux/dr17/stars/TELESCOPE/FIELD/apStar-dr17-APOGEE_ID.fits
#
# The files of the telescope at Las Campanas in Chile, `lco25m`, begin with `asStar` instead of
# `apStar` (*s* for south). Your fields are all in the north, but your function should know.
#
# **Exercise.** Give the path of every row of a table.


# %% solution="spectrum_paths"
def spectrum_paths(table):
    """Return where the Science Archive Server keeps the combined spectra of a table.

    Parameters
    ----------
    table : astropy Table
        With the columns telescope ("apo25m", "apo1m" or "lco25m"), field and apogee_id, all of
        text, and perhaps others.

    Returns
    -------
    list of str, one for each row, in order
        Such as dr17/apogee/spectro/redux/dr17/stars/TELESCOPE/FIELD/apStar-dr17-APOGEE_ID.fits with
        the row's own telescope, field and name; the file's name begins with asStar where the
        telescope is lco25m.
    """
    ### BEGIN SOLUTION
    paths = []
    for row in table:
        first = "asStar" if row["telescope"] == "lco25m" else "apStar"
        folder = f"dr17/apogee/spectro/redux/dr17/stars/{row['telescope']}/{row['field']}"
        paths.append(f"{folder}/{first}-dr17-{row['apogee_id']}.fits")
    return paths
    ### END SOLUTION


# %% test="spectrum_paths" points=2
import numpy as np
from astropy.table import Table

from helpers import checks


@checks.run
def test_spectrum_paths():
    table = Table(
        {
            "apogee_id": ["2M00000001+0000001", "2M00000002-0000002"],
            "telescope": ["apo25m", "apo1m"],
            "field": ["M15", "060+00"],
            "snr": [100.0, 60.0],
        }
    )
    answer = np.asarray(checks.submitted("spectrum_paths")(table))
    checks.that(answer.ndim == 1, "return a list of paths, one for each row")
    paths = [checks.text(path) for path in answer.tolist()]
    checks.that(len(paths) == 2, "a table of two rows should give two paths")
    for path, name, folder in zip(
        paths, table["apogee_id"], ("stars/apo25m/M15/", "stars/apo1m/060+00/"), strict=True
    ):
        checks.that(str(name) in path, "the paths do not come in the order of the rows")
        checks.that(folder in path, "a path does not lead to its star's telescope and field")
        checks.that(path.startswith("dr17/"), "a path should begin with dr17/, without a server")
        checks.that(path.endswith(".fits"), "the name of a FITS file ends with .fits")


### BEGIN HIDDEN TESTS
@checks.run
def test_spectrum_paths_hidden():
    random = np.random.default_rng(40)
    n = 60
    table = Table(
        {
            "field": random.choice(["M15", "N6791", "K2_C4_168-21", "060+00", "12 Ori"], n),
            "teff": random.uniform(3600, 5600, n),
            "apogee_id": [f"2M{k:08d}{'+-'[k % 2]}{k * k:07d}" for k in range(n)],
            "telescope": random.choice(["apo25m", "apo1m"], n),
        }
    )
    answer = np.asarray(checks.submitted("spectrum_paths")(table))
    checks.that(answer.ndim == 1, "return a list of paths, one for each row")
    paths = [checks.text(path) for path in answer.tolist()]
    root = "dr17/apogee/spectro/redux/dr17/stars"
    expected = [
        f"{root}/{row['telescope']}/{row['field']}/apStar-dr17-{row['apogee_id']}.fits"
        for row in table
    ]
    checks.that(paths == expected, "a path is not spelt as the data model says")


### END HIDDEN TESTS

# %% test="spectrum_paths.south" points=1
import numpy as np
from astropy.table import Table

from helpers import checks


@checks.run
def test_spectrum_paths_south():
    table = Table(
        {
            "apogee_id": ["2M1", "2M2", "2M3"],
            "telescope": ["apo25m", "lco25m", "apo1m"],
            "field": ["M15", "LMC5", "M15"],
        }
    )
    answer = np.asarray(checks.submitted("spectrum_paths")(table))
    checks.that(answer.ndim == 1, "return a list of paths, one for each row")
    paths = [checks.text(path) for path in answer.tolist()]
    checks.that(len(paths) == 3, "a table of three rows should give three paths")
    south = ["asStar" in path for path in paths]
    checks.that(south[1], "a file of lco25m has another first word than the others")
    checks.that(not (south[0] or south[2]), "only the files of lco25m begin with asStar")
    ### BEGIN HIDDEN TESTS
    name = "dr17/apogee/spectro/redux/dr17/stars/lco25m/LMC5/asStar-dr17-2M2.fits"
    checks.that(paths[1] == name, "a path of lco25m is not spelt as the data model says")
    ### END HIDDEN TESTS


# %%
addresses = [str(path) for path in spectrum_paths(best)]
paths = archive.fetch(addresses)
where = dict(zip(best["apogee_id"], paths, strict=True))
at_hand = np.isin(best["apogee_id"], list(where))
print(addresses[0])

# %% [markdown]
# `archive.fetch` downloads and keeps the files. Files that you have already are not fetched again,
# so you may interrupt this cell and run it again. Without the helper you would download
# `archive.current().sas + "/" + address` yourself, with `urllib.request.urlretrieve` for instance.
#
# <details><summary>Stuck? Without the files</summary>
#
# Sections 2.1 to 3.2 look at single files. This gives you two of them:
#
# ```python
# folder = "dr17/apogee/spectro/redux/dr17/stars/apo25m"
# addresses = [
#     f"{folder}/M15/apStar-dr17-2M21235315+1244123.fits",
#     f"{folder}/K2_C4_168-21/apStar-dr17-2M03544493+2336146.fits",
# ]
# paths = archive.fetch(addresses)
# where = dict(zip(["2M21235315+1244123", "2M03544493+2336146"], paths))
# at_hand = np.isin(best["apogee_id"], list(where))
# ```
#
# </details>
#
# Checkpoint 1 asks for the star 2M21235315+1244123. Look into its file before you write any code.

# %%
EXAMPLE = "2M21235315+1244123"
if EXAMPLE not in where:  # files of your own choice may not hold it
    EXAMPLE = str(best["apogee_id"][0])
with fits.open(where[EXAMPLE]) as hdus:
    hdus.info()
    image_header = dict(hdus[1].header)
    print()
    for hdu in hdus[1:4]:
        print(hdu.header.get("BUNIT", ""))
    for card in ("NAXIS1", "CRVAL1", "CDELT1", "CRPIX1", "CTYPE1"):
        print(str(hdus[1].header.cards[card]).rstrip())

# %% [markdown]
# HDU 1 is the flux, HDU 2 its error, HDU 3 a mask. Each has 8575 columns, one for each pixel, and
# several rows. The data model (look for apStar) says what each row holds:
# claim: image_header["NAXIS1"] == 8575 and image_header["NAXIS2"] > 2
#
# | row | holds |
# |---|---|
# | 0 | all visits combined, **each pixel weighted by its own error** |
# | 1 | all visits combined, each visit weighted as a whole |
# | 2, 3, ... | the single visits |
#
# The file of a star that was visited only once holds that one spectrum and no combinations, as an
# image of one row or as a plain list of 8575 numbers.
# claim: all(np.size(fits.getdata(where[name], 1)) == 8575 for name in single[:3])
#
# ### 2.2 The wavelength of every pixel
#
# The file holds no list of wavelengths. The steps of the grid are equal in the *logarithm* of the
# wavelength (base 10, as `LOG-LINEAR` means here), so a few cards of the header define it. They are
# `CRVAL1`, the logarithm of the wavelength at the *reference pixel*; `CDELT1`, the step from one
# pixel to the next; and `CRPIX1`, the number of the reference pixel, where the first pixel of an
# image has number **1**. Wavelengths are in vacuum, in Å.
#
# A Doppler shift multiplies all wavelengths by one factor. On a logarithmic grid this is a shift by
# the same number of pixels everywhere, which is why the survey chose such a grid.
#
# **Exercise.** Reconstruct the wavelengths.


# %% solution="wavelength_grid"
def wavelength_grid(header):
    """Return the wavelength of each pixel of a spectrum on a log-linear grid.

    Parameters
    ----------
    header : dict
        The cards NAXIS1 (number of pixels), CRVAL1 (log10 of the wavelength in Å at the reference
        pixel), CDELT1 (step of log10 wavelength) and CRPIX1 (number of the reference pixel, where
        the first pixel has number 1), among others.

    Returns
    -------
    (NAXIS1,) ndarray of float
        Wavelength in Å.
    """
    ### BEGIN SOLUTION
    pixel = np.arange(1, header["NAXIS1"] + 1)  # FITS counts from one
    return 10 ** (header["CRVAL1"] + header["CDELT1"] * (pixel - header["CRPIX1"]))
    ### END SOLUTION


# %% test="wavelength_grid" points=2
import numpy as np

from helpers import checks


@checks.run
def test_wavelength_grid():
    header = {"NAXIS": 2, "NAXIS1": 11, "NAXIS2": 3, "CRVAL1": 4.0, "CDELT1": 0.1, "CRPIX1": 1}
    grid = checks.array(checks.submitted("wavelength_grid")(header), (11,), "the wavelengths")
    checks.that(
        bool(np.all((grid > 5e3) & (grid < 5e5))),
        "with CRVAL1 = 4 and eleven steps of 0.1 all wavelengths should lie between 10 000 Å and "
        "100 000 Å: is the logarithm of base 10?",
    )
    checks.close(
        grid[:1], [1e4], rtol=1e-5, hint="the first pixel does not have the wavelength of CRVAL1"
    )
    checks.close(
        grid[-1:], [1e5], rtol=1e-5, hint="the last pixel is off: how many steps is it away?"
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_wavelength_grid_hidden():
    random = np.random.default_rng(8)
    for _ in range(5):
        n = int(random.integers(50, 9000))
        start, step = float(random.uniform(3.5, 4.3)), float(random.uniform(1e-6, 1e-4))
        header = {"NAXIS1": n, "CRVAL1": start, "CDELT1": step, "CRPIX1": 1, "NAXIS": 1}
        grid = checks.array(checks.submitted("wavelength_grid")(header), (n,))
        # a twentieth of a pixel: the last digit of single precision is a hundredth of the finest
        checks.close(
            np.log10(grid), start + step * np.arange(n), atol=step / 20, hint="the grid is off"
        )


### END HIDDEN TESTS

# %% test="wavelength_grid.reference" points=2
import numpy as np

from helpers import checks


@checks.run
def test_wavelength_grid_reference():
    header = {"NAXIS1": 9, "CRVAL1": 4.2, "CDELT1": 0.01, "CRPIX1": 5}
    grid = checks.array(checks.submitted("wavelength_grid")(header), (9,), "the wavelengths")
    checks.close(
        np.log10(grid[4:5]),
        [4.2],
        atol=1e-4,
        hint="CRPIX1 = 5 says that the fifth pixel has CRVAL1",
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_wavelength_grid_reference_hidden():
    random = np.random.default_rng(9)
    for reference in (2, 41, 4288, 8575):
        step = float(random.uniform(1e-6, 1e-5))
        header = {"NAXIS1": 8575, "CRVAL1": 4.179, "CDELT1": step, "CRPIX1": reference}
        grid = checks.array(checks.submitted("wavelength_grid")(header), (8575,))
        expected = 4.179 + step * (np.arange(8575) + 1 - reference)
        checks.close(np.log10(grid), expected, atol=step / 20, hint="the grid is off")


### END HIDDEN TESTS

# %%
wavelength = np.asarray(wavelength_grid(image_header), dtype=float)
print(f"{len(wavelength)} pixels from {wavelength[0]:.2f} to {wavelength[-1]:.2f} Å")
width = wavelength[1] - wavelength[0]
velocity = 299792.458 * np.log(10) * image_header["CDELT1"]
print(f"one pixel is {width:.3f} Å wide at the blue end, and {velocity:.2f} km/s everywhere")
single = [str(name) for name in best["apogee_id"][best["nvisits"] == 1]]

# %% [markdown]
# <details><summary>Stuck? The wavelengths from the reference</summary>
#
# ```python
# with np.load(archive.product("01_apogee")) as reference:
#     wavelength = reference["wavelength"]
# ```
#
# </details>
#
# ### 2.3 Read a spectrum
#
# **Exercise.** Read flux, error and mask of the combined spectrum: the one in which each pixel is
# weighted by its own error. Mind the stars with a single visit.


# %% solution="read_coadd"
def read_coadd(path):
    """Read the combined spectrum of an apStar file.

    Parameters
    ----------
    path : str or Path
        A FITS file with flux, error and mask in HDUs 1, 2 and 3, each of shape (rows, n) or (n,).
        Row 0 is the combination in which each pixel is weighted by its own error.

    Returns
    -------
    flux, error : (n,) ndarray of float
        In 1e-17 erg/s/cm2/Å.
    mask : (n,) ndarray of int
        Bits of APOGEE_PIXMASK.
    """
    ### BEGIN SOLUTION
    with fits.open(path) as hdus:
        flux, error, mask = (np.atleast_2d(hdus[number].data)[0] for number in (1, 2, 3))
        # FITS stores the most significant byte first; these types are this computer's own
        return flux.astype(float), error.astype(float), mask.astype(int)
    ### END SOLUTION


# %% test="read_coadd" points=3
import numpy as np
from astropy.io import fits

from helpers import checks


@checks.run
def test_read_coadd():
    random = np.random.default_rng()
    flux = random.uniform(100, 200, (5, 8575)).astype("f4")  # two combinations, three visits
    error, mask = flux / 50, random.integers(0, 2**15, (5, 8575)).astype("i2")
    path = checks.workspace() / "apStar-test.fits"
    extra = [fits.ImageHDU(np.ones((5, 8575), "f4")) for _ in range(4)]
    header = fits.Header({"CRVAL1": 4.179, "CDELT1": 6e-6, "CRPIX1": 1, "CTYPE1": "LOG-LINEAR"})
    images = [fits.ImageHDU(image, header) for image in (flux, error, mask)]
    first = fits.PrimaryHDU(header=fits.Header({"OBJID": "2M00", "NVISITS": 3, "SNR": 50.0}))
    fits.HDUList([first, *images, *extra]).writeto(path)

    result = checks.submitted("read_coadd")(str(path))
    checks.that(type(result) in (tuple, list) and len(result) == 3, "return flux, error and mask")
    got_flux = checks.array(result[0], (8575,), "the flux")
    got_error = checks.array(result[1], (8575,), "the error")
    got_mask = checks.array(result[2], (8575,), "the mask")
    checks.that(
        not np.allclose(got_flux, flux[1]), "this is the combination with one weight per visit"
    )
    checks.that(not np.allclose(got_flux, flux[2]), "this is the first visit, not a combination")
    checks.close(got_flux, flux[0], rtol=1e-6, hint="the flux is not that of the row asked for")
    checks.close(got_error, error[0], rtol=1e-6, hint="the error is not that of the row asked for")
    checks.close(got_mask, mask[0], atol=0.1, hint="the mask is not that of the row asked for")


### BEGIN HIDDEN TESTS
@checks.run
def test_read_coadd_hidden():
    random = np.random.default_rng(10)
    for visits, integers in ((2, "i4"), (8, "i2")):
        shape = (visits + 2, 8575)
        images = [
            random.normal(300, 90, shape).astype("f4"),
            random.uniform(1, 9, shape).astype("f4"),
            random.integers(0, 2**15, shape).astype(integers),
        ]
        images[0][:, 17], images[1][:, 40] = np.nan, np.inf
        path = checks.workspace() / f"{visits}.fits"
        header = fits.Header({"OBJID": "2M00", "NVISITS": visits, "SNR": 100.0})
        grid = fits.Header({"CRVAL1": 4.179, "CDELT1": 6e-6, "CRPIX1": 1, "CTYPE1": "LOG-LINEAR"})
        hdus = [fits.PrimaryHDU(header=header), *(fits.ImageHDU(image, grid) for image in images)]
        fits.HDUList(hdus).writeto(path)
        result = checks.submitted("read_coadd")(str(path))
        checks.that(type(result) in (tuple, list) and len(result) == 3, "three results expected")
        for got, image in zip(result, images, strict=True):
            checks.close(got, image[0], rtol=1e-6, atol=1e-6, hint="not the row asked for")


### END HIDDEN TESTS

# %% test="read_coadd.single" points=1
import numpy as np
from astropy.io import fits

from helpers import checks


@checks.run
def test_read_coadd_single():
    random = np.random.default_rng()
    flux = random.uniform(100, 200, 8575).astype("f4")
    error, mask = flux / 50, random.integers(0, 2**15, 8575).astype("i2")
    grid = fits.Header({"CRVAL1": 4.179, "CDELT1": 6e-6, "CRPIX1": 1, "CTYPE1": "LOG-LINEAR"})
    for shape in ((8575,), (1, 8575)):
        images = [fits.ImageHDU(image.reshape(shape), grid) for image in (flux, error, mask)]
        path = checks.workspace() / f"once{len(shape)}.fits"
        first = fits.PrimaryHDU(header=fits.Header({"OBJID": "2M00", "NVISITS": 1, "SNR": 50.0}))
        fits.HDUList([first, *images]).writeto(path)
        result = checks.submitted("read_coadd")(str(path))
        checks.that(
            type(result) in (tuple, list) and len(result) == 3, "return flux, error and mask"
        )
        wanted = {"flux": flux, "error": error, "mask": mask}
        for got, (name, values) in zip(result, wanted.items(), strict=True):
            what = f"the {name} of a star seen once (image of shape {shape})"
            checks.close(got, values, rtol=1e-6, atol=1e-6, what=what, hint=f"{what} is not right")


# %% [markdown]
# ### 2.4 Look at one
#
# APOGEE records its spectrum on three detectors side by side. Between them are two gaps in which
# nothing is measured; the file says flux 0 there. `apogee.CHIPS` names the pixels of each detector
# that this course, like the survey's own pipeline, works with. The detectors reach some pixels
# further.
# claim: bool((fluxes[:, 3400:3460] == 0).all() and (fluxes[:, 230:320] != 0).any())
#
# **Exercise.** Plot flux against wavelength with labelled axes and their units. Draw no line across
# a gap, because nothing was measured there. Use one panel or three, as you like.


# %% solution="spectrum_figure"
def spectrum_figure(wavelength, flux):
    """Draw a spectrum chip by chip.

    Parameters
    ----------
    wavelength : (8575,) ndarray
        In Å.
    flux : (8575,) ndarray
        In 1e-17 erg/s/cm2/Å; 0 where nothing was measured (`apogee.CHIPS` names the pixels of each
        chip).

    Returns
    -------
    matplotlib Figure
        Flux against wavelength in these units, which the axis labels name; nothing is drawn in the
        gaps between the chips.
    """
    ### BEGIN SOLUTION
    figure, panels = plt.subplots(3, 1, figsize=(9, 6), layout="constrained")
    for panel, (chip, pixels) in zip(panels, apogee.CHIPS.items(), strict=True):
        panel.plot(wavelength[pixels], flux[pixels], lw=0.6, color=plots.COLOURS["blue"])
        # a few ruined pixels should not squeeze the spectrum flat
        low, high = np.nanpercentile(flux[pixels], [0.3, 99.7])
        panel.set_ylim(low - 0.1 * (high - low), high + 0.1 * (high - low))
        panel.margins(x=0.01)
        panel.set_title(f"{chip} chip", loc="left", fontsize=9)
    panels[1].set_ylabel(r"flux [$10^{-17}$ erg s$^{-1}$ cm$^{-2}$ Å$^{-1}$]")
    panels[2].set_xlabel("vacuum wavelength [Å]")
    return figure
    ### END SOLUTION


# %% test="spectrum_figure" points=1
import numpy as np

from helpers import apogee, checks


@checks.run
def test_spectrum_figure():
    wavelength = 10 ** (4.179 + 6e-6 * np.arange(8575))
    flux = np.zeros(8575)
    for chip in apogee.CHIPS.values():
        flux[chip] = 200.0 + 50 * np.sin(wavelength[chip])
    figure = checks.figure(checks.submitted("spectrum_figure")(wavelength, flux))
    along = "; ".join(axes.xlabel for axes in figure.axes)
    up = "; ".join([figure.title, *(axes.ylabel for axes in figure.axes)])
    checks.label_has(along, "wave", "lambda", "λ", hint="no axis says that it is the wavelength")
    unit = checks.wavelength_unit(along, hint="the wavelength has no unit")
    checks.label_has(up, "flux", "f_", "fλ", "f(", hint="no axis says that it is the flux")
    checks.label_has(up, "erg", hint="the flux has no unit")
    lit, drawn = wavelength[flux > 0], [data for axes in figure.axes for data in axes.data]
    shown = [unit * data[np.isfinite(data).all(axis=1), 0] for data in drawn]
    near = [np.any(abs(x - lit[::200, None]) < 0.05, axis=1) for x in shown]
    checks.that(bool(near) and np.any(near, axis=0).mean() > 0.2, "where is the spectrum?")
    ### BEGIN HIDDEN TESTS
    checks.label_has(up, "17", hint="the unit of the flux lacks its power of ten")
    angstroms = ("Å", "ang", "/A", " A", ".A", "·A", "*A", "(A")
    checks.label_has(up, *angstroms, hint="a flux per what? The unit of the flux is not complete")
    ### END HIDDEN TESTS


# %% test="spectrum_figure.data" points=2
import numpy as np

from helpers import apogee, checks


@checks.run
def test_spectrum_figure_data():
    random = np.random.default_rng()
    wavelength = 10 ** (4.179 + 6e-6 * np.arange(8575))
    flux = np.zeros(8575)
    lit = np.concatenate([np.arange(8575)[chip] for chip in apogee.CHIPS.values()])
    flux[lit] = 300 + 40 * random.standard_normal(len(lit)).clip(-3, 3)
    figure = checks.figure(checks.submitted("spectrum_figure")(wavelength, flux))
    along = [data[:, 0] for axes in figure.axes for data in axes.data]
    checks.that(bool(along), "nothing is drawn")
    # in Å, nm or µm, whatever the label says
    unit = 10.0 ** np.rint(4.2 - np.log10(max(np.nanmedian(np.concatenate(along)), 1e-9)))

    shown = np.zeros(8575, dtype=bool)
    for axes in figure.axes:
        for drawn in axes.data:
            x, y = drawn[np.isfinite(drawn).all(axis=1)].T
            x, y = unit * x[x > 0], y[x > 0]
            low, high = axes.ylim
            checks.that(low < high, "the flux should grow upwards")
            left, right = unit * min(axes.xlim), unit * max(axes.xlim)
            inside = (y > low) & (y < high) & (x >= left) & (x <= right)
            x, y = x[inside], y[inside]
            pixel = (np.log10(x) - 4.179) / 6e-6
            near = np.rint(pixel).clip(0, 8574).astype(int)
            shown[near[(abs(pixel - near) < 0.3) & (abs(y - flux[near]) < 0.01)]] = True
    share = shown[lit].mean()
    checks.that(
        share > 0.85,
        f"only {share:.0%} of the pixels with light are seen at their wavelength and flux, in the "
        "units asked for",
    )


# %% test="spectrum_figure.gaps" points=1
import numpy as np

from helpers import apogee, checks


@checks.run
def test_spectrum_figure_gaps():
    wavelength = 10 ** (4.179 + 6e-6 * np.arange(8575))
    flux = np.zeros(8575)
    for chip in apogee.CHIPS.values():
        flux[chip] = 200 + np.sin(wavelength[chip])
    figure = checks.figure(checks.submitted("spectrum_figure")(wavelength, flux))
    along = [data[:, 0] for axes in figure.axes for data in axes.data]
    checks.that(bool(along), "nothing is drawn")
    # in Å, nm or µm, whatever the label says
    unit = 10.0 ** np.rint(4.2 - np.log10(max(np.nanmedian(np.concatenate(along)), 1e-9)))
    blue, green, red = apogee.CHIPS.values()
    gaps = [(blue.stop, green.start), (green.stop, red.start)]
    shown = np.zeros(8575, dtype=bool)

    def pixel(x):
        """Number of the pixel at a wavelength of the figure, NaN where there is none."""
        return (np.log10(unit * np.where(x > 0, x, np.nan)) - 4.179) / 6e-6

    for axes in figure.axes:
        for curve in axes.curves:
            at = pixel(np.where(np.isfinite(curve[:, 1]), curve[:, 0], np.nan))
            for first, last in gaps:
                middle = (first + last) / 2
                across = (at[:-1] < middle) != (at[1:] < middle)
                across &= np.isfinite(at[:-1] + at[1:])
                checks.that(not across.any(), "a line joins two chips across the gap")
        for data in axes.data:
            at = pixel(data[np.isfinite(data).all(axis=1), 0])
            for first, last in gaps:
                inside = (at > first - 0.5) & (at < last - 0.5)
                checks.that(
                    not inside.any(), "something is drawn in the gaps, where there is no light"
                )
            at = at[(at > -0.5) & (at < 8574.5)]
            shown[np.rint(at).astype(int)] = True
    checks.that(shown[flux > 0].mean() > 0.2, "most of the spectrum is not drawn")


# %%
def spectrum_of(path):
    """Read a file with your function, and return arrays of one type."""
    flux, error, mask = map(np.asarray, read_coadd(path))
    return flux.astype(float), error.astype(float), mask.astype(int)


flux, error, mask = spectrum_of(where[EXAMPLE])
figure = spectrum_figure(wavelength, flux)
figure.suptitle(f"{EXAMPLE}; {SOURCE}", fontsize=9)
plots.show(
    figure,
    alt=f"Flux against wavelength of the star {EXAMPLE}, from 15150 to 16950 Å with two gaps. "
    "Hundreds of narrow absorption lines lie below a smooth continuum that falls to the red.",
)
levels = [float(np.median(flux[chip])) for chip in apogee.CHIPS.values()]
tops = [float(np.percentile(flux[chip], 95)) for chip in apogee.CHIPS.values()]
lines = sum(
    len(find_peaks(-flux[chip] / top, prominence=0.02)[0])
    for chip, top in zip(apogee.CHIPS.values(), tops, strict=True)
)
print(f"{lines} dips are deeper than 2 % of the continuum")
# claim: levels[0] > levels[1] > levels[2]
# claim: 200 < lines < 1000

# %% [markdown]
# Hundreds of absorption lines of atoms and molecules lie below a smooth upper edge, the continuum.
# Some narrow spikes and dips are no lines but bad pixels. Section 3 deals with them.
# claim: lines > 200 and np.any(is_flagged(spectrum_of(where[EXAMPLE])[2][lit], [0, 1]))
#
# **Explain** what the units of the spectrum mean, in words that a student of engineering would
# understand. What do you have to do to the spectrum to get the power that falls on a square metre?
# What is 1 of these units in W m$^{-2}$ µm$^{-1}$? Why would the same spectrum look different as a
# flux per unit *frequency*?

# %% [markdown] explain="units" points=3
# The numbers count $10^{-17}$ erg s$^{-1}$ cm$^{-2}$ Å$^{-1}$: the energy (erg) that arrives each
# second on each square centimetre facing the star, for each ångström of wavelength. It is a
# *density* in wavelength, like people per kilometre of road: there is no energy "at" a wavelength,
# only in an interval. To get the power per area one has to integrate over wavelength, flux times
# the width of each pixel, summed; on this logarithmic grid red pixels are wider than blue ones.
#
# 1 erg = $10^{-7}$ J, 1 cm$^2$ = $10^{-4}$ m$^2$, 1 Å = $10^{-4}$ µm. So 1 erg s$^{-1}$ cm$^{-2}$
# Å$^{-1}$ is $10^{-3}$ W m$^{-2}$ Å$^{-1}$ = 10 W m$^{-2}$ µm$^{-1}$, and one of the spectrum's
# units is $10^{-16}$ W m$^{-2}$ µm$^{-1}$.
#
# An interval of wavelength is not in a fixed proportion to an interval of frequency: from
# $\nu = c/\lambda$ follows $|d\nu| = c\,|d\lambda| / \lambda^2$, hence
# $f_\nu = f_\lambda\,\lambda^2/c$. The factor $\lambda^2$ tilts the spectrum, here by about a
# quarter from one end to the other. The energy in any one interval stays the same.
# claim: 0.2 < (wavelength[-1] / wavelength[0]) ** 2 - 1 < 0.3
# claim: np.all(np.diff(wavelength, n=2) > 0)
#
# **Rubric** (3 points)
#
# - 1: energy per time, per collecting area, per interval of wavelength, with the common factor
#   named
# - 1: a density, so that power per area needs an integral over wavelength; and why per frequency
#   differs
# - 1: $10^{-16}$ W m$^{-2}$ µm$^{-1}$, with the conversion shown

# %% [markdown]
# How faint is this star? Integrate its spectrum over all pixels.

# %%
power = np.trapezoid(flux * 1e-17, wavelength) * 1e-3  # W/m2: 1 erg/s/cm2 is 1e-3 W/m2
photon = 6.626e-34 * 2.998e8 / 16000e-10  # J, in the middle of the band
mirror = np.pi * (2.5 / 2) ** 2  # m2, the Sloan telescope, its central hole neglected
print(f"{power:.2g} W on each square metre of the Earth;")
print(f"a mirror of 2.5 m collects {power * mirror / photon:.2g} photons a second in this band")

# %% [markdown]
# ### 2.5 The velocity of the star, and ours
#
# The survey visits many stars several times, some nights, months or years apart. In each visit the
# lines lie at different wavelengths, and the pipeline has to undo this before it can add the
# visits. For visit $i$ the header holds the velocity that was measured from the spectrum, the
# *barycentric correction*, and their sum:
# claim (simulated): 0.25 < np.mean(best["nvisits"] > 1) < 0.5
#
# $$\mathtt{VHELIO}i = \mathtt{VRAD}i + \mathtt{BC}i$$
#
# `VHELIO` is the star's velocity away from us as seen from the barycentre, the centre of mass of
# the solar system. `BC` is the velocity of the telescope *towards* the star at that moment. A
# telescope that moves towards a star measures too small a velocity, by just this amount.
#
# **Exercise.** At which wavelength did the telescope see a line whose wavelength at rest you know?
# At these speeds, far below that of light,
# $\lambda_\mathrm{seen} = \lambda_\mathrm{rest}\,(1 + v/c)$ is good enough.


# %% solution="observed_wavelength"
def observed_wavelength(wavelength, star_velocity, barycentric_correction):
    """Return the wavelengths at which a telescope on the moving Earth sees a moving star's lines.

    Parameters
    ----------
    wavelength : float or ndarray
        At rest, in Å.
    star_velocity : float
        Velocity of the star away from the barycentre of the solar system, in km/s (VHELIO).
    barycentric_correction : float
        What has to be added to the velocity measured at the telescope to give `star_velocity`, in
        km/s (BC).

    Returns
    -------
    float or ndarray
        As seen by the telescope, in Å.
    """
    ### BEGIN SOLUTION
    measured_velocity = star_velocity - barycentric_correction
    return wavelength * (1 + measured_velocity / 299792.458)
    ### END SOLUTION


# %% test="observed_wavelength" points=1
import numpy as np

from helpers import checks


@checks.run
def test_observed_wavelength():
    seen = checks.submitted("observed_wavelength")
    rest = np.array([15200.0, 16000.0, 16900.0])
    away = checks.array(seen(rest, 100.0, 0.0), (3,), "the wavelengths")
    checks.that(bool(np.all(away > rest)), "the lines of a star that moves away should be redder")
    # 1.5e-6 is a tenth of a pixel
    checks.close(
        away / rest - 1,
        np.full(3, 1 / 2997.92),
        atol=1.5e-6,
        hint="100 km/s is 1/2998 of the speed of light",
    )
    ### BEGIN HIDDEN TESTS
    random = np.random.default_rng(11)
    for velocity in random.uniform(-250, 250, 10):
        wanted = rest * (1 + velocity / 299792.458)
        checks.close(seen(rest, float(velocity), 0.0), wanted, rtol=1.5e-6, hint="the shift is off")
        checks.close(
            seen(16000.0, float(velocity), 0.0), wanted[1], rtol=1.5e-6, hint="the shift is off"
        )
    ### END HIDDEN TESTS


# %% test="observed_wavelength.earth" points=2
import numpy as np

from helpers import checks


@checks.run
def test_observed_wavelength_earth():
    seen = checks.submitted("observed_wavelength")
    still = np.array([15200.0, 16000.0, 16900.0])
    towards = checks.array(seen(still, 0.0, 25.0), (3,), "the wavelengths")
    checks.that(
        not np.allclose(towards, still, rtol=1e-7), "the Earth's motion makes no difference to you"
    )
    checks.that(
        bool(np.all(towards < still)),
        "BC = +25 km/s means that the telescope moves towards the star: which way do the lines go?",
    )
    ### BEGIN HIDDEN TESTS
    random = np.random.default_rng(12)
    for velocity, correction in random.uniform(-1, 1, (12, 2)) * (150, 30):
        wanted = still * (1 + (velocity - correction) / 299792.458)
        got = seen(still, float(velocity), float(correction))
        checks.close(got, wanted, rtol=1.5e-6, hint="the shift is off")
    ### END HIDDEN TESTS


# %% [markdown]
# The file's visits have been shifted to the star's rest frame already. With your function you can
# put them back where the telescope saw them.

# %%
many = best[at_hand & (best["nvisits"] >= 4) & (best["snr"] > 100)]
corrections = [
    [fits.getval(where[row["apogee_id"]], f"BC{1 + i}") for i in range(row["nvisits"])]
    for row in many
]
swings = [np.ptp(bc) for bc in corrections]
VISITED = str(many["apogee_id"][np.argmax(swings)])
star = apogee.read_apstar(where[VISITED])
print(f"{VISITED}: its barycentric corrections differ by up to {max(swings):.1f} km/s")

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4.2), sharey=True, layout="constrained")
window = (wavelength > 15940) & (wavelength < 16000)  # somewhat wider than the panels
colours = plt.get_cmap(plots.SEQUENTIAL)(np.linspace(0, 0.85, len(star.visits)))
for i, (visit, colour) in enumerate(zip(star.visits, colours, strict=True), start=1):
    level = visit[window] / np.median(visit[window]) - 0.35 * i
    correction = star.header[f"BC{i}"]
    seen = observed_wavelength(wavelength[window], star.header[f"VHELIO{i}"], correction)
    left.plot(seen, level, color=colour)
    right.plot(wavelength[window], level, color=colour)
    right.text(15985.5, 1 - 0.35 * i, f"BC = {correction:+.1f} km/s", color=colour, va="center")
left.set(title="as the telescope saw it", ylabel="flux / median, shifted", yticks=[])
right.set(title="in the star's rest frame")
for panel in (left, right):
    panel.set(xlabel="vacuum wavelength [Å]", xlim=(15955, 15985), xticks=range(15960, 15990, 10))
figure.suptitle(f"the visits of {VISITED}; {SOURCE}", fontsize=9)
plots.show(
    figure,
    alt=f"The visits of star {VISITED} one below the other, between 15955 and 15985 Å. On the "
    "left, as the telescope saw them, the absorption lines of the visits lie at different "
    "wavelengths; on the right, in the star's rest frame, they line up.",
)
# lines in common: how well the visits agree pixel by pixel, at rest and as they were seen
at_rest = [visit[window] / np.median(visit[window]) for visit in star.visits]
as_seen = [
    np.interp(
        wavelength[window],
        observed_wavelength(wavelength[window], star.header[f"VHELIO{i}"], star.header[f"BC{i}"]),
        visit,
    )
    for i, visit in enumerate(at_rest, start=1)
]
agreement = [np.median(np.corrcoef(visits)) for visits in (as_seen, at_rest)]
print("correlation of two visits: {:.2f} as seen, {:.2f} at rest".format(*agreement))
# claim: agreement[1] > agreement[0] + 0.2

# %% [markdown]
# On the right the lines of all visits have the same wavelengths. A spike that has one wavelength on
# the left, and different ones on the right, does not come from the star: it is a line of the
# Earth's sky that was not completely subtracted. Section 3 is about such pixels.
# claim: 40 < max(swings) < 61
#
# **Explain** what it means that the combined spectrum has been Doppler shifted to the barycentric
# frame, and why the shift differs from visit to visit. How large can the differences be, and on
# what do they depend? (A subtlety for those who read headers: which frame is this file in,
# strictly?)

# %% [markdown] explain="doppler" points=4
# A spectrum in the barycentric frame has the wavelengths that an observer at rest with respect to
# the centre of mass of the solar system would have measured. The telescope is not at rest: the
# Earth carries it around the Sun at 30 km/s and around the Earth's axis at up to 0.46 km/s. What
# shifts the lines is the *relative* velocity of star and telescope along the line of sight. The
# star's part stays the same from night to night; the Earth's part changes as its direction of
# motion turns through the year. So each visit has its own barycentric correction, computed from
# date, time, site and position on the sky.
#
# The correction swings like a sine over the year with an amplitude of 30 km/s times the cosine of
# the star's ecliptic latitude: the full swing of 60 km/s for a star in the ecliptic, almost
# nothing at its pole. The turning of the Earth adds less than half a km/s within a night. 30 km/s
# is 1.6 Å at 16 000 Å, or seven pixels, more than twice the width of a line: adding unshifted
# visits would smear the lines. If the star has a companion, its own velocity changes too.
# claim: 7 <= 30 / velocity < 7.5
#
# Strictly, these files go a step further: with VRAD removed from each visit, the star's own
# velocity is gone as well, and the wavelengths are those in the *star's rest frame*, the same for
# all stars. That is what lets the pixels of different stars be compared in lab 3. The star's
# velocity in the barycentric frame remains in the header as VHELIO.
#
# **Rubric** (4 points)
#
# - 1: what the barycentric frame is
# - 1: the Earth's velocity along the line of sight changes with the date (orbit, and a little
#   rotation)
# - 1: the size: up to plus and minus 30 km/s, less away from the ecliptic
# - 1: why it must be undone before visits are added or stars compared; full marks also for noting
#   the rest frame, or binaries

# %% [markdown]
# ## 3. Bad pixels
#
# ### 3.1 Ask the mask
#
# The mask in HDU 3 stores fifteen yes-or-no answers in one whole number. Answer number $b$, called
# *bit* $b$, counts $2^b$ if it is yes, and the mask is the sum of these. A mask of 4097 is
# $2^{12} + 2^0$: bits 12 and 0 are set, and no others. The bits are numbered from 0.
# claim: len(apogee.PIXMASK) == 15

# %%
for bit, name in apogee.PIXMASK.items():
    print(f"bit {bit:2d}  worth {2**bit:5d}  {name:15s} {apogee.PIXMASK_MEANING[bit]}")

# %% [markdown]
# **Exercise.** Find the pixels in which *any* of some bits is set. Python's `&` compares two whole
# numbers bit by bit: `4097 & 4096` is 4096, `4097 & 2` is 0.


# %% solution="is_flagged"
def is_flagged(mask, bits):
    """Say in which pixels any of some bits is set.

    Parameters
    ----------
    mask : ndarray of int, of any shape
        Sums of powers of two, each up to 2**14.
    bits : sequence of int
        The bits' numbers, from 0 to 14.

    Returns
    -------
    ndarray of bool, of the shape of mask
    """
    ### BEGIN SOLUTION
    wanted = sum(2**bit for bit in set(bits))
    return (mask & wanted) != 0
    ### END SOLUTION


# %% test="is_flagged" points=2
import numpy as np

from helpers import checks


@checks.run
def test_is_flagged():
    flagged = checks.submitted("is_flagged")
    mask = np.array([0, 1, 2, 4, 8, 4096])  # nothing, then one of the bits 0, 1, 2, 3 and 12
    first = checks.truths(flagged(mask, [0]), (6,))
    checks.that(bool(first[1]), "bit 0 is missed: what is it worth?")
    checks.that(first.sum() == 1, "more than bit 0 is found when only bit 0 is asked for")
    third = checks.truths(flagged(mask, [3]), (6,))
    checks.that(bool(third[4]), "bit 3 is missed: a bit's number is not what it is worth")
    checks.that(third.sum() == 1, "other bits are found when only bit 3 is asked for")
    some = checks.truths(flagged(mask, [1, 12]), (6,))
    checks.that(bool(some[2] and some[5]), "one of two bits is set, but the pixel is not found")
    checks.that(some.sum() == 2, "pixels are found in which none of the bits asked for is set")


### BEGIN HIDDEN TESTS
@checks.run
def test_is_flagged_hidden():
    random = np.random.default_rng(13)
    for _ in range(10):
        number = random.integers(-1, 15, size=200)  # at most one bit in each pixel
        mask = np.where(number < 0, 0, 2 ** number.clip(0))
        bits = random.choice(15, size=random.integers(1, 15), replace=False)
        got = checks.truths(checks.submitted("is_flagged")(mask, bits.tolist()), (200,))
        checks.that(bool(np.all(got == np.isin(number, bits))), "some pixels are judged wrongly")


### END HIDDEN TESTS

# %% test="is_flagged.several" points=2
import numpy as np

from helpers import checks


@checks.run
def test_is_flagged_several():
    flagged = checks.submitted("is_flagged")
    mask = np.array([1 + 4096, 8 + 512, 2 + 4 + 16, 512 + 8192])
    got = checks.truths(flagged(mask, [0, 1, 2, 3, 4, 5, 6, 7, 12]), (4,))
    checks.that(bool(got[:3].all()), "a bit is missed where another one is set as well")
    checks.that(not got[3], "a pixel is found that has only bits you were not asked for")


### BEGIN HIDDEN TESTS
@checks.run
def test_is_flagged_several_hidden():
    random = np.random.default_rng(14)
    for shape, kind in (((500,), "i2"), ((3, 200), "i4"), ((2, 3, 40), "i8")):
        set_bits = random.random((15, *shape)) < 0.12
        worth = 2 ** np.arange(15).reshape(15, *[1] * len(shape))
        mask = np.sum(set_bits * worth, axis=0).astype(kind)
        bits = random.choice(15, size=random.integers(1, 15), replace=False)
        got = checks.truths(checks.submitted("is_flagged")(mask, tuple(bits.tolist())), shape)
        expected = set_bits[bits].any(axis=0)
        checks.that(bool(np.all(got == expected)), "some pixels are judged wrongly")


### END HIDDEN TESTS

# %% [markdown]
# The sheet advises from experience: bits **0 to 7 and 12** matter, the others can be ignored. Do
# you agree? Look at the star with the lowest S/N of your sample.

# %%
BAD_BITS = [0, 1, 2, 3, 4, 5, 6, 7, 12]
FAINT = str(best["apogee_id"][at_hand][np.argmin(best["snr"][at_hand])])
flux, error, mask = spectrum_of(where[FAINT])

FLUX_LABEL = r"flux [$10^{-17}$ erg s$^{-1}$ cm$^{-2}$ Å$^{-1}$]"

figure, axes = plt.subplots(figsize=(9, 3.8), layout="constrained")
window = np.flatnonzero((wavelength > 15995) & (wavelength < 16105))
axes.plot(wavelength[window], flux[window], color="0.5", drawstyle="steps-mid")
markers = dict(zip(BAD_BITS, "sv<>^D*hdo"[: len(BAD_BITS)], strict=True))
for (bit, marker), colour in zip(markers.items(), 2 * list(plots.COLOURS.values()), strict=False):
    pixels = window[is_flagged(mask[window], [bit])]
    if len(pixels):
        # larger, empty symbols for lower bits, so that bits of one pixel can be told apart
        size, name = 9 - bit / 2, f"bit {bit}: {apogee.PIXMASK[bit]}"
        axes.plot(
            wavelength[pixels], flux[pixels], marker, ms=size, mfc="none", color=colour, label=name
        )
# the worst pixels may lie outside: they would squeeze the spectrum flat
view = np.median(flux[window]) * np.array([0.5, 1.5])
axes.set(xlabel="vacuum wavelength [Å]", ylabel=FLUX_LABEL, ylim=view)
axes.set_title(f"{FAINT}, S/N = {best['snr'].min():.0f}; {SOURCE}", fontsize=9)
axes.legend(fontsize=8, ncols=3)
plots.show(
    figure,
    alt=f"A stretch of the spectrum of {FAINT} between 15995 and 16105 Å as a grey step line. "
    "Symbols mark flagged pixels by the kind of flag. At some of them the flux jumps by more than "
    "the depth of any absorption line; other flagged pixels look harmless.",
)
flagged = np.asarray(is_flagged(mask, BAD_BITS))[window]
departure = flux[window] / np.median(flux[window]) - 1
# claim (simulated): abs(departure[flagged]).max() > 2 * abs(departure[~flagged]).max()
# claim (simulated): np.median(abs(departure[flagged])) < abs(departure[~flagged]).max()

# %% [markdown]
# ### 3.2 Make bad pixels harmless
#
# What do you do with a bad pixel? If you cut it out, every star has its own set of wavelengths, and
# the spectra no longer fit into one array. Instead, keep the pixel and give it an enormous error.
# In a fit, each pixel has the weight $1/\sigma^2$, and with $\sigma = 10^{10}$ that is practically
# zero.
#
# Two more cases need care. A flux of NaN stays NaN however large its error, and a single NaN makes
# the whole $\chi^2$ NaN. An error of zero gives a pixel infinite weight.
#
# **Exercise.** Return flux and error made safe. `flagged` is what `is_flagged` gives for the bits
# that matter.


# %% solution="inflate_errors"
def inflate_errors(flux, error, flagged):
    """Take the weight from pixels that cannot be trusted.

    Parameters
    ----------
    flux, error : (n,) ndarray of float
        In one unit; either may hold NaN or infinity, and error may hold zero or negative numbers.
    flagged : (n,) ndarray of bool
        True where the mask says that the pixel is bad.

    Returns
    -------
    flux : (n,) ndarray of float
        As given in all pixels that can be trusted, and an ordinary number everywhere: where it
        was not finite any number below LARGE_ERROR will do, such as 0.
    error : (n,) ndarray of float
        LARGE_ERROR where the pixel is flagged, where flux or error is not finite, and where the
        error is not positive; as given everywhere else.
    """
    ### BEGIN SOLUTION
    finite = np.isfinite(flux) & np.isfinite(error)
    # a comparison with NaN is False, so that `finite` alone decides there
    bad = flagged | ~finite | (error <= 0)
    return np.where(np.isfinite(flux), flux, 0.0), np.where(bad, LARGE_ERROR, error)
    ### END SOLUTION


# %% test="inflate_errors" points=2
import numpy as np

from helpers import checks


@checks.run
def test_inflate_errors():
    random = np.random.default_rng()
    flux, error = random.uniform(90, 110, 20), random.uniform(1, 3, 20)
    flagged = np.arange(20) % 7 == 0
    result = checks.submitted("inflate_errors")(flux, error, flagged)
    checks.that(type(result) in (tuple, list) and len(result) == 2, "return the flux and the error")
    new = checks.array(result[1], (20,), "the error")
    checks.close(new[flagged] / 1e10, [1] * 3, rtol=1e-5, hint="flagged: LARGE_ERROR is asked for")
    checks.close(
        new[~flagged], error[~flagged], rtol=1e-5, hint="the error of a good pixel has changed"
    )


### BEGIN HIDDEN TESTS
@checks.run
def test_inflate_errors_hidden():
    random = np.random.default_rng(15)
    for kind in ("f4", "f8"):
        flux = random.normal(300, 20, 8575).astype(kind)
        error = random.uniform(0.5, 3, 8575).astype(kind)
        flagged = random.random(8575) < 0.2
        result = checks.submitted("inflate_errors")(flux, error, flagged)
        checks.that(type(result) in (tuple, list) and len(result) == 2, "two results expected")
        new = checks.array(result[1], (8575,), "the error")
        checks.that(bool(np.all(new[flagged] > 9.9e9)), "a flagged pixel keeps weight")
        checks.close(new[~flagged], error[~flagged], rtol=1e-5, hint="a good pixel's error changed")


### END HIDDEN TESTS

# %% test="inflate_errors.unusable" points=2
import numpy as np

from helpers import checks


@checks.run
def test_inflate_errors_unusable():
    flux = np.array([100.0, np.nan, 100.0, 100.0, 100.0, np.inf])
    error = np.array([2.0, 2.0, np.nan, 0.0, np.inf, 2.0])
    result = checks.submitted("inflate_errors")(flux, error, np.zeros(6, dtype=bool))
    checks.that(type(result) in (tuple, list) and len(result) == 2, "return the flux and the error")
    new = checks.array(result[1], (6,), "the error")
    checks.close(new[:1], [2], rtol=1e-5, hint="the error of a good pixel has changed")
    checks.that(new[1] > 9.9e9 and new[5] > 9.9e9, "a pixel without a finite flux keeps its weight")
    checks.that(
        new[2] > 9.9e9 and new[4] > 9.9e9, "a pixel without a finite error should get LARGE_ERROR"
    )
    checks.that(new[3] > 9.9e9, "a pixel with error zero would have infinite weight")


### BEGIN HIDDEN TESTS
@checks.run
def test_inflate_errors_unusable_hidden():
    random = np.random.default_rng(16)
    flux, error = random.normal(300, 20, 3000), random.uniform(0.5, 3, 3000)
    broken = random.integers(0, 20, 3000)
    for number, value in ((0, np.nan), (1, np.inf), (2, -np.inf)):
        flux[broken == number] = value
    for number, value in ((3, np.nan), (4, np.inf), (5, 0.0), (6, -1.0)):
        error[broken == number] = value
    flagged = random.random(3000) < 0.1
    result = checks.submitted("inflate_errors")(flux, error, flagged)
    checks.that(type(result) in (tuple, list) and len(result) == 2, "two results expected")
    new = checks.array(result[1], (3000,), "the error")
    bad = flagged | (broken < 7)
    hint = "a pixel that cannot be trusted should have LARGE_ERROR"
    checks.close(new[bad] / 1e10, np.ones(bad.sum()), rtol=1e-5, hint=hint)
    checks.close(new[~bad], error[~bad], rtol=1e-5, hint="a good pixel's error changed")


### END HIDDEN TESTS

# %% test="inflate_errors.flux" points=1
import numpy as np

from helpers import checks


@checks.run
def test_inflate_errors_flux():
    random = np.random.default_rng()
    flux, error = random.normal(300, 20, 400), random.uniform(0.5, 3, 400)
    lost = random.random(400) < 0.1
    flux[lost] = random.choice([np.nan, np.inf, -np.inf], lost.sum())
    flagged = random.random(400) < 0.1
    result = checks.submitted("inflate_errors")(flux, error, flagged)
    checks.that(type(result) in (tuple, list) and len(result) == 2, "return the flux and the error")
    new = checks.array(result[0], (400,), "the flux")
    hint = "a flux that was infinite is still no ordinary number: what does your replacement write?"
    checks.that(bool(np.all(abs(new) < 1.1e10)), hint)
    good = ~lost & ~flagged
    checks.close(new[good], flux[good], rtol=1e-5, hint="the flux of a good pixel has changed")
    ### BEGIN HIDDEN TESTS
    # nothing is wrong with a pixel below zero, or with errors of any size
    flux, error = random.normal(0, 20, 400), 10 ** random.uniform(-6, 5, 400)
    result = checks.submitted("inflate_errors")(flux, error, np.zeros(400, dtype=bool))
    hint = "a pixel that can be trusted has changed"
    for new, old in zip(result, (flux, error), strict=True):
        checks.close(new, old, rtol=1e-5, hint=hint)
    ### END HIDDEN TESTS


# %%
figure, panels = plt.subplots(2, 1, figsize=(9, 5), sharex=True, sharey=True, layout="constrained")
safe = inflate_errors(flux, error, np.asarray(is_flagged(mask, BAD_BITS)))
safe_flux, safe_error = map(np.asarray, safe)
for panel, values, errors, title in (
    (panels[0], flux, error, "as the file has it"),
    (panels[1], safe_flux, safe_error, "with the errors of bad pixels inflated"),
):
    panel.fill_between(
        wavelength[window],
        (values - errors)[window],
        (values + errors)[window],
        step="mid",
        color=plots.COLOURS["sky"],
        alpha=0.6,
        lw=0,
        label="flux ± error",
    )
    panel.plot(wavelength[window], values[window], color="black", lw=0.7, drawstyle="steps-mid")
    panel.set_title(title, loc="left", fontsize=9)
    panel.set_ylabel(FLUX_LABEL, fontsize=8)
panels[0].set_ylim(view)
panels[0].legend(loc="lower left", fontsize=8)
panels[1].set_xlabel("vacuum wavelength [Å]")
figure.suptitle(f"{FAINT}; {SOURCE}", fontsize=9)
plots.show(
    figure,
    alt="The same stretch of spectrum twice, with a band for the error. Above, the band is thin "
    "everywhere. Below, it fills the whole height of the panel wherever a pixel is bad, so these "
    "pixels carry no weight.",
)
thin = np.max(error[window]) / np.median(flux[window])
# claim (simulated): thin < 0.2
# claim: np.array_equal(safe_error[window] > np.ptp(view), flagged)

# %% [markdown]
# ### 3.3 The whole sample
#
# **Exercise.** Read a whole sample into two arrays, with a row for each star. You may call
# `read_coadd`, `is_flagged` and `inflate_errors`.
#
# <details><summary>Hint</summary>
#
# Make a list of fluxes and a list of errors in a loop over the paths, and turn each into an array
# with `np.array(...)` or `np.stack(...)` at the end.
#
# </details>


# %% solution="read_sample"
def read_sample(paths, bits):
    """Read the combined spectra of many stars, and take the weight from their bad pixels.

    Parameters
    ----------
    paths : list of str or Path, one or more
        apStar files as `read_coadd` takes them, all with the same number of pixels.
    bits : sequence of int
        Numbers of the mask's bits that make a pixel bad.

    Returns
    -------
    flux, error : (stars, pixels) ndarray of float
        A row for each path, in order, in 1e-17 erg/s/cm2/Å. The error is LARGE_ERROR where one of
        the bits is set, where flux or error is not finite, and where the error is not positive. The
        flux is finite everywhere. Both are as in the file elsewhere; single precision is enough.
    """
    ### BEGIN SOLUTION
    fluxes, errors = [], []
    for path in paths:
        flux, error, mask = read_coadd(path)
        flux, error = inflate_errors(flux, error, is_flagged(mask, bits))
        fluxes.append(flux)
        errors.append(error)
    return np.stack(fluxes), np.stack(errors)
    ### END SOLUTION


# %% test="read_sample" points=2
import numpy as np
from astropy.io import fits

from helpers import checks


@checks.run
def test_read_sample():
    random = np.random.default_rng()
    grid = fits.Header({"CRVAL1": 4.179, "CDELT1": 6e-6, "CRPIX1": 1, "CTYPE1": "LOG-LINEAR"})
    fluxes = random.uniform(100, 200, (3, 8575)).astype("f4")
    paths = []
    for number, rows in enumerate((3, 1, 6)):  # one star was visited once
        flux = np.concatenate([fluxes[[number]], random.uniform(9, 99, (rows - 1, 8575))])
        images = flux.astype("f4"), flux.astype("f4") / 50, np.zeros((rows, 8575), "i4")
        header = fits.Header({"OBJID": "2M00", "NVISITS": max(1, rows - 2), "SNR": 50.0})
        hdus = [fits.PrimaryHDU(header=header), *(fits.ImageHDU(image, grid) for image in images)]
        paths.append(str(checks.workspace() / f"star-{number}.fits"))
        fits.HDUList(hdus).writeto(paths[-1])
    result = checks.submitted("read_sample")(paths, [0, 1, 12])
    checks.that(type(result) in (tuple, list) and len(result) == 2, "return flux and error")
    flux = checks.array(result[0], (3, 8575), "the flux")
    error = checks.array(result[1], (3, 8575), "the error")
    checks.close(flux, fluxes, rtol=1e-5, hint="a row is not the combined flux of its file")
    checks.close(error, fluxes / 50, rtol=1e-5, hint="a row is not the error of its file")


### BEGIN HIDDEN TESTS
@checks.run
def test_read_sample_hidden():
    random = np.random.default_rng(41)
    grid = fits.Header({"CRVAL1": 4.179, "CDELT1": 6e-6, "CRPIX1": 1, "CTYPE1": "LOG-LINEAR"})
    expected, paths = [], []
    for number in range(6):
        flux = random.uniform(100, 200, (4, 8575)).astype("f4")
        images = flux, flux / 40, np.zeros((4, 8575), "i2")
        header = fits.Header({"OBJID": "2M00", "NVISITS": 2, "SNR": 40.0})
        hdus = [fits.PrimaryHDU(header=header), *(fits.ImageHDU(image, grid) for image in images)]
        # in an order that is neither that of the names nor of the time of writing
        paths.append(str(checks.workspace() / f"{number * 5 % 6}.fits"))
        fits.HDUList(hdus).writeto(paths[-1])
        expected.append(flux[0])
    for chosen in ([3, 0, 5, 1], [2]):
        result = checks.submitted("read_sample")([paths[k] for k in chosen], [3])
        checks.that(type(result) in (tuple, list) and len(result) == 2, "two arrays expected")
        flux = checks.array(result[0], (len(chosen), 8575), "the flux")
        wanted = np.array([expected[k] for k in chosen])
        checks.close(flux, wanted, rtol=1e-5, hint="the rows are not in the order of the paths")


### END HIDDEN TESTS

# %% test="read_sample.bad" points=2
import numpy as np
from astropy.io import fits

from helpers import checks


@checks.run
def test_read_sample_bad():
    random = np.random.default_rng(42)
    grid = fits.Header({"CRVAL1": 4.179, "CDELT1": 6e-6, "CRPIX1": 1, "CTYPE1": "LOG-LINEAR"})
    flux = random.uniform(100, 200, (2, 8575)).astype("f4")
    mask = np.where(random.random((2, 8575)) < 0.3, 2 ** random.integers(0, 15, (2, 8575)), 0)
    flux[:, 50:60] = np.nan
    paths = []
    for number in range(2):
        images = flux[[number]], np.full((1, 8575), 2, "f4"), mask[[number]].astype("i4")
        header = fits.Header({"OBJID": "2M00", "NVISITS": 1, "SNR": 75.0})
        hdus = [fits.PrimaryHDU(header=header), *(fits.ImageHDU(image, grid) for image in images)]
        paths.append(str(checks.workspace() / f"masked-{number}.fits"))
        fits.HDUList(hdus).writeto(paths[-1])
    for bits in ([12], [0, 4, 9]):
        result = checks.submitted("read_sample")(paths, bits)
        checks.that(type(result) in (tuple, list) and len(result) == 2, "return flux and error")
        got = checks.array(result[0], (2, 8575), "the flux")
        error = checks.array(result[1], (2, 8575), "the error")
        flagged = np.isin(mask, [2**bit for bit in bits])
        bad = flagged | ~np.isfinite(flux)
        checks.that(bool((error[flagged] > 9e9).all()), "a pixel with a bit asked for has weight")
        checks.that(bool((error[bad] > 9e9).all()), "a pixel without a finite flux has weight")
        checks.close(
            error[~bad] - 2, np.zeros((~bad).sum()), atol=1e-5, hint="a good pixel's error changed"
        )
        checks.close(got[~bad], flux[~bad], rtol=1e-5, hint="a good pixel's flux changed")


# %% [markdown]
# Read your stars, a hundred at a time. Labs 2 to 6 work with these two arrays.

# %%
fluxes = np.empty((len(paths), len(wavelength)), dtype=np.float32)
errors = np.empty_like(fluxes)
for first in tqdm(range(0, len(paths), 100), desc="reading spectra"):
    hundred = slice(first, first + 100)
    fluxes[hundred], errors[hundred] = read_sample(paths[hundred], BAD_BITS)

# %% [markdown]
# <details><summary>Stuck? All spectra from the reference</summary>
#
# ```python
# with np.load(archive.product("01_apogee")) as reference:
#     wavelength, labels = reference["wavelength"], reference["labels"]
#     fluxes, errors = reference["flux"], reference["error"]
# ```
#
# Lab 2 takes the same reference by itself if you save nothing.
#
# </details>

# %%
# how common each bit is: of every fifth star, which is quick and exact enough
lit = np.concatenate([np.arange(len(wavelength))[chip] for chip in apogee.CHIPS.values()])
masks = np.array([spectrum_of(path)[2][lit] for path in paths[::5]])
lost = np.array([np.mean(is_flagged(masks, [bit])) for bit in apogee.PIXMASK])
any_bit = np.mean(is_flagged(masks, list(apogee.PIXMASK)))
unused = ~np.asarray(is_flagged(masks, BAD_BITS))
persistent = np.mean(unused & np.asarray(is_flagged(masks, [9, 10, 11])))

# %%
figure, axes = plt.subplots(figsize=(8, 4.4), layout="constrained")
names = [f"{bit}  {name}" for bit, name in apogee.PIXMASK.items()]
colours = [plots.COLOURS["vermilion" if bit in BAD_BITS else "sky"] for bit in apogee.PIXMASK]
axes.barh(names, 100 * lost, color=colours)
axes.invert_yaxis()
for bar, percent in zip(axes.patches, 100 * lost, strict=True):
    axes.annotate(
        f"{percent:.2f}",
        (bar.get_width(), bar.get_y() + 0.4),
        (4, 0),
        va="center",
        textcoords="offset points",
        fontsize=8,
    )
axes.set(xlabel="pixels flagged, mean over every fifth star [%]", ylabel="bit of APOGEE_PIXMASK")
axes.set_title(f"dark: treated as bad, light: ignored; {SOURCE}", fontsize=9)
plots.show(
    figure,
    alt="Horizontal bars: the mean percentage of pixels flagged, for each of the fifteen mask "
    "bits. Strong persistence (bit 9) is the most common, before sky lines (bit 12) and weak "
    "persistence (bit 11); four bits hardly ever occur. The bits treated as bad have dark bars.",
)
share = 100 * lost
# claim (simulated): np.argsort(share)[::-1][:3].tolist() == [9, 12, 11]
# claim (simulated): np.sum(share < 0.05) == 4
bad = errors[:, lit] >= LARGE_ERROR
print(f"{bad.mean():.1%} of the pixels on the chips carry no weight now")
print(f"{any_bit:.1%} would, had you thrown away every pixel with any bit set")

# %% [markdown]
# For every bad pixel there are three in which only ignored bits are set. In most of these it is a
# bit of *persistence*: the detector still shows some of the light that it received earlier.
# claim (simulated): 2.5 < (any_bit - bad.mean()) / bad.mean() < 3.5
# claim (simulated): 0.5 < persistent / (any_bit - bad.mean()) < 1
#
# This is the whole sample in a narrow window: one row for each star, the coolest at the top.

# %%
figure, stack = stack_figure(wavelength, labels[:, 0], fluxes, errors)
plots.show(
    figure,
    alt="An image with one row for each of the stars of the sample, sorted by temperature, between "
    "15960 and 16060 Å. Vertical dark stripes are absorption lines; most are deeper in the cool "
    "stars at the top. Bad pixels are red: some are scattered, most lie in loose bands.",
)
cool, middle, warm = (np.nanmedian(part, axis=0) for part in np.array_split(stack, 3))
in_lines = [part[warm < 0.95].mean() for part in (cool, middle, warm)]
red = np.isnan(stack).mean(axis=0)
# claim (simulated): np.mean((cool < warm)[warm < 0.95]) > 0.7
# claim (simulated): np.sort(red)[-len(red) // 4 :].sum() > 0.5 * red.sum() and red.min() > 0

# %% [markdown]
# The lines are vertical because every spectrum is in the rest frame of its star. Most of them are
# deeper in cooler stars, and the change is smooth. Lab 3 trains a model that describes this change.
# The red pixels have no weight, so they cannot disturb it.
# claim (simulated): in_lines[0] < in_lines[1] < in_lines[2]
#
# Save the product for the labs that follow.

# %%
saved = products.save(
    "01_apogee",
    apogee_id=np.asarray(best["apogee_id"], dtype=str),
    labels=labels,
    label_names=np.array(apogee.LABELS),
    wavelength=wavelength,
    flux=fluxes,
    error=errors,
    corner_picture=corner_picture,
)
print(f"{len(best)} stars, {len(wavelength)} pixels:", "saved" if saved else "checked, not kept")

# %% [markdown]
# ## What to take away
#
# - A row of the catalogue is a measurement, not a star. Find out what a row stands for before you
#   join tables or count stars.
# - A catalogue may write missing values as numbers such as -9999. Cuts do not remove them for you.
# - Gravity tells giants from dwarfs because the radius grows up to a hundredfold and enters
#   squared.
# - A spectrum is a density: power per area *per ångström*. Its wavelengths follow from four cards
#   of the header, with a logarithm of base 10 and pixels counted from one.
# - The motion of the Earth shifts the lines of each visit differently. Compare stars in one frame.
# - Bit $b$ of a mask counts $2^b$. Keep bad pixels, but without weight.
#
# ## Go further
#
# Somebody else chose the four cuts. Take one of them and find out whether it is right. Loosen it,
# look at the spectra that come in, and say what a model would learn wrongly from them, or what the
# cut costs. For instance: does a model learn less from spectra of S/N 40 than from having fewer
# spectra? Are there rows with all five labels whose `starflag` or `aspcapflag` (ask the catalogue
# for them) says that you should not trust them?
