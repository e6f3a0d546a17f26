"""The tables of facts against what their headers say, and how two tables are compared."""

import numpy as np
import pytest

from data.make import haze_optical, line_strengths, table_files
from data.make.against_optical import BINS
from skysim.physics import haze, lines


def test_haze_has_no_low_excitation_ions_in_the_ultraviolet():
    """What the committed table and the recipe have in common."""
    ultraviolet = BINS < haze_optical.LOW_IONS_FROM
    for logs in (np.log(haze.cross_sections()), haze_optical.start()):
        ions = logs[haze_optical.LOW_IONS] / np.log(10.0)
        assert np.allclose(ions[ultraviolet], haze_optical.NONE)
        assert np.ptp(ions[~ultraviolet]) > 1.0


def test_optical_lines_are_broadened_as_their_header_says():
    """Unsold's approximation raised by 0.7 dex, but for seven species."""
    table = lines.table_lines("lines_optical.csv")
    names = np.array([lines.SPECIES[i] for i in table.species])
    off = np.abs(np.log10(table.damping) - line_strengths.unsold(table))
    plain = ~np.isin(names, line_strengths.QUANTUM)
    print(f"\n{plain.sum()} lines within {off[plain].max():.3f} dex of Unsold's C6, raised")
    assert plain.sum() == 762
    assert off[plain].max() < 0.02
    # the strongest of the others are far from it: hydrogen does not move their electrons so
    assert off[~plain].max() > 0.5


def test_sodium_lines_are_as_broad_as_published():
    """Cross-section of Na D: 407 square Bohr radii, exponent 0.273 (Barklem et al. 2000)."""
    table = lines.table_lines("lines_optical.csv")
    sodium = np.abs(table.wavelength - 5891.58) < 0.05
    assert sodium.sum() == 1
    c6 = line_strengths.quantum_c6(407.273, 22.99)
    assert np.log10(table.damping[sodium][0]) == pytest.approx(c6, abs=0.05)


def test_differences_between_tables_are_found():
    one = "# cited\nname,value\na,1.0\nb,2.0\n"
    assert table_files.differences(one, one) == {"name": 0.0, "value": 0.0}
    moved = one.replace("2.0", "2.5").replace("a,", "c,")
    assert table_files.differences(moved, one) == {"name": float("inf"), "value": 0.5}
    with pytest.raises(ValueError, match="1 rows"):
        table_files.differences("name,value\na,1.0\n", one)
