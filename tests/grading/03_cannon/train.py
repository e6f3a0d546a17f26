"""Rivals of `train`."""

# %% right: the plain loop
def train(X, flux, error):
    m, pixels = X.shape[1], flux.shape[1]
    theta = np.zeros((m, pixels))
    theta[0] = 1
    s2 = np.full(pixels, 1e20)
    for p in tqdm(range(pixels)):
        if np.sum(error[:, p] < 1e9) >= 2 * m:
            theta[:, p], s2[p] = train_pixel(X, flux[:, p], error[:, p])
    return theta, s2

# %% right: a grid, all pixels at once
def train(X, flux, error):
    ok = (error < 1e9).sum(axis=0) >= 2 * X.shape[1]
    theta = np.zeros((X.shape[1], flux.shape[1]))
    theta[0] = 1
    s2, best = np.full(flux.shape[1], 1e20), np.full(flux.shape[1], -np.inf)
    for trial in np.r_[0, np.logspace(-9, 0, 250)]:
        w = 1 / (error**2 + trial)
        A = np.einsum("np,ni,nj->pij", w, X, X, optimize=True)
        A[~ok] = np.eye(X.shape[1])
        t = np.linalg.solve(A, ((w * flux).T @ X)[..., None])[..., 0].T
        lnl = 0.5 * np.sum(np.log(w) - w * (flux - X @ t) ** 2, axis=0)
        up = ok & (lnl > best)
        theta[:, up], s2[up], best[up] = t[:, up], trial, lnl[up]
    return theta, s2

# %% right: scipy's minimiser over all pixels, in the scatter's logarithm
def train(X, flux, error):
    from scipy.optimize import minimize_scalar

    m, pixels = X.shape[1], flux.shape[1]
    theta, s2 = np.zeros((m, pixels)), np.full(pixels, 1e20)
    theta[0] = 1
    for p in np.flatnonzero(np.count_nonzero(error < 1e9, axis=0) >= 2 * m):
        f, v = flux[:, p], error[:, p] ** 2

        def best(trial):
            root = 1 / np.sqrt(v + trial)
            t = np.linalg.lstsq(X * root[:, None], f * root, rcond=None)[0]
            return -np.sum(np.log(root)) + np.sum(((f - X @ t) * root) ** 2) / 2, t

        edges = np.linspace(-20, 0, 21)
        k = np.argmin([best(np.exp(u))[0] for u in edges])
        near = edges[max(k - 1, 0)], edges[min(k + 1, 20)]
        found = minimize_scalar(lambda u: best(np.exp(u))[0], bounds=near, method="bounded")
        s2[p] = 0.0 if best(0.0)[0] < found.fun else np.exp(found.x)
        theta[:, p] = best(s2[p])[1]
    return theta, s2

# %% wrong: coefficients transposed | loses: test_train test_train_dead
# return coefficients, s2 => return coefficients.T, s2

# %% wrong: dead pixels get zero scatter | loses: test_train_dead
# np.full(flux.shape[1], BAD_ERROR**2) => np.zeros(flux.shape[1])

# %% wrong: only entirely dead pixels are noticed | loses: test_train_dead
# (error < BAD_LIMIT).sum(axis=0) >= 2 * m => (error < BAD_LIMIT).any(axis=0)

# %% wrong: one scatter for all pixels | loses: test_train test_train_dead
def train(X, flux, error):
    ok = (error < 1e9).sum(axis=0) >= 2 * X.shape[1]
    theta = np.zeros((X.shape[1], flux.shape[1]))
    theta[0] = 1
    for p in np.flatnonzero(ok):
        theta[:, p] = solve_pixel(X, flux[:, p], error[:, p], 1e-4)
    return theta, np.full(flux.shape[1], 1e-4)

# %% wrong: unweighted and no scatter, all pixels in one lstsq | loses: test_train test_train_dead
def train(X, flux, error):
    return np.linalg.lstsq(X, flux, rcond=None)[0], np.zeros(flux.shape[1])

# %% wrong: one median error for all stars | loses: test_train
def train(X, flux, error):
    m, pixels = X.shape[1], flux.shape[1]
    theta, s2 = np.zeros((m, pixels)), np.full(pixels, 1e20)
    theta[0] = 1
    for p in range(pixels):
        ok = error[:, p] < 1e9
        if ok.sum() >= 2 * m:
            same = np.where(ok, np.median(error[ok, p]), 1e10)
            theta[:, p], s2[p] = train_pixel(X, flux[:, p], same)
    return theta, s2

# %% wrong: no pixel trained | loses: test_train test_train_dead
def train(X, flux, error):
    coefficients = np.zeros((X.shape[1], flux.shape[1]))
    coefficients[0] = 1
    return coefficients, np.full(flux.shape[1], 1e20)

# %% wrong: one good star too many asked for | loses: test_train_dead
# >= 2 * m => > 2 * m

# %% wrong: the first of two maxima | loses: test_train
# np.flatnonzero(s2 == 0) => np.flatnonzero(s2 < 0)
