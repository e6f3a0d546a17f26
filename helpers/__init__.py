"""What a student imports: archives, file formats, constants, plots, products, checkpoints, checks.

Flat and thin on purpose. There are no answers here: nothing in this package normalises a
continuum, trains a model or decodes a mask; you write those in the labs. It builds on `surveys`,
which speaks the archives' languages, and on nothing else of the kit.
"""

__version__ = "0.2.0"
