"""Rivals of `noise_roots`."""

# %% right: the symmetric root
def noise_roots(flux, project):
    squared = flux.astype(float) ** 2
    covariance = np.einsum("np,pi,pj->nij", squared, project, project, optimize=True)
    value, vector = np.linalg.eigh(covariance)
    return (vector * np.sqrt(np.maximum(value, 0))[:, None, :]) @ vector.transpose(0, 2, 1)

# %% right: from the triangle of a QR decomposition
def noise_roots(flux, project):
    return np.array([np.linalg.qr(f[:, None] * project)[1].T for f in flux])

# %% wrong: the covariance itself | loses: test_noise_roots
def noise_roots(flux, project):
    return np.array([(project * f[:, None]).T @ (project * f[:, None]) for f in flux])

# %% wrong: the root's transpose | edits: from the triangle of a QR decomposition | loses: test_noise_roots
# [1].T for => [1] for

# %% wrong: roots of the entries | loses: test_noise_roots
def noise_roots(flux, project):
    parts = [project * f[:, None] for f in flux]
    return np.sqrt(np.abs([part.T @ part for part in parts]))

# %% wrong: noise of the root of the flux | edits: the symmetric root | loses: test_noise_roots
# flux.astype(float) ** 2 => flux.astype(float)

# %% wrong: all stars have the noise of the mean | edits: the symmetric root | loses: test_noise_roots
# flux.astype(float) ** 2 => (flux.mean(axis=0) + 0.0 * flux) ** 2

# %% wrong: directions taken to be independent | edits: the symmetric root | loses: test_noise_roots
# np.linalg.eigh(covariance) => np.linalg.eigh(covariance * np.eye(project.shape[1]))
