"""What the client believes and remembers of the log, and what it does when the vault is not there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from serving import Served, share

from jupyter_securecollab.client import Client, LogMemory, connect, save_login, saved_token, told_by_own_server
from jupyter_securecollab.errors import Denied, InvalidName, LogBroken, NotSignedIn, TooLarge, Unavailable
from jupyter_securecollab.model import AccessSpec, Level, LogHead, Opened, Receipt
from jupyter_securecollab.proofs import LogSigner, leaf_hash, node_hash
from jupyter_securecollab.protocol import ONCE_HEADER

SIGNER = LogSigner(Ed25519PrivateKey.from_private_bytes(b"S" * 32), "vault")

LEAVES = [leaf_hash(bytes([number])) for number in range(2)]
ROOTS = {1: LEAVES[0], 2: node_hash(*LEAVES)}


def head(size: int, *, root: bytes | None = None, proof: tuple[bytes, ...] = (), signer: LogSigner = SIGNER) -> LogHead:
    """A signed head over one or two known entries."""
    return LogHead(signer.sign_checkpoint(size, root or ROOTS[size]), proof)


@pytest.fixture
def memory(tmp_path: Path) -> LogMemory:
    memory = LogMemory(SIGNER.log_key, tmp_path)
    memory.check(head(1), None)
    return memory


# ---- what is remembered ----------------------------------------------------------------------------------------


def test_log_that_grows_with_proof_is_followed_also_by_the_next_process(memory: LogMemory, tmp_path: Path) -> None:
    memory.check(head(2, proof=(LEAVES[1],)), memory.seen)
    assert memory.seen is not None and memory.seen.size == 2
    again = LogMemory(SIGNER.log_key, tmp_path)
    assert again.seen == memory.seen
    assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o600]


BROKEN = {
    "shorter than it was": (2, head(1)),
    "another log of the same length": (1, head(1, root=b"x" * 32)),
    "grown without proof": (1, head(2)),
    "grown with a wrong proof": (1, head(2, proof=(b"x" * 32,))),
    "grown from another beginning": (1, head(2, root=b"x" * 32, proof=(LEAVES[1],))),
    "signed by another key": (1, head(1, signer=LogSigner(Ed25519PrivateKey.generate(), "vault"))),
    "signed under another name": (
        1,
        head(1, signer=LogSigner(Ed25519PrivateKey.from_private_bytes(b"S" * 32), "other")),
    ),
    "changed after signing": (1, LogHead(head(1).checkpoint.replace("vault\n1\n", "vault\n2\n"))),
    "no checkpoint at all": (1, LogHead("")),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_log_that_does_not_extend_what_was_seen_is_broken(tmp_path: Path, fault: str) -> None:
    seen, broken = BROKEN[fault]
    memory = LogMemory(SIGNER.log_key, tmp_path)
    memory.check(head(seen), None)
    before = memory.seen
    with pytest.raises(LogBroken):
        memory.check(broken, memory.seen)
    assert memory.seen == before == LogMemory(SIGNER.log_key, tmp_path).seen


def test_older_answer_to_an_older_question_is_no_rollback(memory: LogMemory) -> None:
    first = memory.seen
    memory.check(head(2, proof=(LEAVES[1],)), first)
    memory.check(head(1), first)
    assert memory.seen is not None and memory.seen.size == 2


def test_slower_process_does_not_make_the_file_forget(memory: LogMemory, tmp_path: Path) -> None:
    slower = LogMemory(SIGNER.log_key, tmp_path / "elsewhere")
    slower._file = memory._file
    memory.check(head(2, proof=(LEAVES[1],)), memory.seen)
    slower.check(head(1), None)
    again = LogMemory(SIGNER.log_key, tmp_path)
    assert again.seen is not None and again.seen.size == 2


@pytest.mark.parametrize("content", [b"", b"garbage", b"\xff\xfe\x00", head(1).checkpoint.encode()[:-10]])
def test_damaged_memory_is_named_and_not_overwritten(memory: LogMemory, tmp_path: Path, content: bytes) -> None:
    (file,) = tmp_path.iterdir()
    file.write_bytes(content)
    with pytest.raises(LogBroken, match="damaged") as error:
        LogMemory(SIGNER.log_key, tmp_path)
    assert str(file) in str(error.value) and file.read_bytes() == content


@pytest.mark.parametrize("home", ["a file", "a folder nobody may make"])
def test_home_that_cannot_be_written_is_remembered_for_this_process(tmp_path: Path, home: str) -> None:
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "logs" if home == "a file" else Path("/proc/nowhere/logs")
    memory = LogMemory(SIGNER.log_key, folder)
    memory.check(head(2), None)
    with pytest.raises(LogBroken):
        memory.check(head(1), memory.seen)


# ---- against a real vault --------------------------------------------------------------------------------------


@pytest.fixture
def alice(server: Served) -> Iterator[Client]:
    client = server.client("alice")
    yield client
    client.close()


def test_client_takes_the_key_of_the_first_answer_or_the_one_it_was_told(server: Served, alice: Client) -> None:
    assert alice.log_key == server.log_key
    told = server.client("alice", log_key=server.log_key)
    assert told.me().name == "alice"
    other = server.client("alice", log_key=SIGNER.log_key)
    for ask in (other.me, other.assets, lambda: share(other, "client/a")):
        with pytest.raises(LogBroken):
            ask()
    for client in (told, other):
        client.close()


def test_log_set_back_behind_a_clients_memory_is_noticed(server: Served, tmp_path: Path) -> None:
    client = server.client("alice", memory=tmp_path)
    client.me()
    (file,) = tmp_path.iterdir()
    name, size, *_ = file.read_text().split("\n")
    client._log()._seen = client._log()._seen.__class__(name, int(size) + 1000, b"x" * 32)
    with pytest.raises(LogBroken, match="set back"):
        client.me()
    client.close()


def test_many_threads_share_one_client(server: Served) -> None:
    client = server.client("alice")
    with ThreadPoolExecutor(16) as threads:
        done = list(threads.map(lambda n: share(client, f"client/t{n % 4}", content=str(n)), range(32)))
    assert sorted((one.name, one.number) for one in done) == [
        (f"client/t{n}", v) for n in range(4) for v in range(1, 9)
    ]
    client.close()


FIRST_LOOK = """
import sys, threading
from jupyter_securecollab.model import Committed, Opened, Who, decode
from jupyter_securecollab.protocol import Reply

ANSWER = b'{"log": {"checkpoint": "x", "consistency": []}, "result": {"asset": "a", "name": "n", "access": []}}'
sys.setswitchinterval(1e-6)
for kind in (Committed, Opened, Who):
    together = threading.Barrier(16)
    def look():
        together.wait()
        try:
            decode(ANSWER, Reply[kind])
        except ValueError:
            pass
    threads = [threading.Thread(target=look) for _ in range(16)]
    [one.start() for one in threads], [one.join() for one in threads]
"""


def test_threads_that_meet_a_type_for_the_first_time_together_do_not_crash() -> None:
    done = subprocess.run([sys.executable, "-c", FIRST_LOOK], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_every_read_answers(alice: Client, server: Served, tmp_path: Path) -> None:
    share(alice, "client/read", access=AccessSpec(("bob",), because="for <b>study</b> 7"))
    assert "client/read" in [one.name for one in alice.assets()]
    assert alice.describe("client/read").mine and alice.versions("client/read")[0].number == 1
    assert [line.grantee for line in alice.access("client/read")] == ["alice", "bob"]
    assert "bob" in alice.directory().people
    entries = alice.audit(name="client/read", by="alice", limit=5)
    assert alice.prove(entries[-1].index).entry == entries[-1].body
    alice.grant("client/read", AccessSpec(("eve",)))
    assert alice.revoke("client/read", ["eve"]).access[-1].excluded
    begun = alice.begin("client/read", "frame", (Level.INTERNAL,))
    alice.abort(begun.version)
    carol = server.client("carol")
    carol.export(tmp_path / "bundle")
    assert (tmp_path / "bundle").stat().st_mode & 0o777 == 0o600
    with pytest.raises(Denied):
        alice.export(tmp_path / "other")
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
    carol.close()


@pytest.mark.parametrize("name", ["../me", "a/../../me", "a/b?x=1", "a/b#x", "a%2Fb/c", "a/b/access", "😀/x", ""])
def test_names_do_not_become_other_addresses(alice: Client, name: str) -> None:
    for ask in (alice.describe, alice.access, alice.versions):
        with pytest.raises(InvalidName):
            ask(name)


def test_body_past_the_limit_is_not_even_sent(alice: Client) -> None:
    with pytest.raises(TooLarge):
        alice.open("a/b", purpose="x" * 10_000_000)


# ---- when the vault is not there -------------------------------------------------------------------------------


class Answers(BaseHTTPRequestHandler):
    """Says what it was told to, one answer per request; None closes the connection instead."""

    def answer(self) -> None:
        server: Any = self.server
        server.heard.append(self._body())
        server.keys.append(self.headers.get(ONCE_HEADER))
        server.asked.append(self.path.rpartition("/")[2])
        told = server.told.pop(0) if server.told else None
        if told is None:
            self.close_connection = True
            return
        status, body = told
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _body(self) -> bytes:
        heard = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline() or b"0", 16):
                heard += self.rfile.read(size)
                self.rfile.readline()
        return heard

    do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - the library's names

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Any]:
    """Something that is no vault, at an address where one was expected, and a client of it."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.told, server.asked, server.heard, server.keys = [], [], [], []
    server.daemon_threads = False  # so that closing waits for every connection to end
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    server.client = Client(url, "token", log_key=SIGNER.log_key, memory=tmp_path, patience=0.5)
    yield server
    server.client.close()
    server.shutdown()
    thread.join()
    server.server_close()


def reply(result: object) -> tuple[int, bytes]:
    return 200, json.dumps({"result": result, "log": {"checkpoint": head(1).checkpoint, "consistency": []}}).encode()


@pytest.mark.parametrize("answer", [
    (200, b""), (200, b"<html>login</html>"), (200, b"{}"), (200, b'{"result": 5, "log": {"checkpoint": ""}}'),
    (200, b'{"result": []}'), (302, b""), (500, b"<html>"), (404, b""), (502, b"Bad Gateway"), (200, b"\xff" * 1000),
])  # fmt: skip
def test_answers_that_are_no_vaults_are_unavailable(other: Any, answer: tuple[int, bytes]) -> None:
    other.told = [answer]
    with pytest.raises(Unavailable):
        other.client.assets()


@pytest.mark.parametrize("gone", [None, (502, b"<html>Bad Gateway</html>"), (503, b""), (504, b"{}")])
def test_what_may_be_asked_again_is_while_the_vault_is_restarted(other: Any, gone: tuple[int, bytes] | None) -> None:
    other.told = [gone, gone, reply([])]
    assert other.client.assets() == ()
    assert other.asked == ["assets"] * 3


def test_a_vault_that_stays_away_is_not_waited_for_again_and_again(other: Any) -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        other.client.assets()
    assert len(other.asked) > 1
    other.asked = []
    with pytest.raises(Unavailable):
        other.client.directory()
    assert other.asked == ["directory"]
    other.told = [reply([])]
    assert other.client.assets() == ()


def test_a_vault_that_says_itself_that_it_cannot_is_believed(other: Any) -> None:
    other.told = [(503, b'{"error": {"code": "unavailable", "message": "the Hub is away"}}')]
    with pytest.raises(Unavailable, match="the Hub is away"):
        other.client.assets()
    assert other.asked == ["assets"]


def test_what_is_done_once_is_sent_again_under_the_same_key(other: Any) -> None:
    for ask in (
        lambda: other.client.grant("a/b", AccessSpec(("bob",))),
        lambda: other.client.revoke("a/b", ["bob"]),
    ):
        other.told, other.keys = [None, (502, b""), (404, b"")], []
        with pytest.raises(Unavailable, match="404"):
            ask()
        assert len(other.keys) == 3 and len({*other.keys}) == 1 and other.keys[0].strip('"').isalnum()
    before, other.keys, other.told = other.keys[0], [], [(404, b"")] * 2
    for ask in (lambda: other.client.revoke("a/b", ["bob"]), other.client.assets):
        with pytest.raises(Unavailable):
            ask()
    assert other.keys[0] not in (before, None) and other.keys[1] is None


def test_a_part_that_cannot_be_had_again_is_not_sent_again(other: Any) -> None:
    for gone in (None, (502, b"")):
        other.told, other.asked = [gone], []
        with pytest.raises(Unavailable):
            other.client.upload("0" * 32, Level.SECRET, 0, (piece for piece in (b"x", b"y")))
        assert len(other.asked) == 1


def test_a_part_that_can_be_had_again_is_sent_again_as_a_whole(other: Any) -> None:
    other.told = [None, (200, b"{}")]
    other.client.upload("0" * 32, Level.SECRET, 0, [b"x" * 70_000, b"y"])
    assert other.heard == [b"x" * 70_000 + b"y"] * 2


def test_nobody_there_is_unavailable(tmp_path: Path) -> None:
    client = Client("http://127.0.0.1:1", "token", memory=tmp_path, patience=0)
    for ask in (client.me, lambda: client.log_key, client.assets):
        with pytest.raises(Unavailable, match="does not answer"):
            ask()
    client.close()


def test_a_part_at_hand_is_read_from_its_file_and_nothing_but_a_file_is(tmp_path: Path, other: Any) -> None:
    file, link, pipe, short = (tmp_path / name for name in ("part", "link", "pipe", "short"))
    file.write_bytes(b"0123456789")
    short.write_bytes(b"01234")
    link.symlink_to(file)
    os.mkfifo(pipe)
    at_hand = opened_with({Level.SECRET: (str(file),)})
    assert other.client.read_part(at_hand, Level.SECRET, 0, 3, 8) == b"34567"
    assert other.asked == []
    for place in (link, pipe, short, tmp_path, tmp_path / "gone", "/dev/zero"):
        other.told = [(206, b"34567")]
        elsewhere = opened_with({Level.SECRET: (str(place),)})
        assert other.client.read_part(elsewhere, Level.SECRET, 0, 3, 8) == b"34567"
    assert len(other.asked) == 6
    other.told = [(206, b"34567")]
    assert other.client.read_part(at_hand, Level.SECRET, 1, 3, 8) == b"34567"


def opened_with(files: dict[Level, tuple[str, ...]]) -> Opened:
    """What the vault answers to an open, with these files."""
    now, receipt = datetime.now(UTC), Receipt(0, b"", (), "")
    return Opened(
        asset="1" * 32, name="a/b", kind="frame", owner="alice", version="2" * 32, number=1, up_to=Level.SECRET,
        until=None, manifest=b"", levels={}, keys=(), lease="l", lease_until=now, committed=receipt, receipt=receipt,
        files=files,
    )  # fmt: skip


def test_log_that_does_not_verify_spoils_the_answer_it_came_with(other: Any) -> None:
    other.told = [reply([]), (200, json.dumps({"result": [], "log": {"checkpoint": "x", "consistency": []}}).encode())]
    assert other.client.assets() == ()
    with pytest.raises(LogBroken):
        other.client.assets()


# ---- which vault -----------------------------------------------------------------------------------------------


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in ("URL", "TOKEN", "LOG_KEY"):
        monkeypatch.delenv(f"SECURECOLLAB_{name}", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path


def test_kernel_that_no_server_started_says_how_to_connect(nowhere: Path) -> None:
    with pytest.raises(NotSignedIn, match="not connected") as error:
        connect()
    assert "jupyter securecollab login" in error.value.next_step


def test_environment_names_the_vault_and_its_key(nowhere: Path, server: Served, monkeypatch) -> None:
    monkeypatch.setenv("SECURECOLLAB_URL", server.url)
    monkeypatch.setenv("SECURECOLLAB_TOKEN", server.tokens["alice"])
    client = connect()
    assert client.me().name == "alice"
    client.close()
    monkeypatch.setenv("SECURECOLLAB_LOG_KEY", SIGNER.log_key)
    client = connect()
    with pytest.raises(LogBroken):
        client.me()
    client.close()


def test_saved_sign_in_is_for_its_owner_alone_and_is_used(nowhere: Path, server: Served) -> None:
    save_login("http://127.0.0.1:1", "old", "key")
    save_login(server.url, server.tokens["bob"], server.log_key)
    (file,) = (nowhere / "jupyter_securecollab").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    client = connect()
    assert client.me().name == "bob"
    client.close()
    file.write_text("{")
    with pytest.raises(NotSignedIn):
        connect()


def test_a_saved_token_is_given_out_for_its_own_server_alone(nowhere: Path) -> None:
    assert saved_token("http://localhost:8888/") is None
    save_login("http://127.0.0.1:8888/base", "token", "key")
    assert saved_token("http://127.0.0.1:8888/base/") == saved_token("http://localhost:8888/base") == "token"
    for other in ("http://127.0.0.1:8889/base", "http://127.0.0.1:8888/", "https://127.0.0.1:8888/base",
                  "http://127.0.0.1.example:8888/base", "http://example:8888/base"):  # fmt: skip
        assert saved_token(other) is None


def test_a_persons_own_server_says_what_it_keeps_and_nobody_else_is_asked(other: Any, monkeypatch) -> None:
    monkeypatch.setenv("SECURECOLLAB_TOKEN", "token")
    monkeypatch.delenv("SECURECOLLAB_SERVER", raising=False)
    assert told_by_own_server() is None and other.asked == []
    monkeypatch.setenv("SECURECOLLAB_SERVER", f"http://127.0.0.1:{other.server_address[1]}/user/bob/")
    state = {"mode": "flag", "why_not": [], "advisory": True, "waiting": 3, "since": "2026-11-23T12:00:00Z"}
    other.told = [reply(state)]
    told = told_by_own_server()
    assert told is not None and (told.waiting, told.advisory, other.asked) == (3, True, ["recording"])
    for silent in (None, (403, b'{"error": {}}'), (302, b""), (200, b"<html>")):
        other.told = [silent]
        assert told_by_own_server() is None
