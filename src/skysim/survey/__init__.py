"""Simulated surveys: observed spectra, pipeline files and catalogues of the simulated stars."""
