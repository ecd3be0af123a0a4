#!/usr/bin/env bash
# Installs what the machine lacks to build Precinto, or says exactly what to install.
# Idempotent, and done in well under a second when nothing is missing.
#
#   setup.sh [python] [postgresql] [chaos]    the same, and what the named parts need
set -euo pipefail
# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"

# The oldest compiler that builds the workspace (rust-version in Cargo.toml).
readonly RUST_MAJOR=1 RUST_MINOR=95
# Fetching the wasm target from a server that does not answer must not hold up the set-up.
readonly RUSTUP_SECONDS=60
readonly SLOW_ROCKSDB="no RocksDB 7 library here: it is compiled from source, 40 CPU-minutes the first time"

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

have_venv() { python3 -c 'import ensurepip, venv, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
have_postgresql() { compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || have initdb; }

# Whether the distribution has a RocksDB that the crate builds against: see scripts/env.sh.
offers_rocksdb() {
  apt-cache policy librocksdb-dev 2>/dev/null | grep -q 'Candidate: 7\.'
}

have_rustup_target() {
  have rustup && rustup target list --installed 2>/dev/null | grep -qx wasm32v1-none
}

# Debian's own compiler with the sources of the standard library: scripts/build-contracts.sh.
have_debian_wasm() {
  have wasm-ld && [ -x /usr/bin/rustc ] &&
    [ -e "$(/usr/bin/rustc --print sysroot)/lib/rustlib/src/rust/library/core/Cargo.toml" ]
}

# Rustup's own target where it can be fetched; false otherwise.
add_rustup_target() {
  have rustup || return 1
  say "adding the Rust target wasm32v1-none (at most ${RUSTUP_SECONDS} s)"
  timeout "$RUSTUP_SECONDS" rustup target add wasm32v1-none >/dev/null 2>&1 && have_rustup_target
}

apt() {
  local -a as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@"
}

install_packages() {
  local hint="as root, run: apt-get install $*"
  [ "$(id -u)" -eq 0 ] || have sudo || fail "packages are missing and there is no sudo: $hint"
  say "installing: $*"
  apt update || say "apt-get update failed, going on with the package lists there are"
  apt install -y --no-install-recommends "$@" >/dev/null || fail "apt-get failed: $hint"
}

install_on_debian() {
  local -a missing=("$@")
  if [ -z "${ROCKSDB_LIB_DIR:-}" ]; then
    # A fresh machine or container has no package lists, so nothing is known to be offered.
    compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null || apt update
    if offers_rocksdb; then missing+=(librocksdb-dev); else say "$SLOW_ROCKSDB"; fi
  fi
  [ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}"
}

explain() {
  fail "this machine lacks: $*" \
    "  a C compiler and make    Debian: build-essential; Fedora: gcc make; macOS: xcode-select --install" \
    "  libclang                 Debian: libclang-dev; Fedora: clang-devel" \
    "  protoc                   Debian: protobuf-compiler; Fedora: protobuf-compiler; macOS: brew install protobuf" \
    "  the wasm target          rustup target add wasm32v1-none" \
    "  python3-venv             Debian: python3-venv; elsewhere: Python 3.11 or newer" \
    "  postgresql               Debian, Fedora, macOS: postgresql" \
    "Install them with the system's package manager and run it again."
}

main() {
  check_rust
  local -a missing=()
  { have cc && have make; } || missing+=(build-essential)
  have_libclang || missing+=(libclang-dev)
  have protoc || missing+=(protobuf-compiler)
  local part
  for part in "$@"; do
    case "$part" in
    python) have_venv || missing+=(python3-venv) ;;
    postgresql) have_postgresql || missing+=(postgresql) ;;
    # Where they cannot be had, faults of links and disks are left out.
    chaos) have apt-get && ! { have ip && have nsenter; } && missing+=(iproute2 util-linux) ;;
    *) fail "$part is none of: python, postgresql, chaos" ;;
    esac
  done
  local wasm=yes
  have_rustup_target || have_debian_wasm || add_rustup_target || wasm=no

  if have apt-get; then
    [ $wasm = yes ] || missing+=(rustc-web rust-web-src lld)
    install_on_debian "${missing[@]}"
    return
  fi
  [ $wasm = yes ] || missing+=("the wasm target")
  [ ${#missing[@]} -eq 0 ] || explain "${missing[*]}"
  [ -n "${ROCKSDB_LIB_DIR:-}" ] || say "$SLOW_ROCKSDB"
}

main "$@"
