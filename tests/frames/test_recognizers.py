"""Each tag by what its values look like, with a name that says nothing; beside it what only looks like it."""

from __future__ import annotations

import random

import pandas as pd
import pytest

from jupyter_securecollab.frames.classify import Classifier, Finding
from jupyter_securecollab.frames.recognizers import RECOGNIZERS, STATES, Recognizer

DICE = random.Random(7)


def filled(pattern: str, rows: int = 60) -> list[str]:
    """Values of a pattern: `#` is a digit, `@` a capital letter, everything else itself."""
    letters = {"#": "0123456789", "@": "ABCDEFGHKLMNPRSTVWXZ"}
    return ["".join(DICE.choice(letters.get(char, char)) for char in pattern) for _ in range(rows)]


def column(values: list[object], name: str = "c1") -> Finding:
    return Classifier().find(pd.DataFrame({name: values}))[name]


@pytest.mark.parametrize(
    ("values", "tag"),
    [
        ([f"j{n}@mail.example" for n in range(60)], "email"),
        (["Ann <ann@example.org>", "bo@example.co.uk"] * 5, "email"),
        (filled("(2##) 5##-####"), "phone"),
        (filled("+49 30 #######"), "phone"),
        (filled("2##-5##-####x12"), "phone"),
        (filled("06 ## ## ## ##"), "phone"),
        (filled("5##-##-####"), "us_ssn"),
        (["4111 1111 1111 1111", "5555555555554444", "378282246310005"], "credit_card"),
        ([4111111111111111, 5555555555554444], "credit_card"),
        (["DE89370400440532013000", "GB82 WEST 1234 5698 7654 32"], "iban"),
        (["943 476 5919", "4010232137", "401 023 2137"], "national_id"),
        (["44051401359", "02070803628"], "national_id"),
        (["12345678Z", "X1234567L"], "national_id"),
        (["RCCMNL83S18D969H", "MRTMTT91D08F205J"], "national_id"),
        (["AB123456C", "JG103759A"], "national_id"),
        ([f"192.168.{n}.{2 * n}" for n in range(60)], "ip_address"),
        (["2001:db8::1", "fe80::1ff:fe23:4567:890a", "::1"], "ip_address"),
        (["00:1B:44:11:3A:B7", "00-1b-44-11-3a-b8"], "mac_address"),
        (["1M8GDM9AXKP042788", "1HGCM82633A004352"], "vehicle_id"),
        (["ghp_0123456789abcdefghijABCDEFGHIJ012345", "plain words"], "secret_key"),
        (["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc"], "secret_key"),
        (["postgres://bob:hunter2@db.example.org/app"], "secret_key"),
        (["$2b$12$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuu", "$argon2id$v=19$m=65536$c2FsdA$aGFzaA"], "password"),
        (["https://example.org/a", "www.example.com/b?c=d"], "url"),
        (["SW1A 1AA", "M1 1AE", "EC1A 1BB"], "postcode"),
        (["K1A 0B1", "V6B 1A1"], "postcode"),
        (filled("#####-####"), "postcode"),
        (["E11.9", "I10.0", "J45.909", "Z00.0"], "health_condition"),
        (["Hypertension", "Type 2 diabetes", "Asthma", "Migräne"], "health_condition"),
        (["A+", "O-", "AB+", "B+"] * 4, "health_condition"),
        (["DEUTDEFF", "NEDSZAJJXXX", "DABADKKK", "UNCRIT2B912", "BARCGB22"], "swift_bic"),
        (["Catholic", "Muslim", "Hindu", "None"] * 4, "religion"),
        (["soltero", "casada", "viudo"] * 4, "marital_status"),
        (["Germany", "France", "Brazil"] * 4, "country"),
        (["52.5200, 13.4050", "48.8566, 2.3522"], "latitude"),
        (["12 Main Street", "7 Elm Ave", "99 Oak Rd"], "street"),
        (["Hauptstraße 5", "Lindenweg 12a", "Am Markt 3"], "street"),
        (["12 rue de la Paix", "5 avenue Foch"], "street"),
        (["Calle Mayor, 5", "Avenida de América 12"], "street"),
        (["Atatürk Caddesi No: 12", "Cumhuriyet Caddesi No: 7", "Lale Sokak No: 31"], "street"),
        (["Flat 12, Gandhi Road", "5, MG Road", "14/2, Station Road"], "street"),
        (["Storgatan 12, Flat 3", "Kungsgatan 5", "12 Main Street, Apt 4"], "street"),
        (["12 Main Street, Springfield, IL 62701", "7 Elm Ave, Salem, MA 01970"], "address"),
        (["Hauptstraße 5, Berlin", "Lindenweg 12a, Kiel", "12 Main Street, Salem"], "address"),
        (["Drottninggatan 12, Stockholm 111 22", "Kungsgatan 5, Malmö 211 43"], "address"),
        (["Flat 12, Gandhi Road, Mumbai 400001", "House 5, Lake Road, Pune 411004"], "address"),
        (["Prof. Dr. Anna Weber", "Dr. med. Paul Schmidt", "Dr.-Ing. Eva Krämer", "PD Dr. Uwe Lang"], "person_name"),
        (["Yılmaz", "Aydın", "Yıldız", "Kılıç", "Çalışkan"], "last_name"),
        (["912-71-1234", "955 72 0441", "912-83-1234"], "tax_id"),
    ],
)
def test_values_alone_give_the_tag(values: list[object], tag: str) -> None:
    assert column(values).tag == tag


@pytest.mark.parametrize(
    "values",
    [
        filled("1.2.#.#"),
        filled("##########"),
        filled("7#########"),
        [1_600_000_000 + 977 * n for n in range(60)],
        [str(1_600_000_000_000 + 977 * n) for n in range(60)],
        filled("4###############"),
        filled("#########"),
        filled("###-####"),
        filled("978##########"),
        filled("@@-#####"),
        ["2024-01-05", "05.01.2024", "01/05/24"] * 9,
        [f"{n / 7:.6f}" for n in range(60)],
        [n / 7 for n in range(60)],
        ["12:30:45", "00:00:01", "23:59"] * 9,
        ["d41d8cd98f00b204e9800998ecf8427e", "900150983cd24fb0d6963f7d28e17f72"] * 9,
        ["123e4567-e89b-12d3-a456-426614174000"] * 9,
        ["April", "May", "June", "August"] * 9,
        ["Rose", "Olive", "Violet", "Brown", "White", "Gray"] * 9,
        ["Smith Ltd", "Weber GmbH", "Johnson & Sons", "Martin Group"] * 9,
        ["Senior Engineer", "Junior Accountant", "Chief Nurse"] * 9,
        ["open", "closed", "M", "F", "x"] * 9,
        ["en", "de", "fr", "es"] * 9,
        ["text/csv", "image/png", "a/b@2x"] * 9,
        ["GB82WEST12345698765433", "DE00370400440532013000"],
        ["1234 Widgets", "12 monkeys", "7 dwarfs"],
        filled("li###"),
        filled("@## @@"),
    ],
)  # fmt: skip
def test_what_only_looks_sensitive_is_left_alone(values: list[object]) -> None:
    assert column(values).tag is None


@pytest.mark.parametrize(
    ("name", "values", "tag"),
    [
        ("Card Number", filled("4###############"), "credit_card"),
        ("nhs_number", filled("##########"), "national_id"),
        ("IBAN", filled("DE####################"), "iban"),
        ("imei", filled("###############"), "imei"),
        ("SSN", [" 123 45 6789", "987654321 "] * 5, "us_ssn"),
        ("zip", [1013.0, 2143.0, None] * 5, "postcode"),
        ("card", [float(f"4{n:015}") for n in range(9)], "credit_card"),
    ],
)
def test_wrong_check_digits_take_nothing_away_from_a_name(name: str, values: list[object], tag: str) -> None:
    assert column(values, name).tag == tag


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("phone", [True, False] * 9),
        ("email", ["yes", "no", "yes"] * 9),
        ("email_count", [1, 2, 3] * 9),
        ("is_passport", ["A1234567"] * 9),
        ("first", [1, 2, 3] * 9),
        ("ssn_verified", ["y"] * 9),
        ("card_type", ["Visa", "Maestro"] * 9),
        ("age", [1500.5, 2200.1, 9000.0] * 9),
        ("latitude", [120.0, 250.0, 999.0] * 9),
        ("name", ["Widget A", "Widget B"] * 9),
        ("product_name", ["Chai", "Tofu", "Aniseed"] * 9),
        ("race", ["100m", "marathon"] * 9),
    ],
)
def test_a_name_whose_values_are_something_else_says_nothing(name: str, values: list[object]) -> None:
    assert column(values, name).tag is None


def test_what_is_a_street_is_one_where_the_name_says_address_and_names_with_figures_are_logins_where_it_says_so() -> (
    None
):
    streets, whole = (
        ["12 Main Street", "7 Elm Ave", "99 Oak Rd"],
        ["12 Main Street, Salem, MA 01970", "7 Elm Ave, Salem"],
    )
    assert (column(list(streets), "addr_line_1").tag, column(list(whole), "street").tag) == ("street", "address")
    charlies = [f"{name}{row}" for row, name in enumerate(["Charlie", "Maria", "Peter", "Susan"] * 9, 100)]
    assert (column(list(charlies), "screen_name").tag, column(list(charlies)).tag) == ("username", "first_name")


def test_neighbours_tip_the_scales_and_alone_they_do_not() -> None:
    frame = pd.DataFrame(
        {
            "first": ["Xyra", "Qorin", "Zbel", "Wulx", "Yrqa"] * 9,
            "last": ["Qwexl", "Zrobt", "Krbal", "Vantx", "Wroz"] * 9,
            "c3": [f"{n:05}" for n in range(45)],
            "city": ["Berlin", "Hamburg", "Bremen", "Kiel", "Essen"] * 9,
        }
    )
    together = Classifier().find(frame)
    assert together["c3"].tag == "postcode" and column(list(frame["c3"])).tag is None
    assert together["first"].tag == "first_name" and column(list(frame["first"]), "first").tag is None


def test_sentences_are_as_high_as_what_they_contain() -> None:
    plain = ["The delivery came late again and nobody at the door knew about it."] * 20
    assert (column(list(plain)).tag, column(list(plain)).level) == ("free_text", "internal")
    told = [*plain, "Please call the customer back, his number is 123-45-6789, and write it down."]
    found = column(list(told))
    assert (found.tag, found.level, found.contains) == ("free_text", "secret", ("us_ssn",))
    mail = [*plain, "He asked us to write to someone@example.org before the end of the month."]
    assert column(list(mail)).level == "confidential"


@pytest.mark.parametrize("one", [*RECOGNIZERS, *STATES], ids=lambda one: f"{one.tag}: {one.title}")
def test_every_recognizer_is_possible(one: Recognizer) -> None:
    assert 0 < one.alone < 1 and 0 < one.minimum <= 1 and 0 < one.chance <= 1
    assert one.pattern.startswith("^") and (not one.check or one.chance < 1)
