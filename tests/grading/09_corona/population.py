"""Rivals of `population`."""

# %% right: dense matrices, one draw after another
def population(estimate, covariance, seed=0):
    rng = np.random.default_rng(seed)
    n = len(estimate)
    tau, log_p = np.linspace(0.002, 2.5, 800), []
    for t in tau:
        total = covariance + t**2 * np.eye(n) + 1.0
        off = estimate - 10
        fit = off @ np.linalg.solve(total, off)
        log_p.append(-0.5 * (np.linalg.slogdet(total)[1] + fit) - 0.5 * (t / 0.5) ** 2)
    p = np.exp(np.array(log_p) - np.max(log_p))
    spread = tau[rng.choice(800, 2000, p=p / p.sum())]
    prior = np.ones((n + 1, n + 1))
    draws = []
    for t in spread:
        both = prior + np.diag([0.0] + [t**2] * n)
        gain = np.linalg.solve(both[1:, 1:] + covariance, both[1:]).T
        left = both - gain @ both[1:] + 1e-12 * np.eye(n + 1)
        middle = 10 + gain @ (estimate - 10)
        draws.append(middle + np.linalg.cholesky(left) @ rng.standard_normal(n + 1))
    draws = np.array(draws).reshape(2, 1000, n + 1)
    return {"mean": draws[..., 0], "spread": spread.reshape(2, 1000), "stars": draws[..., 1:]}

# %% right: PyMC, not centred
def population(estimate, covariance, seed=0):
    import pymc as pm

    root = np.linalg.inv(np.linalg.cholesky(covariance))
    with pm.Model():
        mean = pm.Normal("mean", 10, 1)
        spread = pm.HalfNormal("spread", 0.5)
        z = pm.Normal("z", 0, 1, shape=len(estimate))
        stars = pm.Deterministic("stars", mean + spread * z)
        pm.Normal("y", (root * stars).sum(axis=1), 1, observed=root @ estimate)
        t = pm.sample(
            1000, tune=1000, chains=2, cores=1, random_seed=seed, progressbar=False, target_accept=0.9
        ).posterior
    return {name: t[name].values for name in ("mean", "spread", "stars")}

# %% wrong: no population, every star alone | loses: test_population_shrinks
def population(estimate, covariance, seed=0):
    rng = np.random.default_rng(seed)
    root = np.linalg.cholesky(covariance)
    stars = estimate + rng.standard_normal((2, 1000, len(estimate))) @ root.T
    return {"mean": stars.mean(axis=2), "spread": stars.std(axis=2), "stars": stars}

# %% wrong: all stars are the same | loses: test_population_shrinks
def population(estimate, covariance, seed=0):
    rng = np.random.default_rng(seed)
    w = np.linalg.inv(covariance).sum(axis=0)
    mean = (estimate @ w) / w.sum() + rng.standard_normal((2, 1000)) / np.sqrt(w.sum())
    return {"mean": mean, "spread": 1e-3 * np.ones((2, 1000)), "stars": mean[..., None] + np.zeros(len(estimate))}

# %% wrong: errors taken for independent | loses: test_population_shared
# np.linalg.eigh(covariance) => np.linalg.eigh(np.diag(np.diag(covariance)))

# %% wrong: the error's square root | loses: test_population test_population_shrinks
# np.linalg.eigh(covariance) => np.linalg.eigh(np.sqrt(covariance))

# %% wrong: the spread for its square | loses: test_population_shrinks
# values + tau[:, None] ** 2 => values + tau[:, None]

# %% wrong: only the population comes back | loses: test_population test_population_shared test_population_shrinks
def population(estimate, covariance, seed=0):
    return {"mean": np.full((2, 1000), np.mean(estimate)), "spread": np.full((2, 1000), np.std(estimate))}

# %% wrong: other draws at every call | loses: test_population_shrinks
# default_rng(seed) => default_rng()

# %% wrong: the seed ignored | loses: test_population_shrinks
# default_rng(seed) => default_rng(0)

# %% wrong: no prior of the mean | loses: test_population_shrinks
# precision = 1 + (one => precision = (one
# (10 + (one => ((one

# %% wrong: any spread as likely as another | loses: test_population_shrinks
# chi2 + determinants + (tau / 0.5) ** 2 => chi2 + determinants

# %% wrong: too few draws | loses: test_population_shrinks
# (2, 1000) => (2, 300)

# %% wrong: the stars not turned back | loses: test_population_shrinks
# stars @ vectors.T => stars

# %% right: numbers in lists, single precision | edits: dense matrices, one draw after another
# "spread": spread.reshape(2, 1000), => "spread": np.float32(spread.reshape(2, 1000)).tolist(),
