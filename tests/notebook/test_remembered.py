"""What people said of columns, in the next frame and the next kernel; and colleagues who say what is not so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from notebook_kernels import Kernel

from jupyter_securecollab.errors import UnknownLevel
from jupyter_securecollab.model import Correction, Label, Level, Remembered
from jupyter_securecollab.notebook.labelling import _said, weighed

Kernels = Callable[[str | None], Kernel]

PUBLIC, INTERNAL, CONFIDENTIAL, SECRET = Level
NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)
SSN = Label(SECRET, "us_ssn", 0.9, "digits")


def word(by: str, level: Level, tag: str | None = None, suggested: Level = SECRET, at: datetime = NOW) -> Remembered:
    return Remembered(Correction("0" * 32, level, suggested, tag), by, at)


# ---- whose word does what ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", Level)
def test_ones_own_word_counts_where_no_more_is_suggested_than_when_it_was_given(level: Level) -> None:
    own = word("alice", level, "account_id")
    label, taken, left = weighed(SSN, [own, word("bob", SECRET)], "alice")
    assert (label.level, label.tag, label.confirmed_by, taken, left) == (level, "account_id", "alice", own, None)


def test_ones_own_word_about_something_more_harmless_lowers_nothing() -> None:
    own = word("alice", INTERNAL, suggested=CONFIDENTIAL)
    assert weighed(SSN, [own], "alice") == (SSN, None, own)
    raising = word("alice", SECRET, suggested=INTERNAL)
    assert weighed(Label(CONFIDENTIAL), [raising], "alice")[0].level == SECRET


@pytest.mark.parametrize("level", [PUBLIC, INTERNAL, CONFIDENTIAL])
@pytest.mark.parametrize("tag", [None, "us_ssn", "postcode"])
def test_nobody_elses_word_lowers_a_level(level: Level, tag: str | None) -> None:
    others = [word("bob", level, tag), word("dana", PUBLIC)]
    label, taken, left = weighed(SSN, others, "alice")
    assert (label, taken) == (SSN, None) and left == others[0]


def test_somebody_elses_word_raises_a_level_but_changes_no_tag() -> None:
    # `postcode` would be masked by its first digits
    raising = word("bob", SECRET, "postcode", INTERNAL)
    label, taken, left = weighed(Label(INTERNAL), [word("eve", PUBLIC), raising], "alice")
    assert (label.level, label.tag, label.confirmed_by) == (SECRET, None, "bob") and taken == left == raising
    same = word("bob", SECRET, "us_ssn")
    assert weighed(SSN, [same], "alice") == (Label(SECRET, "us_ssn", 0.9, "digits", "bob"), same, None)


def test_of_several_the_highest_counts_and_of_equals_the_newest() -> None:
    older, newer = word("bob", SECRET), word("dana", SECRET, at=NOW + timedelta(days=1))
    for others in ([older, newer], [newer, older]):
        assert weighed(Label(), [*others, word("eve", CONFIDENTIAL, at=NOW + timedelta(days=9))], "alice")[1] == newer


def test_a_level_and_a_tag_are_told_apart_and_anything_else_is_refused() -> None:
    assert _said(SSN, "internal", "alice") == Label(INTERNAL, "us_ssn", 0.9, "digits", "alice")
    assert _said(Label(), "us_ssn", "alice").level == SECRET and _said(Label(), "us_ssn", "alice").tag == "us_ssn"
    assert _said(SSN, "none", "alice").tag is None and _said(SSN, "none", "alice").level == INTERNAL
    for wrong, meant in (("secrt", "secret"), ("emial", "email"), ("zzzzzz", "the tags are")):
        with pytest.raises(UnknownLevel) as caught:
            _said(SSN, wrong, "alice")
        assert meant in caught.value.next_step


# ---- in kernels, over a real vault -------------------------------------------------------------------------------

FRAME = """
import pandas as pd, jupyter_securecollab as collab
def frame(**more):
    return pd.DataFrame({"ward_code": ["W-1", "W-2"], "badge_ssn": ["999-76-6866", "999-73-5361"], **more})
x = frame()
"""


@pytest.fixture
def clean(new_kernel: Kernels) -> Iterator[Callable[[str], Kernel]]:
    """Kernels of people of whom nothing is remembered, before and after."""
    used: list[Kernel] = []

    def of(person: str) -> Kernel:
        kernel = new_kernel(person)
        used.append(kernel)
        kernel.ok(FRAME + FORGET)
        return kernel

    yield of
    for kernel in used:
        kernel.ok(FORGET)


FORGET = """
collab.remembered(forget=[one.correction.fingerprint for one in collab.remembered()])
assert not collab.remembered()
"""
LABELS = "print({n: (str(l.level), l.tag, l.confirmed_by) for n, l in collab.classify(frame()).labels.items()})"


def test_the_next_frame_starts_with_what_one_said_and_says_since_when(clean: Callable[[str], Kernel]) -> None:
    alice = clean("alice")
    alice.ok("%classify x --set ward_code=postcode badge_ssn=confidential")
    shown = alice.ok("y = frame()\n%classify y").text  # another object: this kernel knows nothing of it
    today = f"alice, {datetime.now().day} "
    assert shown.count(today) == 2 and "not taken over" not in shown
    assert "'ward_code': ('confidential', 'postcode', 'alice')" in alice.ok(LABELS).text
    assert "'badge_ssn': ('confidential', 'us_ssn', 'alice')" in alice.ok(LABELS).text


def test_undone_it_is_as_if_nothing_had_been_said(clean: Callable[[str], Kernel]) -> None:
    alice = clean("alice")
    before = alice.ok(LABELS).text
    alice.ok("%classify x --set ward_code=secret --accept")
    assert alice.ok(LABELS).text != before
    assert "not reviewed" in alice.ok("%classify x --forget ward_code badge_ssn").text
    assert alice.ok(LABELS).text == before
    assert alice.run("%classify x --forget nothing").error == "Invalid"


def test_a_list_shows_what_is_remembered_and_undoes_it_by_id(clean: Callable[[str], Kernel]) -> None:
    alice = clean("alice")
    alice.ok("%classify x --accept")
    listed = alice.ok("%classify --remembered").text
    assert "2 sorts of columns" in listed and "us_ssn" in listed
    assert "badge" not in listed and "ward" not in listed  # the vault was never told a name
    alice.ok("one = collab.remembered()[0].correction.fingerprint[:8]\n%classify --forget {one}")
    assert "1 sort of columns" in alice.ok("%classify --remembered").text
    for wrong in ("%classify --forget 00000000", "%classify --forget 0", "%classify --accept", "%classify",
                  "%classify x --remembered"):  # fmt: skip
        assert alice.run(wrong).error == "Invalid", wrong


def test_accepting_again_says_nothing_new(clean: Callable[[str], Kernel]) -> None:
    alice = clean("alice")
    count = "print('entries', sum(b'\"act\":\"correct\"' in one.body for one in collab.audit(by='alice')))"
    alice.ok("%classify x --accept")
    before = alice.ok(count).printed
    alice.ok("%classify x --accept\nx = frame()\n%classify x --accept")
    assert alice.ok(count).printed == before


def test_names_and_values_do_not_reach_the_vault(clean: Callable[[str], Kernel]) -> None:
    alice = clean("alice")
    alice.ok("x = frame(canary_name=['CANARY', 'b'])\n%classify x --set canary_name=secret --accept")
    entries = alice.ok("print(*(one.body for one in collab.audit(by='alice')))").printed
    assert '"act":"correct"' in entries and "canary" not in entries.lower() and "999-7" not in entries


def test_a_masked_copy_teaches_nothing_about_the_column(clean: Callable[[str], Kernel], kernel: Kernels) -> None:
    alice = clean("alice")
    alice.ok("%share x --as remembered/masked --yes\nmine = %open remembered/masked --up-to internal")
    alice.ok("%classify mine --accept")
    assert "'badge_ssn': ('secret', 'us_ssn', None)" in alice.ok(LABELS).text


def test_poisoned_words_make_nothing_public_for_others(clean: Callable[[str], Kernel]) -> None:
    alice, erin = clean("alice"), clean("erin")
    alice.ok("%share x --as remembered/common --with erin --can manage --up-to confidential --yes")
    erin.ok("%classify x --set badge_ssn=public ward_code=secret")
    shown = alice.ok("x = frame()\n%classify x").text
    assert "not taken over" in shown and "erin said on" in shown and "badge_ssn is public" in shown
    assert "'badge_ssn': ('secret', 'us_ssn', None)" in alice.ok(LABELS).text
    assert "'ward_code': ('secret', None, 'erin')" in alice.ok(LABELS).text  # raised, and it says by whom
    accepted = "'badge_ssn': ('secret', 'us_ssn', 'alice')"
    alice.ok("%classify x --accept")
    assert accepted in alice.ok(LABELS).text  # accepting takes the suggestion, never what somebody proposed
    alice.ok("x = frame()\n%classify x --set badge_ssn=public ward_code=internal")
    assert "'badge_ssn': ('public', 'us_ssn', 'alice')" in alice.ok(LABELS).text
    assert "'ward_code': ('internal', None, 'alice')" in alice.ok(LABELS).text


def test_an_old_word_that_lowers_is_asked_about_before_anything_is_shared(clean: Callable[[str], Kernel]) -> None:
    alice = clean("alice")
    alice.ok("%classify x --set badge_ssn=internal")
    refused = alice.run("x = frame()\n%share x --as remembered/lowered")
    assert refused.error == "NeedsReview" and "badge_ssn (internal)" in refused.traceback


def test_in_a_kernel_that_held_secrets_old_words_spare_no_question(clean: Callable[[str], Kernel]) -> None:
    alice = clean("alice")
    alice.ok("%classify x --set ward_code=internal badge_ssn=secret")
    refused = alice.run("y = frame()[['ward_code']]\n%share y --as remembered/derived")
    assert refused.error == "NeedsReview" and "ward_code" in refused.traceback
