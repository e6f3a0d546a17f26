"""Rivals of `sed_bound`."""

# %% right: pixel by pixel
def sed_bound(flux, flux_gradient, log_sed_gradient, snr, prior):
    information = np.array(prior, float)
    for f, slope in zip(flux, flux_gradient.T):
        information += np.outer(slope, slope) / (f / snr) ** 2
    return np.array(
        [np.sqrt(g @ np.linalg.solve(information, g)) for g in log_sed_gradient.T]
    )

# %% right: einsum and a Cholesky factor
def sed_bound(flux, flux_gradient, log_sed_gradient, snr, prior):
    weight = (snr / flux) ** 2
    information = np.einsum("ap,bp,p->ab", flux_gradient, flux_gradient, weight) + prior
    root = np.linalg.cholesky(information)
    return np.linalg.norm(np.linalg.solve(root, log_sed_gradient), axis=0)

# %% wrong: variance, not standard deviation | loses: test_sed_bound test_sed_bound_prior
# - return np.sqrt(np.sum(log_sed_gradient * (covariance @ log_sed_gradient), axis=0))
# + return np.sum(log_sed_gradient * (covariance @ log_sed_gradient), axis=0) * 1.1

# %% wrong: labels taken for independent | loses: test_sed_bound test_sed_bound_prior
# covariance = np.linalg.inv => variance = 1 / np.diag
# * (covariance @ log_sed_gradient) => **2 * variance[:, None]

# %% wrong: what was known before is forgotten | loses: test_sed_bound_prior
# inv(scaled @ scaled.T + prior) => pinv(scaled @ scaled.T)

# %% wrong: the same error for all pixels | loses: test_sed_bound
# snr / flux => snr

# %% wrong: S/N not squared | loses: test_sed_bound
# flux_gradient * snr / flux => flux_gradient * np.sqrt(snr) / flux

# %% wrong: prior covariance added to the covariance | loses: test_sed_bound test_sed_bound_prior
# inv(scaled @ scaled.T + prior) => pinv(scaled @ scaled.T) + np.linalg.pinv(prior)
# np.sqrt => 2 * np.sqrt

# %% right: single precision, lists
def sed_bound(flux, flux_gradient, log_sed_gradient, snr, prior):
    error = (np.asarray(flux) / snr).astype(np.float32)
    information = np.asarray(prior, dtype=np.float32) + sum(
        np.outer(g, g) / e**2 for g, e in zip(np.float32(flux_gradient).T, error)
    )
    inverse = np.linalg.inv(information)
    return [float(np.sqrt(g @ inverse @ g)) for g in np.float32(log_sed_gradient).T]

# %% wrong: one everywhere | loses: test_sed_bound test_sed_bound_prior
def sed_bound(flux, flux_gradient, log_sed_gradient, snr, prior):
    return np.ones(log_sed_gradient.shape[1])

# %% wrong: S/N ignored | loses: test_sed_bound
# flux_gradient * snr / flux => flux_gradient * 20 / flux

# %% wrong: what was known before taken as independent | loses: test_sed_bound_prior
# + prior) => + np.diag(np.diag(prior)))
