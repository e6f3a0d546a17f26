# %% right: a loop over rows
def is_good_giant(table):
    good = []
    for row in table:
        labels = [float(row[name]) for name in ("teff", "logg", "fe_h", "mg_fe", "si_fe")]
        complete = all(label == label and label != -9999 for label in labels)
        good.append(
            complete
            and row["snr"] >= 50
            and labels[1] <= 4
            and labels[0] <= 5700
            and labels[2] >= -1
        )
    return np.array(good, dtype=bool)

# %% right: astropy columns all the way
def is_good_giant(table):
    mask = (table["snr"] > 50) & (table["logg"] < 4) & (table["teff"] < 5700) & (table["fe_h"] > -1)
    for name in ("teff", "logg", "fe_h", "mg_fe", "si_fe"):
        mask &= table[name] > -100
    return mask

# %% right: by throwing away, a list of truths
def is_good_giant(table):
    frame = table.to_pandas()
    names = ["teff", "logg", "fe_h", "mg_fe", "si_fe"]
    bad = frame[names].isna().any(axis=1) | (frame[names] <= -9998).any(axis=1)
    bad |= (frame.snr < 50) | (frame.logg > 4) | (frame.teff > 5700) | (frame.fe_h < -1)
    return [bool(b) for b in ~bad]

# %% right: pandas, a Series of truths, in single precision
def is_good_giant(table):
    frame = table[["snr", "teff", "logg", "fe_h", "mg_fe", "si_fe"]].to_pandas().astype("float32")
    complete = frame.where(frame > -9000).notna().all(axis=1)
    return complete & frame.eval("snr >= 50 and logg <= 4 and teff <= 5700 and fe_h >= -1")

# %% wrong: a dwarf only if both cuts say so | loses: test_is_good_giant_dwarfs
# (logg > 4) | (teff > 5700) => (logg > 4) & (teff > 5700)

# %% wrong: -9999 kept | loses: test_is_good_giant_labels
# & (labels > -999) =>

# %% wrong: NaN kept | loses: test_is_good_giant_labels
# np.isfinite(labels) & (labels > -999) => labels != -9999
# (fe_h >= -1) => ~(fe_h < -1)

# %% wrong: the abundances of Mg and Si forgotten | loses: test_is_good_giant_labels
# ("teff", "logg", "fe_h", "mg_fe", "si_fe") => ("teff", "logg", "fe_h")

# %% wrong: no cut on metallicity | loses: test_is_good_giant
# & (fe_h >= -1) =>

# %% wrong: S/N above 100 | loses: test_is_good_giant test_is_good_giant_dwarfs test_is_good_giant_labels
# >= 50 => >= 100

# %% wrong: the rows instead of a mask | loses: test_is_good_giant test_is_good_giant_dwarfs test_is_good_giant_labels
# - return has_labels & ~is_dwarf & (np.asarray(table["snr"]) >= 50) & (fe_h >= -1)
# + return table[has_labels & ~is_dwarf & (np.asarray(table["snr"]) >= 50) & (fe_h >= -1)]

# %% wrong: the dwarfs instead of the giants | loses: test_is_good_giant test_is_good_giant_dwarfs test_is_good_giant_labels
# ~is_dwarf => is_dwarf

# %% wrong: a missing label taken for any that is negative | loses: test_is_good_giant test_is_good_giant_dwarfs test_is_good_giant_labels
# (labels > -999) => (labels >= 0)

# %% wrong: everything is kept | loses: test_is_good_giant test_is_good_giant_dwarfs test_is_good_giant_labels
def is_good_giant(table):
    return np.ones(len(table), dtype=bool)

# %% wrong: nothing is kept | loses: test_is_good_giant test_is_good_giant_dwarfs test_is_good_giant_labels
def is_good_giant(table):
    return np.zeros(len(table), dtype=bool)

# %% wrong: alpha-poor stars are taken for missing | loses: test_is_good_giant_labels
def is_good_giant(table):
    keep = np.asarray(table["snr"] >= 50)
    for name in ["teff", "logg", "fe_h"]:
        keep &= np.asarray(table[name] > -9000)
    keep &= np.asarray((table["mg_fe"] > -0.5) & (table["si_fe"] > -0.5))
    return keep & np.asarray((table["logg"] <= 4) & (table["teff"] <= 5700) & (table["fe_h"] >= -1))

# %% wrong: metal-rich stars are cut as well | loses: test_is_good_giant_labels
def is_good_giant(table):
    keep = np.asarray(table["snr"] >= 50)
    for name in ["teff", "logg", "fe_h", "mg_fe", "si_fe"]:
        keep &= np.asarray(table[name] > -9000)
    return keep & np.asarray((table["logg"] <= 4) & (table["teff"] <= 5700) & (abs(table["fe_h"]) <= 1) & (table["fe_h"] < 0.5))

# %% wrong: also a floor in temperature | loses: test_is_good_giant_labels
def is_good_giant(table):
    keep = np.asarray(table["snr"] >= 50)
    for name in ["teff", "logg", "fe_h", "mg_fe", "si_fe"]:
        keep &= np.asarray(table[name] > -9000)
    return keep & np.asarray((table["logg"] <= 4) & (table["teff"] <= 5700) & (table["teff"] > 3500) & (table["fe_h"] >= -1))
