import hashlib
import io
import logging
import pickle
import urllib.error

import keras
import numpy as np
import pytest
from safetensors.numpy import save_file

from cxr_tf.models.imagenet import WeightsError, download, load_imagenet, read_arrays
from cxr_tf.models.layers import BATCH_NORM_EPSILON
from cxr_tf.models.registry import build

STATISTICS = {"weight": 0.5, "bias": 0.0, "running_mean": 0.0, "running_var": 0.5}
MISSING = ("layer4.1.conv1", "layer4.1.conv2")


def convolutions():
    """Names of the convolutions of a ResNet-18, each with its batch norm and OIHW shape."""
    found = [("conv1", "bn1", (16, 3, 7, 7))]
    for stage in range(4):
        for block in range(2):
            inside = 16 << stage
            before = inside // 2 if stage and not block else inside
            name = f"layer{stage + 1}.{block}"
            found.append((f"{name}.conv1", f"{name}.bn1", (inside, before, 3, 3)))
            found.append((f"{name}.conv2", f"{name}.bn2", (inside, inside, 3, 3)))
            if stage and not block:
                down = f"{name}.downsample"
                found.append((f"{down}.0", f"{down}.1", (inside, before, 1, 1)))
    return found


def random_state(seed=0):
    """A state dict of a small ResNet-18 under torchvision's names."""
    generator = np.random.default_rng(seed)
    state = {}
    for convolution, norm, shape in convolutions():
        scale = np.sqrt(2.0 / np.prod(shape[1:]))
        state[f"{convolution}.weight"] = generator.normal(0.0, scale, shape)
        for name, least in STATISTICS.items():
            spread = generator.uniform(0.0, 1.0, shape[0]) + least
            state[f"{norm}.{name}"] = spread if least else spread - 0.5
        state[f"{norm}.num_batches_tracked"] = np.array(7)
    return {name: value.astype(np.float32) for name, value in state.items()}


def folded(state, left_out=()):
    """Put every batch norm into kernel and bias before it."""
    arrays = {}
    for convolution, norm, _ in convolutions():
        if convolution in left_out:
            continue
        scale = state[f"{norm}.weight"] / np.sqrt(state[f"{norm}.running_var"] + BATCH_NORM_EPSILON)
        arrays[f"{convolution}.weight"] = (
            state[f"{convolution}.weight"] * scale[:, None, None, None]
        )
        arrays[f"{convolution}.bias"] = (
            state[f"{norm}.bias"] - scale * state[f"{norm}.running_mean"]
        )
    return arrays


@pytest.fixture
def patches():
    return [
        np.random.default_rng(seed).normal(size=(4, 64, 64, 3)).astype(np.float32)
        for seed in range(3)
    ]


@pytest.fixture
def model():
    return build("resnet18_small", size=64)


def save_npz(path, arrays):
    np.savez(path, **arrays)
    return path


def convolve(image, kernel, stride):
    """Convolve [H, W, C] with an OIHW kernel as torchvision does."""
    side = kernel.shape[2]
    margin = (side - 1) // 2
    image = np.pad(image, [(margin, margin), (margin, margin), (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(image, (side, side), axis=(0, 1))
    return np.einsum("yxcij,ocij->yxo", windows[::stride, ::stride], kernel, optimize=True)


def reference(state, image):
    """Forward pass of a ResNet-18 in NumPy, to the mean features."""

    def block(x, convolution, norm, stride=1):
        x = convolve(x, state[f"{convolution}.weight"], stride)
        x = (x - state[f"{norm}.running_mean"]) / np.sqrt(
            state[f"{norm}.running_var"] + BATCH_NORM_EPSILON
        )
        return x * state[f"{norm}.weight"] + state[f"{norm}.bias"]

    x = np.maximum(block(image.astype(np.float64), "conv1", "bn1", 2), 0.0)
    padded = np.pad(x, [(1, 1), (1, 1), (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))
    x = windows[::2, ::2].max((-2, -1))
    for stage in range(1, 5):
        for number in range(2):
            name = f"layer{stage}.{number}"
            stride = 2 if stage > 1 and not number else 1
            y = np.maximum(block(x, f"{name}.conv1", f"{name}.bn1", stride), 0.0)
            y = block(y, f"{name}.conv2", f"{name}.bn2")
            down = f"{name}.downsample"
            if f"{down}.0.weight" in state:
                x = block(x, f"{down}.0", f"{down}.1", stride)
            x = np.maximum(x + y, 0.0)
    return x


def features(model, batch):
    return model(batch, training=False)["features"].numpy()


def test_safetensors_with_torchvision_names(model, patches, tmp_path):
    state = random_state()
    save_file(state, tmp_path / "model.safetensors")
    head = model.get_layer("fc").kernel.numpy()
    assert load_imagenet(model, [tmp_path / "model.safetensors"], patches) == []
    expected = reference(state, patches[0][0])
    found = features(model, patches[0][:1])[0]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * expected.max())
    np.testing.assert_array_equal(model.get_layer("fc").kernel.numpy(), head)


def test_folded_batch_norm_keeps_the_function(model, patches, tmp_path):
    state = random_state(1)
    save_file(state, tmp_path / "model.safetensors")
    load_imagenet(model, [tmp_path / "model.safetensors"], patches)
    expected = features(model, patches[0])
    other = build("resnet18_small", size=64)
    assert load_imagenet(other, [save_npz(tmp_path / "folded.npz", folded(state))], patches) == []
    found = features(other, patches[0])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * expected.max())


def test_folded_statistics_are_those_of_the_patches(model, patches, tmp_path):
    """Training mode and inference mode agree, which is what the statistics are estimated for."""
    load_imagenet(model, [save_npz(tmp_path / "folded.npz", folded(random_state(1)))], patches)
    probe = keras.Model(model.input, model.get_layer("layer2_0_conv2").output)
    outputs = np.concatenate([probe(batch, training=False).numpy() for batch in patches])
    norm = model.get_layer("layer2_0_bn2")
    np.testing.assert_allclose(norm.moving_mean, outputs.mean((0, 1, 2)), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(norm.moving_variance, outputs.var((0, 1, 2)), rtol=1e-3, atol=1e-4)


def test_block_without_a_source_is_the_identity(model, patches, tmp_path, caplog):
    file = save_npz(tmp_path / "folded.npz", folded(random_state(2), MISSING))
    with caplog.at_level(logging.WARNING, "cxr_tf"):
        assert load_imagenet(model, [file], patches) == list(MISSING)
    [message] = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert all(name in message for name in (*MISSING, "layer4.1"))
    before = model.get_layer("layer4_0_relu2").output
    probe = keras.Model(model.input, [before, model.output["features"]])
    shortcut, out = probe(patches[0], training=False)
    assert shortcut.numpy().max() > 0.0
    np.testing.assert_array_equal(shortcut, out)
    # It can learn: only the last batch norm is zero.
    assert not model.get_layer("layer4_1_bn2").gamma.numpy().any()
    assert model.get_layer("layer4_1_bn1").gamma.numpy().all()
    assert model.get_layer("layer4_1_conv2").kernel.numpy().any()


def test_8_bit_kernels_need_no_scale(model, patches, tmp_path):
    """The scale of a kernel vanishes in the statistics of its own output."""
    state = random_state(3)
    scales = np.random.default_rng(4).uniform(0.5, 2.0, 128)
    kernel = state["layer4.0.conv2.weight"]
    rounded = np.clip(
        np.rint(kernel / np.abs(kernel).max((1, 2, 3), keepdims=True) * 127), -127, 127
    )
    arrays = {name: value for name, value in state.items() if name != "layer4.0.conv2.weight"}
    arrays["layer4.0.conv2.weight_int8"] = rounded.astype(np.int8)
    load_imagenet(model, [save_npz(tmp_path / "8bit.npz", arrays)], patches)
    found = features(model, patches[0])
    # The same kernel with any other scale a channel, as float weights whose statistics are known.
    other = build("resnet18_small", size=64)
    arrays["layer4.0.conv2.weight"] = (rounded * scales[:, None, None, None]).astype(np.float32)
    del arrays["layer4.0.conv2.weight_int8"]
    load_imagenet(other, [save_npz(tmp_path / "float.npz", arrays)], patches)
    probe = keras.Model(other.input, other.get_layer("layer4_0_conv2").output)
    outputs = np.concatenate([probe(batch, training=False).numpy() for batch in patches])
    norm = other.get_layer("layer4_0_bn2")
    norm.moving_mean.assign(outputs.mean((0, 1, 2)))
    norm.moving_variance.assign(outputs.var((0, 1, 2)))
    expected = features(other, patches[0])
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * expected.max())


def test_first_file_that_has_a_name_gives_it(tmp_path):
    one = save_npz(tmp_path / "one.npz", {"a": np.zeros(2), "b": np.ones(2)})
    two = save_npz(tmp_path / "two.npz", {"b": np.zeros(2), "c": np.ones(3)})
    arrays = read_arrays([one, two])
    assert set(arrays) == {"a", "b", "c"} and arrays["b"].all()


def test_nothing_is_unpickled(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("unpickled",))

    np.savez(tmp_path / "objects.npz", weight=np.array([Bomb()], object))
    with pytest.raises(WeightsError, match=r"objects\.npz"):
        read_arrays([tmp_path / "objects.npz"])
    for name in ("model.pth", "model.pt", "model.pkl", "pickle.npz", "pickle.safetensors"):
        (tmp_path / name).write_bytes(pickle.dumps(Bomb()))
        with pytest.raises(WeightsError, match=name):
            read_arrays([tmp_path / name])


@pytest.mark.parametrize("length", [0, 5, 300])
def test_damaged_files_are_named(tmp_path, length):
    save_npz(tmp_path / "cut.npz", {"conv1.weight": np.zeros((4, 3, 7, 7))})
    save_file({"conv1.weight": np.zeros((4, 3, 7, 7))}, tmp_path / "cut.safetensors")
    for name in ("cut.npz", "cut.safetensors"):
        path = tmp_path / name
        path.write_bytes(path.read_bytes()[:length])
        with pytest.raises(WeightsError, match=name):
            read_arrays([path])


def test_missing_file_is_named(tmp_path):
    with pytest.raises(WeightsError, match=r"none\.npz"):
        read_arrays([tmp_path / "none.npz"])


def test_kernel_of_another_network_is_refused(model, patches, tmp_path):
    arrays = folded(random_state())
    arrays["conv1.weight"] = np.zeros((64, 3, 7, 7), np.float32)
    with pytest.raises(WeightsError, match=r"conv1\.weight"):
        load_imagenet(model, [save_npz(tmp_path / "wide.npz", arrays)], patches)


def test_missing_statistics_are_named(model, patches, tmp_path):
    arrays = random_state()
    del arrays["layer1.0.bn2.running_var"]
    save_file(arrays, tmp_path / "part.safetensors")
    with pytest.raises(WeightsError, match=r"layer1\.0\.bn2\.running_var"):
        load_imagenet(model, [tmp_path / "part.safetensors"], patches)


def test_folded_weights_without_patches_are_refused(model, tmp_path):
    with pytest.raises(WeightsError, match="patches"):
        load_imagenet(model, [save_npz(tmp_path / "folded.npz", folded(random_state()))], [])


def serve(monkeypatch, content):
    def urlopen(url, timeout=None):
        if isinstance(content, Exception):
            raise content
        return io.BytesIO(content)

    monkeypatch.setattr("urllib.request.urlopen", urlopen)


def test_download_keeps_the_file_expected_and_fetches_it_once(monkeypatch, tmp_path):
    digest = hashlib.sha256(b"weights").hexdigest()
    serve(monkeypatch, b"weights")
    path = download(tmp_path / "cache", "https://example.org/w", digest)
    assert path.read_bytes() == b"weights" and path.suffix == ".safetensors"
    serve(monkeypatch, AssertionError("fetched again"))
    assert download(tmp_path / "cache", "https://example.org/w", digest) == path


def test_download_of_another_file_is_refused(monkeypatch, tmp_path):
    serve(monkeypatch, b"something else")
    with pytest.raises(WeightsError, match="SHA-256"):
        download(tmp_path / "cache")
    assert not list(tmp_path.rglob("*.safetensors*"))


def test_damaged_copy_is_fetched_again(monkeypatch, tmp_path):
    digest = hashlib.sha256(b"weights").hexdigest()
    serve(monkeypatch, b"weights")
    path = download(tmp_path, "https://example.org/w", digest)
    path.write_bytes(b"weig")
    assert download(tmp_path, "https://example.org/w", digest).read_bytes() == b"weights"


def test_download_without_a_network_says_so(monkeypatch, tmp_path):
    serve(monkeypatch, urllib.error.URLError("no network"))
    with pytest.raises(WeightsError, match="no network"):
        download(tmp_path)


@pytest.mark.slow
def test_development_weights(research_data, caplog):
    """The files of the development data: folded kernels, 8-bit kernels, one block missing."""
    files = sorted((research_data / "weights").glob("*.npz"))
    assert files
    model = build("resnet18", size=64)
    generator = np.random.default_rng(0)
    patches = [generator.normal(size=(4, 64, 64, 3)).astype(np.float32) for _ in range(2)]
    assert load_imagenet(model, files, patches) == list(MISSING)
    found = features(model, patches[0])
    assert np.isfinite(found).all() and found.max() > 0.0
    arrays = read_arrays(files)
    first = keras.Model(model.input, model.get_layer("bn1").output)(patches[0][:1], training=False)
    expected = convolve(patches[0][0], arrays["conv1.weight"].astype(np.float32), 2)
    expected = expected + arrays["conv1.bias"]
    np.testing.assert_allclose(first[0], expected, rtol=1e-3, atol=1e-3)
