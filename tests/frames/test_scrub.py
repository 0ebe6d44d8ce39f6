"""What identifies somebody inside of text is replaced, what does not stays, and nothing hides."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_securecollab.errors import CannotHold, Invalid
from jupyter_securecollab.frames.checksums import validator
from jupyter_securecollab.frames.inside import INSIDE, MARK, find
from jupyter_securecollab.frames.keyed import MaskKey
from jupyter_securecollab.frames.mask import mask_column
from jupyter_securecollab.frames.scrub import text_recognizer

KEY = MaskKey(b"KEYKEYKEYKEYKEYKEYKEYKEYKEYKEYKE")


def scrubbed(text: str | None, how: str = "scrub") -> Any:
    return mask_column(pa.array([text], pa.string()), how, "free_text", key=KEY).to_pylist()[0]


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("write to Jo.Smith+x@mail.example.org.", "write to [email]."),
        ("jörg@müller.de", "[email]"),
        ("see https://x.org/a?b=1, or www.x.org", "see [url], or [url]"),
        ("postgres://jo:hunter2@db/x", "[secret_key]"),
        ("key AKIAABCDEFGHIJKLMNOP!", "key [secret_key]!"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- end", "[secret_key] end"),
        ("Password: hunter2, ok", "Password: [password], ok"),
        ("card 4111 1111 1111 1111 used", "card [credit_card] used"),
        ("card 4111\u00a01111\u20101111\u20131111", "card [credit_card]"),
        ("DE89 3704 0044 0532 0130 00 paid", "[iban] paid"),
        ("SSN is 999 76 6866", "SSN is [us_ssn]"),
        ("his 999-76-6866", "his [us_ssn]"),
        ("NHS number: 943 476 5919", "NHS number: [national_id]"),
        ("943-476-5919", "[national_id]"),
        ("QQ 12 34 56 C", "QQ 12 34 56 C"),
        ("AB 12 34 56 C", "[national_id]"),
        ("RSSMRA85T10A562S", "[national_id]"),
        ("CPF 111.444.777-35", "CPF [national_id]"),
        ("her 111.444.777-35", "her [national_id]"),
        ("10.1.2.3 and 00:1A:2b:3c:4D:5e and fe80::1", "[ip_address] and [mac_address] and [ip_address]"),
        ("+44 20 7946 0958 or (555) 010-9988 or 06 12 34 56 78", "[phone] or [phone] or [phone]"),
        ("Tel.: 0171 2345678", "Tel.: [phone]"),
        ("born on 25.5.1989 in Rome", "born on [date_of_birth] in Rome"),
        ("DOB: March 3, 1950; seen March 3, 2020", "DOB: [date_of_birth]; seen March 3, 2020"),
        ("geboren am 3. Mai 1950", "geboren am [date_of_birth]"),
        ("Passport no. X1234567", "Passport no. [passport]"),
        ("MRN 00123-A", "MRN [medical_record_number]"),
        ("account number 12345678", "account number [bank_account]"),
        ("VIN 1M8GDM9AXKP042788", "VIN [vehicle_id]"),
        ("Dr. Müller und Frau O'Brien-Stern", "Dr. [person_name] und Frau [person_name]"),
        ("Prof. Dr. Häfele, Frau Dr. med. Stöhr", "Prof. Dr. [person_name], Frau Dr. med. [person_name]"),
        ("Herr Prof. Dr. Dr. h.c. von der Heide", "Herr Prof. Dr. Dr. h.c. von der [person_name]"),
        ("Dr.-Ing. Stöhr, Dott.ssa Verdi", "Dr.-Ing. [person_name], Dott.ssa [person_name]"),
        ("Pat. Stöhr klagt, Pat. wartet", "Pat. [person_name] klagt, Pat. wartet"),
        ("Yesterday John F. Kennedy met Smith, Ann", "Yesterday [person_name] met [person_name]"),
        ("Tochter (Lutz Röder) und Uwe Müller", "Tochter ([person_name]) und [person_name]"),
        ("José García und Jean-Luc Martin", "[person_name] und [person_name]"),
    ],
)
def test_what_identifies_is_replaced_by_what_it_is(text: str, made: str) -> None:
    assert scrubbed(text) == made
    assert scrubbed(f"{text}\n{text}") == f"{made}\n{made}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nothing here",
        "order 123456789 of 2020-01-02 12:30:45, version 1.2.3.4",
        "4111 1111 1111 1112 is no card, DE89 3704 0044 0532 0130 01 no account",
        "1,234,567.89 and 1.234.567,89 and 3.14159265358979",
        "Paris, Texas and New York; Customer Service; Spring Sale",
        "at 12:30:45 on 3 May 2020, page 12-345-6789",
        "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        "@home a@b 10% [email] {x} $1 \\1 \\0",
    ],
)
def test_what_does_not_identify_stays(text: str) -> None:
    assert scrubbed(text) == text


def test_nothing_hides_behind_characters_that_are_not_seen() -> None:
    for hidden in ("\u200b", "\u00ad", "\u202e", "\ufeff", MARK, "\ue000"):
        assert scrubbed(f"999-{hidden}76-68{hidden}66, jo@{hidden}example.org") == "[us_ssn], [email]"


def test_pseudonyms_are_of_the_thing_however_it_is_written_and_of_the_column() -> None:
    one = scrubbed("call 555-010-9988", "scrub:pseudonyms")
    other = scrubbed("or (555) 010-9988 or 555-010-9989", "scrub:pseudonyms")
    assert one.startswith("call [phone:") and one.removeprefix("call ") == other[3:27] != other[-25:]
    mails = scrubbed("Jo@example.org jo@EXAMPLE.org", "scrub:pseudonyms").split()
    assert mails[0] == mails[1] and "jo" not in mails[0][:7]
    elsewhere = mask_column(pa.array(["call 555-010-9988"]), "scrub:pseudonyms", None, key=MaskKey(bytes(32)))
    assert elsewhere.to_pylist() != [one]
    with pytest.raises(Invalid, match="scrub needs a key"):
        mask_column(pa.array(["x"]), "scrub:pseudonyms", None)
    assert mask_column(pa.array(["x"]), "scrub", None).to_pylist() == ["x"]


@settings(deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8"))))
def test_pieces_are_the_texts_again(texts: list[str]) -> None:
    pieces = find(pa.array(texts, pa.large_string()))
    joined = ["" for _ in texts]
    for piece, row in zip(pieces.texts.to_pylist(), pieces.rows, strict=True):
        joined[row] += piece
    kept = find(pa.array(joined, pa.large_string()))
    assert len(joined) == len(texts) and "".join(joined) == "".join(kept.texts.to_pylist())


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(["4111 1111 1111 1111", "jo@example.org", "order", "12", "Ann Smith", "\n", "born 1.2.1950"])
    )
)
def test_many_things_in_one_text_are_all_found(parts: list[str]) -> None:
    made = scrubbed(" | ".join(parts))
    expected = {"4111 1111 1111 1111": "[credit_card]", "jo@example.org": "[email]", "Ann Smith": "[person_name]"}
    expected["born 1.2.1950"] = "born [date_of_birth]"
    assert made == " | ".join(expected.get(part, part) for part in parts)


def test_no_pattern_of_the_table_has_a_group_of_its_own() -> None:
    for one in INSIDE:
        spelled = re.sub(r"\\x\{(\w+)\}", lambda code: chr(int(code[1], 16)), f"{one.before}{one.pattern}")
        assert re.compile(spelled).groups == 0, one
        assert all(map(validator, one.checks)), one
        assert find(pa.array([f"{one.needs} 0"], pa.large_string())).texts.to_pylist()


def test_long_texts_take_time_in_proportion() -> None:
    # RE2 has no pattern that runs away; these are what would make others do it
    for text in ("a" * 200_000 + "@", "1 " * 100_000, "(" * 100_000, "Ann " * 50_000):
        assert len(scrubbed(text)) > 0


@pytest.fixture
def plugged_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An installed package that knows names, as another project would bring it."""
    info = tmp_path / "our_names-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: our-names\nVersion: 1.0\n")
    points = "".join(f"{one} = our_names:{one}\n" for one in ("names", "twice", "lost", "broken", "wild"))
    (info / "entry_points.txt").write_text(f"[jupyter_securecollab.text_recognizers]\n{points}")
    (tmp_path / "our_names.py").write_text(
        "import re\n"
        "def names(texts):\n"
        "    for text in texts:\n"
        "        yield [(*found.span(), 'person_name') for found in re.finditer('Zork|email', text)]\n"
        "def twice(texts):\n    return [[(4, 8, 'city'), (0, 5, 'person_name')] for _ in texts]\n"
        "def lost(texts):\n    return []\n"
        "def broken(texts):\n    raise ValueError(texts[0])\n"
        "def wild(texts):\n    return [[(0, 10**9, 'person_name')] for _ in texts]\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    text_recognizer.cache_clear()
    yield
    text_recognizer.cache_clear()
    sys.modules.pop("our_names", None)


@pytest.mark.usefixtures("plugged_in")
def test_an_installed_recognizer_looks_at_what_is_left() -> None:
    text = "ask Zork Zork, jo@example.org"
    assert scrubbed(text) == "ask Zork Zork, [email]"
    assert scrubbed(text, "scrub::names") == "ask [person_name] [person_name], [email]"  # not inside of ours
    made = scrubbed(text, "scrub:pseudonyms:names").split()
    assert made[1] == made[2].rstrip(",") and made[1].startswith("[person_name:")
    assert scrubbed("ask Zork now", "scrub::twice") == "[person_name]ork now"  # what overlaps is left out
    many = mask_column(pd.Series(["Zork", None, "x", "Zork"]), "scrub::names", None)
    assert many.tolist()[2:] == ["x", "[person_name]"] and pd.isna(many[1])


@pytest.mark.usefixtures("plugged_in")
@pytest.mark.parametrize(
    ("name", "says"), [("lost", "every text"), ("broken", "failed: ValueError"), ("wild", "cannot be one")]
)
def test_a_recognizer_that_fails_is_refused_without_showing_the_text(name: str, says: str) -> None:
    with pytest.raises(CannotHold, match=says) as caught:
        scrubbed("my words", f"scrub::{name}")
    assert "my words" not in str(caught.value) and caught.value.__cause__ is None


@pytest.mark.usefixtures("plugged_in")
def test_a_recognizer_that_is_not_installed_is_refused_at_once() -> None:
    with pytest.raises(Invalid, match="no recognizer of text called 'nmaes'") as caught:
        scrubbed("x", "scrub::nmaes")
    assert "names" in caught.value.next_step
