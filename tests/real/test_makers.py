"""Every table of facts that a script makes comes out of it again (needs shared/real).

``pytest tests/real/test_makers.py -s`` prints how far each is from the committed one. The table of
the isochrones is made again in ``test_isochrones.py``.
"""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from data.make import (
    coronal_lines,
    csst_throughput,
    haze_optical,
    lamost_response,
    lines_h_band,
    night_sky_h_band,
    table_files,
)
from data.make.against_optical import OpticalReference
from surveys.coronal_lines import LOG_TEMPERATURE

from .conftest import real_file

#: One in the last digit: another processor may round a value that lies between two the other way.
ONE_DIGIT = {
    "airglow_h_band.csv": {"wavelength_vac_A": 0.01, "peak": 1},
    "telluric_h_band.csv": {"wavelength_vac_A": 0.01, "depth": 0.001, "absorber": 0},
    "csst_throughput.csv": {"band": 0, "wavelength": 0, "throughput": 0.001},
    "lamost_response.csv": {"wavelength": 0, "throughput": 0.0001, "background": 0.1},
    "sky_optical.csv": {"wavelength": 0.1, "brightness": 0.1},
    "coronal_lines.csv": {
        **dict.fromkeys(("ion", "wavelength", "lower", "upper", "log_n"), 0),
        **{f"{log_t:.2f}": 0.001 for log_t in LOG_TEMPERATURE},
    },
}
#: The committed strengths were fitted with a model that has been mended a little since.
LINES_H_BAND = {
    "wavelength_vac_A": 0.0015,
    "species": 0,
    "excitation_eV": 0,
    "log_gf": 0.02,
    "log_gf_published": 0,
    "log_c6": 0,
    "source": 0,
}


def assert_same(name, text, tolerance):
    """Fail unless the table is the committed one to a tolerance for each column."""
    print(f"\n{table_files.compared(name, text)}")
    found = table_files.differences(text, table_files.committed(name))
    assert found.keys() == tolerance.keys()
    for column, allowed in tolerance.items():
        assert found[column] <= allowed * (1 + 1e-9), column


@pytest.fixture(autouse=True)
def one_thread():
    """As when makers are run by hand: threads would only wait for each other."""
    with threadpool_limits(1):
        yield


@pytest.mark.parametrize(
    ("maker", "needed"),
    [
        (night_sky_h_band, "apogee/apstar"),
        (csst_throughput, "csst/throughput"),
        (lamost_response, "lamost/dr10_afg_2330.npz"),
        (coronal_lines, "corona/chianti"),
    ],
    ids=["night_sky_h_band", "csst_throughput", "lamost_response", "coronal_lines"],
)
@pytest.mark.filterwarnings("ignore:invalid value encountered in divide:RuntimeWarning")
def test_tables_are_made_again(maker, needed):
    real_file(needed)
    made = maker.make(real_file("."))
    for name, text in made.items():
        assert_same(name, text, ONE_DIGIT[name])


def test_calibrated_h_band_lines_are_made_again():
    real_file("lines/mb99_k.list")
    made = lines_h_band.make(real_file("."))
    assert_same(lines_h_band.NAME, made[lines_h_band.NAME], LINES_H_BAND)


def test_a_step_of_the_haze_brings_its_targets_nearer():
    """From the smooth start; the whole recipe takes minutes."""
    reality = OpticalReference(real_file("csst/miles_stars.npz").parents[1])
    everything = haze_optical.targets(reality)
    star = next(target for target in everything if target.is_star and target.labels.teff > 5500)
    # metal-rich: haze shows there
    models = [target for target in everything if not target.is_star]
    model = next(target for target in models if target.labels.fe_h >= 0)
    fit = haze_optical.Fit([star, model])
    first, before = fit.round(fit.first, renew=True)
    _, after = fit.round(first, renew=False)
    print(f"\nhaze: before {fit.summary(before)}; after a step {fit.summary(after)}")
    assert (np.array(after) < 0.9 * np.array(before)).all()
