"""Rivals of `running_continuum`."""

# %% right: pixel by pixel
def running_continuum(flux, window=51):
    half = window // 2
    answer = np.empty(flux.shape)
    for i in range(flux.shape[1]):
        answer[:, i] = flux[:, max(0, i - half) : i + half + 1].mean(axis=1)
    return answer

# %% right: convolution divided by the number of pixels
def running_continuum(flux, window=51):
    ones = np.ones(window)
    count = np.convolve(np.ones(flux.shape[1]), ones, "same")
    return np.array([np.convolve(row, ones, "same") / count for row in flux])

# %% right: pandas
def running_continuum(flux, window=51):
    import pandas as pd

    return pd.DataFrame(flux.T).rolling(window, center=True, min_periods=1).mean().to_numpy().T

# %% wrong: window off by one at the right edge | loses: test_running_continuum test_running_continuum_edges
# + half + 1, p => + half, p

# %% wrong: window off by one at the edges only | loses: test_running_continuum_edges
def running_continuum(flux, window=51):
    half, p = window // 2, flux.shape[1]
    answer = np.empty(flux.shape)
    for i in range(p):
        first, last = i - half, i + half + 1
        if first < 0:
            first, last = 0, i + half
        if last > p:
            first, last = i - half + 1, p
        answer[:, i] = flux[:, first:last].mean(axis=1)
    return answer

# %% wrong: edges mirrored | loses: test_running_continuum_edges
def running_continuum(flux, window=51):
    from scipy.ndimage import uniform_filter1d

    return uniform_filter1d(flux, window, axis=1, mode="reflect")

# %% wrong: edges filled with zeros | loses: test_running_continuum test_running_continuum_edges
def running_continuum(flux, window=51):
    return np.array([np.convolve(row, np.ones(window) / window, "same") for row in flux])

# %% wrong: the window slides inwards to keep its size | loses: test_running_continuum_edges
# np.maximum(np.arange(p) - half, 0) => np.clip(np.arange(p) - half, 0, p - window)
# np.minimum(np.arange(p) + half + 1, p) => first + window

# %% wrong: a window of its own width | loses: test_running_continuum test_running_continuum_edges
# window // 2 => 50

# %% wrong: median | loses: test_running_continuum test_running_continuum_edges
def running_continuum(flux, window=51):
    half = window // 2
    return np.stack(
        [np.median(flux[:, max(0, i - half) : i + half + 1], axis=1) for i in range(flux.shape[1])],
        axis=1,
    )

# %% right: astropy's box, missing pixels as NaN
def running_continuum(flux, window=51):
    from astropy.convolution import Box1DKernel, convolve

    kernel = Box1DKernel(window)
    return [convolve(row, kernel, boundary="fill", fill_value=np.nan) for row in flux]

# %% right: single precision
# return (total[:, last] - total[:, first]) / (last - first) => return ((total[:, last] - total[:, first]) / (last - first)).astype(np.float32)

# %% wrong: the spectrum itself | loses: test_running_continuum test_running_continuum_edges
def running_continuum(flux, window=51):
    return flux

# %% wrong: always 51 pixels | loses: test_running_continuum test_running_continuum_edges
# window // 2 => 25
