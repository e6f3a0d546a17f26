"""Rivals of `clean_training`."""

# %% right: five times the scatter, chi-squared in the logarithm
def clean_training(is_training, fitted, catalogue, reduced):
    d = (fitted - catalogue)[is_training]
    d = d - np.median(d, axis=0)
    z = np.abs(d) / (1.4826 * np.median(np.abs(d), axis=0))
    log = np.log(reduced[is_training] / np.median(reduced[is_training]))
    keep = np.zeros(len(is_training), dtype=bool)
    keep[is_training] = (z.max(axis=1) < 5) & (log < np.log(1.7))
    return keep

# %% right: quartiles, the sum of squares, a list
def clean_training(is_training, fitted, catalogue, reduced):
    own = np.flatnonzero(is_training)
    d = fitted[own] - catalogue[own]
    low, middle, high = np.percentile(d, [25, 50, 75], axis=0)
    z2 = np.sum(((d - middle) / (high - low) * 1.349) ** 2, axis=1)
    good = own[(z2 < 64) & (reduced[own] < 1.8 * np.median(reduced[own]))]
    return np.isin(np.arange(len(is_training)), good).tolist()

# %% right: clipped until nothing changes
def clean_training(is_training, fitted, catalogue, reduced):
    keep = is_training.copy()
    while True:
        d = fitted - catalogue
        m, s = d[keep].mean(axis=0), d[keep].std(axis=0)
        new = is_training & (np.abs((d - m) / s) < 5).all(axis=1)
        new &= reduced < 2 * np.median(reduced[is_training])
        if (new == keep).all():
            return keep
        keep = new

# %% wrong: the cross-validation set is cleaned and kept as well | loses: test_clean_training_unseen
# return is_training & (off < 7) => return (off < 7)

# %% wrong: scatter of all stars | loses: test_clean_training_unseen
# bias_and_scatter(fitted[is_training], catalogue[is_training]) => bias_and_scatter(fitted, catalogue)

# %% wrong: usual chi-squared of all stars | loses: test_clean_training_unseen
# np.median(reduced[is_training]) => np.median(reduced)

# %% wrong: three times the scatter | loses: test_clean_training test_clean_training_edge
# off < 7 => off < 2.5

# %% wrong: the bias of the model taken for a fault of the stars | loses: test_clean_training
# fitted - catalogue - bias => fitted - catalogue

# %% wrong: chi-squared not looked at | loses: test_clean_training
# & (reduced < 2 * np.median(reduced[is_training])) =>

# %% wrong: labels not looked at | loses: test_clean_training test_clean_training_edge
# & (off < 7) =>

# %% wrong: a reduced chi-squared of 2, whatever is usual | loses: test_clean_training
# reduced < 2 * np.median(reduced[is_training]) => reduced < 2

# %% wrong: temperature alone | loses: test_clean_training
# np.max(np.abs(fitted - catalogue - bias) / spread, axis=1) => (np.abs(fitted - catalogue - bias) / spread)[:, 0]

# %% wrong: faults kept, the others left out | loses: test_clean_training test_clean_training_edge
# return is_training & (off < 7) & (reduced < 2 * np.median(reduced[is_training])) => return is_training & ((off > 7) | (reduced > 2 * np.median(reduced[is_training])))

# %% wrong: nothing left out | loses: test_clean_training test_clean_training_edge
def clean_training(is_training, fitted, catalogue, reduced):
    return is_training.copy()

# %% wrong: all stars outside of the middle of the label space left out | loses: test_clean_training test_clean_training_edge
# return is_training & => return is_training & (np.abs(catalogue - np.median(catalogue, axis=0)) < 1.5 * catalogue.std(axis=0)).all(axis=1) &
