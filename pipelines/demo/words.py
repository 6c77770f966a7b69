"""The words that the demo bank's files are made of: names, towns, employers, shops. Nobody and nothing of them exists."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.demo.days import Numbers

BANK_CODE = "330327"
COUNTY = "330327"
OWN_BANK = "402333700011"
"""Our own CNAPS code."""
OTHER_BANKS = ("102333700107", "103333700206", "104333700305", "105333700404", "403333700503", "308333700602")

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
GIVEN_MEN = "伟强磊军洋勇杰涛明超刚平建国文斌辉鹏飞浩宇志永海峰波宁华东生林成新利清龙根福贵宝顺德良元昌荣"
GIVEN_WOMEN = "芳娜敏静丽艳娟秀英玉兰桂红梅雪琳佳怡欣然婷颖慧莉萍云霞月凤仙琴素珍春燕莲翠香彩菊丹倩蓉琪瑶"
RARE = "㐂𠮷㐀"
"""Characters of names that only four bytes of GB18030 hold."""
BESIDE_THE_SEPARATOR = "億"
"""Its second byte is that of `|`: at the end of a field it stands next to the separator."""

TOWNS = (
    *(("城关镇", "100"), ("青禾镇", "101"), ("石桥镇", "102"), ("白沙镇", "103"), ("双溪镇", "104")),
    *(("河口镇", "105"), ("东塘镇", "106"), ("云岭乡", "200"), ("竹园乡", "201"), ("南坪乡", "202")),
    *(("枫林乡", "203"), ("茶亭乡", "204")),
)
VILLAGES = ("上园村", "下园村", "前山村", "后山村", "桥头村", "溪口村", "新塘村", "老街村", "沙埠村")
STREETS = ("人民路", "解放街", "环城路", "桂花園", "丰收路", "河滨路")

INDUSTRIES = ("C1499", "C1810", "C2642", "F5212", "E4710", "G5431", "H6210", "N7820", "P8321", "S9224")
FIRMS = (
    "食品有限公司",
    "纺织有限公司",
    "塑业有限公司",
    "商贸有限公司",
    "建筑有限公司",
    "物流有限公司",
    "餐饮管理有限公司",
)
OFFICES = ("县人民医院", "县实验小学", "县第一中学", "县财政局", "县自然资源局", "镇人民政府")
PLACES = "恒盛宏达永兴金鑫顺丰瑞和泰安嘉诚汇源德信隆昌"

SHOPS = {
    5411: ("超市", 60),
    5499: ("便利店", 60),
    5311: ("百货", 15),
    5812: ("饭店", 40),
    5814: ("小吃店", 50),
    4111: ("公交", 3),
    4511: ("航空售票", 4),
    7011: ("酒店", 10),
    5912: ("药店", 20),
    8062: ("县人民医院", 3),
    8211: ("学校", 10),
    8220: ("职业技术学院", 3),
    8299: ("培训中心", 8),
    5200: ("建材家居", 15),
    5712: ("家具城", 6),
    5722: ("电器行", 8),
    5191: ("农资店", 20),
    763: ("农业合作社", 10),
    5541: ("加油站", 8),
    7523: ("停车场", 12),
    5651: ("服装店", 30),
    4814: ("通信营业厅", 5),
}
"""Merchants by ISO 18245 category: what they are, and how many of them the county has."""

PRODUCTS = (
    ("DP010001", "活期储蓄", "DP", "", "20110101"),
    ("DP010002", "II类户活期", "DP", "", "20110102"),
    ("DP010003", "惠农卡活期", "DP", "", "20110103"),
    ("DP020003", "整存整取三个月", "DP", "", "20110201"),
    ("DP020006", "整存整取六个月", "DP", "", "20110201"),
    ("DP020012", "整存整取一年", "DP", "", "20110202"),
    ("DP020024", "整存整取二年", "DP", "", "20110203"),
    ("DP020036", "整存整取三年", "DP", "", "20110204"),
    ("DP030012", "大额存单一年", "DP", "", "20110301"),
    ("DP030024", "大额存单二年", "DP", "", "20110301"),
    ("DP030036", "大额存单三年", "DP", "", "20110301"),
    ("DP040001", "美元活期", "DP", "", "20110401"),
    ("LN010001", "农户小额信用贷款", "LN", "", "13010101"),
    ("LN010002", "小微经营贷款", "LN", "", "13010201"),
    ("LN020001", "个人消费贷款", "LN", "", "13020101"),
    ("LN020002", "线上信用贷款", "LN", "", "13020201"),
    ("LN030001", "个人住房按揭贷款", "LN", "", "13030101"),
    ("WM010001", "季季盈", "WM", "R2", ""),
    ("EB010001", "手机银行", "EB", "", ""),
)

FURTHER_PRODUCTS = (
    ("CC010001", "农商信用卡", "CC", "", "13050101"),
    ("WM020001", "日日盈", "WM", "R1", ""),
    ("WM030007", "稳健半年", "WM", "R3", ""),
    ("WM030012", "进取一年", "WM", "R4", ""),
)
"""Products of the systems beside core banking and loans."""

Words = NDArray[np.str_]


def products(*, further: bool) -> tuple[tuple[str, str, str, str, str], ...]:
    """Code, name, family, risk and subject of each product; `further` with those of cards and wealth."""
    return PRODUCTS + FURTHER_PRODUCTS if further else PRODUCTS


def letters(text: str) -> Words:
    """The characters of a text, to be drawn from."""
    return np.array(list(text))


def names(chance: np.random.Generator, female: NDArray[np.bool_]) -> pl.Series:
    """As many names of persons, some with rare characters, some that end in 億."""
    count = len(female)
    surnames = chance.choice(letters(SURNAMES), size=count)
    given = [
        np.where(female, chance.choice(letters(GIVEN_WOMEN), size=count), chance.choice(letters(GIVEN_MEN), size=count))
        for _ in range(2)
    ]
    odd = chance.random(count)
    last = np.where(odd < 0.004, chance.choice(letters(RARE), size=count), given[1])
    last = np.where(odd > 0.996, BESIDE_THE_SEPARATOR, last)
    short = chance.random(count) < 0.15
    return pl.DataFrame({"s": surnames, "g": np.where(short, "", given[0]), "l": last}).select(
        pl.concat_str("s", "g", "l").alias("name")
    )["name"]


def firm_names(chance: np.random.Generator, count: int) -> list[str]:
    """Names of employers, as they stand beside a salary."""
    picks = chance.integers(len(PLACES), size=(count, 2))
    return [f"某县{PLACES[a]}{PLACES[b]}{FIRMS[n % len(FIRMS)]}" for n, (a, b) in enumerate(picks)]


def luhn(stems: Numbers, width: int) -> Numbers:
    """The check digits (ISO/IEC 7812-1) of card numbers whose other digits are `stems`."""
    total = np.zeros(len(stems), dtype=np.int64)
    for place in range(width):
        digit = stems // 10**place % 10
        doubled = digit * 2 if place % 2 == 0 else digit
        total += doubled - 9 * (doubled > 9)
    return -total % 10
