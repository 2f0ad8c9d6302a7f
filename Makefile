# `make` prints what there is. Set-up happens by itself, once, and again when a lock changes.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run dev check style test stories prove mutants bench screens shots reference peers lock

BIN := .venv/bin
UV := $(BIN)/uv pip
# What comes as source is built by the setuptools that the bootstrap lock pins, not by one from elsewhere.
SOURCE := --no-build-isolation
EDITABLE := $(UV) install -q --python $(BIN)/python --no-deps --no-build-isolation --editable .
LOCK := $(UV) compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header

help:  ## print this
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

run: .venv/.base  ## set everything up and run Mainstay with the example estate, live
	$(BIN)/mainstay demo

dev: .venv/.dev  ## the same, started again whenever a file under src/ or examples/ changes
	$(BIN)/python scripts/reload.py $(BIN)/mainstay demo

check: style  ## before every commit: ruff, format, mypy, house tests (under 20 s)
	PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 $(BIN)/pytest -p pytest_timeout tests/house

style: .venv/.dev
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

test: peers style  ## everything, against real Prometheus and Alertmanager too
	$(BIN)/pytest --cache-clear || $(BIN)/python scripts/again $$?

stories: .venv/.dev  ## the promises of the README, one story each
	$(BIN)/pytest tests/stories

prove: peers  ## the full counts of the kill loops: before an issue is called done
	MAINSTAY_PROOF_ROUNDS=200 nice -n 10 $(BIN)/pytest tests/proofs

mutants: peers  ## sabotage a copy line by line: each must turn a test red (half an hour)
	nice -n 10 $(BIN)/python tests/mutants

bench: peers  ## figures side by side with Alertmanager, in one run
	$(BIN)/python tests/bench/corridor.py

screens: peers  ## figures of the console: server, bytes, how soon what happens is seen
	PYTHONPATH=tests:tests/browser $(BIN)/python tests/bench/console.py

shots: peers  ## the pictures of docs/pictures, anew
	PYTHONPATH=tests:tests/browser $(BIN)/python tests/browser/shots.py

reference: .venv/.dev  ## write docs/reference anew from the code
	PYTHONPATH=scripts $(BIN)/python -m reference

lock: .venv/.bootstrap  ## write the locks anew after pyproject.toml has changed
	$(LOCK) --group bootstrap -o requirements-bootstrap.lock && $(LOCK) pyproject.toml -o requirements.lock && $(LOCK) --all-extras -c requirements.lock pyproject.toml -o requirements-dev.lock

peers: .venv/.dev
	@scripts/peers

.venv/.bootstrap: requirements-bootstrap.lock scripts/venv
	@scripts/venv

.venv/.base: .venv/.bootstrap requirements.lock pyproject.toml
	$(UV) install -q --python $(BIN)/python $(SOURCE) --require-hashes -r requirements.lock && $(EDITABLE) && touch $@

.venv/.dev: .venv/.base requirements-dev.lock
	$(UV) sync -q --python $(BIN)/python $(SOURCE) --require-hashes requirements-dev.lock && $(EDITABLE) && touch $@
