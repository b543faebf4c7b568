# One obvious way to run anything; `make help` lists it.
SHELL := /bin/bash
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CLOUD_TEMPLATES := $(addprefix eks/,keys.yaml network.yaml registry.yaml audit.yaml edge.yaml observability.yaml outside.yaml standby.yaml)
MANIFESTS := $(wildcard eks/apps/base/*.yaml eks/apps/node-remediation/*.yaml eks/apps/overlays/production/*.yaml) \
	$(wildcard eks/apps/evidence-logs/*.yaml) \
	eks/monitoring/storage-class.yaml eks/datadog/network-policy.yaml
# Checkov's pins disagree with ours, so it has an environment of its own, named by its pins.
CACHE := $(or $(SRECTL_CACHE_DIR),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/srectl)
CHECKOV := $(CACHE)/checkov-$(shell cksum < eks/checkov-requirements.txt | cut -d' ' -f1)
# Installs in seconds what takes pip minutes, from where pip is told to look; where that does not do
# (a pip.conf that it cannot read), pip itself installs.
UV = $(if $(PIP_INDEX_URL),UV_DEFAULT_INDEX=$(PIP_INDEX_URL)) \
	$(if $(PIP_FIND_LINKS),UV_FIND_LINKS=$(PIP_FIND_LINKS)) $(if $(PIP_CERT),SSL_CERT_FILE=$(PIP_CERT)) $(BIN)/uv
export SAM_CLI_TELEMETRY := 0
# The recipes of `sam build` and the tests find python3.11 and its tools here.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup binaries needed-binaries browser check lint lint-code lint-cloud screenshots format test test-unit test-kubernetes faults bench regions bench-drain bench-ingest cost demo drills up down sbom lock events manifests answers shipped guide build constraints clean

help:  ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY)  ## Python environment with the srectl command (.venv/bin/srectl)
	@echo "ready: 'source $(VENV)/bin/activate', then 'srectl --help'"

$(READY): requirements.txt constraints.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: install Python 3.11, or name one with PYTHON=..."; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -c constraints.txt uv
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(UV) pip install -q --compile-bytecode -r requirements.txt || \
		$(BIN)/python -m pip install -q -r requirements.txt
	touch $@

binaries: $(READY)  ## Kubernetes, etcd, Prometheus, Alertmanager in the cache: downloaded, else built; kube-state-metrics: built
	$(BIN)/python -m onemachine.binaries

needed-binaries: $(READY)
	$(BIN)/python -m onemachine.binaries --needed

browser:  ## Chromium, which one test opens a page in (Debian's package; needs root)
	@command -v chromium >/dev/null || { apt-get update -q && apt-get install -y -q chromium; } \
	  || { echo "Chromium is missing and 'apt-get install chromium' failed: install it by hand"; exit 1; }

check: lint-code test-unit  ## What one runs while working: lint and the quick tests

lint: lint-code lint-cloud  ## Every static check

lint-code: $(READY)  ## Only the checks of the code, the machines and the catalogue
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy src srectl onemachine checkout_app tests
	PYTHONPATH=src:checkout_app:. $(BIN)/lint-imports --no-cache
	PYTHONPATH=. $(BIN)/python -m onemachine.locks
	PYTHONPATH=srectl/lazily $(BIN)/sam validate --lint
	$(BIN)/srectl runbooks validate

lint-cloud: $(READY) $(CHECKOV)/.ready  ## Only the checks of templates, manifests and the cluster
	$(BIN)/python eks/validate.py
	PYTHONPATH=srectl/lazily $(BIN)/cfn-lint $(CLOUD_TEMPLATES)
	$(CHECKOV)/bin/checkov --config-file eks/checkov.yaml -f template.yaml $(CLOUD_TEMPLATES) $(MANIFESTS) checkout_app/Dockerfile

$(CHECKOV)/.ready: | $(READY)
	$(PYTHON) -m venv --clear $(@D)
	VIRTUAL_ENV=$(@D) $(UV) pip install -q --no-deps -r eks/checkov-requirements.txt || \
		$(@D)/bin/python -m pip install -q --no-deps -r eks/checkov-requirements.txt
	touch $@

screenshots: $(READY)  ## Make the pictures of the console in docs/pictures/ anew (needs Chromium)
	PYTHONPATH=. $(BIN)/python -m tests.screenshots

format: $(READY)  ## Put the code into its format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: $(READY)  ## Every test, in lanes side by side; PYTEST_ARGS="-k drain" narrows it
ifeq ($(strip $(PYTEST_ARGS)),)
	$(BIN)/python -m tests.lanes $(addprefix --beside=,$(BESIDE))
else
	$(BIN)/python -m onemachine.binaries
	$(BIN)/pytest $(PYTEST_ARGS)
endif

test-unit: $(READY)  ## The quick tests only, on two workers
	$(BIN)/pytest --numprocesses=2 tests/unit $(PYTEST_ARGS)

test-kubernetes: $(READY) needed-binaries  ## What needs a real API server
	$(BIN)/pytest -m kubernetes $(PYTEST_ARGS)

faults: $(READY) needed-binaries  ## Break everything on purpose and judge what became of 500 incidents; FAULTS_ARGS="--seed 7" repeats a run
	PYTHONPATH=. $(BIN)/python -m tests.faults $(FAULTS_ARGS)

bench: $(READY) needed-binaries  ## Measure the whole platform on this machine; BENCH_ARGS="--project DIR" measures another checkout
	PYTHONPATH=. $(BIN)/python -m tests.load.platform_bench $(BENCH_ARGS)

cost: $(READY) needed-binaries  ## Count what AWS would charge for, and price it; COST_ARGS="--alerts 8" counts fewer
	PYTHONPATH=. $(BIN)/python -m tests.load.cost $(COST_ARGS)

regions: $(READY) needed-binaries  ## Two regions, one of them killed: what becomes of each alert
	PYTHONPATH=. $(BIN)/python -m tests.load.regions
	$(BIN)/pytest -q -s tests/integration/statemachine/two_regions.py

bench-drain: $(READY) needed-binaries  ## Time our drain against kubectl's, in turns on one cluster
	PYTHONPATH=src:. $(BIN)/python tests/load/bench_drain.py

bench-ingest: $(READY)  ## Measure alert-ingest against floors: cold start, CPU, memory, size
	PYTHONPATH=src:. $(BIN)/python tests/load/bench_ingest.py

demo: $(READY) needed-binaries  ## The whole loop on this machine; REALISTIC=1 keeps the waits of production, SCENARIO=crash-loop breaks the cluster
	$(BIN)/srectl local demo $(if $(REALISTIC),--realistic) $(if $(SCENARIO),--scenario $(SCENARIO))

drills: $(READY) needed-binaries  ## Break what the disaster guide is about, one after the other, and bring it back
	$(BIN)/srectl local drill all

up: $(READY) needed-binaries  ## Start the one-machine stack and leave it running
	$(BIN)/srectl local up

down: $(READY)  ## Stop it
	$(BIN)/srectl local down

events: $(READY)  ## Write the wrapped sample events anew from the raw ones
	$(BIN)/python events/wrap.py

manifests: $(READY)  ## Write the shipped Roles anew from the catalogue
	$(BIN)/srectl runbooks rbac --part namespaces > eks/apps/base/remediation-rbac.yaml
	$(BIN)/srectl runbooks rbac --part cluster > eks/apps/node-remediation/node-remediation-rbac.yaml
	$(BIN)/srectl runbooks rbac --part evidence > eks/apps/base/evidence-rbac.yaml
	$(BIN)/srectl runbooks rbac --part logs > eks/apps/evidence-logs/evidence-logs-rbac.yaml

answers: $(READY)  ## Write docs/alerts.md anew from the catalogue
	$(BIN)/srectl runbooks answers --markdown > docs/alerts.md

shipped:  ## Copy the catalogue for the tests that mean the one that the project ships
	rm -rf tests/support/shipped/runbooks
	cp -r runbooks tests/support/shipped/
	rm tests/support/shipped/runbooks/*.schema.json

guide: $(READY)  ## Write the commands of the installation guide anew from eks/install.yaml
	PYTHONPATH=. $(BIN)/python -m srectl.installing.guide

sbom: $(READY)  ## What image and functions are made of, as CycloneDX in build/sbom/
	PYTHONPATH=. $(BIN)/python -m onemachine.sbom build/sbom

lock: $(READY)  ## Write requirements.txt of image and functions anew from requirements.in, with hashes
	for folder in src/alert_ingest src/runbook_action src/chat_actions checkout_app; do \
		$(UV) pip compile -q --no-deps --generate-hashes --no-annotate --python-version 3.11 --custom-compile-command 'make lock' \
			-o $$folder/requirements.txt $$folder/requirements.in || exit 1; done

build: $(READY)  ## Lambda artifacts in .aws-sam/
	$(BIN)/sam build

constraints: $(READY)  ## Write constraints.txt anew from what is installed
	{ echo "# Exact versions of everything requirements.txt brings along; made by 'make constraints'."; \
	  $(BIN)/python -m pip freeze --exclude-editable; } > constraints.txt

clean:  ## Remove what was built here (the cache of binaries stays)
	rm -rf build .aws-sam .pytest_cache .mypy_cache .ruff_cache .hypothesis
