# Everything on a machine with Python 3.10+, make and git: `make test`, `make demo`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
export HF_HUB_OFFLINE ?= 1
export OMP_NUM_THREADS ?= 1
export TOKENIZERS_PARALLELISM ?= false

.PHONY: help test docs demo lint install tasks clean

help:
	@echo "make test   set up a virtual environment, check style, types and layers, run the tests"
	@echo "make docs   the documentation as a site: site/index.html"
	@echo "make demo   a mini model: train it, evaluate, attribute, build, train, evaluate (10 minutes, two cores)"
	@echo "make tasks  write the task files of all datasets and reinstall them"
	@echo "make clean  remove the virtual environment and caches"

# The stamp is written last: its existence means that the installation is complete. lm-eval reads installed copies of the
# task YAMLs, so they are part of what makes an installation stale.
$(VENV)/installed: pyproject.toml constraints.txt hatch_build.py $(wildcard lm_eval_tasks/datasets/*yaml lm_eval_tasks/datasets/*/*)
	@echo "1 of 2: a virtual environment in $(VENV)"
	$(PYTHON) -m venv $(VENV)
	@echo "2 of 2: this package and what it needs, torch among it: some minutes, this once. pip says what it fetches"
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

install: $(VENV)/installed

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m lm_eval_tasks.write_tasks --check

test: lint
	$(BIN)/python -m pytest -n 2 --dist loadscope

# Strict: a link that does not resolve is an error. The variable silences an advertisement.
docs: install
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

demo: install
	$(BIN)/faithful-se demo --out runs/demo

tasks: install
	$(BIN)/python -m lm_eval_tasks.write_tasks
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall -e .

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
