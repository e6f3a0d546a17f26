"""Rivals of `response_matrix`."""

# %% right: scikit-learn
def response_matrix(truth, measured, scale):
    from sklearn.linear_model import LinearRegression

    return LinearRegression().fit(truth / scale, measured / scale).coef_

# %% right: covariances
def response_matrix(truth, measured, scale):
    t = (truth - truth.mean(axis=0)) / scale
    m = (measured - measured.mean(axis=0)) / scale
    return np.linalg.solve(t.T @ t, t.T @ m).T

# %% wrong: one true label at a time | loses: test_response_matrix
def response_matrix(truth, measured, scale):
    k = truth.shape[1]
    out = np.zeros((k, k))
    for i in range(k):
        for j in range(k):
            out[i, j] = np.polyfit(truth[:, j] / scale[j], measured[:, i] / scale[i], 1)[0]
    return out

# %% wrong: transposed | loses: test_response_matrix
# slopes[1:].T => slopes[1:]

# %% wrong: not in units of the scales | loses: test_response_matrix
#   def response_matrix(truth, measured, scale):
# +     scale = 1.0

# %% wrong: no constant | loses: test_response_matrix
def response_matrix(truth, measured, scale):
    return np.linalg.lstsq(truth / scale, measured / scale, rcond=None)[0].T

# %% wrong: truth as a function of the measured | loses: test_response_matrix
#   def response_matrix(truth, measured, scale):
# +     truth, measured = measured, truth

# %% wrong: correlation coefficients | loses: test_response_matrix
def response_matrix(truth, measured, scale):
    k = truth.shape[1]
    return np.corrcoef(measured.T, truth.T)[:k, k:]

# %% wrong: slopes of the differences | loses: test_response_matrix
#   def response_matrix(truth, measured, scale):
# +     measured = measured - truth

# %% right: one measured label at a time, scipy
def response_matrix(truth, measured, scale):
    from scipy.optimize import curve_fit

    x = (truth - truth.mean(axis=0)) / scale
    rows = []
    for m, s in zip(measured.T, scale):
        fit, _ = curve_fit(lambda x, *p: p[0] + x @ np.array(p[1:]), x, m / s, p0=np.zeros(1 + x.shape[1]))
        rows.append(fit[1:].tolist())
    return rows

# %% right: in float32, about the means
def response_matrix(truth, measured, scale):
    t = np.float32((truth - truth.mean(axis=0)) / scale)
    m = np.float32((measured - measured.mean(axis=0)) / scale)
    return (np.linalg.pinv(t) @ m).T

# %% wrong: the identity | loses: test_response_matrix
def response_matrix(truth, measured, scale):
    return np.eye(truth.shape[1])

# %% wrong: truth fitted by measurement | loses: test_response_matrix
def response_matrix(truth, measured, scale):
    A = np.column_stack([np.ones(len(truth)), measured / scale])
    return np.linalg.inv(np.linalg.lstsq(A, truth / scale, rcond=None)[0][1:].T)
