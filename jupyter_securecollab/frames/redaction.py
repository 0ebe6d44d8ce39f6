"""Masks that take away: nothing left, the tag alone, or the part of a value that its tag allows. No keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from .uniques import on_texts

if TYPE_CHECKING:
    Column = pa.ChunkedArray[Any]

STARS = "***"

# What partial keeps of a text: a pattern and what to put in its place. Text that does not look like it becomes stars.
_LAST_FOUR = (r"(?s)^.{8,}([0-9A-Za-z]{4})\s*$", rf"{STARS}\1")
_YEAR = (r"(?s)^([0-9]{4})-.*$", rf"\1-{STARS}")
_PARTS = {
    "us_ssn": (r"(?s)^.{5,}([0-9]{4})\s*$", rf"{STARS}\1"),
    "credit_card": (r"(?s)^.{8,}([0-9]{4})\s*$", rf"{STARS}\1"),
    "iban": _LAST_FOUR,
    "bank_account": _LAST_FOUR,
    "phone": (r"(?s)^.{6,}([0-9]{2})\s*$", rf"{STARS}\1"),
    "email": (r"(?s)^[^@]+(@(?:[\pL\pN_\-]+\.)*\pL[\pL\pN_\-]*)[\s>]*$", rf"{STARS}\1"),
    "postcode": (r"(?s)^([0-9A-Za-z]{3}).+$", rf"\1{STARS}"),
    "ip_address": (r"(?s)^([0-9]{1,3}\.[0-9]{1,3}\.).*$", rf"\1{STARS}"),
    "mac_address": (r"(?s)^([0-9A-Fa-f]{2}[:-][0-9A-Fa-f]{2}[:-][0-9A-Fa-f]{2}[:-]).*$", rf"\1{STARS}"),
    "date_of_birth": _YEAR,
    "date_of_death": _YEAR,
}
_INITIAL = (r"(?s)^(.)..+$", rf"\1{STARS}")
# Of these not even an initial.
_WHOLE = frozenset({"password", "secret_key", "cvv"})


def nothing(values: Column) -> Column:
    """As many nulls."""
    return pa.chunked_array([pa.nulls(len(values), values.type)])


def redacted(values: Column, tag: str | None) -> Column:
    """The tag in place of every text; nulls stay."""
    constant = pa.scalar(f"[{tag or 'redacted'}]", values.type)
    masked: Column = pc.if_else(pc.is_valid(values), constant, pa.scalar(None, values.type))
    return masked


def part(values: Column, tag: str | None) -> Column:
    """The part that the tag allows; of dates the year."""
    if pa.types.is_temporal(values.type):
        years: Column = pc.floor_temporal(values, unit="year")
        return years
    if tag in _WHOLE:
        return redacted(values, tag)
    pattern, kept = _PARTS.get(tag or "", _INITIAL)

    def parted(texts: pa.Array[Any]) -> pa.Array[Any]:
        replaced: Any = pc.replace_substring_regex(texts, pattern, kept)
        unlike: Any = pc.equal(replaced, texts)  # it did not match the pattern, so nothing was taken away
        masked: pa.Array[Any] = pc.if_else(unlike, pa.scalar(STARS, texts.type), replaced)
        return masked

    return on_texts(values, parted)
