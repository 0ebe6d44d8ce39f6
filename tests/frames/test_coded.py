"""Masked categories are what masking row by row would give, whatever the dictionary; their order tells nothing."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from jupyter_securecollab.errors import Invalid
from jupyter_securecollab.frames.keyed import MaskKey
from jupyter_securecollab.frames.mask import mask_column
from jupyter_securecollab.sealed.arrow_frames import take, take_twin

KEY = MaskKey(bytes(range(32)))
WORDS = ["Abe", "Ann", "Bob", "Zoe"]
"""No row has the last one."""
CODES = [2, None, 1, 0, 2, 1]
ROWS = ["Bob", None, "Ann", "Abe", "Bob", "Ann"]
FOR_TEXT = ["redact", "partial", "pseudonym", "token", "fake", "scrub", "scrub:pseudonyms", "generalise:1", "shuffle"]


def arrow(ordered: bool = False, index: pa.DataType | None = None) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(CODES, index or pa.int8()), pa.array(WORDS), ordered=ordered)


def halves() -> pa.ChunkedArray:
    """Chunks with dictionaries of their own, one of which says a word twice and holds a null."""
    first = pa.DictionaryArray.from_arrays(pa.array([2, None, 1], pa.int8()), pa.array(WORDS))
    second = pa.DictionaryArray.from_arrays(pa.array([3, 1, 0], pa.int8()), pa.array(["Ann", "Bob", "Zoe", "Abe"]))
    return pa.chunked_array([first, second])


COLUMNS: dict[str, Any] = {
    "pandas": pd.Series(pd.Categorical(ROWS, categories=WORDS)),
    "pandas, ordered": pd.Series(pd.Categorical(ROWS, categories=WORDS, ordered=True)),
    "pandas, objects": pd.Series(pd.Categorical(ROWS, categories=pd.Index(WORDS, dtype=object))),
    "pandas on Arrow": pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([arrow()]))),
    "arrow": arrow(),
    "arrow, ordered": arrow(ordered=True),
    "arrow, long codes": arrow(index=pa.uint64()),
    "arrow, part of a column": pa.concat_arrays([arrow(), arrow()])[6:],
    "arrow, several dictionaries": halves(),
    "arrow, a null among the words": pa.DictionaryArray.from_arrays([2, 4, 1, 0, 2, 5], [*WORDS, None, "Ann"]),
    "polars": pl.Series(ROWS, dtype=pl.Categorical),
    "polars, part of a column": pl.Series(["Zoe", *ROWS], dtype=pl.Categorical)[1:],
    "polars, enumeration": pl.Series(ROWS, dtype=pl.Enum(WORDS)),
}


def plain(values: Any) -> list[Any]:
    found = values.to_pylist() if hasattr(values, "to_pylist") else values.to_list()
    return [None if one is None or pd.isna(one) else one for one in found]


def categories(values: Any) -> list[str]:
    if isinstance(values, pl.Series):
        return values.dtype.categories.to_list() if isinstance(values.dtype, pl.Enum) else []
    if isinstance(values, pd.Series):
        if isinstance(values.dtype, pd.CategoricalDtype):
            return list(values.cat.categories)
        values = values.array._pa_array
    return (values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values).dictionary.to_pylist()


def is_ordered(values: Any) -> bool:
    return bool(values.cat.ordered if isinstance(values, pd.Series) else values.type.ordered)


@pytest.mark.parametrize("how", FOR_TEXT)
@pytest.mark.parametrize("name", COLUMNS)
def test_masked_categories_are_what_masked_rows_are(name: str, how: str) -> None:
    made = mask_column(COLUMNS[name], how, "person_name", key=KEY)
    texts = mask_column(pa.array(ROWS), how, "person_name", key=KEY).to_pylist()
    assert plain(made) == texts and type(made) is type(COLUMNS[name])
    as_they_come = list(dict.fromkeys(one for one in texts if one is not None))
    if name in ("polars", "polars, part of a column"):  # have none of their own
        return
    if ("ordered" in name or "enumeration" in name) and how == "generalise:1":
        as_they_come.sort()
    assert categories(made) == as_they_come
    assert plain(COLUMNS[name]) == ROWS


@pytest.mark.parametrize("name", ["pandas, ordered", "arrow, ordered"])
def test_ordered_categories_stay_so_only_where_the_technique_keeps_order(name: str) -> None:
    kept = mask_column(COLUMNS[name], "generalise:1", None)
    assert categories(kept) == ["A***", "B***"] and is_ordered(kept)
    for how in ("partial", "pseudonym", "shuffle"):
        made = mask_column(COLUMNS[name], how, "person_name", key=KEY)
        assert not is_ordered(made) and categories(made)[0] == plain(made)[0]


def test_words_that_no_row_has_are_not_looked_at() -> None:
    numbers = pd.Series(pd.Categorical(["123456"], categories=["123456", "7"]))
    assert len(mask_column(numbers, "fpe", None, key=KEY)[0]) == 6
    with pytest.raises(Invalid, match="at least 6 digits"):
        mask_column(pd.concat([numbers, pd.Series(["7"], dtype=numbers.dtype)]), "fpe", None, key=KEY)


def test_codes_beneath_nulls_may_be_anything() -> None:
    codes = pa.Array.from_buffers(pa.int8(), 2, [pa.py_buffer(b"\x01"), pa.py_buffer(b"\x01\x63")])
    values = pa.DictionaryArray.from_arrays(codes, pa.array(["Ann", "Bob"]), safe=False)
    assert mask_column(values, "partial", "person_name").to_pylist() == ["B***", None]


@pytest.mark.parametrize("how", ["generalise:10", "clip:0:20", "noise:1"])
def test_categories_that_are_numbers_are_masked_as_numbers(how: str) -> None:
    rows = [31, 12, 31, 7]
    made = mask_column(pd.Series(rows, dtype="Int64").astype("category"), how, None, key=KEY)
    assert list(made) == mask_column(pd.Series(rows, dtype="Int64"), how, None, key=KEY).tolist()


def test_zeros_of_both_signs_become_one_category() -> None:
    made = mask_column(pd.Series(pd.Categorical([0.3, -0.0, 0.7])), "generalise:1", None)
    assert list(made) == [0.0, 0.0, 0.0] and len(made.cat.categories) == 1


def test_many_categories_are_numbered_through() -> None:
    rng = np.random.default_rng(0)
    words = np.array([f"person{one}@example.org" for one in range(20_000)])
    rows = pd.Series(words[rng.integers(0, len(words), 150_000)])
    for how in ("pseudonym", "generalise:8"):
        made = mask_column(rows.astype("category"), how, "email", key=KEY)
        assert made.astype("str").equals(mask_column(rows.astype("str"), how, "email", key=KEY))


def test_a_masked_copy_is_sealed_without_words_that_no_row_has() -> None:
    column = take(pa.table({"name": arrow(ordered=True)})).columns[0]
    twin = take_twin(column, arrow(ordered=True))
    assert twin.categories is not None and twin.categories.values.to_pylist() == WORDS[:3]  # in their order
    assert twin.values.to_pylist() == CODES
    assert take_twin(column, pa.chunked_array([], arrow().type)).values.to_pylist() == []


@pytest.mark.parametrize("name", COLUMNS)
def test_dates_move_with_whose_they_are_however_that_is_encoded(name: str) -> None:
    days = pa.array([dt.date(2020, 1, day) for day in range(1, 7)])
    plain_texts = mask_column(days, "shift:30:who", None, key=KEY, entity=pa.array(ROWS))
    made = mask_column(days, "shift:30:who", None, key=KEY, entity=COLUMNS[name])
    assert made.equals(plain_texts) and made.null_count == 1 and not made[2].equals(days[2])
