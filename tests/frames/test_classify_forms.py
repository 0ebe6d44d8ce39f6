"""Forms of real exports: HL7 fields, family name first, titles behind a name, days without separators, both genders in
one word; and what stands under a telling name without being it."""

from __future__ import annotations

import datetime as dt
import hashlib
import random

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from jupyter_securecollab.frames.classify import Classifier

DICE = random.Random(37)
GIVEN = ["Heather", "Marcus", "Denise", "Gregory", "Melissa", "Travis", "Brandon", "Courtney", "Clayton", "Kristen"]
FAMILY = [
    "Mercer",
    "Dyer",
    "Boyd",
    "Nguyen",
    "Delgado",
    "Stanton",
    "Lockhart",
    "Whitaker",
    "Holloway",
    "Ramirez",
    "Bauer",
    "Vance",
]


def _tag(values: list[str] | list[int], name: str = "c1", **beside: list[str]) -> str | None:
    return Classifier().find(pd.DataFrame({name: values, **beside}))[name].tag


def _people(form: str) -> list[str]:
    return [
        form.format(given=DICE.choice(GIVEN), family=DICE.choice(FAMILY), initial=DICE.choice("ABCDE"))
        for _ in range(60)
    ]


@pytest.mark.parametrize(
    "form",
    [
        "{family}^{given}^{initial}",
        "{family}^{given}",
        "{family}/{given} MRS",
        "{family} {given}",
        "{family}, {given} {initial}.",
        "{family}, Mr. {given}",
        "{given} {family}, RN",
        "{given} {family}, DO",
    ],
)
def test_names_of_people_as_systems_export_them(form: str) -> None:
    people = _people(form)
    assert _tag(people) == "person_name"
    assert _tag([one.upper() for one in people]) == "person_name"


@pytest.mark.parametrize("form", ["ERR^{initial}^7", "{family}, {given} and {family}"])
def test_segments_and_firms_are_nobody(form: str) -> None:
    assert _tag(_people(form)) is None


def test_days_without_separators_are_of_birth_where_they_are_spread_like_births() -> None:
    def days(first: int, last: int) -> list[str]:
        return [f"{DICE.randint(first, last)}{DICE.randint(1, 12):02d}{DICE.randint(1, 28):02d}" for _ in range(80)]

    assert _tag(days(1935, 2004)) == _tag([int(day) for day in days(1935, 2004)]) == "date_of_birth"
    assert _tag(days(2019, 2024)) is None
    assert _tag([str(DICE.randint(10**7, 10**8 - 1)) for _ in range(80)]) is None


@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York", "No/Where", "../../etc/passwd"])
def test_midnights_are_days_in_whatever_zone_they_are(zone: str | None) -> None:
    known = zone if zone in ("UTC", "America/New_York") else "UTC"
    days = (
        pd.Series(pd.date_range("1940-01-03", "1999-12-30", periods=400)).dt.normalize().sample(frac=1, random_state=1)
    )
    midnights = pa.array(days.dt.tz_localize(known, ambiguous=True, nonexistent="shift_forward"))

    def tag(minutes: int) -> str | None:
        seconds = pc.add(midnights.cast(pa.timestamp("s"), safe=False).cast(pa.int64()), 60 * minutes)
        return Classifier().find(pa.table({"c1": seconds.cast(pa.timestamp("s", tz=zone))}))["c1"].tag

    assert tag(0) == "date_of_birth" and tag(7) is None


def test_days_with_years_of_two_digits_are_of_birth_where_they_are_spread_like_births() -> None:
    def days(form: str, first: int, last: int) -> list[str]:
        made = [dt.date(DICE.randint(first, last), DICE.randint(1, 12), DICE.randint(1, 28)) for _ in range(80)]
        return [day.strftime(form) for day in made]

    assert {_tag(days(form, 1948, 2006)) for form in ("%d.%m.%y", "%m/%d/%y", "%d-%m-%y")} == {"date_of_birth"}
    assert _tag(days("%m/%d/%y", 2014, 2024)) is None
    assert _tag([f"{DICE.randint(10, 99)}-{DICE.randint(10, 99)}-{DICE.randint(10, 99)}" for _ in range(80)]) is None


def test_bare_numbers_are_of_phones_where_some_begin_with_that_of_a_country() -> None:
    def digits(count: int) -> str:
        return "".join(DICE.choices("0123456789", k=count))

    assert _tag([digits(10) if number % 3 else f"+39 {digits(9)}" for number in range(60)]) == "phone"
    assert _tag([digits(10) for _ in range(60)]) is None
    assert _tag([f"{'+' if number % 3 else ''}1{digits(5)}" for number in range(60)]) is None


def test_addresses_with_units_and_states_are_no_sentences() -> None:
    streets, states = ["Quiet Pocket", "Marsh Villas", "Old Copper Subway"], ["QLD", "NSW", "VIC"]

    def of(form: str) -> list[str]:
        return [
            form.format(n=DICE.randint(1, 99), street=DICE.choice(streets), state=DICE.choice(states))
            for _ in range(60)
        ]

    assert _tag(of("Unit {n} {n} {street}, Port Ellen, {state}, 40{n}")) == "address"
    assert _tag(of("Paseo {street} {n} Interior {n}, San Marco de la Sierra, {state} 40{n}0-75{n}")) == "address"
    assert _tag(of("Unit {n} was moved to {street}, which is where it had been, {n} days before")) == "free_text"


def test_words_for_both_genders_are_read() -> None:
    assert _tag(["marié(e)", "célibataire", "divorcé(e)", "veuf/veuve"] * 10) == "marital_status"
    assert _tag(["casado/a", "soltero/a", "viudo/a"] * 10) == "marital_status"
    assert _tag(["activé(e)", "fermé(e)", "en cours"] * 10) is None


def test_a_bare_name_of_values_that_are_family_names_is_a_last_name() -> None:
    family = [DICE.choice(FAMILY).upper() for _ in range(60)]
    given = [DICE.choice(GIVEN) for _ in range(60)]
    assert _tag(family, "nom", prenom=given) == "last_name"
    assert _tag(_people("{given} {family}"), "nom") == "person_name"


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("address", [f"{DICE.getrandbits(160):040x}" for _ in range(40)]),
        ("Account", ["Peregrine Capital", "Quantum Retail", "Lumen Health", "Zenith Trading"] * 10),
        ("passport", ["valid", "expired", "pending", "missing"] * 10),
        ("emp_nm", ["Brightwell Inc", "Lumen GmbH", "Peregrine LLC", "Zenith Ltd"] * 10),
        ("KUNNR", [f"00{DICE.randint(10**7, 10**8 - 1)}" for _ in range(40)]),
    ],
)
def test_a_telling_name_is_not_believed_of_values_without_its_form(name: str, values: list[str]) -> None:
    assert _tag(values, name) is None


@pytest.mark.parametrize(
    ("name", "value", "tag"),
    [
        ("address", "12 Mill Lane, Leeds", "address"),
        ("account", "4471-0093-{}", "bank_account"),
        ("passport", "C{}", "passport"),
    ],
)
def test_and_is_of_those_with_it(name: str, value: str, tag: str) -> None:
    assert _tag([value.format(DICE.randint(10**6, 10**7 - 1)) for _ in range(40)], name) == tag


def test_logins_are_believed_where_the_name_speaks_of_a_user() -> None:
    logins = [f"{DICE.choice(GIVEN)[0]}{family}{DICE.randint(1, 99)}".lower() for family in FAMILY * 5]
    assert _tag(logins, "uid") == _tag(logins, "created_by") == "username"
    assert _tag(logins, "branch") is None
    assert _tag([f"{DICE.getrandbits(64):016x}" for _ in range(60)], "uid") is None


@pytest.mark.parametrize(
    ("words", "tag"),
    [
        ("Saksa|Ruotsi|Espanja|Japani|Kenia", "country"),
        ("Griekenland|Nederland|Duitsland|Zweden", "country"),
        ("スペイン|ケニア|ブラジル|カナダ", "country"),
        ("Wernigerode|Mellrichstadt|Kyritz|Saulgau|Eisleben|Rostock", "city"),
        (
            "Necmettin|Sonnur|Ayşe|Mehmet|Zübeyde|Gülşen|Harshil|Kashvi|Ishaan|Ewelina|Bogusław|Sixten|Ebba|Veikko|Jiřina",
            "first_name",
        ),
        ("Oak Table|Victoria Sponge Tin|Yoga Mat|Garden Hose|Rosemary Soap|Paper Towels|Gaming Mouse", None),
        ("Mann|Kvinne", "gender"),
        ("Gala|Fuji|Granny Smith|Pink Lady|Honeycrisp", None),
    ],
)
def test_dictionaries_know_words_of_many_languages(words: str, tag: str | None) -> None:
    assert _tag([DICE.choice(words.split("|")) for _ in range(60)]) == tag


def test_a_name_of_words_that_say_the_same_says_that() -> None:
    assert _tag([f"06{DICE.randint(10**7, 10**8 - 1)}" for _ in range(40)], "tel_mobile") == "phone"
    assert _tag([f"06{DICE.randint(10**7, 10**8 - 1)}" for _ in range(40)], "tel_rate") is None


@pytest.mark.parametrize(
    ("form", "tag"),
    [
        ("Moenlia {}, 7589 Hannebø", "address"),
        ("{}, Nanda Circle, Kolkata 220148", "address"),
        ("Vraňanská {}, 365 75 Husinec", "address"),
        ("Screw M4 x {}, 100 pieces", None),
        ("Run {}, Mode 4100 a", None),
    ],
)
def test_addresses_of_any_country_end_in_a_place_with_its_code(form: str, tag: str | None) -> None:
    assert _tag([form.format(number) for number in range(1, 40)]) == tag


@pytest.mark.parametrize(
    ("name", "form", "tag"),
    [
        ("bday", "0{}-1{}", "date_of_birth"),
        ("ratio", "0{}-1{}", None),
        ("twitter", "@someone{}{}", "username"),
        ("twitter_followers", "{}{}", None),
        ("password_resets", "{}{}", None),
        ("Nettoeinkommen", "2{}{}0", "salary_or_income"),
    ],
)
def test_names_in_one_word(name: str, form: str, tag: str | None) -> None:
    assert _tag([form.format(number // 8 + 1, number % 8 + 1) for number in range(40)], name) == tag


def test_letters_of_civil_status_are_no_genders() -> None:
    assert _tag(["S", "M", "D", "W"] * 10) is None
    assert _tag(["S", "M", "D", "W"] * 10, "mar_stat") == "marital_status"
    assert _tag(["M", "F"] * 10) == "gender"


def test_postcodes_read_as_numbers_are_postcodes_though_some_are_zero() -> None:
    """As `pandas.read_csv` makes them of 00000."""
    frame = pd.DataFrame({"ZIP": [0] * 60 + list(range(1_000, 1_040)), "zip_flag": [0, 1] * 50})
    found = Classifier().find(frame)
    assert found["ZIP"].tag == "postcode" and found["zip_flag"].tag is None


def test_hashes_are_what_their_name_says_they_are_of() -> None:
    def hashes(kind: str) -> list[str]:
        return [hashlib.new(kind, f"{number:09}".encode()).hexdigest() for number in range(60)]

    found = Classifier().find(
        pd.DataFrame(
            {
                "ssn_hash": hashes("sha256"),
                "phone_md5": hashes("md5"),
                "first_name": [one.upper() for one in hashes("sha1")],
                "file_hash": hashes("sha256"),
                "address": hashes("sha1"),
                "ssn": ["0123456789abcdef"] * 60,
            }
        )
    )
    assert [one.tag for one in found.values()] == ["us_ssn", "phone", "first_name", None, None, None]
    assert found["ssn_hash"].level == "secret"
