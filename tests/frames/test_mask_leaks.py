"""What was masked is nowhere in what comes out: not in buffers, dictionaries, categories, types or attributes."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from jupyter_securecollab.errors import SecureCollabError
from jupyter_securecollab.frames.classify import Classifier
from jupyter_securecollab.frames.keyed import MaskKey
from jupyter_securecollab.frames.mask import mask_column
from jupyter_securecollab.frames.plans import mask_frame

KEY = MaskKey(bytes(range(32)))
TEXTS = ["CANARYalpha", "CANARYbeta", "CANARYgamma", None, "CANARYalpha"]
WORDS = ["CANARYalpha", "CANARYbeta", "CANARYgamma", "CANARYunused"]
PAYLOADS = np.array([0x7FF8DEAD00000001, 0x4059000000000000], np.uint64).view(np.float64)  # a NaN that says something

COLUMNS: dict[str, Any] = {
    "objects": pd.Series(TEXTS, dtype=object),
    "pandas text": pd.Series(TEXTS, dtype="str"),
    "Arrow in pandas": pd.Series(TEXTS, dtype=pd.ArrowDtype(pa.string())),
    "Arrow dictionary in pandas": pd.Series(TEXTS, dtype=pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string()))),
    "categories": pd.Series(pd.Categorical(TEXTS, categories=WORDS)),
    "ordered categories": pd.Series(pd.Categorical(TEXTS, categories=WORDS, ordered=True)),
    "part of a pandas column": pd.Series(TEXTS * 9, dtype="str").iloc[7:11],
    "polars text": pl.Series(TEXTS),
    "polars categories": pl.Series(TEXTS, dtype=pl.Categorical),
    "polars enumeration": pl.Series(TEXTS, dtype=pl.Enum(WORDS)),
    "polars structs": pl.Series([{"a": one} for one in TEXTS]),
    "part of a polars column": pl.Series(TEXTS * 9).slice(7, 4),
    "Arrow views": pa.array(TEXTS, pa.string_view()),
    "Arrow dictionary": pa.DictionaryArray.from_arrays(pa.array([0, 1, None]), pa.array(WORDS)),
    "Arrow chunks": pa.chunked_array([pa.array(TEXTS[:2]), pa.array(TEXTS[2:])]),
    "part of an Arrow array": pa.array(TEXTS * 9).slice(7, 4),
    "Arrow lists": pa.array([[one] for one in TEXTS]),
    "under a null": pa.Array.from_buffers(
        pa.large_string(), 1, [pa.py_buffer(b"\0"), pa.py_buffer(np.array([0, 7], np.int64)), pa.py_buffer(b"CANARYn")]
    ),
    "bytes": pa.array([b"CANARYalpha", None]),
    "a map": pa.array([[("CANARYkey", "CANARYvalue")]], pa.map_(pa.string(), pa.string())),
    "mixed objects": pd.Series(["CANARY", 1, b"CANARY", None, {"a": "CANARY"}, ["CANARY"]], dtype=object),
    "surrogates": pd.Series(["\ud800CANARY", "b"], dtype=object),
}


def buffers(values: pa.Array[Any]) -> Iterator[bytes]:
    yield from (one.to_pybytes() for one in values.buffers() if one is not None)
    if isinstance(values, pa.DictionaryArray):
        yield from buffers(values.dictionary)


def everything(made: Any) -> bytes:
    """Every byte that goes where a column goes."""
    arrow = made.to_arrow() if isinstance(made, pl.Series) else made
    if isinstance(made, pd.Series):
        arrow = pa.Array.from_pandas(made)
    chunks = arrow.chunks if isinstance(arrow, pa.ChunkedArray) else [arrow]
    told = pickle.dumps(made) + repr(getattr(made, "dtype", "")).encode() + str(arrow.type).encode()
    return told + b"".join(one for chunk in chunks for one in buffers(chunk))


@pytest.mark.parametrize("how", ["redact", "null", "pseudonym", "token", "fpe", "fake"])
@pytest.mark.parametrize("name", COLUMNS)
def test_no_value_stays_in_what_was_masked_or_is_in_the_error(name: str, how: str) -> None:
    assert b"CANARY" in pickle.dumps(COLUMNS[name]) or name == "under a null"
    try:
        made = mask_column(COLUMNS[name], how, "first_name", key=KEY)
    except SecureCollabError as refused:
        assert "CANARY" not in f"{refused} {refused.next_step}" and refused.__cause__ is None
        assert refused.__context__ is None or refused.__suppress_context__
    else:
        assert b"CANARY" not in everything(made)


@pytest.mark.parametrize("how", ["null", "noise:5", "shuffle", "generalise:10", "clip:0:5", "pseudonym"])
def test_nothing_stays_that_was_hidden_in_what_is_not_a_number(how: str) -> None:
    column = pd.Series(np.tile(PAYLOADS, 20))
    made = mask_column(column, how, None, key=KEY)
    assert b"\xad\xde" in column.to_numpy().tobytes() and b"\xad\xde" not in pickle.dumps(made)


@pytest.mark.parametrize("library", [pa.table, pl.DataFrame])
def test_under_nulls_stands_neither_a_shift_nor_noise(library: Any) -> None:
    """Either would undo the masks of the same person, or of the same row in another version."""
    frame = library({"who": ["a", "b"], "died": pa.array([date(2020, 1, 1), None]), "n": [5, None], "f": [5.0, None]})
    made = mask_frame(frame, {"died": "shift:30:who", "n": "noise:10", "f": "noise:10"}, key=KEY)
    for name in ("died", "n", "f"):
        column = made[name].to_arrow() if library is pl.DataFrame else made[name].chunk(0)
        there, nothing = np.array_split(np.frombuffer(column.buffers()[1], np.uint8), 2)
        assert column.null_count == 1 and there.any() and not nothing.any()


def test_nothing_stays_around_the_columns_of_a_frame() -> None:
    frame = pd.DataFrame({"mail": TEXTS}, index=pd.Index(TEXTS, name="who"))
    frame.columns = pd.CategoricalIndex(["mail"], categories=["mail", "CANARYcolumn"])
    frame.attrs = {"from": "CANARYattribute"}
    tags = {"who": "person_name", "mail": "email"}
    made = mask_frame(frame, dict.fromkeys(tags, "redact"), tags=tags)
    assert b"CANARY" not in pickle.dumps(made)
    assert frame.attrs and list(made.columns) == ["mail"]
    frame = pd.DataFrame({"mail": TEXTS, "n": 1}, index=[9, 8, 7, 6, 5])
    frame.attrs = {"from": "CANARYattribute"}
    table = pa.Table.from_pandas(frame)
    field = pa.field("mail", pa.string(), metadata={"m": "CANARYfield"})
    table = table.set_column(0, field, table["mail"].cast(pa.string()))
    table = table.replace_schema_metadata({**table.schema.metadata, b"k": b"CANARYtable"})
    assert b"CANARYattribute" in pickle.dumps(table)
    masked = mask_frame(table, {"mail": "redact"}, tags={"mail": "email"})
    assert b"CANARY" not in pickle.dumps(masked)
    assert list(masked.to_pandas().index) == [9, 8, 7, 6, 5] and masked.to_pandas().attrs == {}
    for other in (table.replace_schema_metadata(None), table.replace_schema_metadata({b"pandas": b"CANARY"})):
        assert mask_frame(other, {"mail": "redact"}, tags={"mail": "email"}).schema.metadata is None


class Kept(pd.DataFrame):
    """A kind of frame that carries something along, as those of other libraries do."""

    _metadata = ["source"]  # noqa: RUF012 - as pandas wants it

    @property
    def _constructor(self) -> type[Kept]:
        return Kept


def test_nothing_stays_of_a_column_that_was_left_out_nor_beside_a_frame_of_another_kind() -> None:
    left_out: dict[str, Any] = {
        "categories": pd.CategoricalIndex(["CANARYssn", "n"]),
        "levels": pd.MultiIndex.from_tuples([("CANARYssn", "a"), ("n", "b")]),
        "texts": ["CANARYssn", "n"],
    }
    for kind, names in left_out.items():
        frame = pd.DataFrame([["x", 1]], columns=names)
        made = mask_frame(frame, {str(frame.columns[0]): "drop"})
        assert b"CANARY" not in pickle.dumps(made) and list(made.columns) == [frame.columns[1]], kind
    table = pa.Table.from_pandas(
        pd.DataFrame({"CANARYssn": ["x"], "n": [1]}, index=pd.Index(["i"], name="CANARYindex"))
    )
    made = mask_frame(table, {"CANARYssn": "drop", "CANARYindex": "drop"})
    assert b"CANARY" not in pickle.dumps(made) and list(made.to_pandas()) == ["n"]
    frame = Kept({"mail": TEXTS})
    frame.source = TEXTS
    made = mask_frame(frame, {"mail": "redact"}, tags={"mail": "email"})
    assert b"CANARY" not in pickle.dumps(made) and type(made) is pd.DataFrame and type(frame) is Kept


def test_examples_of_secrets_show_neither_signs_nor_length() -> None:
    frame = pd.DataFrame({"password": [f"x(;)/@{n}-+" for n in range(40)], "mail": ["a.b@c-d.org"] * 40})
    found = Classifier().find(frame)
    assert found["password"].examples == ("•••",) and found["mail"].examples == ("•.•@•-•.•••",)
