from tools.paper.analysis_tables import CLASSES, PAPER, heterogeneity, masks_compared, read


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
    assert lines == [
        "| films | part | pixels, before |", "| --- | --- | --- |", "| adults | lung | 0.2 |"
    ]  # fmt: skip


def test_biomarkers_of_predicted_masks_are_paired_with_those_drawn_by_hand(tmp_path):
    header = "path,source,lung_mean,lung_sd,cardiothoracic_ratio"
    rows = {
        "true": ["a,one,0.5,0.1,0.4", "b,one,0.6,0.2,", "c,two,0.3,0.1,0.5", "d,two,0.3,0.1,0.5"],
        "predicted": ["b,one,0.7,0.2,0.4", "a,one,0.5,0.1,0.5", "c,two,0.3,0.1,", "d,two,0.3,0.1,"],
    }
    for name, lines in rows.items():
        (tmp_path / name).mkdir()
        text = "\n".join([header, *lines]) + "\n"
        (tmp_path / name / "biomarkers.csv").write_text(text)
    found = masks_compared(tmp_path / "predicted", tmp_path / "true")
    assert found[2].startswith("| one | lung_mean | 2 | 0.550 | +0.0500 ± 0.0707 | 0.100 |")
    assert found[4].startswith("| two | lung_mean | 2 | 0.300 | +0.0000 ± 0.0000 | 0.000 | 1 |")
    assert not any("cardiothoracic" in line for line in found[1:])  # one pair, and none
