"""What a record says of the sources that made it."""

import subprocess

from cxr_tf.runtime import provenance


def test_an_installation_within_another_project_has_no_revision(tmp_path, monkeypatch):
    def git(*arguments):
        who = ("-c", "user.name=a", "-c", "user.email=a@b.c")
        subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True)

    installed = tmp_path / "provenance.py"
    installed.write_text("")
    monkeypatch.setattr(provenance, "__file__", str(installed))
    git("init")
    git("commit", "--allow-empty", "-m", "of the other project")
    assert provenance.revision() == ""
    git("add", installed.name)
    assert provenance.revision().endswith("-dirty")
    git("commit", "-m", "now it is a checkout of it")
    found = provenance.revision()
    assert len(found) == 12 and int(found, 16)
