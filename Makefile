# The commands people type: `make help` lists them. What they do is in tap/ and tests/.
SHELL := /bin/sh
PYTHON ?= python3
PIPENV := PIPENV_VENV_IN_PROJECT=1 PIPENV_IGNORE_VIRTUALENVS=1 PIPENV_VERBOSITY=-1 PIPENV_YES=1 PIPENV_NOSPIN=1 .venv-pipenv/bin/pipenv
# Workers and the commands they start load compiled modules, whatever the shell says: else a tenth of the time goes there.
PYTEST := PYTHONDONTWRITEBYTECODE= .venv/bin/python -m pytest
# More workers than cores: most of them wait, for Terraform and for servers. A file's tests stay together, in order.
PARALLEL := -n 4 --dist loadfile --no-loadscope-reorder

# These would lead pip and pipenv out of this folder.
unexport PIPENV_PIPFILE PIPENV_CUSTOM_VENV_NAME PIPENV_PYTHON PIP_TARGET PIP_PREFIX PYTHONHOME
export PIP_USER := 0
# pip, npm and jsii keep their caches in HOME; here where nothing can be written there.
ifneq ($(shell [ -d "$$HOME" ] && [ -w "$$HOME" ] && echo writable),writable)
export HOME := $(CURDIR)/.home
$(shell mkdir -p .home)
endif
$(shell sh tools/stale.sh "$(PYTHON)" "$(origin PYTHON)")

.DEFAULT_GOAL := help
.PHONY: help demo down setup test coverage prove test-long test-cdktn test-localstack snapshots mutants bench lint lock clean terraform primed
.DELETE_ON_ERROR:
# While npm waits for its registry pip can install.
MAKEFLAGS += --jobs=2

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: setup ## Deploy TapStackdev to an embedded AWS on this machine and put a prompt through its life
	@.venv/bin/tap demo

down: ## Destroy what `make demo` deployed and stop the embedded AWS
	@if [ -e .tap ]; then .venv/bin/tap demo --down; else echo "There is no embedded AWS here."; fi

setup: .venv/.ready node_modules/.ready terraform primed ## Install what running needs: .venv, node_modules, Terraform where there is none

test: setup .venv/.ready-dev .venv-checkov/.ready examples/typescript/dist/main.js lint ## Set all up, then lint, types, and all tests but the longest, on an embedded AWS of their own
	@$(PYTEST) $(PARALLEL) -m "not long"

test-long: setup .venv/.ready-dev ## The longest tests: adoptions, deploys that are killed, states that move, endpoints that go away
	@$(PYTEST) $(PARALLEL) -m long

coverage: setup .venv/.ready-dev .venv-checkov/.ready examples/typescript/dist/main.js ## The tests, and which lines of tap/ they run: a fifth slower
	@$(PYTEST) $(PARALLEL) --cov --cov-report=term

prove: setup .venv/.ready-dev examples/typescript/dist/main.js ## Prove that the alarms reach somebody and that each permission is the least that works; about three minutes
	@.venv/bin/tap prove alarms dev
	@.venv/bin/python -m tests.permissions

lint: .venv/.ready-dev ## Style, layering and types
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check --quiet .
	@.venv/bin/lint-imports --no-cache --no-logo
	@.venv/bin/mypy

test-cdktn: setup .venv/.ready-dev .venv-checkov/.ready .venv-cdktn/.ready ## The stack's tests under cdktn, CDKTF's fork, and a stack of each under the other
	@PYTHONPATH=. JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20 .venv-cdktn/bin/python -m tap.synth.prime
	@PYTHONDONTWRITEBYTECODE= .venv-cdktn/bin/python -m pytest $(PARALLEL) tests/unit tests/snapshot tests/validation
	@$(PYTEST) tests/cdktn

test-localstack: setup .venv/.ready-dev examples/typescript/dist/main.js ## The integration tests on LocalStack (docker compose up), or on what AWS_ENDPOINT_URL names
	@TAP_TEST_ENDPOINT=$${AWS_ENDPOINT_URL:-http://127.0.0.1:4566} TAP_CONCURRENT_PROMPTS=1000 TAP_IMPORTED_PROMPTS=20000 \
	  TAP_EXPIRED_PROMPTS=500 TAP_FOREIGN_PROMPTS=1500 TAP_WATCHED_PROMPTS=200 \
	  $(PYTEST) $(PARALLEL) tests/integration tests/store/test_concurrency.py tests/store/test_index_at_size.py \
	  tests/commands/test_watch.py

snapshots: setup .venv/.ready-dev ## Keep the two stacks and the module as they are now: look at the diff, commit it with the change
	@$(PYTEST) --quiet tests/snapshot --snapshot-update
	@.venv/bin/tap module modules/tap --force

mutants: setup .venv/.ready-dev .venv-checkov/.ready ## Break the stack and the settings in many small ways: does each turn a test red?
	@.venv/bin/python -m tests.mutants

lock: .venv-pipenv/bin/pipenv ## Renew Pipfile.lock after a change of the Pipfile
	@sh tools/lock.sh

bench: setup .venv/.ready-dev ## Time synth, deploy and store against yardsticks; a table, and bench-results.json
	@.venv/bin/python -m bench

clean: down ## Remove all that the other targets made, but for Terraform's states
	@found=$$(find cdktf.out -name errored.tfstate 2>/dev/null); [ -z "$$found" ] || { \
	  echo "Error: $$found may be all that is known of a deployment: push it (README, When something goes wrong) or remove it." >&2; exit 1; }
	@rm -rf .venv .venv-* .home node_modules tools/node/node_modules cdktf.out .tap .localstack .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache \
	  bench-results.json examples/typescript/node_modules examples/typescript/dist

# --- what setup consists of; each file says that its step is done for the lock file as it is ---

.venv-pipenv/bin/pipenv: tools/pipenv.txt
	@sh tools/check.sh "$(PYTHON)"
	@echo "… Installing pipenv"
	@"$(PYTHON)" -m venv --clear .venv-pipenv
	@.venv-pipenv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tools/pipenv.txt
	@touch $@

# Not .venv/bin/python, which is a link to the system's own: its time says nothing about this folder.
.venv/pyvenv.cfg: .venv-pipenv/bin/pipenv
	@"$(PYTHON)" -m venv --clear .venv
	@touch $@

.venv/.ready: Pipfile.lock .venv/pyvenv.cfg tools/link_tap.sh
	@echo "… Installing the Python packages of Pipfile.lock (about 30 s the first time)"
	@$(PIPENV) sync >.venv/sync.log 2>&1 || { cat .venv/sync.log; exit 1; }
	@sh tools/link_tap.sh
	@touch $@

.venv/.ready-dev: .venv/.ready | terraform # two pipenvs at a time would meet in .venv
	@echo "… Installing the tools of the tests"
	@$(PIPENV) sync --categories dev-packages >.venv/sync.log 2>&1 || { cat .venv/sync.log; exit 1; }
	@touch $@

# checkov pins an old boto3, so it has an environment of its own.
.venv-checkov/.ready: tools/checkov.txt .venv-pipenv/bin/pipenv
	@echo "… Installing checkov"
	@"$(PYTHON)" -m venv --clear .venv-checkov
	@.venv-checkov/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tools/checkov.txt
	@touch $@

# cdktn wants an older constructs, and no cdktf beside it.
.venv-cdktn/.ready: tools/cdktn.txt tools/cdktn_requirements.py Pipfile.lock | .venv-pipenv/bin/pipenv
	@echo "… Installing cdktn, CDKTF's fork (about 40 s)"
	@"$(PYTHON)" -m venv --clear .venv-cdktn
	@"$(PYTHON)" tools/cdktn_requirements.py >.venv-cdktn/rest.txt
	@.venv-cdktn/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .venv-cdktn/rest.txt -r tools/cdktn.txt
	@touch $@

node_modules/.ready: package-lock.json tools/node/package-lock.json tools/cdktf_cli.sh | .venv-pipenv/bin/pipenv
	@echo "… Installing cdktf-cli (about 40 s the first time)"
	@sh tools/cdktf_cli.sh

examples/typescript/node_modules/.ready: examples/typescript/package-lock.json node_modules/.ready
	@echo "… Installing what the TypeScript example needs"
	@cd examples/typescript && npm ci --include=dev --no-progress --loglevel=error
	@touch $@

examples/typescript/dist/main.js: examples/typescript/node_modules/.ready $(wildcard examples/typescript/src/*.ts) examples/typescript/tsconfig.json
	@cd examples/typescript && npm run --silent build
	@touch $@

# Only on a machine without Terraform: the one that PyPI has as a shared library.
terraform: .venv/.ready
	@command -v terraform >/dev/null || [ -x .venv/bin/terraform ] || { \
	  echo "… Installing Terraform"; \
	  $(PIPENV) sync --categories terraform >.venv/sync.log 2>&1 || { cat .venv/sync.log; exit 1; }; \
	  printf '#!/bin/sh\nhere=$$(dirname "$$0")\nexec "$$here/python" "$$here/../../tools/terraform.py" "$$@"\n' >.venv/bin/terraform; \
	  chmod +x .venv/bin/terraform; }

# Asked each time, since jsii's cache is the user's and not this folder's.
primed: .venv/.ready
	@JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20 .venv/bin/python -m tap.synth.prime
