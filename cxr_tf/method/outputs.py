"""The outputs of the model, said once; importing it loads no TensorFlow.

Signatures, answers in Python, REST types, columns of tables, Parquet types, JSON schemata and the
reference of the documentation are made of `OUTPUTS`. A new output is one row here, and the value
that `cxr_tf.method.triage` gives for it. Rows are added at the end, none is renamed.
"""

from dataclasses import dataclass
from typing import Any, Literal

from pipelines.sizes import CLASSIFICATION_SIZE, MOST_WINDOWS, SEGMENTATION_SIZE
from pipelines.status import STATUSES

#: A length of an output: a number, C for the classes, or K for the patches.
Length = int | Literal["C", "K"]
#: Entry points that give an output: those that decide, `explain` alone, or `segment` as well.
Giver = Literal["decide", "explain", "segment"]
#: Which of them each signature of an exported model is.
ENTRIES: dict[str, Giver] = {
    "serving_default": "decide",
    "predict_pixels": "decide",
    "explain": "explain",
    "segment": "segment",
}
#: Stands for the name of each class in the name of a column.
CLASS = "CLASS"
#: Film score and mask quality of a model that was exported without `--reliability`.
UNKNOWN = -1.0

#: Types of fractions.
FRACTIONS = ("float32", "float64")
#: What `decision` says in place of a label whose margin is too small.
REFER = "refer"

_MAP: tuple[Length, ...] = (SEGMENTATION_SIZE, SEGMENTATION_SIZE)
_SHARE = (0, 1)


@dataclass(frozen=True)
class Output:
    """One output of the model.

    Attributes:
        name: of the tensor.
        dtype: as TensorFlow and NumPy name it.
        shape: of one film.
        meaning: half a sentence for the documentation, with the range.
        missing: its value where there is no answer.
        givers: the entry points that give it.
        column: of `scores.csv`, where it has one; with `CLASS` in it, one for each class. Without,
            a value for each class is written as the names of the classes that have 1.
        after: the output behind whose columns its own stand; '' for its place in the table.
        bounds: least and largest value, None for none.
        choices: all values that a text may have, empty for any.
    """

    name: str
    dtype: Literal["string", "int32", "float32", "float64", "uint8", "bool"]
    shape: tuple[Length, ...]
    meaning: str
    missing: str | int | float | bool
    givers: tuple[Giver, ...] = ("decide",)
    column: str = ""
    after: str = ""
    bounds: tuple[float | None, float | None] = (None, None)
    choices: tuple[str, ...] = ()

    def lengths(self, classes: int, patches: int) -> tuple[int, ...]:
        """Give the shape in numbers.

        Args:
            classes: number of classes.
            patches: number of patches.
        """
        known = {"C": classes, "K": patches}
        return tuple(known[x] if isinstance(x, str) else x for x in self.shape)

    def columns(self, classes: tuple[str, ...]) -> tuple[str, ...]:
        """Name the columns of a table that hold it.

        Args:
            classes: names in order.
        """
        if CLASS in self.column:
            return tuple(self.column.replace(CLASS, name) for name in classes)
        return (self.column,) if self.column else ()

    def cells(self, value: Any, classes: tuple[str, ...]) -> tuple[str | int | float, ...]:
        """Turn its value for one film into typed cells.

        Args:
            value: a Python value, or an array [C].
            classes: names in order.

        Returns:
            A cell for each of `columns`: fractions are rounded to six decimals.
        """
        if not self.column:
            return ()
        if CLASS in self.column:
            return tuple(self._cell(each) for each in value)
        if self.shape:
            return ("|".join(name for name, there in zip(classes, value, strict=True) if there),)
        return (self._cell(value),)

    def _cell(self, value: Any) -> str | int | float:
        if self.dtype == "string":
            return str(value)
        return round(float(value), 6) if self.dtype in FRACTIONS else int(value)


OUTPUTS: tuple[Output, ...] = (
    Output(
        "status", "string", (), "`ok`, or why there is no answer; see below", "",
        ("decide", "segment"), "status", choices=STATUSES,
    ),
    Output(
        "label", "string", (), "the class that won the vote; empty where the status is not `ok`",
        "", column="label",
    ),
    Output(
        "class_index", "int32", (), "its place among the classes; -1 without an answer", -1,
        bounds=(-1, None),
    ),
    Output(
        "votes", "int32", ("C",), "patches that take this class for the likeliest", 0,
        column="votes_CLASS", bounds=(0, None),
    ),
    Output(
        "probabilities", "float32", ("C",), "mean probability of the class over the patches", 0.0,
        column="p_CLASS", bounds=_SHARE,
    ),
    Output(
        "agreement", "float32", (), "the winner's share of the votes, 0 to 1", 0.0,
        column="agreement", bounds=_SHARE,
    ),
    Output(
        "lung_fraction", "float32", (), "share of the film that the lungs fill", 0.0,
        column="lung_fraction", bounds=_SHARE,
    ),
    Output(
        "patches_used", "int32", (), "patches that voted", 0,
        column="patches_used", bounds=(0, MOST_WINDOWS),
    ),
    Output(
        "model_version", "string", (), "names weights and options; also in the model card", "",
        column="model_version",
    ),
    Output(
        "film_score", "float32", (),
        "of being an upright frontal chest film, 0 to 1; -1 where the model has no gate", 0.0,
        ("decide", "segment"), "film_score", bounds=(-1, 1),
    ),
    Output(
        "mask_quality", "float32", (),
        "estimated Jaccard similarity of the lungs' mask, 0 to 1; -1 where the model has none", 0.0,
        ("decide", "segment"), "mask_quality", bounds=(-1, 1),
    ),
    Output(
        "calibrated_probabilities", "float32", ("C",),
        "mean probability after the model's temperature", 0.0,
        column="calibrated_CLASS", bounds=_SHARE,
    ),
    Output(
        "conformal_set", "int32", ("C",),
        "classes that cannot be ruled out, with a stroke between them", 0,
        column="conformal_set", bounds=(0, 1),
    ),
    Output(
        "abstain", "bool", (), "1 where that set holds more than one class, or not the label",
        False, column="abstain",
    ),
    Output("warning", "string", (), "what to know beside the answer", "", column="warning"),
    Output(
        "saliency", "float32", ("C", *_MAP), "probabilistic Grad-CAM of each class, 0 to 1 (Eq. 5)",
        0.0, ("explain",), bounds=_SHARE,
    ),
    Output(
        "mask", "uint8", _MAP, "0 background, 1 heart, 2 left lung, 3 right lung", 0,
        ("explain", "segment"), bounds=(0, 3),
    ),
    Output(
        "centres", "int32", ("K", 2),
        "row and column of each patch on the film of 1024 x 1024; -1 without an answer", -1,
        ("explain",), bounds=(-1, CLASSIFICATION_SIZE - 1),
    ),
    Output(
        "patch_probabilities", "float32", ("K", "C"), "probabilities of each patch", 0.0,
        ("explain",), bounds=_SHARE,
    ),
    Output(
        "probabilities", "float32", (*_MAP, 4),
        "softmax of background, heart, left lung and right lung", 0.0, ("segment",), bounds=_SHARE,
    ),
    Output(
        "margin", "float64", (),
        "votes of the winner less those of the runner-up, over the patches that voted, 0 to 1; "
        "where the whole film was looked at, the same of their probabilities", 0.0,
        column="margin", bounds=_SHARE,
    ),
    Output(
        "agreement_low", "float64", (), "lower end of Wilson's 95 % interval of the agreement", 0.0,
        column="agreement_low", after="model_version", bounds=_SHARE,
    ),
    Output(
        "agreement_high", "float64", (), "its upper end", 0.0,
        column="agreement_high", after="model_version", bounds=_SHARE,
    ),
    Output(
        "decision", "string", (),
        "the label, or `refer` where the margin is below `--refer-below`; empty without an answer",
        "", column="decision",
    ),
    Output(
        "uncertainty", "float32", _MAP,
        "entropy of a pixel's probabilities: 0 certain, 1 where all four are equally likely", 0.0,
        ("segment",), bounds=_SHARE,
    ),
)  # fmt: skip


def given_by(entry: Giver) -> tuple[Output, ...]:
    """List what an entry point gives, in the order of the table.

    Args:
        entry: `decide` (also `predict_pixels`), `explain` or `segment`.
    """
    wanted = {"decide", "explain"} if entry == "explain" else {entry}
    return tuple(output for output in OUTPUTS if wanted & set(output.givers))


def dtype_of(name: str) -> str:
    """Tell the type of an output by its name; what later versions give is taken for float32.

    Args:
        name: of the tensor.
    """
    return next((output.dtype for output in OUTPUTS if output.name == name), "float32")
