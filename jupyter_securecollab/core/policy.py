"""Decides. Cedar and our own rules must both say yes, for the same single grant; anything else is no.

Grants are tried one at a time and never merged: two of them must not allow together what each alone denies. The
organisation's own policies can only forbid further. Policy looks nothing up and records nothing: the door gives it
the facts and logs what it said.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import resources

import msgspec

from ..model import Decision, Level
from . import explain, organisation, rules
from .cedar import Evaluator, Verdict
from .question import OWNER, Action, AssetFact, GrantFact, Person, Question, Ruling

__all__ = ["OWNER", "Action", "AssetFact", "GrantFact", "Person", "Policy", "Question", "Ruling"]

_log = logging.getLogger(__name__)
_FOREVER = datetime.max.replace(tzinfo=UTC)


class _Mismatch(Exception):
    """Cedar and our own rules came to different answers, or to one answer for different reasons."""


class _Attempt(msgspec.Struct, frozen=True):
    """One grant (or none) tried: what our own rules have against it."""

    grant: GrantFact | None
    level: Level
    denials: frozenset[str]

    @property
    def gives(self) -> tuple[Level, bool, datetime, str]:
        """Orders what is allowed: reads furthest, then by ownership or role, then ends last."""
        if self.grant is None:
            return (self.level, True, _FOREVER, "")
        return (self.level, False, self.grant.until or _FOREVER, self.grant.id)


class Policy:
    """The built-in policies together with the organisation's own. Immutable, so threads may share one.

    `extra` are the organisation's Cedar texts by file name; `errors.Invalid` if one of them is not acceptable.
    `digest` names exactly these texts in the log.
    """

    def __init__(self, extra: Mapping[str, str] = {}) -> None:
        folder = resources.files(__package__) / "policies"
        built_in = (folder / "builtin.cedar").read_text("utf-8")
        schema = (folder / "schema.cedarschema").read_text("utf-8")
        self._own_rules = organisation.accepted(extra, schema) if extra else {}
        self._cedar = Evaluator("\n".join([built_in, *extra.values()]), schema)
        texts = {"schema": schema, "built_in": built_in, "extra": dict(sorted(extra.items()))}
        self.digest = hashlib.sha256(msgspec.json.encode(texts)).hexdigest()

    def rule(self, question: Question) -> Ruling:
        """The answer to one question; never raises. Ask once per person whose permission counts."""
        try:
            return self._rule(question)
        except _Mismatch as alarm:
            _log.critical("ALARM: evaluators disagree on %s by %r: %s", question.action, question.person.name, alarm)
            return Ruling(decision=explain.failed("deny.mismatch"))
        except Exception:  # whatever went wrong, the answer is no; the cause is for the operator alone
            _log.exception("policy could not decide a question: %s is denied", question.action)
            return Ruling(decision=explain.failed("deny.error"))

    def _rule(self, question: Question) -> Ruling:
        standing = rules.standing_denials(question)
        attempts = [_attempt(question, standing, grant) for grant in _grants_to_try(question)]
        best = sorted((one for one in attempts if not one.denials), key=lambda one: one.gives, reverse=True)
        if not best:
            best = [max(attempts, key=lambda one: (explain.nearness(one.denials), one.level))]
        rulings = (self._confirm(question, one) for one in best)
        first = next(rulings)
        if first.decision.allow:
            return first
        return next((ruling for ruling in rulings if ruling.decision.allow), first)

    def _confirm(self, question: Question, attempt: _Attempt) -> Ruling:
        """Put one attempt to Cedar, which must come to the same answer for the same reasons."""
        verdict = self._cedar.judge(question, attempt.grant, attempt.level)
        own_rules = {name: rule for name, rule in self._own_rules.items() if name in verdict.ids}
        agreed = not attempt.denials if verdict.allow else verdict.ids - own_rules.keys() == attempt.denials
        if not agreed or not verdict.ids:
            raise _Mismatch(f"{sorted(attempt.denials)} and {sorted(verdict.ids)}")
        if verdict.allow:
            return _allowed(question, attempt, verdict)
        return Ruling(decision=explain.denied(question, attempt.grant, attempt.denials, own_rules))


def _grants_to_try(question: Question) -> list[GrantFact | None]:
    """None stands for what he may without any grant: as owner, or by role."""
    asset = question.asset
    if asset is None:
        return [None]
    rows = [row for row in question.grants if not row.excluded]
    return [None, *(row for row in rows if rules.binds(row, question.subject, asset))]


def _attempt(question: Question, standing: frozenset[str], grant: GrantFact | None) -> _Attempt:
    denials = standing | rules.grant_denials(question, grant)
    return _Attempt(grant, rules.granted_level(question, grant), denials)


def _allowed(question: Question, attempt: _Attempt, verdict: Verdict) -> Ruling:
    decision = Decision(allow=True, policies=tuple(sorted(verdict.ids)))
    if attempt.grant is not None:
        return Ruling(decision=decision, grant=attempt.grant.id, up_to=attempt.level)
    if question.asset is not None and question.asset.owner == question.subject.name:
        return Ruling(decision=decision, grant=OWNER, up_to=attempt.level)
    return Ruling(decision=decision, up_to=attempt.level if question.action == "create" else None)
