# Every step of the continuous integration is a target here. `make` alone lists them.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
STAC_SCHEMAS := .venv/stac-schemas/.fetched

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast durations lint format check image manifests viewer viewer-check screenshot golden decade-inputs decade two-years real-day readers s3 soak clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(INSTALLED): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,stations,viz,kubernetes,coiled]'
	@touch $@

demo: $(INSTALLED) ## Run the whole way on a synthetic Earth, into demo-output/
	$(BIN)/soilft demo --output demo-output

$(STAC_SCHEMAS): tests/contract/stac_schemas.py $(INSTALLED)
	$(BIN)/python -m tests.contract.stac_schemas
	@touch $@

# Processes that tests start compile no module anew where this one has kept it.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 2

test: test-fast ## Run all tests: the fast ones first
	$(PYTEST) -m "slow or process"

test-fast: $(INSTALLED) $(STAC_SCHEMAS) ## Run the tests that need no process, server or browser
	@$(BIN)/python -c 'import sys; from importlib.metadata import version; \
	names = ("dask", "distributed", "numpy", "scikit-learn", "xarray", "zarr"); \
	print("python", sys.version.split()[0], *(f"{name} {version(name)}" for name in names), sep="  ")'
	SOILFT_NO_PROCESS=1 $(PYTEST) -m "not slow and not process"

durations: $(INSTALLED) $(STAC_SCHEMAS) ## Measure how long tests take, into tests/durations.json
	SOILFT_DURATIONS=tests/durations.json $(PYTEST)

lint: $(INSTALLED) ## Check style, types and the borders between the packages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint cluster/Dockerfile

format: $(INSTALLED) ## Put the source into its standard form
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

check: lint test ## Lint, then test

image: ## Build the container image without a daemon and run a demo in it (root on Debian: buildah, debootstrap)
	.ci/image

manifests: $(INSTALLED) ## Write the plain manifests of cluster/kubernetes
	$(BIN)/python -m cluster.kubernetes.plain

viewer: ## Build the page of viewer/ into soilft/data/viewer (Node 18 or newer)
	cd viewer && npm ci --silent && npm run --silent build

viewer-check: $(INSTALLED) ## Build the page anew, and look at it in Chromium: the bytes are those that ship
	SOILFT_NODE=required SOILFT_CHROMIUM=required $(BIN)/python -m pytest tests/viewer

screenshot: $(INSTALLED) ## Draw docs/images/viewer.png anew, from a SIMULATED cube in Chromium
	$(BIN)/python -m tests.support.screenshot docs/images/viewer.png

golden: $(INSTALLED) ## Write tests/contract/golden_run.json anew; a commit of its own, with a decision record
	$(BIN)/python -m tests.contract.golden_run

decade-inputs: $(INSTALLED) ## Simulate the inputs of the Tibetan decade, into decade-output/
	@start=$$(date +%s); $(BIN)/soilft ingest tibet-simulated && \
	echo "decade-inputs: $$(( $$(date +%s) - start )) s, $$(du -sh decade-output/store/inputs | cut -f1) of SIMULATED inputs in decade-output/store/inputs"

decade: $(INSTALLED) ## Run and score the SIMULATED Tibetan decade, and its noise experiment (an hour or more)
	$(BIN)/python benchmarks/decade.py --out benchmarks/decade.json

two-years: $(INSTALLED) ## The same on two SIMULATED years at one degree, with its noise as it is
	$(BIN)/python benchmarks/decade.py --region two-years --scales --only-control

real-day: $(INSTALLED) ## Train and score on one day of real granules (needs SOILFT_SAMPLES)
	@test -n "$$SOILFT_SAMPLES" || { \
	  echo "real-day: set SOILFT_SAMPLES to the folder of real granules." >&2; exit 2; }
	$(BIN)/python benchmarks/real_day.py

readers: $(INSTALLED) ## Read a cube with the newest zarr-python and with zarrita.js in Node
	tests/contract/readers/install.sh
	SOILFT_READERS=all $(BIN)/python -m pytest tests/contract/test_readers.py

soak: $(INSTALLED) ## Put a SIMULATED store through 200 random sequences of damage (15 minutes); goes on where it was
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m tests.support.soak

s3: $(INSTALLED) ## Run a real S3 server on this machine until Ctrl-C
	$(BIN)/python -m tests.support.seaweed

clean: ## Remove caches and outputs; the environment stays
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf build dist image-output demo-output decade-output two-years-output real-day-output soak-output
	find . -path ./.venv -prune -o -type d -name __pycache__ -print0 | xargs -0 rm -rf
