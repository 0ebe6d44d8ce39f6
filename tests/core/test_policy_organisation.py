"""An organisation's own policies forbid further, can never widen, and cannot bring the vault down."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jupyter_securecollab.core import organisation, vetting
from jupyter_securecollab.core.policy import AssetFact, GrantFact, Person, Policy, Question, Ruling
from jupyter_securecollab.errors import Invalid
from jupyter_securecollab.model import Level

SCHEMA = (Path(organisation.__file__).parent / "policies" / "schema.cedarschema").read_text("utf-8")
NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)
BOB = Person(name="bob", kind="person", clearance=Level.INTERNAL, roles=("member",), groups=("analysts",), active=True)
FORBID_ALL = '@id("org.all") forbid (principal, action, resource);'
HOURS = """
@id("org.hours")
@says("Data is opened between 6 and 18 UTC only.")
@next("Try again in the morning.")
forbid (principal, action == Action::"open", resource)
when { context.now.toTime() < duration("6h") || context.now.toTime() >= duration("18h") };
"""
NO_MANAGERS = """
@id("org.no_managers")
forbid (principal, action == Action::"open", resource)
when { context has grant && context.grant.can == "manage" };
"""


def grant(name: str = "g1", can: str = "open", up_to: Level = Level.INTERNAL) -> GrantFact:
    return GrantFact(
        id=name, asset="a1", grantee="bob", can=can, up_to=up_to,  # type: ignore[arg-type]  # one of the three words
        start=None, until=None, purposes=(), excluded=False,
    )  # fmt: skip


def opens(policy: Policy, *grants: GrantFact, now: datetime = NOON) -> Ruling:
    asset = AssetFact(id="a1", owner="alice", withdrawn=False)
    return policy.rule(Question(person=BOB, action="open", now=now, asset=asset, grants=grants))


def refusal(*texts: str) -> str:
    with pytest.raises(Invalid) as refused:
        Policy({f"{number}.cedar": text for number, text in enumerate(texts)})
    assert refused.value.next_step
    return str(refused.value)


def test_own_policy_forbids_in_its_own_words_and_only_when_it_applies() -> None:
    policy = Policy({"hours.cedar": HOURS})
    assert opens(policy, grant()).decision.allow
    decision = opens(policy, grant(), now=NOON.replace(hour=18)).decision
    assert decision.policies == ("org.hours",)
    assert decision.unmet[0].text == "Data is opened between 6 and 18 UTC only."
    assert decision.next_step == "Try again in the morning."


def test_own_policy_without_words_names_its_id() -> None:
    decision = opens(Policy({"all.cedar": FORBID_ALL}), grant()).decision
    assert decision.unmet[0].text == "A rule of your organisation (org.all) does not allow it."
    assert decision.next_step == "Ask a steward about the rule org.all."


def test_own_policy_is_told_beside_the_built_in_ones_but_not_to_strangers() -> None:
    policy = Policy({"all.cedar": FORBID_ALL})
    both = policy.rule(
        Question(
            person=BOB, action="update", now=NOON, grants=(grant(),),
            asset=AssetFact(id="a1", owner="alice", withdrawn=False),
        )
    )  # fmt: skip
    assert both.decision.policies == ("deny.can", "org.all")
    assert opens(policy).decision.policies == ("deny.no_grant",)


def test_another_grant_is_tried_when_an_own_policy_forbids_the_best() -> None:
    policy = Policy({"managers.cedar": NO_MANAGERS})
    best = grant("best", can="manage")
    assert opens(Policy(), best, grant("less", up_to=Level.PUBLIC)).grant == "best"
    assert opens(policy, best, grant("less", up_to=Level.PUBLIC)).grant == "less"
    assert opens(policy, best).decision.policies == ("org.no_managers",)
    assert opens(policy, best, grant("second", can="manage")).decision.policies == ("org.no_managers",)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('@id("org.x") permit (principal, action, resource);', "can only forbid"),
        ('@id("org.x") forbid (principal == ?principal, action, resource);', "template"),
        ("forbid (principal, action, resource);", "@id"),
        ('@id("") forbid (principal, action, resource);', "@id"),
        ("@id forbid (principal, action, resource);", "@id"),
        ('@id("deny.clearance") forbid (principal, action, resource);', "@id"),
        ('@id("allow.grant") forbid (principal, action, resource);', "@id"),
        ('@id("<b>") forbid (principal, action, resource);', "@id"),
        (FORBID_ALL * 2, "used twice"),
        ("forbid (", "unexpected end"),
        ("rm -rf /", "unexpected token"),
        ('@id("org.x") forbid (principal, action, resource) when { principal.clearence < 1 };', "clearence"),
        ('@id("org.x") forbid (principal, action == Action::"look", resource);', "look"),
        ('@id("org.x") forbid (principal, action, resource) when { context.purpose == "x" };', "purpose"),
        (" " * organisation.MAX_BYTES + "/", "longer than"),
    ],
)
def test_text_that_is_broken_or_could_widen_is_refused_naming_the_file(text: str, why: str) -> None:
    message = refusal(FORBID_ALL.replace("all", "fine"), text)
    assert why in message
    assert "1.cedar" in message


def test_one_id_in_two_files_and_many_files_past_the_limit_are_refused() -> None:
    assert "used twice" in refusal(FORBID_ALL, FORBID_ALL)
    half = "/" * (organisation.MAX_BYTES // 2 + 1)
    assert "1.cedar" in refusal(half, half)


def nested(depth: int) -> str:
    return '@id("org.x") forbid (principal, action, resource) when { ' + "(" * depth + "true" + ")" * depth + " };"


def test_deep_nesting_is_refused_before_anything_parses_it() -> None:
    assert "nested" in refusal(nested(1000))
    assert "nested" in refusal(nested(organisation.MAX_DEPTH))
    assert not opens(Policy({"x.cedar": nested(organisation.MAX_DEPTH - 1)}), grant()).decision.allow
    hidden = '@id("org.x") forbid (principal, action, resource) when { "))))))))" == "" || // }}}}}}}\n'
    assert "nested" in refusal(hidden + "(" * 40 + "true" + ")" * 40 + " };")
    quoted = FORBID_ALL.replace(";", f' when {{ context has purpose && context.purpose == "{"(" * 99}" }};')
    assert opens(Policy({"x.cedar": quoted}), grant()).decision.allow


def test_text_that_kills_the_parser_is_refused_and_the_vault_lives() -> None:
    chain = '@id("org.x") forbid (principal, action, resource) when { ' + "true&&" * 9000 + "true };"
    request = json.dumps({"schema": SCHEMA, "texts": [chain]}).encode()
    dead = subprocess.run([sys.executable, "-I", vetting.__file__], input=request, capture_output=True, check=False)
    assert dead.returncode == -signal.SIGSEGV
    assert "too complicated" in refusal(chain)


def test_text_that_keeps_the_parser_busy_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(organisation, "_SECONDS", 0.001)
    assert "too complicated" in refusal(FORBID_ALL)


def test_parser_process_answers_for_each_text_and_fails_as_a_whole() -> None:
    assert "staticPolicies" in vetting.find(FORBID_ALL, SCHEMA)
    assert "error" in vetting.find("forbid (", SCHEMA)
    assert "clearence" in str(vetting.find(FORBID_ALL.replace(";", " when { principal.clearence < 1 };"), SCHEMA))
    broken = subprocess.run(
        [sys.executable, "-I", vetting.__file__], input=b'{"texts": [7]}', capture_output=True, check=False
    )
    assert broken.returncode != 0


def test_digest_names_exactly_these_texts() -> None:
    assert Policy().digest == Policy({}).digest
    digests = {
        Policy(extra).digest
        for extra in [{}, {"a.cedar": FORBID_ALL}, {"b.cedar": FORBID_ALL}, {"a.cedar": FORBID_ALL + " "}]
    }
    assert len(digests) == 4
    assert all(len(digest) == 64 for digest in digests)
    both = {"a.cedar": FORBID_ALL, "h.cedar": HOURS}
    assert Policy(both).digest == Policy(dict(reversed(both.items()))).digest
