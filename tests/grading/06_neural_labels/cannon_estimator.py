"""Rivals of `cannon_estimator`."""

# %% right: whitened least squares
def cannon_estimator(gradients, variance):
    w = 1 / np.sqrt(variance)
    return np.linalg.pinv((gradients * w).T) * w

# %% right: the inverse, written out
def cannon_estimator(gradients, variance):
    fisher = np.einsum("ip,p,jp->ij", gradients, 1 / variance, gradients)
    return np.linalg.inv(fisher) @ gradients @ np.eye(len(variance)) / variance

# %% wrong: not weighted | loses: test_cannon_estimator_weights
def cannon_estimator(gradients, variance):
    return np.linalg.pinv(gradients.T)

# %% wrong: weighted with sigma | loses: test_cannon_estimator_weights
def cannon_estimator(gradients, variance):
    g = gradients / np.sqrt(variance)
    return np.linalg.solve(g @ gradients.T, g)

# %% wrong: labels one at a time | loses: test_cannon_estimator test_cannon_estimator_weights
def cannon_estimator(gradients, variance):
    w = gradients / variance
    return w / (w * gradients).sum(axis=1, keepdims=True)

# %% wrong: the gradient itself | loses: test_cannon_estimator test_cannon_estimator_weights
def cannon_estimator(gradients, variance):
    return gradients

# %% wrong: not divided by the Fisher matrix | loses: test_cannon_estimator test_cannon_estimator_weights
def cannon_estimator(gradients, variance):
    return gradients / variance

# %% wrong: transposed | loses: test_cannon_estimator test_cannon_estimator_weights
def cannon_estimator(gradients, variance):
    w = gradients / variance
    return np.linalg.solve(w @ gradients.T, w).T

# %% wrong: multiplied by the variance | loses: test_cannon_estimator_weights
def cannon_estimator(gradients, variance):
    w = gradients * variance
    return np.linalg.solve(w @ gradients.T, w)

# %% wrong: Fisher matrix not inverted | loses: test_cannon_estimator test_cannon_estimator_weights
def cannon_estimator(gradients, variance):
    w = gradients / variance
    return (w @ gradients.T) @ w
