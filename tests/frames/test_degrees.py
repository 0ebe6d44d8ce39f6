"""Pairs of degrees under names that say nothing, and measurements that are written as finely."""

from __future__ import annotations

import math
import random

import numpy as np
import pandas as pd
import pytest

from jupyter_securecollab.frames.classify import Classifier
from jupyter_securecollab.frames.degrees import settled

DICE = random.Random(17)
Box = tuple[tuple[float, float], tuple[float, float]]
VALENCIA: Box = (39.4, 39.5), (-0.42, -0.33)


def tags(**columns: list[object]) -> dict[str, str | None]:
    return {name: one.tag for name, one in Classifier().find(pd.DataFrame(columns)).items()}


def within(low: float, high: float, places: int = 6) -> list[object]:
    return [round(DICE.uniform(low, high), places) for _ in range(60)]


def around(middle: float, spread: float, places: int = 5) -> list[object]:
    return [round(DICE.gauss(middle, spread), places) for _ in range(60)]


@pytest.mark.parametrize(
    ("north", "east"),
    [
        ((40.5, 40.9), (-74.2, -73.7)),
        ((36, 60), (-9, 25)),
        ((-34, -20), (113, 153)),
        ((-60, 70), (-180, 180)),
        ((26.1, 47.9), (-122.5, -71.1)),
        VALENCIA,
    ],
)
def test_degrees_stand_side_by_side(north: tuple[float, float], east: tuple[float, float]) -> None:
    norths, easts = within(*north), within(*east)
    assert tags(c1=norths, c2=easts) == {"c1": "latitude", "c2": "longitude"}
    assert tags(c1=list(map(str, norths)), c2=list(map(str, easts))) == {"c1": "latitude", "c2": "longitude"}
    assert tags(from_y=norths, from_x=easts) == {"from_y": "latitude", "from_x": "longitude"}
    assert tags(opening=norths, closing=easts) == {"opening": None, "closing": None}


@pytest.mark.parametrize(
    ("north", "east"),
    [((40.5, 40.9), (-74.2, -73.7)), ((51.4, 51.6), (-0.3, 0.1)), ((26.1, 47.9), (-122.5, -71.1))],
    ids=["New York", "London", "the USA"],
)
def test_east_may_be_written_first_where_nothing_lies_the_other_way_round(
    north: tuple[float, float], east: tuple[float, float]
) -> None:
    assert tags(c1=within(*east), c2=within(*north)) == {"c1": "longitude", "c2": "latitude"}


def test_from_there_to_there_are_two_pairs_and_four_alike_are_none() -> None:
    assert list(tags(c1=within(*VALENCIA[0]), c2=within(*VALENCIA[1]), c3=within(*VALENCIA[0]), c4=within(*VALENCIA[1]))
                .values()) == ["latitude", "longitude"] * 2  # fmt: skip
    assert set(tags(**{f"c{at}": within(40, 41, 5) for at in range(4)}).values()) == {None}


def test_apart_they_are_a_pair_where_only_one_is_possible() -> None:
    york, price = (within(40.5, 40.9), within(-74.2, -73.7)), list(range(60))
    assert tags(c1=york[0], c2=price, c3=york[1]) == {"c1": "latitude", "c2": None, "c3": "longitude"}
    assert set(tags(c1=york[0], c2=price, c3=york[1], c4=price, c5=york[0]).values()) == {None}
    europe = within(36, 60), within(-9, 25)
    assert tags(c1=europe[0], c2=price, c3=europe[1]) == {"c1": "latitude", "c2": None, "c3": "longitude"}
    assert set(tags(c1=within(19, 26), c2=price, c3=within(0, 1)).values()) == {None}


@pytest.mark.parametrize(
    "numbers",
    [
        [around(0, 1), around(0, 1)],
        [around(9.8, 2), around(0, 40)],
        [around(0, 3), around(0, 3), around(9.8, 2), around(0, 40), around(0, 60)],
        [within(0, 100, 5), within(0, 100, 5)],
        [within(40, 41, 2), within(40, 41, 2)],
        [within(400, 410, 5), within(400, 410, 5)],
        [within(30.1, 30.4), within(-41.2, -41.0)],
        [
            [math.log(DICE.uniform(1.3e5, 1.9e5)) for _ in range(60)],
            [math.log(DICE.uniform(330, 480)) for _ in range(60)],
        ],
        [["a 40.51234"] * 60, within(-74.2, -73.7)],
    ],
    ids=[
        "steps",
        "acceleration, turning",
        "five of them",
        "percentages",
        "two places",
        "too large",
        "at sea",
        "logarithms",
        "texts",
    ],
)
def test_other_numbers_are_no_degrees(numbers: list[list[object]]) -> None:
    assert set(tags(**{f"c{at}": of for at, of in enumerate(numbers)}).values()) == {None}


def test_people_live_in_cities_and_not_in_oceans() -> None:
    cities = [(35.7, 139.7), (-33.9, 18.4), (64.1, -21.9), (-36.8, 174.8), (21.3, -157.9), (-54.8, -68.3), (78.2, 15.6)]
    seas = [(0.0, -25.0), (40.0, -40.0), (-45.0, 90.0), (-75.0, 0.0), (85.0, 10.0), (30.0, -140.0), (-30.0, -10.0)]
    assert settled(*map(np.array, zip(*cities, strict=True))).all()
    assert not settled(*map(np.array, zip(*seas, strict=True))).any()
