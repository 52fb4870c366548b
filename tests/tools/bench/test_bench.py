"""The bench: turns, ratios, limits, and the same answers from every contender."""

from functools import partial

import cv2
import numpy as np
import pytest
import tensorflow as tf

from pipelines.components import clean_labels
from pipelines.normalise import normalise
from tests.cxr_tf.fake_runs import film
from tools.bench.contenders import AUTHORS, OURS, PYTORCH, Work
from tools.bench.floor import operations
from tools.bench.timing import OwnTime, Timing, alternate


def test_contenders_take_turns_and_warm_ups_do_not_count():
    calls = []
    found = alternate(
        {name: partial(calls.append, name) for name in "ab"}, 3, warm_ups=1, pause=0.0
    )
    assert "".join(calls) == "abbaabba"
    assert {name: len(timing.seconds) for name, timing in found.items()} == {"a": 3, "b": 3}


def test_a_contender_may_time_itself():
    found = alternate({"a": lambda: OwnTime(3.0), "b": lambda: 7.0}, 2, warm_ups=0, pause=0.0)
    assert found["a"].seconds == (3.0, 3.0) and max(found["b"].seconds) < 1.0


def test_ratios_are_taken_round_by_round():
    ours, theirs = Timing((1.0, 2.0, 10.0)), Timing((3.0, 4.0, 20.0))
    assert ours.median == 2.0
    assert ours.ratio(theirs) == 2.0
    assert theirs.ratio(ours) == 0.5


def test_operations_of_a_product_and_a_convolution():
    square = tf.TensorSpec([8, 8], tf.float32)
    product = tf.function(lambda x: tf.linalg.matmul(x, x)).get_concrete_function(square)
    assert operations(product) == 2 * 8**3
    caller = tf.function(lambda x: product(x) + 1.0)
    assert operations(caller.get_concrete_function(square)) >= 2 * 8**3
    image = tf.TensorSpec([1, 10, 10, 3], tf.float32)
    kernel = tf.ones([3, 3, 3, 5])
    convolved = tf.function(lambda x: tf.nn.conv2d(x, kernel, 1, "VALID"))
    assert operations(convolved.get_concrete_function(image)) == 2 * 8 * 8 * 5 * 27


def test_the_table_and_what_lies_below_its_limit(tmp_path, monkeypatch):
    report = pytest.importorskip("tools.bench.report")
    monkeypatch.setattr(report, "PACKAGES", ("tensorflow",))
    nothing = dict.fromkeys((OURS, PYTORCH, AUTHORS), lambda: None)
    timings = {OURS: Timing((2.0,)), PYTORCH: Timing((2.1,)), AUTHORS: Timing((30.0,))}
    work = Work(
        "maps", "a film", nothing, difference=2e-4, operations=10**9, remark=lambda: "as seen"
    )
    found = report.record([report.Result(work, timings)], 1, 2, 2e9)
    row = found["rows"][0]
    assert row["floor_ratio"] == 0.25
    assert row["contenders"][PYTORCH]["ratio"] == pytest.approx(1.05)
    assert report.below_limits(found) == ["a film: 1.05 x PyTorch, the limit is 1.1"]
    report.write(found, tmp_path / "new")
    text = (tmp_path / "new" / "bench.md").read_text()
    assert "| a film | authors' way, one map | 30.00 s | 15.00 | 10.0 | 5.0 |" in text
    assert "| a film | floor: 1.0 GFLOP | 500 ms | 0.25 | 0.75 |  |" in text
    assert text.endswith("\nas seen.\n")
    assert (tmp_path / "new" / "bench.json").is_file()


@pytest.fixture(scope="module")
def torch_film():
    pytest.importorskip("torch", reason="requirements-bench.txt is not installed")
    from tools.bench import torch_film

    return torch_film


@pytest.mark.parametrize("frame", [0, 20])
def test_films_are_prepared_alike(torch_film, frame):
    pixels = np.pad(film(), frame)
    (small, large), _ = normalise(tf.constant(pixels), sizes=(128, 1024))
    found = torch_film.equalised(pixels)
    for ours in (small.numpy(), large.numpy()):
        theirs = torch_film.resized(found, len(ours))[0, 0].numpy()
        np.testing.assert_allclose(theirs, ours, atol=0.01)


def test_masks_are_cleaned_alike(torch_film):
    noise = np.random.default_rng(0).normal(size=(256, 256, 4)).astype(np.float32)
    labels = cv2.GaussianBlur(noise, (0, 0), 6).argmax(-1).astype(np.uint8)
    cleaned = clean_labels(tf.constant(labels)).numpy()
    assert (cleaned != labels).any()
    np.testing.assert_array_equal(torch_film.clean(labels), cleaned)


@pytest.mark.parametrize(
    ("task", "shape"), [("segmentation", (1, 64, 64, 1)), ("classification", (2, 64, 64, 3))]
)
def test_networks_agree(torch_film, task, shape):
    import torch

    from cxr_tf.models.registry import build
    from cxr_tf.models.weights import weight_arrays
    from tools.bench.measured_model import NETWORKS
    from tools.bench.torch_networks import FCDenseNet103, ResNet18, load_arrays

    generator = np.random.default_rng(0)
    network = build(NETWORKS[task], size=64)
    for weight in network.weights:
        if "kernel" not in weight.path:
            weight.assign(generator.uniform(0.4, 0.6, weight.shape))
    arrays = weight_arrays(network)
    theirs = {"segmentation": FCDenseNet103, "classification": ResNet18}[task]()
    load_arrays(theirs, arrays)
    x = generator.uniform(size=shape).astype(np.float32)
    ours = network(x, training=False)
    ours = ours["logits"] if task == "classification" else tf.transpose(ours, [0, 3, 1, 2])
    with torch.inference_mode():
        found = theirs(torch.from_numpy(x.transpose(0, 3, 1, 2).copy()))
    found = found[0] if task == "classification" else found
    np.testing.assert_allclose(found.numpy(), ours.numpy(), rtol=1e-4, atol=1e-3)
    with pytest.raises(ValueError, match="left over"):
        load_arrays(theirs, arrays | {"more/kernel": arrays[next(iter(arrays))]})
