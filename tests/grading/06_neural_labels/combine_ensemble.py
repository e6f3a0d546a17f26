"""Rivals of `combine_ensemble`."""

# %% right: second moment
def combine_ensemble(means, sigmas):
    m = np.mean(means, axis=0)
    return m, np.sqrt(np.mean(sigmas**2 + means**2, axis=0) - m**2)

# %% right: loops
def combine_ensemble(means, sigmas):
    n = len(means)
    m = sum(means) / n
    v = sum(s**2 + (x - m) ** 2 for x, s in zip(means, sigmas)) / n
    return [m, v**0.5]

# %% wrong: error of the mean | loses: test_combine_ensemble test_combine_ensemble_sigma
# np.mean(sigmas**2, axis=0) => np.mean(sigmas**2, axis=0) / len(means)

# %% wrong: weighted like independent measurements | loses: test_combine_ensemble test_combine_ensemble_sigma
def combine_ensemble(means, sigmas):
    w = 1 / sigmas**2
    return (w * means).sum(axis=0) / w.sum(axis=0), 1 / np.sqrt(w.sum(axis=0))

# %% wrong: disagreement left out | loses: test_combine_ensemble_sigma
# + np.var(means, axis=0) =>

# %% wrong: only the disagreement | loses: test_combine_ensemble test_combine_ensemble_sigma
# np.mean(sigmas**2, axis=0) + =>

# %% wrong: sigmas added, not variances | loses: test_combine_ensemble_sigma
def combine_ensemble(means, sigmas):
    return means.mean(axis=0), sigmas.mean(axis=0) + means.std(axis=0)

# %% wrong: the variance returned | loses: test_combine_ensemble test_combine_ensemble_sigma
# np.sqrt =>

# %% wrong: average over the stars | loses: test_combine_ensemble test_combine_ensemble_sigma
def combine_ensemble(means, sigmas):
    return means.mean(axis=1), np.sqrt((sigmas**2).mean(axis=1) + means.var(axis=1))

# %% wrong: first member only | loses: test_combine_ensemble test_combine_ensemble_sigma
def combine_ensemble(means, sigmas):
    return means[0], sigmas[0]

# %% right: torch, in float32
def combine_ensemble(means, sigmas):
    m, s = (torch.as_tensor(np.asarray(a), dtype=torch.float32) for a in (means, sigmas))
    variance = (s**2).mean(dim=0) + m.var(dim=0, correction=0)
    return m.mean(dim=0).numpy(), variance.sqrt().numpy()

# %% wrong: divided by one member fewer | loses: test_combine_ensemble_sigma
# np.var(means, axis=0) => np.var(means, axis=0, ddof=1)

# %% wrong: ones | loses: test_combine_ensemble test_combine_ensemble_sigma
def combine_ensemble(means, sigmas):
    return np.ones(means.shape[1:]), np.full(means.shape[1:], 0.5)

# %% wrong: the median for the mean | loses: test_combine_ensemble
# np.mean(means, axis=0), => np.median(means, axis=0),
