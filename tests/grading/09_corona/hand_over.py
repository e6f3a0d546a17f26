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

# %% wrong: the model with the most lines in common | loses: test_hand_over test_hand_over_certain
# present @ np.log(p) + ~present @ np.log(1 - p) => present @ (p > 0.5)

# %% wrong: the sign lost, the least likely model | loses: test_hand_over test_hand_over_certain
# argmax => argmin

# %% right: loops and lists
def hand_over(probability, present, count):
    from math import log

    p = [min(max(float(value), 1e-3), 1 - 1e-3) for value in probability]
    patterns = [sum(log(q) if s else log(1 - q) for q, s in zip(p, shows)) for shows in present]
    lines = sorted(range(len(p)), key=lambda k: -probability[k])
    return lines[:count], patterns.index(max(patterns))

# %% right: torch's cross-entropy, single precision
def hand_over(probability, present, count):
    import torch

    p = torch.tensor(probability, dtype=torch.float32)
    shows = torch.tensor(present, dtype=torch.float32)
    q = p.clamp(1e-3, 1 - 1e-3).expand(shows.shape)
    loss = torch.nn.functional.binary_cross_entropy(q, shows, reduction="none").sum(1)
    return torch.topk(p, count).indices.numpy(), loss.argmin().item()

# %% wrong: nearly certain is as good as certain | loses: test_hand_over_certain
# np.clip(probability, 1e-3, 1 - 1e-3) => np.clip(probability, 1e-9, 1 - 1e-9)

# %% wrong: never surer than nine in ten | loses: test_hand_over_certain
# np.clip(probability, 1e-3, 1 - 1e-3) => np.clip(probability, 0.1, 0.9)

# %% wrong: numbers that are no integers | loses: test_hand_over
# np.argsort(-probability)[:count], int(np.argmax(agreement)) => np.argsort(-probability)[:count] * 1.0, float(np.argmax(agreement))

# %% wrong: the first lines, the second model | loses: test_hand_over test_hand_over_certain
def hand_over(probability, present, count):
    return np.arange(count), 1

# %% wrong: always three lines | loses: test_hand_over
# [:count] => [:3]

# %% right: logarithms
def hand_over(probability, present, count):
    p = np.clip(probability, 1e-3, 1 - 1e-3)
    score = np.where(present, np.log(p), np.log(1 - p)).sum(axis=1)
    start = int(np.argmax(score))
    return np.argsort(-np.asarray(probability))[:count], start

# %% wrong: first the lines of the starting model | edits: logarithms | loses: test_hand_over
# np.argsort(-np.asarray(probability)) => np.argsort(-(probability + present[start]))

# %% wrong: nearly certain lines all alike | edits: logarithms | loses: test_hand_over
# np.argsort(-np.asarray(probability)) => np.argsort(-p, kind="stable")
