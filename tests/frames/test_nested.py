"""Lists and structs are masked inside, on every library alike, and keep their shape; what cannot be is refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from jupyter_securecollab.errors import Invalid
from jupyter_securecollab.frames.keyed import MaskKey
from jupyter_securecollab.frames.mask import default_choice, mask_column

KEY = MaskKey(bytes(range(32)))
MAILS = [["jo@x.org", None, "mia@x.org"], None, [], ["jo@x.org"]]
PEOPLE = [{"name": "Ann", "mails": ["jo@x.org"]}, {"name": None, "mails": None}, None, {"name": "Bo", "mails": []}]
NUMBERS = [[17, 95], None, [], [41, None]]
DAYS = [[dt.date(2020, 1, 1), dt.date(2020, 1, 31)], None, [], [dt.date(2020, 1, 1)]]
OWNERS = ["a", "b", "c", "d"]
PERSON = pa.struct([("name", pa.string()), ("mails", pa.list_(pa.string()))])

CASES: list[tuple[str, list[Any], pa.DataType, list[Any] | None]] = [
    ("redact", MAILS, pa.list_(pa.string()), [["[email]", None, "[email]"], None, [], ["[email]"]]),
    ("partial", MAILS, pa.list_(pa.string()), [["***@x.org", None, "***@x.org"], None, [], ["***@x.org"]]),
    ("pseudonym", MAILS, pa.list_(pa.string()), None),
    ("scrub", MAILS, pa.list_(pa.string()), [["[email]", None, "[email]"], None, [], ["[email]"]]),
    ("null", MAILS, pa.list_(pa.string()), [None] * 4),
    ("shuffle", MAILS, pa.list_(pa.string()), None),
    ("generalise:10", NUMBERS, pa.list_(pa.int64()), [[10, 90], None, [], [40, None]]),
    ("shift:30:who", DAYS, pa.list_(pa.date32()), None),
    ("redact", PEOPLE, PERSON, [{"name": "[email]", "mails": ["[email]"]}, PEOPLE[1], None,
                                {"name": "[email]", "mails": []}]),
    ("pseudonym", PEOPLE, PERSON, None),
]  # fmt: skip
MAKERS: dict[str, Callable[[list[Any], pa.DataType], Any]] = {
    "objects": lambda values, kind: pd.Series(values, dtype=object),
    "pandas": lambda values, kind: pd.Series(pa.array(values, kind), dtype=pd.ArrowDtype(kind)),
    "polars": lambda values, kind: pl.Series(pa.array(values, kind)),
    "arrow": lambda values, kind: pa.array(values, kind),
    "chunks": lambda values, kind: pa.chunked_array([pa.array(values[:1], kind), pa.array(values[1:], kind)]),
    "slice": lambda values, kind: pa.array([values[0], *values, values[3]], kind)[1:5],
}


def plain(values: Any) -> list[Any]:
    found = values.to_pylist() if hasattr(values, "to_pylist") else values.to_list()
    return [None if one is pd.NA or one != one else one for one in found]


@pytest.mark.parametrize(("how", "values", "kind", "expected"), CASES, ids=[case[0] for case in CASES])
def test_what_is_inside_is_masked_alike_everywhere(
    how: str, values: list[Any], kind: pa.DataType, expected: list[Any] | None
) -> None:
    first = expected
    for name, make in MAKERS.items():
        column = make(values, kind)
        before = plain(column)
        made = mask_column(column, how, "email", key=KEY, entity=pa.array(OWNERS) if "who" in how else None)
        assert type(made) is type(column) and plain(column) == before, name
        assert made.type == column.type if hasattr(made, "to_pylist") else made.dtype == column.dtype, name
        first = plain(made) if first is None else first
        assert plain(made) == first, name
    assert first != values


def test_equal_values_inside_are_equal_with_those_outside_and_intervals_stay() -> None:
    inside = mask_column(pa.array([["Ann", "Bo"], ["Ann"]]), "pseudonym", None, key=KEY).to_pylist()
    outside = mask_column(pa.array(["Ann", "Bo"]), "pseudonym", None, key=KEY).to_pylist()
    assert inside == [outside, outside[:1]]
    who = pa.array(["a", "b", "c", "a"])
    days = mask_column(pa.array(DAYS), "shift:30:who", None, key=KEY, entity=who).to_pylist()
    assert days[0][1] - days[0][0] == dt.timedelta(30) and days[3][0] == days[0][0] != DAYS[0][0]


@pytest.mark.parametrize(
    "kind",
    [
        pa.large_list(pa.string()),
        pa.list_(pa.large_string()),
        pa.list_(pa.list_(pa.string())),
        pa.list_(pa.struct([("a", pa.string())])),
        pa.list_(pa.dictionary(pa.int8(), pa.string())),
        pa.list_(pa.string(), 2),
    ],
    ids=str,
)
def test_types_stay(kind: Any) -> None:
    def value(of: Any, text: str) -> Any:
        if pa.types.is_struct(of):
            return {"a": text}
        return [value(of.value_type, text)] * 2 if hasattr(of, "value_field") else text

    array = pa.array([value(kind, "Ann"), value(kind, "Bo")], kind)
    made = mask_column(array, "redact", None)
    assert made.type == kind and made.to_pylist() == [value(kind, "[redacted]")] * 2
    assert "Ann" not in str(made)


@pytest.mark.parametrize(
    ("values", "how", "says"),
    [
        (pa.array([{"name": "Ann", "age": 1}]), "redact", "does not work on this type"),
        (pa.array([["Ann"]]), "generalise:month:x", "not a number"),
        (pa.array([[b"x"]]), "redact", "does not work on this type"),
        (pa.array([[("k", "v")]], pa.map_(pa.string(), pa.string())), "redact", "does not work on this type"),
        (pa.array([["Ann"]], pa.list_view(pa.string())), "redact", "does not work on this type"),
        (pa.array([[1.5]]), "noise:1", "noise goes by rows"),
        (pl.Series([["Ann"]], dtype=pl.List(pl.Enum(["Ann", "Zoe"]))), "redact", "enumerations inside"),
        (pd.Series([["Ann"], "Bo"], dtype=object), "redact", "does not work on this type"),
    ],
)
def test_what_would_leave_something_in_the_clear_is_refused(values: Any, how: str, says: str) -> None:
    with pytest.raises(Invalid, match=says) as caught:
        mask_column(values, how, None, key=KEY)
    assert "Ann" not in str(caught.value)


def test_a_struct_of_numbers_takes_noise_and_the_default_leaves_nothing() -> None:
    points = pa.array([{"x": 1.0, "y": 2.0}, None])
    made = mask_column(points, "noise:1", None, key=KEY).to_pylist()
    assert made[1] is None and made[0]["x"] != 1.0
    assert str(default_choice(points, "latitude")) == "null"


def test_no_value_of_an_enumeration_stays_in_the_type() -> None:
    enum = pl.Enum(["Ann", "Zoe"])
    for kind in (enum, pl.List(enum), pl.Struct({"a": pl.List(enum)}), pl.Array(enum, 2)):
        made = mask_column(pl.Series([None, None], dtype=kind), "null", None)
        assert "Zoe" not in str(made.dtype) and made.null_count() == 2
