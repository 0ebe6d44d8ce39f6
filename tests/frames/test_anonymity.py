"""What is found reaches k, nothing that loses less would, and applying it to the frame shows the same."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from jupyter_securecollab.errors import Invalid, NotFound
from jupyter_securecollab.frames import axes
from jupyter_securecollab.frames.anonymity import generalisation
from jupyter_securecollab.frames.mask import mask_column
from jupyter_securecollab.frames.risk import risk

LIBRARIES = {"pandas": lambda frame: frame, "polars": pl.from_pandas, "pyarrow": pa.Table.from_pandas}
QUASI = ["zip", "age", "sex", "seen"]


def people(rows: int = 400, seed: int = 3) -> pd.DataFrame:
    dice = np.random.default_rng(seed)
    days = pd.to_timedelta(dice.integers(0, 700, rows), unit="D")
    return pd.DataFrame(
        {
            "zip": [f"0{number}" for number in dice.integers(1000, 1040, rows)],
            "age": dice.integers(18, 90, rows),
            "sex": dice.choice(["f", "m"], rows),
            "seen": pd.Timestamp("2020-01-01") + days,
        }
    )


def applied(frame: Any, choices: Any) -> Any:
    return pa.table(
        {
            name: _arrow(mask_column(values, choices[name], None) if name in choices else values)
            for name, values in ((name, axes.values(frame, name)) for name in QUASI)
        }
    )


def _arrow(values: Any) -> Any:
    return values.to_arrow() if isinstance(values, pl.Series) else values


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("k", [2, 5, 20])
def test_what_is_found_reaches_k_when_it_is_applied(library: str, k: int) -> None:
    frame = LIBRARIES[library](people())
    found = generalisation(frame, QUASI, k)
    assert found.best and found.k >= k and 0 < found.loss < 1
    assert risk(applied(frame, found.choices), QUASI).k == found.k


def test_nothing_that_loses_less_reaches_k() -> None:
    frame = people(120)[["age", "sex"]]
    found = generalisation(frame, ["age", "sex"], 5)
    ages = [None, *(f"generalise:{width}" for width in (2, 5, 10, 20)), "null"]
    sexes = [None, "null"]
    reach = {}
    for (a, age), (s, sex) in product(enumerate(ages), enumerate(sexes)):
        made = {
            name: values if how is None else mask_column(values, how, None)
            for name, values, how in (("age", frame["age"], age), ("sex", frame["sex"], sex))
        }
        reach[a / (len(ages) - 1) / 2 + s / 2] = risk(pd.DataFrame(made), ["age", "sex"]).k
    assert found.loss == pytest.approx(min(loss for loss, k in reach.items() if k >= 5))


def test_a_frame_that_is_anonymous_already_stays_as_it_is() -> None:
    frame = pd.DataFrame({"sex": ["f", "m"] * 10})
    found = generalisation(frame, ["sex"], 10)
    assert (dict(found.choices), found.k, found.loss, found.best) == ({}, 10, 0.0, True)


def test_when_time_is_over_something_that_reaches_k_is_given_and_says_it_may_not_be_the_best() -> None:
    found = generalisation(people(), QUASI, 5, seconds=-1)
    assert not found.best and found.k >= 5
    assert risk(applied(people(), found.choices), QUASI).k == found.k


def test_missing_values_do_not_keep_rows_apart_at_the_top() -> None:
    frame = pd.DataFrame({"name": ["Ann", None, "Bob", "Cid"]})
    found = generalisation(frame, ["name"], 4)
    assert str(found.choices["name"]) == "null" and found.k == 4


@pytest.mark.parametrize(("quasi", "k", "error"), [(["sex"], 1, Invalid), ([], 2, Invalid), (["x"], 2, NotFound)])
def test_what_makes_no_sense_is_refused(quasi: list[str], k: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        generalisation(people(10), quasi, k)
    with pytest.raises(Invalid, match=r"^k is at least 2$"):
        generalisation(people(10), ["sex"], 1)
    with pytest.raises(Invalid, match="1 row cannot look like 2") as refused:
        generalisation(people(1), ["sex"], 2)
    assert refused.value.next_step == "Share no rows."
    with pytest.raises(Invalid, match="10 rows cannot look like 11"):
        generalisation(people(10), ["sex"], 11)
