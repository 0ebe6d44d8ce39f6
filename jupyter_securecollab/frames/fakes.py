"""Made-up values that look real, by Faker where it is installed: the same for the same value, under one key.

What a value looks like is decided by the column's tag. Needs the extra `fake`. Another version of Faker has other words
and gives other values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..errors import Invalid
from ..model import clip
from .keyed import MaskKey
from .uniques import on_uniques

if TYPE_CHECKING:
    Column = pa.ChunkedArray[Any]

PROVIDERS = {
    "person_name": "name",
    "first_name": "first_name",
    "last_name": "last_name",
    "maiden_name": "last_name",
    "email": "email",  # of Faker's, at example.com, example.net or example.org
    "phone": "phone_number",
    "username": "user_name",
    "address": "address",
    "street": "street_address",
    "city": "city",
    "postcode": "postcode",
    "country": "country",
    "us_ssn": "ssn",
    "national_id": "ssn",
    "credit_card": "credit_card_number",
    "iban": "iban",
    "bank_account": "bban",
    "swift_bic": "swift",
    "ip_address": "ipv4",
    "mac_address": "mac_address",
    "vehicle_id": "vin",
    "url": "url",
    "free_text": "paragraph",
}
"""Faker's method for each tag."""

_LOCALE = "en_US"
_TRIES = 100


def check_fake(tag: str | None, locale: str | None) -> None:
    """Raises `Invalid` where there is nothing to make values of this tag or this locale with."""
    if tag not in PROVIDERS:
        what = f"of tag {clip(tag)!r}" if tag else "without a tag"
        raise Invalid(f"there are no made-up values {what}", next_step="Use pseudonym or fpe for it.")
    _faker(locale)


def faked(values: Column, key: MaskKey, tag: str | None, locale: str | None) -> Column:
    """A made-up text for every text, never the text itself; nulls stay. Several texts may get the same."""
    check_fake(tag, locale)
    faker = _faker(locale)  # one for each column: it has a state
    make, name = getattr(faker, PROVIDERS[tag or ""]), f"fake {tag}"

    def one(text: str) -> str:
        seed = int.from_bytes(key.derive(name, text, size=16), "big")
        for attempt in range(_TRIES):
            faker.seed_instance(seed + attempt)
            made = str(make())
            if made != text:
                return made
        raise Invalid("there are too few made-up values of this kind", next_step="Use redact or pseudonym for it.")

    def each(texts: Any) -> pa.Array[Any]:
        return pa.array(map(one, texts.to_pylist()), pa.large_string())

    return on_uniques(values, each)


def _faker(locale: str | None) -> Any:
    try:
        from faker import Faker
    except ModuleNotFoundError:
        step = "Install it: pip install 'jupyter-securecollab[fake]'."
        raise Invalid("fake needs Faker, which is not installed", next_step=step) from None
    try:
        return Faker(locale or _LOCALE, use_weighting=True)
    except (AttributeError, ValueError):
        step = "Write one such as de_DE; faker.readthedocs.io lists them."
        raise Invalid(f"Faker has no locale {clip(locale or '')!r}", next_step=step) from None
