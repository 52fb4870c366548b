"""An evaluation as text: the tables that `summary.md` holds and the command prints."""

from collections.abc import Mapping, Sequence
from typing import Any

from cxr_tf.measures.estimates import BY_CLASS, OVERALL
from cxr_tf.measures.metrics import JACCARD_PARTS
from cxr_tf.measures.paired import FIGURES as PAIRED
from cxr_tf.runtime.markdown import markdown_table

_TITLES = {"f1": "F1", "roc_auc": "ROC-AUC", "average_precision": "average precision"}


#: What the kinds of curves are called.
CURVES = {
    "deletion": "deletion",
    "insertion": "insertion",
    "road_most": "ROAD, most relevant first",
    "road_least": "ROAD, least relevant first",
}


def title_of(figure: str) -> str:
    """Return a figure's name as tables show it.

    Args:
        figure: its name in a record.
    """
    return _TITLES.get(figure, figure)


def figure_text(record: Mapping[str, Any], *, spread: bool = False, count: bool = False) -> str:
    """Write a figure with its interval.

    Args:
        record: `value`, `low`, `high` and `n`, and `sd` where the spread is asked for.
        spread: with the standard deviation.
        count: with the number of films.

    Returns:
        Such as `0.750 (0.661-0.837), n=116`; `-` for an undefined value.
    """
    if record["value"] is None:
        text = "-"
    else:
        text = f"{record['value']:.3f}"
        if spread and record["sd"] is not None:
            text += f" ± {record['sd']:.3f}"
        if record["low"] is not None:
            text += f" ({record['low']:.3f}-{record['high']:.3f})"
    return f"{text}, n={record['n']}" if count else text


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out a Markdown table whose columns line up.

    Args:
        header: the columns' titles.
        rows: as many cells each.

    Returns:
        Lines of text.
    """
    return "\n".join(markdown_table(header, rows, aligned=True))


def _classification(record: Mapping[str, Any]) -> list[str]:
    groups, classes = record["groups"], record["model"]["classes"]
    everything = groups["all"]
    parts = ["## Metrics", "Means over the classes that have films."]
    rows = [
        [name, str(group["n"]), str(group["patients"])]
        + [figure_text(group["overall"][figure]) for figure in OVERALL]
        for name, group in groups.items()
        if name.partition("=")[0] not in ("view", "sex", "age_group", "age")
    ]
    titles = [title_of(figure) for figure in OVERALL]
    parts.append(table(["films", "n", "patients", *titles], rows))
    parts += ["## By class", "All films; each class against the rest."]
    rows = [
        [name, *(figure_text(figures[kind], count=True) for kind in BY_CLASS)]
        for name, figures in everything["by_class"].items()
    ]
    parts.append(table(["class", *(title_of(kind) for kind in BY_CLASS)], rows))
    if record["sensitivity_by_manifest_class"]:
        rows = [
            [name, figure_text(figure, count=True)]
            for name, figure in record["sensitivity_by_manifest_class"].items()
        ]
        parts += [
            "Films decided rightly, by the class they have in the manifest:",
            table(["class in the manifest", "sensitivity"], rows),
        ]
    if "against" in record:
        parts += _against(record["against"])
    if "aggregations" in record:
        parts += _aggregations(record)
    if "saliency" in record:
        parts += _saliency(record["saliency"])
    if "zones" in record:
        parts += _zones(record["zones"], classes)
    if "curves" in record:
        parts += _curves(record["curves"])
    parts += [
        "Figures by source, view, sex, age group and age band, class by class: `subgroups.md`."
    ]
    parts.append("## Confusion matrix")
    rows = [
        [name, *map(str, counts)]
        for name, counts in zip(classes, everything["confusion"], strict=True)
    ]
    parts.append(table(["true \\ decided", *classes, "no decision"], rows))
    return parts


def _against(against: Mapping[str, Any]) -> list[str]:
    def number(value: float | None) -> str:
        return "-" if value is None else f"{value:.3f}"

    rows = [
        [
            title_of(name),
            number(own["first"]),
            number(own["second"]),
            figure_text(own["difference"]),
        ]
        for name, own in ((name, against[name]) for name in PAIRED)
    ]
    test = against["mcnemar"]
    return [
        f"## Against {against['path']}",
        f"{against['n']} films of {against['patients']} patients that both decided; left out: "
        f"{against['left_out']}. Model of the other: {against['version'] or 'unknown'}. Intervals "
        "are of the difference, both measured on the same films in each sample over patients.",
        table(["figure", "this", "other", "difference"], rows),
        f"Right by this one alone: {test['first_only']} films, by the other alone: "
        f"{test['second_only']}, by both: {test['both_right']}, by neither: {test['both_wrong']}. "
        f"McNemar's exact test, which takes each film for a patient: p = {test['p']:.3g}.",
    ]


def _aggregations(record: Mapping[str, Any]) -> list[str]:
    classes = record["model"]["classes"]
    rows = [
        [name, figure_text(rule["accuracy"]), f"{rule['f1']:.3f}"]
        + ["-" if share is None else f"{share:.3f}" for share in rule["sensitivity"]]
        + [figure_text(rule["equal_to_majority"])]
        for name, rule in record["aggregations"].items()
    ]
    titles = ["rule", "accuracy", "F1", *(f"sensitivity {name}" for name in classes)]
    return [
        "## Aggregation",
        "All films, decided by other rules from the same patches; the majority is the paper's.",
        table([*titles, "decides as the majority"], rows),
    ]


def _saliency(saliency: Mapping[str, Any]) -> list[str]:
    names = {
        "weighted": "mean in the lungs",
        "unweighted": "without the probability",
        "share_in_lungs": "share of the map in the lungs",
    }
    rows = [
        [
            truth,
            *(figure_text(figures[name], count=True) if name in figures else "-" for name in names),
        ]
        for truth, figures in saliency["by_true_class"].items()
    ]
    return [
        f"## Saliency of the class {saliency['class']}",
        "Means over films of the probabilistic Grad-CAM (Eq. 5), and of the same maps without the "
        "probability of each patch as its weight.",
        table(["true class", *names.values()], rows),
    ]


def _zones(zones: Mapping[str, Any], classes: Sequence[str]) -> list[str]:
    """Show the map of each class on films of that class, beside what an even map would give."""
    names = list(dict.fromkeys(name for own in zones.values() for x in own.values() for name in x))
    even = next(name for name in zones if name not in classes)
    rows = [
        [truth, title, *(figure_text(found[name], count=name == "lungs") if name in found else "-"
                         for name in names)]
        for truth in classes
        for title, found in (("own class", zones[truth][truth]), ("even", zones[even][truth]))
        if found
    ]  # fmt: skip
    return [
        "## Where the maps lie",
        "Mean shares over films of a class: of its own map (Eq. 5), and of an even map, which is "
        "what the areas alone give. `lungs` is the share of the map inside the lungs, the zones "
        "are shares of that. Maps of other classes: `zones.csv`, `metrics.json`.",
        table(["films", "map", *names], rows),
    ]


def _curves(curves: Mapping[str, Any]) -> list[str]:
    rows = [
        [group, name, *(figure_text(own[name][kind], count=True) for kind in own[name])]
        for group, own in curves["areas"].items()
        for name in own
    ]
    kinds = list(next(iter(curves["areas"]["all"].values())))
    return [
        "## Deletion and insertion",
        "Area under the mean probability of the decided class while pixels of the lungs are taken "
        "out (deletion: small is good) or put back (insertion: large is good) in the order of its "
        f"map, and of a random map; {curves['patches']} patches each time. In ROAD (remove and "
        "debias; Rong et al., 2022) what is taken out is filled from its neighbours, so that its "
        "shape tells nothing: most relevant pixels first (small is good), and least relevant first "
        f"(large is good). Films with a decision but without curves: {curves['left_out']}.",
        table(["films", "order", *(CURVES[kind] for kind in kinds)], rows),
    ]


def _segmentation(record: Mapping[str, Any]) -> list[str]:
    groups = record["groups"]
    used = [p for p in JACCARD_PARTS if any(p in group["jaccard"] for group in groups.values())]
    rows = [
        [name, str(group["n"]), str(group["patients"])]
        + [
            figure_text(group["jaccard"][part], spread=True, count=group["jaccard"][part]["n"] != n)
            if part in group["jaccard"]
            else "-"
            for part in used
        ]
        for name, group in groups.items()
        for n in [group["n"]]
    ]
    parts = [
        "## Jaccard similarity",
        "Mean ± SD over films. `lung` is the mean of both lungs, `lung_union` takes them as one.",
        table(["films", "n", "patients", *used], rows),
    ]
    if found := record.get("uncertainty_auc"):
        parts.append(
            "The uncertainty is larger on a pixel where the lungs' mask is wrong than on a right "
            f"one in {figure_text(found)} of pairs (ROC-AUC, mean of {found['n']} films)."
        )
    return parts


def summary(record: Mapping[str, Any]) -> str:
    """Write an evaluation as Markdown.

    Args:
        record: the content of `metrics.json`.

    Returns:
        The text, with every notice, count, interval and film without an answer.
    """
    model, data, bootstrap = record["model"], record["data"], record["bootstrap"]
    parts = [f"# Evaluation: {record['task']}, split {data['split']}", f"*{record['notice']}*"]
    parts += [f"**{notice}**" for notice in record["phantom_notices"]]
    parts.append(
        "\n".join(
            [
                f"- model: {model['path']} ({model['approach']}), version {model['version']}",
                f"- data: {data['path']}, {data['films']} films of {data['patients']} patients",
                f"- {bootstrap['level']:.0%} intervals in brackets: {bootstrap['samples']} "
                f"bootstrap samples over patients, seed {bootstrap['seed']}; from a handful of "
                "patients, or at exactly 0 or 1, they are too narrow",
                *(f"- note: {note}" for note in record["notes"]),
            ]
        )
    )
    classified = record["task"] == "classification"
    parts += _classification(record) if classified else _segmentation(record)
    if record["not_ok"]:
        meaning = (
            "They count as wrong decisions."
            if classified
            else "Where the film cannot be used nothing was found; without a readable mask it is "
            "left out."
        )
        rows = [[film["path"], film["status"], film["error"]] for film in record["not_ok"]]
        parts += ["## Films that are not ok", meaning, table(["film", "status", "reason"], rows)]
    return "\n\n".join(parts) + "\n"
