"""Rivals of `degrade`."""

# %% right: pixel by pixel
def degrade(wavelength, flux, new_wavelength, fwhm_from, fwhm_to):
    size = np.gradient(wavelength)
    old = np.interp(new_wavelength, wavelength, fwhm_from)
    if (fwhm_to <= old).any():
        raise ValueError("cannot sharpen")
    answer = np.empty((len(flux), len(new_wavelength)))
    for j, centre in enumerate(new_wavelength):
        sigma = np.sqrt(fwhm_to[j] ** 2 - old[j] ** 2) / 2.3548
        weight = np.exp(-((wavelength - centre) ** 2) / (2 * sigma**2)) * size
        answer[:, j] = (flux * weight).sum(axis=1) / weight.sum()
    return answer

# %% right: scipy's normal density
def degrade(wavelength, flux, new_wavelength, fwhm_from, fwhm_to):
    from scipy.stats import norm

    narrow = np.interp(new_wavelength, wavelength, fwhm_from)
    if np.min(fwhm_to - narrow) <= 0:
        raise ValueError("these profiles are too wide already")
    s = np.sqrt(fwhm_to**2 - narrow**2) / np.sqrt(8 * np.log(2))
    w = norm.pdf(wavelength[None, :], new_wavelength[:, None], s[:, None]) * np.gradient(wavelength)
    w = w / w.sum(axis=1)[:, None]
    return np.einsum("np,mp->nm", flux, w)

# %% wrong: the input's own width not subtracted | loses: test_degrade
# extra / (8 * np.log(2)) => fwhm_to**2 / (8 * np.log(2))

# %% wrong: widths subtracted, not their squares | loses: test_degrade
# fwhm_to**2 - => fwhm_to -
# fwhm_from) ** 2 => fwhm_from)
# np.sqrt(extra / (8 * np.log(2))) => (extra / np.sqrt(8 * np.log(2)))

# %% wrong: full width taken for a standard deviation | loses: test_degrade test_degrade_grid
# extra / (8 * np.log(2)) => extra

# %% wrong: pixels all count the same | loses: test_degrade_grid
# - kernel *= np.gradient(wavelength)

# %% wrong: sharpening passes in silence | loses: test_degrade_grid
# - if np.any(extra <= 0):
# -     raise ValueError("smoothing cannot make profiles narrower than they are")
# np.sqrt(extra => np.sqrt(np.maximum(extra, 1e-2)

# %% wrong: kernel not normalised | loses: test_degrade test_degrade_grid
# (kernel / kernel.sum(axis=1, keepdims=True)).T => kernel.T

# %% wrong: interpolated only | loses: test_degrade test_degrade_grid
def degrade(wavelength, flux, new_wavelength, fwhm_from, fwhm_to):
    return np.array([np.interp(new_wavelength, wavelength, f) for f in flux])

# %% right: numerical integral over a fine even grid
def degrade(wavelength, flux, new_wavelength, fwhm_from, fwhm_to):
    from scipy.integrate import trapezoid

    old = np.interp(new_wavelength, wavelength, fwhm_from)
    sharper = [w for w, a, b in zip(new_wavelength, old, fwhm_to) if b <= a]
    if sharper:
        raise ValueError(f"would have to be sharpened at {sharper}")
    sigma = np.sqrt(fwhm_to**2 - old**2) / 2.354820045
    rows = []
    for centre, s in zip(new_wavelength, sigma):
        kernel = np.exp(-0.5 * ((wavelength - centre) / s) ** 2)
        rows.append(trapezoid(flux * kernel, wavelength, axis=1) / trapezoid(kernel, wavelength))
    return np.array(rows, dtype=np.float32).T

# %% wrong: the old width taken at the blue end | loses: test_degrade test_degrade_grid
# np.interp(new_wavelength, wavelength, fwhm_from) => fwhm_from[0]

# %% wrong: one old width, the largest | loses: test_degrade test_degrade_grid
# np.interp(new_wavelength, wavelength, fwhm_from) => np.max(fwhm_from)

# %% wrong: one new width, the mean | loses: test_degrade test_degrade_grid
#   def degrade(wavelength, flux, new_wavelength, fwhm_from, fwhm_to):
# +     fwhm_to = np.full(len(new_wavelength), np.mean(fwhm_to))

# %% wrong: refused only where all must be sharpened | loses: test_degrade_grid
# if np.any(extra <= 0): => if np.all(extra <= 0):

# %% wrong: a width that is asked for again is not refused | loses: test_degrade_grid
# extra <= 0 => extra < 0

# %% wrong: refuses everything | loses: test_degrade test_degrade_grid
def degrade(wavelength, flux, new_wavelength, fwhm_from, fwhm_to):
    raise ValueError("cannot")

# %% right: matrix, the old width at the new wavelength
def degrade(wavelength, flux, new_wavelength, fwhm_from, fwhm_to):
    old = np.interp(new_wavelength, wavelength, fwhm_from)
    if (fwhm_to <= old).any():
        raise ValueError("profiles cannot be narrowed")
    sigma = np.sqrt(fwhm_to**2 - old**2) / np.sqrt(8 * np.log(2))
    z = (new_wavelength[:, None] - wavelength) / sigma[:, None]
    w = np.exp(-0.5 * z**2) * np.gradient(wavelength)
    return flux @ w.T / w.sum(axis=1)

# %% wrong: divided by the area of a whole Gaussian | edits: matrix, the old width at the new wavelength | loses: test_degrade
# w.sum(axis=1) => (np.sqrt(2 * np.pi) * sigma)

# %% wrong: one kernel for all wavelengths | edits: matrix, the old width at the new wavelength | loses: test_degrade
# np.sqrt(fwhm_to**2 - old**2) => np.sqrt(np.median(fwhm_to**2 - old**2)) * np.ones(len(old))
