"""Features of drawn masks, and what becomes of them where nothing is found."""

import numpy as np
import pytest

from cxr_tf.method.reliability.feature_names import FEATURES
from cxr_tf.method.reliability.features import mask_features
from tests.protocol import check_op

SIDE = 60


def drawn(turned=0):
    """Two lungs of 30 x 10 and 30 x 20 pixels, one 6 rows above the other, and a heart below."""
    labels = np.zeros((SIDE, SIDE), np.uint8)
    labels[10:40, 5:25] = 3
    labels[16:46, 40:50] = 2
    labels[30:46, 26:38] = 1
    probabilities = np.full((SIDE, SIDE, 4), 0.01, np.float32)
    np.put_along_axis(probabilities, labels[..., None].astype(int), 0.97, -1)
    probabilities[:6, :10] = 0.25  # 60 pixels in doubt
    film = np.where(labels > 1, 51, 204).astype(np.float32)
    return tuple(np.ascontiguousarray(np.rot90(x, turned)) for x in (probabilities, labels, film))


def named(arrays):
    return dict(zip(FEATURES, np.asarray(mask_features(*arrays)), strict=True))


def test_features_of_a_drawn_film():
    found = named(drawn())
    lungs, heart, height = 900, 192, 36 / SIDE
    share = 1 / SIDE**2
    whole = (lungs + heart) * share + 1e-3
    expected = {
        "lungs_uneven": 6 / SIDE / height,
        # The box spans rows 10 to 46: thirds of 12 rows.
        "taper": ((6 * 20 + 12 * 10) - (12 * 20 + 6 * 10)) * share / (lungs * share + 1e-3),
        "heart_share": heart * share / whole,
        "heart_low": (38 - (600 * 25 + 300 * 31) / 900) / SIDE / height,
        "doubt": 60 * share / whole,
        "contrast": 0.6,
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-5), name
    each = -(0.97 * np.log(0.97) + 0.03 * np.log(0.01)) / np.log(4)
    assert found["entropy"] == pytest.approx(each * (lungs + heart) * share / whole, abs=1e-5)


def test_upside_down_the_heart_lies_high_and_the_lungs_widen_upwards():
    upright, turned = named(drawn()), named(drawn(2))
    for name in ("heart_low", "taper"):
        assert turned[name] == pytest.approx(-upright[name], abs=1e-4)
    for name in ("heart_share", "doubt", "entropy", "contrast", "lungs_uneven"):
        assert turned[name] == pytest.approx(upright[name], abs=1e-4)


def test_the_four_ways_agree_and_nothing_is_nan():
    check_op(mask_features, *drawn(), atol=1e-6)
    nothing = np.full((SIDE, SIDE, 4), 0.25, np.float32), np.zeros((SIDE, SIDE), np.uint8)
    for labels in (nothing[1], nothing[1] + 1, nothing[1] + 2):
        found = mask_features(nothing[0], labels, np.zeros((30, 30), np.float32))
        assert np.isfinite(found).all()
