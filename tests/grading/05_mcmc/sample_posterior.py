"""Rivals of `sample_posterior`."""

# %% right: Metropolis, thinned
def sample_posterior(matrix, vector, scalar, mean, scale, prior, draws, tune, chains, seed):
    rng = np.random.default_rng(seed)
    first, second = np.triu_indices(5)
    m0, s0 = (prior[:, 0] - mean) / scale, prior[:, 1] / scale

    def terms(x):
        return np.concatenate([[1.0], x, x[first] * x[second]])

    def log_p(x):
        q = terms(x)
        return q @ vector - 0.5 * q @ matrix @ q - 0.5 * np.sum(((x - m0) / s0) ** 2)

    x = m0 * 0 + 0.0
    for _ in range(50):
        s = np.zeros((21, 5))
        s[1:6] = np.eye(5)
        np.add.at(s, (np.arange(6, 21), first), x[second])
        np.add.at(s, (np.arange(6, 21), second), x[first])
        H = s.T @ matrix @ s + np.diag(s0**-2)
        x = x + np.linalg.solve(H, s.T @ (vector - matrix @ terms(x)) - (x - m0) / s0**2)
    L = np.linalg.cholesky(np.linalg.inv(H))
    kept, height = np.zeros((chains, draws, 5)), np.zeros((chains, draws))
    for c in range(chains):
        y, p = x + L @ rng.normal(size=5), -np.inf
        for d in range(draws):
            for _ in range(15):
                new = y + L @ rng.normal(size=5)
                pn = log_p(new)
                if np.log(rng.uniform()) < pn - p:
                    y, p = new, pn
            kept[c, d], height[c, d] = y, p
    return {
        "labels": mean + scale * kept,
        "energy": -height,
        "diverging": np.zeros(height.shape, dtype=bool),
    }

# %% right: the gradient by hand, enrolled as a node
def sample_posterior(matrix, vector, scalar, mean, scale, prior, draws, tune, chains, seed):
    node = LogLikelihood(
        lambda labels: fast_log_likelihood(labels, matrix, vector, scalar, mean, scale)
    )
    with pm.Model():
        x = pm.Normal("x", 0, 1, shape=5)
        labels = pm.Deterministic("labels", prior[:, 0] + prior[:, 1] * x)
        pm.Potential("ll", node(labels))
        trace = pm.sample(
            draws, tune=tune, chains=chains, cores=1, random_seed=seed, progressbar=False
        )
    noted = {name: trace.sample_stats[name].values for name in ("energy", "diverging")}
    return {"labels": trace.posterior["labels"].values, **noted}

# %% wrong: the prior on scaled labels, whatever was stated | edits: Metropolis, thinned | loses: test_sample_posterior_prior test_sample_posterior_width
# (prior[:, 0] - mean) / scale, prior[:, 1] / scale => np.zeros(5), np.ones(5)

# %% wrong: draws of the scaled labels | edits: Metropolis, thinned | loses: test_sample_posterior test_sample_posterior_width test_sample_posterior_prior
# mean + scale * kept => kept

# %% wrong: minus chi-squared, without the half | edits: Metropolis, thinned | loses: test_sample_posterior_width
# q @ vector - 0.5 * q @ matrix @ q => 2 * q @ vector - q @ matrix @ q

# %% wrong: all chains in one | loses: test_sample_posterior test_sample_posterior_width test_sample_posterior_prior
def sample_posterior(matrix, vector, scalar, mean, scale, prior, draws, tune, chains, seed):
    rng = np.random.default_rng(seed)
    labels = prior[:, 0] + prior[:, 1] * rng.normal(size=(chains * draws, 5))
    return {"labels": labels, "energy": np.zeros(len(labels)), "diverging": np.zeros(len(labels), bool)}

# %% wrong: chains not converged, a random walk with steps far too small | loses: test_sample_posterior test_sample_posterior_width test_sample_posterior_prior
def sample_posterior(matrix, vector, scalar, mean, scale, prior, draws, tune, chains, seed):
    rng = np.random.default_rng(seed)
    kept = np.zeros((chains, draws, 5))
    for c in range(chains):
        labels = prior[:, 0] + prior[:, 1] * rng.normal(size=5)
        p = fast_log_likelihood(labels, matrix, vector, scalar, mean, scale)[0]
        for d in range(draws):
            new = labels + 1e-3 * scale * rng.normal(size=5)
            pn = fast_log_likelihood(new, matrix, vector, scalar, mean, scale)[0]
            if np.log(rng.uniform()) < pn - p:
                labels, p = new, pn
            kept[c, d] = labels
    none = np.zeros((chains, draws))
    return {"labels": kept, "energy": none, "diverging": none > 0}

# %% wrong: the prior's width taken for a variance | edits: Metropolis, thinned | loses: test_sample_posterior_prior test_sample_posterior_width
# prior[:, 1] / scale => np.maximum(np.sqrt(prior[:, 1]) / scale, 0.5)

# %% wrong: the prior, whatever the spectrum says | loses: test_sample_posterior test_sample_posterior_width test_sample_posterior_prior
def sample_posterior(matrix, vector, scalar, mean, scale, prior, draws, tune, chains, seed):
    rng = np.random.default_rng(seed)
    labels = prior[:, 0] + prior[:, 1] * rng.normal(size=(chains, draws, 5))
    none = np.zeros((chains, draws))
    return {"labels": labels, "energy": none, "diverging": none > 0}

# %% wrong: a Gaussian about the summit | edits: Metropolis, thinned | loses: test_sample_posterior_width
# - kept, height = np.zeros((chains, draws, 5)), np.zeros((chains, draws))
# - for c in range(chains):
# -     y, p = x + L @ rng.normal(size=5), -np.inf
# -     for d in range(draws):
# -         for _ in range(15):
# -             new = y + L @ rng.normal(size=5)
# -             pn = log_p(new)
# -             if np.log(rng.uniform()) < pn - p:
# -                 y, p = new, pn
# -         kept[c, d], height[c, d] = y, p
# + kept = x + rng.normal(size=(chains, draws, 5)) @ L.T
# + height = np.array([[log_p(y) for y in chain] for chain in kept])

# %% wrong: the seed is ignored | edits: Metropolis, thinned | loses: test_sample_posterior
# default_rng(seed) => default_rng(0)

# %% wrong: no seed | edits: Metropolis, thinned | loses: test_sample_posterior
# default_rng(seed) => default_rng()

# %% wrong: the number of chains is ignored | edits: Metropolis, thinned | loses: test_sample_posterior
# np.zeros((chains, draws, 5)), np.zeros((chains, draws)) => np.zeros((2, draws, 5)), np.zeros((2, draws))
# range(chains) => range(2)

# %% wrong: all chains are one | edits: Metropolis, thinned | loses: test_sample_posterior
# mean + scale * kept => mean + scale * kept[[0] * chains]

# %% wrong: no prior | edits: Metropolis, thinned | loses: test_sample_posterior_prior
# prior[:, 1] / scale => np.full(5, 20.0)

# %% wrong: the draws alone | edits: Metropolis, thinned | loses: test_sample_posterior test_sample_posterior_width test_sample_posterior_prior
# - return {
# -     "labels": mean + scale * kept,
# -     "energy": -height,
# -     "diverging": np.zeros(height.shape, dtype=bool),
# - }
# + return mean + scale * kept

# %% wrong: energies that have nothing to do with the draws | edits: Metropolis, thinned | loses: test_sample_posterior
# -height => rng.normal(size=height.shape)

# %% wrong: the log-posterior for the energy, with the wrong sign | edits: Metropolis, thinned | loses: test_sample_posterior
# -height => height
