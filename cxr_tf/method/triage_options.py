"""How films were prepared for training; inference must do the same."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TriageOptions:
    """How films were prepared for training; inference must do the same.

    Attributes:
        classes: names in order.
        approach: `local` (patches) or `global` (the film at patch size).
        patch_size: side of a patch in pixels.
        content: what of the film the classifier sees.
        scaling: range of the classifier's input.
        resolution_limit: longest side kept before the resize, 0 for none.
        enhance: equalise and correct gamma.
        clean_masks: leave of each part the largest region, and fill its holes.
        version: names weights and options.
    """

    classes: tuple[str, ...]
    approach: str = "local"
    patch_size: int = 224
    content: str = "lungs"
    scaling: str = "imagenet"
    resolution_limit: int = 0
    enhance: bool = True
    clean_masks: bool = False
    version: str = ""
