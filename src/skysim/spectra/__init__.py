"""Noise-free spectra of stars: exact synthesis and fast interpolation."""
