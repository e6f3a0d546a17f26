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

# %% right: Chebyshev
def corrected(flux, template, order=3, rounds=5, clip=2.0):
    V = np.polynomial.chebyshev.chebvander(np.linspace(-1, 1, flux.shape[1]), order)
    made = []
    for f, t in zip(flux, template):
        y, w = f / t, np.ones(len(f), bool)
        p = V @ np.linalg.lstsq(V, y, rcond=None)[0]
        for _ in range(rounds):
            r = y - p
            w = np.abs(r - r[w].mean()) <= clip * r[w].std() + 1e-12
            p = V @ np.linalg.lstsq(V[w], y[w], rcond=None)[0]
        made.append(f / p)
    return np.array(made)

# %% wrong: nothing clipped | loses: test_corrected_emission
# order, rounds, clip => order, 0, clip

# %% wrong: the ratio upside down | loses: test_corrected test_corrected_emission
# flux / template => template / flux

# %% wrong: only a level | loses: test_corrected test_corrected_emission
def corrected(flux, template, order=3, rounds=5, clip=2.0):
    return flux / np.median(flux / template, axis=1, keepdims=True)

# %% wrong: a straight line | loses: test_corrected test_corrected_emission
# order, rounds, clip => 1, rounds, clip

# %% wrong: the template corrected instead | loses: test_corrected test_corrected_emission
# flux / continuum => template * continuum

# %% wrong: the polynomial itself | loses: test_corrected test_corrected_emission
# flux / continuum => continuum

# %% wrong: emission divided away with a running mean | loses: test_corrected test_corrected_emission
def corrected(flux, template, order=3, rounds=5, clip=2.0):
    from scipy.ndimage import uniform_filter1d

    return flux / uniform_filter1d(flux / template, 7, axis=1)

# %% right: astropy, single precision
def corrected(flux, template, order=3, rounds=5, clip=2.0):
    from astropy.stats import sigma_clip

    ratio = np.asarray(flux, dtype=np.float32) / np.asarray(template, dtype=np.float32)
    x = np.linspace(-1, 1, ratio.shape[1], dtype=np.float32)
    made = []
    for f, r in zip(flux, ratio):
        left, at = r, x
        for _ in range(rounds):
            away = left - np.polyval(np.polyfit(at, left, order), at)
            out = sigma_clip(away, sigma=clip, maxiters=1, cenfunc="mean").mask
            left, at = left[~out], at[~out]
        made.append((f / np.polyval(np.polyfit(at, left, order), x)).astype(np.float32))
    return made

# %% wrong: the template itself | loses: test_corrected test_corrected_emission
def corrected(flux, template, order=3, rounds=5, clip=2.0):
    return template

# %% wrong: the flux as it was | loses: test_corrected test_corrected_emission
def corrected(flux, template, order=3, rounds=5, clip=2.0):
    return flux

# %% wrong: always a cubic | loses: test_corrected
# order, rounds, clip => 3, rounds, clip

# %% wrong: always five rounds | loses: test_corrected_emission
# order, rounds, clip => order, 5, clip

# %% wrong: always at two sigma | loses: test_corrected test_corrected_emission
# order, rounds, clip => order, rounds, 2.0
