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
