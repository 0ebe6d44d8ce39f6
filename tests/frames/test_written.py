"""Masks are written into memory of their own: what they hold, in how many pieces, and what lies beside them."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from jupyter_securecollab.frames import coded, shuffling, uniques, written
from jupyter_securecollab.frames.keyed import MaskKey
from jupyter_securecollab.frames.mask import mask_column

KEY = MaskKey(bytes(range(32)))
ROWS = 100_000
POOLS: list[pa.MemoryPool] = []  # what lies in them may outlive the test, so they have to


def texts(distinct: int) -> pa.ChunkedArray[Any]:
    """Addresses of which one in eleven is null, in several arrays."""
    values = [None if row % 11 == 3 else f"person{row * 7919 % distinct:08d}@example.org" for row in range(ROWS)]
    return pa.chunked_array([values[:5], [], values[5:60_000], values[60_000:]], pa.large_string())


def needed(values: Any, how: str) -> float:
    """What masking takes of memory at most, masks included, as a multiple of the column.

    Memory that is asked for and never written to counts here.
    """
    mask_column(values.slice(0, 100), how, "email", key=KEY)
    before, pool = pa.default_memory_pool(), pa.proxy_memory_pool(pa.default_memory_pool())
    POOLS.append(pool)
    pa.set_memory_pool(pool)
    tracemalloc.start()
    try:
        masked = mask_column(values, how, "email", key=KEY)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        pa.set_memory_pool(before)
    assert len(masked) == len(values)
    return (peak + (pool.max_memory() or 0)) / values.nbytes


@pytest.mark.parametrize(
    ("distinct", "how", "limit"), [(ROWS, "pseudonym", 2.0), (ROWS // 5, "pseudonym", 2.0), (ROWS, "token", 3.4)]
)
def test_little_lies_beside_the_masks(distinct: int, how: str, limit: float, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, size in (("BLOCK", 512), ("SAMPLE", 2_048), ("_FEW", 256)):
        monkeypatch.setattr(uniques, name, size)
    assert 0.5 < needed(texts(distinct), how) <= limit


@pytest.mark.parametrize(
    "values", [pa.array(np.arange(ROWS, dtype=np.int32)), texts(50).combine_chunks().dictionary_encode()]
)
def test_nothing_as_long_as_the_column_lies_beside_shuffled_values(
    values: pa.Array[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in ((uniques, "BLOCK"), (shuffling, "_BLOCK"), (shuffling, "_BUCKET"), (coded, "_PART")):
        monkeypatch.setattr(module, name, 512)
    assert 0.9 < needed(values, "shuffle") <= 1.6


def buffers(values: pl.Series) -> dict[int, int]:
    """Where the texts of a column of polars lie, and how long each piece is."""
    chunks: list[Any] = [one.to_arrow(compat_level=pl.CompatLevel.newest()) for one in values.get_chunks()]
    return {one.address: one.size for chunk in chunks for one in chunk.buffers() if one}


def test_polars_holds_equal_masks_once_and_apart_from_what_they_were_made_of() -> None:
    values = pl.Series([f"person{row % 1_000:08d}@example.org" for row in range(ROWS)])
    made = mask_column(values, "token", None, key=KEY)
    views = 16 * ROWS
    assert views < sum(buffers(made).values()) < views + 100 * 1_000 < views + 58 * ROWS
    assert not buffers(made).keys() & buffers(values).keys()
    assert mask_column(values.to_arrow(), "token", None, key=KEY).to_pylist() == made.to_list()
    assert mask_column(values.clear(), "token", None, key=KEY).equals(values.clear())


@pytest.mark.parametrize("distinct", [ROWS, 100])
def test_texts_beyond_what_one_array_may_hold_come_in_several(distinct: int, monkeypatch: pytest.MonkeyPatch) -> None:
    values = texts(distinct)
    whole = mask_column(values, "pseudonym", "email", key=KEY)
    monkeypatch.setattr(written, "_LARGEST", 100_000)
    made = mask_column(values, "pseudonym", "email", key=KEY)
    made.validate(full=True)
    assert whole.num_chunks == 1 and made.num_chunks > 9 and made.equals(whole)
    assert all(chunk.cast(pa.string()).nbytes < 200_000 for chunk in made.chunks)


def test_a_text_larger_than_one_array_may_hold_comes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(written, "_LARGEST", 10)
    parts = [(pa.array(["a" * 50, "b", "c" * 50, "d"], pa.large_string()), np.array([True, True, False, True, True]))]
    made = written.in_order(parts, pa.chunked_array([[1, 2, None, 3, 4]]))
    assert made.to_pylist() == ["a" * 50, "b", None, "c" * 50, "d"] and made.num_chunks > 1


def test_texts_that_grow_longer_than_the_first_ones_find_room() -> None:
    parts = [pa.array(["a"] * 10, pa.large_string()), pa.array(["b" * 1_000] * 10, pa.large_string())]
    made = written.in_order([(part, None) for part in parts], pa.chunked_array([range(20)]))
    assert made.to_pylist() == ["a"] * 10 + ["b" * 1_000] * 10


def test_no_part_is_no_column() -> None:
    with pytest.raises(ValueError, match="at least one"):
        written.in_order([], pa.chunked_array([[1]]))
