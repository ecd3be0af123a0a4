#!/usr/bin/env bash
# Builds everything and runs the development network until Ctrl-C.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
# shellcheck source=scripts/env.sh
. scripts/env.sh
scripts/build-contracts.sh
cargo build --package precinto-server --bin precinto
exec "$CARGO_TARGET_DIR/debug/precinto" network run --config network-configs/dev.toml \
  --contracts "$CARGO_TARGET_DIR/contracts" --dir "${PRECINTO_DIR:-network}" \
  --import uy-dna=network-configs/sample/uy-aeo.csv \
  --import pe-sunat=network-configs/sample/pe-aeo.csv \
  --import br-rfb=network-configs/sample/br-aeo.csv
