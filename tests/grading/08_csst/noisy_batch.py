"""Rivals of `noisy_batch`."""

# %% right: rng.normal
def noisy_batch(clean, size, rng, levels=(20, 25, 30, 35, 40)):
    rows = rng.integers(0, clean.shape[0], size)
    snr = np.asarray(levels, float)[rng.integers(0, len(levels), size)]
    error = clean[rows] / snr[:, None]
    return rows, rng.normal(clean[rows], error), error

# %% right: Eq. 1 as printed, one spectrum at a time
def noisy_batch(clean, size, rng, levels=(20, 25, 30, 35, 40)):
    rows, flux, error = [], [], []
    for _ in range(size):
        i = int(rng.integers(len(clean)))
        snr = float(rng.choice(levels))
        r = rng.normal(0, 1 / snr, clean.shape[1])
        rows.append(i)
        flux.append(clean[i] + r * clean[i])
        error.append(clean[i] / snr)
    return np.array(rows), np.array(flux), np.array(error)

# %% wrong: the S/N of the test set among those of training | loses: test_noisy_batch
# levels, size => [*levels, 80], size

# %% wrong: noise drawn once for each star | loses: test_noisy_batch_fresh
# rng.standard_normal(error.shape) => np.random.default_rng(0).standard_normal(clean.shape)[rows]

# %% wrong: one number for all pixels of a spectrum | loses: test_noisy_batch test_noisy_batch_fresh
# rng.standard_normal(error.shape) => 3 * rng.standard_normal((size, 1))

# %% wrong: the variance for the standard deviation | loses: test_noisy_batch
# error * rng => error**2 * rng

# %% wrong: the same error for all pixels | loses: test_noisy_batch
# clean[rows] / snr[:, None] => np.ones_like(clean[rows]) / snr[:, None]

# %% wrong: always the first stars | loses: test_noisy_batch
# rng.integers(len(clean), size=size) => np.arange(size) % 20 % len(clean)

# %% wrong: one S/N for the whole batch | loses: test_noisy_batch
# rng.choice(levels, size=size) => np.full(size, rng.choice(levels))

# %% right: every star as often as the others, single precision
def noisy_batch(clean, size, rng, levels=(20, 25, 30, 35, 40)):
    n = len(clean)
    rows = np.concatenate([rng.permutation(n) for _ in range(size // n + 1)])[:size]
    clean = np.asarray(clean, dtype=np.float32)[rows]
    relative = 1 / np.float32(rng.permutation(np.resize(levels, size)))[:, None]
    noise = rng.standard_normal(clean.shape, dtype=np.float32)
    return rows.tolist(), clean * (1 + relative * noise), relative * clean

# %% wrong: chance of its own | loses: test_noisy_batch_fresh
# * rng.standard_normal(error.shape) => * np.random.standard_normal(error.shape)

# %% wrong: the usual levels whatever was asked | loses: test_noisy_batch
# rng.choice(levels, => rng.choice((20, 25, 30, 35, 40),

# %% wrong: no noise | loses: test_noisy_batch test_noisy_batch_fresh
# + error * rng.standard_normal(error.shape) =>

# %% wrong: the first half of the stars | loses: test_noisy_batch
# rng.integers(len(clean), size=size) => rng.integers(max(len(clean) * 4 // 5, 1), size=size)

# %% right: integers and choice
def noisy_batch(clean, size, rng, levels=(20, 25, 30, 35, 40)):
    rows = rng.integers(0, len(clean), size)
    snr = rng.choice(levels, size)
    error = clean[rows] / snr[:, None]
    return rows, clean[rows] + error * rng.standard_normal(error.shape), error

# %% wrong: a star has always the same S/N | edits: integers and choice | loses: test_noisy_batch
# rng.choice(levels, size) => np.asarray(levels)[rows % len(levels)]

# %% wrong: stars in their order, from the first | edits: integers and choice | loses: test_noisy_batch
# rng.integers(0, len(clean), size) => np.arange(size) % len(clean)

# %% wrong: noise from a box | edits: integers and choice | loses: test_noisy_batch
# rng.standard_normal(error.shape) => rng.uniform(-(3**0.5), 3**0.5, error.shape)
