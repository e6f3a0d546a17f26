"""The simulated sky: everything the embedded survey is made of.

Nothing in here is an observation. ``labkit data`` builds the survey from it; no notebook and no
`helpers` module imports it. Rooms, from the bottom up: `physics` and `stars`, `spectra`, `survey`.
"""

#: Version of the survey's format, written into its files' headers.
SURVEY_VERSION = "0.1"
#: Seed of the survey that everybody gets.
PUBLIC_SEED = 128
