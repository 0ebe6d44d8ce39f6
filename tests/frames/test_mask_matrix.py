"""One matrix: every technique, on every library and type a column may have, gives the same values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from jupyter_securecollab.frames.keyed import MaskKey
from jupyter_securecollab.frames.mask import mask_column
from jupyter_securecollab.frames.techniques import TECHNIQUES, choose

KEY = MaskKey(bytes(range(32)))
TEXTS = ["4111-1111-1111-1111", None, "5500 0000 0000 0004", "4111-1111-1111-1111", "30569309025904"]
NUMBERS = [123_456_789, None, 987_654_321, 123_456_789, 1_000_000]
SMALL = [17, None, 95, 41, 60]
REALS = [42.3601, None, -71.0589, 42.3601, 0.3]
DAYS = [dt.date(1989, 5, 25), None, dt.date(2020, 2, 29), dt.date(1989, 5, 25), dt.date(1970, 1, 1)]
TIMES = [None if day is None else dt.datetime(day.year, day.month, day.day, 13, 45) for day in DAYS]
NOTES = ["ask Ann Smith, +1 555 010 9988", None, "paid with 4111-1111-1111-1111", "", "order 4111"]
OWNERS = ["a", "b", "b", "a", "c"]

# how, its values, their type, what comes out; None where the result has no telling form of its own
CASES: list[tuple[str, list[Any], str, list[Any] | None]] = [
    ("redact", TEXTS, "text", ["[credit_card]", None, "[credit_card]", "[credit_card]", "[credit_card]"]),
    ("partial", TEXTS, "text", ["***1111", None, "***0004", "***1111", "***5904"]),
    ("null", TEXTS, "text", [None] * 5),
    ("pseudonym", TEXTS, "text", None),
    ("pseudonym", NUMBERS, "integer", None),
    ("token", TEXTS, "text", None),
    ("fpe", TEXTS, "text", None),
    ("fpe:digits", TEXTS, "text", None),
    ("fpe", NUMBERS, "integer", None),
    ("scrub", NOTES, "text", ["ask [person_name], [phone]", None, "paid with [credit_card]", "", "order 4111"]),
    ("scrub:pseudonyms", NOTES, "text", None),
    ("fake", TEXTS, "text", None),
    ("generalise:4", TEXTS, "text", ["4111***", None, "5500***", "4111***", "3056***"]),
    ("generalise:10", SMALL, "integer", [10, None, 90, 40, 60]),
    ("generalise:0.1", REALS, "float", [42.3, None, -71.1, 42.3, 0.3]),
    ("generalise:month", DAYS, "date", [dt.date(1989, 5, 1), None, dt.date(2020, 2, 1), dt.date(1989, 5, 1), DAYS[4]]),
    ("generalise:year", TIMES, "time", None),
    ("clip:20:60", SMALL, "integer", [20, None, 60, 41, 60]),
    ("clip::0.3", REALS, "float", [0.3, None, -71.0589, 0.3, 0.3]),
    ("shift:30:owner", DAYS, "date", None),
    ("shift:30:owner", TIMES, "time", None),
    ("noise:3", SMALL, "integer", None),
    ("noise:0.5", REALS, "float", None),
    ("shuffle", TEXTS, "text", None),
    ("shuffle", SMALL, "integer", None),
    ("shuffle", TIMES, "time", None),
]

Maker = Callable[[list[Any]], Any]
TYPES: dict[str, list[tuple[str, Maker]]] = {
    "text": [
        ("object", lambda v: pd.Series(v, dtype=object)),
        ("str", lambda v: pd.Series(v, dtype="str")),
        ("string", lambda v: pd.Series(v, dtype="string")),
        ("string[python]", lambda v: pd.Series(v, dtype=pd.StringDtype("python"))),
        ("ArrowDtype", lambda v: pd.Series(v, dtype=pd.ArrowDtype(pa.string()))),
        ("category", lambda v: pd.Series(v, dtype="str").astype("category")),
        ("polars", lambda v: pl.Series(v)),
        ("polars categorical", lambda v: pl.Series(v, dtype=pl.Categorical)),
        ("polars enum", lambda v: pl.Series(v, dtype=pl.Enum(sorted({one for one in v if one is not None})))),
        ("arrow", lambda v: pa.array(v)),
        ("arrow view", lambda v: pa.array(v).cast(pa.string_view())),
        ("arrow chunks", lambda v: pa.chunked_array([v[:2], v[2:], []], pa.large_string())),
        ("arrow dictionary", lambda v: pa.chunked_array([pa.array(v).dictionary_encode()])),
    ],
    "integer": [
        ("object", lambda v: pd.Series(v, dtype=object)),
        ("Int64", lambda v: pd.Series(v, dtype="Int64")),
        ("ArrowDtype", lambda v: pd.Series(v, dtype=pd.ArrowDtype(pa.int64()))),
        ("category", lambda v: pd.Series(v, dtype="Int64").astype("category")),
        ("polars", lambda v: pl.Series(v, dtype=pl.Int64)),
        ("arrow", lambda v: pa.array(v, pa.int64())),
        ("arrow chunks", lambda v: pa.chunked_array([v[:1], v[1:]], pa.int64())),
    ],
    "float": [
        ("float64", lambda v: pd.Series(v, dtype="float64")),
        ("Float64", lambda v: pd.Series(v, dtype="Float64")),
        ("ArrowDtype", lambda v: pd.Series(v, dtype=pd.ArrowDtype(pa.float64()))),
        ("polars", lambda v: pl.Series(v, dtype=pl.Float64)),
        ("arrow", lambda v: pa.array(v, pa.float64())),
    ],
    "date": [
        ("object", lambda v: pd.Series(v, dtype=object)),
        ("ArrowDtype", lambda v: pd.Series(v, dtype=pd.ArrowDtype(pa.date32()))),
        ("polars", lambda v: pl.Series(v, dtype=pl.Date)),
        ("arrow", lambda v: pa.array(v, pa.date32())),
    ],
    "time": [
        ("seconds", lambda v: pd.Series(pd.to_datetime(v)).astype("datetime64[s]")),
        ("nanoseconds", lambda v: pd.Series(pd.to_datetime(v)).astype("datetime64[ns]")),
        ("ArrowDtype", lambda v: pd.Series(v, dtype=pd.ArrowDtype(pa.timestamp("us")))),
        ("polars", lambda v: pl.Series(v, dtype=pl.Datetime("us"))),
        ("arrow", lambda v: pa.array(v, pa.timestamp("ms"))),
    ],
}


def plain(values: Any) -> list[Any]:
    """Python values with None for every null, whatever the library."""
    found = values.to_pylist() if hasattr(values, "to_pylist") else values.to_list()
    return [None if one is None or pd.isna(one) else one for one in found]


def masked(how: str, values: Any) -> Any:
    entity = pa.array(OWNERS) if "owner" in how else None
    return mask_column(values, how, "credit_card", key=KEY, entity=entity)


@pytest.mark.parametrize(("how", "values", "kind", "expected"), CASES, ids=lambda one: one if type(one) is str else "")
def test_every_library_and_type_gives_the_same_values(
    how: str, values: list[Any], kind: str, expected: list[Any] | None
) -> None:
    seen = {}
    for name, make in TYPES[kind]:
        column = make(values)
        before = plain(column)
        made = masked(how, column)
        assert type(made) is type(column) and len(made) == 5, name
        assert plain(column) == before, name  # the caller's is not changed
        seen[name] = plain(made)
        assert how == "null" or [one is None for one in seen[name]] == [one is None for one in values], name
        if "enum" not in name and name != "category":
            kind_of = (lambda one: one.type) if hasattr(made, "to_pylist") else (lambda one: one.dtype)
            assert kind_of(made) == kind_of(column), name
    first = expected if expected is not None else next(iter(seen.values()))
    assert all(one == pytest.approx(first) if kind == "float" else one == first for one in seen.values()), seen
    if TECHNIQUES[choose(how).how].keyed and how not in ("shuffle", "noise:3"):
        assert all(a is None or a != b for a, b in zip(first, values, strict=True))


@pytest.mark.parametrize("how", [case[0] for case in CASES])
def test_a_pandas_index_stays_even_where_it_repeats(how: str) -> None:
    values, kind = next((values, kind) for name, values, kind, _ in CASES if name == how)
    for _, make in TYPES[kind]:
        column = make(values)
        if isinstance(column, pd.Series):
            column.index, column.name = pd.Index([7, 7, 9, 9, 9], name="place"), ("a", 1)
            made = masked(how, column)
            assert made.index.equals(column.index) and made.index.name == "place" and made.name == ("a", 1)
            ordinary = masked(how, make(values))
            assert plain(made) == plain(ordinary)  # rows are told apart by place, not by label


@pytest.mark.parametrize(("how", "values", "kind"), [case[:3] for case in CASES])
def test_a_masked_column_can_be_written_to(how: str, values: list[Any], kind: str) -> None:
    for _, make in TYPES[kind]:
        column = make(values[:1] * 5)
        if isinstance(column, pd.Series):
            made = masked(how, column)
            made.iloc[1] = made.iloc[0]
            assert plain(make(values[:1] * 5)) == plain(column)


@pytest.mark.parametrize("how", [case[0] for case in CASES])
def test_nothing_at_all_and_nothing_but_nulls_stay_so(how: str) -> None:
    kind = next(kind for name, _, kind, _ in CASES if name == how)
    for _, make in TYPES[kind]:
        entity = pa.array([], pa.string()) if "owner" in how else None
        assert len(mask_column(make([]), how, "credit_card", key=KEY, entity=entity)) == 0
        assert plain(masked(how, make([None] * 5))) == [None] * 5
