"""Rivals of `network_input`."""

# %% right: a copy and a mask
def network_input(flux, error, typical):
    x = (np.array(flux, float) - typical[None, :]) / FLUX_UNIT
    e = np.array(error, float) / FLUX_UNIT
    bad = ~np.isfinite(x) | ~np.isfinite(e) | (np.asarray(error) >= BAD_LIMIT)
    x[bad] = e[bad] = 0.0
    return x, e

# %% right: row by row, with nan_to_num
def network_input(flux, error, typical):
    rows, widths = [], []
    for f, e in zip(flux, error):
        good = (e < 1e9) & np.isfinite(f)
        rows.append(np.where(good, np.nan_to_num(f - typical, posinf=0, neginf=0), 0) * 20)
        widths.append(np.where(good, e, 0) * 20)
    return np.array(rows), np.array(widths)

# %% wrong: bad pixels keep their flux | loses: test_network_input_bad
def network_input(flux, error, typical):
    return (flux - typical) / FLUX_UNIT, error / FLUX_UNIT

# %% wrong: bad pixels get the input of a flux of zero | loses: test_network_input_bad
# (flux - typical) / FLUX_UNIT, 0.0 => (flux - typical) / FLUX_UNIT, -typical / FLUX_UNIT

# %% wrong: bad pixels get the continuum | loses: test_network_input_bad
# (flux - typical) / FLUX_UNIT, 0.0 => (flux - typical) / FLUX_UNIT, (1 - typical) / FLUX_UNIT

# %% wrong: not in units of FLUX_UNIT | loses: test_network_input
# (flux - typical) / FLUX_UNIT => flux - typical
# error / FLUX_UNIT => error

# %% wrong: error not scaled | loses: test_network_input
# error / FLUX_UNIT => error

# %% wrong: the typical spectrum stays in | loses: test_network_input test_network_input_bad
# (flux - typical) / FLUX_UNIT => flux / FLUX_UNIT
# error / FLUX_UNIT, 0.0 => error / FLUX_UNIT, 1e10

# %% wrong: typical minus flux | loses: test_network_input
# flux - typical => typical - flux

# %% wrong: NaN not looked for | loses: test_network_input_bad
# np.isfinite(flux) & np.isfinite(error) & (error < BAD_LIMIT) => error < BAD_LIMIT

# %% wrong: error of bad pixels kept | loses: test_network_input_bad
# error / FLUX_UNIT, 0.0 => error / FLUX_UNIT, 99.0

# %% right: masked arrays, in float32
def network_input(flux, error, typical):
    bad = ~np.isfinite(flux) | ~np.isfinite(error) | ~(error < 1e9)
    x = np.ma.masked_array(np.float32(flux) - np.float32(typical), bad) / np.float32(FLUX_UNIT)
    return x.filled(0), np.ma.masked_array(np.float32(error), bad).filled(0) / np.float32(FLUX_UNIT)

# %% right: torch
def network_input(flux, error, typical):
    f, e, t = (torch.as_tensor(np.asarray(a, dtype=float)) for a in (flux, error, typical))
    known = torch.isfinite(f) & torch.isfinite(e) & (e < BAD_LIMIT)
    zero = torch.zeros((), dtype=f.dtype)
    return torch.where(known, (f - t) / FLUX_UNIT, zero), torch.where(known, e / FLUX_UNIT, zero)

# %% wrong: zeros | loses: test_network_input test_network_input_bad
def network_input(flux, error, typical):
    return np.zeros(flux.shape), np.zeros(flux.shape)

# %% wrong: which pixels are good | loses: test_network_input test_network_input_bad
# (flux - typical) / FLUX_UNIT => 1.0

# %% wrong: NaN becomes a number, infinity the largest of all | loses: test_network_input_bad
# - known = np.isfinite(flux) & np.isfinite(error) & (error < BAD_LIMIT)
# + known = error < BAD_LIMIT
# + flux = np.nan_to_num(flux)

# %% wrong: the limit itself is taken for good | loses: test_network_input_bad
# error < BAD_LIMIT => error <= BAD_LIMIT

# %% wrong: bad pixels cleaned in place | loses: test_network_input_bad
#   known = np.isfinite(flux) & np.isfinite(error) & (error < BAD_LIMIT)
# + flux[~known] = error[~known] = 0
