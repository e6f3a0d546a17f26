"""Tests of this room are small: `make check` runs them, all but those marked slow."""


def pytest_itemcollected(item):
    item.add_marker("check")
