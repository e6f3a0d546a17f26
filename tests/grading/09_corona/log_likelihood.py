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

# %% wrong: the determinant forgotten | edits: slogdet | loses: test_log_likelihood_imperfect
# - sign, logdet = np.linalg.slogdet(2 * np.pi * total)

# - return -0.5 * (np.einsum("gi,gij,gj->g", r, np.linalg.inv(total), r) + logdet)
# + return -0.5 * np.einsum("gi,gij,gj->g", r, np.linalg.inv(total), r)

# %% wrong: models taken for perfect | loses: test_log_likelihood_imperfect
def log_likelihood(intensity, covariance, models, relative):
    inverse = np.linalg.inv(covariance)
    e = (models @ inverse @ intensity) / np.einsum("gi,ij,gj->g", models, inverse, models)
    r = intensity - np.clip(e, 1e-3, None)[:, None] * models
    _, logdet = np.linalg.slogdet(2 * np.pi * covariance)
    return -0.5 * (np.einsum("gi,ij,gj->g", r, inverse, r) + logdet)

# %% wrong: base-10 logarithm | edits: slogdet | loses: test_log_likelihood test_log_likelihood_imperfect
# sign => _
# - return -0.5 * (np.einsum("gi,gij,gj->g", r, np.linalg.inv(total), r) + logdet)
# + return -0.5 * (np.einsum("gi,gij,gj->g", r, np.linalg.inv(total), r) + logdet) / np.log(10)

# %% wrong: relative errors added as if absolute | edits: slogdet | loses: test_log_likelihood_imperfect
# np.einsum("gi,ij,gj->gij", mean, relative, mean) => relative
# sign => _
# "gi,gij,gj->g" => "gi,ij,gj->g"

# %% wrong: chi squared with the wrong sign | edits: slogdet | loses: test_log_likelihood test_log_likelihood_imperfect
# sign => _
# -0.5 => 0.5

# %% wrong: brightness fixed at one | loses: test_log_likelihood test_log_likelihood_imperfect
def log_likelihood(intensity, covariance, models, relative):
    total = covariance + np.einsum("gi,ij,gj->gij", models, relative, models)
    _, logdet = np.linalg.slogdet(2 * np.pi * total)
    r = intensity - models
    return -0.5 * (np.einsum("gi,gij,gj->g", r, np.linalg.inv(total), r) + logdet)
