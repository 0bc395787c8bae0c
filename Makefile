# Two commands do everything: `make demo` and `make test`. The rest is for people who work here.
# 두 명령이면 충분합니다: `make demo`, `make test`.
PYTHON ?= $(shell for p in python3.11 python3.12 python3; do $$p -c 'import sys' >/dev/null 2>&1 && echo $$p && break; done)
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.ready
SHELL  := /bin/bash

export MLFLOW_DISABLE_TELEMETRY := true
export DVC_NO_ANALYTICS := 1
export GX_ANALYTICS_ENABLED := false
export AIRFLOW__USAGE_DATA_COLLECTION__ENABLED := False
# Some containers forbid compiled modules; every process then compiles torch, MLflow and the rest anew, seven seconds each.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help setup demo video test lint check ui data pretrain bench clean doctor k8s-render k8s-check k8s-scan kubeflow sbom faults races
help: ## what there is
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(STAMP) ## the environment in .venv (done by the other targets when needed)
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) components/doctor.py
	@$(PYTHON) components/environment.py $(VENV)

demo: setup ## one whole retraining on this machine: SQLite, local DVC remote, CPU, no account
	@$(BIN)/python dags/embedded.py

video: setup ## the demo's promoted models make a captioned video (the DAG demo_video)
	@$(BIN)/python dags/embedded.py --video

test: setup ## the test suite, in two processes
	@$(BIN)/python -m pytest -q --numprocesses 2 --no-loadscope-reorder

faults: setup ## pods of every stage killed at random moments (100 and more), the API server away for 30 s
	@$(BIN)/python tests/faults/kill_stages.py

races: setup ## two to eight promoters racing on MLflow, 200 rounds: the best is champion every time
	@$(BIN)/python tests/faults/race_promotions.py

lint: setup ## format, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test ## the one door: lint and tests

ui: setup ## Airflow and MLflow in the browser, the DAG unpaused
	@$(BIN)/python dags/embedded.py --ui

data: setup ## the generated corpus in data/, compared with data.dvc
	@$(BIN)/python -m components make-data --profile laptop

pretrain: setup ## first weights into pretrained/ (hours): make pretrain MODEL=fastpitch|vocoder|rvc|… [PROFILE=pretrain-voices]
	@IRIS_WORKSPACE=artifacts/$(or $(PROFILE),pretrain) nice $(BIN)/python -m components pretrain --model $(MODEL) --profile $(or $(PROFILE),pretrain)

bench: data ## one ratio a line against a named baseline; all of them in artifacts/bench/results.json (long)
	@$(BIN)/python benchmarks/run_all.py

k8s-render: ## the cluster's manifests, one file an overlay, in artifacts/k8s (needs kubectl, no cluster)
	@command -v kubectl >/dev/null || { echo "k8s-render: expected kubectl, found none. To do: install it \
	(https://kubernetes.io/docs/tasks/tools); no cluster is needed. (kubectl 이 필요합니다)" >&2; exit 42; }
	@mkdir -p artifacts/k8s
	@for overlay in k8s/overlays/*/; do \
		kubectl kustomize $$overlay > artifacts/k8s/$$(basename $$overlay).yaml || exit 42; \
		echo artifacts/k8s/$$(basename $$overlay).yaml; \
	done

k8s-check: setup ## manifests, images and chart values against schema and policies (renders where kubectl is)
	@$(BIN)/python -m pytest -q tests/k8s tests/adapters/test_adapters_pod_spec.py

k8s-scan: k8s-render .venv-scan/.ready ## checkov over rendered manifests and Dockerfiles, in an environment of its own
	@.venv-scan/bin/checkov --config-file k8s/tools/checkov.yaml -d artifacts/k8s
	@.venv-scan/bin/checkov --config-file k8s/tools/checkov.yaml -d k8s/images

# Without a profile the committed pipeline, which a test compares with the stage graph, is written as well.
kubeflow: setup .venv-kubeflow/.ready ## the retraining for Kubeflow Pipelines, in artifacts/kubeflow (IRIS_PROFILE=site make kubeflow)
	@mkdir -p artifacts/kubeflow
	@$(BIN)/python -m components graph > artifacts/kubeflow/graph.json
	@.venv-kubeflow/bin/python k8s/kubeflow/compile.py artifacts/kubeflow/graph.json artifacts/kubeflow/retrain.yaml
	@if [ -z "$$IRIS_PROFILE" ]; then cp artifacts/kubeflow/retrain.yaml k8s/kubeflow/retrain.yaml; echo k8s/kubeflow/retrain.yaml; fi

sbom: .venv-sbom/.ready ## bill of materials of the lock (CycloneDX) in artifacts/sbom.cdx.json
	@mkdir -p artifacts
	@.venv-sbom/bin/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml \
		--output-reproducible --spec-version 1.6 -o artifacts/sbom.cdx.json
	@$(PYTHON) -c 'import json; n = len(json.load(open("artifacts/sbom.cdx.json"))["components"]); \
		m = sum("==" in line for line in open("requirements.lock")); \
		print(f"artifacts/sbom.cdx.json: {n} components"); exit(0 if n == m else f"the lock has {m} pins")'

.venv-%/.ready: k8s/tools/requirements-%.txt
	@$(PYTHON) -m venv .venv-$*
	@.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

doctor: ## what this machine has and lacks
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m components doctor; else $(PYTHON) components/doctor.py --report; fi

clean: ## everything that runs wrote here (not data/, not .venv)
	rm -rf artifacts
