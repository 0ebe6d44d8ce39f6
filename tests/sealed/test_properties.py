"""Property tests: whatever hypothesis makes up comes back exactly, at every level."""

import datetime
import string

import pandas as pd
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from hypothesis.extra import numpy as numpies

from jupyter_securecollab.manifest import parse_top, select, verify
from jupyter_securecollab.model import Label, Level
from jupyter_securecollab.sealed.blob import open_blob, prepare_file
from jupyter_securecollab.sealed.frame import Twin, prepare_frame

QUICK = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
TEXT = some.text(some.characters(codec="utf-8"), max_size=8)
ROWS = 5
CELLS = [
    some.integers(-(2**63), 2**63 - 1),
    some.floats(allow_nan=False),
    some.booleans(),
    TEXT,
    some.binary(max_size=6),
    some.datetimes(),
    some.timedeltas(datetime.timedelta(days=-(10**6)), datetime.timedelta(days=10**6)),
    some.dates(),
    some.times(),
    some.lists(some.integers(-9, 9), max_size=3),
    some.lists(some.lists(TEXT, min_size=1, max_size=2), max_size=2),
    some.fixed_dictionaries({"a": some.integers(0, 9), "b": TEXT}),
]
DTYPES = some.sampled_from(
    ["Int8", "Int64", "UInt32", "Float64", "boolean", "string", "category", "str", "timedelta64[ns]", "datetime64[us]"]
)


def _objects():
    return some.sampled_from(CELLS).flatmap(
        lambda cell: some.lists(some.none() | cell, min_size=ROWS, max_size=ROWS).map(
            lambda values: pd.Series(values, dtype=object)
        )
    )


def _numbers():
    kinds = numpies.scalar_dtypes().filter(
        lambda dtype: dtype.kind in "biuf" and dtype.isnative and dtype.itemsize <= 8
    )
    return kinds.flatmap(lambda dtype: numpies.arrays(dtype, ROWS)).map(pd.Series)


def _extensions():
    small = some.lists(some.none() | some.integers(0, 1), min_size=ROWS, max_size=ROWS)
    return some.tuples(DTYPES, small).map(
        lambda pair: pd.Series(
            [value if value is None or pair[0] not in ("str", "string") else str(value) for value in pair[1]],
            dtype=pair[0],
        )
    )


COLUMNS = some.dictionaries(TEXT, _objects() | _numbers() | _extensions(), max_size=5)
LEVELS = some.sampled_from(list(Level))


@QUICK
@given(columns=COLUMNS, index=some.none() | some.lists(TEXT, min_size=ROWS, max_size=ROWS), data=some.data())
def test_pandas_frames_come_back(seal, columns, index, data):
    frame = pd.DataFrame({**columns} if columns else None, index=range(ROWS))
    if index is not None:
        frame.index = pd.Index(index, name="key", dtype="str")
    labels = {name: Label(level=data.draw(LEVELS)) for name in frame}
    prepared = prepare_frame(frame, labels)
    sealed = seal(prepared)
    pd.testing.assert_frame_equal(sealed.open(), frame, check_exact=True, check_column_type=False)
    for level in prepared.levels:
        low = sealed.open(level)
        assert list(low) == [name for name in frame if labels[name].level <= level]
        pd.testing.assert_frame_equal(low, prepared.view(level))


@QUICK
@given(names=some.lists(some.sampled_from(string.ascii_lowercase), unique=True, min_size=1), data=some.data())
def test_every_level_sees_its_columns_in_order_with_masked_copies(seal, names, data):
    frame = pd.DataFrame([[name] * 2 for name in names], index=names).T.reset_index(drop=True)
    labels = {name: Label(level=data.draw(LEVELS)) for name in names}
    twins = {}
    for name in names:
        below = [level for level in Level if level < labels[name].level]
        if below and data.draw(some.booleans()):
            twins[name] = Twin(pd.Series(["*", "*"]), "redact", data.draw(some.sampled_from(below)))
    sealed = seal(prepare_frame(frame, labels, twins))
    for level in sealed.levels:
        expected = {}
        for name in names:
            if labels[name].level <= level:
                expected[name] = name
            elif name in twins and twins[name].level <= level:
                expected[name] = "*"
        opened = sealed.open(level)
        assert opened.iloc[0].to_dict() == expected
        assert list(opened) == list(expected)
        wanted = select(verify(parse_top(sealed.top), sealed.level_bytes(level)), None)
        assert sum(len(streams) for streams in wanted.values()) == len(expected)


ARROW = some.sampled_from(
    [
        (pa.int32(), some.integers(-(2**31), 2**31 - 1)),
        (pa.string(), TEXT),
        (pa.list_(pa.string()), some.lists(some.none() | TEXT, max_size=3)),
        (
            pa.struct({"x": pa.int8(), "y": pa.list_(pa.int8())}),
            some.fixed_dictionaries({"x": some.none() | some.integers(0, 9), "y": some.none()}),
        ),
        (pa.map_(pa.string(), pa.int8()), some.lists(some.tuples(TEXT, some.none() | some.integers(0, 9)), max_size=2)),
        (pa.dictionary(pa.int8(), pa.string()), TEXT),
    ]
)


@QUICK
@given(data=some.data(), chunks=some.integers(0, 3))
def test_tables_come_back(seal, data, chunks):
    kind, cells = data.draw(ARROW)
    arrays = [pa.array(data.draw(some.lists(some.none() | cells, max_size=4)), kind) for _ in range(chunks)]
    table = pa.table({"é": pa.chunked_array(arrays, kind)}).unify_dictionaries()
    opened = seal(prepare_frame(table, {})).open()
    assert opened.schema == table.schema
    assert opened.to_pydict() == table.to_pydict()


@QUICK
@given(content=some.binary(max_size=5000))
def test_files_come_back(seal, content):
    assert seal(prepare_file(content, Label())).open(using=open_blob) == content
