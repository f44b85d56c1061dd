# Every verb installs by itself what it needs; `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= $(shell python3.11 -c 'print("python3.11")' 2>/dev/null || echo python3)
BIN := .venv/bin
DISTRIBUTIONS := . $(sort $(patsubst %/setup.cfg,%,$(wildcard plugins/*/setup.cfg)))
PACKAGING := $(foreach d,$(DISTRIBUTIONS),$(d)/setup.cfg $(d)/pyproject.toml)
WORKERS ?= 3
ARGS ?=

.PHONY: help install test lint style types floors format docs lock audit openapi run demo bench soak clean

help: ## List the verbs
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18

install: .venv/installed ## Make .venv with everything, as the lock file says

.venv/locked: requirements.lock
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	touch $@

.venv/installed: .venv/locked $(PACKAGING)
	$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --no-deps --no-build-isolation \
		$(foreach d,$(DISTRIBUTIONS),--editable $(d))
	$(BIN)/python -m pip check --disable-pip-version-check
	touch $@

test: install ## Run all tests (ARGS="-k word" narrows them)
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal $(ARGS)

lint: install ## Check style, types and floors
	$(MAKE) --no-print-directory --jobs 2 style types floors

style:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types:
	$(BIN)/mypy

floors:
	$(BIN)/lint-imports

format: install ## Put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: install ## Write the manual pages that come from the code
	$(BIN)/python tools/write_docs.py

openapi: install ## Write openapi/calbridge.json from the code
	$(BIN)/calbridge openapi write openapi/calbridge.json

run: install ## Start the whole service on this machine and show its main job; Ctrl-C stops it
	$(BIN)/python tools/run_demo.py

demo: install ## Show a whole sync with a real CalDAV server on this machine
	$(BIN)/python tools/demo.py $(ARGS)

bench: install ## Measure requests, bytes, CPU and memory side by side with vdirsyncer
	$(BIN)/python tools/bench.py $(ARGS)

soak: install ## Run the long tests: many more kills and random histories
	$(BIN)/python tools/soak.py $(ARGS)

lock: ## Make requirements.lock anew from requirements.in (needs uv)
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
		--upgrade requirements.in --output-file requirements.lock

audit: install ## Look for known holes in the locked libraries (needs the network)
	$(BIN)/pip-audit --require-hashes --disable-pip --requirement requirements.lock

clean: ## Remove .venv and everything that can be made again
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
