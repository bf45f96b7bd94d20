#!/bin/sh
# Checks each dump named for canonical form. Uses the netverdict that is installed, else builds the one beside this script.
here=$(dirname "$0")/../..
code=0
for dump; do
    if command -v netverdict >/dev/null; then
        netverdict fmt --check "$dump" || code=1
    else
        cargo run --quiet --release --locked --manifest-path "$here/Cargo.toml" --package netverdict -- fmt --check "$dump" || code=1
    fi
done
exit "$code"
