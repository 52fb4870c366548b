"""Real pictures that are no films: what a list may say, whose half they are, what is measured."""

from collections import Counter

import cv2
import numpy as np
import pandas as pd
import pytest

from cxr_tf.method.reliability.feature_names import FEATURES
from cxr_tf.runtime.errors import UsageError
from tools.phantoms.files import write_dicom
from tools.reliability import __main__ as command
from tools.reliability import fit, measures, report
from tools.reliability.collect import COLUMNS
from tools.reliability.real_non_films import halves, listed, real_items
from tools.reliability.table import read_decisions, read_table


def listing(folder, *lines, header="path,class,patient_id,split_hint"):
    (folder / "list.csv").write_text("\n".join([header, *lines]) + "\n")
    return folder / "list.csv"


def test_films_are_left_out_and_the_folder_tells_the_kind(tmp_path):
    path = listing(
        tmp_path,
        "nonfilm/ct/a.png,non_film,p1,",
        "nonfilm/lateral_chest/b.jpg,lateral_chest,,cls_train",
        "dicom/chest/c.dcm,unlabelled,p3,",
        "cls/normal/d.png,normal,p4,",
    )
    found = listed(path)
    assert [(each.kind, each.patient, each.hint) for each in found] == [
        ("real_ct", "p1", ""), ("real_lateral_chest", "nonfilm/lateral_chest/b.jpg", "fit"),
    ]  # fmt: skip
    assert found[0].path == tmp_path / "nonfilm/ct/a.png"
    (bare,) = listed(listing(tmp_path, "x/a.png,hand", header="path,kind"))
    assert (bare.kind, bare.patient) == ("real_hand", "x/a.png")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("a.png,non_film,p,seg_dev",), "unknown split hint 'dev'; use one of fit, train"),
        (("a.png,non_film,p,train", "b.png,non_film,p,test"), "patient 'p' has several split"),
        (("a.png,normal,p,",), "lists no picture"),
    ],
)
def test_lists_that_cannot_be_used_say_why(tmp_path, lines, said):
    with pytest.raises(UsageError, match=said):
        listed(listing(tmp_path, *lines))
    with pytest.raises(UsageError, match="no column 'path'"):
        listed(listing(tmp_path, "a.png", header="file"))


def test_half_of_each_kind_is_kept_apart_by_patient_unless_the_list_says_it(tmp_path):
    lines = [f"ct/{n}.png,non_film,p{n // 3}," for n in range(30)]
    lines += [f"knee/{n}.png,non_film,," for n in range(20)]
    lines += ["knee/x.png,non_film,x,cls_val", "knee/y.png,non_film,y,fit"]
    pictures = listed(listing(tmp_path, *lines))
    found = halves(pictures)
    assert found[-2:] == ["report", "fit"]
    counts = Counter(zip((each.kind for each in pictures), found, strict=True))
    assert counts == {
        ("real_ct", "fit"): 15, ("real_ct", "report"): 15,
        ("real_knee", "fit"): 11, ("real_knee", "report"): 11,
    }  # fmt: skip
    own = {(each.patient, half) for each, half in zip(pictures, found, strict=True)}
    assert len(own) == len({each.patient for each in pictures})
    turned = dict(zip((each.name for each in pictures[::-1]), halves(pictures[::-1]), strict=True))
    assert [turned[each.name] for each in pictures] == found


def test_pictures_are_read_whatever_a_header_says_and_broken_ones_named(tmp_path, capsys):
    (tmp_path / "hand").mkdir()
    grey = np.random.default_rng(0).integers(0, 65536, (64, 48)).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "hand" / "a.png"), grey)
    write_dicom(tmp_path / "hand" / "b.dcm", grey, key="b", BodyPartExamined="HAND")
    (tmp_path / "hand" / "c.png").write_bytes(b"no picture")
    path = listing(tmp_path, *(f"hand/{name},,," for name in ("a.png", "b.dcm", "c.png")))
    found = list(real_items(path))
    assert [(each.path, each.kind) for each in found] == [
        ("hand/a.png", "real_hand"), ("hand/b.dcm", "real_hand"),
    ]  # fmt: skip
    assert {each.use for each in found} <= {"fit", "report"}
    np.testing.assert_array_equal(found[0].pixels, grey)
    assert "c.png: left out" in capsys.readouterr().err


@pytest.fixture
def real(tmp_path):
    """Slices that differ from films as other non-films do, and knees that look like films."""
    rng, rows = np.random.default_rng(5), []
    for kind, middle in (("real_ct", 1.5), ("real_knee", 0.0)):
        for index in range(40):
            values = rng.normal(middle, 0.3, len(FEATURES))
            use = ("fit", "report")[index % 2]
            head = (f"{kind}/{index}", kind, use, "", "", "", str(index), "ok", 0.3, "")
            rows.append((*head, *values))
    path = tmp_path / "real.csv"
    pd.DataFrame(rows, columns=[*COLUMNS, *FEATURES]).to_csv(path, index=False)
    return path


def test_each_kind_has_its_record_and_old_tables_none(tables, real):
    films, predictions = tables
    table = read_table(films, real)
    assert Counter(table["group"])["real_non_film"] == 80
    numbers = fit.fit(table, read_decisions(predictions))
    assert (numbers.fitted["non_films"], numbers.fitted["real_non_films"]) == (140, 40)
    record = measures.real_kinds_record(table, numbers)
    ct, knee = record["kinds"]["real_ct"], record["kinds"]["real_knee"]
    assert (ct["fit"]["n"], ct["report"]["n"], ct["left_out"]["n"]) == (20, 20, 40)
    assert ct["report"]["value"] == ct["left_out"]["value"] == 1
    assert knee["left_out"]["value"] < 0.2  # no fit without them could tell them from films
    assert set(record["film"]) == {"jsrt", "montgomery"}
    assert record["film"]["jsrt"]["n"] == 100
    assert measures.real_kinds_record(read_table(films), numbers) == {}
    write = report.DETAILS["Real pictures that are no frontal chest films"]
    assert "open" in write({})[0]
    lines = write({"real_non_films": record})
    assert lines[2].startswith("| ct | 20 of 20 | 20 of 20 |")


def test_the_command_needs_films_or_a_list(tmp_path, capsys):
    model = ["--model", "none", "--out", str(tmp_path / "t.csv")]
    with pytest.raises(SystemExit) as caught:
        command.main(["collect", *model])
    assert caught.value.code == 2
    assert "name DATA, --non-films or both" in capsys.readouterr().err
