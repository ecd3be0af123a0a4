# Sourced by every script: where builds go and which RocksDB is linked.
# shellcheck shell=bash

# Outside the clone, so that every clone on the machine shares the compiled dependencies.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/precinto/target}"

# The system's RocksDB where it is one that the crate builds against (Debian 12: librocksdb-dev
# 7.8.3); otherwise the crate compiles the bundled C++, which takes over 40 CPU-minutes the first
# time.
if [ -z "${ROCKSDB_LIB_DIR:-}" ] &&
  grep -qs '#define ROCKSDB_MAJOR 7' "${ROCKSDB_INCLUDE_DIR:-/usr/include}/rocksdb/version.h"; then
  for dir in "/usr/lib/$(uname -m)-linux-gnu" /usr/lib64 /usr/lib; do
    if [ -e "$dir/librocksdb.so" ]; then
      export ROCKSDB_LIB_DIR="$dir" ROCKSDB_INCLUDE_DIR="${ROCKSDB_INCLUDE_DIR:-/usr/include}"
      break
    fi
  done
fi
if [ -z "${ROCKSDB_LIB_DIR:-}" ]; then
  # GCC 13 and later no longer include <cstdint> by the way, which RocksDB 7.9 relies on.
  export CXXFLAGS="${CXXFLAGS:-} -include cstdint"
fi

# Cargo takes what another clone built for this one's if it is newer than the sources here. So when
# the clone changes, what was built of our own crates is forgotten; the dependencies stay.
precinto_clone="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
if [ "$(cat "$CARGO_TARGET_DIR/clone" 2>/dev/null)" != "$precinto_clone" ]; then
  mkdir -p "$CARGO_TARGET_DIR"
  find "$CARGO_TARGET_DIR" -type d -path '*/.fingerprint/precinto-*' -prune -exec rm -rf {} +
  printf '%s\n' "$precinto_clone" >"$CARGO_TARGET_DIR/clone"
fi
unset precinto_clone
