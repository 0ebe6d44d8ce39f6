"""What a decision costs as grants become many: facts from the database, both evaluators, no entry written.

Assets grow with the grants, ten to an asset, half of them to groups; those asked about are spread over all of them.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from pathlib import Path
from statistics import median, quantiles

from jupyter_securecollab.adapters.sql import SqlStore
from jupyter_securecollab.core.audit import Journal
from jupyter_securecollab.core.catalog import AssetRow, GrantRow, MembershipRow, PersonRow
from jupyter_securecollab.core.desk import Desk, Settings, find_asset
from jupyter_securecollab.core.policy import Policy, Question, Ruling
from jupyter_securecollab.core.ports import Row
from jupyter_securecollab.model import Caller, Level

from .audit import NOW, SIGNER
from .harness import Budget, Line, Section

_PEOPLE, _GROUPS, _TO_ASSET = 1_000, 50, 10
_FAST = Budget(0.5)
_FLAT = Budget(1.5, of="ratio")
_AT_ONCE = 10_000


def run(quick: bool) -> Iterator[Section]:
    """One section: allowed and denied, few grants and many."""
    sizes, questions = ((200, 400), 20) if quick else ((1_000, 100_000, 1_000_000), 2_000)
    with tempfile.TemporaryDirectory(prefix="securecollab-bench-") as folder:
        took = {size: _times(Path(folder), size, questions) for size in sizes}
    lines = [_line(what, size, times) for size, by in took.items() for what, times in by.items()]
    for what in ("allowed", "denied"):
        few, many = (1000 * median(took[size][what]) for size in (sizes[0], sizes[-1]))
        title = f"{what}, {sizes[-1]:,} grants beside {sizes[0]:,}"
        lines.append(Line(title, many, "ms", many / few, "", _FLAT))
    notes = [
        "Policy is Cedar, which checks every request against its schema, and our own rules. The rest is four small "
        "statements through SQLAlchemy, whose own work takes longer than SQLite's."
    ]
    yield Section("Decisions, without the entry that follows", lines, notes)


def _line(what: str, size: int, times: list[float]) -> Line:
    note = f"99th percentile {1000 * quantiles(times, n=100)[-1]:.2f} ms"
    budget = None if "policy" in what else _FAST
    return Line(f"{what}, {size:,} grants", 1000 * median(times), "ms", None, note, budget)


def _times(folder: Path, size: int, questions: int) -> dict[str, list[float]]:
    dice = random.Random(size)  # noqa: S311 - places to ask at, not secrets
    with _vault(folder / f"{size}.sqlite", size) as (desk, store, policy):
        asked = [_grant(dice.randrange(size)) for _ in range(questions)]
        allowed = [_decide(desk, store, grant.asset, _reader(grant), True) for grant in asked]
        return {
            "allowed": allowed,
            "of an allowed one, in policy": list(policy.took),
            "denied": [_decide(desk, store, grant.asset, "stranger", False) for grant in asked],
        }


def _decide(desk: Desk, store: SqlStore, asset: str, person: str, expected: bool) -> float:
    with store.snapshot() as rows:
        caller = Caller(person, "kernel", "session")
        start = time.perf_counter()
        ruling = desk.rule(rows, NOW, caller, "open", find_asset(rows, f"bench/{asset}"), level=Level.INTERNAL)
        taken = time.perf_counter() - start
    if ruling.decision.allow is not expected:
        raise RuntimeError(f"decided otherwise: {ruling}")
    return taken


class _Timed(Policy):
    """Policy that notes how long it takes."""

    def __init__(self) -> None:
        super().__init__()
        self.took: list[float] = []

    def rule(self, question: Question) -> Ruling:
        start = time.perf_counter()
        ruling = super().rule(question)
        self.took.append(time.perf_counter() - start)
        return ruling


@contextmanager
def _vault(file: Path, size: int) -> Iterator[tuple[Desk, SqlStore, _Timed]]:
    store = SqlStore(f"sqlite:///{file}")
    journal = Journal(store, SIGNER, clock=lambda: NOW)
    try:
        people = [f"p{number}" for number in range(_PEOPLE)]
        _put(store, (_person(name) for name in (*people, "owner", "stranger")))
        _put(store, (MembershipRow(f"g{n % _GROUPS}", name) for n, name in enumerate(people)))
        _put(store, (_asset(number) for number in range(-(-size // _TO_ASSET))))
        _put(store, map(_grant, range(size)))
        policy = _Timed()
        yield Desk(journal, policy, Settings(), lambda: NOW), store, policy
    finally:
        journal.close()
        store.close()


def _put(store: SqlStore, rows: Iterator[Row]) -> None:
    with store.transaction() as into:
        while some := list(islice(rows, _AT_ONCE)):
            into.put_many(some)


def _person(name: str) -> PersonRow:
    return PersonRow(name, "person", Level.CONFIDENTIAL, ("member",), True, 0)


def _asset(number: int) -> AssetRow:
    return AssetRow(f"a{number}", f"bench/a{number}", "frame", "owner", "", False, 1, NOW)


def _grant(number: int) -> GrantRow:
    asset, place = divmod(number, _TO_ASSET)
    first = asset * 7919
    grantee = f"p{(first + place) % _PEOPLE}" if place % 2 else f"@g{(first + place) % _GROUPS}"
    until = NOW + timedelta(days=30)
    return GrantRow(f"n{number}", f"a{asset}", grantee, "open", Level.INTERNAL, None, until, (), False, "owner")


def _reader(grant: GrantRow) -> str:
    """Somebody the grant is for: every group has the person of its own number."""
    return grant.grantee.replace("@g", "p")
