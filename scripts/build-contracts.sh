#!/usr/bin/env bash
# Builds the contracts to $CARGO_TARGET_DIR/contracts/<name>.wasm, with their manifests beside them as
# <name>.toml.
#
# The target is wasm32v1-none: WASM 1.0, exactly what the engine admits (its standard library is not
# compiled for later features, as that of wasm32-unknown-unknown is). Two recipes: rustup's target
# where it is installed, else Debian's compiler with the sources of the standard library.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/env.sh
. scripts/env.sh

readonly TARGET=wasm32v1-none
readonly CONTRACTS=(aeo governance probe)
# A contract's own stack, in bytes: many times what one uses, and a small part of what an instance
# must clear between calls.
readonly STACK_BYTES=131072

root="$PWD"
build_dir="$CARGO_TARGET_DIR/wasm"
out_dir="$CARGO_TARGET_DIR/contracts"

has_rustup_target() {
  command -v rustup >/dev/null && rustup target list --installed 2>/dev/null | grep -qx "$TARGET"
}

# Debian: rustc-web, rust-web-src, lld.
debian_rustc=/usr/bin/rustc
debian_src() { printf '%s/lib/rustlib/src/rust/library' "$("$debian_rustc" --print sysroot)"; }
has_debian_recipe() {
  [ -x "$debian_rustc" ] && [ -e "$(debian_src)/core/Cargo.toml" ] && command -v wasm-ld >/dev/null
}

# Paths of this machine must not be readable in the modules. The same sources, compiler and path of
# the clone give the same bytes; another path gives other bytes of the same meaning, because cargo
# hashes the path of ../sdk into symbols.
flags=(
  -Ctarget-cpu=mvp
  "-Clink-arg=-zstack-size=$STACK_BYTES"
  "--remap-path-prefix=$root=precinto"
  "--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo"
)
options=(--release --locked --lib --target "$TARGET" --manifest-path contracts/Cargo.toml)
if has_rustup_target; then
  recipe="rustup's $TARGET, $(rustc --version)"
elif has_debian_recipe; then
  recipe="Debian's compiler, $("$debian_rustc" --version)"
  export RUSTC="$debian_rustc" RUSTC_BOOTSTRAP=1
  # The compiler knows no wasm-ld by rustup's name for it.
  flags+=(-Clinker=wasm-ld "--remap-path-prefix=$(debian_src)=library")
  options+=(-Zbuild-std=core,alloc)
else
  cat >&2 <<EOF
build-contracts: no compiler for WASM. Install one of:
  rustup target add $TARGET
  apt-get install rustc-web rust-web-src lld   (Debian)
EOF
  exit 1
fi

echo "build-contracts: $recipe"
CARGO_ENCODED_RUSTFLAGS="$(IFS=$'\x1f'; echo "${flags[*]}")"
export CARGO_ENCODED_RUSTFLAGS
cargo build "${options[@]}" --target-dir "$build_dir" "${CONTRACTS[@]/#/--package=precinto-}"

mkdir -p "$out_dir"
for contract in "${CONTRACTS[@]}"; do
  built="$build_dir/$TARGET/release/$contract.wasm"
  # Unchanged modules keep their time, so that what depends on them is not rebuilt.
  cmp --silent "$built" "$out_dir/$contract.wasm" || cp "$built" "$out_dir/$contract.wasm"
  # The contract that serves tests alone is in no network and has none.
  if [ -e "contracts/$contract/manifest.toml" ]; then
    cp "contracts/$contract/manifest.toml" "$out_dir/$contract.toml"
  fi
  printf 'build-contracts: %s.wasm, %s bytes, sha256 %s\n' "$contract" \
    "$(stat -c %s "$out_dir/$contract.wasm")" "$(sha256sum <"$out_dir/$contract.wasm" | cut -c1-16)"
done
