"""What replaced tensorflow-addons 0.23.0 against its arrays, made by tools/golden/addons.py."""

import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from cxr_tf.measures import metrics
from tests.equalisation import equalisation_table
from tools.golden import addons

GOLDEN = pathlib.Path(__file__).parents[2] / "golden"
FILMS = addons.equalise_films()
CONTINUOUS = ["thorax", "ramp", "dark", "bright"]  # "levels" has seven grey levels
F1_CASES = ["four", "three", "never_predicted", "never_true", "absent"]


@pytest.fixture(scope="module")
def tables():
    return np.load(GOLDEN / "addons_equalize.npz")


@pytest.fixture(scope="module")
def f1_cases():
    return np.load(GOLDEN / "addons_f1.npz")


@pytest.fixture(scope="module")
def adamw_cases():
    return np.load(GOLDEN / "addons_adamw.npz")


def both_tables(tables, name):
    """Our table and theirs, float64, at the grey levels the film has."""
    film = FILMS[name]
    ours = equalisation_table(tf.constant(film.astype(np.uint16) * 257), -1).numpy()
    theirs = tables[f"{name}_table"].astype(np.float64)
    present = np.unique(film)
    assert np.array_equal(np.flatnonzero(theirs >= 0), present)
    return ours[present.astype(np.int64) * 257], theirs[present]


def test_golden_arrays_are_of_the_release_named():
    paths = sorted(GOLDEN.glob("addons_*.npz"))
    assert [str(np.load(path)["tensorflow_addons"]) for path in paths] == ["0.23.0"] * 3


@pytest.mark.parametrize("name", FILMS)
def test_films_are_those_the_tables_were_made_of(tables, name):
    assert FILMS[name].shape >= (512, 512)
    assert addons.checksum(FILMS[name]) == str(tables[f"{name}_sha256"])


@pytest.mark.parametrize("name", FILMS)
def test_equalisation_tables_rise_from_0_to_255(tables, name):
    for table in both_tables(tables, name):
        assert np.all(np.diff(table) >= 0)
        assert table[0] == 0
        assert table[-1] == 255


@pytest.mark.parametrize("name", CONTINUOUS)
def test_equalisation_differs_from_addons_by_at_most_4_levels(tables, name):
    ours, theirs = both_tables(tables, name)
    assert np.bincount(FILMS[name].ravel()).max() <= 0.0125 * FILMS[name].size
    assert np.abs(ours - theirs).max() <= 4


@pytest.mark.parametrize("name", FILMS)
def test_equalisation_differs_from_addons_by_where_a_level_counts_itself(tables, name):
    # Theirs is PIL's: pixels below a level over a whole number of pixels a step, rounded. Ours
    # counts the level's own pixels too, without those of the lowest level.
    ours, theirs = both_tables(tables, name)
    counts = np.bincount(FILMS[name].ravel())
    counts = counts[counts > 0]
    below = np.cumsum(counts) - counts
    step = (counts.sum() - counts[-1]) // 255
    assert np.array_equal(theirs, np.minimum((below + step // 2) // step, 255))
    np.testing.assert_allclose(
        ours, 255 * (below + counts - counts[0]) / (counts.sum() - counts[0]), atol=1e-9
    )


@pytest.mark.parametrize("name", F1_CASES)
def test_keras_f1_is_that_of_addons(f1_cases, name):
    truth, probabilities = f1_cases[f"{name}_truth"], f1_cases[f"{name}_probabilities"]
    one_hot = np.eye(probabilities.shape[1], dtype=np.float32)[truth]
    for average, golden in (("macro", "macro"), (None, "per_class")):
        metric = keras.metrics.F1Score(average=average)
        metric.update_state(one_hot, probabilities)
        np.testing.assert_allclose(metric.result(), f1_cases[f"{name}_{golden}"], atol=1e-6)


@pytest.mark.parametrize("name", F1_CASES)
def test_macro_f1_is_that_of_addons_over_the_classes_present(f1_cases, name):
    # A class without films is left out of our mean; tensorflow-addons counts it with 0.
    truth, probabilities = f1_cases[f"{name}_truth"], f1_cases[f"{name}_probabilities"]
    classes = probabilities.shape[1]
    confusion = metrics.confusion_matrix(truth, probabilities.argmax(axis=1), classes)
    ours = metrics.classification_metrics(confusion)
    present = np.bincount(truth, minlength=classes) > 0
    golden = f1_cases[f"{name}_per_class"]
    assert ours.f1 * present.sum() / classes == pytest.approx(
        float(f1_cases[f"{name}_macro"]), abs=1e-6
    )
    np.testing.assert_allclose(ours.by_class["f1"][present], golden[present], atol=1e-6)
    assert np.isnan(ours.by_class["f1"][~present]).all()
    assert (golden[~present] == 0).all()


@pytest.mark.parametrize("name", ["usual", "strong", "kernels_only"])
def test_keras_adamw_is_that_of_addons_with_decay_over_rate(adamw_cases, name):
    # Theirs subtracts decay * weight whatever the rate, Keras rate * decay * weight.
    rate, decay, decay_bias = adamw_cases[f"{name}_settings"]
    variables = {
        key: keras.Variable(adamw_cases[f"{name}_{key}_start"], name=key)
        for key in ("kernel", "bias")
    }
    optimizer = keras.optimizers.AdamW(
        learning_rate=float(rate), weight_decay=float(decay / rate), epsilon=1e-7
    )
    if not decay_bias:
        optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.build(list(variables.values()))
    for step in range(len(adamw_cases[f"{name}_kernel_gradients"])):
        optimizer.apply_gradients(
            [
                (tf.constant(adamw_cases[f"{name}_{key}_gradients"][step]), variable)
                for key, variable in variables.items()
            ]
        )
        for key, variable in variables.items():
            np.testing.assert_allclose(
                variable.numpy(), adamw_cases[f"{name}_{key}_weights"][step], rtol=1e-5, atol=1e-6
            )
