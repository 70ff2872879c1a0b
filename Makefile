# The verbs of this checkout; `make` alone lists them. Everything is installed into .venv, nothing
# outside the checkout is touched but by test-deps. Needs Python 3.10 or later: PYTHON names it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
SOURCES := remotesvc bootstrap cli tests examples bench

# Tests run on this many processes; many of them wait for others, so two cores take three.
JOBS ?= 4
PYTEST := $(BIN)/python -m pytest

# pip has an editable package found by a program that every Python of .venv loads as it starts, the
# thousands of children of the tests as well: longer than all else that a start takes. A folder with
# a link is found without it. Not a link among the packages: pip would follow it to remove them.
LINK = site=$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') && \
	rm -f "$$site"/__editable__*remotesvc* && mkdir -p $(VENV)/checkout && \
	ln -sfn "$(CURDIR)/remotesvc" $(VENV)/checkout/remotesvc && \
	echo "$(abspath $(VENV))/checkout" > "$$site/__editable__.remotesvc.pth"
PYTEST_ARGS ?=

# pip keeps its cache below HOME; without one it would keep it below the root folder.
ifeq ($(strip $(HOME)),)
export PIP_NO_CACHE_DIR := 1
endif

# Each changes what a child does with its streams or where it imports from; and a Python that keeps
# no compiled code compiles all of this anew in each of a thousand processes.
unexport PYTHONUNBUFFERED PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONDONTWRITEBYTECODE PYTHONOPTIMIZE

.DEFAULT_GOAL := help
.PHONY: help install demo test test-deps test-hosts soak fuzz check format build bench payload clean

help:  ## List the verbs
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/  make \1|\2/p' Makefile | \
		while IFS='|' read -r verb text; do printf '%-20s %s\n' "$$verb" "$$text"; done

install: $(VENV)/.installed  ## Install into .venv, editable

demo: $(VENV)/.installed  ## Show what it does, on this machine, without any setting
	@$(BIN)/remotesvc demo --program examples/file_service.py

test: $(VENV)/.installed-test  ## Run the tests; what is skipped is listed with its reason
	@$(PYTEST) -n $(JOBS) --dist worksteal -rs $(PYTEST_ARGS)

test-deps:  ## Install the programs that the whole test suite uses (apt)
	@missing=; for program in sshd ssh ip tcsh fish sudo doas podman debootstrap; do \
		PATH="$$PATH:/usr/sbin:/sbin" command -v $$program >/dev/null || missing="$$missing $$program"; \
	done; \
	optional() { for package in sudo-rs softhsm2 podman-compose netavark aardvark-dns catatonit; do \
		apt-cache show $$package 2>/dev/null | grep -q ^Package: && echo $$package; done; }; \
	for package in $$(optional); do \
		dpkg -s $$package >/dev/null 2>&1 || missing="$$missing $$package"; \
	done; \
	if [ -z "$$missing" ]; then echo "Nothing to install."; exit 0; fi; \
	if ! command -v apt-get >/dev/null; then \
		echo "No apt-get here: install$$missing by hand; their tests are skipped without them."; exit 0; \
	fi; \
	sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	$$sudo apt-get update -qq && \
	$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
		openssh-server openssh-client iproute2 tcsh fish sudo opendoas podman debootstrap locales $$(optional) && \
	$$sudo localedef -i de_DE -f UTF-8 de_DE.UTF-8

test-hosts: $(VENV)/.installed-test  ## Run the tests with real hosts, containers and cut cables (root)
	@$(PYTEST) -m "(hosts or namespaces) and not soak" -rs $(PYTEST_ARGS)

soak: $(VENV)/.installed-test  ## Run the long tests
	@$(PYTEST) -m soak -rs $(PYTEST_ARGS)

fuzz: $(VENV)/.installed-fuzz  ## Feed wire, values, authority and handshake what nobody thought of (60 s)
	@$(BIN)/python -m tests.fuzz

check: $(VENV)/.installed-check  ## Lint, check the format and the types
	@$(BIN)/ruff check $(wildcard $(SOURCES))
	@$(BIN)/ruff format --check --quiet --diff $(wildcard $(SOURCES))
	@$(BIN)/mypy

format: $(VENV)/.installed-check  ## Format, and mend what the linter can mend
	@$(BIN)/ruff check --fix --quiet $(wildcard $(SOURCES)) || true
	@$(BIN)/ruff format --quiet $(wildcard $(SOURCES))

build: $(VENV)/.installed-build  ## Build wheel and source archive into dist/
	@$(BIN)/python -m build --outdir dist

bench: $(VENV)/.installed-bench  ## Measure, beside the neighbours
	@$(BIN)/python -m bench

payload: $(VENV)/.installed  ## Show what each module of the bootstrap costs
	@$(BIN)/python -m remotesvc.bootstrap.payload

clean:  ## Remove what was built, .venv included
	@rm -rf build dist $(VENV) *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || \
		{ echo "No $(PYTHON) here: make PYTHON=/path/to/python3 with 3.10 or later" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "$(PYTHON) is older than 3.10: make PYTHON=/path/to/a/newer/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "$(PYTHON) has no venv module: on Debian and Ubuntu, apt install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

# One stamp per set of extras, made anew when the list of dependencies changes.
$(VENV)/.installed: setup.cfg pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV) ..."
	@$(PIP) install --editable .
	@$(LINK)
	@touch $@

$(VENV)/.installed-test: setup.cfg pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV), with what the tests need ..."
	@$(PIP) install --editable '.[test]'
	@$(LINK)
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-check: setup.cfg pyproject.toml | $(BIN)/python
	@$(PIP) install --editable '.[check,test]'
	@$(LINK)
	@touch $@ $(VENV)/.installed $(VENV)/.installed-test

$(VENV)/.installed-build: setup.cfg pyproject.toml | $(BIN)/python
	@$(PIP) install --editable '.[build]'
	@$(LINK)
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-bench: setup.cfg pyproject.toml | $(BIN)/python
	@$(PIP) install --editable '.[bench]'
	@$(LINK)
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-fuzz: setup.cfg pyproject.toml | $(BIN)/python
	@$(PIP) install --editable '.[fuzz,test]'
	@$(LINK)
	@touch $@ $(VENV)/.installed $(VENV)/.installed-test
