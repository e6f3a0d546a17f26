"""Rivals of `predict`."""

# %% right: loops, written out
def predict(labels, coefficients, mean, scale):
    x = (np.asarray(labels) - mean) / scale
    flux = coefficients[0].astype(float)
    jac = np.zeros((coefficients.shape[1], 5))
    for i in range(5):
        flux = flux + coefficients[1 + i] * x[i]
        jac[:, i] += coefficients[1 + i]
    k = 6
    for i in range(5):
        for j in range(i, 5):
            flux = flux + coefficients[k] * x[i] * x[j]
            jac[:, i] += coefficients[k] * x[j]
            jac[:, j] += coefficients[k] * x[i]
            k += 1
    return flux, jac / scale

# %% right: a symmetric matrix for each pixel
def predict(labels, coefficients, mean, scale):
    x = (labels - mean) / scale
    n = coefficients.shape[1]
    Q = np.zeros((5, 5, n))
    i, j = np.triu_indices(5)
    Q[i, j] += coefficients[6:] / 2
    Q[j, i] += coefficients[6:] / 2
    Qx = np.einsum("ijn,j->in", Q, x)
    flux = coefficients[0] + x @ coefficients[1:6] + x @ Qx
    return flux, ((coefficients[1:6] + 2 * Qx) / scale[:, None]).T

# %% wrong: derivative with respect to the scaled labels | loses: test_predict_jacobian test_log_likelihood_gradient test_fast_log_likelihood_gradient
# slopes / scale => slopes

# %% wrong: the derivative of a square is taken once | loses: test_predict_jacobian test_log_likelihood_gradient test_fast_log_likelihood_gradient
# np.add.at(slopes, (pair, first), x[second]) => slopes[pair, first] = x[second]
# np.add.at(slopes, (pair, second), x[first]) => slopes[pair, second] = x[first]

# %% wrong: a transposed Jacobian | loses: test_predict_jacobian test_log_likelihood test_log_likelihood_bad test_log_likelihood_gradient test_fast_log_likelihood test_fast_log_likelihood_gradient
# coefficients.T @ slopes / scale => (coefficients.T @ slopes / scale).T

# %% wrong: labels not scaled | loses: test_predict test_predict_jacobian test_log_likelihood test_log_likelihood_gradient test_fast_log_likelihood test_fast_log_likelihood_gradient test_predictive_spectra
# (labels - mean) / scale => np.asarray(labels)
# slopes / scale => slopes

# %% wrong: products in the order of the lower triangle | loses: test_predict test_predict_jacobian test_log_likelihood test_log_likelihood_gradient test_fast_log_likelihood test_fast_log_likelihood_gradient test_predictive_spectra
# np.triu_indices => np.tril_indices

# %% wrong: only the linear terms have a slope | loses: test_predict_jacobian test_log_likelihood_gradient test_fast_log_likelihood_gradient
# - np.add.at(slopes, (pair, first), x[second])
# - np.add.at(slopes, (pair, second), x[first])
