# hubgate: what there is to do, one command each. `make` lists it.

CONFIG ?= debug
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
IMAGE ?= hubgate
CERTS ?= certs
SANDBOX ?=
SHOTS ?= .build/screenshots
ARGS ?=
CHECKOUT ?= ../cache-tests
ROUNDS ?= 3
SECONDS ?= 3
REPEAT ?= 1
BENCHED = .build/bench/release/hubgate

.DEFAULT_GOAL := help
.PHONY: help install run test test-fast check check-deploy build release certs image rundocker mntcerts format lint clean wrk bench bench-build bench-check bench-baseline cache-tests audit sbom fuzz soak audit-crashes cache-crashes cache-crowd cache-disk cache-readers limits sanitize screenshots compatibility budget herd slow-crowds api-fuzz

help: ## List what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

install: ## Install the libraries that are missing (Debian; sudo where not root)
	@config/install-deps.sh

run: install certs build ## Start on https://localhost:8080; without a token the sandbox
	@config/run.sh "$$(swift build -c $(CONFIG) --show-bin-path)/hubgate" $(if $(SANDBOX),--sandbox) $(ARGS)

test: install ## Build and run every test, the Python clients' too
	@config/install-deps.sh haproxy nginx libnginx-mod-stream wrk git git-lfs wget aria2 strace chromium fonts-dejavu-core
	@# The clients' environments come from PyPI while Swift builds.
	@Tests/contract/environments.sh & environments=$$!; \
		echo "swift build --build-tests"; swift build --build-tests || { kill $$environments; exit 1; }; \
		wait $$environments
	swift test --skip-build
	Tests/contract/run.sh

test-fast: ## Run the pure and the live tests only
	swift test

check: install ## What a change must pass: lint, the files for deployment, test
	@config/install-deps.sh clang-format shellcheck
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory check-deploy
	@$(MAKE) --no-print-directory test

check-deploy: ## Have the files for HAProxy, nginx, systemd, Compose, Kubernetes read by their tools
	@config/install-deps.sh haproxy nginx libnginx-mod-stream systemd docker-compose
	@config/check-deploy.sh

build: ## Build (CONFIG=debug or release)
	swift build -c $(CONFIG) --product hubgate

release: install ## Pack a binary that needs no Swift: .build/dist
	swift build -c release --product hubgate --static-swift-stdlib
	@config/release.sh "$$(swift build -c release --show-bin-path)/hubgate" "$(VERSION)"

sbom: build ## Write the bill of materials: .build/hubgate.cdx.json (CycloneDX)
	@config/sbom.sh "$$(swift build -c $(CONFIG) --show-bin-path)/hubgate" .build/hubgate.cdx.json

certs: ## Make certs/ (NAMES="gate 10.0.0.5" adds names, FORCE=1: again)
	@config/make-certs.sh $(if $(FORCE),--force) $(NAMES)

image: ## Build the container image, with Docker or buildah
	@docker/build.sh "$(IMAGE)" "$(VERSION)"

rundocker: certs ## Run the image with certs/ on https://localhost:8080
	@docker/run.sh --image "$(IMAGE)" --certs certs $(if $(SANDBOX),--sandbox)

mntcerts: ## The same with CERTS=DIRECTORY of cert.pem and key.pem
	@docker/run.sh --image "$(IMAGE)" --certs "$(CERTS)" --print $(if $(SANDBOX),--sandbox)

format: ## Set the style right in place
	@config/lint.sh --fix

lint: ## Check the style
	@config/lint.sh

compatibility: build ## Write docs/COMPATIBILITY.md: every client operation that was tried, with each version
	@Tests/contract/run.sh --compatibility test_hub_clients.py test_client_files.py test_client_file_system.py \
		test_client_commands.py test_client_libraries.py test_curl_files.py test_downloaders.py test_git.py \
		test_model_runners.py test_openai.py test_trusted_origins.py

clean: ## Remove what builds made (certs/, .env and .venv* stay)
	rm -rf .build .build-* .build_*

wrk: install ## Requests a second, release (DURATION=10 CONNECTIONS=64)
	@config/install-deps.sh wrk
	swift build -c release --product hubgate
	@Tests/load/wrk.sh "$$(swift build -c release --show-bin-path)/hubgate"

bench: bench-build ## Measure beside nginx and HAProxy (CASE=relayed, ROUNDS=3 SECONDS=3, WRITE=1)
	@$(if $(WRITE),config/python-env.sh .venv-bench bench/requirements.txt)
	@$(if $(WRITE),.venv-bench/bin/python,python3) bench --rounds $(ROUNDS) --seconds $(SECONDS) $(if $(CASE),--case $(CASE)) $(if $(WRITE),--write) $(BENCHED)

bench-check: bench-build ## Say whether a request costs 5 % more than bench/baseline.json (REPEAT=1)
	@python3 bench --check --repeat $(REPEAT) $(BENCHED)

bench-baseline: bench-build ## Write what a request costs to bench/baseline.json
	@python3 bench --baseline --repeat $(REPEAT) $(BENCHED)

bench-build: install
	@config/install-deps.sh nginx libnginx-mod-http-echo haproxy wrk valgrind strace
	swift build -c release --product hubgate --static-swift-stdlib --scratch-path .build/bench

cache-tests: build ## Run http-tests/cache-tests against a gateway (CHECKOUT=its clone)
	@HUBGATE_BINARY="$$(swift build -c $(CONFIG) --show-bin-path)/hubgate" python3 Tests/cache-tests/run.py "$(CHECKOUT)"

audit: build ## Try testssl.sh, sslyze and slowhttptest on a gateway
	@config/install-deps.sh
	@HUBGATE_BINARY="$$(swift build -c $(CONFIG) --show-bin-path)/hubgate" Tests/audit/run.sh

budget: build ## 50 real clients before the Hub's rate limit in its full size, two windows of 300 s (about 15 minutes)
	@HUBGATE_BUDGET_WINDOW=300 HUBGATE_BUDGET_QUOTA=2500 Tests/contract/run.sh -q -s test_budget.py -k real_clients

audit-crashes: build ## Kill -9 at random moments of many writes; the audit has to have them all
	@HUBGATE_CRASH_WRITES=2000 HUBGATE_CRASH_KILLS=60 Tests/contract/run.sh -q -s test_audit_crashes.py

cache-crashes: build ## Kill -9 at random moments of fills; no reader may get a byte that is not the file's
	@HUBGATE_CACHE_KILLS=200 Tests/contract/run.sh -q -s test_file_cache_crashes.py

herd: build ## 1,000 clients that download a model of 30 files at once, on one worker and on four: the Hub is asked what one client asks
	@HUBGATE_HERD_CLIENTS=1000 HUBGATE_HERD_FILES=30 Tests/contract/run.sh -q -s test_cache_workers.py -k herd

cache-disk: ## What small requests wait for beside a slow disk, which the kernel throttles; as root
	@swift build -c release --product hubgate
	@Tests/load/slow_disk.py "$$(swift build -c release --show-bin-path)/hubgate"

cache-readers: ## 64 readers of a cached file: MB/s a core beside the cipher alone, first byte of a hit, memory
	@swift build -c release --product hubgate
	@Tests/load/file_readers.py "$$(swift build -c release --show-bin-path)/hubgate"

cache-crowd: build ## 100 cold clients at once of one file: one transfer, first bytes, memory
	@HUBGATE_CACHE_CROWD=100 HUBGATE_CACHE_CROWD_MIB=256 Tests/contract/run.sh -q -s test_file_cache_crowd.py

api-fuzz: build ## schemathesis on the admin API and the facade for two minutes
	@HUBGATE_SCHEMATHESIS_SECONDS=120 HUBGATE_SCHEMATHESIS_EXAMPLES=200 Tests/contract/run.sh -q -s test_openapi.py -k schemathesis

slow-crowds: build ## Crowds of 500 slow clients of each kind: no other client waits, and all are cut in time
	@HUBGATE_SLOW_CROWD=500 Tests/contract/run.sh -q -s test_fairness.py -k crowd

limits: build ## Limits of keys with 1,000 clients at once on two workers
	@HUBGATE_LIMIT_CLIENTS=1000 Tests/contract/run.sh -q -s test_limits.py -k 'at_once'

screenshots: build ## Look at the home page in headless Chromium, 390 and 1280 px wide (SHOTS=.build/screenshots)
	@HUBGATE_BINARY="$$(swift build -c $(CONFIG) --show-bin-path)/hubgate" Tests/screenshots/run.sh "$(SHOTS)"

fuzz: ## Fuzz the request parser with the sanitizers (FUZZ_SECONDS=60)
	@Tests/fuzz/run.sh

soak: build ## Good and bad clients, a bad Hub (SOAK_SECONDS=120)
	@HUBGATE_BINARY="$$(swift build -c $(CONFIG) --show-bin-path)/hubgate" Tests/soak/run.sh

sanitize: install ## Every test and a short soak under the sanitizers
	@Tests/sanitize/run.sh
