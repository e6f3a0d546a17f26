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

# %% right: slopes from one-sided differences
def predict(labels, coefficients, mean, scale):
    i, j = np.triu_indices(5)

    def flux(x):
        return np.concatenate([[1.0], x, x[i] * x[j]]) @ coefficients

    x = (labels - mean) / scale
    here = flux(x)
    return here, np.stack([(flux(x + h) - here) / 1e-6 for h in 1e-6 * np.eye(5)], axis=1) / scale

# %% right: torch finds the slopes
def predict(labels, coefficients, mean, scale):
    import torch

    C, m, s = (torch.as_tensor(np.asarray(a, dtype=float)) for a in (coefficients, mean, scale))
    i, j = torch.triu_indices(5, 5)

    def flux(values):
        x = (values - m) / s
        return torch.cat([torch.ones(1, dtype=torch.float64), x, x[i] * x[j]]) @ C

    at = torch.as_tensor(np.asarray(labels, dtype=float))
    slopes = torch.autograd.functional.jacobian(flux, at)
    return flux(at).numpy(), slopes.numpy()

# %% right: scikit-learn's polynomial
def predict(labels, coefficients, mean, scale):
    from sklearn.preprocessing import PolynomialFeatures

    terms = PolynomialFeatures(2).fit(np.zeros((1, 5)))
    x = (labels - mean) / scale
    slopes = [
        [power[k] * np.prod(x ** (power - np.eye(5, dtype=int)[k])) if power[k] else 0.0 for k in range(5)]
        for power in terms.powers_
    ]
    return (terms.transform([x]) @ coefficients)[0], coefficients.T @ np.array(slopes) / scale

# %% right: in float32
# return flux, coefficients.T @ slopes / scale => return np.float32(flux), np.float32(coefficients.T) @ np.float32(slopes / scale)

# %% wrong: the constant term alone | loses: test_predict test_predict_jacobian test_log_likelihood test_log_likelihood_bad test_log_likelihood_gradient test_fast_log_likelihood test_fast_log_likelihood_gradient test_predictive_spectra
def predict(labels, coefficients, mean, scale):
    return coefficients[0], np.zeros((coefficients.shape[1], 5))

# %% wrong: the coefficients of the linear terms for slopes | loses: test_predict_jacobian test_log_likelihood_gradient test_fast_log_likelihood_gradient
# coefficients.T @ slopes / scale => coefficients[1:6].T / scale
