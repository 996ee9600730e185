"""Chinese dates, times, money, telephone numbers, measures, ranges and arithmetic: digits -> words.

The order of the rules matters: what is more specific comes first and leaves no digit behind.
"""

from __future__ import annotations

import re

from gpt_sovits.text.en_abbreviations import roman
from gpt_sovits.text.zh_codes import BESIDE_LETTERS, PHONES
from gpt_sovits.text.zh_dates import DASH, DATES, TIMES, UNITS_OF_TIME, Rule, is_score
from gpt_sovits.text.zh_money import CODED, MONEY
from gpt_sovits.text.zh_numbers import cardinal, number, signed, spell_digits
from gpt_sovits.text.zh_sums import FORMULAS, FRACTIONS, OPERATORS, POWERS, RAISED, SUMS
from gpt_sovits.text.zh_units import ORDINAL_NOUNS, UNIT_NAMES, measures

_N = r"\d+(?:\.\d+)?"
_UNIT = "|".join(re.escape(name) for name in sorted(UNIT_NAMES, key=len, reverse=True))
_MEASURE = "|".join(map(re.escape, measures()))
_NOT_LETTER = r"(?![A-Za-z²³])"


def _temperature(match: re.Match[str]) -> str:
    value, mark = match[1], match[2]
    name = {"°C": "度", "℃": "度", "°F": "华氏度", "℉": "华氏度"}.get(mark, mark)
    sign = "零下" if value[0] in "-−" else ""
    return sign + number(value.lstrip("-−")) + name


def _percent(match: re.Match[str]) -> str:
    base = {"%": "百分之", "‰": "千分之"}[match[2]]
    return ("负" if match[1][0] in "-−" else "") + base + number(match[1].lstrip("-−"))


_VERSION = re.compile("[更对发把通起位面回下口头部](?![手数电头肩])")  # GIMP 2 更新 counts nothing


def _counted(value: str, after: str, before: str) -> str:
    """A number before a measure word: 2 is 两, except where it names or orders."""
    ordered = before.endswith(("第", "初", "星期", "周", "礼拜", "点", "百", "十")) or re.search("[A-Za-z]$", before)
    if value != "2" or ordered or re.search("[A-Za-z] $", before) and _VERSION.match(after):
        return number(value)
    named = after[:1] in ORDINAL_NOUNS + "两" and not after.startswith(("级台阶", "排人"))
    return number(value) if named or after.startswith(("年级", "单元", "分别")) else "两"


def _measured(match: re.Match[str]) -> str:
    value, more = match[1], match[2] or ""
    before = match.string[max(0, match.start() - 16) : match.start()]
    more = "多" if more.strip() == "+" else more
    after = match.string[match.end() : match.end() + 16].lstrip()
    words = _counted(value, after, before) if not more else number(value)
    return words + more


def _with_unit(match: re.Match[str]) -> str:
    sign = "负" if match[1] else ""
    value = "两" if match[2] == "2" else number(match[2])
    return sign + value + ("多" if match[3] else "") + UNIT_NAMES[match[4]]


def _range_of_units(match: re.Match[str]) -> str:
    return f"{number(match[1])}到{number(match[2])}{UNIT_NAMES[match[3]]}"


def _range(match: re.Match[str]) -> str | None:
    """a-b counts as 到 before a measure, a unit or 年, between years, and after 第; else it is a subtraction."""
    low, dash, high = match[1], match[2].strip(), match[3]
    after = match.string[match.end() : match.end() + 16]
    before = match.string[max(0, match.start() - 16) : match.start()]
    years = all(len(part) == 4 and part[:2] in ("18", "19", "20") for part in (low, high))
    counted = re.match(rf" ?(?:多|余|几)?(?:{_MEASURE})|(?:{_UNIT})(?![A-Za-z])|[%‰]", after)
    if dash == "-" and is_score(before[-8:]):
        return f"{number(low)}比{number(high)}"
    ranged = re.search(r"(?:范围|区间|介于|端口|指数|下标)[^，。；,;]{0,4}$", before) is not None
    if dash == "-" and not (years or counted or ranged or before.endswith("第")):
        return None
    if years:
        return f"{spell_digits(low)}到{spell_digits(high)}"
    if before.endswith(("=", "等于", "+", "×", "÷", "*", "-")):
        return None
    if counted and dash == "-":
        return "到".join(_counted(value, after.lstrip(), before) for value in (low, high))
    return f"{signed(low)}到{signed(high)}"


_COUNTING = re.compile(
    r"(?:第|从|降到|升到|降至|升至|涨到|跌到|等于|[一两1]?(?:晚|天|夜|个?月|年|人|位|间|张|份|套)(?:就|才|只)?(?:是|要|收|卖)|满|减|送|立减|返|省|赚|花了?|余|破|大约|约|共|近|达|超过?|多达|至少|最多|不到|不足|增加|减少|突破|高达|仅|人口有?|公元前|考了?|考到|考出|得了|拿了|拿到|一共|总共|合计"
    r"|(?:托福|总分|得分|智商|心率|体重|身高|房租|月薪|工资|价格?|售价|票价|人均|均价|单价|步数|阅读量|播放量|点赞|粉丝|销量|产量)(?:是|为|：|:)?"
    r"|(?:(?:[上下]界|[上下]限|阈值|初始值|默认值?|最[大小]值|取值|长度|大小|宽度|高度|容量|总数|余数|下标|hashCode) ?"
    r"(?:均|都|也)?(?:默认)?(?:为|是|等于|：|:)|范围.{0,8}到) ?负?)$"
)


_CODE = re.compile(r"(?:编|号|码|账户|帐户|卡|拨打?|代号)(?:是|为|,|，|:|：)?$")


def _plain_number(match: re.Match[str]) -> str:
    """A bare integer: one or two digits are a cardinal, more are read as a code unless something counts them."""
    text = match[0]
    round_number = match.start() > 0 and text[0] != "0" and bool(re.fullmatch(r"\d{1,2}00|\d{1,2}000|\d+0000", text))
    before = match.string[max(0, match.start() - 16) : match.start()]
    if text == "00":
        return "零"
    if len(text) == 1 or len(text) == 2 and text[0] != "0":
        return cardinal(text)
    bracketed = before[-1:] == "(" and match.string.startswith(")", match.end())
    if bracketed and re.fullmatch("1[5-9]..|20..", text):
        return spell_digits(text)  # Toomer (1984)
    counted = _COUNTING.search(before) or round_number and not _CODE.search(before)
    return cardinal(text) if counted and text[0] != "0" else spell_digits(text, "幺")


def _roman(match: re.Match[str]) -> str | None:
    value = roman(match[1] or match[2] or match[3])
    return cardinal(str(value)) if value else None


_CIRCLED = {chr(first + i): str(i + 1) for first in (0x2460, 0x2474) for i in range(20)}
_CIRCLED |= {chr(0x3220 + i): str(i + 1) for i in range(10)} | {chr(0x2160 + i): str(i + 1) for i in range(12)}
_VULGAR = {"½": "二分之一", "¼": "四分之一", "¾": "四分之三"}
_SINGLE = re.compile("[" + "".join([*_CIRCLED, *_VULGAR]) + "]")

_PER = "[天日周月年季时分秒人次平升千公克斤吨米件个台辆间晚位张份瓶盒箱本株亩度袋包条支碗块]|小时|分钟|立方"
_EACH = (
    r"(?:(?<=[元块角分币克米升吨度斤里瓦圆帧拍万千百亿])|(?<=[人次件条字只个台辆转拍下步])(?=/[天日周月年季时小分秒平公亩]))"
    rf"/(?={_PER})"
)

RULES: tuple[Rule, ...] = (
    (re.compile(r"(?:https?://|www\.)[!-~]+|[A-Za-z0-9_.+\-]{1,64}@[A-Za-z0-9\-]{1,64}(?:\.[A-Za-z0-9\-]{1,64})+"), ""),
    (_SINGLE, lambda m: _VULGAR.get(m[0]) or cardinal(_CIRCLED[m[0]])),
    (re.compile(r"(?<=第)([IVX]{1,5})(?![A-Za-z])|(?<![A-Za-z])([IVX]{2,5}|I)(?=[世期型级章类代卷部时])"
                r"|(?<=[\u4e00-\u9fa5》])(?!(?:VI|IV|XX)(?![IVX]))([IVX]{2,5})(?![A-Za-z])"), _roman),
    (re.compile(r"(?<!\d)(\d{1,3})°(\d{1,2})[′'](?:(\d{1,2}(?:\.\d+)?)[″\"])?"),
     lambda m: f"{cardinal(m[1])}度{cardinal(m[2])}分" + (f"{number(m[3])}秒" if m[3] else "")),
    (re.compile(r"(?<!\d)(\d{1,2})[·•](\d{1,2})(?!\d)"), lambda m: spell_digits(m[1] + m[2])),
    (re.compile(r"(?<!\d)(\d{2,4})(?=次(?:列车|航班|动车|高铁|快车|特快|城际))"), lambda m: spell_digits(m[1], "幺")),
    (re.compile(r"(?<![\d.])(\d+)分之(\d+)(?![\d.])"), lambda m: f"{cardinal(m[1])}分之{cardinal(m[2])}"),
    (re.compile(rf"(?<![\d.])(\d{{1,2}})米(\d{{2}})(?!\d| ?(?:{_MEASURE}))"),
     lambda m: f"{cardinal(m[1])}米{spell_digits(m[2])}"),
    (re.compile(r"(?<!\d)([1-9](?:\d[1-9]|[1-9]0))(?=路(?!人|程|段|费|灯|数|[上下]))"),
     lambda m: spell_digits(m[1], "幺")),
    (re.compile(rf"(?<![\d.])({_N}[百千万亿]{{1,3}})[\-–](?={_N}[百千万亿])"), lambda m: f"{m[1]}到"),
    *UNITS_OF_TIME,
    (re.compile(rf"(?<![\d.A-Za-z])({_N}) ?({_UNIT}) ?[\-–~～] ?({_N}) ?\2{_NOT_LETTER}(?!\d)"),
     lambda m: None if m[2][0] in "°℃℉" else f"{number(m[1])}到{number(m[3])}{UNIT_NAMES[m[2]]}"),
    *CODED,
    *POWERS,
    *FORMULAS,
    *BESIDE_LETTERS,
    *SUMS,
    *DATES,
    *TIMES,
    # temperature
    (re.compile(rf"(?<![\d.])([\-−]?{_N}) ?(°C|℃|°F|℉)?{DASH}([\-−]?{_N}) ?(°C|℃|°F|℉)"),
     lambda m: _temperature(re.match(r"(.*)(°C|℃|°F|℉)", m[1] + m[4])) + "至"  # type: ignore[arg-type]
     + _temperature(re.match(r"(.*)(°C|℃|°F|℉)", m[3] + m[4]))),  # type: ignore[arg-type]
    (re.compile(rf"(?<![\d.])([\-−]?{_N}) ?(°C|℃|°F|℉|摄氏度|华氏度)"), _temperature),
    (re.compile(rf"(?<![\d.])([\-−]{_N})(度)"), _temperature),
    *MONEY,
    # percentages and fractions
    (re.compile(r"(?<![\d.])(\d+) % (\d+)(?![\d.%])|(?<![\d.])(\d+)%(\d+)(?= ?=)"),
     lambda m: f"{cardinal(m[1] or m[3])}模{cardinal(m[2] or m[4])}"),
    (re.compile(rf"(?<![\d.])({_N})%({DASH})({_N})%"),
     lambda m: f"百分之{number(m[1])}{'至' if m[2].strip() in '~～至' else '到'}百分之{number(m[3])}"),
    (re.compile(rf"(?<![\d.])({_N})({DASH})({_N})%"),
     lambda m: f"百分之{number(m[1])}到百分之{number(m[3])}"),
    (re.compile(rf"(?<![\d.])((?:(?<![\d%])[\-−])?{_N}) ?([%‰])"), _percent),
    *FRACTIONS,
    (re.compile(rf"(?<![\d.A-Za-z])({_N}) ?w(?=[+\u4e00-\u9fa5])(?!w(?:的?功率|快充|充电|电|的?灯|的?瓦))"),
     lambda m: number(m[1]) + "万"),
    (re.compile(rf"(?<![\d.A-Za-z])({_N}) ?ppm(?![A-Za-z])"), lambda m: f"百万分之{number(m[1])}"),
    (re.compile(rf"(?<![\d.A-Za-z])({_N})(?:{_UNIT})?{DASH}({_N}) ?({_UNIT}){_NOT_LETTER}(?!\d)"), _range_of_units),
    (re.compile(rf"(?<![\d.A-Za-z])(-?)({_N}) ?(\+?)({_UNIT}){_NOT_LETTER}(?!\d)"), _with_unit),
    (re.compile(r"(?<![A-Za-z])(km|mm|cm|m)([²³])"),
     lambda m: {"²": "平方", "³": "立方"}[m[2]] + UNIT_NAMES[m[1]]),
    *RAISED,
    *PHONES,
    # ranges, versions, arithmetic
    (re.compile(rf"(?<![\d.\-])(-?{_N})({DASH})(-?{_N})(?![\d\-])"), _range),
    *OPERATORS,
    (re.compile(r"(?<=零下)[\-−](?=\d)"), ""),
    (re.compile(r"(?:(?<![\d\w.])|(?<=[是为到达至于得约了零]))[\-−](?=\.?\d)|(?<=[是为到]) - ?(?=\d)"), "负"),
    (re.compile(r"(?<=[\u4e00-\u9fa5])[\-−](?=\d)"), ""),
    (re.compile(r"(?<![\d.])\d+\.\d+(?=\D|$)|(?<![\d.A-Za-z])\.\d+(?=\D|$)"), lambda m: number(m[0])),
    # counted things
    (re.compile(rf"(?<![\d.])(\d+)( ?[多余几]| ?\+)?(?= ?({_MEASURE}))"), _measured),
    (re.compile(r"(?<![\d.])(\d+)(?=[多余几])"), lambda m: number(m[1])),
    (re.compile(r"(?<=[百千万亿]) ?\+(?!\d)"), "多"),
    (re.compile(r"(?<![\d.])(\d{2,}) ?\+(?![\d(（]|[^\W\u4e00-\u9fa5A-Za-z])(?! ?[A-Za-z]{5})"),
     lambda m: number(m[1]) + "多"),
    (re.compile(r"\d+"), _plain_number),
    (re.compile(r"和/或"), "和或"),
    (re.compile(r"(?<=[他她它您是男有真对])/(?=[他她它您否女无假错])"), "或"),
    (re.compile(_EACH), "每"),
    (re.compile("(?<=[元块角分])/(?=[一二两三四五六七八九十百千]+(?:克|千克|斤|公斤|毫升|升|米|个|只|张|件))"), "每"),
    (re.compile("∠"), "角"),
    (re.compile(r"(?<=[\u4e00-\u9fa5])[/-](?=[\u4e00-\u9fa5])"), "，"),
    (re.compile(r"(?<=[\u4e00-\u9fa5])(?<![元块角分次])/(?=[A-Za-z]{4})"), "，"),
    (re.compile(r"(?<=[元块角分币克米升吨度斤人次件条字只个台辆转拍下步包份张位圆数百千万亿])/"), "每"),
    (re.compile(r"(?<=[\u4e00-\u9fa5])/"), "，"),
    (re.compile(r"(?<=[\u4e00-\u9fa5] )-{1,2}(?=[A-Za-z])|(?<=[\u4e00-\u9fa5])--(?=[a-z])"
                r"|(?:^|(?<=[A-Za-z\s,，]))-{1,2}(?=[A-Za-z])"), "杠"),
    (re.compile(r"(?<![A-Za-z])/|/(?![A-Za-z])"), "，"),
    (re.compile(r"/"), "每"),
    (re.compile(r"\+"), "加"),
    (re.compile(r"×"), "乘"),
    (re.compile(r"÷"), "除以"),
    (re.compile(r"(?<!=)=(?!=)"), "等于"),
)  # fmt: skip
