"""Heart and lungs as a DICOM segmentation at the film's own size."""

import highdicom as hd
import numpy as np
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from cxr_tf.drawing.overlays import HEART_RGB as RED
from cxr_tf.drawing.overlays import LUNGS_RGB as BLUE
from cxr_tf.measures.metrics import enlarge_labels
from cxr_tf.scoring.dicom.result import Result
from pipelines.labels import HEART, LEFT_LUNG, RIGHT_LUNG

#: Segments in order, by SNOMED CT's codes; left and right are the patient's.
SEGMENTS = (
    (HEART, Code("80891009", "SCT", "Heart"), RED),
    (LEFT_LUNG, Code("44029006", "SCT", "Left lung"), BLUE),
    (RIGHT_LUNG, Code("3341006", "SCT", "Right lung"), BLUE),
)


def algorithm(result: Result) -> hd.AlgorithmIdentificationSequence:
    """Name what found the segments.

    Args:
        result: of which film and model.
    """
    return hd.AlgorithmIdentificationSequence(
        name="cxr-tf",
        family=codes.DCM.ArtificialIntelligence,
        version=result.model_version,
        parameters={name: str(value) for name, value in result.options.items()},
    )


def segmentation(result: Result) -> hd.seg.Segmentation:
    """Make the segmentation, which lies on the film pixel for pixel.

    The label map of 256 x 256 covers the whole frame; it is enlarged by nearest neighbour.

    Args:
        result: the film's result.

    Returns:
        Three binary segments; the frame of one that is empty is left out.
    """
    labels = enlarge_labels(result.mask, *result.source.shape)
    masks = np.stack([labels == label for label, _, _ in SEGMENTS], axis=-1)
    found_by = algorithm(result)
    descriptions = [
        hd.seg.SegmentDescription(
            segment_number=number,
            segment_label=code.meaning,
            segmented_property_category=codes.SCT.AnatomicalStructure,
            segmented_property_type=code,
            algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
            algorithm_identification=found_by,
            display_color=hd.color.CIELabColor.from_rgb(*colour),
        )
        for number, (_, code, colour) in enumerate(SEGMENTS, start=1)
    ]
    found = hd.seg.Segmentation(
        source_images=[result.source.header],
        pixel_array=masks[None],
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=descriptions,
        content_label="HEART_AND_LUNGS",
        content_description="Heart and lungs. Research use only.",
        specific_character_set="ISO_IR 192",
        **result.identity("segmentation"),
    )
    found.PatientOrientation = list(result.source.orientation)
    return found
