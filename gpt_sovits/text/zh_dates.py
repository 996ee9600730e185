"""Chinese dates, clock times and durations: digits -> words."""

from __future__ import annotations

import re
from collections.abc import Callable

from gpt_sovits.text.zh_numbers import cardinal, number, spell_digits

Rule = tuple[re.Pattern[str], "str | Callable[[re.Match[str]], str | None]"]

DASH = r" ?(?:[\-~～至]|—{1,2}|–) ?"

_LASTING = re.compile(r"(?:了|过|近|约|满|有|整整|这|那|达|超|共|前|后|每|隔|第|经|长|用|花|需|要|的|到|住|年)$")
_SPENT = re.compile(
    r"(?:用时|耗时|历时|时长|时间长|长度|成绩|全程|片长|计时|还剩|剩余|剩下|倒数|持续|长达|第[一二三四]节|播放到|进度条?|跑了|用了|花了|游了"
    r"|纪录|记录|总时间|[全半]马|马拉松)[^，。,0-9]{0,4}$"
)
_FINISHED = re.compile("的?(?:完赛|冲线|夺冠|夺金|撞线|跑完|到达终点|破纪录)")
_AGES = re.compile("(?:的|约|近|达|历经|经过|整整|持续|超过)$")
_AGES_LONG = re.compile(" ?年(?:里|间|来|之久|以来|的?时间|的?历史|后|前)")
_FEAST = re.compile(
    r"[ （(]{0,2}[^，。,0-9]{0,4}(?:节|放假|上班|开学|开工|出发|截止|生日|到期|当天|夜|晚|早|上午|下午|星期"
    r"|周[一二三四五六日天]|上线|入职|结束|见面|开始|开会|发布)"
)
_PART = re.compile(
    r"(?:占|约|为|(?<!日期)(?<!时间)(?<!截止)(?<!dl)(?<!line)是|近|超过|不到|减少|增加|只有|其中|剩)了?$"
)
_SCORE = re.compile("(?:比分|比数|半场|全场|[主客]场|点球|加时赛?|以|决赛|胜|败|负|平|战成|领先|落后)[^，。,]{0,4}$")
_SCREEN = re.compile("的?(?:宽?屏|显示|画[面幅]|比例|分辨率|长宽|宽高|液晶|视频|照片|投影)")
_WON = re.compile(r"[^，。,]{0,2}(?:战胜|获胜|击败|取胜|险胜|大胜|完胜|逆转|领先|落后|战平|横扫|不敌|负于|告负)")


def _before(match: re.Match[str], count: int = 16) -> str:
    return match.string[max(0, match.start() - count) : match.start()]


def _after(match: re.Match[str], count: int = 16) -> str:
    return match.string[match.end() : match.end() + count]


def month_day(month: str, day: str, mark: str = "日") -> str:
    """``3``, ``08`` -> 三月八日."""
    return f"{cardinal(month)}月{cardinal(day)}{mark}"


def is_score(before: str) -> bool:
    """Whether two numbers after ``before`` are the score of a match."""
    return _SCORE.search(before) is not None


def slashed_date(top: str, bottom: str, before: str, after: str) -> str | None:
    """``12/25`` as a day where the words around it say so, else None."""
    month, day = int(top), int(bottom)
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    if after[:1] in ("日", "号"):
        return month_day(top, bottom, "")
    late = 12 < day and not _PART.search(before) and not re.match("[的个小天]|决赛", after)
    if late or day == 1 or top[0] == bottom[0] == "0" or _FEAST.match(after):
        return month_day(top, bottom)
    return None


def _date(match: re.Match[str]) -> str | None:
    if not (1 <= int(match[3]) <= 12 and 1 <= int(match[4]) <= 31):
        return None
    return f"{spell_digits(match[1])}年{month_day(match[3], match[4])}"


def _life(match: re.Match[str]) -> str | None:
    """（１０２１－１０８６）: the years of a life or a dynasty."""
    first, last = int(match[1]), int(match[2])
    if not 0 < last - first < 400 or last > 2100 or not re.search("[\u4e00-\u9fa5][（(]$", _before(match)):
        return None
    return f"{spell_digits(match[1])}到{spell_digits(match[2])}"


def _year(match: re.Match[str]) -> str | None:
    """A 2-digit 年 is a calendar year (98年) unless it is counted (了20年, 10年前)."""
    if len(match[1]) == 2:
        counted = _LASTING.search(_before(match))
        after = match.string[match.end() + 1 : match.end() + 2]
        if counted or after and after in "前后来间内以多级期龄的制" or match[1][1] == "0" and "0" < match[1][0] < "6":
            return cardinal(match[1])
    elif re.match(" ?年的?(?:文明|文化|历史)", _after(match)) and not 1800 < int(match[1]) <= 2100:
        return cardinal(match[1])
    elif _AGES.search(_before(match)) and _AGES_LONG.match(match.string[match.end() :]):
        if not 1800 < int(match[1]) <= 2100 or re.search("(?:去|来|后)的$|[约近达整]$", _before(match)):
            return cardinal(match[1])  # 接下来的1500年里
    return spell_digits(match[1])


def _clock(hour: str, minute: str, second: str | None = None) -> str:
    words = ("两" if int(hour) == 2 else cardinal(hour)) + "点"
    tens = "零" if minute[0] == "0" and int(minute) else ""
    if second and int(second):
        return words + (tens or "") + f"{cardinal(minute)}分{'零' if second[0] == '0' else ''}{cardinal(second)}秒"
    if int(minute) == 30:
        return words + "半"
    return words + (f"{tens}{cardinal(minute)}分" if int(minute) else "")


def _count(value: str, unit: str) -> str:
    return ("两" if int(value) == 2 else cardinal(value)) + unit if int(value) else ""


def _lasted(parts: list[str]) -> str:
    """Hours, minutes and seconds (or the last two of them) as a stretch of time."""
    if len(parts) == 2:
        minutes = _count(parts[0], "分" if int(parts[1]) else "分钟")
        return minutes + (f"{cardinal(parts[1])}秒" if int(parts[1]) or not minutes else "")
    seconds = f"{cardinal(parts[2])}秒" if int(parts[2]) else ""
    minute = "分" if seconds else "分钟"
    return (_count(parts[0], "小时") + _count(parts[1], minute) + seconds) or "零秒"


def _time(match: re.Match[str]) -> str | None:
    """Minutes and seconds that 分 and 秒 repeat are said once; in a match the two numbers are a score."""
    before, after = _before(match), _after(match)
    half = match[4]
    if half:
        said = re.search(r"[早晨上中下午晚夜]\S{0,2} ?$", before)
        return ("" if said else "上午" if half[0] in "aA" else "下午") + _clock(match[1], match[2], match[3])
    if not match[3] and (is_score(before) or _WON.match(after[:8]) or _SCREEN.match(after)):
        return f"{cardinal(match[1])}比{cardinal(match[2])}"
    return _clock(match[1], match[2], match[3]) if int(match[1]) <= 24 else None


def _duration(match: re.Match[str]) -> str | None:
    if _SPENT.search(_before(match)) or _FINISHED.match(_after(match)) or match[3] and int(match[1]) > 24:
        return _lasted([part for part in (match[1], match[2], match[3]) if part])
    return None


def _units_of_time(match: re.Match[str]) -> str:
    hours, minutes, seconds = match[1], match[2], match[3]
    words = _count(hours, "小时") if hours else ""
    words += _count(minutes, "分" if seconds else "分钟") if minutes else ""
    return words + (_count(seconds, "秒") if seconds else "")


def _primes(match: re.Match[str]) -> str:
    """1'30": minutes and seconds, or feet and inches of a height."""
    if re.search("(?:身高|高|长|宽)[^，。,0-9]{0,3}$", _before(match)):
        return f"{cardinal(match[1])}英尺{cardinal(match[2])}英寸"
    return f"{cardinal(match[1])}分{cardinal(match[2])}秒"


_CLOCK = r"(?<![\d.:])(\d{1,2}):([0-5]\d)(?::([0-5]\d))?(?![\d:])"
_PLAIN_CLOCK = _CLOCK.replace("(", "(?:").replace("(?:?", "(?")
_YEAR = r"(?<!\d)((?:19|20)\d\d)"

DATES: tuple[Rule, ...] = (
    (re.compile(r"(?<=[（(])(\d{3,4})(?:[\-~～–]|—{1,2})(\d{3,4})(?=[）)])"), lambda m: _life(m)),
    (re.compile(r"(?<![\d.])([1-9]0)(?=年代|、[1-9]0年代)"), lambda m: cardinal(m[1])),
    (re.compile(rf"{_YEAR}/((?:19|20)\d\d)(?!\d)"), lambda m: f"{spell_digits(m[1])}到{spell_digits(m[2])}"),
    (re.compile(rf"{_YEAR}[/\-](\d\d)(?=赛季|年度|学年|财年)"),
     lambda m: f"{spell_digits(m[1])}到{spell_digits(m[2])}"),
    (re.compile(r"(?<!\d)(\d{4})([\-/. ])(\d{1,2})\2(\d{1,2})(?![\d.]\d|\d)"), _date),
    (re.compile(rf"{_YEAR}[\-/](0[1-9]|1[0-2])(?![\d\-/.])"), lambda m: f"{spell_digits(m[1])}年{cardinal(m[2])}月"),
    (re.compile(rf"{_YEAR}\.(0?[1-9]|1[0-2])(?={DASH}(?:(?:19|20)\d\d\.|今|现在))"),
     lambda m: f"{spell_digits(m[1])}年{cardinal(m[2])}月"),
    (re.compile(rf"(?<=月)({DASH})((?:19|20)\d\d)\.(0?[1-9]|1[0-2])(?![\d.])"),
     lambda m: f"到{spell_digits(m[2])}年{cardinal(m[3])}月"),
    (re.compile(rf"(?<!\d)((?:18|19|20)\d\d){DASH}((?:18|19|20)?\d\d)(?=年)"),
     lambda m: f"{spell_digits(m[1])}到{spell_digits(m[2])}"),
    (re.compile(r"(?<=['’‘])(\d\d)(?=年|届|级)"), lambda m: spell_digits(m[1])),
    (re.compile(rf"{_YEAR}(?=[级届](?:学|新|毕业|本科|硕|博|的|校友|同学|班))"), lambda m: spell_digits(m[1])),
    (re.compile(r"(?<![\d.])(\d{4}|\d{2})(?= ?年(?!级|以上|以下))"), _year),
    (re.compile(r"(?<![\d.])(\d0)(?=后(?!天|面|期|续|退|来))"), lambda m: spell_digits(m[1])),
    (re.compile(r"(?<![\d.])((?:19|20)\d0)s(?![A-Za-z])"), lambda m: f"{spell_digits(m[1])}年代"),
    (re.compile(r"(?<![\d.])(1[0-2]|0?[1-9]) ?月 ?([12]\d|3[01]|0?[1-9]) ?([日号])"),
     lambda m: month_day(m[1], m[2], m[3])),
)  # fmt: skip

UNITS_OF_TIME: tuple[Rule, ...] = (
    (re.compile(r"(?<![\d.])(\d+)h ?(\d+)(?:min|m)?(?: ?(\d+)s)?(?![A-Za-z\d])"), _units_of_time),
    (re.compile(r"(?<![\d.])()(\d+)(?:min|m) ?(\d+)s(?![A-Za-z\d])"), _units_of_time),
)

# Not in the checkpoints' frontend, which reads every one as a time of day.
DURATIONS: tuple[Rule, ...] = ((re.compile(_CLOCK), _duration),)

_BOOKS = (
    "创世[记纪]|出埃及记|利未记|民数记|申命记|约书亚记|士师记|路得记|撒母耳记[上下]|列王[记纪][上下]|历代志[上下]|以斯拉记|"
    "尼希米记|以斯帖记|约伯记|诗篇|箴言|传道书|雅歌|(?:以赛亚|耶利米|以西结|但以理|何西阿|约珥|阿摩司|俄巴底亚|约拿|弥迦|那鸿|"
    "哈巴谷|西番雅|哈该|撒迦利亚|玛拉基|罗马|加拉太|以弗所|腓立比|歌罗西|提多|腓利门|希伯来|雅各|犹大)书|耶利米哀歌|"
    "(?:马太|马可|路加|约翰)福音|使徒行传|(?:哥林多|帖撒罗尼迦|提摩太|彼得)[前后]书|约翰[一二三]书|启示录"
)


def _verse(match: re.Match[str]) -> str:
    """约翰福音3:16-18: chapter and verses."""
    last = f"到{cardinal(match[5])}" if match[5] else ""
    chapter = "篇" if match[1] == "诗篇" else "章"
    return f"{match[1]}{match[2]}{cardinal(match[3])}{chapter}{cardinal(match[4])}{last}节"


TIMES: tuple[Rule, ...] = (
    (re.compile(r"(?<![\d\-])(\d{1,3})[-–](\d{1,3})(?=(?:[、，,和及] ?\d{1,3}[-–]\d{1,3})*(?:的比分|的成绩)?"
                r"(?:直落|连下|拿下|[两三四]局|获胜|取胜|战胜|击败|击退|险胜|大胜|完胜|负于|不敌|逆转))"),
     lambda m: f"{cardinal(m[1])}比{cardinal(m[2])}"),
    (re.compile(rf"({_BOOKS})(》?)(\d{{1,3}}):(\d{{1,3}})(?:{DASH}(\d{{1,3}}))?(?![\d:])"), _verse),
    (re.compile(rf"({_PLAIN_CLOCK}){DASH}(?={_PLAIN_CLOCK})"), lambda m: m[1] + "至"),
    (re.compile(_CLOCK + "(?:(?<=:[0-5][0-9])分(?![之钟])| ?([aApP][mM])(?![A-Za-z]))?"), _time),
    (re.compile(r"(?<![\d.°])(\d{1,3})['′’](\d{1,2})(?:[\"″”]|'')"), _primes),
    (re.compile(r"(?<=\d秒)(\d\d?)(?!\d)"), lambda m: spell_digits(m[1])),
    (re.compile(r"(?<=[分时])0([1-9])(?=[分秒])"), lambda m: spell_digits("0" + m[1])),
    (re.compile(r"(?<![\d:.])(\d+(?:\.\d+)?) ?: ?(\d+(?:\.\d+)?)(?![\d:])"),
     lambda m: f"{number(m[1])}比{number(m[2])}"),
    (re.compile(r"(?<![\d.])0?2(?=点(?:\d{1,2}分|(?![\d零一二三四五六七八九]|[钱球])))"), "两"),
    (re.compile(r"(?<=[点分半时])[\-~～—–]"
                r"(?=(?:[早晚]上?|[上下中]午|凌晨|次日|夜里|傍晚)[一二两三四五六七八九十])"), "到"),
    (re.compile(r"(?:(?<=[日号月年点半时分秒])|(?<=[(（]周[一二三四五六日天][)）]))"
                r"(?:[\-~～–]|—{1,2})(?=[\d一二三四五六七八九十正])"), "到"),
    (re.compile(r"(?<=[甲乙丙丁戊])[\-~～—–](?=[乙丙丁戊己])"), "到"),
    (re.compile(r"(?<=(?:周|期|拜)[一二三四五六日天])[\-~～—–](?=周|星期|礼拜)"), "到"),
)  # fmt: skip
