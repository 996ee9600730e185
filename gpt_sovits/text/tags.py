"""The form of the small markup inside a text (what it means: ``markup``)."""

from __future__ import annotations

import re

OPENERS = "[【［〔"
_SECONDS = r"(?P<pause>\d{1,5}(?:\.\d{1,5})?)? ?(?P<unit>ms|milliseconds?|s|secs?|seconds?|毫秒|秒)?"
# this is a reading also in a tag that nobody closed, or that has a bar too many
_PINYIN = r"(?<=[一-鿿][|｜])[a-zA-ZüÜ:]{1,7}[1-5](?: ?[a-zA-ZüÜ:]{1,7}[1-5]){0,9}(?![A-Za-z0-9])"
_TONED = r" ?[a-zA-ZüÜ:]{2,7}[1-5](?: ?[a-zA-ZüÜ:]{1,7}[1-5]){0,9} ?"  # [行:hang2]
TAG = re.compile(
    rf"[{re.escape(OPENERS)}](?:[ \t]*(?i:pause|break|停顿)[ \t]?[ =:：(（]?"
    rf"[ \t]?(?i:{_SECONDS})[)）]?[ \t]*(?P<end>[\]】］〕])"
    r"|[ \t]*(?i:pause|停顿)[ \t=:：](?P<odd>[^\[\]【】［］〔〕|｜\n]{0,60}[\]】］〕])"
    r"|(?P<text>[^\[\]【】［］〔〕|｜\n]{0,200})"
    rf"(?:[|｜]|(?<=[一-鿿])[:：=](?={_TONED}[\]】］〕]))"
    rf"(?P<say>\[[^\[\]|\n]{{1,100}}\](?=[\]】］〕])|[^\[\]【】［］〔〕|｜\n]{{1,200}}(?=[\]】］〕])|{_PINYIN})(?:[|｜][^\[\]【】［］〔〕|｜\n]{{0,60}}(?=[\]】］〕]))?[\]】］〕]?)"
)
SPEED = re.compile(r"(?i)(?:speed|语速)[ =:：]{0,2}(\d{1,3}(?:\.\d{1,4})?)\s?[x×%]?")
EMPHASIS = re.compile(r"(?i:emphasis|stress)|强调|重读")
USUAL_PAUSE = 0.5


def pause_of(tag: re.Match[str]) -> float | None:
    """Seconds of silence that a tag asks for (0.05 to 10; the usual ones where nobody knows), None for no pause."""
    if tag["odd"]:
        return USUAL_PAUSE
    if tag["end"] is None:
        return None
    value = float(tag["pause"]) if tag["pause"] else USUAL_PAUSE
    if tag["unit"] and tag["unit"].lower().startswith(("ms", "milli", "毫")):
        value /= 1000
    return min(max(value, 0.05), 10.0)


def speed_of(tag: re.Match[str]) -> float | None:
    """The factor that a tag asks for (0.5 to 2), None when it asks for none."""
    found = SPEED.fullmatch((tag["say"] or "").strip())
    if not found:
        return None
    value = float(found[1])
    return min(max(value / 100 if value > 10 else value, 0.5), 2.0)


def is_emphasis(tag: re.Match[str]) -> bool:
    """Whether a tag asks that its words are stressed."""
    return bool(EMPHASIS.fullmatch((tag["say"] or "").strip()))
