"""What a row of the table is, and the names of those who run it."""

import dataclasses
from collections.abc import Callable, Mapping

OURS, PYTORCH, OPENVINO, ORT = "cxr-tf", "PyTorch", "OpenVINO", "ONNX Runtime"
AUTHORS, AUTHORS_ALL = "authors' way, one map", "authors' way, all maps"
AS_EXPORTED = "cxr-tf, the model as exported"
DECISION_ONLY, OPENCV = "cxr-tf --decision-only", "OpenCV, NumPy, PyTorch"
NETWORK_ALONE = "the network alone, on one batch"
PATCHES_ALONE = "cxr-tf, 100 patches"
#: Largest difference of probabilities between contenders.
TOLERANCE = 1e-3


@dataclasses.dataclass(frozen=True)
class Work:
    """One row of the table.

    Attributes:
        kind: a short word for it.
        name: what is done.
        contenders: by name; ours first. All do the same.
        difference: largest difference of a probability between ours and another contender, NaN
            where none is compared.
        operations: multiplications and additions of the networks; 0 where they are not counted.
        remark: what else was measured, once all rounds are over; '' for nothing.
    """

    kind: str
    name: str
    contenders: Mapping[str, Callable[[], object]]
    difference: float = float("nan")
    operations: int = 0
    remark: Callable[[], str] = str
