#!/usr/bin/env bash
# A PostgreSQL cluster of its own in a directory, without network: reached by a socket that only its
# owner (and root) can open. Beside any other PostgreSQL of the machine.
#
#   postgres.sh start DIR  makes the cluster if there is none, starts it unless it runs, and
#                          prints its connection string
#   postgres.sh stop DIR   stops it (`restart` and `kill`: for those who test what survives)
set -euo pipefail

usage="usage: postgres.sh start|stop|restart|kill DIR"
verb="${1:?$usage}" dir="${2:?$usage}"

fail() {
  printf 'postgres: %s\n' "$@" >&2
  exit 1
}

bin="$(compgen -G '/usr/lib/postgresql/*/bin' | sort -V | tail -1)" || true
[ -n "$bin" ] || bin="$(pg_config --bindir 2>/dev/null)" ||
  fail "there is no PostgreSQL: apt-get install postgresql"

# PostgreSQL refuses to run as root: there, Debian's user for it does.
as_owner() {
  if [ "$(id -u)" -eq 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

ctl() {
  # Not from a directory that the owner may not enter.
  (cd / && as_owner "$bin/pg_ctl" --pgdata "$dir/data" --silent "$@" >/dev/null)
}

start() {
  if [ ! -e "$dir/data/PG_VERSION" ]; then
    mkdir -p "$dir"
    [ "$(id -u)" -ne 0 ] || chown postgres "$dir"
    chmod 700 "$dir"
    (cd / && as_owner "$bin/initdb" --pgdata "$dir/data" --username precinto --auth trust \
      --encoding UTF8 --locale C >/dev/null)
    cat >>"$dir/data/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$dir'
CONF
  fi
  ctl status || ctl --log "$dir/postgres.log" --wait start ||
    fail "it does not start: see $dir/postgres.log"
  printf 'postgresql:///postgres?host=%s&user=precinto\n' "$dir"
}

dir="$(realpath -m "$dir")"
# The path of a socket has at most 107 bytes.
[ "${#dir}" -le 88 ] || fail "the path of $dir is too long for a socket"
case "$verb" in
start) start ;;
stop) ctl --mode fast --wait stop ;;
restart) ctl --mode fast --wait --log "$dir/postgres.log" restart ;;
kill) ctl --mode immediate --wait stop ;;
*) fail "$usage" ;;
esac
