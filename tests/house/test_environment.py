"""The versions of packages stand in two files that agree; importing `helpers` is light."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
#: pip's names where conda has another
CONDA_NAMES = {
    "jupyter-server-mathjax": "jupyter_server_mathjax",
    "matplotlib": "matplotlib-base",
    "torch": "pytorch",
}


def pip_pins():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    pins = project["dependencies"] + extras["sky"] + extras["course"] + extras["cluster"]
    pins = [pin for pin in pins if not pin.startswith("stellar-labs")]
    return project["requires-python"], dict(pin.split("==") for pin in pins)


def conda_pins():
    listed = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    python = [pin.removeprefix("python") for pin in listed if re.match(r"python[<>=]", pin)]
    return python[0], dict(pin.split("=") for pin in listed if not re.match(r"python[<>=]", pin))


def test_pip_and_conda_hold_the_same_versions():
    pip_python, pip = pip_pins()
    conda_python, conda = conda_pins()
    assert conda_python == pip_python
    assert conda == {CONDA_NAMES.get(name, name): version for name, version in pip.items()}


def test_all_the_course_is_built_on_is_pinned():
    _, pip = pip_pins()
    named = "jupyterlab nbgrader numpy scipy astroquery astropy pymc torch matplotlib corner"
    assert set(named.split()) <= set(pip)


HEAVY = {
    *("numpy", "scipy", "astropy", "astroquery", "matplotlib", "torch", "pymc", "IPython"),
    "sqlglot",
}


def modules_after(statement):
    """Return the names of all modules loaded by a statement in a fresh interpreter."""
    code = f"{statement}; import sys; print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(shown.stdout.split())


def test_import_helpers_is_light():
    """What would make it slow does not come along."""
    assert {name.partition(".")[0] for name in modules_after("import helpers")} & HEAVY == set()


@pytest.mark.parametrize(
    "module",
    [
        "checks",
        "plots",
        "archive",
        "apogee",
        "checkpoints",
        "isochrones",
        "activity",
        "csst",
        "corona",
    ],
)
def test_helpers_do_not_load_their_rooms(module):
    loaded = modules_after(f"import helpers.{module}")
    assert f"helpers.{module}" in loaded
    assert not [name for name in loaded if name.startswith(("skysim", "labkit"))]
