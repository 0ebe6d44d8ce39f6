"""A whole frame by a plan: the same on every library, nothing else changed, and refusals before anything is made."""

from __future__ import annotations

import copy
import datetime as dt
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from jupyter_securecollab.errors import CannotHold, Invalid
from jupyter_securecollab.frames import axes
from jupyter_securecollab.frames.keyed import MaskKey
from jupyter_securecollab.frames.plans import default_plan, mask_frame

KEY = MaskKey(b"KEYKEYKEYKEYKEYKEYKEYKEYKEYKEYKE")
COLUMNS: dict[str, list[Any]] = {
    "id": [9_000_001, 9_000_002, 9_000_001, 9_000_003, 9_000_002],
    "ssn": ["999-76-6866", None, "999-73-5361", "999-76-6866", ""],
    "card": ["4111-1111-1111-1111", "5500 0000 0000 0004", None, "30569309025904", "4111-1111-1111-1111"],
    "seen": [dt.datetime(2020, 1, day, 13, 45) for day in (1, 5, 9, 20, 31)],
    "born": [dt.date(1989, 5, 25), None, dt.date(2020, 2, 29), dt.date(1989, 5, 25), dt.date(1970, 1, 1)],
    "zip": ["01013", "02139", "01013", "01013", "99999"],
    "age": [17.0, 41.5, 95.0, None, 60.0],
    "kept": [True, False, True, True, False],
    "gone": ["a", "b", "c", "d", "e"],
}
TAGS = {"ssn": "us_ssn", "card": "credit_card", "zip": "postcode", "age": "age"}
PLAN = {
    "id": "pseudonym",
    "ssn": "redact",
    "card": "fpe",
    "seen": "shift:30:id",
    "born": {"how": "generalise", "to": "year"},
    "zip": "shuffle",
    "age": "noise:3",
    "gone": "drop",
}
SCHEMA = pa.schema({"id": pa.int64(), "ssn": pa.large_string(), "card": pa.large_string(),
                    "seen": pa.timestamp("us"), "born": pa.date32(), "zip": pa.large_string(), "age": pa.float64(),
                    "kept": pa.bool_(), "gone": pa.large_string()})  # fmt: skip
TABLE = pa.table(COLUMNS, SCHEMA)
ZIP_CODED = TABLE.set_column(5, "zip", TABLE["zip"].dictionary_encode())

MAKERS: dict[str, Callable[[], Any]] = {
    "pandas": lambda: TABLE.to_pandas(),
    "pandas, Arrow types": lambda: TABLE.to_pandas(types_mapper=pd.ArrowDtype),
    "pandas, categories": lambda: TABLE.to_pandas().astype({"zip": "category"}),
    "polars": lambda: pl.from_arrow(TABLE),
    "polars, categories": lambda: pl.from_arrow(TABLE).with_columns(pl.col("zip").cast(pl.Categorical)),
    "polars, lazy": lambda: pl.from_arrow(TABLE).lazy(),
    "polars, lazy, categories": lambda: pl.from_arrow(TABLE).lazy().with_columns(pl.col("zip").cast(pl.Categorical)),
    "pyarrow": lambda: TABLE,
    "pyarrow, chunks": lambda: pa.concat_tables([TABLE.slice(0, 2), TABLE.slice(2)]),
    "pyarrow, dictionary": lambda: ZIP_CODED,
}


def rows(frame: Any) -> list[dict[str, Any]]:
    """Rows as Python values, None for every null, whatever the library."""
    if isinstance(frame, pl.LazyFrame):
        frame = frame.collect()
    if isinstance(frame, pd.DataFrame):
        found = [dict(zip(frame.columns, row, strict=True)) for row in frame.itertuples(index=False)]
    else:
        found = frame.to_pylist() if isinstance(frame, pa.Table) else frame.to_dicts()
    return [{name: _plain(value) for name, value in row.items()} for row in found]


def _plain(value: Any) -> Any:
    if pd.isna(value):
        return None
    return value.to_pydatetime() if isinstance(value, pd.Timestamp) else value


def types(frame: Any) -> dict[str, str]:
    if isinstance(frame, pd.DataFrame):
        return {name: str(one) for name, one in frame.dtypes.items() if one != "category"}
    if isinstance(frame, pa.Table):
        return {one.name: str(one.type) for one in frame.schema}
    schema = frame.collect_schema() if isinstance(frame, pl.LazyFrame) else frame.schema
    return {name: str(one) for name, one in schema.items()}


@pytest.mark.parametrize("library", MAKERS)
def test_every_library_gives_the_same_frame_of_the_same_kind_and_types(library: str) -> None:
    expected = rows(mask_frame(TABLE, PLAN, key=KEY, tags=TAGS))
    frame = MAKERS[library]()
    before, kinds = rows(frame), types(frame)
    made = mask_frame(frame, PLAN, key=KEY, tags=TAGS)
    assert type(made) is type(frame) and rows(made) == expected
    assert rows(frame) == before and types(frame) == kinds  # the caller's is not changed
    assert types(made) == {name: kind for name, kind in kinds.items() if name != "gone"}
    for name, values in COLUMNS.items():
        if name in ("kept", "gone"):
            continue
        assert [row[name] is None for row in expected] == [one is None for one in values] or name == "zip"
        assert [row[name] for row in expected] != values
    assert [row["kept"] for row in expected] == COLUMNS["kept"] and "gone" not in expected[0]


@pytest.mark.parametrize("library", MAKERS)
def test_the_default_plan_goes_by_tags_and_kinds_and_can_be_used(library: str) -> None:
    frame = MAKERS[library]()
    plan = default_plan(frame, {**TAGS, "seen": None})
    assert plan == {"ssn": "redact", "card": "redact", "zip": "partial", "age": "generalise", "seen": "null"}
    made = rows(mask_frame(frame, plan, tags=TAGS))
    assert [row["age"] for row in made] == [15.0, 40.0, 90.0, None, 60.0]
    assert made[0]["zip"] == "010***" and all(row["seen"] is None for row in made)


@pytest.mark.parametrize("library", MAKERS)
@pytest.mark.parametrize(
    ("plan", "says"),
    [
        ({"snn": "redact"}, "no column 'snn'"),
        ({"ssn": "redcat"}, "column 'ssn': 'redcat' is not a way"),
        ({"age": "redact"}, "column 'age': redact does not work"),
        ({"ssn": "pseudonym"}, "column 'ssn': pseudonym needs a key"),
        ({"seen": "shift:30:idd"}, "column 'seen': there is no column 'idd'"),
        ({"ssn": {"how": "redact", "x": 1}}, "column 'ssn': redact has no option"),
    ],
)
def test_a_plan_that_does_not_fit_is_refused_before_anything_is_made(library: str, plan: Any, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        mask_frame(MAKERS[library](), plan)


def test_tags_of_columns_that_are_not_there_are_refused() -> None:
    with pytest.raises(Invalid, match="no column 'zipp'") as caught:
        mask_frame(TABLE, {}, tags={"zipp": "postcode"})
    assert caught.value.next_step == "Did you mean zip?"


@pytest.mark.parametrize("frame", [pd.Series([1]), {"a": [1]}, None, pl.Series([1])])
def test_what_is_no_frame_is_refused(frame: object) -> None:
    with pytest.raises(CannotHold, match="is not a frame"):
        mask_frame(frame, {})


def test_values_a_technique_cannot_take_are_refused_without_being_shown() -> None:
    for make in MAKERS.values():
        with pytest.raises((Invalid, pl.exceptions.ComputeError), match=r"column 'zip': .* needs at least") as caught:
            rows(mask_frame(make(), {"zip": "fpe"}, key=KEY))
        assert "01013" not in str(caught.value)


def test_an_index_that_repeats_stays_and_its_levels_can_be_masked() -> None:
    frame = TABLE.to_pandas().set_index(pd.Index([7, 7, 9, 9, 9], name="place"))
    made = mask_frame(frame, {"ssn": "redact"})
    assert made.index.equals(frame.index) and made["ssn"].tolist()[2] == "[redacted]"
    two = TABLE.to_pandas().set_index(["ssn", "zip"])
    made = mask_frame(two, {"ssn": "redact", "zip": "partial"}, tags=TAGS)
    assert (
        made.index.names == ["ssn", "zip"] and made.index[0] == ("[us_ssn]", "010***") and "6866" not in str(made.index)
    )
    assert two.index[0] == ("999-76-6866", "01013")
    one = mask_frame(two, {"ssn": "drop"})
    assert one.index.names == ["zip"] and one.index.tolist() == COLUMNS["zip"]
    none = mask_frame(one, {"zip": "drop"})
    assert isinstance(none.index, pd.RangeIndex) and none.index.name is None
    when = mask_frame(TABLE.to_pandas().set_index("seen"), {"seen": "generalise:month"})
    assert isinstance(when.index, pd.DatetimeIndex) and when.index[1] == pd.Timestamp("2020-01-01")


def test_a_name_that_several_columns_have_means_all_of_them() -> None:
    frame = pd.DataFrame([["x", 1, "y"]], columns=["a", "b", "a"])
    assert mask_frame(frame, {"a": "redact"}).iloc[0].tolist() == ["[redacted]", 1, "[redacted]"]
    assert list(mask_frame(frame, {"a": "drop"}).columns) == ["b"]
    table = pa.Table.from_arrays([pa.array(["x"]), pa.array(["y"])], names=["a", "a"])
    assert [one.to_pylist() for one in mask_frame(table, {"a": "redact"}).columns] == [["[redacted]"]] * 2
    dates = pd.DataFrame([[pd.Timestamp(0), 1, 2]], columns=["d", "a", "a"])
    with pytest.raises(Invalid, match="several columns are called 'a'"):
        mask_frame(dates, {"d": "shift:3:a"}, key=KEY)


def test_names_that_are_not_text_are_found_by_what_they_are_written() -> None:
    frame = pd.DataFrame({0: ["x"], ("a", 1): ["y"]})
    made = mask_frame(frame, {"0": "redact", "('a', 1)": "redact"})
    assert made.iloc[0].tolist() == ["[redacted]"] * 2 and list(made.columns) == [0, ("a", 1)]


def test_writing_to_the_copy_never_changes_the_frame_given() -> None:
    frame = pd.DataFrame({"a": ["x", "y"], "b": [1, 2]}, index=[3, 3])
    made = mask_frame(frame, {"a": "redact"})
    made.iloc[0, 1] = 99
    made.iloc[1, 0] = "z"
    assert frame["b"].tolist() == [1, 2] and frame["a"].tolist() == ["x", "y"]


def test_of_a_masked_field_stays_whether_it_has_nulls_and_not_what_is_said_of_it() -> None:
    field = pa.field("a", pa.string(), nullable=False, metadata={"unit": "name"})
    table = pa.table([pa.array(["x"])], schema=pa.schema([field], metadata={"made": "by us"}))
    assert mask_frame(table, {"a": "redact"}).schema.equals(table.schema)
    assert not mask_frame(table, {"a": "redact"}).field("a").metadata
    nulled = mask_frame(table, {"a": "null"}).schema
    assert nulled.field("a").nullable and not nulled.metadata


@pytest.mark.parametrize("library", MAKERS)
def test_an_empty_frame_and_an_empty_plan_are_what_they_are(library: str) -> None:
    frame = MAKERS[library]()
    assert rows(mask_frame(frame, {})) == rows(frame)
    empty = frame.slice(0, 0) if hasattr(frame, "slice") else frame.head(0)
    made = mask_frame(empty, PLAN, key=KEY, tags=TAGS)
    assert rows(made) == [] and types(made) == {name: kind for name, kind in types(frame).items() if name != "gone"}


def test_a_lazy_frame_masks_only_what_is_collected_and_tells_no_category() -> None:
    seen = []

    def noted(values: pl.Series) -> pl.Series:
        seen.append(values.name)
        return values

    frame = pl.from_arrow(TABLE).lazy()  # type: ignore[union-attr]  # of a table it is a frame
    watched = frame.with_columns(pl.col("ssn", "zip").map_batches(noted, return_dtype=pl.String))
    made = mask_frame(watched, {"ssn": "redact", "zip": "partial"}, tags=TAGS)
    assert seen == []
    assert made.select("zip").collect()["zip"].to_list()[0] == "010***" and seen == ["zip"]
    enum = pl.LazyFrame({"a": ["Ann", "Zoe"]}, schema={"a": pl.Enum(["Ann", "Zoe"])})
    masked = mask_frame(enum, {"a": "redact"})
    assert masked.collect_schema()["a"] == pl.String and masked.collect()["a"].to_list() == ["[redacted]"] * 2
    assert "Zoe" not in str(masked.collect_schema())


def test_a_key_is_not_pickled_and_so_not_stored_with_a_lazy_plan() -> None:
    for attempt in (pickle.dumps, copy.deepcopy):
        with pytest.raises(Invalid, match="not pickled"):
            attempt(KEY)
    lazy = mask_frame(pl.from_arrow(TABLE).lazy(), {"ssn": "pseudonym"}, key=KEY)  # type: ignore[union-attr]
    assert "KEYKEY" not in lazy.explain()
    with pytest.raises(Exception, match="pickle") as caught:
        lazy.serialize()
    assert "KEYKEY" not in str(caught.value)


def test_masking_is_the_same_column_by_column_and_each_column_has_its_own_key() -> None:
    frame = pd.DataFrame({"a": ["x", "y"], "b": ["x", "y"]})
    made = mask_frame(frame, {"a": "pseudonym", "b": "pseudonym"}, key=KEY)
    assert made["a"].tolist() != made["b"].tolist()
    assert mask_frame(frame[["b"]], {"b": "pseudonym"}, key=KEY)["b"].tolist() == made["b"].tolist()
    other = MaskKey(bytes(32))
    mixed = mask_frame(frame, {"a": "pseudonym", "b": "pseudonym"}, key={"a": KEY, "b": other})
    assert mixed["a"].equals(made["a"]) and not mixed["b"].equals(made["b"])
    with pytest.raises(Invalid, match="'b': pseudonym needs a key"):
        mask_frame(frame, {"a": "pseudonym", "b": "pseudonym"}, key={"a": KEY})
    joined = mask_frame(frame, {"a": "pseudonym:one", "b": "pseudonym:one"}, key=KEY)
    assert joined["a"].tolist() == joined["b"].tolist()
    assert not np.array_equal(joined["a"], made["a"])


@pytest.mark.parametrize("name", ["column_names", "num_rows", "columns", "index", "iloc", "to_arrow", "dtype"])
def test_a_column_may_be_called_as_what_libraries_call_their_own(name: str) -> None:
    frame = pd.DataFrame({name: ["mail", "x"], "mail": ["jo@x.org", "mia@x.org"]})
    assert axes.names(frame) == (name, "mail") and axes.length(frame) == 2
    made = mask_frame(frame, {"mail": "redact"}, tags={"mail": "email"})
    assert made[name].tolist() == ["mail", "x"] and made["mail"].tolist() == ["[email]"] * 2


@pytest.mark.parametrize("name", ["*", "^s.*$", "^.*$", "^other"])
def test_names_that_polars_takes_for_patterns_are_those_of_one_column(name: str) -> None:
    kind = pl.Enum(["Ann", "Zoe", "Max"])
    frame = pl.DataFrame({"ssn": ["999-76-6866", "999-73-5361"], name: pl.Series(["Ann", "Zoe"], dtype=kind)})
    assert mask_frame(frame, {"ssn": "drop"}).to_dict(as_series=False) == {name: ["Ann", "Zoe"]}
    assert mask_frame(frame.lazy(), {name: "drop"}).collect().columns == ["ssn"]
    for plan in ({name: "redact"}, {"ssn": "null", name: "generalise:1"}):
        there = {"ssn": frame["ssn"].to_list() if len(plan) == 1 else [None, None]}
        expected = {**there, name: ["[redacted]"] * 2 if len(plan) == 1 else ["A***", "Z***"]}
        for one in (frame, frame.lazy()):
            assert mask_frame(one, plan).lazy().collect().to_dict(as_series=False) == expected


@pytest.mark.parametrize("how", ["generalise:3", "generalise"])
def test_postcodes_that_are_numbers_are_not_left_nearly_as_they_are(how: str) -> None:
    frame = pd.DataFrame({"zip": [1013, 2139], "text": ["01013", "02139"]})
    with pytest.raises(Invalid, match="column 'zip': these postcodes are numbers") as caught:
        mask_frame(frame, {"zip": how}, tags={"zip": "postcode"})
    assert "generalise:100" in (caught.value.next_step or "")
    made = mask_frame(frame, {"zip": "generalise:100", "text": how}, tags={"zip": "postcode", "text": "postcode"})
    assert made["zip"].tolist() == [1000, 2100] and made["text"].tolist() == ["010***", "021***"]
    assert mask_frame(frame, {"zip": "generalise:3"})["zip"].tolist() == [1011, 2139]  # of what is no postcode
