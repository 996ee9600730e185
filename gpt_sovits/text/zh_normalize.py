"""Chinese text -> Han characters that have a reading, and the six kept marks.

One ordered list of replacements; each keeps the place in the original text (see ``tracked``).
"""

from __future__ import annotations

import re
from functools import cache

from gpt_sovits.text import zh_amounts, zh_dates
from gpt_sovits.text.data import table
from gpt_sovits.text.tracked import Tracked
from gpt_sovits.text.zh_g2p import readable
from gpt_sovits.text.zh_numbers import cardinal
from gpt_sovits.text.zh_words import simplify_table

_WIDTH = {code: chr(code - 0xFEE0) for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))}
_WIDTH |= {
    ord("％"): "%",
    ord("＋"): "+",
    ord("＝"): "=",
    ord("／"): "/",
    ord("＄"): "$",
    ord("￡"): "£",
    ord("∶"): ":",
}
_WIDTH |= {0x2080 + digit: str(digit) for digit in range(10)}  # CO₂
_WIDTH |= {ord("＊"): "*", ord("－"): "-", ord("〜"): "~", ord("∼"): "~", ord("﹣"): "-", ord("‑"): "-"}
# One sign for a whole unit.
_SQUARED = {"㎡": "m²", "㎥": "m³", "㎏": "kg", "㎎": "mg", "㎞": "km", "㎝": "cm", "㎜": "mm", "㎖": "ml"}
_SQUARE = re.compile("[" + "".join(_SQUARED) + "]")
_FULL_POINT = re.compile(r"(?<=\d)[．](?=\d)")
_FULL_COLON = re.compile(r"(?<=\d)：(?=\d)")
_GROUPED = re.compile(r"(?<![\d.])(?<!\d,)\d{1,3}(?:(?:,\d{3})+|(?:，000)+)(?!\d)")
_ZERO = re.compile("〇")
_DELETED = re.compile(r"[ \t\r\f\v　—《》【】<>{}()（）#&@“”^_|\\「」『』‘’'\"〈〉〔〕［］\[\]*`]+")
_MARKS = {ord(old): new for old, new in zip("：；，。！？\n·、~～:;", ",,,.!?.,,……,,", strict=True)}
_DOTS = re.compile(r"\.{3,}")
_FOREIGN = re.compile(r"[^一-龥!?…,.\-]+")
_HAN = re.compile(r"[一-龥]")
_MARK_RUN = re.compile(r"([!?…,.\-])[!?…,.\-]+")
_DECORATION = re.compile(r"[\-=]{2,}")
_LONE_MINUS = re.compile(r"(?<![「“『‘ ])-(?![」”』’ ])|(?<=[\u4e00-\u9fa5\d]) - (?=[\u4e00-\u9fa5\d])")
_LEFT_DASH = re.compile("-")
_LONG_DASH = re.compile(r"(?<=[\u4e00-\u9fa5…”’》）)]) ?(?:[—―─]{2,4}| [—–] ) ?(?=[\u4e00-\u9fa5“‘《（(])")
_SPACED_DASH = re.compile(
    "(?<=[\\d\u4e00-\u9fa5”’》）)」』\\].]) [-–] (?=[\u4e00-\u9fa5“‘《（(「『A-Za-z])|(?<=[》」』])[-–](?=[《「『])"
)
_ARROW = re.compile(r"(?<=[\u4e00-\u9fa5”’》）)]) ?(?:-{1,3}|=)\\?> ?(?=[\u4e00-\u9fa5“‘《（(A-Za-z])")
_HEADING = re.compile(
    r"(?:^|(?<=[\n。！？；;：:，,、]))[ 　]*[（(]([一二三四五六七八九十百]{1,4})[)）](?=[ 　]*[\u4e00-\u9fa5])"
)
_NUMBERED = re.compile(
    r"(?:(?<=[\u4e00-\u9fa5])|(?<=^)|(?<=[\n。！？；;：:，,、])) ?(?:[（(](\d{1,2})[)）]|([①-⑳])) ?"
    r"(?=[\u4e00-\u9fa5“《A-Za-z])"
)
_POWER_IS = re.compile(r"(?<=[次平立]方是)\d{3,}(?![\d.])")
_APART = re.compile(r"(?<=[一二三四五六日][、，])([一二三四五六日]) +(?=\d)")
_ASIDE = re.compile(r"(?<=[\u4e00-\u9fa5》”])[（(]([\u4e00-\u9fa5，、：“”《》·～ ]{2,40})[)）](?=([\u4e00-\u9fa5])?)")
_LABEL = re.compile(r"(?:^|(?<=[\n。！？]))[【（(]([\u4e00-\u9fa5]{2,12})[】）)](?=[\u4e00-\u9fa5“《])")


@cache
def _greek() -> dict[str, str]:
    return table("zh")["greek"]


_GREEK = re.compile(r"[Α-Ωα-ω]")


def _spoken_char(match: re.Match[str]) -> str | None:
    return None if readable(match[0]) else ""


# Traditional 著 for the particle 着.
_LASTING_ZHE = re.compile(
    "(?<=[看读捧抱翻听望盯想拿带背])著|(?<![名显卓编论专原巨遗拙译合土所新旧大共素昭较尤])著(?![作名书述者称录有文于论成撰《)）])"
)


_TONE = re.compile("(?<![宫商角变清])徵(?![羽调音声])")
_SURELY_DRY = re.compile("(?<=[饼晒烘擦枯])乾|乾(?=[杯燥果枯净脆了巴])")
_DRY = re.compile("(?<!康)乾(?!坤|隆|卦|元|清|陵|县|道|符|德|封|宁|祐|佑|嘉|宫|位|象|造|安)")
_ME = re.compile("(?<!幺)麽")


def _ungroup(match: re.Match[str]) -> str:
    digits = re.sub("[，,]", "", match[0])
    measured = re.match(r"[.%‰:/A-Za-z°℃ 万亿]", match.string[match.end() :]) or re.search(
        r"[$¥￥€£\-] ?$", match.string[: match.start()]
    )
    return digits if measured else cardinal(digits)


def prepare(text: Tracked) -> Tracked:
    """Widths, traditional characters and number marks, before any rule."""
    text = text.map_chars(_WIDTH)
    simple = text.map_chars(simplify_table())
    traditional = simple.text != text.text
    text = simple.sub(_TONE, "征")
    text = text.sub(_SQUARE, lambda match: _SQUARED[match[0]])
    text = text.sub(_FULL_POINT, ".").sub(_FULL_COLON, ":").sub(_GROUPED, _ungroup).sub(_ZERO, "零")
    text = text.sub(_DRY if traditional else _SURELY_DRY, "干")  # 孙乾 in a simplified text stays
    return text.sub(_LASTING_ZHE, "着").sub(_ME, "么")


def spell_out(text: Tracked) -> Tracked:
    """Numbers, units, operators and letters of other scripts as Chinese words."""
    for pattern, new in zh_amounts.RULES:
        text = text.sub(pattern, new)
    return text.sub(_GREEK, lambda match: _greek().get(match[0]))


def _beside(text: Tracked, before: str, after: str) -> Tracked:
    """``text`` between the letters next to it, which the rules may look at; they are dropped with all foreign signs."""
    if not text.text:
        return text
    first, last = text.starts[0], text.ends[-1]
    return Tracked(
        before + text.text + after,
        (first,) * len(before) + text.starts + (last,) * len(after),
        (first,) * len(before) + text.ends + (last,) * len(after),
    )


def _pauses(text: Tracked) -> Tracked:
    """Dashes and brackets between words are pauses; the number of a heading too."""
    text = text.sub(_HEADING, lambda match: f"{match[1]}，").sub(_LABEL, lambda match: f"{match[1]}，")
    text = text.sub(_ASIDE, lambda match: f"，{match[1]}{'，' if match[2] else ''}")
    return text.sub(_LONG_DASH, "，")


def _enumerated(match: re.Match[str]) -> str:
    """(2) and ② inside a sentence number what follows: a pause on either side."""
    value = match[1] or str(ord(match[2]) - 0x245F)
    return ("，" if match.start() and "\u4e00" <= match.string[match.start() - 1] <= "\u9fa5" else "") + f"{value}，"


def normalize(text: Tracked, beside: tuple[str, str] = ("", ""), ours: bool = False) -> Tracked:
    """The whole Chinese normalisation of one span. ``beside``: the letters before and after it.

    ``ours``: also what the checkpoints' frontend does otherwise: dashes and brackets pause (it deletes them), and
    用时1:23:45 is a stretch of time.
    """
    text = prepare(_beside(text, *beside))
    if ours:
        if not re.search("[=＝]|等于", text.text):  # 利润 = 收入 - 成本
            text = text.sub(_SPACED_DASH, "，")
        text = text.sub(_ARROW, "，").sub(_NUMBERED, _enumerated).sub(_APART, lambda match: f"{match[1]}，")
        text = text.sub(_POWER_IS, lambda match: cardinal(match[0]))
        for pattern, new in zh_dates.DURATIONS:
            text = text.sub(pattern, new)
    text = spell_out(text)
    if ours:
        text = _pauses(text)
    text = text.sub(_DECORATION, "").sub(_LONE_MINUS, "减").sub(_LEFT_DASH, "")
    text = text.sub(re.compile("嗯"), "恩").sub(re.compile("呣"), "母")
    text = text.sub(_DELETED, "").sub(_DOTS, "…").sub(re.compile(r"\$"), ".").map_chars(_MARKS)
    text = text.sub(_FOREIGN, "").sub(_HAN, _spoken_char)
    return text.sub(_MARK_RUN, lambda match: match[1])
