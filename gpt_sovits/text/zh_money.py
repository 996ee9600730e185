"""Sums of money in Chinese: signs before and after, ranges, the K and W of pay, losses."""

from __future__ import annotations

import re

from gpt_sovits.text.zh_dates import DASH, Rule
from gpt_sovits.text.zh_numbers import cardinal, number, signed

_N = r"\d+(?:\.\d+)?"
_CURRENCY = {"$": "美元", "¥": "元", "￥": "元", "€": "欧元", "£": "英镑", "₩": "韩元", "₽": "卢布", "₹": "卢比",
             "HK$": "港元", "US$": "美元", "NT$": "新台币", "A$": "澳元", "C$": "加元", "฿": "泰铢"}  # fmt: skip
_CODES = {"RMB": "人民币", "CNY": "人民币", "USD": "美元", "EUR": "欧元", "GBP": "英镑", "JPY": "日元", "HKD": "港元",
          "KRW": "韩元", "TWD": "新台币", "AUD": "澳元", "CAD": "加元", "SGD": "新加坡元", "CHF": "瑞士法郎",
          "THB": "泰铢", "RUB": "卢布", "INR": "卢比"}  # fmt: skip
_SIGN = "|".join(re.escape(sign) for sign in sorted(_CURRENCY, key=len, reverse=True))
_CODE = "|".join(_CODES)
_COIN = "(?:美元|日元|港元|韩元|欧元|英镑|元|块|圆)"
_WESTERN = {"k": 3, "K": 3, "M": 6, "million": 6, "B": 9, "billion": 9, "trillion": 12}
_PAY = re.compile("(?:薪资?|工资|收入|月入|年入|奖金?|存款?|房租|预算|价|块|投资|赚了?|花了?)[^，。！？,!?]{0,16}$")
_LEDGER = re.compile(
    "(?:盈亏|盈余|利润?|净利|亏损|收益率?|余额|海拔|增长率?|增速|同比|环比|涨跌幅?|涨幅|得分|分数|坐标|数值|差额?|误差|现金流)[:：]?$"
)


def _amount(value: str) -> str:
    """A sum: no zeros after the point that nobody says (1580.00, 128.50)."""
    value = (value.rstrip("0").rstrip(".") or "0") if "." in value else value
    return "两" if value == "2" else signed(value)


def _money(sign: str, value: str, scale: str) -> str:
    return _amount(value) + scale + _CURRENCY[sign]


def _range(match: re.Match[str]) -> str:
    return f"{_amount(match[2])}到{_amount(match[4])}{match[5]}{_CURRENCY[match[1]]}"


def _money_western(match: re.Match[str]) -> str:
    """$2.5M: two and a half million, in the steps of ten thousand that Chinese counts in."""
    whole, _, part = match[2].replace(",", "").partition(".")
    zeros = _WESTERN[match[3]]
    return cardinal(whole + part[:zeros].ljust(zeros, "0")) + _CURRENCY[match[1]]


def _thousands(match: re.Match[str]) -> str | None:
    """月薪8K, 15k: thousands; 年薪20W: tens of thousands."""
    if not _PAY.search(match.string[max(0, match.start() - 24) : match.start()]):
        return None
    if match[2] in "wW":
        return ("两" if match[1] == "2" else number(match[1])) + "万"
    whole, _, part = match[1].partition(".")
    value = int(whole + part[:3].ljust(3, "0"))
    if value < 10_000 and value % 1000 == 0:
        return ("两" if value == 2000 else cardinal(str(value // 1000))) + "千"
    if value >= 10_000 and value % 1000 == 0:
        tens, rest = divmod(value // 1000, 10)
        return ("两" if tens == 2 else cardinal(str(tens))) + "万" + (cardinal(str(rest)) if rest else "")
    return cardinal(str(value))


def _first_of_pay(match: re.Match[str]) -> str | None:
    first = _thousands(match)
    return first and first + "到"


def _minus(match: re.Match[str]) -> str | None:
    """A stroke glued to a word is a minus before a sum (盈亏-200元); elsewhere it joins a name (歼-20)."""
    before = match.string[max(0, match.start() - 6) : match.start()]
    return "负" if match[1] or _LEDGER.search(before) else None


CODED: tuple[Rule, ...] = (
    (re.compile(rf"(?<![A-Za-z])({_CODE}) ?({_N}) ?([百千万亿]{{0,4}})(?:元)?"),
     lambda m: _amount(m[2]) + m[3] + _CODES[m[1]]),
    (re.compile(rf"(?<![\d.])({_N}) ?([百千万亿]{{0,4}}) ?({_CODE})(?![A-Za-z])"),
     lambda m: _amount(m[1]) + m[2] + _CODES[m[3]]),
    (re.compile(rf"(?<![\d.A-Za-z])({_N}) ?([kKwW])[\-~～](?={_N} ?[kKwW](?![A-Za-z]))"), _first_of_pay),
    (re.compile(rf"(?<![\d.A-Za-z])({_N}) ?([kKwW])(?![A-Za-z])"), _thousands),
)  # fmt: skip

MONEY: tuple[Rule, ...] = (
    (re.compile(rf"({_SIGN}) ?({_N})({DASH})(?:{_SIGN})? ?({_N}) ?([百千万亿]{{0,2}})(?:元|美元|块)?(?![\d.])"),
     _range),
    (re.compile(rf"({_SIGN}) ?(\d+(?:\.\d+)?) ?({'|'.join(_WESTERN)})(?![A-Za-z])"), _money_western),
    (re.compile(rf"({_SIGN}) ?(-?(?:{_N}|\.\d+)) ?([百千万亿]{{0,4}})(?:元|美元|块)?"),
     lambda m: _money(m[1], m[2], m[3])),
    (re.compile(rf"(?<![\d.])(-?(?:{_N}|\.\d+)) ?([百千万亿]{{0,4}})([$¥￥€£])"),
     lambda m: _money(m[3], m[1], m[2])),
    (re.compile(rf"(?<![\d.])(\d+\.\d*0)(?={_COIN})"), lambda m: _amount(m[1])),
    (re.compile(r"(?<=\d)(毛|块|角)(\d)(?![\d.个分元])"), lambda m: m[1] + cardinal(m[2])),
    (re.compile(rf"(?<=[\u4e00-\u9fa5:：])[\-−](?={_N} ?(?:[百千万亿]{{0,4}}({_COIN}))?)"), _minus),
)  # fmt: skip
