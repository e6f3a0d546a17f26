"""Which tests share a process, and in which order; at the end of a run, what was measured.

Several processes run the tests side by side (pytest-xdist, in the Makefile). Tests that share an
expensive fixture run in one worker: a file's fixtures, a lab's sandbox, the walkthrough. Groups
that take minutes come first, so that no worker is left alone with one at the end.
"""

import functools
import os
import re

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    # threads of several processes would wait for each other on the same cores; this is read when
    # the libraries are imported
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")

pytest_plugins = ["tests.tiny_archive"]


#: groups of tests that take more than a minute, the longest first
LONGEST = (
    "07_activity",
    "tests/grading/test_watchdog.py",
    "05_mcmc",
    "tests/grading/test_safe_labs.py",
    "tests/house/test_wheel.py",
    "09_corona",
    "08_csst",
    "06_neural_labels",
    "tests/grading/test_mutants.py",
    "tests/grading/test_hostile.py",
    "tests/grading/test_safe_cycle.py",
    "tests/grading/test_killed.py",
    "tests/real/test_lamost.py",
    "tests/grading/test_leaks.py",
    "tests/skysim/test_survey.py",
    "01_apogee",
    "tests/grading/test_second_wall.py",
    "tests/grading/test_doors.py",
    "tests/grading/test_unlucky.py",
    "02_continuum",
    "03_cannon",
    "tests/skysim/test_h_band_fast.py",
    "tests/labkit/test_walkthrough.py",
    "tests/grading/test_cluster.py",
    "tests/grading/test_limits.py",
    "tests/real/test_lamost_neural.py",
    "tests/real/test_cannon.py",
    "tests/real/test_makers.py",
)


def _group(test: str) -> str:
    """Return what a test, by its id, shares with others."""
    file = test.split("::")[0]
    if file.startswith("tests/labs/"):
        return "walkthrough"
    if file == "tests/grading/test_rivals.py":
        return re.search(r"\[(\d\d_[a-z_]+)", test)[1]
    return file


def pytest_collection_modifyitems(items):
    place = {group: number for number, group in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(_group(item.nodeid), len(LONGEST)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Group tests here: under pytest 9.2 the marker xdist_group of xdist 3.8 groups nothing."""
    from xdist.scheduler import LoadScopeScheduling

    # the order of the tests is that of their groups, not of how many tests each has
    config.option.loadscopereorder = False

    class ByGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return _group(nodeid)

    return ByGroup(config, log)


@pytest.fixture(scope="session", autouse=True)
def alembic_runs_once():
    """nbgrader starts the program alembic, which takes seconds, for every new gradebook.

    It asks for the version of its own tables, which is the same every time.
    """
    from nbgrader import api

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api, "get_alembic_version", functools.cache(api.get_alembic_version))
        yield


def pytest_runtest_makereport(item, call):
    """Remember in a test's report that its printed figures belong in the closing summary."""
    if call.when == "call" and item.get_closest_marker("measured"):
        item.user_properties.append(("measured", True))


def pytest_terminal_summary(terminalreporter):
    reports = terminalreporter.stats
    passed = [r for r in reports.get("passed", []) if r.when == "call"]
    shown = [r for r in passed if ("measured", True) in map(tuple, r.user_properties)]
    shown = [r for r in shown if r.capstdout.strip()]
    if shown:
        terminalreporter.section("measured")
        for report in sorted(shown, key=lambda r: r.nodeid):
            terminalreporter.write_line(f"[{report.nodeid}]")
            terminalreporter.write_line(report.capstdout.strip())
    real = [r for r in passed if r.nodeid.startswith("tests/real/")]
    skipped = [r for r in reports.get("skipped", []) if r.nodeid.startswith("tests/real/")]
    if real or skipped:
        terminalreporter.write_line(f"real files: {len(real)} tests ran, {len(skipped)} skipped")
