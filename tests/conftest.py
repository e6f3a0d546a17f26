"""Which tests share a process; at the end of a run, what was measured.

Two processes run the tests side by side (pytest-xdist, in the Makefile), all but the labs. Tests
that share something dear go to one process: a file's fixtures, a lab's sandbox, the walkthrough.
"""

import re

import pytest

pytest_plugins = ["tests.tiny_archive"]

#: tests whose printed figures belong in the closing summary
MEASURING = (
    "tests/real/",
    "tests/labs/test_walkthrough.py::test_lab_runs_and_is_graded",
    "tests/labs/test_03_cannon.py",
    "tests/labs/test_04_isochrones.py",
    "tests/labs/test_05_mcmc.py",
    "tests/labs/test_06_neural.py",
    "tests/labs/test_07_activity.py",
    "tests/labs/test_08_csst.py",
    "tests/labs/test_products.py",
    "tests/grading/test_rivals.py::test_kill_rate",
    "tests/grading/test_rivals.py::test_model_keeps_everything_with_any_seed",
    "tests/labs/test_corona.py",
    "tests/grading/test_hostile.py::test_there_are_enough",
    "tests/grading/test_killed.py",
    "tests/grading/test_safe_labs.py",
)


def _group(test: str) -> str:
    """Return what a test, by its id, shares with others."""
    file = test.split("::")[0]
    if file.startswith("tests/labs/"):
        return "walkthrough"
    if file == "tests/grading/test_rivals.py":
        return re.search(r"\[(\d\d_[a-z_]+)", test)[1]
    return file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return _group(nodeid)

    return ByGroup(config, log)


def pytest_terminal_summary(terminalreporter):
    reports = terminalreporter.stats
    passed = [r for r in reports.get("passed", []) if r.when == "call"]
    shown = [r for r in passed if r.nodeid.startswith(MEASURING) and r.capstdout.strip()]
    if shown:
        terminalreporter.section("measured")
        for report in sorted(shown, key=lambda r: r.nodeid):
            terminalreporter.write_line(f"[{report.nodeid}]")
            terminalreporter.write_line(report.capstdout.strip())
    real = [r for r in passed if r.nodeid.startswith("tests/real/")]
    skipped = [r for r in reports.get("skipped", []) if r.nodeid.startswith("tests/real/")]
    if real or skipped:
        terminalreporter.write_line(f"real files: {len(real)} tests ran, {len(skipped)} skipped")
