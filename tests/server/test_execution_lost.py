"""What a kernel broadcasts can be lost, when it broadcasts more than is read: its replies are enough to go by."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from jupyter_securecollab.runs import Seen
from jupyter_securecollab.server.recording import execution
from jupyter_securecollab.server.recording.execution import OPEN_LIMIT, Recording


async def test_what_was_answered_makes_room_and_ends_though_nothing_was_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "_UNHEARD", 0.05)
    written: list[Seen] = []

    def write(batch: Sequence[Seen]) -> None:
        written.extend(batch)

    recording = Recording("flag", write, lambda: datetime.now(UTC))
    for number in range(OPEN_LIMIT):
        header = {"msg_type": "execute_request", "msg_id": str(number)}
        assert recording.asked("k", "alice", "shell", header, {}, {"code": "1"}) is not None
    assert recording.is_full("k")
    recording.replied("k", "0", "ok", None)
    recording.replied("k", "0", "ok", None)
    assert not recording.is_full("k")
    assert recording.asked("k", "alice", "shell", {"msg_type": "execute_request", "msg_id": "more"}, {}, {"code": "1"})
    assert recording.is_full("k")
    await asyncio.sleep(0.2)
    recording.close()
    ends = [one.record for one in written if one.record.what == "end"]
    assert [one.status for one in ends].count("ok") == 1 and len(ends) == OPEN_LIMIT + 1
    assert {one.status for one in ends} == {"ok", "server stopped"}
