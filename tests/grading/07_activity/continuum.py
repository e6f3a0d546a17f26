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

# %% wrong: through the lines, nothing clipped | loses: test_continuum_lines
# range(rounds) => range(0)

# %% wrong: clipped once | loses: test_continuum_lines
# range(rounds) => range(1)

# %% wrong: a parabola whatever was asked | loses: test_continuum
#   def continuum(flux, order=4, rounds=5, clip=2.0):
# +     order = 2

# %% wrong: only dips clipped | loses: test_continuum_lines
# np.abs(away - mean) <= => mean - away <=

# %% wrong: one continuum for all rows | loses: test_continuum
#   flux = np.asarray(flux, dtype=float)
# + flux = np.tile(np.median(flux, axis=0), (len(flux), 1))

# %% wrong: the mean level | loses: test_continuum test_continuum_lines
def continuum(flux, order=4, rounds=5, clip=2.0):
    return np.repeat(flux.mean(axis=1, keepdims=True), flux.shape[1], axis=1)

# %% wrong: the upper envelope | loses: test_continuum test_continuum_lines
def continuum(flux, order=4, rounds=5, clip=2.0):
    from scipy.ndimage import maximum_filter1d

    return maximum_filter1d(flux, 41, axis=1)

# %% right: x and y shrink, what is out stays out
def poly_fit(x, y, order, rounds, clip):
    from numpy.polynomial import legendre

    full = x
    for _ in range(rounds):
        away = y - legendre.legval(x, legendre.legfit(x, y, order))
        kept = np.abs(away - np.mean(away)) < clip * np.std(away)
        x, y = x[kept], y[kept]
    return legendre.legval(full, legendre.legfit(x, y, order))


def continuum(flux, order=4, rounds=5, clip=2.0):
    x = np.linspace(-1, 1, flux.shape[1])
    return [poly_fit(x, row, order, rounds, clip) for row in flux]

# %% right: astropy's fit with outliers removed
def continuum(flux, order=4, rounds=5, clip=2.0):
    from astropy.modeling.fitting import FittingWithOutlierRemoval, LinearLSQFitter
    from astropy.modeling.models import Legendre1D
    from astropy.stats import sigma_clip

    fitter = FittingWithOutlierRemoval(
        LinearLSQFitter(), sigma_clip, niter=rounds, sigma=clip, cenfunc="mean", maxiters=1
    )
    x = np.arange(flux.shape[1])
    return np.array([fitter(Legendre1D(order, domain=[0, len(x) - 1]), x, y)[0](x) for y in flux])

# %% right: single precision
# flux = np.asarray(flux, dtype=float) => flux = np.asarray(flux, dtype=np.float32)
# return fit() => return fit().astype(np.float32)

# %% right: a sample standard deviation
# np.sqrt((weight * (away - mean) ** 2).sum(axis=1, keepdims=True) / count) => np.sqrt((weight * (away - mean) ** 2).sum(axis=1, keepdims=True) / (count - 1))

# %% wrong: the order ignored | loses: test_continuum
#   def continuum(flux, order=4, rounds=5, clip=2.0):
# +     order = 4

# %% wrong: two sigma whatever was asked | loses: test_continuum test_continuum_lines
# clip * spread => 2.0 * spread

# %% wrong: five rounds whatever was asked | loses: test_continuum_lines
# range(rounds) => range(5)

# %% wrong: not fitted again after the last clipping | loses: test_continuum_lines
# for _ in range(rounds): => for _ in range(rounds - 1):

# %% wrong: the spectrum itself | loses: test_continuum test_continuum_lines
def continuum(flux, order=4, rounds=5, clip=2.0):
    return flux

# %% wrong: one everywhere | loses: test_continuum test_continuum_lines
def continuum(flux, order=4, rounds=5, clip=2.0):
    return np.ones_like(flux)

# %% right: normal equations of all rows
def continuum(flux, order=4, rounds=5, clip=2.0):
    v = np.polynomial.legendre.legvander(np.linspace(-1, 1, flux.shape[1]), order)
    products = (v[:, :, None] * v[:, None, :]).reshape(len(v), -1)
    w = np.ones(flux.shape)

    def fitted():
        a = (w @ products).reshape(-1, order + 1, order + 1)
        return np.linalg.solve(a, ((w * flux) @ v)[:, :, None])[:, :, 0] @ v.T

    for _ in range(rounds):
        away, many = flux - fitted(), w.sum(axis=1, keepdims=True)
        mean = (w * away).sum(axis=1, keepdims=True) / many
        sigma = np.sqrt((w * (away - mean) ** 2).sum(axis=1, keepdims=True) / many)
        w = (np.abs(away - mean) <= clip * sigma).astype(float)
    return fitted()

# %% wrong: one sigma for all rows | edits: normal equations of all rows | loses: test_continuum
# (w * (away - mean) ** 2).sum(axis=1, keepdims=True) / many => (w * (away - mean) ** 2).sum() / many.sum()

# %% wrong: what is an outlier in one row is left out in all | edits: normal equations of all rows | loses: test_continuum
# - w = (np.abs(away - mean) <= clip * sigma).astype(float)
# + w = w * (np.abs(away - mean) <= clip * sigma).all(axis=0)
