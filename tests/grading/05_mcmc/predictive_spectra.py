"""Rivals of `predictive_spectra`."""

# %% right: one normal draw a spectrum
def predictive_spectra(draws, error, s2, coefficients, mean, scale, seed):
    rng = np.random.default_rng(seed)
    sd = np.sqrt(np.square(error) + s2)
    return np.stack([rng.normal(predict(d, coefficients, mean, scale)[0], sd) for d in draws])

# %% right: two noises, one after the other, and a loop of its own
def predictive_spectra(draws, error, s2, coefficients, mean, scale, seed):
    random = np.random.RandomState(seed)
    x = (draws - mean) / scale
    i, j = np.triu_indices(5)
    model = np.hstack([np.ones((len(x), 1)), x, x[:, i] * x[:, j]]) @ coefficients
    return model + error * random.randn(*model.shape) + np.sqrt(s2) * random.randn(*model.shape)

# %% wrong: without noise | loses: test_predictive_spectra
# + rng.normal(size=spectra.shape) * np.sqrt(error**2 + s2) =>

# %% wrong: measurement errors only | loses: test_predictive_spectra
# error**2 + s2 => error**2

# %% wrong: the variance as standard deviation | loses: test_predictive_spectra
# np.sqrt(error**2 + s2) => (error**2 + s2)

# %% wrong: the same noise for all pixels | loses: test_predictive_spectra
# size=spectra.shape => size=(len(draws), 1)

# %% wrong: all from the mean labels | loses: test_predictive_spectra
# for labels in draws => for labels in [draws.mean(axis=0)] * len(draws)

# %% wrong: s added to the error linearly | loses: test_predictive_spectra
# np.sqrt(error**2 + s2) => (error + np.sqrt(s2))

# %% right: scipy's normal distribution, in float32
def predictive_spectra(draws, error, s2, coefficients, mean, scale, seed):
    from scipy.stats import norm

    model = [predict(labels, coefficients, mean, scale)[0] for labels in draws]
    return np.float32(norm.rvs(model, np.hypot(error, np.sqrt(s2)), random_state=seed))

# %% wrong: one noise for all spectra | loses: test_predictive_spectra
# size=spectra.shape => size=spectra.shape[1]

# %% wrong: the seed is ignored | loses: test_predictive_spectra
# default_rng(seed) => default_rng(0)

# %% wrong: no seed | loses: test_predictive_spectra
# default_rng(seed) => default_rng()

# %% wrong: noise alone | loses: test_predictive_spectra
# return spectra + => return

# %% wrong: the intrinsic scatter only | loses: test_predictive_spectra
# error**2 + s2 => s2
