"""Rivals of `training_sample`."""

# %% right: sets of names
def training_sample(flux, good, quiet, star, seed=0):
    names = sorted(set(star[quiet].tolist()))
    order = np.random.default_rng(seed).permutation(len(names))
    held = {names[k] for k in order[: len(names) // 5]}
    rows = [i for i in range(len(flux)) if quiet[i]]
    valid = np.array([i for i in rows if star[i] in held])
    train = np.array([i for i in rows if star[i] not in held])
    used = [[flux[i, k] for i in train if good[i, k]] for k in range(flux.shape[1])]
    return train, valid, [np.mean(u) for u in used], [np.std(u) for u in used]

# %% right: scikit-learn
def training_sample(flux, good, quiet, star, seed=0):
    from sklearn.model_selection import GroupShuffleSplit
    from sklearn.preprocessing import StandardScaler

    rows = np.flatnonzero(quiet)
    a, b = next(GroupShuffleSplit(1, test_size=0.2, random_state=seed).split(rows, groups=star[rows]))
    s = StandardScaler().fit(np.where(good[rows[a]], flux[rows[a]], np.nan))
    return [rows[a], rows[b], s.mean_, s.scale_]

# %% wrong: spectra split, not stars (a leak) | loses: test_training_sample
# np.unique(star[rows]) => rows
# np.isin(star[rows], => np.isin(rows,

# %% wrong: scaler fitted on active stars too | loses: test_training_sample_gaps test_training_sample_scaler
# good[train], flux[train] => good, flux

# %% wrong: scaler fitted on the validation spectra too | loses: test_training_sample_gaps test_training_sample_scaler
# good[train], flux[train] => good[rows], flux[rows]

# %% wrong: variance for deviation | loses: test_training_sample_scaler test_training_sample_gaps
# np.nanstd => np.nanvar

# %% wrong: one mean for all wavelengths | loses: test_training_sample_gaps test_training_sample_scaler
# np.nanmean(light, axis=0) => np.full(flux.shape[1], np.nanmean(light))
# np.nanstd(light, axis=0) => np.full(flux.shape[1], np.nanstd(light))

# %% wrong: all stars train | loses: test_training_sample
# np.flatnonzero(quiet) => np.arange(len(star))

# %% wrong: the last fifth validates | loses: test_training_sample
# rng.choice(names, len(names) // 5, replace=False) => names[-(len(names) // 5) :]

# %% wrong: half and half | loses: test_training_sample test_training_sample_gaps
# // 5 => // 2

# %% right: a coin for every star
def training_sample(flux, good, quiet, star, seed=0):
    rng = np.random.default_rng(seed)
    coin = {}
    train, valid = [], []
    for row in np.nonzero(quiet)[0]:
        checks_it = coin.setdefault(star[row], rng.random() < 0.2)
        (valid if checks_it else train).append(int(row))
    used = np.ma.array(flux[train].astype(np.float32), mask=~good[train])
    return train, valid, used.mean(axis=0).tolist(), used.std(axis=0, ddof=1).tolist()

# %% right: one of five folds of stars
def training_sample(flux, good, quiet, star, seed=0):
    from sklearn.model_selection import GroupKFold

    rows = np.flatnonzero(quiet)
    folds = GroupKFold(5, shuffle=True, random_state=seed)
    a, b = next(folds.split(rows, groups=np.asarray(star)[rows]))
    n, x = good[rows[a]].sum(axis=0), np.where(good[rows[a]], flux[rows[a]], 0.0)
    mean = x.sum(axis=0) / n
    return rows[a], rows[b], mean, np.sqrt((x**2).sum(axis=0) / n - mean**2)

# %% wrong: the seed ignored | loses: test_training_sample
# default_rng(seed) => default_rng(0)

# %% wrong: another split at every call | loses: test_training_sample
# default_rng(seed) => default_rng()

# %% wrong: row numbers that are no integers | loses: test_training_sample
# train, valid = rows[~valid], rows[valid] => train, valid = rows[~valid] * 1.0, rows[valid] * 1.0
# good[train], flux[train] => good[train.astype(int)], flux[train.astype(int)]

# %% wrong: all train and all validate | loses: test_training_sample
# train, valid = rows[~valid], rows[valid] => train, valid = rows, rows

# %% right: each star draws a number
def training_sample(flux, good, quiet, star, seed=0):
    names, which = np.unique(star, return_inverse=True)
    draws = np.random.default_rng(seed).random(len(names))[which]
    train, valid = np.flatnonzero(quiet & (draws >= 0.2)), np.flatnonzero(quiet & (draws < 0.2))
    light = np.where(good[train], flux[train], np.nan)
    return train, valid, np.nanmean(light, axis=0), np.nanstd(light, axis=0)

# %% wrong: a star's spectra taken to follow one another | edits: each star draws a number | loses: test_training_sample
# - names, which = np.unique(star, return_inverse=True)
# + star = np.asarray(star)
# + which = np.concatenate([[0], np.cumsum(star[1:] != star[:-1])])
# + names = np.arange(which[-1] + 1)

# %% wrong: every fifth star | edits: each star draws a number | loses: test_training_sample
# np.random.default_rng(seed).random(len(names))[which] => 1.0 - ((which + seed) % 5 == 0)

# %% wrong: bridges counted | loses: test_training_sample_gaps
# np.where(good[train], flux[train], np.nan) => flux[train]

# %% wrong: bridges counted as nothing | loses: test_training_sample_gaps
# flux[train], np.nan => flux[train], 0.0

# %% wrong: good and bad exchanged | loses: test_training_sample_scaler test_training_sample_gaps
# np.where(good[train] => np.where(~good[train]
