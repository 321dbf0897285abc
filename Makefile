# `make demo` and `make test` are the two commands for a newcomer; `make help` lists the rest.
# What they fetch or make stays in .venv and .cache, which git ignores.

PYTHON ?= python3
VENV ?= .venv
CODEX_CACHE ?= .cache/codex
PYTEST_ARGS ?=
BENCH_ARGS ?=
SOAK_ARGS ?=
WORKERS ?= 3
CODEX ?=

DOCS := README.md docs/COMMANDS.md docs/TOP.md docs/schema.md

export PYTHON
codex_releases := $(shell grep -v '^\#' scripts/codex_releases.txt)
newest_codex := $(firstword $(codex_releases))
bin := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test environment codex check lint types imports format docs wire bench soak screenshots charts wheel constraints clean

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## a whole run on synthetic traffic, ending in a waterfall
	@scripts/check_prerequisites.sh npm
	@scripts/make_environment.sh $(VENV) runtime
	@scripts/fetch_codex.sh $(CODEX_CACHE) $(newest_codex) || echo "going on without the real Codex" >&2
	@codex="$(abspath $(CODEX_CACHE))/$(newest_codex)/node_modules/.bin/codex"; \
	if [ -x "$$codex" ]; then export CODEX_TELEMETRY_CODEX="$$codex"; fi; \
	exec $(bin)/codex-telemetry demo

test: environment codex check ## lint, types, import rules and all tests
	@CODEX_CACHE="$(abspath $(CODEX_CACHE))" scripts/run_tests.sh $(bin)/python $(WORKERS) $(PYTEST_ARGS)

environment:
	@scripts/check_prerequisites.sh npm
	@scripts/make_environment.sh $(VENV) dev

# A release that can't be fetched is for the tests to judge: they fail in CI and skip elsewhere.
codex: environment ## fetch the pinned releases of the real Codex into the cache
	@scripts/fetch_codex.sh $(CODEX_CACHE) $(codex_releases) || true

check: lint types imports ## lint, types and import rules

lint: environment ## ruff: rules and format
	@$(bin)/ruff check --quiet .
	@$(bin)/ruff format --quiet --check .

types: environment ## mypy, strict
	@$(bin)/mypy --no-error-summary

imports: environment ## who may import whom
	@$(bin)/lint-imports --no-logo >$(VENV)/imports.log || { cat $(VENV)/imports.log; exit 1; }

format: environment ## put the code in the form that lint wants
	@$(bin)/ruff check --quiet --fix .
	@$(bin)/ruff format --quiet .

wire: environment ## what a Codex says that schema/wire doesn't know: CODEX=path/to/codex
	@$(bin)/python scripts/wire.py "$(CODEX)"

docs: environment ## run what README and docs/ show, and write it into them
	@$(bin)/cog -r -I tests $(DOCS)

bench: environment ## measure everything: BENCH_ARGS="--quick --only pump", or "--write" into the docs
	@PYTHONPATH=tests $(bin)/python bench $(BENCH_ARGS)

soak: environment ## be unkind to it for SOAK_ARGS="--minutes 15"
	@PYTHONPATH=bench:tests $(bin)/python -m soak $(SOAK_ARGS)

screenshots: environment ## take the pictures in the docs anew: of the dashboard, from made-up data
	@PYTHONPATH=tests CODEX_CACHE="$(abspath $(CODEX_CACHE))" $(bin)/python scripts/screenshots.py

charts: ## bundle the charts of the dashboard anew, from npm
	@scripts/check_prerequisites.sh npm
	@scripts/build_charts.sh collector/codex_telemetry/web/static/charts.js

wheel: environment ## build the wheel into dist/
	@$(bin)/python -m pip wheel -qq --no-deps --no-build-isolation --wheel-dir dist .
	@ls dist/*.whl

constraints: ## resolve all dependencies anew and write constraints.txt
	@scripts/check_prerequisites.sh
	@scripts/resolve_constraints.sh

clean: ## remove what was made, but not what was fetched
	@rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@find collector tests scripts fixtures -name __pycache__ -type d -prune -exec rm -rf {} +
