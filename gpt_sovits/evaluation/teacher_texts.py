"""Texts for a teacher to read: made up here, so that a few hours hold every sound in every place.

Three inventories are gone through again and again in a new order, so that any beginning of the corpus is even: every
Mandarin syllable with each of its tones, every English phone at the beginning, in the middle and at the end of a
word, and every pair of English phones that the dictionary knows. Around them stand sentences from templates:
statements, questions, requests, lists, names, numbers, dates, one word, sixty words, both languages in one.
"""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Generic, TypeVar

import numpy as np

from gpt_sovits.text.data import FOLDER, pronunciations
from gpt_sovits.text.zh_g2p import pinyin_phones, readable

K = TypeVar("K")

KINDS = ("en words", "zh words", "en", "zh", "mixed", "en numbers", "zh numbers", "en long", "zh long", "one word")
# how often each kind is drawn, of a hundred
SHARES = {"en words": 14, "zh words": 16, "en": 18, "zh": 22, "mixed": 10, "en numbers": 4, "zh numbers": 4,
          "en long": 4, "zh long": 4, "one word": 4}  # fmt: skip

NAMES = (
    "Alice Ben Clara Daniel Emma Frank Grace Henry Isabel Jack Karen Liam Maria Nathan Olivia Peter Quentin Rachel "
    "Simon Teresa Ursula Victor Wendy Xavier Yvonne Zachary"
).split()
PLACES = (
    "London Chicago Sydney Toronto Boston Dublin Oxford Denver Seattle Auckland Cambridge Houston Edinburgh Paris "
    "Berlin Tokyo Madrid Vienna Cairo Mumbai"
).split()
NOUNS = (
    "teacher river window garden engine letter doctor kitchen village picture mountain bridge shoulder treasure "
    "question church judge measure thing feather youth voyage leather beach farm boy house noise cow book wood moon "
    "fruit bird nurse world hair chair fire flower hour idea theatre museum onion lemon cheese juice vision garage "
    "song finger thumb tooth path bath rope stone cake lake cloud crowd toy coin sheep ship pen pan pin bottle apple "
    "table camel tunnel button pigeon squirrel orange yellow jacket knife wheel queen square string splash"
).split()
ADJECTIVES = (
    "small bright quiet heavy ancient yellow curious gentle hungry broken foolish narrow southern thirsty smooth rough "
    "cheap huge strange loyal proud sour pure rare clear young old cold warm dusty shiny loud English Chinese usual"
).split()
PAST = (
    "watched found opened painted carried followed measured remembered forgot bought caught threw pulled pushed "
    "chose changed judged finished loved moved washed asked helped touched joined employed cooked heard noticed"
).split()
TODAY = (
    "watch find open paint carry follow measure remember forget buy catch throw pull push choose change judge finish "
    "love move wash ask help touch join employ cook hear notice"
).split()
PLACED = "behind under above beside beyond near against across between through inside without around toward".split()
WHEN = (
    "yesterday|every morning|last Thursday|in the evening|at noon|after the storm|before breakfast|in February|"
    "this weekend|tonight|once a year|on her birthday|during the winter|long ago"
).split("|")
OPENERS = "Well|Of course|However|To be honest|In the end|At first|Luckily|Oh|Perhaps|By the way|As usual".split("|")
PHRASES = (
    "how are you|good morning|thank you very much|see you later|I am sorry|what a pity|never mind|take your time|"
    "that's all right|I don't think so|it doesn't matter|you're welcome|nice to meet you|wait a minute|hurry up|"
    "let's go|I'd love to|we'll see|they've gone|she isn't here|who's there|mind the step|have a good day"
).split("|")

ZH_PEOPLE = "我 你 他 她 我们 他们 老师 医生 孩子 妈妈 爸爸 朋友 同学 老板 邻居 司机 警察 奶奶 爷爷 学生 客人 姐姐 弟弟".split()
ZH_NAMES = "王小明 李娟 张伟 刘洋 陈静 杨帆 赵云 黄磊 周涛 吴倩 徐峰 孙悦 胡军 朱琳 高远 林芳 何平 郭瑞 马超 罗丹 宋佳 郑凯 谢娜 韩雪".split()
ZH_PLACES = "北京 上海 广州 深圳 成都 杭州 西安 南京 重庆 武汉 长沙 昆明 拉萨 哈尔滨 学校 公园 医院 图书馆 火车站 超市 厨房 海边 山上".split()
ZH_THINGS = (
    "苹果 雨伞 书包 手机 电影 米饭 牛奶 茶叶 报纸 衣服 钥匙 自行车 词典 照片 礼物 桌子 月亮 花瓶 热水 鸡蛋 蔬菜 地图 日记 船票 耳机 雪人 "
    "女儿 律师 绿灯 云彩 军队 群众 学院 全家 穷人 兄弟 英雄 熊猫 二胡 小孩儿 花儿 饺子 骆驼 葡萄 蜻蜓 蝴蝶"
).split()
ZH_VERBS = "看见 买了 忘了 喜欢 找到 打开 拿着 洗了 准备好 借走了 画过 丢了 听说过 想要 送来 换掉 修好 描写 收起来 放下".split()
ZH_TIMES = "今天 明天 昨天晚上 上个星期 早上 下午三点 春天 周末 刚才 去年 每天 马上 以前 最近 中秋节 那天夜里".split()
ZH_ADJ = "漂亮 安静 危险 便宜 奇怪 聪明 热闹 干净 有趣 困难 舒服 暖和 着急 严肃 圆 软 瘦 厚 脆 鲜 穷 勇敢".split()
ZH_TAILS = "好吗 对不对 是不是 行不行 可以吗 怎么样 呢".split()
ZH_PHRASES = (
    "你好|谢谢你|对不起|没关系|再见|请坐|慢走|别着急|太好了|真的吗|怎么办|我不知道|当然可以|辛苦了|早上好|好久不见|请问现在几点|"
    "祝你生日快乐|注意安全|等一下|我马上就来|没问题|随便看看|这是什么|多少钱"
).split("|")
ZH_JOINS = "但是|所以|而且|不过|然后|因为|虽然这样|结果|后来|其实".split("|")
MIXED = (
    "我今天用{en}写了一封信。|这个{en}多少钱？|请把{en}放在{place}。|{name}说：“{phrase}.”|他的{en}比我的{en2}{adj}。|"
    "How do you say {zh} in English?|The word {zh} means {en}.|{person}想学{en}和{en2}。|My friend {zhname} lives in {place}.|"
    "我们在{city}买了一个{en}。|{phrase}，{zhphrase}。|Please tell {zhname} that I {verb} the {en}.|会议在{day}开始，别迟到，okay？|"
    "{zhname}的{en}在{city}，不在{place}。|I bought some {zh} for {name}.|打开{en}，然后点{en2}。|{name}和{zhname}都喜欢{zh}。"
).split("|")
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = "January February March April May June July August September October November December".split()


def english_inventory() -> dict[tuple[str, ...], list[str]]:
    """Words of the dictionary for every (place, phone) and every pair of neighbouring phones, stress left out."""
    found: dict[tuple[str, ...], list[str]] = {}
    for word, spoken in pronunciations().items():
        if not (word.isascii() and word.isalpha() and 3 <= len(word) <= 11):
            continue
        phones = ["".join(c for c in phone if not c.isdigit()) for phone in spoken.split()]
        keys: set[tuple[str, ...]] = {("first", phones[0]), ("last", phones[-1])}
        keys |= {("inner", phone) for phone in phones[1:-1]}
        keys |= set(itertools.pairwise(phones))
        for key in keys:
            found.setdefault(key, []).append(word)
    return {key: words for key, words in found.items() if len(words) >= 3}


def mandarin_inventory(words: Sequence[str]) -> dict[str, list[str]]:
    """Words that hold each syllable with its tone, e.g. ``ma3``; ``words`` are simplified, two to four characters."""
    from pypinyin import Style, lazy_pinyin

    found: dict[str, list[str]] = {}
    for word in words:
        for syllable in set(lazy_pinyin(word, style=Style.TONE3, neutral_tone_with_five=True)):
            if pinyin_phones(syllable) is not None:
                found.setdefault(syllable, []).append(word)
    return found


def mandarin_words(count: int = 40000) -> list[str]:
    """The most frequent words of two to four readable characters."""
    _, _, rest = gzip.decompress((FOLDER / "zh_words.txt.gz").read_bytes()).decode("utf-8").partition("\n")
    names, _, values = rest.partition("\n\n")
    usable = [
        (int(value.split(" ")[0]), word)
        for word, value in zip(names.split("\n"), values.split("\n"), strict=True)
        if 2 <= len(word) <= 4 and all(readable(char) and "\u4e00" <= char <= "\u9fff" for char in word)
    ]
    return [word for _, word in sorted(usable, reverse=True)[:count]]


class _Rounds(Generic[K]):
    """Every key once in a new order, then again."""

    def __init__(self, keys: Sequence[K], rng: np.random.Generator) -> None:
        self._keys, self._rng = list(keys), rng
        self._left: list[int] = []

    def __next__(self) -> K:
        if not self._left:
            self._left = [int(i) for i in self._rng.permutation(len(self._keys))]
        return self._keys[self._left.pop()]


class Texts:
    """Draws (kind, text) for ever. ``read``: sentences of real people by language, said among the made ones."""

    def __init__(self, rng: np.random.Generator, read: Mapping[str, Sequence[str]] | None = None) -> None:
        self.rng = rng
        self.read = {language: list(texts) for language, texts in (read or {}).items()}
        self._english = english_inventory()
        words = mandarin_words()
        self._common = words[:4000]
        self._mandarin = mandarin_inventory(words)
        self._english_round = _Rounds(sorted(self._english), rng)
        self._mandarin_round = _Rounds(sorted(self._mandarin), rng)
        lot = [kind for kind, share in SHARES.items() for _ in range(share)]
        self._kinds = _Rounds(lot, rng)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        while True:
            kind = next(self._kinds)
            yield kind, self.make(kind)

    def make(self, kind: str) -> str:
        """A text of the kind, one of ``KINDS``."""
        language, _, rest = kind.partition(" ")
        if kind == "mixed":
            return self._mixed()
        if kind == "one word":
            return str(self._any(["Yes.", "No!", "Really?", "好。", "是吗？", "Stop!", self._word() + ".", self._han() + "。"]))
        if rest == "words":
            return self._word_list(language)
        if rest == "numbers":
            return self._number(language)
        if rest == "long":
            return self._long(language)
        if self.read.get(language) and self.rng.random() < 0.4:
            return str(self._any(self.read[language]))
        return self._sentence() if language == "en" else self._mandarin_sentence()

    def _any(self, choices: Sequence[str]) -> str:
        return choices[int(self.rng.integers(len(choices)))]

    def _word(self) -> str:
        return self._any(self._english[next(self._english_round)])

    def _han(self) -> str:
        return self._any(self._mandarin[next(self._mandarin_round)])

    def _word_list(self, language: str) -> str:
        count = int(self.rng.integers(3, 7))
        if language == "en":
            words = [self._word() for _ in range(count)]
            if self.rng.random() < 0.4:
                return f"The {words[0]} {self._any(PAST)} the {words[1]}, and {self._any(NAMES)} said {words[2]}."
            return ", ".join(words).capitalize() + "."
        words = [self._han() for _ in range(count)]
        if self.rng.random() < 0.5:
            return f"{self._any(ZH_PEOPLE)}说{words[0]}和{words[1]}，{self._any(ZH_TIMES)}{words[2]}。"
        return "，".join(words) + "。"

    def _sentence(self) -> str:
        a, b, c = (self._any(NOUNS) for _ in range(3))
        one, two = self._any(ADJECTIVES), self._any(ADJECTIVES)
        name, verb, did = self._any(NAMES), self._any(TODAY), self._any(PAST)
        place, at, when = self._any(PLACES), self._any(PLACED), self._any(WHEN)
        return self._any([
            f"The {one} {a} {did} the {b} {at} the {c}.",
            f"{name} {did} a {two} {a} in {place} {when}.",
            f"Did {name} {verb} the {a} {when}?",
            f"Why would the {a} {verb} the {one} {b}?",
            f"Where is the {one} {a} that {name} {did}?",
            f"Please {verb} the {a} and the {b}.",
            f"{self._any(OPENERS)}, the {a} was {one}, but the {b} was {two}.",
            f"If you {verb} the {a}, {name} will {self._any(TODAY)} the {b}.",
            f"We saw the {a}, the {b}, and the {c} {at} the {self._any(NOUNS)}.",
            f"{self._any(PHRASES).capitalize()}, {name}!",
            f"{self._any(PHRASES).capitalize()}.",
            f"Isn't the {a} as {one} as the {b}?",
            f"There is nothing {at} the {a} but a {two} {b}.",
            f"I think {self._word()} is a {one} {a}.",
            f"{name}'s {a} is {one}, isn't it?",
        ])  # fmt: skip

    def _mandarin_sentence(self) -> str:
        who, other, thing = self._any(ZH_PEOPLE), self._any(ZH_NAMES), self._any(ZH_THINGS)
        verb, when, place, adj = self._any(ZH_VERBS), self._any(ZH_TIMES), self._any(ZH_PLACES), self._any(ZH_ADJ)
        word, more = self._any(self._common), self._han()
        return self._any([
            f"{when}{who}在{place}{verb}{thing}。",
            f"{who}{verb}{thing}，{self._any(ZH_JOINS)}{other}没有{verb}{self._any(ZH_THINGS)}。",
            f"{other}的{thing}很{adj}，{self._any(ZH_TAILS)}？",
            f"为什么{who}{when}不去{place}？",
            f"{place}的{thing}比{self._any(ZH_PLACES)}的{adj}多了。",
            f"请把{thing}给{other}。",
            f"谁{verb}了我的{thing}？",
            f"{self._any(ZH_PHRASES)}，{other}。",
            f"{self._any(ZH_PHRASES)}！",
            f"如果{when}下雨，{who}就在{place}{verb}{thing}。",
            f"{thing}、{self._any(ZH_THINGS)}和{self._any(ZH_THINGS)}都在{place}。",
            f"{who}觉得{word}非常{adj}。",
            f"{other}告诉{who}，{more}就是{word}的意思。",
            f"{word}{more}{self._any(self._common)}。",
            f"你知道{more}吗？",
            f"从{place}到{self._any(ZH_PLACES)}要走很久，{who}有点儿{adj}。",
        ])  # fmt: skip

    def _number(self, language: str) -> str:
        n, m = int(self.rng.integers(2, 100)), int(self.rng.integers(100, 20000))
        hour, minute = int(self.rng.integers(1, 12)), int(self.rng.integers(0, 60))
        year, day = int(self.rng.integers(1801, 2050)), int(self.rng.integers(1, 29))
        month = int(self.rng.integers(12))
        if language == "en":
            return self._any([
                f"It costs {n} dollars and {day} cents.", f"The {self._any(NOUNS)} weighs {m} pounds.",
                f"Meet me at {hour}:{minute:02d} on {self._any(DAYS)}.",
                f"She was born on {MONTHS[month]} {day}, {year}.", f"About {n}% of {m} people agreed.",
                f"Turn to page {n}, line {day}.", f"{n} times {day} is {n * day}.",
            ])  # fmt: skip
        return self._any([
            f"一共{m}块钱。", f"现在是{hour}点{minute}分。", f"他生于{year}年{month + 1}月{day}日。",
            f"大约有百分之{n}的人同意。", f"这条路长{n}.{day}公里。", f"{n}加{day}等于{n + day}。", f"请打开第{n}页，看第{day}行。",
        ])  # fmt: skip

    def _long(self, language: str) -> str:
        parts = int(self.rng.integers(2, 4))
        make = self._sentence if language == "en" else self._mandarin_sentence
        return (" " if language == "en" else "").join(make() for _ in range(parts))

    def _mixed(self) -> str:
        values = {"en": self._any(NOUNS), "en2": self._any(NOUNS), "place": self._any(ZH_PLACES), "adj": self._any(ZH_ADJ),
                  "name": self._any(NAMES), "zhname": self._any(ZH_NAMES), "phrase": self._any(PHRASES).capitalize(),
                  "zhphrase": self._any(ZH_PHRASES), "zh": self._han(), "person": self._any(ZH_PEOPLE),
                  "city": self._any(PLACES), "verb": self._any(PAST), "day": self._any(DAYS)}  # fmt: skip
        return self._any(MIXED).format(**values)


__all__ = ["KINDS", "SHARES", "Texts", "english_inventory", "mandarin_inventory", "mandarin_words"]
