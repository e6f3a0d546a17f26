"""Rivals of `coverage`."""

# %% right: label by label
def coverage(values, errors, known):
    out = []
    for v, e, k in zip(values.T, errors.T, known.T):
        ok = ~np.isnan(k)
        out.append(np.mean((v[ok] - e[ok] <= k[ok]) & (k[ok] <= v[ok] + e[ok])))
    return np.array(out)

# %% right: with nanmean
def coverage(values, errors, known):
    z = (values - known) / errors
    return np.nanmean(np.where(np.isnan(z), np.nan, np.abs(z) < 1), axis=0)

# %% wrong: two sigma | loses: test_coverage
def coverage(values, errors, known):
    z = (values - known) / errors
    return np.nanmean(np.where(np.isnan(z), np.nan, np.abs(z) < 2), axis=0)

# %% wrong: unknown labels count as missed | loses: test_coverage
def coverage(values, errors, known):
    return np.mean(np.abs(values - known) < errors, axis=0)

# %% wrong: one side only | loses: test_coverage
def coverage(values, errors, known):
    z = (values - known) / errors
    return np.nanmean(np.where(np.isnan(z), np.nan, z < 1), axis=0)

# %% wrong: one number for all labels | loses: test_coverage
def coverage(values, errors, known):
    z = (values - known) / errors
    return np.nanmean(np.where(np.isnan(z), np.nan, np.abs(z) < 1))

# %% wrong: in per cent | loses: test_coverage
def coverage(values, errors, known):
    z = (values - known) / errors
    return 100 * np.nanmean(np.where(np.isnan(z), np.nan, np.abs(z) < 1), axis=0)

# %% wrong: with the median error | loses: test_coverage
def coverage(values, errors, known):
    z = np.abs(values - known) / np.median(errors, axis=0)
    return np.nanmean(np.where(np.isnan(z), np.nan, z < 1), axis=0)
