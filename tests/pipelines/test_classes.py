import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.classes import COVID_NET_CLASSES, PAPER_CLASSES, ClassMap, parse_classes


def test_paper_classes_put_covid19_among_viral():
    assert PAPER_CLASSES.names == ("normal", "bacterial", "tuberculosis", "viral")
    assert PAPER_CLASSES.index("covid19") == PAPER_CLASSES.index("viral") == 3
    assert PAPER_CLASSES.index("normal") == 0
    assert len(PAPER_CLASSES) == 4
    assert "lung_nodule" not in PAPER_CLASSES


def test_covid_net_classes_keep_covid19_apart_and_leave_tuberculosis_out():
    assert COVID_NET_CLASSES.names == ("normal", "pneumonia", "covid19")
    assert {COVID_NET_CLASSES.index(c) for c in ("pneumonia", "bacterial", "viral")} == {1}
    assert COVID_NET_CLASSES.left_out == ("tuberculosis",)


def test_index_of_an_unknown_class_names_class_and_spec():
    with pytest.raises(ValueError, match="'lung_nodule'.*normal,bacterial.*correct the manifest"):
        PAPER_CLASSES.index("lung_nodule")


@pytest.mark.parametrize("classes", [PAPER_CLASSES, COVID_NET_CLASSES])
def test_spec_is_read_back(classes):
    assert parse_classes(classes.spec()) == classes


def test_spec_may_hold_blanks_and_a_renamed_class():
    classes = parse_classes(" clear = normal , ill = viral + bacterial , - tuberculosis ")
    assert classes.names == ("clear", "ill")
    assert classes.index("bacterial") == 1
    assert classes.spec() == "clear=normal,ill=viral+bacterial,-tuberculosis"


@pytest.mark.parametrize(
    ("spec", "cause"),
    [
        ("", "at least two"),
        ("normal", "at least two"),
        ("normal,,viral", "use letters"),
        ("normal,viral,normal", "twice"),
        ("normal,viral=viral+normal", "twice"),
        ("normal,normal=viral", "twice"),
        ("normal,viral=", "use letters"),
        ("normal,vi ral", "use letters"),
        ("normal,viral,-viral", "both used and left out"),
    ],
)
def test_broken_specs_are_refused(spec, cause):
    with pytest.raises(ValueError, match=cause):
        parse_classes(spec)


def test_members_must_point_at_names_and_every_name_needs_one():
    with pytest.raises(ValueError, match="not among"):
        ClassMap(("a", "b"), {"a": "a", "b": "b", "c": "d"})
    with pytest.raises(ValueError, match="have no manifest class"):
        ClassMap(("a", "b"), {"a": "a"})


def test_class_maps_are_hashable():
    assert len({PAPER_CLASSES, parse_classes(PAPER_CLASSES.spec()), COVID_NET_CLASSES}) == 2


@given(
    st.lists(st.text("abcdefgh0123", min_size=1, max_size=4), min_size=4, max_size=9, unique=True),
    st.data(),
)
def test_any_partition_survives_its_spec(members, data):
    cut = data.draw(st.integers(1, len(members) - 2))
    last = data.draw(st.integers(cut + 1, len(members) - 1))
    groups = {"one": members[:cut], "two": members[cut:last]}
    mapping = {member: name for name, group in groups.items() for member in group}
    classes = ClassMap(tuple(groups), mapping, tuple(members[last:]))
    again = parse_classes(classes.spec())
    assert again == classes
    assert [again.index(m) for m in members[:last]] == [0] * cut + [1] * (last - cut)
