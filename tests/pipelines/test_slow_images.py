import io
import os
import signal

import numpy as np
import pytest
from PIL import Image

from pipelines import slow_images
from pipelines.films import read_content
from tools.hostile.bombs import scans
from tools.hostile.seeds import chunk


@pytest.fixture(autouse=True)
def _no_process_left():
    yield
    slow_images.close()


def encoded(pixels, kind, **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def with_other_data(content):
    """A PNG in good order whose compressed pixels are none."""
    at = content.index(b"IDAT")
    end = at + 4 + int.from_bytes(content[at - 4 : at])
    return content[: at - 4] + chunk(b"IDAT", bytes(end - at - 4)) + content[end + 4 :]


GREY = np.random.default_rng(0).integers(0, 256, (260, 310), np.uint8)
COLOUR = np.random.default_rng(1).integers(0, 256, (260, 310, 3), np.uint8)
TURNED = Image.Exif()
TURNED[0x0112] = 6
FILMS = {
    "grey.png": encoded(GREY, "PNG"),
    "16 bit.png": encoded(GREY.astype(np.uint16) * 200, "PNG"),
    "colour.jpg": encoded(COLOUR, "JPEG", quality=90),
    "progressive.jpg": encoded(COLOUR, "JPEG", progressive=True),
    "turned.jpg": encoded(GREY, "JPEG", exif=TURNED),
    "damaged.png": with_other_data(encoded(GREY, "PNG")),
}


def test_work_counts_pixels_and_scans():
    assert not slow_images.may_be_late(FILMS["grey.png"], GREY.size, 60)
    assert slow_images.may_be_late(FILMS["grey.png"], 64_000_000, 60)
    assert not slow_images.may_be_late(FILMS["colour.jpg"], 16_000_000, 60)
    assert slow_images.may_be_late(scans(100, 2000), 4_000_000, 60)
    assert slow_images.may_be_late(FILMS["grey.png"], GREY.size, 0.01)


def test_usual_films_start_no_process():
    assert read_content(FILMS["colour.jpg"], ".jpg").status == "ok"
    assert slow_images._kept.process is None


@pytest.mark.slow
def test_the_same_levels_and_words_as_in_this_process(monkeypatch):
    here = {name: read_content(content, "") for name, content in FILMS.items()}
    monkeypatch.setattr(slow_images, "SAMPLES_A_SECOND", 0.0)
    for name, content in FILMS.items():
        apart, film = read_content(content, ""), here[name]
        assert (apart.status, apart.error, apart.kind) == (film.status, film.error, film.kind), name
        assert (apart.pixels is None) == (film.pixels is None) == name.startswith("damaged")
        if film.pixels is not None:
            np.testing.assert_array_equal(apart.pixels, film.pixels, err_msg=name)
    assert slow_images._kept.process is not None


@pytest.mark.slow
def test_a_decoding_that_takes_too_long_costs_only_its_film():
    late = read_content(scans(100, 4000), ".jpg", deadline=0.01)
    assert late.status == "unreadable" and late.kind == "jpeg"
    assert "decoding the PNG or JPEG file took longer than 0.01 s" in late.error
    assert "--read-deadline" in late.error
    assert read_content(FILMS["grey.png"], ".png").status == "ok"
    assert read_content(scans(100, 2000), ".jpg").status == "ok"


@pytest.mark.slow
def test_a_decoder_that_crashed_is_replaced():
    film = scans(100, 2000)
    assert read_content(film, ".jpg").status == "ok"
    pid = slow_images._kept.process.pid
    os.kill(pid, signal.SIGKILL)
    slow_images._kept.process._process.wait(5)
    assert read_content(film, ".jpg").status == "ok"
    assert slow_images._kept.process.pid != pid
