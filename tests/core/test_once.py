"""What is asked for twice under one key is done once, and whoever asked gets what came of it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from material import ALICE, BOB, DANA, EVE, INTERNAL, PATIENTS, ROOT, SECRET, Vault
from msgspec.structs import replace

from jupyter_securecollab.core.collaboration import Once
from jupyter_securecollab.core.once import KEPT
from jupyter_securecollab.errors import Conflict, Denied, NotFound
from jupyter_securecollab.model import AccessSpec, Caller, Correction, Vouched

KEY = Once("0" * 32, "one request")
AT_THE_PAGE = replace(DANA, via="browser")


@dataclass(frozen=True)
class Act:
    """Something that is done once: what calls it, and its name in the log."""

    call: Callable[[Vault, Once | None], Any]
    word: str


def grant(vault: Vault, once: Once | None, who: Caller = ALICE, to: str = "bob") -> Any:
    return vault.door.grant(who, name=PATIENTS, access=AccessSpec((to,)), once=once)


def revoke(vault: Vault, once: Once | None) -> Any:
    return vault.door.revoke(ALICE, name=PATIENTS, people=["@analysts"], once=once)


def shred(vault: Vault, once: Once | None) -> Any:
    return vault.door.shred(ALICE, name=PATIENTS, before=2, once=once)


def correct(vault: Vault, once: Once | None) -> Any:
    said = Correction("1" * 32, SECRET, INTERNAL)
    return vault.door.correct(ALICE, corrections=[said], forget=["2" * 32], once=once)


def ask(vault: Vault, once: Once | None) -> Any:
    return vault.door.ask_join(ALICE, name="oncology/person", level=SECRET, because="one cohort", once=once)


def decide(vault: Vault, once: Once | None) -> Any:
    (waiting,) = vault.door.joins(AT_THE_PAGE)
    return vault.door.decide_join(AT_THE_PAGE, id=waiting.id, allow=True, once=once)


ACTS = {
    act.call.__name__: act
    for act in (
        Act(grant, "grant"), Act(revoke, "revoke"), Act(shred, "shred"), Act(correct, "correct"),
        Act(ask, "join.ask"), Act(decide, "join.allow"),
    )
}  # fmt: skip


@pytest.fixture
def ready(vault: Vault) -> Vault:
    """There is something to be done by every act, once."""
    vault.grant("@analysts")
    vault.share(content="second")
    return vault


def done(vault: Vault, word: str) -> int:
    return sum(entry.act == word and bool(entry.changes) for entry in vault.entries())


@pytest.mark.parametrize("name", ACTS)
def test_sent_again_it_is_not_done_again_and_has_the_same_answer(ready: Vault, name: str) -> None:
    act = ACTS[name]
    if name == "decide":
        ask(ready, None)
    before = done(ready, act.word)
    first = act.call(ready, KEY)
    entries = len(ready.entries())
    again = act.call(ready, KEY)
    ready.restart()  # whoever answers, then and after being killed, has the database alone
    assert first == again == act.call(ready, KEY)
    assert (len(ready.entries()), done(ready, act.word)) == (entries, before + 1)
    ready.door.verify(state=True)


@pytest.mark.parametrize("name", ["grant", "correct", "ask"])
def test_without_a_key_or_under_another_one_it_is_done_again(ready: Vault, name: str) -> None:
    act, before = ACTS[name], done(ready, ACTS[name].word)
    for once in (KEY, Once("1" * 32, KEY.request), None, None):
        act.call(ready, once)
    assert done(ready, act.word) == before + 4


def test_what_others_did_in_between_is_not_undone(ready: Vault) -> None:
    ready.door.change_user(ROOT, name="dana", clearance=SECRET)
    ready.grant("dana", can="manage", up_to=SECRET)
    grant(ready, KEY, to="eve")
    ready.door.revoke(DANA, name=PATIENTS, people=["eve"])
    assert [line.excluded for line in grant(ready, KEY, to="eve").access if line.grantee == "eve"] == [True]
    with pytest.raises(Denied):
        ready.door.open(EVE, name=PATIENTS)


def test_two_at_once_are_one(ready: Vault) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: ask(ready, KEY), range(16)))
    assert len({answer.id for answer in answers}) == 1 == done(ready, "join.ask")


def test_a_key_is_for_one_request(ready: Vault) -> None:
    grant(ready, KEY)
    for other in (
        lambda: grant(ready, replace(KEY, request="another request")),
        lambda: grant(ready, KEY, who=replace(ALICE, also=("eve",))),
    ):
        entries = len(ready.entries())
        with pytest.raises(Conflict, match="another request"):
            other()
        assert len(ready.entries()) == entries


def test_somebody_elses_key_is_another_key(ready: Vault) -> None:
    ask(ready, KEY)
    with pytest.raises(Denied):
        grant(ready, KEY, who=BOB, to="eve")  # decided on as his own request
    assert ready.door.ask_join(BOB, name="oncology/person", level=INTERNAL, because="x", once=KEY).person == "bob"
    assert done(ready, "join.ask") == 2


def test_a_refusal_is_no_answer_to_keep(ready: Vault) -> None:
    for error, who in ((Denied, BOB), (NotFound, ALICE)):
        with pytest.raises(error):
            grant(ready, KEY, who=who, to="eve" if error is Denied else "nobody")
    ready.grant("bob", can="manage")
    assert grant(ready, KEY, who=BOB, to="eve").receipt.index == grant(ready, KEY, who=BOB, to="eve").receipt.index


def test_who_may_no_longer_gets_no_more_of_the_answer_than_he_may_know(ready: Vault) -> None:
    ready.grant("bob", can="manage")
    assert {"alice", "@analysts", "eve"} <= {line.grantee for line in grant(ready, KEY, who=BOB, to="eve").access}
    ready.grant("bob")  # no more than to open it
    again = grant(ready, KEY, who=BOB, to="eve")
    assert {line.grantee for line in again.access} == {"alice", "bob", "@analysts"} and again.opened_by == ()
    with pytest.raises(Denied):
        grant(ready, KEY, who=replace(BOB, vouched=Vouched((), ())), to="eve")


def test_after_ten_minutes_it_is_a_new_request_and_nothing_is_kept(ready: Vault) -> None:
    for number in range(30):
        grant(ready, Once(f"{number:032x}", "one request"))
    ready.clock.turn(KEPT)
    before = done(ready, "grant")
    grant(ready, Once(f"{29:032x}", "another request"))
    grant(ready, Once("f" * 32, "one request"))
    assert done(ready, "grant") == before + 2
    assert len(ready.sql("SELECT * FROM answer")) == 2


def test_nothing_that_opens_anything_is_kept(ready: Vault) -> None:
    for number, act in enumerate(ACTS.values()):
        act.call(ready, Once(f"{number:032x}", act.word))
    kept = "".join(said for (said,) in ready.sql("SELECT said FROM answer"))
    keys = [key.hex() for (key,) in ready.sql("SELECT wrapped FROM data_key")]
    assert kept and keys and not any(key in kept for key in keys)
    assert '"key"' not in kept and "wrapped" not in kept


def test_clearing_away_is_finished_when_it_is_asked_for_again(ready: Vault) -> None:
    """Killed after the commit, before the objects were deleted."""
    objects = {path: path.read_bytes() for path in ready.objects()}
    shred(ready, KEY)
    gone = {path: data for path, data in objects.items() if not path.exists()}
    for path, data in gone.items():
        path.write_bytes(data)
    shred(ready, KEY)
    assert gone and not any(path.exists() for path in gone)
