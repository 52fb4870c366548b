from tools.analysis_tables import CLASSES, PAPER, heterogeneity, read


def test_the_papers_rows_have_an_asterisk_for_each_class_above():
    for rows in PAPER.values():
        assert len(rows) == len(CLASSES)
        for place, (_, _, marks) in enumerate(rows):
            assert len([x for x in marks.split(", ") if x]) == place


def test_the_means_of_all_pairs_are_taken_by_part(tmp_path):
    text = 'part,source,n,"pixels, before"\nlung,a,5,0.1\nlung,mean of all pairs,,0.2\n'
    (tmp_path / "heterogeneity.csv").write_text(text)
    assert read(tmp_path / "heterogeneity.csv")[0]["source"] == "a"
    lines = heterogeneity({"adults": tmp_path})
    assert lines[2:] == [
        "| films | part | pixels, before |", "| --- | --- | --- |", "| adults | lung | 0.2 |", ""
    ]  # fmt: skip
