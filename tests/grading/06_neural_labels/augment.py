"""Rivals of `augment`."""

# %% right: normal with a scale
def augment(inputs, input_error, lost, rng):
    noisy = rng.normal(inputs, input_error)
    noisy[rng.uniform(size=noisy.shape) < lost] = 0
    return noisy

# %% right: holes first
def augment(inputs, input_error, lost, rng):
    keep = rng.binomial(1, 1 - lost, size=inputs.shape)
    return keep * (inputs + input_error * rng.normal(size=inputs.shape))

# %% wrong: the same noise for every star | loses: test_augment
def augment(inputs, input_error, lost, rng):
    noisy = inputs + input_error * rng.normal(size=inputs.shape[1])
    return np.where(rng.random(inputs.shape) < lost, 0, noisy)

# %% wrong: its own seed | loses: test_augment_fresh
def augment(inputs, input_error, lost, rng):
    rng = np.random.default_rng(0)
    noisy = inputs + input_error * rng.normal(size=inputs.shape)
    return np.where(rng.random(inputs.shape) < lost, 0, noisy)

# %% wrong: numpy's global generator | loses: test_augment_fresh
def augment(inputs, input_error, lost, rng):
    noisy = inputs + input_error * np.random.normal(size=inputs.shape)
    return np.where(np.random.random(inputs.shape) < lost, 0, noisy)

# %% wrong: uniform noise | loses: test_augment
def augment(inputs, input_error, lost, rng):
    noisy = inputs + input_error * rng.uniform(-1, 1, size=inputs.shape)
    return np.where(rng.random(inputs.shape) < lost, 0, noisy)

# %% wrong: variance for sigma | loses: test_augment
def augment(inputs, input_error, lost, rng):
    noisy = inputs + input_error**2 * rng.normal(size=inputs.shape)
    return np.where(rng.random(inputs.shape) < lost, 0, noisy)

# %% wrong: positive noise | loses: test_augment
def augment(inputs, input_error, lost, rng):
    noisy = inputs + np.abs(input_error * rng.normal(size=inputs.shape))
    return np.where(rng.random(inputs.shape) < lost, 0, noisy)

# %% wrong: the same pixels lost in all stars | loses: test_augment_lost
def augment(inputs, input_error, lost, rng):
    noisy = inputs + input_error * rng.normal(size=inputs.shape)
    noisy[:, rng.random(inputs.shape[1]) < lost] = 0
    return noisy

# %% wrong: keeps the share it should lose | loses: test_augment test_augment_lost test_augment_fresh test_train_network_learns
def augment(inputs, input_error, lost, rng):
    noisy = inputs + input_error * rng.normal(size=inputs.shape)
    return np.where(rng.random(inputs.shape) < lost, noisy, 0)

# %% wrong: no holes | loses: test_augment_lost
def augment(inputs, input_error, lost, rng):
    return inputs + input_error * rng.normal(size=inputs.shape)

# %% wrong: one level of noise for all pixels | loses: test_augment
def augment(inputs, input_error, lost, rng):
    noisy = inputs + input_error.mean() * rng.normal(size=inputs.shape)
    return np.where(rng.random(inputs.shape) < lost, 0, noisy)
