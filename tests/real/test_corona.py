"""The coronal line table and the CHIANTI reader against others (needs shared/real)."""

import h5py
import numpy as np
import pytest

from helpers import corona

from .conftest import real_file

#: below this share of a line's greatest G nothing is emitted that anybody would see
NEGLIGIBLE = 1e-3


@pytest.fixture(scope="module")
def published():
    return dict(np.load(real_file("corona/goft_chianti.npz")))


def matched(lines, published):
    """Indices (ours, published) of the lines of the same ion and wavelength."""
    pairs = []
    for i, (ion, wavelength) in enumerate(zip(lines.ion, lines.wavelength, strict=True)):
        near = np.abs(published["wavelength"] - wavelength) < 2e-3
        for j in np.flatnonzero((published["ion"] == ion) & near):
            pairs.append((i, j))
    return pairs


def test_corona_table_is_chiantis(published):
    """Every line, temperature and density of the published table, between our densities too."""
    lines = corona.line_table()
    assert np.allclose(lines.log_temperature, published["logT"])
    ours = lines.at_density(published["logn"])
    worst = []
    for i in range(len(lines.ion)):
        deviations = []
        for _, j in (pair for pair in matched(lines, published) if pair[0] == i):
            g = published["goft"][j].astype(float)
            there = g > NEGLIGIBLE * g.max()
            deviations.append(np.abs(ours[i][there] / g[there] - 1).max())
        worst.append(min(deviations))
    print(f"\n{len(lines.ion)} lines, G(T, n) against CHIANTI: worst deviation {max(worst):.2%}")
    assert len(worst) >= 60
    assert max(worst) < 0.10


def test_corona_density_curve_agrees_with_issi():
    """Fe XIII 203.8/202.0 with the atomic data of others (hpwarren/ISSIAtomicData)."""
    lines = corona.line_table()
    with h5py.File(real_file("corona/issi_fe13_emissivity.h5")) as file:
        emissivity, logn = file["emissivity"][:], file["logn"][:].astype(float)
        wavelength, hottest = file["wavelength"][:], float(file["logt_max"][0])
    members = [lines.find("fe_13", w) for w in (203.797, 203.827)]
    one = lines.find("fe_13", 202.044)
    curve = lines.at_density(np.array([9.0, 10.0, 11.0]))
    t = int(np.argmin(np.abs(lines.log_temperature - hottest)))
    ours = curve[members, t].sum(axis=0) / curve[one, t]
    print(f"\nFe XIII 203.8/202.0 at log n 9, 10, 11: {np.round(ours, 2)} (ISSI 1.12, 3.68, 4.41)")
    assert np.allclose(ours, [1.12, 3.68, 4.41], rtol=0.15)
    # and along the whole curve, against the file itself
    blend = np.abs(wavelength - 203.8) < 0.1
    alone = np.abs(wavelength - 202.04) < 0.1
    median = np.median(emissivity, axis=-1)
    theirs = median[blend].sum(axis=0) / median[alone].sum(axis=0)
    ours = lines.at_density(logn.clip(8, 12))
    ours = ours[members, t].sum(axis=0) / ours[one, t]
    inside = (logn >= 9) & (logn <= 11)
    print(f"over log n 9-11: worst deviation {np.abs(ours / theirs - 1)[inside].max():.1%}")
    assert np.abs(ours / theirs - 1)[inside].max() < 0.15


@pytest.mark.parametrize("ion", ["fe_13", "fe_15", "fe_16"])
def test_corona_reads_a_chianti_installation(ion, published):
    """Old and new file formats; the committed table is what the reader makes."""
    grid = {"log_temperature": np.array([6.2, 6.4]), "log_density": np.array([9.0, 10.0])}
    folder = real_file("corona/chianti")
    lines = corona.chianti_lines([ion], folder, **grid)
    t = [int(np.argmin(np.abs(published["logT"] - x))) for x in grid["log_temperature"]]
    d = [int(np.argmin(np.abs(published["logn"] - x))) for x in grid["log_density"]]
    pairs = matched(lines, published)
    deviation = [
        np.abs(lines.g[i] / published["goft"][j][np.ix_(t, d)].astype(float) - 1).max()
        for i, j in pairs
    ]
    close = sum(x < 0.01 for x in deviation)
    listed = (published["ion"] == ion).sum()
    print(f"\n{ion}: {len(lines.ion)} lines; {close} of {listed} published agree to 1 %")
    assert close == listed
    table = corona.line_table()
    for i in np.flatnonzero(table.ion == ion):
        same = (lines.lower == table.lower[i]) & (lines.upper == table.upper[i])
        k = [int(np.argmin(np.abs(table.log_temperature - x))) for x in grid["log_temperature"]]
        ours = table.at_density(grid["log_density"])[i][k]
        assert np.allclose(lines.g[same][0], ours, rtol=0.02)


def test_corona_reader_says_what_is_missing(tmp_path):
    with pytest.raises(corona.CoronaError, match="Is it the folder of a CHIANTI installation"):
        corona.chianti_lines(["fe_13"], tmp_path)
    with pytest.raises(corona.CoronaError, match="fe_99"):
        corona.chianti_lines(["fe_99"], real_file("corona/chianti"))
