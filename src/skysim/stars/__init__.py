"""Simulated stars: labels, evolution, populations, activity."""
