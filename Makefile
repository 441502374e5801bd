# Each target is a line over `cargo xtask`; `cargo xtask help` has the rest. All it takes is Rust 1.95 with rustfmt and
# clippy, a C compiler, git and python3 with pip; what else a target needs, it installs by package name where it may.

.DEFAULT_GOAL := help
.PHONY: help run test check fix bench prove docs deps

help: ## What there is.
	@awk -F': ## ' '/^[a-z]+: ## / { printf "make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## A release build, then `konsul agent -dev`: no file, no privilege. Needs: Rust. ARGS="…" goes to the agent.
	@cargo xtask run -- $(ARGS)

test: ## Everything that must hold before a change lands; contains `make check`. Needs: as check; curl and strace, from apt.
	@cargo xtask test

check: ## Format, house rules, spelling, licences, book, lints, rustdoc; never writes. Needs: typos, cargo-deny, mdBook, installed once.
	@cargo xtask check

fix: ## Formats, applies what lints suggest, corrects spelling: the only target that writes. Needs: as check.
	@cargo xtask fix

bench: ## Benchmarks beside etcd and nsd. Needs: etcd-server, etcd-client, wrk, nsd and dnsperf, from apt. ARGS="…" goes to the benchmark.
	@cargo xtask bench -- $(ARGS)

prove: ## The long proofs, 80 minutes at most each, resumable: PART=kills|soak|seeds|mutants|contract|fuzz. Adds to the ledger.
	@cargo xtask prove $(PART)

docs: ## The book, built into target/book. Needs: mdBook, installed once.
	@cargo xtask docs

deps: ## Installs what check, test and bench need.
	@cargo xtask deps
