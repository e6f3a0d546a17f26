"""Rivals of `pseudo_continuum`."""

# %% right: plain weighted polynomials of scaled pixel number
def pseudo_continuum(wavelength, flux, error, is_continuum, chips, degree):
    out = np.full(wavelength.shape, np.nan)
    for a, b in chips:
        idx = np.arange(a, b)
        use = idx[is_continuum[a:b] & (error[a:b] < 1e9) & ~np.isnan(flux[a:b])]
        if len(use) > degree:
            middle, half = (a + b) / 2, (b - a) / 2
            coef = np.polyfit((use - middle) / half, flux[use], degree, w=1 / error[use])
            out[idx] = np.polyval(coef, (idx - middle) / half)
    return out

# %% right: a smoothing filter over the trusted points, chip by chip
def pseudo_continuum(wavelength, flux, error, is_continuum, chips, degree):
    result = np.nan * np.zeros(len(wavelength))
    good = is_continuum & np.isfinite(flux) & (error < 1e9)
    for chip in chips:
        pixels = np.arange(*chip)
        points = pixels[good[pixels]]
        if len(points) < degree + 1:
            continue
        curve = np.polynomial.Chebyshev.fit(
            wavelength[points], flux[points], degree, w=1 / error[points],
            domain=wavelength[[pixels[0], pixels[-1]]],
        )
        result[pixels] = curve(wavelength[pixels])
    return result

# %% right: with bad fluxes replaced first
def pseudo_continuum(wavelength, flux, error, is_continuum, chips, degree):
    bad = ~np.isfinite(flux) | (error >= 1e9)
    y, sigma = np.where(bad, 1.0, flux), np.where(bad, 1e15, error)
    out = np.full(len(flux), np.nan)
    for start, stop in chips:
        k = is_continuum[start:stop] & ~bad[start:stop]
        if np.count_nonzero(k) <= degree:
            continue
        t = scaled_wavelength(wavelength[start:stop])
        out[start:stop] = weighted_polynomial(t[k], y[start:stop][k], sigma[start:stop][k], degree, t)
    return out

# %% right: astropy's Chebyshev model, unweighted, in single precision
def pseudo_continuum(wavelength, flux, error, is_continuum, chips, degree):
    from astropy.modeling import fitting, models

    out = np.full(len(flux), np.nan, dtype=np.float32)
    good = is_continuum & (error < 1e9) & np.isfinite(flux)
    for a, b in chips:
        k = np.flatnonzero(good[a:b]) + a
        if len(k) > degree:
            line = models.Chebyshev1D(degree, domain=(wavelength[a], wavelength[b - 1]))
            line = fitting.LinearLSQFitter()(line, wavelength[k], flux[k])
            out[a:b] = line(wavelength[a:b])
    return out

# %% wrong: one polynomial across all chips | loses: test_pseudo_continuum_chips test_pseudo_continuum_bad
def pseudo_continuum(wavelength, flux, error, is_continuum, chips, degree):
    x = scaled_wavelength(wavelength)
    k = is_continuum & np.isfinite(flux) & (error < 1e9)
    out = np.full(len(flux), np.nan)
    for a, b in chips:
        out[a:b] = robust_polynomial(x[k], flux[k], error[k], degree, x[a:b])
    return out

# %% wrong: all pixels are fitted, lines and all | loses: test_pseudo_continuum_lines
# is_continuum & np.isfinite(flux) => np.isfinite(flux)

# %% wrong: a running median that sinks into broad lines | loses: test_pseudo_continuum test_pseudo_continuum_chips test_pseudo_continuum_lines test_pseudo_continuum_bad
def pseudo_continuum(wavelength, flux, error, is_continuum, chips, degree):
    out = np.full(len(flux), np.nan)
    y = np.where(error < 1e9, flux, np.nan)
    for a, b in chips:
        if np.isfinite(y[a:b]).any():
            for i in range(a, b):
                out[i] = np.nanmedian(y[max(a, i - 30) : min(b, i + 30)])
            ok = np.isfinite(out[a:b])
            out[a:b] = np.interp(np.arange(a, b), np.arange(a, b)[ok], out[a:b][ok])
    return out

# %% wrong: the median of each chip | loses: test_pseudo_continuum test_pseudo_continuum_chips test_pseudo_continuum_lines test_pseudo_continuum_bad
def pseudo_continuum(wavelength, flux, error, is_continuum, chips, degree):
    out = np.full(len(flux), np.nan)
    for a, b in chips:
        k = is_continuum[a:b] & np.isfinite(flux[a:b]) & (error[a:b] < 1e9)
        if k.any():
            out[a:b] = np.median(flux[a:b][k])
    return out

# %% wrong: bad continuum pixels are fitted too | loses: test_pseudo_continuum_bad
def pseudo_continuum(wavelength, flux, error, is_continuum, chips, degree):
    out = np.full(len(flux), np.nan)
    for a, b in chips:
        k = is_continuum[a:b]
        x = scaled_wavelength(wavelength[a:b])
        out[a:b] = np.polyval(np.polyfit(x[k], flux[a:b][k], degree), x)
    return out

# %% wrong: ones in the gaps and on dead chips | loses: test_pseudo_continuum_chips test_pseudo_continuum_bad
# np.full(len(wavelength), np.nan) => np.ones(len(wavelength))

# %% wrong: the last pixel of every chip is forgotten | loses: test_pseudo_continuum test_pseudo_continuum_chips test_pseudo_continuum_lines test_pseudo_continuum_bad
#   for start, stop in chips:
# +     stop = stop - 1

# %% wrong: a dead chip stops everything | loses: test_pseudo_continuum_bad
# - if points.sum() <= degree:
# -     continue

# %% wrong: a cubic whatever the degree | loses: test_pseudo_continuum test_pseudo_continuum_bad
#   for start, stop in chips:
# +     degree = 3

# %% wrong: a chip with too few points gets a line of lower degree | loses: test_pseudo_continuum_bad
# if points.sum() <= degree: => if not points.any():
# error[start:stop][points], degree, x => error[start:stop][points], min(degree, points.sum() - 1), x

# %% wrong: the spectrum itself | loses: test_pseudo_continuum test_pseudo_continuum_chips test_pseudo_continuum_lines test_pseudo_continuum_bad
def pseudo_continuum(wavelength, flux, error, is_continuum, chips, degree):
    return flux

# %% wrong: one good pixel more than needed is asked for | loses: test_pseudo_continuum_bad
def pseudo_continuum(wavelength, flux, error, is_continuum, chips, degree):
    out = np.full(len(wavelength), np.nan)
    for start, stop in chips:
        x = scaled_wavelength(wavelength[start:stop])
        ok = is_continuum[start:stop] & (error[start:stop] < 1e9)
        if ok.sum() <= degree + 1:
            continue
        out[start:stop] = robust_polynomial(x[ok], flux[start:stop][ok], error[start:stop][ok], degree, x)
    return out

# %% wrong: an error of exactly 1e9 is called good | loses: test_pseudo_continuum_bad
def pseudo_continuum(wavelength, flux, error, is_continuum, chips, degree):
    out = np.full(len(wavelength), np.nan)
    for start, stop in chips:
        x = scaled_wavelength(wavelength[start:stop])
        ok = is_continuum[start:stop] & (error[start:stop] <= 1e9) & np.isfinite(flux[start:stop])
        if ok.sum() < degree + 1:
            continue
        out[start:stop] = robust_polynomial(x[ok], flux[start:stop][ok], error[start:stop][ok], degree, x)
    return out

# %% wrong: pixels of low S/N do not count | loses: test_pseudo_continuum
def pseudo_continuum(wavelength, flux, error, is_continuum, chips, degree):
    out = np.full(len(wavelength), np.nan)
    for start, stop in chips:
        x = scaled_wavelength(wavelength[start:stop])
        with np.errstate(invalid="ignore"):
            ok = is_continuum[start:stop] & (error[start:stop] < 1e9) & (flux[start:stop] > 10 * error[start:stop])
        if ok.sum() < degree + 1:
            continue
        out[start:stop] = robust_polynomial(x[ok], flux[start:stop][ok], error[start:stop][ok], degree, x)
    return out

# %% right: in the pixel number, continuum pixels scaled among themselves
def pseudo_continuum(wavelength, flux, error, is_continuum, chips, degree):
    continuum = np.ones(len(flux)) * np.nan
    for chip in chips:
        pixels = np.arange(chip[0], chip[1])
        use = pixels[is_continuum[pixels] & (error[pixels] < 1e9)]
        use = use[np.isfinite(flux[use])]
        if len(use) >= degree + 1:
            mid, half = (use.max() + use.min()) / 2, max((use.max() - use.min()) / 2, 1)
            continuum[pixels] = robust_polynomial(
                (use - mid) / half, flux[use], error[use], degree, (pixels - mid) / half
            )
    return continuum
