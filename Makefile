# Thin: scripts/ does the work.
.PHONY: help setup contracts build run test lint simulate mutations chaos fuzz bench clean-network
.DEFAULT_GOAL := help

help: ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-14s %s\n", $$1, $$2 }'

setup: ## install or explain what this machine lacks
	@scripts/setup.sh

contracts: setup ## build the contracts to WASM
	@scripts/build-contracts.sh

build: ## build everything
	@scripts/build.sh

run: ## build and run the development network until Ctrl-C
	@scripts/run.sh

test: ## run every test
	@scripts/test.sh

lint: ## check format, clippy, licences and advisories
	@scripts/lint.sh

mutations: ## check that simulation finds every deliberate bug
	@scripts/mutations.sh

simulate: ## run simulated networks with faults: make simulate SEEDS=0..1000
	@scripts/simulate.sh --seeds $(or $(SEEDS),0..100)

bench: ## measure everything and renew docs/BENCHMARKS.md (QUICK=1, BENCH_SIZES)
	@scripts/bench.sh

chaos: ## harm networks of real processes under load (ROUNDS=n, SEED=s) and check what they keep
	@scripts/chaos.sh $(or $(ROUNDS),10) $(SEED)

fuzz: ## fuzz one target: make fuzz TARGET=transaction MINUTES=5
	@scripts/fuzz.sh $(TARGET) $(MINUTES)

clean-network: ## delete the development network's data
	@scripts/clean-network.sh
