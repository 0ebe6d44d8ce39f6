"""Recognizers of text by spaCy and by presidio, where these and a model of language are installed.

Patterns find what has a form, dictionaries the names they know; a model finds names of people and places that stand in
none. Registered under `scrub.GROUP` as any other package's. Neither library is imported before the first text is read,
and nothing is ever downloaded: of installed models an English one is taken, else the first by name.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import Any

_MODELS = "spacy_models"  # entry points by which spaCy finds its models
_LONGEST = 100_000  # characters of one text that are read; spaCy takes gigabytes for a million
_SURE = 0.5

_NEEDLESS = ("parser", "tagger", "lemmatizer", "attribute_ruler", "morphologizer", "senter")
_SPACY: Mapping[str, str] = {
    **dict.fromkeys(("PERSON", "PER", "persName"), "person_name"),
    **dict.fromkeys(("GPE", "LOC", "LOCATION", "placeName"), "city"),
}
# Without email addresses and URLs, for which presidio may fetch a list of domains; ours finds them.
_PRESIDIO: Mapping[str, str] = {
    "PERSON": "person_name",
    "LOCATION": "city",
    "PHONE_NUMBER": "phone",
    "CREDIT_CARD": "credit_card",
    "IBAN_CODE": "iban",
    "IP_ADDRESS": "ip_address",
    "US_BANK_NUMBER": "bank_account",
    "US_DRIVER_LICENSE": "driver_license",
    "US_ITIN": "tax_id",
    "US_PASSPORT": "passport",
    "US_SSN": "us_ssn",
    **dict.fromkeys(
        ("AU_TFN", "ES_NIE", "ES_NIF", "FI_PERSONAL_IDENTITY_CODE", "IN_AADHAAR", "IN_PAN", "IT_FISCAL_CODE",
         "PL_PESEL", "SG_NRIC_FIN", "UK_NHS", "UK_NINO"),
        "national_id",
    ),
}  # fmt: skip

Found = list[tuple[int, int, str]]
Reading = Callable[[Sequence[str]], Iterator[Found]]


class OfLibrary:
    """A recognizer of text that works where some libraries and a model of spaCy are installed."""

    def __init__(self, needs: Sequence[str], loaded: Callable[[str], Reading]) -> None:
        self._needs = needs
        self._loaded = functools.cache(loaded)

    def missing(self) -> str:
        """What it needs and is not there, in words; empty where it works."""
        absent = [name for name in self._needs if find_spec(name) is None]
        if absent:
            return f"{' and '.join(absent)} is not installed"
        return "" if _model() else "no model of spaCy is installed"

    def __call__(self, texts: Sequence[str]) -> Iterable[Found]:
        """Persons, places and what else it knows in each text, by its first 100,000 characters."""
        return self._loaded(_model())([text[:_LONGEST] for text in texts])


def _model() -> str:
    """An installed model of spaCy, an English one before others; empty where there is none."""
    names = {point.name for point in entry_points(group=_MODELS)}
    return min(names, key=lambda name: (not name.startswith("en_"), name), default="")


def _pipeline(model: str) -> Any:
    import spacy

    return spacy.load(model, exclude=_NEEDLESS)


def _by_spacy(model: str) -> Reading:
    pipeline = _pipeline(model)

    def find(texts: Sequence[str]) -> Iterator[Found]:
        for read in pipeline.pipe(texts):
            yield [(one.start_char, one.end_char, _SPACY[one.label_]) for one in read.ents if one.label_ in _SPACY]

    return find


def _by_presidio(model: str) -> Reading:
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    pipeline = _pipeline(model)
    own = SpacyNlpEngine()
    own.nlp = {pipeline.lang: pipeline}  # loaded here: by itself it would download a model that is not there
    engine = AnalyzerEngine(nlp_engine=own, supported_languages=[pipeline.lang])
    entities = sorted(_PRESIDIO.keys() & engine.get_supported_entities(pipeline.lang))

    def find(texts: Sequence[str]) -> Iterator[Found]:
        for text in texts:
            found = engine.analyze(text, language=pipeline.lang, entities=entities, score_threshold=_SURE)
            yield [(one.start, one.end, _PRESIDIO[one.entity_type]) for one in _apart(found)]

    return find


def _apart(found: Iterable[Any]) -> list[Any]:
    """Presidio's results without those that overlap surer ones."""
    kept: list[Any] = []
    for one in sorted(found, key=lambda one: (-one.score, one.start - one.end)):
        if all(one.end <= other.start or other.end <= one.start for other in kept):
            kept.append(one)
    return kept


spacy = OfLibrary(("spacy",), _by_spacy)
presidio = OfLibrary(("spacy", "presidio_analyzer"), _by_presidio)
