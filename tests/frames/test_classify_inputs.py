"""What is handed over is not always a table of clean texts: each odd input gives a defined result or a clear error."""

from __future__ import annotations

import datetime as dt
import math
import uuid
from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from jupyter_securecollab.errors import Invalid, TooLarge
from jupyter_securecollab.frames.classify import Classifier, Finding, classify
from jupyter_securecollab.frames.sampled import strata
from jupyter_securecollab.frames.sampling import ROWS, sample
from jupyter_securecollab.frames.tags import TAGS, default_rules, parse_rules
from jupyter_securecollab.model import Label, Level

SECRET = "never to be told"
MAILS = [f"person{number}@example.org" for number in range(40)]


def found(frame: object, *, full: bool = False) -> dict[str, Finding]:
    return Classifier().find(frame, full=full)


@pytest.mark.parametrize(
    "frame", [pd.DataFrame(), pd.DataFrame({"a": []}), pl.DataFrame(), pa.table({}), pd.DataFrame(index=[1])]
)
def test_frames_without_values_have_nothing_found(frame: object) -> None:
    for full in (False, True):
        assert all(one.tag is None and one.level == Level.INTERNAL for one in found(frame, full=full).values())


@pytest.mark.parametrize(
    "values", [[None] * 9, [math.nan] * 9, ["", " ", "N/A", "null"], pd.array([None] * 9, "Int64")]
)
def test_of_a_column_without_values_the_name_alone_is_heard(values: object) -> None:
    frame = pd.DataFrame({"email": values, "remark_code": values})
    assert found(frame)["email"].tag == "email" and found(frame)["remark_code"].tag is None
    assert 0.5 <= found(frame)["email"].confidence < 0.75


def test_every_library_finds_the_same() -> None:
    data = {"mail": MAILS, "n": list(range(40)), "ssn": ["999-12-3456"] * 40}
    frames = [
        pd.DataFrame(data),
        pl.DataFrame(data),
        pa.table(data),
        pd.DataFrame(data).convert_dtypes(dtype_backend="pyarrow"),
    ]
    for full in (False, True):
        first, *others = [found(frame, full=full) for frame in frames]
        assert first["mail"].tag == "email" and all(other == first for other in others)


def test_names_that_are_no_text_or_repeat_count_once_with_the_highest() -> None:
    frame = pd.DataFrame([[1, "a@b.example", "x"]] * 9, columns=[0, 0, ("a", 1)])
    assert {name: one.tag for name, one in found(frame).items()} == {"0": "email", "('a', 1)": None}


def test_ten_thousand_columns() -> None:
    frame = pd.DataFrame(np.zeros((3, 10_000)), columns=[f"c{number}" for number in range(10_000)])
    frame["email"] = "a@b.example"
    result = found(frame)
    assert len(result) == 10_001 and result["email"].tag == "email" and result["c7"].tag is None


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_huge_texts_are_looked_at_from_their_beginning_only(library: str) -> None:
    huge = ["AKIAIOSFODNN7EXAMPLE", "x" * 60_000_000, "someone@example.org" + " " * 20_000_000]
    frame = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}[library]({"text": huge})
    (leaf,) = sample("text", frame["text"], None)
    assert max(leaf.lengths) <= 2_000 and found(frame)["text"].tag in ("secret_key", "email")


class Rude:
    """An object that must not be asked for its text."""

    def __repr__(self) -> str:
        raise RuntimeError("asked")

    __str__ = __repr__


def test_mixed_objects_are_read_value_by_value_and_strange_ones_left_out() -> None:
    mixed = pd.Series([*MAILS, b"bytes@example.org", 5, 1.5, dt.date(2020, 1, 1), Rude(), {"a": 1}, None], dtype=object)
    frame = pd.DataFrame({"x": mixed})
    assert found(frame)["x"].tag == "email"


def test_lone_surrogates_become_question_marks() -> None:
    frame = pd.DataFrame({"x": pd.Series(["\ud800", *MAILS], dtype=object)})
    assert found(frame)["x"].tag == "email"


def test_characters_nobody_sees_hide_nothing() -> None:
    hidden = ["\u202e" + "\u200b".join(mail) + "\ufeff" for mail in MAILS]
    assert found(pd.DataFrame({"x": hidden}))["x"].tag == "email"
    assert found(pd.DataFrame({"s\u200bs\u202en": ["1"]}))["s\u200bs\u202en"].tag == "us_ssn"
    wide = [
        mail.translate({ord(c): ord(c) + 0xFEE0 for c in "0123456789abcdefghijklmnopqrstuvwxyz@."}) for mail in MAILS
    ]
    assert found(pd.DataFrame({"x": wide}))["x"].tag == "email"


def test_infinite_and_missing_floats_and_big_numbers() -> None:
    frame = pd.DataFrame({"age": [30.0, math.inf, math.nan, -math.inf] * 5, "big": [2**70] * 20, "f": [1e300] * 20})
    result = found(frame)
    assert result["age"].tag == "age" and result["big"].tag is None and result["f"].tag is None


def test_dates_of_several_zones_and_of_none() -> None:
    zones = [dt.datetime(1960 + n, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=n % 5))) for n in range(40)]
    mixed = pd.Series([*zones, dt.datetime(1970, 1, 1), dt.date(1980, 1, 1)], dtype=object)
    frame = pd.DataFrame({"dob": mixed, "when": mixed})
    assert found(frame)["dob"].tag == "date_of_birth" and found(frame)["when"].tag is None


def test_other_types_say_nothing_and_break_nothing() -> None:
    frame = pd.DataFrame(
        {
            "c": [1 + 2j] * 3,
            "i": pd.interval_range(0, 3),
            "p": pd.period_range("2020", periods=3, freq="D"),
            "t": pd.to_timedelta([1, 2, 3]),
            "b": [True, False, True],
        }
    )
    assert all(one.tag is None for one in found(frame, full=True).values())


BYTES = pa.binary(16)
ODD = {
    "lists of anything": lambda: pd.DataFrame({"c": [[1, "a", SECRET], None, {"a": 1}] * 10}),
    "records that differ": lambda: pd.DataFrame({"c": [{"a": 1}, {"a": SECRET}, {"b": [1]}] * 10}),
    "huge decimals": lambda: pd.DataFrame({"c": [Decimal("1E+400"), Decimal("NaN"), Decimal("1.5")] * 10}),
    "days at both ends": lambda: pd.DataFrame({"c": [dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31), None] * 10}),
    "sparse": lambda: pd.DataFrame({"c": pd.arrays.SparseArray([math.nan, 0, 1.5] * 10)}),
    "mixed categories": lambda: pd.DataFrame({"c": pd.Categorical([1, SECRET, 2.5] * 10)}),
    "bytes": lambda: pd.DataFrame({"c": [b"\xff\xfe\x00", SECRET.encode()] * 15}),
    "large whole numbers": lambda: pd.DataFrame({"c": np.array([2**64 - 1, 0, 5] * 10, dtype="uint64")}),
    "half and long floats": lambda: pd.DataFrame({"c": np.float16([1.5, 2, math.inf]), "d": np.longdouble([1, 2, 3])}),
    "identifiers": lambda: pd.DataFrame({"c": [uuid.UUID(int=number) for number in range(30)]}),
    "objects of polars": lambda: pl.DataFrame({"c": pl.Series([Rude()] * 30, dtype=pl.Object)}),
    "arrays of polars": lambda: pl.DataFrame({"c": pl.Series([[1, 2]] * 30, dtype=pl.Array(pl.Int8, 2))}),
    "run-end encoded": lambda: pa.table({"c": pa.RunEndEncodedArray.from_arrays([30], [SECRET])}),
    "unions": lambda: pa.table({"c": pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array([1, 2])] * 2)}),
    "extensions": lambda: pa.table({"c": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"0" * 16], BYTES))}),
    "moments out of reach": lambda: pa.table({"c": pa.array([2**62, -(2**62)], pa.timestamp("s"))}),
    "empty lists": lambda: pa.table({"c": pa.array([[]] * 30, pa.list_(pa.string()))}),
    "names of all kinds": lambda: pd.DataFrame([[1, 2, 3]] * 9, columns=[None, math.nan, dt.date(2020, 1, 1)]),
    "a name without UTF-8": lambda: pd.DataFrame([[1]] * 9, columns=pd.Index(["\ud800dub"], dtype=object)),
    "a very long name": lambda: pd.DataFrame({"x" * 1_000_000: [1] * 9}),
}  # fmt: skip


@pytest.mark.parametrize("made", ODD.values(), ids=ODD)
def test_columns_of_any_type_are_looked_at_without_an_error(made: Callable[[], object]) -> None:
    for full in (False, True):
        for one in found(made(), full=full).values():
            assert one.tag is None and SECRET not in one.evidence()


def test_texts_that_are_no_utf_8_hide_nothing() -> None:
    raw = b"".join([*(mail.encode() for mail in MAILS), b"\xff\xfe"])
    ends = np.cumsum([0, *map(len, MAILS), 2], dtype="int32")
    texts = pa.StringArray.from_buffers(len(MAILS) + 1, pa.py_buffer(ends.tobytes()), pa.py_buffer(raw))
    assert found(pa.table({"c": texts}), full=True)["c"].tag == "email"


def test_what_is_inside_lists_and_records_counts() -> None:
    table = pa.table(
        {
            "who": [{"mail": mail, "n": 1} for mail in MAILS],
            "many": [[mail, None] for mail in MAILS],
            "plain": [[1, 2]] * 40,
            "deep": pa.array([[("k", mail)] for mail in MAILS], pa.map_(pa.string(), pa.string())),
        }
    )
    for full in (False, True):
        tags = {name: one.tag for name, one in found(table, full=full).items()}
        assert tags == {"who": "email", "many": "email", "plain": None, "deep": "email"}


@pytest.mark.parametrize("hold", [lambda m: {m}, lambda m: frozenset([m]), lambda m: {"a": [m]}, lambda m: ((m,),)])
def test_what_arrow_cannot_hold_is_looked_into_too(hold: Callable[[str], object]) -> None:
    mixed = [hold(mail) if number % 2 else [mail] for number, mail in enumerate(MAILS)]
    assert found(pd.DataFrame({"c": pd.Series(mixed, dtype=object)}))["c"].tag == "email"
    assert found(pl.DataFrame({"c": pl.Series(mixed, dtype=pl.Object)}))["c"].tag == "email"
    itself: list[object] = []
    itself.append(itself)
    odd = [{"a": Rude()}, frozenset([1, 2]), itself, pd.Series(MAILS), np.array([MAILS[:2]] * 2)]
    assert found(pd.DataFrame({"c": pd.Series(odd, dtype=object)}))["c"].tag is None


def test_categories_that_no_row_has_count_too() -> None:
    """They stay when rows are filtered out, and go wherever the column goes."""
    words = ["none", *dict.fromkeys(MAILS)]
    of_pandas = pd.DataFrame({"c": pd.Categorical(["none", None] * 20, categories=words)})
    of_polars = pl.DataFrame({"c": pl.Series(["none", None] * 20, dtype=pl.Enum(words))})
    of_arrow = pa.table({"c": pa.DictionaryArray.from_arrays(pa.array([0, None] * 20), pa.array(words))})
    for frame in (of_pandas, of_polars, of_arrow):
        assert found(frame)["c"].tag == "email"
    assert found(of_pandas.assign(c=of_pandas.c.cat.remove_unused_categories()))["c"].tag is None
    bins = pd.DataFrame({"c": pd.cut(pd.Series(range(40)), [0, 10, 99, 200])})
    assert found(bins)["c"].tag is None


def test_the_frame_is_not_changed() -> None:
    frame = pd.DataFrame({"x": [" a ", None, "B"], "n": [1, 2, 3]})
    before = frame.copy(deep=True)
    found(frame, full=True)
    pd.testing.assert_frame_equal(frame, before)


def test_no_value_stands_in_any_evidence() -> None:
    frame = pd.DataFrame(
        {"mail": MAILS, "name": ["Ann Meyer", "Bob Stone"] * 20, "code": ["•", "--"] * 20, "x": ["#"] * 40}
    )
    for full in (False, True):
        for column, one in found(frame, full=full).items():
            assert not any(value in one.evidence() for value in {*frame[column]} - {"--", "#", "•"})
            assert not set(one.examples) & set(frame[column])


def test_rows_looked_at_are_spread_and_always_the_same() -> None:
    rows = strata(1_000_000, ROWS)
    assert len(rows) == ROWS and (rows == strata(1_000_000, ROWS)).all()
    assert (np.diff(rows) > 0).all() and np.diff(rows).max() < 2 * 1_000_000 / ROWS
    assert list(strata(3, ROWS)) == [0, 1, 2]


def test_a_sorted_frame_is_seen_to_its_end_and_sparse_columns_where_they_have_values() -> None:
    frame = pd.DataFrame({"x": ["nothing"] * 90_000 + MAILS * 250, "rare": [None] * 99_960 + MAILS})
    result = found(frame)
    assert result["x"].tag == "email" and result["rare"].tag == "email" and result["rare"].seen == 40


def test_one_value_among_many_is_found_by_reading_all() -> None:
    frame = pd.DataFrame({"x": ["nothing"] * 300_000})
    frame.loc[171_717, "x"] = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
    assert found(frame)["x"].tag is None
    assert found(frame, full=True)["x"].level == Level.SECRET
    assert "1 of 300,000 values" in found(frame, full=True)["x"].evidence()


@pytest.mark.parametrize(
    ("hidden", "tag"),
    [
        ("Called back; his number is 123-45-6789, he says.", "us_ssn"),
        ("{'from': 'jo.miller@example.org', 'n': 3}", "email"),
        ("paid to DE89 3704 0044 0532 0130 00 in May", "iban"),
        ("old key AKIAIOSFODNN7EXAMPLE, to be changed", "secret_key"),
    ],
)
def test_one_among_many_is_found_within_a_text(hidden: str, tag: str) -> None:
    texts = [f"the delivery {number} came late again" for number in range(150_000)]
    assert found(pd.DataFrame({"x": texts}), full=True)["x"].level == Level.INTERNAL
    texts[71_717] = hidden
    assert found(pd.DataFrame({"x": texts}))["x"].level == Level.INTERNAL
    one = found(pd.DataFrame({"x": texts}), full=True)["x"]
    assert (one.tag, one.contains) == ("free_text", (tag,)) and one.level > Level.INTERNAL
    assert f"1 of 150,000 values: texts that contain {tag}" in one.evidence()


def test_what_only_looks_like_it_within_a_text_is_nothing() -> None:
    texts = [f"part 1123-45-67893 of lot {number}, see @home or x@y" for number in range(5_000)]
    codes = [f"DE12 3456 7890 {number}" for number in range(5_000)]  # one in a hundred has right check digits
    assert found(pd.DataFrame({"x": texts}), full=True)["x"].level == Level.INTERNAL
    assert found(pd.DataFrame({"x": codes}), full=True)["x"].level == Level.INTERNAL


def test_numbers_of_values_are_exact_when_all_are_read() -> None:
    frame = pd.DataFrame({"mail": MAILS * 1000 + ["none at all"] * 10_000})
    assert found(frame, full=True)["mail"].share == 0.8 and found(frame, full=True)["mail"].seen == 50_000


@pytest.mark.parametrize("rows", [500, 5_000])
@pytest.mark.parametrize("first", ["mail", "kind"])
def test_of_nested_values_those_are_counted_that_fit(rows: int, first: str) -> None:
    frame = pd.DataFrame({"c": [{first: "", "mail": MAILS[row % 5], "kind": f"x{row % 7}"} for row in range(rows)]})
    one = found(frame, full=True)["c"]
    assert (one.tag, one.share, one.seen) == ("email", found(frame)["c"].share, rows) and one.share > 0


def test_words_for_missing_values_are_no_values_when_all_are_read() -> None:
    frame = pd.DataFrame({"mail": (MAILS + ["n/a", " ", "\u200b"] * 10) * 500})
    one = found(frame, full=True)["mail"]
    assert (one.share, one.seen, one.rows) == (1.0, len(MAILS) * 500, len(frame))


# -- what an organisation says -----------------------------------------------------------------------------------------

OWN = """
version: 1
levels: {city: internal, staff_number: secret}
combinations:
  - {tags: [staff_number, age], level: confidential}
recognizers:
  - {tag: staff_number, title: staff numbers, pattern: 'S-[0-9]{5}', names: [Personalnr, staff no]}
  - {tag: ward, level: confidential, dictionary: [Cardiology, Oncology, Neurologie], minimum: 0.5}
  - {tag: checked, level: internal, pattern: '[0-9]{9}', validator: nl.bsn}
"""


def test_own_rules_add_tags_levels_and_combinations() -> None:
    frame = pd.DataFrame(
        {
            "a": [f"S-{number:05}" for number in range(30)],
            "Personalnr": [None] * 30,
            "unit": ["oncology", "NEUROLOGIE", "Kitchen"] * 10,
            "city": ["Berlin", "Hamburg", "Bremen"] * 10,
            "age": list(range(30)),
        }
    )
    result = Classifier(parse_rules(OWN)).find(frame)
    assert {name: one.tag for name, one in result.items()} == {
        "a": "staff_number", "Personalnr": "staff_number", "unit": "ward", "city": "city", "age": "age"
    }  # fmt: skip
    assert result["a"].level == Level.SECRET and result["unit"].level == Level.CONFIDENTIAL
    assert result["city"].level == Level.INTERNAL and result["age"].level == Level.CONFIDENTIAL
    assert found(frame)["a"].tag is None and found(frame)["unit"].tag is None


@pytest.mark.parametrize(
    ("pattern", "word"),
    [
        (r"(a+)+\1", "escape"),
        ("(?=a)b", "perl"),
        ("(?<!a)b", "perl"),
        ("a{2000}", "repetition"),
        ("(", "missing"),
        ("[", "missing"),
    ],
)
def test_patterns_that_re2_does_not_take_are_refused_with_the_reason(pattern: str, word: str) -> None:
    rules = parse_rules({"version": 1, "recognizers": [{"tag": "x", "pattern": pattern}]})
    with pytest.raises(Invalid, match=word) as caught:
        Classifier(rules)
    assert "RE2" in caught.value.next_step


def test_patterns_that_would_run_away_elsewhere_do_not() -> None:
    rules = parse_rules({"version": 1, "recognizers": [{"tag": "x", "pattern": "(a+)+b"}]})
    frame = pd.DataFrame({"c": ["a" * 1_900] * 50})
    assert Classifier(rules).find(frame)["c"].tag is None


@pytest.mark.parametrize(
    ("rules", "word"),
    [
        ("version: 2", "version"),
        ("version: 1\nlevels: {city: sekret}", "sekret"),
        ("version: 1\nlevels: {citty: secret}", "citty"),
        ("version: 1\ncolour: red", "colour"),
        ("version: 1\nrecognizers: [{tag: X Y}]", "tag"),
        ("[[[", "parsing"),
        ("version: 2020-13-45", "month"),
        ("!!python/object/apply:os.system ['true']", "python"),
        ({"version": 1, "recognizers": [{"tag": "x", "minimum": 3}]}, "minimum"),
    ],
)
def test_rules_that_do_not_fit_are_refused_saying_where(rules: object, word: str) -> None:
    with pytest.raises(Invalid, match=word):
        parse_rules(rules)  # type: ignore[arg-type]  # also other shapes than texts


def test_rules_that_are_too_long_and_checks_that_do_not_exist_are_refused() -> None:
    with pytest.raises(TooLarge):
        parse_rules("#" * (1 << 21))
    for name in ("nl.nothing", "os.system", "__import__", "nl..bsn"):
        with pytest.raises(Invalid, match="no check"):
            Classifier(parse_rules({"version": 1, "recognizers": [{"tag": "x", "validator": name}]}))


def test_every_tag_has_a_level() -> None:
    assert default_rules().levels.keys() == TAGS.keys()


def test_columns_that_together_single_people_out_are_raised_but_decisions_stay() -> None:
    frame = pd.DataFrame({"zip": ["01013", "02143"] * 20, "dob": ["1960-05-01"] * 40, "gender": ["M", "F"] * 20})
    assert found(frame)["gender"].level == Level.CONFIDENTIAL
    assert found(frame[["zip", "gender"]])["gender"].level == Level.INTERNAL
    decided = Label(level=Level.PUBLIC, tag="gender", confirmed_by="alice")
    assert classify(frame, {"gender": decided})["gender"] == decided
