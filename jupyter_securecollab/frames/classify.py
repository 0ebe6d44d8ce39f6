"""Finds which columns of a frame are sensitive, and says why.

Three signals are joined, in `_weigh`: what the column's name says, what its values fit, and what stands beside it.
What somebody decided is kept. Changes nothing, and no evidence holds a value: examples are shown with every letter
and digit covered. Where nothing is found a column is `internal`, and nobody has reviewed it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..model import Label, Level, clip
from . import axes, east, relations, sampling, shapes
from .asking import Asking
from .guesses import guesses, logins
from .names import Said, about_things, of_a_user, said, silent
from .readings import readings, within_urls
from .recognizers import Match, Recognizer, matches, own_recognizer
from .sampled import Sample, strata
from .scrub import TextRecognizer
from .sweep import Swept, sweep
from .tags import TAGS, Rules, default_rules

ENOUGH = 0.5
"""How sure we have to be of a tag to give it."""

# A name whose values cannot be looked at (there are none) is enough to ask.
_NAME_ALONE = 0.8
_BESIDE = 0.3
_EXAMPLES = 3
_ALL_COVERED = "•••"
_TOLD_BY_FORM = frozenset({"password", "secret_key"})  # their signs and lengths are part of the secret
_AT_ONCE = 2
_AGES = 89  # above it an age counts as a date of birth: 45 CFR 164.514(b)(2)(i)(C)

# What the values of one of these fit supports another of them that the name says: the name knows which.
_KIN = (
    frozenset({"person_name", "first_name", "last_name", "maiden_name"}),
    frozenset({"nationality", "country"}),
    frozenset({"latitude", "longitude"}),
    frozenset({"date_of_birth", "date_of_death"}),
    frozenset({"us_ssn", "national_id", "tax_id", "passport", "driver_license", "medical_record_number"}),
    frozenset({"bank_account", "account_id"}),
    frozenset({"username", "account_id"}),
    frozenset({"username", "person_name", "first_name", "last_name"}),
    frozenset({"device_id", "imei", "mac_address"}),
)

_NAMES_OF_PEOPLE = frozenset({"person_name", "first_name", "last_name"})

# Neighbours that make a tag likelier.
_PEOPLE = frozenset(
    {"person_name", "first_name", "last_name", "maiden_name", "email", "date_of_birth", "us_ssn", "phone"}
)
_PLACES = frozenset({"street", "address", "city", "postcode", "country"})
_BESIDES: dict[str, frozenset[str]] = {
    "first_name": frozenset({"last_name", "maiden_name", "person_name"}),
    "last_name": frozenset({"first_name", "maiden_name", "person_name"}),
    "person_name": _PEOPLE - {"phone"},
    "phone": _PEOPLE | _PLACES,
    "postcode": frozenset({"street", "address", "city", "latitude"}),
    "city": frozenset({"street", "postcode"}),
    "country": frozenset({"city", "postcode", "street", "nationality"}),
    "street": frozenset({"city", "postcode"}),
    "address": frozenset({"city", "postcode"}),
    "latitude": frozenset({"longitude"}),
    "longitude": frozenset({"latitude"}),
    "date_of_birth": _PEOPLE,
    "age": _PEOPLE | frozenset({"gender", "ethnicity", "marital_status"}),
    "gender": _PEOPLE | frozenset({"age"}),
    "ethnicity": _PEOPLE | frozenset({"age", "gender", "marital_status"}),
    "username": frozenset({"password", "email"}),
    "password": frozenset({"username", "email"}),
    "cvv": frozenset({"credit_card"}),
    "salary_or_income": _PEOPLE | frozenset({"gender", "marital_status"}),
    "passport": _PEOPLE,
    "driver_license": _PEOPLE,
    "vehicle_id": _PEOPLE,
    "credit_card": frozenset({"cvv"}),
    "bank_account": frozenset({"swift_bic", "iban", "person_name"}),
    "account_id": _PEOPLE,
    "tax_id": _PEOPLE | _PLACES,
    "biometric": _PEOPLE,
    "special_category": _PEOPLE,
}


@dataclass(frozen=True)
class Finding:
    """What is known of one column.

    `confidence` is 0 to 1; `share` of the values fitted `check`; `name_says` is the word that the name says it with.
    `examples` are up to three values with letters and digits covered. `seen` values of `rows` rows were looked at.
    `contains` are tags of what stands inside sentences, `read` says what recognizers of text found there.
    """

    level: Level
    tag: str | None = None
    confidence: float = 0.0
    name_says: str = ""
    check: str = ""
    share: float = 0.0
    beside: str = ""
    examples: tuple[str, ...] = ()
    contains: tuple[str, ...] = ()
    raised: str = ""
    seen: int = 0
    rows: int = 0
    read: str = ""
    by: Recognizer | None = field(default=None, repr=False, compare=False)

    def evidence(self) -> str:
        """Why, in one line. It goes with the label to whoever may read the column, so it names no other column."""
        said_so = [
            f"the name says {self.name_says!r}" if self.name_says else "",
            f"{_part(self.share, self.seen)}: {self.check}" if self.check else "",
            self.read,
            "what stands beside it agrees" if self.beside else "",
            "with other columns here it singles people out" if self.raised else "",
            f"such as {', '.join(self.examples)}" if self.examples else "",
        ]
        return "; ".join(part for part in said_so if part)

    def label(self) -> Label:
        """As a label nobody has confirmed."""
        return Label(self.level, self.tag, round(self.confidence, 3), self.evidence())


@dataclass(frozen=True)
class _Candidate:
    """A tag a column may have, and what speaks for it."""

    tag: str
    confidence: float
    said: Said | None = None
    match: Match | None = None
    beside: str = ""


class Classifier:
    """Finds sensitive columns by an organisation's rules, and by recognizers that plug-ins bring.

    `texts` gives recognizers of text by name, when it is first needed; they are asked what sentences contain.
    Raises `Invalid` when a recognizer of the rules has a pattern that RE2 refuses or a check that does not exist.
    """

    def __init__(
        self,
        rules: Rules | None = None,
        recognizers: Iterable[Recognizer] = (),
        texts: Callable[[], Mapping[str, TextRecognizer]] = dict,
    ) -> None:
        self._texts = texts
        self.rules = rules or default_rules()
        self._own = (*map(own_recognizer, self.rules.recognizers), *recognizers)
        self._names = tuple((name, one.tag) for one in self.rules.recognizers for name in one.names)

    def find(
        self,
        frame: Any,
        given: Mapping[str, Label] | None = None,
        *,
        full: bool = False,
        swept: Callable[[Mapping[str, Recognizer | None]], Mapping[str, list[Swept]]] | None = None,
    ) -> dict[str, Finding]:
        """A finding for every index level and column of a pandas, polars or pyarrow frame, in order.

        `given` holds labels somebody set or that came with the data: those columns are not looked at, but count as
        neighbours. Some thousand rows are looked at, the same ones every time; `full` then reads every value of text
        for what it fits, and for addresses, keys and numbers too rare for a sample. Of columns that share a name the
        highest finding counts. Where the frame given is but the rows to look at of another, `swept` reads all values
        of that, told what the sample found in each column.
        """
        decided = given or {}
        columns = list(axes.columns(frame))
        rows = sampling.rows_to_see(axes.length(frame), len(columns))
        candidates: dict[str, list[tuple[Sample, list[_Candidate]]]] = {name: [] for name, _ in columns}
        for name, sample, fitting in self._looked_at(columns, decided, rows, axes.length(frame)):
            candidates[name].append((sample, self._candidates(sample, fitting)))
        beside, ask = _neighbours(candidates, decided), Asking(self._texts)
        found = {name: self._best(leaves, beside, ask) for name, leaves in candidates.items()}
        if swept is not None:
            for name, leaves in swept({name: one.by for name, one in found.items() if name not in decided}).items():
                found[name] = self._with_all(found[name], leaves)
        elif full:
            self._read_whole(columns, found, decided, every_row_seen=len(rows) == axes.length(frame))
        found |= {name: _decided(decided[name]) for name in found if name in decided}
        return self._combined(found, decided)

    def _looked_at(
        self, columns: Sequence[tuple[str, Any]], decided: Mapping[str, Label], rows: NDArray[np.int64], length: int
    ) -> Iterator[tuple[str, Sample, list[Match]]]:
        """Each leaf of each column that nobody has decided, and everything its values fit."""
        leaves: list[tuple[int, Sample, list[Match]]] = []
        for position, (name, values) in enumerate(columns):
            for sample in () if name in decided else sampling.sample(name, values, rows):
                leaves.append((position, sample, list(_fitting(sample, self._own)) if sample.seen else []))
        plain = {
            at: relations.Looked(one, columns[at][1], found) for at, one, found in leaves if one.name == columns[at][0]
        }
        related = relations.told(plain, length)
        for at, sample, found in leaves:
            yield columns[at][0], sample, [*found, *related.get(at, ())]

    def suggest(self, name: str) -> Finding:
        """What a column's name alone suggests."""
        nothing = Sample(name, "nothing", pa.array([], pa.large_string()))
        return self._finding(nothing, self._candidates(nothing, ()), frozenset(), Asking(dict))

    def knows(self, tag: str) -> bool:
        """Whether there is such a tag, of ours or by the rules."""
        return tag in TAGS or tag in self.rules.levels or any(tag == one.tag for one in self._own)

    def level_of(self, tag: str | None) -> Level:
        """The level of a tag by the rules."""
        return self.rules.levels.get(tag or "", Level.INTERNAL)

    def _highest(self, *tags: str) -> Level:
        return max(map(self.level_of, tags), key=lambda one: one.rank)

    def _candidates(self, sample: Sample, fitting: Sequence[Match]) -> list[_Candidate]:
        """Every tag the column may have, the surest first; of equals the highest level."""
        name = _of_that_part(said(sample.name, self._names), fitting)
        tags = dict.fromkeys([*([name.tag] if name else []), *(one.tag for one in fitting)])
        weighed = (_weigh(tag, sample, name, fitting) for tag in tags)
        return sorted(weighed, key=lambda one: (one.confidence, self.level_of(one.tag).rank), reverse=True)

    def _best(self, leaves: Sequence[tuple[Sample, list[_Candidate]]], beside: frozenset[str], ask: Asking) -> Finding:
        """The finding of a column: of its leaves the one with the highest level counts, then the surest."""
        findings = [self._finding(sample, candidates, beside, ask) for sample, candidates in leaves]
        return max(findings, key=lambda one: (one.level.rank, one.confidence), default=Finding(Level.INTERNAL))

    def _finding(
        self, sample: Sample, candidates: Sequence[_Candidate], beside: frozenset[str], ask: Asking
    ) -> Finding:
        raised = [_beside(one, beside) for one in candidates]
        best = max(raised, key=lambda one: one.confidence, default=None)
        if best is None or best.confidence < ENOUGH:
            return Finding(Level.INTERNAL, seen=sample.seen, rows=sample.rows)
        contains, read = best.match.contains if best.match else (), ""
        if best.tag == "free_text":
            more, read = ask(sample)
            contains = tuple(dict.fromkeys((*contains, *more)))
        if best.tag == "age" and bool((sample.numbers > _AGES).any()):
            contains, read = ("date_of_birth",), f"there are ages over {_AGES}"
        return Finding(
            self._highest(best.tag, *contains),
            best.tag,
            best.confidence,
            clip(best.said.words) if best.said else "",
            best.match.check if best.match else "",
            best.match.share if best.match else 0.0,
            best.beside,
            _covered(sample) if best.tag not in _TOLD_BY_FORM else (_ALL_COVERED,),
            contains,
            seen=sample.seen,
            rows=sample.rows,
            read=read,
            by=best.match.by if best.match else None,
        )

    def _read_whole(
        self,
        columns: Sequence[tuple[str, Any]],
        found: dict[str, Finding],
        decided: Mapping[str, Label],
        *,
        every_row_seen: bool,
    ) -> None:
        """Every value of text, two columns at a time: Arrow does the work without holding the interpreter."""
        wanted = [(name, values) for name, values in columns if name not in decided]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            asked = [None if every_row_seen else found[name].by for name, _ in wanted]
            swept = pool.map(lambda one, by: sweep(one[0], one[1], by), wanted, asked)
            for (name, _), leaves in zip(wanted, swept, strict=True):
                found[name] = self._with_all(found[name], leaves)

    def _with_all(self, finding: Finding, leaves: Sequence[Swept]) -> Finding:
        """A finding in the light of every value: exact shares, and the highest of what is rare if it is higher."""
        counted = max(leaves, key=lambda one: one.share, default=None)
        if counted is not None and counted.share:
            finding = replace(finding, share=counted.share, seen=counted.seen, rows=counted.rows)
        for swept in leaves:
            finding = self._with_rare(finding, swept)
        return finding

    def _with_rare(self, finding: Finding, swept: Swept) -> Finding:
        rare = max(swept.rare, key=lambda one: self._highest(one.tag, *one.contains).rank, default=None)
        if rare is None or (level := self._highest(rare.tag, *rare.contains)) <= finding.level:
            return finding
        return Finding(
            level,
            rare.tag,
            rare.confidence,
            "",
            rare.check,
            rare.share,
            contains=rare.contains,
            seen=swept.seen,
            rows=swept.rows,
        )

    def _combined(self, found: dict[str, Finding], decided: Mapping[str, Label]) -> dict[str, Finding]:
        """Columns that together single people out get at least the level the rules say; decisions stay."""
        tags = {one.tag for one in found.values()}
        for combination in self.rules.combinations:
            if not tags.issuperset(combination.tags):
                continue
            for name, one in found.items():
                if name not in decided and one.tag in combination.tags and one.level < combination.level:
                    others = [tag for tag in combination.tags if tag != one.tag]
                    found[name] = replace(one, level=combination.level, raised=f"together with {' and '.join(others)}")
        return found


def classify(
    frame: Any, given: Mapping[str, Label], *, classifier: Classifier | None = None, full: bool = False
) -> dict[str, Label]:
    """A label for every index level and column of a pandas, polars or pyarrow frame, in order.

    `given` holds the labels somebody set or that came with the data; they are taken as they are.
    """
    found = (classifier or Classifier()).find(frame, given, full=full)
    return {name: given[name] if name in given else finding.label() for name, finding in found.items()}


def suggest(name: str) -> Label:
    """The label a column's name alone suggests."""
    return Classifier().suggest(name).label()


def _fitting(sample: Sample, own: Iterable[Recognizer]) -> Iterator[Match]:
    for one in matches(sample, own):
        held = within_urls(sample) if one.tag == "url" else ()
        yield one._replace(check=f"{one.check} that contain {', '.join(held)}", contains=held) if held else one
    yield from readings(sample)
    yield from east.readings(sample)
    if silent(sample.name):
        yield from guesses(sample)
    elif of_a_user(sample.name):
        yield from logins(sample)


def _weigh(tag: str, sample: Sample, name: Said | None, fitting: Sequence[Match]) -> _Candidate:
    """How sure we are of one tag: name and values are independent witnesses, so what both leave in doubt multiplies.

    A name counts while the values do not speak against it; values of a kin tag count for the tag the name says; check
    digits that are not right take nothing away from a name.
    """
    mine = name if name is not None and name.tag == tag else None
    kin = {tag} | {other for group in _KIN if mine and tag in group for other in group}
    like = (one for one in fitting if one.tag == tag or (one.tag in kin and one.confidence))
    match = max(like, key=lambda one: (one.confidence, one.share), default=None)
    sure = match.confidence if match else 0.0
    if mine is None:
        return _Candidate(tag, sure / 2 if tag in _NAMES_OF_PEOPLE and about_things(sample.name) else sure, None, match)
    if not sample.rows or not sample.seen:
        unlike_flags = sample.kind == "nothing"
        return _Candidate(tag, mine.strength * _NAME_ALONE if unlike_flags else 0.0, mine)
    likeness = shapes.fits(sample, tag)
    if likeness is None:
        return _Candidate(tag, sure, None, match)
    doubt = (1 - mine.strength) * (1 - sure) * (1 - shapes.bonus(tag) * likeness)
    return _Candidate(tag, 1 - doubt, mine, match)


def _of_that_part(name: Said | None, fitting: Sequence[Match]) -> Said | None:
    """A name that says `nom` or `name` of values that are family names alone, or given names, says that."""
    if name is None or name.tag != "person_name":
        return name
    best = max((one for one in fitting if one.tag in _NAMES_OF_PEOPLE), key=lambda one: one.confidence, default=None)
    return name._replace(tag=best.tag) if best is not None and best.confidence >= ENOUGH else name


def _neighbours(
    candidates: Mapping[str, Sequence[tuple[Sample, Sequence[_Candidate]]]], decided: Mapping[str, Label]
) -> frozenset[str]:
    """Tags that are there, or nearly sure to be."""
    likely = {
        tag.tag for leaves in candidates.values() for _, tags in leaves for tag in tags[:1] if tag.confidence >= 0.4
    }
    return frozenset(likely | {label.tag for label in decided.values() if label.tag})


def _beside(one: _Candidate, tags: frozenset[str]) -> _Candidate:
    """A candidate in the light of what stands beside it; nothing is made likely that name and values are silent on."""
    near = sorted(_BESIDES.get(one.tag, frozenset()) & tags - {one.tag})
    if not near or one.confidence < 0.25 or one.confidence >= 0.9:
        return one
    return replace(one, confidence=1 - (1 - one.confidence) * (1 - _BESIDE), beside=" and ".join(near[:2]))


def _decided(label: Label) -> Finding:
    return Finding(label.level, label.tag, label.confidence)


def _covered(sample: Sample) -> tuple[str, ...]:
    """Three values with every letter and digit covered, so that only their form is left."""
    if sample.kind == "nothing" or not len(sample.texts):
        return ()
    picked = sample.texts.take(pa.array(strata(len(sample.texts), _EXAMPLES)))
    hidden = pc.replace_substring_regex(pc.utf8_slice_codeunits(picked, 0, 40), r"[^ @.,:;/()+\-]", "•")
    return tuple(dict.fromkeys(text if "•" in text else _ALL_COVERED for text in hidden.to_pylist()))


def _part(share: float, seen: int) -> str:
    """A share in words: a count where a percentage would say nothing."""
    if 0.01 <= share <= 0.99:
        return f"{share:.0%} of {seen:,} values"
    return f"all {seen:,} values" if share >= 1 else f"{round(share * seen):,} of {seen:,} values"
