# Two commands do it all on a fresh machine: `make walkthrough`, `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export MPLBACKEND := agg

.PHONY: walkthrough check lint test thorough notebooks data bench clean

walkthrough: $(VENV)/installed
	$(BIN)/labkit data
	$(BIN)/labkit notebooks
	$(BIN)/labkit walkthrough

# what a change should pass before it is committed: the quick part of the tests
check: lint
	$(BIN)/pytest -n 2 -m "check and not slow"

lint: $(VENV)/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/codespell
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy

# the labs use both cores; the other tests share them, one more at a time since some of them wait
test: lint
	$(BIN)/labkit data
	$(BIN)/pytest tests/labs
	$(BIN)/pytest -n 3 -m "not labs"

# every seed, fold and training: hours
thorough: lint
	$(BIN)/labkit data
	LABKIT_THOROUGH=1 $(BIN)/pytest tests/labs
	LABKIT_THOROUGH=1 $(BIN)/pytest -n 2 -m "not labs"

notebooks: $(VENV)/installed
	$(BIN)/labkit notebooks

data: $(VENV)/installed
	$(BIN)/labkit data

bench: $(VENV)/installed
	$(BIN)/python bench/download.py
	$(BIN)/python bench/cannon.py
	$(BIN)/python bench/grading.py
	$(BIN)/python bench/mcmc.py
	$(BIN)/python bench/corona.py
	$(BIN)/python bench/service.py
	$(BIN)/python bench/spectra.py

clean:
	rm -rf $(VENV) build dist data/build data/truth .pytest_cache .ruff_cache .mypy_cache *.egg-info

define CHECK_PYTHON
import re, sys
needed = re.search(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', open("pyproject.toml").read())
first, beyond = map(int, needed.groups())
if not (3, first) <= sys.version_info[:2] < (3, beyond):
    sys.exit("Python 3.%d to 3.%d is needed: make PYTHON=python3.%d" % (first, beyond - 1, first))
endef
export CHECK_PYTHON

# pip takes the processor-only build of torch where one is at hand; to compile all of it and its
# neighbours would take longer than to install them, so only what is imported is compiled
$(VENV)/installed: pyproject.toml
	$(PYTHON) -c "$$CHECK_PYTHON"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -e ".[dev]"
	$(BIN)/python -c "import IPython, astropy.table, matplotlib.pyplot, pandas, pymc, torch"
	touch $@
