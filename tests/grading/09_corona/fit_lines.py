"""Rivals of `fit_lines`."""

# %% right: normal equations
def fit_lines(flux, error, profiles, background):
    A = np.hstack([profiles, background])
    W = np.diag(1 / error**2)
    H = A.T @ W @ A
    C = np.linalg.inv(H)
    a = np.linalg.solve(H, A.T @ W @ flux)
    n = profiles.shape[1]
    return [a[:n], C[:n, :n]]

# %% right: the background projected out, then a QR
def fit_lines(flux, error, profiles, background):
    A, B, d = profiles / error[:, None], background / error[:, None], flux / error
    Q, _ = np.linalg.qr(B)
    A = A - Q @ (Q.T @ A)
    d = d - Q @ (Q.T @ d)
    a = np.linalg.lstsq(A, d, rcond=None)[0]
    return a, np.linalg.pinv(A.T @ A)

# %% wrong: blends ignored, one line at a time | loses: test_fit_lines test_fit_lines_errors
def fit_lines(flux, error, profiles, background):
    found, variance = [], []
    for k in range(profiles.shape[1]):
        A = np.column_stack([profiles[:, k], background]) / error[:, None]
        C = np.linalg.inv(A.T @ A)
        found.append((C @ (A.T @ (flux / error)))[0])
        variance.append(C[0, 0])
    return np.array(found), np.diag(variance)

# %% wrong: sigma as variance | loses: test_fit_lines_errors
# / error[:, None] => / np.sqrt(error)[:, None]
# flux / error => flux / np.sqrt(error)

# %% wrong: all pixels alike | loses: test_fit_lines_errors
# / error[:, None] => / np.sqrt(np.mean(error**2))
# flux / error => flux / np.sqrt(np.mean(error**2))

# %% wrong: the background taken as known | loses: test_fit_lines_errors
# covariance[:n, :n] => np.linalg.inv(design[:, :n].T @ design[:, :n])

# %% wrong: no background | loses: test_fit_lines test_fit_lines_errors
# np.column_stack([profiles, background]) => profiles

# %% wrong: correlations thrown away | loses: test_fit_lines_errors
# covariance[:n, :n] => np.diag(1 / np.diag(design.T @ design)[:n])

# %% right: scipy's curve_fit
def fit_lines(flux, error, profiles, background):
    from scipy.optimize import curve_fit

    design = np.hstack([profiles, background])
    start = np.zeros(design.shape[1])
    best, covariance = curve_fit(
        lambda _, *a: design @ a, np.arange(len(flux)), flux, start, error, absolute_sigma=True
    )
    n = profiles.shape[1]
    return best[:n].tolist(), covariance[:n, :n].tolist()

# %% right: a singular value decomposition, single precision
# - covariance = np.linalg.inv(design.T @ design)
# - best = covariance @ (design.T @ (flux / error))
# + u, s, v = np.linalg.svd(design.astype(np.float32), full_matrices=False)
# + covariance = (v.T / s**2) @ v
# + best = v.T @ ((u.T @ (flux / error).astype(np.float32)) / s)

# %% wrong: weights of one over the error, not its square | loses: test_fit_lines_errors
# - design = np.column_stack([profiles, background]) / error[:, None]
# - covariance = np.linalg.inv(design.T @ design)
# - best = covariance @ (design.T @ (flux / error))
# + design, weight = np.column_stack([profiles, background]), 1 / error
# + covariance = np.linalg.inv(design.T @ (weight[:, None] * design))
# + best = covariance @ (design.T @ (weight * flux))

# %% wrong: a covariance scaled by the residuals | loses: test_fit_lines_errors
#   best = covariance @ (design.T @ (flux / error))
# + left = flux / error - design @ best
# + covariance = covariance * np.sum(left**2) / (flux.size - best.size)

# %% wrong: nothing found | loses: test_fit_lines test_fit_lines_errors
def fit_lines(flux, error, profiles, background):
    n = profiles.shape[1]
    return np.zeros(n), np.eye(n)

# %% right: whitened, lstsq
def fit_lines(flux, error, profiles, background):
    design = np.hstack([profiles, background]) / error[:, None]
    best = np.linalg.lstsq(design, flux / error, rcond=None)[0]
    n = profiles.shape[1]
    covariance = np.linalg.inv(design.T @ design)[:n, :n]
    return best[:n], covariance

# %% wrong: correlations set to zero in the covariance | edits: whitened, lstsq | loses: test_fit_lines_errors
# return best[:n], covariance => return best[:n], np.diag(np.diag(covariance))

# %% wrong: negative lines set to zero | edits: whitened, lstsq | loses: test_fit_lines
# return best[:n], covariance => return np.maximum(best[:n], 0), covariance

# %% wrong: no negative fluxes | edits: whitened, lstsq | loses: test_fit_lines
# - best = np.linalg.lstsq(design, flux / error, rcond=None)[0]
# + from scipy.optimize import nnls
# + best = nnls(design, flux / error)[0]
