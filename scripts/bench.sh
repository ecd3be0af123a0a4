#!/usr/bin/env bash
# Measures everything that docs/BENCHMARKS.md shows, on this machine, built with optimization.
#
#   BENCH_SIZES="10000 100000"   records of the growth runs
#   QUICK=1                      a short form that shows that it works; docs/BENCHMARKS.md stays as it is
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
# shellcheck source=scripts/env.sh
. scripts/env.sh

quick=()
if [ "${QUICK:-0}" != 0 ]; then quick=(--quick); fi
sizes="${BENCH_SIZES:-10000 100000}"
[ ${#quick[@]} -eq 0 ] || sizes=2000

bench="$CARGO_TARGET_DIR/bench"
results="$bench/results"
criterion="$CARGO_TARGET_DIR/criterion"

scripts/build-contracts.sh
# The whole workspace, here and below: with some of its packages, dependencies have other features and
# are compiled again.
cargo build --release --workspace --bins

# Figures of an earlier run must not stand beside those of this one.
rm -rf "$results" "$bench/tmp" "$criterion"
mkdir -p "$results" "$bench/tmp"
# Networks belong on a disk; /tmp may be memory.
export TMPDIR="$bench/tmp"
load() { "$CARGO_TARGET_DIR/release/precinto-load" "$@"; }

load machine --out "$results/machine.json"
cat "$results/machine.json"
echo
if [ -d benches/steps ]; then
  cargo bench --workspace --bench '*' -- "${quick[@]}"
fi
load network "${quick[@]}" --out "$results/network.json"
for records in $sizes; do
  load growth --records "$records" "${quick[@]}" --out "$results/growth-$records.json"
done

to=docs/BENCHMARKS.md
[ ${#quick[@]} -eq 0 ] || to="$results/BENCHMARKS.md"
"$CARGO_TARGET_DIR/release/precinto-bench-report" --results "$results" --criterion "$criterion" --to "$to"
echo "bench: the tables are in $to"
