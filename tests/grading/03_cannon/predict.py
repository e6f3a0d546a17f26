"""Rivals of `predict`."""

# %% right: pixel by pixel in einsum
def predict(labels, coefficients, mean, scale):
    return np.einsum("nm,mp->np", design_matrix(labels, mean, scale), coefficients)

# %% right: matrices of second derivatives
def predict(labels, coefficients, mean, scale):
    x = (labels - mean) / scale
    k = x.shape[1]
    flux = coefficients[0] + x @ coefficients[1 : k + 1]
    for c, (i, j) in enumerate(zip(*np.triu_indices(k))):
        flux += np.outer(x[:, i] * x[:, j], coefficients[k + 1 + c])
    return flux

# %% right: star by star, single precision
def predict(labels, coefficients, mean, scale):
    rows = []
    for star in labels:
        x = ((star - mean) / scale).astype(np.float32)
        quadratic = np.outer(x, x)[np.triu_indices(len(x))]
        rows.append((np.r_[1, x, quadratic] @ coefficients).astype(np.float32))
    return np.array(rows)

# %% wrong: scaled by mean and spread of the stars to be predicted | loses: test_predict test_predict_alone
# labels, mean, scale => labels, labels.mean(axis=0), labels.std(axis=0) + 1e-30

# %% wrong: labels not scaled | loses: test_predict
# labels, mean, scale => labels, 0 * mean, 1 + 0 * scale

# %% wrong: linear terms only | loses: test_predict
def predict(labels, coefficients, mean, scale):
    k = labels.shape[1]
    return design_matrix(labels, mean, scale)[:, : k + 1] @ coefficients[: k + 1]

# %% wrong: transposed | loses: test_predict test_predict_alone
def predict(labels, coefficients, mean, scale):
    return (design_matrix(labels, mean, scale) @ coefficients).T

# %% wrong: mean over the stars taken off | loses: test_predict test_predict_alone
def predict(labels, coefficients, mean, scale):
    flux = design_matrix(labels, mean, scale) @ coefficients
    return flux - flux.mean(axis=0) + coefficients[0]

# %% wrong: constant forgotten | loses: test_predict
# @ coefficients => [:, 1:] @ coefficients[1:]

# %% wrong: zeros | loses: test_predict test_predict_alone
def predict(labels, coefficients, mean, scale):
    return np.zeros((len(labels), coefficients.shape[1]))

# %% wrong: the constant for every star | loses: test_predict test_predict_alone
def predict(labels, coefficients, mean, scale):
    return np.tile(coefficients[0], (len(labels), 1))

# %% wrong: labels far from the mean are pulled in | loses: test_predict
def predict(labels, coefficients, mean, scale):
    x = np.clip((labels - mean) / scale, -3, 3)
    k = x.shape[1]
    i, j = np.triu_indices(k)
    return coefficients[0] + x @ coefficients[1 : k + 1] + (x[:, i] * x[:, j]) @ coefficients[1 + k :]
