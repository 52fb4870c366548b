#!/usr/bin/env bash
# Sets the project up, then runs lint, types and tests. Arguments go to pytest:
#   bash tools/test.sh                  everything, two tests at a time; those of speed alone, at the end
#   bash tools/test.sh -m "not slow"    without the tests that take more than five seconds
#   bash tools/test.sh --pythons 3.11,3.12,3.13   these tests alone, on each Python that is there or that uv
#                                       fetches, in environments of their own (.venv-3.11, ...)
set -euo pipefail

# shellcheck source=tools/setup.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/setup.sh"
read_pythons "$@"
if ((${#PYTHONS[@]})); then
    cd -- "$ROOT"
    quick_tests() { "$PYTHON" -m pytest -n 2 --dist loadfile -m "not slow" ${REST[@]+"${REST[@]}"}; }
    on_each_python quick_tests
    exit
fi
setup_environment dev
install_debian dciodvfy dicom3tools  # checks DICOM results by the tables of the standard
install_debian storescu dcmtk  # sends films to the DICOM node
install_debian Orthanc orthanc orthanc-dicomweb  # stands for a hospital's archive
install_debian chromium chromium fonts-liberation  # opens the report
cd -- "$ROOT"

say "test: ruff check"
"$PYTHON" -m ruff check .
say "test: ruff format"
"$PYTHON" -m ruff format --check .
say "test: imports go one way"
"$VENV/bin/lint-imports" --no-cache
say "test: mypy"
"$PYTHON" -m mypy
say "test: pytest"
if (($#)); then
    exec "$PYTHON" -m pytest "$@"
fi
"$PYTHON" -m pytest -n 2 --dist loadfile --ignore tests/test_speed.py
exec "$PYTHON" -m pytest tests/test_speed.py
