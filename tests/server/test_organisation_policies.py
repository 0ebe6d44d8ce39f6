"""An organisation's own policies lie in the vault's folder; the log says which text decided."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_securecollab.core.collaboration import Settings
from jupyter_securecollab.errors import Denied, Invalid
from jupyter_securecollab.model import Caller, Level
from jupyter_securecollab.proofs import parse_entry
from jupyter_securecollab.server.vault import open_vault, operator

NOBODY_CREATES = """
@id("org.closed")
@says("Nothing new is shared this week.")
forbid (principal, action == Action::"create", resource);
"""


def adopted(folder: Path) -> list[str]:
    """Start the vault once more; the digests its log has named by then."""
    door = open_vault(folder, Settings())
    entries = [parse_entry(one.body) for one in door.audit(Caller(operator(), "cli", "cli"))]
    door.close()
    return [str(entry.detail["sha256"]) for entry in entries if entry.act == "policy.adopt"]


def test_a_policy_in_the_folder_forbids_and_the_log_names_the_text(tmp_path: Path) -> None:
    before = adopted(tmp_path)
    assert len(before) == 1 and adopted(tmp_path) == before
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "closed.cedar").write_text(NOBODY_CREATES)
    after = adopted(tmp_path)
    assert len(after) == 2 and after[0] == before[0] != after[1]
    door = open_vault(tmp_path, Settings())
    with pytest.raises(Denied, match="Nothing new is shared this week"):
        door.begin(Caller(operator(), "cli", "cli"), name="p/x", kind="file", levels=[Level.INTERNAL])
    door.close()


def test_a_policy_that_could_allow_keeps_the_vault_from_starting(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "open.cedar").write_text('@id("org.open") permit (principal, action, resource);')
    with pytest.raises(Invalid, match=r"open\.cedar"):
        open_vault(tmp_path, Settings())
