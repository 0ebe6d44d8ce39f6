"""Kernel tokens, executions, passwords and backing off, each by itself."""

import asyncio

import pytest

from jupyter_securecollab.model import Account
from jupyter_securecollab.server.extension import passwords
from jupyter_securecollab.server.extension.executions import IN_FLIGHT_LIMIT, Executions, KernelIdentity, KernelTokens
from jupyter_securecollab.server.extension.passwords import Backoff, Passwords, hash_password


def test_a_kernel_token_stands_for_kernel_and_owner():
    tokens = KernelTokens()
    token = tokens.issue("k1", "alice", 3)
    assert tokens.resolve(token) == KernelIdentity("k1", "alice", 3)
    assert [tokens.resolve(other) for other in ("", "sck_", token[:-1], token + "x")] == [None] * 4


def test_a_new_token_ends_the_one_before_and_no_others():
    tokens = KernelTokens()
    first, other = tokens.issue("k1", "alice"), tokens.issue("k2", "alice")
    second = tokens.issue("k1", "alice")
    assert tokens.resolve(first) is None
    assert tokens.resolve(second) and tokens.resolve(other)
    tokens.revoke("k1")
    tokens.revoke("k1")
    assert tokens.resolve(second) is None
    assert tokens.resolve(other)


def test_tokens_are_not_kept():
    tokens = KernelTokens()
    assert tokens.issue("k1", "alice") not in repr(vars(tokens))


def test_a_message_has_a_person_from_start_to_finish_in_its_kernel_only():
    executions = Executions()
    executions.started("k1", "m1", "alice")
    assert executions.person_of("k1", "m1") == "alice"
    assert [executions.person_of(*place) for place in (("k2", "m1"), ("k1", "m2"), ("k1", ""))] == [None] * 3
    executions.finished("k1", "m1")
    executions.finished("k9", "m1")
    assert executions.person_of("k1", "m1") is None


def test_everyone_stays_until_the_kernel_ends():
    executions = Executions()
    for number, person in enumerate(("alice", "bob", "alice")):
        executions.started("k1", f"m{number}", person)
        executions.finished("k1", f"m{number}")
    assert executions.everyone("k1") == {"alice", "bob"}
    assert executions.everyone("k2") == frozenset()
    executions.forget("k1")
    assert executions.everyone("k1") == frozenset()


def test_an_id_that_two_people_use_at_once_belongs_to_neither():
    executions = Executions()
    executions.started("k1", "m1", "alice")
    executions.started("k1", "m1", "alice")
    assert executions.person_of("k1", "m1") == "alice"
    executions.started("k1", "m1", "bob")
    executions.started("k1", "m1", "alice")
    assert executions.person_of("k1", "m1") is None
    assert executions.everyone("k1") == {"alice", "bob"}


def test_messages_in_flight_are_bounded_and_the_oldest_is_refused():
    executions = Executions()
    for number in range(IN_FLIGHT_LIMIT + 1):
        executions.started("k1", str(number), "alice")
    assert executions.person_of("k1", "0") is None
    assert executions.person_of("k1", "1") == executions.person_of("k1", str(IN_FLIGHT_LIMIT)) == "alice"


def test_a_password_fits_its_account_only():
    checks = Passwords()
    alice = Account("alice", True, 0, hash_password("correct"))
    cases = [
        (alice, "correct"),
        (alice, "wrong"),
        (None, "correct"),
        (Account("bob", True, 0), ""),
        (alice, "x" * 2000),
    ]

    async def check():
        return [await checks.fits(account, password) for account, password in cases]

    assert asyncio.run(check()) == [True, False, False, False, False]


def test_an_unknown_name_costs_as_much_as_a_known_one():
    assert passwords.NOBODY.split("$")[:4] == hash_password("x").split("$")[:4]


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_wrong_attempts_get_slower_and_a_right_one_starts_afresh():
    clock = Clock()
    backoff = Backoff(clock)
    assert [backoff.attempt("alice", "a") for _ in range(5)] == [0.0] * 5
    waits = []
    for _ in range(4):
        waits.append(backoff.attempt("alice", "a"))
        clock.now += waits[-1]
        assert backoff.attempt("alice", "a") == 0.0
    assert waits == [10.0, 20.0, 40.0, 80.0]
    backoff.succeeded("alice", "a")
    assert backoff.attempt("alice", "a") == 0.0


@pytest.mark.parametrize(("name", "address"), [("bob", "a"), ("alice", "b")])
def test_others_need_not_wait(name, address):
    backoff = Backoff(Clock())
    for _ in range(6):
        waiting = backoff.attempt("alice", "a")
    assert waiting > 0
    assert backoff.attempt(name, address) == 0.0


def test_waiting_has_an_end_and_the_memory_a_limit():
    clock = Clock()
    backoff = Backoff(clock)
    for _ in range(100):
        clock.now += backoff.attempt("alice", "a")
    assert backoff.attempt("alice", "a") <= Backoff.LONGEST_WAIT
    for number in range(2 * Backoff.ENTRIES):
        backoff.attempt(str(number), "a")
    assert len(backoff._wrong) == Backoff.ENTRIES
