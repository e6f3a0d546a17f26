"""Rivals of `training_sample`."""

# %% right: sets of names
def training_sample(flux, quiet, star, seed=0):
    names = sorted(set(star[quiet].tolist()))
    order = np.random.default_rng(seed).permutation(len(names))
    held = {names[k] for k in order[: len(names) // 5]}
    rows = [i for i in range(len(flux)) if quiet[i]]
    valid = np.array([i for i in rows if star[i] in held])
    train = np.array([i for i in rows if star[i] not in held])
    return train, valid, np.mean(flux[train], axis=0), np.std(flux[train], axis=0)

# %% right: scikit-learn
def training_sample(flux, quiet, star, seed=0):
    from sklearn.model_selection import GroupShuffleSplit
    from sklearn.preprocessing import StandardScaler

    rows = np.flatnonzero(quiet)
    a, b = next(GroupShuffleSplit(1, test_size=0.2, random_state=seed).split(rows, groups=star[rows]))
    s = StandardScaler().fit(flux[rows[a]])
    return [rows[a], rows[b], s.mean_, s.scale_]

# %% wrong: spectra split, not stars (a leak) | loses: test_training_sample
def training_sample(flux, quiet, star, seed=0):
    rows = np.random.default_rng(seed).permutation(np.flatnonzero(quiet))
    n = len(rows) // 5
    t = rows[n:]
    return t, rows[:n], flux[t].mean(axis=0), flux[t].std(axis=0)

# %% wrong: scaler fitted on active stars too | loses: test_training_sample_scaler
def training_sample(flux, quiet, star, seed=0):
    rows = np.flatnonzero(quiet)
    names = np.random.default_rng(seed).permutation(np.unique(star[rows]))
    v = np.isin(star[rows], names[: len(names) // 5])
    return rows[~v], rows[v], flux.mean(axis=0), flux.std(axis=0)

# %% wrong: scaler fitted on the validation spectra too | loses: test_training_sample_scaler
def training_sample(flux, quiet, star, seed=0):
    rows = np.flatnonzero(quiet)
    names = np.random.default_rng(seed).permutation(np.unique(star[rows]))
    v = np.isin(star[rows], names[: len(names) // 5])
    return rows[~v], rows[v], flux[rows].mean(axis=0), flux[rows].std(axis=0)

# %% wrong: variance for deviation | loses: test_training_sample_scaler
def training_sample(flux, quiet, star, seed=0):
    rows = np.flatnonzero(quiet)
    names = np.random.default_rng(seed).permutation(np.unique(star[rows]))
    v = np.isin(star[rows], names[: len(names) // 5])
    return rows[~v], rows[v], flux[rows[~v]].mean(axis=0), flux[rows[~v]].var(axis=0)

# %% wrong: one mean for all wavelengths | loses: test_training_sample_scaler
def training_sample(flux, quiet, star, seed=0):
    rows = np.flatnonzero(quiet)
    names = np.random.default_rng(seed).permutation(np.unique(star[rows]))
    v = np.isin(star[rows], names[: len(names) // 5])
    used = flux[rows[~v]]
    return rows[~v], rows[v], np.full(flux.shape[1], used.mean()), np.full(flux.shape[1], used.std())

# %% wrong: all stars train | loses: test_training_sample
def training_sample(flux, quiet, star, seed=0):
    names = np.random.default_rng(seed).permutation(np.unique(star))
    v = np.isin(star, names[: len(names) // 5])
    t = np.flatnonzero(~v)
    return t, np.flatnonzero(v), flux[t].mean(axis=0), flux[t].std(axis=0)

# %% wrong: the last fifth validates | loses: test_training_sample
def training_sample(flux, quiet, star, seed=0):
    rows = np.flatnonzero(quiet)
    names = np.unique(star[rows])
    v = np.isin(star[rows], names[-(len(names) // 5) :])
    t = rows[~v]
    return t, rows[v], flux[t].mean(axis=0), flux[t].std(axis=0)

# %% wrong: half and half | loses: test_training_sample
def training_sample(flux, quiet, star, seed=0):
    rows = np.flatnonzero(quiet)
    names = np.random.default_rng(seed).permutation(np.unique(star[rows]))
    v = np.isin(star[rows], names[: len(names) // 2])
    t = rows[~v]
    return t, rows[v], flux[t].mean(axis=0), flux[t].std(axis=0)
