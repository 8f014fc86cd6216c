# Every target that people and CI use. `make help` lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST ?= $(BIN)/pytest
INSTALLED := $(VENV)/.installed
MARKET ?=
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: months messages dashboards help setup up down test test-slow chaos test-deploy lint format check bench soak capacity images bench-peers lighthouse lock api-lint audit sbom docs postman clean-state

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## create .venv with the locked packages; instant the second time

$(INSTALLED): requirements.lock pyproject.toml webui/package-lock.json webui/vendor.json
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' \
		|| { echo "Python 3.11 to 3.13 is needed, $(PYTHON) is $$($(PYTHON) --version). Try: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@echo "Installing the locked packages into $(VENV) (once; some minutes on a slow line)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --requirement requirements.lock
	@$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@cd webui && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --ignore-scripts --no-audit --no-fund --loglevel=error > /dev/null
	@$(BIN)/python -m webui.vendoring
	@touch $@

up: setup ## start everything, fill the history, run the pipeline; Ctrl-C stops it. MARKET=live|simulated|files:DIR
	@$(BIN)/coinsphere up $(if $(MARKET),--market $(MARKET))

down: setup ## stop what `coinsphere up --detach` started
	@$(BIN)/coinsphere down

test: setup ## run the tests against servers that the tests start themselves
	@$(PYTEST) -n logical --dist loadfile --no-loadscope-reorder -m "not slow and not chaos"

test-slow: setup ## run the tests that take minutes and rarely break: hung processes, killed workers, spread trainings
	@$(BIN)/pytest -n logical --dist loadfile --no-loadscope-reorder -m slow

chaos: setup ## kill and stop processes while people write, count what was acknowledged, print a table
	@$(BIN)/pytest tests/chaos -n 0 -q

test-deploy: setup ## render the Helm chart and hold it against the schemas of the Kubernetes API
	@$(BIN)/pip install --quiet --editable '.[deploy]' --constraint requirements.lock --no-build-isolation
	@$(BIN)/pytest tests/unit/deploy

lint: setup ## formatting, lint, types, layers, dbt, workflows, secrets in the tree and its history
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/node webui/node_modules/typescript/bin/tsc --project webui/tsconfig.json
	@$(BIN)/python -m orchestration.warehouse.lint
	@$(BIN)/bandit --quiet --recursive --configfile pyproject.toml coinsphere ml expectations orchestration webapi webui
	@$(BIN)/zizmor --quiet --offline .github/workflows
	@$(BIN)/python .ci/secret_scan.py

format: setup ## write the formatting that lint asks for
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

check: lint test ## what CI runs

bench: setup ## measure speed and memory; prints a table and writes bench/results.json
	@$(BIN)/python -m bench

soak: setup ## API and worker for half an hour at 60 % of what they can do, and what grew meanwhile; MINUTES=10 for less
	@$(BIN)/python -m bench.soak $(if $(MINUTES),--minutes $(MINUTES))

lighthouse: setup ## judge front page, dashboard and token by Lighthouse in Chromium, of its own lock of npm
	@cd bench/npm && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --ignore-scripts --no-audit --no-fund --loglevel=error > /dev/null
	@$(BIN)/python -m bench.lighthouse

capacity: setup ## measure what users cost and write docs/capacity.md; USERS=1000000 for more, which takes hours
	@$(BIN)/python -m bench.capacity $(if $(USERS),--users $(USERS)) $(if $(TRANSACTIONS),--transactions $(TRANSACTIONS))

images: setup ## build the images with buildah and start what they are for; IMAGES="web pipeline", BASE=…
	@$(BIN)/python -m bench.images $(IMAGES)

bench-peers: setup ## our forecasts beside those of known libraries, in an environment of their own; writes bench/peers.json
	@$(PYTHON) -m venv $(VENV)-peers
	@$(VENV)-peers/bin/pip install --quiet --editable '.[peers]' --constraint requirements.lock
	@$(VENV)-peers/bin/python -m bench.peers

lock: ## resolve the ranges of pyproject.toml anew into requirements.lock
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT \
		&& $(PYTHON) -m venv "$$folder" \
		&& "$$folder/bin/pip" install --quiet --upgrade pip setuptools \
		&& "$$folder/bin/pip" install --quiet --editable '.[dev]' \
		&& "$$folder/bin/pip" freeze --all --exclude-editable \
			| grep -v -i -E '^(pip|wheel)==' | sed -E 's/^(torch==[0-9.]+)\+.*/\1/' > requirements.lock \
		&& wc -l requirements.lock

client: setup ## make the types of clients/python of the API's description
	@$(BIN)/coinsphere api openapi | $(BIN)/python clients/python/generate.py && $(BIN)/ruff format --quiet clients

api-lint: setup ## judge the API's description by Spectral and Redocly, and write its types for TypeScript (clients/npm/coinsphere.d.ts)
	@cd clients/npm && export PATH="$(CURDIR)/$(BIN):$$PATH" REDOCLY_TELEMETRY=off \
		&& npm ci --ignore-scripts --no-audit --no-fund --loglevel=error > /dev/null \
		&& coinsphere api openapi > openapi.json \
		&& npx --no-install spectral lint --fail-severity warn openapi.json \
		&& npx --no-install redocly lint openapi.json \
		&& npx --no-install openapi-typescript openapi.json --output coinsphere.d.ts \
		&& npx --no-install tsc --noEmit --strict coinsphere.d.ts

audit: setup ## compare the lock with known vulnerabilities; where the advisory service is away it says so, and fails in CI
	@$(BIN)/python .ci/audit.py requirements.lock

sbom: setup ## write what the system is made of, with licences: build/sbom.json (CycloneDX)
	@mkdir -p build
	@# Apart: it brings a parser of IRIs that every later import of jsonschema builds anew, two seconds for each dbt.
	@$(PYTHON) -m venv $(VENV)-sbom
	@$(VENV)-sbom/bin/pip install --quiet cyclonedx-bom==7.5.0
	@$(VENV)-sbom/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --of JSON \
		--output-file build/sbom.json $(BIN)/python

postman: setup ## write the API as a Postman collection: build/coinsphere.postman_collection.json
	@mkdir -p build
	@$(BIN)/coinsphere api postman > build/coinsphere.postman_collection.json

dashboards: setup ## write the dashboards for Grafana into build/grafana
	@$(BIN)/python deploy/grafana/dashboards.py build/grafana

months: setup ## store the months of all languages, as the installed Babel has them
	@$(BIN)/python -m coinsphere.portfolio.imports.formats.month_names

messages: setup ## gather what is to be translated into coinsphere/locale/*/LC_MESSAGES/messages.po
	@$(BIN)/python -m webui.messages

docs: setup ## write the documents that are made from code
	@$(BIN)/coinsphere config docs > docs/settings.md
	@$(BIN)/python -m webui.npm_packages

clean-state: ## stop everything and remove all local state
	@if [ -x $(BIN)/coinsphere ]; then $(BIN)/coinsphere down; fi
	@rm -rf "$${COINSPHERE_HOME:-.coinsphere}"
	@echo "Local state removed"
