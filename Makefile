# Thali. `make demo` starts everything; `make test` proves it; `make check` lints and types; `make bench` compares.
# Each target sets up what it needs. Python 3.11, make, git and a package index are enough; uv is used when it is there.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help demo test check format bench faults security lock contracts docs clean

help: ## what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

# What an install needs, by one way or the other. A venv that a broken install left behind is made anew.
define install
	@test -x $(BIN)/python || { echo "making $(VENV) ..."; rm -rf $(VENV); $(if $(UV),$(UV) venv -q --seed --python $(PYTHON) $(VENV),$(PYTHON) -m venv $(VENV)); }
	@echo "installing $(1) (hash-locked) ..."
	@$(if $(UV),VIRTUAL_ENV=$(VENV) $(UV) pip install -q,$(BIN)/python -m pip install -q --disable-pip-version-check) --require-hashes -r $(1)
	@$(if $(UV),VIRTUAL_ENV=$(VENV) $(UV) pip install -q,$(BIN)/python -m pip install -q --disable-pip-version-check) --no-deps --no-build-isolation -e .
	@touch $@
endef

$(VENV)/.run: requirements.lock pyproject.toml
	$(call install,requirements.lock)

$(VENV)/.dev: requirements-dev.lock pyproject.toml
	$(call install,requirements-dev.lock)
	@touch $(VENV)/.run

demo: $(VENV)/.run ## start the demo's backends and the gateway, and print what to paste
	@$(BIN)/bff demo

# What holds the clock runs alone, and once more where it failed: a shared machine stands still for 300 ms now and then.
# What needed its second run is told, with its traceback. 5: nothing of this half is among ARGS.
test: $(VENV)/.dev ## all tests
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m "not clocked" $(ARGS) || [ $$? -eq 5 ]
	@$(BIN)/python -m pytest -m clocked --reruns 1 $(ARGS) || [ $$? -eq 5 ]

check: $(VENV)/.dev ## format, lint, types, layers, and the demo's own screens
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports
	@$(BIN)/mypy
	@$(BIN)/pyright
	@$(BIN)/bff check

format: $(VENV)/.dev ## write code the way `make check` wants it
	@$(BIN)/ruff check -q --fix . || true
	@$(BIN)/ruff format -q .

bench: $(VENV)/.dev ## CPU a screen against the peers (W1, W2); ALL=1 for every workload
	@$(BIN)/python -m benchmarks $(if $(ALL),--all) $(ARGS)

faults: $(VENV)/.dev ## every fault of the matrix with its figures, into docs/faults.md; MUTATE=1 without each layer too
	@$(BIN)/python -m tests.faults $(if $(MUTATE),--mutate) $(ARGS)

security: $(VENV)/.dev ## every security case with its verdict, into docs/security.md; MUTATE=1 without each defence too
	@$(BIN)/python -m tests.security $(if $(MUTATE),--mutate) $(ARGS)

contracts: $(VENV)/.dev ## Pacts, .proto, OpenAPI and SDL against what is committed; UPDATE=1 writes
	@UPDATE=$(UPDATE) $(BIN)/python -m pytest contract_tests $(ARGS)

docs: $(VENV)/.dev ## write docs/settings.md from the settings' model
	@$(BIN)/bff settings > docs/settings.md

lock: ## resolve the dependencies anew (needs uv)
	@$(if $(UV),,$(error `make lock` needs uv: python3 -m pip install uv))
	@for extra in "" dev; do $(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-annotate --no-header pyproject.toml --extra build $${extra:+--extra $$extra} \
	  -o requirements$${extra:+-$$extra}.lock; done

clean: ## remove what make made
	@rm -rf $(VENV) .tools .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
