"""A witness confirms what continues what it saw, and nothing else, whatever is asked at once or breaks in between."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jupyter_securecollab.core.tree import Tree
from jupyter_securecollab.cosigning import Asking, Quorum, line_of, with_cosignatures, write_request
from jupyter_securecollab.errors import Conflict, Invalid, NotFound, SecureCollabError, StoreBroken
from jupyter_securecollab.proofs import EMPTY_ROOT, LogSigner, encode, leaf_hash, write_key
from jupyter_securecollab.witness import SIZE_TYPE, Witness, make_witness, read_signer

LOG = LogSigner(Ed25519PrivateKey.from_private_bytes(b"L" * 32), "vault.example/log")


class Log:
    """A log of known entries, and what it asks a witness; `branch` makes another one of the same name and key."""

    def __init__(self, branch: str = "") -> None:
        self.trees = [Tree()]
        for number in range(40):
            self.trees.append(self.trees[-1].copy())
            self.trees[-1].append(leaf_hash(f"{number}{branch if number >= 5 else ''}".encode()))

    def note(self, size: int) -> str:
        return LOG.sign_checkpoint(size, self.trees[size].root())

    def asking(self, old: int, size: int) -> bytes:
        proof = self.trees[size].consistency(old, lambda level, index: ()) if 0 < old <= size else ()
        return write_request(Asking(old, proof, self.note(size)))


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    key, state = tmp_path / "witness.key", tmp_path / "witness.state"
    make_witness("w.example/1", key, state)
    return key, state


@pytest.fixture
def start(files: tuple[Path, Path]) -> Iterator[Callable[..., Witness]]:
    """Start the witness; one that runs is stopped first."""
    running: list[Witness] = []

    def started(*log_keys: str) -> Witness:
        while running:
            running.pop().close()
        running.append(Witness(read_signer(files[0]), files[1], log_keys or [LOG.log_key]))
        return running[0]

    yield started
    while running:
        running.pop().close()


@pytest.fixture
def witness(start: Callable[..., Witness]) -> Witness:
    return start()


def confirms(witness: Witness, body: bytes) -> None:
    answer = witness.add_checkpoint(body)
    assert answer.status == 200, answer
    note = body.decode().partition("\n\n")[2]
    Quorum.of([witness.key]).check(with_cosignatures(note, [line_of(note, answer.body, witness.key)]))


def refuses(witness: Witness, body: bytes, status: int) -> str:
    before = witness.seen()
    answer = witness.add_checkpoint(body)
    assert (answer.status, "—" in answer.body, witness.seen()) == (status, False, before)
    assert (answer.type == SIZE_TYPE) == (status == 409 and answer.body.strip().isdecimal())
    return answer.body


def test_a_log_that_grows_is_confirmed_also_after_a_restart(start: Callable[..., Witness]) -> None:
    log, witness = Log(), start()
    for old, size in ((0, 0), (0, 3), (3, 3), (3, 8), (8, 9)):
        confirms(witness, log.asking(old, size))
    witness = start()
    assert witness.seen() == {LOG.name: 9}
    confirms(witness, log.asking(9, 40))


def test_nothing_but_what_continues_the_last_is_confirmed(witness: Witness) -> None:
    log, fork = Log(), Log("forked")
    confirms(witness, log.asking(0, 10))
    assert refuses(witness, log.asking(0, 12), 409) == "10\n"  # as one asks who does not know
    assert refuses(witness, log.asking(9, 10), 409) == "10\n"
    refuses(witness, log.asking(12, 11), 400)
    refuses(witness, log.asking(10, 9), 400)  # rollback
    assert refuses(witness, log.asking(9, 9), 409) == "10\n"  # rollback by one that hides it
    refuses(witness, fork.asking(10, 12), 422)
    assert "another log" in refuses(witness, fork.asking(10, 10), 409)
    refuses(witness, write_request(Asking(10, (b"x" * 32,), log.note(10))), 422)
    confirms(witness, log.asking(10, 12))


def test_the_first_time_there_is_nothing_to_prove(witness: Witness) -> None:
    log = Log()
    refuses(witness, write_request(Asking(0, (b"x" * 32,), log.note(3))), 422)
    refuses(witness, write_request(Asking(0, (), LOG.sign_checkpoint(0, b"x" * 32))), 409)
    confirms(witness, write_request(Asking(0, (), LOG.sign_checkpoint(0, EMPTY_ROOT))))
    confirms(witness, log.asking(0, 3))


def test_unknown_logs_and_other_keys_are_not_confirmed(witness: Witness) -> None:
    other = LogSigner(Ed25519PrivateKey.generate(), "other.example/log").sign_checkpoint(1, b"x" * 32)
    thief = LogSigner(Ed25519PrivateKey.generate(), LOG.name).sign_checkpoint(1, b"x" * 32)
    refuses(witness, write_request(Asking(0, (), other)), 404)
    refuses(witness, write_request(Asking(0, (), thief)), 403)
    refuses(witness, write_request(Asking(0, (), LOG.sign_checkpoint(1, b"short"))), 403)
    good = LOG.sign_checkpoint(1, leaf_hash(b"0"))
    refuses(witness, write_request(Asking(0, (), good.replace("\n1\n", "\n2\n"))), 403)
    for broken in (b"", b"old 0\n", b"old 0\n\nno note\n", write_request(Asking(0, (), good))[:-1], b"\xff" * 9):
        refuses(witness, broken, 400)


# A log of the Sigsum project's making, with proofs over made-up hashes, as torchwood's own tests of a witness have it.
SIGSUM = "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562"
SIGSUM_KEY = "ffdc2d4d98e4124d3feaf788c0c2f9abfd796083d1f0495437f302ec79cf100f"
SIGSUM_ASKING = (
    ("old 0\n", "1\nKgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
     "UgIom7fPZTqpxWWhyjWduBvTvGVqsokMbqTArsQilegKoFBJQjUFAmQ0+YeSPM3wfUQMFSzVnnNuWRTYrajXpNUbIQY="),
    ("old 1\nKgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nKgIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
     "3\nRcCI1Nk56ZcSmIEfIn0SleqtV7uvrlXNccFx595Iwl0=",
     "UgIom2VbtIcdFbwFAy1n7s6IkAxIY6J/GQOTuZF2ORV39d75cbAj2aQYwyJre36kezNobZs4SUUdrcawfAB8WVrx6go="),
    ("old 1\nKgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n+fUDV+k970B4I3uKrqJM4aP1lloPZP8mvr2Z4wRw2LI=\n"
     "KgQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
     "5\nQrtXrQZCCvpIgsSmOsah7HdICzMLLyDfxToMql9WTjY=",
     "UgIomw/EOJmWi0i1FQsOj+etB7F8IccFam/jgd6wzRns4QPVmyEZtdvl1U2KEmLOZ/ASRcWJi0tW90dJWAShei7sDww="),
)  # fmt: skip


def test_another_implementation_s_log_is_confirmed_and_its_race_ends_as_there(start: Callable[..., Witness]) -> None:
    witness = start(write_key(SIGSUM, bytes.fromhex(SIGSUM_KEY)))
    first, to_three, to_five = (
        f"{old}\n{SIGSUM}\n{head}\n\n— {SIGSUM} {signature}\n".encode() for old, head, signature in SIGSUM_ASKING
    )
    confirms(witness, first)
    confirms(witness, to_five)
    assert refuses(witness, to_three, 409) == "5\n"
    refuses(witness, b"old 0\n" + b"KgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n" * 64 + first[6:], 400)


def test_of_many_that_ask_at_once_one_branch_is_confirmed(witness: Witness, files: tuple[Path, Path]) -> None:
    confirms(witness, Log().asking(0, 5))
    branches = [Log(f"branch {number}").asking(5, 6 + number % 3) for number in range(16)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(witness.add_checkpoint, branches))
    assert sorted(one.status for one in answers) == [200, *[409] * 15]


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_what_cannot_be_kept_is_not_confirmed(witness: Witness, files: tuple[Path, Path], broken, monkeypatch) -> None:
    log = Log()
    confirms(witness, log.asking(0, 5))
    before = files[1].read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, broken, full)
        with pytest.raises(OSError, match="No space"):
            witness.add_checkpoint(log.asking(5, 9))
    assert files[1].read_bytes() == before and witness.seen() == {LOG.name: 5}
    assert [one.name for one in files[1].parent.iterdir() if "partial" in one.name] == []
    confirms(witness, log.asking(5, 9))


KILLED = """
import os, signal, sys
from pathlib import Path
from jupyter_securecollab.witness import Witness, read_signer
witness = Witness(read_signer(Path(sys.argv[1])), Path(sys.argv[2]), [sys.argv[3]])
rename = os.replace
def killed(*paths):
    if sys.argv[4] == "after":
        rename(*paths)
    os.kill(os.getpid(), signal.SIGKILL)
os.replace = killed
sys.stdout.buffer.write(witness.add_checkpoint(sys.stdin.buffer.read()).body.encode())
"""


@pytest.mark.parametrize(("when", "known"), [("before", 5), ("after", 9)])
def test_a_witness_killed_in_between_has_said_nothing_and_confirms_no_fork_later(
    start: Callable[..., Witness], files: tuple[Path, Path], when: str, known: int
) -> None:
    confirms(start(), Log().asking(0, 5))
    start().close()
    command = [sys.executable, "-c", KILLED, *map(str, files), LOG.log_key, when]
    done = subprocess.run(command, input=Log().asking(5, 9), capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, b"")
    witness = start()
    assert witness.seen() == {LOG.name: known}
    if known == 9:
        assert refuses(witness, Log("forked").asking(5, 9), 409) == "9\n"
    confirms(witness, Log().asking(known, 12))


def test_files_are_their_owners_alone_and_never_made_anew(files: tuple[Path, Path], start) -> None:
    key, state = files
    assert {stat.S_IMODE(one.stat().st_mode) for one in files} == {0o600}
    with pytest.raises(Conflict):
        make_witness("w.example/1", key, state.with_name("another"))
    with pytest.raises(Conflict):
        make_witness("w.example/1", key.with_name("another"), state)
    witness = start()
    with pytest.raises(StoreBroken, match="another process"):
        Witness(read_signer(key), state, [LOG.log_key])
    witness.close()
    with pytest.raises(Invalid):
        start(LOG.log_key, LOG.log_key)


@pytest.mark.parametrize(
    ("damage", "kind"),
    [
        (lambda key, state: state.unlink(), StoreBroken),
        (lambda key, state: state.write_bytes(b""), StoreBroken),
        (lambda key, state: state.write_bytes(b'{"format":"another","logs":{}}'), StoreBroken),
        (lambda key, state: key.unlink(), NotFound),
        (lambda key, state: key.chmod(0o640), StoreBroken),
        (lambda key, state: key.write_bytes(b"rubbish"), StoreBroken),
        (lambda key, state: key.write_text("PRIVATE+KEY+w+00000000+" + encode(b"\x04" + b"k" * 31)), StoreBroken),
    ],
)  # fmt: skip
def test_a_witness_without_what_it_needs_does_not_start(files, start, damage, kind: type[SecureCollabError]) -> None:
    damage(*files)
    with pytest.raises(kind):
        start()
