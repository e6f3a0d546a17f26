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
