# Everything is made inside .venv, which belongs to this file: it is made anew when it is unfinished.
PYTHON ?= python3

VENV := .venv
BIN := $(VENV)/bin
SETTINGS := setup.cfg pyproject.toml __init__.py

# A stamp is touched when its step has ended well, so an interrupted step is done again.
MADE := $(VENV)/made
FOR_TOUR := $(VENV)/installed-for-tour
FOR_DEV := $(VENV)/installed-for-dev

# The user's settings of pip (index, proxy, certificates) count, except those that would install
# elsewhere than into .venv or leave something out. Python's own paths, set for another project,
# would come before .venv's.
export PIP_USER := 0
unexport PIP_TARGET PIP_PREFIX PIP_ROOT PIP_NO_DEPS PIP_DRY_RUN PIP_NO_BUILD_ISOLATION
unexport PYTHONHOME PYTHONPATH

PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.NOTPARALLEL:
.PHONY: help tour test lint dev clean

# A .venv that was moved or copied with its folder would still run the old folder's code.
ifneq ($(shell cat $(MADE) 2>/dev/null),$(CURDIR))
.PHONY: $(MADE)
endif

help:
	@echo "make tour    the guided tour: from one number to a trained Transformer (about two minutes)"
	@echo "make test    every check and every test"
	@echo "make lint    the checks alone: ruff, mypy, import-linter"
	@echo "make dev     install what the tests and checks need into $(VENV)"
	@echo "make clean   remove $(VENV), builds and caches; what groundup wrote for you stays"
	@echo "Another Python: make clean, then make tour PYTHON=python3.13"

tour: $(FOR_TOUR)
	$(BIN)/groundup tour

test: lint
	$(BIN)/pytest

lint: $(FOR_DEV)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

dev: $(FOR_DEV)

clean:
	rm -rf $(VENV) build dist *.egg-info .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The link is the checkers' way to see this folder under its name, groundup.
$(MADE):
	@command -v "$(PYTHON)" >/dev/null || { echo "There is no $(PYTHON) here: install Python 3.11 or newer, or say where it is: make PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11) and "groundup needs Python 3.11 or newer and this is %s: name a newer one, as in make tour PYTHON=python3.13" % sys.version.split()[0])'
	@echo "Making $(VENV) ..."
	@"$(PYTHON)" -m venv --clear $(VENV)
	@mkdir $(VENV)/src && ln -s ../.. $(VENV)/src/groundup
	@pwd -P > $@

$(FOR_TOUR): $(MADE) $(SETTINGS)
	@echo "Installing groundup and what the tour needs into $(VENV) (a minute or so) ..."
	@$(PIP_INSTALL) --editable '.[train,report]'
	@touch $@

# What the tests need includes what the tour needs.
$(FOR_DEV): $(MADE) $(SETTINGS)
	@echo "Installing groundup and what its tests need into $(VENV) (a minute or so) ..."
	@$(PIP_INSTALL) --editable '.[dev]'
	@touch $(FOR_TOUR) $@
