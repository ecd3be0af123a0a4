#!/usr/bin/env bash
# Rounds of faults on networks of real processes under load: docs/CHAOS.md.
#
#   chaos.sh [ROUNDS [SEED]]    by default ten rounds, of a seed from the clock
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh chaos
# shellcheck source=scripts/env.sh
. scripts/env.sh
scripts/build-contracts.sh
# The whole workspace, as the tests do: with some of its packages, dependencies have other features and
# are compiled again.
cargo build --workspace --bins
exec "$CARGO_TARGET_DIR/debug/precinto-chaos" --rounds "${1:-10}" ${2:+--seed "$2"}
