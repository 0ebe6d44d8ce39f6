"""What the page of the log says of entries that somebody changed behind the vault's back."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from jupyter_securecollab.core.collaboration import Settings
from jupyter_securecollab.model import Caller
from jupyter_securecollab.server.record_pages import newest_lines
from jupyter_securecollab.server.vault import open_vault, operator


def test_an_entry_that_was_changed_is_shown_as_not_proven_and_the_others_as_proven(tmp_path: Path) -> None:
    me = Caller(operator(), "cli", "cli")
    with closing(open_vault(tmp_path, Settings())) as door:
        for name in ("anna", "berta"):
            door.add_user(me, name=name)
        door.change_user(me, name=operator(), roles=("member", "steward", "admin", "auditor"))
        size = len(door.audit(me))
        who, lines = newest_lines(door, me)
        assert who.name == operator() and [one.number for one in lines] == list(range(size))[::-1]
        assert {one.proven for one in lines} == {size}
        with closing(sqlite3.connect(tmp_path / "vault.sqlite")) as database, database:
            database.execute("""UPDATE entry SET body = CAST(replace(CAST(body AS TEXT), 'berta', 'berti') AS BLOB)""")
        _, lines = newest_lines(door, me)
        assert [one.entry.name for one in lines if one.proven is None] == ["berti"] and len(lines) == size
