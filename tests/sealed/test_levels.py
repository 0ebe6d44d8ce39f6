"""What a reader of some level gets: masked copies, positions, previews, and nothing at all of what lies above."""

import zlib

import msgspec
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from jupyter_securecollab.errors import CannotHold, NotFound
from jupyter_securecollab.manifest import columns_of, parse_top, part_sizes, select, verify
from jupyter_securecollab.model import Label, Level
from jupyter_securecollab.sealed.frame import Twin, prepare_frame

CANARY = "CANARYcanary42"
SECRET = Label(level=Level.SECRET, tag="us_ssn", evidence="shape", confirmed_by="alice")
CONFIDENTIAL = Label(level=Level.CONFIDENTIAL)
PUBLIC = Label(level=Level.PUBLIC)


def _patients():
    return pd.DataFrame(
        {
            "ssn": ["078-05-1120", "219-09-9999", None],
            "age": [1, 2, 3],
            "city": ["x", "y", "z"],
            "diagnosis": pd.Categorical(["flu", "cold", "flu"]),
            "note": ["a", "b", "c"],
        }
    )


LABELS = {"ssn": SECRET, "city": PUBLIC, "diagnosis": CONFIDENTIAL}


def _twins():
    return {
        "ssn": Twin(pd.Series(["***-1120", "***-9999", None]), "partial", Level.INTERNAL),
        "diagnosis": Twin(pd.Series(["[REDACTED]"] * 3), "redact", Level.PUBLIC),
    }


def test_each_level_gets_its_columns_in_the_frames_order(seal):
    sealed = seal(prepare_frame(_patients(), LABELS, _twins()))
    assert list(sealed.open(Level.PUBLIC)) == ["city", "diagnosis"]
    assert list(sealed.open(Level.INTERNAL)) == ["ssn", "age", "city", "diagnosis", "note"]
    assert list(sealed.open(Level.CONFIDENTIAL)) == ["ssn", "age", "city", "diagnosis", "note"]
    pd.testing.assert_frame_equal(sealed.open(), _patients())


def test_a_masked_copy_gives_way_to_the_clear_column(seal):
    sealed = seal(prepare_frame(_patients(), LABELS, _twins()))
    assert sealed.open(Level.CONFIDENTIAL)["ssn"].tolist()[:2] == ["***-1120", "***-9999"]
    assert sealed.open(Level.CONFIDENTIAL)["diagnosis"].tolist() == ["flu", "cold", "flu"]
    assert sealed.open(Level.SECRET)["ssn"].tolist()[:2] == ["078-05-1120", "219-09-9999"]


def test_a_column_without_masked_copy_is_not_there(seal):
    sealed = seal(prepare_frame(_patients(), LABELS))
    assert list(sealed.open(Level.INTERNAL)) == ["age", "city", "note"]


@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize("rows", [None, 2, 0, 99])
def test_preview_is_what_is_opened(seal, level, rows):
    prepared = prepare_frame(_patients(), LABELS, _twins())
    opened = seal(prepared).open(level)
    pd.testing.assert_frame_equal(prepared.view(level, rows), opened if rows is None else opened.head(rows))


def test_hidden_and_unknown_columns_raise_the_same_error(seal):
    sealed = seal(prepare_frame(_patients(), LABELS))
    messages = []
    for name in ("ssn", "sss"):
        with pytest.raises(NotFound) as refusal:
            sealed.open(Level.INTERNAL, columns=["age", name])
        messages.append((str(refusal.value).replace(name, "?"), refusal.value.next_step))
    assert messages[0] == messages[1]
    assert sealed.open(Level.SECRET, columns=["ssn"]).shape == (3, 1)


def test_nothing_is_there_for_a_reader_below_every_level(seal):
    prepared = prepare_frame(_patients()[["ssn"]], {"ssn": SECRET})
    with pytest.raises(NotFound):
        prepared.view(Level.INTERNAL)
    sealed = seal(prepared)
    with pytest.raises(NotFound):
        sealed.open(Level.INTERNAL)
    assert sealed.open(Level.SECRET).shape == (3, 1)


def test_columns_come_in_the_order_asked_for_and_once(seal):
    sealed = seal(prepare_frame(_patients(), LABELS))
    assert list(sealed.open(columns=["note", "age", "note"])) == ["note", "age"]


def test_opening_one_column_fetches_and_needs_only_its_streams(seal):
    frame = pd.DataFrame({f"c{i}": np.random.default_rng(i).random(200_000) for i in range(12)})
    sealed = seal(prepare_frame(frame, {}))
    opened = sealed.open(columns=["c5"])
    pd.testing.assert_frame_equal(opened, frame[["c5"]])
    wanted = sealed.manifest(Level.INTERNAL).streams[5]
    assert sealed.fetched == [(Level.INTERNAL, 0, wanted.offset, wanted.offset + wanted.size)]
    assert list(sealed.stream_keys(columns=["c5"])) == [(Level.INTERNAL, 5)]


def test_small_neighbours_come_in_one_request(seal):
    sealed = seal(prepare_frame(_patients(), {}))
    sealed.open()
    assert len(sealed.fetched) == 1
    sealed.fetched.clear()
    sealed.open(columns=["ssn", "note"])
    assert len(sealed.fetched) == 2


def test_log_names_what_is_released(seal):
    frame = _patients().set_index("city")
    sealed = seal(prepare_frame(frame, LABELS, _twins()))
    levels = verify(parse_top(sealed.top), sealed.level_bytes(Level.INTERNAL))
    released = [stream for streams in select(levels, ["age"]).values() for stream in streams]
    assert columns_of(released) == ("age", "city")


def test_part_sizes_are_those_of_the_objects(seal):
    sealed = seal(prepare_frame(_patients(), LABELS, _twins()))
    for level in sealed.levels:
        assert part_sizes(sealed.manifest(level)) == {0: len(sealed.objects[level, 0])}


def test_a_masked_copy_carries_only_its_own_label(seal):
    sealed = seal(prepare_frame(_patients(), LABELS, _twins()))
    (copy,) = (one for one in sealed.manifest(Level.INTERNAL).streams if one.column == "ssn")
    assert (copy.label, copy.masked) == (Label(level=Level.INTERNAL), "partial")
    (clear,) = (one for one in sealed.manifest(Level.SECRET).streams if one.column == "ssn")
    assert (clear.label, clear.masked) == (SECRET, None)


TWIN_FAULTS = {
    "has 2 rows, not 3": {"ssn": Twin(pd.Series(["a", "b"]), "redact", Level.INTERNAL)},
    "not be below": {"ssn": Twin(pd.Series(["a"] * 3), "redact", Level.SECRET)},
    "is not a pandas column": {"ssn": Twin(["a"] * 3, "redact", Level.INTERNAL)},
    "not a column of this frame": {"nobody": Twin(pd.Series(["a"] * 3), "redact", Level.INTERNAL)},
    "mixed type": {"ssn": Twin(pd.Series(["a", 1, 2], dtype=object), "redact", Level.INTERNAL)},
}


@pytest.mark.parametrize("message", TWIN_FAULTS)
def test_masked_copies_that_do_not_fit_are_refused(message):
    with pytest.raises(CannotHold, match=message):
        prepare_frame(_patients(), LABELS, TWIN_FAULTS[message])


def test_index_levels_are_masked_and_hidden_like_columns(seal):
    index = pd.MultiIndex.from_arrays([["078-05-1120", "219-09-9999"], ["b", "c"], [1, 2]], names=["ssn", "ward", None])
    frame = pd.DataFrame({"x": [1, 2]}, index=index)
    labels = {"ssn": SECRET, "ward": CONFIDENTIAL, "(index 2)": PUBLIC}
    twins = {"ssn": Twin(pd.Series(["p1", "p2"]), "pseudonym", Level.INTERNAL)}
    sealed = seal(prepare_frame(frame, labels, twins))
    assert sealed.open(Level.PUBLIC).index.tolist() == [1, 2]
    assert sealed.open(Level.INTERNAL).index.tolist() == [("p1", 1), ("p2", 2)]
    assert sealed.open(Level.CONFIDENTIAL).index.tolist() == [("p1", "b", 1), ("p2", "c", 2)]
    pd.testing.assert_frame_equal(sealed.open(), frame)


def test_a_range_index_has_a_level_too(seal):
    frame = pd.DataFrame({"x": [1, 2]}, index=pd.RangeIndex(100, 104, 2, name="id"))
    sealed = seal(prepare_frame(frame, {"id": SECRET}))
    assert sealed.open(Level.INTERNAL).index.equals(pd.RangeIndex(2))
    assert sealed.open().index.equals(frame.index)


def test_attrs_and_axis_name_need_the_highest_level(seal):
    frame = _patients().rename_axis(columns="kind")
    frame.attrs = {"source": CANARY}
    sealed = seal(prepare_frame(frame, LABELS))
    assert sealed.open(Level.CONFIDENTIAL).attrs == {}
    assert sealed.open(Level.CONFIDENTIAL).columns.name is None
    assert (sealed.open().attrs, sealed.open().columns.name) == (frame.attrs, "kind")


def test_attrs_of_a_public_frame_are_internal(seal):
    frame = pd.DataFrame({"a": [1]})
    frame.attrs = {"source": "x"}
    sealed = seal(prepare_frame(frame, {"a": PUBLIC}))
    assert sealed.open(Level.PUBLIC).attrs == {}
    assert sealed.open(Level.INTERNAL).attrs == {"source": "x"}


def test_mixed_column_labels_above_leave_no_trace_below(seal):
    frame = pd.DataFrame([[1, 2]], columns=pd.Index(["a", 7], dtype=object))
    sealed = seal(prepare_frame(frame, {"7": SECRET}))
    plain = seal(prepare_frame(pd.DataFrame({"a": [1]}), {}))
    assert sealed.manifest(Level.INTERNAL).frame == plain.manifest(Level.INTERNAL).frame
    pd.testing.assert_index_equal(sealed.open().columns, frame.columns, exact=True)


def _hidden_nulls():
    """Values that hold the canary where a reader sees a missing value."""
    mask = pa.py_buffer(b"\x05")
    text = pa.array(["a", CANARY, "c"])
    numbers = pa.array([1, 0x59414E4143, 3])
    offsets = pa.array([0, 1, 2, 3], pa.int32())
    nulls = pa.array([False, True, False])
    masked = pa.Array.from_buffers(pa.string(), 3, [mask, *text.buffers()[1:]])
    record = pa.StructArray.from_arrays([text], names=["x"], mask=nulls)
    nested = pa.StructArray.from_arrays([pa.array([["a"], [CANARY], ["c"]])], names=["x"], mask=nulls)
    return {
        "text": masked,
        "numbers": pa.Array.from_buffers(pa.int64(), 3, [mask, numbers.buffers()[1]]),
        "list": pa.ListArray.from_buffers(pa.list_(pa.string()), 3, [mask, offsets.buffers()[1]], children=[text]),
        "list of masked": pa.ListArray.from_arrays(offsets, masked),
        "struct": record,
        "struct of list": nested,
        "list of struct": pa.ListArray.from_arrays(offsets, record),
        "large list of struct": pa.LargeListArray.from_arrays(offsets.cast(pa.int64()), record),
        "fixed list": pa.FixedSizeListArray.from_arrays(text, 1, mask=nulls),
        "fixed list of struct": pa.FixedSizeListArray.from_arrays(record, 1, mask=nulls),
        "map of struct": pa.MapArray.from_arrays(offsets, pa.array(["k", "k", "k"]), record),
        "empty struct": pa.array([{}, None, {}], pa.struct([])),
    }


@pytest.mark.parametrize("name", _hidden_nulls())
def test_nothing_is_left_under_missing_values(name):
    values = _hidden_nulls()[name]
    prepared = prepare_frame(pa.table({"x": values}), {})
    ((draft,),) = (level.drafts for level in prepared._levels.values())
    raw = b"".join(buffer.to_pybytes() for _, buffer in draft.pieces(None))
    assert CANARY.encode() not in raw
    assert b"CANAY" not in raw
    assert prepared.view(Level.INTERNAL)["x"].to_pylist() == values.to_pylist()


def test_masked_integers_hide_nothing(seal):
    values = pd.array([1, 0x59414E4143, 3], dtype="Int64")
    values[1] = pd.NA
    assert values._data[1] in (0x59414E4143, 1)  # what lies under the mask is pandas' own business
    prepared = prepare_frame(pd.DataFrame({"x": values}), {})
    ((draft,),) = (level.drafts for level in prepared._levels.values())
    assert b"CANAY" not in b"".join(buffer.to_pybytes() for _, buffer in draft.pieces(None))


def _with_canaries(library):
    values = [f"{CANARY}{i}" for i in range(40)]
    redacted = ["[REDACTED]"] * 40
    frame = pd.DataFrame({"open": range(40), f"name {CANARY}": values, "copied": values, "kept": ["x"] * 40})
    if library == "pandas":
        frame["copied"] = frame["copied"].astype("category")
        frame.index = pd.Index(values, name=f"index {CANARY}")
        frame.columns.name = f"axis {CANARY}"
        frame.attrs = {CANARY: CANARY}
        copy = pd.Series(pd.Categorical(redacted, categories=["[REDACTED]", *values]))
        return frame, copy
    if library == "polars":
        enum = pl.Enum([*values, "[REDACTED]"])
        return pl.from_pandas(frame).with_columns(pl.col("copied").cast(enum)), pl.Series(redacted, dtype=enum)
    table = pa.Table.from_pandas(frame).replace_schema_metadata({CANARY: CANARY})
    words = pa.array([*values, "[REDACTED]"])
    return table, pa.DictionaryArray.from_arrays(pa.array([40] * 40, pa.int8()), words)


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_no_canary_in_any_lower_object_or_manifest(seal, library):
    frame, copy = _with_canaries(library)
    labels = dict.fromkeys((f"name {CANARY}", "copied", f"index {CANARY}"), SECRET)
    prepared = prepare_frame(frame, labels, {"copied": Twin(copy, "redact", Level.INTERNAL)})
    sealed = seal(prepared)
    plain = b"".join(
        buffer.to_pybytes() for draft in prepared._levels[Level.INTERNAL].drafts for _, buffer in draft.pieces(None)
    )
    haystack = [sealed.levels[Level.INTERNAL], sealed.top, sealed.objects[Level.INTERNAL, 0], plain]
    needles = [CANARY.encode(), CANARY.encode("utf-16-le"), CANARY.encode("utf-32-le"), zlib.compress(CANARY.encode())]
    assert not [needle for needle in needles for hay in haystack if needle in hay]
    assert CANARY not in str(sealed.open(Level.INTERNAL))
    assert CANARY.encode() in sealed.levels[Level.SECRET]  # the scan finds what is there
    assert len(prepared._levels[Level.SECRET].drafts) > 2


def test_lower_manifest_is_the_same_whatever_lies_above(seal):
    """Positions, numbers, axis and sizes below do not depend on how many columns there are above, or where."""
    low = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    high = low.assign(s1=["p", "q"], s2=[1, 2])[["s1", "a", "s2", "b"]]
    labels = {"s1": SECRET, "s2": SECRET}
    plain, covered = (seal(prepare_frame(frame, labels)).manifest(Level.INTERNAL) for frame in (low, high))
    bare = [
        [msgspec.structs.replace(stream, sha256=bytes(32)) for stream in manifest.streams]
        for manifest in (plain, covered)
    ]
    assert bare[0] == bare[1]
    assert plain.salt != covered.salt


def test_rows_sorted_by_a_hidden_column_are_reported():
    frame = pd.DataFrame(
        {
            "rising": [1.5, 2.5, 2.5, np.nan],
            "falling": ["c", None, "b", "a"],
            "constant": [7, 7, 7, 7],
            "mixed": [1, 3, 2, 4],
            "lists": pd.Series([[1], [2], [3], [4]], dtype=object),
            "open": [1, 2, 3, 4],
            "ordered": pd.Categorical(["a", "a", "b", "b"]),
        }
    )
    labels = {name: SECRET for name in frame if name != "open"}
    prepared = prepare_frame(frame, labels)
    assert prepared.sorted_by_hidden(Level.INTERNAL) == ("rising", "falling", "ordered")
    assert prepared.sorted_by_hidden(Level.SECRET) == ()


def test_fingerprint_tells_unchanged_content_and_labels(seal):
    def fingerprint(frame, labels=None, twins=None, **options):
        return seal(prepare_frame(frame, LABELS if labels is None else labels, twins or {}), **options).fingerprint

    base = fingerprint(_patients())
    assert fingerprint(_patients(), version="v2", seed=b"other keys") == base
    changed = _patients()
    changed.loc[0, "age"] = 9
    attrs = _patients()
    attrs.attrs = {"a": 1}
    others = [
        fingerprint(changed),
        fingerprint(attrs),
        fingerprint(_patients().astype({"age": "int32"})),
        fingerprint(_patients()[["note", "ssn", "age", "city", "diagnosis"]]),
        fingerprint(_patients().rename(columns={"age": "years"})),
        fingerprint(_patients(), {**LABELS, "ssn": CONFIDENTIAL}),
        fingerprint(_patients(), twins=_twins()),
    ]
    assert len({base, *others}) == len(others) + 1


def test_fingerprint_depends_on_its_key(seal):
    prepared = prepare_frame(_patients(), {})
    sealing = prepared.seal(asset="a", version="v", keys={Level.INTERNAL: b"k" * 32})
    for part in sealing.parts():
        b"".join(part.chunks)
    assert sealing.finish(b"one").fingerprint != sealing.finish(b"two").fingerprint
