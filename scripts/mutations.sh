#!/usr/bin/env bash
# Puts one deliberate bug after the other into simulated nodes and prints which seed found it, and by
# which checker. MUTATION=name tries one alone. Fails if one is not found within its seeds.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
# shellcheck source=scripts/env.sh
. scripts/env.sh
scripts/build-contracts.sh
exec cargo test --package precinto-simulation --features mutations --test mutations -- --nocapture
