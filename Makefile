# Everything that people and CI do with this repository. `make` alone lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-stack bench simulate simulate-ab peers realdata torture history dashboards test test-all wheels kubernetes-api lint format docs sbom audit lock build clean

help: ## List the targets.
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

$(VENV)/installed: requirements-dev.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

setup: $(VENV)/installed ## Make the virtual environment, from the lock file.

demo: setup ## Watch a year of flights go through Kafka into metrics (ARGS=--exit ends by itself).
	@$(BIN)/inferwatch demo $(ARGS)

demo-stack: setup ## The same with Prometheus and Alertmanager, and an inbox of what people are told.
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		command -v prometheus >/dev/null || apt-get install -y -qq --no-install-recommends prometheus; \
		command -v prometheus-alertmanager alertmanager >/dev/null || \
			apt-get install -y -qq --no-install-recommends prometheus-alertmanager; \
	fi
	@$(BIN)/inferwatch demo --stack $(ARGS)

bench: setup ## Print what memory does over 2 million records, how long a checkpoint stops reading, and what a calibration takes.
	$(BIN)/python -m benchmarks.memory
	$(BIN)/python -m benchmarks.checkpoint
	$(BIN)/python -m benchmarks.calibration

simulate: setup ## False alarms and power on seeded streams (ARGS=--quick in minutes; all of it writes docs/calibration.md).
	$(BIN)/python -m benchmarks.simulate $(ARGS)

simulate-ab: setup ## False verdicts and power of A/B comparisons (ARGS=--quick in a minute; all of it writes docs/experiments.md).
	$(BIN)/python -m benchmarks.simulate_ab $(ARGS)

PEERS := .venv-peers

$(PEERS)/installed: benchmarks/peers/requirements.lock benchmarks/peers/data.lock
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
		-r benchmarks/peers/requirements.lock -r benchmarks/peers/data.lock
	@touch $@

peers: $(PEERS)/installed ## Make an environment of its own for NannyML and Evidently, and MovieLens.

realdata: setup peers ## Alarms on real data beside NannyML's and Evidently's; writes docs/realdata.md.
	$(BIN)/python -m benchmarks.realdata $(ARGS)

torture: setup ## Every fault of docs/reliability.md at full size (ARGS="--rows 2,7" plays some).
	$(BIN)/python -m tests.torture $(ARGS)

history: setup ## The flights' year in a real Prometheus, and what fired when; writes docs/demo.md.
	$(BIN)/python -m benchmarks.history --out docs/demo.md $(ARGS)

lint: setup ## Style, types, and the direction of imports.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint ## Everything that is proved in minutes (skips, visibly, what this machine lacks).
	$(BIN)/pytest -m "not year and not engine and not kubernetes and not mlflow" --cov --cov-report=term-missing:skip-covered $(ARGS)
	@echo "left to make test-all: the flights' whole year in Prometheus (-m year), the image under Swarm" \
		"(-m engine), the manifests and switches on a Kubernetes API" \
		"(-m kubernetes), switches in MLflow (-m mlflow)"

MLFLOW := .venv-mlflow

$(MLFLOW)/installed: tests/support/mlflow.lock
	$(PYTHON) -m venv $(MLFLOW)
	$(MLFLOW)/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
		-r tests/support/mlflow.lock
	@touch $@

test-all: test wheels kubernetes-api $(MLFLOW)/installed ## The same, and the long ones.
	$(BIN)/pytest -m year
	$(BIN)/pytest -m engine
	$(BIN)/pytest -m kubernetes
	$(BIN)/pytest -m mlflow

wheels: setup ## Fetch what the image installs, for a build that no package index is near (dist/wheels).
	$(BIN)/pip download --quiet --disable-pip-version-check --require-hashes --only-binary :all: -d dist/wheels \
		-r deploy/container/requirements.lock -r deploy/container/requirements-build.lock

API := .cache/kubernetes
OPERATOR := github.com/prometheus-operator/prometheus-operator
KUBERNETES := k8s.io/component-base/version

kubernetes-api: ## Build Kubernetes' own API server for the tests (needs Go, minutes and 2 GB).
	@if command -v go >/dev/null; then $(MAKE) --no-print-directory $(API)/kube-apiserver; \
	else echo "go is not there: what needs a Kubernetes API is skipped"; fi

$(API)/kube-apiserver: $(wildcard tests/support/apiserver/*)
	mkdir -p $(API)/crds
	cd tests/support/apiserver && go mod download $(OPERATOR)@v0.82.2 && go build -o $(CURDIR)/$@ -ldflags \
		"-s -w -X $(KUBERNETES).gitVersion=v1.34.4 -X $(KUBERNETES).gitMajor=1 -X $(KUBERNETES).gitMinor=34" .
	for kind in prometheusrules servicemonitors; do install -m644 -t $(API)/crds \
		"$$(go env GOMODCACHE)/$(OPERATOR)@v0.82.2/example/prometheus-operator-crd/monitoring.coreos.com_$$kind.yaml"; done

format: setup ## Put the code into shape.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

dashboards: setup ## Write the boards of Grafana, from dashboards/build.
	$(BIN)/python -m dashboards.build

docs: setup ## Write the pages that are made from the code.
	$(BIN)/python -m monitor.metrics_docs > docs/metrics.md
	$(BIN)/python -m monitor.config_docs > docs/configuration.md
	$(BIN)/python -m collectors.drift.distances > docs/distances.md
	$(BIN)/inferwatch rules --format prometheusrule --output deploy/kubernetes/base/prometheusrule.yaml
	$(BIN)/python -m monitor.rules.docs docs/alerts.md

AUDIT := .venv-audit

$(AUDIT)/installed: requirements-audit.lock
	$(PYTHON) -m venv $(AUDIT)
	$(AUDIT)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-audit.lock
	@touch $@

sbom: $(AUDIT)/installed ## Write sbom.json: every package of the lock, as CycloneDX.
	@$(AUDIT)/bin/python -W ignore -m cyclonedx_py requirements requirements-dev.lock --pyproject pyproject.toml \
		--output-reproducible --of JSON -o sbom.json
	@echo "sbom.json: $$(grep -c '"purl"' sbom.json) packages"

audit: $(AUDIT)/installed ## Look up known vulnerabilities of the lock; fails where it cannot.
	@rm -f audit.json
	@$(AUDIT)/bin/pip-audit --requirement requirements-dev.lock --disable-pip --strict \
		--progress-spinner off --timeout 30 -f json -o audit.json; code=$$?; \
	if [ -s audit.json ]; then echo "audit.json: see there what was found, if anything"; exit $$code; fi; \
	echo "make audit: nothing was audited, for the service that knows of vulnerabilities did not answer" \
		"for every package (see above); try again with a way to the internet" >&2; exit 1

lock: setup ## Pin the newest versions that fit, with hashes.
	$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-annotate --no-header \
		--no-emit-index-url --no-strip-extras --universal --python-version 3.11 --extra dev pyproject.toml \
		-o requirements-dev.lock
	$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-annotate --no-header \
		--no-emit-index-url --universal --python-version 3.11 benchmarks/peers/requirements.in \
		-o benchmarks/peers/requirements.lock
	$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-annotate --no-header \
		--no-emit-index-url --universal --python-version 3.11 --no-deps benchmarks/peers/data.in \
		-o benchmarks/peers/data.lock
	$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-annotate --no-header \
		--no-emit-index-url --universal --python-version 3.11 tests/support/mlflow.in \
		-o tests/support/mlflow.lock
	@# With extras and without: pip takes the one for the other only where it meets them in order.
	@awk '/^[^ ]/ { printf "%s", plain; plain = "" } { print } \
		/^[^ ]+\[/ { line = $$0; sub(/\[[^]]*\]/, "", line); plain = line "\n"; next } \
		plain != "" { plain = plain $$0 "\n" } END { printf "%s", plain }' \
		requirements-dev.lock > requirements-dev.lock.new && mv requirements-dev.lock.new requirements-dev.lock

build: setup ## Build the wheel.
	$(BIN)/uv build --quiet --wheel --no-build-isolation --python $(BIN)/python

clean: ## Remove what was made here.
	rm -rf $(VENV) $(AUDIT) $(PEERS) $(MLFLOW) sbom.json audit.json .cache dist .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis
