# Recipes that people and CI run alike. `just` lists them.

set positional-arguments

default:
    @just --list --unsorted

# Everything CI runs, in its order.
ci: fmt-check lint test

# Format all code.
fmt:
    cargo fmt --all

# Fail if code is not formatted.
fmt-check:
    cargo fmt --all --check

# Clippy over every target, warnings denied.
lint:
    cargo clippy --workspace --all-targets --locked -- -D warnings

# All tests: the README's test command.
test:
    cargo test --workspace --locked

# Review changed snapshots (needs cargo-insta).
snap:
    cargo insta test --workspace --review

# Fail on changed or orphaned snapshots (needs cargo-insta).
snap-check:
    cargo insta test --workspace --check --unreferenced=reject

# Licences, advisories, duplicates (needs cargo-deny).
deny:
    cargo deny check

# API documentation, warnings denied.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

# Make the fixtures again from their generator.
fixtures:
    cargo run --locked --package netverdict-forge -- fixtures fixtures

# Put random cases through model and kernel: `just conform 1000..2000` (Linux, root). Says what each extension reached.
conform seeds:
    NETVERDICT_SEEDS={{ seeds }} NETVERDICT_SHRINK=3 cargo test --locked --package netverdict-conform --test random -- --nocapture

# Fuzz one target for SECONDS (needs cargo-fuzz and a nightly toolchain).
fuzz target seconds="60":
    cargo +nightly fuzz run {{ target }} -- -max_total_time={{ seconds }}
