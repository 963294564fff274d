# Everything a person does with Moorage from a checkout. Needs git, make and python3 with venv; fetches the rest into
# .tools/, .venv/ and console/node_modules/. Each step runs again only when what it is made from has changed.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory --no-builtin-rules

PYTHON ?= python3
ARGS ?=
NAME ?=

UV := .tools/bin/uv
SYNC := UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1 $(UV) sync --locked --inexact --python $(PYTHON)
NODE := scripts/with-node
VENV := .venv/bin
RUNTIME := .venv/.runtime-stamp
TOOLS := .venv/.tools-stamp
MODULES := console/node_modules/.stamp
DIST := src/moorage/console_dist/index.html
CONSOLE_SOURCES := $(shell find console -name node_modules -prune -o -type f -print 2>/dev/null)

say = @printf '\033[1m— %s\033[0m\n' "$(1)"

.PHONY: help setup demo test check check-python check-console test-without-servers fix bench openapi console clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1 \2/p' Makefile | while read -r target words; do printf '  make %-10s %s\n' "$$target" "$$words"; done

demo: $(RUNTIME) $(DIST) ## Run everything on this machine (ARGS="--port 8700 --ready-file F")
	$(VENV)/moorage demo $(ARGS)

test: browser-at-hand check-python check-console $(DIST) ## Everything CI runs: checks, all tests, the browser stories
	$(call say,All tests)
	$(VENV)/pytest -n 2 --dist loadfile $(ARGS)

check: check-python check-console test-without-servers ## What needs neither a server nor a browser

check-python: $(TOOLS)
	$(call say,Python: lint, format, types, rooms, security)
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/pyright
	$(VENV)/lint-imports --no-cache
	$(VENV)/bandit -q -ll -c pyproject.toml -r src

check-console: $(TOOLS) $(MODULES)
	$(call say,Console: lint, types, format, texts, tests, API types)
	cd console && ../$(NODE) npm run --silent lint
	cd console && ../$(NODE) npm run --silent typecheck
	cd console && ../$(NODE) npm run --silent format:check
	cd console && ../$(NODE) npm run --silent i18n
	cd console && ../$(NODE) npm run --silent test
	scripts/check-api-types

test-without-servers: $(TOOLS)
	$(call say,Tests without servers and browser)
	$(VENV)/pytest -n 2 --dist loadfile -m "not server and not browser and not kill"

fix: $(TOOLS) $(MODULES) ## Let the tools mend what they can
	$(VENV)/ruff check --fix .
	$(VENV)/ruff format .
	cd console && ../$(NODE) npx eslint . --fix
	cd console && ../$(NODE) npm run --silent format

bench: $(TOOLS) ## Measure one thing side by side with its baseline (NAME=…)
	@test -f "bench/$(NAME).py" || { echo "make bench NAME=…, one of:"; cd bench && ls [a-z]*.py | sed "s/\.py$$//"; exit 2; }
	$(VENV)/python -m bench.$(NAME) $(ARGS)

openapi: $(TOOLS) $(MODULES) ## Write the console's API types anew after a change of the API
	$(VENV)/moorage openapi > console/openapi.json
	cd console && ../$(NODE) npm run --silent api

console: $(DIST) ## Build the console into the Python package

setup: $(TOOLS) $(MODULES) ## Fetch everything that developing needs

clean: ## Remove what was built and fetched; the demo's data in .moorage stays
	rm -rf .tools .venv console/node_modules src/moorage/console_dist build dist

.PHONY: browser-at-hand
browser-at-hand:
	@scripts/missing-packages

$(UV):
	$(call say,Python tools)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Moorage needs Python 3.11 or newer")'
	$(PYTHON) -m venv .tools
	.tools/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.13,<0.14'

$(RUNTIME): pyproject.toml uv.lock | $(UV)
	$(call say,Python packages)
	$(SYNC) $$(scripts/with-node --bundled && echo --group node)
	@touch $@

$(TOOLS): pyproject.toml uv.lock | $(UV)
	$(call say,Python packages for development)
	$(SYNC) --group dev --group node
	@touch $@ $(RUNTIME)

$(MODULES): console/package.json console/package-lock.json | $(RUNTIME)
	$(call say,Console packages)
	cd console && ../$(NODE) npm ci --no-fund --no-audit
	@touch $@

$(DIST): $(MODULES) $(CONSOLE_SOURCES)
	$(call say,Console)
	cd console && ../$(NODE) npm run --silent build
	@touch $@
