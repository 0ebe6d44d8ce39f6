"""A reader and writer of sealed frames that shares no code with the package.

Cobblestone from the C2SP chunked-encryption text, HKDF from RFC 5869, the rest from docs/spec/sealed.md; only JSON,
hashes, AES-GCM, zstd and pyarrow's own IPC are taken from libraries. It checks what the specification asks a reader to
check for integrity, no more: it is here to show that the text suffices.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import struct

import pyarrow as pa
import pyarrow.ipc
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

CHUNK = 16_384


def hkdf_expand(hash_name, prk, info, length):
    made, block, counter = b"", b"", 1
    while len(made) < length:
        block = hmac.new(prk, block + info + bytes([counter]), hash_name).digest()
        made, counter = made + block, counter + 1
    return made[:length]


# AEAD name: class and key length. Cobblestone-256 is the second with SHA-512; the construction allows others.
AEADS = {
    "AEAD_AES_128_GCM": (AESGCM, 16),
    "AEAD_AES_256_GCM": (AESGCM, 32),
    "AEAD_CHACHA20_POLY1305": (ChaCha20Poly1305, 32),
}


def secrets_of(key, salt, context, aead, hash_name):
    """AEAD key, base nonce, commitment."""
    size = AEADS[aead][1]
    if len(key) != size:
        raise ValueError("key length")
    info = b"c2sp.org/chunked-encryption@v1+" + aead.encode() + b"\x00" + salt + context
    made = hkdf_expand(hash_name, key, info, size + 12 + 32)
    return made[:size], made[size : size + 12], made[size + 12 :]


def _nonce(base, counter):
    return (int.from_bytes(base, "big") ^ counter).to_bytes(12, "big")


def encrypt(key, context, plain, salt, aead="AEAD_AES_256_GCM", hash_name="sha512"):
    made, base, commitment = secrets_of(key, salt, context, aead, hash_name)
    cipher = AEADS[aead][0](made)
    chunks = [plain[at : at + CHUNK] for at in range(0, len(plain), CHUNK)]
    if len(plain) % CHUNK == 0:
        chunks.append(b"")
    return salt + commitment + b"".join(cipher.encrypt(_nonce(base, i), chunk, b"") for i, chunk in enumerate(chunks))


def decrypt(key, context, sealed, aead="AEAD_AES_256_GCM", hash_name="sha512"):
    if len(sealed) < 24 + 32:
        raise ValueError("too short")
    salt, commitment, rest = sealed[:24], sealed[24:56], sealed[56:]
    made, base, expected = secrets_of(key, salt, context, aead, hash_name)
    if not hmac.compare_digest(commitment, expected):
        raise ValueError("commitment")
    cipher = AEADS[aead][0](made)
    chunks = [rest[at : at + CHUNK + 16] for at in range(0, len(rest), CHUNK + 16)]
    if not chunks or len(chunks[-1]) == CHUNK + 16:
        raise ValueError("the last chunk is missing")
    return b"".join(cipher.decrypt(_nonce(base, i), chunk, b"") for i, chunk in enumerate(chunks))


def stream_key(level_key, number):
    prk = hmac.new(bytes(32), level_key, "sha256").digest()
    return hkdf_expand("sha256", prk, b"securecollab/sealed/v1/stream" + struct.pack(">I", number), 32)


def stream_context(asset, version, level, partition, number):
    parts = ["1", asset, version, level, str(partition), str(number)]
    return b"".join(struct.pack(">I", len(part.encode())) + part.encode() for part in parts)


def level_hash(level_bytes):
    return hashlib.sha256(b"securecollab/sealed/v1/level\x00" + level_bytes).digest()


def top_hash(top_bytes):
    return hashlib.sha256(b"securecollab/sealed/v1/top\x00" + top_bytes).digest()


def pack(raw):
    return pa.Codec("zstd", compression_level=1).compress(raw, asbytes=True)


def message(array):
    return pa.record_batch([array], names=["v"]).serialize().to_pybytes()


_TYPES = {"float16": pa.float16, "float32": pa.float32, "float64": pa.float64, "bool": pa.bool_}


def arrow_type(described):
    name = described["name"]
    fields = [
        pa.field(one["name"], arrow_type(one["type"]), nullable=one.get("nullable", True))
        for one in described.get("fields", [])
    ]
    if name == "timestamp":
        return pa.timestamp(described["unit"], described.get("zone") or None)
    if name in ("time32", "time64", "duration"):
        return getattr(pa, name)(described["unit"])
    if name.startswith("decimal"):
        return getattr(pa, name)(described["precision"], described.get("scale", 0))
    if name == "fixed_size_binary":
        return pa.binary(described["width"])
    nested = {
        "list": lambda: pa.list_(fields[0]),
        "large_list": lambda: pa.large_list(fields[0]),
        "fixed_size_list": lambda: pa.list_(fields[0], described["width"]),
        "struct": lambda: pa.struct(fields),
        "map": lambda: pa.map_(fields[0], fields[1]),
    }
    return nested[name]() if name in nested else _TYPES.get(name, getattr(pa, name, None))()


def read_stream(stream, sealed, key, context):
    assert hashlib.sha256(sealed).digest() == base64.b64decode(stream["sha256"])
    plain = decrypt(key, context, sealed)
    schema = pa.schema([pa.field("v", arrow_type(stream["type"]))])
    arrays, at = [], 0
    for batch in stream["batches"]:
        raw = pa.Codec("zstd").decompress(plain[at : at + batch["packed"]], decompressed_size=batch["raw"])
        at += batch["packed"]
        read = pa.ipc.read_record_batch(raw, schema)
        read.validate(full=True)
        assert read.num_rows == batch["rows"]
        arrays.append(read.column(0))
    assert at == len(plain)
    return pa.chunked_array(arrays, schema.field(0).type)


def read_columns(top_bytes, expected_top_hash, levels, level_keys, objects):
    """Arrow values by column name: clear ones where there are any, categories applied. Index levels too."""
    assert top_hash(top_bytes) == expected_top_hash
    top = json.loads(top_bytes)
    found = {}
    for name in sorted(levels, key=["public", "internal", "confidential", "secret"].index):
        assert level_hash(levels[name]) == base64.b64decode(top["levels"][name])
        streams = json.loads(levels[name])["streams"]
        values = []
        for stream in streams:
            number, partition = stream["number"], stream.get("partition", 0)
            sealed = objects[name, partition][stream["offset"] : stream["offset"] + stream["size"]]
            context = stream_context(top["asset"], top["version"], name, partition, number)
            is_values = stream["role"] != "meta"
            values.append(
                read_stream(stream, sealed, stream_key(level_keys[name], number), context) if is_values else None
            )
        for stream in streams:
            if stream["role"] in ("column", "index"):
                one = values[stream["number"]]
                if "categories" in stream:
                    one = values[stream["categories"]].combine_chunks().take(one.combine_chunks())
                found[stream["column"]] = one
    return found
