"""What people said of columns, remembered for the next column of the same sort.

The vault knows such a column by its fingerprint alone: the name under it was keyed in the kernel. Everybody gets his
own corrections, and those of whoever manages an asset that he manages too. What they do to a label is decided where
the column is, in the kernel: somebody else's word never lowers one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..errors import TooLarge
from ..model import Caller, Corrected, Correction, LabelKey, Remembered
from .audit import Work
from .catalog import AssetRow, CorrectionRow, GrantRow, MembershipRow
from .desk import Desk, Refused, raise_if_refused
from .keys import Keyring
from .once import Once, done_once
from .ports import Rows

MOST = 5_000
"""Corrections kept for one person."""

_ASSETS = 500
_SHOWN = 20_000
_KEY = ("_labels", "_labels", "columns")  # no project can be called that
_NAME = "levels of columns"


class LabelBook:
    """Corrections of labels. Making and undoing them is recorded, and so is handing out the key they are found by."""

    def __init__(self, desk: Desk, keys: Keyring) -> None:
        self._desk, self._keys = desk, keys

    def label_key(self, caller: Caller) -> LabelKey:
        """The key for fingerprints, for whoever may share something. Raises `Denied`."""

        def operation(work: Work) -> bytes | Refused:
            ruling = self._desk.rule(work.rows, work.now, caller, "create")
            if not ruling.decision.allow:
                return self._desk.refuse(work, caller, "label_key", None, _NAME, ruling)
            work.record("label_key", caller, name=_NAME, decision=ruling.decision)
            return self._keys.asset_key(work, *_KEY)

        return LabelKey(*self._desk.recorded(operation))

    def correct(
        self,
        caller: Caller,
        *,
        corrections: Sequence[Correction] = (),
        forget: Sequence[str] = (),
        once: Once | None = None,
    ) -> Corrected:
        """Remember these, each in place of what the caller said of the same columns before; forget those.

        Raises `Denied`; `TooLarge` when he would have more than may be kept.
        """

        def operation(work: Work) -> tuple[int, int] | Refused:
            ruling = self._desk.rule(work.rows, work.now, caller, "create")
            if not ruling.decision.allow:
                return self._desk.refuse(work, caller, "correct", None, _NAME, ruling)
            gone = [one for one in dict.fromkeys(forget) if work.rows.get(CorrectionRow, caller.name, one)]
            for fingerprint in gone:
                work.remove(CorrectionRow, caller.name, fingerprint)
            said = {one.fingerprint: one for one in corrections}
            for one in said.values():
                row = CorrectionRow(caller.name, one.fingerprint, one.level, one.suggested, one.tag, work.now)
                work.put(row)
            if said and len(work.rows.find(CorrectionRow, person=caller.name, limit=MOST + 1)) > MOST:
                raise TooLarge(
                    f"more than {MOST:,} corrections of yours would be remembered",
                    next_step="Forget some: %classify --remembered lists them.",
                )
            detail = {"remembered": len(said), "forgotten": len(gone)}
            work.record("correct", caller, name=_NAME, decision=ruling.decision, detail=detail)
            return len(said), len(gone)

        (remembered, forgotten), receipt = done_once(self._desk, caller, once, tuple[int, int], operation)
        return Corrected(remembered, forgotten, receipt)

    def corrections(self, caller: Caller) -> tuple[Remembered, ...]:
        """The caller's own corrections, then those of people who manage an asset that he manages too, by name."""

        def query(rows: Rows) -> list[CorrectionRow]:
            ruling = self._desk.rule(rows, self._desk.journal.now(rows), caller, "create")
            raise_if_refused(ruling, "look at", _NAME)
            own = rows.find(CorrectionRow, person=caller.name)
            others = tuple(sorted(self._colleagues(rows, caller)))
            return [*own, *rows.find(CorrectionRow, person=others, limit=_SHOWN)]

        return tuple(
            Remembered(Correction(row.fingerprint, row.level, row.suggested, row.tag), row.person, row.at)
            for row in self._desk.journal.read(query)
        )

    def _colleagues(self, rows: Rows, caller: Caller) -> set[str]:
        """Whoever manages, as things stand, something that the caller manages."""
        found: set[str] = set()
        for asset in self._managed(rows, caller):
            for name in {*_named_managers(rows, asset)} - found - {caller.name}:
                # as if he asked himself, so that an account that was disabled or excluded counts no more
                if self._manages(rows, Caller(name, "service", ""), asset):
                    found.add(name)
        return found

    def _managed(self, rows: Rows, caller: Caller) -> Iterator[AssetRow]:
        person = self._desk.person(rows, caller.name)
        grantees = (person.name, *(f"@{group}" for group in person.groups))
        ids = {row.asset for row in rows.find(GrantRow, grantee=grantees, can="manage", excluded=False)}
        given = rows.find(AssetRow, id=tuple(sorted(ids)[:_ASSETS]))
        own = rows.find(AssetRow, owner=person.name, limit=_ASSETS)
        for asset in {one.id: one for one in (*own, *given)}.values():
            if asset.newest and self._manages(rows, caller, asset):
                yield asset

    def _manages(self, rows: Rows, caller: Caller, asset: AssetRow) -> bool:
        return self._desk.rule(rows, self._desk.journal.now(rows), caller, "manage", asset).decision.allow


def _named_managers(rows: Rows, asset: AssetRow) -> Iterator[str]:
    """The owner and everybody a row lets manage; whether it still does is not said here."""
    yield asset.owner
    for row in rows.find(GrantRow, asset=asset.id, can="manage", excluded=False):
        if row.grantee.startswith("@"):
            yield from (one.person for one in rows.find(MembershipRow, group=row.grantee[1:]))
        else:
            yield row.grantee
