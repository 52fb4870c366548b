#!/usr/bin/env bash
# Sets the project up, then runs the demonstration: tools/demo.py says what it does and takes the arguments.
set -euo pipefail

# Relative paths in the arguments mean the caller's folder.
# shellcheck source=tools/setup.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/setup.sh"
setup_environment
export PYTHONPATH="$ROOT${PYTHONPATH:+:$PYTHONPATH}" # tools is not installed: it runs from the checkout
exec "$PYTHON" -m tools.demo "$@"
