"""What values hint at counts beside what agrees, under a name that says nothing; alone it does not."""

from __future__ import annotations

import random

import pandas as pd
import pytest

from jupyter_securecollab.frames.classify import Classifier

DICE = random.Random(5)
ROWS = 120
MAILS = [f"someone{row}@mail.example" for row in range(ROWS)]
CARDS = ["4111 1111 1111 1111", "5555555555554444", "378282246310005"] * (ROWS // 3)
CITIES = ["Berlin", "Hamburg", "Bremen", "Kiel", "Essen", "Mainz"] * (ROWS // 6)


def made(low: int, high: int, step: int = 1) -> list[object]:
    return [DICE.randrange(low, high, step) for _ in range(ROWS)]


def codes(pattern: str) -> list[object]:
    letters = {"#": "0123456789", "@": "ABCDEFGHKLMNPRSTVWXZ"}
    return ["".join(DICE.choice(letters.get(char, char)) for char in pattern) for _ in range(ROWS)]


GUESSED = [
    ("age", made(18, 91), MAILS),
    ("age", [*made(18, 91)[:-1], None], MAILS),
    ("salary_or_income", made(24_000, 180_000, 500), MAILS),
    ("cvv", codes("###"), CARDS),
    ("cvv", [0, 999, *made(0, 1000)[2:]], CARDS),
    ("passport", codes("@########"), MAILS),
    ("passport", codes("##@@#####"), MAILS),
    ("driver_license", codes("@#############"), MAILS),
    ("driver_license", codes("#####/##/####"), MAILS),
    ("vehicle_id", codes("@@## @@@"), MAILS),
    ("vehicle_id", codes("@@-###-@@"), MAILS),
    ("postcode", [10_001, 99_999, *made(10_001, 99_999)[2:]], CITIES),
]


@pytest.mark.parametrize(("tag", "values", "beside"), GUESSED)
def test_beside_what_agrees_a_guess_counts(tag: str, values: list[object], beside: list[str]) -> None:
    assert Classifier().find(pd.DataFrame({"c1": values, "c2": beside}))["c1"].tag == tag


@pytest.mark.parametrize(("tag", "values", "beside"), GUESSED)
def test_alone_or_under_a_name_of_something_else_it_does_not(tag: str, values: list[object], beside: list[str]) -> None:
    found = Classifier().find(pd.DataFrame({"c1": values, "c2": range(ROWS)}))
    assert found["c1"].tag is None
    assert Classifier().find(pd.DataFrame({"points": values, "c2": beside}))["points"].tag is None


@pytest.mark.parametrize(
    "values",
    [
        [0, 100, *made(0, 101)[2:]],
        made(0, 30),
        made(1, 13),
        [1, 99, *made(1, 100)[2:]],
        made(40_000, 60_000, 7),
        codes("C########"),
        codes("LX-###-DE"),
        codes("L24 BLK"),
        codes("P#############"),
        [f"E{10_000 + row}" for row in range(ROWS)],
        list(range(10_001, 10_001 + ROWS)),
    ],
    ids=[
        "percent",
        "small",
        "months",
        "hours",
        "unround",
        "one series",
        "parts",
        "lots",
        "long series",
        "ids",
        "counted",
    ],
)
def test_other_numbers_beside_people_are_left_alone(values: list[object]) -> None:
    frame = pd.DataFrame({"c1": values, "c2": MAILS})
    assert Classifier().find(frame)["c1"].tag is None


def test_small_words_made_of_names_are_logins_and_others_are_not() -> None:
    logins = [f"{DICE.choice('abcdejklm')}{name}{row}" for row, name in enumerate(["smith", "miller", "johnson"] * 40)]
    words = [f"{DICE.choice(['bolt', 'nut', 'washer', 'screw'])}{row}" for row in range(ROWS)]
    found = Classifier().find(pd.DataFrame({"c1": logins, "c2": words}))
    assert (found["c1"].tag, found["c2"].tag) == ("username", None)
