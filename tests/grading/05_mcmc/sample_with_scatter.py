"""Rivals of `sample_with_scatter`."""

# %% right: offsets drawn afterwards
def sample_with_scatter(
    matrix, vector, scalar, mean, scale, prior, extra, draws, tune, chains, seed
):
    run = sample_posterior(matrix, vector, scalar, mean, scale, prior, draws, tune, chains, seed)
    shown = run["labels"]
    return {**run, "labels": shown + extra * np.random.default_rng(seed).normal(size=shown.shape)}

# %% right: gradient by hand, offsets sampled
def sample_with_scatter(
    matrix, vector, scalar, mean, scale, prior, extra, draws, tune, chains, seed
):
    node = LogLikelihood(lambda t: fast_log_likelihood(t, matrix, vector, scalar, mean, scale))
    with pm.Model():
        x = pm.Normal("x", 0, 30, shape=5, initval=np.zeros(5))
        offset = pm.Normal("offset", shape=5)
        labels = pm.Deterministic("labels", mean + scale * x + extra * offset)
        pm.Potential("p", -0.5 * (((labels - prior[:, 0]) / prior[:, 1]) ** 2).sum())
        pm.Potential("ll", node(mean + scale * x))
        trace = pm.sample(
            draws, tune=tune, chains=chains, cores=1, random_seed=seed, progressbar=False
        )
    noted = {name: trace.sample_stats[name].values for name in ("energy", "diverging")}
    return {"labels": trace.posterior["labels"].values, **noted}

# %% wrong: the extra scatter is forgotten | loses: test_sample_with_scatter
def sample_with_scatter(
    matrix, vector, scalar, mean, scale, prior, extra, draws, tune, chains, seed
):
    return sample_posterior(matrix, vector, scalar, mean, scale, prior, draws, tune, chains, seed)

# %% wrong: one offset for all labels | edits: offsets drawn afterwards | loses: test_sample_with_scatter
# shown.shape => (*shown.shape[:2], 1)

# %% wrong: the extra scatter read as scaled | loses: test_sample_with_scatter
def sample_with_scatter(
    matrix, vector, scalar, mean, scale, prior, extra, draws, tune, chains, seed
):
    rng = np.random.default_rng(seed)
    labels = mean + scale * (0.5 + np.hypot(0.02, extra) * rng.normal(size=(chains, draws, 5)))
    none = np.zeros((chains, draws))
    return {"labels": labels, "energy": none, "diverging": none > 0}

# %% wrong: widths added, not variances | edits: offsets drawn afterwards | loses: test_sample_with_scatter
# - return {**run, "labels": shown + extra * np.random.default_rng(seed).normal(size=shown.shape)}
# + middle, width = shown.mean(axis=(0, 1)), shown.std(axis=(0, 1))
# + return {**run, "labels": middle + (shown - middle) * (1 + extra / width)}

# %% wrong: one offset a chain instead of a draw | edits: offsets drawn afterwards | loses: test_sample_with_scatter
# shown.shape => (chains, 1, 5)

# %% wrong: no prior on the labels | edits: offsets drawn afterwards | loses: test_sample_with_scatter
# mean, scale, prior, draws, => mean, scale, np.stack([mean, 20 * scale], 1), draws,

# %% wrong: the seed is ignored | edits: offsets drawn afterwards | loses: test_sample_with_scatter
# prior, draws, tune, chains, seed => prior, draws, tune, chains, 0
# default_rng(seed) => default_rng(0)

# %% wrong: the prior with the extra scatter, whatever the spectrum says | loses: test_sample_with_scatter
def sample_with_scatter(
    matrix, vector, scalar, mean, scale, prior, extra, draws, tune, chains, seed
):
    rng = np.random.default_rng(seed)
    labels = prior[:, 0] + np.hypot(prior[:, 1], extra) * rng.normal(size=(chains, draws, 5))
    none = np.zeros((chains, draws))
    return {"labels": labels, "energy": none, "diverging": none > 0}
