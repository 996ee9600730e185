# ruff: noqa: E501
"""Korean by rule: numbers and letters in Hangul, standard pronunciation changes, then jamo as phones.

Without a morphological analyser; the few changes that need one (tense sounds after a modifying -ㄹ) go by word lists.
"""

from __future__ import annotations

import re
import unicodedata

from gpt_sovits.text.tracked import Tracked

_ONSETS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_CODAS = " ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"
_SPLIT = {
    "ㅘ": "ㅗㅏ", "ㅙ": "ㅗㅐ", "ㅚ": "ㅗㅣ", "ㅝ": "ㅜㅓ", "ㅞ": "ㅜㅔ", "ㅟ": "ㅜㅣ", "ㅢ": "ㅡㅣ", "ㅑ": "ㅣㅏ", "ㅒ": "ㅣㅐ",
    "ㅕ": "ㅣㅓ", "ㅖ": "ㅣㅔ", "ㅛ": "ㅣㅗ", "ㅠ": "ㅣㅜ",
}  # fmt: skip
_MARKS = dict(zip("：；，。！？\n·、;: ", ",,,.!?.,,,,空", strict=True))
_KEPT = frozenset("!?…,.-")
_LETTERS = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyz",
        "에이 비 시 디 이 에프 지 에이치 아이 제이 케이 엘 엠 엔 오 피 큐 아르 에스 티 유 브이 더블유 엑스 와이 제트".split(),
        strict=True,
    )
)
_SINO = "영일이삼사오육칠팔구"
_NATIVE = ("", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉")
_NATIVE_TENS = ("", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔")
_NATIVE_COUNTERS = (
    "개|시(?!간|작|월)|시간|명|마리|권|살|잔|병|대|장|자루|켤레|송이|그루|채|벌|사람|가지|군데|번(?!호|지)|척|통|곳|달"
)
_SINO_COUNTERS = "분|초|년|월|일|원|층|호|세|도|점|주|개월|회|위|등|차|학년|반|페이지|쪽|퍼센트|%|미터|킬로|킬로미터|센티미터|만|억|천|백|명|개|인"
# Words whose second part gains a ㄴ, and other fixed pronunciations.
_FIXED = {
    "꽃잎": "꼰닙", "색연필": "생년필", "솜이불": "솜니불", "홑이불": "혼니불", "막일": "망닐", "맨입": "맨닙", "한여름": "한녀름",
    "신여성": "신녀성", "직행열차": "지캥녈차", "늑막염": "능망념", "콩엿": "콩녇", "담요": "담뇨", "눈요기": "눈뇨기", "영업용": "영엄뇽",
    "식용유": "시굥뉴", "솔잎": "솔립", "물약": "물략", "불여우": "불려우", "서울역": "서울력", "휘발유": "휘발류", "깻잎": "깬닙",
    "나뭇잎": "나문닙", "뒷일": "뒨닐", "옛일": "옌닐", "맛없": "마덥", "첫인상": "처딘상", "헛웃음": "허두슴", "알약": "알략",
}  # fmt: skip
_MODIFIER = re.compile(r"((?:[가-힣]*(?:할|갈|올|볼|줄|될|살|알|쓸|만들|있을|없을|먹을|읽을|같을|좋을|싶을|않을|많을|했을|였을|었을|았을)) )"
                       r"([ㄱ-ㅎ가-힣])")  # fmt: skip
_NOT_MODIFIED = re.compile(
    r"(?:오늘|어느 날|서울|물|말|길|일|글|술|돌|달|별|불|칼|팔|발|얼굴|마을|가을|겨울|거울|하늘|바늘|마늘|비밀) $"
)
_TENSE = {"ㄱ": "ㄲ", "ㄷ": "ㄸ", "ㅂ": "ㅃ", "ㅅ": "ㅆ", "ㅈ": "ㅉ"}
_ASPIRATED = {"ㄱ": "ㅋ", "ㄷ": "ㅌ", "ㅂ": "ㅍ", "ㅈ": "ㅊ"}
_NASAL = {"ㄱ": "ㅇ", "ㄷ": "ㄴ", "ㅂ": "ㅁ"}
_FINAL = {
    "ㄲ": "ㄱ", "ㅋ": "ㄱ", "ㄳ": "ㄱ", "ㄺ": "ㄱ", "ㅅ": "ㄷ", "ㅆ": "ㄷ", "ㅈ": "ㄷ", "ㅊ": "ㄷ", "ㅌ": "ㄷ", "ㅎ": "ㄷ",
    "ㅍ": "ㅂ", "ㅄ": "ㅂ", "ㄿ": "ㅂ", "ㄵ": "ㄴ", "ㄶ": "ㄴ", "ㄼ": "ㄹ", "ㄽ": "ㄹ", "ㄾ": "ㄹ", "ㅀ": "ㄹ", "ㄻ": "ㅁ",
}  # fmt: skip
_PAIRS = {
    "ㄳ": ("ㄱ", "ㅅ"), "ㄵ": ("ㄴ", "ㅈ"), "ㄶ": ("ㄴ", "ㅎ"), "ㄺ": ("ㄹ", "ㄱ"), "ㄻ": ("ㄹ", "ㅁ"), "ㄼ": ("ㄹ", "ㅂ"),
    "ㄽ": ("ㄹ", "ㅅ"), "ㄾ": ("ㄹ", "ㅌ"), "ㄿ": ("ㄹ", "ㅍ"), "ㅀ": ("ㄹ", "ㅎ"), "ㅄ": ("ㅂ", "ㅅ"),
}  # fmt: skip
Syllable = list[str]


def _sino(text: str) -> str:
    """``1234567`` -> 백이십삼만사천오백육십칠."""
    value = int(text)
    if value == 0:
        return "영"
    words = ""
    for scale, name in ((10**12, "조"), (10**8, "억"), (10**4, "만"), (1, "")):
        group, value = divmod(value, scale)
        part = ""
        for size, unit in ((1000, "천"), (100, "백"), (10, "십"), (1, "")):
            digit, group = divmod(group, size)
            if digit:
                part += ("" if digit == 1 and unit else _SINO[digit]) + unit
        if part:
            words += ("" if part == "일" and name == "만" else part) + name
    return words


def _native(text: str) -> str | None:
    value = int(text)
    if not 0 < value < 100:
        return None
    return "스무" if value == 20 else _NATIVE_TENS[value // 10] + _NATIVE[value % 10]


def _spelled(text: str) -> str:
    return "".join(_SINO[int(char)] for char in text)


_NUMBER_RULES = (
    (re.compile(r"(?<!\d)(\d{1,2}):([0-5]\d)(?!\d)"),
     lambda m: f"{_native(str(int(m[1]) % 12 or 12))}시" + (f" {_sino(m[2])}분" if int(m[2]) else "")),
    (re.compile(r"(?<![\d.])(\d+)\.(\d+)(?![\d.])"), lambda m: f"{_sino(m[1])}점{_spelled(m[2])}"),
    (re.compile(r"(?<=\d),(?=\d{3}(?!\d))"), ""),
    (re.compile(rf"(?<!\d)(\d{{1,2}}) ?(?={_NATIVE_COUNTERS})"), lambda m: _native(m[1]) or _sino(m[1])),
    (re.compile(rf"(?<!\d)(\d{{1,16}}) ?(?={_SINO_COUNTERS})"), lambda m: _sino(m[1])),
    (re.compile(r"[%％]"), "퍼센트"),
    (re.compile(r"\d+"), lambda m: _spelled(m[0])),
)  # fmt: skip


def normalize(text: Tracked) -> Tracked:
    """Full width folded, numbers and Latin letters in Hangul, fixed pronunciations put in."""
    text = text.map_chars({code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)} | {0x3000: " "})
    for pattern, new in _NUMBER_RULES:
        text = text.sub(pattern, new)
    text = text.sub(re.compile("[A-Za-z]"), lambda match: _LETTERS[match[0].lower()])
    return text.sub(re.compile("|".join(_FIXED)), lambda match: _FIXED[match[0]])


def _take_apart(char: str) -> Syllable:
    code = ord(char) - 0xAC00
    return [_ONSETS[code // 588], _VOWELS[code % 588 // 28], _CODAS[code % 28].strip()]


def _breath(left: Syllable, right: Syllable) -> None:
    """ㅎ on either side of the border."""
    coda, onset = left[2], right[0]
    first, second = _PAIRS.get(coda, ("", coda))
    if second == "ㅎ":
        if onset in _ASPIRATED:
            right[0], left[2] = _ASPIRATED[onset], first
        elif onset == "ㅅ":
            right[0], left[2] = "ㅆ", first
        elif onset in "ㅇㄴ":
            left[2] = first if onset == "ㅇ" or first else "ㄴ"
    elif onset == "ㅎ" and coda:
        plain = _FINAL.get(coda, coda) if coda not in ("ㅈ", "ㄵ", "ㄺ", "ㄼ") else second
        if plain in _ASPIRATED:
            right[0] = "ㅊ" if plain == "ㄷ" and right[1] == "ㅣ" and coda in ("ㄷ", "ㅌ") else _ASPIRATED[plain]
            left[2] = first


def _link(left: Syllable, right: Syllable) -> None:
    """A final consonant moves to a following vowel; ㄷ and ㅌ soften before ㅣ."""
    coda = left[2]
    if right[0] != "ㅇ" or coda in ("", "ㅇ"):
        return
    first, second = _PAIRS.get(coda, ("", coda))
    if second in ("ㄷ", "ㅌ") and right[1] == "ㅣ":
        second = "ㅈ" if second == "ㄷ" else "ㅊ"
    elif second == "ㅅ" and first:
        second = "ㅆ"
    left[2], right[0] = first, second


def _meet(left: Syllable, right: Syllable) -> None:
    """Tensing, nasals and ㄹ where two consonants touch; ``left`` already ends in one of the seven finals."""
    coda, onset = left[2], right[0]
    if coda in _NASAL and onset in _TENSE:
        right[0] = _TENSE[onset]
    elif coda in _NASAL and onset in "ㄴㅁ":
        left[2] = _NASAL[coda]
    elif coda in _NASAL and onset == "ㄹ":
        left[2], right[0] = _NASAL[coda], "ㄴ"
    elif coda in ("ㅁ", "ㅇ") and onset == "ㄹ":
        right[0] = "ㄴ"
    elif (coda, onset) in (("ㄴ", "ㄹ"), ("ㄹ", "ㄴ")):
        left[2] = right[0] = "ㄹ"


def _finalise(left: Syllable, right: Syllable | None) -> bool:
    """One of the seven finals; returns whether the next consonant must be tense because of what was lost."""
    coda = left[2]
    if coda == "ㄼ" and left[0] == "ㅂ" and right is not None:
        left[2] = "ㅂ"
        return False
    if coda == "ㄺ" and right is not None and right[0] == "ㄱ":
        left[2] = "ㄹ"
        return True
    left[2] = _FINAL.get(coda, coda)
    return coda in ("ㄼ", "ㄾ", "ㄵ")


def pronounce(text: str) -> list[str]:
    """Spoken jamo strings, one per character of ``text`` (Hangul syllables changed, everything else as it is)."""
    spoken: list[Syllable | str] = [_take_apart(c) if "가" <= c <= "힣" else c for c in text]
    tense_after = {match.start(2) for match in _MODIFIER.finditer(text) if not _NOT_MODIFIED.search(match[1])}
    places = [i for i, item in enumerate(spoken) if isinstance(item, list)]
    for i in places:
        syllable = spoken[i]
        assert isinstance(syllable, list)
        if syllable[1] == "ㅢ" and syllable[0] != "ㅇ":
            syllable[1] = "ㅣ"
        if syllable[1] == "ㅕ" and syllable[0] in "ㅈㅉㅊ":
            syllable[1] = "ㅓ"
        if i in tense_after:
            syllable[0] = _TENSE.get(syllable[0], syllable[0])
    for n, i in enumerate(places):
        left = spoken[i]
        assert isinstance(left, list)
        following = places[n + 1] if n + 1 < len(places) else -1
        apart = text[i + 1 : following].strip(" ") if following > 0 else "."
        right = spoken[following] if following > 0 and not apart else None
        if not isinstance(right, list):
            _finalise(left, None)
            continue
        touching = following == i + 1
        if touching:
            _breath(left, right)
            _link(left, right)
        elif right[0] == "ㅎ" and _FINAL.get(left[2], left[2]) in _ASPIRATED and left[2]:
            right[0], left[2] = _ASPIRATED[_FINAL.get(left[2], left[2])], ""
        if _finalise(left, right) and right[0] in _TENSE:
            right[0] = _TENSE[right[0]]
        elif touching or not (left[1:] == ["ㅡ", "ㄹ"] and left[0] in "ㅇㄹ" and right[0] == "ㄴ"):
            if touching or right[0] != "ㅇ":
                _meet(left, right)
    if "여덟" in text:
        for match in re.finditer(r"여덟 ?(?=[가-힣])", text):
            item = spoken[match.end()]
            if isinstance(item, list):
                item[0] = _TENSE.get(item[0], item[0])
    return ["".join(item) if isinstance(item, list) else item for item in spoken]


def g2p(norm_text: str) -> list[tuple[str, ...]]:
    """Phones per character of ``norm_text``: jamo, 空 for a space, kept marks; what nobody reads gives none."""
    parts: list[tuple[str, ...]] = []
    for char, spoken in zip(norm_text, pronounce(norm_text), strict=True):
        if "가" <= char <= "힣":
            parts.append(tuple(jamo for part in spoken for jamo in _SPLIT.get(part, part)))
        elif char in _MARKS or char in _KEPT:
            parts.append((_MARKS.get(char, char),))
        elif char in _VOWELS or char in _ONSETS:
            parts.append(tuple(_SPLIT.get(char, char)))
        else:
            parts.append(("停",) if unicodedata.category(char)[0] in "SP" else ())
    if norm_text and parts[-1] and ("가" <= norm_text[-1] <= "힣" or norm_text[-1] in _VOWELS + _ONSETS):
        parts[-1] = (*parts[-1], ".")
    return parts
