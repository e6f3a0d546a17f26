"""Which tests share a process; at the end of a run, what was measured.

Two processes run the tests side by side (pytest-xdist, in the Makefile). Tests that share an
expensive fixture run in one worker: a file's fixtures, a lab's sandbox, the walkthrough.
"""

import re

import pytest

pytest_plugins = ["tests.tiny_archive"]


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
    """Group tests here: under pytest 9.2 the marker xdist_group of xdist 3.8 groups nothing."""
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return _group(nodeid)

    return ByGroup(config, log)


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
