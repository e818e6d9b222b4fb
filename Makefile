# `make run` starts SecondOp here, `make test` tests it. Both need only Python 3.11+ and make.
# Paths are relative, so that a folder with spaces in its name works.

PY ?= python3
BIN := .venv/bin
PYTHON := $(BIN)/python
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run run-empty test lint fmt lock frontend messages bench clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

run: .venv/.stamp ## start everything at http://localhost:8000 (PORT=8001 for another one) until Ctrl-C
	@$(PYTHON) -m deploy.local up

run-empty: .venv/.stamp
	@$(PYTHON) -m deploy.local up --empty

test: .venv/.stamp ## the whole suite on servers of its own, two at a time; ARGS="tests/records -x" for a part
	@$(PYTHON) -m deploy.local test -- $(PYTHON) -m pytest $(or $(ARGS),-n 2 --dist worksteal)

lint: .venv/.stamp ## style, types, layers, templates, migrations, lock files
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m deploy.local locks
	@$(PYTHON) -m djlint --lint --quiet templates
	@$(PYTHON) -m deploy.local test -- deploy/lint-with-settings

fmt: .venv/.stamp ## put code and imports in order
	@$(PYTHON) -m ruff check --fix .
	@$(PYTHON) -m ruff format .

COMPILE := $(PYTHON) -m uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate

lock: .venv/.stamp ## write the lock files anew from pyproject.toml and package.json
	@$(COMPILE) --group dev pyproject.toml --output-file requirements.lock
	@$(COMPILE) --constraint requirements.lock pyproject.toml --output-file deploy/production.lock
	@$(PYTHON) -m deploy.local locks --write

frontend: .venv/.stamp ## fetch the browser packages into static/vendor/
	@$(PYTHON) -m deploy.local frontend

messages: .venv/.stamp ## compile the translations
	@$(PYTHON) -m deploy.local messages

bench: .venv/.stamp ## the measurements of bench/
	@$(PYTHON) -m deploy.local test -- $(PYTHON) -m bench $(ARGS)

clean: ## remove everything that was made here, the local database included
	@$(PY) deploy/local/clean.py

# Hashes are checked either way; uv is only faster, and is used when it can be had. It trusts what the
# system trusts, as pip does: behind an inspecting proxy its own list of certificates is of no use.
# Bytecode is written at once: guarded children, who import most of it, may not write any.
.venv/.stamp: requirements.lock
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'SecondOp needs Python 3.11 or newer, and "$(PY)" is older or missing. Name one: make run PY=python3.12'; exit 1; }
	@echo 'Installing the Python packages (once) ...'
	@test -x $(PYTHON) || $(PY) -m venv .venv || \
	  { echo 'Python could not make a virtual environment. On Debian and Ubuntu: apt install python3-venv'; rm -rf .venv; exit 1; }
	@$(PYTHON) -m uv --version >/dev/null 2>&1 || \
	  $(PYTHON) -m pip install -q --disable-pip-version-check --require-hashes -r deploy/uv.lock 2>/dev/null || true
	@VIRTUAL_ENV=.venv UV_SYSTEM_CERTS=true $(PYTHON) -m uv pip install -q --compile-bytecode --require-hashes -r requirements.lock 2>/dev/null || \
	  $(PYTHON) -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@
