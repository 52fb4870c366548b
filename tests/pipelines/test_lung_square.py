"""The square around the lungs."""

import numpy as np
import tensorflow as tf

from pipelines.lung_square import cut_square, lung_square


def lungs(rows, columns, shape=(100, 120)):
    mask = np.zeros(shape, bool)
    mask[rows, columns] = True
    return tf.constant(mask)


def test_the_square_is_a_little_larger_than_the_lungs_and_has_their_middle():
    mask = lungs(slice(20, 70), slice(30, 60))
    assert lung_square(mask).numpy().tolist() == [18, 18, 53]  # 50 * 1.06


def test_what_lies_beyond_the_film_is_black():
    film = tf.constant(np.arange(1, 10001, dtype=np.float32).reshape(100, 100))
    square = lung_square(lungs(slice(0, 100), slice(50, 100), (100, 100)))
    assert square.numpy().tolist() == [-3, 22, 106]
    cut = cut_square(film, square).numpy()
    padded = np.pad(film.numpy(), 100)
    np.testing.assert_array_equal(cut, padded[97:203, 122:228])
    assert not cut[:3].any() and not cut[:, 78:].any() and cut[3, 0] == 23.0


def test_a_single_pixel_is_enough():
    mask = lungs(5, 7)
    square = lung_square(mask)
    assert cut_square(mask, square).numpy().any() and square[2] == 2
