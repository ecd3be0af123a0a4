#!/usr/bin/env bash
# Fuzzes one target, or all of them one after the other, for some minutes each (docs/FUZZING.md):
#   scripts/fuzz.sh TARGET MINUTES
#   scripts/fuzz.sh --all MINUTES
# What breaks a target is left in fuzz/artifacts/<target>/. New inputs stay outside the clone;
# --keep TARGET takes the fewest that reach as much into the corpus.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/env.sh
. scripts/env.sh

usage() {
  sed -n '2,6s/^# \?//p' "$0" >&2
  echo "targets: $(targets | tr '\n' ' ')" >&2
  exit 2
}

targets() { for file in fuzz/fuzz_targets/*.rs; do basename "$file" .rs; done; }

if ! cargo fuzz --version >/dev/null 2>&1 || ! rustup toolchain list | grep -q '^nightly'; then
  cat >&2 <<'EOF'
fuzz: cargo-fuzz and the nightly compiler are needed:
  cargo install cargo-fuzz
  rustup toolchain install nightly --profile minimal
EOF
  exit 1
fi

# Inputs that are found, beside the builds. A corpus of the clone only grows by --keep.
found="$CARGO_TARGET_DIR/fuzz"
# Instrumented code has its own folder, but for the modules, which contracts are compared with.
contracts="$CARGO_TARGET_DIR/contracts"
instrumented="$CARGO_TARGET_DIR/instrumented"

# Without a sanitizer: there is next to no unsafe code of ours, and wasmtime handles signals.
fuzz() {
  local command="$1" target="$2"
  shift 2
  CARGO_TARGET_DIR="$instrumented" nice -n 19 cargo +nightly fuzz "$command" --sanitizer none "$target" "$@"
}

prepare() {
  scripts/build-contracts.sh
  mkdir -p "$instrumented"
  ln -sfn "$contracts" "$instrumented/contracts"
}

run() {
  local target="$1" minutes="$2"
  mkdir -p "$found/$target"
  printf 'fuzz: %s for %s minutes\n' "$target" "$minutes"
  fuzz run "$target" "$found/$target" "fuzz/corpus/$target" -- \
    -max_total_time=$((minutes * 60)) -timeout=20 -rss_limit_mb=3072 -max_len=16384 \
    -print_final_stats=1
}

keep() {
  local target="$1"
  fuzz run "$target" "fuzz/corpus/$target" "$found/$target" -- -merge=1 -max_len=4096
}

case "${1:-}" in
  --all)
    [ $# -eq 2 ] || usage
    prepare
    failed=()
    for target in $(targets); do run "$target" "$2" || failed+=("$target"); done
    [ ${#failed[@]} -eq 0 ] || { echo "fuzz: broken: ${failed[*]}" >&2; exit 1; }
    ;;
  --keep)
    [ $# -eq 2 ] || usage
    prepare
    keep "$2"
    ;;
  *)
    [ $# -eq 2 ] && [ -e "fuzz/fuzz_targets/$1.rs" ] || usage
    prepare
    run "$1" "$2"
    ;;
esac
