"""Rivals of `choose`."""

# %% right: sorted
def choose(scores):
    return sorted(scores, key=lambda n: scores[n]["validation"])[0]

# %% right: a loop
def choose(scores):
    best = None
    for name in scores:
        if best is None or scores[name]["validation"] < scores[best]["validation"]:
            best = name
    return best

# %% wrong: by the test set | loses: test_choose
# name: scores[name]["validation"] => n: scores[n]["test"]

# %% wrong: by the training loss | loses: test_choose
# name: scores[name]["validation"] => n: scores[n]["training"]

# %% wrong: the highest loss | loses: test_choose
def choose(scores):
    return max(scores, key=lambda n: scores[n]["validation"])

# %% wrong: mean of all three | loses: test_choose
# name: scores[name]["validation"] => n: sum(scores[n].values())

# %% wrong: smallest absolute loss | loses: test_choose
# name: scores[name]["validation"] => n: abs(scores[n]["validation"])

# %% wrong: validation and test together | loses: test_choose
# name: scores[name]["validation"] => n: scores[n]["validation"] + scores[n]["test"]

# %% wrong: the loss, not the name | loses: test_choose
def choose(scores):
    return min(s["validation"] for s in scores.values())
