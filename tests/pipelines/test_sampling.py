from collections import Counter

import numpy as np
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from pipelines.sampling import (
    UNKNOWN_SHARE,
    Balanced,
    balanced_order,
    pair_weights,
    plain_order,
    source_shares,
)

SEEDS = st.integers(0, 2**31 - 1)
LABELS = st.lists(st.integers(0, 3), min_size=1, max_size=60)


@given(st.integers(0, 200), SEEDS, SEEDS)
def test_the_plain_order_is_a_permutation(count, seed, epoch):
    order = plain_order(count, seed, epoch)
    assert order.dtype == np.int64
    np.testing.assert_array_equal(np.sort(order), np.arange(count))
    np.testing.assert_array_equal(plain_order(count, seed, epoch), order)


@given(LABELS, SEEDS, SEEDS)
def test_classes_are_balanced_and_their_examples_come_equally_often(labels, seed, epoch):
    order = balanced_order(labels, seed, epoch)
    assert order.dtype == np.int64
    counts = Counter(labels)
    most = max(counts.values())
    assert Counter(labels[i] for i in order) == dict.fromkeys(counts, most)
    times = Counter(order.tolist())
    for index, label in enumerate(labels):
        assert times[index] in (most // counts[label], -(-most // counts[label]))


def test_classes_come_half_way_to_equal_sizes():
    labels = [0] * 25 + [1] * 100 + [2] * 4
    order = balanced_order(labels, 0, 0, balance=0.5)
    assert Counter(labels[i] for i in order) == {0: 50, 1: 100, 2: 20}
    np.testing.assert_array_equal(np.sort(balanced_order(labels, 0, 0, 0.0)), np.arange(129))


@given(LABELS, SEEDS, SEEDS)
def test_the_balanced_order_is_a_pure_function(labels, seed, epoch):
    first = balanced_order(labels, seed, epoch)
    np.random.default_rng(0).random()
    np.random.seed(epoch % 1000)
    np.testing.assert_array_equal(balanced_order(np.array(labels), seed, epoch), first)


def test_seed_and_epoch_change_the_order():
    labels = [0] * 30 + [1] * 7
    orders = {tuple(balanced_order(labels, seed, epoch)) for seed in range(4) for epoch in range(4)}
    assert len(orders) == 16
    assert len({tuple(plain_order(30, seed, epoch)) for seed in (0, 1) for epoch in (0, 1)}) == 4


def test_what_comes_once_more_is_drawn_anew_in_each_epoch():
    labels = [0] * 10 + [1] * 7
    extra = Counter()
    for epoch in range(700):
        times = Counter(balanced_order(labels, 0, epoch).tolist())
        extra.update(index for index in range(10, 17) if times[index] == 2)
    assert sum(extra.values()) == 700 * 3
    assert scipy.stats.chisquare([extra[index] for index in range(10, 17)]).pvalue > 1e-3


def test_classes_are_mixed_along_an_epoch():
    labels = np.repeat([0, 1, 2, 3], [80, 20, 5, 60])
    order = labels[balanced_order(labels, 0, 0)]
    first_half = np.bincount(order[:160], minlength=4)
    assert first_half.min() > 20


def test_sources_weigh_what_their_rarest_class_gives_them():
    """And all classes of a source are drawn equally often, so that it tells little."""
    films = {(2, "a"): 5, (0, "a"): 20}
    films |= {(0, name): 10 for name in "bcd"} | {(1, "d"): 3, (1, "e"): 8}
    pairs = [pair for pair, count in films.items() for _ in range(count)]
    assert pair_weights(pairs) == {
        (0, "a"): 1.0, (2, "a"): 1.0, (0, "b"): 0.25,
        (0, "c"): 0.25, (0, "d"): 0.5, (1, "d"): 0.5, (1, "e"): 0.5,
    }  # fmt: skip
    drawn = Counter(pairs[index] for index in Balanced.by_source(pairs).order(0, 0))
    assert drawn == {pair: 20 * weight for pair, weight in pair_weights(pairs).items()}


def test_a_source_tells_its_classes_as_often_as_they_are_drawn():
    pairs = [(0, "a"), (2, "a"), (0, "b"), (1, "c")]
    found = source_shares(pairs, np.array([0, 0, 0, 1, 2]), classes=4)
    assert found.dtype == np.float32
    rest = UNKNOWN_SHARE / 4
    known = 1.0 - UNKNOWN_SHARE
    of_a = [0.75 * known + rest, rest, 0.25 * known + rest, rest]
    np.testing.assert_allclose(found[:2], [of_a, of_a], rtol=1e-6)
    np.testing.assert_allclose(found[2], [known + rest, rest, rest, rest], rtol=1e-6)
    np.testing.assert_allclose(found[3], np.full(4, rest), rtol=1e-6)  # never drawn


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("abc")), min_size=1, max_size=40))
def test_balanced_classes_of_a_source_are_told_apart_by_nothing(pairs):
    order = Balanced.by_source(pairs).order(0, 0)
    shares = source_shares(pairs, order, classes=4)
    np.testing.assert_allclose(shares.sum(1), 1.0, rtol=1e-5)
    for (_, source), row in zip(pairs, shares, strict=True):
        there = sorted({label for label, of in pairs if of == source})
        assert row[there].min() > UNKNOWN_SHARE / 4
        assert np.ptp(row[there]) <= 0.5 * row[there].max()  # to the rounding of few draws
