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

# %% right: scipy's integrals, single precision
def credible_interval(grid, log_density, level):
    from scipy.integrate import cumulative_simpson, simpson

    p = np.exp(log_density - np.max(log_density))
    p = p / simpson(p, x=grid)
    share = np.maximum.accumulate(cumulative_simpson(p, x=grid, initial=0))
    tail = (1 - level) / 2
    ends = [np.float32(np.interp(t, share, grid)) for t in (tail, 1 - tail)]
    return np.float32(simpson(p * grid, x=grid)), *ends

# %% wrong: always the same | loses: test_credible_interval test_credible_interval_skewed
def credible_interval(grid, log_density, level):
    return 1.0, 0.0, 2.0

# %% wrong: the level ignored | loses: test_credible_interval test_credible_interval_skewed
# 0.5 * (1 - level) => 0.16

# %% wrong: the narrowest interval | loses: test_credible_interval_skewed
def credible_interval(grid, log_density, level):
    p = np.exp(log_density - log_density.max())
    p = p / p.sum()
    order = np.argsort(-p)
    inside = order[: np.searchsorted(np.cumsum(p[order]), level) + 1]
    return p @ grid, grid[inside.min()], grid[inside.max()]
