# The two commands of the README are `make run` and `make test`.
SHELL := /bin/bash
UV := build/uv/bin/uv
BIN := .venv/bin
# Tests that share a costly fixture stay on one of two workers: tests/conftest.py.
PYTEST_ON_TWO := $(BIN)/pytest -n 2 --dist loadgroup --no-loadscope-reorder
export PYTHONSAFEPATH := 1
# TensorFlow is 1,500 modules: compiled anew in each process they take 15 s, and 5 s from a cache.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup browser infra terraform-tools oracles run test test-proofs test-infra test-crash test-k8s test-kubeflow test-image test-tfx121 lint types imports unit lock links clean
.PHONY: contract contract-models soak faults bench bench-ingest bench-evaluation bench-freshretailnet bench-walmart bench-online-retail bench-continuity bench-weighting bench-kubeflow bench-serving bench-serving-graph bench-orders bench-replenishment bench-chain bench-causes bench-knowledge bench-lead-times

help:  ## Lists the targets.
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 16

setup: build/.installed links  ## Creates .venv from the lock that fits this machine's glibc.

build/.installed: $(wildcard requirements/*.txt) requirements/set-up setup.py pyproject.toml
	@requirements/set-up
	@touch $@

links:  ## Link tree through which type checkers see the package mapping of setup.py.
	@mkdir -p build/links/demandcast
	@for folder in pipeline components schema serving; do \
	  ln -sfn ../../../$$folder build/links/demandcast/$$folder; done

run: setup  ## The main job on sample data: pipeline, server, a forecast over gRPC.
	@$(BIN)/demandcast quickstart --config examples/quickstart.yaml

lint: setup  ## ruff: format and rules.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: setup  ## mypy --strict.
	MYPYPATH=build/links $(BIN)/mypy -p demandcast.schema -p demandcast.components -p demandcast.serving -p demandcast.pipeline
	MYPYPATH=terraform/tests $(BIN)/mypy -p schema_provider

imports: setup  ## The import contracts.
	$(BIN)/lint-imports

unit: setup  ## Tests that need no TensorFlow; seconds.
	$(BIN)/pytest -m "not slow" -q

browser: build/.browser  ## Installs Chromium for the tests of the report, where it may.

build/.browser: requirements/set-up-browser
	@requirements/set-up-browser
	@mkdir -p build && touch $@

infra: build/.infra  ## Installs what checks the manifests: checkov, schemas, promtool.

build/.infra: requirements/infra.txt requirements/set-up-infra | build/.installed
	@requirements/set-up-infra
	@touch $@

terraform-tools: build/.terraform  ## Installs what checks terraform/: provider schemas, a mock of AWS.

build/.terraform: requirements/terraform.txt requirements/set-up-terraform | build/.installed
	@requirements/set-up-terraform
	@touch $@

oracles: build/.oracles  ## Installs what only checks our numbers: stockpyl.

build/.oracles: requirements/oracles.txt requirements/set-up-oracles | build/.installed
	@requirements/set-up-oracles
	@touch $@

test: setup browser infra terraform-tools oracles lint types imports  ## What a change must pass: set-up, lint, types, import contracts, tests.
	$(PYTEST_ON_TWO) -m "not proof" --durations 40

test-k8s: setup infra  ## The manifests of serving/k8s: rendered, checked against schemas and rules; half a minute.
	$(BIN)/pytest tests/k8s -q

test-infra: setup infra terraform-tools  ## terraform/: every root planned, scanned and refused bad values; EKS applied to a mock; ten minutes.
	$(BIN)/pytest terraform/tests -n 2 --dist loadfile --durations 20

test-proofs: setup  ## The tests that train or kill whole runs of their own: eight minutes.
	$(PYTEST_ON_TWO) -m proof --durations 10

test-crash: setup  ## Every stage killed at every moment, and without disk space; needs root for the latter.
	$(BIN)/pytest tests/crash/matrix.py

test-kubeflow: setup  ## The compiled pipeline on an emulated Kubeflow Pipelines 2.5, 2.17 and 3: ten minutes.
	$(BIN)/pytest tests/kubeflow/walk.py --durations 12

test-image: setup  ## The Dockerfile's steps in a Debian 13 root, and a pipeline inside: three minutes, needs root. [TARGET=gpu]
	@TARGET=$(or $(TARGET),cpu) tests/image/run

test-tfx121: setup  ## The other TFX line: all of it on 1.21.0 in a Debian 13 root; ten minutes, needs root.
	@tests/debian13/run

bench: setup  ## Cost of each stage beside a reference, into docs/benchmarks.md: make bench [SIZES="1 4 16"]
	PYTHONPATH=tests/benchmarks $(BIN)/python tests/benchmarks/scaling.py --sizes $(or $(SIZES),1 4 16) --output $(or $(OUTPUT),docs/benchmarks.md)

bench-ingest: setup  ## Rows/s and memory of ingestion: make bench-ingest CONFIG=... SALES=...
	$(BIN)/python tests/benchmarks/ingest.py $(CONFIG) --sales $(SALES)

bench-evaluation: setup  ## The Evaluator on synthetic series: make bench-evaluation WORKSPACE=... [SERIES=50000]
	PYTHONPATH=tests/helpers $(BIN)/python tests/benchmarks/evaluation.py --series $(or $(SERIES),50000) --workspace $(WORKSPACE)

bench-freshretailnet: setup  ## The whole walk on real data: make bench-freshretailnet SALES=... WORKSPACE=...
	PYTHONPATH=tests/benchmarks $(BIN)/python tests/benchmarks/freshretailnet.py --sales $(SALES) --workspace $(WORKSPACE)

bench-continuity: setup  ## False alarms about good weekly data: make bench-continuity SALES=/folder/of/walmart
	@PYTHONPATH=tests/benchmarks:tests/helpers $(BIN)/python tests/benchmarks/continuity.py --sales $(SALES)

bench-weighting: setup  ## Intervals by speed of series for each training.weighting: make bench-weighting [CONFIG=... SALES=...]
	@TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python tests/benchmarks/weighting.py --config $(or $(CONFIG),examples/quickstart.yaml) $(if $(SALES),--set data.sales=$(SALES))

bench-walmart: setup  ## Weekly real data: make bench-walmart SALES=/its/folder WORKSPACE=...
	PYTHONPATH=tests/benchmarks $(BIN)/python tests/benchmarks/walmart_weekly.py --sales $(SALES) --workspace $(WORKSPACE)

bench-online-retail: setup  ## Raw invoices, line by line: make bench-online-retail SALES=... WORKSPACE=...
	$(BIN)/python tests/benchmarks/online_retail.py --sales $(SALES) --workspace $(WORKSPACE)

bench-orders: setup  ## 100,000 series to proposals: seconds, memory, beside a plain loop: make bench-orders [SERIES=100000] [BUDGET=0.5]
	$(BIN)/python tests/benchmarks/proposals.py --series $(or $(SERIES),100000) $(if $(BUDGET),--budget-share $(BUDGET))

bench-replenishment: setup  ## Service and cost of orders on real invoices: make bench-replenishment SALES=... WORKSPACE=...
	@TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python -W ignore tests/benchmarks/replenishment_service.py --sales $(SALES) --workspace $(WORKSPACE)

bench-chain: setup  ## Service and cost of orders on a simulated chain, beside one who knows its demand; 25 minutes: make bench-chain WORKSPACE=... [PRESET=quickstart]
	@TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python -W ignore tests/benchmarks/replenishment_chain.py --workspace $(WORKSPACE) --preset $(or $(PRESET),standard)

bench-causes: setup  ## What a model's errors come from, after bench-chain; two minutes: make bench-causes WORKSPACE=... [PRESET=quickstart]
	@PYTHONPATH=tests/benchmarks TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python -W ignore tests/benchmarks/error_causes.py --workspace $(WORKSPACE) --preset $(or $(PRESET),standard)

bench-knowledge: setup  ## What the mathematics of orders loses against perfect knowledge of the demand. [STORES=4] [ITEMS=30]
	$(BIN)/python tests/benchmarks/replenishment_knowledge.py --stores $(or $(STORES),4) --items $(or $(ITEMS),30)

bench-lead-times: setup  ## Lead times fitted to real deliveries: make bench-lead-times HISTORY=/SCMS...csv.zip
	$(BIN)/python tests/benchmarks/supplier_lead_times.py --history $(HISTORY)

bench-kubeflow: setup  ## Steps of a compiled pipeline on the emulator: make bench-kubeflow SALES=... WORKSPACE=... [CONFIG=...]
	@TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python -W ignore tests/benchmarks/kubeflow.py --config $(or $(CONFIG),examples/freshretailnet.yaml) --sales $(SALES) --workspace $(WORKSPACE)

bench-serving: setup  ## Latency and throughput beside an echo server, after `make run`: make bench-serving [SERVING=its/folder]
	@TF_CPP_MIN_LOG_LEVEL=3 GRPC_VERBOSITY=NONE $(BIN)/python -W ignore tests/benchmarks/serving.py --serving $(or $(SERVING),runs/serving)

bench-serving-graph: setup  ## CPU time of the exported graph: make bench-serving-graph [MODEL=runs/serving REFERENCE=another/model]
	@PYTHONWARNINGS=ignore $(BIN)/python tests/benchmarks/serving_graph.py --model $(or $(MODEL),runs/serving) $(if $(REFERENCE),--reference $(REFERENCE))

contract-models: setup  ## Models and models.config for a server that is not ours: make contract-models DIR=... [SEEN_AS=/models]
	@TF_CPP_MIN_LOG_LEVEL=3 PYTHONPATH=tests/helpers $(BIN)/python -W ignore tests/helpers/serving_contract.py $(DIR) $(if $(SEEN_AS),--seen-as $(SEEN_AS))

contract: setup  ## The contract tests against any server: make contract TARGET=host:port [REST=host:port] [MODELS=/as/it/sees/them]
	$(BIN)/pytest -n0 tests/serving_contract $(if $(TARGET),--serving-target $(TARGET)) $(if $(REST),--serving-rest $(REST)) $(if $(MODELS),--serving-models $(MODELS))

soak: setup  ## 100,000 requests against the server: no error, flat memory; five minutes. [REQUESTS=100000] [CLIENTS=16]
	@TF_CPP_MIN_LOG_LEVEL=3 PYTHONPATH=tests/helpers $(BIN)/python -W ignore tests/soak/serving.py --requests $(or $(REQUESTS),100000) --clients $(or $(CLIENTS),16)

faults: setup  ## Bad data and bad models, and good ones: what is pushed? make faults [REPEAT=3] [KINDS="frozen unit"]
	@TF_CPP_MIN_LOG_LEVEL=3 PYTHONPATH=tests/faults $(BIN)/python -m faults --repeat $(or $(REPEAT),3) --kinds $(KINDS)

lock: setup  ## Regenerates the locks of both TFX lines, of the image, of infra, of terraform and of oracles from the .in files.
	$(UV) pip compile -q --upgrade --generate-hashes --no-emit-index-url --python-version 3.11 --python-platform x86_64-manylinux_2_36 requirements/tfx-1.16.0.in -o requirements/tfx-1.16.0.txt
	$(UV) pip compile -q --upgrade --generate-hashes --no-emit-index-url --python-version 3.11 --python-platform x86_64-manylinux_2_40 requirements/tfx-1.21.0.in -o requirements/tfx-1.21.0.txt
	$(UV) pip compile -q --upgrade --generate-hashes --no-emit-index-url --python-version 3.11 --python-platform x86_64-manylinux_2_40 requirements/image.in -o requirements/image.txt
	$(UV) pip compile -q --upgrade --generate-hashes --no-emit-index-url --python-version 3.11 --python-platform x86_64-manylinux_2_40 requirements/image-gpu.in -o requirements/image-gpu.txt
	$(UV) pip compile -q --upgrade --generate-hashes --no-emit-index-url --python-version 3.11 --python-platform x86_64-manylinux_2_36 requirements/infra.in -o requirements/infra.txt
	$(UV) pip compile -q --upgrade --generate-hashes --no-emit-index-url --python-version 3.11 --python-platform x86_64-manylinux_2_36 requirements/terraform.in -o requirements/terraform.txt
	$(UV) pip compile -q --upgrade --generate-hashes --no-emit-index-url --python-version 3.11 --python-platform x86_64-manylinux_2_36 requirements/oracles.in -o requirements/oracles.txt

clean:  ## Removes what make made, but not runs/.
	rm -rf build .venv
