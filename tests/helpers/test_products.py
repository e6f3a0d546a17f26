"""Products pass from lab to lab; a checkpoint PDF has the sheet's form."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from helpers import archive, checkpoints, products
from helpers.checkpoints import CheckpointError
from helpers.products import ProductError


@pytest.fixture
def own_products(tmp_path, monkeypatch):
    """A folder for one's own products, and a reference the archive would serve."""
    reference = tmp_path / "reference.npz"
    np.savez(reference, flux=np.zeros(2))
    monkeypatch.setattr(archive, "product", lambda name: reference)
    monkeypatch.setenv("LABKIT_PRODUCTS", str(tmp_path / "mine"))
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    return tmp_path / "mine"


def test_without_a_product_of_your_own_the_reference_is_loaded(own_products):
    product = products.load("01_apogee")
    assert product["source"] == "reference"
    assert product["flux"].tolist() == [0, 0]


def test_your_own_product_comes_first(own_products):
    path = products.save("01_apogee", flux=[1.0, 2.0], apogee_id=["2M1", "2M2"])
    product = products.load("01_apogee")
    assert path == own_products / "01_apogee.npz"
    assert product["source"] == "yours"
    assert product["flux"].tolist() == [1, 2]
    assert product["apogee_id"].tolist() == ["2M1", "2M2"]
    assert [file.name for file in own_products.iterdir()] == ["01_apogee.npz"]


def test_what_cannot_be_stored_leaves_the_old_file(own_products):
    products.save("01_apogee", flux=[1.0])
    with pytest.raises(ProductError, match="'model' of 01_apogee"):
        products.save("01_apogee", model=np.array([object()]))
    assert products.load("01_apogee")["flux"].tolist() == [1]


def test_a_broken_file_is_named(own_products):
    own_products.mkdir()
    (own_products / "01_apogee.npz").write_bytes(b"not an npz")
    with pytest.raises(ProductError, match=r"01_apogee\.npz cannot be read"):
        products.load("01_apogee")


def test_pickles_are_not_opened(own_products):
    own_products.mkdir()
    np.savez(own_products / "01_apogee.npz", bad=np.array([{}], dtype=object))
    with pytest.raises(ProductError, match="cannot be read"):
        products.load("01_apogee")


@pytest.mark.parametrize(
    "variable", [("LABKIT_PRODUCTS", "none"), ("NBGRADER_EXECUTION", "autograde")]
)
def test_nothing_is_kept_while_grading(own_products, monkeypatch, variable):
    products.save("01_apogee", flux=[1.0])
    monkeypatch.setenv(*variable)
    assert products.save("01_apogee", flux=[5.0]) is None
    assert products.load("01_apogee")["source"] == "reference"


def figure():
    drawn = Figure()
    drawn.subplots().plot([0, 1])
    return drawn


def test_the_pdf_has_the_name_the_sheet_asks_for_and_a_page_per_figure(tmp_path):
    path = checkpoints.write_pdf(
        "Cecilia", "Payne-Gaposchkin", 2, 1, [figure(), figure()], tmp_path
    )
    content = path.read_bytes()
    assert path.name == "Cecilia_Payne-Gaposchkin_lab2_cp1.pdf"
    assert content.startswith(b"%PDF")
    assert content.count(b"/Type /Page ") + content.count(b"/Type /Page\n") == 2
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("", "Payne", 2, 1, [figure(), figure()]), "your first and last name"),
        (("../..", "Payne", 2, 1, [figure(), figure()]), "your first and last name"),
        (("Cecilia", "Payne", 2, 1, [figure()]), "1 figures given, 2 asked for: 1. corner plot"),
        (("Cecilia", "Payne", 2, 7, [figure()]), "no checkpoint 7"),
    ],
)
def test_an_incomplete_checkpoint_says_what_is_missing(tmp_path, arguments, message):
    with pytest.raises(CheckpointError, match=message):
        checkpoints.write_pdf(*arguments, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []
