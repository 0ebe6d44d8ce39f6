"""Bands, bounds, noise, shifted dates and shuffling: what they promise, and what they refuse."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_securecollab.errors import Invalid
from jupyter_securecollab.frames.keyed import MaskKey
from jupyter_securecollab.frames.mask import mask_column

KEY = MaskKey(bytes(range(32)))


def masked(values: Any, how: str, tag: str | None = None, entity: Any = None) -> Any:
    return mask_column(values, how, tag, key=KEY, entity=entity)


@pytest.mark.parametrize(
    ("values", "dtype", "how", "tag", "made"),
    [
        ([0, 9, 10, -1, -10], "int64", "generalise:10", None, [0, 0, 10, -10, -10]),
        ([-128, 127, -5], "int8", "generalise:10", None, [-128, 120, -10]),
        ([255, 0], "uint8", "generalise:100", None, [200, 0]),
        ([2**63 - 1, -(2**63)], "int64", "generalise:1000", None, [9223372036854775000, -(2**63)]),
        ([89, 90, 117], "int64", "generalise", "age", [85, 90, 90]),
        ([89.5, 90.0, 117.2], "float64", "generalise:1", "age", [89.0, 90.0, 90.0]),
        ([0.3, -0.3, 0.29999], "float64", "generalise:0.1", None, [0.3, -0.3, 0.2]),
        ([42.3601, -71.0589], "float64", "generalise", "latitude", [42.3, -71.1]),
        ([np.inf, -np.inf, 7.0], "float64", "generalise:5", None, [np.inf, -np.inf, 5.0]),
        ([1, 50, 99], "int64", "clip:18:90", None, [18, 50, 90]),
        ([1, 50, 99], "int64", "clip:18", None, [18, 50, 99]),
        ([np.inf, -np.inf, 0.5], "float64", "clip:0:1", None, [1.0, 0.0, 0.5]),
        ([1.5, -7.0], "float16", "clip:0:1", None, [1.0, 0.0]),
        (["01013", "013", "0", ""], "str", "generalise:3", "postcode", ["010***", "***", "***", "***"]),
        (["éèà-77", "éèà"], "str", "generalise:3", None, ["éèà***", "***"]),
        (["1989-05-25", "1989-05-25T10:00", "1989"], "str", "generalise:year", None, ["1989", "1989", "***"]),
        (["1989-05-25", "25.5.1989"], "str", "generalise:month", None, ["1989-05", "***"]),
    ],
)
def test_bands_and_bounds(values: list[Any], dtype: str, how: str, tag: str | None, made: list[Any]) -> None:
    column = pd.Series(values, dtype=dtype)
    result = masked(column, how, tag)
    assert result.tolist() == made and result.dtype == column.dtype


@pytest.mark.parametrize("unit", ["year", "quarter", "month", "week", "day"])
def test_dates_become_the_first_moment_of_their_unit_where_they_are(unit: str) -> None:
    when = pd.Series(pd.to_datetime(["2020-05-31 23:30"])).dt.tz_localize("Europe/Berlin")
    (made,) = masked(when, f"generalise:{unit}")
    assert made.tz is not None and made <= when[0] and (made.hour, made.minute) == (0, 0)


def test_nan_of_polars_stays_nan_and_null_null() -> None:
    values = pl.Series([float("nan"), None, 7.5])
    for how in ("generalise:5", "clip:0:5", "noise:0.1"):
        made = masked(values, how).to_list()
        assert np.isnan(made[0]) and made[1] is None


@pytest.mark.parametrize(
    ("values", "how", "says"),
    [
        ([1], "generalise", "told how far"),
        ([1], "generalise:0", "width above zero"),
        ([1], "generalise:-5", "width above zero"),
        ([1], "generalise:month", "bands of a width"),
        ([1], "generalise:0.5", "whole width"),
        ([1], "generalise:1e400", "wider than"),
        ([1.0], "generalise:1e400", "too narrow or too wide"),
        ([1.0], "generalise:1e-400", "too narrow or too wide"),
        ([dt.date(2020, 1, 1)], "generalise:10", "not generalised to a number"),
        (["x"], "generalise:week", "not generalised to a week"),
        (["x"], "generalise:0", "number of characters"),
        (["x"], "generalise:1e30", "number of characters"),
        ([1], "clip", "needs a bound"),
        ([1], "clip:9:1", "above the higher one"),
        ([1], "clip:0.5", "whole bounds"),
        ([1], "clip:0:1e30", "beyond what this type"),
        (["x"], "clip:0:1", "does not work on this type"),
        ([1], "noise:0", "above zero"),
        ([1], "noise:-1", "above zero"),
        ([1], "noise:1e400", "above zero"),
        (["x"], "noise:1", "does not work on this type"),
        ([dt.date(2020, 1, 1)], "shift:30:x", "needs the column"),
        ([1], "shift:30:x", "does not work on this type"),
    ],
)
def test_what_makes_no_sense_is_refused(values: list[Any], how: str, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        masked(pa.array(values), how)


def test_noise_has_the_size_asked_for_and_is_the_same_again() -> None:
    values = pa.array(np.zeros(200_000))
    made = masked(values, "noise:2.5").to_numpy()
    assert abs(made.mean()) < 0.03 and abs(made.std() - 2.5) < 0.03 and len(np.unique(made)) == len(made)
    assert abs((np.abs(made) < 2.5).mean() - 0.6827) < 0.01  # normal
    assert np.array_equal(made, masked(values, "noise:2.5").to_numpy())
    assert np.array_equal(made[:1001], masked(values[:1001], "noise:2.5").to_numpy())  # more rows, no fresh noise
    other = mask_column(values, "noise:2.5", None, key=MaskKey(bytes(32))).to_numpy()
    assert abs(np.corrcoef(made, other)[0, 1]) < 0.02


def test_two_versions_beside_each_other_do_not_undo_noise() -> None:
    """In another order, at another scale, or with a value changed: else each gives differences or values exactly."""
    clear = np.random.default_rng(1).normal(50, 20, 5_000)
    made = masked(pa.array(clear), "noise:5").to_numpy()
    rolled = masked(pa.array(np.roll(clear, 1)), "noise:5").to_numpy()
    assert abs(np.std((made - rolled) - (clear - np.roll(clear, 1))) - 5 * 2**0.5) < 0.3
    wider = masked(pa.array(clear), "noise:10").to_numpy()
    assert np.std(2 * made - wider - clear) > 10
    raised = masked(pa.array(clear + 1), "noise:5").to_numpy()
    assert np.std(raised - made) > 5


def test_fields_of_a_struct_have_noise_of_their_own() -> None:
    pair = pa.array([{"low": float(one), "high": float(one) + 7} for one in range(500)])
    made = masked(pair, "noise:5")
    assert np.std(np.array(made.field("high")) - np.array(made.field("low"))) > 5


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "int64", "uint64"])
def test_noise_on_whole_numbers_stops_at_the_bounds_of_their_type(dtype: str) -> None:
    limits = np.iinfo(dtype)
    values = np.array([limits.max, limits.min] * 500, dtype)
    made = masked(pd.Series(values), f"noise:{limits.max // 100 + 3}").to_numpy()
    assert made.dtype == dtype and set(np.unique(made[::2] == limits.max)) == {True, False}
    assert np.all(made[::2] > limits.max // 2) and np.all(made[1::2] < limits.max // 2)  # nothing wrapped around


def test_shifting_keeps_every_interval_of_one_person_and_moves_everybody() -> None:
    days = pd.Series(pd.date_range("2020-01-01 08:30", periods=400, freq="D"))
    who = pd.Series([f"p{number % 40}" for number in range(400)])
    made = masked(days, "shift:30:who", entity=who)
    moved = (made - days).dt.days
    assert moved.groupby(who).nunique().eq(1).all() and moved.between(-30, 30).all() and (moved != 0).all()
    assert moved.nunique() > 15 and (made.dt.time == days.dt.time).all()
    again = masked(days.dt.tz_localize("UTC"), "shift:30:who", entity=who.astype("category"))
    assert ((again - days.dt.tz_localize("UTC")).dt.days == moved).all()


def test_all_days_are_drawn_alike_and_none_stays() -> None:
    who = pa.array([f"p{number}" for number in range(30_000)])
    days = pa.array([dt.date(2020, 1, 1)] * 30_000)
    moved = np.array([(one - dt.date(2020, 1, 1)).days for one in masked(days, "shift:3:x", entity=who).to_pylist()])
    counts = {day: int((moved == day).sum()) for day in range(-3, 4)}
    assert counts.pop(0) == 0 and all(4_700 < count < 5_300 for count in counts.values())


def test_a_date_of_nobody_is_left_out_rather_than_moved_with_all_others_of_nobody() -> None:
    days = pd.Series(pd.to_datetime(["2020-01-05", "2020-01-06", None]))
    assert masked(days, "shift:30:x", entity=pd.Series(["a", None, "b"])).isna().tolist() == [False, True, True]


@pytest.mark.parametrize("days", ["0", "3661", "1.5", "-3"])
def test_shifts_by_odd_numbers_of_days_are_refused(days: str) -> None:
    with pytest.raises(Invalid, match="dates are shifted by"):
        masked(pa.array([dt.date(2020, 1, 1)]), f"shift:{days}:x", entity=pa.array(["a"]))


@pytest.mark.parametrize("entity", [pa.array(["a", "b"]), pa.array([[1]])])
def test_whose_dates_they_are_is_said_by_a_plain_column_of_the_frame(entity: Any) -> None:
    with pytest.raises(Invalid, match="whose dates they are"):
        masked(pa.array([dt.date(2020, 1, 1)]), "shift:3:x", entity=entity)


@given(st.lists(st.one_of(st.none(), st.integers(-5, 5)), max_size=60))
def test_shuffling_keeps_values_and_gaps(values: list[int | None]) -> None:
    made = masked(pa.array(values, pa.int64()), "shuffle").to_pylist()
    assert [one is None for one in made] == [one is None for one in values]
    assert sorted(one for one in made if one is not None) == sorted(one for one in values if one is not None)


def test_shuffling_moves_about_everything_and_takes_any_type() -> None:
    made = masked(pa.array(range(10_000)), "shuffle").to_numpy()
    assert (made == np.arange(10_000)).sum() < 10
    for values in (pd.Series([[1], [2, 3]]), pd.Series(pd.period_range("2020", periods=2)), pl.Series([{"a": 1}])):
        assert len(masked(values, "shuffle")) == len(values)


HOWS = ["generalise:10", "clip:3:40", "noise:2", "shuffle", "pseudonym", "partial", "shift:3:x"]


@pytest.mark.parametrize("dtype", ["int64", "float64", "Int64", "Float64", "datetime64[us]", "int32"])
@pytest.mark.parametrize("how", HOWS)
def test_what_is_made_shares_no_memory_with_the_column_and_can_be_written_to(how: str, dtype: str) -> None:
    values = pd.Series(np.arange(20_000) % 50).astype(dtype)
    before = values.copy()
    try:
        made = masked(values, how, entity=pa.array(np.arange(20_000)))
    except Invalid:
        assert how.split(":")[0] in ("pseudonym", "partial", "shift", "generalise", "clip", "noise")  # not for the type
        return
    made.iloc[:] = made.iloc[0]
    pd.testing.assert_series_equal(values, before)


@pytest.mark.parametrize("how", ["generalise:10", "clip:3:40", "noise:2", "shuffle", "pseudonym", "shift:3:x"])
def test_many_blocks_with_nulls_in_chunks_and_slices_are_the_same_as_one_array(how: str) -> None:
    numbers = pa.array(np.arange(30_000) * 7 % 900, mask=np.arange(30_000) % 11 == 3)
    values: Any = numbers.cast(pa.timestamp("s")) if "shift" in how else numbers
    owner = pa.array([None if one % 13 == 5 else one % 700 for one in range(30_000)])
    whole = masked(values, how, entity=owner)
    assert whole.null_count >= values.null_count and whole.validate(full=True) is None
    cut = masked(pa.concat_arrays([values.slice(3, 1), values]).slice(1), how, entity=owner)
    chunks = masked(pa.chunked_array([values.slice(0, 9_999), values.slice(9_999)]), how, entity=owner)
    assert cut.equals(whole) and chunks.combine_chunks().equals(whole)
    series = masked(pd.Series(values, dtype=pd.ArrowDtype(values.type)), how, entity=pd.Series(owner.to_pandas()))
    assert pa.array(series).equals(whole)
    assert masked(pl.Series(values), how, entity=owner).to_arrow().cast(whole.type).equals(whole)
    if how == "pseudonym":
        few = masked(values.slice(20_000), how)
        assert few.equals(whole.slice(20_000))


def test_a_date_of_nobody_is_left_out_in_every_library() -> None:
    days, who = [dt.date(2020, 1, 1)] * 3, [float("nan"), 1.0, float("nan")]
    moved = masked(pa.array(days), "shift:30:who", entity=pa.array([2, 1, 2])).to_pylist()[1]
    made = masked(pa.array(days), "shift:30:who", entity=pa.array(who, from_pandas=False)).to_pylist()
    assert made == [None, moved, None] == masked(pl.Series(days), "shift:30:who", entity=pl.Series(who)).to_list()
