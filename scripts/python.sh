#!/usr/bin/env bash
# Checks and tests what is written in Python: sdk/python, and examples that use it. Real networks are
# started from the built program.
#
#   python.sh              everything; arguments go to pytest
#   python.sh --venv       only makes the environment and prints where it is
#   python.sh --measure    measures a list of 10,000 authorizations instead
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/env.sh
. scripts/env.sh

readonly REQUIREMENTS=sdk/python/requirements-dev.txt

venv="${XDG_CACHE_HOME:-$HOME/.cache}/precinto/python"

# Outside the clone, from exact versions; made anew when these change.
make_venv() {
  local wanted
  wanted="$(python3 --version) $(sha256sum <"$REQUIREMENTS")"
  [ "$(cat "$venv/made-of" 2>/dev/null)" != "$wanted" ] || return 0
  echo "python: installing what $REQUIREMENTS lists in $venv" >&2
  python3 -m venv --clear "$venv" &&
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$REQUIREMENTS" &&
    printf '%s\n' "$wanted" >"$venv/made-of"
}

scripts/setup.sh python
if ! make_venv; then
  echo "python: $venv could not be made (see above); nothing written in Python was checked" >&2
  # Without a network the rest can be tested all the same.
  [ "${1:-}" != --venv ] || exit 1
  exit 0
fi
if [ "${1:-}" = --venv ]; then
  echo "$venv"
  exit
fi

scripts/build-contracts.sh
# As the tests build it: with other features chosen, half of the node would be compiled again.
cargo build --workspace --bins --examples
# Nothing is left in the clone.
export PYTHONDONTWRITEBYTECODE=1 RUFF_NO_CACHE=true
cd sdk/python
if [ "${1:-}" = --measure ]; then
  tests=../../examples/postgres-mirror/tests
  PYTHONPATH="src:tests:$tests" exec "$venv/bin/python" "$tests/measure.py"
fi
paths=(. ../../examples/postgres-mirror)
"$venv/bin/ruff" format --quiet --check "${paths[@]}"
"$venv/bin/ruff" check --quiet "${paths[@]}"
"$venv/bin/mypy" --cache-dir "$venv/mypy"
# The package as it would be published: whole, and with its types.
built="$(mktemp -d)"
trap 'rm -rf "$built"' EXIT
"$venv/bin/python" -m hatchling build --target wheel --directory "$built" >/dev/null
"$venv/bin/python" -m zipfile --list "$built"/*.whl | grep -q precinto/py.typed
"$venv/bin/python" -m pytest -q -c pyproject.toml -p no:cacheprovider "$@"
