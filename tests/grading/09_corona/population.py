"""Rivals of `population`."""

# %% right: without PyMC, the spread on a grid
def population(estimate, error, seed=0):
    rng = np.random.default_rng(seed)
    tau = np.linspace(0.002, 2, 1000)
    v = error[:, None] ** 2 + tau**2
    precision = (1 / v).sum(axis=0) + 1
    centre = ((estimate[:, None] / v).sum(axis=0) + 10) / precision
    log_p = -0.5 * (np.log(v) + (estimate[:, None] - centre) ** 2 / v).sum(axis=0)
    log_p += -0.5 * (centre - 10) ** 2 - 0.5 * np.log(precision) - 0.5 * (tau / 0.5) ** 2
    p = np.exp(log_p - log_p.max())
    k = rng.choice(1000, (2, 1000), p=p / p.sum())
    mean = centre[k] + rng.standard_normal(k.shape) / np.sqrt(precision[k])
    spread = tau[k]
    w = 1 / error**2 + 1 / spread[..., None] ** 2
    theta = (estimate / error**2 + mean[..., None] / spread[..., None] ** 2) / w
    return {"mean": mean, "spread": spread, "stars": theta + rng.standard_normal(theta.shape) / np.sqrt(w)}

# %% right: PyMC, stars integrated away and drawn afterwards
def population(estimate, error, seed=0):
    import pymc as pm

    rng = np.random.default_rng(seed)
    with pm.Model():
        mean = pm.Normal("mean", 10, 1)
        spread = pm.HalfNormal("spread", 0.5)
        pm.Normal("y", mean, pm.math.sqrt(spread**2 + error**2), observed=estimate)
        t = pm.sample(1000, tune=1000, chains=2, cores=1, random_seed=seed, progressbar=False).posterior
    mean, spread = t["mean"].values, t["spread"].values
    w = 1 / error**2 + 1 / spread[..., None] ** 2
    theta = (estimate / error**2 + mean[..., None] / spread[..., None] ** 2) / w
    return {"mean": mean, "spread": spread, "stars": theta + rng.standard_normal(theta.shape) / np.sqrt(w)}

# %% wrong: no population, every star alone | loses: test_population_shrinks
def population(estimate, error, seed=0):
    rng = np.random.default_rng(seed)
    stars = estimate + error * rng.standard_normal((2, 1000, len(estimate)))
    return {"mean": stars.mean(axis=2), "spread": stars.std(axis=2), "stars": stars}

# %% wrong: all stars are the same | loses: test_population_shrinks
def population(estimate, error, seed=0):
    rng = np.random.default_rng(seed)
    w = 1 / error**2
    mean = (estimate @ w) / w.sum() + 0.05 * rng.standard_normal((2, 1000))
    return {"mean": mean, "spread": 1e-3 * np.ones((2, 1000)), "stars": mean[..., None] + np.zeros(len(estimate))}

# %% wrong: error taken for variance | loses: test_population test_population_shrinks
def population(estimate, error, seed=0):
    rng = np.random.default_rng(seed)
    v = error + 0.2**2
    mean = (estimate / v).sum() / (1 / v).sum() + rng.standard_normal((2, 1000)) / np.sqrt((1 / v).sum())
    w = 1 / error + 1 / 0.04
    theta = (estimate / error + mean[..., None] / 0.04) / w
    return {"mean": mean, "spread": np.full((2, 1000), 0.4), "stars": theta + rng.standard_normal(theta.shape) / np.sqrt(w)}

# %% wrong: unconverged, one short chain from far away | loses: test_population test_population_shrinks
def population(estimate, error, seed=0):
    rng = np.random.default_rng(seed)
    mean, spread = 8.0, 1.0
    kept = []
    for _ in range(40):
        w = 1 / error**2 + 1 / spread**2
        theta = (estimate / error**2 + mean / spread**2) / w + rng.standard_normal(len(error)) / np.sqrt(w)
        mean += 0.02 * (theta.mean() - mean)
        kept.append((mean, spread, theta))
    mean, spread, theta = (np.array(x)[None] for x in zip(*kept))
    return {"mean": mean, "spread": spread, "stars": theta}

# %% wrong: only the population comes back | loses: test_population test_population_shrinks
def population(estimate, error, seed=0):
    return {"mean": np.full((2, 1000), np.mean(estimate)), "spread": np.full((2, 1000), np.std(estimate))}

# %% wrong: other draws at every call | edits: without PyMC, the spread on a grid | loses: test_population_shrinks
# default_rng(seed) => default_rng()

# %% wrong: the seed ignored | edits: without PyMC, the spread on a grid | loses: test_population_shrinks
# default_rng(seed) => default_rng(0)

# %% wrong: no prior of the mean | edits: without PyMC, the spread on a grid | loses: test_population_shrinks
# (1 / v).sum(axis=0) + 1 => (1 / v).sum(axis=0)
# ((estimate[:, None] / v).sum(axis=0) + 10) => (estimate[:, None] / v).sum(axis=0)
# log_p += -0.5 * (centre - 10) ** 2 => log_p +=

# %% wrong: any spread as likely as another | edits: without PyMC, the spread on a grid | loses: test_population_shrinks
# - 0.5 * (tau / 0.5) ** 2 =>

# %% wrong: too few draws | edits: without PyMC, the spread on a grid | loses: test_population_shrinks
# (2, 1000) => (2, 300)

# %% right: numbers in lists, single precision | edits: without PyMC, the spread on a grid
# return {"mean": mean, "spread": spread, => return {"mean": mean.tolist(), "spread": np.float32(spread),
