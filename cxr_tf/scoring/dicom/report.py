"""The result in figures as a DICOM structured report (TID 1500).

What the vote decided is coded in a scheme of our own, not as a diagnosis of SNOMED CT: it is a
class of a research model, and the classes are configuration. The cardiothoracic ratio has no code
among those that DICOM lists.
"""

import hashlib
import math
import re
from collections.abc import Sequence
from typing import Any

import highdicom as hd
from highdicom.coding_schemes import CodingSchemeIdentificationItem
from pydicom import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from cxr_tf.method.outputs import REFER
from cxr_tf.scoring.dicom.result import MANUFACTURER, Result, derived_uid

#: Our own coding scheme: what no listed code means.
SCHEME = "99CXRTF"
DECIDED = Code("DECIDED", SCHEME, "Class decided by the vote over patches")
AGREEMENT = Code("AGREEMENT", SCHEME, "Share of the votes for the decided class")
PATCHES = Code("PATCHES", SCHEME, "Patches that voted")
RATIO = Code("CTR", SCHEME, "Cardiothoracic ratio")
INTENSITY = Code("INTENSITY", SCHEME, "Intensity of the normalised film, 0 to 1")
_CHEST_FILM = Code("399208008", "SCT", "Plain chest X-ray")
_LUNG = Code("39607008", "SCT", "Lung")
_HEART = Code("80891009", "SCT", "Heart")
_SHARE, _COUNT = codes.UCUM.Ratio, codes.UCUM.NoUnits


def class_code(name: str, prefix: str = "", meaning: str = "{}") -> Code:
    """Code a class, or a figure of it, by its name.

    Args:
        name: the class.
        prefix: of the code value, which tells figures of a class apart.
        meaning: where the name stands in the code's meaning.

    Returns:
        The code; a name that does not fit into DICOM's 16 characters stands as its hash.
    """
    value = prefix + name.upper()
    if not re.fullmatch(r"[A-Z0-9_-]{1,16}", value):
        value = prefix + hashlib.sha256(name.encode()).hexdigest()[:12].upper()
    return Code(value, SCHEME, meaning.format(name)[:64])


def _figure(name: Code, value: float, unit: Code, **more: Any) -> list[hd.sr.Measurement]:
    """Give a figure, or nothing where it is missing."""
    if math.isnan(value):
        return []
    return [hd.sr.Measurement(name=name, value=round(value, 6), unit=unit, **more)]


def _group(
    result: Result,
    name: str,
    measurements: Sequence[hd.sr.Measurement],
    comments: Sequence[str],
    evaluations: Sequence[hd.sr.QualitativeEvaluation] = (),
) -> hd.sr.MeasurementsAndQualitativeEvaluations:
    """Group figures of the film (TID 1501), with comments in plain text."""
    header = result.source.header
    group = hd.sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(
            uid=derived_uid("tracking", name, result.digest()), identifier=name
        ),
        algorithm_id=hd.sr.AlgorithmIdentification(
            name="cxr-tf",
            version=result.model_version,
            family=codes.DCM.ArtificialIntelligence,
            manufacturer=MANUFACTURER,
            parameters=[f"{key} {value}" for key, value in result.options.items()],
        ),
        measurements=measurements,
        qualitative_evaluations=evaluations,
        source_images=[
            hd.sr.SourceImageForMeasurementGroup(header.SOPClassUID, header.SOPInstanceUID)
        ],
    )
    contains = hd.sr.RelationshipTypeValues.CONTAINS
    for comment in comments:
        item = hd.sr.TextContentItem(codes.DCM.Comment, comment, contains)
        group[0].ContentSequence.append(item)
    return group


def _decision(result: Result) -> hd.sr.MeasurementsAndQualitativeEvaluations:
    """Give the vote."""
    record, label = result.record, str(result.record["label"])
    figures = _figure(AGREEMENT, float(record["agreement"]), _SHARE)
    figures += _figure(PATCHES, float(record["patches_used"]), _COUNT)
    for name in result.classes:
        votes, p = float(record[f"votes_{name}"]), float(record[f"p_{name}"])
        figures += _figure(class_code(name, "V_", "Votes for {}"), votes, _COUNT)
        figures += _figure(class_code(name, "P_", "Mean probability of {}"), p, _SHARE)
    decided = hd.sr.QualitativeEvaluation(DECIDED, class_code(label))
    notes = [result.notice]
    if record["decision"] == REFER:
        notes.append(f"Referred: the vote was too narrow (margin {record['margin']:.2f})")
    return _group(result, "decision", figures, notes, [decided])


def _biomarkers(result: Result) -> hd.sr.MeasurementsAndQualitativeEvaluations:
    """Give the figures of heart and lungs."""
    found = result.biomarkers
    lungs = {"finding_sites": [hd.sr.FindingSite(_LUNG)]}
    ratio, mean, sd = found.cardiothoracic_ratio, found.lung_mean, found.lung_sd
    figures = _figure(RATIO, ratio, _SHARE, finding_sites=[hd.sr.FindingSite(_HEART)])
    figures += _figure(INTENSITY, mean, _SHARE, derivation=codes.SCT.Mean, **lungs)
    figures += _figure(INTENSITY, sd, _SHARE, derivation=codes.SCT.StandardDeviation, **lungs)
    missing = [f"Missing from the mask: {found.reason}"] if found.reason else []
    return _group(result, "heart and lungs", figures, [result.notice, *missing])


def report(result: Result, evidence: Sequence[Dataset]) -> hd.sr.ComprehensiveSR:
    """Make the report.

    Args:
        result: the film's result.
        evidence: further objects of the result, which the report names.

    Returns:
        A Comprehensive SR of template 1500, unverified and preliminary.
    """
    header = result.source.header
    device = hd.sr.DeviceObserverIdentifyingAttributes(
        uid=derived_uid("device", result.model_version),
        name="cxr-tf",
        manufacturer_name=MANUFACTURER,
        model_name="patch triage",
        serial_number=result.model_version,
    )
    observer = hd.sr.ObserverContext(codes.DCM.Device, device)
    content = hd.sr.MeasurementReport(
        observation_context=hd.sr.ObservationContext(observer_device_context=observer),
        procedure_reported=_CHEST_FILM,
        imaging_measurements=[_decision(result), _biomarkers(result)],
        title=codes.DCM.ImagingMeasurementReport,
    )
    identity = result.identity("report")
    return hd.sr.ComprehensiveSR(
        evidence=[header, *evidence],
        content=content,
        is_complete=True,
        coding_schemes=[
            CodingSchemeIdentificationItem(SCHEME, name="cxr-tf", responsible_organization="cxr-tf")
        ],
        specific_character_set="ISO_IR 192",
        **identity,
    )
