"""Rivals of `coverage`."""

# %% right: cumulative probabilities
def coverage(predicted, sigma, truth, shares):
    from scipy.stats import norm

    inside = np.abs(2 * norm.cdf((truth - predicted) / sigma) - 1)
    return np.stack([(inside <= q).mean(axis=0) for q in shares])

# %% right: the error function
def coverage(predicted, sigma, truth, shares):
    from scipy.special import erfinv

    out = []
    for q in shares:
        half = np.sqrt(2) * erfinv(q) * sigma
        out.append(((truth >= predicted - half) & (truth <= predicted + half)).mean(axis=0))
    return np.array(out)

# %% wrong: one-sided interval | loses: test_coverage test_coverage_gaussian
# np.abs(truth - predicted) => (truth - predicted)
# 0.5 + 0.5 * np.asarray(shares) => np.asarray(shares)

# %% wrong: upper quantile q on both sides | loses: test_coverage_gaussian
# 0.5 + 0.5 * np.asarray(shares) => np.asarray(shares)

# %% wrong: always one sigma | loses: test_coverage_gaussian
# z <= limit => z <= 1

# %% wrong: sigma as variance | loses: test_coverage_gaussian
# / sigma => / np.sqrt(sigma)

# %% wrong: sides not both | loses: test_coverage test_coverage_gaussian
# np.abs(truth - predicted) => (truth - predicted)

# %% wrong: share outside | loses: test_coverage test_coverage_gaussian
# z <= limit => z > limit

# %% wrong: share times sigma | loses: test_coverage_gaussian
# norm.ppf(0.5 + 0.5 * np.asarray(shares)) => np.asarray(shares)

# %% wrong: one mean sigma | loses: test_coverage_gaussian
# / sigma => / sigma.mean()
