"""How often a decision changes: other patches, another number of them, a film a little changed."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd

from cxr_tf.method.reliability.refusal import NO_CHEST, REASONS
from cxr_tf.runtime.errors import UsageError
from pipelines.text_table import read_text_table
from tools.phantoms.non_films import TURNED
from tools.reliability.measures import share
from tools.reliability.table import read_decisions

if TYPE_CHECKING:
    from cxr_tf.films.model import TriageModel

Pixels = npt.NDArray[np.uint16]
VERSION = "model_version"
COLUMNS = ("change", "path", "status", "label", VERSION)


def _jpeg(quality: int) -> Callable[[Pixels], Pixels]:
    def change(pixels: Pixels) -> Pixels:
        _, code = cv2.imencode(
            ".jpg", (pixels >> 8).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality]
        )
        decoded = np.asarray(cv2.imdecode(code, cv2.IMREAD_GRAYSCALE), np.uint16)
        return decoded * 257

    return change


def _rotated(degrees: float) -> Callable[[Pixels], Pixels]:
    def change(pixels: Pixels) -> Pixels:
        height, width = pixels.shape
        matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
        return cv2.warpAffine(pixels, matrix, (width, height))

    return change


def _brighter(pixels: Pixels) -> Pixels:
    """Brighten by a fifth; what leaves the range is cut, as on a film exposed wrongly."""
    return np.minimum(pixels.astype(np.float64) * 1.2, 65535).astype(np.uint16)


def _gamma(pixels: Pixels) -> Pixels:
    """Another tone curve, in 8 bit: equalisation undoes it but for merged levels."""
    curved = np.round(255 * (pixels / 65535) ** 1.5)
    return curved.astype(np.uint16) * 257


#: What is done to a film, and the options of the model.
CHANGES: dict[str, tuple[Callable[[Pixels], Pixels] | None, dict[str, Any]]] = {
    "seed 1": (None, {"seed": 1}),
    "25 patches": (None, {"patches": 25}),
    "200 patches": (None, {"patches": 200}),
    "JPEG, quality 75": (_jpeg(75), {}),
    "JPEG, quality 30": (_jpeg(30), {}),
    "turned by 3 degrees": (_rotated(3), {}),
    "a fifth brighter, cut": (_brighter, {}),
    "gamma 1.5 in 8 bit": (_gamma, {}),
}


#: What the gate should ask of a film that was turned or inverted.
ASKED = dict(zip(TURNED, (REASONS[1], REASONS[0], REASONS[2], REASONS[3]), strict=True))


def _read(path: Path) -> tuple[Pixels, int]:
    """Read a film that was decided before, with its padding; say which one cannot be read."""
    from pipelines.films import read_film

    film = read_film(path)
    if film.pixels is None:
        raise ValueError(f"{path}: {film.error}")
    return film.pixels, film.padding


def _of_model(path: Path, table: pd.DataFrame, version: str) -> pd.DataFrame:
    """Refuse a table of another model: what changes is counted against its own decisions."""
    others = set(table[VERSION]) - {version} if VERSION in table else {"an unknown model"}
    if others:
        raise UsageError(
            f"{path} is of {', '.join(sorted(others))}, not of the model {version}: make it anew, "
            "or remove it"
        )
    return table


def ask_reasons(model: "TriageModel", folder: Path, decisions: Path, out: Path) -> None:
    """Let the gate say what turned and inverted films may be.

    Args:
        model: exported with a gate.
        folder: the data's folder, which the paths of `decisions` are given from.
        decisions: `predictions.csv`, of which the films are taken.
        out: the CSV to write; it stays if it is there.

    Raises:
        UsageError: the CSV, or `decisions`, is that of another model.
    """
    rows = _of_model(decisions, read_decisions(decisions)[1], model.model_version)
    if out.is_file():
        _of_model(out, read_text_table(out), model.model_version)
        return
    found = []
    for path in rows["path"]:
        pixels, _ = _read(folder / path)
        for kind, turn in TURNED.items():
            answer = model.predict(turn(pixels), patches=1)
            found.append((kind, answer.status, answer.warning, path))
    table = pd.DataFrame(found, columns=["kind", "status", "warning", "path"])
    table[VERSION] = model.model_version
    table.to_csv(out, index=False, lineterminator="\n")


def reasons_record(reasons: Path) -> dict[str, Any]:
    """Count the films that are refused, and those of them whose reason is right.

    Args:
        reasons: what `ask_reasons` wrote.
    """
    table = read_text_table(reasons)
    record = {}
    for kind, rows in table.groupby("kind"):
        refused = rows[rows["status"] != "ok"]
        right = refused["warning"] == ASKED[str(kind)]
        none = refused["warning"] == NO_CHEST
        record[str(kind)] = {"refused": share(rows["status"] != "ok"), "right": share(right),
                             "none": share(none)}  # fmt: skip
    return {"reasons": record}


def decide_changed(model: "TriageModel", folder: Path, decisions: Path, out: Path) -> None:
    """Decide films again after each change, in random order; a run that was stopped goes on.

    Args:
        model: answers `predict`; votes end where the label is settled.
        folder: the data's folder, which the paths of `decisions` are given from.
        decisions: `predictions.csv` with seed 0 and 100 patches.
        out: the CSV to write.

    Raises:
        UsageError: the CSV, or `decisions`, is that of another model.
    """
    version = model.model_version
    rows = _of_model(decisions, read_decisions(decisions)[1], version)
    done: set[tuple[str, str]] = set()
    fresh = not out.is_file() or not out.stat().st_size
    if not fresh:
        known = _of_model(out, read_text_table(out), version)
        done = set(zip(known["change"], known["path"], strict=True))
    with out.open("a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if fresh:
            writer.writerow(COLUMNS)
        for path in np.random.default_rng(0).permutation(rows["path"]):
            for name, (change, options) in CHANGES.items():
                if (name, path) in done:
                    continue
                pixels, padding = _read(folder / path)
                found = model.predict(
                    pixels if change is None else change(pixels),
                    padding,
                    decision_only=True,
                    gate=False,
                    **options,
                )
                writer.writerow((name, path, found.status, found.label, version))
                file.flush()


def stability_record(changed: Path, decisions: Path) -> dict[str, Any]:
    """Count labels that differ from those of the films as they are.

    Args:
        changed: what `decide_changed` wrote.
        decisions: `predictions.csv` of the films as they are.

    Returns:
        By change: labels changed, the same by true class, and labels that are right.
    """
    classes, rows, _ = read_decisions(decisions)
    before = rows[["path", "truth", "label"]]
    table = read_text_table(changed).merge(before, on="path")
    record = {}
    # Where the run was stopped, on the films that every change was tried on.
    tried = table.groupby("path")["change"].nunique()
    table = table[table["path"].isin(tried[tried == len(CHANGES)].index)]
    plain = table.drop_duplicates("path").assign(label_x=lambda rows: rows["label_y"])
    for name in ("none", *CHANGES):
        found = plain if name == "none" else table[table["change"] == name]
        differs = (found["label_x"] != found["label_y"]).to_numpy()
        record[name] = {
            "changed": share(differs),
            "by_class": {c: share(differs[(found["truth"] == c).to_numpy()]) for c in classes},
            "right": share(found["label_x"] == found["truth"]),
        }
    return {"stability": record}
