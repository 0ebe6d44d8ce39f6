"""Obvious column names get a cautious label; what somebody decided is kept; nothing found means internal."""

from __future__ import annotations

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from jupyter_securecollab.frames.axes import is_frame, names, values
from jupyter_securecollab.frames.classify import Classifier, classify, suggest
from jupyter_securecollab.frames.names import said
from jupyter_securecollab.model import Label, Level


@pytest.mark.parametrize(
    ("name", "tag", "level"),
    [
        ("SSN", "us_ssn", Level.SECRET),
        ("patientSSN", "us_ssn", Level.SECRET),
        ("social_security_number", "us_ssn", Level.SECRET),
        ("DRIVERS", "driver_license", Level.SECRET),
        ("passport no", "passport", Level.SECRET),
        ("FIRST", "first_name", Level.CONFIDENTIAL),
        ("lastName", "last_name", Level.CONFIDENTIAL),
        ("MAIDEN", "maiden_name", Level.CONFIDENTIAL),
        ("BIRTHDATE", "date_of_birth", Level.CONFIDENTIAL),
        ("DateOfBirth", "date_of_birth", Level.CONFIDENTIAL),
        ("deathdate", "date_of_death", Level.CONFIDENTIAL),
        ("ADDRESS", "address", Level.CONFIDENTIAL),
        ("email_address", "email", Level.CONFIDENTIAL),
        ("e-mail", "email", Level.CONFIDENTIAL),
        ("HomePhone2", "phone", Level.CONFIDENTIAL),
        ("ip_address", "ip_address", Level.CONFIDENTIAL),
        ("ZIP", "postcode", Level.CONFIDENTIAL),
        ("KV-Nr", "medical_record_number", Level.CONFIDENTIAL),
        ("Hauptdiagnose", "health_condition", Level.CONFIDENTIAL),
        ("名前", "person_name", Level.CONFIDENTIAL),
        ("患者氏名", "person_name", Level.CONFIDENTIAL),
        ("メールアドレス", "email", Level.CONFIDENTIAL),
        ("生年月日", "date_of_birth", Level.CONFIDENTIAL),
        ("身份证号", "national_id", Level.SECRET),
        ("联系电话 2", "phone", Level.CONFIDENTIAL),
        ("주민등록번호", "national_id", Level.SECRET),
        ("비밀번호", "password", Level.SECRET),
    ],
)
def test_telling_names_are_found_with_the_name_as_evidence(name: str, tag: str, level: Level) -> None:
    said_so = said(name)
    assert said_so is not None and said_so.tag == tag
    assert Classifier().level_of(tag) == level and 0 < said_so.strength < 1


@pytest.mark.parametrize(
    "name",
    [
        "Id",
        "first_visit",
        "last_login",
        "order_name",
        "zipped",
        "assn_rate",
        "dobson",
        "PREFIX",
        "EXPENSES",
        "scoring",
        "",
        "商品名",
        "電話回数",
        "手机型号",
        "회사이름",
        "0",
    ],
)
def test_other_names_stay_internal_and_unreviewed(name: str) -> None:
    assert suggest(name) == Label(level=Level.INTERNAL)


def test_what_somebody_decided_is_kept_as_it_is() -> None:
    decided = Label(level=Level.PUBLIC, tag="us_ssn", confirmed_by="alice")
    labels = classify(pd.DataFrame({"ssn": ["1"], "age": [3]}), {"ssn": decided})
    assert labels["ssn"] == decided and labels["age"].confirmed_by is None


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"ssn": ["1"], "n": [1]}),
        pl.DataFrame({"ssn": ["1"], "n": [1]}),
        pa.table({"ssn": ["1"], "n": [1]}),
    ],
)
def test_every_library_s_frames_have_the_same_names_and_values(frame: object) -> None:
    assert is_frame(frame) and names(frame) == ("ssn", "n")
    assert [str(value) for value in values(frame, "ssn")] == ["1"]


@pytest.mark.parametrize("other", [pd.Series([1]), {"a": [1]}, [1], None, "frame", pa.array([1])])
def test_other_objects_are_not_frames(other: object) -> None:
    assert not is_frame(other)


def test_index_levels_have_names_and_labels_too() -> None:
    frame = pd.DataFrame({"n": [1, 2]}, index=pd.MultiIndex.from_tuples([("x", 1), ("y", 2)], names=["ssn", None]))
    assert names(frame) == ("ssn", "(index 1)", "n")
    assert classify(frame, {})["ssn"].level == Level.SECRET
    assert list(values(frame, "ssn")) == ["x", "y"] and list(values(frame, "(index 1)")) == [1, 2]
    assert names(frame.droplevel("ssn")) == ("(index)", "n")


def test_the_default_index_has_no_name_and_a_number_is_one() -> None:
    assert names(pd.DataFrame([[1, 2]])) == ("0", "1")
    assert names(pd.DataFrame({"a": [1]}, index=pd.RangeIndex(5, 6))) == ("(index)", "a")
