# make app         the app in your browser
# make test        everything that is checked: style, types, import rules, spelling, tests
# make check       the same without the tests
# make bench       what the product itself costs, as ratios
# make exports     exporters and runtimes beyond the frameworks' own (ONNX, LiteRT, ExecuTorch), for `python -m core exports`
# make tensorboard every profile in TensorBoard, with xprof and torch-tb-profiler in .venv-tensorboard
# make demo        the hosted demo here, in an environment with its own light requirements
# make peers       other trace tools in .venv-peers, for make bench to time beside ours
# make clean       remove .venv and every cache
#
# Each installs what it needs into .venv first. PYTHON=... names another interpreter.

SHELL := /bin/bash
PYTHON ?= python3.11 python3.12 python3.13 python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# Touched last, so that an interrupted step is done again.
CREATED := $(VENV)/.created
INSTALLED := $(VENV)/.requirements
INSTALLED_DEV := $(VENV)/.requirements-dev

PEERS := .venv-peers/.installed
TENSORBOARD := .venv-tensorboard/.installed
DEMO := .venv-demo/.installed
TEST_PROCESSES ?= 2

.PHONY: help app test check bench exports tensorboard demo peers clean

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

app: $(INSTALLED)
	@$(BIN)/python -m streamlit run streamlit_app.py

# Two at a time; then, one after the other, the tests that compare times and may have nothing beside them.
test: check
	$(BIN)/python -m pytest -m "not alone" --numprocesses $(TEST_PROCESSES) --dist worksteal
	$(BIN)/python -m pytest -m alone

check: $(INSTALLED_DEV)
	$(BIN)/python -m ruff check
	$(BIN)/python -m codespell_lib
	$(BIN)/lint-imports
	$(BIN)/python -m mypy

bench: $(INSTALLED_DEV)
	@if [ -e $(PEERS) ]; then export SHOWDOWN_PEERS_PYTHON=.venv-peers/bin/python; fi; $(BIN)/python -m bench

exports: $(INSTALLED)
	$(PIP) install -r requirements-exports.txt

tensorboard: $(INSTALLED) $(TENSORBOARD)
	$(BIN)/python -m core tensorboard --to build/tensorboard
	.venv-tensorboard/bin/tensorboard --logdir build/tensorboard --host 127.0.0.1

demo: $(DEMO)
	.venv-demo/bin/python -m streamlit run demo/streamlit_app.py --server.address 127.0.0.1

peers: $(PEERS)

$(PEERS): $(CREATED)
	$(BIN)/python -m venv .venv-peers
	.venv-peers/bin/python -m pip --disable-pip-version-check install HolisticTraceAnalysis==0.5.0 torch-tb-profiler==0.4.3
	@touch $@

$(TENSORBOARD): requirements-tensorboard.txt $(CREATED)
	$(BIN)/python -m venv .venv-tensorboard
	.venv-tensorboard/bin/python -m pip --disable-pip-version-check install -r $<
	@touch $@

$(DEMO): demo/requirements.txt $(CREATED)
	$(BIN)/python -m venv .venv-demo
	.venv-demo/bin/python -m pip --disable-pip-version-check install -r $<
	@touch $@

clean:
	rm -rf $(VENV) .venv-peers .venv-tensorboard .venv-demo .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache build
	find core pages bench tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(CREATED):
	@chosen=; without_venv=; \
	for python in $(PYTHON); do \
	  version=$$($$python -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue; \
	  case $$version in 3.11|3.12|3.13) ;; *) continue ;; esac; \
	  if $$python -c 'import ensurepip, venv' 2>/dev/null; then chosen=$$python; break; fi; \
	  without_venv=$$version; \
	done; \
	if [ -z "$$chosen" ] && [ -n "$$without_venv" ]; then \
	  echo "Python $$without_venv is here without its venv module; install it with 'apt-get install python$$without_venv-venv'." >&2; exit 1; \
	elif [ -z "$$chosen" ]; then \
	  echo "Framework Showdown needs Python 3.11, 3.12 or 3.13 (tensorflow 2.21 runs on no other); install one, or name it with PYTHON=..." >&2; exit 1; \
	fi; \
	echo "Installing into $(VENV) with $$($$chosen --version): this needs about 8.5 GB of disk, mostly torch's CUDA libraries; $$(df -Pk . | awk 'NR == 2 { printf "%.0f GB", $$4 / 1e6 }') are free here."; \
	$$chosen -m venv $(VENV) && touch $@

$(INSTALLED): requirements.txt $(CREATED)
	$(PIP) install -r $<
	@touch $@

$(INSTALLED_DEV): requirements-dev.txt $(INSTALLED)
	$(PIP) install -r $<
	@touch $@
