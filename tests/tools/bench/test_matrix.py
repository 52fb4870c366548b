"""The known-good matrix: what its cells are, how they are judged, and that one runs."""

import math

import pytest

from tools.bench.matrix import Cell, Options, cells, judged, largest_difference, main, run

FIRST = {"losses": [1.4, 1.2], "seconds": 0.5}
SMALL = Options(network="resnet18_small", patch_size=64, batch_size=4, steps=3)


def test_every_combination_stands_once_and_the_reference_first():
    found = cells(2)
    assert found[0] == Cell("one", 1, "float32", False)
    assert len(set(found)) == len(found) == 4 * 3 * 2


@pytest.mark.parametrize(
    "precision, losses, said",
    [("float32", [1.4, 1.2006], "right"), ("float32", [1.4, 1.21], "wrong"),
     ("mixed_bfloat16", [1.4, 1.21], "right"), ("float32", [1.4, math.nan], "wrong")],
)  # fmt: skip
def test_losses_are_held_against_those_of_one_device(precision, losses, said):
    cell = Cell("mirrored", 2, precision, False)
    row = judged(cell, {"losses": losses, "seconds": 0.25}, FIRST)
    assert row[:5] == ["mirrored", "2", precision, "no", said] and row[6:] == ["250", "2.00"]


def test_the_largest_difference_is_a_share():
    assert largest_difference({"losses": [1.4, 0.6]}, FIRST) == pytest.approx(0.5)


@pytest.mark.parametrize("kind, said", [("refused", "refused: why"), ("failed", "fails: why")])
def test_what_does_not_run_is_told(kind, said):
    row = judged(Cell("one", 1, "float32", True), {kind: "why"}, FIRST)
    assert row[3:] == ["yes", said, "", "", ""]


@pytest.mark.parametrize("given", [["--kind", "TPU"], ["--steps", "2"], ["--devices", "1"]])
def test_wrong_usage_is_told(given, capsys):
    assert main(given) == 2
    assert "--devices 2 or more" in capsys.readouterr().err


@pytest.mark.slow
def test_one_device_takes_the_steps_and_two_refuse_to_be_compiled():
    found = run(Cell("one", 1, "float32", False), SMALL)
    assert len(found["losses"]) == 3 and largest_difference(found, found) == 0
    assert found["seconds"] > 0
    assert "--xla" in run(Cell("mirrored", 2, "float32", True), SMALL)["refused"]
