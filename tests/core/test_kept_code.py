"""The text of code beside the records: not kept unless chosen, sealed to the auditors or plain, bound to its record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from material import ALICE, BOB, CAROL, DAY, ROOT, Vault

from jupyter_securecollab.bundles import verify_bundle
from jupyter_securecollab.errors import Denied, Invalid, LogBroken, SealBroken
from jupyter_securecollab.kept_code import (
    CODE_LIMIT,
    CodeKeeping,
    auditors_private_key,
    digest,
    is_locked,
    make_auditors_key,
    read_code,
)
from jupyter_securecollab.proofs import parse_entry
from jupyter_securecollab.runs import Record, Seen

CANARY = b"print('canary-7f3a of alice')"


@pytest.fixture(scope="module")
def auditors(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, X25519PrivateKey]:
    """The public key as configured, and the private one."""
    file = tmp_path_factory.mktemp("auditors") / "key.pem"
    public = make_auditors_key(file)
    return public, auditors_private_key(file.read_bytes())


def run(vault: Vault, number: int, code: bytes | None = CANARY, act: str = "execute", **fields) -> list[Seen]:
    fields = {"v": 1, "run": f"{number:032x}", "at": vault.clock.now, "act": act, "who": "alice", **fields}
    return [Seen(Record(what="start", **fields), code), Seen(Record(what="end", status="ok", **fields))]


def on_disk(vault: Vault) -> bytes:
    """Everything in the database and what SQLite keeps beside it."""
    return b"".join(file.read_bytes() for file in vault.folder.glob("vault.sqlite*"))


def code_of(vault: Vault, key: X25519PrivateKey | None = None) -> dict[int, str]:
    runs = [one.start.run for one in vault.door.executions(CAROL)]
    found = vault.door.execution_code(CAROL, runs=runs)
    return {int(name, 16): read_code(record, kept, key) for name, (record, kept) in found.items()}


def test_nothing_is_kept_unless_an_administrator_chose_so(empty: Vault) -> None:
    empty.door.record(run(empty, 1))
    assert b"canary-7f3a" not in on_disk(empty) and code_of(empty) == {}
    assert empty.door.recording(ALICE).code == "off"


def test_sealed_code_is_read_by_the_auditors_alone(empty: Vault, auditors) -> None:
    public, private = auditors
    empty.door.keep_code(CodeKeeping("sealed", public))
    empty.door.record([*run(empty, 1), *run(empty, 2, b"x = 2")])
    assert b"canary-7f3a" not in on_disk(empty)
    assert code_of(empty, private) == {1: CANARY.decode(), 2: "x = 2"}
    assert empty.door.verify(state=True).rows
    assert empty.door.recording(ALICE).code == "sealed"


def test_plain_code_is_kept_as_it_is(empty: Vault) -> None:
    empty.door.keep_code(CodeKeeping("plain"))
    empty.door.record(run(empty, 1))
    assert b"canary-7f3a" in on_disk(empty) and code_of(empty) == {1: CANARY.decode()}
    assert empty.door.recording(ALICE).code == "plain"


def test_only_code_is_kept_and_not_what_widgets_send_or_people_type(empty: Vault) -> None:
    empty.door.keep_code(CodeKeeping("plain"))
    for number, act in enumerate(("comm_msg", "comm_open", "kernel", "input_reply")):
        empty.door.record(run(empty, number, act=act))
    assert b"canary-7f3a" not in on_disk(empty) and code_of(empty) == {}
    empty.door.record([*run(empty, 8, None), *run(empty, 9, act="debug")])
    assert code_of(empty) == {9: CANARY.decode()}


def test_reading_code_is_for_those_who_read_the_log_and_itself_on_record(empty: Vault) -> None:
    empty.door.keep_code(CodeKeeping("plain"))
    empty.door.record(run(empty, 1))
    for who in (ALICE, BOB):
        with pytest.raises(Denied, match="You may not read the code of executions"):
            empty.door.execution_code(who, runs=[f"{1:032x}"])
    assert code_of(empty)
    entry = parse_entry(empty.door.audit(CAROL, by="carol")[-1].body)
    assert (entry.act, entry.who, entry.detail["runs"]) == ("executions.code", "carol", [f"{1:032x}"])


def test_of_long_code_the_beginning_is_kept(empty: Vault, auditors) -> None:
    public, private = auditors
    for number, how in enumerate(("sealed", "plain")):
        empty.door.keep_code(CodeKeeping(how, public))
        empty.door.record(run(empty, number, b"y" * (CODE_LIMIT + 1)))
    assert {len(code) for code in code_of(empty, private).values()} == {CODE_LIMIT}
    assert {one.start.length for one in empty.door.executions(CAROL)} == {CODE_LIMIT + 1}
    assert max(size for (size,) in empty.sql("SELECT length(kept) FROM execution_code")) < CODE_LIMIT + 100


@pytest.mark.parametrize("key", ["", "hpke-x25519:", "hpke-x25519:AAAA", "hpke-x25519:äöü", "AAAA"])
def test_a_key_that_is_none_is_refused_at_the_start(key: str) -> None:
    with pytest.raises(Invalid, match="public key") as error:
        CodeKeeping("sealed", key)
    assert "audit keygen" in error.value.next_step


# -- what is sealed opens with its key, for its record, and whole ---------------------------------------

RECORD = Record(v=1, what="start", run="a" * 32, at=datetime(2026, 1, 1, tzinfo=UTC), act="execute", who="alice")


def sealed(public: str, record: Record = RECORD) -> tuple[Record, bytes]:
    """A record as it is written, and what is kept of its code."""
    kept = CodeKeeping("sealed", public).kept(record, CANARY)
    assert kept is not None
    return vouching(record, kept), kept


def vouching(record: Record, kept: bytes) -> Record:
    return msgspec.structs.replace(record, kept=digest(kept))


def test_another_key_opens_nothing(auditors) -> None:
    public, private = auditors
    record, kept = sealed(public)
    assert read_code(record, kept, private) == CANARY.decode()
    with pytest.raises(SealBroken):
        read_code(record, kept, X25519PrivateKey.generate())
    with pytest.raises(Invalid, match="sealed"):
        read_code(record, kept)


def test_no_two_sealings_are_alike(auditors) -> None:
    assert sealed(auditors[0])[1] != sealed(auditors[0])[1]


@pytest.mark.parametrize("change", [{"run": "b" * 32}, {"who": "bob"}, {"kernel": "k"}, {"act": "debug"}])
def test_what_was_sealed_for_one_record_opens_for_no_other(auditors, change) -> None:
    """Even where somebody makes the other record vouch for it."""
    public, private = auditors
    kept = sealed(public)[1]
    other = msgspec.structs.replace(RECORD, **change)
    for claimed in (other, vouching(other, kept)):
        with pytest.raises(SealBroken):
            read_code(claimed, kept, private)


def test_what_is_cut_or_changed_does_not_open(auditors) -> None:
    public, private = auditors
    record, kept = sealed(public)
    changed = [kept[:size] for size in (0, 1, 32, len(kept) - 1)]
    changed += [kept[:at] + bytes([kept[at] ^ 1]) + kept[at + 1 :] for at in (0, 1, 40, len(kept) - 1)]
    for one in (*changed, kept + b"x"):
        for claimed in (record, vouching(record, one)):
            with pytest.raises(SealBroken):
                read_code(claimed, one, private)


def test_a_plain_text_in_place_of_a_sealed_one_is_refused_by_the_record(auditors) -> None:
    record, _ = sealed(auditors[0])
    with pytest.raises(SealBroken):
        read_code(record, CodeKeeping("plain").kept(RECORD, b"exchanged"))


# -- the key's file -------------------------------------------------------------------------------------


def test_the_private_key_is_for_its_owner_alone_and_replaces_no_other(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    public = make_auditors_key(file)
    assert file.stat().st_mode & 0o777 == 0o600 and public not in file.read_text()
    with pytest.raises(FileExistsError):
        make_auditors_key(file)
    assert not is_locked(file.read_bytes())


def test_a_passphrase_protects_it(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    public = make_auditors_key(file, "correct horse")
    pem = file.read_bytes()
    record, kept = sealed(public)
    assert is_locked(pem) and read_code(record, kept, auditors_private_key(pem, "correct horse")) == CANARY.decode()
    for wrong in ("", "battery staple"):
        with pytest.raises(Invalid, match="not its passphrase"):
            auditors_private_key(pem, wrong)


def test_another_kind_of_key_is_refused() -> None:
    other = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for pem in (other, b"", b"no key"):
        with pytest.raises(Invalid):
            auditors_private_key(pem)


# -- what somebody does to the tables, and deleting -----------------------------------------------------


@pytest.fixture
def kept(empty: Vault, auditors) -> Vault:
    """Three days with two batches each, code sealed."""
    empty.door.keep_code(CodeKeeping("sealed", auditors[0]))
    for day in range(3):
        for batch in range(2):
            number = 10 * day + 2 * batch
            empty.door.record([*run(empty, number), *run(empty, number + 1)])
        empty.clock.turn(DAY)
    return empty


@pytest.mark.parametrize(("statement", "what"), [
    ("DELETE FROM execution_code WHERE seq = 4", "of record 4 of an execution is gone"),
    ("DELETE FROM execution_code", "of record 0 of an execution is gone"),
    ("UPDATE execution_code SET kept = x'0200' WHERE seq = 2", "is not what was recorded"),
    ("UPDATE execution_code SET seq = CASE seq WHEN 0 THEN 100 ELSE seq END", "is gone"),
    ("UPDATE execution_code SET kept = (SELECT kept FROM execution_code WHERE seq = 0) WHERE seq = 2", "not what was"),
    ("INSERT INTO execution_code VALUES (1, x'02')", "record 1 of an execution is not what was recorded"),
])  # fmt: skip
def test_code_changed_by_hand_is_found(kept: Vault, statement: str, what: str) -> None:
    assert kept.door.verify(state=True).rows
    kept.sql(statement)
    with pytest.raises(LogBroken, match=what):
        kept.door.verify(state=True)


def test_code_is_deleted_with_an_entry_and_the_rest_still_verifies(kept: Vault, auditors) -> None:
    cutoff = kept.clock.now - 2 * DAY
    (row,) = kept.sql("SELECT kept FROM execution_code WHERE seq = 0")
    assert kept.door.forget_executions(ROOT, before=cutoff, code_only=True).code == 4
    assert sorted(code_of(kept, auditors[1])) == [10, 11, 12, 13, 20, 21, 22, 23]
    assert len(kept.door.executions(CAROL)) == 12 and kept.door.verify(state=True).rows
    assert row[0] not in on_disk(kept)  # not in the write-ahead log either
    kept.sql("DELETE FROM execution_code WHERE seq = 8")
    with pytest.raises(LogBroken, match="of record 8 of an execution is gone"):
        kept.door.verify(state=True)


def test_records_are_deleted_by_whole_batches_and_the_log_says_so(kept: Vault, tmp_path: Path) -> None:
    gone = kept.door.forget_executions(ROOT, before=kept.clock.now - 2 * DAY)
    assert (gone.records, gone.code) == (8, 4)
    entry = parse_entry(kept.door.audit(CAROL, by="root")[-1].body)
    assert (entry.act, entry.detail) == ("executions.forget", {"records": 8, "code": 8})
    assert kept.door.verify(state=True).rows
    kept.door.export(CAROL, destination=tmp_path / "bundle")
    assert verify_bundle(tmp_path / "bundle", kept.door.log_key, state=True).rows
    kept.door.record(run(kept, 99))
    assert kept.door.verify(state=True).rows
    kept.sql("DELETE FROM execution WHERE seq = 8")
    with pytest.raises(LogBroken, match="record 8 of an execution is gone"):
        kept.door.verify(state=True)


def test_the_newest_batch_stays_so_that_numbers_are_never_used_twice(kept: Vault) -> None:
    gone = kept.door.forget_executions(ROOT, before=kept.clock.now + DAY)
    assert gone.records == 20 and kept.sql("SELECT min(seq), max(seq) FROM execution") == [(20, 23)]
    assert kept.door.forget_executions(ROOT, before=kept.clock.now + DAY).records == 0
    kept.door.record(run(kept, 99))
    assert kept.door.verify(state=True).rows


def test_a_batch_is_kept_whole_while_a_part_of_it_is_needed(empty: Vault) -> None:
    older = run(empty, 1)
    empty.clock.turn(timedelta(hours=1))
    empty.door.record([*older, *run(empty, 2)])
    empty.door.record(run(empty, 3))
    assert empty.door.forget_executions(ROOT, before=empty.clock.now - timedelta(minutes=1)).records == 0
    assert empty.door.verify(state=True).rows


def test_only_administrators_delete(kept: Vault) -> None:
    for who in (ALICE, CAROL):
        with pytest.raises(Denied, match="You may not delete records of executions"):
            kept.door.forget_executions(who, before=kept.clock.now)
    assert len(kept.door.executions(CAROL)) == 12
