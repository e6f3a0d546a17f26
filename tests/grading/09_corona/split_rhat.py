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

# %% wrong: whole chains | loses: test_split_rhat test_split_rhat_drift
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

# %% right: pandas, single precision
def split_rhat(chains):
    import pandas as pd

    half = chains.shape[1] // 2
    table = pd.DataFrame(np.asarray(chains).T)
    halves = pd.concat([table[:half].reset_index(drop=True), table[half:].reset_index(drop=True)], axis=1)
    within, between = halves.var().mean(), half * halves.mean().var()
    return np.float32((((half - 1) / half * within + between / half) / within) ** 0.5)

# %% wrong: variances over n | loses: test_split_rhat
# halves.var(axis=1, ddof=1) => halves.var(axis=1)

# %% wrong: variance of the means over m | loses: test_split_rhat
# halves.mean(axis=1).var(ddof=1) => halves.mean(axis=1).var()

# %% wrong: without the n - 1 | loses: test_split_rhat
# (n - 1) / n * within => within

# %% wrong: never converged | loses: test_split_rhat test_split_rhat_drift
def split_rhat(chains):
    return 2.0
