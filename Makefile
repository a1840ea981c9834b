# Everything from a fresh clone: `make web` serves the page, `make test` runs every test. Only Python 3.11+ is needed.

PYTHON ?= python3
BIN := .venv/bin
UV := $(shell command -v uv 2>/dev/null)

ifdef UV
INSTALL := uv pip install --quiet --python $(BIN)/python
MAKE_VENV := uv venv --quiet --allow-existing --python '>=3.11' .venv
else
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
MAKE_VENV := $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "botchat needs Python 3.11 or newer: make PYTHON=…")' \
	&& $(PYTHON) -m venv .venv
endif

.PHONY: web api strands oidc test fuzz audit check format docs bench clean

web: .venv/installed  ## Serve the chat on this machine; ARGS are options of `botchat web`
	@$(BIN)/botchat web $(ARGS)

api: .venv/installed  ## Serve the API on this machine; ARGS are options of `botchat api`
	@$(BIN)/botchat api $(ARGS)

strands oidc: .venv/installed  ## Install an optional dependency group: Strands Agents, or sign-in with OpenID Connect
	@$(INSTALL) -e '.[$@]'
	@echo 'Installed: $@. Run botchat from $(abspath $(BIN))/botchat'

test: .venv/installed-dev  ## Run all tests, a file on each core at a time; ARGS are options of pytest
	$(BIN)/python -m pytest -n auto --dist loadfile $(ARGS)

SECONDS ?= 60

fuzz: .venv/installed-dev  ## Try random input on every parser for SECONDS, 60 unless given
	$(BIN)/python tests/fuzz.py $(SECONDS)

audit: .venv/installed-dev  ## Look up the installed packages in a database of vulnerabilities; ARGS=--strict needs it
	$(BIN)/python .ci/audit.py $(ARGS)

check: .venv/installed-dev  ## Check format, lint, types and the directions of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/installed-dev  ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: .venv/installed-dev  ## Write the commands into docs/cli.md
	$(BIN)/python docs/cli_pages.py

bench: .venv/installed-dev  ## Measure, and write the table into docs/performance.md
	@$(INSTALL) -e '.[dev,bench]'
	$(BIN)/python benchmarks/run.py --write

clean:  ## Remove what the other targets made
	rm -rf .venv

.venv/made:
	@$(MAKE_VENV) || { echo 'No virtual environment could be made; on Debian: apt install python3-venv'; exit 1; }
	@touch $@

.venv/installed: .venv/made pyproject.toml
	@echo 'Installing botchat into .venv (once; about a minute) …'
	@$(INSTALL) -e .
	@touch $@

.venv/installed-dev: .venv/made pyproject.toml
	@echo 'Installing botchat and what its tests need into .venv (once) …'
	@$(INSTALL) -e '.[dev]'
	@touch $@ .venv/installed
