"""Two or more films in one picture, for models whose graph does not find them by itself."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from cxr_tf.films.entrance import Entered
from cxr_tf.method.collage import REASON, has_lungs
from cxr_tf.method.model_card import ModelCard
from pipelines.seams import find_seams, parts_at
from pipelines.status import NOT_CHEST_FILM

#: Pixels on the shorter side of a part that is looked at.
_LEAST_PART = 64

#: From pixels and padding to how sure the gate is of a chest film, and the label map of the film.
Look = Callable[[npt.NDArray[np.uint16], int], tuple[float, npt.NDArray[np.uint8]]]


def one_film(film: Entered, card: ModelCard, look: Look) -> Entered:
    """Refuse a picture that holds several films.

    Only a picture with a straight line from edge to edge is looked at closer: its parts on either
    side are films of their own where two of them pass as chest films.

    Args:
        film: what was let in, with status `ok`.
        card: the model's; one without a gate finds nothing, and one that finds collages itself is
            left to do so.
        look: segments a part.

    Returns:
        The film, or what it was refused for.
    """
    if card.reliability is None or card.finds_collages:
        return film
    threshold = card.reliability.gate.threshold

    def is_chest(part: npt.NDArray[np.uint16]) -> bool:
        if min(part.shape) < _LEAST_PART:
            return False
        score, labels = look(np.ascontiguousarray(part), film.padding)
        return score >= threshold and bool(has_lungs(labels))

    for how, parts in parts_at(film.pixels, *find_seams(film.pixels)):
        passed = 0
        for tried, part in enumerate(parts):
            if passed + len(parts) - tried < 2:
                break
            passed += is_chest(part)
            if passed == 2:
                return film._replace(status=NOT_CHEST_FILM, reason=REASON.format(how))
    return film
