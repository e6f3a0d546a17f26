# %% right: astropy's getdata, big-endian arrays as they are, a list
def read_coadd(path):
    result = []
    for extension in (1, 2, 3):
        data = fits.getdata(path, ext=extension)
        result.append(data[0] if data.ndim == 2 else data)
    return result

# %% right: reshaped to rows of the header's length
def read_coadd(path):
    with fits.open(path, memmap=False) as hdul:
        n = hdul[1].header["NAXIS1"]
        rows = [hdul[k].data.reshape(-1, n)[0] for k in range(1, 4)]
    return rows[0].astype(np.float32), rows[1].astype(np.float32), rows[2].astype(np.int32)

# %% right: flattened
def read_coadd(path):
    hdus = fits.open(str(path))
    n = hdus[1].shape[-1]
    flux, error, mask = [np.array(hdus[k].data, dtype=float).ravel()[:n] for k in (1, 2, 3)]
    return (flux, error, mask.astype(np.int16))

# %% right: the kit's own reader of apStar files
def read_coadd(path):
    star = apogee.read_apstar(path)
    return star.flux, star.error, star.mask

# %% wrong: row 1, the combination with global weights | loses: test_read_coadd test_read_coadd_single test_read_sample test_read_sample_bad
# [0] => [1]

# %% wrong: row 1 where there is one | loses: test_read_coadd test_read_sample
def read_coadd(path):
    with fits.open(path) as hdus:
        data = [np.atleast_2d(hdus[k].data) for k in (1, 2, 3)]
        return tuple(np.array(d[min(1, len(d) - 1)]) for d in data)

# %% wrong: the last row, a visit | loses: test_read_coadd test_read_sample
# [0] => [-1]

# %% wrong: a single row not thought of | loses: test_read_coadd_single
# np.atleast_2d(hdus[number].data) => hdus[number].data

# %% wrong: all rows | loses: test_read_coadd test_read_coadd_single test_read_sample test_read_sample_bad
# np.atleast_2d(hdus[number].data)[0] => hdus[number].data

# %% wrong: HDUs 0 to 2 | loses: test_read_coadd test_read_coadd_single test_read_sample test_read_sample_bad
# (1, 2, 3) => (0, 1, 2)

# %% wrong: error and mask exchanged | loses: test_read_coadd test_read_coadd_single test_read_sample test_read_sample_bad
# error.astype(float), mask.astype(int) => mask.astype(int), error.astype(float)

# %% wrong: the mean of the visits | loses: test_read_coadd test_read_sample
def read_coadd(path):
    with fits.open(path) as hdus:
        data = [np.atleast_2d(hdus[k].data) for k in (1, 2, 3)]
    flux = data[0][2:].mean(axis=0) if len(data[0]) > 2 else data[0][0]
    return flux, np.array(data[1][0]), np.array(data[2][0])

# %% wrong: the error of row 1 | loses: test_read_coadd test_read_sample
# - return flux.astype(float), error.astype(float), mask.astype(int)
# + error = np.atleast_2d(fits.getdata(path, 2))[:2][-1]
# + return flux.astype(float), error.astype(float), mask.astype(int)

# %% wrong: the mask of a star seen once forgotten | loses: test_read_coadd_single test_read_sample test_read_sample_bad
# mask.astype(int) => mask.astype(int) if fits.getheader(path)["NVISITS"] > 1 else 0 * flux

# %% wrong: zeros of the right length | loses: test_read_coadd test_read_coadd_single test_read_sample test_read_sample_bad
def read_coadd(path):
    return np.zeros(8575), np.zeros(8575), np.zeros(8575, dtype=int)

# %% wrong: NaN filled with zero | loses: test_read_coadd test_read_sample_bad
def read_coadd(path):
    with fits.open(path) as hdus:
        flux, error, mask = (np.atleast_2d(hdus[i].data)[0] for i in (1, 2, 3))
    return np.nan_to_num(flux), np.nan_to_num(error), mask
