"""Rivals of `performance`."""

# %% right: scipy
def performance(predicted, truth):
    from scipy.stats import median_abs_deviation

    d = predicted - truth
    return np.median(d, axis=0), np.median(abs(d), axis=0), median_abs_deviation(d, axis=0, scale="normal")

# %% right: label by label
def performance(predicted, truth):
    bias, error, scatter = [], [], []
    for p, t in zip(predicted.T, truth.T):
        bias.append(np.median(p - t))
        error.append(np.median(np.abs(p - t)))
        scatter.append(1.4826 * np.median(np.abs(p - t - bias[-1])))
    return bias, error, scatter

# %% wrong: truth minus predicted | loses: test_performance
def performance(predicted, truth):
    d = truth - predicted
    b = np.median(d, axis=0)
    return b, np.median(abs(d), axis=0), 1.4826 * np.median(abs(d - b), axis=0)

# %% wrong: means for medians | loses: test_performance test_performance_spread
def performance(predicted, truth):
    d = predicted - truth
    return d.mean(axis=0), abs(d).mean(axis=0), d.std(axis=0)

# %% wrong: standard deviation for the scatter | loses: test_performance_spread
def performance(predicted, truth):
    d = predicted - truth
    return np.median(d, axis=0), np.median(abs(d), axis=0), d.std(axis=0)

# %% wrong: factor 1.4826 missing | loses: test_performance_spread
def performance(predicted, truth):
    d = predicted - truth
    b = np.median(d, axis=0)
    return b, np.median(abs(d), axis=0), np.median(abs(d - b), axis=0)

# %% wrong: bias in the scatter | loses: test_performance_spread
def performance(predicted, truth):
    d = predicted - truth
    return np.median(d, axis=0), np.median(abs(d), axis=0), 1.4826 * np.median(abs(d), axis=0)

# %% wrong: bias taken out of the error | loses: test_performance_spread
def performance(predicted, truth):
    d = predicted - truth
    b = np.median(d, axis=0)
    return b, np.median(abs(d - b), axis=0), 1.4826 * np.median(abs(d - b), axis=0)

# %% wrong: absolute bias | loses: test_performance
def performance(predicted, truth):
    d = predicted - truth
    b = np.median(d, axis=0)
    return abs(b), np.median(abs(d), axis=0), 1.4826 * np.median(abs(d - b), axis=0)

# %% wrong: relative differences | loses: test_performance test_performance_spread
def performance(predicted, truth):
    d = (predicted - truth) / np.where(truth == 0, 1e-3, truth)
    b = np.median(d, axis=0)
    return b, np.median(abs(d), axis=0), 1.4826 * np.median(abs(d - b), axis=0)
