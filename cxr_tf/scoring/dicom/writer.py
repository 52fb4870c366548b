"""Writes the DICOM objects of a scoring run into OUT/dicom, film by film."""

import dataclasses
import io
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from cxr_tf.films.inputs import Input
from cxr_tf.films.rows import Record
from cxr_tf.films.table import Table
from cxr_tf.measures.biomarkers import Biomarkers
from cxr_tf.method.model_card import ModelCard
from cxr_tf.method.vote_options import DENSE
from cxr_tf.scoring.dicom.report import report
from cxr_tf.scoring.dicom.result import Result
from cxr_tf.scoring.dicom.saliency import saliency_capture
from cxr_tf.scoring.dicom.segmentation import segmentation
from cxr_tf.scoring.dicom.source import SourceError, read_source
from pipelines.dicom.parsing import quiet
from pipelines.status import OK
from pipelines.whole_files import whole

if TYPE_CHECKING:
    from cxr_tf.films.prediction import Prediction
    from cxr_tf.films.reading import Reading
    from cxr_tf.scoring.options import ScoreOptions

FOLDER = "dicom"
#: Columns of OUT/dicom/index.csv: the film, its objects in the same folder, and what of its header
#: they do without.
COLUMNS = ("path", "segmentation", "saliency", "report", "notes")

# Its warnings quote the patient's name.
logging.getLogger("highdicom").setLevel(logging.CRITICAL + 1)


class DicomWriter:
    """Gives each DICOM film with an answer a segmentation, a saliency picture and a report.

    Attributes:
        index: the table of what was written.
        passed_over: films with an answer that are no DICOM files here, and so have no study.
    """

    def __init__(self, options: "ScoreOptions", card: ModelCard, index: Table) -> None:
        """Prepare the folder.

        Args:
            options: of the run.
            card: the model's.
            index: a table of `COLUMNS`.
        """
        self._folder = options.out / FOLDER
        self._classes, self.index, self.passed_over = card.classes, index, 0
        self._phantom = card.phantom
        self._options: dict[str, int | bool | str] = (
            {"vote": DENSE}
            if card.asked_with(options.voting).vote == DENSE
            else {"seed": options.seed, "patches": options.patches}
        )
        self._options["voi"] = options.voi

    def add(
        self,
        item: Input,
        name: str,
        reading: "Reading",
        prediction: "Prediction",
        record: Record,
        found: Biomarkers | None,
    ) -> tuple[str, str]:
        """Write the objects of one film.

        Args:
            item: the film.
            name: what its files begin with.
            reading: the film as it was read.
            prediction: the answer, with mask and saliency.
            record: its row of `scores.csv`.
            found: its biomarkers.

        Returns:
            What went wrong, or '', and what of the header the objects do without, or ''. Nothing
            of the header is repeated but the value of an attribute that is needed and invalid.
        """
        if prediction.status != OK:
            return "", ""
        try:
            source = read_source(item.path) if isinstance(item.path, Path) else None
            if source is None:
                self.passed_over += 1
                return "", ""
            if prediction.mask is None or prediction.saliency is None:
                raise SourceError(
                    "the server explains no film with padding; score it without --server"
                )
            assert found is not None, "a film with an answer has been measured"
            result = Result(
                source,
                dict(record),
                self._classes,
                prediction.mask,
                prediction.saliency[prediction.class_index],
                found,
                self._phantom,
                self._options,
            )
            if source.shape != reading.pixels.shape:
                raise SourceError("the pixels do not have the size that the header states")
            result = self._write(item.name, name, result, reading)
        except SourceError as fault:
            return f"no DICOM objects: {fault}", ""
        except OSError as fault:
            reason = fault.strerror or type(fault).__name__
            return f"the DICOM objects were not written: {reason}", ""
        except Exception as fault:  # the score stands without its objects
            # Its own words may quote the header.
            kind = type(fault).__name__
            return f"the DICOM objects were not written, which is a fault of ours ({kind})", ""
        return "", "; ".join(result.source.notes)

    def _write(self, path: str, name: str, result: Result, reading: "Reading") -> Result:
        """Write the objects; return what they were made of."""
        with quiet():
            try:
                objects = _objects(result, reading)
            except (AttributeError, TypeError, ValueError):
                # A value that the rules of `values` let pass and the library refuses.
                result = dataclasses.replace(result, source=result.source.bare())
                objects = _objects(result, reading)
            files = {kind: f"{name}_{kind}.dcm" for kind in objects}
            for kind, content in objects.items():
                with whole(self._folder / files[kind]) as fresh:
                    fresh.write_bytes(content)
        self.index.add((path, *files.values(), "; ".join(result.source.notes)))
        return result


def _objects(result: Result, reading: "Reading") -> dict[str, bytes]:
    """Make the files of a film, by kind."""
    labels = segmentation(result)
    picture = saliency_capture(result, reading.pixels, reading.padding)
    objects = {
        "segmentation": labels,
        "saliency": picture,
        "report": report(result, [labels, picture]),
    }
    contents = {}
    for kind, each in objects.items():
        file = io.BytesIO()
        each.save_as(file, enforce_file_format=True)
        contents[kind] = file.getvalue()
    return contents
