"""The saliency of the decided class as a picture that every viewer shows: a secondary capture.

A parametric map would hold the values, but lies in a frame of reference, which a projection film
has none of, and few viewers show one over a film. The picture's scale is fixed from 0 to 1.
"""

import highdicom as hd
import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.sr.codedict import codes

from cxr_tf.drawing.overlays import render_overlay, votes_text
from cxr_tf.runtime.provenance import PHANTOM_NOTICE
from cxr_tf.scoring.dicom.result import Result


def saliency_capture(result: Result, pixels: npt.NDArray[np.uint16], padding: int) -> hd.sc.SCImage:
    """Draw the film with outlines, and beside it the saliency over it.

    Args:
        result: the film's result.
        pixels: uint16 [H, W], the film as it was read.
        padding: its grey level to leave out, -1 for none.

    Returns:
        An RGB image headed by the notice; no name is drawn into it.
    """
    record, header = result.record, result.source.header
    label = str(record["label"])
    votes = votes_text(int(record[f"votes_{label}"]), int(record["patches_used"]))
    picture = render_overlay(
        pixels,
        result.mask,
        result.saliency,
        padding=padding,
        title=f"model {result.model_version}",
        caption=f"{label}   {votes}saliency of '{label}', fixed scale 0..1",
        warning=PHANTOM_NOTICE if result.phantom else "",
    )
    rows, columns = result.source.orientation
    image = hd.sc.SCImage(
        pixel_array=picture,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=(rows[0], columns[0]),  # it takes no slanted ones
        study_instance_uid=header.StudyInstanceUID,
        patient_id=header.PatientID,
        patient_name=header.PatientName,
        patient_birth_date=header.PatientBirthDate or None,
        patient_sex=header.PatientSex or None,
        accession_number=header.AccessionNumber,
        study_id=header.StudyID,
        study_date=header.StudyDate or None,
        study_time=header.StudyTime or None,
        referring_physician_name=header.ReferringPhysicianName,
        specific_character_set="ISO_IR 192",
        **result.identity("saliency"),
    )
    image.PatientOrientation = [rows, columns]
    image.DerivationDescription = f"Saliency of class {label}, 0 to 1. {result.notice}"[:1024]
    image.SourceImageSequence = [_reference(header)]
    image.BodyPartExamined = "CHEST"
    if "BurnedInAnnotation" in header:
        image.BurnedInAnnotation = header.BurnedInAnnotation
    return image


def _reference(header: Dataset) -> Dataset:
    """Refer to the film (PS3.3, C.7.6.1.1.4)."""
    purpose = codes.DCM.SourceImageForImageProcessingOperation
    item = Dataset()
    item.ReferencedSOPClassUID = header.SOPClassUID
    item.ReferencedSOPInstanceUID = header.SOPInstanceUID
    item.PurposeOfReferenceCodeSequence = [hd.sr.CodedConcept.from_code(purpose)]
    return item
