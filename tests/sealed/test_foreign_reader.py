"""A reader written from the texts alone opens what the package seals, and agrees with the published vectors."""

import base64
import datetime
import decimal
import hashlib
import json
import zlib
from importlib import resources

import foreign
import pandas as pd
import pyarrow as pa
import pytest
from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag

from jupyter_securecollab.manifest import top_hash
from jupyter_securecollab.model import Label, Level
from jupyter_securecollab.sealed.frame import prepare_frame

VECTORS = json.loads((resources.files("cryptography_vectors") / "chunked-encryption" / "vectors.json").read_bytes())[
    "vectors"
]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_foreign_chunked_encryption_agrees_with_the_published_vectors(vector):
    # The published file is of the time before Cobblestone was named and fixed to SHA-512: same construction, SHA-256.
    key, context, sealed = (
        bytes.fromhex(vector["key"]),
        vector["context"].encode(),
        base64.b64decode(vector["ciphertext"] or ""),
    )
    if vector.get("compressed"):
        sealed = zlib.decompress(sealed)
    if vector["expect"] == "success":
        made = foreign.secrets_of(key, sealed[:24], context, vector["aead"], "sha256")
        assert (made[0].hex(), made[1].hex()) == (vector["aead_key"], vector["base_nonce"])
        plain = foreign.decrypt(key, context, sealed, vector["aead"], "sha256")
        assert (len(plain), hashlib.sha256(plain).hexdigest()) == (vector["payload_length"], vector["payload_sha256"])
    else:
        with pytest.raises((ValueError, InvalidTag)):
            foreign.decrypt(key, context, sealed, vector["aead"], "sha256")


@pytest.mark.parametrize("size", [0, 1, 16_383, 16_384, 16_385, 50_000])
def test_both_implementations_open_what_the_other_seals(size):
    key, plain = b"k" * 32, b"p" * size
    encryptor = Cobblestone256Encryptor(key, b"context")
    assert foreign.decrypt(key, b"context", encryptor.update(plain) + encryptor.finalize()) == plain
    decryptor = Cobblestone256Decryptor(key, b"context")
    assert decryptor.update(foreign.encrypt(key, b"context", plain, b"s" * 24)) + decryptor.finalize() == plain
    with pytest.raises(ValueError, match="commitment"):
        foreign.decrypt(key, b"another context", foreign.encrypt(key, b"context", plain, b"s" * 24))


def test_foreign_reader_opens_a_sealed_table(seal):
    table = pa.table(
        {
            "ä": pa.array([1, None, 3], pa.int16()),
            "text": ["x", None, "ü"],
            "when": pa.array([0, 1, None], pa.timestamp("us", tz="Europe/Berlin")),
            "span": pa.array([datetime.timedelta(1), None, None], pa.duration("s")),
            "money": pa.array([decimal.Decimal("1.10"), None, None], pa.decimal128(5, 2)),
            "list": pa.array([[1.5], None, []], pa.list_(pa.float32())),
            "pair": pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int8(), 2)),
            "record": pa.array([{"a": True}, None, {"a": None}]),
            "map": pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int8())),
            "bytes": pa.array([b"ab", None, b"cd"], pa.binary(2)),
            "half": pa.array([1, None, 2], pa.float16()),
            "code": pa.array(["u", None, "v"]).dictionary_encode(),
        }
    )
    sealed = seal(prepare_frame(table, {"text": Label(level=Level.SECRET), "code": Label(level=Level.CONFIDENTIAL)}))
    found = foreign.read_columns(sealed.top, top_hash(sealed.top), sealed.levels, sealed.keys, sealed.objects)
    assert set(found) == set(table.column_names)
    for name in table.column_names:
        expected = table[name].cast(pa.string()) if name == "code" else table[name]
        assert found[name].to_pylist() == expected.to_pylist(), name


def test_foreign_reader_opens_several_batches_of_a_pandas_frame(seal):
    frame = pd.DataFrame({"n": range(300_000)}, index=pd.Index([f"k{i}" for i in range(300_000)], name="key"))
    sealed = seal(prepare_frame(frame, {}))
    found = foreign.read_columns(sealed.top, top_hash(sealed.top), sealed.levels, sealed.keys, sealed.objects)
    assert found["n"].to_pylist() == list(range(300_000))
    assert found["key"].to_pylist() == list(frame.index)
