# shellcheck shell=bash
# Set-up shared by tools/demo.sh and tools/test.sh: source it, then call `setup_environment [EXTRAS]`.
# Makes .venv in the checkout (elsewhere if CXR_TF_VENV says so) with the first Python 3.11-3.13 that
# really runs (CXR_TF_PYTHON names another one), installs the project, and leaves $PYTHON to run it with.
# An environment whose requirements are unchanged is used again without asking the network.

ROOT="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)"
VENV="${CXR_TF_VENV:-$ROOT/.venv}"

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "error: $*"
    exit 2
}

# Succeeds if $1 starts, is a Python 3.11-3.13 with the GIL and can make virtual environments.
# A shim of pyenv may be on the PATH and still not run; a Debian Python may lack ensurepip.
python_fits() {
    "$1" -I -c '
import sys
import sysconfig

fits = (3, 11) <= sys.version_info[:2] <= (3, 13) and not sysconfig.get_config_var("Py_GIL_DISABLED")
if not fits:
    sys.exit(1)
import ensurepip
import venv
' >/dev/null 2>&1
}

# Prints the path of the Python to use.
find_python() {
    local name candidate
    if [[ -n "${CXR_TF_PYTHON:-}" ]]; then
        python_fits "$CXR_TF_PYTHON" ||
            fail "CXR_TF_PYTHON=$CXR_TF_PYTHON is no Python 3.11-3.13 with the modules venv and ensurepip: name another one or unset it."
        command -v -- "$CXR_TF_PYTHON"
        return
    fi
    for name in python3.13 python3.12 python3.11 python3 python; do
        while IFS= read -r candidate; do
            if python_fits "$candidate"; then
                printf '%s\n' "$candidate"
                return
            fi
        done < <(type -aP "$name" || true)
    done
    fail "no Python 3.11, 3.12 or 3.13 with the modules venv and ensurepip was found on the PATH." \
        "Install one (on Debian or Ubuntu: apt-get install python3 python3-venv) or name it in CXR_TF_PYTHON."
}

# Reads `--pythons 3.11,3.12` (or with `=`) at the head of the arguments: leaves the versions in $PYTHONS,
# none where the option is not given, and all other arguments in $REST.
read_pythons() {
    local list="" version
    PYTHONS=() REST=()
    case "${1:-}" in
    --pythons)
        list="${2:-}"
        shift $(($# > 1 ? 2 : 1))
        ;;
    --pythons=*)
        list="${1#*=}"
        shift
        ;;
    *)
        REST=("$@")
        return
        ;;
    esac
    for version in ${list//,/ }; do
        [[ "$version" =~ ^3\.1[123]$ ]] || fail "--pythons $list: '$version' is none of 3.11, 3.12 and 3.13."
        PYTHONS+=("$version")
    done
    ((${#PYTHONS[@]})) || fail "--pythons needs versions, such as --pythons 3.11,3.12,3.13."
    REST=("$@")
}

# Prints the path of a Python of the version $1: one on the PATH, or one that uv has or fetches.
find_version() {
    local name candidate
    is_it() { python_fits "$1" && [[ "$("$1" -I -c 'import sys; print("%d.%d" % sys.version_info[:2])')" == "$2" ]]; }
    for name in "python$1" python3 python; do
        while IFS= read -r candidate; do
            if is_it "$candidate" "$1"; then
                printf '%s\n' "$candidate"
                return
            fi
        done < <(type -aP "$name" || true)
    done
    if ! command -v uv >/dev/null; then
        say "setup: no Python $1 is on the PATH, nor uv, which could fetch it (pip install uv)"
        return 1
    fi
    uv python install --quiet "$1" >&2 || say "setup: uv could not fetch Python $1"
    candidate="$(uv python find "$1" 2>/dev/null)" && is_it "$candidate" "$1" && printf '%s\n' "$candidate"
}

# Runs the command $1 in an environment of its own for each version of $PYTHONS, with all extras of `dev`;
# it finds its Python in $PYTHON. A version that cannot be had is told and left out; one must be there.
on_each_python() {
    local version python ran=() failed=() missing=()
    for version in "${PYTHONS[@]}"; do
        if ! python="$(find_version "$version")"; then
            missing+=("$version")
            continue
        fi
        say "setup: Python $version is $python"
        if (
            VENV="$VENV-$version" CXR_TF_PYTHON="$python"
            setup_environment dev && "$1"
        ); then
            ran+=("$version")
        else
            failed+=("$version")
        fi
    done
    say "passed: ${ran[*]:-none}; failed: ${failed[*]:-none}; not to be had: ${missing[*]:-none}"
    ((${#ran[@]} && !${#failed[@]}))
}

# Prints what the environment depends on: requirements, extras, interpreter and place of the checkout.
fingerprint() {
    "$PYTHON" -I -c '
import hashlib
import pathlib
import sys

root, extras = pathlib.Path(sys.argv[1]), sys.argv[2]
digest = hashlib.sha256(f"{root} {extras} {sys.version}".encode())
for name in ("requirements.txt", "requirements-lock.txt", "requirements-lock-dev.txt", "pyproject.toml"):
    digest.update((root / name).read_bytes())
print(digest.hexdigest())
' "$ROOT" "$1"
}

# Installs Debian packages that tests use and can do without. $1: a command that one of them brings; then
# the packages. Elsewhere than as root on Debian nothing happens, and those tests skip with their reason.
install_debian() {
    local command="$1"
    shift
    ! command -v -- "$command" >/dev/null || return 0
    if [[ "$(id -u)" != 0 ]] || ! command -v apt-get >/dev/null; then
        say "setup: $command is missing: apt-get install $* (tests that need it are skipped)"
        return 0
    fi
    say "setup: installing $* for $command"
    if ! { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@"; } >&2; then
        say "setup: $* could not be installed (tests that need $command are skipped)"
    fi
}

# pip without chatter; the virtual environment alone decides what is installed.
pip_install() {
    PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_REQUIRE_VIRTUALENV=1 \
        "$PYTHON" -m pip -qq install --no-input --progress-bar off "$@"
}

# Prints the lock whose versions are to be installed for the extras $1, hashes checked: on the platforms
# that TensorFlow has wheels for. Prints nothing, and says why, where there is none.
lock_for() {
    local why=""
    if [[ -n "$1" && "$1" != dev ]]; then
        why="the extras $1 have none"
    elif [[ "${CXR_TF_LOCK:-1}" == 0 ]]; then
        why="CXR_TF_LOCK=0"
    elif [[ -n "${PIP_NO_INDEX:-}" ]]; then
        why="PIP_NO_INDEX is set: your own wheels are taken"
    elif ! "$PYTHON" -I -c '
import platform
import sys

known = {("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64")}
sys.exit((sys.platform, platform.machine()) not in known)
'; then
        why="it does not know this platform"
    else
        printf '%s\n' "$ROOT/requirements-lock${1:+-$1}.txt"
        return
    fi
    say "setup: no lock is used ($why): pip chooses versions, and checks no hashes"
}

# Installs the project with the extras $1, from $2.
install_project() {
    local lock
    lock="$(lock_for "$1")"
    if [[ -n "$lock" ]]; then
        # setuptools, which builds the project, is among the locked.
        pip_install --require-hashes -r "$lock" &&
            pip_install --no-deps --no-build-isolation -e "$2"
    else
        pip_install -r "$ROOT/requirements.txt" -e "$2"
    fi
}

# Makes or reuses the environment. $1: extras of pyproject.toml, comma-separated (default none).
setup_environment() {
    local extras="${1:-}" stamp base target="$ROOT"
    PYTHON="$VENV/bin/python"
    if ! python_fits "$PYTHON"; then
        # --clear empties the folder, so it must be ours to empty.
        if [[ -e "$VENV" && ! -f "$VENV/pyvenv.cfg" && -n "$(ls -A -- "$VENV")" ]]; then
            fail "$VENV exists and is no virtual environment: move it away or name another place in CXR_TF_VENV."
        fi
        base="$(find_python)" || exit $?
        say "setup: making $VENV with $base ($("$base" --version 2>&1))"
        "$base" -m venv --clear "$VENV" ||
            fail "$base could not make the environment $VENV: see the message above; is the disk full or the folder read-only?"
    fi
    [[ -z "$extras" ]] || target="${ROOT}[$extras]"
    stamp="$VENV/.installed-${extras:-base}"
    if [[ "$(cat "$stamp" 2>/dev/null || true)" != "$(fingerprint "$extras")" ]]; then
        say "setup: installing the requirements into $VENV (about 2 GB on disk; minutes the first time)"
        rm -f "$stamp"
        if ! install_project "$extras" "$target"; then
            fail "pip could not install the requirements into $VENV; its own message stands above." \
                "Without a network: on a connected machine of the same kind run" \
                "'pip wheel -w wheels \"setuptools>=77\" \".${extras:+[$extras]}\"' in a copy of this checkout, bring the folder here," \
                "then run this again with PIP_NO_INDEX=1 PIP_FIND_LINKS=/path/to/wheels in the environment." \
                "If a hash does not match, the file is not the one that was locked: find out why. CXR_TF_LOCK=0 leaves the lock out."
        fi
        fingerprint "$extras" >"$stamp"
    fi
    # oneDNN halves the time of a step on processors where TensorFlow leaves it off; read at its import.
    export TF_ENABLE_ONEDNN_OPTS="${TF_ENABLE_ONEDNN_OPTS:-1}"
    export TF_CPP_MIN_LOG_LEVEL="${TF_CPP_MIN_LOG_LEVEL:-2}"
}
