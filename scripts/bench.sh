#!/usr/bin/env bash
# Measures a network on this machine, built with optimization. Arguments go to the load generator.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
# shellcheck source=scripts/env.sh
. scripts/env.sh
scripts/build-contracts.sh
cargo build --release --package precinto-server --bin precinto
exec cargo run --release --package precinto-load -- "$@"
