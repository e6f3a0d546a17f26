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
# rng.standard_normal(inputs.shape, => rng.standard_normal(inputs.shape[1],

# %% wrong: its own seed | loses: test_augment_fresh
#   def augment(inputs, input_error, lost, rng):
# +     rng = np.random.default_rng(0)

# %% wrong: numpy's global generator | loses: test_augment_fresh
# rng.standard_normal(inputs.shape, dtype=np.float32) => np.random.standard_normal(inputs.shape)
# rng.random(inputs.shape, dtype=np.float32) => np.random.random(inputs.shape)

# %% wrong: uniform noise | loses: test_augment
# rng.standard_normal(inputs.shape, dtype=np.float32) => rng.uniform(-1, 1, inputs.shape)

# %% wrong: variance for sigma | loses: test_augment
# input_error * => input_error**2 *

# %% wrong: positive noise | loses: test_augment
# rng.standard_normal(inputs.shape, dtype=np.float32) => np.abs(rng.normal(size=inputs.shape))

# %% wrong: the same pixels lost in all stars | loses: test_augment_lost
# rng.random(inputs.shape, => rng.random(inputs.shape[1],

# %% wrong: keeps the share it should lose | loses: test_augment test_augment_lost test_augment_fresh test_train_network_learns
# < lost => >= lost

# %% wrong: no holes | loses: test_augment_lost
# < lost => < 0

# %% wrong: one level of noise for all pixels | loses: test_augment
# input_error * => input_error.mean() *
