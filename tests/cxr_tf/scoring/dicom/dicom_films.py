"""A film in DICOM with an answer whose masks are true: phantoms, no network."""

import dataclasses
from pathlib import Path

import numpy as np

from cxr_tf.films.prediction import Prediction
from tests.cards import made_up_card
from tests.cxr_tf.fake_answers import answered
from tools.phantoms.chest import Phantom, phantom
from tools.phantoms.files import write_dicom

CLASSES = ("normal", "bacterial", "tuberculosis", "viral")
VERSION = "0123456789ab"


def oblong(seed: int = 0) -> Phantom:
    """A phantom higher than wide, so that rows and columns cannot be mistaken for each other."""
    square = phantom("viral", np.random.default_rng(seed), 400)
    cut = {name: getattr(square, name)[:, 25:375] for name in vars(square)}
    return Phantom(**cut)


def true_labels(drawn: Phantom, size: int = 256) -> np.ndarray:
    """The label map of the whole frame at size x size."""
    height, width = drawn.heart.shape
    labels = np.zeros((height, width), np.uint8)
    for label, part in enumerate((drawn.heart, drawn.left_lung, drawn.right_lung), start=1):
        labels[part] = label
    rows, columns = (np.arange(size) * side // size for side in (height, width))
    return labels[rows[:, None], columns]


def answer(drawn: Phantom, label: str = "viral") -> Prediction:
    """An answer with the true masks and a map within them."""
    labels = true_labels(drawn)
    index = CLASSES.index(label)
    votes = np.full(4, 5, np.int32)
    votes[index] = 85
    saliency = np.zeros((4, 256, 256), np.float32)
    saliency[index][labels == 2] = 0.75
    return answered(
        "ok", label, index, votes, (votes / 100).astype(np.float32), 0.85,
        float(np.isin(labels, (2, 3)).mean()), 100, VERSION, mask=labels, saliency=saliency,
        centres=np.full((100, 2), 500, np.int32),
        patch_probabilities=np.full((100, 4), 0.25, np.float32),
    )  # fmt: skip


def write_film(path: Path, drawn: Phantom, **elements: str) -> Path:
    """Write the film as DICOM."""
    write_dicom(path, drawn.pixels, key=path.name, **elements)
    return path


class TrueModel:
    """Answers with the true masks of the phantom that it was given."""

    classes, model_version = CLASSES, VERSION

    def __init__(self, drawn: Phantom, phantom_notice: bool = False, interrupt_at: int = -1):
        self.card = made_up_card(CLASSES, model_version=VERSION, phantom=phantom_notice)
        self.found, self.calls, self.interrupt_at = answer(drawn), 0, interrupt_at

    def predict(self, pixels, padding=-1, vote=None, **_):
        self.calls += 1
        if self.calls == self.interrupt_at:
            raise KeyboardInterrupt
        if not pixels.any():
            return dataclasses.replace(self.found, status="no_lung", label="", class_index=-1)
        return self.found
