"""The table of coronal lines and the way to a CHIANTI installation."""

import sys
import types

import numpy as np
import pytest

from helpers import corona


def test_table_holds_what_it_says():
    lines = corona.line_table()
    assert lines.g.shape == (80, lines.log_temperature.size, lines.log_density.size)
    assert (np.diff(lines.wavelength) >= 0).all()
    assert (lines.g >= 0).all()
    assert lines.log_density[[0, -1]].tolist() == [8.0, 12.0]
    # iron forms where it should: log T of the peak (Del Zanna & Mason 2018, Table 3, +-0.1)
    for ion, wavelength, peak in (
        ("fe_9", 171.07, 5.9),
        ("fe_12", 195.12, 6.2),
        ("fe_15", 284.16, 6.35),
    ):
        g = lines.at_density(9.0)[lines.find(ion, wavelength)]
        assert abs(lines.log_temperature[g.argmax()] - peak) <= 0.1
    assert "Fe XIII 202.04" in lines.names


def test_interpolation_keeps_the_nodes_and_refuses_to_extrapolate():
    lines = corona.line_table()
    there = lines.g > 0
    assert np.allclose(lines.at_density(lines.log_density)[there], lines.g[there])
    with pytest.raises(corona.CoronaError, match="from 8 to 12"):
        lines.at_density(12.5)


def test_find_names_what_is_not_there():
    with pytest.raises(corona.CoronaError, match="fe_13"):
        corona.line_table().find("fe_13", 180.0)


def test_a_broken_table_says_how_to_get_it_back(tmp_path):
    broken = tmp_path / "lines.csv"
    broken.write_text("ion,wavelength\nfe_13,x\n")
    with pytest.raises(corona.CoronaError, match="git checkout"):
        corona.line_table(broken)


def test_fiasco_is_asked_where_chianti_is(tmp_path, monkeypatch):
    fiasco = types.ModuleType("fiasco")
    fiasco.__spec__ = types.SimpleNamespace(name="fiasco")
    fiasco.defaults = {"ascii_dbase_root": tmp_path}
    monkeypatch.setitem(sys.modules, "fiasco", fiasco)
    assert corona.chianti_folder() == tmp_path
    fiasco.defaults = {"ascii_dbase_root": tmp_path / "absent"}
    with pytest.raises(corona.CoronaError, match="no such folder"):
        corona.chianti_folder()


def test_without_fiasco_the_folder_has_to_be_given(monkeypatch):
    monkeypatch.setitem(sys.modules, "fiasco", None)
    with pytest.raises(corona.CoronaError, match="pip install fiasco"):
        corona.chianti_folder()
