"""Sharing and opening through real kernels and a real server: who gets what, and what goes wrong clearly."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from notebook_kernels import Kernel

Kernels = Callable[[str | None], Kernel]

PATIENTS = """
import pandas as pd
patients = pd.DataFrame({
    "SSN": ["999-76-6866", "999-73-5361"], "FIRST": ["José", "Milo"], "age": [31, 40], "city": ["Lynn", None],
})
%classify patients --accept
"""
CANARIES = ("999-76-6866", "999-73-5361", "José", "Milo")


@pytest.fixture(scope="module")
def alice(kernel: Kernels) -> Kernel:
    """Alice, with patients classified."""
    kernel("alice").ok(PATIENTS)
    return kernel("alice")


@pytest.fixture(scope="module")
def bob(kernel: Kernels) -> Kernel:
    return kernel("bob")


def test_a_colleague_gets_clear_columns_and_masked_copies_and_is_told_so(alice: Kernel, bob: Kernel) -> None:
    shared = alice.ok("%share patients --as clinic/first --with @analysts --until 30d")
    assert "shared clinic/first, version 1" in shared.text and "SSN (redact), FIRST (redact)" in shared.text
    assert "@analysts" in shared.text and "reads up to" in shared.text and "receipt" in shared.text
    opened = bob.ok("mine = %open clinic/first\nprint(mine.to_dict('list'))")
    assert "{'SSN': ['[us_ssn]', '[us_ssn]'], 'FIRST': ['[first_name]', '[first_name]'], 'age': [31, 40]" in opened.text
    assert "owner" in opened.text and "masked copy" in opened.text and "access until" in opened.text
    assert not any(canary in opened.text + opened.html for canary in CANARIES)


def test_the_owner_reads_all_of_it_exactly(alice: Kernel) -> None:
    alice.ok("%share patients --as clinic/whole")
    alice.ok(
        "back = %open clinic/whole\npd.testing.assert_frame_equal(back, patients)\nassert back.attrs == patients.attrs"
    )


def test_techniques_asked_for_are_used_and_dropped_columns_are_not_there(alice: Kernel, bob: Kernel) -> None:
    shared = alice.ok("%share patients --as clinic/asked --with bob --mask SSN=partial FIRST=drop")
    assert "SSN (partial)" in shared.text
    opened = bob.ok("mine = %open clinic/asked\nprint(mine.to_dict('list'))")
    assert "'SSN': ['***6866', '***5361']" in opened.text and "FIRST" not in opened.text


def test_chosen_columns_only(alice: Kernel, bob: Kernel) -> None:
    alice.ok("%share patients --as clinic/columns --with bob")
    assert "['age', 'city']" in bob.ok('mine = %open clinic/columns --columns "age, city"\nprint(list(mine))').text
    refused = bob.run("%open clinic/columns --columns nothing")
    assert refused.error == "NotFound"


def test_a_column_one_may_not_know_of_is_like_one_that_does_not_exist(alice: Kernel, bob: Kernel) -> None:
    alice.ok("%share patients --as clinic/hidden --with bob --mask FIRST=drop")
    hidden, absent = (bob.run(f"%open clinic/hidden --columns {name}") for name in ("FIRST", "WORST"))
    assert hidden.traceback.replace("FIRST", "WORST") == absent.traceback and hidden.error == "NotFound"


def test_a_preview_is_what_is_opened_and_shares_nothing(alice: Kernel, bob: Kernel) -> None:
    preview = alice.ok("%share patients --as clinic/later --with bob --preview")
    assert "nothing was shared" in preview.text and "bob: up to internal" in preview.text
    assert not any(canary in preview.text + preview.html for canary in CANARIES)
    assert bob.run("%open clinic/later").error == "Denied"
    alice.ok("%share patients --as clinic/later --with bob")
    opened = bob.ok("mine = %open clinic/later\nprint(mine.values.tolist())")
    for cell in ("[us_ssn]", "[first_name]", "31", "[city]"):
        assert cell in preview.text and cell in opened.text


def test_a_preview_shows_also_those_who_have_access_already(alice: Kernel) -> None:
    alice.ok("%share patients --as clinic/again --with @analysts")
    preview = alice.ok("%share patients --as clinic/again --with erin --up-to confidential --preview")
    assert "@analysts: up to internal" in preview.text and "erin: up to confidential" in preview.text


def test_giving_somebody_more_leaves_earlier_readers_their_masked_copies(alice: Kernel, bob: Kernel) -> None:
    alice.ok("%share patients --as clinic/more --with bob")
    shared = alice.ok("%share patients --as clinic/more --with erin --up-to secret")
    assert "is unchanged" in shared.text
    alice.ok("newer = patients.assign(age=[33, 41])")
    assert "version 2" in alice.ok("%share newer --as clinic/more --with erin --up-to secret --yes").text
    bob.ok("mine = %open clinic/more")
    assert "[us_ssn]" in bob.ok("print(mine.SSN.iloc[0])").text


def test_run_all_again_makes_no_new_version(alice: Kernel) -> None:
    alice.ok("%share patients --as clinic/same --with bob")
    again = alice.ok("%share patients --as clinic/same --with bob")
    assert "is unchanged: it stays version 1" in again.text
    alice.ok("changed = patients.assign(age=[32, 40])")
    assert "version 2" in alice.ok("%share changed --as clinic/same --yes").text
    assert "version 1" in alice.ok("old = %open clinic/same --version 1").text


def test_access_is_given_later_and_ended_at_once(alice: Kernel, bob: Kernel) -> None:
    alice.ok("%share patients --as clinic/given")
    assert bob.run("%open clinic/given").error == "Denied"
    given = alice.ok("%share clinic/given --with bob --because 'reads the scans'")
    assert "access to clinic/given" in given.text and "version" not in given.text
    bob.ok("mine = %open clinic/given")
    ended = alice.ok("%unshare clinic/given --with bob")
    assert "opened before by" in ended.text and "bob" in ended.text
    denied = bob.run("mine = %open clinic/given")
    assert denied.error == "Denied" and "has been ended" in denied.traceback and "Next: Ask alice" in denied.traceback


def test_a_denial_gives_every_reason_and_the_next_step_and_no_traceback(alice: Kernel, bob: Kernel) -> None:
    alice.ok("%share patients --as clinic/denied --with bob")
    denied = bob.run("%open clinic/denied --up-to secret")
    assert denied.error == "Denied" and "You read up to internal" in denied.traceback
    assert denied.traceback.count("\n") == 1 and "Next: Open it without --up-to" in denied.traceback
    assert bob.run("%open clinic/no-such").traceback.replace("no-such", "X") == bob.run("%open clinic/X").traceback


def test_the_default_name_is_you_and_the_variable(alice: Kernel) -> None:
    assert "shared alice/patients, version 1" in alice.ok("%share patients").text
    assert "alice/patients" in alice.ok("%shares").text


def test_models_and_files_are_shared_and_come_back(alice: Kernel, bob: Kernel) -> None:
    alice.ok("import numpy as np\nfrom sklearn.linear_model import LinearRegression")
    alice.ok("model = LinearRegression().fit([[0.0], [1.0]], [1.0, 3.0])\nweights = {'w': np.arange(3.0)}")
    alice.ok("%share model --as clinic/model --with bob --level internal")
    alice.ok("%share weights --as clinic/weights --with bob --level internal")
    alice.ok("from pathlib import Path\nPath('notes.txt').write_text('remember the milk')")
    alice.ok("%share ./notes.txt --as clinic/notes.txt --with bob --level internal")
    assert "[5.0]" in bob.ok("m = %open clinic/model\nprint(m.predict([[2.0]]).round(6).tolist())").text
    assert "[0.0, 1.0, 2.0]" in bob.ok("w = %open clinic/weights\nprint(w['w'].tolist())").text
    shown = bob.ok("f = %open clinic/notes.txt\nf")
    assert "17 bytes" in shown.text and "milk" not in shown.text
    saved = bob.ok("p = f.save('copy.txt')\nprint(p.read_text(), oct(p.stat().st_mode & 0o777))")
    assert "remember the milk 0o600" in saved.text


def test_a_model_above_somebodys_level_is_denied(alice: Kernel, bob: Kernel) -> None:
    alice.ok("import numpy as np\nsecret_model = np.arange(4.0)")
    alice.ok("%share secret_model --as clinic/secret-model --with bob --level secret")
    assert bob.run("%open clinic/secret-model").error == "Denied"


def test_where_sensitive_data_was_held_a_model_needs_its_level_said(new_kernel: Kernels) -> None:
    erin = new_kernel("erin")
    erin.ok("import numpy as np, pandas as pd\nweights = np.arange(3.0)")
    erin.ok("%share weights --as erin/before")
    erin.ok("people = pd.DataFrame({'email': ['a@b.c']})\n%classify people --accept")
    refused = erin.run("other = weights * 2\n%share other --as erin/after")
    assert refused.error == "NeedsReview" and "confidential" in refused.traceback and "--level" in refused.traceback
    derived = erin.run("x1 = pd.DataFrame({'harmless': people['email']})\n%share x1 --as erin/derived")
    assert derived.error == "NeedsReview" and "harmless" in derived.traceback and "a@b.c" not in derived.traceback
    erin.ok("%share other --as erin/after --level confidential")


def test_what_bob_opened_and_masked_stays_what_it_is_when_shared_on(alice: Kernel, bob: Kernel) -> None:
    alice.ok("%share patients --as clinic/onward --with bob")
    bob.ok("mine = %open clinic/onward")
    shared = bob.ok("%share mine --as bob/onward --with erin")
    assert "SSN, FIRST, age, city" in shared.text


UNSEEN = "import pandas as pd\nfresh = pd.DataFrame({'own_email': ['a@b.c'], 'n': [1]})"


def test_sensitive_columns_nobody_has_seen_are_shared_only_after_a_yes(new_kernel: Kernels) -> None:
    erin = new_kernel("erin")
    erin.ok(UNSEEN)
    refused = erin.run("%share fresh --as erin/unseen --with bob")  # nobody there to ask
    assert refused.error == "NeedsReview" and "email (confidential)" in refused.traceback
    assert "--yes" in refused.traceback and "a@b.c" not in refused.traceback
    for answer in ("", "n", "no", "what"):
        asked = erin.run("%share fresh --as erin/unseen --with bob", answer=answer)
        assert asked.error == "NeedsReview" and "[y/N]" in asked.printed
    assert "erin/unseen" not in erin.ok("%shares").text
    assert "email (redact)" in erin.ok("%share fresh --as erin/unseen --with bob", answer="y").text
    assert "not reviewed" not in erin.ok("%classify fresh").text


def test_the_flag_accepts_and_what_somebody_set_is_not_asked_about(new_kernel: Kernels) -> None:
    erin = new_kernel("erin")
    erin.ok(UNSEEN + "\n%classify fresh --set own_email=internal n=internal")
    assert "email, n" in erin.ok("%share fresh --as erin/set --with bob").text
    erin.ok(UNSEEN + "\n%classify fresh --forget own_email n")
    assert "email (redact)" in erin.ok("%share fresh --as erin/yes --with bob --yes").text


def test_new_keys_leave_others_their_view_and_destroy_what_was_before(alice: Kernel, bob: Kernel) -> None:
    alice.ok("%share patients --as clinic/rekeyed --with bob erin")
    alice.ok("older = patients.assign(age=[1, 2])\n%share older --as clinic/rekeyed --yes")
    bob.ok("kept = %open clinic/rekeyed")
    ended = alice.ok("%unshare clinic/rekeyed --with erin --rekey")
    assert "version 3" in ended.text and "version 1, 2" in ended.text
    bob.ok("again = %open clinic/rekeyed\nassert again.equals(kept), again")
    alice.ok("mine = %open clinic/rekeyed\nassert mine.equals(older), mine")
    gone = bob.run("%open clinic/rekeyed --version 2")
    assert gone.error == "NotFound" and "has no version 2" in gone.traceback


def test_new_keys_need_somebody_who_reads_all_of_it(alice: Kernel, kernel: Kernels) -> None:
    alice.ok("%share patients --as clinic/kept --with erin --can manage")
    alice.ok("%share clinic/kept --with bob")
    refused = kernel("erin").run("%unshare clinic/kept --with bob --rekey")
    assert refused.error == "Denied" and "you do not read all of it" in refused.traceback
    alice.ok("%open clinic/kept --version 1")
