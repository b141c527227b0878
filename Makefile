# Every recipe is a line or two over ordinary tools; README.md says what each is for.
PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
READY  := $(VENV)/.ready

# Without credentials the vendors are played by the sandbox, on a free loopback port, for as long as
# the command runs. SANDBOX_OPTIONS, e.g. --now 2026-12-01 or --companies 2000, reach it as they are.
SANDBOX = $(PY) -m sandbox exec --state data/sandbox.json $(SANDBOX_OPTIONS) --
WITH_VENDORS = if $(PY) -m ingestion.settings credentials >/dev/null; then via=""; else via="$(SANDBOX)"; fi; exec $$via

.PHONY: help run dev rescore replay backfill page query metrics publish-postgres test lint lock bench docs clean

help: ## what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 run"; exit 1; }
	@echo "Installing into $(VENV) (a minute or two, once) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@touch $(READY)

run: $(READY) ## pull, build, audit and publish everything, then say whom to call
	@$(WITH_VENDORS) $(PY) -m orchestration.run

dev: $(READY) ## the Dagster UI and its daemon on http://127.0.0.1:3000
	@$(WITH_VENDORS) $(PY) -m orchestration.dev

# make rescore VERSION=v2 FROM=2026-10-01 TO=2026-10-31
rescore: $(READY) ## past days of health under any version: VERSION= FROM= TO=
	@$(PY) -m orchestration.rescore "$(VERSION)" "$(FROM)" "$(TO)"

# make replay FROM=2026-10-01 TO=2026-10-31
replay: $(READY) ## what came late of stored days of health: FROM= TO=
	@$(PY) -m orchestration.replay "$(FROM)" "$(TO)"

# make backfill FROM=2025-03-31 TO=2026-06-30
backfill: $(READY) ## month-ends of health from before the first run, for the backtest: FROM= TO=
	@$(PY) -m orchestration.backfill "$(FROM)" "$(TO)"

page: $(READY) ## the page over the publication, on http://127.0.0.1:8501
	@$(PY) -m page

query: $(READY) ## ask the publication, e.g. make query SQL="from marts.customer_360 limit 5"
	@$(PY) -m publish "$${C360_PUBLISH_DIR:-published}" "$(SQL)"

# make metrics ASK="--metrics mrr,nrr_12m --group-by metric_time__month"
metrics: $(READY) ## metrics by name over what was published: ASK=what mf query takes
	@cd transform && export DBT_TARGET=publication C360_PUBLISH_DIR="$(abspath $(or $(C360_PUBLISH_DIR),published))" && \
		../$(VENV)/bin/dbt --quiet parse && ../$(VENV)/bin/mf query $(ASK)

# A password in DSN can be seen in the process list: ~/.pgpass or PGPASSWORD do as well.
publish-postgres: $(READY) ## what is published, to PostgreSQL: DSN=postgresql://... ROLE=c360_bi
	@$(PY) -m publish.postgres "$(DSN)" --published "$${C360_PUBLISH_DIR:-published}" $(if $(ROLE),--role "$(ROLE)")

# Three at a time on two cores: a test waits a third of its time, for a vendor or for a process.
test: $(READY) ## every test that needs no other server
	@$(PY) -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder

lint: $(READY) ## style, types, boundaries
	$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check .
	$(PY) -m mypy
	@mkdir -p data/lint
	C360_DATA_DIR=data/lint $(VENV)/bin/sqlfluff lint --processes 2 transform/models transform/tests transform/snapshots

lock: $(READY) ## resolve pyproject.toml anew into requirements.lock
	$(VENV)/bin/uv pip compile pyproject.toml --extra sandbox --extra page --extra s3 --extra postgres --extra dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --upgrade --quiet --output-file requirements.lock

bench: $(READY) ## measured ratios: pull, build, second run, memory
	@$(PY) -m bench

docs: $(READY) ## static dbt docs in data/docs
	@$(PY) -m orchestration.dbt_docs

clean: ## forget everything a run made, and the environment
	rm -rf $(VENV) data published transform/target transform/logs
