#!/usr/bin/env bash
# Deletes the development network's data: keys, ledgers, everything. Refuses any other directory.
set -euo pipefail
cd "$(dirname "$0")/.."
dir="${PRECINTO_DIR:-network}"
if [ ! -e "$dir" ]; then
  echo "clean-network: there is no $dir"
elif [ -e "$dir/genesis.cbor" ]; then
  rm -rf -- "$dir"
  echo "clean-network: deleted $dir"
else
  echo "clean-network: $dir has no genesis.cbor, so it is no development network: not deleted" >&2
  exit 1
fi
