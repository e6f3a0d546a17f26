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
def fit_lines(flux, error, profiles, background):
    A = np.column_stack([profiles, background])
    C = np.linalg.inv(A.T @ (A / error[:, None]))
    n = profiles.shape[1]
    return (C @ (A.T @ (flux / error)))[:n], C[:n, :n]

# %% wrong: all pixels alike | loses: test_fit_lines_errors
def fit_lines(flux, error, profiles, background):
    A = np.column_stack([profiles, background])
    C = np.linalg.inv(A.T @ A)
    n = profiles.shape[1]
    return (C @ (A.T @ flux))[:n], C[:n, :n] * np.mean(error**2)

# %% wrong: the background taken as known | loses: test_fit_lines_errors
def fit_lines(flux, error, profiles, background):
    A = np.column_stack([profiles, background]) / error[:, None]
    n = profiles.shape[1]
    best = np.linalg.lstsq(A, flux / error, rcond=None)[0]
    return best[:n], np.linalg.inv(A[:, :n].T @ A[:, :n])

# %% wrong: no background | loses: test_fit_lines test_fit_lines_errors
def fit_lines(flux, error, profiles, background):
    A = profiles / error[:, None]
    C = np.linalg.inv(A.T @ A)
    return C @ (A.T @ (flux / error)), C

# %% wrong: correlations thrown away | loses: test_fit_lines_errors
def fit_lines(flux, error, profiles, background):
    A = np.column_stack([profiles, background]) / error[:, None]
    C = np.linalg.inv(A.T @ A)
    n = profiles.shape[1]
    return (C @ (A.T @ (flux / error)))[:n], np.diag(1 / np.diag(A.T @ A)[:n])
