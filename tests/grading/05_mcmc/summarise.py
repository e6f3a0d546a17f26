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

# %% right: pandas
def summarise(draws):
    import pandas as pd

    table = pd.DataFrame(np.reshape(draws, (-1, np.shape(draws)[-1])))
    return np.column_stack([table.mean(), table.std(), table.quantile(0.16), table.quantile(0.84)])

# %% right: in float32, as lists
#   def summarise(draws):
# +     draws = np.float32(draws)

# return np.stack([flat.mean(axis=0), flat.std(axis=0), low, high], axis=1) => return np.stack([flat.mean(axis=0), flat.std(axis=0), low, high], axis=1).tolist()

# %% wrong: the first draws | loses: test_summarise
def summarise(draws):
    return np.sort(draws[0, :4].T, axis=1)

# %% wrong: the median for the mean | loses: test_summarise
# flat.mean(axis=0) => np.median(flat, axis=0)

# %% wrong: the mean of the chains' widths | loses: test_summarise
# flat.std(axis=0) => draws.std(axis=1).mean(axis=0)

# %% wrong: the shortest interval that holds 68 per cent | loses: test_summarise
# - low, high = np.percentile(flat, [16, 84], axis=0)
# + low, high = az.hdi(flat[None], hdi_prob=0.68).T
