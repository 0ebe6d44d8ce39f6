"""Masked copies of one column: what a reader gets in place of values above his level.

One technique of `techniques.TECHNIQUES` is one function on an Arrow column (`kernels`); around it the column keeps its
library, type, length, index and nulls, and its categories are made anew (`libraries`). The caller's column is never
changed. Knows no vault and no levels: whoever calls brings the key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa
import pyarrow.compute as pc

from ..errors import Invalid
from .fakes import check_fake
from .kernels import WHOLE, Task, as_arrow, decoded, library_of, value_type_of
from .keyed import MaskKey
from .libraries import LIBRARIES
from .nested import is_nested, leaves
from .scrub import text_recognizer
from .techniques import DROP, TECHNIQUES, Choice, Kind, choose

if TYPE_CHECKING:
    Column = pa.ChunkedArray[Any]

# What is made of a column by default when its tag and kind are these; every other text is redacted, the rest null.
_IDENTIFIERS = frozenset({"account_id", "device_id", "medical_record_number"})
_BY_DEFAULT: dict[str, tuple[str, frozenset[Kind]]] = {
    "date_of_birth": ("partial", frozenset({"text", "date"})),
    "date_of_death": ("partial", frozenset({"text", "date"})),
    "postcode": ("partial", frozenset({"text"})),
    "free_text": ("scrub", frozenset({"text"})),
    "age": ("generalise", frozenset({"integer", "float"})),
    "latitude": ("generalise", frozenset({"float"})),
    "longitude": ("generalise", frozenset({"float"})),
    **{tag: ("pseudonym", frozenset[Kind]({"text"})) for tag in _IDENTIFIERS},
}
_LOOKED_AT, _MANY_ROWS, _FEW_VALUES = 100_000, 100, 50


def default_choice(values: Any, tag: str | None) -> Choice:
    """What a masked copy of this column is made with unless somebody says otherwise."""
    kind = kind_of(values)
    how, fits = _BY_DEFAULT.get(tag or "", ("redact", frozenset()))
    if kind in fits:
        return choose(how)
    return choose("redact" if kind in ("text", "nothing") else "null")


def check_fit(values: Any, choice: Choice, tag: str | None = None) -> None:
    """Raises `Invalid`, naming what does fit, where a technique cannot work on this type of column, or lacks something.

    `tag` says what the column holds.
    """
    kinds, fits = _kinds_inside(values), choice.technique.fits
    if not kinds <= fits and not (choice.how in WHOLE and kind_of(values) in fits):
        fitting = ", ".join(one.name for one in TECHNIQUES.values() if kinds <= one.fits)
        raise Invalid(
            f"{choice.how} does not work on this type of column", next_step=f"Use {fitting} or {DROP} for it."
        )
    if named := choice.text("recognizer"):
        text_recognizer(named)
    if choice.how == "fake":
        check_fake(tag, choice.text("locale"))


def mask_column(
    values: Any,
    how: str | Choice,
    tag: str | None,
    *,
    key: MaskKey | None = None,
    entity: Any = None,
    rows_before: int = 0,
) -> Any:
    """A masked copy of a pandas, polars or pyarrow column, by a choice as `techniques.choose` reads it.

    `key` is the key of this column for this technique (`MaskKey.of_column`), needed by keyed ones; `entity` is the
    column of the same frame that `shift` goes by, `rows_before` how many rows of a whole column come before these,
    which `noise` goes by. Keeps length, name, index, nulls and, wherever a type can hold the result, the type: only a
    NumPy integer or boolean column that loses its values becomes pandas' nullable type of the same width. Raises
    `Invalid` where the technique does not fit or lacks something.
    """
    choice = choose(how) if isinstance(how, str) else how
    check_fit(values, choice, tag)
    owner = None if entity is None else _owner(entity, len(values))
    try:
        return LIBRARIES[library_of(values)](values, Task(choice, tag, key, owner, rows_before))
    except UnicodeDecodeError:  # says which byte it met
        raise Invalid("some of its texts are no UTF-8", next_step="Use redact, pseudonym or null for it.") from None


def unmask_column(values: Any, key: MaskKey) -> Any:
    """The values that the tokens in a pandas, polars or pyarrow column were made of; nulls and type stay.

    `key` is the key of the column they were made of. Raises `SealBroken`, and says no more, for anything in it that is
    no token of that key; `Invalid` for a column that is not text.
    """
    choice = choose("token")
    check_fit(values, choice)
    return LIBRARIES[library_of(values)](values, Task(choice, key=key, undone=True))


def _owner(entity: Any, rows: int) -> Column:
    if kind_of(entity) == "other" or len(entity) != rows:
        raise Invalid("whose dates they are is said by a column of text, numbers or dates of the same frame")
    owner: Any = as_arrow(entity)
    if pa.types.is_dictionary(owner.type) and _kind(owner.type) == "text":
        return cast("Column", owner)
    plain: Any = decoded(owner)
    if not pa.types.is_floating(plain.type):
        return cast("Column", plain)
    nobody: Any = pc.is_nan(plain)  # as it is in pandas
    unsigned: Column = pc.add(pc.if_else(nobody, pa.scalar(None, plain.type), plain), pa.scalar(0.0, plain.type))
    return unsigned  # zero has no sign


def kind_of(values: Any) -> Kind:
    """What sort of values a column holds, as far as masking goes; of untyped columns without any value nothing."""
    return _kind(value_type_of(values))


def _kinds_inside(values: Any) -> frozenset[Kind]:
    """What sorts of values a column holds, or the lists and structs in it; nothing fits every technique."""
    kind = value_type_of(values)
    return frozenset(map(_kind, [None] if kind is None else leaves(kind))) - {"nothing"}


def _kind(kind: pa.DataType | None) -> Kind:
    if kind is None:
        return "other"
    if pa.types.is_dictionary(kind):
        return _kind(kind.value_type)
    if pa.types.is_null(kind):
        return "nothing"
    if kind in (pa.string(), pa.large_string(), pa.string_view()):
        return "text"
    if pa.types.is_integer(kind):
        return "integer"
    if pa.types.is_floating(kind):
        return "float"
    return "date" if pa.types.is_date(kind) or pa.types.is_timestamp(kind) else "other"


def few_values(values: Any) -> bool:
    """Whether a column's first rows hold so few different values that how often each occurs may tell which it is."""
    column = decoded(as_arrow(values).slice(0, _LOOKED_AT))
    if is_nested(column.type):
        return False
    return len(column) >= _MANY_ROWS and pc.count_distinct(column).as_py() <= _FEW_VALUES
