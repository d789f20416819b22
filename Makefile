# The same few commands for people and for CI. `make demo` and `make test` need nothing done before.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NODE := verifier_contracts/node_modules
CARGO := cargo
CORE := --manifest-path prover/core/Cargo.toml
CORE_PYTHON := prover/core/python
# Compares with an implementation by others; nothing that ships depends on it.
ORACLE := --manifest-path prover/core/oracles/nova/Cargo.toml
CORE_FILES := $(shell find prover/core/plumb $(CORE_PYTHON) prover/core/Cargo.toml prover/core/Cargo.lock -type f)

.PHONY: setup setup-train data demo test test-deep mutants bench lint fmt wheel clean

setup: $(VENV)/.installed $(NODE)/.installed

$(VENV)/.made:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	touch $@

# The part in Rust, again whenever a file of it changes. The first time takes minutes.
$(VENV)/.core: $(VENV)/.made $(CORE_FILES)
	$(BIN)/pip install --quiet --no-deps --force-reinstall ./$(CORE_PYTHON)
	touch $@

# Everything but torch, which only training and exporting need. The core is there before, since no index has it.
$(VENV)/.installed: pyproject.toml | $(VENV)/.core
	$(BIN)/pip install --quiet -e ".[ezkl,chain,dev]"
	touch $@

# The compiler that rebuilds the contracts, a node to test against, and forge for exported projects.
$(NODE)/.installed: verifier_contracts/package-lock.json
	cd verifier_contracts && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

setup-train: $(VENV)/.installed
	$(BIN)/pip install --quiet -e ".[torch]"

# MNIST in full, for its trainings and for accuracies on all its test images; into models/.data.
data: $(VENV)/.installed
	$(BIN)/python -m zkinfer_models.train.mnist_data

demo: $(VENV)/.installed
	$(BIN)/zkinfer demo

test: setup
	$(CARGO) test --quiet --locked $(CORE)
	$(BIN)/pytest

test-deep: setup
	$(CARGO) test --release --locked $(CORE) -- --include-ignored
	$(CARGO) test --release --locked $(ORACLE)
	$(BIN)/pytest -m ""

mutants: setup
	$(BIN)/python -m tests.mutants

# Say more with ARGS='--models lenet5 --html bench.html'; on a machine that does nothing else.
bench: $(VENV)/.installed
	$(BIN)/zkinfer bench $(ARGS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest zkinfer_core --allowlist $(CORE_PYTHON)/stubtest.txt
	$(CARGO) fmt --all --check $(CORE)
	$(CARGO) clippy --quiet --locked --all-targets $(CORE) -- -D warnings

fmt: $(VENV)/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(CARGO) fmt --all $(CORE)

wheel: $(VENV)/.installed
	$(BIN)/python -m build --outdir dist .
	$(BIN)/python -m build --wheel --outdir dist $(CORE_PYTHON)

clean:
	rm -rf $(VENV) $(NODE) dist prover/core/target prover/core/oracles/nova/target
