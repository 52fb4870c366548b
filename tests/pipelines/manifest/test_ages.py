import pytest

from pipelines.manifest.ages import age_group_of


@pytest.mark.parametrize(
    ("age", "group"),
    [("0", "child"), ("17", "child"), ("18", "adult"), ("90", "adult"), ("", ""), ("-3", ""),
     ("40s", ""), ("²", "")],
)  # fmt: skip
def test_eighteen_years_make_an_adult(age, group):
    assert age_group_of(age) == group
