import re
from importlib.resources import files
from itertools import product

import pytest

from cxr_tf.scoring.report.pages import ASSETS

CSS = (files("cxr_tf.scoring.report") / ASSETS / "report.css").read_text(encoding="utf-8")
PAIRS = {
    name: (light, dark)
    for name, light, dark in re.findall(
        r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", CSS
    )
}
ON_FILM = re.findall(r"--(?:on-film-\d|heart|lungs): (#[0-9a-f]{6})", CSS)


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    """As WCAG 2 defines it."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


TEXTS = ("text", "muted", "accent", "warning", "suspect", "uncertain", "rest", "undecided")
BACKS = ("page", "surface", "raised")
GRAPHICS = ("control", *(f"class-{number}" for number in range(8)))


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_texts_have_the_contrast_of_wcag_aa(theme):
    pairs = [*product(TEXTS, BACKS), ("on-accent", "accent"), ("warning", "warning-back")]
    low = {
        pair: round(found, 2)
        for pair in pairs
        if (found := contrast(PAIRS[pair[0]][theme], PAIRS[pair[1]][theme])) < 4.5
    }
    assert not low


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_bars_and_borders_of_controls_have_the_contrast_of_wcag_aa(theme):
    low = {
        pair
        for pair in product(GRAPHICS, BACKS)
        if contrast(PAIRS[pair[0]][theme], PAIRS[pair[1]][theme]) < 3
    }
    assert not low
    assert len(ON_FILM) == 10 and all(contrast(colour, "#000000") >= 3 for colour in ON_FILM)


def test_every_colour_that_is_used_is_one_of_these():
    used = set(re.findall(r"var\(--([\w-]+)", CSS))
    made = set(re.findall(r"--([\w-]+):", CSS))
    assert used <= made
    assert set(TEXTS + BACKS + GRAPHICS) <= set(PAIRS)
