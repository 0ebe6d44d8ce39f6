"""Masking through real kernels and a real vault: keyed copies last, plans are data, previews are honest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from notebook_kernels import Kernel

import jupyter_securecollab as collab

Kernels = Callable[[str | None], Kernel]

VISITS = """
import pandas as pd
visits = pd.DataFrame({
    "Id": ["p-100001", "p-100002", "p-100001"], "card": ["4111 1111 1111 1111", "5500 0000 0000 0004", None],
    "seen": pd.to_datetime(["2020-01-01", "2020-03-05", "2020-01-31"]), "age": [31, 93, 31], "cost": [1.5, 2.5, 3.5],
})
%classify visits --set Id=secret card=secret seen=secret age=confidential
%classify visits --accept
"""
HOW = "--mask Id=pseudonym card=fpe:card seen=shift:30:Id age=generalise:10"
CANARIES = ("p-100001", "p-100002", "4111 1111", "5500 0000")


@pytest.fixture(scope="module")
def alice(kernel: Kernels) -> Kernel:
    kernel("alice").ok(VISITS)
    return kernel("alice")


@pytest.fixture(scope="module")
def bob(kernel: Kernels) -> Kernel:
    return kernel("bob")


def test_a_reader_gets_keyed_copies_that_keep_what_they_promise(alice: Kernel, bob: Kernel) -> None:
    shared = alice.ok(f"%share visits --as keyed/first --with bob {HOW}")
    assert "Id (pseudonym)" in shared.text and "seen (shift:30:Id)" in shared.text
    opened = bob.ok("mine = %open keyed/first\nprint(mine.to_csv())")
    assert "seen (shift:30)" in opened.text and "shift:30:Id" not in opened.text  # names of columns are not told
    assert not any(canary in opened.text + opened.html for canary in CANARIES)
    bob.ok("assert mine.Id[0] == mine.Id[2] != mine.Id[1] and len(mine.Id[0]) == 16, mine")
    bob.ok("assert (mine.seen[2] - mine.seen[0]).days == 30 and mine.seen[0].year in (2019, 2020), mine")
    bob.ok(
        "assert mine.age.tolist() == [30, 90, 30], mine\nassert mine.card[0][4] == ' ' and mine.card.isna()[2], mine"
    )


def test_a_new_version_keeps_its_pseudonyms_and_unchanged_content_stays_a_version(alice: Kernel, bob: Kernel) -> None:
    alice.ok(f"%share visits --as keyed/again --with bob {HOW}")
    bob.ok("before = %open keyed/again")
    assert "is unchanged: it stays version 1" in alice.ok(f"%share visits --as keyed/again {HOW}").text
    alice.ok("more = pd.concat([visits.iloc[::-1], visits], ignore_index=True)")
    alice.ok("%classify more --set Id=secret card=secret seen=secret age=confidential")
    assert "version 2" in alice.ok(f"%share more --as keyed/again --yes {HOW}").text
    bob.ok("after = %open keyed/again")
    bob.ok("assert after.iloc[3:].reset_index(drop=True).equals(before), (before, after)")
    bob.ok("assert after.iloc[2::-1].reset_index(drop=True).equals(before), (before, after)")


def test_pseudonyms_of_two_assets_do_not_join_and_neither_do_two_columns(alice: Kernel, bob: Kernel) -> None:
    alice.ok("pair = pd.DataFrame({'a': ['x1', 'x2'], 'b': ['x1', 'x2']})\n%classify pair --set a=secret b=secret")
    alice.ok("%share pair --as keyed/one --with bob --mask a=pseudonym b=pseudonym")
    alice.ok("%share pair --as keyed/two --with bob --mask a=pseudonym:person b=pseudonym:person")
    bob.ok("one = %open keyed/one\ntwo = %open keyed/two")
    bob.ok("assert set(one.a).isdisjoint(one.b) and set(one.a).isdisjoint(two.a)")
    bob.ok("assert two.a.tolist() == two.b.tolist()")  # asked for


def test_columns_of_two_levels_do_not_join_even_where_asked_to(alice: Kernel, bob: Kernel) -> None:
    alice.ok("levels = pd.DataFrame({'a': ['x1'], 'b': ['x1']})\n%classify levels --set a=secret b=confidential")
    alice.ok("%share levels --as keyed/levels --with bob --mask a=pseudonym:person b=pseudonym:person")
    bob.ok("seen = %open keyed/levels\nassert seen.a[0] != seen.b[0]")


def test_a_preview_uses_a_key_of_the_kernel_says_so_and_is_else_the_same(alice: Kernel, bob: Kernel) -> None:
    preview = alice.ok(f"%share visits --as keyed/later --with bob {HOW} --preview")
    assert "nothing was shared" in preview.text and "made with a key of this kernel" in preview.text
    assert not any(canary in preview.text + preview.html for canary in CANARIES)
    assert bob.run("%open keyed/later").error == "Denied"
    alice.ok(
        "import jupyter_securecollab as collab\n"
        "how = {'Id': 'pseudonym', 'seen': {'how': 'shift', 'days': 30, 'by': 'Id'}}\n"
        "seen = collab.share(visits, 'keyed/later', people='bob', mask=how, preview=True).views\n"
        "(view,) = seen.values()"
    )
    told = alice.ok("print(view.Id[0])").text.strip()
    alice.ok(f"%share visits --as keyed/later --with bob {HOW}")
    opened = bob.ok("mine = %open keyed/later\nprint(list(mine), mine.Id[0])")
    assert "['Id', 'card', 'seen', 'age', 'cost']" in opened.text and told not in opened.text


def test_choices_left_out_when_sharing_again_are_said(alice: Kernel) -> None:
    line = "%share visits --as keyed/forgotten"
    assert "otherwise" not in alice.ok(f"{line} --mask card=drop age=null").text
    assert "otherwise" not in alice.ok(f"{line} --mask card=drop age=null --preview").text
    says = ("masked otherwise than before: ", "age was null, is generalise", "card was drop, is ")
    for again in (f"{line} --preview", line):
        shown = alice.ok(again).text
        assert all(part in shown for part in says), shown
    assert "otherwise" not in alice.ok(line).text
    alice.ok("%classify visits --set age=internal")
    assert "age was generalise, is clear" in alice.ok(line).text
    alice.ok("%classify visits --set age=confidential")


def test_a_technique_that_fails_on_the_values_leaves_nothing_behind(alice: Kernel) -> None:
    alice.ok("short = pd.DataFrame({'pin': ['1234', '0000']})\n%classify short --set pin=secret")
    refused = alice.run("%share short --as keyed/short --with bob --mask pin=fpe")
    assert refused.error == "Invalid" and "pin" in refused.traceback and "pseudonym" in refused.traceback
    assert "1234" not in refused.traceback and "keyed/short" not in alice.ok("%shares").text
    refused = alice.run("%share short --as keyed/short --with bob --mask pin=noise:3")
    assert refused.error == "Invalid" and "does not work on this type" in refused.traceback


def test_masking_for_oneself_shows_before_and_after_and_changes_nothing(alice: Kernel) -> None:
    alice.ok("before = visits.copy()")
    shown = alice.ok(f"%mask visits {HOW} --preview")
    assert "31 → 30" in shown.text and "93 → 90" in shown.text and "p-100001 → " in shown.text
    assert "made with a key of this kernel" in shown.text and "1 other columns" in shown.text
    alice.ok(f"mine = %mask visits {HOW}\nassert mine.age.tolist() == [30, 90, 30] and mine.Id[0] == mine.Id[2]")
    alice.ok("pd.testing.assert_frame_equal(visits, before)")
    left_out = alice.ok("%mask visits --mask Id=drop --preview")
    assert "p-100001 → (left out)" in left_out.text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("masks.yaml", "Id: pseudonym\nseen: {how: shift, days: 30, by: Id}\nage: generalise:10\ncard: null\n"),
        (
            "masks.json",
            '{"Id": "pseudonym", "seen": {"how": "shift", "days": 30, "by": "Id"}, "age": "generalise:10", '
            '"card": "null"}',
        ),
    ],
)
def test_a_plan_is_a_file_and_single_choices_win(alice: Kernel, tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    alice.ok(f"plan = {str(tmp_path / name)!r}\nmine = %mask visits --plan {{plan}}")
    alice.ok("assert mine.card.isna().all() and mine.age.tolist() == [30, 90, 30]")
    alice.ok("mine = %mask visits --plan {plan} --mask age=clip:40:60\nassert mine.age.tolist() == [40, 60, 40]")
    assert "seen (shift:30:Id)" in alice.ok("%share visits --as keyed/planned --with bob --plan {plan}").text
    printed = alice.ok("print(collab.mask(visits, plan=plan, preview=True).plan)").text
    assert "{'Id': 'pseudonym', 'card': 'null', 'seen': 'shift:30:Id', 'age': 'generalise:10'}" in printed


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.toml", "", "JSON or YAML"),
        ("a.yaml", "- Id", "does not hold a plan"),
        ("a.yaml", "Id: [pseudonym]", "does not hold a plan"),
        ("a.yaml", "Id: !!python/object/apply:os.system ['true']", "does not hold a plan"),
        ("a.json", '{"Id"', "does not hold a plan"),
        ("a.yaml", "Id: 2020-13-45", "does not hold a plan"),
        ("a.yaml", f"Id: {{how: noise, scale: {'9' * 5000}}}", "does not hold a plan"),
        ("a.yaml", "Id: drop\nSex: redact\nId: shuffle", "says twice how Id is masked"),
        ("a.json", '{"Id": "drop", "Id": "shuffle"}', "says twice how Id is masked"),
        ("a.json", "[" * 100_000, "does not hold a plan"),
        ("a.yaml", "x" * 1_000_001, "up to 1,000,000 bytes"),
        ("a.yaml", "Idd: redact", "there is no column 'Idd'"),
        ("a.yaml", "Id: redcat", "not a way to mask"),
        ("a.yaml", "seen: shift:30:Idd", "there is no column 'Idd'"),
        ("a.yaml", "Id: 5", "does not hold a plan"),
        ("a.yaml", "cost: redact", "everybody here reads up to internal"),
    ],
)
def test_a_plan_that_is_none_is_refused(alice: Kernel, tmp_path: Path, name: str, text: str, says: str) -> None:
    (tmp_path / name).write_text(text)
    refused = alice.run(f"plan = {str(tmp_path / name)!r}\n%mask visits --plan {{plan}}")
    assert refused.error in ("Invalid", "TooLarge") and says in refused.traceback
    missing = alice.run("%mask visits --plan nowhere.yaml")
    assert missing.error == "CannotHold" and "nowhere.yaml" in missing.traceback and "whole path" in missing.traceback


def test_explain_says_what_each_technique_keeps_and_leaks(alice: Kernel) -> None:
    everything = alice.ok("%mask --explain")
    assert "shift:DAYS:BY" in everything.text and "Not differential privacy" in everything.text
    planned = alice.ok(f"%mask visits {HOW} --explain")
    assert "how often each value occurs" in planned.text and "p-100001" not in planned.text
    nothing = alice.run("%mask")
    assert nothing.error == "Invalid" and "name of a frame" in nothing.traceback


def test_sharing_warns_of_columns_that_counting_gives_away(alice: Kernel) -> None:
    alice.ok("few = pd.DataFrame({'sex': ['f', 'm', 'f'] * 50})\n%classify few --set sex=confidential")
    for flag in ("--preview", ""):
        shown = alice.ok(f"%share few --as keyed/few --with bob --mask sex=pseudonym {flag}")
        assert "sex: few different values" in shown.text
    assert "few different values" not in alice.ok("%share few --as keyed/fewer --with bob --mask sex=redact").text


def test_names_of_columns_that_look_like_values_are_warned_of() -> None:
    days = pd.DataFrame({f"person{n}@example.org": [n] for n in range(20)})
    warned = repr(collab.mask(days, up_to="internal", preview=True))
    assert "careful" in warned and "names of columns look like values (email)" in warned
    named = pd.DataFrame(
        {"email": ["a@example.org"], "first_name": ["Ann"], "city": ["Ulm"], "status": [1], "grace": [2]}
    )
    assert "careful" not in repr(collab.mask(named, up_to="internal", preview=True))
