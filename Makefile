# Two words to remember: `make demo` shows it, `make test` proves it. Everything is set up in .venv when it is first needed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)  # in a container, where Jupyter would refuse

.PHONY: demo lab test check bench readme clean

demo: $(VENV)/.for-demo  ## the quickstart from prompt to playing video, with the simulator: no key, no cost
	$(BIN)/kling-nb demo

lab: $(VENV)/.for-demo  ## the same notebook in JupyterLab, with the simulator running beside it
	$(BIN)/kling-nb simulate --speed 10 -- $(BIN)/jupyter lab $(AS_ROOT) notebooks/01-quickstart.ipynb

test: $(VENV)/.for-test  ## everything, the browser included
	$(BIN)/python -m pytest

check: $(VENV)/.for-test  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.for-test  ## every claim about speed, measured here and now
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script $(BENCH) || failed=1; done; exit $${failed:-0}

readme: $(VENV)/.for-test  ## the README's table, and its picture from the newest run of the tests
	$(BIN)/python docs/renew.py

clean:
	rm -rf $(VENV) demo screenshots

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "kling_nb needs Python 3.11 or newer: make PYTHON=python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.for-demo: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Setting up $(VENV) (once)"
	$(PIP) -e '.[lab,simulator]'
	@touch $@

$(VENV)/.for-test: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Setting up $(VENV) for the tests (once)"
	$(PIP) -e '.[dev]'
	@touch $(VENV)/.for-demo $@
