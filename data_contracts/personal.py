"""Whether the values of a column look like something of a person: told from their form, and told without showing one.

Resident IDs carry a check character (GB 11643-1999), card numbers a check digit (Luhn, ISO/IEC 7812), so few others
pass by chance. Names are told by the hundred commonest surnames. Other forms are words on what to look at.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence

from data_contracts.lint import AUTHENTICATES, AUTHENTICATES_AS_A_WHOLE

ENOUGH = 0.8
"""The share of a column's values from which on it is what they look like: deliveries hold faults and exceptions."""
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪"
    "范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤俞章鲍施"
)
HAN = r"[\u3400-\u4dbf\u4e00-\u9fff]"
NAME = re.compile(rf"{HAN}{{2,4}}|{HAN}{{1,8}}·{HAN}{{1,8}}")
MOBILE = re.compile(r"(\+?86)?1[3-9][0-9]{9}")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
ADDRESS = re.compile(rf"(?=.*{HAN}.*(省|市|区|县|镇|乡|村|路|街|号|室|幢)).{{7,}}")
TRACK = re.compile(r"%?[B;]?[0-9]{13,19}[=D^][0-9]{4}.*")
"""Track data of a magnetic stripe: card number, a sign between, expiry."""
DIGEST = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64}")

WORDS: Mapping[str, tuple[str, ...]] = {
    "name": ("name", "姓名", "户名", "名称"),
    "address": ("addr", "address", "地址", "住址"),
    "mobile": ("mobile", "phone", "tel", "手机", "电话"),
    "document": ("id_no", "idno", "cert", "证件", "身份证"),
    "email": ("email", "mail", "邮箱"),
}
"""What a column's own name says."""


def resident_id(text: str) -> bool:
    """A resident ID of 18 characters: a birthday of the calendar, and the right check character."""
    if not re.fullmatch(r"[1-9][0-9]{16}[0-9Xx]", text, re.ASCII):
        return False
    try:
        dt.date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    weighted = sum(int(digit) * weight for digit, weight in zip(text[:17], WEIGHTS, strict=True))
    return text[17].upper() == "10X98765432"[weighted % 11]


def card_number(text: str) -> bool:
    """A card number of 16 to 19 digits that passes Luhn's check."""
    if not re.fullmatch(r"[2-9][0-9]{15,18}", text, re.ASCII):
        return False
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(text)))
    return sum(digit - 9 if digit > 9 else digit for digit in doubled) % 10 == 0


def person(text: str) -> bool:
    return bool(NAME.fullmatch(text)) and text[0] in SURNAMES


LOOKS: Mapping[str, tuple[Callable[[str], object], str]] = {
    "document": (resident_id, "looks like resident IDs (GB 11643 check character)"),
    "card": (card_number, "looks like card numbers (Luhn)"),
    "mobile": (MOBILE.fullmatch, "looks like mobile numbers"),
    "email": (EMAIL.fullmatch, "looks like e-mail addresses"),
    "name": (person, "looks like names of persons"),
    "address": (ADDRESS.fullmatch, "looks like addresses"),
}


def looks_personal(name: str, values: Sequence[str]) -> str | None:
    """What of a person a column seems to hold, in words; None if nothing does. `values` are those that are not null."""
    for fits, said in LOOKS.values():
        if values and sum(bool(fits(value)) for value in values) >= ENOUGH * len(values):
            return said
    words = [kind for kind, parts in WORDS.items() if any(part in name.lower() for part in parts)]
    return f"its name says {words[0]}" if words else None


def authenticates(names: Sequence[str], values: Sequence[str]) -> bool:
    """Whether a column holds what authenticates a person (C3): a name of it says so, or it is track data of cards."""
    for name in map(str.lower, names):
        if AUTHENTICATES & set(re.split(r"[_\W]+", name)) or name in AUTHENTICATES_AS_A_WHOLE or "密码" in name:
            return True
    return bool(values) and sum(bool(TRACK.fullmatch(value)) for value in values) >= ENOUGH * len(values)


def looks_hashed(values: Sequence[str]) -> bool:
    """Whether values are digests: of a password they are C3 too."""
    return bool(values) and all(DIGEST.fullmatch(value) for value in values)
