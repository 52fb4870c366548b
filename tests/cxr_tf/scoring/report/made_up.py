"""Reports of phantoms with made-up answers: no model is asked."""

from pathlib import Path

import cv2
import numpy as np

from cxr_tf import score
from cxr_tf.runtime.progress import Reporter
from cxr_tf.scoring.options import ScoreOptions
from tests.cards import made_up_card
from tests.cxr_tf.fake_answers import answered
from tests.samples import encode
from tools.phantoms.chest import phantom

CLASSES = ("normal", "bacterial", "tuberculosis", "viral")
CLASS_MAP = "normal,bacterial,tuberculosis,viral=viral+covid19"
MARKUP = "<img src=x onerror=window.executed=1>.png"

#: File name, drawn class, decided class, share of the votes.
FILMS = (
    ("a_normal.png", "normal", "normal", 0.97),
    ("b_unsure.png", "bacterial", "bacterial", 0.52),
    ("ward 3/c_viral.png", "viral", "viral", 0.88),
    (MARKUP, "covid19", "viral", 0.61),
    ("e_tb.png", "tuberculosis", "tuberculosis", 0.83),
    ("f_refused.png", "normal", "", 0.0),
)


def answer(pixels, mask, label, share, patches=100):
    """What a model might say of a film."""
    rng = np.random.default_rng(int(pixels[0, 0]))
    if not label:
        nothing = np.zeros(4, np.int32), np.zeros(4, np.float32)
        return answered(
            "no_lung", "", -1, *nothing, 0.0, 0.004, 0, "made-up", mask=np.zeros_like(mask),
            saliency=np.zeros((4, 256, 256), np.float32), centres=np.full((patches, 2), -1),
            patch_probabilities=np.zeros((patches, 4), np.float32),
        )  # fmt: skip
    index = CLASSES.index(label)
    second = (index + 3) % 4
    won = round(share * patches)
    winners = np.array([index] * won + [second] * (patches - won))
    probabilities = np.full((patches, 4), 0.05, np.float32)
    probabilities[np.arange(patches), winners] = 0.85
    rows, columns = np.nonzero(mask >= 2)
    chosen = rng.integers(0, len(rows), patches)
    centres = 4 * np.stack([rows[chosen], columns[chosen]], axis=1).astype(np.int32)
    saliency = np.zeros((4, 256, 256), np.float32)
    for (row, column), winner in zip(centres // 4, winners, strict=True):
        saliency[winner, row, column] = 40
    saliency = np.stack([cv2.GaussianBlur(plane, (0, 0), 10) for plane in saliency])
    votes = np.bincount(winners, minlength=4).astype(np.int32)
    return answered(
        "ok", label, index, votes, probabilities.mean(0), won / patches, float((mask >= 2).mean()),
        patches, "made-up", mask=mask, saliency=np.clip(saliency * (mask >= 2), 0, 1),
        centres=centres, patch_probabilities=probabilities,
    )  # fmt: skip


class MadeUpModel:
    """Knows the phantoms it drew, and answers as `FILMS` says."""

    classes = CLASSES
    model_version = "made-up"

    def __init__(self, folder: Path, size: int = 256, interrupt_at: int = 0) -> None:
        """Draw the films into a folder."""
        self.card = made_up_card(
            CLASSES, name="made", model_version="made-up", phantom=True, class_map=CLASS_MAP
        )
        self.calls, self.interrupt_at = 0, interrupt_at
        self._answers = {}
        for number, (name, drawn, label, share) in enumerate(FILMS):
            film = phantom(drawn, np.random.default_rng(number), size)
            mask = np.zeros((size, size), np.uint8)
            for part, plane in enumerate((film.heart, film.left_lung, film.right_lung), 1):
                mask[plane] = part
            mask = cv2.resize(mask, (256, 256), interpolation=cv2.INTER_NEAREST)
            pixels = film.pixels // 257
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode(pixels.astype(np.uint8), "PNG"))
            self._answers[int(pixels.sum())] = mask, label, share
        (folder / "g_cut.png").write_bytes(b"\x89PNG\r\n\x1a\n cut short")

    def predict(self, pixels, padding=-1, vote=None, *, explain=False):
        """Answer as `TriageModel.predict` does."""
        self.calls += 1
        if self.calls == self.interrupt_at:
            raise KeyboardInterrupt
        assert explain
        return answer(pixels, *self._answers[int((pixels // 257).sum())])


def report_options(folder: Path, out: Path, **changes: object) -> ScoreOptions:
    """The arguments of a run over the films of a folder, whose model is no real one."""
    version = folder.parent / "models" / "made" / "1"
    version.mkdir(parents=True, exist_ok=True)
    (version / "saved_model.pb").write_bytes(b"graph")
    changes = {"report": True, **changes}
    return ScoreOptions(inputs=(str(folder),), model=version.parent, out=out, **changes)


def make_report(
    folder: Path, out: Path, model: MadeUpModel | None = None, **changes: object
) -> int:
    """Score the made-up films with `--report`; returns the exit status."""
    model = model or MadeUpModel(folder)
    options = report_options(folder, out, **changes)
    return score.run(options, Reporter(quiet=True), load=lambda _: model)
