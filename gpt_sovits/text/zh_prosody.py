# ruff: noqa: E501
"""Tones of a whole clause, after the tone rules inside each word (``sandhi``): 一 and 不 by what they count and what
follows, 地 得 的 子 by word and tag, final 儿, and third tones across words.

The checkpoints' training frontend has none of these; ``zh_g2p`` leaves them out where it is followed to the letter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gpt_sovits.text.zh_words import Token, known

_DIGITS = frozenset("零〇一二三四五六七八九")
# Words that end in 一 and count on: 这一天, 另一方面.
_OPEN_ONE = frozenset(
    "这一 那一 另一 某一 同一 每一 任一 有一 哪一 上一 下一 前一 后一 进一 近一 头一 无一 每逢一".split()
)
_ORDINAL_BEFORE = re.compile(
    "(?:第|之|周|星期|礼拜|初|[一二三四五六七八九两]十|[^几]十|^十|零|[零一二三四五六七八九]点|[零一二三四五六七八九十]比|[统唯逐])$"
)
_COUNT_AFTER = re.compile("[次个遍回趟刻千万]|百(?!货)")
# A year (一九四一年), a king.
_NUMBERED = re.compile("[零一二三四五六七八九]{3}一年$|[尔斯特德亚莱曼普林白丁迪齐世]一世$")
# The first of May, 五一, and class 三一.
_DAY_BEFORE = re.compile("(?<![周期初拜十])[二三四五六七八九]$")
_DAY_AFTER = re.compile("劳动|儿童|建军|国际|节|黄金周|假|小长假|大厅|广场|班")
_SCHOOL_YEAR = re.compile("(?:新生|学生|的|年级|上学期|下学期|同学|时|那年|开学|学期|$)")
# What 一 numbers rather than counts: 一月, 一号线, 一楼, 一等奖, 一线城市.
_ORDINAL_AFTER = re.compile(
    "月(?!饼|球|亮|光|之|余|有余)|号|楼|单元|年级|季度|把手|型|等(?:奖|功|舱|座|公民|品|兵|残|星|恒星)|级(?!级|一级)|线(?!希望|生机|天|牵|光|生|之|阳光|曙光)"
    "|流(?!水(?!平|准))|期(?!一会)|审|模(?!一样)|比[零一二三四五六七八九十]|路(?=车|公交|汽车|电车)|类(?=疫苗|保护|地区|文物)|点[零一二三四五六七八九]"
    "|中(?=$|的|学|学生|操场|食堂|校)|战(?=时期|期间|爆发|结束|后|前)|代(?=身份证|产品|机)|手(?=资料|消息|信息|的?材料|房|车|货|数据)"
)
_ALONE = re.compile("^一(?:层|班|组|队|栋|排|座|区|楼|号|是|级)?$")
_DE2 = frozenset(
    "获得 取得 赢得 夺得 求得 博得 难得 不得 心得 所得 应得 落得 分得 摘得 拔得 习得 购得 换得 赚得 争得 讨得 寻得 觅得 录得 偷得 两得 自得 贪得".split()
)
_REDUPLICATED = re.compile(r"(.)\1$|(.)(.)\2\3$|(.)\4(.)\5$")
_CHILD = frozenset(
    "电子 原子 分子 离子 粒子 质子 中子 量子 孔子 孟子 老子 庄子 荀子 墨子 韩非子 孙子兵法 男子 女子 父子 母子 弟子 才子 天子 太子 王子 公子 君子 学子 游子 浪子 赤子 孝子 逆子 "
    "义子 长子 次子 独子 之子 一子 夫子 臣子 世子 皇子 莲子 鱼子 精子 卵子 因子 孢子 核子 光子 晶子 亲子 童子 西子 仙子 竖子 士子 举子 骄子 巨子 独生子 私生子 美男子 奇女子 "
    "弱女子 孔夫子 老夫子 正人君子 伪君子 高分子 反质子 等离子 负离子 微电子 养子 爱子 贵子 幼子 庶子 嫡子 妻子儿女 子弟 王太子 皇太子 花花公子 黑孩子 无子 生子 得子 丧子 有子 弃子 棋子 落子 "
    "种子选手 瓜子脸 孔子学院 进士及第 才女".split()
)
# 儿 is a child here, not the end of a syllable.
_CHILDREN = re.compile(
    "(?:婴|幼|女|孤|胎|少|育|健|孩|娇|男|血|弃|生|产|宠|患|能|小|儿|吾|妻|侄|孙|托|哪吒|混血|畸形|弄潮|早产)儿$"
)
# Ground that jieba's list tags as it tags 真诚地.
_LANDS = frozenset(
    "休耕地 休闲地 发生地 发货地 可耕地 埋葬地 埋藏地 度假地 开阔地 拍摄地 撂荒地 熟荒地 留余地 留种地 盐硷地 缓冲地 自留地 惊天地 非耕地 空旷地 空闲地 "
    "木樨地 乐满地 北领地 整块地 一席地 单打地".split()
)
_BOUNDS = frozenset("以上 以下 之上 之下 上下".split())  # full syllables, unlike 桌上
_LAUGHTER = frozenset("哈呵嘿嘻呜哇嘎汪喵咚叮砰哗呱")


@dataclass
class Clause:
    """A clause while its tones are settled: ``base`` finals as the words are listed, ``finals`` as they are spoken."""

    text: str
    tokens: Sequence[Token]
    base: list[str]
    finals: list[str]
    fixed: frozenset[int]

    def set(self, at: int, tone: int, final: str | None = None) -> None:
        """Gives the character ``at`` this tone, unless its reading was given by hand."""
        if at not in self.fixed:
            self.finals[at] = (final or self.finals[at][:-1]) + str(tone)

    def tone(self, at: int) -> str:
        """The tone spoken at ``at``, "" outside."""
        return self.finals[at][-1] if 0 <= at < len(self.finals) else ""


def _ordinal(before: str, after: str) -> bool:
    """Whether what stands before 一 makes it a place in a row (周一), not a count (一周一次, 九点一刻)."""
    if not _ORDINAL_BEFORE.search(before):
        return False
    return before[-1] not in "周期拜点比" or not _COUNT_AFTER.match(after)


def _one(clause: Clause, at: int, word: str, pos: str, inside: int) -> int | None:
    """The tone of 一, None to leave it as it is."""
    text = clause.text
    before, after = text[max(0, at - 6) : at], text[at + 1 : at + 8]
    last = inside == len(word) - 1
    if clause.tone(at) == "5":
        return None
    if before.endswith("点") and after[:1] in ("的", "是", "和", "版", "以", "之"):
        return 1
    if (
        not after
        or _ALONE.match(text)
        or "一一" in word
        or _NUMBERED.search(before + "一" + after[:1])
        or _DAY_BEFORE.search(before)
        and _DAY_AFTER.match(after)
    ):
        return 1
    if after[0] in _DIGITS or _ordinal(before, after) or _ORDINAL_AFTER.match(after):
        return 1
    if (
        after[0] == "日"
        and before.endswith("月")
        or after[0] in "层班排座"
        and before[-1:] in ("元", "级", "栋", "楼", "住")
    ):
        return 1
    if last and len(word) > 1 and word not in _OPEN_ONE and pos not in ("m", "mq") or pos == "nr" and inside:
        return 1
    if before[-1:] in tuple("高大研") and _SCHOOL_YEAR.match(after):
        return 1
    return 2 if clause.base[at + 1][-1] == "4" else 4


def _earth(clause: Clause, index: int, begin: int, listed: Callable[[str], bool]) -> tuple[int, str] | None:
    """地: ground inside words (di4), the mark of an adverb after one (de5)."""
    word, pos = clause.tokens[index]
    if len(word) > 1 and clause.text[begin] == "地":  # 慢慢地化, cut in the wrong place
        doubled = _REDUPLICATED.search(clause.text[max(0, begin - 4) : begin])
        adverb = index and clause.tokens[index - 1][1][:1] in ("a", "d", "z", "i") and not listed(word)
        again = re.search("一(.)又一\\1$", clause.text[max(0, begin - 5) : begin])
        return (5, "e") if doubled and word[:2] not in ("地方", "地图", "地铁", "地球") or adverb or again else None
    if word == "目的地" and clause.text[:begin].endswith("有") and clause.tokens[index + 1 : index + 2]:
        return (5, "e") if clause.tokens[index + 1][1][:1] == "v" else (4, "i")
    if len(word) > 1:
        if (
            len(word) > 2
            and word[-2] in "性式般"
            or len(word) == 3
            and pos in ("i", "l", "z", "d")
            and word not in _LANDS
            or pos == "d"
            and word not in ("特地", "就地", "随地", "实地", "当地", "暗地", "驻地", "此地")
            or _REDUPLICATED.search(word[:-1])
        ):
            return 5, "e"
        return 4, "i"
    if not index:
        return 4, "i"
    if index + 1 == len(clause.tokens):  # 谨慎地，逐步地
        return (
            (5, "e") if len(clause.tokens[index - 1][0]) > 1 and clause.tokens[index - 1][1][:1] in "adz" else (4, "i")
        )
    before, tag = clause.tokens[index - 1]
    following = clause.tokens[index + 1][1]
    if (
        len(clause.text[:begin]) > 2
        and clause.text[begin - 1] in "性式般"
        and following[:1] in ("v", "d", "a", "p", "i", "n")
    ):
        return 5, "e"
    if (
        len(before) > 1
        and tag not in ("n", "ns", "nz", "s", "f", "r")
        and re.match("地等[着了到待]", clause.text[begin:])
    ):  # jieba: 等, a particle
        return 5, "e"
    if following[:1] in ("f", "u") or tag in ("ns", "nr"):
        return 4, "i"
    doubled = _REDUPLICATED.search(clause.text[max(0, begin - 4) : begin])
    if tag == "v" and not doubled and following in ("b", "n", "uj"):  # 生产地主要是
        return 4, "i"
    if (
        doubled
        or tag[:1] in ("a", "d", "z", "i", "l", "v", "o", "b")
        or len(before) > 1
        and following[:1] in ("v", "p", "d")
    ):
        return 5, "e"
    return (5, "e") if following[:1] in ("v", "d", "p") and tag[:1] in ("m", "q", "t", "u") else (4, "i")


def _gain(word: str, inside: int, listed: Callable[[str], bool]) -> tuple[int, str] | None:
    """得 inside longer words: 获得, but 觉得 and 跑得快 (complements)."""
    if len(word) < 2 or not inside:
        return None
    if inside + 1 < len(word) and word[inside - 1 : inside + 1] in _DE2:
        return 2, "e"
    if len(word) > 2 and word[-2:] == "不得":
        return 5, "e"
    if word[-1] == "得":
        return (2, "e") if word[-2:] in _DE2 else (5, "e")
    return None if listed(word) else (5, "e")


def _child(clause: Clause, at: int, word: str, listed: Callable[[str], bool]) -> int | None:
    """子 is a full syllable in 电子, 孔子, 男子; the suffix of 桌子 is neutral."""
    if len(word) < 2 or word in ("妻子", "妃子"):
        return None
    if word in _CHILD or word[-2:] in _CHILD and not listed(word):
        return 3
    return 3 if listed(word) and clause.base[at][-1] == "3" else None


def _final_r(clause: Clause, at: int, word: str, pos: str, listed: Callable[[str], bool]) -> None:
    """儿 takes the tone of the syllable that it colours; in 婴儿 and in names it is a syllable of its own."""
    named = pos in ("nr", "nrt") and not listed(word) and not known(word[:-1]) and not listed(word[:-1])
    if len(word) > 1 and not _CHILDREN.search(word) and not named and pos not in ("a", "j"):
        clause.set(at, int(clause.base[at - 1][-1].replace("5", "2")), "er")
    elif len(word) > 1:
        clause.set(at, 2, "er")


def _third(clause: Clause) -> None:
    """A third tone before a third tone rises, across words too."""
    starts = set()
    at = 0
    for word, _ in clause.tokens:
        starts.add(at)
        at += len(word)
    for i in range(len(clause.finals) - 2, -1, -1):
        if clause.tone(i) == "3" == clause.tone(i + 1) == clause.base[i + 1][-1] and i + 1 in starts:
            clause.set(i, 2)


def _last(clause: Clause, at: int, index: int, begin: int, listed: Callable[[str], bool]) -> None:
    """地 得 的 子 儿, mostly at the end of their words."""
    char = clause.text[at]
    word, pos = clause.tokens[index]
    last = at + 1 == begin + len(word)
    found: tuple[int, str] | None = None
    if word in _BOUNDS and last:
        found = 4, clause.finals[at][:-1]
    elif char == "得":
        found = _gain(word, at - begin, listed)
    elif char == "地" and (last or at == begin):
        found = _earth(clause, index, begin, listed)
    elif char == "的" and last and len(word) > 1 and clause.base[at] == "i4" and listed(word):
        found = 4, "i"
    elif char == "子" and at == begin and len(word) > 1:
        found = 3, clause.finals[at][:-1]
    elif char == "子" and (last or clause.text[at - 1 : at + 1] in _CHILD and at > begin):
        tone = _child(clause, at, word if last else clause.text[at - 1 : at + 1], listed)
        found = (tone, clause.finals[at][:-1]) if tone else None
    elif (
        char == "儿"
        and not last
        and at > begin
        and not listed(word)
        and word[at - begin + 1] not in "童子女媳科歌孙时戏"
    ):
        _final_r(clause, at, word[: at - begin + 1], "n", listed)
    elif char == "儿" and last:
        whole = clause.tokens[index - 1][0] + word if word == "儿" and index else word
        _final_r(clause, at, whole, pos if len(word) > 1 else "n", listed)
    if found:
        clause.set(at, *found)


def settle(clause: Clause, listed: Callable[[str], bool]) -> list[str]:
    """Finals of the clause as they are spoken. ``listed``: whether the phrase dictionary has a word."""
    at = 0
    for index, (word, pos) in enumerate(clause.tokens):
        end = at + len(word)
        for i in range(at, end):
            char = clause.text[i]
            if char == "一":
                tone = _one(clause, i, word, pos, i - at)
                if tone:
                    clause.set(i, tone)
            elif char == "不" and clause.tone(i) in ("2", "4") and i + 1 < len(clause.text):
                clause.set(i, 2 if clause.base[i + 1][-1] == "4" else 4)
            elif char in "地得的子儿上下":
                _last(clause, i, index, at, listed)
            if char in _LAUGHTER and i and clause.text[i - 1] == char:
                clause.set(i, int(clause.base[i - 1][-1]))
        at = end
    _third(clause)
    return clause.finals
