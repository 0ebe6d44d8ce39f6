"""The numbers states give people, by country: found under a name that says nothing, and not in random digits."""

from __future__ import annotations

import datetime as dt
import importlib
import random
from collections.abc import Callable

import pandas as pd
import pytest
from stdnum.es import dni
from stdnum.it import codicefiscale

from jupyter_securecollab.frames.classify import Classifier

DICE = random.Random(29)
ROWS = 40


def figures(many: int, of: str = "0123456789") -> str:
    return "".join(DICE.choice(of) for _ in range(many))


def letters(many: int, of: str = "ABCDEFGHJKLMNPRSTVWXYZ") -> str:
    return figures(many, of)


def born(form: str) -> str:
    return (dt.date(1950, 1, 1) + dt.timedelta(days=DICE.randrange(17_000))).strftime(form)


def right(module: str, make: Callable[[], str]) -> list[str]:
    """Numbers as made whose check digits python-stdnum finds right."""
    valid, found = importlib.import_module(f"stdnum.{module}").is_valid, []
    while len(found) < ROWS:
        found += [one for one in [make()] if valid(one)]
    return found


def _french() -> str:
    head = f"{DICE.choice('12')}{born('%y%m')}{DICE.randint(10, 89)}{figures(6)}"
    return f"{head}{97 - int(head) % 97:02d}"


def _spanish() -> str:
    number = figures(8)
    return number + dni.calc_check_digit(number)


def _italian() -> str:
    head = f"{letters(6)}{figures(2)}{letters(1, 'ABCDEHLMPRST')}{DICE.randint(1, 28):02d}H501"
    return head + codicefiscale.calc_check_digit(head)


def _singaporean() -> str:
    """The letter is that of the weighted sum modulo 11."""
    number = figures(7)
    rest = sum(int(digit) * weight for digit, weight in zip(number, (2, 7, 6, 5, 4, 3, 2), strict=True)) % 11
    return f"S{number}{'JZIHGFEDCBA'[rest]}"


def _many(make: Callable[[], str]) -> list[str]:
    return [make() for _ in range(ROWS)]


CHECKED = {
    "GB, NHS": right("gb.nhs", lambda: f"4{figures(9)}"),
    "CA": right("ca.sin", lambda: f"4{figures(8)}"),
    "DE": right("de.idnr", lambda: letters(1, "123456789") + figures(10)),
    "FR": _many(_french),
    "ES": _many(_spanish),
    "NL": right("nl.bsn", lambda: figures(9)),
    "PL": right("pl.pesel", lambda: born("%y%m%d") + figures(5)),
    "SE": right("se.personnummer", lambda: f"{born('%y%m%d')}-{figures(4)}"),
    "NO": right("no.fodselsnummer", lambda: born("%d%m%y") + figures(5)),
    "DK": right("dk.cpr", lambda: f"{born('%d%m%y')}-{figures(4)}"),
    "FI": right("fi.hetu", lambda: f"{born('%d%m%y')}-{figures(3)}{letters(1)}"),
    "BE": right("be.nn", lambda: born("%y%m%d") + figures(5)),
    "PT": right("pt.nif", lambda: letters(1, "12") + figures(8)),
    "IE": right("ie.pps", lambda: f"{figures(7)}{letters(1)}{letters(1, 'AB')}"),
    "AU, TFN": right("au.tfn", lambda: figures(9)),
    "IN, Aadhaar": right("in_.aadhaar", lambda: letters(1, "23456789") + figures(11)),
    "BR, CPF": right("br.cpf", lambda: figures(11)),
    "ZA": right("za.idnr", lambda: f"{born('%y%m%d')}{figures(4)}08{figures(1)}"),
    "SG": _many(_singaporean),
    "KR": right("kr.rrn", lambda: f"{born('%y%m%d')}-1{figures(6)}"),
    "CN": right("cn.ric", lambda: f"110101{born('%Y%m%d')}{figures(4)}"),
    "JP": right("jp.in_", lambda: figures(12)),
}
BY_FORM = {
    "GB, NINO": _many(lambda: f"AB{figures(6)}{letters(1, 'ABCD')}"),
    "IT": _many(_italian),
    "IN, PAN": _many(lambda: f"{letters(3)}P{letters(1)}{figures(4)}{letters(1)}"),
}


def found(values: list[str], name: str = "c1") -> str | None:
    return Classifier().find(pd.DataFrame({name: values}))[name].tag


@pytest.mark.parametrize("country", [*CHECKED, *BY_FORM])
def test_numbers_of_a_country_are_found_however_they_are_spaced(country: str) -> None:
    values = (CHECKED | BY_FORM)[country]
    assert found(values) == found([f" {one}" for one in values]) == "national_id"


@pytest.mark.parametrize("country", CHECKED)
def test_random_digits_of_that_form_are_nobodys_unless_the_name_says_so(country: str) -> None:
    values = ["".join(figures(1) if one.isdigit() else one for one in value) for value in CHECKED[country]]
    assert found(values) is None
    assert found(values, "national_id") == "national_id"


def test_social_security_numbers_of_the_usa_have_a_tag_of_their_own() -> None:
    assert found(_many(lambda: f"{DICE.randint(100, 665)}-{figures(2)}-{figures(4)}")) == "us_ssn"
    assert found(_many(lambda: f"9{figures(2)}-7{figures(1)}-{figures(4)}")) == "tax_id"
    assert found(_many(lambda: figures(9))) is None


def test_chinese_numbers_are_told_by_check_digit_and_day_of_birth_wherever_somebody_was_registered() -> None:
    def with_check(head: str) -> str:
        return head + "10X98765432"[sum(int(one) << (17 - place) for place, one in enumerate(head)) % 11]

    # A district of 1990, of people born decades before: python-stdnum refuses those.
    people = [with_check(f"510107{born('%Y%m%d')}{figures(3)}") for _ in range(ROWS)]
    wrong = [one[:-1] + ("1" if one[-1] != "1" else "2") for one in people]
    not_born = [with_check(f"5101071990{DICE.randint(13, 99)}{figures(5)}") for _ in range(ROWS)]
    found = Classifier().find(pd.DataFrame({"c1": people, "c2": wrong, "c3": not_born}))
    assert [one.tag for one in found.values()] == ["national_id", None, None]
