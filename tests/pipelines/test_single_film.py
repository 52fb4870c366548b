import io

import numpy as np
import pytest
from PIL import Image

from pipelines.full_range import to_full_range
from pipelines.single_film import film_fault
from tests.protocol import check_op
from tests.samples import ramp
from tools.phantoms.chest import LABELS, phantom


def fault(pixels, padding):
    return film_fault(to_full_range(pixels, padding))


def asked(pixels, padding=-1):
    """Status and reason of an array."""
    status, reason = fault(np.asarray(pixels, np.uint16), padding)
    return status.numpy().decode(), reason.numpy().decode()


def levels(height, width, top=65535):
    return ramp(height, width, top, np.uint16)


def through_jpeg(image, quality):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file)).astype(np.uint16) * 257


FILM = phantom("normal", np.random.default_rng(7), 512).pixels


@pytest.mark.parametrize("label", LABELS)
def test_a_phantom_is_a_film(label):
    pixels = phantom(label, np.random.default_rng(3), 512).pixels
    status, reason = check_op(fault, pixels, -1)
    assert (status.numpy(), reason.numpy()) == (b"ok", b"")
    assert asked(pixels >> 8) == ("ok", ""), "levels 0 to 255"


@pytest.mark.parametrize("shape", [(150, 150), (150, 375), (900, 400)])
def test_the_bounds_are_films(shape):
    assert asked(levels(*shape)) == ("ok", "")


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (levels(16, 16), "16 x 16 pixels, and a film needs at least 150 on its shorter side"),
        (levels(149, 300), "300 x 149 pixels, and a film needs at least 150"),
        (levels(300, 900), "900 x 300 pixels, sides of 3.0 to 1, and a film has at most 2.5 to 1"),
        (levels(900, 300), "300 x 900 pixels, sides of 3.0 to 1"),
        (FILM >> 11, "32 grey levels, and a film at least 64"),
        ((FILM >> 15) * 65535, "2 grey levels"),
        ((FILM >> 15) * 200, "2 grey levels"),
    ],
)
def test_what_is_no_film_is_told_in_numbers(pixels, words):
    status, reason = asked(pixels)
    assert status == "unsupported" and words in reason and ": give " in reason


@pytest.mark.parametrize("quality", [75, 90, 95])
@pytest.mark.parametrize("dither", [Image.Dither.FLOYDSTEINBERG, Image.Dither.NONE])
def test_black_and_white_is_known_behind_jpeg(quality, dither):
    film = Image.fromarray((FILM >> 8).astype(np.uint8))
    pixels = through_jpeg(film.convert("1", dither=dither).convert("L"), quality)
    status, reason = asked(pixels)
    few = "grey levels, and a film at least 64" in reason  # too little noise for more
    assert status == "unsupported" and (few or "% of the picture are of two shades" in reason)
    assert quality > 75 or not few
    assert asked(through_jpeg(film, quality)) == ("ok", "")


def test_one_level_is_constant_before_anything_else():
    for shape in ((1, 1), (9, 900), (400, 400)):
        assert asked(np.full(shape, 30_000)) == ("constant", "")
    padded = np.full((400, 400), 5)
    padded[:9] = 65535
    assert asked(padded, 65535) == ("constant", "")


def test_padding_is_no_level_and_no_shade():
    film = levels(400, 400)
    film[20:] = 7
    film[:20][film[:20] == 7] = 8
    assert asked(film)[0] == "unsupported"
    assert asked(film, 7) == ("ok", "")
