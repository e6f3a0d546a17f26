"""Rivals of `bracket_age`."""

# %% right: a loop over the steps
def bracket_age(log_ages, age_gyr):
    target = np.log10(age_gyr * 1e9)
    for i in range(len(log_ages) - 1):
        if log_ages[i] <= target <= log_ages[i + 1]:
            return i, i + 1, (target - log_ages[i]) / (log_ages[i + 1] - log_ages[i])
    raise ValueError("outside the isochrones")

# %% right: count the younger ones
def bracket_age(log_ages, age_gyr):
    x = np.asarray(log_ages) - 9
    t = np.log10(age_gyr)
    if t < x[0] - 1e-9 or t > x[-1] + 1e-9:
        raise ValueError(f"no isochrones of {age_gyr} Gyr")
    lo = min(int(np.sum(x < t)) - 1, len(x) - 2)
    lo = max(lo, 0)
    return lo, lo + 1, float(np.interp(t, [x[lo], x[lo + 1]], [0, 1]))

# %% wrong: the age itself taken for a log age | loses: test_bracket_age test_bracket_age_outside
def bracket_age(log_ages, age_gyr):
    log_ages = np.asarray(log_ages)
    if age_gyr > log_ages[-1]:
        raise ValueError("too old")
    i = int(np.clip(np.searchsorted(log_ages, age_gyr), 1, len(log_ages) - 1))
    return i - 1, i, float(np.clip((age_gyr - log_ages[i - 1]) / (log_ages[i] - log_ages[i - 1]), 0, 1))

# %% wrong: logarithm of the age in Gyr | loses: test_bracket_age test_bracket_age_outside
# np.log10(age_gyr) + 9 => np.log10(age_gyr)

# %% wrong: natural logarithm | loses: test_bracket_age test_bracket_age_outside
# np.log10(age_gyr) + 9 => np.log(age_gyr * 1e9)

# %% wrong: linear in age | loses: test_bracket_age
# - weight = (wanted - log_ages[below]) / (log_ages[above] - log_ages[below])
# + ages = 10.0 ** np.asarray(log_ages)
# + weight = (10**wanted - ages[below]) / (ages[above] - ages[below])

# %% wrong: the weight of the other one | loses: test_bracket_age
# wanted - log_ages[below] => log_ages[above] - wanted

# %% wrong: the nearest one, without weight | loses: test_bracket_age
# float(weight) => 0.5

# %% wrong: outside, the nearest end | loses: test_bracket_age_outside
# np.log10(age_gyr) + 9 => np.clip(np.log10(age_gyr) + 9, log_ages[0], log_ages[-1])

# %% wrong: refuses old ages only | loses: test_bracket_age_outside
# not log_ages[0] <= wanted <= log_ages[-1] => wanted > log_ages[-1]

# %% right: the whole part and the rest of a place on the ladder
def bracket_age(log_ages, age_gyr):
    place = np.interp(
        np.log10(age_gyr) + 9, log_ages, np.arange(len(log_ages)), left=np.nan, right=np.nan
    )
    if np.isnan(place):
        raise ValueError(f"{age_gyr} Gyr is outside the ladder")
    below = min(int(place), len(log_ages) - 2)
    return np.array(below), np.array(below + 1), np.array(place - below)

# %% right: pandas and the natural logarithm
def bracket_age(log_ages, age_gyr):
    import pandas as pd

    steps = pd.Series(log_ages)
    target = np.log(age_gyr) / np.log(10) + 9
    older = steps[steps >= target]
    if older.empty or target < steps.iloc[0]:
        raise ValueError("no such isochrones")
    above = max(int(older.index[0]), 1)
    lower, upper = steps.iloc[above - 1], steps.iloc[above]
    return [above - 1, above, (target - lower) / (upper - lower)]

# %% right: in float32
#   def bracket_age(log_ages, age_gyr):
# +     log_ages, age_gyr = np.float32(log_ages), np.float32(age_gyr)

# %% wrong: refuses every age | loses: test_bracket_age test_bracket_age_outside
def bracket_age(log_ages, age_gyr):
    raise ValueError(f"{age_gyr} Gyr is outside the isochrones")

# %% wrong: always the middle | loses: test_bracket_age test_bracket_age_outside
def bracket_age(log_ages, age_gyr):
    middle = len(log_ages) // 2
    return middle, middle + 1, 0.5

# %% wrong: always the first two, extrapolated | loses: test_bracket_age test_bracket_age_outside
# int(np.clip(np.searchsorted(log_ages, wanted), 1, len(log_ages) - 1)) => 1

# %% wrong: indices as floats, which no list takes | loses: test_bracket_age
# return below, above, => return float(below), float(above),

# %% wrong: an age at the young end has no neighbour below | loses: test_bracket_age
# int(np.clip(np.searchsorted(log_ages, wanted), 1, len(log_ages) - 1)) => int(np.searchsorted(log_ages, wanted))
