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
# <= errors => <= 2 * errors

# %% wrong: unknown labels count as missed | loses: test_coverage
# / np.sum(counts, axis=0) => / len(known)

# %% wrong: one side only | loses: test_coverage
# np.abs(values - known) => values - known

# %% wrong: one number for all labels | loses: test_coverage
# np.sum(inside & counts, axis=0) / np.sum(counts, axis=0) => np.sum(inside & counts) / np.sum(counts)

# %% wrong: in per cent | loses: test_coverage
# return np.sum => return 100 * np.sum

# %% wrong: with the median error | loses: test_coverage
# <= errors => <= np.median(errors, axis=0)
