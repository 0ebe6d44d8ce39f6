"""What is executed on a person's own server comes to the service, also after the one or the other was away."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hubs import MEMBER, USE, RealHub, until
from nbformat.v4 import new_code_cell
from serving import Served, free_port

from demo.websocket import NotebookSession, text_of
from jupyter_securecollab.kept_code import make_auditors_key
from jupyter_securecollab.runs import Run

pytestmark = pytest.mark.timeout(600)


class OwnServer(Served):
    """Alice's own server, as the Hub would start it."""

    vault_url: str
    token: str

    def environment(self) -> dict[str, str]:
        return {**super().environment(), "JUPYTERHUB_USER": "alice", "JUPYTERHUB_API_TOKEN": self.token}

    def extension(self) -> tuple[str, ...]:
        return (
            *(*super().extension(), f"--SecureCollabApp.vault_url={self.vault_url}"),
            *("--IdentityProvider.token=all", "--SecureCollabApp.record_seconds=0.5"),
        )


@contextmanager
def own_server(hub: RealHub, folder: Path, *options: str) -> Iterator[OwnServer]:
    server = OwnServer(folder, free_port(), {"alice": "all"}, "", options=options)
    server.vault_url, server.token = hub.url, hub.token("alice", MEMBER, USE)
    server.start()
    try:
        yield server
    finally:
        server.stop()


async def run(server: OwnServer, *cells: str) -> None:
    async with NotebookSession(server.url, "all", "work.ipynb") as session:
        await session.run([new_code_cell(code) for code in cells])


async def refused(server: OwnServer, code: str) -> str:
    cell = new_code_cell(code, metadata={"tags": ["raises-exception"]})
    async with NotebookSession(server.url, "all", "work.ipynb") as session:
        await session.run([cell])
    return text_of(cell)


def found(hub: RealHub, enough: Callable[[tuple[Run, ...]], bool]) -> tuple[Run, ...]:
    """What carol, the auditor, finds, once it is enough."""
    with hub.client(hub.token("carol")) as carol:
        until(lambda: enough(carol.executions(limit=1000)))
        return carol.executions(limit=1000)


def lengths(runs: tuple[Run, ...]) -> list[int]:
    return [one.start.length for one in runs if one.start.act == "execute" and one.start.length]


def lost_of(runs: tuple[Run, ...]) -> int:
    """How many records are missing, by the gaps on record."""
    return sum(one.start.lost for one in runs if one.start.what == "gap")


def test_what_alices_server_sees_is_on_record_as_her_servers_word_whoever_was_away(apart: RealHub, tmp_path) -> None:
    with own_server(apart, tmp_path) as server:
        asyncio.run(run(server, "1"))
        before = found(apart, lambda runs: 1 in lengths(runs))
        (one,) = [one for one in before if one.start.length == 1]
        assert (one.start.who, one.start.reported_by, one.start.notebook) == ("alice", "alice", "work.ipynb")
        assert any("advisory" in remark for remark in one.remarks)
        apart.stop_service()
        apart.start_service()  # which hears nothing of her until she executes something more
        with apart.client(server.token) as kernel:
            state = kernel.recording()
        assert (state.mode, state.why_not, state.advisory) == ("flag", (), True)
        assert state.newest is not None and state.newest >= one.start.at
        with apart.client(apart.token("bob", MEMBER, USE)) as kernel:
            assert (kernel.recording().mode, kernel.recording().newest) == ("off", None)

        apart.stop_service()
        asyncio.run(run(server, "22"))
        apart.start_service()
        late = found(apart, lambda runs: 2 in lengths(runs) and any(one.start.what == "gap" for one in runs))
        assert {one.start.lost for one in late if one.start.what == "gap"} == {0}

        apart.stop_service()
        asyncio.run(run(server, "333", "4444"))
        server.stop(signal.SIGKILL)
        (segment, *_) = (tmp_path / "vault" / "spool").rglob("*.segment")
        assert segment.stat().st_mode & 0o777 == 0o600
        apart.start_service()
        server.start()
        asyncio.run(run(server, "55555"))
        after = found(apart, lambda runs: 5 in lengths(runs))
        assert lengths(after) == [1, 2, 3, 4, 5]
        assert "server died" in [one.outcome for one in after]
    assert not any((tmp_path / "vault" / "spool").glob("*/*"))
    assert "The state is what the log says" in apart.cli("audit", "verify", "--state")


def test_the_service_keeps_code_where_its_administrator_says_so_and_hooks_are_asked_on_her_server(
    apart: RealHub, tmp_path
) -> None:
    hooks = (
        "--SecureCollabApp.audit_hooks=acknowledge",
        "--SecureCollabApp.audit_hook_options={'acknowledge': {'text': 'Read the policy.'}}",
    )
    key = make_auditors_key(tmp_path / "auditors.key")
    with own_server(apart, tmp_path, *hooks) as server:
        assert "Read the policy" in asyncio.run(refused(server, "'before she agreed to anything'"))
        asyncio.run(run(server, "# I agree", "'kept nowhere, as nobody said it should be'"))
        found(apart, lambda runs: len("'kept nowhere, as nobody said it should be'") in lengths(runs))
        with apart.client(server.token) as kernel:
            assert kernel.recording().code == "off"
        apart.stop_service()
        apart.start_service("--record-code", "sealed", "--auditors-key", key)
        try:
            asyncio.run(run(server, "'kept for the auditors alone, sealed'"))
            found(apart, lambda runs: len("'kept for the auditors alone, sealed'") in lengths(runs))
            with apart.client(server.token) as kernel:
                assert kernel.recording().code == "sealed"
            shown = apart.cli("audit", "show", "--executions", "--code", str(tmp_path / "auditors.key"))
        finally:
            apart.stop_service()
            apart.start_service()
    assert "kept for the auditors alone, sealed" in shown and "kept nowhere" not in shown
    assert not any(b"kept for the auditors" in one.read_bytes() for one in apart.vault.glob("vault.sqlite*"))


def test_more_than_may_wait_is_lost_from_the_end_and_counted(apart: RealHub, tmp_path) -> None:
    cells, room = [f"'{'#' * (100 + n)}'" for n in range(30)], 20
    with own_server(apart, tmp_path, f"--SecureCollabApp.record_backlog={room}") as server:
        asyncio.run(run(server, "'there from the beginning'"))
        found(apart, lambda runs: len("'there from the beginning'") in lengths(runs))
        before = lost_of(found(apart, bool))
        apart.stop_service()
        asyncio.run(run(server, *cells))
        waiting = [one.stat().st_size for one in (tmp_path / "vault" / "spool").rglob("*.segment")]
        assert sum(waiting) < room * 2000
        apart.start_service()
        found(apart, lambda runs: lost_of(runs) > before)  # what waited is there: until then there is no room for more
        asyncio.run(run(server, "'and after that it goes on as before'"))
        after = found(apart, lambda runs: len("'and after that it goes on as before'") in lengths(runs))
    kept = [length for length in lengths(after) if 102 <= length < 132]
    lost = lost_of(after) - before
    assert 0 < len(kept) <= room and kept == list(range(102, 102 + len(kept)))  # the oldest, without a hole
    assert lost >= 2 * len(cells) - room
    assert not any((tmp_path / "vault" / "spool").glob("*/*"))


def test_bob_sees_nothing_of_hers_and_what_is_no_segment_is_refused(apart: RealHub) -> None:
    with apart.http(apart.token("bob", MEMBER, USE)) as bob:
        forged = {"spool": "00" * 16, "number": 0, "segment": "AAAA"}
        assert bob.post("records", json=forged).status_code == 422
        assert bob.get("executions").json()["result"] == []
    with apart.http(apart.token("eve")) as eve:
        assert eve.post("records", json=forged).status_code == 403
