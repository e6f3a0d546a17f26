"""Rivals of `ridge`."""

# %% right: scikit-learn
def ridge(inputs, targets, penalty):
    from sklearn.linear_model import Ridge

    model = Ridge(alpha=penalty).fit(inputs, targets)
    return model.coef_.T, model.intercept_

# %% right: the normal equations
def ridge(inputs, targets, penalty):
    mx, my = inputs.mean(0), targets.mean(0)
    X, Y = np.float64(inputs - mx), targets - my
    W = np.linalg.solve(X.T @ X + penalty * np.eye(X.shape[1]), X.T @ Y)
    return W, my - mx @ W

# %% right: singular values
def ridge(inputs, targets, penalty):
    mx, my = inputs.mean(0), targets.mean(0)
    u, s, vt = np.linalg.svd(inputs - mx, full_matrices=False)
    W = vt.T @ ((s / (s**2 + penalty))[:, None] * (u.T @ (targets - my)))
    return W, my - mx @ W

# %% right: rows of penalties below the inputs, least squares
def ridge(inputs, targets, penalty):
    mx, my = inputs.mean(axis=0), targets.mean(axis=0)
    p = inputs.shape[1]
    A = np.vstack([inputs - mx, np.sqrt(penalty) * np.eye(p)])
    b = np.vstack([targets - my, np.zeros((p, targets.shape[1]))])
    W = np.linalg.lstsq(A, b, rcond=None)[0]
    return W, my - mx @ W

# %% wrong: the constant is penalised | loses: test_ridge test_ridge_solution
def ridge(inputs, targets, penalty):
    X = np.column_stack([inputs, np.ones(len(inputs))])
    W = np.linalg.solve(X.T @ X + penalty * np.eye(X.shape[1]), X.T @ targets)
    return W[:-1], W[-1]

# %% wrong: no constant | loses: test_ridge test_ridge_solution
# middle - centre @ weights => 0 * middle

# %% wrong: no penalty | loses: test_ridge test_ridge_solution
# penalty * np.eye(len(x)) => 1e-9 * np.eye(len(x))

# %% wrong: the penalty squared | loses: test_ridge_solution
# penalty * np.eye => penalty**2 * np.eye

# %% wrong: the penalty for each star | loses: test_ridge_solution
# penalty * np.eye => len(x) * penalty * np.eye

# %% wrong: the means are not subtracted | loses: test_ridge test_ridge_solution
# x = inputs - centre => x = inputs + 0 * centre

# %% wrong: the weights transposed | loses: test_ridge test_ridge_solution
# return weights, => return weights.T,

# %% wrong: the constant is the mean of the targets | loses: test_ridge test_ridge_solution
# middle - centre @ weights => middle

# %% wrong: inputs scaled to one, and the weights left so | loses: test_ridge test_ridge_solution
# x = inputs - centre => x = (inputs - centre) / inputs.std(axis=0)
