"""Columns without telling names, by what stands in the same row of other columns; and what only looks related."""

from __future__ import annotations

import datetime as dt
import random

import pandas as pd
import pytest

from jupyter_securecollab.frames.classify import Classifier

DICE = random.Random(11)
FIRST = [
    "Xyra",
    "Qorin",
    "Zbela",
    "Wulxo",
    "Yrsako",
    "Tzemba",
    "Ijolu",
    "Vandra",
    "Ouweli",
    "Krylla",
    "Joxen",
    "Mbireka",
]
LAST = ["Qwexling", "Zrobtan", "Krbalov", "Vantxori", "Wrozemi", "Lhukane", "Pextral", "Ngobesi", "Trellox", "Ubrikan"]
"""Names that no dictionary has."""


def tags(**columns: list[object]) -> dict[str, str | None]:
    return {name: one.tag for name, one in Classifier().find(pd.DataFrame(columns)).items()}


def people(rows: int = 60) -> tuple[list[str], list[str]]:
    return [DICE.choice(FIRST) for _ in range(rows)], [DICE.choice(LAST) for _ in range(rows)]


def test_names_that_stand_in_the_addresses_of_their_rows_are_names() -> None:
    first, last = people()
    mails = [f"{f}.{g}@mail.example".lower() for f, g in zip(first, last, strict=True)]
    assert tags(c1=first, c2=last, c3=mails) == {"c1": "first_name", "c2": "last_name", "c3": "email"}
    DICE.shuffle(mails)
    assert tags(c1=first, c2=last, c3=mails) == {"c1": None, "c2": None, "c3": "email"}


def test_a_name_made_of_two_others_makes_three() -> None:
    first, last = people()
    first = [["Maria", "John", "Anna"][row] if row < 3 else one for row, one in enumerate(first * 2)][:60]
    first[10:30] = ["Peter", "Susan", "Julia", "David"] * 5
    both = [f"{f} {g}" for f, g in zip(first, last, strict=True)]
    turned = [f"{g}, {f}" for f, g in zip(first, last, strict=True)]
    for whole in (both, turned):
        assert tags(c1=last, c2=whole, c3=first) == {"c1": "last_name", "c2": "person_name", "c3": "first_name"}


def test_a_title_made_of_a_brand_and_a_thing_is_nobody() -> None:
    brand, thing = people()
    title = [f"{b} {t}" for b, t in zip(brand, thing, strict=True)]
    assert set(tags(c1=brand, c2=thing, c3=title).values()) == {None}


def test_logins_made_of_the_names_beside_them_and_other_small_words() -> None:
    first, last = people()
    mails = [f"{f}.{g}@mail.example".lower() for f, g in zip(first, last, strict=True)]
    logins = [f"{f[0]}{g}{row}".lower() for row, (f, g) in enumerate(zip(first, last, strict=True))]
    others = [f"node{row}x{DICE.randint(0, 99)}" for row in range(60)]
    found = tags(c1=first, c2=last, c3=mails, c4=logins, c5=others)
    assert (found["c4"], found["c5"]) == ("username", None)


def test_logins_put_together_of_the_beginnings_of_names() -> None:
    first, last = people()
    whole = [f"{g}, {f}" for f, g in zip(first, last, strict=True)]
    mails = [f"{f}.{g}@mail.example".lower() for f, g in zip(first, last, strict=True)]
    logins = [f"{f[:3]}{g[:4]}{row % 90}".lower() for row, (f, g) in enumerate(zip(first, last, strict=True))]
    assert tags(c1=whole, c2=mails, c3=logins)["c3"] == "username"
    assert tags(c1=whole, c2=mails, c3=[*logins[7:], *logins[:7]])["c3"] is None


def test_a_second_family_name_is_that_of_another() -> None:
    first, last = people()
    mails = [f"{f}.{g}@mail.example".lower() for f, g in zip(first, last, strict=True)]
    names = [
        "Smith",
        "Johnson",
        "Miller",
        "Garcia",
        "Lopez",
        "Clark",
        "Turner",
        "Parker",
        "Collins",
        "Murphy",
        "Rogers",
        "Peterson",
        "Bailey",
    ]
    other = [DICE.choice(names) for _ in range(60)]
    assert tags(c1=first, c2=last, c3=mails, c4=other)["c4"] == "maiden_name"
    assert tags(c4=other)["c4"] == "last_name"


def test_numbers_that_agree_with_a_year_are_ages_and_the_days_dates_of_birth() -> None:
    born = [dt.date(1998 + row % 20, 1 + row % 12, 1 + row % 28) for row in range(60)]
    ages = [2024 - day.year for day in born]
    for days in (born, [f"{day:%d.%m.%Y}" for day in born], [pd.Timestamp(day) for day in born]):
        assert tags(c1=days, c2=ages) == {"c1": "date_of_birth", "c2": "age"}
    shuffled = DICE.sample(ages, len(ages))
    assert tags(c1=born, c2=shuffled) == {"c1": None, "c2": None}


TOWNS = ["Aarhus", "Odense", "Aalborg", "Esbjerg", "Randers", "Kolding", "Horsens", "Vejle", "Roskilde", "Herning"] * 6
STATES = ["NY", "CA", "TX", "FL", "OH", "PA", "GA", "WA", "IL", "AZ"] * 6


def codes(low: int, high: int, step: int = 1) -> list[object]:
    return [DICE.randrange(low, high, step) for _ in range(60)]


def test_four_digits_close_to_places_and_five_close_to_states_are_postcodes() -> None:
    for four in (codes(1000, 9990), list(map(str, codes(1000, 9990)))):
        assert tags(c1=four, c2=TOWNS)["c1"] == "postcode"
        assert tags(c1=four, c2=list(range(60)), c3=list(range(60)), c4=TOWNS)["c1"] is None
    assert tags(c1=STATES, c2=[f"{one:05}" for one in codes(1001, 99950)])["c2"] == "postcode"
    assert tags(c1=STATES, c2=codes(10_001, 99_950))["c2"] == "postcode"


@pytest.mark.parametrize(
    "values",
    [codes(1950, 2025), codes(2000, 6000, 10), list(range(4001, 4061)), [4711, 4712] * 30, codes(100_000, 999_999)],
    ids=["years", "pay", "counted", "two kinds", "six digits"],
)
def test_other_numbers_close_to_places_and_states_are_no_postcodes(values: list[object]) -> None:
    for places in (TOWNS, STATES):
        assert tags(c1=values, c2=places)["c1"] is None
    five = codes(10_001, 99_950)
    assert tags(points=five, c2=STATES)["points"] is None
    assert tags(c1=five, c2=["NY", "XX", "QQ", "CA", "ZZ", "PA"] * 10)["c1"] is None
