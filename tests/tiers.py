"""How much of what is slow a run of the tests does; `make thorough` does all (LABKIT_THOROUGH).

The answers to some labs sample posteriors or train networks: a pass through one takes a minute.
Their model answer, blank sheet and every rival are graded in each run of the tests; what repeats a
pass many times, or runs a whole notebook, is done for them in `make thorough` only, and so are the
trainings that only show that a wrong answer elsewhere does not spoil them.
"""

import os

from labkit import lab_source

THOROUGH = "LABKIT_THOROUGH" in os.environ
SLOW_LABS = ("05_mcmc", "06_neural_labels", "07_activity", "08_csst", "09_corona")
LABS = lab_source.labs()
QUICK_LABS = LABS if THOROUGH else [slug for slug in LABS if slug not in SLOW_LABS]
