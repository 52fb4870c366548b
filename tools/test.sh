#!/usr/bin/env bash
# Sets the project up, then runs lint, types and tests. Arguments go to pytest:
#   bash tools/test.sh                  everything
#   bash tools/test.sh -m "not slow"    without the tests that take more than five seconds
set -euo pipefail

# shellcheck source=tools/setup.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/setup.sh"
setup_environment dev
cd -- "$ROOT"

say "test: ruff check"
"$PYTHON" -m ruff check .
say "test: ruff format"
"$PYTHON" -m ruff format --check .
say "test: mypy"
"$PYTHON" -m mypy
say "test: pytest"
exec "$PYTHON" -m pytest "$@"
