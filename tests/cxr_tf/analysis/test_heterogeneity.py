import numpy as np
import pytest

from cxr_tf.analysis.heterogeneity import (
    distance_table,
    film_means,
    histogram_distance,
    pixel_histograms,
)
from cxr_tf.analysis.measure import BINS
from tests.cxr_tf.analysis.made_films import chest, measured


@pytest.fixture
def films():
    """Sources 0.4 apart before normalisation, 0.1 after; one too small to count."""
    shift = np.linspace(0.0, 0.04, 6)
    found = [measured("normal", 0.2 + s, 0.5 + s, source="a") for s in shift]
    found += [measured("viral", 0.6 + s, 0.6 + s, source="b") for s in shift]
    return [*found, measured("viral", 0.9, 0.9, source="c")]


def test_means_are_sorted_by_source_and_small_sources_left_out(films):
    found = film_means(films, "heart", "before")
    assert list(found) == ["a", "b"]
    assert found["b"] == pytest.approx(0.6 + np.linspace(0.0, 0.04, 6), abs=1e-6)


def test_distances_are_those_the_films_were_made_with(films):
    table = distance_table(films)
    assert [row[:5] for row in table.rows] == [
        ["lung", "a", "b", "6", "6"],
        ["lung", "mean of all pairs", "", "", ""],
        ["heart", "a", "b", "6", "6"],
        ["heart", "mean of all pairs", "", "", ""],
    ]
    before, after, _, _, pixels_before, pixels_after = map(float, table.rows[0][5:])
    assert (before, after) == (0.4, 0.1)
    assert pixels_before == pytest.approx(0.4, abs=1 / BINS)
    assert pixels_after == pytest.approx(0.1, abs=1 / BINS)
    assert table.rows[1][5:] == table.rows[0][5:]


def test_every_film_counts_the_same_in_a_histogram(films):
    found = pixel_histograms(films, "lung", "after")
    assert found["a"].shape == (BINS,) and found["a"].sum() == pytest.approx(1.0)
    assert np.count_nonzero(found["a"]) == 6 and found["a"].max() == pytest.approx(1 / 6)


def test_the_distance_of_histograms_is_how_far_one_is_moved():
    one, other = np.zeros(BINS), np.zeros(BINS)
    one[10], other[74] = 1.0, 1.0
    assert histogram_distance(one, other) == pytest.approx(64 / 256)
    assert histogram_distance(one, one) == 0


def test_films_without_a_heart_and_single_sources_do_no_harm():
    without = chest()
    without[without == 1] = 0
    films = [measured("normal", 0.2, 0.5, without, source="a") for _ in range(6)]
    assert film_means(films, "heart", "after") == {}
    assert distance_table(films).rows == []
