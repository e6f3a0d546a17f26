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

# %% right: pandas
def coverage(values, errors, known):
    import pandas as pd

    inside = pd.DataFrame(np.abs(values - known) <= errors, dtype=float)
    return inside.where(np.isfinite(known)).mean()

# %% right: in float32, as a list
#   def coverage(values, errors, known):
# +     values, errors, known = np.float32(values), np.float32(errors), np.float32(known)

# return np.sum(inside & counts, axis=0) / np.sum(counts, axis=0) => return (np.sum(inside & counts, axis=0) / np.sum(counts, axis=0)).tolist()

# %% wrong: what was promised | loses: test_coverage
def coverage(values, errors, known):
    return np.full(values.shape[1], 0.6827)

# %% wrong: the share outside | loses: test_coverage
# np.abs(values - known) <= errors => np.abs(values - known) > errors
