"""Techniques as functions from an Arrow column to an Arrow column of the same length, whatever library it is of.

Values are taken out of their library here (`as_arrow`); `libraries` puts results back into what surrounds them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..errors import CannotHold, Invalid
from .chance import noisy, shifted
from .coded import dealt, encoded, in_one_layout, recoded
from .fakes import faked
from .formats import encrypt_integers, encrypt_texts
from .generalise import clipped, generalise
from .keyed import MaskKey, pseudonym, token, untoken
from .nested import has_lists, inside, is_nested
from .redaction import nothing, part, redacted
from .scrub import scrubbed, text_recognizer
from .shuffling import shuffled
from .techniques import Choice

if TYPE_CHECKING:
    Column = pa.ChunkedArray[Any]

WHOLE = frozenset({"null", "shuffle"})
"""Techniques that take lists and structs as a whole: what is inside stays together."""

BY_PLACE = frozenset({"noise", "shift", "shuffle"})
"""Techniques whose mask of a value depends on where it stands, or on another column; that of others on it alone."""

_UNHELD = "these values cannot be masked: of several types, too large, or text that is not UTF-8"
_FORMATS = {"credit_card": "card", "iban": "iban"}


@dataclass(frozen=True)
class Task:
    """What a technique is told besides the values.

    `entity` is the column that says whose date it is, `rows_before` how many rows of the whole come before these.
    `undone` is for tokens alone: the values are tokens, to be opened.
    """

    choice: Choice
    tag: str | None = None
    key: MaskKey | None = None
    entity: Column | None = None
    rows_before: int = 0
    undone: bool = False

    @property
    def needed_key(self) -> MaskKey:
        """The key. Raises `Invalid` where none was brought."""
        if self.key is None:
            raise Invalid(f"{self.choice.how} needs a key", next_step="Bring the key of this column.")
        return self.key


def _pseudonym(values: Column, task: Task) -> Column:
    return pseudonym(values, task.needed_key)


def _fpe(values: Column, task: Task) -> Column:
    form = task.choice.text("format") or _FORMATS.get(task.tag or "", "alphanumeric")
    encrypt = encrypt_integers if pa.types.is_integer(values.type) else encrypt_texts
    return encrypt(values, task.needed_key, form)


def _shift(values: Column, task: Task) -> Column:
    if task.entity is None:
        raise Invalid("shift needs the column that says whose date it is", next_step="Write shift:30:COLUMN.")
    days = task.choice.number("days") or Decimal(0)
    if days != days.to_integral_value():
        raise Invalid("dates are shifted by whole days", next_step="Write shift:30:COLUMN.")
    return shifted(values, task.entity, task.needed_key, int(days))


def _noise(values: Column, task: Task) -> Column:
    return noisy(values, task.needed_key, float(task.choice.number("scale") or 0), task.rows_before)


def _scrub(values: Column, task: Task) -> Column:
    named = task.choice.text("recognizer")
    key = task.needed_key if task.choice.keyed else None
    return scrubbed(values, key, text_recognizer(named) if named else None)


def _clip(values: Column, task: Task) -> Column:
    return clipped(values, task.choice.number("low"), task.choice.number("high"))


FUNCTIONS: dict[str, Callable[[Column, Task], Column]] = {
    "redact": lambda values, task: redacted(values, task.tag),
    "null": lambda values, task: nothing(values),
    "partial": lambda values, task: part(values, task.tag),
    "pseudonym": _pseudonym,
    "fpe": _fpe,
    "token": lambda values, task: (untoken if task.undone else token)(values, task.needed_key),
    "generalise": lambda values, task: generalise(values, task.choice.options.get("to"), task.tag),
    "fake": lambda values, task: faked(values, task.needed_key, task.tag, task.choice.text("locale")),
    "scrub": _scrub,
    "clip": _clip,
    "shift": _shift,
    "noise": _noise,
    "shuffle": lambda values, task: shuffled(values, task.needed_key),
}


def mask_arrow(values: Column, task: Task) -> Column:
    if task.choice.how == "null" or pa.types.is_null(values.type):
        return nothing(values)
    if pa.types.is_dictionary(values.type):
        return _mask_coded(values, task)
    if is_nested(values.type) and task.choice.how not in WHOLE:
        if task.choice.how == "noise" and has_lists(values.type):
            raise Invalid("noise goes by rows, and lists have many values in one", next_step="Use null or drop for it.")
        return inside(values, task.entity, lambda part, entity: mask_arrow(part, replace(task, entity=entity)))
    return FUNCTIONS[task.choice.how](decoded(values), task).cast(values.type)


def _mask_coded(values: Column, task: Task) -> Column:
    """A dictionary-encoded column: its words, unless the mask goes by rows."""
    ordered = values.type.ordered and task.choice.technique.in_order
    if pa.types.is_null(values.type.value_type) or task.choice.how in ("noise", "shift"):
        masked = mask_arrow(decoded(values), task).cast(values.type.value_type)
        return encoded(masked, values.type.index_type, ordered)
    if task.choice.how == "shuffle":
        return dealt(values, lambda codes: mask_arrow(codes, task))
    return recoded(values, lambda words: mask_arrow(words, task), ordered)


def decoded(values: Column) -> Column:
    """Decoded, and text in the one of Arrow's layouts that every function knows."""
    plain: Column = in_one_layout(
        values.cast(values.type.value_type) if pa.types.is_dictionary(values.type) else values
    )
    return plain


def library_of(values: Any) -> str:
    return type(values).__module__.partition(".")[0]


def as_arrow(values: Any) -> Column:
    """Any column as an Arrow one. Raises `CannotHold` for objects that Arrow cannot hold together."""
    library = library_of(values)
    try:
        if library == "pandas":
            found: Any = pa.Array.from_pandas(values)
        else:
            found = values.to_arrow() if library == "polars" else values
    except (
        pa.ArrowException,
        TypeError,
        ValueError,
        OverflowError,
    ):  # their texts quote values; UnicodeError is a ValueError
        raise CannotHold(_UNHELD, next_step="Use null or drop for it.") from None
    if library == "polars" and str(values.dtype) == "Object":  # Arrow gets the addresses of its objects
        raise CannotHold(_UNHELD, next_step="Use null or drop for it.")
    return found if isinstance(found, pa.ChunkedArray) else pa.chunked_array([found])


def value_type_of(values: Any) -> pa.DataType | None:
    """The Arrow type of the values; None for objects that Arrow cannot hold together."""
    library = library_of(values)
    given = values.head(0) if library == "polars" else values
    categories = getattr(values.dtype, "categories", None) if library == "pandas" else None
    try:
        kind: Any = as_arrow(given if categories is None else categories).type
    except CannotHold:
        return None
    value_type: pa.DataType = kind.value_type if pa.types.is_dictionary(kind) else kind
    return value_type
