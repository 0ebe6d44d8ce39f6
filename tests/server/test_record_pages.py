"""What the page of the log says of entries that somebody changed behind the vault's back."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from serving import free_port

from jupyter_securecollab.core.collaboration import Settings
from jupyter_securecollab.model import Caller
from jupyter_securecollab.server.service.record_pages import newest_lines
from jupyter_securecollab.server.vault import WitnessedBy, open_vault, operator
from jupyter_securecollab.witness import make_witness


def test_an_entry_that_was_changed_is_shown_as_not_proven_and_the_others_as_proven(tmp_path: Path) -> None:
    me = Caller(operator(), "cli", "cli")
    with closing(open_vault(tmp_path, Settings())) as door:
        for name in ("anna", "berta"):
            door.add_user(me, name=name)
        door.change_user(me, name=operator(), roles=("member", "steward", "admin", "auditor"))
        size = len(door.audit(me))
        who, lines = newest_lines(door, me)
        assert who.name == operator() and [one.number for one in lines] == list(range(size))[::-1]
        assert {(one.proof, one.size) for one in lines} == {("in the log", size)}
        with closing(sqlite3.connect(tmp_path / "vault.sqlite")) as database, database:
            database.execute("""UPDATE entry SET body = CAST(replace(CAST(body AS TEXT), 'berta', 'berti') AS BLOB)""")
        _, lines = newest_lines(door, me)
        assert [one.entry.name for one in lines if one.proof == "not proven"] == ["berti"] and len(lines) == size


def test_what_no_witness_has_confirmed_is_shown_as_waiting_and_not_waited_for(tmp_path: Path) -> None:
    me = Caller(operator(), "cli", "cli")
    key = make_witness("w.example/silent", tmp_path / "key", tmp_path / "state")
    witnessed = WitnessedBy(((key, f"http://127.0.0.1:{free_port()}"),))
    with closing(open_vault(tmp_path / "vault", Settings(), witnessed=witnessed)) as door:
        _, lines = newest_lines(door, me)
        assert lines and {one.proof for one in lines} == {"waits for witnesses"}
