"""Spectra of stars as they leave them: exact syntheses and fast interpolators."""
