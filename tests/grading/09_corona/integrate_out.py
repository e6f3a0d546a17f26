"""Rivals of `integrate_out`."""

# %% right: the pixels' covariance and Cholesky
def integrate_out(profiles, others, data, prior):
    covariance = np.eye(len(data)) + (others * prior**2) @ others.T
    weighted = np.linalg.solve(covariance, profiles)
    root = np.linalg.cholesky(profiles.T @ weighted).T
    return root, np.linalg.solve(root.T, weighted.T @ data)

# %% right: the others projected out first, columns in another order
def integrate_out(profiles, others, data, prior):
    n = profiles.shape[1]
    above = np.vstack([others, np.diag(1.0 / prior)])
    below = np.zeros((len(prior), n))
    basis = np.linalg.qr(above)[0]
    left = np.vstack([profiles, below])
    value = np.append(data, np.zeros(len(prior)))
    left, value = (x - basis @ (basis.T @ x) for x in (left, value))
    rotation, root = np.linalg.qr(left[:, ::-1])
    return [root[:, ::-1], rotation.T @ value]

# %% wrong: the priors forgotten | loses: test_integrate_out test_integrate_out_prior
# np.diag(1 / prior), => np.diag(0 / prior),

# %% wrong: variance for standard deviation | loses: test_integrate_out
# np.diag(1 / prior), => np.diag(1 / prior**2),

# %% wrong: the prior upside down | loses: test_integrate_out test_integrate_out_prior
# np.diag(1 / prior), => np.diag(prior),

# %% wrong: the others taken for known | loses: test_integrate_out test_integrate_out_prior
def integrate_out(profiles, others, data, prior):
    rotation, root = np.linalg.qr(profiles)
    return root, rotation.T @ data

# %% wrong: the first rows of the triangle | loses: test_integrate_out test_integrate_out_prior
# triangle[m : m + n_lines] => triangle[:n_lines]

# %% wrong: the lines integrated out instead | loses: test_integrate_out test_integrate_out_prior
# [others, profiles, data] => [profiles, others, data]
