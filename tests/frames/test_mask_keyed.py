"""Pseudonyms and tokens: the same for the same, nothing of the value, no key anywhere to be seen."""

from __future__ import annotations

import base64
from hashlib import blake2b
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_securecollab.errors import CannotHold, Invalid, SealBroken
from jupyter_securecollab.frames.kernels import Task
from jupyter_securecollab.frames.keyed import MaskKey, pseudonym, untoken
from jupyter_securecollab.frames.mask import mask_column
from jupyter_securecollab.frames.techniques import TECHNIQUES, choose

KEY = MaskKey(b"KEYKEYKEYKEYKEYKEYKEYKEYKEYKEYKE")
NAMES = ["Zoe", "Ann", None, "Mia", "Ann"]


PERSON = b"securecollab ps1"


def written_out(value: bytes) -> str:
    digest = blake2b(value, digest_size=10, key=KEY.secret, person=PERSON).digest()
    return base64.b32encode(digest).decode().lower()


def masked(values: Any, how: str = "pseudonym", key: MaskKey = KEY) -> Any:
    return mask_column(values, how, None, key=key)


def test_equal_values_get_equal_pseudonyms_and_others_others() -> None:
    made = masked(pd.Series(NAMES))
    assert made[1] == made[4] and made.nunique() == 3 and made.isna().tolist() == [False, False, True, False, False]
    assert all(len(one) == 16 and one.isascii() and one == one.lower() for one in made.dropna())


def test_a_pseudonym_is_a_known_value_for_ever() -> None:
    # Changing it would change every pseudonym that was ever shared.
    assert masked(pa.array(["Ann", ""])).to_pylist() == ["svpv7nhf5rckwp44", written_out(b"")]
    assert written_out(b"Ann") == "svpv7nhf5rckwp44"
    for number in (1, -1):
        digest = blake2b(number.to_bytes(8, "little", signed=True), digest_size=8, key=KEY.secret, person=PERSON)
        assert masked(pa.array([number])).to_pylist() == [int.from_bytes(digest.digest(), "little") >> 1]


@pytest.mark.parametrize("size", [0, 16, 31, 33, 64])
def test_keys_of_another_length_are_refused_without_showing_them(size: int) -> None:
    with pytest.raises(Invalid, match="32 bytes") as caught:
        MaskKey(b"K" * size)
    assert "KKK" not in str(caught.value)


def test_a_key_is_not_printed_with_what_holds_it() -> None:
    assert "KEY" not in repr(KEY) + str(KEY) + repr(Task(choose("pseudonym"), None, KEY))
    with pytest.raises(Invalid) as caught:
        masked(pd.Series([1.5]))
    assert "KEY" not in str(caught.value)


@pytest.mark.parametrize("how", [name for name, one in TECHNIQUES.items() if one.keyed])
def test_a_keyed_technique_without_a_key_is_refused(how: str) -> None:
    written = {"shift": "shift:3:x", "noise": "noise:1"}.get(how, how)
    values = {"shift": pa.array([1], pa.timestamp("s")), "noise": pa.array([1])}.get(how, pa.array(["123456"]))
    with pytest.raises(Invalid, match=f"{how} needs a key"):
        mask_column(values, written, "credit_card", entity=pa.array(["a"]))


def test_keys_of_columns_techniques_names_and_levels_are_unrelated() -> None:
    keys = [
        KEY.of_column("pseudonym", "a"),
        KEY.of_column("pseudonym", "b"),
        KEY.of_column("fpe", "a"),
        KEY.of_column("pseudonym", "a", "a"),  # a name that is spelled like a column is none
        MaskKey(bytes(32)).of_column("pseudonym", "a"),
        KEY.of_column("pseudonyma", ""),
    ]
    assert len({one.secret for one in keys}) == len(keys) and KEY.secret not in {one.secret for one in keys}
    assert KEY.of_column("pseudonym", "a", "x") == KEY.of_column("pseudonym", "b", "x")


@given(st.lists(st.one_of(st.none(), st.text(st.characters(codec="utf-8")))), st.binary(min_size=32, max_size=32))
def test_the_path_for_mostly_unique_columns_is_the_same_as_the_other(texts: list[str | None], secret: bytes) -> None:
    key = MaskKey(secret)
    alone = [pseudonym(pa.chunked_array([pa.array([one], pa.large_string())]), key).to_pylist()[0] for one in texts]
    assert pseudonym(pa.chunked_array([pa.array(texts, pa.large_string())]), key).to_pylist() == alone
    repeated = pa.chunked_array([pa.array(texts * 3, pa.large_string())])
    assert pseudonym(repeated, key).to_pylist() == alone * 3


def test_more_values_than_a_block_are_the_same_as_few() -> None:
    values = pa.array([f"v{number}" if number % 7 else None for number in range(150_000)])
    made = masked(values)
    assert made.slice(140_000, 50).equals(masked(values.slice(140_000, 50))) and made.null_count == values.null_count
    assert len(made.drop_null().unique()) == 150_000 - values.null_count
    made.validate(full=True)


def test_neither_old_categories_nor_their_order_stay() -> None:
    values = pd.Series(pd.Categorical(NAMES, categories=["Ann", "Mia", "Nobody", "Zoe"]))
    made = masked(values)
    assert list(made.cat.categories) == [made[0], made[1], made[3]]  # as the rows come, not as the names sort
    assert "Nobody" not in "".join(made.cat.categories) and not made.cat.ordered
    ordered = masked(values.cat.as_ordered())
    assert not ordered.cat.ordered and list(ordered.cat.categories) == list(made.cat.categories)
    enum = masked(pl.Series(NAMES, dtype=pl.Enum(["Ann", "Mia", "Nobody", "Zoe"])))
    assert enum.dtype.categories.to_list() == list(made.cat.categories)
    arrow = pa.DictionaryArray.from_arrays(
        pa.array([2, 0], pa.int8()), pa.array(["Ann", "Nobody", "Zoe"]), ordered=True
    )
    assert masked(arrow).dictionary.to_pylist() == [made[0], made[1]] and not masked(arrow).type.ordered


@pytest.mark.parametrize("dtype", ["int64", "uint64", "Int64", "float64"])
def test_whole_numbers_get_whole_numbers_of_the_same_type(dtype: str) -> None:
    values = pd.Series([7, 2**40, 7]).astype(dtype)
    made = masked(values)
    assert made.dtype == values.dtype and made[0] == made[2] != made[1] and (made >= 0).all()
    assert made.astype("int64").tolist() == made.tolist()


def test_the_sign_of_zero_and_the_type_of_a_number_do_not_matter() -> None:
    assert masked(pd.Series([0.0, -0.0])).nunique() == 1
    assert masked(pd.Series([5])).tolist() == masked(pd.Series([5], dtype="uint64")).tolist()


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (pd.Series([1.5]), "whole numbers"),
        (pd.Series([np.inf]), "whole numbers"),
        (pl.Series([float("nan")]), "whole numbers"),
        (pd.Series([2.0**60]), "whole numbers"),
        (pd.Series([1], dtype="int32"), "room for 64 bits"),
        (pd.Series([1], dtype="float32"), "room for 64 bits"),
        (pd.Series([True]), "does not work on this type"),
        (pd.Series([b"x"]), "does not work on this type"),
        (pd.Series([[True]]), "does not work on this type"),
        (pd.Series(["a", 1]), "does not work on this type"),
        (pd.Series(["a\ud800"], dtype=object), "does not work on this type"),
        (pd.Series([2**70], dtype=object), "does not work on this type"),
        (pl.Series([object()], dtype=pl.Object), "does not work on this type"),
        (pl.Series([2**70], dtype=pl.Int128), "does not work on this type"),
    ],
)
def test_what_has_no_pseudonym_is_refused_with_what_there_is(values: Any, says: str) -> None:
    with pytest.raises(Invalid, match=says) as caught:
        masked(values)
    assert caught.value.next_step


def test_text_that_is_not_utf_8_is_not_shown() -> None:
    with pytest.raises(CannotHold) as caught:
        masked(pd.Series(["name\ud800"], dtype=object), "shuffle")
    assert "name" not in str(caught.value) and caught.value.__cause__ is None


def test_tokens_open_again_with_their_key_alone() -> None:
    tokens = masked(pa.chunked_array([NAMES, [""]]), "token")
    assert tokens.to_pylist()[1] == tokens.to_pylist()[4] and "Ann" not in str(tokens)
    assert untoken(tokens, KEY).to_pylist() == [*NAMES, ""]
    for wrong, key in ((tokens, MaskKey(bytes(32))), (pa.chunked_array([["a", "é!", "abcd"]]), KEY)):
        with pytest.raises(SealBroken):
            untoken(wrong, key)


def test_a_token_changed_anywhere_opens_nothing() -> None:
    token = masked(pa.array(["Ann"]), "token")[0].as_py()
    for place in range(len(token) - 1):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        with pytest.raises(SealBroken):
            untoken(pa.chunked_array([[changed]]), KEY)
