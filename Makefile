# Everything a checkout can do: `make help`. Only Python >= 3.10 with venv, its headers and a C++20 compiler are needed
# beforehand; the rest goes into .venv at the versions and hashes of requirements/*.txt.
PYTHON ?= python3
VENV ?= .venv
JOBS ?= 2
ARGS ?=
BENCHMARKS ?= roofline epoch epoch_parts exact_epoch objective explicit recommend fold_in read memory growth row_errors \
  cg_steps acceleration

PY := "$(VENV)/bin/python"
PIP := $(PY) -m pip --disable-pip-version-check -qq install --no-input --progress-bar off
NATIVE := $(shell find native -type f -not -path 'native/tests/*')
CXX_FILES := $(shell find native -name '*.cpp' -o -name '*.hpp')
# Make has a CXX of its own; only one that somebody named is passed on.
NAMED_CXX := $(if $(filter default undefined,$(origin CXX)),,$(CXX))
ifneq ($(NAMED_CXX),)
export CXX
endif
# The environment is the one in $(VENV), whatever else is active.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV CONDA_PREFIX PIP_USER PIP_TARGET PIP_PREFIX PIP_REQUIRE_VIRTUALENV

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test test-ui check sanitize dev lint docs stub lock bench bench-quick bench-page bench-env clean FORCE

help: ## this list
	@echo "Usage: make TARGET [PYTHON=python3.12] [CXX=clang++] [JOBS=2] [ARGS='extra options']"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1@\2/p' Makefile | awk -F@ '{ printf "%-12s %s\n", $$1, $$2 }'

demo: $(VENV)/.ridgeback ## set everything up, then show the main job on made-up data
	@$(PY) -m ridgeback demo

test: $(VENV)/.ridgeback $(VENV)/.test ## set everything up, then run all tests
	$(PY) -m pytest -n $(JOBS) $(ARGS)

test-ui: $(VENV)/.ridgeback $(VENV)/.test ## the pages in a real Chromium, which must be there (apt-get install chromium)
	CI=true $(PY) -m pytest tests/browser $(ARGS)

check: lint test ## formatting, lint, types and all tests: what a change must pass

lint: $(VENV)/.dev
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	@echo "clang-format --dry-run --Werror, all of native/"
	@"$(VENV)/bin/clang-format" --dry-run --Werror $(CXX_FILES)

sanitize: $(VENV)/.build $(VENV)/.runtime $(VENV)/.test ## native code under address, undefined and thread sanitizers, some minutes
	@sh tools/sanitize.sh address $(PY) "$(NAMED_CXX)" $(ARGS)
	@sh tools/sanitize.sh thread $(PY) "$(NAMED_CXX)" $(ARGS)

dev: $(VENV)/.ridgeback $(VENV)/.dev ## an environment with every development tool

docs: $(VENV)/.ridgeback $(VENV)/.docs ## the documentation as HTML, any warning is an error
	$(PY) -m sphinx -W --keep-going --quiet -b html docs docs/_build/html
	@echo "open docs/_build/html/index.html"

stub: $(VENV)/.ridgeback ## regenerate src/ridgeback/_native.pyi after the native functions changed
	$(PY) -m nanobind.stubgen --quiet -m ridgeback._native -o src/ridgeback/_native.pyi

bench: $(VENV)/.ridgeback bench-env ## every benchmark beside other libraries, with plots and page, about half an hour
	@set -e; for name in $(BENCHMARKS); do echo "== $$name"; $(PY) benchmarks/$$name.py $(ARGS); done
	@$(MAKE) --no-print-directory bench-page

bench-quick: $(VENV)/.ridgeback bench-env ## the same on small data, each within a minute; results are not kept
	@set -e; for name in $(BENCHMARKS); do echo "== $$name"; $(PY) benchmarks/$$name.py --quick $(ARGS); done

bench-page: $(VENV)/.ridgeback bench-env ## docs/benchmarks.md and its plots from benchmarks/results/
	@.venv-bench/bin/python benchmarks/plots.py
	@$(PY) benchmarks/page.py

bench-env: .venv-bench/.ready ## the other libraries' own environment

lock: ## refresh requirements/*.txt (needs uv); UPGRADE=1 takes the newest versions
	@UPGRADE="$(UPGRADE)" sh tools/lock.sh

clean: ## remove everything that was built or installed here
	rm -rf "$(VENV)" .venv-bench build docs/_build .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
	find src -name '_native*.so' -delete

# A Python or compiler named on the command line that differs from last time makes a new environment.
ifneq ($(filter command environment,$(origin PYTHON) $(if $(NAMED_CXX),command)),)
build/.choices: FORCE
	@mkdir -p build
	@echo '$(PYTHON) $(NAMED_CXX)' | cmp -s - $@ || { rm -rf build/cp*; echo '$(PYTHON) $(NAMED_CXX)' > $@; }
CHOICES := build/.choices
endif

$(VENV)/.created: $(CHOICES) | tools/prerequisites.sh
	@sh tools/prerequisites.sh "$(PYTHON)" "$(NAMED_CXX)"
	@echo "Creating $(VENV) with $$("$(PYTHON)" --version)"
	@rm -rf "$(VENV)"
	@"$(PYTHON)" -m venv "$(VENV)"
	@touch $@

$(VENV)/.build: requirements/build.txt $(VENV)/.created
	@echo "Installing the build tools"
	@$(PIP) --require-hashes -r requirements/build.txt
	@touch $@

$(VENV)/.runtime: requirements/runtime.txt $(VENV)/.build
	@echo "Installing what Ridgeback imports"
	@$(PIP) --require-hashes -r requirements/runtime.txt
	@touch $@

$(VENV)/.ridgeback: $(NATIVE) CMakeLists.txt pyproject.toml src/ridgeback/_version.py $(VENV)/.runtime
	@echo "Building Ridgeback"
	@$(PIP) --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/.test: requirements/test.txt $(VENV)/.runtime
	@echo "Installing what the tests import"
	@$(PIP) --require-hashes -r requirements/test.txt
	@touch $@

$(VENV)/.docs: requirements/docs.txt $(VENV)/.runtime
	@echo "Installing what the documentation needs"
	@$(PIP) --require-hashes -r requirements/docs.txt
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	@echo "Installing the development tools"
	@$(PIP) --require-hashes -r requirements/dev.txt
	@touch $@ $(VENV)/.test $(VENV)/.docs

.venv-bench/.ready: requirements/bench.txt | tools/prerequisites.sh
	@sh tools/prerequisites.sh "$(PYTHON)" "$(NAMED_CXX)"
	@echo "Creating .venv-bench"
	@rm -rf .venv-bench
	@"$(PYTHON)" -m venv .venv-bench
	@.venv-bench/bin/python -m pip --disable-pip-version-check -qq install --no-input --progress-bar off --require-hashes -r requirements/bench.txt
	@touch $@
