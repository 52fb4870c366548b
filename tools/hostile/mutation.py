"""Damages files as accidents and attackers do; the same seed gives the same file."""

from collections.abc import Callable, Sequence

import numpy as np

#: Numbers at the edges of what fields of 8, 16 and 32 bits hold.
_EDGES = {
    1: (0, 1, 2, 16, 32, 64, 100, 127, 128, 254, 255),
    2: (0, 1, 255, 256, 4096, 32767, 32768, 65534, 65535),
    4: (0, 1, 65535, 65536, 2**24, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1),
}
#: Headers are where damage goes deep: half of all places lie in the first bytes.
_HEAD = 700
_MOST = 8


def _place(content: bytearray, rng: np.random.Generator, size: int = 1) -> int:
    """Choose a place with room for `size` bytes."""
    last = max(len(content) - size, 0)
    return int(rng.integers(0, (min(last, _HEAD) if rng.random() < 0.5 else last) + 1))


def _span(content: bytearray, rng: np.random.Generator) -> slice:
    start = _place(content, rng)
    return slice(start, start + int(rng.integers(1, 2 ** int(rng.integers(1, 12)))))


def _flip(content: bytearray, rng: np.random.Generator) -> None:
    content[_place(content, rng)] ^= 1 << int(rng.integers(8))


def _noise(content: bytearray, rng: np.random.Generator) -> None:
    place = _span(content, rng)
    content[place] = rng.bytes(len(content[place]))


def _edge(content: bytearray, rng: np.random.Generator) -> None:
    size = int(rng.choice(list(_EDGES)))
    value = int(rng.choice(_EDGES[size]))
    at = _place(content, rng, size)
    content[at : at + size] = value.to_bytes(size, "big" if rng.random() < 0.5 else "little")


def _remove(content: bytearray, rng: np.random.Generator) -> None:
    del content[_span(content, rng)]


def _repeat(content: bytearray, rng: np.random.Generator) -> None:
    place = _span(content, rng)
    content[place] = bytes(content[place]) * int(rng.integers(2, 40))


def _move(content: bytearray, rng: np.random.Generator) -> None:
    place = _span(content, rng)
    part = content[place]
    del content[place]
    at = _place(content, rng)
    content[at:at] = part


def _cut(content: bytearray, rng: np.random.Generator) -> None:
    del content[int(rng.integers(len(content) + 1)) :]


def _add(content: bytearray, rng: np.random.Generator) -> None:
    content += rng.bytes(int(rng.integers(1, 600)))


_WAYS: Sequence[Callable[[bytearray, np.random.Generator], None]] = (
    _flip, _flip, _flip, _noise, _edge, _edge, _edge, _remove, _repeat, _move, _cut, _add,
)  # fmt: skip


def mutated(content: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Damage a file in one to eight places.

    Args:
        content: The file.
        other: Another file, of which sometimes a part is put in.
        rng: Decides how and where.

    Returns:
        The damaged file, which may by chance equal the whole one.
    """
    damaged = bytearray(content)
    for _ in range(int(rng.integers(1, _MOST + 1))):
        if not damaged:
            break
        if rng.random() < 0.04:
            damaged[_span(damaged, rng)] = other[_span(bytearray(other), rng)]
        else:
            _WAYS[int(rng.integers(len(_WAYS)))](damaged, rng)
    return bytes(damaged)
