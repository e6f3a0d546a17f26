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

# %% wrong: keeps the share it should lose | loses: test_augment test_augment_lost test_augment_fresh test_train_network_learns test_train_network_honest
# < lost => >= lost

# %% wrong: no holes | loses: test_augment_lost
# < lost => < 0

# %% wrong: one level of noise for all pixels | loses: test_augment
# input_error * => input_error.mean() *

# %% right: in float32
def augment(inputs, input_error, lost, rng):
    x = np.float32(inputs) + np.float32(input_error) * np.float32(rng.normal(size=np.shape(inputs)))
    x[rng.random(x.shape) < lost] = 0
    return x

# %% right: scipy's distributions
def augment(inputs, input_error, lost, rng):
    from scipy.stats import bernoulli, norm

    noise = norm.rvs(size=inputs.shape, random_state=rng) * input_error
    return (inputs + noise) * (1 - bernoulli.rvs(lost, size=inputs.shape, random_state=rng))

# %% right: star by star, as lists
def augment(inputs, input_error, lost, rng):
    again = []
    for x, e in zip(inputs, input_error):
        y = x + e * rng.standard_normal(len(x))
        y[rng.uniform(0, 1, len(x)) < lost] = 0.0
        again.append(y.tolist())
    return again

# %% wrong: noise added in place | loses: test_augment test_augment_lost test_augment_fresh
def augment(inputs, input_error, lost, rng):
    inputs += input_error * rng.normal(size=inputs.shape)
    inputs[rng.random(inputs.shape) < lost] = 0
    return inputs

# %% wrong: uniform noise of the right width | loses: test_augment
# rng.standard_normal(inputs.shape, dtype=np.float32) => rng.uniform(-(3**0.5), 3**0.5, inputs.shape)

# %% wrong: a seed of its own for the holes | loses: test_augment_fresh
# rng.random(inputs.shape, dtype=np.float32) => np.random.random(inputs.shape)

# %% wrong: noise and nothing else | loses: test_augment test_augment_lost test_augment_fresh
def augment(inputs, input_error, lost, rng):
    return rng.normal(size=inputs.shape)

# %% wrong: holes and nothing else | loses: test_augment test_augment_lost test_augment_fresh
def augment(inputs, input_error, lost, rng):
    return (rng.random(inputs.shape) >= lost).astype(float)

# %% wrong: nothing happens | loses: test_augment test_augment_lost test_augment_fresh
def augment(inputs, input_error, lost, rng):
    return inputs.copy()

# %% wrong: whole stars lost | loses: test_augment_lost
def augment(inputs, input_error, lost, rng):
    noisy = inputs + rng.normal(size=inputs.shape) * input_error
    return noisy * (rng.random((len(inputs), 1)) >= lost)

# %% wrong: never more than a fifth lost | loses: test_augment_lost
def augment(inputs, input_error, lost, rng):
    noisy = inputs + rng.normal(size=inputs.shape) * input_error
    return np.where(rng.random(noisy.shape) < min(lost, 0.2), 0.0, noisy)
