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

# %% right: in float32, by the statistics module
def coverage(predicted, sigma, truth, shares):
    from statistics import NormalDist

    z = np.abs(np.float32(truth) - np.float32(predicted)) / np.float32(sigma)
    half = [NormalDist().inv_cdf((1 + float(q)) / 2) for q in shares]
    return [[float(np.mean(column < h)) for column in z.T] for h in half]

# %% right: scipy's intervals
def coverage(predicted, sigma, truth, shares):
    from scipy.stats import norm

    found = []
    for q in shares:
        low, high = norm.interval(q, loc=predicted, scale=sigma)
        found.append(np.mean((truth > low) & (truth < high), axis=0))
    return np.vstack(found)

# %% wrong: what was promised | loses: test_coverage test_coverage_gaussian
def coverage(predicted, sigma, truth, shares):
    return np.repeat(np.asarray(shares)[:, None], truth.shape[1], axis=1)

# %% wrong: everything is inside | loses: test_coverage test_coverage_gaussian
def coverage(predicted, sigma, truth, shares):
    return np.ones((len(shares), truth.shape[1]))

# %% wrong: shares sorted first | loses: test_coverage_gaussian
def coverage(predicted, sigma, truth, shares):
    from scipy.stats import norm
    z = np.abs(truth - predicted) / sigma
    return np.array([(z <= norm.ppf(0.5 + q / 2)).mean(axis=0) for q in np.sort(shares)])

# %% wrong: bias taken off | loses: test_coverage_gaussian
def coverage(predicted, sigma, truth, shares):
    from scipy.stats import norm
    d = truth - predicted
    z = np.abs(d - np.median(d, axis=0)) / sigma
    return np.array([(z <= norm.ppf(0.5 + q / 2)).mean(axis=0) for q in shares])
