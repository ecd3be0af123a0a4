#!/usr/bin/env bash
# Keeps ops/docker/Dockerfile building where no engine is at hand: every source it copies is there,
# it copies every folder that the workspace has members in, it installs nothing of the build by itself
# (scripts/setup.sh has that list), and the packages of the running image exist in Debian 12.
set -euo pipefail
cd "$(dirname "$0")/.."
readonly FILE=ops/docker/Dockerfile
failed=0
complain() {
  printf 'lint-docker: %s\n' "$*" >&2
  failed=1
}

# Lines, with continuations joined and comments dropped.
instructions() { sed -e '/^ *#/d' "$FILE" | sed -e ':a' -e '/\\$/N; s/\\\n//; ta'; }

copied=()
while read -r _ arguments; do
  case "$arguments" in --from=*) continue ;; esac
  read -ra words <<<"$arguments"
  for source in "${words[@]:0:${#words[@]}-1}"; do
    [ -e "$source" ] || complain "copies $source, which is not there"
    copied+=("$source")
  done
done < <(instructions | grep '^COPY ')

for member in $(sed -n '/^members = \[/,/^\]/s/^ *"\([^/"]*\).*/\1/p' Cargo.toml | sort -u) contracts scripts; do
  printf '%s\n' "${copied[@]}" | grep -qx "$member" || complain "does not copy $member"
done

# Every copied path must be what git knows, or a clean clone lacks it.
for source in "${copied[@]}"; do
  [ -n "$(git ls-files -- "$source" | head -n 1)" ] || complain "copies $source, which is not committed"
done

build="$(instructions | sed '/^FROM debian/,$d')"
grep -q 'apt-get' <<<"$build" && complain "the build stage installs packages itself: that list is scripts/setup.sh"
grep -q '^RUN scripts/setup.sh' <<<"$build" || complain "the build stage does not run scripts/setup.sh"

rust="$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)"
grep -q "^FROM rust:$rust-" "$FILE" || complain "does not build with rust $rust, as Cargo.toml asks"

# The library that setup.sh's librocksdb-dev links the program with.
for package in $(instructions | sed '1,/^FROM debian/d' | grep -o 'apt-get install[^&]*' | tr ' ' '\n' | grep -Ev '^(apt-get|install|-.*|)$'); do
  policy="$(apt-cache policy "$package" 2>/dev/null || true)"
  if grep -q 'Candidate: [0-9]' <<<"$policy"; then continue; fi
  if grep -qs '^VERSION_ID="12"' /etc/os-release && compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null; then
    complain "installs $package, which Debian 12 does not have"
  fi
done

for needed in '^USER ' '^HEALTHCHECK ' '^STOPSIGNAL SIGTERM'; do
  instructions | sed '1,/^FROM debian/d' | grep -Eq "$needed" || complain "the image lacks $needed"
done
[ "$failed" -eq 0 ] && echo "lint-docker: $FILE fits the repository"
exit "$failed"
