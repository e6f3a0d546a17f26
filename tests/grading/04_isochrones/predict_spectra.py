"""Rivals of `predict_spectra`."""

# %% right: loops
def predict_spectra(labels, coefficients, mean, scale):
    x = (np.asarray(labels) - mean) / scale
    n, k = x.shape
    out = np.repeat(coefficients[:1], n, axis=0).copy()
    row = 1
    for i in range(k):
        out += np.outer(x[:, i], coefficients[row])
        row += 1
    for i in range(k):
        for j in range(i, k):
            out += np.outer(x[:, i] * x[:, j], coefficients[row])
            row += 1
    return out

# %% right: einsum over a symmetric matrix
def predict_spectra(labels, coefficients, mean, scale):
    x = (np.asarray(labels) - mean) / scale
    k = x.shape[1]
    Q = np.zeros((k, k, coefficients.shape[1]))
    Q[np.triu_indices(k)] = coefficients[1 + k :]
    return coefficients[0] + x @ coefficients[1 : 1 + k] + np.einsum("ni,nj,ijp->np", x, x, Q)

# %% wrong: labels not scaled | loses: test_predict_spectra
def predict_spectra(labels, coefficients, mean, scale):
    x = np.asarray(labels)
    i, j = np.triu_indices(x.shape[1])
    return np.column_stack([np.ones(len(x)), x, x[:, i] * x[:, j]]) @ coefficients

# %% wrong: mean subtracted, scale forgotten | loses: test_predict_spectra
def predict_spectra(labels, coefficients, mean, scale):
    x = np.asarray(labels) - mean
    i, j = np.triu_indices(x.shape[1])
    return np.column_stack([np.ones(len(x)), x, x[:, i] * x[:, j]]) @ coefficients

# %% wrong: squares first, then the cross terms | loses: test_predict_spectra
def predict_spectra(labels, coefficients, mean, scale):
    x = (np.asarray(labels) - mean) / scale
    i, j = np.triu_indices(x.shape[1], 1)
    return np.column_stack([np.ones(len(x)), x, x**2, x[:, i] * x[:, j]]) @ coefficients

# %% wrong: products with i >= j, row by row | loses: test_predict_spectra
def predict_spectra(labels, coefficients, mean, scale):
    x = (np.asarray(labels) - mean) / scale
    i, j = np.tril_indices(x.shape[1])
    return np.column_stack([np.ones(len(x)), x, x[:, i] * x[:, j]]) @ coefficients

# %% wrong: linear terms only | loses: test_predict_spectra
def predict_spectra(labels, coefficients, mean, scale):
    x = (np.asarray(labels) - mean) / scale
    return np.column_stack([np.ones(len(x)), x]) @ coefficients[: 1 + x.shape[1]]

# %% wrong: scaled by labels of these stars | loses: test_predict_spectra
def predict_spectra(labels, coefficients, mean, scale):
    x = np.asarray(labels, float)
    x = (x - x.mean(axis=0)) / (x.std(axis=0) + 1e-9)
    i, j = np.triu_indices(x.shape[1])
    return np.column_stack([np.ones(len(x)), x, x[:, i] * x[:, j]]) @ coefficients
