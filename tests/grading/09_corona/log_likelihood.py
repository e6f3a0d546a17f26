"""Rivals of `log_likelihood`."""

# %% right: scipy, model by model
def log_likelihood(intensity, covariance, models, relative):
    from scipy.stats import multivariate_normal

    inverse = np.linalg.inv(covariance)
    answer = []
    for m in models:
        e = max(m @ inverse @ intensity / (m @ inverse @ m), 1e-3)
        total = covariance + e**2 * relative * np.outer(m, m)
        answer.append(multivariate_normal.logpdf(intensity, e * m, total, allow_singular=True))
    return np.array(answer)

# %% right: slogdet
def log_likelihood(intensity, covariance, models, relative):
    inverse = np.linalg.inv(covariance)
    e = (models @ inverse @ intensity) / np.einsum("gi,ij,gj->g", models, inverse, models)
    mean = np.clip(e, 1e-3, None)[:, None] * models
    total = covariance + np.einsum("gi,ij,gj->gij", mean, relative, mean)
    sign, logdet = np.linalg.slogdet(2 * np.pi * total)
    r = intensity - mean
    return -0.5 * (np.einsum("gi,gij,gj->g", r, np.linalg.inv(total), r) + logdet)

# %% wrong: the determinant forgotten | loses: test_log_likelihood_imperfect
# chi2 + determinant => chi2

# %% wrong: models taken for perfect | loses: test_log_likelihood_imperfect
# relative * mean[:, :, None] * mean[:, None, :] + covariance => covariance

# %% wrong: base-10 logarithm | loses: test_log_likelihood test_log_likelihood_imperfect
# return -0.5 => return -0.5 / np.log(10)

# %% wrong: relative errors added as if absolute | loses: test_log_likelihood_imperfect
# relative * mean[:, :, None] * mean[:, None, :] + covariance => relative + covariance

# %% wrong: chi squared with the wrong sign | loses: test_log_likelihood test_log_likelihood_imperfect
# return -0.5 => return 0.5

# %% wrong: brightness fixed at one | loses: test_log_likelihood test_log_likelihood_imperfect
# - scale = np.maximum((weighted @ intensity) / np.sum(weighted * models, axis=1), 1e-3)
# + scale = np.ones(len(models))

# %% right: a Cholesky factor for each model, single precision at the end
def log_likelihood(intensity, covariance, models, relative):
    from scipy.linalg import cho_factor, cho_solve

    first = cho_factor(covariance)
    answer = []
    for m in models:
        w = cho_solve(first, m)
        mean = max(float(w @ intensity / (w @ m)), 1e-3) * m
        root = cho_factor(covariance + relative * np.outer(mean, mean), lower=True)
        r = intensity - mean
        ln_det = 2 * np.sum(np.log(np.diag(root[0])))
        answer.append(np.float32(-0.5 * (r @ cho_solve(root, r) + ln_det + len(r) * np.log(2 * np.pi))))
    return answer

# %% wrong: brightness may be negative | loses: test_log_likelihood_imperfect
# - scale = np.maximum((weighted @ intensity) / np.sum(weighted * models, axis=1), 1e-3)
# + scale = (weighted @ intensity) / np.sum(weighted * models, axis=1)

# %% wrong: the brightness of the sums | loses: test_log_likelihood test_log_likelihood_imperfect
# (weighted @ intensity) / np.sum(weighted * models, axis=1) => intensity.sum() / models.sum(axis=1)

# %% wrong: without its normalisation | loses: test_log_likelihood_imperfect
# + n * np.log(2 * np.pi) =>

# %% wrong: all models alike | loses: test_log_likelihood test_log_likelihood_imperfect
def log_likelihood(intensity, covariance, models, relative):
    return np.zeros(len(models))
