PYTHON ?= python
PYTHONS ?= 3.10 3.11 3.12 3.13
.DEFAULT_GOAL := help
.PHONY: help install format lint types test check fast long golden faults fuzz pythons demo build krita ci clean

help: ## Say what can be made
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-9s %s\n", $$1, $$2}'

install: ## Install the package, editable, with what developers need
	$(PYTHON) -m pip install -e '.[dev]'

format: ## Put the code in order
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

lint: ## Say what is out of order
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

types: ## Check the types, strictly
	$(PYTHON) -m mypy

test: ## Run the tests, about six minutes
	$(PYTHON) -m pytest

long: ## Run the tests that take too long for every change
	$(PYTHON) -m pytest -m long

fast: ## Run the tests that take seconds
	$(PYTHON) -m pytest -m 'not slow and not long and not nightly'

pythons: ## Run the tests that take seconds on each Python, by uv (6 GB of downloads)
	for python in $(PYTHONS); do \
		uv run --isolated --no-project --python $$python --with-editable '.[dev]' -- \
			python -m pytest -m 'not slow and not long and not nightly' || exit 1; \
	done

check: lint types test ## Run all that a change has to pass

golden: ## Keep the losses of each configuration's first steps as the golden ones, where they differ
	$(PYTHON) tests/golden_losses.py --update

fuzz: ## Read 20,000 damaged files; the seed is printed, and what failed is kept in faults/
	$(PYTHON) -W ignore tests/fuzzing.py

faults: ## Kill runs, fill disks and more (15 minutes), and print a table of what was survived
	$(PYTHON) -m pytest tests/faults -m 'nightly or not nightly'

demo: ## Train the built-in demo (a few minutes)
	$(PYTHON) train.py

build: ## Build the wheel and the source archive into dist/
	$(PYTHON) -m build

krita: ## Pack the plug-in for Krita into dist/, as it was committed last
	mkdir -p dist
	git archive --format=zip --output=dist/gan-style-krita.zip HEAD:integrations/krita \
		gan_style_krita.desktop gan_style_krita

ci: ## Do what the continuous integration does: fresh environment, checks, a short training
	.ci/run

clean: ## Remove what the tools made (runs/ stays)
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
