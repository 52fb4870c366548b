"""Pictures of tf-explain's maps; `method/test_saliency.py` asserts that the maps equal ours."""

import numpy as np

from cxr_tf.training.tf_explain_maps import tf_explain_picture


def test_a_map_is_stretched_to_its_own_range():
    patch = np.full((32, 32), 90.0, np.float32)
    small = np.linspace(0.4, 0.5, 16, dtype=np.float32).reshape(4, 4)
    picture = tf_explain_picture(patch, small)
    assert picture.shape == (32, 32, 3) and picture.dtype == np.uint8
    np.testing.assert_array_equal(picture, tf_explain_picture(patch, 10 * small - 3))
    assert np.abs(picture[0, 0].astype(int) - picture[-1, -1]).max() > 50


def test_a_map_without_range_leaves_the_patch():
    patch = np.full((32, 32), 90.0, np.float32)
    picture = tf_explain_picture(patch, np.zeros((4, 4), np.float32))
    assert (picture == 90).all()
