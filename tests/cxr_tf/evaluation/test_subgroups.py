"""Subgroups hold every film once an axis, and say what they cannot tell."""

from pathlib import Path

import numpy as np
import pytest

from cxr_tf.evaluation.subgroups import AXES, age_band, markdown, remark, subgroups
from cxr_tf.measures.estimates import Decisions, classification_estimates
from pipelines.manifest.rows import ManifestRow

CLASSES = ("normal", "bacterial", "viral")


@pytest.mark.parametrize(
    "age, band",
    [("0", "0-17"), ("17", "0-17"), ("18", "18-39"), ("59", "40-59"), ("79", "60-79"),
     ("80", "80+"), ("101", "80+"), ("", "unknown"), ("forty", "unknown"), ("-1", "unknown")],
)  # fmt: skip
def test_ages_fall_into_bands(age, band):
    assert age_band(age) == band


def test_each_axis_holds_every_film_once_with_the_unknown_last():
    rows = [
        ManifestRow(Path("a"), "normal", source="jsrt", view="PA", sex="F", age="30"),
        ManifestRow(Path("b"), "viral", source="cohen", view="AP Supine", sex="M",
                    age_group="child"),
        ManifestRow(Path("c"), "viral", source="cohen", view="PA", age="85", age_group="unknown"),
    ]  # fmt: skip
    found = subgroups(rows)
    assert found == {
        "source=cohen": [1, 2], "source=jsrt": [0], "view=AP Supine": [1], "view=PA": [0, 2],
        "sex=F": [0], "sex=M": [1], "sex=unknown": [2],
        "age_group=adult": [0], "age_group=child": [1], "age_group=unknown": [2],
        "age=18-39": [0], "age=80+": [2], "age=unknown": [1],
    }  # fmt: skip
    for axis in AXES:
        films = [i for name, own in found.items() if name.startswith(f"{axis}=") for i in own]
        assert sorted(films) == [0, 1, 2]
    assert list(found)[6] == "sex=unknown"


def _record(truth, decided, patients):
    chances = np.full((len(truth), 3), 0.2)
    chances[np.arange(len(truth)), decided] = 0.6
    decisions = Decisions(np.array(truth), np.array(decided), chances, tuple(patients))
    return classification_estimates(decisions, CLASSES, samples=100).record()


def test_what_a_subgroup_cannot_tell_is_said():
    assert remark(_record([0, 0], [0, 1], "aa"), CLASSES) == (
        "only films of normal: no specificity and no ROC-AUC; one patient: no interval"
    )
    assert remark(_record([0, 2] * 9, [0, 1] * 9, "abcdefghijklmnopqr"), CLASSES) == (
        "no films of bacterial"
    )
    assert "too few patients" in remark(_record([0, 1, 2], [0, 1, 2], "abc"), CLASSES)
    assert remark(_record([0, 1, 2] * 6, [0, 1, 1] * 6, "abcdefghijklmnopqr"), CLASSES) == ""


def test_groups_of_other_axes_and_classes_without_films_are_left_out():
    groups = {name: _record([0, 0], [0, 1], "ab") for name in ("all", "cohort=adult", "sex=F")}
    text = "\n".join(markdown(groups, CLASSES))
    assert "sex F" in text and "cohort" not in text and "| viral" not in text
