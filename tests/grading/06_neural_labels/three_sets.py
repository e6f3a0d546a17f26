"""Rivals of `three_sets`."""

# %% right: shuffled list of names
def three_sets(names, examined, share, seed):
    rng = np.random.default_rng(seed)
    known = set(str(e) for e in examined)
    test = np.array([str(n) in known for n in names])
    left = sorted({str(n) for n in np.asarray(names)[~test]})
    rng.shuffle(left)
    picked = set(left[: int(round(share * len(left)))])
    validation = np.array([str(n) in picked for n in names]) & ~test
    return ~(test | validation), validation, test

# %% right: a random number per star, and a rank
def three_sets(names, examined, share, seed):
    test = np.isin(names, examined)
    stars, inverse = np.unique(names, return_inverse=True)
    luck = np.random.RandomState(seed).uniform(size=len(stars))
    luck[np.isin(stars, examined)] = np.inf
    n = int(round(share * np.isfinite(luck).sum()))
    chosen = np.zeros(len(stars), bool)
    chosen[np.argsort(luck)[:n]] = True
    validation = chosen[inverse]
    return [~test & ~validation, validation, test]

# %% wrong: the first stars validate | loses: test_three_sets_random
# np.random.default_rng(seed).permutation(others) => others

# %% wrong: no seed | loses: test_three_sets_random
# np.random.default_rng(seed).permutation => np.random.permutation

# %% wrong: validation stars stay in the training | loses: test_three_sets test_three_sets_random
# ~is_test & ~is_validation => ~is_test

# %% wrong: share of all stars | loses: test_three_sets
# len(others) => len(np.unique(names))

# %% wrong: rows instead of stars | loses: test_three_sets_random
# np.unique(names[~is_test]) => np.flatnonzero(~is_test)
# np.isin(names, chosen) => np.isin(np.arange(len(names)), chosen)

# %% wrong: compares names by position | loses: test_three_sets test_three_sets_random
# np.isin(names, examined) => np.arange(len(names)) < len(examined)

# %% wrong: validation drawn from the test stars | loses: test_three_sets test_three_sets_random
# names[~is_test] => names[is_test]
# np.isin(names, chosen) & ~is_test => np.isin(names, chosen)
# ~is_test & ~is_validation, is_validation, is_test => ~is_test, is_validation, is_test & ~is_validation
