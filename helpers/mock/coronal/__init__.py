"""The simulated coronae of lab 9, and the atomic physics their lines are computed from.

A room of its own within `helpers.mock`: the APOGEE-like survey does not depend on it.
"""
