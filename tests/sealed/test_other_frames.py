"""polars and pyarrow frames come back exactly as they were, or are refused naming the column."""

import datetime
import decimal
import struct
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import polars.testing
import pyarrow as pa
import pytest

from jupyter_securecollab.errors import CannotHold
from jupyter_securecollab.model import Label, Level
from jupyter_securecollab.sealed import arrow_frames
from jupyter_securecollab.sealed.columns import Column, Taken
from jupyter_securecollab.sealed.frame import Twin, prepare_frame

NOON = datetime.datetime(2020, 1, 1, 12)
POLARS = {
    **{
        str(kind): pl.Series([1, None, 0], dtype=kind)
        for kind in (pl.Int8, pl.Int64, pl.UInt16, pl.UInt64, pl.Float16, pl.Float32)
    },
    "nan": pl.Series([1.0, float("nan"), None]),
    "bool": pl.Series([True, None, False]),
    "text": pl.Series(["a", None, "é😀"]),
    "bytes": pl.Series([b"a", None, b""]),
    "date": pl.Series([datetime.date(2020, 2, 29), None, datetime.date(1, 1, 1)]),
    "time": pl.Series([datetime.time(23, 59), None, datetime.time(0)]),
    **{f"datetime {unit}": pl.Series([NOON, None, NOON], dtype=pl.Datetime(unit)) for unit in ("ms", "us", "ns")},
    "zoned": pl.Series([NOON, None, NOON]).dt.replace_time_zone("Europe/Berlin"),
    "duration": pl.Series([datetime.timedelta(1), None, datetime.timedelta(-1)], dtype=pl.Duration("ms")),
    "decimal": pl.Series([decimal.Decimal("1.10"), None, decimal.Decimal("2")], dtype=pl.Decimal(12, 2)),
    "categorical": pl.Series(["b", None, "a"], dtype=pl.Categorical),
    "enum": pl.Series(["b", None, "a"], dtype=pl.Enum(["unused", "b", "a"])),
    "list": pl.Series([[1, None], None, []]),
    "array": pl.Series([[1, 2], None, [3, 4]], dtype=pl.Array(pl.Int8, 2)),
    "struct": pl.Series([{"a": 1, "b": ["x"]}, None, {"a": None, "b": []}]),
    "null": pl.Series([None, None, None]),
}


@pytest.mark.parametrize("name", POLARS)
@pytest.mark.parametrize("rows", [3, 1, 0])
def test_polars_column_comes_back_exactly(seal, name, rows):
    frame = pl.DataFrame({name: POLARS[name]}).head(rows)
    opened = seal(prepare_frame(frame, {})).open()
    polars.testing.assert_frame_equal(opened, frame, check_exact=True)
    assert opened.schema == frame.schema


@pytest.mark.parametrize("kind", [pl.Categorical, pl.Enum(["b", "a"]), pl.String])
def test_a_polars_name_may_look_like_a_pattern(seal, kind):
    frame = pl.DataFrame({"ssn": ["999-76-6866", "999-73-5361"], "^s.*$": pl.Series(["b", "a"], dtype=kind)})
    polars.testing.assert_frame_equal(seal(prepare_frame(frame, {})).open(), frame)
    twins = {"^s.*$": Twin(frame["^s.*$"], "shuffle", Level.INTERNAL)}
    assert prepare_frame(frame, {"^s.*$": Label(level=Level.SECRET)}, twins).view(Level.INTERNAL).equals(frame)


def test_polars_frame_keeps_order_levels_and_masked_copies(seal):
    frame = pl.DataFrame({"n": [1, 2], "s": ["a", "b"], "z": [0.5, 1.5]})
    twins = {"s": Twin(pl.Series(["*", "*"]), "redact", Level.INTERNAL)}
    prepared = prepare_frame(frame, {"s": Label(level=Level.SECRET)}, twins)
    sealed = seal(prepared)
    polars.testing.assert_frame_equal(sealed.open(), frame)
    low = sealed.open(Level.INTERNAL)
    polars.testing.assert_frame_equal(low, frame.with_columns(s=pl.lit("*")))
    polars.testing.assert_frame_equal(prepared.view(Level.INTERNAL, 1), low.head(1))
    assert sealed.open(columns=["z", "n"]).columns == ["z", "n"]


def test_empty_polars_frame_comes_back(seal):
    assert seal(prepare_frame(pl.DataFrame(), {})).open().shape == (0, 0)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pl.DataFrame({"bad name": pl.Series([1], dtype=pl.Int128)}), "bad name"),
        (pl.DataFrame({"bad name": pl.Series([object()], dtype=pl.Object)}), "bad name"),
        (pl.DataFrame({"bad name": [[None]]}), "bad name"),
        (pl.DataFrame({"bad name": pl.Series([["a"]], dtype=pl.List(pl.Categorical))}), "bad name"),
        (pl.LazyFrame({"a": [1]}), "not an eager frame"),
        (pl.Series([1]), "not an eager frame"),
    ],
    ids=["int128", "object", "list of null", "list of categorical", "lazy", "series"],
)
def test_polars_frames_that_cannot_be_held_are_refused(frame, message):
    with pytest.raises(CannotHold, match=message):
        prepare_frame(frame, {})


TABLES = {
    "plain": pa.table({"a": [1, None], "é": ["x", None]}),
    "chunked": pa.table({"a": pa.chunked_array([[1], [2, 3]])}),
    "no chunks": pa.table({"a": pa.chunked_array([], pa.int8())}),
    "no rows": pa.table({"a": pa.array([], pa.string())}),
    "no columns": pa.table({}),
    "dictionary": pa.table({"a": pa.array(["x", None, "y"]).dictionary_encode()}),
    "ordered dictionary": pa.table(
        {"a": pa.DictionaryArray.from_arrays(pa.array([1, None, 0], pa.int16()), pa.array([2.5, 1.5]), ordered=True)}
    ),
    "empty dictionary": pa.table({"a": pa.chunked_array([], pa.dictionary(pa.int8(), pa.string()))}),
    "not nullable": pa.table([[1, 2]], schema=pa.schema([pa.field("a", pa.int64(), nullable=False)])),
    "metadata": pa.table([[1]], schema=pa.schema([pa.field("a", pa.int64(), metadata={"k": b"\xff"})], {"s": "é"})),
    "nested names": pa.table({"a": pa.array([[1]], pa.list_(pa.field("element", pa.int8(), nullable=False)))}),
    "sorted map": pa.table({"a": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int8(), keys_sorted=True))}),
    **{
        str(kind): pa.table({"a": pa.nulls(2, kind)})
        for kind in (
            pa.null(), pa.date64(), pa.time32("ms"), pa.time64("ns"), pa.month_day_nano_interval(), pa.binary(3),
            pa.large_binary(), pa.decimal32(5, 1), pa.decimal64(12, 2), pa.decimal256(60, 2), pa.large_list(pa.int8()),
        )
    },
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_table_comes_back_exactly(seal, name):
    table = TABLES[name]
    opened = seal(prepare_frame(table, {})).open()
    assert opened.combine_chunks().equals(table.combine_chunks(), check_metadata=True)
    assert opened.schema.equals(table.schema, check_metadata=True)


def test_dictionaries_of_several_chunks_keep_their_values(seal):
    chunks = [pa.array(["x", "y"]).dictionary_encode(), pa.array(["y", "z"]).dictionary_encode()]
    table = pa.table({"a": pa.chunked_array(chunks)})
    opened = seal(prepare_frame(table, {})).open()
    assert (opened.schema, opened.to_pydict()) == (table.schema, table.to_pydict())


def test_metadata_needs_the_highest_level(seal):
    table = TABLES["metadata"].append_column("b", pa.array([2]))
    sealed = seal(prepare_frame(table, {"b": Label(level=Level.SECRET)}))
    low = sealed.open(Level.INTERNAL)
    assert (low.schema.metadata, low.schema.field("a").metadata) == (None, None)
    assert sealed.open().schema.equals(table.schema, check_metadata=True)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pa.table({"bad name": pa.array([b"a" * 16], pa.uuid())}), "bad name"),
        (
            pa.table(
                [[1]], schema=pa.schema([pa.field("bad name", pa.int64(), metadata={"ARROW:extension:name": "x"})])
            ),
            "bad name",
        ),
        (pa.table({"bad name": pa.array([["a" * 16]], pa.list_(pa.string_view()))}), "bad name"),
        (pa.table({"bad name": pa.array(["a"], pa.string_view())}), "bad name"),
        (pa.table({"bad name": pa.array([[1]], pa.list_view(pa.int8()))}), "bad name"),
        (pa.table({"bad name": pa.array([1, 1], pa.run_end_encoded(pa.int16(), pa.int8()))}), "bad name"),
        (pa.table({"bad name": pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])])}), "bad name"),
        (pa.table([[1], [2]], names=["bad name", "bad name"]), "bad name"),
        (pa.record_batch({"a": [1]}), "not a table"),
    ],
    ids=[
        "extension",
        "extension by metadata",
        "nested view",
        "view",
        "list view",
        "run end",
        "union",
        "twice",
        "batch",
    ],
)
def test_tables_that_cannot_be_held_are_refused(frame, message):
    with pytest.raises(CannotHold, match=message):
        prepare_frame(frame, {})


@pytest.mark.parametrize("as_pandas", [False, True])
def test_text_that_is_not_utf_8_is_refused_before_anything_is_sealed(as_pandas):
    offsets, data = pa.py_buffer(struct.pack("<3i", 0, 2, 4)), pa.py_buffer(b"ok\xff\xfe")
    words = pa.Array.from_buffers(pa.string(), 2, [None, offsets, data])
    frame = pa.table({"words": words})
    if as_pandas:
        frame = pd.DataFrame({"words": pd.Series(words, dtype=pd.ArrowDtype(pa.string()))})
    with pytest.raises(CannotHold, match="'words' holds values that are not valid"):
        prepare_frame(frame, {})


def test_extension_in_a_nested_field_is_refused():
    inner = pa.field("x", pa.int8(), metadata={"ARROW:extension:name": "y"})
    with pytest.raises(CannotHold, match="bad name"):
        prepare_frame(pa.table({"bad name": pa.array([{"x": 1}], pa.struct([inner]))}), {})


def test_opening_never_wakes_a_registered_extension_type(seal):
    woken = []

    class Trap(pa.ExtensionType):
        def __init__(self):
            super().__init__(pa.int64(), "tests.trap")

        def __arrow_ext_serialize__(self):
            return b""

        @classmethod
        def __arrow_ext_deserialize__(cls, storage_type, serialized):
            woken.append(1)
            return cls()

    pa.register_extension_type(Trap())
    try:
        with pytest.raises(CannotHold, match="bad name"):
            prepare_frame(pa.table({"bad name": pa.ExtensionArray.from_storage(Trap(), pa.array([1]))}), {})
        sealed = seal(prepare_frame(pa.table({"a": [1]}), {}))
        hostile = arrow_frames.encoded({b"ARROW:extension:name": b"tests.trap", b"ARROW:extension:metadata": b""})
        taken = Taken("pyarrow", 1, (), (Column("a", "str", pa.chunked_array([[1]])),), meta={"fields": {"a": hostile}})
        woken.clear()
        assert sealed.open().num_rows == 1
        with pytest.raises(ValueError, match="act upon"):
            arrow_frames.assemble(taken, [], [(pa.chunked_array([[1]]), True)])
        assert woken == []
    finally:
        pa.unregister_extension_type("tests.trap")


def test_masked_copies_of_tables_must_be_arrays():
    table, labels = pa.table({"a": ["x"]}), {"a": Label(level=Level.SECRET)}
    with pytest.raises(CannotHold, match="not an Arrow array"):
        prepare_frame(table, labels, {"a": Twin(["x"], "redact", Level.INTERNAL)})
    with pytest.raises(CannotHold, match="not a polars series"):
        prepare_frame(pl.from_arrow(table), labels, {"a": Twin(["x"], "redact", Level.INTERNAL)})
    masked = prepare_frame(table, labels, {"a": Twin(pa.array(["*"]), "redact", Level.INTERNAL)})
    assert masked.view(Level.INTERNAL).to_pydict() == {"a": ["*"]}


def test_a_polars_frame_without_polars_says_what_to_install():
    code = """
import sys
sys.modules["polars"] = None
from jupyter_securecollab.errors import CannotHold
from jupyter_securecollab.sealed.columns import library
try:
    library("polars")
except CannotHold as refusal:
    print(refusal, "|", refusal.next_step)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "polars is not installed | pip install polars" in said


def test_numpy_stays_out_of_pyarrow_values(seal):
    table = pa.table({"a": pa.array(np.arange(300_000)), "b": pa.array(["x" * 200] * 300_000)})
    sealed = seal(prepare_frame(table, {}))
    assert sealed.open().equals(table)
    batches = [stream.batches for stream in sealed.manifest(Level.INTERNAL).streams]
    assert [len(found) for found in batches] == [2, 15]
    assert max(batch.raw for found in batches for batch in found) < 2**26
