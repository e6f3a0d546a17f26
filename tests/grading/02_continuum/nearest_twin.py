"""Rivals of `nearest_twin`."""

# %% right: a tree
def nearest_twin(labels, scale):
    from scipy.spatial import cKDTree

    scaled = labels / scale
    _, found = cKDTree(scaled).query(scaled, k=2)
    own = np.arange(len(labels))
    return np.where(found[:, 0] == own, found[:, 1], found[:, 0])

# %% right: all distances at once, as a list
def nearest_twin(labels, scale):
    from scipy.spatial.distance import cdist

    d = cdist(labels / scale, labels / scale)
    np.fill_diagonal(d, np.inf)
    return d.argmin(axis=1).tolist()

# %% wrong: every star is its own twin | loses: test_nearest_twin test_nearest_twin_scale
def nearest_twin(labels, scale):
    s = labels / scale
    return np.array([np.argmin(((s - here) ** 2).sum(axis=1)) for here in s])

# %% wrong: labels not scaled | loses: test_nearest_twin_scale
def nearest_twin(labels, scale):
    d = ((labels[:, None] - labels[None]) ** 2).sum(axis=2)
    np.fill_diagonal(d, np.inf)
    return d.argmin(axis=1)

# %% wrong: the most distant star | loses: test_nearest_twin test_nearest_twin_scale
def nearest_twin(labels, scale):
    s = labels / scale
    return ((s[:, None] - s[None]) ** 2).sum(axis=2).argmax(axis=1)

# %% wrong: the nearest in temperature only | loses: test_nearest_twin_scale
def nearest_twin(labels, scale):
    d = np.abs(labels[:, 0][:, None] - labels[:, 0][None])
    np.fill_diagonal(d, np.inf)
    return d.argmin(axis=1)

# %% wrong: scale multiplied instead of divided | loses: test_nearest_twin_scale
def nearest_twin(labels, scale):
    s = labels * scale
    d = ((s[:, None] - s[None]) ** 2).sum(axis=2)
    np.fill_diagonal(d, np.inf)
    return d.argmin(axis=1)

# %% wrong: differences added with their signs | loses: test_nearest_twin_scale
def nearest_twin(labels, scale):
    s = labels / scale
    d = np.abs((s[:, None] - s[None]).sum(axis=2))
    np.fill_diagonal(d, np.inf)
    return d.argmin(axis=1)

# %% wrong: distances of zero are skipped | loses: test_nearest_twin
def nearest_twin(labels, scale):
    s = labels / scale
    d = ((s[:, None] - s[None]) ** 2).sum(axis=2)
    d[d == 0] = np.inf
    return d.argmin(axis=1)
