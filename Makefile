# Each command sets up what it needs first; see tools/setup_env.sh.
python := .venv/bin/python

.PHONY: help setup demo test docs lint format protos wheel clean

help:
	@echo "make demo    search, train and serve on this machine: handwritten digits"
	@echo "make test    run all tests"
	@echo "make docs    build the documentation as a site, in runs/site"
	@echo "make setup   only make .venv (the other commands do it if needed)"
	@echo "make lint    check style and types"
	@echo "make format  format the sources"
	@echo "make protos  generate the messages again from proto/tuner.proto"
	@echo "make wheel   build the wheel and the sdist in dist/"
	@echo "make clean   remove what builds and tools leave behind"

setup:
	@tools/setup_env.sh

demo: setup
	$(python) -m examples.digits.pipeline_local

# The tests of one file share what is expensive to make, so they stay in one process.
test: setup
	$(python) -m pytest --numprocesses logical --maxprocesses 4 \
		--dist loadfile --no-loadscope-reorder

docs: setup
	$(python) -m tests.support.site

lint: setup
	$(python) -m ruff check
	$(python) -m ruff format --check
	$(python) -m mypy

format: setup
	$(python) -m ruff check --fix
	$(python) -m ruff format

protos: setup
	proto/generate.sh

wheel: setup
	$(python) -m build

clean:
	rm -rf build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
	find . -path './.venv*' -prune -o -name __pycache__ -prune -exec rm -rf {} +
