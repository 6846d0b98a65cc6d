PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: run test test-interop lint bench figures clean

run: $(READY)
	mkdir -p out
	$(BIN)/calibeam --plot out/fdd_e2e.png --json out/fdd_e2e.json

test: $(READY)
	$(BIN)/python -m pytest -m "not gnuradio" -n 2 --dist loadfile

test-interop: $(READY)
	/usr/bin/python3 -c 'import gnuradio.zeromq' 2>/dev/null || (apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	    apt-get install -y -qq --no-install-recommends gnuradio >/dev/null)
	$(BIN)/python -m pytest -m gnuradio tests/interop

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)
	$(BIN)/python benchmarks/kernels.py
	$(BIN)/python benchmarks/streaming.py
	$(BIN)/python benchmarks/inference.py
	$(BIN)/python benchmarks/burst_sync.py
	$(BIN)/python benchmarks/edges.py
	$(BIN)/python benchmarks/sweep.py

figures: $(READY)
	$(BIN)/python flowgraphs/reproduce.py all

clean:
	rm -rf $(VENV) out

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "calibeam needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(READY)
