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

.PHONY: help setup demo test lint check ui data pretrain bench clean doctor
help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(STAMP) ## the environment in .venv (done by the other targets when needed)
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) components/doctor.py
	@$(PYTHON) components/environment.py $(VENV)

demo: setup ## one whole retraining on this machine: SQLite, local DVC remote, CPU, no account
	@$(BIN)/python dags/embedded.py

test: setup ## the test suite
	@$(BIN)/python -m pytest -q

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

pretrain: setup ## train first weights into pretrained/ (hours): make pretrain MODEL=fastpitch|recogniser|vocoder
	@IRIS_WORKSPACE=artifacts/pretrain nice $(BIN)/python -m components pretrain --model $(MODEL)

bench: setup ## one ratio a line, against a named baseline
	@for bench in benchmarks/*.py; do $(BIN)/python $$bench; done

doctor: ## what this machine has and lacks
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m components doctor; else $(PYTHON) components/doctor.py --report; fi

clean: ## everything that runs wrote here (not data/, not .venv)
	rm -rf artifacts
