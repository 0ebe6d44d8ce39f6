"""FF1 gives NIST's own results, both paths agree, and small domains are refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_securecollab.errors import Invalid
from jupyter_securecollab.frames.fpe import DOMAIN, FF1

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "ff1" / "nist.json").read_text("utf-8"))
CHARACTERS = "0123456789abcdefghijklmnopqrstuvwxyz"


def numerals(text: str) -> list[int]:
    return [CHARACTERS.index(one) for one in text]


@pytest.mark.parametrize("sample", VECTORS["samples"])
def test_the_samples_of_nist_come_out_on_both_paths(sample: dict[str, str]) -> None:
    cipher = FF1(bytes.fromhex(sample["key"]), int(sample["radix"]), bytes.fromhex(sample["tweak"]))
    plain, encrypted = numerals(sample["plaintext"]), numerals(sample["ciphertext"])
    assert cipher.encrypt(plain) == encrypted and cipher.decrypt(encrypted) == plain
    assert cipher.encrypt_rows(np.array([plain], np.uint8)).tolist() == [encrypted]


def test_the_samples_name_their_source_and_licence() -> None:
    assert "800-38G" in VECTORS["source"] and "Public domain" in VECTORS["license"] and len(VECTORS["samples"]) == 9


@given(
    st.sampled_from([2, 10, 26, 36, 62, 256]),
    st.integers(2, 40),
    st.binary(max_size=40),
    st.sampled_from([16, 24, 32]),
    st.integers(0, 2**32),
)
def test_many_rows_at_once_are_the_same_as_one_by_one(
    radix: int, length: int, tweak: bytes, key_bytes: int, seed: int
) -> None:
    cipher = FF1(bytes(range(key_bytes)), radix, tweak)
    rows = np.random.default_rng(seed).integers(0, radix, (7, max(length, cipher.shortest))).astype(np.uint8)
    made = cipher.encrypt_rows(rows)
    assert made.tolist() == [cipher.encrypt(row) for row in rows.tolist()]
    assert [cipher.decrypt(row) for row in made.tolist()] == rows.tolist()


def test_more_rows_than_a_block_are_the_same_as_few() -> None:
    cipher = FF1(bytes(16), 10)
    rows = np.random.default_rng(1).integers(0, 10, (70_000, 16)).astype(np.uint8)
    assert np.array_equal(cipher.encrypt_rows(rows)[40_000:40_010], cipher.encrypt_rows(rows[40_000:40_010]))


def test_a_whole_domain_is_permuted() -> None:
    numbers = np.arange(DOMAIN)
    rows = np.stack([numbers // 10**place % 10 for place in range(5, -1, -1)], axis=1).astype(np.uint8)
    made = FF1(bytes(32), 10).encrypt_rows(rows).astype(np.int64) @ 10 ** np.arange(5, -1, -1)
    assert np.array_equal(np.sort(made), numbers) and not np.array_equal(made, numbers)


@pytest.mark.parametrize(("radix", "shortest"), [(10, 6), (36, 4), (62, 4), (2, 20), (256, 3)])
def test_fewer_than_a_million_values_are_refused(radix: int, shortest: int) -> None:
    cipher = FF1(bytes(16), radix)
    assert cipher.shortest == shortest
    cipher.encrypt([0] * shortest)
    for refused in (cipher.encrypt, cipher.decrypt, lambda row: cipher.encrypt_rows(np.array([row], np.uint8))):
        with pytest.raises(Invalid, match="could be tried out") as caught:
            refused([0] * (shortest - 1))
        assert "pseudonym" in caught.value.next_step


@pytest.mark.parametrize("size", [0, 15, 17, 31, 33])
def test_keys_of_another_length_are_refused_without_showing_them(size: int) -> None:
    with pytest.raises(Invalid, match="16, 24 or 32 bytes") as caught:
        FF1(b"K" * size, 10)
    assert "KKK" not in str(caught.value)


def test_numerals_that_are_none_and_rows_too_long_are_refused() -> None:
    cipher = FF1(bytes(16), 10)
    with pytest.raises(Invalid, match="not one of its radix"):
        cipher.encrypt([0, 1, 2, 3, 4, 10])
    with pytest.raises(Invalid, match="up to 256"):
        cipher.encrypt([1] * 257)


def test_walking_gives_only_what_is_accepted_and_stays_one_to_one() -> None:
    rows = np.random.default_rng(2).integers(0, 10, (5_000, 7)).astype(np.uint8)
    rows = np.unique(rows[rows[:, 0] > 0], axis=0)
    made = FF1(bytes(16), 10).encrypt_rows(rows, lambda found: found[:, 0] > 0)
    assert np.all(made[:, 0] > 0) and len(np.unique(made, axis=0)) == len(rows)
