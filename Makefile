# The only words anyone has to know; CI runs the same words. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
COHORT ?= synthetic
UV_VERSION := 0.13.9

# Folder of PLINK files (.bed, .bim, .fam) of a reference sample: loci and instruments by LD, SNP-wise gene tests. Never copied.
LD_REFERENCE ?=

export COHORT
export LD_REFERENCE
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export GX_ANALYTICS_ENABLED := false
export DO_NOT_TRACK := 1
# One BLAS thread: more of them spin against dbt's own threads and cost several times the processor time.
export OPENBLAS_NUM_THREADS := 1

# Options of the synthetic cohort: make build PARTICIPANTS=5000 SEED=7 PROTEINS=100 ...
PARTICIPANTS ?=
SEED ?=
PROTEOMIC_SHARE ?=
PROTEINS ?=
METABOLOMIC_SHARE ?=
GENERATOR = $(if $(PARTICIPANTS),--participants $(PARTICIPANTS)) $(if $(SEED),--seed $(SEED)) \
	$(if $(PROTEOMIC_SHARE),--proteomic-share $(PROTEOMIC_SHARE)) $(if $(PROTEINS),--proteins $(PROTEINS)) \
	$(if $(METABOLOMIC_SHARE),--metabolomic-share $(METABOLOMIC_SHARE))

.PHONY: help environment build test check bench ingest report quality lineage docs clean

help: ## list the commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# The stamp holds the lock's name: a changed lock is a new environment.
$(VENV)/.ready: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; $(PYTHON) is older. Try make PYTHON=python3.12 build" >&2; exit 1; }
	@echo "environment: installing from requirements.lock (one to two minutes the first time)" >&2
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "environment: Debian's $(PYTHON) comes without pip; installing its package python3-venv" >&2; \
		{ test "$$(id -u)" = 0 && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >/dev/null; } \
		|| { echo "python3-venv could not be installed from here: run  sudo apt-get install python3-venv  and make again" >&2; exit 1; }; }
	@rm -rf $(VENV) && $(PYTHON) -m venv $(VENV)
	@{ $(BIN)/pip install -q --disable-pip-version-check uv==$(UV_VERSION) && $(BIN)/uv pip sync -q --compile-bytecode --python $(BIN)/python requirements.lock; } \
		|| { echo "environment: uv did not work here, falling back to pip" >&2; $(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.lock; }
	@touch $@

environment: $(VENV)/.ready ## install what the lock names into .venv

build: $(VENV)/.ready ## write or land the cohort, dbt build, publish warehouse/study.duckdb, print the table
	@$(BIN)/python -m warehouse.build --cohort $(COHORT) $(GENERATOR)

ingest: $(VENV)/.ready ## land your own export: make ingest FROM=folder [COHORT=export]
	@test -n "$(FROM)" || { echo "say where the export is: make ingest FROM=folder" >&2; exit 2; }
	@$(BIN)/python -m warehouse.ingest --from "$(FROM)" --cohort $(if $(filter synthetic,$(COHORT)),export,$(COHORT)) $(OVERRIDES)

test: $(VENV)/.ready ## run the tests (make test ARGS='-m recovery' for the slower studies)
	@$(BIN)/python -m pytest $(if $(ARGS),$(ARGS),-m "not recovery")

check: $(VENV)/.ready ## lint, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/sqlfluff lint --disable-progress-bar -q models tests/dbt
	$(BIN)/mypy
	$(BIN)/lint-imports

quality: $(VENV)/.ready ## run the expectations on the published study and write the pages
	@$(BIN)/python -m expectations --cohort $(COHORT)

lineage: $(VENV)/.ready ## the way of a column back to raw fields: make lineage COLUMN=marts.participants.grip_strength_kg
	@test -n "$(COLUMN)" || { echo "name a column: make lineage COLUMN=marts.participants.grip_strength_kg" >&2; exit 2; }
	@$(BIN)/python -m warehouse.lineage $(COLUMN)

docs: $(VENV)/.ready ## the data dictionary and the graph as one page: target/static_index.html
	@$(BIN)/python -m warehouse.lineage --write-dictionary
	@if [ $(COHORT) = synthetic ]; then $(BIN)/python -m warehouse.publish.flow; fi
	@$(BIN)/dbt --quiet docs generate --static

bench: $(VENV)/.ready ## time and memory of each stage, beside the peers; appended to warehouse/bench.jsonl
	@$(BIN)/python -m tests.benchmarks $(ARGS)

report: quality docs ## quality pages and data dictionary

clean: ## remove everything a machine wrote, the environment included
	rm -rf $(VENV) target logs warehouse/export warehouse/raw warehouse/build warehouse/parquet warehouse/quality warehouse/*.duckdb*
