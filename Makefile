# Every target sets up .venv by itself and skips that while pyproject.toml and constraints.txt stay as they were.
PYTHON ?= python3
STUDY ?= orbit-200mw
PYTEST_ARGS ?= -n auto
SNAKEMAKE ?= 9.27.1

VENV := .venv
BIN := $(VENV)/bin
PINNED := pyproject.toml constraints.txt

.PHONY: help run test lint format docs bench snakemake constraints clean
.DEFAULT_GOAL := help
.NOTPARALLEL:

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 22

run: $(VENV)/.base  ## run the main study, or another: make run STUDY=name
	$(BIN)/dawndusk run $(STUDY)

test: $(VENV)/.test  ## run the tests and a sample of the long ones; all of these with PYTEST_ARGS="-n auto -m slow"
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(VENV)/.test-lint  ## check style, types and the layer rule
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.test-lint  ## mend what ruff can mend
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(VENV)/.docs  ## build the documentation into docs/_build/html
	$(BIN)/sphinx-build --fail-on-warning --keep-going --nitpicky --quiet -b html docs docs/_build/html

bench: $(VENV)/.base  ## run every benchmark in turn, and keep what it prints for the documentation
	@set -e; for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python benchmarks/suite/record.py "$$script"; done

snakemake: $(VENV)-snakemake/bin/snakemake  ## install Snakemake beside, for the test of the workflow in the documentation

constraints:  ## pin anew every dependency, direct or not, to what the package index offers today
	rm -rf $(VENV)-pins
	$(PYTHON) -m venv $(VENV)-pins
	$(VENV)-pins/bin/python -m pip install --quiet --editable '.[dev,all,bench]'
	$(VENV)-pins/bin/python -m pip freeze --exclude-editable | sed 's/+cpu\b//' > constraints.txt
	rm -rf $(VENV)-pins

clean:  ## remove the environment and everything built
	rm -rf $(VENV) $(VENV)-pins $(VENV)-snakemake dist docs/_build docs/generated .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find models optimize studies src tests benchmarks docs -name __pycache__ -prune -exec rm -rf {} +

# The part of the name after the dot says which extras are in: .base has none, .test-lint has `test` and `lint`.
$(VENV)/.base: extras =
$(VENV)/.test: extras = [test]
$(VENV)/.test-lint: extras = [test,lint]
$(VENV)/.docs: extras = [docs]

$(VENV)/.base $(VENV)/.test $(VENV)/.test-lint $(VENV)/.docs: $(PINNED) | $(BIN)/python
	@echo "Installing dawndusk$(extras) into $(VENV); the first time takes about a minute."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.$(extras)' --constraint constraints.txt
	@touch $@

# In an environment of its own: what it needs in older versions would change ours.
$(VENV)-snakemake/bin/snakemake:
	@$(PYTHON) -m venv $(VENV)-snakemake
	@$(VENV)-snakemake/bin/python -m pip install --quiet --disable-pip-version-check snakemake==$(SNAKEMAKE) || { \
	  rm -rf $(VENV)-snakemake; exit 1; }

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "dawndusk needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1)." >&2; \
	  echo "Name another with: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
