"""The tool that tries where votes can end, on patches written by hand."""

import pytest

from tools.bench.early_end import main


def write(folder, films):
    folder.mkdir()
    rows = ["path,patch,row,column,p_a,p_b,vote"]
    for path, winners in films.items():
        for index, winner in enumerate(winners):
            values = "0.900000,0.100000,a" if winner == "a" else "0.200000,0.800000,b"
            rows.append(f"{path},{index},0,0,{values}")
    (folder / "patches.csv").write_text("\n".join(rows) + "\n")


def test_labels_and_patches_of_each_rule(tmp_path, capsys):
    # The first film is sure at once; the second looks like a until its last patches.
    write(tmp_path / "one", {"x.png": "b" * 100, "y.png": "a" * 49 + "b" * 51})
    write(tmp_path / "two", {"x.png": "b" * 100, "y.png": "a" * 100})
    assert main([str(tmp_path / "one"), str(tmp_path / "two")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "| at a lead of 1.75 SD | 75.0% | 4 | 5.0 |" in lines
    # Settled after 51 of 100 alike, looked at after 52; the second film to its end.
    assert "| where it is settled | 100.0% | 4 | 64.0 |" in lines
    assert lines[-1] == "| never; run 2 beside the first | 50.0% | 2 | 100 |"


def test_films_with_other_numbers_of_patches_are_refused(tmp_path, capsys):
    write(tmp_path / "few", {"x.png": "a" * 37})
    assert main([str(tmp_path / "few")]) == 2
    assert "with 100 patches" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--what"])
