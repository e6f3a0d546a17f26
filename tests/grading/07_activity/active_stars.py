"""Rivals of `active_stars`."""

# %% right: one condition after another
def active_stars(width, error, teff):
    chosen = np.ones(len(teff), dtype=bool)
    chosen[width[:, 0] <= 1.0] = False
    for k in (1, 2, 3):
        chosen[width[:, k] <= 0.0] = False
    chosen[error >= 0.02] = False
    chosen[teff > 6000] = False
    return chosen

# %% right: a list
def active_stars(width, error, teff):
    rows = zip(width, error, teff)
    return np.array([bool(w[0] > 1 and min(w[1:]) > 0 and e < 0.02 and not t > 6000) for w, e, t in rows])

# %% wrong: any of the calcium lines | loses: test_active_stars
# (width[:, 1:] > 0).all => (width[:, 1:] > 0).any

# %% wrong: the calcium lines summed | loses: test_active_stars
# (width[:, 1:] > 0).all(axis=1) => (width[:, 1:].sum(axis=1) > 0)

# %% wrong: emission is negative | loses: test_active_stars test_active_stars_reliable
# width[:, 0] > 1 => width[:, 0] < -1

# %% wrong: hot stars kept | loses: test_active_stars_reliable
# & (teff <= 6000) =>

# %% wrong: bad templates kept | loses: test_active_stars_reliable
# & (error < 0.02) =>

# %% wrong: any emission of H alpha | loses: test_active_stars
# width[:, 0] > 1 => width[:, 0] > 0

# %% right: pandas, single precision
def active_stars(width, error, teff):
    import pandas as pd

    stars = pd.DataFrame(np.asarray(width, dtype=np.float32), columns=["ha", "a", "b", "c"])
    stars = stars.assign(rms=error, teff=teff)
    return stars.eval("ha > 1 and a > 0 and b > 0 and c > 0 and rms < 0.02 and teff <= 6000")

# %% wrong: nobody | loses: test_active_stars test_active_stars_reliable
def active_stars(width, error, teff):
    return np.zeros(len(teff), dtype=bool)

# %% wrong: everybody | loses: test_active_stars test_active_stars_reliable
def active_stars(width, error, teff):
    return np.ones(len(teff), dtype=bool)

# %% wrong: two calcium lines are enough | loses: test_active_stars test_active_stars_reliable
# (width[:, 1:] > 0).all(axis=1) => (width[:, 1:] > 0).sum(axis=1) > 1

# %% wrong: the last calcium line left out | loses: test_active_stars
# width[:, 1:] => width[:, 1:3]

# %% wrong: just at a limit of H alpha counts | loses: test_active_stars
# width[:, 0] > 1 => width[:, 0] >= 1

# %% wrong: a calcium line of width zero counts | loses: test_active_stars
# width[:, 1:] > 0 => width[:, 1:] >= 0

# %% wrong: 6000 K is too hot | loses: test_active_stars_reliable
# teff <= 6000 => teff < 6000

# %% wrong: a limit a little too wide | loses: test_active_stars_reliable
# error < 0.02 => error < 0.0205
