"""Rivals of `closest_metallicity`."""

# %% right: polyfit through three points
def closest_metallicity(target, candidates, fe_h, sigma):
    chi2 = [np.sum((c - target) ** 2 / sigma**2) for c in candidates]
    k = int(np.argmin(chi2))
    if k == 0 or k == len(chi2) - 1:
        return fe_h[k]
    a, b, _ = np.polyfit(fe_h[k - 1 : k + 2] - fe_h[k], np.array(chi2[k - 1 : k + 2]) / chi2[k - 1], 2)
    return fe_h[k] - b / (2 * a)

# %% right: only pixels with information
def closest_metallicity(target, candidates, fe_h, sigma):
    good = sigma < 1e9
    z = (candidates[:, good] - target[good]) / sigma[good]
    chi2 = (z**2).mean(axis=1)
    k = chi2.argmin()
    if 0 < k < len(fe_h) - 1:
        d1, d2 = chi2[k + 1] - chi2[k - 1], chi2[k + 1] - 2 * chi2[k] + chi2[k - 1]
        return fe_h[k] - (fe_h[1] - fe_h[0]) * d1 / d2 / 2
    return fe_h[k]

# %% wrong: the nearest candidate | loses: test_closest_metallicity_between
def closest_metallicity(target, candidates, fe_h, sigma):
    return float(fe_h[np.argmin(np.sum(((candidates - target) / sigma) ** 2, axis=1))])

# %% wrong: errors ignored | loses: test_closest_metallicity
# ((candidates - target) / sigma) ** 2 => (candidates - target) ** 2

# %% wrong: bad pixels left out, the others all alike | loses: test_closest_metallicity
# (candidates - target) / sigma => (candidates - target) * (sigma < 1e9)

# %% wrong: the parabola's vertex on the wrong side | loses: test_closest_metallicity test_closest_metallicity_between
# fe_h[k] + 0.5 => fe_h[k] - 0.5

# %% wrong: the worst instead of the best | loses: test_closest_metallicity test_closest_metallicity_between
def closest_metallicity(target, candidates, fe_h, sigma):
    return float(fe_h[np.argmax(np.sum(((candidates - target) / sigma) ** 2, axis=1))])

# %% wrong: residuals summed with their signs | loses: test_closest_metallicity test_closest_metallicity_between
def closest_metallicity(target, candidates, fe_h, sigma):
    total = abs(np.sum(candidates - target, axis=1))
    return float(fe_h[np.argmin(total)])

# %% wrong: index instead of metallicity | loses: test_closest_metallicity test_closest_metallicity_between
def closest_metallicity(target, candidates, fe_h, sigma):
    return float(np.argmin(np.sum(((candidates - target) / sigma) ** 2, axis=1)))

# %% right: a quadratic through all values of chi-squared near the lowest, by scipy
def closest_metallicity(target, candidates, fe_h, sigma):
    from scipy.interpolate import BarycentricInterpolator
    from scipy.optimize import minimize_scalar

    chi2 = (((np.asarray(candidates) - target) / sigma) ** 2).sum(axis=1)
    k = int(chi2.argmin())
    if k in (0, len(fe_h) - 1):
        return fe_h[k]
    parabola = BarycentricInterpolator(fe_h[k - 1 : k + 2], chi2[k - 1 : k + 2] / chi2[k + 1])
    best = minimize_scalar(parabola, bounds=(fe_h[k - 1], fe_h[k + 1]), method="bounded")
    return float(best.x)

# %% right: in float32
#   def closest_metallicity(target, candidates, fe_h, sigma):
# +     target, candidates, fe_h, sigma = map(np.float32, (target, candidates, fe_h, sigma))

# %% wrong: the Sun's | loses: test_closest_metallicity test_closest_metallicity_between
def closest_metallicity(target, candidates, fe_h, sigma):
    return 0.0

# %% wrong: the parabola is drawn at the ends as well | loses: test_closest_metallicity_between
# - if k in (0, len(fe_h) - 1):
# -     return float(fe_h[k])
# + k = min(max(k, 1), len(fe_h) - 2)

# %% wrong: weighted by one over sigma | loses: test_closest_metallicity
# ((candidates - target) / sigma) ** 2 => (candidates - target) ** 2 / sigma

# %% wrong: parabola through all values | loses: test_closest_metallicity_between
def closest_metallicity(target, candidates, fe_h, sigma):
    chi2 = (((target - candidates) / sigma) ** 2).sum(axis=1)
    k = int(np.argmin(chi2))
    if k in (0, len(fe_h) - 1):
        return float(fe_h[k])
    p = np.polyfit(fe_h, chi2, 2)
    return float(-p[1] / (2 * p[0]))
