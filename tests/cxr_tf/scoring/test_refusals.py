import io

from cxr_tf.runtime.progress import Reporter
from cxr_tf.scoring.refusals import Refusals
from pipelines.dicom.refusals import refusal

SIDE = {"status": "not_chest_film", "error": refusal("ViewPosition", "view LL", "give a film")}
GATE = {"status": "not_chest_film", "error": "this does not look like a frontal chest film"}
FINE = {"status": "ok", "error": ""}


def told(*films):
    refusals, stream = Refusals(), io.StringIO()
    for source, record in films:
        refusals.add(source, record)
    refusals.tell(Reporter(quiet=True, stream=stream))
    return stream.getvalue().splitlines(), refusals


def test_an_input_most_of_whose_films_are_refused_is_told_with_the_remedy():
    lines, refusals = told(
        *[("bad", SIDE)] * 3, ("bad", FINE), *[("good", FINE)] * 9, ("good", SIDE)
    )
    assert len(lines) == 1
    assert "warning: bad: 3 of 4 films have no answer" in lines[0]
    assert "3 by ViewPosition" in lines[0] and "--no-header-check" in lines[0]
    assert "--no-gate" not in lines[0]
    assert refusals.by_header() == {"ViewPosition": 4}


def test_what_the_gate_refused_has_its_own_remedy():
    lines, refusals = told(("films", GATE), ("films", GATE))
    assert "2 by the gate" in lines[0] and "--no-gate" in lines[0]
    assert "--no-header-check" not in lines[0] and refusals.by_header() == {}
    both, _ = told(("films", GATE), ("films", SIDE))
    assert "--no-gate" in both[0] and "--no-header-check" in both[0]


def test_films_named_one_by_one_are_told_of_together_and_half_is_not_most():
    lines, _ = told(("a.dcm", SIDE), ("b.dcm", SIDE), ("c.dcm", FINE))
    assert len(lines) == 1 and "2 of 3 films" in lines[0]
    assert told(("a", FINE), ("b", SIDE))[0] == [] and told(("f", FINE), ("f", SIDE))[0] == []
