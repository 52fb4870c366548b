"""Figs. 7 and 8 in docs/paper.md: the saliency maps in numbers."""

from collections.abc import Sequence
from typing import Any

from cxr_tf.measures.bootstrap import mean_estimate
from tools.paper.rows import FOLDERS, OPEN, Results, cells, table

Lines = list[str]
#: The pointing game with the map of Eq. 5, and with the one of the global network.
POINTING = ("version_1/pointing", "version_1/pointing_global")


def _saliency(results: Results) -> Lines:
    found = (results.metrics("version_1/test") or {}).get("saliency", {})
    rows = [
        (truth, *(cells(None, own.get(name))[1] for name in ("weighted", "unweighted",
                                                              "share_in_lungs")),
         str(own["weighted"]["n"]))
        for truth, own in found.get("by_true_class", {}).items()
        if own
    ]  # fmt: skip
    header = ("true class", "mean of the viral map in the lungs (Eq. 5)", "without the probability",
              "share of the map in the lungs", "n")  # fmt: skip
    return table(header, rows or [(OPEN,) * 5])


def _curves(results: Results) -> Lines:
    rows: list[Sequence[str]] = []
    for approach, folder in FOLDERS.items():
        found = (results.metrics(folder) or {}).get("curves")
        title = {"local": "Eq. 5", "global": "global Grad-CAM"}[approach]
        own = found["areas"]["all"]["difference"] if found else {}
        told = [cells(None, own.get(kind)) for kind in ("deletion", "insertion")]
        rows.append((title, told[0][1], told[1][1], told[0][2]))
    rows.append(("Eq. 5 less global", *_gains(results)))
    return table(("map", "deletion", "insertion", "n, of patients"), rows)


def _gains(results: Results) -> tuple[str, str, str]:
    """How much more Eq. 5 gains over a random map than the global Grad-CAM, film by film."""
    gains: list[dict[tuple[str, str], float]] = []
    for folder in ("version_1/test", "ablations/global_test"):
        areas = {(x["path"], x["map"], x["curve"]): float(x["area"])
                 for x in results.rows(folder, "curves.csv") if x["area"]}  # fmt: skip
        gains.append({(path, kind): area - areas[path, "random", kind]
                      for (path, name, kind), area in areas.items() if name == "map"})  # fmt: skip
    films = {x["path"]: x["patient_id"] or x["path"]
             for x in results.rows("version_1/test", "predictions.csv")}  # fmt: skip
    told = []
    for kind in ("deletion", "insertion"):
        common = [x for x in films if all((x, kind) in own for own in gains)]
        if not common:
            return OPEN, OPEN, "–"
        values = [gains[0][x, kind] - gains[1][x, kind] for x in common]
        told.append(cells(None, mean_estimate(values, [films[x] for x in common]).record()))
    return told[0][1], told[1][1], told[0][2]


def _pointing(results: Results) -> Lines:
    rows = []
    for title, name in (("Eq. 5", POINTING[0]), ("global Grad-CAM", POINTING[1])):
        found = results.json(name, "pointing.json") or {}
        own: dict[str, Any] = found.get("groups", {}).get("all", {})
        told = [cells(None, own.get(x)) for x in ("hit", "chance", "difference")]
        rows.append((title, *(x[1] for x in told), told[0][2]))
    hits = [{x["number"]: float(x["hit"]) for x in results.rows(name, "pointing.csv")
             if x["status"] == "ok"} for name in POINTING]  # fmt: skip
    common = sorted(hits[0].keys() & hits[1].keys())
    gain = [hits[0][x] - hits[1][x] for x in common]
    between = cells(None, mean_estimate(gain, common).record() if common else None)
    rows.append(("Eq. 5 less global Grad-CAM", between[1], "–", "–", between[2]))
    return table(("map", "hits", "a random point", "difference", "n phantoms"), rows)


def figures_7_and_8(results: Results) -> Lines:
    """Give the maps in numbers."""
    return [
        "The map of the viral class by true class:", "", *_saliency(results), "",
        "Area under the deletion and insertion curves, less that of a random map:", "",
        *_curves(results), "",
        "The pointing game, PHANTOM films only:", "", *_pointing(results),
    ]  # fmt: skip
