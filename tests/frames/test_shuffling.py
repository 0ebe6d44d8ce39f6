"""Shuffling: every order as likely as any other, and the same one whatever holds the values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from jupyter_securecollab.frames import shuffling
from jupyter_securecollab.frames.keyed import MaskKey
from jupyter_securecollab.frames.mask import mask_column
from jupyter_securecollab.frames.shuffling import order_by_chance, shuffled

KEY = MaskKey(bytes(range(32)))
FOUR = list(permutations(range(4)))
SPREAD = 5
"""Standard deviations that a chi-squared statistic may be away from its mean: one in two million is, by chance."""


def are_alike(counts: np.ndarray[Any, Any], freedom: int) -> bool:
    """Whether counts differ as they would by chance if all were as likely: neither more nor less."""
    expected = counts.sum() / counts.size
    statistic = float(((counts - expected) ** 2 / expected).sum())
    return abs(statistic - freedom) < SPREAD * (2 * freedom) ** 0.5


def orders(one: Callable[[int], Any]) -> np.ndarray[Any, Any]:
    """How often each order of four numbers comes out of this many tries."""
    seen = Counter(tuple(one(number)) for number in range(4_800))
    assert set(seen) <= set(FOUR)
    return np.array([seen[order] for order in FOUR])


@pytest.mark.parametrize("several", [True, False])
def test_all_orders_of_few_values_are_as_likely(several: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if several:
        monkeypatch.setattr(shuffling, "_BUCKET", 1)
    column = pa.chunked_array([pa.array(range(4))])
    assert are_alike(orders(lambda one: shuffled(column, MaskKey(one.to_bytes(32))).to_pylist()), 23)


def test_words_that_are_alike_are_drawn_again_rather_than_left_in_order() -> None:
    rng = np.random.default_rng(7)

    def few_bits(count: int) -> Any:
        return rng.integers(0, 8, count).astype(np.uint64) << np.uint64(61)

    assert are_alike(orders(lambda _: order_by_chance(4, few_bits).tolist()), 23)
    assert not are_alike(orders(lambda _: np.argsort(few_bits(4), kind="stable").tolist()), 23)


def test_values_come_from_everywhere_to_everywhere() -> None:
    rows = 64_000
    made = shuffled(pa.chunked_array([pa.array(range(rows))]), KEY).to_numpy()
    assert np.array_equal(np.sort(made), np.arange(rows))
    whence, where = made * 20 // rows, np.arange(rows) * 20 // rows
    met = np.bincount(whence * 20 + where, minlength=400)
    assert are_alike(met, 19 * 19)
    neighbours = np.bincount(whence[1:] * 20 + whence[:-1], minlength=400)
    assert are_alike(neighbours, 19 * 19)
    assert not are_alike(np.bincount(where * 20 + where, minlength=400), 19 * 19)


def plain(values: Any) -> list[Any]:
    found = values.to_pylist() if hasattr(values, "to_pylist") else values.to_list()
    return [None if not isinstance(one, list) and pd.isna(one) else one for one in found]


MAKERS: dict[str, Callable[[list[int | None]], Any]] = {
    "arrow": lambda rows: pa.array(rows, pa.int64()),
    "arrow, bytes": lambda rows: pa.array([one and one % 128 for one in rows], pa.int8()),
    "arrow, chunks": lambda rows: pa.chunked_array([rows[:7], [], rows[7:]], pa.float32()),
    "arrow, truths": lambda rows: pa.array([one and one % 2 == 0 for one in rows], pa.bool_()),
    "arrow, texts": lambda rows: pa.array([one and f"n{one}" for one in rows]),
    "arrow, lists": lambda rows: pa.array([one and [one, one] for one in rows]),
    "arrow, categories": lambda rows: pa.array([one and f"n{one}" for one in rows]).dictionary_encode(),
    "pandas": lambda rows: pd.Series(rows, dtype="Int32"),
    "pandas, floats": lambda rows: pd.Series(rows, dtype="float64"),
    "pandas, texts": lambda rows: pd.Series([one and f"n{one}" for one in rows], dtype="str"),
    "pandas, categories": lambda rows: pd.Series([one and f"n{one}" for one in rows], dtype="category"),
    "pandas, few categories": lambda rows: pd.Series([one and one % 9 for one in rows], dtype="Int64").astype(
        "category"
    ),
    "polars": lambda rows: pl.Series(rows, dtype=pl.UInt16),
    "polars, texts": lambda rows: pl.Series([one and f"n{one}" for one in rows]),
    "polars, categories": lambda rows: pl.Series([one and f"n{one}" for one in rows], dtype=pl.Categorical),
    "polars, few categories": lambda rows: pl.Series([one and f"n{one % 9}" for one in rows], dtype=pl.Categorical),
}


@pytest.mark.parametrize("missing", [True, False])
@pytest.mark.parametrize("name", MAKERS)
def test_it_is_one_order_for_every_type_and_library(name: str, missing: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shuffling, "_BUCKET", 16)
    monkeypatch.setattr(shuffling, "_BLOCK", 64)
    rows = [None if missing and one % 5 == 3 else one for one in range(1, 700)]
    order = shuffled(pa.chunked_array([pa.array(rows, pa.int64())]), KEY).to_pylist()
    assert [one is None for one in order] == [one is None for one in rows] and order != rows
    given = MAKERS[name](rows)
    made = mask_column(given, "shuffle", None, key=KEY)
    assert plain(made) == plain(MAKERS[name](order)) and plain(given) == plain(MAKERS[name](rows))


def test_another_key_or_one_value_more_is_another_order() -> None:
    column = pa.chunked_array([pa.array(range(300))])
    made = shuffled(column, KEY)
    assert made.equals(shuffled(column, KEY))
    assert not made.equals(shuffled(column, MaskKey(bytes(32)))) and not made[:299].equals(shuffled(column[:299], KEY))
