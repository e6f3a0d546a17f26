"""Rivals of `bias_and_scatter`."""

# %% right: scipy's median_abs_deviation
def bias_and_scatter(fitted, reference):
    from scipy.stats import median_abs_deviation

    d = fitted - reference
    return np.median(d, axis=0), 1.4826 * median_abs_deviation(d, axis=0)

# %% right: astropy's mad_std, which knows more digits
def bias_and_scatter(fitted, reference):
    from astropy.stats import mad_std

    d = fitted - reference
    return np.median(d, axis=0), mad_std(d, axis=0)

# %% right: a loop over the labels, lists
def bias_and_scatter(fitted, reference):
    bias, scatter = [], []
    for a, b in zip(fitted.T, reference.T):
        d = np.sort(a - b)
        bias.append(np.percentile(d, 50))
        scatter.append(1.4826 * np.percentile(abs(d - bias[-1]), 50))
    return bias, scatter

# %% right: pandas' medians, in single precision, scaled by scipy
def bias_and_scatter(fitted, reference):
    import pandas as pd
    from scipy.stats import median_abs_deviation

    d = pd.DataFrame(fitted.astype("f4") - reference.astype("f4"))
    return d.median(), median_abs_deviation(d.to_numpy(), scale="normal")

# %% wrong: mean and standard deviation | loses: test_bias_and_scatter_robust
# np.median(difference, axis=0) => difference.mean(axis=0)
# 1.4826 * np.median(np.abs(difference - bias), axis=0) => difference.std(axis=0)

# %% wrong: reference minus fitted | loses: test_bias_and_scatter test_bias_and_scatter_robust
# np.asarray(fitted) - np.asarray(reference) => np.asarray(reference) - np.asarray(fitted)

# %% wrong: deviations from zero | loses: test_bias_and_scatter test_bias_and_scatter_robust
# difference - bias => difference

# %% wrong: 1.4826 forgotten | loses: test_bias_and_scatter test_bias_and_scatter_robust
# 1.4826 * =>

# %% wrong: all labels thrown together | loses: test_bias_and_scatter test_bias_and_scatter_robust
# np.median(difference, axis=0) => np.median(difference)
# np.abs(difference - bias), axis=0 => np.abs(difference - bias)

# %% wrong: median, but the standard deviation about it | loses: test_bias_and_scatter_robust
# - return bias, 1.4826 * np.median(np.abs(difference - bias), axis=0)
# + return bias, np.sqrt(np.mean((difference - bias) ** 2, axis=0))

# %% wrong: relative differences | loses: test_bias_and_scatter test_bias_and_scatter_robust
# np.asarray(fitted) - np.asarray(reference) => (np.asarray(fitted) - reference) / reference

# %% wrong: half the distance of the quartiles | loses: test_bias_and_scatter_robust
# 1.4826 * np.median(np.abs(difference - bias), axis=0) => np.ptp(np.percentile(difference, [16, 84], axis=0), axis=0) / 2

# %% wrong: nothing known | loses: test_bias_and_scatter test_bias_and_scatter_robust
def bias_and_scatter(fitted, reference):
    return np.zeros(fitted.shape[1]), np.ones(fitted.shape[1])
