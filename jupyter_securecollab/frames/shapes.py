"""What a column has to look like whose name says what it holds: the test of a name by its values.

Loose on purpose: dirty values, foreign formats and wrong check digits pass. What must not pass are other things under
the same name: a flag `phone`, a number of emails, a `first` that is a rank.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .marks import CAPITAL, DIGIT, SMALL
from .sampled import LETTER, Sample
from .words import known, plain


class Shape(NamedTuple):
    """Kinds of column, a pattern that most of the values match, how many distinct values, a range of numbers.

    At most `most`; `least` of them unless there are not so many values at all. `bonus` is how much surer a fitting column makes us than its name alone.
    """

    kinds: str
    pattern: str = ""
    bonus: float = 0.0
    most: int = 0
    within: tuple[float, float] | None = None
    terms: str = ""
    least: int = 0


# A few words with capital or small letters, with titles, hyphens, apostrophes; numbers only at an end (`Gómez206`).
_INNER = LETTER[:-1] + r"'’`.\-()]"
NAME_LIKE = rf"^{LETTER}{_INNER}*[0-9]{{0,4}}(?:,? {_INNER}+[0-9]{{0,4}})*$"
# Parts in an order a system says: family^given^middle (HL7 v2, type XPN), family/given title (IATA).
COMPONENTS = (
    r"^[A-Za-zÀ-ž'\- ]{2,}(?:\^[A-Za-zÀ-ž'\- ]+(?:\^[A-Za-z. ]*)*|/[A-Za-zÀ-ž'\- ]{2,} ?(?i:mr|mrs|ms|miss|mstr|dr))$"
)

# Headings and sentences: after a first word in capitals come small ones, but for particles of names.
_PHRASE = r"^[A-ZÀ-Þ].* (?:[a-z]{4,}|an|at|by|for|in|is|my|near|of|on|the|to|up|with)(?: |$)"
_PARTICLES = r" (?:della|delle|degli|dela|dalla|dell|bint|saint|thor|vande|vanden|vander|ver)(?: |$)"
_FIRMS = (
    r"(?i)(?:\b(?:inc|ltd|llc|plc|corp|gmbh|ag|kg|ohg|e\.k|sarl|s\.a|sas|sa|sl|s\.l|srl|s\.r\.l|spa|s\.p\.a|lda|ltda|bv|"
    r"b\.v|nv|n\.v|oy|ab|aps|a/s|as|group|company|co|holdings?|partners|associates|bank|university|institute|hospital|"
    r"school|college|church|foundation|stiftung|verein|sp\. z o\.o|spolka|hijos|fils|filhos|figli|zonen|sons)\b\.?$|&"
    r"|, \S+ (?:and|und|et|en|og|och) \S+$)"
)
_PEOPLE = frozenset({"person_name", "first_name", "last_name", "maiden_name"})

_PART = r"[0-9A-Za-z ./\-*#]"
_CODE = rf"^(?:{_PART}{{0,40}}[0-9*#]{_PART}{{2,40}}|{_PART}{{2,40}}[0-9*#]{_PART}?)$"  # words alone are none
_WORDS = LETTER
_DATES = r"^[0-9]{1,4}[./\- ](?:[0-9]{1,2}|[A-Za-zÀ-ž]{3,9})[./\-, ]{1,2}[0-9]{1,4}|^(?:18|19|20)[0-9]{2}(?:[0-9]{4})?$|^[A-Za-zÀ-ž]{3,9}\.? [0-9]{1,2},? [0-9]{4}$|^[0-9]{2}(?:0[1-9]|1[0-2])[0-9]{4}$|^[0-9]{1,2}[./\-][0-9]{1,2}\.?$"
_MONEY = r"^[^A-Za-z0-9]{0,3}(?:[A-Z]{3} ?)?[0-9][0-9., '’]*(?:[kK])?(?: ?(?:[A-Z]{3}|[^A-Za-z0-9]|zł|kr))?(?:\s*[-–]\s*.*)?$"

SHAPES: dict[str, Shape] = {
    "person_name": Shape("text", f"{NAME_LIKE}|{COMPONENTS}"),
    "first_name": Shape("text", NAME_LIKE),
    "last_name": Shape("text", NAME_LIKE),
    "maiden_name": Shape("text", NAME_LIKE),
    "email": Shape("text", "@", 0.3),
    "phone": Shape("text integer", r"^[+(]{0,2}[0-9][0-9 ().+/\-*xXet#]{4,28}(?:ext\.? ?[0-9]+)?$", 0.3),
    "username": Shape("text", r"^\S{2,40}$", 0.1),
    "address": Shape("text", r"(?s)^.{3,}[\s,;]\S|\p{Han}.{4}|\p{Hangul}.{4}", 0.1),
    "street": Shape("text integer", "[0-9A-Za-zÀ-ž]", 0.1),
    "city": Shape("text", rf"^{LETTER}[^0-9@_]+$", 0.1),
    "postcode": Shape("text integer number", r"^[0-9A-Za-z][0-9A-Za-z \-]{1,9}(?:\.0)?$|^0$", 0.2),  # 00000 as a number
    "country": Shape("text", rf"^{LETTER}[^0-9@_]+$", 0.1, 260),
    "latitude": Shape("number integer text", r"^[+-]?[0-9]", 0.3, within=(-90, 90)),
    "longitude": Shape("number integer text", r"^[+-]?[0-9]", 0.3, within=(-180, 180)),
    "date_of_birth": Shape("date text integer", _DATES, 0.3),
    "date_of_death": Shape("date text integer", _DATES, 0.3),
    "age": Shape(
        "integer number text",
        r"^[\[(<>=]*[0-9]{1,3}(?:\.[0-9]+)?s?(?:(?:\s*[-–+,]\s*| to )[0-9]{0,3})?[\])]?(?: ?(?:years?|yrs?|ans|jahre|m|y))?$",
        0.3,
        within=(0, 125),
    ),
    "gender": Shape("text integer flag", "", 0.1, 12, terms="gender"),
    "ethnicity": Shape("text", _WORDS, 0.0, 80, terms="ethnicity"),
    "religion": Shape("text", _WORDS, 0.1, 80),
    "nationality": Shape("text", _WORDS, 0.1, 260),
    "marital_status": Shape("text integer flag", "", 0.1, 20),
    "us_ssn": Shape("text integer number", r"^[0-9*#Xx][0-9*#Xx \-]{2,12}(?:\.0)?$", 0.2),
    "national_id": Shape("text integer number", _CODE, 0.1),
    "tax_id": Shape("text integer number", _CODE, 0.1),
    "passport": Shape("text integer", _CODE, 0.1),
    "driver_license": Shape("text integer", _CODE, 0.1),
    "medical_record_number": Shape("text integer", _CODE, 0.1),
    "health_condition": Shape("text integer number flag", ""),
    "credit_card": Shape("text integer number", r"^[0-9*#Xx][0-9*#Xx \-.]{10,24}$", 0.3),
    "cvv": Shape("text integer", "^[0-9*]{3,4}$", 0.2),
    "iban": Shape("text", "^[A-Za-z]{2}[0-9*]{2}[0-9A-Za-z *]{6,40}$", 0.3),
    "bank_account": Shape("text integer", _CODE, 0.1),
    "swift_bic": Shape("text", "^[A-Za-z]{4}[A-Za-z]{2}[A-Za-z0-9]{2,5}$", 0.3),
    "salary_or_income": Shape("integer number text", _MONEY, 0.2),
    "ip_address": Shape("text", r"[0-9A-Fa-f]*[.:][0-9A-Fa-f]+[.:]", 0.3),
    "mac_address": Shape("text", r"^[0-9A-Fa-f]{2}[:\-.]?[0-9A-Fa-f]{2}", 0.3),
    "imei": Shape("text integer", r"^[0-9][0-9 \-/]{12,20}$", 0.3),
    "vehicle_id": Shape("text integer", r"^[0-9A-Za-zÀ-ž][0-9A-Za-zÀ-ž \-.]{2,20}$", 0.1),
    "device_id": Shape("text integer", r"^[0-9A-Za-z][0-9A-Za-z:\-_.{}]{4,64}$", 0.1),
    "account_id": Shape("text integer", r"^[0-9A-Za-z{][0-9A-Za-z ./\-_:#@{}|]{0,80}$", 0.1, least=4),
    "url": Shape("text", r"\S\.\S|^/", 0.1),
    "biometric": Shape("text number"),
    "special_category": Shape("text integer flag"),
    "password": Shape("text integer", r"^\S", 0.1),
    "secret_key": Shape("text", r"^\S{8,}$|PRIVATE KEY", 0.2),
    "free_text": Shape("text", r"(?:\S+\s+){4}\S", 0.1),
}
"""By tag. A tag that is not here may be anything but a flag."""

_ANSWERS = frozenset({"gender", "marital_status", "health_condition", "special_category"})
"""Tags of what yes or no can tell: a smoker, a member of a union."""

_ANYTHING = Shape("text integer number date", "")
_DIGESTS = (32, 40, 56, 64, 96, 128)  # hexadecimal digits of MD5, SHA-1, SHA-2
_NEARLY_ALL = 0.9
_MOST = 0.6
_SOME = 0.3  # of few values, words of a language we know; genres of films are none
_CODES = 2  # characters
_TOO_FEW = 5  # fewer values than that do not speak against a name by their form
_FEW = frozenset({"yes", "no", "y", "n", "true", "false", "t", "f", "0", "1", "ja", "nein", "oui", "non", "si"})


def fits(sample: Sample, tag: str) -> float | None:
    """The share of values that look like the tag; None when they speak against it."""
    shape = SHAPES.get(tag, _ANYTHING)
    if sample.kind not in shape.kinds.split():
        return None
    if tag not in _ANSWERS and _only_answers(sample):
        return None
    if (shape.most and len(sample.texts) > shape.most) or len(sample.texts) < min(shape.least, sample.seen):
        return None
    if tag in _PEOPLE and (phrases(sample) or firms(sample) > _SOME):
        return None
    if "text" in shape.kinds and tag != "address" and _digests(sample):  # an address of digits is one of a machine
        return 1.0
    share = 1.0
    if shape.pattern and sample.kind != "date":
        share = sample.share(sample.matching(shape.pattern))
    if shape.within is not None:
        share = min(share, _inside(sample, shape.within))
    if shape.terms and sample.kind == "text":
        belong = sample.share(known(plain(sample.texts), shape.terms))
        if belong >= _MOST:
            return 1.0
        if tag == "gender" and belong < _SOME and sample.lengths.max() > _CODES:
            return None
    return share if share >= _MOST or sample.seen < _TOO_FEW else None


def _digests(sample: Sample) -> bool:
    """Whether values are hashes, of what the name says: numbers and names are few enough to try them all."""
    if not sample.could(DIGIT | SMALL | CAPITAL, min(_DIGESTS), max(_DIGESTS)):
        return False
    as_long = np.isin(sample.lengths, _DIGESTS)
    return sample.share(as_long & sample.matching("^(?:[0-9a-f]+|[0-9A-F]+)$")) >= _NEARLY_ALL


def phrases(sample: Sample) -> bool:
    """Whether texts are headings or sentences rather than names of people."""
    if "space" not in sample.holds:
        return False
    return sample.share(sample.matching(_PHRASE) & ~sample.matching(_PARTICLES)) > _SOME


def firms(sample: Sample) -> float:
    """The share of values that are called as firms and offices are."""
    return sample.share(sample.matching(_FIRMS)) if sample.shows(" &") and sample.might(_FIRMS) else 0.0


def bonus(tag: str) -> float:
    """How much surer values make us that look like what the name says."""
    return SHAPES.get(tag, _ANYTHING).bonus


def _inside(sample: Sample, within: tuple[float, float]) -> float:
    numbers = sample.numbers
    text = np.isnan(numbers) if sample.kind == "text" else np.zeros(len(numbers), bool)
    return sample.share(text | ((numbers >= within[0]) & (numbers <= within[1])))


def _only_answers(sample: Sample) -> bool:
    """Whether a column holds nothing but yes and no."""
    return (
        sample.seen >= _TOO_FEW
        and len(sample.texts) <= 3
        and {text.lower() for text in sample.texts.to_pylist()} <= _FEW
    )
