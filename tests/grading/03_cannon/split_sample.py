"""Rivals of `split_sample`."""

# %% right: choice without replacement
def split_sample(n_stars, seed):
    mask = np.zeros(n_stars, dtype=bool)
    mask[np.random.default_rng(seed).choice(n_stars, n_stars // 2, replace=False)] = True
    return mask

# %% right: the smaller half of random numbers
def split_sample(n_stars, seed):
    numbers = np.random.RandomState(seed).uniform(size=n_stars)
    return np.argsort(np.argsort(numbers)) < (n_stars + 1) // 2

# %% right: scikit-learn
def split_sample(n_stars, seed):
    from sklearn.model_selection import train_test_split

    train_rows, _ = train_test_split(np.arange(n_stars), test_size=0.5, random_state=seed)
    return np.isin(np.arange(n_stars), train_rows)

# %% right: pandas' sample
def split_sample(n_stars, seed):
    import pandas as pd

    stars = pd.Series(np.arange(n_stars))
    return stars.isin(stars.sample(frac=0.5, random_state=seed))

# %% wrong: the first half of the catalogue | loses: test_split_sample_random
def split_sample(n_stars, seed):
    return np.arange(n_stars) < n_stars // 2

# %% wrong: every second star | loses: test_split_sample_random
def split_sample(n_stars, seed):
    return (np.arange(n_stars) + seed) % 2 == 0

# %% wrong: a coin for each star | loses: test_split_sample
def split_sample(n_stars, seed):
    return np.random.default_rng(seed).random(n_stars) < 0.5

# %% wrong: the seed is ignored | loses: test_split_sample_random
# default_rng(seed) => default_rng()

# %% wrong: row numbers instead of a mask | loses: test_split_sample test_split_sample_random
def split_sample(n_stars, seed):
    return np.random.default_rng(seed).permutation(n_stars)[: n_stars // 2]

# %% wrong: with replacement | loses: test_split_sample test_split_sample_random
# permutation(n_stars)[: n_stars // 2] => integers(0, n_stars, n_stars // 2)

# %% wrong: a random half of the catalogue in one piece | loses: test_split_sample_random
def split_sample(n_stars, seed):
    start = np.random.default_rng(seed).integers(n_stars)
    return (np.arange(n_stars) - start) % n_stars < n_stars // 2

# %% wrong: all stars | loses: test_split_sample test_split_sample_random
def split_sample(n_stars, seed):
    return np.ones(n_stars, dtype=bool)

# %% wrong: a third of the stars | loses: test_split_sample test_split_sample_random
# n_stars // 2 => n_stars // 3
