"""Rivals of `gradient`."""

# %% right: central differences, exact for a quadratic
def gradient(labels, coefficients, mean, scale):
    labels = np.asarray(labels, dtype=float)
    rows = []
    for i in range(len(labels)):
        d = np.zeros(len(labels))
        d[i] = scale[i]
        up, down = predict(np.array([labels + d, labels - d]), coefficients, mean, scale)
        rows.append((up - down) / (2 * scale[i]))
    return np.array(rows)

# %% right: symmetric matrix of quadratic coefficients
def gradient(labels, coefficients, mean, scale):
    k = len(labels)
    x = (labels - mean) / scale
    Q = np.zeros((k, k, coefficients.shape[1]))
    i, j = np.triu_indices(k)
    Q[i, j] += coefficients[k + 1 :]
    Q[j, i] += coefficients[k + 1 :]
    return (coefficients[1 : k + 1] + np.einsum("ijp,j->ip", Q, x)) / scale[:, None]

# %% right: one-sided differences with a small step
def gradient(labels, coefficients, mean, scale):
    here = predict(labels[None], coefficients, mean, scale)
    step = 1e-3 * scale
    return (predict(labels + np.diag(step), coefficients, mean, scale) - here) / step[:, None]

# %% right: single precision
# - return columns @ coefficients / scale[:, None]
# + return (columns @ coefficients / scale[:, None]).astype(np.float32)

# %% wrong: transposed | loses: test_gradient test_gradient_quadratic
# columns @ coefficients / scale[:, None] => (columns @ coefficients / scale[:, None]).T

# %% wrong: per scaled label | loses: test_gradient test_gradient_quadratic
# / scale[:, None] =>

# %% wrong: linear coefficients only | loses: test_gradient_quadratic
def gradient(labels, coefficients, mean, scale):
    return coefficients[1 : len(labels) + 1] / scale[:, None]

# %% wrong: squares without their factor of two | loses: test_gradient_quadratic
# columns[b, column] += => columns[b, column] =

# %% wrong: each product for its first label only | loses: test_gradient_quadratic
# columns[b, column] += x[a] => columns[b, column] += x[a] * (a == b)

# %% wrong: multiplied by the scale | loses: test_gradient test_gradient_quadratic
# / scale[:, None] => * scale[:, None]

# %% wrong: derivative with respect to wavelength | loses: test_gradient test_gradient_quadratic
def gradient(labels, coefficients, mean, scale):
    flux = predict(labels[None], coefficients, mean, scale)[0]
    return np.tile(np.gradient(flux), (len(labels), 1))

# %% wrong: zeros | loses: test_gradient test_gradient_quadratic
def gradient(labels, coefficients, mean, scale):
    return np.zeros((len(labels), coefficients.shape[1]))
