"""What a reader must know to put films to the networks of another engine."""

from typing import Any

from cxr_tf.method.vote import SUB_BATCH
from pipelines.lung_square import LUNGS
from pipelines.sizes import CLASSIFICATION_SIZE, PATCHES, SEGMENTATION_SIZE

#: What the classifier sees of a film, by the model's option `content`.
_SEEN = {
    "lungs": "set everything outside the lungs to 0",
    "whole": "keep all of the film",
    "outside": "set the lungs to 0",
    "mask": "take the lung mask itself, 255 within and 0 without",
    "even_lungs": "set everything outside the lungs to 0 and make their levels even "
    "(`pipelines.masks.even_levels`)",
}


def readme(facts: dict[str, Any]) -> str:
    """Write the page that lies beside the networks.

    Args:
        facts: content of preprocessing.json.

    Returns:
        Markdown.
    """
    film, first, second = (facts[n] for n in ("preparation", "segmentation", "classification"))
    compared = facts["compared"]
    side = first["input"]["shape"][1]
    steps = [
        "Decode the film to grey at its full depth, bright where the body is dense.",
        f"{_levels(film)} Resize the whole frame, bilinear with antialiasing, to {side} x {side} "
        f"and to {film['film_size']} x {film['film_size']}, each in 0..255 "
        "(`pipelines.normalise.normalise`).",
        f"`{first['file']}` takes the smaller one, {_scaled(first['input'])}. Softmax of `logits`, "
        f"resized to {SEGMENTATION_SIZE} x {SEGMENTATION_SIZE}; the likeliest of "
        f"{', '.join(first['logits'])} is a pixel's label."
        + (" Keep the largest region of each, without holes." if film["clean_masks"] else ""),
        f"Of the larger one, {_SEEN[film['content']]}. {_patches(film)}",
        f"`{second['file']}` takes these, {_scaled(second['input'])}; all three channels are the "
        "same grey. Softmax of `logits` gives the probabilities of "
        f"{', '.join(second['logits'])}, in this order.",
    ]
    lines = [
        f"# {facts['model']} {facts['version']} for {facts['engine']}",
        "",
        facts["notice"],
        "",
        *(f"{number}. {step}" for number, step in enumerate(steps, 1)),
        "",
        "Inputs are float32, NHWC. `features` of the classification are its last maps. OpenVINO "
        "computes in bfloat16 where it can; ask for `INFERENCE_PRECISION_HINT` f32.",
        "",
        f"On {compared['films']} films, and up to {SUB_BATCH} patches of each, no probability "
        f"differed from the SavedModel's by more than {compared['segmentation']['largest']:.1e} "
        f"(segmentation) and {compared['classification']['largest']:.1e} (classification): "
        f"{compared['segmentation']['otherwise']:,} of {compared['segmentation']['answers']:,} "
        f"pixels and {compared['classification']['otherwise']:,} of "
        f"{compared['classification']['answers']:,} patches were labelled otherwise.",
        "",
        "The gate, the calibration and the maps of the SavedModel are not part of these networks.",
        "",
    ]
    return "\n".join(lines)


def _levels(film: dict[str, Any]) -> str:
    """Say how grey levels are made."""
    how = (
        "Stretch the levels to 0..65535, equalise the histogram and correct gamma."
        if film["enhance"]
        else "Stretch the levels to 0..65535 and divide by 257."
    )
    if limit := film["resolution_limit"]:
        how += f" Reduce the longest side to {limit} pixels where it is longer."
    return how


def _patches(film: dict[str, Any]) -> str:
    """Say what of a film is classified."""
    side = film["patch_size"]
    if film["approach"] == "global":
        square = "Cut out the square around the lungs (`pipelines.lung_square`). "
        cut = square if film["field_of_view"] == LUNGS else ""
        return f"{cut}Resize it to {side} x {side}."
    return (
        f"Cut patches of {side} x {side} around {PATCHES} random pixels of the lungs, at "
        f"{film['film_size']} x {film['film_size']} (centres of the SavedModel count at "
        f"{CLASSIFICATION_SIZE}); what lies outside is 0. Each votes for its likeliest class, and "
        "the majority decides."
    )


def _scaled(taken: dict[str, Any]) -> str:
    """Say how an input is scaled."""
    shape = ", ".join("n" if each is None else str(each) for each in taken["shape"])
    return f"[{shape}], as (grey / 255 - {taken['mean']}) / {taken['sd']}"
