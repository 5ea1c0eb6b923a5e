# The whole workflow. `make up` and `make test` are all that a fresh machine needs.
.PHONY: help install up down build generate browser test check format screenshots bench requirements clean

VENV := .venv
PYTHON := $(VENV)/bin/python
export SAM_CLI_TELEMETRY := 0
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

help: ## what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | sort

install: $(VENV)/installed ## Python packages, pinned by hash

$(VENV)/installed: requirements/dev.txt requirements/uv.txt pyproject.toml client/pyproject.toml
	@command -v python3.13 >/dev/null && python3.13 --version >/dev/null 2>&1 || { \
	  echo "Chancery needs Python 3.13, and there is no working python3.13 on the PATH."; \
	  echo "Install it (apt install python3.13 python3.13-venv, brew install python@3.13, or pyenv install 3.13) and try again."; \
	  exit 1; }
	python3.13 -m venv --clear $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	$(VENV)/bin/uv pip install --quiet --python $(VENV) --require-hashes -r requirements/dev.txt
	$(VENV)/bin/uv pip install --quiet --python $(VENV) --no-deps --no-build-isolation --editable . --editable client
	@touch $@

up: install ## start the local stack, put records through it, say how to go on
	@$(PYTHON) -m local.stack up

down: install ## stop what `up` started
	@$(PYTHON) -m local.stack down

build: install ## what `sam deploy` takes: built, pruned, with bytecode
	@$(PYTHON) -m local.build

generate: install ## write what follows from the declarations: template.yaml, README.md, docs
	@$(PYTHON) -m tools.generate

browser:  # Debian's chromium for the tests of the viewer, where it can be installed; they say what to do where it is missing
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; } || exit 0; \
	command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq chromium; }

test: install browser ## all tests: a real mongod, the real template on the emulator
	$(VENV)/bin/pytest -n 2

check: install ## every linter
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/cfn-lint template.yaml
	$(VENV)/bin/sam validate --lint
	$(PYTHON) -m local.viewer check

format: install ## let the formatter do it
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .
	$(PYTHON) -m local.viewer format

screenshots: install browser ## pictures of the viewer for the README, from the running stack
	@$(PYTHON) -m local.screenshots

bench: install ## ratios against the raw driver, measured in one run
	@$(PYTHON) -m benchmarks

requirements: ## resolve again and pin (needs uv)
	uv pip compile -q --python-version 3.13 --generate-hashes --no-header --no-annotate --all-extras --group dev -o requirements/dev.txt pyproject.toml
	uv pip compile -q --python-version 3.13 --generate-hashes --no-header --no-annotate -c requirements/dev.txt -o layers/chancery/requirements.txt pyproject.toml
	uv pip compile -q --python-version 3.13 --generate-hashes --no-header --no-annotate -c requirements/dev.txt -o layers/auth/requirements.txt layers/auth/requirements.in
	uv pip compile -q --python-version 3.13 --generate-hashes --no-header --no-annotate -c requirements/dev.txt -o layers/otlp/requirements.txt layers/otlp/requirements.in
	uv pip compile -q --python-version 3.13 --generate-hashes --no-header --no-annotate -c requirements/dev.txt -o layers/outbound/requirements.txt layers/outbound/requirements.in
	uv pip compile -q --python-version 3.13 --generate-hashes --no-header --no-annotate -c requirements/dev.txt -o layers/archive/requirements.txt layers/archive/requirements.in
	uv pip compile -q --python-version 3.13 --generate-hashes --no-header --no-annotate -c requirements/dev.txt -o layers/jsonata/requirements.txt layers/jsonata/requirements.in
	uv pip compile -q --python-version 3.13 --generate-hashes --no-header --no-annotate -c requirements/dev.txt -o layers/typesetting/requirements.txt layers/typesetting/requirements.in
	uv pip compile -q --python-version 3.13 --generate-hashes --no-header --no-annotate -c requirements/dev.txt -o layers/seeding/requirements.txt layers/seeding/requirements.in

clean: down ## forget the local stack's data and everything built
	rm -rf .local .aws-sam
