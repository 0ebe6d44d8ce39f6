"""Masked copies keep the shape of a column and nothing of its values beyond what the technique says."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_securecollab.errors import CannotHold, Invalid
from jupyter_securecollab.frames.keyed import MaskKey
from jupyter_securecollab.frames.mask import default_choice, mask_column
from jupyter_securecollab.frames.techniques import TECHNIQUES

SSNS = ["999-76-6866", None, "999-73-5361"]
KEY = MaskKey(bytes(range(32)))
# Those that work on any text without being told more.
FOR_TEXT = [name for name, one in TECHNIQUES.items() if "text" in one.fits and name != "generalise"]


@pytest.mark.parametrize(
    "dtype", ["str", "object", "string", "category", "string[pyarrow]", pd.ArrowDtype(pa.string())]
)
def test_redacted_pandas_text_keeps_dtype_index_name_and_nulls(dtype: object) -> None:
    values = pd.Series(SSNS, index=[7, 7, 9], name="ssn", dtype=dtype)
    masked = mask_column(values, "redact", "us_ssn")
    assert list(masked.dropna()) == ["[us_ssn]", "[us_ssn]"]
    assert list(masked.isna()) == [False, True, False]
    assert list(masked.index) == [7, 7, 9] and masked.name == "ssn"
    if dtype != "category":
        assert masked.dtype == values.dtype


def test_an_object_column_keeps_the_kind_of_its_nulls() -> None:
    masked = mask_column(pd.Series(["a@b.c", None, float("nan")], dtype=object), "redact", "email")
    assert masked[1] is None and isinstance(masked[2], float)


def test_the_caller_s_column_is_not_changed() -> None:
    values = pd.Series(SSNS, dtype=object)
    for how in FOR_TEXT:
        mask_column(values, how, "us_ssn", key=KEY)
    assert list(values) == SSNS


@pytest.mark.parametrize(
    ("tag", "value", "kept"),
    [
        ("us_ssn", "999-76-6866", "***6866"),
        ("us_ssn", "6866", "***"),
        ("credit_card", "4111 1111 1111 1111", "***1111"),
        ("phone", "+1 555 010 9988", "***88"),
        ("phone", "88", "***"),
        ("email", "jo@example.org", "***@example.org"),
        ("email", "jo at home", "***"),
        ("email", "Jo Smith <jo@büro.example.org>", "***@büro.example.org"),
        ("email", "call jo @ 555 010 9988", "***"),
        ("email", "jo@Maria Gomez, 12 Main Street", "***"),
        ("email", "jo@555-010-9988", "***"),
        ("postcode", "01013", "010***"),
        ("postcode", "013", "***"),
        ("date_of_birth", "1989-05-25", "1989-***"),
        ("date_of_birth", "25.5.1989", "***"),
        ("person_name", "Gómez", "G***"),
        ("person_name", "G", "***"),
        (None, "427 Balistreri\nWay", "4***"),
    ],
)
def test_partial_keeps_only_what_its_tag_allows(tag: str | None, value: str, kept: str) -> None:
    assert list(mask_column(pd.Series([value]), "partial", tag)) == [kept]


@pytest.mark.parametrize(
    "dtype", ["datetime64[ns]", "datetime64[s]", "datetime64[us, Europe/Berlin]", "timestamp[us][pyarrow]"]
)
def test_partial_dates_keep_the_year_and_the_dtype(dtype: str) -> None:
    values = pd.Series(pd.to_datetime(["1989-05-25", None]), dtype="datetime64[ns]")
    values = values.dt.tz_localize("Europe/Berlin").astype(dtype) if "Berlin" in dtype else values.astype(dtype)
    masked = mask_column(values, "partial", "date_of_birth")
    assert masked.dtype == values.dtype
    assert (masked[0].year, masked[0].month, masked[0].day, masked[0].hour) == (1989, 1, 1, 0)
    assert pd.isna(masked[1])


def test_partial_keeps_plain_dates_in_an_object_column() -> None:
    masked = mask_column(pd.Series([dt.date(1989, 5, 25), None], dtype=object), "partial", "date_of_birth")
    assert list(masked) == [dt.date(1989, 1, 1), None]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("int64", "Int64"),
        ("uint8", "UInt8"),
        ("bool", "boolean"),
        ("Int32", "Int32"),
        ("float32", "float32"),
        ("complex128", "complex128"),
        ("datetime64[ns]", "datetime64[ns]"),
        ("timedelta64[s]", "timedelta64[s]"),
        ("int64[pyarrow]", "int64[pyarrow]"),
    ],
)
def test_null_leaves_nothing_but_a_nullable_type_of_the_same_width(before: str, after: str) -> None:
    masked = mask_column(pd.Series([1, 0, 1], index=list("abc")).astype(before), "null", None)
    assert masked.isna().all() and str(masked.dtype) == after and list(masked.index) == list("abc")


def test_a_masked_category_tells_no_old_category_used_or_not() -> None:
    values = pd.Series(
        pd.Categorical(["Ann", None, "Bob", "Abe"], categories=["Bob", "Ann", "Abe", "Zoe"], ordered=True)
    )
    partial = mask_column(values, "partial", "person_name")
    assert list(partial) == ["A***", np.nan, "B***", "A***"] and set(partial.cat.categories) == {"A***", "B***"}
    assert not partial.cat.ordered
    null = mask_column(values, "null", "person_name")
    assert null.isna().all() and list(null.cat.categories) == []


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical, pl.Enum(["999-76-6866", "999-73-5361", "Zoe"])])
def test_polars_text_is_redacted_and_no_category_survives(dtype: pl.DataType) -> None:
    masked = mask_column(pl.Series("ssn", SSNS, dtype), "redact", "us_ssn")
    assert masked.to_list() == ["[us_ssn]", None, "[us_ssn]"] and masked.name == "ssn"
    assert masked.dtype.base_type() is (dtype.base_type() if hasattr(dtype, "base_type") else dtype)
    if isinstance(masked.dtype, pl.Enum):
        assert masked.dtype.categories.to_list() == ["[us_ssn]"]


def test_polars_dates_and_numbers() -> None:
    when = pl.Series("born", [dt.date(1989, 5, 25), None])
    assert mask_column(when, "partial", "date_of_birth").to_list() == [dt.date(1989, 1, 1), None]
    masked = mask_column(pl.Series("n", [1, 2], pl.Int16), "null", None)
    assert masked.to_list() == [None, None] and masked.dtype == pl.Int16


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string(), ordered=True)]
)
def test_arrow_text_keeps_its_type(kind: pa.DataType) -> None:
    if pa.types.is_dictionary(kind):
        names = pa.array(["999-76-6866", "999-73-5361", "Zoe"])
        array = pa.DictionaryArray.from_arrays(pa.array([0, None, 1], pa.int8()), names, ordered=True)
    else:
        array = pa.array(SSNS).cast(kind)
    values = pa.chunked_array([array])
    masked = mask_column(values, "redact", "us_ssn")
    assert masked.type == kind and masked.to_pylist() == ["[us_ssn]", None, "[us_ssn]"]
    if pa.types.is_dictionary(kind):
        assert masked.chunk(0).dictionary.to_pylist() == ["[us_ssn]"]


def test_a_plain_arrow_array_stays_one() -> None:
    masked = mask_column(pa.array(SSNS), "partial", "us_ssn")
    assert isinstance(masked, pa.Array) and masked.to_pylist() == ["***6866", None, "***5361"]


@pytest.mark.parametrize("how", FOR_TEXT)
@pytest.mark.parametrize(
    "values",
    [
        pd.Series([], dtype="str"),
        pd.Series([None], dtype=object),
        pl.Series([], dtype=pl.String),
        pa.chunked_array([], pa.string()),
    ],
)
def test_empty_columns_stay_empty(values: object, how: str) -> None:
    masked = mask_column(values, how, "us_ssn", key=KEY)
    assert len(masked) == len(values) and type(masked) is type(values)  # type: ignore[arg-type]  # every column has a length


@pytest.mark.parametrize("how", ["redact", "partial"])
def test_text_techniques_refuse_numbers_and_say_what_works(how: str) -> None:
    with pytest.raises(Invalid, match="does not work on this type") as caught:
        mask_column(pd.Series([1, 2]), how, None)
    assert "null" in caught.value.next_step


def test_a_misspelled_technique_is_refused() -> None:
    with pytest.raises(Invalid, match="redcat"):
        mask_column(pd.Series(["a"]), "redcat", None)


def test_mixed_objects_can_only_be_nulled() -> None:
    mixed = pd.Series(["a", 1, b"x"], dtype=object)
    assert str(default_choice(mixed, "us_ssn")) == "null"
    assert mask_column(mixed, "null", None).isna().all()
    with pytest.raises(Invalid):
        mask_column(mixed, "redact", None)


@pytest.mark.parametrize(
    ("values", "tag", "how"),
    [
        (pd.Series(["x"]), "us_ssn", "redact"),
        (pd.Series(["x"]), None, "redact"),
        (pd.Series([1.5]), None, "null"),
        (pd.Series(["1989-05-25"]), "date_of_birth", "partial"),
        (pd.Series(pd.to_datetime(["1989-05-25"])), "date_of_birth", "partial"),
        (pd.Series(pd.to_datetime(["1989-05-25"])), None, "null"),
        (pd.Series([1013]), "postcode", "null"),
        (pl.Series(["01013"]), "postcode", "partial"),
        (pa.array(["x"]), "email", "redact"),
        (pd.Series([93, 41]), "age", "generalise"),
        (pd.Series([42.35]), "latitude", "generalise"),
        (pd.Series(["x y"]), "free_text", "scrub"),
        (pl.Series([17]), "free_text", "null"),
        (pd.Series(["x17"]), "account_id", "pseudonym"),
        (pd.Series([17]), "account_id", "null"),
    ],
)
def test_each_tag_has_a_cautious_default(values: object, tag: str | None, how: str) -> None:
    assert str(default_choice(values, tag)) == how
    mask_column(values, how, tag, key=KEY)


TEXTS = st.lists(st.one_of(st.none(), st.text(st.characters(codec="utf-8"), min_size=3)))


@given(TEXTS, st.sampled_from(["us_ssn", "email", "person_name", None]))
def test_no_masked_text_is_ever_the_text_itself(texts: list[str | None], tag: str | None) -> None:
    values = pa.array(texts, pa.string())
    for how in ("redact", "partial"):
        masked = mask_column(values, how, tag).to_pylist()
        assert [one is None for one in masked] == [one is None for one in texts]
        assert all(a is None or a != b or a.startswith(("*", "[")) for a, b in zip(texts, masked, strict=True))


def test_a_type_that_cannot_be_null_is_refused_with_a_way_out() -> None:
    with pytest.raises(CannotHold, match="cannot be null") as caught:
        mask_column(pd.Series(pd.interval_range(0, 2)), "null", None)
    assert "drop" in caught.value.next_step


@pytest.mark.parametrize(
    "values",
    [
        pl.Series([2**100, 1], dtype=pl.Int128),
        pl.Series([[1], [2]]),
        pl.Series([b"Zoe", b"x"]),
        pl.Series(["Zoe", "Ann"], dtype=pl.Enum(["Ann", "Zoe"])),
        pa.array([b"0" * 16, b"1" * 16], pa.uuid()),
        pa.array([{"a": 1}, {"a": 2}]),
        pd.Series([2**70, 1], dtype=object),
        pd.Series(pd.period_range("2020", periods=2, freq="D")),
        pd.Series([[1], None], dtype=pd.ArrowDtype(pa.list_(pa.int64()))),
    ],
)
def test_any_type_can_be_nulled(values: object) -> None:
    masked = mask_column(values, "null", None)
    assert str(default_choice(values, None)) in ("null", "redact") and len(masked) == 2
    assert masked.to_pylist() == [None, None] if hasattr(masked, "to_pylist") else all(pd.isna(one) for one in masked)
    assert "Zoe" not in str(getattr(masked, "dtype", ""))


def test_objects_that_are_only_addresses_to_arrow_are_not_dealt_out() -> None:
    with pytest.raises(CannotHold):
        mask_column(pl.Series([object(), object()], dtype=pl.Object), "shuffle", None, key=KEY)


def test_texts_that_are_no_utf_8_are_refused_where_they_would_be_read_without_their_bytes() -> None:
    bad = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"a\xff")])
    with pytest.raises(Invalid, match=r"^some of its texts are no UTF-8") as caught:
        mask_column(bad, "fake", "email", key=MaskKey(bytes(32)))
    assert caught.value.__suppress_context__ and len(mask_column(bad, "pseudonym", None, key=MaskKey(bytes(32)))) == 1
