# Liangcang: `make help` lists what there is.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
DEMO ?= .demo
LOG := .venv/install.log

.PHONY: help setup demo test test-slow test-oldest check bench lock clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.venv/ready: requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Liangcang needs Python 3.11 or newer; set PYTHON=python3.11" >&2; exit 2; }
	@echo "Making .venv from the hashed lock (two to four minutes, once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@{ $(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r requirements/dev.txt \
	   && $(BIN)/python -m pip install --disable-pip-version-check --no-deps --no-build-isolation -e . ; } > $(LOG) 2>&1 \
	   || { echo "installation failed; the end of $(LOG):" >&2; tail -20 $(LOG) >&2; exit 1; }
	@touch $@

setup: .venv/ready ## make .venv and install from the hashed lock

demo: .venv/ready ## make a county bank, run its nights, say where the results are
	@$(BIN)/python -m pipelines.demo run $(DEMO)

test: .venv/ready ## the suite that guards every change (some 8 minutes on 2 cores)
	@$(BIN)/python -m pytest -n 2 --dist worksteal

test-slow: .venv/ready ## 455 real nights, 50 kills and other tests that take minutes
	@$(BIN)/python -m pytest -m slow -n 2 --dist worksteal --durations=12

test-oldest: .venv/ready ## the suite's core on the oldest DuckDB allowed, from a lock of its own
	@test -x .venv-oldest/bin/python || $(PYTHON) -m venv .venv-oldest
	@test .venv-oldest/ready -nt requirements/oldest.txt || { .venv-oldest/bin/python -m pip install --disable-pip-version-check --require-hashes -r requirements/oldest.txt > .venv-oldest/install.log 2>&1 \
	   && .venv-oldest/bin/python -m pip install --disable-pip-version-check --no-deps --no-build-isolation -e . >> .venv-oldest/install.log 2>&1 \
	   && touch .venv-oldest/ready ; } || { tail -20 .venv-oldest/install.log >&2; exit 1; }
	@LIANGCANG_OTHER_PYTHON=$(abspath $(BIN)/python) .venv-oldest/bin/python -m pytest -n 2 --dist worksteal \
	   --ignore=tests/assets/churn --ignore=tests/assets/dictionary --ignore=tests/assets/pages --ignore=tests/pipelines \
	   --ignore=tests/test_churn_on_riverside.py --ignore=tests/test_killed_nights.py --ignore=tests/test_readme.py

check: .venv/ready ## format, lint, types, and contracts that changed by their versions
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/liangcang contracts lock data_contracts --check

.venv-peers/ready: requirements/peers.txt
	@test -x .venv-peers/bin/python || $(PYTHON) -m venv .venv-peers
	@.venv-peers/bin/python -m pip install --disable-pip-version-check --require-hashes -r requirements/peers.txt > .venv-peers/install.log 2>&1 \
	   || { tail -20 .venv-peers/install.log >&2; exit 1; }
	@touch $@

bench: .venv/ready .venv-peers/ready ## the measured comparisons: CPU seconds and ratios
	@$(BIN)/python benchmarks/features.py
	@$(BIN)/python benchmarks/contract_scan.py
	@$(BIN)/python benchmarks/contract_judges.py --peers .venv-peers/bin/python
	@$(BIN)/python benchmarks/orchestration.py
	@$(BIN)/python benchmarks/gb18030.py
	@$(BIN)/python benchmarks/demo_bank.py
	@$(BIN)/python benchmarks/demo.py
	@$(BIN)/python benchmarks/county_night.py
	@LIANGCANG_NIGHTS=30 $(BIN)/python -m pytest -m slow tests/test_conservation.py
	@LIANGCANG_SEEDS=1,2,3 $(BIN)/python -m pytest -m slow tests/test_churn_at_scale.py

lock: ## resolve the locks anew (needs uv)
	uv pip compile pyproject.toml --extra dev --generate-hashes --no-strip-extras --universal --python-version 3.11 --no-header --no-emit-index-url --no-emit-find-links -o requirements/dev.txt
	uv pip compile pyproject.toml requirements/oldest.in --extra dev --generate-hashes --no-strip-extras --universal --python-version 3.11 --no-header --no-emit-index-url --no-emit-find-links -o requirements/oldest.txt
	uv pip compile requirements/peers.in --generate-hashes --no-strip-extras --universal --python-version 3.11 --no-header --no-emit-index-url --no-emit-find-links -o requirements/peers.txt

clean: ## remove the environment and the demo
	rm -rf .venv .venv-oldest .venv-peers $(DEMO)
