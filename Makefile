# The doors of the workbench, one line each. Anything longer is Rust in xtask/.
# CARGO_TARGET_DIR, CHROMIUM and SENTINEL_DATA are taken from the environment.

TARGET := $(or $(CARGO_TARGET_DIR),target)
LISTEN ?= 127.0.0.1:8000

# A binary without its dashboard is fine for `cargo build`, and a mistake behind every door here.
export SENTINEL_REQUIRE_DASHBOARD := 1
# A stale snapshot is a failure; only `make bless` rewrites.
export INSTA_UPDATE ?= no

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test check bench perf separability campaign tidy fmt lint document codegen model bless setup status tools dashboard release debug

help: ## List the doors
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: setup-demo release ## Set up, build and start the demo: http://127.0.0.1:8000 (LISTEN=host:port)
	@exec $(TARGET)/release/sentinel demo --listen $(LISTEN)

test: setup dashboard ## Set up and run every test: workspace, documents, dashboard, browser
	@cargo xtask test

check: setup tidy fmt dashboard lint document test ## Everything that has to hold before a change lands

tidy: tools ## Check the rules of the house: crate edges, purity, names, lengths, links
	@cargo xtask tidy

fmt: tools ## Check the format of Rust sources
	cargo fmt --all --check

lint: dashboard ## Clippy, and the dashboard's lints and types, warnings denied
	cargo clippy --workspace --all-targets -- -D warnings
	@cargo xtask dashboard check

document: dashboard ## Build the reference of all crates, warnings denied
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

codegen: debug ## Rewrite the parts of the book that the binary says of itself
	@cargo xtask codegen

model: release ## Train the model that ships, on synthetic payments
	$(TARGET)/release/sentinel train --synthetic --count 240000 --rate 300 --rate 4 --rate 0.1157 --rate 0.1157 --leaves 31 --depth 12 --learning-rate 0.15 --features-per-tree 0.5 --out fixtures/models/default.model

bless: dashboard ## Accept the present output as the expected one; read the difference before you commit it
	INSTA_UPDATE=always cargo test --workspace

bench: release ## Measure windows, model and the whole way, and with SENTINEL_DATA=DIR the main job on public tables
	@cargo xtask bench

perf: bench ## The same as bench

separability: release ## Measure how well fraud of the generator is told apart, without and with stream features
	@cargo xtask measure separability

campaign: release ## Oracle, SQL and crash checks at length, the main job killed: SENTINEL_DATA=DIR make campaign
	@cargo xtask campaign

setup: tools ## Make the machine ready for tests: Node, packages, Chromium, DuckDB, strace, faketime
	@cargo xtask setup --test

status: ## Ask a running server how it is (LISTEN=host:port)
	@curl --fail --silent --show-error http://$(LISTEN)/health && echo

# Steps of the doors above.

tools:
	@scripts/require-tools

setup-demo: tools
	@cargo xtask setup --demo

dashboard: tools
	@cargo xtask dashboard build

release: dashboard
	cargo build --release --package sentinel

debug: dashboard
	cargo build --workspace --bins
