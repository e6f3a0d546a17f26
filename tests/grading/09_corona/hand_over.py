"""Rivals of `hand_over`."""

# %% right: scipy, model by model
def hand_over(probability, present, count):
    from scipy.stats import bernoulli

    p = np.minimum(np.maximum(probability, 0.001), 0.999)
    fits = [bernoulli.logpmf(shows.astype(int), p).sum() for shows in present]
    return [np.sort(np.argpartition(-probability, count - 1)[:count]), int(np.argmax(fits))]

# %% right: log odds of the lines shown
def hand_over(probability, present, count):
    p = np.clip(probability, 1e-3, 0.999)
    odds = np.log(p / (1 - p))
    order = sorted(range(len(p)), key=lambda line: probability[line])
    return np.array(order[-count:]), np.argmax(np.where(present, odds, 0.0).sum(axis=1))

# %% wrong: truth used to choose lines | loses: test_hand_over test_hand_over_certain
def hand_over(probability, present, count):
    star = corona.simulated_spectra(1)
    chosen = np.argsort(-star.intensity[0])[:count]
    shows = star.intensity[0] > PRESENT * star.intensity[0].max()
    return chosen, int(np.argmin(np.sum(present != shows[: present.shape[1]], axis=1)))

# %% wrong: lines that are not seen say nothing | loses: test_hand_over
def hand_over(probability, present, count):
    p = np.clip(probability, 1e-3, 1 - 1e-3)
    seen = p > 0.5
    agreement = np.where(present, np.log(p), np.log(1 - p))[:, seen].sum(axis=1)
    best = np.flatnonzero(agreement == agreement.max())
    return np.argsort(-probability)[:count], int(best[0])

# %% wrong: the least probable lines | loses: test_hand_over
# np.argsort(-probability) => np.argsort(probability)

# %% wrong: a threshold instead of a number | loses: test_hand_over
# np.argsort(-probability)[:count] => np.flatnonzero(probability > 0.75)

# %% wrong: certainty believed | loses: test_hand_over_certain
# np.clip(probability, 1e-3, 1 - 1e-3) => probability

# %% wrong: the model with the most lines in common | loses: test_hand_over
# present @ np.log(p) + ~present @ np.log(1 - p) => present @ (p > 0.5)

# %% wrong: the sign lost, the least likely model | loses: test_hand_over test_hand_over_certain
# argmax => argmin
