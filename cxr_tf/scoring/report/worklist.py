"""The order in which the films of a run are looked at (Fig. 9)."""

from collections.abc import Sequence
from dataclasses import dataclass

from cxr_tf.films.rows import Record
from cxr_tf.method.model_card import ModelCard
from cxr_tf.method.outputs import REFER
from pipelines.classes import parse_classes
from pipelines.status import OK

#: Manifest classes that a triage looks for.
SOUGHT = frozenset({"covid19", "viral"})
#: A decision that is less sure than this is uncertain; see `sureness`. On the 59 validation films
#: of version 1 13 of 18 decisions below it are right, 37 of 41 from it on.
UNCERTAIN = 0.7

SUSPECT, UNSURE, REST, UNDECIDED = "suspect", "uncertain", "rest", "undecided"
#: Groups in the order of the worklist.
GROUPS = (SUSPECT, UNSURE, REST, UNDECIDED)


def suspect_classes(card: ModelCard) -> tuple[str, ...]:
    """Choose the classes whose films a triage puts first.

    A class counts that holds COVID-19, or nothing but viral pneumonia; without one, a class that
    holds viral pneumonia among others; without that, every class that holds no normal films.

    Args:
        card: the model card; its `class_map` says which manifest classes each class holds.

    Returns:
        Some of the classes, in order.
    """
    classes, members = card.classes, parse_classes(card.class_map).members
    held = {name: {m for m, target in members.items() if target == name} for name in classes}
    rules = (
        lambda parts: "covid19" in parts or (bool(parts) and parts <= SOUGHT),
        lambda parts: bool(parts & SOUGHT),
        lambda parts: "normal" not in parts,
    )
    for rule in rules:
        if chosen := tuple(name for name in classes if rule(held[name])):
            return chosen
    return ()


@dataclass(frozen=True)
class Place:
    """Where a film stands in the worklist.

    Attributes:
        group: one of `GROUPS`.
        suspicion: the mean probability of all suspect classes together, 0..1.
    """

    group: str
    suspicion: float


def sureness(row: Record) -> float:
    """Tell how sure a decision is.

    Args:
        row: the record of a film with a label.

    Returns:
        The share of the patches that voted for the label, in 0..1; where the network looked at the
        whole film at once, and so cast a single vote, the mean probability of the label.
    """
    single = int(row["patches_used"]) == 1
    return float(row[f"p_{row['label']}"] if single else row["agreement"])


def place(row: Record, suspects: Sequence[str]) -> Place:
    """Find the group of a film.

    Args:
        row: the record of the film.
        suspects: see `suspect_classes`.

    Returns:
        Its group, and what it is ordered by within the group.
    """
    suspicion = sum(float(row[f"p_{name}"]) for name in suspects)
    if row["status"] != OK:
        group = UNDECIDED
    elif row["label"] in suspects:
        group = SUSPECT
    else:
        unsure = row["decision"] == REFER or sureness(row) < UNCERTAIN
        group = UNSURE if unsure else REST
    return Place(group, suspicion)


def triage_order(places: Sequence[Place]) -> list[int]:
    """Order films for triage: suspects, uncertain decisions, the rest, films without a decision.

    Args:
        places: of each film.

    Returns:
        The films' positions; within a group the most suspicious first, then as they were given.
    """
    rank = {group: number for number, group in enumerate(GROUPS)}
    return sorted(
        range(len(places)), key=lambda i: (rank[places[i].group], -places[i].suspicion, i)
    )
