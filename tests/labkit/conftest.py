"""Tests of this room are small: `make check` runs them, all but those marked slow."""

import numpy as np
import pytest

from tests.labkit import corona_product


def pytest_itemcollected(item):
    item.add_marker("check")


@pytest.fixture(scope="session")
def small_product(tmp_path_factory):
    """A product of lab 9 made small, as a file; and the lab's functions."""
    arrays, lab = corona_product.make()
    path = tmp_path_factory.mktemp("products") / "09_corona_model.npz"
    np.savez(path, **arrays)
    return path, lab
