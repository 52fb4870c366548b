from io import BytesIO

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp
from PIL import Image

from pipelines.decode import JSRT_SIZE, decode_film, decode_jsrt, decode_mask, guard, header_status
from tests.protocol import check_op
from tests.samples import encode, ramp, tiff_orientation, with_exif

GREY = ramp()
COLOURED = np.stack([ramp(), ramp()[::-1], ramp()[:, ::-1]], -1)
INVALID = tf.errors.InvalidArgumentError


def to_grey(colour):
    levels = colour.astype(np.int64) * 257
    return (299 * levels[..., 0] + 587 * levels[..., 1] + 114 * levels[..., 2] + 500) // 1000


def film(content):
    return decode_film(tf.constant(content)).numpy()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (encode(GREY, "PNG"), GREY * np.int64(257)),
        (encode(ramp(top=65535, dtype=np.uint16), "PNG"), ramp(top=65535, dtype=np.uint16)),
        (encode(Image.fromarray(GREY > 90), "PNG"), (GREY > 90) * 65535),
        (encode(GREY, "PNG", mode="LA"), GREY * np.int64(257)),
        (encode(GREY, "PNG", transparency=7), GREY * np.int64(257)),
        (encode(COLOURED, "PNG"), to_grey(COLOURED)),
        (encode(COLOURED, "PNG", mode="RGBA"), to_grey(COLOURED)),
        (encode(np.array([[9]], np.uint8), "PNG"), [[9 * 257]]),
        (encode(np.full((9, 7), 3, np.uint8), "PNG"), np.full((9, 7), 3 * 257)),
    ],
    ids="grey 16-bit 1-bit alpha transparent colour colour-alpha 1x1 constant".split(),
)
def test_png(content, expected):
    pixels = decode_film(tf.constant(content))
    assert pixels.dtype == tf.uint16
    np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_decode_film_in_all_four_ways(form):
    pixels = check_op(decode_film, encode(COLOURED, form))
    assert pixels.shape == GREY.shape


def test_alpha_is_dropped_and_not_blended():
    alpha = np.dstack([COLOURED, ramp()[::-1, ::-1]])
    np.testing.assert_array_equal(film(encode(alpha, "PNG")), to_grey(COLOURED))


@pytest.mark.parametrize("transparency", [None, 3])
def test_palette_png(transparency):
    image = Image.fromarray(COLOURED).convert("P", palette=Image.Palette.ADAPTIVE)
    options = {} if transparency is None else {"transparency": transparency}
    expected = to_grey(np.asarray(image.convert("RGB")))
    np.testing.assert_array_equal(film(encode(image, "PNG", **options)), expected)


def test_a_grey_film_stored_in_colour_keeps_its_levels():
    levels = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    stored = tf.io.encode_png(np.repeat(levels[..., np.newaxis], 3, -1)).numpy()
    np.testing.assert_array_equal(film(stored), levels)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_jpeg(progressive, mode):
    pixels = COLOURED if mode == "RGB" else GREY
    content = encode(pixels, "JPEG", quality=95, progressive=progressive, subsampling=0)
    pixels = film(content).astype(int)
    opened = np.asarray(Image.open(BytesIO(content)))
    expected = to_grey(opened) if mode == "RGB" else opened.astype(int) * 257
    assert np.abs(pixels - expected).max() <= 257  # one level of 8 bit between two libjpegs


def test_cmyk_jpeg():
    image = Image.fromarray(COLOURED).convert("CMYK")
    content = encode(image, "JPEG", quality=95, subsampling=0)
    expected = to_grey(np.asarray(Image.open(BytesIO(content)).convert("RGB")))
    assert np.abs(film(content).astype(int) - expected).max() <= 6 * 257


@pytest.mark.parametrize(
    ("form", "options"),
    [("PNG", {}), ("JPEG", {}), ("JPEG", {"progressive": True}), ("JPEG", {"subsampling": 0})],
)
def test_a_film_cut_off_anywhere_fails(form, options):
    content = encode(COLOURED, form, **options)
    ends = {*range(0, len(content), 61), *range(len(content) - 20, len(content))}
    for end in ends:
        with pytest.raises(INVALID):
            film(content[:end])


def test_damaged_pixels_fail_though_the_header_is_good():
    content = bytearray(encode(GREY, "PNG"))
    content[len(content) // 2] ^= 1
    assert header_status(tf.constant(bytes(content))).numpy() == b"ok"
    with pytest.raises(INVALID):
        film(bytes(content))


def test_what_the_header_refuses_is_not_decoded():
    for content in (
        b"",
        b"junk",
        encode(GREY, "GIF"),
        encode(GREY, "GIF", save_all=True, append_images=[Image.fromarray(255 - GREY)]),
        encode(np.zeros((12000, 12000), bool), "PNG"),
    ):
        with pytest.raises(INVALID):
            film(content)
    with pytest.raises(INVALID, match="too_large"):
        tf.function(decode_film)(tf.constant(encode(np.zeros((12000, 12000), bool), "PNG")))


def test_a_turned_film_is_decoded_as_stored_on_request_only():
    plain = encode(GREY, "JPEG")
    turned = with_exif(plain, tiff_orientation(6))
    with pytest.raises(INVALID, match="unsupported"):
        film(turned)
    as_stored = decode_film(tf.constant(turned), any_orientation=True)
    np.testing.assert_array_equal(as_stored, film(plain))


@settings(max_examples=25, deadline=None)
@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40)))
def test_any_8_bit_film_is_scaled_by_257(pixels):
    np.testing.assert_array_equal(film(encode(pixels, "PNG")), pixels.astype(int) * 257)


@pytest.mark.parametrize(("form", "top"), [("PNG", 1), ("GIF", 255)])
def test_mask_in_all_four_ways(form, top):
    truth = GREY > 100
    mask = check_op(decode_mask, encode((truth * top).astype(np.uint8), form))
    assert mask.dtype == tf.bool
    np.testing.assert_array_equal(mask, truth)


def test_mask_of_1_bit_of_16_bit_and_with_soft_edges():
    truth = GREY > 100
    np.testing.assert_array_equal(decode_mask(tf.constant(encode(truth, "PNG"))), truth)
    np.testing.assert_array_equal(
        decode_mask(tf.constant(encode((truth * 65535).astype(np.uint16), "PNG"))), truth
    )
    soft = np.where(truth, 255, 0).astype(np.uint8)
    soft[0, :3] = (100, 127, 128)
    expected = truth.copy()
    expected[0, :3] = (False, False, True)
    np.testing.assert_array_equal(decode_mask(tf.constant(encode(soft, "PNG"))), expected)


def test_an_empty_mask_is_empty():
    for form in ("PNG", "GIF"):
        content = encode(np.zeros((6, 5), np.uint8), form)
        assert not decode_mask(tf.constant(content)).numpy().any()


def test_the_first_frame_of_an_animated_gif_is_the_mask():
    truth = GREY > 100
    frames = [Image.fromarray((part * 255).astype(np.uint8)) for part in (truth, ~truth)]
    content = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(decode_mask(tf.constant(content)), truth)


def test_a_bad_mask_fails():
    gif, png = (encode((GREY > 100) * np.uint8(255), form) for form in ("GIF", "PNG"))
    # The last byte of a GIF is but its trailer: the picture is whole without it.
    cut = [gif[:end] for end in range(0, len(gif) - 1, 17)] + [png[:-1], png[:70]]
    for content in (*cut, encode(GREY, "JPEG"), encode(GREY, "BMP"), b""):
        with pytest.raises(INVALID):
            decode_mask(tf.constant(content))


def test_a_gif_of_a_hostile_size_is_not_decoded():
    content = bytearray(encode(GREY, "GIF"))
    content[6:10] = b"\xff\xff\xff\xff"
    with pytest.raises(INVALID, match="mask"):
        decode_mask(tf.constant(bytes(content)))


def test_jsrt_is_inverted_and_stretched_strictly():
    stored = (np.arange(JSRT_SIZE**2) % 4096).astype(">u2").reshape(JSRT_SIZE, JSRT_SIZE)
    pixels = check_op(decode_jsrt, stored.tobytes()).numpy()
    assert pixels.shape == (JSRT_SIZE, JSRT_SIZE)
    by_value = pixels.ravel()[:4096].astype(int)
    assert (by_value[0], by_value[-1]) == (65535, 0)
    assert (np.diff(by_value) < 0).all()


def test_a_bad_jsrt_film_fails():
    with pytest.raises(INVALID, match="8388608"):
        decode_jsrt(tf.constant(b"\0" * 100))
    with pytest.raises(INVALID, match="4095"):
        decode_jsrt(tf.constant(b"\xff" * (2 * JSRT_SIZE**2)))


def small_film(content):
    pixels = tf.cast(decode_film(content), tf.float32)[..., tf.newaxis]
    return tf.image.resize(pixels, [4, 4]), tf.constant(True)


def guarded(content):
    return guard(small_film, content, (tf.zeros([4, 4, 1]), tf.constant(False)))


def test_guard_in_all_four_ways():
    pixels, done = check_op(guarded, encode(GREY, "PNG"))
    assert done.numpy() and pixels.numpy().any()
    pixels, done = check_op(guarded, encode(GREY, "PNG")[:-1])
    assert not done.numpy() and not pixels.numpy().any()


def test_guard_keeps_the_good_films_of_a_batch(tmp_path):
    module = tf.Module()
    module.serve = tf.function(
        lambda batch: tf.map_fn(
            guarded,
            batch,
            fn_output_signature=(tf.TensorSpec([4, 4, 1]), tf.TensorSpec([], tf.bool)),
        ),
        input_signature=[tf.TensorSpec([None], tf.string)],
    )
    tf.saved_model.save(module, tmp_path)
    good = [encode(GREY, "PNG"), encode(COLOURED, "JPEG")]
    pixels, done = tf.saved_model.load(tmp_path).serve(
        tf.constant([good[0], b"", good[1], b"junk", good[0][:-3]])
    )
    np.testing.assert_array_equal(done, [True, False, True, False, False])
    np.testing.assert_array_equal(pixels[0], small_film(tf.constant(good[0]))[0])
    np.testing.assert_array_equal(pixels[2], small_film(tf.constant(good[1]))[0])


def test_no_operation_of_the_graph_calls_python():
    graph = tf.function(guarded).get_concrete_function(tf.TensorSpec([], tf.string)).graph
    definition = graph.as_graph_def()
    nodes = [*definition.node, *(n for f in definition.library.function for n in f.node_def)]
    assert len(nodes) > 50
    assert not [node.op for node in nodes if "PyFunc" in node.op]


def test_guard_refuses_a_fallback_of_another_shape_or_type():
    for fallback in (tf.zeros([3]), tf.zeros([2], tf.int32)):
        with pytest.raises(ValueError, match="same type and shape"):
            guard(lambda x: tf.stack([x, x]), tf.constant(1.0), fallback)
