"""pandas frames come back exactly as they were, or are refused before anything is sealed, naming the column."""

import datetime
import decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from jupyter_securecollab.errors import CannotHold
from jupyter_securecollab.manifest import Held
from jupyter_securecollab.model import Label, Level
from jupyter_securecollab.sealed.frame import prepare_frame

DAYS = pd.to_datetime(["2020-03-29 01:30", None, "2021-01-01 00:00"])
INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
RECORD = pd.ArrowDtype(pa.struct({"a": pa.int8(), "b": pa.string()}))
NUMBERS = ["Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32", "Float64", "boolean"]

COLUMNS = {
    **{kind: np.array([1, 0, 3], dtype=kind) for kind in INTEGERS},
    **{kind: np.array([1.5, np.nan, -0.0], dtype=kind) for kind in ("float16", "float32", "float64")},
    **{kind: pd.array([1, None, 0], dtype=kind) for kind in NUMBERS},
    "bool": np.array([True, False, True]),
    "text": pd.Series(["a", None, "é\x00😀"], dtype="str"),
    "string python NA": pd.array(["a", None, ""], dtype=pd.StringDtype("python", na_value=pd.NA)),
    "string pyarrow NA": pd.array(["a", None, ""], dtype=pd.StringDtype("pyarrow", na_value=pd.NA)),
    "string python nan": pd.array(["a", None, ""], dtype=pd.StringDtype("python", na_value=np.nan)),
    "string pyarrow nan": pd.array(["a", None, ""], dtype=pd.StringDtype("pyarrow", na_value=np.nan)),
    **{f"datetime {unit}": DAYS.as_unit(unit) for unit in ("s", "ms", "us", "ns")},
    "zoned": DAYS.tz_localize("UTC").tz_convert("Europe/Berlin"),
    "utc": DAYS.tz_localize("UTC"),
    "offset": DAYS.tz_localize(datetime.timezone(datetime.timedelta(hours=5, minutes=30))),
    **{f"timedelta {unit}": pd.to_timedelta([1, None, 3], unit="D").as_unit(unit) for unit in ("s", "ms", "us", "ns")},
    "category": pd.Categorical(["x", None, "y"], categories=["unused", "y", "x"]),
    "ordered": pd.Categorical(["low", "high", None], categories=["low", "high"], ordered=True),
    "category of numbers": pd.Categorical([1.5, None, 2.5]),
    "category of objects": pd.Categorical(pd.Series(["a", "b", None], dtype=object)),
    "category of times": pd.Categorical(DAYS),
    "empty category": pd.Categorical([None, None, None], categories=[]),
    "cut": pd.cut(pd.Series([1, 5, 9]), 2),
    "period": pd.PeriodIndex(["2020-01", None, "2021-12"], freq="M"),
    "interval": pd.arrays.IntervalArray.from_tuples([(0, 1), np.nan, (2.5, 4)], closed="left"),
    "interval of integers": pd.interval_range(0, 3),
    "interval of zoned times": pd.interval_range(pd.Timestamp("2020", tz="Europe/Berlin"), periods=3, freq="D"),
    "arrow text": pd.array(["a", None, "b"], dtype=pd.ArrowDtype(pa.string())),
    "arrow list": pd.array([[1, None], None, []], dtype=pd.ArrowDtype(pa.list_(pa.int8()))),
    "arrow struct": pd.array([{"a": 1, "b": "x"}, None, {"a": None, "b": ""}], dtype=RECORD),
    "arrow decimal": pd.array([decimal.Decimal("1.10"), None, None], dtype=pd.ArrowDtype(pa.decimal128(9, 2))),
    "arrow map": pd.array([[("k", 1)], None, []], dtype=pd.ArrowDtype(pa.map_(pa.string(), pa.int8()))),
    "arrow time": pd.array([datetime.time(1, 2), None, None], dtype=pd.ArrowDtype(pa.time64("us"))),
    "objects of text": pd.Series(["a", None, "é"], dtype=object),
    "objects, nan missing": pd.Series(["a", np.nan, "b"], dtype=object),
    "objects, NA missing": pd.Series(["a", pd.NA, "b"], dtype=object),
    "all missing": pd.Series([None, None, None], dtype=object),
    "bytes": pd.Series([b"a", None, b"\xff"], dtype=object),
    "python bools": pd.Series([True, None, False], dtype=object),
    "python ints": pd.Series([1, None, 2**62], dtype=object),
    "python floats": pd.Series([1.5, None, -0.0], dtype=object),
    "decimals": pd.Series([decimal.Decimal("1.10"), None, decimal.Decimal("-3.00")], dtype=object),
    "dates": pd.Series([datetime.date(2020, 2, 29), None, datetime.date(1, 1, 1)], dtype=object),
    "times": pd.Series([datetime.time(23, 59, 59, 999999), None, datetime.time(0)], dtype=object),
    "datetimes": pd.Series([datetime.datetime(2020, 1, 1, 1), None, datetime.datetime(1, 1, 1)], dtype=object),
    "timedeltas": pd.Series([datetime.timedelta(1), None, datetime.timedelta(-1)], dtype=object),
    "lists": pd.Series([[1, 2], None, []], dtype=object),
    "empty lists": pd.Series([[], None, []], dtype=object),
    "lists of one length": pd.Series([[1, 2], [3, 4], [5, 6]], dtype=object),
    "dicts": pd.Series([{"a": 1, "b": ["x"]}, None, {"a": 2, "b": []}], dtype=object),
}  # fmt: skip


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("rows", [3, 1, 0])
def test_column_comes_back_exactly(seal, name, rows):
    frame = pd.DataFrame({name: pd.Series(COLUMNS[name], copy=True)}).iloc[:rows]
    opened = seal(prepare_frame(frame, {})).open()
    pd.testing.assert_frame_equal(opened, frame, check_exact=True)
    assert [type(value) for value in opened[name]] == [type(value) for value in frame[name]]


def test_all_of_them_together_keep_their_order(seal):
    frame = pd.DataFrame({name: pd.Series(values, copy=True) for name, values in COLUMNS.items()})
    pd.testing.assert_frame_equal(seal(prepare_frame(frame, {})).open(), frame, check_exact=True)


def test_arrays_in_an_object_column_come_back_as_arrays(seal):
    vectors = pd.Series([np.array([1.5, np.nan], dtype="float32"), None, np.array([], dtype="float32")], dtype=object)
    opened = seal(prepare_frame(pd.DataFrame({"v": vectors}), {})).open()["v"]
    assert opened[1] is None
    for made, original in ((opened[0], vectors[0]), (opened[2], vectors[2])):
        assert made.dtype == original.dtype
        assert made.flags.writeable
        np.testing.assert_array_equal(made, original)


def test_opened_columns_can_be_changed(seal):
    frame = pd.DataFrame({"n": [1, 2], "f": [1.5, 2.5], "t": ["a", "b"], "d": DAYS[[0, 2]]})
    opened = seal(prepare_frame(frame, {})).open()
    opened.loc[0] = [9, 9.5, "z", DAYS[0]]
    assert opened.loc[0].tolist() == [9, 9.5, "z", DAYS[0]]


INDEXES = {
    "default": pd.RangeIndex(3),
    "range": pd.RangeIndex(10, 4, -2),
    "named range": pd.RangeIndex(3, name="row"),
    "integers": pd.Index([5, 5, 7]),
    "text": pd.Index(["a", "a", "é"], name="ключ"),
    "objects": pd.Index(["a", "b", "c"], dtype=object),
    "numbered": pd.Index([1.5, 2.5, 3.5], name=0),
    "dates with a frequency": pd.date_range("2020-01-31", periods=3, freq="ME", name="when"),
    "zoned dates with a frequency": pd.date_range("2020-03-28", periods=3, freq="D", tz="Europe/Berlin"),
    "dates without": pd.DatetimeIndex(DAYS),
    "timedeltas": pd.timedelta_range("1D", periods=3),
    "periods": pd.period_range("2020", periods=3, freq="Q"),
    "intervals": pd.interval_range(0, 3),
    "categories": pd.CategoricalIndex(["b", "a", "b"], ordered=True, name="c"),
    "multi": pd.MultiIndex.from_tuples([("a", 1), ("a", 1), ("b", 2)], names=["x", None]),
    "multi of everything": pd.MultiIndex.from_arrays([pd.CategoricalIndex(["u", "v", "u"]), DAYS, [1.5, np.nan, 2]]),
    "multi of objects": pd.MultiIndex.from_arrays(
        [pd.Index(["a", "b", "c"], dtype=object), [1, 2, 3]], names=["o", "n"]
    ),
}


@pytest.mark.parametrize("name", INDEXES)
@pytest.mark.parametrize("rows", [3, 0])
def test_index_comes_back_exactly(seal, name, rows):
    frame = pd.DataFrame({"x": [1, 2, 3]}, index=INDEXES[name]).iloc[:rows]
    opened = seal(prepare_frame(frame, {})).open()
    if rows:
        pd.testing.assert_frame_equal(opened, frame, check_index_type="exact", check_freq=True)
    assert opened.index.equals(frame.index)
    assert opened.index.to_frame().dtypes.tolist() == frame.index.to_frame().dtypes.tolist()
    assert type(opened.index) is type(frame.index)
    assert opened.index.names == frame.index.names


@pytest.mark.parametrize(
    "columns",
    [
        pd.RangeIndex(2),
        pd.Index([7, 3]),
        pd.Index(["b", "a"], name="axis"),
        pd.Index(["b", "a"], dtype=object),
        pd.Index(["b", 3], dtype=object),
        pd.Index(["имя", "名前"]),
    ],
    ids=str,
)
def test_column_axis_comes_back_exactly(seal, columns):
    frame = pd.DataFrame([[1, 2], [3, 4]], columns=columns)
    opened = seal(prepare_frame(frame, {})).open()
    pd.testing.assert_frame_equal(opened, frame, check_column_type="exact", check_names=True)
    assert opened.columns.equals(frame.columns)


def test_part_of_a_numbered_axis_keeps_its_numbers(seal):
    frame = pd.DataFrame([[1, 2, 3]])
    opened = seal(prepare_frame(frame, {})).open(columns=["2", "0"])
    assert opened.columns.tolist() == [2, 0]


@pytest.mark.parametrize(
    "frame", [pd.DataFrame(), pd.DataFrame(index=range(4)), pd.DataFrame(columns=["a"]), pd.DataFrame(index=["x"])]
)
def test_empty_frames_come_back_exactly(seal, frame):
    opened = seal(prepare_frame(frame, {})).open()
    pd.testing.assert_frame_equal(opened, frame)
    assert opened.shape == frame.shape


def test_attrs_come_back_and_do_not_share_state(seal):
    frame = pd.DataFrame({"a": [1]})
    frame.attrs = {"source": "é", "n": [1, 2.5, None, True, {"deep": "x"}]}
    opened = seal(prepare_frame(frame, {})).open()
    assert opened.attrs == frame.attrs
    assert opened.attrs["n"] is not frame.attrs["n"]


def _frame(column, name="bad name"):
    return pd.DataFrame({"good": range(len(column)), name: pd.Series(column)})


class Opaque:
    """Not a value any format knows."""


REFUSED = {
    "objects of mixed type": _frame(pd.Series(["a", 1], dtype=object)),
    "foreign objects": _frame([Opaque(), Opaque()]),
    "two kinds of missing": _frame(pd.Series(["a", None, np.nan], dtype=object)),
    "missing decimals": _frame(pd.Series([decimal.Decimal("1"), decimal.Decimal("nan")], dtype=object)),
    "complex": _frame([1j, 2j]),
    "long double": _frame(np.array([1, 2], dtype="longdouble")),
    "foreign byte order": _frame(np.array([1, 2], dtype=">i4")),
    "sparse": _frame(pd.arrays.SparseArray([0, 1])),
    "arrow extension": _frame(pd.array([b"a" * 16], dtype=pd.ArrowDtype(pa.uuid()))),
    "arrow dictionary": _frame(pd.array(["a"], dtype=pd.ArrowDtype(pa.dictionary(pa.int8(), pa.string())))),
    "too large integers": _frame(pd.Series([2**70, 1], dtype=object)),
    "numpy scalars": _frame(pd.Series([np.int64(1), np.int64(2)], dtype=object)),
    "lists of mixed type": _frame(pd.Series([[1, "a"]], dtype=object)),
    "lists that would change": _frame(pd.Series([[1, 2.5]], dtype=object)),
    "dicts with other keys": _frame(pd.Series([{"a": 1}, {"b": 1}], dtype=object)),
    "lists of nothing": _frame(pd.Series([[None]], dtype=object)),
    "arrays of two dimensions": _frame(pd.Series([np.zeros((2, 2)), np.zeros((2, 2))], dtype=object)),
    "arrays of two dtypes": _frame(pd.Series([np.zeros(2), np.zeros(2, dtype="int8")], dtype=object)),
    "sets": _frame(pd.Series([{1}, {2}], dtype=object)),
    "lone surrogates": _frame(pd.Series(["\ud800", "a"], dtype=object)),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_cannot_be_held_is_refused_naming_the_column(reason):
    with pytest.raises(CannotHold, match="bad name") as refusal:
        prepare_frame(REFUSED[reason], {})
    assert refusal.value.next_step


def test_a_value_that_is_part_of_a_type_is_not_quoted():
    column = pd.arrays.SparseArray(["jo@example.org"] * 2, fill_value="jo@example.org")
    with pytest.raises(CannotHold, match=r"Sparse\[object\], which") as refusal:
        prepare_frame(_frame(column), {})
    assert "jo@" not in str(refusal.value)


def _with_attrs(attrs):
    frame = pd.DataFrame({"a": [1]})
    frame.attrs = attrs
    return frame


REFUSED_FRAMES = {
    "two columns are named 'a'": pd.DataFrame([[1, 2]], columns=["a", "a"]),
    "two columns are named '1'": pd.DataFrame([[1, 2]], columns=["1", 1]),
    "neither text nor": pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")])),
    "neither text": pd.DataFrame([[1]], columns=[True]),
    "not valid text": pd.DataFrame([[1]], columns=pd.Index(["\udfff"], dtype=object)),
    "two index levels": pd.DataFrame({"x": [1]}, index=pd.MultiIndex.from_tuples([(1, 2)], names=["a", "a"])),
    "is neither text nor a whole number": pd.DataFrame({"x": [1]}, index=pd.Index([1], name=("a", 1))),
    "attrs": _with_attrs({"when": datetime.date(2020, 1, 1)}),
    "df.attrs": _with_attrs({"tuple": (1, 2)}),
    "holds something other": _with_attrs({1: "number as key"}),
    "frequency": pd.DataFrame(
        {"x": [1, 2]},
        index=pd.date_range("2020", periods=2, freq=pd.offsets.CustomBusinessDay(holidays=["2020-01-02"])),
    ),
    "is not a frame": [1, 2],
    "Series would come back": pd.Series([1]),
    "plain DataFrame": type("Special", (pd.DataFrame,), {})({"a": [1]}),
}


@pytest.mark.parametrize("message", REFUSED_FRAMES)
def test_frames_that_cannot_be_held_are_refused(message):
    with pytest.raises(CannotHold, match=message):
        prepare_frame(REFUSED_FRAMES[message], {})


def test_objects_keep_the_object_that_stands_for_missing(seal):
    frame = pd.DataFrame({"x": pd.Series(["a", pd.NA], dtype=object)})
    prepared = prepare_frame(frame, {})
    assert prepared.view(Level.INTERNAL)["x"][1] is pd.NA
    assert Held("object", missing="NA") == seal(prepared).manifest(Level.INTERNAL).streams[0].held


def test_index_of_secrets_is_as_secret_as_a_column(seal):
    frame = pd.DataFrame({"x": [1, 2]}, index=pd.Index(["078-05-1120", "219-09-9999"], name="ssn"))
    sealed = seal(prepare_frame(frame, {"ssn": Label(level=Level.SECRET)}))
    low = sealed.open(Level.INTERNAL)
    assert type(low.index) is pd.RangeIndex
    assert low.index.name is None
    pd.testing.assert_frame_equal(sealed.open(), frame)
