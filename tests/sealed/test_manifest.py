"""The pure part that vault and kernel share: encoding, keys, contexts, selection."""

import msgspec
import pytest

from jupyter_securecollab.errors import LimitExceeded, NotFound, SealBroken, UnknownFormat
from jupyter_securecollab.manifest import (
    MANIFEST_BYTES,
    STREAMS,
    ArrowType,
    Batch,
    Frame,
    Held,
    LevelManifest,
    Stream,
    TopManifest,
    columns_of,
    encode,
    level_hash,
    parse_level,
    parse_top,
    part_sizes,
    sealed_size,
    select,
    stream_context,
    stream_key,
    top_hash,
    verify,
)
from jupyter_securecollab.model import Label, Level


def _level(*columns, level=Level.INTERNAL, rows=1, **facts):
    streams, offset = [], 0
    for number, column in enumerate(columns):
        column = {"column": column} if isinstance(column, str) else column
        base = {
            "number": number,
            "role": "column",
            "position": number,
            "label": Label(level=level),
            "type": ArrowType("int8"),
            "offset": offset,
            "size": sealed_size(8),
            "sha256": bytes(32),
            "batches": (Batch(rows, 100, 8),),
        }
        streams.append(Stream(**base | column))
        offset += sealed_size(8)
    return LevelManifest(1, level, bytes(32), rows, tuple(streams), Frame("pandas"), **facts)


def _top(*levels):
    return TopManifest(1, "a", "v", "frame", {level.level: level_hash(encode(level)) for level in levels})


def _round(manifest):
    data = encode(manifest)
    return parse_level(data, level_hash(data))


def test_manifests_survive_encoding():
    level = _level("a", "é")
    assert _round(level) == level
    top = _top(level)
    assert parse_top(encode(top)) == top
    assert verify(top, {Level.INTERNAL: encode(level)}) == {Level.INTERNAL: level}


def test_level_manifest_must_be_the_one_vouched_for():
    data = encode(_level("a"))
    with pytest.raises(SealBroken):
        parse_level(data, level_hash(data + b" "))
    with pytest.raises(SealBroken):
        verify(_top(), {Level.INTERNAL: data})


def test_hashes_of_top_and_level_differ_for_the_same_bytes():
    assert len({top_hash(b"x"), level_hash(b"x")}) == 2


def test_a_future_format_is_told_from_a_broken_one():
    with pytest.raises(UnknownFormat, match="format 9"):
        parse_top(b'{"anything":1,"format":9}')
    for broken in (b'{"format":"9"}', b"{}", b"[]", b"", b'{"format":9'):
        with pytest.raises(SealBroken) as refusal:
            parse_top(broken)
        assert type(refusal.value) is SealBroken


def test_limits_are_checked_before_parsing_and_after():
    with pytest.raises(LimitExceeded):
        parse_top(b" " * (MANIFEST_BYTES + 1))
    many = msgspec.structs.replace(_level("a"), streams=_level("a").streams * (STREAMS + 1))
    with pytest.raises(LimitExceeded):
        _round(many)


def test_stream_keys_differ_and_are_stable():
    keys = {stream_key(b"k" * 32, number) for number in range(100)} | {stream_key(b"l" * 32, 0)}
    assert len(keys) == 101
    assert all(len(key) == 32 for key in keys)
    assert stream_key(b"k" * 32, 7) in keys


def test_contexts_cannot_be_shifted_into_each_other():
    one = stream_context("ab", "c", Level.PUBLIC, 1, 2)
    assert one != stream_context("a", "bc", Level.PUBLIC, 1, 2)
    assert one != stream_context("ab", "c", Level.PUBLIC, 12, 2)
    assert one.startswith(b"\x00\x00\x00\x011")


@pytest.mark.parametrize("plain", [0, 1, 16_383, 16_384, 100_000])
def test_sealed_size_is_what_sealing_makes(plain):
    from cryptography.cobblestone import Cobblestone256Encryptor

    encryptor = Cobblestone256Encryptor(b"k" * 32, b"")
    assert len(encryptor.update(bytes(plain)) + encryptor.finalize()) == sealed_size(plain)


def test_selection_is_exact():
    words = {"column": "c", "role": "categories", "label": None}
    codes = {"column": "c", "categories": 0, "position": 0}
    low = _level(words, codes, {"column": "d", "position": 1}, {"column": "i", "role": "index", "position": 0})
    high = _level({"column": "e", "position": 1}, level=Level.SECRET)
    levels = {Level.INTERNAL: low, Level.SECRET: high}
    assert {level: [one.number for one in ones] for level, ones in select(levels, None).items()} == {
        Level.INTERNAL: [0, 1, 2, 3],
        Level.SECRET: [0],
    }
    only = select(levels, ["d"])
    assert {level: [one.number for one in ones] for level, ones in only.items()} == {Level.INTERNAL: [2, 3]}
    assert columns_of(only[Level.INTERNAL]) == ("d", "i")
    with pytest.raises(NotFound):
        select({Level.INTERNAL: low}, ["e"])
    with pytest.raises(NotFound):
        select(levels, ["i"])


def test_masked_copy_is_not_selected_where_the_clear_column_is():
    low = _level({"column": "s", "masked": "redact"})
    high = _level({"column": "s", "position": 0}, level=Level.SECRET)
    assert list(select({Level.INTERNAL: low}, None)) == [Level.INTERNAL]
    assert list(select({Level.INTERNAL: low, Level.SECRET: high}, None)) == [Level.SECRET]


def test_part_sizes_add_up_by_partition():
    size = sealed_size(8)
    level = _level(
        {"column": "a"}, {"column": "b", "partition": 1, "offset": 0}, {"column": "c", "partition": 1, "offset": size}
    )
    assert part_sizes(level) == {0: size, 1: 2 * size}
    with pytest.raises(SealBroken):
        part_sizes(_level({"column": "a", "offset": 1}))


SPELLED = {"": True, "UTC": True, "America/Argentina/Buenos_Aires": True, "Etc/GMT+5": True, "+05:30": True,
           "dateutil//etc/passwd": False, "dateutil/Europe/Berlin": False, "/etc/localtime": False,
           "tzlocal()": False, "../x": False, "\\\\host\\share": False, "UTC\n": False, "A" * 65: False}  # fmt: skip


@pytest.mark.parametrize("zone", SPELLED)
def test_a_time_zone_is_a_name_and_never_a_file(zone):
    level = _level({"column": "a", "type": ArrowType("timestamp", unit="us", zone=zone)})
    if SPELLED[zone]:
        assert _round(level) == level
    else:
        with pytest.raises(SealBroken):
            _round(level)


def test_texts_that_libraries_parse_are_short():
    """pandas takes minutes to see that a hundred thousand digits are no frequency."""
    level = _level({"column": "a", "held": Held("freq", detail="1" * 200)})
    assert _round(level) == level
    for held in (Held("freq", detail="1" * 201), Held("f" * 33)):
        with pytest.raises(SealBroken):
            _round(_level({"column": "a", "held": held}))
