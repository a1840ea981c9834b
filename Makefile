# Everything from a fresh clone: `make web` serves the page, `make test` runs every test. Only Python 3.11+ is needed.

PYTHON ?= python3
BIN := .venv/bin
UV := $(shell command -v uv 2>/dev/null)

ifdef UV
INSTALL := uv pip install --python $(BIN)/python
QUIET := --quiet
MAKE_VENV := uv venv --quiet --allow-existing --python '>=3.11' .venv
else
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check
QUIET := --quiet
MAKE_VENV := $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "botchat needs Python 3.11 or newer: make PYTHON=…")' \
	&& $(PYTHON) -m venv .venv
endif

BINDIR ?= $(HOME)/.local/bin
LINK = $(BINDIR)/botchat
COMMAND := $(CURDIR)/.venv/bin/botchat
# Say how to run the command: by its name if PATH has it, else by its path.
HOW_TO_RUN = if [ "$$(command -v botchat)" = '$(LINK)' ] && [ "$$(readlink '$(LINK)')" = '$(COMMAND)' ]; \
	then echo 'In another terminal: botchat --help'; \
	else echo 'In another terminal: $(COMMAND) --help (or just botchat, after make install)'; fi

.PHONY: web api install uninstall strands oidc test fuzz audit check format docs docs-build reference man lock bench clean

web: .venv/installed  ## Serve the chat on this machine; ARGS are options of `botchat web`
	@$(HOW_TO_RUN)
	@$(BIN)/botchat web $(ARGS)

api: .venv/installed  ## Serve the API on this machine; ARGS are options of `botchat api`
	@$(HOW_TO_RUN)
	@$(BIN)/botchat api $(ARGS)

install: .venv/installed  ## Link the command botchat into BINDIR, ~/.local/bin unless given
	@if { [ -e '$(LINK)' ] || [ -L '$(LINK)' ]; } && [ "$$(readlink '$(LINK)')" != '$(COMMAND)' ]; then \
		echo '$(LINK) already exists and is not a link to this clone: remove it first, or run: make install BINDIR=…' >&2; exit 1; fi
	@mkdir -p '$(BINDIR)' && ln -sf '$(COMMAND)' '$(LINK)' && echo 'Linked: $(LINK) -> $(COMMAND)'
	@case ":$$PATH:" in *':$(BINDIR):'*) ;; *) echo '$(BINDIR) is not on your PATH. Add it, then run: botchat --help';; esac

uninstall:  ## Remove the link that `make install` made; your sessions stay
	@if [ "$$(readlink '$(LINK)')" = '$(COMMAND)' ]; then rm '$(LINK)' && echo 'Removed: $(LINK)'; \
		else echo '$(LINK) is not a link to this clone: nothing to remove'; fi

strands oidc: .venv/installed  ## Install an optional dependency group: Strands Agents, or sign-in with OpenID Connect
	@$(INSTALL) $(QUIET) -e '.[$@]'
	@echo 'Installed: $@'
	@$(HOW_TO_RUN)

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

DOCS_PORT ?= 8700

docs: reference docs-build  ## Build the docs site and serve it on 127.0.0.1, port DOCS_PORT (default: 8700)
	@echo 'The docs: http://127.0.0.1:$(DOCS_PORT)/ (Ctrl+C to stop)'
	@$(BIN)/python -m http.server --bind 127.0.0.1 --directory build/docs '$(DOCS_PORT)' >/dev/null

docs-build: .venv/installed-docs  ## Build the docs site into build/docs; a warning is an error
	$(BIN)/sphinx-build -W --keep-going -n -q -E -b html -d build/doctrees docs build/docs

reference: .venv/installed-docs  ## Generate the reference pages of docs/reference from the code
	$(BIN)/python docs/scripts/reference.py

MANDIR ?= build/man

man: .venv/installed  ## Write man pages into MANDIR, build/man unless given
	@PYTHONPATH=. $(BIN)/python docs/scripts/man_pages.py '$(MANDIR)'

lock: .venv/installed-dev  ## Resolve the versions that CI installs, into .ci/constraints.txt
	@$(INSTALL) $(QUIET) uv
	$(BIN)/uv pip compile pyproject.toml --universal --extra dev --python-version 3.11 --upgrade --quiet --no-annotate \
		--custom-compile-command 'make lock' --output-file .ci/constraints.txt

bench: .venv/installed-dev  ## Measure, and write the table into docs/contribute/performance.md
	@$(INSTALL) $(QUIET) -e '.[dev,bench]'
	$(BIN)/python benchmarks/run.py --write

clean:  ## Remove what the other targets made
	rm -rf .venv build

.venv/made:
	@$(MAKE_VENV) || { echo 'No virtual environment could be made; on Debian: apt install python3-venv'; exit 1; }
	@touch $@

.venv/installed: .venv/made pyproject.toml
	@echo 'Installing botchat into .venv: about 65 packages, 450 MB on disk. Only the first time, and when they change.'
	@echo 'It takes one minute on a fast machine and network, and can take ten on slow ones.'
	@$(INSTALL) -e .
	@touch $@

.venv/installed-dev: .venv/made pyproject.toml
	@echo 'Installing botchat and the packages of its tests into .venv, once: several minutes without output …'
	@$(INSTALL) $(QUIET) -e '.[dev]'
	@touch $@ .venv/installed .venv/installed-docs

.venv/installed-docs: .venv/made pyproject.toml
	@echo 'Installing botchat and the packages of its docs into .venv, once: a few minutes without output …'
	@$(INSTALL) $(QUIET) -e '.[docs]'
	@touch $@ .venv/installed
