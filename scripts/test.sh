#!/usr/bin/env bash
# Every test of both workspaces.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh chaos
# shellcheck source=scripts/env.sh
. scripts/env.sh

stage() {
  local name="$1" start=$SECONDS
  shift
  "$@"
  printf 'test: %s: %s s\n' "$name" $((SECONDS - start))
}

stage "contracts built" scripts/build-contracts.sh
# Cluster tests start the real binaries, which `cargo test` alone would not build.
stage "binaries built" cargo build --workspace --bins --examples
# A test more at a time than there are cores: those on real processes wait most of the time.
stage "main workspace" env RUST_TEST_THREADS=$(($(nproc) + 1)) cargo test --workspace
stage "contracts workspace" cargo test --workspace --manifest-path contracts/Cargo.toml
stage "generated requests" tests/security/schemathesis.sh
stage "Python" scripts/python.sh
