# %% right: copies changed in place
def inflate_errors(flux, error, flagged):
    flux, error = flux.copy(), error.copy()
    error[flagged] = 1e10
    error[~np.isfinite(flux)] = 1e10
    error[~np.isfinite(error)] = 1e10
    error[error <= 0] = 1e10
    flux[~np.isfinite(flux)] = 1
    return flux, error

# %% right: masked arrays of numpy, all bad flux one, a list
def inflate_errors(flux, error, flagged):
    f, e = np.ma.masked_invalid(flux), np.ma.masked_invalid(error)
    e = np.ma.masked_where(flagged | f.mask | (e.filled(0) <= 0), e)
    return [f.filled(1.0), e.filled(LARGE_ERROR)]

# %% right: pixel by pixel, in single precision
def inflate_errors(flux, error, flagged):
    new_flux, new_error = [], []
    for f, e, bad in zip(flux, error, flagged):
        bad = bad or not np.isfinite(f) or not np.isfinite(e) or e <= 0
        new_flux.append(f if np.isfinite(f) else 0.0)
        new_error.append(1e10 if bad else e)
    return np.array(new_flux, dtype=np.float32), np.array(new_error, dtype=np.float32)

# %% right: nan_to_num, median flux for lost pixels
def inflate_errors(flux, error, flagged):
    typical = np.median(flux[np.isfinite(flux)])
    error = np.nan_to_num(error, nan=-1, posinf=-1, neginf=-1)
    error = np.where(flagged | (error <= 0) | ~np.isfinite(flux), 1e10, error)
    return np.nan_to_num(flux, nan=typical, posinf=typical, neginf=typical), error

# %% wrong: NaN left in the flux | loses: test_inflate_errors_flux test_read_sample_bad
# np.where(np.isfinite(flux), flux, 0.0) => flux

# %% wrong: flagged pixels only | loses: test_inflate_errors_flux test_inflate_errors_unusable test_read_sample_bad
def inflate_errors(flux, error, flagged):
    return flux, np.where(flagged, LARGE_ERROR, error)

# %% wrong: error multiplied by a thousand | loses: test_inflate_errors test_inflate_errors_unusable test_read_sample_bad
# LARGE_ERROR => 1000 * error

# %% wrong: good pixels inflated | loses: test_inflate_errors test_inflate_errors_flux test_inflate_errors_unusable test_read_sample test_read_sample_bad
# bad, LARGE_ERROR => ~bad, LARGE_ERROR

# %% wrong: bad pixels cut out | loses: test_inflate_errors test_inflate_errors_flux test_inflate_errors_unusable test_read_sample_bad
# - return np.where(np.isfinite(flux), flux, 0.0), np.where(bad, LARGE_ERROR, error)
# + return flux[~bad], error[~bad]

# %% wrong: NaN sought with == | loses: test_inflate_errors_flux test_inflate_errors_unusable test_read_sample_bad
# finite = np.isfinite(flux) & np.isfinite(error) => finite = ~((flux == np.nan) | (error == np.nan))
# np.where(np.isfinite(flux), flux, 0.0) => np.where(flux == np.nan, 0.0, flux)

# %% wrong: error zero kept | loses: test_inflate_errors_unusable
# | (error <= 0) =>

# %% wrong: the flux inflated instead | loses: test_inflate_errors test_inflate_errors_unusable test_read_sample_bad
# - return np.where(np.isfinite(flux), flux, 0.0), np.where(bad, LARGE_ERROR, error)
# + return np.where(bad, LARGE_ERROR, flux), error

# %% wrong: errors infinite | loses: test_inflate_errors test_inflate_errors_unusable test_read_sample_bad
# LARGE_ERROR => np.inf

# %% wrong: the error alone | loses: test_inflate_errors test_inflate_errors_flux test_inflate_errors_unusable test_read_sample test_read_sample_bad
# np.where(np.isfinite(flux), flux, 0.0), =>

# %% wrong: infinite flux made the largest number there is | loses: test_inflate_errors_flux
# np.where(np.isfinite(flux), flux, 0.0) => np.nan_to_num(flux)

# %% wrong: an error as large as one likes | loses: test_inflate_errors test_inflate_errors_unusable
# LARGE_ERROR => 1e20

# %% wrong: negative errors kept | loses: test_inflate_errors_unusable
# (error <= 0) => (error == 0)

# %% wrong: what came in | loses: test_inflate_errors test_inflate_errors_flux test_inflate_errors_unusable test_read_sample_bad
def inflate_errors(flux, error, flagged):
    return flux, error

# %% wrong: all errors large | loses: test_inflate_errors test_inflate_errors_flux test_inflate_errors_unusable test_read_sample test_read_sample_bad
def inflate_errors(flux, error, flagged):
    return np.where(np.isfinite(flux), flux, 0), np.full(len(flux), LARGE_ERROR)

# %% wrong: negative flux is set to zero | loses: test_inflate_errors_flux
def inflate_errors(flux, error, flagged):
    bad = flagged | ~np.isfinite(flux) | ~np.isfinite(error) | ~(error > 0)
    return np.where(np.isfinite(flux) & (flux > 0), flux, 0), np.where(bad, LARGE_ERROR, error)

# %% wrong: negative flux is called bad | loses: test_inflate_errors_flux
def inflate_errors(flux, error, flagged):
    bad = flagged | ~np.isfinite(flux) | ~np.isfinite(error) | ~(error > 0) | ~(flux > 0)
    return np.where(np.isfinite(flux), flux, 0), np.where(bad, LARGE_ERROR, error)

# %% wrong: small errors are taken for zero | loses: test_inflate_errors_flux
def inflate_errors(flux, error, flagged):
    bad = flagged | ~np.isfinite(flux) | ~np.isfinite(error) | ~(error > 1e-3)
    return np.where(np.isfinite(flux), flux, 0), np.where(bad, LARGE_ERROR, error)

# %% wrong: large errors are taken for bad | loses: test_inflate_errors_flux
def inflate_errors(flux, error, flagged):
    bad = flagged | ~np.isfinite(flux) | ~np.isfinite(error) | ~(error > 0) | (error > flux)
    return np.where(np.isfinite(flux), flux, 0), np.where(bad, LARGE_ERROR, error)
