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

# %% right: a coin for each star
def three_sets(names, examined, share, seed):
    rng = np.random.default_rng(seed)
    side = {name: rng.random() < share for name in np.unique(names)}
    test = np.isin(names, examined)
    validation = np.array([side[name] for name in names]) & ~test
    return ~test & ~validation, validation, test

# %% right: scikit-learn splits by star, as lists
def three_sets(names, examined, share, seed):
    from sklearn.model_selection import GroupShuffleSplit

    test = np.isin(names, examined)
    left = np.flatnonzero(~test)
    split = GroupShuffleSplit(1, test_size=share, random_state=seed)
    _, chosen = next(split.split(left, groups=np.asarray(names)[left]))
    validation = np.zeros(len(names), bool)
    validation[left[chosen]] = True
    return (~test & ~validation).tolist(), validation.tolist(), test.tolist()

# %% right: pandas
def three_sets(names, examined, share, seed):
    import pandas as pd

    stars = pd.Series(names)
    test = stars.isin(examined)
    drawn = stars[~test].drop_duplicates().sample(frac=share, random_state=seed)
    validation = stars.isin(drawn)
    return ~(test | validation), validation, test

# %% wrong: all train | loses: test_three_sets test_three_sets_random
def three_sets(names, examined, share, seed):
    return np.ones(len(names), bool), np.zeros(len(names), bool), np.zeros(len(names), bool)

# %% wrong: a coin for each row | edits: a coin for each star | loses: test_three_sets_random
# side[name] for name in names => rng.random() < share for name in names

# %% wrong: the share is ignored | loses: test_three_sets
# round(share * => round(0.2 *

# %% wrong: the seed is ignored | loses: test_three_sets_random
# default_rng(seed) => default_rng(6)

# %% wrong: examined stars looked up one by one, first row only | loses: test_three_sets_random
def three_sets(names, examined, share, seed):
    is_test = np.zeros(len(names), bool)
    where = {str(n): i for i, n in reversed(list(enumerate(names)))}
    for e in examined:
        if str(e) in where:
            is_test[where[str(e)]] = True
    stars = np.unique(names[~is_test])
    is_validation = np.isin(names, np.random.default_rng(seed).permutation(stars)[: round(share * len(stars))]) & ~is_test
    return ~is_test & ~is_validation, is_validation, is_test
