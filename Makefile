# One command each. `make` alone lists them.
# Package indexes are whatever this machine's pip and npm are set up with; no address is written here.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
PYTEST_ARGS ?= -n 2 --dist worksteal
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
PAGES := gateway/pages/index.html
NODE_MODULES := web/node_modules/.package-lock.json
NATIVE_SOURCES := setup.py $(wildcard gateway/media/adapters/native/*.p*x*)
WEB_SOURCES := $(shell find web -type f -not -path 'web/node_modules/*' -not -path 'web/e2e/*' 2>/dev/null)
TYPED_TESTS = $(shell find tests -name '*.py' -not -name 'test_*' -not -name '__init__.py' 2>/dev/null)
COMPILE = build/lock/bin/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --build-deps-for editable \
	--no-header --no-annotate --no-emit-options --no-emit-index-url --no-emit-trusted-host --no-emit-find-links

.PHONY: help setup run test test-thrice check check-format check-lint check-types check-floors check-tidy check-web \
	format lock system

help:  ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

setup: $(VENV)/.runtime $(PAGES)  ## .venv with the locked dependencies, pages built

run: setup  ## a gateway with demo people and money; prints where to look
	$(BIN)/gateway demo

test: system setup $(VENV)/.dev  ## every test, Python and web
	@# The compiler may have come with `system`, after the installation.
	@$(BIN)/python -c 'import gateway.media.adapters.native.engine, loadtest.relay.floor, loadtest.crowd.engine' 2>/dev/null \
		|| $(BIN)/python setup.py --quiet build_ext --inplace
	npm --prefix web run --silent test
	$(BIN)/pytest $(PYTEST_ARGS)

test-thrice: system setup $(VENV)/.dev  ## every Python test three times, in three random orders
	for round in 1 2 3; do \
		seed=$$RANDOM; start=$$SECONDS; \
		$(BIN)/pytest -q --randomly-seed=$$seed $(PYTEST_ARGS); \
		echo "round $$round, seed $$seed: $$((SECONDS - start)) s"; \
	done

check: check-format check-lint check-types check-floors check-tidy check-web  ## format, lint, types, floors, house rules, web

check-format: $(VENV)/.dev
	$(BIN)/ruff format --check --quiet --output-format concise . || { echo "run: make format"; exit 1; }

check-lint: $(VENV)/.dev
	$(BIN)/ruff check --quiet .

check-types: $(VENV)/.dev
	$(BIN)/mypy --strict gateway tools loadtest $(TYPED_TESTS)

check-floors: $(VENV)/.dev
	$(BIN)/lint-imports --no-logo

check-tidy: $(VENV)/.dev
	$(BIN)/python -m tools.tidy

check-web: $(NODE_MODULES)
	npm --prefix web run --silent check

format: $(VENV)/.dev $(NODE_MODULES)  ## let the formatters decide
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	npm --prefix web run --silent format

lock:  ## write the lock files anew, with the newest versions the bounds allow
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet --disable-pip-version-check pip-tools
	$(COMPILE) --upgrade -o requirements.lock pyproject.toml
	$(COMPILE) --upgrade --extra dev --constraint requirements.lock -o requirements-dev.lock pyproject.toml
	cd web && npm install --package-lock-only --no-audit --no-fund

system:
	@tools/setup_system.sh test

$(VENV)/.made:
	tools/setup_system.sh run
	$(PYTHON) -m venv $(VENV)
	@touch $@

# The native relay is built here too where there is a compiler; without one its twin runs.
$(VENV)/.runtime: requirements.lock pyproject.toml $(NATIVE_SOURCES) | $(VENV)/.made
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock | $(VENV)/.runtime
	$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

# Not `npm ci`: it refuses a mirror that lacks another platform's optional binaries. Versions and hashes of the
# lock file are kept to, and --no-save leaves the file alone.
$(NODE_MODULES): web/package.json web/package-lock.json | $(VENV)/.made
	cd web && npm install --no-save --no-audit --no-fund --loglevel=error
	@touch $@

$(PAGES): $(NODE_MODULES) $(WEB_SOURCES)
	npm --prefix web run --silent build
	@touch $@
