"""The committed vectors: each good one opens to its values, each bad one raises exactly its error and says no more."""

import base64
import json
from pathlib import Path

import pytest

from jupyter_securecollab.errors import SealBroken, by_code
from jupyter_securecollab.model import Level
from jupyter_securecollab.sealed.frame import open_frame

VECTORS = Path(__file__).parents[1] / "vectors"
GOOD, BAD = (sorted((VECTORS / kind).glob("*.json")) for kind in ("good", "bad"))
# What the format's threat model names; a vector may be added, none may quietly disappear.
NAMED_FAULTS = {
    "flipped_salt", "flipped_commitment", "flipped_ciphertext_vouched", "flipped_tag_vouched", "truncated_object",
    "swapped_level_objects", "swapped_level_manifests", "replayed_version", "transplanted_column_vouched",
    "transplanted_partition_vouched", "swapped_columns_of_one_type", "forged_with_the_level_key",
    "plaintext_for_ciphertext", "extension_type", "offsets_out_of_range", "batch_larger_than_declared",
    "wrong_context_asset", "future_top_format", "future_level_format", "not_canonical_order",
    "compressed_within_the_batch", "meta_of_absurd_size",
}  # fmt: skip


def _open(path):
    vector = json.loads(path.read_text())
    objects = {tuple(key.split("/")): base64.b64decode(found) for key, found in vector["objects"].items()}
    keys = {(Level(level), int(number)): base64.b64decode(key) for (level, number), key in _split(vector["keys"])}
    levels = {Level(level): base64.b64decode(found) for level, found in vector["levels"].items()}
    opened = open_frame(
        base64.b64decode(vector["top"]),
        levels,
        keys,
        lambda level, partition, start, stop: objects[level, str(partition)][start:stop],
        expected_top_hash=base64.b64decode(vector["expected_top_hash"]),
        columns=vector["columns"],
    )
    return vector, opened


def _split(keys):
    return [(tuple(key.split("/")), value) for key, value in keys.items()]


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_good_vector_opens_to_its_values(path):
    vector, opened = _open(path)
    assert opened.to_pydict() == vector["values"]


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_bad_vector_raises_its_error(path):
    expected = by_code()[json.loads(path.read_text())["error"]]
    with pytest.raises(SealBroken) as refusal:
        _open(path)
    assert type(refusal.value) is expected
    assert refusal.value.__cause__ is None
    if expected is SealBroken:
        assert str(refusal.value) == str(SealBroken())


def test_every_named_fault_has_a_vector():
    assert {path.stem for path in BAD} >= NAMED_FAULTS
    assert GOOD
