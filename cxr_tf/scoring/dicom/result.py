"""A film's result before it is put into DICOM objects, and what all of them say of their maker."""

import hashlib
import json
import uuid
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cxr_tf.measures.biomarkers import Biomarkers
from cxr_tf.runtime.provenance import NOTICE, PHANTOM_NOTICE, project_version
from cxr_tf.scoring.dicom.source import Source

MANUFACTURER = "cxr-tf"
#: Namespace of the UIDs: fixed once and for all.
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "cxr-tf DICOM results")
_FIRST_SERIES = 9001
_KINDS = ("segmentation", "saliency", "report")


def derived_uid(*parts: str) -> str:
    """Derive a UID: equal parts give equal UIDs (PS3.5, B.2, from a UUID of version 5).

    Args:
        *parts: what the UID stands for.

    Returns:
        A UID below 2.25.
    """
    return f"2.25.{uuid.uuid5(_NAMESPACE, chr(0).join(parts)).int}"


@dataclass(frozen=True)
class Result:
    """What DICOM objects are made of.

    Attributes:
        source: the film.
        record: column to value of its row of `scores.csv`.
        classes: names in order.
        mask: uint8 [H, W] label map of the whole frame: 1 heart, 2 left lung, 3 right lung.
        saliency: float32 [H, W] of the decided class in 0..1.
        biomarkers: of the film.
        phantom: whether the model learnt from phantoms alone.
        options: of the run, which the objects name.
    """

    source: Source
    record: dict[str, int | float | str]
    classes: tuple[str, ...]
    mask: npt.NDArray[np.uint8]
    saliency: npt.NDArray[np.float32]
    biomarkers: Biomarkers
    phantom: bool
    options: dict[str, int | bool | str]

    @property
    def model_version(self) -> str:
        """Names weights and options of the model."""
        return str(self.record["model_version"])

    @property
    def notice(self) -> str:
        """What must be said beside the result."""
        return f"{NOTICE} {PHANTOM_NOTICE}" if self.phantom else NOTICE

    def digest(self) -> str:
        """Hash all that the objects say, but for when they were made."""
        said = [
            {k: v for k, v in self.record.items() if k != "path"},
            {k: str(v) for k, v in asdict(self.biomarkers).items()},
            self.options,
            self.phantom,
            project_version(),
            self.source.header.to_json(),
        ]
        digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode())
        for array in (self.mask, self.saliency):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def identity(self, kind: str) -> dict[str, Any]:
        """Give the arguments that name an object and its maker.

        Each object is a series of its own, for their modalities differ. The UIDs follow from the
        content: the same film, model and options give the same, anything else gives others.

        Args:
            kind: one of segmentation, saliency and report.

        Returns:
            Arguments of highdicom's classes.
        """
        digest = self.digest()
        return {
            "series_instance_uid": derived_uid("series", kind, digest),
            "sop_instance_uid": derived_uid("instance", kind, digest),
            "series_number": _FIRST_SERIES + _KINDS.index(kind),
            "instance_number": 1,
            "manufacturer": MANUFACTURER,
            "manufacturer_model_name": "patch triage",
            "software_versions": (f"cxr-tf {project_version()}", f"model {self.model_version}"),
            "device_serial_number": self.model_version,
            "series_description": f"Research use only: {kind}",
            "content_qualification": "RESEARCH",
        }
