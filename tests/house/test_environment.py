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
    pins = project["dependencies"]
    pins = pins + [pin for name in ("sky", "course", "cluster", "service") for pin in extras[name]]
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


def test_the_readme_names_the_versions_of_python():
    first, beyond = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", pip_pins()[0]).groups()
    assert f"Python 3.{first} to 3.{int(beyond) - 1}" in (ROOT / "README.md").read_text()


def test_all_the_course_is_built_on_is_pinned():
    _, pip = pip_pins()
    named = "jupyterlab nbgrader numpy scipy astroquery astropy pymc torch matplotlib corner"
    assert set(named.split()) <= set(pip)


#: what the helpers may load when they are imported, beside Python's own library
LIGHT = {"helpers", "surveys", "numpy"}
#: lines of one file of helpers, and of all together
MAX_LINES, MAX_LINES_IN_ALL = 300, 2500
HELPERS = sorted(path.stem for path in (ROOT / "helpers").glob("[a-z]*.py"))


def shown(code):
    """Return what a program prints in a fresh interpreter."""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return run.stdout


def loaded_by(statement):
    """Return the packages that a statement loads in a fresh interpreter, but for Python's own."""
    code = f"import sys; before = set(sys.modules); {statement}; print(*set(sys.modules) - before)"
    packages = {name.partition(".")[0] for name in shown(code).split()}
    # what Cython shares between compiled modules, numpy's among them
    return {name for name in packages - sys.stdlib_module_names if "cython" not in name}


def test_import_helpers_loads_python_only():
    """What takes time is not loaded; it takes a few milliseconds."""
    assert loaded_by("import helpers") == {"helpers"}


@pytest.mark.parametrize("module", HELPERS)
def test_helpers_load_nothing_heavy(module):
    """Nothing but numpy comes along: what else a function needs, it imports when it is called."""
    loaded = loaded_by(f"import helpers.{module}")
    assert "helpers" in loaded
    assert loaded <= LIGHT


def test_helpers_are_thin():
    files = sorted((ROOT / "helpers").rglob("*.py"))
    lines = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert {path.parent.name for path in files} == {"helpers"}, "helpers is flat"
    assert {name: count for name, count in lines.items() if count > MAX_LINES} == {}
    assert sum(lines.values()) <= MAX_LINES_IN_ALL
