"""How much of what is slow a run of the tests does; `make thorough` does all (LABKIT_THOROUGH).

The answers to some labs sample posteriors or train networks: a pass through one takes a minute.
Each run of the tests grades their blank sheet, their model answer (its trainings and samplings in
the walkthrough, all else in the sandbox too) and rivals of every exercise. Left to `make thorough`:
what repeats a pass many times, or runs a whole notebook; most rivals of trainings and samplings,
and trainings that only show that a wrong answer elsewhere does not spoil them.
"""

import os

from labkit import lab_source

THOROUGH = "LABKIT_THOROUGH" in os.environ
SLOW_LABS = ("05_mcmc", "06_neural_labels", "07_activity", "08_csst", "09_corona")
LABS = lab_source.labs()
QUICK_LABS = LABS if THOROUGH else [slug for slug in LABS if slug not in SLOW_LABS]
