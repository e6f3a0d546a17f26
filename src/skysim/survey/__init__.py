"""Surveys of the simulated stars: what telescopes, pipelines and catalogues make of them."""
