# make demo | lab | hub | test | lint | bench | bench-frames | bench-execution | bench-hub | lock | clean
# Each sets up what it needs, and only what has changed.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.PHONY: setup demo lab hub test test-hub test-313 lint bench bench-frames bench-execution bench-hub protocol lock clean browser nginx

PYTHON ?= python3
# The first Python 3.13 that runs, if there is one; or say which: make test-313 PYTHON313=/path/to/python3.13
PYTHON313 ?= $(shell for found in python3.13 "$$HOME"/.pyenv/versions/3.13.*/bin/python; do \
  "$$found" -c '' 2>/dev/null && command -v "$$found" && break; done)
HUB_PYTHON ?= $(shell for found in /usr/bin/python3 /usr/local/bin/python3 $(PYTHON); do \
  "$$found" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v "$$found" && break; done)
BIN := .venv/bin
UV := $(shell command -v uv || echo .make/uv/bin/uv)
BUNDLE := jupyter_securecollab/labextension/package.json
FRONTEND := $(shell find labextension/src labextension/style labextension/schema -type f) labextension/tsconfig.json \
  docs/guide/what-is-recorded.md

setup: .make/installed

demo: .make/installed
	$(BIN)/python -m demo.run

lab: .make/installed
	$(BIN)/python -m demo.lab

# JupyterHub with the vault as its service, and three people each under a uid of their own. Needs root.
hub: .make/python-hub
	VIRTUAL_ENV=$$(cat .make/python-hub) $(UV) pip install -q --no-deps --reinstall-package jupyter-securecollab .
	$$(cat .make/python-hub)/bin/python tests/hub/by_hand.py

test: lint browser nginx
	cd labextension && npm run --silent test
	$(BIN)/pytest -q -n 2 --ignore=tests/browser --ignore=tests/hub --cov --cov-report=
	$(BIN)/coverage report --include='*/core/*,*/sealed/*,*/frames/*' --fail-under=90
	$(BIN)/pytest -q -n 2 --dist loadfile tests/browser
	$(MAKE) --no-print-directory test-hub test-313

# A real JupyterHub, its proxy, and JupyterLab under other users, who have to be able to run Python: not one under
# somebody's home.
test-hub: .make/python-hub browser nginx
	VIRTUAL_ENV=$$(cat .make/python-hub) $(UV) pip install -q --no-deps --reinstall-package jupyter-securecollab .
	$$(cat .make/python-hub)/bin/pytest -q -n 2 --dist loadfile tests/hub

# What depends most on Python and the libraries under it, once more on Python 3.13: not how well it is guessed what a column
# is, nor what is asked of the vault, which both take long and know no versions.
SAME_ON_313 := $(addprefix --ignore=tests/,$(addsuffix .py,frames/test_classify_people frames/test_classify_inputs \
  frames/test_risk frames/test_anonymity frames/test_disclosure sealed/test_manifest sealed/test_hostile_sizes \
  notebook/test_remembered notebook/test_joining notebook/test_unmasking notebook/test_vouched notebook/test_risk))
ifeq ($(PYTHON313),)
test-313:
	@echo 'make: there is no Python 3.13 here; tested on $(BIN)/python alone'
else
test-313: .make/python-3.13
	.make/venv-3.13/bin/pytest -q -n 2 -m 'not slow' $(SAME_ON_313) tests/frames tests/sealed tests/notebook tests/test_client.py
endif

lint: .make/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	cd labextension && npm run --silent lint

bench: .make/installed
	$(BIN)/python -m benchmarks.run

# Classification, risk and masking by themselves, and beside the peers that the Pythons in PEERS have (a:b): presidio-structured,
# DataProfiler, acryl-datahub-classify, statsmodels, pycanon, ff3, fpr-ff1. Docstrings of benchmarks/*_peer.py say how to make them.
bench-frames: .make/installed
	$(BIN)/python -m benchmarks.run --output benchmarks/results-frames.md classify risk mask fpe

# Recording of executions beside Jupyter as it comes; six minutes, and 5 GB of memory for fifty kernels.
bench-execution: .make/installed
	$(BIN)/python -m benchmarks.run --output benchmarks/results-execution.md execution

# Two hundred kernels at the vault as a service of a real Hub; four minutes.
bench-hub: .make/installed
	$(BIN)/python -m benchmarks.run --output benchmarks/results-hub.md hub

# TypeScript's view of the wire, from the server's own types.
protocol: .make/environment .make/node
	$(BIN)/python -c 'import json; from jupyter_securecollab.protocol import openapi; print(json.dumps(openapi("")))' | \
	  (cd labextension && node node_modules/openapi-typescript/bin/cli.js > src/protocol.ts)

# What exactly is installed: versions and hashes, no addresses.
lock: $(UV)
	for kind in run dev; do \
	  extra=; [ $$kind = run ] || extra='--extra dev'; \
	  $(UV) pip compile -q --universal --generate-hashes --python-version 3.11 --custom-compile-command 'make lock' \
	    --no-annotate $$extra pyproject.toml -o requirements/$$kind.txt; \
	done
	for place in labextension tests/hub/proxy; do (cd $$place && npm install --package-lock-only --ignore-scripts); done

clean:
	[ ! -f .make/python-hub ] || rm -rf "$$(dirname "$$(cat .make/python-hub)")"
	rm -rf .venv .make build dist demo/out demo/home labextension/{node_modules,lib,coverage} \
	  labextension/*.tsbuildinfo jupyter_securecollab/labextension .coverage .{mypy,ruff,pytest,import_linter}_cache

# -- what the above stand on ------------------------------------------------------------------------------------------

.make/uv/bin/uv:
	@$(PYTHON) -m venv .make/uv || { echo "make: $(PYTHON) cannot create environments: install python3-venv, or uv"; exit 1; }
	.make/uv/bin/pip install -q uv

.make/environment: requirements/dev.txt | $(UV)
	[ -x $(BIN)/python ] || $(UV) venv -q --python-preference only-system --python '>=3.11' .venv
	VIRTUAL_ENV=.venv $(UV) pip sync -q --require-hashes requirements/dev.txt
	@mkdir -p .make && touch $@

.make/node: labextension/package-lock.json
	@command -v npm >/dev/null || { echo 'make: npm is missing: install Node.js 20 or newer'; exit 1; }
	cd labextension && npm ci --ignore-scripts --no-audit --no-fund
	@mkdir -p .make && touch $@

$(BUNDLE): .make/node $(FRONTEND)
	cd labextension && npm run --silent build:prod
	@touch $@

# Reinstalled with every new bundle: an editable install holds a copy of it.
.make/installed: .make/environment $(BUNDLE) pyproject.toml jupyter_securecollab/config/jupyter_securecollab.json
	VIRTUAL_ENV=.venv $(UV) pip install -q --no-deps -e .
	@touch $@

# Nobody else may look into a folder of ours, so this environment, and a copy of the project in it, lies outside.
.make/python-hub: .make/installed tests/hub/proxy/package-lock.json
	@command -v npm >/dev/null || { echo 'make: npm is missing: install Node.js 20 or newer'; exit 1; }
	place=$$(mktemp -d /tmp/securecollab-hub.XXXXXX) && chmod 755 $$place && \
	$(UV) venv -q --python $(HUB_PYTHON) $$place/venv && \
	VIRTUAL_ENV=$$place/venv $(UV) pip sync -q --require-hashes requirements/dev.txt && \
	cp -r tests/hub/proxy $$place && (cd $$place/proxy && npm ci --ignore-scripts --no-audit --no-fund) && \
	echo $$place/venv > $@

.make/python-3.13: .make/installed
	$(UV) venv -q --clear --python $(PYTHON313) .make/venv-3.13
	VIRTUAL_ENV=.make/venv-3.13 $(UV) pip sync -q --require-hashes requirements/dev.txt
	VIRTUAL_ENV=.make/venv-3.13 $(UV) pip install -q --no-deps -e .
	@touch $@

browser: .make/installed
	@command -v chromium >/dev/null && exit 0; \
	may=$$([ "$$(id -u)" = 0 ] || echo 'sudo -n'); \
	if command -v apt-get >/dev/null && $$may true 2>/dev/null; then \
	  $$may apt-get update -q && $$may apt-get install -y -q --no-install-recommends chromium fonts-dejavu-core; \
	else \
	  echo 'make: the browser tests need Chromium: apt-get install chromium fonts-dejavu-core'; \
	  [ "$${CI:-}" != true ]; \
	fi

# Only to ask it whether it takes our file: unpacked here, neither installed nor started.
nginx:
	@command -v nginx >/dev/null || [ -x .make/nginx/usr/sbin/nginx ] && exit 0; \
	mkdir -p .make/nginx && cd .make/nginx && if command -v apt-get >/dev/null; then \
	  apt-get download -q nginx && dpkg-deb -x nginx_*.deb .; \
	else \
	  echo 'make: the test of deploy/nginx needs nginx'; [ "$${CI:-}" != true ]; \
	fi
