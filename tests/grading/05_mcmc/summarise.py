"""Rivals of `summarise`."""

# %% right: label by label, unbiased standard deviation
def summarise(draws):
    rows = []
    for i in range(draws.shape[2]):
        d = np.sort(draws[:, :, i].ravel())
        rows.append([d.mean(), d.std(ddof=1), np.quantile(d, 0.16), np.quantile(d, 0.84)])
    return np.array(rows)

# %% right: from moments and sorted draws
def summarise(draws):
    flat = np.sort(np.concatenate(list(draws)), axis=0)
    n = len(flat)
    mean = flat.sum(axis=0) / n
    std = np.sqrt(((flat - mean) ** 2).sum(axis=0) / n)
    return np.column_stack([mean, std, flat[int(0.16 * n)], flat[int(0.84 * n)]])

# %% wrong: the variance | loses: test_summarise
# flat.std(axis=0) => flat.var(axis=0)

# %% wrong: the standard error of the mean | loses: test_summarise
# flat.std(axis=0) => flat.std(axis=0) / np.sqrt(len(flat))

# %% wrong: the 95 % interval | loses: test_summarise
# [16, 84] => [2.5, 97.5]

# %% wrong: mean plus and minus one sigma | loses: test_summarise
# - low, high = np.percentile(flat, [16, 84], axis=0)
# + low, high = flat.mean(axis=0) - flat.std(axis=0), flat.mean(axis=0) + flat.std(axis=0)

# %% wrong: the first chain only | loses: test_summarise
# draws.reshape(-1, draws.shape[-1]) => draws[0]

# %% wrong: a column a label | loses: test_summarise
# axis=1 => axis=0
