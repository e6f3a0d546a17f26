"""Rivals of `augment`."""

# %% right: row by row
def augment(flux, wavelength, lines, strongest, sigma, noise, seed):
    rng = np.random.default_rng(seed)
    made = np.array(flux, dtype=float)
    for row in made:
        row += rng.normal(0, 1, row.size) * rng.uniform(0, noise)
        if rng.random() < 0.5:
            for line, most in zip(lines, strongest):
                s = sigma * rng.uniform(1, 1.3)
                row += rng.uniform(0, most) * np.exp(-((wavelength - line) ** 2) / 2 / s**2) / s / np.sqrt(2 * np.pi)
        if rng.random() < 0.3:
            s = sigma * rng.uniform(0.6, 1.2)
            at = rng.uniform(wavelength[0], wavelength[-1])
            row += rng.uniform(0, max(strongest)) * np.exp(-((wavelength - at) ** 2) / 2 / s**2) / s / np.sqrt(2 * np.pi)
    return made

# %% right: RandomState, all lines in one array
def augment(flux, wavelength, lines, strongest, sigma, noise, seed):
    r = np.random.RandomState(seed)
    n, k = len(flux), len(lines)
    place = np.hstack([np.tile(lines, (n, 1)), r.choice(wavelength, (n, 1))])
    width = sigma * np.hstack([r.uniform(1, 1.3, (n, k)), r.uniform(0.6, 1.2, (n, 1))])
    area = r.uniform(0, 1, (n, k + 1)) * np.append(strongest, np.max(strongest))
    area[:, :k] *= r.rand(n, 1) < 0.5
    area[:, k] *= r.rand(n) < 0.3
    made = flux + r.uniform(0, noise, (n, 1)) * r.standard_normal(flux.shape)
    for j in range(k + 1):
        z = (wavelength - place[:, [j]]) / width[:, [j]]
        made = made + area[:, [j]] / width[:, [j]] / 2.5066283 * np.exp(-z * z / 2)
    return made

# %% wrong: absorption as well | loses: test_augment_emission
# draw(0, most) => draw(-most, most)

# %% wrong: the same noise for every row | loses: test_augment
# rng.standard_normal(flux.shape, => rng.standard_normal(flux.shape[1],

# %% wrong: always the greatest noise | loses: test_augment
# draw(0, noise) => noise

# %% wrong: peaks for equivalent widths | loses: test_augment_emission
# area / (np.sqrt(2 * np.pi) * width) * shape => area * shape

# %% wrong: every row is active | loses: test_augment_emission
# draw() < 0.5 => draw() <= 1

# %% wrong: no cosmic rays | loses: test_augment_emission
# - made += (draw() < 0.3) * bump(place, sigma * draw(0.6, 1.2), draw(0, max(strongest)))

# %% wrong: each line lit on its own | loses: test_augment_emission
# active * bump => (draw() < 0.5) * bump

# %% right: torch
def augment(flux, wavelength, lines, strongest, sigma, noise, seed):
    import torch

    chance = torch.Generator().manual_seed(seed)
    n = len(flux)
    x, y = (torch.tensor(np.asarray(a), dtype=torch.float32) for a in (wavelength, flux))

    def uniform(low, high):
        return low + (high - low) * torch.rand((n, 1), generator=chance)

    def bump(centre, s, area):
        return area * torch.exp(-0.5 * ((x - centre) / s) ** 2) / (s * (2 * np.pi) ** 0.5)

    y = y + uniform(0, noise) * torch.randn(y.shape, generator=chance)
    lit = uniform(0, 1) < 0.5
    for line, most in zip(lines, strongest):
        y = y + lit * bump(float(line), sigma * uniform(1, 1.3), uniform(0, float(most)))
    at = uniform(float(x[0]), float(x[-1]))
    hit = uniform(0, 1) < 0.3
    y = y + hit * bump(at, sigma * uniform(0.6, 1.2), uniform(0, float(np.max(strongest))))
    return y.numpy()

# %% wrong: the seed ignored | loses: test_augment
# default_rng(seed) => default_rng(0)

# %% wrong: other spectra at every call | loses: test_augment
# default_rng(seed) => default_rng()

# %% wrong: left as they are | loses: test_augment test_augment_emission
def augment(flux, wavelength, lines, strongest, sigma, noise, seed):
    return np.array(flux)

# %% wrong: one width for every instrument | loses: test_augment_emission
# wavelength = np.asarray(wavelength, dtype=np.float32) => wavelength, sigma = np.asarray(wavelength, dtype=np.float32), 1.5

# %% wrong: the profile's sigma taken for a full width at half maximum | loses: test_augment_emission
# wavelength = np.asarray(wavelength, dtype=np.float32) => wavelength, sigma = np.asarray(wavelength, dtype=np.float32), sigma / 2.3548

# %% wrong: all lines exactly as wide as the instrument | loses: test_augment_emission
# sigma * draw(1, 1.3) => sigma

# %% wrong: cosmic rays only where stars are active | loses: test_augment_emission
# (draw() < 0.3) * bump => active * (draw() < 0.6) * bump

# %% wrong: cosmic rays as wide as lines | loses: test_augment_emission
# draw(0.6, 1.2) => draw(1, 1.3)

# %% wrong: all rows alike in their emission | loses: test_augment_emission
# draw(0, most) => rng.uniform(0, most)

# %% wrong: the given spectra are spoilt themselves | loses: test_augment test_augment_emission
# made = flux + draw(0, noise) * rng.standard_normal(flux.shape, dtype=np.float32) => made = flux
#   active = draw() < 0.5
# + made += draw(0, noise) * rng.standard_normal(flux.shape, dtype=np.float32)

# %% right: all rows at once
def augment(flux, wavelength, lines, strongest, sigma, noise, seed):
    rng = np.random.default_rng(seed)
    n, p = flux.shape
    out = flux + rng.uniform(0, noise, (n, 1)) * rng.standard_normal((n, p))
    active = rng.random((n, 1)) < 0.5

    def bell(centre, width, area):
        return area * np.exp(-0.5 * ((wavelength - centre) / width) ** 2) / width / 2.5066283

    for line, most in zip(lines, strongest, strict=True):
        factor = rng.uniform(1, 1.3, (n, 1))
        out += bell(line, sigma * factor, active * rng.uniform(0, most, (n, 1)))
    hit = rng.random((n, 1)) < 0.3
    place = rng.uniform(wavelength[0], wavelength[-1], (n, 1))
    most = np.max(strongest)
    return out + bell(place, sigma * rng.uniform(0.6, 1.2, (n, 1)), hit * rng.uniform(0, most, (n, 1)))

# %% wrong: noise from a box | edits: all rows at once | loses: test_augment
# rng.standard_normal((n, p)) => rng.uniform(-(3**0.5), 3**0.5, (n, p))

# %% wrong: noise as a share of the flux | edits: all rows at once | loses: test_augment
# rng.standard_normal((n, p)) => flux * rng.standard_normal((n, p))

# %% wrong: the first half of the rows is active | edits: all rows at once | loses: test_augment_emission
# rng.random((n, 1)) < 0.5 => np.arange(n)[:, None] < n // 2

# %% wrong: cosmic rays as strong as the first line at most | edits: all rows at once | loses: test_augment_emission
# most = np.max(strongest) => most = strongest[0]

# %% wrong: all cosmic rays of one strength | edits: all rows at once | loses: test_augment_emission
# hit * rng.uniform(0, most, (n, 1)) => hit * most / 2

# %% wrong: areas over the step of the grid | edits: all rows at once | loses: test_augment_emission
# - n, p = flux.shape
# + n, p = flux.shape
# + strongest = np.asarray(strongest) / (wavelength[1] - wavelength[0])

# %% wrong: cosmic rays within the window of H alpha only | edits: all rows at once | loses: test_augment_emission
# rng.uniform(wavelength[0], wavelength[-1], (n, 1)) => rng.uniform(6371, 6770, (n, 1))
