"""Golden answers of the shipped model on phantoms: `python -m tools.golden.shipped_answers`.

Writes tests/golden/shipped_answers.json, which tests/test_shipped_model.py holds the answers of the
model against, wherever the tests run. Make it again when saved_models/cxr_triage is exported anew,
and look at what changed. The answers say nothing about radiographs: a phantom is none.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import tyro

from cxr_tf.runtime.whole_files import write_json
from tools.phantoms.chest import phantom
from tools.phantoms.other_parts import other_part

if TYPE_CHECKING:
    from cxr_tf.films.model import TriageModel

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "saved_models" / "cxr_triage"
STORED = ROOT / "tests" / "golden" / "shipped_answers.json"

Pixels = npt.NDArray[np.uint16]
_SIZE = 512


def _chest(label: str, seed: int) -> Callable[[], Pixels]:
    return lambda: phantom(label, np.random.default_rng(seed), _SIZE).pixels


def _part(name: str, seed: int) -> Callable[[], Pixels]:
    return lambda: other_part(name, np.random.default_rng(seed), _SIZE)


#: By name: what draws the film, and whether the gate stands before it. The phantoms were chosen so
#: that clear and close decisions are among them, and every label is given.
FILMS: dict[str, tuple[Callable[[], Pixels], bool]] = {
    "normal": (_chest("normal", 0), True),
    "bacterial": (_chest("bacterial", 0), True),
    "tuberculosis": (_chest("tuberculosis", 12), True),
    "viral": (_chest("viral", 1), True),
    "close": (_chest("tuberculosis", 3), True),
    "covid19": (_chest("covid19", 0), True),
    "hand": (_part("hand", 0), True),
    "knee without the gate": (_part("knee", 3), False),
    "constant": (lambda: np.full((_SIZE, _SIZE), 30_000, np.uint16), True),
}


def answer(model: "TriageModel", name: str) -> dict[str, Any]:
    """Ask a model about one of the films.

    Args:
        model: the shipped model, or another.
        name: one of `FILMS`.

    Returns:
        The answer as JSON holds it, with the mean grey level of the film, by class mean and maximum
        of the saliency, and the share of the frame that each label of the mask has.
    """
    draw, gate = FILMS[name]
    pixels = draw()
    found = model.predict(pixels, explain=True, gate=gate)
    assert found.mask is not None and found.saliency is not None
    assert found.calibrated_probabilities is not None and found.conformal_set is not None
    return {
        "film_mean": _rounded(pixels.mean()),
        "status": found.status,
        "label": found.label,
        "votes": found.votes.tolist(),
        "patches_used": found.patches_used,
        "probabilities": _rounded(found.probabilities),
        "agreement": _rounded(found.agreement),
        "calibrated_probabilities": _rounded(found.calibrated_probabilities),
        "conformal_set": found.conformal_set.tolist(),
        "abstain": found.abstain,
        "lung_fraction": _rounded(found.lung_fraction),
        "film_score": _rounded(found.film_score),
        "mask_quality": _rounded(found.mask_quality),
        "mask_shares": _rounded(np.bincount(found.mask.ravel(), minlength=4) / found.mask.size),
        "saliency_mean": _rounded(found.saliency.mean(axis=(1, 2), dtype=np.float64)),
        "saliency_highest": _rounded(found.saliency.max(axis=(1, 2))),
    }


def _rounded(values: npt.ArrayLike) -> Any:
    """Numbers with six decimals, as JSON holds them."""
    return np.asarray(values, np.float64).round(6).tolist()


def main() -> None:
    """Ask the shipped model about every film and write its answers."""
    import cxr_tf

    model = cxr_tf.load(MODEL)
    answers = {name: answer(model, name) for name in FILMS}
    record = {"model_version": model.model_version, "answers": answers}
    write_json(STORED, record)
    print(f"{STORED}: {len(answers)} films, {STORED.stat().st_size} bytes")


if __name__ == "__main__":
    tyro.cli(main, prog="python -m tools.golden.shipped_answers", description=__doc__)
