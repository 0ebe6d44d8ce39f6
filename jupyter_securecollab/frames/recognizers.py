"""What values say: a table of patterns and checks, and how far a column has to fit one of them.

A recognizer looks at the distinct values of one column's sample. Patterns are RE2, which takes time in proportion to
the text whatever the pattern; checks of digits run on values that fit the pattern, on a bounded number of them. What a
pattern may be confused with stands beside it. Gives matches, decides nothing: classify.py weighs them.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..errors import Invalid
from ..model import clip
from .checksums import validator
from .marks import A_LETTER, CAPITAL, DIGIT, EVERY, mark
from .sampled import SEPARATORS, Sample
from .tags import OwnRecognizer
from .words import among, plain

CHECKED = 200
"""How many distinct values have their check digits computed."""

_CHECKED_FIRST = 12
_CHECKED_OBJECTS = 64  # ... by python-stdnum, which goes value by value
_PASSED = 0.8
_LUCK = 0.02
_LIKELY = 0.3  # a share of the values that a glance at four dozen does not miss


class Match(NamedTuple):
    """Values that fit: which tag, by what check, what share, and how sure that alone makes us (0: not at all).

    `by` is the recognizer that found it; `contains` are tags of what stands inside sentences.
    """

    tag: str
    check: str
    share: float
    confidence: float
    by: Recognizer | None = None
    contains: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recognizer:
    """One kind of value.

    `pattern` has to match the whole value, with separators ` -./` taken out first where `compact`. `alone` is how sure
    a column makes us all of whose values fit, when nothing else is known of it; it says nothing below the share
    `minimum` or with fewer than `distinct` values. `needs` (see `Sample.holds`), `lengths` and `signs` are tried first:
    which characters a fitting value may have beside digits and letters (None: any). `check` names a validator, which a
    random fitting value passes with probability `chance`: unless far more pass, values alone prove nothing (a name
    still may). `unless` is a pattern of what it is confused with: where half of the fitting values match that, they are
    not what they seem. `begins` is part of a pattern that takes RE2 long to compile, tried before it.
    """

    tag: str
    title: str
    pattern: str
    alone: float
    minimum: float = 0.7
    check: str = ""
    chance: float = 1.0
    compact: bool = False
    distinct: int = 1
    kinds: frozenset[str] = frozenset({"text"})
    needs: frozenset[str] = frozenset({"digit", "figures"})
    lengths: tuple[int, int] = (1, 200)
    signs: str | None = None
    unless: str = ""
    begins: str = ""
    dictionary: frozenset[str] = frozenset()

    def look(self, sample: Sample) -> Match | None:
        """How a column of a kind it is for fits; None where it does not."""
        if len(sample.counts) < self.distinct or not self.needs <= sample.holds:
            return None
        if self.minimum >= _LIKELY and not self._likely(sample):
            return None
        fits = self.fitting(sample)
        share = sample.share(fits)
        if share < self.minimum or (self.unless and self._confused(sample, fits, share)):
            return None
        title, confidence = self.title, self.alone * (0.55 + 0.45 * share)
        if self.check:
            passed = self._passed(sample, fits)
            if passed < _PASSED:
                return Match(self.tag, f"{title}, but check digits are not right", share, 0.0, self)
            title += ", check digits right"
            if self.chance ** min(int(fits.sum()), CHECKED) > _LUCK:
                confidence *= 0.5
        return Match(self.tag, title, share, confidence, self)

    def _likely(self, sample: Sample) -> bool:
        """Whether a few of the values fit; much cheaper than to see how many of all do."""
        glance = sample.glance_compact if self.compact else sample.glance
        patterns = (self.begins, self.pattern if len(sample.counts) > len(glance) else "")
        return all(pc.match_substring_regex(glance, one).true_count for one in patterns if one)

    @property
    def marks(self) -> np.uint32:
        """The marks that a fitting value may have (see marks.py)."""
        if self.signs is None:
            return EVERY
        letters = A_LETTER
        if "figures" in self.needs:
            letters = np.uint32(0)
        elif "capitals" in self.needs:
            letters = CAPITAL
        return DIGIT | letters | mark(self.signs + (SEPARATORS if self.compact else ""))

    def fitting(self, sample: Sample) -> NDArray[np.bool_]:
        """Which distinct values fit pattern and dictionary."""
        least, most = self.lengths
        lengths = sample.compact_lengths if self.compact else sample.lengths
        fits = (lengths >= least) & (lengths <= most)
        if self.pattern and fits.any():
            texts = sample.compact if self.compact else sample.texts
            fits &= np.asarray(pc.match_substring_regex(texts, self.pattern), dtype=bool)
        if self.dictionary and fits.any():
            fits &= among(plain(sample.texts), self.dictionary)
        return fits

    def _confused(self, sample: Sample, fits: NDArray[np.bool_], share: float) -> bool:
        return sample.share(fits & sample.matching(self.unless)) >= share / 2

    def right(self, sample: Sample, fits: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which of the distinct values that fit have right check digits, where there are any to check."""
        check = validator(self.check) if self.check else None
        if check is None:
            return fits
        right = fits.copy()
        right[fits] = check(sample.texts.filter(pa.array(fits)))
        return right

    def _passed(self, sample: Sample, fits: NDArray[np.bool_]) -> float:
        """The share of fitting values whose check digits are right, among the first so many."""
        check = validator(self.check)
        if check is None:
            return 0.0
        most = _CHECKED_OBJECTS if "." in self.check else CHECKED
        fitting = np.flatnonzero(fits)[:most]
        few = check(sample.texts.take(pa.array(fitting[:_CHECKED_FIRST])))
        if few.mean() < _PASSED / 2:  # most of a dozen are wrong: the others will not change that
            return float(few.mean())
        texts = sample.texts.take(pa.array(fitting))
        return float(check(texts).mean())


_TEXT = frozenset({"text"})
_NUMBERS = frozenset({"text", "integer"})
_DIGIT, _LETTER, _BOTH = frozenset({"digit", "figures"}), frozenset({"letter"}), frozenset({"digit", "letter"})
_CAPITALS = frozenset({"digit", "capitals"})
_ANY: frozenset[str] = frozenset()

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_DATE = (
    r"^(?:[0-3]?[0-9][./\-][0-3]?[0-9][./\-][0-9]{2}(?:[0-9]{2})?|[0-9]{4}[./\-][0-9]{1,2}[./\-][0-9]{1,2})(?:[T ].*)?$"
)
_EXTENSION = r"(?:[ ,]*(?:x|ext\.?|#)[ .]*[0-9]{1,6})?"
# Without counted repeats, which cost RE2 milliseconds to compile; the least length stands in the table.
_SECRETS = (
    r"^(?:(?:AKIA|ASIA)[0-9A-Z]+|(?:gh[pousr]|github_pat|npm|hf)_\w+|(?:glpat|pypi|sk|xox[abeprs])-[\w-]+|[srp]k_(?:live|test)_\w+"
    r"|(?:AIza|ya29\.)[\w.-]+|SG\.[\w-]+\.[\w-]+|eyJ[\w-]+\.eyJ[\w-]+\.[\w-]*|-----BEGIN [A-Z ]*PRIVATE KEY-----.*"
    r"|[a-z][a-z0-9+]+://[^/\s:@]+:[^/\s@]+@\S+)"
)
_HASHES = r"^(?:\$(?:2[abxy]?|argon2(?:id|i|d)|[156y]|scrypt|apr1|pbkdf2[\w-]*|bcrypt[\w-]*)\$\S{10,}|\{S?SHA(?:256|512)?\}\S{20,})"
_CARDS = (
    "^(?:4[0-9]{12}(?:[0-9]{3}){0,2}|(?:5[1-5]|2[2-7])[0-9]{14}|3[47][0-9]{13}|6(?:011|4[4-9][0-9]|5[0-9]{2}|2[0-9]{2})"
    "[0-9]{12}|35[0-9]{14}|3(?:0[0-59]|[689][0-9])[0-9]{11}|(?:5018|5020|5038|5893|6304|6759|676[1-3])[0-9]{8,15}"
    "|(?:2131|1800)[0-9]{11})$"
)

# Phones that are written like phones. Bare digits are not: order numbers and seconds since 1970 look the same.
_PHONES = (
    r"^(?:(?:\+|\+\(|\(\+)[1-9][0-9]{0,3}\)?[ ().\-/]*(?:[0-9][ ().\-/]*){6,13}"
    r"|00[1-9](?:[0-9][ ().\-/]*){9,14}"
    r"|(?:1[ .\-])?\(?[0-9]{3}\)?[ .\-/]{1,2}[0-9]{3}[ .\-][0-9]{4}|\([0-9]{3}\)[0-9]{3}-?[0-9]{4}"
    r"|\(0?[0-9]{1,5}\)[ .\-/]?[0-9][0-9 .\-/]{4,11}[0-9]"
    r"|0[1-9][0-9]{0,4}[ ./\-]{1,3}[0-9][0-9 ./\-]{3,12}[0-9]"
    r"|[5-9][0-9]{2}(?: [0-9]{2}){3}|[1-9][0-9] [0-9]{3} [0-9]{2} [0-9]{2}"
    r"|[2-9][0-9](?: [0-9]{2}){3}|[489][0-9]{2} [0-9]{2} [0-9]{3})" + _EXTENSION + "$"
)
_COUNTRIES = (
    "A[DEFGILMORTUZ]|B[ABDEFGHIJMNORSTWYZ]|C[ACDFGHILMNORUVWYZ]|D[EJKMOZ]|E[CEGRST]|F[IJORR]|G[ABDEGHILMNPQRTWY]|H[KNRTU]"
    "|I[DELMNQRST]|J[EMOP]|K[EGHMNPRWYZ]|L[ABCIKRSTUVY]|M[ACDEGKLMNORTUVWXYZ]|N[ACEGILOPRUZ]|OM|P[AEFGHKLMNRSTWY]|QA"
    "|R[EOSUW]|S[ABCDEGIKLMNORSTVYZ]|T[CDGHJKLMNOORTVWZ]|U[AGSYZ]|V[ACEGINU]|XK|YE|Z[AMW]"
)

# Numbers from 999 on are given to nobody, and therefore stand in made-up records.
_ITIN = "^(?:9[0-8][0-9]|99[0-8])[- ][5-9][0-9][- ][0-9]{4}$"

RECOGNIZERS: tuple[Recognizer, ...] = (
    Recognizer("email", "addresses with @ and a domain", r"^(?:[^<>@]*<)?[^\s@<>\"(),;:]+@[^\s@]+\.[^\s@.0-9>]+>?$",
               0.97, 0.03, needs=frozenset({"at"}), lengths=(6, 320)),
    Recognizer("secret_key", "tokens or keys of a known format", _SECRETS, 0.98, 0.02, needs=_LETTER, lengths=(18, 2000)),
    Recognizer("password", "password hashes", _HASHES, 0.95, 0.1, needs=_BOTH, lengths=(20, 300)),
    Recognizer("url", "web addresses", r"^(?:(?:https?|ftp)://\S+|www\.\S+\.\S+)$", 0.95, 0.5, needs=_LETTER, lengths=(8, 2000),
               begins="^(?:http|ftp|www)"),
    Recognizer("iban", "IBAN", "^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$", 0.98, 0.05, "iban", 0.01, compact=True, needs=_CAPITALS,
               lengths=(15, 34), signs=""),
    Recognizer("credit_card", "card numbers of a known issuer", _CARDS, 0.95, 0.5, "card", 0.1, compact=True, kinds=_NUMBERS,
               lengths=(12, 19), signs=""),
    Recognizer("us_ssn", "three, two and four digits", r"^[0-9]{3}([- ])[0-9]{2}[- ][0-9]{4}$", 0.9, 0.4,
               unless=_ITIN, signs="- "),
    Recognizer("tax_id", "tax numbers of the USA for who has no social security number", _ITIN,
               0.85, 0.8, lengths=(11, 11), signs="- ", distinct=3),
    Recognizer("phone", "written like phone numbers", _PHONES, 0.85, 0.5, needs=frozenset({"digit"}), lengths=(7, 30), signs=" ().-/+,#",
               unless=_DATE, begins=r"^(?:[(+0]|[0-9]{1,3}[ ./)\-]+\(?[0-9]+[ ./)\-])"),
    Recognizer("phone", "ten digits as in North America", "^[2-9][0-9]{2}[2-9][0-9]{6}$", 0.4, 0.97, kinds=_NUMBERS,
               distinct=10, lengths=(10, 10), signs=""),
    Recognizer("phone", "groups of nine digits", r"^[5-9][0-9]{2}[ .\-][0-9]{3}[ .\-][0-9]{3}$", 0.6, 0.9, distinct=3, signs=" .-"),
    Recognizer("ip_address", "IPv4 addresses", rf"^{_OCTET}(?:\.{_OCTET}){{3}}(?:/[0-9]{{1,2}}|:[0-9]{{2,5}})?$", 0.92, 0.3,
               unless=r"^[0-9]{1,2}(?:\.[0-9]{1,2}){3}$|^[0-9](?:\.[0-9]{1,3}){3}$", lengths=(7, 21), signs="./:"),
    Recognizer("ip_address", "IPv6 addresses", r"^(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?:%\w+)?$", 0.9, 0.3,
               unless=r"^[0-9]{1,2}(?::[0-9]{2}){1,3}$|^(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$", needs=frozenset({"digit", "colon"}), lengths=(5, 60)),
    Recognizer("mac_address", "six bytes of a hardware address",
               r"^(?:(?:[0-9A-Fa-f]{2}[:\-]){5}[0-9A-Fa-f]{2}|(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4})$", 0.95, 0.5,
               needs=frozenset({"digit"}), lengths=(14, 17), signs=":-."),
    Recognizer("imei", "IMEI", "^(?:01|35|86|99|4[49]|5[0-3]|98)[0-9]{13}$", 0.85, 0.8, "luhn", 0.1, compact=True,
               kinds=_NUMBERS, lengths=(15, 15), signs=""),
    Recognizer("vehicle_id", "vehicle identification numbers", "^[A-HJ-NPR-Z0-9]{17}$", 0.9, 0.6, "vin", 0.1, needs=_CAPITALS,
               lengths=(17, 17), signs=""),
    Recognizer("vehicle_id", "17 places as of a vehicle", "^[A-HJ-NPR-Z][A-HJ-NPR-Z0-9]{10}[A-HJ-NPR-Z0-9]{2}[0-9]{4}$", 0.6,
               0.9, needs=_CAPITALS, lengths=(17, 17), signs="", distinct=3),
    Recognizer("swift_bic", "bank codes with a country", f"^[A-Z]{{4}}(?:{_COUNTRIES})[A-Z0-9]{{2}}(?:[A-Z0-9]{{3}})?$", 0.75,
               0.95, needs=frozenset({"capitals"}), lengths=(8, 11), signs="", distinct=5),
    Recognizer("bank_account", "routing numbers of US banks", "^(?:0[1-9]|1[0-2]|2[1-9]|3[0-2]|6[1-9]|7[0-2]|80)[0-9]{7}$",
               0.75, 0.9, "aba", 0.1, lengths=(9, 9), signs=""),
    Recognizer("latitude", "pairs of degrees",
               r"^\(?[+-]?[0-9]{1,2}\.[0-9]{3,}[,; ]+[+-]?(?:1?[0-9])?[0-9]\.[0-9]{3,}\)?$", 0.85, 0.8, lengths=(9, 50), signs="()+-.,; "),
    Recognizer("postcode", "British postcodes", "^[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][ABD-HJLNP-UW-Z]{2}$", 0.85, 0.7,
               needs=_CAPITALS, lengths=(5, 8), signs=" ", distinct=2),
    Recognizer("postcode", "Canadian postcodes", "^[ABCEGHJ-NPRSTVXY][0-9][A-Z] ?[0-9][A-Z][0-9]$", 0.85, 0.7, needs=_CAPITALS,
               lengths=(6, 7), signs=" ", distinct=2),
    Recognizer("postcode", "Irish postcodes", "^[AC-FHKNPRTV-Y][0-9W][0-9] [0-9AC-FHKNPRTV-Y]{4}$", 0.7, 0.8, needs=_CAPITALS,
               lengths=(8, 8), signs=" ", distinct=3),
    Recognizer("postcode", "Dutch postcodes", "^[1-9][0-9]{3} ?[A-Z]{2}$", 0.72, 0.8, needs=_CAPITALS, lengths=(6, 7), signs=" ", distinct=3),
    Recognizer("postcode", "ZIP+4", "^[0-9]{5}-[0-9]{4}$", 0.8, 0.15, lengths=(10, 10), signs="-", distinct=3),
    Recognizer("postcode", "postcodes written with a separator", "^(?:[0-9]{2}-[0-9]{3}|[0-9]{4}-[0-9]{3}|[0-9]{5}-[0-9]{3}"
               "|[0-9]{3} [0-9]{2})$", 0.66, 0.9, lengths=(6, 9), signs="- ", distinct=5),
    Recognizer("postcode", "five digits", "^[0-9]{5}$", 0.35, 0.95, lengths=(5, 5), signs="", distinct=5),
    Recognizer("postcode", "four or five digits", "^[1-9][0-9]{3,4}$", 0.2, 0.95, kinds=_NUMBERS, lengths=(4, 5), signs="", distinct=10),
    Recognizer("health_condition", "ICD-10 codes", r"^[A-TV-Z][0-9][0-9AB](?:\.[0-9A-TV-Z]{1,4})?$", 0.35, 0.9, needs=_CAPITALS,
               lengths=(3, 8), signs=".", distinct=3),
    Recognizer("health_condition", "ICD-10 codes with subdivision", r"^[A-TV-Z][0-9][0-9AB]\.[0-9A-TV-Z]{1,4}$", 0.88, 0.3,
               needs=_CAPITALS, lengths=(5, 8), signs=".", distinct=3),
    Recognizer("health_condition", "LOINC codes", "^[0-9]{1,5}-[0-9]$", 0.85, 0.9, "luhn", 0.1, lengths=(3, 7), signs="-", distinct=3),
    Recognizer("health_condition", "SNOMED CT codes", "^[1-9][0-9]{3,14}[01]0[0-9]$", 0.85, 0.9, "verhoeff", 0.1,
               kinds=_NUMBERS, lengths=(6, 18), signs="", distinct=3),
    Recognizer("health_condition", "National Drug Codes", "^(?:[0-9]{5}-[0-9]{4}-[0-9]{2}|[0-9]{5}-[0-9]{3}-[0-9]{2}"
               "|[0-9]{4}-[0-9]{4}-[0-9]{2}|[0-9]{5}-[0-9]{4}-[0-9])$", 0.65, 0.9, lengths=(12, 13), signs="-", distinct=3),
    Recognizer("driver_license", "British driving licences", "^[A-Z9]{5}[0-9][0156][0-9][0-3][0-9]{2}[A-Z9]{2}[0-9A-Z]{3}$", 0.85, 0.8,
               needs=_CAPITALS, lengths=(16, 16), signs="", distinct=3),
    Recognizer("driver_license", "a letter and groups of digits as on driving licences",
               "^[A-Z][0-9]{0,4}(?:[- ][0-9]{2,5}){2,4}(?:-[0-9]{1,2}){0,2}$", 0.6, 0.9, needs=_CAPITALS, lengths=(13, 18), signs="- ", distinct=10,
               begins="^[A-Z][0-9]*[- ][0-9]+[- ]"),
    Recognizer("medical_record_number", "numbers marked as of a record", "^MRN?[-:# ]?[0-9]{5,10}$", 0.58, 0.9, needs=_CAPITALS,
               lengths=(7, 14), signs="-:# ", distinct=5),
    Recognizer("account_id", "numbers marked as of a person or account",
               "^(?i:cust?|customer|emp|empl|usr|user|mem|member|cli|client|stu|student|pat|patient|acct?|pers?)[-_# ]?[0-9]{3,12}$", 0.6,
               0.9, needs=_BOTH, lengths=(6, 24), signs="-_# ", distinct=10),
    Recognizer("bank_account", "British sort codes with account numbers", "^[0-9]{2}-[0-9]{2}-[0-9]{2}[ /-]?[0-9]{7,8}$", 0.75, 0.8,
               lengths=(15, 17), signs="- /", distinct=3),
    Recognizer("tax_id", "two and seven digits", "^[0-9]{2}-[0-9]{7}$", 0.45, 0.9, lengths=(10, 10), signs="-", distinct=3),
    Recognizer("tax_id", "VAT numbers of the EU", "^(?:AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|GB|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT"
               "|RO|SE|SI|SK)[0-9A-Z]{8,12}$", 0.8, 0.8, "eu.vat", 0.1, compact=True, needs=_CAPITALS, lengths=(10, 14), signs=""),
)  # fmt: skip


def _state(
    title: str,
    lengths: tuple[int, int],
    pattern: str,
    check: str = "",
    chance: float = 1.0,
    alone: float = 0.9,
    signs: str = "",
) -> Recognizer:
    """A number that a state gives a person; `lengths` are without separators."""
    needs = _CAPITALS if "A-" in pattern or "[XYZ]" in pattern else frozenset({"digit"})
    return Recognizer("national_id", title, pattern, alone, 0.75, check, chance, compact=True, kinds=_NUMBERS, needs=needs,
                      lengths=lengths, signs=signs, distinct=2)  # fmt: skip


STATES: tuple[Recognizer, ...] = (
    _state("NHS numbers (GB)", (10, 10), "^[4679][0-9]{9}$", "nhs", 0.09),
    _state("national insurance numbers (GB)", (9, 9), "^[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][0-9]{6}[A-D]$", alone=0.88),
    _state("social insurance numbers (CA)", (9, 9), "^[1-79][0-9]{8}$", "luhn", 0.1),
    _state("tax identification numbers (DE)", (11, 11), "^[1-9][0-9]{10}$", "de.idnr", 0.01),
    _state("social security numbers (FR)", (15, 15), "^[1-478][0-9]{4}(?:[0-9]{2}|2[AB])[0-9]{8}$", "fr.nir", 0.01),
    _state("DNI, NIE (ES)", (9, 9), "^(?:[0-9]{8}[A-Z]|[XYZ][0-9]{7}[A-Z])$", "es.nif", 0.05),
    _state("codice fiscale (IT)", (16, 16), "^[A-Z]{6}[0-9LMNP-V]{2}[A-EHLMPR-T][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z]$", alone=0.95),
    _state("BSN (NL)", (9, 9), "^[0-9]{9}$", "bsn", 0.09),
    _state("PESEL (PL)", (11, 11), "^[0-9]{11}$", "pl.pesel", 0.05),
    _state("personnummer (SE)", (10, 13), r"^(?:19|20)?[0-9]{6}[+]?[0-9]{4}$", "se.personnummer", 0.05, signs="+"),
    _state("fødselsnummer (NO)", (11, 11), "^[0-9]{11}$", "no.fodselsnummer", 0.01),
    _state("CPR numbers (DK)", (10, 10), "^[0-3][0-9][01][0-9]{7}$", "dk.cpr", 0.1),
    _state("henkilötunnus (FI)", (10, 11), "^[0-3][0-9][01][0-9]{3}[+A-FU-Y]?[0-9]{3}[0-9A-FHJ-NPR-Y]$", "fi.hetu", 0.03, signs="+"),
    _state("national numbers (BE)", (11, 11), "^[0-9]{11}$", "be.nn", 0.01),
    _state("NIF (PT)", (9, 9), "^[1235689][0-9]{8}$", "pt.nif", 0.09),
    _state("PPS numbers (IE)", (8, 9), "^[0-9]{7}[A-W][A-IWTX]?$", "ie.pps", 0.05),
    _state("tax file numbers (AU)", (9, 9), "^[0-9]{9}$", "au.tfn", 0.09),
    _state("Aadhaar (IN)", (12, 12), "^[2-9][0-9]{11}$", "verhoeff", 0.1),
    _state("PAN (IN)", (10, 10), "^[A-Z]{3}[ABCFGHJLPT][A-Z][0-9]{4}[A-Z]$", alone=0.9),
    _state("CPF (BR)", (11, 11), "^[0-9]{11}$", "br.cpf", 0.01),
    _state("identity numbers (ZA)", (13, 13), "^[0-9]{13}$", "za.idnr", 0.01),
    _state("NRIC, FIN (SG)", (9, 9), "^[STFGM][0-9]{7}[A-Z]$", "nric", 0.1),
    _state("resident registration numbers (KR)", (13, 13), "^[0-9]{13}$", "kr.rrn", 0.03),
    _state("resident identity numbers (CN)", (18, 18),
           "^[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx]$", "cn", 0.1),
    _state("individual numbers (JP)", (12, 12), "^[0-9]{12}$", "jp.in_", 0.09),
    _state("AHV numbers (CH)", (13, 13), "^756[0-9]{10}$", "ch.ssn", 0.1),
    _state("insurance numbers (AT)", (10, 10), "^[1-9][0-9]{9}$", "at.vnr", 0.05),
    _state("CURP (MX)", (18, 18), "^[A-Z][AEIOUX][A-Z]{2}[0-9]{6}[HMX][A-Z]{5}[0-9A-Z][0-9]$", alone=0.95),
    _state("RUT (CL)", (8, 9), "^[0-9]{7,8}[0-9K]$", "cl.rut", 0.09),
    _state("identity numbers (TR)", (11, 11), "^[1-9][0-9]{10}$", "tr.tckimlik", 0.01),
    _state("CNP (RO)", (13, 13), "^[1-9][0-9]{12}$", "ro.cnp", 0.01),
    _state("personal codes (EE, LT)", (11, 11), "^[1-6][0-9]{10}$", "ee.ik", 0.03),
    Recognizer(
        "national_id", "birth numbers (CZ, SK)", "^[0-9]{6}/[0-9]{3,4}$", 0.85, 0.8, lengths=(10, 11), signs="/", distinct=2
    ),
)  # fmt: skip
"""By country: the format, the check of python-stdnum or ours, and how many random numbers of that format pass it."""


def matches(sample: Sample, own: Iterable[Recognizer] = ()) -> Iterator[Match]:
    """What the values of one column fit, best first within each tag not promised."""
    for one in (*(one for one in own if sample.kind in one.kinds), *_of_kind(sample.kind).possible(sample)):
        found = one.look(sample)
        if found is not None:
            yield found


class _Table(NamedTuple):
    """Recognizers, and for each which values it may fit: how long they are, and which marks they do not have."""

    recognizers: tuple[Recognizer, ...]
    least: NDArray[np.int64]
    most: NDArray[np.int64]
    others: NDArray[np.uint32]
    compact: NDArray[np.bool_]
    rare: NDArray[np.bool_]

    def possible(self, sample: Sample) -> Iterable[Recognizer]:
        """Those that a few values do not rule out: told of all of them at once, without any pattern."""
        lengths = np.where(self.compact, sample.glance_compact_lengths[:, None], sample.glance_lengths[:, None])
        fits = (lengths >= self.least) & (lengths <= self.most) & (sample.glance_marks[:, None] & self.others == 0)
        return itertools.compress(self.recognizers, fits.any(axis=0) | self.rare)


@functools.cache
def _of_kind(kind: str) -> _Table:
    table = tuple(one for one in (*RECOGNIZERS, *STATES) if kind in one.kinds)
    lengths = np.array([one.lengths for one in table]).reshape(-1, 2)
    others = np.array([~one.marks for one in table], np.uint32)
    compact, rare = (
        np.array(found, bool) for found in ([one.compact for one in table], [one.minimum < _LIKELY for one in table])
    )
    return _Table(table, lengths[:, 0], lengths[:, 1], others, compact, rare)


def own_recognizer(described: OwnRecognizer) -> Recognizer:
    """A recognizer as an organisation describes it. Raises `Invalid` for a pattern RE2 refuses or an unknown check."""
    if described.pattern:
        _check_pattern(described.pattern, described.tag)
    if described.validator and validator(described.validator) is None:
        step = "Use luhn, card, iban, verhoeff, vin, aba, nhs, bsn, pesel, tfn, nric, cn or a module of python-stdnum such as nl.bsn."
        raise Invalid(
            f"there is no check {clip(described.validator)!r} (recognizer of {described.tag})", next_step=step
        )
    dictionary = plain(pa.array(described.dictionary, pa.large_string())).to_pylist()
    proves = bool(described.pattern or described.dictionary or described.validator)
    return Recognizer(
        described.tag,
        described.title,
        f"^(?:{described.pattern})$" if described.pattern else "",
        described.confidence if proves else 0.0,
        described.minimum if proves else 2.0,
        described.validator,
        0.1,
        kinds=frozenset({"text", "integer", "number"}),
        needs=_ANY,
        lengths=(1, 2000),
        dictionary=frozenset(dictionary),
    )


@functools.lru_cache(maxsize=1000)
def _check_pattern(pattern: str, tag: str) -> None:
    """Whether RE2 takes a pattern: it has no look-around and no back-references, so that none can run away."""
    try:
        pc.match_substring_regex(pa.array(["x"]), f"^(?:{pattern})$")
    except pa.ArrowInvalid as problem:
        reason = str(problem).partition("regular expression: ")[2] or "it is no regular expression"
        step = "Patterns are RE2 (github.com/google/re2/wiki/Syntax): no look-around, no back-references."
        raise Invalid(f"the pattern of recognizer {tag} is refused: {clip(reason, 120)}", next_step=step) from None
