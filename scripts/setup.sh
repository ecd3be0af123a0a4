#!/usr/bin/env bash
# Installs what the machine lacks to build Precinto, or says exactly what to install.
# Idempotent, and done in well under a second when nothing is missing.
set -euo pipefail

# The oldest compiler that builds the workspace (rust-version in Cargo.toml).
readonly RUST_MAJOR=1 RUST_MINOR=95
# Fetching the wasm target from a server that does not answer must not hold up the set-up.
readonly RUSTUP_SECONDS=60

say() { printf 'setup: %s\n' "$*"; }
fail() {
  printf 'setup: %s\n' "$@" >&2
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

check_rust() {
  local hint="install it from https://rustup.rs, then run: rustup toolchain install stable"
  have cargo && have rustc || fail "Rust is missing: $hint"
  local version major minor
  version="$(rustc --version | cut -d' ' -f2)"
  IFS=. read -r major minor _ <<<"$version"
  if [ "$major" -lt $RUST_MAJOR ] || { [ "$major" -eq $RUST_MAJOR ] && [ "$minor" -lt $RUST_MINOR ]; }; then
    fail "rustc $version is too old: $RUST_MAJOR.$RUST_MINOR or newer is needed" \
      "  rustup update stable    (or $hint)"
  fi
}

# bindgen (for RocksDB) loads libclang when it builds.
have_libclang() {
  [ -n "${LIBCLANG_PATH:-}" ] || compgen -G '/usr/lib/llvm-*/lib/libclang*.so*' >/dev/null ||
    compgen -G '/usr/lib*/libclang*.so*' >/dev/null ||
    compgen -G "/usr/lib/$(uname -m)-linux-gnu/libclang*.so*" >/dev/null ||
    compgen -G '/Library/Developer/CommandLineTools/usr/lib/libclang.dylib' >/dev/null
}

have_rocksdb() {
  [ -n "${ROCKSDB_LIB_DIR:-}" ] || compgen -G "/usr/lib/$(uname -m)-linux-gnu/librocksdb.so" >/dev/null ||
    [ -e /usr/lib64/librocksdb.so ] || [ -e /usr/lib/librocksdb.so ]
}

have_rustup_target() {
  have rustup && rustup target list --installed 2>/dev/null | grep -qx wasm32-unknown-unknown
}

# Debian's own compiler with the sources of the standard library: scripts/build-contracts.sh.
have_debian_wasm() {
  [ -x /usr/bin/rustc ] && [ -e "$(/usr/bin/rustc --print sysroot)/lib/rustlib/src/rust/library/core/Cargo.toml" ] &&
    { have wasm-ld || compgen -G '/usr/bin/wasm-ld-*' >/dev/null; }
}

# Rustup's own target where it can be fetched; false otherwise.
add_rustup_target() {
  have rustup || return 1
  say "adding the Rust target wasm32-unknown-unknown (at most ${RUSTUP_SECONDS} s)"
  timeout "$RUSTUP_SECONDS" rustup target add wasm32-unknown-unknown >/dev/null 2>&1 && have_rustup_target
}

install_packages() {
  local -a as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    have sudo || fail "missing packages and no sudo: as root, run" "  apt-get install $*"
    as_root=(sudo)
  fi
  say "installing: $*"
  local -a apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0)
  "${apt[@]}" update
  "${apt[@]}" install -y --no-install-recommends "$@" >/dev/null ||
    fail "apt-get could not install them; as root, run: apt-get install $*"
}

explain() {
  fail "this machine lacks: $*" \
    "  a C compiler and make    Debian: build-essential; Fedora: gcc make; macOS: xcode-select --install" \
    "  libclang                 Debian: libclang-dev; Fedora: clang-devel" \
    "  protoc                   Debian: protobuf-compiler; Fedora: protobuf-compiler; macOS: brew install protobuf" \
    "  the wasm target          rustup target add wasm32-unknown-unknown" \
    "Install them with the system's package manager and run it again."
}

main() {
  check_rust
  local -a missing=()
  { have cc && have make; } || missing+=(build-essential)
  have_libclang || missing+=(libclang-dev)
  have protoc || missing+=(protobuf-compiler)
  local wasm=yes
  have_rustup_target || have_debian_wasm || add_rustup_target || wasm=no

  if have apt-get; then
    have_rocksdb || missing+=(librocksdb-dev)
    [ $wasm = yes ] || missing+=(rustc-web rust-web-src lld)
    [ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}"
    return
  fi
  [ $wasm = yes ] || missing+=("the wasm target")
  [ ${#missing[@]} -eq 0 ] || explain "${missing[*]}"
  have_rocksdb || say "no RocksDB library found: it is compiled from source, which takes long the first time"
}

main
