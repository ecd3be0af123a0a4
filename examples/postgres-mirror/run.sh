#!/usr/bin/env bash
# Mirrors the AEO status of all members into a PostgreSQL of its own, until Ctrl-C.
#
#   run.sh [NODE_DIR]     a node's directory; the first node of the development network if left out
#
# PRECINTO_MIRROR_DIR is where the database lives.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
cd "$here/../.."
node="${1:-network/nodes/1}"

fail() {
  printf 'mirror: %s\n' "$@" >&2
  exit 1
}
[ -e "$node/node.toml" ] ||
  fail "$node is no node's directory: start a network (make run), or name one"

scripts/setup.sh python postgresql
python="$(scripts/python.sh --venv)/bin/python"
if [ "$(id -u)" -eq 0 ]; then home=/var/lib/postgresql; else home="${XDG_DATA_HOME:-$HOME/.local/share}"; fi
data="${PRECINTO_MIRROR_DIR:-$home/precinto-mirror}"

database="$("$here/postgres.sh" start "$data")"
trap '"$here/postgres.sh" stop "$data"' EXIT
printf 'mirror: the database is %s; in another terminal:\n  psql "%s" -c "SELECT * FROM aeo_in_force"\n' \
  "$database" "$database"

# The node's own configuration says where it answers.
api="$(sed -n 's/^api = "\(.*\)"$/\1/p' "$node/node.toml")"
PYTHONPATH="sdk/python/src" "$python" "$here/precinto_mirror.py" \
  --node "http://$api" --token-file "$node/tokens/auditor" --database "$database"
