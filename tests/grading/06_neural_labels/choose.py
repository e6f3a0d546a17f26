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
# "validation" => "test"

# %% wrong: by the training loss | loses: test_choose
# "validation" => "training"

# %% wrong: the highest loss | loses: test_choose
# min => max

# %% wrong: mean of all three | loses: test_choose
# scores[name]["validation"] => sum(scores[name].values())

# %% wrong: smallest absolute loss | loses: test_choose
# scores[name]["validation"] => abs(scores[name]["validation"])

# %% wrong: validation and test together | loses: test_choose
# scores[name]["validation"] => scores[name]["validation"] + scores[name]["test"]

# %% wrong: the loss, not the name | loses: test_choose
def choose(scores):
    return min(s["validation"] for s in scores.values())

# %% right: pandas
def choose(scores):
    import pandas as pd

    return pd.DataFrame(scores).loc["validation"].idxmin()

# %% wrong: the first | loses: test_choose
def choose(scores):
    return next(iter(scores))

# %% wrong: dense if it is there | loses: test_choose
def choose(scores):
    return "dense" if "dense" in scores else min(scores, key=lambda k: scores[k]["validation"])
