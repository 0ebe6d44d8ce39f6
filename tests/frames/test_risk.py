"""Risk measures against their definitions written out, on every library, and what cannot be measured."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_securecollab.errors import CannotHold, Invalid, NotFound
from jupyter_securecollab.frames.risk import risk

PEOPLE = pd.DataFrame(
    {
        "zip": ["02139", "02139", "02139", "01013", "01013", None],
        "age": [31, 31, 31, 40, 40, 40],
        "illness": ["flu", "flu", "flu", "flu", "cold", "gout"],
        "pay": [10.0, 20.0, 30.0, 10.0, 10.0, np.nan],
    }
)
LIBRARIES = {"pandas": lambda frame: frame, "polars": pl.from_pandas, "pyarrow": pa.Table.from_pandas}
WORDS = st.sampled_from(["a", "b", "c", None])
NUMBERS = st.sampled_from([1, 2, 3, 5, 8, None])
ROWS = st.lists(st.tuples(WORDS, WORDS, WORDS, NUMBERS), min_size=1, max_size=30)


@pytest.mark.parametrize("library", LIBRARIES)
def test_classes_are_rows_that_cannot_be_told_apart(library: str) -> None:
    found = risk(LIBRARIES[library](PEOPLE), ["zip", "age"], ["illness"])
    assert (found.rows, found.classes, found.k, found.uniques) == (6, 3, 1, 1)
    assert (found.prosecutor, found.marketer, found.journalist) == (1.0, 0.5, None)
    assert found.most_at_risk[0] == 5  # the one whose postcode is missing
    (illness,) = found.sensitive
    assert (illness.l, illness.given_away) == (1, 4)  # three with flu, and the one alone


@given(rows=ROWS)
def test_measures_are_those_of_the_definitions(rows: list[tuple[Any, ...]]) -> None:
    frame = pa.table(
        {
            **{name: pa.array([row[i] for row in rows], pa.string()) for i, name in enumerate("xys")},
            "n": pa.array([row[3] for row in rows], pa.int64()),
        }
    )
    found = risk(frame, ["x", "y"], ["s", "n"])
    classes = Counter(row[:2] for row in rows)
    assert found.k == min(classes.values()) and found.classes == len(classes)
    assert found.uniques == sum(1 for size in classes.values() if size == 1)
    for column, of, ordered in ((2, found.sensitive[0], False), (3, found.sensitive[1], True)):
        held = defaultdict(list)
        for row in rows:
            held[row[:2]].append(row[column])
        assert of.l == min(len(set(values)) for values in held.values())
        assert of.given_away == sum(len(values) for values in held.values() if len(set(values)) == 1)
        everything = [row[column] for row in rows]
        assert of.t == pytest.approx(max(distance(values, everything, ordered) for values in held.values()), abs=1e-9)


def distance(values: list[Any], everything: list[Any], ordered: bool) -> float:
    """Of a class from the frame; missing comes last in order."""
    places = sorted(set(everything), key=lambda value: (value is None, value or 0 if ordered else 0))
    gaps = [values.count(one) / len(values) - everything.count(one) / len(everything) for one in places]
    if not ordered:
        return sum(map(abs, gaps)) / 2
    return sum(abs(sum(gaps[: i + 1])) for i in range(len(gaps))) / (len(gaps) - 1) if len(gaps) > 1 else 0.0


def test_a_population_tells_how_many_it_could_be() -> None:
    sample = PEOPLE.head(2)
    crowd = pd.concat([PEOPLE, PEOPLE.head(3)], ignore_index=True)
    assert risk(sample, ["zip", "age"], population=crowd).journalist == 1 / 6
    assert risk(sample, ["zip", "age"]).prosecutor == 1 / 2


def test_a_population_has_every_row_of_the_frame() -> None:
    with pytest.raises(Invalid, match="population has none"):
        risk(PEOPLE, ["zip", "age"], population=PEOPLE.head(4))
    with pytest.raises(Invalid, match="other types"):
        risk(PEOPLE, ["age"], population=PEOPLE.assign(age="thirty"))


@pytest.mark.parametrize("library", LIBRARIES)
def test_an_empty_frame_puts_nobody_at_risk(library: str) -> None:
    found = risk(LIBRARIES[library](PEOPLE.head(0)), ["zip", "age"], ["illness", "pay"])
    assert (found.rows, found.k, found.prosecutor, found.marketer, found.most_at_risk) == (0, 0, 0.0, 0.0, ())
    assert [(one.l, one.t, one.given_away) for one in found.sensitive] == [(0, 0.0, 0), (0, 0.0, 0)]


def test_categories_dates_and_duplicate_labels_count_by_value() -> None:
    frame = PEOPLE.assign(
        zip=PEOPLE["zip"].astype("category"),
        age=pd.to_datetime("2000-01-01") + pd.to_timedelta(PEOPLE["age"], unit="D"),
    )
    frame.index = pd.Index([0] * 6, name="visit")
    before = frame.copy()
    found = risk(frame, ["zip", "age"], ["illness"])
    assert (found.classes, found.k) == (3, 1)
    assert risk(frame, ["visit"]).k == 6
    pd.testing.assert_frame_equal(frame, before)


def test_missing_and_nan_are_one_value() -> None:
    table = pa.table({"x": pa.array([None, float("nan"), 1.0])})
    assert risk(table, ["x"]).classes == 2


@pytest.mark.parametrize(
    ("quasi", "sensitive", "error"),
    [
        ([], [], Invalid),
        (["zip", "zip"], [], Invalid),
        (["zip"], ["zip"], Invalid),
        (["nowhere"], [], NotFound),
        (["zip"], ["nowhere"], NotFound),
    ],
)
def test_columns_are_named_once_and_are_there(quasi: list[str], sensitive: list[str], error: type[Exception]) -> None:
    with pytest.raises(error):
        risk(PEOPLE, quasi, sensitive)


def test_a_name_that_no_column_has_comes_with_one_that_was_perhaps_meant() -> None:
    with pytest.raises(NotFound) as refused:
        risk(PEOPLE, ["zipp"])
    assert refused.value.next_step == "Did you mean zip?"


def test_bands_are_values_like_others() -> None:
    ages = pd.Series([31, 33, 38, 47, 49, 91, None])
    frame = pd.DataFrame({"band": pd.cut(ages, [30, 40, 50, 100]), "ill": list("xxyxyxy")})
    found = risk(frame, ["band"], ["ill"])
    assert (found.k, found.classes, found.uniques) == (1, 4, 2) and found.sensitive[0].l == 1
    assert risk(frame, ["ill"], ["band"]).sensitive[0].l == 3


def test_of_several_columns_with_one_name_none_is_taken_for_all() -> None:
    twice = pd.DataFrame([[1, 1], [1, 2]], columns=["age", "age"])
    with pytest.raises(Invalid, match="several columns are called 'age'"):
        risk(twice, ["age"])


@pytest.mark.parametrize("values", [[["a"], ["b"]], [{"a": 1}, {"a": 2}], ["078-05-1120", 5]])
def test_what_cannot_be_compared_is_refused_without_its_values(values: list[Any]) -> None:
    frame = pd.DataFrame({"x": pd.Series(values, dtype=object)})
    with pytest.raises(CannotHold, match="column 'x'") as caught:
        risk(frame, ["x"])
    assert "078-05-1120" not in str(caught.value)


ADDRESSES = {
    "intervals": lambda: pd.DataFrame({"x": pd.interval_range(0, 5)}),
    "objects": lambda: pl.DataFrame({"x": pl.Series([object()], dtype=pl.Object)}),
    "unions": lambda: pa.table(
        {"x": pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1]), pa.array(["a"])])}
    ),
}


@pytest.mark.parametrize("made", ADDRESSES.values(), ids=ADDRESSES)
def test_types_without_an_equality_are_refused_and_periods_have_one(made: Any) -> None:
    with pytest.raises(CannotHold, match="column 'x'"):
        risk(made(), ["x"])
    months = pd.DataFrame({"x": pd.PeriodIndex(["2024-01", "2024-01", "2024-02"], freq="M")})
    assert (risk(months, ["x"]).classes, risk(months, ["x"]).k) == (2, 1)
