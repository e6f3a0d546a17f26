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

# %% wrong: transposed | edits: symmetric matrix of quadratic coefficients | loses: test_gradient test_gradient_quadratic test_fit_star test_fit_star_errors test_fit_star_starts
# - return (coefficients[1 : k + 1] + np.einsum("ijp,j->ip", Q, x)) / scale[:, None]
# + return ((coefficients[1 : k + 1] + np.einsum("ijp,j->ip", Q, x)) / scale[:, None]).T

# %% wrong: per scaled label | edits: symmetric matrix of quadratic coefficients | loses: test_gradient test_gradient_quadratic
# - return (coefficients[1 : k + 1] + np.einsum("ijp,j->ip", Q, x)) / scale[:, None]
# + return coefficients[1 : k + 1] + np.einsum("ijp,j->ip", Q, x)

# %% wrong: linear coefficients only | loses: test_gradient_quadratic
def gradient(labels, coefficients, mean, scale):
    return coefficients[1 : len(labels) + 1] / scale[:, None]

# %% wrong: squares without their factor of two | edits: symmetric matrix of quadratic coefficients | loses: test_gradient_quadratic
# [i, j] += => [i, j] =
# [j, i] += => [j, i] =

# %% wrong: each product for its first label only | loses: test_gradient_quadratic
def gradient(labels, coefficients, mean, scale):
    k = len(labels)
    x = (labels - mean) / scale
    out = coefficients[1 : k + 1].copy()
    for c, (i, j) in enumerate(zip(*np.triu_indices(k))):
        out[i] += coefficients[k + 1 + c] * x[j] * (2 if i == j else 1)
    return out / scale[:, None]

# %% wrong: multiplied by the scale | edits: symmetric matrix of quadratic coefficients | loses: test_gradient test_gradient_quadratic
# / scale[:, None] => * scale[:, None]

# %% wrong: derivative with respect to wavelength | loses: test_gradient test_gradient_quadratic test_fit_star test_fit_star_errors test_fit_star_starts
def gradient(labels, coefficients, mean, scale):
    flux = predict(labels[None], coefficients, mean, scale)[0]
    return np.tile(np.gradient(flux), (len(labels), 1))
