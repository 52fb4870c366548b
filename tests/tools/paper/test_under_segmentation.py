import numpy as np
import pytest

from tools.paper.under_segmentation import share_missed, table


def lungs(left=slice(20, 80)):
    labels = np.zeros((100, 100), np.uint8)
    labels[left, 60:90] = 2
    labels[20:80, 10:40] = 3
    return labels


def test_what_is_neither_lung_nor_heart_is_missed():
    drawn = np.zeros((200, 200), bool)
    drawn[40:160, 120:180] = drawn[40:160, 20:80] = True
    assert share_missed(lungs(), drawn) == 0
    halved = lungs(slice(20, 50))
    assert share_missed(halved, drawn) == pytest.approx(0.25)
    halved[50:80, 60:90] = 1
    assert share_missed(halved, drawn) == 0


def test_what_each_measure_finds_is_counted():
    found = [lungs(), lungs(slice(0, 0)), lungs(slice(0, 0)), lungs()]
    rows = table([0.0, 0.5, 0.1, 0.4], found, [lungs(), lungs(slice(20, 78))]).rows
    assert [row[1:4] for row in rows] == [
        ["1 of 2", "1 of 2", "0 of 2"],
        ["0 of 2", "0 of 2", "0 of 2"],
    ]
