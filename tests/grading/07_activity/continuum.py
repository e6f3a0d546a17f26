"""Rivals of `continuum`."""

# %% right: one spectrum at a time with legfit
def continuum(flux, order=4, rounds=5, clip=2.0):
    x = np.linspace(-1, 1, flux.shape[1])
    made = []
    for row in np.asarray(flux, dtype=float):
        keep = np.ones(row.size, dtype=bool)
        for _ in range(rounds):
            fit = np.polynomial.legendre.legval(x, np.polynomial.legendre.legfit(x[keep], row[keep], order))
            away = row - fit
            keep = np.abs(away - away[keep].mean()) <= clip * away[keep].std() + 1e-12
        made.append(np.polynomial.legendre.legval(x, np.polynomial.legendre.legfit(x[keep], row[keep], order)))
    return np.array(made)

# %% right: a power basis, least squares
def continuum(flux, order=4, rounds=5, clip=2.0):
    V = np.vander(np.linspace(-1, 1, flux.shape[1]), order + 1)
    out = np.empty(flux.shape)
    for i, y in enumerate(flux):
        w = np.ones(len(y), bool)
        for k in range(rounds + 1):
            out[i] = V @ np.linalg.lstsq(V[w], y[w], rcond=None)[0]
            r = y - out[i]
            if k < rounds:
                w = np.abs(r) < clip * r[w].std() + 1e-12
    return out

# %% wrong: through the lines, nothing clipped | loses: test_continuum_lines test_corrected_emission
# range(rounds) => range(0)

# %% wrong: clipped once | loses: test_continuum_lines
# range(rounds) => range(1)

# %% wrong: a parabola whatever was asked | loses: test_continuum test_corrected
#   def continuum(flux, order=4, rounds=5, clip=2.0):
# +     order = 2

# %% wrong: only dips clipped | loses: test_continuum_lines test_corrected_emission
# np.abs(away - mean) <= => mean - away <=

# %% wrong: one continuum for all rows | loses: test_continuum test_corrected
#   flux = np.asarray(flux, dtype=float)
# + flux = np.tile(np.median(flux, axis=0), (len(flux), 1))

# %% wrong: the mean level | loses: test_continuum test_continuum_lines test_corrected test_corrected_emission
def continuum(flux, order=4, rounds=5, clip=2.0):
    return np.repeat(flux.mean(axis=1, keepdims=True), flux.shape[1], axis=1)

# %% wrong: the upper envelope | loses: test_continuum test_continuum_lines test_corrected test_corrected_emission
def continuum(flux, order=4, rounds=5, clip=2.0):
    from scipy.ndimage import maximum_filter1d

    return maximum_filter1d(flux, 41, axis=1)
