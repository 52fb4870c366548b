import dataclasses
import json

import pytest

from cxr_tf.models.names import CLASSIFICATION_NETWORKS, SEGMENTATION_NETWORKS
from cxr_tf.saved.run_options import (
    MAY_CHANGE,
    PRESETS,
    ClassificationTrainingOptions,
    SegmentationTrainingOptions,
    TrainingOptions,
    changed_options,
    read_run,
    task_name,
)
from pipelines.classes import PAPER_CLASSES, parse_classes
from pipelines.masks import CONTENTS
from pipelines.patches import SCALINGS
from pipelines.sizes import PATCH_SIZE

KINDS: dict[str, type[TrainingOptions]] = {
    "segmentation": SegmentationTrainingOptions,
    "classification": ClassificationTrainingOptions,
}
ALL_PRESETS = [(task, name) for task in KINDS for name in PRESETS[task]]


def changed(config, name):
    """The same options with another value of one of them."""
    value = getattr(config, name)
    if isinstance(value, bool):
        other = not value
    elif isinstance(value, str):
        other = value + "x"
    elif isinstance(value, tuple):
        other = (*value, "x")
    else:
        other = value + 1
    return dataclasses.replace(config, **{name: other})


# Presets.


def test_the_paper_s_segmentation():
    config = PRESETS["segmentation"]["paper"]
    assert isinstance(config, SegmentationTrainingOptions)
    assert config.network == "fc_densenet103"
    assert (config.learning_rate, config.schedule) == (1e-4, "plateau")
    assert (config.l2, config.l1, config.weight_decay) == (1e-6, 0, 0)
    assert (config.batch_size, config.size, config.dropout) == (2, 256, 0.2)
    assert config.class_weights == (0.5, 1, 1, 1)
    assert not config.augment
    assert config.ema == 0


def test_the_paper_s_classification():
    config = PRESETS["classification"]["paper"]
    assert isinstance(config, ClassificationTrainingOptions)
    assert (config.network, config.approach) == ("resnet18", "local")
    assert (config.learning_rate, config.schedule) == (1e-5, "constant")
    assert (config.l2, config.l1, config.weight_decay) == (0.1, 1e-5, 0)
    assert (config.batch_size, config.epochs, config.patience) == (16, 100, 50)
    assert (config.patch_size, config.scaling, config.content) == (PATCH_SIZE, "raw255", "lungs")
    assert config.validation_patches == 16
    assert parse_classes(config.classes) == PAPER_CLASSES
    assert config.ema == config.label_smoothing == 0


def test_the_improved_classification_decays_decoupled():
    config = PRESETS["classification"]["improved"]
    assert isinstance(config, ClassificationTrainingOptions)
    assert config.weight_decay > 0
    assert config.l2 == config.l1 == 0
    assert config.scaling == "imagenet"


@pytest.mark.parametrize(("task", "name"), ALL_PRESETS)
def test_presets_are_valid(task, name):
    config = PRESETS[task][name]
    assert type(config) is KINDS[task]
    assert config.preset == name
    models = SEGMENTATION_NETWORKS if task == "segmentation" else CLASSIFICATION_NETWORKS
    assert config.network in models
    assert config.data == config.out == config.start_from == ""
    if isinstance(config, ClassificationTrainingOptions):
        assert config.content in CONTENTS
        assert config.scaling in SCALINGS


def test_both_tasks_have_the_same_presets():
    assert set(PRESETS["segmentation"]) == set(PRESETS["classification"])
    assert {"paper", "improved"} <= set(PRESETS["segmentation"])


@pytest.mark.parametrize("kind", KINDS.values())
def test_options_cannot_be_changed_in_place(kind):
    with pytest.raises(dataclasses.FrozenInstanceError):
        kind().seed = 3


# Files.


@pytest.mark.parametrize(("task", "name"), ALL_PRESETS)
def test_what_is_saved_is_read(task, name, tmp_path):
    config = dataclasses.replace(
        PRESETS[task][name], data="Röntgen/films", devices=("GPU:0", "GPU:1"), ema=0.1 + 0.2
    )
    path = tmp_path / "config.json"
    config.save(path)
    assert KINDS[task].read(path) == config
    assert read_run(tmp_path) == config
    assert type(read_run(tmp_path)) is KINDS[task]
    content = json.loads(path.read_text())
    assert content["task"] == task == task_name(KINDS[task])
    assert set(content) - {"task"} == {field.name for field in dataclasses.fields(config)}


def test_options_left_out_of_a_file_have_their_defaults(tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{"task": "classification", "seed": 4}')
    assert read_run(tmp_path) == ClassificationTrainingOptions(seed=4)


def test_unknown_options_are_named(tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{"seed": 4, "zeal": 1, "colour": "red"}')
    with pytest.raises(ValueError, match=r"config\.json: unknown options colour, zeal"):
        SegmentationTrainingOptions.read(path)


def test_options_of_the_other_task_are_unknown(tmp_path):
    path = tmp_path / "config.json"
    ClassificationTrainingOptions().save(path)
    with pytest.raises(ValueError, match="unknown options .*approach"):
        SegmentationTrainingOptions.read(path)


def test_a_folder_without_a_run_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no training run here \(config\.json is missing"):
        read_run(tmp_path)


# Going on.


@pytest.mark.parametrize("kind", KINDS.values())
def test_the_same_options_have_not_changed(kind):
    assert changed_options(kind(), kind()) == []


@pytest.mark.parametrize("kind", KINDS.values())
def test_every_option_that_may_not_change_is_told(kind):
    config = kind()
    for field in dataclasses.fields(config):
        told = changed_options(config, changed(config, field.name))
        if field.name in MAY_CHANGE:
            assert told == []
        else:
            before = getattr(config, field.name)
            after = getattr(changed(config, field.name), field.name)
            assert told == [f"{field.name}: {before!r} -> {after!r}"]


def test_all_changes_are_told_at_once():
    told = changed_options(TrainingOptions(), TrainingOptions(seed=1, batch_size=8, epochs=3))
    assert told == ["seed: 0 -> 1", "batch_size: 2 -> 8"]


def test_options_that_may_change_exist():
    known = {field.name for kind in KINDS.values() for field in dataclasses.fields(kind)}
    assert known >= MAY_CHANGE


def test_what_a_run_has_learned_with_may_not_change():
    fixed = {"seed", "network", "batch_size", "learning_rate", "schedule", "precision", "classes"}
    assert not fixed & MAY_CHANGE
