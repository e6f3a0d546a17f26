# %% right: a loop, a list
def wavelength_grid(header):
    grid = []
    for i in range(header["NAXIS1"]):
        grid.append(10.0 ** (header["CRVAL1"] + (i + 1 - header["CRPIX1"]) * header["CDELT1"]))
    return grid

# %% right: linspace and logspace
def wavelength_grid(header):
    n = header["NAXIS1"]
    first = header["CRVAL1"] - (header["CRPIX1"] - 1) * header["CDELT1"]
    return np.logspace(first, first + (n - 1) * header["CDELT1"], n)

# %% right: by the exponential function
def wavelength_grid(header):
    offset = np.arange(header["NAXIS1"]) - (header["CRPIX1"] - 1)
    return np.exp(np.log(10) * (header["CRVAL1"] + offset * header["CDELT1"]))

# %% right: astropy's world coordinates
def wavelength_grid(header):
    from astropy.wcs import WCS

    cards = {key: header[key] for key in ("CRVAL1", "CDELT1", "CRPIX1")}
    log = WCS(fits.Header({"NAXIS": 1, "CTYPE1": "LINEAR", **cards}))
    return 10 ** log.all_pix2world(np.arange(header["NAXIS1"]), 0)[0]

# %% right: kept in single precision
# - return 10 ** (header["CRVAL1"] + header["CDELT1"] * (pixel - header["CRPIX1"]))
# + grid = 10 ** (header["CRVAL1"] + header["CDELT1"] * (pixel - header["CRPIX1"]))
# + return grid.astype(np.float32)

# %% wrong: one pixel off | loses: test_wavelength_grid test_wavelength_grid_reference
# np.arange(1, header["NAXIS1"] + 1) => np.arange(header["NAXIS1"])

# %% wrong: one pixel too long | loses: test_wavelength_grid test_wavelength_grid_reference
# header["NAXIS1"] + 1 => header["NAXIS1"] + 2

# %% wrong: natural instead of base-10 logarithm | loses: test_wavelength_grid test_wavelength_grid_reference
# 10 ** => np.exp

# %% wrong: reference pixel ignored | loses: test_wavelength_grid_reference
# pixel - header["CRPIX1"] => pixel - 1

# %% wrong: a linear grid between the right ends | loses: test_wavelength_grid test_wavelength_grid_reference
def wavelength_grid(header):
    n = header["NAXIS1"]
    ends = 10 ** (header["CRVAL1"] + header["CDELT1"] * (np.array([1, n]) - header["CRPIX1"]))
    return np.linspace(*ends, n)

# %% wrong: APOGEE's grid whatever the header says | loses: test_wavelength_grid test_wavelength_grid_reference
def wavelength_grid(header):
    return 10 ** (4.179 + 6e-6 * np.arange(8575))

# %% wrong: the logarithm itself | loses: test_wavelength_grid test_wavelength_grid_reference
# 10 ** =>

# %% wrong: the first pixel at the reference wavelength, wherever that is | loses: test_wavelength_grid_reference
def wavelength_grid(header):
    return 10 ** (header["CRVAL1"] + header["CDELT1"] * np.arange(header["NAXIS1"]))

# %% wrong: the reference wavelength everywhere | loses: test_wavelength_grid test_wavelength_grid_reference
def wavelength_grid(header):
    return np.full(header["NAXIS1"], 10 ** header["CRVAL1"])
