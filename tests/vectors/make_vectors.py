"""Writes the sealed-format vectors: `python tests/vectors/make_vectors.py`. Deterministic for given library versions.

Each file is one sealed version as a reader receives it: manifests, stream keys, objects, the hash the log vouches for,
and what opening must give: values for `good/`, the error's wire code for `bad/`. They are written with the foreign
implementation in tests/sealed, so that a fault of the package's own writer cannot hide in them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from pathlib import Path

import pyarrow as pa
import rfc8785

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "sealed"))

import foreign  # noqa: E402  (found through the line above)

KEYS = {level: hashlib.sha256(f"vector key {level}".encode()).digest() for level in ("internal", "secret")}
TEXT = {"name": "string"}
NUMBER = {"name": "int64"}


def b64(data):
    return base64.b64encode(data).decode()


_LEFT_OUT = ("column", "position")
"""Defaults that canonical bytes do not spell out."""


class Version:
    """A sealed version that can be taken apart: change `levels` (dicts) or `objects` (bytes), then `write`."""

    def __init__(self, asset="asset-1", version="version-1"):
        self.asset, self.version = asset, version
        self.salts = 0
        self.levels = {
            name: {
                "format": 1,
                "frame": {"library": "pyarrow"},
                "level": name,
                "rows": 3,
                "salt": b64(hashlib.sha256(f"salt {name} {version}".encode()).digest()),
                "streams": [],
            }
            for name in ("internal", "secret")
        }
        self.objects = {("internal", 0): b"", ("secret", 0): b""}
        self.top = {"asset": asset, "format": 1, "kind": "frame", "version": version}

    def add(self, level, column, array, described, *, batches=None, sealed_with=None, partition=0, **facts):
        """Seal one stream; `sealed_with` overrides parts of key and context, `batches` raw (rows, bytes) pairs."""
        streams = self.levels[level]["streams"]
        number = len(streams)
        raws = batches or [(len(array), foreign.message(array))]
        packed = [foreign.pack(raw) for _, raw in raws]
        sealed = self.encrypt(level, number, b"".join(packed), partition, sealed_with)
        start = len(self.objects.get((level, partition), b""))
        self.objects[level, partition] = self.objects.get((level, partition), b"") + sealed
        one = {
            "batches": [
                {"packed": len(small), "raw": len(raw), "rows": rows}
                for (rows, raw), small in zip(raws, packed, strict=True)
            ],
            "column": column,
            "label": {"confidence": 0, "confirmed_by": None, "evidence": "", "level": level, "tag": None},
            "number": number,
            "offset": start,
            "position": len([other for other in streams if other["role"] == "column"]),
            "role": "column",
            "sha256": b64(hashlib.sha256(sealed).digest()),
            "size": len(sealed),
            "type": described,
            **facts,
        }
        if partition:
            one["partition"] = partition
        streams.append(
            {key: value for key, value in one.items() if value is not None and (value or key not in _LEFT_OUT)}
        )

    def encrypt(self, level, number, plain, partition=0, other=None):
        self.salts += 1
        salt = hashlib.sha256(f"{self.version} {self.salts}".encode()).digest()[:24]
        parts = {
            "asset": self.asset,
            "version": self.version,
            "level": level,
            "partition": partition,
            "number": number,
        } | (other or {})
        key = foreign.stream_key(KEYS[level], parts["number"])
        return foreign.encrypt(key, foreign.stream_context(**parts), plain, salt)

    def stream(self, level, number):
        """Where a stream lies: object key, start, stop."""
        one = self.levels[level]["streams"][number]
        return (level, one.get("partition", 0)), one["offset"], one["offset"] + one["size"]

    def sealed(self, level, number):
        key, start, stop = self.stream(level, number)
        return self.objects[key][start:stop]

    def replace(self, level, number, sealed, vouch):
        """Exchange the bytes of a stream; `vouch` makes the manifest agree, as a lying sharer could."""
        key, start, stop = self.stream(level, number)
        self.objects[key] = self.objects[key][:start] + sealed + self.objects[key][stop:]
        if vouch:
            self.levels[level]["streams"][number]["sha256"] = b64(hashlib.sha256(sealed).digest())

    def flip(self, level, number, at, vouch):
        sealed = bytearray(self.sealed(level, number))
        sealed[at] ^= 1
        self.replace(level, number, bytes(sealed), vouch)

    def write(self, name, expected, *, level_bytes=None, top_bytes=None, columns=None, expected_top_hash=None, **more):
        levels = {level: rfc8785.dumps(found) for level, found in self.levels.items()} | (level_bytes or {})
        hashes = {level: b64(foreign.level_hash(found)) for level, found in levels.items()}
        if top_bytes is None:
            top_bytes = rfc8785.dumps({"levels": hashes} | self.top)
        keys = {
            f"{level}/{number}": b64(foreign.stream_key(KEYS[level], number)) for level in levels for number in range(8)
        }
        content = (
            {
                "columns": columns,
                "expected_top_hash": b64(expected_top_hash or foreign.top_hash(top_bytes)),
                "keys": keys,
                "levels": {level: b64(found) for level, found in levels.items()},
                "objects": {f"{level}/{partition}": b64(found) for (level, partition), found in self.objects.items()},
                "top": b64(top_bytes),
            }
            | expected
            | more
        )
        path = HERE / ("bad" if "error" in expected else "good") / f"{name}.json"
        path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")


def plain_version(version="version-1", asset="asset-1"):
    """Two columns of one type and a number below, one column above with a masked copy below."""
    made = Version(asset, version)
    made.add("internal", "a", pa.array(["x", "y", "z"]), TEXT)
    made.add("internal", "b", pa.array(["p", "q", "r"]), TEXT)
    made.add("internal", "n", pa.array([1, None, 3]), NUMBER)
    made.add("internal", "s", pa.array(["*", "*", "*"]), TEXT, masked="redact")
    made.add("secret", "s", pa.array(["one", "two", "three"]), TEXT, position=3)
    return made


VALUES = {"a": ["x", "y", "z"], "b": ["p", "q", "r"], "n": [1, None, 3], "s": ["one", "two", "three"]}
BROKEN = {"error": "seal_broken"}


def _packed_message(array):
    """A record batch whose buffers are compressed by Arrow: they declare their own size."""
    sink = pa.BufferOutputStream()
    batch = pa.record_batch([array], names=["v"])
    with pa.ipc.new_stream(sink, batch.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as stream:
        stream.write_batch(batch)
    reader = pa.ipc.MessageReader.open_stream(sink.getvalue())
    reader.read_next_message()  # the schema
    return reader.read_next_message().serialize().to_pybytes()


def good():
    plain_version().write("plain", {"values": VALUES})
    plain_version().write("one_column", {"values": {"n": [1, None, 3]}}, columns=["n"])
    made = Version()
    made.add("internal", "c", pa.array(["u", "v"]), TEXT, role="categories", label=None)
    codes = {"categories": 0, "held": {"kind": "dictionary"}}
    made.add("internal", "c", pa.array([1, None, 0], pa.int8()), {"name": "int8"}, **codes)
    made.levels.pop("secret")
    made.objects.pop(("secret", 0))
    made.write("categories", {"values": {"c": ["v", None, "u"]}})
    made = Version()
    rows = [foreign.message(pa.array(part)) for part in ([1, 2], [3])]
    made.add("internal", "n", None, NUMBER, batches=[(2, rows[0]), (1, rows[1])])
    made.write("several_batches", {"values": {"n": [1, 2, 3]}})
    made = Version()
    made.add("internal", "n", pa.array([1, 2, 3]), NUMBER, partition=1)
    made.write("another_partition", {"values": {"n": [1, 2, 3]}})


REGIONS = {"salt": 0, "commitment": 30, "ciphertext": 60, "tag": -1}


def bad_bytes():
    for region, at in REGIONS.items():
        for vouch in (False, True):
            made = plain_version()
            made.flip("internal", 0, at, vouch)
            made.write(f"flipped_{region}{'_vouched' if vouch else ''}", BROKEN)
    made = plain_version()
    made.objects["secret", 0] = made.objects["secret", 0][:-1]
    made.write("truncated_object", BROKEN)
    made = plain_version()
    made.replace("secret", 0, made.sealed("secret", 0)[:-16], vouch=True)
    made.write("truncated_at_tag_vouched", BROKEN)
    made = plain_version()
    made.objects = {
        (other, 0): made.objects[level, 0] for level, other in (("internal", "secret"), ("secret", "internal"))
    }
    made.write("swapped_level_objects", BROKEN)
    made = plain_version()
    sealed = made.encrypt("internal", 0, foreign.pack(foreign.message(pa.array(["x", "y", "!"]))))
    made.replace("internal", 0, sealed, vouch=False)
    made.write("forged_with_the_level_key", BROKEN)
    made = plain_version()
    packed = foreign.pack(foreign.message(pa.array(["x", "y", "z"])))
    size = made.levels["internal"]["streams"][0]["size"]
    made.replace("internal", 0, packed.ljust(size, b"\x00"), vouch=True)
    made.write("plaintext_for_ciphertext_vouched", BROKEN)
    made = plain_version()
    made.objects["internal", 0] = foreign.message(pa.array(["x", "y", "z"])).ljust(
        len(made.objects["internal", 0]), b"\x00"
    )
    made.write("plaintext_for_ciphertext", BROKEN)


def bad_context():
    made, old = plain_version(), plain_version("version-0")
    made.objects["internal", 0] = old.objects["internal", 0]
    made.write("replayed_version", BROKEN)
    made, old = plain_version(), plain_version("version-0")
    made.replace("internal", 0, old.sealed("internal", 0), vouch=True)
    made.write("replayed_version_vouched", BROKEN)
    made, now = plain_version("version-0"), plain_version()
    made.write("replayed_manifest", BROKEN, expected_top_hash=foreign.top_hash(_top_bytes(now)))
    for vouch in (False, True):
        made = plain_version()
        first, second = made.sealed("internal", 0), made.sealed("internal", 1)
        assert len(first) == len(second)
        made.replace("internal", 0, second, vouch)
        made.replace("internal", 1, first, vouch)
        made.write(f"swapped_columns_of_one_type{'_vouched' if vouch else ''}", BROKEN)
    made = plain_version()
    made.replace("internal", 0, made.sealed("internal", 1), vouch=True)
    made.write("transplanted_column_vouched", BROKEN)
    made = plain_version()
    made.levels["secret"]["streams"][0]["partition"] = 1
    made.objects["secret", 1] = made.objects.pop(("secret", 0))
    made.write("transplanted_partition_vouched", BROKEN)
    for part, wrong in {"asset": "asset-2", "version": "version-2", "level": "secret", "partition": 7}.items():
        made = Version()
        made.add("internal", "a", pa.array(["x", "y", "z"]), TEXT, sealed_with={part: wrong})
        made.write(f"wrong_context_{part}", BROKEN)


def _top_bytes(made):
    hashes = {level: b64(foreign.level_hash(rfc8785.dumps(found))) for level, found in made.levels.items()}
    return rfc8785.dumps({"levels": hashes} | made.top)


def bad_batches():
    """Properly sealed and vouched for, by somebody who lies about what is inside."""

    def one(name, batches, described=TEXT, error=BROKEN, rows=3, raw=None, **facts):
        made = Version()
        made.levels["internal"]["rows"] = made.levels["secret"]["rows"] = rows
        made.add("internal", "a", None, described, batches=batches, **facts)
        if raw is not None:
            made.levels["internal"]["streams"][0]["batches"][0]["raw"] = raw
        made.write(name, error)

    message = foreign.message(pa.array(["x", "y", "z"]))
    body = pa.array(["x", "y", "z"]).buffers()[1].to_pybytes()
    assert message.count(body[:16]) == 1
    one(
        "offsets_out_of_range",
        [(3, message.replace(body[:16], (0).to_bytes(4, "little") + (10**6).to_bytes(4, "little") * 3))],
    )
    one("offsets_falling", [(3, message.replace(body[:16], bytes([0, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0])))])
    one("not_utf8", [(3, message.replace(b"xyz", b"\xff\xfe\xfd"))])
    one("batch_larger_than_declared", [(3, message)], raw=len(message) - 8)
    one("batch_smaller_than_declared", [(3, message)], raw=len(message) + 8)
    one("more_rows_than_declared", [(3, foreign.message(pa.array(["x", "y", "z", "w"])))])
    one("fewer_rows_than_declared", [(3, foreign.message(pa.array(["x"])))])
    one("batch_of_another_type", [(3, message)], described=NUMBER)
    one("not_a_batch", [(3, b"no Arrow here at all, nothing")])
    one("empty_batch_bytes", [(3, b"")])
    schema = pa.schema([pa.field("v", pa.string())]).serialize().to_pybytes()
    one("schema_message_for_batch", [(3, schema)])
    one("compressed_within_the_batch", [(3, _packed_message(pa.array(["x", "y", "z" * 10_000])))])
    one("absurd_rows", [(3, message)], rows=2**41, error={"error": "limit_exceeded"})
    one("batch_of_absurd_rows", [(10**9, message)], rows=10**9, error={"error": "limit_exceeded"})
    one("batch_of_absurd_size", [(3, message)], raw=2**40, error={"error": "limit_exceeded"})
    wide = {"fields": [{"name": "item", "type": {"name": "int64"}}], "name": "fixed_size_list", "width": 2**31 - 1}
    one("list_of_absurd_width", [(3, message)], described=wide, error={"error": "limit_exceeded"})
    nothing = {"fields": [{"name": "item", "type": {"name": "null"}}], "name": "list"}
    one("list_of_nulls", [(3, message)], described=nothing)
    deep = TEXT
    for _ in range(40):
        deep = {"fields": [{"name": "item", "type": deep}], "name": "list"}
    one("types_nested_too_deep", [(3, message)], described=deep)
    one("extension_type", [(3, message)], described={"name": "extension"})
    one("dictionary_type", [(3, message)], described={"name": "dictionary"})
    one("timestamp_without_unit", [(3, message)], described={"name": "timestamp"})
    one("map_of_one_field", [(3, message)], described={"fields": [{"name": "k", "type": TEXT}], "name": "map"})
    one("decimal_of_absurd_precision", [(3, message)], described={"name": "decimal128", "precision": 99})


def bad_codes():
    for name, words, codes in [("beyond", ["u"], [0, 1, 0]), ("negative", ["u"], [0, -2, 0])]:
        made = Version()
        made.add("internal", "c", pa.array(words), TEXT, role="categories", label=None)
        facts = {"categories": 0, "held": {"kind": "dictionary"}}
        made.add("internal", "c", pa.array(codes, pa.int8()), {"name": "int8"}, **facts)
        made.write(f"codes_{name}_categories", BROKEN)
    made = Version()
    made.add(
        "internal", "c", pa.array([0, 0, 0], pa.int8()), {"name": "int8"}, categories=0, held={"kind": "dictionary"}
    )
    made.write("codes_that_are_their_own_categories", BROKEN)
    made = Version()
    made.add("internal", "c", pa.array([0, 0, 0], pa.int8()), {"name": "int8"}, held={"kind": "dictionary"})
    made.write("codes_without_categories", BROKEN)
    made = Version()
    made.add("internal", "c", pa.array([0, 0, 0], pa.int8()), {"name": "int8"}, held={"kind": "nobody knows"})
    made.write("unknown_kind_of_values", BROKEN)


def bad_manifests():
    made = plain_version()
    made.levels["internal"], made.levels["secret"] = made.levels["secret"], made.levels["internal"]
    made.write("swapped_level_manifests", BROKEN)
    level = rfc8785.dumps(plain_version().levels["internal"])
    changes = {
        "not_canonical_spaces": level.replace(b'"level":', b'"level": '),
        "not_canonical_order": level.replace(b'{"format":1,', b"{").replace(b'"rows":3', b'"rows":3,"format":1'),
        "not_canonical_number": level.replace(b'"rows":3', b'"rows":3e0'),
        "not_canonical_escape": level.replace(b'"internal"', b'"\\u0069nternal"'),
        "not_canonical_default": level.replace(b'"number":0', b'"nullable":true,"number":0'),
        "repeated_key": level.replace(b'"rows":3', b'"rows":3,"rows":3'),
        "unknown_field": level.replace(b'"rows":3', b'"rows":3,"zeal":1'),
        "unknown_field_of_a_stream": level.replace(b'"number":0', b'"nimber":0,"number":0'),
        "trailing_bytes": level + b"\n",
        "not_json": b"\x00" + level,
        "not_utf8_manifest": level.replace(b'"column":"a"', b'"column":"\xff"'),
        "unknown_level": level.replace(b'"level":"internal"', b'"level":"interna1"'),
        "negative_size": level.replace(b'"rows":3', b'"rows":-3'),
        "salt_too_short": level.replace(b'"salt":"', b'"salt":"AAAA"}').split(b"}")[0] + b"}",
        "unknown_role": level.replace(b'"role":"column"', b'"role":"cOlumn"'),
    }
    for name, changed in changes.items():
        assert changed != level, name
        plain_version().write(name, BROKEN, level_bytes={"internal": changed})
    future = level.replace(b'"format":1', b'"format":2,"further":true')
    plain_version().write("future_level_format", {"error": "unknown_format"}, level_bytes={"internal": future})
    plain_version().write(
        "ancient_level_format", BROKEN, level_bytes={"internal": level.replace(b'"format":1', b'"format":0')}
    )
    top = _top_bytes(plain_version())
    future = top.replace(b'"format":1', b'"format":2')
    plain_version().write("future_top_format", {"error": "unknown_format"}, top_bytes=future)
    plain_version().write("not_canonical_top", BROKEN, top_bytes=top + b" ")
    plain_version().write(
        "flipped_top_manifest",
        BROKEN,
        top_bytes=top.replace(b"asset-1", b"asset-3"),
        expected_top_hash=foreign.top_hash(top),
    )
    plain_version().write(
        "flipped_level_manifest", BROKEN, level_bytes={"internal": level.replace(b'"a"', b'"z"')}, top_bytes=top
    )
    plain_version().write("kind_of_another_object", BROKEN, top_bytes=top.replace(b'"kind":"frame"', b'"kind":"model"'))
    plain_version().write(
        "signatures_before_their_time", BROKEN, top_bytes=top.replace(b'"version"', b'"signatures":["x"],"version"')
    )
    plain_version().write("level_unknown_to_the_top", BROKEN, top_bytes=top.replace(b'"secret":', b'"public":'))


def bad_structure():
    def one(name, change, error=BROKEN):
        made = plain_version()
        change(made.levels["internal"], made.levels["secret"])
        made.write(name, error)

    one("rows_differ_across_levels", lambda low, high: high.update(rows=4) or high["streams"].clear())
    one("libraries_differ_across_levels", lambda low, high: high.update(frame={"library": "pandas"}))
    one("frame_facts_missing", lambda low, high: low.pop("frame"))
    one("rows_of_a_column_differ", lambda low, high: low["streams"][0]["batches"][0].update(rows=2))
    one("offsets_overlap", lambda low, high: low["streams"][1].update(offset=low["streams"][1]["offset"] - 1))
    one("offsets_with_a_gap", lambda low, high: low["streams"][1].update(offset=low["streams"][1]["offset"] + 1))
    one("first_stream_not_at_the_start", lambda low, high: high["streams"][0].update(offset=8))
    one("size_that_sealing_cannot_give", lambda low, high: low["streams"][3].update(size=low["streams"][3]["size"] + 1))
    one("absurd_offset", lambda low, high: low["streams"][3].update(offset=2**51), {"error": "limit_exceeded"})
    one("number_out_of_order", lambda low, high: low["streams"][0].update(number=1))
    one("position_beyond_the_columns", lambda low, high: high["streams"][0].update(position=9))
    one("column_twice_in_a_level", lambda low, high: low["streams"][1].update(column="a"))
    one("column_clear_at_two_levels", lambda low, high: high["streams"][0].update(column="a"))
    one("masked_copy_above_the_clear_column", lambda low, high: high["streams"][0].update(column="a", masked="redact"))
    one("label_of_another_level", lambda low, high: low["streams"][0]["label"].update(level="public"))
    one("column_without_type", lambda low, high: low["streams"][0].pop("type"))
    one("categories_that_are_a_column", lambda low, high: low["streams"][0].update(categories=1))
    one("categories_out_of_range", lambda low, high: low["streams"][0].update(categories=99))
    one(
        "range_among_index_levels",
        lambda low, high: [low["streams"][i].update(role=role) for i, role in ((0, "range"), (1, "index"))],
    )
    one("blob_in_a_frame", lambda low, high: low["streams"][3].update(role="blob"))
    made = plain_version()
    made.add(
        "internal",
        "",
        None,
        None,
        batches=[(0, b'{"fields":{"a":[["QVJST1c6ZXh0ZW5zaW9uOm5hbWU=","eA=="]]}}')],
        role="meta",
        label=None,
    )
    made.write("extension_name_in_field_metadata", BROKEN)
    made = plain_version()
    made.add("internal", "", None, None, batches=[(0, b"[" * 100_000)], role="meta", label=None)
    made.write("meta_nested_too_deep", BROKEN)
    made = plain_version()
    made.add("internal", "", None, None, batches=[(0, b"[1]")], role="meta", label=None)
    made.write("meta_that_is_no_object", BROKEN)
    made = plain_version()
    made.add("internal", "", None, None, batches=[(0, b"{" + b" " * 2**25 + b"}")], role="meta", label=None)
    made.write("meta_of_absurd_size", {"error": "limit_exceeded"})
    made = plain_version()
    numbers = pa.array([0, 3, 1, 1])
    made.add("internal", "(index)", numbers, NUMBER, role="range", column_kind="none")
    made.write("range_of_four_numbers", BROKEN)


if __name__ == "__main__":
    for folder in ("good", "bad"):
        (HERE / folder).mkdir(exist_ok=True)
        for old in (HERE / folder).glob("*.json"):
            old.unlink()
    good()
    for write in (bad_bytes, bad_context, bad_batches, bad_codes, bad_manifests, bad_structure):
        write()
