import pytest

from cxr_tf.scoring.report.worklist import (
    REST,
    SUSPECT,
    UNDECIDED,
    UNSURE,
    place,
    sureness,
    suspect_classes,
    triage_order,
)
from pipelines.classes import parse_classes
from tests.cards import made_up_card


@pytest.mark.parametrize(
    "spec, suspects",
    [
        ("normal,bacterial,tuberculosis,viral=viral+covid19", ("viral",)),
        ("normal,pneumonia=pneumonia+bacterial+viral,covid19,-tuberculosis", ("covid19",)),
        ("normal,viral,covid19", ("viral", "covid19")),
        ("normal,pneumonia=bacterial+viral", ("pneumonia",)),
        ("normal,tuberculosis,pneumonia", ("tuberculosis", "pneumonia")),
        ("healthy=normal,other=normal2+covid19", ("other",)),
        ("normal,ill", ("ill",)),
    ],
)
def test_suspect_classes_follow_from_what_they_hold(spec, suspects):
    assert suspect_classes(made_up_card(parse_classes(spec).names, class_map=spec)) == suspects


def row(label, p, agreement, status="ok", decision=None, patches=100):
    found = {"label": label, "status": status, "p_viral": str(p), "agreement": str(agreement)}
    found |= {"patches_used": str(patches), "p_normal": str(1 - p)}
    return found | {"decision": label if decision is None else decision}


def test_a_referred_film_is_uncertain_and_a_suspect_stays_one():
    referred = [row(label, 0.2, 0.9, decision="refer") for label in ("normal", "viral")]
    assert [place(each, ("viral",)).group for each in referred] == [UNSURE, SUSPECT]


def test_a_single_vote_is_as_sure_as_its_probability():
    whole = [row("normal", p, 1.0, patches=1) for p in (0.2, 0.4)]
    assert [place(each, ("viral",)).group for each in whole] == [REST, UNSURE]
    assert [sureness(each) for each in whole] == [0.8, 0.6]
    assert sureness(row("normal", 0.4, 0.9)) == 0.9


def test_suspects_come_first_then_uncertain_votes_then_the_rest_then_failures():
    rows = [
        row("", 0, 0, "unreadable"),
        row("normal", 0.01, 0.95),
        row("normal", 0.30, 0.70),  # at the limit: not uncertain
        row("bacterial", 0.20, 0.69),
        row("viral", 0.55, 0.50),  # uncertain too, but suspects come first
        row("bacterial", 0.40, 0.40),
        row("viral", 0.90, 0.99),
        row("", 0, 0, "no_lung"),
    ]
    places = [place(each, ("viral",)) for each in rows]
    assert triage_order(places) == [6, 4, 5, 3, 2, 1, 0, 7]
    groups = [places[i].group for i in triage_order(places)]
    assert groups == [SUSPECT] * 2 + [UNSURE] * 2 + [REST] * 2 + [UNDECIDED] * 2
