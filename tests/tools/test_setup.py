"""tools/setup.sh: choosing a Python, refusing without one, reusing an environment."""

import os
import pathlib
import subprocess
import sys

import pytest

SETUP = pathlib.Path(__file__).parents[2] / "tools" / "setup.sh"
PYTHON = pathlib.Path(sys.executable).resolve()


def script(folder, name, text):
    """Writes an executable shell script, standing in for a program on the PATH."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def bash(command, path, **environment):
    """Sources setup.sh with nothing but the folders of `path` on the PATH and runs a command."""
    inherited = {name: os.environ[name] for name in ("HOME",) if name in os.environ}
    return subprocess.run(
        ["/bin/bash", "-c", f'set -euo pipefail; source "$0"; {command}', str(SETUP)],
        env=inherited | {"PATH": ":".join(map(str, path))} | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def tools(tmp_path):
    """A folder with the few programs setup.sh calls, and no Python."""
    folder = tmp_path / "tools"
    for name in ("cat", "dirname", "ls", "rm"):
        script(folder, name, f'exec "$(PATH=/usr/bin:/bin command -v {name})" "$@"')
    return folder


def test_finds_the_python_that_runs_behind_shims_and_old_ones(tmp_path, tools):
    shims = tmp_path / "shims"
    script(shims, "python3.13", "echo 'python3.13: command not found' >&2; exit 127")
    script(shims, "python3.12", "exit 1")
    script(shims, "python3", f'exec {PYTHON} -c "import sys; sys.exit(1)"')
    real = script(tmp_path / "real", "python3", f'exec {PYTHON} "$@"')
    found = bash("find_python", [shims, tmp_path / "real", tools])
    assert found.returncode == 0, found.stderr
    assert found.stdout.strip() == str(real)


def test_says_what_to_install_without_a_python(tools):
    found = bash("find_python", [tools])
    assert found.returncode == 2
    assert found.stdout == ""
    assert "no Python 3.11, 3.12 or 3.13" in found.stderr
    assert "CXR_TF_PYTHON" in found.stderr


@pytest.mark.parametrize(
    ("version", "status"), [("(3, 10)", 2), ("(3, 11)", 0), ("(3, 13)", 0), ("(3, 14)", 2)]
)
def test_takes_python_3_11_to_3_13_alone(tmp_path, tools, version, status):
    # The real interpreter, made to believe that it is another version.
    pretend = f"import sys\nsys.version_info = {version}\nexec(sys.argv[1])"
    wrapper = script(tmp_path / "other", "python3", f"shift 2; exec {PYTHON} -c '{pretend}' \"$@\"")
    found = bash("find_python", [tools], CXR_TF_PYTHON=str(wrapper))
    assert found.returncode == status, found.stderr
    assert str(wrapper) in (found.stderr if status else found.stdout)


def test_never_empties_a_folder_that_is_no_environment(tmp_path, tools):
    folder = tmp_path / "precious"
    folder.mkdir()
    (folder / "film.png").write_bytes(b"x")
    refused = bash("setup_environment", [tools], CXR_TF_VENV=str(folder), CXR_TF_PYTHON=str(PYTHON))
    assert refused.returncode == 2
    assert "is no virtual environment" in refused.stderr
    assert (folder / "film.png").exists()


@pytest.mark.slow
def test_says_how_to_install_without_a_network_and_leaves_no_stamp(tmp_path, tools):
    environment = tmp_path / "a place with spaces"
    failed = bash(
        "setup_environment dev",
        [tools],
        CXR_TF_VENV=str(environment),
        CXR_TF_PYTHON=str(PYTHON),
        PIP_NO_INDEX="1",
        PIP_CONFIG_FILE=os.devnull,
    )
    assert failed.returncode == 2
    assert "PIP_FIND_LINKS" in failed.stderr
    assert (environment / "bin" / "python").exists()
    assert not list(environment.glob(".installed-*"))


def test_reuses_an_environment_until_the_requirements_change(tmp_path, tools):
    environment = tmp_path / "environment"
    subprocess.run([PYTHON, "-m", "venv", "--without-pip", environment], check=True)
    # pip_install only counts its calls here: what pip installs is another matter.
    command = (
        "export CXR_TF_LOCK=0; pip_install() { echo installed; }; "
        "setup_environment; setup_environment; "
        'echo other >"$VENV/.installed-base"; setup_environment; echo "$TF_ENABLE_ONEDNN_OPTS"'
    )
    done = bash(command, [tools], CXR_TF_VENV=str(environment))
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["installed", "installed", "1"]


def test_installs_the_locked_versions_by_their_hashes_where_it_can(tmp_path, tools):
    show = 'PYTHON=$CXR_TF_PYTHON; pip_install() { echo "$@"; }; install_project "$EXTRAS" /project'
    python = {"CXR_TF_PYTHON": str(PYTHON)}
    locked = bash(show, [tools], EXTRAS="", **python).stdout
    assert "--require-hashes -r" in locked and "requirements-lock.txt" in locked
    assert "--no-deps --no-build-isolation -e /project" in locked
    for why, options in (("CXR_TF_LOCK", {"CXR_TF_LOCK": "0"}), ("wheels", {"PIP_NO_INDEX": "1"})):
        free = bash(show, [tools], EXTRAS="", **python, **options)
        assert "requirements.txt" in free.stdout and "hashes" not in free.stdout
        assert why in free.stderr and "checks no hashes" in free.stderr
    assert "requirements-lock" not in bash(show, [tools], EXTRAS="dev", **python).stdout


def test_a_locked_version_that_cannot_be_had_is_never_replaced_by_another(tmp_path, tools):
    show = "pip_install() { echo $1; return 1; }; install_project '' /project || echo refused"
    done = bash(f"PYTHON=$CXR_TF_PYTHON; {show}", [tools], CXR_TF_PYTHON=str(PYTHON))
    assert done.stdout.split() == ["--require-hashes", "refused"]
