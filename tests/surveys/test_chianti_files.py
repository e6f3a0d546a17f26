"""CHIANTI folders as people have them: odd levels, several abundances, files cut short."""

import numpy as np
import pytest

from surveys.coronal_lines import CoronaError, chianti_lines
from surveys.formats.chianti import read_abundances

#: an ion of three levels in CHIANTI's layout since version 8; energies in cm^-1
LEVELS = """
 1  3s2     1 S  0.0       0.000       0.000
 2  3s.3p   1 P  1.0  500000.000  500000.000
 3  3s.3d   1 D  2.0  900000.000  900000.000
 -1
"""
DECAYS = """
 1  2  200.000  0.50  5.0E+09
 2  3  250.000  0.50  5.0E+09
 -1
"""
COLLISIONS = """
 1 2 4.556 0.5 1.0 3 2 1.0
 0.0 0.5 1.0
 1.0 1.5 2.0
 2 3 3.645 0.5 1.0 3 2 1.0
 0.0 0.5 1.0
 1.0 1.5 2.0
 -1
"""
EQUILIBRIUM = " 2 1\n 5.00 7.00\n" + " 26 14" + f"{1.0:10.3e}" * 2 + "\n -1\n"
ABUNDANCES = " 1 12.00 H\n 26 7.50 Fe\n -1\n"
GRID = {
    "window": (100.0, 400.0),
    "log_temperature": np.array([6.0, 6.2]),
    "log_density": np.array([9.0, 10.0]),
}


@pytest.fixture
def folder(tmp_path):
    files = {
        "fe/fe_14/fe_14.elvlc": LEVELS,
        "fe/fe_14/fe_14.wgfa": DECAYS,
        "fe/fe_14/fe_14.scups": COLLISIONS,
        "ioneq/chianti.ioneq": EQUILIBRIUM,
        "abundance/photospheric.abund": ABUNDANCES,
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip("\n"))
    return tmp_path


def replaced(path, old, new):
    """Change a file, where it holds what is to be replaced."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def g_of(folder, **options):
    return chianti_lines(["fe_14"], folder, **GRID, **options)


def test_an_ordinary_folder_is_read(folder):
    lines = g_of(folder)
    assert lines.wavelength.tolist() == [200.0, 250.0]
    assert (lines.g > 0).all()
    assert lines.abundances == "photospheric"


@pytest.mark.parametrize(
    ("decays", "collisions"),
    [("", ""), (" 4  5  90.000  0.50  5.0E+09\n", ""), (" 4  3  90.000  0.50  5.0E+09\n", "")],
    ids=["no transition", "linked to each other only", "entered and never left"],
)
def test_levels_without_a_way_from_and_to_the_ground_change_nothing(folder, decays, collisions):
    """fiasco 425: such a level made the balance of the populations singular."""
    before = g_of(folder).g
    ion = folder / "fe" / "fe_14"
    more = " 4  3d2  1 S  0.0 950000.000 950000.000\n 5  3d2  1 P  1.0 960000.000 960000.000\n -1"
    replaced(ion / "fe_14.elvlc", " -1", more)
    replaced(ion / "fe_14.wgfa", " -1", decays + " -1")
    lines = g_of(folder)
    known = np.isin(lines.wavelength, [200.0, 250.0])
    np.testing.assert_allclose(lines.g[known], before, rtol=1e-12)
    assert (lines.g[~known] == 0).all()


def test_of_several_files_of_abundances_one_is_to_be_chosen_by_name(folder):
    """fiasco 395: the first by alphabet would be taken, without a word."""
    before = g_of(folder).g
    (folder / "abundance" / "coronal.abund").write_text(ABUNDANCES.replace("7.50", "8.00"))
    with pytest.raises(CoronaError, match=r"several files.*coronal, photospheric"):
        g_of(folder)
    for name, factor in (("photospheric", 1.0), ("coronal", 10**0.5)):
        lines = g_of(folder, abundances=name)
        np.testing.assert_allclose(lines.g, before * factor)
        assert lines.abundances == name
    with pytest.raises(CoronaError, match=r"no abundance/solar\.abund.*coronal, photospheric"):
        g_of(folder, abundances="solar")


def test_files_of_abundances_may_hold_comments_and_heavy_elements(folder):
    path = folder / "abundance" / "photospheric.abund"
    path.write_text("% Asplund et al.\n 26 7.50 Fe\n 31 3.02 Ga\n 82 1.95 Pb\n -1\nnotes\n")
    assert read_abundances(folder, "photospheric") == pytest.approx({"fe": 10**-4.5})


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("abundance/photospheric.abund", "iron seven\n -1\n", "cannot be understood"),
        ("abundance/photospheric.abund", " 26 7.50 Fe\n", "cut short: no line with -1"),
        ("fe/fe_14/fe_14.wgfa", "", "cut short"),
        ("fe/fe_14/fe_14.wgfa", " -1\n", "holds no transition"),
        ("fe/fe_14/fe_14.wgfa", DECAYS.replace(" -1\n", ""), "cut short"),
        ("fe/fe_14/fe_14.scups", COLLISIONS.replace(" -1\n", ""), "cut short"),
        ("fe/fe_14/fe_14.scups", " 1 2 4.556 0.5 1.0 3 2 1.0\n -1\n", "cannot be understood"),
        ("fe/fe_14/fe_14.elvlc", " 1 3s2 x\n -1\n", "cannot be understood"),
        ("ioneq/chianti.ioneq", " -1\n", "cannot be understood"),
    ],
)
def test_files_that_are_broken_are_named(folder, name, text, words):
    """ChiantiPy PR 436."""
    (folder / name).write_text(text)
    with pytest.raises(CoronaError, match=rf"fe_14 .*{name} .*{words}.*Fetch it"):
        g_of(folder)


def test_splups_files_without_their_end_are_cut_short(folder):
    (folder / "fe" / "fe_14" / "fe_14.scups").unlink()
    numbers = "".join(f"{x:10.3e}" for x in (0.5, 4.556, 1.0, 1.0, 1.2, 1.5, 1.8, 2.0))
    path = folder / "fe" / "fe_14" / "fe_14.splups"
    path.write_text(f" 26 14  1  2  2{numbers}\n -1\n")
    assert g_of(folder).g[0].min() > 0
    path.write_text(f" 26 14  1  2  2{numbers}\n")
    with pytest.raises(CoronaError, match=r"fe_14\.splups is cut short"):
        g_of(folder)
