"""Frames that are not there yet, in a notebook: labels and masks as if they were, no more read than that needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd
import polars as pl
import pytest
from dask.callbacks import Callback
from distributed import Client, LocalCluster
from notebook_kernels import Kernel

import jupyter_securecollab as collab
from jupyter_securecollab.client import connect
from jupyter_securecollab.errors import CannotHold, Invalid
from jupyter_securecollab.model import Label, Level
from jupyter_securecollab.notebook import session
from jupyter_securecollab.notebook.classifying import classifier

Kernels = Callable[[str | None], Kernel]

ROWS = 2_501
HERE = pd.DataFrame(
    {
        "id": [f"p{one % 97}" for one in range(ROWS)],
        "ssn": [f"{one % 600 + 100}-{one % 89 + 10}-{one % 9000 + 1000}" for one in range(ROWS)],
        "mail": [f"jo{one}@example.org" if one % 9 == 0 else None for one in range(ROWS)],
        "seen": pd.date_range("2020-01-01", periods=ROWS, freq="h"),
        "paid": np.linspace(0, 100, ROWS),
    }
)
MASKS = {"id": "pseudonym:person", "ssn": "fpe", "mail": "drop", "seen": "shift:30:id", "paid": "noise:3"}
LABELS = {
    name: Label(Level.SECRET if name in ("id", "ssn") else Level.CONFIDENTIAL, "us_ssn" if name == "ssn" else None)
    for name in HERE
}
KINDS = ["dask", "polars"]


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A kernel's memory of its own, our rules, and Dask in this thread unless a test starts a cluster."""
    monkeypatch.setattr(session, "_session", session.Session(connect))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", "/nowhere")
    classifier.cache_clear()
    with dask.config.set(scheduler="synchronous"):
        yield
    classifier.cache_clear()


def later(kind: str, frame: pd.DataFrame = HERE, parts: int = 5) -> Any:
    return dd.from_pandas(frame, npartitions=parts) if kind == "dask" else pl.from_pandas(frame).lazy()


def here(frame: Any) -> pd.DataFrame:
    """Its rows, whatever its library."""
    made: pd.DataFrame = frame.collect().to_pandas() if isinstance(frame, pl.LazyFrame) else frame.compute()
    return made


def known(x: Any) -> Any:
    """The same object, with its labels in this kernel's memory, as after somebody set them."""
    session.current().memory.remember(x, LABELS, "a test")
    return x


def masked(x: Any, **how: Any) -> Any:
    return collab.mask(known(x), up_to="internal", mask=MASKS, **how)


def told(shown: object) -> list[str]:
    """The words of a report, however the library writes that there is no value."""
    return [word for word in repr(shown).split() if word not in ("nan", "None", "<NA>")]


@pytest.fixture
def computed() -> Iterator[list[Any]]:
    """The tasks that Dask has run."""
    run: list[Any] = []
    with Callback(pretask=lambda key, *_: run.append(key)):
        yield run


def unreadable(kind: str) -> Any:
    """A frame of which no row can be had; its error quotes a value."""
    if kind == "dask":
        return dd.from_pandas(HERE.head(4), npartitions=2).map_partitions(_fail, meta=HERE.head(0))
    return pl.from_pandas(HERE.head(4)).lazy().with_columns(pl.col("ssn").map_batches(_fail, return_dtype=pl.String))


def _fail(values: Any) -> Any:
    raise ValueError("cannot read 999-76-6866")


# ---- classified ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_labels_are_those_of_the_frame_that_is_there(kind: str, full: bool) -> None:
    found = collab.classify(later(kind), full=full)
    expected = collab.classify(HERE if kind == "dask" else pl.from_pandas(HERE), full=full)
    assert found.labels == expected.labels and found.labels["ssn"].tag == "us_ssn" and "risk" not in repr(found)


@pytest.mark.parametrize("kind", KINDS)
def test_what_cannot_be_read_is_said_without_the_words_of_its_error(kind: str) -> None:
    for attempt in (
        lambda: collab.classify(unreadable(kind)),
        lambda: masked(unreadable(kind), preview=True),
    ):
        with pytest.raises(CannotHold, match="cannot be co") as caught:
            attempt()
        assert "999" not in f"{caught.value} {caught.value.next_step}" and caught.value.__suppress_context__


# ---- masked --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_masked_it_is_what_the_frame_that_is_there_would_be(kind: str) -> None:
    made = masked(later(kind))
    assert type(made) is type(later(kind))
    expected = masked(HERE.copy())
    assert not expected["id"].equals(HERE["id"]) and not expected["paid"].equals(HERE["paid"])
    pd.testing.assert_frame_equal(here(made), expected, check_dtype=False)


@pytest.mark.parametrize("kind", KINDS)
def test_each_level_has_a_key_of_its_own(kind: str) -> None:
    pair = pd.DataFrame({"a": ["x", "y"], "b": ["x", "y"], "c": ["x", "y"]})
    levels = {"a": Label(Level.SECRET), "b": Label(Level.CONFIDENTIAL), "c": Label(Level.SECRET)}
    x = later(kind, pair, 1)
    session.current().memory.remember(x, levels, "a test")
    made = here(collab.mask(x, up_to="internal", mask=dict.fromkeys(pair, "pseudonym:person")))
    assert made["a"].tolist() == made["c"].tolist() != made["b"].tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_with_labels_known_nothing_is_read_and_the_copy_is_remembered_as_masked(kind: str, computed: list[Any]) -> None:
    made = collab.mask(known(unreadable(kind)), up_to="internal", mask=MASKS)
    found = collab.classify(made).labels
    assert not computed
    assert {label.level for label in found.values()} == {Level.INTERNAL}
    assert found["id"].evidence == "masked copy (pseudonym:person)"


@pytest.mark.parametrize("kind", KINDS)
def test_a_preview_shows_the_first_rows(kind: str) -> None:
    shown, before = masked(later(kind), preview=True), masked(HERE.copy(), preview=True)
    assert told(shown) == told(before) and shown.plan == before.plan
    assert "p0 → " in repr(shown) and "jo0@example.org → (left out)" in repr(shown)


def test_a_preview_is_of_the_plan_that_the_copy_follows() -> None:
    dates = pd.DataFrame(
        {"born": pd.date_range("1950-01-01", periods=20, freq="YS").date}
    )  # objects without their type
    x = dd.from_pandas(dates, npartitions=2)
    session.current().memory.remember(x, {"born": Label(Level.SECRET)}, "a test")
    for mask in ({}, {"born": "partial"}):
        shown = collab.mask(x, up_to="internal", mask=mask, preview=True)
        copy = collab.mask(x, up_to="internal", mask=mask).compute()
        assert [f"→ {one}" in repr(shown) for one in copy["born"][:5]] == [True] * 5


def test_a_preview_leaves_the_other_partitions_alone() -> None:
    x = later("dask").map_partitions(_first_or_fail, meta=HERE.head(0))
    assert "p0 → " in repr(masked(x, preview=True))
    with pytest.raises(ValueError, match="another partition"):
        masked(x).compute()


def _first_or_fail(part: pd.DataFrame) -> pd.DataFrame:
    if part.index[0] > 0:
        raise ValueError("another partition")
    return part


def test_a_preview_goes_on_where_partitions_are_short() -> None:
    short = dd.concat([later("dask", HERE.head(2), 1), later("dask", HERE.iloc[2:2], 1), later("dask", HERE[2:], 2)])
    assert "p4 → " in repr(masked(short, preview=True)) and "p0 → " in repr(masked(short, preview=True))
    few = later("polars", HERE.head(3))
    assert "p2 → " in repr(masked(few, preview=True))


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_explained_without_any_row(kind: str) -> None:
    told = repr(collab.mask(known(unreadable(kind)), up_to="internal", mask=MASKS, explain=True))
    assert "shift:30:id" in told


@pytest.mark.parametrize("kind", KINDS)
def test_what_needs_all_rows_is_refused_with_the_way_to_them(kind: str, computed: list[Any]) -> None:
    way = ".compute()" if kind == "dask" else ".collect()"
    for attempt in (
        lambda: masked(later(kind), k=5),
        lambda: masked(later(kind), k=5, preview=True),
        lambda: collab.risk(later(kind), ["id"], []),
    ):
        with pytest.raises(CannotHold, match="needs all rows") as caught:
            attempt()
        assert way in (caught.value.next_step or "")
    assert not computed


@pytest.mark.parametrize("other", [HERE["id"], dd.from_pandas(HERE["id"], npartitions=1), [1], None])
def test_other_objects_are_still_no_frames(other: object) -> None:
    for verb in (collab.classify, collab.risk):
        with pytest.raises(CannotHold, match="not a frame"):
            verb(other)


@pytest.mark.parametrize("preview", [False, True])
def test_what_partitions_cannot_do_is_refused_also_in_a_preview(preview: bool) -> None:
    with pytest.raises(Invalid, match="'paid': shuffle needs all rows"):
        collab.mask(known(later("dask")), up_to="internal", mask={"paid": "shuffle"}, preview=preview)
    with pytest.raises(Invalid, match="no column 'idd'"):
        collab.mask(known(later("dask")), up_to="internal", mask={"idd": "redact"}, preview=preview)


def test_workers_of_a_cluster_classify_and_mask() -> None:
    cluster = LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0")
    with dask.config.set(scheduler=None), cluster, Client(cluster):
        assert collab.classify(later("dask")).labels == collab.classify(HERE).labels
        made = masked(later("dask"))
        pd.testing.assert_frame_equal(made.compute(), masked(HERE.copy()), check_dtype=False)


# ---- with a vault ----------------------------------------------------------------------------------------------------

FRAMES = """
import pandas as pd, polars as pl, dask, dask.dataframe as dd, jupyter_securecollab as collab
dask.config.set(scheduler="synchronous")
here = pd.DataFrame({"bay_code": [f"W-{n}" for n in range(9)], "chip_ssn": [f"999-76-{6860 + n}" for n in range(9)]})
def frames():
    return dd.from_pandas(here, npartitions=2), pl.from_pandas(here).lazy(), here.copy()
def said(x):
    return {name: (str(one.level), one.tag, one.confirmed_by) for name, one in collab.classify(x).labels.items()}
collab.remembered(forget=[one.correction.fingerprint for one in collab.remembered()])
in_parts, lazy, there = frames()
"""


def test_what_was_said_of_one_is_remembered_for_all(new_kernel: Kernels) -> None:
    alice = new_kernel("alice")
    alice.ok(FRAMES)
    before = alice.ok("print(said(here))").printed
    for first, last in (("in_parts", "lazy"), ("lazy", "there"), ("there", "in_parts")):
        alice.ok(f"in_parts, lazy, there = frames()\n%classify {first} --set bay_code=secret chip_ssn=internal")
        alice.ok(
            "word = {'bay_code': ('secret', None, 'alice'), 'chip_ssn': ('internal', 'us_ssn', 'alice')}\n"
            "for x in (in_parts, lazy, there):\n    assert said(x) == word, (type(x), said(x))"
        )
        alice.ok(f"%classify {last} --forget bay_code chip_ssn\nassert not collab.remembered()")
        assert alice.run(f"%classify {last} --forget nothing").error == "Invalid"
        assert alice.ok("for x in frames():\n    print(said(x))").printed == before * 3


def test_magics_take_them_and_sharing_says_what_to_do_first(kernel: Kernels) -> None:
    alice = kernel("alice")
    alice.ok(FRAMES)
    for name, way in (("in_parts", ".compute()"), ("lazy", ".collect()")):
        made = alice.ok(
            f"m = %mask {name} --up-to internal --mask chip_ssn=fpe\nassert type(m) is type({name})\nm{way}"
        )
        assert "W-3" in made.text and "999-76" not in made.text
        assert "999-76-6860 → " in alice.ok(f"%mask {name} --up-to internal --preview").text
        for line in (
            f"%share {name} --as later/one --yes",
            f"%share {name} --as later/one --preview --mask bay_code=null",
        ):
            refused = alice.run(line)
            assert refused.error == "CannotHold" and f"Give what {way} makes" in refused.traceback
        assert alice.run(f"%%mask\n{name}").error == "Invalid"
    assert "later/one" not in alice.ok("%shares").text
