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
def three_sets(names, examined, share, seed):
    test = np.isin(names, examined)
    stars = np.unique(names[~test])
    validation = np.isin(names, stars[: round(share * len(stars))]) & ~test
    return ~test & ~validation, validation, test

# %% wrong: no seed | loses: test_three_sets_random
def three_sets(names, examined, share, seed):
    test = np.isin(names, examined)
    stars = np.random.permutation(np.unique(names[~test]))
    validation = np.isin(names, stars[: round(share * len(stars))]) & ~test
    return ~test & ~validation, validation, test

# %% wrong: validation stars stay in the training | loses: test_three_sets test_three_sets_random
def three_sets(names, examined, share, seed):
    test = np.isin(names, examined)
    stars = np.random.default_rng(seed).permutation(np.unique(names[~test]))
    validation = np.isin(names, stars[: round(share * len(stars))]) & ~test
    return ~test, validation, test

# %% wrong: share of all stars | loses: test_three_sets
def three_sets(names, examined, share, seed):
    test = np.isin(names, examined)
    stars = np.random.default_rng(seed).permutation(np.unique(names[~test]))
    validation = np.isin(names, stars[: round(share * len(np.unique(names)))]) & ~test
    return ~test & ~validation, validation, test

# %% wrong: rows instead of stars | loses: test_three_sets_random
def three_sets(names, examined, share, seed):
    test = np.isin(names, examined)
    rows = np.random.default_rng(seed).permutation(np.flatnonzero(~test))
    validation = np.zeros(len(names), bool)
    validation[rows[: round(share * len(rows))]] = True
    return ~test & ~validation, validation, test

# %% wrong: compares names by position | loses: test_three_sets test_three_sets_random
def three_sets(names, examined, share, seed):
    test = np.zeros(len(names), bool)
    test[: len(examined)] = True
    stars = np.random.default_rng(seed).permutation(np.unique(names[~test]))
    validation = np.isin(names, stars[: round(share * len(stars))]) & ~test
    return ~test & ~validation, validation, test

# %% wrong: validation drawn from the test stars | loses: test_three_sets test_three_sets_random
def three_sets(names, examined, share, seed):
    test = np.isin(names, examined)
    stars = np.random.default_rng(seed).permutation(np.unique(names[test]))
    validation = np.isin(names, stars[: round(share * len(stars))])
    return ~test, validation, test & ~validation
