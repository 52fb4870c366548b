"""The three classes of COVID-Net from the releases' folders to the exported signature."""

import csv
import dataclasses
import json

import numpy as np
import pytest

from cxr_tf.saved.run_options import PRESETS
from pipelines.adapters import open_data
from pipelines.classes import COVID_NET_CLASSES
from pipelines.manifest.table import write_manifest
from tools.phantoms.layouts import LAYOUTS

NAMES = ("normal", "pneumonia", "covid19")


def one_epoch(task, steps, **values):
    return dataclasses.replace(
        PRESETS[task]["demo"],
        epochs=1,
        steps_per_epoch=steps,
        estimate_batch_norm=1,
        tensorboard=False,
        **values,
    )


@pytest.mark.slow
def test_three_classes_train_export_and_score(tmp_path):
    import tensorflow as tf

    from cxr_tf.export import ExportOptions, export
    from cxr_tf.saved.load import load
    from cxr_tf.score import main as score
    from cxr_tf.training.run import train

    LAYOUTS["manifest"](tmp_path / "masks", 12, 0, 128)
    LAYOUTS["covidx"](tmp_path / "covidx", 36, 0, 160)
    write_manifest(open_data(tmp_path / "covidx"), tmp_path / "covidx.csv")
    masks, triage = str(tmp_path / "segmentation"), str(tmp_path / "classification")
    segmentation = one_epoch("segmentation", 10, data=str(tmp_path / "masks"), out=masks, size=128)
    assert train(segmentation)
    assert train(
        one_epoch(
            "classification",
            2,
            data=str(tmp_path / "covidx.csv"),
            out=triage,
            segmentation=masks,
            classes=COVID_NET_CLASSES.spec(),
            batch_size=4,
            validation_patches=2,
        )
    )
    version = export(
        ExportOptions(classification=triage, out=str(tmp_path / "model"), warmup=False)
    )

    exported = tf.saved_model.load(str(version))
    assert (version / "assets" / "classes.txt").read_text().split() == list(NAMES)
    outputs = exported.signatures["serving_default"].structured_outputs
    assert outputs["votes"].shape[-1] == outputs["probabilities"].shape[-1] == 3
    model = load(tmp_path / "model")
    assert model.classes == NAMES
    card = json.loads((version / "assets.extra" / "model_card.json").read_text())
    assert (tuple(card["classes"]), card["phantom"]) == (NAMES, True)

    tested = open_data(tmp_path / "covidx.csv").select("classification", "test")
    films = [next(row.path for row in tested if row.label == name) for name in NAMES[1:]]
    assert [film.suffix == ".dcm" for film in films] == [True, False]
    out = tmp_path / "scores"
    arguments = ["--model", str(tmp_path / "model"), "--out", str(out), "--patches", "8"]
    assert score([*arguments, *map(str, films)]) == 0
    with open(out / "scores.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2
    for row in rows:
        assert [name for name in row if name.startswith("p_")] == [f"p_{name}" for name in NAMES]
        votes = [int(row[f"votes_{name}"]) for name in NAMES]
        assert (row["status"], row["patches_used"], sum(votes)) == ("ok", "8", 8)
        assert row["label"] in NAMES
        assert np.isclose(sum(float(row[f"p_{name}"]) for name in NAMES), 1, atol=1e-4)
