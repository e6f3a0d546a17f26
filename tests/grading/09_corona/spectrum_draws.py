"""Rivals of `spectrum_draws`."""

# %% right: Gaussian about the best fit
def spectrum_draws(design, data, ln_model, modes, chosen, start, seed=0):
    from scipy.optimize import least_squares

    rng = np.random.default_rng(seed)
    q, k = len(modes), chosen.shape[1]
    out = {name: [] for name in ("log_t", "log_n", "calibration", "continuum", "instrument", "seconds")}
    for D, d, own, first in zip(design, data, chosen, start):

        def residual(p):
            x, y = 2 * (p[0] - 6.5), p[1] - 10
            ln_a = np.einsum("i,ijl,j->l", x ** np.arange(ln_model.shape[0]), ln_model, y ** np.arange(ln_model.shape[1]))
            ln_a = ln_a + p[2] + p[7 : 7 + q] @ modes
            ln_a[own] += ATOMIC_ERROR * p[7 + q :]
            r = d - D @ np.concatenate([np.exp(ln_a), p[3:7]])
            return np.concatenate([r, [p[2] - first[2]], p[3:5] / 10, p[5:]])

        begin = np.concatenate([first, np.zeros(4 + q + k)])
        low = np.full(begin.size, -np.inf)
        low[:2] = 6, 9
        high = np.full(begin.size, np.inf)
        high[:2] = 7, 11
        fit = least_squares(residual, begin, bounds=(low, high), x_scale="jac")
        draws = rng.multivariate_normal(fit.x, np.linalg.inv(fit.jac.T @ fit.jac), (2, 1000))
        parts = (draws[..., 0], draws[..., 1], draws[..., 7 : 7 + q], draws[..., 3:5], draws[..., 5:7], 0.0)
        for name, part in zip(out, parts):
            out[name].append(part)
    return {name: np.array(values) for name, values in out.items()}

# %% right: one model per star, pixel by pixel
def spectrum_draws(design, data, ln_model, modes, chosen, start, seed=0):
    import pymc as pm
    import pytensor.tensor as pt

    names = ["log_t", "log_n", "calibration", "continuum", "instrument"]
    out = {name: [] for name in [*names, "seconds"]}
    own = np.zeros((len(data), ln_model.shape[2]))
    for k in range(len(data)):
        own[k, chosen[k]] = ATOMIC_ERROR
        with pm.Model():
            log_t = pm.Uniform("log_t", 6, 7, initval=start[k, 0])
            log_n = pm.Uniform("log_n", 9, 11, initval=start[k, 1])
            ln_e = pm.Normal("ln_e", start[k, 2], 1)
            z = pm.Normal("calibration", 0, 1, shape=len(modes))
            eps = pm.Normal("eps", 0, 1, shape=ln_model.shape[2])
            c = pm.Normal("continuum", 0, 10, shape=2)
            i = pm.Normal("instrument", 0, 1, shape=2)
            ln_a = ln_e + z @ modes + own[k] * eps
            x_power = 1.0
            for a in range(ln_model.shape[0]):
                power = x_power
                for b in range(ln_model.shape[1]):
                    ln_a = ln_a + ln_model[a, b] * power
                    power = power * (log_n - 10)
                x_power = x_power * 2 * (log_t - 6.5)
            mean = design[k] @ pt.concatenate([pt.exp(ln_a), c, i])
            pm.Normal("pixels", mean, 1, observed=data[k])
            trace = pm.sample(300, tune=300, chains=2, cores=1, random_seed=seed + k, progressbar=False).posterior
        for name in names:
            out[name].append(trace[name].values)
        out["seconds"].append(0.0)
    return {name: np.array(values) for name, values in out.items()}

# %% wrong: the softmax of a network's scores taken for a posterior | loses: test_spectrum_draws test_spectrum_draws_errors
def spectrum_draws(design, data, ln_model, modes, chosen, start, seed=0):
    rng = np.random.default_rng(seed)
    t, n = (a.ravel() for a in np.meshgrid(np.linspace(6, 7, 41), np.linspace(9, 11, 41), indexing="ij"))
    x, y = 2 * (t - 6.5), n - 10
    ln_m = np.einsum("gi,ijl,gj->gl", np.vander(x, ln_model.shape[0], True), ln_model, np.vander(y, ln_model.shape[1], True))
    log_t, log_n = [], []
    for D, d in zip(design, data):
        templates = np.exp(ln_m) @ D[:, : ln_m.shape[1]].T
        templates /= np.linalg.norm(templates, axis=1, keepdims=True)
        scores = templates @ d / np.linalg.norm(d)
        scores = (scores - scores.mean()) / scores.std()
        p = np.exp(scores) / np.exp(scores).sum()
        cell = rng.choice(t.size, (2, 500), p=p)
        log_t.append(t[cell])
        log_n.append(n[cell])
    shape = (len(data), 2, 500)
    other = {"calibration": np.zeros((*shape, len(modes))), "continuum": np.zeros((*shape, 2)), "instrument": np.zeros((*shape, 2))}
    return {"log_t": np.array(log_t), "log_n": np.array(log_n), **other, "seconds": np.zeros(len(data))}

# %% wrong: atomic data taken for perfect | edits: Gaussian about the best fit | loses: test_spectrum_draws_errors
# - ln_a[own] += ATOMIC_ERROR * p[7 + q :]

# %% wrong: base-10 for natural logarithm | edits: Gaussian about the best fit | loses: test_spectrum_draws test_spectrum_draws_errors
#   rng = np.random.default_rng(seed)
# + ten = np.log(10)
# + ln_model, modes, start = ten * ln_model, ten * modes, start * [1, 1, ten]

# %% wrong: every star is the first | edits: Gaussian about the best fit | loses: test_spectrum_draws test_spectrum_draws_errors
# zip(design, data, chosen, start) => [(design[0], data[0], chosen[0], start[0])] * len(data)

# %% wrong: the half of the square forgotten | edits: Gaussian about the best fit | loses: test_spectrum_draws_errors
# np.linalg.inv(fit.jac.T @ fit.jac) => np.linalg.inv(fit.jac.T @ fit.jac) / 2

# %% wrong: one chain | edits: Gaussian about the best fit | loses: test_spectrum_draws
# (2, 1000) => (1, 1000)

# %% wrong: unconverged, thirty steps of a random walk | loses: test_spectrum_draws test_spectrum_draws_errors
def spectrum_draws(design, data, ln_model, modes, chosen, start, seed=0):
    rng = np.random.default_rng(seed)
    walk = 0.004 * np.cumsum(rng.standard_normal((len(data), 2, 30, 2)), axis=2)
    at = start[:, None, None, :2] + walk
    zeros = np.zeros((*walk.shape[:3], 2))
    return {"log_t": at[..., 0], "log_n": at[..., 1], "calibration": np.zeros((*walk.shape[:3], len(modes))), "continuum": zeros, "instrument": zeros, "seconds": np.zeros(len(data))}

# %% wrong: sigma as variance | edits: Gaussian about the best fit | loses: test_spectrum_draws_errors
# ATOMIC_ERROR * p => np.sqrt(ATOMIC_ERROR) * p

# %% wrong: every line has an error of its own | edits: Gaussian about the best fit | loses: test_spectrum_draws_errors
# q, k = len(modes), chosen.shape[1] => chosen = np.tile(np.arange(ln_model.shape[2]), (len(data), 1))
#   chosen = np.tile(np.arange(ln_model.shape[2]), (len(data), 1))
# + q, k = len(modes), chosen.shape[1]

# %% wrong: the calibration is not drawn | edits: Gaussian about the best fit | loses: test_spectrum_draws_errors
# draws[..., 7 : 7 + q], draws[..., 3:5] => 0 * draws[..., 7 : 7 + q], draws[..., 3:5]

# %% wrong: the calibration left out | edits: Gaussian about the best fit | loses: test_spectrum_draws_errors
# p[2] + p[7 : 7 + q] @ modes => p[2]

# %% wrong: the instrument left out | edits: Gaussian about the best fit | loses: test_spectrum_draws_errors
# np.concatenate([np.exp(ln_a), p[3:7]]) => np.concatenate([np.exp(ln_a), p[3:5], [0, 0]])
