"""What recognizers of text find in sentences, for classification: of a few texts, within some seconds.

A model of language reads some dozen texts a second, so of each column it gets few, spread over the sample, the same
ones every time. Where time runs out before they are read, what was found until then counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from .sampled import Sample, strata
from .scrub import TextRecognizer, places

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TEXTS = 64
"""Distinct texts of a column that are read."""

SECONDS = 10.0
"""How long recognizers of text may read of one frame; what they have begun they end."""

_AT_ONCE = 8
_LONGEST = 1_000  # characters of one text
_BY_CHANCE = 0.05


class Inside(NamedTuple):
    """Tags of what recognizers found, and who found what in how many texts, in words."""

    tags: tuple[str, ...]
    says: str


class Asking:
    """Recognizers of text while one frame is classified; they are looked for when the first sentences are met."""

    def __init__(self, recognizers: Callable[[], Mapping[str, TextRecognizer]]) -> None:
        self._recognizers = recognizers
        self._left = SECONDS

    def __call__(self, sample: Sample) -> Inside:
        """What is in more than a twentieth of a column's texts.

        Raises `CannotHold` when a recognizer fails: what it would have found might have been more sensitive.
        """
        recognizers = self._recognizers() if len(sample.texts) else {}
        rows = strata(len(sample.texts), TEXTS)
        texts = pc.utf8_slice_codeunits(sample.texts.take(pa.array(rows)), 0, _LONGEST).to_pylist()
        tags: dict[str, None] = {}
        said = []
        for name, recognizer in recognizers.items():
            found, read = self._found(texts, sample.counts[rows], recognizer)
            if found:
                tags |= dict.fromkeys(found)
                said.append(f"{name} finds {', '.join(found)} ({read} texts read)")
        return Inside(tuple(tags), "; ".join(said))

    def _found(self, texts: list[str], counts: NDArray[np.int64], recognizer: TextRecognizer) -> tuple[list[str], int]:
        weights: dict[str, int] = {}
        read = 0
        while read < len(texts) and self._left > 0:
            began = time.monotonic()
            for spans, count in zip(places(texts[read : read + _AT_ONCE], recognizer), counts[read:], strict=False):
                for tag in {span.tag for span in spans}:
                    weights[tag] = weights.get(tag, 0) + int(count)
            read = min(read + _AT_ONCE, len(texts))
            self._left -= time.monotonic() - began
        return sorted(tag for tag, weight in weights.items() if weight > _BY_CHANCE * counts[:read].sum()), read
