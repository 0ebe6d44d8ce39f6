"""Few sealed bytes that would become many in memory: refused before they are, and honest columns like them are not."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from jupyter_securecollab.errors import CannotHold, LimitExceeded
from jupyter_securecollab.manifest import META_RAW
from jupyter_securecollab.model import Label, Level
from jupyter_securecollab.sealed.frame import prepare_frame
from jupyter_securecollab.sealed.streams import Limits

INTERNAL = Label(Level.INTERNAL)


def sealed_lists(seal, values):
    """A pandas object column of lists with these values inside, as a hostile sharer would write it."""
    frame = pd.DataFrame({"a": pd.Series([[1]], dtype=object)})
    prepared = prepare_frame(frame, {"a": INTERNAL})
    (slot,) = prepared._slots
    lists = pa.LargeListArray.from_arrays(pa.array([0, len(values)], pa.int64()), values)
    hostile = pa.chunked_array([lists])
    column = type(slot.column)(slot.column.name, slot.column.kind, hostile, slot.column.held)
    return seal(type(prepared)(prepared._taken, [type(slot)(slot.role, column, slot.label)]))


@pytest.mark.parametrize(
    "values",
    [
        pa.StructArray.from_buffers(pa.struct([]), 3_000_000, [None]),
        pa.array(np.zeros(3_000_000, dtype=bool)),
        pa.FixedSizeListArray.from_buffers(
            pa.list_(pa.int8(), 0), 3_000_000, [None], children=[pa.array([], pa.int8())]
        ),
    ],
    ids=["empty structs", "booleans", "lists of no length"],
)
def test_many_values_in_few_bytes_make_no_more_objects_than_the_limit_has_room_for(seal, values):
    sealed = sealed_lists(seal, values)
    with pytest.raises(LimitExceeded, match="Python objects"):
        sealed.open(limits=Limits(memory=2**26))
    assert len(sealed.open(limits=Limits(memory=2**29))["a"][0]) == 3_000_000


def test_all_columns_share_the_room(seal):
    frame = pd.DataFrame({name: pd.Series([["x"] * 1000] * 100, dtype=object) for name in "abcd"})
    sealed = seal(prepare_frame(frame, {}))
    with pytest.raises(LimitExceeded):
        sealed.open(limits=Limits(memory=64 * 300_000))
    assert sealed.open(columns=["a"], limits=Limits(memory=64 * 300_000)).shape == (100, 1)


def test_what_belongs_to_the_frame_as_a_whole_has_to_fit_too(seal):
    frame = pd.DataFrame({"a": [1]})
    frame.attrs = {"notes": [[]] * 1_000_000}
    sealed = seal(prepare_frame(frame, {}))
    with pytest.raises(LimitExceeded, match="Python objects"):
        sealed.open(limits=Limits(memory=2**25))
    assert sealed.open(limits=Limits(memory=2**28)).attrs == frame.attrs


def test_what_arrow_or_numpy_hold_counts_as_bytes_only(seal):
    numbers = pa.array([list(range(1000))] * 100)
    frame = pd.DataFrame({"a": pd.Series(numbers, dtype=pd.ArrowDtype(numbers.type)), "b": np.arange(100)})
    assert seal(prepare_frame(frame, {})).open(limits=Limits(memory=2**20)).shape == (100, 2)


def test_attrs_of_absurd_size_are_refused_before_sealing():
    frame = pd.DataFrame({"a": [1]})
    frame.attrs = {"text": "x" * META_RAW}
    with pytest.raises(CannotHold, match=r"df\.attrs"):
        prepare_frame(frame, {})
    frame.attrs = {"text": "x"}
    prepare_frame(frame, {})
