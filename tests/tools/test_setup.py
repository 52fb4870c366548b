"""tools/setup.sh: choosing a Python or several, refusing without one, reusing an environment."""

import os
import pathlib
import shlex
import subprocess
import sys
import tomllib

import pytest
import yaml

ROOT = pathlib.Path(__file__).parents[2]
SETUP = ROOT / "tools" / "setup.sh"
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


def pretender(folder, name, version):
    """The real interpreter, made to believe that it is another version."""
    pretend = f"import sys\nsys.version_info = {version}\nexec(sys.argv[1])"
    return script(folder, name, f"shift 2; exec {PYTHON} -c '{pretend}' \"$@\"")


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
    wrapper = pretender(tmp_path / "other", "python3", version)
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
    dev = bash(show, [tools], EXTRAS="dev", **python).stdout
    assert "--require-hashes -r" in dev and "requirements-lock-dev.txt" in dev
    other = bash(show, [tools], EXTRAS="dev,cloud", **python)
    assert "requirements-lock" not in other.stdout and "checks no hashes" in other.stderr


def test_a_locked_version_that_cannot_be_had_is_never_replaced_by_another(tmp_path, tools):
    show = "pip_install() { echo $1; return 1; }; install_project '' /project || echo refused"
    done = bash(f"PYTHON=$CXR_TF_PYTHON; {show}", [tools], CXR_TF_PYTHON=str(PYTHON))
    assert done.stdout.split() == ["--require-hashes", "refused"]


def parsed(tools, *arguments):
    """Versions and what is left for pytest, one a line each, or the refusal."""
    show = 'read_pythons "${ARGUMENTS[@]}"; printf "%s\\n" "${PYTHONS[*]:-}" "${REST[@]:-}"'
    given = " ".join(map(shlex.quote, arguments))
    return bash(f"ARGUMENTS=({given}); {show}", [tools])


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["--pythons", "3.11,3.13"], ["3.11 3.13", ""]),
        (["--pythons=3.12", "-k", "two words"], ["3.12", "-k", "two words"]),
        (["-m", "not slow"], ["", "-m", "not slow"]),
        (["tests", "--pythons", "3.11"], ["", "tests", "--pythons", "3.11"]),
    ],
)
def test_pythons_are_read_at_the_head_of_the_arguments(tools, arguments, shown):
    done = parsed(tools, *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:-1] == shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--pythons"], "needs versions"),
        (["--pythons", ","], "needs versions"),
        (["--pythons", "3.11,3.10"], "'3.10' is none of 3.11, 3.12 and 3.13"),
        (["--pythons=-m"], "'-m' is none of"),
    ],
)
def test_other_pythons_are_refused(tools, arguments, words):
    done = parsed(tools, *arguments)
    assert done.returncode == 2 and words in done.stderr


def on_each(tools, folder, *versions, command="tried"):
    """Runs a command on each version; environments are not made, their places are told."""
    stubs = (
        'setup_environment() { PYTHON=$CXR_TF_PYTHON; echo "$1 $VENV"; }; '
        'tried() { echo "$PYTHON"; }; '
        "picky() { case $PYTHON in *11) false ;; *) echo ran on ${PYTHON##*python} ;; esac; }"
    )
    run = f"PYTHONS=({' '.join(versions)}); {stubs}; on_each_python {command}"
    return bash(run, [folder, tools], CXR_TF_VENV="/place/venv")


def test_each_python_has_an_environment_and_one_that_is_missing_fails_nothing(tmp_path, tools):
    folder = tmp_path / "pythons"
    eleven = pretender(folder, "python3.11", "(3, 11)")
    twelve = pretender(folder, "python3", "(3, 12)")
    pretender(folder, "python3.13", "(3, 12)")  # not what its name says
    done = on_each(tools, folder, "3.11", "3.12", "3.13")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "dev /place/venv-3.11",
        str(eleven),
        "dev /place/venv-3.12",
        str(twelve),
    ]
    assert "passed: 3.11 3.12; failed: none; not to be had: 3.13" in done.stderr
    assert "no Python 3.13 is on the PATH, nor uv" in done.stderr


def test_a_failure_on_one_python_lets_the_others_run_and_is_told(tmp_path, tools):
    folder = tmp_path / "pythons"
    for minor in (11, 12):
        pretender(folder, f"python3.{minor}", f"(3, {minor})")
    done = on_each(tools, folder, "3.11", "3.12", command="picky")
    assert done.returncode != 0
    assert "ran on 3.12" in done.stdout and "ran on 3.11" not in done.stdout
    assert "passed: 3.12; failed: 3.11; not to be had: none" in done.stderr


def test_without_any_of_the_pythons_nothing_passes(tmp_path, tools):
    done = on_each(tools, tmp_path, "3.11", "3.12")
    assert done.returncode != 0
    assert "passed: none; failed: none; not to be had: 3.11 3.12" in done.stderr


def test_uv_fetches_a_python_that_is_missing(tmp_path, tools):
    kept = pretender(tmp_path / "fetched", "python3.12", "(3, 12)")
    uv = f'[ "$2" = install ] && touch {tmp_path}/installed; [ "$2" = find ] && echo {kept}'
    script(tmp_path / "bin", "uv", f"PATH=/usr/bin:/bin; {uv}")
    done = on_each(tools, tmp_path / "bin", "3.12")
    assert done.returncode == 0, done.stderr
    assert str(kept) in done.stdout and (tmp_path / "installed").exists()


def test_the_workflow_of_github_tests_the_pythons_that_the_project_names():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    job = workflow["jobs"]["test"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = [line.rpartition(" ")[2] for line in project["classifiers"] if ":: 3." in line]
    assert job["strategy"]["matrix"]["python"] == named
    assert job["steps"][-1]["run"] == "bash tools/test.sh"
