import cv2
import numpy as np
import pytest

from pipelines.manifest.perceptual import NEAR, film_hash, near_pairs
from tools.phantoms.__main__ import phantom

BITS = 255


def film(seed, label="normal"):
    pixels = phantom(label, np.random.default_rng(seed)).pixels
    return pixels if pixels.dtype == np.uint16 else pixels.astype(np.uint16) * 257


def distance(first, second):
    return int((film_hash(first) != film_hash(second)).sum())


def as_jpeg(pixels):
    coded = cv2.imencode(".jpg", (pixels >> 8).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 60])[1]
    return cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE).astype(np.uint16) * 257


COPIES = {
    "smaller": lambda x: cv2.resize(x, (200, 230), interpolation=cv2.INTER_AREA),
    "larger": lambda x: cv2.resize(x, (1300, 1200), interpolation=cv2.INTER_LINEAR),
    "brighter": lambda x: (65535 * (x / 65535.0) ** 0.6).astype(np.uint16),
    "JPEG": as_jpeg,
    "cropped by half a percent": lambda x: x[3:-3, 3:-3],
}


@pytest.mark.parametrize("copy", COPIES)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_copies_stay_near(copy, seed):
    assert distance(film(seed), COPIES[copy](film(seed))) <= NEAR


def test_other_patients_are_far():
    hashes = np.stack([film_hash(film(seed)) for seed in range(12)])
    assert hashes.shape == (12, BITS) and hashes.dtype == bool
    assert list(near_pairs(hashes)) == []


def test_turned_polarity_is_another_picture():
    assert distance(film(0), 65535 - film(0)) > NEAR


def test_flat_and_tiny_films_have_a_hash():
    assert film_hash(np.full((9, 7), 5, np.uint16)).shape == (BITS,)
    assert film_hash(np.arange(4, dtype=np.uint16).reshape(2, 2)).shape == (BITS,)


def test_pairs_are_found_within_and_across_blocks(monkeypatch):
    monkeypatch.setattr("pipelines.manifest.perceptual._BLOCK", 4)
    rng = np.random.default_rng(3)
    hashes = rng.random((11, BITS)) < 0.5
    hashes[9] = hashes[1]
    hashes[10] = hashes[2]
    hashes[10, :NEAR] ^= True
    hashes[3] = hashes[0]
    hashes[3, : NEAR + 1] ^= True
    assert sorted(near_pairs(hashes)) == [(1, 9, 0), (2, 10, NEAR)]
    assert sorted(near_pairs(hashes, NEAR + 1))[0] == (0, 3, NEAR + 1)
