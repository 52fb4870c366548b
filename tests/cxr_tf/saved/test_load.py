import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import cxr_tf
from cxr_tf.models.weights import load_weights, save_weights
from cxr_tf.saved.load import from_runs, load
from pipelines.components import clean_labels
from tests.cxr_tf.fake_runs import classification_run, film, segmentation_run

REPOSITORY = Path(__file__).parents[3]


def test_importing_the_package_imports_no_tensorflow():
    code = "import sys, cxr_tf, pipelines; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY).returncode == 0
    assert cxr_tf.load is load
    with pytest.raises(AttributeError, match="unload"):
        cxr_tf.unload  # noqa: B018


def test_folder_or_version_folder(exported):
    model, same = load(exported), load(exported / "1")
    assert model.classes == same.classes == ("normal", "bacterial", "tuberculosis", "viral")
    assert model.model_version == same.model_version == model.card.model_version
    assert model.card.phantom is True


def test_values_are_plain_python(exported):
    answer = load(exported).predict(film(), patches=5)
    assert type(answer.label) is str and type(answer.status) is str
    assert type(answer.class_index) is int and type(answer.patches_used) is int
    assert type(answer.agreement) is float and type(answer.lung_fraction) is float
    assert answer.votes.dtype == np.int32 and answer.probabilities.dtype == np.float32
    assert answer.mask is None and answer.saliency is None
    assert answer.centres is None and answer.patch_probabilities is None


def test_film_without_an_answer(from_python):
    answer = from_python.predict(np.zeros((20, 20), np.uint16), explain=True, unweighted=True)
    assert (answer.status, answer.label, answer.class_index) == ("constant", "", -1)
    assert answer.patches_used == 0 and not answer.votes.any()
    assert (answer.centres == -1).all() and not answer.saliency.any()
    assert not answer.saliency_unweighted.any()
    plain = from_python.predict(np.zeros((20, 20), np.uint16), explain=True)
    assert plain.saliency is not None and plain.saliency_unweighted is None


def test_explained_patches_are_those_asked_for(from_python):
    answer = from_python.predict(film(), patches=7, seed=4, explain=True)
    assert answer.centres.shape == (7, 2) and answer.patch_probabilities.shape == (7, 4)
    inside = np.isin(answer.mask, (2, 3)).repeat(4, 0).repeat(4, 1)
    assert inside[tuple(answer.centres.T)].all()
    other = from_python.predict(film(), patches=7, seed=5, explain=True)
    assert (answer.centres != other.centres).any()


def test_segment(from_python):
    mask, status = from_python.segment(film())
    assert status == "ok" and mask.shape == (256, 256) and mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, from_python.predict(film(), explain=True).mask)
    mask, status = from_python.segment(np.zeros((9, 9), np.uint16))
    assert status == "constant" and not mask.any()


@pytest.mark.parametrize("patches", [0, -1, 401])
def test_number_of_patches_is_checked(from_python, patches):
    with pytest.raises(ValueError, match="400"):
        from_python.predict(film(), patches=patches)


def test_segmentation_alone(fake_segmentation):
    model = from_runs(fake_segmentation)
    assert model.classes == () and model.segment(film())[1] == "ok"
    with pytest.raises(ValueError, match="classification"):
        model.predict(film())


def test_what_is_missing_is_named(tmp_path, exported, fake_segmentation, fake_classification):
    with pytest.raises(FileNotFoundError, match="none"):
        load(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="run"):
        from_runs(tmp_path / "run")
    with pytest.raises(ValueError, match="name a"):
        from_runs(None)
    with pytest.raises(ValueError, match="not classification"):
        from_runs(None, fake_segmentation)
    with pytest.raises(ValueError, match="not segmentation"):
        from_runs(fake_classification)
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "saved_model.pb").write_bytes((exported / "1/saved_model.pb").read_bytes())
    with pytest.raises(FileNotFoundError, match="model card"):
        load(bare)


def test_version_names_weights_and_options(tmp_path, fake_segmentation, from_python):
    """Another patch size, resolution limit or weight is another version."""
    options = {"same": {}, "limit": {"resolution_limit": 512}, "scaling": {"scaling": "raw255"}}
    versions = {
        name: from_runs(
            None, classification_run(tmp_path / name, fake_segmentation, patch_size=64, **given)
        ).model_version
        for name, given in options.items()
    }
    assert versions["same"] == from_python.model_version
    assert len(set(versions.values())) == 3


def test_films_are_prepared_as_the_runs_were(tmp_path, fake_segmentation):
    plain = segmentation_run(tmp_path / "plain", normalise=False)
    assert from_runs(plain).card.options.enhance is False
    assert from_runs(fake_segmentation).card.options.enhance is True
    limited = from_runs(fake_segmentation, resolution_limit=100)
    assert (limited.segment(film())[0] != from_runs(fake_segmentation).segment(film())[0]).any()


def test_masks_are_cleaned_where_the_run_says_so(tmp_path, fake_segmentation):
    raw = from_runs(fake_segmentation).segment(film())[0]
    expected = clean_labels(tf.constant(raw)).numpy()
    assert (raw != expected).any()
    run = classification_run(tmp_path / "c", fake_segmentation, patch_size=64, clean_masks=True)
    model = from_runs(None, run)
    assert model.card.options.clean_masks is True
    np.testing.assert_array_equal(model.segment(film())[0], expected)
    found = model.predict(film(), patches=1, explain=True)
    np.testing.assert_array_equal(found.mask, expected)
    assert found.lung_fraction == pytest.approx(np.isin(expected, (2, 3)).mean())
    asked = from_runs(fake_segmentation, clean_masks=True)
    np.testing.assert_array_equal(asked.segment(film())[0], expected)


def test_weights_that_do_not_fit_are_all_named(tmp_path):
    from cxr_tf.models.registry import build

    save_weights(build("resnet18_small", size=64, classes=4), tmp_path / "four.safetensors")
    with pytest.raises(ValueError, match=r"fc/kernel.*fc/bias"):
        load_weights(build("resnet18_small", size=64, classes=3), tmp_path / "four.safetensors")
    with pytest.raises(ValueError, match=r"logits/kernel is missing.*conv1/kernel is not part"):
        load_weights(build("u_net_small", size=64), tmp_path / "four.safetensors")
    (tmp_path / "cut.safetensors").write_bytes(b"cut")
    with pytest.raises(ValueError, match=r"cut\.safetensors"):
        load_weights(build("u_net_small", size=64), tmp_path / "cut.safetensors")


def test_predictions_cannot_be_changed(from_python):
    answer = from_python.predict(film(), patches=1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        answer.label = "normal"


def test_a_bfloat16_model_has_another_version_and_nearly_the_same_answer(
    fake_classification, from_python
):
    model = from_runs(None, fake_classification, precision="mixed_bfloat16")
    assert (model.card.precision, from_python.card.precision) == ("mixed_bfloat16", "float32")
    assert model.model_version != from_python.model_version
    ours, exact = (x.predict(film()) for x in (model, from_python))
    assert 0 < np.abs(ours.probabilities - exact.probabilities).max() < 0.05
