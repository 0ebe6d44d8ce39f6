"""Each rule on a table made to break it, and on one that does not."""

from __future__ import annotations

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from jupyter_securecollab.errors import CannotHold, Invalid, NotFound
from jupyter_securecollab.frames.disclosure import Disclosure, Rules, disclosures

LIBRARIES = {"pandas": lambda frame: frame, "polars": pl.from_pandas, "pyarrow": pa.Table.from_pandas}


def table(*cells: tuple[str | None, list[float], str]) -> pd.DataFrame:
    """Rows of (ward, amount, illness): one cell per ward, an amount per row, illnesses letter by letter."""
    rows = [
        (ward, amount, ill) for ward, amounts, illness in cells for amount, ill in zip(amounts, illness, strict=True)
    ]
    return pd.DataFrame(rows, columns=["ward", "amount", "illness"])


SAFE = ("safe", [10.0, 11, 12, 13, 14, 15], "aabbcc")


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_table_that_gives_nothing_away_breaks_no_rule(library: str) -> None:
    frame = LIBRARIES[library](table(SAFE, ("too", [1.0] * 7, "abcabca")))
    assert disclosures(frame, ["ward"], totals=["amount"], sensitive=["illness"], earlier=frame) == ()


@pytest.mark.parametrize("library", LIBRARIES)
def test_cells_of_few_rows_are_named_missing_values_too(library: str) -> None:
    frame = LIBRARIES[library](table(SAFE, ("few", [1.0] * 4, "abcd"), (None, [1.0], "a")))
    assert disclosures(frame, ["ward"]) == (
        Disclosure("small cell", ("few",), 4), Disclosure("small cell", (None,), 1)
    )  # fmt: skip
    assert len(disclosures(frame, ["ward"], rules=Rules(smallest=2))) == 1


def test_totals_made_up_by_few_are_dominated() -> None:
    frame = table(SAFE, ("two", [50.0, 40, 1, 1, 1, 1], "abcabc"), ("loss", [-50.0, -40, 1, 1, 1, 1], "abcabc"))
    found = [one for one in disclosures(frame, ["ward"], totals=["amount"]) if one.rule == "dominance"]
    assert [(one.cell, one.column) for one in found] == [(("two",), "amount"), (("loss",), "amount")]


def test_the_largest_is_not_to_be_worked_out_by_the_second() -> None:
    rules = Rules(dominance=100)
    close = table(("x", [100.0, 50, 4, 4, 4], "abcab"))  # the rest, 12, is less than 15 % of 100
    far = table(("x", [100.0, 50, 5, 5, 5], "abcab"))
    assert [one.rule for one in disclosures(close, ["ward"], totals=["amount"], rules=rules)] == ["p percent"]
    assert disclosures(far, ["ward"], totals=["amount"], rules=rules) == ()


def test_a_cell_in_which_all_are_alike_tells_about_each() -> None:
    frame = table(SAFE, ("alike", [10.0] * 6, "aaaaaa"))
    (found,) = disclosures(frame, ["ward"], sensitive=["illness"])
    assert found == Disclosure("class disclosure", ("alike",), 6, "illness")


def test_two_releases_differ_by_one_person() -> None:
    before = table(SAFE, ("b", [1.0] * 9, "abcabcabc"))
    after = pd.concat([before, table(("b", [1.0], "a"), ("new", [1.0] * 6, "abcabc"))], ignore_index=True)
    (found,) = disclosures(after, ["ward"], earlier=before)
    assert found == Disclosure("differencing", ("b",), 10)


def test_empty_tables_break_nothing_and_cells_have_every_column_they_are_grouped_by() -> None:
    frame = table(SAFE)
    assert disclosures(frame.head(0), ["ward"], totals=["amount"], sensitive=["illness"], earlier=frame) == ()
    found = disclosures(frame.assign(year=2020), ["ward", "year", "illness"])
    assert {one.cell for one in found} == {("safe", "2020", ill) for ill in "abc"}


@pytest.mark.parametrize(
    ("by", "totals", "error"),
    [
        ([], [], Invalid),
        (["ward", "ward"], [], Invalid),
        (["nowhere"], [], NotFound),
        (["ward"], ["illness"], CannotHold),
    ],
)
def test_what_cannot_be_checked_is_refused(by: list[str], totals: list[str], error: type[Exception]) -> None:
    with pytest.raises(error):
        disclosures(table(SAFE), by, totals=totals)


def test_totals_of_what_is_infinite_are_refused_and_what_is_missing_adds_nothing() -> None:
    with pytest.raises(CannotHold, match="infinite"):
        disclosures(table(("x", [1.0, float("inf")], "ab")), ["ward"], totals=["amount"])
    gap = pa.table({"ward": ["x"] * 7, "amount": [1.0, 1, 1, 1, 1, 1, float("nan")]})
    assert disclosures(gap, ["ward"], totals=["amount"]) == ()


def test_cells_of_any_type_are_written_out() -> None:
    bad = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"a\xff")])
    columns = (bad, pa.array([b"a\xff"]), pa.array([b"a\xff"], pa.binary(2)))
    assert {disclosures(pa.table({"x": one}), ["x"])[0].cell for one in columns} == {("a\ufffd",)}
    months = pd.DataFrame({"x": pd.period_range("2024-01", periods=2, freq="M")})
    assert len(disclosures(months, ["x"])) == 2
