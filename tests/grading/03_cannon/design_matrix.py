"""Rivals of `design_matrix`."""

# %% right: two loops
def design_matrix(labels, mean, scale):
    x = (np.asarray(labels, dtype=float) - mean) / scale
    n, k = x.shape
    cols = [np.ones(n)]
    for i in range(k):
        cols.append(x[:, i])
    for i in range(k):
        for j in range(i, k):
            cols.append(x[:, i] * x[:, j])
    return np.array(cols).T

# %% right: scikit-learn's polynomial features
def design_matrix(labels, mean, scale):
    from sklearn.preprocessing import PolynomialFeatures

    return PolynomialFeatures(2).fit_transform((np.asarray(labels) - mean) / scale)

# %% right: single precision
# - return np.column_stack([np.ones(len(x)), x, x[:, i] * x[:, j]])
# + return np.column_stack([np.ones(len(x)), x, x[:, i] * x[:, j]]).astype(np.float32)

# %% wrong: no constant | loses: test_design_matrix test_design_matrix_scaling test_predict test_predict_alone test_fit_stars test_fit_stars_chi2
# np.ones(len(x)), x => x

# %% wrong: every product twice | loses: test_design_matrix test_design_matrix_scaling test_predict test_predict_alone test_fit_stars test_fit_stars_chi2
# x[:, i] * x[:, j] => (x[:, :, None] * x[:, None, :]).reshape(len(x), -1)

# %% wrong: squares forgotten | loses: test_design_matrix test_design_matrix_scaling test_predict test_predict_alone test_fit_stars test_fit_stars_chi2
# np.triu_indices(x.shape[1]) => np.triu_indices(x.shape[1], 1)

# %% wrong: squares only | loses: test_design_matrix test_design_matrix_scaling test_predict test_predict_alone test_fit_stars test_fit_stars_chi2
# x[:, i] * x[:, j] => x**2

# %% wrong: labels not scaled | loses: test_design_matrix_scaling test_predict
# (np.asarray(labels) - mean) / scale => np.asarray(labels)

# %% wrong: scaled by the stars at hand instead of the training set | loses: test_design_matrix test_design_matrix_scaling test_predict test_predict_alone test_fit_stars test_fit_stars_chi2
# (np.asarray(labels) - mean) / scale => (labels - labels.mean(axis=0)) / labels.std(axis=0)

# %% wrong: divided by the scale before the mean is taken off | loses: test_design_matrix_scaling test_predict
# (np.asarray(labels) - mean) / scale => np.asarray(labels) / scale - mean

# %% wrong: squares first, then the products | loses: test_design_matrix test_predict test_fit_stars test_fit_stars_chi2
# np.triu_indices(x.shape[1]) => np.triu_indices(x.shape[1], 1)
# np.ones(len(x)), x, => np.ones(len(x)), x, x**2,

# %% wrong: ones | loses: test_design_matrix test_design_matrix_scaling test_predict test_predict_alone test_fit_stars test_fit_stars_chi2
def design_matrix(labels, mean, scale):
    k = labels.shape[1]
    return np.ones((len(labels), 1 + k + k * (k + 1) // 2))

# %% wrong: five labels only | loses: test_design_matrix
def design_matrix(labels, mean, scale):
    x = (labels - mean) / scale
    k = min(5, x.shape[1])
    i, j = np.triu_indices(k)
    return np.column_stack([np.ones(len(x)), x, x[:, i] * x[:, j]])
