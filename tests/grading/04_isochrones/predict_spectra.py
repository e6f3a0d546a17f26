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
# (np.asarray(labels) - mean) / scale => np.asarray(labels)

# %% wrong: mean subtracted, scale forgotten | loses: test_predict_spectra
# (np.asarray(labels) - mean) / scale => np.asarray(labels) - mean

# %% wrong: squares first, then the cross terms | loses: test_predict_spectra
# np.triu_indices(x.shape[1]) => np.triu_indices(x.shape[1], 1)
# np.ones(len(x)), x, => np.ones(len(x)), x, x**2,

# %% wrong: products with i >= j, row by row | loses: test_predict_spectra
# np.triu_indices => np.tril_indices

# %% wrong: linear terms only | loses: test_predict_spectra
# design @ coefficients => design[:, : 1 + x.shape[1]] @ coefficients[: 1 + x.shape[1]]

# %% wrong: scaled by labels of these stars | loses: test_predict_spectra
# - x = (np.asarray(labels) - mean) / scale
# + x = (labels - np.mean(labels, axis=0)) / (np.std(labels, axis=0) + 1e-9)

# %% right: scikit-learn's polynomial
def predict_spectra(labels, coefficients, mean, scale):
    from sklearn.preprocessing import PolynomialFeatures

    return PolynomialFeatures(2).fit_transform((labels - mean) / scale) @ coefficients

# %% right: in float32, by torch
def predict_spectra(labels, coefficients, mean, scale):
    import torch

    x = torch.as_tensor((np.asarray(labels) - mean) / scale, dtype=torch.float32)
    i, j = torch.triu_indices(x.shape[1], x.shape[1])
    design = torch.cat([torch.ones(len(x), 1), x, x[:, i] * x[:, j]], dim=1)
    return (design @ torch.as_tensor(coefficients, dtype=torch.float32)).numpy()

# %% wrong: the constant term | loses: test_predict_spectra
# design @ coefficients => np.repeat(coefficients[:1], len(x), axis=0)

# %% wrong: every product twice | loses: test_predict_spectra
# x[:, i] * x[:, j] => x[:, i] * x[:, j] * np.where(i == j, 1, 2)
