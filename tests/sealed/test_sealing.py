"""Sealing and opening as processes: order, memory, progress, interruption, faults of store and network."""

import threading
from dataclasses import replace
from itertools import islice

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from jupyter_securecollab.errors import CannotHold, Conflict, LimitExceeded, SealBroken, Unavailable
from jupyter_securecollab.manifest import top_hash
from jupyter_securecollab.model import Label, Level
from jupyter_securecollab.sealed import arrow
from jupyter_securecollab.sealed import sealing as sealing_module
from jupyter_securecollab.sealed.blob import open_blob, prepare_file
from jupyter_securecollab.sealed.frame import open_frame, prepare_frame
from jupyter_securecollab.sealed.streams import Limits

KEYS = dict.fromkeys(Level, b"k" * 32)


def _frame(columns=20, rows=100):
    return pd.DataFrame({f"c{i}": np.arange(rows) + i for i in range(columns)})


def test_parts_come_lowest_level_first_and_one_object_each(seal):
    prepared = prepare_frame(_frame(3), {"c0": Label(level=Level.SECRET), "c1": Label(level=Level.PUBLIC)})
    parts = [
        (part.level, part.partition, len(b"".join(part.chunks)) > 0)
        for part in prepared.seal(asset="a", version="v", keys=KEYS).parts()
    ]
    assert parts == [(level, 0, True) for level in (Level.PUBLIC, Level.INTERNAL, Level.SECRET)]


def test_an_empty_level_has_no_object(seal):
    sealed = seal(prepare_frame(pd.DataFrame(index=range(3)), {}))
    assert sealed.objects == {}
    assert sealed.open().shape == (3, 0)


def test_same_frame_sealed_twice_shares_no_ciphertext(seal):
    prepared = prepare_frame(_frame(), {})
    first, second = seal(prepared), seal(prepared)
    assert first.objects != second.objects
    assert first.levels != second.levels
    assert first.fingerprint == second.fingerprint


def test_progress_runs_up_to_the_total(seal):
    seen = []
    sealed = seal(prepare_frame(_frame(), {}), progress=lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert seen[-1][0] == seen[-1][1] > 0
    opened = []
    sealed.open(progress=lambda done, total: opened.append((done, total)))
    assert opened[-1] == (len(sealed.objects[Level.INTERNAL, 0]),) * 2


def test_finishing_before_the_end_is_refused():
    sealing = prepare_frame(_frame(2), {}).seal(asset="a", version="v", keys=KEYS)
    with pytest.raises(Conflict):
        sealing.finish(b"key")
    for part in sealing.parts():
        for _ in part.chunks:
            pass
    assert sealing.finish(b"key").levels


def test_a_part_left_half_stored_is_noticed():
    labels = {"c0": Label(level=Level.SECRET)}
    parts = prepare_frame(_frame(2), labels).seal(asset="a", version="v", keys=KEYS).parts()
    next(iter(next(parts).chunks))
    with pytest.raises(Conflict):
        next(parts)


@pytest.mark.parametrize("cut", range(0, 12, 3))
def test_a_part_can_be_had_again_from_its_beginning_and_the_last_time_counts(seal, cut):
    frame = _frame(6)
    labels = {"c0": Label(level=Level.PUBLIC), "c1": Label(level=Level.SECRET), "c2": Label(level=Level.SECRET)}
    prepared, seen, given_up = prepare_frame(frame, labels), [], []
    whole, objects = seal(prepared), {}
    sealing = prepared.seal(
        asset="a1", version="v1", keys=whole.keys, progress=lambda done, total: seen.append((done, total))
    )
    for part in sealing.parts():
        given_up.append(b"".join(islice(part.chunks, cut)))
        objects[part.level, part.partition] = b"".join(part.chunks)
    made = sealing.finish(b"fingerprint key")
    assert made.fingerprint == whole.fingerprint and seen[-1][0] == seen[-1][1]
    assert not any(again.startswith(first) for first, again in zip(given_up, objects.values(), strict=True) if first)
    pd.testing.assert_frame_equal(replace(whole, top=made.top, levels=made.levels, objects=objects).open(), frame)


def test_abandoned_sealing_leaves_no_thread_behind():
    before = threading.active_count()
    parts = prepare_frame(_frame(50, 50_000), {}).seal(asset="a", version="v", keys=KEYS).parts()
    next(iter(next(parts).chunks))
    parts.close()
    assert threading.active_count() == before


def test_only_a_few_batches_are_sealed_ahead(monkeypatch):
    started = []
    real = sealing_module.pack
    monkeypatch.setattr(sealing_module, "pack", lambda *arguments: (started.append(1), real(*arguments))[1])
    parts = prepare_frame(_frame(50), {}).seal(asset="a", version="v", keys=KEYS).parts()
    next(iter(next(parts).chunks))
    parts.close()
    assert len(started) <= sealing_module.THREADS + 2


def test_errors_of_the_store_come_through_as_they_are(seal):
    sealed = seal(prepare_frame(_frame(2), {}))

    def fetch(level, partition, start, stop):
        raise Unavailable("the store does not answer")

    sealed.fetch = fetch
    with pytest.raises(Unavailable):
        sealed.open()


@pytest.mark.parametrize("returned", [b"", b"short", b"\x00" * 10_000])
def test_wrong_bytes_from_the_store_are_opaque(seal, returned):
    sealed = seal(prepare_frame(_frame(2), {}))
    sealed.fetch = lambda *_: returned
    with pytest.raises(SealBroken):
        sealed.open()


def test_a_missing_or_wrong_key_is_opaque(seal):
    sealed = seal(prepare_frame(_frame(2), {}))
    for keys in ({}, dict.fromkeys(sealed.stream_keys(), b"w" * 32), dict.fromkeys(sealed.stream_keys(), b"short")):
        with pytest.raises(SealBroken):
            open_frame(sealed.top, sealed.levels, keys, sealed.fetch, expected_top_hash=None)
    opened = open_frame(sealed.top, sealed.levels, sealed.stream_keys(), sealed.fetch, expected_top_hash=None)
    pd.testing.assert_frame_equal(opened, _frame(2))


def test_the_log_decides_which_manifest_is_right(seal):
    old, new = (seal(prepare_frame(_frame(2, rows), {}), version=f"v{rows}") for rows in (3, 4))
    new.expected = None
    old.expected = top_hash(new.top)
    with pytest.raises(SealBroken):
        old.open()


def test_every_flipped_byte_of_an_object_is_noticed(seal):
    sealed = seal(prepare_frame(pd.DataFrame({"a": ["x", "y"]}), {}))
    whole = sealed.objects[Level.INTERNAL, 0]
    for at in range(len(whole)):
        sealed.objects[Level.INTERNAL, 0] = whole[:at] + bytes([whole[at] ^ 0x80]) + whole[at + 1 :]
        with pytest.raises(SealBroken):
            sealed.open()


def test_memory_limit_is_checked_before_anything_is_fetched(seal):
    table = pa.table({"a": pa.array(np.zeros(1_000_000)), "b": pa.nulls(1_000_000)})
    sealed = seal(prepare_frame(table, {}))
    for columns in (["a"], ["b"]):
        with pytest.raises(LimitExceeded, match="bytes of memory"):
            sealed.open(columns=columns, limits=Limits(memory=4_000_000))
    assert sealed.fetched == []
    assert sealed.open(limits=Limits(memory=20_000_000)).num_rows == 1_000_000


def test_file_comes_back_whatever_its_size(seal, tmp_path, monkeypatch):
    monkeypatch.setattr("jupyter_securecollab.sealed.blob.PIECE", 100_000)
    for size in (0, 1, 99_999, 100_000, 100_001, 350_000):
        content = np.random.default_rng(size).bytes(size)
        path = tmp_path / "file"
        path.write_bytes(content)
        for source in (content, path):
            sealed = seal(prepare_file(source, Label(level=Level.CONFIDENTIAL)))
            assert sealed.open(using=open_blob) == content
            assert set(sealed.levels) == {Level.CONFIDENTIAL}


def test_file_that_is_not_there_or_shrinks_is_refused(seal, tmp_path):
    with pytest.raises(CannotHold, match="is not a file"):
        prepare_file(tmp_path / "nothing", Label())
    path = tmp_path / "file"
    path.write_bytes(b"x" * 1000)
    prepared = prepare_file(path, Label())
    path.write_bytes(b"x" * 10)
    with pytest.raises(CannotHold, match="changed"):
        seal(prepared)


def test_pieces_of_a_file_cannot_be_exchanged(seal, monkeypatch):
    monkeypatch.setattr("jupyter_securecollab.sealed.blob.PIECE", 1000)
    sealed = seal(prepare_file(np.random.default_rng(0).bytes(2000), Label()))
    whole = sealed.objects[Level.INTERNAL, 0]
    half = len(whole) // 2
    sealed.objects[Level.INTERNAL, 0] = whole[half:] + whole[:half]
    with pytest.raises(SealBroken):
        sealed.open(using=open_blob)


def test_a_file_is_not_opened_as_a_frame_nor_the_other_way(seal):
    file, frame = seal(prepare_file(b"x", Label())), seal(prepare_frame(_frame(1), {}))
    for sealed, using in ((file, open_frame), (frame, open_blob)):
        with pytest.raises(SealBroken):
            sealed.open(using=using)


def test_batches_are_cut_by_size_where_rows_are_uneven(seal, monkeypatch):
    monkeypatch.setattr(arrow, "_SLICE_BYTES", 1000)
    table = pa.table({"a": ["x" * 20_000, *["y"] * 500, "z" * 20_000]})
    sealed = seal(prepare_frame(table, {}))
    assert sealed.open().equals(table)
    batches = sealed.manifest(Level.INTERNAL).streams[0].batches
    assert sorted(batch.rows for batch in batches if batch.raw > 10_000) == [1, 1]


def test_a_single_value_too_large_for_a_batch_is_refused_naming_the_column(monkeypatch):
    monkeypatch.setattr(arrow, "_SLICE_BYTES", 100)
    monkeypatch.setattr(arrow, "BATCH_RAW", 2000)
    with pytest.raises(CannotHold, match="bad name"):
        prepare_frame(pa.table({"bad name": ["x", "y" * 3000]}), {})
    assert prepare_frame(pa.table({"good": ["y" * 300] * 20}), {}).rows == 20
