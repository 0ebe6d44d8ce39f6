"""What values in Chinese, Japanese and Korean say: names of people by the family name they begin with, addresses by
what districts and streets end in, genders, and mobile numbers of China, which are written without separators.

Family names come first there and are few: a hundred cover most people of China, two dozen those of Korea. Other words
begin with the same characters, though not four of five in a column. Knows no names in Latin letters.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow.compute as pc

from .marks import DIGIT, mark
from .recognizers import Match
from .sampled import Sample

_SCRIPTS = r"\p{Han}|\p{Hiragana}|\p{Katakana}|\p{Hangul}"
_GENDERS = "^(?:男|女|男性|女性|男子|女子|男生|女生|その他|其他|未知|不明|남|여|남자|여자|남성|여성)$"
_HAN = (
    "王李张張刘劉陈陳杨楊赵趙黄黃周吴吳徐孙孫胡朱高林何郭马馬罗羅梁宋郑鄭谢謝韩韓唐冯馮于董萧肖程曹袁邓鄧许許傅沈曾彭吕呂"
    "苏蘇卢盧蒋蔣蔡贾賈丁魏薛叶葉阎余潘杜戴夏钟鍾汪田任姜范方石姚谭譚廖邹鄒熊金陆陸郝孔白崔康毛邱秦江史顾顧侯邵孟龙龍"
    "万段雷钱錢汤湯尹黎易常武乔喬贺賀赖赖龚龔文庞樊兰殷施陶洪翟安颜倪严牛温芦季俞章鲁葛伍韦申尤毕聂丛焦向柳邢路岳齐沿梅莫庄辛管祝左涂谷祁时舒耿"
)
_JAPANESE = (
    "佐藤|鈴木|高橋|田中|伊藤|渡辺|渡邊|山本|中村|小林|加藤|吉田|山田|佐々木|山口|松本|井上|木村|斎藤|斉藤|齋藤|清水|山崎|池田|橋本|阿部|石川|"
    "山下|中島|石井|小川|前田|岡田|長谷川|藤田|後藤|近藤|村上|遠藤|青木|坂本|福田|太田|西村|藤井|金子|岡本|藤原|三浦|中野|中川|原田|松田|"
    "竹内|小野|田村|中山|和田|石田|森田|上田|柴田|酒井|宮崎|工藤|横山|内田|高木|安藤|島田|谷口|大野|丸山|今井|河野|藤本|村田|武田|上野|杉山|"
    "増田|平野|大塚|千葉|久保|松井|小島|岩崎|桜井|野口|松尾|野村|木下|菊地|菊池|佐野|大西|杉本|新井|浜田|古川|市川|水野|小松|山内|西田|"
    "川口|西川|北村|安田|五十嵐|川崎|田口|飯田|東|本田|久保田|吉川|中田|辻|関|服部|樋口|川上|永井|岩田|松岡|中西|田辺|大久保|黒田|堀|川村|"
    "望月|永田|荒木|熊谷|内藤|松村|大島|平田|西|大谷|松浦|矢野|早川|岡|森|原|林"
)
_KOREAN = "김이박최정강조윤장임한오서신권황안송전홍유고문양손배백허남심노하곽성차주우구민진엄채원천방공현함변"
_DISTRICTS = (
    r"[都道府県市区郡町村].*(?:[0-9０-９一二三四五六七八九十]+(?:丁目|番|号|[-－ー‐−])|[0-9０-９]+$)"
    r"|[省市区县縣區州旗乡鎮镇].*(?:路|街|号|號|巷|弄|座|室|村|道|胡同|段|大厦|小区)"
    r"|[시도군구] ?.*(?:로|길|동|읍|면|가|거리)\s?[0-9(]"
)
_PLACES = (
    r"^\S{1,5}[市区町村郡县縣區](?:\S{1,5}[区町村區县])?$"
    r"|^\p{Hangul}{1,4}[시군구](?: \p{Hangul}{1,4}[구읍면])?$"
)
_CHINESE_MOBILES = "^(?:\\+?86[ -]?)?1[3-9][0-9][ -]?[0-9]{4}[ -]?[0-9]{4}$"
_OPERATORS = 3  # so many beginnings of three digits; numbers counted on have one

_SEVERAL = 10  # different people; fewer values are categories
_MOST, _NEARLY_ALL = 0.75, 0.9


def readings(sample: Sample) -> Iterator[Match]:
    """Everything the values of a column of text or numbers say in those scripts."""
    if sample.could(DIGIT | mark("+- "), 11, 17) and sample.might(_CHINESE_MOBILES):
        yield from _mobiles(sample)
    if sample.kind != "text" or pc.all(pc.string_is_ascii(sample.glance)).as_py() or not sample.might(_SCRIPTS):
        return
    genders = sample.share(sample.matching(_GENDERS))
    if genders >= _NEARLY_ALL and len(sample.texts) >= 2:
        yield Match("gender", "words for gender", genders, 0.85 * genders)
        return
    addresses = sample.share(sample.matching(_DISTRICTS) & (sample.lengths >= 7))
    if addresses >= _MOST:
        yield Match("address", "districts and streets", addresses, 0.85 * addresses)
    elif len(sample.texts) >= _SEVERAL:
        yield from _people(sample)
        places = sample.share(sample.matching(_PLACES))
        if places >= _NEARLY_ALL:
            yield Match("city", "end in what towns and districts are", places, 0.75 * places)


def _people(sample: Sample) -> Iterator[Match]:
    """Most begin with a family name and are as long as names are."""
    for pattern, least in (
        (rf"^(?:[{_HAN}]\p{{Han}}{{1,2}}|(?:欧阳|歐陽|司马|上官|诸葛|司徒|夏侯)\p{{Han}}{{1,2}})$", _MOST),
        (rf"^(?:{_JAPANESE})[ 　]?(?:\p{{Han}}|\p{{Hiragana}}|\p{{Katakana}}){{1,4}}$", _MOST),
        (rf"^[{_KOREAN}] ?\p{{Hangul}}{{2}}$", _NEARLY_ALL),
    ):
        share = sample.share(sample.matching(pattern)) if sample.might(pattern) else 0.0
        if share >= least:
            yield Match("person_name", "begin with family names", share, 0.8 * share)
            return
    family = rf"^(?:[{_HAN}]|{_JAPANESE}|[{_KOREAN}])$"
    share = sample.share(sample.matching(family)) if sample.might(family) else 0.0
    if share >= _MOST:
        yield Match("last_name", "family names", share, 0.8 * share)


def _mobiles(sample: Sample) -> Iterator[Match]:
    share = sample.share(sample.matching(_CHINESE_MOBILES))
    if share < _NEARLY_ALL or len(sample.texts) < _SEVERAL:
        return
    bare = pc.replace_substring_regex(sample.texts, r"^\+?86[ -]?|[ -]", "")
    beginnings = pc.count_distinct(pc.utf8_slice_codeunits(bare, 0, 3)).as_py()
    if beginnings >= _OPERATORS:
        yield Match("phone", "mobile numbers of China", share, 0.6 * share)
