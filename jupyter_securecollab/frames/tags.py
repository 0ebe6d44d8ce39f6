"""The vocabulary of tags, and what an organisation says about them: levels, combinations, recognizers of its own.

The organisation's text is YAML of the shape of `Rules`, checked field by field and laid over `levels.yaml`, which ships
with us and has the same shape. Knows neither frames nor values; reads no file but that one.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from importlib import resources
from typing import Annotated, Literal

import msgspec

from ..errors import Invalid, TooLarge
from ..model import Level, Value, clip

TAGS: dict[str, str] = {
    "person_name": "a person's name: whole, or a part that is neither first, last nor maiden name",
    "first_name": "given name",
    "last_name": "family name",
    "maiden_name": "family name at birth, of the person or the mother",
    "email": "email address",
    "phone": "telephone or fax number",
    "username": "name of an account, chosen by a person",
    "address": "postal address with more than the street",
    "street": "street and house number",
    "city": "a place smaller than a state: city, town, county, place of birth",
    "postcode": "postal code",
    "country": "country, by name or code",
    "latitude": "degrees north",
    "longitude": "degrees east",
    "date_of_birth": "date or year of birth",
    "date_of_death": "date or year of death",
    "age": "age in years",
    "gender": "gender or sex",
    "ethnicity": "race or ethnic group (GDPR article 9)",
    "religion": "religion or belief (GDPR article 9)",
    "nationality": "citizenship",
    "marital_status": "civil status",
    "us_ssn": "social security number of the USA",
    "national_id": "number a state gives a person: NHS, NINO, SIN, DNI, BSN, PESEL, Aadhaar, ...",
    "tax_id": "number a tax office gives a person or business",
    "passport": "passport number",
    "driver_license": "number of a driving licence",
    "medical_record_number": "number of a patient, a record or a health plan",
    "health_condition": "diagnosis, procedure, medicine, blood group: coded (ICD-10, SNOMED, LOINC, NDC) or named",
    "credit_card": "number of a payment card",
    "cvv": "security code of a payment card",
    "iban": "international bank account number",
    "bank_account": "account or routing number of a bank",
    "swift_bic": "code of a bank",
    "salary_or_income": "what somebody earns",
    "ip_address": "IPv4 or IPv6 address",
    "mac_address": "hardware address of a network card",
    "imei": "number of a mobile phone",
    "vehicle_id": "vehicle identification number or number plate",
    "device_id": "number of a device, serial or advertising id",
    "account_id": "number or code by which somebody keeps a person or account",
    "url": "web address",
    "password": "password or its hash",
    "secret_key": "access key, token, JWT, private key",
    "biometric": "fingerprint, voice print, iris, face: template or picture (GDPR article 9)",
    "special_category": "political opinion, trade union, sexual life, genes, convictions (GDPR articles 9 and 10)",
    "free_text": "sentences; the evidence says what they contain",
}
"""Every tag we give, and what it means. A column without a finding has no tag."""

_LONGEST_RULES = 1 << 20
_MOST_WORDS = 100_000

Short = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
TagName = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]{0,63}$")]
Share = Annotated[float, msgspec.Meta(gt=0, le=1)]


class Combination(Value, frozen=True):
    """Tags that together single people out: where a frame has all of them, each is at least at `level`."""

    tags: Annotated[tuple[TagName, ...], msgspec.Meta(min_length=2, max_length=20)]
    level: Level


class OwnRecognizer(Value, frozen=True):
    """A recognizer an organisation describes: by the column's name, a pattern, a dictionary, a checksum, or several.

    `pattern` is RE2 and has to match the whole value. `dictionary` holds whole values, without regard to case.
    `validator` is the name of one of `checksums.VALIDATORS` or a module of python-stdnum (`nl.bsn`). `minimum` is the
    least share of the values that must fit. `names` are column names, each as one would write it.
    """

    tag: TagName
    level: Level | None = None
    title: Short = "described by your organisation"
    names: Annotated[tuple[Short, ...], msgspec.Meta(max_length=200)] = ()
    pattern: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    dictionary: Annotated[tuple[Short, ...], msgspec.Meta(max_length=_MOST_WORDS)] = ()
    validator: Annotated[str, msgspec.Meta(max_length=60)] = ""
    minimum: Share = 0.7
    confidence: Share = 0.9


class Rules(Value, frozen=True):
    """What an organisation says; everything may be left out, and then ours holds.

    `text_recognizers` are names of recognizers of text that are asked what sentences contain: without it all that
    work, none for an empty list.
    """

    version: Literal[1]
    levels: dict[TagName, Level] = msgspec.field(default_factory=dict)
    combinations: tuple[Combination, ...] = ()
    recognizers: Annotated[tuple[OwnRecognizer, ...], msgspec.Meta(max_length=1000)] = ()
    text_recognizers: Annotated[tuple[Short, ...], msgspec.Meta(max_length=20)] | None = None


def parse_rules(text: bytes | str | Mapping[str, object]) -> Rules:
    """Rules from YAML, or from what YAML would give, laid over ours.

    Raises `Invalid` saying which field is wrong and `TooLarge` for more than 1 MiB. An organisation's combinations come
    on top of ours: a level found by one of them is never lowered by another.
    """
    own = _parse(text)
    ours = default_rules()
    told = {one.tag: one.level for one in own.recognizers if one.level is not None}
    unknown = sorted({*own.levels, *(tag for one in own.combinations for tag in one.tags)} - _known(own.recognizers))
    if unknown:
        raise Invalid(
            f"there is no tag {clip(unknown[0])!r}", next_step=f"The tags are {', '.join(TAGS)}; or add a recognizer."
        )
    levels = {**ours.levels, **told, **own.levels}
    return Rules(1, levels, (*ours.combinations, *own.combinations), own.recognizers, own.text_recognizers)


@functools.cache
def default_rules() -> Rules:
    """What holds where nobody says otherwise."""
    return _parse(resources.files(__package__).joinpath("levels.yaml").read_bytes())


def _known(recognizers: Collection[OwnRecognizer]) -> set[str]:
    return TAGS.keys() | {one.tag for one in recognizers}


def _parse(text: bytes | str | Mapping[str, object]) -> Rules:
    try:
        if isinstance(text, Mapping):
            return msgspec.convert(text, Rules)
        if len(text) > _LONGEST_RULES:
            raise TooLarge("the rules of classification are longer than 1 MiB", next_step="Say it in fewer words.")
        return msgspec.yaml.decode(text, type=Rules)
    except (msgspec.MsgspecError, RecursionError, ValueError) as problem:  # a day that is none, for one
        step = "docs/guide/classify.md shows the shape."
        raise Invalid(f"the rules of classification do not fit: {clip(str(problem), 300)}", next_step=step) from None
