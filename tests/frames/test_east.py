"""People, addresses, genders and phones in Chinese, Japanese and Korean, under names that say nothing; and no goods."""

from __future__ import annotations

import random

import pandas as pd
import pytest

from jupyter_securecollab.frames.classify import Classifier

DICE = random.Random(31)
ROWS = 60


def _made(*parts: str) -> list[str]:
    """Rows of one word of each part, one after the other."""
    return ["".join(DICE.choice(part.split("|")) for part in parts) for _ in range(ROWS)]


def _figures(many: int) -> str:
    return "".join(DICE.choice("0123456789") for _ in range(many))


def _tag(values: list[str] | list[int]) -> str | None:
    return Classifier().find(pd.DataFrame({"c1": values}))["c1"].tag


JAPANESE = _made("佐藤|鈴木|田中|渡辺|小林|吉田|清水", "|　", "健太|美咲|さくら|翔|由美子|拓海|ケン")
CHINESE = _made("王|李|张|刘|陈|赵|欧阳", "伟|秀英|敏|建国|小红|磊|海燕")
KOREAN = _made("김|이|박|최|정", "민준|서연|지훈|하은|동현|수빈")


@pytest.mark.parametrize("names", [JAPANESE, CHINESE, KOREAN], ids=["Japanese", "Chinese", "Korean"])
def test_names_are_told_by_the_family_name_they_begin_with(names: list[str]) -> None:
    assert _tag(names) == "person_name"


@pytest.mark.parametrize(
    "goods",
    [
        _made("緑茶|醤油|味噌|米|豆腐|海苔", "大|小|二個入|十袋|"),
        _made("手机|电脑|耳机|键盘|鼠标|显示器", "套装|配件|支架|"),
        _made("노트북|이어폰|책상|의자|모니터|키보드", "세트|거치대|"),
        _made("東京|大阪|名古屋|札幌|仙台|京都", "支店|本社|営業所"),
    ],
)
def test_goods_and_offices_are_nobody(goods: list[str]) -> None:
    assert _tag(goods) is None


@pytest.mark.parametrize(
    "addresses",
    [
        [f"東京都港区芝公園{number}丁目{number + 2}番8号" for number in range(1, 40)],
        [f"广东省深圳市南山区科技路{number}号" for number in range(1, 40)],
        [f"서울특별시 강남구 테헤란로 {number}" for number in range(1, 40)],
    ],
    ids=["Japanese", "Chinese", "Korean"],
)
def test_addresses_are_told_by_districts_and_streets(addresses: list[str]) -> None:
    assert _tag(addresses) == "address"
    assert _tag([address[:3] for address in addresses]) is None


def test_genders() -> None:
    assert _tag(_made("男|女")) == _tag(_made("남성|여성")) == "gender"
    assert _tag(_made("済|未")) is None


def test_mobile_numbers_of_china_begin_in_several_ways() -> None:
    mobiles = [f"1{DICE.choice('3456789')}{_figures(9)}" for _ in range(ROWS)]
    assert _tag(mobiles) == _tag([int(one) for one in mobiles]) == "phone"
    assert _tag([f"138{number:08d}" for number in range(ROWS)]) is None
    assert _tag([f"1{_figures(10)}" for _ in range(ROWS)]) is None


def test_family_names_alone_and_places() -> None:
    assert _tag(_made("佐藤|鈴木|高橋|田中|渡辺|伊藤|山本|中村|小林|加藤|吉田|清水")) == "last_name"
    assert _tag([f"{head}{end}" for head in ("川崎", "千代田", "港", "横浜") for end in "市区町"] * 4) == "city"
    assert _tag([f"{head}{end}" for head in ("緑", "赤", "青", "黒") for end in "色茶豆"] * 4) is None
