#!/usr/bin/env bash
# Format, clippy with warnings as errors, and licences and advisories of dependencies.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
# shellcheck source=scripts/env.sh
. scripts/env.sh

for manifest in Cargo.toml contracts/Cargo.toml; do
  cargo fmt --all --check --manifest-path "$manifest"
  cargo clippy --workspace --all-targets --manifest-path "$manifest" -- -D warnings
done

# The golden vectors against the programs that wrote them from docs/FORMATS.md.
if python3 -c 'import cryptography' 2>/dev/null; then
  for generator in generate_log_state generate_core; do
    python3 "schemas/vectors/$generator.py" --check
  done
else
  echo "lint: python3-cryptography is not installed, the golden vectors were not checked against their generators"
fi

scripts/lint-docker.sh

if command -v cargo-deny >/dev/null 2>&1; then
  cargo deny --all-features check
else
  echo "lint: cargo-deny is not installed, licences and advisories were not checked (cargo install cargo-deny)"
fi
