"""Chinese dates, times, money, telephone numbers, measures, ranges and arithmetic: digits -> words.

The order of the rules matters: what is more specific comes first and leaves no digit behind.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from gpt_sovits.text.en_abbreviations import roman
from gpt_sovits.text.zh_numbers import DIGITS, cardinal, number, signed, spell_digits
from gpt_sovits.text.zh_units import ORDINAL_NOUNS, UNIT_NAMES, measures

Rule = tuple[re.Pattern[str], "str | Callable[[re.Match[str]], str | None]"]

_N = r"\d+(?:\.\d+)?"
_UNIT = "|".join(re.escape(name) for name in sorted(UNIT_NAMES, key=len, reverse=True))
_MEASURE = "|".join(map(re.escape, measures()))
_DASH = r" ?(?:[\-~～至]|—{1,2}|–) ?"
_NOT_LETTER = r"(?![A-Za-z²³])"


def _month_day(month: str, day: str, mark: str = "日") -> str:
    return f"{cardinal(month)}月{cardinal(day)}{mark}"


def _date(match: re.Match[str]) -> str | None:
    if not (1 <= int(match[3]) <= 12 and 1 <= int(match[4]) <= 31):
        return None
    return f"{spell_digits(match[1])}年{_month_day(match[3], match[4])}"


_LASTING = re.compile(r"(?:了|过|近|约|满|有|整整|这|那|达|超|共|前|后|每|隔|第|经|长|用|花|需|要|的|到|住|年)$")


def _year(match: re.Match[str]) -> str | None:
    """A 2-digit 年 is a calendar year (98年) unless it is counted (了20年, 10年前)."""
    if len(match[1]) == 2:
        counted = _LASTING.search(match.string[max(0, match.start() - 16) : match.start()])
        after = match.string[match.end() + 1 : match.end() + 2]
        if counted or after and after in "前后来间内以多级期龄的制":
            return cardinal(match[1])
    return spell_digits(match[1])


def _clock(hour: str, minute: str, second: str | None = None) -> str:
    words = ("两" if int(hour) == 2 else cardinal(hour)) + "点"
    tens = "零" if minute[0] == "0" and int(minute) else ""
    if second and int(second):
        return words + (tens or "") + f"{cardinal(minute)}分{'零' if second[0] == '0' else ''}{cardinal(second)}秒"
    if int(minute) == 30:
        return words + "半"
    return words + (f"{tens}{cardinal(minute)}分" if int(minute) else "")


_WON = re.compile(r"[^，。,]{0,2}(?:战胜|获胜|击败|取胜|险胜|大胜|完胜|逆转|领先|落后|战平|横扫|不敌|负于|告负)")


def _time(match: re.Match[str]) -> str | None:
    """Minutes and seconds that 分 and 秒 repeat are said once; in a match the two numbers are a score."""
    before, after = match.string[max(0, match.start() - 12) : match.start()], match.string[match.end() :]
    half = match[4]
    if half:
        said = re.search(r"[早晨上中下午晚夜]\S{0,2} ?$", before)
        return ("" if said else "上午" if half[0] in "aA" else "下午") + _clock(match[1], match[2], match[3])
    if not match[3] and (_SCORE.search(before) or _WON.match(after[:8])):
        return f"{cardinal(match[1])}比{cardinal(match[2])}"
    return _clock(match[1], match[2], match[3]) if int(match[1]) <= 24 else None


_CLOCK = r"(?<![\d.:])(\d{1,2}):([0-5]\d)(?::([0-5]\d))?(?![\d:])"
_PLAIN_CLOCK = _CLOCK.replace("(", "(?:").replace("(?:?", "(?")


def _temperature(match: re.Match[str]) -> str:
    value, mark = match[1], match[2]
    name = {"°C": "度", "℃": "度", "°F": "华氏度", "℉": "华氏度"}.get(mark, mark)
    sign = "零下" if value[0] in "-−" else ""
    return sign + number(value.lstrip("-−")) + name


_CURRENCY = {"$": "美元", "¥": "元", "￥": "元", "€": "欧元", "£": "英镑", "₩": "韩元", "₽": "卢布", "₹": "卢比",
             "HK$": "港元", "US$": "美元", "NT$": "新台币", "A$": "澳元", "C$": "加元", "฿": "泰铢"}  # fmt: skip
_SIGN = "|".join(re.escape(sign) for sign in sorted(_CURRENCY, key=len, reverse=True))


def _money(sign: str, value: str, scale: str) -> str:
    words = ("两" if value == "2" else signed(value)) + scale
    return words + _CURRENCY[sign]


_WESTERN = {"k": 3, "K": 3, "M": 6, "million": 6, "B": 9, "billion": 9, "trillion": 12}


def _money_western(match: re.Match[str]) -> str:
    """$2.5M: two and a half million, in the steps of ten thousand that Chinese counts in."""
    whole, _, part = match[2].replace(",", "").partition(".")
    zeros = _WESTERN[match[3]]
    return cardinal(whole + part[:zeros].ljust(zeros, "0")) + _CURRENCY[match[1]]


def _percent(match: re.Match[str]) -> str:
    base = {"%": "百分之", "‰": "千分之"}[match[2]]
    return ("负" if match[1][0] in "-−" else "") + base + number(match[1].lstrip("-−"))


def _percent_range(match: re.Match[str]) -> str:
    link = "至" if match[2] in "~～至" else "到"
    return f"百分之{number(match[1])}{link}百分之{number(match[3])}"


def _fraction(match: re.Match[str]) -> str | None:
    top, bottom = int(match[2]), int(match[3])
    if bottom == 0:
        return None
    after = match.string[match.end() :].lstrip()
    if after[:1] == "=" and top > bottom:
        return f"{cardinal(match[2])}除以{cardinal(match[3])}"
    dated = 12 < bottom <= 31 and re.match("[是前后起至到当晚早上下中周星（(截]", after)
    if 1 <= top <= 12 and bottom <= 31 and not match[1] and (dated or after[:1] in ("日", "号")):
        return _month_day(match[2], match[3], "" if after[:1] in ("日", "号") else "日")
    if 1 <= top <= 12 and bottom <= 31 and not match[1] and (bottom == 1 or match[2][0] == match[3][0] == "0"):
        return _month_day(match[2], match[3])
    return ("负" if match[1] else "") + f"{cardinal(match[3])}分之{cardinal(match[2])}"


def _grouped_phone(match: re.Match[str]) -> str:
    groups = [group for group in re.split(r"[\- ()]+", match[0].lstrip("+")) if group]
    return ("加" if match[0].startswith("+") else "") + ",".join(spell_digits(group, "幺") for group in groups)


def _counted(value: str, after: str, before: str) -> str:
    """A number before a measure word: 2 is 两, except where it names or orders."""
    if value != "2" or before.endswith(("第", "初", "星期", "周", "礼拜", "点", "百", "十")):
        return number(value)
    named = after[:1] in ORDINAL_NOUNS and not after.startswith(("级台阶", "排人"))
    return number(value) if named or after.startswith(("年级", "单元")) else "两"


def _measured(match: re.Match[str]) -> str:
    value, more = match[1], match[2] or ""
    before = match.string[max(0, match.start() - 16) : match.start()]
    more = "多" if more.strip() == "+" else more
    after = match.string[match.end() : match.end() + 16].lstrip()
    words = _counted(value, after, before) if not more else number(value)
    return words + more


def _with_unit(match: re.Match[str]) -> str:
    sign = "负" if match[1] else ""
    return sign + ("两" if match[2] == "2" else number(match[2])) + UNIT_NAMES[match[3]]


def _range(match: re.Match[str]) -> str | None:
    """a-b counts as 到 before a measure, a unit or 年, between years, and after 第; else it is a subtraction."""
    low, dash, high = match[1], match[2].strip(), match[3]
    after = match.string[match.end() : match.end() + 16]
    before = match.string[max(0, match.start() - 16) : match.start()]
    years = all(len(part) == 4 and part[:2] in ("18", "19", "20") for part in (low, high))
    counted = re.match(rf" ?(?:多|余|几)?(?:{_MEASURE})|(?:{_UNIT})(?![A-Za-z])|[%‰]", after)
    if dash == "-" and _SCORE.search(before[-8:]):
        return f"{number(low)}比{number(high)}"
    if dash == "-" and not (years or counted or before.endswith("第")):
        return None
    if years:
        return f"{spell_digits(low)}到{spell_digits(high)}"
    if before.endswith(("=", "等于", "+", "×", "÷", "*", "-")):
        return None
    if counted and dash == "-":
        return "到".join(_counted(value, after.lstrip(), before) for value in (low, high))
    return f"{signed(low)}到{signed(high)}"


_SCORE = re.compile("(?:比分|比数|以|决赛|胜|败|负|平|战成|领先|落后)[^，。,]{0,4}$")


def _ratio(match: re.Match[str]) -> str:
    return f"{number(match[1])}比{number(match[2])}"


_OPERATORS = {
    "+": "加",
    "-": "减",
    "−": "减",
    "×": "乘",
    "x": "乘",
    "X": "乘",
    "*": "乘",
    "÷": "除",
    "=": "等于",
    "±": "加减",
    ">": "大于",
    "<": "小于",
    "≥": "大于等于",
    "≤": "小于等于",
    "≈": "约等于",
    "≠": "不等于",
}
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹ⁿˣʸ⁻", "0123456789nxy-")


_SUM = re.compile("[=＝+×÷*]|等于|得|减")


def _operator(match: re.Match[str]) -> str:
    """A stroke between numbers is a minus in a sum; elsewhere it is part of a name (i7-13700)."""
    if match[1] in "-−" and not _SUM.search(match.string) and match.string.strip("0123456789.- "):
        return "杠"
    return _OPERATORS[match[1]]


def _power(match: re.Match[str]) -> str:
    exponent = match[1].translate(_SUPERSCRIPTS)
    return f"的{signed(exponent) if exponent.lstrip('-').isdigit() else exponent}次方"


def _scientific(match: re.Match[str]) -> str:
    return f"{signed(match[1])}乘以十的{signed(match[2].lstrip('+'))}次方"


_COUNTING = re.compile(
    r"(?:第|满|减|送|立减|返|省|赚|花了?|余|破|大约|约|共|近|达|超过?|多达|至少|最多|不到|不足|增加|减少|突破|高达|仅|人口有?|公元前)$"
)


_CODE = re.compile(r"(?:编|号|码|账户|帐户|卡|拨打?|代号)(?:是|为|,|，|:|：)?$")


def _plain_number(match: re.Match[str]) -> str:
    """A bare integer: one or two digits are a cardinal, more are read as a code unless something counts them."""
    text = match[0]
    round_number = match.start() > 0 and len(text) > 4 and text[0] != "0" and text.endswith("0000")
    before = match.string[max(0, match.start() - 16) : match.start()]
    if text == "00":
        return "零"
    if len(text) == 1 or len(text) == 2 and text[0] != "0":
        return cardinal(text)
    counted = _COUNTING.search(before) or round_number and not _CODE.search(before)
    return cardinal(text) if counted and text[0] != "0" else spell_digits(text, "幺")


def _after_80s(match: re.Match[str]) -> str:
    return spell_digits(match[1])


def _roman(match: re.Match[str]) -> str | None:
    value = roman(match[1] or match[2])
    return cardinal(str(value)) if value else None


_CIRCLED = {chr(0x2460 + i): cardinal(str(i + 1)) for i in range(20)}
_CIRCLED |= {chr(0x2474 + i): cardinal(str(i + 1)) for i in range(20)}
_CIRCLED |= {chr(0x3220 + i): DIGITS[i + 1] if i < 9 else "十" for i in range(10)}
_CIRCLED |= {chr(0x2160 + i): cardinal(str(i + 1)) for i in range(12)}
_CIRCLED |= {"½": "二分之一", "¼": "四分之一", "¾": "四分之三"}
_SINGLE = re.compile("[" + "".join(_CIRCLED) + "]")

_PER = "[天日周月年季时秒人次平升千公克斤吨米件个台辆间晚位张份瓶盒箱本株亩度]|小时|分钟|立方"
_EACH = rf"(?:(?<=[元块角分币克米升吨度斤里瓦圆帧拍])|(?<=[人次件条字只个台辆])(?=/[天日周月年季时小分秒]))/(?={_PER})"

RULES: tuple[Rule, ...] = (
    (re.compile(r"(?:https?://|www\.)[!-~]+|[\w.+\-]+@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+"), ""),
    (_SINGLE, lambda m: _CIRCLED[m[0]]),
    (re.compile(r"(?<=第)([IVX]{1,5})(?![A-Za-z])|(?<![A-Za-z])([IVX]{2,5}|I)(?=[世期型级章类代卷部])"), _roman),
    (re.compile(r"(\d{1,3})°(\d{1,2})[′'](?:(\d{1,2}(?:\.\d+)?)[″\"])?"),
     lambda m: f"{cardinal(m[1])}度{cardinal(m[2])}分" + (f"{number(m[3])}秒" if m[3] else "")),
    (re.compile(r"(?<!\d)(\d{1,2})[·•](\d{1,2})(?!\d)"), lambda m: spell_digits(m[1] + m[2])),
    (re.compile(r"(?<!\d)(\d{2,4})(?=次(?:列车|航班|动车|高铁|快车|特快|城际))"), lambda m: spell_digits(m[1], "幺")),
    (re.compile(r"(?<![\d.])(\d+)分之(\d+)(?![\d.])"), lambda m: f"{cardinal(m[1])}分之{cardinal(m[2])}"),
    (re.compile(rf"(?<![\d.])(\d{{1,2}})米(\d{{2}})(?!\d| ?(?:{_MEASURE}))"),
     lambda m: f"{cardinal(m[1])}米{spell_digits(m[2])}"),
    # dates
    (re.compile(r"(?<![\d.])([1-9]0)(?=年代)"), lambda m: cardinal(m[1])),
    (re.compile(r"(?<!\d)((?:19|20)\d\d)/((?:19|20)\d\d)(?!\d)"),
     lambda m: f"{spell_digits(m[1])}到{spell_digits(m[2])}"),
    (re.compile(r"(?<!\d)((?:19|20)\d\d)[/\-](\d\d)(?=赛季|年度|学年|财年)"),
     lambda m: f"{spell_digits(m[1])}到{spell_digits(m[2])}"),
    (re.compile(r"(?<!\d)(\d{2,3})/(\d{2,3}) ?mmHg"), lambda m: f"{cardinal(m[1])}，{cardinal(m[2])}毫米汞柱"),
    (re.compile(r"(?<!\d)(\d{4})([\-/. ])(\d{1,2})\2(\d{1,2})(?![\d.]\d|\d)"), _date),
    (re.compile(rf"(?<!\d)((?:18|19|20)\d\d){_DASH}((?:18|19|20)?\d\d)(?=年)"),
     lambda m: f"{spell_digits(m[1])}到{spell_digits(m[2])}"),
    (re.compile(r"(?<![\d.])(\d{4}|\d{2})(?=年(?!级|以上|以下))"), _year),
    (re.compile(r"(?<![\d.])(\d0)(?=后(?!天|面|期|续|退|来))"), _after_80s),
    (re.compile(r"(?<![\d.])((?:19|20)\d0)s(?![A-Za-z])"), lambda m: f"{spell_digits(m[1])}年代"),
    (re.compile(r"(?<![\d.])(1[0-2]|0?[1-9]) ?月 ?([12]\d|3[01]|0?[1-9]) ?([日号])"),
     lambda m: _month_day(m[1], m[2], m[3])),
    # times and ratios
    (re.compile(rf"({_PLAIN_CLOCK}){_DASH}(?={_PLAIN_CLOCK})"), lambda m: m[1] + "至"),
    (re.compile(_CLOCK + "(?:(?<=:[0-5][0-9])分(?![之钟])| ?([aApP][mM])(?![A-Za-z]))?"), _time),
    (re.compile(r"(?<![\d:.])(\d+(?:\.\d+)?) ?: ?(\d+(?:\.\d+)?)(?![\d:])"), _ratio),
    (re.compile(r"(?<![\d.])0?2(?=点(?:\d{1,2}分|(?![\d零一二三四五六七八九]|[钱球])))"), "两"),
    (re.compile(r"(?<=[日号月年点])[\-~～—–](?=\d)"), "到"),
    (re.compile(r"(?<=(?:周|期|拜)[一二三四五六日天])[\-~～—–](?=周|星期|礼拜)"), "到"),
    (re.compile(r"(?<=[\u4e00-\u9fa5])-(?=[\u4e00-\u9fa5])"), "，"),
    # temperature
    (re.compile(rf"([\-−]?{_N}) ?(°C|℃|°F|℉)?{_DASH}([\-−]?{_N}) ?(°C|℃|°F|℉)"),
     lambda m: _temperature(re.match(r"(.*)(°C|℃|°F|℉)", m[1] + m[4])) + "至"  # type: ignore[arg-type]
     + _temperature(re.match(r"(.*)(°C|℃|°F|℉)", m[3] + m[4]))),  # type: ignore[arg-type]
    (re.compile(rf"([\-−]?{_N}) ?(°C|℃|°F|℉|摄氏度|华氏度)"), _temperature),
    (re.compile(rf"([\-−]{_N})(度)"), _temperature),
    # money
    (re.compile(rf"({_SIGN}) ?(\d+(?:\.\d+)?) ?({'|'.join(_WESTERN)})(?![A-Za-z])"), _money_western),
    (re.compile(rf"({_SIGN}) ?(-?\d*\.?\d+) ?([百千万亿]*)(?:元|美元|块)?"), lambda m: _money(m[1], m[2], m[3])),
    (re.compile(r"(-?\d*\.?\d+) ?([百千万亿]*)([$¥￥€£])"), lambda m: _money(m[3], m[1], m[2])),
    # percentages and fractions
    (re.compile(rf"({_N})%({_DASH})({_N})%"),
     lambda m: f"百分之{number(m[1])}{'至' if m[2].strip() in '~～至' else '到'}百分之{number(m[3])}"),
    (re.compile(rf"({_N})({_DASH})({_N})%"),
     lambda m: f"百分之{number(m[1])}到百分之{number(m[3])}"),
    (re.compile(rf"((?:(?<![\d%])[\-−])?{_N}) ?([%‰])"), _percent),
    (re.compile(r"(?<![\d./])((?<!\d)-)?(\d{1,4})/(\d{1,4})(?![\d/.])"), _fraction),
    # scientific notation and powers
    (re.compile(rf"(-?{_N}) ?[×xX*] ?10(?:\^([+\-]?\d+)|([⁻⁰¹²³⁴-⁹]+))"),
     lambda m: f"{signed(m[1])}乘以十的{signed((m[2] or m[3].translate(_SUPERSCRIPTS)).lstrip('+'))}次方"),
    (re.compile(rf"(?<![A-Za-z\d])(-?{_N})[eE]([+\-]?\d+)(?![\dA-Za-z])"), _scientific),
    (re.compile(rf"(?<![\d.A-Za-z])({_N}) ?w(?=[+\u4e00-\u9fa5])(?!w(?:的?功率|快充|充电|电|的?灯|的?瓦))"),
     lambda m: number(m[1]) + "万"),
    (re.compile(rf"(?<![\d.A-Za-z])(-?)({_N}) ?({_UNIT}){_NOT_LETTER}(?!\d)"), _with_unit),
    (re.compile(r"(?<![A-Za-z])(km|mm|cm|m)([²³])"),
     lambda m: {"²": "平方", "³": "立方"}[m[2]] + UNIT_NAMES[m[1]]),
    (re.compile(r"\^(-?\d+|[nxy])"), _power),
    (re.compile(r"([⁻⁰¹²³⁴-⁹ⁿˣʸ]+)"), _power),
    # telephone numbers
    (re.compile(r"(?<![\d\-])(?:\+86[ \-]?)?1[3-9]\d([ \-])\d{4}\1\d{4}(?!\d)|(?<!\d)\+\d{1,3}[ \-]?\d[\d \-]{5,}\d"),
     _grouped_phone),
    (re.compile(r"(?<!\d)\(0\d{2,3}\) ?\d{3,4}[\- ]?\d{4}(?!\d)"), _grouped_phone),
    (re.compile(r"(?<![\d\-])(?:400|800)[\- ]\d{3,4}[\- ]\d{3,4}(?!\d)|(?<![\d\-])\(?0\d{2,3}\)?[\- ]\d{7,8}"
                r"(?:-\d{1,6})?(?!\d)|(?<![\d\-])0\d{2,3}[\- ]\d{3,4} \d{4}(?!\d)"), _grouped_phone),
    (re.compile(r"(?<![\d\-.])\d+(?:-\d+){2,}(?![\d.])"), _grouped_phone),
    (re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)"), lambda m: spell_digits(m[0], "幺")),
    # codes, ranges, versions, arithmetic
    (re.compile(r"(?<![\d.])(?:\d{5,}-\d+|\d+-0\d+)(?![\d.])"),
     lambda m: "，".join(spell_digits(part, "幺") for part in m[0].split("-"))),
    (re.compile(rf"(?<![\d.\-])(-?{_N})({_DASH})(-?{_N})(?![\d\-])"), _range),
    (re.compile(r"(?<![\d.])\d+(?:\.\d+){2,}"),
     lambda m: "点".join(spell_digits(part) for part in m[0].split("."))),
    (re.compile(r"(?<![\d.]) ?([±×÷*=><≥≤≈≠]) ?(?=-?\d)|(?<=[\d)）]) ?([xX]) ?(?=\d)"),
     lambda m: _OPERATORS[m[1] or m[2]]),
    (re.compile(r"(?<=[\d)）]) ?([+\-−±×÷*=><≥≤≈≠]) ?(?=[\d(（.])"), _operator),
    (re.compile(r"(?<=[A-Za-zα-ωΑ-Ω\d)）方]) ?([+±×÷=><≥≤≈≠]) ?(?=[A-Za-zα-ωΑ-Ω\d(（\-])"), _operator),
    (re.compile(r"([±≥≤≈≠])"), _operator),
    (re.compile(r"(?<=零下)[\-−](?=\d)"), ""),
    (re.compile(r"(?:(?<![\d\w.])|(?<=[是为到达至于得约了零]))[\-−](?=\.?\d)"), "负"),
    (re.compile(r"(?<=[\u4e00-\u9fa5])[\-−](?=\d)"), ""),
    (re.compile(r"(?<![\d.])\d+\.\d+(?=\D|$)|(?<![\d.A-Za-z])\.\d+(?=\D|$)"), lambda m: number(m[0])),
    # counted things
    (re.compile(rf"(?<![\d.])(\d+)( ?[多余几]| ?\+)?(?= ?({_MEASURE}))"), _measured),
    (re.compile(r"(?<![\d.])(\d+)(?=[多余几])"), lambda m: number(m[1])),
    (re.compile(r"(?<=[百千万亿]) ?\+(?!\d)"), "多"),
    (re.compile(r"(?<![\d.])(\d{2,}) ?\+(?![\d\w(（])"), lambda m: number(m[1]) + "多"),
    (re.compile(r"\d+"), _plain_number),
    (re.compile(r"和/或"), "和或"),
    (re.compile(r"(?<=[他她它您是男有真对])/(?=[他她它您否女无假错])"), "或"),
    (re.compile(_EACH), "每"),
    (re.compile(r"(?<=[\u4e00-\u9fa5])/(?=[\u4e00-\u9fa5])"), "，"),
    (re.compile(r"/"), "每"),
    (re.compile(r"\+"), "加"),
    (re.compile(r"×"), "乘"),
    (re.compile(r"÷"), "除"),
    (re.compile(r"(?<!=)=(?!=)"), "等于"),
)  # fmt: skip
