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

# The book, in target/book (needs mdbook).
book:
    mdbook build docs

# The pictures of the documentation, made again from a fixture (needs chromium).
screenshots:
    cargo run --locked --package netverdict -- replay fixtures/hardened-ssh/bundle fixtures/hardened-ssh/captures --format html -o target/report.html
    chromium --headless --no-sandbox --disable-gpu --no-first-run --user-data-dir="$(mktemp -d)" --hide-scrollbars --window-size=1280,1080 --screenshot=docs/images/report.png "file://$PWD/target/report.html"

# Make the fixtures again from their generator.
fixtures:
    cargo run --locked --package netverdict-forge -- fixtures fixtures

# Put random cases through model and kernel: `just conform 1000..2000`, or `fresh:300` (Linux, root).
conform seeds:
    NETVERDICT_SEEDS={{ seeds }} NETVERDICT_SHRINK=3 cargo test --locked --package netverdict-conform --test random -- --nocapture

# Fuzz one target for SECONDS (needs cargo-fuzz and a nightly toolchain).
fuzz target seconds="60":
    cargo +nightly fuzz run {{ target }} -- -max_total_time={{ seconds }}

# Measure beside tcpdump and, as root, the kernel: one table of ratios in target/bench. `just bench --packets 200000 --profile`
bench *options:
    cargo build --release --locked --package netverdict --package netverdict-bench
    target/release/netverdict-bench run {{ options }}

# Each stage by itself: finding records, decoding, parsing, replaying.
bench-stages:
    cargo bench --locked --package netverdict-bench
