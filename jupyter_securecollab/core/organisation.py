"""Accepts an organisation's own policies, if all they can do is forbid.

Each policy is a `forbid` with an `@id` of its own; `@says` and `@next` are what a stopped person reads. A permit, a
template or a name of the built-in policies is refused, so that no text can widen what the built-in policies allow.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping

import msgspec

from ..errors import Invalid
from . import vetting

MAX_BYTES = 64 * 1024
MAX_DEPTH = 32
_SECONDS = 10

_ID = re.compile(r"(?!deny\.|allow\.)[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_QUOTED_OR_COMMENT = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*', re.DOTALL)
_NEXT_STEP = "Correct the policy file and start the vault again."


class Rule(msgspec.Struct, frozen=True):
    """What an organisation's policy says to the person it stops."""

    says: str
    next_step: str


class _Policy(msgspec.Struct):
    effect: str
    annotations: dict[str, str | None] = {}


class _Finding(msgspec.Struct):
    """One text as parsed by Cedar; unlisted fields (conditions and the like) do not matter here."""

    error: str = ""
    templates: dict[str, msgspec.Raw] = {}
    static: dict[str, _Policy] = msgspec.field(default_factory=dict, name="staticPolicies")


def accepted(texts: Mapping[str, str], schema: str) -> dict[str, Rule]:
    """The policies of these files by id; `errors.Invalid`, naming the file, if one of them is not acceptable."""
    _within_limits(texts)
    found: dict[str, Rule] = {}
    for file, finding in zip(texts, _parsed_apart(texts, schema), strict=True):
        for name, rule in _rules(file, finding):
            if name in found:
                raise _refused(file, f"the id {name} is used twice")
            found[name] = rule
    return found


def _within_limits(texts: Mapping[str, str]) -> None:
    left = MAX_BYTES
    for file, text in texts.items():
        left -= len(text.encode())
        if left < 0:
            raise _refused(file, f"the policy files are longer than {MAX_BYTES} bytes together")
        if _depth(text) > MAX_DEPTH:
            raise _refused(file, f"brackets are nested deeper than {MAX_DEPTH}")


def _depth(text: str) -> int:
    depth = deepest = 0
    for sign in _QUOTED_OR_COMMENT.sub("", text):
        depth += (sign in "([{") - (sign in ")]}")
        deepest = max(deepest, depth)
    return deepest


def _parsed_apart(texts: Mapping[str, str], schema: str) -> list[_Finding]:
    """Parse in another process (`vetting`), which may die or hang in place of this one."""
    request = msgspec.json.encode({"schema": schema, "texts": list(texts.values())})
    command = [sys.executable, "-I", vetting.__file__]
    try:
        done = subprocess.run(  # noqa: S603 - runs our own script; the texts arrive as data on stdin
            command, input=request, capture_output=True, timeout=_SECONDS, check=True
        )
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
        raise _refused(", ".join(texts), "it is too complicated to be read safely") from error
    return msgspec.json.decode(done.stdout, type=list[_Finding])


def _rules(file: str, finding: _Finding) -> Iterator[tuple[str, Rule]]:
    if finding.error:
        raise _refused(file, finding.error)
    if finding.templates:
        raise _refused(file, "it contains a template")
    for policy in finding.static.values():
        name = policy.annotations.get("id") or ""
        if not _ID.fullmatch(name):
            raise _refused(file, 'each policy needs an @id("...") of its own that does not begin with deny. or allow.')
        if policy.effect != "forbid":
            raise _refused(file, f"{name} is not a forbid; your own policies can only forbid")
        says = policy.annotations.get("says") or f"A rule of your organisation ({name}) does not allow it."
        yield name, Rule(says=says, next_step=policy.annotations.get("next") or f"Ask a steward about the rule {name}.")


def _refused(file: str, why: str) -> Invalid:
    return Invalid(f"the policy file {file} cannot be used: {why}", next_step=_NEXT_STEP)
