#!/usr/bin/env bash
# Builds the contracts and the main workspace.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
# shellcheck source=scripts/env.sh
. scripts/env.sh
scripts/build-contracts.sh
cargo build --workspace
