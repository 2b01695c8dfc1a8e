# Two commands matter: `make demo` and `make test`. Both install what they need into .venv first.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install demo demo-quick demo-cluster demo-up demo-down test test-cluster test-cluster-full record-corpus test-wheel storm lint format generate protos envoy-messages build build-shim images bench bench-instructions fuzz clean

help:  ## Say what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: $(STAMP)  ## Make .venv and install everything into it
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "sluicegate needs Python 3.11, 3.12 or 3.13; $(PYTHON) is $$($(PYTHON) -V 2>&1). Say: make PYTHON=python3.12 ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { echo "cannot make a virtual environment: install your system's python3-venv"; exit 1; }
	@echo "Installing into $(VENV) (about a minute) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1" && \
	 $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[demo]' --group dev || \
	  { echo "Installation failed: is a package index reachable, and is there disk space (1.5 GB)?"; exit 1; }
	@touch $@

demo: $(STAMP)  ## Play the whole story on this machine (about 5 minutes)
	@$(BIN)/python -m demo

demo-quick: $(STAMP)  ## Play acts 1, 2 and 4 (2 minutes)
	@$(BIN)/python -m demo --quick

demo-cluster: $(STAMP)  ## Play acts 1 to 6 on a cluster that is there for tests: make demo-cluster KUBECONFIG=... REGISTRY=... TAG=...
	@KUBECONFIG="$(KUBECONFIG)" $(BIN)/python -m demo --cluster $(if $(REGISTRY),--registry $(REGISTRY)) $(if $(TAG),--tag $(TAG)) \
	  $(if $(QUICK),--quick)

demo-up: $(STAMP)  ## Play the first two acts and leave the plane running, to be touched
	@$(BIN)/python -m demo --up

demo-down: $(STAMP)  ## End the plane that demo-up left running
	@$(BIN)/sluicegate down --home demo/out/home

# Two processes, each file's tests in one of them: half of the tests wait for real processes while the other half thinks.
# Files go in their order, those of tests/embedded early, so that nothing long is left for the end.
test: $(STAMP)  ## Run the tests, WORKERS=2 files at a time
	@env -u KUBECONFIG $(BIN)/python -m pytest --numprocesses $(or $(WORKERS),2) \
	  --dist loadfile --no-loadscope-reorder  # a cluster that happens to be configured is not touched

test-cluster: $(STAMP)  ## Run the tests that need a cluster: make test-cluster KUBECONFIG=..., one that is there for tests
	@KUBECONFIG="$(KUBECONFIG)" $(BIN)/python -m pytest tests/cluster -m "not full"

test-cluster-full: $(STAMP)  ## The same, and what takes longer: the whole corpus of workflows, a random walk of kills (WALK_SEED, WALK_SECONDS)
	@KUBECONFIG="$(KUBECONFIG)" $(BIN)/python -m pytest tests/cluster

record-corpus: $(STAMP)  ## Write anew what a cluster's Argo controller makes of tests/corpus/argo: KUBECONFIG=..., NAMES="..."
	@KUBECONFIG="$(KUBECONFIG)" $(BIN)/python -m tests.corpus.record $(NAMES)

test-wheel: $(STAMP) build  ## Run the tests that start no processes against the built wheel, outside the checkout's sources
	@rm -rf build/wheel && $(PYTHON) -m venv build/wheel
	@build/wheel/bin/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	@build/wheel/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt "$$(ls dist/*.whl)[demo]" --group dev
	@build/wheel/bin/python -m pytest tests/unit tests/contract -q --numprocesses $(or $(WORKERS),2) --dist loadfile

storm: $(STAMP)  ## Kill a plane's processes in the random order of SEED, for SECONDS, under load
	@STORM_SEED=$(or $(SEED),1) STORM_SECONDS=$(or $(SECONDS),300) $(BIN)/python -m pytest tests/embedded/test_kill_storm.py -s

lint: $(STAMP)  ## Check style, types, import contracts and generated files
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m sluicegate.pipelines.generate --check
	@$(BIN)/python -m docs.generate --check

format: $(STAMP)  ## Bring the sources into the house's form
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

generate: $(STAMP)  ## Write the generated files anew
	@$(BIN)/python -m sluicegate.pipelines.generate
	@$(BIN)/python -m docs.generate

protos: $(STAMP)  ## Compile serving/proto, after a change of it; a test says when that was forgotten
	@cd serving/proto && ../../$(BIN)/python -m grpc_tools.protoc --include_imports \
	  --proto_path=. --proto_path=$$(../../$(BIN)/python -c 'import grpc_tools; print(grpc_tools.__path__[0])')/_proto \
	  --descriptor_set_out=../sluicegate/serving/protocol/protos.binpb *.proto

envoy-messages:  ## Read the form of Envoy's messages anew: make envoy-messages XDS_PROTOS=<version>, for a newer Envoy
	@rm -rf build/envoy-messages && $(PYTHON) -m venv build/envoy-messages
	@build/envoy-messages/bin/python -m pip install --quiet --disable-pip-version-check xds-protos==$(or $(XDS_PROTOS),1.85.0)
	@build/envoy-messages/bin/python serving/envoy_messages.py serving/sluicegate/serving/gateway/envoy_messages.binpb

build: $(STAMP)  ## Build the source distribution and the wheel into dist/
	@rm -rf dist && $(BIN)/python -m build --outdir dist .

build-shim: $(STAMP)  ## Build the wheel that provides `seldon_core` for users' classes into build/shim/
	@rm -rf build/shim && $(BIN)/python -m build --wheel --outdir build/shim shim

# REGISTRY, TAG and BASE name them; PUSH=1 pushes; IMAGES="server-sklearn operator" builds some. The program that builds
# is found, or named with IMAGE_TOOL; it gets IMAGE_BUILD_OPTIONS and IMAGE_PUSH_OPTIONS besides.
images: $(STAMP)  ## Build the container images and print their sizes
	@$(BIN)/python -m images.build $(IMAGES) $(if $(REGISTRY),--registry $(REGISTRY)) $(if $(TAG),--tag $(TAG)) \
	  $(if $(BASE),--base $(BASE)) $(if $(PUSH),--push)

# Needs wrk, h2load and taskset (Debian: wrk nghttp2-client util-linux). ONLY="row grpc kserve" measures a part and prints it;
# QUICK=1 tries whether all works; a whole run (ROUNDS=3, SECONDS=4 each) writes the README's table.
bench: $(STAMP)  ## Measure our server beside its peers, in turns; their environments are made under build/bench
	@$(BIN)/python -m benchmarks.peers $(if $(ONLY),--only $(ONLY)) $(if $(ROUNDS),--rounds $(ROUNDS)) \
	  $(if $(SECONDS),--seconds $(SECONDS)) $(if $(QUICK),--quick)

bench-instructions: $(STAMP)  ## Count what a request costs, and compare with the record; RECORD=1 writes it anew
	@$(BIN)/python -m benchmarks.instructions $(if $(RECORD),--record)

fuzz: $(STAMP)  ## Fuzz the codecs and the HTTP door for SECONDS=300 together; TARGET= names one
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt atheris
	@$(BIN)/python -m tests.fuzzing.run $(TARGET) --seconds $(or $(SECONDS),300)

clean:  ## Remove what was built and installed
	@rm -rf $(VENV) build dist demo/out demo/report.html
