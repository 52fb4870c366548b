import numpy as np
import pytest

from cxr_tf.analysis.class_tables import (
    MARKERS,
    class_table,
    comparison_table,
    marker_groups,
    normality_table,
    under_segmentation_table,
)
from cxr_tf.measures.statistics import rank_sum
from tests.cxr_tf.analysis.made_films import chest, measured

MEAN, _, NO_SUPINE, _ = MARKERS


@pytest.fixture
def films():
    levels = {"covid19": np.linspace(0.3, 0.4, 12), "normal": np.linspace(0.5, 0.6, 10)}
    found = [
        measured(label, 0.1, level, patient_id=f"{label}{index // 2}")
        for label, values in levels.items()
        for index, level in enumerate(values)
    ]
    return [*found, measured("bacterial", 0.1, 0.9, view="AP Supine")]


def test_a_table_gives_counts_means_and_asterisks_in_the_papers_order(films):
    table, groups, found = class_table(films, MEAN)
    assert list(groups) == ["normal", "bacterial", "covid19"]
    assert table.name == "table_vi"
    assert table.header == ["", "n", "patients", "Mean", "STD", "Normal", "Bacteria"]
    spread = np.linspace(0.5, 0.6, 10).std(ddof=1)
    assert table.rows[0] == ["Normal", "10", "5", "0.550", f"{spread:.3f}", "", ""]
    assert table.rows[1][:5] == ["Bacteria", "1", "1", "0.900", "nan"]
    assert table.rows[2][5] == "*** (***)" and table.rows[2][:3] == ["COVID-19", "12", "6"]
    own = next(c for c in found if (c.first, c.second) == ("covid19", "normal"))
    assert own.p == rank_sum(groups["covid19"], groups["normal"]).p and own.effect == -1
    assert own.p_holm == pytest.approx(3 * own.p)


def test_supine_films_are_left_out_of_table_viii_alone(films):
    assert "bacterial" not in marker_groups(films, NO_SUPINE)
    assert "bacterial" in marker_groups(films, MARKERS[1])


def test_films_without_the_part_are_left_out():
    without = chest()
    without[without == 1] = 0
    films = [measured("normal", 0.1, 0.2, without), measured("viral", 0.1, 0.2)]
    assert list(marker_groups(films, MARKERS[3])) == ["viral"]
    table, _, found = class_table(films[:1], MARKERS[3])
    assert table.rows == [] and found == []


def test_every_comparison_and_every_class_is_listed(films):
    _, groups, found = class_table(films, MEAN)
    assert [row[:3] for row in comparison_table({"VI": found}).rows] == [
        ["VI", "Bacteria", "Normal"],
        ["VI", "COVID-19", "Normal"],
        ["VI", "COVID-19", "Bacteria"],
    ]
    rows = normality_table({"VI": groups}).rows
    assert [row[:3] for row in rows] == [
        ["VI", "Normal", "10"],
        ["VI", "Bacteria", "1"],
        ["VI", "COVID-19", "12"],
    ]
    assert rows[1][3:] == ["", "", ""]  # one film is not tested


def test_under_segmented_films_are_counted_and_lost_lungs_too():
    lost, none = chest(), chest()
    lost[lost == 3] = 0
    none[:] = 0
    films = [measured("viral", 0.1, 0.2, labels) for labels in (chest(), lost, none)]
    table = under_segmentation_table(films)
    assert table.rows == [["Viral", "3", "2", "66.7 %"]]
