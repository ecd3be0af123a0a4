#!/usr/bin/env bash
# Throws generated requests, good and bad, at a real network with a token of each role, and fails on
# a server error or an answer that the OpenAPI document does not announce: status, content type or
# schema. Takes some two minutes. Needs the binaries and contracts (scripts/test.sh builds them).
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=scripts/env.sh
. scripts/env.sh

# Per role, so that all of them take a minute and a half.
readonly SECONDS_PER_ROLE=20
# Away from the development network and from the cluster tests, which use 127.<pid>.
readonly ADDRESS=127.254.254.1
readonly API="http://$ADDRESS:8701"
readonly READY_SECONDS=60
readonly CHECKS=not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance
readonly ROLES=(officer supervisor auditor admin)

requirements=tests/security/requirements.txt
venv="${XDG_CACHE_HOME:-$HOME/.cache}/precinto/schemathesis-$(sha256sum <"$requirements" | cut -c1-16)"

if ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
  echo "schemathesis: SKIPPED, because Python 3 with venv is missing (Debian: apt-get install python3-venv)"
  exit 0
fi
if [ ! -e "$venv/complete" ]; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" --quiet --disable-pip-version-check install --no-deps --requirement "$requirements"
  touch "$venv/complete"
fi

work="$(mktemp -d)"
network_pid=
finish() {
  local status=$?
  if [ -n "$network_pid" ]; then
    kill "$network_pid" 2>/dev/null && wait "$network_pid" || true
  fi
  if [ $status -eq 0 ]; then rm -rf "$work"; else echo "schemathesis: network and reports are kept in $work" >&2; fi
}
trap finish EXIT

sed "s/127\.0\.0\.1/$ADDRESS/" network-configs/dev.toml >"$work/network.toml"
"$CARGO_TARGET_DIR/debug/precinto" network run --config "$work/network.toml" \
  --contracts "$CARGO_TARGET_DIR/contracts" --dir "$work/network" \
  --import uy-dna=network-configs/sample/uy-aeo.csv >"$work/network.log" 2>&1 &
network_pid=$!
token() { cat "$work/network/nodes/1/tokens/$1"; }
for ((waited = 0; ; waited++)); do
  grep -q '^The network runs' "$work/network.log" && break
  if [ $waited -ge $READY_SECONDS ] || ! kill -0 "$network_pid" 2>/dev/null; then
    cat "$work/network.log" >&2
    exit 1
  fi
  sleep 1
done

# What the node itself serves, not the copy in schemas/. The event stream is left out: it has no end.
curl --silent --show-error --fail -H "Authorization: Bearer $(token officer)" \
  "$API/v1/openapi.json" >"$work/openapi.json"
for role in "${ROLES[@]}"; do
  printf 'schemathesis: as %s\n' "$role"
  if ! (cd "$work" && "$venv/bin/schemathesis" run openapi.json --url "$API" \
    --header "Authorization: Bearer $(token "$role")" --exclude-operation-id follow_events \
    --checks "$CHECKS" --phases examples,coverage,fuzzing --max-examples 50 \
    --max-time "$SECONDS_PER_ROLE" --warnings off --no-color >"$work/$role.log" 2>&1); then
    cat "$work/$role.log" >&2
    exit 1
  fi
  grep -E 'generated|Tested' "$work/$role.log"
done
# Nothing of it has stopped a node or spoiled its accounts or its audit trail.
curl --silent --show-error --fail "$API/readyz" >/dev/null
"$CARGO_TARGET_DIR/debug/precinto" audit verify "$work"/network/nodes/1/audit/trail-*.jsonl
