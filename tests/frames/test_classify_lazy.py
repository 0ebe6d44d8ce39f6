"""Lazy polars frames are classified by the rows that would be looked at if they were collected, and by no others."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from jupyter_securecollab.errors import CannotHold
from jupyter_securecollab.frames import axes
from jupyter_securecollab.frames.classify import classify
from jupyter_securecollab.frames.classify_parts import classify_parts, looked_at
from jupyter_securecollab.frames.fingerprint import fingerprints
from jupyter_securecollab.frames.keyed import MaskKey
from jupyter_securecollab.frames.sampling import ROWS

COUNT = 5_003
FRAME = pl.DataFrame(
    {
        "row_": [f"x{one}" for one in range(COUNT)],
        "ssn": [f"{one % 600 + 100}-{one % 89 + 10}-{one % 9000 + 1000}" for one in range(COUNT)],
        "rare": [f"jo{one}@example.org" if one % 50 == 0 else None for one in range(COUNT)],
        "seldom": ["999-76-6866" if one == 1_234 else f"x{one}" for one in range(COUNT)],
        "kind": pl.Series([f"k{one % 5}" for one in range(COUNT)], dtype=pl.Categorical),
        "tags": [[f"a{one}", "b"] for one in range(COUNT)],
        "born": [19_000_000 + one % 90 * 10_000 + 101 for one in range(COUNT)],
        "nothing": pl.Series([None] * COUNT, dtype=pl.String),
    }
)


@pytest.mark.parametrize("full", [False, True])
def test_labels_are_those_of_the_collected_frame(full: bool) -> None:
    expected = classify(FRAME, {}, full=full)
    assert classify_parts(FRAME.lazy(), {}, full=full) == expected
    assert expected["rare"].tag == "email" and (expected["seldom"].tag == "us_ssn") == full


def test_the_sample_is_small_and_of_one_sort_with_the_whole() -> None:
    looked = looked_at(FRAME.lazy())
    assert looked.height == ROWS and looked.schema == FRAME.schema and looked["rare"].null_count() == ROWS - 101
    assert fingerprints(looked, MaskKey(bytes(32))) == fingerprints(FRAME, MaskKey(bytes(32)))
    assert looked_at(FRAME) is FRAME and looked_at(FRAME.lazy(), FRAME.columns).height == 0


@pytest.mark.parametrize("frame", [FRAME.head(7), FRAME.clear(), pl.DataFrame()])
def test_small_and_empty_frames_are_looked_at_whole(frame: pl.DataFrame) -> None:
    assert_frame_equal(looked_at(frame.lazy()), frame)
    assert classify_parts(frame.lazy(), {}, full=True) == classify(frame, {}, full=True)


def test_given_labels_stay_and_their_columns_are_not_swept() -> None:
    given = classify(FRAME, {})
    told = {name: given[name] for name in ("ssn", "seldom")}
    found = classify_parts(FRAME.lazy(), told, full=True)
    assert found["seldom"] is given["seldom"] and found == classify(FRAME, told, full=True)


def test_a_file_that_does_not_fit_is_refused_without_its_words(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("ssn\n1\n" + "999-76-6866\n" * 3)
    lazy = pl.scan_csv(path, schema={"ssn": pl.Int64})
    with pytest.raises(pl.exceptions.ComputeError, match="999-76-6866"):
        lazy.collect()
    with pytest.raises(CannotHold, match="cannot be collected") as caught:
        classify_parts(lazy, {})
    assert "999" not in str(caught.value) and axes.names(looked_at(lazy, ["ssn"])) == ("ssn",)


def test_a_plan_whose_columns_cannot_be_known_is_refused_without_its_words(tmp_path: Path) -> None:
    no_file = pl.scan_csv(tmp_path / "of-ann-smith.csv")
    no_column = pl.LazyFrame({"a": [1]}).select("ann smith")
    for lazy_frame in (no_file, no_column):
        with pytest.raises(CannotHold, match="cannot be collected") as caught:
            classify_parts(lazy_frame, {})
        assert "smith" not in f"{caught.value} {caught.value.next_step}"


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("name", ["*", "^s.*$"])
def test_names_that_polars_takes_for_patterns_are_those_of_one_column(name: str, full: bool) -> None:
    frame = FRAME.select("ssn", pl.col("rare").alias(name), "seldom")
    found = classify(frame, {}, full=full)
    assert found[name].tag == "email" and classify_parts(frame.lazy(), {}, full=full) == found
