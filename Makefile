# Two commands matter: `make ask` and `make test`. Both need only make and Python 3.11 or newer.

Q ?= Which of these peaks are in South America?
FILE ?= examples/peaks.csv

# The first interpreter that is new enough and can make an environment. Each is run, since a name on the PATH may be a
# launcher of a version that is not there.
PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3; do \
	$$name -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)

BIN := .venv/bin

.PHONY: ask test check docs picture screenshots lock clean

# Answer a question about a table: make ask Q="..." FILE=table.csv
ask: export QUESTION = $(value Q)
ask: export TABLE = $(value FILE)
ask: .venv/ready
	@$(BIN)/binder ask "$$QUESTION" -t "$$TABLE"

# Get the embedded model's weights if they can be had, and run all the tests, two at a time.
test: .venv/ready
	@$(BIN)/binder models pull || echo "make test: no weights of the embedded model, so its tests are skipped"
	$(BIN)/python -m pytest -n 2 --dist worksteal

# Lint and type-check.
check: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Build the guides and the reference into docs/_build/html.
docs: .venv/ready
	$(BIN)/python -m sphinx --builder html --nitpicky --fail-on-warning --keep-going --quiet docs docs/_build/html

# Take the pictures of a notebook's view and of the local page anew; needs Chromium.
screenshots: .venv/ready
	$(BIN)/python docs/screenshots.py

# Draw the README's picture of an answer anew; it asks the model again.
picture: export QUESTION = $(value Q)
picture: .venv/ready
	BINDER_CACHE=off $(BIN)/binder ask "$$QUESTION" -t $(FILE) >docs/images/answer.txt
	$(BIN)/python docs/picture.py "binder ask \"$$QUESTION\" -t $(FILE)" <docs/images/answer.txt >docs/images/answer.svg
	rm docs/images/answer.txt

# Write requirements.lock anew after pyproject.toml changed; UPGRADE=--upgrade takes newer versions.
lock:
	$(PYTHON) -m venv --clear build/lock
	build/lock/bin/pip install -qq uv
	build/lock/bin/uv pip compile pyproject.toml --all-extras --group dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock" \
		--quiet $(UPGRADE) --output-file requirements.lock

.venv/ready: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: needs Python 3.11 or newer with its venv module (Debian: apt install python3-venv); name one with PYTHON=/path/to/python"; exit 1; }
	@echo "Installing into .venv; this takes about a minute."
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install -qq --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install -qq --no-deps --no-build-isolation --editable .
	@touch $@

clean:
	rm -rf .venv build dist docs/_build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
