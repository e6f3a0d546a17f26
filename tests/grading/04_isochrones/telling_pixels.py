"""Rivals of `telling_pixels`."""

# %% right: take the largest, blank its neighbours
def telling_pixels(wavelength, flux_a, flux_b, sigma, number, separation=1.5):
    z = np.abs((flux_a - flux_b) / sigma)
    out = []
    for _ in range(number):
        k = int(np.argmax(z))
        out.append(wavelength[k])
        z[np.abs(wavelength - wavelength[k]) < separation] = -1
    return np.array(out)

# %% right: a list sorted by significance
def telling_pixels(wavelength, flux_a, flux_b, sigma, number, separation=1.5):
    pairs = sorted(zip(((flux_a - flux_b) / sigma) ** 2, wavelength), reverse=True)
    kept = []
    for _, w in pairs:
        if len(kept) < number and not any(abs(w - v) < separation for v in kept):
            kept.append(w)
    return np.array(kept)

# %% wrong: not in units of the error | loses: test_telling_pixels
def telling_pixels(wavelength, flux_a, flux_b, sigma, number, separation=1.5):
    z = np.abs(flux_a - flux_b)
    out = []
    for _ in range(number):
        k = int(np.argmax(z))
        out.append(wavelength[k])
        z[np.abs(wavelength - wavelength[k]) < separation] = -1
    return np.array(out)

# %% wrong: neighbours not left out | loses: test_telling_pixels_apart
def telling_pixels(wavelength, flux_a, flux_b, sigma, number, separation=1.5):
    return wavelength[np.argsort(-np.abs(flux_a - flux_b) / sigma)[:number]]

# %% wrong: only where the first is brighter | loses: test_telling_pixels
def telling_pixels(wavelength, flux_a, flux_b, sigma, number, separation=1.5):
    z = (flux_a - flux_b) / sigma
    out = []
    for _ in range(number):
        k = int(np.argmax(z))
        out.append(wavelength[k])
        z[np.abs(wavelength - wavelength[k]) < separation] = -1e9
    return np.array(out)

# %% wrong: indices | loses: test_telling_pixels test_telling_pixels_apart
def telling_pixels(wavelength, flux_a, flux_b, sigma, number, separation=1.5):
    z = np.abs((flux_a - flux_b) / sigma)
    out = []
    for _ in range(number):
        k = int(np.argmax(z))
        out.append(k)
        z[np.abs(wavelength - wavelength[k]) < separation] = -1
    return np.array(out)

# %% wrong: sorted by wavelength | loses: test_telling_pixels test_telling_pixels_apart
def telling_pixels(wavelength, flux_a, flux_b, sigma, number, separation=1.5):
    z = np.abs((flux_a - flux_b) / sigma)
    out = []
    for _ in range(number):
        k = int(np.argmax(z))
        out.append(wavelength[k])
        z[np.abs(wavelength - wavelength[k]) < separation] = -1
    return np.sort(out)

# %% wrong: separation counted in pixels | loses: test_telling_pixels_apart
def telling_pixels(wavelength, flux_a, flux_b, sigma, number, separation=1.5):
    z = np.abs((flux_a - flux_b) / sigma)
    out = []
    for _ in range(number):
        k = int(np.argmax(z))
        out.append(wavelength[k])
        z[max(0, k - int(separation)) : k + int(separation) + 1] = -1
    return np.array(out)

# %% wrong: nearest alike instead of most different | loses: test_telling_pixels test_telling_pixels_apart
def telling_pixels(wavelength, flux_a, flux_b, sigma, number, separation=1.5):
    return wavelength[np.argsort(np.abs(flux_a - flux_b) / sigma)[:number]]
