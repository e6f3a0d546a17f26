# Two commands do it all on a fresh machine: `make walkthrough`, `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export MPLBACKEND := agg

.PHONY: walkthrough test notebooks data bench clean

walkthrough: $(VENV)/installed
	$(BIN)/labkit data
	$(BIN)/labkit notebooks
	$(BIN)/labkit walkthrough

# the labs train on all cores; the other tests share them
test: $(VENV)/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/labkit data
	$(BIN)/pytest tests/labs
	$(BIN)/pytest -n 2 --dist loadscope --ignore tests/labs

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
	$(BIN)/python bench/spectra.py

clean:
	rm -rf $(VENV) build dist data/build .pytest_cache .ruff_cache *.egg-info

# pip first takes the processor-only build of torch where one is at hand
$(VENV)/installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	touch $@
