"""Rivals of `at_same_eep`."""

# %% right: dictionaries
def at_same_eep(eep_a, values_a, eep_b, values_b, weight):
    row = {int(e): v for e, v in zip(eep_b, values_b)}
    kept = [(int(e), (1 - weight) * v + weight * row[int(e)]) for e, v in zip(eep_a, values_a) if int(e) in row]
    return np.array([e for e, _ in kept]), np.array([v for _, v in kept])

# %% right: masks
def at_same_eep(eep_a, values_a, eep_b, values_b, weight):
    a, b = np.isin(eep_a, eep_b), np.isin(eep_b, eep_a)
    return eep_a[a], values_a[a] + weight * (values_b[b] - values_a[a])

# %% wrong: row by row | loses: test_at_same_eep_missing
def at_same_eep(eep_a, values_a, eep_b, values_b, weight):
    n = min(len(eep_a), len(eep_b))
    return eep_a[:n], (1 - weight) * values_a[:n] + weight * values_b[:n]

# %% wrong: common numbers, but the first rows | loses: test_at_same_eep_missing
# values_a[at_a] => values_a[: len(eep)]
# values_b[at_b] => values_b[: len(eep)]

# %% wrong: weights exchanged | loses: test_at_same_eep test_at_same_eep_missing
# (1 - weight) * values_a[at_a] + weight * => weight * values_a[at_a] + (1 - weight) *

# %% wrong: the plain mean | loses: test_at_same_eep test_at_same_eep_missing
# (1 - weight) * values_a[at_a] + weight * values_b[at_b] => 0.5 * (values_a[at_a] + values_b[at_b])

# %% wrong: the second at the first one's numbers, gaps bridged | loses: test_at_same_eep_missing
def at_same_eep(eep_a, values_a, eep_b, values_b, weight):
    there = np.column_stack([np.interp(eep_a, eep_b, column) for column in values_b.T])
    return eep_a, (1 - weight) * values_a + weight * there

# %% wrong: values without their numbers | loses: test_at_same_eep test_at_same_eep_missing
# return eep, => return

# %% wrong: only the first column | loses: test_at_same_eep test_at_same_eep_missing
# values_a[at_a] => values_a[at_a, 0]
# values_b[at_b] => values_b[at_b, 0]

# %% right: pandas, as lists
def at_same_eep(eep_a, values_a, eep_b, values_b, weight):
    import pandas as pd

    both = pd.DataFrame(values_a, eep_a).mul(1 - weight).add(pd.DataFrame(values_b, eep_b).mul(weight))
    both = both.dropna()
    return both.index.tolist(), both.to_numpy().tolist()

# %% right: in float32
# return eep, (1 - weight) * values_a[at_a] + weight * values_b[at_b] => return eep, np.float32(1 - weight) * np.float32(values_a[at_a]) + np.float32(weight * values_b[at_b])

# %% wrong: the first isochrone as it is | loses: test_at_same_eep test_at_same_eep_missing
def at_same_eep(eep_a, values_a, eep_b, values_b, weight):
    return eep_a, values_a

# %% wrong: all stages of both, missing ones as zeros | loses: test_at_same_eep_missing
def at_same_eep(eep_a, values_a, eep_b, values_b, weight):
    eep = np.union1d(eep_a, eep_b)
    values = np.zeros((len(eep), values_a.shape[1]))
    values[np.isin(eep, eep_a)] += (1 - weight) * values_a
    values[np.isin(eep, eep_b)] += weight * values_b
    return eep, values
