"""How films were prepared for training; inference must do the same."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PreparationOptions:
    """How films were prepared for training; inference must do the same.

    Attributes:
        resolution_limit: longest side kept before the resize, 0 for none.
        enhance: equalise and correct gamma.
        clean_masks: leave of each part the largest region, and fill its holes.
        approach: `local` (patches) or `global` (the film at patch size).
        patch_size: side of a patch in pixels.
        content: what of the film the classifier sees.
        scaling: range of the classifier's input.
    """

    resolution_limit: int = 0
    enhance: bool = True
    clean_masks: bool = False
    approach: str = "local"
    patch_size: int = 224
    content: str = "lungs"
    scaling: str = "imagenet"


@dataclass(frozen=True, kw_only=True)
class TriageOptions(PreparationOptions):
    """All that the graph of a model takes beside its networks and its `Reliability`.

    Attributes:
        classes: names in order.
        version: names weights and options.
    """

    classes: tuple[str, ...]
    version: str = ""
