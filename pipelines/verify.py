"""Finds what is wrong with a data set: `python -m pipelines.verify MANIFEST|DIR [--json]`.

Exit status: 0 no fault (notes are listed), 1 faults found, 2 the data cannot be opened.
"""

import argparse
import dataclasses
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.adapters import open_data
from pipelines.manifest import checks
from pipelines.manifest.look_alikes import near_places
from pipelines.manifest.overlap import SAME_CONTENT, seen_films
from pipelines.manifest.perceptual import film_hash
from pipelines.manifest.table import SPLITS, Manifest, ManifestError, ManifestRow
from pipelines.native_logs import start_tensorflow

FAULT, NOTE = "fault", "note"

#: Every kind of finding: how much it weighs, and what it means.
KINDS = {
    "doubled_row": (FAULT, "a film stands in several rows"),
    "unknown_split": (FAULT, "a split that no task has"),
    "unknown_class": (FAULT, "a class that no adapter writes, in a classification split"),
    "wrong_age_group": (FAULT, "an age group that there is not, or that contradicts the age"),
    "missing_file": (FAULT, "a film or mask is not there, or empty"),
    "missing_mask": (FAULT, "a film lacks a mask that its segmentation split needs"),
    "changed_film": (FAULT, "a film's bytes are not those its sha256 was taken of"),
    "unreadable_film": (FAULT, "a film cannot be used"),
    "unreadable_mask": (FAULT, "a mask cannot be read"),
    "misfit_mask": (FAULT, "a mask that cannot belong to its film"),
    "patient_in_two_splits": (FAULT, "a patient stands in two splits of one task"),
    "film_in_two_splits": (FAULT, "identical content stands in two splits of one task"),
    "seen_in_segmentation": (
        NOTE,
        "a film of the classification test set that the segmentation trains or validates on; "
        "evaluation reports the figures with and without these",
    ),
    "near_duplicate_across_splits": (NOTE, "nearly the same picture in two splits of one task"),
    "near_duplicate_across_sources": (NOTE, "nearly the same picture in two sources"),
}


Hashes = dict[int, npt.NDArray[np.bool_]]
Pair = tuple[int, int, int]


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing found.

    Attributes:
        kind: one of `KINDS`.
        text: one line: where, what and the remedy.
    """

    kind: str
    text: str

    @property
    def severity(self) -> str:
        """`fault`: the data cannot be used so; `note`: its reader ought to know."""
        return KINDS[self.kind][0]


def verify(manifest: Manifest) -> list[Finding]:
    """Check a data set, reading every film and mask.

    Args:
        manifest: the data.

    Returns:
        The findings in the order of `KINDS`; paths are given below the manifest's folder.
    """
    films, findings, hashes = _read_films(manifest.rows)
    manifest = Manifest(manifest.root, tuple(films))
    findings += _listed(manifest)
    near = list(near_places(hashes))
    findings += _seen_in_segmentation(manifest, near)
    findings += _near_duplicates(films, near)
    folder = manifest.root if manifest.root.is_dir() else manifest.root.parent
    prefix = os.path.join(folder, "")
    order = list(KINDS)
    return sorted(
        (Finding(found.kind, found.text.replace(prefix, "")) for found in findings),
        key=lambda found: order.index(found.kind),
    )


def _listed(manifest: Manifest) -> list[Finding]:
    """Find what the rows alone tell; their `sha256` is what was found on disk."""
    of_all = {
        "doubled_row": checks.doubled_paths(manifest.rows),
        "wrong_age_group": checks.wrong_age_groups(manifest.rows),
        "missing_file": checks.missing_files(manifest.rows),
        "missing_mask": checks.missing_masks(manifest.select("segmentation").rows),
        "unknown_class": checks.unknown_classes(manifest.select("classification").rows, None),
    }
    found = [Finding(kind, text) for kind, texts in of_all.items() for text in dict.fromkeys(texts)]
    for task in SPLITS:
        rows = manifest.select(task).rows
        for kind, check, chosen in (
            ("unknown_split", checks.unknown_splits, manifest.rows),
            ("patient_in_two_splits", checks.crossing_patients, rows),
            ("film_in_two_splits", checks.crossing_films, rows),
        ):
            found += [Finding(kind, text) for text in check(chosen, task)]
    return found


def _read_films(
    rows: Sequence[ManifestRow],
) -> tuple[list[ManifestRow], list[Finding], Hashes]:
    """Read every film and mask; return the rows with the digests found, and what is wrong."""
    start_tensorflow()
    from pipelines.films import read_film

    films, findings, hashes = [], [], {}
    for place, row in enumerate(rows):
        films.append(row)
        # What is not there, or empty, is found by its row.
        if not row.path.is_file() or row.path.stat().st_size == 0:
            continue
        film = read_film(row.path)
        if film.transient:
            findings.append(Finding("unreadable_film", f"{row.path}: {film.error}"))
            continue
        digest = checks.file_sha256(row.path)
        if row.sha256 and digest != row.sha256.lower():
            text = "differs from its sha256; restore the film or hash it again"
            findings.append(Finding("changed_film", f"{row.path}: {text}"))
        films[-1] = dataclasses.replace(row, sha256=digest)
        if film.pixels is None:
            text = f"{row.path}: {film.status}: {film.error}"
            findings.append(Finding("unreadable_film", text))
            continue
        if film.pixels.min() == film.pixels.max():
            text = f"{row.path}: every pixel has the same grey level; fetch the film again"
            findings.append(Finding("unreadable_film", text))
            continue
        hashes[place] = film_hash(film.pixels)
        findings += _read_masks(row, (film.pixels.shape[0], film.pixels.shape[1]))
    return films, findings, hashes


def _read_masks(row: ManifestRow, shape: tuple[int, int]) -> Iterator[Finding]:
    import tensorflow as tf

    from pipelines.decode import decode_mask
    from pipelines.manifest.mask_checks import misfits

    masks = {}
    for name, path in row.masks.items():
        if not path.is_file() or path.stat().st_size == 0:
            continue
        try:
            with tf.device("CPU:0"):
                masks[name] = decode_mask(path.read_bytes()).numpy()
        except (OSError, tf.errors.OpError):
            text = f"{path}: {name} mask cannot be read; fetch it again, as PNG or GIF"
            yield Finding("unreadable_mask", text)
    for fault in misfits(shape, masks):
        yield Finding("misfit_mask", f"{row.path}: {fault}")


def _seen_in_segmentation(manifest: Manifest, near: Sequence[Pair]) -> Iterator[Finding]:
    """Classification test films that segmentation trains on: patient, content, or picture."""
    rows = manifest.rows
    why = {
        place: f"{reason} as {row.path}"
        for place, (row, reason) in seen_films(manifest, rows, "segmentation").items()
    }
    for first, second, bits in near:
        for place, other in ((first, second), (second, first)):
            if rows[other].split_segmentation in ("train", "validation"):
                picture = f"nearly the same picture ({bits} bits) as {rows[other].path}"
                why.setdefault(place, picture)
    for place, reason in sorted(why.items()):
        if rows[place].split_classification == "test":
            yield Finding("seen_in_segmentation", f"{rows[place].path}: {reason}")


def _near_duplicates(rows: Sequence[ManifestRow], near: Sequence[Pair]) -> Iterator[Finding]:
    for first, second, bits in near:
        one, other = rows[first], rows[second]
        same = SAME_CONTENT if one.sha256 == other.sha256 else f"{bits} bits differ"
        pair = f"{one.path} and {other.path}: {same}; look at both"
        for task in SPLITS:
            splits = one.split(task), other.split(task)
            if all(splits) and splits[0] != splits[1]:
                text = f"{pair}, then keep one {task} split ({splits[0]}, {splits[1]})"
                yield Finding("near_duplicate_across_splits", text)
        if one.source != other.source:
            text = f"{pair} ({one.source or 'unknown'}, {other.source or 'unknown'})"
            yield Finding("near_duplicate_across_sources", text)


def _report(manifest: Manifest, findings: Sequence[Finding]) -> dict[str, Any]:
    counts = Counter(finding.kind for finding in findings)
    weights = Counter(finding.severity for finding in findings)
    return {
        "films": len(manifest),
        "faults": weights[FAULT],
        "notes": weights[NOTE],
        "counts": {kind: counts[kind] for kind in KINDS},
        "findings": [
            {"severity": found.severity, "kind": found.kind, "text": found.text}
            for found in findings
        ],
    }


def _print_text(report: dict[str, Any], say: Callable[[str], None]) -> None:
    for kind, (severity, meaning) in KINDS.items():
        if count := report["counts"][kind]:
            say(f"{severity} {kind}, {count}: {meaning}")
            for finding in report["findings"]:
                if finding["kind"] == kind:
                    say(f"  {finding['text']}")
    say(f"{report['films']} films: {report['faults']} faults, {report['notes']} notes")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Without the programme's name; None: those of the process.

    Returns:
        Exit status: 0 no fault, 1 faults, 2 the data cannot be opened.
    """
    parser = argparse.ArgumentParser("python -m pipelines.verify", description=__doc__)
    parser.add_argument(
        "data", type=Path, metavar="MANIFEST|DIR", help="a manifest, or a folder that is recognised"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    try:
        manifest = open_data(options.data)
    except ManifestError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"reading {len(manifest)} films and their masks", file=sys.stderr)
    report = _report(manifest, verify(manifest))
    if options.json:
        print(json.dumps(report, indent=2))
    else:
        _print_text(report, print)
    return int(report["faults"] > 0)


if __name__ == "__main__":
    sys.exit(main())
