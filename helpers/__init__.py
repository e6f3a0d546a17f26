"""What a student imports: archives, file formats, constants, plots, checkpoints, checks.

Flat and thin on purpose. There are no answers here: nothing in this package normalises a
continuum, trains a model or decodes a mask; you write those in the labs. Two rooms behind it are
not for notebooks: `helpers.mock` makes the simulated sky and `helpers.course` is the instructor's
`labkit` command.
"""

__version__ = "0.1.0"
