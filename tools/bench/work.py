"""The pieces of work that are timed, each with its contenders."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import torch
from torch.nn import functional

from cxr_tf.films.model import TriageModel
from cxr_tf.films.prediction import Prediction
from cxr_tf.method.vote import SUB_BATCH
from cxr_tf.method.vote_options import DENSE, PATCHWISE
from cxr_tf.saved.run_options import (
    PRESETS,
    ClassificationTrainingOptions,
    SegmentationTrainingOptions,
)
from cxr_tf.training.classification import ClassificationTask
from cxr_tf.training.segmentation import SegmentationTask
from cxr_tf.training.trainer import Trainer
from pipelines.films import read_film
from pipelines.manifest.table import ManifestRow
from pipelines.normalised_films import film_dataset
from pipelines.sampling import Balanced
from pipelines.sizes import CLASSIFICATION_SIZE, PATCHES
from tools.bench.authors_way import AuthorsWay
from tools.bench.contenders import (
    AS_EXPORTED,
    AUTHORS,
    AUTHORS_ALL,
    DECISION_ONLY,
    OPENCV,
    OURS,
    PATCHES_ALONE,
    PYTORCH,
    Work,
)
from tools.bench.floor import operations
from tools.bench.measured_model import Subject
from tools.bench.runtimes import runtimes
from tools.bench.timing import OwnTime
from tools.bench.torch_film import MEAN, SD, equalised, read_grey, resized
from tools.bench.torch_networks import FCDenseNet103, ResNet18


def _softmax(logits: np.ndarray, axis: int) -> np.ndarray:
    raised = np.exp(logits - logits.max(axis, keepdims=True))
    return raised / raised.sum(axis, keepdims=True)


def _difference(answers: dict[str, np.ndarray], axis: int) -> float:
    ours = _softmax(answers.pop(OURS), axis)
    return max(float(np.abs(ours - _softmax(x, axis)).max()) for x in answers.values())


def segmentation(subject: Subject, film: np.ndarray, threads: int) -> Work:
    """Forward pass of FC-DenseNet103 on one film.

    Args:
        subject: the model.
        film: float32 [S, S] in 0..1.
        threads: threads of each contender.
    """
    size = film.shape[0]
    ours = subject.segmentation(size)
    network = subject.torch_networks["segmentation"]
    images, image = tf.constant(film[None, :, :, None]), film[None, None]
    batch = torch.from_numpy(image).to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def theirs() -> np.ndarray:
        return network(batch).numpy()

    others = runtimes(network, image.shape, threads)
    calls: dict[str, Callable[[], np.ndarray]] = {
        OURS: lambda: ours(images).numpy(),
        PYTORCH: theirs,
        **{name: partial(run, image) for name, run in others.items()},
    }
    answers = {name: call() for name, call in calls.items()}
    answers[OURS] = answers[OURS].transpose(0, 3, 1, 2)
    concrete = tf.function(ours, autograph=False).get_concrete_function(
        tf.TensorSpec(images.shape, tf.float32)
    )
    name = f"segmentation, forward pass of one film at {size} x {size}"
    return Work("segmentation", name, calls, _difference(answers, 1), operations(concrete))


def patches(subject: Subject, cut: np.ndarray, threads: int) -> Work:
    """Forward pass of ResNet-18 on 100 patches, in sub-batches of 20.

    Args:
        subject: the model.
        cut: float32 [100, 224, 224] in 0..255.
        threads: threads of each contender.
    """
    ours, network = subject.patches(), subject.torch_networks["classification"]
    parts = [tf.constant(cut[i : i + SUB_BATCH]) for i in range(0, PATCHES, SUB_BATCH)]
    scaled = [((torch.from_numpy(x.numpy())[:, None] / 255.0 - MEAN) / SD) for x in parts]
    batches = [x.to(memory_format=torch.channels_last) for x in scaled]
    arrays = [np.ascontiguousarray(x.numpy()) for x in scaled]

    @torch.inference_mode()
    def theirs() -> np.ndarray:
        return np.concatenate([network(x)[0].numpy() for x in batches])

    others = runtimes(network, arrays[0].shape, threads)
    calls: dict[str, Callable[[], np.ndarray]] = {
        OURS: lambda: np.concatenate([ours(x).numpy() for x in parts]),
        PYTORCH: theirs,
    }

    def other(run: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        return np.concatenate([run(x).copy() for x in arrays])

    calls |= {name: partial(other, run) for name, run in others.items()}
    answers = {name: call() for name, call in calls.items()}
    concrete = tf.function(ours, autograph=False).get_concrete_function(
        tf.TensorSpec(parts[0].shape, tf.float32)
    )
    total = operations(concrete) * len(parts)
    name = "forward pass of 100 patches"
    return Work("patches", name, calls, _difference(answers, 1), total)


def film(subject: Subject, path: Path, explain: bool, authors: bool) -> Work:
    """From a file to the decision, and with the maps of all classes.

    Args:
        subject: the model.
        path: a grey PNG or JPEG file.
        explain: make the maps too.
        authors: let the authors' way run too; it is slow.
    """
    triage = subject.triage

    def ours(
        model: TriageModel = subject.local, explain: bool = explain, decision_only: bool = False
    ) -> Prediction:
        return _predict(model, path, explain=explain, decision_only=decision_only)

    reasons = ours(explain=True)
    assert reasons.patch_probabilities is not None and reasons.saliency is not None
    answer = triage.decide(path, reasons.centres, explain=True)
    assert answer.saliency is not None
    differences = [np.abs(answer.probabilities - reasons.patch_probabilities).max()]
    calls: dict[str, Callable[[], object]] = {
        OURS: ours,
        PYTORCH: lambda: triage.decide(path, explain=explain),
        AS_EXPORTED: lambda: ours(subject.model),
    }
    if explain:
        small = answer.saliency.reshape(-1, 256, 4, 256, 4).mean((2, 4))
        differences.append(np.abs(small - reasons.saliency).max())
        if authors:
            way, classes = AuthorsWay(triage), tuple(range(len(subject.model.classes)))
            calls[AUTHORS] = lambda: way.decide(path, classes[-1:])
            calls[AUTHORS_ALL] = lambda: way.decide(path, classes)
    else:
        calls[DECISION_ONLY] = lambda: ours(decision_only=True)
    name = "whole film, from file to decision" + (" and maps of all classes" if explain else "")
    return Work("maps" if explain else "film", name, calls, float(max(differences)))


def _predict(model: TriageModel, path: Path, **asked: Any) -> Prediction:
    """Read a film and let a model decide; the arguments are those of `TriageModel.predict`."""
    found = read_film(path)
    if found.pixels is None:
        raise ValueError(f"{path}: {found.error}")
    return model.predict(found.pixels, found.padding, **asked)


def dense(subject: Subject, path: Path, small: bool) -> Work:
    """From a file to the decision by the dense vote, beside the paper's vote of 100 patches.

    What the weights decide densely means nothing where they did not learn it.

    Args:
        subject: the model.
        path: a grey PNG or JPEG file.
        small: by the first three stages on a film of 512 x 512, in which a patch of 112 x 112 is
            the same part of the lungs; otherwise by the same weights as 100 patches.
    """
    model = subject.dense_small if small else subject.dense
    windows = _predict(model, path, vote=DENSE).patches_used
    calls = {
        OURS: lambda: _predict(model, path, vote=DENSE),
        PATCHES_ALONE: lambda: _predict(subject.local, path, vote=PATCHWISE),
    }
    name = f"whole film, dense vote of {windows} windows"
    if small:
        return Work("dense_small", f"{name}, three stages on a film of 512 x 512", calls)
    return Work("dense", name, calls)


def training_segmentation(size: int = 256, batch_size: int = 2) -> Work:
    """One step of FC-DenseNet103 with the paper's options.

    Args:
        size: side of the films.
        batch_size: films a step.
    """
    config = PRESETS["segmentation"]["paper"]
    assert isinstance(config, SegmentationTrainingOptions)
    config = dataclasses.replace(config, size=size, batch_size=batch_size)
    nothing: Any = None  # the steps take their own films
    task = SegmentationTask(config, nothing, nothing)
    generator = np.random.default_rng(0)
    films = generator.uniform(0, 255, (batch_size, size, size)).astype(np.float32)
    labels = generator.integers(0, 4, (batch_size, size, size)).astype(np.uint8)

    network = FCDenseNet103().train().to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(
        network.parameters(), config.learning_rate, eps=1e-8, weight_decay=config.l2
    )
    inputs = torch.from_numpy(films)[:, None].to(memory_format=torch.channels_last) / 255.0
    truth, weights = torch.from_numpy(labels).long(), torch.tensor(config.class_weights)

    def loss() -> torch.Tensor:
        return functional.cross_entropy(network(inputs), truth, weights, reduction="none").mean()

    name = f"training step, FC-DenseNet103, {batch_size} films of {size} x {size}"
    return _training("training_segmentation", name, task, (films, labels), optimizer, loss)


def training_classification() -> Work:
    """One step of ResNet-18 on 16 patches, AdamW, with our average of the weights."""
    config = PRESETS["classification"]["improved"]
    assert isinstance(config, ClassificationTrainingOptions)
    nothing: Any = None  # the steps take their own patches
    task = ClassificationTask(config, tuple("abcd"), nothing, nothing, Balanced([0]))
    generator = np.random.default_rng(0)
    cut = generator.uniform(0, 255, (config.batch_size, 224, 224)).astype(np.float32)
    labels = generator.integers(0, 4, config.batch_size).astype(np.int32)

    network = ResNet18().train().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(
        network.parameters(), config.learning_rate, weight_decay=config.weight_decay
    )
    grey, truth = torch.from_numpy(cut)[:, None], torch.from_numpy(labels).long()

    def loss() -> torch.Tensor:
        inputs = ((grey / 255.0 - MEAN) / SD).to(memory_format=torch.channels_last)
        return functional.cross_entropy(network(inputs)[0], truth)

    name = f"training step, ResNet-18, {config.batch_size} patches"
    return _training("training_classification", name, task, (cut, labels), optimizer, loss)


def _training(
    kind: str,
    name: str,
    task: SegmentationTask | ClassificationTask,
    arrays: tuple[np.ndarray, np.ndarray],
    optimizer: torch.optim.Optimizer,
    loss: Callable[[], torch.Tensor],
) -> Work:
    """Time a step of our trainer beside one of PyTorch."""
    trainer = Trainer(task, tf.distribute.get_strategy())
    batch = tuple(tf.constant(x) for x in arrays)

    def theirs() -> float:
        optimizer.zero_grad()
        found = loss()
        found.backward()
        optimizer.step()
        return float(found.detach())

    ours = partial(trainer.step, batch, task.config.learning_rate)
    return Work(kind, name, {OURS: ours, PYTORCH: theirs})


def reading(rows: Sequence[ManifestRow], size: int) -> Work:
    """Decode and normalise films, as training and masks need them.

    Args:
        rows: of a manifest.
        size: side of the smaller of both films.
    """
    passes = 4
    dataset = film_dataset([*rows] * passes, (size, CLASSIFICATION_SIZE))

    def ours() -> OwnTime:
        # Before its first film an iterator builds the graph, which a run does once.
        films = iter(dataset)
        for _ in rows:
            next(films)
        begun = time.perf_counter()
        for _, large in films:
            large.numpy()
        return OwnTime((time.perf_counter() - begun) / (passes - 1))

    def theirs() -> None:
        for row in rows:
            found = equalised(read_grey(row.path))
            for side in (size, CLASSIFICATION_SIZE):
                resized(found, side).numpy()

    name = f"pipeline alone, {len(rows)} films decoded and normalised in the midst of a run"
    return Work("reading", name, {OURS: ours, OPENCV: theirs})
