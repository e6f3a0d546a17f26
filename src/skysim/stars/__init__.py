"""Stars before they are observed: labels, evolution, populations, activity."""
