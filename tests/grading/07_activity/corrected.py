"""Rivals of `corrected`."""

# %% right: one spectrum at a time
def corrected(flux, template, order=3, rounds=5, clip=2.0):
    x = np.linspace(-1, 1, flux.shape[1])
    made = np.empty(flux.shape)
    for i, ratio in enumerate(flux / template):
        w = np.ones(x.size, bool)
        for _ in range(rounds):
            r = ratio - np.polyval(np.polyfit(x[w], ratio[w], order), x)
            w = np.abs(r) <= clip * r[w].std() + 1e-12
        made[i] = flux[i] / np.polyval(np.polyfit(x[w], ratio[w], order), x)
    return made

# %% right: Chebyshev, more rounds
def corrected(flux, template, order=3, rounds=5, clip=2.0):
    V = np.polynomial.chebyshev.chebvander(np.linspace(-1, 1, flux.shape[1]), order)
    made = []
    for f, t in zip(flux, template):
        y, w = f / t, np.ones(len(f), bool)
        for _ in range(rounds + 2):
            p = V @ np.linalg.lstsq(V[w], y[w], rcond=None)[0]
            r = y - p
            w = np.abs(r - r[w].mean()) <= clip * r[w].std() + 1e-12
        made.append(f / p)
    return np.array(made)

# %% wrong: nothing clipped | loses: test_corrected_emission
# order, rounds, clip => order, 0, clip

# %% wrong: the ratio upside down | loses: test_corrected test_corrected_emission
# flux / template => template / flux

# %% wrong: only a level | loses: test_corrected
def corrected(flux, template, order=3, rounds=5, clip=2.0):
    return flux / np.median(flux / template, axis=1, keepdims=True)

# %% wrong: a straight line | loses: test_corrected
# order, rounds, clip => 1, rounds, clip

# %% wrong: the template corrected instead | loses: test_corrected test_corrected_emission
# flux / continuum => template * continuum

# %% wrong: the polynomial itself | loses: test_corrected test_corrected_emission
# flux / continuum => continuum

# %% wrong: emission divided away with a running mean | loses: test_corrected test_corrected_emission
def corrected(flux, template, order=3, rounds=5, clip=2.0):
    from scipy.ndimage import uniform_filter1d

    return flux / uniform_filter1d(flux / template, 7, axis=1)
