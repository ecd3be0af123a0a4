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

if command -v cargo-deny >/dev/null 2>&1; then
  cargo deny --all-features check
else
  echo "lint: cargo-deny is not installed, licences and advisories were not checked (cargo install cargo-deny)"
fi
