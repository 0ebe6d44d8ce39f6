"""Dictionaries: names, places and closed sets of words, each loaded when it is first asked for.

Words are in lower case and without accents, as `plain` makes them. Where they come from: README.md here.
"""

from __future__ import annotations

import functools
import lzma
from importlib import resources
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

_LISTS = ("given", "family", "places", "territories")

# What Unicode does not take apart.
_LETTERS = (("ß", "ss"), ("ł", "l"), ("ø", "o"), ("æ", "ae"), ("œ", "oe"), ("đ", "d"), ("ı", "i"))


@functools.cache
def words(kind: str) -> frozenset[str]:
    """The words of a kind: `given`, `family`, `places`, `territories`, or a section of terms.txt."""
    if kind in _LISTS:
        packed = resources.files(__package__).joinpath(f"{kind}.txt.xz").read_bytes()
        return frozenset(lzma.decompress(packed).decode("utf-8").split("\n")[:-1])
    return frozenset(_sections()[kind].split("|"))


def known(texts: Any, kind: str) -> NDArray[np.bool_]:
    """Which of some plain texts are words of a kind."""
    return among(texts, words(kind))


def among(texts: Any, kept: frozenset[str]) -> NDArray[np.bool_]:
    """Which of some texts, a list or an Arrow array, are among these.

    Arrow itself would build its table of thousands of words anew for every column.
    """
    listed = texts if isinstance(texts, list) else texts.to_pylist()
    return np.fromiter(map(kept.__contains__, listed), bool, len(listed))


def plain(texts: Any) -> Any:
    """Texts in lower case and without accents."""
    lower = pc.utf8_lower(texts)
    if pc.all(pc.string_is_ascii(lower)).as_py():
        return lower
    for letter, spelled in _LETTERS:
        lower = pc.replace_substring(lower, letter, spelled)
    normalized = pc.call_function("utf8_normalize", [lower], pc.Utf8NormalizeOptions("NFKD"))
    return pc.replace_substring_regex(normalized, r"\p{M}+", "")


@functools.cache
def _sections() -> dict[str, str]:
    lines = resources.files(__package__).joinpath("terms.txt").read_text("utf-8").splitlines()
    heads = [number for number, line in enumerate(lines) if line.startswith("[")]
    return {lines[number][1:-1]: lines[number + 1] for number in heads}
