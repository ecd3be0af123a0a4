#!/usr/bin/env bash
# Runs simulated worlds by their seeds. Arguments go to the program: `--seeds 0..1000`, or
# `--seed 7 --verbose` to see one of them.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
# shellcheck source=scripts/env.sh
. scripts/env.sh
scripts/build-contracts.sh
# The whole workspace, as the tests do: with some of its packages, dependencies have other features and
# are compiled again.
cargo build --workspace --bins
exec "$CARGO_TARGET_DIR/debug/precinto-simulation" "$@"
