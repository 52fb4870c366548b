"""From films to figures: metrics by group, tables and pictures of one evaluation."""

import math
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cxr_tf.evaluation import subgroups
from cxr_tf.evaluation.against import Other, compared
from cxr_tf.evaluation.evaluated_model import Subject
from cxr_tf.evaluation.options import (
    ClassificationEvaluationOptions,
    Options,
    SegmentationEvaluationOptions,
    task_of,
)
from cxr_tf.evaluation.split import ALL, check_unseen, class_map_of, notes_on
from cxr_tf.films import split_answers
from cxr_tf.measures import estimates
from cxr_tf.measures.bootstrap import LEVEL, mean_estimate
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.provenance import NOTICE, PHANTOM_NOTICE, machine, revision, versions
from cxr_tf.saved.learnt_sources import learnt_sources
from pipelines.manifest.table import Manifest
from pipelines.status import OK

PHANTOM_DATA_NOTICE = "PHANTOM DATA: generated films, the figures say nothing of patients."


def read_mask(path: Path) -> npt.NDArray[np.bool_]:
    """Read a mask file.

    Args:
        path: a PNG or GIF.

    Returns:
        bool [H, W].
    """
    from pipelines.decode import decode_mask

    mask: npt.NDArray[np.bool_] = np.asarray(decode_mask(path.read_bytes()), dtype=bool)
    return mask


@dataclass
class Job:
    """One evaluation: what to read, where to write, whom to tell.

    Attributes:
        subject: what is evaluated.
        films: the films.
        out: folder of the results.
        read: reads a film.
        reporter: told of every film.
        record: what `metrics.json` will hold; filled as the evaluation goes on.
        seen: positions of the films that the segmentation was trained or validated on.
        other: the classifier that the subject is compared with; None for none.
    """

    subject: Subject
    films: Manifest
    out: Path
    read: split_answers.ReadFilm
    reporter: Reporter
    record: dict[str, Any]
    seen: Collection[int] = ()
    other: Other | None = None

    @property
    def folder(self) -> Path:
        """The data's folder, which paths are given from."""
        root = self.films.root
        return root if root.is_dir() else root.parent

    @property
    def title(self) -> str:
        """The heading of the figures."""
        data = self.record["data"]
        return f"{self.record['task']}, {data['split']} films (n={data['films']}). {NOTICE}"

    @property
    def notice(self) -> str:
        """The second line of their heading, '' for none."""
        return " ".join(self.record["phantom_notices"])


def classify(job: Job, options: ClassificationEvaluationOptions) -> split_answers.Tally:
    """Evaluate a classifier: predictions.csv, subgroups.csv, plots and the groups.

    Args:
        job: the evaluation.
        options: the arguments.

    Returns:
        What became of the films.
    """
    from cxr_tf.drawing.confusion import draw_confusion
    from cxr_tf.drawing.precision_recall import draw_precision_recall
    from cxr_tf.drawing.roc import draw_roc
    from cxr_tf.drawing.style import write_figure
    from cxr_tf.evaluation.curves import Curves
    from cxr_tf.evaluation.maps import Maps
    from cxr_tf.evaluation.patch_store import PATCHES_FILE, PatchStore
    from cxr_tf.evaluation.rule_comparison import Rules
    from cxr_tf.evaluation.zone_shares import ZoneShares

    model, films = job.subject.model, job.films
    classes = class_map_of(model.classes, options.classes or job.subject.classes)
    rules = Rules(model, films.rows, classes) if options.aggregations else None
    maps = Maps(options.saliency, films.rows, classes, job.read) if options.saliency else None
    zones = ZoneShares(films.rows, classes) if options.zones else None
    patches = PatchStore(films.rows) if options.patch_probabilities else None
    asked = options.seed, options.vote
    curves = Curves(model, films.rows, classes, job.read, *asked) if options.curves else None
    decisions, tally = split_answers.decide_films(
        model,
        films.rows,
        classes,
        job.read,
        job.out / "predictions.csv",
        folder=job.folder,
        vote=options.voting,
        reporter=job.reporter,
        observers=[each.observe for each in (rules, maps, zones, curves, patches) if each],
    )
    if patches:
        patches.write(job.out / PATCHES_FILE, job.folder)
    if job.other is not None:
        theirs = job.other.decisions(
            films.rows, classes, job.read, job.out, job.folder, options.voting, job.reporter
        )
        job.record["against"] = compared(decisions, theirs, job.other, classes, options)
    if rules:
        rules.write(job.out / "aggregation.csv", job.folder)
        job.record["aggregations"] = rules.record(options.samples, options.seed)
    if maps:
        maps.write(job.out, job.folder, job.title, job.notice)
        job.record["saliency"] = maps.record(options.samples, options.seed)
    if zones:
        zones.write(job.out / "zones.csv", job.folder)
        job.record["zones"] = zones.record(options.samples, options.seed)
    if curves:
        curves.write(job.out / "curves.csv", job.folder)
        job.record["curves"] = curves.record(options.samples, options.seed)
    groups = {
        name: estimates.classification_estimates(
            decisions.take(chosen), classes.names, options.samples, options.seed
        )
        for name, chosen in (
            estimates.film_groups(films.rows, seen=job.seen) | subgroups.subgroups(films.rows)
        ).items()
    }
    job.record["class_map"] = classes.spec()
    job.record["groups"] = {name: group.record() for name, group in groups.items()}
    for group in job.record["groups"].values():
        group["remark"] = subgroups.remark(group, classes.names)
    subgroups.write(job.out, job.record["groups"], classes.names)
    right = decisions.decided == decisions.truth
    joined = list(classes.members.values())
    parts = [label for label, name in classes.members.items() if joined.count(name) > 1]
    chosen = {label: [i for i, row in enumerate(films) if row.label == label] for label in parts}
    job.record["sensitivity_by_manifest_class"] = {
        label: mean_estimate(
            right[found], [films[i].patient for i in found], options.samples, options.seed
        ).record()
        for label, found in chosen.items()
        if found
    }
    confusion = groups["all"].confusion
    heading = (job.title, job.notice)
    figure = draw_confusion(confusion, classes.names, *heading)
    write_figure(job.out / "confusion.png", figure)
    ranked = decisions.take(np.flatnonzero(decisions.decided >= 0).tolist())
    for name, draw in (("roc.png", draw_roc), ("pr.png", draw_precision_recall)):
        figure = draw(ranked.truth, ranked.probabilities, classes.names, *heading)
        write_figure(job.out / name, figure)
    return tally


def segment(job: Job, options: SegmentationEvaluationOptions) -> split_answers.Tally:
    """Evaluate a segmentation: jaccard.csv, jaccard.png, contours.png and the record's groups.

    Args:
        job: the evaluation.
        options: the arguments.

    Returns:
        What became of the films.
    """
    found, tally = split_answers.segment_films(
        job.subject.model,
        job.films.rows,
        job.read,
        read_mask,
        job.out / "jaccard.csv",
        folder=job.folder,
        reporter=job.reporter,
    )
    rows = [film.row for film in found]
    job.record["groups"] = {
        name: {
            "n": len(chosen),
            "patients": len({rows[index].patient for index in chosen}),
            "jaccard": {
                part: figure.record()
                for part, figure in estimates.jaccard_estimates(
                    [found[index].jaccard for index in chosen],
                    [rows[index].patient for index in chosen],
                    options.samples,
                    options.seed,
                ).items()
            },
        }
        for name, chosen in estimates.film_groups(rows, classes=True).items()
    }
    told = [film for film in found if not math.isnan(film.uncertainty_auc)]
    if told:
        job.record["uncertainty_auc"] = mean_estimate(
            [film.uncertainty_auc for film in told],
            [film.row.patient for film in told],
            options.samples,
            options.seed,
        ).record()
    if found:
        _draw_masks(job, found)
    return tally


def _draw_masks(job: Job, found: Sequence[split_answers.Segmented]) -> None:
    """Draw all similarities, and the contours of the worst, the median and the best film."""
    from cxr_tf.drawing.contours import ContourFilm, draw_contours
    from cxr_tf.drawing.jaccard import draw_jaccard
    from cxr_tf.drawing.overlays import display_grey
    from cxr_tf.drawing.style import write_figure

    values: dict[str, list[float]] = {}
    for film in found:
        for part in ("lung", "lung_union", "heart"):
            if part in film.jaccard:
                name = f"{part} {film.row.source}".strip()
                values.setdefault(name, []).append(film.jaccard[part])
    write_figure(job.out / "jaccard.png", draw_jaccard(values, job.title, job.notice))
    ranked = sorted(found, key=lambda film: film.jaccard.get("lung_union", 0.0))
    places = {"worst": 0, "median": len(ranked) // 2, "best": len(ranked) - 1}
    pictures = []
    for index in sorted(set(places.values())):
        film, names = ranked[index], [name for name, place in places.items() if place == index]
        read = job.read(film.row.path)
        if read.status == OK and read.pixels is not None:
            lungs = film.jaccard.get("lung_union", float("nan"))
            title = f"{', '.join(names)}: {film.row.path.stem}, lungs {lungs:.3f}"
            masks = {name: read_mask(file) for name, file in film.row.masks.items()}
            grey = display_grey(read.pixels, read.padding)
            pictures.append(ContourFilm(title, grey, film.labels, masks))
    if pictures:
        write_figure(job.out / "contours.png", draw_contours(pictures, job.title, job.notice))


def first_record(
    subject: Subject, manifest: Manifest, films: Manifest, options: Options
) -> dict[str, Any]:
    """Gather what is known before the first film.

    Args:
        subject: what is evaluated.
        manifest: all of the data.
        films: the films evaluated.
        options: the arguments.

    Returns:
        What `metrics.json` begins with.
    """
    task, model = task_of(options), subject.model
    notices = [PHANTOM_NOTICE] if model.card.phantom else []
    notices += [PHANTOM_DATA_NOTICE] if films.phantom else []
    notes = notes_on(manifest, films, task, options.split)
    if options.split == ALL:
        notes += check_unseen(films, learnt_sources(options.run))
    if options.source:
        notes.append(f"only films of {', '.join(options.source)}")
    if options.paper_list_only:
        notes.append("only films on the paper's own case list")
    if options.films and len(films) == options.films:
        notes.append(f"only the first {options.films} films of the split")
    network = model.card.networks.get(task)
    if network is not None and network.data.fingerprint != manifest.fingerprint():
        notes.append(
            "the model was trained on other data than this manifest: whether it saw these patients "
            "cannot be told here"
        )
    arguments = {k: str(v) if isinstance(v, Path) else v for k, v in asdict(options).items()}
    return {
        "command": "cxr_tf.evaluate",
        "task": task,
        "notice": NOTICE,
        "phantom_notices": notices,
        "arguments": arguments,
        "model": {
            "path": str(subject.path),
            "version": model.model_version,
            "approach": subject.approach,
            "classes": list(model.classes),
        },
        "data": {
            "path": str(options.data),
            "split": options.split,
            "films": len(films),
            "patients": len({row.patient for row in films}),
            "sources": sorted({row.source for row in films}),
            "fingerprint": films.fingerprint(),
        },
        "bootstrap": {"samples": options.samples, "seed": options.seed, "level": LEVEL},
        "notes": notes,
        "versions": versions(),
        "revision": revision(),
        "machine": machine(),
    }
