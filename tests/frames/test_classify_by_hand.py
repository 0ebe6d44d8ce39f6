"""How well tables written by hand are read, which were written before the recognizers were looked at."""

from __future__ import annotations

import pytest
import tables_by_hand

from jupyter_securecollab.frames.classify import Classifier


def _judged(*, telling: bool) -> tuple[list[str], list[str], int, int]:
    """Columns taken for something they are not, columns not found, how many are there, how many were found."""
    wrong, missed, there, given = [], [], 0, 0
    for table, columns in tables_by_hand.TABLES.items():
        found = Classifier().find(tables_by_hand.frame(columns, telling=telling))
        for (name, tag, _), one in zip(columns, found.values(), strict=True):
            allowed = tag if isinstance(tag, frozenset) else {tag}
            told = isinstance(tag, frozenset) or (tag is not None and tag not in tables_by_hand.FORMLESS)
            there += told
            given += one.tag is not None
            if one.tag is not None and one.tag not in allowed:
                wrong.append(f"{table}: {name}: {one.tag}")
            elif told and one.tag is None:
                missed.append(f"{table}: {name}")
    return wrong, missed, there, given


@pytest.mark.parametrize("telling", [True, False], ids=["telling", "neutral"])
def test_what_is_found_is_right_and_most_is_found(telling: bool) -> None:
    wrong, missed, there, given = _judged(telling=telling)
    assert len(wrong) <= 0.05 * given, wrong
    assert len(missed) <= 0.1 * there, missed


@pytest.mark.parametrize("telling", [True, False], ids=["telling", "neutral"])
def test_nothing_is_found_in_what_nobody_has_to_protect(telling: bool) -> None:
    decoys = 0
    for columns in tables_by_hand.TABLES.values():
        found = Classifier().find(tables_by_hand.frame(columns, telling=telling))
        for (name, tag, _), one in zip(columns, found.values(), strict=True):
            decoys += tag is None
            assert tag is not None or one.tag is None, name
    assert decoys > 90
