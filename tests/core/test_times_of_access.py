"""Times as people and hostile clients send them: log and tables keep them alike, and none brings the vault down."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from material import ALICE, BOB, MOMENT, PATIENTS, Vault

from jupyter_securecollab.errors import InvalidTime
from jupyter_securecollab.model import AccessSpec

FINE = timedelta(microseconds=1)
LAST = datetime.max.replace(tzinfo=UTC)


def test_a_time_finer_than_the_tables_hold_is_on_record_as_they_hold_it(vault: Vault) -> None:
    start, until = vault.clock.now + timedelta(hours=1) + FINE, vault.clock.now + timedelta(days=30) + FINE
    vault.grant("bob", start=start, until=until)
    line = vault.door.access(ALICE, name=PATIENTS)[1]
    assert (line.start, line.until) == (start - FINE, until - FINE)
    assert vault.door.verify(state=True).rows


def test_access_shorter_than_the_tables_can_tell_is_refused(vault: Vault) -> None:
    with pytest.raises(InvalidTime, match="already be over"):
        vault.grant("bob", until=vault.clock.now + FINE)
    vault.grant("bob", until=vault.clock.now + MOMENT)


@pytest.mark.parametrize(
    "times",
    [
        {"until": datetime(2027, 1, 1)},
        {"start": datetime(2026, 6, 1)},
        {"start": LAST},
        {"until": datetime.max.replace(tzinfo=timezone(timedelta(hours=-1)))},
    ],
    ids=["end without zone", "start without zone", "no room after the start", "beyond the calendar"],
)
def test_a_time_that_is_no_moment_is_refused(vault: Vault, times: dict[str, datetime]) -> None:
    with pytest.raises(InvalidTime):
        vault.door.grant(ALICE, name=PATIENTS, access=AccessSpec(people=("bob",), **times))
    assert [line.grantee for line in vault.door.access(ALICE, name=PATIENTS)] == ["alice"]


def test_looking_back_to_a_time_without_zone_is_refused(vault: Vault) -> None:
    with pytest.raises(InvalidTime, match="needs its zone"):
        vault.door.audit(BOB, since=datetime(2026, 1, 1))
    assert vault.door.audit(BOB, since=datetime(2026, 1, 1, tzinfo=UTC)) == ()
