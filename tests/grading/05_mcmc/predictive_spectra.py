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
def predictive_spectra(draws, error, s2, coefficients, mean, scale, seed):
    return np.stack([predict(d, coefficients, mean, scale)[0] for d in draws])

# %% wrong: measurement errors only | loses: test_predictive_spectra
def predictive_spectra(draws, error, s2, coefficients, mean, scale, seed):
    rng = np.random.default_rng(seed)
    return np.stack([rng.normal(predict(d, coefficients, mean, scale)[0], error) for d in draws])

# %% wrong: the variance as standard deviation | loses: test_predictive_spectra
def predictive_spectra(draws, error, s2, coefficients, mean, scale, seed):
    rng = np.random.default_rng(seed)
    v = error**2 + s2
    return np.stack([rng.normal(predict(d, coefficients, mean, scale)[0], v) for d in draws])

# %% wrong: the same noise for all pixels | loses: test_predictive_spectra
def predictive_spectra(draws, error, s2, coefficients, mean, scale, seed):
    rng = np.random.default_rng(seed)
    f = np.stack([predict(d, coefficients, mean, scale)[0] for d in draws])
    return f + rng.normal(size=(len(f), 1)) * np.sqrt(error**2 + s2)

# %% wrong: all from the mean labels | loses: test_predictive_spectra
def predictive_spectra(draws, error, s2, coefficients, mean, scale, seed):
    rng = np.random.default_rng(seed)
    f = predict(draws.mean(axis=0), coefficients, mean, scale)[0]
    return f + rng.normal(size=(len(draws), len(f))) * np.sqrt(error**2 + s2)

# %% wrong: s added to the error linearly | loses: test_predictive_spectra
def predictive_spectra(draws, error, s2, coefficients, mean, scale, seed):
    rng = np.random.default_rng(seed)
    f = np.stack([predict(d, coefficients, mean, scale)[0] for d in draws])
    return f + rng.normal(size=f.shape) * (error + np.sqrt(s2))
