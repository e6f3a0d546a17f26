"""Rivals of `normalise`."""

# %% right: np.where, in single precision
def normalise(flux, error, continuum):
    ok = np.isfinite(flux) & (error < 1e9) & (continuum > 0)
    safe = np.where(ok, continuum, 1)
    return (
        np.where(ok, flux / safe, 1).astype("float64"),
        np.where(ok, error / safe, 1e10).astype(np.float32),
    )

# %% right: pixel by pixel, as lists
def normalise(flux, error, continuum):
    f, e = [], []
    for a, b, c in zip(flux, error, continuum, strict=True):
        if np.isfinite([a, b, c]).all() and b < 1e9 and c > 0:
            f.append(a / c)
            e.append(b / c)
        else:
            f.append(1.0)
            e.append(1e10)
    return [f, e]

# %% right: divide first, repair after
def normalise(flux, error, continuum):
    with np.errstate(all="ignore"):
        f, e = flux / continuum, error / continuum
    bad = ~np.isfinite(f) | ~np.isfinite(e) | ~(continuum > 0) | (error >= 1e9)
    f[bad], e[bad] = 1, 1e10
    return f, e

# %% right: a pandas table
def normalise(flux, error, continuum):
    import pandas as pd

    t = pd.DataFrame({"f": flux, "e": error, "c": continuum}).astype(float)
    known = np.isfinite(t).all(axis=1) & (t.e < 1e9) & (t.c > 0)
    return (t.f / t.c).where(known, 1.0), (t.e / t.c).where(known, 1e10)

# %% wrong: the error is not divided | loses: test_normalise_error
# error[known] / continuum[known] => error[known]

# %% wrong: NaN left in | loses: test_normalise_bad
def normalise(flux, error, continuum):
    return flux / continuum, error / continuum

# %% wrong: NaN left in and the error not divided | loses: test_normalise_error test_normalise_bad
def normalise(flux, error, continuum):
    return flux / continuum, error

# %% wrong: relative error, error divided by flux | loses: test_normalise_error
# error[known] / continuum[known] => error[known] / flux[known]

# %% wrong: bad pixels keep a fraction of their error | loses: test_normalise_bad
# & (error < BAD_LIMIT) =>

# %% wrong: flux zero in bad pixels | loses: test_normalise_bad
# np.ones => np.zeros

# %% wrong: the continuum subtracted | loses: test_normalise test_normalise_error
# flux[known] / continuum[known] => flux[known] - continuum[known]
# error[known] / continuum[known] => error[known]

# %% wrong: only the flux comes back | loses: test_normalise test_normalise_error test_normalise_bad
def normalise(flux, error, continuum):
    return flux / continuum

# %% wrong: an error that is no number kept | loses: test_normalise_bad
# np.isfinite(flux) & np.isfinite(error) & (error < BAD_LIMIT) => np.isfinite(flux) & ~(error >= BAD_LIMIT)

# %% wrong: only errors of 1e10 are bad | loses: test_normalise_bad
# error < BAD_LIMIT => error < BAD_ERROR

# %% wrong: ones with the largest error | loses: test_normalise test_normalise_error test_normalise_bad
def normalise(flux, error, continuum):
    return np.ones(len(flux)), np.full(len(flux), 1e10)

# %% wrong: an error of exactly 1e9 | loses: test_normalise_bad
def normalise(flux, error, continuum):
    with np.errstate(all="ignore"):
        bad = ~np.isfinite(flux) | ~np.isfinite(error) | (error > 1e9) | ~np.isfinite(continuum) | ~(continuum > 0)
        return np.where(bad, 1.0, flux / continuum), np.where(bad, 1e10, error / continuum)

# %% wrong: negative flux is called bad | loses: test_normalise
def normalise(flux, error, continuum):
    with np.errstate(all="ignore"):
        bad = ~(flux > 0) | ~np.isfinite(flux) | ~(error < 1e9) | ~np.isfinite(continuum) | ~(continuum > 0)
        return np.where(bad, 1.0, flux / continuum), np.where(bad, 1e10, error / continuum)

# %% wrong: clipped between zero and two | loses: test_normalise
def normalise(flux, error, continuum):
    with np.errstate(all="ignore"):
        bad = ~np.isfinite(flux) | ~(error < 1e9) | ~np.isfinite(continuum) | ~(continuum > 0)
        return np.where(bad, 1.0, np.clip(flux / continuum, 0, 2)), np.where(bad, 1e10, error / continuum)
