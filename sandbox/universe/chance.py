"""Randomness that depends on a name and not on an order, so that a longer world keeps its past."""

from __future__ import annotations

import hashlib
import zlib

import numpy as np

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def stream(seed: int, name: str, *numbers: int) -> np.random.Generator:
    """Return the generator that belongs to `name` and `numbers`; equal arguments, equal draws."""
    return np.random.Generator(np.random.PCG64([seed, zlib.crc32(name.encode()), *numbers]))


def _digest(seed: int, parts: tuple[object, ...]) -> int:
    text = "|".join(map(str, (seed, *parts)))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=20).digest(), "big")


def fraction(seed: int, *parts: object) -> float:
    """Return a number in [0, 1) that belongs to `parts`."""
    return (_digest(seed, parts) >> 107) / (1 << 53)


def token(prefix: str, seed: int, *parts: object, length: int = 14) -> str:
    """Return `prefix` and `length` letters or digits that belong to `parts`: `cus_9s6XKz...`."""
    number = _digest(seed, (prefix, *parts))
    letters = []
    for _ in range(length):
        number, rest = divmod(number, 62)
        letters.append(_ALPHABET[rest])
    return prefix + "".join(letters)
