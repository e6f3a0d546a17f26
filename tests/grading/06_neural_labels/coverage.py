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
def coverage(predicted, sigma, truth, shares):
    from scipy.stats import norm

    z = (truth - predicted) / sigma
    return np.array([(z <= norm.ppf(q)).mean(axis=0) for q in shares])

# %% wrong: upper quantile q on both sides | loses: test_coverage_gaussian
# - limits = norm.ppf(0.5 + 0.5 * np.asarray(shares))
# - return np.array([(z <= limit).mean(axis=0) for limit in limits])
# + return np.array([(z <= norm.ppf(q)).mean(axis=0) for q in shares])

# %% wrong: always one sigma | loses: test_coverage_gaussian
def coverage(predicted, sigma, truth, shares):
    z = np.abs(truth - predicted) / sigma
    return np.array([(z <= 1).mean(axis=0) for q in shares])

# %% wrong: sigma as variance | loses: test_coverage_gaussian
def coverage(predicted, sigma, truth, shares):
    from scipy.stats import norm

    z = np.abs(truth - predicted) / np.sqrt(sigma)
    return np.array([(z <= norm.ppf(0.5 + 0.5 * q)).mean(axis=0) for q in shares])

# %% wrong: sides not both | loses: test_coverage test_coverage_gaussian
def coverage(predicted, sigma, truth, shares):
    from scipy.stats import norm

    z = (truth - predicted) / sigma
    return np.array([(z <= norm.ppf(0.5 + 0.5 * q)).mean(axis=0) for q in shares])

# %% wrong: share outside | loses: test_coverage test_coverage_gaussian
# - limits = norm.ppf(0.5 + 0.5 * np.asarray(shares))
# - return np.array([(z <= limit).mean(axis=0) for limit in limits])
# + return np.array([(z > norm.ppf(0.5 + 0.5 * q)).mean(axis=0) for q in shares])

# %% wrong: share times sigma | loses: test_coverage_gaussian
def coverage(predicted, sigma, truth, shares):
    z = np.abs(truth - predicted) / sigma
    return np.array([(z <= q).mean(axis=0) for q in shares])

# %% wrong: one mean sigma | loses: test_coverage_gaussian
def coverage(predicted, sigma, truth, shares):
    from scipy.stats import norm

    z = np.abs(truth - predicted) / sigma.mean()
    return np.array([(z <= norm.ppf(0.5 + 0.5 * q)).mean(axis=0) for q in shares])
