"""Cards of models that do not exist."""

from typing import Any

from cxr_tf.method.model_card import DataFacts, ModelCard, NetworkFacts
from cxr_tf.method.triage_options import PreparationOptions
from pipelines.classes import PAPER_CLASSES


def made_up_card(
    classes: tuple[str, ...] = PAPER_CLASSES.names, fingerprint: str = "0" * 64, **changes: Any
) -> ModelCard:
    """The card of a model that was made up, such as `made_up_card(phantom=True)`.

    Args:
        classes: names in order; each holds the manifest class of its name, but for the paper's own.
        fingerprint: of the data that both networks were trained on.
        changes: other fields of the card, or of its `PreparationOptions`.
    """
    data = DataFacts(fingerprint, 12, False)
    own = {
        name: changes.pop(name) for name in PreparationOptions.__annotations__ if name in changes
    }
    networks = {
        "segmentation": NetworkFacts("u_net_small", "a" * 64, data, "demo", 256),
        "classification": NetworkFacts("resnet18_small", "b" * 64, data, "demo", 224),
    }
    spec = PAPER_CLASSES.spec() if classes == PAPER_CLASSES.names else ",".join(classes)
    fields: dict[str, Any] = {
        "name": "made_up",
        "version": 1,
        "model_version": "fake-1",
        "class_map": spec,
        "phantom": False,
        "options": PreparationOptions(**own),
        "mantissa_bits": 23,
        "precision": "float32",
        "networks": networks,
        "reliability": None,
    }
    return ModelCard(classes=classes, **(fields | changes))
