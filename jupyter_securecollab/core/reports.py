"""What other servers than the vault's report of executions: a person's own, whose word it is, and recorders.

Whoever owns a server can have it say anything. So what it says counts for himself alone, and is marked: records name
nobody else, begin and end no runs but its own, come from no time that is still to come, and hold texts of bounded
length. A recorder belongs to none of those it records, so it says who executed; the rest holds for it too. The code
is hashed here, under the vault's key, and kept or not as the vault's administrator chose.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

import msgspec

from ..model import Caller
from ..runs import VERSION, Record, Reported, Seen, SpoolKey, Touched, plain
from ..spooled import open_segment, public_key_of
from .audit import Work
from .desk import Desk, Refused
from .executions import ExecutionBook

_ACT = "executions.report"
_KEY = "spool"
_ASSETS = 50
_TEXTS = {
    "act": 40, "kernel": 160, "notebook": 1024, "cell": 160, "subshell": 160, "target": 1024, "error": 160,
}  # fmt: skip


class ReportBook:
    """Takes in what people's servers saw."""

    def __init__(self, desk: Desk, executions: ExecutionBook) -> None:
        self._desk, self._executions = desk, executions

    def spool_key(self, caller: Caller) -> SpoolKey:
        """The public key to which servers seal what they report."""
        return SpoolKey(public_key_of(self._executions.vault_key(_KEY)))

    def report(self, caller: Caller, *, spool: str, number: int, segment: bytes) -> Reported:
        """Record what is in a segment and not on record yet; sent again it changes nothing. For members and recorders.

        Raises `Denied`, `SealBroken` if it was not sealed to this vault, and `Unavailable`.
        """
        if not caller.recorder:
            self._desk.write(lambda work: self._allowed(work, caller))
        opened = open_segment(segment, bytes.fromhex(spool), number, self._executions.vault_key(_KEY))
        now = self._desk.clock()
        seen = [_as_it_counts(one, caller, now) for one in opened.seen]
        if not opened.whole:
            cut = Record(v=VERSION, what="gap", run=f"{spool} {number}", at=now, act="gap", since=now, lost=1)
            seen.append(_as_it_counts(Seen(cut), caller, now))
        self._executions.record_new(seen)
        return Reported(len(opened.seen), opened.whole)

    def _allowed(self, work: Work, caller: Caller) -> Refused | None:
        ruling = self._desk.rule(work.rows, work.now, caller, "create")
        if ruling.decision.allow:
            return None
        return self._desk.refuse(work, caller, _ACT, None, "records of executions", ruling)


def _as_it_counts(seen: Seen, caller: Caller, now: datetime) -> Seen:
    """The record as it may stand in a vault when this person's server, or this recorder, brings it."""
    claim = seen.record
    # Of this caller alone: nobody's record can stand in the way of another's, or end his run.
    run = hashlib.sha256("\n".join((caller.name, claim.run)).encode("utf-8", "replace")).hexdigest()[:32]
    texts = {name: plain(getattr(claim, name), most) for name, most in _TEXTS.items()}
    record = msgspec.structs.replace(
        claim,
        **{**texts, "act": texts["act"] or "?"},
        v=VERSION,
        run=run,
        at=_past(claim.at, now),
        since=None if claim.since is None else _past(claim.since, now),
        who=plain(claim.who) if caller.recorder or claim.who is None else caller.name,
        length=None if claim.length is None else max(0, min(claim.length, 2**53 - 1)),
        code=None,
        kept=None,
        expressions=max(0, min(claim.expressions, 2**31)),
        lost=max(0, min(claim.lost, 2**31)),
        took=None if claim.took is None else max(0, min(claim.took, 2**53 - 1)),
        assets=tuple(Touched(plain(one.name) or "?", one.level) for one in claim.assets[:_ASSETS]),
        reported_by=None if caller.recorder else caller.name,
        recorder=caller.name if caller.recorder else None,
    )
    return Seen(record, seen.code)


def _past(at: datetime, now: datetime) -> datetime:
    return now if at.tzinfo is None or at > now else at.replace(microsecond=at.microsecond // 1000 * 1000)
