"""Rivals of `split_rhat`."""

# %% right: arviz
def split_rhat(chains):
    import arviz

    return float(arviz.rhat(chains, method="split"))

# %% right: lists
def split_rhat(chains):
    half = chains.shape[1] // 2
    parts = [row[:half] for row in chains] + [row[half:] for row in chains]
    W = np.mean([np.var(p, ddof=1) for p in parts])
    B_over_n = np.var([np.mean(p) for p in parts], ddof=1)
    return np.sqrt((half - 1) / half + B_over_n / W)

# %% wrong: whole chains | loses: test_split_rhat_drift
# chains.reshape(2 * len(chains), -1) => chains

# %% wrong: always converged | loses: test_split_rhat test_split_rhat_drift
def split_rhat(chains):
    return 1.0

# %% wrong: the square | loses: test_split_rhat
# np.sqrt =>

# %% wrong: standard deviation for variance | loses: test_split_rhat test_split_rhat_drift
def split_rhat(chains):
    halves = chains.reshape(2 * len(chains), -1)
    n = halves.shape[1]
    W = halves.std(axis=1, ddof=1).mean()
    B = halves.mean(axis=1).std(ddof=1) / n
    return float(np.sqrt((n - 1) / n + B / W))

# %% wrong: the first chain alone | loses: test_split_rhat
# chains.reshape(2 * len(chains), -1) => chains[0].reshape(2, -1)
