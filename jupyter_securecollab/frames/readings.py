"""What values say that no pattern can tell: people's names, places, closed sets, streets, dates of birth, sentences.

Each reading takes a column's sample and gives matches like those of the recognizers. Dictionaries are loaded when the
first column that looks like names needs them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from .embedded import embedded
from .inside import TAGS_INSIDE, find
from .marks import A_LETTER, DIGIT, mark
from .recognizers import Match
from .sampled import Sample, strata
from .shapes import COMPONENTS, NAME_LIKE, firms, phrases
from .words import known, plain

_SERIES = "^[A-Za-z]{1,2}[0-9]"  # li204: some families are called that, and more series of numbers
_SMALL = "^[a-z]"  # names of people begin with a capital letter; logins and codes often do not
_TITLE = r"(?:mr|mrs|ms|miss|mx|dr|dres|prof|pr|pd|sir|dame|rev|hr|herr|frau|fr|m|mme|mlle|sr|sra|srta|dra|dott|dott\.ssa|sig|sig\.ra|dhr|mevr|pan|pani|ing|dipl|dipl\.-ing|dr\.-ing|univ)\.?"
_TITLES = rf"^{_TITLE} +(?:(?:{_TITLE}|h\. ?c\.|(?:med|dent|vet)\.?|(?:rer|nat|phil|jur|iur|habil|pol|oec)\.) +)*"
_SUFFIXES = r",? (?:jr|sr|ii|iii|iv|md|m\.d|phd|ph\.d|rn|lpn|bsn|mph|pharmd|psyd|dds|dmd|dvm|facs|cpa|esq|b\.sc|bsc|msc|m\.sc|mba)\.?$|, (?:do|od|np|pa)$"

_WITH_NUMBER_FIRST = (
    r"(?i)^(?:[0-9]{1,6}[a-z]?(?:-[0-9]{1,5})?[, ]+(?:[nsew]\.? )?(?:(?:[0-9A-Za-zÀ-ž'.\-]+ ){1,5}?)(?:alley|annex|arcade|avenue|ave|beach|bend|bluffs?|"
    r"boulevard|blvd|branch|bridge|brooks?|burgs?|bypass|camp|canyon|cape|causeway|centers?|centre|circles?|cir|cliffs?|close|club|"
    r"common|corners?|course|courts?|ct|coves?|creek|crescent|cres|crest|crossing|crossroad|curve|dale|dam|divide|drives?|drv?|estates?|"
    r"expressway|extensions?|falls?|ferry|fields?|flats?|fords?|forest|forges?|forks?|fort|freeway|gardens?|gateway|glens?|greens?|"
    r"groves?|harbors?|haven|heights|highway|hwy|hills?|hollow|inlet|islands?|isle|junctions?|keys?|knolls?|lakes?|land|landing|"
    r"lane|ln|lights?|loaf|locks?|lodge|loop|mall|manors?|meadows?|mews|mills?|mission|motorway|mount|mountains?|neck|orchard|oval|"
    r"overpass|parade|parks?|parkways?|pkwy|pass|passage|path|pike|pines?|place|pl|plains?|plaza|points?|ports?|prairie|radial|ramp|ranch|"
    r"rapids?|rest|ridges?|rise|river|roads?|rd|route|row|run|shoals?|shores?|skyway|springs?|spurs?|squares?|sq|station|stravenue|"
    r"stream|streets?|st|str|summit|terrace|ter|throughway|trace|track|trafficway|trail|trl|tunnel|turnpike|underpass|unions?|valleys?|"
    r"viaduct|views?|villages?|ville|vista|walks?|wall|ways?|wells?|wynd|broadway|yard|gate|end)\b"
    r"|[0-9]{1,5}(?: ?(?:bis|ter|quater|[a-d]))?,? (?:rue|avenue|av\.|boulevard|bd\.?|chemin|ch\.|place|impasse|all[ée]e|quai|route|"
    r"cours|passage|square|villa|faubourg|sentier|esplanade)\b)"
)
_WITH_NUMBER_LATER = (
    r"(?i)^(?:(?:rue|avenue|avenida|avda\.?|av\.?|boulevard|chemin|impasse|all[ée]e|calle|c/|c\.|cl\.|plaza|pza\.?|paseo|camino|carrera|ronda|"
    r"glorieta|pasaje|alameda|rambla|cuesta|vial|urbanizaci[óo]n|callej[óo]n|acceso|cami|carrer|pasadizo|via|viale|v\.le|piazza|p\.za|"
    r"piazzale|corso|c\.so|vicolo|largo|strada|borgo|contrada|canale|rotonda|incrocio|stretto|rua|r\.|travessa|pra[çc]a|estrada|"
    r"rodovia|beco|viela|quinta|bairro|ul\.|ulica|al\.|aleja|aleje|pl\.|plac|os\.|osiedle|am|an der|auf dem|im|zum|zur|unter den) ?\S.*[0-9]"
    r"|[A-Za-zÀ-ž][A-Za-zÀ-ž .\-']*(?:stra(?:ss|ß)e|str\.?|weg|platz|allee|gasse|ring|damm|ufer|steig|stieg|chaussee|hof|berg|graben|straat|laan|plein|kade|"
    r"gracht|dijk|singel|steeg|hof|pad|dreef|gatan|v[äa]gen|veien|vegen|gata|gate|vej|gade|all[ée]|katu|tie|kuja)[ ,]+(?:nr\.? ?)?[0-9]{1,4}"
    r"|(?:flat|house|plot|door|shop|apt|apartment|villa|unit)[ .]*(?:no[.:]* *)?[0-9]+[a-z]?, ?\S.*[a-z]{3}"
    r"|\S.* no[.:]+ ?[0-9]{1,4}\b|[A-Za-zÀ-ž].* (?:caddesi|cad\.|soka[kğ]ı?|sok\.|bulvar[ıi]|utca|[úu]t|k[öo]r[úu]t|n[áa]m[ěe]st[íi]) [0-9]"
    r"|p\.? ?o\.? box [0-9]+|postfach [0-9]+)"
)
_MORE_THAN_STREET = (
    r"(?i)(?:\n|,.*\b[0-9]{4,5}\b(?:-[0-9]{4})?|\b[0-9]{5}(?:-[0-9]{4})?\b [A-Za-zÀ-ž]|\b[0-9]{4} ?[A-Z]{2}\b|\b[0-9]{2}-[0-9]{3}\b"
    r"|\b[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}\b|,[^,]+,[^,]+|\b[A-Z]{2},? [0-9]{5}"
    r"|,[A-Za-zÀ-ž .'\-]{3,}[ ,\-][0-9][0-9 \-]{3,7}$|\b[A-Z][0-9]{2} [0-9A-Z]{4}$|\b[0-9]{5}-[0-9]{3}\b|\b[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]\b|[0-9],? [0-9]{3} [0-9]{2} [A-ZÀ-Þ]|[0-9] [0-9]{4} [A-ZÀ-Þ][a-zß-ž])"
)
# Main Street 5, Springfield; but not House 5, Main Street, nor 5, Main Street.
_PLACE_BEHIND = r"^(?:[0-9]+[A-Za-z]? [^,0-9]{4,}|[^,0-9]{5,} [0-9]+[ A-Za-z]{0,2}), *[A-ZÀ-Þ][^0-9,]{2,}$"
_STREET_BEHIND = (
    r"(?i)(?:street|st|road|rd|lane|ln|avenue|ave|drive|marg|nagar|path|colony|close|gardens|way|square|terrace)\.?$"
)
_WITHIN_A_HOUSE = (
    r"(?i), *(?:apt|apartment|flat|unit|suite|ste|floor|room|piso|puerta|etage|stock|appartement|int|scala|bis)\b[^,]*$"
)


_HOUSE_FIRST = r"^(?:(?:[A-Za-z]{3,9}\.? )?[0-9]{1,4}[A-Za-z]?,? [0-9/\-]{1,7}[A-Za-z]? [^,]*[A-Za-zÀ-ž]{3}[^,]*|[^,]*[A-Za-zÀ-ž]{3}[^,]* (?:no\.? ?)?[0-9]{1,5} ?[A-Za-z]?|[0-9/\-]{1,7}[A-Za-z]?,? [^,]*[A-Za-zÀ-ž]{3}[^,]*),"
_ENDS_IN_PLACE = r",\s*[0-9]{3,6}(?:[ -][0-9]{2,4})?,? [A-ZÀ-Ž][^0-9,]{2,}$|,\s*[A-ZÀ-Ž][A-Za-zÀ-ž .'\-]{2,}(?:, ?[A-Z]{2,3})?[ ,\-]+[0-9]{3,6}(?:[ -]?[0-9]{2,4})?$"

_FROM_ABROAD = r"^\(?\+[1-9](?:[ ()./\-]{0,2}[0-9]){8,14}$"  # signed numbers have fewer digits
_AT_HOME = r"^[0-9(](?:[ ()./\-]{0,2}[0-9]){6,12}$"

# Names of streets without a number, and what most made-up places end in or begin with.
_STREET_NAMES = (
    r"(?i)^(?:[nsew]\.? )?[0-9A-Za-zÀ-ž][0-9A-Za-zÀ-ž'.\- ]* (?:street|st|avenue|ave|boulevard|blvd|road|rd|drive|dr|lane|ln|court|ct|"
    r"terrace|parkway|pkwy|highway|hwy|crescent|circle|cir)\.?(?: [nsew]\.?)?$|^(?:rue|calle|via|rua|ulica|ul\.|avenida|avenue) \S"
    r"|^[A-Za-zÀ-ž.\- ]+(?:stra(?:ss|ß)e|straat|gatan|allee|gasse)$"
)
_MADE_UP_PLACES = (
    r"^(?:(?:North|South|East|West|New|Lake|Port|Saint|San|Santa|Fort|Mount) )?[A-ZÀ-Þ][a-zß-ž']+(?: [A-ZÀ-Þ][a-zß-ž']+)?(?:town|ton|land|ville|berg|"
    r"burgh|borough|bury|view|port|mouth|stad|furt|chester|fort|haven|side|shire)$|^(?:North|South|East|West|New|Lake|Port) [A-ZÀ-Þ][a-zß-ž']+$"
    r"| County$"
)


_SENTENCES = 500  # distinct texts that are searched
_OFTEN_BY_CHANCE, _BY_CHANCE = frozenset({"person_name", "ip_address", "url"}), 0.05

_CATEGORIES = 12  # fewer different values than that, repeated over and over, are categories, not people
_CATEGORY = 0.3  # ... unless the column's name says so
_SEVERAL = 4  # distinct single words that all are names by chance: hardly
_SHORTEST_FAMILY = 3  # letters beside an initial; of a postcode `D04 X285` two letters are left
_DAYS = r"^(?:[0-9]{1,2}[./\- ](?:[0-9]{1,2}|[A-Za-zÀ-ž]{3}[a-zß-ž]*)[./\-, ]{1,2}[0-9]{4}|[0-9]{4}[./\-][0-9]{1,2}[./\-][0-9]{1,2}|[A-Za-zÀ-ž]{3}[a-zß-ž]*\.? [0-9]{1,2},? [0-9]{4}|(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01]))(?:[T ]00:00(?::00(?:\.0+)?)?)?$"
_MIDNIGHT = "T00:00:00$"
_SHORT_DAYS = r"^(?:(?:0?[1-9]|[12][0-9]|3[01])[./\-](?:0?[1-9]|1[0-2])|(?:0?[1-9]|1[0-2])[./\-](?:0?[1-9]|[12][0-9]|3[01]))[./\-][0-9]{2}$"
_YEAR, _SHORT_YEAR = r"(?:^|[^0-9])(?P<year>[12][0-9]{3})(?:[^0-9]|$|[0-9]{4}$)", "(?P<year>[0-9]{2})$"
_THIS_CENTURY = 30  # of two digits the years before it
_OLDEST = 1900
_NO_LONGER_BORN = 2012
_MANY_YEARS, _FEW_YEARS = 25, 15


def readings(sample: Sample) -> Iterator[Match]:
    """Everything the values of a column say beyond patterns."""
    if sample.kind in ("date", "integer") or (sample.kind == "text" and "digit" in sample.holds):
        yield from _birth_dates(sample)
    if sample.kind != "text":
        return
    words_each = sample.mean(sample.blanks) + 1
    length = sample.mean(sample.lengths)
    if words_each >= 7 and length >= 40 and sample.share(sample.matching("^Mozilla/")) < 0.5:
        yield from _sentences(sample)
    else:
        yield from embedded(sample)
    if {"space", "digit"} <= sample.holds:
        yield from _streets(sample)
        yield from _addresses(sample)
    elif "letter" in sample.holds and length <= 40 and words_each < 5:
        yield from _places(sample)
    if "letter" in sample.holds and length <= 60 and words_each < 7:
        yield from _words(sample)
    if "digit" in sample.holds and "letter" not in sample.holds:
        yield from _phones(sample)
    if "space" not in sample.holds and {"digit", "letter"} <= sample.holds:
        yield from _made_up(sample)
        yield from _chosen_often(sample)


def _words(sample: Sample) -> Iterator[Match]:
    """Short values: closed sets first, then names."""
    texts = plain(sample.texts)
    found = list(_sets(sample, _written(sample, texts))) if len(texts) <= _MOST_TERMS else []
    yield from found
    if not any(one.confidence >= 0.5 for one in found):
        yield from _names(sample, texts)


class _Written(NamedTuple):
    """Distinct values of a column, and the same with words apart that codes write together."""

    texts: list[str]
    apart: list[str]

    def known(self, kind: str) -> NDArray[np.bool_]:
        """Which of them, written one way or the other, are words of a kind."""
        found = known(self.texts, kind)
        return found if self.apart == self.texts else found | known(self.apart, kind)


def _written(sample: Sample, texts: Any) -> _Written:
    """`AfricanAmerican`, `Asian-Pac-Islander`, `United_States`; `marié(e)` and `casado/a` as they are for men."""
    apart = pc.replace_substring_regex(sample.texts, "([a-z])([A-Z])", r"\1 \2")
    apart = pc.replace_substring_regex(apart, _BOTH_FORMS, "")
    return _Written(texts.to_pylist(), plain(pc.replace_substring_regex(apart, "[_-]", " ")).to_pylist())


_BOTH_FORMS = r"\([a-zß-ž]{1,3}\)$|[·•.\-](?:e|ne|le|trice|in|a)$|/(?:a|e|in|veuve|[a-z]{4,})$"
_MOST_TERMS = 750  # distinct values; closed sets have fewer
_RACES = frozenset({"white", "black", "asian"})  # each alone is a colour or a cuisine
_BOTH = frozenset({"male", "female"})
_MOST_GENDERS = 4  # M and F among few other values; among many they are something else's letters
_INITIALS = ({"m", "w"}, {"m", "v"}, {"h", "f"})  # männlich, weiblich; man, vrouw; homme, femme
_SETS = (
    ("gender", "gender", "gender alone", "words for gender", 12),
    ("ethnicity", "ethnicity", "ethnicity alone", "names of ethnic groups", 60),
    ("religion", "religion", "religion alone", "names of religions", 60),
    ("marital_status", "marital", "marital alone", "words for civil status", 20),
    ("nationality", "nationality", "nationality alone", "nationalities", 250),
)


def _sets(sample: Sample, found: _Written) -> Iterator[Match]:
    """Closed sets: nearly all values belong, and some that belong nowhere else."""
    for tag, kind, alone, title, most in _SETS:
        if len(found.texts) > 3 * most:
            continue
        share = sample.share(found.known(kind))
        least = 0.6 if tag == "gender" and set(found.texts) >= _BOTH else 0.8
        if share < least:
            continue
        own = found.known(alone)
        telling = sample.share(own) >= 0.15 and (own.sum() >= 2 or tag == "nationality")
        if tag == "ethnicity" and not telling:
            telling = set(found.texts) >= _RACES
        letters = _letters(set(found.texts)) if tag == "gender" and len(found.texts) <= _MOST_GENDERS else 0.0
        yield Match(tag, title, share, 0.85 * share if telling else letters * share)
    yield from _countries(sample, found)
    for kind, title, least in (("blood", "blood groups", 0.9), ("condition", "names of illnesses", 0.3)):
        share = sample.share(found.known(kind))
        if share >= least and len(found.texts) >= 3:
            yield Match("health_condition", title, share, 0.88)


def _letters(texts: set[str]) -> float:
    """How sure the initials of two sexes make us; in other languages than English they are other things' as well."""
    if {"s", "d"} <= texts:  # single, married, divorced, widowed
        return 0.0
    if {"m", "f"} <= texts:
        return 0.7
    return 0.4 if any(pair <= texts for pair in _INITIALS) else 0.0


def _countries(sample: Sample, found: _Written) -> Iterator[Match]:
    share = sample.share(found.known("country") | found.known("territories"))
    if share >= 0.7 and sample.share(found.known("things")) < 0.5:
        yield Match("country", "names of countries", share, 0.85 * share if len(found.texts) > 1 else 0.4)
    for kind, length, least in (("country iso2", 2, 4), ("country iso3", 3, 3)):
        share = sample.share(found.known(kind))
        if share >= 0.95 and sample.share(sample.matching(rf"^[A-Z]{{{length}}}$")) >= 0.9:
            yield Match(
                "country", "codes of countries", share, 0.6 if len(found.texts) >= least and length == 3 else 0.0
            )


def _names(sample: Sample, texts: Any) -> Iterator[Match]:
    """Given names, family names, both, or places: whichever dictionary knows most of the values."""
    components = sample.shows("^/") and sample.might(COMPONENTS)
    if components:
        texts = pc.replace_substring_regex(texts, r"[\^/]", ", ", max_replacements=1)
        texts = pc.replace_substring_regex(texts, r"\^+| ?\b(?:mr|mrs|ms|miss|mstr|dr)$", " ")
    pattern = f"{NAME_LIKE}|{COMPONENTS}" if components else NAME_LIKE
    like = sample.share(sample.matching(pattern) & ~sample.matching(_SERIES))
    if like < 0.6 or firms(sample) > 0.15:
        return
    if phrases(sample):
        return
    bare = pc.replace_substring_regex(texts, r"[0-9]+", "")
    bare = pc.replace_substring_regex(pc.replace_substring_regex(bare, _TITLES, ""), _SUFFIXES, "")
    parts = np.asarray(pc.match_substring_regex(bare, r"[a-z]\.?[, ]+[a-z]"), dtype=bool)
    several = sample.share(parts)
    places = sample.share(known(bare, "places"))
    things = sample.share(known(bare, "things") | known(bare, "states"))
    if things > 0.3 and things > places:
        return
    first = pc.replace_substring_regex(bare, r"^([^\s,\-]+)[\s,\-].*$", r"\1")
    last = pc.replace_substring_regex(bare, r"^.*[\s]([^\s,]+)$", r"\1")
    second = pc.replace_substring_regex(bare, r"^[^,]+, ?(?:[a-z]{2,4}\. )?([^\s,\-]+).*$", r"\1")
    head = pc.replace_substring_regex(bare, r"^([^,]+),.*$", r"\1")
    last_first = sample.share(pc.match_substring_regex(bare, r"^[^,]+, ?[^,]+$")) > 0.5
    if sample.share(known(first, "jobs") | known(last, "jobs")) > 0.3:
        return
    whole_words = np.asarray(pc.utf8_length(last), dtype=np.int64) >= _SHORTEST_FAMILY
    is_given = known(second if last_first else first, "given") | (parts & _initials(first) & whole_words)
    is_family = _family(head if last_first else last)
    if (
        several >= 0.6 and not last_first
    ):  # Rinaldi Nicolò: in some countries and most registers the family name comes first
        other_given, other_family = known(last, "given") & parts, _family(first) & parts
        if sample.share(other_given & other_family) > sample.share(is_given & is_family):
            is_given, is_family = other_given, other_family
    given, family = sample.share(is_given), sample.share(is_family)
    few = len(texts) < _CATEGORIES and sample.seen > 8 * len(texts)
    sure_of_both = several >= 0.6 and min(given, family) >= 0.5
    small = not sure_of_both and sample.share(sample.matching(_SMALL)) >= 0.5
    written = _CATEGORY if few else 0.5 if small else 1.0
    if places >= 0.35 and places >= max(given, family) - 0.1 and len(texts) >= 3:
        yield Match("city", "names of places", places, _sure(places))
    elif several >= 0.6:
        if given >= 0.2 and given + family >= 0.55:
            either = sample.share(is_given | is_family)
            yield Match("person_name", "given and family names", either, written * _sure(either))
    elif max(given, family) >= 0.2:
        enough = written * min(1.0, len(texts) / _SEVERAL)
        if given >= family - 0.05:
            yield Match("first_name", "given names", given, enough * _sure(given))
        else:
            yield Match("last_name", "family names", family, enough * _sure(family))


def _initials(texts: Any) -> NDArray[np.bool_]:
    return np.asarray(pc.match_substring_regex(texts, r"^[a-z]\.?$"), dtype=bool)


def _family(texts: Any) -> NDArray[np.bool_]:
    """Family names, also double ones by either half, and of forms that are found in no dictionary."""
    half = pc.replace_substring_regex(texts, r"[\-].*$", "")
    usual = pc.match_substring_regex(
        texts, r"^[a-z]{3,}(?:sson|sen|ski|ska|sky|ovic|evic|escu|enko|poulos|oglu|mann|opoulos|czyk|wicz|yan|dottir)$"
    )
    return np.asarray(known(texts, "family") | known(half, "family") | np.asarray(usual, dtype=bool))


def _sure(share: float) -> float:
    """How sure a dictionary makes us that knows this share of the values: no dictionary knows everybody."""
    return min(0.9, 0.3 + 0.7 * share)


def _addresses(sample: Sample) -> Iterator[Match]:
    """A house number, a comma, and at the end a place with a postal code: so they are written in most countries."""
    if len(sample.texts) < _CATEGORIES or not sample.might(_ENDS_IN_PLACE):
        return
    share = sample.share(sample.matching(_HOUSE_FIRST) & sample.matching(_ENDS_IN_PLACE))
    if share >= 0.7:
        yield Match("address", "house number, and place with postal code", share, 0.58 + 0.3 * share)


def _phones(sample: Sample) -> Iterator[Match]:
    """Numbers without a form of their own, a good part of which begins with that of a country."""
    if not sample.might(_FROM_ABROAD):
        return
    abroad, at_home = sample.matching(_FROM_ABROAD), sample.matching(_AT_HOME)
    share = sample.share(abroad | at_home)
    if share >= 0.8 and sample.share(abroad) >= 0.2 and len(sample.texts) >= _CATEGORIES:
        yield Match("phone", "numbers, some of them with that of a country", share, 0.75 * share)


def _streets(sample: Sample) -> Iterator[Match]:
    if not sample.might(f"{_WITH_NUMBER_FIRST}|{_WITH_NUMBER_LATER}"):
        return
    fits = sample.matching(_WITH_NUMBER_FIRST) | sample.matching(_WITH_NUMBER_LATER)
    share = sample.share(fits)
    if share < 0.4:
        return
    behind = sample.matching(_PLACE_BEHIND) & ~sample.matching(_WITHIN_A_HOUSE) & ~sample.matching(_STREET_BEHIND)
    more = sample.share(fits & (sample.matching(_MORE_THAN_STREET) | behind)) >= share / 2
    yield Match("address" if more else "street", "street and number", share, 0.5 + 0.4 * share)


def _places(sample: Sample) -> Iterator[Match]:
    """Streets by what they are called, and places that are in no dictionary, by their forms; of a dozen and more."""
    if len(sample.texts) < _CATEGORIES:
        return
    for tag, title, pattern in (
        ("street", "names of streets", _STREET_NAMES),
        ("city", "formed like names of places", _MADE_UP_PLACES),
    ):
        share = sample.share(sample.matching(pattern)) if sample.might(pattern) else 0.0
        if share >= 0.6:
            yield Match(tag, title, share, 0.35 + 0.35 * share)


def _made_up(sample: Sample) -> Iterator[Match]:
    """Capital and small letters and digits mixed, in several lengths: what a person was asked to make up."""
    if not sample.might("[a-z].*[0-9]|[0-9].*[a-z]"):
        return
    mixed = sample.matching("[a-z]") & sample.matching("[A-Z]") & sample.matching("[0-9]")
    plain_enough = ~sample.matching(r"[\s/:.\-]") & (sample.lengths >= 6) & (sample.lengths <= 24)
    share = sample.share(mixed & plain_enough)
    if share >= 0.7 and len(set(sample.lengths[mixed].tolist())) >= 4:
        yield Match("password", "letters of both cases and digits, in several lengths", share, 0.6 * share)


def _chosen_often(sample: Sample) -> Iterator[Match]:
    """Passwords that many people choose, among others."""
    often = known(pc.utf8_lower(sample.texts), "passwords")
    if often.sum() >= 3 and sample.share(often) >= 0.02 and len(sample.texts) >= 3 * often.sum():
        yield Match("password", "passwords that many people choose", sample.share(often), 0.7)


def _birth_dates(sample: Sample) -> Iterator[Match]:
    """Days without a time, in no order, spread over several decades and mostly of people who are grown up."""
    form = _form_of_days(sample) if len(sample.texts) >= 10 else ""
    if not form:
        return
    dates = sample.matching(form)
    share = sample.share(dates)
    if share < 0.8:
        return
    short = form == _SHORT_DAYS
    year = pc.struct_field(pc.extract_regex(sample.texts, _SHORT_YEAR if short else _YEAR), "year")
    years = np.asarray(pc.cast(pc.coalesce(year, pa.scalar("0", year.type)), pa.int64()))
    if short:
        years = np.where(dates, years + np.where(years < _THIS_CENTURY, 2000, 1900), 0)
    weights = sample.counts
    inside = (years >= _OLDEST) & (years <= _NO_LONGER_BORN + 15)
    grown = np.average((years >= _OLDEST) & (years <= _NO_LONGER_BORN), weights=weights)
    old = np.average((years >= _OLDEST) & (years < 1985), weights=weights)
    if np.average(inside, weights=weights) < 0.97 or grown < 0.75 or old < 0.2:
        return
    spread = float(np.subtract(*np.percentile(years, [95, 5])))
    ordered = np.mean(np.diff(years) >= 0) if len(years) > 1 else 1.0
    in_order = max(ordered, 1 - ordered) > 0.9
    if spread >= _FEW_YEARS and not in_order:
        sure = 0.62 if spread >= _MANY_YEARS else 0.4
        yield Match("date_of_birth", f"days spread over {int(spread)} years", share, sure)


def _form_of_days(sample: Sample) -> str:
    """The pattern that a few of the values fit, if there is one."""
    if sample.kind == "date":
        return _MIDNIGHT
    if sample.could(DIGIT | A_LETTER | mark(" ./-,:"), 8, 30) and sample.might(_DAYS):
        return _DAYS
    short = sample.kind == "text" and sample.could(DIGIT | mark("./-"), 6, 8)
    return _SHORT_DAYS if short and sample.might(_SHORT_DAYS) else ""


def _sentences(sample: Sample) -> Iterator[Match]:
    """Free text; of JSON, which has as many words, what most of it contains, unless the name says that it is text."""
    shares = _inside(sample, sample.texts)
    found = tuple(shares)
    record = sample.might(_RECORD) and sample.share(sample.matching(_RECORD)) > 0.5
    what = "texts" if record else "sentences"
    title = f"{what} that contain {', '.join(found)}" if found else what
    yield Match("free_text", title, 1.0, 0.3 if record and found else 0.8, None, found)
    if record and found:
        yield Match(max(found, key=shares.__getitem__), title, 1.0, _SURE_OF_RECORDS, None, found)


_RECORD = r"""(?s)^\s*(?:\{\s*["'].*\}|\[\s*[\[{"'].*\])\s*$"""
_SURE_OF_RECORDS = 0.55  # as of other texts that are no sentences: `embedded`

_OF_A_URL = ("email", "phone", "us_ssn", "credit_card", "iban", "secret_key")
# Somebody's page: of a network of people, or behind a word for people.
_PROFILES = (
    r"(?i)^(?:https?://)?(?:[\w-]+\.)*(?:linkedin\.com/(?:in|pub)|xing\.com/profile|orcid\.org|(?:facebook|instagram|twitter|x|github|t|"
    r"tiktok|medium|youtube|threads)\.(?:com|me|net))/@?[\w.%-]+/?(?:[?#].*)?$|://[^/]+(?:/.*)?/(?:users?|u|profiles?|members?|people|authors?)/[^/?]+|/[~@][\w.-]+"
)


def within_urls(sample: Sample) -> tuple[str, ...]:
    """Tags of what web addresses hold: whose page it is, or an identifier among their parameters."""
    apart = pc.replace_substring_regex(pc.replace_substring(sample.texts, "%40", "@"), "[?&=#;/]+", " ")
    held = [tag for tag in _inside(sample, apart) if tag in _OF_A_URL]
    if sample.might(_PROFILES) and sample.share(sample.matching(_PROFILES)) > _BY_CHANCE:
        held.append("username")
    return tuple(held)


def _inside(sample: Sample, texts: Any) -> dict[str, float]:
    """What stands inside longer texts, the sample's or what was made of them one by one, and in what share of them."""
    some = strata(len(texts), _SENTENCES)
    pieces = find(texts.take(pa.array(some)))
    counts = sample.counts[some]
    rows = {tag: np.unique(pieces.rows[pieces.tags == number]) for number, tag in enumerate(TAGS_INSIDE)}
    shares = {tag: counts[found].sum() / counts.sum() for tag, found in rows.items() if len(found)}
    return {tag: share for tag, share in shares.items() if share > (_BY_CHANCE if tag in _OFTEN_BY_CHANCE else 0)}
