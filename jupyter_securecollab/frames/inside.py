"""What identifies somebody inside running text: patterns, checks, and where each occurrence stands.

Patterns are RE2, which takes time in proportion to the text whatever the text. What has check digits counts where they
are right; what is only a number counts where the text says before it what it is ("born", "SSN", "phone"). Names of
people are found by a title, or where a known given name stands beside a known family name: others are not found.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .checksums import validator
from .keyed import large_strings
from .words import plain, words

if TYPE_CHECKING:
    from numpy.typing import NDArray

MARK = "\ufdd0"  # a noncharacter: never text (Unicode 23.7)
_UNSEEN = r"[\p{Cf}\p{Co}\x{FDD0}-\x{FDEF}]"


@dataclass(frozen=True)
class Inside:
    """Something that may stand inside text.

    `pattern` matches what identifies, `before` what has to stand in front of it and stays; neither has capturing
    groups. `checks` name validators one of which what is found has to pass, separators taken out. `needs` is something
    that every text with such a thing has: a plain text, `digit`, or `digits` for seven in a row or nearly so.
    """

    tag: str
    pattern: str
    before: str = ""
    checks: tuple[str, ...] = ()
    needs: str = "digit"


_GAP = r"[ \x{A0}\x{202F}\x{2010}-\x{2015}\-]"  # spaces and hyphens between groups of digits
SEPARATORS = r"[\s./()\x{A0}\x{202F}\x{2010}-\x{2015}\-]"
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IS = r"(?:(?:\s+(?:is|was|ist|est|es|é|number|nummer|no\.?|nr\.?|n°|num\.?|id|code)){0,2}\s*[:=#]?\s*)"
_MONTH = r"(?:jan|feb|mar|mär|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)[a-zä]{0,6}\.?"
_DATE = (
    r"(?:[0-9]{4}[./\-][0-9]{1,2}[./\-][0-9]{1,2}|[0-9]{1,2}[./\-][0-9]{1,2}[./\-][0-9]{2,4}"
    rf"|[0-9]{{1,2}}\.?\s{_MONTH}\s[0-9]{{4}}|{_MONTH}\s[0-9]{{1,2}}(?:st|nd|rd|th)?,?\s[0-9]{{4}})"
)
_CODE = r"[A-Z]{0,4}[0-9][A-Z0-9]*(?:[\-/][A-Z0-9]+)*"
_TITLES = (
    "Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Sir|Dame|Rev|Herrn?|Hrn|Frau|Hr|Fr|M|Mme|Mlle|Pr|Sr|Sra|Srta|Dra|Sig|Dott|Dhr|Mevr|Pani?"
)
_DEGREES = r"h\. ?c|med|dent|vet|rer|nat|phil|jur|iur|habil|pol|oec|Ing|Méd|méd"
# As many as there are, of which the last may be followed by a `von`: Herr Prof. Dr. med. von
_TITLE = (
    rf"\b(?:(?:{_TITLES})\b|Pat\.)(?:\.?-Ing\.|\.ssa|\.)? (?:(?:{_TITLES}|{_DEGREES})\b(?:\.?-Ing\.|\.ssa|\.)? )*"
    r"(?:(?:von|vom|van|de|du|des|della|di|da|dos|der|den|la) ){0,3}"
)
_LETTER, _SMALL = "A-ZÀ-ÖØ-ÞĀ-Ž", "a-zß-öø-ÿā-ž"
_WORD = rf"(?:[{_LETTER}]['’])?[{_LETTER}][{_SMALL}]+(?:['’\-][{_LETTER}]?[{_SMALL}]+)*"

INSIDE: tuple[Inside, ...] = (
    Inside("secret_key", r"-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?", needs="PRIVATE KEY-----"),
    Inside("secret_key", r"\b(?:(?:AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_[0-9A-Za-z]{20,}|github_pat_\w{20,}|(?:npm|hf)_[0-9A-Za-z]{20,}"
           r"|(?:glpat|pypi|sk|xox[abeprs])-[\w\-]{16,}|[srp]k_(?:live|test)_\w{10,}|AIza[\w\-]{30,}|SG\.[\w\-]{16,}\.[\w\-]{16,}"
           r"|eyJ[\w\-]{8,}\.eyJ[\w\-]{8,}(?:\.[\w\-]*)?)", needs=""),
    Inside("secret_key", r"[a-z][a-z0-9+.\-]*://[^/\s:@]+:[^/\s@]+@[^\s<>\"']+", needs="://"),
    Inside("password", r"[^\s,;]{3,}", r"(?i:\b(?:password|passwd|passphrase|passwort|kennwort|mot de passe|contraseña|senha|pwd|pin)"
           r"(?:\s+(?:is|was|ist|est|es))?\s*[:=]\s*)", needs=""),
    Inside("url", r"\b(?:(?:https?|ftp)://|www\.)[^\s<>\"']*[^\s<>\"'.,;:!?)\]]", needs=""),
    Inside("email", r"[\w.+%\-À-ɏ]+@[\w\-À-ɏ]+(?:\.[\w\-À-ɏ]+)*\.[A-Za-z]{2,24}\b", needs="@"),
    Inside("iban", r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b", checks=("iban",)),
    Inside("us_ssn", rf"[0-9]{{3}}{_GAP}?[0-9]{{2}}{_GAP}?[0-9]{{4}}\b", rf"(?i:\b(?:ssn|social security)\b{_IS})", needs="digits"),
    Inside("date_of_birth", _DATE.replace("(?:", "(?i:", 1),
           r"(?i:\b(?:born|birth|birthday|birthdate|birth date|dob|d\.o\.b\.|geboren|geb\.?|geburtsdatum|née?|naissance|nacid[oa]|nacimiento"
           r"|nat[oa]|nascita|nascid[oa]|geboortedatum|urodzon[ya]|ur\.)(?:\s+(?:on|am|le|el|il|em|is|was|the|date|op)){0,2}\s*[:=,]?\s*)"),
    Inside("phone", r"[+(]?[0-9](?:[ ().\-/]{0,2}[0-9]){5,14}", r"(?i:\b(?:phone|telephone|tel|mobile|cell|fax|telefon|handy|mobil|téléphone"
           rf"|portable|teléfono|móvil|telefono|cellulare|telefone|telefoon|call(?:ed)?|text(?:ed)?|ring|whatsapp)\b\.?{_IS})"),
    Inside("medical_record_number", rf"{_CODE}\b", rf"(?i:\b(?:mrn|medical record|patient (?:id|number|no\.?)|health plan|versichertennummer)\b{_IS})"),
    Inside("passport", rf"{_CODE}\b", rf"(?i:\b(?:passport|reisepass|passeport|pasaporte|passaporto|paspoort|paszport)\b{_IS})"),
    Inside("driver_license", rf"{_CODE}\b", rf"(?i:\b(?:driver'?s? licen[cs]e|driving licen[cs]e|führerschein|permis de conduire)\b{_IS})"),
    Inside("bank_account", r"[0-9][0-9 \-]{4,20}[0-9]\b", rf"(?i:\b(?:account|acct|konto|kontonummer|compte|cuenta|conto|rekening)\b\.?{_IS})"),
    Inside("national_id", rf"[A-Z]{{0,3}}[0-9](?:{_GAP}?[0-9]){{5,16}}(?:{_GAP}?[A-Z])?\b",
           rf"(?i:\b(?:nhs|nino|national insurance|sin|bsn|pesel|cpr|tfn|aadhaar|personnummer|cpf|dni|nie|nif|national id|id card"
           rf"|steuer-?id|identity number|ahv|insurance number)\b{_IS})"),
    Inside("us_ssn", rf"\b[0-9]{{3}}{_GAP}[0-9]{{2}}{_GAP}[0-9]{{4}}\b", needs="digits"),
    Inside("credit_card", rf"\b(?:4|5[1-5]|2[2-7]|3[0-9]|6[0-9])(?:{_GAP}?[0-9]){{11,15}}\b", checks=("card",), needs="digits"),
    Inside("national_id", r"\b[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]\b"),
    Inside("national_id", r"\b[A-Z]{6}[0-9LMNP-V]{2}[A-EHLMPR-T][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z]\b"),
    Inside("national_id", r"\b(?:[A-Z]{3}[ABCFGHJLPT][A-Z][0-9]{4}[A-Z]|[A-Z][AEIOUX][A-Z]{2}[0-9]{6}[HMX][A-Z]{5}[0-9A-Z][0-9])\b", needs="digits"),
    Inside("national_id", r"\b(?:[0-9]{8}-?[A-Z]|[XYZ]-?[0-9]{7}-?[A-Z])\b", checks=("es.nif",)),
    Inside("national_id", r"\b[0-3][0-9][01][0-9]{3}[+A-FU-Y\-][0-9]{3}[0-9A-FHJ-NPR-Y]\b", checks=("fi.hetu",)),
    Inside("national_id", r"\b[0-9]{6}/[0-9]{3,4}\b"),
    *(Inside("national_id", rf"\b[0-9](?:{_GAP}?[0-9]){{{digits - 1}}}\b", checks=checks, needs="digits")
      for digits, checks in ((18, ("cn.ric",)), (15, ("fr.nir",)), (13, ("za.idnr", "ro.cnp", "ch.ssn")),
                             (11, ("de.idnr", "be.nn", "no.fodselsnummer", "tr.tckimlik")))),
    Inside("national_id", rf"\b[0-9]{{3}}\.?[0-9]{{3}}\.?[0-9]{{3}}{_GAP}?[0-9]{{2}}\b", checks=("br.cpf",), needs="digits"),
    Inside("national_id", rf"\b[0-9]{{3}}{_GAP}[0-9]{{3}}{_GAP}[0-9]{{4}}\b", checks=("nhs",), needs="digits"),
    Inside("national_id", rf"\b[1-79][0-9]{{2}}{_GAP}[0-9]{{3}}{_GAP}[0-9]{{3}}\b", checks=("luhn",), needs="digits"),
    Inside("national_id", rf"\b[2-9][0-9]{{3}}{_GAP}[0-9]{{4}}{_GAP}[0-9]{{4}}\b", checks=("verhoeff",), needs="digits"),
    Inside("mac_address", r"\b(?:[0-9A-Fa-f]{2}[:\-]){5}[0-9A-Fa-f]{2}\b", needs=""),
    Inside("ip_address", rf"\b{_OCTET}(?:\.{_OCTET}){{3}}\b", r"(?i:\b(?:ips?|address|host|server|from)\b[ :=]+)", needs="."),
    Inside("ip_address", rf"\b[1-9][0-9]{{1,2}}(?:\.{_OCTET}){{3}}\b", needs="."),
    Inside("ip_address", r"(?:\b[0-9A-Fa-f]{1,4}:(?:[0-9A-Fa-f]{1,4}:){6}[0-9A-Fa-f]{1,4}\b|\b(?:[0-9A-Fa-f]{1,4}:){1,6}:(?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,5})?)", needs=":"),
    Inside("phone", r"\+[1-9][0-9]{0,2}(?:[ ().\-/\x{A0}]{0,2}[0-9]){6,13}\b", needs="digits"),
    Inside("phone", r"(?:\([0-9]{3}\) ?|\b[0-9]{3}[ .\-])[0-9]{3}[ .\-][0-9]{4}\b", needs="digits"),
    Inside("phone", r"\(?\b0[1-9][0-9]{1,4}\)?[ /\-]{1,3}[1-9][0-9]{3,7}(?:[ \-][0-9]{2,5}){0,3}\b", needs="digits"),
    Inside("phone", r"\b0[1-9](?:[ .][0-9]{2}){4}\b", needs="digits"),
    Inside("vehicle_id", r"\b[A-HJ-NPR-Z0-9]{17}\b", checks=("vin",)),
    Inside("person_name", rf"{_WORD}(?: {_WORD}){{0,2}}", _TITLE, needs=""),
)  # fmt: skip
"""In the order they are looked for: what is found is not looked at again."""

NAME = "person_name"
_DIGITS = {"digit": "[0-9]", "digits": "[0-9](?:[^0-9A-Za-z]{0,3}[0-9]){6}"}
_RUN = rf"\b{_WORD}(?:,? (?:[{_LETTER}]\. )?{_WORD})+"
_STARTS, _INITIAL = re.compile(f"[{_LETTER}]"), re.compile(rf"[{_LETTER}]\.$")
TAGS_INSIDE = tuple(dict.fromkeys(one.tag for one in INSIDE))


class Pieces(NamedTuple):
    """Texts cut where something was found: pieces in order, shape (n,), each with the row it is of.

    `tags` numbers what was found in `TAGS_INSIDE`, -1 where a piece is plain text. Joined row by row, the pieces are
    the texts again.
    """

    texts: Any
    rows: NDArray[np.int64]
    tags: NDArray[np.int16]


def find(texts: pa.Array[Any]) -> Pieces:
    """Everything of `INSIDE` in an array of large strings without nulls.

    Invisible characters (Unicode's Cf, private use and noncharacters) are taken out first: nothing hides behind them.
    """
    if pc.any(pc.match_substring_regex(texts, _UNSEEN)).as_py():
        texts = pc.replace_substring_regex(texts, _UNSEEN, "")
    pieces = Pieces(texts, np.arange(len(texts)), np.full(len(texts), -1, np.int16))
    has = {need: np.asarray(pc.match_substring_regex(texts, pattern), dtype=bool) for need, pattern in _DIGITS.items()}
    for one in INSIDE:
        pieces = _cut(pieces, one, has.get(one.needs))
    return _names(pieces)


def together(texts: Any, starts: NDArray[Any]) -> pa.Array[Any]:
    """Large strings, none of them null, joined: from each start to the next. The last start is their number."""
    _, offsets, data = texts.buffers()
    places = np.frombuffer(offsets, np.int64)[texts.offset :] if offsets else np.zeros(1, np.int64)
    return large_strings(np.ascontiguousarray(places[starts]), np.frombuffer(data or b"", np.uint8))


def _cut(pieces: Pieces, one: Inside, likely: NDArray[np.bool_] | None) -> Pieces:
    """The pieces with every occurrence of one thing as a piece of its own."""
    tag, whole = TAGS_INSIDE.index(one.tag), f"({one.before})({one.pattern})"
    open_ = np.flatnonzero((pieces.tags < 0) & (True if likely is None else likely[pieces.rows]))
    texts = pieces.texts if len(open_) == len(pieces.texts) else pieces.texts.take(pa.array(open_))
    if one.needs and likely is None:
        likely = np.asarray(pc.match_substring(texts, one.needs), dtype=bool)
        open_, texts = open_[likely], texts.filter(pa.array(likely))
    if not len(open_):
        return pieces
    fits = np.asarray(pc.match_substring_regex(texts, whole), dtype=bool)
    if not fits.any():
        return pieces
    marked = pc.replace_substring_regex(texts.filter(pa.array(fits)), whole, rf"\1{MARK}\2{MARK}")
    right = functools.partial(_right, one.checks) if one.checks else None
    return _split(pieces, open_[fits], marked, tag, right)


def _right(checks: Sequence[str], found: Any) -> NDArray[np.bool_]:
    bare = pc.replace_substring_regex(found, SEPARATORS, "")
    passed = np.zeros(len(bare), bool)
    for check in filter(None, map(validator, checks)):
        passed |= check(bare)
    return passed


def _split(
    pieces: Pieces, hits: NDArray[np.int64], marked: Any, tag: int, right: Callable[[Any], NDArray[np.bool_]] | None
) -> Pieces:
    """The pieces with those at `hits` cut at the marks: every second part is what was found, where it is right."""
    lists = pc.split_pattern(marked, MARK)
    parts, lengths = lists.flatten(), np.asarray(pc.list_value_length(lists), dtype=np.int64)
    firsts = np.cumsum(lengths) - lengths
    found = (np.arange(len(parts)) - firsts.repeat(lengths)) % 2 == 1
    if right is not None:
        wrong = np.flatnonzero(found)[~right(parts.filter(pa.array(found)))]
        parts, lengths, found = _without(parts, lengths, found, wrong)
    counts = np.ones(len(pieces.texts), np.int64)
    counts[hits] = lengths
    origin = np.arange(len(counts)).repeat(counts)
    is_hit = np.zeros(len(counts), bool)
    is_hit[hits] = True
    is_part = is_hit[origin]
    source, tags = origin.copy(), pieces.tags[origin]
    source[is_part] = len(counts) + np.arange(len(parts))
    tags[is_part] = np.where(found, tag, -1)
    texts: Any = pa.concat_arrays([pieces.texts, parts]).take(pa.array(source))
    return Pieces(texts, pieces.rows[origin], tags)


def _without(
    parts: Any, lengths: NDArray[np.int64], found: NDArray[np.bool_], wrong: NDArray[np.int64]
) -> tuple[Any, NDArray[np.int64], NDArray[np.bool_]]:
    """The same parts with wrong ones joined to what stands around them: another pattern may need that whole."""
    begins = np.ones(len(parts), bool)
    begins[wrong] = begins[wrong + 1] = False
    starts = np.append(np.flatnonzero(begins), len(parts))
    kept = np.bincount(np.arange(len(lengths)).repeat(lengths)[begins], minlength=len(lengths))
    return together(parts, starts), kept, found[starts[:-1]]


def _names(pieces: Pieces) -> Pieces:
    """Given names beside family names, in whatever words with capital letters stand together."""
    open_ = np.flatnonzero(pieces.tags < 0)
    texts = pieces.texts.take(pa.array(open_))
    fits = np.asarray(pc.match_substring_regex(texts, _RUN), dtype=bool)
    if not fits.any():
        return pieces
    lists = pc.split_pattern(
        pc.replace_substring_regex(texts.filter(pa.array(fits)), f"({_RUN})", f"{MARK}\\1{MARK}"), MARK
    )
    encoded = lists.flatten().dictionary_encode()
    marked = pa.array(_marked(encoded.dictionary.to_pylist()), pa.large_string()).take(encoded.indices)
    joined = together(marked, np.asarray(lists.offsets))
    some = np.asarray(pc.match_substring(joined, MARK), dtype=bool)
    if not some.any():
        return pieces
    return _split(pieces, open_[fits][some], joined.filter(pa.array(some)), TAGS_INSIDE.index(NAME), None)


def _marked(runs: list[str]) -> list[str]:
    """Runs of words, and what stands between them, with marks around the names of people among the words."""
    split = [run.split(" ") if _STARTS.match(run) else [] for run in runs]
    spelled = sorted({word.rstrip(",") for words_ in split for word in words_})
    ways = [[word.translate(_UMLAUTS) for word in spelled], spelled]  # Röder is known as Roeder, Müller as Muller
    plainly = [plain(pa.array(way, pa.large_string())).to_pylist() for way in ways]
    is_word = {
        kind: {word for word, *own in zip(spelled, *plainly, strict=True) if any(_is(one, kind) for one in own)}
        for kind in ("given", "family")
    }
    return [
        _with_marks(run, parts, is_word["given"], is_word["family"]) for run, parts in zip(runs, split, strict=True)
    ]


_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})


def _is(word: str, kind: str) -> bool:
    known = words(kind)
    return word not in words("things") and (word in known or any(half in known for half in word.split("-")))


def _with_marks(run: str, parts: list[str], given: set[str], family: set[str]) -> str:
    """`Ann Smith`, `Ann M. Smith`, `Ann Maria Smith`, `Smith, Ann`."""
    made, place = [], 0
    while place < len(parts):
        length = _name_at(parts[place : place + 3], given, family)
        made.append(f"{MARK}{' '.join(parts[place : place + length])}{MARK}" if length else parts[place])
        place += max(length, 1)
    return " ".join(made) if parts else run


def _name_at(parts: list[str], given: set[str], family: set[str]) -> int:
    """How many words of a name begin here."""
    first, *rest = parts
    if rest and first.endswith(","):
        return 2 if first[:-1] in family and rest[0] in given else 0
    if first not in given or not rest:
        return 0
    if len(rest) == 2 and (_INITIAL.match(rest[0]) or rest[0] in given) and rest[1] in family:
        return 3
    return 2 if rest[0] in family else 0
