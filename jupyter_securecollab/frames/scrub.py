"""Text with what identifies somebody in it replaced: by what it is, or by a pseudonym that stays the same.

What is looked for is in `inside.INSIDE`; an organisation's own recognizer of text, such as one that knows names by a
language model (`language`), looks at what is left. It is somebody else's code: it gets texts and gives places, no more.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import CannotHold, Invalid
from ..model import clip
from .inside import SEPARATORS, TAGS_INSIDE, find, together
from .keyed import MaskKey, pseudonym
from .uniques import on_uniques

if TYPE_CHECKING:
    Column = pa.ChunkedArray[Any]

GROUP = "jupyter_securecollab.text_recognizers"
"""Entry points of this group are a `TextRecognizer` each.

One may have a method `missing`, which says what it needs and is not there; it is then not used.
"""

_IN_PLACE = re.compile(r"\[[a-z_]+(?::[a-z2-7]{16})?\]")
_TAG = re.compile(r"[a-z][a-z0-9_]{0,63}")
_AS_THEY_ARE = frozenset({"email", "url", "person_name", "password", "secret_key"})


class Span(NamedTuple):
    """A place in a text, from character `start` up to `end`, and what stands there."""

    start: int
    end: int
    tag: str


TextRecognizer = Callable[[Sequence[str]], Iterable[Iterable[tuple[int, int, str]]]]
"""Finds things in texts: for every text, in order, spans `(start, end, tag)`."""


def scrubbed(values: Column, key: MaskKey | None, recognizer: TextRecognizer | None = None) -> Column:
    """Texts with `[email]`, or with a key `[email:<pseudonym>]`, in place of every such thing; nulls stay.

    One identifier has one pseudonym however it is spaced: cards and phones go by their digits, addresses and names by
    their small letters. Raises `CannotHold` when `recognizer` fails or gives what are no spans.
    """

    def scrub(texts: pa.Array[Any]) -> pa.Array[Any]:
        made = _replaced(texts, key)
        return made if recognizer is None else _recognized(made, key, recognizer)

    return on_uniques(values, scrub)


@functools.cache
def text_recognizer(name: str) -> TextRecognizer:
    """The recognizer that an installed package registers under this name. Raises `Invalid` where none works here."""
    found = {point.name: point for point in entry_points(group=GROUP)}
    if name not in found:
        there = f"There are {', '.join(map(clip, sorted(found)))}." if found else "None is installed here."
        raise Invalid(f"there is no recognizer of text called {clip(name)!r}", next_step=there)
    recognizer: TextRecognizer = found[name].load()
    if missing := _missing(recognizer):
        step = "Install that (docs/guide/masking.md), or choose another."
        raise Invalid(f"the recognizer of text {clip(name)!r} cannot be used: {clip(missing)}", next_step=step)
    return recognizer


def text_recognizers(names: Iterable[str] | None = None) -> dict[str, TextRecognizer]:
    """The recognizers of these names, or all that work here. Raises `Invalid` for a name of which none does."""
    if names is not None:
        return {name: text_recognizer(name) for name in names}
    found = {point.name: point.load() for point in entry_points(group=GROUP)}
    return {name: one for name, one in sorted(found.items()) if not _missing(one)}


def places(texts: list[str], recognizer: TextRecognizer) -> list[list[Span]]:
    """What a recognizer finds in each text, in order, nothing overlapping.

    Without what lies where something is replaced already. Raises `CannotHold` when it fails or gives what are no spans.
    """
    failed = "the recognizer of text failed"
    try:
        given = [sorted((int(start), int(end), str(tag)) for start, end, tag in them) for them in recognizer(texts)]
    except Exception as problem:  # somebody else's code, whose errors may quote the text
        raise CannotHold(f"{failed}: {type(problem).__name__}", next_step="Leave it out, or mend it.") from None
    if len(given) != len(texts):
        raise CannotHold(f"{failed}: it has not looked at every text", next_step="Leave it out, or mend it.")
    return [_apart(text, them) for text, them in zip(texts, given, strict=True)]


def _missing(recognizer: TextRecognizer) -> str:
    says = getattr(recognizer, "missing", None)
    return str(says()) if callable(says) else ""


def _replaced(texts: pa.Array[Any], key: MaskKey | None) -> pa.Array[Any]:
    pieces = find(texts)
    source, said = np.arange(len(pieces.texts)), [pieces.texts]
    for number in np.unique(pieces.tags[pieces.tags >= 0]):
        places = np.flatnonzero(pieces.tags == number)
        made = _names_for(TAGS_INSIDE[number], pieces.texts.take(pa.array(places)), key)
        source[places] = sum(map(len, said)) + np.arange(len(places))
        said.append(made)
    starts = np.searchsorted(pieces.rows, np.arange(len(texts) + 1))
    return together(pa.concat_arrays(said).take(pa.array(source)), starts)


def _names_for(tag: str, found: pa.Array[Any], key: MaskKey | None) -> pa.Array[Any]:
    """What is put in place of things of one kind."""
    if key is None:
        return pa.repeat(pa.scalar(f"[{tag}]", pa.large_string()), len(found))
    plain: Any = pc.utf8_lower(found) if tag not in ("password", "secret_key") else found
    plain = plain if tag in _AS_THEY_ARE else pc.replace_substring_regex(plain, SEPARATORS, "")
    names: Any = pseudonym(pa.chunked_array([plain]), MaskKey(key.derive("inside", tag))).combine_chunks()
    begun, ended, nothing = (pa.scalar(part, pa.large_string()) for part in (f"[{tag}:", "]", ""))
    made: pa.Array[Any] = pc.binary_join_element_wise(begun, names, ended, nothing)
    return made


def _recognized(texts: pa.Array[Any], key: MaskKey | None, recognizer: TextRecognizer) -> pa.Array[Any]:
    """The same for what a recognizer finds in what is left."""
    left: Any = texts.to_pylist()
    spans = places(left, recognizer)
    found = [(span.tag, text[span.start : span.end]) for text, them in zip(left, spans, strict=True) for span in them]
    names: dict[tuple[str, str], str] = {}
    for tag in sorted({tag for tag, _ in found}):
        own = sorted({text for of, text in found if of == tag})
        made: Any = _names_for(tag, pa.array(own, pa.large_string()), key).to_pylist()
        names.update({(tag, text): name for text, name in zip(own, made, strict=True)})
    return pa.array(map(functools.partial(_with_names, names), left, spans), pa.large_string())


def _with_names(names: dict[tuple[str, str], str], text: str, spans: Sequence[Span]) -> str:
    parts, last = [], 0
    for start, end, tag in spans:
        parts += [text[last:start], names[tag, text[start:end]]]
        last = end
    return "".join([*parts, text[last:]])


def _apart(text: str, spans: Sequence[tuple[int, int, str]]) -> list[Span]:
    taken = [found.span() for found in _IN_PLACE.finditer(text)]
    kept: list[Span] = []
    last = 0
    for start, end, tag in spans:
        if not (0 <= start < end <= len(text) and _TAG.fullmatch(tag)):
            raise CannotHold("the recognizer of text gave a place or a tag that cannot be one")
        if start >= last and not any(start < stop and begin < end for begin, stop in taken):
            kept.append(Span(start, end, tag))
            last = end
    return kept
