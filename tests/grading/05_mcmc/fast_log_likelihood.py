"""Rivals of `fast_log_likelihood`."""

# %% right: written out, without `predict`
def fast_log_likelihood(labels, matrix, vector, scalar, mean, scale):
    x = (labels - mean) / scale
    i, j = np.triu_indices(5)
    q = np.r_[1.0, x, x[i] * x[j]]
    s = np.zeros((21, 5))
    for k in range(5):
        s[1 + k, k] = 1
        s[6:, k] = (i == k) * x[j] + (j == k) * x[i]
    return -0.5 * (scalar - 2 * q @ vector + q @ matrix @ q), s.T @ (vector - matrix @ q) / scale

# %% right: five-point difference quotients of the polynomial, which are exact
def fast_log_likelihood(labels, matrix, vector, scalar, mean, scale):
    i, j = np.triu_indices(5)

    def value(x):
        q = np.concatenate([[1.0], x, x[i] * x[j]])
        return q @ vector - 0.5 * q @ matrix @ q

    x = (labels - mean) / scale
    slope = []
    for h in 0.1 * np.eye(5):
        near, far = value(x + h) - value(x - h), value(x + 2 * h) - value(x - 2 * h)
        slope.append((8 * near - far) / 1.2)
    return value(x) - scalar / 2, np.array(slope) / scale

# %% wrong: gradient with respect to the scaled labels | loses: test_fast_log_likelihood_gradient
# slopes.T @ towards => slopes.T @ towards * scale

# %% wrong: the gradient of chi-squared | loses: test_fast_log_likelihood_gradient
# slopes.T @ towards => -2 * slopes.T @ towards

# %% wrong: the half is forgotten | loses: test_fast_log_likelihood test_fast_log_likelihood_gradient
# -0.5 * float => -float
# slopes.T @ towards => 2 * slopes.T @ towards

# %% wrong: the cross term once instead of twice | loses: test_fast_log_likelihood test_fast_log_likelihood_gradient
# vector - matrix @ q => vector / 2 - matrix @ q
# scalar - q @ vector => scalar - q @ vector / 2

# %% wrong: the value alone | loses: test_fast_log_likelihood test_fast_log_likelihood_gradient
# , slopes.T @ towards =>

# %% wrong: chi-squared instead of its negative half | loses: test_fast_log_likelihood test_fast_log_likelihood_gradient
# -0.5 * float => float
# slopes.T @ towards => -2 * slopes.T @ towards

# %% right: torch finds the slopes
def fast_log_likelihood(labels, matrix, vector, scalar, mean, scale):
    import torch

    A, b, m, s = (torch.as_tensor(np.asarray(a, dtype=float)) for a in (matrix, vector, mean, scale))
    at = torch.as_tensor(np.asarray(labels, dtype=float)).requires_grad_(True)
    x = (at - m) / s
    i, j = torch.triu_indices(5, 5)
    q = torch.cat([torch.ones(1, dtype=torch.float64), x, x[i] * x[j]])
    value = -0.5 * (scalar - 2 * q @ b + q @ A @ q)
    value.backward()
    return value.item(), at.grad

# %% right: without the constant, in float32
# -0.5 * float(scalar - q @ vector - q @ towards), slopes.T @ towards => float(np.float32(0.5 * q @ vector + 0.5 * q @ towards)), np.float32(slopes.T @ towards)

# %% wrong: nothing at all | loses: test_fast_log_likelihood test_fast_log_likelihood_gradient
def fast_log_likelihood(labels, matrix, vector, scalar, mean, scale):
    return -1.0, np.full(5, -1.0)

# %% wrong: where the labels are is ignored | loses: test_fast_log_likelihood test_fast_log_likelihood_gradient
# predict(labels, => predict(mean,
