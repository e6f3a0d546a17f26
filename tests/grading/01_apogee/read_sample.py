# %% right: arrays made first, double precision
def read_sample(paths, bits):
    flux = np.zeros((len(paths), 8575))
    error = np.full_like(flux, LARGE_ERROR)
    for i, path in enumerate(paths):
        f, e, m = read_coadd(path)
        bad = np.isin(1, []) | ~np.isfinite(f) | ~np.isfinite(e) | ~(e > 0)
        for bit in bits:
            bad |= (m >> bit) % 2 == 1
        flux[i] = np.nan_to_num(f, posinf=0, neginf=0)
        error[i, ~bad] = e[~bad]
    return flux, error

# %% right: comprehensions and zip
def read_sample(paths, bits):
    def one(path):
        flux, error, mask = read_coadd(path)
        return inflate_errors(flux, error, is_flagged(mask, bits))

    fluxes, errors = zip(*[one(path) for path in paths])
    return np.stack(fluxes), np.stack(errors)

# %% right: nothing of the earlier exercises, rows appended
def read_sample(paths, bits):
    worth = 0
    for bit in set(bits):
        worth |= 1 << int(bit)
    rows = []
    for path in paths:
        with fits.open(path) as hdus:
            flux, error, mask = (np.array(np.atleast_2d(hdus[n].data)[0]) for n in (1, 2, 3))
        error = np.where((mask & worth) > 0, LARGE_ERROR, error)
        error[~(np.isfinite(flux) & (error > 0) & np.isfinite(error))] = LARGE_ERROR
        flux[~np.isfinite(flux)] = 0
        rows.append((flux, error))
    result = np.array(rows)
    return result[:, 0], result[:, 1]

# %% right: threads, in order
def read_sample(paths, bits):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as pool:
        spectra = list(pool.map(read_coadd, paths))
    safe = [inflate_errors(f, e, is_flagged(m, bits)) for f, e, m in spectra]
    return [np.float32(part) for part in zip(*safe)]

# %% wrong: the mask is not used | loses: test_read_sample_bad
# is_flagged(mask, bits) => np.zeros(len(mask), dtype=bool)

# %% wrong: the sheet's bits, whatever is asked | loses: test_read_sample_bad
# is_flagged(mask, bits) => is_flagged(mask, [0, 1, 2, 3, 4, 5, 6, 7, 12])

# %% wrong: every flag counts | loses: test_read_sample_bad
# is_flagged(mask, bits) => mask != 0

# %% wrong: the error as the file has it | loses: test_read_sample_bad
# errors.append(error) => errors.append(read_coadd(path)[1])

# %% wrong: only the first star | loses: test_read_sample test_read_sample_bad
# for path in paths: => for path in paths[:1]:

# %% wrong: sorted by name | loses: test_read_sample
# for path in paths: => for path in sorted(paths):

# %% wrong: flux and error exchanged | loses: test_read_sample test_read_sample_bad
# return np.stack(fluxes), np.stack(errors) => return np.array(errors), np.array(fluxes)

# %% wrong: a column for each star | loses: test_read_sample test_read_sample_bad
# return np.stack(fluxes), np.stack(errors) => return np.array(fluxes).T, np.array(errors).T

# %% wrong: one long row | loses: test_read_sample test_read_sample_bad
# return np.stack(fluxes), np.stack(errors) => return np.concatenate(fluxes), np.concatenate(errors)

# %% wrong: bad pixels cut out | loses: test_read_sample_bad
# fluxes.append(flux) => fluxes.append(flux[error < 1e9])

# %% wrong: NaN left in the flux | loses: test_read_sample_bad
# fluxes.append(flux) => fluxes.append(read_coadd(path)[0])
