# Two commands do everything on a machine with python3, make and g++:
#   make demo   install the compiler, compile the bundled digits network, say where the report is
#   make test   install the rest and run every test
# and one more makes the documentation:
#   make docs   install MkDocs and build the site into site/, with every warning an error
PYTHON ?= python3
# Tests start hundreds of processes: where this is set, each compiles every module again.
unexport PYTHONDONTWRITEBYTECODE
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
DEMO := digits_cnn-pynq-z2
# The smallest design that takes 200,000 images a second fits even at the upper end of its estimate.
DEMO_AIM := --target area --fps 200000

.PHONY: demo test test-deep test-fast test-install lint docs bench bench-rtl bench-adders bench-estimates bench-deploy fuzz-drivers clean

demo: $(VENV)/core.done
	$(BIN)/fpgacomp compile examples/digits_cnn/model.onnx --board pynq-z2 $(DEMO_AIM) --out $(DEMO) \
	    --inputs examples/digits_cnn/test_inputs.npy --labels examples/digits_cnn/test_labels.npy

test: $(VENV)/all.done lint
	$(BIN)/python -m pytest -n 2 --dist worksteal

# As test, with the longest tests, and with two to three times as many random networks and files.
test-deep: $(VENV)/all.done
	FPGACOMP_TEST_DEPTH=deep $(BIN)/python -m pytest -n 2 --dist worksteal

test-fast: $(VENV)/all.done
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"

lint: $(VENV)/all.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The build itself needs no network: no fonts, scripts or inventories are fetched.
docs: $(VENV)/docs.done
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "documentation: site/index.html"

bench: $(VENV)/all.done
	$(BIN)/python -m examples.benchmark
	$(BIN)/python -m examples.benchmark_streams
	$(BIN)/python -m examples.benchmark_recipes

# The networks of the zoo as SystemVerilog; the large ones take many minutes.
bench-rtl: $(VENV)/all.done
	$(BIN)/python -m examples.benchmark_rtl

# Unrolled networks: LUTs and registers counted and by Yosys, every integer simulated.
bench-adders: $(VENV)/all.done
	$(BIN)/python -m examples.benchmark_adders

# The estimates beside what was measured: our SystemVerilog by Yosys, and published designs (CSV).
bench-estimates: $(VENV)/all.done
	$(BIN)/python -m examples.benchmark_estimates $(if $(TABLES),--tables $(TABLES))

# The digits network as packages, installed and driven on emulated boards, one with its bitstream.
bench-deploy: $(VENV)/all.done
	$(BIN)/python -m examples.benchmark_deploy

# A minute of libFuzzer for each target of the C drivers, with the address and undefined sanitizers.
fuzz-drivers: $(VENV)/all.done
	$(BIN)/python -m tests.deploy.c.fuzz --seconds 60

# docker/install.sh in a Debian of its own: as root, with debootstrap, some minutes.
test-install: $(VENV)/all.done
	FPGACOMP_TEST_INSTALL=1 $(BIN)/python -m pytest -rs tests/docker

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/core.done: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing fpgacomp and what it needs into $(VENV): about a minute, the first time only"
	$(PIP) --editable .
	@touch $@

# torch first and pinned: a looser range draws several GB of CUDA packages.
# finn-plus without what it asks for: that is 8 GB for features that are not used here.
$(VENV)/all.done: $(VENV)/core.done
	$(PIP) torch==2.13.0
	$(PIP) --editable '.[adders,bitstream,brevitas,deploy,finn,qkeras,rtl,serve,dev]'
	$(PIP) --no-deps finn-plus==1.6.1
	@touch $@

$(VENV)/docs.done: $(VENV)/core.done
	$(PIP) --editable '.[docs]'
	@touch $@

clean:
	rm -rf $(VENV) $(DEMO) site build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
