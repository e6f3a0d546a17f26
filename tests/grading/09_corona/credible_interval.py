"""Rivals of `credible_interval`."""

# %% right: trapezium and the inverse of the cumulative distribution
def credible_interval(grid, log_density, level):
    p = np.exp(log_density - np.max(log_density))
    c = np.concatenate([[0], np.cumsum(0.5 * (p[1:] + p[:-1]) * np.diff(grid))])
    mean = np.trapezoid(p * grid, grid) / c[-1]
    ends = np.interp([0.5 - level / 2, 0.5 + level / 2], c / c[-1], grid)
    return [mean, ends[0], ends[1]]

# %% right: logsumexp and many draws
def credible_interval(grid, log_density, level):
    from scipy.special import logsumexp

    p = np.exp(log_density - logsumexp(log_density))
    draws = np.random.default_rng(0).choice(grid, 400_000, p=p / p.sum())
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return draws.mean(), low, high

# %% wrong: no shift, all zero | loses: test_credible_interval
# log_density - log_density.max() => log_density

# %% wrong: ten for e | loses: test_credible_interval test_credible_interval_skewed
# np.exp(log_density - log_density.max()) => 10 ** (log_density - log_density.max())

# %% wrong: symmetric about the mean | loses: test_credible_interval_skewed
def credible_interval(grid, log_density, level):
    from scipy.stats import norm

    p = np.exp(log_density - log_density.max())
    p = p / p.sum()
    mean = p @ grid
    half = norm.ppf(0.5 + level / 2) * np.sqrt(p @ (grid - mean) ** 2)
    return mean, mean - half, mean + half

# %% wrong: the mode for the mean | loses: test_credible_interval_skewed
# float(weight @ grid) => float(grid[weight.argmax()])

# %% wrong: level left out on either side | loses: test_credible_interval test_credible_interval_skewed
# 0.5 * (1 - level) => 1 - level

# %% wrong: the network's softmax taken for a posterior | loses: test_credible_interval test_credible_interval_skewed
# log_density - log_density.max() => (log_density - log_density.mean()) / log_density.std()
