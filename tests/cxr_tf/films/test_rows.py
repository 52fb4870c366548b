"""What a reader has to say of a film reaches its row, beside what the model says."""

import dataclasses

import numpy as np
import pytest

from cxr_tf.films.questions import read_source
from cxr_tf.films.reading import Answer
from cxr_tf.films.rows import row_of
from pipelines.dicom.words import LIE
from tests.cards import made_up_card
from tests.cxr_tf.fake_answers import answered
from tests.samples import dicom_bytes, dicom_dataset, ramp

VOTES = np.array([9, 1], np.int32), np.array([0.9, 0.1], np.float32)
ANSWER = answered("ok", "normal", 0, *VOTES, 0.9, 0.3, 10, "fake-1")


def warning_of(path, answer):
    name, reading = read_source(path)
    row = row_of(name, reading, Answer(answer), made_up_card(("normal", "ill")), 0)
    return row.record["warning"]


@pytest.mark.parametrize(
    ("stored", "status", "said", "expected"),
    [
        (10, "ok", "", LIE),
        (10, "ok", "the mask is doubtful", f"the mask is doubtful; {LIE}"),
        (10, "no_lung", "", LIE),
        (12, "ok", "the mask is doubtful", "the mask is doubtful"),
        (12, "ok", "", ""),
        (12, "not_chest_film", "upside down?", ""),
    ],
)
def test_both_warnings_stand_in_the_row(tmp_path, stored, status, said, expected):
    path = tmp_path / "film.dcm"
    path.write_bytes(
        dicom_bytes(
            dicom_dataset(ramp(top=4095, dtype=np.uint16), BitsStored=stored, HighBit=stored - 1)
        )
    )
    answer = dataclasses.replace(ANSWER, status=status, warning=said)
    assert warning_of(path, answer) == expected
