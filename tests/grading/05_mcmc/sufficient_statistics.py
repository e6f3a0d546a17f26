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
def sufficient_statistics(flux, error, s2, coefficients):
    k = error < 1e9
    C, f = coefficients[:, k], flux[k]
    return C @ C.T, C @ f, float(f @ f)

# %% wrong: the weights are squared | loses: test_sufficient_statistics
def sufficient_statistics(flux, error, s2, coefficients):
    k = error < 1e9
    w = 1 / (error[k] ** 2 + s2[k])
    C, f = coefficients[:, k] * w, flux[k] * w
    return C @ C.T, C @ f, float(f @ f)

# %% wrong: NaN of bad pixels | loses: test_sufficient_statistics
def sufficient_statistics(flux, error, s2, coefficients):
    w = 1 / (error**2 + s2)
    return (coefficients * w) @ coefficients.T, coefficients @ (w * flux), float(w @ flux**2)

# %% wrong: s2 is left out | loses: test_sufficient_statistics
def sufficient_statistics(flux, error, s2, coefficients):
    k = error < 1e9
    w = 1 / error[k] ** 2
    C, f = coefficients[:, k], flux[k]
    return (C * w) @ C.T, C @ (w * f), float(w @ f**2)

# %% wrong: the factor two is in the vector already | edits: good pixels only, by einsum | loses: test_sufficient_statistics
# - return np.einsum("in,jn,n->ij", C, C, w), np.einsum("in,n,n->i", C, f, w), np.sum(w * f * f)
# + return (C * w) @ C.T, 2 * C @ (w * f), float(w @ f**2)

# %% wrong: the best coefficients of the spectrum instead | edits: good pixels only, by einsum | loses: test_sufficient_statistics
# - return np.einsum("in,jn,n->ij", C, C, w), np.einsum("in,n,n->i", C, f, w), np.sum(w * f * f)
# + A = (C * w) @ C.T
# + return np.linalg.inv(A), np.linalg.solve(A, C @ (w * f)), float(w @ f**2)
