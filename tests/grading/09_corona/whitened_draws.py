"""Rivals of `whitened_draws`."""

# %% right: PyMC, another name and step
def whitened_draws(root, rotated, ln_model, linear, centre, factor, seed=0):
    import pymc as pm

    centre, factor = np.asarray(centre), np.asarray(factor)

    def white(z):
        value, slope = log_posterior(centre + z @ factor.T, root, rotated, ln_model, linear)
        return float(value), slope @ factor

    rng = np.random.default_rng([seed, 1])
    starts = [{"white": rng.normal(size=centre.size)} for _ in range(4)]
    with pm.Model():
        at = pm.Flat("white", shape=centre.size)
        value, _ = LogDensity(white)(at)
        pm.Potential("all", value)
        trace = pm.sample(
            400, tune=200, chains=4, cores=1, random_seed=[seed, 2, 3, 4], initvals=starts,
            progressbar=False, step=pm.NUTS(target_accept=0.9),
        )
    drawn = np.einsum("kj,cdj->cdk", factor, trace.posterior["white"].values) + centre
    stats = trace.sample_stats
    return {"parameters": drawn, "diverging": stats["diverging"].values, "gradients": stats["n_steps"].values}

# %% right: draws of a t distribution, taken by their weights
def whitened_draws(root, rotated, ln_model, linear, centre, factor, seed=0):
    rng = np.random.default_rng(seed)
    size, count = len(centre), 20_000
    z = rng.standard_normal((count, size)) / np.sqrt(rng.chisquare(4, (count, 1)) / 4)
    points = centre + 1.3 * z @ factor.T
    log_p = np.array([log_posterior(p, root, rotated, ln_model, linear)[0] for p in points])
    log_w = log_p + 0.5 * (4 + size) * np.log1p(np.sum(z**2, axis=1) / 4)
    w = np.exp(log_w - log_w.max())
    taken = points[rng.choice(count, (4, 1000), p=w / w.sum())]
    nothing = np.zeros(taken.shape[:2])
    return {"parameters": taken, "diverging": nothing > 0, "gradients": nothing}

# %% wrong: the Gaussian itself, no chain | loses: test_whitened_draws_measured
def whitened_draws(root, rotated, ln_model, linear, centre, factor, seed=0):
    z = np.random.default_rng(seed).standard_normal((4, 400, len(centre)))
    nothing = np.zeros(z.shape[:2])
    return {"parameters": centre + z @ factor.T, "diverging": nothing > 0, "gradients": nothing}

# %% wrong: the draws of z come back | loses: test_whitened_draws test_whitened_draws_measured
# centre + trace.posterior["z"].to_numpy() @ factor.T => trace.posterior["z"].to_numpy()

# %% wrong: a prior of z counted besides | loses: test_whitened_draws test_whitened_draws_measured
# pm.Flat("z", shape=len(centre)) => pm.Normal("z", shape=len(centre))

# %% wrong: one chain | loses: test_whitened_draws
# chains=4, => chains=1,
# standard_normal((4, => standard_normal((1,

# %% wrong: the seed ignored | loses: test_whitened_draws_measured
# np.random.default_rng(seed) => np.random.default_rng(0)
# random_seed=seed => random_seed=0

# %% wrong: other draws at every call | loses: test_whitened_draws_measured
# np.random.default_rng(seed) => np.random.default_rng()
# random_seed=seed => random_seed=None
