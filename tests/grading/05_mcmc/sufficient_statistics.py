"""Rivals of `sufficient_statistics`."""

# %% right: good pixels only, by einsum
def sufficient_statistics(flux, error, s2, coefficients):
    k = error < 1e9
    w = 1 / (error[k] ** 2 + s2[k])
    C, f = coefficients[:, k], flux[k]
    return np.einsum("in,jn,n->ij", C, C, w), np.einsum("in,n,n->i", C, f, w), np.sum(w * f * f)

# %% right: whitened first
def sufficient_statistics(flux, error, s2, coefficients):
    k = error < 1e9
    sd = np.sqrt(error[k] ** 2 + s2[k])
    A, y = coefficients[:, k] / sd, flux[k] / sd
    return A @ A.T, A @ y, float(y @ y)

# %% wrong: not weighted | loses: test_sufficient_statistics
# 1 / (error**2 + s2) => 1.0

# %% wrong: the weights are squared | loses: test_sufficient_statistics
# 1 / (error**2 + s2) => 1 / (error**2 + s2) ** 2

# %% wrong: NaN of bad pixels | loses: test_sufficient_statistics
# np.where(good, flux, 0.0) => flux

# %% wrong: s2 is left out | loses: test_sufficient_statistics
# (error**2 + s2) => error**2

# %% wrong: the factor two is in the vector already | loses: test_sufficient_statistics
# weighted @ flux => 2 * weighted @ flux

# %% wrong: the best coefficients of the spectrum instead | loses: test_sufficient_statistics
# - return weighted @ coefficients.T, weighted @ flux, float(flux**2 @ weight)
# + A = weighted @ coefficients.T
# + return np.linalg.inv(A), np.linalg.solve(A, weighted @ flux), float(flux**2 @ weight)

# %% right: pixel by pixel
def sufficient_statistics(flux, error, s2, coefficients):
    A, b, c = np.zeros((21, 21)), np.zeros(21), 0.0
    for f, e, s, theta in zip(flux, error, s2, coefficients.T):
        if e < 1e9:
            A += np.outer(theta, theta) / (e**2 + s)
            b += theta * f / (e**2 + s)
            c += f**2 / (e**2 + s)
    return A.tolist(), b.tolist(), c

# %% right: in float32
# weighted = coefficients * weight => weighted = np.float32(coefficients * weight)
# weighted @ coefficients.T, weighted @ flux, => weighted @ np.float32(coefficients.T), weighted @ np.float32(flux),

# %% wrong: zeros | loses: test_sufficient_statistics
def sufficient_statistics(flux, error, s2, coefficients):
    return np.zeros((21, 21)), np.zeros(21), 0.0

# %% wrong: weighted by one over sigma | loses: test_sufficient_statistics
# 1 / (error**2 + s2) => 1 / np.sqrt(error**2 + s2)

# %% wrong: the limit itself is taken for good | loses: test_sufficient_statistics
# error < BAD_LIMIT => error <= BAD_LIMIT
