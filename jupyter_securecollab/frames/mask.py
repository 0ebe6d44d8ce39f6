"""Masked copies of one column: what a reader gets in place of values above his level.

One technique of `techniques.TECHNIQUES` is one function on an Arrow column; around it, here, the column keeps its
library, type, length, index and nulls, and its categories are made anew. The caller's column is never changed.
Knows no vault and no levels: whoever calls brings the key.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa
import pyarrow.compute as pc

from ..errors import CannotHold, Invalid
from .chance import noisy, shifted, shuffled
from .fakes import check_fake, faked
from .formats import encrypt_integers, encrypt_texts
from .generalise import clipped, generalise
from .keyed import MaskKey, pseudonym, token, untoken
from .nested import has_lists, inside, is_nested, leaves
from .redaction import nothing, part, redacted
from .scrub import scrubbed, text_recognizer
from .techniques import DROP, TECHNIQUES, Choice, Kind, choose

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

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
_UNHELD = "these values cannot be masked: of several types, too large, or text that is not UTF-8"
_WHOLE = frozenset({"null", "shuffle"})  # of lists and structs too: what is inside stays together
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
    if not kinds <= fits and not (choice.how in _WHOLE and kind_of(values) in fits):
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
    return _LIBRARIES[_library(values)](values, Task(choice, tag, key, owner, rows_before))


def unmask_column(values: Any, key: MaskKey) -> Any:
    """The values that the tokens in a pandas, polars or pyarrow column were made of; nulls and type stay.

    `key` is the key of the column they were made of. Raises `SealBroken`, and says no more, for anything in it that is
    no token of that key; `Invalid` for a column that is not text.
    """
    choice = choose("token")
    check_fit(values, choice)
    return _LIBRARIES[_library(values)](values, Task(choice, key=key, undone=True))


def _owner(entity: Any, rows: int) -> Column:
    if kind_of(entity) == "other" or len(entity) != rows:
        raise Invalid("whose dates they are is said by a column of text, numbers or dates of the same frame")
    owner: Any = _plain(_arrow(entity))
    unsigned: Column = pc.add(owner, pa.scalar(0.0, owner.type)) if pa.types.is_floating(owner.type) else owner
    return unsigned  # zero has no sign


def kind_of(values: Any) -> Kind:
    """What sort of values a column holds, as far as masking goes; of untyped columns without any value nothing."""
    return _kind(_value_type(values))


def _kinds_inside(values: Any) -> frozenset[Kind]:
    """What sorts of values a column holds, or the lists and structs in it; nothing fits every technique."""
    kind = _value_type(values)
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
    column = _plain(_arrow(values).slice(0, _LOOKED_AT))
    if is_nested(column.type):
        return False
    return len(column) >= _MANY_ROWS and pc.count_distinct(column).as_py() <= _FEW_VALUES


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


_FUNCTIONS: dict[str, Callable[[Column, Task], Column]] = {
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


def _mask_pyarrow(values: Column | pa.Array[Any], task: Task) -> Column | pa.Array[Any]:
    if isinstance(values, pa.ChunkedArray):
        return _mask_arrow(values, task)
    return _mask_arrow(pa.chunked_array([values]), task).combine_chunks()


def _mask_arrow(values: Column, task: Task) -> Column:
    if task.choice.how == "null" or pa.types.is_null(values.type):
        return nothing(values)
    if pa.types.is_dictionary(values.type):
        kept = values.type.ordered and not task.choice.keyed
        masked = _mask_arrow(_plain(values), task).cast(values.type.value_type)
        return _encoded(masked, values.type.index_type, kept)
    if is_nested(values.type) and task.choice.how not in _WHOLE:
        if task.choice.how == "noise" and has_lists(values.type):
            raise Invalid("noise goes by rows, and lists have many values in one", next_step="Use null or drop for it.")
        return inside(values, task.entity, lambda part, entity: _mask_arrow(part, replace(task, entity=entity)))
    return _FUNCTIONS[task.choice.how](_plain(values), task).cast(values.type)


def _plain(values: Column) -> Column:
    """Decoded, and text in the one of Arrow's layouts that every function knows."""
    plain = values.cast(values.type.value_type) if pa.types.is_dictionary(values.type) else values
    return plain.cast(pa.large_string()) if plain.type in (pa.string(), pa.string_view()) else plain


def _encoded(values: Column, index_type: pa.DataType, ordered: bool) -> Column:
    """Dictionary-encoded anew, so that the dictionary holds masked values only."""
    whole: Any = values.combine_chunks().dictionary_encode()
    indices = whole.indices.cast(index_type)
    return pa.chunked_array([pa.DictionaryArray.from_arrays(indices, whole.dictionary, ordered=ordered)])


def _mask_polars(values: pl.Series, task: Task) -> pl.Series:
    import polars as pl

    if task.choice.how == "null":
        return values.clear(len(values)).cast(_telling_nothing(values.dtype))
    if _telling_nothing(values.dtype) != values.dtype and not isinstance(values.dtype, pl.Enum):
        raise Invalid("enumerations inside lists and structs cannot be masked", next_step="Use null or drop for it.")
    coded = isinstance(values.dtype, pl.Categorical | pl.Enum)
    plain = values.cast(pl.String) if coded else values
    masked = pl.Series(values.name, _mask_arrow(_arrow(plain), task), plain.dtype)
    if isinstance(values.dtype, pl.Enum):  # its categories are part of the type and would tell the values
        return masked.cast(pl.Enum(masked.drop_nulls().unique(maintain_order=True)))
    return masked.cast(values.dtype)


def _telling_nothing(dtype: Any) -> Any:
    """The same type without the values of enumerations, which are part of it."""
    import polars as pl

    if isinstance(dtype, pl.Enum):
        return pl.Enum([])
    if isinstance(dtype, pl.Array):
        return pl.Array(_telling_nothing(dtype.inner), dtype.shape[0]) if len(dtype.shape) == 1 else dtype
    if isinstance(dtype, pl.List):
        return pl.List(_telling_nothing(dtype.inner))
    if isinstance(dtype, pl.Struct):
        return pl.Struct([pl.Field(field.name, _telling_nothing(field.dtype)) for field in dtype.fields])
    return dtype


def _mask_pandas(values: pd.Series[Any], task: Task) -> pd.Series[Any]:
    import pandas as pd

    if isinstance(values.dtype, pd.CategoricalDtype):
        return pd.Series(_mask_categorical(values, task), index=values.index, name=values.name)
    if task.choice.how == "null":
        return _nulls(values)
    taken = _arrow(values)
    plain: pd.Series[Any] = pd.Series(
        _as(_mask_arrow(taken, task), values.dtype, taken),
        index=values.index,
        name=values.name,
        dtype=values.dtype,
        copy=False,
    )
    return plain.mask(values.isna(), values) if values.dtype == object else plain


def _as(masked: Column, dtype: Any, given: Column | None = None) -> Any:
    """An array of this pandas type. Takes over the memory of `masked` where that is not `given`'s."""
    import numpy as np
    import pandas as pd

    if isinstance(dtype, np.dtype) and dtype.kind == "O":  # Python's own values: numbers beside nulls become floats
        found = np.empty(len(masked), object)
        found[:] = masked.to_pylist()
        return found
    own = _own_memory(masked, given)
    if isinstance(dtype, np.dtype):
        if own is not None:
            if masked.null_count:
                own[np.asarray(masked.is_null())] = np.array("nan" if dtype.kind == "f" else "NaT", own.dtype)
            return own
        values = masked.to_numpy()
        return values if values.flags.writeable else values.copy()
    if own is not None and issubclass(dtype.type, np.number) and not isinstance(dtype, pd.ArrowDtype):
        return dtype.construct_array_type()(own, np.asarray(masked.is_null(), dtype=bool))
    return dtype.__from_arrow__(masked)


def _own_memory(masked: Column, given: Column | None) -> Any:
    """Numbers or times as NumPy's in the memory they lie in; None where that is not one piece, or shared."""
    import numpy as np

    kind: Any = masked.type
    plain = pa.types.is_integer(kind) or pa.types.is_floating(kind) or (pa.types.is_timestamp(kind) and kind.tz is None)
    if not plain or masked.num_chunks != 1 or not len(masked):
        return None
    dtype = np.dtype(f"M8[{kind.unit}]" if pa.types.is_timestamp(kind) else kind.to_pandas_dtype())
    made: Any = masked.chunk(0)
    buffer, chunks = made.buffers()[1], cast("list[Any]", [] if given is None else given.chunks)
    before = {one.buffers()[1].address for one in chunks if len(one)}
    if not buffer.is_mutable or buffer.address in before:
        return None
    return np.frombuffer(buffer, dtype, len(masked), made.offset * dtype.itemsize)


def _nulls(values: pd.Series[Any]) -> pd.Series[Any]:
    """As many nulls, in a type of the same width: NumPy's own integers and booleans cannot be null."""
    import numpy as np
    import pandas as pd

    dtype: Any = values.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "iub":
        dtype = {"i": f"Int{8 * dtype.itemsize}", "u": f"UInt{8 * dtype.itemsize}", "b": "boolean"}[dtype.kind]
    try:
        nulls: pd.Series[Any] = pd.Series(None, index=values.index, name=values.name, dtype=dtype)
        return nulls
    except (TypeError, ValueError):
        raise CannotHold("this type of column cannot be null", next_step="Use drop for it.") from None


def _mask_categorical(values: pd.Series[Any], task: Task) -> Any:
    if task.choice.how == "null":
        return _no_categories(values.array)
    in_order = values.cat.ordered and not task.choice.keyed
    return _mask_in_order(values.array, task) if in_order else _mask_as_rows_come(values, task)


def _mask_as_rows_come(values: pd.Series[Any], task: Task) -> Any:
    """Codes and categories anew, as the rows come: the old ones, and even their order, would tell the values."""
    import pandas as pd

    masked: Any = _mask_arrow(_plain(_arrow(values)), task).combine_chunks()
    if masked.null_count == len(masked):
        return _no_categories(values.array)
    encoded = masked.dictionary_encode()
    categories = pd.Index(_as(pa.chunked_array([encoded.dictionary]), values.cat.categories.dtype))
    return pd.Categorical.from_codes(encoded.indices.fill_null(-1).to_numpy(), categories=categories)


def _mask_in_order(values: Any, task: Task) -> Any:
    """The same for ordered categories where nobody needs a key: their order stays."""
    import numpy as np
    import pandas as pd

    used = values.remove_unused_categories()
    if not len(used.categories):
        return _no_categories(values)
    numbers, categories = pd.factorize(_mask_pandas(pd.Series(used.categories), task))
    codes = np.append(numbers, -1)[used.codes]  # code -1, a null, picks the appended -1
    return pd.Categorical.from_codes(codes, categories=categories, ordered=True)


def _no_categories(values: Any) -> Any:
    import numpy as np
    import pandas as pd

    codes = np.full(len(values), -1, np.int8)
    return pd.Categorical.from_codes(codes, categories=values.categories[:0], ordered=values.ordered)


_LIBRARIES: dict[str, Callable[[Any, Task], Any]] = {
    "pandas": _mask_pandas,
    "polars": _mask_polars,
    "pyarrow": _mask_pyarrow,
}


def _library(values: Any) -> str:
    return type(values).__module__.partition(".")[0]


def _arrow(values: Any) -> Column:
    """Any column as an Arrow one. Raises `CannotHold` for objects that Arrow cannot hold together."""
    library = _library(values)
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


def _value_type(values: Any) -> pa.DataType | None:
    """The Arrow type of the values; None for objects that Arrow cannot hold together."""
    try:
        kind: Any = _arrow(values.head(0) if _library(values) == "polars" else values).type
    except CannotHold:
        return None
    value_type: pa.DataType = kind.value_type if pa.types.is_dictionary(kind) else kind
    return value_type
