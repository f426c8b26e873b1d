# One command each, from a fresh clone: they need Python 3.11 or later, make and a network.
# `make test PYTHON=python3.13` picks the interpreter; `make test ARGS="-k urls -x"` passes arguments to pytest.

.DEFAULT_GOAL := help
SHELL := /bin/sh

PYTHONS := python3 python3.14 python3.13 python3.12 python3.11
IS_NEW := -c 'import sys; sys.exit(sys.version_info < (3, 11))'
PYTHON ?= $(shell for p in $(PYTHONS); do "$$p" $(IS_NEW) 2>/dev/null && echo "$$p" && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
ARGS ?=

# A file that is newer than what it was made from: an install is repeated when the dependencies change.
SOURCES := pyproject.toml objfs/_version.py
CREATED := $(VENV)/.created
TEST := $(VENV)/.installed-test
DEV := $(VENV)/.installed-dev
DOCS := $(VENV)/.installed-docs
BENCH := $(VENV)/.installed-bench

.PHONY: help demo test soak lint format types docs bench dist clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(TEST) ## run the main job against a server of its own, with credentials that expire
	$(BIN)/python docs/tutorial/main_job.py $(ARGS)

test: $(TEST) ## run all tests
	$(BIN)/python $(if $(ARGS),-m pytest $(ARGS),-m tests.side_by_side)

soak: $(TEST) ## work for two minutes under faults and expiring credentials, then check every byte
	$(BIN)/python -m tests.soak $(ARGS)

lint: $(DEV) ## check style and spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell

format: $(DEV) ## rewrite the sources as lint wants them
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(DEV) ## check types (mypy --strict on objfs and on the public API)
	$(BIN)/mypy

docs: $(DOCS) ## build the HTML documentation into docs/_build/html
	$(BIN)/python docs/generate_reference.py
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

bench: $(BENCH) ## measure against the peers (see benchmarks/README.md)
	$(BIN)/python benchmarks/run.py --out build/bench $(ARGS)

dist: $(DEV) ## build the sdist and the wheel into dist/
	rm -rf dist
	$(BIN)/python -m build .

clean: ## remove the environment and everything that was built
	rm -rf $(VENV) .nox build dist docs/_build .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(CREATED):
	@if [ -z "$(PYTHON)" ] || ! "$(PYTHON)" $(IS_NEW); then \
	  echo "objfs needs Python 3.11 or later; found $$("$(or $(PYTHON),python3)" --version 2>&1)." >&2; \
	  echo "Install one, or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; \
	fi
	"$(PYTHON)" -m venv --clear $(VENV)
	$(PIP) install --upgrade "pip>=25.1"  # the first that knows dependency groups
	@touch $@

$(TEST): $(CREATED) $(SOURCES)
	$(PIP) install --editable ".[test]"
	@touch $@

$(DEV): $(TEST)
	$(PIP) install --group dev
	@touch $@

$(BENCH): $(TEST)
	$(PIP) install --group bench
	@touch $@

$(DOCS): $(TEST)
	$(PIP) install --editable ".[docs]"
	@touch $@
