"""Dask frames: masked as one pandas frame would be, classified alike, and no key where graphs and schedulers are."""

from __future__ import annotations

import base64
import pickle
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from distributed import Client
from distributed.protocol import dumps

from jupyter_securecollab.errors import Invalid, SealBroken, Unavailable
from jupyter_securecollab.frames import held
from jupyter_securecollab.frames.classify import classify
from jupyter_securecollab.frames.classify_parts import classify_parts
from jupyter_securecollab.frames.keyed import MaskKey
from jupyter_securecollab.frames.plans import default_plan, mask_frame

SECRET = b"\x01\xfeKEYKEYKEYKEYKEYKEYKEYKEYKEYKE\xff"
KEY = MaskKey(SECRET)
ROWS = 3_001
FRAME = pd.DataFrame(
    {
        "id": [f"p{one % 97}" for one in range(ROWS)],
        "card": ["4111-1111-1111-1111" if one % 3 else None for one in range(ROWS)],
        "ssn": [f"{one % 899 + 100}-{one % 89 + 10}-{one + 1000}" for one in range(ROWS)],
        "kind": pd.Categorical([f"k{(ROWS - one) % 5}" for one in range(ROWS)]),
        "note": [f"mail jo{one}@example.org" for one in range(ROWS)],
        "paid": np.linspace(0, 100, ROWS),
        "count": np.arange(ROWS),
        "seen": pd.date_range("2020-01-01", periods=ROWS, freq="h"),
        "gone": 1,
    }
)
PLAN = {
    "id": "pseudonym",
    "card": "fpe:card",
    "ssn": "partial",
    "kind": "pseudonym",
    "note": "scrub:pseudonyms",
    "paid": "noise:3",
    "count": "noise:3",
    "seen": "shift:30:id",
    "gone": "drop",
}
TAGS = {"card": "credit_card", "ssn": "us_ssn"}


def parted(frame: pd.DataFrame = FRAME, parts: int = 7) -> Any:
    return dd.from_pandas(frame, npartitions=parts)


def same(made: pd.DataFrame, expected: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(made, expected.astype(made.dtypes))  # Dask makes its own text of text
    for name in made:
        if made[name].dtype == "category":
            assert list(made[name].cat.categories) == list(expected[name].cat.categories)


@pytest.mark.parametrize("parts", [1, 2, 7])
@pytest.mark.parametrize("name", [name for name in PLAN if name != "gone"])
def test_every_column_is_masked_as_in_one_frame(name: str, parts: int) -> None:
    plan = {name: PLAN[name]}
    made = mask_frame(parted(parts=parts), plan, key=KEY, tags=TAGS)
    assert isinstance(made, dd.DataFrame) and made.npartitions == parts
    same(made.compute(scheduler="synchronous"), mask_frame(FRAME, plan, key=KEY, tags=TAGS))


def test_a_whole_plan_is_lazy_and_knows_its_types() -> None:
    made = mask_frame(parted(), PLAN, key=KEY, tags=TAGS)
    assert list(made.columns) == [name for name in FRAME if name != "gone"]
    found = made.compute(scheduler="threads")
    same(found, mask_frame(FRAME, PLAN, key=KEY, tags=TAGS))
    assert found.dtypes.drop("kind").equals(made.dtypes.drop("kind"))
    assert not made["kind"].cat.known and "k1" not in str(made._meta["kind"].dtype.categories)
    assert mask_frame(parted(), {"count": "null"}).compute()["count"].isna().all()
    assert default_plan(parted(), TAGS) == {"card": "redact", "ssn": "redact"}


@pytest.mark.parametrize("how", ["redact", "pseudonym", "drop"])
def test_divisions_tell_nothing_of_an_index_that_is_masked_with_its_column(how: str) -> None:
    frame = dd.from_pandas(FRAME.set_index("ssn", drop=False)[["ssn", "count"]], npartitions=3)
    for plan in ({"ssn": how}, {"ssn": how, "count": "noise:3"}):
        made = mask_frame(frame, plan, key=KEY)
        assert made.divisions == (None,) * 4
        assert not set(made.compute(scheduler="sync").reset_index(drop=True).astype(str).to_numpy().ravel()) & set(
            FRAME["ssn"]
        )
    assert mask_frame(frame, {"count": "noise:3"}, key=KEY).divisions == frame.divisions


def test_noise_goes_by_the_place_in_the_whole_also_after_odd_and_empty_partitions() -> None:
    uneven = dd.concat([parted(FRAME.iloc[:3], 1), parted(FRAME.iloc[3:3], 1), parted(FRAME.iloc[3:10], 2)])
    made = mask_frame(uneven, {"paid": "noise:3"}, key=KEY).compute(scheduler="synchronous")
    expected = mask_frame(FRAME.iloc[:10], {"paid": "noise:3"}, key=KEY)
    assert made["paid"].tolist() == expected["paid"].tolist()


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        ({"note": "shuffle"}, "column 'note': shuffle needs all rows at once"),
        ({"nte": "redact"}, "no column 'nte'"),
        ({"paid": "redact"}, "column 'paid': redact does not work"),
        ({"place": "redact"}, "'place' is an index level"),
        ({"rank": "generalise:1"}, "column 'rank': the order of its categories"),
    ],
)
def test_what_cannot_be_done_by_partition_is_refused_at_once(plan: dict[str, str], says: str) -> None:
    ranked = FRAME.assign(rank=pd.Categorical(FRAME["id"], ordered=True)).set_index(pd.Index(FRAME["id"], name="place"))
    with pytest.raises(Invalid, match=says):
        mask_frame(dd.from_pandas(ranked, npartitions=2, sort=False), plan, key=KEY)


def spelled(secret: bytes) -> list[bytes]:
    """A key as it may lie somewhere."""
    return [secret, secret.hex().encode(), base64.b64encode(secret)[:40], repr(secret).encode()[2:-1]]


def test_no_key_is_in_the_graph() -> None:
    made = mask_frame(parted(), PLAN, key=KEY, tags=TAGS)
    graphs = [pickle.dumps(made.optimize().__dask_graph__()), pickle.dumps(made), repr(made.expr).encode()]
    sent = b"".join(map(bytes, dumps(made.optimize().__dask_graph__())))
    for graph in (*graphs, sent):
        assert not any(one in graph for one in spelled(SECRET))
    assert all(held.hold(KEY).encode() in graph for graph in graphs[:2])  # so it would be found
    assert SECRET.hex() not in held.hold(KEY)


def test_another_process_without_a_cluster_does_not_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))  # shells of other tests leave one of theirs
    made = mask_frame(parted(FRAME.head(4), 1), {"id": "pseudonym"}, key=KEY)
    with dask.config.set(scheduler="processes", num_workers=1), pytest.raises(Unavailable, match="not held"):
        made.compute()


def test_only_the_key_of_its_name_sealed_to_this_process_is_taken() -> None:
    other = MaskKey(bytes(range(32)))
    name, info = held._name(other), held._INFO
    public = held._own.public_key()
    forged = held._SUITE.encrypt(SECRET, public, info + name.encode())
    elsewhere = held._SUITE.encrypt(other.secret, X25519PrivateKey.generate().public_key(), info + name.encode())
    renamed = held._SUITE.encrypt(other.secret, public, info + b"x")
    for sealed in (forged, elsewhere, renamed, b"", b"x" * 81):
        with pytest.raises(SealBroken):
            held.receive(name, sealed)
    with pytest.raises(Unavailable):
        held.key_of(name)
    held.receive(name, held._SUITE.encrypt(other.secret, public, info + name.encode()))
    assert held.key_of(name) == other


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Client, int, int]]:
    """A scheduler and a worker, each a process of its own; the client, and the two processes' ids."""
    folder = tmp_path_factory.mktemp("dask")
    start, quiet = [sys.executable, "-m"], ["--no-dashboard"]
    run = [*start, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", *quiet]
    scheduler = subprocess.Popen(run, cwd=folder, stderr=subprocess.PIPE, text=True)
    processes = [scheduler]
    try:
        assert scheduler.stderr is not None
        address = next(found[0] for line in scheduler.stderr if (found := re.search(r"tcp://127\.0\.0\.1:\d+", line)))
        with (folder / "log").open("w") as log:
            run = [
                sys.executable,
                "-m",
                "distributed.cli.dask_worker",
                address,
                "--no-nanny",
                "--nthreads",
                "2",
                *quiet,
            ]
            processes.append(subprocess.Popen(run, cwd=folder, stdout=log, stderr=log))
        with Client(address, timeout=60) as client:
            client.wait_for_workers(1, timeout=60)
            yield client, scheduler.pid, processes[1].pid
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait(30)
        assert scheduler.stderr is not None
        scheduler.stderr.close()


def in_memory(process: int, wanted: list[bytes]) -> bool:
    """Whether one of these lies anywhere in the memory of a process that may be written to."""
    overlap = max(map(len, wanted))
    with Path(f"/proc/{process}/maps").open() as maps, Path(f"/proc/{process}/mem").open("rb", buffering=0) as memory:
        for line in maps:
            found = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
            if not found or "[v" in line:
                continue
            start, stop = (int(one, 16) for one in found.groups())
            for place in range(start, stop, 1 << 24):
                memory.seek(place)
                part = memory.read(min((1 << 24) + overlap, stop - place))
                if any(one in part for one in wanted):
                    return True
    return False


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_workers_get_the_key_and_the_scheduler_never_sees_it(cluster: tuple[Client, int, int]) -> None:
    client, scheduler, worker = cluster
    secret = bytes(np.random.default_rng().integers(0, 256, 32, np.uint8))
    key = MaskKey(secret)
    made = mask_frame(parted(), PLAN, key=key, tags=TAGS)
    same(client.compute(made, sync=True), mask_frame(FRAME, PLAN, key=key, tags=TAGS))
    assert in_memory(worker, [secret])  # so that it would have been found
    assert in_memory(scheduler, [held.hold(key).encode()])
    assert not in_memory(scheduler, spelled(secret))
    assert held.hold(key) in str(client.get_events(held._TOPIC)) and secret.hex() not in str(client.get_events())


def test_a_worker_that_nobody_gives_a_key_says_so(
    cluster: tuple[Client, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = cluster[0]
    key = MaskKey(bytes(np.random.default_rng().integers(0, 256, 32, np.uint8)))
    made = mask_frame(parted(FRAME.head(4), 1), {"id": "pseudonym"}, key=key)
    client.run(_impatient)
    monkeypatch.delitem(held._keys, held.hold(key))
    with pytest.raises(Unavailable, match="nobody gives it"):
        client.compute(made, sync=True)


def _impatient() -> None:
    held._PATIENCE = 0.2


WIDE = FRAME.assign(
    rare=[f"jo{one}@example.org" if one % 50 == 0 else None for one in range(ROWS)],
    seldom=["999-76-6866" if one == 1_234 else f"x{one}" for one in range(ROWS)],
    told=["his number is 999-76-6866" if one == 987 else f"nothing to say of {one}" for one in range(ROWS)],
)


@pytest.mark.parametrize("full", [False, True])
def test_a_dask_frame_is_classified_as_one_pandas_frame_is(full: bool) -> None:
    expected = classify(WIDE, {}, full=full)
    found = classify_parts(parted(WIDE), {}, full=full)
    assert {name: (one.level, one.tag) for name, one in found.items()} == {
        name: (one.level, one.tag) for name, one in expected.items()
    }
    assert found == expected
    assert (found["seldom"].tag == "us_ssn") == full and ("contain us_ssn" in found["told"].evidence) == full
    assert found["rare"].tag == "email"


def test_labels_that_are_given_stay_and_an_index_with_a_name_is_looked_at() -> None:
    given = classify(FRAME, {})["ssn"]
    small = FRAME[["ssn", "paid"]].set_index(pd.Index(FRAME["note"].str[5:], name="email")).head(50)
    found = classify_parts(dd.from_pandas(small, npartitions=3, sort=False), {"ssn": given})
    assert found["ssn"] is given and found["email"].tag == "email" and list(found) == ["email", "ssn", "paid"]
    assert found == classify(small, {"ssn": given})
