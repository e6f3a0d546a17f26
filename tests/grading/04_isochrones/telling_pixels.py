"""Rivals of `telling_pixels`."""

# %% right: neighbours blanked
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
# np.abs(flux_a - flux_b) / sigma => np.abs(flux_a - flux_b)

# %% wrong: neighbours not left out | loses: test_telling_pixels_apart
def telling_pixels(wavelength, flux_a, flux_b, sigma, number, separation=1.5):
    return wavelength[np.argsort(-np.abs(flux_a - flux_b) / sigma)[:number]]

# %% wrong: only where the first is brighter | loses: test_telling_pixels
# np.abs(flux_a - flux_b) => (flux_a - flux_b)

# %% wrong: indices | edits: neighbours blanked | loses: test_telling_pixels test_telling_pixels_apart
# (wavelength[k]) => (k)

# %% wrong: sorted by wavelength | loses: test_telling_pixels test_telling_pixels_apart
# np.array(found) => np.sort(found)

# %% wrong: separation counted in pixels | edits: neighbours blanked | loses: test_telling_pixels_apart
# - z[np.abs(wavelength - wavelength[k]) < separation] = -1
# + z[max(0, k - int(separation)) : k + int(separation) + 1] = -1

# %% wrong: nearest alike instead of most different | loses: test_telling_pixels test_telling_pixels_apart
def telling_pixels(wavelength, flux_a, flux_b, sigma, number, separation=1.5):
    return wavelength[np.argsort(np.abs(flux_a - flux_b) / sigma)[:number]]

# %% right: scipy finds the peaks
def telling_pixels(wavelength, flux_a, flux_b, sigma, number, separation=1.5):
    from scipy.signal import find_peaks

    z = np.abs(flux_a - flux_b) / sigma
    peaks, _ = find_peaks(z, distance=int(np.ceil(separation / (wavelength[1] - wavelength[0]))))
    return wavelength[sorted(peaks, key=lambda p: -z[p])][:number]

# %% right: in float32, as a list
#   def telling_pixels(wavelength, flux_a, flux_b, sigma, number, separation=1.5):
# +     wavelength, flux_a, flux_b, sigma = map(np.float32, (wavelength, flux_a, flux_b, sigma))

# return np.array(found) => return [float(place) for place in found]

# %% wrong: the separation is always the same | loses: test_telling_pixels_apart
# >= separation => >= 1.5

# %% wrong: another separation where none is given | loses: test_telling_pixels_apart
# separation=1.5 => separation=3.0

# %% wrong: one place fewer than wanted | loses: test_telling_pixels test_telling_pixels_apart
# if len(found) == number: => if len(found) == number - 1:

# %% wrong: the first pixels | loses: test_telling_pixels test_telling_pixels_apart
def telling_pixels(wavelength, flux_a, flux_b, sigma, number, separation=1.5):
    return wavelength[:number]

# %% wrong: compared with the last one only | loses: test_telling_pixels_apart
def telling_pixels(wavelength, flux_a, flux_b, sigma, number, separation=1.5):
    z = np.abs(flux_a - flux_b) / sigma
    chosen = []
    for i in np.argsort(z)[::-1]:
        if not chosen or abs(wavelength[i] - chosen[-1]) >= separation:
            chosen.append(wavelength[i])
        if len(chosen) == number:
            break
    return np.array(chosen)

# %% wrong: divided by the variance | loses: test_telling_pixels
def telling_pixels(wavelength, flux_a, flux_b, sigma, number, separation=1.5):
    z = np.abs(flux_a - flux_b) / sigma**2
    chosen = []
    for i in np.argsort(z)[::-1]:
        if all(abs(wavelength[i] - w) >= separation for w in chosen):
            chosen.append(wavelength[i])
        if len(chosen) == number:
            break
    return np.array(chosen)
