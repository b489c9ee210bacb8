# Every verb does all of its own set-up. PYTHON may name any Python from 3.11 on.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
JOBS ?= 2

.PHONY: help demo test engines setup check fmt web docs bench lock build clean

help:
	@echo "make demo   set up and print the P&L of the invented sample company"
	@echo "make test   set up and run every check and test"
	@echo "make check | fmt | web | docs | bench | lock | build | clean"

$(VENV)/created:
	@PYTHON=$(PYTHON) scripts/create-venv $(VENV)
	@touch $@

$(VENV)/runtime: $(VENV)/created requirements/runtime.txt pyproject.toml
	@echo "installing Breakeven and what it needs to run"
	@$(PIP) install --require-hashes -r requirements/runtime.txt -r requirements/build.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev: $(VENV)/runtime requirements/dev.txt
	@echo "installing what the checks and tests need"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

setup: $(VENV)/dev

# The dashboard, built into the package with the Node.js that pip brings.
STATIC := src/breakeven/web/static/index.html
SOURCES := $(shell find frontend -path frontend/node_modules -prune -o -type f -print)

$(STATIC): $(VENV)/runtime $(SOURCES)
	@echo "building the dashboard"
	@$(BIN)/python scripts/front-end build

web: $(STATIC)

demo: $(STATIC)
	@$(BIN)/breakeven demo

check: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/front-end check test

# The engines that the tests run against. Where they are missing and cannot be installed, the tests that need them say so and fail.
engines:
	@scripts/install-engines

test: check engines $(STATIC)
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

fmt: $(VENV)/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python scripts/front-end fmt

bench: $(VENV)/dev
	$(BIN)/python -m bench

docs: $(VENV)/dev
	$(BIN)/python scripts/command_reference.py
	$(BIN)/python scripts/docs_index.py
	$(BIN)/python scripts/api_description.py
	$(BIN)/python scripts/front-end types
	$(BIN)/python scripts/dialects_reference.py

lock: $(VENV)/dev
	scripts/lock $(BIN)/python

build: $(VENV)/dev
	$(BIN)/python -m build --no-isolation

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
