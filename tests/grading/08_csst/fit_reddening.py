"""Rivals of `fit_reddening`."""

# %% right: star by star, the map as one more pixel
def fit_reddening(log_ratio, sigma, curve, prior, prior_sigma):
    answer = []
    for d, s, p in zip(log_ratio, sigma, prior):
        a = np.append(-0.4 * np.log(10) * curve / s, 1 / prior_sigma)
        b = np.append(d / s, p / prior_sigma)
        answer.append(np.linalg.lstsq(a[:, None], b, rcond=None)[0][0])
    return np.array(answer)

# %% right: combine two estimates
def fit_reddening(log_ratio, sigma, curve, prior, prior_sigma):
    slope = -curve / 1.0857362
    information = np.sum((slope / sigma) ** 2, axis=1)
    own = np.sum(slope * log_ratio / sigma**2, axis=1) / information
    return np.average([own, prior], axis=0, weights=[information, np.full(len(own), prior_sigma**-2)])

# %% wrong: ln 10 forgotten | loses: test_fit_reddening test_fit_reddening_prior
# * np.log(10) =>

# %% wrong: the sign of extinction | loses: test_fit_reddening test_fit_reddening_prior
# -0.4 => 0.4

# %% wrong: the map ignored | loses: test_fit_reddening_prior
# + prior / prior_sigma**2 =>
# + 1 / prior_sigma**2 =>

# %% wrong: the map alone | loses: test_fit_reddening test_fit_reddening_prior
def fit_reddening(log_ratio, sigma, curve, prior, prior_sigma):
    return prior

# %% wrong: pixels all count the same | loses: test_fit_reddening test_fit_reddening_prior
# 1 / sigma**2 => 1 / np.mean(sigma**2, axis=1, keepdims=True)

# %% wrong: mean of the map and the spectrum, whatever their errors | loses: test_fit_reddening test_fit_reddening_prior
def fit_reddening(log_ratio, sigma, curve, prior, prior_sigma):
    slope, w = -0.4 * np.log(10) * curve, 1 / sigma**2
    return 0.5 * ((w * slope * log_ratio).sum(axis=1) / (w * slope**2).sum(axis=1) + prior)

# %% wrong: two wavelengths only | loses: test_fit_reddening test_fit_reddening_prior
def fit_reddening(log_ratio, sigma, curve, prior, prior_sigma):
    colour = log_ratio[:, 0] - log_ratio[:, -1]
    return colour / (-0.4 * np.log(10) * (curve[0] - curve[-1])) * 0.99

# %% right: scipy's least squares, single precision
def fit_reddening(log_ratio, sigma, curve, prior, prior_sigma):
    from scipy.optimize import least_squares

    def off(e, seen, error, on_map):
        pixels = (seen + 0.4 * np.log(10) * e * curve) / error
        return np.append(pixels, (e - on_map) / prior_sigma)

    stars = zip(log_ratio, sigma, prior)
    return np.float32([least_squares(off, 0.0, args=star).x[0] for star in stars])

# %% wrong: weighted by one over the error | loses: test_fit_reddening test_fit_reddening_prior
# weight = 1 / sigma**2 => weight = 1 / sigma

# %% wrong: weighted twice | loses: test_fit_reddening test_fit_reddening_prior
# weight = 1 / sigma**2 => weight = 1 / sigma**4

# %% wrong: the error of the map not squared | loses: test_fit_reddening_prior
# + prior / prior_sigma**2 => + prior / prior_sigma
# + 1 / prior_sigma**2 => + 1 / prior_sigma

# %% right: closed form
def fit_reddening(log_ratio, sigma, curve, prior, prior_sigma):
    slope = -0.4 * np.log(10) * np.asarray(curve)
    above = (slope * log_ratio / sigma**2).sum(axis=1) + prior / prior_sigma**2
    return above / ((slope**2 / sigma**2).sum(axis=1) + 1 / prior_sigma**2)

# %% wrong: never negative | edits: closed form | loses: test_fit_reddening_prior
# - return above / ((slope**2 / sigma**2).sum(axis=1) + 1 / prior_sigma**2)
# + return np.maximum(above / ((slope**2 / sigma**2).sum(axis=1) + 1 / prior_sigma**2), 0)
