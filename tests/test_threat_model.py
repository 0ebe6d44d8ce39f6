"""The threat model names tests as evidence: each of them has to exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent


def _defined() -> set[str]:
    files = (ROOT / "tests").rglob("test_*.py")
    return {name for file in files for name in re.findall(r"def (test_\w+)", file.read_text("utf-8"))}


def _named(text: str) -> set[str]:
    return set(re.findall(r"`(test_\w+)`", text))


def test_every_test_the_threat_model_names_exists() -> None:
    named = _named((ROOT / "docs" / "threat-model.md").read_text("utf-8"))
    assert len(named) > 20
    assert named - _defined() == set()


def test_a_test_that_does_not_exist_would_be_noticed() -> None:
    assert _named("shown by `test_of_something_nobody_wrote`") - _defined() == {"test_of_something_nobody_wrote"}
