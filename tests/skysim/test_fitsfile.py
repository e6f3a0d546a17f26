"""The quick FITS writer against astropy's own, byte for byte."""

import io

import numpy as np
import pytest
from astropy.io import fits

from skysim.survey.fitsfile import card, image, primary, table_row


def by_astropy(*hdus):
    content = io.BytesIO()
    fits.HDUList(list(hdus)).writeto(content)
    return content.getvalue()


@pytest.mark.parametrize(
    "value",
    [
        "a star's name",
        "a",
        "12345678901234567890123",
        0,
        -128,
        np.int64(2**40),
        True,
        np.bool_(False),
        0.0,
        -12.25,
        1e10,
        6e-06,
        np.float32(0.1),
        np.float64(4.179),
        -0.00012345678901234567,
        1.2345678901234567e-05,
        -1.2345678901234567e-105,
        321.46678901234567,
    ],
)
def test_a_card_is_astropys(value):
    for comment in ("", "with a comment"):
        assert card("KEY", value, comment) == fits.Card("KEY", value, comment).image


def test_commentary_has_no_equals_sign():
    for keyword in ("COMMENT", "HISTORY"):
        assert card(keyword, "row 1: combined") == fits.Card(keyword, "row 1: combined").image


def test_a_card_that_does_not_fit_is_refused():
    for long in (("KEY", "x" * 70, ""), ("KEY", 1, "x" * 60), ("LONGKEYWORD", 1, "")):
        with pytest.raises(ValueError, match="longer than FITS allows"):
            card(*long)


def test_a_file_is_astropys():
    cards = [("COMMENT", "simulated", ""), ("OBJ", "star", "Object ID"), ("RA", 12.5, "deg")]
    more = [("CRVAL1", 4.179, "first"), ("BUNIT", "Flux", "")]
    name = [("EXTNAME", "RV", "")]
    rng = np.random.default_rng(3)
    images = [
        rng.normal(size=(3, 50)).astype(np.float32),
        rng.integers(0, 9, 50).astype(np.int32),
        rng.normal(size=6),
    ]
    values = {
        "ID": "2M00000000+0000000",
        "N": np.int16(3),
        "FLAG": np.int64(2**40),
        "SNR": np.float32(99.5),
        "MJD": np.array([57000, 57001], "i4"),
        "ONE": np.array([1.5]),
    }
    kinds = [("ID", "S18"), ("N", "i2"), ("FLAG", "i8"), ("SNR", "f4"), ("MJD", "i4", (2,))]
    row = np.array([tuple(values.values())], dtype=[*kinds, ("ONE", "f8", (1,))])
    made = primary(cards) + b"".join(image(a, more) for a in images) + table_row(values, name)
    expected = by_astropy(
        fits.PrimaryHDU(header=fits.Header(cards)),
        *(fits.ImageHDU(a, header=fits.Header(more)) for a in images),
        fits.BinTableHDU(row, header=fits.Header(name)),
    )
    assert made == expected
    with fits.open(io.BytesIO(made)) as file:
        file.verify("exception")
        assert [hdu.header.get("CRVAL1") for hdu in file] == [None, 4.179, 4.179, 4.179, None]


def test_headers_follow_their_data():
    """The second image must not get the first one's header."""
    for shape in ((4,), (2, 4), (4,)):
        for kind in (np.float32, np.int32):
            content = primary([]) + image(np.ones(shape, kind), [("BUNIT", "x", "")])
            with fits.open(io.BytesIO(content)) as file:
                assert file[1].data.shape == shape
                assert file[1].data.dtype.kind == np.dtype(kind).kind
